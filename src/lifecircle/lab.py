"""The notebooks in a folder of the reader's own, and JupyterLab on them."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from lifecircle.errors import OutputError, StudyError

_PLACE = "place = lifecircle.sample_town()"


def notebooks() -> Path:
    """The folder of the notebooks that come with the package, in order of their stages.

    >>> (notebooks() / "01_coverage_gaps.ipynb").is_file()
    True
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "notebooks", here.parents[1] / "notebooks"):
        if any(folder.glob("*.ipynb")):
            return folder
    raise StudyError("notebooks", ["are missing from this installation; reinstall lifecircle"])


def copied(folder: Path | str, *, study: Path | str | None = None) -> list[Path]:
    """Copy the notebooks into `folder`, and return the new ones; what is there already is never overwritten.

    With `study`, a folder with a ``study.toml`` or the file itself, the copies read that study instead of the sample town.

    Raises
    ------
    StudyError
        `study` is no study.
    OutputError
        `folder` is a file or cannot be written.
    """
    folder = Path(folder)
    if study is not None:
        study = Path(study).resolve()
        if not ((study / "study.toml") if study.is_dir() else study).is_file():
            raise StudyError(str(study), ["there is no study.toml"])
    made = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in sorted(notebooks().glob("*.ipynb")):
            target = folder / source.name
            if target.exists():
                continue
            text = source.read_text(encoding="utf-8")
            whole = folder / f".{source.name}.new"
            try:
                whole.write_text(text if study is None else _of(text, study), encoding="utf-8", newline="\n")
                whole.replace(target)
            finally:
                whole.unlink(missing_ok=True)
            made.append(target)
    except OSError as error:
        raise OutputError(f"The notebooks cannot be copied to {folder}: {error.strerror or error}.") from error
    return made


def _of(text: str, study: Path) -> str:
    """The notebook with the line that names the place naming `study`."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["source"] = [
                f"place = {json.dumps(study.as_posix(), ensure_ascii=False)}{line[len(_PLACE) :]}"
                if line.startswith(_PLACE)
                else line
                for line in "".join(cell["source"]).splitlines(keepends=True)
            ]
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def start(folder: Path | str, *, browser: bool = True) -> int:
    """Run JupyterLab on `folder` until it is stopped, and return its exit code.

    Raises
    ------
    OutputError
        JupyterLab is not installed.
    """
    if find_spec("jupyterlab") is None:
        raise OutputError('没有安装 JupyterLab / JupyterLab is not installed: pip install "lifecircle[lab]".')
    words = [sys.executable, "-m", "jupyterlab", "--ServerApp.root_dir", str(Path(folder).resolve())]
    return subprocess.run([*words, *([] if browser else ["--no-browser"])], check=False).returncode  # noqa: S603 - our own words
