"""The sheets on low-efficiency land and on renewal blocks, one a question, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lifecircle import standards
from lifecircle.analyse import land
from lifecircle.publish import labels, symbols

_STANDING = ("always in", "by one criterion", "on one number", "on several numbers", "out")


_EVIDENCE_ROWS = 1_000_000
_ANSWERS = ("yes", "no", "not known", "not applicable", "indicative yes", "indicative no")


def land_sheets(flat: Mapping[str, pd.DataFrame], language: str) -> dict[str, pd.DataFrame]:
    """The sheets of the land workbook, one a question: which, why, how firmly, by which edition, what else, what is doubtful."""
    every, rules = flat["land"], flat["land_rules"]
    found = every[every["candidate"] == "candidate"].sort_values("area_m2", ascending=False, kind="stable")
    states = every[["idle", "not_supplied"]].isin(["yes", "indicative yes"]).any(axis=1)
    named = {rule: f"{rule} {name}" for rule, name in rule_names(rules, language).items()}
    most = _EVIDENCE_ROWS // max(rules["rule"].nunique(), 1)  # of the largest first, what a sheet holds
    why = land.evidence(found.head(most), rules)
    for column in ("threshold", "value"):
        why[column] = why[column].map({text: labels.said(text, language) for text in why[column].unique()})
    heading = {column: labels.heading(column, language) for column in rules["quantity"]}
    told = rules.rename(columns={"class": "rule_class", f"name_{language}": "name"})
    comma = "；" if language == "zh" else "; "
    reasons = {
        text: comma.join(named[rule] for rule in text.split(", ")) if text else ""
        for text in every["reasons"].dropna().unique()
    }
    hangs = {
        text: comma.join(labels.said(part, language, named) for part in text.split(", "))
        for text in every["hangs_on"].dropna().unique()
    }
    every = every.assign(reasons=every["reasons"].map(reasons), hangs_on=every["hangs_on"].map(hangs)).astype(
        {"reasons": "str", "hangs_on": "str"}
    )
    flags = {column: every[column].astype("boolean") for column in every if column in labels.flags()}
    every = every.assign(**flags)
    found = every.loc[found.index]
    answers = {code: labels.word(code, language) for code in _ANSWERS}
    worded = {rule: every[rule].map(answers).astype("str") for rule in named if rule in every}
    only = [c for c in every if not str(c).endswith(("_threshold", "_source", "_mark"))]
    out = {
        "land_candidates": found[[c for c in _CANDIDATE if c in found]].assign(
            reviewer=pd.array([""] * len(found), dtype="str")
        ),
        "land_evidence": why.assign(rule=why["rule"].map(named)),
        "land_idle": every.loc[states, [c for c in _IDLE if c in every]],
        "land_standing": _standing(every),
        "land_parcels": every[only].assign(**worded),
        "land_rules": told.assign(
            quantity=rules["quantity"].map(heading),
            unit=rules["unit"].map({u: labels.word(f"unit: {u}", language) for u in rules["unit"].unique()}),
        )[list(_RULE)],
    }
    if "land_sensitivity" in flat:
        out["land_sensitivity"] = _cases(flat["land_sensitivity"], rules, named, language)
    if "land_town" in flat:
        town = flat["land_town"]
        out["land_town"] = town.assign(
            rule=town["rule"].map(_shipped_names(language) | rule_names(rules, language)),
            threshold=[labels.said(text, language) for text in town["threshold"]],
        )
    return out


def _standing(every: pd.DataFrame) -> pd.DataFrame:
    """How much of the list is firm: a row a standing, with the parcels that are in the list now and those that are not."""
    listed = every["candidate"] == "candidate"
    groups = pd.DataFrame(
        {
            "standing": every["standing"],
            "listed": listed.astype("float64"),
            "listed_m2": every["area_m2"].where(listed, 0.0),
            "unlisted": (~listed).astype("float64"),
            "unlisted_m2": every["area_m2"].where(~listed, 0.0),
        }
    ).groupby("standing")
    return groups.sum().reindex(list(_STANDING), fill_value=0.0).rename_axis("standing").reset_index()


def _cases(cases: pd.DataFrame, rules: pd.DataFrame, named: Mapping[str, str], language: str) -> pd.DataFrame:
    """What moves how far in words: the moved condition, and the years of age behind a year that is moved."""
    signs = rules.drop_duplicates(["rule", "quantity"]).set_index(["rule", "quantity"])["operator"]
    at = pd.MultiIndex.from_arrays([cases["rule"], cases["quantity"]])
    limit = cases["value"].round(4).map("{:.15g}".format, na_action="ignore").astype("str")
    moved = (cases["quantity"] + " " + signs.reindex(at).to_numpy() + " " + limit).astype("str")
    words = {text: labels.said(text, language) for text in moved.dropna().unique()}
    out = cases.assign(rule=cases["rule"].map(named).astype("str"), threshold=moved.map(words).astype("str"))
    return out[["rule", "change", "threshold", "candidates", "candidates_m2", "added", "removed"]]


def block_sheets(flat: Mapping[str, pd.DataFrame], language: str) -> dict[str, pd.DataFrame]:
    """The sheets of renewal blocks in words: lists of codes, items and conditions."""
    comma = "；" if language == "zh" else "; "
    evidence = flat["renewal_block_evidence"]
    rules = rule_names(flat["land_rules"], language) if "land_rules" in flat else {}
    why = {text: comma.join(labels.word(c, language) for c in text.split(", ")) for text in evidence["why"].unique()}
    reasons = {
        text: comma.join(f"{rule} {rules.get(rule, '')}".strip() for rule in text.split(", ")) if text else ""
        for text in evidence["reasons"].dropna().unique()
    }
    torn, town = flat["renewal_demolition"], flat["renewal_town"]
    limits = [str(c) for c in torn if str(c).endswith("_threshold")]
    told: dict[str, Any] = {
        c: torn[c].map({text: labels.said(text, language) for text in torn[c].unique()}).astype("str") for c in limits
    }
    share = "demolition_share_threshold"  # the share beside it is printed as a percentage
    if share in told:
        told[share] = told[share].str.replace(r"[\d.]+$", lambda found: f"{100 * float(found[0]):.6g} %", regex=True)
    titles = _titles()
    items = town["item"].map({item: labels.word(item, language) for item in town["item"]})
    assets = flat["renewal_block_assets"]
    return {
        "renewal_block_assets": assets.assign(
            proposed_use=assets["proposed_use"].map(_words(assets["proposed_use"], language)).astype("str")
        ),
        "renewal_block_evidence": evidence.assign(
            why=evidence["why"].map(why), reasons=evidence["reasons"].map(reasons).astype("str")
        ),
        "renewal_demolition": torn.assign(**told).drop(
            columns=[c for c in torn if str(c).endswith("_source")]  # the same for every block: they stand below
        ),
        "renewal_town": town.assign(
            item=items,
            answer=town["answer"].map(_words(town["answer"], language)).astype("str"),
            source=town["source"].map(titles).fillna(town["source"]).astype("str"),
        ),
    }


def _titles() -> pd.Series[str]:
    """Title and number of the texts by key."""
    listed = standards.read("sources").set_index("key")
    return (listed["title"] + " " + listed["number"]).str.strip()


def _words(codes: pd.Series[str], language: str) -> dict[str, str]:
    return {code: labels.word(code, language) for code in codes.dropna().unique()}


def rule_names(rules: pd.DataFrame, language: str) -> dict[str, str]:
    """What each rule on land is called.

    >>> rule_names(pd.DataFrame({"rule": ["X1"], "name_en": ["Ratio under 0.8"]}), "en")
    {'X1': 'Ratio under 0.8'}
    """
    return dict(zip(rules["rule"], rules[f"name_{language}"], strict=True))


def _shipped_names(language: str) -> dict[str, str]:
    return {rule: names[language != "zh"] for rule, names in symbols.rules().items()}


_CANDIDATE = (
    *("name", "land_use", "land_group", "area_m2", "reasons", "rules_yes", "rules_not_known", "confidence", "standing"),
    *("hangs_on", "exemption", "idle", "far", "building_coverage", "built_year", "dangerous_share", "industry"),
    *(
        "tax_per_mu_yuan",
        "tax_share_of_industry",
        "output_per_mu_yuan",
        "months_without_use",
        "area_differs",
        "far_differs",
    ),
)
_IDLE = (
    *(
        "name",
        "land_use",
        "land_group",
        "area_m2",
        "idle",
        "not_supplied",
        "candidate",
        "started",
        "days_past_start_due",
    ),
    *("stopped_days", "developed_share", "invested_share", "days_since_approval"),
)
_RULE = (
    "profile",
    "rule",
    "name",
    "rule_class",
    "group",
    "quantity",
    "operator",
    "value",
    "unit",
    "source",
    "mark",
    "binding",
)
