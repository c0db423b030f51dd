"""Random towns, slopes and a referee for the network's laws."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import geopandas as gpd
import networkx as nx
import numpy as np
import numpy.typing as npt
import pandas as pd
from drawing import barriers, gates, streets
from hypothesis import strategies as st

from lifecircle.network import WalkNetwork, place

Floats = npt.NDArray[np.float64]

# Corners on multiples of 10 m make crossings, shared corners and streets on one another; any others make narrow angles.
lattice = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda p: (10.0 * p[0], 10.0 * p[1]))
# All to the millimetre, for what lies nearer to 0 than any survey puts the referee's arithmetic out, not ours.
anywhere = st.tuples(st.integers(0, 200_000), st.integers(0, 200_000)).map(lambda p: (p[0] / 1000, p[1] / 1000))
ground = st.tuples(st.integers(-20_000, 220_000), st.integers(-20_000, 220_000)).map(
    lambda p: (p[0] / 1000, p[1] / 1000)
)


def _lines(corner: st.SearchStrategy[tuple[float, float]]) -> st.SearchStrategy[list[list[tuple[float, float]]]]:
    line = st.lists(corner, min_size=2, max_size=4).filter(lambda xy: max(np.ptp(xy, axis=0)) > 1)
    return st.lists(line, min_size=1, max_size=8)


@st.composite
def street_frames(draw: st.DrawFn) -> gpd.GeoDataFrame:
    """One to eight streets within 200 m."""
    lines = draw(st.one_of(_lines(lattice), _lines(anywhere)))
    return streets({f"s{i}": line for i, line in enumerate(lines)})


@st.composite
def walls(draw: st.DrawFn) -> tuple[gpd.GeoDataFrame | None, gpd.GeoDataFrame | None]:
    """None to three barriers, and gates on them, open and closed."""
    lines = draw(st.lists(st.lists(ground, min_size=2, max_size=3, unique=True), max_size=3))
    if not lines:
        return None, None
    frame = barriers(*lines)
    where = draw(st.lists(st.tuples(st.sampled_from(list(frame.geometry)), st.floats(0, 1), st.booleans()), max_size=3))
    spots = [(line.interpolate(at, normalized=True), is_open) for line, at, is_open in where]
    there = gates(*[(spot.x, spot.y, "open" if is_open else "closed") for spot, is_open in spots]) if spots else None
    return frame, there


def uneven(walk: WalkNetwork, forth: Floats, back: Floats) -> WalkNetwork:
    """`walk` on slopes: a metre up to coordinate i of an edge costs ``forth[i]`` flat metres one way, ``back[i]`` the other."""
    starts = np.zeros(len(walk.along), bool)
    starts[walk.edge_start[:-1]] = True
    step = np.where(starts, 0.0, np.append(0.0, np.diff(walk.along)))

    def summed(factor: Floats) -> Floats:
        cost = np.zeros(len(step))
        for low, high in pairwise(walk.edge_start):
            cost[low:high] = np.cumsum(step[low:high] * factor[low:high])
        return cost

    return costing(walk, summed(forth), summed(back))


def costing(walk: WalkNetwork, forth: Floats, back: Floats) -> WalkNetwork:
    """`walk` with these flat metres from an edge's start to each coordinate and back."""
    last = walk.edge_start[1:] - 1
    here = np.repeat(np.arange(len(walk.node_x)), np.diff(walk.arc_start))
    # From the far node to this one: an arc at the start of its edge is walked from the edge's end, so back.
    at_start = walk.edge_u[walk.arc_edge] == here
    arc_in = np.where(at_start, back[last][walk.arc_edge], forth[last][walk.arc_edge])
    return replace(walk, forth=forth, back=back, arc_in=arc_in)


def on_slopes(walk: WalkNetwork, seed: int, *, even: bool = False) -> WalkNetwork:
    """`walk` with random slopes, the same all along an edge where `even`; factors between those of 5 % down and some 30 % up."""
    rng = np.random.default_rng(seed)
    n = len(walk.edge_m) if even else len(walk.along)
    forth, back = rng.uniform(0.84, 3.0, (2, n))
    if even:
        forth, back = (np.repeat(factor, np.diff(walk.edge_start)) for factor in (forth, back))
    return uneven(walk, forth, back)


def referee(
    walk: WalkNetwork, homes: gpd.GeoDataFrame, doors: Iterable[gpd.GeoDataFrame], *, max_leg_m: float, way: str = "to"
) -> Floats:
    """Flat metres from each home to the nearest of each facility's `doors` by networkx; NaN where there is no way.

    The directed graph is split at every home and door, and every piece costs what its edge costs between the two places, one way and
    the other. The way is "to" the facility or "from" it.
    """
    doors = list(doors)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(walk.node_x)))
    on_edge: dict[int, list[tuple[float, object]]] = {}
    # Homes, then the doors of each facility. Legs lead one way only, or a facility with two doors would be a street.
    for g, frame in enumerate([homes, *doors]):
        for i, row in enumerate(place(walk, frame, max_leg_m=max_leg_m).itertuples()):
            if row.placed:
                spot, name = ("spot", g, i), ("home", i) if g == 0 else ("facility", g - 1)
                on_edge.setdefault(row.edge, []).append((row.along_m, spot))
                leaves = (g == 0) == (way == "to")
                graph.add_edge(*((name, spot) if leaves else (spot, name)), m=row.leg_m)
    for e in range(len(walk.edge_m)):
        part = slice(walk.edge_start[e], walk.edge_start[e + 1])
        chain = [(0.0, int(walk.edge_u[e])), *sorted(on_edge.get(e, []), key=lambda at: at[0])]
        chain.append((float(walk.edge_m[e]), int(walk.edge_v[e])))
        for (s, a), (t, b) in pairwise(chain):
            for start, end, costs in ((a, b, walk.forth), (b, a, walk.back)):
                m = float(np.diff(np.interp([s, t], walk.along[part], costs[part]))[0])
                if start != end and (not graph.has_edge(start, end) or graph[start][end]["m"] > m):
                    graph.add_edge(start, end, m=m)
    out = np.full((len(homes), len(doors)), np.nan)
    searched = graph if way == "from" else graph.reverse(copy=False)
    for j in range(len(doors)):
        if ("facility", j) in graph:
            found = nx.single_source_dijkstra_path_length(searched, ("facility", j), weight="m")
            out[:, j] = [found.get(("home", i), np.nan) for i in range(len(homes))]
    return out


def nearest_of(metres: Floats, kinds: pd.Series, index: pd.Index) -> pd.DataFrame:
    """The least of `metres` (homes × facilities) of each kind."""
    table = pd.DataFrame(metres, index=index, columns=kinds.to_numpy())
    return table.T.groupby(level=0).min().T
