"""Points put on the network by the one rule."""

import numpy as np
import pandas as pd
import pytest
import shapely
from drawing import barriers, facilities, gates, points, streets
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecircle.errors import CrsError
from lifecircle.network import build, edges, field, minutes, nearest, pairs, place, placed_as

TWO = {"near": [(0, 0), (100, 0)], "far": [(100, 0), (100, 40), (0, 40)]}


def test_nearest_point_of_nearest_street():
    """(30, 12) enters street near at 30 m after a leg of 12 m."""
    walk = build(streets(TWO))
    got = place(walk, points([(30, 12)])).iloc[0]
    assert (got["along_m"], got["leg_m"], got["placed"], got["why"]) == (30, 12, True, "")
    assert edges(walk).loc[got["edge"], "street_id"] == "near"


def test_wall_blocks_the_leg():
    """A wall between a home and the nearest street sends it to the next street not behind it.

    far  ----------- y = 40
         h           y = 12
         ===== wall  y = 6
    near ----------- y = 0
    """
    walk = build(streets(TWO), barriers=barriers([(10, 6), (60, 6)]))
    got = place(walk, points([(30, 12), (80, 12)]))
    assert got["leg_m"].tolist() == [28, 12]
    assert edges(walk)["street_id"].reindex(got["edge"]).tolist() == ["far", "near"]


def test_wall_with_a_vertex_in_the_way_blocks():
    """A leg through the joint of two wall segments, or through a wall's end, is blocked."""
    frame = streets(TWO)
    assert place(build(frame, barriers=barriers([(10, 6), (30, 6), (60, 6)])), points([(30, 12)]))["leg_m"].item() == 28
    assert place(build(frame, barriers=barriers([(30, 6), (60, 6)])), points([(30, 12)]))["leg_m"].item() == 28


def test_open_gate_lets_the_leg_through():
    """A leg that crosses the wall within 5 m of an open gate passes; closed or not known does not open."""
    wall = barriers([(10, 6), (60, 6)])
    for state, leg in (("open", 12), ("closed", 28), (None, 28)):
        walk = build(streets(TWO), barriers=wall, gates=gates((34, 6, state)))
        assert place(walk, points([(30, 12)]))["leg_m"].item() == leg


def test_point_on_the_wall_belongs_to_both_sides():
    """A point exactly on a barrier is not behind it: an entrance drawn on the wall reaches the street outside and inside."""
    walk = build(streets(TWO), barriers=barriers([(10, 6), (60, 6)]))
    assert place(walk, points([(30, 6)]))["leg_m"].item() == 6
    walk = build(streets(TWO), barriers=barriers([(10, 30), (60, 30)]))
    assert place(walk, points([(30, 30)]))["leg_m"].item() == 10


def test_street_that_stops_at_the_wall():
    """A street that ends at a wall serves the side it comes from and not the other.

    The wall is y = 20; the stub comes up to it from the south at x = 50. The home to the north is 5 m behind its end.
    """
    lines = {**TWO, "stub": [(50, 0), (50, 20)]}
    walk = build(streets(lines), barriers=barriers([(0, 20), (100, 20)]))
    got = place(walk, points([(52, 21), (52, 19)]))
    assert got["leg_m"].tolist() == [19, 2]


def test_far_and_enclosed_points_say_why():
    """Beyond the longest leg, behind a barrier, and no coordinates at all: not placed, NaN, and a reason."""
    ring = [(20, 10), (40, 10), (40, 30), (20, 30), (20, 10)]
    walk = build(streets(TWO), barriers=barriers(ring))
    homes = points([(30, 20), (30, 341), (30, 340), (30, 12), (50, 12)])
    homes.loc["none", "geometry"] = shapely.Point()
    got = place(walk, homes)
    assert got["why"].tolist() == ["behind a barrier", "too far from a street", "", "behind a barrier", "", "no point"]
    assert got["leg_m"].isna().tolist() == [True, True, False, True, False, True]
    assert got["edge"].tolist()[0] == -1
    assert place(walk, homes, max_leg_m=11)["why"].tolist()[-2] == "too far from a street"
    assert got.index.equals(homes.index)


def test_smaller_fragment_is_noted_not_taken():
    """A nearer street of a smaller component is passed over and noted."""
    walk = build(streets({**TWO, "island": [(30, 15), (45, 15)]}))
    got = place(walk, points([(30, 12), (30, 3), (37, 15)]))
    assert got["leg_m"].tolist() == [12, 3, 15]
    assert got["nearer_fragment"].tolist() == [True, False, True]


def test_fragment_within_reach_of_an_unplaced_point():
    """A point too far from the largest component but beside a fragment is not placed and says both."""
    walk = build(streets({**TWO, "island": [(30, 500), (45, 500)]}))
    got = place(walk, points([(30, 510)])).iloc[0]
    assert (got["placed"], got["why"], got["nearer_fragment"]) == (False, "too far from a street", True)


def test_ties_go_to_the_smallest_street():
    """A point as far from b as from a goes to a, however the streets are ordered; on one street to the smaller along."""
    lines = {"b": [(0, 0), (100, 0)], "a": [(100, 0), (100, 20), (0, 20)]}
    for frame in (streets(lines), streets(lines).iloc[::-1]):
        walk = build(frame)
        got = place(walk, points([(50, 10), (100, 0)]))
        assert edges(walk)["street_id"].reindex(got["edge"]).tolist() == ["a", "a"]
    bend = build(streets({"a": [(0, 0), (100, 0), (100, 20), (0, 20)]}))
    assert place(bend, points([(50, 10)]))["along_m"].item() == 50


def test_two_systems_are_refused():
    """Points in another system than the streets are refused in a sentence."""
    with pytest.raises(CrsError, match="points are in EPSG:32650, the streets in EPSG:4547"):
        place(build(streets(TWO)), points([(0, 0)]).set_crs(32650, allow_override=True))


coordinate = st.floats(-50, 550, allow_nan=False, width=32)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(coordinate, coordinate, coordinate, coordinate), min_size=1, max_size=25),
    st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=40),
)
def test_agrees_with_a_search_tree(lines, where):
    """The leg is shapely's nearest distance (STRtree) to the largest component, to 1e-9 m."""
    frame = streets(
        {f"s{i:02}": [(a, b), (c, d)] for i, (a, b, c, d) in enumerate(lines) if np.hypot(a - c, b - d) > 1}
    )
    if frame.empty:
        return
    walk = build(frame)
    drawn = edges(walk)
    tree = shapely.STRtree(drawn.geometry[drawn["component"] == 0].to_numpy())
    homes = points(where)
    got = place(walk, homes, max_leg_m=5000)
    _, expected = tree.query_nearest(homes.geometry.to_numpy(), return_distance=True, all_matches=False)
    assert got["leg_m"].to_numpy() == pytest.approx(expected, abs=1e-9)
    on = drawn.geometry.reindex(got["edge"]).interpolate(got["along_m"].to_numpy(), normalized=False)
    assert shapely.distance(on.to_numpy(), homes.geometry.to_numpy()) == pytest.approx(expected, abs=1e-8)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_agrees_with_trying_every_segment(random):
    """With walls, the leg is the least over all segments of those whose straight leg meets no wall, tried one by one."""
    rng = np.random.default_rng(random.randrange(2**32))
    lines = rng.uniform(0, 300, (12, 2, 2))
    spine = {
        "spine": [(0, -10), (300, -10)],
        **{f"t{i}": [(x, -10), (x, 310)] for i, x in enumerate((0.0, 150.0, 300.0))},
    }
    frame = streets({**spine, **{f"s{i}": line.tolist() for i, line in enumerate(lines)}})
    walls = rng.uniform(0, 300, (15, 1, 2)) + np.stack([np.zeros((15, 2)), rng.uniform(-60, 60, (15, 2))], axis=1)
    walk = build(frame, barriers=barriers(*walls.tolist()))
    drawn = edges(walk)
    main = drawn.geometry[drawn["component"] == 0].to_numpy()
    homes = rng.uniform(0, 300, (60, 2))
    at = shapely.points(homes)[:, None]
    length = shapely.distance(main[None, :], at)
    # Cut ends lie on their wall to the last bit only, so the referee enters the street 10⁻⁵ m inside its ends.
    along = np.clip(shapely.line_locate_point(main[None, :], at), 1e-5, shapely.length(main)[None, :] - 1e-5)
    ends = shapely.get_coordinates(shapely.line_interpolate_point(main[None, :], along)).reshape(*along.shape, 2)
    legs = shapely.linestrings(np.stack([np.broadcast_to(homes[:, None], ends.shape), ends], axis=-2))
    crossed = shapely.intersects(legs[..., None], shapely.linestrings(walls)[None, None, :]).any(axis=-1)
    expected = np.where(crossed, np.inf, length).min(axis=1)
    got = place(walk, points(homes), max_leg_m=1000)
    # Edges here are straight, so an edge is one segment.
    assert got["leg_m"].fillna(np.inf).to_numpy() == pytest.approx(expected, abs=1e-6)


def test_coordinates_are_placed_as_points_are():
    """An array of x and y gives what a table of the same points gives, to the last bit; NaN is no point, like an empty one."""
    walk = build(streets(TWO), barriers=barriers([(10, 6), (60, 6)]))
    xy = np.random.default_rng(5).uniform(-80, 180, (3000, 2)) + 0.1
    xy[7] = np.nan
    table = points(xy).reset_index(drop=True)
    table.geometry = table.geometry.where(~np.isnan(xy[:, 0]), shapely.Point())
    shops = facilities([(20, 0), (90, 35), (70, -5)], ["shop", "shop", "clinic"])
    pd.testing.assert_frame_equal(place(walk, xy), place(walk, table), check_exact=True)
    assert place(walk, xy)["why"][7] == "no point"
    expected = nearest(walk, table, shops)
    assert expected["shop"].notna().sum() > 1000
    for got in (
        nearest(walk, xy, shops),
        nearest(walk, placed_as(walk, xy), shops),
        minutes(walk, field(walk, shops), xy),
        nearest(walk, np.asfortranarray(xy), shops),
    ):
        pd.testing.assert_frame_equal(got, expected, check_exact=True)
    pd.testing.assert_frame_equal(
        pairs(walk, xy, shops, limit_min=1), pairs(walk, table, shops, limit_min=1), check_exact=True
    )


@pytest.mark.parametrize(
    "xy",
    [np.zeros(2), np.zeros((3, 3)), np.zeros((2, 2), int), np.zeros((2, 2), np.float32), np.array([["a", "b"]])],
)
def test_other_arrays_are_refused(xy):
    """An array that is not float64 with two columns is a ValueError that says what it is."""
    with pytest.raises(ValueError, match=r"homes must be .* float64 array \(n, 2\), not an array of"):
        nearest(build(streets(TWO)), xy, facilities([(0, 0)]))
