"""Whether a system fits the place: is the study's true to scale there, and do points fit the streets as declared."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import ProjError

from lifecircle import standards
from lifecircle.load import coordinates

_TRUE = ("EPSG:4326", "EPSG:4490", "OGC:CRS84")
_HINTS = (
    (r"高德|腾讯|(?<![a-z])amap|gcj|tencent", "GCJ-02"),
    (r"百度|baidu|bd[-_ ]?09", "BD-09"),
)
_MOST = 20_000  # points compared at most


def scale_error(crs: CRS, x: float, y: float) -> tuple[float, str]:
    """How far lengths in `crs` are off true at x, y, in any direction, and a system that would fit there.

    The error is infinite where `crs` is made for the other side of the Earth, or its formulas say nothing.

    >>> error, better = scale_error(CRS(6933), 10_970_000, 4_450_000)
    >>> error > 0.08, better
    (True, 'EPSG:4547')
    >>> scale_error(CRS(4547), 473_507.8, 4_163_143.3)[0] < 1e-4
    True
    """
    base = crs.geodetic_crs
    if base is None:
        return 0.0, ""
    lon, lat = Transformer.from_crs(crs, base, always_xy=True).transform(x, y)
    if not np.isfinite([lon, lat]).all():
        return np.inf, "the system of the place"
    better = _better(lon, lat)
    area = crs.area_of_use
    if area is not None:
        width = (area.east - area.west) % 360 or 360
        gap = abs((lon - area.west - width / 2 + 180) % 360 - 180)
        if gap > width / 2 + 90:  # transverse projections are true to scale again behind the pole
            return np.inf, better
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            factors = Proj(crs).get_factors(lon, lat)
    except ProjError:
        return np.inf, better
    scales = np.array([factors.tissot_semimajor, factors.tissot_semiminor])
    return float(np.abs(scales - 1.0).max()) if np.isfinite(scales).all() else np.inf, better


def _better(lon: float, lat: float) -> str:
    """The 3-degree zone of CGCS2000 in China, else the UTM zone."""
    lon = (lon + 180) % 360 - 180
    if 73.5 <= lon <= 135.1 and 17 <= lat <= 53.6:
        return coordinates.unprefixed(min(max(round(lon / 3) * 3, 75), 135))
    return f"EPSG:{(32600 if lat >= 0 else 32700) + int((lon + 180) // 6) + 1}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Points:
    """The points of one source as they stand in the file, in degrees, and the system they are declared in."""

    layer: str
    source: str
    declared: str
    xy: NDArray[np.float64]
    count: int


def points(layer: str, source: str, frame: pd.DataFrame) -> Points | None:
    """The points in China of a raw layer that is declared in WGS84, CGCS2000, GCJ-02 or BD-09; None where it is not."""
    declared = str(frame.attrs.get("crs", ""))
    if not isinstance(frame, gpd.GeoDataFrame) or declared not in (*_TRUE, *coordinates.OFFSETS):
        return None
    shapes: Any = np.asarray(frame.geometry.array)
    xy = shapely.get_coordinates(shapes[shapely.get_type_id(shapes) == 0])
    xy = xy[np.isfinite(xy).all(axis=1)]
    xy = xy[coordinates.in_china(xy[:, 0], xy[:, 1])]
    if not len(xy):
        return None
    step = -(-len(xy) // _MOST)
    return Points(layer=layer, source=source, declared=declared, xy=xy[::step], count=len(xy))


def named(names: Iterable[str]) -> tuple[str, str] | None:
    """The word in a file name, a sheet or headings that stands for an offset system, and that system.

    >>> named(["POI_高德.csv", "lng"]), named(["datamap.csv"]), named(["bd09_lng"])
    (('高德', 'GCJ-02'), None, ('bd09', 'BD-09'))
    """
    for pattern, system in _HINTS:
        for name in names:
            if found := re.search(pattern, name, flags=re.IGNORECASE):
                return found[0], system
    return None


def better(these: Points, tree: shapely.STRtree, crs: CRS) -> tuple[str, float, float] | None:
    """The system that brings points to well under their distance from the shapes of `tree`, with both medians.

    How far under, and what gain is no chance, are the parameters ``offset_gain_share`` and ``offset_gain_m``. Points declared in WGS84 or CGCS2000 are tried in GCJ-02 and BD-09, those declared
    in one of these in WGS84.
    """
    others = ("EPSG:4326",) if these.declared in coordinates.OFFSETS else coordinates.OFFSETS
    before = _median(these.xy, these.declared, tree, crs)
    after, system = min((_median(these.xy, other, tree, crs), other) for other in others)
    much = after < before * standards.parameter("offset_gain_share")
    return (system, before, after) if much and before - after > standards.parameter("offset_gain_m") else None


def _median(xy: NDArray[np.float64], system: str, tree: shapely.STRtree, crs: CRS) -> float:
    """The median distance of points in `system` to the nearest shape, in metres."""
    x, y = xy.T
    if system in coordinates.OFFSETS:
        x, y = coordinates.to_wgs84(system)(x, y)
        system = "EPSG:4326"
    placed = shapely.points(*Transformer.from_crs(system, crs, always_xy=True).transform(x, y))
    index, distances = tree.query_nearest(placed, return_distance=True, all_matches=False)
    metres = np.full(len(placed), np.inf)
    metres[index[0]] = distances
    return float(np.median(metres))
