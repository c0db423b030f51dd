"""Population data as cells: pixels of a raster, or polygons; how much of each is in the study, and of each dwelling in it.

Pixels stay numbers and never become polygons. Outlines and footprints are brought into the raster's own system and from
there into its rows and columns, where every pixel is a unit square: exact also for a raster that is turned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from exactextract import exact_extract
from exactextract.feature import Feature, FeatureSource
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray
from pyproj import CRS

from lifecircle.normalise.shapes import finite, moved
from lifecircle.study import Raster

PEOPLE = ("residents", "elderly", "children")
_NOTHING = 1e-6  # coverage comes in single precision: a smaller part of a footprint is rounding

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Cells:
    """The cells that share ground with the study.

    `people`: residents, elderly and children (NaN where not known), a row a cell. `inside`: the share of each
    cell's ground that is in the study, above 0. Either `zones`, a polygon a cell in `crs`, or `raster` with `pixel`, the
    number of each cell (row × columns + column), ascending. `of_areas`: the
    cells are areas of the study.
    """

    people: pd.DataFrame
    inside: Floats
    crs: CRS
    zones: NDArray[Any] | None = None
    raster: Raster | None = None
    pixel: Numbers | None = None
    of_areas: bool = False

    def __len__(self) -> int:
        return len(self.inside)


class _Shape(Feature):  # type: ignore[misc]
    """A shape as exactextract asks for it."""

    def __init__(self, wkb: bytes) -> None:
        super().__init__()
        self.wkb = wkb

    def geometry(self) -> bytes:
        return self.wkb

    def fields(self) -> list[str]:
        return []


class _Shapes(FeatureSource):  # type: ignore[misc]
    """Shapes as WKB: its own reader of GeoDataFrames goes through JSON and takes six times as long."""

    def __init__(self, shapes: NDArray[Any]) -> None:
        super().__init__()
        self.wkb = shapely.to_wkb(shapes)

    def count(self) -> int:
        return len(self.wkb)

    def __iter__(self) -> Iterator[_Shape]:
        return map(_Shape, self.wkb)

    def srs_wkt(self) -> None:
        return None


def of_polygons(population: gpd.GeoDataFrame, ground: Any, *, of_areas: bool = False) -> Cells:
    """The polygons of `population` that share ground with the study.

    Parameters
    ----------
    ground
        The outline of the study in the same system; None where nothing says how far it reaches.
    of_areas
        The polygons are areas of the study itself and lie in it altogether.

    Examples
    --------
    >>> two = gpd.GeoDataFrame({"residents": [8.0, 5.0]}, geometry=[shapely.box(0, 0, 2, 2), shapely.box(2, 0, 4, 2)])
    >>> of_polygons(two.set_crs(4547), shapely.box(0, 0, 1, 2)).inside.tolist()
    [0.5]
    """
    zones = np.asarray(population.geometry.array)
    inside = np.ones(len(zones))
    if ground is not None and not of_areas:
        shapely.prepare(ground)
        cut = ~shapely.contains_properly(ground, zones)
        inside[cut] = shapely.area(shapely.intersection(zones[cut], ground)) / shapely.area(zones[cut])
    there = inside > 0
    people = pd.DataFrame(population.drop(columns=population.geometry.name)).reindex(columns=list(PEOPLE))
    return Cells(
        people=people[there],
        inside=np.minimum(inside[there], 1.0),
        crs=CRS.from_user_input(population.crs),
        zones=zones[there],
        of_areas=of_areas,
    )


def of_raster(raster: Raster, ground: Any, *, crs: CRS, counts: str = "residents") -> tuple[Cells, int]:
    """The pixels that share ground with the study and hold a number, and how many around it hold less than nobody.

    Parameters
    ----------
    ground
        The outline of the study in `crs`; None where nothing says how far it reaches.
    counts
        Whom the raster counts: residents, elderly or children.

    Returns
    -------
    tuple
        The cells; a pixel without data or with a negative value is none of them. The pixels below 0 within the bounds of
        the study.

    Examples
    --------
    >>> four = Raster(name="p.tif", values=np.array([[1.0, 2.0], [3.0, np.nan]]), transform=(10, 0, 0, 0, -10, 20), crs=CRS(4547))
    >>> cells, negative = of_raster(four, shapely.box(5, 0, 20, 20), crs=CRS(4547))
    >>> cells.people["residents"].tolist(), cells.inside.tolist(), negative
    ([1.0, 2.0, 3.0], [0.5, 1.0, 0.5], 0)
    """
    rows, columns = raster.values.shape
    top, left, bottom, right = 0, 0, rows, columns
    outline = None if ground is None else _outline(raster, ground, crs)
    if outline is not None:
        bounds = shapely.bounds(outline)
        bounds = np.where(np.isfinite(bounds), bounds, 0.0)
        left, right = (int(one) for one in np.clip([np.floor(bounds[0]), np.ceil(bounds[2])], 0, columns))
        top, bottom = (int(one) for one in np.clip([np.floor(bounds[1]), np.ceil(bounds[3])], 0, rows))
    window = raster.values[top:bottom, left:right]
    if outline is None:
        pixel, inside = np.arange(rows * columns), np.ones(rows * columns)
    else:
        _, pixel, inside = _covered(np.array([outline]), (top, left, bottom, right), columns)
        order = np.argsort(pixel)
        pixel, inside = pixel[order], np.minimum(inside[order], 1.0)
    people = raster.values.reshape(-1)[pixel]
    there = people >= 0  # NaN is not
    pixel, inside, people = pixel[there], inside[there], people[there]
    fields = pd.DataFrame(np.nan, index=pd.Index(pixel, name="population_id"), columns=list(PEOPLE))
    fields[counts] = people
    return Cells(people=fields, inside=inside, crs=crs, raster=raster, pixel=pixel), int((window < 0).sum())


def containing(cells: Cells, points: NDArray[Any]) -> Numbers:
    """The cell each point is in, by position, -1 where there is none; on an edge one that is known, by a fixed rule.

    >>> two = Raster(name="p.tif", values=np.array([[1.0, 2.0]]), transform=(10, 0, 0, 0, -10, 10), crs=CRS(4547))
    >>> cells, _ = of_raster(two, None, crs=CRS(4547))
    >>> containing(cells, shapely.points([5.0, 20.0, 25.0], [5.0, 5.0, 5.0])).tolist()
    [0, 1, -1]
    """
    if cells.raster is None or cells.pixel is None:
        point, zone = shapely.STRtree(np.asarray(cells.zones)).query(points, predicate="intersects")
        order = np.argsort(np.argsort(cells.people.index.to_numpy(dtype=object), kind="stable"))
        first = np.full(len(points), len(cells), dtype=np.int64)
        np.minimum.at(first, point, order[zone])
        back = np.append(np.argsort(order), -1)
        return np.asarray(back[first], dtype=np.int64)
    found = np.full(len(points), -1, dtype=np.int64)
    xy = shapely.get_coordinates(_in_pixels(cells.raster, points, cells.crs))
    there = np.asarray(np.isfinite(xy).all(axis=1))
    for step in ((0, 0), (-1, 0), (0, -1), (-1, -1)):  # a point on an edge belongs to the pixels beside it as well
        at = np.where(there[:, None], np.floor(xy), -1.0)
        at = np.where(at == xy, at + np.array(step), at)
        left = found < 0
        found[left] = _position(cells, at[left, 0], at[left, 1])
    return found


def pieces(cells: Cells, shapes: NDArray[Any]) -> tuple[Numbers, Numbers, Floats]:
    """Which cells each shape lies in and with what part of itself: shape, cell, part, both by position.

    A point lies in its cell with all of itself, and on the edge of several zones in each of them; a footprint with the
    part of its area that is in the cell.

    >>> two = Raster(name="p.tif", values=np.array([[1.0, 2.0]]), transform=(10, 0, 0, 0, -10, 10), crs=CRS(4547))
    >>> cells, _ = of_raster(two, None, crs=CRS(4547))
    >>> [one.round(6).tolist() for one in pieces(cells, np.array([shapely.box(9, 4, 13, 6)]))]
    [[0, 0], [0, 1], [0.25, 0.75]]
    """
    if cells.raster is None:
        return _in_zones(cells, shapes)
    flat = shapely.get_dimensions(shapes) == 2
    whole = np.flatnonzero(~flat)
    cell_of_points = containing(cells, shapes[whole])
    drawn = np.flatnonzero(flat)
    moved_ = _in_pixels(cells.raster, shapes[drawn], cells.crs)
    bounds = shapely.bounds(moved_).reshape(-1, 4)
    there = np.isfinite(bounds).all(axis=1) & finite(moved_)
    drawn, moved_, bounds = drawn[there], moved_[there], bounds[there]
    low, high = np.floor(bounds[:, :2]), np.maximum(np.ceil(bounds[:, 2:]) - 1.0, np.floor(bounds[:, :2]))
    single = (low == high).all(axis=1)
    cell_of_single = _position(cells, low[single, 0], low[single, 1])
    many = moved_[~single]
    rows, columns = cells.raster.values.shape
    shape, pixel, covered = _covered(many, (0, 0, rows, columns), columns)
    part = covered / shapely.area(many)[shape]
    where = _position(cells, pixel % columns, pixel // columns)
    owner = np.concatenate([whole, drawn[single], drawn[~single][shape]])
    cell = np.concatenate([cell_of_points, cell_of_single, where])
    parts = np.concatenate([np.ones(len(whole) + int(single.sum())), part])
    kept = (cell >= 0) & (parts > _NOTHING)
    return owner[kept], cell[kept], parts[kept]


def points(cells: Cells, rows: Numbers, ground: Any) -> NDArray[Any]:
    """A point on the part of each of the cells `rows` that is in the study, in the system of the study.

    Where the ground of a cell is cut the point lies on what is left of it; else in its middle.
    """
    if cells.raster is None or cells.pixel is None:
        zones = np.asarray(cells.zones)[rows]
        return np.asarray(shapely.point_on_surface(zones if ground is None else shapely.intersection(zones, ground)))
    columns = cells.raster.values.shape[1]
    col, row = cells.pixel[rows] % columns, cells.pixel[rows] // columns
    out = shapely.points(col + 0.5, row + 0.5)
    cut = cells.inside[rows] < 1.0
    if ground is not None and cut.any():
        boxes = shapely.box(col[cut], row[cut], col[cut] + 1, row[cut] + 1)
        outline = _outline(cells.raster, ground, cells.crs)
        out[cut] = shapely.point_on_surface(shapely.intersection(boxes, outline))
    a, b, c, d, e, f = cells.raster.transform
    back = shapely.transform(out, lambda xy: xy @ np.array([[a, d], [b, e]]) + np.array([c, f]))
    return moved(np.asarray(back, dtype=object), crs=cells.raster.crs, to=cells.crs)


def _outline(raster: Raster, ground: Any, crs: CRS) -> Any:
    """The outline of the study in rows and columns, with points enough that a straight side stays one."""
    if crs != raster.crs:
        ground = shapely.segmentize(ground, max(1.0, ground.length / 5000))
    outline = _in_pixels(raster, np.array([ground], dtype=object), crs)
    if not finite(outline)[0]:
        return shapely.Polygon()
    return outline[0] if outline[0].is_valid else shapely.make_valid(outline[0])


def _in_pixels(raster: Raster, shapes: NDArray[Any], crs: CRS) -> NDArray[Any]:
    """Shapes with column for x and row, counted downwards, for y; pixel (0, 0) is the unit square at the origin."""
    a, b, c, d, e, f = raster.transform
    back = np.linalg.inv(np.array([[a, d], [b, e]]))
    there = moved(np.asarray(shapes, dtype=object), crs=crs, to=raster.crs)
    return np.asarray(shapely.transform(there, lambda xy: (xy - np.array([c, f])) @ back), dtype=object)


def _covered(shapes: NDArray[Any], window: tuple[int, int, int, int], columns: int) -> tuple[Numbers, Numbers, Floats]:
    """Shape, pixel and covered share of the pixel, for each pixel of the window (top, left, bottom, right) that is covered."""
    top, left, bottom, right = window
    empty = np.empty(0, dtype=np.int64)
    if not len(shapes) or top >= bottom or left >= right:
        return empty, empty, np.empty(0)
    grid = NumPyRasterSource(
        np.zeros((bottom - top, right - left), dtype=np.int8), xmin=left, ymin=-bottom, xmax=right, ymax=-top
    )
    upright = shapely.transform(shapes, lambda xy: xy * np.array([1.0, -1.0]))
    found = exact_extract(grid, _Shapes(upright), ["cell_id", "coverage"], output="pandas")
    number = np.concatenate(found["cell_id"].to_list()).astype(np.int64)
    covered = np.concatenate(found["coverage"].to_list()).astype(np.float64)
    shape = np.repeat(np.arange(len(shapes)), found["cell_id"].str.len().to_numpy(dtype=np.int64))
    width = right - left
    pixel = (number // width + top) * columns + number % width + left
    kept = covered > 0
    return shape[kept], pixel[kept], covered[kept]


def _position(cells: Cells, column: NDArray[Any], row: NDArray[Any]) -> Numbers:
    """The position among `cells` of the pixel at each column and row, -1 where it is none of them."""
    if cells.raster is None or cells.pixel is None or not len(cells.pixel):
        return np.full(len(column), -1, dtype=np.int64)
    rows, columns = cells.raster.values.shape
    there = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    pixel = np.where(there, row * columns + column, -1.0).astype(np.int64)
    at = np.minimum(np.searchsorted(cells.pixel, pixel), len(cells.pixel) - 1)
    return np.where(there & (cells.pixel[at] == pixel), at, -1)


def _in_zones(cells: Cells, shapes: NDArray[Any]) -> tuple[Numbers, Numbers, Floats]:
    zones = np.asarray(cells.zones)
    shape, zone = shapely.STRtree(zones).query(shapes, predicate="intersects")
    part = np.ones(len(shape))
    flat = shapely.get_dimensions(shapes)[shape] == 2
    shapely.prepare(zones)
    cut = np.flatnonzero(flat)
    cut = cut[~shapely.covers(zones[zone[cut]], shapes[shape[cut]])]
    owner = shapes[shape[cut]]
    part[cut] = shapely.area(shapely.intersection(owner, zones[zone[cut]])) / shapely.area(owner)
    kept = part > _NOTHING
    return shape[kept], zone[kept], part[kept]
