"""Charts of results, each from one result table to a matplotlib figure: for a report, a map sheet or a notebook.

A chart takes the table as a run writes it, draws into `axes` where they are given and into a figure of its own otherwise, and says
so where there is nothing to draw. `svg` and `png` turn a figure into bytes that are the same on every run. What is not known is
in no share; where it matters the chart says how many it leaves out.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from lifecircle.publish import fonts, labels, symbols

TIERS: Mapping[int, str] = {5: "#2f6690", 10: "#4db5b1", 15: "#d9a441"}
_LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_SIZE = (6.3, 3.6)  # inches: the width of a column of text on A4
_FAINT_BAR = "#e6e6e6"
_Draw = TypeVar("_Draw", bound=Callable[..., Figure])


def _chart(draw: _Draw) -> _Draw:
    """Draw in the packaged fonts, and refuse texts they cannot print."""

    @wraps(draw)
    def drawn(frame: pd.DataFrame, **kwargs: Any) -> Figure:
        if kwargs.get("axes") is not None:  # who brought the axes has the fonts in use, and the size of letters
            return draw(frame, **kwargs)
        with fonts.used():
            figure = draw(frame, **kwargs)
            said = (artist.get_text() for artist in figure.findobj(Text) if isinstance(artist, Text))
        fonts.check(said, language=kwargs.get("language", "zh"))
        return figure

    return cast(_Draw, drawn)


def svg(figure: Figure) -> str:
    """The figure as SVG, letters as outlines, the same on every run; it stands in a page as it is.

    >>> figure = reach(pd.DataFrame({"residents": [10.0], "walk_min_clinic": [4.0]}), language="en")
    >>> svg(figure).startswith("<svg") and svg(figure) == svg(figure)
    True
    """
    out = io.StringIO()
    with fonts.used():
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def png(figure: Figure, *, dpi: float = 200) -> bytes:
    """The figure as PNG, the same on every run."""
    out = io.BytesIO()
    with fonts.used():
        figure.savefig(out, format="png", dpi=dpi, metadata={"Software": None})
    return out.getvalue()


# -- the charts ----------------------------------------------------------------------------------------------------------


@_chart
def coverage(
    frame: pd.DataFrame,
    *,
    language: str = "zh",
    optional: bool = False,
    least: int | None = None,
    axes: Axes | None = None,
) -> Figure:
    """Share of people who reach each kind on foot within the minutes of its tier: a bar a kind, tier by tier.

    Parameters
    ----------
    frame
        ``coverage_town``, or the rows of one area of ``coverage_by_area``: tier, kind, required, share_of_residents or
        share_of_dwellings (0–1; a kind whose share is not known is told as such) and method, of which minutes are drawn.
    optional
        Draw the kinds that are not required instead.
    least
        Only so many kinds, those that fewest people reach.

    Examples
    --------
    >>> town = pd.DataFrame({"tier": [5, 15], "kind": ["clinic", "library"], "required": [True, True],
    ...     "share_of_residents": [0.4, 0.9]})
    >>> [round(float(bar.get_width()), 1) for bar in coverage(town).axes[0].patches]
    [0.9, 0.4]
    """
    share = "share_of_residents" if "share_of_residents" in frame else "share_of_dwellings"
    rows = frame[frame["method"] == "minutes"] if "method" in frame else frame
    rows = rows[rows["required"].astype("bool") != optional].sort_values(
        [share, "tier", "kind"], kind="stable", na_position="first"
    )
    rows = rows if least is None else rows.head(least)
    rows = rows.sort_values(["tier", share, "kind"], ascending=[False, True, True], kind="stable", na_position="first")
    names = [labels.word(kind, language) for kind in rows["kind"]]
    axes = _axes(axes, height=0.9 + 0.19 * len(rows))
    if not len(rows):
        return _nothing(axes, language)
    tier = rows["tier"].astype("int64")
    drawn = sorted(set(tier.tolist()))
    _bars(
        axes,
        names,
        rows[share].to_numpy(dtype="float64"),
        colours=[TIERS.get(t, fonts.FAINT) for t in tier],
        said=_percent,
        language=language,
    )
    axes.set_xlim(0, 1.12)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _percent(x)))
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    swatches = [axes.scatter([], [], marker="s", s=28, color=TIERS.get(t, fonts.FAINT)) for t in drawn]
    said = [f"{t} 分钟" if language == "zh" else f"{t} min" for t in drawn]
    axes.legend(swatches, said, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, handletextpad=0.1, columnspacing=1)
    return _done(axes)


@_chart
def reach(
    frame: pd.DataFrame,
    *,
    kinds: Sequence[str] | None = None,
    most_min: float = 30,
    language: str = "zh",
    axes: Axes | None = None,
) -> Figure:
    """Share of residents who reach a kind within so many minutes: a curve a kind.

    Parameters
    ----------
    frame
        ``coverage_homes``: walk_min_<kind> (minutes, NaN where it cannot be reached), residents or dwellings, and joined
        where the table has it: homes without a street are left out. Those who cannot reach a kind keep its curve below 100 %.
    kinds
        Which; five spread from the one most people are near to the one fewest are, where not said.
    most_min
        Where the axis ends, in minutes.

    Examples
    --------
    Half of the people walk 4 minutes, a quarter 10, and the last quarter has no way.

    >>> homes = pd.DataFrame({"residents": [20.0, 10.0, 10.0], "walk_min_clinic": [4.0, 10.0, np.nan]})
    >>> reach(homes, language="en").axes[0].lines[0].get_xydata().tolist()
    [[0.0, 0.0], [4.0, 0.5], [10.0, 0.75], [30.0, 0.75]]
    """
    weight = _weight(frame)
    joined = frame["joined"] == "yes" if "joined" in frame else pd.Series(True, index=frame.index)
    if "joined" in frame and pd.api.types.is_bool_dtype(frame["joined"]):
        joined = frame["joined"].fillna(False).astype("bool")
    homes = frame[joined & frame[weight].notna()]
    people = homes[weight].to_numpy(dtype="float64")
    minutes = homes[[c for c in homes if str(c).startswith("walk_min_")]].rename(
        columns=lambda c: c.removeprefix("walk_min_")
    )
    axes = _axes(axes)
    if not people.sum() > 0 or minutes.shape[1] == 0:
        return _nothing(axes, language)
    if kinds is None:
        # the nearer the people are, the larger the area under the curve
        near = (most_min - minutes.clip(upper=most_min)).fillna(0).mul(people, axis=0).sum().sort_index()
        kinds = _spread(near[near > 0].sort_values(ascending=False, kind="stable").index.tolist())
    ends = []
    for place, kind in enumerate(kinds):
        walk = minutes[kind].to_numpy(dtype="float64")
        order = np.argsort(walk, kind="stable")[: int(np.isfinite(walk).sum())]
        share = np.concatenate([[0.0], np.cumsum(people[order]) / people.sum()])
        x = np.concatenate([[0.0], walk[order], [max(most_min, *walk[order][-1:])]])
        axes.step(x, np.append(share, share[-1]), where="post", color=_LINES[place % len(_LINES)], linewidth=1.5)
        ends.append(labels.word(kind, language))
    axes.set_xlim(0, most_min)
    axes.set_ylim(0, 1)
    axes.set_xticks(np.arange(0, most_min + 1, 5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _percent(y)))
    axes.grid(axis="both", color=_FAINT_BAR, linewidth=0.5)
    axes.set_xlabel("步行时间（分钟）" if language == "zh" else "Walk (min)")
    axes.set_ylabel(_people(weight, language))
    axes.legend(axes.lines, ends, loc="best", fontsize="small")
    return _done(axes)


@_chart
def equity(
    frame: pd.DataFrame, *, kinds: Sequence[str] | None = None, language: str = "zh", axes: Axes | None = None
) -> Figure:
    """Lorenz curves of access: what part of the supply the worst-served part of the people has, with the Gini coefficient.

    Parameters
    ----------
    frame
        ``supply_homes``: access_<kind> (supply a head, NaN where not known) and residents or dwellings. Homes whose access
        or people are not known are left out.
    kinds
        Which; five spread from the most even to the least, where not said.

    Examples
    --------
    One person has all, three have nothing: the curve lies on the axis up to three quarters.

    >>> homes = pd.DataFrame({"residents": [3.0, 1.0], "access_clinic": [0.0, 8.0]})
    >>> figure = equity(homes, language="en")
    >>> figure.axes[0].lines[1].get_xydata().tolist(), figure.axes[0].get_legend().get_texts()[0].get_text()
    ([[0.0, 0.0], [0.75, 0.0], [1.0, 1.0]], 'Outpatient clinic 0.75')
    """
    weight = _weight(frame)
    curves = {}
    for column in [c for c in frame if str(c).startswith("access_")]:
        known = frame[[column, weight]].dropna()
        curve = _lorenz(known[column].to_numpy(dtype="float64"), known[weight].to_numpy(dtype="float64"))
        if curve is not None:
            curves[str(column).removeprefix("access_")] = curve
    axes = _axes(axes, width=4.6, height=4.2)
    if not curves:
        return _nothing(axes, language)
    if kinds is None:
        kinds = _spread(sorted(curves, key=lambda kind: (_gini(*curves[kind]), kind)))
    axes.plot([0, 1], [0, 1], color=fonts.FAINT, linewidth=0.8, linestyle=(0, (4, 3)))
    drawn = [kind for kind in kinds if kind in curves]
    for place, kind in enumerate(drawn):
        axes.plot(*curves[kind], color=_LINES[place % len(_LINES)], linewidth=1.5)
    said = [f"{labels.word(kind, language)} {_gini(*curves[kind]):.2f}" for kind in drawn]
    axes.legend(
        axes.lines[1:], said, loc="upper left", fontsize="small", title="基尼系数" if language == "zh" else "Gini"
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda x, _: _percent(x)))
        axis.set_major_locator(MaxNLocator(4))
    people = _people(weight, language)
    axes.set_xlabel(f"{people}（由供给最少者起累计）" if language == "zh" else f"{people}, worst served first")
    axes.set_ylabel("所占供给" if language == "zh" else "Share of supply")
    return _done(axes)


@_chart
def gain(frame: pd.DataFrame, *, language: str = "zh", axes: Axes | None = None) -> Figure:
    """What each further site adds: bars for the residents newly reached by one more, a line for those of all so far.

    Parameters
    ----------
    frame
        ``reuse_curve``, or any table of sites, residents_added and residents_so_far (or dwellings_…); residents_at_most, where
        it is there, is drawn as the most that could be reached where the choice is not proven best.

    Examples
    --------
    >>> curve = pd.DataFrame({"sites": [1, 2], "residents_added": [500.0, 300.0], "residents_so_far": [500.0, 800.0]})
    >>> [float(bar.get_height()) for bar in gain(curve).axes[0].patches]
    [500.0, 300.0]
    """
    weight = "residents" if "residents_added" in frame else "dwellings"
    axes = _axes(axes)
    if not len(frame):
        return _nothing(axes, language)
    rows = frame.sort_values("sites", kind="stable")
    sites = rows["sites"].to_numpy(dtype="float64")
    so_far = rows[f"{weight}_so_far"].to_numpy(dtype="float64")
    bars = axes.bar(sites, rows[f"{weight}_added"].to_numpy(dtype="float64"), width=0.62, color="#9cc4d9")
    (line,) = axes.plot(sites, so_far, color="#2f6690", marker="o", markersize=3, linewidth=1.4)
    keys: list[Any] = [bars, line]
    said = ["本处新增", "累计新增"] if language == "zh" else ["This site adds", "All so far"]
    if f"{weight}_at_most" in rows:
        most = rows[f"{weight}_at_most"].to_numpy(dtype="float64")
        if bool((most > so_far * (1 + 1e-9)).any()):
            (bound,) = axes.plot(sites, most, color=fonts.FAINT, linestyle=(0, (2, 2)), linewidth=1)
            keys, said = [*keys, bound], [*said, "理论上限" if language == "zh" else "At most"]
    axes.legend(keys, said, loc="upper left", fontsize="small")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
    axes.set_ylim(0, None)
    axes.set_xlabel("新增设施处数" if language == "zh" else "Sites")
    people = {
        "residents": ("新增可达（人次）", "Residents newly reached"),
        "dwellings": ("新增可达（套次）", "Dwellings newly reached"),
    }
    axes.set_ylabel(people[weight][language != "zh"])
    return _done(axes)


@_chart
def pipe_age(frame: pd.DataFrame, *, language: str = "zh", axes: Axes | None = None) -> Figure:
    """The age pyramid of the pipes: kilometres by age class, networks under pressure to the left, the others to the right.

    Parameters
    ----------
    frame
        ``pipes_length``: network, age (a class as text, oldest class beginning with ≥, ``not known``) and length_m.

    Examples
    --------
    >>> pipes = pd.DataFrame({"network": ["gas", "sewage"], "age": ["0–9", "≥50"], "length_m": [1500.0, 500.0]})
    >>> sorted(round(float(bar.get_width()), 1) for bar in pipe_age(pipes).axes[0].patches if bar.get_width())
    [-1.5, 0.5]
    """
    axes = _axes(axes)
    if not len(frame):
        return _nothing(axes, language)
    ages = sorted(frame["age"].unique(), key=lambda age: (age != "not known", _starts(age)))
    km = frame.pivot_table(index="age", columns="network", values="length_m", aggfunc="sum", fill_value=0.0) / 1000
    km = km.reindex(ages)
    listed = [n for n in symbols.NETWORKS if n in km] + sorted(str(n) for n in km if n not in symbols.NETWORKS)
    place = np.arange(len(ages))
    left, right = np.zeros(len(ages)), np.zeros(len(ages))
    keys: list[Any] = []
    said: list[str] = []
    for network in listed:
        length, colour = km[network].to_numpy(dtype="float64"), symbols.NETWORKS.get(network, symbols.UNKNOWN)
        if network in _PRESSED:
            bars = axes.barh(place, -length, left=-left, height=0.78, color=colour)
            left = left + length
        else:
            bars = axes.barh(place, length, left=right, height=0.78, color=colour)
            right = right + length
        keys.append(bars)
        said.append(labels.word(network, language))
    axes.axvline(0, color=fonts.INK, linewidth=0.6)
    axes.set_yticks(place, [labels.word(age, language) if age == "not known" else age for age in ages])
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{abs(x):,.4g}"))
    axes.set_xlabel("长度（公里）" if language == "zh" else "Length (km)")
    axes.set_ylabel("管龄（年）" if language == "zh" else "Age (years)")
    axes.legend(
        keys,
        said,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=len(keys),
        fontsize="small",
        columnspacing=0.9,
        handlelength=1,
        handletextpad=0.4,
    )
    return _done(axes)


# -- what they are made of -----------------------------------------------------------------------------------------------

_PRESSED = frozenset({"gas", "water", "heat", "power", "telecom"})


def _axes(axes: Axes | None, *, width: float = _SIZE[0], height: float = _SIZE[1]) -> Axes:
    if axes is not None:
        return axes
    return Figure(figsize=(width, max(height, 1.6)), layout="constrained").add_subplot()


def _done(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    if not isinstance(figure, Figure):  # axes are always of a figure
        raise TypeError("axes without a figure")
    return figure


def _nothing(axes: Axes, language: str) -> Figure:
    axes.set_axis_off()
    axes.text(
        0.5,
        0.5,
        "无数据" if language == "zh" else "No data",
        ha="center",
        va="center",
        transform=axes.transAxes,
        color=fonts.FAINT,
    )
    return _done(axes)


def _bars(
    axes: Axes,
    names: Sequence[str],
    values: NDArray[Any],
    *,
    colours: Sequence[str],
    said: Callable[[float], str],
    language: str,
) -> None:
    place = np.arange(len(names))
    known = np.isfinite(values)
    axes.barh(place, np.where(known, values, 0.0), height=0.72, color=list(colours))
    unknown = "未知" if language == "zh" else "not known"
    for y, value, sure in zip(place, values, known, strict=True):
        axes.annotate(
            said(float(value)) if sure else unknown,
            (value if sure else 0.0, y),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
            color=fonts.FAINT,
        )
    axes.set_yticks(place, names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.tick_params(axis="y", length=0)


def _spread(ordered: Sequence[str], most: int = 5) -> list[str]:
    """So many of a list, evenly from its first to its last."""
    if len(ordered) <= most:
        return list(ordered)
    return [ordered[place] for place in np.linspace(0, len(ordered) - 1, most).round().astype(int)]


def _lorenz(access: NDArray[Any], people: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Running shares of people and of what they have, worst served first; None where nobody has anything."""
    order = np.argsort(access, kind="stable")
    heads, held = people[order], access[order] * people[order]
    if not held.sum() > 0:
        return None
    return (
        np.concatenate([[0.0], np.cumsum(heads) / heads.sum()]),
        np.concatenate([[0.0], np.cumsum(held) / held.sum()]),
    )


def _gini(p: NDArray[Any], q: NDArray[Any]) -> float:
    return float(max(0.0, 1.0 - np.sum(np.diff(p) * (q[1:] + q[:-1]))))


def _weight(frame: pd.DataFrame) -> str:
    return "residents" if "residents" in frame else "dwellings"


def _people(weight: str, language: str) -> str:
    said = {"residents": ("居民比例", "Share of residents"), "dwellings": ("住房比例", "Share of dwellings")}
    return said[weight][language != "zh"]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _starts(age: str) -> float:
    digits = age.lstrip("≥").split("–")[0]
    return float(digits) if digits.replace(".", "").isdigit() else -1.0
