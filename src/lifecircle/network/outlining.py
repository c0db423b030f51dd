"""Service areas: the ground from which a facility can be reached, as polygons cut from the minutes that homes have."""

from collections.abc import Iterator, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle import standards
from lifecircle.network import _kernels as kernels
from lifecircle.network._kernels import Array
from lifecircle.network._threads import spread
from lifecircle.network.noding import WalkNetwork
from lifecircle.network.placing import Placed, _locate
from lifecircle.network.routing import Direction, KindDoors, WalkField, costs_from, doors_by_kind, metres_a_minute, read

# Squares that may hide what their corners do not show are looked at so much more closely, so many times over.
_FINER = 4
_LEVELS = 3
# Squares along each side of what is worked on at once; bounds the memory.
_TILE = 512


def areas(
    walk: WalkNetwork,
    fields: WalkField,
    *,
    limits_min: Sequence[float],
    cell_m: float | None = None,
    speed_m_s: float | None = None,
    max_leg_m: float | None = None,
    thorough: bool = True,
) -> gpd.GeoDataFrame:
    """The ground within each limit of the nearest facility of each kind, with holes and islands.

    Ground is inside where `minutes` says so: its reach off the street shrinks with the minutes left. A point farther than `cell_m` from the outline
    and from every barrier is inside if and only if its minutes are within the limit. The minutes are worked out on a grid and the
    outline is drawn between its points; where bounds on the minutes of the streets around do not prove that a square of the grid is wholly
    inside or outside, it is looked at four times as closely, and again.

    Parameters
    ----------
    fields
        What `field` returned; give each facility a kind of its own for an area a facility.
    limits_min
        Minutes; several make bands, each holding the smaller ones but for slivers within `cell_m` of the outlines.
    cell_m
        Metres, the standards' parameter ``area_cell_m`` where None.
    speed_m_s, max_leg_m
        As in `minutes`.
    thorough
        Look three times as closely, so that only strips narrower than a ninetieth of `cell_m` can be missed, and search for what the
        shadows of barriers hide between the points of the grid. Without it, once, and the shadows fall as the grid shows them:
        strips narrower than a fifth of `cell_m`, or in the shadow of a barrier narrower than `cell_m`, can be missed. That is many
        times faster in a town full of walls, and enough for a map.

    Returns
    -------
    GeoDataFrame with columns kind, limit_min, area_m2 and geometry (MultiPolygon, empty where nothing is within reach), one row a kind and
    limit, in the order of `fields.kinds` and of the limits.

    Raises
    ------
    ValueError
        Where a limit is negative or not finite, or `cell_m` is not above 0.

    Examples
    --------
    One street and a facility at its middle: the ground within 100 m on foot is a square standing on its corner.

    >>> import geopandas as gpd
    >>> from shapely import LineString, Point
    >>> from lifecircle.network import build, field
    >>> walk = build(gpd.GeoDataFrame(geometry=[LineString([(-500, 0), (500, 0)])], index=["a"], crs=4547))
    >>> shop = gpd.GeoDataFrame({"kind": ["shop"]}, geometry=[Point(0, 0)], index=["f"], crs=4547)
    >>> found = areas(walk, field(walk, shop), limits_min=[100 / 60], speed_m_s=1.0)
    >>> bool(abs(found["area_m2"].iloc[0] / 20000 - 1) < 0.005)
    True
    """
    limits = [float(limit) for limit in limits_min]
    if any(not 0 <= limit < np.inf for limit in limits):
        raise ValueError(f"limits_min must be minutes of 0 or more, not {limits}.")
    cell = standards.parameter("area_cell_m") if cell_m is None else float(cell_m)
    if not 0 < cell < np.inf:
        raise ValueError(f"cell_m must be a length above 0 m, not {cell_m}.")
    scale = metres_a_minute(walk, speed_m_s)
    cap = walk.max_leg_m if max_leg_m is None else float(max_leg_m)
    # No point of a square is farther than `cell` from an outline that crosses it; strips beside streets are two legs wide.
    step = min(cell / np.sqrt(2.0), cap / 3.0) if cap > 0 else cell / np.sqrt(2.0)
    every = [(k, j) for k in range(len(fields.kinds)) for j in range(len(limits))]
    doors = doors_by_kind(walk, fields)
    windows = _windows(walk, fields, doors, max(limits, default=0.0) * scale, cap, step)
    bounds = spread(lambda k: _bounds(walk, fields, doors[k], k) if windows[k].any() else None, range(len(windows)))

    def one(tile: Array) -> dict[tuple[int, int], Array]:
        ground = _Ground(walk, fields.direction, tile, step, cap, thorough)
        found = {}
        for k, window in enumerate(windows):
            low, high = np.maximum(window[:2], tile[:2]), np.minimum(window[2:], tile[2:])
            if (high > low).all():
                outlines = ground.outlines(
                    fields.metres[k],
                    doors[k],
                    bounds[k],
                    np.concatenate([low, high]),
                    [m * scale for m in limits],
                )
                found.update({(k, j): polygons for j, polygons in outlines})
        return found

    tiles = spread(one, _tiles(windows))
    joined = spread(lambda key: _joined([tile[key] for tile in tiles if key in tile]), every)
    shapes = np.array(joined, dtype=object)
    out = pd.DataFrame(
        {
            "kind": pd.Series(np.repeat(np.array(fields.kinds, dtype=object), len(limits)), dtype="str"),
            "limit_min": np.tile(np.array(limits, dtype=np.float64), len(fields.kinds)),
            "area_m2": shapely.area(shapes).astype(np.float64),
        }
    )
    return gpd.GeoDataFrame(out, geometry=shapes, crs=walk.crs)


def _joined(tiles: list[Array]) -> Any:
    polygons = np.concatenate([*tiles, np.empty(0, object)])
    polygons = shapely.get_parts(shapely.union_all(polygons))
    return shapely.multipolygons(polygons[shapely.area(polygons) > 0])


def _bounds(walk: WalkNetwork, fields: WalkField, doors: KindDoors, kind: int) -> tuple[Array, Array]:
    forth, back = costs_from(walk, fields.direction)
    found: tuple[Array, Array] = kernels.bounds_in(
        forth,
        back,
        walk._segment,
        walk._segment_edge,
        walk.edge_component[: walk.drawn] == 0,
        walk._grid,
        walk.edge_u,
        walk.edge_v,
        forth[walk.edge_start[1:] - 1],
        fields.metres[kind],
        doors.edge,
        doors.forth,
        doors.back,
        doors.leg,
    )
    return found


def _windows(
    walk: WalkNetwork, fields: WalkField, doors: list[KindDoors], most: float, cap: float, step: float
) -> list[Array]:
    # Grid lines (west, south, east, north) around what can be within `most` flat metres of each kind; zero wide where nothing is.
    # Downhill a flat metre is more than a metre of ground.
    ahead, behind, along = np.diff(walk.forth), np.diff(walk.back), np.diff(walk.along)
    real = along > 0
    stretch = float(np.max(along[real] / np.minimum(ahead, behind)[real], initial=1.0)) if fields.kinds else 1.0
    windows = []
    for k, door in enumerate(doors):
        reached = fields.metres[k] <= most
        x, y = np.concatenate([walk.node_x[reached], door.x]), np.concatenate([walk.node_y[reached], door.y])
        left = np.maximum(most - np.concatenate([fields.metres[k][reached], door.leg]), 0.0) * stretch
        if not len(x):
            windows.append(np.zeros(4, np.int64))
            continue
        # No ground is farther from every street than the longest leg.
        low = np.array([max((x - left).min(), walk.x.min() - cap), max((y - left).min(), walk.y.min() - cap)])
        high = np.array([min((x + left).max(), walk.x.max() + cap), min((y + left).max(), walk.y.max() + cap)])
        first = np.floor((low + walk.origin) / step).astype(np.int64) - 1
        last = np.ceil((high + walk.origin) / step).astype(np.int64) + 1
        windows.append(np.concatenate([first, last]))
    return windows


def _tiles(windows: list[Array]) -> Iterator[Array]:
    # Pieces of at most _TILE squares a side that cover the windows; neighbours share a line.
    every = np.array([window for window in windows if window[2] > window[0]]).reshape(-1, 4)
    if not len(every):
        return
    west, south = every[:, :2].min(axis=0)
    east, north = every[:, 2:].max(axis=0)
    for row in range(int(south), int(north), _TILE):
        for column in range(int(west), int(east), _TILE):
            tile = np.array([column, row, min(column + _TILE, east), min(row + _TILE, north)], np.int64)
            if (np.minimum(every[:, 2:], tile[2:]) > np.maximum(every[:, :2], tile[:2])).all(axis=1).any():
                yield tile


class _Ground:
    """The points of a tile's grid, put on the network once for all kinds and limits."""

    def __init__(
        self, walk: WalkNetwork, direction: Direction, tile: Array, step: float, cap: float, thorough: bool
    ) -> None:
        self.walk, self.direction, self.tile, self.step, self.cap = walk, direction, tile, step, cap
        self.thorough = thorough
        self.x = np.arange(tile[0], tile[2] + 1) * step - walk.origin[0]
        self.y = np.arange(tile[1], tile[3] + 1) * step - walk.origin[1]
        self.placed = self._place(np.tile(self.x, len(self.y)), np.repeat(self.y, len(self.x)))
        x, y = np.tile(self.x, len(self.y)), np.repeat(self.y, len(self.x))
        leg = self.placed.leg.reshape(len(self.y), len(self.x))
        squares = _corners(np.pad(leg, ((0, 1), (0, 1)), constant_values=np.nan)[None])
        self.legs = self._legs(x, y, step, squares)
        # Squares once looked at closely, for whatever kind or limit, are kept: places do not depend on either.
        self.seen = np.full(len(self.placed.edge), -1, np.int64)
        self.close = np.empty((0, (_FINER + 1) ** 2, 5))

    def _place(self, x: Array, y: Array) -> Placed:
        # A little beyond the longest leg too, to see how far beyond: the outline then runs where the leg ends.
        beyond = self.cap + 2 * self.step
        edge, along, leg, why, fragment = _locate(self.walk, np.stack([x, y], axis=1), beyond, threads=False)
        forth, back = self.walk.costs(edge, along)
        index, row = pd.RangeIndex(len(x)), np.flatnonzero(edge >= 0)
        return Placed(
            index=index, edge=edge, along=along, leg=leg, forth=forth, back=back, why=why, fragment=fragment, row=row
        )

    def outlines(
        self, dist: Array, doors: KindDoors, bounds: Any, window: Array, limits: list[float]
    ) -> Iterator[tuple[int, Array]]:
        """The polygons within each limit, in flat metres, in the part `window` of the tile."""
        origin = self.walk.origin
        columns = slice(int(window[0] - self.tile[0]), int(window[2] - self.tile[0]) + 1)
        rows = slice(int(window[1] - self.tile[1]), int(window[3] - self.tile[1]) + 1)
        shape = (len(self.y), len(self.x))
        chosen = (self.placed.edge >= 0).reshape(shape)[rows, columns]
        number = np.arange(len(self.placed.edge)).reshape(shape)[rows, columns]
        metres = np.full(len(self.placed.edge), np.inf)
        read(self.walk, self.direction, dist, doors, self.placed, number[chosen], metres)
        corner = (number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:])
        flat = number.ravel()
        x, y = np.tile(self.x, len(self.y)), np.repeat(self.y, len(self.x))
        corners = np.stack([c.ravel() for c in corner], axis=1)
        for j, limit in enumerate(limits):
            most = limit * (1 + 1e-12)
            shapes = [
                _drawn(
                    x[number] + origin[0],
                    y[number] + origin[1],
                    self._capped(metres, self.placed.leg, most)[flat].reshape(number.shape),
                    most,
                    self.step,
                )
            ]
            size, metres_at, leg_at = self.step, metres[corners], self.placed.leg[corners]
            at_x, at_y = x[corners[:, 0]], y[corners[:, 0]]
            for level in range(_LEVELS if self.thorough else 1):
                within = (metres_at <= most) & (leg_at <= self.cap)
                legs: Any = self._legs(at_x, at_y, size, leg_at) if level else [of[corners[:, 0]] for of in self.legs]
                chosen = self._undecided(at_x, at_y, size, within, legs, most, dist, doors, bounds)
                if not chosen.any():
                    break
                before = within[chosen, 0]
                squares = corners[chosen, 0] if level == 0 else None
                fine_x, fine_y, metres_at, leg_at = self._closely(
                    at_x[chosen], at_y[chosen], size, dist, doors, squares
                )
                close = self._capped(metres_at, leg_at, most)
                differs = ((close <= most) != before[:, None, None]).any(axis=(1, 2))
                if differs.any():
                    # These squares are cut out and drawn from the finer grid, all at once, blocks apart by a row without values.
                    blocks = [fine_x[differs] + origin[0], fine_y[differs] + origin[1], close[differs]]
                    boxes = shapely.box(
                        blocks[0][:, 0, 0], blocks[1][:, 0, 0], blocks[0][:, -1, -1], blocks[1][:, -1, -1]
                    )
                    cut = shapely.union_all(boxes)
                    shapes = [shapely.difference(shape, cut) for shape in shapes]
                    blocks = [np.pad(block, ((0, 0), (0, 1), (0, 0)), mode="edge") for block in blocks]
                    blocks[2][:, -1] = np.nan
                    grid_x, grid_y, values = (block.reshape(-1, _FINER + 1) for block in blocks)
                    shapes.append(_drawn(grid_x, grid_y, values, most, size / _FINER))
                size /= _FINER
                at_x, at_y = fine_x[:, :-1, :-1].ravel(), fine_y[:, :-1, :-1].ravel()
                metres_at, leg_at = _corners(metres_at), _corners(leg_at)
            yield j, np.concatenate(shapes)

    def _capped(self, metres: Array, leg: Array, most: float) -> Array:
        # No nearer to the limit than the leg is to the longest one.
        return np.fmax(metres, most + (leg - self.cap))

    def _legs(self, x: Array, y: Array, size: float, leg: Array) -> tuple[Array, Array, Array]:
        walk = self.walk
        found: tuple[Array, Array, Array] = kernels.legs_in(
            x,
            y,
            size,
            np.where(leg <= self.cap, leg, np.nan),
            self.cap,
            walk.x,
            walk.y,
            walk._segment,
            walk._segment_edge,
            walk.edge_component[: walk.drawn] == 0,
            walk._grid,
            walk.walls if self.thorough else walk.walls[:0],
            walk._wall_grid,
        )
        return found

    def _undecided(
        self,
        x: Array,
        y: Array,
        size: float,
        within: Array,
        legs: Any,
        most: float,
        dist: Array,
        doors: KindDoors,
        bounds: Any,
    ) -> Array:
        walk = self.walk
        forth, back = costs_from(walk, self.direction)
        found: Array = kernels.undecided(
            x,
            y,
            size,
            within,
            legs[0],
            legs[1],
            legs[2],
            most,
            walk.x,
            walk.y,
            forth,
            back,
            walk._segment,
            walk._segment_edge,
            walk.edge_component[: walk.drawn] == 0,
            walk._grid,
            walk.walls,
            walk._wall_grid,
            walk.edge_u,
            walk.edge_v,
            forth[walk.edge_start[1:] - 1],
            dist,
            bounds[0],
            bounds[1],
            doors.edge,
            doors.forth,
            doors.back,
            doors.leg,
        )
        return found

    def _closely(
        self, x: Array, y: Array, size: float, dist: Array, doors: KindDoors, squares: Array | None
    ) -> tuple[Array, Array, Array, Array]:
        # x, y, flat metres and leg at the points of a finer grid in the squares whose lower left corners are x, y.
        at = np.linspace(0.0, size, _FINER + 1)
        fine_x, fine_y = np.broadcast_arrays(x[:, None, None] + at[None, None, :], y[:, None, None] + at[None, :, None])
        if squares is None:
            placed = self._place(fine_x.ravel(), fine_y.ravel())
        else:
            new = self.seen[squares] < 0
            if new.any():
                self.seen[squares[new]] = len(self.close) + np.arange(new.sum())
                there = self._place(fine_x[new].ravel(), fine_y[new].ravel())
                rows = np.stack([there.edge, there.along, there.leg, there.forth, there.back], axis=1)
                self.close = np.concatenate([self.close, rows.reshape(-1, (_FINER + 1) ** 2, 5)])
            edge, along, leg, forth, back = np.moveaxis(self.close[self.seen[squares]], 2, 0).reshape(5, -1)
            edge = edge.astype(np.int64)
            none, row = np.zeros(0, bool), np.flatnonzero(edge >= 0)
            index = pd.RangeIndex(len(edge))
            placed = Placed(
                index=index, edge=edge, along=along, leg=leg, forth=forth, back=back, why=none, fragment=none, row=row
            )
        metres = np.full(fine_x.size, np.inf)
        read(self.walk, self.direction, dist, doors, placed, placed.row, metres)
        return fine_x, fine_y, metres.reshape(fine_x.shape), placed.leg.reshape(fine_x.shape)


def _corners(blocks: Array) -> Array:
    # The four corners of every square in blocks of points, one row a square.
    sides = (blocks[:, :-1, :-1], blocks[:, :-1, 1:], blocks[:, 1:, :-1], blocks[:, 1:, 1:])
    return np.stack([side.ravel() for side in sides], axis=1)


def _drawn(x: Array, y: Array, metres: Array, most: float, step: float) -> Array:
    """Valid polygons around what lies within `most`; nothing is drawn next to NaN."""
    import contourpy

    # From one grid point to the next metres change by so much, or they jump; jumps are drawn halfway.
    jump = step * np.sqrt(2.0)
    values = np.ma.array(np.clip(metres, most - jump, most + jump), mask=np.isnan(metres))
    outer = contourpy.FillType.OuterOffset
    generator = contourpy.contour_generator(x, y, values, name="serial", fill_type=outer, corner_mask=False)
    found: Any = generator.filled(-np.inf, most)
    points, offsets = found
    if not points:
        return np.empty(0, object)
    counts = np.concatenate([np.diff(offset) for offset in offsets])
    rings: Any = shapely.linearrings(np.concatenate(points), indices=np.repeat(np.arange(len(counts)), counts))
    owner = np.repeat(np.arange(len(points)), [len(offset) - 1 for offset in offsets])
    polygons: Any = shapely.polygons(rings, indices=owner)
    wrong = ~shapely.is_valid(polygons)
    polygons[wrong] = shapely.make_valid(polygons[wrong], method="structure", keep_collapsed=False)
    return np.asarray(polygons)
