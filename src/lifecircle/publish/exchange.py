"""Layers and tables as plain files others read: a CSV each, and a GeoJSON each where there is geometry."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.errors import CrsError, OutputError
from lifecircle.publish import geopackage, labels, workbook


def write(layers: Mapping[str, gpd.GeoDataFrame | pd.DataFrame], folder: Path | str) -> list[str]:
    """Write each of `layers` into `folder` as ``<name>.csv``, with geometry also as ``<name>.geojson``; returns the names of the files.

    CSV: UTF-8 with a byte order mark, so that Excel on a Chinese Windows opens it; a named index becomes the first column;
    missing values are empty; yes-or-no values are ``true`` and ``false``; points carry ``lon`` and ``lat``; a text that a
    spreadsheet might read as a formula gets an apostrophe in front. GeoJSON: RFC 7946, longitude and latitude in WGS84
    with seven decimals (1 cm), missing values null. ``fields.csv`` says what every column is called, in Chinese and in English, with
    its unit. The same bytes on every run.

    Raises
    ------
    OutputError
        A file that cannot be written, or names that differ only in case.
    CrsError
        A layer with geometry but without coordinate system.
    """
    folder = Path(folder)
    names = pd.Series(list(layers), dtype="str")
    if names.str.casefold().duplicated().any():
        raise OutputError("Layers whose names differ only in case cannot be files of one folder: rename one.")
    files, fields = [], []
    for name, frame in layers.items():
        columns = geopackage.columns(frame)
        drawn = frame if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None else None
        try:
            if drawn is not None:
                files.append(_geojson(name, drawn, folder))
            files.append(_csv(name, columns, drawn, folder))
        except (OSError, RuntimeError) as error:  # pyogrio's DataSourceError is a RuntimeError
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"{name} cannot be written to {folder}: {error}.") from error
        fields.append(_fields(name, list(columns)))
    if fields:
        _text(pd.concat(fields, ignore_index=True), folder / "fields.csv")
        files.append("fields.csv")
    return files


def _text(table: pd.DataFrame, path: Path) -> None:
    try:
        table.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n", date_format="%Y-%m-%d")
    except OSError as error:
        raise OutputError(f"{path.name} cannot be written: {error.strerror or error}.") from error


def _csv(name: str, columns: "Mapping[str, pd.Series[Any]]", frame: gpd.GeoDataFrame | None, folder: Path) -> str:
    table = pd.DataFrame(dict(columns))
    for column, values in table.items():
        if pd.api.types.is_bool_dtype(values.dtype):
            table[column] = values.astype("boolean").map({True: "true", False: "false"}).astype("str")
        elif not pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_datetime64_any_dtype(values.dtype):
            table[column] = workbook.safe(values)
    if frame is not None and len(frame) and (frame.geom_type.dropna() == "Point").all():
        degrees = frame.geometry.to_crs(4326)
        table["lon"], table["lat"] = (degrees.x.round(7).to_numpy(), degrees.y.round(7).to_numpy())
    table.columns = workbook.safe(pd.Series(table.columns, dtype="str")).tolist()
    _text(table, folder / f"{name}.csv")
    return f"{name}.csv"


def _geojson(name: str, frame: gpd.GeoDataFrame, folder: Path) -> str:
    import pyogrio.raw

    if frame.crs is None:
        raise CrsError(f"The layer {name} has no coordinate system, so it cannot be written as GeoJSON.")
    path = folder / f"{name}.geojson"
    fields = {
        column: geopackage.field(values, f"{name}, column {column}")
        for column, values in geopackage.columns(frame).items()
    }
    shapes = shapely.force_2d(np.asarray(frame.geometry.to_crs(4326).array, dtype=object))
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(shapes, include_srid=False, flavor="iso"),
        geometry_type="Unknown",
        crs="EPSG:4326",
        field_data=[values for values, _ in fields.values()],
        field_mask=[mask for _, mask in fields.values()],
        fields=np.array(list(fields), dtype=object),
        driver="GeoJSON",
        encoding="UTF-8",
        layer=name,
        layer_options={"RFC7946": "YES", "COORDINATE_PRECISION": "7"},
    )
    return path.name


def _fields(name: str, columns: list[str]) -> pd.DataFrame:
    zh, en = (
        [labels.heading(c, language, labels.of_sheet(name, language)) for c in columns] for language in ("zh", "en")
    )
    unit = [labels.unit(c, "en") for c in columns]
    unit = ["share" if u == "%" else u for u in unit]
    return pd.DataFrame({"layer": name, "field": columns, "name_zh": zh, "name_en": en, "unit": unit}, dtype="str")
