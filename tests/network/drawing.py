"""Small frames for the network's tests."""

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import LineString, MultiLineString, Point

CRS = "EPSG:4547"
Line = Sequence[tuple[float, float]]


def streets(lines: Mapping[str, Line | Any], **columns: Mapping[str, Any]) -> gpd.GeoDataFrame:
    """Streets by id, a list of coordinates or a geometry each; columns as {street_id: value}, missing elsewhere."""
    shapes = [line if line is None or hasattr(line, "geom_type") else LineString(line) for line in lines.values()]
    index = pd.Index(list(lines), name="street_id", dtype="str")
    frame = gpd.GeoDataFrame(geometry=shapes, index=index, crs=CRS)
    for column in ("walkable", "bridge", "tunnel"):
        frame[column] = pd.Series(columns.get(column, {}), index=index, dtype="boolean")
    frame["layer"] = pd.Series(columns.get("layer", {}), index=index, dtype="float64")
    return frame


def barriers(*lines: Line) -> gpd.GeoDataFrame:
    """Barriers b0, b1, …"""
    index = pd.Index([f"b{i}" for i in range(len(lines))], name="barrier_id", dtype="str")
    return gpd.GeoDataFrame(geometry=[LineString(line) for line in lines], index=index, crs=CRS)


def gates(*places: tuple[float, float, Any]) -> gpd.GeoDataFrame:
    """Gates as (x, y, state)."""
    index = pd.Index([f"g{i}" for i in range(len(places))], name="gate_id", dtype="str")
    shapes = [Point(x, y) for x, y, _ in places]
    return gpd.GeoDataFrame(
        {"state": pd.array([s for *_, s in places], dtype="str")}, geometry=shapes, index=index, crs=CRS
    )


def points(xy: Any, *, name: str = "home_id", ids: Sequence[str] | None = None) -> gpd.GeoDataFrame:
    """Points named h0, h1, … (or `ids`)."""
    xy = np.asarray(xy, dtype=float).reshape(-1, 2)
    index = pd.Index(ids if ids is not None else [f"{name[0]}{i}" for i in range(len(xy))], name=name, dtype="str")
    return gpd.GeoDataFrame(geometry=shapely.points(xy), index=index, crs=CRS)


def facilities(xy: Any, kinds: Sequence[str] | str = "clinic", *, ids: Sequence[str] | None = None) -> gpd.GeoDataFrame:
    """Facilities f0, f1, … (or `ids`)."""
    frame = points(xy, name="facility_id", ids=ids)
    frame["kind"] = pd.array([kinds] * len(frame) if isinstance(kinds, str) else list(kinds), dtype="str")
    return frame


def entrances(xy: Any, of: Sequence[str], table: str = "facilities") -> gpd.GeoDataFrame:
    """Entrances of the facilities `of`."""
    frame = points(xy, name="entrance_id")
    frame["of_table"], frame["of_id"] = table, pd.array(list(of), dtype="str")
    return frame


def multi(*lines: Line) -> MultiLineString:
    """One street in several pieces."""
    return MultiLineString([list(line) for line in lines])


def moved(frame: gpd.GeoDataFrame, dx: float, dy: float) -> gpd.GeoDataFrame:
    """The same frame somewhere else."""
    return frame.set_geometry(frame.geometry.translate(dx, dy))
