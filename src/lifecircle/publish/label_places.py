"""Where labels stand on a sheet: none over another, none over a marker, none outside the frame; what does not fit is left out and counted.

The most important label takes the first of its places that is free, then the next: greedy placement (Yoeli 1972). Rounds over whole arrays
come to the same choice as one label after the other would.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

_Floats = NDArray[np.float64]
# around a point: right, left, above, below, then the corners (Imhof's order of preference, right first)
_AROUND = np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=np.float64)
# on an area: its middle, then a little above and below
_UPON = np.array([[0, 0], [0, 0.7], [0, -0.7], [0.4, 0], [-0.4, 0]], dtype=np.float64)


def around(points: _Floats, sizes: _Floats, *, gap: float) -> _Floats:
    """Places of labels of `sizes` (width, height) around points, `gap` from them: middles, n × 8 × 2."""
    return points[:, None, :] + _AROUND[None] * (sizes / 2 + gap)[:, None, :]


def upon(points: _Floats, sizes: _Floats) -> _Floats:
    """Places of labels on areas: middles, n × 5 × 2."""
    return points[:, None, :] + _UPON[None] * sizes[:, None, :]


def chosen(
    middles: _Floats,
    sizes: _Floats,
    rank: _Floats,
    *,
    frame: tuple[float, float, float, float],
    obstacles: _Floats | None = None,
    own: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """The place each label takes, -1 where it is left out.

    Parameters
    ----------
    middles
        n × k × 2, the places a label may take, best first; NaN where there are fewer.
    sizes
        n × 2, widths and heights in the same unit.
    rank
        n, the lowest first; equal ranks in the order given.
    frame
        x0, y0, x1, y1 that labels stay within.
    obstacles
        m × 4 boxes no label may touch.
    own
        m, the label an obstacle belongs to and does not hinder; -1 for none.

    Examples
    --------
    Two labels for one spot: the second takes its other place; a third finds none.

    >>> places = np.array([[[5.0, 5.0], [5.0, 8.0]]] * 3)
    >>> chosen(places, np.array([[4.0, 2.0]] * 3), np.array([0.0, 1.0, 2.0]), frame=(0, 0, 10, 10)).tolist()
    [0, 1, -1]
    """
    n, k = middles.shape[:2]
    out = np.full(n, -1, dtype=np.int64)
    if n == 0:
        return out
    half = np.repeat(sizes / 2, k, axis=0)
    at = middles.reshape(-1, 2)
    low, high = at - half, at + half
    inside = (low >= np.array(frame[:2])).all(axis=1) & (high <= np.array(frame[2:])).all(axis=1)
    free = np.isfinite(at).all(axis=1) & inside
    label = np.repeat(np.arange(n), k)
    order = np.empty(n, dtype=np.int64)
    order[np.argsort(rank, kind="stable")] = np.arange(n)
    turn = order[label] * k + np.tile(np.arange(k), n)
    live = np.flatnonzero(free)
    boxes: Any = shapely.box(*low[live].T, *high[live].T)
    if obstacles is not None and len(obstacles) and len(live):
        blocks: Any = shapely.box(*obstacles.T)
        tree = shapely.STRtree(blocks)
        box, over = tree.query(boxes, predicate="intersects")
        hit = np.ones(len(box), dtype=bool) if own is None else own[over] != label[live[box]]
        keep = np.ones(len(live), dtype=bool)
        keep[box[hit]] = False
        live, boxes = live[keep], boxes[keep]
    first, second = shapely.STRtree(boxes).query(boxes, predicate="intersects")
    first, second = live[first], live[second]
    # the places of one label shut one another out, too
    counts = np.bincount(label[live], minlength=n)
    starts = np.cumsum(counts) - counts
    size = counts[label[live]]
    mine = np.repeat(live, size)
    others = live[np.arange(len(mine)) - np.repeat(np.cumsum(size) - size, size) + np.repeat(starts[label[live]], size)]
    first, second = np.concatenate([first, mine]), np.concatenate([second, others])
    apart = first != second
    first, second = first[apart], second[apart]
    open_ = np.zeros(n * k, dtype=bool)
    open_[live] = True
    while open_.any():
        # a place whose turn comes before that of every open place it shuts out is taken
        held = open_[first] & open_[second]
        first, second = first[held], second[held]
        best = np.full(n * k, n * k, dtype=np.int64)
        np.minimum.at(best, first, turn[second])
        taken = np.flatnonzero(open_ & (turn < best))
        out[label[taken]] = taken % k
        open_[taken] = False
        took = np.zeros(n * k, dtype=bool)
        took[taken] = True
        open_[second[took[first]]] = False
    return out
