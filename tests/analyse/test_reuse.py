"""Idle assets and what they could become, worked out with a pencil and held to their laws."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, box

from lifecircle import schema, standards
from lifecircle.analyse import reuse

KINDS = standards.read("asset_kinds")
EVERY_RULE = standards.read("reuse_rules")
FOUND = EVERY_RULE[EVERY_RULE["class"] == "found"]
RULES = EVERY_RULE[EVERY_RULE["class"].isin(["stop", "fit"])].assign(
    binding=lambda rules: standards.binding(rules["mark"])
)
USES = ["elder_day_care", "health_station", "park", "car_parking"]
CLEAR = gpd.GeoDataFrame(
    {"kind": ["farmland", "ecology", "heritage", "hazard"]},
    geometry=[box(9000 + x, 0, 9010 + x, 10) for x in (0, 20, 40, 60)],
    crs=4547,
)


def table(name: str, rows: dict[str, dict[str, object]], shapes: list[Any]) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(pd.DataFrame.from_dict(rows, orient="index"), geometry=shapes, crs=4547)
    return schema.conform(name, frame)


def found(
    assets: gpd.GeoDataFrame | None = None,
    parcels: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    streets: gpd.GeoDataFrame | None = None,
    **more: Any,
) -> gpd.GeoDataFrame:
    return reuse.found(assets, parcels, buildings, streets, kinds=KINDS, rules=FOUND, **more)


def measured(assets: gpd.GeoDataFrame, constraints: gpd.GeoDataFrame | None = CLEAR, **more: Any) -> pd.DataFrame:
    known = {"entrances": None, "joined": pd.Series(True, index=assets.index), "least_m2": 1.0} | more
    return reuse.measures(assets, constraints=constraints, **known)


def said(assets: gpd.GeoDataFrame, uses: list[str] = USES, **more: Any) -> pd.DataFrame:
    """The options of assets nobody walks to, on asset and use."""
    answers = reuse.judged(measured(assets, **more), RULES, uses)
    keys = pd.MultiIndex.from_product([assets.index, uses], names=["asset_id", "use"]).to_frame(index=False)
    return reuse.options(answers, keys.assign(people_newly=0.0)).set_index(["asset_id", "use"])


def register(rows: dict[str, dict[str, object]], shapes: list[Any] | None = None) -> gpd.GeoDataFrame:
    return found(table("assets", rows, shapes or [Point(10 * k, 0) for k in range(len(rows))]))


GOOD = {"asset_kind": "factory", "danger_class": "A", "title_clear": True, "floors": 1.0, "floor_area_m2": 800.0}

# --- found in the layers ------------------------------------------------------------------------------------------------


def test_a_small_plot_without_a_building_is_found() -> None:
    """a: 900 m², nothing on it. b: a house. c: farmland. d: 14,400 m². e: land use not known. f: 100 m². g: works begun. h: a wall touches it."""
    plots = [box(200 * k, 0, 200 * k + side, side) for k, side in enumerate([30, 30, 30, 120, 30, 10, 30, 30])]
    parcels = table("parcels", {name: {} for name in "abcdefgh"}, plots)
    parcels.loc["g", "started_date"] = pd.Timestamp("2025-01-01")
    buildings = table("buildings", {"B1": {}, "B2": {}}, [box(205, 5, 215, 15), box(1390, 0, 1400, 30)])
    groups = (
        pd.Series("commercial", index=parcels.index).mask(parcels.index == "c", "farmland").mask(parcels.index == "e")
    )
    every = found(parcels=parcels, buildings=buildings, groups=groups)
    assert every.index.tolist() == ["parcel:a", "parcel:h"]
    assert every[["asset_kind", "space", "origin", "evidence"]].drop_duplicates().values.tolist() == [
        ["vacant_plot", "ground", "found", "no_building"]
    ]
    assert every["site_area_m2"].tolist() == [900.0, 900.0]
    assert every["title_clear"].isna().all()


def test_without_buildings_or_land_use_nothing_is_called_vacant() -> None:
    """Where no building was delivered, or no land use, nobody can say that a plot is vacant."""
    parcels = table("parcels", {"a": {}}, [box(0, 0, 30, 30)])
    nowhere = table("buildings", {"B": {}}, [box(900, 900, 910, 910)])
    assert found(parcels=parcels, groups=pd.Series({"a": "commercial"})).empty
    assert found(parcels=parcels, buildings=nowhere).empty


def test_a_street_severs_the_smaller_piece() -> None:
    """A parcel of 100 × 40 m, a street 10 m wide along x = 70: 65 × 40 stay, 25 × 40 = 1,000 m² are left over.

    A bridge, a lane of 4 m and a street of unknown width sever nothing; a house on the piece keeps it in use.
    """
    parcels = table("parcels", {"P": {"name": "mill"}}, [box(0, 0, 100, 40)])
    elsewhere = table("buildings", {"B": {}}, [box(500, 500, 510, 510)])
    lines = [LineString([(70, -50), (70, 90)])]

    def pieces(street: dict[str, object], buildings: gpd.GeoDataFrame = elsewhere) -> list[float]:
        every = found(parcels=parcels, buildings=buildings, streets=table("streets", {"s": street}, lines))
        return every["site_area_m2"].tolist()

    assert pieces({"width_m": 10.0}) == [pytest.approx(1000)]
    assert pieces({"width_m": 10.0, "bridge": True}) == pieces({"width_m": 4.0}) == pieces({"width_m": np.nan}) == []
    assert pieces({"width_m": 10.0}, table("buildings", {"B": {}}, [box(80, 10, 90, 20)])) == []


def test_two_streets_that_cross_cut_a_parcel_in_four() -> None:
    """100 × 100 m with streets 10 m wide along x = 30 and y = 30: 65 × 65 stays; 25 × 25, 25 × 65 and 65 × 25 are found."""
    parcels = table("parcels", {"P": {}}, [box(0, 0, 100, 100)])
    streets = table(
        "streets",
        {"s": {"width_m": 10.0}, "t": {"width_m": 10.0}},
        [LineString([(30, -50), (30, 150)]), LineString([(-50, 30), (150, 30)])],
    )
    nowhere = table("buildings", {"B": {}}, [box(500, 500, 510, 510)])
    every = found(parcels=parcels, buildings=nowhere, streets=streets)
    assert sorted(every["site_area_m2"]) == pytest.approx([625, 1625, 1625])
    assert set(every["evidence"]) == {"no_building, severed"}
    assert every.geometry.area.sum() == pytest.approx(625 + 1625 + 1625)


def test_still_meters_and_vacant_buildings_are_found() -> None:
    """B1: 14 months still. B2: marked vacant. B3: both. B4: 11 months. B5: neither. P: a parcel whose meter stands still, B6 on it is no second asset."""
    shapes = [box(20 * k, 0, 20 * k + 10, 10) for k in range(6)]
    rows: dict[str, dict[str, object]] = {f"B{k}": {"use": "industrial"} for k in range(1, 7)}
    rows["B2"]["vacant"] = rows["B3"]["vacant"] = rows["B6"]["vacant"] = True
    rows["B2"]["use"] = "commercial"
    rows["B5"]["vacant"] = False
    idle = pd.DataFrame(
        {
            "of_table": ["buildings"] * 3 + ["parcels"],
            "of_id": ["B1", "B3", "B4", "P"],
            "months_without_use": [14.0, 12, 11, 12],
        }
    )
    parcels = table("parcels", {"P": {"floor_area_m2": 70.0}}, [box(95, -5, 115, 15)])
    every = found(parcels=parcels, buildings=table("buildings", rows, shapes), idle=idle)
    assert every["evidence"].to_dict() == {
        "parcel:P": "meter_still, marked_vacant",
        "building:B1": "meter_still",
        "building:B2": "marked_vacant",
        "building:B3": "meter_still, marked_vacant",
    }
    assert every["months_without_use"].tolist()[:2] == [12, 14]
    assert every["ground_floor_area_m2"].tolist()[1:] == [100] * 3
    kinds = every["asset_kind"]
    assert kinds["building:B1"] == "factory"
    assert kinds[["parcel:P", "building:B2"]].isna().all()
    assert every.loc["parcel:P", ["space", "floor_area_m2"]].tolist() == ["building", 70]


def test_what_the_register_has_is_not_found_twice() -> None:
    """A1 names parcel P, A2 lies on its own ground: the vacant buildings there add their evidence to them, B3 stands alone."""
    assets = table(
        "assets",
        {"A1": {"asset_kind": "factory", "parcel_id": "P"}, "A2": {"asset_kind": "school"}},
        [Point(5, 5), box(100, 0, 140, 40)],
    )
    parcels = table("parcels", {"P": {}}, [box(0, 0, 50, 50)])
    buildings = table(
        "buildings",
        {"B1": {"vacant": True, "parcel_id": "P"}, "B2": {"vacant": True}, "B3": {"vacant": True}},
        [box(30, 30, 40, 40), box(110, 10, 120, 20), box(300, 0, 310, 10)],
    )
    idle = pd.DataFrame({"of_table": ["parcels"], "of_id": ["P"], "months_without_use": [30.0]})
    every = found(assets, parcels, buildings, idle=idle)
    assert every["evidence"].to_dict() == {
        "A1": "register, meter_still, marked_vacant",
        "A2": "register, marked_vacant",
        "building:B3": "marked_vacant",
    }
    assert every.loc["A1", "months_without_use"] == 30


def test_a_point_of_the_register_is_the_plot_or_the_building_around_it() -> None:
    """A1 is a point on a vacant plot, A2 one in a vacant building: neither plot nor building is found beside it."""
    assets = table(
        "assets", {"A1": {"asset_kind": "vacant_plot"}, "A2": {"asset_kind": "house"}}, [Point(3, 3), Point(103, 3)]
    )
    parcels = table("parcels", {"P": {}}, [box(0, 0, 30, 30)])
    buildings = table("buildings", {"B": {"vacant": True}}, [box(100, 0, 110, 10)])
    every = found(assets, parcels, buildings, groups=pd.Series({"P": "commercial"}))
    assert every["evidence"].to_dict() == {"A1": "register, no_building", "A2": "register, marked_vacant"}


def test_a_vacant_parcel_that_a_street_cuts_is_one_asset() -> None:
    """Nothing stands on a parcel of 100 × 40 m with a street across: the parcel is found, and that it is cut is its evidence."""
    parcels = table("parcels", {"P": {}}, [box(0, 0, 100, 40)])
    streets = table("streets", {"s": {"width_m": 10.0}}, [LineString([(70, -50), (70, 90)])])
    nowhere = table("buildings", {"B": {}}, [box(500, 500, 510, 510)])
    every = found(None, parcels, nowhere, streets, groups=pd.Series({"P": "commercial"}))
    assert every["evidence"].to_dict() == {"parcel:P": "no_building, severed"}


# --- hard stops ---------------------------------------------------------------------------------------------------------


def test_a_dangerous_building_is_not_allowed_and_an_unappraised_one_has_to_be_appraised_first() -> None:
    """A and B pass, C and D forbid every use with the reason, one that nobody appraised needs that; open ground has no class."""
    rows = {k: GOOD | {"danger_class": c} for k, c in zip("abcde", ["A", "B", "C", "D", None], strict=True)}
    rows["f"] = {"asset_kind": "corner_plot", "title_clear": True}
    every = said(register(rows))
    care = every.xs("elder_day_care", level="use")
    assert care["verdict"].tolist() == ["allowed", "allowed", "not allowed", "not allowed", "conditional", "allowed"]
    assert care["forbidden_by"].tolist() == ["", "", "danger", "danger", "", ""]
    assert care["needs"].tolist() == ["", "", "", "", "danger", ""]
    assert (every.loc["c", "verdict"] == "not allowed").all()


def test_a_title_that_is_not_clear_forbids() -> None:
    """Clear is allowed, disputed is not allowed, and where the register says nothing the title must be confirmed first."""
    rows = {k: GOOD | {"title_clear": t} for k, t in zip("abc", [True, False, None], strict=True)}
    care = said(register(rows)).xs("elder_day_care", level="use")
    assert care["verdict"].tolist() == ["allowed", "not allowed", "conditional"]
    assert care["forbidden_by"].tolist() == ["", "title", ""]
    assert care["needs"].tolist() == ["", "", "title"]


def test_underground_is_for_neither_the_elderly_nor_children() -> None:
    """No storey above ground: no day care, no nursery, but a car park; storeys not known but a ground floor area: above ground.

    Storeys 0 and a ground floor of 90 m² contradict one another: not known.
    """
    rows: dict[str, dict[str, object]] = {
        "cellar": GOOD | {"floors": 0.0},
        "ground": GOOD | {"floors": None, "ground_floor_area_m2": 90.0},
        "silent": GOOD | {"floors": None},
        "both": GOOD | {"floors": 0.0, "ground_floor_area_m2": 90.0},
    }
    every = said(register(rows), ["elder_day_care", "nursery", "car_parking"])["verdict"].unstack()
    assert every.loc["cellar"].to_dict() == {
        "elder_day_care": "not allowed",
        "nursery": "not allowed",
        "car_parking": "allowed",
    }
    assert every["nursery"].to_dict() == {
        "both": "conditional",
        "cellar": "not allowed",
        "ground": "allowed",
        "silent": "conditional",
    }
    assert (every["car_parking"] == "allowed").all()


@pytest.mark.parametrize(
    ("told", "above", "lowest"),
    [
        ({"floors_below": 2.0}, np.nan, np.nan),  # a basement does not say what stands above it
        ({"floors_below": 0.0}, 1.0, np.nan),  # nothing below: it stands above ground
        ({"floors_below": 1.0, "floors": 0.0}, 0.0, np.nan),
        ({"floors_below": 1.0, "floors": 3.0}, 1.0, np.nan),
        ({"lowest_floor": -1.0}, 0.0, -1.0),
        ({"lowest_floor": 4.0}, 1.0, 4.0),
        (
            {"lowest_floor": 0.0},
            np.nan,
            np.nan,
        ),  # nobody counts a floor 0: a slip, or a ground floor of another country
        ({"lowest_floor": -1.0, "floors": 6.0}, np.nan, -1.0),  # the storeys of the house, or of the rooms?
        ({"lowest_floor": 4.0, "ground_floor_area_m2": 90.0}, 1.0, np.nan),
        ({"ground_floor_area_m2": 90.0}, 1.0, 1.0),
        ({"floors_below": -1.0}, np.nan, np.nan),
    ],
)
def test_above_or_below_ground_is_known_only_where_it_is_told(
    told: dict[str, object], above: float, lowest: float
) -> None:
    """Storeys above and below, the floor and a ground floor each tell something; what contradicts itself is not known."""
    seen = measured(register({"a": GOOD | {"floors": None} | told}))
    assert seen[["above_ground", "lowest_floor"]].iloc[0].tolist() == pytest.approx([above, lowest], nan_ok=True)


def test_upper_floors_need_small_rooms_for_the_elderly_and_a_lift() -> None:
    """On floors 1–3 rooms may be of any size, from the 4th up (GB 50016) their size must be confirmed, which no layer tells.

    From two storeys on a lift is asked for (GB 55019): that nobody knows either, so the fit is not known, and never denied.
    A cellar is for none of these. A health station and a shop stand on the ground floor, a nursery at most on the 2nd, children at most on the 3rd.
    """
    rows = {f"f{k}": GOOD | {"floors": None, "lowest_floor": float(k)} for k in (1, 2, 3, 4)}
    rows["house"] = GOOD | {"floors": 5.0, "ground_floor_area_m2": 160.0}
    uses = ["elder_day_care", "health_station", "nursery", "childrens_centre"]
    rows["cellar"] = GOOD | {"floors": None, "lowest_floor": -1.0}
    every = said(register(rows), uses)
    assert every.loc[("cellar", "health_station"), "unfit_by"] == "not_below"
    assert (every.loc["cellar", "verdict"].drop("health_station") == "not allowed").all()
    every = every.drop(index="cellar", level="asset_id")
    care = every.xs("elder_day_care", level="use")
    assert care["needs"].to_dict() == {"f1": "", "f2": "", "f3": "", "f4": "elder_rooms", "house": ""}
    assert care.loc["f4", "verdict"] == "conditional"
    assert care.loc["house", ["fit", "not_known"]].tolist() == ["not known", "lift"]
    ruled = every["unfit_by"].unstack()
    assert ruled["health_station"].str.contains("ground_floor").to_dict() == {
        "f1": False,
        "f2": True,
        "f3": True,
        "f4": True,
        "house": False,
    }
    assert ruled["nursery"].str.contains("low_floor").tolist() == [False, False, True, True, False]
    assert ruled["childrens_centre"].str.contains("low_floor").tolist() == [False, False, False, True, False]


@pytest.mark.parametrize("limit", ["farmland", "ecology", "heritage"])
def test_a_limit_forbids_what_lies_in_it(limit: str) -> None:
    """Inside by point or by more than 1 m² is not allowed, for that reason alone; a common boundary is not inside."""
    shapes = [Point(5, 5), box(8, 0, 18, 10), box(10, 0, 20, 10), Point(500, 0)]
    ground = pd.concat([CLEAR, gpd.GeoDataFrame({"kind": [limit]}, geometry=[box(0, 0, 10, 10)], crs=4547)])
    every = said(register(dict.fromkeys("abcd", GOOD), shapes), constraints=ground).xs("car_parking", level="use")
    assert every["forbidden_by"].tolist() == [limit, limit, "", ""]
    assert every["verdict"].tolist() == ["not allowed", "not allowed", "allowed", "allowed"]


def test_limits_nobody_delivered_are_not_known() -> None:
    """Without the layer, or without a single heritage polygon in it, nothing is allowed in silence."""
    some = CLEAR[CLEAR["kind"] != "heritage"]
    for constraints, lacking in ((None, "ecology, farmland, heritage"), (some, "heritage")):
        every = said(register({"a": GOOD}), constraints=constraints).xs("car_parking", level="use")
        assert every["verdict"].tolist() == ["conditional"]
        assert every["needs"].tolist() == [lacking]


def test_a_limit_the_study_says_there_is_none_of_forbids_nobody() -> None:
    """Farmland, ecology and heritage declared absent: allowed, also for an asset without a place; hazard stays not known."""
    assets = register({"a": GOOD, "b": GOOD}, [Point(0, 0), None])
    seen = measured(assets, None, without=("farmland", "ecology", "heritage"))
    assert (seen[["in_farmland", "in_ecology", "in_heritage"]] == 0).all(axis=None)
    assert seen["in_hazard"].isna().all()
    every = said(assets, constraints=None, without=("farmland", "ecology", "heritage")).xs("car_parking", level="use")
    assert every["verdict"].tolist() == ["allowed", "allowed"]


def test_an_unconfirmed_rule_only_warns() -> None:
    """A hazard zone is our own rule (D) and a clear height of 2.2 m recalled (M:M): neither forbids or rules out, both are said."""
    zone = pd.concat([CLEAR, gpd.GeoDataFrame({"kind": ["hazard"]}, geometry=[box(-5, -5, 5, 5)], crs=4547)])
    every = said(register({"a": GOOD | {"clear_height_m": 2.0}}), constraints=zone).xs("car_parking", level="use")
    assert every[["verdict", "fit", "warnings"]].values.tolist() == [["allowed", "fits", "hazard, height"]]


# --- fit ----------------------------------------------------------------------------------------------------------------


def test_fit_is_told_with_value_threshold_and_source() -> None:
    """Day care asks for 350 m² in a building: 800 pass, 300 fail, none is not known; a plot of ground fails as no building."""
    rows: dict[str, dict[str, object]] = {
        "a": GOOD,
        "b": GOOD | {"floor_area_m2": 300.0},
        "c": GOOD | {"floor_area_m2": None},
        "d": {"asset_kind": "vacant_plot", "title_clear": True, "site_area_m2": 500.0},
    }
    assets = register(rows)
    answers = reuse.judged(measured(assets), RULES, ["elder_day_care"]).set_index(["asset_id", "rule"])
    assert answers["answer"].xs("area", level="rule").tolist() == ["pass", "fail", "not known", "not known"]
    assert answers.loc[("b", "area"), ["value", "threshold", "source", "mark"]].tolist() == [
        "300",
        "floor_area_m2 >= 350",
        "gb50180",
        "M:H",
    ]
    every = said(assets)["fit"].unstack()
    assert every["elder_day_care"].tolist() == ["fits", "does not fit", "not known", "does not fit"]
    assert every["park"].tolist() == ["does not fit"] * 3 + ["fits"]


def test_an_own_entrance_is_known_where_one_is_mapped_and_never_denied() -> None:
    """A health station wants an own entrance and 120 m² of ground floor: a has both; b's entrance is not known, not absent."""
    assets = register({"a": GOOD, "b": GOOD})
    doors = pd.DataFrame({"of_table": ["assets", "parks"], "of_id": ["a", "b"]})
    every = said(assets, entrances=doors).xs("health_station", level="use")
    assert every["fit"].tolist() == ["fits", "not known"]
    assert every["not_known"].tolist() == ["", "entrance"]


def test_an_asset_whose_kind_does_not_tell_is_judged_by_every_rule() -> None:
    """Of a mine nobody knows whether it is a building: its danger class is asked for, and the room it offers is not known."""
    every = said(register({"a": GOOD | {"asset_kind": "mine", "danger_class": None}})).xs("elder_day_care", level="use")
    told = every[["verdict", "needs", "fit", "not_known"]].values.tolist()
    assert told == [["conditional", "danger, elder_rooms", "not known", "space"]]


# --- who would gain, and the order ----------------------------------------------------------------------------------------


def test_people_newly_reached_with_a_pencil() -> None:
    """Clinic (10 min) from A: g 30 at 10.0 in, h 20 covered today, i 40 at 10.1 out, j of unknown people, k not known to be covered.

    Of known people 30 + 20 + 7 are in reach, 30 newly; j and k are counted apart. A use without a limit says nothing.
    """
    pairs = pd.DataFrame({"home_id": list("ghijk"), "facility_id": "A", "walk_min": [10.0, 5.0, 10.1, 2.0, 3.0]})
    people = pd.Series({"g": 30.0, "h": 20.0, "i": 40.0, "j": np.nan, "k": 7.0})
    covered = pd.DataFrame(
        {"clinic": pd.array([False, True, False, False, None], dtype="boolean")}, index=list("ghijk")
    )
    uses = pd.DataFrame({"limit_min": [10.0, np.nan]}, index=["clinic", "hotel"])
    told = reuse.unmet(pairs, people, covered, uses, assets=pd.Index(["A", "B"])).set_index(["asset_id", "use"])
    numbers = ["people_in_reach", "people_newly", "homes_newly", "homes_not_known"]
    assert told.loc[("A", "clinic"), numbers].tolist() == [57, 30, 1, 2]
    assert told.loc[("B", "clinic"), numbers].tolist() == [0, 0, 0, 0]
    assert told.loc[("A", "hotel"), numbers].isna().all()


def test_ranks_follow_the_rule_in_words() -> None:
    """Allowed before conditional, fitting before fit not known, more people first, then the smaller id; forbidden and unfit have none."""
    rows = [
        ("a", "pass", "pass", 10.0),
        ("b", "pass", "pass", 30.0),
        ("c", "pass", "not known", 99.0),
        ("d", "not known", "pass", 500.0),
        ("e", "fail", "pass", 900.0),
        ("f", "pass", "fail", 900.0),
        ("g", "pass", "pass", 30.0),
        ("h", "pass", "pass", np.nan),
    ]
    reach = pd.DataFrame({"asset_id": [r[0] for r in rows], "use": "clinic", "people_newly": [r[3] for r in rows]})
    answers = pd.DataFrame(
        [
            (r[0], "clinic", rule, kind, r[k])
            for r in rows
            for rule, kind, k in (("title", "stop", 1), ("area", "fit", 2))
        ],
        columns=["asset_id", "use", "rule", "class", "answer"],
    ).assign(binding=True)
    ranks = reuse.options(answers, reach).set_index("asset_id")["rank_in_use"]
    assert ranks.dropna().sort_values().index.tolist() == ["b", "g", "a", "h", "c", "d"]
    assert ranks[["e", "f"]].isna().all()


# --- bad input ------------------------------------------------------------------------------------------------------------


def test_bad_rows_are_counted_and_kept() -> None:
    """No area, an area below zero, no shape, no entrance, an unlisted kind and none at all: kept, not known and counted."""
    rows: dict[str, dict[str, object]] = {
        "bare": {"asset_kind": "factory"},
        "negative": {"asset_kind": "factory", "floor_area_m2": -50.0},
        "nowhere": {"asset_kind": "factory", "floor_area_m2": 900.0},
        "strange": {"asset_kind": "watermill", "floor_area_m2": 900.0},
        "nameless": {"floor_area_m2": 900.0},
    }
    raw = table("assets", rows, [Point(0, 0), Point(1, 0), None, Point(2, 0), Point(3, 0)])
    every = found(raw)
    assert every.index.tolist() == list(rows)
    assert every["floor_area_m2"].isna().tolist() == [True, True, False, False, False]
    assert every.loc["strange", "asset_kind"] == "watermill"
    told = measured(every)
    count = reuse.doubts(every, raw, told, KINDS["code"].tolist()).set_index("doubt")
    expected = {
        "asset_without_area": 2,
        "asset_area_not_positive": 1,
        "asset_without_geometry": 1,
        "asset_kind_unlisted": 1,
        "asset_kind_not_known": 1,
        "asset_without_entrance": 3,
        "title_not_known": 5,
        "heritage_not_known": 1,
    }
    assert count.loc[list(expected), "count"].to_dict() == expected
    assert count.loc["asset_kind_unlisted", "such_as"] == "strange: watermill"
    verdicts = said(every)["verdict"]
    assert not (verdicts == "allowed").any()


def test_nothing_gives_nothing() -> None:
    """A place without any of the layers has no assets, and no answers."""
    every = found()
    assert every.empty
    assert every.index.name == "asset_id"
    assert reuse.judged(measured(every.set_crs(4547)), RULES, USES).empty


# --- laws -----------------------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_order_of_rows_changes_nothing_and_allowed_means_that_every_stop_passed(data: st.DataObject) -> None:
    """Shuffled assets give the same options; an allowed option has no binding stop that fails or is not known."""
    n = data.draw(st.integers(1, 6))
    rows = {
        f"A{k}": {
            "asset_kind": data.draw(st.sampled_from(["factory", "corner_plot", "mine", None])),
            "danger_class": data.draw(st.sampled_from(["A", "C", None])),
            "title_clear": data.draw(st.sampled_from([True, False, None])),
            "floors": data.draw(st.sampled_from([0.0, 2.0, None])),
            "floors_below": data.draw(st.sampled_from([0.0, 1.0, None])),
            "lowest_floor": data.draw(st.sampled_from([-1.0, 1.0, 5.0, None])),
            "floor_area_m2": data.draw(st.sampled_from([100.0, 800.0, None])),
        }
        for k in range(n)
    }
    assets = register(rows)
    shuffled = assets.loc[data.draw(st.permutations(assets.index.tolist()))]
    one, other = said(assets), said(shuffled)
    pd.testing.assert_frame_equal(one, other.reindex(one.index))
    answers = reuse.judged(measured(assets), RULES, USES)
    stops = answers[(answers["class"] == "stop") & answers["binding"]]
    passed = (stops["answer"] == "pass").groupby([stops["asset_id"], stops["use"]]).all()
    assert ((one["verdict"] == "allowed") == passed.reindex(one.index)).all()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.floats(0, 15), st.booleans()), max_size=20))
def test_a_home_that_is_covered_is_never_newly_reached(rows: list[tuple[int, int, float, bool]]) -> None:
    """Newly reached are never more than those in reach, and covering one home more never adds any."""
    pairs = pd.DataFrame(rows, columns=["home_id", "facility_id", "walk_min", "now"]).drop_duplicates(
        ["home_id", "facility_id"]
    )
    people = pd.Series(np.arange(10.0), index=range(10))
    now = pd.Series(False, index=range(10))
    now[pairs.loc[pairs["now"], "home_id"]] = True
    uses, assets = pd.DataFrame({"limit_min": [10.0]}, index=["clinic"]), pd.RangeIndex(3)
    few = reuse.unmet(pairs, people, pd.DataFrame({"clinic": now}), uses, assets=assets)
    assert (few["people_newly"] <= few["people_in_reach"]).all()
    more = reuse.unmet(pairs, people, pd.DataFrame({"clinic": now | (now.index == 9)}), uses, assets=assets)
    assert (more["people_newly"] <= few["people_newly"]).all()
