"""The sheets on idle assets, one a question, in words: uses for each asset, assets for each use, which few, who gains, and why."""

from collections.abc import Mapping
from typing import Any, TypeVar

import pandas as pd

from lifecircle.publish import labels

# yes-or-no quantities that rules compare with 1 or 0
_FLAGS = ("title_clear", "above_ground", "in_farmland", "in_ecology", "in_heritage", "in_hazard", "joined")
_TEXTS = ("space", "danger_class", "land_group")
_LISTS = ("forbidden_by", "needs", "unfit_by", "not_known", "warnings")
_MOST = 1_000_000
_Frame = TypeVar("_Frame", bound=pd.DataFrame)


def sheets(flat: Mapping[str, pd.DataFrame], language: str) -> dict[str, pd.DataFrame]:
    """The sheets by name, from the result layers without geometry; lists of codes become lists of words.

    >>> rules = pd.DataFrame({"rule": ["title"], "name_en": ["Title is clear"]})
    >>> listed(pd.Series(["title", ""]), names(rules, "en"), "en").tolist()
    ['Title is clear', '']
    """
    named = names(flat["reuse_rules"], language)
    options = flat["reuse_options"]
    for column in _LISTS:
        options = options.assign(**{column: listed(options[column], named, language)})
    ranked = options[options["rank_in_asset"].notna()]
    told = [c for c in options if c not in ("forbidden_by", "unfit_by")]
    out = {
        "reuse_by_asset": ranked.sort_values(["asset_id", "rank_in_asset"], kind="stable")[
            _first(told, "rank_in_asset")
        ],
        "reuse_by_use": ranked.sort_values(["use", "rank_in_use"], kind="stable")[_first(told, "use", "rank_in_use")],
        "reuse_conditional": _conditional(ranked),
        "reuse_forbidden": _forbidden(options, language),
        "reuse_criteria": _criteria(flat["reuse_criteria"].head(_MOST), flat["reuse_rules"], language),
        "reuse_rules": _rules(flat["reuse_rules"], language),
    }
    if "reuse_unchecked" in flat:
        out["reuse_unchecked"] = _unchecked(flat["reuse_unchecked"], language)
    assets = flat["reuse_assets"]
    lists = {"evidence": listed(assets["evidence"], {}, language)}
    if "best_needs" in assets:
        lists["best_needs"] = listed(assets["best_needs"], named, language)
    out["reuse_assets"] = assets.assign(**lists).drop(columns=["of_table", "of_id"])
    doubts = flat["reuse_doubts"]
    coded = doubts["doubt"].str.startswith("use_") | (doubts["doubt"] == "nothing_to_choose_from")
    such = doubts["such_as"].where(~coded, listed(doubts["such_as"], {}, language))
    out["reuse_doubts"] = doubts.assign(such_as=such)
    if "reuse_sites" in flat:
        sites = flat["reuse_sites"]
        lists = {c: listed(sites[c], named, language) for c in _LISTS if c in sites}
        out["reuse_sites"] = sites.assign(**lists)
    return out


def narrow(frame: _Frame) -> _Frame:
    """Of choices of sites those made from allowed uses alone; all where a study has only the wider ones.

    >>> both = pd.DataFrame({"candidates": ["allowed", "allowed or conditional"], "sites": [3, 3]})
    >>> narrow(both)["candidates"].tolist(), len(narrow(both.iloc[1:]))
    (['allowed'], 1)
    """
    if "candidates" not in frame:
        return frame
    allowed = frame["candidates"] == "allowed"
    return frame[allowed] if allowed.any() else frame


def names(rules: pd.DataFrame, language: str) -> dict[str, str]:
    """What each rule on reuse is called."""
    once = rules.drop_duplicates("rule")
    return dict(zip(once["rule"], once[f"name_{language}"], strict=True))


def listed(codes: "pd.Series[Any]", named: Mapping[str, str], language: str) -> "pd.Series[Any]":
    """Texts that list codes, as lists of words."""
    comma = "；" if language == "zh" else "; "
    said = {
        text: comma.join(named.get(code, labels.word(code, language)) for code in text.split(", ")) if text else ""
        for text in codes.dropna().unique()
    }
    return codes.map(said).astype("str")


def _first(columns: list[Any], *front: str) -> list[Any]:
    head = [*front, *(c for c in ("asset_id", "name", "asset_kind", "use") if c not in front)]
    return [*head, *(c for c in columns if c not in head)]


def _conditional(ranked: pd.DataFrame) -> pd.DataFrame:
    """One row an asset and what must be confirmed of it, with the uses that then are allowed and the best of them; most people first."""
    rows = ranked[ranked["verdict"] == "conditional"].sort_values(["asset_id", "rank_in_asset"], kind="stable")
    newly = "residents_newly" if "residents_newly" in rows else "dwellings_newly"
    groups = rows.groupby(["asset_id", "needs"], sort=False)
    out = groups.agg(
        name=("name", "first"),
        asset_kind=("asset_kind", "first"),
        uses_conditional=("use", "size"),
        best_use=("use", "first"),
        newly=(newly, "first"),
    ).reset_index()
    out = out.sort_values(["newly", "asset_id", "needs"], ascending=[False, True, True], ignore_index=True)
    columns = ["asset_id", "name", "asset_kind", "needs", "uses_conditional", "best_use", "newly"]
    return out[columns].rename(columns={"newly": newly.replace("_newly", "_by_best_use")})


def _unchecked(rules: pd.DataFrame, language: str) -> pd.DataFrame:
    """What the texts ask for and no layer can answer, use by use."""
    return pd.DataFrame(
        {
            "use": _worded_lists(rules["uses"], language),
            "applies_to": _worded_lists(rules["applies_to"], language),
            "rule": rules[f"name_{language}"],
            "source": rules["source"],
            "mark": rules["mark"],
        }
    )


def _worded_lists(codes: "pd.Series[Any]", language: str) -> "pd.Series[Any]":
    comma = "、" if language == "zh" else ", "
    said = {
        text: comma.join(labels.word(code, language) for code in text.split(";")) if text else ""
        for text in codes.unique()
    }
    return codes.map(said).astype("str")


def _forbidden(options: pd.DataFrame, language: str) -> pd.DataFrame:
    """One row an asset and reason, with the uses it forbids."""
    comma = "、" if language == "zh" else ", "
    rows = options[options["verdict"] == "not allowed"]
    every = options["use"].nunique()
    words = {code: labels.word(code, language) for code in rows["use"].unique()}
    groups = rows.assign(uses=rows["use"].map(words)).groupby(["asset_id", "forbidden_by"], sort=True)
    out = groups.agg(
        name=("name", "first"),
        asset_kind=("asset_kind", "first"),
        uses_not_allowed=("use", "size"),
        uses=("uses", comma.join),
    ).reset_index()
    out["uses"] = out["uses"].mask(out["uses_not_allowed"] == every, labels.word("any", language))
    return out[["asset_id", "name", "asset_kind", "forbidden_by", "uses_not_allowed", "uses"]]


def _criteria(criteria: pd.DataFrame, rules: pd.DataFrame, language: str) -> pd.DataFrame:
    named = names(rules, language)
    quantity = criteria["threshold"].str.split(" ").str[0]
    value = criteria["value"]
    said = {
        (what, text): _worded(what, text, language)
        for what, text in pd.DataFrame({"q": quantity, "v": value}).drop_duplicates().itertuples(index=False)
    }
    values = pd.Series(pd.MultiIndex.from_arrays([quantity, value]).map(said), index=criteria.index).astype("str")
    limits = criteria["threshold"].map({text: threshold(text, language) for text in criteria["threshold"].unique()})
    return criteria.assign(rule=criteria["rule"].map(named), value=values, threshold=limits)


def value(limit: str, text: str, language: str) -> str:
    """The value of the quantity that a threshold names, in words.

    >>> value("in_farmland = 0", "1", "en"), value("floors <= 3", "?", "en")
    ('Yes', 'Not known')
    """
    return _worded(limit.split(" ", 1)[0], text, language)


def _worded(quantity: str, text: str, language: str) -> str:
    if text == "?":
        return labels.word("not known", language)
    if quantity in _FLAGS:
        return labels.word({"1": "yes", "0": "no"}.get(text, text), language)
    return labels.word(text, language) if quantity in _TEXTS and quantity != "danger_class" else text


def threshold(text: str, language: str) -> str:
    """A threshold such as ``title_clear = 1`` in words.

    >>> threshold("title_clear = 1", "en"), threshold("danger_class not in C;D", "zh"), threshold("floors <= 3", "en")
    ('Title clear: Yes', '房屋安全等级 不为 C、D', 'Floors <= 3')
    """
    quantity, rest = text.split(" ", 1)
    head = labels.heading(quantity, language)
    if quantity in _FLAGS and rest in ("= 1", ">= 1", "= 0"):
        answer = labels.word("no" if rest == "= 0" else "yes", language)
        return f"{head}：{answer}" if language == "zh" else f"{head}: {answer}"
    for sign, zh, en in (("not in ", "不为", "not"), ("in ", "为", "is")):
        if rest.startswith(sign):
            comma = "、" if language == "zh" else ", "
            words = comma.join(_worded(quantity, code, language) for code in rest.removeprefix(sign).split(";"))
            return f"{head} {zh if language == 'zh' else en} {words}"
    measured = labels.unit(quantity, language)
    return f"{head} {rest}{' ' + measured if measured else ''}"


def _rules(rules: pd.DataFrame, language: str) -> pd.DataFrame:
    limit = rules["value"].map("{:g}".format, na_action="ignore").astype("object").fillna(rules["value_text"])
    texts = rules["quantity"] + " " + rules["operator"] + " " + limit.astype("str")
    return pd.DataFrame(
        {
            "rule": rules["rule"].map(names(rules, language)).astype("str"),
            "rule_class": rules["rule_class"],
            "uses": _worded_lists(rules["uses"], language),
            "applies_to": _worded_lists(rules["applies_to"], language),
            "threshold": texts.map({text: threshold(text, language) for text in texts.unique()}).astype("str"),
            "source": rules["source"],
            "mark": rules["mark"],
            "binding": rules["binding"],
        }
    )
