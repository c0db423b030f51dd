"""The lie of the land: heights between cells, Tobler's pace, what a way costs up and down, and what is wrong with a raster."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from lifecircle import load, network
from lifecircle.network import terrain
from lifecircle.study import Raster

METRES = CRS(4547)
NAN = float("nan")


def dem(values, *, cell=100.0, left=0.0, top=None, crs=METRES, **more):
    """A raster of square cells whose lower left corner is the origin unless said otherwise."""
    values = np.array(values, dtype=float)
    top = cell * len(values) if top is None else top
    return Raster(name="dem", values=values, transform=(cell, 0.0, left, 0.0, -cell, top), crs=crs, **more)


def ridge(slope, *, cells=21, cell=100.0):
    """A roof over x: rising by `slope` to the middle cell, falling after it; its first cell centre lies at x = cell / 2, height 0."""
    there = np.minimum(np.arange(cells), np.arange(cells)[::-1]) * cell * slope
    return dem(np.tile(there, (3, 1)), cell=cell)


def polylines(*lines):
    """Polylines as (xy, along, edge_start)."""
    parts = [np.asarray(line, dtype=float) for line in lines]
    along = [np.append(0.0, np.cumsum(np.hypot(*np.diff(part, axis=0).T))) for part in parts]
    return np.concatenate(parts), np.concatenate(along), np.append(0, np.cumsum([len(part) for part in parts]))


def tobler(slope):
    """Flat metres a metre at a slope, by the quotient of the two speeds in km/h."""
    return (6 * math.exp(-3.5 * 0.05)) / (6 * math.exp(-3.5 * abs(slope + 0.05)))


# ------------------------------------------------------------------------------------------------------------ heights

number = st.floats(-2, 2)


@given(number, number, st.floats(1000, 2000), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1))
def test_a_plane_is_read_exactly(p, q, r, spots):
    """On z = p·x + q·y + r, in cells turned and skewed against the axes, the height of any point among the centres is z."""
    transform = (20.0, 5.0, 100.0, -4.0, -30.0, 200.0)
    a, b, c, d, e, f = transform
    rows, cols = np.mgrid[0:6, 0:9] + 0.5
    x, y = a * cols + b * rows + c, d * cols + e * rows + f
    raster = Raster(name="", values=p * x + q * y + r, transform=transform, crs=METRES)
    col, row = np.array([(0.5 + 8 * u, 0.5 + 5 * v) for u, v in spots]).T
    xy = np.stack([a * col + b * row + c, d * col + e * row + f], axis=1)
    expected = p * xy[:, 0] + q * xy[:, 1] + r
    np.testing.assert_allclose(terrain.heights(raster, xy), expected, rtol=0, atol=1e-7)


def test_centres_have_the_value_of_their_cell_and_the_rim_none():
    """At each cell centre the height is the cell's; half a cell outside the outermost centres, and beyond, there is none."""
    values = np.arange(12.0).reshape(3, 4) ** 2
    raster = dem(values, cell=10, left=200)
    x, y = np.meshgrid(205 + 10 * np.arange(4), 25 - 10 * np.arange(3))
    np.testing.assert_allclose(terrain.heights(raster, np.stack([x.ravel(), y.ravel()], axis=1)), values.ravel())
    outside = np.array([[204, 15], [236, 15], [220, 26], [220, 4], [0, 0], [1e9, 1e9], [NAN, 15], [np.inf, 15]])
    assert np.isnan(terrain.heights(raster, outside)).all()


def test_a_hole_takes_the_four_squares_around_it():
    """A cell without data leaves no height in the squares of centres that touch it, and changes none elsewhere."""
    values = np.full((4, 4), 7.0)
    values[1, 1] = NAN
    got = terrain.heights(
        dem(values, cell=10), np.array([[12, 27], [18, 22], [8, 33], [22, 18], [27, 27], [27, 12], [12, 12]])
    )
    assert np.isnan(got).tolist() == [True, True, True, True, False, False, False]
    assert set(got[4:]) == {7.0}


def test_a_raster_of_one_row_has_no_four_cells():
    """Nothing can be interpolated in a single row of cells."""
    assert np.isnan(terrain.heights(dem([[1, 2, 3]]), np.array([[150.0, 50.0]]))).all()


def test_points_are_brought_into_the_raster_east_first():
    """A raster in degrees whose height is 1000 × (longitude − 114) is read through metres of a system that lists northing first."""
    lon = 114 + (np.arange(20) + 0.5) / 1000
    raster = dem(np.tile(1000 * (lon - 114), (20, 1)), cell=1 / 1000, left=114, top=37.62, crs=CRS(4326))
    spots = np.array([[114.004, 37.61], [114.013, 37.605]])
    x, y = Transformer.from_crs(4326, METRES, always_xy=True).transform(*spots.T)
    got = terrain.heights(raster, np.stack([x, y], axis=1), crs=METRES)
    np.testing.assert_allclose(got, [4, 13], atol=1e-6)
    assert np.isnan(terrain.heights(raster, np.stack([y, x], axis=1), crs=METRES)).all()


def test_heights_want_pairs_of_coordinates():
    """Coordinates of another shape are refused by their shape."""
    with pytest.raises(ValueError, match=r"n × 2 coordinates, not of shape \(3, 3\)"):
        terrain.heights(dem(np.zeros((2, 2))), np.zeros((3, 3)))


def test_what_cannot_be_a_height_is_none():
    """Undeclared no-data, and cells of a byte raster at 255, leave no height around them; 255 m in a raster of floats is one."""
    spot = np.array([[150.0, 150.0]])
    for bad in (-32768.0, 1e20, -501.0, 9001.0):
        assert np.isnan(terrain.heights(dem([[bad, 3], [3, 3]]), np.array([[100.0, 100.0]]))).all()
    full = [[255, 255], [255, 255]]
    assert np.isnan(terrain.heights(dem(full, dtype="uint8"), spot)).all()
    assert terrain.heights(dem(full, dtype="float32"), spot).tolist() == [255]
    assert terrain.heights(dem(full), spot).tolist() == [255]


# --------------------------------------------------------------------------------------------------------------- pace


def test_pace_by_hand():
    """Level 1; fastest at −5 %, exp(−0.175) = 0.8395; −10 % as level; +10 % exp(0.35) = 1.4191; unknown stays unknown."""
    got = terrain.pace(np.array([0, -0.05, -0.1, 0.1, NAN]))
    np.testing.assert_allclose(got, [1, 0.839457, 1, 1.419068, NAN], atol=1e-6)
    assert got[0] == 1
    slopes = np.linspace(-1, 1, 2001)
    assert slopes[np.argmin(terrain.pace(slopes))] == pytest.approx(-0.05)
    # 6 km/h at the best slope, 5.04 km/h on the flat, as published
    assert 6 * math.exp(-3.5 * 0.05) / terrain.pace(np.array([-0.05]))[0] == pytest.approx(6)


# ------------------------------------------------------------------------------------------------------------ profile


def test_one_even_slope():
    """Up 8 % a straight way costs its length by the pace of +8 %, down by that of −8 %, at each of its vertices."""
    x = np.arange(12)
    raster = dem(np.tile(8.0 * x, (3, 1)))
    line = [(100, 150), (103, 150), (350, 150), (777, 150), (1000, 150)]
    got = terrain.profile(*polylines(line), raster=raster)
    along = np.array([0, 3, 250, 677, 900])
    np.testing.assert_allclose(got.forth, along * tobler(0.08), rtol=1e-12)
    np.testing.assert_allclose(got.back, along * tobler(-0.08), rtol=1e-12)
    np.testing.assert_allclose(got.steepest, [0.08], rtol=1e-9)
    assert got.unknown_share == 0


def test_a_hill_between_two_far_nodes_is_not_missed():
    """Over a ridge of 10 % both ways cost half their length up and half down, though both ends are level with each other."""
    got = terrain.profile(*polylines([(50, 150), (2050, 150)]), raster=ridge(0.1))
    both = 1000 * tobler(0.1) + 1000 * tobler(-0.1)
    np.testing.assert_allclose([got.forth[-1], got.back[-1]], [both, both], rtol=1e-12)
    np.testing.assert_allclose(got.steepest, [0.1], rtol=1e-9)
    over = terrain.profile(*polylines([(50, 150), (1050, 150), (2050, 150)]), raster=ridge(0.1))
    np.testing.assert_allclose(over.forth, [0, 1000 * tobler(0.1), both], rtol=1e-12)
    np.testing.assert_allclose(over.back, [0, 1000 * tobler(-0.1), both], rtol=1e-12)


def test_slopes_are_measured_over_a_step():
    """A way of 250 m drawn in pieces of 2 m over cells of 100 m has two sections of 125 m, whose slopes are those of the ground."""
    bump = dem(np.tile([0, 0, 20, 0, 0, 0], (3, 1)))  # 20 m at x = 250, straight down to 0 at 150 and 350
    line = [(x, 150) for x in range(150, 401, 2)]
    got = terrain.profile(*polylines(line), raster=bump)
    # heights at 150, 275 and 400: 0, 15, 0
    assert got.steepest.tolist() == pytest.approx([15 / 125])
    assert got.forth[-1] == pytest.approx(125 * tobler(0.12) + 125 * tobler(-0.12))
    fine = terrain.profile(*polylines(line), raster=bump, step_m=50)
    assert fine.steepest.tolist() == pytest.approx([10 / 50])  # 150, 200, 250, 300, 350, 400: 0, 10, 20, 10, 0, 0
    assert fine.forth[-1] == pytest.approx(100 * tobler(0.2) + 100 * tobler(-0.2) + 50)
    with pytest.raises(ValueError, match="step_m must be a length above 0 m, not 0"):
        terrain.profile(*polylines(line), raster=bump, step_m=0)


def test_unknown_ground_is_flat_and_counted():
    """Where one end of a section has no height it is walked as level; the share of such metres is told, and the slope is not known."""
    values = np.tile(10.0 * np.arange(10), (3, 1))
    values[:, 6:] = NAN
    # the last square of centres without a hole ends before x = 550: sections 50–150 … 350–450 are known, 450–550 … 850–950 not
    got = terrain.profile(*polylines([(50, 150), (950, 150)], [(700, 150), (800, 150)]), raster=dem(values))
    assert got.forth[1] == pytest.approx(400 * tobler(0.1) + 500)
    assert got.back[1] == pytest.approx(400 * tobler(-0.1) + 500)
    assert got.unknown_m.tolist() == pytest.approx([500, 100])
    assert got.unknown_share == pytest.approx(0.6)
    assert got.steepest[0] == pytest.approx(0.1)
    assert np.isnan(got.steepest[1])
    assert got.forth[3] == got.back[3] == 100


corner = st.tuples(st.floats(20, 480), st.floats(20, 480))
line = st.lists(corner, min_size=2, max_size=6, unique=True).filter(lambda p: math.dist(p[0], p[1]) > 1e-3)
lines = st.lists(line, min_size=1, max_size=5)
grounds = st.lists(st.one_of(st.floats(-50, 50), st.just(NAN)), min_size=36, max_size=36)


@given(lines, st.floats(-400, 8000), st.floats(5, 300))
def test_level_ground_costs_exactly_its_length(drawn, height, step):
    """On a level raster both ways cost the metres along the edge to the last bit, and no slope is anything but 0."""
    xy, along, edge_start = polylines(*drawn)
    raster = dem(np.full((6, 6), height), left=-50, top=550)
    got = terrain.profile(xy, along, edge_start, raster=raster, step_m=step)
    assert np.array_equal(got.forth, along)
    assert np.array_equal(got.back, along)
    assert not got.steepest.any()
    assert got.unknown_share == 0


@given(lines, grounds, st.floats(5, 300))
def test_drawn_the_other_way_forth_and_back_change_places(drawn, ground, step):
    """A street drawn from its other end costs the same from any vertex to any other, whatever the ground."""
    raster = dem(np.array(ground).reshape(6, 6), left=-50, top=550)
    there = terrain.profile(*polylines(*drawn), raster=raster, step_m=step)
    turned = terrain.profile(*polylines(*(way[::-1] for way in drawn)), raster=raster, step_m=step)
    np.testing.assert_allclose(turned.steepest, there.steepest, atol=1e-9)
    np.testing.assert_allclose(turned.unknown_m, there.unknown_m, atol=1e-9)
    starts = polylines(*drawn)[2]
    for low, high in pairwise(starts):
        forth, back = there.forth[low:high], there.back[low:high]
        scale = 1e-9 * max(forth[-1], back[-1])
        np.testing.assert_allclose(turned.forth[low:high], (back[-1] - back)[::-1], rtol=0, atol=scale)
        np.testing.assert_allclose(turned.back[low:high], (forth[-1] - forth)[::-1], rtol=0, atol=scale)
        assert (np.diff(forth) >= 0).all()


def test_the_last_vertex_of_one_edge_says_nothing_of_the_next():
    """Costs of many edges at once are those of each alone."""
    raster = ridge(0.1)
    ways = [[(60, 150), (333, 140), (900, 150)], [(900, 150), (901, 150)], [(1900, 110), (1100, 190)]]
    got = terrain.profile(*polylines(*ways), raster=raster)
    alone = [terrain.profile(*polylines(way), raster=raster) for way in ways]
    for name in ("forth", "back", "steepest", "unknown_m"):
        assert np.array_equal(getattr(got, name), np.concatenate([getattr(one, name) for one in alone]))


def test_an_edge_without_length_costs_nothing():
    """A way of no length costs nothing, has no slope and spoils no other."""
    got = terrain.profile(np.full((2, 2), 150.0), np.zeros(2), np.array([0, 2]), raster=ridge(0.1))
    assert got.forth.tolist() == got.back.tolist() == [0, 0]
    assert np.isnan(got.steepest).all()
    assert np.isnan(got.unknown_share)


# ------------------------------------------------------------------------------------------------- bridges and tunnels


def test_a_bridge_does_not_go_down_into_the_valley():
    """Across a valley 100 m deep a bridge between level banks costs its length, the path beside it goes down and up."""
    valley = ridge(0.1)
    valley = dem(100 - valley.values)
    way = [(50, 150), (2050, 150)]
    got = terrain.profile(*polylines(way, way), raster=valley, straight=np.array([True, False]))
    assert got.forth[:2].tolist() == got.back[:2].tolist() == [0, 2000]
    assert got.steepest.tolist() == pytest.approx([0, 0.1])
    assert got.forth[3] == pytest.approx(1000 * tobler(0.1) + 1000 * tobler(-0.1))


def test_a_tunnel_rises_evenly_between_its_mouths():
    """From 0 m to 50 m over 1500 m a tunnel rises 1 in 30 whatever lies above it."""
    got = terrain.profile(
        *polylines([(50, 150), (950, 150), (1550, 150)]), raster=ridge(0.1), straight=np.array([True])
    )
    assert got.forth.tolist() == pytest.approx([0, 900 * tobler(1 / 30), 1500 * tobler(1 / 30)])
    assert got.back[-1] == pytest.approx(1500 * tobler(-1 / 30))


def test_bridges_in_a_row_are_one_bridge():
    """Piers are not on the ground: three bridges in a row run evenly from bank to bank, if the nodes between join nothing else."""
    ways = [[(50, 150), (350, 150)], [(750, 150), (350, 150)], [(750, 150), (1550, 150)], [(1550, 150), (1750, 150)]]
    ends = (np.array([0, 2, 2, 3]), np.array([1, 1, 3, 4]))
    straight = np.array([True, True, True, False])
    arrays = polylines(*ways)
    got = terrain.profile(*arrays, raster=ridge(0.1), straight=straight, ends=ends)
    # the ridge has 0 m at x = 50 and 50 m at x = 1550
    assert got.steepest.tolist() == pytest.approx([1 / 30, 1 / 30, 1 / 30, 0.1])
    assert got.forth[1] == pytest.approx(300 * tobler(1 / 30))
    assert got.forth[3] == pytest.approx(400 * tobler(-1 / 30))
    # stairs from the ground up to the second pier hold it at the ground's height
    stairs = polylines(*ways, [(750, 150), (750, 190)])
    held = (np.append(ends[0], 2), np.append(ends[1], 5))
    got = terrain.profile(*stairs, raster=ridge(0.1), straight=np.append(straight, False), ends=held)
    assert got.steepest[:3].tolist() == pytest.approx([0.1, 0.1, 20 / 800])
    alone = terrain.profile(*arrays, raster=ridge(0.1), straight=straight)
    assert alone.steepest.tolist() == pytest.approx([0.1, 0.1, 20 / 800, 0.1])


def test_a_star_of_bridges_hangs_between_its_banks():
    """A node where three bridges meet has the mean of their banks by nearness: 0, 30 and 60 m at 100, 200 and 400 m give 120/7 m."""
    raster = dem(np.tile(0.1 * (100 * np.arange(12) + 50), (12, 1)))  # the height is a tenth of x
    banks = [(60.0, 600.0), (360.0, 600.0), (660.0, 600.0)]
    ways = [[bank, (500.0, 500.0)] for bank in banks]
    xy, _, edge_start = polylines(*ways)
    along = np.array([0, 100.0, 0, 200.0, 0, 400.0])
    ends = (np.array([0, 1, 2]), np.array([3, 3, 3]))
    got = terrain.profile(xy, along, edge_start, raster=raster, straight=np.ones(3, bool), ends=ends)
    z = 6 + (0 / 100 + 30 / 200 + 60 / 400) / (1 / 100 + 1 / 200 + 1 / 400)
    expected = np.abs((z - np.array([6, 36, 66])) / np.array([100, 200, 400]))
    np.testing.assert_allclose(got.steepest, expected, rtol=1e-9)


def test_many_bridges_agree_with_a_dense_solution():
    """The heights that a net of bridges carries are those of the linear equations solved by numpy, its free group having none."""
    rng = np.random.default_rng(3)
    nodes = 40
    place = rng.uniform(100, 1900, (nodes, 2))
    u, v = (
        np.concatenate([np.arange(29), rng.integers(0, 30, 30)]),
        np.concatenate([np.arange(1, 30), rng.integers(0, 30, 30)]),
    )
    u, v = u[u != v], v[u != v]
    # a ring that meets nothing: 30 … 33
    u, v = np.append(u, [30, 31, 32, 33]), np.append(v, [31, 32, 33, 30])
    straight = np.ones(len(u), bool)
    u, v, straight = np.append(u, [3, 17]), np.append(v, [34, 35]), np.append(straight, [False, False])
    xy, along, edge_start = polylines(*np.stack([place[u], place[v]], axis=1))
    values = rng.uniform(0, 300, (20, 20))
    raster = dem(values)
    got = terrain.profile(xy, along, edge_start, raster=raster, straight=straight, ends=(u, v), step_m=5000)
    length = along[1::2]
    ground = terrain.heights(raster, place)
    fixed = np.bincount(np.append(u[straight], v[straight]), minlength=nodes) <= 1
    fixed[[3, 17, 34, 35]] = True
    matrix, right = np.zeros((30, 30)), np.zeros(30)
    for a, b, m in zip(u[straight], v[straight], length[straight], strict=True):
        if a < 30:
            matrix[[a, b], [a, b]] += 1 / m
            matrix[[a, b], [b, a]] -= 1 / m
    rows = np.flatnonzero(fixed[:30])
    matrix[rows], right[rows] = np.eye(30)[rows], ground[:30][rows]
    z = np.append(np.linalg.solve(matrix, right), [NAN] * 4)
    z = np.append(z, ground[34:])
    np.testing.assert_allclose(got.steepest, np.abs(z[v] - z[u]) / length, rtol=1e-7, atol=1e-10)
    ring = slice(-6, -2)
    assert np.isnan(got.steepest[ring]).all()
    np.testing.assert_allclose(got.unknown_m[ring], length[ring])
    assert not got.unknown_m[: len(u) - 6].any()


def test_a_bank_of_unknown_height_holds_up_nothing():
    """Of two bridges in a row the one whose bank has no height is of unknown slope; the node between takes the other bank's height."""
    values = np.tile(10.0 * np.arange(12), (3, 1))
    values[:, 9:] = NAN
    ways = [[(150, 150), (450, 150)], [(450, 150), (1050, 150)]]
    ends = (np.array([0, 1]), np.array([1, 2]))
    got = terrain.profile(*polylines(*ways), raster=dem(values), straight=np.array([True, True]), ends=ends)
    assert got.steepest[0] == pytest.approx(0)
    assert np.isnan(got.steepest[1])
    assert got.unknown_m.tolist() == pytest.approx([0, 600])


# ------------------------------------------------------------------------------------------------------------- faults


def test_cells_are_measured_on_the_ground():
    """30 m are 30 m; 3″ at 42.5° N are 92.6 m north and 68.5 m east; a Mercator metre at 60° N is half a metre."""
    assert terrain.pixel_m(dem(np.zeros((2, 2)), cell=30, left=500_000, top=4_000_000)) == pytest.approx(30, rel=1e-3)
    assert terrain.pixel_m(dem(np.zeros((2, 2)), cell=1 / 1200, left=1, top=42.5, crs=CRS(4326))) == pytest.approx(
        92.6, abs=0.1
    )
    north = Transformer.from_crs(4326, 3857, always_xy=True).transform(10, 60)[1]
    assert terrain.pixel_m(dem(np.zeros((2, 2)), top=north, crs=CRS(3857))) == pytest.approx(50, rel=0.01)


def found(raster):
    """The faults of a raster as tuples without the numbers that are not known."""
    return [(one.code, one.count, round(one.share, 4), one.value) for one in terrain.faults(raster)]


FINE = [[1.0, 2.0], [3.0, NAN]]


@pytest.mark.parametrize(
    ("values", "more", "expected"),
    [
        (FINE, {}, []),
        (FINE, {"dtype": "int16", "nodata": -1.0}, []),
        ([[1, 254]], {"dtype": "uint8", "nodata": 0.0}, []),
        ([[1, 255, 255, 4]], {"dtype": "uint8", "nodata": 0.0}, [("dem_saturated", 2, 0.5, 255.0)]),
        ([[1, 255]], {"dtype": "float32", "nodata": 0.0}, []),
        ([[127, 3]], {"dtype": "int8", "nodata": 0.0}, [("dem_saturated", 1, 0.5, 127.0)]),
        ([[4, 4], [4, NAN]], {}, [("dem_constant", 3, 1.0, 4.0)]),
        ([[-9999, 10], [10, 20]], {}, [("dem_implausible", 1, 0.25, -9999.0)]),
        ([[-9999, 32767], [10, 20]], {}, [("dem_implausible", 2, 0.5, 32767.0)]),
        ([[1, 2]], {"cell": 60}, [("dem_coarse", 2, 1.0, 60.0)]),
        ([[0, 0]], {"cell": 60}, [("dem_constant", 2, 1.0, 0.0), ("dem_coarse", 2, 1.0, 60.0)]),
    ],
)
def test_faults_are_named_and_counted(values, more, expected):
    """Saturated, constant, implausible and coarse rasters are each named with the cells, their share and the value that shows it."""
    raster = dem(values, **{"cell": 10, "left": 500_000, "top": 4_000_000, **more})
    got = found(raster)
    assert [one[:3] for one in got] == [one[:3] for one in expected]
    assert [one[3] for one in got] == pytest.approx([one[3] for one in expected], rel=1e-3)


def test_missing_numbers_and_missing_declarations_are_faults():
    """No number at all is one fault and the only one; no declared no-data value is said only of what came from a file."""
    (empty,) = terrain.faults(dem([[NAN, NAN]], dtype="uint8"))
    assert (empty.code, empty.count) == ("dem_empty", 2)
    where = {"cell": 10, "left": 500_000, "top": 4_000_000}
    assert [one.code for one in terrain.faults(dem(FINE, dtype="int16", **where))] == ["dem_no_nodata"]
    assert terrain.faults(dem(FINE, **where)) == []


# ---------------------------------------------------------------------------------------------------------- real places


def test_heights_agree_with_a_referee_in_andorra(shared: Path):
    """Ten thousand points over SRTM have the heights that scipy's linear spline gives, and lie between those of Andorra."""
    from scipy.ndimage import map_coordinates

    raster = load.raster(shared / "andorra" / "N42E001.hgt.zip")
    assert [one.code for one in terrain.faults(raster)] == ["dem_coarse"]
    assert (raster.dtype, raster.nodata) == ("int16", -32768)
    lon, lat = np.random.default_rng(1).uniform([1.41, 42.43], [1.79, 42.65], (10_000, 2)).T
    got = terrain.heights(raster, np.stack([lon, lat], axis=1))
    # cell (0, 0) of an SRTM tile is a post at its north-western corner, 1 ° E 43 ° N, and posts are 3″ apart
    expected = map_coordinates(raster.values, [(43 - lat) * 1200, (lon - 1) * 1200], order=1)
    known = ~np.isnan(expected)
    np.testing.assert_allclose(got[known], expected[known], atol=1e-6)
    assert known.mean() > 0.9
    assert np.nanmin(got) > 700
    assert np.nanmax(got) < 2950


def test_streets_of_andorra_cost_more_up_than_down(shared: Path):
    """Most streets of a mountain country differ by over a tenth between their directions, and the 13 stairs are known as such."""
    raster = load.raster(shared / "andorra" / "N42E001.hgt.zip")
    streets = load.osm.osm(shared / "andorra" / "andorra.osm.pbf", "streets").to_crs(32631)
    assert (streets["class"] == "steps").sum() == 13
    streets.index = pd.Index(streets["osm_id"], name="street_id")
    streets["layer"] = pd.to_numeric(streets["layer"], errors="coerce")
    walk = network.build(streets)
    crossed = streets[["bridge", "tunnel"]].any(axis=1).to_numpy()
    crossed = crossed[streets.index.get_indexer(walk.street_ids)][walk.edge_street] & (walk.edge_street >= 0)
    got = terrain.profile(
        np.stack([walk.x, walk.y], axis=1) + walk.origin,
        walk.along,
        walk.edge_start,
        raster=raster,
        crs=streets.crs,
        straight=crossed,
        ends=(walk.edge_u, walk.edge_v),
    )
    ends = walk.edge_start[1:] - 1
    forth, back = got.forth[ends], got.back[ends]
    assert got.unknown_share < 0.01
    assert (np.maximum(forth, back) > 1.1 * np.minimum(forth, back)).mean() > 0.5
    # one street by hand: the longest between two vertices, cut into sections by eye of the published rule
    vertices = np.diff(walk.edge_start)
    e = int(np.argmax(np.where((vertices == 2) & ~crossed, walk.edge_m, 0)))
    a, b = (np.array([walk.x[i], walk.y[i]]) + walk.origin for i in (walk.edge_start[e], walk.edge_start[e + 1] - 1))
    parts = max(int(walk.edge_m[e] / terrain.pixel_m(raster)), 1)
    lon, lat = Transformer.from_crs(32631, 4326, always_xy=True).transform(*np.linspace(a, b, parts + 1).T)
    rows, cols = (43 - lat) * 1200, (lon - 1) * 1200
    z = []
    for row, col in zip(rows, cols, strict=True):
        i, j, s, t = int(row), int(col), row % 1, col % 1
        (nw, ne), (sw, se) = raster.values[i : i + 2, j : j + 2]
        z.append((1 - s) * ((1 - t) * nw + t * ne) + s * ((1 - t) * sw + t * se))
    piece = walk.edge_m[e] / parts
    expected = sum(piece * tobler(rise / piece) for rise in np.diff(z))
    assert forth[e] == pytest.approx(expected, rel=1e-6)
