"""Gap areas on a drawn lattice, and the laws they keep."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from lifecircle.analyse import coverage, gaps

# Cells of 100 m, one home in each; 1 m/s. A letter is a home left out of the clinic (5 minutes), o one that reaches it, ? one
# that is not joined; a digit's homes are left out of the bank too. North is up, the lower left cell is 0, 0.
#
#     b . . . .          row 4
#     . . 1 o .          row 3      the bank's gap: 1 and 2 touch at a corner
#     . 2 . . .          row 2
#     . ? . . .          row 1
#     a c . o a          row 0
TOWN = ["b....", "..1o.", ".2...", ".?...", "ac.oa"]
KINDS = pd.DataFrame(
    {
        "tier": [5, 5, 5, 15],
        "kind": ["clinic", "bank", "gym", "school"],
        "required": [True, True, False, True],
        "radius_m": np.nan,
    }
)


def drawn(picture: list[str]) -> gpd.GeoDataFrame:
    """A home in the middle of each cell that has a letter; its id is letter, column, row."""
    marks = [(m, c, r) for r, line in enumerate(reversed(picture)) for c, m in enumerate(line) if m != "."]
    mark, col, row = (np.array(v) for v in zip(*marks, strict=True))
    ids = pd.Index([f"{m}{c}{r}" for m, c, r in marks], name="home_id")
    points = gpd.points_from_xy(col * 100.0 + 50.0, row * 100.0 + 50.0, crs=4547)
    return gpd.GeoDataFrame({"mark": mark}, geometry=points, index=ids)


HOMES = drawn(TOWN)
MARK = HOMES["mark"]
JOINED = MARK != "?"
MINUTES = pd.DataFrame(
    {
        "clinic": np.where(MARK == "o", 4.0, np.where(MARK == "?", np.nan, 8.0)),
        "bank": np.where(MARK.isin(["1", "2"]), 6.0, np.where(MARK == "?", np.nan, 5.0)),
        "gym": np.where(MARK == "?", np.nan, 99.0),
        "school": np.where(MARK == "?", np.nan, 15.0),
    },
    index=HOMES.index,
)
PEOPLE = pd.Series(10.0, index=HOMES.index, name="residents").mask(MARK == "1", 25.0)
AREAS = pd.Series(np.where(HOMES.geometry.x < 200, "west", "east"), index=HOMES.index, name="area_id", dtype="str")


def asked(minutes: pd.DataFrame = MINUTES) -> pd.DataFrame:
    return coverage.reached(minutes, KINDS, speed_m_s=1.0, joined=JOINED.reindex(minutes.index))


def of_kind(kind: str) -> gpd.GeoDataFrame:
    found = gaps.by_kind(HOMES, asked(), KINDS, MINUTES, PEOPLE, AREAS, cell_m=100)
    return found[found["kind"] == kind]


def test_cells_that_touch_at_a_corner_are_one_area() -> None:
    """1 and 2 lack the bank and meet at a corner: one area of two cells and 35 people, most of whom (25) live in the east."""
    (area,) = of_kind("bank").itertuples()
    assert (area.Index, area.homes, area.residents_left_out, area.area_id) == ("5-bank-1", 2, 35.0, "east")
    assert (
        area.geometry.normalize()
        == shapely.union_all([shapely.box(200, 300, 300, 400), shapely.box(100, 200, 200, 300)]).normalize()
    )
    assert area.geometry.is_valid


def test_cells_apart_are_areas_apart_ranked_by_people() -> None:
    """Of the clinic: 1 with 2 (35 people), a with c (20), then the lone a in the south before b in the north, 10 people each."""
    found = of_kind("clinic")
    assert found["residents_left_out"].tolist() == [35.0, 20.0, 10.0, 10.0]
    assert found.geometry.bounds["minx"].tolist() == [100, 0, 400, 0]
    assert found.index.tolist() == ["5-clinic-1", "5-clinic-2", "5-clinic-3", "5-clinic-4"]
    assert found["area_m2"].tolist() == found.area.tolist() == [20_000, 20_000, 10_000, 10_000]


def test_a_home_without_an_answer_lies_in_no_gap() -> None:
    """The home not joined fills no cell: it would have tied 2 to a and c."""
    assert not of_kind("clinic").covers(HOMES.geometry[JOINED.index[~JOINED]].iloc[0]).any()


def test_a_home_without_an_answer_is_counted_in_a_cell_that_is_a_gap() -> None:
    """Moved into the cell of c, the home not joined is counted beside the 20 people left out, not among them."""
    homes = HOMES.copy()
    homes.loc["?11", "geometry"] = shapely.Point(101, 1)
    found = gaps.by_kind(homes, asked(), KINDS, MINUTES, PEOPLE, AREAS, cell_m=100).loc["5-clinic-2"]
    assert (found["homes"], found["residents_left_out"], found["residents_not_known"]) == (2, 20.0, 10.0)


def test_optional_kinds_and_kinds_that_all_reach_make_no_gap() -> None:
    """Nobody reaches a gym, which is optional; everybody joined reaches a school in exactly 15 minutes."""
    found = gaps.by_kind(HOMES, asked(), KINDS, MINUTES, PEOPLE, AREAS, cell_m=100)
    assert set(found["kind"]) == {"clinic", "bank"}


def test_the_area_of_a_tier_lists_what_is_missing() -> None:
    """In the 5-minute tier, 1 and 2 lack bank and clinic, 35 people each: bank is named first; the other areas lack the clinic."""
    areas, missing = gaps.by_tier(HOMES, asked(), KINDS, MINUTES, PEOPLE, AREAS, cell_m=100)
    first = areas.loc["5-1"]
    assert (first["missing"], first["missing_kinds"], first["worst_kind"], first["walk_min"]) == (
        "bank, clinic",
        2,
        "bank",
        6.0,
    )
    assert areas["missing"].tolist()[1:] == ["clinic"] * 3
    assert missing.loc[missing["gap_id"] == "5-1", ["kind", "walk_min"]].values.tolist() == [
        ["bank", 6.0],
        ["clinic", 8.0],
    ]
    assert len(missing) == 5
    assert areas.index.tolist() == ["5-1", "5-2", "5-3", "5-4"]


def test_the_worst_kind_is_the_one_most_people_lack() -> None:
    """Two homes of one cell: 10 people lack the bank and 30 the clinic, 10 of these with no way: clinic, half walk 7 minutes."""
    ids = pd.Index(list("hij"), name="home_id")
    homes = gpd.GeoDataFrame(geometry=gpd.points_from_xy([1, 2, 3], [1, 2, 3]), index=ids, crs=4547)
    minutes = pd.DataFrame({"bank": [9.0, 1.0, 1.0], "clinic": [9.0, 7.0, np.nan], "school": 1.0}, index=ids)
    people, where = pd.Series(10.0, index=ids, name="residents"), pd.Series("x", index=ids, name="area_id")
    answers = coverage.reached(minutes, KINDS, speed_m_s=1.0, joined=pd.Series(True, index=ids))
    areas, missing = gaps.by_tier(homes, answers, KINDS, minutes, people, where, cell_m=100)
    (area,) = areas.itertuples()
    assert (area.missing, area.worst_kind, area.walk_min, area.residents_no_way) == (
        "bank, clinic",
        "clinic",
        7.0,
        10.0,
    )
    assert missing["residents_left_out"].tolist() == [30.0, 10.0]


def test_half_of_the_people_not_of_the_homes() -> None:
    """9 people walk 6 minutes, 2 walk 8 and 1 walks 20: half of twelve walk 6 minutes or less, though the middle home walks 8."""
    ids = pd.Index(list("hij"))
    homes = gpd.GeoDataFrame(geometry=gpd.points_from_xy([1, 2, 3], [1, 2, 3]), index=ids, crs=4547)
    minutes = pd.DataFrame({"clinic": [20.0, 6.0, 8.0]}, index=ids)
    people = pd.Series([1.0, 9.0, 2.0], index=ids, name="residents")
    kinds = KINDS[KINDS["kind"] == "clinic"]
    answers = coverage.reached(minutes, kinds, speed_m_s=1.0, joined=pd.Series(True, index=ids))
    where = pd.Series(None, index=ids, name="area_id", dtype="str")
    (area,) = gaps.by_kind(homes, answers, kinds, minutes, people, where, cell_m=100).itertuples()
    assert area.walk_min == 6.0
    assert pd.isna(area.area_id)
    nobody = gaps.by_kind(homes, answers, kinds, minutes, people * np.nan, where, cell_m=100)
    assert nobody[["residents_left_out", "walk_min"]].values.tolist() == [[0.0, 8.0]]


def test_where_nobody_is_left_out_the_layer_is_empty() -> None:
    """Everybody reaches everything, or nobody has a point: no gap, the same columns, the same system."""
    minutes = MINUTES * 0.0
    full = gaps.by_kind(HOMES, asked(), KINDS, MINUTES, PEOPLE, AREAS, cell_m=100)
    none = gaps.by_kind(HOMES, asked(minutes), KINDS, minutes, PEOPLE, AREAS, cell_m=100)
    areas, missing = gaps.by_tier(HOMES, asked(minutes), KINDS, minutes, PEOPLE, AREAS, cell_m=100)
    assert len(none) == len(areas) == len(missing) == 0
    assert list(none) == list(full)
    assert none.crs == areas.crs == HOMES.crs
    nowhere = HOMES.set_geometry(gpd.GeoSeries([None] * len(HOMES), index=HOMES.index, crs=4547))
    assert len(gaps.by_kind(nowhere, asked(), KINDS, MINUTES, PEOPLE, AREAS, cell_m=100)) == 0
    assert len(gaps.grid(nowhere, asked(), KINDS, PEOPLE, cell_m=100)) == 0


def test_the_grid_counts_everybody_with_a_point() -> None:
    """Nine cells, 105 people: 75 left out of tier 5, 10 not known; cell 2_3 lacks two kinds and the home not joined an answer."""
    cells = gaps.grid(HOMES, asked(), KINDS, PEOPLE, cell_m=100)
    assert (len(cells), cells["residents"].sum()) == (9, 105)
    assert (cells["residents_left_out_5"].sum(), cells["residents_not_known_5"].sum()) == (75, 10)
    assert cells["residents_left_out_15"].sum() == 0
    assert cells["missing_kinds_5"]["2_3"] == 2
    assert pd.isna(cells["missing_kinds_5"]["1_1"])
    assert cells.index[0] == "0_0"
    assert cells.geometry["4_0"].equals(shapely.box(400, 0, 500, 100))


def test_a_cell_without_a_side_is_refused() -> None:
    """A cell of 0 m is no cell."""
    with pytest.raises(ValueError, match="cell_m"):
        gaps.grid(HOMES, asked(), KINDS, PEOPLE, cell_m=0)


@st.composite
def towns(draw: st.DrawFn) -> tuple[gpd.GeoDataFrame, pd.DataFrame, "pd.Series[float]", "pd.Series[bool]"]:
    """Up to 40 homes on a lattice of points, with minutes to two kinds, people and whether they are joined."""
    n = draw(st.integers(1, 40))
    of = st.lists(st.integers(-8, 8), min_size=n, max_size=n)
    walk = st.lists(st.sampled_from([1.0, 5.0, 6.0, 9.5, np.nan]), min_size=n, max_size=n)
    ids = pd.Index([f"h{i:02d}" for i in range(n)], name="home_id")
    points = gpd.points_from_xy(np.array(draw(of)) * 25.0, np.array(draw(of)) * 25.0)
    homes = gpd.GeoDataFrame(geometry=points, index=ids, crs=4547)
    minutes = pd.DataFrame({"clinic": draw(walk), "bank": draw(walk)}, index=ids)
    people = draw(st.lists(st.sampled_from([0.1, 0.7, 3.3, 12.0, np.nan]), min_size=n, max_size=n))
    joined = pd.Series(draw(st.lists(st.booleans(), min_size=n, max_size=n)), index=ids)
    return homes, minutes, pd.Series(people, index=ids, name="residents"), joined


TWO = KINDS[KINDS["kind"].isin(["clinic", "bank"])]


@given(towns())
def test_people_left_out_are_those_of_the_shares(
    town: tuple[gpd.GeoDataFrame, pd.DataFrame, pd.Series, pd.Series],
) -> None:
    """Over all gap areas of a kind, people left out add up to those `coverage.shares` leaves out, and homes lie in theirs."""
    homes, minutes, people, joined = town
    answers = coverage.reached(minutes, TWO, speed_m_s=1.0, joined=joined)
    where = pd.Series("town", index=homes.index, name="scope")
    told = coverage.shares(answers, TWO, people, where).set_index("kind")["residents_left_out"]
    found = gaps.by_kind(homes, answers, TWO, minutes, people, where, cell_m=60)
    sums = found.groupby("kind")["residents_left_out"].sum().reindex(told.index).fillna(0.0)
    assert np.allclose(sums, told, atol=1e-9)
    for kind in told.index:
        left = (answers[("minutes", 5, kind)] == False).fillna(False).astype(bool)  # noqa: E712 - NA is not False
        rows = found[found["kind"] == kind]
        assert rows["homes"].sum() == left.sum()
        inside = np.array([shapely.intersects(g, homes.geometry[left].to_numpy()) for g in rows.geometry]).any(axis=0)
        assert inside.all() or not left.any()


@given(towns())
def test_pieces_are_those_of_a_graph_of_cells(
    town: tuple[gpd.GeoDataFrame, pd.DataFrame, pd.Series, pd.Series],
) -> None:
    """The number of homes in each gap area is what networkx finds by joining cells at most one apart in both directions."""
    homes, minutes, people, joined = town
    answers = coverage.reached(minutes, TWO, speed_m_s=1.0, joined=joined)
    where = pd.Series("town", index=homes.index, name="scope")
    found = gaps.by_kind(homes, answers, TWO, minutes, people, where, cell_m=60)
    left = (joined & ~(minutes["bank"] <= 5)).to_numpy()
    cells = [(p.x // 60, p.y // 60) for p in homes.geometry[left]]
    graph: nx.Graph = nx.Graph()
    graph.add_nodes_from(cells)
    graph.add_edges_from((a, b) for a in cells for b in cells if max(abs(a[0] - b[0]), abs(a[1] - b[1])) == 1)
    sizes = sorted(sum(c in piece for c in cells) for piece in nx.connected_components(graph))
    assert sorted(found.loc[found["kind"] == "bank", "homes"]) == sizes


@given(towns(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(
    town: tuple[gpd.GeoDataFrame, pd.DataFrame, pd.Series, pd.Series], dice: object
) -> None:
    """Homes shuffled give the same areas, ids and figures, to the last bit."""
    homes, minutes, people, joined = town
    where = pd.Series(np.where(homes.geometry.x > 0, "x", "y"), index=homes.index, name="area_id", dtype="str")
    order = list(range(len(homes)))
    dice.shuffle(order)  # type: ignore[attr-defined]
    answers = coverage.reached(minutes, TWO, speed_m_s=1.0, joined=joined)
    was = gaps.by_tier(homes, answers, TWO, minutes, people, where, cell_m=60)
    now = gaps.by_tier(homes.iloc[order], answers.iloc[order], TWO, minutes, people, where, cell_m=60)
    for a, b in zip(was, now, strict=True):
        assert_frame_equal(pd.DataFrame(a), pd.DataFrame(b), check_exact=True)
    cells = [gaps.grid(h, answers, TWO, people, cell_m=60) for h in (homes, homes.iloc[order])]
    assert_frame_equal(pd.DataFrame(cells[0]), pd.DataFrame(cells[1]), check_exact=True)


@given(towns(), st.integers(-500, 500), st.integers(-500, 500))
def test_moving_a_town_by_whole_cells_moves_its_gaps(
    town: tuple[gpd.GeoDataFrame, pd.DataFrame, pd.Series, pd.Series], east: int, north: int
) -> None:
    """All figures and ids stay, and the shapes move along."""
    homes, minutes, people, joined = town
    where = pd.Series("town", index=homes.index, name="area_id")
    answers = coverage.reached(minutes, TWO, speed_m_s=1.0, joined=joined)
    moved = homes.set_geometry(homes.translate(east * 60.0, north * 60.0))
    was = gaps.by_kind(homes, answers, TWO, minutes, people, where, cell_m=60)
    now = gaps.by_kind(moved, answers, TWO, minutes, people, where, cell_m=60)
    assert_frame_equal(pd.DataFrame(was.drop(columns="geometry")), pd.DataFrame(now.drop(columns="geometry")))
    assert was.translate(east * 60.0, north * 60.0).geom_equals(now.geometry).all()
