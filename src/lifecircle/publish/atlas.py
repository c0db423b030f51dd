"""The atlas of a place: a sheet for each theme and area, as PDF and PNG, and all of them in one PDF.

Every sheet is composed whole (`compose`), then drawn by processes of their own; one that cannot be drawn is told in the table of
sheets and stops no other. Sheets whose content is what it was are kept from the last atlas, or from a run that was interrupted.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from lifecircle import standards
from lifecircle.errors import LifecircleError, OutputError
from lifecircle.load.recipe import Sheet as Style
from lifecircle.publish import atlas_themes, fonts, label_places, manifest, output, paper, workbook
from lifecircle.publish.atlas_themes import THEMES, Focus, Layer, Place, Theme
from lifecircle.publish.drawing import named
from lifecircle.publish.paper import Ink, Lettering, Look, Sheet

Progress = Callable[[float, float, str], None]
BY = ("community", "street", "town", "block", "whole")
_FOCUS = Look(label="", edge="#6d2f8d", width=2.0)
_AROUND_MM = 8.0  # what a sheet shows around its area, on A3
_FINE_MM = 0.05  # what paper cannot show
_MOST_LABELS = 1500
_LABEL_EMS = 14.0  # longer names are cut
_FEW = 12  # so many sheets are drawn sooner than processes start


@dataclass(frozen=True, kw_only=True, eq=False)
class About:
    """What every sheet says of the place: its name, system, date, standards, sources by layer, what is doubtful; and the font tried first."""

    name: str
    crs: CRS
    as_of: date
    standards: str
    language: str = "zh"
    synthetic: bool = False
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    doubts: Sequence[str] = ()
    font: Path | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Atlas:
    """What was made: the folder, a row a sheet (``status`` drawn, kept or failed, and ``why``), and warnings."""

    out: Path
    sheets: pd.DataFrame
    warnings: tuple[str, ...]

    @property
    def file(self) -> Path:
        """All sheets in one PDF."""
        return self.out / "atlas.pdf"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Job:
    number: str
    code: str
    theme: Theme
    focus: Focus

    @property
    def file(self) -> str:
        return f"{self.number}_{self.code}"


def write(
    frames: atlas_themes.Layers,
    out: Path | str,
    *,
    about: About,
    style: Style,
    by: str = "community",
    theme: str = "all",
    processes: int | None = None,
    progress: Progress | None = None,
) -> Atlas:
    """Draw the atlas into `out`, which is replaced whole when all sheets are through.

    Parameters
    ----------
    frames
        Canonical tables and results by name, in one projected system in metres.
    by
        What sheets are about besides the whole place: areas of the level ``community``, ``street`` or ``town``, renewal
        blocks (``block``), or nothing else (``whole``).
    theme
        One of `THEMES`, or ``all`` the place has layers for.
    processes
        How many draw; one a processor where not said, in this process where 1.
    progress
        Called with what is done, what there is to do and a short text.

    Raises
    ------
    OutputError
        No sheet to draw, none that could be drawn, or a folder that cannot be written.
    """
    if by not in BY:
        raise OutputError(f"--by: there is no {by!r}; use one of {', '.join(BY)}.")
    if theme != "all" and theme not in THEMES:
        raise OutputError(f"--theme: there is no {theme!r}; use all or one of {', '.join(THEMES)}.")
    place = Place(frames=frames, language=about.language)
    layers = atlas_themes.prepared(place)
    jobs, notes = planned(place, layers, by=by, theme=theme)
    sheets = _Composed(place, layers, about, style, jobs)
    out = Path(out).resolve()
    with output.staged(out) as folder, _told(out):
        rows = _drawn(sheets, out, folder, dpi=style.dpi, processes=processes, say=progress or (lambda *_: None))
        table = pd.DataFrame(rows).sort_values("number", kind="stable").reset_index(drop=True)
        # a sheet that could not be composed has none of these, and a scale stays a whole number
        table = table.astype(dict.fromkeys(("scale", "labels", "labels_left_out"), "Int64"))
        good = table[table["status"] != "failed"]
        if not len(good):
            raise OutputError(f"No sheet could be drawn; the first: {table['why'].iloc[0]}")
        _bind(folder, good, about)
        _write_table(table, folder / "sheets.csv")
        warnings = (*notes, *_warnings(_shown_km2(sheets.ground, sheets.data), style, about))
        facts = {"atlas": about.name, "sheets": dict(zip(good["file"], good["made"], strict=True))}
        manifest.write(facts, folder / manifest.NAME)
    shutil.rmtree(_parts(out), ignore_errors=True)
    return Atlas(out=out, sheets=table.drop(columns="made"), warnings=warnings)


@contextmanager
def _told(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"The atlas cannot be written to {out} ({error.strerror or error}); what was there before is still in place."
        ) from error


def sheet(
    frames: atlas_themes.Layers,
    theme: str,
    *,
    area: str = "",
    by: str = "community",
    about: About,
    style: Style | None = None,
) -> Sheet:
    """One sheet of the atlas, to be looked at with `paper.picture` or drawn with `paper.draw`.

    Parameters
    ----------
    area
        The name or the id of the area it is about; the whole place where not said.

    Raises
    ------
    OutputError
        A theme the place has no layers for, or no such area.
    """
    place = Place(frames=frames, language=about.language)
    layers = atlas_themes.prepared(place)
    jobs, _ = planned(place, layers, by=by if area else "whole", theme=theme)
    job = next((job for job in jobs if area in (job.focus.code, job.focus.name)), None)
    if job is None:
        raise OutputError(f"There is no area {area!r} among the sheets by {by}.")
    return compose(place, layers, job, about=about, style=style or Style(), bounds=_bounds(place))


def planned(
    place: Place, layers: Mapping[str, Layer], *, by: str = "community", theme: str = "all"
) -> tuple[list[_Job], list[str]]:
    """The sheets there are to draw, theme by theme, that of the whole place first; and what is to be said of the choice.

    Raises
    ------
    OutputError
        The place has no layer of the theme.
    """
    chosen = [t for t in THEMES if theme in ("all", t) and any(need in layers for need in THEMES[t].needs)]
    if not chosen:
        said = "any theme" if theme == "all" else f"the theme {theme}"
        raise OutputError(f"This place has no layers to draw {said} from.")
    focuses, notes = [Focus(code="", name="")], []
    if by != "whole":
        found = _focuses(place, by)
        focuses += found
        if not found:
            what = labels_of(by, place.language)
            notes.append(
                place.say(
                    f"没有{what}，只绘制全域图。", f"There is no {what}, so only sheets of the whole place are drawn."
                )
            )
    wide = max(2, len(str(len(focuses) - 1)))
    return [
        _Job(number=f"{1 + list(THEMES).index(code):02d}-{k:0{wide}d}", code=code, theme=THEMES[code], focus=focus)
        for code in chosen
        for k, focus in enumerate(focuses)
    ], notes


def labels_of(by: str, language: str) -> str:
    """What the areas sheets are about are called."""
    said = {
        "community": ("社区图层", "layer of communities"),
        "street": ("街道图层", "layer of subdistricts"),
        "town": ("城镇图层", "layer of towns"),
        "block": ("更新片区", "renewal block"),
    }
    return said[by][language != "zh"]


def _focuses(place: Place, by: str) -> list[Focus]:
    frame = place.geo("renewal_blocks" if by == "block" else "areas", "area")
    if frame is None:
        return []
    if by != "block":
        frame = frame[frame["level"].astype("str") == by] if "level" in frame else frame
    frame = frame.sort_index(kind="stable")
    names = named(frame)
    return [
        Focus(code=str(code), name=str(name), shape=shape)
        for code, name, shape in zip(frame.index, names, frame.geometry, strict=True)
    ]


class _Composed:
    """Sheets, composed one after the other as they are asked for; `ground` collects what they show of it."""

    def __init__(
        self,
        place: Place,
        layers: Mapping[str, Layer],
        about: About,
        style: Style,
        jobs: Sequence[_Job],
    ) -> None:
        self.place, self.layers, self.about, self.style, self.jobs = place, layers, about, style, jobs
        self.bounds = _bounds(place)
        every = np.array([shapely.total_bounds(layer.shapes) for layer in layers.values()])
        self.data = shapely.box(*np.nanmin(every[:, :2], axis=0), *np.nanmax(every[:, 2:], axis=0))
        self.ground: list[tuple[float, float, float, float]] = []

    def __iter__(self) -> Iterator[tuple[_Job, Sheet | str]]:
        for job in self.jobs:
            try:
                sheet = compose(self.place, self.layers, job, about=self.about, style=self.style, bounds=self.bounds)
            except LifecircleError as error:
                yield job, str(error)
            except Exception as error:  # a fault of ours in one sheet: told in the table, the others go on
                yield job, f"{type(error).__name__}: {error}"
            else:
                _, _, w, h = paper.frame(sheet.paper)
                per_mm = sheet.scale / 1000
                self.ground.append((*sheet.origin, sheet.origin[0] + w * per_mm, sheet.origin[1] + h * per_mm))
                yield job, sheet


# -- composing a sheet ---------------------------------------------------------------------------------------------------


def compose(
    place: Place,
    layers: Mapping[str, Layer],
    job: _Job,
    *,
    about: About,
    style: Style,
    bounds: tuple[float, float, float, float],
) -> Sheet:
    """The sheet of a theme and an area, all in millimetres of paper.

    Raises
    ------
    OutputError
        An area without extent, or larger than any scale shows.
    """
    focus, theme = job.focus, job.theme
    x, y, w, h = paper.frame(style.paper)
    scale, origin = _scale(bounds if focus.shape is None else focus.shape.bounds, (w, h), job)
    per_mm = scale / 1000
    ground = (*origin, origin[0] + w * per_mm, origin[1] + h * per_mm)
    names = theme.whole if theme.whole and focus.shape is None else theme.layers
    inks: list[Ink] = []
    seen: list[list[Look]] = []
    texts = _Texts(style.paper, about.font)
    for place_in, name in enumerate([*names, "area_names"]):
        if name not in layers:
            continue
        layer = layers[name]
        pieces = _Pieces(layer, ground, per_mm, (x, y))
        there: list[Look] = []
        for code in np.unique(pieces.codes).tolist():
            look = layer.looks[code]
            shapes = pieces.shapes[pieces.codes == code]
            drawn = (
                paper.markers(shapely.get_coordinates(shapes), look, f=texts.f)
                if layer.kind == "point"
                else paper.outlines(shapes)
            )
            if len(drawn[0]) and (look.face or look.edge):
                inks.append(Ink(look=look, vertices=np.round(drawn[0], 4), codes=drawn[1]))
                if layer.legend and look not in there:
                    there.append(look)
        seen.append(there)
        before = 100 if name == "area_names" and focus.shape is None else len(names) - place_in
        texts.add(layer, pieces, focus, before)
    if focus.shape is not None:
        inks += _mask(focus, ground, per_mm, (x, y))
    lettering, left_out = texts.placed((x, y, x + w, y + h))
    figures, chart = theme.told(place, focus)
    return Sheet(
        number=job.number,
        file=job.file,
        title=place.say(f"{about.name}{theme.zh}", f"{about.name} – {theme.en}"),
        subtitle=focus.name,
        paper=style.paper,
        scale=scale,
        origin=origin,
        inks=tuple(inks),
        lettering=lettering,
        left_out=left_out,
        index=_index(place, focus, ground, bounds, style.paper),
        legend=tuple(look for there in reversed(seen) for look in there),
        figures=figures,
        chart=chart,
        north=_north(about.crs, origin[0] + w * per_mm / 2, origin[1] + h * per_mm / 2),
        notes=_notes(place, about, style, names, theme, left_out),
        block=_block(place, style, job.number, scale),
        marking=_marking(style, place),
        warning=place.say("合成数据，非真实地方", "Synthetic data, no real place") if about.synthetic else "",
        language=about.language,
        font=about.font,
    )


def _scale(
    bounds: tuple[float, float, float, float], room: tuple[float, float], job: _Job
) -> tuple[int, tuple[float, float]]:
    """The largest round scale at which the bounds and a margin fit, and the ground at the lower left of the map."""
    west, south, east, north = bounds
    if not np.isfinite(bounds).all():
        raise OutputError(f"{job.focus.name or job.number}: has no shape to draw a sheet of.")
    margin = 2 * _AROUND_MM * room[0] / paper.frame("A3")[2]
    needed = max((east - west) / (room[0] - margin), (north - south) / (room[1] - margin)) * 1000
    scales = standards.read("map_sheet").query("quantity == 'scale'")["value"].sort_values()
    fits = scales[scales >= needed]
    if not len(fits):
        raise OutputError(
            f"{job.focus.name or job.number}: {east - west:,.0f} × {north - south:,.0f} m fit on no sheet."
        )
    scale = int(fits.iloc[0])
    at = [
        round((low + high) / 2 - side * scale / 2000, 3)
        for low, high, side in ((west, east, room[0]), (south, north, room[1]))
    ]
    return scale, (at[0], at[1])


class _Pieces:
    """What of a layer lies in the frame: shapes in mm of paper, the class of each, and the row it comes from."""

    def __init__(
        self, layer: Layer, ground: tuple[float, float, float, float], per_mm: float, corner: tuple[float, float]
    ) -> None:
        margin = 2 * per_mm
        wide = (ground[0] - margin, ground[1] - margin, ground[2] + margin, ground[3] + margin)
        rows = np.sort(layer.tree.query(shapely.box(*(ground if layer.kind == "point" else wide))))
        shapes = layer.shapes[rows]
        if layer.kind != "point":
            shapes = shapely.clip_by_rect(shapely.simplify(shapes, _FINE_MM * per_mm, preserve_topology=False), *wide)
        there = ~shapely.is_empty(shapes)
        self.rows, self.codes = rows[there], layer.codes[rows[there]]
        shift = np.array([ground[0], ground[1]])
        self.shapes = shapely.transform(shapes[there], lambda xy: (xy - shift) / per_mm + np.array(corner))


class _Texts:
    """The labels of a sheet, collected layer by layer, then placed at once."""

    def __init__(self, size: str, font: Path | None) -> None:
        self.f, self.font = paper.SIZES[size][0] / paper.SIZES["A3"][0], font
        self.texts: list[str] = []
        self.parts: list[tuple[NDArray[Any], ...]] = []
        self.colours: list[str] = []
        self.boxes: list[NDArray[np.float64]] = []
        self.owners: list[NDArray[np.int64]] = []
        self.beyond = 0  # labels more than are tried

    def add(self, layer: Layer, pieces: _Pieces, focus: Focus, before: int) -> None:
        """Take up the names of the rows of a layer that the sheet is about."""
        first = len(self.texts)
        named = np.zeros(len(pieces.rows), dtype=bool)
        if layer.names is not None and len(pieces.rows):
            said = layer.names[pieces.rows]
            named = np.array(pd.notna(said)) & (said != "")
            if focus.shape is not None and not layer.everywhere:
                inside = shapely.point_on_surface(layer.shapes[pieces.rows])
                named &= shapely.contains_xy(focus.shape, shapely.get_x(inside), shapely.get_y(inside))
        own = np.full(len(pieces.rows), -1, dtype=np.int64)
        if named.any() and layer.names is not None:
            at = np.flatnonzero(named)
            rank = layer.rank[pieces.rows[at]] if layer.rank is not None else np.zeros(len(at))
            if focus.shape is None and layer.most_rank is not None:
                at, rank = at[rank <= layer.most_rank], rank[rank <= layer.most_rank]
            at = at[np.argsort(rank, kind="stable")]
            if layer.kind == "line":
                at = self._one_a_name(layer, pieces, at)
            self.beyond += max(0, len(at) - _MOST_LABELS)
            at = at[:_MOST_LABELS]
            own[at] = first + np.arange(len(at))
            self._take(layer, pieces, at, before)
        if layer.kind == "point" and len(pieces.rows):
            points = shapely.get_coordinates(pieces.shapes)
            half = layer.looks[0].size * self.f * 25.4 / 72 / 2 * 0.8
            self.boxes.append(np.concatenate([points - half, points + half], axis=1))
            self.owners.append(own)

    def _one_a_name(self, layer: Layer, pieces: _Pieces, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """The longest piece in the frame of each name."""
        if layer.names is None:
            return at
        long = shapely.length(pieces.shapes[at])
        order = at[np.argsort(-long, kind="stable")]
        return order[~pd.Series(layer.names[pieces.rows[order]]).duplicated().to_numpy()]

    def _take(self, layer: Layer, pieces: _Pieces, at: NDArray[np.int64], before: int) -> None:
        if layer.names is None:
            return
        said = pd.Series(layer.names[pieces.rows[at]]).astype("str").str.split().str.join(" ")
        long = fonts.widths(said.tolist(), own=self.font) > _LABEL_EMS
        said[long] = said[long].map(lambda name: fonts.fitted(name, _LABEL_EMS, own=self.font))
        texts = said.tolist()
        sizes = np.full(len(at), layer.size * self.f)
        extents = paper.extent(texts, sizes, own=self.font)
        shapes, angles = pieces.shapes[at], np.zeros(len(at))
        if layer.kind == "point":
            gap = layer.looks[0].size * self.f * 25.4 / 72 / 2 + 0.3
            middles = label_places.around(shapely.get_coordinates(shapes), extents, gap=gap)
        elif layer.kind == "area":
            middles = label_places.upon(shapely.get_coordinates(shapely.point_on_surface(shapes)), extents)
            low = shapely.bounds(shapes)
            narrow = (low[:, 2] - low[:, 0]) * 1.15 < extents[:, 0]
            middles[narrow] = np.nan
        else:
            middles, angles, extents = _along(shapes, extents)
        spare = np.full((len(at), 8 - middles.shape[1], 2), np.nan)
        self.texts += texts
        self.colours += [layer.colour] * len(at)
        order = -before * 1e6 + np.arange(len(at))
        self.parts.append((np.concatenate([middles, spare], axis=1), extents, order, angles, sizes))

    def placed(self, frame: tuple[float, float, float, float]) -> tuple[Lettering, int]:
        """The labels that found a place, and how many did not."""
        if not self.texts:
            none = np.zeros(0)
            return Lettering(texts=(), middles=np.zeros((0, 2)), angles=none, sizes=none, colours=()), 0
        middles, extents, order, angles, sizes = (np.concatenate(part) for part in zip(*self.parts, strict=True))
        boxes = np.concatenate(self.boxes) if self.boxes else None
        owners = np.concatenate(self.owners) if self.owners else None
        took = label_places.chosen(middles, extents, order, frame=frame, obstacles=boxes, own=owners)
        good = np.flatnonzero(took >= 0)
        return (
            Lettering(
                texts=tuple(self.texts[k] for k in good),
                middles=np.round(middles[good, took[good]], 3),
                angles=np.round(angles[good], 2),
                sizes=sizes[good],
                colours=tuple(self.colours[k] for k in good),
            ),
            int((took < 0).sum()) + self.beyond,
        )


def _along(
    shapes: NDArray[Any], extents: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Places along lines, the angle there, and the upright boxes that hold the turned labels; a line shorter than its label has none."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    order = np.lexsort((-shapely.length(parts), owner))
    first = order[np.searchsorted(owner[order], np.arange(len(shapes)))]
    lines = parts[first]
    long = shapely.length(lines)
    half = np.minimum(extents[:, 0] / 2, long / 2)
    ends = [shapely.get_coordinates(shapely.line_interpolate_point(lines, long / 2 + side * half)) for side in (-1, 1)]
    angle = np.arctan2(ends[1][:, 1] - ends[0][:, 1], ends[1][:, 0] - ends[0][:, 0])
    angle = np.where(
        angle > np.pi / 2 + 1e-6, angle - np.pi, np.where(angle <= -np.pi / 2 + 1e-6, angle + np.pi, angle)
    )
    middles = shapely.get_coordinates(shapely.line_interpolate_point(lines, long / 2))[:, None, :]
    middles[long < extents[:, 0]] = np.nan
    cos, sin = np.abs(np.cos(angle)), np.abs(np.sin(angle))
    w, h = extents.T
    return middles, np.rad2deg(angle), np.stack([w * cos + h * sin, w * sin + h * cos], axis=1)


def _mask(
    focus: Focus, ground: tuple[float, float, float, float], per_mm: float, corner: tuple[float, float]
) -> list[Ink]:
    """What is not the area of the sheet, paled; and the line around it."""
    shift = np.array([ground[0], ground[1]])
    # parts simplified one by one may run into one another
    shape = shapely.make_valid(shapely.simplify(focus.shape, _FINE_MM * per_mm), method="structure")
    outside = shapely.difference(shapely.box(*ground), shape)

    def mm(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((xy - shift) / per_mm + np.array(corner))

    made = []
    for one, look in ((outside, Look(label="", face="#ffffff", alpha=0.55)), (shape, _FOCUS)):
        vertices, codes = paper.outlines(np.array([shapely.transform(one, mm)]))
        made.append(Ink(look=look, vertices=np.round(vertices, 4), codes=codes))
    return made


def _bounds(place: Place) -> tuple[float, float, float, float]:
    """The whole place: its areas as far as there are streets in them; a county's outline is not the town."""
    frames = [place.geo(name, kind) for name, kind in (("areas", "area"), ("streets", "line"))]
    boxes = [frame.total_bounds for frame in frames if frame is not None]
    if not boxes:
        every = [
            f.total_bounds
            for f in place.frames.values()
            if isinstance(f, gpd.GeoDataFrame) and len(f) and f.active_geometry_name
        ]
        if not every:
            raise OutputError("This place has nothing to draw.")
        stack = np.array(every)
        low, high = np.nanmin(stack[:, :2], axis=0), np.nanmax(stack[:, 2:], axis=0)
    else:
        stack = np.array(boxes)
        low, high = stack[:, :2].max(axis=0), stack[:, 2:].min(axis=0)
        if not (low < high).all():
            low, high = stack[0, :2], stack[0, 2:]
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _index(
    place: Place,
    focus: Focus,
    ground: tuple[float, float, float, float],
    bounds: tuple[float, float, float, float],
    size: str,
) -> tuple[Ink, ...]:
    """The whole place small, with the area of the sheet and its frame."""
    width, height = paper.index_frame(size)
    west, south, east, north = bounds
    if focus.shape is None:
        west, south = min(west, ground[0]), min(south, ground[1])
        east, north = max(east, ground[2]), max(north, ground[3])
    per_mm = max((east - west) / (width - 2), (north - south) / (height - 2)) or 1.0
    middle = np.array([(west + east) / 2, (south + north) / 2])

    def mm(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((xy - middle) / per_mm + np.array([width / 2, height / 2]))

    areas, streets = place.geo("areas", "area"), place.geo("streets", "line")
    drawn: list[tuple[Any, Look]] = []
    if areas is not None:
        drawn.append((areas.geometry.to_numpy(), Look(label="", face="#efece6", edge="#a59f94", width=0.35)))
    elif streets is not None:
        drawn.append((streets.geometry.to_numpy(), Look(label="", shape="line", edge="#bdb8ae", width=0.35)))
    if focus.shape is not None:
        drawn.append((np.array([focus.shape]), Look(label="", face="#c9b3d9", edge="#6d2f8d", width=0.7)))
    drawn.append((np.array([shapely.box(*ground)]), Look(label="", edge="#b3261e", width=0.9)))
    room = shapely.box(0, 0, width, height).bounds
    made = []
    for shapes, look in drawn:
        small = shapely.clip_by_rect(shapely.transform(shapely.simplify(shapes, 2 * _FINE_MM * per_mm), mm), *room)
        vertices, codes = paper.outlines(small[~shapely.is_empty(small)])
        made.append(Ink(look=look, vertices=np.round(vertices, 4), codes=codes))
    return tuple(made)


def _north(crs: CRS, x: float, y: float) -> float:
    """How many degrees clockwise of grid north true north lies at a point."""
    back = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    lon, lat = back.transform(x, y)
    east, north = back.transform(np.array([lon, lon]), np.array([lat - 1e-3, lat + 1e-3]), direction="INVERSE")
    return round(float(np.rad2deg(np.arctan2(east[1] - east[0], north[1] - north[0]))), 4)


# -- words ---------------------------------------------------------------------------------------------------------------


def datum(crs: CRS, language: str) -> str:
    """The note on the coordinate system.

    >>> datum(CRS(4547), "zh")
    '2000国家大地坐标系，高斯－克吕格投影，3°带，中央经线 114°E（EPSG:4547）'
    >>> datum(CRS(32734), "en")
    'WGS 84 / UTM zone 34S (EPSG:32734)'
    """
    epsg = crs.to_epsg()
    code = "" if epsg is None else f"EPSG:{epsg}"
    name = crs.name
    if crs.datum is not None and crs.datum.name.startswith("China 2000") and crs.coordinate_operation is not None:
        meridian = next(
            (p.value for p in crs.coordinate_operation.params if p.name == "Longitude of natural origin"), None
        )
        if meridian is not None and "Transverse Mercator" in crs.coordinate_operation.method_name:
            band = "3°" if "3-degree" in name else "6°" if "Gauss-Kruger" in name else ""
            zh = ["2000国家大地坐标系", "高斯－克吕格投影", f"{band}带" if band else "", f"中央经线 {meridian:g}°E"]
            en = ["CGCS2000", "Gauss–Kruger", f"{band} zone" if band else "", f"central meridian {meridian:g}°E"]
            name = "，".join(w for w in zh if w) if language == "zh" else ", ".join(w for w in en if w)
    if not code:
        return name
    return f"{name}（{code}）" if language == "zh" else f"{name} ({code})"


def _notes(
    place: Place, about: About, style: Style, names: Sequence[str], theme: Theme, left_out: int
) -> tuple[str, ...]:
    say = place.say
    files = dict.fromkeys(file for n in (*names, *theme.needs) for file in about.sources.get(n, ()))
    sources = style.sources or say("、", ", ").join(files)
    edition = (
        standards.read("profiles").set_index("code")[f"name_{about.language}"].get(about.standards, about.standards)
    )
    notes = [
        say("坐标系：", "Coordinates: ")
        + datum(about.crs, about.language)
        + say("。格网数字为米。", ". Grid figures in metres."),
        say(f"高程基准：{style.height_datum}。", f"Heights: {style.height_datum}.") if style.height_datum else "",
        say(f"资料截止：{about.as_of}。标准：{edition}。", f"Data as of {about.as_of}. Standards: {edition}."),
        say(f"资料来源：{sources}。", f"Sources: {sources}.") if sources else "",
        *(about.doubts if theme.doubts else ()),
        say(f"另有 {left_out} 处注记因避让未标。", f"{left_out} labels found no room.") if left_out else "",
    ]
    return tuple(note for note in notes if note)


def _block(place: Place, style: Style, number: str, scale: int) -> tuple[tuple[str, str], ...]:
    say = place.say
    made = "" if style.dated is None else style.dated.isoformat()
    cells = [
        (say("编制单位", "By"), style.organisation),
        (say("编制", "Drawn"), style.author),
        (say("审核", "Checked"), style.reviewer),
        (say("编制日期", "Date"), made),
        (say("图号", "Sheet"), number),
        (say("比例尺", "Scale"), f"1 : {scale:,}".replace(",", " ")),
        (say("图幅", "Paper"), style.paper),
    ]
    if style.review_number or style.marking == "public":
        cells += [
            (say("审图号", "Review no."), style.review_number),
            (say("用途", "Use"), say("公开", "Public") if style.marking == "public" else say("内部", "Internal")),
        ]
    return tuple(cells)


def _marking(style: Style, place: Place) -> str:
    return place.say("公开", "Public") if style.marking == "public" else place.say("内部资料", "For internal use")


def _shown_km2(grounds: Sequence[tuple[float, float, float, float]], data: Any) -> float:
    """The ground all sheets together show, as far as the data go."""
    if not grounds:
        return 0.0
    frames: Any = shapely.box(*np.array(grounds).T)
    return float(shapely.area(shapely.intersection(shapely.union_all(frames), data))) / 1e6


def _warnings(shown: float, style: Style, about: About) -> list[str]:
    """What is to be asked before the sheets leave the house; never a verdict."""
    zh = about.language == "zh"
    limit = float(standards.read("map_sheet").query("code == 'secrecy_area'")["value"].iloc[0])
    said = []
    if shown > limit:
        said.append(
            f"图幅连续覆盖 {shown:,.1f} 平方公里，超过 {limit:g} 平方公里：公开前请向自然资源主管部门核实是否涉密、是否须送审。"
            if zh
            else f"The sheets cover {shown:,.1f} km² of continuous ground, more than {limit:g} km²: before they are made public, ask the natural-resources bureau about secrecy and map review."
        )
    if style.marking == "public" and not style.review_number:
        said.append(
            "标为公开而没有审图号：公开出版、展示、上网前一般须送审（[sheet] review_number）。"
            if zh
            else "Marked public without a review number: maps usually need one before they are published (review_number in [sheet])."
        )
    return said


# -- drawing -------------------------------------------------------------------------------------------------------------


def _parts(out: Path) -> Path:
    """Where finished sheets wait until all are through, so that a run that was stopped goes on from there."""
    base = out if out.parent == out or (out.exists() and not os.access(out.parent, os.W_OK)) else out.parent
    return base / f".{out.name}.parts"


def _drawn(
    sheets: _Composed, out: Path, folder: Path, *, dpi: int, processes: int | None, say: Progress
) -> list[dict[str, Any]]:
    """Draw what is not there yet; a row a sheet. Files land in `folder`."""
    parts = _parts(out)
    parts.mkdir(parents=True, exist_ok=True)
    (folder / "sheets").mkdir()
    last = _last(out)
    total, rows = len(sheets.jobs), []
    count = processes or (1 if total <= _FEW else min(os.cpu_count() or 1, 61))
    pool: ProcessPoolExecutor | None = None
    waiting: dict[Future[str], dict[str, Any]] = {}

    def land(row: dict[str, Any], why: str) -> None:
        if why:
            row |= {"status": "failed", "why": why}
        else:
            row["made"] = _moved(row.pop("from"), row["file"], folder, row["made"])
        row.pop("from", None)
        rows.append(row)
        say(len(rows), total, f"{row['number']} {row['area']}".strip())

    try:
        for job, sheet in sheets:
            row: dict[str, Any] = {
                "number": job.number,
                "file": job.file,
                "theme": job.code,
                "area": job.focus.name,
                "scale": None,
                "labels": None,
                "labels_left_out": None,
                "status": "drawn",
                "why": "",
                "made": {},
            }
            if isinstance(sheet, str):
                land(row, sheet)
                continue
            mark = hashlib.sha256(f"{paper.fingerprint(sheet)} {dpi}".encode()).hexdigest()
            row |= {"scale": sheet.scale, "labels": len(sheet.lettering.texts), "labels_left_out": sheet.left_out}
            row |= {"made": {"content": mark}, "from": (parts / f"{mark}.pdf", parts / f"{mark}.png")}
            if all(path.is_file() for path in row["from"]):
                land(row | {"status": "kept"}, "")
            elif mark in last:
                land(row | {"status": "kept", "from": last[mark]}, "")
            elif count == 1:
                land(row, _draw_one(paper.dump(sheet), row["from"], dpi))
            else:
                pool = pool or ProcessPoolExecutor(count, mp_context=get_context("spawn"))
                try:
                    waiting[pool.submit(_draw_one, paper.dump(sheet), row["from"], dpi)] = row
                except BrokenProcessPool:  # what drew the sheets before was ended; go on here
                    land(row, _draw_one(paper.dump(sheet), row["from"], dpi))
                while len(waiting) > 3 * count:
                    _collect(waiting, land)
        while waiting:
            _collect(waiting, land)
    finally:
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
        with suppress(OSError):  # only where nothing was drawn
            parts.rmdir()
    return rows


def _collect(waiting: dict[Future[str], dict[str, Any]], land: Callable[[dict[str, Any], str], None]) -> None:
    for done in wait(waiting, return_when=FIRST_COMPLETED).done:
        row = waiting.pop(done)
        try:
            land(row, done.result())
        except BrokenProcessPool:
            land(row, "The process that drew it was ended from outside (memory?).")


def _draw_one(packed: bytes, files: tuple[Path, Path], dpi: int) -> str:
    """Draw a sheet; what went wrong as text, empty where nothing did."""
    try:
        paper.save(paper.load(packed), *files, dpi=dpi)
    except LifecircleError as error:
        return str(error)
    except Exception as error:  # told in the table of sheets; the others go on
        return f"{type(error).__name__}: {error}"
    return ""


def _last(out: Path) -> dict[str, tuple[Path, Path]]:
    """Sheets of the atlas before, by content, whose files are as they were written."""
    found = {}
    for name, made in ((output.previous(out) or {}).get("sheets") or {}).items():
        files = (out / "sheets" / f"{name}.pdf", out / "sheets" / f"{name}.png")
        if all(path.is_file() and _hash(path) == made.get(path.suffix[1:]) for path in files):
            found[made["content"]] = files
    return found


def _moved(files: tuple[Path, Path], name: str, folder: Path, made: dict[str, str]) -> dict[str, str]:
    for path in files:
        target = folder / "sheets" / f"{name}{path.suffix}"
        shutil.copyfile(path, target)
        made[path.suffix[1:]] = _hash(target)
    return made


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _bind(folder: Path, sheets: pd.DataFrame, about: About) -> None:
    """All sheets in one PDF, with an outline by theme."""
    from pypdf import PdfWriter

    book = PdfWriter()
    above: dict[str, Any] = {}
    for page, (file, theme, number, area) in enumerate(
        zip(*(sheets[c] for c in ("file", "theme", "number", "area")), strict=True)
    ):
        book.append(fileobj=folder / "sheets" / f"{file}.pdf", import_outline=False)
        said = THEMES[theme].zh if about.language == "zh" else THEMES[theme].en
        if theme not in above:
            above[theme] = book.add_outline_item(title=said, page_number=page)
        book.add_outline_item(title=f"{number} {area or said}", page_number=page, parent=above[theme])
    book.metadata = {"/Title": about.name}
    with (folder / "atlas.pdf").open("wb") as file:
        book.write(file)


def _write_table(table: pd.DataFrame, path: Path) -> None:
    shown = table.drop(columns="made").assign(status=table["status"].replace("kept", "drawn"))
    for column in ("area", "why"):
        shown[column] = workbook.safe(shown[column])
    shown.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")
