"""The fonts sheets and charts are set in: one that the user names, then two that come with packages, never one found by search.

Noto Sans SC (OFL) carries Chinese, DejaVu Sans the Latin, Greek and Cyrillic letters it lacks. A character that none of them has
stops what was to be drawn: paper has no second chance.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.font_manager import FontEntry, fontManager
from matplotlib.ft2font import FT2Font, LoadFlags
from numpy.typing import NDArray

from lifecircle.errors import OutputError

INK, FAINT = "#1d1d1b", "#6b6b6b"


class GlyphError(OutputError):
    """A character that no font in use can print; `missing` maps each to the first text it stands in."""

    def __init__(self, missing: Mapping[str, str], *, language: str = "zh") -> None:
        self.missing = dict(missing)
        zh = language == "zh"
        listed = ("；" if zh else "; ").join(
            f"“{char}”（U+{ord(char):04X}）见“{text}”" if zh else f"{char!r} (U+{ord(char):04X}) in {text!r}"
            for char, text in self.missing.items()
        )
        super().__init__(
            f"字体缺字：{listed}。请改写，或在 study.toml 的 [sheet] 中用 font 指定含有该字的字体。"
            if zh
            else f"No font has {listed}. Change the text, or name a font that has it as font in [sheet] of study.toml."
        )


def packaged() -> tuple[Path, Path]:
    """The two fonts that come with packages, Chinese first.

    >>> [path.name for path in packaged()]
    ['NotoSansSC-Regular.otf', 'DejaVuSans.ttf']
    """
    from pylopdf_fonts_zh_cn import sans_path

    return Path(sans_path()), Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def missing(texts: Iterable[str], *, own: Path | None = None) -> dict[str, str]:
    """Characters that neither the packaged fonts nor `own` can print, each with the first text it stands in.

    Raises
    ------
    OutputError
        `own` is not there or is no font.

    Examples
    --------
    >>> missing(["云溪县", "Łódź m²", "𠮷野家 🏠"])
    {'🏠': '𠮷野家 🏠', '𠮷': '𠮷野家 🏠'}
    """
    known = frozenset().union(*(_characters(path) for path in _paths(own)))
    found: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        for char in sorted(set(text) - known - found.keys()):
            found[char] = text if len(text) <= _LONG else f"{text[:_LONG]}…"
    return found


def check(texts: Iterable[str], *, own: Path | None = None, language: str = "zh") -> None:
    """Refuse texts with a character that cannot be printed.

    Raises
    ------
    GlyphError
        Naming every such character and where it stands.
    """
    lacking = missing(texts, own=own)
    if lacking:
        raise GlyphError(lacking, language=language)


def widths(texts: Sequence[str], *, own: Path | None = None) -> NDArray[np.float64]:
    """How wide each text is set, in ems: multiply by the size of the letters.

    >>> widths(["云溪", ""]).tolist()
    [2.0, 0.0]
    """
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    chars = np.array(list("".join(texts)), dtype="U1")
    different, codes = np.unique(chars, return_inverse=True)
    advance = np.array([_advance(str(char), own) for char in different], dtype=np.float64)
    ends = np.concatenate([[0.0], np.cumsum(advance[codes])]) if len(chars) else np.zeros(1)
    stops = np.cumsum(lengths)
    return np.asarray(ends[stops] - ends[stops - lengths], dtype=np.float64)


def fitted(text: str, width_em: float, *, own: Path | None = None) -> str:
    """The text, cut with an ellipsis where it is wider than so many ems.

    >>> fitted("云溪县城十五分钟生活圈", 5.0)
    '云溪县城…'
    """
    text = " ".join(text.split())
    if widths([text], own=own)[0] <= width_em:
        return text
    room = np.cumsum(widths(list(text), own=own)) <= width_em - widths(["…"], own=own)[0]
    return text[: int(room.sum())].rstrip() + "…"


def wrapped(text: str, width_em: float, *, most: int, own: Path | None = None) -> list[str]:
    """The text in at most `most` lines, broken where the width ends (between words in Latin script), the last cut with an ellipsis.

    >>> wrapped("坐标系与高程基准", 4.0, most=2)
    ['坐标系与', '高程基准']
    """
    lines: list[str] = []
    rest = " ".join(text.split())
    while rest and len(lines) < most - 1:
        fits = int((np.cumsum(widths(list(rest), own=own)) <= width_em + 1e-9).sum())
        if fits >= len(rest):
            break
        cut = max(fits, 1)
        space = rest.rfind(" ", 0, cut + 1)
        if rest[cut - 1 : cut + 1].isascii() and space > cut // 2:
            cut = space
        elif rest[cut] in _NEVER_FIRST and cut > 1:
            cut -= 1
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*lines, fitted(rest, width_em, own=own)] if rest else lines


@contextmanager
def used(own: Path | None = None) -> Iterator[None]:
    """Within the block figures are made and saved in these fonts, with the settings that keep their bytes the same on every run."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_LOOK)
        mpl.rcParams["font.family"] = [_family(path) for path in _paths(own)]
        yield


def _paths(own: Path | None) -> list[Path]:
    return [*([own] if own is not None else []), *packaged()]


@cache
def _characters(path: Path) -> frozenset[str]:
    try:
        font = FT2Font(str(path))
    except (OSError, RuntimeError) as error:
        raise OutputError(f"The font {path} cannot be read ({error}).") from error
    return frozenset(map(chr, font.get_charmap())) | {"\n"}


@cache
def _advance(char: str, own: Path | None) -> float:
    for path in _paths(own):
        if char in _characters(path):
            font = _face(path)
            font.set_size(100, 72)
            return round(font.load_char(ord(char), flags=LoadFlags.NO_HINTING).linearHoriAdvance / 6553600, 4)
    return 1.0


def lettered(
    items: Sequence[tuple[float, float, str, float, float]], *, em: float, own: Path | None = None
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """The outlines of texts as one path: vertices and matplotlib's path codes.

    Parameters
    ----------
    items
        Where the baseline of each begins (x, y), the text, its size and its angle in degrees.
    em
        What a size of 1 is in the unit of x and y.
    """
    lengths = np.array([len(item[2]) for item in items], dtype=np.int64)
    chars = list("".join(item[2] for item in items))
    if not chars:
        return np.zeros((0, 2)), np.zeros(0, dtype=np.uint8)
    glyphs = [_glyph(char, own) for char in chars]
    ends = np.concatenate([[0.0], np.cumsum([_advance(char, own) for char in chars])])
    first = np.repeat(np.cumsum(lengths) - lengths, lengths)
    along = ends[:-1] - ends[first]
    x, y, size, angle = (np.repeat([item[k] for item in items], lengths) for k in (0, 1, 3, 4))
    sizes = np.array([len(codes) for _, codes in glyphs])
    shape = np.concatenate([vertices for vertices, _ in glyphs]) + np.stack(
        [np.repeat(along, sizes), np.zeros(sizes.sum())], 1
    )
    shape *= np.repeat(size * em, sizes)[:, None]
    cos, sin = np.repeat(np.cos(np.deg2rad(angle)), sizes), np.repeat(np.sin(np.deg2rad(angle)), sizes)
    turned = np.stack([shape[:, 0] * cos - shape[:, 1] * sin, shape[:, 0] * sin + shape[:, 1] * cos], axis=1)
    turned += np.stack([np.repeat(x, sizes), np.repeat(y, sizes)], axis=1)
    return turned, np.concatenate([codes for _, codes in glyphs])


@cache
def _glyph(char: str, own: Path | None) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """The outline of a character, an em being 1."""
    for path in _paths(own):
        if char in _characters(path):
            font = _face(path)
            font.set_size(100, 72)
            font.load_char(ord(char), flags=LoadFlags.NO_HINTING)
            vertices, codes = font.get_path()
            return np.asarray(vertices, dtype=np.float64) / _UNITS, np.asarray(codes, dtype=np.uint8)
    return np.zeros((0, 2)), np.zeros(0, dtype=np.uint8)


@cache
def _face(path: Path) -> FT2Font:
    return FT2Font(str(path))


@cache
def _family(path: Path) -> str:
    """A name of our own for a font file, so that no font of that name on this machine takes its place."""
    _characters(path)  # says it is no font where it is none
    name = f"lifecircle {path.stem} {len(fontManager.ttflist)}"
    fontManager.ttflist.append(FontEntry(fname=str(path), name=name))
    return name


_LONG = 40
_UNITS = 100.0  # an outline's units to the em at the size it is read in
_NEVER_FIRST = "，。；：、）》”’！？,.;:)"
_LOOK: Any = {
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.unicode_minus": False,
    "font.size": 9,
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
    "pdf.compression": 6,
    "pdf.fonttype": 3,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "lifecircle",
    "text.color": INK,
    "text.hinting": "none",
    "text.parse_math": False,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
}
