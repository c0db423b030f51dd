"""Times one union service area and the placing of points: ``python benchmarks/service_areas.py PLACE [--nodes 109000]``.

The ground within 15 minutes of facilities on a tiled network (see graphs.py), legs of at most 40 m, against what is usual: the parts
of streets in reach cut out, each buffered by 40 m, and the buffers united: edges from junction to junction by GEOS, and, as graph
libraries hold them, pieces from vertex to vertex by geopandas. The two rules differ (a buffer does not shrink with
the minutes left and does not ask which street is nearest), so the area is checked against the same rule on a grid of 1 m. A million
points onto their edges go against shapely's tree. Medians of three, one process.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import geopandas as gpd
import graphs
import numpy as np
import shapely

from lifecircle import network

LEG_M, SPEED_M_S, LIMIT_MIN = 40.0, 1.25, 15.0


def timed(what: str, work: Callable[[], Any], repeats: int = 3) -> tuple[Any, float]:
    """The answer of `work` and the median of its seconds, printed."""
    seconds = []
    for _ in range(repeats):
        start = perf_counter()
        answer = work()
        seconds.append(perf_counter() - start)
    print(f"{what:<60}{median(seconds):8.2f} s", flush=True)
    return answer, median(seconds)


def reached(walk: network.WalkNetwork, fields: network.WalkField) -> np.ndarray:
    """The parts of edges in reach, as lines."""
    drawn = network.edges(walk).geometry.to_numpy()
    most = LIMIT_MIN * 60 * SPEED_M_S
    u, v = (fields.metres[0][end[: walk.drawn]] for end in (walk.edge_u, walk.edge_v))
    length = walk.edge_m[: walk.drawn]
    from_u, from_v = np.clip(most - u, 0, length), np.clip(most - v, 0, length)
    whole = from_u + from_v >= length
    lines = [drawn[whole]]
    for off, turned in ((from_u, False), (from_v, True)):
        some = ~whole & (off > 0)
        line = shapely.reverse(drawn[some]) if turned else drawn[some]
        # The first part of a line, cut at the metres left: points along it joined up.
        at = np.linspace(0, 1, 9)[None, :] * off[some][:, None]
        points = shapely.line_interpolate_point(line[:, None], at)
        lines.append(shapely.linestrings(shapely.get_coordinates(points).reshape(-1, 9, 2)))
    return np.concatenate(lines)


def between_vertices(graph: graphs.Graph, walk: network.WalkNetwork, fields: network.WalkField) -> np.ndarray:
    """The pieces of the graph with both ends in reach, as lines: what a graph library holds for edges."""
    xy = graph.nodes[["x", "y"]].to_numpy()
    minutes = network.minutes(walk, fields, xy, speed_m_s=SPEED_M_S, max_leg_m=LEG_M).iloc[:, 0].to_numpy()
    a, b = graph.pieces["from"].to_numpy(), graph.pieces["to"].to_numpy()
    both = (minutes[a] <= LIMIT_MIN) & (minutes[b] <= LIMIT_MIN)
    return shapely.linestrings(np.stack([xy[a[both]], xy[b[both]]], axis=1))


def on_a_grid(walk: network.WalkNetwork, fields: network.WalkField, box: shapely.Polygon) -> float:
    """Square metres within reach in `box`, counted on a grid of 1 m by the minutes of every point."""
    west, south, east, north = (int(value) for value in box.bounds)
    count = 0
    for row in range(south, north, 250):
        x, y = np.meshgrid(np.arange(west, east) + 0.5, np.arange(row, min(row + 250, north)) + 0.5)
        points = gpd.GeoDataFrame(geometry=shapely.points(x.ravel(), y.ravel()), crs=walk.crs)
        minutes = network.minutes(walk, fields, points, speed_m_s=SPEED_M_S, max_leg_m=LEG_M)
        count += int((minutes.iloc[:, 0] <= LIMIT_MIN).sum())
    return float(count)


def main(place: Path, nodes: int, points: int) -> None:
    """Print seconds and ratios."""
    graph = graphs.tiled(place, nodes=nodes)
    rng = np.random.default_rng(1)
    facilities = graph.facilities(rng)
    # One kind and few facilities, so that some of the ground is out of reach.
    facilities = facilities[facilities["kind"] == "kind 0"].iloc[::2]
    walk, _ = timed(f"build, {len(graph.nodes):,} vertices", lambda: network.build(graph.streets), 1)
    fields = network.field(walk, facilities, max_leg_m=LEG_M)
    asked: dict[str, Any] = {"limits_min": [LIMIT_MIN], "speed_m_s": SPEED_M_S, "max_leg_m": LEG_M}
    network.areas(walk, network.field(walk, facilities.iloc[:1], max_leg_m=LEG_M), **asked)
    for thorough in (True, False):
        found, ours = timed(
            f"service area, cell 10 m, thorough {thorough}",
            lambda t=thorough: network.areas(walk, fields, thorough=t, **asked),
        )
        print(
            f"  {found['area_m2'].iloc[0] / 1e6:.4f} km², {shapely.get_num_coordinates(found.geometry.iloc[0]):,} vertices"
        )
    middle = walk.x.max() / 2 + walk.origin[0], walk.y.max() / 2 + walk.origin[1]
    box = shapely.box(*(round(c) - 1000 for c in middle), *(round(c) + 1000 for c in middle))
    mine, truth = shapely.area(shapely.intersection(found.geometry.iloc[0], box)), on_a_grid(walk, fields, box)
    print(
        f"  of 4 km² in the middle: {mine:,.0f} m² against {truth:,.0f} m² on a grid of 1 m ({mine / truth - 1:+.3%})"
    )
    lines = reached(walk, fields)
    united, theirs = timed(
        f"buffer {len(lines):,} lines and unite",
        lambda: shapely.union_all(shapely.buffer(lines, LEG_M, quad_segs=8)),
    )
    print(f"  {shapely.area(united) / 1e6:.4f} km²; {theirs / ours:.1f} times as long")
    pieces = between_vertices(graph, walk, fields)
    united, theirs = timed(
        f"geopandas: buffer {len(pieces):,} pieces between vertices and unite",
        lambda: gpd.GeoSeries(pieces).buffer(LEG_M).union_all(),
    )
    print(f"  {shapely.area(united) / 1e6:.4f} km²; {theirs / ours:.1f} times as long")
    _, theirs = timed(
        "geopandas: the same by dissolve",
        lambda: gpd.GeoDataFrame(geometry=gpd.GeoSeries(pieces).buffer(LEG_M)).dissolve(),
    )
    print(f"  {theirs / ours:.1f} times as long")

    xy = np.stack(
        [rng.uniform(walk.x.min(), walk.x.max(), points), rng.uniform(walk.y.min(), walk.y.max(), points)], axis=1
    )
    homes = gpd.GeoDataFrame(geometry=shapely.points(xy + walk.origin), crs=walk.crs)
    placed, ours = timed(f"place {points:,} points", lambda: network.place(walk, homes))
    drawn = network.edges(walk)
    main_ = drawn.geometry[drawn["component"] == 0].to_numpy()
    sample = homes.geometry.to_numpy()[: max(points // 10, 1)]

    def by_tree() -> np.ndarray:
        tree = shapely.STRtree(main_)
        (i, j), metres = tree.query_nearest(sample, return_distance=True, all_matches=False)
        shapely.line_locate_point(main_[j], sample[i])
        return metres

    metres, theirs = timed(f"shapely's tree, {len(sample):,} of them", by_tree, 1)
    legs = placed["leg_m"].to_numpy()[: len(sample)]
    here = ~np.isnan(legs)
    print(
        f"  legs differ by {np.abs(legs[here] - metres[here]).max():.1e} m at most; a point {theirs * points / len(sample) / ours:.1f} times as long"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("place", type=Path)
    parser.add_argument("--nodes", type=int, default=109_000)
    parser.add_argument("--points", type=int, default=1_000_000)
    given = parser.parse_args()
    main(given.place, given.nodes, given.points)
