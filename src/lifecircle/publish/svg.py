"""Small maps as SVG: a sheet with one scale, and shapes as one path."""

from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

_SIMPLER_PX = 0.5


class Sheet(NamedTuple):
    """Where ground lies on a drawing of so many pixels: x to the right of `west`, y down from `north`, `scale` pixels a metre."""

    west: float
    north: float
    scale: float
    width: float
    height: float


def sheet(bounds: Any, *, width: float) -> Sheet | None:
    """A sheet that holds `bounds` (west, south, east, north, in metres); None where they span nothing.

    >>> sheet((0, 0, 100, 50), width=200)
    Sheet(west=0.0, north=50.0, scale=2.0, width=200, height=100.0)
    """
    west, south, east, north = map(float, bounds)
    if not np.isfinite([west, south, east, north]).all() or east <= west or north <= south:
        return None
    scale = width / (east - west)
    return Sheet(west, north, scale, width, (north - south) * scale)


def drawn(frame: Any) -> bool:
    """Whether a layer has anything to draw."""
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        return False
    return bool((~(frame.geometry.isna() | frame.geometry.is_empty)).any())


def path(shapes: Any, on: Sheet) -> str:
    """The outlines of polygons and lines as the data of one path, a tenth of a pixel fine; half a pixel is smoothed away.

    >>> path(gpd.GeoSeries([shapely.LineString([(0, 0), (100, 50)])]), sheet((0, 0, 100, 50), width=200))
    'M0.0 100.0L200.0 0.0'
    """
    simple = shapely.simplify(np.asarray(shapes.array, dtype=object), _SIMPLER_PX / on.scale)
    parts = shapely.get_parts(simple[~shapely.is_missing(simple)])
    polygons = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    lines = np.concatenate([shapely.get_rings(parts[polygons]), parts[~polygons]])
    lines = lines[shapely.get_num_coordinates(lines) > 1]
    xy, of = shapely.get_coordinates(lines, return_index=True)
    if not len(xy):
        return ""
    x, y = (xy[:, 0] - on.west) * on.scale, (on.north - xy[:, 1]) * on.scale
    first = np.r_[True, of[1:] != of[:-1]]
    begin = pd.Series(np.where(first, "M", "L"))
    return "".join((begin + pd.Series(x).map("{:.1f}".format) + " " + pd.Series(y).map("{:.1f}".format)).tolist())


def bar(on: Sheet) -> str:
    """A scale bar of a round length, about a quarter of the sheet, at its lower left."""
    metres = round_length(on.width / on.scale / 4)
    return (
        f'<g transform="translate(10 {on.height - 12:.0f})"><path d="M0 -4V0H{metres * on.scale:.1f}V-4" fill="none" stroke="#222"/>'
        f'<text x="{metres * on.scale + 5:.1f}" y="1" font-size="11">{metres:,.0f} m</text></g>'
    )


def round_length(metres: float) -> float:
    """The longest of 1, 2 or 5 times a power of ten that is no longer than `metres`.

    >>> round_length(730), round_length(2600)
    (500.0, 2000.0)
    """
    power = 10.0 ** np.floor(np.log10(metres))
    return float(max(step * power for step in (1, 2, 5) if step * power <= metres))


def dots(points: Any, on: Sheet) -> str:
    """Points as the data of one path of lines without length; with a round cap each is a dot as wide as the stroke.

    >>> dots(gpd.GeoSeries([shapely.Point(50, 25)]), sheet((0, 0, 100, 50), width=200))
    'M100.0 50.0h0'
    """
    xy = shapely.get_coordinates(np.asarray(points.array, dtype=object))
    if not len(xy):
        return ""
    x, y = (xy[:, 0] - on.west) * on.scale, (on.north - xy[:, 1]) * on.scale
    return "".join(("M" + pd.Series(x).map("{:.1f}".format) + " " + pd.Series(y).map("{:.1f}".format) + "h0").tolist())
