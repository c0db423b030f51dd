"""The atlas of a study: from the results of its last run where they are up to date, after a run where they are not."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from pypdf import PdfReader
from typer.testing import CliRunner

from lifecircle import cli, mapbook, pipeline
from lifecircle.publish.atlas import Atlas

STUDY = """
name = "小镇"
crs = "EPSG:4547"
as_of = 2025-12-31
{more}
[layers.areas]
source = "raw/areas.geojson"
set = {{ level = "community" }}
[layers.parks]
source = "raw/parks.geojson"
[layers.parcels]
source = "raw/parcels.geojson"
set = {{ land_use_edition = "yonghai_2023" }}
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Two communities, a park and three parcels."""
    raw = tmp_path / "study" / "raw"
    raw.mkdir(parents=True)
    x, y = 500_000.0, 4_000_000.0
    layers: dict[str, tuple[str, dict[str, Any], list[Any]]] = {
        "areas": (
            "area_id",
            {"name": ["东街", "西街"]},
            [shapely.box(x, y, x + 300, y + 300), shapely.box(x - 300, y, x, y + 300)],
        ),
        "parks": (
            "park_id",
            {"name": ["南园"], "kind": ["pocket_park"]},
            [shapely.box(x + 50, y + 50, x + 150, y + 120)],
        ),
        "parcels": (
            "parcel_id",
            {"name": ["一", "二", "三"], "land_use": ["0701", "1001", "0701"]},
            [shapely.box(x + k, y + 150, x + k + 80, y + 250) for k in (-200, -100, 60)],
        ),
    }
    for name, (index, columns, shapes) in layers.items():
        ids = [f"{name}{k}" for k in range(len(shapes))]
        gpd.GeoDataFrame({index: ids, **columns}, geometry=shapes, crs=4547).to_file(
            raw / f"{name}.geojson", driver="GeoJSON"
        )
    (raw.parent / "study.toml").write_text(STUDY.format(more=""), encoding="utf-8")
    return raw.parent


def never(*_: Any, **__: Any) -> None:
    raise AssertionError("the study was run again")


@pytest.mark.slow
def test_results_are_used_as_long_as_they_are_up_to_date(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without results the study is run; then it is not, also when only the title block changes; a changed layer runs it again."""
    out = tmp_path / "out"
    first = mapbook.write(study, out=out, theme="land_use", processes=1)
    assert first.out == (out / "atlas").resolve()
    assert first.sheets["area"].tolist() == ["", "东街", "西街"]

    run = pipeline.run
    monkeypatch.setattr(pipeline, "run", never)
    more = '[sheet]\norganisation = "某某设计院"\n'
    (study / "study.toml").write_text(STUDY.format(more=more), encoding="utf-8")
    again = mapbook.write(study, out=out, theme="land_use", processes=1)
    assert (again.sheets["status"] == "drawn").all()
    assert "某某设计院" in PdfReader(again.file).pages[0].extract_text()
    assert (mapbook.write(study, out=out, theme="land_use", processes=1).sheets["status"] == "kept").all()

    park = study / "raw" / "parks.geojson"
    park.write_text(park.read_text(encoding="utf-8").replace("南园", "北园"), encoding="utf-8")
    with pytest.raises(AssertionError, match="run again"):
        mapbook.write(study, out=out, theme="land_use", processes=1)
    monkeypatch.setattr(pipeline, "run", run)
    mapbook.write(study, out=out, theme="land_use", processes=1)
    assert mapbook.read(out)["parks"]["name"].tolist() == ["北园"]


@pytest.mark.slow
def test_what_is_read_back_is_what_was_found(study: Path, tmp_path: Path) -> None:
    """Tables and results come back on their own indexes."""
    result = pipeline.run(study, out=tmp_path / "out")
    back = mapbook.read(tmp_path / "out")
    assert set(result.study.tables()) | set(result.results) <= set(back)
    assert back["parcels"].index.name == "parcel_id"
    pd.testing.assert_index_equal(back["land"].index, result.results["land"].index)


def test_the_command_prints_the_table_and_exits_with_1_where_a_sheet_failed(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every sheet has a row with its state and why; warnings follow; a failed sheet is exit code 1."""
    rows = pd.DataFrame(
        {
            "number": ["01-00", "01-01"],
            "theme": "coverage",
            "area": ["", "东街"],
            "scale": pd.array([5000, None], dtype="Int64"),
            "status": ["kept", "failed"],
            "why": ["", "字体缺字"],
        }
    )
    made = Atlas(out=tmp_path, sheets=rows, warnings=("请核实",))
    monkeypatch.setattr(mapbook, "write", lambda *_, **__: made)
    said = CliRunner().invoke(cli.app, ["atlas", str(study)])
    assert said.exit_code == 1
    assert all(text in said.output for text in ("沿用", "失败", "字体缺字", "! 请核实", "atlas.pdf"))
    assert "全域" in said.output
    assert "5000.0" not in said.output


@pytest.mark.slow
def test_the_command_tells_sheets_and_why(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It prints a table of sheets and where the atlas is; it exits with 1 where a sheet failed, and says why."""
    monkeypatch.setenv("COLUMNS", "200")
    runner = CliRunner()
    words = ["atlas", str(study), "--out", str(tmp_path / "out"), "--theme", "land_use"]
    said = runner.invoke(cli.app, words)
    assert said.exit_code == 0, said.stderr
    assert "东街" in said.output
    assert "atlas.pdf" in said.output

    parcels = study / "raw" / "parcels.geojson"
    parcels.write_text(parcels.read_text(encoding="utf-8").replace('"三"', '"𠮷"'), encoding="utf-8")
    said = runner.invoke(cli.app, words)
    assert said.exit_code == 1
    assert "U+20BB7" in said.output
    assert "Traceback" not in said.output + said.stderr
    assert runner.invoke(cli.app, [*words[:4], "--theme", "wat"]).exit_code == 1
