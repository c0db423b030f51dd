"""What the sheets of each theme show: layers with their classes, from the lowest up, key figures and a chart.

Layers are prepared once for a place; a sheet takes what lies in its frame. A layer without rows is none. A class nobody listed is
drawn in grey under its own word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from lifecircle import standards
from lifecircle.publish import charts, labels, reuse_sheets, symbols
from lifecircle.publish.drawing import named, only
from lifecircle.publish.paper import Look

Layers = Mapping[str, gpd.GeoDataFrame | pd.DataFrame]
_Array = NDArray[Any]
_OTHER = "#9a9a94"


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """Shapes in metres with the class of each; `names` (missing where there is none) are set as labels, the lowest `rank` first."""

    kind: str  # area, line, point
    shapes: _Array
    looks: tuple[Look, ...]
    codes: NDArray[np.int64]
    names: _Array | None = None
    rank: _Array | None = None
    size: float = 6.2
    colour: str = "#2b2b2b"
    most_rank: float | None = None  # on the sheet of the whole place only names up to this rank
    everywhere: bool = False  # labels also outside what the sheet is about
    legend: bool = True

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The index of the shapes."""
        return shapely.STRtree(self.shapes)


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """The tables of one place and how to say things about it; what has been looked up or made is kept."""

    frames: Layers
    language: str
    words: Mapping[str, str] = field(default_factory=dict)
    _kept: dict[Any, Any] = field(default_factory=dict, repr=False)

    def say(self, zh: str, en: str) -> str:
        """Which of the two the place's language asks for."""
        return zh if self.language == "zh" else en

    def word(self, code: str) -> str:
        """What a code is called."""
        return labels.word(code, self.language, self.words)

    def geo(self, name: str, kind: str) -> gpd.GeoDataFrame | None:
        """A layer's rows that can be drawn as `kind`, None where there are none."""
        if (name, kind) not in self._kept:
            frame = self.frames.get(name)
            if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
                frame = None
            else:
                frame = only(frame[~(frame.geometry.isna() | frame.geometry.is_empty)], kind)
            self._kept[name, kind] = frame if frame is not None and len(frame) else None
        found: gpd.GeoDataFrame | None = self._kept[name, kind]
        return found

    def layer(self, name: str) -> Layer | None:
        """A layer of the atlas, made once; None where the place has nothing to draw of it."""
        if name not in self._kept:
            made = _MAKERS[name](self)
            self._kept[name] = made if made is not None and len(made.shapes) else None
        found: Layer | None = self._kept[name]
        return found

    def inside(self, name: str, kind: str, focus: Focus) -> NDArray[np.bool_]:
        """Which rows of `geo` lie in what a sheet is about, by a point within each."""
        frame = self.geo(name, kind)
        if frame is None:
            return np.zeros(0, dtype=bool)
        if focus.shape is None:
            return np.ones(len(frame), dtype=bool)
        if (name, kind, "points") not in self._kept:
            points = shapely.point_on_surface(frame.geometry.to_numpy())
            self._kept[name, kind, "points"] = shapely.get_x(points), shapely.get_y(points)
        return np.asarray(shapely.contains_xy(focus.shape, *self._kept[name, kind, "points"]))

    def table(self, name: str) -> pd.DataFrame | None:
        """A table with rows, without its shapes; None where there is none."""
        frame = self.frames.get(name)
        if frame is None or not len(frame):
            return None
        return pd.DataFrame(frame).drop(columns="geometry", errors="ignore")


@dataclass(frozen=True, kw_only=True, eq=False)
class Focus:
    """What a sheet is about: the whole place (`shape` None) or one area."""

    code: str
    name: str
    shape: Any = None


Figures = tuple[tuple[str, str], ...]
Chart = tuple[str, str, pd.DataFrame] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Theme:
    """A theme of the atlas: its layers from the lowest up; it is there where any of `needs` is."""

    zh: str
    en: str
    layers: tuple[str, ...]
    needs: tuple[str, ...]
    told: Callable[[Place, Focus], tuple[Figures, Chart]]
    whole: tuple[str, ...] = ()  # the layers of the sheet of the whole place, where they are others
    doubts: bool = False


def prepared(place: Place) -> dict[str, Layer]:
    """Every layer the place has something to draw of, by name."""
    made = {name: place.layer(name) for name in _MAKERS}
    return {name: layer for name, layer in made.items() if layer is not None}


# -- layers --------------------------------------------------------------------------------------------------------------


def _classed(
    place: Place, values: pd.Series[Any], looks: Mapping[str, Look]
) -> tuple[tuple[Look, ...], NDArray[np.int64]]:
    """The look of each value: those listed, then in grey those nobody listed, last what is not known."""
    codes = values.astype("str")
    listed = list(looks)
    first = next(iter(looks.values()))
    strange = sorted(set(codes.dropna()) - set(listed))
    grey = {code: _grey(first, place.word(code)) for code in strange}
    unknown = _grey(first, place.say("未知", "Not known"))
    order = [*listed, *strange]
    at = pd.Index(order).get_indexer(pd.Index(codes))
    at = np.where(at < 0, len(order), at)
    return (*looks.values(), *grey.values(), unknown), at.astype(np.int64)


def _grey(like: Look, label: str) -> Look:
    if like.shape == "line":
        return Look(label=label, shape="line", edge=_OTHER, width=like.width, dash=(3, 2))
    return Look(**{**vars(like), "label": label, "face": symbols.UNKNOWN, "hatch": None})


def _same(frame: gpd.GeoDataFrame, kind: str, look: Look, **more: Any) -> Layer:
    return Layer(
        kind=kind, shapes=frame.geometry.to_numpy(), looks=(look,), codes=np.zeros(len(frame), dtype=np.int64), **more
    )


def _names(frame: pd.DataFrame) -> _Array:
    return frame["name"].astype("str").to_numpy(dtype=object) if "name" in frame else np.full(len(frame), None)


def _buildings(place: Place) -> Layer | None:
    frame = place.geo("buildings", "area")
    if frame is None:
        return None
    return _same(frame, "area", Look(label=place.say("建筑", "Buildings"), face="#dedad3", edge="#b5b0a7", width=0.2))


def _footprints(place: Place) -> Layer | None:
    frame = place.geo("buildings", "area")
    if frame is None:
        return None
    return _same(frame, "area", Look(label=place.say("建筑轮廓", "Building outlines"), edge="#8d867a", width=0.22))


def _parks(place: Place) -> Layer | None:
    frame = place.geo("parks", "area")
    if frame is None:
        return None
    look = Look(label=place.say("公园绿地", "Parks"), face="#cfe6bd", edge="#8fb878", width=0.3)
    return _same(frame, "area", look, names=_names(frame), rank=-frame.area.to_numpy(), colour="#3f7030", size=6.4)


def _streets(place: Place) -> Layer | None:
    frame = place.geo("streets", "line")
    if frame is None:
        return None
    kind = frame["class"].astype("str").fillna("") if "class" in frame else pd.Series("", index=frame.index)
    main = kind.isin(_main_streets())
    slim = kind.isin(["footway", "path", "steps", "pedestrian", "track", "corridor", "cycleway"])
    looks = (
        Look(label=place.say("主要道路", "Main streets"), shape="line", edge="#8b877e", width=1.5),
        Look(label=place.say("一般道路", "Streets"), shape="line", edge="#a9a59c", width=0.8),
        Look(label=place.say("步行道", "Footways"), shape="line", edge="#b9a68a", width=0.5, dash=(2.5, 1.5)),
    )
    codes = np.where(main, 0, np.where(slim, 2, 1)).astype(np.int64)
    return Layer(
        kind="line",
        shapes=frame.geometry.to_numpy(),
        looks=looks,
        codes=codes,
        names=_names(frame),
        rank=codes * 1e6 - frame.length.to_numpy(),
        colour="#5d594f",
        size=6.0,
        everywhere=True,
    )


def _main_streets() -> list[str]:
    table = standards.read("street_classes")
    return table.loc[table["main"] == "yes", "code"].tolist()


def _barriers(place: Place) -> Layer | None:
    frame = place.geo("barriers", "line")
    if frame is None:
        return None
    widths, dashes = {"river": 2.2, "railway": 1.1}, {"railway": (6.0, 2.0), "wall": None, "fence": (2.0, 1.5)}
    looks = {
        kind: Look(
            label=place.word(kind), shape="line", edge=colour, width=widths.get(kind, 0.7), dash=dashes.get(kind)
        )
        for kind, colour in symbols.BARRIERS.items()
    }
    made, codes = _classed(place, frame["kind"], looks)
    return Layer(
        kind="line",
        shapes=frame.geometry.to_numpy(),
        looks=made,
        codes=codes,
        names=_names(frame),
        rank=-frame.length.to_numpy(),
        colour="#2f6fa8",
        everywhere=True,
    )


def _constraints(place: Place) -> Layer | None:
    frame = place.geo("constraints", "area")
    if frame is None:
        return None
    looks = {
        kind: Look(label=place.word(kind), edge=colour, width=1.1, dash=(6, 2.5))
        for kind, colour in symbols.CONSTRAINTS.items()
    }
    made, codes = _classed(place, frame["kind"], looks)
    made = tuple(Look(**{**vars(look), "face": None, "edge": look.edge or _OTHER}) for look in made)
    return Layer(kind="area", shapes=frame.geometry.to_numpy(), looks=made, codes=codes)


def _areas(place: Place) -> Layer | None:
    frame = place.geo("areas", "area")
    if frame is None:
        return None
    ours = "level" in frame and bool((frame["level"].astype("str") == "community").all())
    said = place.say("社区界线", "Community boundary") if ours else place.say("界线", "Boundaries")
    look = Look(label=said, edge="#6d4c8d", width=0.9, dash=(8, 2, 2, 2))
    return _same(frame, "area", look)


def _area_names(place: Place) -> Layer | None:
    frame = place.geo("areas", "area")
    if frame is None:
        return None
    look = Look(label="", shape="area")
    return _same(
        frame,
        "area",
        look,
        names=_names(frame),
        rank=-frame.area.to_numpy() - 1e9,
        colour="#4a2f68",
        size=8.5,
        everywhere=True,
        legend=False,
    )


def _completeness(place: Place) -> Layer | None:
    frame = place.geo("coverage_areas", "area")
    if frame is None or "completeness_15" not in frame:
        return None
    colours = symbols.ramp(symbols.COMPLETENESS, 5)
    looks = [
        Look(
            label=place.say(f"15 分钟完整度 {20 * k}–{20 * k + 20} %", f"15-min completeness {20 * k}–{20 * k + 20} %"),
            face=colours[k],
            edge="#ffffff",
            width=0.6,
            alpha=0.55,
        )
        for k in range(5)
    ]
    looks.append(
        Look(label=place.say("完整度未知", "Completeness not known"), face=symbols.UNKNOWN, edge="#ffffff", alpha=0.55)
    )
    share = frame["completeness_15"]
    codes = np.where(share.isna(), 5, np.clip(np.floor(share.fillna(0) * 5 + 1e-9), 0, 4)).astype(np.int64)
    return Layer(kind="area", shapes=frame.geometry.to_numpy(), looks=tuple(looks), codes=codes)


def _homes(place: Place) -> Layer | None:
    frame = place.geo("coverage_homes", "point")
    if frame is None or "completeness_15" not in frame:
        return None
    colours = symbols.ramp(symbols.COMPLETENESS, 5)
    looks = [
        Look(
            label=place.say(f"住处：完整度 {20 * k}–{20 * k + 20} %", f"Homes: completeness {20 * k}–{20 * k + 20} %"),
            shape="o",
            face=colours[k],
            edge="#6b6b6b",
            width=0.15,
            size=3.0,
        )
        for k in range(5)
    ]
    looks.append(
        Look(
            label=place.say("住处：完整度未知", "Homes: not known"),
            shape="o",
            face=symbols.UNKNOWN,
            edge="#6b6b6b",
            width=0.15,
            size=3.0,
        )
    )
    share = frame["completeness_15"]
    codes = np.where(share.isna(), 5, np.clip(np.floor(share.fillna(0) * 5 + 1e-9), 0, 4)).astype(np.int64)
    return Layer(kind="point", shapes=frame.geometry.to_numpy(), looks=tuple(looks), codes=codes)


def _gap_areas(place: Place) -> Layer | None:
    frame = place.geo("gap_areas", "area")
    if frame is None:
        return None
    if "tier" in frame:
        frame = frame[frame["tier"].astype("float64") == frame["tier"].astype("float64").max()]
    look = Look(
        label=place.say("15 分钟缺口片区", "15-minute gap areas"), edge="#b3261e", width=1.0, hatch="//", alpha=0.5
    )
    return _same(frame, "area", look)


# what a planner looks for first: named before the others, and alone on the sheet of the whole place
_FIRST: Mapping[str, float] = {
    **dict.fromkeys(("primary_school", "middle_school", "high_school", "hospital", "health_centre", "government"), 0.0),
    **dict.fromkeys(("food_market", "kindergarten", "culture_centre", "nursing_home", "library"), 1.0),
}


def _facilities(place: Place) -> Layer | None:
    frame = place.geo("facilities", "point")
    if frame is None:
        return None
    kinds = symbols.kinds()
    group = frame["kind"].astype("str").map({kind: said[2] for kind, said in kinds.items()}).fillna("")
    looks = {
        code: Look(label=place.say(zh, en), shape="o", face=colour, edge="#ffffff", width=0.4, size=5.6)
        for code, (zh, en, colour) in symbols.FACILITY_GROUPS.items()
    }
    made, codes = _classed(place, group, looks)
    said = frame["kind"].astype("str").map({kind: place.word(kind) for kind in frame["kind"].dropna().unique()})
    names = frame["name"].astype("str").fillna(said) if "name" in frame else said
    weight = frame["kind"].astype("str").map(_FIRST).fillna(2.0)
    return Layer(
        kind="point",
        shapes=frame.geometry.to_numpy(),
        looks=made,
        codes=codes,
        names=names.to_numpy(dtype=object),
        rank=weight.to_numpy(dtype=np.float64),
        size=5.8,
        colour="#1d3b53",
        most_rank=0.0,
    )


def _parcels(place: Place) -> Layer | None:
    frame = place.geo("parcels", "area")
    if frame is None or "land_use" not in frame:
        return None
    edition = (
        frame["land_use_edition"].astype("str")
        if "land_use_edition" in frame
        else pd.Series(np.nan, index=frame.index).astype("str")
    )
    codes, classes = symbols.land_use(frame["land_use"].astype("str"), edition)
    looks = tuple(
        Look(
            label=place.say(zh, en),
            face=colour or "#ffffff",
            edge="#6f6f66",
            width=0.3,
            hatch=None if colour else "....",
        )
        for zh, en, colour in classes
    )
    return Layer(
        kind="area",
        shapes=frame.geometry.to_numpy(),
        looks=looks,
        codes=codes.astype(np.int64),
        names=_names(frame),
        rank=-frame.area.to_numpy(),
        size=5.8,
    )


_CANDIDATES: Mapping[str, tuple[str, str, str, str]] = {
    "candidate": ("低效用地候选", "Low-efficiency candidate", "#d9583f", "#7d2013"),
    "exempt": ("豁免", "Exempt", "#b9c4df", "#5a6b92"),
    "not known": ("信息不足，未知", "Not known", "#e4e0d8", "#a39e94"),
    "not candidate": ("非候选", "Not a candidate", "#f4f6f1", "#b7bdb0"),
    "out of scope": ("不在适用范围", "Out of scope", "#ffffff", "#c9cdc4"),
}


def _land(place: Place) -> Layer | None:
    frame = place.geo("land", "area")
    if frame is None:
        return None
    looks = {
        code: Look(label=place.say(zh, en), face=face, edge=edge, width=0.35)
        for code, (zh, en, face, edge) in _CANDIDATES.items()
    }
    made, codes = _classed(place, frame["candidate"], looks)
    ids = pd.Series(frame.index.astype("str"), index=frame.index)
    shown = (
        named(frame).where(frame["candidate"] == "candidate")
        if "name" in frame
        else ids.where(frame["candidate"] == "candidate")
    )
    return Layer(
        kind="area",
        shapes=frame.geometry.to_numpy(),
        looks=made,
        codes=codes,
        names=shown.to_numpy(dtype=object),
        rank=-frame.area.to_numpy(),
        size=5.8,
        colour="#5c160b",
    )


def _park_reach(place: Place) -> Layer | None:
    frame = place.geo("park_reach", "area")
    if frame is None:
        return None
    colours = ("#4c8a35", "#1b7f79", "#8a7a1f", "#5b5b9a")
    looks = tuple(
        Look(
            label=place.say(f"服务范围：{name}", f"Served: {name}"),
            edge=colours[k % 4],
            face=colours[k % 4],
            alpha=0.16,
            width=1.2,
        )
        for k, name in enumerate(named(frame))
    )
    return Layer(kind="area", shapes=frame.geometry.to_numpy(), looks=looks, codes=np.arange(len(frame)))


def _park_land(place: Place) -> Layer | None:
    frame = place.geo("park_land", "area")
    shares = [c for c in frame if str(c).startswith("share_")] if frame is not None else []
    if frame is None or not shares:
        return None
    share = frame[shares[0]]
    looks = tuple(
        Look(label=place.say(zh, en), face=face, edge="#9c9468", width=0.25)
        for zh, en, face in (
            ("居住用地：服务范围内", "Housing land: served", "#fbf3c0"),
            ("居住用地：部分在内", "Housing land: partly", "#f2c879"),
            ("居住用地：服务范围外", "Housing land: not served", "#d9704f"),
            ("居住用地：未知", "Housing land: not known", symbols.UNKNOWN),
        )
    )
    codes = np.select([share.isna(), share >= 1 - 1e-9, share > 1e-9], [3, 0, 1], 2).astype(np.int64)
    return Layer(kind="area", shapes=frame.geometry.to_numpy(), looks=looks, codes=codes)


def _pipes(place: Place) -> Layer | None:
    frame = place.geo("pipes_screen", "line")
    frame = place.geo("pipes", "line") if frame is None else frame
    if frame is None:
        return None
    looks = {
        n: Look(label=place.word(n), shape="line", edge=colour, width=0.9) for n, colour in symbols.NETWORKS.items()
    }
    made, codes = _classed(place, frame["network"], looks)
    return Layer(kind="line", shapes=frame.geometry.to_numpy(), looks=made, codes=codes)


_RENEWAL: Mapping[str, tuple[str, str, str]] = {
    "on the list": ("列入更新改造", "To be renewed", "#c0221b"),
    "age reached, not assessed": ("达到年限，未评估", "Age reached, not assessed", "#f29c38"),
    "material named, not assessed": ("管材列入，未评估", "Material named, not assessed", "#e6c14f"),
}


def _renewal(place: Place) -> Layer | None:
    frame = place.geo("pipes_screen", "line")
    if frame is None:
        return None
    frame = frame[frame["renewal"].isin(list(_RENEWAL))]
    if not len(frame):
        return None
    looks = {
        code: Look(label=place.say(zh, en), shape="line", edge=colour, width=3.2, alpha=0.55)
        for code, (zh, en, colour) in _RENEWAL.items()
    }
    made, codes = _classed(place, frame["renewal"], looks)
    return Layer(kind="line", shapes=frame.geometry.to_numpy(), looks=made, codes=codes)


def _assets(place: Place) -> Layer | None:
    frame = place.geo("reuse_assets", "area")
    if frame is None:
        return None
    open_, unknown = frame["uses_allowed"] > 0, frame["uses_conditional"] > 0
    looks = tuple(
        Look(label=place.say(zh, en), face=face, edge="#5a4a2a", width=0.4)
        for zh, en, face in (
            ("闲置资产：有允许用途", "Idle asset: a use is allowed", "#5aa469"),
            ("闲置资产：确认后可允许", "Idle asset: allowed once confirmed", "#e8c35a"),
            ("闲置资产：无可行用途", "Idle asset: no use", "#c98f7f"),
        )
    )
    codes = np.select([open_, unknown], [0, 1], 2).astype(np.int64)
    rank = np.where(open_, 0, 1) * 1e9 - frame.area.to_numpy()
    return Layer(
        kind="area",
        shapes=frame.geometry.to_numpy(),
        looks=looks,
        codes=codes,
        names=named(frame).to_numpy(dtype=object),
        rank=rank,
        size=5.8,
        colour="#3c3216",
    )


def _sites(place: Place) -> Layer | None:
    frame = place.geo("reuse_sites", "point")
    if frame is None:
        return None
    frame = reuse_sheets.narrow(frame)
    frame = frame[frame["sites"] == frame["sites"].max()]
    look = Look(
        label=place.say("建议选址（首选用途）", "Proposed site (first use)"),
        shape="D",
        face="#8b1a6b",
        edge="#ffffff",
        width=0.6,
        size=8.5,
    )
    use = frame["use"].astype("str")
    names = use.map({code: place.word(code) for code in use.dropna().unique()})
    return _same(
        frame,
        "point",
        look,
        names=names.to_numpy(dtype=object),
        rank=-2e9 + frame["rank"].to_numpy(dtype=np.float64),
        colour="#8b1a6b",
        size=7.0,
    )


def _blocks(place: Place) -> Layer | None:
    frame = place.geo("renewal_blocks", "area")
    if frame is None:
        return None
    uses = {
        code: Look(
            label=place.say(f"更新片区：{place.word(code)}", f"Block: {place.word(code)}"),
            face=colour,
            edge="#8c1d40",
            width=1.4,
            alpha=0.5,
        )
        for code, colour in symbols.USES.items()
    }
    made, codes = _classed(place, frame["main_use"], uses)
    made = (
        *made[:-1],
        Look(**{**vars(made[-1]), "label": place.say("更新片区：主导用途未知", "Block: use not known")}),
    )
    return Layer(
        kind="area",
        shapes=frame.geometry.to_numpy(),
        looks=made,
        codes=codes,
        names=frame.index.astype("str").to_numpy(dtype=object),
        rank=-1e10 - frame.area.to_numpy(),
        size=9.0,
        colour="#8c1d40",
        everywhere=True,
    )


_MAKERS: Mapping[str, Callable[[Place], Layer | None]] = {
    "parcels": _parcels,
    "land": _land,
    "completeness": _completeness,
    "park_land": _park_land,
    "parks": _parks,
    "park_reach": _park_reach,
    "blocks": _blocks,
    "buildings": _buildings,
    "footprints": _footprints,
    "assets": _assets,
    "gap_areas": _gap_areas,
    "barriers": _barriers,
    "streets": _streets,
    "renewal": _renewal,
    "pipes": _pipes,
    "constraints": _constraints,
    "areas": _areas,
    "area_names": _area_names,
    "homes": _homes,
    "facilities": _facilities,
    "sites": _sites,
}


# -- key figures and charts ----------------------------------------------------------------------------------------------


def _ha(place: Place, m2: float) -> str:
    return f"{m2 / standards.parameter('ha_m2'):,.2f} {place.say('公顷', 'ha')}"


def _share(share: float, place: Place) -> str:
    return place.say("未知", "not known") if pd.isna(share) else f"{100 * share:.0f} %"


def _coverage_told(place: Place, focus: Focus) -> tuple[Figures, Chart]:
    figures: list[tuple[str, str]] = []
    name = "coverage_town" if focus.shape is None else "coverage_by_area"
    table = place.table(name)
    if table is not None and focus.shape is not None and "area_id" in table:
        table = table[table["area_id"].astype("str") == focus.code]
    if table is not None and len(table):
        weight = "residents" if "residents" in table else "dwellings"
        people = {"residents": ("居民", "Residents"), "dwellings": ("住房（套）", "Dwellings")}[weight]
        figures.append((place.say(*people), f"{table[weight].iloc[0]:,.0f}"))
        asked = table[table["required"].astype("bool") & (table["method"] == "minutes")]
        for tier, share in asked.groupby("tier")[f"share_of_{weight}"].mean().items():
            figures.append((place.say(f"{tier} 分钟设施完整度", f"{tier}-minute completeness"), _share(share, place)))
    facilities = place.geo("facilities", "point")
    if facilities is not None:
        figures.append(
            (place.say("设施（处）", "Facilities"), f"{int(place.inside('facilities', 'point', focus).sum()):,}")
        )
    gaps = place.geo("gap_areas", "area")
    if gaps is not None and focus.shape is None:
        figures.append((place.say("缺口片区（15 分钟）", "Gap areas (15 min)"), f"{int((gaps['tier'] == 15).sum()):,}"))
    chart: Chart = None
    if table is not None and len(table):
        asked = asked.sort_values([f"share_of_{weight}", "tier", "kind"], kind="stable", na_position="first")
        minutes = place.say("分钟", "min")
        rows = [
            (f"{place.word(kind)} {tier:g} {minutes}", share, charts.TIERS.get(int(tier), _OTHER))
            for kind, tier, share in zip(asked["kind"], asked["tier"], asked[f"share_of_{weight}"], strict=True)
        ]
        chart = _bars(place, place.say("覆盖居民最少的必配设施", "Required kinds fewest people reach"), rows[:10], "%")
    return tuple(figures), chart


def _bars(place: Place, heading: str, rows: Sequence[tuple[str, float, str]], unit: str) -> Chart:
    if not rows:
        return None
    return ("bars", heading, pd.DataFrame(rows, columns=["name", "value", "colour"]).assign(unit=unit))


def _parcels_told(place: Place, focus: Focus) -> tuple[Figures, Chart]:
    frame, layer = place.geo("parcels", "area"), place.layer("parcels")
    if frame is None or layer is None:
        return (), None
    inside = place.inside("parcels", "area", focus)
    area = shapely.area(frame.geometry.to_numpy())[inside]
    total = pd.Series(area).groupby(layer.codes[inside]).sum().sort_values(ascending=False, kind="stable")
    figures = [
        (place.say("地块（宗）", "Parcels"), f"{int(inside.sum()):,}"),
        (place.say("地块面积合计", "Area of parcels"), _ha(place, area.sum())),
    ]
    ha = standards.parameter("ha_m2")
    rows = [
        (layer.looks[code].label, m2 / ha, layer.looks[code].face or _OTHER)
        for code, m2 in zip(total.index.to_numpy()[:8].tolist(), total.head(8), strict=True)
    ]
    return tuple(figures), _bars(place, place.say("用地构成（公顷）", "Land by class (ha)"), rows, "")


def _land_told(place: Place, focus: Focus) -> tuple[Figures, Chart]:
    frame = place.geo("land", "area")
    if frame is None:
        return (), None
    rows = frame[place.inside("land", "area", focus)]
    found = rows[rows["candidate"] == "candidate"]
    area = (rows["area_m2"] if "area_m2" in rows else rows.area).astype("float64")
    figures = [
        (place.say("地块（宗）", "Parcels"), f"{len(rows):,}"),
        (place.say("低效用地候选（宗）", "Candidates"), f"{len(found):,}"),
        (place.say("候选面积", "Their area"), _ha(place, area[found.index].sum())),
        (place.say("信息不足（宗）", "Not known"), f"{int((rows['candidate'] == 'not known').sum()):,}"),
    ]
    group = found["land_group"].astype("str").fillna("not known") if "land_group" in found else pd.Series(dtype="str")
    sums = area[found.index].groupby(group).sum().sort_values(ascending=False, kind="stable").head(8)
    ha = standards.parameter("ha_m2")
    bars = [(place.word(code), m2 / ha, "#d9583f") for code, m2 in zip(sums.index.astype("str"), sums, strict=True)]
    return tuple(figures), _bars(
        place, place.say("候选用地按用地大类（公顷）", "Candidates by land group (ha)"), bars, ""
    )


def _parks_told(place: Place, focus: Focus) -> tuple[Figures, Chart]:
    figures: list[tuple[str, str]] = []
    parks = place.geo("parks", "area")
    if parks is not None:
        inside = place.inside("parks", "area", focus)
        figures += [
            (place.say("公园（处）", "Parks"), f"{int(inside.sum()):,}"),
            (place.say("公园面积", "Area of parks"), _ha(place, shapely.area(parks.geometry.to_numpy())[inside].sum())),
        ]
    land, reach = place.geo("park_land", "area"), place.table("park_reach")
    rows: list[tuple[str, float, str]] = []
    if land is not None and reach is not None:
        land = land[place.inside("park_land", "area", focus)]
        area = shapely.area(land.geometry.to_numpy())
        for code, name in zip(reach.index.astype("str"), reach["name"].astype("str"), strict=True):
            if f"share_{code}" in land and area.sum() > 0:
                share = float((land[f"share_{code}"] * area).sum() / area.sum())
                rows.append((name, share, "#7fb069"))
                figures.append(
                    (place.say(f"居住用地覆盖：{name}", f"Housing land served: {name}"), _share(share, place))
                )
    return tuple(figures), _bars(
        place, place.say("居住用地在服务范围内的比例", "Share of housing land served"), rows, "%"
    )


def _pipes_told(place: Place, focus: Focus) -> tuple[Figures, Chart]:
    frame = place.geo("pipes_screen", "line")
    table = place.table("pipes_length")
    if frame is None:
        return (), None
    length = pd.Series(shapely.length(frame.geometry.to_numpy()), index=frame.index)
    if focus.shape is not None:
        lines = frame.geometry.to_numpy()
        near = np.flatnonzero(shapely.intersects(lines, focus.shape))
        cut = np.zeros(len(frame))
        cut[near] = shapely.length(shapely.intersection(lines[near], focus.shape))
        length = pd.Series(cut, index=frame.index)
        table = pd.DataFrame(
            {"network": frame["network"], "age": _age_classes(frame["age_years"]), "length_m": length}
        )[length > 0]
    figures = [(place.say("管线总长", "Pipes"), f"{length.sum() / 1000:,.2f} {place.say('公里', 'km')}")]
    for code, (zh, en, _) in _RENEWAL.items():
        there = length[frame["renewal"] == code].sum()
        if there > 0:
            figures.append((place.say(zh, en), f"{there / 1000:,.2f} {place.say('公里', 'km')}"))
    unknown = length[frame["age_years"].isna()].sum()
    if unknown > 0:
        figures.append((place.say("管龄未知", "Age not known"), f"{unknown / 1000:,.2f} {place.say('公里', 'km')}"))
    if table is None or not len(table):
        return tuple(figures), None
    return tuple(figures), ("pipe_age", place.say("管龄构成", "Pipes by age"), table.reset_index(drop=True))


def _age_classes(age: pd.Series[float]) -> pd.Series[str]:
    """The classes the table of lengths has: see `pipes.lengths`."""
    breaks = standards.read("pipe_age_classes")["value"].tolist()
    names = [f"{a:g}–{b - 1:g}" for a, b in zip([0.0, *breaks], breaks, strict=False)]
    cut = pd.cut(age, [-np.inf, *breaks, np.inf], right=False, labels=[*names, f"≥{breaks[-1]:g}"])
    return cut.astype("str").fillna("not known").replace("nan", "not known")


def _reuse_told(place: Place, focus: Focus) -> tuple[Figures, Chart]:
    frame = place.geo("reuse_assets", "area")
    if frame is None:
        return (), None
    rows = frame[place.inside("reuse_assets", "area", focus)]
    floor = rows["floor_area_m2"].astype("float64")
    figures = [
        (place.say("闲置资产（处）", "Idle assets"), f"{len(rows):,}"),
        (place.say("其中有允许用途", "With an allowed use"), f"{int((rows['uses_allowed'] > 0).sum()):,}"),
        (place.say("建筑面积（已知）", "Floor area (known)"), f"{floor.sum():,.0f} {place.say('平方米', 'm²')}"),
        (place.say("面积未知（处）", "Floor area not known"), f"{int(floor.isna().sum()):,}"),
    ]
    curve = place.table("reuse_curve")
    if focus.shape is None and curve is not None:
        return tuple(figures), (
            "gain",
            place.say("每多一处新增多少", "What each more site adds"),
            reuse_sheets.narrow(curve),
        )
    use = rows["best_use"].astype("str")
    counts = use.value_counts().sort_index().sort_values(ascending=False, kind="stable").head(8)
    bars = [(place.word(code), float(n), "#5aa469") for code, n in zip(counts.index.astype("str"), counts, strict=True)]
    return tuple(figures), _bars(place, place.say("首选用途（处）", "First use (assets)"), bars, "")


def _blocks_told(place: Place, focus: Focus) -> tuple[Figures, Chart]:
    frame = place.geo("renewal_blocks", "area")
    if frame is None:
        return (), None
    rows = frame[shapely.intersects(frame.geometry.to_numpy(), focus.shape)] if focus.shape is not None else frame
    figures = [
        (place.say("更新片区（个）", "Renewal blocks"), f"{len(rows):,}"),
        (place.say("地块面积", "Area of plots"), _ha(place, rows["plots_m2"].sum())),
        (
            place.say("片区居民", "Residents"),
            place.say("未知", "not known") if rows["residents"].isna().any() else f"{rows['residents'].sum():,.0f}",
        ),
    ]
    ha = standards.parameter("ha_m2")
    largest = rows.sort_values("plots_m2", ascending=False, kind="stable").head(8)
    bars = [
        (str(code), m2 / ha, symbols.USES.get(str(use), _OTHER))
        for code, m2, use in zip(largest.index, largest["plots_m2"], largest["main_use"], strict=True)
    ]
    return tuple(figures), _bars(place, place.say("片区地块面积（公顷）", "Blocks by area of plots (ha)"), bars, "")


THEMES: Mapping[str, Theme] = {
    "coverage": Theme(
        zh="生活圈设施覆盖图",
        en="Life circle: facilities and coverage",
        layers=("parks", "gap_areas", "buildings", "barriers", "streets", "areas", "homes", "facilities"),
        whole=("completeness", "gap_areas", "parks", "barriers", "streets", "areas", "facilities"),
        needs=("homes", "facilities", "completeness"),
        told=_coverage_told,
        doubts=True,
    ),
    "land_use": Theme(
        zh="土地利用现状图",
        en="Land use",
        layers=("parcels", "barriers", "streets", "areas"),
        needs=("parcels",),
        told=_parcels_told,
    ),
    "land": Theme(
        zh="低效用地识别图",
        en="Low-efficiency land",
        layers=("land", "footprints", "barriers", "streets", "constraints", "areas"),
        needs=("land",),
        told=_land_told,
    ),
    "parks": Theme(
        zh="公园绿地服务范围图",
        en="Parks and whom they serve",
        layers=("park_land", "footprints", "park_reach", "parks", "barriers", "streets", "areas"),
        needs=("parks", "park_reach"),
        told=_parks_told,
    ),
    "pipes": Theme(
        zh="地下管网现状与更新图",
        en="Pipes and what is to be renewed",
        layers=("parks", "buildings", "barriers", "streets", "areas", "renewal", "pipes"),
        needs=("pipes",),
        told=_pipes_told,
    ),
    "reuse": Theme(
        zh="闲置资产盘活利用图",
        en="Idle assets and their reuse",
        layers=("parks", "buildings", "assets", "barriers", "streets", "constraints", "areas", "sites"),
        needs=("assets",),
        told=_reuse_told,
    ),
    "blocks": Theme(
        zh="城市更新片区图",
        en="Renewal blocks",
        layers=("parks", "buildings", "blocks", "barriers", "streets", "areas"),
        needs=("blocks",),
        told=_blocks_told,
    ),
}
