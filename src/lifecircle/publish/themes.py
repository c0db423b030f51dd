"""One map a theme beside the overview: the same layers, drawn once, each page with what belongs to its question.

A theme's page has the layers of its own groups, what helps to find one's way, and another first view than the overview.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import folium

from lifecircle.errors import OutputError
from lifecircle.publish import basemaps, overview
from lifecircle.publish.overview import Cover, Figures, Layers, Prepared, Told


@dataclass(frozen=True, kw_only=True)
class Theme:
    """What a theme's page is called, which layers it cannot do without, which others it has, and what is shown at first."""

    name: tuple[str, str]
    asked: tuple[str, ...]
    beside: tuple[str, ...]
    shown: tuple[str, ...]


_GROUND = ("areas", "streets", "barriers", "constraints")
_TIERS = ("coverage_5", "coverage_10", "coverage_15")
THEMES: Mapping[str, Theme] = {
    "coverage": Theme(
        name=("生活圈覆盖与缺口", "Life circle: coverage and gaps"),
        asked=(*_TIERS, "coverage_homes", "service_areas", "gaps", "gap_areas", "gap_grid"),
        beside=(*_GROUND, "edge_of_data", "facilities", "gates", "parks"),
        shown=("gap_areas", "areas", "streets", "barriers", "facilities"),
    ),
    "land": Theme(
        name=("用地现状与低效用地", "Land use and low-efficiency land"),
        asked=("land", "parcels"),
        beside=(*_GROUND, "buildings", "renewal_blocks"),
        shown=("land", "areas", "streets", "barriers"),
    ),
    "reuse": Theme(
        name=("闲置资产再利用", "Idle assets and their reuse"),
        asked=("reuse_assets", "reuse_sites", "assets"),
        beside=(*_GROUND, "buildings", "gap_areas", "facilities"),
        shown=("reuse_assets", "reuse_sites", "assets", "areas", "streets", "barriers"),
    ),
    "blocks": Theme(
        name=("更新片区", "Renewal blocks"),
        asked=("renewal_blocks",),
        beside=(*_GROUND, "land", "parcels", "buildings", "gap_areas", "reuse_assets"),
        shown=("renewal_blocks", "land", "areas", "streets", "barriers"),
    ),
    "parks": Theme(
        name=("公园绿地与服务范围", "Parks and whom they serve"),
        asked=("parks", "park_reach"),
        beside=(*_GROUND, "coverage_homes", "parcels"),
        shown=("parks", "park_reach", "areas", "streets", "barriers"),
    ),
    "pipes": Theme(
        name=("地下管网更新", "Pipes and their renewal"),
        asked=("pipes", "pipes_screen", "pipe_nodes"),
        beside=(*_GROUND, "buildings"),
        shown=("pipes_screen", "areas", "streets", "barriers"),
    ),
}


def draw(
    layers: Layers,
    theme: str,
    *,
    title: Told,
    language: str = "zh",
    synthetic: bool = False,
    note: Told = "",
    summary: Figures = None,
    basemap: Path | str | None = None,
) -> folium.Map:
    """The map of one theme; the parameters are those of `overview.draw`.

    Raises
    ------
    OutputError
        No such theme, or none of its layers.

    >>> import geopandas as gpd, shapely
    >>> park = gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.box(108, 32, 108.01, 32.01)], crs=4326)
    >>> list(draw({"parks": park}, "parks", title="Town", language="en")._children.values())[-1].get_name()
    'features_parks'
    """
    if theme not in THEMES:
        raise OutputError(f"There is no map of {theme!r}; there are {', '.join(THEMES)}.")
    ground = basemaps.find(basemap) if basemap is not None else None
    wanted = {name: frame for name, frame in layers.items() if name not in overview.MAKERS or _of(name, THEMES[theme])}
    prepared = overview.prepare(wanted, title=title, language=language, ground=ground)
    cover = Cover(title=title, subtitle=THEMES[theme].name, synthetic=synthetic, note=note, summary=summary)
    return page(prepared, theme, cover=cover)


def write_all(
    layers: Layers, folder: Path, *, cover: Cover, language: str, basemap: Path | str | None = None
) -> list[str]:
    """Write ``overview.html`` and a map for each theme that has a layer into `folder`; returns the names of the files.

    The layers are prepared once for all of them. `cover` is that of the overview.

    Raises
    ------
    OutputError
        Nothing to draw, or a file that cannot be written.
    """
    ground = basemaps.find(basemap) if basemap is not None else None
    prepared = overview.prepare(layers, title=cover.title, language=language, ground=ground)
    overview.save(overview.assemble(prepared, cover), folder / "overview.html")
    made = ["overview.html"]
    for theme, told in THEMES.items():
        if set(told.asked) & set(prepared.drawings[0].drawn):
            own = Cover(title=cover.title, subtitle=told.name, synthetic=cover.synthetic, note=cover.note)
            overview.save(page(prepared, theme, cover=own), folder / f"{theme}.html")
            made.append(f"{theme}.html")
    return made


def page(prepared: Prepared, theme: str, *, cover: Cover) -> folium.Map:
    """The page of a theme from layers that are prepared; see `overview.prepare`.

    Raises
    ------
    OutputError
        None of the theme's layers is among them.
    """
    told = THEMES[theme]
    drawn = prepared.drawings[0].drawn
    if not set(told.asked) & set(drawn):
        raise OutputError(f"The map of {theme} has no layer with anything to draw.")
    shown = [key for key in told.shown if key in drawn]
    if not set(shown) & set(told.asked):
        shown.append(next(key for key in reversed(drawn) if key in told.asked))
    return overview.assemble(prepared, cover, keys={*told.asked, *told.beside}, shown=shown)


def _of(name: str, theme: Theme) -> bool:
    """Whether a layer of results can be on the page of a theme; communities by completeness are a layer a tier."""
    keys = {*theme.asked, *theme.beside}
    return name in keys or (name == "coverage_areas" and bool({*_TIERS} & keys))
