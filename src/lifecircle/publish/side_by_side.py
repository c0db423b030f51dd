"""Two states of a town in one page, side by side: before a change and after it, moving together."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import folium

from lifecircle.publish import basemaps, overview
from lifecircle.publish.drawing import Drawing
from lifecircle.publish.overview import Cover, Figures, Layers, Told

STATES = ("变化前", "Before"), ("变化后", "After")
_ENDS = "_before", "_after"


def draw(
    before: Layers,
    after: Layers,
    *,
    title: Told,
    language: str = "zh",
    synthetic: bool = False,
    note: Told = "",
    summary: Figures = None,
    basemap: Path | str | None = None,
) -> folium.Map:
    """A page with two maps: what `before` holds on the left, what `after` holds on the right.

    A layer that looks the same in both is carried once; one that differs, or is in one of the two alone, stands on its side as it is
    there, under one name in the list of layers. The parameters are those of `overview.draw`.

    Raises
    ------
    OutputError
        Nothing to draw.
    CrsError
        A layer without coordinate system.

    >>> import geopandas as gpd, shapely
    >>> park = gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.box(108, 32, 108.01, 32.01)], crs=4326)
    >>> page = draw({"parks": park}, {"parks": park}, title="Town")
    >>> [name for name in page._children if "features" in name]
    ['features_parks']
    """
    ground = basemaps.find(basemap) if basemap is not None else None
    states = [overview.prepare(state, title=title, language=language, ground=ground) for state in (before, after)]
    sheets = [_joined(first, second) for first, second in zip(*(state.drawings for state in states), strict=True)]
    prepared = overview.Prepared(drawings=sheets, places=states[0].places, ground=ground)
    cover = Cover(
        title=title, subtitle=("变化前后对照", "Before and after"), synthetic=synthetic, note=note, summary=summary
    )
    return overview.assemble(prepared, cover, compare=STATES)


def _joined(before: Drawing, after: Drawing) -> Drawing:
    """One drawing of two, each layer on its side where it is not the same in both."""
    out = Drawing(language=before.language, words=before.words)
    keys: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for key in dict.fromkeys([*before.drawn, *after.drawn]):
        found = [sheet.drawn.get(key) for sheet in (before, after)]
        if found[0] == found[1] and found[1] is not None:
            out.drawn[key] = found[1]
            keys[1][key] = key
            continue
        for side, one in enumerate(found):
            if one is not None:
                name = keys[side][key] = f"{key}{_ENDS[side]}"
                out.drawn[name] = replace(one, spec={**one.spec, "side": side + 1})
    said = out.say(*STATES[0])
    for side, sheet in ((1, after), (0, before)):
        out.lists += _renamed(sheet.lists, keys[side], "title", "" if side else said)
        out.index += _renamed(sheet.index, keys[side], "kind", "" if side else said)
    return out


def _renamed(entries: list[dict[str, Any]], keys: Mapping[str, str], field: str, said: str) -> list[dict[str, Any]]:
    """Entries of the layers in `keys` under the names they have there, with `said` behind what they are called."""
    return [
        {**entry, "key": keys[entry["key"]], field: f"{entry[field]} · {said}" if said else entry[field]}
        for entry in entries
        if entry["key"] in keys
    ]
