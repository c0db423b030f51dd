"""One sheet on paper: a description that holds all there is to draw, in millimetres, and the figure drawn from it.

A `Sheet` is complete: drawn in another process or another year it gives the same page, and `fingerprint` says whether two would
differ. Layout follows the habit of printed planning atlases: title above, map with its coordinate frame at the left, at the right
index map, legend, figures, scale and north, notes and the title block. Sizes are those of A3; A4 is the same page at 1 : √2.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import shapely
from matplotlib.artist import Artist, allow_rasterization
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.transforms import Affine2D, Transform
from numpy.typing import NDArray

from lifecircle.publish import charts, fonts

SIZES = {"A3": (420.0, 297.0), "A4": (297.0, 210.0)}  # ISO 216, landscape, mm
_EM_MM = 25.4 / 72  # a point
_MAP = (18.0, 18.0, 294.0, 247.0)  # the frame of the map on A3: left, bottom, width, height
_COLUMN = (322.0, 86.0)  # left and width of what stands beside the map
_OUTER, _BAND, _TOP = 10.0, 273.0, 287.0
_RED, _GRID, _RULE = "#b3261e", "#5b7fa3", "#9a9a94"
_EDITION = 1  # raised when a sheet of the same content is to look different


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a class is drawn and called; `shape` is area, line or a marker (o, s, ^, D), sizes are in points."""

    label: str
    shape: str = "area"
    face: str | None = None
    edge: str | None = None
    width: float = 0.4
    dash: tuple[float, ...] | None = None
    alpha: float = 1.0
    hatch: str | None = None
    size: float = 4.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Ink:
    """The shapes of one class on a page: vertices in mm (n × 2) and matplotlib's path codes."""

    look: Look
    vertices: NDArray[np.float64]
    codes: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class Lettering:
    """Labels that found a place: texts, middles in mm (n × 2), angles in degrees, size in points and colour."""

    texts: tuple[str, ...]
    middles: NDArray[np.float64]
    angles: NDArray[np.float64]
    sizes: NDArray[np.float64]
    colours: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """All there is to draw on one page; `origin` is the ground at the lower left of the map, `north` how far true north lies clockwise of grid north."""

    number: str
    file: str
    title: str
    subtitle: str
    paper: str
    scale: int
    origin: tuple[float, float]
    inks: tuple[Ink, ...]
    lettering: Lettering
    left_out: int
    index: tuple[Ink, ...]
    legend: tuple[Look, ...]
    figures: tuple[tuple[str, str], ...]
    chart: tuple[str, str, pd.DataFrame] | None
    north: float
    notes: tuple[str, ...]
    block: tuple[tuple[str, str], ...]
    marking: str
    warning: str = ""
    language: str = "zh"
    font: Path | None = None


def frame(paper: str) -> tuple[float, float, float, float]:
    """The map on a page: left, bottom, width and height in mm.

    >>> frame("A3")
    (18.0, 18.0, 294.0, 247.0)
    """
    f = SIZES[paper][0] / SIZES["A3"][0]
    x, y, w, h = (round(f * side, 3) for side in _MAP)
    return x, y, w, h


def index_frame(paper: str) -> tuple[float, float]:
    """The room of the index map: width and height in mm; its inks count from its own lower left."""
    f = SIZES[paper][0] / SIZES["A3"][0]
    return round(f * _COLUMN[1], 3), round(f * 36.0, 3)


def fingerprint(sheet: Sheet) -> str:
    """What two sheets that look the same have in common, and no others."""
    shelf = hashlib.sha256()
    shelf.update(f"{_EDITION} {version('lifecircle')} {mpl.__version__}".encode())
    chart = None if sheet.chart is None else (*sheet.chart[:2], sheet.chart[2].to_csv())
    font = "" if sheet.font is None else hashlib.sha256(sheet.font.read_bytes()).hexdigest()
    told = {
        key: value for key, value in vars(sheet).items() if key not in ("inks", "index", "lettering", "chart", "font")
    }
    shelf.update(repr((sorted(told.items()), chart, font)).encode())
    lettering = sheet.lettering
    shelf.update(repr((lettering.texts, lettering.colours)).encode())
    for array in (lettering.middles, lettering.angles, lettering.sizes):
        shelf.update(np.ascontiguousarray(array, dtype=np.float64).tobytes())
    for ink in (*sheet.inks, *sheet.index):
        shelf.update(repr((ink.look, len(ink.codes))).encode())
        shelf.update(ink.vertices.tobytes() + ink.codes.tobytes())
    return shelf.hexdigest()


def save(sheet: Sheet, pdf: Path, png: Path, *, dpi: float) -> None:
    """Draw the sheet into a PDF and a PNG, each whole or not at all.

    Raises
    ------
    GlyphError
        A character no font has; nothing is written.
    """
    with fonts.used(sheet.font):
        figure = draw(sheet)
        out = io.BytesIO()
        about = {"CreationDate": None, "Producer": None, "Creator": None, "Title": _line(sheet)}
        figure.savefig(out, format="pdf", metadata=about)
        shown = _picture(figure, dpi)
    for path, content in ((pdf, out.getvalue()), (png, shown)):
        part = path.with_name(path.name + ".part")
        part.write_bytes(content)
        part.replace(path)


def picture(sheet: Sheet, *, dpi: float = 100) -> bytes:
    """The sheet as PNG, for a notebook or a page.

    Raises
    ------
    GlyphError
        A character no font has.
    """
    with fonts.used(sheet.font):
        return _picture(draw(sheet), dpi)


def _picture(figure: Figure, dpi: float) -> bytes:
    figure.set_dpi(dpi)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return _png(np.asarray(canvas.buffer_rgba())[:, :, :3], dpi)


def _png(pixels: NDArray[np.uint8], dpi: float) -> bytes:
    """A picture as PNG: rows told by what changes from the one above (filter 2), which on maps is little, so a quick zlib does."""
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).reshape(height, 3 * width)
    told = np.empty((height, 1 + 3 * width), dtype=np.uint8)
    told[:, 0] = 2
    told[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=told[1:, 1:])
    metre = round(dpi / 0.0254)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"pHYs", struct.pack(">IIB", metre, metre, 1)),
        (b"IDAT", zlib.compress(told.data, 1)),
        (b"IEND", b""),
    )
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def load(pickled: bytes) -> Sheet:
    """A sheet as `dump` packed it."""
    sheet = pickle.loads(pickled)  # noqa: S301 - packed by the parent process
    if not isinstance(sheet, Sheet):
        raise TypeError("not a sheet")
    return sheet


def dump(sheet: Sheet) -> bytes:
    """A sheet as bytes for another process."""
    return pickle.dumps(sheet, protocol=5)


def _line(sheet: Sheet) -> str:
    return f"{sheet.number} {sheet.title} {sheet.subtitle}".strip()


# -- shapes to paths -----------------------------------------------------------------------------------------------------


def outlines(shapes: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Lines and polygons as one path: vertices and codes. Holes run the other way round than outer rings, so they stay open.

    >>> vertices, codes = outlines(np.array([shapely.box(0, 0, 1, 1), shapely.LineString([(0, 0), (2, 2)])]))
    >>> codes.tolist()
    [1, 2, 2, 2, 79, 1, 2]
    """
    parts = shapely.get_parts(shapely.get_parts(np.asarray(shapes, dtype=object)))
    areas = shapely.get_type_id(parts) == 3
    rings = shapely.get_rings(shapely.orient_polygons(parts[areas], exterior_cw=False))
    lines = parts[np.isin(shapely.get_type_id(parts), (1, 2))]
    every = np.concatenate([rings, lines])
    every = every[shapely.get_num_coordinates(every) > 1]
    vertices, owner = shapely.get_coordinates(every, return_index=True)
    codes = np.full(len(vertices), Outline.LINETO, dtype=np.uint8)
    first = np.ones(len(owner), dtype=bool)
    first[1:] = owner[1:] != owner[:-1]
    codes[first] = Outline.MOVETO
    closed = shapely.get_type_id(every) == 2
    last = np.roll(first, -1)
    codes[last & closed[owner]] = Outline.CLOSEPOLY
    return vertices, codes


_MARKS = {
    "o": np.stack([np.cos(np.arange(20) * np.pi / 10), np.sin(np.arange(20) * np.pi / 10)], axis=1) / 2,
    "s": np.array([[-0.44, -0.44], [0.44, -0.44], [0.44, 0.44], [-0.44, 0.44]]),
    "^": np.array([[-0.5, -0.42], [0.5, -0.42], [0.0, 0.5]]),
    "D": np.array([[0.0, -0.56], [0.56, 0.0], [0.0, 0.56], [-0.56, 0.0]]),
}


def markers(
    points: NDArray[np.float64], look: Look, *, f: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """The marker of a look, `f` times its size, at each point, in mm, as one path."""
    shape = _MARKS[look.shape] * look.size * f * _EM_MM
    ring = np.concatenate([shape, shape[:1]])
    codes = np.array([Outline.MOVETO, *[Outline.LINETO] * (len(ring) - 2), Outline.CLOSEPOLY], dtype=np.uint8)
    return (points[:, None, :] + ring[None]).reshape(-1, 2), np.tile(codes, len(points))


# -- the page ------------------------------------------------------------------------------------------------------------


class _Words(Artist):
    """All texts of a page in one artist: set where they were measured to stand, without matplotlib measuring each anew."""

    def __init__(self, mm: Transform, own: Path | None) -> None:
        super().__init__()
        self.set_zorder(9)
        self.mm, self.own = mm, own
        self.items: list[tuple[float, float, str, float, float, str]] = []
        self.fonts: dict[float, FontProperties] = {}

    def add(self, x: float, y: float, text: str, size: float, *, angle: float = 0.0, colour: str = fonts.INK) -> None:
        """A text whose baseline begins at (x, y) in mm, of `size` points."""
        if size not in self.fonts:
            self.fonts[size] = FontProperties(size=size)
        self.items.append((x, y, text, size, angle, colour))

    @allow_rasterization  # type: ignore[untyped-decorator,unused-ignore]
    def draw(self, renderer: Any) -> None:
        """Hand every text to the renderer."""
        if not self.items:
            return
        if hasattr(renderer, "buffer_rgba"):
            self._outlined(renderer)
            return
        at = self.mm.transform(np.array([item[:2] for item in self.items]))
        if renderer.flipy():
            at[:, 1] = renderer.get_canvas_width_height()[1] - at[:, 1]
        gc = renderer.new_gc()
        for (x, y), (_, _, text, size, angle, colour) in zip(at.tolist(), self.items, strict=True):
            gc.set_foreground(colour)
            renderer.draw_text(gc, x, y, text, self.fonts[size], angle)
        gc.restore()

    def _outlined(self, renderer: Any) -> None:
        """In a picture the letters are filled outlines, one path a colour."""
        for colour in dict.fromkeys(item[5] for item in self.items):
            vertices, codes = fonts.lettered(
                [item[:5] for item in self.items if item[5] == colour], em=_EM_MM, own=self.own
            )
            if len(vertices):
                gc = renderer.new_gc()
                gc.set_linewidth(0)
                renderer.draw_path(gc, Outline(vertices, codes), self.mm, to_rgba(colour))
                gc.restore()


@dataclass(frozen=True, eq=False)
class _Page:
    figure: Figure
    mm: Transform
    f: float  # against A3
    sheet: Sheet
    words: _Words
    said: list[str]
    rules: dict[tuple[float, str], list[NDArray[np.float64]]]

    def say(self, zh: str, en: str) -> str:
        return zh if self.sheet.language == "zh" else en


def draw(sheet: Sheet) -> Figure:
    """The sheet as a figure of the size of its paper, in whatever fonts are in use; see `fonts.used`.

    Raises
    ------
    GlyphError
        A character no font has.
    """
    w, h = SIZES[sheet.paper]
    figure = Figure(figsize=(w / 25.4, h / 25.4), dpi=72, facecolor="white")
    FigureCanvasAgg(figure)
    mm = Affine2D().scale(1 / 25.4) + figure.dpi_scale_trans
    page = _Page(figure, mm, w / SIZES["A3"][0], sheet, _Words(mm, sheet.font), [], {})
    _draw_map(page)
    _draw_grid(page)
    _draw_title(page)
    _draw_column(page)
    _rule(page, [(_OUTER, _OUTER), (410, _OUTER), (410, _TOP), (_OUTER, _TOP), (_OUTER, _OUTER)], 1.6)
    _draw_rules(page)
    figure.add_artist(page.words)
    fonts.check(page.said, own=sheet.font, language=sheet.language)
    return figure


_RISE = 0.36  # how far the middle of letters stands above their baseline, in ems


def _text(
    page: _Page,
    x: float,
    y: float,
    text: str,
    size: float,
    *,
    ha: str = "left",
    angle: float = 0.0,
    colour: str = fonts.INK,
) -> None:
    """Text at a place given as on A3, its letters' middle at y."""
    if not text:
        return
    page.said.append(text)
    em = size * _EM_MM
    back = {"left": 0.0, "center": 0.5, "right": 1.0}[ha]
    shift = back * float(fonts.widths([text], own=page.sheet.font)[0]) * em if back else 0.0
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    a, b = x - shift * cos + _RISE * em * sin, y - shift * sin - _RISE * em * cos
    page.words.add(page.f * a, page.f * b, text, page.f * size, angle=angle, colour=colour)


def _fit(page: _Page, text: str, width_mm: float, size: float) -> str:
    return fonts.fitted(text, width_mm / (size * _EM_MM), own=page.sheet.font)


def _rule(page: _Page, points: Sequence[tuple[float, float]], width: float = 0.4, colour: str = fonts.INK) -> None:
    """A line through points given as on A3; all of one width and colour are drawn together."""
    page.rules.setdefault((width, colour), []).append(page.f * np.array(points))


def _draw_rules(page: _Page) -> None:
    for (width, colour), lines in page.rules.items():
        codes = np.full(sum(map(len, lines)), Outline.LINETO, dtype=np.uint8)
        codes[np.cumsum([0, *map(len, lines)])[:-1]] = Outline.MOVETO
        _patch(page, np.concatenate(lines), codes, Look(label="", shape="line", edge=colour, width=width))


def _box(x0: float, y0: float, x1: float, y1: float) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]), np.array([1, 2, 2, 2, 79], dtype=np.uint8)


def _patch(page: _Page, vertices: NDArray[Any], codes: NDArray[Any], look: Look, clip: Any = None) -> None:
    if not len(vertices):
        return
    patch = PathPatch(
        Outline(vertices, codes),
        transform=page.mm,
        facecolor=look.face or "none",
        edgecolor=look.edge or "none",
        linewidth=look.width * page.f if look.edge else 0,
        alpha=look.alpha,
        linestyle=(0, look.dash) if look.dash else "solid",
        hatch=look.hatch,
        joinstyle="round",
        capstyle="butt",
        fill=look.face is not None,
    )
    page.figure.add_artist(patch)
    if clip is not None:
        patch.set_clip_path(clip)


def _draw_map(page: _Page) -> None:
    sheet = page.sheet
    x, y, w, h = frame(sheet.paper)
    clip = Rectangle((x, y), w, h, transform=page.mm, visible=False)
    page.figure.add_artist(clip)
    for ink in sheet.inks:
        _patch(page, ink.vertices, ink.codes, ink.look, clip)
    lettering = sheet.lettering
    if lettering.texts:
        backs = _backs(lettering)
        _patch(page, *outlines(backs), Look(label="", face="#ffffff", alpha=0.7), clip)
    for text, (at, up), angle, size, colour in zip(
        lettering.texts,
        lettering.middles.tolist(),
        lettering.angles.tolist(),
        lettering.sizes.tolist(),
        lettering.colours,
        strict=True,
    ):
        _text(
            page,
            at / page.f,
            up / page.f,
            text,
            size / page.f,
            ha="center",
            colour=colour,
            angle=angle,
        )
    _rule(page, [(a / page.f, b / page.f) for a, b in ((x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y))], 1.0)


def _backs(lettering: Lettering) -> NDArray[Any]:
    sizes = extent(list(lettering.texts), lettering.sizes)
    half = sizes / 2 - 0.15
    angle = np.deg2rad(lettering.angles)
    along, up = np.stack([np.cos(angle), np.sin(angle)], 1), np.stack([-np.sin(angle), np.cos(angle)], 1)
    corners = [a * half[:, :1] * along + b * half[:, 1:] * up for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return np.asarray(shapely.polygons(lettering.middles[:, None, :] + np.stack(corners, axis=1)))


def extent(texts: Sequence[str], sizes: NDArray[np.float64], *, own: Path | None = None) -> NDArray[np.float64]:
    """Width and height in mm of texts set in `sizes` points."""
    em = np.asarray(sizes, dtype=np.float64) * _EM_MM
    return np.stack([fonts.widths(texts, own=own) * em + 0.25 * em, 1.16 * em], axis=1)


def step(scale: int, *, least_mm: float = 45.0) -> int:
    """The round distance on the ground, in metres, between lines of the grid: 1, 2 or 5 and noughts, at least so far apart on paper.

    >>> step(2000), step(10000), step(500)
    (100, 500, 50)
    """
    wanted = scale * least_mm / 1000
    power = 10 ** int(np.floor(np.log10(wanted)))
    return int(next(m * power for m in (1, 2, 5, 10) if m * power >= wanted))


def _draw_grid(page: _Page) -> None:
    """Ticks and figures of the coordinate grid around the map, crosses within."""
    sheet, f = page.sheet, page.f
    x, y, w, h = (side / f for side in frame(sheet.paper))
    metres = step(sheet.scale)
    per_mm = sheet.scale / 1000 * f  # metres of ground a millimetre of the A3 layout
    lines = []
    for origin, length in ((sheet.origin[0], w), (sheet.origin[1], h)):
        first = np.ceil(origin / metres) * metres
        lines.append(np.arange(first, origin + length * per_mm, metres))
    at_x, at_y = (lines[0] - sheet.origin[0]) / per_mm + x, (lines[1] - sheet.origin[1]) / per_mm + y
    cross = np.stack(np.meshgrid(at_x, at_y), axis=-1).reshape(-1, 1, 2)
    arms = np.concatenate(
        [cross + np.array([[-1.6, 0], [1.6, 0]]), cross + np.array([[0, -1.6], [0, 1.6]])]
        + [np.array([[[a, b], [a, b + d]]]) for a in at_x for b, d in ((y, -2.2), (y + h, 2.2))]
        + [np.array([[[a, b], [a + d, b]]]) for b in at_y for a, d in ((x, -2.2), (x + w, 2.2))]
    )
    codes = np.tile(np.array([Outline.MOVETO, Outline.LINETO], dtype=np.uint8), len(arms))
    _patch(page, f * arms.reshape(-1, 2), codes, Look(label="", shape="line", edge=_GRID, width=0.45))
    for value, a in zip(lines[0], at_x, strict=True):
        if x + 8 < a < x + w - 8:
            for b in (y - 4.0, y + h + 4.0):
                _text(page, a, b, _metres(value), 6.4, ha="center", colour=_GRID)
    for value, b in zip(lines[1], at_y, strict=True):
        if y + 8 < b < y + h - 8:
            for a in (x - 4.0, x + w + 4.0):
                _text(page, a, b, _metres(value), 6.4, ha="center", angle=90, colour=_GRID)


def _metres(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ")


def _draw_title(page: _Page) -> None:
    sheet = page.sheet
    _rule(page, [(_OUTER, _BAND), (410, _BAND)], 0.6)
    middle = (_BAND + _TOP) / 2
    title = _fit(page, sheet.title, 210, 19)
    wide = float(fonts.widths([title], own=sheet.font)[0]) * 19 * _EM_MM
    _text(page, 16, middle, title, 19, colour=fonts.INK)
    if sheet.subtitle:
        _text(
            page, 16 + wide + 6, middle - 0.6, _fit(page, sheet.subtitle, 290 - wide - 22, 13), 13, colour=fonts.FAINT
        )
    if sheet.warning:
        _text(page, 365, middle, _fit(page, sheet.warning, 52, 9), 9, ha="right", colour=_RED)
    _text(page, 405, middle + 2.6, _fit(page, sheet.marking, 38, 9.5), 9.5, ha="right", colour=_RED)
    _text(page, 405, middle - 2.9, _fit(page, f"{page.say('图号', 'Sheet')} {sheet.number}", 38, 9), 9, ha="right")


# -- what stands beside the map ------------------------------------------------------------------------------------------

_ROW, _HEAD, _GAP = 4.5, 6.2, 3.0
_CHART = (20.0, 62.0)  # the least and the most height of a chart


def _draw_column(page: _Page) -> None:
    sheet = page.sheet
    x, w = _COLUMN
    _rule(page, [(320, _OUTER), (320, _BAND)], 0.6)
    bottom = _draw_block(page, x, w)
    bottom = _draw_notes(page, x, w, bottom)
    bottom = _draw_scale(page, x, w, bottom)
    top = _BAND - 2.0
    if sheet.index:
        top = _draw_index(page, x, w, top)
    figures = _HEAD + _ROW * len(sheet.figures) + _GAP if sheet.figures else 0.0
    chart = 0.0 if sheet.chart is None else _HEAD + _GAP + _CHART[0]
    rows = _legend_rows(page, top - bottom - figures - chart - _HEAD - _GAP)
    if 2 * rows < len(sheet.legend):  # a legend goes before a chart
        rows = _legend_rows(page, top - bottom - figures - _HEAD - _GAP)
    top = _draw_legend(page, x, w, top, rows)
    if sheet.figures:
        top = _draw_figures(page, x, w, top)
    if sheet.chart is not None:
        most = 6.0 + 6.5 * len(sheet.chart[2]) if sheet.chart[0] == "bars" else _CHART[1]
        room = min(top - bottom - _HEAD - _GAP, _CHART[1], most)
        if room >= min(_CHART[0], most) - 2:
            _draw_chart(page, x, w, top, room)


def _heading(page: _Page, x: float, w: float, top: float, text: str) -> float:
    _text(page, x, top - 2.6, text, 9.5, colour=fonts.INK)
    _rule(page, [(x, top - 5.2), (x + w, top - 5.2)], 0.5, _RULE)
    return top - _HEAD


def _draw_index(page: _Page, x: float, w: float, top: float) -> float:
    top = _heading(page, x, w, top, page.say("索引图", "Where this is"))
    height = index_frame(page.sheet.paper)[1] / page.f
    shift = page.f * np.array([x, top - height])
    for ink in page.sheet.index:
        _patch(page, ink.vertices + shift, ink.codes, ink.look)
    return top - height - _GAP


def _legend_rows(page: _Page, room: float) -> int:
    """Rows of the legend: one column where that fits, else two as far as the room goes."""
    n, most = len(page.sheet.legend), max(1, int(room / _ROW))
    return max(1, n if n <= min(most, 6) else min(most, -(-n // 2)))


def _legend_size(page: _Page, text: str, width_mm: float) -> float:
    """What is cut from a class is its range: a long label is set smaller first, as far as it can be read."""
    needed = float(fonts.widths([text], own=page.sheet.font)[0]) * _EM_MM
    return min(7.6, max(5.4, 0.999 * width_mm / needed)) if needed > 0 else 7.6


def _draw_legend(page: _Page, x: float, w: float, top: float, rows: int) -> float:
    sheet = page.sheet
    top = _heading(page, x, w, top, page.say("图例", "Legend"))
    looks = sheet.legend
    columns = 1 if len(looks) <= rows else 2
    wide = w / columns
    if len(looks) > rows * columns:
        more = len(looks) - rows * columns + 1
        looks = (
            *looks[: rows * columns - 1],
            Look(label=page.say(f"另有 {more} 类", f"{more} more classes"), shape=""),
        )
    for place, look in enumerate(looks):
        a, b = x + wide * (place // rows), top - _ROW * (place % rows + 0.5)
        _swatch(page, a, b, look)
        size = _legend_size(page, look.label, wide - 11)
        _text(page, a + 10, b, _fit(page, look.label, wide - 11, size), size)
    return top - rows * _ROW - _GAP


def _swatch(page: _Page, x: float, y: float, look: Look) -> None:
    if look.shape == "line":
        vertices, codes = np.array([[x, y], [x + 8, y]]), np.array([1, 2], dtype=np.uint8)
    elif look.shape == "area":
        vertices, codes = _box(x, y - 1.5, x + 8, y + 1.5)
    elif look.shape in _MARKS:
        vertices, codes = markers(np.array([[x + 4, y]]), look)
    else:
        return
    edge = look.edge or ("#8a8a84" if look.shape == "area" else None)
    shown = Look(**{**vars(look), "edge": edge, "width": max(look.width, 0.3)})
    _patch(page, page.f * vertices, codes, shown)


def _draw_figures(page: _Page, x: float, w: float, top: float) -> float:
    top = _heading(page, x, w, top, page.say("主要指标", "Key figures"))
    for place, (what, value) in enumerate(page.sheet.figures):
        b = top - _ROW * (place + 0.5)
        value = _fit(page, value, 0.6 * w, 8)
        taken = float(fonts.widths([value], own=page.sheet.font)[0]) * 8 * _EM_MM
        _text(page, x, b, _fit(page, what, w - taken - 3, 7.8), 7.8, colour=fonts.FAINT)
        _text(page, x + w, b, value, 8, ha="right")
    return top - _ROW * len(page.sheet.figures) - _GAP


def _draw_chart(page: _Page, x: float, w: float, top: float, height: float) -> None:
    if page.sheet.chart is None:
        return
    name, heading, table = page.sheet.chart
    top = _heading(page, x, w, top, _fit(page, heading, w, 9.5))
    if name == "bars":
        _draw_bars(page, table, (x, top - height, w, height))
        return
    width, tall = SIZES["A3"]
    with mpl.rc_context(
        {
            "font.size": 6.6 * page.f,
            "axes.linewidth": 0.4,
            "xtick.major.size": 2,
            "ytick.major.size": 2,
            "xtick.major.width": 0.4,
            "ytick.major.width": 0.4,
            "xtick.major.pad": 1.6,
            "ytick.major.pad": 1.6,
            "axes.labelpad": 3.0,
            "legend.borderaxespad": 0.2,
        }
    ):
        axes = page.figure.add_axes((x / width, (top - height) / tall, w / width, height / tall))
        _CHARTS[name](table, axes, page.sheet.language)
        _fill(page, axes, (x, top - height, w, height))
    page.said.extend(artist.get_text() for artist in axes.findobj(mpl.text.Text) if isinstance(artist, mpl.text.Text))


def _draw_bars(page: _Page, table: pd.DataFrame, room: tuple[float, float, float, float]) -> None:
    """Horizontal bars, the first on top, as many as there is room for: what it is, how long, how much."""
    x, y, w, h = room
    table = table.head(max(1, int(h / 3.6)))
    values = table["value"].to_numpy(dtype="float64")
    names = [_fit(page, str(name), 0.46 * w, 6.6) for name in table["name"]]
    left = x + float(fonts.widths(names, own=page.sheet.font).max()) * 6.6 * _EM_MM + 2
    most = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
    most = 1.0 if table["unit"].iloc[0] == "%" else most
    long = (x + w - left - 13) / (most or 1.0)
    pitch = min(h / len(table), 6.0)
    for place, (name, value, colour) in enumerate(zip(names, values.tolist(), table["colour"], strict=True)):
        middle = y + h - pitch * (place + 0.5)
        _text(page, left - 1.5, middle, name, 6.6, ha="right")
        known = bool(np.isfinite(value))
        if known and value > 0:
            thick = 0.34 * pitch
            ring, codes = _box(left, middle - thick, left + value * long, middle + thick)
            _patch(page, page.f * ring, codes, Look(label="", face=colour, edge="#8a8a84", width=0.2))
        said = f"{100 * value:.0f} %" if table["unit"].iloc[0] == "%" else f"{value:,.4g}"
        said = said if known else page.say("未知", "not known")
        _text(page, left + (value * long if known else 0.0) + 1, middle, said, 6.2, colour=fonts.FAINT)
    _rule(page, [(left, y + h), (left, y + h - pitch * len(table))], 0.4, _RULE)


def _fill(page: _Page, axes: Axes, room: tuple[float, float, float, float]) -> None:
    """Shrink the axes until their texts, too, stand within the room."""
    x, y, w, h = (page.f * side / 25.4 * 72 for side in room)
    box = axes.get_tightbbox()
    if box is None:
        return
    dpi = page.figure.dpi / 72
    left, low, right, high = (side / dpi for side in (box.x0, box.y0, box.x1, box.y1))
    width, height = page.figure.get_size_inches() * 72
    a, b = x + max(0, x - left), y + max(0, y - low)
    c, d = x + w - max(0, right - x - w), y + h - max(0, high - y - h)
    axes.set_position((a / width, b / height, max(c - a, 10) / width, max(d - b, 10) / height))


_CHARTS: dict[str, Any] = {
    "pipe_age": lambda table, axes, language: charts.pipe_age(table, axes=axes, language=language),
    "gain": lambda table, axes, language: charts.gain(table, axes=axes, language=language),
}


def _draw_scale(page: _Page, x: float, w: float, bottom: float) -> float:
    """Numeric and graphic scale, and the north arrow beside them."""
    sheet, height = page.sheet, 25.0
    _rule(page, [(x, bottom + height), (x + w, bottom + height)], 0.5, _RULE)
    per_mm = sheet.scale / 1000 * page.f
    metres = step(sheet.scale, least_mm=6.2 * page.f)
    long = metres / per_mm
    y = bottom + 8.6
    _text(page, x, bottom + 19, f"1 : {_metres(sheet.scale)}", 13)
    for place in range(4):
        look = Look(label="", face=fonts.INK if place % 2 == 0 else "#ffffff", edge=fonts.INK, width=0.4)
        ring, codes = _box(x + 2 + place * long, y, x + 2 + (place + 1) * long, y + 1.7)
        _patch(page, page.f * ring, codes, look)
    in_km = metres * 4 >= 2000
    for place in (0, 1, 2, 4):
        value = metres * place / (1000 if in_km else 1)
        unit = (page.say(" 公里", " km") if in_km else page.say(" 米", " m")) if place == 4 else ""
        _text(page, x + 2 + place * long, y + 3.6, f"{value:g}{unit}", 6.6, ha="left" if place == 4 else "center")
    turn, said = _north_said(page)
    _text(page, x, bottom + 3.2, _fit(page, said, w - 20, 6.6), 6.6, colour=fonts.FAINT)
    _draw_arrow(page, x + w - 9, bottom + 11.5, turn)
    return bottom + height + 1.5


def _north_said(page: _Page) -> tuple[float, str]:
    turn = page.sheet.north
    minutes = round(abs(turn) * 60)
    said = f"{minutes // 60}°{minutes % 60:02d}′"
    if not minutes:
        return 0.0, page.say("箭头指坐标北，与真北一致", "Arrow: grid north, here true north")
    side = page.say("东" if turn > 0 else "西", "east" if turn > 0 else "west")
    return turn, page.say(
        f"箭头指坐标北；真北偏{side} {said}（虚线）", f"Arrow: grid north; true north {said} {side} (dashed)"
    )


def _draw_arrow(page: _Page, x: float, y: float, turn: float) -> None:
    for points, face in (
        ([(0, 8), (-3, -5), (0, -2.6), (0, 8)], "#ffffff"),
        ([(0, 8), (3, -5), (0, -2.6), (0, 8)], fonts.INK),
    ):
        ring = page.f * (np.array(points) + np.array([x, y]))
        codes = np.array([1, 2, 2, 79], dtype=np.uint8)
        _patch(page, ring, codes, Look(label="", face=face, edge=fonts.INK, width=0.5))
    _text(page, x, y + 10.6, page.say("北", "N"), 9, ha="center")
    if abs(turn) * 60 >= 0.5:
        angle = np.deg2rad(turn)
        tip = page.f * (np.array([x, y]) + 11.5 * np.array([np.sin(angle), np.cos(angle)]))
        tail = page.f * np.array([x, y - 6])
        _patch(
            page,
            np.array([tail, tip]),
            np.array([1, 2], dtype=np.uint8),
            Look(label="", shape="line", edge=_RED, width=0.5, dash=(3, 2)),
        )


def _draw_notes(page: _Page, x: float, w: float, bottom: float) -> float:
    size, lead = 6.5, 3.25
    lines = [
        line
        for note in page.sheet.notes
        for line in fonts.wrapped(note, (w - 1) / (size * _EM_MM), most=4, own=page.sheet.font)
    ]
    lines = lines[:13]
    for place, line in enumerate(reversed(lines)):
        _text(page, x, bottom + lead * (place + 0.5), line, size, colour=fonts.FAINT)
    return bottom + lead * len(lines) + 2.5


def _draw_block(page: _Page, x: float, w: float) -> float:
    """The title block: who made the sheet, who checked it, when, and its number."""
    cells = page.sheet.block
    tall, bottom = 6.4, _OUTER + 1.5
    rows = [cells[:1], *(cells[k : k + 2] for k in range(1, len(cells), 2))]
    high = bottom + tall * len(rows)
    left, right = x - 0.8, x + w + 0.8
    _rule(page, [(left, bottom), (right, bottom), (right, high), (left, high), (left, bottom)], 0.8)
    for place, row in enumerate(rows):
        top = high - tall * place
        if place:
            _rule(page, [(left, top), (right, top)], 0.4)
        wide = (right - left) / len(row)
        for k, (what, said) in enumerate(row):
            a = left + wide * k
            if k:
                _rule(page, [(a, top), (a, top - tall)], 0.4)
            _rule(page, [(a + 16, top), (a + 16, top - tall)], 0.25, _RULE)
            _text(page, a + 8, top - tall / 2, _fit(page, what, 15, 7), 7, ha="center", colour=fonts.FAINT)
            _text(page, a + 18, top - tall / 2, _fit(page, said, wide - 19, 7.6), 7.6)
    return high + 2.5
