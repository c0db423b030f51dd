"""Charts say what their table says, in fonts that come with packages, the same bytes on every run."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from lifecircle.analyse import supply
from lifecircle.publish import charts, fonts

HOMES = pd.DataFrame(
    {
        "residents": [30.0, 10.0, 20.0, np.nan],
        "joined": ["yes", "yes", "no", "yes"],
        "walk_min_clinic": [4.0, 12.0, np.nan, 3.0],
        "walk_min_library": [np.nan, 20.0, np.nan, 3.0],
        "access_clinic": [0.5, 2.0, 0.0, np.nan],
    }
)
TOWN = pd.DataFrame(
    {
        "method": ["minutes", "minutes", "metres", "minutes"],
        "tier": [5, 15, 15, 15],
        "kind": ["clinic", "library", "library", "bank"],
        "required": [True, True, True, False],
        "share_of_residents": [0.25, np.nan, 0.5, 0.75],
    }
)
PIPES = pd.DataFrame(
    {
        "network": ["gas", "gas", "sewage", "my_own"],
        "age": ["0–9", "not known", "≥50", "10–19"],
        "length_m": [1000.0, 2000.0, 3000.0, 500.0],
    }
)
CURVE = pd.DataFrame({"sites": [2, 1], "residents_added": [50.0, 80.0], "residents_so_far": [130.0, 80.0]})
ALL = {
    "coverage": (charts.coverage, TOWN),
    "reach": (charts.reach, HOMES),
    "equity": (charts.equity, HOMES),
    "gain": (charts.gain, CURVE),
    "pipe_age": (charts.pipe_age, PIPES),
}


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")) if text.get_text()]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_chart_is_the_same_on_every_run(name: str, language: str) -> None:
    """Drawn twice, the SVG and the PNG are the same byte for byte, in either language."""
    draw, frame = ALL[name]
    once, again = draw(frame, language=language), draw(frame.iloc[::-1], language=language)
    assert charts.svg(once) == charts.svg(again)
    assert charts.png(once, dpi=50) == charts.png(again, dpi=50)


@pytest.mark.parametrize("name", ALL)
def test_a_table_without_rows_says_so(name: str) -> None:
    """Where there is nothing to draw the chart says no data instead of failing."""
    draw, frame = ALL[name]
    assert texts(draw(frame.iloc[:0])) == ["无数据"]


def test_coverage_draws_only_minutes_and_tells_what_is_not_known() -> None:
    """Of two required kinds one has 25 %, the other no share: its bar is empty and says not known; metres are left out."""
    figure = charts.coverage(TOWN, language="en")
    assert sorted(bar.get_width() for bar in figure.axes[0].patches) == [0.0, 0.25]
    assert {"25 %", "not known"} <= set(texts(figure))
    assert "75 %" in texts(charts.coverage(TOWN, language="en", optional=True))


def test_reach_counts_those_without_a_way_among_all() -> None:
    """Of 40 residents on streets 30 reach the library not at all, so its curve ends at a quarter; unjoined and uncounted homes are in no share."""
    curve = charts.reach(HOMES, kinds=["library"], most_min=30).axes[0].lines[0].get_xydata()
    assert curve.tolist() == [[0.0, 0.0], [20.0, 0.25], [30.0, 0.25]]


def test_the_gini_beside_a_curve_is_that_of_the_table() -> None:
    """The figure in the legend is the one that the table of supply gives for the same homes."""
    said = [text for text in texts(charts.equity(HOMES, language="en")) if text.startswith("Outpatient clinic")][:1]
    assert said == [f"Outpatient clinic {supply.gini(HOMES['access_clinic'], HOMES['residents']):.2f}"]


def test_the_pyramid_holds_every_kilometre() -> None:
    """Bars to both sides add up to the length of all pipes, also of a network nobody listed; not known stands at the foot."""
    axes = charts.pipe_age(PIPES, language="en").axes[0]
    assert sum(abs(bar.get_width()) for bar in axes.patches) == pytest.approx(6.5)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["Not known", "0–9", "10–19", "≥50"]


def test_a_character_outside_the_fonts_is_named() -> None:
    """A word with a character that no font has stops the chart and says which."""
    odd = PIPES.assign(network="𠮷_gas")
    with pytest.raises(fonts.GlyphError, match="U\\+20BB7") as caught:
        charts.pipe_age(odd)
    assert list(caught.value.missing) == ["𠮷"]


def test_text_is_never_taken_for_mathematics() -> None:
    """Dollar signs in a name are printed as they stand."""
    figure = charts.pipe_age(PIPES.assign(network="$x^2$"))
    assert "$x^2$" in texts(figure)
    assert charts.svg(figure)
