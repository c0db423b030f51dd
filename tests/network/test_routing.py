"""Minutes from homes to facilities, by hand and in closed form."""

import numpy as np
import pandas as pd
import pytest
from drawing import barriers, entrances, facilities, gates, points, streets

from lifecircle.errors import CrsError, SchemaError
from lifecircle.network import build, nearest, pairs

LANE = {"lane": [(0, 0), (600, 0)]}


def walk_min(walk, home, there, **options):
    """Minutes at 1 m/s from one home to the nearest of some facilities."""
    return float(nearest(walk, points([home]), facilities(there), speed_m_s=1.0, **options).iloc[0, 0])


def test_both_ends_count():
    """Home 30 m off the lane at 100, clinic 60 m off it at 400: 30 + 300 + 60 m = 6.5 min at 1 m/s; 5.2 min at 1.25 m/s.

    h                 c
    |30               |60
    +------300 m------+
    """
    walk = build(streets(LANE))
    assert walk_min(walk, (100, 30), [(400, 60)]) == 6.5
    got = nearest(walk, points([(100, 30)]), facilities([(400, 60)]), speed_m_s=1.25)
    assert got.iloc[0, 0] == pytest.approx(5.2, abs=1e-12)


def test_adult_speed_by_default():
    """Without a speed the adult of the standards walks, at 1 m/s: 300 m in 5 min."""
    assert nearest(build(streets(LANE)), points([(0, 0)]), facilities([(300, 0)])).iloc[0, 0] == 5.0


def test_no_straight_line_off_the_street():
    """Home and clinic 2 m apart, 50 m off the lane, are 50 + 2 + 50 m apart: there is no path but the street."""
    assert walk_min(build(streets(LANE)), (100, 50), [(102, 50)]) == pytest.approx(102 / 60, abs=1e-12)


def test_same_place_on_the_street():
    """A home and a clinic on the same point of a street are their two legs apart; without legs, 0 min."""
    walk = build(streets(LANE))
    assert walk_min(walk, (100, 20), [(100, -10)]) == 0.5
    assert walk_min(walk, (100, 0), [(100, 0)]) == 0.0


def test_one_edge_is_walked_along():
    """Two points on one edge are joined along it, not over its ends: 10 m and not 590 + 600 m."""
    assert walk_min(build(streets(LANE)), (295, 0), [(305, 0)]) == pytest.approx(10 / 60, abs=1e-12)


def test_loop_is_walked_the_short_way():
    """On a ring of 400 m that meets the lane at (0, 0), 10 m before and 10 m after that node are 20 m apart, opposite sides 180 m.

    The ring runs (0,0) → (0,100) → (-100,100) → (-100,0) → (0,0).
    """
    ring = [(0, 0), (0, 100), (-100, 100), (-100, 0), (0, 0)]
    for lines in ({"ring": ring}, {"ring": ring, **LANE}):
        walk = build(streets(lines))
        assert walk_min(walk, (0, 10), [(-10, 0)]) == pytest.approx(20 / 60, abs=1e-12)
        assert walk_min(walk, (0, 90), [(-90, 100)]) == pytest.approx(100 / 60, abs=1e-12)
        assert walk_min(walk, (0, 50), [(-70, 0)]) == pytest.approx(120 / 60, abs=1e-12)


def test_parallel_edges():
    """Of two streets between the same nodes each point uses its own: the detour home leaves by the end that is nearer.

    north: (0,0) → (0,60) → (100,60) → (100,0), 220 m; south: straight, 100 m. From (50,60) to (50,0): 110 + 50 m either way;
    from (100,10) to (90,0): 10 + 10 m; from (0,60) to (100,60): 100 m along north, not 60 + 100 + 60 m.
    """
    walk = build(streets({"north": [(0, 0), (0, 60), (100, 60), (100, 0)], "south": [(0, 0), (100, 0)]}))
    assert walk_min(walk, (50, 60), [(50, 0)]) == pytest.approx(160 / 60, abs=1e-12)
    assert walk_min(walk, (100, 10), [(90, 0)]) == pytest.approx(20 / 60, abs=1e-12)
    assert walk_min(walk, (0, 60), [(100, 60)]) == pytest.approx(100 / 60, abs=1e-12)


def test_manhattan():
    """On a lattice the walk is the Manhattan distance between the two places, fractions of an edge included.

    From (x, j·50) on a horizontal street to (i·50, y) on a vertical one no detour is needed: |Δx| + |Δy|.
    """
    n, step = 9, 50.0
    lines = {f"h{i}": [(0, i * step), ((n - 1) * step, i * step)] for i in range(n)}
    lines |= {f"v{i}": [(i * step, 0), (i * step, (n - 1) * step)] for i in range(n)}
    walk = build(streets(lines))
    assert walk.report["crossings_joined"] == (n - 2) ** 2
    assert walk.report["nodes"] == n * n
    rng = np.random.default_rng(7)
    top = (n - 1) * step
    homes = np.stack([rng.uniform(0, top, 40), step * rng.integers(0, n, 40)], axis=1)
    there = np.stack([step * rng.integers(0, n, 6), rng.uniform(0, top, 6)], axis=1)
    got = nearest(walk, points(homes), facilities(there, [f"k{i}" for i in range(6)]), speed_m_s=1.0)
    expected = np.abs(homes[:, None] - there[None]).sum(axis=2) / 60
    assert got.to_numpy() == pytest.approx(expected, abs=1e-9)


def test_unreachable_and_far_are_nan():
    """A home too far from any street, and a kind whose only clinic is too far, have NaN and not a number; the column stays."""
    walk = build(streets(LANE))
    got = nearest(
        walk, points([(0, 0), (0, 301)]), facilities([(60, 0), (60, 400)], ["clinic", "school"]), speed_m_s=1.0
    )
    assert got.columns.tolist() == ["clinic", "school"]
    assert got["clinic"].tolist()[0] == 1.0
    assert got.isna().to_numpy().tolist() == [[False, True], [True, True]]


def test_river_without_a_bridge_cannot_be_crossed():
    """A clinic across a river, on the smaller side, cannot be reached; over a bridge the way round counts.

    Lane y = 0 is cut by the river at x = 400: its far piece is a fragment. With a bridge at y = 100 the way is 100 + 100 + 100 m longer.
    """
    river = barriers([(400, -500), (400, 500)])
    home, clinic = (350, 0), [(450, 0)]
    assert np.isnan(walk_min(build(streets(LANE), barriers=river), home, clinic, max_leg_m=40))
    lines = {**LANE, "w": [(350, 0), (350, 100)], "x": [(350, 100), (450, 100)], "y": [(450, 100), (450, 0)]}
    over = build(streets(lines, bridge={"x": True}), barriers=river)
    assert walk_min(over, home, clinic) == pytest.approx(300 / 60, abs=1e-12)
    gate = build(streets(LANE), barriers=river, gates=gates((400, 0, "open")))
    assert walk_min(gate, home, clinic) == pytest.approx(100 / 60, abs=1e-12)


def test_entrances_replace_the_point():
    """A school with two entrances is reached at the nearer one and counts once, its own point is not used; others keep theirs.

    School s stands at 300, its entrances at 100 and 500; bank b has none. Entrances of a park and of an unknown school are ignored.
    """
    walk = build(streets(LANE))
    frame = facilities([(300, 0), (300, 0)], ["school", "bank"], ids=["s", "b"])
    doors = pd.concat(
        [entrances([(100, 0), (500, 0), (0, 0)], ["s", "s", "gone"]), entrances([(0, 0)], ["s"], table="parks")]
    )
    homes = points([(0, 0), (300, 0), (600, 0)])
    got = nearest(walk, homes, frame, entrances=doors, speed_m_s=1.0)
    assert (got * 60).to_numpy() == pytest.approx(np.array([[300, 100], [0, 200], [300, 100]]))
    near = pairs(walk, homes, frame, limit_min=100, entrances=doors, speed_m_s=1.0)
    assert len(near) == 6
    assert (near.set_index(["home_id", "facility_id"])["walk_min"].unstack()["s"] * 60).tolist() == pytest.approx(
        [100, 200, 100]
    )


def test_entrance_that_cannot_be_placed_closes_the_facility():
    """A facility whose only entrance is too far from a street is out of reach, though its own point is not."""
    got = nearest(
        build(streets(LANE)), points([(0, 0)]), facilities([(60, 0)]), entrances=entrances([(60, 900)], ["f0"])
    )
    assert got["clinic"].isna().all()


def test_empty_frames():
    """No home gives no row but all columns; no facility gives all rows but no column; no pair gives an empty table."""
    walk = build(streets(LANE))
    none = points([])
    got = nearest(walk, none, facilities([(0, 0), (1, 0)], ["b", "a"]))
    assert got.shape == (0, 2)
    assert got.columns.tolist() == ["a", "b"]
    got = nearest(walk, points([(0, 0), (5, 0)]), facilities([], []))
    assert got.shape == (2, 0)
    assert got.index.name == "home_id"
    for homes, there in ((none, facilities([(0, 0)])), (points([(0, 0)]), facilities([], []))):
        got = pairs(walk, homes, there, limit_min=15)
        assert got.columns.tolist() == ["home_id", "facility_id", "walk_min"]
        assert len(got) == 0


def test_pairs_sorted_and_inclusive():
    """Pairs within exactly 5 min are in, a hair beyond is out; sorted by home and facility whatever the order given."""
    walk = build(streets(LANE))
    homes = points([(0, 0), (10, 0)], ids=["z", "a"])
    there = facilities([(300, 0), (309.9, 0), (310.1, 0)], ids=["g", "e", "f"])
    got = pairs(walk, homes, there, limit_min=5, speed_m_s=1.0)
    assert got[["home_id", "facility_id"]].values.tolist() == [["a", "e"], ["a", "g"], ["z", "g"]]
    assert (got["walk_min"] * 60).tolist() == pytest.approx([299.9, 290, 300])
    assert got["walk_min"].dtype == "float64"


def test_pairs_on_a_long_edge():
    """A home and a clinic in the middle of a long edge pair up though both its ends are out of reach."""
    walk = build(streets({"long": [(0, 0), (100_000, 0)]}))
    got = pairs(walk, points([(50_000, 0)]), facilities([(50_060, 0), (40_000, 0)]), limit_min=5, speed_m_s=1.0)
    assert got["facility_id"].tolist() == ["f0"]
    assert got["walk_min"].tolist() == pytest.approx([1.0])


def test_clear_refusals():
    """Two systems, a facility without a kind, a speed of 0 and a limit that is not finite are refused in a sentence."""
    walk = build(streets(LANE))
    homes, there = points([(0, 0)]), facilities([(1, 0)])
    with pytest.raises(CrsError, match="homes are in EPSG:32650, the streets in EPSG:4547"):
        nearest(walk, homes.set_crs(32650, allow_override=True), there)
    with pytest.raises(CrsError, match="facilities"):
        nearest(walk, homes, there.set_crs(32650, allow_override=True))
    with pytest.raises(SchemaError, match="column kind: 1 missing"):
        nearest(walk, homes, facilities([(1, 0)], [None]))
    with pytest.raises(SchemaError, match="column kind: is missing"):
        nearest(walk, homes, there.drop(columns="kind"))
    with pytest.raises(ValueError, match="speed_m_s"):
        nearest(walk, homes, there, speed_m_s=0)
    with pytest.raises(ValueError, match="limit_min"):
        pairs(walk, homes, there, limit_min=np.inf)
    with pytest.raises(ValueError, match="max_leg_m"):
        nearest(walk, homes, there, max_leg_m=-1)
