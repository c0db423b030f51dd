"""`lifecircle lab`: notebooks in the reader's own folder, and in a real JupyterLab in a browser."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lifecircle import cli, lab, sample_town
from lifecircle.errors import OutputError, StudyError

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def source(path: Path) -> str:
    return "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"])


def test_notebooks_are_copied_once(tmp_path: Path) -> None:
    """All notebooks are copied as they are; what the reader has changed stays, and what was deleted comes back."""
    made = lab.copied(tmp_path / "mine")
    assert [path.name for path in made] == [path.name for path in sorted(lab.notebooks().glob("*.ipynb"))]
    assert made[0].read_bytes() == (lab.notebooks() / made[0].name).read_bytes()
    made[0].write_text("mine", encoding="utf-8")
    made[1].unlink()
    assert lab.copied(tmp_path / "mine") == [made[1]]
    assert made[0].read_text(encoding="utf-8") == "mine"


def test_copies_read_the_study_asked_for(tmp_path: Path) -> None:
    """With a study each copy has one line that names the place, and it names that study."""
    for path in lab.copied(tmp_path / "mine", study=sample_town()):
        lines = [line for line in source(path).splitlines() if line.startswith("place = ")]
        assert len(lines) == 1
        assert lines[0].startswith(f'place = "{sample_town().resolve().as_posix()}"')


def test_what_cannot_be_copied_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without study.toml, a file where the folder should be, a full disk half-way: no half notebook stays."""
    with pytest.raises(StudyError, match=r"no study\.toml"):
        lab.copied(tmp_path / "mine", study=tmp_path)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be copied"):
        lab.copied(tmp_path / "file")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        lab.copied(tmp_path / "mine")
    assert list((tmp_path / "mine").iterdir()) == []


def test_without_jupyterlab_a_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1, the notebooks are there, and the sentence names the extra."""
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    said = CliRunner().invoke(cli.app, ["lab", "--to", str(tmp_path / "mine")])
    assert said.exit_code == 1
    assert 'pip install "lifecircle[lab]"' in said.stderr
    assert (tmp_path / "mine" / "01_coverage_gaps.ipynb").is_file()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")
def test_a_real_jupyterlab_runs_all_and_shows_map_and_panel(tmp_path: Path) -> None:
    """In JupyterLab in headless Chromium, asking nothing of any other host: open 07, run all, see both maps and the panel, move the minutes, see the gaps change."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    lab.copied(tmp_path / "mine")
    port = free_port()
    rooms = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    words = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        f"--ServerApp.port={port}",
        "--ServerApp.ip=127.0.0.1",
    ]
    words += [
        "--IdentityProvider.token=",
        "--ServerApp.root_dir",
        str(tmp_path / "mine"),
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with (tmp_path / "log.txt").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(
            words, stdout=log, stderr=log, env={**os.environ, **{k: str(tmp_path / v) for k, v in rooms.items()}}
        )
    asked: list[str] = []
    try:
        wait_for(port)
        with sync.sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.route("**/*", lambda route: local(route, port, asked))
            page.goto(f"http://127.0.0.1:{port}/lab/tree/07_maps.ipynb")
            page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
            page.wait_for_selector('.jp-Toolbar-kernelName:has-text("Python 3")', timeout=60_000)
            page.keyboard.press("Escape")
            page.click('.lm-MenuBar-itemLabel:text-is("Run")')
            page.click('.lm-Menu-itemLabel:text-is("Run All Cells")')
            panel = page.locator(".jp-OutputArea svg[data-gaps]")
            panel.wait_for(timeout=600_000)  # on a new machine the walking network is compiled first
            frames = [frame for frame in page.frames if frame != page.main_frame]
            ready = [frame for frame in frames if frame.evaluate("Boolean(window.lifecircle && lifecircle.isReady)")]
            assert len(ready) == 2
            before = panel.get_attribute("data-gaps"), panel.locator("path").first.get_attribute("d")
            handle = page.locator(".widget-slider .noUi-handle").first
            handle.scroll_into_view_if_needed()
            handle.focus()
            for _ in range(10):
                page.keyboard.press("ArrowLeft")
            page.wait_for_function(
                "before => { const map = document.querySelector('.jp-OutputArea svg[data-gaps]');"
                " return map && map.querySelector('path').getAttribute('d') !== before }",
                arg=before[1],
                timeout=60_000,
            )
            page.screenshot(path=str(tmp_path / "lab.png"))
            assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
            browser.close()
    finally:
        server.terminate()
        server.wait(timeout=30)
    assert asked == []


def wait_for(port: int) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.3)
    raise AssertionError("JupyterLab did not start")


def local(route: Any, port: int, asked: list[str]) -> None:
    """Let through what goes to the server itself; note the rest and refuse it."""
    url = route.request.url
    if url.startswith((f"http://127.0.0.1:{port}/", "data:", "blob:", "about:")):
        route.continue_()
    else:
        asked.append(url)
        route.abort()
