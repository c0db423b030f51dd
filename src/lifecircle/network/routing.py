"""Minutes on foot from homes to facilities."""

from itertools import pairwise
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle import standards
from lifecircle.errors import SchemaError
from lifecircle.network import _kernels as kernels
from lifecircle.network._kernels import Array
from lifecircle.network.noding import WalkNetwork
from lifecircle.network.placing import _place, spread, workers


def nearest(
    walk: WalkNetwork,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    *,
    entrances: gpd.GeoDataFrame | None = None,
    speed_m_s: float | None = None,
    max_leg_m: float | None = None,
) -> pd.DataFrame:
    """Minutes on foot from every home to the nearest facility of every kind.

    A walk runs straight from the home to its place on the network (see `place`), along streets, and straight from there to the
    facility's door, all at `speed_m_s` (the adult speed of the standards where None). Two places on one edge are joined along it. A
    facility that has entrances is reached at whichever is nearest on foot, never at its own point; entrances of other tables and
    of unknown facilities are ignored. There is no limit: far homes have exact minutes too.

    Returns
    -------
    DataFrame on the index of `homes`, one float64 column a kind in sorted order; NaN where the home or every facility of the kind is
    without a place on the network. A kind without any facility in the table has no column.

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
    scale = _metres_a_minute(speed_m_s)
    kinds, code = _kinds(facilities)
    doors = _doors(walk, facilities, entrances, max_leg_m)
    edge, along, leg, _, _ = _place(walk, homes, "homes", max_leg_m)
    of = code[doors.facility]
    order = np.lexsort((doors.along, doors.edge, of))
    bounds = np.searchsorted(of[order], np.arange(len(kinds) + 1))
    minutes = np.full((len(kinds), len(homes)), np.nan)
    # Homes in the order of their nodes, for the cache; the key also finds those on the edge of a door.
    key = walk.edge_u.astype(np.int64) * len(walk.edge_u) + np.arange(len(walk.edge_u))
    row = np.flatnonzero(edge >= 0)
    row = row[np.argsort(key[edge[row]])]
    on = edge[row]
    home = (walk.edge_u[on], walk.edge_v[on], along[row], walk.edge_m[on] - along[row], leg[row], key[on])
    mean = float(walk.arc_m.mean()) if len(walk.arc_m) else 1.0
    span = max(float(walk.edge_m.max()), float(np.max(doors.leg, initial=0.0)) + float(walk.edge_m.max()))
    width = max(mean * _WIDTH, span / 2**20)
    buckets = 1 << int(np.ceil(np.log2(span / width + 3)))

    def one(kind: int) -> None:
        mine = order[bounds[kind] : bounds[kind + 1]]
        e, a, off = doors.edge[mine], doors.along[mine], doors.leg[mine]
        seed = np.concatenate([walk.edge_u[e], walk.edge_v[e]])
        seed_m = np.concatenate([off + a, off + (walk.edge_m[e] - a)])
        dist = kernels.sweep(walk.arc_start, walk.arc_node, walk.arc_m, seed, seed_m, width, buckets)
        kernels.to_homes(dist, *home, key[e], a, off, scale, row, minutes[kind])

    spread(one, range(len(kinds)))
    return pd.DataFrame(minutes.T, index=homes.index, columns=pd.Index(kinds, dtype="str"))


# Buckets this many mean arcs wide were the fastest on a lattice and on an OpenStreetMap town, both of a million nodes.
_WIDTH = 4.0


def pairs(
    walk: WalkNetwork,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    *,
    limit_min: float,
    entrances: gpd.GeoDataFrame | None = None,
    speed_m_s: float | None = None,
    max_leg_m: float | None = None,
) -> pd.DataFrame:
    """Every home with every facility within `limit_min` minutes on foot, the limit included.

    Minutes are those of `nearest`, to the last bit. Memory grows with the number of pairs only.

    Returns
    -------
    DataFrame with columns home_id, facility_id, walk_min, sorted by home_id and facility_id, one row a pair.

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
    scale = _metres_a_minute(speed_m_s)
    # Facilities in the order of their ids, so that pairs come out sorted.
    by_id = facilities.index.argsort()
    rank = np.empty(len(by_id), np.int64)
    rank[by_id] = np.arange(len(by_id))
    doors = _doors(walk, facilities, entrances, max_leg_m)
    door_order = np.lexsort((doors.along, doors.edge, rank[doors.facility]))
    door_start = np.searchsorted(rank[doors.facility][door_order], np.arange(len(facilities) + 1))
    edge, along, leg, _, _ = _place(walk, homes, "homes", max_leg_m)
    home_order = np.lexsort((along, edge))
    home_start = np.searchsorted(edge[home_order], np.arange(len(walk.edge_u) + 1))
    width = float(walk.arc_m.mean()) * _WIDTH if len(walk.arc_m) else 1.0
    width = max(width, float(limit_min) * scale / 2**20)

    def some(bounds: tuple[int, int]) -> tuple[Array, Array]:
        found: tuple[Array, Array] = kernels.within(
            *bounds,
            walk.arc_start,
            walk.arc_node,
            walk.arc_edge,
            walk.arc_m,
            walk.edge_u,
            walk.edge_v,
            walk.edge_m,
            home_start,
            home_order,
            along,
            leg,
            door_start,
            doors.edge[door_order],
            doors.along[door_order],
            doors.leg[door_order],
            float(limit_min),
            scale,
            width,
        )
        return found

    steps = np.linspace(0, len(facilities), max(2, min(2 * workers(), len(facilities)) + 1)).astype(int).tolist()
    parts = spread(some, pairwise(steps))
    found = np.concatenate([part[0] for part in parts])
    minutes = np.concatenate([part[1] for part in parts])
    home_by_id = homes.index.argsort()
    home_rank = np.empty(len(homes), np.int64)
    home_rank[home_by_id] = np.arange(len(homes))
    order = kernels.by_home(home_rank[found[:, 0]], len(homes))
    return pd.DataFrame(
        {
            "home_id": homes.index.take(found[order, 0]),
            "facility_id": facilities.index.take(by_id[found[order, 1]]),
            "walk_min": minutes[order],
        }
    )


class _Doors(NamedTuple):
    """Placed doors of facilities: row of the facility, edge, metres along it, off-street leg."""

    facility: Array
    edge: Array
    along: Array
    leg: Array


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
    return _Doors(row[placed], edge[placed], along[placed], leg[placed])


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


def _metres_a_minute(speed_m_s: float | None) -> float:
    speed = standards.parameter("walk_speed_adult_m_s") if speed_m_s is None else float(speed_m_s)
    if not 0 < speed < np.inf:
        raise ValueError(f"speed_m_s must be a speed above 0 m/s, not {speed_m_s}.")
    return speed * 60.0
