"""The charts that belong to the sections of a report or an appendix, by section and caption."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEAST = 15


def of(
    results: Mapping[str, gpd.GeoDataFrame | pd.DataFrame], *, language: str = "zh"
) -> "dict[str, dict[str, Figure]]":
    """Charts by the code of the section of `digest.sections` they stand in, then by caption; none for a theme without results.

    >>> pipes = pd.DataFrame({"network": ["gas"], "age": ["0–9"], "length_m": [1500.0]})
    >>> {code: list(charts) for code, charts in of({"pipes_length": pipes}, language="en").items()}
    {'shares': [], 'candidates': ['Pipes by age']}
    """
    from lifecircle.publish import charts

    zh = language == "zh"
    plain = {name: pd.DataFrame(frame) for name, frame in results.items()}
    shares: dict[str, Figure] = {}
    candidates: dict[str, Figure] = {}
    if "coverage_town" in plain:
        caption = "最少人走得到的必配设施" if zh else "Required kinds that fewest reach"
        shares[caption] = charts.coverage(plain["coverage_town"], least=_LEAST, language=language)
    if "coverage_homes" in plain:
        caption = "多少分钟走得到" if zh else "Reached within so many minutes"
        shares[caption] = charts.reach(plain["coverage_homes"], language=language)
    if "supply_homes" in plain and "coverage_homes" in plain:
        homes = plain["coverage_homes"]
        people = homes[[c for c in ("residents", "dwellings") if c in homes and homes[c].notna().any()][:1]]
        supply = plain["supply_homes"].drop(columns=people.columns, errors="ignore").join(people)
        if len(people.columns) and supply.filter(like="access_").notna().any(axis=None):
            shares["供给是否均匀" if zh else "How even the supply is"] = charts.equity(supply, language=language)
    if "reuse_curve" in plain and len(plain["reuse_curve"]):
        caption = "每多改造一处增加多少" if zh else "What each further conversion adds"
        candidates[caption] = charts.gain(plain["reuse_curve"], language=language)
    if "pipes_length" in plain and len(plain["pipes_length"]):
        caption = "管线按管龄" if zh else "Pipes by age"
        candidates[caption] = charts.pipe_age(plain["pipes_length"], language=language)
    return {"shares": shares, "candidates": candidates}
