"""The one rule that puts any point of the ground on the walking network."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.errors import CrsError, SchemaError
from lifecircle.network import _kernels as kernels
from lifecircle.network._kernels import Array
from lifecircle.network._threads import spread, workers
from lifecircle.network.noding import WalkNetwork, _named

WHY = ("", "too far from a street", "behind a barrier", "no point")


def place(walk: WalkNetwork, points: gpd.GeoDataFrame | Array, *, max_leg_m: float | None = None) -> pd.DataFrame:
    """Where each point enters the network: homes, facilities, entrances and the cells of service areas alike.

    The rule: every segment of every walkable street of the largest component offers its point nearest to the ground point; the nearest
    offer wins whose straight leg is at most `max_leg_m` long and crosses no barrier. Ties (within 10⁻⁹ m) go to the smallest
    street_id, then to the smallest distance along that street. A nearer street of a smaller component is not taken but noted.

    A leg crosses a barrier where the two have a point in common, the barrier's ends included, with three exceptions: within the
    reach of an open gate; where the ground point itself lies on the barrier (it belongs to both sides); and where the leg runs along
    the barrier. A leg that ends on a barrier crosses it if the street lies wholly on the other side.

    Parameters
    ----------
    points
        Points in the system of the streets, or their x and y in it: an array of float64 with a row a point, NaN where there is none,
        whose index is 0, 1, … Cells of a raster need no geometries that way.
    max_leg_m
        Metres; that of the network's walker where None.

    Returns
    -------
    DataFrame on the index of `points`: edge (row of `edges`, −1 where not placed), along_m from the start of that edge, leg_m (both NaN where
    not placed), placed, why (empty, "too far from a street", "behind a barrier", "no point"), nearer_fragment (a smaller component
    offered a nearer place by the same rule).

    Raises
    ------
    CrsError
        Where the points are in another system than the streets.
    ValueError
        Where an array is not of float64 or has not two columns.

    Examples
    --------
    >>> import geopandas as gpd
    >>> import numpy as np
    >>> from shapely import LineString, Point
    >>> from lifecircle.network import build
    >>> streets = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (100, 0)])], index=["a"], crs=4547)
    >>> homes = gpd.GeoDataFrame(geometry=[Point(30, 12), Point(30, 900)], index=["h", "far"], crs=4547)
    >>> place(build(streets), homes)[["edge", "along_m", "leg_m", "why"]].values.tolist()
    [[0, 30.0, 12.0, ''], [-1, nan, nan, 'too far from a street']]
    >>> place(build(streets), np.array([[30.0, 12.0]]))[["edge", "along_m", "leg_m", "why"]].values.tolist()
    [[0, 30.0, 12.0, '']]
    """
    return placed_as(walk, points, max_leg_m=max_leg_m).table()


@dataclass(frozen=True, eq=False, kw_only=True)
class Placed:
    """Points put on a network once, to be asked many times; made by `placed_as`.

    `edge` (−1 where not placed), `along` and `leg` as `place` gives them, `forth` and `back` the flat metres from the edge's start to the place and
    back. `row` lists the placed points.
    """

    index: "pd.Index[Any]"
    edge: Array
    along: Array
    leg: Array
    forth: Array
    back: Array
    why: Array
    fragment: Array
    row: Array

    def table(self) -> pd.DataFrame:
        """What `place` returns for these points."""
        return pd.DataFrame(
            {
                "edge": self.edge.astype(np.int64),
                "along_m": self.along,
                "leg_m": self.leg,
                "placed": self.edge >= 0,
                "why": pd.Series(np.array(WHY, dtype=object)[self.why], index=self.index, dtype="str"),
                "nearer_fragment": self.fragment,
            },
            index=self.index,
        )


def placed_as(
    walk: WalkNetwork, points: gpd.GeoDataFrame | Array, *, name: str = "points", max_leg_m: float | None = None
) -> Placed:
    """`points` put on the network as `place` does, kept for `minutes` and `pairs`; takes and raises what `place` does.

    >>> import geopandas as gpd
    >>> from shapely import LineString, Point
    >>> from lifecircle.network import build
    >>> walk = build(gpd.GeoDataFrame(geometry=[LineString([(0, 0), (100, 0)])], index=["a"], crs=4547))
    >>> placed_as(walk, gpd.GeoDataFrame(geometry=[Point(30, 12)], index=["h"], crs=4547)).along.tolist()
    [30.0]
    """
    edge, along, leg, why, fragment = _place(walk, points, name, max_leg_m)
    forth, back = walk.costs(edge, along)
    row = np.flatnonzero(edge >= 0).astype(np.int32)
    index = points.index if isinstance(points, gpd.GeoDataFrame) else pd.RangeIndex(len(points))
    return Placed(
        index=index, edge=edge, along=along, leg=leg, forth=forth, back=back, why=why, fragment=fragment, row=row
    )


def _place(
    walk: WalkNetwork, points: gpd.GeoDataFrame | Array, name: str, max_leg_m: float | None
) -> tuple[Array, Array, Array, Array, Array]:
    cap = walk.max_leg_m if max_leg_m is None else float(max_leg_m)
    if not cap >= 0:
        raise ValueError(f"max_leg_m must be a length of 0 m or more, not {max_leg_m}.")
    if isinstance(points, np.ndarray):
        if points.ndim != 2 or points.shape[1] != 2 or points.dtype != np.float64:
            told = f"an array of {points.dtype} in the shape {points.shape}"
            raise ValueError(f"{name} must be a GeoDataFrame or the x and y of a float64 array (n, 2), not {told}.")
        return _locate(walk, np.ascontiguousarray(points), cap, origin=walk.origin)
    if not isinstance(points, gpd.GeoDataFrame):
        raise SchemaError(name, ["has no geometry"])
    if points.crs != walk.crs:
        raise CrsError(f"{name} are in {_named(points.crs)}, the streets in {_named(walk.crs)}.")
    shapes = np.asarray(points.geometry.array)
    wrong = shapely.get_type_id(shapes) > 0
    if wrong.any():
        raise SchemaError(name, [f"geometry: {int(wrong.sum())} not points (row {points.index[wrong][0]})"])
    xy = shapely.get_coordinates(shapes)
    if len(xy) < len(shapes):
        # Points have one place or none.
        there = xy
        xy = np.full((len(shapes), 2), np.nan)
        xy[shapely.get_num_coordinates(shapes) > 0] = there
    return _locate(walk, xy, cap, origin=walk.origin)


def _locate(
    walk: WalkNetwork, xy: Array, cap: float, *, threads: bool = True, origin: tuple[float, float] = (0.0, 0.0)
) -> tuple[Array, Array, Array, Array, Array]:
    # Edge, metres along it, leg, why and nearer fragment of points, which are given relative to the network's origin less `origin`.
    n = len(xy)
    edge, along, leg = np.empty(n, np.int32), np.empty(n), np.empty(n)
    why, fragment = np.empty(n, np.int8), np.empty(n, bool)
    grid = walk._grid
    if threads and n > 1000:
        # Neighbours after one another, for the cache; the answer does not depend on it.
        order = np.empty(n, np.int32)
        kernels.by_cell(xy, *origin, grid, np.empty(n, np.int32), order)
    else:
        order = np.arange(n, dtype=np.int32)
    is_main = walk.edge_component[: walk.drawn] == 0

    def some(chunk: Array) -> None:
        kernels.locate(
            xy,
            *origin,
            chunk,
            cap,
            walk.x,
            walk.y,
            walk.along,
            walk._segment,
            walk._segment_edge,
            is_main,
            grid,
            walk.walls,
            walk._wall_grid,
            edge,
            along,
            leg,
            why,
            fragment,
        )

    spread(some, np.array_split(order, max(1, min(4 * workers(), n // 1000))) if threads else [order])
    return edge, along, leg, why, fragment
