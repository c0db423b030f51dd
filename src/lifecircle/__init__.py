"""lifecircle: data in, `Study`, layers out.

The stages, in order: `load` reads files exactly as they are, `normalise` makes canonical tables of them (`schema` says
which), a `Study` holds those of one place, `network` answers who walks where in how many minutes, `analyse` screens and
measures, `publish` writes layers, maps and tables. `pipeline.run` tells it all once, `compare` says what a scenario would change, `mapbook.write` draws map sheets; `standards`
holds what the codes of practice say.
"""

from importlib import import_module
from typing import Any

from lifecircle.errors import LifecircleError
from lifecircle.study import Raster, Study

__all__ = [
    "LifecircleError",
    "Raster",
    "Study",
    "analyse",
    "compare",
    "load",
    "mapbook",
    "network",
    "normalise",
    "pipeline",
    "publish",
    "run",
    "sample_town",
    "scenario",
    "schema",
    "standards",
    "what_if",
]


def __getattr__(name: str) -> Any:
    # Stages load when they are first used: numba, folium and osmium cost seconds that `import lifecircle` need not pay.
    if name in ("run", "sample_town"):
        return getattr(import_module("lifecircle.pipeline"), name)
    if name == "compare":
        return import_module("lifecircle.what_if").compare
    if name in __all__:
        return import_module(f"lifecircle.{name}")
    raise AttributeError(f"module 'lifecircle' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
