"""What parcels and buildings do wrong, from the raw file to the land screen: counted, reported, never guessed."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import box

from lifecircle import load, normalise, pipeline

SIDE = 100.0  # every parcel is 100 × 100 m: 10,000 m², 1 ha, 15 亩
Read = tuple[dict[str, gpd.GeoDataFrame | pd.DataFrame], pd.DataFrame, Any]


def read(
    at: Path,
    parcels: dict[str, list[Any]],
    *,
    recipe: str = "",
    prints: list[Any] | None = None,
    more: dict[str, list[Any]] | None = None,
) -> Read:
    """The land layers, the notes and the study of a folder made of these raw columns."""
    n = len(next(iter(parcels.values())))
    plots = parcels.pop("shapes", [box(i * SIDE, 0, (i + 1) * SIDE, SIDE) for i in range(n)])
    frame = gpd.GeoDataFrame({"宗地编号": [f"P{i}" for i in range(n)], **parcels}, geometry=plots, crs=4547)
    frame.to_file(at / "town.gpkg", layer="parcels")
    text = 'name = "x"\ncrs = "EPSG:4547"\nas_of = 2025-12-31\nlanguage = "en"\n'
    text += f'[layers.parcels]\nsource = "town.gpkg"\nlayer = "parcels"\n{recipe}\n'
    if prints is not None:
        table = {"building_id": [f"B{i}" for i in range(len(prints))], "floors": [2.0] * len(prints), **(more or {})}
        gpd.GeoDataFrame(table, geometry=prints, crs=4547).to_file(at / "town.gpkg", layer="buildings")
        text += '[layers.buildings]\nsource = "town.gpkg"\nlayer = "buildings"\n'
    (at / "study.toml").write_text(text, encoding="utf-8")
    study, inventory = normalise.place(load.recipe.read(at))
    layers, _, _ = pipeline.analyse(study, only="land")
    return layers, inventory.notes, study


def noted(notes: pd.DataFrame, code: str) -> int:
    return int(notes.loc[notes["code"] == code, "count"].sum())


@pytest.mark.parametrize(("heading", "raw"), [("税收(万元)", 30.0), ("税收(元)", 300_000.0)])
def test_tax_in_either_unit_is_the_same_tax(tmp_path: Path, heading: str, raw: float) -> None:
    """30 万元 and 300,000 yuan on 15 亩 are 20,000 yuan a mu."""
    layers, _, _ = read(tmp_path, {heading: [raw]})
    assert layers["land"]["tax_per_mu_yuan"].tolist() == pytest.approx([20_000.0])


@pytest.mark.parametrize(("unit", "raw"), [("亩", 15.0), ("ha", 1.0), ("m2", 10_000.0)])
def test_area_in_any_unit_is_the_same_area(tmp_path: Path, unit: str, raw: float) -> None:
    """15 亩, 1 ha and 10,000 m² are the drawn area, so nothing differs."""
    layers, _, _ = read(
        tmp_path, {"面积": [raw]}, recipe=f'columns = {{ site_area_m2 = {{ from = "面积", unit = "{unit}" }} }}'
    )
    land = layers["land"]
    assert land["area_m2"].tolist() == pytest.approx([10_000.0])
    assert land["area_differs"].tolist() == ["no"]


def test_an_area_without_its_unit_that_fits_mu_is_not_taken_for_square_metres(tmp_path: Path) -> None:
    """Three parcels that declare 15 where 10,000 m² are drawn are most likely in 亩: left missing and told; the drawn area counts."""
    layers, notes, _ = read(tmp_path, {"site_area_m2": [15.0, 15.0, 15.0]})
    assert noted(notes, "area_unit") == 3
    assert layers["land"]["area_m2"].tolist() == pytest.approx([10_000.0] * 3)
    assert layers["land"]["area_differs"].tolist() == ["not known"] * 3


def test_a_declared_area_that_is_off_is_told_with_both(tmp_path: Path) -> None:
    """10,400 m² (4 %) passes, 10,600 m² (6 %) is told: the note has both areas, the layer too, and the doubts the 600 m² between."""
    layers, notes, _ = read(tmp_path, {"site_area_m2": [10_400.0, 10_600.0]})
    assert noted(notes, "area_differs") == 1
    text = notes.loc[notes["code"] == "area_differs", "text"].iloc[0]
    assert "10,600" in text
    assert "10,000" in text
    assert layers["land"][["drawn_area_m2", "area_m2"]].iloc[1].tolist() == pytest.approx([10_000, 10_600])
    doubts = layers["land_doubts"].set_index("doubt")
    assert doubts.loc["area_differs", ["count", "such_as"]].tolist() == [1, "P1"]
    assert doubts.loc["area_differs", "doubt_m2"] == pytest.approx(600)


def test_a_ratio_in_words_is_not_known(tmp_path: Path) -> None:
    """“0.4” is read; 不详 is empty and “不小于1.5” cannot be read, which is counted; neither is a ratio of any size."""
    layers, notes, _ = read(tmp_path, {"容积率": ["0.4", "不详", "不小于1.5"]})
    assert layers["land"]["far"].tolist() == pytest.approx([0.4, np.nan, np.nan], nan_ok=True)
    assert noted(notes, "unreadable") == 1


def test_a_bound_on_a_year_is_no_year(tmp_path: Path) -> None:
    """“before 1939” and 1990s are counted as unreadable, 1985年 is 1985; an age is never made from a bound."""
    layers, notes, _ = read(tmp_path, {"建成年份": ["before 1939", "1990s", "1985年"]})
    assert layers["land"]["built_year"].tolist() == pytest.approx([np.nan, np.nan, 1985], nan_ok=True)
    assert noted(notes, "unreadable") == 2


def test_values_below_zero_are_out_of_range(tmp_path: Path) -> None:
    """A tax, a ratio and an area below zero are missing and counted, three in all; the drawn area stands in."""
    raw = {"税收(元)": [-5.0], "容积率": [-0.4], "site_area_m2": [-10_000.0]}
    layers, notes, _ = read(tmp_path, raw)
    land = layers["land"]
    assert land[["tax_per_mu_yuan", "far"]].isna().all(axis=None)
    assert land["area_m2"].tolist() == pytest.approx([10_000.0])
    assert noted(notes, "out_of_range") == 3


def test_parcels_that_overlap_and_buildings_on_none_are_told(tmp_path: Path) -> None:
    """P1 reaches 20 m into P0: 2,000 m². B0 stands on both, B1 on none, B2 half off: 200 of its 400 m²."""
    shapes = [box(0, 0, 100, 100), box(80, 0, 180, 100)]
    prints = [box(85, 10, 95, 20), box(500, 0, 510, 10), box(-10, 40, 10, 60)]
    layers, _, _ = read(tmp_path, {"shapes": shapes, "容积率": [1.0, 1.0]}, prints=prints)
    doubts = layers["land_doubts"].set_index("doubt")
    assert doubts.loc["parcels_overlap", ["count", "such_as"]].tolist() == [1, "P0 × P1"]
    assert doubts["doubt_m2"][["parcels_overlap", "building_on_no_parcel", "building_partly_off"]].tolist() == (
        pytest.approx([2_000, 100, 200])
    )
    assert doubts["count"][["building_on_no_parcel", "building_partly_off", "building_on_several"]].tolist() == [
        1,
        1,
        1,
    ]
    told = layers["land_buildings"]
    assert told["parcels"].to_dict() == {"B0": 2, "B1": 0, "B2": 1}
    # B0 has 100 m² and two floors on each parcel, B2 half of its 800 m² on P0
    assert layers["land"]["built_floor_area_m2"].tolist() == pytest.approx([200 + 400, 200])


def test_codes_without_edition_and_unknown_codes_are_told(tmp_path: Path) -> None:
    """A code that the edition does not list, one that may be several things and none at all: one each, and no group guessed."""
    layers, _, _ = read(
        tmp_path, {"地类编码": ["1001", "9999", "10", None]}, recipe='set = { land_use_edition = "yonghai_2023" }'
    )
    assert layers["land"]["land_group"].isna().tolist() == [False, True, True, True]
    doubts = layers["land_doubts"].set_index("doubt")["count"]
    assert {name: doubts[f"land_use: {name}"] for name in ("no code", "no edition", "unknown code", "ambiguous")} == {
        "no code": 1,
        "no edition": 0,
        "unknown code": 1,
        "ambiguous": 1,
    }


def test_codes_of_no_edition_are_told(tmp_path: Path) -> None:
    """0601 is industry or a road by edition; without one it is neither, and counted."""
    layers, notes, _ = read(tmp_path, {"地类编码": ["0601", "0701"]})
    assert layers["land"]["land_group"].isna().all()
    assert layers["land_doubts"].set_index("doubt").loc["land_use: no edition", "count"] == 2
    assert noted(notes, "edition_unknown") == 2


def test_a_start_that_cannot_be_read_is_not_a_plot_without_a_start(tmp_path: Path) -> None:
    """Due in 2018. “2019” and 不详 name no day, so nobody can say that works have not begun; an empty cell, a dash and 未动工 say so."""
    raw = {"约定开工日期": ["2018-05-01"] * 6, "实际开工日期": ["2019", "不详", None, "-", "未动工", "2018-06-01"]}
    layers, notes, study = read(tmp_path, raw)
    assert layers["land"]["L9a"].tolist() == ["not known", "not known", "yes", "yes", "yes", "no"]
    assert noted(notes, "start_unreadable") == 2
    assert "2019, 不详" in notes.loc[notes["code"] == "start_unreadable", "text"].iloc[0]
    assert study.parcels["start_due_date"].notna().tolist() == [False, False, True, True, True, True]


def test_without_any_date_of_start_no_plot_is_called_not_started(tmp_path: Path) -> None:
    """Two plots due in 2018 in a register without a column of starts: whether works have begun is not known of either."""
    layers, _, _ = read(tmp_path, {"约定开工日期": ["2018-05-01"] * 2})
    assert layers["land"]["started"].isna().all()
    assert layers["land"]["idle"].tolist() == ["not known", "not known"]


def test_a_wall_drawn_askew_condemns_no_neighbour(tmp_path: Path) -> None:
    """A house of class D reaches 1 cm × 10 m, 0.1 m², over the boundary: P0 has a dangerous house, P1 none. With 1 m it has."""
    danger = {"danger_class": ["D", "A"], "floors": [2.0, 2.0]}
    for over, expected in ((0.01, [1.0, 0.0]), (1.0, [1.0, 1.0])):
        at = tmp_path / f"{over:g}"
        at.mkdir()
        prints = [box(80, 10, 100 + over, 20), box(120, 10, 130, 20)]
        layers, _, _ = read(at, {"容积率": [1.0, 1.0]}, prints=prints, more=danger)
        assert layers["land"]["dangerous"].tolist() == expected
