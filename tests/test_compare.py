"""What a scenario changes, against the pencil, against a whole recompute, and from the command line."""

import json
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyogrio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point
from typer.testing import CliRunner

import lifecircle
from lifecircle import Study, cli, load, normalise, sample_town, scenario, schema, what_if
from lifecircle.errors import LifecircleError, MissingLayerError, OutputError
from test_pencil_town import STUDY, X0, Y0, at, layers, line
from test_scenario import pencil, rows

PLAN = sample_town() / "scenarios" / "new_nursery_and_gate.geojson"


def change(found: what_if.Comparison, kind: str, method: str = "minutes") -> pd.Series:
    return found.town.set_index(["method", "kind"]).loc[(method, kind)]


def test_a_new_kindergarten_by_pencil() -> None:
    """A second one at h9 brings h8 (100 m) and h9 within 5 minutes, 20 people; 70 before, 90 after, none lost.

    Its walk gets shorter for everybody east of the middle between the two, x = 550: h7, h8 and h9.
    """
    study = pencil()
    found = what_if.compare(study, rows(("add", "facilities", "K2", {"kind": "kindergarten"}, at(800, 0))))
    row = change(found, "kindergarten")
    assert row[["residents_before", "residents_after", "residents_gained", "residents_lost"]].tolist() == [
        70,
        90,
        20,
        0,
    ]
    assert (row["share_before"], row["share_after"]) == (pytest.approx(70 / 110), pytest.approx(90 / 110))
    assert sorted(found.homes.index) == ["h7", "h8", "h9"]
    assert found.homes.loc[["h7", "h8", "h9"], "change"].tolist() == ["nearer", "gained", "gained"]
    assert found.homes.loc["h9", "kinds_gained"] == "Kindergarten (5 min)"
    assert found.homes.loc[
        "h9", ["walk_min_before_kindergarten", "walk_min_after_kindergarten"]
    ].tolist() == pytest.approx([500 / 60, 0])
    east = found.by_area.query("method == 'minutes' and kind == 'kindergarten'").set_index("area_id")
    assert east.loc[["W", "E"], "residents_gained"].tolist() == [0, 20]


def test_removing_the_only_kindergarten_by_pencil() -> None:
    """Without K all 70 lose it, its share falls to nothing, and minutes after are not known rather than 0."""
    found = what_if.compare(pencil(), rows(("remove", "facilities", "K", None, None)))
    row = change(found, "kindergarten")
    assert row[
        ["residents_before", "residents_after", "residents_gained", "residents_lost", "share_after"]
    ].tolist() == [70, 0, 0, 70, 0]
    assert len(found.homes) == 11
    assert found.homes["walk_min_after_kindergarten"].isna().all()


def test_moving_the_kindergarten_gains_and_loses_by_pencil() -> None:
    """At x = 600 K serves h4 to h9 (300 to 800 m): h8 and h9 gain, h1 to h3 and nobody else lose."""
    row = change(what_if.compare(pencil(), rows(("move", "facilities", "K", None, at(600, 0)))), "kindergarten")
    assert row[["residents_before", "residents_after", "residents_gained", "residents_lost"]].tolist() == [
        70,
        60,
        20,
        30,
    ]


def beyond(kind: str = "nursery") -> Study:
    """The pencil town with its street going on through the river, closed by the gate, and a facility beyond it at x = 960."""
    study = pencil()
    through = gpd.GeoDataFrame(index=["on"], geometry=[line((900, 0), (960, 0))], crs=4547)
    other = gpd.GeoDataFrame({"kind": [kind]}, index=["N"], geometry=[at(960, 0)], crs=4547)
    return replace(
        study,
        streets=pd.concat([study.streets, schema.conform("streets", through)]),
        facilities=pd.concat([study.facilities, schema.conform("facilities", other)]),
    )


def test_a_gate_is_worth_who_reaches_a_required_kind_through_it() -> None:
    """With a kindergarten beyond the gate, h8 (260 m) and h9 (160 m) gain it: 20 people; nobody else is nearer to it than to K."""
    town = beyond("kindergarten")
    gains = what_if.gate_gains(town)
    assert gains.loc["g", ["rank", "residents_gaining", "residents_nearer"]].tolist() == [1, 20, 20]
    assert gains.loc["g", "kinds_gained"] == "Kindergarten (5 min)"
    assert town.gates["state"].tolist() == ["closed"]


def test_a_gate_in_no_barrier_opens_nothing() -> None:
    """A closed gate 50 m from the river is worth nothing; a town without gates has no row."""
    town = beyond()
    aside = replace(town, gates=town.gates.set_geometry([at(880, 0)]))
    assert what_if.gate_gains(aside)[["residents_gaining", "residents_nearer"]].values.tolist() == [[0.0, 0.0]]
    assert len(what_if.gate_gains(replace(town, gates=None))) == 0


def test_opening_the_gate_and_building_a_bridge_are_the_same_walk() -> None:
    """The gate opened, or a bridge beside it: both give h9 160 m to the nursery."""
    town = beyond()
    opened = what_if.compare(town, rows(("open", "gates", "g", None, None)))
    built = what_if.compare(town, rows(("add", "streets", "b", {"bridge": True, "layer": 1}, line((900, 0), (960, 0)))))
    for found in (opened, built):
        assert found.homes.loc["h9", "walk_min_after_nursery"] == pytest.approx(160 / 60)
        assert pd.isna(found.homes.loc["h9", "walk_min_before_nursery"])


def test_homes_that_are_added_and_removed_are_gained_and_lost() -> None:
    """A new home of 7 people at K gains 7; h4 removed loses 10; after = before + gained − lost."""
    found = what_if.compare(
        pencil(), rows(("add", "homes", "new", {"residents": 7}, at(310, 0)), ("remove", "homes", "h4", None, None))
    )
    row = change(found, "kindergarten")
    assert row[["residents_before", "residents_after", "residents_gained", "residents_lost"]].tolist() == [
        70,
        67,
        7,
        10,
    ]
    assert found.homes["change"].to_dict() == {"new": "gained", "h4": "lost"}


def test_a_town_without_streets_says_so() -> None:
    """No streets, no walks: one sentence with the name of the layer."""
    with pytest.raises(MissingLayerError, match="streets"):
        what_if.compare(pencil(streets=None), rows(("remove", "facilities", "K", None, None)))


# -- laws ------------------------------------------------------------------------------------------------------------------

spot = st.tuples(st.integers(-40, 940), st.integers(-40, 640)).map(lambda p: at(float(p[0]), float(p[1])))
kind = st.sampled_from(["kindergarten", "primary_school", "clinic", "pharmacy", "supermarket"])


@st.composite
def plans(draw: st.DrawFn) -> tuple[Study, gpd.GeoDataFrame]:
    """A pencil town with more facilities and entrances, and a scenario of any changes."""
    study = pencil()
    more = draw(st.lists(st.tuples(kind, spot), max_size=6))
    extra = gpd.GeoDataFrame(
        {"kind": [one for one, _ in more]},
        index=[f"x{i}" for i in range(len(more))],
        geometry=[p for _, p in more],
        crs=4547,
    )
    if more:
        study = replace(study, facilities=pd.concat([study.facilities, schema.conform("facilities", extra)]))
    out: list[tuple[Any, ...]] = []
    for place, (one, where) in enumerate(draw(st.lists(st.tuples(kind, spot), min_size=1, max_size=4))):
        out.append(("add", "facilities", f"n{place}", {"kind": one}, where))
        if draw(st.booleans()):
            out.append(("add", "entrances", f"d{place}", {"of_table": "facilities", "of_id": f"n{place}"}, draw(spot)))
    if draw(st.booleans()):
        for owner in draw(st.lists(st.sampled_from(list(study.facilities.index)), unique=True, max_size=2)):
            action = draw(st.sampled_from(["remove", "move", "change"]))
            told = {"kind": draw(kind)} if action == "change" else None
            out.append((action, "facilities", owner, told, draw(spot) if action == "move" else None))
        if draw(st.booleans()):
            out.append(("remove", "entrances", "e", None, None))
    if draw(st.integers(0, 4)) == 0:
        out.append(("open", "gates", "g", None, None))
    return study, rows(*out)


@pytest.mark.slow
@settings(max_examples=30)
@given(plans())
def test_what_is_walked_again_equals_a_whole_recompute(plan: tuple[Study, gpd.GeoDataFrame]) -> None:
    """Fields and minutes after any scenario are those of the changed town walked from the start, to the last bit."""
    study, changes = plan
    planned = scenario.read(changes, study)
    after = scenario.apply(study, planned)
    quick, whole = what_if.walks_after(what_if.walks(study), study, after, planned), what_if.walks(after)
    pd.testing.assert_frame_equal(quick.minutes, whole.minutes, check_exact=True)
    assert list(quick.fields) == list(whole.fields)
    for one in whole.fields:
        assert np.array_equal(quick.fields[one].metres, whole.fields[one].metres)


@settings(max_examples=8)
@given(plans())
def test_people_are_conserved(plan: tuple[Study, gpd.GeoDataFrame]) -> None:
    """After = before + gained − lost for every community, method, tier and kind, and the communities add up to the town."""
    found = what_if.compare(*plan)
    for table in (found.town, found.by_area):
        change_ = table["residents_before"] + table["residents_gained"] - table["residents_lost"]
        assert change_.to_numpy() == pytest.approx(table["residents_after"].to_numpy())
    counted = ["residents_before", "residents_after", "residents_gained", "residents_lost"]
    sums = found.by_area.groupby(["method", "tier", "kind"])[counted].sum()
    town = found.town.set_index(["method", "tier", "kind"])[counted]
    pd.testing.assert_frame_equal(sums, town.reindex(sums.index), check_dtype=False)


# -- the sample town and the command line ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town() -> Study:
    return normalise.place(load.recipe.read(sample_town()))[0]


@pytest.mark.slow
def test_the_sample_scenario_agrees_with_networkx(town: Study) -> None:
    """Residents within 5 minutes of a nursery, before and after, from a graph split at every home and nursery by networkx."""
    found = what_if.compare(town, PLAN)
    row = change(found, "nursery")
    for study, column in ((found.before, "residents_before"), (found.after, "residents_after")):
        assert row[column] == pytest.approx(_near_a_nursery(study, 300.0), abs=1e-6)
    assert row["residents_gained"] > 1000
    assert len(found.gates) == 35


def _near_a_nursery(study: Study, metres: float) -> float:
    from lifecircle import network

    walk = network.build(study.streets, barriers=study.barriers, gates=study.gates)
    nurseries = study.facilities[study.facilities["kind"] == "nursery"]
    graph = nx.Graph()
    points: dict[int, list[tuple[float, Any, float]]] = {}
    for name, frame in (("home", study.homes), ("nursery", nurseries)):
        placed = network.place(walk, frame)
        for key, edge, along, leg in placed.loc[placed["placed"], ["edge", "along_m", "leg_m"]].itertuples():
            points.setdefault(edge, []).append((along, (name, key), leg))
    for edge, (u, v, length) in enumerate(zip(walk.edge_u, walk.edge_v, walk.edge_m, strict=True)):
        before, last = 0.0, ("node", int(u))
        for place, (along, key, leg) in enumerate(sorted(points.get(edge, []), key=lambda one: one[0])):
            mark = ("mark", edge, place)
            graph.add_edge(
                last, mark, weight=min(along - before, graph.get_edge_data(last, mark, {"weight": np.inf})["weight"])
            )
            graph.add_edge(mark, key, weight=leg)
            before, last = along, mark
        end = ("node", int(v))
        if last != end:
            known = graph.get_edge_data(last, end, {"weight": np.inf})["weight"]
            graph.add_edge(last, end, weight=min(length - before, known))
    sources = [("nursery", key) for key in nurseries.index if ("nursery", key) in graph]
    reached = nx.multi_source_dijkstra_path_length(graph, sources, cutoff=metres + 1e-6)
    homes = [key[1] for key in reached if key[0] == "home"]
    return float(study.homes.loc[homes, "residents"].sum())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place") / "pencil"
    (folder / "raw").mkdir(parents=True)
    for name, frame in layers().items():
        pyogrio.write_dataframe(frame, folder / "raw" / "town.gpkg", layer=name)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("COLUMNS", "160")
    with chdir(tmp_path):
        plan = f"action,table,id,kind,x,y\nadd,facilities,K2,kindergarten,{X0 + 800},{Y0}\n"
        Path("plan.csv").write_text(plan, encoding="utf-8")
        yield tmp_path


@pytest.mark.slow
def test_the_command_writes_a_whole_set_and_says_who_gains(place: Path, here: Path) -> None:
    """compare leaves a GeoPackage, a workbook and a manifest in layers/pencil/compare/plan, twice the same, and prints the 20 who gain."""
    said = CliRunner().invoke(cli.app, ["compare", str(place), "plan.csv"])
    assert said.exit_code == 0, said.output
    assert "Kindergarten" in said.output
    assert "20" in said.output
    out = here / "layers" / "pencil" / "compare" / "plan"
    names = sorted(path.name for path in out.iterdir())
    assert {"compare.gpkg", "compare.xlsx", "manifest.json"} <= set(names)
    inside = set(pyogrio.list_layers(out / "compare.gpkg")[:, 0])
    assert {"homes_changed", "facilities_before", "facilities_after", "scenario", "gates"} <= inside
    assert pyogrio.read_dataframe(out / "compare.gpkg", layer="homes_changed")["home_id"].tolist() == ["h7", "h8", "h9"]
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["town"][0]["residents_gained"] == 20
    assert manifest["scenario"]["changes"][0]["id"] == "K2"
    bytes_ = {name: (out / name).read_bytes() for name in names}
    assert CliRunner().invoke(cli.app, ["compare", str(place), "plan.csv"]).exit_code == 0
    assert {name: (out / name).read_bytes() for name in names} == bytes_


def test_a_faulty_scenario_exits_with_1_and_leaves_nothing(place: Path, here: Path) -> None:
    """Every fault is on stderr with its row, and no folder is made."""
    Path("plan.csv").write_text("action,table,id\nremove,facilities,Q\nopen,gates,z\n", encoding="utf-8")
    said = CliRunner().invoke(cli.app, ["compare", str(place), "plan.csv"])
    assert said.exit_code == 1
    assert "row 1: facilities has no row 'Q'" in said.stderr
    assert "row 2: gates has no row 'z'" in said.stderr
    assert "Traceback" not in said.stderr
    assert [path.name for path in here.iterdir()] == ["plan.csv"]


def test_wrong_usage_of_compare_exits_with_2(here: Path) -> None:
    """Without a scenario, or with an unknown option, the usage is wrong."""
    for words in (["compare", str(here)], ["compare", str(here), "plan.csv", "--wat"]):
        assert CliRunner().invoke(cli.app, words).exit_code == 2


@pytest.mark.slow
def test_a_failure_while_writing_leaves_the_last_set(place: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the manifest cannot be written, the set of the last comparison stays as it was."""
    first = lifecircle.compare(place, "plan.csv", out="out")
    kept = {path.name: path.read_bytes() for path in Path("out").iterdir()}

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("lifecircle.publish.workbook.write", fail)
    with pytest.raises(OSError, match="disk full"):
        lifecircle.compare(place, rows(("remove", "facilities", "K", None, None)), out="out")
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == kept
    assert first.out == Path("out")


def test_a_notebook_compares_without_writing(here: Path) -> None:
    """Of a Study, nothing is written unless asked for; the scenario may be a frame."""
    found = lifecircle.compare(pencil(), rows(("add", "facilities", None, {"kind": "clinic"}, Point(at(0, 0)))))
    assert found.out is None
    assert [path.name for path in here.iterdir()] == ["plan.csv"]


def test_shares_before_and_after_are_of_the_same_people() -> None:
    """A gate that joins people to the streets never lowers a share: they were left out before, not unknown."""
    study = beyond()
    opened = gpd.GeoDataFrame(
        {"action": ["open"], "table": ["gates"], "id": [study.gates.index[0]]}, geometry=[None], crs=study.crs
    )
    town = what_if.compare(study, opened).town
    nobody = town[town["residents_lost"] == 0]
    assert (nobody["share_after"] >= nobody["share_before"] - 1e-12).all()


def test_a_run_and_a_comparison_never_replace_each_other(place: Path, tmp_path: Path) -> None:
    """Writing a comparison over the results of a run is refused in a sentence, and so is the reverse; nothing is lost."""
    plan = sample_town() / "scenarios" / "new_nursery_and_gate.geojson"
    out = tmp_path / "out"
    out.mkdir()
    (out / "results.gpkg").write_bytes(b"ours")
    (out / "manifest.json").write_text('{"files": ["manifest.json", "results.gpkg"]}', encoding="utf-8")
    with pytest.raises(OutputError, match="holds the results of a run"):
        what_if.compare(sample_town(), plan, out=out)
    assert (out / "results.gpkg").read_bytes() == b"ours"
    (out / "manifest.json").write_text('{"files": ["manifest.json", "results.gpkg"], "scenario": {}}', encoding="utf-8")
    with pytest.raises(OutputError, match="holds a comparison"):
        lifecircle.run(sample_town(), out=out)
    assert (out / "results.gpkg").read_bytes() == b"ours"


def test_a_facility_without_a_place_is_a_fault() -> None:
    """Adding a facility without a geometry is told as a fault of its row, from a table and from a frame without geometry."""
    plan = pd.DataFrame({"action": ["add"], "table": ["facilities"], "id": ["zz"], "kind": ["clinic"]})
    with pytest.raises(LifecircleError, match="1"):
        scenario.read(plan, beyond())
