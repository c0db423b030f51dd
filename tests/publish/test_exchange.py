"""Files for exchange: CSV that a Chinese Excel opens, GeoJSON by RFC 7946, and what the columns are called."""

import errno
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from lifecircle.errors import CrsError, OutputError
from lifecircle.publish import exchange

# a point of the 114°E zone; its degrees by the closed form of the transverse Mercator on the central meridian: lon = 114° exactly
ON_MERIDIAN = shapely.Point(500_000.0, 4_163_000.0)


@pytest.fixture
def homes() -> gpd.GeoDataFrame:
    """Two homes: one on the central meridian with a text like a formula, one where nothing is known."""
    return gpd.GeoDataFrame(
        {
            "name": pd.array(["=1+1", None], dtype="str"),
            "residents": [3.5, np.nan],
            "joined": pd.array([True, None], dtype="boolean"),
            "since": pd.to_datetime(["2020-02-29", None]),
        },
        index=pd.Index(["H1", "H2"], name="home_id"),
        geometry=[ON_MERIDIAN, None],
        crs="EPSG:4547",
    )


def test_csv_opens_in_a_chinese_excel(tmp_path: Path, homes: gpd.GeoDataFrame) -> None:
    """A byte order mark, lines ending in CR LF, blanks for what is missing, nothing that a spreadsheet reads as a formula."""
    exchange.write({"homes": homes}, tmp_path)
    raw = (tmp_path / "homes.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    lines = raw.decode("utf-8-sig").split("\r\n")
    assert lines[0] == "home_id,name,residents,joined,since,lon,lat"
    assert lines[1].startswith("H1,'=1+1,3.5,true,2020-02-29,114.0,37.5")
    assert lines[2] == "H2,,,,,,"


def test_geojson_is_rfc_7946(tmp_path: Path, homes: gpd.GeoDataFrame) -> None:
    """Longitude first, no more than seven decimals, no crs member, null for what is missing and for no geometry; texts stay as they are."""
    exchange.write({"homes": homes}, tmp_path)
    said: dict[str, Any] = json.loads((tmp_path / "homes.geojson").read_text(encoding="utf-8"))
    assert "crs" not in said
    first, second = said["features"]
    lon, lat = first["geometry"]["coordinates"]
    assert lon == pytest.approx(114.0, abs=1e-7)
    assert 37 < lat < 38
    assert round(lat, 7) == lat
    assert first["properties"] == {
        "home_id": "H1",
        "name": "=1+1",
        "residents": 3.5,
        "joined": True,
        "since": "2020-02-29",
    }
    assert second["geometry"] is None
    assert second["properties"] == {"home_id": "H2", "name": None, "residents": None, "joined": None, "since": None}


def test_outer_rings_run_against_the_clock(tmp_path: Path) -> None:
    """RFC 7946 wants outer rings counter-clockwise and holes clockwise, however they were drawn."""
    hole = shapely.box(500_010, 4_163_010, 500_020, 4_163_020)
    ring = shapely.Polygon(shapely.box(500_000, 4_163_000, 500_100, 4_163_100, ccw=False).exterior, [hole.exterior])
    parcels = gpd.GeoDataFrame(index=pd.Index(["P1"], name="parcel_id"), geometry=[ring], crs="EPSG:4547")
    exchange.write({"parcels": parcels}, tmp_path)
    shape = shapely.from_geojson(
        json.dumps(json.loads((tmp_path / "parcels.geojson").read_text())["features"][0]["geometry"])
    )
    assert shape.exterior.is_ccw
    assert not shape.interiors[0].is_ccw


def test_the_sidecar_names_every_column_in_both_languages(tmp_path: Path, homes: gpd.GeoDataFrame) -> None:
    """fields.csv: one row a column of each layer, Chinese and English names, units."""
    exchange.write({"parcels": pd.DataFrame({"site_area_m2": [1.0], "far": [0.5]}), "homes": homes}, tmp_path)
    fields = pd.read_csv(tmp_path / "fields.csv", encoding="utf-8-sig").fillna("")
    assert fields.to_numpy().tolist()[:2] == [
        ["parcels", "site_area_m2", "用地面积", "Site area", "m²"],
        ["parcels", "far", "容积率", "Floor area ratio", ""],
    ]
    assert fields["field"].tolist()[2:] == ["home_id", "name", "residents", "joined", "since"]


def test_no_rows_and_twice_the_same_bytes(tmp_path: Path, homes: gpd.GeoDataFrame, layers: dict[str, Any]) -> None:
    """A layer of 0 rows gives a heading and an empty collection; writing again gives the same bytes."""
    once = {}
    for turn in ("a", "b"):
        folder = tmp_path / turn
        folder.mkdir()
        names = exchange.write({"none": homes.iloc[:0], "parcels": layers["parcels"]}, folder)
        once[turn] = [(folder / name).read_bytes() for name in names]
    assert once["a"] == once["b"]
    assert json.loads((tmp_path / "a" / "none.geojson").read_text())["features"] == []
    assert len((tmp_path / "a" / "none.csv").read_text(encoding="utf-8-sig").splitlines()) == 1


def test_what_cannot_be_written_is_one_sentence(
    tmp_path: Path, homes: gpd.GeoDataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is not there, a full disk, a layer without coordinate system, and names that are one on Windows."""
    with pytest.raises(OutputError, match="homes cannot be written"):
        exchange.write({"homes": homes}, tmp_path / "nowhere")
    with pytest.raises(CrsError, match="homes has no coordinate system"):
        exchange.write({"homes": homes.set_crs(None, allow_override=True)}, tmp_path)
    with pytest.raises(OutputError, match="differ only in case"):
        exchange.write({"A": pd.DataFrame({"x": [1]}), "a": pd.DataFrame({"x": [1]})}, tmp_path)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OutputError, match=r"t\.csv cannot be written: No space left"):
        exchange.write({"t": pd.DataFrame({"x": [1]})}, tmp_path)
