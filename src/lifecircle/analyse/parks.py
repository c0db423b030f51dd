"""How much residential land lies within the service radius of a park.

The published indicator is drawn with straight-line buffers around the park's outline, so this is not walking distance;
`coverage` answers that. Two definitions are in use side by side and differ in the smallest park that counts.
"""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely


def service_area(parks: gpd.GeoDataFrame, classes: pd.DataFrame) -> Any:
    """The ground within the service radius of any park that counts.

    Parameters
    ----------
    parks
        Canonical parks in a projected system in metres. A park's area is the one declared, else the one drawn.
    classes
        One row for each size class: ``area_from_m2`` (inclusive), ``area_below_m2`` (exclusive, NaN: no upper end), ``radius_m``.

    Returns
    -------
    shapely geometry
        The union of all buffers, empty where no park counts. A buffer's circle is drawn with 16 segments a quadrant: its
        area falls short of the true circle's by 0.16 %.

    Examples
    --------
    >>> from shapely import box
    >>> from lifecircle import schema
    >>> park = schema.conform("parks", gpd.GeoDataFrame(geometry=[box(0, 0, 100, 60)], index=["K1"], crs=4547))
    >>> classes = pd.DataFrame({"area_from_m2": [5000.0], "area_below_m2": [np.nan], "radius_m": [500.0]})
    >>> round(service_area(park, classes).bounds[2])
    600
    """
    area = parks["site_area_m2"].where(parks["site_area_m2"] > 0, parks.area).to_numpy()[:, None]
    starts = classes["area_from_m2"].to_numpy(dtype="float64")
    ends = classes["area_below_m2"].fillna(np.inf).to_numpy(dtype="float64")
    inside = (area >= starts) & (area < ends)
    radii = np.where(inside, classes["radius_m"].to_numpy(dtype="float64"), -np.inf).max(axis=1, initial=-np.inf)
    counts = radii > 0
    return shapely.union_all(shapely.buffer(parks.geometry.to_numpy()[counts], radii[counts], quad_segs=16))


def covered(land: gpd.GeoDataFrame, area: Any) -> pd.DataFrame:
    """How much of each piece of residential land lies in the service area.

    Parameters
    ----------
    land
        Residential land, polygons, in metres.
    area
        What `service_area` returned.

    Returns
    -------
    DataFrame
        On the index of `land`: ``land_m2``, ``covered_m2`` and ``share`` (0–1). The indicator of a town is
        ``covered_m2.sum() / land_m2.sum()``.

    Examples
    --------
    >>> from shapely import box
    >>> land = gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10)], index=["P1"], crs=4547)
    >>> covered(land, box(0, 0, 5, 10))["share"].tolist()
    [0.5]
    """
    shapes = land.geometry.to_numpy()
    shapely.prepare(area)
    total = shapely.area(shapes)
    whole = shapely.covered_by(shapes, area)
    part = total.copy()
    part[~whole] = shapely.area(shapely.intersection(shapes[~whole], area))
    return pd.DataFrame({"land_m2": total, "covered_m2": part, "share": part / total}, index=land.index)
