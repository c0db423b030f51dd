"""What a few pages say: nothing that is not known passes for nothing, and thin data come before gaps."""

from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import pandas as pd
import pyproj
import pytest
import shapely

from lifecircle.publish import digest

STUDY: Any = SimpleNamespace(
    name="Town", note="", language="en", standards="national_2018", as_of="2025-12-31", crs=pyproj.CRS(4547)
)
INVENTORY: Any = SimpleNamespace(
    layers=pd.DataFrame({"layer": ["homes"], "source": ["a.csv"], "read": [2], "kept": [2], "rejected": [0]})
)
SQUARE = shapely.box(0, 0, 100, 100)


def told(results: dict[str, Any], **more: Any) -> dict[str, digest.Section]:
    asked: dict[str, Any] = {"skipped": {}, "network": {}, **more}
    return {s.code: s for s in digest.sections(STUDY, INVENTORY, results, **asked)}


def land(*classes: str) -> gpd.GeoDataFrame:
    n = len(classes)
    return gpd.GeoDataFrame(
        {"candidate": list(classes), "area_m2": [10_000.0] * n, "standing": ["always in"] * n, "name": ["x"] * n},
        index=pd.Index([f"P{k}" for k in range(n)], name="parcel_id"),
        geometry=[SQUARE] * n,
        crs=4547,
    )


def gap_areas() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "rank": [1, 2],
            "tier": [5, 5],
            "name": pd.array(["West", None], dtype="str"),
            "residents_left_out": [40.0, 7.0],
            "missing_kinds": [2, 1],
            "worst_kind": ["clinic", "bank"],
            "walk_min": [9.25, float("nan")],
        },
        geometry=[SQUARE, SQUARE],
        crs=4547,
    )


def test_parcels_nobody_knows_of_are_not_no_candidates() -> None:
    """Where no parcel can be judged the page says not known, and never 0 parcels."""
    lines = told({"land": land("not known", "not known")})["candidates"].lines
    assert lines == ["Low-efficiency land: for 2 of 2 parcels the data do not say; they are not known."]


def test_candidates_are_counted_beside_the_unknown() -> None:
    """One candidate of a hectare, one parcel not known, one that is none."""
    lines = told({"land": land("candidate", "not known", "not candidate")})["candidates"].lines
    assert lines[0].startswith("Low-efficiency candidates: 1 parcels, 1.0 ha; 1 stay listed")
    assert lines[1].startswith("Low-efficiency land: for 1 of 3 parcels")


def test_gaps_are_told_in_words_with_blanks_for_what_is_missing() -> None:
    """Ranks, names, kinds in words, minutes to a tenth; an area without community and a walk nobody can make are blank."""
    (table,) = told({"gap_areas": gap_areas()})["gaps"].tables
    assert table.cells.to_numpy().tolist() == [
        ["1", "West", "40", "2", "Outpatient clinic", "9.2"],
        ["2", "", "7", "1", "Bank", ""],
    ]


def test_thin_data_come_before_gaps() -> None:
    """Where the data are thin the first thing is to mend them, and no gap is recommended; where they are enough, the largest gap is."""
    thin = [
        {"item": "verdict", "word": "thin", "value": 2.0, "unit": "signs", "limit": 2.0, "sign": "yes"},
        {"item": "share_not_joined", "word": "", "value": 0.09, "unit": "share", "limit": 0.05, "sign": "yes"},
    ]
    steps = told({"gap_areas": gap_areas()}, network={"certainty": thin})["first"].lines
    assert [step.split(".")[0] for step in steps] == ["Mend the data before speaking of gaps"]
    assert "9 % (above 5 %)" in steps[0]
    (step,) = told({"gap_areas": gap_areas()})["first"].lines
    assert step.startswith("Fill the largest gap area (around West, 5 minutes): 40 residents lack")


@pytest.mark.parametrize(
    ("kinds", "said"), [(["bank"], "the data hold no "), (["bank"] * 6, "none of 6 required kinds")]
)
def test_kinds_the_data_lack_are_named_while_they_are_few(kinds: list[str], said: str) -> None:
    """A few kinds are named, many are counted."""
    (step,) = told({}, network={"required_kinds_without_facility": kinds, "required_kinds": 30})["first"].lines
    assert said in step


def test_what_was_left_out_says_why() -> None:
    """A theme that was skipped has no tables, its reason stands in its section and under method, and its sources are not named."""
    pages = told({}, skipped={"coverage": "this place has no homes"})
    assert pages["shares"].lines == ["Coverage left out: this place has no homes."]
    assert "Coverage left out: this place has no homes." in pages["method"].lines
    assert pages["shares"].tables == pages["gaps"].tables == []
    assert pages["method"].tables[-1].cells.empty


def test_either_language_whatever_the_study_speaks() -> None:
    """The pages can be had in Chinese of an English study."""
    sections = digest.sections(STUDY, INVENTORY, {"gap_areas": gap_areas()}, skipped={}, network={}, language="zh")
    assert [s.title for s in sections][:3] == ["县城概览", "谁走得到什么", "缺口排序"]
    assert sections[2].tables[0].cells.columns.tolist()[:2] == ["各层级总排名", "社区"]
