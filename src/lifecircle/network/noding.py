"""Streets joined into a walking network."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from lifecircle import standards
from lifecircle.errors import CrsError, LifecircleError, SchemaError
from lifecircle.network import _kernels as kernels
from lifecircle.network._kernels import Array, Grid
from lifecircle.network._threads import chunks, spread


@dataclass(frozen=True, eq=False, kw_only=True)
class WalkNetwork:
    """A built walking network: an index over streets, to be asked by `place`, `nearest` and `pairs`.

    Coordinates are float64 metres relative to `origin`. Edges are sorted by street_id and the way along the street, nodes lie in
    Morton order. Edge e runs from node ``edge_u[e]`` to ``edge_v[e]``; its coordinates are rows ``edge_start[e]`` to
    ``edge_start[e + 1]`` of `x`, `y` and `along` (metres from its start). The arcs leaving node n are ``arc_start[n]`` to
    ``arc_start[n + 1]`` of `arc_node`, `arc_edge` and `arc_m`. Component 0 is the one with the greatest length of street. The last edges, from
    `drawn` on, are no streets but bridge the gaps, at most the tolerance long, between ends that nearly meet.

    What walking costs is counted in flat metres: the metres on level ground that take the walker as long. `forth` are those from an
    edge's start to each of its coordinates, `back` those from each coordinate to the start, `arc_in` those of walking an arc
    from its far node to this one; on level ground they are `along` and `arc_m` themselves. `steps` marks edges that are stairs, `spans` bridges and
    tunnels.
    A walker covers `speed_m_s` flat metres a second, the legs off the street included, and leaves the street for `max_leg_m` at most.
    """

    crs: CRS | None
    origin: tuple[float, float]
    street_ids: "pd.Index[Any]"
    node_x: Array
    node_y: Array
    node_component: Array
    arc_start: Array
    arc_node: Array
    arc_edge: Array
    arc_m: Array
    edge_u: Array
    edge_v: Array
    edge_m: Array
    edge_street: Array
    edge_component: Array
    edge_start: Array
    x: Array
    y: Array
    along: Array
    forth: Array
    back: Array
    arc_in: Array
    steps: Array
    spans: Array
    drawn: int
    walls: Array
    speed_m_s: float
    max_leg_m: float
    report: dict[str, Any]
    _segment: Array = field(repr=False)
    _segment_edge: Array = field(repr=False)
    _grid: Grid = field(repr=False)
    _wall_grid: Grid = field(repr=False)

    def costs(self, edge: Array, along: Array) -> tuple[Array, Array]:
        """Flat metres from the start of `edge` to the place `along` metres on it, and back; NaN where the edge is −1."""
        if self.forth is self.along and self.back is self.along:
            return along, along
        found: tuple[Array, Array] = kernels.costs_at(
            self.edge_start, self.along, self.forth, self.back, edge, np.nan_to_num(along)
        )
        return found


def build(
    streets: gpd.GeoDataFrame,
    *,
    barriers: gpd.GeoDataFrame | None = None,
    gates: gpd.GeoDataFrame | None = None,
    join_tolerance_m: float | None = None,
    gate_tolerance_m: float | None = None,
) -> WalkNetwork:
    """The walking network of `streets`, cut by `barriers` except where a bridge, a tunnel or an open gate lets people through.

    Streets join where they share a vertex, where one ends on another, and where they cross, each within `join_tolerance_m`; a
    crossing without a shared vertex or an end joins only where bridge, tunnel and layer agree (missing counts as no, no and 0). No
    geometry is moved: ends that nearly meet are linked by an edge as long as the gap.

    Streets whose `walkable` is False are left out, not known counts as walkable. Empty and zero-length lines, and lines that lie
    wholly on another of the same level, are dropped and counted.

    A barrier parts whatever lies on its two sides where it crosses or touches a street; a barrier that only ends on a street does
    not part it, nor does one drawn along it. Streets that are bridges or tunnels are not parted, nor is a node at which one starts,
    nor a crossing within `gate_tolerance_m` of a gate whose state is open (closed and not known do not open).

    Parameters
    ----------
    streets
        Canonical streets (index street_id), LineString or MultiLineString, in metres; z is ignored.
    barriers, gates
        Canonical barriers (lines) and gates (points) in the same system, or None.
    join_tolerance_m, gate_tolerance_m
        Metres; the parameters of those names in the standards where None.

    Raises
    ------
    CrsError
        Where the layers are in different systems.
    SchemaError
        Where a street_id repeats or a geometry is of the wrong type.
    LifecircleError
        Where no walkable street is left.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import LineString
    >>> lines = [LineString([(0, 0), (100, 0)]), LineString([(50, -40), (50, 40)])]
    >>> streets = gpd.GeoDataFrame(geometry=lines, index=["a", "b"], crs=4547)
    >>> walk = build(streets)
    >>> walk.report["crossings_joined"], walk.report["nodes"], walk.edge_m.tolist()
    (1, 5, [50.0, 50.0, 40.0, 40.0])
    """
    join = standards.parameter("join_tolerance_m") if join_tolerance_m is None else float(join_tolerance_m)
    through = standards.parameter("gate_tolerance_m") if gate_tolerance_m is None else float(gate_tolerance_m)
    for name, value in (("join_tolerance_m", join), ("gate_tolerance_m", through)):
        if not 0 <= value < np.inf:
            raise ValueError(f"{name} must be a length of 0 m or more, not {value}.")
    _check(streets, "streets", {1, 5, 2}, streets.crs)
    if not streets.index.is_unique:
        twice = streets.index[streets.index.duplicated()]
        raise SchemaError("streets", [f"index street_id: {len(twice)} repeated ({twice[0]}, …)"])

    report: dict[str, int | float] = {}
    walkable = _flag(streets, "walkable", missing=True)
    report["streets"] = int(walkable.sum())
    report["streets_not_walkable"] = int((~walkable).sum())
    report["streets_walkable_unknown"] = int(_unknown(streets, "walkable").sum())
    if not (walkable.all() and streets.index.is_monotonic_increasing):
        streets = streets[walkable].sort_index()
    lines = _Lines.read(streets, report)
    if len(lines.street) == 0:
        raise LifecircleError("streets: no walkable street with a length is left, so there is nowhere to walk.")
    origin = lines.origin
    walls, is_open = _walls(barriers, gates, streets.crs, origin, through, report)
    pieces = _cut_up(lines, walls, is_open, join, report)
    del lines
    return _assemble(streets, origin, pieces, walls[~is_open], report)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Lines:
    """Single lines without repeated vertices: vertices of line p are ``part[p]`` to ``part[p + 1]``."""

    origin: tuple[float, float]
    x: Array
    y: Array
    along: Array
    part: Array
    street: Array
    level: Array
    exempt: Array

    @staticmethod
    def read(streets: gpd.GeoDataFrame, report: dict[str, int | float]) -> "_Lines":
        shapes = np.asarray(streets.geometry.array)
        parts, owner = shapes, np.arange(len(shapes))
        if (shapely.get_type_id(shapes) > 2).any():
            parts, owner = shapely.get_parts(shapes, return_index=True)
        none = int((np.bincount(owner, minlength=len(shapes)) == 0).sum())
        origin, x, y, along, part, keep = _cleaned(parts)
        owner = owner[keep]
        dropped = none + int((~keep).sum())

        bridge, tunnel = _flag(streets, "bridge"), _flag(streets, "tunnel")
        layer = np.zeros(len(streets))
        if "layer" in streets:
            layer = np.nan_to_num(streets["layer"].to_numpy("float64", na_value=np.nan)) + 0.0
        level = pd.factorize(layer)[0] * 4 + tunnel * 2 + bridge

        duplicates = 0
        if len(owner):
            prints, levels = np.empty((len(owner), 2), np.uint64), level[owner]
            spread(lambda bounds: kernels.fingerprints(*bounds, x, y, part, levels, prints), chunks(len(owner)))
            # One number finds the few that may be doubles, both decide.
            twice = pd.Series(prints[:, 0]).duplicated(keep=False).to_numpy().copy()
            twice[twice] = pd.DataFrame(prints[twice]).duplicated().to_numpy()
            duplicates = int(twice.sum())
        if duplicates:
            stays = np.repeat(~twice, np.diff(part))
            part = np.append(0, np.cumsum(np.diff(part)[~twice])).astype(np.int32)
            x, y, along, owner = x[stays], y[stays], along[stays], owner[~twice]
        report["dropped_zero_length"] = dropped
        report["duplicates"] = duplicates
        return _Lines(
            origin=origin,
            x=x,
            y=y,
            along=along,
            part=part,
            street=owner.astype(np.int32),
            level=level[owner].astype(np.int64),
            exempt=(bridge | tunnel)[owner],
        )


def _cleaned(lines: Array) -> tuple[tuple[float, float], Array, Array, Array, Array, Array]:
    begin = np.append(0, np.cumsum(shapely.get_num_coordinates(lines)))
    xy = shapely.get_coordinates(lines)
    origin = kernels.corner(xy, begin)
    # In one block, which goes back to the system as a whole once it is done with.
    x, y, along = np.empty((3, len(xy)))
    part, keep = np.empty(len(begin), np.int32), np.empty(len(lines), bool)

    def some(bounds: tuple[int, int]) -> tuple[int, int, int, int]:
        n, m = kernels.cleaned(*bounds, xy, begin, *origin, x, y, along, part, keep)
        return bounds[0], n, begin[bounds[0]], m

    n, m = _closed_up(spread(some, chunks(len(lines))), part, [], [x, y, along])
    return origin, x[:m], y[:m], along[:m], part[: n + 1], keep


def _closed_up(
    pieces: list[tuple[int, int, int, int]], begin: Array, rows: list[Array], points: list[Array]
) -> tuple[int, int]:
    # Rows and their points, put down in pieces (first row, last, first point, last), moved up until none is left out; how many there are.
    n = m = 0
    for row, row_end, point, point_end in pieces:
        if (row, point) != (n, m):
            begin[row:row_end] -= point - m
            for column in (begin, *rows):
                column[n : n + row_end - row] = column[row:row_end]
            for column in points:
                column[m : m + point_end - point] = column[point:point_end]
        n, m = n + row_end - row, m + point_end - point
    begin[n] = m
    return n, m


class _Pieces(NamedTuple):
    """Lines cut into edges, before nodes are numbered: u and v are elements, `met` those a barrier meets, of which `parent` tells what is one place."""

    u: Array
    v: Array
    begin: Array
    x: Array
    y: Array
    along: Array
    of: Array
    street: Array
    level: Array
    exempt: Array
    parent: Array
    met: Array
    arms: Array


def _cut_up(lines: _Lines, walls: Array, is_open: Array, tolerance: float, report: dict[str, int | float]) -> _Pieces:
    x, y, along, part = lines.x, lines.y, lines.along, lines.part
    street, level, exempt = lines.street, lines.level, lines.exempt
    part_of = _numbered(np.diff(part))
    is_node = np.zeros(len(x), bool)
    is_node[part[:-1]] = is_node[part[1:] - 1] = True
    first = _segments(part)
    grid = make_grid(x, y, first, max(tolerance, kernels.TOUCH_M) + kernels.TOUCH_M)
    # Joining in one place needs a tolerance above the rounding of coordinates.
    at, where, links, wide, gaps, counts = _joins(lines, part_of, first, grid, max(tolerance, kernels.WELD_M), is_node)
    report["ends_joined"], report["crossings_joined"], report["crossings_not_joined"] = counts.tolist()

    # Elements: vertices of the lines, the ends of the gaps, then the points inside segments.
    nv, points, joints = len(x), len(at), len(wide)
    element = nv + 2 * joints + np.arange(points)
    gap_links = np.empty((0, 2), np.int32)
    if joints:
        # Gaps become short lines of their own, so that barriers cut them and their length counts.
        ends = wide.ravel()
        inside = ends >= nv
        vertex = ends.copy()
        vertex[inside] = at[ends[inside] - nv]
        end_x, end_y = x[vertex], y[vertex]
        end_x[inside], end_y[inside] = where[ends[inside] - nv, 1:].T
        both = exempt[part_of[vertex]].reshape(-1, 2).all(axis=1)
        longer = [
            (x, end_x),
            (y, end_y),
            (along, np.stack([np.zeros(joints), gaps], axis=1).ravel()),
            (part_of, _numbered(np.full(joints, 2)) + np.int32(len(part) - 1)),
            (is_node, np.ones(2 * joints, bool)),
        ]
        x, y, along, part_of, is_node = spread(np.concatenate, longer)
        part = np.concatenate([part, part[-1] + 2 * np.arange(1, joints + 1, dtype=np.int32)])
        street = np.concatenate([street, np.full(joints, -1, np.int32)])
        level = np.concatenate([level, np.full(joints, -1)])
        exempt = np.concatenate([exempt, both])
        links[links >= nv] += 2 * joints
        ends[inside] += 2 * joints
        gap_links = np.stack([nv + np.arange(2 * joints, dtype=np.int32), ends], axis=1)

    met, arms = np.empty(0, np.int64), np.empty((0, 2))
    if len(walls):
        if joints:
            first = _segments(part)
            grid = make_grid(x, y, first, 2 * kernels.TOUCH_M)
        wall_at, wall_where, met, arms, let = kernels.find_contacts(
            x, y, along, part_of, exempt, first, grid, walls, is_open, len(x) + points, is_node
        )
        at, where = np.concatenate([at, wall_at]), np.concatenate([where, wall_where])
        element = np.concatenate([element, len(x) + points + np.arange(len(wall_at))])
        report["through_bridge_or_tunnel"], report["through_gate"] = let.tolist()
    else:
        report["through_bridge_or_tunnel"] = report["through_gate"] = 0
    del grid, first, part_of
    parent = np.arange(len(x) + len(at), dtype=np.int32)
    kernels.unite_all(parent, links)
    kernels.unite_all(parent, gap_links)
    del links

    order = np.lexsort((element, where[:, 0], at))
    at, where, element = at[order], where[order], element[order]
    bounds = chunks(len(part) - 1)
    # Every line has two ends; each other node parts an edge and is written down twice.
    inner = [np.count_nonzero(is_node[part[low] : part[high]]) - 2 * (high - low) for low, high in bounds]
    points_to = np.searchsorted(at, [part[high] for _, high in bounds]).tolist()
    parted = np.append(0, np.cumsum(inner) + points_to)
    most, most_edges = part[-1] + parted[-1] + len(at), len(part) - 1 + parted[-1]
    u, v, of = (np.empty(most_edges, np.int32) for _ in range(3))
    begin = np.empty(most_edges + 1, np.int32)
    ex, ey, es = np.empty((3, most))

    def cut(chunk: int) -> tuple[tuple[int, int, int, int], Array]:
        low, high = bounds[chunk]
        k = points_to[chunk - 1] if chunk else 0
        n, m = low + parted[chunk], part[low] + parted[chunk] + k
        lines_, points_ = (x, y, along, part, is_node), (at, where, element)
        n_end, m_end, short = kernels.cut(low, high, k, n, m, *lines_, *points_, u, v, of, begin, ex, ey, es)
        return (n, n_end, m, m_end), short

    done = spread(cut, range(len(bounds)))
    n, m = _closed_up([piece for piece, _ in done], begin, [u, v, of], [ex, ey, es])
    for _, short in done:
        kernels.unite_all(parent, short)
    u, v, of, begin, ex, ey, es = u[:n], v[:n], of[:n], begin[: n + 1], ex[:m], ey[:m], es[:m]
    return _Pieces(u, v, begin, ex, ey, es, of, street, level, exempt, parent, met, arms)


def _assemble(
    streets: gpd.GeoDataFrame,
    origin: tuple[float, float],
    pieces: _Pieces,
    walls: Array,
    report: dict[str, int | float],
) -> WalkNetwork:
    u, v, begin, x, y, along, of, street, level, exempt, parent, met, arms = pieces
    del pieces
    seen = np.full(len(parent), -1, np.int32)
    nodes = 0
    for elements in (u, v, met):
        nodes = kernels.number_roots(parent, elements, seen, nodes)
    del seen, parent

    twin, head = np.empty(len(u), bool), np.full(1 << len(u).bit_length(), -1, np.int32)
    before = np.empty(len(u), np.int32)
    if kernels.twins(u, v, level, of, begin, x, y, along, 1e-6, head, before, twin):
        report["duplicates"] += int((street[of[twin]] >= 0).sum())
        n, m = kernels.drop_edges(twin, u, v, of, begin, x, y, along)
        u, v, of, begin, x, y, along = u[:n], v[:n], of[:n], begin[: n + 1], x[:m], y[:m], along[:m]
    del head, before
    u, v, nodes, report["barrier_cuts"] = _part(u, v, nodes, exempt[of], begin, x, y, met, arms)

    street, spans = street[of], exempt[of]
    drawn = int(np.searchsorted(street == -1, True))
    node_x, node_y = np.empty(nodes), np.empty(nodes)
    kernels.at_ends(u, v, begin, x, node_x)
    kernels.at_ends(u, v, begin, y, node_y)
    span = max(float(node_x.max()), float(node_y.max()), 1.0)
    code = np.empty(nodes, np.int64)
    kernels.morton(node_x, node_y, (2**21 - 1) / span, code)
    order = kernels.order_of(code)
    rank = np.empty(nodes, np.int32)
    rank[order] = np.arange(nodes, dtype=np.int32)
    node_x, node_y, u, v = node_x[order], node_y[order], rank[u], rank[v]
    del code, order, rank, of

    edges_, told = indexed(u, v, along[begin[1:] - 1], begin, x, y, along, nodes=nodes, drawn=drawn)
    report |= {"edges": told["edges"], "nodes": nodes} | told
    return WalkNetwork(
        crs=streets.crs,
        origin=origin,
        street_ids=streets.index,
        node_x=node_x,
        node_y=node_y,
        edge_street=street,
        steps=_steps(streets)[street] & (street >= 0),
        spans=spans,
        walls=walls,
        speed_m_s=standards.parameter("walk_speed_adult_m_s"),
        max_leg_m=standards.parameter("offstreet_max_m"),
        report=report,
        **edges_,
        _wall_grid=_wall_grid(walls),
    )


def _joins(
    lines: _Lines, part_of: Array, first: Array, grid: Grid, tolerance: float, is_node: Array
) -> tuple[Array, Array, Array, Array, Array, Array]:
    # Points inside segments, links between elements (vertices, then points) in one place, those across a gap, their gaps, and counts;
    # vertices that touch are marked.
    x, level = lines.x, lines.level
    vertices = (x, lines.y, lines.along, part_of)
    terminal = is_node.copy()

    def touches(bounds: tuple[int, int]) -> tuple[Array, ...]:
        found: tuple[Array, ...] = kernels.find_touches(
            *bounds, *vertices, terminal, level, first, grid, tolerance, is_node
        )
        return found

    def crossings(bounds: tuple[int, int]) -> tuple[Array, ...]:
        found: tuple[Array, ...] = kernels.find_crossings(*bounds, *vertices, level, first, grid, tolerance)
        return found

    touched = spread(touches, chunks(len(x)))
    crossed = spread(crossings, chunks(grid.ny, least=16))
    points = 0
    for inside, _, *linked, _, _ in touched:
        for own in linked:
            on = own[:, 1] < 0
            own[on, 1] = len(x) + points - 1 - own[on, 1]
        points += len(inside)
    at = np.concatenate([part[0] for part in touched + crossed])
    where = np.concatenate([part[1] for part in touched + crossed])
    crossing = np.arange(len(x) + points, len(x) + len(at), dtype=np.int32).reshape(-1, 2)
    links = np.concatenate([*(part[2] for part in touched), crossing])
    wide, gaps = (np.concatenate([part[k] for part in touched]) for k in (3, 4))
    return at, where, links, wide, gaps, np.sum([part[-1] for part in touched + crossed], axis=0)


def _part(
    u: Array, v: Array, nodes: int, exempt: Array, begin: Array, ex: Array, ey: Array, met: Array, arms: Array
) -> tuple[Array, Array, int, int]:
    # Nodes on a barrier come apart into one node a side.
    if len(met) == 0:
        return u, v, nodes, 0
    node, angle = np.repeat(met, 2), arms.ravel()
    node, angle = node[~np.isnan(angle)], angle[~np.isnan(angle)]
    by_node = np.argsort(node, kind="stable")
    node, angle = node[by_node], angle[by_node]
    ends = np.stack([u, v], axis=1).ravel()
    touched = np.zeros(nodes, bool)
    touched[node] = True
    chosen = np.flatnonzero(touched[ends])
    chosen = chosen[np.argsort(ends[chosen], kind="stable")]
    side, cuts = kernels.sides(ends[chosen], kernels.bearings(chosen, begin, ex, ey), exempt[chosen // 2], node, angle)
    new = side > 0
    most = int(side.max(initial=0)) + 1
    labels, count = kernels.number(
        np.unique(ends[chosen][new] * most + side[new], return_inverse=True)[1].reshape(-1), int(new.sum()) + 1
    )
    ends[chosen[new]] = nodes + labels
    # A node whose ends have all moved keeps its first group, so none is left empty.
    return ends[::2].copy(), ends[1::2].copy(), nodes + count, cuts


def indexed(
    u: Array, v: Array, length: Array, begin: Array, x: Array, y: Array, along: Array, *, nodes: int, drawn: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a `WalkNetwork` on level ground holds of its edges, by the names of its fields, and what its report tells of them."""
    begin = begin.astype(np.int32, copy=False)
    first = _segments(begin[: drawn + 1])
    root = np.arange(nodes, dtype=np.int32)
    total, earliest = np.zeros(nodes), np.full(nodes, len(u), np.int32)
    # Memory that a thread asks for stays with that thread, so all is made here.
    arc_start, arcs = np.zeros(nodes + 2, np.int32), 2 * len(u) - int(np.count_nonzero(u == v))
    arc_node, arc_edge, arc_m = np.empty(arcs, np.int32), np.empty(arcs, np.int32), np.empty(arcs)

    def piece(work: str) -> Any:
        if work == "components":
            kernels.components(u, v, length[:drawn], root, total, earliest)
        elif work == "arcs":
            kernels.fill_arcs(u, v, length, arc_start, arc_node, arc_edge, arc_m)
        else:
            return kernels.extent(x, y, first)
        return None

    *_, extent = spread(piece, ("arcs", "components", "extent"))
    component = _ranked(root, total, earliest)
    held = {
        "node_component": component,
        "arc_start": arc_start[:-1],
        "arc_node": arc_node,
        "arc_edge": arc_edge,
        "arc_m": arc_m,
        "edge_u": u,
        "edge_v": v,
        "edge_m": length,
        "edge_component": component[u],
        "edge_start": begin,
        "x": x,
        "y": y,
        "along": along,
        "forth": along,
        "back": along,
        "arc_in": arc_m,
        "drawn": drawn,
        "_segment": first,
        "_segment_edge": _numbered(np.diff(begin[: drawn + 1]) - 1),
        "_grid": make_grid(x, y, first, kernels.TOUCH_M, extent),
    }
    told = {
        "edges": drawn,
        "components": int(np.count_nonzero(np.bincount(component[u]))),
        "length_m": float(length[:drawn].sum()),
        "largest_share": float(total.max() / total.sum()) if drawn else 0.0,
    }
    return held, told


def arc_costs(walk: WalkNetwork, forth: Array, back: Array) -> Array:
    """Flat metres of walking each arc from its far node to this one: back along edges that start here, forth along those that end here."""
    last = walk.edge_start[1:] - 1
    here = np.repeat(np.arange(len(walk.node_x)), np.diff(walk.arc_start))
    starts = walk.edge_u[walk.arc_edge] == here
    return np.asarray(np.where(starts, back[last][walk.arc_edge], forth[last][walk.arc_edge]))


def _ranked(root: Array, total: Array, earliest: Array) -> Array:
    # The component of every node, 0 the longest (ties: the one of the first edge).
    roots = np.flatnonzero(root == np.arange(len(root), dtype=np.int32))
    order = np.lexsort((earliest[roots], -total[roots]))
    rank = np.empty(len(root), np.int32)
    rank[roots[order]] = np.arange(len(roots), dtype=np.int32)
    return rank[root]


def edges(walk: WalkNetwork) -> gpd.GeoDataFrame:
    """The edges of the network for drawing, one row an edge.

    Index `edge` as in `place`; columns street_id, length_m, component (0 is the largest), geometry LineString. The links across gaps
    within the joining tolerance are left out.

    >>> import geopandas as gpd
    >>> from shapely import LineString
    >>> streets = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (30, 40)])], index=["a"], crs=4547)
    >>> edges(build(streets))[["street_id", "length_m", "component"]].values.tolist()
    [['a', 50.0, 0]]
    """
    last = walk.edge_start[walk.drawn]
    xy = np.stack([walk.x[:last], walk.y[:last]], axis=1) + walk.origin
    of = np.repeat(np.arange(walk.drawn), np.diff(walk.edge_start[: walk.drawn + 1]))
    columns = {
        "street_id": walk.street_ids.take(walk.edge_street[: walk.drawn]),
        "length_m": walk.edge_m[: walk.drawn],
        "component": walk.edge_component[: walk.drawn].astype("int64"),
    }
    index = pd.RangeIndex(walk.drawn, name="edge")
    return gpd.GeoDataFrame(columns, geometry=shapely.linestrings(xy, indices=of), index=index, crs=walk.crs)


def make_grid(x: Array, y: Array, first: Array, pad: float, extent: tuple[float, ...] | None = None) -> Grid:
    """A grid of the segments ``first[k] → first[k] + 1``, each in every cell it touches when grown by `pad`; `extent` if known."""
    n = max(len(first), 1)
    west, south, width, height, length = 0.0, 0.0, 0.0, 0.0, 0.0
    if len(first):
        west, south, east, north, length = extent or _extent(x, y, first)
        width, height = east - west, north - south
    # At most about n cells, and about 5 n entries, whatever the shape and the lengths.
    cell = max(np.sqrt(width * height / n), (width + height) / n, length / (2 * n), 8 * pad, 1e-3)
    west, south = west - pad - cell * 1e-3, south - pad - cell * 1e-3
    nx = int((width + 2 * pad + cell * 2e-3) / cell) + 1
    ny = int((height + 2 * pad + cell * 2e-3) / cell) + 1
    # Each part counts, then puts down its own, in cells whose items are in the order of the parts: the grid is the same for any parts.
    parts = chunks(len(first), least=20_000, each=1)
    counts, start = np.zeros((len(parts), nx * ny), np.int32), np.empty(nx * ny + 1, np.int32)

    def fill(items: Array) -> None:
        def some(k: int) -> None:
            low, high = parts[k]
            kernels.count_cells(low, high, x, y, first, west, south, cell, nx, ny, pad, items, counts[k])

        spread(some, range(len(parts)))

    fill(np.empty(0, np.int32))
    kernels.cell_starts(counts, start)
    items = np.empty(int(start[-1]), np.int32)
    fill(items)
    return Grid(west, south, float(cell), nx, ny, start, items)


def _extent(x: Array, y: Array, first: Array) -> tuple[float, float, float, float, float]:
    # Of segments: the least x and y, the greatest, and their length together.
    found = np.array(spread(lambda part: kernels.extent(x, y, first[slice(*part)]), chunks(len(first))))
    (west, south), (east, north) = found[:, :2].min(axis=0), found[:, 2:4].max(axis=0)
    return west, south, east, north, found[:, 4].sum()


def _segments(begin: Array) -> Array:
    # The first coordinate of every segment.
    first = np.empty(int(begin[-1]) - len(begin) + 1, np.int32)
    kernels.segments(begin, first)
    return first


def _numbered(counts: Array) -> Array:
    # 0 as many times as the first of `counts`, and so on.
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def _wall_grid(walls: Array) -> Grid:
    x, y = walls[:, [0, 2]].ravel(), walls[:, [1, 3]].ravel()
    return make_grid(x, y, 2 * np.arange(len(walls), dtype=np.int32), 2 * kernels.TOUCH_M)


def _walls(
    barriers: gpd.GeoDataFrame | None,
    gates: gpd.GeoDataFrame | None,
    crs: Any,
    origin: tuple[float, float],
    tolerance: float,
    report: dict[str, int | float],
) -> tuple[Array, Array]:
    # Barrier segments (x, y, x, y) cut at the reach of open gates, and whether a piece lies within that reach.
    report["gates_open"] = report["gates_closed"] = report["gates_unknown"] = 0
    where = np.empty((0, 2))
    if gates is not None and len(gates):
        _check(gates, "gates", {0, 4}, crs)
        state = gates["state"] if "state" in gates else pd.Series(np.nan, index=gates.index)
        is_open = (state == "open").to_numpy(bool, na_value=False)
        report["gates_open"] = int(is_open.sum())
        report["gates_unknown"] = int(state.isna().sum())
        report["gates_closed"] = len(gates) - report["gates_open"] - report["gates_unknown"]
        where = shapely.get_coordinates(np.asarray(gates.geometry.array)[is_open]) - origin
        where = where[np.isfinite(where).all(axis=1)]
    if barriers is None or not len(barriers):
        return np.empty((0, 4)), np.empty(0, bool)
    _check(barriers, "barriers", {1, 2, 5}, crs)
    lines = shapely.get_parts(np.asarray(barriers.geometry.array))
    xy, of = shapely.get_coordinates(lines, return_index=True)
    xy = xy - origin
    first = np.flatnonzero((of[1:] == of[:-1]) & np.isfinite(xy[1:]).all(axis=1) & np.isfinite(xy[:-1]).all(axis=1))
    # "Within" includes the tolerance itself, so a hair more than a touch is added.
    x, y = np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])
    gate_x, gate_y = np.ascontiguousarray(where[:, 0]), np.ascontiguousarray(where[:, 1])
    pieces, through = kernels.open_gates(x, y, first, gate_x, gate_y, tolerance + 4 * kernels.TOUCH_M)
    return pieces, through


def _flag(frame: gpd.GeoDataFrame, column: str, *, missing: bool = False) -> Array:
    if column not in frame:
        return np.full(len(frame), missing)
    return np.asarray(frame[column].astype("boolean").fillna(missing).to_numpy(bool))


def _steps(frame: gpd.GeoDataFrame) -> Array:
    if "class" not in frame:
        return np.zeros(len(frame), bool)
    return np.asarray((frame["class"] == "steps").to_numpy(bool, na_value=False))


def _unknown(frame: gpd.GeoDataFrame, column: str) -> Array:
    return np.asarray(frame[column].isna()) if column in frame else np.ones(len(frame), bool)


def _check(frame: gpd.GeoDataFrame, name: str, types: set[int], crs: Any) -> None:
    if not isinstance(frame, gpd.GeoDataFrame):
        raise SchemaError(name, ["has no geometry"])
    if frame.crs != crs:
        raise CrsError(f"{name} are in {_named(frame.crs)}, the streets in {_named(crs)}.")
    kinds = shapely.get_type_id(np.asarray(frame.geometry.array))
    wrong = ~np.isin(kinds, [*types, -1])
    if wrong.any():
        what = "points" if 0 in types else "lines"
        raise SchemaError(name, [f"geometry: {int(wrong.sum())} not {what} (row {frame.index[wrong][0]})"])


def _named(crs: Any) -> str:
    return (
        "no known coordinate system" if crs is None else str(crs.to_string() if len(crs.to_string()) < 40 else crs.name)
    )
