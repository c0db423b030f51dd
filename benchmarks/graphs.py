"""Real streets, as many as asked for: the walking network of a place tiled with its seams joined.

One tile is the largest component of the place's walkable streets, all of them or those nearest to the middle. Ways keep their bends,
their bridges and tunnels; where the place's own ways meet without a common vertex, they get one, so that a table of vertices and
pieces, which is what other libraries read, tells of the same network. Tiles stand side by side, and between neighbours the outermost
vertices of every 200 m of border are joined by a straight way marked as a bridge, which meets nothing on its way.
"""

from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle import load, network, normalise

SEAM_M = 200.0
KINDS = 10
NODES_A_FACILITY = 500


class Graph(NamedTuple):
    """The same network twice: as ways, and as vertices (x, y) with the pieces between them (from, to, metres)."""

    streets: gpd.GeoDataFrame
    nodes: pd.DataFrame
    pieces: pd.DataFrame

    def facilities(self, rng: np.random.Generator) -> gpd.GeoDataFrame:
        """Ten kinds at random vertices, one facility per 500 vertices and kind; column `node` names the vertex."""
        count = max(1, len(self.nodes) // NODES_A_FACILITY)
        node = np.concatenate([rng.choice(len(self.nodes), count, replace=False) for _ in range(KINDS)])
        kind = np.repeat([f"kind {i}" for i in range(KINDS)], count)
        points = shapely.points(self.nodes.to_numpy()[node])
        index = pd.RangeIndex(len(node), name="facility_id")
        return gpd.GeoDataFrame({"kind": kind, "node": node}, geometry=points, index=index, crs=self.streets.crs)


def tiled(place: Path, *, nodes: int) -> Graph:
    """The streets of `place` (a folder with a study.toml) tiled to about `nodes` vertices."""
    study, _ = normalise.place(load.recipe.read(place))
    streets = study.streets[study.streets["walkable"].fillna(True)].sort_index()
    whole = _tile(streets)
    side = int(np.ceil(np.sqrt(nodes / _vertices(whole))))
    share = nodes / side**2 / _vertices(whole)
    return table(_side_by_side(_tile(_middle(streets, share)), side))


def _vertices(ways: gpd.GeoDataFrame) -> int:
    return len(np.unique(shapely.get_coordinates(ways.geometry.to_numpy()), axis=0))


def _middle(streets: gpd.GeoDataFrame, share: float) -> gpd.GeoDataFrame:
    # The ways nearest to the middle of all vertices, in a square, that hold this share of the vertices.
    shapes = streets.geometry.to_numpy()
    centre = np.median(shapely.get_coordinates(shapes), axis=0)
    off = np.abs(shapely.get_coordinates(shapely.centroid(shapes)) - centre).max(axis=1)
    order = np.argsort(off)
    held = np.cumsum(shapely.get_num_coordinates(shapes)[order])
    return streets.iloc[np.sort(order[: np.searchsorted(held, share * held[-1]) + 1])]


def _tile(streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    # Ways of the largest component with a vertex wherever they join, rounded to 1 mm and moved to the corner (0, 0).
    walk = network.build(streets)
    e = np.flatnonzero(walk.edge_component == 0)
    of = np.repeat(np.arange(len(walk.edge_m)), np.diff(walk.edge_start))
    kept = np.isin(of, e)
    xy = np.stack([walk.x, walk.y], axis=1)[kept]
    xy = np.round(xy - xy.min(axis=0), 3)
    shapes = shapely.linestrings(xy, indices=np.searchsorted(e, of[kept]))
    # Pieces of one way become one way again where they follow one another; a link across a gap is a way of its own.
    street = walk.edge_street[e]
    run = np.concatenate(
        [[True], (street[1:] != street[:-1]) | (street[1:] < 0) | (walk.edge_v[e[:-1]] != walk.edge_u[e[1:]])]
    )
    shapes = shapely.line_merge(shapely.multilinestrings(shapes, indices=np.cumsum(run) - 1), directed=True)
    shapes, owner = shapely.get_parts(shapes, return_index=True)
    source = street[run][owner]
    flags = {name: streets[name].to_numpy()[source] for name in ("bridge", "tunnel", "layer") if name in streets}
    return gpd.GeoDataFrame(flags, geometry=shapes, crs=streets.crs)


def _side_by_side(tile: gpd.GeoDataFrame, side: int) -> gpd.GeoDataFrame:
    shapes = tile.geometry.to_numpy()
    xy, of = shapely.get_coordinates(shapes, return_index=True)
    step = np.ceil(xy.max(axis=0)) + 50.0
    corners = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) * step
    many = (xy[None] + corners[:, None]).reshape(-1, 2)
    index = (of[None] + np.arange(side**2)[:, None] * len(shapes)).ravel()
    frames = [
        gpd.GeoDataFrame(
            pd.concat([tile.drop(columns="geometry")] * side**2),
            geometry=shapely.linestrings(np.round(many, 3), indices=index),
            crs=tile.crs,
        )
    ]
    for axis in (0, 1):
        seam = _seam(xy, step, axis)
        shift = corners[corners[:, axis] < (side - 1) * step[axis]]
        lines = np.round(seam[None] + shift[:, None, None], 3).reshape(-1, 2, 2)
        flags = {"bridge": True, "tunnel": False, "layer": 5.0 + axis}
        frames.append(
            gpd.GeoDataFrame(flags, geometry=shapely.linestrings(lines), crs=tile.crs, index=range(len(lines)))
        )
    streets = pd.concat(frames, ignore_index=True)
    streets["bridge"] = streets["bridge"].astype("boolean")
    streets["tunnel"] = streets["tunnel"].astype("boolean")
    streets.index.name = "street_id"
    return streets


def _seam(xy: np.ndarray, step: np.ndarray, axis: int) -> np.ndarray:
    # From the outermost vertex of each stretch of the far border to that of the near border of the next tile.
    stretch = (xy[:, 1 - axis] / SEAM_M).astype(int)
    order = np.lexsort((xy[:, axis], stretch))
    starts = np.flatnonzero(np.diff(stretch[order], prepend=-1))
    near = xy[order[starts]]
    far = xy[order[np.append(starts[1:], len(order)) - 1]]
    near[:, axis] += step[axis]
    return np.stack([far, near], axis=1)


def table(streets: gpd.GeoDataFrame) -> Graph:
    """The ways with their vertices numbered and the pieces between these."""
    xy, of = shapely.get_coordinates(streets.geometry.to_numpy(), return_index=True)
    order = np.lexsort((xy[:, 1], xy[:, 0]))
    new = np.concatenate([[True], (np.diff(xy[order], axis=0) != 0).any(axis=1)])
    node = np.empty(len(xy), np.int64)
    node[order] = np.cumsum(new) - 1
    # Vertices are numbered as they come along the ways, like the ids of a file, not by place.
    first = np.full(new.sum(), len(xy))
    np.minimum.at(first, node, np.arange(len(xy)))
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    node = rank[node]
    where = np.empty((len(first), 2))
    where[node] = xy
    a, b = node[:-1][of[1:] == of[:-1]], node[1:][of[1:] == of[:-1]]
    pieces = pd.DataFrame({"from": np.minimum(a, b), "to": np.maximum(a, b)})
    pieces = pieces[pieces["from"] != pieces["to"]].drop_duplicates(ignore_index=True)
    pieces["metres"] = np.hypot(*(where[pieces["from"]] - where[pieces["to"]]).T)
    return Graph(streets, pd.DataFrame(where, columns=["x", "y"]), pieces)
