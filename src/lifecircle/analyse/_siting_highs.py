"""The model of siting in HiGHS: branch and bound, the linear programme, and who is served where places are short."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifecircle.analyse._siting_model import (
    Array,
    Effort,
    Model,
    all_alike,
    per_person,
    rounding_of,
    row_starts,
    served_in_turn,
)


def branch_and_bound(model: Model, chosen: Array, effort: Effort) -> tuple[Array, float, str]:
    """What HiGHS finds from the chosen options on: options, bound, and what ended the search."""
    import highspy

    solver = programme(model, whole=True)
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


def _warm(model: Model, chosen: Array) -> Array:
    """The variables of `programme` where the chosen options are taken."""
    taken = np.zeros(len(model.site))
    taken[chosen] = 1.0
    if all_alike(model):
        return np.append(
            taken, (np.bincount(model.row, taken[model.option], minlength=model.rows) > 0).astype("float64")
        )
    if model.asks is not None:
        return np.append(taken, np.divide(assigned(model, chosen), model.asks[model.row]))
    order = np.lexsort((model.option, -model.saving * taken[model.option], model.row))
    first = order[row_starts(model)]
    served = np.zeros(len(model.row))
    served[first] = taken[model.option[first]]
    return np.append(taken, served)


def programme(model: Model, *, whole: bool) -> Any:
    """The model in HiGHS, its options whole or not: first a row for each row of the model.

    Covering: ``y_i − Σ x_j ≤ 0``. Otherwise ``Σ_j z_ij ≤ 1`` and ``z_ij ≤ x_j``, with capacities ``Σ_i asks_i z_ij ≤ capacity_j x_j``. Then p, the budget,
    and one use a site.
    """
    m, n, rows = len(model.site), len(model.row), model.rows
    entry, start = np.arange(n), row_starts(model)
    if all_alike(model):
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


def _solver(objective: Array, upper: Array, parts: list[tuple[Array, Array, Array]], *, whole: int) -> Any:
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


def assigned(model: Model, chosen: Array) -> Array:
    """People of each entry that the chosen options serve: as much worth as possible, then the fewest minutes."""
    nearest = served_in_turn(model, chosen)
    if model.capacity is None or model.asks is None or not len(chosen):
        return nearest
    mine = np.flatnonzero(np.isin(model.option, chosen))
    unit = per_person(model)[mine]
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
    all_units = per_person(model)
    return out if (out * all_units).sum() >= (nearest * all_units).sum() - rounding_of(model) else nearest
