"""Coordinate systems as Chinese practice has them: offset systems, zone prefixes, old datums, swapped axes.

GCJ-02 and BD-09 are published only as formulas; both are undone by fixed-point iteration on our own forward formula, so
a round trip closes to far less than a millimetre whatever the true map provider does (its own rounding is within 0.75 m).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError as ProjError

from lifecircle.errors import CrsError

Array = NDArray[np.float64]
Pair = tuple[Array, Array]

_A = 6378245.0  # Krasovsky 1940, the ellipsoid the offset formula is written on
_E2 = 0.00669342162296594323
_BD = np.pi * 3000.0 / 180.0
# the box outside which the offset is not defined
_WEST, _SOUTH, _EAST, _NORTH = 72.004, 0.8293, 137.8347, 55.8271

OFFSETS = ("GCJ-02", "BD-09")
_SPELLED = {"gcj02": "GCJ-02", "gcj": "GCJ-02", "bd09": "BD-09", "bd09ll": "BD-09"}


def offset_name(text: str) -> str | None:
    """GCJ-02 or BD-09 if `text` spells one of them, else None.

    >>> offset_name("gcj02"), offset_name("BD-09"), offset_name("EPSG:4326")
    ('GCJ-02', 'BD-09', None)
    """
    return _SPELLED.get(re.sub(r"[\s_-]", "", text).lower())


def in_china(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Whether each point lies in the box where GCJ-02 is defined.

    >>> in_china([116.4, 24.9], [39.9, 60.2]).tolist()
    [True, False]
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    return (x >= _WEST) & (x <= _EAST) & (y >= _SOUTH) & (y <= _NORTH)


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """GCJ-02 longitudes and latitudes of WGS84 ones, in degrees; points outside China come back unchanged.

    >>> x, y = wgs84_to_gcj02(116.404, 39.915)
    >>> round(float(x), 8), round(float(y), 8)
    (116.4102445, 39.91640428)
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    east, north = _waves(x - 105.0, y - 35.0)
    phi = np.radians(y)
    w = 1.0 - _E2 * np.sin(phi) ** 2
    dx = np.degrees(east / (_A / np.sqrt(w) * np.cos(phi)))
    dy = np.degrees(north / (_A * (1.0 - _E2) / (w * np.sqrt(w))))
    inside = in_china(x, y)
    return np.where(inside, x + dx, x), np.where(inside, y + dy, y)


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """WGS84 longitudes and latitudes of GCJ-02 ones: the forward formula undone by fixed-point iteration.

    >>> x, y = gcj02_to_wgs84(*wgs84_to_gcj02([116.404], [39.915]))
    >>> np.allclose([x[0], y[0]], [116.404, 39.915], rtol=0, atol=1e-12)
    True
    """
    return _undone(wgs84_to_gcj02, lon, lat)


def gcj02_to_bd09(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """BD-09 longitudes and latitudes of GCJ-02 ones.

    >>> x, y = gcj02_to_bd09(116.404, 39.915)
    >>> round(float(x), 8), round(float(y), 8)
    (116.41036949, 39.92133699)
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BD)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD)
    inside = in_china(x, y)
    return (
        np.where(inside, radius * np.cos(angle) + 0.0065, x),
        np.where(inside, radius * np.sin(angle) + 0.006, y),
    )


def bd09_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """GCJ-02 longitudes and latitudes of BD-09 ones, by fixed-point iteration.

    The provider's own published inverse is another formula and differs from this one by up to a metre.
    """
    return _undone(gcj02_to_bd09, lon, lat)


def wgs84_to_bd09(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """BD-09 longitudes and latitudes of WGS84 ones."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def bd09_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """WGS84 longitudes and latitudes of BD-09 ones.

    >>> x, y = bd09_to_wgs84(*wgs84_to_bd09([113.7], [37.6]))
    >>> np.allclose([x[0], y[0]], [113.7, 37.6], rtol=0, atol=1e-12)
    True
    """
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


def to_wgs84(system: str) -> Callable[[ArrayLike, ArrayLike], Pair]:
    """The function that takes coordinates of the offset system `system` (GCJ-02 or BD-09) to WGS84."""
    return {"GCJ-02": gcj02_to_wgs84, "BD-09": bd09_to_wgs84}[system]


def _waves(x: Array, y: Array) -> Pair:
    """Metres of offset east and north at x, y degrees from 105 °E 35 °N."""
    root = np.sqrt(np.abs(x))
    ripple = (20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + ripple
    east += (20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi / 3.0 * x)) * 2.0 / 3.0
    east += (150.0 * np.sin(np.pi / 12.0 * x) + 300.0 * np.sin(np.pi / 30.0 * x)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + ripple
    north += (20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi / 3.0 * y)) * 2.0 / 3.0
    north += (160.0 * np.sin(np.pi / 12.0 * y) + 320.0 * np.sin(np.pi / 30.0 * y)) * 2.0 / 3.0
    return east, north


def _undone(forward: Callable[[ArrayLike, ArrayLike], Pair], lon: ArrayLike, lat: ArrayLike) -> Pair:
    there_x, there_y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    x, y = there_x, there_y
    for _ in range(30):  # the offset changes by about 1e-4 of a step: some six turns settle every digit
        again_x, again_y = forward(x, y)
        step_x, step_y = there_x - again_x, there_y - again_y
        x, y = x + step_x, y + step_y
        if not x.size or max(_largest(step_x), _largest(step_y)) < 1e-14:
            break
    inside = in_china(there_x, there_y)
    return np.where(inside, x, there_x), np.where(inside, y, there_y)


def _largest(steps: Array) -> float:
    finite = np.abs(steps[np.isfinite(steps)])
    return float(finite.max()) if finite.size else 0.0


def parse(text: str) -> CRS:
    """The coordinate system `text` names ("EPSG:4547", "4547", WKT or a PROJ string).

    Raises
    ------
    CrsError
        Where the text names no system, or one on a datum without an honest way to today's.
    """
    try:
        crs = CRS.from_user_input(int(text) if text.strip().isdigit() else text.strip())
    except ProjError:
        raise CrsError(f"{text!r} is not a coordinate system; write it as EPSG:4547 for example") from None
    refuse_old(crs)
    return crs


def refuse_old(crs: CRS, *, where: str = "") -> None:
    """Refuse Xian 1980 and Beijing 1954.

    Raises
    ------
    CrsError
        PROJ offers only a ballpark operation from these datums to CGCS2000: the result would be tens to over a hundred
        metres off without a word.
    """
    base = crs.geodetic_crs
    names = f"{crs.name} {base.name if base is not None else ''} {base.datum.name if base is not None and base.datum else ''}"
    for pattern, datum in ((r"xi.?an[\s_]*(19)?80", "Xian 1980"), (r"beijing[\s_]*(19)?54", "Beijing 1954")):
        if re.search(pattern, names, flags=re.IGNORECASE):
            raise CrsError(
                f"{where + ': ' if where else ''}{label(crs)} is on {datum}, which has no honest transformation to "
                "CGCS2000 without local parameters (a plain conversion is tens to over a hundred metres off); "
                "have the data converted by whoever holds the local parameters"
            )


def label(crs: Any) -> str:
    """A short name of a system: EPSG:4547, GCJ-02, or its own name where it has no code.

    >>> label(CRS(4547)), label("GCJ-02"), label(None)
    ('EPSG:4547', 'GCJ-02', '')
    """
    if crs is None:
        return ""
    if isinstance(crs, str):
        return crs
    authority = crs.to_authority(min_confidence=100)
    return ":".join(authority) if authority else str(crs.name)


def gauss_kruger(crs: CRS) -> tuple[int, int] | None:
    """Zone prefix (0 where eastings have none) and central meridian of a Gauss-Kruger system of China, else None.

    >>> gauss_kruger(CRS(4526)), gauss_kruger(CRS(4547)), gauss_kruger(CRS(32649))
    ((38, 114), (0, 114), None)
    """
    base = crs.geodetic_crs
    if not crs.is_projected or base is None or not re.search(r"2000|CGCS", base.name):
        return None
    if crs.coordinate_operation is None or "Transverse" not in crs.coordinate_operation.method_name:
        return None
    values = {p.name: float(p.value) for p in crs.coordinate_operation.params}
    easting, meridian = values.get("False easting", 0.0), values.get("Longitude of natural origin", 0.0)
    return int(easting // 1_000_000), round(meridian)


def swapped(x: Array, y: Array, crs: CRS | str) -> bool:
    """Whether the two columns clearly came northing first (the order of Chinese survey tables and of EPSG itself).

    >>> swapped(np.array([4163143.3]), np.array([473507.8]), CRS(4547)), swapped(np.array([37.6]), np.array([113.7]), "GCJ-02")
    (True, True)
    """
    ok = np.isfinite(x) & np.isfinite(y)
    if not ok.any():
        return False
    x, y = x[ok], y[ok]
    if isinstance(crs, str) or crs.is_geographic:
        return bool((np.abs(y) > 90).all() and (np.abs(y) <= 180).all() and (np.abs(x) <= 90).all())
    if gauss_kruger(crs) is None:
        return False
    northing_first = (x > 1.5e6) & (x < 6.5e6)
    easting_second = ((y > 1e5) & (y < 1e6)) | ((y > 1.3e7) & (y < 4.6e7))
    return bool((northing_first & easting_second).all())


def contradictions(x: ArrayLike, y: ArrayLike, crs: CRS | str) -> str | None:
    """One sentence on why the numbers cannot be coordinates of `crs`; None where nothing speaks against it.

    Parameters
    ----------
    x, y
        Eastings and northings (or longitudes and latitudes) as they stand in the file; missing ones are passed over.

    >>> contradictions([38473507.8], [4163143.3], CRS(4547))
    'its eastings start with 38, the prefix of a zone, but EPSG:4547 has none; they fit EPSG:4526'
    """
    east, north = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    ok = np.isfinite(east) & np.isfinite(north)
    if not ok.any():
        return None
    east, north, said = east[ok], north[ok], label(crs)
    degrees = bool((np.abs(east) <= 180).all() and (np.abs(north) <= 90).all())
    if isinstance(crs, str) or crs.is_geographic:
        if degrees:
            return None
        if isinstance(crs, str) or _in_degrees(crs):
            return f"its coordinates reach {np.abs(east).max():,.0f} and {np.abs(north).max():,.0f}, which are no degrees of {said}"
        return None
    small = np.ptp(east) < 3 and np.ptp(north) < 3 and np.abs(east).max() > 5  # a town, and not a drawing from 0, 0
    if degrees and small and ((east % 1 != 0) | (north % 1 != 0)).any():
        return f"its coordinates look like degrees, but {said} counts in metres"
    if np.median(np.abs(east)) > 1e8:
        return (
            f"its coordinates reach {np.abs(east).max():,.0f}: they look like millimetres, but {said} counts in metres"
        )
    zone = gauss_kruger(crs)
    return None if zone is None else _zone_contradiction(east, *zone, said)


def _in_degrees(crs: CRS) -> bool:
    return all(axis.unit_name == "degree" for axis in crs.axis_info[:2])


def _zone_contradiction(east: Array, prefix: int, meridian: int, said: str) -> str | None:
    middle = float(np.median(east))
    leading = int(middle // 1_000_000)
    if prefix == 0 and 13 <= leading <= 45:
        return (
            f"its eastings start with {leading}, the prefix of a zone, but {said} has none"
            f"{f'; they fit {prefixed(leading)}' if prefixed(leading) else ''}"
        )
    if prefix and 100_000 <= middle < 1_000_000:
        return (
            f"its eastings have no zone prefix ({middle:,.0f}), but {said} has the prefix {prefix}; "
            f"without one the system would be {unprefixed(meridian)}"
        )
    if prefix and leading != prefix and 13 <= leading <= 45:
        return (
            f"its eastings start with {leading}, but {said} is zone {prefix}"
            f"{f'; they fit {prefixed(leading)}' if prefixed(leading) else ''}"
        )
    return None


def outside_use(x: ArrayLike, y: ArrayLike, crs: CRS) -> bool:
    """Whether the middle of the points lies more than three degrees outside the area `crs` is made for.

    Local coordinates, a wrong zone and northings of the other hemisphere all show this way.

    >>> outside_use([500.0], [800.0], CRS(4547)), outside_use([473507.8], [4163143.3], CRS(4547))
    (True, False)
    """
    area = crs.area_of_use
    east, north = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    ok = np.isfinite(east) & np.isfinite(north)
    if area is None or not ok.any() or crs.geodetic_crs is None:
        return False
    there = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    lon, lat = there.transform(np.median(east[ok]), np.median(north[ok]))
    if not np.isfinite([lon, lat]).all():
        return True
    width = area.east - area.west if area.east >= area.west else area.east - area.west + 360
    wide = width >= 354 or (lon - area.west) % 360 <= width + 3 or (area.west - lon) % 360 <= 3
    return not (wide and area.south - 3 <= lat <= area.north + 3)


def prefixed(zone: int) -> str:
    """The CGCS2000 system whose eastings start with `zone`: 25–45 are 3-degree zones, 13–23 are 6-degree zones.

    >>> prefixed(38), prefixed(19), prefixed(24)
    ('EPSG:4526', 'EPSG:4497', '')
    """
    if 25 <= zone <= 45:
        return f"EPSG:{4513 + zone - 25}"
    return f"EPSG:{4491 + zone - 13}" if 13 <= zone <= 23 else ""


def unprefixed(meridian: int) -> str:
    """The CGCS2000 3-degree system without a prefix on the central meridian `meridian` (75–135 °E).

    >>> unprefixed(114)
    'EPSG:4547'
    """
    return f"EPSG:{4534 + (meridian - 75) // 3}"
