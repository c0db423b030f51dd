"""San Francisco: 205 census tracts and 16 stores, whose best choices are published; each is proven the best possible here.

The published figures are those of the siting example of PySAL's spopt: network metres, limit 5,000 m, four stores.
"""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lifecircle.analyse import siting

City = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
WITHIN = pd.DataFrame({"limit_min": [5000.0]}, index=["store"])  # metres stand where minutes do


@pytest.fixture(scope="module")
def city(shared: Path) -> City:
    """Every tract with every store, people of the tracts, stores."""
    folder = shared / "reference"
    if not (folder / "SF_store_site_16_longlat.csv").is_file():
        pytest.skip("the reference data of San Francisco are not on this machine")
    metres = pd.read_csv(folder / "SF_network_distance_candidateStore_16_censusTract_205_new.csv")
    tracts = pd.read_csv(folder / "SF_demand_205_centroid_uniform_weight.csv")
    stores = pd.read_csv(folder / "SF_store_site_16_longlat.csv")
    pairs = metres.rename(columns={"DestinationName": "home_id", "name": "facility_id", "distance": "walk_min"})
    homes = pd.DataFrame({"residents": tracts["POP2000"].to_numpy("float64")}, index=tracts["NAME"].to_numpy())
    return pairs, homes, pd.DataFrame({"site_id": stores["NAME"], "kind": "store"})


def table(city: City) -> np.ndarray:
    """Tracts × stores in metres, beside the module."""
    pairs, homes, stores = city
    return (
        pairs.pivot(index="home_id", columns="facility_id", values="walk_min")
        .loc[homes.index, stores["site_id"]]
        .to_numpy()
    )


def test_maximal_covering(city: City) -> None:
    """Four stores within 5,000 m: 89.75609756097561 % of the tracts covered, 21 left; no other four of the 1,820 reach more."""
    pairs, homes, stores = city
    answer = siting.maximal_covering(pairs, homes, stores, kinds=WITHIN, p=4)
    assert answer.proven
    assert answer.objective == answer.bound
    assert len(answer.chosen) == 4
    left = len(homes) - len(answer.gains)
    assert left == 21
    assert 100 * (1 - left / len(homes)) == pytest.approx(89.75609756097561, abs=1e-12)
    near, people = table(city) <= 5000, homes["residents"].to_numpy()
    assert answer.objective == max(people[near[:, list(four)].any(axis=1)].sum() for four in combinations(range(16), 4))


def test_smallest_set(city: City) -> None:
    """The fewest stores for every tract that some store reaches within 5,000 m: no smaller set of the 2¹⁶ does it."""
    pairs, homes, stores = city
    answer = siting.smallest_set(pairs, homes, stores, kinds=WITHIN)
    assert answer.proven
    near = table(city) <= 5000
    near = near[near.any(axis=1)]
    assert len(answer.gains) == len(near)
    fewest = next(k for k in range(17) if any(near[:, list(c)].any(axis=1).all() for c in combinations(range(16), k)))
    assert answer.objective == fewest == len(answer.chosen)


def test_p_median(city: City) -> None:
    """Four stores: a mean distance of 2,982.1268579890657 m, people weighted."""
    answer = siting.p_median(*city, p=4)
    assert answer.proven
    assert answer.objective == pytest.approx(2982.1268579890657, rel=1e-12)
    assert answer.totals["mean_min"].item() == pytest.approx(answer.objective, rel=1e-12)


def test_the_curve_is_the_best_for_every_number(city: City) -> None:
    """For every number of stores up to 5 the residents reached are the most of all choices of that many."""
    pairs, homes, stores = city
    reached = siting.curve(pairs, homes, stores, kinds=WITHIN, p=5)
    near, people = table(city) <= 5000, homes["residents"].to_numpy()
    best = [max(people[near[:, list(c)].any(axis=1)].sum() for c in combinations(range(16), k)) for k in range(1, 6)]
    assert reached["objective"].tolist() == best
    assert reached["proven"].all()
