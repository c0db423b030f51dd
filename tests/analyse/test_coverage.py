"""Coverage, worked out with a pencil."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecircle.analyse import coverage

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
