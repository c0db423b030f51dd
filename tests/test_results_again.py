"""What is made from the results of a run, after the run: files for exchange, the report; and that they follow the inputs."""

import errno
import html
import os
import re
import shutil
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from typer.testing import CliRunner

from lifecircle import cli, pipeline
from lifecircle.errors import OutputError
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


def text_of(page: Path) -> str:
    """The page in one line without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")))


def test_the_report_says_what_the_pencil_says(place: Path) -> None:
    """120 people live in the pencil town; no food market, so the 110 who can walk are all left out; the grey iron pipe of 300 m is to be renewed."""
    out = place.parent / "out"
    said = CliRunner().invoke(cli.app, ["report", str(place), "--out", str(out)])
    assert said.exit_code == 0, said.output
    page = out / "report" / "report.html"
    told = text_of(page)
    assert re.findall(r"<h2>\d (.*?)</h2>", page.read_text(encoding="utf-8")) == [
        "The town at a glance",
        "Who reaches what",
        "Ranked gaps",
        "Candidates",
        "What to do first",
        "Method and sources",
    ]
    assert "Residents 120" in told
    market = next(row for row in rows(page) if row[0].startswith("Food market") and row[1] == "0")
    assert (market[2], market[-1]) == ("0 %", "110")
    assert "Renew the 0.3 km of pipes on the list" in told
    assert "GB 50180-2018" in told


def rows(page: Path) -> list[list[str]]:
    return [
        [html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        for row in re.findall(r"<tr>(<td.*?)</tr>", page.read_text(encoding="utf-8"))
    ]


def test_the_report_asks_nothing_and_escapes_everything(place: Path) -> None:
    """No address, script or style from elsewhere; a name that is markup is text; twice the same bytes."""
    out = place.parent / "out"
    page = pipeline.report(place, out=out)
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"<script|<link|@import|url\((?!#)|<img|src=\"|xlink:href=\"(?!#)", text)
    # names of namespaces inside the charts are no addresses to ask
    names = ("http://www.w3.org/", "http://purl.org/dc/", "http://creativecommons.org/ns")
    assert all(address.startswith(names) for address in re.findall(r"https?://[^\"\s<]+", text))
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    before = page.read_bytes()
    assert pipeline.report(place, out=out).read_bytes() == before


def thin(tmp_path: Path, *names: str, **changed: gpd.GeoDataFrame) -> Path:
    """The pencil town with only these layers, some of them changed."""
    folder = tmp_path / "thin"
    (folder / "raw").mkdir(parents=True)
    for name, frame in ({n: f for n, f in layers().items() if n in names} | changed).items():
        pyogrio.write_dataframe(frame, folder / "raw" / "town.gpkg", layer=name)
    head, *stanzas = STUDY.split("[layers.")
    kept = [f"[layers.{stanza}" for stanza in stanzas if stanza.split("]")[0] in {*names, *changed}]
    (folder / "study.toml").write_text(head + "".join(kept), encoding="utf-8")
    return folder


@pytest.mark.slow
def test_a_study_without_communities_is_published(tmp_path: Path) -> None:
    """Without areas the run, the project for QGIS, the report and the files for exchange are all there, and the report has a map of streets."""
    folder = thin(tmp_path, "homes", "facilities", "streets")
    run = pipeline.run(folder, out=tmp_path / "out")
    assert (run.out / "results.qgs").is_file()
    page = pipeline.report(folder, out=run.out)
    assert "<svg" in page.read_text(encoding="utf-8")
    assert "Low-efficiency land left out: this place has no parcels." in text_of(page)
    assert (pipeline.exchange(folder, out=run.out) / "coverage_homes.csv").is_file()


@pytest.mark.slow
def test_one_home_alone_and_a_very_long_name(tmp_path: Path) -> None:
    """A community of one home, with a name of 300 characters, is published; its name is whole in the report and in the workbook."""
    long = "很" * 300
    areas = layers()["areas"].assign(name=[long, "East"])
    homes = layers()["homes"].iloc[[0]]
    folder = thin(tmp_path, "facilities", "streets", areas=areas, homes=homes)
    run = pipeline.run(folder, out=tmp_path / "out")
    assert run.results["coverage_areas"]["homes"].sum() == 1
    assert long in pipeline.report(folder, out=run.out).read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_full_disk_leaves_the_last_set(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk fills while the report or the project for QGIS is written, one sentence says so and the last set is whole."""
    out = place.parent / "out"
    pipeline.report(place, out=out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    write = Path.write_text

    def full(self: Path, *said: Any, **more: Any) -> int:
        if self.suffix in (".html", ".qgs"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, *said, **more)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutputError, match=r"report\.html cannot be written: No space left"):
        pipeline.report(place, out=out)
    with pytest.raises(OutputError, match=r"results\.qgs cannot be written: No space left"):
        pipeline.run(place, out=out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_stopped_half_way_leaves_the_last_set(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while files for exchange are written leaves the last ones whole and nothing beside them."""
    from lifecircle.publish import exchange

    out = place.parent / "out"
    pipeline.exchange(place, out=out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def stop(*_: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(exchange, "_csv", stop)
    with pytest.raises(KeyboardInterrupt):
        pipeline.exchange(place, out=out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="an administrator may write anywhere")
def test_a_folder_that_may_not_be_written(place: Path, tmp_path: Path) -> None:
    """An unwritable folder is one sentence that names it."""
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="shut"):
        pipeline.report(place, out=shut / "out")
