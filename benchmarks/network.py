"""Times the walking network against scipy and shapely on a lattice: ``python benchmarks/network.py [NODES]``.

A square lattice of streets about 40 m long, a seventh of them missing, one home a node, ten kinds of facility with one facility per
500 nodes and kind. Compilation is timed apart. Every answer is compared with the peer's before it is timed.
"""

import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from lifecircle import network

CRS = "EPSG:4547"
STEP_M = 40.0


def timed(what: str, work: Callable[[], Any]) -> tuple[Any, float]:
    """The answer of `work` and its seconds, printed."""
    start = perf_counter()
    answer = work()
    seconds = perf_counter() - start
    print(f"{what:<48}{seconds:8.2f} s")
    return answer, seconds


def lattice(nodes: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Streets between shaken lattice points."""
    side = int(np.sqrt(nodes))
    xy = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1) * STEP_M + rng.uniform(
        -10, 10, (side, side, 2)
    )
    across = np.stack([xy[:, :-1], xy[:, 1:]], axis=2).reshape(-1, 2, 2)
    up = np.stack([xy[:-1], xy[1:]], axis=2).reshape(-1, 2, 2)
    lines = np.concatenate([across, up])
    lines = lines[rng.random(len(lines)) > 1 / 7]
    index = pd.RangeIndex(len(lines), name="street_id")
    return gpd.GeoDataFrame(geometry=shapely.linestrings(lines), index=index, crs=CRS)


def main(nodes: int) -> None:
    """Print seconds and ratios."""
    rng = np.random.default_rng(1)
    streets = lattice(nodes, rng)
    side = np.sqrt(nodes) * STEP_M
    count = max(1, nodes // 500)
    homes = gpd.GeoDataFrame(geometry=shapely.points(rng.uniform(0, side, (nodes, 2))), crs=CRS)
    kinds = np.repeat([f"kind {i}" for i in range(10)], count)
    where = shapely.points(rng.uniform(0, side, (10 * count, 2)))
    facilities = gpd.GeoDataFrame({"kind": kinds}, geometry=where, crs=CRS)

    def first() -> None:
        walk = network.build(streets.iloc[:10])
        network.nearest(walk, homes.iloc[:9], facilities.iloc[:9])
        network.pairs(walk, homes.iloc[:9], facilities.iloc[:9], limit_min=1)

    timed("first call (compiling, or loading the cache)", first)
    walk, _ = timed(f"build, {len(streets):,} streets", lambda: network.build(streets))
    placed, place_s = timed(f"place {nodes:,} points", lambda: network.place(walk, homes))
    _, nearest_s = timed("nearest, 10 kinds, placing included", lambda: network.nearest(walk, homes, facilities))
    few = facilities.iloc[:: max(1, len(facilities) // 2000)]
    timed("pairs within 15 min, 2,000 facilities", lambda: network.pairs(walk, homes, few, limit_min=15))

    sample = homes.geometry.to_numpy()[:50_000]
    drawn = network.edges(walk)
    main_ = drawn.geometry[drawn["component"] == 0].to_numpy()

    def by_tree() -> Any:
        tree = shapely.STRtree(main_)
        (i, j), metres = tree.query_nearest(sample, return_distance=True, all_matches=False)
        shapely.line_locate_point(main_[j], sample[i])
        return metres

    metres, tree_s = timed("STRtree, 50,000 points", by_tree)
    np.testing.assert_allclose(placed["leg_m"].to_numpy()[: len(sample)], metres, atol=1e-9)

    doors = network.place(walk, facilities)
    n = len(walk.node_x)
    graph, graph_s = timed(
        "scipy, matrix", lambda: csr_array((walk.arc_m, walk.arc_node, walk.arc_start), shape=(n, n))
    )
    nearest_node = walk.edge_u[doors["edge"].to_numpy()]
    seeds = [nearest_node[kinds == kind] for kind in np.unique(kinds)]
    _, scipy_s = timed(
        "scipy, dijkstra(min_only), nodes only",
        lambda: [dijkstra(graph, indices=seed, min_only=True) for seed in seeds],
    )
    print(f"place is {tree_s * nodes / len(sample) / place_s:.1f} × STRtree a point")
    print(f"nearest (homes included) is {(scipy_s + graph_s) / nearest_s:.1f} × scipy (nodes only)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
