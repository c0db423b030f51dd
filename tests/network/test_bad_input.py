"""Bad input: a clear sentence or a counted reject, and never a wrong number."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from drawing import barriers, facilities, points, streets
from pyproj import CRS
from shapely import LineString, Point

from lifecircle import pipeline
from lifecircle.errors import CrsError
from lifecircle.network import added, areas, build, field, minutes, nearest, pairs, place

GRID = {
    "h": [(0, 0), (400, 0)],
    "i": [(0, 200), (400, 200)],
    "v": [(100, -100), (100, 300)],
    "w": [(300, -100), (300, 300)],
}


def walk_min(walk, home, there):
    """Minutes at 1 m/s between two points."""
    return float(nearest(walk, points([home]), facilities([there]), speed_m_s=1.0).iloc[0, 0])


def test_streets_without_nodes_at_crossings_are_joined_and_counted():
    """Four streets drawn right across one another join at four crossings, and say so; (0, 0) to (400, 200) is 600 m."""
    walk = build(streets(GRID))
    assert (walk.report["crossings_joined"], walk.report["components"], walk.report["nodes"]) == (4, 1, 12)
    assert walk_min(walk, (0, 0), (400, 200)) == pytest.approx(10, abs=1e-9)


def test_overlapping_streets_change_no_minute():
    """Streets drawn twice, backwards, in part, past one another's ends and cut otherwise are counted and change no minute.

    Of seven streets more, five lie wholly on others; `long` runs 100 m on beyond the end of h and keeps that.
    """
    more = {
        "again": [(0, 0), (400, 0)],
        "back": [(400, 200), (0, 200)],
        "part": [(150, 0), (250, 0)],
        "long": [(200, 0), (500, 0)],
        "cut1": [(100, -100), (100, 50)],
        "cut2": [(100, 50), (100, 300)],
        "vertices": [(300, -100), (300, 0), (300, 77), (300, 300)],
    }
    plain, doubled = build(streets(GRID)), build(streets({**GRID, **more}))
    assert doubled.report["duplicates"] >= 6
    assert doubled.report["length_m"] == pytest.approx(plain.report["length_m"] + 100)
    random = np.random.default_rng(3)
    homes, there = points(random.uniform(-50, 430, (50, 2))), facilities(random.uniform(-50, 390, (4, 2)), list("abcd"))
    one, other = (nearest(walk, homes[homes.geometry.x < 400], there) for walk in (plain, doubled))
    pd.testing.assert_frame_equal(one, other, rtol=0, atol=1e-9)


def test_lines_without_length_are_counted_and_change_nothing():
    """Zero-length and one-point lines, empty and missing ones, and pieces of a street without length are dropped, six in all."""
    bad = {
        "point": [(50, 0), (50, 0)],
        "many": [(50, 0)] * 5,
        "elsewhere": [(9000, 9000), (9000, 9000)],
        "hair": [(70, 0), (70, 1e-9)],
        "empty": LineString(),
        "none": None,
    }
    plain, dirty = build(streets(GRID)), build(streets({**GRID, **bad}))
    assert dirty.report["dropped_zero_length"] == plain.report["dropped_zero_length"] + 6
    for key in ("edges", "nodes", "components", "length_m"):
        assert dirty.report[key] == plain.report[key]
    assert walk_min(dirty, (0, 0), (400, 200)) == pytest.approx(10, abs=1e-9)


def test_a_facility_far_away_is_out_of_reach():
    """A facility 10 km from every street has no place, serves nobody and takes no ground; its kind keeps its column, all NaN."""
    walk, homes = build(streets(GRID)), points([(0, 0), (400, 200)])
    there = facilities([(10_400, 0), (0, 0)], ["far", "near"])
    assert place(walk, there)["why"].tolist() == ["too far from a street", ""]
    got = nearest(walk, homes, there, speed_m_s=1.0)
    assert got["far"].isna().all()
    assert got["near"].tolist() == pytest.approx([0, 10])
    assert pairs(walk, homes, there, limit_min=600)["facility_id"].unique().tolist() == ["f1"]
    found = areas(walk, field(walk, there), limits_min=[15]).set_index("kind")
    assert (found.geometry["far"].is_empty, found["area_m2"]["far"]) == (True, 0.0)
    alone = field(walk, there.iloc[:1])
    assert areas(walk, alone, limits_min=[15]).geometry.is_empty.tolist() == [True]
    assert np.isinf(alone.metres).all()
    assert added(walk, alone, there.iloc[1:]).kinds == ["far", "near"]


def test_no_facility_and_no_home_are_no_rows():
    """Without facilities there is no kind, without homes no row; nothing is raised and no number made up."""
    walk, none, nothing = build(streets(GRID)), points([]), facilities([], [])
    fields = field(walk, nothing)
    assert (fields.kinds, fields.metres.shape[0]) == ([], 0)
    assert minutes(walk, fields, points([(0, 0)])).shape == (1, 0)
    assert minutes(walk, fields, none).shape == (0, 0)
    assert len(areas(walk, fields, limits_min=[5, 10])) == 0
    assert added(walk, fields, facilities([(0, 0)])).metres.min() == 0.0
    assert nearest(walk, none, facilities([(0, 0)])).shape == (0, 1)
    assert pairs(walk, none, nothing, limit_min=15).empty


def test_two_systems_are_refused_by_name():
    """Every function that takes two layers refuses two systems and names both."""
    walk, homes, there = build(streets(GRID)), points([(0, 0)]), facilities([(0, 0)])
    fields = field(walk, there)
    for call in (
        lambda: field(walk, there.to_crs(32650)),
        lambda: added(walk, fields, facilities([(5, 5)], ids=["g"]).to_crs(32650)),
        lambda: minutes(walk, fields, homes.to_crs(32650)),
        lambda: pairs(walk, homes.to_crs(32650), there, limit_min=5),
        lambda: place(walk, homes.to_crs(32650)),
        lambda: build(streets(GRID), barriers=barriers([(0, 0), (1, 1)]).to_crs(32650)),
    ):
        with pytest.raises(CrsError, match="EPSG:32650, the streets in EPSG:4547"):
            call()
    with pytest.raises(CrsError, match="no known coordinate system, the streets in EPSG:4547"):
        field(walk, gpd.GeoDataFrame(there.drop(columns="geometry"), geometry=there.geometry.to_numpy()))


def test_points_that_are_none_have_no_minutes():
    """Missing, empty and infinite points have NaN for every kind and say that they are no points."""
    walk = build(streets(GRID))
    homes = points([(0, 0), (1, 1), (2, 2), (3, 3)])
    shapes = [Point(0, 0), None, Point(), Point(np.inf, 0)]
    homes = homes.set_geometry(gpd.GeoSeries(shapes, index=homes.index, crs=homes.crs))
    got = nearest(walk, homes, facilities([(100, 0)]), speed_m_s=60.0 / 60)
    assert got["clinic"].isna().tolist() == [False, True, True, True]
    assert place(walk, homes)["why"].tolist() == ["", "no point", "no point", "no point"]


X0, Y0 = 473_000.0, 4_163_000.0
STUDY = """
name = "Bad town"
crs = "EPSG:4547"
language = "en"
as_of = 2025-12-31
synthetic = true
"""


def study(tmp_path, **changed):
    """A run of a town of one street of 600 m with three homes of 10 people and a kindergarten; layers replaced or (None) left out."""
    folder = tmp_path / "place"
    (folder / "raw").mkdir(parents=True)
    at = [Point(X0 + x, Y0) for x in (0, 300, 600)]
    layers = {
        "homes": gpd.GeoDataFrame({"home_id": ["h1", "h2", "h3"], "residents": 10.0}, geometry=at, crs=4547),
        "facilities": gpd.GeoDataFrame(
            {"facility_id": ["K"], "kind": ["kindergarten"]}, geometry=[Point(X0 + 100, Y0)], crs=4547
        ),
        "streets": gpd.GeoDataFrame(
            {"street_id": ["main"]}, geometry=[LineString([(X0, Y0), (X0 + 600, Y0)])], crs=4547
        ),
    }
    text = STUDY
    for name, frame in {**layers, **changed}.items():
        if frame is not None:
            pyogrio.write_dataframe(frame, folder / "raw" / f"{name}.gpkg")
            text += f'[layers.{name}]\nsource = "raw/{name}.gpkg"\n'
    (folder / "study.toml").write_text(text, encoding="utf-8")
    result = pipeline.run(folder, out=tmp_path / "out")
    said = json.loads((result.out / "manifest.json").read_text(encoding="utf-8"))
    return result, said


def test_negative_residents_are_not_counted(tmp_path):
    """A home of −10 people is not ten people fewer: its residents are not known, or the row a reject, and it is said."""
    homes = gpd.GeoDataFrame(
        {"home_id": ["h1", "h2", "h3"], "residents": [10.0, -10.0, 10.0]},
        geometry=[Point(X0 + x, Y0) for x in (0, 150, 600)],
        crs=4547,
    )
    result, _ = study(tmp_path, homes=homes)
    kept = result.study.homes["residents"]
    assert not (kept < 0).any()
    assert kept.sum() == 20
    assert pd.isna(kept.get("h2", np.nan))
    said = " ".join([*result.inventory.notes["text"].astype(str), *result.inventory.rejects["why"].astype(str)])
    assert "-10" in said or "below" in said or "negative" in said


def test_a_facility_10_km_away_is_said(tmp_path):
    """A second kindergarten 10 km off every street changes no minute, and the manifest counts it as not joined."""
    frame = gpd.GeoDataFrame(
        {"facility_id": ["K", "L"], "kind": "kindergarten"},
        geometry=[Point(X0 + 100, Y0), Point(X0 + 10_600, Y0)],
        crs=4547,
    )
    result, _ = study(tmp_path, facilities=frame)
    walked = result.results["coverage_homes"]["walk_min_kindergarten"] * 60
    assert walked.tolist() == pytest.approx([100, 200, 500])
    assert result.network["facilities_not_joined"] == {"too far from a street": 1}


def test_no_facility_of_a_kind_is_uncovered(tmp_path):
    """No primary school in town: nobody is covered, 30 people are left out, and the kind is named among those without a facility."""
    result, _ = study(tmp_path)
    table = result.results["coverage_town"]
    rows = table[(table["kind"] == "primary_school") & (table["method"] == "minutes")]
    assert rows["residents_covered"].tolist() == [0.0] * len(rows)
    assert rows["residents_left_out"].tolist() == [30.0] * len(rows)
    assert "primary_school" in result.network["required_kinds_without_facility"]


def test_no_home_leaves_coverage_out_with_a_reason(tmp_path):
    """A town without a home has no coverage and says why; the run goes on."""
    result, said = study(tmp_path, homes=None)
    assert "homes" in result.skipped["coverage"]
    assert "coverage_town" not in result.results
    assert said


def test_a_layer_in_another_system_is_moved_to_the_study(tmp_path):
    """Homes in UTM and streets in geographic coordinates end on the same street: minutes as before within the scale, 0.2 %."""
    at = [Point(X0 + x, Y0) for x in (0, 300, 600)]
    homes = gpd.GeoDataFrame({"home_id": ["h1", "h2", "h3"], "residents": 10.0}, geometry=at, crs=4547).to_crs(32649)
    line = LineString([(X0, Y0), (X0 + 600, Y0)])
    lines = gpd.GeoDataFrame({"street_id": ["main"]}, geometry=[line], crs=4547).to_crs(4490)
    result, _ = study(tmp_path, homes=homes, streets=lines)
    assert result.study.crs == CRS(4547)
    walked = result.results["coverage_homes"]["walk_min_kindergarten"] * 60
    assert walked.tolist() == pytest.approx([100, 200, 500], abs=0.05)


def test_bad_streets_are_rejects_or_counted(tmp_path):
    """A street drawn twice, one without length and one without geometry are rejects or counted: rows read are kept or rejected."""
    main = LineString([(X0, Y0), (X0 + 600, Y0)])
    point = LineString([(X0 + 50, Y0), (X0 + 50, Y0)])
    cross = LineString([(X0 + 300, Y0 - 50), (X0 + 300, Y0 + 50)])
    frame = gpd.GeoDataFrame(
        {"street_id": ["main", "again", "point", "none", "cross"]}, geometry=[main, main, point, None, cross], crs=4547
    )
    result, said = study(tmp_path, streets=frame)
    row = next(row for row in said["layers"] if row["layer"] == "streets")
    assert row["read"] == 5
    assert row["read"] == row["kept"] + row["rejected"]
    gone = row["rejected"] + result.network["duplicates"] + result.network["dropped_zero_length"]
    assert gone == 3
    assert result.network["crossings_joined"] == 1
    assert result.network["length_m"] == pytest.approx(700)
    walked = result.results["coverage_homes"]["walk_min_kindergarten"] * 60
    assert walked.tolist() == pytest.approx([100, 200, 500])
