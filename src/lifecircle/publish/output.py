"""The folder results land in: a finished set is moved into place at once, or nothing changes.

A run writes into a folder beside the target. Only when everything is written are the files moved in; files named in the
manifest of the run before make way, and nothing else in the folder is ever touched. What fails on the way, a file held open by
Excel or QGIS, a full disk, Ctrl-C, leaves the set that was there before.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from lifecircle.errors import OutputError
from lifecircle.publish import manifest

_JOURNAL = "journal.json"
_EPOCH = 946684800  # 2000-01-01: results carry one fixed date, for no result may depend on the clock


def stamp() -> datetime:
    """The date written into files that must carry one: SOURCE_DATE_EPOCH where it is set, else 2000-01-01 UTC.

    >>> import os
    >>> "SOURCE_DATE_EPOCH" in os.environ or stamp().isoformat() == "2000-01-01T00:00:00+00:00"
    True
    """
    given = os.environ.get("SOURCE_DATE_EPOCH", "").strip()
    try:
        return datetime.fromtimestamp(int(given) if given else _EPOCH, tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise OutputError(f"SOURCE_DATE_EPOCH is {given!r}, not a number of seconds.") from None


def previous(out: Path | str) -> dict[str, Any] | None:
    """The manifest of the last run into `out`; None where there was none.

    Raises
    ------
    OutputError
        The folder has a `manifest.json` that lifecircle did not write.
    """
    path = Path(out) / manifest.NAME
    if not path.exists():
        return None
    refusal = f"{path} was not written by lifecircle, so nothing in that folder is replaced: choose another folder."
    try:
        content = manifest.read(path)
    except OutputError as error:
        raise OutputError(f"{refusal} ({error})") from error
    files = content.get("files")
    if not isinstance(files, list) or manifest.NAME not in files or not all(isinstance(name, str) for name in files):
        raise OutputError(refusal)
    return content


@contextmanager
def staged(out: Path | str, *, keep: Iterable[str] = ()) -> Iterator[Path]:
    """A folder to write a set of results into; it replaces the set in `out` when the block ends well.

    On leaving the block the manifest in the folder (an empty one if none was written) is given `files`, the sorted names
    of the set; then the files of the last set make way and the new ones are moved in. Names of the last set in `keep`
    stay as they are and stay in the manifest, unless the block wrote them anew. If the block raises, nothing changes.

    Raises
    ------
    OutputError
        `out` is a file or cannot be written; another run is writing there; a new file bears the name of one that no
        run of ours wrote; a manifest names something outside the folder; a file is held by another program. The last
        set is then still complete.
    """
    out = Path(out).resolve()
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; results need a folder.")
    base = _base(out)
    made: list[Path] = []
    with _refused(f"The folder for results, {out}, cannot be made"):
        _make(base, made)
    marks = f".{out.name}" if base == out.parent else ".lifecircle"
    with _tidied(made), _locked(base / f"{marks}.lock", out):
        folder, backup = base / f"{marks}.new", base / f"{marks}.old"
        _recover(out, backup)
        with _refused(f"{base} cannot be written"):
            _drop(folder)
            folder.mkdir()
        try:
            yield folder
            _swap(out, folder, backup, frozenset(keep))
        finally:
            _drop(folder)


def _base(out: Path) -> Path:
    """Where the staging folder stands: beside the target, or inside it where only that is on the same volume."""
    parent = out.parent
    if out.exists() and (out == parent or out.stat().st_dev != parent.stat().st_dev or not os.access(parent, os.W_OK)):
        return out
    return parent


def _make(folder: Path, made: list[Path]) -> None:
    if not folder.exists():
        _make(folder.parent, made)
        folder.mkdir(exist_ok=True)
        made.append(folder)


@contextmanager
def _tidied(made: list[Path]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def _refused(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{what}: {error.strerror or error}.") from error


# -- one run at a time ---------------------------------------------------------------------------------------------------


@contextmanager
def _locked(path: Path, out: Path) -> Iterator[None]:
    """Hold the lock of the target, so that a staging folder found here belongs to a run that has died."""
    with _refused(f"{path.parent} cannot be written"):
        handle = path.open("a+b")
    try:
        if not _lock(handle):
            raise OutputError(f"Another run is writing to {out}; wait for it to end.")
        yield
    finally:
        if os.name == "nt":  # an open file cannot be deleted there
            handle.close()
        with suppress(OSError):
            path.unlink()
        handle.close()


def _lock(handle: IO[bytes]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks: go on without one
        return True
    return True


# -- moving into place ---------------------------------------------------------------------------------------------------


def _swap(out: Path, folder: Path, backup: Path, keep: frozenset[str]) -> None:
    last = previous(out)
    ours = [] if last is None else _inside(out, last["files"])
    new = _names(folder)
    kept = [name for name in ours if name in keep and name not in new and (out / name).is_file()]
    new = sorted({*new, manifest.NAME})
    _refuse_strangers(out, new, set(ours))
    staged_manifest = folder / manifest.NAME
    content = manifest.read(staged_manifest) if staged_manifest.exists() else {}
    manifest.write({**content, "files": sorted({*new, *kept})}, staged_manifest)
    leaving = [name for name in ours if name not in kept and (out / name).is_file()]
    made: list[Path] = []
    with _refused(f"Results cannot be moved to {out}; what was there before is still in place"):
        backup.mkdir()
        _write_journal(backup, leaving=leaving, new=new)
    try:
        for name in leaving:
            _move(out / name, backup / name, made)
        # the manifest goes last: a set without one is not complete
        for name in sorted(new, key=lambda name: (name == manifest.NAME, name)):
            _move(folder / name, out / name, made)
    except BaseException as error:
        _recover(out, backup)
        for place in reversed(made):
            with suppress(OSError):
                place.rmdir()
        if isinstance(error, PermissionError):
            held = Path(str(error.filename or out)).name
            raise OutputError(
                f"{held} in {out} is held open by another program (Excel, QGIS?) or may not be replaced: "
                "close it and run again; the results of the last run are still in place."
            ) from error
        if isinstance(error, OSError):
            raise OutputError(
                f"Results cannot be moved to {out} ({error.strerror or error}); "
                "what was there before is still in place."
            ) from error
        raise
    (backup / _JOURNAL).unlink()  # from here on the new set stands
    _drop(backup)
    _prune(out, leaving)


def _inside(out: Path, names: Iterable[str]) -> list[str]:
    """The names, if each is a plain relative path to something inside `out`."""
    for name in names:
        path = PurePosixPath(name)
        plain = (
            bool(path.parts)
            and not path.is_absolute()
            and path.as_posix() == name
            and not {"..", "."} & set(path.parts)
        )
        if not plain or set(name) & set("\\:\0") or not (out / name).resolve().is_relative_to(out):
            raise OutputError(
                f"{out / manifest.NAME} names {name!r}, which is not a file inside that folder: nothing was replaced."
            )
    return sorted(set(names))


def _names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def _refuse_strangers(out: Path, new: list[str], ours: set[str]) -> None:
    for name in new:
        target = out / name
        if (target.exists() or target.is_symlink()) and name not in ours:
            raise OutputError(
                f"{target} is already there and was not written by lifecircle: move it away or choose another folder."
            )
        if target.is_dir():
            raise OutputError(f"{target} is a folder where a result is to be written: move it away.")
        for parent in target.relative_to(out).parents:
            place = out / parent
            if place.exists() and not place.is_dir() and parent.as_posix() not in ours:
                raise OutputError(f"{place} is a file where a folder for results is needed: move it away.")
            if not place.resolve().is_relative_to(out):
                raise OutputError(f"{place} leads out of {out}: results are written only inside that folder.")


def _move(source: Path, target: Path, made: list[Path]) -> None:
    _make(target.parent, made)
    os.replace(source, target)  # noqa: PTH105 - one name to watch in the tests of a locked file


def _write_journal(backup: Path, *, leaving: list[str], new: list[str]) -> None:
    (backup / _JOURNAL).write_text(json.dumps({"leaving": leaving, "new": new}, ensure_ascii=False), encoding="utf-8")


def _recover(out: Path, backup: Path) -> None:
    """Put back the set a swap was moving away when it stopped; nothing to do where no swap stopped half-way."""
    journal = backup / _JOURNAL
    if journal.is_file():
        try:
            moves = json.loads(journal.read_text(encoding="utf-8"))
        except ValueError:  # cut off while it was being written, before anything was moved
            moves = {"leaving": [], "new": []}
        leaving = set(_inside(out, moves["leaving"]))
        with _refused(f"The results of the last run, set aside in {backup}, cannot be put back into {out}"):
            for name in _inside(out, moves["new"]):
                if name not in leaving or (backup / name).is_file():
                    (out / name).unlink(missing_ok=True)
            for name in sorted(leaving):
                if (backup / name).is_file():
                    (out / name).parent.mkdir(parents=True, exist_ok=True)
                    _restore(backup / name, out / name)
    _drop(backup)


def _restore(source: Path, target: Path) -> None:
    source.rename(target)


def _prune(out: Path, names: Iterable[str]) -> None:
    """Remove folders that the files that left have left empty."""
    parents = {parent for name in names for parent in PurePosixPath(name).parents if parent.parts}
    for parent in sorted(parents, key=lambda parent: -len(parent.parts)):
        with suppress(OSError):
            (out / parent).rmdir()


def _drop(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
