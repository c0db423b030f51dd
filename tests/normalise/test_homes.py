"""Homes: where people live, how they are shared out, and which area each home belongs to."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from shapely import Point, box

from lifecircle import schema
from lifecircle.normalise import homes
from lifecircle.study import Raster

CRS_ = CRS(4547)
EAST, NORTH = 500_000.0, 4_000_000.0


def layer(name, shapes, ids=None, **columns):
    """A canonical table of the given shapes, whose coordinates count from EAST, NORTH."""
    moved = shapely.transform(np.array(shapes, dtype=object), lambda xy: xy + np.array([EAST, NORTH]))
    frame = gpd.GeoDataFrame(columns, geometry=moved, crs=CRS_)
    frame.index = [str(i) for i in range(len(frame))] if ids is None else ids
    return schema.conform(name, frame)


def grid(shapes, residents, **columns):
    """Population polygons."""
    moved = shapely.transform(np.array(shapes, dtype=object), lambda xy: xy + np.array([EAST, NORTH]))
    blank = {"elderly": np.nan, "children": np.nan}
    return gpd.GeoDataFrame({"residents": residents, **blank, **columns}, geometry=moved, crs=CRS_)


def house(x, y, size=10.0):
    """A square house around x, y."""
    return box(x - size / 2, y - size / 2, x + size / 2, y + size / 2)


def build(layers, population=None):
    """`homes.build` in English."""
    return homes.build(layers, population=population, crs=CRS_, language="en")


def codes(shared):
    """The notes: code to count."""
    return {code: count for code, count, _ in shared.notes}


def test_people_go_to_dwellings_by_floor_area():
    """A cell of 100 people with two houses of 10 × 10 m, one of one floor and one of three: 25 and 75. The cell beside
    it, half of which (10 of 20 people) is inside the area, has no house; the other half is outside."""
    buildings = layer(
        "buildings",
        [house(20, 50), house(60, 50)],
        use=["residential"] * 2,
        floor_area_m2=[100.0, 300.0],
    )
    areas = layer("areas", [box(0, 0, 150, 100)], level=["community"])
    shared = build(
        {"buildings": buildings, "areas": areas}, grid([box(0, 0, 100, 100), box(100, 0, 200, 100)], [100.0, 20.0])
    )
    assert shared.homes["residents"].tolist() == pytest.approx([25.0, 75.0])
    assert shared.people == pytest.approx(
        {"touching": 120.0, "allocated": 100.0, "outside": 10.0, "without_dwelling": 10.0}
    )
    assert shared.homes["building_id"].tolist() == ["0", "1"]


def test_a_raster_is_the_same_as_its_cells():
    """The same two cells as a raster, north row first, give the same people; a cell without data gives none."""
    buildings = layer(
        "buildings", [house(20, 50), house(160, 50)], use=["residential"] * 2, floor_area_m2=[100.0, 300.0]
    )
    areas = layer("areas", [box(0, 0, 300, 100)], level=["community"])
    raster = Raster(
        name="people.tif",
        values=np.array([[5.0, 5.0, 5.0], [100.0, 20.0, np.nan]]),  # the first row lies north of the area
        transform=(100.0, 0.0, EAST, 0.0, -100.0, NORTH + 200),
        crs=CRS_,
    )
    shared = build({"buildings": buildings, "areas": areas}, raster)
    assert shared.homes["residents"].tolist() == pytest.approx([100.0, 20.0])
    # the row to the north shares a line with the area and no ground
    assert shared.people == pytest.approx(
        {"touching": 120.0, "allocated": 120.0, "outside": 0.0, "without_dwelling": 0.0}
    )


def test_negative_people_are_no_data():
    """A raster whose undeclared no-data is -9999 does not take people away: the box around the two houses holds 55 % of
    the width and 10 % of the height of the first cell, and so of its 7 people."""
    buildings = layer("buildings", [house(50, 50), house(150, 50)], use=["residential"] * 2)
    raster = Raster(
        name="p", values=np.array([[7.0, -9999.0]]), transform=(100.0, 0.0, EAST, 0.0, -100.0, NORTH + 100), crs=CRS_
    )
    shared = build({"buildings": buildings}, raster)
    assert shared.homes["residents"].tolist()[0] == pytest.approx(7 * 0.55 * 0.1)
    assert np.isnan(shared.homes["residents"].iloc[1])
    assert codes(shared)["negative_people"] == 1


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.floats(1, 399), st.floats(1, 299), st.floats(1, 5000)), min_size=1, max_size=15),
    st.lists(st.floats(0, 1000), min_size=12, max_size=12),
    st.tuples(st.floats(0, 150), st.floats(0, 120), st.floats(200, 450), st.floats(150, 350)),
)
def test_no_person_is_lost_or_made(houses, people, bounds):
    """Wherever houses, cells and the study lie: touching = allocated + outside + without dwelling, and the homes hold
    just those allocated."""
    cells = [box(100 * (i % 4), 100 * (i // 4), 100 * (i % 4) + 100, 100 * (i // 4) + 100) for i in range(12)]
    given_homes = layer("homes", [Point(x, y) for x, y, _ in houses], dwellings=[w for _, _, w in houses])
    areas = layer("areas", [box(*bounds)], level=["community"])
    shared = build({"homes": given_homes, "areas": areas}, grid(cells, people))
    sums = shared.people
    assert sums["touching"] == pytest.approx(sums["allocated"] + sums["outside"] + sums["without_dwelling"])
    assert shared.homes["residents"].sum() == pytest.approx(sums["allocated"])
    assert (shared.homes["residents"].dropna() >= 0).all()


def test_elderly_are_shared_like_everybody():
    """Where the grid tells the elderly they follow the same weights."""
    buildings = layer(
        "buildings", [house(20, 50), house(60, 50)], use=["residential"] * 2, floor_area_m2=[100.0, 300.0]
    )
    cells = grid([box(0, 0, 100, 100)], [100.0]).assign(elderly=[20.0])
    areas = layer("areas", [box(0, 0, 100, 100)], level=["community"])
    found = build({"buildings": buildings, "areas": areas}, cells).homes
    assert found["elderly"].tolist() == pytest.approx([5.0, 15.0])
    assert found["children"].isna().all()


def test_a_home_on_a_shared_boundary_is_counted_once():
    """On the line between areas b and a the home belongs to a, the smaller number; inside b to b; outside both to none."""
    areas = layer("areas", [box(0, 0, 100, 100), box(100, 0, 200, 100)], ids=["b", "a"], level=["community"] * 2)
    points = [Point(100, 50), Point(20, 20), Point(300, 300)]
    shared = build({"homes": layer("homes", points, residents=[1.0, 2.0, 3.0]), "areas": areas})
    assert len(shared.homes) == 3
    assert shared.homes["area_id"].tolist()[:2] == ["a", "b"]
    assert shared.homes["area_id"].isna().tolist() == [False, False, True]
    assert codes(shared)["shared_boundary"] == 1
    assert codes(shared)["outside_areas"] == 1
    assert shared.people["allocated"] == 6.0


def test_homes_belong_to_the_finest_level():
    """Streets (街道) contain communities; a home belongs to its community."""
    areas = layer("areas", [box(0, 0, 200, 200), box(0, 0, 100, 100)], ids=["A", "B"], level=["street", "community"])
    shared = build({"homes": layer("homes", [Point(50, 50)], residents=[1.0]), "areas": areas})
    assert shared.homes["area_id"].tolist() == ["B"]


def test_only_lived_in_buildings_are_homes():
    """Where the use is recorded: a house, a mixed building and a school with two flats are homes; a factory, a vacant house
    and one building of unknown use are not."""
    uses = ["residential", "mixed", "school", "industrial", "residential", None]
    buildings = layer(
        "buildings",
        [house(20 * i, 0) for i in range(6)],
        use=uses,
        dwellings=[4.0, None, 2.0, None, 3.0, None],
        vacant=[None, None, None, None, True, None],
    )
    shared = build({"buildings": buildings})
    assert shared.homes["building_id"].tolist() == ["0", "1", "2"]
    assert shared.homes["dwellings"].tolist() == [4.0, 1.0, 2.0]
    assert codes(shared)["homes_vacant"] == 1
    assert shared.homes["residents"].isna().all()
    assert "no_residents" in codes(shared)


def test_buildings_of_unknown_use_where_most_are():
    """On a map that tells the use of one building in five, those of unknown use are taken as dwellings, and it is said."""
    buildings = layer("buildings", [house(20 * i, 0) for i in range(5)], use=["residential", None, None, None, None])
    shared = build({"buildings": buildings})
    assert len(shared.homes) == 5
    assert codes(shared)["homes_unknown_use"] == 4


def test_people_without_a_known_dwelling_live_in_what_may_be_one():
    """Use is recorded for most; in the cell that has only a building of unknown use its 30 people live there. In a cell
    that has a known house, and in one without people, the unknown building is none."""
    known = [house(10 + 5 * i, 5, 2) for i in range(6)]
    shapes = [house(50, 50), house(80, 50), house(150, 50), house(250, 50), *known]
    both = layer("buildings", shapes, use=["residential", None, None, None, *["office"] * 6])
    areas = layer("areas", [box(0, 0, 300, 100)], level=["town"])
    cells = grid([box(0, 0, 100, 100), box(100, 0, 200, 100), box(200, 0, 300, 100)], [60.0, 30.0, 0.0])
    shared = build({"buildings": both, "areas": areas}, cells)
    assert shared.homes["building_id"].tolist() == ["0", "2"]
    assert shared.homes["residents"].tolist() == pytest.approx([60.0, 30.0])


def test_points_of_population_are_homes():
    """Points with people (hexagon centres, addresses) are where they live, and all of them are counted."""
    points = grid([Point(0, 0), Point(50, 50)], [7.0, 0.0])
    shared = build({}, points)
    assert shared.homes["residents"].tolist() == [7.0, 0.0]
    assert shared.people["touching"] == 7.0


def test_cells_are_homes_where_nothing_else_is_known():
    """Without any dwelling the populated cells stand for homes, with the people of their part inside the study."""
    areas = layer("areas", [box(0, 0, 150, 100)], level=["town"])
    shared = build(
        {"areas": areas}, grid([box(0, 0, 100, 100), box(100, 0, 200, 100), box(0, 100, 9, 200)], [10.0, 20.0, 0.0])
    )
    assert shared.homes["residents"].tolist() == pytest.approx([10.0, 10.0])
    assert codes(shared)["homes_from_cells"] == 2


def test_a_place_without_people_or_buildings_has_no_homes():
    """None, and no sums."""
    shared = build({})
    assert shared.homes is None
    assert shared.people == {}


def test_the_order_of_rows_changes_nothing():
    """Buildings and cells in reverse give every home the same people."""
    buildings = layer(
        "buildings", [house(20, 50), house(60, 50), house(140, 20)], use=["residential"] * 3, floors=[1, 2, 3]
    )
    cells = grid([box(0, 0, 100, 100), box(100, 0, 200, 100)], [100.0, 20.0])
    one = build({"buildings": buildings}, cells).homes["residents"]
    other = build({"buildings": buildings.iloc[::-1]}, cells.iloc[::-1]).homes["residents"]
    np.testing.assert_allclose(one, other.reindex(one.index), rtol=1e-12)


def test_a_residential_building_without_a_dwelling_is_no_home_where_dwellings_are_counted():
    """Of three houses one counts 2 dwellings, one 0 and one none is known: the 0 is a wing. Where all say 0, all are homes."""
    shapes = [house(20, 50), house(60, 50), house(90, 50)]
    counted = layer("buildings", shapes, use=["residential"] * 3, dwellings=[2.0, 0.0, np.nan])
    shared = build({"buildings": counted})
    assert shared.homes["building_id"].tolist() == ["0", "2"]
    assert codes(shared)["homes_no_dwelling"] == 1
    silent = layer("buildings", shapes, use=["residential"] * 3, dwellings=[0.0, 0.0, 0.0])
    assert len(build({"buildings": silent}).homes) == 3


def test_homes_whose_residents_are_partly_known_are_told():
    """Five people in one home, nobody knows how many in two others: the sum is five, and the two are told."""
    given = layer("homes", [Point(0, 0), Point(9, 0), Point(18, 0)], residents=[5.0, np.nan, np.nan])
    out = homes.build({"homes": given}, population=None, crs=CRS_, language="en")
    assert out.people["allocated"] == 5.0
    assert ("residents_partly", 2, "residents of 2 homes not known, of the others known") in out.notes
    all_known = homes.build({"homes": given.assign(residents=1.0)}, population=None, crs=CRS_, language="en")
    assert [code for code, _, _ in all_known.notes] == []


def test_buildings_do_not_stand_in_for_homes_that_were_all_left_out():
    """A layer of homes of which no row is left gives no homes, though there is a residential building."""
    layers = {
        "homes": layer("homes", [Point(0, 0)]).iloc[:0],
        "buildings": layer("buildings", [house(0, 0)], use=["residential"]),
    }
    out = homes.build(layers, population=None, crs=CRS_, language="en")
    assert out.homes is None
    assert [code for code, _, _ in out.notes] == ["homes_none_left"]
