"""The sample town's figures, and the town's own promises about its streets."""

from pathlib import Path

import geopandas as gpd
import networkx as nx
import pandas as pd
import pytest
import shapely
from make_results import GOLDEN, figures

from lifecircle import load, network, normalise, pipeline, sample_town


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


@pytest.mark.slow
def test_groups_of_plots_are_those_of_the_faces_between_walls_and_main_roads() -> None:
    """Another way to the same groups: plots of one face of the plane that lie within 20 m of one another, by networkx.

    Walls, rivers, the railway and main roads cut the plane into faces (polygonize); a plot belongs to the face of a point inside it. In one
    group the only link runs through a slit under a metre beside a wall (YX0500056, YX0500057), which the strip of a metre closes.
    Reasons are counted from the canonical tables: 54 assets on as many parcels, and residential parcels built before 2000.
    """
    study, _ = normalise.place(load.recipe.read(sample_town()))
    kept = pipeline.analyse(study, only="land")[0]
    found = pipeline.analyse(study, only="blocks", kept=kept)[0]["renewal_block_evidence"].set_index("plot_id")
    assert study.parcels is not None
    assert study.assets is not None
    assert study.streets is not None
    assert study.barriers is not None
    parcels = study.parcels
    home = parcels["land_use"].str.startswith("07")
    built = parcels["built_year"].fillna(kept["land"]["built_year"])
    candidate = kept["land"]["candidate"] == "candidate"
    reasons = candidate | (home & (built < 2000)) | parcels.index.isin(study.assets["parcel_id"])
    assert set(found.index) == set(parcels.index[reasons])
    assert (found["idle_asset"] == "yes").sum() == study.assets["parcel_id"].nunique() == 54
    plots = parcels.loc[found.index, ["geometry"]]
    main = study.streets[study.streets["class"].isin(["motorway", "trunk", "primary", "secondary"])]
    frame = shapely.box(*plots.total_bounds).buffer(9000).exterior
    lines = shapely.union_all([*study.barriers.geometry, *main.geometry, frame])
    faces = gpd.GeoDataFrame(
        geometry=list(shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))), crs=study.crs
    )
    face = gpd.sjoin(plots.set_geometry(plots.representative_point()), faces, predicate="within")["index_right"]
    near = gpd.sjoin(plots.rename_axis("one"), plots.rename_axis("other"), predicate="dwithin", distance=20)
    one, other = near.index, near["other"]
    same = face.loc[one].to_numpy() == face.loc[other].to_numpy()
    graph = nx.Graph(zip(one[same], other[same], strict=True))
    groups = {frozenset(group) for group in nx.connected_components(graph)}
    mine = {frozenset(rows) for rows in found.groupby("cluster").groups.values()}
    assert all(any(group <= whole for whole in groups) for group in mine)
    assert [{"YX0500056", "YX0500057"} <= whole for whole in groups - mine] == [True]
    assert len(mine) == len(groups) + 1
