"""Labels stand where they touch no other label, no marker and no edge, the most important first."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecircle.publish import label_places


def one_by_one(middles, sizes, rank, frame):
    """The plain greedy rule, label after label and place after place."""
    taken, out = [], np.full(len(middles), -1)
    for label in np.argsort(rank, kind="stable"):
        for place, (x, y) in enumerate(middles[label]):
            w, h = sizes[label] / 2
            box = (x - w, y - h, x + w, y + h)
            if not (box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]):
                continue
            if any(box[0] <= b[2] and b[0] <= box[2] and box[1] <= b[3] and b[1] <= box[3] for b in taken):
                continue
            taken.append(box)
            out[label] = place
            break
    return out


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_rounds_over_arrays_choose_what_one_after_the_other_would(count: int, seed: int) -> None:
    """Over random labels the choice is that of a loop over labels by rank, each taking its first free place."""
    rng = np.random.default_rng(seed)
    points, sizes = rng.uniform(0, 40, (count, 2)), rng.uniform(1, 9, (count, 2))
    middles = label_places.around(points, sizes, gap=0.5)
    rank = rng.integers(0, 5, count).astype(float)
    frame = (0.0, 0.0, 40.0, 40.0)
    found = label_places.chosen(middles, sizes, rank, frame=frame)
    assert found.tolist() == one_by_one(middles, sizes, rank, frame).tolist()


def test_a_label_keeps_off_the_markers_of_others_only() -> None:
    """A marker hinders the label beside it, but not the label of its own point."""
    middles = np.array([[[5.0, 5.0], [5.0, 9.0]]])
    box = np.array([[4.5, 4.5, 5.5, 5.5]])
    how = {"frame": (0.0, 0.0, 20.0, 20.0), "obstacles": box}
    one = label_places.chosen(middles, np.array([[2.0, 2.0]]), np.zeros(1), own=np.array([-1]), **how)
    mine = label_places.chosen(middles, np.array([[2.0, 2.0]]), np.zeros(1), own=np.array([0]), **how)
    assert (one.tolist(), mine.tolist()) == ([1], [0])


def test_a_place_that_is_not_there_is_never_taken() -> None:
    """A label whose places are all NaN is left out."""
    middles = np.full((1, 3, 2), np.nan)
    assert label_places.chosen(middles, np.ones((1, 2)), np.zeros(1), frame=(0, 0, 9, 9)).tolist() == [-1]
