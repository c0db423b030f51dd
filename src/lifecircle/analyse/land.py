"""Low-efficiency land: what is measured on each parcel, and what each criterion of an edition says of it.

A rule is one or more conditions that must all hold. Its answer is ``yes``, ``no``, ``not known`` or ``not applicable``
(the rule is for other land): what is not known never becomes a yes or a no. Rules whose value has not been confirmed
answer ``indicative yes`` or ``indicative no`` and decide nothing. How many rules must say yes is a number of the edition.
Idle land and approved-but-unsupplied land are legal states of their own (Order 53 of 2012), shown beside the class and
never part of it.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.analyse._comparing import OPERATORS, TOUCH_M2

CLASSES = ("candidate", "exempt", "not known", "not candidate", "out of scope")


def shares(parcels: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> pd.DataFrame:
    """Which building stands on which parcel, and with how much of its footprint.

    Parameters
    ----------
    parcels, buildings
        Polygons in one projected system in metres.

    Returns
    -------
    DataFrame
        One row a pair that has an area in common (a touching side is none), ordered by building and parcel as they stand in
        their frames: ``building`` and ``parcel`` (their indices), ``area_m2`` in common, ``share`` of the building's own
        area. Where parcels overlap, a building counts on each of them, so its shares may sum to more than 1; see
        `overlaps`. A building on no parcel has no row.

    Notes
    -----
    The area in common is a sum over triangles (Sutherland and Hodgman 1974), worked out on all processors; it agrees with
    that of GEOS to 10⁻⁶ m².

    Examples
    --------
    >>> from shapely import box
    >>> parcels = gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10)], index=["P1", "P2"], crs=4547)
    >>> buildings = gpd.GeoDataFrame(geometry=[box(7, 0, 11, 5)], index=["B1"], crs=4547)
    >>> shares(parcels, buildings).values.tolist()
    [['B1', 'P1', 15.0, 0.75], ['B1', 'P2', 5.0, 0.25]]
    """
    building, parcel, area = _common(buildings.geometry.to_numpy(), parcels.geometry.to_numpy())
    return pd.DataFrame(
        {
            "building": buildings.index.take(building),
            "parcel": parcels.index.take(parcel),
            "area_m2": area,
            "share": area / shapely.area(buildings.geometry.to_numpy())[building],
        }
    )


def overlaps(parcels: gpd.GeoDataFrame, *, least_m2: float = 0.0) -> pd.DataFrame:
    """Pairs of parcels that lie on the same ground by more than `least_m2`.

    Returns
    -------
    DataFrame
        ``parcel`` and ``other`` (indices, the earlier row first), ``overlap_m2`` and ``share_of_smaller``, its share of the
        smaller of the two. A common boundary is no overlap.

    Examples
    --------
    >>> from shapely import box
    >>> parcels = gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10), box(8, 0, 20, 10)], index=["P1", "P2"], crs=4547)
    >>> overlaps(parcels).values.tolist()
    [['P1', 'P2', 20.0, 0.2]]
    """
    plots = parcels.geometry.to_numpy()
    one, other, area = _common(plots, plots, below=True)
    smaller = np.minimum(shapely.area(plots)[one], shapely.area(plots)[other])
    pairs = pd.DataFrame(
        {
            "parcel": parcels.index.take(one),
            "other": parcels.index.take(other),
            "overlap_m2": area,
            "share_of_smaller": area / smaller,
        }
    )
    return pairs[pairs["overlap_m2"] > least_m2].reset_index(drop=True)


def _common(one: Any, other: Any, *, below: bool = False) -> tuple[Any, Any, Any]:
    """Places of the shapes of `one` and `other` with an area in common, and that area; `below` keeps each pair of a set once."""
    from lifecircle.analyse import _sharing

    threads = min(os.cpu_count() or 1, 8)
    tree = shapely.STRtree(other)
    with ThreadPoolExecutor(threads) as pool:
        taken_apart = [pool.submit(_sharing.rings, shapes) for shapes in ((one,) if one is other else (one, other))]
        found = pool.map(lambda at: np.add(tree.query(one[at[0] : at[1]]), [[at[0]], [0]]), _parts(len(one), threads))
        left, right = np.concatenate([np.zeros((2, 0), dtype=np.int64), *found], axis=1)
        keep = left < right if below else slice(None)
        left, right = left[keep], right[keep]
        order = np.lexsort((right, left))
        left, right = left[order], right[order]
        first, second = taken_apart[0].result(), taken_apart[-1].result()
        areas = pool.map(
            lambda at: _sharing.common(left[at[0] : at[1]], right[at[0] : at[1]], first, second),
            _parts(len(left), threads),
        )
        area = np.concatenate([np.zeros(0), *areas])
    kept = area > TOUCH_M2
    return left[kept], right[kept], area[kept]


def _parts(n: int, threads: int) -> list[tuple[int, int]]:
    return list(pairwise(np.linspace(0, n, threads * 4 + 1).astype(int).tolist()))


def standing(
    parcels: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, pairs: pd.DataFrame, *, least_m2: float = 0.0
) -> pd.DataFrame:
    """Where each building stands, and whether that is where its own number says.

    Parameters
    ----------
    pairs
        What `shares` returned for the two.
    least_m2
        On a second parcel a building stands only with more than this: boundaries and walls are rarely drawn as one line.

    Returns
    -------
    DataFrame
        On the buildings' index: ``footprint_m2``; ``parcels``, the number it stands on; ``parcel``, the one that holds most of
        it (of equals the first in the frame), missing where there is none; ``off_parcels_m2``, its footprint on no parcel
        (less than nothing is nought: parcels may overlap); ``parcel_agrees``, yes where the parcel it declares is one it stands
        on, no where it is not, missing where it declares none or one that is not there.

    Examples
    --------
    >>> from shapely import box
    >>> parcels = gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10)], index=["P1"], crs=4547)
    >>> buildings = gpd.GeoDataFrame({"parcel_id": ["P1", None]}, geometry=[box(5, 0, 15, 5), box(50, 0, 51, 1)], crs=4547)
    >>> standing(parcels, buildings, shares(parcels, buildings)).values.tolist()
    [[50.0, 1, 'P1', 25.0, True], [1.0, 0, nan, 1.0, <NA>]]
    """
    out = pd.DataFrame({"footprint_m2": buildings.area}, index=buildings.index)
    groups = pairs.groupby("building", sort=False)
    most = pairs.sort_values("area_m2", ascending=False, kind="stable").drop_duplicates("building")
    counted = pairs[(pairs["area_m2"] > least_m2) | pairs.index.isin(most.index)]
    out["parcels"] = counted.groupby("building", sort=False).size().reindex(out.index, fill_value=0)
    out["parcel"] = most.set_index("building")["parcel"].reindex(out.index).astype("str")
    # Where parcels overlap the sum may exceed the footprint.
    on = groups["area_m2"].sum().reindex(out.index, fill_value=0.0)
    off = (out["footprint_m2"] - on).clip(lower=0.0)
    out["off_parcels_m2"] = off.where(off > TOUCH_M2, 0.0)
    said = buildings["parcel_id"].astype("str") if "parcel_id" in buildings else pd.Series(np.nan, index=out.index)
    there = said.isin(parcels.index)
    found = pd.MultiIndex.from_arrays([pairs["building"], pairs["parcel"]])
    agrees = pd.MultiIndex.from_arrays([out.index, said]).isin(found)
    out["parcel_agrees"] = pd.Series(agrees, index=out.index).astype("boolean").mask(~there)
    return out


def crosswalk(codes: pd.DataFrame, land_use: pd.DataFrame) -> pd.DataFrame:
    """The common group of land-use codes of several editions.

    Parameters
    ----------
    codes
        ``land_use`` and ``land_use_edition``, as the parcels have them.
    land_use
        The table of that name: ``code``, ``edition``, ``group``, ``construction`` (yes, no).

    Returns
    -------
    DataFrame
        On the index of `codes`: ``land_group`` (``industrial``, ``residential``, …); ``construction``, whether the class is
        construction land (nullable boolean); ``land_use_known``, how the code was read: ``yes``, ``no code``, ``no edition``,
        ``unknown code`` or ``ambiguous``. Group and construction are missing where they are not known: a class whose parts
        belong to different groups (10 of 2023 is industry, mining and salt) is ambiguous and never guessed. A code below one that
        is listed belongs to that one, as 10010299 to 100102.

    Examples
    --------
    >>> from lifecircle import standards
    >>> codes = pd.DataFrame({"land_use": ["0601", "0601", "10", "9999", "0601"],
    ...                       "land_use_edition": ["sandiao_2019", "yonghai_2023", "yonghai_2023", "yonghai_2023", None]})
    >>> said = crosswalk(codes, standards.read("land_use"))
    >>> said["land_group"].tolist(), said["land_use_known"].tolist()
    (['industrial', 'transport', nan, nan, nan], ['yes', 'yes', 'ambiguous', 'unknown code', 'no edition'])
    """
    tables = {str(edition): rows.set_index("code") for edition, rows in land_use.groupby("edition")}
    pairs = codes[["land_use_edition", "land_use"]].drop_duplicates()
    read = [_class_of(tables, edition, code) for edition, code in pairs.itertuples(index=False)]
    known = pd.DataFrame(
        read, columns=["land_group", "construction", "land_use_known"], index=pd.MultiIndex.from_frame(pairs)
    )
    out = known.reindex(pd.MultiIndex.from_frame(codes[["land_use_edition", "land_use"]])).set_axis(codes.index)
    return out.astype({"land_group": "str", "construction": "boolean", "land_use_known": "str"})


def _class_of(tables: dict[str, pd.DataFrame], edition: Any, code: Any) -> tuple[Any, Any, str]:
    if pd.isna(code):
        return None, None, "no code"
    if pd.isna(edition) or edition not in tables:
        return None, None, "no edition"
    table = tables[edition]
    listed = next((code[:n] for n in range(len(code), 1, -1) if code[:n] in table.index), None)
    if listed is None:
        return None, None, "unknown code"
    # A class whose parts belong to different groups says nothing of a parcel, nor does an unlisted code below such a class.
    below, fresh = table.index == listed, table["parent"].eq(listed)
    while (fresh & ~below).any():
        below = below | fresh
        fresh = table["parent"].isin(table.index[below])
    groups, construction = table["group"][below].unique(), table["construction"][below].unique()
    return (
        groups[0] if len(groups) == 1 else None,
        construction[0] == "yes" if len(construction) == 1 else None,
        "yes" if len(groups) == 1 else "ambiguous",
    )


def idle_months(usage: pd.DataFrame, *, of: "pd.Series[Any]", index: "pd.Index[Any]") -> pd.DataFrame:
    """For how long the meters of each object have stood still.

    Parameters
    ----------
    usage
        The canonical table: ``of_id``, ``period``, ``quantity``. A period is a month (2025-03, 202503, 2025年3月, or a day in it)
        or a year; a year without use is twelve still months, one with use counts as used throughout.
    of
        On the index of `usage`: which object of `index` each reading belongs to, missing where to none.

    Returns
    -------
    DataFrame
        On `index`, missing without readings: ``metered`` (1, else 0), ``months_without_use``, the still months up to the last
        one read without a break, and ``months_without_use_most``, the most it can be: infinite where the record begins,
        breaks off or holds an unreadable quantity before any use is seen. ``use_until`` is the last month read (its first
        day), ``use_periods_unread`` how many readings name no month.

    Examples
    --------
    >>> usage = pd.DataFrame({"period": ["2025-01", "2025-02", "2025-03", "2025-03"], "quantity": [4.0, 0.0, 0.0, 0.0]})
    >>> of = pd.Series(["a", "a", "a", "b"])
    >>> idle_months(usage, of=of, index=pd.Index(["a", "b", "c"]))[["months_without_use", "months_without_use_most"]].values.tolist()
    [[2.0, 2.0], [1.0, inf], [nan, nan]]
    """
    columns = ["metered", "months_without_use", "months_without_use_most", "use_periods_unread"]
    out = pd.DataFrame(np.nan, index=index, columns=columns)
    rows = pd.DataFrame(
        {"at": index.get_indexer(pd.Index(of)), "quantity": usage["quantity"].to_numpy()}, index=usage.index
    )
    text = usage["period"].astype("str").str.strip()
    parts = text.str.extract(r"^(\d{4})(?:[-/.年]?(0?[1-9]|1[0-2])(?:[-/.月]\d{0,2}日?)?)?年?$").astype("float64")
    year, month = parts[0], parts[1]
    first = year * 12 + month.fillna(1.0) - 1
    rows["first"], rows["months"] = first, np.where(month.isna(), 12, 1)
    rows = rows[rows["at"] >= 0]
    out["metered"] = pd.Series(index.isin(of.dropna()), index=index).astype("float64")
    unread = rows["first"].isna()
    out["use_periods_unread"] = rows[unread].groupby("at").size().reindex(range(len(index)), fill_value=0).to_numpy()
    out["use_until"] = pd.Series(pd.NaT, index=index, dtype="datetime64[s]")
    rows = rows[~unread]
    if rows.empty:
        return out
    rows = rows.loc[rows.index.repeat(rows["months"])].assign(
        month=lambda r: (r["first"] + r.groupby(level=0).cumcount()).astype("int64")
    )
    start, end = rows["month"].min(), rows["month"].max()
    # 1 still, 0 used, −1 not known; use on any meter is use, and what one of them hides is not known.
    state = np.full((len(index), end - start + 1), -1, dtype=np.int8)
    met = rows.groupby(["at", "month"])["quantity"].agg(["sum", "count", "size"])
    still = np.where(met["sum"] > 0, 0, np.where(met["count"] == met["size"], 1, -1))
    at, column = met.index.get_level_values(0).to_numpy(), met.index.get_level_values(1).to_numpy() - start
    state[at, column] = still
    last = np.full(len(index), -1)
    np.maximum.at(last, at, column)
    run, going, stopped = np.zeros(len(index)), last >= 0, np.zeros(len(index), dtype=bool)
    for back in range(state.shape[1]):
        now = np.where(going & (last >= back), state[np.arange(len(index)), np.maximum(last - back, 0)], -1)
        run += going & (now == 1)
        stopped |= going & (now == 0)
        going &= now == 1
    run[last < 0] = np.nan
    out["months_without_use"] = run
    out["months_without_use_most"] = np.where(stopped | np.isnan(run), run, np.inf)
    known = (last + start - 1970 * 12).astype("datetime64[M]").astype("datetime64[s]")
    out["use_until"] = pd.Series(known, index=index).where(last >= 0)
    return out


def measures(
    parcels: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame | None,
    *,
    as_of: date,
    mu_m2: float,
    area_difference_share: float,
    usage: pd.DataFrame | None = None,
    industries: pd.DataFrame | None = None,
    pairs: pd.DataFrame | None = None,
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
        Declared and drawn area, and declared and built floor area, that differ by more than this share are flagged.
    usage
        The canonical table of meter readings; those of a building count for the parcel that holds most of it.
    industries
        What lists say of an industry: ``industry``, ``list`` (``phased_out``, ``strategic`` or empty) and ``norm_far``.
        Where a list names any industry, those it does not name are not on it; without one nothing is known.
    pairs
        What `shares` returned, where the caller has it already.

    Returns
    -------
    DataFrame
        On the parcels' index, NaN where not known:

        - ``drawn_area_m2``, ``area_m2`` (declared, else drawn), ``area_differs`` (nullable boolean)
        - ``built_floor_area_m2``, ``footprint_m2``: of the buildings on the parcel, a building across a boundary shared
          out by footprint area; floor area is NaN as soon as one building's is not known. ``buildings``: how many stand on it
        - ``far`` (declared, else declared floor area ÷ area, else built floor area ÷ area), ``far_declared`` (the first
          two) and ``far_built``; ``far_difference``: built less declared; ``far_differs`` (nullable boolean)
        - ``building_coverage``: footprint ÷ area
        - ``tax_per_mu_yuan``, ``output_per_mu_yuan``; ``tax_share_of_industry``: tax per mu ÷ that of all parcels of
          the same industry whose tax is known (their tax ÷ their area), NaN where it is the only one, since a parcel says
          nothing against itself; ``output_share_of_industry`` likewise
        - ``built_year``: declared, else the newest of the buildings that state one; ``built_year_most``: the same, infinite where
          one of them states none, since it may be newer
        - ``dangerous``: 1 where a building of class C or D (JGJ 125) stands on the parcel, 0 where every building's
          class is known and none is (or no building stands there); ``dangerous_share``: their share of footprint
        - ``vacant_share``: share of footprint in buildings said to be vacant
        - ``metered``, ``months_without_use`` and more, see `idle_months`, where `usage` is given
        - ``phased_out``, ``strategic`` (1, 0) and ``industry_norm_far``, where `industries` is given
        - ``invested_share``, ``developed_share``, ``started`` (1, 0; of no parcel known where none at all has a date of start or
          stop: nobody kept them), ``days_past_start_due``, ``stopped_days``, ``days_since_approval`` (approved and no supply date)

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
    if pairs is None and buildings is not None:
        pairs = shares(parcels, buildings)
    out = pd.DataFrame(index=parcels.index)
    out["drawn_area_m2"] = parcels.area
    declared = parcels["site_area_m2"]
    out["area_m2"] = declared.where(declared > 0, out["drawn_area_m2"])
    out["area_differs"] = _differs(declared, out["drawn_area_m2"], area_difference_share)
    out = out.join(_on_parcels(parcels, buildings, pairs))
    out["far_built"] = out["built_floor_area_m2"] / out["area_m2"]
    out["far_declared"] = parcels["far"].fillna(parcels["floor_area_m2"] / out["area_m2"])
    out["far_difference"] = out["far_built"] - out["far_declared"]
    out["far_differs"] = _differs(out["far_declared"], out["far_built"], area_difference_share)
    out["far"] = out["far_declared"].fillna(out["far_built"])
    out["building_coverage"] = out["footprint_m2"] / out["area_m2"]
    mu = out["area_m2"] / mu_m2
    for what in ("tax", "output"):
        money, per_mu = parcels[f"{what}_yuan"], f"{what}_per_mu_yuan"
        out[per_mu] = money / mu
        out[f"{what}_share_of_industry"] = out[per_mu] / _mean_of_industry(money, mu, parcels["industry"])
    out["built_year"] = parcels["built_year"].fillna(out.pop("newest_year"))
    newer = out.pop("year_unknown").eq(1.0) & parcels["built_year"].isna() & out["built_year"].notna()
    out["built_year_most"] = out["built_year"].mask(newer, np.inf)
    if industries is not None:
        out = out.join(_listed(parcels["industry"], industries))
    if usage is not None:
        out = out.join(idle_months(usage, of=_metered(parcels, usage, pairs), index=parcels.index))
    out["invested_share"] = parcels["invested_share"]
    out["developed_share"] = parcels["developed_share"]
    out["days_past_start_due"] = _days(parcels["start_due_date"], as_of)
    out["stopped_days"] = _days(parcels["stopped_since"], as_of)
    # No start date says nothing by itself; beside a start due date it is the register's way of saying "not started". A date
    # after `as_of` is a plan.
    done = {name: parcels[name] <= pd.Timestamp(as_of) for name in ("started_date", "stopped_since", "supply_date")}
    started = done["started_date"] | done["stopped_since"]
    kept = bool(parcels[["started_date", "stopped_since"]].notna().any(axis=None))
    dated = parcels[["start_due_date", "started_date"]].notna().any(axis=1) & kept
    out["started"] = started.astype("float64").where(started | dated)
    out["days_since_approval"] = _days(parcels["approved_date"], as_of).where(~done["supply_date"])
    return out


def _differs(declared: "pd.Series[float]", found: "pd.Series[float]", share: float) -> "pd.Series[Any]":
    differs = (declared - found).abs() > share * found
    return differs.astype("boolean").mask(declared.isna() | found.isna())


def _days(dates: "pd.Series[Any]", as_of: date) -> "pd.Series[float]":
    days: pd.Series[float] = (pd.Timestamp(as_of) - dates).dt.days.astype("float64")
    return days


def _mean_of_industry(money: "pd.Series[float]", mu: "pd.Series[float]", industry: "pd.Series[str]") -> Any:
    """Yuan a mu of all parcels of the same industry whose sum is known; NaN where that is one parcel."""
    known = money.notna()
    groups = pd.DataFrame({"money": money, "mu": mu})[known].groupby(industry[known])
    sums = groups.sum()
    mean = (sums["money"] / sums["mu"]).where((sums["money"] > 0) & (groups.size() > 1))
    return industry.map(mean).astype("float64")


def _listed(industry: "pd.Series[str]", industries: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame(index=industry.index)
    for name in ("phased_out", "strategic"):
        named = industries["industry"][industries["list"] == name]
        answer = industry.isin(named).astype("float64").where(industry.notna())
        out[name] = answer if len(named) else np.nan
    norms = industries.dropna(subset=["norm_far"]).drop_duplicates("industry").set_index("industry")["norm_far"]
    out["industry_norm_far"] = industry.map(norms).astype("float64")
    return out


def _metered(parcels: gpd.GeoDataFrame, usage: pd.DataFrame, pairs: pd.DataFrame | None) -> "pd.Series[Any]":
    """The parcel of each reading: its own, or the one that holds most of its building."""
    ids = usage["of_id"].astype("object")
    of = ids.where((usage["of_table"] == "parcels") & ids.isin(parcels.index))
    if pairs is None:
        return of
    most = pairs.sort_values("area_m2", ascending=False, kind="stable").drop_duplicates("building")
    on = ids.map(most.set_index("building")["parcel"].astype("object"))
    return of.where(usage["of_table"] != "buildings", on)


def _on_parcels(
    parcels: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame | None, pairs: pd.DataFrame | None
) -> pd.DataFrame:
    columns = [
        "buildings",
        "built_floor_area_m2",
        "footprint_m2",
        "dangerous",
        "dangerous_share",
        "vacant_share",
        "newest_year",
        "year_unknown",
    ]
    if buildings is None or pairs is None:
        return pd.DataFrame(np.nan, index=parcels.index, columns=columns)
    area, share = pairs["area_m2"].to_numpy(), pairs["share"].to_numpy()
    of = buildings.iloc[buildings.index.get_indexer(pd.Index(pairs["building"]))]
    danger, vacant = of["danger_class"], of["vacant"].astype("float64")
    parts = pd.DataFrame(
        {
            "parcel": parcels.index.get_indexer(pd.Index(pairs["parcel"])),
            "footprint_m2": area,
            "built_floor_area_m2": share * of["floor_area_m2"].to_numpy(),
            "bad": np.where(danger.isin(["C", "D"]), area, 0.0),
            "classed": np.where(danger.notna(), area, 0.0),
            "vacant": np.where(vacant == 1, area, 0.0),
            "watched": np.where(vacant.notna(), area, 0.0),
            "floor_known": of["floor_area_m2"].notna().to_numpy(),
            "newest_year": of["built_year"].to_numpy(),
            "year_unknown": of["built_year"].isna().to_numpy(),
        }
    )
    groups = parts.groupby("parcel")
    sums = (
        groups.sum()
        .drop(columns=["floor_known", "newest_year", "year_unknown"])
        .reindex(range(len(parcels)), fill_value=0.0)
    )
    out = pd.DataFrame({"footprint_m2": sums["footprint_m2"]})
    out["buildings"] = groups.size().reindex(out.index, fill_value=0).astype("float64")
    all_known = groups["floor_known"].all().reindex(out.index, fill_value=True)
    out["built_floor_area_m2"] = sums["built_floor_area_m2"].where(all_known)
    some, all_classed = sums["footprint_m2"] > 0, np.isclose(sums["classed"], sums["footprint_m2"])
    out["dangerous"] = (sums["bad"] > 0).astype("float64").where((sums["bad"] > 0) | all_classed)
    out["dangerous_share"] = (sums["bad"] / sums["footprint_m2"]).where(some & all_classed)
    all_watched = np.isclose(sums["watched"], sums["footprint_m2"])
    out["vacant_share"] = (sums["vacant"] / sums["footprint_m2"]).where(some & all_watched)
    out["newest_year"] = groups["newest_year"].max().reindex(out.index)
    out["year_unknown"] = groups["year_unknown"].any().reindex(out.index, fill_value=False).astype("float64")
    out.index = parcels.index
    return out[columns]


def underused(
    measured: pd.DataFrame,
    groups: "pd.Series[str]",
    rules: pd.DataFrame,
    *,
    needed: int = 1,
    scope: "pd.Series[Any] | None" = None,
) -> pd.DataFrame:
    """What each rule says of each parcel, and the class that follows.

    Parameters
    ----------
    measured
        What `measures` returned. A column ``<quantity>_most`` beside a quantity is the most it can be.
    groups
        The land-use group of each parcel (``industrial``, ``residential``, …), missing where the code is not known.
    rules
        One row for each condition: ``rule``, ``class`` (``low_efficiency``, ``idle``, ``not_supplied`` or
        ``exemption``), ``group`` (a land-use group, or ``any``), ``quantity`` (a column of `measured`, or one that
        nobody measured), ``operator``, ``value`` (NaN where the text gives none: never known), ``source``, ``mark`` (where
        there is one) and ``binding`` (whether it may decide). Rows of one rule must hold together.
    needed
        How many low-efficiency rules must say yes: 1 where the edition asks for any one.
    scope
        Whether the parcel is land of which the edition speaks (nullable boolean); where it is not, the class is ``out of
        scope``. Missing says nothing.

    Returns
    -------
    DataFrame
        On the parcels' index. For every rule R: ``R`` (yes, no, not known, not applicable, indicative yes, indicative
        no), ``R_value``, ``R_threshold``, ``R_source``, ``R_mark``. Then:

        - ``candidate``: ``candidate`` where enough low-efficiency rules say yes and no exemption does, ``exempt`` where
          one does, ``not known`` where those that say yes are too few and those that can be answered elsewhere in the
          place but not here could make them enough, or where no rule for this land is answered and one is not known,
          ``out of scope``, else ``not candidate``
        - ``reasons``: the rules that say yes; ``rules_yes``, ``rules_no``, ``rules_not_known``: how many do (float64;
          the last counts every rule for this land, also those the place has no data for)
        - ``exemption``, ``idle`` and ``not_supplied``: yes, no, not known, indicative yes or indicative no
        - ``criteria_known_share``: of the low-efficiency rules that may decide on this land, the share that is answered;
          missing where none is for this land. It says how far the class rests on data and never changes it.

    Examples
    --------
    >>> rules = pd.DataFrame({"rule": ["L1"], "class": ["low_efficiency"], "group": ["industrial"], "quantity": ["far"],
    ...                       "operator": ["<"], "value": [1.0], "source": ["somewhere"], "binding": [True]})
    >>> measured = pd.DataFrame({"far": [0.4, 1.2, np.nan]}, index=["a", "b", "c"])
    >>> use = pd.Series("industrial", index=measured.index)
    >>> underused(measured, use, rules)["candidate"].tolist()
    ['candidate', 'not candidate', 'not known']
    """
    answers = _answers(measured, groups, rules)
    told: dict[str, Any] = {}
    for rule, conditions in rules.groupby("rule", sort=False):
        name = str(rule)
        told |= {
            name: answers[name],
            f"{name}_value": _said(measured, conditions),
            f"{name}_threshold": threshold(conditions),
            f"{name}_source": str(conditions["source"].iloc[0]),
        }
        if "mark" in conditions:
            told[f"{name}_mark"] = str(conditions["mark"].iloc[0])
    return pd.DataFrame(told, index=measured.index).join(_classed(measured, answers, rules, needed, scope))


def classes(
    measured: pd.DataFrame,
    groups: "pd.Series[str]",
    rules: pd.DataFrame,
    *,
    needed: int = 1,
    scope: "pd.Series[Any] | None" = None,
) -> pd.DataFrame:
    """As `underused`, without the columns of each rule: enough to compare editions.

    >>> rules = pd.DataFrame({"rule": ["L1"], "class": ["low_efficiency"], "group": ["any"], "quantity": ["far"],
    ...                       "operator": ["<"], "value": [1.0], "source": ["somewhere"], "binding": [True]})
    >>> classes(pd.DataFrame({"far": [0.4, 1.2]}), pd.Series(["any", "any"]), rules)["candidate"].tolist()
    ['candidate', 'not candidate']
    """
    return _classed(measured, _answers(measured, groups, rules), rules, needed, scope)


def _classed(
    measured: pd.DataFrame, answers: pd.DataFrame, rules: pd.DataFrame, needed: int, scope: "pd.Series[Any] | None"
) -> pd.DataFrame:
    kinds = rules.groupby("rule", sort=False)["class"].first()
    out = pd.DataFrame(index=measured.index)
    low = answers[kinds.index[kinds == "low_efficiency"]]
    deciding = low[_asked(measured, rules)]
    yes = deciding == "yes"
    exempt = _any(answers[kinds.index[kinds == "exemption"]])
    # A parcel none of whose rules is answered is not cleared because other land could be judged.
    silent = (low == "not known").any(axis=1) & ~deciding.isin(["yes", "no"]).any(axis=1)
    counted = yes.sum(axis=1)
    maybe = counted + (deciding == "not known").sum(axis=1) >= needed
    enough = counted >= needed
    outside = scope.reindex(measured.index).eq(False).fillna(False) if scope is not None else False
    out["candidate"] = np.select(
        [outside, enough & (exempt != "yes"), enough, maybe | silent], ["out of scope", *CLASSES[:3]], CLASSES[3]
    )
    out["reasons"] = _joined(yes)
    out["rules_yes"] = counted.astype("float64")
    out["rules_no"] = (deciding == "no").sum(axis=1).astype("float64")
    out["rules_not_known"] = (low == "not known").sum(axis=1).astype("float64")
    out["exemption"] = exempt
    for kind in ("idle", "not_supplied"):
        out[kind] = _any(answers[kinds.index[kinds == kind]])
    unconfirmed = set(rules["rule"][~rules["binding"]])
    may = low[[rule for rule in low if rule not in unconfirmed]]
    applicable = (may != "not applicable").sum(axis=1)
    out["criteria_known_share"] = may.isin(["yes", "no"]).sum(axis=1) / applicable.where(applicable > 0)
    return out


def threshold(conditions: pd.DataFrame) -> str:
    """The conditions of one rule in a line, as `underused` prints them.

    >>> threshold(pd.DataFrame({"quantity": ["far"], "operator": ["<"], "value": [1.0]}))
    'far < 1'
    """
    limits = _texts(conditions["value"], 4)
    return " ∧ ".join(conditions["quantity"] + " " + conditions["operator"] + " " + limits)


def evidence(said: pd.DataFrame, rules: pd.DataFrame) -> pd.DataFrame:
    """What `underused` said, one row a parcel and a criterion for its land, so that it can be read down the page.

    Returns
    -------
    DataFrame
        ``parcel_id``, ``rule``, ``answer``, ``value``, ``threshold``, ``source``, ``mark``; parcels in the order of `said`, rules
        in that of `rules`. Rules that are for other land have no row.

    Examples
    --------
    >>> rules = pd.DataFrame({"rule": ["L1"], "class": ["low_efficiency"], "group": ["any"], "quantity": ["far"],
    ...                       "operator": ["<"], "value": [1.0], "source": ["somewhere"], "binding": [True]})
    >>> said = underused(pd.DataFrame({"far": [0.4]}, index=["P1"]), pd.Series(["any"], index=["P1"]), rules)
    >>> evidence(said, rules).values.tolist()
    [['P1', 'L1', 'yes', '0.4', 'far < 1', 'somewhere']]
    """
    names = [str(rule) for rule in rules["rule"].unique()]
    parts = [
        pd.DataFrame(
            {
                "parcel_id": said.index.astype("str"),
                "rule": rule,
                "answer": said[rule].to_numpy(),
                **{
                    what: said[f"{rule}_{what}"].to_numpy()
                    for what in ("value", "threshold", "source", "mark")
                    if f"{rule}_{what}" in said
                },
            }
        )
        for rule in names
    ]
    long = pd.concat(parts, ignore_index=True)
    place = np.tile(np.arange(len(said)), len(names))
    long = long.iloc[np.argsort(place, kind="stable")]
    return long[long["answer"] != "not applicable"].reset_index(drop=True)


def sensitivity(
    measured: pd.DataFrame,
    groups: "pd.Series[str]",
    rules: pd.DataFrame,
    *,
    as_of: date,
    step_share: float,
    needed: int = 1,
    scope: "pd.Series[Any] | None" = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How the list of candidates changes when one number moves, or one criterion is left out.

    Parameters
    ----------
    measured, groups, rules, needed, scope
        As `underused` takes them.
    as_of
        A calendar year is moved by its age: of 2000 and 25 years, 10 % is two and a half years either way.
    step_share
        By what share of itself each threshold is moved, down and up. Rules of yes or no (unit ``count``) have nothing to move.

    Returns
    -------
    cases
        One row a case: ``rule``, ``quantity`` (missing where the rule is left out), ``change`` (``as it stands``, ``lower``,
        ``higher``, ``left out``), ``value`` used, ``candidates`` and ``candidates_m2``, and against the list as it stands
        ``added`` and ``removed``.
    parcels
        On the parcels' index: ``standing``, ``always in`` (in the list in every case), ``by one criterion`` (no threshold
        moves it, but it falls out where one rule is left out), ``on one number`` (one threshold alone moves it in or out), ``on several
        numbers``, ``out``; ``hangs_on``, those thresholds, as ``L1 far``; ``cases_in_share``, the share of cases in which it is in the list.

    Examples
    --------
    >>> rules = pd.DataFrame({"rule": ["L1", "L6"], "class": "low_efficiency", "group": "any", "quantity": ["far", "dangerous"],
    ...                       "operator": ["<", ">="], "value": 1.0, "unit": ["ratio", "count"], "source": "somewhere", "binding": True})
    >>> measured = pd.DataFrame({"area_m2": 1.0, "far": [0.4, 0.95, 0.5, 1.05, 2], "dangerous": [1, 0, 0, 0, 0.0]}, index=list("abcde"))
    >>> cases, parcels = sensitivity(measured, pd.Series("any", index=measured.index), rules, as_of=date(2025, 1, 1), step_share=0.1)
    >>> cases[["rule", "change", "candidates"]].values.tolist()[:3]
    [[nan, 'as it stands', 3], ['L1', 'lower', 2], ['L1', 'higher', 4]]
    >>> parcels["standing"].tolist()
    ['always in', 'on one number', 'by one criterion', 'on one number', 'out']
    """
    kinds = rules.groupby("rule", sort=False)["class"].first()
    asked, unconfirmed = (
        _asked(measured, rules),
        set(rules["rule"][~rules["binding"] | ~rules["quantity"].isin(measured)]),
    )
    free = [str(rule) for rule, kind in kinds.items() if kind == "exemption" and rule not in unconfirmed]
    low = [str(rule) for rule in kinds.index if rule in asked]
    judging = [*low, *free]
    rules = rules[rules["rule"].isin(judging)]
    yes = _answers(measured, groups, rules) == "yes"
    inside = ~scope.reindex(measured.index).eq(False).fillna(False).to_numpy(dtype=bool) if scope is not None else True
    counts = yes[low].sum(axis=1).to_numpy()
    freed = yes[free].sum(axis=1).to_numpy()

    def listed(rule: str, now: Any) -> Any:
        """Who is in the list where `rule` says `now` instead."""
        change = now.astype(int) - yes[rule].to_numpy().astype(int)
        met, out_of = (counts + change, freed) if rule in low else (counts, freed + change)
        return (met >= needed) & (out_of == 0) & inside

    base = (counts >= needed) & (freed == 0) & inside
    rows: list[dict[str, Any]] = [{"rule": None, "quantity": None, "change": "as it stands", "value": np.nan}]
    lists = [base]
    columns = ("rule", "quantity", "value", "unit")
    for place, (name, quantity, value, unit) in enumerate(zip(*(rules[c] for c in columns), strict=True)):
        if unit == "count" or pd.isna(value):
            continue
        rule = str(name)
        same = rules["rule"] == rule
        # A calendar year stands for an age.
        step = step_share * (as_of.year - value if unit == "year" else value)
        for moved, change in ((value - step, "lower"), (value + step, "higher")):
            limits = rules["value"].to_numpy(dtype=np.float64, copy=True)
            limits[place] = moved
            now = _answers(measured, groups, rules.assign(value=limits)[same])[rule] == "yes"
            rows.append({"rule": rule, "quantity": quantity, "change": change, "value": moved})
            lists.append(listed(rule, now.to_numpy()))
    for rule in judging:
        rows.append({"rule": rule, "quantity": None, "change": "left out", "value": np.nan})
        lists.append(listed(rule, np.zeros(len(measured), dtype=bool)))
    cases = pd.DataFrame(rows).astype({"rule": "str", "quantity": "str"})
    every = np.array(lists)
    cases["candidates"] = every.sum(axis=1)
    cases["candidates_m2"] = every @ measured["area_m2"].to_numpy()
    cases["added"] = (every & ~base).sum(axis=1)
    cases["removed"] = (~every & base).sum(axis=1)
    return cases, _hanging(cases, every, measured.index)


def _hanging(cases: pd.DataFrame, every: Any, index: "pd.Index[Any]") -> pd.DataFrame:
    """What each parcel's place in the list rests on."""
    base = every[0]
    numbers = cases["change"].isin(["lower", "higher"]).to_numpy()
    named = (cases["rule"] + " " + cases["quantity"]).where(numbers)
    hangs, count = pd.Series("", index=index), np.zeros(len(index), dtype=int)
    for name in named.dropna().unique():
        moves = (every[(named == name).to_numpy()] != base).any(axis=0)
        hangs = hangs + np.where(moves, np.where(hangs == "", "", ", ") + name, "")
        count += moves
    said = np.select(
        [every.all(axis=0), count == 1, count > 1, base],
        ["always in", "on one number", "on several numbers", "by one criterion"],
        "out",
    )
    return pd.DataFrame({"standing": said, "hangs_on": hangs, "cases_in_share": every.mean(axis=0)}, index=index)


def _asked(measured: pd.DataFrame, rules: pd.DataFrame) -> list[str]:
    """The low-efficiency rules that decide: a rule whose quantity nobody measured anywhere in the place is not asked."""
    able = rules[rules["binding"] & (rules["class"] == "low_efficiency")]
    known = able["quantity"].isin(measured.columns[measured.notna().any()])
    every = (known & able["value"].notna()).groupby(able["rule"], sort=False).all()
    return [str(rule) for rule, there in every.items() if there]


def _answers(measured: pd.DataFrame, groups: "pd.Series[str]", rules: pd.DataFrame) -> pd.DataFrame:
    found = {str(rule): _answer(measured, groups, rows) for rule, rows in rules.groupby("rule", sort=False)}
    return pd.DataFrame(found, index=measured.index, dtype=object)


def _answer(measured: pd.DataFrame, groups: "pd.Series[str]", conditions: pd.DataFrame) -> Any:
    """Three-valued and: one no is enough for no, else one not known is enough for not known."""
    columns = (conditions[c] for c in ("quantity", "operator", "value"))
    held = [_holds(measured, quantity, sign, limit) for quantity, sign, limit in zip(*columns, strict=True)]
    # −1 no, 0 not known, 1 yes: the least of them is the answer
    words = (
        ("no", "not known", "yes") if conditions["binding"].all() else ("indicative no", "not known", "indicative yes")
    )
    said = np.array(words, dtype=object)[np.minimum.reduce(held) + 1]
    group = str(conditions["group"].iloc[0])
    if group == "any":
        return said
    of_group = groups.reindex(measured.index)
    unknown = of_group.isna().to_numpy()
    other = (of_group != group).fillna(False).to_numpy(dtype=bool) & ~unknown
    return np.where(unknown, "not known", np.where(other, "not applicable", said))


def _holds(measured: pd.DataFrame, quantity: str, sign: str, limit: float) -> Any:
    """1 where the quantity meets the limit, −1 where not, 0 where it is missing or its least and its most disagree."""
    if quantity not in measured or pd.isna(limit):
        return np.zeros(len(measured), dtype=np.int8)
    least = measured[quantity].to_numpy(dtype=np.float64, na_value=np.nan)
    meets = OPERATORS[sign](least, limit)
    known = ~np.isnan(least)
    if f"{quantity}_most" in measured:
        most = measured[f"{quantity}_most"].to_numpy(dtype=np.float64, na_value=np.nan)
        known &= OPERATORS[sign](most, limit) == meets
    return np.where(known, np.where(meets, 1, -1), 0).astype(np.int8)


def _said(measured: pd.DataFrame, conditions: pd.DataFrame) -> "pd.Series[Any]":
    """The measured values of a rule as text: what a planner reads beside the threshold."""
    quantities = list(dict.fromkeys(conditions["quantity"]))
    # A bare 1 or 0 says nothing: what is counted as yes or no is named.
    named = len(quantities) > 1 or ("unit" in conditions and conditions["unit"].eq("count").all())
    said = pd.Series("", index=measured.index)
    for i, quantity in enumerate(quantities):
        values = measured[quantity] if quantity in measured else pd.Series(np.nan, index=measured.index)
        text = _texts(values, 3)
        if f"{quantity}_most" in measured:
            text = text.mask(measured[f"{quantity}_most"] > values, "≥ " + text)
        label = f"{quantity} = " if named else ""
        said = said + ("; " if i else "") + (label + text).str.replace(" = ≥ ", " ≥ ", regex=False)
    return said


def _texts(numbers: "pd.Series[Any]", digits: int) -> "pd.Series[Any]":
    """Numbers as a person writes them, rounded and without powers of ten; what is missing is a question mark."""
    return numbers.round(digits).map("{:.15g}".format, na_action="ignore").astype("object").fillna("?")


def _any(table: pd.DataFrame) -> "pd.Series[Any]":
    ranked = ("yes", "indicative yes", "not known", "indicative no")
    said = np.select([(table == answer).any(axis=1) for answer in ranked], ranked, "no")
    return pd.Series(said, index=table.index)


def _joined(yes: pd.DataFrame) -> "pd.Series[Any]":
    said = pd.Series("", index=yes.index)
    for rule in yes:
        said = said + np.where(yes[rule], np.where(said == "", "", ", ") + str(rule), "")
    return said
