"""Areas that many pairs of polygons have in common, compiled.

A polygon is the sum of the triangles that any point makes with its directed sides, each with the sign of its turn; so is
its common area with another. Pairs are thus reduced to triangles cut by the half-planes of a convex shape (Sutherland and
Hodgman 1974), which need no overlay graph. Coordinates are taken from the shape's own first corner.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import shapely

_Array = np.ndarray[Any, np.dtype[Any]]
_Rings = tuple[_Array, _Array, _Array, _Array]
_F = TypeVar("_F", bound=Callable[..., Any])


def _kernel(function: _F) -> _F:
    """Compile on first use, cached on disk, without the interpreter's lock."""
    return cast(_F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


@_kernel
def _turn(xy: _Array, low: int, n: int) -> float:
    twice = 0.0
    for i in range(low, low + n):
        twice += (xy[i, 0] - xy[low, 0]) * (xy[i + 1, 1] - xy[low, 1])
        twice -= (xy[i + 1, 0] - xy[low, 0]) * (xy[i, 1] - xy[low, 1])
    return 1.0 if twice > 0 else -1.0


@_kernel
def _signs(xy: _Array, ring_at: _Array, outer: _Array) -> _Array:
    out = np.zeros(len(ring_at) - 1)
    for ring in range(len(out)):
        turn = _turn(xy, ring_at[ring], ring_at[ring + 1] - ring_at[ring] - 1)
        out[ring] = turn if outer[ring] else -turn
    return out


@_kernel
def _convex(xy: _Array, low: int, n: int, turn: float) -> bool:
    """Whether a ring without self-crossings never turns the other way."""
    for i in range(n):
        a, b, c = low + i, low + (i + 1) % n, low + (i + 2) % n
        cross = (xy[b, 0] - xy[a, 0]) * (xy[c, 1] - xy[b, 1]) - (xy[b, 1] - xy[a, 1]) * (xy[c, 0] - xy[b, 0])
        if cross * turn < 0:
            return False
    return True


@_kernel
def _triangle(ax: float, ay: float, bx: float, by: float, knife: _Array, n: int, room: _Array) -> float:
    """Area of the counter-clockwise triangle (0, a, b) within `knife`."""
    now, then = room[0], room[1]
    now[0, 0], now[0, 1] = 0.0, 0.0
    now[1, 0], now[1, 1] = ax, ay
    now[2, 0], now[2, 1] = bx, by
    count = 3
    for side in range(n):
        px, py = knife[side, 0], knife[side, 1]
        after = side + 1 if side + 1 < n else 0
        dx, dy = knife[after, 0] - px, knife[after, 1] - py
        kept = 0
        lx, ly = now[count - 1, 0], now[count - 1, 1]
        last = dx * (ly - py) - dy * (lx - px)
        for i in range(count):
            cx, cy = now[i, 0], now[i, 1]
            here = dx * (cy - py) - dy * (cx - px)
            if (here > 0 and last < 0) or (here < 0 and last > 0):
                t = last / (last - here)
                then[kept, 0], then[kept, 1] = lx + t * (cx - lx), ly + t * (cy - ly)
                kept += 1
            if here >= 0:
                then[kept, 0], then[kept, 1] = cx, cy
                kept += 1
            lx, ly, last = cx, cy, here
        if kept < 3:
            return 0.0
        now, then = then, now
        count = kept
    twice = 0.0
    for i in range(1, count - 1):
        twice += (now[i, 0] - now[0, 0]) * (now[i + 1, 1] - now[0, 1])
        twice -= (now[i + 1, 0] - now[0, 0]) * (now[i, 1] - now[0, 1])
    return twice / 2


@_kernel
def _cut(
    knife: _Array,
    n: int,
    x0: float,
    y0: float,
    xy: _Array,
    ring_at: _Array,
    sign: _Array,
    low: int,
    high: int,
    room: _Array,
) -> float:
    """What the rings low to high have in common with the convex shape `knife`, counter-clockwise and seen from (x0, y0)."""
    total = 0.0
    for ring in range(low, high):
        inside = 0.0
        for i in range(ring_at[ring], ring_at[ring + 1] - 1):
            ax, ay = xy[i, 0] - x0, xy[i, 1] - y0
            bx, by = xy[i + 1, 0] - x0, xy[i + 1, 1] - y0
            # the triangle from nought, a corner of the knife, so that it stays small and counts exactly
            if ax * by - ay * bx > 0:
                inside += _triangle(ax, ay, bx, by, knife, n, room)
            else:
                inside -= _triangle(bx, by, ax, ay, knife, n, room)
        total += sign[ring] * inside
    return total


@_kernel
def common(one: _Array, other: _Array, of_one: _Rings, of_other: _Rings) -> _Array:
    """Square metres that polygon ``one[k]`` of the first set and ``other[k]`` of the second have in common."""
    xy, ring_at, sign, first = of_one
    xy2, ring_at2, sign2, first2 = of_other
    longest = 3
    for ring in range(len(ring_at) - 1):
        longest = max(longest, ring_at[ring + 1] - ring_at[ring])
    knife = np.empty((longest, 2))
    room = np.empty((2, longest + 8, 2))
    out = np.zeros(len(one))
    for k in range(len(one)):
        low2, high2 = first2[other[k]], first2[other[k] + 1]
        total = 0.0
        for ring in range(first[one[k]], first[one[k] + 1]):
            low, n = ring_at[ring], ring_at[ring + 1] - ring_at[ring] - 1
            x0, y0 = xy[low, 0], xy[low, 1]
            turn = _turn(xy, low, n)
            hole = 1.0 if turn == sign[ring] else -1.0
            if _convex(xy, low, n, turn):
                for i in range(n):
                    j = low + i if turn > 0 else low + n - 1 - i
                    knife[i, 0], knife[i, 1] = xy[j, 0] - x0, xy[j, 1] - y0
                total += hole * _cut(knife, n, x0, y0, xy2, ring_at2, sign2, low2, high2, room)
                continue
            for i in range(low + 1, low + n - 1):
                ax, ay = xy[i, 0] - x0, xy[i, 1] - y0
                bx, by = xy[i + 1, 0] - x0, xy[i + 1, 1] - y0
                cross = ax * by - ay * bx
                if cross == 0.0:
                    continue
                knife[0, 0], knife[0, 1] = 0.0, 0.0
                if cross > 0:
                    knife[1, 0], knife[1, 1], knife[2, 0], knife[2, 1] = ax, ay, bx, by
                else:
                    knife[1, 0], knife[1, 1], knife[2, 0], knife[2, 1] = bx, by, ax, ay
                part = _cut(knife, 3, x0, y0, xy2, ring_at2, sign2, low2, high2, room)
                total += hole * turn * (part if cross > 0 else -part)
        out[k] = total
    return out


def rings(shapes: _Array) -> _Rings:
    """Polygons taken apart: coordinates (x, y), first coordinate of each ring, sign of each ring, first ring of each polygon.

    The sign makes an area summed in the direction a ring is drawn in positive, and negative for a hole. Offsets have one
    entry more than there are rings or polygons.
    """
    plain = (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON) & (
        shapely.get_num_interior_rings(shapes) == 0
    )
    if not plain.all():
        kind, xy, offsets = shapely.to_ragged_array(shapes, include_z=False)
        ring_at, part_at = offsets[0].astype(np.int64), offsets[1].astype(np.int64)
        first = part_at if kind == shapely.GeometryType.POLYGON else part_at[offsets[2].astype(np.int64)]
    else:  # one ring each, in a third of the time
        xy, of = shapely.get_coordinates(shapes, return_index=True)
        ring_at = np.searchsorted(of, np.arange(len(shapes) + 1)).astype(np.int64)
        first = part_at = np.arange(len(shapes) + 1)
    outer = np.zeros(len(ring_at) - 1, dtype=bool)
    outer[part_at[:-1][np.diff(part_at) > 0]] = True
    xy = np.ascontiguousarray(xy)
    return xy, ring_at, _signs(xy, ring_at, outer), first
