"""Renewal blocks, drawn with a pencil: a letter is a plot, a cell is 100 by 100 m, one hectare."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, box

from lifecircle.analyse import blocks

HA = 10_000.0


def town(*rows: str) -> gpd.GeoDataFrame:
    """The plots of a drawing, north at the top; a dot is ground that is no candidate."""
    cells = [
        (letter, box(100 * x, 100 * y, 100 * x + 100, 100 * y + 100))
        for y, row in enumerate(reversed(rows))
        for x, letter in enumerate(row)
        if letter != "."
    ]
    drawn = gpd.GeoDataFrame(cells, columns=["plot_id", "geometry"], geometry="geometry", crs=4547)
    return drawn.dissolve("plot_id")


def lines(*coordinates: list[tuple[float, float]]) -> gpd.GeoSeries:
    return gpd.GeoSeries([LineString(each) for each in coordinates], crs=4547)


def placed(
    plots: gpd.GeoDataFrame, walls: gpd.GeoSeries | None = None, *, least: float = 2, most: float = 10
) -> pd.DataFrame:
    """The blocks of hectares between `least` and `most`; plots up to 20 m apart are neighbours."""
    pairs = blocks.neighbours(plots, walls, join_m=20, cut_m=1)
    return blocks.grouped(plots, pairs, least_m2=least * HA, most_m2=most * HA)


def sets(said: pd.DataFrame, column: str = "block_id") -> list[str]:
    """The plots of each block as a word, in the order of the blocks' names."""
    return ["".join(sorted(rows)) for rows in said.groupby(column).groups.values()]


def test_plots_side_by_side_are_a_block_and_a_small_group_stays_on_the_list() -> None:
    """a, b, c hold 2 + 2 + 1 = 5 ha; d and e, a cell away, 3 ha: with 4 ha as the least they are single plots and not lost."""
    plots = town("aab.dd", "c.b.e.")
    said = placed(plots, least=4)
    assert sets(said) == ["abc"]
    assert said.loc[["d", "e"], "placed"].tolist() == ["single plot"] * 2
    assert said["ground_m2"].tolist() == [5 * HA] * 3 + [3 * HA] * 2
    assert sets(placed(plots, least=3)) == ["abc", "de"]


def test_a_wall_parts_neighbours_and_half_a_wall_does_not() -> None:
    """Between a and b a wall from end to end, 50 m over on both sides, parts them; one along half of their boundary does not."""
    plots = town("aabb")
    assert sets(placed(plots, lines([(200, -50), (200, 150)]))) == ["a", "b"]
    assert sets(placed(plots, lines([(200, 50), (200, 150)]))) == ["ab"]


def test_a_wall_drawn_a_step_inside_its_plot_still_parts() -> None:
    """The wall around a runs 1.5 m inside of a's boundary: a is shut in, though the two plots touch."""
    ring = [(1.5, 1.5), (198.5, 1.5), (198.5, 98.5), (1.5, 98.5), (1.5, 1.5)]
    assert sets(placed(town("aabb"), lines(ring))) == ["a", "b"]


def test_a_main_road_between_two_plots_parts_them_and_a_lane_does_not() -> None:
    """a and b lie 15 m apart: neighbours across a lane, not across the main road in it. 25 m apart they never are."""
    near = gpd.GeoDataFrame(geometry=[box(0, 0, 200, 100), box(215, 0, 415, 100)], index=["a", "b"], crs=4547)
    assert sets(placed(near)) == ["ab"]
    assert sets(placed(near, lines([(207, -500), (207, 500)]))) == ["a", "b"]
    far = near.set_geometry([box(0, 0, 200, 100), box(225, 0, 425, 100)])
    assert sets(placed(far)) == ["a", "b"]


def test_a_way_around_a_wall_through_other_plots_makes_a_group() -> None:
    """A wall parts a and b and ends 20 m inside of c below, beyond the 10 m that count as a way around it: only c joins them."""
    plots = town("ab", "cc")
    wall = lines([(100, 80), (100, 300)])
    assert sets(placed(plots, wall)) == ["abc"]
    pairs = blocks.neighbours(plots, wall, join_m=20, cut_m=1)
    assert pairs[["one", "other"]].values.tolist() == [["a", "c"], ["b", "c"]]


def test_a_wall_through_a_plot_leaves_it_where_most_of_it_lies() -> None:
    """The wall at x = 170 cuts b (100 to 200 m) 69 to 29 m, its own two metres aside: b belongs to a, not to c, and 29/98 lie beyond."""
    plots = town("abc")
    wall = lines([(170, -50), (170, 150)])
    assert sets(placed(plots, wall), "cluster") == ["ab", "c"]
    assert blocks.sides(plots, wall, cut_m=1)["beyond_share"].tolist() == pytest.approx([0, 29 / 98, 0])


def test_a_plot_in_two_parts_joins_by_its_main_part_only() -> None:
    """a has 2 ha in the west and 1 ha 200 m to the east beside b: b is no neighbour of its main part, c is; a third of a lies apart."""
    plots = town("caa..abb")
    said = placed(plots, least=2)
    assert sets(said) == ["ac", "b"]
    assert blocks.sides(plots, None, cut_m=1).loc["a", "beyond_share"] == pytest.approx(1 / 3)


def test_a_group_that_is_too_large_is_cut_in_halves() -> None:
    """Six hectares in a row with 4 ha as the most: three and three. With 2.5 ha as the most each half is cut again, 2 + 1: two plots are left over."""
    said = placed(town("abcdef"), most=4)
    assert sets(said) == ["abc", "def"]
    assert said["pieces"].tolist() == [2] * 6
    assert said["cluster"].tolist() == ["G001"] * 6
    smaller = placed(town("abcdef"), most=2.5)
    assert smaller["placed"].value_counts().to_dict() == {"block": 4, "cut off": 2}
    assert smaller.groupby("block_id")["ground_m2"].first().tolist() == [2 * HA] * 2


def test_of_two_equal_cuts_the_looser_link_goes() -> None:
    """Five plots in a row, 2 + 3 or 3 + 2: the lane of 10 m between b and c decides, wherever it lies."""
    for lane, sides in ((2, ["cde", "ab"]), (3, ["abc", "de"])):
        shapes = [box(100 * i + 10 * (i >= lane), 0, 100 * i + 100 + 10 * (i >= lane), 100) for i in range(5)]
        plots = gpd.GeoDataFrame(geometry=shapes, index=list("abcde"), crs=4547)
        assert sets(placed(plots, most=4)) == sides


def test_what_a_cut_leaves_too_small_is_said_to_be_cut_off() -> None:
    """h of 4 ha has three neighbours of 1 ha each and at most 5 ha may be a block: two of them are cut off, and listed."""
    plots = town(".a..", "hhhh", ".b.c")
    said = placed(plots, most=5)
    assert said["placed"].value_counts().to_dict() == {"block": 2, "cut off": 2}
    assert said.loc["h", "ground_m2"] == 5 * HA
    assert said["cluster_m2"].tolist() == [7 * HA] * 4


def test_a_plot_larger_than_the_most_is_listed_and_no_block() -> None:
    """h of 4 ha alone exceeds 3 ha: it is never cut and too large for a block; its neighbour of 2 ha is one, the contiguous group 6 ha."""
    said = placed(town("hhhhaa"), most=3)
    assert sets(said) == ["a"]
    assert said["placed"].to_dict() == {"a": "block", "h": "too large"}
    assert said["ground_m2"].tolist() == [2 * HA, 4 * HA]
    assert said["cluster_m2"].tolist() == [6 * HA] * 2
    assert sets(placed(town("aahhhhbb"), most=4.5, least=4)) == ["h"]
    assert sets(placed(town("aahhhhbb"), most=3.5, least=2)) == ["a", "b"]


def test_ground_under_two_plots_counts_once() -> None:
    """Two plots drawn on the same 3 ha are 3 ha of ground, not 6: no block of at least 4 ha."""
    plots = gpd.GeoDataFrame(geometry=[box(0, 0, 300, 100)] * 2, index=["a", "b"], crs=4547)
    said = placed(plots, least=4)
    assert said["placed"].tolist() == ["single plot"] * 2
    assert said["ground_m2"].tolist() == [3 * HA] * 2
    drawn = blocks.drawn(plots, placed(plots, least=3), None, join_m=20, cut_m=1)
    assert drawn[["plots", "plots_m2", "outline_m2"]].values.tolist() == [[2, 3 * HA, 3 * HA]]


@pytest.mark.parametrize("rows", [[], ["a"], [".", "a"]])
def test_no_candidate_and_one_candidate_are_no_error(rows: list[str]) -> None:
    """Without plots there are no blocks; one plot of a hectare is a block where 1 ha is enough, else a single plot."""
    plots = town(*rows) if rows else gpd.GeoDataFrame(geometry=[], crs=4547)
    for walls in (None, lines(), lines([(50, -10), (50, 300)])):
        said = placed(plots, walls)
        assert said["placed"].tolist() == ["single plot"] * len(plots)
        assert not len(blocks.drawn(plots, said, walls, join_m=20, cut_m=1))
        assert said["block_id"].isna().all()
    if rows:
        assert sets(placed(plots, least=1)) == ["a"]


def test_a_plot_without_ground_joins_and_weighs_nothing() -> None:
    """An asset that is a point 5 m from a belongs to a's block and adds no ground."""
    plots = gpd.GeoDataFrame(geometry=[box(0, 0, 200, 100), Point(205, 50)], index=["a", "p"], crs=4547)
    said = placed(plots)
    assert sets(said) == ["ap"]
    assert said["ground_m2"].tolist() == [2 * HA] * 2


def test_a_plot_that_lies_in_the_wall_is_alone() -> None:
    """A strip of 1 m under a wall has no main part: it joins nothing and is listed."""
    plots = gpd.GeoDataFrame(geometry=[box(0, 0, 200, 100), box(200, 0, 201, 100)], index=["a", "s"], crs=4547)
    said = placed(plots, lines([(200.5, -50), (200.5, 150)]))
    assert sets(said, "cluster") == ["a", "s"]


@pytest.mark.parametrize(("join_m", "cut_m"), [(0, 1), (20, 0), (np.nan, 1)])
def test_lengths_that_are_none_are_refused(join_m: float, cut_m: float) -> None:
    """A width of nothing, or of nobody knows, is named."""
    with pytest.raises(ValueError, match="lengths above 0"):
        blocks.neighbours(town("ab"), None, join_m=join_m, cut_m=cut_m)


def test_sizes_that_leave_nothing_and_names_given_twice_are_refused() -> None:
    """At least 5 and at most 4 ha is no size, and two plots called a are no plots."""
    plots = town("ab")
    pairs = blocks.neighbours(plots, None, join_m=20, cut_m=1)
    with pytest.raises(ValueError, match="cannot be"):
        blocks.grouped(plots, pairs, least_m2=5, most_m2=4)
    with pytest.raises(ValueError, match="repeated"):
        blocks.grouped(plots.set_index(pd.Index(["a", "a"])), pairs, least_m2=1, most_m2=4)
    with pytest.raises(ValueError, match="not in the frame"):
        blocks.grouped(plots.iloc[:1], pairs, least_m2=1, most_m2=4)


def test_the_outline_takes_in_the_lane_but_not_what_lies_beyond_a_wall() -> None:
    """Two plots of 200 by 100 m with a lane of 15 m: outline 415 by 100 m. A wall along the north of both changes nothing."""
    plots = gpd.GeoDataFrame(geometry=[box(0, 0, 200, 100), box(215, 0, 415, 100)], index=["a", "b"], crs=4547)
    for walls in (None, lines([(-50, 102), (500, 102)])):
        drawn = blocks.drawn(plots, placed(plots, walls), walls, join_m=20, cut_m=1)
        assert drawn["outline_m2"].tolist() == pytest.approx([41_500], abs=1)
        assert drawn.geometry.iloc[0].geom_type == "Polygon"


def test_points_are_counted_in_the_outline_and_once() -> None:
    """In the lane between the plots of one block: inside. On the border of two blocks: in the first. Outside: missing."""
    areas = gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10)], index=["B001", "B002"], crs=4547)
    points = gpd.GeoDataFrame(geometry=[Point(5, 5), Point(10, 5), Point(15, 5), Point(30, 5)], crs=4547)
    said = blocks.inside(points, areas)
    assert said.fillna("none").tolist() == ["B001", "B001", "B002", "none"]


def test_a_project_counts_in_each_block_by_its_ground() -> None:
    """A project over 10 by 10 m, three quarters in A, a quarter in B, tears down 100 m²: 75 and 25; one outside and one that touches: none."""
    areas = gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10)], index=["A", "B"], crs=4547)
    projects = gpd.GeoDataFrame(
        {"demolished_m2": [100.0, 7.0, 7.0], "built_m2": [np.nan, 7.0, 7.0]},
        geometry=[box(2.5, 0, 12.5, 10), box(50, 0, 60, 10), box(20, 0, 30, 10)],
        index=["p", "q", "r"],
        crs=4547,
    )
    said = blocks.works(projects, areas)
    assert said[["block", "project", "demolished_floor_area_m2"]].values.tolist() == [
        ["A", "p", 75.0],
        ["B", "p", 25.0],
    ]
    assert said["new_floor_area_m2"].isna().all()


@st.composite
def drawings(draw: st.DrawFn) -> tuple[gpd.GeoDataFrame, gpd.GeoSeries, set[tuple[str, str]]]:
    """Cells of a hectare in a 5 × 5 square, walls on lattice edges, and the pairs of cells that a wall parts."""
    cells = draw(st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
    right = {(x, y, x + 1, y) for x, y in cells if (x + 1, y) in cells}
    up = {(x, y, x, y + 1) for x, y in cells if (x, y + 1) in cells}
    walled = draw(st.sets(st.sampled_from(sorted(right | up)))) if right | up else set()
    order = draw(st.permutations(sorted(cells)))
    plots = gpd.GeoDataFrame(
        geometry=[box(100 * x, 100 * y, 100 * x + 90, 100 * y + 90) for x, y in order],
        index=[f"{x}{y}" for x, y in order],
        crs=4547,
    )
    walls = lines(
        *(
            [(100 * x2 - 5, 100 * y - 25), (100 * x2 - 5, 100 * y + 115)]
            if x2 > x
            else [(100 * x - 25, 100 * y2 - 5), (100 * x + 115, 100 * y2 - 5)]
            for x, y, x2, y2 in sorted(walled)
        )
    )
    return plots, walls, {(f"{x}{y}", f"{x2}{y2}") for x, y, x2, y2 in walled}


@settings(max_examples=60, deadline=None)
@given(drawings(), st.sampled_from([2, 3]), st.sampled_from([4, 7]))
def test_laws_of_blocks(
    drawing: tuple[gpd.GeoDataFrame, gpd.GeoSeries, set[tuple[str, str]]], least: int, most: int
) -> None:
    """Every plot is in one block or in the rest; a block has its size, is connected and crosses no wall; row order changes nothing.

    Cells are 90 m squares on a lattice of 100 m, so neighbours on it are 10 m apart and diagonal ones 14 m; the referee keeps
    what no wall of the lattice touches, and asks that a block hold together by it.
    """
    plots, walls, _ = drawing
    pairs = blocks.neighbours(plots, walls, join_m=12, cut_m=1)
    said = blocks.grouped(plots, pairs, least_m2=least * 8100, most_m2=most * 8100)
    assert said.index.equals(plots.index)
    assert (said["placed"] == "block").tolist() == said["block_id"].notna().tolist()
    sizes = said.groupby("block_id").size()
    assert sizes.between(least, most).all()
    for part, rows in said.groupby("cluster"):
        if rows["placed"].eq("single plot").any():
            assert len(rows) < least, part
    graph = nx.Graph(pairs[["one", "other"]].itertuples(index=False))
    graph.add_nodes_from(plots.index)
    middle = plots.centroid
    straight = [LineString([middle[a], middle[b]]) for a, b in graph.edges]
    assert not shapely.intersects(np.array(straight, dtype=object), shapely.union_all(walls.to_numpy())).any()
    assert sorted(map(sorted, nx.connected_components(graph))) == sorted(
        map(sorted, said.groupby("cluster").groups.values())
    )
    for rows in said.groupby("block_id").groups.values():
        assert nx.is_connected(graph.subgraph(rows))
    turned = plots.iloc[::-1]
    again = blocks.grouped(
        turned, blocks.neighbours(turned, walls, join_m=12, cut_m=1), least_m2=least * 8100, most_m2=most * 8100
    )
    pd.testing.assert_frame_equal(again.reindex(plots.index), said)
    drawn = blocks.drawn(plots, said, walls, join_m=12, cut_m=1)
    assert not drawn.geometry.intersects(shapely.union_all(walls.to_numpy())).any()
    assert drawn.geometry.area.sum() == pytest.approx(
        shapely.area(shapely.union_all(drawn.geometry.to_numpy())), abs=200
    )
    assert drawn["plots"].sum() == said["block_id"].notna().sum()
