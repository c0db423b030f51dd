"""Low-efficiency land: what is measured on each parcel, and what each criterion of an edition says of it.

A rule is one or more conditions that must all hold. Its answer is ``yes``, ``no``, ``not known`` or ``not applicable``
(the rule is for other land): what is not known never becomes a yes or a no. Rules whose value has not been confirmed
answer ``indicative yes`` or ``indicative no`` and decide nothing. Idle land and approved-but-unsupplied land are
legal states of their own (Order 53 of 2012), shown beside the class and never part of it.
"""

import operator
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

CLASSES = ("candidate", "exempt", "not known", "not candidate")
_OPERATORS: dict[str, Any] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}


def measures(
    parcels: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame | None,
    *,
    as_of: date,
    mu_m2: float,
    area_difference_share: float,
) -> pd.DataFrame:
    """What the criteria look at, parcel by parcel.

    Parameters
    ----------
    parcels, buildings
        Canonical tables in one projected system in metres; buildings may be None.
    as_of
        The date on which ages and delays are counted.
    mu_m2
        Square metres in one mu (亩).
    area_difference_share
        Declared and drawn area that differ by more than this share of the drawn one are flagged.

    Returns
    -------
    DataFrame
        On the parcels' index, NaN where not known:

        - ``drawn_area_m2``, ``area_m2`` (declared, else drawn), ``area_differs`` (nullable boolean)
        - ``built_floor_area_m2``, ``footprint_m2``: of the buildings on the parcel, a building across a boundary shared
          out by footprint area; floor area is NaN as soon as one building's is not known
        - ``far`` (declared, else declared floor area ÷ area, else built floor area ÷ area) and ``far_built``
        - ``building_coverage``: footprint ÷ area
        - ``tax_per_mu_yuan``, ``output_per_mu_yuan``; ``tax_share_of_industry``: tax per mu ÷ that of all parcels of
          the same industry whose tax is known (their tax ÷ their area)
        - ``built_year``: declared, else the newest of the buildings that state one
        - ``dangerous``: 1 where a building of class C or D (JGJ 125) stands on the parcel, 0 where every building's
          class is known and none is (or no building stands there); ``dangerous_share``: their share of footprint
        - ``vacant_share``: share of footprint in buildings said to be vacant
        - ``invested_share``, ``developed_share``, ``started`` (1, 0), ``days_past_start_due``, ``stopped_days``,
          ``days_since_approval`` (approved and no supply date)

    Examples
    --------
    >>> from shapely import box
    >>> from lifecircle import schema
    >>> parcels = schema.conform("parcels", gpd.GeoDataFrame(geometry=[box(0, 0, 100, 100)], index=["P1"], crs=4547))
    >>> buildings = gpd.GeoDataFrame({"floor_area_m2": [4000.0]}, geometry=[box(50, 0, 150, 20)], index=["B1"], crs=4547)
    >>> buildings = schema.conform("buildings", buildings)
    >>> m = measures(parcels, buildings, as_of=date(2025, 1, 1), mu_m2=2000 / 3, area_difference_share=0.05)
    >>> float(m.loc["P1", "far"]), float(m.loc["P1", "building_coverage"])
    (0.2, 0.1)
    """
    out = pd.DataFrame(index=parcels.index)
    out["drawn_area_m2"] = parcels.area
    declared = parcels["site_area_m2"]
    out["area_m2"] = declared.where(declared > 0, out["drawn_area_m2"])
    differs = (declared - out["drawn_area_m2"]).abs() > area_difference_share * out["drawn_area_m2"]
    out["area_differs"] = differs.astype("boolean").mask(declared.isna())
    out = out.join(_on_parcels(parcels, buildings))
    out["far_built"] = out["built_floor_area_m2"] / out["area_m2"]
    out["far"] = parcels["far"].fillna(parcels["floor_area_m2"] / out["area_m2"]).fillna(out["far_built"])
    out["building_coverage"] = out["footprint_m2"] / out["area_m2"]
    mu = out["area_m2"] / mu_m2
    out["tax_per_mu_yuan"] = parcels["tax_yuan"] / mu
    out["output_per_mu_yuan"] = parcels["output_yuan"] / mu
    taxed = parcels["tax_yuan"].notna()
    sums = pd.DataFrame({"tax": parcels["tax_yuan"], "mu": mu})[taxed].groupby(parcels["industry"][taxed]).sum()
    mean = parcels["industry"].map((sums["tax"] / sums["mu"]).where(sums["tax"] > 0))
    out["tax_share_of_industry"] = out["tax_per_mu_yuan"] / mean.astype("float64")
    out["built_year"] = parcels["built_year"].fillna(out.pop("newest_year"))
    out["invested_share"] = parcels["invested_share"]
    out["developed_share"] = parcels["developed_share"]
    out["days_past_start_due"] = _days(parcels["start_due_date"], as_of)
    out["stopped_days"] = _days(parcels["stopped_since"], as_of)
    # No start date says nothing by itself; beside a start due date it is the register's way of saying "not started".
    started = parcels["started_date"].notna() | parcels["stopped_since"].notna()
    out["started"] = started.astype("float64").where(started | parcels["start_due_date"].notna())
    out["days_since_approval"] = _days(parcels["approved_date"], as_of).where(parcels["supply_date"].isna())
    return out


def _days(dates: "pd.Series[Any]", as_of: date) -> "pd.Series[float]":
    days: pd.Series[float] = (pd.Timestamp(as_of) - dates).dt.days.astype("float64")
    return days


def _on_parcels(parcels: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame | None) -> pd.DataFrame:
    columns = [
        "built_floor_area_m2",
        "footprint_m2",
        "dangerous",
        "dangerous_share",
        "vacant_share",
        "newest_year",
    ]
    if buildings is None:
        return pd.DataFrame(np.nan, index=parcels.index, columns=columns)
    plots, prints = parcels.geometry.to_numpy(), buildings.geometry.to_numpy()
    building, parcel = shapely.STRtree(plots).query(prints, predicate="intersects")
    area = shapely.area(shapely.intersection(prints[building], plots[parcel]))
    building, parcel, area = building[area > 0], parcel[area > 0], area[area > 0]
    share = area / shapely.area(prints)[building]
    of = buildings.iloc[building]
    danger, vacant = of["danger_class"], of["vacant"].astype("float64")
    parts = pd.DataFrame(
        {
            "parcel": parcel,
            "footprint_m2": area,
            "built_floor_area_m2": share * of["floor_area_m2"].to_numpy(),
            "bad": np.where(danger.isin(["C", "D"]), area, 0.0),
            "classed": np.where(danger.notna(), area, 0.0),
            "vacant": np.where(vacant == 1, area, 0.0),
            "watched": np.where(vacant.notna(), area, 0.0),
            "floor_known": of["floor_area_m2"].notna().to_numpy(),
            "newest_year": of["built_year"].to_numpy(),
        }
    )
    groups = parts.groupby("parcel")
    sums = groups.sum().drop(columns=["floor_known", "newest_year"]).reindex(range(len(parcels)), fill_value=0.0)
    out = pd.DataFrame({"footprint_m2": sums["footprint_m2"]})
    all_known = groups["floor_known"].all().reindex(out.index, fill_value=True)
    out["built_floor_area_m2"] = sums["built_floor_area_m2"].where(all_known)
    some, all_classed = sums["footprint_m2"] > 0, np.isclose(sums["classed"], sums["footprint_m2"])
    out["dangerous"] = (sums["bad"] > 0).astype("float64").where((sums["bad"] > 0) | all_classed)
    out["dangerous_share"] = (sums["bad"] / sums["footprint_m2"]).where(some & all_classed)
    all_watched = np.isclose(sums["watched"], sums["footprint_m2"])
    out["vacant_share"] = (sums["vacant"] / sums["footprint_m2"]).where(some & all_watched)
    out["newest_year"] = groups["newest_year"].max().reindex(out.index)
    out.index = parcels.index
    return out[columns]


def underused(measured: pd.DataFrame, groups: "pd.Series[str]", rules: pd.DataFrame) -> pd.DataFrame:
    """What each rule says of each parcel, and the class that follows.

    Parameters
    ----------
    measured
        What `measures` returned.
    groups
        The land-use group of each parcel (``industrial``, ``residential``, …), missing where the code is not known.
    rules
        One row for each condition: ``rule``, ``class`` (``low_efficiency``, ``idle``, ``not_supplied`` or
        ``exemption``), ``group`` (a land-use group, or ``any``), ``quantity`` (a column of `measured`, or one that
        nobody measured), ``operator``, ``value``, ``source``, ``binding`` (whether it may decide). Rows of one rule
        must hold together.

    Returns
    -------
    DataFrame
        On the parcels' index. For every rule R: ``R`` (yes, no, not known, not applicable, indicative yes, indicative
        no), ``R_value``, ``R_threshold``, ``R_source``. Then:

        - ``candidate``: ``candidate`` where any low-efficiency rule says yes and no exemption does, ``exempt`` where
          one does, ``not known`` where none says yes and one that can be answered elsewhere in the place cannot be
          answered here, else ``not candidate``
        - ``reasons``: the rules that say yes; ``rules_yes``, ``rules_no``, ``rules_not_known``: how many do (float64;
          the last counts every rule for this land, also those the place has no data for)
        - ``idle`` and ``not_supplied``: yes, no, not known, indicative yes or indicative no

    Examples
    --------
    >>> rules = pd.DataFrame({"rule": ["L1"], "class": ["low_efficiency"], "group": ["industrial"], "quantity": ["far"],
    ...                       "operator": ["<"], "value": [1.0], "source": ["somewhere"], "binding": [True]})
    >>> measured = pd.DataFrame({"far": [0.4, 1.2, np.nan]}, index=["a", "b", "c"])
    >>> use = pd.Series("industrial", index=measured.index)
    >>> underused(measured, use, rules)["candidate"].tolist()
    ['candidate', 'not candidate', 'not known']
    """
    answers: dict[str, pd.Series[Any]] = {}
    evidence: dict[str, Any] = {}
    kinds: dict[str, str] = {}
    for rule, conditions in rules.groupby("rule", sort=False):
        name = str(rule)
        kinds[name] = str(conditions["class"].iloc[0])
        answers[name] = _answer(measured, groups, conditions)
        evidence |= {
            name: answers[name],
            f"{name}_value": _said(measured, conditions),
            f"{name}_threshold": " ∧ ".join(f"{c.quantity} {c.operator} {c.value:g}" for c in conditions.itertuples()),
            f"{name}_source": str(conditions["source"].iloc[0]),
        }
    out = pd.DataFrame(evidence, index=measured.index)
    table = pd.DataFrame(answers, index=measured.index)
    low = table[[r for r in table if kinds[str(r)] == "low_efficiency"]]
    # A rule whose quantity nobody measured anywhere in the place is not asked; on one parcel only, it is not known.
    asked = (
        rules[rules["binding"]]
        .groupby("rule")["quantity"]
        .agg(lambda names: all(name in measured and measured[name].notna().any() for name in names))
    )
    deciding = low[[rule for rule in low if asked.get(rule, False)]]
    yes, unknown = deciding == "yes", deciding == "not known"
    exempt = _any(table[[r for r in table if kinds[str(r)] == "exemption"]])
    # Where no rule is asked at all, nothing is known of any parcel: that is no "not candidate".
    silent = (low == "not known").any(axis=1) & deciding.empty
    out["candidate"] = np.select(
        [yes.any(axis=1) & (exempt != "yes"), yes.any(axis=1), unknown.any(axis=1) | silent], CLASSES[:3], CLASSES[3]
    )
    out["reasons"] = _joined(yes)
    out["rules_yes"] = yes.sum(axis=1).astype("float64")
    out["rules_no"] = (deciding == "no").sum(axis=1).astype("float64")
    out["rules_not_known"] = (low == "not known").sum(axis=1).astype("float64")
    for kind in ("idle", "not_supplied"):
        out[kind] = _any(table[[r for r in table if kinds[str(r)] == kind]])
    return out


def _answer(measured: pd.DataFrame, groups: "pd.Series[str]", conditions: pd.DataFrame) -> "pd.Series[Any]":
    """Three-valued and: one no is enough for no, else one not known is enough for not known."""
    held = [
        _OPERATORS[str(sign)](measured[quantity], limit).astype("boolean").mask(measured[quantity].isna())
        if quantity in measured
        else pd.Series(pd.NA, index=measured.index, dtype="boolean")
        for quantity, sign, limit in zip(
            conditions["quantity"], conditions["operator"], conditions["value"], strict=True
        )
    ]
    result = held[0]
    for other in held[1:]:
        result = result & other
    prefix = "" if conditions["binding"].all() else "indicative "
    said = result.map({True: f"{prefix}yes", False: f"{prefix}no"}).astype("object").fillna("not known")
    group = str(conditions["group"].iloc[0])
    if group == "any":
        return said
    of_group = groups.reindex(measured.index)
    return said.mask(of_group.isna(), "not known").mask(of_group.notna() & (of_group != group), "not applicable")


def _said(measured: pd.DataFrame, conditions: pd.DataFrame) -> "pd.Series[Any]":
    """The measured values of a rule as text: what a planner reads beside the threshold."""
    quantities = list(dict.fromkeys(conditions["quantity"]))
    said = pd.Series("", index=measured.index)
    for i, quantity in enumerate(quantities):
        values = measured[quantity] if quantity in measured else pd.Series(np.nan, index=measured.index)
        text = values.round(3).map("{:g}".format, na_action="ignore").astype("object").fillna("?")
        label = "" if len(quantities) == 1 else f"{quantity} = "
        said = said + ("; " if i else "") + label + text
    return said


def _any(table: pd.DataFrame) -> "pd.Series[Any]":
    ranked = ("yes", "indicative yes", "not known", "indicative no")
    said = np.select([(table == answer).any(axis=1) for answer in ranked], ranked, "no")
    return pd.Series(said, index=table.index)


def _joined(yes: pd.DataFrame) -> "pd.Series[Any]":
    said = pd.Series("", index=yes.index)
    for rule in yes:
        said = said + np.where(yes[rule], np.where(said == "", "", ", ") + str(rule), "")
    return said
