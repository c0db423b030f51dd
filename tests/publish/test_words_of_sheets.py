"""The sheets of the life circle and the title box of the map: every heading in words, codes worded, doubts said."""

import re
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from lifecircle import standards
from lifecircle.publish import labels, overview, whole

KEY = ("tier", "kind", "required")
COUNTED = ("", "_covered", "_left_out", "_not_known")
GAPS = ("tier", "homes", "{}_left_out", "{}_not_known", "area_id", "walk_min", "{}_no_way", "area_m2")
SHEETS = {
    "coverage_town": ("method", *KEY, "limit", *(f"{{}}{c}" for c in COUNTED), "share_of_{}", "facilities"),
    "certainty": ("item", "value", "limit", "sign"),
    "coverage_edge": (*KEY, "{}", "share_all", "{}_at_edge", "share_away_from_edge", "difference"),
    "sensitivity": (
        *KEY,
        *(f"share_{case}" for case in ("base", "slower", "faster", "leg_shorter", "leg_longer")),
        "spread",
    ),
    "coverage_methods": (
        *(*KEY, "radius_m", "share_by_minutes", "share_by_metres", "share_by_straight", "metres_less_minutes"),
        *("straight_less_minutes", "straight_less_metres", "{}_not_known", "{}_not_known_straight"),
    ),
    "coverage_walkers": (
        *("walker", "speed_m_s", "slope_rule", "stairs_left_out_m", "too_steep_left_out_m", "height_unknown_share"),
        *("largest_share", *KEY, *(f"{{}}{c}" for c in COUNTED), "share_of_{}", "less_than_adult"),
    ),
    "gap_areas": ("gap_id", "rank", *GAPS, "name", "missing", "missing_kinds", "worst_kind"),
    "gap_missing": ("gap_id", "tier", "kind", "homes", "{}_left_out", "{}_no_way", "walk_min"),
    "gap_kinds": ("gap_id", "rank", "kind", *GAPS),
    "coverage_areas": (
        *("name", "level", "homes", "{}"),
        *(f"completeness_{t}{m}{o}" for t in (5, 15) for m in ("", "_by_straight") for o in ("", "_optional")),
    ),
    "gap_grid": (
        *("cell_id", "homes", "{}"),
        *(f"{name}_{t}" for t in (5, 10, 15) for name in ("{}_left_out", "{}_not_known", "missing_kinds")),
    ),
    "supply_town": (
        *("kind", "tier", "capacity_unit", "facilities", "facilities_not_known", "capacity", "mean_access", "gini"),
        *("share_under_half_mean", "{}_counted", "{}_not_known", "homes_not_known"),
    ),
    "supply_match": (
        *("kind", "area_id", "name", "facilities", "facilities_not_known", "floor_area_m2", "site_area_m2", "{}"),
        *("share_of_facilities", "share_of_floor_area_m2", "share_of_capacity", "share_of_{}", "difference"),
    ),
    "reuse_by_asset": (
        *(
            "rank_in_asset",
            "asset_id",
            "name",
            "asset_kind",
            "use",
            "verdict",
            "fit",
            "not_known",
            "warnings",
            "limit_min",
        ),
        *("{}_in_reach", "{}_newly", "homes_newly", "homes_not_known", "precedent", "use_area_m2", "cost_yuan"),
    ),
    "reuse_by_use": ("use", "rank_in_use", "asset_id", "{}_newly"),
    "reuse_sites": (
        *("sites", "rank", "use", "{}_added", "{}_so_far", "{}_at_most", "gap_share", "proven", "stopped", "cost_yuan"),
    ),
    "reuse_curve": ("sites", "{}_so_far", "{}_added", "share_of_all_options", "{}_at_most", "gap_share", "proven"),
    "reuse_gains_by_area": ("sites", "area_id", "name", "use", "{}_newly", "homes_newly"),
    "reuse_choices": (
        *("candidates", "sites", "budget_yuan", "sites_chosen", "{}_newly", "{}_at_most", "cost_yuan", "gap_share"),
        *("options_considered", "options_without_cost", "options_over_budget", "proven", "stopped"),
    ),
    "reuse_conditional": ("asset_id", "needs", "uses_conditional", "best_use", "{}_by_best_use"),
    "reuse_unchecked": ("use", "applies_to", "rule", "source", "mark"),
    "reuse_forbidden": ("asset_id", "forbidden_by", "uses_not_allowed", "uses"),
    "reuse_assets": (
        *("space", "origin", "evidence", "months_without_use", "in_farmland", "in_ecology", "in_heritage", "in_hazard"),
        *(
            "uses_allowed",
            "uses_conditional",
            "uses_not_allowed",
            "uses_unfit",
            "best_use",
            "best_verdict",
            "{}_by_best_use",
        ),
    ),
    "reuse_criteria": ("asset_id", "use", "rule", "rule_class", "answer", "value", "threshold", "source", "mark"),
    "reuse_doubts": ("doubt", "count", "such_as"),
    "reuse_rules": ("rule", "rule_class", "uses", "applies_to", "threshold", "source", "mark", "binding"),
}
CASES = [
    (sheet, column.format(w))
    for sheet, columns in SHEETS.items()
    for w in ("residents", "dwellings")
    for column in columns
]


@pytest.mark.parametrize(("sheet", "column"), dict.fromkeys(CASES))
def test_every_heading_is_known(sheet: str, column: str) -> None:
    """No heading of a sheet is a bare column name: in Chinese it is Chinese, in English it has no underscore or Chinese character."""
    zh = labels.titled(column, "zh", labels.of_sheet(sheet, "zh"))
    en = labels.titled(column, "en", labels.of_sheet(sheet, "en"))
    assert any("\u4e00" <= character <= "\u9fff" for character in zh)
    assert not any("a" <= character <= "z" for character in zh.split("（")[0])
    assert en.isascii() or "m²" in en
    assert "_" not in zh + en
    assert en[0].isupper() or en[0].isdigit()


@pytest.mark.parametrize("sheet", [*SHEETS.keys() - {"gap_grid"}, "supply", "coverage", "reuse"])
def test_every_sheet_has_a_name(sheet: str) -> None:
    """Sheets and books are called something else than their layer in both languages."""
    assert labels.sheet(sheet, "zh") != sheet.replace("_", " ")
    assert labels.sheet(sheet, "en")[0].isupper()


def test_what_rules_compare_has_a_name_in_both_languages() -> None:
    """Every quantity a land rule may compare, also those no layer gives yet, is called by a Chinese word on a Chinese sheet."""
    for code in standards.read("land_quantities")["code"]:
        assert re.search("[\u4e00-\u9fff]", labels.heading(code, "zh")), code
        assert not re.search("[\u4e00-\u9fff]", labels.heading(code, "en")), code


def test_a_heading_of_one_sheet_does_not_leak_into_another() -> None:
    """The share of residents is coverage everywhere but where facilities are matched with residents."""
    assert (
        labels.titled("share_of_residents", "en", labels.of_sheet("supply_match", "en")) == "Share of the residents (%)"
    )
    assert labels.titled("share_of_residents", "en", labels.of_sheet("coverage_town", "en")) == "Residents covered (%)"


def certainty(word: str) -> pd.DataFrame:
    rows = [
        ("verdict", word, 2.0, "signs", 2.0, "yes" if word == "thin" else "no"),
        ("share_largest_component", "", 0.584, "share", 0.9, "yes"),
        ("share_kinds_without_facility", "", 0.8, "share", 0.7, "yes"),
        ("share_not_joined", "", 0.01, "share", 0.05, "no"),
        ("share_joined_far", "", np.nan, "share", 0.25, None),
        ("homes_not_joined", "behind a barrier", 1234.0, "count", np.nan, None),
        ("residents_not_joined", "", 5678.4, "residents", np.nan, None),
    ]
    table = pd.DataFrame(rows, columns=["item", "word", "value", "unit", "limit", "sign"])
    return table.astype({"sign": "str", "item": "str", "word": "str", "unit": "str"})


def report(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(k): v for k, v in row.items()}
        for row in table.astype(object).where(table.notna(), None).to_dict("records")
    ]


def test_certainty_is_printed_in_words() -> None:
    """Each item in words with why, its value and its limit with their unit, and whether it is a sign; blanks where none is."""
    shown = whole._certainty(certainty("thin"), "en")
    assert shown.iloc[0].tolist() == ["Verdict", "Thin: 2 signs", "2 signs", "Yes"]
    assert shown.iloc[1].tolist() == ["Streets in the largest connected part", "58.4 %", "90.0 %", "Yes"]
    assert shown.iloc[5].tolist()[:2] == ["Homes not joined to a street: Behind a barrier", "1,234"]
    assert shown.iloc[6]["value"] == "5,678 residents"
    assert shown["limit"].isna().tolist() == [False] * 5 + [True] * 2
    assert shown["value"].isna().tolist() == [False] * 4 + [True] + [False] * 2
    assert whole._certainty(certainty("thin"), "zh")["item"].iloc[5] == "未接入路网的住处：被围墙或河流隔开"


def test_thin_data_are_said_with_their_signs() -> None:
    """Thin data are the first doubt, with each sign and the limit it breaks; enough data are no doubt."""
    said = whole.doubts({"certainty": report(certainty("thin"))}, language="zh")
    assert said == [
        "数据单薄：最大连通道路占比 58 %（低于 90 %）；无设施的必配类别占比 80 %（高于 70 %）。覆盖率可能偏离实际，请先核对数据。"
    ]
    assert "58 % (below 90 %)" in whole.doubts({"certainty": report(certainty("thin"))}, language="en")[0]
    assert whole.doubts({"certainty": report(certainty("enough"))}, language="en") == []


def test_headlines_say_what_they_hang_on() -> None:
    """Below a tier's completeness stand that of homes away from the edge, and the range from the slower to the faster walker."""
    town = pd.DataFrame({"tier": 15, "kind": ["a", "b"], "method": "minutes", "required": True, "residents": 100.0})
    town = town.assign(share_of_residents=[0.5, 0.7], residents_not_known=0.0)
    edge = town[["tier", "kind", "required"]].assign(residents_at_edge=[30.0, 30.0], share_away_from_edge=[0.6, 0.8])
    spread = edge[["tier", "kind", "required"]].assign(share_base=0.6, share_slower=[0.4, 0.6], share_faster=[0.6, 0.8])
    told = {"coverage_town": town, "coverage_edge": edge, "sensitivity": spread}
    rows = whole.headlines(told, language="en").set_index("what")
    assert rows.loc["15-minute completeness"].tolist() == [
        "60 %",
        "away from edge 70 %; speed ±10 % 50–70 %",
    ]
    alone = {**told, "coverage_edge": edge.assign(share_away_from_edge=np.nan)}
    assert (
        "全部住处都触及数据边缘"
        in whole.headlines(alone, language="zh").set_index("what").loc["15 分钟设施完整度", "more"]
    )
    none = {**told, "coverage_edge": edge.assign(residents_at_edge=0.0)}
    assert whole.headlines(none, language="zh")["more"].tolist()[1:] == ["步速 ±10 %：50–70 %"]


def test_the_map_says_how_it_was_walked() -> None:
    """The method is said with the walker's speed; where nothing was walked nothing is said."""
    assert "1 米/秒" in whole.method({"walk_speed_m_s": 1.0}, language="zh")
    assert whole.method({}, language="en") == ""


def test_tables_are_not_drawn() -> None:
    """Tables among the layers help to draw others and are themselves no layer."""
    square = gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    html = (
        overview.draw({"areas": square, "coverage_town": pd.DataFrame({"kind": ["x"]})}, title="t").get_root().render()
    )
    assert html.count('lifecircle.layer("') == 1
