"""The compiled loops of the walking network: a grid of segments, noding, placing and the sweep of minutes.

Everything here works on plain arrays in metres relative to a local origin. Kernels release the interpreter's lock, so
callers spread chunks over threads themselves: no threading layer of the compiler is involved, any number of Python threads may
call at once, and compiling stays short. Compiled code is cached on disk.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
_F = TypeVar("_F", bound=Callable[..., Any])

# What counts as the same place: far below any survey, far above the rounding of coordinates of 4·10⁷ m (4·10⁻⁹ m).
WELD_M = 1e-7
# A contact nearer than this to the end of a leg, a street or a barrier is a touch at that end.
TOUCH_M = 1e-6
# Distances nearer to each other than this are a tie.
TIE_M = 1e-9
# The sweep takes 2¹⁴ nodes at a time: they and their arcs fill about 1 MB.
_BLOCK = 14


def kernel(function: _F) -> _F:
    """Compile `function` on first use, cached on disk, without the interpreter's lock."""
    return cast(_F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


class Grid(NamedTuple):
    """A uniform grid of segments: those that touch cell c are ``items[start[c]:start[c + 1]]``, c = row · nx + column."""

    x: float
    y: float
    cell: float
    nx: int
    ny: int
    start: Array
    items: Array


@kernel
def _rows(
    ax: float, ay: float, bx: float, by: float, left: float, right: float, y: float, cell: float, ny: int, pad: float
) -> tuple[int, int]:
    # The rows a segment touches within one column, no cell missed by rounding as long as pad exceeds it.
    if ax > bx:
        ax, ay, bx, by = bx, by, ax, ay
    low, high = min(ay, by), max(ay, by)
    if bx > ax:
        s = max(0.0, (left - pad - ax) / (bx - ax))
        t = min(1.0, (right + pad - ax) / (bx - ax))
        p, q = ay + s * (by - ay), ay + t * (by - ay)
        low, high = max(low, min(p, q)), min(high, max(p, q))
    first = int(np.floor((low - pad - y) / cell))
    last = int(np.floor((high + pad - y) / cell))
    return max(first, 0), min(last, ny - 1)


@kernel
def count_cells(
    low: int,
    high: int,
    px: Array,
    py: Array,
    first: Array,
    x: float,
    y: float,
    cell: float,
    nx: int,
    ny: int,
    pad: float,
    items: Array,
    count: Array,
) -> None:
    """How many of the segments ``first[k] → first[k] + 1``, k from `low` to `high`, touch each cell when grown by `pad`: added to `count`.

    Where there are `items`, `count` is the place of the next item of each cell instead, and the segments are put there.
    """
    fills = len(items) > 0
    for k in range(low, high):
        a = first[k]
        ax, ay, bx, by = px[a], py[a], px[a + 1], py[a + 1]
        left = max(int(np.floor((min(ax, bx) - pad - x) / cell)), 0)
        right = min(int(np.floor((max(ax, bx) + pad - x) / cell)), nx - 1)
        bottom = max(int(np.floor((min(ay, by) - pad - y) / cell)), 0)
        top = min(int(np.floor((max(ay, by) + pad - y) / cell)), ny - 1)
        slanting = left < right and bottom < top
        for i in range(left, right + 1):
            if slanting:
                bottom, top = _rows(ax, ay, bx, by, x + i * cell, x + (i + 1) * cell, y, cell, ny, pad)
            for j in range(bottom, top + 1):
                c = j * nx + i
                if fills:
                    items[count[c]] = k
                count[c] += 1


@kernel
def cell_starts(counts: Array, start: Array) -> None:
    """The `start` of each cell from the `counts` of each chunk of segments, which become where the chunk's own items begin."""
    total = 0
    for c in range(counts.shape[1]):
        start[c] = total
        for chunk in range(counts.shape[0]):
            mine = counts[chunk, c]
            counts[chunk, c] = total
            total += mine
    start[counts.shape[1]] = total


@kernel
def extent(px: Array, py: Array, first: Array) -> tuple[float, float, float, float, float]:
    """Least x and y, greatest x and y, and total length of the segments ``first[k] → first[k] + 1``."""
    west, south, east, north, length = np.inf, np.inf, -np.inf, -np.inf, 0.0
    for a in first:
        west, east = min(west, px[a], px[a + 1]), max(east, px[a], px[a + 1])
        south, north = min(south, py[a], py[a + 1]), max(north, py[a], py[a + 1])
        length += np.hypot(px[a + 1] - px[a], py[a + 1] - py[a])
    return west, south, east, north, length


@kernel
def segments(begin: Array, first: Array) -> None:
    """The first coordinate of every segment of the lines whose coordinates are ``begin[p]`` to ``begin[p + 1]``."""
    n = 0
    for p in range(len(begin) - 1):
        for a in range(begin[p], begin[p + 1] - 1):
            first[n] = a
            n += 1


def order_of(key: Array) -> Array:
    """The stable order of numbers that are not negative; `key` is used up."""
    # Arrays are made out here throughout: numpy asks for large pages, compiled code does not, and fresh small pages cost more than most loops.
    order, other = np.arange(len(key), dtype=np.int32), np.empty(len(key), np.int32)
    return np.asarray(_radix(key, np.empty_like(key), order, other))


@kernel
def _radix(key: Array, spare: Array, order: Array, other: Array) -> Array:
    most = 0
    for i in range(len(key)):
        most = max(most, key[i])
    shift = 0
    place = np.empty(2048, np.int64)
    while most >> shift > 0:
        place[:] = 0
        for i in range(len(key)):
            place[key[i] >> shift & 2047] += 1
        total = 0
        for digit in range(2048):
            place[digit], total = total, total + place[digit]
        for i in range(len(key)):
            digit = key[i] >> shift & 2047
            spare[place[digit]], other[place[digit]] = key[i], order[i]
            place[digit] += 1
        key, spare, order, other = spare, key, other, order
        shift += 11
    return order


@kernel
def find(parent: Array, i: int) -> int:
    """The root of `i`, paths halved on the way."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel
def unite(parent: Array, i: int, j: int) -> None:
    """Put `i` and `j` into one set; the smaller root stays."""
    i, j = find(parent, i), find(parent, j)
    if i < j:
        parent[j] = i
    elif j < i:
        parent[i] = j


@kernel
def unite_all(parent: Array, pairs: Array) -> None:
    """Put the two of every pair into one set."""
    for k in range(len(pairs)):
        unite(parent, pairs[k, 0], pairs[k, 1])


@kernel
def corner(xy: Array, begin: Array) -> tuple[float, float]:
    """The least x and y of the lines whose coordinates are all numbers."""
    west, south = np.inf, np.inf
    for p in range(len(begin) - 1):
        left, low = np.inf, np.inf
        for i in range(begin[p], begin[p + 1]):
            if not (np.isfinite(xy[i, 0]) and np.isfinite(xy[i, 1])):
                left, low = np.inf, np.inf
                break
            left, low = min(left, xy[i, 0]), min(low, xy[i, 1])
        west, south = min(west, left), min(south, low)
    return (west, south) if west < np.inf else (0.0, 0.0)


@kernel
def cleaned(
    low: int,
    high: int,
    xy: Array,
    begin: Array,
    x0: float,
    y0: float,
    x: Array,
    y: Array,
    along: Array,
    part: Array,
    keep: Array,
) -> tuple[int, int]:
    """Lines `low` to `high` without repeated vertices, relative to (x0, y0): x, y, metres along, first vertex of each line kept, and which are kept.

    What is kept is put down from the place of line `low` on. Left out are lines with a coordinate that is no number and those of no
    length. Returns where lines and coordinates end.
    """
    n, m = low, begin[low]
    for p in range(low, high):
        part[n] = m
        k = m
        finite = True
        for i in range(begin[p], begin[p + 1]):
            # Adding 0 makes −0 an ordinary one.
            x[k], y[k], along[k] = xy[i, 0] - x0 + 0.0, xy[i, 1] - y0 + 0.0, 0.0
            finite = finite and np.isfinite(x[k]) and np.isfinite(y[k])
            if k > m:
                if x[k] == x[k - 1] and y[k] == y[k - 1]:
                    continue
                along[k] = along[k - 1] + np.hypot(x[k] - x[k - 1], y[k] - y[k - 1])
            k += 1
        keep[p] = finite and k > m and along[k - 1] > WELD_M
        if keep[p]:
            m = k
            n += 1
    return n, m


@kernel
def _grown(a: Array) -> Array:
    out = np.empty((2 * len(a), a.shape[1]), a.dtype)
    out[: len(a)] = a
    return out


@kernel
def fingerprints(low: int, high: int, px: Array, py: Array, part: Array, level: Array, out: Array) -> None:
    """Two numbers for each part from `low` to `high`, the same for the same vertices in either direction on the same level."""
    bits_x, bits_y = px.view(np.uint64), py.view(np.uint64)
    prime, seed = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
    for p in range(low, high):
        forth = back = seed + np.uint64(level[p])
        lo, hi = part[p], part[p + 1]
        for k in range(hi - lo):
            for turn in range(2):
                v = lo + k if turn == 0 else hi - 1 - k
                h = forth if turn == 0 else back
                for b in (bits_x[v], bits_y[v]):
                    h = (h ^ b) * prime
                    h = (h ^ (h >> np.uint64(29))) * seed
                    h = h ^ (h >> np.uint64(32))
                if turn == 0:
                    forth = h
                else:
                    back = h
        out[p, 0], out[p, 1] = min(forth, back), max(forth, back)


@kernel
def find_touches(
    low: int,
    high: int,
    px: Array,
    py: Array,
    along: Array,
    part_of: Array,
    terminal: Array,
    level: Array,
    first: Array,
    grid: Grid,
    tolerance: float,
    is_node: Array,
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Where the vertices from `low` to `high` touch other vertices or segments; those that do are marked in `is_node`.

    Returns the points that fall inside a segment (its first vertex; along, x, y), the links between elements that touch (vertex number, or
    −1 − point number), those with a gap between them and the gap, and counts: ends on a street, crossings joined, not joined.
    """
    at = np.empty((64, 1), np.int64)
    where = np.empty((64, 3), np.float64)
    points = 0
    links = np.empty((high - low + 64, 2), np.int32)
    linked = 0
    wide = np.empty((64, 2), np.int32)
    gaps = np.empty((64, 1), np.float64)
    apart = 0
    counts = np.zeros(3, np.int64)
    reach = 4 * tolerance
    # Twice the tolerance, so that rounding cannot lose a neighbour.
    beside = 2 * tolerance
    for i in range(low, high):
        x, y = px[i], py[i]
        c = int((y - grid.y) / grid.cell) * grid.nx + int((x - grid.x) / grid.cell)
        for item in range(grid.start[c], grid.start[c + 1]):
            k = grid.items[item]
            a = np.int64(first[k])
            b = a + 1
            if i in (a, b):
                continue
            # One branch, nearly always taken, where four would be guessed wrong.
            off_x = (min(px[a], px[b]) > x + beside) | (max(px[a], px[b]) < x - beside)
            if off_x | (min(py[a], py[b]) > y + beside) | (max(py[a], py[b]) < y - beside):
                continue
            on_a, on_b = x == px[a] and y == py[a], x == px[b] and y == py[b]
            length = t = qx = qy = 0.0
            if not (on_a or on_b):
                dx, dy = px[b] - px[a], py[b] - py[a]
                length = np.sqrt(dx * dx + dy * dy)
                t = min(1.0, max(0.0, ((x - px[a]) * dx + (y - py[a]) * dy) / (length * length)))
                qx, qy = px[a] + t * dx, py[a] + t * dy
                if np.hypot(x - qx, y - qy) > tolerance:
                    continue
            da, db = 0.0, 0.0
            if not on_a:
                dx, dy = abs(x - px[a]), abs(y - py[a])
                da = np.hypot(dx, dy) if dx <= tolerance and dy <= tolerance else np.inf
            if not on_b:
                dx, dy = abs(x - px[b]), abs(y - py[b])
                db = np.hypot(dx, dy) if dx <= tolerance and dy <= tolerance else np.inf
            if da <= tolerance or db <= tolerance:
                for turn in range(2):
                    j = a if turn == 0 else b
                    d = da if turn == 0 else db
                    if d > tolerance or j < i or (turn == 1 and not terminal[b]):
                        continue
                    if part_of[i] == part_of[j] and d > 0 and abs(along[i] - along[j]) <= reach:
                        continue
                    if part_of[i] == part_of[j] and j == i + 1:
                        continue
                    is_node[i] = True
                    is_node[j] = True
                    if d <= WELD_M:
                        if linked == len(links):
                            links = _grown(links)
                        links[linked, 0], links[linked, 1] = i, j
                        linked += 1
                        continue
                    if apart == len(wide):
                        wide, gaps = _grown(wide), _grown(gaps)
                    wide[apart, 0], wide[apart, 1], gaps[apart, 0] = i, j, d
                    apart += 1
                continue
            s = along[a] + t * length
            if part_of[i] == part_of[a] and abs(along[i] - s) <= reach:
                continue
            if terminal[i]:
                counts[0] += 1
            elif level[part_of[i]] == level[part_of[a]]:
                counts[1] += 1
            else:
                counts[2] += 1
                continue
            is_node[i] = True
            if points == len(at):
                at, where = _grown(at), _grown(where)
            at[points, 0] = a
            where[points, 0], where[points, 1], where[points, 2] = s, qx, qy
            d = np.hypot(x - qx, y - qy)
            if d <= WELD_M:
                if linked == len(links):
                    links = _grown(links)
                links[linked, 0], links[linked, 1] = i, -1 - points
                linked += 1
            else:
                if apart == len(wide):
                    wide, gaps = _grown(wide), _grown(gaps)
                wide[apart, 0], wide[apart, 1], gaps[apart, 0] = i, -1 - points, d
                apart += 1
            points += 1
    return (
        at[:points, 0].copy(),
        where[:points].copy(),
        links[:linked],
        wide[:apart].copy(),
        gaps[:apart, 0].copy(),
        counts,
    )


@kernel
def find_crossings(
    low: int,
    high: int,
    px: Array,
    py: Array,
    along: Array,
    part_of: Array,
    level: Array,
    first: Array,
    grid: Grid,
    tolerance: float,
) -> tuple[Array, Array, Array]:
    """Where segments cross away from every vertex, in the rows of the grid from `low` to `high`.

    Returns the points two by two, one on either segment (its first vertex; along, x, y), and counts as `find_touches`.
    """
    at = np.empty((64, 1), np.int64)
    where = np.empty((64, 3), np.float64)
    points = 0
    counts = np.zeros(3, np.int64)
    for row in range(low, high):
        for column in range(grid.nx):
            c = row * grid.nx + column
            for item in range(grid.start[c], grid.start[c + 1]):
                a = first[grid.items[item]]
                ax, ay = px[a], py[a]
                rx, ry = px[a + 1] - ax, py[a + 1] - ay
                west, east = min(ax, px[a + 1]), max(ax, px[a + 1])
                south, north = min(ay, py[a + 1]), max(ay, py[a + 1])
                for other in range(item + 1, grid.start[c + 1]):
                    b = first[grid.items[other]]
                    if b == a + 1 or a == b + 1:
                        continue
                    bx, by = px[b], py[b]
                    off_x = (min(bx, px[b + 1]) > east) | (max(bx, px[b + 1]) < west)
                    if off_x | (min(by, py[b + 1]) > north) | (max(by, py[b + 1]) < south):
                        continue
                    sx, sy = px[b + 1] - bx, py[b + 1] - by
                    cross = rx * sy - ry * sx
                    if cross == 0.0:
                        continue
                    t = ((bx - ax) * sy - (by - ay) * sx) / cross
                    u = ((bx - ax) * ry - (by - ay) * rx) / cross
                    if not (0.0 < t < 1.0 and 0.0 < u < 1.0):
                        continue
                    x, y = ax + t * rx, ay + t * ry
                    if int((x - grid.x) / grid.cell) != column or int((y - grid.y) / grid.cell) != row:
                        continue
                    # An end beside the other segment has been dealt with above.
                    la, lb = np.hypot(rx, ry), np.hypot(sx, sy)
                    sine = abs(cross) / (la * lb)
                    near = min(min(t, 1 - t) * la, min(u, 1 - u) * lb) * sine
                    if near <= tolerance and _beside(px, py, a, b, tolerance):
                        continue
                    if level[part_of[a]] != level[part_of[b]]:
                        counts[2] += 1
                        continue
                    counts[1] += 1
                    if points + 1 >= len(at):
                        at, where = _grown(at), _grown(where)
                    at[points, 0], at[points + 1, 0] = a, b
                    where[points, 0], where[points, 1], where[points, 2] = along[a] + t * la, x, y
                    where[points + 1, 0], where[points + 1, 1], where[points + 1, 2] = along[b] + u * lb, x, y
                    points += 2
    return at[:points, 0].copy(), where[:points].copy(), counts


@kernel
def _off(px: Array, py: Array, i: int, a: int) -> float:
    # Distance of vertex i from segment a → a + 1.
    dx, dy = px[a + 1] - px[a], py[a + 1] - py[a]
    t = min(1.0, max(0.0, ((px[i] - px[a]) * dx + (py[i] - py[a]) * dy) / (dx * dx + dy * dy)))
    return float(np.hypot(px[i] - px[a] - t * dx, py[i] - py[a] - t * dy))


@kernel
def _beside(px: Array, py: Array, a: int, b: int, tolerance: float) -> bool:
    return bool(
        _off(px, py, a, b) <= tolerance
        or _off(px, py, a + 1, b) <= tolerance
        or _off(px, py, b, a) <= tolerance
        or _off(px, py, b + 1, a) <= tolerance
    )


@kernel
def open_gates(wx: Array, wy: Array, first: Array, gx: Array, gy: Array, radius: float) -> tuple[Array, Array]:
    """Barrier segments cut where a gate opens them: end points (n × 4) and whether the piece is open."""
    out = np.empty((64, 4), np.float64)
    is_open = np.zeros((64, 1), np.bool_)
    order = np.argsort(gx)
    sorted_x = gx[order]
    cuts = np.empty((len(gx), 2), np.float64)
    n = 0
    for k in range(len(first)):
        a = first[k]
        ax, ay, bx, by = wx[a], wy[a], wx[a + 1], wy[a + 1]
        length = np.hypot(bx - ax, by - ay)
        if length == 0.0:
            continue
        ex, ey = (bx - ax) / length, (by - ay) / length
        found = 0
        lo = np.searchsorted(sorted_x, min(ax, bx) - radius)
        hi = np.searchsorted(sorted_x, max(ax, bx) + radius, side="right")
        for g in order[lo:hi]:
            s = (gx[g] - ax) * ex + (gy[g] - ay) * ey
            d = abs((gx[g] - ax) * ey - (gy[g] - ay) * ex)
            if d > radius:
                continue
            half = np.sqrt(radius * radius - d * d)
            if s + half < 0 or s - half > length:
                continue
            cuts[found, 0], cuts[found, 1] = max(0.0, s - half), min(length, s + half)
            found += 1
        turn = np.argsort(cuts[:found, 0])
        done = 0.0
        for m in range(found + 1):
            low = cuts[turn[m], 0] if m < found else length
            high = cuts[turn[m], 1] if m < found else length
            for piece in range(2):
                s, e = (done, low) if piece == 0 else (max(done, low), high)
                if e <= s:
                    continue
                if n == len(out):
                    out, is_open = _grown(out), _grown(is_open)
                out[n, 0], out[n, 1] = (ax + s * ex, ay + s * ey) if s > 0 else (ax, ay)
                out[n, 2], out[n, 3] = (ax + e * ex, ay + e * ey) if e < length else (bx, by)
                is_open[n, 0] = piece == 1
                n += 1
            done = max(done, high)
    return out[:n].copy(), is_open[:n, 0].copy()


@kernel
def find_contacts(
    px: Array,
    py: Array,
    along: Array,
    part_of: Array,
    exempt: Array,
    first: Array,
    grid: Grid,
    walls: Array,
    is_open: Array,
    elements: int,
    is_node: Array,
) -> tuple[Array, Array, Array, Array, Array]:
    """Where barriers meet streets that they can cut.

    Returns the points inside a segment (first vertex; along, x, y), for each contact its element (vertex, or `elements` + point)
    and the directions in which the barrier leaves it (NaN: it ends here), and the crossings let through by a bridge or tunnel and by a gate.
    """
    at = np.empty((64, 1), np.int64)
    where = np.empty((64, 3), np.float64)
    met = np.empty((64, 1), np.int64)
    arms = np.empty((64, 2), np.float64)
    points = 0
    n = 0
    let = np.zeros(2, np.int64)
    for w in range(len(walls)):
        cx, cy, dx, dy = walls[w, 0], walls[w, 1], walls[w, 2], walls[w, 3]
        sx, sy = dx - cx, dy - cy
        wall = np.hypot(sx, sy)
        left = max(int(np.floor((min(cx, dx) - TOUCH_M - grid.x) / grid.cell)), 0)
        right = min(int(np.floor((max(cx, dx) + TOUCH_M - grid.x) / grid.cell)), grid.nx - 1)
        for column in range(left, right + 1):
            edge = grid.x + column * grid.cell
            low, high = _rows(cx, cy, dx, dy, edge, edge + grid.cell, grid.y, grid.cell, grid.ny, TOUCH_M)
            for row in range(low, high + 1):
                c = row * grid.nx + column
                for item in range(grid.start[c], grid.start[c + 1]):
                    a = first[grid.items[item]]
                    rx, ry = px[a + 1] - px[a], py[a + 1] - py[a]
                    street = np.hypot(rx, ry)
                    cross = rx * sy - ry * sx
                    if abs(cross) <= 1e-12 * street * wall:
                        continue
                    t = ((cx - px[a]) * sy - (cy - py[a]) * sx) / cross * street
                    u = ((cx - px[a]) * ry - (cy - py[a]) * rx) / cross * wall
                    if t < -TOUCH_M or t > street + TOUCH_M or u < -TOUCH_M or u > wall + TOUCH_M:
                        continue
                    x, y = px[a] + t / street * rx, py[a] + t / street * ry
                    i = int(np.floor((x - grid.x) / grid.cell))
                    j = int(np.floor((y - grid.y) / grid.cell))
                    if i != column or j != row:
                        continue
                    if is_open[w] or exempt[part_of[a]]:
                        inside = TOUCH_M < t < street - TOUCH_M and TOUCH_M < u < wall - TOUCH_M
                        let[1 if is_open[w] else 0] += inside
                        continue
                    if n == len(met):
                        met, arms = _grown(met), _grown(arms)
                    arms[n, 0] = np.arctan2(-sy, -sx) if u > TOUCH_M else np.nan
                    arms[n, 1] = np.arctan2(sy, sx) if u < wall - TOUCH_M else np.nan
                    if t <= TOUCH_M or t >= street - TOUCH_M:
                        v = a if t <= TOUCH_M else a + 1
                        is_node[v] = True
                        met[n, 0] = v
                    else:
                        if points == len(at):
                            at, where = _grown(at), _grown(where)
                        at[points, 0] = a
                        where[points, 0], where[points, 1], where[points, 2] = along[a] + t, x, y
                        met[n, 0] = elements + points
                        points += 1
                    n += 1
    return at[:points, 0].copy(), where[:points].copy(), met[:n, 0].copy(), arms[:n].copy(), let


@kernel
def cut(
    low: int,
    high: int,
    k: int,
    n: int,
    m: int,
    px: Array,
    py: Array,
    along: Array,
    part: Array,
    is_node: Array,
    at: Array,
    where: Array,
    element: Array,
    u: Array,
    v: Array,
    of: Array,
    begin: Array,
    ex: Array,
    ey: Array,
    es: Array,
) -> tuple[int, int, Array]:
    """Parts `low` to `high` cut at their nodes: element at either end, part and first coordinate of every edge, and x, y, along of its coordinates.

    `at`, `where`, `element` are the points inside segments, sorted by segment and along, `k` the first of them, `n` and `m` the first edge and coordinate to
    put down. Returns where edges and coordinates end, and the pairs of ends that lie in one place.
    """
    short, shorts = np.empty((16, 2), np.int32), 0
    for p in range(low, high):
        lo, hi = part[p], part[p + 1]
        first, base = m, along[lo]
        u[n] = lo
        ex[m], ey[m], es[m] = px[lo], py[lo], 0.0
        m += 1
        for i in range(lo, hi - 1):
            while True:
                inside = k < len(at) and at[k] == i
                if inside:
                    x, y, s, e = where[k, 1], where[k, 2], where[k, 0], element[k]
                    k += 1
                else:
                    x, y, s, e = px[i + 1], py[i + 1], along[i + 1], i + 1
                ex[m], ey[m], es[m] = x, y, s - base
                m += 1
                last = i + 1 == hi - 1 and not inside
                if inside or is_node[i + 1] or last:
                    if s - base <= WELD_M:
                        if shorts == len(short):
                            short = _grown(short)
                        short[shorts, 0], short[shorts, 1] = u[n], e
                        shorts += 1
                        m = first
                    else:
                        begin[n], v[n], of[n] = first, e, p
                        n += 1
                    if not last:
                        first, base = m, s
                        u[n] = e
                        ex[m], ey[m], es[m] = x, y, 0.0
                        m += 1
                if not inside:
                    break
    return n, m, short[:shorts].copy()


@kernel
def roots(parent: Array, elements: Array) -> Array:
    """The root of every element."""
    out = np.empty(len(elements), np.int64)
    for i in range(len(elements)):
        out[i] = find(parent, elements[i])
    return out


@kernel
def number_roots(parent: Array, elements: Array, seen: Array, n: int) -> int:
    """Put the number of its root in the place of every element: that in `seen`, or the next one after `n` where it is new."""
    for i in range(len(elements)):
        root = find(parent, elements[i])
        if seen[root] < 0:
            seen[root] = n
            n += 1
        elements[i] = seen[root]
    return n


@kernel
def number(labels: Array, most: int) -> tuple[Array, int]:
    """`labels` renumbered 0, 1, … in the order they appear, and how many there are."""
    seen = np.full(most, -1, np.int64)
    out = np.empty(len(labels), np.int64)
    n = 0
    for i in range(len(labels)):
        if seen[labels[i]] < 0:
            seen[labels[i]] = n
            n += 1
        out[i] = seen[labels[i]]
    return out, n


@kernel
def _halfway(begin: int, end: int, ex: Array, ey: Array, es: Array) -> tuple[float, float]:
    half = es[end - 1] / 2
    for i in range(begin, end - 1):
        if es[i + 1] >= half:
            t = (half - es[i]) / (es[i + 1] - es[i]) if es[i + 1] > es[i] else 0.0
            return ex[i] + t * (ex[i + 1] - ex[i]), ey[i] + t * (ey[i + 1] - ey[i])
    return ex[begin], ey[begin]


@kernel
def twins(
    u: Array,
    v: Array,
    level: Array,
    of: Array,
    begin: Array,
    ex: Array,
    ey: Array,
    es: Array,
    tolerance: float,
    head: Array,
    before: Array,
    out: Array,
) -> int:
    """Mark the edges that lie on an earlier edge between the same nodes, on the same level, and count them.

    `head` (−1, a power of two of them) and `before` link edges whose nodes fall into one slot.
    """
    count = 0
    mask = np.uint64(len(head) - 1)
    prime = np.uint64(0x9E3779B97F4A7C15)
    for e in range(len(u)):
        a, b = min(u[e], v[e]), max(u[e], v[e])
        mixed = (np.uint64(a) * prime ^ np.uint64(b)) * prime
        slot = np.int64((mixed ^ mixed >> np.uint64(32)) & mask)
        f = before[e] = head[slot]
        head[slot] = e
        out[e] = False
        while f >= 0:
            same = min(u[f], v[f]) == a and max(u[f], v[f]) == b and level[of[e]] == level[of[f]]
            if same and abs(es[begin[e + 1] - 1] - es[begin[f + 1] - 1]) <= tolerance:
                x, y = _halfway(begin[e], begin[e + 1], ex, ey, es)
                z, w = _halfway(begin[f], begin[f + 1], ex, ey, es)
                if np.hypot(x - z, y - w) <= tolerance:
                    out[e] = True
                    count += 1
                    break
            f = before[f]
    return count


@kernel
def drop_edges(
    gone: Array, u: Array, v: Array, of: Array, begin: Array, ex: Array, ey: Array, es: Array
) -> tuple[int, int]:
    """Close up, in place, the edges that are not `gone`; returns how many edges and coordinates are left."""
    n = m = 0
    for e in range(len(gone)):
        lo, hi = begin[e], begin[e + 1]
        if gone[e]:
            continue
        u[n], v[n], of[n], begin[n] = u[e], v[e], of[e], m
        for i in range(lo, hi):
            ex[m], ey[m], es[m] = ex[i], ey[i], es[i]
            m += 1
        n += 1
    begin[n] = m
    return n, m


@kernel
def at_ends(u: Array, v: Array, begin: Array, values: Array, out: Array) -> None:
    """What the `values` of coordinates are at the nodes; the last edge that starts at a node decides, else the last that ends there."""
    for e in range(len(v)):
        out[v[e]] = values[begin[e + 1] - 1]
    for e in range(len(u)):
        out[u[e]] = values[begin[e]]


@kernel
def bearings(ends: Array, begin: Array, ex: Array, ey: Array) -> Array:
    """The direction in which an edge leaves its end; ends are numbered 2 · edge (start) and 2 · edge + 1 (end)."""
    out = np.empty(len(ends), np.float64)
    for k in range(len(ends)):
        e = ends[k] // 2
        lo, hi = begin[e], begin[e + 1]
        at, step = (lo, 1) if ends[k] % 2 == 0 else (hi - 1, -1)
        i = at + step
        while lo < i < hi - 1 and np.hypot(ex[i] - ex[at], ey[i] - ey[at]) <= TOUCH_M:
            i += step
        out[k] = np.arctan2(ey[i] - ey[at], ex[i] - ex[at])
    return out


@kernel
def sides(end_node: Array, end_angle: Array, end_exempt: Array, arm_node: Array, arm_angle: Array) -> tuple[Array, int]:
    """The side of the barrier on which each street end lies, 0, 1, … at its node, and the number of nodes cut apart.

    Ends and arms are sorted by node. The arms of the barriers at a node cut its surroundings into sectors; a street drawn on the
    barrier belongs to both sectors beside it, and a bridge or tunnel that starts here carries across.
    """
    out = np.zeros(len(end_node), np.int64)
    cuts = 0
    i = j = 0
    turn = 2 * np.pi
    while i < len(end_node):
        node = end_node[i]
        k = i
        carried = False
        while k < len(end_node) and end_node[k] == node:
            carried = carried or end_exempt[k]
            k += 1
        while j < len(arm_node) and arm_node[j] < node:
            j += 1
        m = j
        while m < len(arm_node) and arm_node[m] == node:
            m += 1
        angles = np.sort(arm_angle[j:m])
        arms = np.empty(len(angles), np.float64)
        n = 0
        for angle in angles:
            if n == 0 or (angle - arms[n - 1] > 1e-9 and arms[0] + turn - angle > 1e-9):
                arms[n] = angle
                n += 1
        if n >= 2 and not carried:
            parent = np.arange(n)
            for e in range(i, k):
                sector = int(np.searchsorted(arms[:n], end_angle[e])) % n
                out[e] = sector
                for arm in range(n):
                    off = abs(arms[arm] - end_angle[e])
                    if min(off, turn - off) <= 1e-9:
                        unite(parent, arm, (arm + 1) % n)
                        out[e] = arm
            for e in range(i, k):
                out[e] = find(parent, out[e])
            lowest = out[i:k].min()
            apart = 0
            for e in range(i, k):
                apart += out[e] != lowest
                out[e] = 0 if out[e] == lowest else out[e] + 1
            cuts += apart > 0
        i = k
        j = m
    return out, cuts


@kernel
def components(u: Array, v: Array, length: Array, root: Array, total: Array, earliest: Array) -> None:
    """The component of every node, named by its smallest node, in `root`, which starts as each node's own number; at that node its length
    and first edge. Edges beyond those with a length add none.
    """
    for e in range(len(u)):
        unite(root, u[e], v[e])
    for i in range(len(root)):
        root[i] = find(root, i)
    for e in range(len(u) - 1, -1, -1):
        earliest[root[u[e]]] = e
    for e in range(len(length)):
        total[root[u[e]]] += length[e]


@kernel
def morton(x: Array, y: Array, scale: float, out: Array) -> None:
    """Positions on the Z-order curve, 21 bits an axis; x and y are not negative."""
    for i in range(len(x)):
        code = 0
        a, b = int(x[i] * scale), int(y[i] * scale)
        for bit in range(21):
            code |= ((a >> bit) & 1) << (2 * bit) | ((b >> bit) & 1) << (2 * bit + 1)
        out[i] = code


@kernel
def fill_arcs(u: Array, v: Array, length: Array, start: Array, node: Array, edge: Array, metres: Array) -> None:
    """Compressed rows: start of each node's arcs, and node, edge and length of every arc; a loop is one arc.

    `start` has two entries more than there are nodes, all 0; the last stays over.
    """
    for e in range(len(u)):
        start[u[e] + 2] += 1
        if u[e] != v[e]:
            start[v[e] + 2] += 1
    for i in range(2, len(start)):
        start[i] += start[i - 1]
    for e in range(len(u)):
        for turn in range(2):
            a, b = (u[e], v[e]) if turn == 0 else (v[e], u[e])
            if turn == 1 and a == b:
                continue
            at = start[a + 1]
            node[at], edge[at], metres[at] = b, e, length[e]
            start[a + 1] = at + 1


@kernel
def _blocks(
    x: float, y: float, qx: float, qy: float, ax: float, ay: float, bx: float, by: float, walls: Array, w: int
) -> bool:
    # Whether wall w stops the leg from (x, y) to (qx, qy) on street segment (ax, ay) → (bx, by).
    cx, cy = walls[w, 0], walls[w, 1]
    sx, sy = walls[w, 2] - cx, walls[w, 3] - cy
    rx, ry = qx - x, qy - y
    leg, wall = np.hypot(rx, ry), np.hypot(sx, sy)
    cross = rx * sy - ry * sx
    if abs(cross) <= 1e-12 * leg * wall:
        return False
    t = ((cx - x) * sy - (cy - y) * sx) / cross * leg
    u = ((cx - x) * ry - (cy - y) * rx) / cross * wall
    if t <= TOUCH_M or t > leg + TOUCH_M or u < -TOUCH_M or u > wall + TOUCH_M:
        return False
    if t < leg - TOUCH_M:
        return True
    # The leg ends on the wall: it is stopped where the street lies wholly on the other side.
    side = (sx * (y - cy) - sy * (x - cx)) / wall
    a = (sx * (ay - cy) - sy * (ax - cx)) / wall
    b = (sx * (by - cy) - sy * (bx - cx)) / wall
    if abs(a) <= TOUCH_M and abs(b) <= TOUCH_M:
        return False
    return bool((abs(a) <= TOUCH_M or a * side < 0) and (abs(b) <= TOUCH_M or b * side < 0))


@kernel
def _blocked(
    x: float, y: float, qx: float, qy: float, ax: float, ay: float, bx: float, by: float, walls: Array, grid: Grid
) -> int:
    # The wall that stops the leg from (x, y) to (qx, qy) on street segment (ax, ay) → (bx, by), −1 where none does.
    if len(walls) == 0:
        return -1
    left = max(int(np.floor((min(x, qx) - TOUCH_M - grid.x) / grid.cell)), 0)
    right = min(int(np.floor((max(x, qx) + TOUCH_M - grid.x) / grid.cell)), grid.nx - 1)
    for column in range(left, right + 1):
        edge = grid.x + column * grid.cell
        low, high = _rows(x, y, qx, qy, edge, edge + grid.cell, grid.y, grid.cell, grid.ny, TOUCH_M)
        for row in range(low, high + 1):
            c = row * grid.nx + column
            for item in range(grid.start[c], grid.start[c + 1]):
                if _blocks(x, y, qx, qy, ax, ay, bx, by, walls, grid.items[item]):
                    return int(grid.items[item])
    return -1


@kernel
def by_cell(points: Array, x0: float, y0: float, grid: Grid, cells: Array, order: Array) -> None:
    """The `order` of points by squares of four by four cells of the grid; `points` have their 0 at (−x0, −y0), `cells` is used up."""
    wide, high = grid.nx // 4, grid.ny // 4
    place = np.zeros((wide + 1) * (high + 1) + 1, np.int32)
    for p in range(len(points)):
        x, y = (points[p, 0] - x0 - grid.x) / (4 * grid.cell), (points[p, 1] - y0 - grid.y) / (4 * grid.cell)
        column = int(min(max(x, 0.0), float(wide))) if np.isfinite(x) else 0
        row = int(min(max(y, 0.0), float(high))) if np.isfinite(y) else 0
        cells[p] = row * (wide + 1) + column
        place[cells[p] + 1] += 1
    for c in range(1, len(place)):
        place[c] += place[c - 1]
    for p in range(len(points)):
        order[place[cells[p]]] = p
        place[cells[p]] += 1


@kernel
def _place_on(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> tuple[float, float, float, float]:
    # Share of the segment a → b at which the point nearest to (x, y) lies, that point, and the square of its distance.
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    ahead = (x - ax) * dx + (y - ay) * dy
    t = 0.0
    if 0 < ahead < square:
        t = ahead / square
    elif ahead > 0 and square > 0:
        t = 1.0
    qx, qy = ax, ay
    if t >= 1:
        qx, qy = bx, by
    elif t > 0:
        qx, qy = ax + t * dx, ay + t * dy
    return t, qx, qy, (x - qx) * (x - qx) + (y - qy) * (y - qy)


@kernel
def _least_beyond(x: float, y: float, column: int, row: int, ring: int, grid: Grid) -> float:
    # What lies outside the cells up to `ring` rings around (column, row) is at least this far from (x, y).
    return min(
        min(x - (grid.x + (column - ring) * grid.cell), grid.x + (column + ring + 1) * grid.cell - x),
        min(y - (grid.y + (row - ring) * grid.cell), grid.y + (row + ring + 1) * grid.cell - y),
    )


@kernel
def locate(
    points: Array,
    x0: float,
    y0: float,
    order: Array,
    cap: float,
    ex: Array,
    ey: Array,
    es: Array,
    first: Array,
    edge_of: Array,
    is_main: Array,
    grid: Grid,
    walls: Array,
    wall_grid: Grid,
    out_edge: Array,
    out_along: Array,
    out_leg: Array,
    out_why: Array,
    out_fragment: Array,
) -> None:
    """The nearest open place on the main component for the points in `order`, which have their 0 at (−x0, −y0); why: 0 placed, 1 too far, 2 behind a barrier, 3 no point."""
    most = 32
    tie_edge = np.empty(most, np.int64)
    tie_along = np.empty(most, np.float64)
    tie_leg = np.empty(most, np.float64)
    for p in order:
        x, y = points[p, 0] - x0, points[p, 1] - y0
        out_edge[p], out_along[p], out_leg[p], out_fragment[p] = -1, np.nan, np.nan, False
        if not (np.isfinite(x) and np.isfinite(y)):
            out_why[p] = 3
            continue
        best = fragment = cap
        ties = 0
        stopped = False
        near_fragment = False
        last_wall = -1
        column = int(np.floor((x - grid.x) / grid.cell))
        row = int(np.floor((y - grid.y) / grid.cell))
        ring = max(0, -column, column - grid.nx + 1, -row, row - grid.ny + 1)
        last = max(column, grid.nx - 1 - column, row, grid.ny - 1 - row)
        while ring <= last:
            if ring > 0 and _least_beyond(x, y, column, row, ring - 1, grid) > best + TOUCH_M:
                break
            for j in range(max(row - ring, 0), min(row + ring, grid.ny - 1) + 1):
                whole = abs(j - row) == ring
                step = 1 if whole or ring == 0 else 2 * ring
                for i in range(column - ring, column + ring + 1, step):
                    if i < 0 or i >= grid.nx:
                        continue
                    dx = max(max(grid.x + i * grid.cell - x, x - grid.x - (i + 1) * grid.cell), 0.0)
                    dy = max(max(grid.y + j * grid.cell - y, y - grid.y - (j + 1) * grid.cell), 0.0)
                    if dx * dx + dy * dy > (best + TOUCH_M) * (best + TOUCH_M):
                        continue
                    c = j * grid.nx + i
                    for item in range(grid.start[c], grid.start[c + 1]):
                        k = grid.items[item]
                        a = first[k]
                        ax, ay, bx, by = ex[a], ey[a], ex[a + 1], ey[a + 1]
                        # What lies in a box too far away is too far away; the margin is beyond rounding.
                        off = max(max(min(ax, bx) - x, x - max(ax, bx)), max(min(ay, by) - y, y - max(ay, by)))
                        if off > best + TOUCH_M:
                            continue
                        t, qx, qy, far = _place_on(x, y, ax, ay, bx, by)
                        if far > (best + TIE_M) * (best + TIE_M):
                            continue
                        leg = np.sqrt(far)
                        e = edge_of[k]
                        if not is_main[e]:
                            # What stopped one leg likely stops the next.
                            wall = last_wall
                            nearer = leg < fragment or not near_fragment
                            if nearer and (wall < 0 or not _blocks(x, y, qx, qy, ax, ay, bx, by, walls, wall)):
                                wall = _blocked(x, y, qx, qy, ax, ay, bx, by, walls, wall_grid)
                                if wall >= 0:
                                    last_wall = wall
                                else:
                                    fragment = leg
                                    near_fragment = True
                            continue
                        if leg > best + TIE_M:
                            continue
                        s = es[a] + t * (es[a + 1] - es[a])
                        known = False
                        for m in range(ties):
                            known = known or (tie_edge[m] == e and tie_along[m] == s)
                        if known:
                            continue
                        if last_wall >= 0 and _blocks(x, y, qx, qy, ax, ay, bx, by, walls, last_wall):
                            stopped = True
                            continue
                        wall = _blocked(x, y, qx, qy, ax, ay, bx, by, walls, wall_grid) if len(walls) > 0 else -1
                        if wall >= 0:
                            last_wall = wall
                            stopped = True
                            continue
                        best = min(best, leg)
                        if ties == most:
                            worst = 0
                            for m in range(ties):
                                if tie_edge[m] > tie_edge[worst]:
                                    worst = m
                            ties -= 1
                            tie_edge[worst] = tie_edge[ties]
                            tie_along[worst] = tie_along[ties]
                            tie_leg[worst] = tie_leg[ties]
                        tie_edge[ties], tie_along[ties], tie_leg[ties] = e, s, leg
                        ties += 1
                        kept = 0
                        for m in range(ties):
                            if tie_leg[m] <= best + TIE_M:
                                tie_edge[kept], tie_along[kept], tie_leg[kept] = tie_edge[m], tie_along[m], tie_leg[m]
                                kept += 1
                        ties = kept
            ring += 1
        if ties == 0:
            out_why[p] = 2 if stopped else 1
        else:
            m = 0
            for i in range(1, ties):
                if tie_edge[i] < tie_edge[m] or (tie_edge[i] == tie_edge[m] and tie_along[i] < tie_along[m]):
                    m = i
            out_why[p] = 0
            out_edge[p], out_along[p], out_leg[p] = tie_edge[m], tie_along[m], tie_leg[m]
        out_fragment[p] = near_fragment and (ties == 0 or fragment < best - TIE_M)


@kernel
def _lift(v: int, b: int, head: Array, after: Array, before: Array) -> None:
    # Take v out of bucket b.
    n, p = after[v], before[v]
    if p >= 0:
        after[p] = n
    else:
        head[b] = n
    if n >= 0:
        before[n] = p


@kernel
def _drop(v: int, b: int, head: Array, after: Array, before: Array) -> None:
    # Put v into bucket b.
    n = head[b]
    after[v], before[v] = n, -1
    if n >= 0:
        before[n] = v
    head[b] = v


@kernel
def sweep(
    dist: Array, start: Array, node: Array, metres: Array, seed: Array, seed_m: Array, width: float, buckets: int
) -> None:
    """Metres from the nearest seed to every node, infinite where there is no way, where they are less than in `dist`.

    A bucket queue: nodes lie in buckets `width` metres wide, are taken bucket by bucket and put back if they improve, so the answer
    is exact whatever the width and the order. `buckets` is a power of two and spans the longest arc. Nodes that follow one another
    lie close together, so the queue runs block by block in the fast memory; what leaves a block waits for its own block's turn.
    """
    n = len(start) - 1
    after = np.empty(n, np.int32)
    before = np.full(n, -2, np.int32)  # -2: not in a bucket, -3: waiting for its block, which `after` then links
    head = np.full(buckets, -1, np.int32)
    blocks = (n - 1 >> _BLOCK) + 1
    entry = np.full(blocks, -1, np.int32)
    mask = buckets - 1
    inverse = 1.0 / width
    outside = 0
    for i in range(len(seed)):
        v = seed[i]
        if seed_m[i] < dist[v]:
            dist[v] = seed_m[i]
            if before[v] == -2:
                after[v], before[v] = entry[v >> _BLOCK], -3
                entry[v >> _BLOCK] = v
                outside += 1
    while outside > 0:
        for block in range(blocks):
            v = entry[block]
            entry[block] = -1
            waiting = 0
            now = 2**62
            while v >= 0:
                next_ = after[v]
                now = min(now, int(dist[v] * inverse))
                _drop(v, int(dist[v] * inverse) & mask, head, after, before)
                outside -= 1
                waiting += 1
                v = next_
            while waiting > 0:
                b = now & mask
                while head[b] >= 0:
                    u = head[b]
                    next_ = after[u]
                    head[b] = next_
                    if next_ >= 0:
                        before[next_] = -1
                    before[u] = -2
                    waiting -= 1
                    d = dist[u]
                    for arc in range(start[u], start[u + 1]):
                        v = node[arc]
                        reached = d + metres[arc]
                        if reached >= dist[v]:
                            continue
                        if v >> _BLOCK != block:
                            if before[v] == -2:
                                after[v], before[v] = entry[v >> _BLOCK], -3
                                entry[v >> _BLOCK] = v
                                outside += 1
                        elif before[v] == -2:
                            _drop(v, int(reached * inverse) & mask, head, after, before)
                            waiting += 1
                        else:
                            old, new = int(dist[v] * inverse) & mask, int(reached * inverse) & mask
                            if old != new:
                                _lift(v, old, head, after, before)
                                _drop(v, new, head, after, before)
                        dist[v] = reached
                now += 1


@kernel
def costs_at(begin: Array, along: Array, forth: Array, back: Array, edge: Array, at: Array) -> tuple[Array, Array]:
    """`forth` and `back` at the places ``at`` metres along the edges ``edge``, linear between coordinates; NaN where edge is −1."""
    out_forth, out_back = np.full(len(edge), np.nan), np.full(len(edge), np.nan)
    for i in range(len(edge)):
        if edge[i] < 0:
            continue
        lo, hi = begin[edge[i]], begin[edge[i] + 1] - 1
        while hi - lo > 1:
            mid = (lo + hi) // 2
            if along[mid] <= at[i]:
                lo = mid
            else:
                hi = mid
        length = along[hi] - along[lo]
        t = min(1.0, max(0.0, (at[i] - along[lo]) / length)) if length > 0 else 0.0
        out_forth[i] = forth[lo] + t * (forth[hi] - forth[lo])
        out_back[i] = back[lo] + t * (back[hi] - back[lo])
    return out_forth, out_back


@kernel
def to_ground(
    dist: Array,
    edge_u: Array,
    edge_v: Array,
    total: Array,
    row: Array,
    edge: Array,
    ahead: Array,
    behind: Array,
    leg: Array,
    door_edge: Array,
    door_ahead: Array,
    door_behind: Array,
    door_leg: Array,
    out: Array,
) -> None:
    """Metres of the placed points in `row` over both ends of their edge and, along it, to the doors on it.

    `ahead` is the cost from the start of the edge to the point, `behind` that from the point to the start. Doors are sorted by edge.
    """
    first = np.full(len(edge_u), -1, np.int32)
    for d in range(len(door_edge) - 1, -1, -1):
        first[door_edge[d]] = d
    for p in row:
        e = edge[p]
        best = min(dist[edge_u[e]] + behind[p], dist[edge_v[e]] + (total[e] - ahead[p]))
        d = first[e]
        if d >= 0:
            while d < len(door_edge) and door_edge[d] == e:
                # Forward if the door lies ahead, back if it lies behind: the other difference is negative.
                best = min(best, door_leg[d] + max(door_ahead[d] - ahead[p], behind[p] - door_behind[d]))
                d += 1
        out[p] = best + leg[p]


@kernel
def within(
    low: int,
    high: int,
    start: Array,
    node: Array,
    arc_edge: Array,
    metres: Array,
    edge_u: Array,
    edge_v: Array,
    home_start: Array,
    home_at: Array,
    home_to_u: Array,
    total: Array,
    home_forth: Array,
    home_leg: Array,
    door_start: Array,
    door_edge: Array,
    door_forth: Array,
    door_back: Array,
    door_from_v: Array,
    door_leg: Array,
    limit: float,
    scale: float,
    width: float,
) -> tuple[Array, Array]:
    """Pairs within `limit` minutes for the facilities from `low` to `high`: (home, facility) and minutes.

    Homes are sorted by edge, those of edge e, which costs ``total[e]``, lie between ``home_start[e]`` and the next, and `home_at` numbers them; the doors of
    facility f lie between ``door_start[f]`` and the next. Facilities that follow one another should lie close together. A door costs `door_forth` from the start of its edge and `door_from_v` from its end.
    """
    nodes = len(start) - 1
    dist = np.full(nodes, np.inf)
    after = np.empty(nodes, np.int32)
    before = np.full(nodes, -2, np.int32)
    most = limit * scale * (1 + 1e-12)
    inverse = 1.0 / width
    head = np.full(int(most * inverse) + 2, -1, np.int32)
    touched = np.empty((1024, 1), np.int32)
    stamp = np.full(len(edge_u), -1, np.int32)
    found = np.empty((1024, 2), np.int32)
    minutes = np.empty((1024, 1), np.float64)
    n = 0
    for f in range(low, high):
        reached_nodes = 0
        for i in range(door_start[f], door_start[f + 1]):
            e = door_edge[i]
            for turn in range(2):
                v = edge_u[e] if turn == 0 else edge_v[e]
                d = door_leg[i] + (door_forth[i] if turn == 0 else door_from_v[i])
                if d > most or d >= dist[v]:
                    continue
                if before[v] != -2:
                    _lift(v, int(dist[v] * inverse), head, after, before)
                else:
                    if reached_nodes == len(touched):
                        touched = _grown(touched)
                    touched[reached_nodes, 0] = v
                    reached_nodes += 1
                dist[v] = d
                _drop(v, int(d * inverse), head, after, before)
        for b in range(len(head)):
            while head[b] >= 0:
                u = head[b]
                next_ = after[u]
                head[b] = next_
                if next_ >= 0:
                    before[next_] = -1
                before[u] = -2
                so_far = dist[u]
                for arc in range(start[u], start[u + 1]):
                    v = node[arc]
                    d = so_far + metres[arc]
                    if d > most or d >= dist[v]:
                        continue
                    if before[v] != -2:
                        _lift(v, int(dist[v] * inverse), head, after, before)
                    elif dist[v] == np.inf:
                        if reached_nodes == len(touched):
                            touched = _grown(touched)
                        touched[reached_nodes, 0] = v
                        reached_nodes += 1
                    dist[v] = d
                    _drop(v, int(d * inverse), head, after, before)
        doors = door_start[f + 1] - door_start[f]
        for k in range(-doors, reached_nodes):
            # First the edges with a door, whose ends may both be out of reach, then those of the nodes reached.
            arc_low = 0 if k < 0 else start[touched[k, 0]]
            arc_high = 1 if k < 0 else start[touched[k, 0] + 1]
            for arc in range(arc_low, arc_high):
                e = door_edge[door_start[f + 1] + k] if k < 0 else arc_edge[arc]
                if stamp[e] == f:
                    continue
                stamp[e] = f
                here = False
                for i in range(door_start[f], door_start[f + 1]):
                    here = here or door_edge[i] == e
                to_u, to_v = dist[edge_u[e]], dist[edge_v[e]]
                for h in range(home_start[e], home_start[e + 1]):
                    best = min(to_u + home_to_u[h], to_v + (total[e] - home_forth[h]))
                    if here:
                        for j in range(door_start[f], door_start[f + 1]):
                            if door_edge[j] == e:
                                ahead = max(door_forth[j] - home_forth[h], home_to_u[h] - door_back[j])
                                best = min(best, door_leg[j] + ahead)
                    walk = (best + home_leg[h]) / scale
                    if walk <= limit:
                        if n == len(found):
                            found, minutes = _grown(found), _grown(minutes)
                        found[n, 0], found[n, 1], minutes[n, 0] = home_at[h], f, walk
                        n += 1
        for k in range(reached_nodes):
            dist[touched[k, 0]] = np.inf
    return found[:n].copy(), minutes[:n, 0].copy()


@kernel
def _cells(x: float, y: float, u: float, v: float, radius: float, grid: Grid) -> tuple[int, int, int, int]:
    # First and last column and row of the grid's cells that come within `radius` of the box around (x, y) and (u, v).
    left = max(int(np.floor((min(x, u) - radius - grid.x) / grid.cell)), 0)
    right = min(int(np.floor((max(x, u) + radius - grid.x) / grid.cell)), grid.nx - 1)
    low = max(int(np.floor((min(y, v) - radius - grid.y) / grid.cell)), 0)
    high = min(int(np.floor((max(y, v) + radius - grid.y) / grid.cell)), grid.ny - 1)
    return left, right, low, high


@kernel
def _wall_near(x: float, y: float, radius: float, walls: Array, grid: Grid) -> bool:
    left, right, low, high = _cells(x, y, x, y, radius, grid)
    for row in range(low, high + 1):
        for column in range(left, right + 1):
            c = row * grid.nx + column
            for item in range(grid.start[c], grid.start[c + 1]):
                w = grid.items[item]
                if _distance(x, y, walls[w, 0], walls[w, 1], walls[w, 2], walls[w, 3]) <= radius:
                    return True
    return False


@kernel
def _foot(x: float, y: float, ax: float, ay: float, dx: float, dy: float) -> tuple[float, float]:
    # The point of the segment (ax, ay) → (ax + dx, ay + dy) nearest to (x, y).
    square = dx * dx + dy * dy
    t = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / square)) if square > 0 else 0.0
    return ax + t * dx, ay + t * dy


@kernel
def _distance(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> float:
    return float(np.sqrt(_place_on(x, y, ax, ay, bx, by)[3]))


@kernel
def _this_side(
    x: float, y: float, size: float, street: tuple[float, float, float, float], walls: Array, w: int
) -> bool:
    """Whether a square and its places on `street` lie on one side of wall w, or the places on it, so that it stops no leg."""
    wx, wy = walls[w, 0], walls[w, 1]
    wall = np.hypot(walls[w, 2] - wx, walls[w, 3] - wy)
    if wall == 0.0:
        return False
    ux, uy = (walls[w, 2] - wx) / wall, (walls[w, 3] - wy) / wall
    ax, ay, bx, by = street
    way = 1.0 if ux * (y + 0.5 * size - wy) - uy * (x + 0.5 * size - wx) > 0 else -1.0
    # Where a leg ends on the wall the street has to lie on this side of it, or along it.
    a, b = way * (ux * (ay - wy) - uy * (ax - wx)), way * (ux * (by - wy) - uy * (bx - wx))
    if max(a, b) <= TOUCH_M and min(a, b) < -TOUCH_M:
        return False
    for q in range(4):
        px, py = x + (q & 1) * size, y + (q >> 1) * size
        here = way * (ux * (py - wy) - uy * (px - wx))
        if here <= 0:
            return False
        for end in range(4):
            fx, fy = _foot(x + (end & 1) * size, y + (end >> 1) * size, ax, ay, bx - ax, by - ay)
            there = way * (ux * (fy - wy) - uy * (fx - wx))
            # A place behind the wall by rounding: the leg meets the wall so much before its end.
            if there * np.hypot(px - fx, py - fy) < -0.5 * TOUCH_M * here:
                return False
    return True


@kernel
def _wall_along(
    corner_x: float, corner_y: float, size: float, street: tuple[float, float, float, float], walls: Array, grid: Grid
) -> bool:
    """Whether a wall may stop a leg from a square to the segment `street` (x, y, x, y)."""
    # All legs lie within half a diagonal of the one from the middle.
    radius = 0.5 * np.hypot(size, size) + TOUCH_M
    x, y = corner_x + 0.5 * size, corner_y + 0.5 * size
    qx, qy = _foot(x, y, street[0], street[1], street[2] - street[0], street[3] - street[1])
    rx, ry = qx - x, qy - y
    left, right, low, high = _cells(x, y, qx, qy, radius, grid)
    for row in range(low, high + 1):
        for column in range(left, right + 1):
            c = row * grid.nx + column
            for item in range(grid.start[c], grid.start[c + 1]):
                w = grid.items[item]
                ax, ay, bx, by = walls[w, 0], walls[w, 1], walls[w, 2], walls[w, 3]
                # Two segments are nearest at an end of one of them, unless they cross.
                touches = False
                for end in range(4):
                    if end < 2:
                        px, py = (ax, ay) if end == 0 else (bx, by)
                        fx, fy = _foot(px, py, x, y, rx, ry)
                    else:
                        px, py = (x, y) if end == 2 else (qx, qy)
                        fx, fy = _foot(px, py, ax, ay, bx - ax, by - ay)
                    touches = touches or np.hypot(px - fx, py - fy) <= radius
                sides = (rx * (ay - y) - ry * (ax - x)) * (rx * (by - y) - ry * (bx - x))
                sx, sy = bx - ax, by - ay
                if sides < 0 and (sx * (y - ay) - sy * (x - ax)) * (sx * (qy - ay) - sy * (qx - ax)) < 0:
                    touches = True
                if touches and not _this_side(corner_x, corner_y, size, street, walls, w):
                    return True
    return False


@kernel
def _shut(
    x: float, y: float, size: float, ax: float, ay: float, bx: float, by: float, walls: Array, grid: Grid
) -> bool:
    """Whether one wall stops the legs from every point of a square to the street segment (ax, ay) → (bx, by), as `_blocks` does."""
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    t0, t1 = 1.0, 0.0
    for q in range(4):
        t = (x + (q & 1) * size - ax) * dx + (y + (q >> 1) * size - ay) * dy
        t = min(1.0, max(0.0, t / square)) if square > 0 else 0.0
        t0, t1 = min(t0, t), max(t1, t)
    cx, cy = x + 0.5 * size, y + 0.5 * size
    qx, qy = _foot(cx, cy, ax, ay, dx, dy)
    left, right, low, high = _cells(cx, cy, qx, qy, TOUCH_M, grid)
    for row in range(low, high + 1):
        for column in range(left, right + 1):
            c = row * grid.nx + column
            for item in range(grid.start[c], grid.start[c + 1]):
                w = grid.items[item]
                wx, wy = walls[w, 0], walls[w, 1]
                wall = np.hypot(walls[w, 2] - wx, walls[w, 3] - wy)
                if wall == 0.0:
                    continue
                ux, uy = (walls[w, 2] - wx) / wall, (walls[w, 3] - wy) / wall
                # Metres off the wall's line, counted from the side of the square's middle.
                way = 1.0 if ux * (cy - wy) - uy * (cx - wx) > 0 else -1.0
                a, b = way * (ux * (ay - wy) - uy * (ax - wx)), way * (ux * (by - wy) - uy * (bx - wx))
                beyond = a <= TOUCH_M and b <= TOUCH_M and min(a, b) < -TOUCH_M
                stops = True
                for q in range(4):
                    px, py = x + (q & 1) * size, y + (q >> 1) * size
                    here = way * (ux * (py - wy) - uy * (px - wx))
                    for end in range(2):
                        t = t0 if end == 0 else t1
                        fx, fy = ax + t * dx, ay + t * dy
                        there = way * (ux * (fy - wy) - uy * (fx - wx))
                        if here <= 2 * TOUCH_M or not (there < -2 * TOUCH_M or beyond):
                            stops = False
                            break
                        share = here / (here - there)
                        at = (1 - share) * (ux * (px - wx) + uy * (py - wy)) + share * (ux * (fx - wx) + uy * (fy - wy))
                        if at < 0 or at > wall:
                            stops = False
                            break
                    if not stops:
                        break
                if stops:
                    return True
    return False


@kernel
def _bounds_on(
    k: int,
    t0: float,
    t1: float,
    forth: Array,
    back: Array,
    first: Array,
    edge_of: Array,
    edge_u: Array,
    edge_v: Array,
    total: Array,
    dist: Array,
    door_edge: Array,
    door_forth: Array,
    door_back: Array,
    door_leg: Array,
) -> tuple[float, float]:
    # The least and a bound on the most it costs from the part t0 … t1 of segment k to the nearest facility.
    a, e = first[k], edge_of[k]
    f0, f1 = forth[a] + t0 * (forth[a + 1] - forth[a]), forth[a] + t1 * (forth[a + 1] - forth[a])
    b0, b1 = back[a] + t0 * (back[a + 1] - back[a]), back[a] + t1 * (back[a + 1] - back[a])
    u, v = dist[edge_u[e]], dist[edge_v[e]] + total[e]
    low, high = min(u + b0, v - f1), min(u + b1, v - f0)
    i = np.searchsorted(door_edge, e)
    while i < len(door_edge) and door_edge[i] == e:
        if door_forth[i] > f1:
            least, most = door_forth[i] - f1, door_forth[i] - f0
        elif door_forth[i] < f0:
            least, most = b0 - door_back[i], b1 - door_back[i]
        else:
            least, most = 0.0, max(door_forth[i] - f0, b1 - door_back[i])
        low, high = min(low, door_leg[i] + least), min(high, door_leg[i] + most)
        i += 1
    return low, high


@kernel
def bounds_in(
    forth: Array,
    back: Array,
    first: Array,
    edge_of: Array,
    is_main: Array,
    grid: Grid,
    edge_u: Array,
    edge_v: Array,
    total: Array,
    dist: Array,
    door_edge: Array,
    door_forth: Array,
    door_back: Array,
    door_leg: Array,
) -> tuple[Array, Array, Array, Array]:
    """The least and the most it costs from each segment, and from the streets in each cell of the network's grid.

    Infinite and 0 off the main component and where a cell holds nothing.
    """
    least, most = np.full(grid.nx * grid.ny, np.inf), np.zeros(grid.nx * grid.ny)
    low, high = np.empty(len(first)), np.empty(len(first))
    for k in range(len(first)):
        low[k], high[k] = np.inf, 0.0
        if is_main[edge_of[k]]:
            low[k], high[k] = _bounds_on(
                k, 0.0, 1.0, forth, back, first, edge_of, edge_u, edge_v, total, dist,
                door_edge, door_forth, door_back, door_leg,
            )  # fmt: skip
    for b in range(grid.nx * grid.ny):
        for item in range(grid.start[b], grid.start[b + 1]):
            least[b] = min(least[b], low[grid.items[item]])
            most[b] = max(most[b], high[grid.items[item]])
    return low, high, least, most


@kernel
def _settled(
    x: float,
    y: float,
    leg_most: float,
    half: float,
    inside: bool,
    most: float,
    bin_least: Array,
    bin_most: Array,
    grid: Grid,
) -> bool:
    # Whether what the cells of the network's grid hold as a whole settles a square around (x, y), as it does for most.
    radius = leg_most + half
    left, right, low, high = _cells(x, y, x, y, radius, grid)
    least, greatest = np.inf, 0.0
    for row in range(low, high + 1):
        for column in range(left, right + 1):
            b = row * grid.nx + column
            least, greatest = min(least, bin_least[b]), max(greatest, bin_most[b])
    return bool((inside and greatest + leg_most <= most) or (not inside and least > most))


@kernel
def legs_in(
    x: Array,
    y: Array,
    size: float,
    leg: Array,
    cap: float,
    ex: Array,
    ey: Array,
    first: Array,
    edge_of: Array,
    is_main: Array,
    grid: Grid,
    walls: Array,
    wall_grid: Grid,
) -> tuple[Array, Array, Array]:
    """What is known of the legs in squares: a bound on them, whether every point has one, and whether walls may part it from streets.

    x, y are the lower left corners, `leg` (n × 4) the legs of the corners, NaN without a place. The bound is 0 where no point has a leg.
    """
    n = len(x)
    bound, served, walled = np.empty(n), np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    half = 0.5 * np.hypot(size, size)
    for i in range(n):
        far = 0.0
        missing = 0
        for q in range(4):
            if np.isnan(leg[i, q]):
                missing += 1
            else:
                far = max(far, leg[i, q])
        cx, cy = x[i] + 0.5 * size, y[i] + 0.5 * size
        leg_most = cap if missing > 0 else min(cap, far + half)
        walled[i] = len(walls) > 0 and _wall_near(cx, cy, leg_most + half, walls, wall_grid)
        if missing == 4 and not walled[i]:
            bound[i] = 0.0
            continue
        if not walled[i]:
            served[i] = missing == 0 and far + half <= cap
        else:
            leg_most = cap
        if missing == 0 and (walled[i] or not served[i]):
            # A street that serves the whole square shortens its legs.
            radius = far + 2 * half
            left, right, low_row, high_row = _cells(cx, cy, cx, cy, radius, grid)
            for row in range(low_row, high_row + 1):
                for column in range(left, right + 1):
                    b = row * grid.nx + column
                    for item in range(grid.start[b], grid.start[b + 1]):
                        k = grid.items[item]
                        if not is_main[edge_of[k]]:
                            continue
                        a = first[k]
                        ax, ay, dx, dy = ex[a], ey[a], ex[a + 1] - ex[a], ey[a + 1] - ey[a]
                        qx, qy = _foot(cx, cy, ax, ay, dx, dy)
                        if np.hypot(cx - qx, cy - qy) > radius:
                            continue
                        worst = 0.0
                        for q in range(4):
                            px, py = x[i] + (q & 1) * size, y[i] + (q >> 1) * size
                            fx, fy = _foot(px, py, ax, ay, dx, dy)
                            worst = max(worst, np.hypot(px - fx, py - fy))
                        shorter = worst < leg_most or not served[i]
                        street = (ax, ay, ax + dx, ay + dy)
                        if shorter and not (walled[i] and _wall_along(x[i], y[i], size, street, walls, wall_grid)):
                            leg_most = min(leg_most, worst)
                            served[i] = served[i] or worst <= cap
        bound[i] = leg_most
    return bound, served, walled


@kernel
def undecided(
    x: Array,
    y: Array,
    size: float,
    within: Array,
    bound: Array,
    served: Array,
    walled: Array,
    most: float,
    ex: Array,
    ey: Array,
    forth: Array,
    back: Array,
    first: Array,
    edge_of: Array,
    is_main: Array,
    grid: Grid,
    walls: Array,
    wall_grid: Grid,
    edge_u: Array,
    edge_v: Array,
    total: Array,
    dist: Array,
    bin_least: Array,
    bin_most: Array,
    door_edge: Array,
    door_forth: Array,
    door_back: Array,
    door_leg: Array,
) -> Array:
    """Squares whose corners agree but whose ground may not.

    x, y are the lower left corners, `within` (n × 4) says whether each corner is within `most`; `bound`, `served` and `walled` are those of
    `legs_in`. Bounds on what it costs from the streets around a square, the legs included, prove most squares to be wholly within or
    wholly beyond. Squares whose corners differ are not asked: the outline crosses them.
    """
    out = np.zeros(len(x), np.bool_)
    half = 0.5 * np.hypot(size, size)
    for n in range(len(x)):
        inside = within[n, 0]
        if within[n, 1] != inside or within[n, 2] != inside or within[n, 3] != inside or bound[n] == 0.0:
            continue
        cx, cy = x[n] + 0.5 * size, y[n] + 0.5 * size
        leg_most = bound[n]
        proved = not inside or served[n]
        if proved and _settled(cx, cy, leg_most, half, inside, most, bin_least, bin_most, grid):
            continue
        doubt = not proved
        radius = leg_most + half
        left, right, low_row, high_row = _cells(cx, cy, cx, cy, radius, grid)
        for row in range(low_row, high_row + 1):
            if doubt:
                break
            for column in range(left, right + 1):
                if doubt:
                    break
                b = row * grid.nx + column
                # A cell of the network's grid that is wholly on the square's side needs no closer look.
                if (inside and bin_most[b] + leg_most <= most) or (not inside and bin_least[b] > most):
                    continue
                for item in range(grid.start[b], grid.start[b + 1]):
                    k = grid.items[item]
                    if not is_main[edge_of[k]]:
                        continue
                    a = first[k]
                    ax, ay, dx, dy = ex[a], ey[a], ex[a + 1] - ex[a], ey[a + 1] - ey[a]
                    square = dx * dx + dy * dy
                    t = min(1.0, max(0.0, ((cx - ax) * dx + (cy - ay) * dy) / square)) if square > 0 else 0.0
                    away = np.hypot(cx - ax - t * dx, cy - ay - t * dy)
                    if away > radius:
                        continue
                    # The places of the square's points are no farther apart than the points.
                    spread = half / np.sqrt(square) if square > 0 else 0.0
                    t0, t1 = max(0.0, t - spread), min(1.0, t + spread)
                    low, high = _bounds_on(
                        k, t0, t1, forth, back, first, edge_of, edge_u, edge_v, total, dist,
                        door_edge, door_forth, door_back, door_leg,
                    )  # fmt: skip
                    doubt = high + min(leg_most, away + half) > most if inside else low + max(0.0, away - half) <= most
                    if doubt and walled[n]:
                        doubt = not _shut(x[n], y[n], size, ax, ay, ax + dx, ay + dy, walls, wall_grid)
                    if doubt:
                        break
        out[n] = doubt
    return out


class Ground(NamedTuple):
    """Whole numbers to metres: lattice point (i, j) lies at ((i + x) · unit − west, (j + y) · unit − south)."""

    unit: float
    x: int
    y: int
    west: float
    south: float


class Costs(NamedTuple):
    """What walks along edges cost, and the field of one kind: metres at the nodes, doors sorted by edge, bounds by segment."""

    forth: Array
    back: Array
    edge_u: Array
    edge_v: Array
    total: Array
    dist: Array
    door_edge: Array
    door_forth: Array
    door_back: Array
    door_leg: Array
    low: Array
    high: Array


@kernel
def _metres(i: int, j: int, ground: Ground) -> tuple[float, float]:
    return (i + ground.x) * ground.unit - ground.west, (j + ground.y) * ground.unit - ground.south


@kernel
def gather(
    x: Array,
    y: Array,
    half: float,
    far: float,
    ex: Array,
    ey: Array,
    first: Array,
    edge_of: Array,
    is_main: Array,
    grid: Grid,
) -> tuple[Array, Array, Array]:
    """The segments that can be nearest to a point of a square, for squares around (x, y) with half a diagonal of `half`.

    Those of square n are ``items[start[n]:start[n + 1]]``; none where every segment is farther than `far` from every point. Last comes how far
    the nearest is from the middle, infinite where there is none.
    """
    start = np.zeros(len(x) + 1, np.int64)
    off = np.full(len(x), np.inf)
    items = np.empty((16 * len(x) + 64, 1), np.int32)
    n = 0
    seen = np.full(len(first), -1, np.int32)
    away = np.empty(64, np.float64)
    for p in range(len(x)):
        begin = n
        best = far + half
        column = int(np.floor((x[p] - grid.x) / grid.cell))
        row = int(np.floor((y[p] - grid.y) / grid.cell))
        ring = max(0, -column, column - grid.nx + 1, -row, row - grid.ny + 1)
        last = max(column, grid.nx - 1 - column, row, grid.ny - 1 - row)
        while ring <= last:
            if ring > 0 and _least_beyond(x[p], y[p], column, row, ring - 1, grid) > best + 2 * half + TOUCH_M:
                break
            for j in range(max(row - ring, 0), min(row + ring, grid.ny - 1) + 1):
                step = 1 if abs(j - row) == ring or ring == 0 else 2 * ring
                for i in range(column - ring, column + ring + 1, step):
                    if i < 0 or i >= grid.nx:
                        continue
                    dx = max(max(grid.x + i * grid.cell - x[p], x[p] - grid.x - (i + 1) * grid.cell), 0.0)
                    dy = max(max(grid.y + j * grid.cell - y[p], y[p] - grid.y - (j + 1) * grid.cell), 0.0)
                    if np.sqrt(dx * dx + dy * dy) > best + 2 * half + TOUCH_M:
                        continue
                    c = j * grid.nx + i
                    for item in range(grid.start[c], grid.start[c + 1]):
                        k = grid.items[item]
                        if seen[k] == p or not is_main[edge_of[k]]:
                            continue
                        seen[k] = p
                        a = first[k]
                        metres = _distance(x[p], y[p], ex[a], ey[a], ex[a + 1], ey[a + 1])
                        if metres > best + 2 * half + TOUCH_M:
                            continue
                        best = min(best, metres)
                        if n == len(items):
                            items = _grown(items)
                        if n - begin == len(away):
                            longer = np.empty(2 * len(away), np.float64)
                            longer[: len(away)] = away
                            away = longer
                        items[n, 0] = k
                        away[n - begin] = metres
                        n += 1
            ring += 1
        kept = begin
        nearest = np.inf
        for m in range(begin, n):
            nearest = min(nearest, away[m - begin])
        if nearest <= far + half:
            off[p] = nearest
            for m in range(begin, n):
                if away[m - begin] <= best + 2 * half + TOUCH_M:
                    items[kept, 0] = items[m, 0]
                    kept += 1
        n = kept
        start[p + 1] = n
    return start, items[:n, 0].copy(), off


@kernel
def unsettled(
    x: Array,
    y: Array,
    half: float,
    off: Array,
    start: Array,
    items: Array,
    most: float,
    cap: float,
    low: Array,
    high: Array,
    walls: Array,
    wall_grid: Grid,
) -> Array:
    """Which squares the outline may cross: those that what `gather` found does not prove to be wholly within or wholly beyond.

    Proofs keep `TOUCH_M` away from the limit, so that no rounding has the squares beside them see it otherwise.
    """
    out = np.zeros(len(x), np.bool_)
    for p in range(len(x)):
        if off[p] - half > cap + TOUCH_M:
            continue
        longest = off[p] + half
        least, greatest = np.inf, 0.0
        for m in range(start[p], start[p + 1]):
            least, greatest = min(least, low[items[m]]), max(greatest, high[items[m]])
        within = longest <= cap - TOUCH_M and greatest + longest <= most - TOUCH_M
        out[p] = not within and least <= most + TOUCH_M
        if not out[p] and len(walls) > 0:
            # Behind a barrier another street may be the nearest.
            out[p] = _wall_near(x[p], y[p], longest + half, walls, wall_grid)
    return out


@kernel
def _open_place(
    x: float,
    y: float,
    wx: float,
    wy: float,
    half: float,
    items: Array,
    legs: Array,
    cap: float,
    ex: Array,
    ey: Array,
    es: Array,
    first: Array,
    edge_of: Array,
    walls: Array,
    wall_grid: Grid,
) -> tuple[int, float, float]:
    # Edge, metres along it and leg of a point by the rule of `locate`, among the segments gathered for the square around (wx, wy), `half`
    # a diagonal of which is given; −2 where a segment that is not among them may be the nearest that no barrier stops.
    nearest = np.inf
    for m in range(len(items)):
        a = first[items[m]]
        nearest = min(nearest, _distance(wx, wy, ex[a], ey[a], ex[a + 1], ey[a + 1]))
        legs[m] = _distance(x, y, ex[a], ey[a], ex[a + 1], ey[a + 1])
    known = nearest + 2 * half - np.hypot(x - wx, y - wy)
    last = -1
    best = np.inf
    edge, along, length = -1, np.nan, np.nan
    while True:
        m = int(np.argmin(legs[: len(items)]))
        near = legs[m]
        if near > min(known, cap) + TIE_M or near > best + TIE_M:
            break
        legs[m] = np.inf
        a = first[items[m]]
        ax, ay, bx, by = ex[a], ey[a], ex[a + 1], ey[a + 1]
        t, qx, qy, far = _place_on(x, y, ax, ay, bx, by)
        leg = np.sqrt(far)
        if leg > min(best, cap) + TIE_M or (last >= 0 and _blocks(x, y, qx, qy, ax, ay, bx, by, walls, last)):
            continue
        wall = _blocked(x, y, qx, qy, ax, ay, bx, by, walls, wall_grid)
        if wall >= 0:
            last = wall
            continue
        best = min(best, leg)
        e = edge_of[items[m]]
        s = es[a] + t * (es[a + 1] - es[a])
        if edge < 0 or e < edge or (e == edge and s < along):
            edge, along, length = e, s, leg
    if edge < 0 and known < cap + TOUCH_M:
        return -2, np.nan, np.nan
    return edge, along, length


@kernel
def place_within(
    i: Array,
    j: Array,
    size: int,
    of: Array,
    whole_i: Array,
    whole_j: Array,
    whole: int,
    start: Array,
    items: Array,
    cap: float,
    ground: Ground,
    ex: Array,
    ey: Array,
    es: Array,
    first: Array,
    edge_of: Array,
    walls: Array,
    wall_grid: Grid,
) -> tuple[Array, Array, Array]:
    """Edge, metres along it and leg of 5 × 5 points in squares of `size` with the lower left corner (i, j), by the rule of `locate`.

    Square n looks at the segments that `gather` found for the square ``of[n]`` of those at (whole_i, whole_j), `whole` wide, that holds it. The
    edge is −1 where none is near enough, −2 where barriers stop the legs to so many of them that `locate` has to be asked.
    """
    n = len(i)
    out_edge = np.full((n, 25), -1, np.int64)
    out_along, out_leg = np.full((n, 25), np.nan), np.full((n, 25), np.nan)
    most = 0
    for g in range(len(start) - 1):
        most = max(most, start[g + 1] - start[g])
    near, ties = np.empty(most, np.int64), np.empty(most, np.int64)
    lines = np.empty((most, 5), np.float64)
    far = np.empty((most, 25), np.float64)
    away, legs, x, y, least = np.empty(most), np.empty(most), np.empty(25), np.empty(25), np.empty(25)
    step = size // 4
    half = 0.5 * np.sqrt(2.0) * size * ground.unit
    for p in range(n):
        lo, hi = start[of[p]], start[of[p] + 1]
        for q in range(25):
            x[q], y[q] = _metres(i[p] + (q % 5) * step, j[p] + (q // 5) * step, ground)
            least[q] = np.inf
        nearest = np.inf
        for m in range(lo, hi):
            a = first[items[m]]
            away[m - lo] = _distance(x[12], y[12], ex[a], ey[a], ex[a + 1], ey[a + 1])
            nearest = min(nearest, away[m - lo])
        count = 0
        for m in range(lo, hi):
            if away[m - lo] <= nearest + 2 * half + TOUCH_M:
                a = first[items[m]]
                dx, dy = ex[a + 1] - ex[a], ey[a + 1] - ey[a]
                square = dx * dx + dy * dy
                near[count] = items[m]
                lines[count] = ex[a], ey[a], dx, dy, 1.0 / square if square > 0 else 0.0
                count += 1
        # Squared distances to within rounding, in loops without branches; what can be the nearest is worked out exactly below.
        for m in range(count):
            ax, ay, dx, dy, inverse = lines[m]
            for q in range(25):
                t = ((x[q] - ax) * dx + (y[q] - ay) * dy) * inverse
                t = 0.0 if t < 0.0 else t
                t = 1.0 if t > 1.0 else t
                rx, ry = x[q] - ax - t * dx, y[q] - ay - t * dy
                d = rx * rx + ry * ry
                far[m, q] = d
                least[q] = d if d < least[q] else least[q]
        for q in range(25):
            bound = np.sqrt(least[q]) + 2 * TIE_M
            bound *= bound
            tied = 0
            for m in range(count):
                if far[m, q] <= bound:
                    ties[tied] = near[m]
                    tied += 1
            best = cap
            if tied > 1:
                for m in range(tied):
                    a = first[ties[m]]
                    best = min(best, np.sqrt(_place_on(x[q], y[q], ex[a], ey[a], ex[a + 1], ey[a + 1])[3]))
            stopped = False
            for m in range(tied):
                a = first[ties[m]]
                ax, ay, bx, by = ex[a], ey[a], ex[a + 1], ey[a + 1]
                t, qx, qy, square = _place_on(x[q], y[q], ax, ay, bx, by)
                leg = np.sqrt(square)
                if leg > best + TIE_M:
                    continue
                if len(walls) > 0 and _blocked(x[q], y[q], qx, qy, ax, ay, bx, by, walls, wall_grid) >= 0:
                    stopped = True
                    break
                e = edge_of[ties[m]]
                s = es[a] + t * (es[a + 1] - es[a])
                known = out_edge[p, q]
                if known < 0 or e < known or (e == known and s < out_along[p, q]):
                    out_edge[p, q], out_along[p, q], out_leg[p, q] = e, s, leg
            if stopped:
                wx, wy = _metres(whole_i[of[p]] + whole // 2, whole_j[of[p]] + whole // 2, ground)
                out_edge[p, q], out_along[p, q], out_leg[p, q] = _open_place(
                    x[q], y[q], wx, wy, 0.5 * np.sqrt(2.0) * whole * ground.unit, items[lo:hi], legs, cap,
                    ex, ey, es, first, edge_of, walls, wall_grid,
                )  # fmt: skip
    return out_edge, out_along, out_leg


@kernel
def _jumps(over: float, next_: float, side: float) -> bool:
    return (over <= 0) != (next_ <= 0) and abs(over - next_) > 1.5 * side


@kernel
def _from_square(
    west: float, south: float, side: float, ax: float, ay: float, bx: float, by: float
) -> tuple[float, float]:
    # How far the points of a square are from a segment that does not meet it: at least, and at most.
    nearest, farthest = np.inf, 0.0
    for corner in range(4):
        away = _distance(west + (corner & 1) * side, south + (corner >> 1) * side, ax, ay, bx, by)
        nearest, farthest = min(nearest, away), max(farthest, away)
    for x, y in ((ax, ay), (bx, by)):
        dx, dy = max(west - x, 0.0, x - west - side), max(south - y, 0.0, y - south - side)
        nearest = min(nearest, np.sqrt(dx * dx + dy * dy))
    return nearest, farthest


@kernel
def doubtful(
    i: Array,
    j: Array,
    size: int,
    of: Array,
    start: Array,
    items: Array,
    over: Array,
    leg: Array,
    most: float,
    cap: float,
    beside: float,
    jumps: bool,
    ground: Ground,
    ex: Array,
    ey: Array,
    first: Array,
    edge_of: Array,
    walls: Array,
    wall_grid: Grid,
    costs: Costs,
) -> Array:
    """Which of the 4 × 4 parts of squares may hold what their corners do not show: 0 no, 1 yes, 2 barriers are too near to say.

    `over` (n × 25) is by how much the points are beyond the limit, `leg` their legs. Bounds on what it costs from the segments that can be
    nearest prove most parts to be wholly within or wholly beyond. Parts whose corners differ are
    crossed by the outline: 1 there where `jumps` is asked for and it runs between points whose metres differ by more than the way between them.
    """
    n = len(i)
    out = np.zeros((n, 16), np.int8)
    part = size // 4
    side = part * ground.unit
    half = 0.5 * np.sqrt(2.0) * side
    for p in range(n):
        lo, hi = start[of[p]], start[of[p] + 1]
        within = beyond = 0
        longest, shortest = 0.0, np.inf
        for q in range(25):
            if over[p, q] <= 0:
                within += 1
            else:
                beyond += 1
            if leg[p, q] > longest:
                longest = leg[p, q]
            if leg[p, q] < shortest:
                shortest = leg[p, q]
        least, greatest = np.inf, 0.0
        for m in range(lo, hi):
            least, greatest = min(least, costs.low[items[m]]), max(greatest, costs.high[items[m]])
        x, y = _metres(i[p] + size // 2, j[p] + size // 2, ground)
        # What was gathered is all that counts only where no barrier can stop a leg.
        far = longest if beyond == 0 else cap
        if len(walls) == 0 or not _wall_near(x, y, far + 5 * half, walls, wall_grid):
            # Ground is at most `half` farther from a street, or nearer, than the nearest point of the grid is.
            if within == 0 and (least > most or shortest > cap + half):
                continue
            if beyond == 0 and longest + half <= cap and greatest + longest + half <= most:
                continue
        for r in range(4):
            for c in range(4):
                q = 5 * r + c
                inside = over[p, q] <= 0
                if (
                    (over[p, q + 1] <= 0) != inside
                    or (over[p, q + 5] <= 0) != inside
                    or (over[p, q + 6] <= 0) != inside
                ):
                    # Along a side metres change no faster than ground does, or they jump, and a jump would be drawn halfway.
                    out[p, 4 * r + c] = jumps and (
                        _jumps(over[p, q], over[p, q + 1], side)
                        or _jumps(over[p, q], over[p, q + 5], side)
                        or _jumps(over[p, q + 1], over[p, q + 6], side)
                        or _jumps(over[p, q + 5], over[p, q + 6], side)
                    )
                    continue
                west, south = _metres(i[p] + c * part, j[p] + r * part, ground)
                x, y = west + 0.5 * side, south + 0.5 * side
                far = max(max(leg[p, q], leg[p, q + 1]), max(leg[p, q + 5], leg[p, q + 6]))
                if not (leg[p, q] <= cap and leg[p, q + 1] <= cap and leg[p, q + 5] <= cap and leg[p, q + 6] <= cap):
                    far = cap
                leg_most = far + half if inside else min(cap, far + half)
                if len(walls) > 0 and _wall_near(x, y, leg_most + half, walls, wall_grid):
                    # Nothing is promised of ground as near to a barrier as `beside`.
                    out[p, 4 * r + c] = 0 if _wall_near(x, y, beside - half, walls, wall_grid) else 2
                    continue
                if not inside and not (
                    leg[p, q] <= cap + half
                    or leg[p, q + 1] <= cap + half
                    or leg[p, q + 5] <= cap + half
                    or leg[p, q + 6] <= cap + half
                ):
                    continue
                doubt = False
                for turn in range(2):
                    if turn == 1:
                        # A segment that serves the whole part shortens its legs.
                        for m in range(lo, hi):
                            a = first[items[m]]
                            if _distance(x, y, ex[a], ey[a], ex[a + 1], ey[a + 1]) > leg_most:
                                continue
                            _, worst = _from_square(west, south, side, ex[a], ey[a], ex[a + 1], ey[a + 1])
                            leg_most = min(leg_most, worst)
                    doubt = inside and leg_most > cap
                    for m in range(lo, hi):
                        if doubt:
                            break
                        k = items[m]
                        if costs.high[k] + leg_most <= most if inside else costs.low[k] > most:
                            continue
                        a = first[k]
                        ax, ay, dx, dy = ex[a], ey[a], ex[a + 1] - ex[a], ey[a + 1] - ey[a]
                        square = dx * dx + dy * dy
                        t = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / square)) if square > 0 else 0.0
                        away = np.sqrt((x - ax - t * dx) ** 2 + (y - ay - t * dy) ** 2)
                        if away > leg_most + half:
                            continue
                        nearest, farthest = _from_square(west, south, side, ax, ay, ax + dx, ay + dy)
                        # A segment as near to the middle may run through the part.
                        nearest = nearest if away > half else 0.0
                        if nearest > leg_most + TOUCH_M:
                            continue
                        # The places of the part's points are no farther apart than the points.
                        spread = half / np.sqrt(square) if square > 0 else 0.0
                        low, high = _bounds_on(
                            k, max(0.0, t - spread), min(1.0, t + spread), costs.forth, costs.back, first, edge_of,
                            costs.edge_u, costs.edge_v, costs.total, costs.dist,
                            costs.door_edge, costs.door_forth, costs.door_back, costs.door_leg,
                        )  # fmt: skip
                        if inside:
                            doubt = high + min(leg_most, farthest) > most - TOUCH_M
                        else:
                            doubt = low + nearest <= most + TOUCH_M
                    if not doubt:
                        break
                out[p, 4 * r + c] = doubt
    return out


@kernel
def _slot(table: Array, key: int) -> int:
    # Where `key` stands in the table, or the free place for it.
    mask = len(table) - 1
    at = int((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & mask
    while table[at] >= 0 and table[at] != key:
        at = (at + 1) & mask
    return at


@kernel
def _square_key(i: int, j: int, size: int) -> int:
    return (((j + 1024) << 30) | (i + 1024)) * 4 + (0 if size >= 64 else 1 if size >= 16 else 2 if size >= 4 else 3)


@kernel
def keep_squares(i: Array, j: Array, size: Array) -> tuple[Array, Array]:
    """A table to find squares by their corner and size: keys, and the row each stands for."""
    places = 16
    while places < 2 * len(i):
        places *= 2
    table, row = np.full(places, -1, np.int64), np.full(places, -1, np.int32)
    for n in range(len(i)):
        at = _slot(table, _square_key(i[n], j[n], size[n]))
        table[at], row[at] = _square_key(i[n], j[n], size[n]), n
    return table, row


@kernel
def _add_side(
    i: int,
    j: int,
    size: int,
    side: int,
    table: Array,
    row: Array,
    values: Array,
    least: int,
    at: Array,
    over: Array,
    n: int,
) -> int:
    # The points that the square (i, j) has on one side of it, its ends left out, in the order of a walk round the square on the other side.
    if size < least or table[_slot(table, _square_key(i, j, size))] < 0:
        return n
    stack = np.empty((32, 3), np.int64)
    worth = np.empty(32, np.float64)
    stack[0, 0], stack[0, 1], stack[0, 2] = i, j, size
    worth[0] = np.nan
    depth = 1
    while depth > 0:
        depth -= 1
        i, j, size = stack[depth, 0], stack[depth, 1], stack[depth, 2]
        end = worth[depth]
        found = _slot(table, _square_key(i, j, size)) if size >= least else 0
        if size >= least and table[found] >= 0:
            b = row[found]
            part = size // 4
            # The last part goes on the stack first.
            for m in range(3, -1, -1):
                along = m if side < 2 else 3 - m
                if side == 0 or side == 2:
                    stack[depth, 0], stack[depth, 1] = i + along * part, j + (3 * part if side == 0 else 0)
                    v = values[b, (20 if side == 0 else 0) + (along + 1 if side == 0 else along)]
                else:
                    stack[depth, 0], stack[depth, 1] = i + (3 * part if side == 3 else 0), j + along * part
                    v = values[b, (4 if side == 3 else 0) + 5 * (along + 1 if side == 1 else along)]
                stack[depth, 2] = part
                worth[depth] = v if m < 3 else end
                depth += 1
            continue
        if np.isnan(end):
            continue
        # The end of this part in the direction of the walk.
        if side == 0:
            at[n, 0], at[n, 1] = i + size, j + size
        elif side == 1:
            at[n, 0], at[n, 1] = i, j + size
        elif side == 2:
            at[n, 0], at[n, 1] = i, j
        else:
            at[n, 0], at[n, 1] = i + size, j
        over[n] = end
        n += 1
    return n


@kernel
def _crossing(i: int, j: int, k: int, m: int, v: float, w: float, ground: Ground) -> tuple[int, float, float]:
    # Number and place of the outline's crossing between lattice points (i, j) and (k, m), the same from either side.
    if k < i or m < j:
        i, j, k, m, v, w = k, m, i, j, w, v
    length = max(k - i, m - j)
    # From one point to the next metres change by so much, or they jump; jumps are drawn halfway.
    jump = length * ground.unit * np.sqrt(2.0)
    v, w = min(max(v, -jump), jump), min(max(w, -jump), jump)
    t = min(max(v / (v - w), 1e-6), 1 - 1e-6) if v != w else 0.5
    x, y = (i + ground.x) * ground.unit, (j + ground.y) * ground.unit
    key = (((j + 1024) << 30) | (i + 1024)) * 2 + (1 if m > j else 0)
    if m > j:
        return key, x, y + t * length * ground.unit
    return key, x + t * length * ground.unit, y


@kernel
def outlined(
    i: Array,
    j: Array,
    size: int,
    over: Array,
    own: Array,
    special: Array,
    table: Array,
    row: Array,
    values: Array,
    least: int,
    ground: Ground,
) -> tuple[Array, Array]:
    """The outline within squares as chords with the inside on their left: number of either end (n × 2), and where they begin.

    `over` is by how much the 5 × 5 points of each square are beyond the limit. Squares that are not `own` are left out. In `special` ones some
    part has points of its own, or a part beside it has: `table`, `row` and `values` tell which (see `keep_squares`), `least` is the smallest of them.
    """
    ends = np.empty((1024, 2), np.int64)
    begins = np.empty((1024, 2), np.float64)
    n = 0
    at = np.empty((1024, 2), np.int64)
    worth = np.empty(1024, np.float64)
    cross = np.empty(1024, np.int64)
    cross_x, cross_y = np.empty(1024, np.float64), np.empty(1024, np.float64)
    stack = np.empty((64, 3), np.int64)
    corner = np.empty((64, 4), np.float64)
    for p in range(len(i)):
        if not own[p]:
            continue
        within = 0
        for q in range(25):
            within += over[p, q] <= 0
        if not special[p] and (within == 0 or within == 25):
            continue
        depth = 0
        part = size // 4
        for r in range(4):
            for c in range(4):
                q = 5 * r + c
                inside = (over[p, q] <= 0) + (over[p, q + 1] <= 0) + (over[p, q + 5] <= 0) + (over[p, q + 6] <= 0)
                if special[p] or 0 < inside < 4:
                    stack[depth, 0], stack[depth, 1], stack[depth, 2] = i[p] + c * part, j[p] + r * part, part
                    corner[depth, 0], corner[depth, 1] = over[p, q], over[p, q + 1]
                    corner[depth, 2], corner[depth, 3] = over[p, q + 6], over[p, q + 5]
                    depth += 1
        while depth > 0:
            depth -= 1
            x, y, side = stack[depth, 0], stack[depth, 1], stack[depth, 2]
            v0, v1, v2, v3 = corner[depth, 0], corner[depth, 1], corner[depth, 2], corner[depth, 3]
            count = 0
            if special[p] and side >= least:
                found = _slot(table, _square_key(x, y, side))
                if table[found] >= 0:
                    b = row[found]
                    part = side // 4
                    for r in range(4):
                        for c in range(4):
                            q = 5 * r + c
                            stack[depth, 0], stack[depth, 1], stack[depth, 2] = x + c * part, y + r * part, part
                            corner[depth, 0], corner[depth, 1] = values[b, q], values[b, q + 1]
                            corner[depth, 2], corner[depth, 3] = values[b, q + 6], values[b, q + 5]
                            depth += 1
                    continue
            # Round the square against the clock: its corners, and between them what squares beside it have on the side they share.
            at[0, 0], at[0, 1], worth[0] = x, y, v0
            count = 1
            if special[p]:
                count = _add_side(x, y - side, side, 0, table, row, values, least, at, worth, count)
            at[count, 0], at[count, 1], worth[count] = x + side, y, v1
            count += 1
            if special[p]:
                count = _add_side(x + side, y, side, 1, table, row, values, least, at, worth, count)
            at[count, 0], at[count, 1], worth[count] = x + side, y + side, v2
            count += 1
            if special[p]:
                count = _add_side(x, y + side, side, 2, table, row, values, least, at, worth, count)
            at[count, 0], at[count, 1], worth[count] = x, y + side, v3
            count += 1
            if special[p]:
                count = _add_side(x - side, y, side, 3, table, row, values, least, at, worth, count)
            # Crossings by turns into and out of the inside, the first one into it.
            crossings = 0
            begin = 0
            at[count], worth[count] = at[0], worth[0]
            while begin < count and not (worth[begin] > 0 and worth[begin + 1] <= 0):
                begin += 1
            if begin == count:
                continue
            for m in range(count):
                g = begin + m if begin + m < count else begin + m - count
                h = g + 1
                if (worth[g] <= 0) != (worth[h] <= 0):
                    cross[crossings], cross_x[crossings], cross_y[crossings] = _crossing(
                        at[g, 0], at[g, 1], at[h, 0], at[h, 1], worth[g], worth[h], ground
                    )
                    crossings += 1
            # Where the outline crosses the square more than once, the middle says what hangs together.
            joined = False
            if crossings > 2:
                jump = side * ground.unit * np.sqrt(2.0)
                middle = 0.0
                for v in (v0, v1, v2, v3):
                    middle += min(max(v, -jump), jump)
                joined = middle <= 0
            while n + crossings > len(ends):
                ends, begins = _grown(ends), _grown(begins)
            for m in range(1, crossings, 2):
                to = (m + 1 if m + 1 < crossings else 0) if joined else m - 1
                ends[n, 0], ends[n, 1] = cross[m], cross[to]
                begins[n, 0], begins[n, 1] = cross_x[m], cross_y[m]
                n += 1
    return ends[:n].copy(), begins[:n].copy()


@kernel
def rings(after: Array) -> tuple[Array, Array]:
    """Chords by ring: their numbers, each followed by its next one, and where each ring begins; `after` is the chord that follows."""
    order = np.empty(len(after), np.int64)
    begin = np.empty(len(after) + 1, np.int64)
    seen = np.zeros(len(after), np.bool_)
    n = count = 0
    for c in range(len(after)):
        if seen[c]:
            continue
        begin[count] = n
        count += 1
        while not seen[c]:
            seen[c] = True
            order[n] = c
            n += 1
            c = after[c]
    begin[count] = n
    return order, begin[: count + 1].copy()


@kernel
def owners(ring: Array, row: Array, shell: Array) -> Array:
    """The shell of every ring: itself, or for a hole the shell around it; −1 where no row of the grid crosses the hole.

    `ring` is the ring of every crossing of the rows, in order, `row` its row: left of a hole's first crossing lies what it is a hole of.
    """
    out = np.full(len(shell), -1, np.int64)
    for r in range(len(shell)):
        if shell[r]:
            out[r] = r
    for c in range(1, len(ring)):
        if out[ring[c]] < 0 and row[c - 1] == row[c]:
            out[ring[c]] = out[ring[c - 1]]
    return out


@kernel
def by_group(group: Array, groups: int) -> tuple[Array, Array]:
    """The rows of every group one after another, in their present order, and where each begins; groups below 0 are left out."""
    start = np.zeros(groups + 1, np.int64)
    for g in group:
        if g >= 0:
            start[g + 1] += 1
    for g in range(groups):
        start[g + 1] += start[g]
    at = start[:-1].copy()
    out = np.empty(start[groups], np.int32)
    for i in range(len(group)):
        if group[i] >= 0:
            out[at[group[i]]] = i
            at[group[i]] += 1
    return out, start
