"""The fonts sheets and charts are set in: one that the user names, then two that come with packages, never one found by search.

Noto Sans SC (OFL) carries Chinese, DejaVu Sans the Latin, Greek and Cyrillic letters it lacks. A character that none of them has
stops what was to be drawn: paper has no second chance.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.font_manager import FontEntry, fontManager
from matplotlib.ft2font import FT2Font

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
def _family(path: Path) -> str:
    """A name of our own for a font file, so that no font of that name on this machine takes its place."""
    _characters(path)  # says it is no font where it is none
    name = f"lifecircle {path.stem} {len(fontManager.ttflist)}"
    fontManager.ttflist.append(FontEntry(fname=str(path), name=name))
    return name


_LONG = 40
_LOOK: Any = {
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.unicode_minus": False,
    "font.size": 9,
    "legend.frameon": False,
    "pdf.compression": 6,
    "pdf.fonttype": 3,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "lifecircle",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
}
