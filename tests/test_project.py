"""What the project promises around the code: the README, the wheel, the environment, the public names."""

import importlib
import inspect
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

import lifecircle
from lifecircle import load, network, normalise, standards

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
READMES = ("README.md", "README.zh-CN.md")
# A name on conda-forge that differs from the one on PyPI, and what conda-forge does not have.
CONDA_NAMES = {"osmium": "pyosmium"}
PYPI_ONLY = {"folium-offline", "pylopdf-fonts-zh-cn"}
FIRST, SECOND = "pip install . && lifecircle demo", 'pip install -e ".[test]" && pytest'


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks of one language in a page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text(name), flags=re.DOTALL | re.MULTILINE)


def python(code: str, *, cwd: Path, path: Path | None = None) -> Any:
    """What `code`, run by a fresh interpreter, prints as JSON."""
    env = {**os.environ, "PYTHONUTF8": "1", **({"PYTHONPATH": str(path)} if path else {})}
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, env=env, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- dependencies ---------------------------------------------------------------------------------------------------


def test_conda_environment_lists_the_same_dependencies() -> None:
    """environment.yml asks for the packages of pyproject.toml and of its extra `lab`, in the same versions."""
    environment = yaml.safe_load(text("environment.yml"))["dependencies"]
    pip = next(item["pip"] for item in environment if isinstance(item, dict))
    conda = [Requirement(item) for item in environment if isinstance(item, str) and item != "pip"]
    listed = {r.name: str(r.specifier) for r in [*conda, *(Requirement(p) for p in pip if not p.startswith("-e"))]}

    project = PROJECT["project"]
    asked = [Requirement(d) for d in [*project["dependencies"], *project["optional-dependencies"]["lab"]]]
    expected = {CONDA_NAMES.get(r.name, r.name): str(r.specifier) for r in asked}
    assert listed == {**expected, "python": project["requires-python"]}
    assert {Requirement(p).name for p in pip if not p.startswith("-e")} == PYPI_ONLY
    assert "-e ." in pip


def test_dependencies_stand_in_alphabetical_order() -> None:
    """A list one can read down: no dependency hides out of order."""
    names = [Requirement(d).name for d in PROJECT["project"]["dependencies"]]
    assert names == sorted(names)


def test_the_changelog_begins_with_this_version() -> None:
    """The newest entry of the changelog is the version that is being built."""
    versions = re.findall(r"^## \[(.+?)\]", text("CHANGELOG.md"), flags=re.MULTILINE)
    assert versions[0] == PROJECT["project"]["version"]


# --- public names ---------------------------------------------------------------------------------------------------


def test_public_names_are_these() -> None:
    """A name that joins or leaves the package does so on purpose."""
    assert lifecircle.__all__ == [
        "LifecircleError",
        "Raster",
        "Study",
        "analyse",
        "compare",
        "load",
        "mapbook",
        "network",
        "normalise",
        "pipeline",
        "publish",
        "run",
        "sample_town",
        "scenario",
        "schema",
        "standards",
        "what_if",
    ]
    assert dir(lifecircle) == sorted(lifecircle.__all__)
    assert all(getattr(lifecircle, name) is not None for name in lifecircle.__all__)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    """Stages load when they are first used, and a misspelt one is said as Python says it."""
    with pytest.raises(AttributeError, match="has no attribute 'analyze'"):
        _ = lifecircle.analyze  # type: ignore[attr-defined]


def test_importing_the_package_imports_nothing_heavy(tmp_path: Path) -> None:
    """`import lifecircle` leaves maps, compilers, validators and file formats for when they are needed."""
    heavy = (
        *("exactextract", "folium", "matplotlib", "numba", "openpyxl", "osmium", "osmnx", "pandera"),
        *("pydantic", "rasterio", "scipy", "typer"),
    )
    code = "import json, sys, lifecircle; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    assert set(heavy).isdisjoint(python(code, cwd=tmp_path))


def modules() -> list[str]:
    names = [module.name for module in pkgutil.walk_packages(lifecircle.__path__, "lifecircle.")]
    return [name for name in names if "._" not in name]


def public(module: ModuleType) -> dict[str, Any]:
    """Functions and classes that a module defines, and the public functions of those classes."""
    own = {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
    }
    for name, value in list(own.items()):
        if inspect.isclass(value):
            members = {f"{name}.{m}": f for m, f in vars(value).items() if not m.startswith("_")}
            own |= {m: f for m, f in members.items() if inspect.isfunction(f) or isinstance(f, property)}
    return own


@pytest.mark.parametrize("name", modules())
def test_everything_public_has_a_docstring(name: str) -> None:
    """Each module, and each public function, class and method in it, says what it is."""
    module = importlib.import_module(name)
    assert (module.__doc__ or "").strip()
    silent = [what for what, value in public(module).items() if not (inspect.getdoc(value) or "").strip()]
    assert silent == []


def test_every_public_function_of_a_stage_shows_an_example() -> None:
    """What load, normalise, network and standards export, and all of analyse, comes with an example that is run."""
    functions = {
        f"{stage.__name__}.{name}": getattr(stage, name)
        for stage in (load, normalise, network, standards)
        for name in stage.__all__
        if inspect.isfunction(getattr(stage, name))
    }
    for theme in modules():
        if theme.startswith("lifecircle.analyse."):
            own = public(importlib.import_module(theme))
            functions |= {f"{theme}.{name}": value for name, value in own.items() if inspect.isfunction(value)}
    assert len(functions) > 15
    assert [name for name, function in functions.items() if ">>>" not in (function.__doc__ or "")] == []


# --- the README -----------------------------------------------------------------------------------------------------


def test_ci_runs_the_commands_of_the_readme() -> None:
    """Both READMEs give the two commands as they are, and .ci/run runs those: the second, then the first."""
    for name in READMES:
        assert [b.strip() for b in blocks(name, "bash")][:2] == [FIRST, SECOND]
    # What .ci/run adds: the room's own programs, silence, time, and folders it throws away.
    plain = re.sub(r'"\$room/\w+/bin/"?(\w+)"?|"\$room/\w+/bin/(\w+)"', lambda m: m[1] or m[2], text(".ci/run"))
    plain = plain.replace('"$room/clone"', ".").replace(" --quiet", "").replace(' --out "$room/demo-out"', "")
    lines = [line.removeprefix("time ") for line in plain.splitlines()]
    steps = [*SECOND.split(" && "), *FIRST.split(" && ")]
    assert [line for line in lines if line in steps] == steps


def test_the_readmes_are_in_step() -> None:
    """English and Chinese README have the same outline, commands, example, tables and pictures."""
    english, chinese = (text(name) for name in READMES)

    def shape(page: str) -> list[str]:
        page = re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE)
        return [m[1] if m[1] else "|" for m in re.finditer(r"^(?:(#+) |\|)", page, flags=re.MULTILINE)]

    assert shape(english) == shape(chinese)
    for language in ("bash", "python", "toml"):
        assert len(blocks(READMES[0], language)) == len(blocks(READMES[1], language))
    assert blocks(READMES[0], "bash")[:2] == blocks(READMES[1], "bash")[:2]
    assert blocks(READMES[0], "python") == blocks(READMES[1], "python")
    assert max(len(page.splitlines()) for page in (english, chinese)) <= 200


@pytest.mark.slow
def test_the_example_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first example, at most five lines, prints gaps and where the map is; the second goes on from it to areas and a scenario."""
    example, more = blocks("README.md", "python")
    assert len(example.strip().splitlines()) <= 5
    assert len(more.strip().splitlines()) <= 7
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "residents_left_out" in printed
    assert str(names["run"].map) in printed
    assert names["run"].map.stat().st_size > 0
    exec(compile(more, "README.md", "exec"), names)
    assert names["areas"]["limit_min"].tolist() == [5, 10, 15]
    assert names["areas"]["area_m2"].is_monotonic_increasing
    assert "residents_gained" in capsys.readouterr().out


def committed() -> list[Path]:
    """The files under version control, and those about to be."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is not a git working copy")
    command = ["git", "-c", "core.quotepath=off", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode("utf-8")
    return sorted(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def test_links_lead_somewhere() -> None:
    """Every relative link of a Markdown page names a file that is there, and no picture weighs more than 400 kB."""
    pages = [path for path in committed() if path.suffix == ".md"]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))]
    local = [(page, page.parent / link) for page, link in links if "://" not in link]
    assert [f"{page.name}: {target.name}" for page, target in local if not target.exists()] == []
    assert [t.name for _, t in local if t.suffix == ".png" and t.stat().st_size > 400_000] == []


def test_nothing_committed_names_a_machine() -> None:
    """No file holds an absolute path of the machine it was made on, or the address of a package registry."""
    # Put together here, so that this file does not find itself.
    traces = re.compile("|".join([r"(?<![\w./$}])/wo" + r"rk/", "files.python" + "hosted", r"pypi\.org/si" + "mple"]))
    found = [
        path.relative_to(ROOT).as_posix()
        for path in committed()
        if traces.search(path.read_bytes().decode("utf-8", errors="replace"))
    ]
    assert found == []


# --- the package as it is installed ------------------------------------------------------------------------------------


def test_the_sample_town_of_an_editable_install_is_the_one_in_data() -> None:
    """In a working copy `sample_town` is data/sample_town itself."""
    assert lifecircle.sample_town() == ROOT / "data" / "sample_town"


@pytest.mark.slow
def test_the_wheel_carries_the_sample_town(tmp_path: Path) -> None:
    """The wheel holds every file of the sample town and of the package and the notebooks; installed elsewhere, it finds and reads them."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT)],
        check=True,
        cwd=tmp_path,
    )
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    raw = {path for path in committed() if path.is_relative_to(ROOT / "data" / "sample_town")}
    assert {f"lifecircle/{path.relative_to(ROOT / 'data').as_posix()}" for path in raw} <= inside
    code = {path for path in committed() if path.is_relative_to(ROOT / "src")}
    assert {path.relative_to(ROOT / "src").as_posix() for path in code} <= inside
    notes = {path for path in committed() if path.is_relative_to(ROOT / "notebooks")}
    assert {name for name in inside if name.endswith(".ipynb")} == {
        f"lifecircle/notebooks/{path.name}" for path in notes
    }
    assert not any(name.endswith(".html") or "/tests/" in name for name in inside)

    site = tmp_path / "site"
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--no-index", "--target", str(site), str(wheel)],
        check=True,
        cwd=tmp_path,
    )
    told = python(
        "import json, lifecircle; from lifecircle import lab, load, standards\n"
        "town = lifecircle.sample_town()\n"
        "print(json.dumps([lifecircle.__file__, str(town), load.recipe.read(town).name, len(standards.tables()),"
        " str(lab.notebooks())]))",
        cwd=tmp_path,
        path=site,
    )
    assert Path(told[0]).is_relative_to(site)
    assert Path(told[1]) == site / "lifecircle" / "sample_town"
    assert told[2] == "云溪县城（虚构）"
    assert told[3] == len(standards.tables())
    assert Path(told[4]) == site / "lifecircle" / "notebooks"


@pytest.mark.slow
def test_stages_import_only_what_comes_before_them() -> None:
    """The contracts on imports in pyproject.toml are kept."""
    command = shutil.which("lint-imports", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert command is not None, "import-linter is part of the test extra"
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout
    assert len(PROJECT["tool"]["importlinter"]["contracts"]) >= 3


@pytest.mark.slow
def test_every_command_says_what_it_does() -> None:
    """`--help` of each command ends well, and each is described in both READMEs."""
    from typer.testing import CliRunner

    from lifecircle.cli import app

    names = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    assert sorted(names) == ["atlas", "check", "compare", "demo", "export", "init", "lab", "report", "run", "standards"]
    for name in names:
        assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0
        assert all(f"lifecircle {name}" in text(page) for page in READMES)
