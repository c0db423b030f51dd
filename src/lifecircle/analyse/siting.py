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
from numpy.typing import NDArray

from lifecircle.errors import SchemaError

_Array = NDArray[Any]


class Effort(NamedTuple):
    """How hard to look; all but `seconds` mean the same on every machine.

    `kicks`: how often a few options are changed at random before swapping anew, less often in very large models. `rounds`:
    steps of the Lagrangian, likewise. `entries`: the largest model, in pairs of an option with a group of homes, that HiGHS
    searches; its linear programme alone is solved up to six times that size (medians and capacities count eightfold). `nodes`: the
    most nodes of HiGHS's search, 0 for none. `seconds`: when HiGHS's search gives up, the last resort.

    >>> Effort(nodes=100)._replace(seconds=5.0).nodes
    100
    """

    kicks: int = 60
    rounds: int = 600
    entries: int = 50_000
    nodes: int = 20_000
    seconds: float = 15.0


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
    return _told("maximal covering", case, full, _solved(model, effort))


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
    best = _swapped(model, _greedy(model, np.empty(0, np.int64)))
    steps, low, stopped = {"greedy": None, "swaps": None}, 0, "proven"
    while low < len(best) and len(best) > 1:  # one site is fewest wherever somebody is to be reached
        found = _solved(model._replace(p=len(best) - 1), effort)
        steps |= dict.fromkeys(found.method)
        if found.value >= every - _TINY:
            best = found.chosen
        else:
            low, stopped = _fewest(model, len(best), found.bound, effort), found.stopped
            break
    found = _Found(
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
        _check(now_min, "now_min")
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
    model = _Model(row, case.option[keep], saving[keep], len(rows), np.arange(m), np.zeros(m), p, np.inf)
    forced = _greedy(model, np.empty(0, np.int64))
    if not len(forced) and m and counted.any() and np.isnan(now).any():
        forced = np.array([0])
    found = _solved(model, effort) if len(model.row) else _Found(forced, 0.0, 0.0, ("greedy",), "proven")
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
    answers: list[_Found] = []
    start = np.empty(0, np.int64)
    for many in range(1, int(p) + 1):
        answers.append(_solved(model._replace(p=many), effort, start=_greedy(model._replace(p=many), start)))
        start = answers[-1].chosen
    reached = np.array([found.value for found in answers])
    bound = np.array([found.bound for found in answers])
    whole = float(_best(model, np.arange(len(model.site))).sum())
    return pd.DataFrame(
        {
            "p": np.arange(1, int(p) + 1),
            "objective": reached,
            "added": np.diff(reached, prepend=0.0),
            "share": reached / whole if whole > 0 else np.full(len(reached), np.nan),
            "bound": bound,
            "gap_share": _gap(reached, bound),
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
    _check(rates, "conversion_costs")
    _check(options["area_m2"].reset_index(drop=True), "area_m2")
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
    people: _Array
    before: _Array
    options: pd.DataFrame
    kind: _Array
    home: _Array
    option: _Array
    minutes: _Array
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
    _check(kinds["limit_min"], "kinds")
    weight = kinds["weight"] if "weight" in kinds else pd.Series(1.0, index=kinds.index)
    _check(weight, "kinds")
    kinds = kinds.assign(weight=weight.astype("float64"))
    if kinds[["limit_min", "weight"]].isna().any(axis=None):
        raise SchemaError("kinds", ["limit_min and weight must be numbers"])
    named = list(kinds["people"]) if "people" in kinds else ["residents"] * len(kinds)
    lacking = [column for column in dict.fromkeys(named) if column not in homes]
    if lacking:
        raise SchemaError("homes", [f"lacks the column {', '.join(lacking)}"])
    for column in dict.fromkeys(named):
        _check(homes[column], column)
    _check_options(sites, kinds, budget)
    options, left_out = _options(sites, budget)
    listed = sites["site_id"].nunique()
    site = pd.Index(options["site_id"].unique())
    home, place = _rows(pairs["home_id"], homes.index), _rows(pairs["facility_id"], site)
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
        why = why.mask(cost > budget * (1 + _ROUNDING), "over_budget").mask(cost.isna(), "cost_not_known")
    if "capacity" in options:
        why = why.mask(options["capacity"].isna() & (why == ""), "capacity_not_known")
    left_out = options.loc[why != "", ["site_id", "kind"]].assign(why=why[why != ""])
    return options[why == ""].reset_index(drop=True), left_out.reset_index(drop=True)


def _before(covered: pd.DataFrame | None, homes: pd.Index[Any], kinds: pd.Index[Any]) -> _Array:
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


def _rows(ids: pd.Series[Any], index: pd.Index[Any]) -> _Array:
    """The row of each id in `index`, -1 where it has none; each distinct id is looked up once."""
    codes, distinct = pd.factorize(ids)
    return np.append(index.get_indexer(pd.Index(distinct)), -1)[codes]


def _check(numbers: pd.Series[Any], name: str) -> None:
    values = numbers.to_numpy(dtype="float64")
    faults = []
    if not numbers.index.is_unique:
        faults.append(f"the id {numbers.index[numbers.index.duplicated()][0]!r} repeats")
    if (values < 0).any():
        faults.append(
            f"{int((values < 0).sum())} values below 0 (first: {numbers.index[int(np.argmax(values < 0))]!r})"
        )
    if np.isinf(values).any():
        faults.append(f"{int(np.isinf(values).sum())} values are infinite")
    if faults:
        raise SchemaError(name, faults)


# --- the model --------------------------------------------------------------------------------------------------------


class _Model(NamedTuple):
    """Maximise Σ over rows of the largest saving that a chosen option gives the row.

    The entries ``row``, ``option``, ``saving`` stand in the order of the rows and, within one, of the options. Covering is the case in
    which all savings of a row are equal; the p-median saves people × (minutes without − minutes with). Of `p` options
    at most, of cost within `budget`, no two of one `site`. With `capacity` (people an option serves) the row asks for `asks`
    people, may be split, and its saving is what it is worth when served in full; `minutes` says who is served first, `turn` holds that order.
    """

    row: _Array
    option: _Array
    saving: _Array
    rows: int
    site: _Array
    cost: _Array
    p: int
    budget: float
    capacity: _Array | None = None
    asks: _Array | None = None
    minutes: _Array | None = None
    turn: _Array | None = None


class _Found(NamedTuple):
    """Options in the order of their ids, what they are worth, what none can surpass, the steps taken, what ended them."""

    chosen: _Array
    value: float
    bound: float
    method: tuple[str, ...]
    stopped: str


def _covering(case: _Case, *, p: int, budget: float | None, each: bool = False) -> tuple[_Model, _Model]:
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
    limit = np.inf if budget is None else float(budget) * (1 + _ROUNDING)
    model = _Model(row, option, weight, len(distinct), site, cost, p, limit, minutes=minutes)
    if "capacity" in case.options:
        model = model._replace(capacity=case.options["capacity"].to_numpy(dtype="float64"), asks=people[first])
        model = model._replace(turn=_turns(model))
    return model, _merged(model, each=each)


def _merged(model: _Model, *, each: bool) -> _Model:
    """The model with rows of equal options as one, worth their sum (with `each`: 1), as far away as their people on average."""
    if not model.rows:
        return model
    bits = np.random.default_rng(0).integers(0, 2**63, len(model.site), dtype=np.uint64)
    start = np.searchsorted(model.row, np.arange(model.rows))
    key = np.add.reduceat(bits[model.option], start)
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    # the key is a sum of random numbers: entries are compared, so that two sets of one sum are not taken for one
    many = np.diff(np.append(start, len(model.row)))
    place = np.arange(len(model.row)) - np.repeat(start, many)
    twin = start[first[group]][model.row] + np.minimum(place, many[first[group]][model.row] - 1)
    if (many != many[first[group]]).any() or (model.option[twin] != model.option).any():
        return model
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))  # groups in the order of their first home, whatever the keys are
    keep = first[group][model.row] == model.row
    row = rank[group[model.row[keep]]]
    worth = np.bincount(rank[group], model.saving[start])
    saving = np.ones(len(row)) if each else worth[row]
    merged = model._replace(row=row, option=model.option[keep], saving=saving, rows=len(first), minutes=None)
    if model.asks is None or model.minutes is None:
        return merged
    asks = np.bincount(rank[group], model.asks)
    into = np.searchsorted(row, rank[group[model.row]]) + place
    minutes = np.bincount(into, model.minutes * model.asks[model.row]) / asks[row]
    merged = merged._replace(asks=asks, minutes=minutes)
    return merged._replace(turn=_turns(merged))


# --- greedy, swaps, kicks ---------------------------------------------------------------------------------------------


def _best(model: _Model, chosen: _Array) -> _Array:
    """The largest saving that the chosen options give each row."""
    inside = np.zeros(len(model.site), bool)
    inside[chosen] = True
    inside = inside[model.option]
    out = np.zeros(model.rows)
    np.maximum.at(out, model.row[inside], model.saving[inside])
    return out


def _value(model: _Model, chosen: _Array) -> float:
    if model.capacity is not None:
        return float((_served(model, chosen) * _unit(model)).sum())
    return float(_best(model, chosen).sum())


def _tiny(model: _Model) -> float:
    return _ROUNDING * max(1.0, float(_best(model, np.arange(len(model.site))).sum()))


def _gains(model: _Model, chosen: _Array) -> _Array:
    """What each option would add to those chosen."""
    m = len(model.site)
    if model.capacity is None:
        more = np.maximum(model.saving - _best(model, chosen)[model.row], 0.0)
        return np.bincount(model.option, more, minlength=m)
    return _fill(model, _left(model, _served(model, chosen)))[0]


def _greedy(model: _Model, chosen: _Array, *, by_cost: bool = False) -> _Array:
    """Options added to those chosen, each time the one that adds most (for its cost), while p and budget allow; sorted."""
    picked = [int(j) for j in chosen]
    tiny = _tiny(model)
    while len(picked) < min(model.p, len(model.site)):
        gain = _gains(model, np.array(picked, np.int64))
        taken = np.isin(model.site, model.site[picked])
        gain[taken | (model.cost > model.budget - model.cost[picked].sum())] = 0.0
        score = gain / np.maximum(model.cost, _TINY) if by_cost else gain
        j = int(score.argmax())
        if gain[j] <= tiny:
            break
        picked.append(j)
    return np.sort(np.array(picked, np.int64))


def _swapped(model: _Model, chosen: _Array) -> _Array:
    """Swaps of one option for another, each time the one that gains most, until none does; what fits is added."""
    swaps = _swap_profit if model.capacity is None else _swap_profit_capacity
    tiny, value, last = _tiny(model), -np.inf, chosen
    while True:
        chosen = _greedy(model, chosen)
        # a swap is judged by sums in another order; no two answers may lead to one another for ever
        now = _value(model, chosen)
        if not len(chosen) or now <= value + tiny:
            return chosen if now >= value else last
        value, last = now, chosen
        profit = swaps(model, chosen)
        taken = np.isin(model.site, model.site[chosen])
        allowed = ~taken[:, None] | (model.site[:, None] == model.site[chosen])
        allowed &= model.cost[chosen].sum() - model.cost[chosen] + model.cost[:, None] <= model.budget
        allowed[chosen] = False
        profit = np.where(allowed, profit, -np.inf)
        j, r = divmod(int(profit.argmax()), len(chosen))
        if profit[j, r] <= tiny:
            return chosen
        chosen = np.sort(np.append(np.delete(chosen, r), j))


def _swap_profit(model: _Model, chosen: _Array) -> _Array:
    """Options × chosen: what is gained by taking the one for the other."""
    m, k = len(model.site), len(chosen)
    place = np.full(m, -1)
    place[chosen] = np.arange(k)
    inside = place[model.option] >= 0
    row, saving, by = model.row[inside], model.saving[inside], place[model.option[inside]]
    order = np.lexsort((by, -saving, row))
    row, saving, by = row[order], saving[order], by[order]
    head = np.flatnonzero(np.append(True, row[1:] != row[:-1])) if len(row) else np.empty(0, np.int64)
    best, second, whose = np.zeros(model.rows), np.zeros(model.rows), np.full(model.rows, -1)
    best[row[head]], whose[row[head]] = saving[head], by[head]
    after = head + 1
    after = after[(after < len(row)) & (row[np.minimum(after, len(row) - 1)] == row[np.minimum(after, len(row)) - 1])]
    second[row[after]] = saving[after]
    gain = np.bincount(model.option, np.maximum(model.saving - best[model.row], 0.0), minlength=m)
    loss = np.bincount(whose[whose >= 0], (best - second)[whose >= 0], minlength=k)
    owned = whose[model.row] >= 0
    at, saves = model.row[owned], model.saving[owned]
    kept = np.maximum(np.minimum(saves, best[at]) - second[at], 0.0)
    back = np.bincount(model.option[owned] * k + whose[at], kept, minlength=m * k).reshape(m, k)
    profit: _Array = gain[:, None] - loss + back
    return profit


def _kicked(model: _Model, chosen: _Array, *, kicks: int, enough: float) -> _Array:
    """Swaps anew after a few options were changed at random, as often as `kicks` says or until `enough` is reached."""
    rng = np.random.default_rng(0)
    value, tiny = _value(model, chosen), _tiny(model)
    for _ in range(kicks if len(chosen) else 0):
        if value >= enough - tiny:
            break
        few = min(_KICK, len(chosen))
        kept = np.delete(chosen, rng.choice(len(chosen), few, replace=False))
        for j in rng.permutation(len(model.site))[: 4 * few]:
            fits = len(kept) < len(chosen) and model.cost[kept].sum() + model.cost[j] <= model.budget
            if fits and not np.isin(model.site[j], model.site[kept]):
                kept = np.append(kept, j)
        tried = _swapped(model, np.sort(kept))
        better = _value(model, tried)
        if better > value + tiny:
            chosen, value = tried, better
    return chosen


# --- capacities -------------------------------------------------------------------------------------------------------


def _unit(model: _Model) -> _Array:
    """What one person of each entry's row is worth."""
    return model.saving if model.asks is None else np.divide(model.saving, model.asks[model.row])


def _left(model: _Model, served: _Array) -> _Array:
    asks = model.asks if model.asks is not None else np.ones(model.rows)
    return np.maximum(asks - np.bincount(model.row, served, minlength=model.rows), 0.0)


def _turns(model: _Model) -> _Array:
    """The entries in the order in which options serve them: by option, dearest and then nearest homes first."""
    minutes = model.minutes if model.minutes is not None else np.zeros(len(model.row))
    return np.lexsort((model.row, minutes, -_unit(model), model.option))


def _fill(model: _Model, left: _Array) -> tuple[_Array, _Array]:
    """What each option would be worth if it alone served who is left, and the people of each entry."""
    capacity = model.capacity if model.capacity is not None else np.full(len(model.site), np.inf)
    turn = model.turn if model.turn is not None else _turns(model)
    served = np.zeros(len(turn))
    served[turn] = _within(capacity, model.option[turn], left[model.row[turn]])
    return np.bincount(model.option, served * _unit(model), minlength=len(model.site)), served


def _within(capacity: _Array, option: _Array, asked: _Array) -> _Array:
    """Of what is asked of each option, one after another, the part that its capacity still holds; options come in runs."""
    total = np.cumsum(asked)
    start = np.searchsorted(option, np.arange(len(capacity)))
    earlier = total - asked - np.append(0.0, total)[start][option]
    held: _Array = np.clip(capacity[option] - earlier, 0.0, asked)
    return held


def _served(model: _Model, chosen: _Array) -> _Array:
    """People of each entry that the chosen options serve, one option after another, nearest homes first."""
    out = np.zeros(len(model.row))
    left = model.asks.copy() if model.asks is not None else np.ones(model.rows)
    capacity = model.capacity if model.capacity is not None else np.full(len(model.site), np.inf)
    turn = model.turn if model.turn is not None else _turns(model)
    first, last = np.searchsorted(model.option[turn], [chosen, chosen + 1])
    for j, low, high in zip(chosen, first, last, strict=True):
        mine = turn[low:high]
        asked = left[model.row[mine]]
        out[mine] = np.clip(capacity[j] - (np.cumsum(asked) - asked), 0.0, asked)
        left[model.row[mine]] = asked - out[mine]
    return out


def _swap_profit_capacity(model: _Model, chosen: _Array) -> _Array:
    """As `_swap_profit`, by what would be served with the others' homes left where they are."""
    served, unit = _served(model, chosen), _unit(model)
    profit = np.empty((len(model.site), len(chosen)))
    for r, j in enumerate(chosen):
        without = np.where(model.option == j, 0.0, served)
        profit[:, r] = _fill(model, _left(model, without))[0] - ((served - without) * unit).sum()
    return profit


# --- bounds -----------------------------------------------------------------------------------------------------------


class _Relaxed(NamedTuple):
    """The Lagrangian at some prices of the rows: its value, the price of money, what options are worth and are taken (0–1)."""

    value: float
    price: float
    worth: _Array
    taken: _Array
    used: _Array


def _relaxed(model: _Model, prices: _Array) -> _Relaxed:
    """What any choice is worth at most, where each row may be served many times but pays its price each time.

    ``Σ_i λ_i + max Σ_j x_j Σ_i max(0, s_ij − λ_i)``; with capacities the inner sum is a knapsack filled by people in parts; the
    budget is priced in turn.
    """
    m = len(model.site)
    more = model.saving - prices[model.row]
    if model.capacity is None or model.asks is None:
        part = (more > 0).astype("float64")
    else:
        good = more > 0
        net = np.divide(np.where(good, more, 0.0), model.asks[model.row])
        order = np.lexsort((-net, model.option))
        part = np.zeros(len(order))
        asked = np.where(good, model.asks[model.row], 0.0)[order]
        part[order] = _within(model.capacity, model.option[order], asked)
        part = np.divide(part, model.asks[model.row])
    worth = np.bincount(model.option, more * part, minlength=m)
    value, price, taken = _chosen_freely(model, worth)
    used = np.bincount(model.row, part * taken[model.option], minlength=model.rows)
    return _Relaxed(float(prices.sum()) + value, price, worth, taken, used)


def _chosen_freely(model: _Model, worth: _Array) -> tuple[float, float, _Array]:
    """The largest sum of `worth` within p, budget and one use a site, or a little more; the price of money; shares."""
    several = len(np.unique(model.site)) < len(model.site)

    def at(price: float) -> tuple[float, _Array]:
        net = worth - price * model.cost if price else worth
        pick = np.arange(len(net))
        if several:
            order = np.lexsort((pick, -net, model.site))
            pick = np.sort(order[np.append(True, np.diff(model.site[order]) != 0)])
        top = pick[np.argsort(-net[pick], kind="stable")[: model.p]]
        top = top[net[top] > 0]
        return float(net[top].sum()) + (price * model.budget if price else 0.0), top

    taken = np.zeros(len(worth))
    value, top = at(0.0)
    if model.cost[top].sum() <= model.budget:
        taken[top] = 1.0
        return value, 0.0, taken
    low, dear = 0.0, top
    paid = model.cost > 0
    high = float((worth[paid] / model.cost[paid]).max())
    value, cheap = at(high)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        found, top = at(middle)
        if model.cost[top].sum() > model.budget:
            low, dear = middle, top
        else:
            high, value, cheap = middle, found, top
    over, under = model.cost[dear].sum(), model.cost[cheap].sum()
    share = (model.budget - under) / (over - under)
    np.add.at(taken, dear, share)
    np.add.at(taken, cheap, 1.0 - share)
    return value, high, taken


def _lagrangian(model: _Model, lower: float, *, rounds: int, start: _Array | None = None) -> tuple[float, _Array]:
    """The least Lagrangian value found by subgradient steps, and its prices."""
    most = np.zeros(model.rows)
    np.maximum.at(most, model.row, model.saving)
    many = np.maximum(np.bincount(model.row, minlength=model.rows), 1)
    prices = most * (1.0 - 1.0 / many) if start is None else np.clip(start, 0.0, most)
    best, held, pace, still, before = np.inf, prices, 1.0, 0, np.zeros(model.rows)
    for _ in range(min(rounds, int(_WORK / _pass(model)) + 1)):
        now = _relaxed(model, prices)
        if now.value < best:
            still = still if now.value > best * (1 - 1e-5) else 0
            best, held = now.value, prices
        still += 1
        if still > _PATIENCE:
            pace, still, prices, before = pace / 2, 0, held, before * 0.0
            if pace < _SLOWEST:
                break
            continue
        slope = 1.0 - now.used
        slope[((prices <= 0) & (slope > 0)) | ((prices >= most) & (slope < 0))] = 0.0
        before = slope + 0.5 * before
        length = float(before @ before)
        if best <= lower or length == 0.0:
            break
        prices = np.clip(prices - pace * (now.value - lower) / length * before, 0.0, most)
    return best, held


def _ruled_out(model: _Model, prices: _Array, lower: float) -> _Array:
    """Options that no choice better than `lower` can contain, by the Lagrangian at `prices`."""
    now = _relaxed(model, prices)
    net = now.worth - now.price * model.cost
    of_site = np.full(int(model.site.max()) + 1, -np.inf)
    np.maximum.at(of_site, model.site, net)
    last = max(0.0, float(np.sort(of_site)[-model.p])) if model.p <= len(of_site) else 0.0
    return now.value - last + net < lower - _tiny(model)


# --- the whole search -------------------------------------------------------------------------------------------------


def _solved(model: _Model, effort: Effort, *, start: _Array | None = None) -> _Found:
    """Greedy and swaps, a bound, kicks, a better bound, and HiGHS on what the bound leaves open."""
    none = np.empty(0, np.int64)
    if not len(model.row):
        return _Found(none, 0.0, 0.0, ("greedy",), "proven")
    starts = [_greedy(model, none)] if start is None else [_greedy(model, none), start]
    if model.budget < np.inf:
        starts.append(_greedy(model, none, by_cost=True))
    chosen = _first_best(model, [_swapped(model, one) for one in starts])
    value = _exactly(model, chosen)
    steps = ["greedy", "swaps", "lagrangian"]
    bound = float(_best(model, np.arange(len(model.site))).sum())
    least, prices = _lagrangian(model, value, rounds=effort.rounds)
    bound = _whole(model, min(bound, least))
    if effort.kicks and not _met(value, bound):
        steps.append("kicks")
        looks = len(model.row) * (1 if model.capacity is None else model.p)
        kicks = min(effort.kicks, int(_KICKS / looks) + 1)
        tried = _kicked(model, chosen, kicks=kicks, enough=bound)
        better = _exactly(model, tried)
        if better > value:
            chosen, value = tried, better
    if effort.entries and _size(model) <= _LP * effort.entries and not _met(value, bound):
        steps.append("linear programme")
        least, prices = min((bound, prices), _priced(model, prices), key=lambda pair: pair[0])
        bound = _whole(model, min(bound, least))
    stopped = "bound"
    if effort.nodes and not _met(value, bound):
        open_ = ~_ruled_out(model, prices, value)
        open_[chosen] = True
        rest, options = _part(model, open_)
        if _size(rest) <= effort.entries:
            steps.append("branch and bound")
            taken, least, stopped = _searched(rest, np.searchsorted(options, chosen), effort)
            taken = np.sort(options[taken])
            better = _exactly(model, taken) if _allowed(model, taken) else -np.inf
            if better > value + _tiny(model):
                chosen, value = taken, better
            bound = _whole(model, min(bound, max(least, value)))
            if stopped == "proven":  # by HiGHS, to within its tolerances
                bound, stopped = (value, stopped) if bound <= value + _TINY * max(1.0, value) else (bound, "bound")
    if _met(value, bound):
        bound, stopped = value, "proven"
    return _Found(chosen, value, max(bound, value), tuple(steps), stopped)


def _allowed(model: _Model, chosen: _Array) -> bool:
    """Whether a choice keeps to p, the budget and one use a site, whatever a solver's tolerance let pass."""
    once = len(np.unique(model.site[chosen])) == len(chosen)
    return once and len(chosen) <= model.p and bool(model.cost[chosen].sum() <= model.budget)


def _size(model: _Model) -> int:
    """Entries as far as HiGHS goes; where each needs a variable and a row of its own, a model is much harder."""
    return len(model.row) * (1 if _flat(model) else _HARDER)


def _pass(model: _Model) -> int:
    """What one look at all entries costs; where they are sorted each time, ten times as much."""
    return max(len(model.row), 1) * (1 if model.capacity is None else 10)


def _first_best(model: _Model, answers: list[_Array]) -> _Array:
    values = [_value(model, one) for one in answers]
    return answers[int(np.argmax(values))]


def _exactly(model: _Model, chosen: _Array) -> float:
    """What the chosen options are worth when homes are assigned in the best way."""
    if model.capacity is None or not len(chosen):
        return _value(model, chosen)
    return float((_assigned(model, chosen) * _unit(model)).sum())


def _whole(model: _Model, bound: float) -> float:
    """A bound on sums of whole numbers is a whole number."""
    if model.capacity is None and (model.saving == np.floor(model.saving)).all():
        return float(np.floor(bound * (1 + _ROUNDING) + _TINY))
    return bound


def _met(value: float, bound: float) -> bool:
    return value >= bound - _PROOF * max(abs(bound), 1.0)


def _gap(value: Any, bound: Any) -> Any:
    """How far a value can be from the best possible, over the larger of the two; 0 where both are 0."""
    value, bound = np.asarray(value, float), np.asarray(bound, float)
    larger = np.maximum(np.abs(value), np.abs(bound))
    return np.divide(np.abs(bound - value), larger, out=np.zeros(larger.shape), where=larger > 0)


def _fewest(model: _Model, many: int, bound: float, effort: Effort) -> int:
    """The least number of options that no bound excludes, at most `many`, with the bound of one fewer given."""
    every = float(model.rows)
    while many > 0 and bound >= every - _PROOF * every:
        many -= 1
        fewer = model._replace(p=max(many - 1, 1))
        bound, prices = _lagrangian(fewer, 0.0, rounds=effort.rounds) if many > 1 else (0.0, np.empty(0))
        if many > 1 and effort.entries and len(model.row) <= _LP * effort.entries:
            bound = min(bound, _priced(fewer, prices)[0])
        bound = _whole(model, bound)
    return many


def _part(model: _Model, keep: _Array) -> tuple[_Model, _Array]:
    """The model of the options kept, without rows that none of them serves, and which options they are."""
    options = np.flatnonzero(keep)
    inside = keep[model.option]
    old, row = np.unique(model.row[inside], return_inverse=True)
    part = model._replace(
        row=row,
        option=np.searchsorted(options, model.option[inside]),
        saving=model.saving[inside],
        rows=len(old),
        site=np.unique(model.site[options], return_inverse=True)[1],
        cost=model.cost[options],
        capacity=None if model.capacity is None else model.capacity[options],
        asks=None if model.asks is None else model.asks[old],
        minutes=None if model.minutes is None else model.minutes[inside],
        turn=None,
    )
    if part.capacity is not None:
        return _merged(part._replace(turn=_turns(part)), each=False), options
    return (_merged(part, each=False) if _flat(part) else part), options


def _starts(model: _Model) -> _Array:
    return np.searchsorted(model.row, np.arange(model.rows))


# --- HiGHS ------------------------------------------------------------------------------------------------------------


def _priced(model: _Model, prices: _Array) -> tuple[float, _Array]:
    """The Lagrangian value at the prices of the linear programme, and those prices; the given ones where it was not solved."""
    solver, duals = _programme(model, whole=False), None
    solver.run()
    dual = np.abs(np.asarray(solver.getSolution().row_dual, dtype="float64"))
    if len(dual) >= model.rows:
        most = np.zeros(model.rows)
        np.maximum.at(most, model.row, model.saving)
        duals = np.clip(most - dual[: model.rows] if _flat(model) else dual[: model.rows], 0.0, most)
    prices = prices if duals is None else duals
    return _relaxed(model, prices).value, prices


def _searched(model: _Model, chosen: _Array, effort: Effort) -> tuple[_Array, float, str]:
    """What HiGHS finds from the chosen options on: options, bound, and what ended the search."""
    import highspy

    solver = _programme(model, whole=True)
    solver.setOptionValue("time_limit", float(effort.seconds))
    solver.setOptionValue("mip_max_nodes", int(effort.nodes))
    m = len(model.site)
    solution = highspy.HighsSolution()
    solution.col_value = _warm(model, chosen).tolist()
    solver.setSolution(solution)
    solver.run()
    status, info = solver.getModelStatus(), solver.getInfo()
    stopped = {
        highspy.HighsModelStatus.kOptimal: "proven",
        highspy.HighsModelStatus.kTimeLimit: "time",
    }.get(status, "nodes")
    found = np.asarray(solver.getSolution().col_value, dtype="float64")[:m]
    taken = np.flatnonzero(found > 0.5) if len(found) == m else chosen
    bound = float(info.mip_dual_bound) if np.isfinite(info.mip_dual_bound) else np.inf
    return taken, bound, stopped


def _flat(model: _Model) -> bool:
    """Whether all entries of a row save the same, so that one variable a row is enough."""
    if model.capacity is not None:
        return False
    return bool((model.saving == model.saving[_starts(model)][model.row]).all())


def _warm(model: _Model, chosen: _Array) -> _Array:
    """The variables of `_programme` where the chosen options are taken."""
    taken = np.zeros(len(model.site))
    taken[chosen] = 1.0
    if _flat(model):
        return np.append(
            taken, (np.bincount(model.row, taken[model.option], minlength=model.rows) > 0).astype("float64")
        )
    if model.asks is not None:
        return np.append(taken, np.divide(_assigned(model, chosen), model.asks[model.row]))
    order = np.lexsort((model.option, -model.saving * taken[model.option], model.row))
    first = order[_starts(model)]
    served = np.zeros(len(model.row))
    served[first] = taken[model.option[first]]
    return np.append(taken, served)


def _programme(model: _Model, *, whole: bool) -> Any:
    """The model in HiGHS, its options whole or not: first a row for each row of the model.

    Covering: ``y_i − Σ x_j ≤ 0``. Otherwise ``Σ_j z_ij ≤ 1`` and ``z_ij ≤ x_j``, with capacities ``Σ_i asks_i z_ij ≤ capacity_j x_j``. Then p, the budget,
    and one use a site.
    """
    m, n, rows = len(model.site), len(model.row), model.rows
    entry, start = np.arange(n), _starts(model)
    if _flat(model):
        worth = model.saving[start]
        parts = [(np.arange(rows), m + np.arange(rows), np.ones(rows)), (model.row, model.option, -np.ones(n))]
        upper = [np.zeros(rows)]
    else:
        worth = model.saving
        parts = [
            (model.row, m + entry, np.ones(n)),
            (rows + entry, m + entry, np.ones(n)),
            (rows + entry, model.option, -np.ones(n)),
        ]
        upper = [np.ones(rows), np.zeros(n)]
        if model.capacity is not None and model.asks is not None:
            at = rows + n
            bounded = np.isfinite(model.capacity)
            place = np.cumsum(bounded) - 1
            mine = bounded[model.option]
            parts.append((at + place[model.option[mine]], m + entry[mine], model.asks[model.row[mine]]))
            parts.append((at + place[bounded], np.flatnonzero(bounded), -model.capacity[bounded]))
            upper.append(np.zeros(int(bounded.sum())))
    for factor, most in ((np.ones(m), float(model.p)), (model.cost, model.budget)):
        if most < factor.sum():
            parts.append((np.full(m, sum(map(len, upper))), np.arange(m), factor))
            upper.append(np.array([most]))
    shared = np.flatnonzero(np.bincount(model.site) > 1)
    mine = np.isin(model.site, shared)
    parts.append(
        (
            sum(map(len, upper)) + np.searchsorted(shared, model.site[mine]),
            np.flatnonzero(mine),
            np.ones(int(mine.sum())),
        )
    )
    upper.append(np.ones(len(shared)))
    objective = np.append(np.zeros(m), worth)
    return _solver(objective, np.concatenate(upper), parts, whole=m if whole else 0)


def _solver(objective: _Array, upper: _Array, parts: list[tuple[_Array, _Array, _Array]], *, whole: int) -> Any:
    """HiGHS with: maximise ``objective · v``, rows at most `upper`, all variables 0–1, the first `whole` of them whole."""
    import highspy

    row, column, value = (np.concatenate([part[k] for part in parts]) for k in range(3))
    order = np.lexsort((column, row))
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(objective), len(upper)
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = objective, np.zeros(len(objective)), np.ones(len(objective))
    lp.row_lower_, lp.row_upper_ = np.full(len(upper), -highspy.kHighsInf), upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = len(objective), len(upper)
    lp.a_matrix_.start_ = np.searchsorted(row[order], np.arange(len(upper) + 1)).astype(np.int32)
    lp.a_matrix_.index_, lp.a_matrix_.value_ = column[order].astype(np.int32), value[order].astype("float64")
    if whole:
        kinds = [highspy.HighsVarType.kInteger] * whole
        lp.integrality_ = kinds + [highspy.HighsVarType.kContinuous] * (len(objective) - whole)
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.silent()
    # one thread and no search that is timed: the same steps on every machine
    for option, setting in {"threads": 1, "parallel": "off", "random_seed": 0, "mip_rel_gap": 0.0}.items():
        solver.setOptionValue(option, setting)
    if not whole:
        solver.setOptionValue("solver", "ipm")
        solver.setOptionValue("run_crossover", "off")
    solver.passModel(lp)
    return solver


def _assigned(model: _Model, chosen: _Array) -> _Array:
    """People of each entry that the chosen options serve: as much worth as possible, then the fewest minutes."""
    nearest = _served(model, chosen)
    if model.capacity is None or model.asks is None or not len(chosen):
        return nearest
    mine = np.flatnonzero(np.isin(model.option, chosen))
    unit = _unit(model)[mine]
    minutes = np.zeros(len(mine)) if model.minutes is None else model.minutes[mine]
    # so little that no minutes saved along a chain of homes handed on is worth one person
    little = 1e-3 * unit.min(initial=1.0) / (1.0 + minutes.max(initial=0.0)) / (2 * len(chosen) + 2)
    asks = model.asks[model.row[mine]]
    rows, row = np.unique(model.row[mine], return_inverse=True)
    place = np.searchsorted(np.sort(chosen), model.option[mine])
    capacity = model.capacity[np.sort(chosen)]
    bounded = np.isfinite(capacity)[place]
    entry = np.arange(len(mine))
    parts = [(row, entry, np.ones(len(mine))), (len(rows) + place[bounded], entry[bounded], asks[bounded])]
    upper = np.append(np.ones(len(rows)), np.where(np.isfinite(capacity), capacity, 1.0))
    solver = _solver(asks * (unit - little * minutes), upper, parts, whole=0)
    solver.setOptionValue("solver", "simplex")
    solver.run()
    share = np.asarray(solver.getSolution().col_value, dtype="float64")
    out = np.zeros(len(model.row))
    if len(share) == len(mine):
        out[mine] = np.clip(share, 0.0, 1.0) * asks
    all_units = _unit(model)
    return out if (out * all_units).sum() >= (nearest * all_units).sum() - _tiny(model) else nearest


# --- what is told -----------------------------------------------------------------------------------------------------


def _ranked(model: _Model, chosen: _Array) -> tuple[_Array, _Array]:
    """The chosen options in the order in which each adds most, and what they are worth so far."""
    order: list[int] = []
    for _ in range(len(chosen)):
        gain = np.full(len(model.site), -np.inf)
        rest = np.setdiff1d(chosen, order)
        gain[rest] = _gains(model, np.array(order, np.int64))[rest]
        order.append(int(gain.argmax()))
    # a linear programme for each is too much at large size: the last one then takes what assigning homes best adds
    few = model.capacity is None or len(order) * np.isin(model.option, chosen).sum() <= _EXACTLY
    worth = _exactly if few else _value
    so_far = np.array([worth(model, np.sort(order[: k + 1])) for k in range(len(order))], dtype="float64")
    so_far[-1:] = _exactly(model, chosen) if len(order) else so_far[-1:]
    return np.array(order, np.int64), so_far


def _told(name: str, case: _Case, model: _Model, found: _Found, *, fewest: bool = False) -> Siting:
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
        served = _assigned(model, found.chosen)
        entry, amount = here[served > _TINY], served[served > _TINY]
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
        gap_share=float(_gap(found.value, found.bound)),
        proven=found.stopped == "proven",
        method=found.method,
        stopped=found.stopped,
    )


def _chosen(case: _Case, order: _Array, so_far: _Array) -> pd.DataFrame:
    rows = case.options.take(order)
    extra = {column: rows[column].to_numpy() for column in ("cost_yuan", "capacity") if column in rows}
    columns = {"rank": np.arange(1, len(order) + 1), "site_id": rows["site_id"].array, "kind": rows["kind"].array}
    return pd.DataFrame({**columns, **extra, "added": np.diff(so_far, prepend=0.0), "objective": so_far})


def _left_out(case: _Case, model: _Model) -> pd.DataFrame:
    idle = np.bincount(model.option, minlength=len(case.options)) == 0
    nobody = case.options.loc[idle, ["site_id", "kind"]].assign(why="reaches_nobody_new")
    both: pd.DataFrame = pd.concat([case.left_out, nobody]) if len(case.left_out) else nobody
    return both.sort_values(["site_id", "kind"], ignore_index=True)


class _Base(NamedTuple):
    """Of each home: minutes without a chosen site, minutes now, people that count, whether it counts, whether a site is near."""

    minutes: _Array
    now: _Array
    weight: _Array
    counted: _Array
    near: _Array
    given: bool


def _told_median(case: _Case, model: _Model, found: _Found, base: _Base) -> Siting:
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
        gap_share=float(_gap(mean, low)) if people > 0 else 0.0,
        proven=found.stopped == "proven",
        method=found.method,
        stopped=found.stopped,
    )


# As in coverage: a limit met exactly is met.
_SLACK = 1e-9
_ROUNDING = 1e-12
# An answer this near to its bound, as a share, is the best: far above the rounding of sums, far below one person of a town.
_PROOF = 1e-9
_TINY = 1e-6
_KICK = 4
_HALVINGS = 50
_PATIENCE = 20
_SLOWEST = 1e-3
# The linear programme alone is solved up to this many times the size that is searched.
_LP = 6
# Entries that the steps of a bound may look at in all.
_WORK = 1e9
# Entries that the kicks may look at in all, some ten times each.
_KICKS = 2e7
# A variable and a row for each entry are this many times as hard as a variable a row.
_HARDER = 8
# Entries assigned by linear programmes, one a rank, in the table of the chosen.
_EXACTLY = 200_000
