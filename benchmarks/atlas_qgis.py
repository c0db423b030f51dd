"""Times QGIS's own atlas export on the results of a run: ``QT_QPA_PLATFORM=offscreen /usr/bin/python3 benchmarks/atlas_qgis.py RESULTS``.

Run by the python QGIS was installed for (on Debian the system's; nothing of lifecircle is imported), on the folder of a run of the sample
town. It opens ``results.qgs`` and lays out by hand what a person would: an A3 sheet with a map of one theme at a round scale, grid, overview map,
legend of what the map shows, scale bar, north arrow and the area's name; then an atlas over the whole place and its communities, exported as
one PDF, and as a PDF and a PNG at 150 dpi a sheet. Prints sheets, seconds of wall time and of processor time (all threads of this process).
"""

import argparse
import tempfile
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time

from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsLayoutExporter,
    QgsLayoutItemLabel,
    QgsLayoutItemLegend,
    QgsLayoutItemMap,
    QgsLayoutItemPicture,
    QgsLayoutItemScaleBar,
    QgsLayoutPoint,
    QgsLayoutSize,
    QgsLegendStyle,
    QgsPalLayerSettings,
    QgsPrintLayout,
    QgsProject,
    QgsScaleBarSettings,
    QgsUnitTypes,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
)
from qgis.PyQt.QtGui import QFont

# Tables of the sheets "low-efficiency land" as our atlas draws them, uppermost first, and the expression that names a row.
THEME = {
    "areas": "",  # labelled by the project
    "constraints": "",
    "streets": '"name"',
    "barriers": "",
    "buildings": "",
    "land": """CASE WHEN "candidate" = 'candidate' THEN "name" END""",
}
# The round scales our sheets may have.
SCALES = [500, 1000, 1500, 2000, 2500, 3000, 4000, 5000, 6000, 7500, 8000, 10000, 12500, 15000, 20000, 25000]
FONT = "Noto Sans CJK SC"


def theme_layers(project: QgsProject, labels: bool) -> list[QgsVectorLayer]:
    """The theme's layers as the project styles them; with `labels`, streets and land are named by QGIS's own placement."""
    by_table = {}
    for layer in project.mapLayers().values():
        by_table.setdefault(layer.source().rpartition("layername=")[2].partition("|")[0], layer)
    for table, naming in THEME.items():
        if labels and naming:
            how = QgsPalLayerSettings()
            how.fieldName = naming
            how.isExpression = True
            if table == "streets":
                how.placement = QgsPalLayerSettings.Line
                line = how.lineSettings()
                line.setMergeLines(True)
                how.setLineSettings(line)
            text = how.format()
            text.setFont(QFont(FONT))
            text.setSize(6.6)
            how.setFormat(text)
            by_table[table].setLabeling(QgsVectorLayerSimpleLabeling(how))
            by_table[table].setLabelsEnabled(True)
    return [by_table[table] for table in THEME]


def coverage(project: QgsProject, areas: QgsVectorLayer) -> QgsVectorLayer:
    """The whole place, then its communities: the features the atlas goes through."""
    layer = QgsVectorLayer(f"MultiPolygon?crs={areas.crs().authid()}&field=name:string", "sheets", "memory")
    rows = [(row["name"], QgsGeometry(row.geometry())) for row in areas.getFeatures()]
    rows.insert(0, (project.title(), QgsGeometry.unaryUnion([shape for _, shape in rows])))
    made = []
    for name, shape in rows:
        feature = QgsFeature(layer.fields())
        feature["name"] = name
        feature.setGeometry(shape)
        made.append(feature)
    layer.dataProvider().addFeatures(made)
    layer.updateExtents()
    project.addMapLayer(layer, False)
    return layer


def laid_out(project: QgsProject, layers: list[QgsVectorLayer]) -> QgsPrintLayout:
    """The sheet, with its items where ours are."""
    layout = QgsPrintLayout(project)
    layout.initializeDefaults()
    layout.pageCollection().page(0).setPageSize(QgsLayoutSize(420, 297))

    town = coverage(project, layers[0])

    def put(item, x, y, wide, tall):
        layout.addLayoutItem(item)
        if isinstance(item, QgsLayoutItemMap):
            item.setRect(0, 0, wide, tall)
            item.setExtent(town.extent())  # before it is sized: a map without extent never gets one
        item.attemptMove(QgsLayoutPoint(x, y))
        item.attemptResize(QgsLayoutSize(wide, tall))
        return item

    main = put(QgsLayoutItemMap(layout), 18, 32, 294, 247)
    main.setLayers(layers)
    main.setFrameEnabled(True)
    main.zoomToExtent(town.extent())
    main.setAtlasDriven(True)
    main.setAtlasScalingMode(QgsLayoutItemMap.Predefined)
    layout.renderContext().setPredefinedScales(SCALES)
    grid = main.grid()
    grid.setEnabled(True)
    grid.setUnits(grid.MapUnit)
    grid.setIntervalX(500)
    grid.setIntervalY(500)
    grid.setAnnotationEnabled(True)
    grid.setAnnotationPrecision(0)
    grid.setAnnotationFont(QFont(FONT, 6))

    small = put(QgsLayoutItemMap(layout), 322, 32, 83, 45)
    small.setLayers([layers[0]])
    small.zoomToExtent(town.extent())
    small.setFrameEnabled(True)
    small.overview().setLinkedMap(main)

    legend = QgsLayoutItemLegend(layout)
    legend.setLinkedMap(main)
    legend.setAutoUpdateModel(False)
    tree = legend.model().rootGroup()
    tree.clear()
    for layer in layers:
        tree.addLayer(layer)
    legend.setLegendFilterByMapEnabled(True)
    legend.setColumnCount(2)
    legend.setSplitLayer(True)
    for style in (QgsLegendStyle.Subgroup, QgsLegendStyle.SymbolLabel):
        legend.rstyle(style).setFont(QFont(FONT, 7))
    put(legend, 322, 80, 83, 150)

    bar = QgsLayoutItemScaleBar(layout)
    bar.setStyle("Single Box")
    bar.setLinkedMap(main)
    bar.setUnits(QgsUnitTypes.DistanceMeters)
    bar.setUnitLabel("m")
    bar.setNumberOfSegmentsLeft(0)
    bar.setSegmentSizeMode(QgsScaleBarSettings.SegmentSizeFitWidth)
    bar.setMinimumBarWidth(30)
    bar.setMaximumBarWidth(60)
    put(bar, 322, 262, 70, 14)

    arrow = QgsLayoutItemPicture(layout)
    arrow.setPicturePath(":/images/north_arrows/layout_default_north_arrow.svg")
    arrow.setLinkedMap(main)
    put(arrow, 297, 29, 14, 18)

    for text, size, at in (
        ('[% @atlas_featurenumber %]  [% "name" %]', 19, (18, 10, 250, 12)),
        ("1 : [% round(item_variables('main')['map_scale']) %]", 9, (322, 250, 83, 8)),
    ):
        label = QgsLayoutItemLabel(layout)
        label.setText(text)
        label.setFont(QFont(FONT, size))
        put(label, *at)
    main.setId("main")

    atlas = layout.atlas()
    atlas.setCoverageLayer(town)
    atlas.setHideCoverage(True)
    atlas.setEnabled(True)
    atlas.setFilenameExpression("lpad(@atlas_featurenumber, 2, '0')")
    return layout


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("results", type=Path)
    ask.add_argument("--labels", action="store_true", help="name streets and candidate parcels by QGIS's placement")
    ask.add_argument("--keep", type=Path, help="a folder for the sheets, which are thrown away where not said")
    given = ask.parse_args()
    application = QgsApplication([], False)
    application.initQgis()
    times = []

    def note(what: str) -> None:
        times.append((what, perf_counter(), process_time()))

    note("")
    project = QgsProject.instance()
    if not project.read(str(given.results / "results.qgs")):
        raise SystemExit(f"{given.results} holds no results.qgs that QGIS can open.")
    layout = laid_out(project, theme_layers(project, given.labels))
    atlas = layout.atlas()
    note("open and lay out")
    with tempfile.TemporaryDirectory() as thrown_away:
        out = given.keep or Path(thrown_away)
        out.mkdir(parents=True, exist_ok=True)
        pdf, image = QgsLayoutExporter.PdfExportSettings(), QgsLayoutExporter.ImageExportSettings()
        image.dpi = 150
        ends = [QgsLayoutExporter.exportToPdf(atlas, str(out / "atlas.pdf"), pdf)]
        note("one PDF of all")
        ends.append(QgsLayoutExporter.exportToPdfs(atlas, str(out / "sheet"), pdf))
        note("a PDF a sheet")
        ends.append(QgsLayoutExporter.exportToImage(atlas, str(out / "sheet"), "png", image))
        note("a PNG a sheet")
        if any(end != QgsLayoutExporter.Success for end, _ in ends):
            raise SystemExit(f"The export failed: {ends}")
        count = len(list(out.glob("*.png")))
    print(f"{count} sheets\n\n| | processor, s | wall, s |\n|---|---:|---:|")
    for (_, wall, busy), (what, wall_after, busy_after) in pairwise(times):
        print(f"| {what} | {busy_after - busy:.2f} | {wall_after - wall:.2f} |")
    wall, busy = times[-1][1] - times[1][1], times[-1][2] - times[1][2]
    print(f"\nThe exports: {busy / count:.2f} s of processor time and {wall / count:.2f} s of wall time a sheet.")


if __name__ == "__main__":
    main()
