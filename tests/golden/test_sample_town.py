"""The sample town: what data/README.md and data/sample_town/README.md say of it holds, and its script writes it again."""

import subprocess
import sys
import tomllib
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely

DATA = Path(__file__).resolve().parents[2] / "data"
TOWN = DATA / "sample_town"
RAW = TOWN / "raw"
PIPES = {"燃气管线": 581, "给水管线": 847, "污水管线": 889, "雨水管线": 702, "热力管线": 115}
PLAIN = {"建筑": 4332, "社区": 15, "公园": 26, "公园出入口": 69, "学校": 16, "控制线": 11}


def parcels() -> gpd.GeoDataFrame:
    return pyogrio.read_dataframe(RAW / "宗地.shp", encoding="gbk")


def plain(layer: str) -> gpd.GeoDataFrame:
    return pyogrio.read_dataframe(RAW / "建筑社区公园.gpkg", layer=layer)


def pipes(layer: str) -> gpd.GeoDataFrame:
    return pyogrio.read_dataframe(RAW / "地下管线.gdb", layer=layer)


def drawing() -> gpd.GeoDataFrame:
    return pyogrio.read_dataframe(RAW / "围墙大门.dxf")


def register(name: str) -> pd.DataFrame:
    return pd.read_excel(RAW / name, dtype={"宗地编号": str, "地块编号": str})


def test_it_is_small_and_says_that_it_is_fictional() -> None:
    """The folder stays under 6 MB, and recipe, READMEs and registers all say that the town is made up."""
    assert sum(f.stat().st_size for f in TOWN.rglob("*") if f.is_file()) < 6_000_000
    recipe = tomllib.loads((TOWN / "study.toml").read_text(encoding="utf-8"))
    assert "虚构" in recipe["name"]
    assert recipe["synthetic"] is True
    for text in (TOWN / "README.md", DATA / "README.md"):
        assert "虚构" in text.read_text(encoding="utf-8")
    assert register("闲置资产台账.xlsx")["资产名称"].str.contains("虚构").all()
    assert register("企业税收.xlsx")["企业名称"].str.contains("虚构").all()


def test_every_layer_has_the_rows_that_the_readme_counts() -> None:
    """Rows in each file are those of the README's table."""
    assert len(parcels()) == 980
    assert {layer: len(plain(layer)) for layer in PLAIN} == PLAIN
    assert {layer: len(pipes(layer)) for layer in PIPES} == PIPES
    assert len(pipes("管点")) == 2877
    assert pyogrio.read_info(RAW / "道路.geojson")["features"] == 1239
    counts = drawing()["Layer"].value_counts().to_dict()
    assert counts == {"围墙": 137, "河岸": 2, "铁路": 1, "大门_开": 169, "大门_关": 35}
    points = pd.read_csv(RAW / "设施点_高德.csv", encoding="utf-8-sig")
    assert (len(points), points["类别"].nunique()) == (335, 50)
    assert (len(register("闲置资产台账.xlsx")), len(register("企业税收.xlsx"))) == (59, 125)
    assert len(pd.read_csv(RAW / "用水量.csv", encoding="gbk")) == 48 * 12


def test_coordinates_are_in_the_systems_that_the_readme_names() -> None:
    """Parcels carry the zone number in their eastings; points on the web map lie a few hundred metres off the town."""
    assert parcels().crs.to_epsg() == 4526
    west, _south, east, _north = parcels().total_bounds
    assert 38_471_000 < west < east < 38_476_000
    points = pd.read_csv(RAW / "设施点_高德.csv", encoding="utf-8-sig")
    seen = gpd.GeoSeries(gpd.points_from_xy(points["经度"], points["纬度"]), crs=4490).to_crs(4547)
    named = gpd.GeoSeries(seen.array, index=points["名称"])["云溪县人民医院"]
    ground = parcels().to_crs(4547).set_index("宗地名称").geometry["云溪县人民医院"].representative_point()
    assert 100 < named.distance(ground) < 800


def test_the_residents_sum_to_sixty_thousand() -> None:
    """The census total is 60,000, and nodata is set in both rasters."""
    with rasterio.open(RAW / "人口.tif") as sheet:
        assert sheet.read(1, masked=True).sum() == pytest.approx(60_000, abs=1)
        assert (sheet.read(1) == -99999).sum() == 151
    with rasterio.open(RAW / "高程.tif") as sheet:
        assert (sheet.read(1) == -9999).sum() == 180


def test_the_parcels_have_the_defects_that_the_readme_lists() -> None:
    """Duplicates, a missing and six invalid geometries, odd areas, text for numbers and a dangerous name, each as counted."""
    frame = parcels()
    number = frame["宗地编号"]
    same = frame.assign(shape=frame.geometry.to_wkb()).drop(columns="geometry").duplicated()
    assert list(frame.index[same] + 1) == [977, 978, 979, 980]
    assert list(frame.index[frame.geometry.isna()] + 1) == [422]
    assert list(frame.index[number.duplicated() & ~same] + 1) == [559]
    drawn = frame[frame.geometry.notna() & ~same]
    assert (~drawn.is_valid).sum() == 6
    mended = shapely.area(shapely.make_valid(drawn.geometry.to_numpy()))
    off = np.abs(drawn["面积"] * (10_000 / 15) / mended - 1)
    assert (off > 0.05).sum() == 13
    assert (frame["容积率"] == "不详").sum() == 3
    assert (frame["宗地名称"] == "<img src=x onerror=alert(1)>").sum() == 1


def test_the_registers_have_the_strays_that_the_readme_lists() -> None:
    """Numbers that no parcel has, no number at all, one number of two parcels and parcels with two firms."""
    frame = parcels().drop_duplicates(["宗地编号", "面积"])
    known = frame["宗地编号"]
    assets, tax = register("闲置资产台账.xlsx"), register("企业税收.xlsx")
    lost = ~assets["宗地编号"].isin(known)
    assert list(assets.index[lost] + 1) == [55, 56, 57, 58]
    assert assets["宗地编号"].isna().sum() == 1
    assert list(assets.index[assets["宗地编号"].isin(known[known.duplicated()])] + 1) == [59]
    assert (assets["危房等级"] == "未鉴定").sum() == 14
    assert (~tax["地块编号"].isin(known)).sum() == 6
    assert list(tax.index[tax["地块编号"].duplicated(keep=False)] + 1) == [11, 21, 118, 119]
    assert (tax["税收(万元)"] == "不详").sum() == 1


def test_facilities_pipes_and_homes_have_the_defects_that_the_readme_lists() -> None:
    """An unknown word, a row without coordinates, plain cast iron, sewers uphill and two homes outside."""
    points = pd.read_csv(RAW / "设施点_高德.csv", encoding="utf-8-sig")
    assert list(points.index[points["类别"] == "老戏台"] + 1) == [334]
    assert list(points.index[points["经度"].isna()] + 1) == [335]
    assert (pipes("给水管线")["材质"] == "铸铁").sum() == 14
    sewers = pipes("污水管线")
    assert (sewers["起点管底"] < sewers["终点管底"]).sum() == 9
    storm = pipes("雨水管线")
    assert (storm["起点管底"] > storm["终点管底"]).all()
    built = plain("建筑")
    homes = built[built["户数"] > 0]
    outside = homes[~homes.representative_point().within(plain("社区").union_all())]
    assert len(outside) == 2
    streets = pyogrio.read_dataframe(RAW / "道路.geojson").to_crs(4547).union_all()
    assert sorted(outside.distance(streets) > 300) == [False, True]


def test_walkable_streets_are_one_network_and_one_fragment() -> None:
    """Streets that meet share their end to the centimetre; only the hamlet behind the hill is joined to nothing."""
    streets = pyogrio.read_dataframe(RAW / "道路.geojson").to_crs(4547)
    walked = streets[streets["可步行"] == "是"]
    ends = shapely.get_coordinates(shapely.get_point(walked.geometry.to_numpy(), [[0], [-1]])).round(2)
    half = len(walked)
    graph = nx.Graph(zip(map(tuple, ends[:half]), map(tuple, ends[half:]), strict=True))
    assert sorted(map(len, nx.connected_components(graph))) == [9, 971]
    flyover = walked[walked["道路名称"] == "货场路高架"].geometry.iloc[0]
    under = walked[walked["道路名称"] == "工业大道"]
    assert under.crosses(flyover).sum() == 1
    first, second = walked[walked["道路名称"] == "人民广场步道"].geometry
    assert first.crosses(second)


def test_buildings_keep_off_the_streets_and_off_one_another() -> None:
    """No two buildings overlap and none stands on a carriageway."""
    built = plain("建筑").geometry.to_numpy()
    tree = shapely.STRtree(built)
    one, other = tree.query(built, predicate="overlaps")
    assert shapely.area(shapely.intersection(built[one], built[other])).max(initial=0) < 1
    streets = pyogrio.read_dataframe(RAW / "道路.geojson").to_crs(4547)
    streets = streets[streets["桥梁"] == "否"]
    surface = shapely.buffer(streets.geometry.to_numpy(), streets["宽度"].to_numpy() * 0.45, cap_style="flat")
    assert tree.query(surface, predicate="intersects").size == 0


@pytest.mark.slow
def test_the_script_writes_the_committed_files(tmp_path: Path) -> None:
    """The script writes the same files; where another version of a library changes bytes, the contents are the same."""
    subprocess.run([sys.executable, DATA / "make_sample_town.py", "--out", tmp_path], check=True)
    names = {str(f.relative_to(RAW)) for f in RAW.rglob("*") if f.is_file() and ".gdb" not in str(f)}
    assert names == {str(f.relative_to(tmp_path)) for f in tmp_path.rglob("*") if f.is_file() and ".gdb" not in str(f)}
    other = {name for name in names if (RAW / name).read_bytes() != (tmp_path / name).read_bytes()}
    for name in sorted({Path(n).stem + ".shp" if Path(n).stem == "宗地" else n for n in other}):
        same_contents(RAW / name, tmp_path / name)
    gdb = sorted(f.relative_to(RAW) for f in (RAW / "地下管线.gdb").iterdir())
    if any(not (tmp_path / f).is_file() or (RAW / f).read_bytes() != (tmp_path / f).read_bytes() for f in gdb):
        same_contents(RAW / "地下管线.gdb", tmp_path / "地下管线.gdb")


def same_contents(kept: Path, made: Path) -> None:
    """Rows, columns and cells agree exactly, coordinates to 2 cm (the last digit of a sine may differ by machine)."""
    if kept.suffix == ".tif":
        with rasterio.open(kept) as one, rasterio.open(made) as two:
            np.testing.assert_allclose(one.read(1), two.read(1), atol=0.02)
    elif kept.suffix == ".xlsx":
        pd.testing.assert_frame_equal(pd.read_excel(kept), pd.read_excel(made))
    elif kept.suffix == ".csv":
        encoding = "gbk" if kept.stem == "用水量" else "utf-8-sig"
        pd.testing.assert_frame_equal(
            pd.read_csv(kept, encoding=encoding), pd.read_csv(made, encoding=encoding), atol=1e-6
        )
    else:
        for layer in pyogrio.list_layers(kept)[:, 0]:
            one, two = (pyogrio.read_dataframe(path, layer=layer) for path in (kept, made))
            pd.testing.assert_frame_equal(one.drop(columns="geometry"), two.drop(columns="geometry"), atol=0.02)
            assert shapely.equals_exact(one.geometry.to_numpy(), two.geometry.to_numpy(), tolerance=0.02)[
                one.geometry.notna()
            ].all()
