"""Streets joined into a network: what joins, what does not, what barriers part."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from drawing import barriers, facilities, gates, multi, points, streets
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point

from lifecircle.errors import CrsError, LifecircleError, SchemaError
from lifecircle.network import build, edges, nearest

CROSS = {"a": [(0, 0), (100, 0)], "b": [(50, -40), (50, 60)]}


def minutes(walk, start, end):
    """Minutes at 1 m/s between two points."""
    return float(nearest(walk, points([start]), facilities([end]), speed_m_s=1.0, max_leg_m=1000).iloc[0, 0])


def test_same_level_crossing_joins():
    """Two streets that cross without a shared node join there: west end to north end is 50 + 60 m."""
    walk = build(streets(CROSS))
    assert walk.report["crossings_joined"] == 1
    assert walk.report["nodes"] == 5
    assert sorted(walk.edge_m.tolist()) == [40, 50, 50, 60]
    assert minutes(walk, (0, 0), (50, 60)) == pytest.approx(110 / 60, abs=1e-12)


@pytest.mark.parametrize(
    "columns",
    [
        {"bridge": {"b": True}},
        {"tunnel": {"b": True}},
        {"layer": {"b": 1}},
        {"bridge": {"b": True, "a": False}, "layer": {"b": 1.0, "a": 0.0}},
        {"bridge": {"a": True, "b": True}, "layer": {"a": 1, "b": 2}},
    ],
)
def test_overpass_does_not_join(columns):
    """Where bridge, tunnel or layer differ a crossing without a shared node does not join, and is counted."""
    walk = build(streets(CROSS, **columns))
    assert walk.report["crossings_not_joined"] == 1
    assert walk.report["crossings_joined"] == 0
    assert walk.report["components"] == 2


@pytest.mark.parametrize("columns", [{"bridge": {"b": False}}, {"layer": {"a": 0}}, {"bridge": {"a": True, "b": True}}])
def test_missing_level_is_ground(columns):
    """A missing bridge, tunnel or layer counts as no, no and 0; equal levels join, bridges too."""
    assert build(streets(CROSS, **columns)).report["components"] == 1


def test_shared_node_joins_whatever_the_level():
    """A bridge that shares a vertex with a street joins it, in the middle as at an end."""
    lines = {"a": [(0, 0), (50, 0), (100, 0)], "b": [(50, -40), (50, 0), (50, 60)]}
    assert build(streets(lines, bridge={"b": True}, layer={"b": 1})).report["components"] == 1


def test_end_on_a_street_joins():
    """A street that ends on the inside of another (a T) joins it, at once or within 5 cm, and not farther off.

        b |
    a ----+----
    """
    on = streets({"a": [(0, 0), (100, 0)], "b": [(40, 30), (40, 0)]})
    near = streets({"a": [(0, 0), (100, 0)], "b": [(40, 30), (40, 0.04)]})
    off = streets({"a": [(0, 0), (100, 0)], "b": [(40, 30), (40, 0.06)]})
    assert build(on).report["ends_joined"] == 1
    assert minutes(build(on), (40, 30), (0, 0)) == pytest.approx(70 / 60, abs=1e-12)
    assert minutes(build(near), (40, 30), (0, 0)) == pytest.approx(70 / 60, abs=1e-12)
    assert build(off).report["components"] == 2
    assert build(off, join_tolerance_m=0.1).report["components"] == 1


def test_a_bridge_that_ends_on_a_street_joins_it():
    """An end joins the street it lands on whatever the level: a ramp has to lead somewhere."""
    lines = {"a": [(0, 0), (100, 0)], "b": [(40, 30), (40, 0)]}
    assert build(streets(lines, bridge={"b": True}, layer={"b": 1})).report["components"] == 1


def test_ends_that_nearly_meet_join():
    """Two ends 3 cm apart join, the gap counts as walked; 6 cm apart they do not."""
    near = build(streets({"a": [(0, 0), (50, 0)], "b": [(50.03, 0), (100, 0)]}))
    assert near.report["components"] == 1
    assert near.report["edges"] == len(edges(near)) == 2
    assert minutes(near, (0, 0), (100, 0)) == pytest.approx(100 / 60, abs=1e-12)
    assert build(streets({"a": [(0, 0), (50, 0)], "b": [(50.06, 0), (100, 0)]})).report["components"] == 2


def test_closely_drawn_street_keeps_its_length():
    """A street with a vertex every centimetre keeps its length of 2 m: its own vertices do not join one another."""
    xs = np.arange(0, 2.005, 0.01)
    walk = build(streets({"a": np.stack([xs, 0 * xs], axis=1).tolist()}))
    assert walk.report["edges"] == 1
    assert walk.edge_m[0] == pytest.approx(2.0, abs=1e-9)


def test_multilinestring_and_self_crossing():
    """A street in two pieces is one street of two lines; a street that crosses itself joins there.

    The loop (0,0) → (100,0) → (100,50) → (50,50) → (50,-50) crosses itself at (50,0): end to end takes 50 + 50 m, not 300 m.
    """
    loop = [(0, 0), (100, 0), (100, 50), (50, 50), (50, -50)]
    walk = build(streets({"loop": loop, "two": multi([(0, 0), (0, 30)], [(50, -50), (80, -50)])}))
    assert walk.report["crossings_joined"] == 1
    assert walk.report["components"] == 1
    assert minutes(walk, (0, 30), (80, -50)) == pytest.approx((30 + 50 + 50 + 30) / 60, abs=1e-12)


def test_no_line_and_double_lines_are_counted():
    """Missing, empty, one-point and repeated lines are dropped and counted; the rest stands."""
    frame = streets(
        {
            "a": [(0, 0), (100, 0)],
            "again": [(0, 0), (100, 0)],
            "back": [(100, 0), (0, 0)],
            "part": [(100, 0), (200, 0)],
            "over": [(100, 0), (130, 0)],
            "point": [(5, 5), (5, 5)],
            "empty": LineString(),
            "none": None,
        }
    )
    report = build(frame).report
    assert report["dropped_zero_length"] == 3
    assert report["duplicates"] == 3
    assert report["length_m"] == pytest.approx(200)
    assert report["edges"] == 3
    assert report["streets"] == 8


def test_a_double_on_another_level_stays():
    """A bridge drawn over a street along its whole length is no duplicate."""
    line = [(0, 0), (100, 0)]
    assert build(streets({"a": line, "b": line}, bridge={"b": True})).report["duplicates"] == 0


def test_not_walkable_is_left_out():
    """walkable False leaves a street out; not known keeps it and is counted."""
    frame = streets(
        {"a": [(0, 0), (50, 0)], "b": [(50, 0), (90, 0)], "c": [(0, 0), (0, 9)]}, walkable={"b": False, "c": True}
    )
    report = build(frame).report
    assert (report["streets"], report["streets_not_walkable"], report["streets_walkable_unknown"]) == (2, 1, 1)
    assert report["length_m"] == 59


RIVER = [(30, -50), (30, 50)]


def test_barrier_cuts_an_edge():
    """A river across a street leaves two ends that do not meet.

       ~
    a -~-------
       ~
    """
    walk = build(streets({"a": [(0, 0), (100, 0)]}), barriers=barriers(RIVER))
    assert walk.report["barrier_cuts"] == 1
    assert walk.report["components"] == 2
    assert walk.report["largest_share"] == pytest.approx(0.7)
    assert sorted(walk.edge_m.tolist()) == pytest.approx([30, 70])


@pytest.mark.parametrize("kind", ["bridge", "tunnel"])
def test_bridge_passes_over_the_river(kind):
    """A street that is a bridge or a tunnel is not cut, and is counted as let through."""
    frame = streets({"a": [(0, 0), (20, 0)], "b": [(20, 0), (40, 0)], "c": [(40, 0), (100, 0)]}, **{kind: {"b": True}})
    report = build(frame, barriers=barriers(RIVER)).report
    assert (report["barrier_cuts"], report["through_bridge_or_tunnel"], report["components"]) == (0, 1, 1)


def test_bridge_that_starts_on_the_bank():
    """A bridge whose ends lie exactly on two bank lines still meets the streets beyond them."""
    frame = streets({"a": [(0, 0), (20, 0)], "b": [(20, 0), (40, 0)], "c": [(40, 0), (100, 0)]}, bridge={"b": True})
    banks = barriers([(20, -50), (20, 50)], [(40, -50), (40, 50)])
    assert build(frame, barriers=banks).report["components"] == 1


@pytest.mark.parametrize(
    ("gate", "cuts"),
    [
        ((30, 4, "open"), 0),
        ((30, 5, "open"), 0),
        ((30, 5.1, "open"), 1),
        ((30, 0, "closed"), 1),
        ((30, 0, None), 1),
        ((33, 4, "open"), 0),
    ],
)
def test_open_gate_lets_through(gate, cuts):
    """An open gate within 5 m of the crossing lets through; a closed one, one not known or one farther off does not."""
    report = build(streets({"a": [(0, 0), (100, 0)]}), barriers=barriers(RIVER), gates=gates(gate)).report
    assert report["barrier_cuts"] == cuts
    assert report["through_gate"] == 1 - cuts
    assert report["gates_unknown"] == (gate[2] is None)
    assert report["gates_open"] == (gate[2] == "open")


def test_barrier_through_a_node_parts_its_sides():
    """A wall exactly through a crossroads parts west from east but keeps the two western streets together.

      \\ w        A wall runs north to south through the crossing; a and b lie west of it, c east.
    a --+-- c
      / w
     b
    """
    lines = {"a": [(0, 0), (50, 0)], "b": [(20, -40), (50, 0)], "c": [(50, 0), (150, 0)]}
    for wall in (
        [[(50, -50), (50, 50)]],
        [[(50, -50), (50, 0)], [(50, 0), (50, 50)]],
        [[(50, -50), (50, 0), (50, 50)]],
    ):
        walk = build(streets(lines), barriers=barriers(*wall))
        assert walk.report["barrier_cuts"] == 1
        assert walk.report["components"] == 2
        assert walk.report["largest_share"] == pytest.approx(0.5)  # a and b are 50 m each, c 100 m


def test_splitting_at_the_wall_does_not_leak():
    """A street split exactly where a wall crosses it is cut all the same."""
    whole = build(streets({"a": [(0, 0), (100, 0)]}), barriers=barriers(RIVER))
    halves = build(streets({"a": [(0, 0), (30, 0)], "b": [(30, 0), (100, 0)]}), barriers=barriers(RIVER))
    assert halves.report["components"] == whole.report["components"] == 2


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_random_walls_part_what_geos_parts(seed):
    """Random streets cut by random walls fall into the components that GEOS finds once a hair around the walls is taken out.

    Without a joining tolerance, which GEOS does not have: some random ends lie within 5 cm of a street.
    """
    rng = np.random.default_rng(seed)
    lines, walls = rng.uniform(0, 300, (20, 3, 2)), rng.uniform(0, 300, (6, 3, 2))
    report = build(
        streets({f"s{i:02}": line.tolist() for i, line in enumerate(lines)}),
        barriers=barriers(*walls.tolist()),
        join_tolerance_m=0,
    ).report
    noded = shapely.get_parts(shapely.unary_union(shapely.linestrings(lines)))
    hair = shapely.unary_union(shapely.linestrings(walls)).buffer(1e-7)
    pieces = shapely.get_parts(shapely.difference(noded, hair))
    graph = nx.Graph((piece.coords[0], piece.coords[-1]) for piece in pieces if piece.length > 1e-5)
    assert report["components"] == nx.number_connected_components(graph)
    assert report["length_m"] == pytest.approx(shapely.length(pieces).sum(), abs=1e-3)


def test_wall_that_ends_on_a_street_does_not_cut_it():
    """A wall that ends on a street, or runs along it, does not part it."""
    frame = streets({"a": [(0, 0), (100, 0)]})
    assert build(frame, barriers=barriers([(30, 0), (30, 50)])).report["components"] == 1
    assert build(frame, barriers=barriers([(20, 0), (60, 0), (60, 40)])).report["components"] == 1
    assert build(frame, barriers=barriers([(60, -40), (60, 0), (20, 0)])).report["components"] == 1
    assert build(frame, barriers=barriers([(60, -40), (60, 0), (60, 40)])).report["components"] == 2


def test_edges_cover_the_streets():
    """`edges` gives back the walkable streets cut at their nodes, component 0 the longest."""
    drawn = edges(build(streets({**CROSS, "far": [(500, 500), (520, 500)]})))
    assert drawn.geometry.length.to_numpy() == pytest.approx(drawn["length_m"].to_numpy(), abs=1e-9)
    assert drawn["street_id"].tolist() == ["a", "a", "b", "b", "far"]
    assert drawn["component"].tolist() == [0, 0, 0, 0, 1]
    assert drawn.geometry.iloc[-1].equals(LineString([(500, 500), (520, 500)]))
    assert drawn.index.name == "edge"


def test_clear_refusals():
    """Bad input is refused in one sentence: no walkable street, two systems, points for streets, a repeated id."""
    good = streets(CROSS)
    with pytest.raises(LifecircleError, match="no walkable street"):
        build(streets(CROSS, walkable={"a": False, "b": False}))
    with pytest.raises(LifecircleError, match="no walkable street"):
        build(streets({}))
    with pytest.raises(LifecircleError, match="no walkable street"):
        build(streets({"a": [(1, 1), (1, 1)]}))
    with pytest.raises(CrsError, match="barriers are in EPSG:32650, the streets in EPSG:4547"):
        build(good, barriers=barriers(RIVER).set_crs(32650, allow_override=True))
    with pytest.raises(CrsError, match="gates"):
        build(good, barriers=barriers(RIVER), gates=gates((0, 0, "open")).set_crs(32650, allow_override=True))
    with pytest.raises(SchemaError, match="not lines"):
        build(streets({"a": Point(0, 0)}))
    with pytest.raises(SchemaError, match="repeated"):
        build(pd.concat([good, good]))
    with pytest.raises(ValueError, match="join_tolerance_m"):
        build(good, join_tolerance_m=-1)
