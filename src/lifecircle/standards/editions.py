"""Editions of the criteria of low-efficiency land: those that are shipped, side by side, and a city's own.

An edition is a row of ``land_editions.csv`` and its rules in ``land_rules.csv``. A city's folder holds files of the same names
and columns, with its own rows only; a row of the same code replaces the shipped edition. Beside them it may hold
``land_industries.csv``, what lists say of industries.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

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
    national = rules["class"].isin(_LEGAL) & (rules["profile"] == "default")
    own = (rules["profile"] == code) & ~(rules["class"].isin(_LEGAL) & (code != "default"))
    rules = rules[own | national]
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
    tables = {}
    for name in TABLES:
        try:
            tables[name] = standards.read(name, folder=folder)
        except StandardsError as error:
            out.append(str(error).rstrip("."))
    if len(tables) < len(TABLES):
        return out
    if "land_editions" in files:
        out += _edition_faults(tables["land_editions"], _table("land_rules", "profile", folder))
    if "land_rules" in files:
        known = set(tables["land_editions"]["code"]) | set(standards.read("land_editions")["code"])
        out += _rule_faults(tables["land_rules"], known)
    for name in files:
        if name in TABLES and "mark" in tables[name]:
            marks = tables[name]["mark"]
            bad = marks[~marks.str.fullmatch(r"F(:\S+)?|V|M:[HML]|D")]
            out += [f"{name}.csv: the mark {mark!r} is not F, V, M:H, M:M, M:L or D" for mark in bad.unique()]
    return out


def _edition_faults(editions: pd.DataFrame, rules: pd.DataFrame) -> list[str]:
    out = [
        f"land_editions.csv: the edition {code!r} is there twice"
        for code in editions["code"][editions["code"].duplicated()]
    ]
    for code, value, scope in zip(editions["code"], editions["value"], editions["scope"], strict=True):
        if not (pd.isna(value) or (value >= 1 and value == round(value))):
            out.append(
                f"land_editions.csv, {code}: value is how many rules must hold, a whole number from 1, not {value:g}"
            )
        if scope not in ("construction", "any"):
            out.append(f"land_editions.csv, {code}: scope must be construction or any, not {scope!r}")
        of = rules[(rules["profile"] == code) & (rules["class"] == "low_efficiency")]["rule"].nunique()
        if not pd.isna(value) and of < value:
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
        for word in rules[column][~rules[column].isin(allowed)].unique():
            near = get_close_matches(word, allowed, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]}?" if near else f" (known: {', '.join(sorted(allowed))})"
            out.append(f"land_rules.csv: the {column} {word!r} is not known{hint}")
    for rule, quantity, unit in zip(rules["rule"], rules["quantity"], rules["unit"], strict=True):
        if quantity in quantities and unit != quantities[quantity]:
            out.append(f"land_rules.csv, {rule}: {quantity} is counted in {quantities[quantity]}, not in {unit!r}")
    of = rules.groupby(["profile", "rule"], sort=False)[["class", "group", "mark"]].nunique().gt(1).any(axis=1)
    out += [f"land_rules.csv, {rule}: its rows differ in class, group or mark" for _, rule in of.index[of]]
    return out


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
