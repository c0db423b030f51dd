"""Idle assets and siting on real places: what their layers show and do not show, counted by other means."""

import itertools
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from lifecircle import conversion, load, normalise, schema, standards
from lifecircle.analyse import reuse
from lifecircle.errors import MissingLayerError
from lifecircle.study import Conversions, Study

HERE = Path(__file__).resolve().parent
KINDS = standards.read("asset_kinds")
FOUND = standards.read("reuse_rules").query("`class` == 'found'")


def metered(study: Study, shared: Path) -> pd.DataFrame:
    """The readings of the water connections on parcels, one row a connection, without a period."""
    parcels = study.parcels
    assert parcels is not None
    connections = pyogrio.read_dataframe(shared / "sant_boi" / "sant_boi.gpkg", layer="ws_connec")
    connections = connections[connections["m3_total"].notna()].reset_index(drop=True)
    on, plot = parcels.sindex.query(connections.geometry, predicate="within")
    return pd.DataFrame(
        {"connection": on, "of_id": parcels.index.take(plot), "quantity": connections["m3_total"].to_numpy()[on]}
    )


def used(study: Study, rows: pd.DataFrame, **known: object) -> Study:
    usage = rows.assign(of_table="parcels", **known)[["of_table", "of_id", "period", "quantity"]]
    usage.index = pd.Index([f"u{k}" for k in range(len(usage))], name="usage_id")
    return replace(study, usage=schema.conform("usage", usage))


@pytest.fixture(scope="module")
def sant_boi(shared: Path) -> Study:
    study, _ = normalise.place(load.recipe.read(HERE / "sant_boi"))
    return study


def test_sant_boi_shows_no_idle_asset(sant_boi: Study, shared: Path) -> None:
    """Nothing is found, and that is said: 224 parcels have meters, but their periods (5, 6, 7) name no month.

    There are no buildings, so that a parcel has none is not known; no street has a width, so none severs a plot; the smallest
    total of the 428 connections on parcels is 12.51 m³, so none would stand still either.
    """
    rows = metered(sant_boi, shared)
    assert (len(rows), rows["of_id"].nunique()) == (428, 224)
    assert rows["quantity"].min() == pytest.approx(12.51)
    assert sant_boi.buildings is None
    assert sant_boi.streets is not None
    assert sant_boi.streets["width_m"].isna().all()
    with pytest.raises(MissingLayerError, match="neither parcels nor buildings show any that is idle"):
        conversion.assets(used(sant_boi, rows, period="5–7"))
    with pytest.raises(MissingLayerError, match="neither parcels nor buildings"):
        conversion.assets(used(sant_boi, rows, period="2025"))


@pytest.fixture(scope="module")
def still(sant_boi: Study, shared: Path) -> tuple[Study, set[str]]:
    """The same readings as if of 2025, those of the connections from the 200th on set to nought: the parcels with only such ones."""
    rows = metered(sant_boi, shared)
    rows["quantity"] = rows["quantity"].mask(rows["connection"] >= 200, 0.0)
    most = rows.groupby("of_id")["quantity"].max()
    study = replace(used(sant_boi, rows, period="2025"), conversions=Conversions(sites=(1, 2), conditional=True))
    return study, set(most.index[most == 0])


def test_sant_boi_meters_made_still_would_be_found(still: tuple[Study, set[str]]) -> None:
    """With readings at nought (made, not measured) exactly the parcels that have no other are assets; of none the space is known."""
    study, plots = still
    every = conversion.assets(study)
    assert len(plots) == 185
    assert set(every["of_id"]) == plots
    assert set(every["evidence"]) == {"meter_still"}
    assert every[["space", "title_clear", "floors", "danger_class"]].isna().all(axis=None)


def referee(shared: Path, points: gpd.GeoSeries) -> "tuple[nx.Graph[object], pd.Series[float], pd.Series[bool]]":
    """The street axes noded by GEOS, points hung onto the nearest axis: the graph, each point's leg, whether it is in the largest part."""
    axes = pyogrio.read_dataframe(shared / "sant_boi" / "sant_boi.gpkg", layer="streetaxis")
    drawn = shapely.get_parts(axes.geometry.to_numpy())
    ends = []
    for k, line in enumerate(drawn):  # an axis that ends within 5 cm of another is drawn up to it
        others = shapely.union_all(np.delete(drawn, k))
        gaps = [shapely.shortest_line(shapely.Point(line.coords[i]), others) for i in (0, -1)]
        ends += [gap for gap in gaps if 0 < gap.length <= 0.05]
    lines = shapely.get_parts(shapely.unary_union([*drawn, *ends], grid_size=1e-3))
    tree = shapely.STRtree(lines)
    near = tree.nearest(points.to_numpy())
    along = shapely.line_locate_point(lines[near], points.to_numpy())
    leg = pd.Series(shapely.distance(lines[near], points.to_numpy()), index=points.index)
    graph: nx.Graph[object] = nx.Graph()
    for k, line in enumerate(lines):
        stops = sorted((float(a), str(name)) for a, name in zip(along[near == k], points.index[near == k], strict=True))
        ends = [tuple(np.round(line.coords[i], 3)) for i in (0, -1)]
        way: list[tuple[float, object]] = [(0.0, ends[0]), *stops, (line.length, ends[1])]
        for (start, one), (end, other) in itertools.pairwise(way):
            graph.add_edge(one, other, m=min(end - start, graph.get_edge_data(one, other, {"m": np.inf})["m"]))
    largest = max(nx.connected_components(graph), key=len)
    return graph, leg, pd.Series([str(name) in largest for name in points.index], index=points.index)


@pytest.mark.slow
def test_sant_boi_sited_from_what_must_be_confirmed(still: tuple[Study, set[str]], shared: Path) -> None:
    """Nothing is allowed, so nothing is sited by default; of what would be once confirmed the best is found, as a referee walks it.

    No facility is in the layers, so every joined address is in need. The referee nodes the axes by GEOS, ends within 5 cm of another drawn
    up to it, and walks by networkx: in 5 minutes (300 m, legs included) each of the 185 parcels reaches exactly as many addresses. One
    site reaches at most all joined addresses, two of different kinds at most twice as many.
    """
    study, _ = still
    assert study.homes is not None
    assert study.streets is not None
    none = schema.conform(
        "facilities", gpd.GeoDataFrame({"kind": []}, geometry=[], crs=study.crs).astype({"kind": "str"})
    )
    layers, _ = conversion.analyse(study, study.homes, none, study.streets)
    options = layers["reuse_options"]
    assert set(options["verdict"]) == {"conditional"}
    assert options["needs"].str.contains("title").all()
    doubts = layers["reuse_doubts"].set_index("doubt")
    assert doubts.loc["nothing_to_choose_from", "such_as"] == "allowed"
    choices = layers["reuse_choices"].set_index("sites")
    assert set(choices["candidates"]) == {"allowed or conditional"}
    every = layers["reuse_assets"]
    points = pd.concat([study.homes.geometry, every.geometry.representative_point()])
    graph, leg, inside = referee(shared, points)
    homes = study.homes.index[inside[study.homes.index]]
    station = options[options["use"] == "culture_station"].set_index("asset_id")
    told = station["dwellings_newly"].astype("float64")
    walked = pd.Series(0.0, index=told.index)
    for asset in told.index[inside[told.index]]:
        away = pd.Series(nx.single_source_dijkstra_path_length(graph, str(asset), cutoff=300, weight="m"))
        metres = away.reindex(homes).to_numpy() + leg[homes].to_numpy() + leg[asset]
        walked[asset] = (metres <= 300 + 1e-6).sum()
    assert told.max() > 100
    assert (told - walked).abs().max() == 0
    assert choices.loc[1, "dwellings_newly"] <= inside[study.homes.index].sum()
    assert choices.loc[2, "dwellings_newly"] <= 2 * inside[study.homes.index].sum()
    assert (choices["dwellings_newly"] <= choices["dwellings_at_most"]).all()
    assert choices.loc[1, "dwellings_newly"] == options["dwellings_newly"].max()


def canary(shared: Path) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Parcels, the 111 buildings with their condition, and their 294 parts with storeys above and below ground."""
    rows = pyogrio.read_dataframe(shared / "canary_town" / "cons.gpkg")
    plots = pyogrio.read_dataframe(shared / "canary_town" / "parcel.gpkg").set_index("localId")
    parcels = schema.conform("parcels", plots.rename(columns={"areaValue": "site_area_m2"}))
    whole = rows[~rows["localId"].str.contains("_")].drop_duplicates("localId").set_index("localId")
    # "declined": the construction cannot be used under normal conditions (INSPIRE); the sign "-" says nothing
    vacant = whole["conditionOfConstruction"].map({"functional": False, "declined": True})
    buildings = schema.conform("buildings", whole.assign(vacant=vacant))
    parts = rows[rows["localId"].str.contains("_part")]
    parts = parts[~parts.geometry.to_wkb().duplicated()].set_index("localId")
    named = {"numberOfFloorsAboveGround": "floors", "numberOfFloorsBelowGround": "floors_below"}
    return parcels, buildings, schema.conform("buildings", parts.rename(columns=named).assign(vacant=True))


def test_canary_has_one_declined_building_and_no_plot_that_may_be_called_vacant(shared: Path) -> None:
    """Of 111 buildings one is declined; of 186 parcels none is called vacant while no land use is known.

    Were all of them building land, those of 150 to 10,000 m² on which no building lies would be: as many as geopandas counts by an
    overlay of its own. The declined building's title, danger class and storeys are in no layer: conditional, never allowed.
    """
    parcels, buildings, _ = canary(shared)
    every = reuse.found(None, parcels, buildings, None, kinds=KINDS, rules=FOUND)
    assert every.index.tolist() == ["building:8642322CS5284S"]
    groups = pd.Series("residential", index=parcels.index)
    more = reuse.found(None, parcels, buildings, None, kinds=KINDS, rules=FOUND, groups=groups)
    grounds, built = (frame[["geometry"]].reset_index(names=["id"]) for frame in (parcels, buildings))
    cut = gpd.overlay(grounds, built, how="intersection", keep_geom_type=False)
    stands = set(cut.loc[cut.area > 1e-6, "id_1"])
    sizes = parcels["site_area_m2"][~parcels.index.isin(stands)]
    expected = set(sizes.index[(sizes >= 150) & (sizes <= 10_000)])
    plots = more[more["evidence"] == "no_building"]
    assert set(plots["of_id"]) == expected
    assert len(expected) == 60
    rules = conversion.rules()
    rules = rules[rules["class"].isin(["stop", "fit"])]
    measured = reuse.measures(more, constraints=None, entrances=None, joined=None, least_m2=1.0, without=("heritage",))
    uses = ["elder_day_care", "park", "hotel"]
    keys = pd.MultiIndex.from_product([more.index, uses], names=["asset_id", "use"]).to_frame(index=False)
    said = reuse.options(reuse.judged(measured, rules, uses), keys.assign(people_newly=0.0))
    assert set(said["verdict"]) == {"conditional"}
    assert not said["needs"].str.contains("heritage").any()
    ground = said[said["asset_id"].str.startswith("parcel:")]
    assert set(ground["needs"]) == {"ecology, farmland, title"}
    house = said[said["asset_id"].str.startswith("building:")].set_index("use")["needs"]
    assert house["hotel"] == "danger, ecology, farmland, title"


def test_canary_parts_below_ground_are_for_neither_the_elderly_nor_children(shared: Path) -> None:
    """Eleven of the 294 parts have storeys below ground and none above: day care is not allowed there; above ground it is not barred.

    Six parts have neither, a courtyard or a mistake: nobody can say whether they lie above ground. Counted in the file itself.
    """
    _, _, parts = canary(shared)
    cellar = (parts["floors"] == 0) & (parts["floors_below"] > 0)
    neither = (parts["floors"] == 0) & (parts["floors_below"] == 0)
    assert (len(parts), int(cellar.sum()), int(neither.sum())) == (294, 11, 6)
    every = reuse.found(None, None, parts, None, kinds=KINDS, rules=FOUND)
    assert len(every) == 294
    measured = reuse.measures(every, constraints=None, entrances=None, joined=None, least_m2=1.0)
    above = measured["above_ground"].set_axis(every["of_id"]).reindex(parts.index)
    assert (above[cellar] == 0).all()
    assert above[neither].isna().all()
    assert (above[~cellar & ~neither] == 1).all()
    rules = conversion.rules().query("`class` == 'stop'")
    said = reuse.judged(measured, rules, ["elder_day_care"]).query("rule == 'underground'").set_index("asset_id")
    counts = said["answer"].value_counts().to_dict()
    assert counts == {"pass": 294 - 11 - 6, "fail": 11, "not known": 6}
