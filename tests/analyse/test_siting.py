"""Siting, worked out with a pencil, held to its laws, and to every choice tried one by one on small towns."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lifecircle import load, network, normalise, pipeline, standards
from lifecircle.analyse import siting
from lifecircle.errors import SchemaError

# Homes on a line, sites a to d; a pair stands where the site is within reach, minutes below:
#          g 50   h 30   i 30   j 20   k ?    far 8
#   a       4      .      .      .      .      .
#   b       .      9     15      .      .      .
#   c       .      .      3     12      .      .
#   d       .      .      .      5      6      .
REACH = [("g", "a", 4), ("h", "b", 9), ("i", "b", 15), ("i", "c", 3), ("j", "c", 12), ("j", "d", 5), ("k", "d", 6)]
PAIRS = pd.DataFrame(REACH, columns=["home_id", "facility_id", "walk_min"]).astype({"walk_min": "float64"})
PEOPLE = [50.0, 30.0, 30.0, 20.0, np.nan, 8.0]
HOMES = pd.DataFrame({"residents": PEOPLE}, index=pd.Index(["g", "h", "i", "j", "k", "far"], name="home_id"))
SITES = pd.DataFrame({"site_id": list("abcd"), "kind": "clinic"})
CLINIC = pd.DataFrame({"limit_min": [15.0]}, index=["clinic"])
ZEAL = siting.Effort(kicks=5, rounds=100)


def reached(near: np.ndarray, weight: np.ndarray, taken: tuple[int, ...]) -> float:
    """People within reach of the sites taken, counted the plain way."""
    return float(weight[near[:, list(taken)].any(axis=1)].sum())


def frames(near: np.ndarray, weight: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Pairs, homes and sites of a table homes × sites of who reaches what."""
    home, site = np.nonzero(near)
    pairs = pd.DataFrame({"home_id": home, "facility_id": site, "walk_min": (home * 7 + site * 3) % 10 + 1.0})
    sites = pd.DataFrame({"site_id": np.arange(near.shape[1]), "kind": "clinic"})
    return pairs, pd.DataFrame({"residents": weight}, index=np.arange(len(weight))), sites


@st.composite
def towns(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Up to 14 homes and 7 sites, who reaches what, people."""
    homes, sites = draw(st.integers(1, 14)), draw(st.integers(1, 7))
    near = draw(st.lists(st.booleans(), min_size=homes * sites, max_size=homes * sites))
    people = draw(st.lists(st.integers(0, 30), min_size=homes, max_size=homes))
    return np.array(near).reshape(homes, sites), np.array(people, dtype="float64")


# --- with a pencil ------------------------------------------------------------------------------------------------------


def test_one_site_with_a_pencil() -> None:
    """a reaches 50, b 30 + 30, c 30 + 20, d 20 and a home of unknown people: b, and h and i gain, i on the limit."""
    answer = siting.maximal_covering(PAIRS, HOMES, SITES, kinds=CLINIC, p=1)
    assert answer.chosen[["rank", "site_id", "added", "objective"]].values.tolist() == [[1, "b", 60.0, 60.0]]
    assert answer.gains.values.tolist() == [["h", "clinic", "b", 9.0, 30.0], ["i", "clinic", "b", 15.0, 30.0]]
    assert (answer.objective, answer.bound, answer.gap_share, answer.proven) == (60.0, 60.0, 0.0, True)


def test_the_totals_with_a_pencil() -> None:
    """138 people are known: 60 gain, 70 are in reach of a site not chosen, 8 of none; k's people are not known."""
    total = siting.maximal_covering(PAIRS, HOMES, SITES, kinds=CLINIC, p=1).totals.iloc[0]
    assert total["residents"] == 138
    assert total[["residents_before", "residents_gained", "residents_left", "residents_out_of_reach"]].tolist() == [
        0,
        60,
        70,
        8,
    ]
    assert total[["homes_gained", "homes_not_known"]].tolist() == [2, 1]


def test_all_that_reach_somebody_with_a_pencil() -> None:
    """Of four sites a, b and c reach everybody that is counted; the fourth would add nobody and is not chosen."""
    answer = siting.maximal_covering(PAIRS, HOMES, SITES, kinds=CLINIC, p=4)
    assert answer.chosen["site_id"].tolist() == ["b", "a", "c"] or answer.chosen["site_id"].tolist() == ["b", "a", "d"]
    assert answer.chosen["added"].tolist() == [60, 50, 20]
    assert answer.objective == 130


def test_ties_go_to_the_smaller_id() -> None:
    """c and d both add j's 20 people after a and b: c it is, whatever the order of rows."""
    for sites in (SITES, SITES[::-1]):
        answer = siting.maximal_covering(PAIRS[::-1], HOMES[::-1], sites, kinds=CLINIC, p=3)
        assert answer.chosen["site_id"].tolist() == ["b", "a", "c"]


def test_existing_facilities_are_kept() -> None:
    """With h and i covered already, a's 50 are the most; b, which reaches nobody new, is said to."""
    covered = pd.DataFrame({"clinic": [True, True]}, index=["h", "i"])
    answer = siting.maximal_covering(PAIRS, HOMES, SITES, kinds=CLINIC, p=1, covered=covered)
    assert answer.chosen["site_id"].tolist() == ["a"]
    assert answer.left_out.values.tolist() == [["b", "clinic", "reaches_nobody_new"]]
    assert answer.totals[["residents_before", "residents_gained"]].values.tolist() == [[60, 50]]


def test_coverage_that_is_not_known_counts_as_nothing() -> None:
    """Whether g is covered is not known: its 50 are no gain, and it is counted as not known, with k."""
    covered = pd.DataFrame({"clinic": pd.array([None, False], dtype="boolean")}, index=["g", "h"])
    answer = siting.maximal_covering(PAIRS, HOMES, SITES, kinds=CLINIC, p=4, covered=covered)
    assert answer.objective == 80
    assert "g" not in answer.gains["home_id"].tolist()
    assert answer.totals["homes_not_known"].tolist() == [2]


def test_existing_facilities_that_cover_everything_leave_nothing_to_choose() -> None:
    """Nothing is chosen, nobody gains, and that is the best possible."""
    covered = pd.DataFrame({"clinic": True}, index=HOMES.index)
    answer = siting.maximal_covering(PAIRS, HOMES, SITES, kinds=CLINIC, p=2, covered=covered)
    assert (len(answer.chosen), len(answer.gains), answer.objective, answer.gap_share, answer.proven) == (
        0,
        0,
        0,
        0,
        True,
    )
    assert siting.smallest_set(PAIRS, HOMES, SITES, kinds=CLINIC, covered=covered).objective == 0


def test_a_budget_with_a_pencil() -> None:
    """With 100 yuan: b (60 people, 90) alone, or a and c (100 people, 50 + 50). Greedy by people takes b first."""
    sites = SITES.assign(cost_yuan=[50.0, 90.0, 50.0, 60.0])
    answer = siting.maximal_covering(PAIRS, HOMES, sites, kinds=CLINIC, budget=100.0)
    assert sorted(answer.chosen["site_id"]) == ["a", "c"]
    assert answer.chosen["cost_yuan"].sum() <= 100
    assert (answer.objective, answer.proven) == (100, True)


def test_a_curve_keeps_to_the_budget() -> None:
    """With 100 yuan one site reaches b's 60, two a's and c's 100, and a third is not paid for; with 10 nothing is, and that is an answer."""
    sites = SITES.assign(cost_yuan=[50.0, 90.0, 50.0, 60.0])
    reached = siting.curve(PAIRS, HOMES, sites, kinds=CLINIC, p=3, budget=100.0)
    assert reached["objective"].tolist() == [60, 100, 100]
    assert reached["proven"].all()
    nothing = siting.curve(PAIRS, HOMES, sites, kinds=CLINIC, p=2, budget=10.0)
    assert nothing["objective"].tolist() == [0, 0]
    assert nothing["share"].isna().all()


def test_a_cost_that_is_not_known_is_not_chosen_under_a_budget() -> None:
    """b's cost is not known and c's is over the budget: both are listed with why; without a budget b is the best."""
    sites = SITES.assign(cost_yuan=[50.0, np.nan, 5000.0, 60.0])
    answer = siting.maximal_covering(PAIRS, HOMES, sites, kinds=CLINIC, budget=1000.0)
    assert sorted(answer.chosen["site_id"]) == ["a", "d"]
    listed = answer.left_out.set_index("site_id")["why"].to_dict()
    assert listed == {"b": "cost_not_known", "c": "over_budget"}
    assert siting.maximal_covering(PAIRS, HOMES, sites, kinds=CLINIC, p=1).chosen["site_id"].tolist() == ["b"]


def test_one_use_a_site_and_kinds_with_their_own_limits() -> None:
    """Site a as a clinic gains 100 (15 min), as a nursery 40 children (5 min); b only as a nursery, 30: 100 + 30."""
    pairs = pd.DataFrame({"home_id": ["g", "h", "h"], "facility_id": ["a", "a", "b"], "walk_min": [4.0, 12.0, 2.0]})
    homes = pd.DataFrame({"residents": [60.0, 40.0], "children": [40.0, 30.0]}, index=["g", "h"])
    sites = pd.DataFrame({"site_id": ["a", "a", "b"], "kind": ["clinic", "nursery", "nursery"]})
    kinds = pd.DataFrame({"limit_min": [15.0, 5.0], "people": ["residents", "children"]}, index=["clinic", "nursery"])
    answer = siting.maximal_covering(pairs, homes, sites, kinds=kinds, p=2)
    assert answer.chosen[["site_id", "kind", "added"]].values.tolist() == [
        ["a", "clinic", 100.0],
        ["b", "nursery", 30.0],
    ]
    heavy = siting.maximal_covering(pairs, homes, sites, kinds=kinds.assign(weight=[1.0, 10.0]), p=2)
    assert heavy.chosen[["site_id", "kind", "added"]].values.tolist() == [
        ["a", "nursery", 400.0],
        ["b", "nursery", 300.0],
    ]
    assert heavy.totals["residents_gained"].tolist() == [0, 70]


def test_capacity_with_a_pencil() -> None:
    """b holds 40 of its 60, a 50, c 50: the one site is a (before c by id); with two, a and c serve 100."""
    sites = SITES.assign(capacity=[50.0, 40.0, np.inf, np.nan])
    one = siting.maximal_covering(PAIRS, HOMES, sites, kinds=CLINIC, p=1)
    assert (one.chosen["site_id"].tolist(), one.objective, one.proven) == (["a"], 50, True)
    assert one.left_out.values.tolist() == [["d", "clinic", "capacity_not_known"]]
    two = siting.maximal_covering(PAIRS, HOMES, sites, kinds=CLINIC, p=2)
    assert (sorted(two.chosen["site_id"]), two.objective, two.proven) == (["a", "c"], 100, True)


def test_who_is_served_where_places_are_short() -> None:
    """b holds 40: the nearer h is served in full, of i's 30 ten; c, full with i's other 20, takes none of j."""
    sites = SITES[1:3].assign(capacity=[40.0, 20.0])
    pairs = PAIRS.replace({"walk_min": {3.0: 16.0}})  # i reaches b alone
    alone = siting.maximal_covering(pairs, HOMES, sites[:1], kinds=CLINIC, p=1)
    assert alone.gains[["home_id", "site_id", "residents"]].values.tolist() == [["h", "b", 30.0], ["i", "b", 10.0]]
    assert alone.totals[["residents_gained", "residents_left"]].values.tolist() == [[40, 20]]
    both = siting.maximal_covering(PAIRS, HOMES, sites, kinds=CLINIC, p=2)
    assert both.objective == 60
    assert both.gains.groupby("site_id")["residents"].sum().to_dict() == pytest.approx({"b": 40.0, "c": 20.0})


def test_the_smallest_set_with_a_pencil() -> None:
    """g needs a, h needs b, k (people unknown, yet living there) needs d, which has j: three sites, far is out of reach."""
    answer = siting.smallest_set(PAIRS, HOMES, SITES, kinds=CLINIC)
    assert sorted(answer.chosen["site_id"]) == ["a", "b", "d"]
    assert (answer.objective, answer.bound, answer.proven) == (3, 3, True)
    assert answer.chosen["added"].sum() == 5
    nobody = HOMES.assign(residents=HOMES["residents"].mask(HOMES.index == "g", 0.0))
    assert siting.smallest_set(PAIRS, nobody, SITES, kinds=CLINIC).objective == 2


def test_the_median_with_a_pencil() -> None:
    """Homes of 10 and 20 people at 0 and 12 min of a, at 8 and 4 of b: a means 8, b 16/3; with a in place b brings 80/30."""
    pairs = pd.DataFrame(
        {"home_id": ["g", "g", "h", "h"], "facility_id": ["a", "b"] * 2, "walk_min": [0.0, 8.0, 12.0, 4.0]}
    )
    homes = pd.DataFrame({"residents": [10.0, 20.0]}, index=["g", "h"])
    answer = siting.p_median(pairs, homes, pd.DataFrame({"site_id": ["a", "b"]}), p=1)
    assert (answer.chosen["site_id"].tolist(), answer.proven) == (["b"], True)
    assert answer.objective == pytest.approx(160 / 30)
    kept = siting.p_median(
        pairs, homes, pd.DataFrame({"site_id": ["b"]}), p=1, now_min=pd.Series({"g": 0.0, "h": 12.0})
    )
    assert kept.objective == pytest.approx(80 / 30)
    assert kept.gains.values.tolist() == [["h", "b", 4.0, 12.0, 20.0]]
    assert kept.totals["mean_min_before"].item() == pytest.approx(8.0)
    assert kept.chosen[["added", "objective"]].values[0] == pytest.approx([8 - 80 / 30, 80 / 30])


def test_the_median_asks_what_no_reach_counts() -> None:
    """Where pairs end at a limit the caller says what beyond it counts; without that it is refused, naming a home."""
    sites = SITES[["site_id"]]
    with pytest.raises(ValueError, match=r"no minutes to some site .*unreached_min"):
        siting.p_median(PAIRS, HOMES, sites, p=1)
    with pytest.raises(ValueError, match="not less than any given"):
        siting.p_median(PAIRS, HOMES, sites, p=1, unreached_min=10.0)
    answer = siting.p_median(PAIRS, HOMES, sites, p=1, unreached_min=20.0)
    # savings to 20 min: a 50·16, b 30·11 + 30·5, c 30·17 + 20·8, d 20·15; 130 people count
    assert answer.chosen["site_id"].tolist() == ["a"]
    assert answer.objective == pytest.approx(20 - 800 / 130)
    assert answer.totals[["residents_not_reached", "residents_out_of_reach", "homes_not_known"]].values.tolist() == [
        [80, 8, 1]
    ]


def test_costs_are_area_times_rate() -> None:
    """A nursery of 200 m² at its own rate, an unlisted kind at that of `any`, an area of 0 m² NaN; the shipped table is marked D."""
    table = standards.read("conversion_costs")
    rate = table.set_index("code")["value"]
    options = pd.DataFrame(
        {"kind": ["nursery", "theatre", "nursery"], "area_m2": [200.0, 10.0, np.nan]}, index=list("xyz")
    )
    found = siting.costs(options, table)
    assert found["x"] == 200 * rate["nursery"]
    assert found["y"] == 10 * rate["any"]
    assert np.isnan(found["z"])
    assert set(table["mark"]) == {"D"}
    assert table["note"].str.contains("own assumption").all()


# --- every choice tried ---------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(towns(), st.integers(1, 7))
def test_covering_is_the_best_of_all_choices(town: tuple[np.ndarray, np.ndarray], p: int) -> None:
    """No choice of at most p sites reaches more, the answer says so, and its sums agree with one another."""
    near, people = town
    p = min(p, near.shape[1])
    answer = siting.maximal_covering(*frames(near, people), kinds=CLINIC, p=p, effort=ZEAL)
    best = max(reached(near, people, c) for c in combinations(range(near.shape[1]), p))
    assert (answer.objective, answer.bound, answer.proven) == (best, best, True)
    assert answer.objective == reached(near, people, tuple(answer.chosen["site_id"]))
    assert answer.objective == answer.gains["residents"].sum() == answer.totals["residents_gained"].sum()
    assert answer.chosen["added"].sum() == answer.objective


@settings(max_examples=60)
@given(towns(), st.lists(st.integers(0, 20), min_size=7, max_size=7), st.integers(0, 60), st.integers(1, 7))
def test_a_budget_is_kept_and_used_best(
    town: tuple[np.ndarray, np.ndarray], cost: list[int], budget: int, p: int
) -> None:
    """Of all choices within p and the budget none reaches more than the answer, which is within both."""
    near, people = town
    p, price = min(p, near.shape[1]), np.array(cost[: near.shape[1]], dtype="float64")
    pairs, homes, sites = frames(near, people)
    answer = siting.maximal_covering(
        pairs, homes, sites.assign(cost_yuan=price), kinds=CLINIC, p=p, budget=budget, effort=ZEAL
    )
    all_ = [c for k in range(p + 1) for c in combinations(range(near.shape[1]), k) if price[list(c)].sum() <= budget]
    assert (answer.objective, answer.proven) == (max(reached(near, people, c) for c in all_), True)
    assert answer.chosen["cost_yuan"].sum() <= budget
    assert len(answer.chosen) <= p


# Two options of the same worth and cost, of which the budget pays for one.
TWINS = np.zeros((11, 5), bool)
TWINS[[2, 2, 5, 8], [0, 2, 0, 2]] = True


@settings(max_examples=40)
@given(towns(), towns(), st.integers(1, 4), st.integers(0, 40))
@example((TWINS, np.zeros(11)), (np.array([[False]]), np.ones(1)), 2, 9)
def test_several_kinds_are_shared_out_best(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray], p: int, budget: int
) -> None:
    """Two kinds on the same sites, a third of the options missing, one use a site, one budget: none of all choices is better."""
    near, people = one
    m = near.shape[1]
    pairs, homes, sites = frames(near, people)
    homes["children"] = np.resize(other[1], len(homes))
    kinds = pd.DataFrame(
        {"limit_min": [15.0, 6.0], "weight": [1.0, 2.5], "people": ["residents", "children"]},
        index=["clinic", "nursery"],
    )
    both = pd.concat(
        [
            sites.assign(cost_yuan=7.0 + sites["site_id"]),
            sites[sites["site_id"] % 3 != 1].assign(kind="nursery", cost_yuan=9.0),
        ]
    )
    p = min(p, m)
    answer = siting.maximal_covering(pairs, homes, both, kinds=kinds, p=p, budget=budget, effort=ZEAL)
    minutes = np.full(near.shape, np.inf)
    minutes[pairs["home_id"], pairs["facility_id"]] = pairs["walk_min"]
    options = list(both.itertuples(index=False))

    def worth(taken: tuple[Any, ...]) -> float:
        total = 0.0
        for kind, row in kinds.iterrows():
            mine = [o.site_id for o in taken if o.kind == kind]
            total += row["weight"] * reached(minutes <= row["limit_min"], homes[row["people"]].to_numpy(), tuple(mine))
        return total

    allowed = [
        c
        for k in range(p + 1)
        for c in combinations(options, k)
        if len({o.site_id for o in c}) == k and sum(o.cost_yuan for o in c) <= budget
    ]
    assert answer.objective == pytest.approx(max(map(worth, allowed)), abs=1e-9)
    assert answer.proven
    assert answer.chosen["site_id"].is_unique


@settings(max_examples=60)
@given(towns())
def test_no_smaller_set_covers_all(town: tuple[np.ndarray, np.ndarray]) -> None:
    """Of all sets of sites that reach whoever can be reached none is smaller, and the answer says so."""
    near, people = town
    answer = siting.smallest_set(*frames(near, people), kinds=CLINIC, effort=ZEAL)
    asked = near[near.any(axis=1) & (people > 0)]
    sets = (
        k
        for k in range(near.shape[1] + 1)
        for c in combinations(range(near.shape[1]), k)
        if asked[:, list(c)].any(axis=1).all()
    )
    assert (answer.objective, answer.bound, answer.proven) == (next(sets), answer.objective, True)
    assert asked[:, answer.chosen["site_id"].to_list()].any(axis=1).all()


@settings(max_examples=60)
@given(st.data())
def test_no_other_median_is_shorter(data: st.DataObject) -> None:
    """Of all choices of p sites none has a smaller mean, with and without existing facilities."""
    n, m = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 6))
    minutes = np.array(data.draw(st.lists(st.integers(0, 40), min_size=n * m, max_size=n * m)), float).reshape(n, m)
    people = np.array(data.draw(st.lists(st.integers(1, 9), min_size=n, max_size=n)), float)
    now = np.array(data.draw(st.lists(st.integers(0, 40), min_size=n, max_size=n)), float)
    p = data.draw(st.integers(1, m))
    home, site = np.indices((n, m)).reshape(2, -1)
    pairs = pd.DataFrame({"home_id": home, "facility_id": site, "walk_min": minutes.ravel()})
    homes, sites = pd.DataFrame({"residents": people}), pd.DataFrame({"site_id": np.arange(m)})
    for existing in (None, pd.Series(now)):
        cap = np.inf if existing is None else now
        answer = siting.p_median(pairs, homes, sites, p=p, now_min=existing, effort=ZEAL)
        best = min((people * np.minimum(minutes[:, list(c)].min(axis=1), cap)).sum() for c in combinations(range(m), p))
        assert answer.objective == pytest.approx(best / people.sum(), abs=1e-9)
        assert answer.proven


@settings(max_examples=30)
@given(towns(), st.lists(st.integers(0, 60), min_size=7, max_size=7), st.integers(1, 3))
def test_capacities_are_used_best(town: tuple[np.ndarray, np.ndarray], places: list[int], p: int) -> None:
    """Of all choices none serves more people, by the cut of least capacity; no site serves more than it holds, no home more than live there."""
    near, people = town
    m = near.shape[1]
    p, room = min(p, m), np.array(places[:m], dtype="float64")
    pairs, homes, sites = frames(near, people)
    answer = siting.maximal_covering(pairs, homes, sites.assign(capacity=room), kinds=CLINIC, p=p, effort=ZEAL)

    def most(
        taken: tuple[int, ...],
    ) -> float:  # max flow = min cut: sites kept on the far side give their places, the others' homes theirs
        cuts = (set(c) for k in range(len(taken) + 1) for c in combinations(taken, k))
        return min(reached(near, people, tuple(set(taken) - cut)) + room[list(cut)].sum() for cut in cuts)

    best = max(most(c) for c in combinations(range(m), p))
    assert answer.objective == pytest.approx(best, abs=1e-5)
    assert answer.bound >= best - 1e-5
    assert answer.proven
    served = answer.gains.groupby("site_id")["residents"].sum()
    assert (served <= room[served.index] + 1e-5).all()
    lived = answer.gains.groupby("home_id")["residents"].sum()
    assert (lived <= people[lived.index] + 1e-5).all()
    assert served.sum() == pytest.approx(answer.objective, abs=1e-4)


# --- laws -------------------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(towns(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(town: tuple[np.ndarray, np.ndarray], p: int, random: Any) -> None:
    """Pairs, homes and sites shuffled: the same tables to the last bit."""
    near, people = town
    p = min(p, near.shape[1])
    given_ = frames(near, people * 0.1)
    mixed = [frame.sample(frac=1.0, random_state=random.randrange(2**31)) for frame in given_]
    one, other = (siting.maximal_covering(*f, kinds=CLINIC, p=p, effort=ZEAL) for f in (given_, mixed))
    for name in ("chosen", "gains", "totals", "left_out"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    assert (one.objective, one.bound, one.stopped) == (other.objective, other.bound, other.stopped)


def test_gains_are_told_by_area() -> None:
    """h and k gain in the east, i in no area; k's unknown people add nothing, but the home counts."""
    answer = siting.maximal_covering(PAIRS, HOMES, SITES[1::2], kinds=CLINIC, p=2)
    where = siting.gains_by_area(answer.gains, pd.Series({"h": "east", "k": "east", "j": "west"}))
    assert where.fillna({"area_id": "-"}).values.tolist() == [
        ["east", "clinic", 30.0, 2],
        ["west", "clinic", 20.0, 1],
        ["-", "clinic", 30.0, 1],
    ]


def large(seed: int, homes: int = 300, sites: int = 40) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Points in a square of 10 km, reach 1.5 km: too many choices to try."""
    rng = np.random.default_rng(seed)
    xy, at = rng.uniform(0, 10, (homes, 2)), rng.uniform(0, 10, (sites, 2))
    near = np.hypot(*(xy[:, None] - at[None]).transpose(2, 0, 1)) <= 1.5
    return frames(near, rng.integers(1, 100, homes).astype("float64"))


@pytest.mark.parametrize("capacity", [None, 900.0])
def test_the_order_of_rows_changes_no_search(capacity: float | None) -> None:
    """Nor where HiGHS has to search, nor with capacities: shuffled frames give the same choice, bound and steps."""
    pairs, homes, sites = large(2, homes=150, sites=25)
    if capacity:
        sites = sites.assign(capacity=capacity)
    plain = siting.Effort(kicks=2, rounds=20)
    mixed = (frame.sample(frac=1.0, random_state=3) for frame in (pairs, homes, sites))
    one = siting.maximal_covering(pairs, homes, sites, kinds=CLINIC, p=6, effort=plain)
    other = siting.maximal_covering(*mixed, kinds=CLINIC, p=6, effort=plain)
    pd.testing.assert_frame_equal(one.chosen, other.chosen, check_exact=True)
    pd.testing.assert_frame_equal(one.gains, other.gains, check_exact=True)
    assert (one.objective, one.bound, one.method, one.stopped) == (
        other.objective,
        other.bound,
        other.method,
        other.stopped,
    )


@pytest.mark.parametrize("seed", range(3))
def test_greedy_and_swaps_then_answer_then_bound(seed: int) -> None:
    """Without kicks and HiGHS the answer is at most that with them, and both lie below both bounds."""
    town = large(seed)
    quick = siting.Effort(kicks=0, rounds=50, entries=0, nodes=0)
    plain = siting.maximal_covering(*town, kinds=CLINIC, p=8, effort=quick)
    best = siting.maximal_covering(*town, kinds=CLINIC, p=8)
    assert plain.objective <= best.objective == best.bound <= plain.bound
    assert best.proven
    assert plain.gap_share == pytest.approx(1 - plain.objective / plain.bound)
    assert plain.stopped in ("bound", "proven")


@pytest.mark.parametrize("seed", range(3))
def test_one_candidate_more_never_lowers_the_best(seed: int) -> None:
    """The best of 39 candidates is at most the best of 40, and a curve only rises, each step proven."""
    pairs, homes, sites = large(seed)
    most = siting.maximal_covering(pairs, homes, sites, kinds=CLINIC, p=5).objective
    assert siting.maximal_covering(pairs, homes, sites[sites["site_id"] != 7], kinds=CLINIC, p=5).objective <= most
    steps = siting.curve(pairs, homes, sites, kinds=CLINIC, p=6)
    assert steps["proven"].all()
    assert (steps["added"] > 0).all()
    assert steps["objective"].iloc[4] == most
    assert steps["share"].iloc[-1] <= 1


def test_a_capacity_nobody_fills_is_no_capacity() -> None:
    """With room for everybody the answer is that without capacities, to the person."""
    pairs, homes, sites = large(5, homes=120, sites=15)
    free = siting.maximal_covering(pairs, homes, sites, kinds=CLINIC, p=4)
    roomy = siting.maximal_covering(pairs, homes, sites.assign(capacity=1e6), kinds=CLINIC, p=4)
    assert roomy.objective == pytest.approx(free.objective)
    assert roomy.gains["site_id"].tolist() == free.gains["site_id"].tolist()  # fewest minutes, too


def test_another_solver_finds_the_same() -> None:
    """scipy's milp, given the models as the papers write them, finds the same most covered and the same shortest mean."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    pairs, homes, sites = large(4)
    n, m, people = len(homes), len(sites), homes["residents"].to_numpy()
    near = np.zeros((n, m))
    near[pairs["home_id"], pairs["facility_id"]] = 1
    rules = [
        LinearConstraint(np.hstack([-near, np.eye(n)]), ub=0),
        LinearConstraint(np.append(np.ones(m), np.zeros(n)), ub=6),
    ]
    whole = np.append(np.ones(m), np.zeros(n))
    theirs = milp(np.append(np.zeros(m), -people), constraints=rules, integrality=whole, bounds=Bounds(0, 1))
    ours = siting.maximal_covering(pairs, homes, sites, kinds=CLINIC, p=6)
    assert ours.objective == pytest.approx(-theirs.fun, rel=1e-9)
    assert ours.proven

    n, m = 40, 12
    minutes = np.random.default_rng(4).uniform(0, 30, (n, m))
    one = np.hstack([np.zeros((n, m)), np.kron(np.eye(n), np.ones(m))])
    open_ = np.hstack([-np.tile(np.eye(m), (n, 1)), np.eye(n * m)])
    rules = [LinearConstraint(one, 1, 1), LinearConstraint(open_, ub=0)]
    rules.append(LinearConstraint(np.append(np.ones(m), np.zeros(n * m)), ub=3))
    cost = np.append(np.zeros(m), (people[:n, None] * minutes).ravel())
    theirs = milp(cost, constraints=rules, integrality=np.append(np.ones(m), np.zeros(n * m)), bounds=Bounds(0, 1))
    home, site = np.indices((n, m)).reshape(2, -1)
    pairs = pd.DataFrame({"home_id": home, "facility_id": site, "walk_min": minutes.ravel()})
    ours = siting.p_median(pairs, homes[:n], sites[:m], p=3)
    assert ours.objective == pytest.approx(theirs.fun / people[:n].sum(), rel=1e-9)
    assert ours.proven


def test_a_search_that_runs_out_of_time_says_so() -> None:
    """With no second for HiGHS the answer stands with its bound, is not called proven, and says that the clock ended it."""
    hurried = siting.Effort(kicks=0, rounds=20, seconds=0.0)
    answer = siting.maximal_covering(*large(1, homes=2000, sites=120), kinds=CLINIC, p=12, effort=hurried)
    assert (answer.stopped, answer.proven) == ("time", False)
    assert answer.objective < answer.bound
    assert f"within {answer.gap_share:.1%} of the best possible" in str(answer)


# --- bad input ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"p": 0}, "p must be a whole number of sites, 1 or more, not 0"),
        ({"p": 1.5}, "p must be a whole number"),
        ({"p": 9}, "p is 9, but there are 4 candidate sites"),
        ({"p": None}, "Say how many sites"),
        ({"budget": -1.0}, "budget must be"),
        ({"budget": 1.0, "sites": SITES}, "needs the column cost_yuan"),
        ({"sites": SITES.assign(cost_yuan=-1.0)}, "cost_yuan: 4 values below 0"),
        ({"sites": SITES.assign(capacity=-1.0)}, "capacity: 4 values below 0"),
        ({"sites": pd.concat([SITES, SITES[:1]])}, "listed more than once"),
        ({"sites": SITES.assign(kind="zoo")}, "'zoo' has no row in kinds"),
        ({"homes": HOMES.assign(residents=-1.0)}, "6 values below 0"),
        ({"homes": pd.concat([HOMES, HOMES[:1]])}, "the id 'g' repeats"),
        ({"homes": HOMES.rename(columns={"residents": "people"})}, "homes: lacks the column residents"),
        ({"sites": SITES[:0].assign(cost_yuan=1.0)}, "p is 1, but there are 0 candidate sites"),
        ({"homes": HOMES[1:]}, "name a home_id without a row"),
        ({"pairs": pd.concat([PAIRS, PAIRS[:1]])}, "paired more than once"),
        ({"pairs": PAIRS.assign(walk_min=-1.0)}, "walk_min: 7 values below 0"),
        ({"kinds": CLINIC.assign(weight=np.nan)}, "must be numbers"),
    ],
)
def test_bad_input_is_said(change: dict[str, Any], said: str) -> None:
    """Each fault is one clear sentence."""
    how = {"pairs": PAIRS, "homes": HOMES, "sites": SITES.assign(cost_yuan=1.0), "kinds": CLINIC, "p": 1} | change
    frames_ = [how.pop(name) for name in ("pairs", "homes", "sites")]
    with pytest.raises((SchemaError, ValueError), match=said):
        siting.maximal_covering(*frames_, **how)


def test_no_pair_at_all_is_an_answer() -> None:
    """Nobody can be reached: nothing is chosen, all sites are said to reach nobody, everybody is out of reach."""
    answer = siting.maximal_covering(PAIRS[:0], HOMES, SITES, kinds=CLINIC, p=2)
    assert (len(answer.chosen), answer.objective, answer.bound, answer.proven) == (0, 0, 0, True)
    assert answer.left_out["why"].eq("reaches_nobody_new").all()
    assert answer.totals["residents_out_of_reach"].tolist() == [138]
    assert siting.smallest_set(PAIRS[:0], HOMES, SITES, kinds=CLINIC).objective == 0
    assert siting.curve(PAIRS[:0], HOMES, SITES, kinds=CLINIC, p=2)["objective"].tolist() == [0, 0]


def test_one_kind_at_a_time_where_it_must_be() -> None:
    """The smallest set and the median refuse options of two kinds."""
    two = SITES.assign(kind=["clinic", "nursery"] * 2)
    kinds = pd.DataFrame({"limit_min": 15.0}, index=["clinic", "nursery"])
    with pytest.raises(ValueError, match="one kind"):
        siting.smallest_set(PAIRS, HOMES, two, kinds=kinds)
    with pytest.raises(ValueError, match="one kind"):
        siting.p_median(PAIRS, HOMES, two, p=1)


def test_the_callers_frames_are_left_alone() -> None:
    """No frame that is passed in is written into."""
    before = [frame.copy() for frame in (PAIRS, HOMES, SITES, CLINIC)]
    siting.maximal_covering(PAIRS, HOMES, SITES, kinds=CLINIC, p=2)
    for frame, was in zip((PAIRS, HOMES, SITES, CLINIC), before, strict=True):
        pd.testing.assert_frame_equal(frame, was)


# --- the sample town ----------------------------------------------------------------------------------------------------------

USES = ["community_canteen", "elder_day_care", "nursery"]  # walked to within 5 minutes by GB 50180
Town = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def town() -> Town:
    """Pairs of homes and idle assets on the town's streets, homes, options, kinds, minutes to what there is now."""
    study, _ = normalise.place(load.recipe.read(pipeline.sample_town()))
    assert study.homes is not None
    assert study.assets is not None
    assert study.facilities is not None
    assert study.streets is not None
    walk = network.build(study.streets, barriers=study.barriers, gates=study.gates)
    tiers = standards.tier_kinds(study.standards).query("tier == 5").set_index("kind")
    kinds = pd.DataFrame({"limit_min": tiers.loc[USES, "tier"].astype("float64")})
    there = study.facilities[study.facilities["kind"].isin(USES)]
    minutes = network.nearest(walk, study.homes, there, entrances=study.entrances)[USES]
    assets = study.assets.assign(geometry=study.assets.geometry.representative_point(), kind="asset")
    pairs = network.pairs(walk, study.homes, assets, limit_min=15.0)
    options = pd.DataFrame({"site_id": assets.index, "area_m2": assets["floor_area_m2"].clip(upper=800).to_numpy()})
    options = options.merge(pd.DataFrame({"kind": USES}), how="cross")
    costed = options.assign(cost_yuan=siting.costs(options, standards.read("conversion_costs")))
    return pairs, study.homes, costed, kinds, minutes


@pytest.mark.slow
def test_the_sample_town_is_proven(town: Town) -> None:
    """Three nurseries among the idle assets: none of the 24,804 choices of three reaches more; eight are proven, too."""
    pairs, homes, options, kinds, minutes = town
    kinds = kinds.loc[["nursery"]]
    sites = options[options["kind"] == "nursery"].drop(columns="cost_yuan")
    covered = minutes[["nursery"]] <= 5.0
    answer = siting.maximal_covering(pairs, homes, sites, kinds=kinds, p=3, covered=covered)
    short = pairs[pairs["walk_min"] <= 5.0]
    near = np.zeros((len(homes), len(sites)), bool)
    near[homes.index.get_indexer(short["home_id"]), pd.Index(sites["site_id"]).get_indexer(short["facility_id"])] = True
    weight = homes["residents"].fillna(0.0).mask(covered["nursery"], 0.0).to_numpy()
    used = weight > 0
    best = max(reached(near[used], weight[used], c) for c in combinations(range(len(sites)), 3))
    assert answer.objective == pytest.approx(best, rel=1e-12)
    assert answer.objective > 0
    assert answer.proven
    assert answer.totals["residents_before"].item() == pytest.approx(homes["residents"][covered["nursery"]].sum())
    assert siting.maximal_covering(pairs, homes, sites, kinds=kinds, p=8, covered=covered).proven


@pytest.mark.slow
def test_uses_of_the_sample_towns_assets_share_a_budget(town: Town) -> None:
    """Ten million yuan over three uses: proven, within the budget, one use an asset, and assets of unknown cost are told."""
    pairs, homes, options, kinds, minutes = town
    answer = siting.maximal_covering(pairs, homes, options, kinds=kinds, budget=1e7, covered=minutes <= 5.0)
    assert answer.proven
    assert answer.chosen["cost_yuan"].sum() <= 1e7
    assert answer.chosen["site_id"].is_unique
    unknown = options.loc[options["cost_yuan"].isna(), "site_id"]
    told = answer.left_out.query("why == 'cost_not_known'")["site_id"]
    assert sorted(told) == sorted(unknown)
    assert answer.totals["residents_gained"].sum() == pytest.approx(answer.objective)


@pytest.mark.slow
def test_set_median_and_curve_of_the_sample_town(town: Town) -> None:
    """The fewest canteens, the four that shorten the walk most and the curve of day care up to ten are proven, each step."""
    pairs, homes, options, kinds, minutes = town
    sites = options[options["kind"] == "community_canteen"].drop(columns="cost_yuan")
    fewest = siting.smallest_set(pairs, homes, sites, kinds=kinds, covered=minutes <= 5.0)
    assert fewest.proven
    assert fewest.objective > 0
    median = siting.p_median(pairs, homes, sites, p=4, now_min=minutes["community_canteen"], unreached_min=60.0)
    assert median.proven
    care = options[options["kind"] == "elder_day_care"].drop(columns="cost_yuan")
    steps = siting.curve(pairs, homes, care, kinds=kinds, p=10, covered=minutes <= 5.0)
    assert steps["proven"].all()
    assert steps["objective"].is_monotonic_increasing
