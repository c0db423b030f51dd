"""Homes: where residents live, from a layer of homes, from residential buildings, or from the population data itself.

Residents are shared out dasymetrically: what falls into the study of each cell goes to the dwellings in it, by floor
area. Nothing is lost: people in touching cells = allocated + outside the study + in cells without a dwelling.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from lifecircle import schema
from lifecircle.normalise.says import say
from lifecircle.normalise.shapes import moved
from lifecircle.study import Raster

_PEOPLE = ("residents", "elderly", "children")
_LIVED_IN = ("residential", "mixed")
_LEVELS = ("community", "street", "town")  # the finest that the place has is the one homes belong to


@dataclass(kw_only=True)
class Shared:
    """Homes with what was said of them, and where the people of the population data went."""

    homes: gpd.GeoDataFrame | None
    people: dict[str, float] = field(default_factory=dict)
    notes: list[tuple[str, int, str]] = field(default_factory=list)


def build(
    layers: dict[str, gpd.GeoDataFrame],
    *,
    population: Raster | gpd.GeoDataFrame | None,
    crs: CRS,
    language: str,
) -> Shared:
    """The homes of a place, with residents where they can be known and the area each belongs to.

    Homes are, in this order: the layer ``homes``, also where no row of it is left; the points of ``population``; residential buildings (use residential
    or mixed, or with dwellings; where no building is known to be residential, those of unknown use), vacant ones left
    out; the populated cells of ``population``.

    Parameters
    ----------
    layers
        Canonical tables by name: areas, homes, buildings, streets are looked at.
    population
        A raster, or polygons or points with `residents`, all in `crs` but the raster.

    Returns
    -------
    Shared
        `homes` is None where nothing says where people live. `people` holds the sums touching, allocated, outside and
        without_dwelling; it is empty where there is no population data.
    """
    out = Shared(homes=None)
    cells = _cells(population, layers, crs, out, language)
    if (given := layers.get("homes")) is not None and not len(given):
        _note(out, "homes_none_left", 1, language)
        return out
    homes, weights = _dwellings(layers, population, cells, out, language)
    if homes is None:
        return out
    if cells is not None and homes["residents"].isna().all():
        homes = _shared_out(homes, weights, cells, extent(layers), out, language)
    else:
        total = float(homes["residents"].sum())
        if homes["residents"].notna().any():
            out.people = {"touching": total, "allocated": total, "outside": 0.0, "without_dwelling": 0.0}
            _note(out, "residents_partly", int(homes["residents"].isna().sum()), language)
        else:
            _note(out, "no_residents", 1, language)
            if homes["dwellings"].isna().all():
                _note(out, "one_dwelling", len(homes), language)
                homes = homes.assign(dwellings=1.0)
    out.homes = _in_areas(homes, layers.get("areas"), out, language)
    return out


def extent(layers: dict[str, gpd.GeoDataFrame]) -> tuple[Any, str]:
    """The ground the study is about, and the layer that says so: the union of its areas, else the box around a layer."""
    if (areas := layers.get("areas")) is not None and len(areas):
        return shapely.union_all(np.asarray(areas.geometry.array)), "areas"
    for name in ("buildings", "homes", "streets", "parcels"):
        if (frame := layers.get(name)) is not None and len(frame):
            return shapely.box(*frame.total_bounds), name
    return None, ""


def _dwellings(
    layers: dict[str, gpd.GeoDataFrame],
    population: Raster | gpd.GeoDataFrame | None,
    cells: gpd.GeoDataFrame | None,
    out: Shared,
    language: str,
) -> tuple[gpd.GeoDataFrame | None, NDArray[np.float64]]:
    """Homes without their area, and the weight each has when residents are shared out."""
    given, buildings = layers.get("homes"), layers.get("buildings")
    if given is not None and len(given):
        return given, _weights_of_given(given, buildings, out, language)
    if isinstance(population, gpd.GeoDataFrame) and cells is None and len(population):
        _note(out, "homes_from_points", len(population), language)
        return _homes(population, population.geometry, building=False), np.ones(len(population))
    if buildings is not None and len(buildings):
        rows = _lived_in(buildings, cells, extent(layers)[0], out, language)
        if rows.any():
            chosen = buildings[rows]
            return _homes(chosen, chosen.geometry.representative_point(), building=True), _weights(
                chosen, out, language
            )
    if cells is not None and (cells["residents"] > 0).any():
        peopled = cells[cells["residents"] > 0]
        ground, _ = extent(layers)
        if ground is not None:
            peopled = peopled.set_geometry(peopled.geometry.intersection(ground))
            peopled = peopled[peopled.geometry.area > 0]
        _note(out, "homes_from_cells", len(peopled), language)
        unpeopled = peopled.assign(residents=np.nan, elderly=np.nan, children=np.nan)
        return _homes(unpeopled, peopled.geometry.representative_point(), building=False), np.ones(len(peopled))
    return None, np.empty(0)


def _lived_in(
    buildings: gpd.GeoDataFrame, cells: gpd.GeoDataFrame | None, ground: Any, out: Shared, language: str
) -> NDArray[np.bool_]:
    """Which buildings are lived in: those known to be residential, and those of unknown use where that is likelier than not.

    Where the use of most buildings is not recorded (as in most OpenStreetMap data), and where none is known to be
    residential, the unknown ones count as dwellings. Where it is recorded they count only in a cell of the population
    grid that has people and no known dwelling.
    """
    known = (buildings["use"].isin(_LIVED_IN) | (buildings["dwellings"] > 0)).to_numpy(dtype=bool)
    perhaps = buildings["use"].isna().to_numpy(dtype=bool) & ~known
    recorded = known.any() and perhaps.sum() * 2 <= len(buildings)
    if cells is not None and len(cells):
        points = np.asarray(buildings.geometry.representative_point().array)
        cell = _first_of(np.asarray(cells.geometry.array), points)
        cell[~shapely.intersects(points, ground)] = -1
        peopled = np.append(cells["residents"].to_numpy(dtype=np.float64) > 0, False)
        settled = np.append(np.bincount(cell[known & (cell >= 0)], minlength=len(cells)) > 0, True)
        perhaps &= peopled[cell]
        if recorded:
            perhaps &= ~settled[cell]
    elif recorded:
        perhaps[:] = False
    dwellings = buildings["dwellings"]
    # Where dwellings are counted at all, a residential building with none is a wing or a store; where every count is
    # 0 the file only had no way to say "not known".
    empty = (dwellings == 0).to_numpy(dtype=bool) & bool((dwellings > 0).any())
    _note(out, "homes_no_dwelling", int((empty & known).sum()), language)
    known, perhaps = known & ~empty, perhaps & ~empty
    vacant = buildings["vacant"].fillna(False).to_numpy(dtype=bool)
    _note(out, "homes_vacant", int((vacant & known).sum()), language)
    _note(out, "homes_unknown_use", int((perhaps & ~vacant).sum()), language)
    rows = (known | perhaps) & ~vacant
    _note(out, "homes_from_buildings", int(rows.sum()), language)
    return cast(NDArray[np.bool_], rows)


def _homes(of: gpd.GeoDataFrame, points: gpd.GeoSeries, *, building: bool) -> gpd.GeoDataFrame:
    fields = {column: of[column] for column in ("name", "dwellings", *_PEOPLE, "source") if column in of}
    frame = gpd.GeoDataFrame(pd.DataFrame(fields, index=of.index), geometry=points, crs=points.crs)
    if building:
        # without a count of dwellings a building is one: the share of dwellings then counts buildings
        frame["dwellings"] = frame["dwellings"].fillna(1.0)
        frame["building_id"] = frame.index.to_series().astype("str")
    return cast(gpd.GeoDataFrame, schema.conform("homes", frame))


def _weights(buildings: gpd.GeoDataFrame, out: Shared, language: str) -> NDArray[np.float64]:
    footprint = shapely.area(np.asarray(buildings.geometry.array))
    floor_area = buildings["floor_area_m2"].to_numpy(dtype=np.float64)
    unknown = ~(floor_area > 0)
    _note(out, "weights_footprint", int(unknown.sum()), language)
    return np.where(unknown, footprint, floor_area)


def _weights_of_given(
    homes: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame | None, out: Shared, language: str
) -> NDArray[np.float64]:
    """Floor area of the building each home names, else its dwellings, else one."""
    if buildings is not None and homes["building_id"].isin(buildings.index).all():
        area = pd.Series(_weights(buildings, out, language), index=buildings.index)
        per_home = area / homes["building_id"].value_counts().reindex(buildings.index)
        return np.asarray(homes["building_id"].map(per_home), dtype=np.float64)
    dwellings = homes["dwellings"].to_numpy(dtype=np.float64)
    return np.where(dwellings > 0, dwellings, 1.0)


def _cells(
    population: Raster | gpd.GeoDataFrame | None,
    layers: dict[str, gpd.GeoDataFrame],
    crs: CRS,
    out: Shared,
    language: str,
) -> gpd.GeoDataFrame | None:
    """Population data as polygons in `crs` with residents; None where it is points, or absent."""
    if population is None:
        return None
    if isinstance(population, Raster):
        ground, _ = extent(layers)
        return _of_raster(population, ground, crs, out, language)
    polygons = population.geometry.geom_type.isin(("Polygon", "MultiPolygon"))
    return population[polygons] if polygons.any() else None


def _of_raster(raster: Raster, ground: Any, crs: CRS, out: Shared, language: str) -> gpd.GeoDataFrame:
    """The pixels around `ground` as polygons in `crs`; those without data are left out."""
    a, b, c, d, e, f = raster.transform
    rows, cols = raster.values.shape
    first_row, last_row, first_col, last_col = 0, rows, 0, cols
    if ground is not None:
        shape = np.array([shapely.segmentize(ground, max(1.0, ground.length / 200))], dtype=object)
        x, y = shapely.get_coordinates(moved(shape, crs=crs, to=raster.crs)).T
        det = a * e - b * d
        col = (e * (x - c) - b * (y - f)) / det
        row = (a * (y - f) - d * (x - c)) / det
        first_col, last_col = max(0, int(col.min()) - 2), min(cols, int(col.max()) + 3)
        first_row, last_row = max(0, int(row.min()) - 2), min(rows, int(row.max()) + 3)
    window = raster.values[first_row:last_row, first_col:last_col]
    i, j = np.nonzero(np.isfinite(window))
    people = window[i, j]
    _note(out, "negative_people", int((people < 0).sum()), language)
    i, j, people = i[people >= 0] + first_row, j[people >= 0] + first_col, people[people >= 0]
    corner_col = np.stack([j, j + 1, j + 1, j, j], axis=1)
    corner_row = np.stack([i, i, i + 1, i + 1, i], axis=1)
    xy = np.stack([a * corner_col + b * corner_row + c, d * corner_col + e * corner_row + f], axis=2)
    boxes = moved(np.asarray(shapely.polygons(xy)), crs=raster.crs, to=crs) if len(xy) else np.empty(0, dtype=object)
    number = pd.Index(i * cols + j, name="population_id")
    fields = pd.DataFrame({"residents": people, "elderly": np.nan, "children": np.nan}, index=number.astype("str"))
    fields["source"] = raster.name + "#" + fields.index.to_series()
    return gpd.GeoDataFrame(fields, geometry=boxes, crs=crs)


def _shared_out(
    homes: gpd.GeoDataFrame,
    weights: NDArray[np.float64],
    cells: gpd.GeoDataFrame,
    ground_of: tuple[Any, str],
    out: Shared,
    language: str,
) -> gpd.GeoDataFrame:
    """Residents of the part of each cell inside the study, shared among the homes in it by weight."""
    ground, layer = ground_of
    if layer not in ("areas", ""):
        _note(out, "extent_guessed", 1, language, layer=layer)
    boxes, points = np.asarray(cells.geometry.array), np.asarray(homes.geometry.array)
    shapely.prepare(ground)
    touching = shapely.intersects(boxes, ground)
    inside = touching.astype(np.float64)
    partial = touching & ~shapely.contains_properly(ground, boxes)
    inside[partial] = shapely.area(shapely.intersection(boxes[partial], ground)) / shapely.area(boxes[partial])
    cell = _first_of(boxes, points)
    cell[~shapely.intersects(points, ground)] = -1
    placed = cell >= 0
    weight = np.where(np.isfinite(weights) & (weights > 0), weights, 0.0)
    total = np.bincount(cell[placed], weights=weight[placed], minlength=len(cells))
    counted = np.bincount(cell[placed], minlength=len(cells))
    # a cell whose homes all lack a weight shares equally
    share = np.zeros(len(homes))
    own = cell[placed]
    with np.errstate(invalid="ignore", divide="ignore"):
        share[placed] = np.where(total[own] > 0, weight[placed] / total[own], 1.0 / counted[own])
    if (weight[placed] == weight[placed][:1]).all():
        _note(out, "weights_equal", int(placed.sum()), language)
    homes = homes.copy()
    for column in _PEOPLE:
        people = cells[column].to_numpy(dtype=np.float64)
        if column in cells and np.isfinite(people).any():
            homes[column] = np.where(placed, np.nan_to_num(people * inside)[cell] * share, np.nan)
            homes.loc[placed & ~np.isfinite(people[cell]), column] = np.nan
    people = np.nan_to_num(cells["residents"].to_numpy(dtype=np.float64))
    lived = counted > 0
    out.people = {
        "touching": float(people[touching].sum()),
        "allocated": float((people * inside)[lived].sum()),
        "outside": float((people * (1.0 - inside))[touching].sum()),
        "without_dwelling": float((people * inside)[touching & ~lived].sum()),
    }
    _note(out, "homes_unpeopled", int((~placed).sum()), language)
    sums = {key.removesuffix("_dwelling"): value for key, value in out.people.items()}
    _note(out, "people", round(out.people["touching"]), language, **sums)
    return homes


def _first_of(boxes: NDArray[Any], points: NDArray[Any]) -> NDArray[np.int64]:
    """The first box (in their order) that each point touches, -1 where there is none."""
    point, box = shapely.STRtree(boxes).query(points, predicate="intersects")
    first = np.full(len(points), len(boxes), dtype=np.int64)
    np.minimum.at(first, point, box)
    return np.where(first == len(boxes), -1, first)


def _in_areas(homes: gpd.GeoDataFrame, areas: gpd.GeoDataFrame | None, out: Shared, language: str) -> gpd.GeoDataFrame:
    """Each home in one area: the one it lies in; on a shared boundary the one with the smallest number; else none."""
    if areas is None or not len(areas):
        return homes
    level = next(one for one in _LEVELS if areas["level"].eq(one).any())
    finest = areas[areas["level"].eq(level)].sort_index()
    boxes, points = np.asarray(finest.geometry.array), np.asarray(homes.geometry.array)
    first = _first_of(boxes, points)
    found = pd.Series(finest.index.to_numpy(dtype=object)[first], index=homes.index, dtype="object").where(first >= 0)
    told = homes["area_id"].where(homes["area_id"].isin(finest.index))
    point, _ = shapely.STRtree(boxes).query(points, predicate="intersects")
    _note(out, "shared_boundary", int((np.bincount(point, minlength=len(points)) > 1).sum()), language)
    homes = homes.assign(area_id=told.astype("object").where(told.notna(), found).astype("str"))
    _note(out, "outside_areas", int(homes["area_id"].isna().sum()), language)
    return homes


def _note(out: Shared, code: str, count: int, language: str, **fields: object) -> None:
    if count:
        out.notes.append((code, int(count), say(code, language, count=int(count), **fields)))
