"""Idle assets on the map: each with its evidence, its hard stops and its best uses, and the few conversions that help most."""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.publish import archive, reuse_sheets, symbols
from lifecircle.publish.drawing import Drawing, codes_of, named, only

_BEST = 6


def add_reuse_assets(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    """The idle assets; the popup lists how each is known, what forbids, and the best uses with the people they would newly reach."""
    frame = only(frame, "point").copy()
    frame["_id"] = frame["asset_id"] if "asset_id" in frame else frame.index.astype("str")
    if "evidence" in frame:
        frame["evidence"] = reuse_sheets.listed(frame["evidence"].astype("str"), {}, sheet.language)
    counts = frame.reindex(columns=["uses_allowed", "uses_conditional", "uses_not_allowed"]).astype("float64")
    states = [counts["uses_allowed"] > 0, (counts["uses_conditional"] > 0) | counts.isna().all(axis=1)]
    state = np.select(states, ["allowed", "conditional"], "none")
    lists = _uses(sheet, frame["_id"])
    sheet.add(
        "reuse_assets",
        frame,
        group="reuse",
        kind="point",
        name=sheet.say("闲置资产", "Idle assets"),
        classes=[{"l": sheet.say(zh, en), **look} for zh, en, look in symbols.VERDICTS.values()],
        codes=codes_of(pd.Series(state), list(symbols.VERDICTS), other=len(symbols.VERDICTS) - 1),
        title=["name", "_id"],
        tip=["asset_kind", "evidence", "best_use", "best_verdict"],
        pop=[
            *(
                "_id",
                "asset_kind",
                "space",
                "origin",
                "evidence",
                "months_without_use",
                "vacant_since",
                "floor_area_m2",
            ),
            *(
                "ground_floor_area_m2",
                "site_area_m2",
                "floors",
                "floors_below",
                "lowest_floor",
                "clear_height_m",
                "danger_class",
                "title_clear",
            ),
            *("uses_allowed", "uses_conditional", "uses_not_allowed", "uses_unfit"),
        ],
        keep=["danger_class"],
        more={"rules": _stops(sheet, frame["_id"]), **lists},
        rank=4,
    )
    sheet.find("reuse_assets", frame, named(frame), what=sheet.say("闲置资产", "Idle asset"))


def _stops(sheet: Drawing, ids: "pd.Series[Any]") -> list[dict[str, Any]]:
    """The hard stops that any use meets, as the popup's table of criteria."""
    table = sheet.tables.get("reuse_criteria")
    if table is None:
        return []
    every = table[(table["use"] == "any") & (table["rule_class"] == "stop")]
    words = reuse_sheets.names(sheet.tables["reuse_rules"], sheet.language) if "reuse_rules" in sheet.tables else {}
    made = []
    for rule, rows in every.groupby("rule", sort=False):
        mine = rows.set_index("asset_id").reindex(ids)
        codes, unique = pd.factorize(mine["answer"].astype("str").fillna("not applicable"))
        said = {
            text: reuse_sheets.value(str(rows["threshold"].iloc[0]), text, sheet.language)
            for text in rows["value"].unique()
        }
        made.append(
            {
                "l": words.get(str(rule), str(rule)),
                "a": {"w": [str(answer) for answer in unique], "v": archive.codes(codes)},
                "h": reuse_sheets.threshold(str(rows["threshold"].iloc[0]), sheet.language),
                "v": {"l": "", "t": "text", "v": archive.texts(mine["value"].map(said))},
                "s": f"{rows['source'].iloc[0]} ({rows['mark'].iloc[0]})",
            }
        )
    return made


def _uses(sheet: Drawing, ids: "pd.Series[Any]") -> dict[str, Any]:
    """The best uses of each asset, as the popup's list."""
    table = sheet.tables.get("reuse_options")
    if table is None:
        return {}
    weight = "residents_newly" if "residents_newly" in table else "dwellings_newly"
    best = table[table["rank_in_asset"] <= _BEST].sort_values(["asset_id", "rank_in_asset"], kind="stable")
    verdict = best["verdict"].map({code: sheet.word(code) for code in best["verdict"].unique()})
    if "needs" in best and "reuse_rules" in sheet.tables:
        words = reuse_sheets.names(sheet.tables["reuse_rules"], sheet.language)
        needs = reuse_sheets.listed(best["needs"].fillna(""), words, sheet.language)
        verdict = verdict.where(needs == "", verdict + sheet.say("：", ": ") + needs)
    cells = pd.DataFrame(
        {
            "use": best["use"].map({code: sheet.word(code) for code in best["use"].unique()}),
            "verdict": verdict,
            "fit": best["fit"].map({code: sheet.word(code) for code in best["fit"].unique()}),
            "newly": best[weight].round().astype("object").where(best[weight].notna(), "–"),
        }
    )
    parts = np.split(cells.to_numpy(dtype=object), _starts(best["asset_id"])) if len(best) else []
    rows = dict(zip(best["asset_id"].unique(), parts, strict=True))
    return {
        "list": {
            "title": sheet.say(
                "可用途（允许的在前，新增可达多的在前）", "Best uses (allowed first, most people first)"
            ),
            "heads": [sheet.heading(c) for c in ("use", "verdict", "fit", weight)],
            "num": [0, 0, 0, 1],
            "rows": [rows[one].tolist() if one in rows else [] for one in ids],
        }
    }


def _starts(ids: "pd.Series[Any]") -> Any:
    """Where the next asset's rows begin."""
    codes = pd.factorize(ids)[0]
    return np.flatnonzero(np.diff(codes)) + 1


_PLANS: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "allowed or conditional": (
        "含确认后可允许的用途",
        "Also from uses allowed once confirmed",
        {"c": "#f6c9a0", "s": "#e6701a", "w": 2, "r": 10, "o": 0.8},
    ),
    "allowed": (
        "只从允许的用途中选",
        "From allowed uses only",
        {"c": "#e6701a", "s": "#ffffff", "w": 2, "r": 7.5, "o": 0.95},
    ),
}


def add_reuse_sites(sheet: Drawing, frame: gpd.GeoDataFrame, _: Mapping[str, gpd.GeoDataFrame]) -> None:
    """The largest choice of sites from each set of candidates, each site with its use and what it adds to those before it."""
    frame = frame.copy()
    if "candidates" not in frame:
        frame["candidates"] = "allowed"
    if "sites" in frame:
        frame = frame[frame["sites"] == frame.groupby("candidates")["sites"].transform("max")]
    frame = only(frame, "point").copy()
    # the wider choice lies below, so that a site of both shows as a ring around the other
    order = {plan: place for place, plan in enumerate(_PLANS)}
    frame = frame.sort_values("candidates", key=lambda plan: plan.map(order), kind="stable")
    weight = "residents" if "residents_added" in frame else "dwellings"
    plans = [plan for plan in _PLANS if (frame["candidates"] == plan).any()]
    many = sheet.say("、", ", ").join(str((frame["candidates"] == plan).sum()) for plan in reversed(plans))
    rank = frame["rank"] if "rank" in frame else pd.Series(np.arange(1, len(frame) + 1), index=frame.index)
    names = pd.Series(named(frame).to_numpy(), index=frame.index, dtype="str")
    frame["_title"] = rank.astype("str") + " · " + names
    if "needs" in frame and "reuse_rules" in sheet.tables:
        words = reuse_sheets.names(sheet.tables["reuse_rules"], sheet.language)
        frame["needs"] = reuse_sheets.listed(frame["needs"].fillna(""), words, sheet.language).replace("", np.nan)
    looks = [(sheet.say(zh, en) if len(plans) > 1 else "", look) for zh, en, look in (_PLANS[plan] for plan in plans)]
    sheet.add(
        "reuse_sites",
        frame,
        group="reuse",
        kind="point",
        name=sheet.say(f"改造选址（{many} 处）", f"Conversions that help most ({many})"),
        classes=[{"l": label, **look} for label, look in looks],
        codes=codes_of(frame["candidates"].reset_index(drop=True), plans, other=0),
        title=["_title"],
        tip=["rank", "use", f"{weight}_added", f"{weight}_so_far"],
        pop=[
            *("candidates", "rank", "asset_id", "asset_kind", "use", "verdict", "needs", f"{weight}_added"),
            *(f"{weight}_so_far", f"{weight}_at_most", "gap_share", "proven", "cost_yuan", "budget_yuan", "capacity"),
            "fit",
        ],
        rank=3,
        extra={"front": 1},
    )
    value = frame[f"{weight}_added"] if f"{weight}_added" in frame else pd.Series(np.nan, index=frame.index)
    rows = pd.DataFrame({"at": np.arange(len(frame)), "order": rank.to_numpy(), "name": names.to_numpy()})
    rows["value"] = value.map("+{:,.0f}".format, na_action="ignore").to_numpy()
    rows["more"] = frame["use"].map(sheet.word, na_action="ignore").to_numpy() if "use" in frame else None
    # Of two choices the list holds the narrower one.
    rows = rows[frame["candidates"].to_numpy() == plans[-1]].sort_values("order", kind="stable")
    sheet.ranking("reuse_sites", sheet.say("改造选址（按新增可达）", "Conversions by people reached"), rows)
