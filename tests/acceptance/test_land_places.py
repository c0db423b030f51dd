"""The land screen on real places and on the sample town: what their own files say, counted by other means."""

import sqlite3
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from lifecircle import load, normalise, pipeline, sample_town, schema
from lifecircle.analyse import land
from lifecircle.standards import editions

AS_OF = date(2025, 12, 31)
HERE = Path(__file__).resolve().parent


def measured(parcels: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame | None, **more: object) -> pd.DataFrame:
    return land.measures(parcels, buildings, as_of=AS_OF, mu_m2=2000 / 3, area_difference_share=0.05, **more)  # type: ignore[arg-type]


def sant_boi(shared: Path) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    file = shared / "sant_boi" / "sant_boi.gpkg"
    plots = pyogrio.read_dataframe(file, layer="plot")
    plots = plots.set_index(plots["id"].astype("str"))
    return schema.conform("parcels", plots), pyogrio.read_dataframe(file, layer="ws_connec")


def test_sant_boi_meters_all_run(shared: Path) -> None:
    """Of 477 water connections 433 carry meters; 428 of these lie on 224 of the 258 parcels, and none of them stands still.

    The meters' periods are numbers (5, 6, 7) and name no month, so for how long a meter stood still is not known of any
    parcel, and a parcel without a meter (34) is not vacant for that: both are not known. The file itself says that no
    reading is below 2 m³; the 12.51 m³ and more that each connection used say the same.
    """
    parcels, connections = sant_boi(shared)
    metered = connections[connections["m3_total"].notna()]
    readings = pd.read_csv(shared / "sant_boi" / "meter_readings.csv")
    assert (len(connections), len(metered)) == (477, 433)
    assert readings["sum"].min() > 2
    assert metered["m3_total"].min() == pytest.approx(12.51)
    on, plot = parcels.sindex.query(metered.geometry, predicate="within")
    usage = pd.DataFrame(
        {
            "of_table": "parcels",
            "of_id": parcels.index.take(plot),
            "period": "5–7",
            "quantity": metered["m3_total"].to_numpy()[on],
        }
    )
    assert len(usage) == 428
    m = measured(parcels, None, usage=usage)
    assert m["metered"].value_counts().to_dict() == {1.0: 224, 0.0: 34}
    assert m["months_without_use"].isna().all()
    assert m["use_periods_unread"].sum() == 428
    no_use = pd.Series(np.nan, index=parcels.index).astype("str")
    said = land.underused(m, no_use, editions.land("default").rules)
    assert set(said["L7u"]) == {"not known"}
    assert set(said["candidate"]) == {"not known"}


def test_sant_boi_meters_would_be_seen_to_stand_still(shared: Path) -> None:
    """The same readings with months given and the first 100 connections at nought: the parcels that have only those stand still."""
    parcels, connections = sant_boi(shared)
    metered = connections[connections["m3_total"].notna()].reset_index(drop=True)
    quantity = metered["m3_total"].mask(metered.index < 100, 0.0)
    on, plot = parcels.sindex.query(metered.geometry, predicate="within")
    one = pd.DataFrame(
        {
            "of_table": "parcels",
            "of_id": parcels.index.take(plot),
            "period": "2025",
            "quantity": quantity.to_numpy()[on],
        }
    )
    m = measured(parcels, None, usage=one)
    by_hand = one.groupby("of_id")["quantity"].max()
    still = set(by_hand.index[by_hand == 0])
    assert 0 < len(still) < 224
    assert set(m.index[m["months_without_use"] == 12]) == still
    assert (m.loc[m["metered"].eq(1) & ~m.index.isin(still), "months_without_use"] == 0).all()


def test_sant_boi_parcels_touch_and_pipes_pass_them(shared: Path) -> None:
    """No two parcels overlap by a square metre, and every connection on a parcel hangs on a water pipe that exists."""
    parcels, connections = sant_boi(shared)
    assert land.overlaps(parcels, least_m2=1.0).empty
    pipes = pyogrio.read_dataframe(shared / "sant_boi" / "sant_boi.gpkg", layer="ws_arc", read_geometry=False)
    inside = connections.iloc[parcels.sindex.query(connections.geometry, predicate="within")[0]]
    assert len(inside) == 468
    assert inside["arc_id"].dropna().astype("int64").isin(pipes["arc_id"].astype("int64")).mean() > 0.99


def canary(shared: Path) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, "pd.Series[str]"]:
    """Parcels, building parts with floor area, and the condition of each cadastral building of the town's main file."""
    rows = pyogrio.read_dataframe(shared / "canary_town" / "cons.gpkg")
    plots = pyogrio.read_dataframe(shared / "canary_town" / "parcel.gpkg").set_index("localId")
    parcels = schema.conform("parcels", plots.rename(columns={"areaValue": "site_area_m2"}))
    parts = rows[rows["localId"].str.contains("_part")]
    parts = parts[~parts.geometry.to_wkb().duplicated()].reset_index(drop=True)
    floors = parts["numberOfFloorsAboveGround"].rename("floors")
    table = gpd.GeoDataFrame({"floors": floors, "floor_area_m2": parts.area * floors}, geometry=parts.geometry)
    whole = rows[~rows["localId"].str.contains("_")].drop_duplicates("localId").set_index("localId")
    return parcels, schema.conform("buildings", table), whole["conditionOfConstruction"]


def register(shared: Path) -> pd.DataFrame:
    """The buildings of the second file; from memory, as GDAL writes what it learned of a GML file beside it."""
    return pyogrio.read_dataframe((shared / "canary_town" / "building.gml").read_bytes(), read_geometry=False)


def screened(said: "pd.Series[str]", label: "pd.Series[bool]") -> tuple[int, int, int]:
    """How many the screen flags, how many of those are run down, and how many are in all."""
    flagged = said == "yes"
    return int(flagged.sum()), int((flagged & label).sum()), int(label.sum())


def test_canary_labels_are_fewer_than_told(shared: Path) -> None:
    """The main file has 133 rows of 111 buildings and 588 rows of parts, each drawn twice; one building is declined, none a ruin.

    A second file has 16 buildings elsewhere, with age and use, of which two are declined. The 44 and 8 that the list of data
    promises are in neither: three labels are all there is to measure a screen by.
    """
    raw = sqlite3.connect(f"file:{shared / 'canary_town' / 'cons.gpkg'}?immutable=1", uri=True)
    rows = raw.execute("select count(*), sum(localId like '%\\_part%' escape '\\') from cons").fetchone()
    declined = raw.execute("select distinct localId from cons where conditionOfConstruction = 'declined'").fetchall()
    ruins = raw.execute("select count(*) from cons where conditionOfConstruction like '%ruin%'").fetchone()[0]
    raw.close()
    assert rows == (722, 588)
    assert (declined, ruins) == ([("8642322CS5284S",)], 0)
    parcels, parts, label = canary(shared)
    assert (len(parcels), len(parts), len(label)) == (186, 294, 111)
    aged = register(shared)
    assert aged["conditionOfConstruction"].value_counts().to_dict() == {"functional": 14, "declined": 2}
    for file in sorted((shared / "canary_town").iterdir()):
        words = file.read_bytes().lower().count(b"ruin"), file.read_bytes().count(b"declined")
        assert words == (0, {"building.gml": 2, "cons.gpkg": 2}.get(file.name, 0)), file.name


def test_canary_runs_whole_and_reads_each_parcel_once(shared: Path, tmp_path: Path) -> None:
    """The parcels' file says it holds 264 and holds 186, which GDAL fills up by repeating rows: 186 are read and none is rejected.

    Every part of a building is in its file twice: 294 of 589 rows are rejected as such; the one row without a part has no floors.
    The land of every parcel is not known for want of a land use, and no plot asks for renewal.
    """
    raw = sqlite3.connect(f"file:{shared / 'canary_town' / 'parcel.gpkg'}?immutable=1", uri=True)
    told = raw.execute("select feature_count from gpkg_ogr_contents").fetchone()[0]
    held = raw.execute("select count(*) from parcel").fetchone()[0]
    raw.close()
    assert (told, held) == (264, 186)
    run = pipeline.run(HERE / "canary_town", out=tmp_path / "out")
    counts = run.inventory.layers.set_index("layer")[["read", "kept", "rejected"]]
    assert counts.loc["parcels"].tolist() == [186, 186, 0]
    assert counts.loc["buildings"].tolist() == [589, 295, 294]
    assert set(run.results["land"]["candidate"]) == {"not known"}
    assert run.results["renewal_blocks"].empty


def test_canary_parcels_are_not_known_in_full_and_one_condition_tells_little(shared: Path) -> None:
    """Without land use and age no parcel is a candidate: recall 0 of 1, precision not defined, and all 186 are not known.

    Of the 108 labelled buildings that have a parcel, a ratio under 1.0, the one condition of L5a that floors can answer, flags
    58 and finds the one declined building: recall 1 of 1, precision 1 in 58 (1.7 %), where 1 in 108 (0.9 %) are declined.
    """
    parcels, parts, label = canary(shared)
    m = measured(parcels, parts)
    rules = editions.land("default").rules
    unknown = pd.Series(np.nan, index=parcels.index).astype("str")
    said = land.underused(m, unknown, rules)
    assert said["candidate"].value_counts().to_dict() == {"not known": 186}
    on = label[label.isin(["functional", "declined"]) & label.index.isin(parcels.index)]
    ratio = rules[(rules["rule"] == "L5a") & (rules["quantity"] == "far")]
    alone = land.underused(m.loc[on.index], pd.Series("residential", index=on.index), ratio)["L5a"]
    assert screened(said["candidate"].loc[on.index].replace("candidate", "yes"), on == "declined") == (0, 0, 1)
    assert (len(on), *screened(alone, on == "declined")) == (108, 58, 1, 1)


def test_canary_ages_flag_nearly_everything(shared: Path) -> None:
    """Of 16 buildings with a year 15 were built by 2000, both declined ones among them: recall 2 of 2, precision 2 in 15 (13 %).

    That is hardly more than the share of declined ones, 2 in 16 (12.5 %). By the rule as it is written, for housing only, it
    flags 12 of 13 dwellings and finds none: both declined buildings are industrial. The data cannot tell more.
    """
    rows = register(shared)
    m = pd.DataFrame({"built_year": rows["beginning"].dt.year.astype("float64")})
    declined = rows["conditionOfConstruction"] == "declined"
    rules = editions.land("default").rules
    age = rules[(rules["rule"] == "L5a") & (rules["quantity"] == "built_year")]
    use = rows["currentUse"].str.split("_").str[1].astype("str")
    anyone = land.underused(m, use, age.assign(group="any"))["L5a"]
    housing = land.underused(m, use, age)["L5a"]
    assert screened(anyone, declined) == (15, 2, 2)
    assert screened(housing, declined) == (12, 0, 2)


def test_swellendam_floors_stand_on_the_farms_they_stand_on(shared: Path) -> None:
    """Footprints shared out to 2,008 farms are what GEOS cuts, in 452 pairs; one building without levels hides the ratio.

    The town itself is no farm: most of its buildings stand on none. Farms overlap, so a building may count on more than one.
    """
    file = shared / "swellendam" / "training_data.gpkg"
    raw = pyogrio.read_dataframe(file, layer="buildings").to_crs(32733)
    farms = pyogrio.read_dataframe(shared / "swellendam" / "farms_33S.shp")
    farms = gpd.GeoDataFrame(geometry=farms.geometry.buffer(0), crs=32733)
    parcels = schema.conform("parcels", farms)
    levels = pd.to_numeric(raw["building:levels"], errors="coerce")
    raw["floor_area_m2"] = raw.area * levels
    buildings = schema.conform("buildings", raw)
    pairs = land.shares(parcels, buildings)
    one, other = shapely.STRtree(parcels.geometry).query(buildings.geometry, predicate="intersects")
    cut = shapely.area(shapely.intersection(buildings.geometry.to_numpy()[one], parcels.geometry.to_numpy()[other]))
    expected = pd.Series(cut, index=pd.MultiIndex.from_arrays([buildings.index[one], parcels.index[other]]))
    found = pairs.set_index(["building", "parcel"])["area_m2"].reindex(expected.index, fill_value=0.0)
    assert len(expected) == 452
    stand = land.standing(parcels, buildings, pairs)
    assert (stand["parcels"] == 0).sum() == 4_708 - len(set(one[cut > 1e-6]))
    assert np.abs(found - expected).max() < 2e-6
    m = measured(parcels, buildings, pairs=pairs)
    unknown = pairs["parcel"][pairs["building"].isin(buildings.index[levels.isna()])].unique()
    assert m.loc[unknown, "far"].isna().all()
    known = m.index.difference(unknown)
    floors = (pairs["share"] * buildings["floor_area_m2"].reindex(pairs["building"]).to_numpy()).groupby(
        pairs["parcel"]
    )
    by_hand = floors.sum().reindex(known, fill_value=0.0)
    assert m.loc[known, "built_floor_area_m2"].to_numpy() == pytest.approx(by_hand.to_numpy())
    assert len(land.overlaps(parcels, least_m2=1.0)) > 0


@pytest.mark.slow
def test_swellendam_blocks_are_farms_of_their_size_beside_the_main_roads(shared: Path, tmp_path: Path) -> None:
    """Three blocks of 2 to 18 ha; eight farms of over 18 ha whose residents lack nearly everything are listed apart, not blocks.

    The largest is two farms of 156,433 m² as geopandas measures the raw shapefile. 28 raw buildings of unknown use stand on them: 28
    dwellings. No trunk, primary or secondary road of the raw layer crosses it or the second.
    """
    run = pipeline.run(HERE / "swellendam", out=tmp_path / "out")
    made = run.results["renewal_blocks"]
    evidence = run.results["renewal_block_evidence"].set_index("plot_id")
    assert made["plots_m2"].between(20_000, 180_000).all()
    assert evidence["placed"].value_counts().to_dict() == {"too large": 8, "block": 6}
    raw = pyogrio.read_dataframe(shared / "swellendam" / "farms_33S.shp").to_crs(32734)
    raw = raw.set_index(raw["AG_CAD_ID"].astype("int64").astype("str"))
    assert (raw.loc[evidence.index[evidence["placed"] == "too large"]].make_valid().area > 180_000).all()
    ground = raw.loc[evidence.index[evidence["block_id"] == "B001"]].union_all()
    assert made.loc["B001", "plots_m2"] == pytest.approx(ground.area)
    file = shared / "swellendam" / "training_data.gpkg"
    buildings = pyogrio.read_dataframe(file, layer="buildings").to_crs(32734)
    assert made.loc["B001", "dwellings"] == buildings.representative_point().within(ground).sum() == 28
    roads = pyogrio.read_dataframe(file, layer="roads").to_crs(32734)
    main = roads[roads["highway"].isin(["trunk", "trunk_link", "primary", "secondary"])].union_all()
    assert not made.loc[["B001", "B002"]].intersects(main).any()


@pytest.fixture(scope="module")
def town() -> tuple[gpd.GeoDataFrame, dict[str, pd.DataFrame]]:
    """The sample town's parcels as its shapefile has them, by number (those that repeat left out), and the land layers."""
    study, _ = normalise.place(load.recipe.read(sample_town()))
    layers, _, _ = pipeline.analyse(study, only="land")
    raw = pyogrio.read_dataframe(sample_town() / "raw" / "宗地.shp", encoding="gbk").drop_duplicates("宗地编号")
    return raw.set_index("宗地编号").reindex(study.parcels.index), layers  # type: ignore[union-attr]


def test_sample_town_old_and_thin_housing(town: tuple[gpd.GeoDataFrame, dict[str, pd.DataFrame]]) -> None:
    """L5a says yes where the shapefile itself has a class 07…, a year up to 2000 and a ratio under 1; 348 parcels (three unread)."""
    raw, layers = town
    ratio = pd.to_numeric(raw["容积率"], errors="coerce")
    year = pd.to_numeric(raw["建成年份"], errors="coerce")
    expected = raw["地类编码"].str.startswith("07") & (year <= 2000) & (ratio < 1)
    said = layers["land"]["L5a"]
    both = ratio.notna() & (year > 0)
    assert both.sum() > 900
    assert ((said == "yes") == expected)[both].all()
    assert expected.sum() == pytest.approx(348, abs=3)


def test_sample_town_idle_land(town: tuple[gpd.GeoDataFrame, dict[str, pd.DataFrame]]) -> None:
    """Thirteen parcels are idle by the sentence of Order 53, written out once more over the shapefile's own columns."""
    raw, layers = town
    dated = {name: pd.to_datetime(raw[name], errors="coerce") for name in ("约定开工", "实际开工", "停工日期")}
    late = (pd.Timestamp(AS_OF) - dated["约定开工"]).dt.days > 365
    not_started = dated["实际开工"].isna() & dated["停工日期"].isna() & late
    stopped = (pd.Timestamp(AS_OF) - dated["停工日期"]).dt.days >= 365
    thin = (raw["开发比例"].astype("float64") < 100 / 3) | (raw["投资比例"].astype("float64") < 25)
    expected = not_started | (stopped & thin)
    assert expected.sum() == 13
    assert set(layers["land"].index[layers["land"]["idle"] == "yes"]) == set(raw.index[expected])


def test_sample_town_meters_that_stand_still(town: tuple[gpd.GeoDataFrame, dict[str, pd.DataFrame]]) -> None:
    """The parcels whose twelve readings of 2025 are all nought are those with a still meter; the answer only indicates."""
    _, layers = town
    raw = pd.read_csv(sample_town() / "raw" / "用水量.csv", encoding="gbk", dtype={"宗地编号": "str"})
    amount = raw.columns[-1]
    used = raw.groupby("宗地编号")[amount].agg(["max", "size"])
    assert set(used["size"]) == {12}
    still = set(used.index[used["max"] == 0])
    land_ = layers["land"]
    assert set(land_.index[land_["L7u"] == "indicative yes"]) == still
    assert set(land_.index[land_["months_without_use"] == 12]) == still


def test_sample_town_buildings_on_no_parcel(town: tuple[gpd.GeoDataFrame, dict[str, pd.DataFrame]]) -> None:
    """Buildings that intersect no parcel, by geopandas, are those told as standing on none."""
    _, layers = town
    study, _ = normalise.place(load.recipe.read(sample_town()))
    assert study.buildings is not None
    assert study.parcels is not None
    joined = gpd.sjoin(study.buildings[["geometry"]], study.parcels[["geometry"]], how="left", predicate="intersects")
    alone = set(joined.index[joined["parcel_id"].isna()])
    told = layers["land_buildings"]
    assert alone <= set(told.index[told["parcels"] == 0])
    doubts = layers["land_doubts"].set_index("doubt")["count"]
    assert doubts["building_on_no_parcel"] == (told["parcels"] == 0).sum()
    assert doubts["area_differs"] == 13  # as the town's README counts them
