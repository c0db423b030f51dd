"""GeoPackages: the same bytes each time, and what was missing is NULL."""

import sqlite3
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from lifecircle import schema
from lifecircle.errors import OutputError
from lifecircle.publish import geopackage


@pytest.fixture
def mixed() -> gpd.GeoDataFrame:
    """Three rows: a square, two squares in one, nothing; the middle row misses every value."""
    return gpd.GeoDataFrame(
        {
            "名称": pd.array(["甲", None, "乙"], dtype="str"),
            "vacant": pd.array([True, None, False], dtype="boolean"),
            "far": [1.5, np.nan, 0.0],
            "floors": pd.array([3, None, 1], dtype="Int64"),
            "supplied": pd.to_datetime(["2020-02-29", None, "2021-05-06"]),
            "seen": pd.to_datetime(["2020-02-29 05:00", None, "2021-05-06 00:00"]),
            "use": pd.Categorical(["x", None, "y"]),
        },
        index=pd.Index(["p1", "p2", "p3"], name="parcel_id"),
        geometry=[shapely.box(0, 0, 1, 1), shapely.MultiPolygon([shapely.box(2, 2, 3, 3)]), None],
        crs=4547,
    )


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_two_runs_write_the_same_bytes(tmp_path: Path, mixed: gpd.GeoDataFrame) -> None:
    """A GeoPackage written again a second later, over the first, has the same bytes."""
    path = tmp_path / "a.gpkg"
    written = []
    for _ in range(2):
        geopackage.write({"parcels": mixed, "usage": pd.DataFrame({"unit": ["m3"]})}, path)
        written.append(path.read_bytes())
        time.sleep(1.1)
    assert written[0] == written[1]


def test_the_date_of_gdal_is_put_back(tmp_path: Path, mixed: gpd.GeoDataFrame) -> None:
    """GDAL's fixed date holds only while a file is written, after an error too."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2011-11-11T11:11:11Z"})
    try:
        geopackage.write({"parcels": mixed}, tmp_path / "a.gpkg")
        assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") == "2011-11-11T11:11:11Z"
        with pytest.raises(OutputError):
            geopackage.write({"parcels": mixed}, tmp_path / "no" / "folder" / "a.gpkg")
        assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") == "2011-11-11T11:11:11Z"
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def test_source_date_epoch_decides_the_date(
    tmp_path: Path, mixed: gpd.GeoDataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The date in the contents table is SOURCE_DATE_EPOCH: 86400 seconds is the second day of 1970."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    geopackage.write({"parcels": mixed}, tmp_path / "a.gpkg")
    assert rows(tmp_path / "a.gpkg", "select last_change from gpkg_contents") == [("1970-01-02T00:00:00.000Z",)]


def test_missing_values_are_null(tmp_path: Path, mixed: gpd.GeoDataFrame) -> None:
    """Every missing value of every type is NULL in the file, and false, zero and text are not."""
    geopackage.write({"parcels": mixed}, tmp_path / "a.gpkg")
    columns = "parcel_id, 名称, vacant, far, floors, supplied, seen, use"
    assert rows(tmp_path / "a.gpkg", f"select {columns} from parcels") == [
        ("p1", "甲", 1, 1.5, 3, "2020-02-29", "2020-02-29T05:00:00", "x"),
        ("p2", None, None, None, None, None, None, None),
        ("p3", "乙", 0, 0.0, 1, "2021-05-06", "2021-05-06T00:00:00", "y"),
    ]
    assert rows(tmp_path / "a.gpkg", "select geom is null from parcels") == [(0,), (0,), (1,)]


def test_column_types_and_order(tmp_path: Path, mixed: gpd.GeoDataFrame) -> None:
    """The index comes first, and yes-or-no columns and dates have types of their own."""
    geopackage.write({"parcels": mixed}, tmp_path / "a.gpkg")
    types = [(name, kind) for _, name, kind, *_ in rows(tmp_path / "a.gpkg", "pragma table_info(parcels)")]
    assert types[2:] == [
        ("parcel_id", "TEXT"),
        ("名称", "TEXT"),
        ("vacant", "BOOLEAN"),
        ("far", "REAL"),
        ("floors", "INTEGER"),
        ("supplied", "DATE"),
        ("seen", "DATETIME"),
        ("use", "TEXT"),
    ]


def test_polygons_become_multipolygons_where_both_meet(tmp_path: Path, mixed: gpd.GeoDataFrame) -> None:
    """A layer with Polygon and MultiPolygon is a MultiPolygon layer of the same areas, with a spatial index."""
    path = tmp_path / "a.gpkg"
    geopackage.write({"parcels": mixed}, path)
    assert rows(path, "select geometry_type_name, srs_id from gpkg_geometry_columns") == [("MULTIPOLYGON", 4547)]
    back = pyogrio.read_dataframe(path, layer="parcels")
    assert back.geom_type.dropna().unique().tolist() == ["MultiPolygon"]
    assert back.area.tolist()[:2] == [1.0, 1.0]
    assert rows(path, "select count(*) from rtree_parcels_geom") == [(2,)]


def test_layers_keep_their_order_and_tables_their_rows(tmp_path: Path, mixed: gpd.GeoDataFrame) -> None:
    """Layers come in the order given, among them a table without geometry."""
    path = tmp_path / "a.gpkg"
    usage = pd.DataFrame({"quantity": [2.5]}, index=pd.Index(["u1"], name="usage_id"))
    geopackage.write({"z": mixed, "用量": usage, "a": mixed}, path)
    assert [name for (name,) in rows(path, "select table_name from gpkg_contents order by rowid")] == ["z", "用量", "a"]
    assert rows(path, "select usage_id, quantity from 用量") == [("u1", 2.5)]
    assert rows(path, "select data_type from gpkg_contents where table_name = '用量'") == [("attributes",)]


@pytest.mark.parametrize("name", ["parcels", "pipes", "usage", "assets"])
def test_empty_layers_keep_their_columns(tmp_path: Path, name: str) -> None:
    """A canonical layer of no rows is there with every column of its schema."""
    empty: pd.DataFrame = gpd.GeoDataFrame(geometry=[], crs=4547) if schema.TABLES[name].geometry else pd.DataFrame()
    geopackage.write({name: schema.conform(name, empty)}, tmp_path / "a.gpkg")
    names = {column for _, column, *_ in rows(tmp_path / "a.gpkg", f"pragma table_info({name})")}
    assert names >= {schema.TABLES[name].index, *schema.TABLES[name].columns}


def test_an_empty_polygon_layer_is_a_polygon_layer(tmp_path: Path) -> None:
    """Without rows the schema says what geometry a layer holds."""
    geopackage.write({"parcels": gpd.GeoDataFrame({"name": []}, geometry=[], crs=4547)}, tmp_path / "a.gpkg")
    assert rows(tmp_path / "a.gpkg", "select geometry_type_name from gpkg_geometry_columns") == [("MULTIPOLYGON",)]


def test_names_that_differ_only_in_case_are_refused(tmp_path: Path, mixed: gpd.GeoDataFrame) -> None:
    """SQLite knows no difference of case, so such names are refused with both of them in the message."""
    with pytest.raises(OutputError, match="'FAR'"):
        geopackage.write({"parcels": mixed.assign(FAR=1.0)}, tmp_path / "a.gpkg")
    with pytest.raises(OutputError, match="'A' and 'a'"):
        geopackage.write({"A": mixed, "a": mixed}, tmp_path / "a.gpkg")


def test_a_frame_is_not_written_into(tmp_path: Path, mixed: gpd.GeoDataFrame) -> None:
    """Writing leaves the caller's frame as it was."""
    before = mixed.copy()
    geopackage.write({"parcels": mixed}, tmp_path / "a.gpkg")
    pd.testing.assert_frame_equal(pd.DataFrame(mixed), pd.DataFrame(before))


def test_every_layer_of_a_town_comes_back(tmp_path: Path, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A whole town is read back with the same number of rows and the same extent a layer."""
    path = tmp_path / "town.gpkg"
    geopackage.write(layers, path)
    for name, frame in layers.items():
        back = pyogrio.read_dataframe(path, layer=name)
        assert len(back) == len(frame)
        np.testing.assert_allclose(back.total_bounds, frame.total_bounds, rtol=0, atol=1e-9)
