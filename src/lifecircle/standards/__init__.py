"""The reference tables: what the codes of practice say, one value a row, with unit, source and confidence.

Every table is a CSV file beside this module. Text columns are ``str`` with ``""`` where a cell is empty; numbers are
float64 with NaN where a cell holds no number (`value_text` then says it in words). `mark` gives the confidence of a
value: ``F`` or ``F:Kn`` found in a source, ``V`` verified in a database, ``M:H``, ``M:M`` and ``M:L`` recalled with high,
medium and low confidence, ``D`` a design choice of this package. Only F, V and M:H may pass or fail anything.

A city may bring its own edition: every function takes `folder`, and a CSV file of the same name and columns found there
is used instead of the one that is shipped.
"""

from collections import defaultdict
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from io import StringIO
from math import inf, isnan
from pathlib import Path
from typing import Any

import pandas as pd

from lifecircle.errors import LifecircleError

__all__ = [
    "StandardsError",
    "Walker",
    "aliases",
    "binding",
    "normal",
    "parameter",
    "read",
    "tables",
    "tier_kinds",
    "walker",
    "words",
]

_NUMBERS = (
    "value",
    "factor",
    "area_from_m2",
    "area_below_m2",
    "belt_deg",
    "zone",
    "central_meridian_deg",
    "false_easting_m",
    "lon_from_deg",
    "lon_to_deg",
    "speed_m_s",
    "max_slope",
    "longest_leg_m",
)
_SLOPE_RULES = ("flat", "tobler", "limit")


class StandardsError(LifecircleError, KeyError):
    """A reference table, parameter, profile or word list that does not exist, or a local edition that cannot be used."""

    def __str__(self) -> str:  # KeyError would print the repr
        return str(self.args[0]) if self.args else ""


@dataclass(frozen=True, kw_only=True)
class Walker:
    """Someone who walks: a row of ``walkers.csv``.

    `speed_m_s` is the speed on the flat. `slope_rule` says what slopes do: ``flat`` nothing; ``tobler`` they change the
    pace by Tobler's function; ``limit`` the pace stays, but what is steeper than `max_slope` (rise over run, NaN: no
    limit) is not walked. `steps`: whether stairs are. `longest_leg_m`: the longest way between a place and its street.
    """

    code: str
    speed_m_s: float
    slope_rule: str
    max_slope: float
    steps: bool
    longest_leg_m: float


def read(name: str, *, folder: str | Path | None = None) -> pd.DataFrame:
    """The reference table `name`, one row a value, in the order of its file; the caller may change what it gets.

    Geometry: none. Units stand in the column `unit`. Empty text is ``""``, an empty number NaN.

    Parameters
    ----------
    folder
        A folder with a local edition: its ``<name>.csv`` is used instead of the shipped one where it is present.

    Raises
    ------
    StandardsError
        No such table (the nearest name is given), or a local file that lacks a column or holds a number that is none.

    Examples
    --------
    >>> facilities = read("facilities")
    >>> rows = facilities[(facilities["code"] == "kindergarten") & (facilities["quantity"] == "radius_m")]
    >>> rows[["tier", "operator", "value", "unit", "mark"]].to_numpy().tolist()
    [['5', '<=', 300.0, 'm', 'M:H']]
    """
    shipped = _shipped(name)
    local = Path(folder, f"{name}.csv") if folder is not None else None
    if local is None or not local.is_file():
        return shipped.copy()
    try:
        frame = _parsed(local.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise StandardsError(f"{local}: cannot be read as a reference table ({error}).") from error
    lacking = [column for column in shipped.columns if column not in frame.columns]
    if lacking:
        raise StandardsError(f"{local}: lacks the column {', '.join(lacking)} of the shipped table {name!r}.")
    return frame


def tables(*, folder: str | Path | None = None) -> pd.DataFrame:
    """The names of all reference tables, with a title in Chinese and in English and their number of rows.

    Examples
    --------
    >>> known = tables().set_index("name")
    >>> known.loc["pipes", "title_en"]
    'Pipe networks: renewal, design, cover, clearances, targets'
    """
    listed = read("tables", folder=folder)
    return listed.assign(rows=[len(read(name, folder=folder)) for name in listed["name"]])


def parameter(code: str, *, folder: str | Path | None = None) -> float:
    """One number of ``parameters.csv``, in the unit its code ends with.

    Raises
    ------
    StandardsError
        No such parameter; the nearest code is given.

    Examples
    --------
    >>> parameter("walk_speed_adult_m_s")
    1.0
    >>> parameter("walk_sped_adult_m_s")
    Traceback (most recent call last):
    lifecircle.standards.StandardsError: There is no parameter 'walk_sped_adult_m_s'; did you mean 'walk_speed_adult_m_s'?
    """
    parameters = read("parameters", folder=folder)
    values = dict(zip(parameters["code"], parameters["value"], strict=True))
    if code not in values:
        raise StandardsError(_unknown("parameter", code, list(values)))
    return float(values[code])


def walker(code: str, *, folder: str | Path | None = None) -> Walker:
    """One walker of ``walkers.csv``: adult, elder, child or wheelchair, or one that a local edition adds.

    Raises
    ------
    StandardsError
        No such walker (those there are are named), or a local edition that cannot be used: a speed that is not above 0,
        a negative leg or slope, an unknown slope rule, ``limit`` without a slope, steps neither yes nor no, a code that
        repeats, or an adult whose speed or leg is not that of the parameters.

    Examples
    --------
    >>> adult, wheels = walker("adult"), walker("wheelchair")
    >>> adult.speed_m_s, adult.slope_rule, adult.steps, adult.longest_leg_m
    (1.0, 'tobler', True, 300.0)
    >>> wheels.slope_rule, round(1 / wheels.max_slope), wheels.steps
    ('limit', 12, False)
    >>> walker("toddler")
    Traceback (most recent call last):
    lifecircle.standards.StandardsError: There is no walker 'toddler'; known: adult, child, elder, wheelchair.
    """
    rows = read("walkers", folder=folder)
    found = rows[rows["code"] == code]
    if found.empty:
        raise StandardsError(f"There is no walker {code!r}; known: {', '.join(sorted(rows['code']))}.")
    row = found.iloc[0]
    one = Walker(
        code=code,
        speed_m_s=float(row["speed_m_s"]),
        slope_rule=str(row["slope_rule"]),
        max_slope=float(row["max_slope"]),
        steps=row["steps"] == "yes",
        longest_leg_m=float(row["longest_leg_m"]),
    )
    faults = {
        "it has more than one row": len(found) > 1,
        f"speed_m_s must be above 0, not {one.speed_m_s}": not 0 < one.speed_m_s < inf,
        f"longest_leg_m must be 0 or more, not {one.longest_leg_m}": not 0 <= one.longest_leg_m < inf,
        f"slope_rule must be {', '.join(_SLOPE_RULES)}, not {one.slope_rule!r}": one.slope_rule not in _SLOPE_RULES,
        f"max_slope must be above 0, not {one.max_slope}": one.max_slope <= 0,
        "slope_rule limit needs a max_slope": one.slope_rule == "limit" and isnan(one.max_slope),
        f"steps must be yes or no, not {row['steps']!r}": row["steps"] not in ("yes", "no"),
    }
    if code == "adult":
        speed, leg = (parameter(name, folder=folder) for name in ("walk_speed_adult_m_s", "offstreet_max_m"))
        faults[f"the parameter walk_speed_adult_m_s is {speed}, its speed_m_s {one.speed_m_s}"] = one.speed_m_s != speed
        faults[f"the parameter offstreet_max_m is {leg}, its longest_leg_m {one.longest_leg_m}"] = (
            one.longest_leg_m != leg
        )
    wrong = [fault for fault, there in faults.items() if there]
    if wrong:
        raise StandardsError(f"walkers.csv, walker {code!r}: {'; '.join(wrong)}.")
    return one


def binding(marks: "pd.Series[Any]") -> "pd.Series[bool]":
    """Which marks may pass or fail anything: F (found), V (verified) and M:H (recalled, high confidence).

    The answer is bool on the index of `marks`; a missing mark does not bind.

    Examples
    --------
    >>> binding(pd.Series(["F:K13", "V", "M:H", "M:M", "M:L", None])).tolist()
    [True, True, True, False, False, False]
    """
    text = marks.astype("str")
    return (text.str.startswith(("F", "V"), na=False) | text.eq("M:H")).astype("bool")


def tier_kinds(profile: str, *, folder: str | Path | None = None) -> pd.DataFrame:
    """The facility kinds each walking tier asks for, one row a (tier, kind), ordered by tier and kind.

    Columns: `kind`; `tier` in minutes (5, 10 or 15); `required` (False: optional); `radius_m`, the largest service
    radius in metres, NaN where the standard sets none; `radius_mark` and `radius_binding`, whether that radius may pass
    or fail anything; `source`, a key of ``sources.csv``. A kind that belongs to two tiers has a row in each, and one
    tier does not stand in for another (GB 50180-2018, 3.0.4 and its appendix B).

    Raises
    ------
    StandardsError
        A profile that has no kinds by tier; those that have are named.

    Examples
    --------
    >>> kinds = tier_kinds("national_2018").set_index(["tier", "kind"])
    >>> print(*kinds.loc[(15, "middle_school"), ["required", "radius_m", "radius_mark"]])
    True 1000.0 M:H
    """
    facilities = read("facilities", folder=folder)
    walked = facilities[facilities["tier"].isin(("5", "10", "15"))]
    rows = walked[walked["profile"] == profile]
    if rows.empty:
        having = sorted(walked["profile"].unique())
        raise StandardsError(
            f"The profile {profile!r} has no facility kinds by walking tier; use {' or '.join(having)}."
        )
    key = ["tier", "code"]
    kinds = rows[rows["quantity"] == "provision"].set_index(key)
    stated = rows[(rows["quantity"] == "radius_m") & rows["value"].notna()]
    radii = stated.set_index(key)[["value", "mark"]].reindex(kinds.index)
    out = pd.DataFrame(
        {
            "required": kinds["value_text"].eq("must"),
            "radius_m": radii["value"],
            "radius_mark": radii["mark"].fillna(""),
            "radius_binding": binding(radii["mark"]),
            "source": kinds["source"],
        }
    ).reset_index(names=["tier", "kind"])
    out["tier"] = out["tier"].astype("int64")
    columns = ["kind", "tier", "required", "radius_m", "radius_mark", "radius_binding", "source"]
    return out.sort_values(["tier", "kind"], ignore_index=True)[columns]


def words(domain: str, *, folder: str | Path | None = None) -> dict[str, str]:
    """The word list of a column: normalised word (see `normal`) to code.

    `domain` is ``table.column`` (``"facilities.kind"``) or, for columns that several tables share, the column alone
    (``"danger_class"``); ``"buildings.danger_class"`` finds the shared list too. Yes and no are ``"boolean"``, with the
    codes ``yes`` and ``no``.

    Raises
    ------
    StandardsError
        No such word list; the nearest is given.

    Examples
    --------
    >>> materials = words("pipes.material")
    >>> materials["铸铁"], materials["灰口铸铁"], materials["球墨铸铁"]
    ('unknown', 'grey_iron', 'ductile_iron')
    """
    listed = read("words", folder=folder)
    column = domain.rpartition(".")[2]
    domains = list(listed["domain"].unique())
    found = domain if domain in domains else column
    if found not in domains:
        raise StandardsError(_unknown("word list", domain, domains))
    rows = listed[listed["domain"] == found]
    return dict(zip(normal(rows["word"]), rows["code"], strict=True))


def normal(text: "pd.Series[Any]") -> "pd.Series[str]":
    """Words made comparable: Unicode NFKC, lower case, and no spaces, at the ends or inside; missing stays missing.

    Examples
    --------
    >>> normal(pd.Series([" 占地面积（亩）", "PE 管", "㎡", None])).tolist()
    ['占地面积(亩)', 'pe管', 'm2', nan]
    """
    folded = text.astype("str").str.normalize("NFKC").str.lower()
    return folded.str.replace("[\\s\u200b\ufeff]+", "", regex=True)


def aliases(table: str, *, folder: str | Path | None = None) -> pd.DataFrame:
    """The names under which files deliver the columns of the canonical `table`.

    Columns: `column`, canonical; `alias`, as written (compare by `normal`); `language` (zh, en, osm or field, for the
    coded field names of land surveys and public registers); `unit`, the unit the alias states, ``""`` where it states
    none and the canonical unit is assumed; `factor`, raw value × factor = canonical value (1.0 for text).

    Raises
    ------
    StandardsError
        A table without aliases; the nearest is given.

    Examples
    --------
    >>> parcels = aliases("parcels").set_index("alias")
    >>> print(*parcels.loc["税收(万元)", ["column", "unit", "factor"]])
    tax_yuan 万元 10000.0
    """
    listed = read("aliases", folder=folder)
    if table not in set(listed["table"]) - {"*"}:
        raise StandardsError(_unknown("table with aliases", table, list(listed["table"].unique())))
    rows = listed[listed["table"].isin((table, "*"))]
    rows = rows.sort_values("table", key=lambda name: name.eq("*"), kind="stable")
    rows = rows[~normal(rows["alias"]).duplicated()]
    return rows[["column", "alias", "language", "unit", "factor"]].reset_index(drop=True)


@lru_cache(maxsize=64)
def _shipped(name: str) -> pd.DataFrame:
    here = files(__package__)
    known = sorted(entry.name.removesuffix(".csv") for entry in here.iterdir() if entry.name.endswith(".csv"))
    if name not in known:
        raise StandardsError(_unknown("reference table", name, known))
    return _parsed(here.joinpath(f"{name}.csv").read_text(encoding="utf-8"))


def _parsed(text: str) -> pd.DataFrame:
    numbers = dict.fromkeys(_NUMBERS, "float64")
    # a word such as "NA" or "none" is a word here; only an empty number is missing
    return pd.read_csv(
        StringIO(text),
        dtype=defaultdict(lambda: "str", numbers),
        keep_default_na=False,
        na_values={column: [""] for column in _NUMBERS},
    )


def _unknown(what: str, name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known)[:40])}."
    return f"There is no {what} {name!r}; {hint}"
