"""Walking fields: what `field`, `added`, `minutes`, `nearest` and `pairs` say of one another, and a referee of them, uphill and down."""

import numpy as np
import pandas as pd
import pytest
from drawing import entrances, facilities, points, streets
from hypothesis import given, settings
from hypothesis import strategies as st
from towns import costing, ground, nearest_of, on_slopes, referee, street_frames, uneven, walls

from lifecircle.errors import SchemaError
from lifecircle.network import added, build, edges, field, minutes, nearest, pairs, placed_as

LANE = {"lane": [(0, 0), (600, 0)]}
seeds = st.integers(0, 2**32 - 1)
ways = st.sampled_from(["to", "from"])


def some(prefix, least=1, most=6):
    """Facilities anywhere, of up to three kinds."""
    rows = st.lists(st.tuples(ground, st.sampled_from("abc")), min_size=least, max_size=most)
    return rows.map(
        lambda there: facilities(
            [xy for xy, _ in there], [kind for _, kind in there], ids=[f"{prefix}{i}" for i in range(len(there))]
        )
    )


def doors_of(prefix, most=6):
    """Entrances anywhere of facilities `prefix`0 … `prefix`5, of which some do not exist."""
    rows = st.lists(st.tuples(ground, st.integers(0, 5)), min_size=1, max_size=most)
    return st.one_of(
        st.none(), rows.map(lambda there: entrances([xy for xy, _ in there], [f"{prefix}{i}" for _, i in there]))
    )


homes_anywhere = st.lists(ground, min_size=1, max_size=8).map(points)


def doors_of_each(there, doors):
    """The doors of each facility: its entrances, or itself where it has none."""
    for facility in there.index:
        own = doors[doors["of_id"] == facility] if doors is not None else there.iloc[:0]
        yield own if len(own) else there.loc[[facility]]


@settings(max_examples=100)
@given(street_frames(), walls(), homes_anywhere, some("f"), doors_of("f"), seeds, st.booleans(), ways)
def test_agrees_with_networkx_on_slopes(frame, barred, homes, there, doors, seed, even, way):
    """With costs that differ by way, per edge or along it, minutes and pairs are those of networkx on the graph split at every point, to 1e-6."""
    walk = on_slopes(build(frame, barriers=barred[0], gates=barred[1]), seed, even=even)
    every = referee(walk, homes, doors_of_each(there, doors), max_leg_m=80, way=way) / 60
    options = {"entrances": doors, "speed_m_s": 1.0, "max_leg_m": 80, "direction": way}
    got = nearest(walk, homes, there, **options)
    expected = nearest_of(every, there["kind"], homes.index)
    pd.testing.assert_frame_equal(got, expected, rtol=0, atol=1e-6, check_column_type=False, check_names=False)
    found = pairs(walk, homes, there, limit_min=5, **options)
    assert not found.duplicated(["home_id", "facility_id"]).any()
    table = pd.DataFrame(every, index=homes.index, columns=there.index)
    said = [table.loc[row.home_id, row.facility_id] for row in found.itertuples()]
    assert found["walk_min"].to_numpy() == pytest.approx(np.array(said, dtype=float), abs=1e-6)
    assert (every < 5 - 1e-6).sum() <= len(found) <= (every <= 5 + 1e-6).sum()


@settings(max_examples=60)
@given(street_frames(), walls(), homes_anywhere, some("f"), doors_of("f"), seeds, ways, st.floats(0, 6))
def test_pairs_are_nearest_on_slopes(frame, barred, homes, there, doors, seed, way, limit):
    """The least pair of a kind is `nearest` to the last bit wherever that is within the limit, on slopes too, either way."""
    walk = on_slopes(build(frame, barriers=barred[0], gates=barred[1]), seed)
    options = {"entrances": doors, "speed_m_s": 1.0, "max_leg_m": 80, "direction": way}
    best = nearest(walk, homes, there, **options)
    found = pairs(walk, homes, there, limit_min=limit, **options)
    kinds = there["kind"].reindex(found["facility_id"]).to_numpy()
    least = found.assign(kind=kinds).pivot_table(index="home_id", columns="kind", values="walk_min", aggfunc="min")
    least = least.reindex(index=best.index, columns=best.columns)
    pd.testing.assert_frame_equal(least, best.where(best <= limit), check_exact=True, check_names=False)


@settings(max_examples=80)
@given(street_frames(), walls(), homes_anywhere, some("f", 0), some("g", 0), doors_of("f"), doors_of("g"), seeds, ways)
def test_added_is_field_on_all(frame, barred, homes, old, new, old_doors, new_doors, seed, way):
    """Facilities added to a field give the field of all of them, node by node and home by home, to the last bit; the old one stays."""
    walk = on_slopes(build(frame, barriers=barred[0], gates=barred[1]), seed)
    both = pd.concat([old, new]) if len(old) and len(new) else old if len(old) else new
    parts = [doors for doors in (old_doors, new_doors) if doors is not None]
    all_doors = pd.concat(parts) if parts else None
    before = field(walk, old, entrances=old_doors, max_leg_m=90, direction=way)
    kept = before.metres.copy()
    after = added(walk, before, new, entrances=all_doors, max_leg_m=90)
    expected = field(walk, both, entrances=all_doors, max_leg_m=90, direction=way)
    assert np.array_equal(before.metres, kept)
    assert after.direction == way
    assert after.kinds == expected.kinds
    assert after.facilities.tolist() == expected.facilities.tolist()
    assert np.array_equal(after.metres, expected.metres)
    got, want = (minutes(walk, fields, homes, max_leg_m=90) for fields in (after, expected))
    pd.testing.assert_frame_equal(got, want, check_exact=True)
    one_by_one = before
    for i in range(len(new)):
        one_by_one = added(walk, one_by_one, new.iloc[[i]], entrances=all_doors, max_leg_m=90)
    pd.testing.assert_frame_equal(minutes(walk, one_by_one, homes, max_leg_m=90), want, check_exact=True)


def test_an_id_cannot_be_added_twice():
    """A facility that is already in the field is refused with its id."""
    walk = build(streets(LANE))
    with pytest.raises(SchemaError, match=r"already there \(f0\)"):
        added(walk, field(walk, facilities([(0, 0)])), facilities([(10, 0)]))


@settings(max_examples=40)
@given(street_frames(), homes_anywhere, some("f"), seeds, ways, st.floats(0, 300), st.floats(0.2, 3))
def test_placed_points_are_points(frame, homes, there, seed, way, cap, speed):
    """Points put on the network beforehand have the minutes and pairs of the points themselves, to the last bit, `nearest` is `field` then `minutes`."""
    walk = on_slopes(build(frame), seed)
    put = placed_as(walk, homes, max_leg_m=cap)
    options = {"speed_m_s": speed, "max_leg_m": cap}
    fields = field(walk, there, max_leg_m=cap, direction=way)
    want = minutes(walk, fields, homes, **options)
    pd.testing.assert_frame_equal(minutes(walk, fields, put, **options), want, check_exact=True)
    for rows in (homes, put):
        pd.testing.assert_frame_equal(nearest(walk, rows, there, direction=way, **options), want, check_exact=True)
    found = [pairs(walk, rows, there, limit_min=5, direction=way, **options) for rows in (homes, put)]
    pd.testing.assert_frame_equal(*found, check_exact=True)


@settings(max_examples=60)
@given(street_frames(), walls(), homes_anywhere, some("f"), doors_of("f"), seeds)
def test_there_is_back_with_the_slopes_turned_round(frame, barred, homes, there, doors, seed):
    """The way from the facility is the way to it where every slope is turned round, to the last bit."""
    walk = on_slopes(build(frame, barriers=barred[0], gates=barred[1]), seed)
    turned = costing(walk, walk.back, walk.forth)
    options = {"entrances": doors, "max_leg_m": 80}
    for one, other in ((walk, turned), (turned, walk)):
        there_and = nearest(one, homes, there, direction="from", **options)
        back = nearest(other, homes, there, direction="to", **options)
        pd.testing.assert_frame_equal(there_and, back, check_exact=True)
        found = pairs(one, homes, there, limit_min=4, direction="from", **options)
        pd.testing.assert_frame_equal(found, pairs(other, homes, there, limit_min=4, **options), check_exact=True)


@settings(max_examples=60)
@given(street_frames(), walls(), homes_anywhere, some("f"), doors_of("f"))
def test_flat_is_the_same_both_ways(frame, barred, homes, there, doors):
    """On level ground both ways take the same minutes to the last bit."""
    walk = build(frame, barriers=barred[0], gates=barred[1])
    options = {"entrances": doors, "max_leg_m": 80}
    to, back = (nearest(walk, homes, there, direction=way, **options) for way in ("to", "from"))
    pd.testing.assert_frame_equal(to, back, check_exact=True)
    found = [pairs(walk, homes, there, limit_min=4, direction=way, **options) for way in ("to", "from")]
    pd.testing.assert_frame_equal(*found, check_exact=True)


@settings(max_examples=40)
@given(street_frames(), homes_anywhere, some("f"), ways, st.floats(0.3, 4))
def test_slopes_of_one_factor_are_another_length(frame, homes, there, way, factor):
    """Where every metre costs the same factor both ways, minutes less the legs grow by that factor.

    Legs are walked on the flat: with every leg at 0 m (homes and facilities moved onto the streets) all minutes grow by it.
    """
    walk = build(frame)
    drawn = edges(walk)
    line = drawn.geometry[drawn["component"] == 0].union_all()
    homes, there = (
        rows.set_geometry(line.interpolate(line.project(rows.geometry))).set_crs(frame.crs, allow_override=True)
        for rows in (homes, there)
    )
    hilly = uneven(walk, np.full(len(walk.along), factor), np.full(len(walk.along), factor))
    level = nearest(walk, homes, there, direction=way)
    steep = nearest(hilly, homes, there, direction=way)
    pd.testing.assert_frame_equal(steep, level * factor, rtol=1e-9, atol=1e-9)


def test_up_and_down_by_hand():
    """A lane that costs 2 a metre east and 0.9 west; home 30 m off it at 100, clinic 60 m off it at 400.

    To the clinic 30 + 2 · 300 + 60 = 690 m, 11.5 min at 1 m/s; back 60 + 0.9 · 300 + 30 = 360 m, 6 min. The other way
    round, clinic at 100 and home at 400: 360 m to it and 690 m from it. At 1.5 m/s two thirds of that.
    """
    walk = build(streets(LANE))
    walk = uneven(walk, np.full(2, 2.0), np.full(2, 0.9))
    west, east = [(100, 30)], [(400, 60)]
    for home, clinic, to, back in ((west, east, 690, 360), (east, west, 360, 690)):
        for way, metres in (("to", to), ("from", back)):
            for speed in (1.0, 1.5):
                got = nearest(walk, points(home), facilities(clinic), speed_m_s=speed, direction=way)
                assert got.iloc[0, 0] == pytest.approx(metres / 60 / speed, abs=1e-12)
                found = pairs(walk, points(home), facilities(clinic), limit_min=12, speed_m_s=speed, direction=way)
                assert found["walk_min"].tolist() == [got.iloc[0, 0]]


def test_a_ring_on_a_hill_goes_the_cheap_way_round():
    """On a ring of four sides of 100 m, cheap (1 a metre) clockwise and dear (3) the other way, the long way round is shorter.

    Ring (0,0) → (0,100) → (100,100) → (100,0) → (0,0). Home at (0, 90), clinic at (0, 10), both on its first side: against the drawing
    80 m at 3, so 240; with it, 10 + 300 + 10 = 320 at 1. At 5 a metre it is 400, and the way round 320.
    """
    walk = build(streets({"ring": [(0, 0), (0, 100), (100, 100), (100, 0), (0, 0)]}))
    home, clinic = points([(0, 90)]), facilities([(0, 10)])
    n = len(walk.along)
    for dear, to in ((3.0, 240), (5.0, 320)):
        hill = uneven(walk, np.ones(n), np.full(n, dear))
        ways = [nearest(hill, home, clinic, speed_m_s=1.0, direction=way).iloc[0, 0] * 60 for way in ("to", "from")]
        assert ways == pytest.approx([to, 80], abs=1e-9)


def test_slopes_change_along_an_edge():
    """A lane of 200 m up, 200 m level, 200 m down, at 2, 1 and 0.9 a metre eastward and 0.9, 1, 2 westward.

    Home at 150, clinic at 450: east 50 · 2 + 200 + 50 · 0.9 = 345; west 50 · 2 + 200 + 50 · 0.9 = 345 too; clinic at 350: east
    50 · 2 + 150 = 250, west 150 + 50 · 0.9 = 195.
    """
    walk = build(streets({"lane": [(0, 0), (200, 0), (400, 0), (600, 0)]}))
    walk = uneven(walk, np.array([0, 2.0, 1.0, 0.9]), np.array([0, 0.9, 1.0, 2.0]))
    home, there = points([(150, 0)]), facilities([(450, 0), (350, 0)], ["far", "near"])
    to, back = (nearest(walk, home, there, speed_m_s=1.0, direction=way).iloc[0] * 60 for way in ("to", "from"))
    assert to.tolist() == pytest.approx([345, 250], abs=1e-9)
    assert back.tolist() == pytest.approx([345, 195], abs=1e-9)


def test_each_way_by_its_own_door():
    """A school with a door at either end of a slope is entered by the lower and left by the upper one.

    Home at 300 on a lane of 600 m that costs 2 eastward, 0.9 westward: to the west door 0.9 · 300 = 270, to the east 600; from the west
    door 600, from the east 270. Both doors are one facility, so one pair each way.
    """
    walk = build(streets(LANE))
    walk = uneven(walk, np.full(2, 2.0), np.full(2, 0.9))
    home, school = points([(300, 0)]), facilities([(300, 0)])
    doors = entrances([(0, 0), (600, 0)], ["f0", "f0"])
    for way in ("to", "from"):
        found = pairs(walk, home, school, limit_min=20, entrances=doors, speed_m_s=1.0, direction=way)
        assert found["walk_min"].tolist() == pytest.approx([4.5], abs=1e-12)
        best = nearest(walk, home, school, entrances=doors, speed_m_s=1.0, direction=way)
        assert best.iloc[0, 0] == found["walk_min"].iloc[0]
