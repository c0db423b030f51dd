"""Layers and tables into one GeoPackage, byte for byte the same on every run."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle import schema
from lifecircle.errors import OutputError
from lifecircle.publish import output

_OWN = {"fid", "geom"}


def write(
    layers: Mapping[str, gpd.GeoDataFrame | pd.DataFrame], path: Path | str, *, styles: pd.DataFrame | None = None
) -> None:
    """Write `layers` in their order as the layers of one GeoPackage at `path`, replacing a file that is there.

    `styles` is the table of `qgis.styles`: QGIS then opens each layer in its colours and with its words.

    A named index becomes the first column; a DataFrame becomes a table without geometry; a layer without rows keeps its
    columns. Missing values are NULL, yes-or-no columns BOOLEAN, dates without a time of day DATE. Where Polygon and
    MultiPolygon (or LineString and MultiLineString) meet in one layer, all become the multi kind.

    Raises
    ------
    OutputError
        Names that differ only in case, a column of a kind a GeoPackage has no place for, or a file that cannot be
        written.

    >>> import tempfile, pyogrio
    >>> gates = gpd.GeoDataFrame({"state": ["open"]}, index=pd.Index(["G1"], name="gate_id"),
    ...                          geometry=[shapely.Point(0, 0)], crs=4547)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write({"gates": gates}, Path(folder) / "town.gpkg")
    ...     list(pyogrio.read_dataframe(Path(folder) / "town.gpkg").columns)
    ['gate_id', 'state', 'geometry']
    """
    path = Path(path)
    _unique(list(layers), f"{path.name}: layers")
    try:
        path.unlink(missing_ok=True)
        with _fixed_date():
            for name, frame in layers.items():
                _write_layer(name, frame, path)
            if styles is not None and len(styles):
                _write_layer("layer_styles", styles, path, key="id")
    except OutputError:
        raise
    except (OSError, RuntimeError) as error:  # pyogrio's DataSourceError is a RuntimeError
        raise OutputError(f"{path.name} cannot be written: {error}.") from error


@contextmanager
def _fixed_date() -> Iterator[None]:
    import pyogrio

    option = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(option)
    pyogrio.set_gdal_config_options({option: output.stamp().strftime("%Y-%m-%dT%H:%M:%S.000Z")})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({option: before})


def _write_layer(name: str, frame: gpd.GeoDataFrame | pd.DataFrame, path: Path, *, key: str = "fid") -> None:
    import pyogrio.raw

    spatial = isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None
    held = columns(frame)
    _unique([*held, *sorted(_OWN)], f"{path.name}, layer {name}: columns")
    fields = [field(values, f"{path.name}, layer {name}, column {column}") for column, values in held.items()]
    shape: dict[str, Any] = {"geometry": None, "geometry_type": None, "crs": None}
    options = {"FID": key}
    if spatial:
        shapes = np.asarray(frame.geometry.array, dtype=object)
        kind, promote = _geometry_type(name, shapes)
        shape = {
            "geometry": shapely.to_wkb(shapes, include_srid=False, flavor="iso"),
            "geometry_type": kind,
            "promote_to_multi": promote,
            "crs": None if frame.crs is None else _crs(frame.crs),
        }
        options |= {"SPATIAL_INDEX": "YES"}
    pyogrio.raw.write(
        path,
        field_data=[values for values, _ in fields],
        field_mask=[mask for _, mask in fields],
        fields=np.array(list(held), dtype=object),
        layer=name,
        driver="GPKG",
        layer_options=options,
        encoding="UTF-8",
        **shape,
    )


def _crs(crs: Any) -> str:
    authority = crs.to_authority(min_confidence=100)
    return ":".join(authority) if authority else str(crs.to_wkt())


def columns(frame: pd.DataFrame) -> "dict[str, pd.Series[Any]]":
    """The columns of a layer as files hold them: a named index first, no geometry."""
    named = [level for level in frame.index.names if level is not None]
    flat = pd.DataFrame(frame).reset_index(level=named) if named else pd.DataFrame(frame)
    geometry = frame.active_geometry_name if isinstance(frame, gpd.GeoDataFrame) else None
    return {str(column): flat[column] for column in flat.columns if column != geometry}


def _unique(names: list[str], where: str) -> None:
    folded = pd.Series(names, dtype="str").str.casefold()
    twice = [names[place] for place in np.flatnonzero(folded.duplicated(keep=False))]
    if twice:
        raise OutputError(f"{where} {' and '.join(map(repr, twice))} are one name to a GeoPackage: rename one.")


def field(values: "pd.Series[Any]", where: str) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None]":
    """The values and the mask of missing ones, in a type that GDAL has a field for."""
    missing = values.isna().to_numpy(dtype=bool)
    mask = missing if missing.any() else None
    dtype = values.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return values.fillna(False).to_numpy(dtype=bool), mask
    if pd.api.types.is_integer_dtype(dtype):
        return values.fillna(0).to_numpy(dtype=np.int64), mask
    if pd.api.types.is_float_dtype(dtype):
        return values.to_numpy(dtype=np.float64, na_value=np.nan), mask
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return _dates(values), mask
    if isinstance(dtype, pd.CategoricalDtype | pd.StringDtype) or pd.api.types.is_object_dtype(dtype):
        words = values.astype("str").fillna("").to_numpy(dtype=object)
        return words, mask
    raise OutputError(f"{where}: a GeoPackage has no place for values of type {dtype}.")


def _dates(values: "pd.Series[Any]") -> "np.ndarray[Any, Any]":
    times = values.dt.tz_convert("UTC").dt.tz_localize(None) if values.dt.tz is not None else values
    raw = times.to_numpy(dtype="datetime64[ms]")
    days = raw.astype("datetime64[D]")
    return days if bool((times.isna() | (days.astype(raw.dtype) == raw)).all()) else raw


def _geometry_type(name: str, shapes: "np.ndarray[Any, Any]") -> tuple[str, bool]:
    present = shapes[~shapely.is_missing(shapes)]
    kinds = set(gpd.GeoSeries(present).geom_type.unique()) if len(present) else set()
    if not kinds and name in schema.TABLES:
        kinds = set(schema.TABLES[name].geometry)
    depth = " Z" if len(present) and bool(shapely.has_z(present).any()) else ""
    for single in ("Point", "LineString", "Polygon"):
        if kinds and kinds <= {single, f"Multi{single}"}:
            multi = f"Multi{single}" in kinds
            return (f"Multi{single}" if multi else single) + depth, multi
    return "Unknown", False
