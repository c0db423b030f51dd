"""Park coverage in closed form, pipes with a pencil."""

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString, box

from lifecircle import pipeline, schema
from lifecircle.analyse import parks, pipes


def park(side: float, declared: float = np.nan) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame({"site_area_m2": [declared]}, geometry=[box(0, 0, side, side)], index=["K"], crs=4547)
    return schema.conform("parks", frame)


def classes(code: str) -> pd.DataFrame:
    table = pipeline.park_classes()
    return table[table["code"] == code]


def test_the_buffer_has_the_area_of_its_formula() -> None:
    """A square of side a with radius r covers a² + 4ar + πr²; 16 segments a quadrant fall short of it by under 0.2 %."""
    area = parks.service_area(park(100.0), classes("C01")).area
    exact = 100**2 + 4 * 100 * 500 + np.pi * 500**2
    assert 0.998 * exact < area < exact


@pytest.mark.parametrize(
    ("side", "current", "of_2021"),
    [(100.0, 500, 500), (60.0, 300, 300), (40.0, 300, None), (19.0, None, None)],
)
def test_the_two_definitions_differ_in_the_smallest_park(side: float, current: int, of_2021: int) -> None:
    """10,000 m² reaches 500 m in both; 3,600 m² 300 m in both; 1,600 m² only in the newer; 361 m² in neither."""
    for code, radius in (("C01", current), ("C01b", of_2021)):
        area = parks.service_area(park(side), classes(code))
        assert area.is_empty if radius is None else area.bounds[2] == pytest.approx(side + radius)


def test_a_declared_area_decides_the_class() -> None:
    """Drawn 3,600 m² but declared 5,000: the 500 m class, whose lower end is inclusive."""
    assert parks.service_area(park(60.0, declared=5000.0), classes("C01")).bounds[2] == pytest.approx(560)


def test_coverage_is_the_share_of_land_inside() -> None:
    """Land from x = 0 to 1,000 beside a service area ending at x = 600: 60 %."""
    land = gpd.GeoDataFrame(geometry=[box(0, 0, 1000, 100), box(0, 0, 10, 10)], index=["P", "Q"], crs=4547)
    got = parks.covered(land, box(-600, -600, 600, 600))
    assert got["share"].tolist() == pytest.approx([0.6, 1.0])
    assert got["covered_m2"].tolist() == pytest.approx([60_000, 100])


def pipe_table(rows: list[dict[str, object]]) -> gpd.GeoDataFrame:
    shapes = [LineString([(0, 0), (10 * (i + 1), 0)]) for i in range(len(rows))]
    return schema.conform(
        "pipes", gpd.GeoDataFrame(rows, geometry=shapes, index=[f"p{i}" for i in range(len(rows))], crs=4547)
    )


def answers(rows: list[dict[str, object]]) -> list[str]:
    return pipes.renewal(pipe_table(rows), pipeline.pipe_rules(), as_of=date(2025, 12, 31))["renewal"].tolist()


def test_grey_iron_gas_is_on_the_list_whatever_its_age() -> None:
    """国办发〔2022〕22号: all gas pipes of grey cast iron."""
    assert answers([{"network": "gas", "material": "grey_iron", "built_year": 2020.0}]) == ["on the list"]


def test_plain_iron_is_unknown_and_never_grey() -> None:
    """铸铁 alone may be grey or ductile: whether the rule names it is not known."""
    assert answers([{"network": "gas", "material": "unknown", "built_year": 2020.0}]) == ["not known"]


def test_age_alone_is_not_enough_for_steel_gas() -> None:
    """Steel of 2000 is 25 years old: with a risk assessed it is on the list, unassessed a class of its own, else not."""
    steel = {"network": "gas", "material": "steel", "built_year": 2000.0}
    rows = [steel | {"assessed_risk": risk} for risk in (True, None, False)] + [steel | {"built_year": 2010.0}]
    expected = ["on the list", "age reached, not assessed", "not on the list", "not on the list"]
    assert answers(rows) == expected


def test_a_heat_pipe_of_twenty_years_is_on_the_list_and_one_without_a_year_not_known() -> None:
    """As of 2025: 2005 is 20 years, 2006 is 19, no year is not known."""
    rows = [{"network": "heat", "material": "steel", "built_year": y} for y in (2005.0, 2006.0, np.nan)]
    assert answers(rows) == ["on the list", "not on the list", "not known"]


def test_lengths_add_up_and_an_unknown_age_is_its_own_class() -> None:
    """Pipes of 10, 20 and 30 m: water of 2015 (10 years), water of 1975 (50 years), gas without a year."""
    rows = [
        {"network": "water", "material": "pe", "built_year": 2015.0},
        {"network": "water", "material": "steel", "built_year": 1975.0},
        {"network": "gas", "material": None, "built_year": np.nan},
    ]
    got = pipes.lengths(pipe_table(rows), as_of=date(2025, 12, 31), age_breaks=[10.0, 20.0, 30.0, 50.0])
    said = got.set_index(["network", "material", "age"])["length_m"].to_dict()
    assert said == {("water", "pe", "10–19"): 10, ("water", "steel", "≥50"): 20, ("gas", "unknown", "not known"): 30}
    assert got.groupby("network")["share_of_network"].sum().tolist() == pytest.approx([1, 1])
