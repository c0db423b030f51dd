"""`Study`: the canonical tables of one place, frozen and checked once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from lifecircle import schema
from lifecircle.errors import SchemaError


@dataclass(frozen=True, eq=False, kw_only=True)
class Raster:
    """One band read whole: `values` (rows × columns, float64, NaN where there is no data), north row first as stored.

    `transform` is the affine (a, b, c, d, e, f) of GDAL and rasterio: x = a·col + b·row + c, y = d·col + e·row + f.
    `dtype` is the type of the numbers in the file, ``""`` where there was no file; `nodata` the value that the file
    declares to mean no data, None where it declares none.
    """

    name: str
    values: "np.ndarray[Any, np.dtype[np.float64]]"
    transform: tuple[float, float, float, float, float, float]
    crs: CRS
    notes: tuple[str, ...] = ()
    dtype: str = ""
    nodata: float | None = None


@dataclass(frozen=True, kw_only=True)
class Conversions:
    """Which conversions of idle assets are looked for.

    `sites`: how many, one answer for each number (empty: those of the table of parameters, or under a budget as many as it pays for).
    `budget_yuan`: what each answer may cost, None for no limit. `capacity`: people that a use can serve at one site, no limit for uses that
    are not named. `conditional`: whether uses that are allowed only once something is confirmed are looked at too, in answers of their own.
    """

    sites: tuple[int, ...] = ()
    budget_yuan: float | None = None
    capacity: Mapping[str, float] = field(default_factory=dict)
    conditional: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Study:
    """The canonical tables of one place in one projected system in metres; a layer the place lacks is None.

    `land_edition` names the criteria of low-efficiency land ("" for those of the standards profile, or the default set) and
    `land_folder` the folder of a city's own. `without` are the kinds of constraint that the study says there are none of; `conversions` say
    which conversions of idle assets are looked for.

    Raises
    ------
    SchemaError
        Listing every breach of every table, every table in another system than `crs`, and constraints of a kind of which the study
        says there are none.
    """

    name: str
    crs: CRS
    as_of: date
    language: str = "zh"
    standards: str = "national_2018"
    land_edition: str = ""
    land_folder: Path | None = None
    without: tuple[str, ...] = ()
    conversions: Conversions = Conversions()
    synthetic: bool = False
    note: str = ""
    areas: gpd.GeoDataFrame | None = None
    homes: gpd.GeoDataFrame | None = None
    facilities: gpd.GeoDataFrame | None = None
    entrances: gpd.GeoDataFrame | None = None
    streets: gpd.GeoDataFrame | None = None
    barriers: gpd.GeoDataFrame | None = None
    gates: gpd.GeoDataFrame | None = None
    parcels: gpd.GeoDataFrame | None = None
    buildings: gpd.GeoDataFrame | None = None
    assets: gpd.GeoDataFrame | None = None
    pipes: gpd.GeoDataFrame | None = None
    pipe_nodes: gpd.GeoDataFrame | None = None
    parks: gpd.GeoDataFrame | None = None
    usage: pd.DataFrame | None = None
    constraints: gpd.GeoDataFrame | None = None
    projects: gpd.GeoDataFrame | None = None
    population: Raster | gpd.GeoDataFrame | None = field(default=None, repr=False)
    elevation: Raster | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        breaches = [f"crs: {breach}" for breach in schema.crs_breaches(self.crs)]
        for name, frame in self.tables().items():
            try:
                schema.check(name, frame)
            except SchemaError as error:
                breaches += [f"{name}: {breach}" for breach in error.breaches]
            if isinstance(frame, gpd.GeoDataFrame) and frame.crs != self.crs:
                breaches.append(f"{name}: is in {frame.crs}, the study in {self.crs}")
        for kind in self.without:
            drawn = 0 if self.constraints is None else int((self.constraints["kind"] == kind).sum())
            if kind not in schema.CONSTRAINTS:
                breaches.append(f"without: {kind!r} is not one of {', '.join(schema.CONSTRAINTS)}")
            elif drawn:
                breaches.append(f"constraints: the study says there is no {kind}, but the layer has {drawn} of it")
        if breaches:
            raise SchemaError(self.name, breaches)

    def tables(self) -> dict[str, gpd.GeoDataFrame | pd.DataFrame]:
        """The canonical tables this place has, by name, in the order of the schema."""
        return {name: getattr(self, name) for name in schema.TABLES if getattr(self, name) is not None}

    def missing(self) -> list[str]:
        """The layers this place lacks."""
        layers = [f.name for f in fields(self) if f.name in schema.TABLES or f.name in ("population", "elevation")]
        return [name for name in layers if getattr(self, name) is None]
