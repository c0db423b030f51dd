"""The layers of the life circle on the map: completeness, service areas, gaps, and where the data end.

The makers take the drawing, the layer in degrees and all layers by name; `overview.draw` calls them in drawing order.
"""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle import standards
from lifecircle.publish import archive, labels, symbols
from lifecircle.publish.drawing import Drawing, codes_of, listed, named, only, tenths

TIERS = (15, 10, 5)
# outlines traced from a grid: drawn with fewer vertices than they have
TRACED = frozenset({"service_areas", "edge_of_data"})
_OUTLINE_M, _DEGREE_M = 5.0, 111_320.0
_SHOWN = 6


def simplified(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Outlines with the fewest vertices that stay within 5 m of them; holes and islands are kept.

    >>> from shapely import box
    >>> frame = gpd.GeoDataFrame(geometry=[shapely.segmentize(box(0, 0, 90, 90), 1)], crs=4547)
    >>> shapely.get_num_coordinates(simplified(frame).geometry.array).tolist()
    [5]
    """
    degrees = frame.crs is not None and frame.crs.is_geographic
    shapes = shapely.simplify(np.asarray(frame.geometry.array), _OUTLINE_M / (_DEGREE_M if degrees else 1.0))
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))


def _weight(frame: pd.DataFrame, ending: str) -> str | None:
    """The column that counts people, or where nobody is counted dwellings, with this ending."""
    return next((f"{name}{ending}" for name in ("residents", "dwellings") if f"{name}{ending}" in frame), None)


def add_coverage_areas(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    """Communities by completeness, a layer a tier; one is shown at a time."""
    frame = only(frame, "area")
    names = named(frame)
    spots = archive.geometry(np.asarray(frame.representative_point().array), "point")
    tiers = [tier for tier in TIERS if f"completeness_{tier}" in frame]
    for tier in reversed(tiers):
        share = frame[f"completeness_{tier}"].astype("float64")
        classes, codes = tenths(sheet, share, {"o": 0.76, "s": "#ffffff", "w": 1.6})
        said = (share * 100).round().map("{:.0f} %".format, na_action="ignore")
        sheet.add(
            f"coverage_{tier}",
            frame,
            group="coverage",
            kind="area",
            name=sheet.say(f"{tier} 分钟设施完整度", f"{tier}-minute completeness"),
            classes=classes,
            codes=codes,
            title=["name", "area_id"],
            tip=["residents", "dwellings", *(f"completeness_{each}" for each in reversed(tiers))],
            keep=[f"completeness_{each}" for each in tiers],
            show=tier == tiers[0],
            rank=1,
            extra={"one": "coverage", "labels": {"geo": spots, "text": listed(names), "more": listed(said)}},
        )
    if tiers:
        sheet.find(f"coverage_{tiers[0]}", frame, names, what=sheet.say("社区", "Community"))


def add_gaps(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    """Communities by people and kinds missing, each with its gaps listed."""
    frame = only(frame, "area")
    if not len(frame):
        return
    left = _weight(frame, "_left_out")
    frame = frame.sort_values("rank", kind="stable") if "rank" in frame else frame
    area = frame["area_id"].astype("str") if "area_id" in frame else frame.index.to_series().astype("str")
    number, unique = pd.factorize(area)
    once = frame[~pd.Series(number).duplicated().to_numpy()].copy()
    weight = frame[left].to_numpy(dtype="float64") if left else np.ones(len(frame))
    once["_missed"] = np.bincount(number, weights=np.nan_to_num(weight))
    order = once["_missed"].rank(method="max", pct=True).to_numpy(dtype="float64")
    columns = [c for c in ("rank", "kind", "tier", left) if c is not None and c in frame]
    table = frame[columns].assign(kind=frame["kind"].map(sheet.word)) if "kind" in frame else frame[columns]
    table = table.assign(**{left: table[left].round()}) if left else table
    cells = np.array([listed(table[column].reset_index(drop=True)) for column in columns], dtype=object).T.tolist()
    rows: list[list[Any]] = [[] for _ in unique]
    for place, cell in zip(number.tolist(), cells, strict=True):
        if len(rows[place]) < 15:
            rows[place].append(cell)
    missing = (
        sheet.say("缺口套次", "dwellings and kinds missing")
        if left and left.startswith("dwellings")
        else sheet.say("缺口人次", "people and kinds missing")
    )
    sheet.add(
        "gaps",
        once,
        group="coverage",
        kind="area",
        name=sheet.say("设施缺口（按社区）", "Gaps by community"),
        classes=_thirds(sheet, missing, {"o": 0.6, "s": "#ffffff", "w": 1.5}),
        codes=_third(order),
        title=["name", "area_id"],
        tip=["_missed", "kind", "tier", *([left] if left else [])],
        pop=[],
        more={
            "list": {
                "title": sheet.say("本社区缺口（影响大的在前）", "Gaps here, largest first"),
                "heads": [labels.titled(c, sheet.language, sheet.words) for c in columns],
                "num": [int(c != "kind") for c in columns],
                "rows": rows,
            }
        },
        rank=2,
        extra={"one": "gaps"},
    )
    ranked = pd.DataFrame(
        {"at": np.arange(len(once)), "name": named(once).to_numpy(), "many": once["_missed"].to_numpy()}
    )
    ranked = ranked.sort_values(["many", "name"], ascending=[False, True], kind="stable")
    ranked["value"] = ranked["many"].map("{:,.0f}".format, na_action="ignore")
    title = (
        sheet.say("社区缺口（按住房套次）", "Communities by dwellings and kinds missing")
        if left and left.startswith("dwellings")
        else sheet.say("社区缺口（按人次）", "Communities by people and kinds missing")
    )
    sheet.ranking("gaps", title, ranked)


def _thirds(sheet: Drawing, what: str, look: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = (
        sheet.say(f"{what}最多的三分之一", f"Third with the most {what}"),
        sheet.say("中间三分之一", "Middle third"),
        sheet.say(f"{what}最少的三分之一", f"Third with the fewest {what}"),
    )
    return [{"l": name, "c": colour, **look} for name, colour in zip(names, symbols.GAPS, strict=True)]


def _third(order: Any) -> Any:
    """The class of each rank from 0 to 1, the highest third first."""
    return 2 - np.digitize(np.asarray(order, dtype="float64"), [1 / 3 + 1e-9, 2 / 3 + 1e-9])


def add_service_areas(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    """The ground within each limit of a kind, as bands; the kind is picked from a list."""
    frame = only(frame, "area")
    if not {"kind", "limit_min"} <= set(frame.columns) or not len(frame):
        return
    frame = frame.sort_values(["kind", "limit_min"], kind="stable").reset_index(drop=True)
    kinds = list(dict.fromkeys(frame["kind"].astype("str")))
    limits = sorted(frame["limit_min"].unique().tolist())
    inner = frame["kind"].eq(frame["kind"].shift())
    frame["_within_min"] = frame["limit_min"]
    frame["_area_ha"] = frame["area_m2"] / standards.parameter("ha_m2") if "area_m2" in frame else np.nan
    steps = [0.0, *limits]
    colours = symbols.ramp(symbols.BANDS, len(limits)) if len(limits) > 1 else list(symbols.BANDS[:1])
    classes = [
        {
            "l": sheet.say(
                f"{low:g}–{high:g} 分钟" if low else f"{high:g} 分钟以内",
                f"{low:g}–{high:g} min" if low else f"up to {high:g} min",
            ),
            "c": colour,
            "o": 0.62,
            "s": symbols.BANDS[0],
            "w": 0.7,
            "so": 0.55,
        }
        for low, high, colour in zip(steps, limits, colours, strict=False)
    ]
    sheet.add(
        "service_areas",
        frame,
        group="coverage",
        kind="area",
        name=sheet.say("服务范围", "Service areas"),
        classes=classes,
        codes=np.searchsorted(limits, frame["limit_min"].to_numpy()),
        title=["kind"],
        tip=["_within_min", "_area_ha"],
        rank=1,
        extra={
            "one": "coverage",
            "nest": archive.whole(np.where(inner, np.arange(len(frame)), 0)),  # the row before, counted from 1
            "pick": {
                "l": sheet.say("设施类别（沿路网步行）", "Kind of facility, on foot along streets"),
                "values": [sheet.word(kind) for kind in kinds],
                "of": archive.whole(pd.Index(kinds).get_indexer(pd.Index(frame["kind"].astype("str")))),
                "at": kinds.index(_most_lacked(sheet.tables.get("coverage_town"), kinds)),
            },
        },
        step=10,
    )


def _most_lacked(town: pd.DataFrame | None, kinds: list[str]) -> str:
    """The required kind most people lack, of those that have an area; the first where that is not known."""
    left = None if town is None else _weight(town, "_left_out")
    if town is None or left is None or not {"kind", "required", "method"} <= set(town.columns):
        return kinds[0]
    asked = town[town["required"].astype(bool) & (town["method"] == "minutes") & town["kind"].isin(kinds)]
    asked = asked.sort_values([left, "kind"], ascending=[False, True], kind="stable")
    return str(asked["kind"].iloc[0]) if len(asked) else kinds[0]


def add_edge_of_data(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    """The ground from which a walk leaves the data, hatched."""
    frame = only(frame, "area")
    if not len(frame):
        return
    limit = f"{frame['limit_min'].iloc[0]:g}" if "limit_min" in frame else str(TIERS[0])
    said = sheet.say(f"步行{limit}分钟会走出数据范围，结果偏低或不确定", f"{limit}-minute walks leave the data here")
    sheet.add(
        "edge_of_data",
        frame,
        group="coverage",
        kind="area",
        name=sheet.say("数据边缘", "Edge of the data"),
        classes=[{"l": said, "c": None, "h": "#6a4c7d", "o": 0.36, "s": "#6a4c7d", "w": 1, "so": 0.6}],
        show=True,
        rank=2,
        extra={"still": 1},
        step=10,
    )


def add_gap_areas(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    """Contiguous ground whose people are left out of a tier, each with what is missing; the tier is picked from a list."""
    frame = only(frame, "area").copy()
    if not len(frame):
        return
    tier = frame["tier"] if "tier" in frame else pd.Series(TIERS[0], index=frame.index)
    tiers = sorted(tier.unique().tolist())
    left = _weight(frame, "_left_out")
    many = frame[left] if left else pd.Series(1.0, index=frame.index)
    frame["_overall"] = frame["rank"].astype("float64") if "rank" in frame else np.nan
    frame["_worst_min"] = frame["walk_min"].astype("float64").round(1) if "walk_min" in frame else np.nan
    frame["_area_ha"] = frame["area_m2"] / standards.parameter("ha_m2") if "area_m2" in frame else np.nan
    unknown = _weight(frame, "_not_known")
    rows, missing = _lacking(sheet, frame)
    frame["_missing"] = pd.array(missing, dtype="str")
    people = sheet.heading(left) if left else ""
    tip = ["_overall", *([left] if left else []), "_missing", "_worst_min"]
    sheet.add(
        "gap_areas",
        frame,
        group="coverage",
        kind="area",
        name=sheet.say("缺口片区", "Gap areas"),
        classes=_thirds(
            sheet, people if sheet.language == "zh" else people.lower(), {"o": 0.72, "s": "#5c1a16", "w": 0.8}
        ),
        codes=_third(many.groupby(tier).rank(method="max", pct=True)),
        title=["name", "gap_id"],
        tip=tip,
        pop=[
            "gap_id",
            "_overall",
            *([left] if left else []),
            *([unknown] if unknown else []),
            "missing_kinds",
            "_area_ha",
        ],
        more={
            "list": {
                "title": sheet.say("缺少的设施（影响大的在前）", "Missing here, largest first"),
                "heads": [
                    sheet.heading("kind"),
                    people,
                    sheet.say("步行（分钟）", "Walk (min)"),
                ],
                "num": [0, 1, 1],
                "rows": rows,
            }
        },
        rank=2,
        extra={
            "one": "gaps",
            "pick": {
                "l": sheet.say("生活圈层级", "Tier"),
                "values": [sheet.say(f"{each} 分钟生活圈", f"{each}-minute tier") for each in tiers],
                "of": archive.whole(np.searchsorted(tiers, tier.to_numpy())),
                "at": len(tiers) - 1,
            },
        },
    )
    if left:
        ranked = pd.DataFrame({"at": np.arange(len(frame)), "many": many.to_numpy(), "more": missing})
        ranked["name"] = named(frame.set_index("gap_id") if "gap_id" in frame else frame).to_numpy()
        if "gap_id" in frame:
            # Where names repeat within a tier, as without communities, only the number tells which is meant.
            same = ranked[["name"]].assign(tier=tier.to_numpy()).duplicated(keep=False)
            ranked["name"] = ranked["name"].where(
                ~same, ranked["name"] + " · " + frame["gap_id"].astype("str").to_numpy()
            )
        ranked = ranked.sort_values(["many", "name"], ascending=[False, True], kind="stable")
        ranked["value"] = ranked["many"].map("{:,.0f}".format, na_action="ignore")
        title = (
            sheet.say("缺口片区（按住房套数）", "Gap areas by dwellings")
            if left.startswith("dwellings")
            else sheet.say("缺口片区（按人口）", "Gap areas by people")
        )
        sheet.ranking("gap_areas", title, ranked, first=True)


def _lacking(sheet: Drawing, frame: pd.DataFrame) -> tuple[list[list[list[Any]]], list[str | None]]:
    """For each gap area its kinds missing, as rows of a list and as one text, most people first."""
    table = sheet.tables.get("gap_missing")
    if table is None or "gap_id" not in frame or not {"gap_id", "kind"} <= set(table.columns):
        nothing: list[str | None] = [None] * len(frame)
        return [[] for _ in range(len(frame))], nothing
    left = _weight(table, "_left_out")
    walk = table["walk_min"].astype("float64").round(1) if "walk_min" in table else pd.Series(np.nan, table.index)
    cells = pd.DataFrame(
        {
            "kind": table["kind"].astype("str").map(sheet.word),
            "left": table[left].astype("float64").round() if left else np.nan,
            "walk": walk.astype(object).where(walk.notna(), sheet.say("走不到", "unreachable")),
        }
    )
    comma, more = sheet.say("、", ", "), sheet.say("{}等 {} 类", "{} and {} more")
    rows: list[list[list[Any]]] = []
    said: list[str | None] = []
    found = np.array([listed(cells[c]) for c in cells], dtype=object).T.tolist()
    by_gap = cells.groupby(table["gap_id"].astype("str").to_numpy()).indices
    for gap in frame["gap_id"].astype("str").tolist():
        mine = [found[row] for row in by_gap.get(gap, [])]
        rows.append(mine)
        shown = comma.join(row[0] for row in mine[:_SHOWN])
        over = len(mine) - _SHOWN
        said.append(more.format(shown, len(mine) if sheet.language == "zh" else over) if over > 0 else shown or None)
    return rows, said


def add_gap_grid(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    """Cells that hold homes, by the people there who are left out of the widest tier."""
    frame = only(frame, "area").copy()
    tiers = [tier for tier in TIERS if _weight(frame, f"_left_out_{tier}")]
    if not tiers or not len(frame):
        return
    left = {tier: str(_weight(frame, f"_left_out_{tier}")) for tier in tiers}
    many = frame[left[tiers[0]]].astype("float64")
    told = f"missing_kinds_{tiers[0]}"
    unknown = frame[told].isna() & ~(many > 0) if told in frame else many.isna()
    some = many.where(many > 0)
    third = np.where(some.isna(), 3, _third(some.rank(method="max", pct=True).fillna(0)))
    codes = np.where(unknown, 4, third)
    look = {"o": 0.75, "s": "#ffffff", "w": 0.4}
    unit = sheet.say("套", "dwellings") if left[tiers[0]].startswith("dwellings") else sheet.say("人", "residents")
    classes = [{"l": _span(some[codes == code], unit), "c": colour, **look} for code, colour in enumerate(symbols.GAPS)]
    classes.append({"l": sheet.say("无人未覆盖", "Nobody left out"), "c": "#bcd9c4", **look})
    classes.append({"l": sheet.say("未知", "Not known"), "c": symbols.UNKNOWN, **look})
    people = _weight(frame, "")
    sheet.add(
        "gap_grid",
        frame,
        group="coverage",
        kind="area",
        name=sheet.say(f"缺口网格（{tiers[0]} 分钟）", f"Gaps by cell ({tiers[0]} min)"),
        classes=classes,
        codes=codes,
        title=["cell_id"],
        tip=[*([people] if people else []), *reversed([left[tier] for tier in tiers]), told],
        rank=2,
        extra={"one": "gaps"},
        step=10,
    )


def _span(many: "pd.Series[float]", unit: str) -> str:
    """The range of a class in whole people or dwellings; part of one is one."""
    if not len(many):
        return ""
    low, high = f"{max(many.min(), 1):,.0f}", f"{max(many.max(), 1):,.0f}"
    return f"{low if low == high else f'{low}–{high}'} {unit}"


def add_coverage_homes(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    """Homes by completeness, each with its walks."""
    frame = only(frame, "point").copy()
    column = next((f"completeness_{tier}" for tier in TIERS if f"completeness_{tier}" in frame), None)
    share = frame[column].astype("float64") if column else pd.Series(np.nan, index=frame.index)
    classes, codes = tenths(sheet, share, {"o": 0.95, "s": "#4b5862", "w": 0.6, "r": 3})
    walks = [str(c) for c in frame.columns if str(c).startswith("walk_min_")]
    frame[walks] = frame[walks].astype("float64").round(1)
    tip = ["residents", "dwellings", *(f"completeness_{tier}" for tier in reversed(TIERS)), "at_edge"]
    sheet.add(
        "coverage_homes",
        frame,
        group="coverage",
        kind="point",
        name=sheet.say("住处的设施完整度", "Homes: completeness"),
        classes=classes,
        codes=codes,
        title=["name", "home_id"],
        tip=tip,
        pop=[*tip, *walks],
        rank=2,
    )


_CHANGES: Mapping[str, str] = {
    "gained": "#1b7f5c",
    "nearer": "#8fcfb3",
    "gained and lost": "#8a5ba8",
    "nearer and farther": "#c9b3d9",
    "farther": "#f2b38a",
    "lost": "#c8442c",
}


def add_homes_changed(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    """Homes that a scenario changes, by what changes there."""
    frame = only(frame, "point")
    order = list(_CHANGES)
    sheet.add(
        "homes_changed",
        frame,
        group="coverage",
        kind="point",
        name=sheet.say("有变化的住处", "Homes that change"),
        classes=[
            {"l": sheet.word(code), "c": colour, "o": 0.95, "s": "#4b5862", "w": 0.6, "r": 3.6}
            for code, colour in _CHANGES.items()
        ],
        codes=codes_of(frame["change"], order, other=order.index("nearer")),
        title=["name", "home_id"],
        tip=["residents", "dwellings", "change", "kinds_gained", "kinds_lost"],
        show=True,
        rank=1,
    )


def add_scenario(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    """What a scenario does: its points, and its lines as a layer of their own."""
    looks = {
        "point": {"l": "", "c": "#111111", "s": "#ffd23f", "w": 2.5, "r": 6.5, "o": 1},
        "line": {"l": "", "c": "#111111", "w": 4},
    }
    names = {"point": ("方案：点", "Scenario: points"), "line": ("方案：线", "Scenario: lines")}
    for kind, look in looks.items():
        chosen = frame[frame.geom_type == "Point"] if kind == "point" else only(frame, "line")
        if len(chosen):
            sheet.add(
                f"scenario_{kind}",
                chosen,
                group="coverage",
                kind=kind,
                name=sheet.say(*names[kind]),
                classes=[look],
                title=["action", "id"],
                tip=["action", "table", "id", "values"],
                show=True,
                rank=1,
                extra={"front": 1},
            )
