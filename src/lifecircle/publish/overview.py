"""The overview map of a place: its layers, what residents reach on foot, gaps and candidate land, in one HTML file."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle import standards
from lifecircle.errors import CrsError, OutputError
from lifecircle.publish import archive, basemaps, circle_layers, labels, page, reuse_layers, symbols
from lifecircle.publish.drawing import Drawing, codes_of, named, only

_GROUPS: Mapping[str, tuple[str, str]] = {
    "coverage": ("生活圈", "Life circle"),
    "places": ("设施与出行", "Facilities and streets"),
    "land": ("用地与建筑", "Land and buildings"),
    "blocks": ("更新片区", "Renewal blocks"),
    "reuse": ("闲置资产", "Idle assets"),
    "parks": ("公园绿地", "Parks"),
    "pipes": ("地下管网", "Pipes"),
    "limits": ("边界与管控", "Boundaries and limits"),
    "own": ("数据", "Data"),
}
_ANSWERS: Mapping[str, tuple[str, str]] = {
    "yes": ("符合", "yes"),
    "no": ("不符合", "no"),
    "not known": ("未知", "not known"),
    "indicative yes": ("参考：符合", "indicative: yes"),
    "indicative no": ("参考：不符合", "indicative: no"),
    "pass": ("符合", "pass"),
    "fail": ("不符合", "fail"),
    "indicative pass": ("参考：符合", "indicative: pass"),
    "indicative fail": ("参考：不符合", "indicative: fail"),
}
_WIDE = ("motorway", "trunk", "primary", "secondary")
_NARROW = ("footway", "path", "steps", "pedestrian", "track", "corridor", "cycleway")


Layers = Mapping[str, gpd.GeoDataFrame | pd.DataFrame]
# what a page says in one language for all of them, or in each
Told = str | Mapping[str, str]
Figures = pd.DataFrame | Mapping[str, pd.DataFrame] | None
LANGUAGES: Mapping[str, tuple[str, ...]] = {"zh": ("zh",), "en": ("en",), "both": ("zh", "en")}


def write(
    layers: Layers,
    path: Path | str,
    *,
    title: Told,
    language: str = "zh",
    synthetic: bool = False,
    note: Told = "",
    summary: Figures = None,
    words: Mapping[str, str] | None = None,
    basemap: Path | str | None = None,
) -> None:
    """Draw the overview map and write it to `path`: one file, the same bytes on every run. See `draw`.

    Raises
    ------
    OutputError
        Nothing to draw, or a file that cannot be written.
    """
    drawn = draw(
        layers,
        title=title,
        language=language,
        synthetic=synthetic,
        note=note,
        summary=summary,
        words=words,
        basemap=basemap,
    )
    save(drawn, path)


def save(drawn: folium.Map, path: Path | str) -> None:
    """Write a map to `path` as one file that carries all it needs.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    path = Path(path)
    try:
        path.write_text(drawn.get_root().render(), encoding="utf-8", newline="\n", errors="replace")
    except OSError as error:
        raise OutputError(f"{path.name} cannot be written: {error.strerror or error}.") from error


def draw(
    layers: Layers,
    *,
    title: Told,
    language: str = "zh",
    synthetic: bool = False,
    note: Told = "",
    summary: Figures = None,
    words: Mapping[str, str] | None = None,
    basemap: Path | str | None = None,
) -> folium.Map:
    """The overview map; however it is rendered, saved or shown, it asks nothing of the network without a basemap.

    Parameters
    ----------
    layers
        By name, in one coordinate system or several; names the map does not know, and layers that are None or without
        rows, are passed over. Canonical tables, and ``coverage_areas``, ``coverage_homes``, ``service_areas``, ``edge_of_data``,
        ``gaps``, ``gap_areas``, ``gap_grid``, ``land``, ``renewal_blocks``, ``park_reach``, ``pipes_screen``, ``reuse_assets``, ``reuse_sites``.
        The tables ``coverage_town``, ``gap_missing``, ``renewal_block_evidence``, ``reuse_options``, ``reuse_criteria`` and ``reuse_rules`` are
        not drawn (nor is ``land_rules``, which names the rules); they say which service areas are shown first, what is missing in a gap area, why a plot is in a block, and what an
        idle asset could become and why.
    title
        The name of the place.
    language
        ``zh``, ``en``, or ``both``: a page with a button that turns it from one into the other.
    synthetic
        Mark the place as made up.
    summary
        A few figures for the title box: a text and its value, from the first two columns, or the index and the first column;
        a column ``more``, where there is one, goes below the value in small print. Title, note and summary may be given by language.
    note
        What is said below them, a line each; a line that begins with ``⚠`` stands above them instead.
    words
        Words for codes and headings for columns, before those lifecircle knows.
    basemap
        What lies below, see `basemaps.find`: a name such as ``osm``, the address of map tiles, or a file of tiles. With an
        address, and only then, the page asks the network: for these tiles.

    Raises
    ------
    OutputError
        Nothing to draw, or a basemap that cannot be used.
    CrsError
        A layer without coordinate system.
    """
    ground = basemaps.find(basemap) if basemap is not None else None
    prepared = prepare(layers, title=title, language=language, words=words, ground=ground)
    cover = Cover(title=title, subtitle=SUBTITLE, synthetic=synthetic, note=note, summary=summary)
    return assemble(prepared, cover)


SUBTITLE = ("步行生活圈与用地总览", "Walking life circle and land: overview")


@dataclass(frozen=True, kw_only=True)
class Cover:
    """What the title box of a page says; see `draw`."""

    title: Told
    subtitle: tuple[str, str]
    synthetic: bool = False
    note: Told = ""
    summary: Figures = None


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Layers made ready for any number of pages: a drawing a language, what they show in degrees, and the ground below."""

    drawings: Sequence[Drawing]
    places: Mapping[str, gpd.GeoDataFrame]
    ground: basemaps.Ground | None


def prepare(
    layers: Layers,
    *,
    title: Told,
    language: str = "zh",
    words: Mapping[str, str] | None = None,
    ground: basemaps.Ground | None = None,
) -> Prepared:
    """Everything that is drawn of `layers`, ready for `assemble`; the frames themselves are not written into. See `draw`."""
    if language not in LANGUAGES:
        raise OutputError(f"The language of a map is {', '.join(LANGUAGES)}; {language!r} is none of them.")
    given = {name: frame for name, frame in layers.items() if frame is not None and len(frame)}
    tables = {name: frame for name, frame in given.items() if not isinstance(frame, gpd.GeoDataFrame)}
    places = {name: _placed(name, frame) for name, frame in given.items() if name in MAKERS}
    places = {name: frame for name, frame in places.items() if len(frame)}
    if ground is not None and ground.shift is not None:
        places = {name: basemaps.shifted(frame, ground.shift) for name, frame in places.items()}
    drawings = []
    for each in LANGUAGES[language]:
        sheet = Drawing(
            language=each, words=_rule_names(tables.get("land_rules"), each) | dict(words or {}), tables=tables
        )
        for name, maker in MAKERS.items():
            if name in places:
                maker(sheet, places[name], places)
        drawings.append(sheet)
    if not drawings[0].drawn:
        raise OutputError(f"The map of {_in(title, LANGUAGES[language][0])} has no layer with anything to draw.")
    return Prepared(drawings=drawings, places=places, ground=ground)


def assemble(
    prepared: Prepared,
    cover: Cover,
    *,
    keys: Collection[str] | None = None,
    shown: Collection[str] | None = None,
    compare: Sequence[tuple[str, str]] = (),
) -> folium.Map:
    """A page of what was prepared: all of it or the layers `keys`, with those `shown` at first.

    With `compare`, the names of two states, the page has two maps side by side; a layer whose table says ``side`` stands on that one only.
    """
    first = prepared.drawings[0]
    drawn = [key for key in first.drawn if keys is None or key in keys]
    if not drawn:
        raise OutputError(f"The map of {_in(cover.title, first.language)} has no layer with anything to draw.")
    west, south, east, north = _opening(prepared.places)
    ground = prepared.ground
    out = page.make(
        str(_in(cover.title, first.language)),
        center=[(south + north) / 2, (west + east) / 2],
        attribution=ground is not None,
    )
    said = {"bounds": [[south, west], [north, east]]}
    if ground is not None:
        said |= ground.carried([west, south, east, north])
        for tiles in ground.layers():
            out.add_child(tiles)
    opened = [key for key in drawn if (first.drawn[key].show if shown is None else key in shown)]
    pages = [
        said
        | _content(sheet, cover, drawn, opened, ground)
        | {"compare": [names[sheet.language != "zh"] for names in compare]}
        for sheet in prepared.drawings
    ]
    held = page.Start(pages=pages)
    out.add_child(held)
    for key in drawn:
        specs = [sheet.drawn[key].spec for sheet in prepared.drawings]
        out.add_child(page.Features(key, specs, held, label=str(specs[0]["name"]), show=key in opened))
    page.fix_ids(out.get_root())
    return out


def _rule_names(rules: pd.DataFrame | None, language: str) -> dict[str, str]:
    """What the land rules of a study's own edition are called."""
    column = f"name_{language}"
    return (
        {}
        if rules is None or column not in rules
        else dict(zip(rules["rule"], rules[column].astype("str"), strict=True))
    )


def _in(told: Any, language: str) -> Any:
    """What is told in a language, where it is told in several."""
    return told.get(language, next(iter(told.values()))) if isinstance(told, Mapping) else told


_ABOUT = (
    *("land_use", "land_group", "industry", "tax_yuan", "rules_yes", "rules_no", "rules_not_known", "confidence"),
    *("standing", "_hangs_on", "exemption", "idle", "not_supplied"),
)
_SILENT = {"name", "_id", "_use", "_status", "_reasons", "_kind", "parcel_id", "asset_id", "land_use_edition"}


def _placed(name: str, given: gpd.GeoDataFrame | pd.DataFrame) -> gpd.GeoDataFrame:
    """The rows that have a place, in degrees."""
    if not isinstance(given, gpd.GeoDataFrame) or given.active_geometry_name is None:
        return gpd.GeoDataFrame(geometry=[], crs=4326)
    if given.crs is None:
        raise CrsError(f"The layer {name} has no coordinate system, so it cannot be put on a map.")
    frame: gpd.GeoDataFrame = given[~(given.geometry.isna() | given.geometry.is_empty)]
    if name in circle_layers.TRACED:
        frame = circle_layers.simplified(frame)
    frame = frame.to_crs(4326)
    frame = frame[np.isfinite(frame.bounds.to_numpy()).all(axis=1)].copy()
    index = frame.index.name
    if index is not None and index not in frame:
        frame[index] = frame.index
        frame.index.name = None
    return frame


def _opening(places: Mapping[str, gpd.GeoDataFrame]) -> tuple[float, float, float, float]:
    """What the map opens on: the areas, as far as there are streets in them; a county's outline is not the town."""
    areas = next((places[name] for name in ("coverage_areas", "areas", "parcels") if name in places), None)
    if areas is None or "streets" not in places:
        return _bounds([areas] if areas is not None else list(places.values()))
    west, south, east, north = _bounds([areas])
    left, bottom, right, top = _bounds([places["streets"]])
    inner = max(west, left), max(south, bottom), min(east, right), min(north, top)
    return inner if inner[0] < inner[2] and inner[1] < inner[3] else (west, south, east, north)


def _bounds(frames: Sequence[gpd.GeoDataFrame]) -> tuple[float, float, float, float]:
    every = np.array([frame.total_bounds for frame in frames])
    west, south = every[:, :2].min(axis=0).round(6).tolist()
    east, north = every[:, 2:].max(axis=0).round(6).tolist()
    return west, south, east, north


# -- one function a layer, in drawing order, the lowest first ------------------------------------------------------------


def _add_constraints(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    frame = only(frame, "area")
    classes = [
        {"l": sheet.word(kind), "c": colour, "o": 0.18, "s": colour, "w": 1.5, "d": "6 3"}
        for kind, colour in symbols.CONSTRAINTS.items()
    ]
    classes.append({"l": sheet.say("其他", "Other"), "c": "#777777", "o": 0.15, "s": "#777777", "d": "6 3"})
    sheet.add(
        "constraints",
        frame,
        group="limits",
        kind="area",
        name=sheet.say("管控线", "Limits"),
        classes=classes,
        codes=codes_of(frame["kind"], list(symbols.CONSTRAINTS), other=len(classes) - 1),
        title=["name"],
        tip=["kind"],
    )


def _add_parcels(sheet: Drawing, frame: gpd.GeoDataFrame, places: Mapping[str, gpd.GeoDataFrame]) -> None:
    frame = only(frame, "area").copy()
    frame["_id"] = frame.index.astype("str")
    codes, uses = symbols.land_use(_column(frame, "land_use"), _column(frame, "land_use_edition"))
    known, unknown = (
        {"o": 0.7, "s": "#7d7d75", "w": 0.7},
        {"c": "#ffffff", "o": 0.4, "s": "#9a9a92", "w": 0.7, "d": "3 2"},
    )
    classes = [{"l": sheet.say(zh, en), **({"c": colour, **known} if colour else unknown)} for zh, en, colour in uses]
    used = np.array([entry["l"] for entry in classes], dtype=object)[codes]
    frame["_use"] = pd.Series(used, index=frame.index, dtype="str")
    more = [c for c in frame.columns if c not in {*_SILENT, frame.geometry.name}]
    sheet.add(
        "parcels",
        frame,
        group="land",
        kind="area",
        name=sheet.say("用地现状", "Land use"),
        classes=classes,
        codes=codes,
        title=["name", "_id"],
        tip=["_id", "_use", "site_area_m2", "far"],
        pop=["_id", "_use", *more],
    )
    if "land" not in places:
        _find_parcels(sheet, "parcels", frame)


def _column(frame: pd.DataFrame, name: str) -> "pd.Series[str]":
    """A text column, missing throughout where the frame has none."""
    return frame[name].astype("str") if name in frame else pd.Series(np.nan, index=frame.index).astype("str")


def _find_parcels(sheet: Drawing, key: str, frame: gpd.GeoDataFrame) -> None:
    ids = pd.Series(frame.index.astype("str"), index=frame.index, dtype="str")
    names = ids + (" " + frame["name"].astype("str")).fillna("") if "name" in frame else ids
    sheet.find(key, frame, names, what=sheet.say("地块", "Parcel"))


def _add_park_reach(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    kind = "area" if frame.geom_type.isin(["Polygon", "MultiPolygon"]).any() else "point"
    frame = only(frame, kind)
    tip = [c for c in frame.columns if c not in {*_SILENT, "source", "definition", frame.geometry.name}][:5]
    colours = ("#4c8a35", "#1b7f79", "#8a7a1f", "#5b5b9a")
    few = kind == "area" and "name" in frame and 1 < len(frame) <= len(colours)
    classes = [
        {"l": name, "c": colour, "o": 0.16, "s": colour, "w": 1.6, "d": "6 3"}
        for name, colour in zip(named(frame) if few else [""], colours, strict=False)
    ]
    sheet.add(
        "park_reach",
        frame,
        group="parks",
        kind=kind,
        name=sheet.say("公园服务范围", "Served by parks"),
        classes=classes,
        codes=np.arange(len(frame)) if few else None,
        title=["name"],
        tip=tip,
        rank=6,
    )


def _add_parks(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    frame = only(frame, "area")
    sheet.add(
        "parks",
        frame,
        group="parks",
        kind="area",
        name=sheet.say("公园绿地", "Parks"),
        classes=[{"l": "", "c": "#8fc06c", "o": 0.9, "s": "#5d9140", "w": 1}],
        title=["name"],
        tip=["kind", "site_area_m2"],
        show=True,
        rank=6,
    )
    if "name" in frame:
        sheet.find("parks", frame, frame["name"].astype("str"), what=sheet.say("公园", "Park"))


def _add_land(sheet: Drawing, frame: gpd.GeoDataFrame, places: Mapping[str, gpd.GeoDataFrame]) -> None:
    frame = only(frame, "area").copy()
    for flag in labels.flags() & set(frame.columns):
        frame[flag] = frame[flag].astype("boolean")
    status = "candidate" if "candidate" in frame else "class"
    frame["_id"] = frame.index.astype("str") if "parcel_id" not in frame else frame["parcel_id"].astype("str")
    if "name" not in frame and "parcels" in places and "name" in places["parcels"]:
        frame["name"] = places["parcels"]["name"].reindex(frame["_id"]).to_numpy()
    rules = [c.removesuffix("_threshold") for c in frame.columns if str(c).endswith("_threshold")]
    rules = [rule for rule in rules if rule in frame]
    used = {*rules, *(f"{rule}{end}" for rule in rules for end in ("_value", "_threshold", "_source", "_mark"))}
    asked = [c for c in frame.columns if c not in used | {*_SILENT, "hangs_on", "source", frame.geometry.name}]
    order = list(symbols.CANDIDATES)
    frame["_status"] = (
        frame[status].astype("str").map({code: sheet.say(zh, en) for code, (zh, en, _) in symbols.CANDIDATES.items()})
    )
    if "reasons" in frame:
        frame["_reasons"] = (
            frame["reasons"]
            .astype("str")
            .map({text: _reasons(sheet, str(text)) for text in frame["reasons"].dropna().unique()})
        )
    if "hangs_on" in frame:
        hangs = frame["hangs_on"].astype("str")
        frame["_hangs_on"] = hangs.where(hangs != "").map(
            {text: _hangs_on(sheet, str(text)) for text in hangs.dropna().unique()}
        )
    sheet.add(
        "land",
        frame,
        group="land",
        kind="area",
        name=sheet.say("低效用地筛查", "Low-efficiency land"),
        classes=[{"l": sheet.say(zh, en), **look, "w": 1} for zh, en, look in symbols.CANDIDATES.values()],
        codes=codes_of(frame[status], order, other=order.index("not known")),
        title=["name", "_id"],
        tip=["_id", "_status", "_reasons"],
        pop=["_id", "_status", "_reasons", *[c for c in _ABOUT if c in frame]],
        more={
            "rules": [_rule(sheet, frame, rule) for rule in rules],
            "measures": sheet.fields(frame, [c for c in asked if c not in {*_ABOUT, status, "reasons"}]),
        },
        extra={"front": 1},
        show="coverage_areas" not in places,
        rank=3,
    )
    _find_parcels(sheet, "land", frame.set_index("_id", drop=False))
    _rank_land(sheet, frame, status)


def _rank_land(sheet: Drawing, frame: pd.DataFrame, status: str) -> None:
    """Candidates, the largest first."""
    area = next((c for c in ("area_m2", "site_area_m2") if c in frame), None)
    if area is None:
        return
    rows = pd.DataFrame(
        {
            "at": np.arange(len(frame)),
            "name": named(frame.set_index("_id", drop=False)).to_numpy(),
            "size": frame[area].to_numpy(dtype="float64", na_value=np.nan),
            "more": frame["_reasons"].to_numpy() if "_reasons" in frame else None,
        }
    )[(frame[status] == "candidate").to_numpy()]
    rows = rows.sort_values(["size", "name"], ascending=[False, True], kind="stable")
    rows["value"] = (rows["size"] / standards.parameter("ha_m2")).map("{:,.2f} ha".format, na_action="ignore")
    sheet.ranking("land", sheet.say("低效用地候选（按面积）", "Low-efficiency land by area"), rows)


def _add_renewal_blocks(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    frame = only(frame, "area").copy()
    frame["block_id"] = frame["block_id"].astype("str") if "block_id" in frame else frame.index.astype("str")
    keep = [
        c for c in ("demolition_share", "demolition_share_kept", "rebuild_ratio", "rebuild_ratio_kept") if c in frame
    ]
    shown = [
        str(c)
        for c in frame
        if c not in {*_SILENT, "block_id", "cluster", *keep, "beyond_most_share", frame.geometry.name}
    ]
    sheet.add(
        "renewal_blocks",
        frame,
        group="blocks",
        kind="area",
        name=sheet.say("更新片区", "Renewal blocks"),
        classes=[{"l": "", "c": "#b8860b", "o": 0.28, "s": "#7a5200", "w": 2.2}],
        title=["block_id"],
        tip=[c for c in ("plots", "plots_m2", "residents", "dwellings", "main_use") if c in frame],
        pop=[*shown, *keep],
        keep=keep,
        more={
            "list": {
                "title": sheet.say("依据（面积大的地块在前）", "Evidence, the largest plots first"),
                "heads": [
                    sheet.say("地块", "Plot"),
                    sheet.say("理由", "Why"),
                    sheet.say("面积（平方米）", "Area (m²)"),
                ],
                "num": [0, 0, 1],
                "rows": _plots_of(sheet, frame["block_id"].tolist()),
            }
        },
        extra={"front": 1},
        rank=3,
    )
    sheet.find("renewal_blocks", frame, frame["block_id"], what=sheet.say("更新片区", "Renewal block"))
    if "plots_m2" in frame:
        rows = pd.DataFrame({"at": np.arange(len(frame)), "name": frame["block_id"], "size": frame["plots_m2"]})
        rows = rows.sort_values(["size", "name"], ascending=[False, True], kind="stable")
        rows["value"] = (rows["size"] / standards.parameter("ha_m2")).map("{:,.2f} ha".format, na_action="ignore")
        if "main_use" in frame:
            rows["more"] = frame["main_use"].map(sheet.word, na_action="ignore")
        sheet.ranking("renewal_blocks", sheet.say("更新片区（按面积）", "Renewal blocks by area"), rows)


def _plots_of(sheet: Drawing, block_ids: Sequence[str], most: int = 20) -> list[list[list[Any]]]:
    """For each block its plots with why they are in it, the largest first, and how many are left off."""
    table = sheet.tables.get("renewal_block_evidence")
    if table is None:
        return [[] for _ in block_ids]
    comma = sheet.say("、", ", ")
    why = {text: comma.join(sheet.word(code) for code in text.split(", ")) for text in table["why"].unique()}
    cells = pd.DataFrame(
        {"plot": table["plot_id"].astype("str"), "why": table["why"].map(why), "area": table["plot_m2"].round()}
    )
    of = table["block_id"].astype("str")
    order = cells.assign(of=of).sort_values(["area", "plot"], ascending=[False, True], kind="stable")
    first = order[order.groupby("of").cumcount() < most]
    rows = {block: part[["plot", "why", "area"]].values.tolist() for block, part in first.groupby("of")}
    over = (of.value_counts() - most).clip(lower=0)
    more = sheet.say("另有 {:.0f} 块，见表", "{:.0f} more, see the table")
    return [
        [*rows.get(block, []), *([[more.format(over[block]), "", ""]] if over.get(block, 0) else [])]
        for block in block_ids
    ]


def _reasons(sheet: Drawing, text: str) -> str:
    """Rules by name, where a text lists them by their codes."""
    return sheet.say("；", "; ").join(sheet.rule(code) for code in text.split(", ")) if text else ""


def _hangs_on(sheet: Drawing, text: str) -> str:
    """The rules and columns that a text such as ``L1 far, L5a far`` names, in words."""
    pairs = [part.split(" ", 1) for part in text.split(", ")] if text else []
    return sheet.say("；", "; ").join(f"{sheet.rule(rule)} ({sheet.heading(column)})" for rule, column in pairs)


def _rule(sheet: Drawing, frame: pd.DataFrame, rule: str) -> dict[str, Any]:
    answers = frame[rule]
    if pd.api.types.is_bool_dtype(answers.dtype):
        answers = answers.astype("boolean").map({True: "yes", False: "no"}).astype("str").fillna("not known")
    threshold = frame[f"{rule}_threshold"].dropna()
    codes, unique = pd.factorize(answers.astype("str").fillna("not known"))
    out: dict[str, Any] = {
        "l": sheet.rule(rule),
        "a": {"w": [str(answer) for answer in unique], "v": archive.codes(codes)},
        "h": sheet.said(str(threshold.iloc[0])) if len(threshold) else "",
    }
    if f"{rule}_value" in frame and (value := sheet.field(frame, f"{rule}_value")) is not None:
        out["v"] = value
    if f"{rule}_source" in frame and len(source := frame[f"{rule}_source"].dropna()):
        out["s"] = str(source.iloc[0])
        if f"{rule}_mark" in frame and len(mark := frame[f"{rule}_mark"].dropna()):
            out["s"] += f" ({mark.iloc[0]})"
    return out


def _add_buildings(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    frame = only(frame, "area")
    order = list(symbols.USES)
    classes = [
        {"l": sheet.word(use), "c": colour, "o": 0.85, "s": "#6b6459", "w": 0.5} for use, colour in symbols.USES.items()
    ]
    classes.append(
        {"l": sheet.say("其他或未知", "Other or not known"), "c": "#cfc9bf", "o": 0.85, "s": "#6b6459", "w": 0.5}
    )
    use = frame["use"] if "use" in frame else pd.Series("", index=frame.index)
    sheet.add(
        "buildings",
        frame,
        group="land",
        kind="area",
        name=sheet.say("建筑", "Buildings"),
        classes=classes,
        codes=codes_of(use, order, other=len(order)),
        title=["name"],
        tip=["use", "floors", "floor_area_m2", "built_year", "danger_class", "vacant"],
    )


def _add_areas(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    frame = only(frame, "area")
    sheet.add(
        "areas",
        frame,
        group="limits",
        kind="area",
        name=sheet.say("社区边界", "Communities"),
        classes=[{"l": "", "c": None, "o": 0, "s": "#6b5b73", "w": 1.4, "d": "8 3 2 3"}],
        extra={"still": 1},
    )


def _add_streets(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    frame = only(frame, "line")
    rank = frame["class"].astype("str").fillna("") if "class" in frame else pd.Series("", index=frame.index)
    bare = rank.str.removesuffix("_link")
    codes = np.select([bare.isin(_WIDE), bare.isin(_NARROW)], [0, 2], 1)
    names = (sheet.say("主要道路", "Main street"), sheet.say("一般道路", "Street"), sheet.say("步行道", "Footway"))
    looks: tuple[dict[str, Any], ...] = (
        {"c": "#a49d90", "w": 2.4, "o": 0.8},
        {"c": "#b0a99c", "w": 1.3, "o": 0.75},
        {"c": "#b7ab97", "w": 1, "o": 0.75, "d": "2 3"},
    )
    sheet.add(
        "streets",
        frame,
        group="places",
        kind="line",
        name=sheet.say("道路", "Streets"),
        classes=[{"l": n, **look} for n, look in zip(names, looks, strict=True)],
        codes=codes,
        show=True,
        rank=8,
        extra={"still": 1},
    )


def _add_barriers(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    frame = only(frame, "line")
    looks: dict[str, dict[str, Any]] = {
        "river": {"w": 5, "o": 0.85},
        "wall": {"w": 1.4, "o": 0.9},
        "railway": {"w": 1.4, "d": "8 4"},
        "motorway": {"w": 3},
        "fence": {"w": 1.2, "d": "2 3"},
    }
    classes = [{"l": sheet.word(kind), "c": colour, **looks[kind]} for kind, colour in symbols.BARRIERS.items()]
    classes.append({"l": sheet.say("其他阻隔", "Other barrier"), "c": "#888888", "w": 1.5})
    sheet.add(
        "barriers",
        frame,
        group="places",
        kind="line",
        name=sheet.say("河流与阻隔", "Rivers and barriers"),
        classes=classes,
        codes=codes_of(frame["kind"], list(symbols.BARRIERS), other=len(classes) - 1),
        title=["name"],
        tip=["kind"],
        show=True,
        rank=7,
    )


def _add_pipes(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    frame = only(frame, "line")
    classes = [{"l": sheet.word(network), "c": colour, "w": 2.2} for network, colour in symbols.NETWORKS.items()]
    classes.append({"l": sheet.say("其他", "Other"), "c": "#777777", "w": 2.2})
    sheet.add(
        "pipes",
        frame,
        group="pipes",
        kind="line",
        name=sheet.say("管网类别", "Networks"),
        classes=classes,
        codes=codes_of(frame["network"], list(symbols.NETWORKS), other=len(classes) - 1),
        title=["name", "network"],
        tip=["network", "material", "diameter_mm", "built_year"],
        keep=["material", "built_year"],
    )


def _add_pipes_screen(sheet: Drawing, frame: gpd.GeoDataFrame, places: Mapping[str, gpd.GeoDataFrame]) -> None:
    frame = only(frame, "line").copy()
    status = next((c for c in ("renewal", "candidate", "class") if c in frame), None)
    order = list(symbols.RENEWAL)
    answers = frame[status] if status else pd.Series("not known", index=frame.index)
    frame["_status"] = answers.astype("str").map(
        {code: sheet.say(zh, en) for code, (zh, en, _) in symbols.RENEWAL.items()}
    )
    sheet.add(
        "pipes_screen",
        frame,
        group="pipes",
        kind="line",
        name=sheet.say("管网更新筛查", "Renewal of pipes"),
        classes=[{"l": sheet.say(zh, en), **look} for zh, en, look in symbols.RENEWAL.values()],
        codes=codes_of(answers, order, other=order.index("not known")),
        title=["name", "network"],
        tip=["_status", "network", "material", "built_year", "age_years", "rule"],
        keep=["age_years"],
        extra={"front": 1},
        show="coverage_areas" not in places,
    )


def _add_pipe_nodes(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    frame = only(frame, "point")
    sheet.add(
        "pipe_nodes",
        frame,
        group="pipes",
        kind="point",
        name=sheet.say("管点", "Manholes and nodes"),
        classes=[{"l": "", "c": "#4a4a4a", "r": 2, "w": 0.5, "o": 0.9}],
        title=["kind"],
        tip=["network", "ground_m", "invert_m"],
    )


def _add_gates(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    frame = only(frame, "point")
    state = frame["state"] if "state" in frame else pd.Series("", index=frame.index)
    sheet.add(
        "gates",
        frame,
        group="places",
        kind="point",
        name=sheet.say("小区大门", "Gates"),
        classes=[
            {"l": sheet.say("开放", "Open"), "c": "#ffffff", "s": "#2e7d32", "w": 2, "r": 3.2},
            {"l": sheet.say("封闭", "Closed"), "c": "#b5302a", "s": "#ffffff", "w": 1, "r": 3.6},
            {"l": sheet.say("未知", "Not known"), "c": "#bbbbbb", "s": "#555555", "w": 1, "r": 3.2},
        ],
        codes=codes_of(state, ["open", "closed"], other=2),
        title=["name"],
        tip=["state"],
        keep=["state"],
    )


def _add_assets(sheet: Drawing, frame: gpd.GeoDataFrame, places: Mapping[str, gpd.GeoDataFrame]) -> None:
    if "reuse_assets" in places:  # which has every one of them
        return
    frame = only(frame, "point").copy()
    frame["_id"] = frame.index.astype("str")
    more = [c for c in frame.columns if c not in {*_SILENT, frame.geometry.name}]
    sheet.add(
        "assets",
        frame,
        group="reuse",
        kind="point",
        name=sheet.say("闲置资产", "Idle assets"),
        classes=[{"l": "", "c": "#6a3d9a", "s": "#ffffff", "w": 1.5, "r": 5.5, "o": 0.95}],
        title=["name", "_id"],
        tip=["asset_kind", "floor_area_m2", "danger_class", "title_clear"],
        pop=["_id", *more],
        keep=["danger_class", "title_clear"],
    )
    sheet.find("assets", frame, named(frame), what=sheet.say("闲置资产", "Idle asset"))


def _add_facilities(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    frame = only(frame, "point").copy()
    known = symbols.kinds()
    groups = list(symbols.FACILITY_GROUPS)
    of = frame["kind"].astype("str").map({kind: group for kind, (_, _, group) in known.items()})
    frame["_kind"] = frame["kind"].astype("str").map(sheet.word, na_action="ignore")
    sheet.add(
        "facilities",
        frame,
        group="places",
        kind="point",
        name=sheet.say("公共服务设施", "Facilities"),
        classes=[
            {"l": sheet.say(zh, en), "c": colour, "s": "#ffffff", "w": 1, "r": 4.2, "o": 0.95}
            for zh, en, colour in symbols.FACILITY_GROUPS.values()
        ],
        codes=codes_of(of, groups, other=groups.index("")),
        title=["name", "_kind"],
        tip=["kind"],
        pop=["kind", "floor_area_m2", "site_area_m2", "capacity", "source"],
        show=True,
        rank=4,
    )
    kinds = frame["_kind"]
    names = (frame["name"].astype("str") + " · " + kinds).fillna(kinds) if "name" in frame else kinds
    sheet.find("facilities", frame, names, what=sheet.say("设施", "Facility"))


MAKERS: Mapping[str, Callable[[Drawing, gpd.GeoDataFrame, Mapping[str, gpd.GeoDataFrame]], None]] = {
    "constraints": _add_constraints,
    "coverage_areas": circle_layers.add_coverage_areas,
    "service_areas": circle_layers.add_service_areas,
    "gap_grid": circle_layers.add_gap_grid,
    "gaps": circle_layers.add_gaps,
    "gap_areas": circle_layers.add_gap_areas,
    "edge_of_data": circle_layers.add_edge_of_data,
    "park_reach": _add_park_reach,
    "parcels": _add_parcels,
    "land": _add_land,
    "renewal_blocks": _add_renewal_blocks,
    "parks": _add_parks,
    "buildings": _add_buildings,
    "areas": _add_areas,
    "streets": _add_streets,
    "barriers": _add_barriers,
    "pipes": _add_pipes,
    "pipes_screen": _add_pipes_screen,
    "pipe_nodes": _add_pipe_nodes,
    "coverage_homes": circle_layers.add_coverage_homes,
    "gates": _add_gates,
    "assets": _add_assets,
    "reuse_assets": reuse_layers.add_reuse_assets,
    "reuse_sites": reuse_layers.add_reuse_sites,
    "facilities": _add_facilities,
    "homes_changed": circle_layers.add_homes_changed,
    "scenario": circle_layers.add_scenario,
}


def _content(
    sheet: Drawing, cover: Cover, drawn: Sequence[str], opened: Sequence[str], ground: basemaps.Ground | None
) -> dict[str, Any]:
    """What the page says in one language; rankings of what is shown at first come first."""
    say = sheet.say
    note = str(_in(cover.note, sheet.language))
    lines = [*note.split("\n"), *([] if ground is None else [say(*told) for told in ground.notes])]
    groups = [
        {"id": group, "name": say(*names), "keys": [key for key in reversed(drawn) if sheet.drawn[key].group == group]}
        for group, names in _GROUPS.items()
    ]
    return {
        "language": sheet.language,
        "title": str(_in(cover.title, sheet.language)),
        "subtitle": say(*cover.subtitle),
        "badge": say("虚构示例 · synthetic", "Synthetic example · 虚构示例") if cover.synthetic else "",
        "warn": [line.removeprefix("⚠").strip() for line in lines if line.startswith("⚠")],
        "note": "\n".join(line for line in lines if not line.startswith("⚠")).strip(),
        "summary": _pairs(_in(cover.summary, sheet.language) if isinstance(cover.summary, Mapping) else cover.summary),
        "groups": [group for group in groups if group["keys"]],
        "index": [entry for entry in sheet.index if entry["key"] in drawn],
        "lists": sorted((one for one in sheet.lists if one["key"] in drawn), key=lambda one: one["key"] not in opened),
        "words": {
            "yes": say("是", "yes"),
            "no": say("否", "no"),
            "unknown": say("未知", "not known"),
            "legend": say("图例", "Legend"),
            "layers": say("图层", "Layers"),
            "ranking": say("排名", "Ranking"),
            "list": say("排名内容", "What is ranked"),
            "first": say("前 {} 项，共 {} 项，其余见表", "The first {} of {}; the rest is in the tables"),
            "nothing": say("没有", "None"),
            "none": say("未显示图层", "No layer is shown"),
            "find": say("搜索地块编号、设施名称…", "Find a parcel or facility…"),
            "not_found": say("没有找到", "Nothing found"),
            "zoom_in": say("放大", "Zoom in"),
            "zoom_out": say("缩小", "Zoom out"),
            "home": say("全图", "The whole map"),
            "full": say("全屏", "Full screen"),
            "print": say("打印", "Print"),
            "mini": say("鹰眼图", "Where on the whole map"),
            "measure": say("量距离和面积", "Measure lengths and areas"),
            "measure_how": say(
                "单击加点，双击结束，Esc 退出", "Click to add points, double-click to end, Esc to leave"
            ),
            "length": say("长度", "Length"),
            "area": say("面积", "Area"),
            "hectares": say("公顷", "ha"),
            "measures": say("指标", "Measured"),
            "evidence": say("逐条判定", "Criterion by criterion"),
            "evidence_heads": [
                say("条件", "Criterion"),
                say("数值", "Value"),
                say("标准", "Threshold"),
                say("结果", "Result"),
            ],
            "answers": {code: say(zh, en) for code, (zh, en) in _ANSWERS.items()},
        },
    }


def _pairs(summary: pd.DataFrame | None) -> list[list[str]]:
    if summary is None or not len(summary):
        return []
    flat = summary if summary.shape[1] > 1 else summary.reset_index()
    texts = flat.iloc[:, :2].astype("str").fillna("–")
    more = flat["more"].astype("str").fillna("") if "more" in flat else [""] * len(flat)
    pairs = zip(texts.itertuples(index=False), more, strict=True)
    return [[str(text), str(value), *([str(under)] if under else [])] for (text, value), under in pairs]
