"""Times the sharing of buildings out to parcels: ``python benchmarks/overlay.py [--parcels 100000] [--buildings 300000]``.

Irregular parcels that fill the ground without gap or overlap, and turned rectangles on them of which a tenth cross a
boundary, drawn from a fixed seed. Both sides work on the same frames in one process: `land.shares`, its areas summed by
parcel, against ``geopandas.overlay`` and the sum of its pieces by parcel. Their areas are compared, pair by pair, before their
times are. Medians of three, printed as Markdown.
"""

import argparse
import platform
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.analyse import land

SIDE_M, CROSSING = 40.0, 0.1


def town(parcels: int, buildings: int, *, seed: int = 1) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Parcels on a grid whose corners are moved and whose sides are bent, and buildings inside them or across a side."""
    rng = np.random.default_rng(seed)
    columns = int(np.ceil(np.sqrt(parcels)))
    rows = int(np.ceil(parcels / columns))
    # Three more points on every side, each moved: neighbours share them, so there is neither gap nor overlap.
    step = 4
    x, y = np.meshgrid(np.arange(columns * step + 1) / step, np.arange(rows * step + 1) / step)
    points = np.stack([x, y], axis=-1) * SIDE_M + rng.uniform(-2.5, 2.5, (*x.shape, 2))
    across, up = np.meshgrid(np.arange(columns) * step, np.arange(rows) * step)
    along = np.arange(step)
    ring = np.concatenate(
        [
            np.stack([along, np.zeros(step, int)], axis=1),
            np.stack([np.full(step, step), along], axis=1),
            np.stack([step - along, np.full(step, step)], axis=1),
            np.stack([np.zeros(step, int), step - along], axis=1),
        ]
    )
    cells = points[up.ravel()[:, None] + ring[:, 1], across.ravel()[:, None] + ring[:, 0]]
    plots = shapely.polygons(cells[:parcels])
    home = rng.integers(0, parcels, buildings)
    middle = np.stack([across.ravel()[home], up.ravel()[home]], axis=1) / step * SIDE_M + SIDE_M / 2
    crossing = np.arange(buildings) < buildings * CROSSING
    # Inside: at most 9 m from the middle of the parcel. Across: at the middle of a side that is not the edge of the town.
    away = rng.uniform(-4, 4, (buildings, 2))
    side = rng.integers(0, 2, buildings)
    push = np.stack([side == 0, side == 1], axis=1) * SIDE_M / 2
    outward = (across.ravel()[home] // step < columns - 1) & (up.ravel()[home] // step < rows - 1)
    middle = middle + np.where((crossing & outward)[:, None], push, away)
    half = rng.uniform(3, 6, (buildings, 2))
    turned = rng.uniform(0, np.pi, buildings)
    cos, sin = np.cos(turned), np.sin(turned)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half[:, None, :]
    drawn = np.stack(
        [corners[..., 0] * cos[:, None] - corners[..., 1] * sin[:, None],
         corners[..., 0] * sin[:, None] + corners[..., 1] * cos[:, None]],
        axis=-1,
    )  # fmt: skip
    order = rng.permutation(buildings)
    prints = shapely.polygons(drawn + middle[:, None, :])[order]
    return (
        gpd.GeoDataFrame({"parcel": np.arange(parcels)}, geometry=plots, crs=4547),
        gpd.GeoDataFrame({"building": np.arange(buildings)}, geometry=prints, crs=4547),
    )


def overlaid(parcels: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> tuple[pd.DataFrame, "pd.Series[float]"]:
    """The usual way: pieces of `geopandas.overlay`, and their area by parcel."""
    pieces = gpd.overlay(buildings, parcels, how="intersection", keep_geom_type=True)
    pieces["area_m2"] = pieces.area
    return pieces, pieces.groupby("parcel")["area_m2"].sum()


def shared(parcels: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> tuple[pd.DataFrame, "pd.Series[float]"]:
    """Ours: pairs with their area, and their area by parcel."""
    pairs = land.shares(parcels, buildings)
    return pairs, pairs.groupby("parcel")["area_m2"].sum()


def timed(work: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    """The answer of `work` and the median of its seconds."""
    seconds = []
    for _ in range(repeats):
        start = perf_counter()
        answer = work()
        seconds.append(perf_counter() - start)
    return answer, median(seconds)


def main(parcels: int, buildings: int, repeats: int) -> None:
    """Print the table."""
    plots, prints = town(parcels, buildings)
    fresh = [
        frame.copy(deep=True) for frame in (plots, prints)
    ]  # preparing one side's geometries must not help the other
    (pairs, ours), our_seconds = timed(lambda: shared(plots, prints), repeats)
    (pieces, theirs), their_seconds = timed(lambda: overlaid(*fresh), repeats)
    crossing = pairs["building"].value_counts().gt(1).mean()
    one = pairs.set_index(["building", "parcel"])["area_m2"]
    other = pieces.set_index(["building", "parcel"])["area_m2"]
    worst = one.sub(other, fill_value=0).abs().max()
    by_parcel = ours.sub(theirs, fill_value=0).abs().max()
    print(f"{parcels:,} parcels, {buildings:,} buildings, {crossing:.1%} of them on more than one parcel; ", end="")
    print(
        f"shapely {shapely.__version__}, GEOS {shapely.geos_version_string}, geopandas {gpd.__version__}, {platform.machine()}\n"
    )
    print("| work | s, median of", repeats, "| ratio |")
    print("|---|---:|---:|")
    print(f"| `land.shares`, summed by parcel | {our_seconds:.2f} | |")
    print(f"| `geopandas.overlay`, summed by parcel | {their_seconds:.2f} | **{their_seconds / our_seconds:.1f}** |\n")
    print(
        f"Pairs {len(one):,} and {len(other):,}; largest difference of area {worst:.1e} m² a pair, {by_parcel:.1e} m² a parcel."
    )
    if max(worst, by_parcel) > 1e-6:
        raise SystemExit("the areas differ")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parcels", type=int, default=100_000)
    parser.add_argument("--buildings", type=int, default=300_000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    main(given.parcels, given.buildings, given.repeats)
