"""The lie of the land under the streets: heights from an elevation raster, slopes, and what they cost a walker.

How slopes are measured. Heights are bilinear between cell centres, so over less than a cell they change no faster than from cell to
cell. Every edge is divided into equal sections, as many as whole steps fit into it (at least one), a step being a cell of the raster
where nothing else is asked for; the slope of a section is the difference in height of its two ends over its length along the edge.
No slope is thus measured over less than a step, except on an edge shorter than one, which takes that of the ground it lies on, and no hill wider than
two sections is passed over. The division is the same from either end, so it does not matter which way a street was drawn.
"""

from dataclasses import dataclass

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from lifecircle import standards
from lifecircle.network import _kernels as kernels
from lifecircle.network._kernels import Array, kernel
from lifecircle.study import Raster

__all__ = ["Fault", "Profile", "equivalent", "faults", "heights", "pace", "pixel_m", "profile"]

# Cells: what lies this far outside the outermost centres is on them.
_ROUNDING = 1e-6
# Sections: an edge this little short of a whole number of steps has that number, whichever way its length was summed.
_WHOLE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something about an elevation raster that a careful reader wants to know.

    `count` cells, `share` of those that hold a number; `value` is the number that shows it.
    """

    code: str
    count: int
    share: float
    value: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Profile:
    """What walking along edges costs, in flat metres: the metres on level ground that take as long.

    `forth` and `back`, one a vertex: from the start of its edge to the vertex, and from the vertex to the start; the way from the
    vertex to the end is the last value of the edge less its own. Between vertices both grow evenly. `steepest`, one an edge:
    the largest slope of its sections, up or down (rise over run, not negative), NaN where no height is known. `unknown_m`, one an
    edge: metres whose height is not known, counted as flat; `unknown_share`: their share of the length of all edges.
    """

    forth: Array
    back: Array
    steepest: Array
    unknown_m: Array
    unknown_share: float


def heights(raster: Raster, xy: Array, *, crs: CRS | None = None) -> Array:
    """Heights of the points `xy` (n × 2), in the unit of `raster`, bilinear between the centres of its cells.

    NaN where the point is not finite, beyond the outermost centres, or where any of the four cells around it holds no number, one
    below `dem_low_m` or above `dem_high_m` of the parameters, or, in a saturated raster, the greatest number its type can hold.

    Parameters
    ----------
    crs
        The system of `xy`; that of the raster where None. Points are transformed east first.

    Raises
    ------
    ValueError
        Where `xy` is not n × 2.

    Examples
    --------
    >>> hill = Raster(name="", values=np.array([[10.0, 20.0], [10.0, 20.0]]), transform=(30, 0, 0, 0, -30, 60), crs=CRS(4547))
    >>> heights(hill, np.array([[15.0, 45.0], [30.0, 30.0], [5.0, 30.0]])).tolist()
    [10.0, 15.0, nan]
    """
    xy = np.asarray(xy, np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2:
        raise ValueError(f"xy must be n × 2 coordinates, not of shape {xy.shape}.")
    x, y = xy[:, 0], xy[:, 1]
    if crs is not None and crs != raster.crs:
        x, y = Transformer.from_crs(crs, raster.crs, always_xy=True).transform(x, y)
    a, b, c, d, e, f = raster.transform
    det = a * e - b * d
    # Cell (0, 0) has its centre half a cell inside the corner that the transform starts from.
    with np.errstate(invalid="ignore"):
        col = (e * (x - c) - b * (y - f)) / det - 0.5
        row = (a * (y - f) - d * (x - c)) / det - 0.5
    rows, cols = raster.values.shape
    out = np.full(len(xy), np.nan)
    if rows < 2 or cols < 2:
        return out
    inside = (col >= -_ROUNDING) & (col <= cols - 1 + _ROUNDING) & (row >= -_ROUNDING) & (row <= rows - 1 + _ROUNDING)
    at = np.flatnonzero(inside)
    col, row = col[at].clip(0, cols - 1), row[at].clip(0, rows - 1)
    i, j = np.minimum(row.astype(np.int64), rows - 2), np.minimum(col.astype(np.int64), cols - 2)
    s, t = row - i, col - j
    flat = raster.values.reshape(-1)
    first = i * cols + j
    low, high = standards.parameter("dem_low_m"), standards.parameter("dem_high_m")
    top = _saturated(raster)
    corners = [flat[first + k] for k in (0, 1, cols, cols + 1)]
    for corner in corners:
        corner[(corner < low) | (corner > high) | (corner == top)] = np.nan
    nw, ne, sw, se = corners
    north, south = nw + t * (ne - nw), sw + t * (se - sw)
    out[at] = north + s * (south - north)
    return out


def pace(slope: Array) -> Array:
    """How many times as long a metre at `slope` takes as a level one; `slope` is rise over run, uphill positive, NaN stays NaN.

    Tobler's hiking function, 6·exp(−3.5·|slope + 0.05|) km/h, relative to its value on the flat (W. Tobler, Three
    presentations on geographical analysis and modeling, NCGIA technical report 93-1, 1993). It is fastest down a slope of 5 %.

    Examples
    --------
    >>> pace(np.array([0.0, -0.05, 0.05, 0.2])).round(3).tolist()
    [1.0, 0.839, 1.191, 2.014]
    """
    return np.asarray(np.exp(3.5 * (np.abs(np.asarray(slope, np.float64) + 0.05) - 0.05)))


def pixel_m(raster: Raster) -> float:
    """The longer side of a cell in metres on the ground, at the middle of the raster.

    Examples
    --------
    >>> srtm = Raster(name="", values=np.zeros((2, 2)), transform=(1 / 1200, 0, 0, 0, -1 / 1200, 1 / 1200), crs=CRS(4326))
    >>> round(pixel_m(srtm), 1)
    92.8
    """
    a, b, c, d, e, f = raster.transform
    rows, cols = raster.values.shape
    x, y = c + a * cols / 2 + b * rows / 2, f + d * cols / 2 + e * rows / 2
    sides = [float(np.hypot(a, d)), float(np.hypot(b, e))]
    geod = raster.crs.get_geod()
    if geod is not None and raster.crs.geodetic_crs is not None:
        try:
            to = Transformer.from_crs(raster.crs, raster.crs.geodetic_crs, always_xy=True)
            lon, lat = to.transform([x, x + a, x + b], [y, y + d, y + e], errcheck=True)
            found = geod.inv([lon[0]] * 2, [lat[0]] * 2, lon[1:], lat[1:])[2]
            sides = [float(side) for side in found]
        except ProjError:
            pass
    return max(sides)


def faults(raster: Raster) -> list[Fault]:
    """What is wrong with an elevation raster, in a fixed order; none where nothing is.

    ``dem_empty``: no number at all. ``dem_no_nodata``: read from a file that does not declare which value means no data (value
    NaN). ``dem_saturated``: more than `dem_saturated_share` of the cells are at the greatest value of the file's integer type,
    where the ground is at least so high (such cells count as unknown). ``dem_constant``: one value everywhere, so that no slope
    can be known. ``dem_implausible``: cells below `dem_low_m` or above `dem_high_m`, the value farthest off being given (they
    count as unknown). ``dem_coarse``: cells longer than `dem_pixel_max_m` metres, the value being their length. The thresholds are parameters.

    Examples
    --------
    >>> sea = Raster(name="", values=np.array([[-32768.0, 3.0]]), transform=(30, 0, 0, 0, -30, 60), crs=CRS(4547), dtype="int16")
    >>> [(fault.code, fault.count, fault.share, fault.value) for fault in faults(sea)]
    [('dem_no_nodata', 0, 0.0, nan), ('dem_implausible', 1, 0.5, -32768.0)]
    """
    there = raster.values[np.isfinite(raster.values)]
    if not there.size:
        return [Fault(code="dem_empty", count=int(raster.values.size), share=float("nan"), value=float("nan"))]
    out = []
    if raster.dtype and raster.nodata is None:
        out.append(Fault(code="dem_no_nodata", count=0, share=0.0, value=float("nan")))
    top = _saturated(raster)
    if not np.isnan(top):
        count = int(np.count_nonzero(there == top))
        out.append(Fault(code="dem_saturated", count=count, share=count / there.size, value=top))
    least, most = float(there.min()), float(there.max())
    if least == most:
        out.append(Fault(code="dem_constant", count=int(there.size), share=1.0, value=least))
    low, high = standards.parameter("dem_low_m"), standards.parameter("dem_high_m")
    count = int(np.count_nonzero((there < low) | (there > high)))
    if count:
        worst = least if low - least > most - high else most
        out.append(Fault(code="dem_implausible", count=count, share=count / there.size, value=worst))
    pixel = pixel_m(raster)
    if pixel > standards.parameter("dem_pixel_max_m"):
        out.append(Fault(code="dem_coarse", count=int(there.size), share=1.0, value=pixel))
    return out


def profile(
    xy: Array,
    along: Array,
    edge_start: Array,
    *,
    raster: Raster,
    crs: CRS | None = None,
    straight: Array | None = None,
    ends: tuple[Array, Array] | None = None,
    step_m: float | None = None,
) -> Profile:
    """What walking along edges costs on the ground of `raster`, each way, and how steep they are.

    Parameters
    ----------
    xy, along, edge_start
        Edge e has the vertices ``edge_start[e]:edge_start[e + 1]`` of `xy` (n × 2, in `crs`) and of `along` (metres from its start).
    straight
        One bool an edge: bridges and tunnels, which run evenly from the height of one end to that of the other whatever the ground does.
    ends
        The numbers of the nodes at the start and the end of each edge. Where several bridges or tunnels follow one another, a node
        that joins nothing else then has the height of the even run between the nodes on the ground, not that of the ground
        below or above it.
    step_m
        The least length over which a slope is measured; a cell of the raster (see `pixel_m`) where None.

    Raises
    ------
    ValueError
        Where `step_m` is not above 0.

    Examples
    --------
    One in ten, up and down:

    >>> values = np.array([[0.0, 10.0, 20.0], [0.0, 10.0, 20.0]])
    >>> slope = Raster(name="", values=values, transform=(100, 0, 0, 0, -100, 200), crs=CRS(4547))
    >>> up = profile(np.array([[50.0, 100.0], [250.0, 100.0]]), np.array([0.0, 200.0]), np.array([0, 2]), raster=slope)
    >>> up.forth.round(1).tolist(), up.back.round(1).tolist(), up.steepest.round(9).tolist()
    ([0.0, 283.8], [0.0, 200.0], [0.1])
    """
    step = pixel_m(raster) if step_m is None else float(step_m)
    if not step > 0:
        raise ValueError(f"step_m must be a length above 0 m, not {step}.")
    edges = len(edge_start) - 1
    level = np.zeros(edges, bool) if straight is None else np.asarray(straight, bool)
    length = along[edge_start[1:] - 1]
    sections = np.maximum(np.floor(length / step + _WHOLE), 1).astype(np.int64)
    sections[level] = 1
    section_start = np.append(0, np.cumsum(sections + 1))
    points = _sections(xy[:, 0], xy[:, 1], along, edge_start, section_start)
    height = heights(raster, points, crs=crs)
    if ends is not None and level.any():
        first, last = section_start[:-1], section_start[1:] - 1
        _carry(height, first, last, level, ends, length)
    return equivalent(along, edge_start, height, section_start)


def equivalent(along: Array, edge_start: Array, height: Array, section_start: Array) -> Profile:
    """The costs of edges whose heights are known at the ends of equal sections (see `profile`).

    Edge e of length ``along[edge_start[e + 1] - 1]`` has the heights ``section_start[e]:section_start[e + 1]``, evenly spaced along it
    from its start to its end, two at least; a section with a NaN at either end is flat and its length unknown.

    Examples
    --------
    100 m down 5 %, then 100 m of unknown height:

    >>> costs = equivalent(np.array([0.0, 50.0, 200.0]), np.array([0, 3]), np.array([5.0, 0.0, np.nan]), np.array([0, 3]))
    >>> costs.forth.round(2).tolist(), costs.unknown_share
    ([0.0, 41.97, 183.95], 0.5)
    """
    forth, back, steepest, unknown = _walk(along, edge_start, height, section_start)
    total = float(along[edge_start[1:] - 1].sum())
    share = float(unknown.sum()) / total if total > 0 else float("nan")
    return Profile(forth=forth, back=back, steepest=steepest, unknown_m=unknown, unknown_share=share)


def _saturated(raster: Raster) -> float:
    """The greatest value of the raster's integer type where too many cells hold it, else NaN."""
    if not raster.dtype or np.dtype(raster.dtype).kind not in "iu":
        return float("nan")
    top = float(np.iinfo(raster.dtype).max)
    if top > standards.parameter("dem_high_m"):  # no height in any case
        return float("nan")
    cells = int(np.count_nonzero(np.isfinite(raster.values)))
    full = int(np.count_nonzero(raster.values == top))
    return top if full > standards.parameter("dem_saturated_share") * cells else float("nan")


def _carry(height: Array, first: Array, last: Array, straight: Array, ends: tuple[Array, Array], length: Array) -> None:
    """Write the heights of nodes that only bridges or tunnels join into the ends of their edges.

    Such a node has the mean of its neighbours' heights, weighted by nearness, which on a chain of bridges is the even run. A
    group of them that meets no ground of known height has none.
    """
    u, v = (np.asarray(end, np.int64) for end in ends)
    nodes = int(max(u.max(), v.max())) + 1
    z = np.full(nodes, np.nan)
    z[u], z[v] = height[first], height[last]
    ground = np.zeros(nodes, bool)
    ground[u[~straight]] = ground[v[~straight]] = True
    spans = np.flatnonzero(straight & (u != v))
    arms = np.bincount(np.concatenate([u[spans], v[spans]]), minlength=nodes)
    carried = ~ground & (arms > 1)
    if not carried.any():
        return
    # An end on ground of unknown height holds up nothing.
    spans = spans[(carried[u[spans]] | ~np.isnan(z[u[spans]])) & (carried[v[spans]] | ~np.isnan(z[v[spans]]))]
    spans = spans[carried[u[spans]] | carried[v[spans]]]
    parent = np.arange(nodes)
    inner = spans[carried[u[spans]] & carried[v[spans]]]
    kernels.unite_all(parent, np.stack([u[inner], v[inner]], axis=1))
    group = kernels.roots(parent, np.arange(nodes))
    held = np.zeros(nodes, bool)
    held[group[u[spans][~carried[v[spans]]]]] = held[group[v[spans][~carried[u[spans]]]]] = True
    known = carried & held[group]
    z[carried] = np.nan
    spans = spans[known[u[spans]] | known[v[spans]]]
    if len(spans):
        z[known] = _even(u[spans], v[spans], 1 / np.maximum(length[spans], kernels.TOUCH_M), z, known)[known]
    begins, finishes = carried[u], carried[v]
    height[first[begins]], height[last[finishes]] = z[u[begins]], z[v[finishes]]


def _even(u: Array, v: Array, near: Array, z: Array, free: Array) -> Array:
    # Conjugate gradients, scaled by the diagonal: exact after as many rounds as there are free nodes in a group, in practice fewer.
    nodes = len(z)

    def gathered(at_u: Array, at_v: Array) -> Array:
        total = np.bincount(u, at_u, nodes) + np.bincount(v, at_v, nodes)
        return np.asarray(np.where(free, total, 0.0))

    fixed = np.where(free, 0.0, z)
    base = fixed[np.concatenate([u, v])[~free[np.concatenate([u, v])]]].mean()
    fixed = np.where(free, 0.0, fixed - base)
    weight = gathered(near, near)
    scale = np.divide(1.0, weight, out=np.zeros(nodes), where=weight > 0)
    residual = gathered(near * fixed[v], near * fixed[u])
    x = np.zeros(nodes)
    ahead = scale * residual
    way = ahead.copy()
    size = start = float(residual @ ahead)
    for _ in range(2 * int(free.sum()) + 50):
        if size <= 1e-24 * start:
            break
        applied = weight * way - gathered(near * way[v], near * way[u])
        stride = size / float(way @ applied)
        x += stride * way
        residual -= stride * applied
        ahead = scale * residual
        size, before = float(residual @ ahead), size
        way = ahead + size / before * way
    return np.asarray(x + base)


@kernel
def _sections(x: Array, y: Array, along: Array, edge_start: Array, section_start: Array) -> Array:
    """The ends of the sections of every edge: ``section_start[e]:section_start[e + 1]``, evenly spaced along it."""
    out = np.empty((section_start[-1], 2), np.float64)
    for e in range(len(edge_start) - 1):
        low, high = edge_start[e], edge_start[e + 1] - 1
        first, n = section_start[e], section_start[e + 1] - section_start[e] - 1
        out[first, 0], out[first, 1] = x[low], y[low]
        out[first + n, 0], out[first + n, 1] = x[high], y[high]
        i = low
        for k in range(1, n):
            s = along[high] * k / n
            while i < high - 1 and along[i + 1] < s:
                i += 1
            piece = along[i + 1] - along[i]
            t = (s - along[i]) / piece if piece > 0 else 0.0
            out[first + k, 0] = x[i] + t * (x[i + 1] - x[i])
            out[first + k, 1] = y[i] + t * (y[i + 1] - y[i])
    return out


@kernel
def _excess(slope: float) -> float:
    # What a metre costs beyond a metre; exactly 0 on the flat.
    return float(np.exp(3.5 * (abs(slope + 0.05) - 0.05)) - 1.0)


@kernel
def _walk(along: Array, edge_start: Array, height: Array, section_start: Array) -> tuple[Array, Array, Array, Array]:
    """Costs each way at every vertex, the steepest slope and the metres of unknown height of every edge."""
    edges = len(edge_start) - 1
    forth, back = np.empty(len(along), np.float64), np.empty(len(along), np.float64)
    steepest, unknown = np.full(edges, np.nan), np.zeros(edges, np.float64)
    for e in range(edges):
        low, high = edge_start[e], edge_start[e + 1]
        first, n = section_start[e], section_start[e + 1] - section_start[e] - 1
        length = along[high - 1]
        piece = length / n
        i = low
        up = down = 0.0  # cost beyond the length, forth and back
        for k in range(n):
            rise = height[first + k + 1] - height[first + k]
            more = less = 0.0
            if np.isnan(rise):
                unknown[e] += piece
            elif piece > 0:
                slope = rise / piece
                if not abs(slope) <= steepest[e]:
                    steepest[e] = abs(slope)
                more, less = _excess(slope), _excess(-slope)
            begin = length * k / n
            while i < high and (k == n - 1 or along[i] <= length * (k + 1) / n):
                s = along[i] - begin
                forth[i] = along[i] + (up + s * more)
                back[i] = along[i] + (down + s * less)
                i += 1
            up += piece * more
            down += piece * less
    return forth, back, steepest, unknown
