"""Homes: where residents live, from a layer of homes, from residential buildings, or from the population data itself.

Residents are shared out dasymetrically: what falls into the study of each cell goes to the dwellings in it, by floor
area, and a dwelling that lies in several cells takes part in each with the share of its footprint that is there. Nothing
is lost: people in touching cells = allocated + outside the study + in cells without a dwelling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from lifecircle import schema
from lifecircle.normalise import cells
from lifecircle.normalise.cells import PEOPLE, Cells
from lifecircle.normalise.says import say
from lifecircle.study import Raster

if TYPE_CHECKING:
    from lifecircle.load.recipe import Demand

_LIVED_IN = ("residential", "mixed")
_LEVELS = ("community", "street", "town")  # the finest that the place has is the one homes belong to


@dataclass(kw_only=True)
class Shared:
    """Homes with what was said of them, and where the people of the population data went."""

    homes: gpd.GeoDataFrame | None
    people: dict[str, float] = field(default_factory=dict)
    notes: list[tuple[str, int, str]] = field(default_factory=list)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Dwellings:
    """Homes without their area, and what is known of each, in their order.

    `shapes`: the footprint, else the point. `floor_area`: m², NaN where not known. `counted`: dwellings, NaN where they
    are not counted. `weight`: by which residents are shared out. `given`: from the layer of homes.
    """

    homes: gpd.GeoDataFrame
    shapes: NDArray[Any]
    floor_area: NDArray[np.float64]
    counted: NDArray[np.float64]
    weight: NDArray[np.float64]
    given: bool = False


def build(
    layers: dict[str, gpd.GeoDataFrame],
    *,
    population: Raster | gpd.GeoDataFrame | None,
    crs: CRS,
    language: str,
    demand: Demand | None = None,
    besides: Mapping[str, Raster] | None = None,
) -> Shared:
    """The homes of a place, with residents where they can be known and the area each belongs to.

    Homes are, in this order: the layer ``homes``, also where no row of it is left; the points of ``population``; residential buildings (use residential
    or mixed, or with dwellings; where no building is known to be residential, those of unknown use), vacant ones left
    out; the populated cells of ``population``.

    Residents are, in this order: those the homes themselves tell; those of ``population``; floor area or dwellings times
    a density, which is an estimate and said to be one; else not known.

    Parameters
    ----------
    layers
        Canonical tables by name: areas, homes, buildings, streets are looked at.
    population
        A raster, or polygons or points with `residents`, all in `crs` but the raster. Polygons whose index is named
        ``area_id`` are areas of the study: the people of each go to the homes that belong to it.
    demand
        Square metres of floor area a person, or persons a dwelling.
    besides
        Rasters of ``elderly`` and ``children``, where these are counted apart.

    Returns
    -------
    Shared
        `homes` is None where nothing says where people live. `people` holds the sums touching, allocated, outside and
        without_dwelling, and estimated where residents come from a density; it is empty where residents are not known.
    """
    out = Shared(homes=None)
    ground, layer = extent(layers)
    found = _cells(population, ground, crs, out, language)
    if (given := layers.get("homes")) is not None and not len(given):
        _note(out, "homes_none_left", 1, language)
        return out
    lived = _dwellings(layers, population, found, ground, out, language)
    if lived is None:
        _note(out, "homes_none", 1, language)
        return out
    homes = _in_areas(lived.homes, layers.get("areas"), out, language)
    told = homes["residents"].notna()
    lived = replace(lived, homes=homes)
    estimate = not told.any() and population is None and demand is not None
    if demand is not None and not estimate:
        _note(out, "demand_unused", 1, language)
    if population is not None and (told.any() if found is not None else lived.given):
        _note(out, "population_unused", 1, language)
    elif found is not None:
        if layer not in ("areas", "") and not found.of_areas:
            _note(out, "extent_guessed", 1, language, layer=layer)
        homes = _shared_out(lived, found, layers.get("areas"), ground, out, language)
    if estimate and demand is not None:
        homes = _estimated(lived, demand, out, language)
    for column, raster in (besides or {}).items():
        if homes[column].isna().all():
            apart, negative = cells.of_raster(raster, ground, crs=crs, counts=column)
            _note(out, "negative_people", negative, language)
            homes = _shared(replace(lived, homes=homes), apart, _parts(lived, apart, None, ground), (column,))
    if homes["residents"].isna().all():
        _note(out, "no_residents", 1, language)
        if homes["dwellings"].isna().all():
            _note(out, "one_dwelling", len(homes), language)
            homes = homes.assign(dwellings=1.0)
    elif not out.people:
        total = float(homes["residents"].sum())
        out.people = {"touching": total, "allocated": total, "outside": 0.0, "without_dwelling": 0.0}
        _note(out, "residents_partly", int(homes["residents"].isna().sum()), language)
    out.homes = homes
    return out


def extent(layers: dict[str, gpd.GeoDataFrame]) -> tuple[Any, str]:
    """The ground the study is about, and the layer that says so: the union of its areas, else the box around a layer.

    None where no layer encloses any ground.
    """
    if (areas := layers.get("areas")) is not None and len(areas):
        return shapely.union_all(np.asarray(areas.geometry.array)), "areas"
    for name in ("buildings", "homes", "streets", "parcels"):
        if (frame := layers.get(name)) is not None and len(frame):
            around = shapely.box(*frame.total_bounds)
            if around.area > 0:  # one point, or several in a line, enclose nothing
                return around, name
    return None, ""


def _dwellings(
    layers: dict[str, gpd.GeoDataFrame],
    population: Raster | gpd.GeoDataFrame | None,
    found: Cells | None,
    ground: Any,
    out: Shared,
    language: str,
) -> _Dwellings | None:
    given, buildings = layers.get("homes"), layers.get("buildings")
    if given is not None and len(given):
        return _of_given(given, buildings, out, language)
    if isinstance(population, gpd.GeoDataFrame) and found is None and len(population):
        _note(out, "homes_from_points", len(population), language)
        return _plain(_homes(population, population.geometry, building=False))
    if buildings is not None and len(buildings):
        rows = _lived_in(buildings, found, ground, out, language)
        if rows.any():
            chosen = buildings[rows]
            dwellings = chosen["dwellings"].to_numpy(dtype=np.float64, na_value=np.nan)
            return _Dwellings(
                homes=_homes(chosen, chosen.geometry.representative_point(), building=True),
                shapes=np.asarray(chosen.geometry.array),
                floor_area=_floor_area(chosen),
                counted=np.where(dwellings > 0, dwellings, np.nan),
                weight=_weights(chosen, out, language),
            )
    if found is not None and (peopled := np.flatnonzero(found.people["residents"].to_numpy() > 0)).size:
        _note(out, "homes_from_cells", len(peopled), language)
        places = cells.points(found, peopled, ground)
        number = found.people.index[peopled].astype("str")
        frame = gpd.GeoDataFrame({"residents": np.nan}, index=number, geometry=places, crs=found.crs)
        if isinstance(population, gpd.GeoDataFrame) and "source" in population:
            frame["source"] = population["source"].reindex(number)
        elif isinstance(population, Raster):
            frame["source"] = population.name + "#" + number.to_series()
        return _plain(_homes(frame, frame.geometry, building=False))
    return None


def _plain(homes: gpd.GeoDataFrame) -> _Dwellings:
    """Homes that are places with people and no dwellings, all of one weight."""
    unknown = np.full(len(homes), np.nan)
    shapes = np.asarray(homes.geometry.array)
    return _Dwellings(homes=homes, shapes=shapes, floor_area=unknown, counted=unknown, weight=np.ones(len(homes)))


def _lived_in(
    buildings: gpd.GeoDataFrame, found: Cells | None, ground: Any, out: Shared, language: str
) -> NDArray[np.bool_]:
    """Which buildings are lived in: those known to be residential, and those of unknown use where that is likelier than not.

    Where the use of most buildings is not recorded (as in most OpenStreetMap data), and where none is known to be
    residential, the unknown ones count as dwellings. Where it is recorded they count only in a cell of the population
    grid that has people and no known dwelling.
    """
    known = (buildings["use"].isin(_LIVED_IN) | (buildings["dwellings"] > 0)).to_numpy(dtype=bool)
    perhaps = buildings["use"].isna().to_numpy(dtype=bool) & ~known
    recorded = known.any() and perhaps.sum() * 2 <= len(buildings)
    if found is not None and len(found):
        points = np.asarray(buildings.geometry.representative_point().array)
        cell = cells.containing(found, points)
        cell[~_within(points, ground)] = -1
        peopled = np.append(found.people["residents"].to_numpy(dtype=np.float64) > 0, False)
        settled = np.append(np.bincount(cell[known & (cell >= 0)], minlength=len(found)) > 0, True)
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
    fields = {column: of[column] for column in ("name", "dwellings", *PEOPLE, "source") if column in of}
    frame = gpd.GeoDataFrame(pd.DataFrame(fields, index=of.index), geometry=points, crs=points.crs)
    if building:
        # without a count of dwellings a building is one: the share of dwellings then counts buildings
        frame["dwellings"] = frame["dwellings"].fillna(1.0)
        frame["building_id"] = frame.index.to_series().astype("str")
    return cast(gpd.GeoDataFrame, schema.conform("homes", frame))


def _floor_area(buildings: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Square metres of floor area, NaN where not known or nothing."""
    area = buildings["floor_area_m2"].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(area > 0, area, np.nan)


def _weights(buildings: gpd.GeoDataFrame, out: Shared, language: str) -> NDArray[np.float64]:
    floor_area = _floor_area(buildings)
    unknown = np.isnan(floor_area)
    _note(out, "weights_footprint", int(unknown.sum()), language)
    return np.where(unknown, shapely.area(np.asarray(buildings.geometry.array)), floor_area)


def _of_given(homes: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame | None, out: Shared, language: str) -> _Dwellings:
    """The layer of homes, with the floor area and the footprint of the building that each names, where all name one.

    Homes of one building have equal parts of its floor area. Without buildings homes weigh by their dwellings, else one.
    """
    dwellings = homes["dwellings"].to_numpy(dtype=np.float64, na_value=np.nan)
    shapes = np.asarray(homes.geometry.array)
    floor_area = np.full(len(homes), np.nan)
    weight = np.where(dwellings > 0, dwellings, 1.0)
    if buildings is not None and homes["building_id"].isin(buildings.index).all():
        at = buildings.index.get_indexer(pd.Index(homes["building_id"]))
        sharing = np.bincount(at, minlength=len(buildings))[at]
        shapes = np.asarray(buildings.geometry.array)[at]
        floor_area = _floor_area(buildings)[at] / sharing
        weight = _weights(buildings, out, language)[at] / sharing
    return _Dwellings(homes=homes, shapes=shapes, floor_area=floor_area, counted=dwellings, weight=weight, given=True)


def _cells(
    population: Raster | gpd.GeoDataFrame | None, ground: Any, crs: CRS, out: Shared, language: str
) -> Cells | None:
    """Population data as cells; None where it is points, or absent."""
    if population is None:
        return None
    if isinstance(population, Raster):
        found, negative = cells.of_raster(population, ground, crs=crs)
        _note(out, "negative_people", negative, language)
        return found
    polygons = population.geometry.geom_type.isin(("Polygon", "MultiPolygon"))
    if not polygons.any():
        return None
    _note(out, "points_beside", int((~polygons).sum()), language)
    return cells.of_polygons(population[polygons], ground, of_areas=population.index.name == "area_id")


def _parts(
    lived: _Dwellings, found: Cells, areas: gpd.GeoDataFrame | None, ground: Any
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Home, cell and the part of the home that is in the cell; homes outside the study are in none."""
    if not found.of_areas or areas is None:
        inside = np.flatnonzero(_within(np.asarray(lived.homes.geometry.array), ground))
        home, cell, part = cells.pieces(found, lived.shapes[inside])
        return inside[home], cell, part
    if _of_homes(found, areas):
        cell = found.people.index.get_indexer(pd.Index(lived.homes["area_id"]))
    else:  # people of streets or of the town, while homes belong to communities
        cell = cells.containing(found, np.asarray(lived.homes.geometry.array))
    home = np.flatnonzero(cell >= 0)
    return home, np.asarray(cell[home], dtype=np.int64), np.ones(len(home))


def _of_homes(found: Cells, areas: gpd.GeoDataFrame) -> bool:
    """Whether the people of areas are told for the areas that homes belong to."""
    return bool(areas["level"].reindex(found.people.index).eq(_level(areas)).all())


def _within(points: NDArray[Any], ground: Any) -> NDArray[np.bool_]:
    if ground is None:
        return np.ones(len(points), dtype=bool)
    shapely.prepare(ground)
    return np.asarray(shapely.intersects(ground, points))


def _shared_out(
    lived: _Dwellings,
    found: Cells,
    areas: gpd.GeoDataFrame | None,
    ground: Any,
    out: Shared,
    language: str,
) -> gpd.GeoDataFrame:
    """Residents of the part of each cell inside the study, shared among the homes in it; and where all of them went."""
    of = _parts(lived, found, areas, ground)
    home, cell, _ = of
    homes = _shared(lived, found, of, PEOPLE)
    if len(home) and (lived.weight[home] == lived.weight[home[0]]).all():
        _note(out, "weights_equal", len(np.unique(home)), language)
    told = found.people["residents"].to_numpy(dtype=np.float64)
    people = np.nan_to_num(told)
    settled = np.bincount(cell, minlength=len(found)) > 0
    out.people = {
        "touching": float(people.sum()),
        "allocated": float((people * found.inside)[settled].sum()),
        "outside": float((people * (1.0 - found.inside)).sum()),
        "without_dwelling": float((people * found.inside)[~settled].sum()),
    }
    _note(out, "people_elsewhere", int(not len(found)), language)
    if found.of_areas and areas is not None:
        asked = areas.index[areas["level"].eq(_level(areas))]
        silent = ~asked.isin(found.people.index) & asked.isin(homes["area_id"])
        _note(out, "areas_unpeopled", int(silent.sum()) if _of_homes(found, areas) else 0, language)
    _note(out, "people_unknown", int(np.isnan(told).sum()), language)
    _note(out, "homes_unpeopled", len(homes) - len(np.unique(home)), language)
    sums = {key.removesuffix("_dwelling"): value for key, value in out.people.items()}
    _note(out, "people", round(out.people["touching"]), language, **sums)
    return homes


def _shared(
    lived: _Dwellings,
    found: Cells,
    of: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
    columns: tuple[str, ...],
) -> gpd.GeoDataFrame:
    """Homes with the people of each cell, by weight times the part of the home that is in it."""
    home, cell, part = of
    weight = np.where(np.isfinite(lived.weight) & (lived.weight > 0), lived.weight, 0.0)[home] * part
    total = np.bincount(cell, weights=weight, minlength=len(found))
    even = np.bincount(cell, weights=part, minlength=len(found))
    # a cell whose homes all lack a weight shares by their parts alone
    alike = ~(total > 0)
    share = np.where(alike[cell], part, weight) / np.where(alike, even, total)[cell]
    filled = {}
    for column in columns:
        people = found.people[column].to_numpy(dtype=np.float64)
        known = np.isfinite(people)[cell]
        if known.any():
            given = (np.nan_to_num(people) * found.inside)[cell] * share
            sums = np.bincount(home, weights=given, minlength=len(lived.homes))
            filled[column] = np.where(np.bincount(home[known], minlength=len(sums)) > 0, sums, np.nan)
    return lived.homes.assign(**filled)


def _estimated(lived: _Dwellings, demand: Demand, out: Shared, language: str) -> gpd.GeoDataFrame:
    """Residents = floor area ÷ floor area a person; where that is not known, dwellings × persons a dwelling."""
    residents = np.full(len(lived.homes), np.nan)
    if (each := demand.floor_area_per_person_m2) is not None:
        residents = lived.floor_area / each
        _note(out, "estimated_by_area", int(np.isfinite(residents).sum()), language, each=each)
    if (persons := demand.persons_per_dwelling) is not None:
        counted = lived.counted
        if lived.given and np.isnan(counted).all():
            _note(out, "one_dwelling", len(counted), language)
            counted = np.ones(len(counted))
        by_dwelling = np.isnan(residents) & np.isfinite(counted)
        residents = np.where(by_dwelling, counted * persons, residents)
        _note(out, "estimated_by_dwelling", int(by_dwelling.sum()), language, persons=persons)
    unknown = np.isnan(residents)
    _note(out, "estimate_lacks", int(unknown.sum()), language)
    if unknown.all():
        return lived.homes
    total = float(np.nansum(residents))
    out.people = {"touching": total, "allocated": total, "outside": 0.0, "without_dwelling": 0.0, "estimated": total}
    _note(out, "people_estimated", round(total), language)
    return lived.homes.assign(residents=residents)


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
    finest = areas[areas["level"].eq(_level(areas))].sort_index()
    boxes, points = np.asarray(finest.geometry.array), np.asarray(homes.geometry.array)
    first = _first_of(boxes, points)
    found = pd.Series(finest.index.to_numpy(dtype=object)[first], index=homes.index, dtype="object").where(first >= 0)
    told = homes["area_id"].where(homes["area_id"].isin(finest.index))
    point, _ = shapely.STRtree(boxes).query(points, predicate="intersects")
    _note(out, "shared_boundary", int((np.bincount(point, minlength=len(points)) > 1).sum()), language)
    homes = homes.assign(area_id=told.astype("object").where(told.notna(), found).astype("str"))
    _note(out, "outside_areas", int(homes["area_id"].isna().sum()), language)
    return homes


def _level(areas: gpd.GeoDataFrame) -> str:
    """The finest level that the place has: the one homes belong to."""
    return next(one for one in _LEVELS if areas["level"].eq(one).any())


def _note(out: Shared, code: str, count: int, language: str, **fields: object) -> None:
    if count:
        out.notes.append((code, int(count), say(code, language, count=int(count), **fields)))
