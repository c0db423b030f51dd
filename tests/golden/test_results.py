"""The sample town's figures, and the town's own promises about its streets."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from make_results import GOLDEN, figures

from lifecircle import load, network, normalise, sample_town


def test_figures_are_those_of_the_golden_file(tmp_path: Path) -> None:
    """Every figure of results.csv (made by make_results.py) is the same to a millionth; none is missing or new."""
    expected = pd.read_csv(GOLDEN).set_index(["layer", "figure"])["value"]
    found = figures(tmp_path / "out").set_index(["layer", "figure"])["value"]
    assert set(found.index) == set(expected.index)
    assert found.reindex(expected.index).to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-6, abs=1e-5)


def test_bridges_and_the_fly_over_join_nothing_they_pass() -> None:
    """No end of a piece of the fly-over or of a bridge, but its two abutments, is an end of a piece of another street."""
    study, _ = normalise.place(load.recipe.read(sample_town()))
    streets = study.streets
    assert streets is not None
    drawn = network.edges(network.build(streets))
    raised = streets.index[streets["bridge"].fillna(False)]
    assert len(raised) == 4
    for street in raised:
        mine, others = drawn[drawn["street_id"] == street], drawn[drawn["street_id"] != street]
        joints = gpd.GeoSeries(mine.geometry.boundary).explode().to_numpy()
        abutments = shapely.get_parts(streets.geometry[street].boundary)
        inner = joints[shapely.distance(joints[:, None], abutments[None, :]).min(axis=1) > 0.1]
        ends = gpd.GeoSeries(others.geometry.boundary).explode().to_numpy()
        near = shapely.STRtree(ends).query(inner, predicate="dwithin", distance=0.01)
        assert near.shape[1] == 0
