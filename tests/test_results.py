"""What is made from the results of a run, after the run: files for exchange, the report; and that they follow the inputs."""

import shutil
from pathlib import Path

import pandas as pd
import pyogrio
import pytest
from typer.testing import CliRunner

from lifecircle import cli, pipeline
from test_pencil_town import STUDY, layers


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pencil town, run into the folder ``out`` beside it."""
    folder = tmp_path_factory.mktemp("place") / "pencil"
    (folder / "raw").mkdir(parents=True)
    for name, frame in layers().items():
        pyogrio.write_dataframe(frame, folder / "raw" / "town.gpkg", layer=name)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    pipeline.run(folder, out=folder.parent / "out")
    return folder


def test_results_are_those_of_the_last_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same inputs nothing is worked out again, and layers and shares are those of the run."""
    run = pipeline.run(place, out=place.parent / "again")
    monkeypatch.setattr(pipeline, "analyse", None)
    last = pipeline.results(place, out=place.parent / "out")
    assert list(last.results) == list(run.results)
    assert last.skipped == run.skipped
    pd.testing.assert_series_equal(
        last.results["coverage_town"]["share_of_residents"], run.results["coverage_town"]["share_of_residents"]
    )
    shutil.rmtree(place.parent / "again")


def test_results_follow_the_inputs(place: Path, tmp_path: Path) -> None:
    """Where the study was changed after the run, or never run, results are worked out anew and nothing is written."""
    shutil.copytree(place, tmp_path / "pencil")
    shutil.copytree(place.parent / "out", tmp_path / "out")
    recipe = tmp_path / "pencil" / "study.toml"
    recipe.write_text(recipe.read_text(encoding="utf-8").replace("2025-12-31", "2035-12-31"), encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    changed = pipeline.results(tmp_path / "pencil", out=tmp_path / "out")
    assert changed.results["pipes_screen"]["age_years"].tolist() == [45, 20]
    assert pipeline.results(tmp_path / "pencil", out=tmp_path / "none").results.keys() == changed.results.keys()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_export_writes_every_layer(place: Path) -> None:
    """`lifecircle export` writes a CSV a layer beside the results, and a run afterwards leaves them alone."""
    out = place.parent / "out"
    said = CliRunner().invoke(cli.app, ["export", str(place), "--out", str(out)])
    assert said.exit_code == 0, said.output
    files = {path.name for path in (out / "exchange").iterdir()}
    assert {f"{name}.csv" for name in pipeline.results(place, out=out).results} < files
    assert {"land.geojson", "fields.csv", "manifest.json"} < files
    pipeline.run(place, out=out)
    assert {path.name for path in (out / "exchange").iterdir()} == files
