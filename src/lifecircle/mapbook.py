"""The atlas of a study: the results of its last run, or of a new one where they are not there or out of date, drawn on sheets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from lifecircle import load, pipeline, schema
from lifecircle.errors import OutputError

if TYPE_CHECKING:
    from lifecircle.publish.atlas import Atlas

FOLDER = "atlas"


def write(
    place: Path | str,
    *,
    out: Path | str | None = None,
    by: str = "community",
    theme: str = "all",
    processes: int | None = None,
    progress: Callable[[float, float, str], None] | None = None,
) -> Atlas:
    """Draw the sheets of a study into the folder ``atlas`` of its results.

    Parameters
    ----------
    place
        A folder with a ``study.toml``, or the file itself; ``[sheet]`` in it says who makes the sheets, their paper and marking.
    out
        Where the results of runs go; ``layers/<name of the folder>`` by default. Results that are there are used where inputs, recipe
        and version are what they were; otherwise the study is run first.
    by, theme
        See `publish.atlas.write`.
    processes
        How many processes draw; all processors where not said. A script that is not guarded by
        ``if __name__ == "__main__"`` draws with 1.

    Raises
    ------
    LifecircleError
        What `pipeline.run` and `publish.atlas.write` raise.
    """
    from lifecircle.publish import atlas, output, whole

    recipe = load.recipe.read(place)
    folder = Path(out) if out is not None else Path("layers") / recipe.folder.name
    say = progress or (lambda *_: None)
    if not pipeline.up_to_date(recipe, folder):
        pipeline.run(place, out=folder, progress=progress)
    last = output.previous(folder)
    if last is None:
        raise OutputError(f"{folder} holds no results.")
    say(0, 0, "atlas")
    frames = read(folder)
    layers = pd.DataFrame(last.get("layers", []))
    sources: dict[str, tuple[str, ...]] = {}
    if len(layers):
        files = layers["source"].astype("str").str.split("/").str[0].groupby(layers["layer"])
        sources = {str(name): tuple(file for file in dict.fromkeys(of) if file) for name, of in files}
    walked = last.get("network", {})
    about = atlas.About(
        name=recipe.name,
        crs=recipe.system,
        as_of=recipe.as_of,
        standards=recipe.standards,
        language=recipe.language,
        synthetic=recipe.synthetic,
        sources=sources,
        font=recipe.sheet_font,
        doubts=[whole.method(walked, language=recipe.language), *whole.doubts(walked, language=recipe.language)[:2]],
    )
    return atlas.write(
        frames,
        folder / FOLDER,
        about=about,
        style=recipe.sheet,
        by=by,
        theme=theme,
        processes=processes,
        progress=progress,
    )


def read(folder: Path | str) -> dict[str, gpd.GeoDataFrame | pd.DataFrame]:
    """The canonical tables and results a run wrote into `folder`, each on its own index.

    Raises
    ------
    OutputError
        A GeoPackage that is not there or not whole.
    """
    folder = Path(folder)
    tables: dict[str, Any] = pipeline.read_back(folder / "inventory.gpkg")
    indexed = {
        name: frame.set_index(schema.TABLES[name].index)
        for name, frame in tables.items()
        if name in schema.TABLES and schema.TABLES[name].index in frame
    }
    return indexed | pipeline.read_back(folder / "results.gpkg")
