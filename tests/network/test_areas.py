"""Service areas: the ground on which `minutes` says so, and nothing else."""

import numpy as np
import pytest
import shapely
from drawing import barriers, facilities, gates, points, streets
from hypothesis import given, settings
from hypothesis import strategies as st
from towns import ground, on_slopes, street_frames, walls

from lifecircle.network import areas, build, field, minutes, outlining

LANE = {"lane": [(-500, 0), (500, 0)]}


def area_of(walk, there, metres, **options):
    """The polygon of the ground within `metres` of facilities of one kind; a metre takes a second."""
    fields = field(walk, there, max_leg_m=options.get("max_leg_m"))
    return areas(walk, fields, limits_min=[metres / 60], speed_m_s=1.0, **options).geometry.iloc[0]


def lattice(n, step):
    """Streets on n × n lines `step` apart, the middle one through (0, 0)."""
    far = (n - 1) / 2 * step
    at = np.linspace(-far, far, n)
    lines = {f"h{i}": [(-far, y), (far, y)] for i, y in enumerate(at)}
    return streets(lines | {f"v{i}": [(x, -far), (x, far)] for i, x in enumerate(at)})


def test_a_lane_gives_a_diamond():
    """From the middle of a lane, 200 m of walking reach a square standing on its corner: 2 · 200² m²; corners at 200 m."""
    found = area_of(build(streets(LANE)), facilities([(0, 0)]), 200)
    assert found.area == pytest.approx(80_000, rel=1e-3)
    diamond = shapely.Polygon([(200, 0), (0, 200), (-200, 0), (0, -200)])
    assert shapely.hausdorff_distance(found, diamond) < 10


def test_a_short_leg_cuts_the_diamond():
    """With legs of 50 m at most the diamond keeps the strip |y| ≤ 50: 2 · 200² − 2 · 150² m², 50 m to either side."""
    found = area_of(build(streets(LANE)), facilities([(0, 0)]), 200, max_leg_m=50)
    assert found.area == pytest.approx(80_000 - 45_000, rel=2e-3)
    assert found.bounds == pytest.approx((-200, -50, 200, 50), abs=10)


def test_a_leg_to_the_facility_is_walked_too():
    """A facility 40 m off the lane leaves 160 m along it: 2 · 160² m²."""
    found = area_of(build(streets(LANE)), facilities([(0, 40)]), 200)
    assert found.area == pytest.approx(51_200, rel=1e-3)


def test_the_end_of_a_lane_is_round():
    """A facility at the very end of a lane: half a diamond on its side, half a disc beyond the end: 150² + π · 150² / 2 m²."""
    found = area_of(build(streets({"lane": [(0, 0), (500, 0)]})), facilities([(0, 0)]), 150)
    assert found.area == pytest.approx(150**2 * (1 + np.pi / 2), rel=1e-3)


def test_a_lattice_of_streets():
    """On streets 60 m apart in both directions the area is that of the rule worked out by hand for 2 million points of a quarter.

    A point of a block enters the nearest of its four sides and walks the Manhattan distance from there.
    """
    found = area_of(build(lattice(13, 60.0)), facilities([(0, 0)]), 225, cell_m=5)
    at = (np.arange(1440) + 0.5) / 6
    x, y = np.meshgrid(at, at)
    u, v = x % 60, y % 60
    off = np.stack([u, 60 - u, v, 60 - v])
    on = np.stack([x - u + y, x - u + 60 + y, x + y - v, x + y - v + 60])
    walked = np.take_along_axis(on + off, off.argmin(axis=0)[None], axis=0)[0]
    assert found.area == pytest.approx(4 * (walked <= 225).mean() * 240**2, rel=5e-3)


def test_streets_without_legs_cover_no_ground():
    """With legs of 0 m nobody leaves the lane, and a lane has no area; with legs of 0.3 m it has a strip 0.6 m wide."""
    walk = build(streets(LANE))
    assert area_of(walk, facilities([(0, 0)]), 200, max_leg_m=0).is_empty
    strip = area_of(walk, facilities([(0, 0)]), 200, max_leg_m=0.3)
    assert strip.area == pytest.approx(400 * 0.6, rel=0.05)


def test_the_middle_of_a_block_is_a_hole():
    """With legs of 30 m the middle of a block of 200 m, all of its sides in reach, is a hole of 140 × 140 m with no other."""
    ring = [(0, 0), (200, 0), (200, 200), (0, 200), (0, 0)]
    found = area_of(build(streets({"ring": ring})), facilities([(0, 0)]), 1000, max_leg_m=30)
    assert len(found.geoms) == 1
    holes = [shapely.Polygon(hole) for hole in found.geoms[0].interiors]
    assert [hole.area for hole in holes] == pytest.approx([140**2], rel=5e-3)
    assert found.area == pytest.approx(200**2 - 140**2 + 4 * 200 * 30 + np.pi * 30**2, rel=2e-3)


def test_a_footbridge_leads_to_an_island():
    """Beyond a river crossed by a railed bridge lies a second piece: 40 m are left there, legs are 20 m at most, 1200 m².

    The lane runs east, over the river between x = 0 and 60 on a deck with a rail 1 m to either side, and there are walls along the banks.
    The facility stands 20 m before the bridge and the limit is 120 m: beside the far lane, 2 · (20 · 20 + 20² / 2) m².
    The water beside the deck is behind a barrier, so of the two pieces only the deck's 2 m touch.
    """
    lines = {"west": [(-200, 0), (0, 0)], "deck": [(0, 0), (60, 0)], "east": [(60, 0), (200, 0)]}
    rails = [[(0, y), (60, y)] for y in (1, -1)]
    banks = [[(x, y), (x, 80 * y)] for x in (0, 60) for y in (1, -1)]
    walk = build(streets(lines, bridge={"deck": True}), barriers=barriers(*rails, *banks))
    found = area_of(walk, facilities([(-20, 0)]), 120, max_leg_m=20, cell_m=2)
    pieces = [piece for piece in shapely.get_parts(found.buffer(-1.5)) if piece.area > 10]
    assert sorted(piece.centroid.x > 30 for piece in pieces) == [False, True]
    assert found.intersection(shapely.box(60, -100, 300, 100)).area == pytest.approx(1200, rel=0.01)


def test_ground_of_a_street_out_of_reach_parts_the_area():
    """Under a flyover that is a long way round the ground nearest to it is out: beyond lies a diamond of 2 · 50² m².

    The facility stands 100 m before the flyover and 200 m are walked: beyond it (x > 0) the lane serves |y| ≤ x, where it is
    nearer than the flyover, and |y| ≤ 100 - x, for as far as the walk goes.
    """
    lines = {"lane": [(-1000, 0), (1000, 0)], "over": [(0, -300), (0, 300)], "ramp": [(0, 300), (1000, 300), (1000, 0)]}
    walk = build(streets(lines, bridge={"over": True}))
    found = area_of(walk, facilities([(-100, 0)]), 200, cell_m=1)
    assert sorted(piece.centroid.x > 0 for piece in shapely.get_parts(found.buffer(-2.5))) == [False, True]
    assert found.intersection(shapely.box(0, -300, 300, 300)).area == pytest.approx(5000, rel=0.01)


def checked(walk, there, barred, random, *, cell, limit, way="to", cap=300.0, frame=None):
    """The polygon of a random town, after every of many points has been found where `minutes` has it."""
    fields = field(walk, there, max_leg_m=cap, direction=way)
    options = {"speed_m_s": 1.0, "max_leg_m": cap}
    found = areas(walk, fields, limits_min=[limit], cell_m=cell, **options).geometry.iloc[0]
    assert found.is_valid
    lines = random.choice(frame.geometry.to_numpy(), 300)
    on = shapely.line_interpolate_point(lines, random.uniform(0, 1, 300), normalized=True)
    beside = shapely.get_coordinates(on) + random.normal(0, cell, (300, 2)) * (np.arange(300) % 3 > 0)[:, None]
    near = shapely.get_coordinates(shapely.segmentize(found.buffer(1.01 * cell).boundary, cell))
    ours = points(np.concatenate([random.uniform(-80, 280, (600, 2)), beside, near]))
    walked = minutes(walk, fields, ours, **options)["a"].to_numpy()
    shapes = ours.geometry.to_numpy()
    apart = np.full(len(ours), np.inf) if found.is_empty else shapely.distance(found.boundary, shapes)
    if barred is not None:
        apart = np.minimum(apart, shapely.distance(barred.geometry.union_all(), shapes))
    wrong = (shapely.contains_xy(found, shapely.get_coordinates(shapes)) != (walked <= limit)) & (apart > cell)
    assert not wrong.any(), (shapes[wrong][0].wkt, walked[wrong][0], apart[wrong][0])
    return found


some = st.lists(ground, min_size=1, max_size=5).map(lambda xy: facilities(xy, "a"))
caps, cells, limits = st.floats(5, 300), st.floats(3, 15), st.floats(0.1, 5)


@settings(max_examples=50)
@given(street_frames(), some, caps, cells, limits, st.integers(0, 2**32 - 1))
def test_inside_if_and_only_if_within_the_limit(frame, there, cap, cell, limit, seed):
    """Every point farther than a cell from the outline is inside if and only if its minutes are within the limit."""
    checked(build(frame), there, None, np.random.default_rng(seed), cell=cell, limit=limit, cap=cap, frame=frame)


@pytest.mark.slow
@settings(max_examples=50)
@given(street_frames(), walls(), some, caps, cells, limits, st.sampled_from(["to", "from"]), st.integers(0, 2**32 - 1))
def test_inside_if_and_only_if_among_walls_and_hills(frame, barred, there, cap, cell, limit, way, seed):
    """The same with barriers, gates and slopes, either way, for points farther than a cell from every barrier too."""
    walk = on_slopes(build(frame, barriers=barred[0], gates=barred[1]), seed)
    random = np.random.default_rng(seed)
    checked(walk, there, barred[0], random, cell=cell, limit=limit, way=way, cap=cap, frame=frame)


@pytest.mark.slow
@settings(max_examples=400)
@given(street_frames(), walls(), some, caps, cells, limits, st.sampled_from(["to", "from"]), st.integers(0, 2**32 - 1))
def test_inside_if_and_only_if_often(frame, barred, there, cap, cell, limit, way, seed):
    """The same, many times over, on slopes in every second town."""
    walk = build(frame, barriers=barred[0], gates=barred[1])
    random = np.random.default_rng(seed)
    walk = on_slopes(walk, seed) if seed % 2 else walk
    checked(walk, there, barred[0], random, cell=cell, limit=limit, way=way, cap=cap, frame=frame)


def test_a_strip_in_the_shadow_of_a_wall():
    """Behind a slit of 0.6 m in a wall the ground that sees a street through it is drawn on a grid of 12 m."""
    lines = {"a": [(0, 0), (400, 0)], "b": [(0, 6), (200, 6)], "c": [(200, 6), (200, 0)]}
    wall = barriers([(-50, 3), (99.7, 3)], [(100.3, 3), (300, 3)])
    walk = build(streets(lines, tunnel={"c": True}), barriers=wall)
    fields = field(walk, facilities([(100, -1)], "a"))
    found = areas(walk, fields, limits_min=[1.0], speed_m_s=1.0, cell_m=12).geometry.iloc[0]
    for x, y in ((100, 1), (100, 2.9)):
        assert minutes(walk, fields, points([(x, y)]), speed_m_s=1.0).iloc[0, 0] < 1
        assert found.contains(shapely.Point(x, y))


def test_a_short_wall_beside_a_street_does_not_hide_what_lies_behind_it():
    """Ground 35 m from an unreached street, behind a wall of 1 m, walks 165 m to the other street: it is inside.

    The facility stands at (100, 0) on the near street; from (100, 165) the leg to the far street at y = 200 is barred at (100, 198).
    """
    lines = {"a": [(0, 0), (400, 0)], "d": [(400, 0), (3000, 0), (3000, 200), (400, 200)], "b": [(400, 200), (0, 200)]}
    walk = build(streets(lines), barriers=barriers([(99.5, 198), (100.5, 198)]))
    fields = field(walk, facilities([(100, 0)], "a"))
    assert minutes(walk, fields, points([(100, 165)]), speed_m_s=1.0).iloc[0, 0] * 60 == pytest.approx(165)
    found = areas(walk, fields, limits_min=[250 / 60], speed_m_s=1.0).geometry.iloc[0]
    assert found.contains(shapely.Point(100, 165))


@pytest.mark.parametrize("north", [0, 2, 5, 6, 7])
def test_a_line_between_two_streets_is_drawn_where_it_is(north):
    """Halfway between two streets 200 m apart, one reached at once and one at the end of its way, minutes jump along 500 m and more.

    From the west end of the near street, 660 m: it serves y ≤ min(100, 660 − x) to its north and 300 m to its south; beyond its ends rounds of the
    legs. The far street, reached over (700, 0) only with less than nothing left, serves nothing.
    """
    lines = {"near": [(0, north), (700, north)], "far": [(700, north), (700, 200 + north), (0, 200 + north)]}
    walk = build(streets(lines))
    fields = field(walk, facilities([(0, north)], "a"))
    found = areas(walk, fields, limits_min=[11], speed_m_s=1.0).geometry.iloc[0]
    at = np.arange(-300, 701, 1.0) + 0.5
    x, y = (one.ravel() for one in np.meshgrid(at, np.arange(-300, 300, 1.0) + 0.5 + north))
    truth = (minutes(walk, fields, points(np.stack([x, y], axis=1)), speed_m_s=1.0)["a"] <= 11).sum()
    assert found.area == pytest.approx(truth, rel=5e-3)


def test_a_wall_drawn_along_a_street_changes_nothing():
    """A wall drawn on a street belongs to both of its sides: minutes and area are those without it, and are found as directly."""
    lines = streets({"a": [(0, 0), (200, 0)], "b": [(100, -100), (100, 100)]})
    free, walled = (build(lines, barriers=along) for along in (None, barriers([(-50, 0), (300, 0)])))
    there = facilities([(10, 0)])
    one, other = (area_of(walk, there, 90, cell_m=5) for walk in (free, walled))
    assert other.intersection(shapely.box(-200, -200, 80, 200)).equals(
        one.intersection(shapely.box(-200, -200, 80, 200))
    )


@pytest.fixture(scope="module")
def town():
    """A town of 1.2 km: 60 random streets, four walls with gates, 600 homes, six facilities of two kinds and one of a third, far off."""
    random = np.random.default_rng(15)
    ends = random.uniform(0, 1200, (60, 2))
    far = np.clip(ends + random.normal(0, 300, (60, 2)), 0, 1200)
    frame = streets({f"s{i:02}": [tuple(a), tuple(b)] for i, (a, b) in enumerate(zip(ends, far, strict=True))})
    walls_ = barriers(*random.uniform(100, 1100, (4, 2, 2)).tolist())
    spots = [line.interpolate(0.5, normalized=True) for line in walls_.geometry]
    there = gates(*[(spot.x, spot.y, "open") for spot in spots[:2]])
    walk = build(frame, barriers=walls_, gates=there)
    where = np.concatenate([random.uniform(200, 1000, (6, 2)), [(9000, 9000)]])
    return {
        "walk": walk,
        "frame": frame,
        "walls": walls_,
        "facilities": facilities(where, [*"aaabbb", "far"]),
        "homes": points(random.uniform(-100, 1300, (600, 2))),
    }


@pytest.mark.parametrize("cap", [80, 300])
def test_area_is_that_of_a_fine_raster(town, cap):
    """On the 1.2 km town the area is within 0.5 % of a count of `minutes` at every metre."""
    walk = town["walk"]
    fields = field(walk, town["facilities"], max_leg_m=cap)
    found = areas(walk, fields, limits_min=[8.0], max_leg_m=cap, speed_m_s=1.0).set_index("kind")
    west, south, east, north = np.round(found.total_bounds)
    x, y = (side.ravel() for side in np.meshgrid(np.arange(west - 30, east + 30), np.arange(south - 30, north + 30)))
    raster = points(np.stack([x, y], axis=1) + 0.5)
    counted = (minutes(walk, fields, raster, max_leg_m=cap, speed_m_s=1.0) <= 8.0).sum()
    assert counted["b"] > 100_000
    assert found["area_m2"].to_dict() == pytest.approx(counted.to_dict(), rel=0.005)


def test_polygon_table_and_people_agree(town):
    """Homes inside the polygon are the homes that the table of minutes has within the limit, but for those within a cell of the outline."""
    walk, homes = town["walk"], town["homes"]
    fields = field(walk, town["facilities"])
    found = areas(walk, fields, limits_min=[5, 10], cell_m=5).set_index(["kind", "limit_min"]).geometry
    walked = minutes(walk, fields, homes)
    for (kind, limit), shape in found.items():
        near = homes.distance(town["walls"].geometry.union_all()) <= 5
        if not shape.is_empty:
            near |= homes.distance(shape.boundary) <= 5
        assert (homes.within(shape) == (walked[kind] <= limit))[~near].all()
        assert (~near).sum() > 300


def test_bands_hold_one_another(town):
    """Bands of 5, 10 and 15 minutes lie one in the other but for slivers beside the outlines, a row each, in the order asked for."""
    fields = field(town["walk"], town["facilities"])
    found = areas(town["walk"], fields, limits_min=[15, 5, 10], speed_m_s=0.6)
    assert found["kind"].tolist() == ["a"] * 3 + ["b"] * 3 + ["far"] * 3
    assert found["limit_min"].tolist() == [15, 5, 10] * 3
    for _, bands in found.groupby("kind"):
        wide, narrow, middle = bands.geometry
        for inner, outer in ((narrow, middle), (middle, wide)):
            sliver = inner.difference(outer)
            assert sliver.area <= 1e-3 * inner.area
            assert sliver.difference(outer.boundary.buffer(10)).area < 1e-6
    alone = areas(town["walk"], fields, limits_min=[10], speed_m_s=0.6)
    assert alone["area_m2"].tolist() == found["area_m2"].tolist()[2::3]


def test_out_of_reach_is_empty(town):
    """A kind whose only facility is kilometres off, and one whose door is a minute away where 0 are allowed, have empty MultiPolygons."""
    fields = field(town["walk"], town["facilities"])
    found = areas(town["walk"], fields, limits_min=[10, 0]).set_index(["kind", "limit_min"])
    assert found.crs == town["walk"].crs
    for key in (("far", 10), ("far", 0), ("a", 0)):
        shape = found.geometry[key]
        assert (shape.geom_type, shape.is_empty, found["area_m2"][key]) == ("MultiPolygon", True, 0.0)
    none = areas(town["walk"], field(town["walk"], facilities([], [])), limits_min=[10])
    assert none.columns.tolist() == ["kind", "limit_min", "area_m2", "geometry"]
    assert (len(none), none.crs) == (0, town["walk"].crs)
    assert len(areas(town["walk"], fields, limits_min=[])) == 0


def test_an_area_a_facility(town):
    """The areas of facilities one by one, put together, are the area of their kind but for a cell along the outline."""
    walk, there = town["walk"], town["facilities"]
    whole = areas(walk, field(walk, there), limits_min=[8]).set_index("kind").geometry
    single = areas(walk, field(walk, there.assign(kind=there.index)), limits_min=[8]).set_index("kind").geometry
    for kind, rows in there.groupby("kind"):
        parts = single[rows.index]
        apart = shapely.symmetric_difference(parts.union_all(), whole[kind])
        assert shapely.is_empty(apart) or shapely.difference(apart, whole[kind].boundary.buffer(10)).area < 1e-6
        assert parts.union_all().area == pytest.approx(whole[kind].area, rel=0.003)


def test_row_order_and_company_change_nothing(town):
    """Streets, barriers and facilities in any order give the same outlines to the last bit, and so does a kind asked alone."""
    walk, there = town["walk"], town["facilities"]
    found = areas(walk, field(walk, there), limits_min=[6])
    other = build(town["frame"].iloc[::-1], barriers=town["walls"].iloc[::-1])
    first = build(town["frame"], barriers=town["walls"])
    plain = areas(first, field(first, there), limits_min=[6])
    again = areas(other, field(other, there.iloc[::-1]), limits_min=[6])
    assert shapely.equals_exact(plain.geometry.to_numpy(), again.geometry.to_numpy(), 0).all()
    alone = areas(walk, field(walk, there[there["kind"] == "b"]), limits_min=[6])
    apart = shapely.symmetric_difference(alone.geometry.iloc[0], found.geometry.iloc[1])
    assert apart.area < 1e-6


@pytest.mark.parametrize("tile", [3, 10])
def test_tiles_leave_no_trace(town, monkeypatch, tile):
    """Worked on in small tiles the area is the same ground, nothing more and nothing less."""
    fields = field(town["walk"], town["facilities"])
    whole = areas(town["walk"], fields, limits_min=[4, 9])
    monkeypatch.setattr(outlining, "_TILE", tile)
    pieces = areas(town["walk"], fields, limits_min=[4, 9])
    assert pieces["area_m2"].to_numpy() == pytest.approx(whole["area_m2"].to_numpy(), rel=1e-9, abs=1e-6)
    apart = shapely.symmetric_difference(whole.geometry.to_numpy(), pieces.geometry.to_numpy())
    assert shapely.area(apart) == pytest.approx(0, abs=1e-6)
    assert shapely.get_num_geometries(pieces.geometry.to_numpy()).tolist() == (
        shapely.get_num_geometries(whole.geometry.to_numpy()).tolist()
    )


def test_area_stays_where_it_is_moved(town):
    """A town moved to a zone-prefixed easting, where the grid lies otherwise, has the same area to 0.5 %."""
    there = town["facilities"]
    east, north = 38_500_000.0, 4_163_000.0
    frame, walls_, moved = (
        rows.set_geometry(rows.translate(east, north)) for rows in (town["frame"], town["walls"], there)
    )
    away = build(frame, barriers=walls_)
    level = build(town["frame"], barriers=town["walls"])
    plain = areas(level, field(level, there), limits_min=[6])
    found = areas(away, field(away, moved), limits_min=[6])
    assert found["area_m2"].to_numpy() == pytest.approx(plain["area_m2"].to_numpy(), rel=5e-3)


def test_clear_refusals(town):
    """A limit below 0 or without end, a cell of 0 m and a speed of 0 are refused in a sentence."""
    fields = field(town["walk"], town["facilities"])
    for limits_ in ([-1], [np.inf], [np.nan], [5, -5]):
        with pytest.raises(ValueError, match="limits_min"):
            areas(town["walk"], fields, limits_min=limits_)
    for limits_ in ("15", 5, [None], [[5]]):
        with pytest.raises(ValueError, match=r"limits_min must be several minutes"):
            areas(town["walk"], fields, limits_min=limits_)
    for leg in (-1, np.nan, np.inf, "far"):
        with pytest.raises(ValueError, match="max_leg_m"):
            areas(town["walk"], fields, limits_min=[5], max_leg_m=leg)
    with pytest.raises(ValueError, match="cell_m"):
        areas(town["walk"], fields, limits_min=[5], cell_m="a")
    for cell in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match="cell_m"):
            areas(town["walk"], fields, limits_min=[5], cell_m=cell)
    with pytest.raises(ValueError, match="speed_m_s"):
        areas(town["walk"], fields, limits_min=[5], speed_m_s=0)
