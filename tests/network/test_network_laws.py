"""What holds for every network: a referee library agrees, and what must not matter does not."""

import subprocess
import sys
from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from drawing import entrances, facilities, moved, points, streets
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lifecircle.network import build, edges, nearest, pairs, place

# Corners lie on multiples of 10 m within 100 m: a corner that is not on a street is at least 0.7 m from it (10 m / 14.1), so far
# from the joining tolerance that a referee without one sees the same network.
corner = st.tuples(st.integers(0, 10), st.integers(0, 10)).map(lambda p: (10.0 * p[0], 10.0 * p[1]))
polyline = st.lists(corner, min_size=2, max_size=5).filter(lambda line: len(set(line)) > 1)
ground = st.tuples(st.floats(0, 100), st.floats(0, 100))


@st.composite
def towns(draw):
    """Streets, homes and facilities of a few kinds."""
    lines = draw(st.lists(polyline, min_size=1, max_size=10))
    homes = draw(st.lists(ground, min_size=1, max_size=8))
    there = draw(st.lists(st.tuples(ground, st.sampled_from("abc")), min_size=1, max_size=8))
    frame = streets({f"s{i:02}": line for i, line in enumerate(lines)})
    return frame, points(homes), facilities([xy for xy, _ in there], [kind for _, kind in there])


def referee(frame, walk, homes, there):
    """Minutes by networkx on the streets noded by GEOS and split at every place; None where a place is not on them."""
    noded = shapely.get_parts(shapely.unary_union(frame.geometry.to_numpy()))
    drawn = edges(walk).geometry.to_numpy()
    ends = {}
    spots = [[] for _ in noded]
    graph = nx.Graph()
    for name, frame_ in (("home", homes), ("facility", there)):
        got = place(walk, frame_, max_leg_m=1000)
        where = shapely.line_interpolate_point(drawn[got["edge"]], got["along_m"].to_numpy())
        for i, spot in enumerate(where):
            on = np.flatnonzero(shapely.distance(noded, spot) < 1e-7)
            assert len(on)
            ends[name, i] = float(got["leg_m"].iloc[i])
            graph.add_node((name, i))
            for line in on:
                spots[line].append((float(noded[line].project(spot)), (name, i)))
    for line, spot in zip(noded, spots, strict=True):
        first, last = (tuple(np.round(line.coords[k], 6)) for k in (0, -1))
        chain = [(0.0, first), *sorted(spot), (line.length, last)]
        for (s, u), (t, v) in pairwise(chain):
            if u != v and (not graph.has_edge(u, v) or graph[u][v]["m"] > t - s):
                graph.add_edge(u, v, m=t - s)
    kinds = sorted(set(there["kind"]))
    out = pd.DataFrame(np.nan, index=homes.index, columns=kinds)
    every = {}
    for j, kind in enumerate(there["kind"]):
        metres = nx.single_source_dijkstra_path_length(graph, ("facility", j), weight="m")
        for i in range(len(homes)):
            if ("home", i) in metres:
                walk_min = (metres["home", i] + ends["home", i] + ends["facility", j]) / 60
                every[homes.index[i], there.index[j]] = walk_min
                out.loc[homes.index[i], kind] = np.fmin(out.loc[homes.index[i], kind], walk_min)
    return out, every


@settings(max_examples=150, deadline=None)
@given(towns())
def test_agrees_with_networkx(town):
    """Minutes and pairs are those of networkx on the graph split at every point, to 1e-6 min."""
    frame, homes, there = town
    walk = build(frame)
    expected, every = referee(frame, walk, homes, there)
    got = nearest(walk, homes, there, speed_m_s=1.0, max_leg_m=1000)
    pd.testing.assert_frame_equal(got, expected, rtol=0, atol=1e-6, check_column_type=False)
    found = pairs(walk, homes, there, limit_min=4.0, speed_m_s=1.0, max_leg_m=1000)
    sure = {pair for pair, walk_min in every.items() if walk_min < 4 - 1e-6}
    perhaps = {pair for pair, walk_min in every.items() if walk_min <= 4 + 1e-6}
    rows = list(zip(found["home_id"], found["facility_id"], strict=True))
    assert rows == sorted(set(rows))
    assert sure <= set(rows) <= perhaps
    assert found["walk_min"].to_numpy() == pytest.approx([every[row] for row in rows], abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(towns(), st.floats(0.5, 10))
def test_pairs_are_nearest_without_the_rest(town, limit):
    """The least of the pairs of a kind is `nearest` where that is within the limit, and absent where it is not."""
    frame, homes, there = town
    walk = build(frame)
    doors = entrances([(50, 50), (0, 0)], ["f0", "f0"])
    options = {"entrances": doors, "speed_m_s": 1.1, "max_leg_m": 60}
    best = nearest(walk, homes, there, **options)
    found = pairs(walk, homes, there, limit_min=limit, **options)
    least = (
        found.assign(kind=there["kind"].reindex(found["facility_id"]).to_numpy())
        .groupby(["home_id", "kind"])["walk_min"]
        .min()
    )
    expected = best.where(best <= limit).stack().dropna()
    expected.index.names = ["home_id", "kind"]
    pd.testing.assert_series_equal(
        least, expected.rename("walk_min").sort_index(), check_exact=True, check_index_type=False
    )


@settings(max_examples=60, deadline=None)
@given(towns(), st.data())
def test_splitting_a_street_changes_nothing(town, data):
    """A street split at any point that is not on another street gives the same minutes to 1e-9."""
    frame, homes, there = town
    row = data.draw(st.integers(0, len(frame) - 1))
    line = frame.geometry.iloc[row]
    at = line.length * data.draw(st.floats(0, 1))
    others = frame.geometry.drop(frame.index[row])
    assume(len(others) == 0 or others.distance(line.interpolate(at)).min() > 0.05)
    coords, s = list(line.coords), np.cumsum([0.0, *map(np.hypot, *np.diff(np.array(line.coords), axis=0).T)])
    k = min(int(np.searchsorted(s, at, side="right")) - 1, len(coords) - 2)
    cut = line.interpolate(at).coords[0]
    halves = frame.drop(frame.index[row]).geometry.to_dict()
    halves |= {frame.index[row]: [*coords[: k + 1], cut], frame.index[row] + "x": [cut, *coords[k + 1 :]]}
    options = {"speed_m_s": 1.0, "max_leg_m": 1000}
    whole = nearest(build(frame), homes, there, **options)
    split = nearest(build(streets(halves)), homes, there, **options)
    pd.testing.assert_frame_equal(split, whole, rtol=0, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(towns(), st.randoms(use_true_random=False))
def test_row_order_changes_nothing(town, random):
    """Streets, homes and facilities in any order give the same bits."""
    frame, homes, there = town

    def shuffled(rows):
        return rows.iloc[random.sample(range(len(rows)), len(rows))]

    walk, again = build(frame), build(shuffled(frame))
    best = nearest(walk, homes, there, max_leg_m=1000)
    other = nearest(again, shuffled(homes), shuffled(there), max_leg_m=1000).reindex(homes.index)
    pd.testing.assert_frame_equal(best, other, check_exact=True)
    assert walk.report == again.report
    found = pairs(walk, homes, there, limit_min=5, max_leg_m=1000)
    pd.testing.assert_frame_equal(
        found, pairs(again, shuffled(homes), shuffled(there), limit_min=5, max_leg_m=1000), check_exact=True
    )


@settings(max_examples=60, deadline=None)
@given(towns())
def test_translation_changes_nothing(town):
    """Elsewhere the minutes are the same: bit by bit where coordinates stay exact, to 1e-6 min at zone-prefixed eastings.

    Coordinates are halves of 2⁻⁸ m here, which float64 holds exactly at 38,000,000 m too; drawn ones are not, and are rounded by the move
    to 7.5e-9 m, some 1e-9 min at each end, so the looser bound leaves room for a few roundings.
    """
    frame, homes, there = town
    east, north = 38_500_000.0, 3_600_000.0
    options = {"speed_m_s": 1.0, "max_leg_m": 1000}

    def snapped(rows):
        return rows.set_geometry(shapely.transform(rows.geometry.to_numpy(), lambda xy: np.round(xy * 256) / 256))

    homes, there = (
        snapped(homes).set_crs(frame.crs, allow_override=True),
        snapped(there).set_crs(frame.crs, allow_override=True),
    )
    here = nearest(build(frame), homes, there, **options)
    away = nearest(build(moved(frame, east, north)), moved(homes, east, north), moved(there, east, north), **options)
    pd.testing.assert_frame_equal(here, away, rtol=0, atol=1e-9)
    odd = (east + 1 / 3, north + 1 / 7)
    rough = [place(build(moved(frame, *odd)), moved(rows, *odd), max_leg_m=1000)["leg_m"] for rows in (homes, there)]
    exact = [place(build(frame), rows, max_leg_m=1000)["leg_m"] for rows in (homes, there)]
    for one, other in zip(rough, exact, strict=True):
        assert one.to_numpy() == pytest.approx(other.to_numpy(), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(towns(), ground, st.sampled_from("abcd"))
def test_a_new_facility_never_raises_minutes(town, where, kind):
    """One facility more leaves every minute as it is or makes it smaller."""
    frame, homes, there = town
    walk = build(frame)
    before = nearest(walk, homes, there, max_leg_m=1000)
    more = pd.concat([there, facilities([where], kind, ids=["new"])])
    after = nearest(walk, homes, more, max_leg_m=1000)
    assert (after[before.columns].to_numpy() <= before.to_numpy()).all()
    assert set(before.columns) | {kind} == set(after.columns)


def test_importing_lifecircle_leaves_the_compiler_alone():
    """`import lifecircle` imports neither the network nor numba."""
    code = "import sys, lifecircle; raise SystemExit('numba' in sys.modules or 'lifecircle.network' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
