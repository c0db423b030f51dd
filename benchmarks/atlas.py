"""Times the atlas against plain geopandas and matplotlib drawing the same sheets: ``python benchmarks/atlas.py RESULTS [--sheets 14]``.

RESULTS is the folder of a run (``lifecircle run STUDY --out RESULTS``), STUDY its study. The peer is what one writes without lifecircle: for
each sheet `GeoDataFrame.cx`, `GeoDataFrame.plot` a class, `annotate`, `legend`, a second axes for the index map, `savefig` as PDF and PNG and once more
into `PdfPages`; it is given layers, classes, extents, texts, label places and charts ready made, and the same fonts. Both write the
files a person keeps: a PDF and a PNG a sheet, and one PDF of all. Seconds of processor time are compared, which other work on the
machine leaves alone; wall time of all processes is stated beside.
"""

import argparse
import os
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lifecircle import load, mapbook
from lifecircle.publish import atlas, atlas_themes, charts, fonts, paper


def plain(sheet: paper.Sheet, layers: list[tuple[gpd.GeoDataFrame, Any]], areas: gpd.GeoDataFrame | None) -> Figure:
    """The sheet by geopandas and matplotlib as they come."""
    wide, tall = paper.SIZES[sheet.paper]
    figure = Figure(figsize=(wide / 25.4, tall / 25.4))
    x, y, w, h = paper.frame(sheet.paper)
    axes = figure.add_axes((x / wide, y / tall, w / wide, h / tall))
    west, south = sheet.origin
    east, north = west + w * sheet.scale / 1000, south + h * sheet.scale / 1000
    for frame, layer in layers:
        shown = frame.cx[west:east, south:north]
        for code, rows in shown.groupby("code"):
            look = layer.looks[code]
            if look.shape == "line":
                rows.plot(ax=axes, color=look.edge, linewidth=look.width, aspect=None)
            elif look.shape == "area":
                rows.plot(
                    ax=axes,
                    facecolor=look.face or "none",
                    edgecolor=look.edge or "none",
                    linewidth=look.width,
                    alpha=look.alpha,
                    hatch=look.hatch,
                    aspect=None,
                )
            else:
                rows.plot(
                    ax=axes,
                    color=look.face,
                    edgecolor=look.edge,
                    markersize=look.size**2,
                    marker=look.shape,
                    aspect=None,
                )
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.grid(color="#5b7fa3", linewidth=0.3)
    words = sheet.lettering
    ground = (words.middles - [x, y]) * sheet.scale / 1000 + [west, south]
    for text, at, angle, size, colour in zip(
        words.texts, ground, words.angles, words.sizes, words.colours, strict=True
    ):
        box = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.5}
        axes.annotate(text, at, ha="center", va="center", rotation=angle, fontsize=size, color=colour, bbox=box)
    figure.text(0.04, 0.945, f"{sheet.title} {sheet.subtitle}", fontsize=19)
    figure.text(0.95, 0.945, f"{sheet.marking} {sheet.number}", fontsize=9, ha="right")
    column = 322 / 420
    if areas is not None:
        small = figure.add_axes((column, 0.78, 0.2, 0.12))
        areas.plot(ax=small, color="#efece6", edgecolor="#a59f94", aspect=None)
        gpd.GeoSeries([shapely.box(west, south, east, north)]).boundary.plot(ax=small, color="#b3261e", aspect=None)
        small.set_axis_off()
    handles = [
        Line2D([], [], color=look.edge, linewidth=look.width)
        if look.shape == "line"
        else Patch(facecolor=look.face or "none", edgecolor=look.edge)
        for look in sheet.legend
    ]
    figure.legend(
        handles,
        [look.label for look in sheet.legend],
        loc="upper left",
        bbox_to_anchor=(column, 0.77),
        ncols=2,
        fontsize=7.6,
    )
    lines = [f"{what}  {value}" for what, value in sheet.figures] + [f"1 : {sheet.scale}", *sheet.notes]
    for place, line in enumerate([*lines, *(f"{a} {b}" for a, b in sheet.block)]):
        figure.text(column, 0.32 - 0.012 * place, line[:40], fontsize=6.6)
    if sheet.chart is not None:
        name, _, table = sheet.chart
        chart(name, table, figure.add_axes((column + 0.05, 0.38, 0.15, 0.14)), sheet.language)
    return figure


def chart(name: str, table: Any, axes: Any, language: str) -> None:
    """The chart of a sheet: bars as matplotlib draws them, the others as the package has them."""
    if name == "bars":
        axes.barh(table["name"].head(8), table["value"].head(8), color=table["colour"].head(8))
        axes.invert_yaxis()
    else:
        getattr(charts, name)(table, axes=axes, language=language)


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("study", type=Path)
    ask.add_argument("results", type=Path)
    ask.add_argument("--sheets", type=int, default=14, help="how many of the sheets, evenly chosen; 0 for all")
    ask.add_argument("--theme", default="all", help="one theme only")
    given = ask.parse_args()
    recipe = load.recipe.read(given.study)
    style = recipe.sheet
    about = atlas.About(
        name=recipe.name, crs=recipe.system, as_of=recipe.as_of, standards=recipe.standards, language=recipe.language
    )

    def chosen(jobs: list[Any]) -> list[Any]:
        count = given.sheets or len(jobs)
        return [jobs[k] for k in np.linspace(0, len(jobs) - 1, min(count, len(jobs))).round().astype(int)]

    frames = mapbook.read(given.results)
    planned = atlas.planned
    atlas.planned = lambda *args, **how: (chosen(planned(*args, **how)[0]), [])
    with tempfile.TemporaryDirectory() as folder:
        timed: dict[str, tuple[float, float]] = {}
        for name, processes in (("one process", 1), (f"{os.cpu_count()} processes", os.cpu_count())):
            wall, start = perf_counter(), process_time()
            made = atlas.write(
                frames, Path(folder) / name, about=about, style=style, theme=given.theme, processes=processes
            )
            timed[name] = (process_time() - start, perf_counter() - wall)
        place = atlas_themes.Place(frames=frames, language=recipe.language)
        layers = atlas_themes.prepared(place)
        bounds = atlas._bounds(place)
        ready = {
            name: gpd.GeoDataFrame({"code": layer.codes}, geometry=layer.shapes, crs=recipe.system)
            for name, layer in layers.items()
        }
        sheets = [
            (job, atlas.compose(place, layers, job, about=about, style=style, bounds=bounds))
            for job in chosen(planned(place, layers, theme=given.theme)[0])
        ]
        out = Path(folder) / "plain"
        out.mkdir()
        wall, start = perf_counter(), process_time()
        with fonts.used(), PdfPages(out / "atlas.pdf") as book:
            for job, sheet in sheets:
                names = job.theme.whole if job.theme.whole and job.focus.shape is None else job.theme.layers
                figure = plain(sheet, [(ready[n], layers[n]) for n in names if n in layers], place.geo("areas", "area"))
                figure.savefig(out / f"{job.number}.pdf")
                figure.savefig(out / f"{job.number}.png", dpi=style.dpi)
                book.savefig(figure)
        timed["geopandas + matplotlib"] = (process_time() - start, perf_counter() - wall)
    count = len(made.sheets)
    print(f"{count} sheets, {style.paper}, PNG at {style.dpi} dpi\n")
    print("| | processor s a sheet (this process) | wall s a sheet |\n|---|---|---|")
    for name, (busy, wall) in timed.items():
        print(f"| {name} | {busy / count:.2f} | {wall / count:.2f} |")
    ratio = [timed["geopandas + matplotlib"][k] / timed["one process"][k] for k in (0, 1)]
    print(f"\nOne process of ours: 1/{ratio[0]:.1f} of the peer's processor time, 1/{ratio[1]:.1f} of its wall time.")
    several = timed[f"{os.cpu_count()} processes"][1]
    print(f"All processes: 1/{timed['geopandas + matplotlib'][1] / several:.1f} of its wall time.")


if __name__ == "__main__":
    main()
