"""OpenStreetMap extracts (.osm, .osm.bz2, .osm.pbf) read from disk, never from the network.

The loop over the file's objects is Python's by necessity (pyosmium calls back per object); its filters run in C++ and
only objects that carry a wanted tag arrive here. An extract that was cut at a box lacks nodes beyond it: every
location is checked, and what is cut or dropped is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from lifecircle import standards
from lifecircle.errors import SourceError

_FACILITY_KEYS = ("amenity", "shop", "healthcare", "leisure", "tourism", "office")
_PARKS = (("leisure", "park"), ("leisure", "garden"), ("landuse", "recreation_ground"), ("landuse", "village_green"))
_WALLS = {
    "wall": "wall", "city_wall": "wall", "retaining_wall": "wall", "guard_rail": "fence", "fence": "fence", "hedge": "fence",
}  # fmt: skip
_WATER = ("river", "canal")
_RAILS = ("rail", "light_rail", "narrow_gauge")
_AMENITY_USES = {
    **dict.fromkeys(("school", "university", "college", "kindergarten"), "school"),
    **dict.fromkeys(("hospital", "clinic", "doctors", "pharmacy"), "medical"),
    **dict.fromkeys(("restaurant", "cafe", "fast_food", "bar", "pub", "bank", "marketplace", "cinema"), "commercial"),
    **dict.fromkeys(("theatre", "library", "arts_centre"), "culture"),
}
_GATES = (
    "gate", "lift_gate", "swing_gate", "sliding_gate", "kissing_gate", "wicket_gate", "entrance", "stile", "turnstile",
    "full-height_turnstile", "sally_port", "cattle_grid", "hampshire_gate",
)  # fmt: skip
_CROSSINGS = ("level_crossing", "crossing")
# no way at all, or none that a person may be on
_NEVER = (
    "abandoned", "bus_guideway", "construction", "disused", "escape", "no", "planned", "proposed", "raceway", "razed",
    "rest_area", "services", "busway",
)  # fmt: skip
_FAST = ("motorway", "motorway_link", "trunk_link")
_ALLOWED = ("yes", "designated", "permissive", "official", "public")
_SIDEWALKS = ("both", "left", "right", "yes", "separate")


def osm(path: str | Path, part: str) -> gpd.GeoDataFrame:
    """One part of an OSM file in EPSG:4326: streets, buildings, facilities, parks, barriers, gates or extent.

    Parameters
    ----------
    part
        ``streets``: ways with a highway tag (osm_id, name, class, walkable, bridge, tunnel, layer, width, steps).
        ``buildings``: closed ways and multipolygons with a building tag (osm_id, name, use, floors, dwellings,
        built_year). ``facilities``: nodes, and a point inside every area, with an amenity, shop, healthcare, leisure,
        tourism or office tag (osm_id, name, kind such as ``amenity=school``). ``parks``: polygons (osm_id, name, kind).
        ``barriers``: walls, fences, rivers, canals and railways at grade (osm_id, name, kind). ``gates``: gates and
        level crossings, and every node that a walkable street shares with a barrier (osm_id, name, state).
        ``extent``: one polygon, the box the file was cut at, or that of its nodes (name, level = town).

    Returns
    -------
    GeoDataFrame
        `attrs["notes"]` counts what the cut left out: ``osm_cut`` (lines that lost a part), ``osm_dropped`` (objects
        whose geometry cannot be made).

    Raises
    ------
    SourceError
        A file that is no OSM file.
    """
    path = Path(path)
    readers = {
        "streets": _streets,
        "buildings": _buildings,
        "facilities": _facilities,
        "parks": _parks,
        "barriers": _barriers,
        "gates": _gates,
        "extent": _extent,
    }
    try:
        records, shapes, notes = readers[part](path)
    except (RuntimeError, ValueError, OSError) as error:
        raise SourceError(f"{path.name}: cannot be read as an OpenStreetMap file ({error})") from error
    columns = _COLUMNS[part]
    data = {column: [record[i] for record in records] for i, column in enumerate(columns)}
    frame = gpd.GeoDataFrame(data, geometry=np.array(shapes, dtype=object), crs=4326)
    frame.attrs = {"encoding": "UTF-8", "notes": [(code, count) for code, count in notes.items() if count]}
    return frame


_COLUMNS = {
    "streets": ("osm_id", "name", "class", "walkable", "bridge", "tunnel", "layer", "width", "steps"),
    "buildings": ("osm_id", "name", "use", "floors", "dwellings", "built_year"),
    "facilities": ("osm_id", "name", "kind"),
    "parks": ("osm_id", "name", "kind"),
    "barriers": ("osm_id", "name", "kind"),
    "gates": ("osm_id", "name", "state"),
    "extent": ("name", "level"),
}
_Read = tuple[list[tuple[Any, ...]], list[Any], dict[str, int]]


def walkable(tags: Any) -> bool:
    """Whether a person may walk along a way with these tags (the usual rules of routers on OpenStreetMap data).

    Motorways, their links and trunk links need a sidewalk or foot=yes; cycleways need a foot tag; foot=no, and
    access=no or private without a foot tag that says otherwise, close any way.

    >>> walkable({"highway": "residential"}), walkable({"highway": "motorway"})
    (True, False)
    >>> walkable({"highway": "service", "access": "private"}), walkable({"highway": "service", "access": "private", "foot": "yes"})
    (False, True)
    """
    kind, foot, access = tags.get("highway"), tags.get("foot"), tags.get("access")
    if kind in _NEVER or foot in ("no", "use_sidepath"):
        return False
    if foot in _ALLOWED:
        return True
    if access in ("no", "private") or foot == "private":
        return False
    sides = (tags.get("sidewalk"), tags.get("sidewalk:both"), tags.get("sidewalk:left"), tags.get("sidewalk:right"))
    if kind in _FAST or tags.get("motorroad") == "yes":
        return any(side in _SIDEWALKS for side in sides)
    if kind == "cycleway":
        return foot is not None or any(side in _SIDEWALKS for side in sides)
    return True


def _processed(path: Path, *filters: Any) -> Any:
    """The ways of a file that pass the filters, their nodes with locations."""
    import osmium

    processor: Any = osmium.FileProcessor(path).with_locations().with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
    for one in filters:
        processor.with_filter(one)
    return processor


def _ways(path: Path, *filters: Any) -> Iterator[tuple[Any, Any, bool]]:
    """Each way with its geometry (None where fewer than two of its nodes are in the file) and whether it was cut."""
    import osmium

    maker = osmium.geom.WKBFactory()
    for way in _processed(path, *filters):
        try:
            yield way, maker.create_linestring(way), False
        except (osmium.InvalidLocationError, RuntimeError):  # a node is missing, or all nodes are one point
            yield way, _left_over(way), True


def _left_over(way: Any) -> Any:
    runs: list[list[tuple[float, float]]] = [[]]
    for node in way.nodes:
        if node.location.valid():
            runs[-1].append((node.lon, node.lat))
        elif runs[-1]:
            runs.append([])
    lines = [shapely.LineString(run) for run in runs if len(set(run)) > 1]
    return shapely.to_wkb(shapely.MultiLineString(lines) if len(lines) > 1 else lines[0], hex=True) if lines else None


def _lines(path: Path, filters: list[Any], record: Any) -> _Read:
    records, shapes, notes = [], [], {"osm_cut": 0, "osm_dropped": 0}
    for way, shape, cut in _ways(path, *filters):
        row = record(way)
        if row is None:
            continue
        notes["osm_dropped"] += shape is None
        notes["osm_cut"] += cut and shape is not None
        if shape is not None:
            records.append((f"way/{way.id}", way.tags.get("name"), *row))
            shapes.append(shape)
    return records, list(shapely.from_wkb(shapes)), notes


def _streets(path: Path) -> _Read:
    import osmium

    def record(way: Any) -> tuple[Any, ...]:
        tags = way.tags
        kind = tags["highway"]
        bridge, tunnel = (tags.get(key) not in (None, "no") for key in ("bridge", "tunnel"))
        return kind, walkable(tags), bridge, tunnel, tags.get("layer"), tags.get("width"), kind == "steps"

    return _lines(path, [osmium.filter.KeyFilter("highway")], record)


def _barriers(path: Path) -> _Read:
    import osmium

    return _lines(
        path,
        [osmium.filter.KeyFilter("barrier", "waterway", "railway")],
        lambda way: None if (kind := _barrier_kind(way.tags)) is None else (kind,),
    )


def _barrier_kind(tags: Any) -> str | None:
    """Wall, fence, river or railway; None for what does not stop a walker, or runs above or below the ground."""
    if tags.get("bridge", "no") != "no" or tags.get("tunnel", "no") != "no" or tags.get("covered") == "yes":
        return None
    if tags.get("waterway") in _WATER:
        return "river"
    if tags.get("railway") in _RAILS and "highway" not in tags:
        return "railway"
    return _WALLS.get(tags.get("barrier", ""))


def _gates(path: Path) -> _Read:
    import osmium

    # a street that shares a node with a wall passes it there, gate or not
    streets: set[int] = set()
    walls: dict[int, tuple[float, float]] = {}
    for way in _processed(path, osmium.filter.KeyFilter("highway", "barrier", "waterway", "railway")):
        if "highway" in way.tags:
            if walkable(way.tags):
                streets.update(node.ref for node in way.nodes)
        elif _barrier_kind(way.tags) is not None:
            walls.update((node.ref, (node.lon, node.lat)) for node in way.nodes if node.location.valid())
    points: Any = osmium.FileProcessor(path, osmium.osm.NODE).with_filter(osmium.filter.KeyFilter("barrier", "railway"))
    found: dict[int, tuple[Any, str, tuple[float, float]]] = {
        ref: (None, "open", walls[ref]) for ref in sorted(streets & walls.keys())
    }
    dropped = 0
    for node in points:
        tags = node.tags
        if tags.get("barrier") not in _GATES and tags.get("railway") not in _CROSSINGS:
            continue
        if not node.location.valid():
            dropped += 1
            continue
        found[node.id] = (tags.get("name"), _gate_state(tags), (node.lon, node.lat))
    records = [(f"node/{ref}", name, state) for ref, (name, state, _) in found.items()]
    xy = np.array([place for _, _, place in found.values()], dtype=np.float64).reshape(-1, 2)
    return records, list(np.asarray(shapely.points(xy))), {"osm_dropped": dropped}


def _gate_state(tags: Any) -> str:
    if tags.get("foot") in _ALLOWED:
        return "open"
    shut = tags.get("locked") == "yes" or tags.get("foot") in ("no", "private")
    return "closed" if shut or tags.get("access") in ("no", "private") else "open"


def _areas(path: Path, key_filter: Any, record: Any, *, nodes: bool = False) -> _Read:
    """Polygons of closed ways and multipolygons that pass the filter, and, where `nodes`, its nodes as points."""
    import osmium

    maker = osmium.geom.WKBFactory()
    records: list[tuple[Any, ...]] = []
    shapes: list[Any] = []
    wanted: set[tuple[str, int]] = set()
    made: set[tuple[str, int]] = set()
    things: Any = osmium.FileProcessor(path).with_areas(key_filter).with_filter(key_filter)
    for thing in things:
        tags = thing.tags
        row = record(tags)
        if row is None:
            continue
        if thing.is_node():
            if nodes and thing.location.valid():
                records.append((f"node/{thing.id}", tags.get("name"), *row))
                shapes.append(maker.create_point(thing))
        elif thing.is_area():
            key = ("way" if thing.from_way() else "relation", thing.orig_id())
            try:
                shape = maker.create_multipolygon(thing)
            except RuntimeError:
                continue
            made.add(key)
            records.append((f"{key[0]}/{key[1]}", tags.get("name"), *row))
            shapes.append(shape)
        elif thing.is_way():
            if thing.is_closed() or not thing.nodes[0].location.valid():
                wanted.add(("way", thing.id))
        elif tags.get("type") in ("multipolygon", "boundary"):
            wanted.add(("relation", thing.id))
    return records, list(shapely.from_wkb(shapes)), {"osm_dropped": len(wanted - made)}


def _buildings(path: Path) -> _Read:
    import osmium

    def record(tags: Any) -> tuple[Any, ...] | None:
        kind = tags["building"]
        if kind in ("no", "construction", "proposed"):
            return None
        told: str | None = f"building={kind}"
        if kind == "yes":
            told = _use_of_yes(tags)
        return told, tags.get("building:levels"), tags.get("building:flats"), tags.get("start_date")

    return _areas(path, osmium.filter.KeyFilter("building"), record)


def _use_of_yes(tags: Any) -> str | None:
    """The use of a building=yes that says what is in it; None where it says nothing."""
    amenity = tags.get("amenity")
    if amenity is not None:
        return _AMENITY_USES.get(amenity, "public")
    uses = {
        "healthcare": "medical",
        "shop": "commercial",
        "tourism": "commercial",
        "office": "office",
        "leisure": "public",
    }
    return next((use for key, use in uses.items() if key in tags), None)


def _facilities(path: Path) -> _Read:
    import osmium

    known = standards.words("facilities.kind")
    # kinds told by another key (highway=bus_stop): only those values, since the key itself means much else
    told = [word.partition("=") for word in known if "=" in word]
    others = sorted((key, value) for key, _, value in told if key not in (*_FACILITY_KEYS, "building"))
    other_keys = sorted({key for key, _ in others})

    def record(tags: Any) -> tuple[str]:
        words = [f"{key}={tags[key]}" for key in (*_FACILITY_KEYS, *other_keys) if key in tags]
        return (next((word for word in words if word.lower() in known), words[0]),)

    def other(tags: Any) -> tuple[str] | None:
        return None if any(key in tags for key in _FACILITY_KEYS) else record(tags)

    records, shapes, notes = _areas(path, osmium.filter.KeyFilter(*_FACILITY_KEYS), record, nodes=True)
    if others:
        more, more_shapes, more_notes = _areas(path, osmium.filter.TagFilter(*others), other, nodes=True)
        records, shapes = records + more, shapes + more_shapes
        notes = {"osm_dropped": notes["osm_dropped"] + more_notes["osm_dropped"]}
    return records, list(shapely.point_on_surface(shapes)), notes


def _parks(path: Path) -> _Read:
    import osmium

    def record(tags: Any) -> tuple[str]:
        return (next(f"{key}={value}" for key, value in _PARKS if tags.get(key) == value),)

    return _areas(path, osmium.filter.TagFilter(*_PARKS), record)


def _extent(path: Path) -> _Read:
    import osmium

    processor: Any = osmium.FileProcessor(path, osmium.osm.NODE)
    box = processor.header.box()
    if box.valid():
        low, high = box.bottom_left, box.top_right
        shape = shapely.box(low.lon, low.lat, high.lon, high.lat)
    else:
        xy = np.array([(node.lon, node.lat) for node in processor if node.location.valid()], dtype=np.float64)
        if not len(xy):
            return [], [], {}
        shape = shapely.box(*xy.min(axis=0), *xy.max(axis=0))
    return [(path.name.split(".")[0], "town")], [shape], {}
