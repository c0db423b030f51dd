"""Which residents reach which facilities: on foot in minutes, by the standard's metres, and drawn straight.

Three methods stand side by side and are never mixed: ``minutes`` (the walker's 5, 10 and 15 minutes), ``metres`` (the
service radius of the standard, measured along the network) and ``straight`` (the same radius as the crow flies, which is how
official figures are drawn). Tiers do not stand in for one another: a facility of the 15-minute tier says nothing about the
5-minute tier (GB 50180-2018, explanation of the four levels).

A home that is not joined to the network has *no* answer in minutes or metres. It counts neither as reached nor as left out,
but as not known. The straight line asks no network and knows an answer for such a home too.
"""

from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.errors import CrsError, SchemaError

Method = Literal["minutes", "metres", "straight"]
METHODS: tuple[Method, ...] = ("minutes", "metres", "straight")


def weight(homes: pd.DataFrame) -> "pd.Series[float]":
    """What a home counts for: its residents, or its dwellings where no home's residents are known.

    Returns
    -------
    Series
        float64 on the index of `homes`, named ``residents`` or ``dwellings``. A home whose residents are missing while
        others' are known stays NaN; where dwellings are missing too, each home counts as one dwelling.

    Examples
    --------
    >>> homes = pd.DataFrame({"residents": [3.0, None], "dwellings": [1.0, 2.0]}, index=["a", "b"])
    >>> weight(homes).tolist()
    [3.0, nan]
    >>> weight(homes.assign(residents=np.nan)).name
    'dwellings'
    """
    if homes["residents"].notna().any():
        return homes["residents"].astype("float64").rename("residents")
    return homes["dwellings"].astype("float64").fillna(1.0).rename("dwellings")


def counting_parts(minutes: pd.DataFrame, part_of: "pd.Series[str]") -> pd.DataFrame:
    """Minutes in which a kind is also reached through the kinds the standard names as part of it; straight metres likewise.

    Parameters
    ----------
    minutes
        homes × kinds, walking minutes or straight metres (float64), NaN where there is no way.
    part_of
        Kind → the kind it counts as (a pharmacy and a supermarket are 社区商业网点 in GB 50180-2018); kinds without a
        column in `minutes` are passed over.

    Returns
    -------
    DataFrame
        The same homes; every kind of `minutes` as it was and, for each whole, the shortest of its own and its parts'.

    Examples
    --------
    >>> minutes = pd.DataFrame({"pharmacy": [3.0], "supermarket": [8.0]}, index=["h"])
    >>> whole = pd.Series({"pharmacy": "community_shop", "supermarket": "community_shop"})
    >>> float(counting_parts(minutes, whole).loc["h", "community_shop"])
    3.0
    """
    out = minutes.copy()
    for whole, parts in part_of.groupby(part_of):
        present = [kind for kind in (whole, *parts.index) if kind in minutes]
        if present:
            out[whole] = minutes[present].min(axis=1)
    return out


def straight(
    homes: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, *, entrances: gpd.GeoDataFrame | None = None
) -> pd.DataFrame:
    """Straight metres from every home to the nearest facility of every kind.

    A facility that has entrances is reached at the nearest of them, never at its own point, as on foot (see
    `lifecircle.network.nearest`); entrances of other tables and of unknown facilities are ignored.

    Parameters
    ----------
    homes, facilities, entrances
        Canonical points in one projected system in metres; facilities have a ``kind``.

    Returns
    -------
    DataFrame
        On the index of `homes`, one float64 column a kind in sorted order; NaN only where the home has no point or no
        facility of the kind has one. A kind without any facility in the table has no column.

    Raises
    ------
    CrsError
        Where facilities or entrances are in another system than the homes.
    SchemaError
        Where a facility has no kind.

    Examples
    --------
    >>> from shapely import Point
    >>> homes = gpd.GeoDataFrame(geometry=[Point(0, 0)], index=["h"], crs=4547)
    >>> clinics = gpd.GeoDataFrame({"kind": ["clinic"] * 2}, geometry=[Point(300, 400), Point(0, 900)], crs=4547)
    >>> float(straight(homes, clinics).loc["h", "clinic"])
    500.0
    """
    for name, frame in {"facilities": facilities, "entrances": entrances}.items():
        if frame is not None and frame.crs != homes.crs:
            theirs, ours = ("no system" if crs is None else crs.name for crs in (frame.crs, homes.crs))
            raise CrsError(f"{name} are in {theirs}, the homes in {ours}.")
    kind = facilities["kind"].astype("str")
    if kind.isna().any():
        missing = facilities.index[kind.isna()]
        raise SchemaError("facilities", [f"column kind: {len(missing)} missing (row {missing[0]})"])
    doors, of = facilities.geometry.to_numpy(), np.arange(len(facilities))
    if entrances is not None and len(entrances):
        mine = entrances[(entrances["of_table"] == "facilities").to_numpy(bool, na_value=False)]
        owner = facilities.index.get_indexer(pd.Index(mine["of_id"]))
        own = np.setdiff1d(of, owner)
        doors = np.concatenate([doors[own], mine.geometry.to_numpy()[owner >= 0]])
        of = np.concatenate([own, owner[owner >= 0]])
    codes, kinds = pd.factorize(kind, sort=True)
    located = np.isfinite(shapely.get_x(doors))
    points = homes.geometry.to_numpy()
    here = np.flatnonzero(np.isfinite(shapely.get_x(points)))
    metres = np.full((len(kinds), len(homes)), np.nan)
    for code in range(len(kinds)):
        tree = shapely.STRtree(doors[located & (codes[of] == code)])
        if len(tree) and len(here):
            pairs, metre = tree.query_nearest(points[here], return_distance=True, all_matches=False)
            metres[code, here[pairs[0]]] = metre
    return pd.DataFrame(metres.T, index=homes.index, columns=pd.Index(kinds, dtype="str"))


def reached(
    minutes: pd.DataFrame,
    kinds: pd.DataFrame,
    *,
    speed_m_s: float,
    joined: "pd.Series[bool]",
    straight_m: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Whether each home reaches each kind of each tier, by minutes and metres and, where `straight_m` is given, straight.

    Parameters
    ----------
    minutes
        homes × kinds, walking minutes (float64), NaN where there is no way. A kind of `kinds` that has no column has no
        facility in the data: nobody reaches it.
    kinds
        One row for each (tier, kind): columns ``tier`` (minutes), ``kind``, ``radius_m`` (metres, NaN where the
        standard gives none).
    speed_m_s
        Walking speed in metres a second; with it ``metres = minutes × 60 × speed``.
    joined
        On the index of `minutes`: whether the home is joined to the network.
    straight_m
        What `straight` returned for the same homes. A home whose row is all NaN has no point, unless every row is: then the place
        has no facility, and nobody reaches one.

    Returns
    -------
    DataFrame
        homes × (method, tier, kind), nullable boolean: NA where the home is not joined (``minutes``, ``metres``) or has no
        point (``straight``), and where the standard gives no radius for the kind (``metres``, ``straight``).

    Examples
    --------
    >>> minutes = pd.DataFrame({"kindergarten": [4.0, 6.0]}, index=["a", "b"])
    >>> kinds = pd.DataFrame({"tier": [5], "kind": ["kindergarten"], "radius_m": [300.0]})
    >>> joined = pd.Series(True, index=minutes.index)
    >>> reached(minutes, kinds, speed_m_s=1.0, joined=joined).astype(bool).to_numpy().tolist()
    [[True, True], [False, False]]
    """
    walked = minutes.reindex(columns=kinds["kind"]).to_numpy(dtype="float64")
    tiers = kinds["tier"].to_numpy(dtype="float64")
    radii = kinds["radius_m"].to_numpy(dtype="float64")
    known = joined.to_numpy(dtype=bool)[:, None]
    with_radius = np.isfinite(radii)[None, :]
    # A limit met exactly is met: without the slack, minutes × 60 × speed of a 300 m walk may come to 300.0000000001.
    by_minutes = walked <= tiers + _SLACK
    by_metres = walked * 60.0 * speed_m_s <= radii + _SLACK
    parts = [by_minutes, by_metres]
    knowing = [np.broadcast_to(known, by_minutes.shape), known & with_radius]
    if straight_m is not None:
        flown = straight_m.reindex(minutes.index).to_numpy(dtype="float64")
        located = ~np.isnan(flown).all(axis=1) | np.isnan(flown).all()
        asked = straight_m.reindex(index=minutes.index, columns=kinds["kind"]).to_numpy(dtype="float64")
        parts.append(asked <= radii + _SLACK)
        knowing.append(located[:, None] & with_radius)
    values = np.hstack(parts)
    mask = ~np.hstack(knowing)
    columns = pd.MultiIndex.from_tuples(
        [(m, int(t), k) for m in METHODS[: len(parts)] for t, k in zip(kinds["tier"], kinds["kind"], strict=True)],
        names=["method", "tier", "kind"],
    )
    arrays = {c: pd.arrays.BooleanArray(values[:, i], mask[:, i]) for i, c in enumerate(columns)}
    out = pd.DataFrame(arrays, index=minutes.index)
    out.columns = columns
    return out


_SLACK = 1e-9


def completeness(answers: pd.DataFrame, kinds: pd.DataFrame) -> pd.DataFrame:
    """Required kinds met ÷ required kinds of the tier, home by home; optional kinds apart.

    Parameters
    ----------
    answers
        What `reached` returned.
    kinds
        The same rows, with ``required`` (bool).

    Returns
    -------
    DataFrame
        homes × (method, tier, ``required`` or ``optional``), share 0–1 as float64; NaN where the home is not joined or
        the tier has no such kind. By metres and straight only kinds with a radius in the standard count. Minutes come first.

    Examples
    --------
    >>> kinds = pd.DataFrame({"tier": [5, 5], "kind": ["a", "b"], "radius_m": [300.0, 300.0], "required": True})
    >>> minutes = pd.DataFrame({"a": [4.0], "b": [7.0]}, index=["h"])
    >>> answers = reached(minutes, kinds, speed_m_s=1.0, joined=pd.Series(True, index=["h"]))
    >>> float(completeness(answers, kinds)[("minutes", 5, "required")].iloc[0])
    0.5
    """
    required = kinds.set_index(["tier", "kind"])["required"]
    keys = pd.MultiIndex.from_arrays([answers.columns.get_level_values(n) for n in ("tier", "kind")])
    group = np.where(required.reindex(keys).to_numpy(dtype=bool), "required", "optional")
    by = pd.MultiIndex.from_arrays(
        [answers.columns.get_level_values("method"), answers.columns.get_level_values("tier"), group],
        names=["method", "tier", "group"],
    )
    values = answers.to_numpy(dtype="float64", na_value=np.nan)
    means = pd.DataFrame(values, index=answers.index, columns=by).T.groupby(level=[0, 1, 2]).mean().T
    order = means.columns.to_frame(index=False)
    order["method"] = pd.Categorical(order["method"], METHODS)
    order = order.sort_values(["method", "group", "tier"], ascending=[True, False, True])
    return means.iloc[:, order.index]


def shares(
    answers: pd.DataFrame, kinds: pd.DataFrame, weights: "pd.Series[float]", groups: "pd.Series[str]"
) -> pd.DataFrame:
    """For each group of homes and each (method, tier, kind): how many people reach it, are left out, are not known.

    Parameters
    ----------
    answers
        What `reached` returned.
    kinds
        The same rows, with ``required`` and ``radius_m``.
    weights
        What a home counts for, as `weight` returns it; its name (``residents`` or ``dwellings``) is used in the columns.
    groups
        The group of each home (for instance its community); homes with a missing group form a group of their own with
        a missing name, so that the groups always add up to the town.

    Returns
    -------
    DataFrame
        Columns: the name of `groups`, method, tier, kind, required, limit (minutes or metres), ``<weight>``,
        ``<weight>_covered``, ``<weight>_left_out``, ``<weight>_not_known`` and ``share_of_<weight>``: covered ÷ (covered
        + left out), NaN where that is 0. Minutes come before metres, metres before straight, required kinds before optional ones. People are NaN-free; homes with a missing weight count as nobody.

    Examples
    --------
    >>> kinds = pd.DataFrame({"tier": [5], "kind": ["a"], "radius_m": [np.nan], "required": [True]})
    >>> minutes = pd.DataFrame({"a": [4.0, 6.0]}, index=["h", "i"])
    >>> answers = reached(minutes, kinds, speed_m_s=1.0, joined=pd.Series(True, index=minutes.index))
    >>> people = pd.Series([30.0, 10.0], index=minutes.index, name="residents")
    >>> where = pd.Series(["x", "x"], index=minutes.index, name="area_id")
    >>> shares(answers, kinds, people, where)[["kind", "residents_covered", "share_of_residents"]].values.tolist()
    [['a', 30.0, 0.75]]
    """
    name, group = str(weights.name), str(groups.name)
    answers = answers.loc[:, answers.notna().any(axis=0) | (answers.columns.get_level_values(0) == "minutes")]
    people = weights.fillna(0.0).to_numpy()[:, None]
    values = answers.to_numpy(dtype="float64", na_value=np.nan)
    counted = {
        f"{name}_covered": np.where(values == 1, people, 0.0),
        f"{name}_left_out": np.where(values == 0, people, 0.0),
        f"{name}_not_known": np.where(np.isnan(values), people, 0.0),
    }
    keys = groups.reindex(answers.index)
    parts = {
        column: pd.DataFrame(v, index=answers.index, columns=answers.columns).groupby(keys, dropna=False).sum()
        for column, v in counted.items()
    }
    named = next(iter(parts.values())).index
    again = np.tile(np.arange(answers.shape[1]), len(named))
    long = pd.DataFrame(
        {
            group: named.repeat(answers.shape[1]),
            **{level: answers.columns.get_level_values(level).take(again) for level in ("method", "tier", "kind")},
            **{column: part.to_numpy().ravel() for column, part in parts.items()},
        }
    )
    spec = kinds[["tier", "kind", "required", "radius_m"]]
    long = long.merge(spec, on=["tier", "kind"], how="left", validate="many_to_one")
    long["limit"] = np.where(long["method"] == "minutes", long["tier"], long.pop("radius_m")).astype("float64")
    covered, left_out = long[f"{name}_covered"], long[f"{name}_left_out"]
    long[name] = covered + left_out + long[f"{name}_not_known"]
    with np.errstate(invalid="ignore"):
        long[f"share_of_{name}"] = (covered / (covered + left_out)).astype("float64")
    order = [group, "method", "tier", "kind", "required", "limit", name, *counted, f"share_of_{name}"]
    long["method"] = pd.Categorical(long["method"], METHODS)
    long = long.sort_values([group, "method", "tier", "required", "kind"], ascending=[True, True, True, False, True])
    return long[order].astype({"method": "str"}).reset_index(drop=True)


def difference(table: pd.DataFrame, *, group: str, weight: str) -> pd.DataFrame:
    """What the choice of method does to each share: minutes, metres along the network and the straight line side by side.

    Parameters
    ----------
    table
        What `shares` returned; a method it does not hold stays NaN.
    group, weight
        The name of its group column, and ``residents`` or ``dwellings``.

    Returns
    -------
    DataFrame
        One row for each (group, tier, kind), in the order of `table`: `group`, tier, kind, required, ``radius_m`` (the limit of
        metres and straight), ``share_by_minutes``, ``share_by_metres``, ``share_by_straight`` (0–1), ``metres_less_minutes``,
        ``straight_less_minutes`` and ``straight_less_metres`` (differences of shares), and ``<weight>_not_known`` with
        ``<weight>_not_known_straight``: each share is of those whose answer is known to its method.

    Examples
    --------
    >>> kinds = pd.DataFrame({"tier": [15], "kind": ["a"], "radius_m": [800.0], "required": [True]})
    >>> minutes, flown = (pd.DataFrame({"a": v}, index=["h", "i"]) for v in ([14.0, 16.0], [500.0, 700.0]))
    >>> joined = pd.Series(True, index=["h", "i"])
    >>> answers = reached(minutes, kinds, speed_m_s=1.0, joined=joined, straight_m=flown)
    >>> people = pd.Series([30.0, 10.0], index=["h", "i"], name="residents")
    >>> town = shares(answers, kinds, people, pd.Series("town", index=["h", "i"], name="scope"))
    >>> shown = difference(town, group="scope", weight="residents")
    >>> shown[["share_by_minutes", "share_by_metres", "share_by_straight", "straight_less_metres"]].values.tolist()
    [[0.75, 0.0, 1.0, 1.0]]
    """
    key = [group, "tier", "kind"]
    share, unknown = f"share_of_{weight}", f"{weight}_not_known"
    out = table[[*key, "required"]].drop_duplicates(key, ignore_index=True)
    by = {method: table[table["method"] == method] for method in METHODS}
    radii = pd.concat([by["metres"], by["straight"]])[[*key, "limit"]].drop_duplicates(key)
    out = out.merge(radii.rename(columns={"limit": "radius_m"}), on=key, how="left")
    for method, rows in by.items():
        out = out.merge(rows[[*key, share]].rename(columns={share: f"share_by_{method}"}), on=key, how="left")
    out["metres_less_minutes"] = out["share_by_metres"] - out["share_by_minutes"]
    out["straight_less_minutes"] = out["share_by_straight"] - out["share_by_minutes"]
    out["straight_less_metres"] = out["share_by_straight"] - out["share_by_metres"]
    out = out.merge(by["minutes"][[*key, unknown]], on=key, how="left")
    return out.merge(by["straight"][[*key, unknown]], on=key, how="left", suffixes=("", "_straight"))


def mean_completeness(complete: pd.DataFrame, weights: "pd.Series[float]", groups: "pd.Series[str]") -> pd.DataFrame:
    """Completeness of each group of homes, weighted by what each home counts for.

    Returns
    -------
    DataFrame
        Index: the groups (a missing group stays, last); columns as those of `complete`; share 0–1, NaN where
        nobody's answer is known.

    Examples
    --------
    >>> complete = pd.DataFrame({"c": [1.0, 0.5, np.nan]}, index=["h", "i", "j"])
    >>> people = pd.Series([10.0, 30.0, 99.0], index=complete.index, name="residents")
    >>> where = pd.Series("x", index=complete.index, name="area_id")
    >>> float(mean_completeness(complete, people, where).loc["x", "c"])
    0.625
    """
    people = weights.reindex(complete.index).fillna(0.0).to_numpy()[:, None]
    values = complete.to_numpy(dtype="float64")
    keys = groups.reindex(complete.index)
    weighted = pd.DataFrame(np.nan_to_num(values) * people, index=complete.index, columns=complete.columns)
    total = pd.DataFrame(~np.isnan(values) * people, index=complete.index, columns=complete.columns)
    sums, totals = (frame.groupby(keys, dropna=False).sum() for frame in (weighted, total))
    return sums / totals.where(totals > 0)


def gaps(table: pd.DataFrame, *, group: str, weight: str) -> pd.DataFrame:
    """What is missing where, ranked by the people left out.

    Parameters
    ----------
    table
        What `shares` returned.
    group, weight
        The name of its group column, and ``residents`` or ``dwellings``.

    Returns
    -------
    DataFrame
        The required kinds with somebody left out, by minutes, most people first (ties by group, tier and kind), with
        ``rank`` from 1.

    Examples
    --------
    >>> table = pd.DataFrame({"area_id": ["x", "y"], "method": "minutes", "tier": 5, "kind": "nursery",
    ...                       "required": True, "residents_left_out": [10.0, 70.0]})
    >>> gaps(table, group="area_id", weight="residents")[["rank", "area_id"]].values.tolist()
    [[1, 'y'], [2, 'x']]
    """
    left_out = f"{weight}_left_out"
    rows = table[table["required"] & (table["method"] == "minutes") & (table[left_out] > 0)]
    rows = rows.sort_values([left_out, group, "tier", "kind"], ascending=[False, True, True, True])
    rows.insert(0, "rank", np.arange(1, len(rows) + 1))
    return rows.reset_index(drop=True)
