"""A town drawn with a pencil, carried through every stage to the map.

::

    y
    600 S  primary school
        |
    500 h11
        |
    300 h10
        |                                        | river (x = 930), no bridge
      0 h1 - h2 - h3 - h4K - h5 - h6 - ... - h9  |  ======  a street of its own
        0   100  200   300  400  500  ...    800 930 960  1200            h12 at (5000, 5000)

Ten people live in each of the twelve homes; everybody walks 1 m/s, 60 m a minute. K is a kindergarten (5-minute tier,
300 m), S a primary school (10-minute tier, 500 m). Community W reaches from x = -50 to 300, E from 300 to 850: h4
stands on their shared boundary and belongs to E, the smaller number; h12 belongs to neither.
"""

import json
import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from shapely import LineString, Point, box

from lifecircle import pipeline
from lifecircle.errors import OutputError

STUDY = """
name = "Pencil town"
crs = "EPSG:4547"
language = "en"
as_of = 2025-12-31
synthetic = true

[layers.areas]
source = "raw/town.gpkg"
layer = "areas"
[layers.homes]
source = "raw/town.gpkg"
layer = "homes"
[layers.facilities]
source = "raw/town.gpkg"
layer = "facilities"
[layers.streets]
source = "raw/town.gpkg"
layer = "streets"
[layers.barriers]
source = "raw/town.gpkg"
layer = "barriers"
[layers.parcels]
source = "raw/town.gpkg"
layer = "parcels"
set = { land_use_edition = "yonghai_2023" }
[layers.parks]
source = "raw/town.gpkg"
layer = "parks"
[layers.pipes]
source = "raw/town.gpkg"
layer = "pipes"
"""
# The sheet lies around the corner of its zone, as county towns' do.
X0, Y0 = 473_000.0, 4_163_000.0


def at(x: float, y: float) -> Point:
    return Point(X0 + x, Y0 + y)


def rectangle(x0: float, y0: float, x1: float, y1: float) -> object:
    return box(X0 + x0, Y0 + y0, X0 + x1, Y0 + y1)


def line(*points: tuple[float, float]) -> LineString:
    return LineString([at(x, y) for x, y in points])


def layers() -> dict[str, gpd.GeoDataFrame]:
    homes = [at(100 * i, 0) for i in range(9)] + [at(0, 300), at(0, 500), at(5000, 5000)]
    rows = {
        "areas": ({"area_id": ["W", "E"], "name": ["West", "East"], "level": "community"},
                  [rectangle(-50, -50, 300, 650), rectangle(300, -50, 850, 650)]),
        "homes": ({"home_id": [f"h{i}" for i in range(1, 13)], "residents": 10.0}, homes),
        "facilities": ({"facility_id": ["K", "S"], "kind": ["kindergarten", "primary_school"]},
                       [at(300, 0), at(0, 600)]),
        "streets": ({"street_id": ["main", "north", "beyond"]},
                    [line((0, 0), (900, 0)), line((0, 0), (0, 600)), line((960, 0), (1200, 0))]),
        "barriers": ({"barrier_id": ["river"], "kind": ["river"]}, [line((930, -500), (930, 500))]),
        "parcels": ({"parcel_id": ["P1", "P2", "P3"], "land_use": ["100101", "1001", "0701"], "far": [0.4, 1.2, 1.5],
                     "name": ["<img src=x onerror=alert(1)>", "Works", "Homes"]},
                    [rectangle(0, 10, 100, 110), rectangle(110, 10, 210, 110), rectangle(220, 10, 320, 110)]),
        "parks": ({"park_id": ["G"], "kind": ["park"]}, [rectangle(0, 120, 100, 220)]),
        "pipes": ({"pipe_id": ["a", "b"], "network": ["gas", "water"], "material": ["grey_iron", "pe"],
                   "built_year": [1990, 2015]}, [line((0, 5), (300, 5)), line((0, 6), (100, 6))]),
    }  # fmt: skip
    return {name: gpd.GeoDataFrame(columns, geometry=shapes, crs=4547) for name, (columns, shapes) in rows.items()}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> pipeline.Run:
    folder = tmp_path_factory.mktemp("place") / "pencil"
    (folder / "raw").mkdir(parents=True)
    for name, frame in layers().items():
        pyogrio.write_dataframe(frame, folder / "raw" / "town.gpkg", layer=name)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return pipeline.run(folder, out=folder.parent / "out")


def shares(town: pipeline.Run, method: str, kind: str) -> pd.Series:
    table = town.results["coverage_town"].set_index(["method", "kind"])
    return table.loc[(method, kind)]


def test_minutes_are_those_of_the_pencil(town: pipeline.Run) -> None:
    """h1 walks 300 m to K (5 min); h11 500 + 300 m (13.33 min); h9 500 m (8.33 min); h12 has no walking time."""
    minutes = town.results["coverage_homes"]["walk_min_kindergarten"]
    assert minutes[["h1", "h11", "h9"]].tolist() == pytest.approx([5, 800 / 60, 500 / 60])
    assert pd.isna(minutes["h12"])


def test_the_kindergarten_covers_seven_homes(town: pipeline.Run) -> None:
    """Within 300 m of K: h1 to h7, 70 people; h8 to h11 are left out (40); h12's 10 are not known."""
    for method in ("minutes", "metres"):
        row = shares(town, method, "kindergarten")
        assert (row["residents_covered"], row["residents_left_out"], row["residents_not_known"]) == (70, 40, 10)
        assert row["share_of_residents"] == pytest.approx(70 / 110)


def test_minutes_and_metres_of_the_school_differ(town: pipeline.Run) -> None:
    """In 10 minutes (600 m) S is reached from h1, h10 and h11; within the standard's 500 m from h10 and h11 only."""
    assert shares(town, "minutes", "primary_school")["residents_covered"] == 30
    assert shares(town, "metres", "primary_school")["residents_covered"] == 20


def test_a_kind_the_town_lacks_is_uncovered(town: pipeline.Run) -> None:
    """No food market stands in town: all 110 people who can walk anywhere are left out."""
    assert shares(town, "minutes", "food_market")["residents_left_out"] == 110


def test_the_home_on_the_boundary_is_counted_once(town: pipeline.Run) -> None:
    """W holds h1 to h3, h10 and h11; E holds h4 to h9; h12 is outside: 50, 60 and 10 people."""
    table = town.results["coverage_by_area"]
    rows = table[(table["method"] == "minutes") & (table["kind"] == "kindergarten")]
    assert rows["residents"].tolist() == [60, 50, 10]
    assert rows["area_id"].tolist()[:2] == ["E", "W"]


def test_land_parks_and_pipes_follow_their_rules(town: pipeline.Run) -> None:
    """P1's ratio of 0.4 makes it a candidate, P2's 1.2 does not; housing is judged by age, danger and vacancy, none of which anybody knows of P3;
    the park's 500 m reach all of P3; grey gas iron is on the renewal list.
    """
    assert town.results["land"]["candidate"].tolist() == ["candidate", "not candidate", "not known"]
    assert town.results["park_land"]["share_C01"].tolist() == [1.0]
    assert town.results["pipes_screen"]["renewal"].tolist() == ["on the list", "not on the list"]
    assert town.results["pipes_length"]["length_m"].tolist() == [300, 100]


def test_rows_are_conserved_and_said_in_the_manifest(town: pipeline.Run) -> None:
    """Every layer's rows read are kept or rejected, and the manifest says how many."""
    manifest = json.loads((town.out / "manifest.json").read_text(encoding="utf-8"))
    said = {row["layer"]: (row["read"], row["kept"], row["rejected"]) for row in manifest["layers"] if row["read"]}
    assert said["homes"] == (12, 12, 0)
    assert all(read == kept + rejected for read, kept, rejected in said.values())


def test_the_set_is_whole_and_the_hostile_name_is_text(town: pipeline.Run) -> None:
    """Layers, tables and map are there, and the parcel's name stands in the page as text."""
    for name in ("inventory.gpkg", "results.gpkg", "maps/overview.html", "tables/coverage.xlsx", "tables/land.xlsx"):
        assert (town.out / name).stat().st_size > 0
    assert "<img src=x" not in Path(town.map).read_text(encoding="utf-8")


def test_a_second_run_writes_the_same_bytes(town: pipeline.Run, tmp_path: Path) -> None:
    """Only run.log may differ between two runs of the same study."""
    source = town.out.parent / "pencil"
    again = pipeline.run(source, out=tmp_path / "again")
    files = json.loads((town.out / "manifest.json").read_text(encoding="utf-8"))["files"]
    differing = [f for f in files if (town.out / f).read_bytes() != (again.out / f).read_bytes()]
    assert set(differing) <= {"run.log"}


def test_one_theme_alone_leaves_the_same_set(town: pipeline.Run, tmp_path: Path) -> None:
    """Computing land anew on unchanged inputs ends in the bytes of the whole run; without a whole run it says so."""
    source = town.out.parent / "pencil"
    out = shutil.copytree(town.out, tmp_path / "out")
    before = {f: (out / f).read_bytes() for f in ("results.gpkg", "manifest.json", "maps/overview.html")}
    pipeline.run(source, out=out, theme="land")
    assert {f: (out / f).read_bytes() for f in before} == before
    with pytest.raises(ValueError, match="whole run"):
        pipeline.run(source, out=tmp_path / "elsewhere", theme="land")


def test_a_theme_on_results_that_are_not_whole_says_so(town: pipeline.Run, tmp_path: Path) -> None:
    """Without its results.gpkg the last set cannot be kept: one sentence, and what is left stays as it is."""
    source = town.out.parent / "pencil"
    out = shutil.copytree(town.out, tmp_path / "out")
    (out / "results.gpkg").unlink()
    with pytest.raises(OutputError, match="not whole"):
        pipeline.run(source, out=out, theme="land")
    assert (out / "maps" / "overview.html").is_file()


def test_streets_nobody_may_walk_leave_out_coverage_only(town: pipeline.Run, tmp_path: Path) -> None:
    """With every street marked not walkable, coverage is left out with the reason and the other themes are there."""
    folder = tmp_path / "closed"
    shutil.copytree(town.out.parent / "pencil", folder)
    text = (folder / "study.toml").read_text(encoding="utf-8")
    closed = text.replace('layer = "streets"\n', 'layer = "streets"\nset = { walkable = false }\n')
    (folder / "study.toml").write_text(closed, encoding="utf-8")
    result = pipeline.run(folder, out=tmp_path / "out")
    assert set(result.skipped) == {"coverage", "reuse"}
    assert "walk" in result.skipped["coverage"]
    assert "land" in result.results
