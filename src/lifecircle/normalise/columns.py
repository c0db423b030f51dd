"""Which raw column is which canonical one, and what it is counted in."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Protocol

import pandas as pd

from lifecircle import standards
from lifecircle.errors import SourceError
from lifecircle.load import units
from lifecircle.load.layers import canonical, index_of

_BRACKET = re.compile(r"^(.*?)\s*[(（\[【]\s*([^()（）\[\]【】]+?)\s*[)）\]】]\s*$")


class Given(Protocol):
    """A column as the recipe names it."""

    raw: str
    unit: str | None


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """One canonical column: the raw one it is read from, its unit, the factor to the canonical unit, and how it was found."""

    column: str
    raw: str
    unit: str
    factor: float
    how: str


def mapping(
    table: str, frame: pd.DataFrame, *, given: Mapping[str, Given], source: str, but: Collection[str] = ()
) -> tuple[list[Mapped], list[str]]:
    """The canonical columns that `frame` holds, and one text for each that more than one raw column could have been.

    The recipe's own columns come first, and one it names as ``""`` is left out; then the aliases, in the order of their table, for the columns not in `but`.

    Raises
    ------
    SourceError
        A raw column that the recipe names and the file does not have.
    """
    raw = [str(column) for column in frame.columns if column != "geometry"]
    found = [_given(table, column, one, raw, source) for column, one in given.items() if one.raw]
    taken = {one.raw for one in found}
    missing = [column for column in canonical(table) if column not in given and column not in but]
    by_alias, doubts = _by_alias(table, [column for column in raw if column not in taken], missing)
    return found + by_alias, doubts


def _given(table: str, column: str, one: Given, raw: list[str], source: str) -> Mapped:
    if one.raw not in raw:
        near = get_close_matches(one.raw, raw, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(raw[:20])}{', …' if len(raw) > 20 else ''}"
        raise SourceError(f"{source}: has no column {one.raw!r} (layers.{table}.columns.{column}); {hint}")
    spec = canonical(table)[column]
    if one.unit is not None:
        return Mapped(
            column=column, raw=one.raw, unit=one.unit, factor=units.factor(one.unit, spec.unit) or 1.0, how="recipe"
        )
    unit, factor = _of_heading(table, column, one.raw)
    return Mapped(column=column, raw=one.raw, unit=unit, factor=factor, how="recipe")


def _of_heading(table: str, column: str, raw: str) -> tuple[str, float]:
    """The unit that a heading states, in brackets or by its alias."""
    known = canonical(table)[column].unit
    bracket = _BRACKET.match(raw)
    if known and bracket and (factor := units.factor(bracket[2], known)) is not None:
        return bracket[2], factor
    listed = _aliases(table)
    key = standards.normal(pd.Series([raw], dtype="str")).iloc[0]
    rows = listed[(listed["key"] == key) & (listed["column"] == column)]
    if len(rows):
        return str(rows["unit"].iloc[0]) or known, float(rows["factor"].iloc[0])
    return known, 1.0


def _by_alias(table: str, raw: list[str], wanted: list[str]) -> tuple[list[Mapped], list[str]]:
    listed = _aliases(table)
    listed = listed[listed["column"].isin(wanted)].drop_duplicates("key")
    rank = dict(zip(listed["key"], range(len(listed)), strict=True))
    columns, stated, factors = (list(listed[one]) for one in ("column", "unit", "factor"))
    keys = dict(zip(raw, standards.normal(pd.Series(raw, dtype="str")), strict=True))
    specs = canonical(table)
    hits: dict[str, list[tuple[bool, int, Mapped]]] = {}
    for name, key in keys.items():  # over the headings of one file
        one: tuple[bool, int, Mapped] | None = None
        if key in rank:
            place = rank[key]
            column = str(columns[place])
            unit = str(stated[place]) or specs[column].unit
            bare = not str(stated[place]) and name != column  # site_area_m2 states its unit too
            found = Mapped(column=column, raw=name, unit=unit, factor=float(factors[place]), how="alias")
            one = bare, place, found
        elif (bracket := _BRACKET.match(name)) is not None:
            inner = standards.normal(pd.Series([bracket[1]], dtype="str")).iloc[0]
            if inner in rank:
                column = columns[rank[inner]]
                factor = units.factor(bracket[2], specs[column].unit) if specs[column].unit else 1.0
                if factor is not None:
                    found = Mapped(column=column, raw=name, unit=bracket[2], factor=factor, how="alias")
                    one = not specs[column].unit, rank[inner], found
        if one is not None:
            hits.setdefault(one[2].column, []).append(one)
    doubts = []
    out = []
    for column in wanted:  # a heading that states its unit comes before a bare one
        several = sorted(hits.get(column, []), key=lambda hit: (hit[0], hit[1], hit[2].raw))
        if several:
            out.append(several[0][2])
        if len(several) > 1:
            doubts.append(f"{column}: {', '.join(hit[2].raw for hit in several)}")
    return out, doubts


@cache
def _aliases(table: str) -> pd.DataFrame:
    listed = standards.aliases(table)
    listed = listed[listed["column"] != "source"]
    # what our own OSM reader calls a row's number
    own = pd.DataFrame([{"column": index_of(table), "alias": "osm_id", "language": "osm", "unit": "", "factor": 1.0}])
    listed = pd.concat([listed, own], ignore_index=True)
    return listed.assign(
        key=standards.normal(listed["alias"]), unit=listed["unit"].fillna(""), factor=listed["factor"].fillna(1.0)
    )


def frame_of(mapped: list[Mapped]) -> pd.DataFrame:
    """The mapping as a table: column, raw, unit, how."""
    rows: dict[str, list[Any]] = {
        "column": [one.column for one in mapped],
        "raw": [one.raw for one in mapped],
        "unit": [one.unit for one in mapped],
        "how": [one.how for one in mapped],
    }
    return pd.DataFrame(rows, dtype="str")
