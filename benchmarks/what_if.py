"""Times one added facility against walking everything again, on a lattice: ``python benchmarks/what_if.py [NODES]``.

The town is that of ``network.py``: streets about 40 m long, a seventh of them missing, one home a node, ten kinds with one facility per
500 nodes and kind. The answers, every field and every minute, are compared to the last bit before anything is printed.
"""

import sys
from datetime import date
from statistics import median
from time import perf_counter

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle import Study, network, scenario, schema, what_if
from network import CRS, STEP_M, lattice


def town(nodes: int, rng: np.random.Generator) -> Study:
    """Streets, homes and facilities; facilities of ten kinds that the schema knows."""
    side = np.sqrt(nodes) * STEP_M
    count = max(1, nodes // 500)
    kinds = (
        "clinic",
        "kindergarten",
        "primary_school",
        "pharmacy",
        "bank",
        "nursery",
        "gym",
        "supermarket",
        "hospital",
        "museum",
    )

    def points(many: int, offset: float) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
        return np.asarray(shapely.points(rng.uniform(0, side, (many, 2)) + offset))

    streets = lattice(nodes, rng)
    offset = 500_000.0
    streets = streets.set_geometry(streets.geometry.translate(offset, offset))
    homes = gpd.GeoDataFrame({"residents": np.full(nodes, 10.0)}, geometry=points(nodes, offset), crs=CRS)
    facilities = gpd.GeoDataFrame({"kind": np.repeat(kinds, count)}, geometry=points(10 * count, offset), crs=CRS)
    tables = {"streets": streets, "homes": homes, "facilities": facilities}
    return Study(
        name="lattice",
        crs=homes.crs,
        as_of=date(2025, 12, 31),
        language="en",
        **{name: schema.conform(name, frame) for name, frame in tables.items()},
    )


def main(nodes: int) -> None:
    """Print seconds and the ratio."""
    rng = np.random.default_rng(1)
    what_if.walks(town(400, rng))  # compiles
    study = town(nodes, rng)
    middle = study.homes.geometry.iloc[nodes // 2]
    plan = gpd.GeoDataFrame(
        {"action": ["add"], "table": ["facilities"], "id": ["new"], "kind": ["clinic"]}, geometry=[middle], crs=CRS
    )
    planned = scenario.read(plan, study)
    after = scenario.apply(study, planned)
    before = what_if.walks(study)
    walk, homes = before.walk, before.homes
    seconds: dict[str, list[float]] = {"one facility added": [], "everything again": []}
    for _ in range(5):
        start = perf_counter()
        quick = what_if.walks_after(before, study, after, planned)
        seconds["one facility added"].append(perf_counter() - start)
        start = perf_counter()
        fields = network.field(walk, after.facilities, entrances=after.entrances)
        minutes = network.minutes(walk, fields, homes)
        seconds["everything again"].append(perf_counter() - start)
    pd.testing.assert_frame_equal(quick.minutes, minutes, check_exact=True)
    for row, kind in enumerate(fields.kinds):
        assert np.array_equal(quick.fields[kind].metres[0], fields.metres[row])
    print(
        f"{len(walk.node_x):,} nodes, {len(homes.index):,} homes, {len(fields.kinds)} kinds; the network is built already"
    )
    for what, took in seconds.items():
        print(f"{what:<48}{median(took):8.3f} s")
    print(f"{'ratio':<48}{median(seconds['one facility added']) / median(seconds['everything again']):8.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
