"""Street graphs of OSMnx."""

from pathlib import Path

import networkx as nx
import osmnx
import pytest
from shapely import LineString

from lifecircle import load
from lifecircle.errors import SourceError
from lifecircle.load import graphs, starting
from lifecircle.load.recipe import Source


def drawn() -> nx.MultiDiGraph:
    """Two streets meeting at node 2; the first may be driven both ways and is made of two ways."""
    streets = nx.MultiDiGraph(crs="epsg:4326")
    for number, lon in ((1, 113.700), (2, 113.701), (3, 113.702)):
        streets.add_node(number, x=lon, y=37.6)
    bent = LineString([(113.700, 37.6), (113.7005, 37.6001), (113.701, 37.6)])
    streets.add_edge(
        1, 2, 0, osmid=[5, 6], highway="residential", bridge="yes", length=88.0, geometry=bent, oneway=False
    )
    streets.add_edge(
        2, 1, 0, osmid=[5, 6], highway="residential", bridge="yes", length=88.0, geometry=bent.reverse(), oneway=False
    )
    streets.add_edge(2, 3, 0, osmid=7, highway="footway", length=88.0, name="后街", oneway=False)
    return streets


def test_a_saved_graph_is_a_source_of_streets(tmp_path: Path) -> None:
    """Each street once, whichever way it may be driven, with its way numbers, class and name, in the graph's system."""
    osmnx.save_graphml(drawn(), tmp_path / "town.graphml")
    frame, filtered = load.read(Source(source="town.graphml"), folder=tmp_path)
    assert (len(frame), filtered, frame.crs.to_epsg()) == (2, 0, 4326)
    assert sorted(frame["osm_id"]) == ["5;6", "7"]
    assert sorted(frame["class"]) == ["footway", "residential"]
    assert frame.set_index("osm_id").loc["7", "name"] == "后街"


def test_another_file_is_refused_by_name(tmp_path: Path) -> None:
    """A text that is no graph gives a sentence with the file's name."""
    (tmp_path / "not.graphml").write_text("streets", encoding="utf-8")
    with pytest.raises(SourceError, match=r"not\.graphml"):
        graphs.graph(tmp_path / "not.graphml")


def test_init_with_a_place_downloads_its_streets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph OSMnx returns for the name is saved into raw and stands as the streets of the new study.toml."""
    monkeypatch.setattr(osmnx, "graph_from_place", lambda name, **_: drawn())
    path = starting.begin(tmp_path / "town", place="somewhere")
    assert 'source = "raw/streets.graphml"' in path.read_text(encoding="utf-8")
    assert len(graphs.graph(tmp_path / "town" / "raw" / "streets.graphml")) == 2


def test_a_place_that_cannot_be_had_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network the refusal names the place, and no study.toml is left behind."""

    def refuse(name: str, **_: object) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(osmnx, "graph_from_place", refuse)
    with pytest.raises(SourceError, match="somewhere"):
        starting.begin(tmp_path / "town", place="somewhere")
    assert not (tmp_path / "town" / "study.toml").exists()
