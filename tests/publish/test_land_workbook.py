"""The land workbook and the map's evidence, from a town of a few parcels: readable without the code."""

import json
import re
from typing import Any

import geopandas as gpd
import openpyxl
import pytest
from packed_page import spec_of
from shapely import box

from lifecircle import pipeline

RULES = (
    "profile,rule,class,group,quantity,operator,value,unit,source,clause,mark,name_zh,name_en,note\n"
    "ours,X1,low_efficiency,industrial,far,<,0.8,ratio,County notice 1 (2025),clause 3,F,容积率低于0.8,Ratio under 0.8,\n"
)
EDITION = "code,name_zh,name_en,value,unit,scope,source,mark,note\nours,本县,Our county,1,rules,construction,County notice 1 (2025),F,\n"


@pytest.fixture(scope="module", params=["en", "zh"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> pipeline.Run:
    """Three parcels of 10,000 m²: industry with a ratio of 0.4 and of 0.85, and a paddy; one building, and a county's own edition."""
    at = tmp_path_factory.mktemp(request.param)
    (at / "own").mkdir()
    (at / "own" / "land_rules.csv").write_text(RULES, encoding="utf-8")
    (at / "own" / "land_editions.csv").write_text(EDITION, encoding="utf-8")
    plots = gpd.GeoDataFrame(
        {"parcel_id": ["P1", "P2", "P3"], "land_use": ["1001", "1001", "0101"], "far": [0.4, 0.85, 0.0]},
        geometry=[box(x, 0, x + 100, 100) for x in (500_000, 500_100, 500_200)],
        crs=4547,
    )
    plots.to_file(at / "town.gpkg", layer="parcels")
    house = gpd.GeoDataFrame({"floors": [2.0]}, geometry=[box(500_010, 10, 500_050, 60)], crs=4547)
    house.to_file(at / "town.gpkg", layer="buildings")
    (at / "study.toml").write_text(
        f'name = "Three plots"\ncrs = "EPSG:4547"\nas_of = 2025-12-31\nlanguage = "{request.param}"\n'
        '[land]\nedition = "ours"\nfolder = "own"\n'
        '[layers.parcels]\nsource = "town.gpkg"\nlayer = "parcels"\nset = { land_use_edition = "yonghai_2023" }\n'
        '[layers.buildings]\nsource = "town.gpkg"\nlayer = "buildings"\n',
        encoding="utf-8",
    )
    return pipeline.run(at, out=at / "out")


def cells(run: pipeline.Run) -> dict[str, list[list[Any]]]:
    book = openpyxl.load_workbook(run.out / "tables" / "land.xlsx")
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}


def test_the_citys_edition_decides(run: pipeline.Run) -> None:
    """0.4 is under the county's 0.8, 0.85 is under the national habit of 1.0 only; the paddy is out of scope."""
    land = run.results["land"]
    assert land["candidate"].tolist() == ["candidate", "not candidate", "out of scope"]
    assert land["standing"].tolist() == ["by one criterion", "on one number", "out"]
    assert land.loc["P1", "X1_source"] == "County notice 1 (2025)，clause 3"
    beside = run.results["land_editions"].set_index("edition")["candidates"]
    assert beside[["default", "taizhou_2025", "ours"]].tolist() == [2, 2, 1]


def test_a_sheet_a_question_with_sources_below(run: pipeline.Run) -> None:
    """Every sheet of the land workbook has its title, a sentence, and the date of the data below; criteria have their sources."""
    zh = run.study.language == "zh"
    sheets = cells(run)
    assert len(sheets) == 12
    date = "数据日期：2025-12-31" if zh else "Data as of 2025-12-31"
    for title, rows in list(sheets.items())[1:]:
        assert rows[0][0] == title
        assert any(row[0] == date for row in rows), title
    why = sheets["逐条判定" if zh else "Why"]
    below = [row[0] for row in why[-6:] if row[0]]
    assert any("County notice 1 (2025)" in text and "F" in text for text in below)
    assert any("F:K14" in text for text in below)
    contents = [row[0] for row in next(iter(sheets.values()))]
    assert any("ours" in str(text) for text in contents)


def test_headings_are_words_with_units(run: pipeline.Run) -> None:
    """No heading is a column's bare name, areas and shares say their unit, and no answer is a code with underscores."""
    zh = run.study.language == "zh"
    for title, rows in list(cells(run).items())[1:]:
        heads = next(row for row in rows if sum(cell is not None for cell in row) > 2)
        assert not [head for head in heads if head and re.search(r"[a-z0-9]_[a-z0-9]", str(head))], title
        if zh:
            assert not [head for head in heads if head and re.fullmatch(r"[A-Za-z ,()]+", str(head))], title
    found = cells(run)["低效用地候选" if zh else "Candidates"]
    heads, row = found[2], found[3]
    told = dict(zip(heads, row, strict=True))
    assert told["采用面积（平方米）" if zh else "Area used (m²)"] == 10_000
    assert told["理由" if zh else "Reasons"] == ("X1 容积率低于0.8" if zh else "X1 Ratio under 0.8")
    assert ("复核人" if zh else "Reviewer") in told


def test_answers_are_words(run: pipeline.Run) -> None:
    """On the sheet of all parcels and that of rules every answer and unit is a word of the study's language, no code."""
    zh = run.study.language == "zh"
    sheets = cells(run)
    names = ("全部地块", "判定标准") if zh else ("All parcels", "Rules")
    said = {str(cell) for title in names for row in sheets[title] for cell in row}
    assert not said & {"yes", "no", "not applicable", "indicative yes", "indicative no", "count"}
    assert said >= ({"是", "否", "未知", "比值", "天"} if zh else {"Yes", "No", "Not known", "ratio", "days"})


def test_how_firm_the_list_is_can_be_read(run: pipeline.Run) -> None:
    """0.4 is under 0.8 and under 0.72 and 0.88: one parcel of a hectare hangs on one criterion. 0.85 would come in at 0.88, by one number.

    The paddy is out. The condition is written out as it is moved; differences of the two ratios are ratios, no percentages.
    """
    zh = run.study.language == "zh"
    sheets = cells(run)
    standing = {row[0]: row[1:] for row in sheets["名单有多稳" if zh else "Standing"][3:8]}
    assert standing["只凭一条判据" if zh else "By one criterion"] == [1, 10_000, 0, 0]
    assert standing["取决于一个数" if zh else "On one number"] == [0, 0, 1, 10_000]
    assert standing["不在名单" if zh else "Out"] == [0, 0, 1, 10_000]
    moved = [row[2] for row in sheets["名单稳定性" if zh else "How firm"]]
    assert ("容积率 < 0.72" if zh else "Floor area ratio < 0.72") in moved
    heads = [str(head) for head in sheets["全部地块" if zh else "All parcels"][2]]
    assert [head for head in heads if head.endswith("（比值）" if zh else "(ratio)")]


def test_the_map_lists_the_evidence_of_the_citys_own_rules(run: pipeline.Run) -> None:
    """The popup's criteria have the county's name, threshold, source with clause and mark."""
    spec = json.dumps(spec_of(run.map.read_text(encoding="utf-8"), "land"), ensure_ascii=False, default=str)
    for text in ("Ratio under 0.8" if run.study.language == "en" else "容积率低于0.8", "clause 3 (F)"):
        assert text in spec


def test_the_manifest_names_the_edition(run: pipeline.Run) -> None:
    """The manifest says by which edition land was judged."""
    assert '"land": "ours"' in (run.out / "manifest.json").read_text(encoding="utf-8")
