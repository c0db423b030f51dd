"""Renewal blocks of a study with a few parcels, from files to the workbook; drawn with a pencil."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from shapely import LineString, Point, box

from lifecircle import blocks, circle, pipeline, schema

X, Y = 500_000, 3_600_000


def plot(n: float) -> Any:
    """The nth square of 150 m (2.25 ha) in a row from west to east."""
    return box(X + 150 * n, Y, X + 150 * n + 150, Y + 150)


def written(at: Path, language: str, *, projects: bool) -> Path:
    """P1 P2 | P3 P4 P5: a wall between P2 and P3, works on P1, an asset on P4 and one on no parcel, a home on P2 and one on P3."""
    layers: dict[str, gpd.GeoDataFrame] = {
        "parcels": gpd.GeoDataFrame(
            {
                "parcel_id": ["P1", "P2", "P3", "P4", "P5"],
                "land_use": ["1001", "0701", "0701", "0701", "0701"],
                "far": [0.4, 1.5, 1.5, 1.5, 1.5],
                "built_year": [2010.0, 1985.0, 1999.0, 2000.0, 2005.0],
            },
            geometry=[plot(n) for n in range(5)],
            crs=4547,
        ),
        "buildings": gpd.GeoDataFrame({"floors": [2.0]}, geometry=[box(X + 10, Y + 10, X + 60, Y + 60)], crs=4547),
        "barriers": gpd.GeoDataFrame(
            {"kind": ["wall"]}, geometry=[LineString([(X + 300, Y - 50), (X + 300, Y + 200)])], crs=4547
        ),
        "homes": gpd.GeoDataFrame(
            {"residents": [30.0, 40.0]}, geometry=[Point(X + 200, Y + 50), Point(X + 400, Y + 50)], crs=4547
        ),
        "assets": gpd.GeoDataFrame(
            {"asset_id": ["A1", "A2"], "asset_kind": ["factory", "school"], "floor_area_m2": [800.0, 500.0]},
            geometry=[Point(X + 500, Y + 50), Point(X + 2000, Y)],
            crs=4547,
        ),
    }
    if projects:
        layers["projects"] = gpd.GeoDataFrame(
            {
                "项目编号": ["J1", "J2"],
                "项目类型": ["厂房改造", "厂房改造"],
                "实施年份": [2025.0, 2025.0],
                "拆除面积": [1500.0, 0.0],
                "新建面积": [2000.0, 0.0],
            },
            geometry=[box(X, Y, X + 100, Y + 100), box(X + 50, Y, X + 150, Y + 100)],
            crs=4547,
        )
    recipe = f'name = "Five plots"\ncrs = "EPSG:4547"\nas_of = 2025-12-31\nlanguage = "{language}"\n'
    for name, frame in layers.items():
        frame.to_file(at / "town.gpkg", layer=name)
        recipe += f'[layers.{name}]\nsource = "town.gpkg"\nlayer = "{name}"\n'
        recipe += 'set = { land_use_edition = "yonghai_2023" }\n' if name == "parcels" else ""
    (at / "study.toml").write_text(recipe, encoding="utf-8")
    return at


@pytest.fixture(scope="module", params=["en", "zh"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> pipeline.Run:
    at = written(tmp_path_factory.mktemp(request.param), request.param, projects=True)
    return pipeline.run(at, out=at / "out")


def test_blocks_are_those_of_the_pencil(town: pipeline.Run) -> None:
    """P1 (ratio 0.4) and P2 (of 1985) west of the wall, P3 (of 1999) and P4 (an asset) east of it; P5, of 2005, has no reason.

    Two blocks of 4.5 ha; A2, on no parcel, is a plot without ground that is in none. A compound of 2000 is not old.
    """
    evidence = town.results["renewal_block_evidence"].set_index("plot_id")
    assert evidence["block_id"].fillna("none").to_dict() == {
        "P1": "B001",
        "P2": "B001",
        "P3": "B002",
        "P4": "B002",
        "A2": "none",
    }
    whys = ["low_efficiency", "old_compound", "old_compound", "idle_asset", "idle_asset"]
    assert evidence.loc[["P1", "P2", "P3", "P4", "A2"], "why"].tolist() == whys
    assert evidence.loc["A2", ["placed", "of_table", "assets"]].tolist() == ["single plot", "assets", "A2"]
    blocks = town.results["renewal_blocks"]
    assert blocks["plots_m2"].tolist() == [45_000.0, 45_000.0]
    assert blocks["residents"].tolist() == [30.0, 40.0]
    assert blocks["idle_asset_plots"].tolist() == [0, 1]
    assert blocks.geometry.iloc[0].equals(box(X, Y, X + 300, Y + 150))


def test_gaps_are_not_known_where_nothing_was_walked(town: pipeline.Run) -> None:
    """Without streets and facilities no plot is in a gap and none is said not to be; there is no sheet of gaps."""
    evidence = town.results["renewal_block_evidence"].set_index("plot_id")
    assert evidence["gap"].loc[["P2", "P3"]].tolist() == ["not known", "not known"]
    assert "renewal_block_gaps" not in town.results


def test_the_rule_of_three_blocks_is_told_and_not_forced(town: pipeline.Run) -> None:
    """Two blocks are fewer than three: the rule, which bears no mark and so only indicates, is not met."""
    rule = town.results["renewal_town"].set_index("item")
    assert rule.loc["blocks", ["count", "limit", "answer"]].tolist() == [2, 3, "indicative no"]
    assert rule["count"].loc[["plots_in_blocks", "single_plots", "plots_cut_off"]].tolist() == [4, 1, 0]


def test_demolition_and_duplicates_are_those_of_the_projects(town: pipeline.Run) -> None:
    """5,000 m² stand on P1, 1,500 go (30 %, over a fifth) and 2,000 come (4/3, under 2); J1 and J2 share 50 by 100 m, half of each."""
    torn = town.results["renewal_demolition"].set_index("block_id")
    assert torn["existing_m2"].tolist() == [5000.0, 0.0]
    assert torn.loc["B001", "demolition_share"] == pytest.approx(0.3)
    assert torn.loc["B001", "rebuild_ratio"] == pytest.approx(4 / 3)
    assert torn.loc["B001", ["demolition_share_kept", "rebuild_ratio_kept"]].tolist() == ["no", "yes"]
    assert torn.loc["B002", ["works", "demolished_m2"]].tolist() == [0, 0]
    pairs = town.results["renewal_duplicates"]
    assert pairs[["project", "other_project", "overlap_m2", "share_of_smaller"]].values.tolist() == [
        ["J1", "J2", 5000.0, 0.5]
    ]


def test_without_projects_demolition_is_not_known(tmp_path: Path) -> None:
    """No layer says what goes: the share is missing, the limit neither kept nor broken, and there is no sheet of duplicates."""
    results = pipeline.run(written(tmp_path, "en", projects=False), out=tmp_path / "out").results
    torn = results["renewal_demolition"]
    assert torn[["works", "demolished_m2", "demolition_share"]].isna().all(axis=None)
    assert set(torn["demolition_share_kept"]) == set(torn["rebuild_ratio_kept"]) == {"not known"}
    assert "renewal_duplicates" not in results


def test_the_theme_alone_writes_the_same(town: pipeline.Run) -> None:
    """`--theme blocks` on the results of a run, from the layers it finds there, changes no table."""
    again = pipeline.run(town.out.parent, out=town.out, theme="blocks")
    for name, before in town.results.items():
        if name.startswith("renewal"):
            pd.testing.assert_frame_equal(pd.DataFrame(again.results[name]), pd.DataFrame(before), check_dtype=False)


def test_the_workbook_is_in_words_with_its_sources_below(town: pipeline.Run) -> None:
    """Every sheet has its title, headings in words, and below the sizes, the limits with source and mark, and the date of the data."""
    zh = town.study.language == "zh"
    book = openpyxl.load_workbook(town.out / "tables" / "blocks.xlsx")
    assert len(book.worksheets) == 8
    date = "数据日期：2025-12-31" if zh else "Data as of 2025-12-31"
    for page in book.worksheets[1:]:
        rows = [list(row) for row in page.iter_rows(values_only=True)]
        assert rows[0][0] == page.title
        below = [str(row[0]) for row in rows if row[0]]
        assert date in below, page.title
        assert any("18 ha" in text and "D" in text for text in below)
        assert any("建科〔2021〕63号" in text and "M:H" in text for text in below)
        heads = [str(head) for head in rows[2] if head]
        assert not [head for head in heads if re.search(r"[a-z0-9]_[a-z0-9]", head)], page.title
        if zh:
            assert not [head for head in heads if re.fullmatch(r"[A-Za-z ,()]+", head)], page.title
        cells = [str(cell) for row in rows[3:] for cell in row if cell]
        assert not [cell for cell in cells if re.fullmatch(r"(low|idle|old)_\w+|indicative no", cell) and zh]


def walked(study: Any) -> gpd.GeoDataFrame:
    """The coverage layer of the two homes: the first walks a minute to every kind, the second has no way to any."""
    kinds = circle.tier_kinds(study.standards)
    homes = study.homes.assign(joined="yes")
    return homes.assign(
        **{f"walk_min_{kind}": [1.0, float("nan")] for kind in kinds.loc[kinds["required"], "kind"].unique()}
    )


def test_people_who_reach_nothing_make_a_gap(town: pipeline.Run) -> None:
    """The home on P2 reaches every required kind, the one on P3 none: P3 is in a gap, P2 is not, and on P1, P4 nobody lives.

    All 40 people of the second block are left out of every required kind of every tier, and nobody of the first.
    """
    layers = blocks.analyse(town.study, town.results["land"], coverage_homes=walked(town.study))  # type: ignore[arg-type]
    evidence = layers["renewal_block_evidence"].set_index("plot_id")
    assert evidence.loc[["P1", "P2", "P3", "P4"], "gap"].tolist() == ["no", "no", "yes", "no"]
    assert layers["renewal_blocks"]["reach_share"].tolist() == [1.0, 0.0]
    gaps = layers["renewal_block_gaps"]
    kinds = circle.tier_kinds(town.study.standards)
    assert len(gaps) == kinds["required"].sum()
    assert set(gaps["block_id"]) == {"B002"}
    assert (gaps["residents_left_out"] == 40).all()
    assert (gaps["share"] == 1).all()


def test_the_order_of_rows_changes_nothing(town: pipeline.Run) -> None:
    """Parcels, homes, assets and projects from last to first give the same tables."""
    homes, land = walked(town.study), town.results["land"]
    one = blocks.analyse(town.study, land, coverage_homes=homes)  # type: ignore[arg-type]
    assets, projects = town.study.assets, town.study.projects
    assert assets is not None
    assert projects is not None
    turned = dataclasses.replace(town.study, assets=assets.iloc[::-1], projects=projects.iloc[::-1])
    other = blocks.analyse(turned, land.iloc[::-1], coverage_homes=homes.iloc[::-1])  # type: ignore[arg-type]
    for name, frame in one.items():
        pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(other[name]))


def test_proposed_uses_stand_beside_their_asset(town: pipeline.Run) -> None:
    """Of the uses proposed for A1 the one of rank 1 is shown; A2 has none."""
    uses = pd.DataFrame({"asset_id": ["A1", "A1"], "use": ["clinic", "nursery"], "rank": [2, 1]})
    layers = blocks.analyse(town.study, town.results["land"], proposed=uses)  # type: ignore[arg-type]
    said = layers["renewal_block_assets"].set_index("asset_id")["proposed_use"]
    assert said["A1"] == "nursery"
    assert pd.isna(said["A2"])


def test_main_roads_part_blocks_but_not_in_a_tunnel(town: pipeline.Run) -> None:
    """Of a primary and a secondary street, a lane, a street of no class and a primary tunnel, the first two are lines no block crosses."""
    frame = gpd.GeoDataFrame(
        {"class": ["primary", "secondary", "tertiary", None, "trunk"], "tunnel": [False, None, None, None, True]},
        geometry=[LineString([(X, Y + n), (X + 9, Y + n)]) for n in range(5)],
        index=[f"s{n}" for n in range(5)],
        crs=4547,
    )
    streets = schema.conform("streets", frame)
    lines = blocks.barred(dataclasses.replace(town.study, streets=streets, barriers=None))
    assert [line.coords[0][1] - Y for line in lines] == [0, 1]


def test_outlines_drawn_over_one_another_by_a_hair_are_no_double_investment(town: pipeline.Run) -> None:
    """Two projects of one kind and year that share 0.5 m² are two; with 2 m² in common, over the 1 m² that is how lines are drawn, one pair."""
    projects = town.study.projects
    assert projects is not None
    for apart, pairs in ((99.995, 0), (99.98, 1)):
        shapes = [box(X, Y, X + 100, Y + 100), box(X + apart, Y, X + 200, Y + 100)]
        study = dataclasses.replace(
            town.study, projects=projects.set_geometry(gpd.GeoSeries(shapes, projects.index, 4547))
        )
        layers = blocks.analyse(study, town.results["land"])  # type: ignore[arg-type]
        assert len(layers["renewal_duplicates"]) == pairs


def test_an_open_gate_joins_no_blocks(town: pipeline.Run) -> None:
    """An open gate in the wall between P2 and P3, and one that is closed, leave the wall what it is: the same two blocks."""
    gate = gpd.GeoDataFrame(
        {"state": ["open", "closed"]}, geometry=[Point(X + 300, Y + 75)] * 2, index=["G1", "G2"], crs=4547
    )
    study = dataclasses.replace(town.study, gates=schema.conform("gates", gate))
    said = blocks.analyse(study, town.results["land"])["renewal_block_evidence"]  # type: ignore[arg-type]
    without = blocks.analyse(town.study, town.results["land"])["renewal_block_evidence"]  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(pd.DataFrame(said), pd.DataFrame(without))
    assert said["block_id"].nunique() == 2


def test_a_town_without_candidates_has_no_blocks_and_says_so(town: pipeline.Run) -> None:
    """With P5 alone, of 2005 and without a reason, there are no blocks and no evidence, and the rule of three is not met."""
    study = dataclasses.replace(town.study, assets=None, projects=None, homes=None)
    layers = blocks.analyse(study, town.results["land"].loc[["P5"]])  # type: ignore[arg-type]
    assert not len(layers["renewal_blocks"])
    assert not len(layers["renewal_block_evidence"])
    assert layers["renewal_town"].loc[0, ["count", "answer"]].tolist() == [0, "indicative no"]
