"""OpenStreetMap extracts drawn by hand, cut at their edge as real ones are."""

import bz2

import pytest
import shapely

from lifecircle.errors import SourceError
from lifecircle.load.osm import osm, walkable

# 0.001 degrees of longitude a step at the equator: the geometry is checked in degrees
NODES = {
    1: (0, 0), 2: (1, 0), 3: (2, 0), 4: (3, 0), 11: (0, 1), 12: (1, 1), 13: (1, 2), 14: (0, 2), 21: (1, -1), 22: (1, 1),
    31: (4, 4), 32: (5, 4), 33: (5, 5), 34: (4, 5), 41: (4.4, 4.4), 42: (4.6, 4.4), 43: (4.6, 4.6), 44: (4.4, 4.6),
}  # fmt: skip


def tags(**pairs):
    """The tag elements of an object; a colon in a key is written as two underscores."""
    return "".join(f'<tag k="{key.replace("__", ":")}" v="{value}"/>' for key, value in pairs.items())


def way(number, *nodes, **pairs):
    """A way through the nodes."""
    return f'<way id="{number}" version="1">{"".join(f"<nd ref={chr(34)}{n}{chr(34)}/>" for n in nodes)}{tags(**pairs)}</way>'


@pytest.fixture
def extract(tmp_path):
    """Writes the nodes (with tags for some), ways and relations as an OSM file."""

    def write(*things, node_tags=None, box=True, name="town.osm"):
        bounds = '<bounds minlat="-0.001" minlon="-0.001" maxlat="0.006" maxlon="0.006"/>' if box else ""
        drawn = "".join(
            f'<node id="{n}" version="1" lon="{x / 1000}" lat="{y / 1000}">{tags(**(node_tags or {}).get(n, {}))}</node>'
            for n, (x, y) in NODES.items()
        )
        text = f'<?xml version="1.0" encoding="UTF-8"?><osm version="0.6">{bounds}{drawn}{"".join(things)}</osm>'
        path = tmp_path / name
        raw = text.encode("utf-8")
        path.write_bytes(bz2.compress(raw) if name.endswith(".bz2") else raw)
        return path

    return write


@pytest.mark.parametrize("name", ["town.osm", "town.osm.bz2"])
def test_streets_and_their_tags(extract, name):
    """A bridge of layer 1, a construction site that nobody walks, and a wall that is no street."""
    path = extract(
        way(1, 1, 2, 3, highway="residential", name="解放路", bridge="yes", layer="1", width="6"),
        way(2, 3, 4, highway="construction"),
        way(3, 11, 12, barrier="wall"),
        name=name,
    )
    streets = osm(path, "streets")
    assert streets["osm_id"].tolist() == ["way/1", "way/2"]
    assert streets["walkable"].tolist() == [True, False]
    assert streets["bridge"].tolist() == [True, False]
    assert streets["layer"].tolist()[0] == "1"
    assert streets.crs.to_epsg() == 4326
    assert shapely.length(streets.geometry.array).round(6).tolist() == [0.002, 0.001]


def test_a_clipped_extract_keeps_what_it_has_and_counts_the_rest(extract):
    """Nodes 98 and 99 are outside: one way loses its end, one its middle, one all but a node; each is counted."""
    path = extract(
        way(1, 1, 2, 3, 99, highway="residential"),
        way(2, 1, 2, 99, 3, 4, highway="residential"),
        way(3, 4, 98, 99, highway="residential"),
        way(4, 11, 12, 99, 11, building="yes"),
        way(5, 11, 12, 13, 14, 11, building="yes"),
    )
    streets = osm(path, "streets")
    assert streets.geom_type.tolist() == ["LineString", "MultiLineString"]
    assert dict(streets.attrs["notes"]) == {"osm_cut": 2, "osm_dropped": 1}
    buildings = osm(path, "buildings")
    assert len(buildings) == 1
    assert dict(buildings.attrs["notes"]) == {"osm_dropped": 1}


def test_buildings_with_courtyards(extract):
    """A multipolygon has its hole; floors, dwellings and the use of a building=yes come from its other tags."""
    ring = way(7, 31, 32, 33, 34, 31)
    hole = way(8, 41, 42, 43, 44, 41)
    members = '<member type="way" ref="7" role="outer"/><member type="way" ref="8" role="inner"/>'
    about = tags(type="multipolygon", building="yes", amenity="school", building__levels="4")
    path = extract(
        way(1, 11, 12, 13, 14, 11, building="apartments", building__flats="12", start_date="1998"),
        ring,
        hole,
        f'<relation id="9" version="1">{members}{about}</relation>',
    )
    buildings = osm(path, "buildings").set_index("osm_id")
    assert buildings.loc["way/1", ["use", "dwellings", "built_year"]].tolist() == ["building=apartments", "12", "1998"]
    assert buildings.loc["relation/9", ["use", "floors"]].tolist() == ["school", "4"]
    # 1 square step less a hole of a fifth of a step squared
    assert shapely.area(buildings.geometry["relation/9"]) * 1e6 == pytest.approx(1 - 0.04)


def test_facilities_are_nodes_and_points_inside_areas(extract):
    """A node, an area and a bus stop are facilities; a road and a bin without a known word are kept or left by their key."""
    path = extract(
        way(1, 11, 12, 13, 14, 11, amenity="school", name="一小"),
        way(2, 1, 2, highway="residential"),
        node_tags={
            1: {"shop": "supermarket"},
            2: {"highway": "bus_stop"},
            3: {"natural": "tree"},
            4: {"amenity": "bench"},
        },
    )
    found = osm(path, "facilities").set_index("osm_id")
    assert found["kind"].to_dict() == {
        "way/1": "amenity=school",
        "node/1": "shop=supermarket",
        "node/2": "highway=bus_stop",
        "node/4": "amenity=bench",  # not a known word: normalise rejects it with the word
    }
    assert found.geom_type.unique().tolist() == ["Point"]


def test_parks_are_polygons(extract):
    """A park is its area; a pitch is none."""
    path = extract(
        way(1, 11, 12, 13, 14, 11, leisure="park"),
        way(2, 31, 32, 33, 34, 31, leisure="pitch"),
        way(3, 1, 2, leisure="park"),
    )
    parks = osm(path, "parks")
    assert parks["kind"].tolist() == ["leisure=park"]
    assert parks.geom_type.tolist() == ["MultiPolygon"]


def test_barriers_and_the_ways_through_them(extract):
    """A wall, a river and a railway stop walking; a culvert and a railway bridge do not. A closed gate, an open one, a
    level crossing and the node that a path shares with the wall are its gates."""
    path = extract(
        way(1, 1, 2, 3, 4, barrier="wall"),
        way(2, 11, 12, waterway="river"),
        way(3, 13, 14, waterway="river", tunnel="culvert"),
        way(4, 31, 32, railway="rail"),
        way(5, 33, 34, railway="rail", bridge="yes"),
        way(6, 21, 2, 22, highway="footway"),
        node_tags={
            3: {"barrier": "gate", "access": "private"},
            4: {"barrier": "gate", "access": "private", "foot": "yes"},
            32: {"railway": "level_crossing"},
        },
    )
    assert osm(path, "barriers")["kind"].tolist() == ["wall", "river", "railway"]
    gates = osm(path, "gates").set_index("osm_id")["state"].to_dict()
    assert gates == {"node/2": "open", "node/3": "closed", "node/4": "open", "node/32": "open"}


def test_the_extent_is_the_box_the_file_was_cut_at(extract):
    """With a box in the header that is the extent; without one the box around the nodes."""
    assert osm(extract(way(1, 1, 2)), "extent").total_bounds.tolist() == [-0.001, -0.001, 0.006, 0.006]
    assert osm(extract(way(1, 1, 2), box=False), "extent").total_bounds.tolist() == [0, -0.001, 0.005, 0.005]


@pytest.mark.parametrize(
    ("pairs", "yes"),
    [
        ({"highway": "residential"}, True),
        ({"highway": "trunk"}, True),
        ({"highway": "motorway"}, False),
        ({"highway": "trunk_link"}, False),
        ({"highway": "trunk_link", "sidewalk": "both"}, True),
        ({"highway": "motorway", "foot": "yes"}, True),
        ({"highway": "service", "access": "private"}, False),
        ({"highway": "service", "access": "no", "foot": "designated"}, True),
        ({"highway": "path", "foot": "no"}, False),
        ({"highway": "cycleway"}, False),
        ({"highway": "cycleway", "foot": "yes"}, True),
        ({"highway": "steps"}, True),
        ({"highway": "construction", "foot": "yes"}, False),
    ],
)
def test_who_may_walk_where(pairs, yes):
    """The usual rules of pedestrian routers on these tags."""
    assert walkable(pairs) is yes


def test_an_empty_part_is_an_empty_layer(extract):
    """An extract without parks gives no row, and no error."""
    assert len(osm(extract(way(1, 1, 2, highway="path")), "parks")) == 0


def test_a_file_that_is_no_osm_file_is_named(tmp_path):
    """A text with the ending of an OSM file is refused by name."""
    (tmp_path / "town.osm").write_text("nothing", encoding="utf-8")
    with pytest.raises(SourceError, match=r"town\.osm: cannot be read as an OpenStreetMap file"):
        osm(tmp_path / "town.osm", "streets")
