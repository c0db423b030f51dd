"""Idle assets of a study told once: what each could become, whom that would newly reach, and which few conversions help most."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle import circle, network, schema, standards
from lifecircle.analyse import land, reuse, siting
from lifecircle.circle import Circle, Layers
from lifecircle.errors import MissingLayerError, StudyError
from lifecircle.study import Conversions, Study


def rules() -> pd.DataFrame:
    """The rules that judge assets for uses, sources in words; see `lifecircle.analyse.reuse.judged`.

    >>> stops = rules().query("`class` == 'stop' and binding")["rule"]
    >>> stops.tolist()
    ['danger', 'title', 'underground', 'basement', 'farmland', 'ecology', 'heritage', 'elder_rooms']
    """
    table = standards.read("reuse_rules")
    titles = standards.read("sources").set_index("key")
    named = (titles["title"] + " " + titles["number"]).str.strip()
    source = table["source"].map(named).fillna(table["source"]).astype("str")
    source = source.where(table["clause"] == "", source + "，" + table["clause"])
    return table.assign(source=source, binding=standards.binding(table["mark"]))


def uses(kinds: pd.DataFrame, parts: pd.Series[str]) -> pd.DataFrame:
    """The uses an asset may be put to, each a kind of facility, with the need it meets and the walking time that counts.

    Parameters
    ----------
    kinds
        As `circle.tier_kinds` returns them; of a kind of several tiers the longest counts, as in supply.
    parts
        As `circle.kind_parts` returns them: a supermarket meets the need for the community's shops.

    Returns
    -------
    DataFrame
        On the use, in the order of the rules: ``need``, the kind that is counted; ``limit_min``, NaN where the profile has no walking tier
        for it; ``area_m2``, the smallest area the use asks for, NaN where no rule says.

    >>> asked = uses(circle.tier_kinds("national_2018"), circle.kind_parts())
    >>> asked.loc[["supermarket", "hotel"]].reset_index().values.tolist()
    [['supermarket', 'community_shop', 5.0, 300.0], ['hotel', 'hotel', nan, nan]]
    """
    table = rules().query("`class` == 'fit'")
    each = table.assign(use=table["uses"].str.split(";")).explode("use")
    codes = each["use"].drop_duplicates().tolist()
    need = pd.Series(codes, index=codes).map(parts).fillna(pd.Series(codes, index=codes))
    limits = kinds.groupby("kind")["tier"].max().astype("float64")
    area = each[each["rule"] == "area"].groupby("use")["value"].min()
    out = pd.DataFrame({"need": need.astype("str"), "limit_min": need.map(limits), "area_m2": area.reindex(codes)})
    return out.rename_axis("use")


def assets(study: Study) -> gpd.GeoDataFrame:
    """The idle assets of the register and those that the layers of the study show; see `lifecircle.analyse.reuse.found`.

    Raises
    ------
    MissingLayerError
        There are none.
    """
    table = rules()
    groups = None
    if study.parcels is not None:
        groups = land.crosswalk(study.parcels, standards.read("land_use"))["land_group"]
    every = reuse.found(
        study.assets,
        study.parcels,
        study.buildings,
        study.streets,
        kinds=standards.read("asset_kinds"),
        rules=table[table["class"] == "found"],
        groups=groups,
        idle=_idle(study),
    )
    if every.empty:
        raise MissingLayerError(
            "没有图层 assets，地块与建筑中也未发现闲置资产"
            if study.language == "zh"
            else "this place has no assets, and neither parcels nor buildings show any that is idle"
        )
    return every


def _idle(study: Study) -> pd.DataFrame | None:
    """How long the meters of parcels, buildings and assets have stood still."""
    if study.usage is None:
        return None
    parts = []
    for table in ("parcels", "buildings", "assets"):
        frame = getattr(study, table)
        readings = study.usage[study.usage["of_table"] == table]
        if frame is None or readings.empty:
            continue
        months = land.idle_months(readings, of=readings["of_id"], index=frame.index)["months_without_use"].dropna()
        parts.append(pd.DataFrame({"of_table": table, "of_id": months.index, "months_without_use": months.to_numpy()}))
    return pd.concat(parts, ignore_index=True) if parts else None


def analyse(
    study: Study, homes: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, streets: gpd.GeoDataFrame
) -> tuple[Layers, dict[str, Any]]:
    """The result layers of idle assets; walks are those of the life circle, by the same rule and the same minutes.

    Returns
    -------
    tuple
        The layers by name, and nothing to be said of the network that the life circle does not say.

    Raises
    ------
    MissingLayerError
        No asset in the register and none found.
    """
    every = assets(study)
    walks = circle.walked(study, homes, facilities, streets)
    asked = uses(walks.kinds, walks.parts)
    pairs, joined = _walks(study, walks, every, float(asked["limit_min"].max()))
    covered = _covered(walks, asked)
    table = rules()
    measured = reuse.measures(
        every,
        constraints=study.constraints,
        entrances=study.entrances,
        joined=joined,
        least_m2=standards.parameter("parcel_overlap_told_m2"),
        without=study.without,
    )
    answers = reuse.judged(measured, table[table["class"].isin(["stop", "fit"])], asked.index.tolist())
    reach = reuse.unmet(pairs, walks.people, covered, asked, assets=every.index)
    options = _priced(reuse.options(answers, reach), asked)
    options = options.join(every[["name", "asset_kind"]], on="asset_id").join(_precedents(), on=["asset_kind", "use"])
    doubts = reuse.doubts(every, study.assets, measured, standards.read("asset_kinds")["code"].tolist())
    weight = str(walks.people.name)
    sited, more = _sited(study, walks, every, options, asked, pairs, covered)
    layers: Layers = {
        "reuse_assets": _asset_layer(every, joined, measured, options, weight),
        "reuse_options": _named(options, weight)[[c.format(weight) for c in _OPTION]],
        "reuse_criteria": _criteria(answers, table, every, study),
        **sited,
        "reuse_doubts": pd.concat([doubts, _more_doubts(options, asked, every, more)], ignore_index=True),
        "reuse_rules": _rules_layer(table[table["class"] != "unchecked"]),
        "reuse_unchecked": _unchecked(table[table["class"] == "unchecked"]),
    }
    return layers, {}


_OPTION = (
    *("asset_id", "name", "asset_kind", "use", "verdict", "forbidden_by", "needs", "fit", "unfit_by", "not_known"),
    *(
        "warnings",
        "limit_min",
        "{}_in_reach",
        "{}_newly",
        "homes_newly",
        "homes_not_known",
        "precedent",
        "use_area_m2",
        "cost_yuan",
    ),
    *("rank_in_asset", "rank_in_use"),
)


def _named(frame: pd.DataFrame, weight: str) -> pd.DataFrame:
    return frame.rename(columns={"people_in_reach": f"{weight}_in_reach", "people_newly": f"{weight}_newly"})


def _walks(
    study: Study, walks: Circle, every: gpd.GeoDataFrame, limit_min: float
) -> tuple[pd.DataFrame, pd.Series[bool]]:
    """Homes with the assets within the longest time, and which assets are joined to the network; an asset is a point inside it or its doors."""
    shapes = every.geometry.to_numpy()
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    points = gpd.GeoDataFrame(geometry=shapely.point_on_surface(shapes[there]), index=every.index[there], crs=study.crs)
    doors = None
    if study.entrances is not None:
        doors = study.entrances[study.entrances["of_table"] == "assets"].assign(of_table="facilities")
    pairs = network.pairs(walks.walk, walks.put, points, limit_min=limit_min, entrances=doors)
    placed = network.place(walks.walk, points)["placed"]
    if doors is not None and len(doors):
        by_door = network.place(walks.walk, doors)["placed"].groupby(doors["of_id"]).any()
        placed.update(by_door.reindex(placed.index).dropna().astype("bool"))
    return pairs, placed.reindex(every.index, fill_value=False).astype("bool")


def _covered(walks: Circle, asked: pd.DataFrame) -> pd.DataFrame:
    """Homes × uses: whether a facility that meets the need is within its minutes today."""
    timed = asked[asked["limit_min"].notna()]
    columns = pd.MultiIndex.from_arrays([["minutes"] * len(timed), timed["limit_min"].astype("int64"), timed["need"]])
    return walks.answers[columns].set_axis(timed.index, axis=1)


def _priced(options: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """What the smallest area of each use costs; not known where the use states none."""
    area = options["use"].map(asked["area_m2"]).astype("float64")
    table = standards.read("conversion_costs")
    cost = siting.costs(pd.DataFrame({"kind": options["use"], "area_m2": area}), table[table["profile"] == "default"])
    return options.assign(use_area_m2=area, cost_yuan=cost)


def _precedents() -> pd.Series[str]:
    """What the policy documents and public cases have made of such assets, on kind of asset and use."""
    seen = standards.read("reuse").query("section == 'E.1' and kind != ''")
    seen = seen.assign(asset_kind=seen["asset_kind"].str.split(";")).explode("asset_kind")
    said = seen.groupby(["asset_kind", "kind"])["value_text"].agg("；".join)
    return said.rename("precedent").rename_axis(["asset_kind", "use"])


def _asset_layer(
    every: gpd.GeoDataFrame, joined: pd.Series[bool], measured: pd.DataFrame, options: pd.DataFrame, weight: str
) -> gpd.GeoDataFrame:
    """The assets with their evidence, how many uses are open to each, and the best of them."""
    out = every.drop(columns=["geometry", "title_clear"])
    out["title_clear"] = every["title_clear"].map({True: "yes", False: "no"}).astype("str").fillna("not known")
    for limit in schema.CONSTRAINTS:
        out[f"in_{limit}"] = measured[f"in_{limit}"].map({1.0: "yes", 0.0: "no"}).astype("str").fillna("not known")
    out["joined"] = joined.map({True: "yes", False: "no"}).astype("str")
    ranked = options["rank_in_asset"].notna()
    states = {
        "uses_allowed": ranked & (options["verdict"] == "allowed"),
        "uses_conditional": ranked & (options["verdict"] == "conditional"),
        "uses_not_allowed": options["verdict"] == "not allowed",
        "uses_unfit": (options["verdict"] != "not allowed") & (options["fit"] == "does not fit"),
    }
    for name, which in states.items():
        out[name] = which.groupby(options["asset_id"]).sum().reindex(out.index).astype("float64")
    best = options[options["rank_in_asset"] == 1].set_index("asset_id")
    out["best_use"] = best["use"].reindex(out.index).astype("str")
    out["best_verdict"] = best["verdict"].reindex(out.index).astype("str")
    out["best_needs"] = best["needs"].reindex(out.index).astype("str")
    out[f"{weight}_by_best_use"] = best["people_newly"].reindex(out.index)
    return gpd.GeoDataFrame(out, geometry=every.geometry, crs=every.crs)


def _criteria(answers: pd.DataFrame, table: pd.DataFrame, every: gpd.GeoDataFrame, study: Study) -> pd.DataFrame:
    """Every answer, with the layer or file its value is from; what is asked alike for any use is told once an asset."""
    alike = answers["rule"].isin(table.loc[table["uses"] == "any", "rule"])
    once = answers.assign(use=answers["use"].mask(alike, "any"))
    once = once.drop_duplicates(["asset_id", "use", "rule"]).drop(columns="binding")
    told = {f"in_{kind}": "study.toml" if kind in study.without else "constraints" for kind in schema.CONSTRAINTS}
    told |= {"entrances": "entrances", "joined": "streets"}
    basis = once["threshold"].str.split(" ").str[0].map(told).astype("str")
    basis = basis.fillna(once["asset_id"].map(every["of_table"])).mask(once["value"] == "?")
    out = once.assign(basis=basis.astype("str")).rename(columns={"class": "rule_class"})
    columns = ["asset_id", "use", "rule", "rule_class", "answer", "value", "basis", "threshold", "source", "mark"]
    return out[columns].reset_index(drop=True)


def _rules_layer(table: pd.DataFrame) -> pd.DataFrame:
    columns = [
        "rule",
        "class",
        "name_zh",
        "name_en",
        "uses",
        "applies_to",
        "quantity",
        "operator",
        "value",
        "value_text",
    ]
    out = table[[*columns, "unit", "source", "mark", "binding", "note"]].rename(columns={"class": "rule_class"})
    return out.assign(binding=np.where(table["binding"], "yes", "no"))


def _unchecked(table: pd.DataFrame) -> pd.DataFrame:
    """Rules that nothing in the layers can answer: nobody may take them for passed."""
    columns = ["rule", "name_zh", "name_en", "uses", "applies_to", "source", "mark", "note"]
    return table[columns].reset_index(drop=True)


def _more_doubts(
    options: pd.DataFrame, asked: pd.DataFrame, every: gpd.GeoDataFrame, sited: dict[str, list[str]]
) -> pd.DataFrame:
    ranked = options[options["rank_in_asset"].notna()]
    lacking = ranked["use"][ranked["cost_yuan"].isna()].drop_duplicates()
    timeless = asked.index[asked["limit_min"].isna()]
    open_ = ranked.loc[ranked["verdict"] == "allowed", "asset_id"]
    closed = every.index[~every.index.isin(open_)]
    barred = every.index[~every.index.isin(options.loc[options["verdict"] != "not allowed", "asset_id"])]
    rows = [
        ("use_without_cost", len(lacking), ", ".join(lacking)),
        ("use_without_walking_time", len(timeless), ", ".join(timeless)),
        ("asset_with_nothing_allowed", len(closed), ", ".join(closed[:3])),
        ("asset_with_everything_forbidden", len(barred), ", ".join(barred[:3])),
        *((doubt, len(said), ", ".join(said[:3])) for doubt, said in sited.items()),
    ]
    return pd.DataFrame(rows, columns=["doubt", "count", "such_as"]).astype({"such_as": "str"})


# Sums of the same people in another order.
_SAME = 1e-9
CANDIDATES = {"allowed": ("allowed",), "allowed or conditional": ("allowed", "conditional")}


def _sited(
    study: Study,
    walks: Circle,
    every: gpd.GeoDataFrame,
    options: pd.DataFrame,
    asked: pd.DataFrame,
    pairs: pd.DataFrame,
    covered: pd.DataFrame,
) -> tuple[Layers, dict[str, list[str]]]:
    """Which few conversions help most: an asset at most one use, several kinds at once, existing facilities kept.

    Candidates are options that are allowed and not unfit and newly reach somebody; where the study asks for it, conditional ones too, in
    answers of their own. Without any there is nothing to choose, and no layer. Also what is doubtful, as lists.
    """
    wanted = study.conversions
    weight = str(walks.people.name)
    if wanted.capacity and weight != "residents":
        raise StudyError("study.toml", ["reuse.capacity counts people, but nobody counted the residents of this place"])
    kinds = asked.loc[asked["limit_min"].notna(), ["limit_min"]].rename_axis(None)
    homes = pd.DataFrame({"residents": walks.people})
    areas = study.homes["area_id"] if study.areas is not None and study.homes is not None else None
    able = options["rank_in_asset"].notna() & (options["people_newly"] > 0)
    doubts: dict[str, list[str]] = {"nothing_to_choose_from": [], "fewer_candidates_than_sites": []}
    held: dict[int | None, siting.Siting] = {}
    told: dict[str, list[pd.DataFrame]] = {"choices": [], "sites": [], "curve": [], "gains": []}
    for candidates, verdicts in CANDIDATES.items():
        if candidates != "allowed" and not wanted.conditional:
            continue
        mine = options[able & options["verdict"].isin(verdicts)]
        sites = mine[["asset_id", "use", "cost_yuan"]].rename(columns={"asset_id": "site_id", "use": "kind"})
        if sites.empty:
            doubts["nothing_to_choose_from"].append(candidates)
            continue
        if wanted.capacity:
            sites["capacity"] = sites["kind"].map(dict(wanted.capacity)).astype("float64").fillna(np.inf)
        near = pairs[pairs["facility_id"].isin(sites["site_id"])]
        most = sites["site_id"].nunique()
        doubts["fewer_candidates_than_sites"] += [f"{n} > {most}" for n in wanted.sites if n > most]
        how: dict[str, Any] = {"kinds": kinds, "covered": covered, "budget": wanted.budget_yuan}
        longest = 1
        for p in _numbers(wanted, most):
            answer = _unless_better(held.get(p), siting.maximal_covering(near, homes, sites, p=p, **how))
            held[p] = answer
            many = len(answer.chosen) if p is None else p
            longest = max(longest, many)
            key: dict[str, Any] = {"candidates": candidates, "sites": many, "budget_yuan": _or_nan(wanted.budget_yuan)}
            proven = "yes" if answer.proven else "no"
            good: dict[str, Any] = {"gap_share": answer.gap_share, "proven": proven, "stopped": answer.stopped}
            told["choices"].append(pd.DataFrame([key | _choice(answer, sites) | good]))
            told["sites"].append(answer.chosen.assign(**key, bound=answer.bound, **good))
            if areas is not None:
                told["gains"].append(siting.gains_by_area(answer.gains, areas).assign(**key))
        curve = siting.curve(near, homes, sites, p=longest, **how)
        told["curve"].append(curve.assign(candidates=candidates, budget_yuan=_or_nan(wanted.budget_yuan)))
    if not told["choices"]:
        return {}, doubts
    whole = {name: pd.concat(parts, ignore_index=True) for name, parts in told.items() if parts}
    people = {f"residents_{c}": f"{weight}_{c}" for c in ("newly", "at_most")}
    layers: Layers = {
        "reuse_choices": whole["choices"].rename(columns=people),
        "reuse_sites": _site_layer(whole["sites"], every, options, weight),
        "reuse_curve": _curve(whole["curve"], weight),
    }
    if "gains" in whole and study.areas is not None:
        gains = whole["gains"]
        gains["name"] = gains["area_id"].map(study.areas["name"]).astype("str")
        named = {"kind": "use", "residents_gained": f"{weight}_newly", "homes_gained": "homes_newly"}
        columns = ["candidates", "sites", "area_id", "name", "use", f"{weight}_newly", "homes_newly"]
        layers["reuse_gains_by_area"] = gains.rename(columns=named)[columns]
    return layers, doubts


def _numbers(wanted: Conversions, most: int) -> list[int | None]:
    """How many sites each answer may have; None for as many as the budget pays for."""
    if wanted.budget_yuan is not None and not wanted.sites:
        return [None]
    usual = (int(standards.parameter(f"reuse_sites_{n}")) for n in ("few", "some", "many"))
    return [*sorted({min(most, n) for n in wanted.sites or usual})]


def _unless_better(before: siting.Siting | None, answer: siting.Siting) -> siting.Siting:
    """The answer from fewer candidates, with the bound of all, where more of them bring nobody: nothing then need be confirmed."""
    if before is None or answer.objective > before.objective * (1 + _SAME):
        return answer
    bound = max(answer.bound, before.objective)
    gap = (bound - before.objective) / bound if bound > 0 else 0.0
    return replace(
        before,
        bound=bound,
        gap_share=gap,
        proven=answer.proven,
        stopped=answer.stopped,
        left_out=answer.left_out,
    )


def _or_nan(number: float | None) -> float:
    return np.nan if number is None else float(number)


def _choice(answer: siting.Siting, sites: pd.DataFrame) -> dict[str, Any]:
    """What one answer is worth and what it was chosen from."""
    why = answer.left_out["why"].value_counts()
    return {
        "sites_chosen": float(len(answer.chosen)),
        "residents_newly": answer.objective,
        "residents_at_most": answer.bound,
        "cost_yuan": answer.chosen["cost_yuan"].sum(skipna=False) if len(answer.chosen) else 0.0,
        "options_considered": float(len(sites) - why.reindex(["cost_not_known", "over_budget"]).sum()),
        "options_without_cost": float(why.get("cost_not_known", 0)),
        "options_over_budget": float(why.get("over_budget", 0)),
    }


def _site_layer(chosen: pd.DataFrame, every: gpd.GeoDataFrame, options: pd.DataFrame, weight: str) -> gpd.GeoDataFrame:
    key = pd.MultiIndex.from_frame(chosen[["site_id", "kind"]])
    facts = options.set_index(["asset_id", "use"])[["verdict", "needs", "fit", "not_known", "warnings"]]
    facts = facts.reindex(key).reset_index(drop=True)
    mine = every.reindex(chosen["site_id"])
    out = pd.DataFrame(
        {
            "candidates": chosen["candidates"].astype("str"),
            "sites": chosen["sites"],
            "rank": chosen["rank"],
            "asset_id": chosen["site_id"].astype("str"),
            "name": mine["name"].to_numpy(),
            "asset_kind": mine["asset_kind"].to_numpy(),
            "use": chosen["kind"].astype("str"),
            **{c: facts[c] for c in facts},
            "cost_yuan": chosen["cost_yuan"],
            "budget_yuan": chosen["budget_yuan"],
            f"{weight}_added": chosen["added"],
            f"{weight}_so_far": chosen["objective"],
            f"{weight}_at_most": chosen["bound"],
            "gap_share": chosen["gap_share"],
            "proven": chosen["proven"],
            "stopped": chosen["stopped"],
        }
    )
    if "capacity" in chosen:
        limit = chosen["capacity"].astype("float64")
        out.insert(list(out).index("cost_yuan"), "capacity", limit.where(np.isfinite(limit)))
    return gpd.GeoDataFrame(out, geometry=shapely.point_on_surface(mine.geometry.to_numpy()), crs=every.crs)


def _curve(curve: pd.DataFrame, weight: str) -> pd.DataFrame:
    named = {"p": "sites", "objective": f"{weight}_so_far", "added": f"{weight}_added", "bound": f"{weight}_at_most"}
    out = curve.rename(columns=named | {"share": "share_of_all_options"})
    out = out.assign(proven=np.where(curve["proven"], "yes", "no"))
    return out[["candidates", *(c for c in out if c not in ("candidates", "budget_yuan")), "budget_yuan"]]
