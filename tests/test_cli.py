"""The command line as a person meets it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lifecircle import cli, sample_town

STUDY = """
name = "Nowhere"
crs = "EPSG:4547"
language = "en"
as_of = 2025-12-31
[layers.streets]
source = "raw/streets.csv"
crs = "EPSG:4547"
"""


@pytest.fixture
def lifecircle(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("COLUMNS", "100")
    return CliRunner()


def test_help_names_every_command(lifecircle: CliRunner) -> None:
    """`--help` lists demo, init, check, run, atlas and standards."""
    said = lifecircle.invoke(cli.app, ["--help"])
    assert said.exit_code == 0
    assert all(f"\n  {command} " in said.output for command in ("demo", "init", "check", "run", "atlas", "standards"))


def test_the_version_is_printed_alone(lifecircle: CliRunner) -> None:
    """`--version` prints one line and needs no command."""
    said = lifecircle.invoke(cli.app, ["--version"])
    assert (said.exit_code, said.output.split()[0], len(said.output.splitlines())) == (0, "lifecircle", 1)


def test_wrong_usage_exits_with_2(lifecircle: CliRunner) -> None:
    """An unknown option, an unknown theme and a missing argument are usage errors."""
    for words in (["run", "--wat"], ["run", str(sample_town()), "--theme", "parking"], ["run"]):
        assert lifecircle.invoke(cli.app, words).exit_code == 2


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_study_that_cannot_be_run_exits_with_1_and_a_sentence(
    lifecircle: CliRunner, tmp_path: Path, command: str
) -> None:
    """A folder without study.toml gives one sentence that names it, no traceback, and leaves nothing behind."""
    said = lifecircle.invoke(cli.app, [command, str(tmp_path)])
    assert said.exit_code == 1
    assert "study.toml" in said.stderr
    assert "Traceback" not in said.output + said.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_named_with_its_key(lifecircle: CliRunner, tmp_path: Path) -> None:
    """The source of layers.streets is not there: key and file are named."""
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    said = lifecircle.invoke(cli.app, ["check", str(tmp_path)])
    assert said.exit_code == 1
    assert "layers.streets.source" in said.stderr
    assert "raw/streets.csv" in said.stderr


def test_init_begins_a_study_once(lifecircle: CliRunner, tmp_path: Path) -> None:
    """init writes a study.toml that names the files in raw, and never overwrites it."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "schools.geojson").write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"名称": "a"},'
        ' "geometry": {"type": "Point", "coordinates": [113.7, 37.6]}}]}',
        encoding="utf-8",
    )
    assert lifecircle.invoke(cli.app, ["init", str(tmp_path)]).exit_code == 0
    written = (tmp_path / "study.toml").read_text(encoding="utf-8")
    assert 'source = "raw/schools.geojson"' in written
    assert "名称" in written
    again = lifecircle.invoke(cli.app, ["init", str(tmp_path)])
    assert again.exit_code == 1
    assert "not overwritten" in again.stderr
    assert (tmp_path / "study.toml").read_text(encoding="utf-8") == written


def test_standards_prints_a_table_with_its_sources(lifecircle: CliRunner) -> None:
    """`standards pipe_rules` is CSV with source and mark; an unknown table is a sentence with the nearest name."""
    said = lifecircle.invoke(cli.app, ["standards", "pipe_rules"])
    assert said.exit_code == 0
    assert "gbf2022_22,F:K26" in said.stdout
    wrong = lifecircle.invoke(cli.app, ["standards", "pipe_rule"])
    assert wrong.exit_code == 1
    assert "pipe_rules" in wrong.stderr


def test_demo_runs_from_any_folder_and_says_where_the_map_is(
    lifecircle: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From an empty folder, `lifecircle demo` leaves a map in lifecircle-demo and prints its path."""
    monkeypatch.chdir(tmp_path)
    said = lifecircle.invoke(cli.app, ["demo"])
    assert said.exit_code == 0, said.output
    page = tmp_path / "lifecircle-demo" / "maps" / "overview.html"
    assert page.is_file()
    assert str(page) in said.output
    assert [path.name for path in tmp_path.iterdir()] == ["lifecircle-demo"]


def test_a_code_page_without_a_sign_does_not_stop_the_command() -> None:
    """Where the console knows only ASCII, the Chinese of `standards kinds` becomes question marks and the rows are there."""
    done = subprocess.run(
        [sys.executable, "-m", "lifecircle", "standards", "kinds"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert b"kindergarten" in done.stdout


def test_a_fault_of_ours_is_a_sentence_too(lifecircle: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error nobody foresaw ends in one sentence and a file with the details, not in a traceback."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr("lifecircle.pipeline.run", fail)
    said = lifecircle.invoke(cli.app, ["run", str(sample_town())])
    assert said.exit_code == 1
    assert "ZeroDivisionError: by accident" in said.stderr
    assert "lifecircle-error.txt" in said.stderr
    assert "Traceback" not in said.stderr
