"""Any frame on a map, in one call: a page of its own, or a layer of a folium map that is already there.

For tens of thousands of features, up to a million; what a reader sees of a feature is up to the caller.
"""

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.errors import CrsError, OutputError
from lifecircle.publish import basemaps, overview, page, symbols
from lifecircle.publish.drawing import Drawing, only

_KINDS: Mapping[str, str] = {
    "Point": "point",
    "MultiPoint": "point",
    "LineString": "line",
    "MultiLineString": "line",
    "LinearRing": "line",
    "Polygon": "area",
    "MultiPolygon": "area",
}
_LOOKS: Mapping[str, dict[str, Any]] = {
    "point": {"s": "#ffffff", "w": 1, "r": 4, "o": 0.95},
    "line": {"w": 2},
    "area": {"o": 0.7, "s": "#5a6570", "w": 0.6},
}
_MOST = 24  # classes told apart by colour
# Okabe and Ito (2008), without black
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442")


def draw(
    frame: gpd.GeoDataFrame,
    *,
    title: str,
    by: str | None = None,
    colours: Mapping[str, str] | None = None,
    tip: Sequence[str] | None = None,
    pop: Sequence[str] | None = None,
    language: str = "zh",
    basemap: Path | str | None = None,
) -> folium.Map:
    """A page with one frame on it, found by its index or its column ``name``; see `overview.draw` and `overview.save`.

    Parameters
    ----------
    frame
        Points, lines or areas; of several kinds in one frame the most frequent is drawn and the note says how many are not. Rows without geometry
        are left out.
    by
        A column of classes, each a colour; classes beyond 24 share one, the rarest first.
    colours
        Colours of classes as ``#rrggbb``; a class that is not among them gets one of its own, and missing ones are grey.
    tip, pop
        Columns shown when the mouse is over a feature and when it is clicked; the index and the first five, and all of them.

    Raises
    ------
    OutputError
        No row to draw, a column that is not there, or a colour that is none.
    CrsError
        No coordinate system.

    >>> import shapely
    >>> spots = gpd.GeoDataFrame({"use": ["a", "b"]}, geometry=shapely.points([[108, 32], [108.1, 32]]), crs=4326)
    >>> len(draw(spots, title="Spots", by="use").get_root().render()) < 400_000
    True
    """
    ground = basemaps.find(basemap) if basemap is not None else None
    kept = _placed(frame)
    if ground is not None and ground.shift is not None:
        kept = basemaps.shifted(kept, ground.shift)
    kind, drawn = _of_kind(kept)
    left = len(frame) - len(drawn)
    note = {
        "zh": f"未画 {left:,} 行（无图形或类型不同）。" if left else "",
        "en": f"Not drawn: {left:,} rows without a shape or of another kind." if left else "",
    }
    drawings = []
    for each in overview.LANGUAGES[language]:
        sheet = Drawing(language=each, words={})
        key = _add(sheet, drawn, kind, name=title, by=by, colours=colours or {}, tip=tip, pop=pop)
        names = pd.Series(drawn.index.astype("str"), dtype="str")
        if "name" in drawn:
            names = names + (" " + drawn["name"].astype("str").reset_index(drop=True)).fillna("")
        sheet.find(key, drawn, names, what="")
        drawings.append(sheet)
    prepared = overview.Prepared(drawings=drawings, places={"features": drawn}, ground=ground)
    cover = overview.Cover(title=title, subtitle=(f"{len(drawn):,} 个要素", f"{len(drawn):,} features"), note=note)
    return overview.assemble(prepared, cover)


def layer(
    frame: gpd.GeoDataFrame,
    *,
    name: str,
    by: str | None = None,
    colours: Mapping[str, str] | None = None,
    tip: Sequence[str] | None = None,
    pop: Sequence[str] | None = None,
    language: str = "zh",
) -> page.Features:
    """The same as a layer for ``add_to`` of any folium map, beside markers and tiles; the parameters are those of `draw`.

    The name must be another for each layer of one map. Folium takes Leaflet from the network; `assets.inline` of the rendered page
    puts it in.

    >>> import shapely
    >>> spots = gpd.GeoDataFrame(geometry=shapely.points([[108, 32], [108.1, 32]]), crs=4326)
    >>> layer(spots, name="spots").add_to(folium.Map([32, 108])).layer_name
    'spots'
    """
    kind, drawn = _of_kind(_placed(frame))
    sheet = Drawing(language=overview.LANGUAGES[language][0], words={})
    key = _add(sheet, drawn, kind, name=name, by=by, colours=colours or {}, tip=tip, pop=pop)
    words = {"unknown": sheet.say("未知", "not known"), "yes": sheet.say("是", "yes"), "no": sheet.say("否", "no")}
    held = page.Held(f"lifecircle-{key}", words=words)
    return page.Features(key, [sheet.drawn[key].spec], held, label=name)


def _placed(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    if frame.crs is None:
        raise CrsError("The frame has no coordinate system, so it cannot be put on a map.")
    kept = frame[~(frame.geometry.isna() | frame.geometry.is_empty)].to_crs(4326)
    finite: gpd.GeoDataFrame = kept[np.isfinite(kept.bounds.to_numpy()).all(axis=1)]
    return finite


def _of_kind(frame: gpd.GeoDataFrame) -> tuple[str, gpd.GeoDataFrame]:
    kinds = frame.geom_type.map(_KINDS)
    if not kinds.notna().any():
        raise OutputError("The frame has no points, lines or areas, so there is nothing to draw.")
    kind = str(kinds.value_counts().sort_index().idxmax())
    return kind, only(frame[kinds == kind], kind)


def _add(
    sheet: Drawing,
    frame: gpd.GeoDataFrame,
    kind: str,
    *,
    name: str,
    by: str | None,
    colours: Mapping[str, str],
    tip: Sequence[str] | None,
    pop: Sequence[str] | None,
) -> str:
    """Add the frame to the drawing and return its key there, which is also a name in the page's script: no text of the caller's."""
    key = f"x{zlib.crc32(name.encode()):08x}"
    columns = [str(c) for c in frame.columns if c != frame.geometry.name]
    asked = [c for c in (by, *(tip or ()), *(pop or ())) if c is not None and c not in columns]
    if asked:
        raise OutputError(f"The frame has no column {', '.join(asked)}.")
    table = frame.assign(_id=frame.index.astype("str"))
    classes, codes = _classes(sheet, frame[by] if by else None, kind, colours)
    sheet.add(
        key,
        table,
        group="own",
        kind=kind,
        name=name,
        classes=classes,
        codes=codes,
        title=[*(["name"] if "name" in columns else []), "_id"],
        tip=[c for c in (columns[:5] if tip is None else tip) if c != "name"],
        pop=["_id", *(columns if pop is None else pop)],
        show=True,
    )
    return key


def _classes(
    sheet: Drawing, values: "pd.Series[Any] | None", kind: str, colours: Mapping[str, str]
) -> "tuple[list[dict[str, Any]], np.ndarray[Any, Any] | None]":
    look = _LOOKS[kind]
    if values is None:
        return [{"l": "", "c": _COLOURS[0], **look}], None
    wrong = [colour for colour in colours.values() if not symbols.is_colour(colour)]
    if wrong:
        raise OutputError(f"A colour is written as #rrggbb; {wrong[0]!r} is not.")
    texts = values.astype("str").reset_index(drop=True)
    counts = texts.value_counts()
    order = sorted(
        counts.index, key=lambda text: (list(colours).index(text) if text in colours else len(colours), text)
    )
    shown = set(sorted(counts.index, key=lambda text: (-counts[text], text))[:_MOST]) | set(colours)
    named = [text for text in order if text in shown]
    spare = [
        colour
        for colour in (*_COLOURS, *symbols.ramp(("#6a3d9a", "#b15928", "#1f78b4"), _MOST))
        if colour not in colours.values()
    ]
    free = iter(spare)
    classes = [{"l": text, "c": colours.get(text) or next(free), **look} for text in named]
    classes.append({"l": sheet.say("其他", "Other"), "c": "#7a7a7a", **look})
    classes.append({"l": sheet.say("未知", "Not known"), "c": symbols.UNKNOWN, **look})
    place = pd.Index(named).get_indexer(pd.Index(texts.fillna("")))
    codes = np.where(texts.isna(), len(named) + 1, np.where(place < 0, len(named), place))
    return classes, codes
