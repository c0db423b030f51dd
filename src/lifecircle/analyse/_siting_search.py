"""The search for a choice of sites: greedy, swaps and kicks, bounds by the Lagrangian and the linear programme, then HiGHS."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifecircle.analyse._siting_highs import assigned, branch_and_bound, programme
from lifecircle.analyse._siting_model import (
    ROUNDING,
    TINY,
    Array,
    Effort,
    Found,
    Model,
    all_alike,
    best_savings,
    filled,
    gains_of,
    held_within,
    part_of,
    per_person,
    rounding_of,
    served_in_turn,
    unserved,
    worth_of,
)


def solve(model: Model, effort: Effort, *, start: Array | None = None) -> Found:
    """Greedy and swaps, a bound, kicks, a better bound, and HiGHS on what the bound leaves open."""
    none = np.empty(0, np.int64)
    if not len(model.row):
        return Found(none, 0.0, 0.0, ("greedy",), "proven")
    starts = [greedy(model, none)] if start is None else [greedy(model, none), start]
    if model.budget < np.inf:
        starts.append(greedy(model, none, by_cost=True))
    chosen = _first_best(model, [improve(model, one) for one in starts])
    value = exact_worth(model, chosen)
    steps = ["greedy", "swaps", "lagrangian"]
    bound = float(best_savings(model, np.arange(len(model.site))).sum())
    least, prices = _lagrangian(model, value, rounds=effort.rounds)
    bound = _whole(model, min(bound, least))
    if effort.kicks and not _met(value, bound):
        steps.append("kicks")
        looks = len(model.row) * (1 if model.capacity is None else model.p)
        kicks = min(effort.kicks, int(_KICKS / looks) + 1)
        tried = _kicked(model, chosen, kicks=kicks, enough=bound)
        better = exact_worth(model, tried)
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
        rest, options = part_of(model, open_)
        if _size(rest) <= effort.entries:
            steps.append("branch and bound")
            taken, least, stopped = branch_and_bound(rest, np.searchsorted(options, chosen), effort)
            taken = np.sort(options[taken])
            better = exact_worth(model, taken) if _allowed(model, taken) else -np.inf
            if better > value + rounding_of(model):
                chosen, value = taken, better
            bound = _whole(model, min(bound, max(least, value)))
            if stopped == "proven":  # by HiGHS, to within its tolerances
                bound, stopped = (value, stopped) if bound <= value + TINY * max(1.0, value) else (bound, "bound")
    if _met(value, bound):
        bound, stopped = value, "proven"
    return Found(chosen, value, max(bound, value), tuple(steps), stopped)


def _allowed(model: Model, chosen: Array) -> bool:
    """Whether a choice keeps to p, the budget and one use a site, whatever a solver's tolerance let pass."""
    once = len(np.unique(model.site[chosen])) == len(chosen)
    return once and len(chosen) <= model.p and bool(model.cost[chosen].sum() <= model.budget)


def _size(model: Model) -> int:
    """Entries as far as HiGHS goes; where each needs a variable and a row of its own, a model is much harder."""
    return len(model.row) * (1 if all_alike(model) else _HARDER)


def _pass(model: Model) -> int:
    """What one look at all entries costs; where they are sorted each time, ten times as much."""
    return max(len(model.row), 1) * (1 if model.capacity is None else 10)


def _first_best(model: Model, answers: list[Array]) -> Array:
    values = [worth_of(model, one) for one in answers]
    return answers[int(np.argmax(values))]


def exact_worth(model: Model, chosen: Array) -> float:
    """What the chosen options are worth when homes are assigned in the best way."""
    if model.capacity is None or not len(chosen):
        return worth_of(model, chosen)
    return float((assigned(model, chosen) * per_person(model)).sum())


def _whole(model: Model, bound: float) -> float:
    """A bound on sums of whole numbers is a whole number."""
    if model.capacity is None and (model.saving == np.floor(model.saving)).all():
        return float(np.floor(bound * (1 + ROUNDING) + TINY))
    return bound


def _met(value: float, bound: float) -> bool:
    return value >= bound - _PROOF * max(abs(bound), 1.0)


def gap_of(value: Any, bound: Any) -> Any:
    """How far a value can be from the best possible, over the larger of the two; 0 where both are 0."""
    value, bound = np.asarray(value, float), np.asarray(bound, float)
    larger = np.maximum(np.abs(value), np.abs(bound))
    return np.divide(np.abs(bound - value), larger, out=np.zeros(larger.shape), where=larger > 0)


def least_number(model: Model, many: int, bound: float, effort: Effort) -> int:
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


# --- greedy, swaps, kicks ---------------------------------------------------------------------------------------------


def greedy(model: Model, chosen: Array, *, by_cost: bool = False) -> Array:
    """Options added to those chosen, each time the one that adds most (for its cost), while p and budget allow; sorted."""
    picked = [int(j) for j in chosen]
    tiny = rounding_of(model)
    while len(picked) < min(model.p, len(model.site)):
        gain = gains_of(model, np.array(picked, np.int64))
        taken = np.isin(model.site, model.site[picked])
        gain[taken | (model.cost > model.budget - model.cost[picked].sum())] = 0.0
        score = gain / np.maximum(model.cost, TINY) if by_cost else gain
        j = int(score.argmax())
        if gain[j] <= tiny:
            break
        picked.append(j)
    return np.sort(np.array(picked, np.int64))


def improve(model: Model, chosen: Array) -> Array:
    """Swaps of one option for another, each time the one that gains most, until none does; what fits is added."""
    swaps = _swap_profit if model.capacity is None else _swap_profit_capacity
    tiny, value, last = rounding_of(model), -np.inf, chosen
    while True:
        chosen = greedy(model, chosen)
        # a swap is judged by sums in another order; no two answers may lead to one another for ever
        now = worth_of(model, chosen)
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


def _swap_profit(model: Model, chosen: Array) -> Array:
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
    profit: Array = gain[:, None] - loss + back
    return profit


def _swap_profit_capacity(model: Model, chosen: Array) -> Array:
    """As `_swap_profit`, by what would be served with the others' homes left where they are."""
    served, unit = served_in_turn(model, chosen), per_person(model)
    profit = np.empty((len(model.site), len(chosen)))
    for r, j in enumerate(chosen):
        without = np.where(model.option == j, 0.0, served)
        profit[:, r] = filled(model, unserved(model, without))[0] - ((served - without) * unit).sum()
    return profit


def _kicked(model: Model, chosen: Array, *, kicks: int, enough: float) -> Array:
    """Swaps anew after a few options were changed at random, as often as `kicks` says or until `enough` is reached."""
    rng = np.random.default_rng(0)
    value, tiny = worth_of(model, chosen), rounding_of(model)
    for _ in range(kicks if len(chosen) else 0):
        if value >= enough - tiny:
            break
        few = min(_KICK, len(chosen))
        kept = np.delete(chosen, rng.choice(len(chosen), few, replace=False))
        for j in rng.permutation(len(model.site))[: 4 * few]:
            fits = len(kept) < len(chosen) and model.cost[kept].sum() + model.cost[j] <= model.budget
            if fits and not np.isin(model.site[j], model.site[kept]):
                kept = np.append(kept, j)
        tried = improve(model, np.sort(kept))
        better = worth_of(model, tried)
        if better > value + tiny:
            chosen, value = tried, better
    return chosen


# --- bounds -----------------------------------------------------------------------------------------------------------


class _Relaxed(NamedTuple):
    """The Lagrangian at some prices of the rows: its value, the price of money, what options are worth and are taken (0–1)."""

    value: float
    price: float
    worth: Array
    taken: Array
    used: Array


def _relaxed(model: Model, prices: Array) -> _Relaxed:
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
        part[order] = held_within(model.capacity, model.option[order], asked)
        part = np.divide(part, model.asks[model.row])
    worth = np.bincount(model.option, more * part, minlength=m)
    value, price, taken = _chosen_freely(model, worth)
    used = np.bincount(model.row, part * taken[model.option], minlength=model.rows)
    return _Relaxed(float(prices.sum()) + value, price, worth, taken, used)


def _chosen_freely(model: Model, worth: Array) -> tuple[float, float, Array]:
    """The largest sum of `worth` within p, budget and one use a site, or a little more; the price of money; shares."""
    several = len(np.unique(model.site)) < len(model.site)

    def at(price: float) -> tuple[float, Array]:
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
    # A hair above the best ratio, so that no rounding leaves anything that costs worth its price.
    high = float((worth[paid] / model.cost[paid]).max()) * (1 + 1e-12)
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


def _lagrangian(model: Model, lower: float, *, rounds: int, start: Array | None = None) -> tuple[float, Array]:
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


def _ruled_out(model: Model, prices: Array, lower: float) -> Array:
    """Options that no choice better than `lower` can contain, by the Lagrangian at `prices`."""
    now = _relaxed(model, prices)
    net = now.worth - now.price * model.cost
    of_site = np.full(int(model.site.max()) + 1, -np.inf)
    np.maximum.at(of_site, model.site, net)
    last = max(0.0, float(np.sort(of_site)[-model.p])) if model.p <= len(of_site) else 0.0
    return now.value - last + net < lower - rounding_of(model)


def _priced(model: Model, prices: Array) -> tuple[float, Array]:
    """The Lagrangian value at the prices of the linear programme, and those prices; the given ones where it was not solved."""
    solver, duals = programme(model, whole=False), None
    solver.run()
    dual = np.abs(np.asarray(solver.getSolution().row_dual, dtype="float64"))
    if len(dual) >= model.rows:
        most = np.zeros(model.rows)
        np.maximum.at(most, model.row, model.saving)
        duals = np.clip(most - dual[: model.rows] if all_alike(model) else dual[: model.rows], 0.0, most)
    prices = prices if duals is None else duals
    return _relaxed(model, prices).value, prices


# An answer this near to its bound, as a share, is the best: far above the rounding of sums, far below one person of a town.
_PROOF = 1e-9
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
