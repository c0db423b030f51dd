"""Geometry of one layer: into the study's system, two-dimensional, valid, of the wanted type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from lifecircle.load import coordinates

Shapes = NDArray[Any]
_DIMENSION = {"Point": 0, "LineString": 1, "Polygon": 2}
_POINT_INSIDE = ("facilities", "homes")  # digitised as areas as often as points


@dataclass(kw_only=True)
class Fitted:
    """Shapes that fit a table (None elsewhere), the code of why each other row does not, and counts of what was done."""

    shapes: Shapes
    why: Shapes
    found: Shapes
    counts: dict[str, int] = field(default_factory=dict)


def fitted(table: str, shapes: Shapes, *, wanted: tuple[str, ...], crs: CRS | str, to: CRS) -> Fitted:
    """`shapes` as the geometry of `table` in the system `to`.

    Parameters
    ----------
    wanted
        The geometry types of the table (see `lifecircle.schema.Table.geometry`).
    crs
        The system the shapes are in: a CRS, ``GCJ-02`` or ``BD-09``.
    """
    shapes = np.array(shapes, dtype=object)
    types = _types(shapes)
    why = np.full(len(shapes), "", dtype=object)
    counts: dict[str, int] = {}
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    why[empty] = "no_geometry"
    why[~empty & ~finite(shapes)] = "no_coordinates"
    out = shapely.force_2d(moved(shapes, crs=crs, to=to))
    there = finite(out)
    why[(why == "") & ~there] = "not_projectable"
    out[why != ""] = None
    dimensions = {_DIMENSION[one.removeprefix("Multi")] for one in wanted}
    out = _converted(table, out, dimensions, counts)
    out = _repaired(out, dimensions, counts)
    now = shapely.get_dimensions(out)
    there = ~shapely.is_missing(out)
    fits = np.isin(now, list(dimensions)) & (shapely.get_type_id(out) != 7)
    many = there & (shapely.get_type_id(out) == 4)
    single = many & (shapely.get_num_geometries(out) == 1)
    if dimensions <= {0, 2}:
        out[single] = shapely.get_geometry(out[single], 0)
        fits &= ~many | single
    wrong = there & ~fits
    why[wrong & (why == "")] = "wrong_geometry"
    lost = (why == "") & ~there  # became empty while it was repaired: no area or length was left
    flat = fits & there & (((now == 2) & (shapely.area(out) <= 0)) | ((now == 1) & (shapely.length(out) <= 0)))
    why[lost | flat] = "no_extent"
    out[why != ""] = None
    return Fitted(shapes=out, why=why, found=types, counts={code: n for code, n in counts.items() if n})


def moved(shapes: Shapes, *, crs: CRS | str, to: CRS) -> Shapes:
    """`shapes` with their coordinates brought from `crs` into `to`, eastings first throughout."""
    if isinstance(crs, str):
        shapes = _through(shapes, coordinates.to_wgs84(crs))
        crs = CRS.from_epsg(4326)
    if crs == to:
        return shapes.copy()
    return _through(shapes, Transformer.from_crs(crs, to, always_xy=True).transform)


def _through(shapes: Shapes, function: Callable[[Any, Any], Any]) -> Shapes:
    def both(xy: Shapes) -> Shapes:
        return np.column_stack(function(xy[:, 0], xy[:, 1]))

    return np.asarray(shapely.transform(shapes, both), dtype=object)


def _types(shapes: Shapes) -> Shapes:
    names = np.array(
        [
            "",
            "Point",
            "LineString",
            "LineString",
            "Polygon",
            "MultiPoint",
            "MultiLineString",
            "MultiPolygon",
            "GeometryCollection",
        ],
        dtype=object,
    )
    return np.asarray(names[shapely.get_type_id(shapes) + 1])


def finite(shapes: Shapes) -> NDArray[np.bool_]:
    """Which shapes are there and have no coordinate that is NaN or infinite (bounds pass over a NaN)."""
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    there = ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)
    there[owner[~np.isfinite(xy).all(axis=1)]] = False
    return np.asarray(there)


def _converted(table: str, shapes: Shapes, dimensions: set[int], counts: dict[str, int]) -> Shapes:
    """Turns what can honestly be turned: closed lines into polygons, areas into a point on them or their outline."""
    rings = shapely.get_type_id(shapes) == 2  # a type of its own to GEOS, a closed line to everybody else
    if rings.any():
        xy, ring = shapely.get_coordinates(shapes[rings], return_index=True)
        shapes[rings] = shapely.linestrings(xy, indices=ring)
    now = shapely.get_dimensions(shapes)
    if dimensions == {0} and table in _POINT_INSIDE:
        areas = now > 0
        counts["to_point"] = int(areas.sum())
        shapes[areas] = shapely.point_on_surface(shapes[areas])
    if 2 in dimensions:
        closed = (shapely.get_type_id(shapes) == 1) & shapely.is_closed(shapes) & (shapely.get_num_points(shapes) > 3)
        counts["closed_lines"] = int(closed.sum())
        if closed.any():
            xy, ring = shapely.get_coordinates(shapes[closed], return_index=True)
            shapes[closed] = shapely.polygons(shapely.linearrings(xy, indices=ring))
    if dimensions == {1} and table == "barriers":
        areas = now == 2
        counts["to_lines"] = int(areas.sum())
        shapes[areas] = shapely.boundary(shapes[areas])
    return shapes


def _repaired(shapes: Shapes, dimensions: set[int], counts: dict[str, int]) -> Shapes:
    bad = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes) & (shapely.get_dimensions(shapes) == 2)
    counts["repaired"] = int(bad.sum())
    if bad.any():
        shapes[bad] = shapely.make_valid(shapes[bad], method="structure", keep_collapsed=False)
    mixed = shapely.get_type_id(shapes) == 7
    if mixed.any():
        counts["parts"] = int(mixed.sum())
        shapes[mixed] = _parts(shapes[mixed], max(dimensions))
    emptied = shapely.is_empty(shapes) & ~shapely.is_missing(shapes)
    shapes[emptied] = None
    return shapes


def _parts(collections: Shapes, dimension: int) -> Shapes:
    """The parts of the wanted dimension of each collection, as one shape each; None where there is none."""
    pieces, owner = shapely.get_parts(collections, return_index=True)
    while (shapely.get_type_id(pieces) > 3).any():  # collections of collections
        pieces, inner = shapely.get_parts(pieces, return_index=True)
        owner = owner[inner]
    keep = shapely.get_dimensions(pieces) == dimension
    pieces, owner = pieces[keep], owner[keep]
    out = np.full(len(collections), None, dtype=object)
    if not len(pieces):
        return out
    owners, group = np.unique(owner, return_inverse=True)
    gather: Any = {0: shapely.multipoints, 1: shapely.multilinestrings, 2: shapely.multipolygons}[dimension]
    out[owners] = gather(pieces, indices=group)
    if dimension == 2:  # pieces of a collection may overlap, which a MultiPolygon must not
        bad = ~shapely.is_valid(out) & ~shapely.is_missing(out)
        out[bad] = shapely.make_valid(out[bad], method="structure", keep_collapsed=False)
    return out
