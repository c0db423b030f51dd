"""What QGIS is given: styles inside the GeoPackage and a project, read back as XML and, where it is installed, by QGIS itself."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from published_town import HOSTILE

from lifecircle.errors import OutputError
from lifecircle.publish import geopackage, qgis, symbols

PYTHON = "/usr/bin/python3"
LOOK = Path(__file__).with_name("qgis_look.py")
CRS = 4547


def has_qgis() -> bool:
    if not Path(PYTHON).exists():
        return False
    return (
        subprocess.run([PYTHON, "-c", "import qgis.core"], capture_output=True, env=bare(), check=False).returncode == 0
    )


def bare() -> dict[str, str]:
    """The environment without this Python's modules, and without a screen."""
    keep = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL"))}
    return {**keep, "QT_QPA_PLATFORM": "offscreen"}


@pytest.fixture(scope="module")
def results() -> dict[str, gpd.GeoDataFrame | pd.DataFrame]:
    """Parcels of three classes, homes of two shares, and a table without geometry."""
    shapes = [shapely.box(500_000 + 100 * k, 4_163_000, 500_090 + 100 * k, 4_163_090) for k in range(4)]
    land = gpd.GeoDataFrame(
        {
            "name": pd.array([HOSTILE, "乙" * 300, "\x07", None], dtype="str"),
            "candidate": ["candidate", "not candidate", "a class nobody listed", "candidate"],
            "land_use": pd.array(["1001", "070102", None, "1001"], dtype="str"),
            "land_use_edition": pd.array(["yonghai_2023"] * 4, dtype="str"),
            "area_m2": [8100.0] * 4,
        },
        index=pd.Index(["P1", "P2", "P3", "P4"], name="parcel_id"),
        geometry=shapes,
        crs=CRS,
    )
    homes = gpd.GeoDataFrame(
        {"completeness_15": [0.1, 0.9, None, 0.5]},
        index=pd.Index(["H1", "H2", "H3", "H4"], name="home_id"),
        geometry=[shape.centroid for shape in shapes],
        crs=CRS,
    )
    return {"land": land, "coverage_homes": homes, "land_rules": pd.DataFrame({"rule": ["L1"]})}


@pytest.fixture(scope="module")
def folder(results: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both GeoPackages with their styles and the project, as a run leaves them."""
    out = tmp_path_factory.mktemp("gis")
    streets = gpd.GeoDataFrame(
        {"name": ["府前街"]},
        index=pd.Index(["S1"], name="street_id"),
        geometry=[shapely.LineString([(500_000, 4_163_000), (500_400, 4_163_000)])],
        crs=CRS,
    )
    tables = {"streets": streets}
    geopackage.write(tables, out / "inventory.gpkg", styles=qgis.styles(tables))
    geopackage.write(results, out / "results.gpkg", styles=qgis.styles(results))
    qgis.write(tables, results, out / "results.qgs", title="青川 <县>", crs=streets.crs)
    return out


def style(folder: Path, layer: str, name: str) -> ET.Element:
    table = pyogrio.read_dataframe(folder / "results.gpkg", layer="layer_styles")
    row = table[(table["f_table_name"] == layer) & (table["styleName"] == name)]
    return ET.fromstring(row["styleQML"].iloc[0].split("\n", 1)[1])


def test_every_layer_with_geometry_has_a_style_in_both_languages(folder: Path) -> None:
    """A row a layer and language, one default each, in the study's language; a table without geometry has none."""
    table = pyogrio.read_dataframe(folder / "results.gpkg", layer="layer_styles")
    assert set(table["f_table_name"]) == {"land", "coverage_homes"}
    assert table.groupby("f_table_name")["useAsDefault"].sum().tolist() == [1, 1]
    assert set(table[table["useAsDefault"].astype(bool)]["styleName"]) == {"中文"}
    assert {"中文", "English", "中文 用地", "English land use"} == set(table["styleName"])


def test_classes_are_those_present_in_the_colours_of_the_map(folder: Path) -> None:
    """Candidates and non-candidates by their words and colours, then a class for what nobody listed."""
    root = style(folder, "land", "中文")
    said = {entry.get("value"): entry.get("label") for entry in root.iter("category")}
    assert said == {"candidate": "低效用地候选", "not candidate": "非候选", "": "其他或未知"}
    fills = [option.get("value") for option in root.iter("Option") if option.get("name") == "color"]
    red = symbols.CANDIDATES["candidate"][2]["c"]
    assert fills[0].split(",")[:3] == [str(int(red[k : k + 2], 16)) for k in (1, 3, 5)]


def test_land_use_has_official_colours(folder: Path) -> None:
    """The second style of land: each code with its official colour, 1001 (#BB9674) and 0701 (#FFFF2D), and one for codes not known."""
    root = style(folder, "land", "中文 用地")
    assert [entry.get("label") for entry in root.iter("category")] == [
        "070102 城镇住宅用地",
        "1001 工业用地",
        "地类未知",
    ]
    fills = [option.get("value") for option in root.iter("Option") if option.get("name") == "color"]
    assert [fill.rsplit(",", 1)[0] for fill in fills] == ["255,255,45", "187,150,116", "255,255,255"]


def test_fields_have_aliases_and_codes_have_words(folder: Path) -> None:
    """Aliases with their unit, in both languages, and the attribute table shows words for codes."""
    zh, en = (
        {alias.get("field"): alias.get("name") for alias in style(folder, "land", name).iter("alias")}
        for name in ("中文", "English")
    )
    assert (zh["parcel_id"], zh["area_m2"]) == ("地块编号", "采用面积（平方米）")
    assert en["parcel_id"] == "Parcel id"
    words = next(f for f in style(folder, "land", "中文").iter("field") if f.get("name") == "candidate")
    assert ("低效用地候选", "candidate") in [(o.get("name"), o.get("value")) for o in words.iter("Option")]


def test_the_same_bytes_each_time(folder: Path, results: dict[str, Any], tmp_path: Path) -> None:
    """Styles and project do not know the clock: written again they are the same, and the project holds no absolute path."""
    geopackage.write(results, tmp_path / "results.gpkg", styles=qgis.styles(results))
    assert (tmp_path / "results.gpkg").read_bytes() == (folder / "results.gpkg").read_bytes()
    text = (folder / "results.qgs").read_text(encoding="utf-8")
    assert str(folder) not in text
    assert "./results.gpkg|layername=land" in text


def test_no_rows_and_nothing_known(tmp_path: Path, results: dict[str, Any]) -> None:
    """A layer of 0 rows has a plain style and no place in the project; a full disk or a missing folder is one sentence."""
    none = {"land": results["land"].iloc[:0], "coverage_homes": results["coverage_homes"]}
    assert (qgis.styles(none)["f_table_name"] == "land").sum() == 2
    qgis.write({}, none, tmp_path / "a.qgs", title="t", crs=results["land"].crs)
    assert "layername=land" not in (tmp_path / "a.qgs").read_text(encoding="utf-8")
    assert qgis.styles({"t": pd.DataFrame({"x": [1]})}).empty
    with pytest.raises(OutputError, match=r"a\.qgs cannot be written"):
        qgis.write({}, none, tmp_path / "no" / "a.qgs", title="t", crs=results["land"].crs)


@pytest.mark.slow
@pytest.mark.skipif(not has_qgis(), reason="QGIS is not installed")
def test_qgis_opens_project_and_styles(folder: Path, tmp_path: Path) -> None:
    """Every layer of the project is valid and drawn by classes, from another folder too; a layer alone opens in its default style."""
    moved = tmp_path / "elsewhere"
    shutil.copytree(folder, moved)
    asked = [
        PYTHON,
        str(LOOK),
        str(moved / "results.qgs"),
        str(moved / "results.gpkg"),
        str(tmp_path / "pic.png"),
        "land",
    ]
    said = subprocess.run(asked, capture_output=True, text=True, encoding="utf-8", timeout=120, env=bare(), check=True)
    found = json.loads(said.stdout.split("FOUND", 1)[1])
    assert (found["read"], found["title"], found["crs"], found["lost"]) == (True, "青川 <县>", "EPSG:4547", [])
    assert all(layer["valid"] for layer in found["layers"].values())
    land = found["layers"]["低效用地"]
    assert (land["rows"], land["renderer"]) == (4, "categorizedSymbol")
    assert land["classes"] == ["低效用地候选", "非候选", "其他或未知"]
    assert land["aliases"]["area_m2"] == "采用面积（平方米）"
    assert found["layers"]["住处步行时间"]["renderer"] == "graduatedSymbol"
    styled = found["styled"]["land"]
    assert styled["fine"]
    assert styled["colours"][0] == symbols.CANDIDATES["candidate"][2]["c"]
    assert styled["words"]["candidate"]
    assert (tmp_path / "pic.png").stat().st_size > 2000


def test_idle_assets_are_coloured_by_every_verdict_of_the_map() -> None:
    """The expression that colours idle assets gives each verdict the map knows, and no other."""
    asset = gpd.GeoDataFrame(
        {"uses_allowed": [0.0], "uses_conditional": [1.0]},
        index=pd.Index(["A1"], name="asset_id"),
        geometry=[shapely.Point(500_000, 4_163_000)],
        crs=CRS,
    )
    table = qgis.styles({"reuse_assets": asset}, language="en")
    root = ET.fromstring(table.set_index("styleName").loc["English", "styleQML"].split("\n", 1)[1])
    renderer = next(root.iter("renderer-v2"))
    assert set(re.findall(r"'([a-z ]+)'", str(renderer.get("attr")))) == set(symbols.VERDICTS)
    assert [entry.get("value") for entry in root.iter("category")] == list(symbols.VERDICTS)
