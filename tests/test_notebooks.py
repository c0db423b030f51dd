"""The notebooks are stored without outputs, run from any folder and end in what they promise."""

import base64
import gzip
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from lifecircle import load, normalise, pipeline

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
# On Windows pyzmq says that it serves the Proactor loop through a thread; nothing a notebook could change.
pytestmark = pytest.mark.filterwarnings("ignore:Proactor event loop does not implement:RuntimeWarning")


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_stored_without_outputs(path: Path) -> None:
    """No outputs, no execution counts, cell ids that say what the cell does, and the kernel that every Jupyter has."""
    notebook = read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert {cell.execution_count for cell in code} == {None}
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in ids)
    assert notebook.metadata.kernelspec.name == "python3"


def test_the_notebooks_are_these() -> None:
    """No notebook joins the folder without the tests below knowing of it."""
    assert [path.stem for path in NOTEBOOKS] == [
        "00_load_and_check",
        "01_coverage_gaps",
        "02_life_circle",
        "03_low_efficiency_land",
        "04_idle_assets",
        "05_pipes",
        "06_parks_and_streets",
        "07_maps",
        "08_atlas",
    ]


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("00_load_and_check", 15),
        ("01_coverage_gaps", 12),
        ("02_life_circle", 26),
        ("03_low_efficiency_land", 18),
        ("04_idle_assets", 20),
        ("05_pipes", 13),
        ("06_parks_and_streets", 14),
        ("07_maps", 9),
        ("08_atlas", 10),
    ],
)
def test_it_is_short(name: str, most: int) -> None:
    """A planner meets few cells, none longer than a screen, and one line that names the place."""
    notebook = read(FOLDER / f"{name}.ipynb")
    assert len(notebook.cells) <= most
    assert max(len(cell.source.splitlines()) for cell in notebook.cells) <= 32
    lines = [line for cell in notebook.cells for line in cell.source.splitlines()]
    assert sum(line.startswith("place = ") for line in lines) == 1


def executed(name: str, tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """A notebook, executed in an empty folder that it leaves empty."""
    from nbclient import NotebookClient

    here = tmp_path_factory.mktemp("elsewhere")
    before = {path: path.stat().st_mtime_ns for path in FOLDER.rglob("*")}
    notebook = read(FOLDER / f"{name}.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))  # no history in the user's own profile
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(here)}}).execute()
    assert not list(here.iterdir()), "the notebook left files behind"
    assert {path: path.stat().st_mtime_ns for path in FOLDER.rglob("*")} == before
    return notebook


@pytest.fixture(scope="module")
def coverage_gaps(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """Notebook 01, executed."""
    return executed("01_coverage_gaps", tmp_path_factory)


@pytest.fixture(scope="module")
def life_circle(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """Notebook 02, executed; it stops where one of its own checks fails."""
    return executed("02_life_circle", tmp_path_factory)


@pytest.fixture(scope="module")
def low_efficiency_land(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """Notebook 03, executed; it stops where one of its own checks fails."""
    return executed("03_low_efficiency_land", tmp_path_factory)


@pytest.fixture(scope="module")
def idle_assets(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """Notebook 04, executed; it stops where one of its own checks fails."""
    return executed("04_idle_assets", tmp_path_factory)


@pytest.fixture(scope="module")
def load_and_check(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """Notebook 00, executed; it stops where one of its own checks fails."""
    return executed("00_load_and_check", tmp_path_factory)


@pytest.fixture(scope="module")
def pipes(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """Notebook 05, executed; it stops where one of its own checks fails."""
    return executed("05_pipes", tmp_path_factory)


@pytest.fixture(scope="module")
def parks_and_streets(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """Notebook 06, executed; it stops where one of its own checks fails."""
    return executed("06_parks_and_streets", tmp_path_factory)


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """Notebook 07, executed; it stops where one of its own checks fails."""
    return executed("07_maps", tmp_path_factory)


@pytest.fixture(scope="module")
def layers() -> pipeline.Layers:
    """The coverage layers of a whole run of the sample town."""
    study, _ = normalise.place(load.recipe.read(pipeline.sample_town()))
    return pipeline.analyse(study, only="coverage")[0]


def shown(notebook: nbformat.NotebookNode, cell: str) -> str:
    output = next(c for c in notebook.cells if c.id == cell).outputs[-1]
    return str(output.data["text/html"])


def table(notebook: nbformat.NotebookNode, cell: str) -> pd.DataFrame:
    """The table a cell shows, every value as text."""
    page = shown(notebook, cell)
    headings = re.findall(r"<th>(.*?)</th>", page.split("</thead>")[0])
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in page.split("</thead>")[1].split("</tr>")]
    return pd.DataFrame([row for row in rows if row], columns=[heading for heading in headings if heading])


@pytest.mark.slow
def test_coverage_gaps_ends_in_the_map_and_the_gap_table(coverage_gaps: nbformat.NotebookNode) -> None:
    """The last two cells show the map, whole and inside the page, and the gap table."""
    assert [cell.id for cell in coverage_gaps.cells[-2:]] == ["map", "gaps"]
    page = shown(coverage_gaps, "map")
    assert "srcdoc=" in page
    assert "云溪县城（虚构）" in page
    assert {"rank", "社区", "设施", "residents_left_out"} <= set(table(coverage_gaps, "gaps"))


@pytest.mark.slow
def test_coverage_gaps_gives_the_gaps_of_a_run(coverage_gaps: nbformat.NotebookNode, layers: pipeline.Layers) -> None:
    """The twenty gaps on the page are the first twenty of a whole run, in its order and with its people."""
    page, run = table(coverage_gaps, "gaps"), layers["gaps"].head(20)
    assert page["rank"].astype(int).tolist() == list(range(1, 21))
    assert page["社区"].tolist() == run["name"].tolist()
    assert page["residents_left_out"].astype(float).tolist() == pytest.approx(run["residents_left_out"], abs=1)


@pytest.mark.slow
def test_coverage_gaps_gives_the_shares_of_a_run(coverage_gaps: nbformat.NotebookNode, layers: pipeline.Layers) -> None:
    """The town's shares on the page are those of a whole run."""
    town = layers["coverage_town"]
    run = town[town["required"] & (town["method"] == "minutes")].sort_values(["tier", "share_of_residents"])
    page = table(coverage_gaps, "coverage")
    assert page["tier"].astype(int).tolist() == run["tier"].tolist()
    assert page["share_of_residents"].astype(float).tolist() == pytest.approx(run["share_of_residents"], abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *("load_and_check", "coverage_gaps", "life_circle", "low_efficiency_land", "idle_assets", "pipes"),
        *("parks_and_streets", "maps"),
    ],
)
def test_it_shows_no_warning(name: str, request: pytest.FixtureRequest) -> None:
    """Nothing is written to the error stream while a planner looks on."""
    cells = request.getfixturevalue(name).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert [output for output in outputs if output.get("name") == "stderr"] == []


@pytest.mark.slow
def test_every_step_of_life_circle_shows_something(life_circle: nbformat.NotebookNode) -> None:
    """Each code cell ends in a table or a map, and a map before and one after the scenario is whole and inside the page."""
    code = [cell.id for cell in life_circle.cells if cell.cell_type == "code"]
    pages = {cell: shown(life_circle, cell) for cell in code}
    assert [cell for cell in code if "srcdoc=" in pages[cell]] == ["map-of-gaps", "map"]
    assert all("<table" in pages[cell] for cell in code if not cell.startswith("map"))
    assert all("云溪县城（虚构）" in pages[cell] for cell in ("map-of-gaps", "map"))


@pytest.mark.slow
def test_life_circle_parts_a_walk_that_adds_up(life_circle: nbformat.NotebookNode) -> None:
    """The three parts of one home's walk add up to its minutes, and a minute is sixty metres at 1 m/s."""
    page = table(life_circle, "minutes").astype(float)
    assert page["walk_min"].iloc[:3].sum() == pytest.approx(page["walk_min"].iloc[3], abs=0.02)
    assert page["metres"].tolist() == pytest.approx((page["walk_min"] * 60).tolist(), abs=0.4)


@pytest.mark.slow
def test_life_circle_counts_the_same_people_in_polygon_and_table(
    life_circle: nbformat.NotebookNode, layers: pipeline.Layers
) -> None:
    """The people in the bands of the kind are those of a whole run's share, but for homes along the outline; bands grow with the limit."""
    page = table(life_circle, "areas")
    numbers = page.drop(columns=page.columns[0]).astype(float)
    assert numbers["limit_min"].tolist() == [5, 10, 15] * 2
    assert all(numbers["area_m2"].iloc[part].is_monotonic_increasing for part in (slice(0, 3), slice(3, 6)))
    assert numbers["residents_in_polygon"].tolist() == pytest.approx(numbers["residents_by_minutes"].tolist(), rel=0.05)
    town = layers["coverage_town"]
    run = town[(town["kind"] == "kindergarten") & (town["tier"] == 5) & (town["method"] == "minutes")]
    assert numbers["residents_by_minutes"].iloc[0] == pytest.approx(run["residents_covered"].iloc[0], abs=0.5)


@pytest.mark.slow
def test_life_circle_adds_up_who_gains(life_circle: nbformat.NotebookNode) -> None:
    """Before and gained less lost is after, in every community that gains, and somebody does."""
    page = table(life_circle, "gains")
    before, gained, lost, after = (page[f"residents_{w}"].astype(float) for w in ("before", "gained", "lost", "after"))
    assert (gained > 0).all()
    assert (before + gained - lost).tolist() == pytest.approx(after.tolist(), abs=0.002)


@pytest.mark.slow
def test_every_step_of_low_efficiency_land_shows_something(low_efficiency_land: nbformat.NotebookNode) -> None:
    """Each code cell ends in a table, and the last one in the map, whole and inside the page, with the blocks on it."""
    code = [cell.id for cell in low_efficiency_land.cells if cell.cell_type == "code"]
    pages = {cell: shown(low_efficiency_land, cell) for cell in code}
    assert [cell for cell in code if "srcdoc=" in pages[cell]] == ["map"]
    assert all("<table" in pages[cell] for cell in code if cell != "map")
    held = re.search(r"lifecircle-data&quot;&gt;([A-Za-z0-9+/=]+)&lt;", pages["map"])
    assert held is not None
    assert "云溪县城（虚构）" in pages["map"]
    assert b"B001" in gzip.decompress(base64.b64decode(held[1]))


@pytest.mark.slow
def test_low_efficiency_land_gives_the_parcels_of_the_screen(low_efficiency_land: nbformat.NotebookNode) -> None:
    """One row a criterion for the parcel's land, and cases that add up to the list: listed + added − removed."""
    why = table(low_efficiency_land, "evidence")
    assert why["rule"].is_unique
    assert set(why["answer"]) <= {"yes", "no", "not known", "indicative yes", "indicative no"}
    cases = table(low_efficiency_land, "cases")[["candidates", "added", "removed"]].astype(float)
    assert (cases["candidates"] - cases["added"] + cases["removed"]).nunique() == 1


@pytest.mark.slow
def test_every_step_of_idle_assets_shows_something(idle_assets: nbformat.NotebookNode) -> None:
    """Each code cell ends in a table, the last in the map, whole and inside the page."""
    code = [cell.id for cell in idle_assets.cells if cell.cell_type == "code"]
    pages = {cell: shown(idle_assets, cell) for cell in code}
    assert [cell for cell in code if "srcdoc=" in pages[cell]] == ["map"]
    assert all("<table" in pages[cell] for cell in code if cell != "map")


@pytest.mark.slow
def test_idle_assets_promises_what_coverage_gives(idle_assets: nbformat.NotebookNode) -> None:
    """Now and newly reached make what is covered with the best asset; the plan's sum by community is that of its last site."""
    page = table(idle_assets, "check")["residents"].astype(float)
    assert page.iloc[0] + page.iloc[2] == pytest.approx(page.iloc[1], abs=0.2)
    assert page.iloc[2] > 0
    plan = table(idle_assets, "sites")["residents_so_far"].astype(float).max()
    by_area = table(idle_assets, "who-gains").iloc[:, -1].astype(float).sum()
    assert by_area == pytest.approx(plan, abs=20)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["load_and_check", "pipes", "parks_and_streets"])
def test_every_step_shows_something(name: str, request: pytest.FixtureRequest) -> None:
    """Each code cell ends in a table, the last in the map, whole and inside the page."""
    notebook = request.getfixturevalue(name)
    code = [cell.id for cell in notebook.cells if cell.cell_type == "code"]
    pages = {cell: shown(notebook, cell) for cell in code}
    assert [cell for cell in code if "srcdoc=" in pages[cell]] == ["map"]
    assert all("<table" in pages[cell] for cell in code if cell != "map")
    assert "云溪县城（虚构）" in pages["map"]


@pytest.mark.slow
def test_load_and_check_counts_the_rows_of_the_files(load_and_check: nbformat.NotebookNode) -> None:
    """The parcels' row of the page says what the shapefile holds: 980 records by its own header."""
    page = table(load_and_check, "layers").set_index("layer")
    header = (pipeline.sample_town() / "raw" / "宗地.dbf").read_bytes()[:8]
    assert int(page.loc["parcels", "read"]) == int.from_bytes(header[4:8], "little")


@pytest.mark.slow
def test_pipes_adds_up_to_the_lengths_drawn(pipes: nbformat.NotebookNode) -> None:
    """Kilometres by verdict and by network are those of the lines as they are drawn."""
    study, _ = normalise.place(load.recipe.read(pipeline.sample_town()))
    drawn = study.pipes.length.sum() / 1000
    told = [float(km) for km in re.findall(r"<td>([\d.]+)</td>", shown(pipes, "verdicts"))]
    assert sum(told) == pytest.approx(drawn, abs=1)


@pytest.mark.slow
def test_maps_shows_two_maps_and_the_panel(maps: nbformat.NotebookNode) -> None:
    """Two maps, whole and inside the page, and a widget whose first answer holds the drawing of the gaps."""
    assert all("srcdoc=" in shown(maps, cell) for cell in ("life-circle-map", "land-map"))
    panel = next(cell for cell in maps.cells if cell.id == "panel").outputs[-1]
    assert "application/vnd.jupyter.widget-view+json" in panel.data
    state = maps.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    texts = [str(model["state"].get("value", "")) for model in state.values()]
    assert any(text.startswith("<svg") and "data-gaps" in text for text in texts)


@pytest.mark.slow
def test_the_atlas_shows_sheets_and_a_chart(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Notebook 08, executed, ends in three sheets as pictures and a chart; it stops where one of its own checks fails."""
    cells = {cell.id: cell for cell in executed("08_atlas", tmp_path_factory).cells}
    for name in ("land-use", "low-efficiency", "pipes"):
        assert "image/png" in cells[name].outputs[-1].data
    assert "<svg" in cells["ages"].outputs[-1].data["image/svg+xml"]
