"""A coverage study as one would script it without lifecircle, timed against ``lifecircle run``.

``python benchmarks/peer_pipeline.py PLACE OSM_PBF POINTS_CSV DEM``: PLACE is the folder with the study.toml of the same data; POINTS_CSV has
lon, lat and population. The peer reads streets and facilities with pyrosm, walks with pandana from node to node, and works with
geopandas; it writes a GeoPackage, an Excel workbook (pandas and xlsxwriter) and a folium map. Both run as fresh processes, in turns, three
times; lifecircle finds its compiled code on disk.

Both make: residents with and without each kind within 5, 10 and 15 minutes; the same straight; the shares at walking speeds ±10 % and for
four walkers, with slopes and without stairs; service areas of each kind and band; gap areas by tier and kind with those who live there;
supply per person (2SFCA, Gaussian decay); the residents whose walk reaches the edge of the data; the connected share of the streets.

What a user would leave out, and lifecircle alone makes: both ends of the walk on the street instead of at its nodes, barriers and gates, longest
legs of ×½ and ×2, service areas whose reach off the street shrinks with the minutes left, gaps of kinds that nobody has, the checks of
every row and value, signs of thin data, legend, search and streets on the map, a manifest, the same bytes on every run.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

TIERS = (5, 10, 15)
SPEED = 1.0
# speed in m/s, slopes counted, stairs taken
WALKERS = {"adult": (1.0, True), "elder": (0.8, True), "child": (0.8, True), "wheelchair": (0.8, False)}
OFF_STREET_M = 40.0
CELL_M = 100.0
# Far fewer kinds than lifecircle knows; of the rest this file holds next to none.
KINDS = {
    "bus_stop": {"highway": ["bus_stop"], "amenity": ["bus_station"]},
    "rail_station": {"railway": ["station", "subway_entrance", "tram_stop"]},
    "ferry": {"amenity": ["ferry_terminal"]},
    "school": {"amenity": ["kindergarten", "school", "college", "university"]},
    "health": {"amenity": ["pharmacy", "clinic", "doctors", "hospital"]},
    "food_market": {"amenity": ["marketplace"], "shop": ["supermarket", "greengrocer", "convenience"]},
    "restaurant": {"amenity": ["restaurant", "fast_food", "cafe"]},
    "bank": {"amenity": ["bank", "post_office"]},
    "toilet": {"amenity": ["toilets"]},
    "sports": {"leisure": ["sports_centre", "pitch"]},
    "park": {"leisure": ["park", "garden"]},
}
# the kinds of this file that lifecircle draws service areas and gaps of, but for its malls
REQUIRED = ("bus_stop", "food_market", "restaurant", "bank", "toilet")
RADIUS_M = {"bus_stop": 500, "food_market": 500, "rail_station": 800, "health": 1000, "school": 500, "sports": 500}
PACKAGES = ("lifecircle", "folium", "geopandas", "numba", "numpy", "pandana", "pandas", "pyrosm", "scipy", "shapely")


def peer(pbf: Path, points: Path, dem: Path, out: Path) -> None:
    """The same study by pyrosm, pandana, geopandas and folium."""
    import folium
    import geopandas as gpd
    import numpy as np
    import pandana
    import pandas as pd
    import pyrosm
    import rasterio
    import shapely
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    osm = pyrosm.OSM(str(pbf))
    nodes, edges = osm.get_network(network_type="walking", nodes=True)
    crs = nodes.estimate_utm_crs()
    places, edges = nodes.to_crs(crs).set_index("id").geometry, edges.to_crs(crs)
    net = pandana.Network(places.x, places.y, edges["u"], edges["v"], edges[["length"]])

    wanted: dict[str, list[str]] = {}
    for tags in KINDS.values():
        for key, values in tags.items():
            wanted.setdefault(key, []).extend(values)
    pois = osm.get_data_by_custom_criteria(custom_filter=wanted, keep_nodes=True).to_crs(crs)
    pois = pois.set_geometry(pois.representative_point())
    kinds = {}
    for kind, tags in KINDS.items():
        chosen = pd.Series(False, index=pois.index)
        for key, values in tags.items():
            if key in pois:
                chosen |= pois[key].isin(values)
        if chosen.any():
            kinds[kind] = pois[chosen]

    table = pd.read_csv(points)
    homes = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326).to_crs(crs)
    homes["node"] = net.get_node_ids(homes.geometry.x, homes.geometry.y)
    people, residents = homes["population"], homes["population"].sum()

    # Minutes from every node to the nearest of each kind, far enough for the fastest walker asked about.
    far = TIERS[-1] * 60 * SPEED * 1.1 + 1

    def walked(network: Any) -> Any:
        found = {}
        for kind, mine in kinds.items():
            network.set_pois(kind, far, 1, mine.geometry.x, mine.geometry.y)
            metres = network.nearest_pois(far, kind, num_pois=1)[1]
            found[kind] = metres.where(metres < far)
        return pd.DataFrame(found)

    def shares(metres: Any, speed: float) -> Any:
        at_home = metres.reindex(homes["node"]).set_axis(homes.index) / (60 * speed)
        rows = [
            {"tier": tier, "kind": kind, "share": people[at_home[kind] <= tier].sum() / residents}
            for tier in TIERS
            for kind in kinds
        ]
        return pd.DataFrame(rows)

    metres = walked(net)
    minutes = metres.reindex(homes["node"]).set_axis(homes.index) / (60 * SPEED)
    coverage = shares(metres, SPEED)
    coverage["facilities"] = coverage["kind"].map({kind: len(mine) for kind, mine in kinds.items()})
    for tier in TIERS:
        homes[f"kinds_{tier}"] = (minutes[[*REQUIRED]] <= tier).sum(axis=1)
    homes = homes.join(minutes.add_prefix("min_"))

    straight = []
    for kind, metre in RADIUS_M.items():
        if kind in kinds:
            near = homes[["population", "geometry"]].sjoin_nearest(kinds[kind][["geometry"]], distance_col="metres")
            near = near[~near.index.duplicated()]
            covered = near.loc[near["metres"] <= metre, "population"].sum()
            straight.append({"kind": kind, "radius_m": metre, "share_straight": covered / residents})
    methods = coverage.merge(pd.DataFrame(straight), on="kind")

    sensitivity = coverage[["tier", "kind", "share"]].copy()
    sensitivity["slower"] = shares(metres, 0.9 * SPEED)["share"]
    sensitivity["faster"] = shares(metres, 1.1 * SPEED)["share"]

    # Slopes by Tobler from the raster at the nodes, each edge forth and back; the wheelchair takes no stairs.
    with rasterio.open(dem) as raster:
        at = nodes.to_crs(raster.crs).geometry
        height = pd.Series([v[0] for v in raster.sample(zip(at.x, at.y, strict=True))], index=nodes["id"]).astype(float)
    slope = (height.reindex(edges["v"]).to_numpy() - height.reindex(edges["u"]).to_numpy()) / edges["length"].clip(1)
    slope = slope.clip(-0.5, 0.5)  # a cell of the raster is longer than most edges
    both = pd.concat([edges[["u", "v"]], edges[["v", "u"]].set_axis(["u", "v"], axis=1)], ignore_index=True)
    both["cost"] = np.concatenate([edges["length"] * np.exp(3.5 * (np.abs(s + 0.05) - 0.05)) for s in (slope, -slope)])
    hilly = walked(pandana.Network(places.x, places.y, both["u"], both["v"], both[["cost"]], twoway=False))
    level = edges[edges["highway"] != "steps"]
    no_stairs = walked(pandana.Network(places.x, places.y, level["u"], level["v"], level[["length"]]))
    walkers = pd.concat(
        [shares(hilly if slopes else no_stairs, speed).assign(walker=name) for name, (speed, slopes) in WALKERS.items()]
    )

    # Service areas: every street within the limit, buffered and united.
    buffered = np.asarray(edges.buffer(OFF_STREET_M))
    rows, outlines = [], []
    for kind in REQUIRED:
        ends = [metres[kind].reindex(edges[end]).to_numpy() for end in ("u", "v")]
        for tier in TIERS:
            inside = (ends[0] <= tier * 60 * SPEED) & (ends[1] <= tier * 60 * SPEED)
            outlines.append(shapely.union_all(buffered[inside]))
            rows.append({"kind": kind, "limit_min": tier})
    areas = gpd.GeoDataFrame(rows, geometry=outlines, crs=crs)
    areas["area_m2"] = areas.area

    # Gap areas: touching cells whose homes lack something.
    corner = np.floor(np.column_stack([homes.geometry.x, homes.geometry.y]) / CELL_M) * CELL_M
    cells = shapely.box(*corner.T, *(corner + CELL_M).T)

    def gaps(lacking: Any, **said: Any) -> Any:
        united = gpd.GeoSeries([shapely.union_all(cells[lacking])], crs=crs).explode(ignore_index=True)
        found = gpd.GeoDataFrame(geometry=united)
        held = homes.loc[lacking, ["population", "geometry"]].sjoin(found, predicate="within")
        found["residents"] = held.groupby("index_right")["population"].sum()
        return found.assign(**said)

    lacks = {tier: ~(minutes[[*REQUIRED]] <= tier) for tier in TIERS}
    by_tier = pd.concat([gaps(lacks[tier].any(axis=1).to_numpy(), tier=tier) for tier in TIERS], ignore_index=True)
    by_kind = [gaps(lacks[tier][kind].to_numpy(), tier=tier, kind=kind) for tier in TIERS for kind in REQUIRED]
    gaps_by_kind = pd.concat(by_kind, ignore_index=True)
    by_tier = by_tier.sort_values("residents", ascending=False, ignore_index=True)
    gaps_by_kind = gaps_by_kind.sort_values("residents", ascending=False, ignore_index=True)

    # Supply: every facility shared out to those within 15 minutes, nearer ones first.
    reach = TIERS[-1] * 60 * SPEED
    supply = []
    of_node = homes.groupby("node")["population"].sum()
    for kind in REQUIRED:
        doors = net.get_node_ids(kinds[kind].geometry.x, kinds[kind].geometry.y).unique()
        near = net.nodes_in_range(list(doors), reach)
        near.columns = ["facility", "node", "metres"]
        near = near[near["node"].isin(of_node.index)]
        decay = (np.exp(-0.5 * (near["metres"] / reach) ** 2) - np.exp(-0.5)) / (1 - np.exp(-0.5))
        asked = (decay * near["node"].map(of_node)).groupby(near["facility"]).sum()
        access = (decay * near["facility"].map(1 / asked.where(asked > 0))).groupby(near["node"]).sum()
        homes[f"access_{kind}"] = homes["node"].map(access).fillna(0.0)
        mean = (homes[f"access_{kind}"] * people).sum() / residents
        order = homes.sort_values(f"access_{kind}")
        lorenz = (order[f"access_{kind}"] * order["population"]).cumsum() / max(mean * residents, 1e-12)
        gini = 1 - 2 * np.trapezoid(lorenz, order["population"].cumsum() / residents)
        supply.append({"kind": kind, "mean_access": mean, "gini": gini})

    # Streets that end near the outline of the data: who could walk beyond it.
    outline = shapely.convex_hull(shapely.union_all(places.to_numpy())).exterior
    ends = places[places.distance(outline) < 50]
    net.set_pois("edge", far, 1, ends.x, ends.y)
    to_edge = net.nearest_pois(far, "edge", num_pois=1)[1].reindex(homes["node"]).to_numpy()
    homes["at_edge"] = to_edge <= reach
    code = pd.Series(np.arange(len(places)), index=places.index)
    links = coo_array((np.ones(len(edges)), (code[edges["u"]], code[edges["v"]])), shape=(len(code), len(code)))
    part = connected_components(links, directed=False)[1][code[edges["u"]]]
    connected = edges["length"].groupby(part).sum().max() / edges["length"].sum()
    sure = pd.DataFrame(
        {
            "item": ["streets in the largest piece", "residents at the edge of the data"],
            "share": [connected, people[homes["at_edge"]].sum() / residents],
        }
    )

    out.mkdir(parents=True, exist_ok=True)
    layers = {"homes": homes, "service_areas": areas, "gap_areas": by_tier, "gap_kinds": gaps_by_kind}
    layers["streets"] = edges[["id", "name", "highway", "length", "geometry"]]
    layers["facilities"] = pd.concat([mine[["id", "geometry"]].assign(kind=kind) for kind, mine in kinds.items()])
    for name, layer in layers.items():
        layer.to_file(out / "results.gpkg", layer=name)
    sheets = {"coverage": coverage, "methods": methods, "sensitivity": sensitivity, "walkers": walkers}
    sheets |= {"certainty": sure, "supply": pd.DataFrame(supply), "gap_areas": by_tier, "gap_kinds": gaps_by_kind}
    with pd.ExcelWriter(out / "tables.xlsx", engine="xlsxwriter") as book:
        for name, sheet in sheets.items():
            sheet.drop(columns="geometry", errors="ignore").to_excel(book, sheet_name=name, index=False)

    shown = homes.to_crs(4326)
    centre = shown.geometry.union_all().centroid
    page = folium.Map([centre.y, centre.x], zoom_start=12)
    drawn = areas.assign(geometry=areas.simplify(5)).to_crs(4326)
    for kind, bands in drawn.groupby("kind"):
        folium.GeoJson(bands.iloc[::-1], name=f"Service area: {kind}", show=kind == REQUIRED[0]).add_to(page)
    tip = folium.GeoJsonTooltip(["tier", "residents"])
    folium.GeoJson(by_tier.to_crs(4326), name="Gap areas", tooltip=tip, show=False).add_to(page)
    colours = ["#d73027", "#fc8d59", "#fee090", "#91bfdb", "#4575b4"]
    dots = folium.FeatureGroup("Homes").add_to(page)
    for point, count, number in zip(shown.geometry, shown["kinds_15"], shown["population"], strict=True):
        colour = colours[min(4, int(5 * count / (len(REQUIRED) + 1)))]
        said = f"{count} of {len(REQUIRED)} kinds, {number} residents"
        folium.CircleMarker([point.y, point.x], radius=4, color=colour, fill=True, tooltip=said).add_to(dots)
    dots = folium.FeatureGroup("Facilities").add_to(page)
    for point in pois.to_crs(4326).geometry:
        folium.CircleMarker([point.y, point.x], radius=2, color="#333333").add_to(dots)
    folium.LayerControl().add_to(page)
    page.save(out / "map.html")


def timed(command: list[str]) -> tuple[float, float, float]:
    """Seconds, seconds of processor time and peak memory in MB of a command in a fresh process."""
    with tempfile.TemporaryFile() as said:
        start = perf_counter()
        started = subprocess.Popen(command, stdout=said, stderr=said)
        _, status, used = os.wait4(started.pid, 0)
        seconds = perf_counter() - start
        started.returncode = os.waitstatus_to_exitcode(status)
        if started.returncode:
            said.seek(0)
            raise SystemExit(said.read().decode())
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    return seconds, used.ru_utime + used.ru_stime, peak


def versions() -> str:
    """The packages at work; those that are not installed are left out."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def main() -> None:
    """Run both in turns and print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("place", type=Path)
    parser.add_argument("pbf", type=Path)
    parser.add_argument("points", type=Path)
    parser.add_argument("dem", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer-only", type=Path, metavar="OUT", help="run the peer here and leave its results in OUT")
    given = parser.parse_args()
    if given.peer_only:
        peer(given.pbf, given.points, given.dem, given.peer_only)
        return
    runs: dict[str, list[tuple[float, float, float]]] = {"lifecircle run": [], "peer script": []}
    with tempfile.TemporaryDirectory() as name:
        ours = [sys.executable, "-c", "from lifecircle.cli import app; app()", "run", str(given.place)]
        theirs = [sys.executable, __file__, *map(str, (given.place, given.pbf, given.points, given.dem)), "--peer-only"]
        timed([*ours, "--out", str(Path(name) / "warm")])
        for i in range(given.repeats):
            runs["lifecircle run"].append(timed([*ours, "--out", str(Path(name) / f"ours {i}")]))
            runs["peer script"].append(timed([*theirs, str(Path(name) / f"theirs {i}")]))
    print(
        f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}; {versions()}.\n\n"
        f"Median of {given.repeats}. lifecircle alone: {ALONE}.\n\n"
        "| | whole command, s | processor time, s | peak memory, MB |\n|---|---:|---:|---:|"
    )
    middle = {what: [statistics.median(column) for column in zip(*done, strict=True)] for what, done in runs.items()}
    for what, (seconds, used, peak) in middle.items():
        print(f"| {what} | {seconds:.1f} | {used:.1f} | {peak:,.0f} |")
    ratio = [b / a for a, b in zip(middle["lifecircle run"], middle["peer script"], strict=True)]
    print(f"| peer / lifecircle | {ratio[0]:.1f} | {ratio[1]:.1f} | {ratio[2]:.1f} |")


ALONE = (
    "both ends of the walk, barriers and gates, shrinking legs, kinds without any facility, row checks, legend, search and "
    "streets on the map, manifest"
)

if __name__ == "__main__":
    main()
