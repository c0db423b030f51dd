"""A coverage study as one would script it without lifecircle, timed against ``lifecircle run``.

``python benchmarks/peer_pipeline.py PLACE OSM_PBF POINTS_CSV``: PLACE is the folder with the study.toml of the same data; POINTS_CSV has
lon, lat and population. The peer reads streets and facilities with pyrosm, walks with pandana from node to node, counts who has each
kind within 15 minutes with geopandas, and writes a folium map, a GeoPackage and a CSV table. Both run as fresh processes, in turns, three times;
lifecircle finds its compiled code on disk. What lifecircle makes besides (barriers, both ends of the walk, parks, gaps, workbook, manifest) is in its time.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

LIMIT_MIN = 15
SPEED = 1.0
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


def peer(pbf: Path, points: Path, out: Path) -> None:
    """The same study by pyrosm, pandana, geopandas and folium."""
    import folium
    import geopandas as gpd
    import pandana
    import pandas as pd
    import pyrosm

    osm = pyrosm.OSM(str(pbf))
    nodes, edges = osm.get_network(network_type="walking", nodes=True)
    crs = nodes.estimate_utm_crs()
    places = nodes.to_crs(crs).set_index("id").geometry
    net = pandana.Network(places.x, places.y, edges["u"], edges["v"], edges[["length"]])

    wanted: dict[str, list[str]] = {}
    for tags in KINDS.values():
        for key, values in tags.items():
            wanted.setdefault(key, []).extend(values)
    pois = osm.get_data_by_custom_criteria(custom_filter=wanted, keep_nodes=True).to_crs(crs)
    pois = pois.set_geometry(pois.representative_point())

    table = pd.read_csv(points)
    homes = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326).to_crs(crs)
    homes["node"] = net.get_node_ids(homes.geometry.x, homes.geometry.y)

    reach = LIMIT_MIN * 60 * SPEED
    rows = []
    for kind, tags in KINDS.items():
        chosen = pd.Series(False, index=pois.index)
        for key, values in tags.items():
            if key in pois:
                chosen |= pois[key].isin(values)
        mine = pois[chosen]
        if mine.empty:
            continue
        net.set_pois(kind, reach + 1, 1, mine.geometry.x, mine.geometry.y)
        metres = net.nearest_pois(reach + 1, kind, num_pois=1)[1]
        homes[kind] = homes["node"].map(metres) / (60 * SPEED)
        inside = homes.loc[homes[kind] <= LIMIT_MIN, "population"].sum()
        rows.append({"kind": kind, "facilities": len(mine), "share": inside / homes["population"].sum()})
    shares = pd.DataFrame(rows)
    homes["kinds_reached"] = (homes[shares["kind"].tolist()] <= LIMIT_MIN).sum(axis=1)

    out.mkdir(parents=True, exist_ok=True)
    shares.to_csv(out / "coverage.csv", index=False)
    homes.to_file(out / "homes.gpkg")
    shown = homes.to_crs(4326)
    there = pois.to_crs(4326)
    centre = shown.geometry.union_all().centroid
    page = folium.Map([centre.y, centre.x], zoom_start=12)
    colours = ["#d73027", "#fc8d59", "#fee090", "#91bfdb", "#4575b4"]
    for point, count, people in zip(shown.geometry, shown["kinds_reached"], shown["population"], strict=True):
        colour = colours[min(4, int(5 * count / (len(shares) + 1)))]
        tip = f"{count} of {len(shares)} kinds, {people} residents"
        folium.CircleMarker([point.y, point.x], radius=4, color=colour, fill=True, tooltip=tip).add_to(page)
    for point in there.geometry:
        folium.CircleMarker([point.y, point.x], radius=2, color="#333333").add_to(page)
    page.save(out / "map.html")


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds and peak memory in MB of a command in a fresh process."""
    with tempfile.TemporaryFile() as said:
        start = perf_counter()
        started = subprocess.Popen(command, stdout=said, stderr=said)
        _, status, used = os.wait4(started.pid, 0)
        seconds = perf_counter() - start
        started.returncode = os.waitstatus_to_exitcode(status)
        if started.returncode:
            said.seek(0)
            raise SystemExit(said.read().decode())
    return seconds, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def main() -> None:
    """Run both in turns and print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("place", type=Path)
    parser.add_argument("pbf", type=Path)
    parser.add_argument("points", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer-only", type=Path, metavar="OUT", help="run the peer here and leave its results in OUT")
    given = parser.parse_args()
    if given.peer_only:
        peer(given.pbf, given.points, given.peer_only)
        return
    runs: dict[str, list[tuple[float, float]]] = {"lifecircle run": [], "peer script": []}
    with tempfile.TemporaryDirectory() as name:
        ours = [sys.executable, "-c", "from lifecircle.cli import app; app()", "run", str(given.place)]
        theirs = [sys.executable, __file__, *map(str, (given.place, given.pbf, given.points)), "--peer-only"]
        timed([*ours, "--out", str(Path(name) / "warm")])
        for i in range(given.repeats):
            runs["lifecircle run"].append(timed([*ours, "--out", str(Path(name) / f"ours {i}")]))
            runs["peer script"].append(timed([*theirs, str(Path(name) / f"theirs {i}")]))
    print(f"Median of {given.repeats}.\n\n| | whole command, s | peak memory, MB |\n|---|---:|---:|")
    middle = {what: [statistics.median(column) for column in zip(*done, strict=True)] for what, done in runs.items()}
    for what, (seconds, peak) in middle.items():
        print(f"| {what} | {seconds:.1f} | {peak:,.0f} |")
    ratio = [b / a for a, b in zip(middle["lifecircle run"], middle["peer script"], strict=True)]
    print(f"| peer / lifecircle | {ratio[0]:.1f} | {ratio[1]:.1f} |")


if __name__ == "__main__":
    main()
