"""Coverage, worked out with a pencil."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from lifecircle.analyse import coverage
from lifecircle.errors import CrsError, SchemaError

# Four homes, walking 1 m/s (60 m a minute). Minutes:
#            kindergarten (5)  clinic (15)  post (5, optional)  school (10): none in town
#   a (30)        4                14            9
#   b (10)        5 exactly        16            1
#   c (20)        nan (no way)     15            nan
#   d (40)        not joined to any street
MINUTES = pd.DataFrame(
    {
        "kindergarten": [4.0, 5.0, np.nan, np.nan],
        "clinic": [14.0, 16.0, 15.0, np.nan],
        "post": [9.0, 1.0, np.nan, np.nan],
    },
    index=pd.Index(list("abcd"), name="home_id"),
)
KINDS = pd.DataFrame(
    {
        "tier": [5, 5, 10, 15],
        "kind": ["kindergarten", "post", "school", "clinic"],
        "required": [True, False, True, True],
        "radius_m": [300.0, np.nan, 500.0, 900.0],
    }
)
JOINED = pd.Series([True, True, True, False], index=MINUTES.index)
PEOPLE = pd.Series([30.0, 10.0, 20.0, 40.0], index=MINUTES.index, name="residents")
AREAS = pd.Series(["x", "x", "y", None], index=MINUTES.index, name="area_id", dtype="str")


@pytest.fixture
def answers() -> pd.DataFrame:
    return coverage.reached(MINUTES, KINDS, speed_m_s=1.0, joined=JOINED)


def town(answers: pd.DataFrame) -> pd.DataFrame:
    whole = pd.Series("town", index=MINUTES.index, name="scope")
    return coverage.shares(answers, KINDS, PEOPLE, whole).set_index(["method", "tier", "kind"])


def test_a_limit_met_exactly_is_met(answers: pd.DataFrame) -> None:
    """b walks 5.0 minutes to a kindergarten of the 5-minute tier, and 300 m: both are within."""
    assert answers.loc["b", ("minutes", 5, "kindergarten")]
    assert answers.loc["b", ("metres", 5, "kindergarten")]


def test_a_kind_without_any_facility_is_left_out_not_missing(answers: pd.DataFrame) -> None:
    """No school stands in town: everybody joined (30 + 10 + 20) is left out, and the row is there."""
    row = town(answers).loc[("minutes", 10, "school")]
    assert row["residents_left_out"] == 60
    assert row["share_of_residents"] == 0


def test_tiers_do_not_stand_in_for_one_another(answers: pd.DataFrame) -> None:
    """A clinic of the 15-minute tier is judged at 15 minutes only: a (14) and c (15) reach it, b (16) does not."""
    row = town(answers).loc[("minutes", 15, "clinic")]
    assert row["residents_covered"] == 50
    assert ("minutes", 5, "clinic") not in town(answers).index


def test_metres_follow_the_standard_not_the_minutes(answers: pd.DataFrame) -> None:
    """At 60 m a minute the clinic's 900 m are 15 minutes: a (840 m) and c (900 m) are within, b (960 m) is not."""
    row = town(answers).loc[("metres", 15, "clinic")]
    assert (row["residents_covered"], row["residents_left_out"], row["limit"]) == (50, 10, 900)


def test_a_kind_without_a_radius_has_no_answer_in_metres(answers: pd.DataFrame) -> None:
    """The standard gives the post office no radius, so no row says anything about it in metres."""
    assert ("metres", 5, "post") not in town(answers).index


def test_a_home_not_joined_is_not_known(answers: pd.DataFrame) -> None:
    """d's 40 people are neither covered nor left out, and do not lower the share: 40 of 60 reach a kindergarten."""
    row = town(answers).loc[("minutes", 5, "kindergarten")]
    assert row["residents_not_known"] == 40
    assert (row["residents_covered"], row["residents_left_out"]) == (40, 20)
    assert row["share_of_residents"] == pytest.approx(40 / 60)


def test_a_home_outside_every_area_keeps_a_row_of_its_own(answers: pd.DataFrame) -> None:
    """d lies in no community: its people appear under a missing area, and the areas add up to the town."""
    table = coverage.shares(answers, KINDS, PEOPLE, AREAS)
    rows = table[(table["method"] == "minutes") & (table["kind"] == "clinic")]
    assert rows["residents"].sum() == 100
    assert rows.loc[rows["area_id"].isna(), "residents"].tolist() == [40]


def test_completeness_counts_required_kinds_and_keeps_optional_apart(answers: pd.DataFrame) -> None:
    """Tier 5 requires a kindergarten (a: met) and offers a post office (a: 9 minutes, not met)."""
    complete = coverage.completeness(answers, KINDS)
    assert complete.loc["a", ("minutes", 5, "required")] == 1
    assert complete.loc["a", ("minutes", 5, "optional")] == 0
    assert complete.loc["d"].isna().all()


def test_completeness_of_an_area_is_weighted_by_people(answers: pd.DataFrame) -> None:
    """In x, a (30 people) reaches the clinic and b (10) does not: 30 / 40."""
    means = coverage.mean_completeness(coverage.completeness(answers, KINDS), PEOPLE, AREAS)
    assert means.loc["x", ("minutes", 15, "required")] == 0.75


def test_gaps_are_ranked_by_people_left_out(answers: pd.DataFrame) -> None:
    """Left out of required kinds: school x 40, school y 20, kindergarten y 20, clinic x 10; ties go by area, then tier."""
    table = coverage.shares(answers, KINDS, PEOPLE, AREAS)
    gaps = coverage.gaps(table, group="area_id", weight="residents")
    said = list(zip(gaps["area_id"], gaps["kind"], gaps["residents_left_out"], strict=True))
    assert said == [("x", "school", 40), ("y", "kindergarten", 20), ("y", "school", 20), ("x", "clinic", 10)]
    assert gaps["rank"].tolist() == [1, 2, 3, 4]


def test_without_population_dwellings_count_in_columns_so_named(answers: pd.DataFrame) -> None:
    """Four homes of one, two, one and one dwellings: 3 of the 4 dwellings joined reach a kindergarten."""
    homes = pd.DataFrame({"residents": np.nan, "dwellings": [1.0, 2.0, np.nan, 1.0]}, index=MINUTES.index)
    table = coverage.shares(answers, KINDS, coverage.weight(homes), pd.Series("t", index=homes.index, name="scope"))
    row = table.set_index(["method", "kind"]).loc[("minutes", "kindergarten")]
    assert row["share_of_dwellings"] == 0.75
    assert "share_of_residents" not in table


@given(
    minutes=st.lists(st.floats(0, 40) | st.just(np.nan), min_size=1, max_size=12),
    people=st.integers(0, 500),
)
def test_people_are_conserved(minutes: list[float], people: int) -> None:
    """Covered, left out and not known always add up to everybody."""
    frame = pd.DataFrame({"clinic": minutes})
    kinds = KINDS[KINDS["kind"] == "clinic"]
    joined = frame["clinic"].notna() | (frame.index % 2 == 0)
    answers = coverage.reached(frame, kinds, speed_m_s=1.0, joined=joined)
    weights = pd.Series(float(people), index=frame.index, name="residents")
    table = coverage.shares(answers, kinds, weights, pd.Series("t", index=frame.index, name="scope"))
    parts = table[["residents_covered", "residents_left_out", "residents_not_known"]].sum(axis=1)
    assert parts.tolist() == table["residents"].tolist() == [people * len(minutes)] * 2


@given(st.lists(st.floats(0, 40), min_size=1, max_size=12), st.floats(0, 1))
def test_a_shorter_walk_never_lowers_coverage(minutes: list[float], factor: float) -> None:
    """What a new facility can do to a home is shorten its walk; nobody covered before is then left out."""
    kinds = KINDS[KINDS["kind"] == "clinic"]
    before = pd.DataFrame({"clinic": minutes})
    joined = pd.Series(True, index=before.index)
    was, now = (
        coverage.reached(m, kinds, speed_m_s=1.0, joined=joined).to_numpy(dtype=bool) for m in (before, before * factor)
    )
    assert (now >= was).all()


# --- the straight line ----------------------------------------------------------------------------------------------
#
# Homes a (0, 0), b (0, 400), d (301, 400); c has no point. Kindergarten K (300, 0); clinic C (0, 1300), its gate at (0, 900);
# post P has no point; there is no school.

FLYING = gpd.GeoDataFrame(
    geometry=[shapely.Point(0, 0), shapely.Point(0, 400), None, shapely.Point(301, 400)], index=MINUTES.index, crs=4547
)
FACILITIES = gpd.GeoDataFrame(
    {"kind": ["kindergarten", "clinic", "post"]},
    geometry=[shapely.Point(300, 0), shapely.Point(0, 1300), None],
    index=pd.Index(["K", "C", "P"], name="facility_id"),
    crs=4547,
)
ENTRANCES = gpd.GeoDataFrame(
    {"of_table": ["facilities", "parks", "facilities"], "of_id": ["C", "K", "gone"]},
    geometry=[shapely.Point(0, 900), shapely.Point(0, 0), shapely.Point(0, 0)],
    crs=4547,
)
FLOWN = coverage.straight(FLYING, FACILITIES, entrances=ENTRANCES)


def test_straight_metres_by_hand() -> None:
    """a stands 300 m from K and 900 m from C's gate; b 500 m (3-4-5) and 500 m; without the gate a is 1300 m from C."""
    assert FLOWN.loc["a", ["kindergarten", "clinic"]].tolist() == [300, 900]
    assert FLOWN.loc["b", ["kindergarten", "clinic"]].tolist() == [500, 500]
    assert coverage.straight(FLYING, FACILITIES).loc["a", "clinic"] == 1300


def test_straight_is_missing_only_without_a_point() -> None:
    """c has no point, so nothing is known of it; no post office has one, so that column is empty; a school has no column."""
    assert FLOWN.loc["c"].isna().all()
    assert FLOWN["post"].isna().all()
    assert FLOWN.loc[["a", "b", "d"], ["kindergarten", "clinic"]].notna().all(axis=None)
    assert list(FLOWN) == ["clinic", "kindergarten", "post"]


def test_straight_refuses_two_systems_and_kindless_facilities() -> None:
    """Facilities in another system, or one without a kind, are an error that names the layer."""
    with pytest.raises(CrsError, match="facilities"):
        coverage.straight(FLYING, FACILITIES.set_crs(4548, allow_override=True))
    with pytest.raises(SchemaError, match="row C"):
        coverage.straight(FLYING, FACILITIES.assign(kind=["a", None, "b"]))


def test_straight_answers_for_a_home_that_no_street_joins() -> None:
    """d joins no street: unknown on foot, yet 400 m as the crow flies is beyond the kindergarten's 300 m: left out."""
    both = coverage.reached(MINUTES, KINDS, speed_m_s=1.0, joined=JOINED, straight_m=FLOWN)
    assert both.loc["a", ("straight", 5, "kindergarten")]  # 300 m exactly
    assert pd.isna(both.loc["d", ("metres", 5, "kindergarten")])
    assert not both.loc["d", ("straight", 5, "kindergarten")]
    assert not both.loc["a", ("straight", 10, "school")]  # no facility: known to be out of reach
    assert both.loc["c", "straight"].isna().all()
    assert both["straight"][(5, "post")].isna().all()  # the standard gives no radius


def test_a_place_without_facilities_reaches_nothing_straight() -> None:
    """Where no facility has a point, no home is within any radius, and that is known."""
    none = coverage.straight(FLYING, FACILITIES.iloc[[2]])
    both = coverage.reached(MINUTES, KINDS, speed_m_s=1.0, joined=JOINED, straight_m=none)
    assert (~both["straight"][(15, "clinic")]).all()


def test_the_other_methods_do_not_change_beside_the_straight_one(answers: pd.DataFrame) -> None:
    """Minutes and metres are the same with and without straight metres, and each table ends with the rows of straight."""
    both = coverage.reached(MINUTES, KINDS, speed_m_s=1.0, joined=JOINED, straight_m=FLOWN)
    pd.testing.assert_frame_equal(both[["minutes", "metres"]], answers)
    without, table = town(answers).reset_index(), town(both).reset_index()
    pd.testing.assert_frame_equal(table[table["method"] != "straight"], without)
    assert table["method"].unique().tolist() == ["minutes", "metres", "straight"]
    complete = coverage.completeness(both, KINDS)
    assert list(complete.columns.get_level_values("method").unique()) == ["minutes", "metres", "straight"]
    pd.testing.assert_frame_equal(complete[["minutes", "metres"]], coverage.completeness(answers, KINDS))


def test_the_difference_of_methods_by_hand() -> None:
    """Kindergarten: a and b of a, b, c on foot (40 of 60); straight only a of a, b, d is within 300 m (30 of 80)."""
    both = coverage.reached(MINUTES, KINDS, speed_m_s=1.0, joined=JOINED, straight_m=FLOWN)
    table = coverage.shares(both, KINDS, PEOPLE, pd.Series("town", index=MINUTES.index, name="scope"))
    shown = coverage.difference(table, group="scope", weight="residents").set_index("kind")
    row = shown.loc["kindergarten"]
    assert row[["share_by_minutes", "share_by_metres", "share_by_straight"]].tolist() == [40 / 60, 40 / 60, 30 / 80]
    assert row["straight_less_metres"] == row["straight_less_minutes"] == 30 / 80 - 40 / 60
    assert row["metres_less_minutes"] == 0
    assert (row["radius_m"], row["residents_not_known"], row["residents_not_known_straight"]) == (300, 40, 20)
    post = shown.loc["post"]
    assert post["share_by_minutes"] == 10 / 60
    assert post[["radius_m", "share_by_metres", "share_by_straight", "straight_less_minutes"]].isna().all()
    assert shown.index.tolist() == ["kindergarten", "post", "school", "clinic"]


def test_the_difference_keeps_homes_of_no_area() -> None:
    """d lies in no community: its row is there by every method, under a missing area."""
    both = coverage.reached(MINUTES, KINDS, speed_m_s=1.0, joined=JOINED, straight_m=FLOWN)
    table = coverage.shares(both, KINDS, PEOPLE, AREAS)
    shown = coverage.difference(table, group="area_id", weight="residents")
    lone = shown[shown["area_id"].isna() & (shown["kind"] == "clinic")]
    assert len(shown) == 12
    assert (lone["residents_not_known"].item(), lone["share_by_straight"].item()) == (40.0, 1.0)


@given(
    st.lists(st.tuples(st.integers(-900, 900), st.integers(-900, 900)), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(-900, 900), st.integers(-900, 900), st.sampled_from("pq")), min_size=1, max_size=8),
)
def test_straight_is_the_shortest_of_all_pairs(
    homes: list[tuple[int, int]], facilities: list[tuple[int, int, str]]
) -> None:
    """The straight metres of a kind are the smallest of the distances worked out pair by pair."""
    here = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*zip(*homes, strict=True)), crs=4547)
    x, y, kind = zip(*facilities, strict=True)
    there = gpd.GeoDataFrame({"kind": kind}, geometry=gpd.points_from_xy(x, y), crs=4547)
    flown = coverage.straight(here, there)
    for name in sorted(set(kind)):
        pairs = [[np.hypot(a - c, b - d) for c, d, k in facilities if k == name] for a, b in homes]
        assert np.allclose(flown[name], [min(row) for row in pairs], rtol=0, atol=1e-9)


def test_the_straight_line_is_never_longer_than_the_walk() -> None:
    """On a crooked network every home within the metres of the standard on foot is within them straight."""
    from lifecircle import network

    rng = np.random.default_rng(5)
    lines = [shapely.LineString(rng.uniform(0, 900, (4, 2))) for _ in range(12)]
    walk = network.build(gpd.GeoDataFrame(geometry=lines, index=[f"s{i:02d}" for i in range(12)], crs=4547))
    homes, clinics = (
        gpd.GeoDataFrame(
            {"kind": "clinic"}, geometry=gpd.points_from_xy(*rng.uniform(0, 900, (2, n))), crs=4547, index=range(n)
        )
        for n in (200, 5)
    )
    minutes = network.nearest(walk, homes, clinics, speed_m_s=1.0)
    flown = coverage.straight(homes, clinics)
    assert minutes["clinic"].notna().sum() > 100
    assert not (flown["clinic"] > minutes["clinic"] * 60 + 1e-6).any()
