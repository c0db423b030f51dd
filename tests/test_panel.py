"""The panel: what it answers is what a run says, and it answers at once."""

import time
from pathlib import Path

import pandas as pd
import pyogrio
import pytest

from lifecircle import load, normalise, panel
from lifecircle.errors import MissingLayerError
from lifecircle.study import Study
from test_pencil_town import STUDY, layers


def study(folder: Path, *, without: str = "") -> Study:
    (folder / "raw").mkdir(parents=True)
    frames = {name: frame for name, frame in layers().items() if name != without}
    for name, frame in frames.items():
        pyogrio.write_dataframe(frame, folder / "raw" / "town.gpkg", layer=name)
    head, *stanzas = STUDY.split("[layers.")
    text = head + "".join(f"[layers.{s}" for s in stanzas if s.split("]")[0] in frames)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return normalise.place(load.recipe.read(folder))[0]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> panel.Prepared:
    """The pencil town: kindergarten K at x = 300, homes every 100 m along the street; 60 m are a minute."""
    return panel.prepare(study(tmp_path_factory.mktemp("panel") / "town"))


@pytest.mark.parametrize(("minutes", "covered"), [(3, 30), (5, 70), (9, 90), (14, 110)])
def test_moving_the_minutes_moves_the_share(prepared: panel.Prepared, minutes: int, covered: int) -> None:
    """K is reached within 180 m by h3 to h5, within 300 m by h1 to h7, within 540 m by h1 to h9, within 840 m by all 110 who can walk."""
    _, shares = panel.gaps_of(prepared, kinds=["kindergarten"], limit_min=minutes)
    assert shares["residents_covered"].tolist() == [covered]
    assert shares["residents_left_out"].tolist() == [110 - covered]
    assert shares["residents_not_known"].tolist() == [10]


def test_several_kinds_are_lacking_where_any_is(prepared: panel.Prepared) -> None:
    """In 5 minutes only h10 and h11 reach the school and h1 to h7 the kindergarten: somebody lacks one of them everywhere, all 110 people."""
    areas, shares = panel.gaps_of(prepared, kinds=["kindergarten", "primary_school"], limit_min=5)
    assert areas["residents_left_out"].sum() == 110
    assert shares.set_index("kind")["residents_covered"].to_dict() == {"kindergarten": 70, "primary_school": 20}


def test_a_slower_walker_reaches_less(prepared: panel.Prepared) -> None:
    """At 0.8 m/s five minutes are 240 m: h2 to h6 reach K, 50 people."""
    _, shares = panel.gaps_of(prepared, kinds=["kindergarten"], limit_min=5, walker="elder")
    assert shares["residents_covered"].tolist() == [50]


def test_a_kind_nobody_has_and_no_kind_at_all(prepared: panel.Prepared) -> None:
    """A kind without a facility leaves everybody out; without any kind nobody is left out and the map is still drawn."""
    areas, shares = panel.gaps_of(prepared, kinds=["food_market"], limit_min=30)
    assert (shares["residents_left_out"].tolist(), areas["residents_left_out"].sum()) == ([110], 110)
    none, shares = panel.gaps_of(prepared, kinds=[], limit_min=15)
    assert (len(none), len(shares)) == (0, 0)
    assert panel.drawing(prepared, none, kinds=[]).startswith("<svg")


def test_asked_again_nothing_is_walked_again(prepared: panel.Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes moved for a walker already asked for need no walk: the second question is answered without the network."""
    panel.gaps_of(prepared, kinds=["kindergarten"], limit_min=5)
    monkeypatch.setattr(panel.network, "field", None)
    began = time.process_time()
    panel.gaps_of(prepared, kinds=["kindergarten"], limit_min=6)
    assert time.process_time() - began < 5


def test_widgets_answer_when_they_are_moved(tmp_path: Path) -> None:
    """Sliding to 3 minutes changes the drawing and says 30 of 110; emptying the kinds leaves no gap."""
    pytest.importorskip("ipywidgets", reason="ipywidgets is not installed")
    shown = panel.show(study(tmp_path / "town"))
    asked, map_ = shown.children
    limit, walker, kinds, table = asked.children
    kinds.value = ("kindergarten",)
    before = map_.value
    limit.value = 3
    assert map_.value != before
    assert "27%" in table.value
    walker.value = "elder"  # 144 m reach the same three homes, 100 m apart
    assert "27%" in table.value
    kinds.value = ()
    assert 'data-gaps="0"' in map_.value


def test_without_communities_or_streets(tmp_path: Path) -> None:
    """Without communities the town is one; without streets one sentence says so."""
    alone = panel.prepare(study(tmp_path / "a", without="areas"))
    areas, _ = panel.gaps_of(alone, kinds=["kindergarten"], limit_min=5)
    assert areas["residents_left_out"].sum() == 40
    assert panel.drawing(alone, areas, kinds=["kindergarten"])
    with pytest.raises(MissingLayerError, match="streets"):
        panel.prepare(study(tmp_path / "b", without="streets"))
    assert isinstance(areas, pd.DataFrame)
