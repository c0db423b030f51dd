"""A scenario is read whole or refused whole, with every fault told at once."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from pyproj import CRS
from shapely import LineString, Point

from lifecircle import Study, sample_town, scenario, schema
from lifecircle.errors import CrsError, SourceError, StudyError
from test_pencil_town import at, layers, line

NAMES = {
    "homes": "home_id",
    "facilities": "facility_id",
    "streets": "street_id",
    "barriers": "barrier_id",
    "areas": "area_id",
}


def pencil(**more: Any) -> Study:
    """The pencil town with a closed gate in the river, and a side entrance of the school."""
    town = {name: schema.conform(name, layers()[name].set_index(index)) for name, index in NAMES.items()}
    gates = gpd.GeoDataFrame({"state": ["closed"]}, index=["g"], geometry=[at(930, 0)], crs=4547)
    doors = gpd.GeoDataFrame({"of_table": ["facilities"], "of_id": ["S"]}, index=["e"], geometry=[at(0, 590)], crs=4547)
    town |= {"gates": schema.conform("gates", gates), "entrances": schema.conform("entrances", doors)}
    town["homes"]["area_id"] = pd.Series(
        ["W"] * 3 + ["E"] * 6 + ["W"] * 2 + [None], index=town["homes"].index, dtype="str"
    )
    return Study(name="Pencil", crs=CRS(4547), as_of=date(2025, 12, 31), language="en", **(town | more))


def rows(*changes: tuple[Any, ...]) -> gpd.GeoDataFrame:
    """Changes as (action, table, id, values, geometry)."""
    frame = pd.DataFrame(list(changes), columns=["action", "table", "id", "values", "geometry"], dtype="object")
    frame["values"] = [json.dumps(v) if isinstance(v, dict) else v for v in frame["values"]]
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=4547)


def faults(changes: pd.DataFrame, study: Study | None = None) -> list[str]:
    """What is said of a scenario that is refused."""
    with pytest.raises(StudyError) as told:
        scenario.read(changes, study or pencil())
    return told.value.faults


def test_every_action_does_what_it_says() -> None:
    """Added, removed, moved, changed, opened: each row of the new study is what the scenario says, the old study as it was."""
    study = pencil()
    planned = scenario.read(
        rows(
            ("add", "facilities", None, {"kind": "nursery", "capacity": 60}, at(800, 0)),
            ("remove", "facilities", "K", None, None),
            ("move", "facilities", "S", None, at(100, 0)),
            ("open", "gates", "g", None, None),
            ("change", "homes", "h1", {"residents": 25}, None),
            ("add", "streets", "bridge", {"bridge": True, "layer": 1}, line((900, 0), (960, 0))),
            ("add", "homes", "h13", {"residents": 4}, at(50, 5)),
        ),
        study,
    )
    after = scenario.apply(study, planned)
    assert after.facilities["kind"].tolist() == ["primary_school", "nursery"]
    assert after.facilities["capacity"].iloc[1] == 60
    assert after.facilities.geometry["S"] == at(100, 0)
    assert after.gates["state"].tolist() == ["open"]
    assert after.homes.loc["h1", "residents"] == 25
    assert after.homes.loc["h13", ["residents", "area_id"]].tolist() == [4, "W"]
    assert bool(after.streets.loc["bridge", "bridge"])
    assert len(study.facilities) == 2
    assert study.gates["state"].tolist() == ["closed"]


def test_a_moved_facility_leaves_its_entrances_behind() -> None:
    """The school's side entrance goes when the school moves or is removed, and stays where the scenario moves it too."""
    study = pencil()
    moved = ("move", "facilities", "S", None, at(100, 0))
    assert scenario.apply(study, scenario.read(rows(moved), study)).entrances.empty
    gone = rows(("remove", "facilities", "S", None, None))
    assert scenario.apply(study, scenario.read(gone, study)).entrances.empty
    both = scenario.apply(study, scenario.read(rows(moved, ("move", "entrances", "e", None, at(90, 0))), study))
    assert both.entrances.geometry.tolist() == [at(90, 0)]


def test_all_faults_are_told_at_once_with_their_rows() -> None:
    """Eleven faulty rows give eleven sentences, in order, each with its row and what is wrong."""
    told = faults(
        rows(
            ("add", "facilities", "K", {"kind": "clinic"}, at(0, 0)),
            ("remov", "facilities", "K", None, None),
            ("move", "streets", "main", None, at(0, 0)),
            ("open", "gates", "gg", None, None),
            ("add", "facilities", None, {"kind": "nursry"}, at(0, 0)),
            ("close", "barriers", "river", None, None),
            ("add", "gates", "n", None, line((0, 0), (1, 1))),
            ("add", "facilities", "far", {"kind": "clinic"}, at(50_000, 0)),
            ("add", "entrances", "d", {"of_table": "facilities", "of_id": "zz"}, at(0, 0)),
            ("change", "gates", "g", {"state": "ajar", "colour": 1}, None),
            ("remove", "homes", None, None, None),
        )
    )
    for row, words in {
        1: "'K' already",
        2: "'remov' is not known; use add",
        3: "move does not fit streets",
        4: "no row 'gg'",
        5: "did you mean nursery",
        6: "close does not fit barriers",
        7: "not a point",
        8: "45 km from the town",
        9: "facilities 'zz', which is not there",
        10: "'ajar' cannot be understood",
        11: "has no id to remove",
    }.items():
        assert any(one.startswith(f"row {row}: ") and words in one for one in told), (row, told)
    assert any("no column 'colour'" in one for one in told)
    assert [int(one.split()[1].strip(":")) for one in told] == sorted(int(one.split()[1].strip(":")) for one in told)


def test_values_are_json_objects_with_known_numbers() -> None:
    """A list, broken JSON and a capacity that is no number are told; plain columns say the same as JSON."""
    study = pencil()
    told = faults(
        rows(
            ("add", "facilities", "a", "[1]", at(0, 0)),
            ("add", "facilities", "b", "{kind: clinic}", at(0, 0)),
            ("add", "facilities", "c", {"kind": "clinic", "capacity": "sixty"}, at(0, 0)),
        )
    )
    assert [one[:5] for one in told] == ["row 1", "row 2", "row 3"]
    assert "'sixty'" in told[2]
    plain = rows(("add", "facilities", "a", None, at(0, 0))).assign(kind="托儿所", capacity="60", fid=7)
    added = scenario.read(plain.drop(columns="values"), study).rows["facilities"].loc["a"]
    assert (added["kind"], added["capacity"]) == ("nursery", 60)


def test_one_thing_is_dealt_with_once() -> None:
    """A facility that is moved and removed is one row too many."""
    told = faults(rows(("remove", "facilities", "K", None, None), ("move", "facilities", "K", None, at(0, 0))))
    assert told == ["row 2: facilities 'K' is dealt with in row 1 already"]


def test_a_layer_without_the_columns_says_which_it_has() -> None:
    """No action and no id: both are named, with the columns there are; an empty layer is refused as well."""
    told = faults(gpd.GeoDataFrame({"what": ["add"]}, geometry=[at(0, 0)], crs=4547))
    assert any("no column action; it has what" in one for one in told)
    assert any("no column id" in one for one in told)
    assert "has no row" in faults(rows())[0]


def test_chinese_headings_and_words_in_any_format(tmp_path: Path) -> None:
    """动作, 表, 编号 and 取值 in GeoJSON, GeoPackage, shapefile and CSV say the same as the English layer does."""
    study = pencil()
    frame = gpd.GeoDataFrame(
        {"动作": ["新增", "关闭"], "表": ["设施", "大门"], "编号": ["n", "g"], "取值": ['{"类别": "幼儿园"}', None]},
        geometry=[at(100, 20), None],
        crs=4547,
    )
    for name in ("a.gpkg", "a.shp", "a.geojson"):
        known = frame.to_crs(4326) if name.endswith("geojson") else frame
        pyogrio.write_dataframe(known, tmp_path / name, encoding="UTF-8")
    table = pd.DataFrame(frame.drop(columns="geometry")).assign(x=[at(100, 20).x, None], y=[at(100, 20).y, None])
    table.to_csv(tmp_path / "a.csv", index=False, encoding="utf-8")
    degrees = frame.to_crs(4326).geometry
    table.assign(x=degrees.x, y=degrees.y, 坐标系="EPSG:4326").to_csv(tmp_path / "b.csv", index=False, encoding="utf-8")
    for name in ("a.gpkg", "a.shp", "a.geojson", "a.csv", "b.csv"):
        planned = scenario.read(tmp_path / name, study)
        assert planned.name == name[0], name
        assert planned.changes[["action", "table", "id"]].values.tolist() == [
            ["add", "facilities", "n"],
            ["close", "gates", "g"],
        ]
        added = planned.rows["facilities"].iloc[0]
        assert added["kind"] == "kindergarten"
        assert added.geometry.distance(at(100, 20)) < 0.01, name


def test_layers_of_points_and_lines_are_one_scenario(tmp_path: Path) -> None:
    """A GeoPackage with a layer of points, one of lines and one of something else: the two with actions are read together."""
    path = tmp_path / "plan.gpkg"
    pyogrio.write_dataframe(rows(("add", "facilities", "n", {"kind": "clinic"}, at(0, 0))), path, layer="points")
    pyogrio.write_dataframe(rows(("add", "streets", "b", None, line((900, 0), (960, 0)))), path, layer="lines")
    pyogrio.write_dataframe(gpd.GeoDataFrame({"x": [1]}, geometry=[at(0, 0)], crs=4547), path, layer="notes")
    assert scenario.read(path, pencil()).changes["table"].tolist() == ["facilities", "streets"]


def test_two_systems_are_refused(tmp_path: Path) -> None:
    """Layers, or rows of a table, in two systems are one fault that names both; degrees in a metric system are refused."""
    path = tmp_path / "plan.gpkg"
    one = rows(("add", "facilities", "n", {"kind": "clinic"}, at(0, 0)))
    pyogrio.write_dataframe(one, path, layer="points")
    pyogrio.write_dataframe(one.to_crs(4326), path, layer="others")
    with pytest.raises(StudyError, match="EPSG:4326, EPSG:4547"):
        scenario.read(path, pencil())
    table = (
        "action,table,id,kind,x,y,crs\nadd,facilities,a,clinic,1,2,EPSG:4547\nadd,facilities,b,clinic,1,2,EPSG:4326\n"
    )
    (tmp_path / "plan.csv").write_text(table, encoding="utf-8")
    with pytest.raises(StudyError, match="several coordinate systems"):
        scenario.read(tmp_path / "plan.csv", pencil())
    with pytest.raises(CrsError):
        scenario.read(rows(("add", "facilities", "n", {"kind": "clinic"}, Point(113.7, 37.6))), pencil())


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing file and a GeoPackage that is none are sentences of the reader."""
    with pytest.raises(SourceError, match=r"nowhere\.geojson"):
        scenario.read(tmp_path / "nowhere.geojson", pencil())
    (tmp_path / "broken.gpkg").write_bytes(b"no")
    with pytest.raises(SourceError, match=r"broken\.gpkg"):
        scenario.read(tmp_path / "broken.gpkg", pencil())


def test_a_scenario_of_another_study_is_not_applied() -> None:
    """Read for a study with K, applied to one without: refused with the id."""
    study = pencil()
    planned = scenario.read(rows(("remove", "facilities", "K", None, None)), study)
    with pytest.raises(StudyError, match="'K'"):
        scenario.apply(pencil(facilities=study.facilities.drop(index="K")), planned)


def test_faults_follow_the_language_of_the_study() -> None:
    """A Chinese study is told in Chinese, with the words it may write."""
    told = faults(rows(("remov", "facilities", "K", None, None)), replace(pencil(), language="zh"))
    assert told == ["第 1 行：动作“remov”不认识；可用：新增、删除、移动、修改、打开、关闭"]


def test_the_sample_scenario_names_what_it_changes() -> None:
    """The scenario that comes with the sample town has five rows, the bridge a line and the rest points or nothing."""
    text = (sample_town() / "scenarios" / "new_nursery_and_gate.geojson").read_text(encoding="utf-8")
    features = json.loads(text)["features"]
    assert [one["properties"]["动作"] for one in features] == ["新增", "删除", "移动", "打开", "新增"]
    assert LineString(features[4]["geometry"]["coordinates"]).length > 0
