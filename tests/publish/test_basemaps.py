"""Basemaps: nothing without one, keys from the environment, tiles the page carries, and GCJ-02 moved on the way out only."""

import gzip
import sqlite3
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from packed_page import content_of, page_of, shapes_of, spec_of
from published_town import PIXEL

from lifecircle.errors import OutputError
from lifecircle.load import coordinates
from lifecircle.publish import basemaps, overview


@pytest.fixture
def square() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.box(116.39, 39.90, 116.41, 39.92)], crs=4326)


def html_of(square: gpd.GeoDataFrame, basemap: str) -> str:
    return overview.draw({"parks": square}, title="t", basemap=basemap).get_root().render()


def test_a_key_comes_from_the_environment(square: gpd.GeoDataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable Tianditu is refused by its name; with it the key stands in the address of the tiles, and the page says so."""
    monkeypatch.delenv(basemaps.KEY, raising=False)
    with pytest.raises(OutputError, match="TIANDITU_KEY"):
        html_of(square, "tianditu")
    monkeypatch.setenv(basemaps.KEY, "0123abcd")
    html = html_of(square, "tianditu")
    assert html.count("tk=0123abcd") == 2
    assert "密钥" in page_of(html)["note"]
    monkeypatch.setenv(basemaps.KEY, '"</script>')
    with pytest.raises(OutputError, match="TIANDITU_KEY"):
        html_of(square, "tianditu_image")


def test_osm_is_credited(square: gpd.GeoDataFrame) -> None:
    """OpenStreetMap's tiles carry their credit, and the page says that it asks for them."""
    html = html_of(square, "osm")
    assert "OpenStreetMap contributors" in html
    assert "请求瓦片" in page_of(html)["note"]


@pytest.mark.parametrize(
    "basemap", ["tiles", "https://example.org/tiles.png", "nowhere.mbtiles", "bd09:https://e.org/{z}/{x}/{y}"]
)
def test_what_is_no_basemap_is_refused(square: gpd.GeoDataFrame, basemap: str) -> None:
    """A word nobody knows, an address without places for the tile, a file that is not there and BD-09 are refused."""
    with pytest.raises(OutputError, match="basemap"):
        html_of(square, basemap)


def test_data_are_moved_for_gcj02_and_nowhere_else(square: gpd.GeoDataFrame) -> None:
    """On a GCJ-02 basemap each vertex is drawn where GCJ-02 has it, the page says so, and the frame stays what it was."""
    before = square.copy()
    html = html_of(square, "gcj02:https://tiles.example.org/{z}/{x}/{y}.png")
    (drawn,) = shapes_of(spec_of(html, "parks")["geo"])
    at = shapely.get_coordinates(square.geometry.iloc[0])
    moved = np.stack(coordinates.wgs84_to_gcj02(at[:, 0], at[:, 1]), axis=1)
    assert shapely.hausdorff_distance(drawn, shapely.Polygon(moved)) < 2e-6
    assert 0.005 < shapely.hausdorff_distance(drawn, square.geometry.iloc[0]) < 0.02
    assert any("GCJ-02" in line for line in page_of(html)["warn"])
    pd.testing.assert_frame_equal(pd.DataFrame(square), pd.DataFrame(before))
    south, west = page_of(html)["bounds"][0]
    assert [west, south] == pytest.approx(moved.min(axis=0), abs=2e-6)


def mbtiles(path: Path, zooms: range, data: bytes = PIXEL) -> Path:
    """Every tile of the world at `zooms`, rows from the south as the format has them."""
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE tiles (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_data BLOB)")
        base.executemany(
            "INSERT INTO tiles VALUES (?, ?, ?, ?)",
            [(z, x, 2**z - 1 - y, data + bytes([z, x, y])) for z in zooms for x in range(2**z) for y in range(2**z)],
        )
    base.close()
    return path


def number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def pmtiles(path: Path, zooms: range, *, leaf: bool) -> Path:
    """The same tiles as an archive of version 3, written from its specification; with `leaf` its root points to one leaf."""
    tiles = sorted(
        (basemaps.tile_id(z, x, y), PIXEL + bytes([z, x, y])) for z in zooms for x in range(2**z) for y in range(2**z)
    )
    gaps = np.diff([tile for tile, _ in tiles], prepend=0)
    size = len(tiles[0][1])
    entries = (
        number(len(tiles)) + b"".join(map(number, gaps.tolist())) + number(1) * len(tiles) + number(size) * len(tiles)
    )
    entries = gzip.compress(entries + number(1) + number(0) * (len(tiles) - 1))
    root, leaves = entries, b""
    if leaf:
        root = gzip.compress(number(1) + number(tiles[0][0]) + number(0) + number(len(entries)) + number(1))
        leaves = entries
    places = [
        127,
        len(root),
        127 + len(root),
        0,
        127 + len(root),
        len(leaves),
        127 + len(root) + len(leaves),
        size * len(tiles),
    ]
    head = b"PMTiles\x03" + b"".join(place.to_bytes(8, "little") for place in [*places, *[len(tiles)] * 3])
    head += bytes([1, 2, 1, 2, zooms[0], zooms[-1]])
    path.write_bytes(head.ljust(127, b"\0") + root + leaves + b"".join(data for _, data in tiles))
    return path


@pytest.mark.parametrize("way", ["mbtiles", "pmtiles", "leaf"])
def test_tiles_of_a_file_are_carried(tmp_path: Path, square: gpd.GeoDataFrame, way: str) -> None:
    """The tiles around the data are in the page under their own numbers, a tile wider on each side, and nothing is asked of a network."""
    made = (
        mbtiles(tmp_path / "a.mbtiles", range(5))
        if way == "mbtiles"
        else pmtiles(tmp_path / "a.pmtiles", range(5), leaf=way == "leaf")
    )
    html = html_of(square, str(made))
    tiles = page_of(html)["tiles"]
    assert (tiles["from"], tiles["to"], tiles["type"], tiles["credit"]) == (0, 4, "image/png", "a")
    # at zoom 4 a tile is 22.5 degrees wide: 116.4 E lies in column 13; 39.9 N in row 6 of 16
    wanted = {f"4/{x}/{y}" for x in (12, 13, 14) for y in (5, 6, 7)}
    assert {key for key in tiles["held"] if key.startswith("4/")} == wanted
    assert all(data == PIXEL + bytes(map(int, key.split("/"))) for key, data in tiles["held"].items())
    assert "var tile_layer_" not in html
    assert content_of(html)["layers"]["parks"]


def test_zooms_stop_at_the_limit(tmp_path: Path, square: gpd.GeoDataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zooms are carried from the coarsest until the next would pass the limit; the coarsest always."""
    big = PIXEL + bytes(100_000)
    path = mbtiles(tmp_path / "a.mbtiles", range(5), big)

    def allow(millions: float) -> None:
        monkeypatch.setattr(basemaps.standards, "parameter", lambda code: {"basemap_embed_mb": millions}[code])

    for millions, deepest in ((0.01, 0), (0.6, 1), (50, 4)):
        allow(millions)
        assert basemaps.find(path).carried([116.39, 39.9, 116.41, 39.92])["tiles"]["to"] == deepest


@pytest.mark.parametrize(("data", "said"), [(b"\x1f\x8bvector", "no pictures"), (None, "cannot be read")])
def test_files_that_cannot_be_drawn(tmp_path: Path, square: gpd.GeoDataFrame, data: Any, said: str) -> None:
    """Vector tiles and files that are no database are refused with the file's name."""
    path = tmp_path / "b.mbtiles"
    if data is None:
        path.write_text("no database", encoding="utf-8")
    else:
        mbtiles(path, range(2), data)
    with pytest.raises(OutputError, match=rf"b\.mbtiles.*{said}"):
        html_of(square, str(path))
    (tmp_path / "c.pmtiles").write_bytes(b"PMTiles\x02" + bytes(200))
    with pytest.raises(OutputError, match="version 3"):
        html_of(square, str(tmp_path / "c.pmtiles"))
