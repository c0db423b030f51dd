"""What QGIS needs to show the layers as the map does: styles inside the GeoPackage, and a project beside it.

Both carry the words of the layers: an alias a field, and a word a code in the attribute table. Styles come in Chinese and in English; the
study's language is the default one, the other is a click away (Layer properties, Style, Load style, From database).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.errors import OutputError
from lifecircle.publish import geopackage, labels, output, reuse_sheets, symbols

_MM = 25.4 / 96  # a pixel of the map on paper
_VERSION = "3.22.0"
_MOST_WORDS = 300
_Look = Mapping[str, Any]


class _Class(NamedTuple):
    """One class: the value (two for a range, none for the rest), what it is called and how it looks."""

    value: Any
    label: str
    look: _Look


class _Style(NamedTuple):
    """How a layer is drawn: by which field or expression, into which classes; by no field there is one class."""

    by: str
    classes: list[_Class]
    largest_first: str = ""
    text: str = ""


class _Entry(NamedTuple):
    """A layer of the project: its group, file, layer, name, whether it is shown, and which of its rows."""

    group: str
    file: str
    layer: str
    name: str
    shown: bool
    rows: str = ""
    style: str = ""


def styles(layers: Mapping[str, gpd.GeoDataFrame | pd.DataFrame], *, language: str = "zh") -> pd.DataFrame:
    """The table ``layer_styles`` for a GeoPackage that holds `layers`, as QGIS reads it: a style a layer and language.

    Layers without geometry have none; a layer nobody gave a look gets a plain one. The style in `language` is the default.
    """
    rows = []
    for name, frame in layers.items():
        if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
            continue
        for tongue, called in (("zh", "中文"), ("en", "English")):
            for kind, style in _looks(name, frame, tongue).items():
                rows.append(
                    {
                        "f_table_catalog": "",
                        "f_table_schema": "",
                        "f_table_name": name,
                        "f_geometry_column": "geom",
                        "styleName": f"{called} {kind}".strip(),
                        "styleQML": _text(_qml(frame, style, tongue, name), "qgis"),
                        "styleSLD": "",
                        "useAsDefault": tongue == language and not kind,
                        "description": labels.sheet(name, tongue),
                        "owner": "",
                        "ui": "",
                        "update_time": pd.Timestamp(output.stamp()).tz_localize(None),
                    }
                )
    table = pd.DataFrame(rows)
    return table.astype({"useAsDefault": "bool"}) if len(table) else table


def write(
    inventory: Mapping[str, gpd.GeoDataFrame | pd.DataFrame],
    results: Mapping[str, gpd.GeoDataFrame | pd.DataFrame],
    path: Path | str,
    *,
    title: str,
    crs: Any,
    language: str = "zh",
) -> None:
    """Write a QGIS project to `path` that shows ``inventory.gpkg`` and ``results.gpkg`` beside it: groups as on the map, relative paths.

    The same bytes on every run. QGIS 3.16 and later read it.

    Raises
    ------
    OutputError
        A file that cannot be written.
    """
    frames = {"inventory.gpkg": inventory, "results.gpkg": results}
    entries = [
        entry
        for entry in _entries(results, language)
        if _drawn(frames[entry.file].get(entry.layer)) and len(frames[entry.file][entry.layer])
    ]
    path = Path(path)
    text = _text(_project(frames, entries, title, crs, language), "qgis")
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(f"{path.name} cannot be written: {error.strerror or error}.") from error


def _drawn(frame: Any) -> bool:
    return isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None


# -- which layers, and how each looks -----------------------------------------------------------------------------------

_GROUPS: Mapping[str, tuple[str, str]] = {
    "places": ("设施与出行", "Facilities and streets"),
    "reuse": ("闲置资产", "Idle assets"),
    "coverage": ("生活圈", "Life circle"),
    "blocks": ("更新片区", "Renewal blocks"),
    "pipes": ("地下管网", "Pipes"),
    "land": ("用地与建筑", "Land and buildings"),
    "parks": ("公园绿地", "Parks"),
    "limits": ("边界与管控", "Boundaries and limits"),
}


def _entries(results: Mapping[str, Any], language: str) -> list[_Entry]:
    """The layers of the project, the uppermost first."""
    zh = language == "zh"

    def named(
        group: str, layer: str, said: str = "", *, shown: bool = False, rows: str = "", style: str = ""
    ) -> _Entry:
        return _Entry(group, "results.gpkg", layer, said or labels.sheet(layer, language), shown, rows, style)

    def given(group: str, layer: str, names: tuple[str, str], *, shown: bool = False) -> _Entry:
        return _Entry(group, "inventory.gpkg", layer, names[not zh], shown)

    tiers = (
        sorted(results["gap_areas"]["tier"].dropna().unique().tolist(), reverse=True) if "gap_areas" in results else []
    )
    kinds = results["service_areas"]["kind"].drop_duplicates().tolist() if "service_areas" in results else []
    sites = results.get("reuse_sites")
    wanted = None
    if sites is not None and len(sites):
        first = sites.loc[reuse_sheets.narrow(sites)["sites"].idxmax()]
        chosen = f"\"candidates\" = '{first['candidates']}' AND " if "candidates" in sites else ""
        wanted = f'{chosen}"sites" = {first["sites"]:g}'
    minutes = "分钟" if zh else "min"
    return [
        *(
            named(
                "coverage",
                "gap_areas",
                f"{labels.sheet('gap_areas', language)} {t:g} {minutes}",
                rows=f'"tier" = {t:g}',
            )
            for t in tiers
        ),
        named("coverage", "coverage_homes"),
        named("coverage", "gap_grid"),
        named("coverage", "supply_homes"),
        named("coverage", "edge_of_data"),
        *(
            named(
                "coverage",
                "service_areas",
                f"{labels.sheet('service_areas', language)} {labels.word(str(k), language)}",
                rows=f"\"kind\" = '{k}'",
            )
            for k in kinds
        ),
        named("coverage", "coverage_areas", shown=True),
        named("reuse", "reuse_sites", rows=wanted or '"sites" = 0', shown=True),
        named("reuse", "reuse_assets"),
        named("blocks", "renewal_blocks"),
        named("land", "land_buildings"),
        named("land", "land"),
        given("land", "buildings", ("建筑", "Buildings")),
        given("land", "parcels", ("用地现状", "Land use")),
        named("pipes", "pipes_screen"),
        given("pipes", "pipe_nodes", ("管点", "Pipe nodes")),
        given("pipes", "pipes", ("管线", "Pipes")),
        named("parks", "park_reach"),
        given("parks", "parks", ("公园", "Parks"), shown=True),
        named("parks", "park_land"),
        given("places", "facilities", ("设施", "Facilities"), shown=True),
        given("places", "gates", ("大门", "Gates")),
        given("places", "entrances", ("出入口", "Entrances")),
        given("places", "homes", ("住处", "Homes")),
        given("places", "barriers", ("阻隔", "Barriers"), shown=True),
        given("places", "streets", ("道路", "Streets"), shown=True),
        given("limits", "areas", ("社区", "Communities"), shown=True),
        given("limits", "constraints", ("管控线", "Limits")),
    ]


def _looks(name: str, frame: gpd.GeoDataFrame, language: str) -> dict[str, _Style]:
    """The styles of a layer by name, the default one under an empty name."""
    maker = _MAKERS.get(name)
    style = maker(frame, language) if maker is not None and len(frame) else None
    out = {"": style or _Style("", [_Class(None, "", {"c": "#8a8f98", "o": 0.5, "s": "#5b6670", "w": 1, "r": 3})])}
    if name == "land" and len(frame):
        out["用地" if language == "zh" else "land use"] = _land_use(frame, language)
    return out


def _listed(
    frame: pd.DataFrame, by: str, table: Mapping[str, tuple[str, str, _Look]], language: str, *, more: str = ""
) -> _Style | None:
    """A class for each listed value that is present, and one for the rest where there is any."""
    if not more and by not in frame:
        return None
    present = frame[by].astype("str") if not more else None
    rest = {"c": symbols.UNKNOWN, "o": 0.6, "s": "#8f8b82", "w": 1, "r": 3}
    classes = [
        _Class(code, (zh, en)[language != "zh"], look)
        for code, (zh, en, look) in table.items()
        if present is None or (present == code).any()
    ]
    if present is not None and not present.isin(table).all():
        classes.append(_Class("", "其他或未知" if language == "zh" else "Other or not known", rest))
    return _Style(more or by, classes)


def _words(colours: Mapping[str, str], look: _Look) -> dict[str, tuple[str, str, _Look]]:
    return {
        code: (labels.word(code, "zh"), labels.word(code, "en"), {**look, "c": colour})
        for code, colour in colours.items()
    }


def _shares(frame: pd.DataFrame, by: str, look: _Look) -> _Style | None:
    """Five classes of a share from 0 to 1."""
    if by not in frame:
        return None
    steps = np.linspace(0, 1, len(symbols.COMPLETENESS) + 1)
    return _Style(
        by,
        [
            _Class((low, high), f"{100 * low:.0f}–{100 * high:.0f} %", {**look, "c": colour})
            for (low, high), colour in zip(pairwise(steps.tolist()), symbols.COMPLETENESS, strict=True)
        ],
    )


def _thirds(frame: pd.DataFrame, by: str | None, look: _Look) -> _Style | None:
    """Three classes of as many rows, the most first."""
    if by is None or by not in frame or not frame[by].notna().any():
        return None
    values = frame[by].dropna().astype("float64")
    cuts = np.unique(np.quantile(values, [0, 1 / 3, 2 / 3, 1])).tolist()
    pairs = list(pairwise(cuts)) or [(cuts[0], cuts[0])]
    colours = symbols.GAPS[: len(pairs)]
    return _Style(
        by,
        [
            _Class((low, high), f"{low:,.0f}–{high:,.0f}", {**look, "c": colour})
            for (low, high), colour in zip(reversed(pairs), colours, strict=True)
        ],
    )


def _weight(frame: pd.DataFrame, ending: str) -> str | None:
    return next((f"{name}{ending}" for name in ("residents", "dwellings") if f"{name}{ending}" in frame), None)


def _land_use(frame: pd.DataFrame, language: str) -> _Style:
    codes = frame["land_use"].astype("str") if "land_use" in frame else pd.Series(dtype="str")
    editions = frame["land_use_edition"].astype("str") if "land_use_edition" in frame else codes
    places, uses = symbols.land_use(codes, editions)
    once = pd.DataFrame({"code": codes.to_numpy(), "place": places}).dropna().drop_duplicates("code")
    once = once.sort_values(["place", "code"])
    known, unknown = (
        {"o": 0.7, "s": "#7d7d75", "w": 0.7},
        {"c": "#ffffff", "o": 0.4, "s": "#9a9a92", "w": 0.7, "d": "3 2"},
    )
    classes = []
    for code, place in zip(once["code"], once["place"], strict=True):
        zh, en, colour = uses[place]
        classes.append(
            _Class(code, f"{code} {(zh, en)[language != 'zh']}", {**known, "c": colour} if colour else unknown)
        )
    if codes.isna().any():
        classes.append(_Class("", "地类未知" if language == "zh" else "Land use not known", unknown))
    return _Style("land_use", classes)


def _facilities(frame: pd.DataFrame, language: str) -> _Style:
    look = {"s": "#ffffff", "w": 1, "r": 4.2, "o": 0.95}
    known = {
        kind: symbols.FACILITY_GROUPS[symbols.kinds().get(kind, ("", "", ""))[2]][2]
        for kind in frame["kind"].dropna().unique()
    }
    order = sorted(
        known, key=lambda kind: (list(symbols.FACILITY_GROUPS).index(symbols.kinds().get(kind, ("", "", ""))[2]), kind)
    )
    return _Style("kind", [_Class(kind, labels.word(kind, language), {**look, "c": known[kind]}) for kind in order])


def _bands(frame: pd.DataFrame, language: str) -> _Style:
    limits = sorted(frame["limit_min"].dropna().unique().tolist())
    colours = symbols.ramp(symbols.BANDS, len(limits)) if len(limits) > 1 else list(symbols.BANDS[:1])
    look = {"o": 0.62, "s": symbols.BANDS[0], "w": 0.7}
    said = "{:g} 分钟以内" if language == "zh" else "up to {:g} min"
    classes = [_Class(limit, said.format(limit), {**look, "c": c}) for limit, c in zip(limits, colours, strict=True)]
    return _Style("limit_min", classes, largest_first="limit_min")


def _park_reach(frame: pd.DataFrame, language: str) -> _Style:
    colours = ("#4c8a35", "#1b7f79", "#8a7a1f", "#5b5b9a")
    codes = frame.index.astype("str") if frame.index.name == "definition" else frame["definition"].astype("str")
    look = {"o": 0.16, "w": 1.6, "d": "6 3"}
    return _Style(
        "definition",
        [
            _Class(code, name, {**look, "c": colour, "s": colour})
            for code, name, colour in zip(codes, frame["name"].astype("str"), colours, strict=False)
        ],
    )


def _one(look: _Look, text: str = "") -> Callable[[pd.DataFrame, str], _Style]:
    return lambda frame, language: _Style(
        "", [_Class(None, "", look)], text=text if text in [frame.index.name, *frame.columns] else ""
    )


_VERDICT = (
    "CASE WHEN \"uses_allowed\" > 0 THEN 'allowed' WHEN \"uses_conditional\" > 0 THEN 'conditional' ELSE 'none' END"
)
_GATES: Mapping[str, tuple[str, str, _Look]] = {
    "open": ("开放", "Open", {"c": "#ffffff", "s": "#2e7d32", "w": 2, "r": 3.2}),
    "closed": ("封闭", "Closed", {"c": "#b5302a", "s": "#ffffff", "w": 1, "r": 3.6}),
}
_MAKERS: Mapping[str, Callable[[gpd.GeoDataFrame, str], _Style | None]] = {
    "coverage_homes": lambda f, _: _shares(f, "completeness_15", {"o": 0.95, "s": "#4b5862", "w": 0.6, "r": 3}),
    "coverage_areas": lambda f, _: _shares(f, "completeness_15", {"o": 0.76, "s": "#ffffff", "w": 1.6}),
    "service_areas": _bands,
    "edge_of_data": _one({"c": "#6a4c7d", "o": 0.3, "s": "#6a4c7d", "w": 1}),
    "gaps": lambda f, _: _thirds(f, _weight(f, "_left_out"), {"o": 0.6, "s": "#ffffff", "w": 1.5}),
    "gap_areas": lambda f, _: _thirds(f, _weight(f, "_left_out"), {"o": 0.72, "s": "#5c1a16", "w": 0.8}),
    "gap_kinds": lambda f, _: _thirds(f, _weight(f, "_left_out"), {"o": 0.72, "s": "#5c1a16", "w": 0.8}),
    "gap_grid": lambda f, _: _thirds(f, "missing_kinds_15", {"o": 0.75, "s": "#ffffff", "w": 0.4}),
    "supply_homes": _one({"c": "#3680b4", "o": 0.9, "s": "#ffffff", "w": 0.6, "r": 3}),
    "land": lambda f, tongue: _listed(f, "candidate", symbols.CANDIDATES, tongue),
    "land_buildings": _one({"c": "#d98c3f", "o": 0.8, "s": "#7a4a12", "w": 1}),
    "park_reach": _park_reach,
    "park_land": lambda f, _: _shares(f, "share_C01", {"o": 0.7, "s": "#ffffff", "w": 0.6}),
    "pipes_screen": lambda f, tongue: _listed(f, "renewal", symbols.RENEWAL, tongue),
    "renewal_blocks": _one({"c": "#b8860b", "o": 0.28, "s": "#7a5200", "w": 2.2}, "block_id"),
    "reuse_assets": lambda f, tongue: _listed(f, "uses_allowed", symbols.VERDICTS, tongue, more=_VERDICT),
    "reuse_sites": _one({"c": "#e6701a", "s": "#ffffff", "w": 2, "r": 7.5, "o": 0.95}),
    "areas": _one({"c": None, "s": "#6b5b73", "w": 1.4, "d": "8 3 2 3"}, "name"),
    "parcels": _land_use,
    "buildings": lambda f, t: _listed(f, "use", _words(symbols.USES, {"o": 0.85, "s": "#6b6459", "w": 0.5}), t),
    "constraints": lambda f, t: _listed(
        f,
        "kind",
        {
            k: (zh, en, {**look, "s": look["c"]})
            for k, (zh, en, look) in _words(symbols.CONSTRAINTS, {"o": 0.18, "w": 1.5, "d": "6 3"}).items()
        },
        t,
    ),
    "barriers": lambda f, t: _listed(f, "kind", _words(symbols.BARRIERS, {"w": 2}), t),
    "gates": lambda f, t: _listed(f, "state", _GATES, t),
    "facilities": _facilities,
    "parks": _one({"c": "#8fc06c", "o": 0.9, "s": "#5d9140", "w": 1}),
    "pipes": lambda f, t: _listed(f, "network", _words(symbols.NETWORKS, {"w": 2.2}), t),
    "streets": _one({"c": "#a49d90", "w": 1.6, "o": 0.8}),
    "homes": _one({"c": "#4a4a4a", "r": 2, "w": 0.5, "o": 0.9}),
    "entrances": _one({"c": "#ffffff", "s": "#2e7d32", "r": 2.5, "w": 1}),
    "pipe_nodes": _one({"c": "#4a4a4a", "r": 1.6, "w": 0.4}),
}


# -- as QGIS writes it ---------------------------------------------------------------------------------------------------


def _shape(frame: gpd.GeoDataFrame) -> str:
    kinds = set(frame.geom_type.dropna().unique())
    return (
        "marker" if kinds & {"Point", "MultiPoint"} else "line" if kinds & {"LineString", "MultiLineString"} else "fill"
    )


def _qml(frame: gpd.GeoDataFrame, style: _Style, language: str, name: str) -> ET.Element:
    root = ET.Element("qgis", version=_VERSION, styleCategories="Symbology|Labeling|Fields|Forms")
    _dress(root, frame, style, language, name)
    return root


def _dress(root: ET.Element, frame: gpd.GeoDataFrame, style: _Style, language: str, name: str) -> None:
    """Renderer, labels, aliases and words of codes, below `root`."""
    root.set("labelsEnabled", str(int(bool(style.text))))
    ranged = bool(style.by) and bool(style.classes) and isinstance(style.classes[0].value, tuple)
    kind = "singleSymbol" if not style.by or not style.classes else "graduatedSymbol" if ranged else "categorizedSymbol"
    renderer = ET.SubElement(root, "renderer-v2", type=kind, enableorderby=str(int(bool(style.largest_first))))
    shape = _shape(frame)
    if kind != "singleSymbol":
        renderer.set("attr", style.by)
        list_ = ET.SubElement(renderer, "ranges" if ranged else "categories")
        if ranged:
            renderer.set("graduatedMethod", "GraduatedColor")
        for place, entry in enumerate(style.classes):
            said = {"symbol": str(place), "label": entry.label, "render": "true"}
            if ranged:
                ET.SubElement(list_, "range", said, lower=f"{entry.value[0]:.10g}", upper=f"{entry.value[1]:.10g}")
            else:
                number = not isinstance(entry.value, str)
                value = f"{entry.value:g}" if number else entry.value
                ET.SubElement(list_, "category", said, value=value, type="double" if number else "string")
    drawn = ET.SubElement(renderer, "symbols")
    for place, entry in enumerate(style.classes or [_Class(None, "", {"c": "#8a8f98"})]):
        _symbol(drawn, str(place), shape, entry.look)
    if style.largest_first:
        order = ET.SubElement(renderer, "orderby")
        ET.SubElement(order, "orderByClause", asc="0", nullsFirst="0").text = f'"{style.largest_first}"'
    if style.text:
        _labels(root, style.text)
    _fields(root, frame, language, name)


def _symbol(parent: ET.Element, name: str, shape: str, look: _Look) -> None:
    opacity = float(look.get("o", 1.0))
    symbol = ET.SubElement(parent, "symbol", name=name, type=shape, alpha="1", clip_to_extent="1", force_rhr="0")
    line = _colour(look.get("s", "#5b6670"), 1.0)
    width = f"{float(look.get('w', 1)) * _MM:.3f}"
    dashed = "dash" if look.get("d") else "solid"
    filled = look.get("c")
    if shape == "marker":
        said = {
            "name": "circle",
            "color": _colour(filled or "#ffffff", opacity),
            "outline_color": line,
            "outline_style": "solid",
            "outline_width": width,
            "outline_width_unit": "MM",
            "size": f"{2 * float(look.get('r', 3)) * _MM:.3f}",
            "size_unit": "MM",
        }
    elif shape == "line":
        said = {
            "line_color": _colour(filled or "#777777", opacity),
            "line_style": dashed,
            "line_width": width,
            "line_width_unit": "MM",
            "capstyle": "round",
            "joinstyle": "round",
        }
    else:
        said = {
            "color": _colour(filled or "#ffffff", opacity if filled else 0.0),
            "style": "solid" if filled else "no",
            "outline_color": line,
            "outline_style": dashed,
            "outline_width": width,
            "outline_width_unit": "MM",
            "joinstyle": "bevel",
        }
    classes = {"marker": "SimpleMarker", "line": "SimpleLine", "fill": "SimpleFill"}
    layer = ET.SubElement(symbol, "layer", {"class": classes[shape]}, enabled="1", locked="0")
    layer.set("pass", "0")
    options = ET.SubElement(layer, "Option", type="Map")
    for key, value in said.items():
        ET.SubElement(options, "Option", name=key, type="QString", value=value)
    for key, value in said.items():  # as QGIS before 3.22 reads them
        ET.SubElement(layer, "prop", k=key, v=value)


def _colour(code: str, opacity: float) -> str:
    red, green, blue = (int(code[place : place + 2], 16) for place in (1, 3, 5))
    return f"{red},{green},{blue},{round(255 * opacity)}"


def _labels(root: ET.Element, column: str) -> None:
    settings = ET.SubElement(ET.SubElement(root, "labeling", type="simple"), "settings")
    style = ET.SubElement(
        settings,
        "text-style",
        fieldName=column,
        isExpression="0",
        fontSize="9",
        fontSizeUnit="Point",
        textColor="40,40,40,255",
        textOpacity="1",
    )
    ET.SubElement(
        style,
        "text-buffer",
        bufferDraw="1",
        bufferSize="0.8",
        bufferSizeUnits="MM",
        bufferColor="255,255,255,255",
        bufferOpacity="1",
    )
    ET.SubElement(settings, "placement", placement="1")


def _fields(root: ET.Element, frame: gpd.GeoDataFrame, language: str, name: str) -> None:
    held = geopackage.columns(frame)
    own = labels.of_sheet(name, language)
    forms = ET.SubElement(root, "fieldConfiguration")
    for column, values in held.items():
        words = _codes(values) if column in labels.CODED else []
        if words:
            widget = ET.SubElement(ET.SubElement(forms, "field", name=column), "editWidget", type="ValueMap")
            map_ = ET.SubElement(
                ET.SubElement(ET.SubElement(widget, "config"), "Option", type="Map"), "Option", type="List", name="map"
            )
            for code in words:
                ET.SubElement(
                    ET.SubElement(map_, "Option", type="Map"),
                    "Option",
                    name=labels.word(code, language, own),
                    type="QString",
                    value=code,
                )
    aliases = ET.SubElement(root, "aliases")
    for place, column in enumerate(held, start=1):  # the first field is the GeoPackage's own number
        ET.SubElement(aliases, "alias", index=str(place), field=column, name=labels.titled(column, language, own))


def _codes(values: "pd.Series[Any]") -> list[str]:
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        return []
    found = sorted(values.dropna().astype("str").unique().tolist())
    return found if len(found) <= _MOST_WORDS else []


def _project(
    frames: Mapping[str, Mapping[str, Any]], entries: Iterable[_Entry], title: str, crs: Any, language: str
) -> ET.Element:
    entries = list(entries)
    # QGIS gives another id to a layer whose id is short
    ids = {entry: f"lifecircle_{place:03d}_{entry.layer}" for place, entry in enumerate(entries)}
    root = ET.Element("qgis", projectname=title, version=_VERSION)
    ET.SubElement(root, "title").text = title
    _crs(ET.SubElement(root, "projectCrs"), crs)
    tree = ET.SubElement(root, "layer-tree-group")
    for group, names in _GROUPS.items():
        mine = [entry for entry in entries if entry.group == group]
        if mine:
            branch = ET.SubElement(
                tree, "layer-tree-group", name=names[language != "zh"], expanded="1", checked="Qt::Checked"
            )
            for entry in mine:
                ET.SubElement(
                    branch,
                    "layer-tree-layer",
                    id=ids[entry],
                    name=entry.name,
                    checked="Qt::Checked" if entry.shown else "Qt::Unchecked",
                    expanded=str(int(entry.shown)),
                    providerKey="ogr",
                    source=_source(entry),
                )
    _canvas(ET.SubElement(root, "mapcanvas", name="theMapCanvas"), frames, entries, crs)
    held = ET.SubElement(root, "projectlayers")
    for entry in entries:
        frame = frames[entry.file][entry.layer]
        kind = {"marker": "Point", "line": "Line", "fill": "Polygon"}[_shape(frame)]
        layer = ET.SubElement(held, "maplayer", type="vector", geometry=kind)
        for key, text in (("id", ids[entry]), ("datasource", _source(entry)), ("layername", entry.name)):
            ET.SubElement(layer, key).text = text
        _crs(ET.SubElement(layer, "srs"), frame.crs if frame.crs is not None else crs)
        ET.SubElement(layer, "provider", encoding="UTF-8").text = "ogr"
        _dress(layer, frame, _looks(entry.layer, frame, language)[entry.style], language, entry.layer)
    properties = ET.SubElement(root, "properties")
    ET.SubElement(ET.SubElement(properties, "Paths"), "Absolute", type="bool").text = "false"
    ET.SubElement(ET.SubElement(properties, "SpatialRefSys"), "ProjectionsEnabled", type="int").text = "1"
    return root


def _source(entry: _Entry) -> str:
    return f"./{entry.file}|layername={entry.layer}" + (f"|subset={entry.rows}" if entry.rows else "")


def _crs(parent: ET.Element, crs: Any) -> None:
    said = ET.SubElement(parent, "spatialrefsys", nativeFormat="Wkt")
    authority = crs.to_authority(min_confidence=100)
    ET.SubElement(said, "wkt").text = crs.to_wkt()
    ET.SubElement(said, "authid").text = ":".join(authority) if authority else ""
    ET.SubElement(said, "description").text = crs.name
    ET.SubElement(said, "geographicflag").text = str(crs.is_geographic).lower()


def _canvas(canvas: ET.Element, frames: Mapping[str, Mapping[str, Any]], entries: list[_Entry], crs: Any) -> None:
    """What is seen first: the layers that are shown, a little air around them."""
    shown = [frames[entry.file][entry.layer] for entry in entries if entry.shown] or [
        frames[e.file][e.layer] for e in entries
    ]
    ET.SubElement(canvas, "units").text = "degrees" if crs.is_geographic else "meters"
    if shown:
        bounds = np.array([frame.total_bounds for frame in shown])
        low, high = np.nanmin(bounds[:, :2], axis=0), np.nanmax(bounds[:, 2:], axis=0)
        air = (high - low) * 0.03
        box = ET.SubElement(canvas, "extent")
        for key, value in zip(("xmin", "ymin", "xmax", "ymax"), [*(low - air), *(high + air)], strict=True):
            ET.SubElement(box, key).text = f"{value:.3f}"
    _crs(ET.SubElement(canvas, "destinationsrs"), crs)


# what XML 1.0 has no place for
_ILLEGAL = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff]"


def _text(root: ET.Element, name: str) -> str:
    ET.indent(root, space=" ")
    body = re.sub(_ILLEGAL, "\ufffd", ET.tostring(root, encoding="unicode"))
    return f"<!DOCTYPE {name} PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{body}\n"
