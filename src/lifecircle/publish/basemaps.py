"""What lies below a map: nothing, tiles asked of the network, or tiles that the page carries.

Without a basemap a page asks nothing of the network. Tiles in GCJ-02 lie 50 to 600 m off; for them the data are moved by the same
offset on the way onto the page, and nowhere else: no frame and no file of results ever holds the moved ones.
"""

import gzip
import html
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import folium
import geopandas as gpd
import numpy as np
import shapely

from lifecircle import standards
from lifecircle.errors import OutputError
from lifecircle.load import coordinates
from lifecircle.publish import archive

KEY = "TIANDITU_KEY"
_WMTS = (
    "https://t{{s}}.tianditu.gov.cn/{name}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={name}&STYLE=default"
    "&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={key}"
)
_TIANDITU: Mapping[str, tuple[str, str]] = {"tianditu": ("vec", "cva"), "tianditu_image": ("img", "cia")}
_OSM = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
NAMES = (*_TIANDITU, "osm")
_TYPES: Mapping[bytes, str] = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}
_WORLD_M = 2 * np.pi * 6378137.0
Tiles = dict[tuple[int, int, int], bytes]


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A basemap: addresses with credit and deepest zoom, or a file; the offset of its tiles; and what the page says of it."""

    addresses: Sequence[tuple[str, str, int]] = ()
    file: Path | None = None
    shift: str | None = None
    notes: Sequence[tuple[str, str]] = field(default=())

    def layers(self) -> list[folium.TileLayer]:
        """The layers of tiles that the page asks the network for."""
        return [
            folium.TileLayer(
                url,
                attr=credit,
                overlay=True,
                control=False,
                max_zoom=20,
                max_native_zoom=deepest,
                subdomains="01234567",
            )
            for url, credit, deepest in self.addresses
        ]

    def carried(self, bounds: Sequence[float]) -> dict[str, Any]:
        """What the page carries of a file of tiles around `bounds` (west, south, east, north): as many zooms as fit."""
        return {} if self.file is None else {"tiles": _carried(self.file, bounds)}


def find(basemap: Path | str) -> Ground:
    """The basemap that a text names.

    Parameters
    ----------
    basemap
        ``tianditu`` or ``tianditu_image``, with the user's key in the environment variable ``TIANDITU_KEY`` (the key stands in the page
        and nowhere else); ``osm``; the address of tiles in WGS84 or CGCS2000 with ``{z}``, ``{x}`` and ``{y}``; such an address after
        ``gcj02:`` where its tiles are in GCJ-02; or a file ``.mbtiles`` or ``.pmtiles`` (version 3) of pictures, whose tiles around the
        data the page carries, as many zooms as stay below ``basemap_embed_mb``.

    Raises
    ------
    OutputError
        None of these, no key, or no such file.

    >>> find("gcj02:https://example.org/{z}/{x}/{y}.png").shift
    'GCJ-02'
    >>> find("bd09:https://example.org/{z}/{x}/{y}.png")
    Traceback (most recent call last):
    lifecircle.errors.OutputError: The basemap is in BD-09, whose tiles are cut in another way and cannot lie below these maps.
    """
    text = str(basemap)
    if text in _TIANDITU:
        key = os.environ.get(KEY, "").strip()
        if not re.fullmatch(r"[0-9A-Za-z]+", key):
            raise OutputError(
                f"The basemap {text} needs your key from tianditu.gov.cn in the environment variable {KEY}."
            )
        return Ground(
            addresses=[(_WMTS.format(name=name, key=key), "天地图 Tianditu", 18) for name in _TIANDITU[text]],
            notes=[
                _ASKS,
                (
                    "本页含有您的天地图密钥，转发前请考虑。",
                    "This page holds your Tianditu key; think before you pass it on.",
                ),
            ],
        )
    if text == "osm":
        return Ground(addresses=[(_OSM, "© OpenStreetMap contributors", 19)], notes=[_ASKS])
    offset, address = _offset(text)
    if offset == "BD-09":
        raise OutputError(
            "The basemap is in BD-09, whose tiles are cut in another way and cannot lie below these maps."
        )
    if address.startswith(("https://", "http://")) and all(part in address for part in ("{z}", "{x}", "{y}")):
        credit = html.escape(urlsplit(address).hostname or "")
        return Ground(addresses=[(address, credit, 18)], shift=offset, notes=[_ASKS, *([_MOVED] if offset else [])])
    path = Path(address)
    if path.suffix.lower() in (".mbtiles", ".pmtiles"):
        if not path.is_file():
            raise OutputError(f"The basemap {path.name} is not there.")
        return Ground(file=path, shift=offset, notes=[_MOVED] if offset else [])
    raise OutputError(
        f"The basemap {text!r} is none of {', '.join(NAMES)}, no address of tiles (https://…/{{z}}/{{x}}/{{y}}.png) and no file "
        ".mbtiles or .pmtiles."
    )


_ASKS = (
    "底图由网络提供，打开本页会向其服务器请求瓦片。",
    "The basemap comes from the network: opening this page asks its servers for tiles.",
)
_MOVED = (
    "⚠ 底图为 GCJ-02，图上数据已按同一偏移移动，仅供显示；成果文件未移动。",
    "⚠ The basemap is in GCJ-02; what is drawn was moved by the same offset, for display only. The files of results are not moved.",
)


def _offset(text: str) -> tuple[str | None, str]:
    before, colon, after = text.partition(":")
    name = coordinates.offset_name(before) if colon else None
    return (name, after) if name else (None, text)


def shifted(frame: gpd.GeoDataFrame, system: str) -> gpd.GeoDataFrame:
    """A copy of a frame in degrees (EPSG:4326) with every vertex where an offset `system`, GCJ-02, puts it.

    >>> spot = gpd.GeoDataFrame(geometry=[shapely.Point(116.404, 39.915)], crs=4326)
    >>> round(shifted(spot, "GCJ-02").geometry.iloc[0].x, 6), spot.geometry.iloc[0].x
    (116.410244, 116.404)
    """
    if system != "GCJ-02":
        raise OutputError(f"Data cannot be drawn in {system}.")

    def moved(degrees: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        return np.stack(coordinates.wgs84_to_gcj02(degrees[:, 0], degrees[:, 1]), axis=1)

    shapes = shapely.transform(np.asarray(frame.geometry.array), moved)
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))


# -- tiles in a file -----------------------------------------------------------------------------------------------------


def _carried(path: Path, bounds: Sequence[float]) -> dict[str, Any]:
    limit = standards.parameter("basemap_embed_mb") * 1e6
    reader = _mbtiles if path.suffix.lower() == ".mbtiles" else _pmtiles
    held: Tiles = {}
    size = 0
    try:
        for tiles in reader(path, bounds):
            size += sum(map(len, tiles.values()))
            if held and size > limit:
                break
            held |= tiles
    except (sqlite3.Error, OSError, ValueError, IndexError, KeyError) as error:
        raise OutputError(f"The basemap {path.name} cannot be read: {error}.") from error
    if not held:
        raise OutputError(f"The basemap {path.name} has no tiles where the data lie.")
    kind = next((name for start, name in _TYPES.items() if next(iter(held.values())).startswith(start)), None)
    if kind is None:
        raise OutputError(
            f"The basemap {path.name} holds no pictures (PNG, JPEG or WebP); vector tiles cannot be drawn."
        )
    zooms = sorted({z for z, _, _ in held})
    return {
        "type": kind,
        "from": zooms[0],
        "to": zooms[-1],
        "credit": html.escape(path.stem),
        "held": {f"{z}/{x}/{y}": archive.Piece("b", len(data), data) for (z, x, y), data in sorted(held.items())},
    }


def covering(bounds: Sequence[float], zoom: int) -> tuple[int, int, int, int]:
    """The tiles at a zoom that cover `bounds`, a tile wider on each side: first and last column, first and last row from the north.

    >>> covering([0.1, 0.1, 0.2, 0.2], 1)
    (0, 1, 0, 1)
    """
    corners = archive.mercator(np.array([[bounds[0], bounds[3]], [bounds[2], bounds[1]]])) / (10 * _WORLD_M) + 0.5
    many = 2**zoom
    (left, top), (right, bottom) = np.floor(np.stack([corners[:, 0], 1 - corners[:, 1]], axis=1) * many).astype(int)
    first = max(0, left - 1), max(0, top - 1)
    return int(first[0]), int(min(many - 1, right + 1)), int(first[1]), int(min(many - 1, bottom + 1))


def _mbtiles(path: Path, bounds: Sequence[float]) -> Iterator[Tiles]:
    """The tiles around `bounds`, a zoom at a time, the coarsest first; rows in the file count from the south."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
        zooms = [row[0] for row in base.execute("SELECT DISTINCT zoom_level FROM tiles ORDER BY zoom_level")]
        for zoom in zooms:
            west, east, north, south = covering(bounds, zoom)
            last = 2**zoom - 1
            rows = base.execute(
                "SELECT tile_column, tile_row, tile_data FROM tiles WHERE zoom_level = ? AND tile_column BETWEEN ? AND ? AND tile_row BETWEEN ? AND ?",
                (zoom, west, east, last - south, last - north),
            )
            yield {(zoom, x, last - y): bytes(data) for x, y, data in rows}


def tile_id(zoom: int, column: int, row: int) -> int:
    """The number of a tile in a PMTiles archive: along Hilbert's curve, zoom after zoom.

    >>> [tile_id(1, 0, 0), tile_id(1, 0, 1), tile_id(1, 1, 1), tile_id(1, 1, 0), tile_id(12, 3423, 1763)]
    [1, 2, 3, 4, 19078479]
    """
    out, x, y = ((1 << 2 * zoom) - 1) // 3, column, row
    for level in range(zoom - 1, -1, -1):
        side = 1 << level
        right, down = x & side, y & side
        out += ((3 * right) ^ down) << level
        if not down:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
    return out


def _pmtiles(path: Path, bounds: Sequence[float]) -> Iterator[Tiles]:
    """The tiles around `bounds` of an archive of version 3 (github.com/protomaps/PMTiles, spec v3), a zoom at a time."""
    with path.open("rb") as file:
        head = file.read(127)
        if head[:7] != b"PMTiles" or head[7] != 3:
            raise ValueError("it is no PMTiles archive of version 3")
        places = [int.from_bytes(head[at : at + 8], "little") for at in range(8, 96, 8)]
        root, root_size, leaves, data = places[0], places[1], places[4], places[6]
        inside, least, most = head[97], head[100], head[101]
        if inside not in (1, 2):
            raise ValueError("its directories are compressed in a way that only PMTiles' own library reads")

        def directory(at: int, size: int) -> list[tuple[int, int, int, int]]:
            file.seek(at)
            raw = file.read(size)
            return _entries(gzip.decompress(raw) if inside == 2 else raw)

        top = directory(root, root_size)
        opened: dict[int, list[tuple[int, int, int, int]]] = {}

        def place(number: int, entries: list[tuple[int, int, int, int]]) -> tuple[int, int] | None:
            at = int(np.searchsorted([entry[0] for entry in entries], number, side="right")) - 1
            if at < 0:
                return None
            first, run, size, offset = entries[at]
            if run == 0:
                if offset not in opened:
                    opened[offset] = directory(leaves + offset, size)
                return place(number, opened[offset])
            return (data + offset, size) if number < first + run else None

        for zoom in range(least, most + 1):
            west, east, north, south = covering(bounds, zoom)
            found: Tiles = {}
            for x in range(west, east + 1):
                for y in range(north, south + 1):
                    where = place(tile_id(zoom, x, y), top)
                    if where is not None:
                        file.seek(where[0])
                        found[zoom, x, y] = file.read(where[1])
            yield found


def _entries(raw: bytes) -> list[tuple[int, int, int, int]]:
    """A directory: first number, how many tiles in a row are the same, size and place; 0 of them point to a leaf."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = raw[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    many = number()
    ids = np.cumsum([number() for _ in range(many)]).tolist()
    runs = [number() for _ in range(many)]
    sizes = [number() for _ in range(many)]
    places: list[int] = []
    for k in range(many):
        said = number()
        places.append(places[-1] + sizes[k - 1] if said == 0 and k else said - 1)
    return list(zip(ids, runs, sizes, places, strict=True))
