"""Service areas: the ground from which a facility can be reached, as polygons cut from the minutes that homes have.

The ground is covered with squares of four by four parts. For each square the few segments of streets that can be nearest to any of
its points are gathered once; its 25 grid points are placed on them and their minutes read. Parts that may hide what their
corners do not show become squares of four by four parts of their own, up to three times. The outline is drawn part by part as
chords between grid points that lie on either side of the limit, and the chords are strung into rings.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle import standards
from lifecircle.network import _kernels as kernels
from lifecircle.network._kernels import Array
from lifecircle.network._threads import spread
from lifecircle.network.noding import WalkNetwork
from lifecircle.network.placing import _locate
from lifecircle.network.routing import Direction, KindDoors, WalkField, costs_from, doors_by_kind, metres_a_minute

# Lattice units along a square and along one of its parts; parts are looked at more closely up to _LEVELS times.
_SQUARE, _PART, _LEVELS = 256, 64, 3
# Squares along each side of what is worked on at once; bounds the memory.
_TILE = 64
# Rings smaller than this, in m², are the rounding of a point or a line.
_NOTHING_M2 = 1e-6


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
        Where a limit or the longest leg is negative or not finite, or `cell_m` is not above 0.

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
    if np.ndim(limits_min) != 1 or not all(_number(one) for one in limits_min):
        raise ValueError(f"limits_min must be several minutes, such as [5, 10, 15], not {limits_min!r}.")
    limits = [float(limit) for limit in limits_min]
    if any(not 0 <= limit < np.inf for limit in limits):
        raise ValueError(f"limits_min must be minutes of 0 or more, not {limits}.")
    cell = standards.parameter("area_cell_m") if cell_m is None else cell_m
    if not _number(cell) or not 0 < cell < np.inf:
        raise ValueError(f"cell_m must be a length above 0 m, not {cell_m!r}.")
    scale = metres_a_minute(walk, speed_m_s)
    cap = walk.max_leg_m if max_leg_m is None else max_leg_m
    if not _number(cap) or not 0 <= cap < np.inf:
        raise ValueError(f"max_leg_m must be a length of 0 m or more, not {max_leg_m!r}.")
    most = [limit * scale * (1 + 1e-12) for limit in limits]
    doors = doors_by_kind(walk, fields)
    kinds = spread(lambda k: _kind(walk, fields, doors[k], k, max(most, default=0.0)), range(len(fields.kinds)))
    asked = _asked(walk, fields.direction, kinds, float(cell), float(cap), thorough)
    # Without a leg nobody leaves the streets, which cover no ground.
    tiles = spread(lambda tile: _chords(asked, tile, most), _tiles(asked.squares) if cap > 0 else ())
    every = [(k, j) for k in range(len(kinds)) for j in range(len(limits))]
    joined = spread(lambda key: _polygons([tile[key] for tile in tiles if key in tile]), every)
    shapes = np.array(joined, dtype=object)
    out = pd.DataFrame(
        {
            "kind": pd.Series(np.repeat(np.array(fields.kinds, dtype=object), len(limits)), dtype="str"),
            "limit_min": np.tile(np.array(limits, dtype=np.float64), len(fields.kinds)),
            "area_m2": shapely.area(shapes).astype(np.float64),
        }
    )
    return gpd.GeoDataFrame(out, geometry=shapes, crs=walk.crs)


def _number(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


class _Kind(NamedTuple):
    """The field of one kind, bounds by cell of the network's grid, and how many cells up to each corner are reached at all."""

    costs: kernels.Costs
    least: Array
    most: Array
    reached: Array


class _Asked(NamedTuple):
    """What is the same for all tiles; `squares` are the first and last column and row, in squares of the lattice."""

    walk: WalkNetwork
    direction: Direction
    kinds: list[_Kind]
    squares: Array
    ground: kernels.Ground
    cell: float
    cap: float
    thorough: bool


class _Gathered(NamedTuple):
    """The squares of a tile, and for each the segments that can be nearest: ``items[start[n]:start[n + 1]]``."""

    i: Array
    j: Array
    start: Array
    items: Array


class _Points(NamedTuple):
    """The 5 × 5 points of squares with the lower left corner (i, j), and the row of the segments gathered for each.

    `ahead` and `behind` are costs along the edge as `costs_from` turns them.
    """

    i: Array
    j: Array
    of: Array
    edge: Array
    leg: Array
    ahead: Array
    behind: Array


def _kind(walk: WalkNetwork, fields: WalkField, doors: KindDoors, kind: int, most: float) -> _Kind:
    forth, back = costs_from(walk, fields.direction)
    total, dist = forth[walk.edge_start[1:] - 1], fields.metres[kind]
    on_edges = (walk.edge_u, walk.edge_v, total, dist, doors.edge, doors.forth, doors.back, doors.leg)
    is_main = walk.edge_component[: walk.drawn] == 0
    grid = walk._grid
    low, high, least, greatest = kernels.bounds_in(
        forth, back, walk._segment, walk._segment_edge, is_main, grid, *on_edges
    )
    reached = np.zeros((grid.ny + 1, grid.nx + 1), np.int32)
    reached[1:, 1:] = (least <= most).reshape(grid.ny, grid.nx).cumsum(axis=0).cumsum(axis=1)
    return _Kind(kernels.Costs(forth, back, *on_edges, low, high), least, greatest, reached)


def _asked(
    walk: WalkNetwork, direction: Direction, kinds: list[_Kind], cell: float, cap: float, thorough: bool
) -> _Asked:
    # No point of a part is farther than `cell` from an outline that crosses it; strips beside streets are two legs wide, and where they
    # are narrower than a part, its closer look finds them.
    step = min(cell / np.sqrt(2.0), max(cap / 3.0, cell / 12.0))
    grid, side = walk._grid, 4 * step
    # Cells of the network's grid that are reached by any kind: no ground is farther from all of them than the longest leg.
    rows, columns = np.zeros(grid.ny, bool), np.zeros(grid.nx, bool)
    for kind in kinds:
        rows |= np.diff(kind.reached[:, -1]) > 0
        columns |= np.diff(kind.reached[-1]) > 0
    squares = np.zeros(4, np.int64)
    if rows.any():
        ends = [(grid.x, columns, walk.origin[0]), (grid.y, rows, walk.origin[1])]
        for axis, (begin, some, origin) in enumerate(ends):
            low, high = begin + grid.cell * (np.flatnonzero(some)[[0, -1]] + [0, 1]) + origin
            squares[axis] = np.floor((low - cap) / side)
            squares[2 + axis] = np.floor((high + cap) / side) + 1
    x, y = (squares[:2] * _SQUARE).tolist()
    ground = kernels.Ground(step / _PART, x, y, float(walk.origin[0]), float(walk.origin[1]))
    return _Asked(walk, direction, kinds, squares, ground, cell, cap, thorough)


def _tiles(squares: Array) -> Iterator[Array]:
    for row in range(int(squares[1]), int(squares[3]), _TILE):
        for column in range(int(squares[0]), int(squares[2]), _TILE):
            yield np.array([column, row, min(column + _TILE, squares[2]), min(row + _TILE, squares[3])], np.int64)


def _chords(asked: _Asked, tile: Array, most: list[float]) -> dict[tuple[int, int], tuple[Array, Array]]:
    """The outline of each kind (by number) within each limit (by number) in a tile of squares."""
    walk, ground, squares = asked.walk, asked.ground, asked.squares
    # The squares around the tile show what lies beside its own.
    wide, high = np.arange(tile[0] - 1, tile[2] + 1), np.arange(tile[1] - 1, tile[3] + 1)
    i, j = (wide - squares[0]) * _SQUARE, (high - squares[1]) * _SQUARE
    near = [_near(asked, kind.reached, i, j) for kind in asked.kinds]
    column, row, i, j = np.tile(wide, len(high)), np.repeat(high, len(wide)), np.tile(i, len(j)), np.repeat(j, len(i))
    some = np.flatnonzero(np.logical_or.reduce(near)) if near else np.empty(0, np.int64)
    if not len(some):
        return {}
    column, row, i, j = column[some], row[some], i[some], j[some]
    own = (column >= tile[0]) & (column < tile[2]) & (row >= tile[1]) & (row < tile[3])
    half = 0.5 * np.sqrt(2.0) * _SQUARE * ground.unit
    x, y = _metres(ground, i + _SQUARE // 2, j + _SQUARE // 2)
    is_main = walk.edge_component[: walk.drawn] == 0
    streets = (walk.x, walk.y, walk._segment, walk._segment_edge, is_main, walk._grid)
    start, items, off = kernels.gather(x, y, half, _beyond(asked), *streets)
    gathered = _Gathered(i, j, start, items)
    crossed: dict[tuple[int, int], Array] = {}
    for k, kind in enumerate(asked.kinds):
        for n, limit in enumerate(most):
            reach = (limit, asked.cap, kind.costs.low, kind.costs.high, walk.walls, walk._wall_grid)
            crossed[k, n] = near[k][some] & kernels.unsettled(x, y, half, off, start, items, *reach)
    rows = np.flatnonzero(np.logical_or.reduce(list(crossed.values())))
    if not len(rows):
        return {}
    points = _placed(asked, gathered, i[rows], j[rows], rows, _SQUARE)
    parts = _Parts(asked, gathered, len(i))
    found = {}
    for k, kind in enumerate(asked.kinds):
        metres = _read(kind, points)
        for n, limit in enumerate(most):
            chosen = crossed[k, n][rows]
            if chosen.any():
                mine = points if chosen.all() else _Points(*(column[chosen] for column in points))
                over = np.fmax(metres[chosen] - limit, mine.leg - asked.cap)
                more = _closer(asked, parts, kind, mine, over, limit)
                found[k, n] = _outlined(asked, mine, over, own[mine.of], more)
    return found


def _metres(ground: kernels.Ground, i: Array, j: Array) -> tuple[Array, Array]:
    # Lattice points relative to the network's origin.
    return (i + ground.x) * ground.unit - ground.west, (j + ground.y) * ground.unit - ground.south


def _beyond(asked: _Asked) -> float:
    # A little beyond the longest leg too, to see how far beyond: the outline then runs where the leg ends.
    return asked.cap + 2 * _PART * asked.ground.unit


def _near(asked: _Asked, reached: Array, i: Array, j: Array) -> Array:
    # Squares of columns i and rows j within the longest leg of a cell of the network's grid that is reached, row after row.
    ground, grid, cap = asked.ground, asked.walk._grid, asked.cap
    x, y = _metres(ground, i, j)
    wide = _SQUARE * ground.unit + cap
    ends = ((x - grid.x - cap, 0, grid.nx), (x - grid.x + wide, 1, grid.nx))
    left, right = (np.clip(np.floor(at / grid.cell).astype(np.int64) + after, 0, most) for at, after, most in ends)
    ends = ((y - grid.y - cap, 0, grid.ny), (y - grid.y + wide, 1, grid.ny))
    rows = (np.clip(np.floor(at / grid.cell).astype(np.int64) + after, 0, most) for at, after, most in ends)
    low, high = (row[:, np.newaxis] for row in rows)
    count = reached[high, right] - reached[low, right] - reached[high, left] + reached[low, left]
    return np.asarray(count > 0).ravel()


def _placed(asked: _Asked, gathered: _Gathered, i: Array, j: Array, of: Array, size: int) -> _Points:
    walk, ground = asked.walk, asked.ground
    streets = (walk.x, walk.y, walk.along, walk._segment, walk._segment_edge)
    edge, along, leg = kernels.place_within(
        i,
        j,
        size,
        of,
        gathered.i,
        gathered.j,
        _SQUARE,
        gathered.start,
        gathered.items,
        _beyond(asked),
        ground,
        *streets,
        walk.walls,
        walk._wall_grid,
    )
    if len(walk.walls):
        stopped, q = np.nonzero(edge == -2)
        x, y = _metres(ground, i[stopped] + q % 5 * (size // 4), j[stopped] + q // 5 * (size // 4))
        again = _locate(walk, np.stack([x, y], axis=1), _beyond(asked), threads=False)
        edge[stopped, q], along[stopped, q], leg[stopped, q] = again[:3]
    forth, back = (cost.reshape(edge.shape) for cost in walk.costs(edge.ravel(), along.ravel()))
    ahead, behind = (forth, back) if asked.direction == "to" else (back, forth)
    return _Points(i, j, of, edge, leg, ahead, behind)


def _read(kind: _Kind, points: _Points) -> Array:
    # Flat metres from the points, legs included, infinite where there is no way.
    costs = kind.costs
    out = np.full(points.edge.size, np.inf)
    kernels.to_ground(
        costs.dist,
        costs.edge_u,
        costs.edge_v,
        costs.total,
        np.flatnonzero(points.edge.ravel() >= 0),
        points.edge.ravel(),
        points.ahead.ravel(),
        points.behind.ravel(),
        points.leg.ravel(),
        costs.door_edge,
        costs.door_forth,
        costs.door_back,
        costs.door_leg,
        out,
    )
    return out.reshape(points.edge.shape)


class _Parts:
    """Parts of a tile's squares, placed when they are first looked at: places depend neither on the kind nor on the limit."""

    def __init__(self, asked: _Asked, gathered: _Gathered, squares: int) -> None:
        self.asked, self.gathered = asked, gathered
        self.at = np.full(16 * squares, -1, np.int64)
        self.points: list[_Points] = []

    def placed(self, i: Array, j: Array, of: Array, part: Array) -> _Points:
        """The points of the parts numbered `part` of the squares `of`, whose corners are i, j."""
        which = 16 * of + part
        new = self.at[which] < 0
        if new.any():
            found = _placed(self.asked, self.gathered, i[new], j[new], of[new], _PART)
            self.at[which[new]] = sum(len(known.i) for known in self.points) + np.arange(len(found.i))
            self.points.append(found)
            if new.all():
                return found
        points = _Points(*(np.concatenate(column) for column in zip(*self.points, strict=True)))
        self.points = [points]
        return _Points(*(column[self.at[which]] for column in points))


class _Closer(NamedTuple):
    """Parts that became squares: their corner, their size, and by how much their points are beyond the limit."""

    i: Array
    j: Array
    size: Array
    over: Array


def _closer(asked: _Asked, parts: _Parts, kind: _Kind, points: _Points, over: Array, most: float) -> _Closer:
    """The parts that hold what their corners do not show, and what holds them."""
    found: list[tuple[_Points, int, Array, Array, Array]] = []
    size = _SQUARE
    for _ in range(_LEVELS if asked.thorough else 1):
        row, part = np.nonzero(_doubtful(asked, parts.gathered, kind, points, size, over, most))
        if not len(row):
            break
        size //= 4
        i, j = points.i[row] + part % 4 * size, points.j[row] + part // 4 * size
        corner = over[row, 5 * (part // 4) + part % 4] <= 0
        of = points.of[row]
        points = parts.placed(i, j, of, part) if size == _PART else _placed(asked, parts.gathered, i, j, of, size)
        over = np.fmax(_read(kind, points) - most, points.leg - asked.cap)
        found.append((points, size, over, ((over <= 0) != corner[:, None]).any(axis=1), row))
    none = np.empty(0, np.int64)
    kept, held = [_Closer(none, none, none, np.empty((0, 25)))], none
    for here, size, beyond, differs, row in reversed(found):
        keep = differs | (np.bincount(held, minlength=len(differs)) > 0)
        kept.append(_Closer(here.i[keep], here.j[keep], np.full(keep.sum(), size), beyond[keep]))
        held = row[keep]
    return _Closer(*(np.concatenate(column) for column in zip(*kept, strict=True)))


def _doubtful(
    asked: _Asked, gathered: _Gathered, kind: _Kind, points: _Points, size: int, over: Array, most: float
) -> Array:
    # Whether each of the 4 × 4 parts of the squares may hold what its corners do not show.
    walk, ground, costs = asked.walk, asked.ground, kind.costs
    walls = walk.walls if asked.thorough else walk.walls[:0]
    streets = (walk.x, walk.y, walk._segment, walk._segment_edge)
    doubt: Array = kernels.doubtful(
        points.i, points.j, size, points.of, gathered.start, gathered.items, over, points.leg, most, asked.cap, asked.cell, size == _SQUARE,
        ground, *streets, walls, walk._wall_grid, costs,
    )  # fmt: skip
    row, part = np.nonzero(doubt == 2)
    if len(row):
        x, y = _metres(ground, points.i[row] + part % 4 * (size // 4), points.j[row] + part // 4 * (size // 4))
        side = size // 4 * ground.unit
        corners = (5 * (part // 4) + part % 4)[:, None] + [0, 1, 5, 6]
        leg, within = points.leg[row[:, None], corners], over[row[:, None], corners] <= 0
        is_main = walk.edge_component[: walk.drawn] == 0
        barred = (walls, walk._wall_grid)
        legs = kernels.legs_in(
            x, y, side, np.where(leg <= asked.cap, leg, np.nan), asked.cap, *streets, is_main, walk._grid, *barred
        )
        doubt[row, part] = kernels.undecided(
            x, y, side, within, *legs, most, walk.x, walk.y, costs.forth, costs.back, *streets[2:], is_main, walk._grid,
            *barred, costs.edge_u, costs.edge_v, costs.total, costs.dist, kind.least, kind.most,
            costs.door_edge, costs.door_forth, costs.door_back, costs.door_leg,
        )  # fmt: skip
    return doubt


def _outlined(asked: _Asked, points: _Points, over: Array, own: Array, more: _Closer) -> tuple[Array, Array]:
    special = np.zeros(len(points.i), bool)
    if len(more.i):
        # Squares that hold such parts, or lie beside one.
        part = more.size == _PART
        beside = np.array([[0, 0], [-_PART, 0], [_PART, 0], [0, -_PART], [0, _PART]])
        at = (np.stack([more.i[part], more.j[part]], axis=1)[:, None] + beside).reshape(-1, 2) // _SQUARE
        column, row = points.i // _SQUARE, points.j // _SQUARE
        # With a margin of one on every side for the parts beside them.
        west, south = column.min() - 1, row.min() - 1
        some = np.zeros((row.max() - south + 2, column.max() - west + 2), bool)
        some[at[:, 1] - south, at[:, 0] - west] = True
        special = some[row - south, column - west]
    table, row = kernels.keep_squares(more.i, more.j, more.size)
    found: tuple[Array, Array] = kernels.outlined(
        points.i,
        points.j,
        _SQUARE,
        over,
        own,
        special,
        table,
        row,
        more.over,
        int(more.size.min(initial=_SQUARE)),
        asked.ground,
    )
    return found


def _polygons(chords: list[tuple[Array, Array]]) -> Any:
    """The rings that chords make, with the inside on their left, as one MultiPolygon."""
    ends = np.concatenate([*(part[0] for part in chords), np.empty((0, 2), np.int64)])
    if not len(ends):
        return shapely.MultiPolygon()
    order = kernels.order_of(ends[:, 0].copy())
    ends, xy = ends[order], np.concatenate([part[1] for part in chords])[order]
    # Every crossing begins one chord and ends another.
    after = np.empty(len(ends), np.int32)
    after[kernels.order_of(ends[:, 1].copy())] = np.arange(len(ends), dtype=np.int32)
    chord, begin = kernels.rings(after)
    x, y = (xy - xy[0]).T
    twice = x * y[after] - x[after] * y
    area = 0.5 * np.add.reduceat(twice[chord], begin[:-1])
    count = np.diff(begin)
    ring = np.empty(len(chord), np.int64)
    ring[chord] = np.repeat(np.arange(len(count)), count)
    shell = area > 0
    row = (ends[:, 0] >> 31) - 1024
    whole = ((ends[:, 0] & 1) == 0) & (row % _PART == 0)
    owner = kernels.owners(ring[whole], row[whole], shell)
    real = np.flatnonzero(np.abs(area) > _NOTHING_M2)
    owner, shell = owner[real], shell[real]
    drawn = _rings(xy[chord], begin, real)
    lost = np.flatnonzero(owner < 0)
    if len(lost):
        around = _around(drawn, np.flatnonzero(shell), area[real], lost)
        owner[lost] = np.where(around >= 0, real[around], -1)
    kept = np.flatnonzero(owner >= 0)
    kept = kept[np.lexsort((~shell[kept], owner[kept]))]
    _, of = np.unique(owner[kept], return_inverse=True)
    return shapely.multipolygons(shapely.polygons(drawn[kept], indices=of))


def _rings(xy: Array, begin: Array, some: Array) -> Any:
    count = np.diff(begin)[some]
    of = np.repeat(np.arange(len(some)), count)
    at = np.arange(len(of)) + np.repeat(begin[some] - (np.cumsum(count) - count), count)
    return shapely.linearrings(xy[at], indices=of)


def _around(rings: Any, shells: Array, area: Array, holes: Array) -> Array:
    # The smallest shell around each of the holes, −1 where there is none.
    inside = shapely.get_point(rings[holes], 0)
    outer, inner = shapely.STRtree(inside).query(shapely.polygons(rings[shells]), predicate="contains")
    by_size = np.argsort(-area[shells[outer]], kind="stable")
    owner = np.full(len(holes), -1, np.int64)
    owner[inner[by_size]] = shells[outer[by_size]]
    return owner
