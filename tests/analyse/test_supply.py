"""Supply, worked out with a pencil, held to its laws and to loops written as the papers write their sums."""

import math
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point, box

from lifecircle import standards
from lifecircle.analyse import supply
from lifecircle.errors import CrsError, SchemaError

# Homes h (100 people), i (50), j (30), lone (20, reaches nothing); facilities a (60 places), b (30). Minutes:
#        a      b
#   h    0      –
#   i    9     15 exactly
#   j   16      5
PAIRS = pd.DataFrame(
    {
        "home_id": ["h", "i", "i", "j", "j"],
        "facility_id": ["a", "a", "b", "a", "b"],
        "walk_min": [0.0, 9.0, 15.0, 16.0, 5.0],
    }
)
PLACES = pd.Series({"a": 60.0, "b": 30.0})
PEOPLE = pd.Series({"h": 100.0, "i": 50.0, "j": 30.0, "lone": 20.0}, name="residents")


def test_two_steps_with_a_pencil() -> None:
    """a: 60 / 150 = 0.4; b: 30 / 80 = 0.375; h has 0.4, i 0.775, j 0.375, who reaches nothing has 0."""
    access = supply.floating_catchment(PAIRS, PLACES, PEOPLE, limit_min=15)
    assert access.to_dict() == pytest.approx({"h": 0.4, "i": 0.775, "j": 0.375, "lone": 0.0}, abs=1e-15)
    assert supply.service_level(PAIRS, PLACES, PEOPLE, limit_min=15).tolist() == [0.4, 0.375]


def test_gaussian_decay_with_a_pencil() -> None:
    """At the door the weight is 1, at the limit 0; between, by the formula: a serves 100 + 50 w(9), b serves 30 w(5)."""
    w9, w5 = ((math.exp(-0.5 * (t / 15) ** 2) - math.exp(-0.5)) / (1 - math.exp(-0.5)) for t in (9, 5))
    a, b = 60 / (100 + 50 * w9), 30 / (30 * w5)
    access = supply.floating_catchment(PAIRS, PLACES, PEOPLE, limit_min=15, decay="gaussian")
    assert access.to_dict() == pytest.approx({"h": a, "i": a * w9, "j": b * w5, "lone": 0.0}, rel=1e-14)


def test_balanced_with_a_pencil() -> None:
    """i splits its 50 people: a serves 125, b 55; a's 0.48 is split by h and i, b's 0.5454 by i and j."""
    access = supply.floating_catchment(PAIRS, PLACES, PEOPLE, limit_min=15, balanced=True)
    a, b = 60 / 125, 30 / 55
    assert access.to_dict() == pytest.approx({"h": a / 2, "i": a / 2 + b / 2, "j": b / 2, "lone": 0.0}, rel=1e-14)


def test_cumulative_with_a_pencil() -> None:
    """Within 15 minutes h has 60 places, i 90, j 30, and within 8 minutes i has none."""
    assert supply.cumulative(PAIRS, PLACES, PEOPLE.index, limit_min=15).tolist() == [60, 90, 30, 0]
    assert supply.cumulative(PAIRS, PLACES, PEOPLE.index, limit_min=8).tolist() == [60, 0, 30, 0]


@pytest.mark.parametrize("balanced", [False, True])
def test_a_home_not_joined_is_not_known_and_asks_for_nothing(balanced: bool) -> None:
    """With i off the network the others fare as if it were not there, and i and lone, off as well, are NaN, not 0."""
    joined = pd.Series({"h": True, "i": False, "j": True})
    access = supply.floating_catchment(PAIRS, PLACES, PEOPLE, limit_min=15, balanced=balanced, joined=joined)
    assert access[["h", "j"]].tolist() == [0.6, 1.0]
    assert access[["i", "lone"]].isna().all()
    assert supply.cumulative(PAIRS, PLACES, PEOPLE.index, limit_min=15, joined=joined)[["i", "lone"]].isna().all()


@pytest.mark.parametrize("balanced", [False, True])
def test_an_unknown_capacity_is_left_out_and_is_no_zero(balanced: bool) -> None:
    """Where b's capacity is not known, i keeps its share of a as if b were not there; j, who reaches only b, is not known."""
    places = PLACES.where(PLACES.index != "b")
    access = supply.floating_catchment(PAIRS, places, PEOPLE, limit_min=15, balanced=balanced)
    without = supply.floating_catchment(PAIRS, places[["a"]], PEOPLE, limit_min=15, balanced=balanced)
    assert access[["h", "i", "lone"]].tolist() == without[["h", "i", "lone"]].tolist()
    assert np.isnan(access["j"])
    within = supply.cumulative(PAIRS, places, PEOPLE.index, limit_min=15)
    assert within[["h", "i", "lone"]].tolist() == [60, 60, 0]
    assert np.isnan(within["j"])


def test_where_no_capacity_is_known_nobody_has_an_answer() -> None:
    """lone reaches nothing, but its 0 alone would read as the town's mean: without any capacity all homes are NaN."""
    nothing = PLACES * np.nan
    assert supply.floating_catchment(PAIRS, nothing, PEOPLE, limit_min=15).isna().all()
    assert supply.cumulative(PAIRS, nothing, PEOPLE.index, limit_min=15).isna().all()


def test_unknown_people_ask_for_nothing_and_do_not_divide_by_zero() -> None:
    """i's people not known: a serves h alone (0.6), b serves j alone (1.0), and i's own access is their sum."""
    access = supply.floating_catchment(PAIRS, PLACES, PEOPLE.where(PEOPLE.index != "i"), limit_min=15)
    assert access.tolist() == [0.6, 1.6, 1.0, 0.0]
    nobody = pd.Series({"h": 100.0, "i": np.nan, "j": np.nan, "lone": 20.0})
    access = supply.floating_catchment(PAIRS, PLACES, nobody, limit_min=15)
    assert access[["h", "i"]].tolist() == [0.6, 0.6]
    assert np.isnan(access["j"])  # b has places, but for how many is not known


@pytest.mark.parametrize("decay", ["binary", "gaussian"])
@pytest.mark.parametrize("balanced", [False, True])
def test_a_facility_nobody_lives_near_gives_nothing(decay: supply.Decay, balanced: bool) -> None:
    """Homes without any people leave nothing to divide by: access 0, no level of service, and no warning."""
    empty = PEOPLE.where(PEOPLE.index == "lone", 0.0)
    how = {"limit_min": 15, "decay": decay, "balanced": balanced}
    assert supply.floating_catchment(PAIRS, PLACES, empty, **how).tolist() == [0, 0, 0, 0]
    assert supply.service_level(PAIRS, PLACES, empty, **how).isna().all()


def test_no_pairs_and_no_facilities_are_answered() -> None:
    """Without a pair, or without a facility of the kind, every joined home has 0."""
    for pairs, places in ((PAIRS[:0], PLACES), (PAIRS, PLACES[:0])):
        assert supply.floating_catchment(pairs, places, PEOPLE, limit_min=15, balanced=True).tolist() == [0, 0, 0, 0]
        assert supply.cumulative(pairs, places, PEOPLE.index, limit_min=15).tolist() == [0, 0, 0, 0]


def test_facilities_of_another_kind_and_pairs_without_minutes_are_passed_over() -> None:
    """Only a is asked for: b's pairs change nothing, and a pair without minutes is no pair."""
    pairs = PAIRS.assign(walk_min=PAIRS["walk_min"].where(PAIRS["home_id"] != "i"))
    access = supply.floating_catchment(pairs, PLACES[["a"]], PEOPLE, limit_min=15, balanced=True)
    assert access.tolist() == [0.6, 0, 0, 0]


def test_each_kind_has_its_own_limit() -> None:
    """Nurseries at 5 minutes and clinics at 15 come out as if asked one by one; a kind without a facility is 0."""
    capacities = pd.DataFrame({"kind": ["nursery", "clinic"], "capacity": [60.0, 30.0]}, index=["a", "b"])
    limits = pd.Series({"clinic": 15.0, "school": 10.0, "nursery": 5.0})
    access = supply.access_by_kind(PAIRS, capacities, PEOPLE, limits_min=limits)
    assert access.to_dict("list") == {"clinic": [0, 0.375, 0.375, 0], "school": [0] * 4, "nursery": [0.6, 0, 0, 0]}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"supply": -PLACES}, "supply: 2 values below 0"),
        ({"demand": PEOPLE.replace(100.0, np.inf)}, "demand: 1 values are infinite"),
        ({"supply": pd.Series([1.0, 2.0], index=["a", "a"])}, "'a' repeats"),
        ({"demand": PEOPLE.drop("i")}, "2 rows name a home_id without a row of its own"),
        ({"demand": pd.concat([PEOPLE, PEOPLE[:1]])}, "home_id repeats"),
        ({"pairs": pd.concat([PAIRS, PAIRS[:1]])}, "more than once"),
        ({"pairs": PAIRS.assign(walk_min=-1.0)}, "walk_min"),
        ({"limit_min": 0}, "positive number of minutes"),
        ({"limit_min": np.nan}, "positive number of minutes"),
        ({"decay": "linear"}, "binary or gaussian"),
    ],
)
def test_what_would_give_a_wrong_number_is_refused(changed: dict[str, object], said: str) -> None:
    """Negative, infinite and repeated values, unknown homes and meaningless limits are each one clear sentence."""
    given_ = {"pairs": PAIRS, "supply": PLACES, "demand": PEOPLE, "limit_min": 15, **changed}
    frames = [given_.pop(name) for name in ("pairs", "supply", "demand")]
    with pytest.raises(ValueError, match=said):
        supply.floating_catchment(*frames, **given_)


# ------------------------------------------------------------------------------------------------ laws and a referee


@st.composite
def towns(draw: st.DrawFn) -> tuple[pd.DataFrame, "pd.Series[float]", "pd.Series[float]"]:
    """A few homes and facilities with any set of pairs, shuffled; places and people may be 0 or not known."""
    homes, facilities = draw(st.integers(1, 7)), draw(st.integers(1, 5))
    number = st.one_of(st.just(0.0), st.floats(0.5, 5000.0), st.just(float("nan")))
    minutes = st.one_of(st.just(15.0), st.floats(0.0, 14.9), st.floats(15.1, 20.0), st.just(float("nan")))
    cells = draw(st.lists(st.sampled_from([(h, f) for h in range(homes) for f in range(facilities)]), unique=True))
    pairs = pd.DataFrame(
        {
            "home_id": pd.array([f"h{h}" for h, _ in cells], dtype="str"),
            "facility_id": pd.array([f"f{f}" for _, f in cells], dtype="str"),
            "walk_min": np.array([draw(minutes) for _ in cells], dtype="float64"),
        }
    )
    places = pd.Series([draw(number) for _ in range(facilities)], index=[f"f{f}" for f in range(facilities)])
    people = pd.Series([draw(number) for _ in range(homes)], index=[f"h{h}" for h in range(homes)])
    return pairs, places, people


DECAYS = st.sampled_from(["binary", "gaussian"])


def by_loops(
    pairs: pd.DataFrame, places: "pd.Series[float]", people: "pd.Series[float]", decay: str, balanced: bool
) -> tuple[dict[str, float], dict[str, float]]:
    """Level of service and access, sum by sum as the papers print them; NaN as the docstring says."""

    def w(t: float) -> float:
        if not t <= 15:
            return 0.0
        return 1.0 if decay == "binary" else (math.exp(-0.5 * (t / 15) ** 2) - math.exp(-0.5)) / (1 - math.exp(-0.5))

    near = {(r.home_id, r.facility_id): w(r.walk_min) for r in pairs.itertuples() if r.walk_min <= 15}
    known = {f: s for f, s in places.items() if not math.isnan(s)}
    heads = {h: 0.0 if math.isnan(p) else p for h, p in people.items()}
    row = {h: sum(v for (i, f), v in near.items() if i == h and f in known) for h in heads}
    column = {f: sum(v for (_, g), v in near.items() if g == f) for f in known}
    level, undecided = {}, set(places.index) - set(known)
    for f, s in known.items():
        asked = 0.0
        for (h, g), v in near.items():
            if g == f and v > 0:
                asked += heads[h] * (v / row[h] if balanced else v)
        level[f] = s / asked if asked > 0 else 0.0
        if asked == 0 and any(g == f and math.isnan(people[h]) for h, g in near):
            undecided.add(f)
    access = {}
    for h in heads:
        reached = [f for i, f in near if i == h]
        told = [f for f in reached if f not in undecided]
        shares = [near[h, f] / column[f] if balanced and near[h, f] > 0 else near[h, f] for f in told]
        total = sum(level[f] * share for f, share in zip(told, shares, strict=True))
        access[h] = math.nan if (reached and not told) or undecided == set(places.index) else total
    return level, access


@given(towns(), DECAYS, st.booleans())
def test_the_same_as_loops(
    town: tuple[pd.DataFrame, pd.Series, pd.Series], decay: supply.Decay, balanced: bool
) -> None:
    """Every method gives, home by home, what the sums of the papers give when written as loops."""
    _, expected = by_loops(*town, decay, balanced)
    access = supply.floating_catchment(*town, limit_min=15, decay=decay, balanced=balanced)
    np.testing.assert_allclose(access.to_numpy(), [expected[h] for h in access.index], rtol=1e-9, atol=1e-12)


@given(towns(), DECAYS)
def test_all_supply_that_people_reach_is_given_out(town: tuple[pd.DataFrame, pd.Series, pd.Series], decay: str) -> None:
    """Unbalanced, access × people over all homes is the supply of the facilities that somebody reaches."""
    pairs, places, people = town
    access = supply.floating_catchment(*town, limit_min=15, decay=decay)
    near = pairs[(pairs["walk_min"] <= 15) & (pairs["home_id"].map(people) > 0)]
    if decay == "gaussian":  # at the limit itself the weight is 0
        near = near[near["walk_min"] < 15]
    served = places[places.index.isin(near["facility_id"])].sum()
    assert (access * people).sum() == pytest.approx(served, rel=1e-9, abs=1e-9)


@given(towns(), DECAYS)
def test_balanced_serves_everybody_once(town: tuple[pd.DataFrame, pd.Series, pd.Series], decay: str) -> None:
    """Balanced, all levels of service are given out, and they serve just the people who reach a known facility."""
    pairs, places, people = town
    known = places.fillna(0.0) + 1.0  # of every facility, and more than none
    level = supply.service_level(pairs, known, people, limit_min=15, decay=decay, balanced=True)
    access = supply.floating_catchment(pairs, known, people, limit_min=15, decay=decay, balanced=True)
    assert access.sum() == pytest.approx(level.sum(), rel=1e-9)
    near = pairs[pairs["walk_min"] <= (15 if decay == "binary" else 14.9)]  # at the limit itself the weight is 0
    assert (known / level).sum() == pytest.approx(people[people.index.isin(near["home_id"])].sum(), rel=1e-9)


@given(towns(), DECAYS, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_rows_says_nothing(
    town: tuple[pd.DataFrame, pd.Series, pd.Series], decay: str, balanced: bool, random: object
) -> None:
    """Shuffled pairs, facilities and homes give the same access."""
    how = {"limit_min": 15, "decay": decay, "balanced": balanced}
    mixed = [frame.sample(frac=1.0, random_state=random.randrange(2**31)) for frame in town]
    access = supply.floating_catchment(*town, **how)
    other = supply.floating_catchment(*mixed, **how)
    pd.testing.assert_series_equal(other.sort_index(), access.sort_index(), rtol=1e-9)


@given(towns(), DECAYS)
def test_a_home_cut_in_two_changes_nothing_unbalanced(
    town: tuple[pd.DataFrame, pd.Series, pd.Series], decay: str
) -> None:
    """Half of h0's people moved to a second home on the same spot leave everybody's access as it was."""
    pairs, places, people = town
    twin = pairs[pairs["home_id"] == "h0"].assign(home_id="twin")
    halves = pd.concat([people, pd.Series({"twin": people["h0"] / 2})])
    halves["h0"] = people["h0"] / 2
    access = supply.floating_catchment(*town, limit_min=15, decay=decay)
    cut = supply.floating_catchment(pd.concat([pairs, twin]), places, halves, limit_min=15, decay=decay)
    pd.testing.assert_series_equal(cut.drop("twin"), access, rtol=1e-9)


def test_a_million_pairs_take_a_blink() -> None:
    """A million pairs of 100,000 homes are answered within three seconds, balanced and with decay."""
    homes, sites, each = 100_000, 2_000, 10
    home = np.repeat(np.arange(homes), each)
    site = (home * 7 + np.tile(np.arange(each), homes) * 191) % sites
    names, places = pd.Index([f"h{h:06d}" for h in range(homes)]), pd.Index([f"f{f:04d}" for f in range(sites)])
    pairs = pd.DataFrame(
        {"home_id": names.take(home), "facility_id": places.take(site), "walk_min": (home + site) % 15 + 0.5}
    )
    start = time.perf_counter()
    access = supply.floating_catchment(
        pairs, pd.Series(40.0, index=places), pd.Series(3.0, index=names), limit_min=15, decay="gaussian", balanced=True
    )
    assert time.perf_counter() - start < 3
    assert access.gt(0).all()


# ------------------------------------------------------------------------------------------------ capacity


FACILITIES = pd.DataFrame(
    {
        "kind": ["school", "school", "clinic", "clinic", "pitch", "bench", None],
        "capacity": [900.0, np.nan, np.nan, np.nan, np.nan, np.nan, 7.0],
        "floor_area_m2": [np.nan, 8000.0, 150.0, 0.0, 0.0, np.nan, np.nan],
        "site_area_m2": [np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan],
    },
    index=pd.Index(list("abcdefg"), name="facility_id"),
)
STANDARD = pd.DataFrame(
    [
        ("school", "classes", "<=", 36.0, "M:M"),
        ("clinic", "floor_area_m2", ">=", 120.0, "M:H"),
        ("clinic", "floor_area_m2", "<=", 270.0, "F"),
        ("clinic", "floor_area_m2", ">=", 200.0, "V"),
        ("pitch", "floor_area_m2", ">=", 50.0, "M:M"),
        ("pitch", "site_area_m2", ">=", 800.0, "F:K8"),
        ("bench", "beds", ">=", 2.0, "M:L"),
        ("bench", "floor_area_m2", "<=", 9.0, "F"),
    ],
    columns=["code", "quantity", "operator", "value", "mark"],
)


def test_capacity_comes_from_the_layer_then_from_what_binds_in_the_standard() -> None:
    """The layer's number stands; a clinic of 0 m² takes the smaller binding minimum, a pitch its binding site area."""
    out = supply.capacity(FACILITIES, STANDARD)
    said = out[["capacity", "capacity_unit", "capacity_from"]]
    assert said.loc["a"].tolist() == [900.0, "places", "layer"]
    assert said.loc["c"].tolist() == [150.0, "floor_area_m2", "layer"]
    assert said.loc["d"].tolist() == [120.0, "floor_area_m2", "standard"]
    assert said.loc["e"].tolist() == [800.0, "site_area_m2", "standard"]


def test_units_of_one_kind_are_never_mixed() -> None:
    """One school states places, the other floor area: places come first, and the other school's are not known."""
    out = supply.capacity(FACILITIES, STANDARD)
    assert out.loc["b", "capacity_from"] == "unknown"
    assert out.loc["b", "capacity_unit"] == "places"
    assert out.groupby("kind")["capacity_unit"].nunique().max() == 1


def test_what_neither_layer_nor_a_binding_row_says_is_unknown() -> None:
    """A bench has doubtful places and only an upper end of its area; without a kind there is no unit: not known, not 0."""
    out = supply.capacity(FACILITIES, STANDARD).loc[["f", "g"]]
    assert out["capacity"].isna().all()
    assert out["capacity_unit"].isna().all()
    assert out["capacity_from"].tolist() == ["unknown", "unknown"]


def test_the_unit_stated_most_often_wins() -> None:
    """Two of three markets state their floor area and one its places: floor area it is."""
    markets = pd.DataFrame(
        {"kind": "market", "capacity": [9.0, np.nan, np.nan], "floor_area_m2": [np.nan, 700.0, 800.0]},
        index=list("xyz"),
    ).assign(site_area_m2=np.nan)
    out = supply.capacity(markets, STANDARD)
    assert out["capacity_unit"].unique().tolist() == ["floor_area_m2"]
    assert out["capacity_from"].tolist() == ["unknown", "layer", "layer"]


def test_the_shipped_standard_gives_floor_areas_to_some_kinds_and_none_to_schools() -> None:
    """GB 50180 as shipped: a nursing home at least 7000 m²; its beds and a school's size are not confirmed."""
    kinds = ["nursing_home", "middle_school", "mall"]
    facilities = pd.DataFrame({"kind": kinds, "capacity": np.nan, "floor_area_m2": np.nan, "site_area_m2": np.nan})
    out = supply.capacity(facilities, standards.read("facilities").query("profile == 'national_2018'"))
    assert out["capacity"].tolist()[::2] == [7000.0, 1500.0]
    assert out["capacity_from"].tolist() == ["standard", "unknown", "standard"]


def test_capacity_of_nothing_and_by_two_profiles() -> None:
    """No facility gives no row, no standard gives no size, and rows of two profiles are refused."""
    assert supply.capacity(FACILITIES[:0], STANDARD).empty
    assert (
        supply.capacity(FACILITIES, STANDARD[:0])["capacity_from"].tolist()
        == ["layer", "unknown", "layer"] + ["unknown"] * 4
    )
    with pytest.raises(SchemaError, match="several profiles"):
        supply.capacity(FACILITIES, STANDARD.assign(profile=["p", "q"] * 4))


# ------------------------------------------------------------------------------------------------ match


def areas() -> gpd.GeoDataFrame:
    """Two communities side by side, a (west) and b (east), inside a town."""
    level = ["community", "town", "community"]
    shapes = [box(10, 0, 20, 10), box(0, 0, 30, 10), box(0, 0, 10, 10)]
    return gpd.GeoDataFrame({"level": level}, geometry=shapes, index=["b", "town", "a"], crs=4547)


def test_a_facility_belongs_to_one_community() -> None:
    """Inside b it is b's, on the shared boundary a's (the smallest number), outside every community nobody's."""
    points = gpd.GeoDataFrame(geometry=[Point(15, 5), Point(10, 5), Point(25, 5)], index=list("xyz"), crs=4547)
    assert supply.community(points, areas()).tolist()[:2] == ["b", "a"]
    assert supply.community(points, areas()).isna().tolist() == [False, False, True]
    with pytest.raises(CrsError):
        supply.community(points.to_crs(4326), areas())


KINDS = pd.Series(["clinic", "clinic", "clinic", "gym", "gym"], index=list("pqrst"))
AREAS = pd.Series(["a", "b", None, "b", "b"], index=list("pqrst"), dtype="str")
FLOOR = pd.Series([100.0, 300.0, 100.0, np.nan, np.nan], index=list("pqrst"), name="floor_area_m2")
RESIDENTS = pd.Series({"b": 600.0, "a": 200.0, "c": 200.0}, name="residents")


def test_match_with_a_pencil() -> None:
    """Clinics: a has 100 of 500 m² and 200 of 1000 people, b 300 and 600, c none and 200, no area 100 and nobody."""
    table = supply.match(KINDS, AREAS, RESIDENTS, FLOOR)
    clinics = table[table["kind"] == "clinic"]
    assert clinics["area_id"].tolist()[:3] == ["a", "b", "c"]
    assert clinics["area_id"].isna().tolist() == [False, False, False, True]
    assert clinics["facilities"].tolist() == [1, 1, 0, 1]
    assert clinics["share_of_floor_area_m2"].tolist() == [0.2, 0.6, 0.0, 0.2]
    assert clinics["share_of_residents"].tolist() == [0.2, 0.6, 0.2, 0.0]
    assert clinics["difference"].tolist() == [0.0, 0.0, -0.2, 0.2]
    assert supply.share_gap(table)["clinic"] == pytest.approx(0.2)


def test_facilities_of_unknown_size_are_counted_and_are_no_zero() -> None:
    """Both gyms' floors are not known: b's area and share are NaN, its two gyms are there, and there is no gap to give."""
    table = supply.match(KINDS, AREAS, RESIDENTS, FLOOR)
    gyms = table[table["kind"] == "gym"].set_index("area_id")
    assert gyms.loc["b", ["facilities", "facilities_not_known"]].tolist() == [2, 2]
    assert np.isnan(gyms.loc["b", "floor_area_m2"])
    assert gyms["share_of_floor_area_m2"].isna().all()
    assert np.isnan(supply.share_gap(table)["gym"])


def test_without_sizes_facilities_are_counted() -> None:
    """Both gyms stand in b, which has 600 of 1000 people: 1 − 0.6 too many there, a and c 0.2 too few each."""
    gyms = supply.match(KINDS, AREAS, RESIDENTS).query("kind == 'gym' and area_id.notna()")
    assert gyms["difference"].tolist() == pytest.approx([-0.2, 0.4, -0.2])
    assert "share_of_facilities" in gyms


def test_people_in_no_area_are_kept() -> None:
    """The people under a missing area_id have a row of their own, and the areas add up to the town."""
    people = pd.Series([600.0, 400.0], index=pd.Index(["b", None], dtype="str"), name="residents")
    table = supply.match(pd.Series({"s": "gym"}), pd.Series({"s": "b"}), people)
    assert table["residents"].tolist() == [600, 400]
    assert table["area_id"].isna().tolist() == [False, True]


def test_match_refuses_an_area_without_people() -> None:
    """A facility in an area that the people's table does not know is a fault, not a silent loss."""
    with pytest.raises(SchemaError, match="'b'"):
        supply.match(KINDS, AREAS, RESIDENTS.drop("b"), FLOOR)


# ------------------------------------------------------------------------------------------------ equity


def test_gini_with_a_pencil() -> None:
    """1, 2 and 3 for one person each: the mean difference 8/9 over twice the mean, 2/9; all alike: 0."""
    assert supply.gini(pd.Series([3.0, 1.0, 2.0]), pd.Series([1.0, 1.0, 1.0])) == pytest.approx(2 / 9, rel=1e-14)
    assert supply.gini(pd.Series([0.3, 0.3]), pd.Series([1.0, 7.0])) == pytest.approx(0, abs=1e-15)


PERSONS = st.lists(st.tuples(st.floats(0, 100), st.integers(0, 6)), min_size=1, max_size=8)


@given(PERSONS)
def test_gini_of_homes_is_that_of_the_people_in_them(homes: list[tuple[float, int]]) -> None:
    """Weighted by people it is ``Σ Σ |x_i − x_j| / (2 n² mean)`` over the single persons, and lies in 0 to 1."""
    each = np.array([access for access, people in homes for _ in range(people)])
    value = supply.gini(pd.Series([a for a, _ in homes]), pd.Series([float(p) for _, p in homes]))
    if not len(each) or not each.sum() > 1e-9:
        assert np.isnan(value) or 0 <= value <= 1
    else:
        expected = np.abs(each[:, None] - each[None, :]).sum() / (2 * len(each) ** 2 * each.mean())
        assert value == pytest.approx(expected, abs=1e-9)
        assert 0 <= value <= 1


def test_under_half_of_the_mean_with_a_pencil() -> None:
    """10 people at 0, 10 at 1 and 20 at 3.5: the mean is 2, half of it 1, so only the first 10 of 40 are under it."""
    access, people = pd.Series([0.0, 1.0, 3.5]), pd.Series([10.0, 10.0, 20.0])
    assert supply.share_under_half_mean(access, people) == 0.25
    assert supply.share_under_half_mean(access / 3, people) == 0.25


def test_without_people_or_without_access_there_is_nothing_to_compare() -> None:
    """Nobody counted, or nothing anywhere: not a number rather than perfectly even; negative access is refused."""
    for access, people in (([1.0], [0.0]), ([0.0, 0.0], [5.0, 5.0]), ([np.nan], [5.0]), ([], [])):
        values, heads = pd.Series(access, dtype="float64"), pd.Series(people, dtype="float64")
        assert np.isnan(supply.gini(values, heads))
        assert np.isnan(supply.share_under_half_mean(values, heads))
    with pytest.raises(SchemaError, match="below 0"):
        supply.gini(pd.Series([-1.0]), pd.Series([1.0]))


def test_equity_counts_who_is_not_known() -> None:
    """Of 60 known people 40 have a clinic's access known; j's 20 are not known, and k's number is not known at all."""
    access = pd.DataFrame({"clinic": [0.0, 8.0, np.nan, 1.0], "gym": np.nan}, index=list("hijk"))
    people = pd.Series([30.0, 10.0, 20.0, np.nan], index=list("hijk"), name="residents")
    table = supply.equity(access, people).set_index("kind")
    assert table.loc["clinic"].to_dict() == {
        "mean_access": 2.0,
        "gini": 0.75,
        "share_under_half_mean": 0.75,
        "residents_counted": 40.0,
        "residents_not_known": 20.0,
        "homes_not_known": 2.0,
    }
    assert table.loc["gym", ["mean_access", "gini", "share_under_half_mean"]].isna().all()
    assert table.loc["gym", "residents_not_known"] == 60


def test_nothing_given_is_written_into() -> None:
    """The frames handed in are as they were after every function."""
    before = [frame.copy() for frame in (PAIRS, PLACES, PEOPLE, FACILITIES, STANDARD, FLOOR, RESIDENTS)]
    access = supply.floating_catchment(PAIRS, PLACES, PEOPLE, limit_min=15, decay="gaussian", balanced=True)
    supply.equity(access.to_frame("clinic"), PEOPLE)
    supply.capacity(FACILITIES, STANDARD)
    supply.match(KINDS, AREAS, RESIDENTS, FLOOR)
    for frame, kept in zip((PAIRS, PLACES, PEOPLE, FACILITIES, STANDARD, FLOOR, RESIDENTS), before, strict=True):
        assert frame.equals(kept)
