"""Read files exactly as they are: the recipe of a place, tables, vector layers, OSM extracts and rasters.

`read` gives the rows of one source as they stand in the file, `raster` a raster with no-data as NaN, `recipe.read` the
checked recipe of a place, and `coordinates` knows the systems that files come in.
"""

from typing import TYPE_CHECKING, Any

from lifecircle.load.files import read
from lifecircle.load.rasters import raster

if TYPE_CHECKING:
    from lifecircle.load import coordinates, recipe

__all__ = ["coordinates", "raster", "read", "recipe"]


def __getattr__(name: str) -> Any:
    if name in ("recipe", "coordinates", "osm", "units"):  # pydantic and osmium are imported only where they are needed
        from importlib import import_module

        return import_module(f"lifecircle.load.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
