"""The model of siting: options that save rows something, and what a choice of options is worth.

Covering, capacities and the p-median are one model; `lifecircle.analyse.siting` makes it from frames and tells the answer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
ROUNDING = 1e-12
TINY = 1e-6


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


class Model(NamedTuple):
    """Maximise Σ over rows of the largest saving that a chosen option gives the row.

    The entries ``row``, ``option``, ``saving`` stand in the order of the rows and, within one, of the options. Covering is the case in
    which all savings of a row are equal; the p-median saves people × (minutes without − minutes with). Of `p` options
    at most, of cost within `budget`, no two of one `site`. With `capacity` (people an option serves) the row asks for `asks`
    people, may be split, and its saving is what it is worth when served in full; `minutes` says who is served first, `turn` holds that order.
    """

    row: Array
    option: Array
    saving: Array
    rows: int
    site: Array
    cost: Array
    p: int
    budget: float
    capacity: Array | None = None
    asks: Array | None = None
    minutes: Array | None = None
    turn: Array | None = None


class Found(NamedTuple):
    """Options in the order of their ids, what they are worth, what none can surpass, the steps taken, what ended them."""

    chosen: Array
    value: float
    bound: float
    method: tuple[str, ...]
    stopped: str


def merge_alike(model: Model, *, each: bool) -> Model:
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
    return merged._replace(turn=serving_order(merged))


def part_of(model: Model, keep: Array) -> tuple[Model, Array]:
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
        return merge_alike(part._replace(turn=serving_order(part)), each=False), options
    return (merge_alike(part, each=False) if all_alike(part) else part), options


def row_starts(model: Model) -> Array:
    return np.searchsorted(model.row, np.arange(model.rows))


def all_alike(model: Model) -> bool:
    """Whether all entries of a row save the same, so that one variable a row is enough."""
    if model.capacity is not None:
        return False
    return bool((model.saving == model.saving[row_starts(model)][model.row]).all())


def best_savings(model: Model, chosen: Array) -> Array:
    """The largest saving that the chosen options give each row."""
    inside = np.zeros(len(model.site), bool)
    inside[chosen] = True
    inside = inside[model.option]
    out = np.zeros(model.rows)
    np.maximum.at(out, model.row[inside], model.saving[inside])
    return out


def worth_of(model: Model, chosen: Array) -> float:
    if model.capacity is not None:
        return float((served_in_turn(model, chosen) * per_person(model)).sum())
    return float(best_savings(model, chosen).sum())


def rounding_of(model: Model) -> float:
    return ROUNDING * max(1.0, float(best_savings(model, np.arange(len(model.site))).sum()))


def gains_of(model: Model, chosen: Array) -> Array:
    """What each option would add to those chosen."""
    m = len(model.site)
    if model.capacity is None:
        more = np.maximum(model.saving - best_savings(model, chosen)[model.row], 0.0)
        return np.bincount(model.option, more, minlength=m)
    return filled(model, unserved(model, served_in_turn(model, chosen)))[0]


def per_person(model: Model) -> Array:
    """What one person of each entry's row is worth."""
    return model.saving if model.asks is None else np.divide(model.saving, model.asks[model.row])


def unserved(model: Model, served: Array) -> Array:
    asks = model.asks if model.asks is not None else np.ones(model.rows)
    return np.maximum(asks - np.bincount(model.row, served, minlength=model.rows), 0.0)


def serving_order(model: Model) -> Array:
    """The entries in the order in which options serve them: by option, dearest and then nearest homes first."""
    minutes = model.minutes if model.minutes is not None else np.zeros(len(model.row))
    return np.lexsort((model.row, minutes, -per_person(model), model.option))


def filled(model: Model, left: Array) -> tuple[Array, Array]:
    """What each option would be worth if it alone served who is left, and the people of each entry."""
    capacity = model.capacity if model.capacity is not None else np.full(len(model.site), np.inf)
    turn = model.turn if model.turn is not None else serving_order(model)
    served = np.zeros(len(turn))
    served[turn] = held_within(capacity, model.option[turn], left[model.row[turn]])
    return np.bincount(model.option, served * per_person(model), minlength=len(model.site)), served


def held_within(capacity: Array, option: Array, asked: Array) -> Array:
    """Of what is asked of each option, one after another, the part that its capacity still holds; options come in runs."""
    total = np.cumsum(asked)
    start = np.searchsorted(option, np.arange(len(capacity)))
    earlier = total - asked - np.append(0.0, total)[start][option]
    held: Array = np.clip(capacity[option] - earlier, 0.0, asked)
    return held


def served_in_turn(model: Model, chosen: Array) -> Array:
    """People of each entry that the chosen options serve, one option after another, nearest homes first."""
    out = np.zeros(len(model.row))
    left = model.asks.copy() if model.asks is not None else np.ones(model.rows)
    capacity = model.capacity if model.capacity is not None else np.full(len(model.site), np.inf)
    turn = model.turn if model.turn is not None else serving_order(model)
    first, last = np.searchsorted(model.option[turn], [chosen, chosen + 1])
    for j, low, high in zip(chosen, first, last, strict=True):
        mine = turn[low:high]
        asked = left[model.row[mine]]
        out[mine] = np.clip(capacity[j] - (np.cumsum(asked) - asked), 0.0, asked)
        left[model.row[mine]] = asked - out[mine]
    return out
