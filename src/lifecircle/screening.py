"""Low-efficiency land of a study told once: by which edition, what is measured, what follows and how firmly, what is doubtful."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle import standards
from lifecircle.analyse import land
from lifecircle.standards import editions
from lifecircle.study import Study

Layers = dict[str, gpd.GeoDataFrame | pd.DataFrame]


def analyse(study: Study, parcels: gpd.GeoDataFrame) -> Layers:
    """Every parcel with its class and the evidence for it, and what is to be said of the list as a whole.

    Parameters
    ----------
    study
        Buildings, meter readings and the edition are read where there are any.
    parcels
        The study's parcels.

    Returns
    -------
    dict
        ``land`` (parcels), ``land_buildings`` (those in doubt, where there is a layer of buildings), and the tables ``land_rules``,
        ``land_sensitivity``, ``land_editions``, ``land_town`` and ``land_doubts``.
    """
    chosen = edition(study)
    codes = land.crosswalk(parcels, standards.read("land_use"))
    pairs = land.shares(parcels, study.buildings) if study.buildings is not None else None
    measured = land.measures(
        parcels,
        study.buildings,
        as_of=study.as_of,
        mu_m2=standards.parameter("mu_m2"),
        area_difference_share=standards.parameter("area_difference_share"),
        usage=study.usage,
        industries=chosen.industries,
        pairs=None if pairs is None else standing_pairs(pairs),
    )
    group = codes["land_group"]
    scope = in_scope(parcels, codes, chosen)
    verdict = land.underused(measured, group, chosen.rules, needed=max(chosen.needed, 1), scope=scope)
    cases, hangs = land.sensitivity(
        measured,
        group,
        chosen.rules,
        as_of=study.as_of,
        step_share=standards.parameter("sensitivity_land_share"),
        needed=max(chosen.needed, 1),
        scope=scope,
    )
    if chosen.needed == 0:  # an edition that judges no parcel
        verdict["candidate"] = "not known"
    own = parcels[["name", "land_use", "land_use_edition", "industry", "tax_yuan"]]
    summary = [c for c in _VERDICT if c in verdict]
    told = verdict.drop(columns=summary)
    doubts, buildings = doubted(parcels, study.buildings, measured, codes, usage=study.usage, pairs=pairs)
    flags = {c: _said(measured[c]) for c in ("area_differs", "far_differs")}
    shown = pd.concat(
        [
            *(own, codes[["land_group", "land_use_known"]], verdict[summary], confidence(verdict), hangs),
            *(
                measured.drop(columns=["months_without_use_most", "built_year_most"], errors="ignore").assign(**flags),
                told,
            ),
        ],
        axis=1,
    )
    county = editions.land("county_2021_limits", folder=study.land_folder)
    limits = pd.concat([county.town, chosen.town], ignore_index=True)
    told_rules = pd.concat([chosen.rules, chosen.town], ignore_index=True)
    layers: Layers = {
        "land": gpd.GeoDataFrame(shown, geometry=parcels.geometry, crs=parcels.crs),
        "land_rules": told_rules.assign(binding=np.where(told_rules["binding"], "yes", "no")),
        "land_sensitivity": cases,
        "land_editions": compared(study, parcels, measured, codes, verdict["candidate"]),
        "land_town": town(measured, codes, limits.drop_duplicates(["rule", "quantity"])),
        "land_doubts": doubts,
    }
    if buildings is not None:
        layers["land_buildings"] = buildings
    return layers


_VERDICT = (
    *("candidate", "reasons", "rules_yes", "rules_no", "rules_not_known", "exemption", "idle", "not_supplied"),
    "criteria_known_share",
)


def _said(flags: pd.Series[Any]) -> pd.Series[str]:
    return flags.map({True: "yes", False: "no"}).astype("str").fillna("not known")


def standing_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs of `land.shares` that count: a building stands on the parcel that holds most of it, and on a second one only with
    more than boundaries are drawn askew, or a dangerous house would condemn its neighbour's plot.

    >>> pairs = pd.DataFrame({"building": ["a", "a", "b"], "parcel": ["P", "Q", "Q"], "area_m2": [90.0, 0.5, 0.5]})
    >>> standing_pairs(pairs)[["building", "parcel"]].values.tolist()
    [['a', 'P'], ['b', 'Q']]
    """
    most = pairs.sort_values("area_m2", ascending=False, kind="stable").drop_duplicates("building").index
    return pairs[(pairs["area_m2"] > standards.parameter("parcel_overlap_told_m2")) | pairs.index.isin(most)]


def edition(study: Study) -> editions.LandEdition:
    """The criteria the study goes by: those it names, else those of its standards profile, else the default set."""
    named = study.land_edition or study.standards
    known = editions.codes(folder=study.land_folder)
    return editions.land(named if study.land_edition or named in known else "default", folder=study.land_folder)


def rules(profile: str) -> pd.DataFrame:
    """The land criteria of the edition `profile`, or the default set where the profile has none; see `land.underused`.

    >>> sorted(rules("national_2018")["class"].unique())
    ['exemption', 'idle', 'low_efficiency', 'not_supplied']
    """
    return editions.land(profile if profile in editions.codes() else "default").rules


def groups(parcels: gpd.GeoDataFrame) -> pd.Series[str]:
    """The land-use group of each parcel (``industrial``, ``residential``, …), as `land.crosswalk` reads it; missing where not known."""
    return land.crosswalk(parcels, standards.read("land_use"))["land_group"]


def in_scope(parcels: gpd.GeoDataFrame, codes: pd.DataFrame, edition: editions.LandEdition) -> pd.Series[Any]:
    """Whether an edition speaks of a parcel: no where the register says so, or where it asks for construction land and this is none."""
    scope = parcels["in_scope"].astype("boolean")
    return scope & codes["construction"] if edition.scope == "construction" else scope


def confidence(verdict: pd.DataFrame) -> pd.Series[str]:
    """How far a class rests on data, in words: high, medium or low, by the share of criteria that are answered."""
    share = verdict["criteria_known_share"]
    limits = [standards.parameter(f"land_confidence_{word}_share") for word in ("high", "medium")]
    said = np.select([share.isna(), share >= limits[0], share >= limits[1]], ["not known", "high", "medium"], "low")
    return pd.Series(said, index=verdict.index, name="confidence", dtype="str")


def compared(
    study: Study,
    parcels: gpd.GeoDataFrame,
    measured: pd.DataFrame,
    codes: pd.DataFrame,
    chosen: pd.Series[str],
) -> pd.DataFrame:
    """The editions side by side on the same parcels: how many each finds, and how many of them the chosen one finds too.

    One row an edition that judges parcels: ``edition``, ``name``, ``needed``, ``rules`` and ``rules_asked`` (those the place has data for),
    ``candidates``, ``candidates_m2``, ``exempt``, ``parcels_not_known``, ``also_chosen``, ``source``, ``mark``.
    """
    rows = []
    for code in editions.codes(folder=study.land_folder):
        one = editions.land(code, folder=study.land_folder)
        if one.needed == 0:
            continue
        scope = in_scope(parcels, codes, one)
        said = land.classes(measured, codes["land_group"], one.rules, needed=one.needed, scope=scope)
        found = said["candidate"] == "candidate"
        low = one.rules[(one.rules["class"] == "low_efficiency") & one.rules["binding"]]
        asked = low["quantity"].isin([c for c in measured if measured[c].notna().any()]) & low["value"].notna()
        rows.append(
            {
                "edition": code,
                "name": one.name_zh if study.language == "zh" else one.name_en,
                "needed": one.needed,
                "rules": low["rule"].nunique(),
                "rules_asked": int(asked.groupby(low["rule"]).all().sum()),
                "candidates": int(found.sum()),
                "candidates_m2": float(measured.loc[found, "area_m2"].sum()),
                "exempt": int((said["candidate"] == "exempt").sum()),
                "parcels_not_known": int((said["candidate"] == "not known").sum()),
                "also_chosen": int((found & (chosen == "candidate")).sum()),
                "source": one.source,
                "mark": one.mark,
            }
        )
    return pd.DataFrame(rows)


def town(measured: pd.DataFrame, codes: pd.DataFrame, rules: pd.DataFrame) -> pd.DataFrame:
    """The limits of the town as a whole, rules of class ``town``: floor area of the buildings on construction land ÷ that land.

    ``rule``, ``town_value``, ``threshold``, ``answer`` (yes: the limit is kept), ``construction_m2``, ``source``, ``mark``. Where a
    parcel's class or a building's floor area is not known, so is the ratio.
    """
    built = codes["construction"].fillna(False).to_numpy(dtype=bool)
    ground = measured.loc[built, "area_m2"].sum()
    floors = measured.loc[built, "built_floor_area_m2"].sum(skipna=False)
    ratio = floors / ground if ground > 0 and codes["construction"].notna().all() else np.nan
    town = pd.DataFrame({"town_far": [ratio]}, index=["town"])
    said = land.evidence(land.underused(town, pd.Series("any", index=town.index), rules), rules)
    return said.rename(columns={"value": "town_value"}).assign(construction_m2=ground)[
        ["rule", "town_value", "threshold", "answer", "construction_m2", "source", "mark"]
    ]


def doubted(
    parcels: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame | None,
    measured: pd.DataFrame,
    codes: pd.DataFrame,
    *,
    usage: pd.DataFrame | None,
    pairs: pd.DataFrame | None,
) -> tuple[pd.DataFrame, gpd.GeoDataFrame | None]:
    """What is doubtful in the data the land theme rests on, counted, and the buildings that stand on no, several or other parcels.

    Returns
    -------
    doubts
        One row a doubt, also where its count is 0: ``doubt``, ``count``, ``doubt_m2`` (area in doubt, NaN where it has none) and ``such_as``.
    buildings
        Those in doubt, with what `land.standing` says of them; None without a layer of buildings.
    """
    rows: list[tuple[str, pd.Index[Any], float]] = []
    least_m2 = standards.parameter("parcel_overlap_told_m2")
    over = land.overlaps(parcels, least_m2=least_m2)
    rows.append(("parcels_overlap", pd.Index(over["parcel"] + " × " + over["other"]), float(over["overlap_m2"].sum())))
    differs = parcels.index[measured["area_differs"].fillna(False)]
    apart = (parcels["site_area_m2"] - measured["drawn_area_m2"]).abs()
    rows.append(("area_differs", differs, float(apart[differs].sum())))
    rows.append(("far_differs", parcels.index[measured["far_differs"].fillna(False)], np.nan))
    for known in ("no code", "no edition", "unknown code", "ambiguous"):
        at = codes.index[codes["land_use_known"] == known]
        rows.append((f"land_use: {known}", at, float(measured.loc[at, "area_m2"].sum())))
    shown = None
    if buildings is not None and pairs is not None:
        stand = land.standing(parcels, buildings, pairs, least_m2=least_m2)
        none, several = stand["parcels"] == 0, stand["parcels"] > 1
        off = (stand["off_parcels_m2"] > least_m2) & ~none
        other = stand["parcel_agrees"].eq(False).fillna(False).astype("bool")
        for name, which, column in (
            ("building_on_no_parcel", none, "footprint_m2"),
            ("building_partly_off", off, "off_parcels_m2"),
            ("building_on_several", several, "footprint_m2"),
            ("building_says_other_parcel", other, "footprint_m2"),
        ):
            rows.append((name, stand.index[which], float(stand.loc[which, column].sum())))
        doubtful = none | off | several | other
        flags = {"parcel_agrees": _said(stand["parcel_agrees"])}
        said = stand.assign(**flags, parcel_id=buildings["parcel_id"])[doubtful]
        shown = gpd.GeoDataFrame(said, geometry=buildings.geometry[doubtful], crs=buildings.crs)
    if usage is not None:
        of = usage["of_table"].isin(["parcels", "buildings"])
        rows.append(("usage_of_other_table", pd.Index(usage["of_id"][~of].unique()), np.nan))
        rows.append(("usage_no_quantity", pd.Index(usage["of_id"][usage["quantity"].isna()].unique()), np.nan))
        rows.append(("usage_no_month", parcels.index[measured["use_periods_unread"] > 0], np.nan))
    table = pd.DataFrame(
        [(name, len(which), area, ", ".join(map(str, which[:3]))) for name, which, area in rows],
        columns=["doubt", "count", "doubt_m2", "such_as"],
    )
    return table.astype({"such_as": "str"}), shown
