"""Rasters: no-data is never a number, and what is suspicious is said."""

import numpy as np
import pytest
import rasterio
from affine import Affine

from lifecircle import load
from lifecircle.errors import CrsError, SourceError


def write(path, values, *, crs="EPSG:4547", nodata=None):
    """A GeoTIFF of 10 m cells."""
    values = np.atleast_2d(values)
    profile = {
        "driver": "GTiff",
        "height": values.shape[0],
        "width": values.shape[1],
        "count": 1,
        "dtype": values.dtype,
    }
    with rasterio.open(
        path, "w", crs=crs, nodata=nodata, transform=Affine(10, 0, 500_000, 0, -10, 4_000_000), **profile
    ) as file:
        file.write(values, 1)
    return path


def test_nodata_is_nan_and_never_summed(tmp_path):
    """A population raster whose no-data is -99999 sums to its people."""
    raster = load.raster(write(tmp_path / "p.tif", np.array([[5, -99999], [7, 8]], dtype="float32"), nodata=-99999))
    assert np.nansum(raster.values) == 20
    assert np.isnan(raster.values[0, 1])
    assert raster.transform == (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0)
    assert (raster.crs.to_epsg(), raster.notes, raster.name) == (4547, (), "p.tif")


@pytest.mark.parametrize(("dtype", "nodata"), [("uint8", None), ("int16", -32768), ("float32", -9999)])
def test_what_the_file_declares_is_kept(tmp_path, dtype, nodata):
    """The type of the stored numbers and the declared no-data value, None where there is none, stay with the raster."""
    raster = load.raster(write(tmp_path / "r.tif", np.array([[1, 2]], dtype=dtype), nodata=nodata))
    assert (raster.dtype, raster.nodata) == (dtype, nodata)
    assert raster.values.dtype == np.float64


@pytest.mark.parametrize(
    ("values", "nodata", "notes"),
    [
        (np.array([[1, 255]], dtype="uint8"), None, ("no_nodata", "saturated")),
        (np.array([[4, 4]], dtype="int16"), -1, ("constant",)),
        (np.array([[-3, 4]], dtype="int16"), -1, ("negative",)),
        (np.array([[-1, -1]], dtype="int16"), -1, ("empty",)),
    ],
)
def test_suspicious_rasters_are_noted(tmp_path, values, nodata, notes):
    """No declared no-data, one value everywhere, an 8-bit raster at 255, negative and empty ones each carry their code."""
    assert load.raster(write(tmp_path / "r.tif", values, nodata=nodata)).notes == notes


def test_a_raster_without_a_system_asks_for_it(tmp_path):
    """Without a system in the file one must be declared; an old datum is refused all the same."""
    path = write(tmp_path / "r.tif", np.array([[1, 2]], dtype="uint8"), crs=None)
    with pytest.raises(CrsError, match="does not say"):
        load.raster(path)
    assert load.raster(path, crs="EPSG:4547").crs.to_epsg() == 4547
    with pytest.raises(CrsError, match="Xian 1980"):
        load.raster(path, crs="EPSG:2383")


def test_a_file_that_is_no_raster_is_named(tmp_path):
    """Text with the ending of a raster is refused by name."""
    (tmp_path / "r.tif").write_text("nothing", encoding="utf-8")
    with pytest.raises(SourceError, match=r"r\.tif: cannot be read as a raster"):
        load.raster(tmp_path / "r.tif")
