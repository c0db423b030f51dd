"""How much of a facility there is for each person who can walk to it, and how evenly it is spread.

Minutes say whether a home has a school in reach; supply says whether the school has room. Capacity is shared out among
the people in reach (floating catchment areas), set against the residents of each community (`match`), and its evenness
is put into figures (`gini`, `share_under_half_mean`).

Supply comes in one unit a kind and is never mixed with another. A capacity or a number of people that is not known is
left out of every sum; where nothing else is in reach, the answer is not known rather than 0.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from lifecircle import standards
from lifecircle.errors import CrsError, SchemaError
from lifecircle.schema import check_numbers, rows_of

Decay = Literal["binary", "gaussian"]
_Array = NDArray[Any]


def floating_catchment(
    pairs: pd.DataFrame,
    supply: pd.Series[float],
    demand: pd.Series[float],
    *,
    limit_min: float,
    decay: Decay = "binary",
    balanced: bool = False,
    joined: pd.Series[bool] | None = None,
) -> pd.Series[float]:
    """Supply per person at each home, after every facility is shared by the people who can reach it.

    With the weight w of each pair, the two steps are, for facility j and home i,

    - level of service: ``L_j = S_j / Σ_i P_i w_ij``,
    - access: ``A_i = Σ_j L_j w_ij``.

    Balanced, people are shared out among the facilities in reach (``w_ij / Σ_j w_ij`` in the first step) and the level
    of service among the homes in reach (``w_ij / Σ_i w_ij`` in the second), so that nobody and nothing counts twice.

    Parameters
    ----------
    pairs
        Long table home_id, facility_id, walk_min, as `network.pairs` returns it, one row a pair. Pairs beyond the limit,
        without minutes, or with a facility that `supply` does not list (another kind) are passed over.
    supply
        Capacity on facility_id, in any one unit; NaN where it is not known: that facility is left out.
    demand
        People on home_id; NaN where they are not known: that home asks for nothing, and others' access is then at most
        what is given here.
    limit_min
        The edge of the catchment in minutes, included.
    decay
        ``binary``: everybody within the limit counts alike. ``gaussian``: the weight falls from 1 at the door to 0 at the
        limit t0, ``(exp(−½ (t/t0)²) − exp(−½)) / (1 − exp(−½))``.
    joined
        On home_id: whether the home is joined to the network; without it all are.

    Returns
    -------
    Series
        float64 on the index of `demand`, named ``access``, in units of supply per person. 0 where nothing is in reach;
        NaN where the home is not joined, or where facilities are in reach and what they give is known of none of them.
        Where it is known of no facility at all, no home has an answer. A facility that only homes without any people
        reach gives nothing.

    Raises
    ------
    SchemaError, ValueError
        Negative or infinite supply or demand, ids that repeat, a pair listed twice or with a home that `demand` lacks; a
        limit that is not a positive number of minutes, an unknown decay.

    Notes
    -----
    Two-step: W. Luo, F. Wang (2003), Environment and Planning B 30: 865–884. Gaussian: D. Dai (2010), Health & Place 16:
    1038–1052. Balanced: A. Paez, C. Higgins, S. Vivona (2019), PLoS ONE 14(6): e0218773.

    Unbalanced, all supply that somebody reaches is given out: ``Σ A_i P_i = Σ S_j``. Balanced, the people who reach
    something are all served once and ``Σ A_i = Σ L_j``; access then depends on how finely homes are cut, so that only values of one and
    the same set of homes are compared.

    Examples
    --------
    Two homes of 30 and 10 people reach a clinic of 20 beds, and only the second one of 5 beds.

    >>> pairs = pd.DataFrame({"home_id": ["h", "i", "i"], "facility_id": ["a", "a", "b"], "walk_min": [4.0, 9.0, 2.0]})
    >>> beds = pd.Series({"a": 20.0, "b": 5.0})
    >>> people = pd.Series({"h": 30.0, "i": 10.0, "far": 8.0})
    >>> floating_catchment(pairs, beds, people, limit_min=15).tolist()
    [0.5, 1.0, 0.0]
    """
    reach = _reach(pairs, supply, demand.index, limit_min=limit_min, decay=decay, joined=joined)
    level, known = _levels(reach, demand, balanced=balanced)
    weight = _shared(reach.weight, reach.facility, len(supply)) if balanced else reach.weight
    given = np.where(known, np.nan_to_num(level), 0.0)
    access = np.bincount(reach.home, weight * given[reach.facility], minlength=len(demand))
    return pd.Series(_unknown(access, reach, known), index=demand.index, name="access")


def service_level(
    pairs: pd.DataFrame,
    supply: pd.Series[float],
    demand: pd.Series[float],
    *,
    limit_min: float,
    decay: Decay = "binary",
    balanced: bool = False,
    joined: pd.Series[bool] | None = None,
) -> pd.Series[float]:
    """Supply per person at each facility: its capacity over the people in reach, the first step of `floating_catchment`.

    Parameters and what is raised are those of `floating_catchment`.

    Returns
    -------
    Series
        float64 on the index of `supply`, named ``service_level``; NaN where the capacity is not known or no people
        are known to be in reach.

    Examples
    --------
    >>> pairs = pd.DataFrame({"home_id": ["h", "i"], "facility_id": ["a", "a"], "walk_min": [4.0, 9.0]})
    >>> people = pd.Series({"h": 30.0, "i": 10.0})
    >>> service_level(pairs, pd.Series({"a": 20.0, "b": 5.0}), people, limit_min=15).tolist()
    [0.5, nan]
    """
    reach = _reach(pairs, supply, demand.index, limit_min=limit_min, decay=decay, joined=joined)
    level, _ = _levels(reach, demand, balanced=balanced)
    return pd.Series(level, index=supply.index, name="service_level")


def cumulative(
    pairs: pd.DataFrame,
    supply: pd.Series[float],
    homes: pd.Index[Any],
    *,
    limit_min: float,
    joined: pd.Series[bool] | None = None,
) -> pd.Series[float]:
    """All supply within reach of each home, shared with nobody (cumulative opportunities).

    Parameters
    ----------
    pairs, supply, limit_min, joined
        As for `floating_catchment`; with 1 for every facility the answer is the number of facilities in reach.
    homes
        The home_id of every home to answer for.

    Returns
    -------
    Series
        float64 on `homes`, named ``within_reach``, in the unit of `supply`. 0 where nothing is in reach; NaN where the
        home is not joined, where facilities are in reach and the capacity of none of them is known, and everywhere where
        no capacity at all is known.

    Raises
    ------
    SchemaError, ValueError
        As `floating_catchment`.

    Examples
    --------
    >>> pairs = pd.DataFrame({"home_id": ["h", "h"], "facility_id": ["a", "b"], "walk_min": [4.0, 16.0]})
    >>> cumulative(pairs, pd.Series({"a": 20.0, "b": 5.0}), pd.Index(["h", "i"]), limit_min=15).tolist()
    [20.0, 0.0]
    """
    reach = _reach(pairs, supply, homes, limit_min=limit_min, decay="binary", joined=joined)
    total = np.bincount(reach.home, np.nan_to_num(reach.supply)[reach.facility], minlength=len(homes))
    return pd.Series(_unknown(total, reach, ~np.isnan(reach.supply)), index=homes, name="within_reach")


def access_by_kind(
    pairs: pd.DataFrame,
    capacities: pd.DataFrame,
    demand: pd.Series[float],
    *,
    limits_min: pd.Series[float],
    decay: Decay = "binary",
    balanced: bool = False,
    joined: pd.Series[bool] | None = None,
) -> pd.DataFrame:
    """`floating_catchment` of each kind within its own limit.

    Parameters
    ----------
    pairs, demand, decay, balanced, joined
        As for `floating_catchment`; `pairs` holds all kinds and reaches as far as the longest limit.
    capacities
        On facility_id: ``kind`` and ``capacity``, as `capacity` returns them.
    limits_min
        Kind → minutes, for instance the kind's walking tier.

    Returns
    -------
    DataFrame
        homes × kinds, in the order of `limits_min`. A kind without any facility is 0 for every joined home.

    Raises
    ------
    SchemaError, ValueError
        As `floating_catchment`.

    Examples
    --------
    >>> pairs = pd.DataFrame({"home_id": ["h", "h"], "facility_id": ["a", "b"], "walk_min": [4.0, 9.0]})
    >>> capacities = pd.DataFrame({"kind": ["nursery", "clinic"], "capacity": [60.0, 15.0]}, index=["a", "b"])
    >>> people, limits = pd.Series({"h": 30.0}), pd.Series({"clinic": 15.0, "nursery": 5.0, "school": 10.0})
    >>> access_by_kind(pairs, capacities, people, limits_min=limits).to_dict("list")
    {'clinic': [0.5], 'nursery': [2.0], 'school': [0.0]}
    """
    check_numbers(capacities["capacity"], "capacity")
    check_numbers(limits_min, "limits_min")
    row = rows_of(pairs["facility_id"], capacities.index)
    of_kind = np.append(limits_min.index.get_indexer(pd.Index(capacities["kind"])), -1)
    of_pair = of_kind[row]
    columns = {
        kind: floating_catchment(
            pairs[of_pair == code],
            capacities.loc[of_kind[:-1] == code, "capacity"],
            demand,
            limit_min=float(limits_min.iloc[code]),
            decay=decay,
            balanced=balanced,
            joined=joined,
        )
        for code, kind in enumerate(limits_min.index)
    }
    return pd.DataFrame(columns, index=demand.index)


def capacity(facilities: pd.DataFrame, standard: pd.DataFrame) -> pd.DataFrame:
    """How much each facility offers, in one unit a kind: as the layer says, else as the standard asks for at least.

    The unit of a kind is the first that the layer states for the most of its facilities: ``places``, then
    ``floor_area_m2``, then ``site_area_m2``; where the layer states none, the first that the standard sets. The facilities left
    take the standard's smallest size of that unit, so that the answer says what there should be, not what there is.

    Parameters
    ----------
    facilities
        Canonical facilities: kind, capacity (places), floor_area_m2, site_area_m2; NaN where not known. An area of 0 m² is
        no measurement; 0 places are none.
    standard
        Rows of one profile of the table facilities: ``code`` (kind), ``quantity``, ``operator``, ``value``, ``mark``. Only
        minima (``>=``) and sizes (``=``) whose mark binds are used: ``capacity`` and ``beds`` as places, ``floor_area_m2``,
        ``site_area_m2``. A kind that stands in several tiers has the smallest of its values.

    Returns
    -------
    DataFrame
        On the index of `facilities`: ``kind``; ``capacity`` (float64, NaN where not known); ``capacity_unit``
        (``places``, ``floor_area_m2``, ``site_area_m2``; missing where the kind has none); ``capacity_from`` (``layer``, ``standard``,
        ``unknown``).

    Raises
    ------
    SchemaError
        Rows of several profiles.

    Notes
    -----
    GB 50180-2018 as shipped sets floor areas that bind for some twenty kinds and none for schools; its numbers of beds and
    site areas are not confirmed and are not used.

    Examples
    --------
    >>> nan = float("nan")
    >>> facilities = pd.DataFrame({"kind": ["kindergarten", "kindergarten", "middle_school"], "capacity": nan,
    ...     "floor_area_m2": [4000.0, nan, nan], "site_area_m2": nan}, index=["a", "b", "c"])
    >>> standard = standards.read("facilities").query("profile == 'national_2018'")
    >>> capacity(facilities, standard)[["capacity", "capacity_from"]].values.tolist()
    [[4000.0, 'layer'], [3150.0, 'standard'], [nan, 'unknown']]
    """
    if "profile" in standard and standard["profile"].nunique() > 1:
        raise SchemaError("standard", ["holds several profiles; pass the rows of one"])
    kind = facilities["kind"]
    stated = pd.DataFrame(
        {
            "places": facilities["capacity"].astype("float64"),
            "floor_area_m2": facilities["floor_area_m2"].astype("float64").where(lambda area: area > 0),
            "site_area_m2": facilities["site_area_m2"].astype("float64").where(lambda area: area > 0),
        }
    )
    counts = stated.notna().groupby(kind).sum()
    sizes = _sizes(standard).reindex(index=counts.index, columns=stated.columns)
    known = counts.where(counts.any(axis=1), sizes.notna().astype("int64"), axis=0)
    first = pd.Series(known.to_numpy().argmax(axis=1), index=known.index, dtype="float64").where(known.any(axis=1))
    own = kind.map(first).to_numpy(dtype="float64")[:, None] == np.arange(stated.shape[1])
    told = stated.where(own).max(axis=1)
    asked = sizes.reindex(kind).set_axis(facilities.index).where(own).max(axis=1)
    origin = np.select([told.notna(), asked.notna()], ["layer", "standard"], default="unknown")
    return pd.DataFrame(
        {
            "kind": kind,
            "capacity": told.fillna(asked),
            "capacity_unit": _named(stated.columns, np.where(own.any(axis=1), own.argmax(axis=1), -1)),
            "capacity_from": pd.array(origin, dtype="str"),
        },
        index=facilities.index,
    )


_QUANTITIES = {
    "capacity": "places",
    "beds": "places",
    "floor_area_m2": "floor_area_m2",
    "site_area_m2": "site_area_m2",
}


def _sizes(standard: pd.DataFrame) -> pd.DataFrame:
    """Kind × unit: the smallest binding size a facility has by the standard."""
    rows = standard[standard["quantity"].isin(_QUANTITIES) & standard["operator"].isin([">=", "="])]
    rows = rows[standards.binding(rows["mark"]) & (rows["value"] > 0)]
    return rows.assign(unit=rows["quantity"].map(_QUANTITIES)).pivot_table(
        index="code", columns="unit", values="value", aggfunc="min"
    )


def community(points: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> pd.Series[str]:
    """The one area each point belongs to: the one it lies in, on a shared boundary the one with the smallest number.

    Parameters
    ----------
    points
        Facilities or homes, points in the system of `areas`.
    areas
        Canonical areas, polygons; only those of the finest level present count (community, street, town).

    Returns
    -------
    Series
        str on the index of `points`, named ``area_id``; missing where the point lies in no area.

    Raises
    ------
    CrsError
        Points and areas in two systems.

    Examples
    --------
    >>> from shapely import Point, box
    >>> areas = gpd.GeoDataFrame({"level": "community"}, geometry=[box(1, 0, 2, 1), box(0, 0, 1, 1)], index=["b", "a"])
    >>> points = gpd.GeoDataFrame(geometry=[Point(1.5, 0.5), Point(1, 0.5), Point(9, 9)], index=["x", "y", "z"])
    >>> community(points, areas).tolist()
    ['b', 'a', nan]
    """
    if points.crs != areas.crs:
        raise CrsError("Facilities and areas lie in two coordinate systems; bring them into one first.")
    ranks = areas["level"].map({level: rank for rank, level in enumerate(_LEVELS)})
    finest = areas[ranks == ranks.min()].sort_index()
    point, area = shapely.STRtree(finest.geometry.to_numpy()).query(points.geometry.to_numpy(), predicate="intersects")
    first = np.full(len(points), len(finest), dtype=np.int64)
    np.minimum.at(first, point, area)
    row = np.where(first < len(finest), first, -1)
    return pd.Series(_named(finest.index, row), index=points.index, name="area_id")


_LEVELS = ("community", "street", "town")


def match(
    kinds: pd.Series[str], areas: pd.Series[str], people: pd.Series[float], sizes: pd.Series[float] | None = None
) -> pd.DataFrame:
    """Each community's share of the facilities of a kind against its share of the residents.

    Parameters
    ----------
    kinds, areas
        On facility_id: the kind; the area as `community` gives it, missing where the facility lies in none.
    people
        On area_id (a missing label for people in no area): the residents, NaN where not known; its name is used in the
        columns.
    sizes
        On facility_id, named after its measure (``floor_area_m2``, ``site_area_m2``, ``capacity``), NaN where not known;
        without it facilities are counted.

    Returns
    -------
    DataFrame
        One row for each kind and area, areas without a facility of the kind included, sorted by kind and area,
        facilities and people in no area last under a missing area_id. Columns ``area_id``, ``kind``, ``facilities``
        (number), ``facilities_not_known`` (those of unknown size), ``<size>``, ``<people>``, ``share_of_<size>``,
        ``share_of_<people>``, ``difference`` (share of size − share of people; above 0 is more than its share). Counted,
        the size is ``facilities``.

        Shares are of what is known in all areas. A size, and its share, is NaN where facilities stand in an area but
        none of them has a known size; a share is NaN where the whole is 0.

    Raises
    ------
    SchemaError
        Negative or infinite sizes or people, ids that repeat, facilities in an area that `people` lacks.

    Examples
    --------
    >>> kinds = pd.Series("clinic", index=["a", "b"])
    >>> areas = pd.Series(["x", "y"], index=["a", "b"])
    >>> people = pd.Series([50.0, 50.0], index=["x", "y"], name="residents")
    >>> sizes = pd.Series([300.0, 100.0], index=["a", "b"], name="floor_area_m2")
    >>> match(kinds, areas, people, sizes)[["area_id", "share_of_floor_area_m2", "difference"]].values.tolist()
    [['x', 0.75, 0.25], ['y', 0.25, -0.25]]
    """
    if sizes is None:
        sizes = pd.Series(1.0, index=kinds.index, name="facilities")
    size, of = str(sizes.name), str(people.name)
    check_numbers(sizes, size)
    check_numbers(people, of)
    areas, value = areas.reindex(kinds.index), sizes.reindex(kinds.index).to_numpy(dtype="float64")
    places, listed = people.index.dropna().sort_values(), pd.Index(kinds.dropna().unique()).sort_values()
    area, kind = places.get_indexer(pd.Index(areas)), listed.get_indexer(pd.Index(kinds))
    lacking = areas[(area < 0) & areas.notna()]
    if len(lacking):
        raise SchemaError(
            "areas",
            [
                f"{len(lacking)} facilities lie in an area that the people are not given for (first: {lacking.iloc[0]!r})"
            ],
        )
    n = len(places) + int((area < 0).any() or len(places) < len(people))
    # no area is the last of the areas
    cell = (kind * n + np.where(area < 0, n - 1, area))[kind >= 0]
    value, many = value[kind >= 0], len(listed) * n
    count = np.bincount(cell, minlength=many)
    unknown = np.bincount(cell[np.isnan(value)], minlength=many)
    total = np.bincount(cell, np.nan_to_num(value), minlength=many)
    total = np.where((unknown > 0) & (unknown == count), np.nan, total)
    heads = np.zeros(n)
    row = places.get_indexer(people.index)
    heads[np.where(row < 0, n - 1, row)] = people.to_numpy(dtype="float64")
    of_size = _shares(total.reshape(len(listed), n)).ravel()
    of_people = np.tile(_shares(heads[None, :])[0], len(listed))
    columns = {
        "area_id": _named(places, np.tile(np.where(np.arange(n) < len(places), np.arange(n), -1), len(listed))),
        "kind": _named(listed, np.arange(len(listed)).repeat(n)),
        "facilities": count,
        "facilities_not_known": unknown,
        size: total,
        of: np.tile(heads, len(listed)),
        f"share_of_{size}": of_size,
        f"share_of_{of}": of_people,
        "difference": of_size - of_people,
    }
    return pd.DataFrame(columns)


def _shares(values: _Array) -> _Array:
    """Each value over the sum of its row; NaN where that is 0."""
    whole = np.nansum(values, axis=1, keepdims=True) + np.zeros_like(values)
    out: _Array = np.divide(values, whole, out=np.full(values.shape, np.nan), where=whole > 0)
    return out


def _named(names: pd.Index[Any], rows: _Array) -> Any:
    """The name at each row, missing where the row is -1."""
    return pd.Series(names.to_numpy(dtype=object), dtype="str").reindex(rows).array


def share_gap(matched: pd.DataFrame) -> pd.Series[float]:
    """How far the facilities of each kind lie from where the people are: ``½ Σ |share of size − share of people|``.

    Parameters
    ----------
    matched
        What `match` returned.

    Returns
    -------
    Series
        float64 on kind, named ``share_gap``: 0 where every area has its share, towards 1 where they have nothing in
        common; ``1 − share_gap`` is the degree of match (匹配度). NaN where the share of any area is not known.

    Examples
    --------
    >>> matched = pd.DataFrame({"kind": "clinic", "area_id": ["x", "y"], "difference": [0.25, -0.25]})
    >>> share_gap(matched).to_dict()
    {'clinic': 0.25}
    """
    halves = 0.5 * matched["difference"].abs()
    sums = halves.groupby(matched["kind"]).sum()
    unknown = halves.isna().groupby(matched["kind"]).any()
    return sums.where(~unknown).rename("share_gap")


def gini(access: pd.Series[float], people: pd.Series[float]) -> float:
    """The Gini coefficient of access among people: 0 where all have the same, towards 1 where one has everything.

    With homes in the order of their access, p the running share of people and q the running share of ``access ×
    people``, ``G = 1 − Σ (p_k − p_{k−1}) (q_k + q_{k−1})``: one less twice the area under the Lorenz curve, by trapezia.

    Parameters
    ----------
    access
        Any measure of 0 or more on home_id.
    people
        People on home_id. Homes whose access or people are not known are left out.

    Returns
    -------
    float
        NaN where nobody is counted or nobody has any access.

    Raises
    ------
    SchemaError
        Negative or infinite values.

    Examples
    --------
    A quarter of the people have everything.

    >>> gini(pd.Series([0.0, 8.0]), pd.Series([30.0, 10.0]))
    0.75
    """
    values, heads = _counted(access, people)
    order = np.argsort(values, kind="stable")
    values, heads = values[order], heads[order]
    held = values * heads
    if not held.sum() > 0:
        return float("nan")
    q = np.concatenate([[0.0], np.cumsum(held)])
    return float(max(0.0, 1.0 - np.sum(heads * (q[1:] + q[:-1])) / (heads.sum() * q[-1])))


def share_under_half_mean(access: pd.Series[float], people: pd.Series[float]) -> float:
    """The share of people whose access is below half of the mean over all people.

    Parameters and what is raised are those of `gini`.

    Returns
    -------
    float
        0–1; NaN where nobody is counted or nobody has any access. Exactly half of the mean is not below it.

    Examples
    --------
    The mean is 2: only those below 1 count.

    >>> share_under_half_mean(pd.Series([0.5, 1.0, 4.5]), pd.Series([10.0, 10.0, 10.0])) == 1 / 3
    True
    """
    values, heads = _counted(access, people)
    held = float((values * heads).sum())
    if not held > 0:
        return float("nan")
    half = 0.5 * held / heads.sum()
    return float(heads[values < half * (1.0 - _ROUNDING)].sum() / heads.sum())


def equity(access: pd.DataFrame, people: pd.Series[float]) -> pd.DataFrame:
    """How evenly each kind is spread over the people.

    Parameters
    ----------
    access
        homes × kinds, as `floating_catchment` gives them; NaN where not known.
    people
        People on home_id, NaN where not known; its name is used in the columns.

    Returns
    -------
    DataFrame
        One row a kind, in the order of the columns: ``kind``, ``mean_access`` (weighted by people), ``gini``,
        ``share_under_half_mean``, ``<people>_counted``, ``<people>_not_known`` (their access is not known) and
        ``homes_not_known`` (their access or their people are not known).

    Raises
    ------
    SchemaError
        As `gini`.

    Examples
    --------
    >>> access = pd.DataFrame({"clinic": [0.0, 8.0, np.nan]}, index=["h", "i", "j"])
    >>> people = pd.Series([30.0, 10.0, 5.0], index=["h", "i", "j"], name="residents")
    >>> equity(access, people).values.tolist()
    [['clinic', 2.0, 0.75, 0.75, 40.0, 5.0, 1]]
    """
    name = str(people.name)
    people = people.reindex(access.index)
    heads = people.to_numpy(dtype="float64")
    known = access.notna().to_numpy()
    counted = np.nansum(known * heads[:, None], axis=0)
    held = np.nansum(access.to_numpy(dtype="float64") * heads[:, None], axis=0)
    return pd.DataFrame(
        {
            "kind": pd.array(access.columns.to_numpy(dtype=object), dtype="str"),
            "mean_access": np.divide(held, counted, out=np.full(len(counted), np.nan), where=counted > 0),
            "gini": np.array([gini(access[kind], people) for kind in access], dtype="float64"),
            "share_under_half_mean": np.array(
                [share_under_half_mean(access[kind], people) for kind in access], dtype="float64"
            ),
            f"{name}_counted": counted,
            f"{name}_not_known": np.nansum(~known * heads[:, None], axis=0),
            "homes_not_known": (~known | np.isnan(heads)[:, None]).sum(axis=0).astype("int64"),
        }
    )


class _Reach(NamedTuple):
    """The pairs that count: rows of the home and of the facility, weight; and each facility's supply, each home's joining."""

    home: _Array
    facility: _Array
    weight: _Array
    supply: _Array
    joined: _Array


def _reach(
    pairs: pd.DataFrame,
    supply: pd.Series[float],
    homes: pd.Index[Any],
    *,
    limit_min: float,
    decay: Decay,
    joined: pd.Series[bool] | None,
) -> _Reach:
    if not 0 < limit_min < np.inf:
        raise ValueError(f"limit_min must be a positive number of minutes, not {limit_min}.")
    if decay not in ("binary", "gaussian"):
        raise ValueError(f"decay must be binary or gaussian, not {decay!r}.")
    check_numbers(supply, "supply")
    if not homes.is_unique:
        raise SchemaError("homes", [f"home_id repeats (first: {homes[homes.duplicated()][0]!r})"])
    is_joined = (
        np.ones(len(homes), bool) if joined is None else joined.reindex(homes).to_numpy(dtype=bool, na_value=False)
    )
    minutes = pairs["walk_min"].to_numpy(dtype="float64")
    home = rows_of(pairs["home_id"], homes)
    facility = rows_of(pairs["facility_id"], supply.index)
    if (home < 0).any():
        strange = pairs["home_id"].iloc[int(np.argmax(home < 0))]
        raise SchemaError(
            "pairs", [f"{int((home < 0).sum())} rows name a home_id without a row of its own (first: {strange!r})"]
        )
    if (minutes < 0).any():
        raise SchemaError("pairs", [f"column walk_min: {int((minutes < 0).sum())} values below 0"])
    kept = (facility >= 0) & (minutes <= limit_min + _SLACK) & is_joined[home]
    home, facility, minutes = home[kept], facility[kept], minutes[kept]
    key = home * np.int64(max(1, len(supply))) + facility
    if (
        not (np.diff(key) > 0).all() and (np.diff(np.sort(key)) == 0).any()
    ):  # np.unique hashes, and takes ten times as long
        raise SchemaError("pairs", ["a home and a facility are paired more than once"])
    return _Reach(home, facility, _weights(minutes, limit_min, decay), supply.to_numpy(dtype="float64"), is_joined)


def _weights(minutes: _Array, limit_min: float, decay: Decay) -> _Array:
    if decay == "binary":
        return np.ones(len(minutes))
    end = np.exp(-0.5)
    out: _Array = np.maximum(0.0, (np.exp(-0.5 * (minutes / limit_min) ** 2) - end) / (1.0 - end))
    return out


def _levels(reach: _Reach, demand: pd.Series[float], *, balanced: bool) -> tuple[_Array, _Array]:
    """Level of service of each facility, NaN where it has none; and whether what it gives is known."""
    check_numbers(demand, "demand")
    heads = demand.to_numpy(dtype="float64")
    n, stocked = len(reach.supply), ~np.isnan(reach.supply)
    weight = reach.weight * stocked[reach.facility]
    if balanced:
        weight = _shared(weight, reach.home, len(demand))
    asked = np.bincount(reach.facility, weight * np.nan_to_num(heads)[reach.home], minlength=n)
    level = np.divide(reach.supply, asked, out=np.full(n, np.nan), where=asked > 0)
    unasked = np.bincount(reach.facility, np.isnan(heads)[reach.home], minlength=n)
    return level, stocked & ((asked > 0) | (unasked == 0))


def _shared(weight: _Array, by: _Array, n: int) -> _Array:
    """Weights over their sum for each of `n` owners `by`; 0 where that sum is 0."""
    whole = np.bincount(by, weight, minlength=n)[by]
    return np.divide(weight, whole, out=np.zeros(len(weight)), where=whole > 0)


def _unknown(values: _Array, reach: _Reach, known: _Array) -> _Array:
    """The values, NaN for homes not joined and those that reach facilities but none that is known; all, if none is known."""
    if len(known) and not known.any():  # the zeros of homes far from everything would pass for the town's
        return np.full(len(values), np.nan)
    reached = np.bincount(reach.home, minlength=len(values)) > 0
    told = np.bincount(reach.home, known[reach.facility], minlength=len(values)) > 0
    return np.where(reach.joined & (told | ~reached), values, np.nan)


def _counted(access: pd.Series[float], people: pd.Series[float]) -> tuple[_Array, _Array]:
    """Access and people of the homes where both are known."""
    check_numbers(access, "access")
    check_numbers(people, "people")
    values = access.to_numpy(dtype="float64")
    heads = people.reindex(access.index).to_numpy(dtype="float64")
    both = ~(np.isnan(values) | np.isnan(heads))
    return values[both], heads[both]


# As in coverage: a limit met exactly is met, and so is half of the mean, whatever the last bit says.
_SLACK = 1e-9
_ROUNDING = 1e-12
