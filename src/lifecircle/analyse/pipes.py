"""How long the pipes are, of what, how old, and which of them the renewal rules name.

Length is that of the line as drawn (horizontal). An age needs a year; where there is none the pipe is *not known*, never
new. Plain 铸铁 is an unknown iron: the rules name grey iron only.
"""

from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

ANSWERS = (
    "on the list",
    "age reached, not assessed",
    "material named, not assessed",
    "not known",
    "not on the list",
)


def lengths(pipes: gpd.GeoDataFrame, *, as_of: date, age_breaks: "list[float]") -> pd.DataFrame:
    """Length by network, material and age.

    Parameters
    ----------
    pipes
        Canonical pipes in metres.
    as_of
        Ages are counted to the year of this date.
    age_breaks
        Where one age class ends and the next begins, in years, ascending: [20, 30] gives 0–19, 20–29 and ≥30.

    Returns
    -------
    DataFrame
        Columns network, material (``unknown`` where missing), age (text), pipes (count), length_m and share_of_network
        (0–1); the lengths add up to that of all pipes.

    Examples
    --------
    >>> from shapely import LineString
    >>> from lifecircle import schema
    >>> pipes = gpd.GeoDataFrame({"network": ["gas", "gas"], "built_year": [1990.0, np.nan]},
    ...     geometry=[LineString([(0, 0), (30, 0)]), LineString([(0, 0), (0, 10)])], index=["a", "b"], crs=4547)
    >>> pipes = schema.conform("pipes", pipes)
    >>> lengths(pipes, as_of=date(2025, 1, 1), age_breaks=[20, 30])[["age", "length_m"]].values.tolist()
    [['≥30', 30.0], ['not known', 10.0]]
    """
    age = as_of.year - pipes["built_year"]
    names = [f"{a:g}–{b - 1:g}" for a, b in zip([0.0, *age_breaks], age_breaks, strict=False)]
    bins = [-np.inf, *age_breaks, np.inf]
    cut = pd.cut(age, bins, right=False, labels=[*names, f"≥{age_breaks[-1]:g}"])
    classes = cut.cat.add_categories("not known").fillna("not known")
    parts = pd.DataFrame(
        {
            "network": pipes["network"],
            "material": pipes["material"].fillna("unknown"),
            "age": classes,
            "length_m": pipes.length,
        }
    )
    out = parts.groupby(["network", "material", "age"], observed=True)["length_m"].agg(["size", "sum"])
    out = out.rename(columns={"size": "pipes", "sum": "length_m"}).reset_index()
    out["age"] = out["age"].astype("str")
    out["pipes"] = out["pipes"].astype("float64")
    out["share_of_network"] = out["length_m"] / out.groupby("network")["length_m"].transform("sum")
    return out


def renewal(pipes: gpd.GeoDataFrame, rules: pd.DataFrame, *, as_of: date) -> pd.DataFrame:
    """Which pipes the renewal rules name.

    Parameters
    ----------
    pipes
        Canonical pipes.
    as_of
        Ages are counted to the year of this date.
    rules
        One row for each rule: ``rule``, ``network``, ``material`` (a code, or ``any``), ``age_from_years`` (NaN: whatever its
        age), ``needs_assessment`` (True: age alone is not enough, a risk must have been assessed), ``source``, ``binding``.
        Rules that are not binding are left aside.

    Returns
    -------
    DataFrame
        On the pipes' index: ``renewal`` (one of `ANSWERS`, the first that holds for any rule), ``age_years`` (NaN
        unknown), ``rule`` and ``source`` of the rule that gave the answer (missing for ``not on the list``).

    Examples
    --------
    >>> from shapely import LineString
    >>> from lifecircle import schema
    >>> pipes = gpd.GeoDataFrame({"network": ["gas", "gas"], "material": ["grey_iron", "unknown"]},
    ...     geometry=[LineString([(0, 0), (30, 0)])] * 2, index=["a", "b"], crs=4547)
    >>> rules = pd.DataFrame({"rule": ["gas iron"], "network": ["gas"], "material": ["grey_iron"],
    ...     "age_from_years": [np.nan], "needs_assessment": [False], "source": ["here"], "binding": [True]})
    >>> renewal(schema.conform("pipes", pipes), rules, as_of=date(2025, 1, 1))["renewal"].tolist()
    ['on the list', 'not known']
    """
    age = as_of.year - pipes["built_year"]
    material = pipes["material"].replace("unknown", pd.NA)
    risk = pipes["assessed_risk"]
    rank = pd.Series(len(ANSWERS) - 1, index=pipes.index)
    said = pd.Series(pd.NA, index=pipes.index, dtype="str")
    source = said.copy()
    rule: Any
    for rule in rules[rules["binding"]].itertuples():
        # Nullable booleans: what is not known stays NA unless another condition already says no.
        named = (pipes["network"] == rule.network).astype("boolean")
        if rule.material != "any":
            named &= (material == rule.material).astype("boolean").mask(material.isna())
        if not np.isnan(rule.age_from_years):
            named &= (age >= rule.age_from_years).astype("boolean").mask(age.isna())
        if rule.needs_assessment:
            named &= risk | risk.isna()
        answer = pd.Series(len(ANSWERS) - 1, index=pipes.index).mask(named.isna(), ANSWERS.index("not known"))
        answer = answer.mask(named.fillna(False), ANSWERS.index("on the list"))
        if rule.needs_assessment:
            unsure = "material named, not assessed" if np.isnan(rule.age_from_years) else "age reached, not assessed"
            answer = answer.mask(named.fillna(False) & risk.isna(), ANSWERS.index(unsure))
        better = answer < rank
        rank, said, source = rank.mask(better, answer), said.mask(better, rule.rule), source.mask(better, rule.source)
    return pd.DataFrame(
        {
            "renewal": np.array(ANSWERS, dtype=object)[rank.to_numpy()],
            "age_years": age,
            "rule": said,
            "source": source,
        },
        index=pipes.index,
    )
