"""Editions of the criteria of low-efficiency land: those that are shipped, side by side, and a city's own.

An edition is a row of ``land_editions.csv`` and its rules in ``land_rules.csv``. A city's folder holds files of the same names
and columns, with its own rows only; a row of the same code replaces the shipped edition. Beside them it may hold
``land_industries.csv``, what lists say of industries.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lifecircle import standards
from lifecircle.standards import StandardsError

TABLES = ("land_editions", "land_rules", "land_industries")
_CLASSES = ("low_efficiency", "exemption", "idle", "not_supplied", "town")
_LEGAL = ("idle", "not_supplied")


@dataclass(frozen=True, kw_only=True, eq=False)
class LandEdition:
    """One edition: what it is called, how many low-efficiency rules must say yes, of which land, and its rules.

    `needed` is 0 where the edition judges no parcel. `scope` is ``construction`` (construction land only) or ``any``.
    `rules` has the columns that `lifecircle.analyse.land.underused` asks for, each source in words with clause and mark;
    idle and approved-but-unsupplied land, legal states of the whole country, are among them whatever the edition.
    `town` holds the limits of the town as a whole. `industries` is what `lifecircle.analyse.land.measures` takes: confirmed rows only.
    """

    code: str
    name_zh: str
    name_en: str
    needed: int
    scope: str
    source: str
    mark: str
    rules: pd.DataFrame
    town: pd.DataFrame
    industries: pd.DataFrame


def codes(*, folder: Path | str | None = None) -> list[str]:
    """The editions there are, shipped ones first.

    >>> codes()
    ['default', 'national_frame', 'jinhua_draft', 'taizhou_2025', 'county_2021_limits']
    """
    return _table("land_editions", "code", folder)["code"].tolist()


def land(code: str, *, folder: Path | str | None = None) -> LandEdition:
    """The edition `code`, from `folder` where it has one of that code.

    Raises
    ------
    StandardsError
        No such edition, or a folder that cannot be used; see `faults`.

    Examples
    --------
    >>> jinhua = land("jinhua_draft")
    >>> jinhua.needed, jinhua.rules.loc[jinhua.rules["rule"] == "J1", "source"].iloc[0]
    (1, '《金华市城镇低效用地认定办法》(征求意见稿)，工业：容积率')
    """
    wrong = faults(folder) if folder is not None else []
    if wrong:
        raise StandardsError("; ".join(wrong))
    listed = _table("land_editions", "code", folder).set_index("code")
    if code not in listed.index:
        near = get_close_matches(code, listed.index, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(listed.index)}."
        raise StandardsError(f"There is no land edition {code!r}; {hint}")
    needed = listed["value"].to_numpy(dtype="float64")[listed.index.get_loc(code)]
    row = {str(column): listed.at[code, column] for column in listed.columns}
    rules = _table("land_rules", "profile", folder)
    shipped = standards.read("land_rules")
    # A city's own default set that is silent on idle or unsupplied land does not repeal the national rule.
    silent = [kind for kind in _LEGAL if not ((rules["profile"] == "default") & (rules["class"] == kind)).any()]
    rules = pd.concat([rules, shipped[shipped["class"].isin(silent)]], ignore_index=True)
    legal = rules["class"].isin(_LEGAL) & (rules["profile"] == "default")
    # the edition's own rules first
    rules = pd.concat([rules[(rules["profile"] == code) & ~legal], rules[legal]], ignore_index=True)
    rules = rules.assign(
        name_zh=rules["name_zh"].where(rules["name_zh"] != "", rules["name_en"]),
        name_en=rules["name_en"].where(rules["name_en"] != "", rules["name_zh"]),
    )
    rules = rules.assign(source=_named(rules), binding=standards.binding(rules["mark"]))
    industries = standards.read("land_industries", folder=folder).rename(columns={"value": "norm_far"})
    return LandEdition(
        code=code,
        name_zh=str(row["name_zh"]),
        name_en=str(row["name_en"]),
        needed=int(needed) if needed >= 1 else 0,
        scope=str(row["scope"]),
        source=_title(pd.Series([row["source"]])).iloc[0],
        mark=str(row["mark"]),
        rules=rules[rules["class"] != "town"].reset_index(drop=True),
        town=rules[rules["class"] == "town"].reset_index(drop=True),
        industries=industries[standards.binding(industries["mark"])].reset_index(drop=True),
    )


def faults(folder: Path | str) -> list[str]:
    """Why a city's folder of land criteria cannot be used: an empty list where it can. Nothing is guessed or passed over.

    Every fault of every file is listed, rows by their line in the file.

    >>> faults("no/such/folder")
    ['no/such/folder is no folder']
    """
    folder = Path(folder)
    if not folder.is_dir():
        return [f"{folder} is no folder"]
    files = sorted(path.stem for path in folder.glob("*.csv"))
    out = [
        f"{name}.csv: only {', '.join(f'{table}.csv' for table in TABLES)} are taken from a local edition"
        for name in files
        if name not in TABLES
    ]
    if not set(files) & set(TABLES):
        return [*out, f"{folder} holds none of {', '.join(f'{table}.csv' for table in TABLES)}"]
    own: dict[str, pd.DataFrame] = {}
    for name in (table for table in TABLES if table in files):
        found, wrong = _delivered(folder, name)
        out += wrong
        if found is not None:
            own[name] = found
    shipped = standards.read("land_editions")["code"]
    if "land_editions" in own:
        rules = own.get("land_rules", _NONE)
        whole = {"profile", "rule", "class"} <= set(rules) or "land_rules" not in files
        every = pd.concat([standards.read("land_rules"), rules]) if whole else None
        out += _edition_faults(own["land_editions"], every)
        shipped = pd.concat([shipped, own["land_editions"].get("code", shipped)])
    elif "land_editions" in files:  # which editions it has cannot be said
        shipped = pd.concat([shipped, own.get("land_rules", _NONE).get("profile", shipped)])
    if "land_rules" in own:
        out += _rule_faults(own["land_rules"], set(shipped))
    if "land_industries" in own:
        out += _industry_faults(own["land_industries"])
    return out


_NONE = pd.DataFrame()


def _delivered(folder: Path, name: str) -> tuple[pd.DataFrame | None, list[str]]:
    """One file of a city's folder with its numbers, as far as it can be read, and what is wrong with it by itself."""
    shipped = standards.read(name)
    try:
        text = Path(folder, f"{name}.csv").read_text(encoding="utf-8-sig")
        frame = pd.read_csv(StringIO(text), dtype="str", keep_default_na=False).fillna("")
    except UnicodeDecodeError:
        return None, [f"{name}.csv: is not in UTF-8; save it as CSV UTF-8"]
    except (OSError, ValueError) as error:
        return None, [f"{name}.csv: cannot be read as a table ({error})"]
    lacking = [column for column in shipped if column not in frame]
    out = [f"{name}.csv: lacks the column {', '.join(map(str, lacking))}"] if lacking else []
    if "value" in frame:
        number = pd.to_numeric(frame["value"], errors="coerce").astype("float64")
        number = number.where(np.isfinite(number))
        bad = number.isna() & (frame["value"] != "")
        out += [
            f"{name}.csv, line {line}: the value {word!r} is no number" for line, word in _lines(frame["value"][bad])
        ]
        below = number < 0
        out += [f"{name}.csv, line {line}: the value {value:g} is below 0" for line, value in _lines(number[below])]
        frame = frame.assign(value=number)
    if "mark" in frame:
        marks = frame["mark"][~frame["mark"].str.fullmatch(r"F(:\S+)?|V|M:[HML]|D")]
        out += [
            f"{name}.csv, line {line}: the mark {mark!r} is not F, V, M:H, M:M, M:L or D"
            for line, mark in _lines(marks)
        ]
    for column in ("code", "rule", "industry", "source"):
        if column in frame and column in shipped:
            out += [
                f"{name}.csv, line {line}: {column} is empty" for line, _ in _lines(frame[column][frame[column] == ""])
            ]
    return frame, out


def _lines(cells: "pd.Series[Any]") -> list[tuple[int, Any]]:
    """The lines of a file on which the cells stand: a heading, then a row a line."""
    return [(int(row) + 2, value) for row, value in cells.items()]  # type: ignore[call-overload]


def _edition_faults(editions: pd.DataFrame, rules: pd.DataFrame | None) -> list[str]:
    """`rules` are the shipped ones and the city's own; None where its own cannot be counted."""
    if not {"code", "value", "scope"} <= set(editions):
        return []
    out = [
        f"land_editions.csv: the edition {code!r} is there twice"
        for code in editions["code"][editions["code"].duplicated()]
    ]
    low = rules[rules["class"] == "low_efficiency"] if rules is not None else None
    counted = low.groupby("profile")["rule"].nunique() if low is not None else None
    for code, value, scope in zip(editions["code"], editions["value"], editions["scope"], strict=True):
        if not (pd.isna(value) or (value >= 1 and value == round(value))):
            out.append(
                f"land_editions.csv, {code}: value is how many rules must hold, a whole number from 1, not {value:g}"
            )
        if scope not in ("construction", "any"):
            out.append(f"land_editions.csv, {code}: scope must be construction or any, not {scope!r}")
        of = value if counted is None else counted.get(code, 0)
        if of < value:
            out.append(
                f"land_editions.csv, {code}: asks for {value:g} rules and land_rules.csv has {of} of low_efficiency"
            )
    return out


def _rule_faults(rules: pd.DataFrame, known: set[str]) -> list[str]:
    groups = {*standards.read("land_use")["group"], "any"}
    listed = standards.read("land_quantities")
    quantities = dict(zip(listed["code"], listed["unit"], strict=True))
    checks: dict[str, set[str]] = {
        "profile": known,
        "class": set(_CLASSES),
        "group": groups,
        "quantity": set(quantities),
        "operator": {"<", "<=", "=", ">=", ">"},
    }
    out = []
    for column, allowed in checks.items():
        for word in rules.get(column, pd.Series(dtype="str")).unique():
            if word not in allowed:
                near = get_close_matches(word, allowed, n=1, cutoff=0.5)
                hint = f"; did you mean {near[0]}?" if near else f" (known: {', '.join(sorted(allowed))})"
                out.append(f"land_rules.csv: the {column} {word!r} is not known{hint}")
    if not set(standards.read("land_rules")) <= set(rules):
        return out
    for rule, quantity, unit in zip(rules["rule"], rules["quantity"], rules["unit"], strict=True):
        if quantity in quantities and unit != quantities[quantity]:
            out.append(f"land_rules.csv, {rule}: {quantity} is counted in {quantities[quantity]}, not in {unit!r}")
    percent = (rules["unit"] == "share") & (rules["value"] > 2)
    out += [
        f"land_rules.csv, line {line}: {value:g} of a share is no percentage; write {value / 100:g}"
        for line, value in _lines(rules["value"][percent])
    ]
    # A rule's name becomes columns of a layer (X1, X1_value, …), and GeoPackage does not tell x1 from X1.
    named = rules["rule"][~rules["rule"].str.fullmatch(r"[^\W\d_]+\d+[^\W_]*|")]
    out += [
        f"land_rules.csv: a rule is named by letters and a number, as X1 or X1a, not {name!r}"
        for name in named.unique()
    ]
    folded = rules["profile"] + "\n" + rules["rule"].str.casefold()
    twice = rules["rule"].groupby(folded, sort=False).unique()
    out += [f"land_rules.csv: {' and '.join(names)} differ in capitals only" for names in twice if len(names) > 1]
    of = rules.groupby(["profile", "rule"], sort=False)[["class", "group", "mark", "source", "clause"]]
    out += [
        f"land_rules.csv, {rule}: its rows differ in class, group, mark, source or clause"
        for _, rule in of.nunique().gt(1).any(axis=1).loc[lambda differs: differs].index
    ]
    again = rules.duplicated(["profile", "rule", "quantity", "operator"])
    out += [
        f"land_rules.csv, line {line}: {rule} has this condition already" for line, rule in _lines(rules["rule"][again])
    ]
    nameless = (rules["name_zh"] == "") & (rules["name_en"] == "")
    out += [f"land_rules.csv, line {line}: {rule} has no name" for line, rule in _lines(rules["rule"][nameless])]
    legal = rules["class"].isin(_LEGAL)
    out += [
        f"land_rules.csv, {rule}: {', '.join(_LEGAL)} are states of the whole country; only rules of default may be of this class"
        for rule in rules["rule"][legal & (rules["profile"] != "default")].unique()
    ]
    national = standards.read("land_rules").query("profile == 'default' and `class` in @_LEGAL")["rule"]
    taken = rules["rule"].str.casefold().isin(national.str.casefold()) & (rules["profile"] != "default") & ~legal
    out += [
        f"land_rules.csv: the name {rule} is taken by a rule on idle or unsupplied land"
        for rule in rules["rule"][taken].unique()
    ]
    return out


def _industry_faults(industries: pd.DataFrame) -> list[str]:
    known = ("phased_out", "strategic", "")
    words = industries.get("list", pd.Series(dtype="str"))
    return [
        f"land_industries.csv, line {line}: the list {word!r} is not known; use phased_out, strategic or nothing"
        for line, word in _lines(words[~words.isin(known)])
    ]


def _table(name: str, key: str, folder: Path | str | None) -> pd.DataFrame:
    """The shipped rows, those of `folder` in the place of any with the same `key`."""
    shipped = standards.read(name)
    if folder is None or not Path(folder, f"{name}.csv").is_file():
        return shipped
    own = standards.read(name, folder=folder)
    return pd.concat([shipped[~shipped[key].isin(own[key])], own], ignore_index=True)


def _named(rules: pd.DataFrame) -> "pd.Series[str]":
    """Title, number and clause of the text each rule is from."""
    title = _title(rules["source"])
    return title.where(rules["clause"] == "", title + "，" + rules["clause"])


def _title(keys: "pd.Series[str]") -> "pd.Series[str]":
    """The title and number of a source; what the table does not list, as a city's own text, as it stands."""
    titles = standards.read("sources").set_index("key")
    named = (titles["title"] + " " + titles["number"]).str.strip()
    return keys.map(named).fillna(keys).astype("str")
