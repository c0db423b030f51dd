"""The land screen, worked out with a pencil."""

import itertools
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from lifecircle import schema, screening
from lifecircle.analyse import land
from lifecircle.standards import editions

MU = 2000 / 3
AS_OF = date(2025, 12, 31)


def table(name: str, rows: dict[str, dict[str, object]], shapes: list[object]) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(pd.DataFrame.from_dict(rows, orient="index"), geometry=shapes, crs=4547)
    return schema.conform(name, frame)


def measured(parcels: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame | None = None) -> pd.DataFrame:
    return land.measures(parcels, buildings, as_of=AS_OF, mu_m2=MU, area_difference_share=0.05)


def test_a_building_across_a_boundary_is_shared_out_by_footprint() -> None:
    """P1 is x 0–100, P2 x 100–200, both 100 deep. One building, x 75–125 by 20 deep, 4 floors: 4,000 m² of floor.

    Half of its 1,000 m² footprint stands on each parcel: 2,000 m² of floor, FAR 0.2 and coverage 0.05 each.
    """
    parcels = table("parcels", {"P1": {}, "P2": {}}, [box(0, 0, 100, 100), box(100, 0, 200, 100)])
    buildings = table("buildings", {"B": {"floor_area_m2": 4000.0}}, [box(75, 0, 125, 20)])
    m = measured(parcels, buildings)
    assert m["far"].tolist() == [0.2, 0.2]
    assert m["building_coverage"].tolist() == [0.05, 0.05]


def test_a_building_without_floor_area_makes_the_ratio_not_known() -> None:
    """One of two buildings has no floor area: the parcel's floor area ratio is not known, its coverage is (600 / 10,000)."""
    parcels = table("parcels", {"P": {}}, [box(0, 0, 100, 100)])
    buildings = table("buildings", {"a": {"floor_area_m2": 900.0}, "b": {}}, [box(0, 0, 10, 30), box(20, 0, 30, 30)])
    m = measured(parcels, buildings)
    assert np.isnan(m.loc["P", "far"])
    assert m.loc["P", "building_coverage"] == pytest.approx(0.06)


def test_a_plot_with_no_building_has_ratio_zero_but_without_the_layer_it_is_not_known() -> None:
    """Nothing stands on P where buildings were delivered: 0. Where they were not, nobody knows."""
    parcels = table("parcels", {"P": {}}, [box(0, 0, 100, 100)])
    elsewhere = table("buildings", {"B": {"floor_area_m2": 1.0}}, [box(500, 0, 510, 10)])
    assert measured(parcels, elsewhere).loc["P", "far"] == 0
    assert np.isnan(measured(parcels).loc["P", "far"])


def test_declared_area_is_used_and_its_difference_flagged() -> None:
    """Drawn 10,000 m²: declared 10,400 (4 %) is used unflagged, 10,600 (6 %) is used and flagged, none is not known."""
    rows = {"a": {"site_area_m2": 10_400.0}, "b": {"site_area_m2": 10_600.0}, "c": {"site_area_m2": np.nan}}
    m = measured(table("parcels", rows, [box(0, 0, 100, 100)] * 3))
    assert m["area_m2"].tolist() == [10_400, 10_600, 10_000]
    assert m["area_differs"].astype("object").where(m["area_differs"].notna(), None).tolist() == [False, True, None]


def test_tax_is_compared_with_the_same_industry() -> None:
    """Textile: 30,000 yuan on 10 mu and 90,000 on 10 mu, mean 6,000 a mu: 0.5 and 1.5. Steel is known of one parcel: it says nothing."""
    side = np.sqrt(10 * MU)
    rows = {
        "a": {"industry": "textile", "tax_yuan": 30_000.0},
        "b": {"industry": "textile", "tax_yuan": 90_000.0},
        "c": {"industry": "steel", "tax_yuan": 5_000.0},
        "d": {"industry": "steel", "tax_yuan": np.nan},
    }
    m = measured(table("parcels", rows, [box(0, 0, side, side)] * 4))
    assert m["tax_share_of_industry"].tolist() == pytest.approx([0.5, 1.5, np.nan, np.nan], nan_ok=True)


def test_danger_is_yes_as_soon_as_one_is_known_and_no_only_when_all_are() -> None:
    """a: a D and an unknown, yes. b: a B and an unknown, not known. c: two A, no. d: no building, no."""
    plots = [box(x, 0, x + 100, 100) for x in (0, 100, 200, 300)]
    parcels = table("parcels", {"a": {}, "b": {}, "c": {}, "d": {}}, plots)
    classes = {"1": "D", "2": None, "3": "B", "4": None, "5": "A", "6": "A"}
    shapes = [box(x, 0, x + 10, 10) for x in (0, 20, 100, 120, 200, 220)]
    buildings = table("buildings", {k: {"danger_class": v} for k, v in classes.items()}, shapes)
    assert measured(parcels, buildings)["dangerous"].tolist() == pytest.approx([1, np.nan, 0, 0], nan_ok=True)


def verdict(
    rows: dict[str, dict[str, object]], group: str = "industrial", profile: str = "national_2018"
) -> pd.DataFrame:
    parcels = table("parcels", rows, [box(0, 0, 100, 100)] * len(rows))
    groups = pd.Series(group, index=parcels.index)
    return land.underused(measured(parcels), groups, screening.rules(profile))


def test_candidates_carry_value_threshold_source_and_reason() -> None:
    """Industrial land with a declared ratio of 0.4 is under Jinhua's 1.0 (L1); 1.2 is not; none declared is not known."""
    said = verdict({"a": {"far": 0.4}, "b": {"far": 1.2}, "c": {"far": np.nan}})
    assert said["candidate"].tolist() == ["candidate", "not candidate", "not known"]
    assert said.loc["a", ["L1", "L1_value", "L1_threshold", "reasons"]].tolist() == ["yes", "0.4", "far < 1", "L1"]
    assert "金华" in said.loc["a", "L1_source"]


def test_unconfirmed_thresholds_only_indicate() -> None:
    """0.6 for a very low ratio is a recalled value (M:M): it says so and adds no reason of its own."""
    said = verdict({"a": {"far": 0.4}, "b": {"far": 0.8}})
    assert said["L1s"].tolist() == ["indicative yes", "indicative no"]
    assert said["reasons"].tolist() == ["L1", "L1"]


def test_old_and_thin_housing_needs_both() -> None:
    """L5a asks for built by 2000 and a ratio under 1.0: one no is a no even if the other is not known."""
    rows = {
        "both": {"built_year": 1990.0, "far": 0.8},
        "new": {"built_year": 2010.0, "far": np.nan},
        "unknown": {"built_year": 1990.0, "far": np.nan},
    }
    said = verdict(rows, group="residential")
    assert said["L5a"].tolist() == ["yes", "no", "not known"]
    assert said["L1"].tolist() == ["not applicable"] * 3


def test_idle_land_is_a_state_of_its_own() -> None:
    """As of 2025-12-31. a: due 2024-12-30, 366 days ago, not started: idle. b: due a day later: 365 days are not over 365.

    c: stopped since 2024-12-31 (365 days) with a third less a bit developed: idle. d: the same with 20 % invested: idle.
    e: nothing is known. None of it makes a low-efficiency candidate.
    """
    rows = {
        "a": {"start_due_date": pd.Timestamp("2024-12-30")},
        "b": {"start_due_date": pd.Timestamp("2024-12-31")},
        "c": {"stopped_since": pd.Timestamp("2024-12-31"), "developed_share": 0.33, "invested_share": 0.9},
        "d": {"stopped_since": pd.Timestamp("2024-12-31"), "developed_share": 0.5, "invested_share": 0.2},
        "e": {"start_due_date": pd.NaT},
    }
    said = verdict(rows)
    assert said["idle"].tolist()[:1] + said["idle"].tolist()[2:] == ["yes", "yes", "yes", "not known"]
    assert said.loc["b", "L9a"] == "no"
    assert "candidate" not in said["candidate"].tolist()


def test_idle_land_follows_three_valued_logic_in_every_case() -> None:
    """All 4 × 3 × 4 × 3 × 4 combinations of known and unknown facts against Kleene's and, or over the formula of Order 53.

    Yes as soon as some way of being idle holds, no only where none can, else not known.
    """
    facts: dict[str, list[float]] = {
        "days_past_start_due": [-5, 365, 366, np.nan],
        "started": [0, 1, np.nan],
        "developed_share": [0.1, 1 / 3, 0.9, np.nan],
        "invested_share": [0.1, 0.25, np.nan],
        "stopped_days": [-10, 364, 365, np.nan],
    }
    frame = pd.DataFrame(list(itertools.product(*facts.values())), columns=list(facts))
    said = land.underused(frame, pd.Series("any", index=frame.index), editions.land("default").rules)["idle"]

    def kleene(row: pd.Series) -> str:  # type: ignore[type-arg]
        truth = {
            "late": row["days_past_start_due"] > 365,
            "not_started": row["started"] == 0,
            "thin": row["developed_share"] < 1 / 3,
            "poor": row["invested_share"] < 0.25,
            "still": row["stopped_days"] >= 365,
        }
        of = dict(zip(truth, row, strict=True))
        rank = {name: 0.5 if np.isnan(of[name]) else float(holds) for name, holds in truth.items()}
        worth = max(min(rank["not_started"], rank["late"]), min(max(rank["thin"], rank["poor"]), rank["still"]))
        return {0.0: "no", 0.5: "not known", 1.0: "yes"}[worth]

    assert said.tolist() == [kleene(row) for _, row in frame.iterrows()]


def test_a_date_after_the_study_is_a_plan() -> None:
    """As of 2025-12-31, due in 2024: a start planned for 2026 is no start, and land to be supplied in 2026 is not supplied yet."""
    later = pd.Timestamp("2026-06-01")
    rows = {
        "a": {"start_due_date": pd.Timestamp("2024-06-01"), "started_date": later},
        "b": {"start_due_date": pd.Timestamp("2024-06-01"), "started_date": pd.Timestamp("2025-12-31")},
        "c": {"approved_date": pd.Timestamp("2020-06-01"), "supply_date": later},
    }
    said = verdict(rows)
    assert said["idle"].tolist() == ["yes", "not known", "not known"]
    assert said["L9a"].tolist() == ["yes", "no", "not known"]
    assert said.loc["c", "not_supplied"] == "indicative yes"


def test_approved_but_not_supplied_only_indicates() -> None:
    """Approved 2023-06-01 and no supply: over 730 days; the limit is recalled, so the answer is indicative."""
    said = verdict(
        {"a": {"approved_date": pd.Timestamp("2023-06-01")}, "b": {"approved_date": pd.Timestamp("2025-06-01")}}
    )
    assert said["not_supplied"].tolist() == ["indicative yes", "indicative no"]


def test_land_of_unknown_use_is_not_known() -> None:
    """Whether the industrial rules apply to land without a use cannot be said."""
    said = verdict({"a": {"far": 0.4}, "b": {"far": 0.4}})
    groups = pd.Series(["industrial", None], index=["a", "b"], dtype="str")
    parcels = table("parcels", {"a": {"far": 0.4}, "b": {"far": 0.4}}, [box(0, 0, 100, 100)] * 2)
    said = land.underused(measured(parcels), groups, screening.rules("national_2018"))
    assert said["candidate"].tolist() == ["candidate", "not known"]


def test_an_edition_brings_its_own_rules_and_keeps_the_legal_states() -> None:
    """Taizhou 2025 screens the ratio of industry by its own T2 and knows no L2; idle land stays Order 53."""
    said = verdict({"a": {"far": 0.4}}, profile="taizhou_2025")
    assert said.loc["a", "reasons"] == "T2"
    assert "L2" not in said
    assert "L9a" in said


@given(st.lists(st.floats(0, 3) | st.just(np.nan), min_size=1, max_size=8), st.floats(0.1, 3))
def test_not_known_never_becomes_a_verdict(ratios: list[float], limit: float) -> None:
    """Whatever the ratios, a missing one is not known and every other follows the threshold."""
    rules = screening.rules("national_2018").query("rule == 'L1'").assign(value=limit)
    frame = pd.DataFrame({"far": ratios})
    said = land.underused(frame, pd.Series("industrial", index=frame.index), rules)["L1"]
    expected = ["not known" if np.isnan(r) else "yes" if r < limit else "no" for r in ratios]
    assert said.tolist() == expected


def test_a_building_without_a_year_may_be_the_newest() -> None:
    """1985 beside a building of unknown year is no proof of “by 2000”; 2005 beside one is proof against it, and a declared year settles it."""
    plots = {"a": {"far": 0.5}, "b": {"far": 0.5}, "c": {"far": 0.5, "built_year": 1990.0}}
    parcels = table("parcels", plots, [box(x, 0, x + 100, 100) for x in (0, 100, 200)])
    years = [1985, np.nan, 2005, np.nan, 1985, np.nan]
    houses = {f"B{i}": {"built_year": year, "floors": 1.0} for i, year in enumerate(years)}
    buildings = table("buildings", houses, [box(x, 10, x + 10, 20) for x in (10, 40, 110, 140, 210, 240)])
    group = pd.Series("residential", index=parcels.index)
    said = land.underused(measured(parcels, buildings), group, editions.land("default").rules)
    assert said["L5a"].tolist() == ["not known", "no", "yes"]
    assert said["L5a_value"].iloc[0] == "built_year ≥ 1985; far = 0.5"
