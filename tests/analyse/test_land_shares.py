"""Buildings shared out to parcels: against GEOS, by hand, and where the ground is disputed."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, affinity, box

from lifecircle import schema
from lifecircle.analyse import land

FAR_OFF = (38_473_507.8, 4_163_143.3)  # coordinates with a zone number, as parcels in China carry


def frame(shapes: list[object], name: str = "B", **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=shapes, index=[f"{name}{i}" for i in range(len(shapes))], crs=4547)


def test_an_area_is_that_of_the_pieces_it_is_cut_into() -> None:
    """An L of 3 × 3 less 2 × 2 m lies over the seam at x = 1: its upright, 1 × 3 = 3 m², left; its foot, 2 × 1 = 2 m², right."""
    ell = Polygon([(0, 0), (3, 0), (3, 1), (1, 1), (1, 3), (0, 3)])
    pairs = land.shares(frame([box(-5, -5, 1, 5), box(1, -5, 5, 5)], "P"), frame([ell]))
    assert pairs["parcel"].tolist() == ["P0", "P1"]
    assert pairs["area_m2"].tolist() == pytest.approx([3, 2], abs=1e-12)
    assert pairs["share"].tolist() == pytest.approx([0.6, 0.4], abs=1e-12)


def test_holes_and_parts_count_as_they_are() -> None:
    """A parcel of 10 × 10 with a hole of 4 × 4, and a building of two parts: 6 × 6 round the hole, 20 m²; 2 × 2 outside, 0 m²."""
    parcel = Polygon(box(0, 0, 10, 10).exterior.coords, [box(3, 3, 7, 7).exterior.coords])
    building = MultiPolygon([box(2, 2, 8, 8), box(20, 20, 22, 22)])
    pairs = land.shares(frame([parcel], "P"), frame([building]))
    assert pairs["area_m2"].tolist() == pytest.approx([36 - 16], abs=1e-12)
    assert pairs["share"].tolist() == pytest.approx([20 / 40], abs=1e-12)


def test_a_common_wall_is_no_share() -> None:
    """A building that only touches the next parcel stands on one; one that stands in the street stands on none."""
    parcels = frame([box(0, 0, 10, 10), box(10, 0, 20, 10)], "P")
    buildings = frame([box(5, 0, 10, 5), box(0, 20, 5, 25)])
    assert land.shares(parcels, buildings)[["building", "parcel"]].values.tolist() == [["B0", "P0"]]


def test_where_parcels_overlap_a_building_counts_on_both_and_the_overlap_is_told() -> None:
    """P0 and P1 share x 8–10, 20 m²: 20 % of either 100 m². The building on x 8–10, 2 m², is wholly on both."""
    parcels = frame([box(0, 0, 10, 10), box(8, 0, 18, 10), box(18, 0, 20, 10)], "P")
    pairs = land.shares(parcels, frame([box(8, 0, 10, 1)]))
    assert pairs["share"].tolist() == [1.0, 1.0]
    told = land.overlaps(parcels)
    assert told[["parcel", "other"]].values.tolist() == [["P0", "P1"]]
    assert told[["overlap_m2", "share_of_smaller"]].to_numpy().tolist() == [[20.0, 0.2]]
    assert land.overlaps(parcels, least_m2=20.0).empty


def test_where_a_building_stands_and_where_it_says() -> None:
    """Off by half, on none, on two, elsewhere than it says: 12.5 of 25 m² off; 1 of 1 m² off; the larger of two; no."""
    parcels = frame([box(0, 0, 10, 10), box(10, 0, 20, 10)], "P")
    shapes = [box(0, -2.5, 5, 2.5), box(50, 0, 51, 1), box(9, 0, 14, 1), box(11, 5, 12, 6)]
    buildings = frame(shapes, parcel_id=pd.array(["P0", None, "P9", "P0"], dtype="str"))
    said = land.standing(parcels, buildings, land.shares(parcels, buildings))
    assert said["off_parcels_m2"].tolist() == pytest.approx([12.5, 1, 0, 0])
    assert said["parcels"].tolist() == [1, 0, 2, 1]
    assert said["parcel"].astype("object").where(said["parcel"].notna(), None).tolist() == ["P0", None, "P1", "P1"]
    pairs = land.shares(parcels, buildings)
    assert land.standing(parcels, buildings, pairs, least_m2=1.0)["parcels"].tolist() == [1, 0, 1, 1]  # 1 m² on P0
    agrees = said["parcel_agrees"].astype("object").where(said["parcel_agrees"].notna(), None)
    assert agrees.tolist() == [True, None, None, False]


def test_no_buildings_is_an_empty_answer() -> None:
    """A layer without a row has no pair, and neither has one parcel with itself."""
    parcels = frame([box(0, 0, 10, 10)], "P")
    assert land.shares(parcels, parcels.iloc[:0]).empty
    assert land.overlaps(parcels).empty


@st.composite
def stars(draw: st.DrawFn) -> Polygon:
    """A polygon that is star-shaped about its middle, convex or not, with a hole at times and drawn either way round."""
    n = draw(st.integers(3, 9))
    reach = draw(st.lists(st.floats(2, 20), min_size=n, max_size=n))
    x, y = draw(st.tuples(st.floats(0, 30), st.floats(0, 30)))
    turn = np.linspace(0, 2 * np.pi, n, endpoint=False) + draw(st.floats(0, 1))
    ring = np.column_stack([x + reach * np.cos(turn), y + reach * np.sin(turn)]) + FAR_OFF
    shape = Polygon(ring)
    if draw(st.booleans()):
        hole = affinity.scale(shape, 0.3, 0.3, origin=(x + FAR_OFF[0], y + FAR_OFF[1]))
        shape = Polygon(shape.exterior.coords, [hole.exterior.coords])
    return shape.reverse() if draw(st.booleans()) else shape


@given(st.lists(stars(), min_size=1, max_size=5), st.lists(stars(), min_size=1, max_size=5))
def test_areas_are_those_of_geos(plots: list[Polygon], prints: list[Polygon]) -> None:
    """Whatever the polygons, on coordinates of eight digits, every common area is that of GEOS to 10⁻⁶ m²."""
    plots, prints = ([shape for shape in shapes if shape.is_valid] for shapes in (plots, prints))
    pairs = land.shares(frame(plots, "P"), frame(prints)).set_index(["building", "parcel"])["area_m2"]
    for i, one in enumerate(prints):
        for j, other in enumerate(plots):
            expected = shapely.area(shapely.intersection(one, other))
            assert pairs.get((f"B{i}", f"P{j}"), 0.0) == pytest.approx(expected, abs=2e-6)


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    """Shuffled parcels and buildings give the same pairs with the same areas."""
    rng = np.random.default_rng(seed)
    parcels = frame([box(x, 0, x + 10, 10) for x in range(0, 50, 10)], "P")
    buildings = frame([box(x, 1, x + 7.5, 3) for x in range(0, 45, 5)])
    one = land.shares(parcels, buildings).set_index(["building", "parcel"]).sort_index()
    moved = land.shares(parcels.iloc[rng.permutation(5)], buildings.iloc[rng.permutation(9)])
    pd.testing.assert_frame_equal(moved.set_index(["building", "parcel"]).sort_index(), one)


def test_floor_area_is_built_declared_or_both_with_their_difference() -> None:
    """100 × 100 m with 4,000 m² built: a declares nothing, 0.4; b declares 0.5, which counts, 0.1 less is built: 20 % off.

    c declares 4,100 m² of floor, 0.41: the difference of 0.01 is 2.5 % of what is built, below 5 %.
    """
    rows = {"a": {}, "b": {"far": 0.5}, "c": {"floor_area_m2": 4_100.0}}
    plots = [box(x, 0, x + 100, 100) for x in (0, 100, 200)]
    parcels = gpd.GeoDataFrame(pd.DataFrame.from_dict(rows, orient="index"), geometry=plots, crs=4547)
    parcels = schema.conform("parcels", parcels)
    prints = [box(x, 0, x + 50, 20) for x in (0, 100, 200)]
    buildings = schema.conform("buildings", frame(prints, floor_area_m2=[4000.0] * 3))
    m = land.measures(
        parcels, buildings, as_of=pd.Timestamp("2025-12-31").date(), mu_m2=2000 / 3, area_difference_share=0.05
    )
    assert m["far"].tolist() == pytest.approx([0.4, 0.5, 0.41])
    assert m["far_built"].tolist() == pytest.approx([0.4] * 3)
    assert m["far_difference"].tolist() == pytest.approx([np.nan, -0.1, -0.01], nan_ok=True)
    assert m["far_differs"].astype("object").where(m["far_differs"].notna(), None).tolist() == [None, True, False]
