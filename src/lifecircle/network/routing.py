"""Minutes on foot: the field of a set of facilities, and the one function that reads any ground point from it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from dataclasses import field as _field
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.errors import SchemaError
from lifecircle.network import _kernels as kernels
from lifecircle.network._kernels import Array
from lifecircle.network._threads import chunks, spread
from lifecircle.network.noding import WalkNetwork, arc_costs
from lifecircle.network.placing import Placed, _place, placed_as

Direction = Literal["to", "from"]


@dataclass(frozen=True, eq=False, kw_only=True)
class WalkField:
    """How far every node of a network is from the nearest facility of each kind; what `minutes` reads.

    `metres` has a row a kind of `kinds` (sorted) and a column a node: flat metres (see `WalkNetwork`) from the node to the facility's door, or
    from the door to the node where `direction` is "from"; infinite where there is no way. `facilities` are the ids in the table's order.
    """

    kinds: list[str]
    metres: Array
    direction: Direction
    facilities: "pd.Index[Any]"
    _doors: "_Doors" = _field(repr=False)
    _kind: Array = _field(repr=False)


def field(
    walk: WalkNetwork,
    facilities: gpd.GeoDataFrame,
    *,
    entrances: gpd.GeoDataFrame | None = None,
    max_leg_m: float | None = None,
    direction: Direction = "to",
) -> WalkField:
    """The walking field of `facilities`: asked once, read for any number of points by `minutes` and `areas`.

    A facility that has entrances is reached at whichever is nearest on foot, never at its own point; entrances of other tables and
    of unknown facilities are ignored. There is no limit: far nodes have exact figures too.

    Parameters
    ----------
    facilities
        Points with `kind`, in the system of the streets. To have a field for each facility, give each a kind of its own.
    direction
        "to" for walks from the ground to the facility, "from" for the way back; on level ground they are the same.

    Raises
    ------
    CrsError
        Where facilities or entrances are in another system than the streets.
    SchemaError
        Where a facility has no kind.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import LineString, Point
    >>> from lifecircle.network import build
    >>> walk = build(gpd.GeoDataFrame(geometry=[LineString([(0, 0), (600, 0)])], index=["a"], crs=4547))
    >>> facilities = gpd.GeoDataFrame({"kind": ["clinic"]}, geometry=[Point(540, -30)], index=["f"], crs=4547)
    >>> field(walk, facilities).metres.tolist()
    [[570.0, 90.0]]
    """
    kinds, code = _kinds(facilities)
    doors = _doors(walk, facilities, entrances, max_leg_m)
    metres = np.full((len(kinds), len(walk.node_x)), np.inf)
    out = WalkField(
        kinds=kinds, metres=metres, direction=direction, facilities=facilities.index, _doors=doors, _kind=code
    )
    _sweep(walk, out, np.arange(len(kinds)), doors)
    return out


def added(
    walk: WalkNetwork,
    before: WalkField,
    facilities: gpd.GeoDataFrame,
    *,
    entrances: gpd.GeoDataFrame | None = None,
    max_leg_m: float | None = None,
) -> WalkField:
    """The field after `facilities` are added to those of `before`, which stays as it was.

    Only nodes that the new facilities bring nearer are visited; the result is that of `field` on all of them, to the last bit.

    Raises
    ------
    SchemaError
        Where an id is already among the facilities of `before`, or a facility has no kind.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import LineString, Point
    >>> from lifecircle.network import build
    >>> walk = build(gpd.GeoDataFrame(geometry=[LineString([(0, 0), (600, 0)])], index=["a"], crs=4547))
    >>> old = gpd.GeoDataFrame({"kind": ["clinic"]}, geometry=[Point(540, -30)], index=["f"], crs=4547)
    >>> new = gpd.GeoDataFrame({"kind": ["clinic"]}, geometry=[Point(0, 20)], index=["g"], crs=4547)
    >>> added(walk, field(walk, old), new).metres.tolist()
    [[20.0, 90.0]]
    """
    twice = facilities.index[facilities.index.isin(before.facilities)]
    if len(twice):
        raise SchemaError("facilities", [f"index facility_id: {len(twice)} already there ({twice[0]})"])
    new, code = _kinds(facilities)
    kinds = sorted({*before.kinds, *new})
    doors = _doors(walk, facilities, entrances, max_leg_m)
    metres = np.full((len(kinds), len(walk.node_x)), np.inf)
    metres[[kinds.index(kind) for kind in before.kinds]] = before.metres
    number = np.array([kinds.index(kind) for kind in before.kinds], np.int64)
    mine = np.array([kinds.index(kind) for kind in new], np.int64)
    shift = len(before.facilities)
    both = _Doors(
        np.concatenate([before._doors.facility, doors.facility + shift]),
        *(np.concatenate([old, more]) for old, more in zip(before._doors[1:], doors[1:], strict=True)),
    )
    codes = [number[before._kind] if len(number) else before._kind, mine[code] if len(mine) else code]
    out = replace(
        before,
        kinds=kinds,
        metres=metres,
        facilities=before.facilities.append(facilities.index),
        _doors=both,
        _kind=np.concatenate(codes),
    )
    _sweep(walk, out, np.unique(mine), doors._replace(facility=doors.facility + shift))
    return out


def _sweep(walk: WalkNetwork, out: WalkField, kinds: Array, doors: "_Doors") -> None:
    # Improve the rows `kinds` of out.metres, in place, by walks to `doors`.
    sweep = _sweeper(walk, out, doors)
    spread(lambda kind: sweep(kind, out.metres[kind]), kinds)


def _sweeper(walk: WalkNetwork, of: WalkField, doors: "_Doors") -> Callable[[int, Array], None]:
    # What improves the metres of one kind, in place, by walks to those of `doors` that are of this kind.
    if not len(doors.edge):
        return lambda kind, metres: None
    forth, back, arcs = _directed(walk, of.direction)
    total = _at_end(walk, back)
    code = of._kind[doors.facility] if len(doors.facility) else doors.facility
    ahead, behind = (doors.forth, doors.back) if of.direction == "to" else (doors.back, doors.forth)
    mean = float(arcs.mean()) if len(arcs) else 1.0
    longest = float(max(total.max(), _at_end(walk, forth).max()))
    span = float(np.max(doors.leg, initial=0.0)) + longest
    width = max(mean * _WIDTH, span / 2**20)
    buckets = 1 << int(np.ceil(np.log2(span / width + 3)))

    def one(kind: int, metres: Array) -> None:
        mine = code == kind
        e, off = doors.edge[mine], doors.leg[mine]
        seed = np.concatenate([walk.edge_u[e], walk.edge_v[e]])
        seed_m = np.concatenate([off + ahead[mine], off + (total[e] - behind[mine])])
        kernels.sweep(metres, walk.arc_start, walk.arc_node, arcs, seed, seed_m, width, buckets)

    return one


def _directed(walk: WalkNetwork, direction: Direction) -> tuple[Array, Array, Array]:
    # Costs along edges and arcs as the walker of a search outward from the facility meets them.
    forth, back = costs_from(walk, direction)
    return forth, back, walk.arc_in if direction == "to" or forth is back else arc_costs(walk, forth, back)


def minutes(
    walk: WalkNetwork,
    fields: WalkField,
    points: gpd.GeoDataFrame | Array | Placed,
    *,
    speed_m_s: float | None = None,
    max_leg_m: float | None = None,
) -> pd.DataFrame:
    """Minutes on foot between any points of the ground and the nearest facility of every kind.

    The one function behind homes, facilities and the cells of service areas. A walk runs straight from the point to its place on the
    network (see `place`), along streets, and straight from there to the facility's door, all at the walker's speed. Two places on one
    edge are joined along it as well.

    Parameters
    ----------
    points
        Points in the system of the streets, an array of their x and y (see `place`), or what `Placed` keeps of points asked before.
    speed_m_s, max_leg_m
        Flat metres a second and the longest leg off the street; those of the network's walker where None. What is `Placed` keeps its legs.

    Returns
    -------
    DataFrame on the index of `points`, one float64 column a kind in sorted order; NaN where the point or every facility of the kind is
    without a place on the network, or no way joins them.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import LineString, Point
    >>> from lifecircle.network import build
    >>> walk = build(gpd.GeoDataFrame(geometry=[LineString([(0, 0), (600, 0)])], index=["a"], crs=4547))
    >>> shop = gpd.GeoDataFrame({"kind": ["shop"]}, geometry=[Point(540, 0)], index=["f"], crs=4547)
    >>> ground = gpd.GeoDataFrame(geometry=[Point(0, 60), Point(540, 30)], index=["x", "y"], crs=4547)
    >>> minutes(walk, field(walk, shop), ground, speed_m_s=1.0)["shop"].tolist()
    [10.0, 0.5]
    """
    put = points if isinstance(points, Placed) else placed_as(walk, points, max_leg_m=max_leg_m)
    return _minutes(walk, fields, put, lambda k: fields.metres[k], metres_a_minute(walk, speed_m_s))


def _minutes(
    walk: WalkNetwork, fields: WalkField, put: Placed, metres_of: Callable[[int], Array], scale: float
) -> pd.DataFrame:
    # Minutes of the points by the metres to nodes that `metres_of` gives of each kind.
    doors = doors_by_kind(walk, fields)
    out = np.empty((len(fields.kinds), len(put.edge)))

    def one(k: int) -> None:
        metres = out[k]
        metres.fill(np.inf)
        read(walk, fields.direction, metres_of(k), doors[k], put, put.row, metres)
        metres[np.isinf(metres)] = np.nan
        metres /= scale

    spread(one, range(len(out)))
    # Made here and held by nobody else, so it need not be copied.
    return pd.DataFrame(out.T, index=put.index, columns=pd.Index(fields.kinds, dtype="str"), copy=False)


def read(
    walk: WalkNetwork, direction: Direction, dist: Array, doors: "KindDoors", put: Placed, row: Array, out: Array
) -> None:
    """Write into `out` the flat metres, legs included, of the placed points `row` of `put` in the field `dist` of one kind."""
    forth, _ = costs_from(walk, direction)
    ahead, behind = (put.forth, put.back) if direction == "to" else (put.back, put.forth)
    total = _at_end(walk, forth)
    door = (doors.edge, doors.forth, doors.back, doors.leg)
    row, edge = row.astype(np.int32, copy=False), put.edge.astype(np.int32, copy=False)
    kernels.to_ground(dist, walk.edge_u, walk.edge_v, total, row, edge, ahead, behind, put.leg, *door, out)


def _at_end(walk: WalkNetwork, costs: Array) -> Array:
    # What is reached of `costs` at the end of each edge.
    return walk.edge_m if costs is walk.along else costs[walk.edge_start[1:] - 1]


def costs_from(walk: WalkNetwork, direction: Direction) -> tuple[Array, Array]:
    """Costs along edges, forth and back, of a walk from the ground; turned round where the walk is from the facility."""
    return (walk.forth, walk.back) if direction == "to" else (walk.back, walk.forth)


def nearest(
    walk: WalkNetwork,
    homes: gpd.GeoDataFrame | Array | Placed,
    facilities: gpd.GeoDataFrame,
    *,
    entrances: gpd.GeoDataFrame | None = None,
    speed_m_s: float | None = None,
    max_leg_m: float | None = None,
    direction: Direction = "to",
) -> pd.DataFrame:
    """Minutes on foot from every home to the nearest facility of every kind: `field` and `minutes` in one.

    Homes are points, an array of their x and y (see `place`), or what `Placed` keeps of them, with the legs they were placed by.

    Returns
    -------
    DataFrame as `minutes` gives it. A kind without any facility in the table has no column.

    Raises
    ------
    CrsError
        Where homes, facilities or entrances are in another system than the streets.
    SchemaError
        Where a facility has no kind.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import LineString, Point
    >>> from lifecircle.network import build
    >>> streets = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (600, 0)])], index=["a"], crs=4547)
    >>> homes = gpd.GeoDataFrame(geometry=[Point(0, 30)], index=["h"], crs=4547)
    >>> facilities = gpd.GeoDataFrame({"kind": ["clinic"]}, geometry=[Point(540, -30)], index=["f"], crs=4547)
    >>> float(nearest(build(streets), homes, facilities, speed_m_s=1.0).loc["h", "clinic"])
    10.0
    """
    scale = metres_a_minute(walk, speed_m_s)
    kinds, code = _kinds(facilities)
    doors = _doors(walk, facilities, entrances, max_leg_m)
    put = homes if isinstance(homes, Placed) else placed_as(walk, homes, name="homes", max_leg_m=max_leg_m)
    fields = WalkField(
        kinds=kinds,
        metres=np.empty((len(kinds), 0)),
        direction=direction,
        facilities=facilities.index,
        _doors=doors,
        _kind=code,
    )
    sweep = _sweeper(walk, fields, doors)

    def one(k: int) -> Array:
        # The field of a kind is read while it is still at hand, and not kept.
        metres = np.full(len(walk.node_x), np.inf)
        sweep(k, metres)
        return metres

    return _minutes(walk, fields, put, one, scale)


# Buckets this many mean arcs wide; from 0.25 to 2 it made no difference on an OpenStreetMap town of a million vertices, wider was slower.
_WIDTH = 1.0


def pairs(
    walk: WalkNetwork,
    homes: gpd.GeoDataFrame | Array | Placed,
    facilities: gpd.GeoDataFrame,
    *,
    limit_min: float,
    entrances: gpd.GeoDataFrame | None = None,
    speed_m_s: float | None = None,
    max_leg_m: float | None = None,
    direction: Direction = "to",
) -> pd.DataFrame:
    """Every home with every facility within `limit_min` minutes on foot, the limit included.

    Homes and minutes are those of `nearest`, to the last bit. Memory grows with the number of pairs only.

    Returns
    -------
    DataFrame with columns home_id, facility_id, walk_min, sorted by home_id and facility_id, one row a pair; rows that share an id stay in their order.

    Raises
    ------
    CrsError, ValueError
        As `nearest`, and where the limit is negative or not finite.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import LineString, Point
    >>> from lifecircle.network import build
    >>> streets = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (600, 0)])], index=["a"], crs=4547)
    >>> homes = gpd.GeoDataFrame(geometry=[Point(0, 0)], index=["h"], crs=4547)
    >>> shops = gpd.GeoDataFrame({"kind": "bank"}, geometry=[Point(300, 0), Point(301, 0)], index=["f", "g"], crs=4547)
    >>> pairs(build(streets), homes, shops, limit_min=5, speed_m_s=1.0).values.tolist()
    [['h', 'f', 5.0]]
    """
    if not 0 <= limit_min < np.inf:
        raise ValueError(f"limit_min must be a number of minutes of 0 or more, not {limit_min}.")
    scale = metres_a_minute(walk, speed_m_s)
    doors = _doors(walk, facilities, entrances, max_leg_m)
    # Facilities in the order of their nodes, for the cache.
    somewhere = np.zeros(len(facilities), np.int64)
    somewhere[doors.facility] = walk.edge_u[doors.edge]
    by_place = np.argsort(somewhere, kind="stable")
    rank = _rank(by_place)
    door_order = np.lexsort((doors.forth, doors.edge, rank[doors.facility]))
    door_start = np.searchsorted(rank[doors.facility][door_order], np.arange(len(facilities) + 1))
    put = homes if isinstance(homes, Placed) else placed_as(walk, homes, name="homes", max_leg_m=max_leg_m)
    home_order, home_start = kernels.by_group(put.edge, len(walk.edge_u))
    forth, back, arcs = _directed(walk, direction)
    last = walk.edge_start[1:] - 1
    to_u, home_forth = (put.back, put.forth) if direction == "to" else (put.forth, put.back)
    sorted_to_u = to_u[home_order]
    sorted_forth = sorted_to_u if home_forth is to_u else home_forth[home_order]
    sorted_leg, total = put.leg[home_order], forth[last]
    ahead, behind = (doors.forth, doors.back) if direction == "to" else (doors.back, doors.forth)
    from_v = back[last][doors.edge] - behind
    width = float(arcs.mean()) * _WIDTH if len(arcs) else 1.0
    width = max(width, float(limit_min) * scale / 2**20)

    def some(bounds: tuple[int, int]) -> tuple[Array, Array]:
        found: tuple[Array, Array] = kernels.within(
            *bounds,
            walk.arc_start,
            walk.arc_node,
            walk.arc_edge,
            arcs,
            walk.edge_u,
            walk.edge_v,
            home_start,
            home_order,
            sorted_to_u,
            total,
            sorted_forth,
            sorted_leg,
            door_start,
            doors.edge[door_order],
            ahead[door_order],
            behind[door_order],
            from_v[door_order],
            doors.leg[door_order],
            float(limit_min),
            scale,
            width,
        )
        return found

    parts = spread(some, chunks(len(facilities), least=1))
    found = np.concatenate([part[0] for part in parts])
    walked = np.concatenate([part[1] for part in parts])
    home_row, facility_row = found[:, 0], by_place[found[:, 1]]
    order, _ = kernels.by_group(_ranked(facilities.index, facility_row), len(facilities))
    order = order[kernels.by_group(_ranked(put.index, home_row[order]), len(put.index))[0]]
    return pd.DataFrame(
        {
            "home_id": put.index.take(home_row[order]),
            "facility_id": facilities.index.take(facility_row[order]),
            "walk_min": walked[order],
        },
        copy=False,
    )


def _ranked(index: "pd.Index[Any]", row: Array) -> Array:
    # The places of some rows of `index` once it is sorted.
    return row if index.is_monotonic_increasing else _rank(np.argsort(np.asarray(index), kind="stable"))[row]


def _rank(order: Array) -> Array:
    # The place of each row in `order`.
    out = np.empty(len(order), np.int64)
    out[order] = np.arange(len(order))
    return out


class _Doors(NamedTuple):
    """Placed doors of facilities: row of the facility, edge, cost along it from its start and back, off-street leg."""

    facility: Array
    edge: Array
    forth: Array
    back: Array
    leg: Array


class KindDoors(NamedTuple):
    """The doors of one kind, sorted by edge: costs along the edge as `costs_from` turns them, and leg."""

    edge: Array
    forth: Array
    back: Array
    leg: Array


def doors_by_kind(walk: WalkNetwork, fields: WalkField) -> list[KindDoors]:
    """The doors of each kind of a field."""
    doors = fields._doors
    of = fields._kind[doors.facility] if len(doors.facility) else doors.facility
    order = np.lexsort((doors.forth, doors.edge, of))
    bounds = np.searchsorted(of[order], np.arange(len(fields.kinds) + 1))
    ahead, behind = (doors.forth, doors.back) if fields.direction == "to" else (doors.back, doors.forth)
    return [
        KindDoors(*(column[order[low:high]] for column in (doors.edge, ahead, behind, doors.leg)))
        for low, high in pairwise(bounds)
    ]


def _doors(
    walk: WalkNetwork,
    facilities: gpd.GeoDataFrame,
    entrances: gpd.GeoDataFrame | None,
    max_leg_m: float | None,
) -> _Doors:
    edge, along, leg, _, _ = _place(walk, facilities, "facilities", max_leg_m)
    row = np.arange(len(facilities))
    if entrances is not None and len(entrances):
        mine = entrances[(entrances["of_table"] == "facilities").to_numpy(bool, na_value=False)]
        of = facilities.index.get_indexer(pd.Index(mine["of_id"]))
        mine, of = mine[of >= 0], of[of >= 0]
        e, a, off, _, _ = _place(walk, mine, "entrances", max_leg_m)
        own = np.ones(len(facilities), bool)
        own[of] = False
        row, edge = np.concatenate([row[own], of]), np.concatenate([edge[own], e])
        along, leg = np.concatenate([along[own], a]), np.concatenate([leg[own], off])
    placed = edge >= 0
    forth, back = walk.costs(edge[placed], along[placed])
    return _Doors(row[placed], edge[placed], forth, back, leg[placed])


def _kinds(facilities: gpd.GeoDataFrame) -> tuple[list[str], Array]:
    if not len(facilities):
        return [], np.empty(0, np.int64)
    if "kind" not in facilities:
        raise SchemaError("facilities", ["column kind: is missing"])
    kind: pd.Series[Any] = facilities["kind"]
    if kind.isna().any():
        missing = facilities.index[kind.isna()]
        raise SchemaError("facilities", [f"column kind: {len(missing)} missing (row {missing[0]})"])
    code, kinds = pd.factorize(kind.astype("str"), sort=True)
    return [str(name) for name in kinds], code


def metres_a_minute(walk: WalkNetwork, speed_m_s: float | None) -> float:
    """Flat metres the walker covers in a minute."""
    speed = walk.speed_m_s if speed_m_s is None else float(speed_m_s)
    if not 0 < speed < np.inf:
        raise ValueError(f"speed_m_s must be a speed above 0 m/s, not {speed_m_s}.")
    return speed * 60.0
