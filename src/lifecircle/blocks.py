"""The renewal blocks (片区) of a study told once: which plots ask for renewal and why, how they group, what each block holds."""

from __future__ import annotations

from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle import circle, standards
from lifecircle.analyse import blocks, coverage, renewal
from lifecircle.study import Study

Layers = dict[str, gpd.GeoDataFrame | pd.DataFrame]
WHY = ("low_efficiency", "old_compound", "idle_asset", "gap")


class Homes(NamedTuple):
    """Homes as blocks count them: points, what each counts for, and for every required kind of every tier whether it is reached."""

    places: gpd.GeoDataFrame
    people: pd.Series[float]
    answers: pd.DataFrame


def analyse(
    study: Study,
    land: gpd.GeoDataFrame,
    *,
    coverage_homes: gpd.GeoDataFrame | None = None,
    proposed: pd.DataFrame | None = None,
) -> Layers:
    """The renewal blocks and all that is said of them.

    Parameters
    ----------
    study
        Assets, barriers, streets and projects are read where there are any.
    land
        The layer of that name: every parcel with its class.
    coverage_homes
        The layer of that name; without it residents are counted and gaps are not known.
    proposed
        Uses proposed for assets: ``asset_id``, ``use`` and ``rank`` (1 is the best); None where nobody proposed any.

    Returns
    -------
    dict
        ``renewal_blocks`` (polygons; reasons are those of `WHY`), and the tables ``renewal_block_evidence`` (every plot with a reason, in a block or not),
        ``renewal_block_land``, ``renewal_block_gaps``, ``renewal_block_assets``, ``renewal_demolition``, ``renewal_duplicates``
        and ``renewal_town``.
    """
    land = land.sort_index()  # of parcels that overlap the first counts, whatever the order of the rows
    homes = _homes(study, coverage_homes)
    assets = _assets(study, land)
    asked = _asked(land, homes, assets, study)
    plots = _plots(land, asked, assets, study)
    cuts, length = barred(study), {c: standards.parameter(f"block_{c}") for c in ("join_m", "cut_m")}
    pairs = blocks.neighbours(plots, cuts, **length)
    ha = standards.parameter("ha_m2")
    sizes = {f"{end}_m2": standards.parameter(f"block_{end}_ha") * ha for end in ("least", "most")}
    placed = blocks.grouped(plots, pairs, **sizes)
    outlines = blocks.drawn(plots, placed, cuts, **length)
    weight = "residents" if homes is None else str(homes.people.name)
    sides = blocks.sides(plots, cuts, cut_m=length["cut_m"])
    evidence = _evidence(plots, placed, land, assets, sides).rename(columns={"people": weight})
    in_block = blocks.inside(homes.places, outlines) if homes is not None else None
    layer = _layer(outlines, evidence, homes, in_block)
    layers: Layers = {
        "renewal_blocks": layer,
        "renewal_block_evidence": evidence.reset_index(),
        "renewal_block_land": _uses(evidence),
        "renewal_block_assets": _listed_assets(assets, placed, study, proposed),
    }
    if homes is not None and in_block is not None and len(homes.answers.columns):
        layers["renewal_block_gaps"] = _gaps(homes, in_block)
    torn = _demolition(study, layer)
    layers["renewal_demolition"] = torn.reset_index()
    shown = ("demolition_share", "demolition_share_kept", "rebuild_ratio", "rebuild_ratio_kept")
    layers["renewal_blocks"] = layer.join(torn[[c for c in shown if c in torn]])
    if study.projects is not None:
        drawn_m2 = standards.parameter("parcel_overlap_told_m2")  # less is how outlines were drawn
        twice = renewal.duplicates(study.projects.sort_index(), least_m2=drawn_m2)
        layers["renewal_duplicates"] = twice.rename(columns={"other": "other_project"})
    layers["renewal_town"] = _town(layer, evidence, land)
    return layers


def barred(study: Study) -> gpd.GeoSeries:
    """What no block may cross: barriers, and streets of the classes that are main roads, tunnels left out.

    A street whose class is not known is not taken for a main road. A gate, open or not, lets people through and joins no blocks:
    the wall beside it still parts what would be renewed as one.

    >>> from datetime import date
    >>> from pyproj import CRS
    >>> len(barred(Study(name="a", crs=CRS(4547), as_of=date(2025, 1, 1))))
    0
    """
    classes = standards.read("street_classes")
    main = classes["code"][classes["main"] == "yes"]
    lines = [] if study.barriers is None else [np.asarray(study.barriers.geometry.array)]
    if study.streets is not None:
        above = ~study.streets["tunnel"].fillna(False).astype("bool")
        lines.append(np.asarray(study.streets.geometry.array)[study.streets["class"].isin(main) & above])
    return gpd.GeoSeries(np.concatenate([np.array([], dtype=object), *lines]), crs=study.crs)


def _homes(study: Study, shown: gpd.GeoDataFrame | None) -> Homes | None:
    """Homes with their answers; without the coverage layer there are people and no answers."""
    homes = study.homes if shown is None else shown
    if homes is None or homes.empty:
        return None
    people = coverage.weight(homes)
    if shown is None:
        return Homes(homes, people, pd.DataFrame(index=homes.index))
    kinds = circle.tier_kinds(study.standards)
    kinds = kinds[kinds["required"]]
    minutes = shown.filter(like="walk_min_")
    minutes.columns = minutes.columns.str.removeprefix("walk_min_")
    joined = shown["joined"] == "yes"
    speed = standards.walker("adult").speed_m_s
    answers: Any = coverage.reached(pd.DataFrame(minutes), kinds, speed_m_s=speed, joined=joined)["minutes"]
    return Homes(homes, people, answers)


def _reach(homes: Homes | None, of: pd.Series[Any] | None) -> pd.DataFrame:
    """By plot or block: people, homes whose people are not known, and the people's mean share of required kinds in reach."""
    if homes is None or of is None:
        return pd.DataFrame(columns=["people", "homes", "homes_not_known", "reach_share"], dtype="float64")
    share = homes.answers.astype("Float64").mean(axis=1) if len(homes.answers.columns) else np.nan
    rows = pd.DataFrame({"people": homes.people, "share": share}, index=homes.people.index).astype("float64")
    rows["known"] = rows["people"].where(rows["share"].notna())
    rows["reached"] = rows["people"] * rows["share"]
    groups = rows.groupby(of.to_numpy(dtype=object))
    out = groups[["known", "reached"]].sum()
    return pd.DataFrame(
        {
            "people": groups["people"].sum(min_count=1),
            "homes": groups.size().astype("float64"),
            "homes_not_known": groups["people"].agg(lambda people: float(people.isna().sum())),
            "reach_share": out["reached"] / out["known"].where(out["known"] > 0),
        }
    )


def _assets(study: Study, land: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Assets with the parcel each stands on: the one it names, else the one it lies in; missing where in none."""
    if study.assets is None:
        empty = {
            "plot_id": pd.Series(dtype="str"),
            "asset_kind": pd.Series(dtype="str"),
            "name": pd.Series(dtype="str"),
        }
        return gpd.GeoDataFrame(empty | {"floor_area_m2": pd.Series(dtype="float64")}, geometry=[], crs=study.crs)
    assets = study.assets.sort_index()
    named = assets["parcel_id"].where(assets["parcel_id"].isin(land.index))
    at = blocks.inside(assets.set_geometry(assets.representative_point()), land)
    return assets.assign(plot_id=named.fillna(at))


def _asked(land: gpd.GeoDataFrame, homes: Homes | None, assets: gpd.GeoDataFrame, study: Study) -> pd.DataFrame:
    """On the parcels: each reason as yes, no or not known, and who lives there."""
    home = land["land_group"] == "residential"
    on = None if homes is None else blocks.inside(homes.places, land)
    reach = _reach(homes, on).reindex(land.index)
    old, gap = standards.parameter("old_compound_built_year"), standards.parameter("block_gap_share")
    return pd.DataFrame(
        {
            "low_efficiency": land["candidate"].map({"candidate": "yes", "not known": "not known"}).fillna("no"),
            "old_compound": _answered(land["built_year"] < old, land["built_year"].isna()).where(
                home, np.where(land["land_group"].isna(), "not known", "no")
            ),
            "idle_asset": np.where(
                land.index.isin(assets["plot_id"].dropna()), "yes", "not known" if study.assets is None else "no"
            ),
            "gap": _answered(reach["reach_share"] < gap, reach["reach_share"].isna()).mask(
                reach["homes"].isna() & (homes is not None), "no"
            ),
            "people": reach["people"].mask(reach["homes"].isna() & (homes is not None), 0.0),
            "reach_share": reach["reach_share"],
        },
        index=land.index,
    )


def _answered(holds: pd.Series[bool], unknown: pd.Series[bool]) -> pd.Series[Any]:
    return pd.Series(np.select([unknown, holds], ["not known", "yes"], "no"), index=holds.index, dtype="str")


def _plots(land: gpd.GeoDataFrame, asked: pd.DataFrame, assets: gpd.GeoDataFrame, study: Study) -> gpd.GeoDataFrame:
    """Parcels with a reason, and the assets that stand on none."""
    found = (asked[list(WHY)] == "yes").any(axis=1)
    own = gpd.GeoDataFrame(asked[found], geometry=land.geometry[found], crs=land.crs).assign(of_table="parcels")
    loose = assets[assets["plot_id"].isna()]
    if not len(loose):
        return own.rename_axis("plot_id")
    alone = gpd.GeoDataFrame({"idle_asset": "yes", "of_table": "assets"}, index=loose.index, geometry=loose.geometry)
    alone = alone.assign(low_efficiency="not known", old_compound="not known", gap="not known")
    # an asset may bear a parcel's number
    alone.index = pd.Index(np.where(alone.index.isin(own.index), "asset " + alone.index, alone.index), dtype="str")
    both = pd.concat([own, alone.set_crs(study.crs, allow_override=True)])
    return both.rename_axis("plot_id")


def _evidence(
    plots: gpd.GeoDataFrame, placed: pd.DataFrame, land: gpd.GeoDataFrame, assets: gpd.GeoDataFrame, sides: pd.DataFrame
) -> pd.DataFrame:
    """Every plot with a reason: its block or why it is in none, the reasons and what they rest on."""
    why = pd.Series("", index=plots.index)
    for reason in WHY:
        why = why + np.where(plots[reason] == "yes", np.where(why == "", "", ", ") + reason, "")
    facts = land.reindex(plots.index)
    named = assets.assign(asset=assets.index.astype("str")).groupby("plot_id")["asset"].agg(", ".join)
    loose = pd.Series(assets.index.astype("str"), index=assets.index.astype("str"))
    name = facts["name"].astype("str").where(plots["of_table"] == "parcels", assets["name"].reindex(plots.index))
    out = pd.DataFrame(
        {
            "block_id": placed["block_id"],
            "placed": placed["placed"],
            "why": why.astype("str"),
            "name": name.astype("str"),
            "of_table": plots["of_table"].astype("str"),
            "land_group": facts["land_group"],
            "plot_m2": plots.area,
            **{reason: plots[reason].astype("str") for reason in WHY},
            "reasons": facts["reasons"].astype("str"),
            "confidence": facts["confidence"].astype("str"),
            "built_year": facts["built_year"],
            "assets": named.reindex(plots.index).fillna(loose.reindex(plots.index)).astype("str"),
            "people": plots["people"].astype("float64"),
            "reach_share": plots["reach_share"].astype("float64"),
            "built_floor_area_m2": facts["built_floor_area_m2"],
            "beyond_share": sides["beyond_share"],
            "cluster": placed["cluster"],
            "cluster_m2": placed["cluster_m2"],
            "pieces": placed["pieces"],
        },
        index=plots.index,
    )
    return out.sort_index().sort_values("block_id", kind="stable", na_position="last")


def _layer(
    outlines: gpd.GeoDataFrame, evidence: pd.DataFrame, homes: Homes | None, in_block: pd.Series[str] | None
) -> gpd.GeoDataFrame:
    """A row a block: its ground, what asks for renewal, who lives there and what they reach."""
    groups = evidence.groupby("block_id")
    counts = (evidence[list(WHY)] == "yes").groupby(evidence["block_id"]).sum().astype("float64").add_suffix("_plots")
    use = _uses(evidence).sort_values(["block_id", "plots_m2"], ascending=[True, False], kind="stable")
    reach = _reach(homes, in_block).reindex(outlines.index)
    nobody = reach["homes"].isna() & (homes is not None)
    weight = "residents" if homes is None else str(homes.people.name)
    floor = groups["built_floor_area_m2"].agg(lambda areas: areas.sum(skipna=False))
    out = outlines.drop(columns="geometry").assign(plots=outlines["plots"].astype("float64"))
    out[weight] = reach["people"].mask(nobody, 0.0)
    out["homes_not_known"] = reach["homes_not_known"].mask(nobody, 0.0)
    out["reach_share"] = reach["reach_share"]
    out = out.join(counts)
    out["main_use"] = use.drop_duplicates("block_id").set_index("block_id")["land_group"].reindex(out.index)
    out["existing_floor_area_m2"] = floor.reindex(out.index).astype("float64")
    out["beyond_most_share"] = groups["beyond_share"].max().reindex(out.index).astype("float64")
    return gpd.GeoDataFrame(out, geometry=outlines.geometry, crs=outlines.crs)


def _uses(evidence: pd.DataFrame) -> pd.DataFrame:
    """Land by use: a row a block and group, missing where the use is not known; overlapping plots count each."""
    inside = evidence[evidence["block_id"].notna()]
    groups = inside.groupby(["block_id", "land_group"], dropna=False)["plot_m2"]
    out = groups.agg(plots="size", plots_m2="sum").reset_index()
    out["share"] = out["plots_m2"] / out.groupby("block_id")["plots_m2"].transform("sum")
    return out.astype({"block_id": "str", "land_group": "str"})


def _listed_assets(
    assets: gpd.GeoDataFrame, placed: pd.DataFrame, study: Study, proposed: pd.DataFrame | None
) -> pd.DataFrame:
    """A row an asset: its block, and the best use proposed for it where there is one."""
    at = assets["plot_id"].fillna(pd.Series(assets.index.astype("str"), index=assets.index))
    out = pd.DataFrame(
        {
            "block_id": at.map(placed["block_id"]).astype("str"),
            "asset_id": assets.index.astype("str"),
            **{c: assets[c] for c in ("name", "asset_kind", "floor_area_m2")},
            "plot_id": assets["plot_id"],
        }
    ).reset_index(drop=True)
    best = pd.Series(dtype="str")
    if proposed is not None and len(proposed):
        ranked = proposed.sort_values(["asset_id", "rank", "use"], kind="stable").drop_duplicates("asset_id")
        best = ranked.set_index("asset_id")["use"]
    out["proposed_use"] = out["asset_id"].map(best).astype("str")
    return out.sort_values(["block_id", "asset_id"], kind="stable", na_position="last", ignore_index=True)


def _gaps(homes: Homes, in_block: pd.Series[str]) -> pd.DataFrame:
    """A row a block, tier and required kind: the people in the block who cannot walk there, most first."""
    weight = str(homes.people.name)
    inside = in_block.notna().to_numpy()
    left = (~homes.answers.fillna(True)).astype("float64").mul(homes.people.fillna(0.0), axis=0)[inside]
    known = homes.answers.notna().astype("float64").mul(homes.people.fillna(0.0), axis=0)[inside]
    of = in_block[inside].to_numpy(dtype=object)
    sums = [each.groupby(of).sum().rename_axis("block_id").unstack() for each in (left, known)]
    there: Any = sums[1]
    out = pd.DataFrame({f"{weight}_left_out": sums[0], "share": sums[0] / there.where(there > 0)}).reset_index()
    out.columns = pd.Index(["tier", "kind", "block_id", f"{weight}_left_out", "share"])
    out = out[out[f"{weight}_left_out"] > 0]
    order = ["block_id", f"{weight}_left_out", "tier", "kind"]
    out = out.sort_values(order, ascending=[True, False, True, True], kind="stable", ignore_index=True)
    return out[["block_id", "tier", "kind", f"{weight}_left_out", "share"]].astype({"block_id": "str", "tier": "int64"})


def _demolition(study: Study, layer: gpd.GeoDataFrame) -> pd.DataFrame:
    """What each block tears down against the limits; not known throughout where no layer says."""
    limits = standards.read("reuse").query("quantity in ['demolition_share', 'rebuild_ratio']")
    limits = limits.assign(binding=standards.binding(limits["mark"]))
    existing = layer["existing_floor_area_m2"]
    if study.projects is None:
        told = pd.DataFrame({"block": existing.index, "demolished_floor_area_m2": np.nan, "new_floor_area_m2": np.nan})
        return renewal.demolition(told, existing, limits).assign(works=np.nan)
    return renewal.demolition(blocks.works(study.projects.sort_index(), layer), existing, limits)


def _town(layer: gpd.GeoDataFrame, evidence: pd.DataFrame, land: gpd.GeoDataFrame) -> pd.DataFrame:
    """The rule of three blocks, and how many plots are where; the count is what it is."""
    rules = standards.read("parameters")
    rule: Any = rules[rules["code"] == "blocks_per_town_min"].to_dict("records")[0]
    least = standards.parameter("blocks_per_town_min")
    placed = evidence["placed"].value_counts()
    unknown = ((land["candidate"] == "not known") & ~land.index.isin(evidence.index)).sum()
    items = {
        "blocks": len(layer),
        "plots_in_blocks": placed.get("block", 0),
        "single_plots": placed.get("single plot", 0),
        "plots_cut_off": placed.get("cut off", 0),
        "plots_too_large": placed.get("too large", 0),
        "parcels_without_reason_not_known": unknown,
    }
    out = pd.DataFrame({"item": list(items), "count": [float(count) for count in items.values()]})
    prefix = "" if standards.binding(pd.Series([rule["mark"]])).all() else "indicative "
    facts = {
        "limit": least,
        "answer": prefix + ("yes" if len(layer) >= least else "no"),
        "source": rule["source"],
        "mark": rule["mark"],
    }
    alone = pd.DataFrame(facts, index=out.index[:1]).reindex(out.index)
    return out.join(alone.astype({"answer": "str", "source": "str", "mark": "str"}))
