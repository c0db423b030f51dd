"""Belo Horizonte: the access to jobs published for five hexagons, to the four decimals given.

Origins and destinations are restricted to the five hexagons; travel is by public transport and on foot, and differs by direction.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lifecircle.analyse import supply

HEXES = ["89a88cdb57bffff", "89a88cdb597ffff", "89a88cdb5b3ffff", "89a88cdb5cfffff", "89a88cd909bffff"]
Inputs = tuple[pd.DataFrame, "pd.Series[float]", "pd.Series[float]"]


@pytest.fixture(scope="module")
def city(shared: Path) -> Inputs:
    """Minutes between the five hexagons, their jobs, their people."""
    folder = shared / "reference"
    if not (folder / "travel_matrix.parquet").is_file():
        pytest.skip("the reference data of Belo Horizonte are not on this machine")
    minutes = pd.read_parquet(folder / "travel_matrix.parquet")
    land = pd.read_parquet(folder / "land_use_data.parquet").set_index("id").loc[HEXES]
    names = {"from_id": "home_id", "to_id": "facility_id", "travel_time": "walk_min"}
    pairs = minutes[minutes["from_id"].isin(HEXES) & minutes["to_id"].isin(HEXES)].rename(columns=names)
    return pairs, land["jobs"].astype("float64"), land["population"].astype("float64")


def test_two_step_floating_catchment(city: Inputs) -> None:
    """Jobs per person within 45 minutes: 0.0152, 0.1491, 0.1491, 0.1068, 0."""
    access = supply.floating_catchment(*city, limit_min=45)
    assert np.round(access[HEXES], 4).tolist() == [0.0152, 0.1491, 0.1491, 0.1068, 0.0]


def test_balanced_floating_catchment(city: Inputs) -> None:
    """Balanced, within 45 minutes: 0.0094, 0.1993, 0.1993, 0.1147, 0."""
    access = supply.floating_catchment(*city, limit_min=45, balanced=True)
    assert np.round(access[HEXES], 4).tolist() == [0.0094, 0.1993, 0.1993, 0.1147, 0.0]


def test_cumulative_opportunities(city: Inputs) -> None:
    """Jobs within 30 minutes: 82, 408, 408, 109, 0."""
    pairs, jobs, people = city
    assert supply.cumulative(pairs, jobs, people.index, limit_min=30)[HEXES].tolist() == [82, 408, 408, 109, 0]
