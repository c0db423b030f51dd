"""Rasters read whole, with no-data turned into NaN so that it can never be summed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pyproj import CRS

from lifecircle.errors import CrsError, SourceError
from lifecircle.load.coordinates import parse, refuse_old
from lifecircle.study import Raster


def raster(path: str | Path, *, crs: str | None = None) -> Raster:
    """The first band of a raster file as float64, NaN where the file has no data.

    Parameters
    ----------
    crs
        The system to declare where the file does not carry one, or carries a wrong one.

    Returns
    -------
    Raster
        `notes` holds codes of what a careful reader would want to know: ``no_nodata`` (the file does not say which
        value means nothing), ``constant`` (one value everywhere), ``saturated`` (an 8-bit file that reaches 255),
        ``negative`` (values below 0), ``empty`` (no data at all) and ``bands`` (only the first of several was read).

    Raises
    ------
    SourceError
        A file that GDAL cannot open as a raster.
    CrsError
        No system in the file and none declared, or one on an old datum.

    Examples
    --------
    >>> from lifecircle import sample_town
    >>> people = raster(sample_town() / "raw" / "人口.tif")
    >>> people.crs.to_epsg(), round(float(np.nansum(people.values)))
    (4547, 60000)
    """
    import rasterio
    from rasterio.errors import RasterioError

    path = Path(path)
    try:
        with rasterio.open(path) as file:
            band = file.read(1)
            valid = file.read_masks(1) != 0
            nodata, dtype, bands, transform, system = file.nodata, file.dtypes[0], file.count, file.transform, file.crs
    except RasterioError as error:
        raise SourceError(f"{path.name}: cannot be read as a raster ({error})") from error
    known = parse(crs) if crs else CRS.from_wkt(system.to_wkt()) if system else None
    if known is None:
        raise CrsError(f"{path.name}: does not say its coordinate system; give it as crs in study.toml")
    refuse_old(known, where=path.name)
    values = np.where(valid, band.astype(np.float64), np.nan)
    values[~np.isfinite(values)] = np.nan
    a, b, c, d, e, f = tuple(transform)[:6]
    return Raster(
        name=path.name,
        values=values,
        transform=(a, b, c, d, e, f),
        crs=known,
        notes=_notes(values, dtype=dtype, nodata=nodata, bands=bands),
        dtype=str(dtype),
        nodata=None if nodata is None else float(nodata),
    )


def _notes(values: np.ndarray, *, dtype: str, nodata: float | None, bands: int) -> tuple[str, ...]:
    there = values[np.isfinite(values)]
    faults = {
        "empty": not there.size,
        "no_nodata": nodata is None,
        "constant": bool(there.size) and there.min() == there.max(),
        "saturated": dtype == "uint8" and bool(there.size) and there.max() == 255,
        "negative": bool(there.size) and there.min() < 0,
        "bands": bands > 1,
    }
    return tuple(code for code, found in faults.items() if found)
