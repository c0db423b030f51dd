"""Street graphs of OSMnx: read from a saved GraphML file, or downloaded by the name of a place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.errors import SourceError

ENDING = ".graphml"
_KEPT = {
    "osmid": "osm_id",
    "name": "name",
    "highway": "class",
    "bridge": "bridge",
    "tunnel": "tunnel",
    "layer": "layer",
    "width": "width",
}


def graph(path: Path | str) -> gpd.GeoDataFrame:
    """The edges of a graph that OSMnx saved, one row a street piece, in the graph's own system.

    Columns osm_id, name, class, bridge, tunnel, layer, width as text where the graph has them; a piece made of several
    ways keeps their values joined by ``;``. Each street appears once, whichever way it may be driven.

    Raises
    ------
    SourceError
        The file is no GraphML that OSMnx can read, or has no street.
    """
    import osmnx

    path = Path(path)
    try:
        undirected = osmnx.convert.to_undirected(osmnx.load_graphml(path))
        edges = osmnx.graph_to_gdfs(undirected, nodes=False)
    except (OSError, ValueError, KeyError, SyntaxError) as error:  # ParseError is a SyntaxError
        raise SourceError(f"{path.name} is not a street graph saved by OSMnx ({error}).") from error
    # Edges come in the order of a dictionary over node numbers; results may not depend on it.
    order = np.lexsort(shapely.get_coordinates(shapely.centroid(edges.geometry.to_numpy())).T)
    edges = edges.iloc[order]
    columns = {new: _text(edges[old]) for old, new in _KEPT.items() if old in edges}
    index = pd.RangeIndex(1, len(edges) + 1, name="row")
    frame = pd.DataFrame({name: values.to_numpy() for name, values in columns.items()}, index=index)
    return gpd.GeoDataFrame(frame, geometry=edges.geometry.to_numpy(), crs=edges.crs)


def _text(values: pd.Series[Any]) -> pd.Series[Any]:
    lists = values.map(lambda value: isinstance(value, list))
    joined = values[lists].map(lambda value: ";".join(map(str, value)))
    return values.mask(lists, joined).astype("str")


def download(place: str, path: Path | str) -> Path:
    """Save the walking network of `place`, as OpenStreetMap knows it by name, to the GraphML file `path`.

    The only function of lifecircle that asks the network.

    Raises
    ------
    SourceError
        The place is not found, or OpenStreetMap cannot be reached.
    """
    import osmnx

    path = Path(path)
    cache = osmnx.settings.use_cache
    osmnx.settings.use_cache = False  # no folder named cache in the user's working directory
    try:
        streets = osmnx.graph_from_place(place, network_type="walk", simplify=True, retain_all=True)
    except Exception as error:  # osmnx, requests and urllib3 each bring their own family
        raise SourceError(f"The streets of {place!r} could not be downloaded from OpenStreetMap: {error}") from error
    finally:
        osmnx.settings.use_cache = cache
    path.parent.mkdir(parents=True, exist_ok=True)
    osmnx.save_graphml(streets, path)
    return path
