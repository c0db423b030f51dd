"""Run by Debian's Python where QGIS is installed: opens a project headless, says what it finds as JSON, draws a picture."""

import json
import os
import sys


def main() -> None:
    from qgis.core import (
        QgsApplication,
        QgsMapRendererParallelJob,
        QgsMapSettings,
        QgsProject,
        QgsRenderContext,
        QgsVectorLayer,
    )
    from qgis.PyQt.QtCore import QSize

    project_file, geopackage, picture = sys.argv[1:4]
    application = QgsApplication([], False)
    application.initQgis()
    project = QgsProject.instance()
    read = project.read(project_file)
    found = {"read": read, "title": project.title(), "crs": project.crs().authid(), "layers": {}, "styled": {}}
    for layer in project.mapLayers().values():
        found["layers"][layer.name()] = {
            "valid": layer.isValid(),
            "rows": layer.featureCount(),
            "renderer": layer.renderer().type(),
            "crs": layer.crs().authid(),
            "aliases": {field.name(): field.alias() for field in layer.fields() if field.alias()},
            "classes": [item.label() for item in layer.renderer().legendSymbolItems()],
        }
    root = project.layerTreeRoot()
    found["groups"] = [node.name() for node in root.children()]
    found["shown"] = [layer.name() for layer in root.checkedLayers()]
    found["lost"] = [node.name() for node in root.findLayers() if node.layer() is None]
    for name in sys.argv[4:]:
        layer = QgsVectorLayer(f"{geopackage}|layername={name}", name, "ogr")
        _, fine = layer.loadDefaultStyle()
        count, _, names, *_ = layer.listStylesInDatabase()
        renderer = layer.renderer()
        found["styled"][name] = {
            "fine": fine,
            "renderer": renderer.type(),
            "names": sorted(names[:count]),
            "colours": [symbol.color().name() for symbol in renderer.symbols(QgsRenderContext())],
            "aliases": {field.name(): field.alias() for field in layer.fields() if field.alias()},
            "words": {
                field.name(): layer.editorWidgetSetup(place).config().get("map")
                for place, field in enumerate(layer.fields())
                if layer.editorWidgetSetup(place).type() == "ValueMap"
            },
        }
    settings = QgsMapSettings()
    settings.setLayers(root.checkedLayers())
    settings.setDestinationCrs(project.crs())
    settings.setExtent(root.checkedLayers()[-1].extent())
    settings.setOutputSize(QSize(1000, 800))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(picture)
    sys.stdout.write("FOUND" + json.dumps(found, ensure_ascii=False))
    sys.stdout.flush()
    # leaving through exitQgis crashes where layers are still held
    os._exit(0)


if __name__ == "__main__":
    main()
