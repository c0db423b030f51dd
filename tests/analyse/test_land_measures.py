"""What is measured on parcels, against sums over every pair of a parcel and a building, cut by GEOS one at a time."""

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import box

from lifecircle import schema
from lifecircle.analyse import land

MU = 2000 / 3


def town(rng: np.random.Generator) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Parcels that overlap or leave strips between them, and buildings anywhere; much is not known."""
    nan = np.nan
    parcels = gpd.GeoDataFrame(
        {
            "site_area_m2": rng.choice([nan, 900, 1000, 0.0], 25),
            "far": rng.choice([nan, nan, 0.5], 25),
            "floor_area_m2": rng.choice([nan, 400.0], 25),
            "built_year": rng.choice([nan, 1990.0], 25),
            "industry": pd.Series(rng.choice(["t", "s", "u", None], 25), dtype="str"),
            "tax_yuan": rng.choice([nan, 0, 1e4, 5e4], 25),
        },
        geometry=[box(n % 5 * 30, n // 5 * 30, n % 5 * 30 + rng.uniform(20, 40), n // 5 * 30 + 30) for n in range(25)],
        crs=4547,
    )
    buildings = gpd.GeoDataFrame(
        {
            "floor_area_m2": np.where(rng.random(50) < 0.05, nan, rng.uniform(10, 500, 50)),
            "built_year": rng.choice([nan, 1980.0, 2001.0], 50),
            "danger_class": pd.Series(rng.choice(["A", "B", "C", "D", None], 50, p=[0.5, 0.3, 0.05, 0.05, 0.1]), dtype="str"),
            "vacant": pd.Series(rng.choice([True, False, None], 50, p=[0.3, 0.6, 0.1]), dtype="boolean"),
        },
        geometry=[
            shapely.Point(rng.uniform(-5, 155, 2)).buffer(rng.uniform(1, 10), quad_segs=int(rng.integers(1, 5)))
            for _ in range(50)
        ],
        crs=4547,
    )  # fmt: skip
    parcels.index = pd.Index([f"P{n}" for n in rng.permutation(25)])
    buildings.index = pd.Index([f"B{n}" for n in range(50)])
    return schema.conform("parcels", parcels), schema.conform("buildings", buildings)


def by_hand(parcels: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, name: str) -> dict[str, float]:
    """The measures of one parcel by their definitions, a building at a time."""
    row = parcels.loc[name]
    area = {
        plot: (declared if declared > 0 else shape.area)
        for plot, declared, shape in zip(parcels.index, parcels["site_area_m2"], parcels.geometry, strict=True)
    }
    on = {b: shape.intersection(row.geometry).area for b, shape in buildings.geometry.items()}
    on = {b: common for b, common in on.items() if common > 1e-6}
    rows = buildings.loc[list(on)]
    floors = sum(rows["floor_area_m2"] * pd.Series(on, dtype="float64") / rows.area)
    foot = sum(on.values())
    declared = row["far"] if row["far"] == row["far"] else row["floor_area_m2"] / area[name]
    bad, unclassed = rows["danger_class"].isin(["C", "D"]).any(), rows["danger_class"].isna().any()
    empty = sum(common for b, common in on.items() if rows["vacant"].fillna(False)[b])
    newest = rows["built_year"].max()
    peers = parcels[(parcels["industry"] == row["industry"]) & parcels["tax_yuan"].notna()]
    mean = peers["tax_yuan"].sum() / sum(area[plot] for plot in peers.index) if len(peers) > 1 else np.nan
    return {
        "area_m2": area[name],
        "built_floor_area_m2": floors,
        "footprint_m2": foot,
        "buildings": len(on),
        "far": declared if declared == declared else floors / area[name],
        "building_coverage": foot / area[name],
        "dangerous": 1.0 if bad else np.nan if unclassed else 0.0,
        "vacant_share": np.nan if not on or rows["vacant"].isna().any() else empty / foot,
        "built_year": row["built_year"] if row["built_year"] == row["built_year"] else newest,
        "tax_share_of_industry": row["tax_yuan"] / area[name] / mean if mean else np.nan,
    }


@pytest.mark.parametrize("seed", range(3))
def test_measures_are_the_sums_over_every_pair(seed: int) -> None:
    """25 parcels × 50 buildings, with unknown floors, years, classes and taxes: ten measures of each parcel as their definitions give them.

    A declared area counts where it is above 0, a building counts with the share of its footprint, one unknown floor area hides the
    sum, danger is known by one bad building or by all; a tax is compared with that of the others of the industry.
    """
    parcels, buildings = town(np.random.default_rng(seed))
    measured = land.measures(parcels, buildings, as_of=date(2025, 1, 1), mu_m2=MU, area_difference_share=0.05)
    expected = pd.DataFrame({name: by_hand(parcels, buildings, name) for name in parcels.index}).T
    found = measured[expected.columns].astype("float64")
    pd.testing.assert_frame_equal(found, expected, check_names=False, rtol=1e-9, atol=1e-6)
    differs = (parcels["site_area_m2"] - parcels.area).abs() > 0.05 * parcels.area
    told = measured["area_differs"]
    assert told.isna().tolist() == parcels["site_area_m2"].isna().tolist()
    assert (told.dropna().astype("bool") == differs[told.notna()]).all()
