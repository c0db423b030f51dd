"""What a walker makes of a network: stairs, slopes up and down, and real mountains."""

from math import exp
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from drawing import CRS, facilities, points, streets
from pyproj import CRS as System
from pyproj import Transformer

from lifecircle import load, standards
from lifecircle.network import build, minutes, nearest, pairs, place, placed_as, suited
from lifecircle.network.routing import field
from lifecircle.network.terrain import pixel_m
from lifecircle.study import Raster

ADULT, WHEELCHAIR = standards.walker("adult"), standards.walker("wheelchair")


def ground(height, *, cell: float = 10.0, width: int = 120, rows: int = 12) -> Raster:
    """A raster from (−100, −60) east and north whose height is a function of x and y."""
    x = -100 + cell * (np.arange(width) + 0.5)
    y = 60 - cell * (np.arange(rows) + 0.5)
    values = np.broadcast_to(height(x[None, :], y[:, None]), (rows, width)).astype("float64")
    return Raster(name="dem", values=values, transform=(cell, 0, -100, 0, -cell, 60), crs=System(CRS))


def test_up_is_slower_than_down():
    """One in ten: 600 m up take e^0.35 times the level time, 600 m down as long as the level (Tobler: |−0.10 + 0.05| = 0.05)."""
    walk = build(streets({"hill": [(0, 0), (600, 0)]}))
    hill = suited(walk, ADULT, elevation=ground(lambda x, y: 0.1 * x))
    low, high = points([(0, 0)]), facilities([(600, 0)])
    assert nearest(hill, low, high).loc["h0", "clinic"] == pytest.approx(10 * exp(0.35))
    assert nearest(hill, low, high, direction="from").loc["h0", "clinic"] == pytest.approx(10)
    assert hill.report["slope_rule"] == "tobler"


def test_a_place_part_of_the_way_up_costs_its_part():
    """A home and a facility in mid-edge are charged for the climb between them only, and their legs as level ground."""
    walk = build(streets({"hill": [(0, 0), (600, 0)]}))
    hill = suited(walk, ADULT, elevation=ground(lambda x, y: 0.1 * x))
    got = nearest(hill, points([(150, 30)]), facilities([(450, -60)]))
    assert got.loc["h0", "clinic"] == pytest.approx((30 + 300 * exp(0.35) + 60) / 60)
    listed = pairs(hill, points([(150, 30)]), facilities([(450, -60)]), limit_min=30, direction="from")
    assert listed["walk_min"].tolist() == [pytest.approx((30 + 300 + 60) / 60)]


def test_level_ground_changes_nothing():
    """On a raster of one height every minute stays as it was, to the last bit, whoever walks at that speed."""
    walk = build(
        streets({"a": [(0, 0), (333, 7)], "b": [(333, 7), (401, 50), (500, -20)], "c": [(100, -30), (100, 40)]})
    )
    level = suited(walk, ADULT, elevation=ground(lambda x, y: 0 * x + 417.3))
    homes, there = points([(17, 5), (480, 12), (99, 37)]), facilities([(210, -4), (499, -18)], ["a", "b"])
    pd.testing.assert_frame_equal(nearest(level, homes, there), nearest(walk, homes, there), check_exact=True)


def test_stairs_are_not_for_wheels():
    """The way over the stairs takes 2 minutes on foot; on wheels, at 0.8 m/s, only the way round of 4 · 120 m is left: 10 minutes."""
    lines = {
        "stairs": [(0, 0), (120, 0)],
        "round": [(0, 0), (0, 180), (120, 180), (120, 0)],
        "on": [(120, 0), (240, 0)],
    }
    frame = streets(lines)
    frame["class"] = pd.Series({"stairs": "steps", "round": "footway", "on": "footway"}, dtype="str")
    walk = build(frame)
    home, there = points([(0, 0)]), facilities([(120, 0)])
    assert nearest(walk, home, there).loc["h0", "clinic"] == pytest.approx(2)
    wheels = suited(walk, WHEELCHAIR)
    assert nearest(wheels, home, there).loc["h0", "clinic"] == pytest.approx(480 / 0.8 / 60)
    assert wheels.report["stairs_left_out_m"] == pytest.approx(120)
    # In the middle of the stairs wheels meet the end of another street, 60 m off, not the stairs.
    assert place(wheels, points([(60, 0)]))["leg_m"].tolist() == [pytest.approx(60)]


def test_too_steep_is_no_way_for_wheels():
    """A street of one in ten is steeper than 1:12 and left out; one in fifteen stays, at the level pace."""
    frame = streets({"steep": [(0, 0), (500, 0)], "gentle": [(0, 0), (0, 55)], "far": [(500, 0), (500, 50)]})
    walk = build(frame)
    wheels = suited(walk, WHEELCHAIR, elevation=ground(lambda x, y: 0.1 * np.maximum(x, 0) + 0 * y, rows=20))
    assert wheels.report["too_steep_left_out_m"] == pytest.approx(500)
    got = nearest(wheels, points([(0, 20)]), facilities([(500, 20), (0, 50)], ["over the hill", "here"]))
    assert np.isnan(got.loc["h0", "over the hill"])
    assert got.loc["h0", "here"] == pytest.approx(30 / 0.8 / 60)
    gentle = suited(walk, WHEELCHAIR, elevation=ground(lambda x, y: x / 15 + 0 * y))
    assert gentle.report["too_steep_left_out_m"] == 0
    assert nearest(gentle, points([(0, 0)]), facilities([(500, 0)])).loc["h0", "clinic"] == pytest.approx(
        500 / 0.8 / 60
    )


def test_a_coarse_raster_closes_no_street():
    """Cells of 100 m say nothing of single streets: none is left out as too steep, and the report says that it was not judged."""
    walk = build(streets({"hill": [(0, 0), (600, 0)]}))
    wheels = suited(walk, WHEELCHAIR, elevation=ground(lambda x, y: 0.3 * x, cell=100.0, width=12, rows=4))
    assert (wheels.report["steep_not_judged"], wheels.report["too_steep_left_out_m"]) == (1, 0.0)


def test_nothing_but_stairs_leaves_nowhere_to_go():
    """On wheels, in a place of stairs only, nobody has a walking time, and nothing breaks."""
    frame = streets({"stairs": [(0, 0), (120, 0)]})
    frame["class"] = pd.Series({"stairs": "steps"}, dtype="str")
    wheels = suited(build(frame), WHEELCHAIR)
    got = nearest(wheels, points([(0, 0)]), facilities([(120, 0)]))
    assert got["clinic"].isna().all()
    assert place(wheels, points([(0, 0)]))["why"].tolist() == ["too far from a street"]


def test_speed_and_leg_are_the_walkers():
    """The wheelchair's row says 0.8 m/s and legs of at most 100 m; both hold wherever the network is asked."""
    wheels = suited(build(streets({"a": [(0, 0), (480, 0)]})), WHEELCHAIR)
    homes = points([(0, 100), (0, 101)])
    put = placed_as(wheels, homes)
    got = minutes(wheels, field(wheels, facilities([(480, 0)])), put)["clinic"]
    assert got.iloc[0] == pytest.approx((100 + 480) / 0.8 / 60)
    assert np.isnan(got.iloc[1])


def test_andorra_is_slower_one_way(shared: Path):
    """In a mountain country most walks within 15 minutes differ by over a tenth between their directions; one is worked out by hand."""
    raster = load.raster(shared / "andorra" / "N42E001.hgt.zip")
    raw = load.osm.osm(shared / "andorra" / "andorra.osm.pbf", "streets").to_crs(32631)
    raw.index = pd.Index(raw["osm_id"], name="street_id")
    raw["layer"] = pd.to_numeric(raw["layer"], errors="coerce")
    walk = build(raw)
    adult = suited(walk, ADULT, elevation=raster)
    pick = np.random.default_rng(1).choice(np.flatnonzero(walk.node_component == 0), 600, replace=False)
    xy = np.stack([walk.node_x, walk.node_y], axis=1)[pick] + walk.origin
    homes = gpd.GeoDataFrame(geometry=shapely.points(xy[:500]), index=[f"h{i}" for i in range(500)], crs=walk.crs)
    there = gpd.GeoDataFrame(
        {"kind": "any"}, geometry=shapely.points(xy[500:]), index=[f"f{i}" for i in range(100)], crs=walk.crs
    )
    key = ["home_id", "facility_id"]
    both = pairs(adult, homes, there, limit_min=60).merge(
        pairs(adult, homes, there, limit_min=60, direction="from"), on=key, suffixes=("", "_back")
    )
    fast, slow = both[["walk_min", "walk_min_back"]].min(axis=1), both[["walk_min", "walk_min_back"]].max(axis=1)
    near = (fast > 0) & (fast <= 15)
    assert near.sum() > 1000
    differs = (slow > 1.1 * fast)[near].mean()
    assert 0.7 < differs < 0.85
    # A slope changes a pace by no more than e^0.35 between up and down: the most that Tobler's function allows.
    assert (slow / fast.where(fast > 0)).max() <= exp(0.35) * (1 + 1e-9)

    # By hand: the longest street between two vertices that is no bridge or tunnel, section by section of a cell's length.
    straight = (np.diff(walk.edge_start) == 2) & ~walk.spans & (walk.edge_component == 0)
    e = int(np.argmax(np.where(straight, walk.edge_m, 0)))
    a, b = (np.array([walk.x[i], walk.y[i]]) + walk.origin for i in (walk.edge_start[e], walk.edge_start[e + 1] - 1))
    parts = max(int(walk.edge_m[e] / pixel_m(raster)), 1)
    lon, lat = Transformer.from_crs(32631, 4326, always_xy=True).transform(*np.linspace(a, b, parts + 1).T)
    z = []
    for row, col in zip((43 - lat) * 1200, (lon - 1) * 1200, strict=True):
        i, j, s, t = int(row), int(col), row % 1, col % 1
        (nw, ne), (sw, se) = raster.values[i : i + 2, j : j + 2]
        z.append((1 - s) * ((1 - t) * nw + t * ne) + s * ((1 - t) * sw + t * se))
    piece = walk.edge_m[e] / parts
    rise = np.diff(z) / piece
    there = gpd.GeoDataFrame({"kind": ["end"]}, geometry=[shapely.Point(b)], index=["f"], crs=walk.crs)
    home = gpd.GeoDataFrame(geometry=[shapely.Point(a)], index=["h"], crs=walk.crs)
    for direction, sign in (("to", 1), ("from", -1)):
        by_hand = sum(piece * exp(3.5 * (abs(sign * r + 0.05) - 0.05)) for r in rise) / 60
        assert nearest(adult, home, there, direction=direction).loc["h", "end"] == pytest.approx(by_hand, rel=1e-6)


def test_who_is_cut_off_by_stairs_is_left_out(tmp_path: Path) -> None:
    """Half the homes lie on stairs: of all walkers only the wheelchair loses them, and its share is not above the adult's.

    A road from 0 to 1000 m with a clinic at 0, then stairs to 2200 m; ten homes at 500 m and ten at 2000 m, so 15 minutes reach half.
    """
    from datetime import date

    from lifecircle import Study, circle, schema

    frame = streets({"road": [(0, 0), (1000, 0)], "stairs": [(1000, 0), (2200, 0)]})
    frame["class"] = pd.Series({"road": "residential", "stairs": "steps"}, dtype="str")
    homes = points([(500, i) for i in range(10)] + [(2000, i) for i in range(10)])
    homes["residents"] = 1.0
    clinic = facilities([(0, 0)])
    tables = {"streets": frame, "homes": homes, "facilities": clinic}
    study = Study(
        name="x", crs=frame.crs, as_of=date(2025, 1, 1), **{n: schema.conform(n, t) for n, t in tables.items()}
    )
    layers, _ = circle.analyse(study, study.homes, study.facilities, study.streets)
    table = layers["coverage_walkers"].query("kind == 'clinic'").set_index("walker")
    assert table["share_of_residents"].to_dict() == {"adult": 0.5, "elder": 0.5, "child": 0.5, "wheelchair": 0.5}
    assert table.loc["wheelchair", "residents_left_out"] == 10
    assert table["residents_not_known"].tolist() == [0.0] * 4
