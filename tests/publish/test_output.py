"""The folder of results: a whole new set or the whole old one, and nobody else's files."""

import errno
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lifecircle.errors import OutputError
from lifecircle.publish import manifest, output


def publish(out: Path, files: dict[str, str], **more: Any) -> None:
    with output.staged(out, **more) as folder:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")


def fail(out: Path, error: type[BaseException], *, seen: list[dict[str, str]] | None = None) -> None:
    """A run that breaks off half-way; `seen` gains what stood in the folder meanwhile."""
    with output.staged(out) as folder:
        (folder / "a.txt").write_text("half", encoding="utf-8")
        if seen is not None:
            seen.append(contents(out))
        raise error


def contents(out: Path) -> dict[str, str]:
    """Every file below `out` but the manifest, by relative path."""
    files = (path for path in out.rglob("*") if path.is_file() and path.name != "manifest.json")
    return {path.relative_to(out).as_posix(): path.read_text(encoding="utf-8") for path in files}


def listed(out: Path) -> list[str]:
    return manifest.read(out / "manifest.json")["files"]


def no_traces(out: Path) -> bool:
    """Whether nothing but the folder of results stands in its parent."""
    return [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "place" / "results"


def test_a_first_set_is_moved_into_place(out: Path) -> None:
    """The files of the first run are there with a manifest that names them, and no other trace remains."""
    publish(out, {"maps/a.html": "1", "表/b.txt": "2"})
    assert contents(out) == {"maps/a.html": "1", "表/b.txt": "2"}
    assert listed(out) == ["manifest.json", "maps/a.html", "表/b.txt"]
    assert no_traces(out)


def test_the_new_set_replaces_the_old(out: Path) -> None:
    """What the last run wrote and this one did not is gone, with the folder it left empty."""
    publish(out, {"maps/a.html": "1", "tables/b.txt": "2"})
    publish(out, {"maps/a.html": "new", "c.txt": "3"})
    assert contents(out) == {"maps/a.html": "new", "c.txt": "3"}
    assert not (out / "tables").exists()
    assert no_traces(out)


def test_other_peoples_files_stay(out: Path) -> None:
    """Files and folders no manifest names are untouched, in our folders too."""
    publish(out, {"maps/a.html": "1"})
    (out / "maps" / "my.qgz").write_text("mine", encoding="utf-8")
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    publish(out, {"b.txt": "2"})
    assert contents(out) == {"maps/my.qgz": "mine", "notes.txt": "mine", "b.txt": "2"}


def test_a_strangers_file_is_never_overwritten(out: Path) -> None:
    """A new result that bears the name of a stranger's file is refused, naming it, and the old set stays."""
    publish(out, {"a.txt": "1"})
    (out / "b.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=r"b\.txt is already there and was not written by lifecircle"):
        publish(out, {"a.txt": "new", "b.txt": "new"})
    assert contents(out) == {"a.txt": "1", "b.txt": "mine"}
    assert no_traces(out)


@pytest.mark.parametrize(
    "text", ['{"name": "my web app"}', "not json", "[]", '{"files": ["a.txt"]}', '{"files": "manifest.json"}']
)
def test_a_manifest_of_another_program_is_respected(out: Path, text: str) -> None:
    """A folder whose manifest.json is not ours is refused as it stands."""
    out.mkdir(parents=True)
    (out / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(OutputError, match="was not written by lifecircle"):
        publish(out, {"a.txt": "1"})
    assert (out / "manifest.json").read_text(encoding="utf-8") == text
    assert contents(out) == {}


@pytest.mark.parametrize(
    "name", ["../secret.txt", "/etc/hostname", "a/../../secret.txt", "C:/x", "a\\..\\b", "link/secret.txt", "."]
)
def test_a_hostile_manifest_deletes_nothing_outside(out: Path, name: str) -> None:
    """A manifest that names something outside the folder is refused and the thing is still there."""
    publish(out, {"a.txt": "1"})
    secret = out.parent / "secret.txt"
    secret.write_text("keep", encoding="utf-8")
    if name.startswith("link"):
        try:
            (out / "link").symlink_to(out.parent, target_is_directory=True)
        except OSError:
            pytest.skip("this user may make no symbolic links")
    (out / "manifest.json").write_text(json.dumps({"files": ["manifest.json", name]}), encoding="utf-8")
    with pytest.raises(OutputError, match="not a file inside that folder"):
        publish(out, {"b.txt": "2"})
    assert secret.read_text(encoding="utf-8") == "keep"
    assert (out / "a.txt").read_text(encoding="utf-8") == "1"


def test_results_do_not_follow_a_link_out_of_the_folder(out: Path) -> None:
    """Where a folder for results is a link leading elsewhere, nothing is written through it."""
    outside = out.parent / "outside"
    outside.mkdir(parents=True)
    out.mkdir()
    try:
        (out / "maps").symlink_to(outside, target_is_directory=True)
    except OSError:
        pytest.skip("this user may make no symbolic links")
    with pytest.raises(OutputError, match="leads out of"):
        publish(out, {"maps/a.html": "1"})
    assert list(outside.iterdir()) == []


def test_an_error_in_the_block_changes_nothing(out: Path) -> None:
    """When writing fails half-way the last set is as it was, and on a first run no folder is left."""
    with pytest.raises(ZeroDivisionError):
        fail(out, ZeroDivisionError)
    assert not out.parent.exists()
    publish(out, {"a.txt": "1"})
    with pytest.raises(KeyboardInterrupt):
        fail(out, KeyboardInterrupt)
    assert contents(out) == {"a.txt": "1"}
    assert no_traces(out)


@pytest.mark.parametrize("locked", ["a.txt", "maps/b.html", "manifest.json"])
@pytest.mark.parametrize("way", ["out", "in"])
def test_a_locked_file_leaves_the_whole_old_set(
    out: Path, monkeypatch: pytest.MonkeyPatch, locked: str, way: str
) -> None:
    """A file held open by Excel, as it makes way or as its successor comes, gives one sentence and the old set stays."""
    publish(out, {"a.txt": "1", "maps/b.html": "2", "old/c.txt": "3"})
    before = contents(out), (out / "manifest.json").read_bytes()
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if (source if way == "out" else target) == out / locked:
            raise PermissionError(13, "The process cannot access the file", str(source))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError, match="held open by another program") as caught:
        publish(out, {"a.txt": "new", "maps/b.html": "new", "d/e.txt": "new"})
    assert "\n" not in str(caught.value)
    assert Path(locked).name in str(caught.value)
    monkeypatch.undo()
    assert (contents(out), (out / "manifest.json").read_bytes()) == before
    assert not (out / "d").exists()
    assert no_traces(out)
    publish(out, {"a.txt": "new"})
    assert contents(out) == {"a.txt": "new"}


def test_a_full_disk_leaves_the_whole_old_set(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other trouble while moving is a sentence with its reason, and the old set stays."""
    publish(out, {"a.txt": "1"})
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if target == out / "b.txt":
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError, match="No space left on device"):
        publish(out, {"a.txt": "new", "b.txt": "new"})
    assert contents(out) == {"a.txt": "1"}


@pytest.mark.parametrize("moves", range(1, 8))
def test_a_run_killed_while_moving_is_undone_by_the_next(out: Path, moves: int) -> None:
    """Killed after any number of moves, the set is whole again before the next run writes: the old one or the new."""
    publish(out, {"a.txt": "1", "old/c.txt": "3"})
    code = f"""
        import os
        from pathlib import Path
        from lifecircle.publish import output
        replace, count = os.replace, [0]
        def killed(source, target):
            if count[0] == {moves}:
                os._exit(9)
            count[0] += 1
            replace(source, target)
        os.replace = killed
        with output.staged({str(out)!r}) as folder:
            (folder / "a.txt").write_text("new", encoding="utf-8")
            (folder / "d").mkdir()
            (folder / "d" / "e.txt").write_text("new", encoding="utf-8")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=os.environ, check=False)
    seen: list[dict[str, str]] = []
    with pytest.raises(ZeroDivisionError):
        fail(out, ZeroDivisionError, seen=seen)
    old, new = {"a.txt": "1", "old/c.txt": "3"}, {"a.txt": "new", "d/e.txt": "new"}
    assert seen == [old if done.returncode == 9 else new]
    assert sorted([*seen[0], "manifest.json"]) == listed(out)
    assert no_traces(out)


def test_a_staging_folder_of_a_dead_run_is_cleared(out: Path) -> None:
    """What a killed run had staged does not enter the next set."""
    publish(out, {"a.txt": "1"})
    dead = out.parent / ".results.new"
    dead.mkdir()
    (dead / "half.txt").write_text("half", encoding="utf-8")
    publish(out, {"a.txt": "2"})
    assert contents(out) == {"a.txt": "2"}
    assert no_traces(out)


def test_two_runs_into_one_folder_are_refused(out: Path) -> None:
    """While one run writes, a second into the same folder is told to wait."""
    with output.staged(out) as folder:
        (folder / "a.txt").write_text("1", encoding="utf-8")
        with pytest.raises(OutputError, match="Another run is writing"):
            publish(out, {"b.txt": "2"})
    assert contents(out) == {"a.txt": "1"}


def test_kept_files_stay_in_the_set(out: Path) -> None:
    """Names to keep stay as they are and stay listed, unless they are written anew; strangers do not become ours."""
    publish(out, {"a.txt": "1", "b.txt": "2", "c.txt": "3"})
    (out / "mine.txt").write_text("mine", encoding="utf-8")
    publish(out, {"a.txt": "new"}, keep=["a.txt", "b.txt", "mine.txt"])
    assert contents(out) == {"a.txt": "new", "b.txt": "2", "mine.txt": "mine"}
    assert listed(out) == ["a.txt", "b.txt", "manifest.json"]


def test_what_the_run_put_into_the_manifest_stays(out: Path) -> None:
    """The manifest keeps what the run wrote and gains the names of the set; the last one can be read back."""
    assert output.previous(out) is None
    with output.staged(out) as folder:
        manifest.write({"place": "青川", "share": float("nan")}, folder / "manifest.json")
    assert output.previous(out) == {"place": "青川", "share": None, "files": ["manifest.json"]}


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    """A file in place of the folder for results, or of a folder in it, is one sentence."""
    (tmp_path / "results").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="is a file; results need a folder"):
        publish(tmp_path / "results", {"a.txt": "1"})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "maps").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="maps is a file where a folder"):
        publish(tmp_path / "other", {"maps/a.html": "1"})
    assert contents(tmp_path / "other") == {"maps": "x"}


def test_a_file_of_ours_may_become_a_folder(out: Path) -> None:
    """Where the last set had a file the next may have a folder of that name, and the other way round."""
    publish(out, {"maps": "1"})
    publish(out, {"maps/a.html": "2"})
    assert contents(out) == {"maps/a.html": "2"}


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a user whom permissions bind"
)
def test_an_unwritable_folder_is_one_sentence(tmp_path: Path) -> None:
    """A place where nothing may be written is said in a sentence."""
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="cannot be"):
            publish(tmp_path / "a" / "b", {"a.txt": "1"})
    finally:
        tmp_path.chmod(0o700)


def test_source_date_epoch_must_be_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOURCE_DATE_EPOCH that is no number is refused with the text it holds."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(OutputError, match="'yesterday'"):
        output.stamp()


def test_the_manifest_holds_plain_values() -> None:
    """Numbers of numpy, dates, paths, sets and frames become what JSON has, and whatever is missing becomes null."""
    text = manifest.text(
        {
            "n": np.int64(3),
            "x": np.float64("inf"),
            "yes": np.bool_(True),
            "missing": [pd.NA, pd.NaT, None, float("nan")],
            "as_of": pd.Timestamp("2025-12-31"),
            "path": Path("a") / "b",
            "kinds": {"b", "a"},
            "rows": pd.DataFrame({"read": [1], "why": ["重复"]}),
            "values": np.array([1.5, np.nan]),
        }
    )
    assert json.loads(text) == {
        "n": 3,
        "x": None,
        "yes": True,
        "missing": [None] * 4,
        "as_of": "2025-12-31",
        "path": "a/b",
        "kinds": ["a", "b"],
        "rows": [{"read": 1, "why": "重复"}],
        "values": [1.5, None],
    }
    assert "重复" in text


def test_a_value_the_manifest_cannot_hold_is_named() -> None:
    """An object without a JSON form is refused with the place it stands at."""
    with pytest.raises(OutputError, match=r"manifest\.a\[1\]: a object"):
        manifest.text({"a": [1, object()]})
