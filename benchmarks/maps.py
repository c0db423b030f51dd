"""Areas on a map by the packed layer, plain folium and geopandas: writing, size, and loading in one headless Chromium.

    python benchmarks/maps.py 50000 [--runs 3] [--million]

The areas are Voronoi cells of jittered points 30 m apart, as parcels without gaps: each has an id, a class and two numbers, shown in a
tooltip. A page counts as loaded when the first area answers the mouse with its tooltip; the median of the runs is printed.
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from playwright.sync_api import sync_playwright

from lifecircle.publish import assets, frame_map, overview

COLUMNS = ["parcel", "use", "area_m2", "built_year"]
COLOURS = dict(
    zip(
        "abcdefgh",
        ("#ffff2d", "#ff5fd2", "#ff0000", "#bb9674", "#8761d3", "#b7b7b7", "#00ff00", "#338ec0"),
        strict=True,
    )
)


def parcels(many: int) -> gpd.GeoDataFrame:
    """About so many cells with columns, in a projected system."""
    rng = np.random.default_rng(1)
    side = round(many**0.5)
    spots = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) * 30 + rng.uniform(
        0, 24, (side * side, 2)
    )
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.MultiPoint(spots), extend_to=shapely.box(0, 0, side * 30, side * 30))
    )
    cells = shapely.intersection(cells, shapely.box(0, 0, side * 30, side * 30))
    return gpd.GeoDataFrame(
        {
            "parcel": pd.array(np.char.add("P", np.char.zfill(np.arange(len(cells)).astype(str), 7)), dtype="str"),
            "use": pd.array(rng.choice(list("abcdefgh"), len(cells)), dtype="str"),
            "area_m2": shapely.area(cells).round(1),
            "built_year": rng.integers(1960, 2024, len(cells)).astype(float),
        },
        geometry=shapely.transform(cells, lambda at: at + np.array([500_000 - side * 15, 3_600_000])),
        crs=4547,
    )


def packed(frame: gpd.GeoDataFrame, path: Path) -> None:
    overview.save(frame_map.draw(frame, title="parcels", by="use", colours=COLOURS, tip=COLUMNS, language="en"), path)


def plain(frame: gpd.GeoDataFrame, path: Path, *, canvas: bool = False) -> None:
    out = folium.Map(prefer_canvas=canvas, tiles=None)
    given = frame.to_crs(4326)
    folium.GeoJson(
        given,
        style_function=lambda one: {
            "fillColor": COLOURS[one["properties"]["use"]],
            "color": "#5a6570",
            "weight": 0.6,
            "fillOpacity": 0.7,
        },
        tooltip=folium.GeoJsonTooltip(COLUMNS),
    ).add_to(out)
    west, south, east, north = given.total_bounds
    out.fit_bounds([[south, west], [north, east]])
    path.write_text(assets.inline(out.get_root().render()), encoding="utf-8")


def explored(frame: gpd.GeoDataFrame, path: Path) -> None:
    out = frame.explore(tooltip=COLUMNS, tiles=None, style_kwds={"fillOpacity": 0.7, "weight": 0.6}, legend=False)
    path.write_text(assets.inline(out.get_root().render()), encoding="utf-8")


def loaded(browser: Any, path: Path) -> tuple[float, float]:
    """Seconds from asking for the page until a tooltip stands over its middle, and those a pan of 300 pixels takes after it."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(600_000)
    start = time.perf_counter()
    page.goto(path.as_uri(), wait_until="load", timeout=600_000)
    tip = page.locator(".leaflet-tooltip")
    while tip.count() == 0:
        for dx in (0, 7, 13):
            page.mouse.move(690 + dx, 452 - dx)
            page.wait_for_timeout(20)
            if tip.count():
                break
    took = time.perf_counter() - start
    start = time.perf_counter()
    page.mouse.down()
    page.mouse.move(990, 452, steps=5)
    page.mouse.up()
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    panned = time.perf_counter() - start
    page.close()
    return took, panned


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("many", type=int)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=["packed"])
    given = parser.parse_args()
    frame = parcels(given.many)
    ways: dict[str, Callable[[gpd.GeoDataFrame, Path], None]] = {"lifecircle": packed}
    if given.only is None:
        ways |= {
            "folium GeoJson": plain,
            "folium GeoJson, canvas": lambda frame, path: plain(frame, path, canvas=True),
            "geopandas explore": explored,
        }
    packed(frame.iloc[:10], Path(tempfile.mkdtemp()) / "warm.html")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        times: dict[str, dict[str, list[float]]] = {name: {"write": [], "load": [], "pan": []} for name in ways}
        sizes: dict[str, float] = {}
        for _ in range(given.runs):
            for name, way in ways.items():
                path = Path(folder) / "map.html"
                start = time.perf_counter()
                way(frame, path)
                times[name]["write"].append(time.perf_counter() - start)
                sizes[name] = path.stat().st_size / 1e6
                load, pan = loaded(browser, path)
                times[name]["load"].append(load)
                times[name]["pan"].append(pan)
        print(
            f"{len(frame):,} areas of {shapely.get_num_coordinates(frame.geometry.array).mean() - 1:.1f} vertices; Chromium {browser.version};",
            end=" ",
        )
        browser.close()
    print(
        ", ".join(f"{name} {version(name)}" for name in ("folium", "geopandas", "shapely", "numpy")),
        f"Python {platform.python_version()}",
    )
    print(
        "| | write, s | page, MB | load until a tooltip, s | pan, s | load, times ours |\n|---|---:|---:|---:|---:|---:|"
    )
    ours = statistics.median(times["lifecircle"]["load"])
    for name, taken in times.items():
        write, load, pan = (statistics.median(taken[what]) for what in ("write", "load", "pan"))
        print(f"| {name} | {write:.2f} | {sizes[name]:.1f} | {load:.2f} | {pan:.2f} | {load / ours:.1f} |")


if __name__ == "__main__":
    main()
