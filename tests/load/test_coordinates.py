"""GCJ-02 and BD-09, zone prefixes, old datums and swapped axes."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from lifecircle.errors import CrsError
from lifecircle.load import coordinates

REAL = Path(__file__).parents[3] / "shared" / "data" / "coordinates" / "china-cities.json"


def metres(found, truth):
    """The largest distance in metres between two sets of degrees, on a sphere of 6,371 km."""
    east = np.radians(np.asarray(found[0]) - truth[0]) * np.cos(np.radians(truth[1]))
    north = np.radians(np.asarray(found[1]) - truth[1])
    return 6_371_000 * np.hypot(east, north).max()


def test_the_published_point_is_met():
    """The point that the providers' documentation and most references print (116.404, 39.915) comes out to the digit."""
    np.testing.assert_allclose(
        coordinates.wgs84_to_gcj02(116.404, 39.915), (116.41024449916938, 39.91640428150164), rtol=0, atol=1e-9
    )
    np.testing.assert_allclose(
        coordinates.gcj02_to_bd09(116.404, 39.915), (116.41036949371029, 39.92133699351021), rtol=0, atol=1e-9
    )
    assert metres(coordinates.bd09_to_gcj02(116.404, 39.915), (116.39762729119315, 39.90865673957631)) < 0.75


@pytest.mark.skipif(not REAL.exists(), reason="the shared data are not here")
def test_chinese_cities_are_within_three_quarters_of_a_metre():
    """664 cities that the providers themselves converted lie within 0.75 m, forwards and back."""
    cities = json.loads(REAL.read_text(encoding="utf-8"))
    wgs, gcj, bd = (np.array([city["coords"][key] for city in cities]).T for key in ("WGS84", "GCJ02", "BD09"))
    assert metres(coordinates.wgs84_to_gcj02(*wgs), gcj) < 0.75
    assert metres(coordinates.gcj02_to_wgs84(*gcj), wgs) < 0.75
    assert metres(coordinates.wgs84_to_bd09(*wgs), bd) < 0.75
    assert metres(coordinates.bd09_to_wgs84(*bd), wgs) < 0.75


@given(st.floats(75, 134), st.floats(4, 53))
def test_a_round_trip_closes(lon, lat):
    """There and back again is the same point to a micrometre, for GCJ-02 and BD-09, everywhere in China."""
    for there, back in (
        (coordinates.wgs84_to_gcj02, coordinates.gcj02_to_wgs84),
        (coordinates.wgs84_to_bd09, coordinates.bd09_to_wgs84),
    ):
        assert metres(back(*there([lon], [lat])), (np.array([lon]), np.array([lat]))) < 1e-6


def test_outside_china_nothing_moves():
    """The offset is not defined in Helsinki: the point stays where it is, in both directions."""
    for convert in (coordinates.wgs84_to_gcj02, coordinates.gcj02_to_wgs84, coordinates.wgs84_to_bd09):
        x, y = convert([24.94], [60.17])
        assert (x[0], y[0]) == (24.94, 60.17)


def test_missing_coordinates_stay_missing():
    """A NaN among good points does not spoil them or stop the iteration."""
    x, y = coordinates.gcj02_to_wgs84([np.nan, 116.41024449916938], [39.9, 39.91640428150164])
    assert np.isnan(x[0])
    np.testing.assert_allclose((x[1], y[1]), (116.404, 39.915), rtol=0, atol=1e-9)


@pytest.mark.parametrize("text", ["EPSG:2349", "EPSG:2363", "EPSG:4610", "EPSG:2401", "EPSG:21419", "EPSG:4214"])
def test_old_datums_are_refused(text):
    """Xian 1980 and Beijing 1954 have no honest way to CGCS2000 without local parameters, in any of their systems."""
    with pytest.raises(CrsError, match="no honest transformation"):
        coordinates.parse(text)


def test_an_esri_name_of_an_old_datum_is_refused():
    """A .prj that ArcGIS wrote carries no EPSG code; the datum's name is enough."""
    wkt = CRS(2363).to_wkt("WKT1_ESRI")
    with pytest.raises(CrsError, match="Xian 1980"):
        coordinates.refuse_old(CRS.from_wkt(wkt), where="宗地.shp")


@pytest.mark.parametrize(
    ("easting", "declared", "said"),
    [
        (38_473_507.8, 4547, "fit EPSG:4526"),  # prefix in the numbers, none in the system
        (473_507.8, 4526, "no zone prefix"),  # none in the numbers, prefix in the system
        (39_473_507.8, 4526, "fit EPSG:4527"),  # the neighbouring zone
        (19_738_452.7, 4547, "fit EPSG:4497"),  # a six-degree zone
    ],
)
def test_zone_prefixes_are_checked(easting, declared, said):
    """Eight-digit eastings that start with 25–45 (3°) or 13–23 (6°) carry a prefix, and it must be that of the system."""
    assert said in coordinates.contradictions([easting], [4_163_143.3], CRS(declared))


def test_right_coordinates_are_not_contradicted():
    """The published coordinates of Xiyang fit their three systems."""
    for easting, code in ((38_473_507.8, 4526), (473_507.8, 4547), (19_738_452.7, 4497)):
        assert coordinates.contradictions([easting], [4_163_143.3], CRS(code)) is None


def test_degrees_in_a_metric_system_are_noticed():
    """113.7, 37.6 are no metres; neither are 473,507 degrees."""
    assert "look like degrees" in coordinates.contradictions([113.70, 113.71], [37.60, 37.61], CRS(4547))
    assert "no degrees" in coordinates.contradictions([473_507.8], [4_163_143.3], CRS(4490))
    assert "no degrees" in coordinates.contradictions([473_507.8], [4_163_143.3], "GCJ-02")


def test_millimetres_are_noticed():
    """A drawing in millimetres labelled as metres is a thousand times too large."""
    assert "millimetres" in coordinates.contradictions([473_507_800.0], [4_163_143_300.0], CRS(4547))


def test_a_pencil_drawing_is_not_taken_for_degrees():
    """Local coordinates of a few whole metres stay what they are."""
    assert coordinates.contradictions([0.0, 100.0], [0.0, 80.0], CRS(4547)) is None


def test_northing_first_is_recognised():
    """Chinese survey tables, and EPSG's own definition of CGCS2000, give the northing first."""
    east, north = np.array([38_473_507.8]), np.array([4_163_143.3])
    assert coordinates.swapped(north, east, CRS(4526))
    assert not coordinates.swapped(east, north, CRS(4526))
    assert not coordinates.swapped(east, north, CRS(32649))  # no such rule elsewhere


def test_coordinates_far_outside_their_system_are_noticed():
    """Northings of the other hemisphere put Swellendam (34 °S) near 56 °N."""
    assert not coordinates.outside_use([500_000.0], [6_230_000.0], CRS(32734))
    assert coordinates.outside_use([500_000.0], [-3_770_000.0], CRS(32734))
    assert not coordinates.outside_use([20.4], [-34.0], CRS(4326))


def test_nonsense_is_no_system():
    """A code that does not exist is named in the error."""
    with pytest.raises(CrsError, match="EPSG:99999999"):
        coordinates.parse("EPSG:99999999")
