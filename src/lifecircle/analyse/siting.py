"""Which few sites serve most people: maximal covering, the smallest set that covers all, and the p-median.

A *site* is a place that could be put to use (an idle building, a plot); a site with a *kind* of facility is an *option*. Homes
that already have a facility of the kind within walking time are left as they are, so existing facilities are kept.

Every answer is found the same way, and says how good it is:

1. greedy choice, then swaps of one option for another until no swap helps; then swaps again after a few options were
   changed at random, the seed fixed. This stands whatever comes after: no answer is worse.
2. an upper bound on what any choice could reach, from the Lagrangian relaxation or the linear programme.
3. HiGHS, started from the answer of the first step, without the options that the bound rules out. It may prove the answer
   the best possible, better it, or lower the bound.

Ties go to the smaller id, and everything is counted in the order of the ids, so that the order of rows changes nothing.
The work is limited by numbers of steps (`Effort`) and does not depend on the machine, with one exception: where HiGHS
runs into `Effort.seconds`, ``stopped`` says ``time``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lifecircle.analyse._siting_highs import assigned
from lifecircle.analyse._siting_model import (
    ROUNDING,
    TINY,
    Array,
    Effort,
    Found,
    Model,
    best_savings,
    gains_of,
    merge_alike,
    serving_order,
    worth_of,
)
from lifecircle.analyse._siting_search import exact_worth, gap_of, greedy, improve, least_number, solve
from lifecircle.errors import SchemaError
from lifecircle.schema import check_numbers, rows_of

USUAL = Effort()
QUICK = Effort(kicks=10, entries=20_000)


@dataclass(frozen=True, eq=False, kw_only=True)
class Siting:
    """A choice of sites, who gains by it, and how far it can be from the best possible.

    `chosen`: one row an option, in the order in which each adds most: ``rank``, ``site_id``, ``kind``, ``cost_yuan`` (where the sites
    have it), ``added`` (what the option adds to those before it), ``objective`` (with those before it) and, where capacities
    count, ``capacity``. `gains`: one row for each home and kind that gains. `totals`: one row a kind. `left_out`: options that were not considered
    or could not help, with ``why``: ``cost_not_known``, ``over_budget``, ``capacity_not_known``, ``reaches_nobody_new``.

    `objective` is what was asked for (residents newly reached, number of options, mean minutes), `bound` what no choice
    can surpass, `gap_share` their distance over the bound (over the objective where less is better), `proven` whether the
    choice is the best possible. `method` lists the steps that were taken. `stopped`: ``proven``; ``bound`` (HiGHS was not asked for the model's size, or
    the effort has none of it); ``nodes``; or ``time``, the one case in which another machine may answer otherwise.
    """

    model: str
    chosen: pd.DataFrame
    gains: pd.DataFrame
    totals: pd.DataFrame
    left_out: pd.DataFrame
    objective: float
    bound: float
    gap_share: float
    proven: bool
    method: tuple[str, ...]
    stopped: str

    def __str__(self) -> str:
        """One sentence: how good the answer is."""
        if self.proven:
            return f"{self.model}: {self.objective:,.6g}, proven the best possible"
        return (
            f"{self.model}: {self.objective:,.6g}, within {self.gap_share:.1%} of the best possible ({self.bound:,.6g})"
        )


def maximal_covering(
    pairs: pd.DataFrame,
    homes: pd.DataFrame,
    sites: pd.DataFrame,
    *,
    kinds: pd.DataFrame,
    p: int | None = None,
    budget: float | None = None,
    covered: pd.DataFrame | None = None,
    effort: Effort = USUAL,
) -> Siting:
    """The options that reach most residents who have no facility of the kind yet (maximal covering location problem).

    With x_j = 1 where option j is chosen, y_ik = 1 where home i is newly reached for kind k, w_k the weight of a kind and P_i the people:

    maximise ``Σ_k w_k Σ_i P_i y_ik`` subject to ``y_ik ≤ Σ x_j`` over the options of kind k within reach of i,
    ``Σ x_j ≤ p``, ``Σ cost_j x_j ≤ budget``, and at most one use a site.

    A home counts once for each kind, so the objective is a sum over kinds of residents newly reached, not of persons.

    Parameters
    ----------
    pairs
        Long table home_id, facility_id (the candidate's site_id), walk_min, as `network.pairs` returns it, one row a pair. A
        pair on the limit is in; pairs beyond it, without minutes, or with a site that `sites` does not list are passed over.
    homes
        On home_id: ``residents`` and any other group of people that `kinds` names. Not known (NaN) counts as nothing, and is
        reported; the homes who gain are listed all the same.
    sites
        One row an option: ``site_id``, ``kind``; ``cost_yuan`` where there is a budget (see `costs`): an option of unknown cost is
        left out and listed; ``capacity``, where it is to count: people an option can serve, infinite for no limit, left
        out where not known. The index is not used.
    kinds
        On kind: ``limit_min``, minutes; ``weight`` (1 where the column is absent); ``people``, the column of `homes` that is counted
        (``residents`` where absent).
    p, budget
        How many options may be chosen, how many yuan spent; one of them at least. Fewer are chosen where more add nobody.
    covered
        homes × kinds: whether an existing facility is within reach. No where the home or the kind is absent; where it is
        not known (NA) the home counts as nothing and is reported.
    effort
        How hard to look.

    Returns
    -------
    Siting
        `objective`: weighted people newly reached. `gains`: ``home_id``, ``kind``, ``site_id`` (the nearest chosen; the
        one assigned where capacity counts), ``walk_min``, ``residents`` (served). `totals`: ``kind``, ``weight``, ``residents`` (known), ``residents_before`` (covered),
        ``residents_gained``, ``residents_left`` (in reach of an option, not chosen or full), ``residents_out_of_reach`` (of every option), ``homes_gained``,
        ``homes_not_known`` (people or present coverage not known).

    Raises
    ------
    SchemaError, ValueError
        Negative or infinite residents, costs, limits or weights; ids or options or pairs that repeat; a kind without a row in
        `kinds`; p that is not from 1 to the number of candidate sites; a negative budget; neither p nor budget.

    Notes
    -----
    R. Church, C. ReVelle (1974), Papers of the Regional Science Association 32: 101–118. Swaps: M. Teitz, P. Bart (1968),
    Operations Research 16: 955–961. Bound: R. Galvão, C. ReVelle (1996), European Journal of Operational Research 88: 114–123.
    Homes that the same options reach are one in the model, which changes neither answer nor bound.

    With capacities a home may be split among sites, as a planner draws catchments (J. Current, J. Storbeck (1988), Environment
    and Planning B 15: 153–163). Who is served by the chosen options is then exact (a linear programme: most people, then fewest
    minutes); the choice is greedy with swaps by nearest homes first, its bound that of the Lagrangian, and HiGHS
    proves it at small size only.

    Examples
    --------
    One site may be opened. b reaches 30 + 30, a only 50.

    >>> pairs = pd.DataFrame({"home_id": ["g", "h", "i"], "facility_id": ["a", "b", "b"], "walk_min": [4.0, 9.0, 15.0]})
    >>> homes = pd.DataFrame({"residents": [50.0, 30.0, 30.0, 8.0]}, index=["g", "h", "i", "far"])
    >>> sites = pd.DataFrame({"site_id": ["a", "b"], "kind": "clinic"})
    >>> answer = maximal_covering(pairs, homes, sites, kinds=pd.DataFrame({"limit_min": [15.0]}, index=["clinic"]), p=1)
    >>> answer.chosen[["site_id", "added"]].values.tolist(), answer.proven, answer.gains["home_id"].tolist()
    ([['b', 60.0]], True, ['h', 'i'])
    >>> print(answer)
    maximal covering: 60, proven the best possible
    """
    if p is None and budget is None:
        raise ValueError("Say how many sites may be chosen (p), how much may be spent (budget), or both.")
    case = _case(pairs, homes, sites, kinds=kinds, covered=covered, budget=budget)
    full, model = _covering(case, p=_number(p, case), budget=budget)
    return _told("maximal covering", case, full, solve(model, effort))


def smallest_set(
    pairs: pd.DataFrame,
    homes: pd.DataFrame,
    sites: pd.DataFrame,
    *,
    kinds: pd.DataFrame,
    covered: pd.DataFrame | None = None,
    effort: Effort = USUAL,
) -> Siting:
    """The fewest sites that bring every home that can be reached within the limit (location set covering problem).

    minimise ``Σ x_j`` subject to ``Σ x_j ≥ 1`` over the sites within reach of i, for every home i that some site reaches.

    It is solved as the smallest p whose maximal covering, each group of homes counting 1, leaves nobody out; that p − 1 sites cannot
    do it is shown by the bound of that problem.

    Parameters
    ----------
    pairs, homes, sites, kinds, covered, effort
        As in `maximal_covering`, with options and limits of one kind. Homes of unknown residents are to be reached too; homes where
        nobody lives (0) are not, nor those whose present coverage is not known. Costs and capacities are not looked at.

    Returns
    -------
    Siting
        `objective`: the number of sites; `bound`: no set has fewer. ``added`` in `chosen` counts homes. `gains` and `totals` as in `maximal_covering`; out
        of reach are those that no candidate reaches.

    Raises
    ------
    SchemaError, ValueError
        As `maximal_covering`; options of several kinds.

    Notes
    -----
    C. Toregas, R. Swain, C. ReVelle, L. Bergman (1971), Operations Research 19: 1363–1373.

    Examples
    --------
    >>> pairs = pd.DataFrame({"home_id": ["g", "h", "h", "i"], "facility_id": ["a", "a", "b", "c"], "walk_min": 5.0})
    >>> homes = pd.DataFrame({"residents": 10.0}, index=["g", "h", "i"])
    >>> sites = pd.DataFrame({"site_id": ["a", "b", "c"], "kind": "clinic"})
    >>> answer = smallest_set(pairs, homes, sites, kinds=pd.DataFrame({"limit_min": [15.0]}, index=["clinic"]))
    >>> answer.chosen["site_id"].tolist(), answer.bound, answer.proven
    (['a', 'c'], 2.0, True)
    """
    plain = sites.drop(columns=["cost_yuan", "capacity"], errors="ignore")
    case = _case(pairs, homes, plain, kinds=kinds, covered=covered, budget=None)
    if len(set(case.options["kind"])) > 1:
        raise ValueError("smallest_set is of one kind; call it once for each kind.")
    full, model = _covering(case, p=max(len(case.options), 1), budget=None, each=True)
    every = float(model.rows)
    best = improve(model, greedy(model, np.empty(0, np.int64)))
    steps, low, stopped = {"greedy": None, "swaps": None}, 0, "proven"
    while low < len(best) and len(best) > 1:  # one site is fewest wherever somebody is to be reached
        found = solve(model._replace(p=len(best) - 1), effort)
        steps |= dict.fromkeys(found.method)
        if found.value >= every - TINY:
            best = found.chosen
        else:
            low, stopped = least_number(model, len(best), found.bound, effort), found.stopped
            break
    found = Found(
        best, float(len(best)), float(low or len(best)), tuple(steps), "proven" if low in (0, len(best)) else stopped
    )
    return _told("smallest set", case, full, found, fewest=True)


def p_median(
    pairs: pd.DataFrame,
    homes: pd.DataFrame,
    sites: pd.DataFrame,
    *,
    p: int,
    now_min: pd.Series[float] | None = None,
    unreached_min: float | None = None,
    effort: Effort = USUAL,
) -> Siting:
    """The p sites that make the mean walk to the nearest facility shortest (p-median).

    minimise ``Σ P_i min_j d_ij / Σ P_i`` over the chosen sites j and, where there are any, the existing facilities.

    Parameters
    ----------
    pairs
        Long table home_id, facility_id (site_id), walk_min; one row a pair. Any distance will do for the minutes.
    homes
        On home_id: ``residents``. Homes whose residents are not known are left out and counted.
    sites
        One row a site: ``site_id``; ``kind`` where it is to be shown. One kind at a time.
    p
        How many sites are added.
    now_min
        On home_id: minutes to the nearest existing facility, NaN where there is none in reach.
    unreached_min
        What a home counts that reaches neither a chosen site nor an existing facility; needed where some pair is absent
        for a home without an existing facility, as where pairs end at a limit. Not less than any minute given.

    Returns
    -------
    Siting
        `objective`: the mean minutes, `bound`: no choice has less. `chosen`: ``added`` is the fall of the mean. `gains`: ``home_id``, ``site_id``, ``walk_min``, ``walk_min_before``
        (NaN where none was in reach), ``residents``, for every home that is nearer to a chosen site than to what there is. `totals`: ``residents``,
        ``residents_reached``, ``residents_not_reached`` (their homes reach nothing, and count as `unreached_min`),
        ``residents_out_of_reach`` (homes that reach no site and no facility at all: left out), ``homes_not_known``, ``mean_min``,
        ``mean_min_before`` (NaN where somebody reached nothing and `unreached_min` was not given).

    Raises
    ------
    SchemaError, ValueError
        As `maximal_covering`; pairs that are absent while `unreached_min` is not given, or is less than a minute given.

    Notes
    -----
    S. L. Hakimi (1964), Operations Research 12: 450–459; C. ReVelle, R. Swain (1970), Geographical Analysis 2: 30–42.

    Examples
    --------
    >>> pairs = pd.DataFrame({"home_id": ["g", "g", "h", "h"], "facility_id": ["a", "b"] * 2, "walk_min": [0.0, 6.0, 9.0, 5.0]})
    >>> homes = pd.DataFrame({"residents": [10.0, 20.0]}, index=["g", "h"])
    >>> answer = p_median(pairs, homes, pd.DataFrame({"site_id": ["a", "b"]}), p=1)
    >>> answer.chosen["site_id"].tolist(), round(answer.objective, 4), answer.proven
    (['b'], 5.3333, True)
    """
    if sites.get("kind", pd.Series("", index=sites.index)).nunique() > 1:
        raise ValueError("p_median is of one kind; call it once for each kind.")
    named = sites.assign(kind=sites["kind"] if "kind" in sites else "").drop(
        columns=["cost_yuan", "capacity"], errors="ignore"
    )
    kinds = pd.DataFrame({"limit_min": np.finfo(float).max}, index=named["kind"].unique())
    case = _case(pairs, homes, named, kinds=kinds, covered=None, budget=None)
    p = _number(p, case)
    now = np.full(len(case.homes), np.nan) if now_min is None else now_min.reindex(case.homes).to_numpy(dtype="float64")
    if now_min is not None:
        check_numbers(now_min, "now_min")
    known = ~np.isnan(case.people[:, 0])
    many = np.bincount(case.home, minlength=len(case.homes))
    lasting = known & (many < len(case.options)) & np.isnan(now) & (many > 0)
    if unreached_min is None and lasting.any():
        first = case.homes[int(np.argmax(lasting))]
        raise ValueError(
            f"{int(lasting.sum())} homes have no minutes to some site (first: {first!r}); say with unreached_min what a home counts "
            "that reaches none of those chosen."
        )
    if (
        unreached_min is not None
        and not max(case.minutes.max(initial=0.0), np.nanmax(now, initial=0.0)) <= unreached_min < np.inf
    ):
        raise ValueError(f"unreached_min must be a number of minutes, not less than any given; it is {unreached_min}.")
    farthest = np.zeros(len(case.homes))
    np.maximum.at(farthest, case.home, case.minutes)
    base = np.where(np.isnan(now), farthest if unreached_min is None else unreached_min, now)
    counted = known & ((many > 0) | ~np.isnan(now))
    weight = np.where(counted, np.nan_to_num(case.people[:, 0]), 0.0)
    saving = weight[case.home] * (base[case.home] - case.minutes)
    keep = saving > 0
    m = len(case.options)
    rows, row = np.unique(case.home[keep], return_inverse=True)
    model = Model(row, case.option[keep], saving[keep], len(rows), np.arange(m), np.zeros(m), p, np.inf)
    forced = greedy(model, np.empty(0, np.int64))
    if not len(forced) and m and counted.any() and np.isnan(now).any():
        forced = np.array([0])
    found = solve(model, effort) if len(model.row) else Found(forced, 0.0, 0.0, ("greedy",), "proven")
    return _told_median(case, model, found, _Base(base, now, weight, counted, many > 0, unreached_min is not None))


def curve(
    pairs: pd.DataFrame,
    homes: pd.DataFrame,
    sites: pd.DataFrame,
    *,
    kinds: pd.DataFrame,
    p: int,
    budget: float | None = None,
    covered: pd.DataFrame | None = None,
    effort: Effort = QUICK,
) -> pd.DataFrame:
    """What each further site adds: maximal covering for every number of options from 1 to `p`.

    Each is a choice of its own: the best two need not contain the best one. Each starts from the one before it, so that
    more options never reach fewer. Parameters and what is raised are those of `maximal_covering`.

    Returns
    -------
    DataFrame
        One row a number: ``p``, ``objective`` (weighted people newly reached), ``added`` (to the row before), ``share`` (of all who could be
        reached by taking every option, kinds weighted; with several uses a site, at most), ``bound``, ``gap_share``, ``proven``, ``stopped``.

    Examples
    --------
    >>> pairs = pd.DataFrame({"home_id": ["g", "h", "i"], "facility_id": ["a", "b", "b"], "walk_min": [4.0, 9.0, 15.0]})
    >>> homes = pd.DataFrame({"residents": [50.0, 30.0, 30.0]}, index=["g", "h", "i"])
    >>> sites = pd.DataFrame({"site_id": ["a", "b"], "kind": "clinic"})
    >>> reached = curve(pairs, homes, sites, kinds=pd.DataFrame({"limit_min": [15.0]}, index=["clinic"]), p=2)
    >>> reached[["p", "objective", "added"]].values.tolist()
    [[1.0, 60.0, 60.0], [2.0, 110.0, 50.0]]
    """
    case = _case(pairs, homes, sites, kinds=kinds, covered=covered, budget=budget)
    _, model = _covering(case, p=_number(p, case), budget=budget)
    answers: list[Found] = []
    start = np.empty(0, np.int64)
    for many in range(1, int(p) + 1):
        answers.append(solve(model._replace(p=many), effort, start=greedy(model._replace(p=many), start)))
        start = answers[-1].chosen
    reached = np.array([found.value for found in answers])
    bound = np.array([found.bound for found in answers])
    whole = float(best_savings(model, np.arange(len(model.site))).sum())
    return pd.DataFrame(
        {
            "p": np.arange(1, int(p) + 1),
            "objective": reached,
            "added": np.diff(reached, prepend=0.0),
            "share": reached / whole if whole > 0 else np.full(len(reached), np.nan),
            "bound": bound,
            "gap_share": gap_of(reached, bound),
            "proven": [found.stopped == "proven" for found in answers],
            "stopped": pd.array([found.stopped for found in answers], dtype="str"),
        }
    )


def gains_by_area(gains: pd.DataFrame, areas: pd.Series[str]) -> pd.DataFrame:
    """Where those who gain live.

    Parameters
    ----------
    gains
        As in the answer of `maximal_covering` or `smallest_set`.
    areas
        On home_id: the area, missing for homes in none.

    Returns
    -------
    DataFrame
        One row for each area and kind in which a home gains, sorted, homes in no area last under a missing area_id: ``area_id``, ``kind``,
        ``residents_gained`` (known), ``homes_gained``.

    Examples
    --------
    >>> gains = pd.DataFrame({"home_id": ["g", "h", "i"], "kind": "clinic", "site_id": "b", "residents": [5.0, 3.0, 2.0]})
    >>> gains_by_area(gains, pd.Series({"g": "east", "h": "west", "i": "west"})).values.tolist()
    [['east', 'clinic', 5.0, 1], ['west', 'clinic', 5.0, 2]]
    """
    once = gains.groupby(["home_id", "kind"], as_index=False)["residents"].sum(min_count=1)
    once["area_id"] = areas.reindex(once["home_id"]).astype("str").array
    groups = once.groupby(["area_id", "kind"], dropna=False)["residents"]
    told: pd.DataFrame = groups.agg(residents_gained="sum", homes_gained="size").reset_index()
    return told


def costs(options: pd.DataFrame, table: pd.DataFrame) -> pd.Series[float]:
    """What each option costs: the area that is converted × the yuan a square metre of its kind.

    Parameters
    ----------
    options
        ``kind`` and ``area_m2`` (of the use, not of the whole building: floor, or ground where the use is outdoors), NaN where not known.
    table
        One profile of the table conversion_costs: ``code`` (kind), ``quantity`` (``yuan_per_m2``), ``value``. The row ``any`` is used for kinds
        without one of their own.

    Returns
    -------
    Series
        float64 yuan on the index of `options`, named ``cost_yuan``; NaN where the area or the rate is not known; 0 m² is no measurement.

    Raises
    ------
    SchemaError
        A kind with several rates; negative areas or rates.

    Notes
    -----
    The shipped rates are our own assumptions (mark D), without a published source, for comparing options; a study
    should bring its own edition.

    Examples
    --------
    >>> options = pd.DataFrame({"kind": ["nursery", "clinic", "clinic"], "area_m2": [200.0, 100.0, float("nan")]})
    >>> table = pd.DataFrame({"code": ["nursery", "any"], "quantity": "yuan_per_m2", "value": [3000.0, 2000.0]})
    >>> costs(options, table).tolist()
    [600000.0, 200000.0, nan]
    """
    rates = table[table["quantity"] == "yuan_per_m2"].set_index("code")["value"]
    check_numbers(rates, "conversion_costs")
    check_numbers(options["area_m2"].reset_index(drop=True), "area_m2")
    rate = options["kind"].map(rates).astype("float64").fillna(float(rates.get("any", np.nan)))
    area = options["area_m2"].astype("float64")
    return (area.where(area > 0) * rate).rename("cost_yuan")


# --- what is asked ----------------------------------------------------------------------------------------------------


class _Case(NamedTuple):
    """The question in numbers: homes, kinds and options in the order of their ids, and the entries (home, option) that count.

    `people` and `before` are homes × kinds: people, NaN where not known; whether covered now, NaN where not known.
    `left_out` lists the options that are not among `options`, and `sites` is the number of candidate sites.
    """

    homes: pd.Index[Any]
    kinds: pd.DataFrame
    people: Array
    before: Array
    options: pd.DataFrame
    kind: Array
    home: Array
    option: Array
    minutes: Array
    left_out: pd.DataFrame
    sites: int


def _case(
    pairs: pd.DataFrame,
    homes: pd.DataFrame,
    sites: pd.DataFrame,
    *,
    kinds: pd.DataFrame,
    covered: pd.DataFrame | None,
    budget: float | None,
) -> _Case:
    homes = homes.sort_index()
    kinds = kinds.sort_index()
    check_numbers(kinds["limit_min"], "kinds")
    weight = kinds["weight"] if "weight" in kinds else pd.Series(1.0, index=kinds.index)
    check_numbers(weight, "kinds")
    kinds = kinds.assign(weight=weight.astype("float64"))
    if kinds[["limit_min", "weight"]].isna().any(axis=None):
        raise SchemaError("kinds", ["limit_min and weight must be numbers"])
    named = list(kinds["people"]) if "people" in kinds else ["residents"] * len(kinds)
    lacking = [column for column in dict.fromkeys(named) if column not in homes]
    if lacking:
        raise SchemaError("homes", [f"lacks the column {', '.join(lacking)}"])
    for column in dict.fromkeys(named):
        check_numbers(homes[column], column)
    _check_options(sites, kinds, budget)
    options, left_out = _options(sites, budget)
    listed = sites["site_id"].nunique()
    site = pd.Index(options["site_id"].unique())
    home, place = rows_of(pairs["home_id"], homes.index), rows_of(pairs["facility_id"], site)
    minutes = pairs["walk_min"].to_numpy(dtype="float64")
    if (home < 0).any():
        strange = pairs["home_id"].iloc[int(np.argmax(home < 0))]
        raise SchemaError(
            "pairs", [f"{int((home < 0).sum())} rows name a home_id without a row of its own (first: {strange!r})"]
        )
    if (minutes < 0).any():
        raise SchemaError("pairs", [f"column walk_min: {int((minutes < 0).sum())} values below 0"])
    kept = (place >= 0) & (minutes <= kinds["limit_min"].max() + _SLACK)
    home, place, minutes = home[kept], place[kept], minutes[kept]
    order = np.argsort(home * np.int64(max(1, len(site))) + place, kind="stable")
    home, place, minutes = home[order], place[order], minutes[order]
    if ((np.diff(home) == 0) & (np.diff(place) == 0)).any():
        raise SchemaError("pairs", ["a home and a site are paired more than once"])
    kind = kinds.index.get_indexer(pd.Index(options["kind"]))
    # options stand in the order of their sites, so that each site's are a run
    first = np.searchsorted(site.get_indexer(pd.Index(options["site_id"])), np.arange(len(site) + 1))
    uses = np.diff(first)[place]
    entry = np.repeat(np.arange(len(place)), uses)
    option = first[place][entry] + np.arange(len(entry)) - np.repeat(np.cumsum(uses) - uses, uses)
    home, minutes = home[entry], minutes[entry]
    near = minutes <= kinds["limit_min"].to_numpy(dtype="float64")[kind[option]] + _SLACK
    people = homes[named].to_numpy(dtype="float64").reshape(len(homes), len(kinds))
    return _Case(
        homes.index,
        kinds,
        people,
        _before(covered, homes.index, kinds.index),
        options,
        kind,
        home[near],
        option[near],
        minutes[near],
        left_out,
        listed,
    )


def _check_options(sites: pd.DataFrame, kinds: pd.DataFrame, budget: float | None) -> None:
    faults = []
    if sites[["site_id", "kind"]].isna().any(axis=None):
        faults.append("site_id and kind must be known")
    twice = sites.duplicated(["site_id", "kind"])
    if twice.any():
        faults.append(f"a site and a kind are listed more than once (first: {sites['site_id'][twice].iloc[0]!r})")
    strange = ~sites["kind"].isin(kinds.index)
    if strange.any():
        faults.append(f"the kind {sites['kind'][strange].iloc[0]!r} has no row in kinds")
    for column in ("cost_yuan", "capacity"):
        if column in sites:
            values = sites[column].to_numpy(dtype="float64")
            if (values < 0).any():
                faults.append(f"column {column}: {int((values < 0).sum())} values below 0")
            if column == "cost_yuan" and np.isinf(values).any():
                faults.append(f"column {column}: {int(np.isinf(values).sum())} values are infinite")
    if budget is not None and "cost_yuan" not in sites:
        faults.append("a budget needs the column cost_yuan")
    if faults:
        raise SchemaError("sites", faults)
    if budget is not None and not 0 <= budget < np.inf:
        raise ValueError(f"budget must be a number of yuan of 0 or more, not {budget}.")


def _options(sites: pd.DataFrame, budget: float | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The options that can be chosen, sorted by id, and those that cannot, with why."""
    options = sites.sort_values(["site_id", "kind"], ignore_index=True)
    why = pd.Series("", index=options.index, dtype="str")
    if budget is not None:
        cost = options["cost_yuan"].astype("float64")
        why = why.mask(cost > budget * (1 + ROUNDING), "over_budget").mask(cost.isna(), "cost_not_known")
    if "capacity" in options:
        why = why.mask(options["capacity"].isna() & (why == ""), "capacity_not_known")
    left_out = options.loc[why != "", ["site_id", "kind"]].assign(why=why[why != ""])
    return options[why == ""].reset_index(drop=True), left_out.reset_index(drop=True)


def _before(covered: pd.DataFrame | None, homes: pd.Index[Any], kinds: pd.Index[Any]) -> Array:
    """Homes × kinds: 1 covered now, 0 not, NaN not known."""
    out = np.zeros((len(homes), len(kinds)))
    if covered is None:
        return out
    if not covered.index.is_unique:
        raise SchemaError("covered", ["home_id repeats"])
    row, column = covered.index.get_indexer(homes), covered.columns.get_indexer(kinds)
    told = covered.astype("boolean").to_numpy(dtype="float64", na_value=np.nan)
    both = np.ix_(row >= 0, column >= 0)
    out[both] = told[np.ix_(row[row >= 0], column[column >= 0])]
    return out


def _number(p: int | None, case: _Case) -> int:
    if p is None:
        return max(case.sites, 1)
    if p != int(p) or p < 1:
        raise ValueError(f"p must be a whole number of sites, 1 or more, not {p}.")
    if p > case.sites:
        raise ValueError(f"p is {p}, but there are {case.sites} candidate sites.")
    return int(p)


# --- the model --------------------------------------------------------------------------------------------------------


def _covering(case: _Case, *, p: int, budget: float | None, each: bool = False) -> tuple[Model, Model]:
    """The covering model, first with a row for each home and kind that counts, then with those of equal reach merged.

    With `each`, every home counts 1, homes of unknown people among them, and so does every group of homes.
    """
    kind = case.kind[case.option]
    people, before = case.people[case.home, kind], case.before[case.home, kind]
    weight = np.ones(len(people)) if each else np.nan_to_num(people) * case.kinds["weight"].to_numpy()[kind]
    counts = (before == 0) & (weight > 0) & (people != 0)
    key = case.home[counts] * np.int64(len(case.kinds)) + kind[counts]
    option, minutes, people, weight = case.option[counts], case.minutes[counts], people[counts], weight[counts]
    order = np.lexsort((option, key))
    option, minutes, people, weight = option[order], minutes[order], people[order], weight[order]
    distinct, first, row = np.unique(key[order], return_index=True, return_inverse=True)
    m = len(case.options)
    site = pd.factorize(case.options["site_id"])[0]
    cost = np.zeros(m) if budget is None else case.options["cost_yuan"].to_numpy(dtype="float64")
    limit = np.inf if budget is None else float(budget) * (1 + ROUNDING)
    model = Model(row, option, weight, len(distinct), site, cost, p, limit, minutes=minutes)
    if "capacity" in case.options:
        model = model._replace(capacity=case.options["capacity"].to_numpy(dtype="float64"), asks=people[first])
        model = model._replace(turn=serving_order(model))
    return model, merge_alike(model, each=each)


# --- what is told -----------------------------------------------------------------------------------------------------


def _ranked(model: Model, chosen: Array) -> tuple[Array, Array]:
    """The chosen options in the order in which each adds most, and what they are worth so far."""
    order: list[int] = []
    for _ in range(len(chosen)):
        gain = np.full(len(model.site), -np.inf)
        rest = np.setdiff1d(chosen, order)
        gain[rest] = gains_of(model, np.array(order, np.int64))[rest]
        order.append(int(gain.argmax()))
    # a linear programme for each is too much at large size: the last one then takes what assigning homes best adds
    few = model.capacity is None or len(order) * np.isin(model.option, chosen).sum() <= _EXACTLY
    worth = exact_worth if few else worth_of
    so_far = np.array([worth(model, np.sort(order[: k + 1])) for k in range(len(order))], dtype="float64")
    so_far[-1:] = exact_worth(model, chosen) if len(order) else so_far[-1:]
    return np.array(order, np.int64), so_far


def _told(name: str, case: _Case, model: Model, found: Found, *, fewest: bool = False) -> Siting:
    order, so_far = _ranked(model, found.chosen)
    inside = np.isin(case.option, found.chosen)
    kind = case.kind[case.option]
    before = case.before[case.home, kind]
    people = case.people[case.home, kind]
    counted = case.options.columns.isin(["capacity"]).any()
    if counted:
        # the entries of the model are those of the case that count, in the order of home, kind and option
        here = np.flatnonzero((before == 0) & (np.nan_to_num(people) * case.kinds["weight"].to_numpy()[kind] > 0))
        here = here[np.lexsort((case.option[here], kind[here], case.home[here]))]
        served = assigned(model, found.chosen)
        entry, amount = here[served > TINY], served[served > TINY]
    else:
        entry = np.flatnonzero(inside & (before == 0))
        entry = entry[np.lexsort((case.option[entry], case.minutes[entry], kind[entry], case.home[entry]))]
        key = case.home[entry] * np.int64(len(case.kinds)) + kind[entry]
        entry = entry[np.append(True, key[1:] != key[:-1])] if len(entry) else entry
        amount = people[entry]
    gains = pd.DataFrame(
        {
            "home_id": case.homes.take(case.home[entry]),
            "kind": case.kinds.index.take(kind[entry]),
            "site_id": case.options["site_id"].take(case.option[entry]).array,
            "walk_min": case.minutes[entry],
            "residents": amount,
        }
    )
    gained = np.zeros(case.people.shape)
    np.add.at(gained, (case.home[entry], kind[entry]), np.nan_to_num(amount))
    near = np.zeros(case.people.shape, bool)
    near[case.home, kind] = True
    known = ~np.isnan(case.people) & ~np.isnan(case.before)
    heads = np.where(known, case.people, 0.0)
    now = np.nan_to_num(case.before) > 0
    totals = pd.DataFrame(
        {
            "kind": case.kinds.index,
            "weight": case.kinds["weight"].to_numpy(),
            "residents": heads.sum(axis=0),
            "residents_before": (heads * now).sum(axis=0),
            "residents_gained": gained.sum(axis=0),
            "residents_left": (heads * (near & ~now) - gained).sum(axis=0),
            "residents_out_of_reach": (heads * (~near & ~now)).sum(axis=0),
            "homes_gained": gains.drop_duplicates(["home_id", "kind"])["kind"]
            .value_counts()
            .reindex(case.kinds.index, fill_value=0)
            .to_numpy(),
            "homes_not_known": (~known).sum(axis=0),
        }
    )
    return Siting(
        model=name,
        chosen=_chosen(case, order, so_far),
        gains=gains,
        totals=totals,
        left_out=_left_out(case, model),
        objective=found.value,
        bound=found.bound,
        gap_share=float(gap_of(found.value, found.bound)),
        proven=found.stopped == "proven",
        method=found.method,
        stopped=found.stopped,
    )


def _chosen(case: _Case, order: Array, so_far: Array) -> pd.DataFrame:
    rows = case.options.take(order)
    extra = {column: rows[column].to_numpy() for column in ("cost_yuan", "capacity") if column in rows}
    columns = {"rank": np.arange(1, len(order) + 1), "site_id": rows["site_id"].array, "kind": rows["kind"].array}
    return pd.DataFrame({**columns, **extra, "added": np.diff(so_far, prepend=0.0), "objective": so_far})


def _left_out(case: _Case, model: Model) -> pd.DataFrame:
    idle = np.bincount(model.option, minlength=len(case.options)) == 0
    nobody = case.options.loc[idle, ["site_id", "kind"]].assign(why="reaches_nobody_new")
    both: pd.DataFrame = pd.concat([case.left_out, nobody]) if len(case.left_out) else nobody
    return both.sort_values(["site_id", "kind"], ignore_index=True)


class _Base(NamedTuple):
    """Of each home: minutes without a chosen site, minutes now, people that count, whether it counts, whether a site is near."""

    minutes: Array
    now: Array
    weight: Array
    counted: Array
    near: Array
    given: bool


def _told_median(case: _Case, model: Model, found: Found, base: _Base) -> Siting:
    whole, people = float((base.weight * base.minutes).sum()), float(base.weight.sum())
    over = people if people > 0 else np.nan
    order, so_far = _ranked(model, found.chosen) if len(model.row) else (found.chosen, np.zeros(len(found.chosen)))
    chosen = np.isin(case.option, found.chosen)
    entry = np.flatnonzero(chosen)
    entry = entry[np.lexsort((case.option[entry], case.minutes[entry], case.home[entry]))]
    entry = entry[np.append(True, np.diff(case.home[entry]) != 0)] if len(entry) else entry
    reached = np.zeros(len(case.homes), bool)
    reached[case.home[entry]] = True
    now = base.now[case.home[entry]]
    entry = entry[np.isnan(now) | (case.minutes[entry] < now)]
    home = case.home[entry]
    gains = pd.DataFrame(
        {
            "home_id": case.homes.take(home),
            "site_id": case.options["site_id"].take(case.option[entry]).array,
            "walk_min": case.minutes[entry],
            "walk_min_before": base.now[home],
            "residents": case.people[home, 0],
        }
    )
    heads = np.nan_to_num(case.people[:, 0])
    known = ~np.isnan(case.people[:, 0])
    reached |= ~np.isnan(base.now)
    answered = base.given or not (np.isnan(base.now) & (base.weight > 0)).any()
    totals = pd.DataFrame(
        {
            "residents": [people],
            "residents_reached": [float(base.weight[reached].sum())],
            "residents_not_reached": [float(base.weight[~reached].sum())],
            "residents_out_of_reach": [float(heads[known & ~base.counted].sum())],
            "homes_not_known": [int((~known).sum())],
            "mean_min": [(whole - found.value) / over],
            "mean_min_before": [whole / over if answered else np.nan],
        }
    )
    mean, low = (whole - found.value) / over, (whole - found.bound) / over
    table = _chosen(case, order, so_far / over)
    return Siting(
        model="p-median",
        chosen=table.assign(objective=whole / over - table["objective"]),
        gains=gains,
        totals=totals,
        left_out=_left_out(case, model),
        objective=mean,
        bound=low,
        gap_share=float(gap_of(mean, low)) if people > 0 else 0.0,
        proven=found.stopped == "proven",
        method=found.method,
        stopped=found.stopped,
    )


# As in coverage: a limit met exactly is met.
_SLACK = 1e-9
# Entries assigned by linear programmes, one a rank, in the table of the chosen.
_EXACTLY = 200_000
