"""Units as they are written in headings, cells and recipes (`standards/units.csv`), and their worth in the canonical unit."""

from functools import lru_cache

import pandas as pd

from lifecircle import standards

# canonical unit of a column -> dimension of `units.csv`, and what the canonical unit itself is worth there
_CANONICAL = {
    "m2": ("area", 1.0),
    "m": ("length", 1.0),
    "mm": ("length", 0.001),
    "yuan": ("money", 1.0),
    "share": ("share", 1.0),
    "people": ("count", 1.0),
}
# words that may follow a mere count without changing it
_COUNTS = {
    "floors": ("floors", "floor", "层", "層", "f", "storeys", "levels"),
    "dwellings": ("dwellings", "户", "戶", "套", "households"),
    "places": ("places", "床", "张", "座", "位", "人", "个"),
    "ratio": ("ratio",),
    "year": ("year", "年"),
    "people": ("people", "人", "persons", "口"),
    "share": ("share",),
}


def known(canonical: str) -> dict[str, float]:
    """Every spelling that a column counted in `canonical` may be given in, and its factor to `canonical`.

    >>> known("mm")["m"], known("yuan")["万元"], round(known("m2")["亩"], 3)
    (1000.0, 10000.0, 666.667)
    """
    return dict(_known(canonical))


@lru_cache(maxsize=32)
def _known(canonical: str) -> dict[str, float]:
    dimension, base = _CANONICAL.get(canonical, ("", 1.0))
    listed = standards.read("units")
    listed = listed[listed["dimension"] == dimension]
    # 1 / 0.001 is exact where 1 * 1000.0000001 would not be
    spelled_ = dict(zip(standards.normal(listed["word"]), listed["factor"] / base, strict=True))
    return {**spelled_, **dict.fromkeys(_COUNTS.get(canonical, ()), 1.0)}


def factor(unit: str, canonical: str) -> float | None:
    """What one `unit` is worth in `canonical`; None where it is not a unit of that quantity.

    >>> factor("万元", "yuan"), factor(" M² ", "m2"), factor("kg", "yuan")
    (10000.0, 1.0, None)
    """
    return _known(canonical).get(standards.normal(pd.Series([unit.strip("()（）")], dtype="str")).iloc[0])
