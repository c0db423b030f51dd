"""Demolition against its limits and works that overlap, by hand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString, MultiPolygon, box

from lifecircle import standards
from lifecircle.analyse import renewal


def limits() -> pd.DataFrame:
    rows = standards.read("reuse").query("section == 'E.3' and kind == ''")
    return rows.assign(binding=standards.binding(rows["mark"]))


def demolished(rows: list[tuple[str, float, float]], existing: dict[str, float]) -> pd.DataFrame:
    works = pd.DataFrame(rows, columns=["block", "demolished_floor_area_m2", "new_floor_area_m2"])
    return renewal.demolition(works, pd.Series(existing), limits())


def test_a_fifth_may_go_and_twice_may_come() -> None:
    """Of 10,000 m²: A tears down 2,000 (20 %) and builds 4,000 (2.0), both at the limit and kept; B one square metre more of each."""
    said = demolished([("A", 2000, 4000), ("B", 2001, 4003)], {"A": 10_000, "B": 10_000})
    assert said["demolition_share"].tolist() == [0.2, 0.2001]
    assert said["rebuild_ratio"].tolist() == pytest.approx([2.0, 4003 / 2001])
    assert said["demolition_share_kept"].tolist() == ["yes", "no"]
    assert said["rebuild_ratio_kept"].tolist() == ["yes", "no"]
    assert said["demolition_share_threshold"].tolist() == ["demolition_share <= 0.2"] * 2
    assert set(said["demolition_share_source"]) == {"jk2021_63"}


def test_works_of_a_block_are_summed_and_a_block_without_works_keeps_the_limits() -> None:
    """A: 600 + 900 of 10,000 m² is 15 %. B has no work: nothing demolished, so there is no ratio to keep."""
    said = demolished([("A", 600, 0), ("A", 900, 3000)], {"A": 10_000, "B": 5_000})
    assert said["works"].tolist() == [2, 0]
    assert said["demolition_share"].tolist() == [0.15, 0.0]
    assert said["rebuild_ratio"].tolist() == pytest.approx([2.0, np.nan], nan_ok=True)
    assert said["rebuild_ratio_kept"].tolist() == ["yes", "not applicable"]


def test_what_is_not_known_is_not_kept_unless_what_is_known_breaks_it_already() -> None:
    """A: 1,000 known and one not: not known. B: 3,000 known and one not: over 20 % whatever the other is. C: existing not known.

    Nothing is built anew: of whatever goes that is a ratio of nought, within 2.
    """
    rows = [("A", 1000, 0), ("A", np.nan, 0), ("B", 3000, 0), ("B", np.nan, 0), ("C", 10, 0)]
    said = demolished(rows, {"A": 10_000, "B": 10_000, "C": np.nan})
    assert said["demolition_share"].isna().all()
    assert said["demolition_share_kept"].tolist() == ["not known", "no", "not known"]
    assert said["rebuild_ratio_kept"].tolist() == ["yes"] * 3


def test_bounds_decide_where_the_rest_cannot_change_the_answer() -> None:
    """Limits 20 % and 2. A: nothing goes, what stands is not known: kept. B: 100 go, 201 come and more: broken whatever more is.

    C: 100 go and more, 200 come: at most 2. D: 100 go and more, 201 come: may be either. E: nothing stands and 10 go: no share.
    """
    nan = np.nan
    rows = [("A", 0, nan), ("B", 100, 201), ("B", 0, nan), ("C", 100, 200), ("C", nan, 0), ("D", 100, 201), ("D", nan, 0), ("E", 10, 0)]  # fmt: skip
    said = demolished(rows, {"A": nan, "B": 1_000, "C": 1_000, "D": 1_000, "E": 0})
    assert said["demolition_share_kept"].tolist() == ["yes", "yes", "not known", "not known", "not known"]
    assert said["rebuild_ratio_kept"].tolist() == ["not applicable", "no", "yes", "not known", "yes"]


def test_an_unconfirmed_limit_only_indicates() -> None:
    """The same limits recalled with medium confidence say 'indicative'."""
    works = pd.DataFrame({"block": ["A"], "demolished_floor_area_m2": [1.0], "new_floor_area_m2": [1.0]})
    said = renewal.demolition(works, pd.Series({"A": 10.0}), limits().assign(binding=False))
    assert said["demolition_share_kept"].tolist() == ["indicative yes"]


@pytest.mark.parametrize(
    ("row", "why"), [(("X", 1.0, 1.0), "no block"), (("A", -1.0, 1.0), "demolished"), (("A", 1.0, -1.0), "new_floor")]
)
def test_a_work_of_no_block_or_below_zero_is_refused(row: tuple[str, float, float], why: str) -> None:
    """A block that is not there and areas below zero are named, not passed over."""
    with pytest.raises(ValueError, match=why):
        demolished([row], {"A": 10.0})


def projects(rows: list[tuple[object, object, object]]) -> gpd.GeoDataFrame:
    table = pd.DataFrame([row[:2] for row in rows], columns=["kind", "year"]).astype({"kind": "str", "year": "float64"})
    table.index = pd.Index(list("abcdefgh")[: len(rows)])
    return gpd.GeoDataFrame(table, geometry=[row[2] for row in rows], crs=4547)


def test_the_same_work_twice_is_found_and_others_are_not() -> None:
    """a and b share 5 × 10 of 10 × 10 m; c is of another kind, d of another year, e only touches b."""
    rows = [
        ("sewer", 2025, box(0, 0, 10, 10)),
        ("sewer", 2025, box(5, 0, 15, 10)),
        ("park", 2025, box(0, 0, 10, 10)),
        ("sewer", 2026, box(0, 0, 10, 10)),
        ("sewer", 2025, box(15, 0, 25, 10)),
    ]
    pairs = renewal.duplicates(projects(rows))
    assert pairs[["project", "other", "overlap_m2", "share_of_smaller", "duplicate"]].values.tolist() == [
        ["a", "b", 50.0, 0.5, "yes"]
    ]
    near = renewal.duplicates(projects(rows), years_apart=1)
    assert near[["project", "other"]].values.tolist() == [["a", "b"], ["a", "d"], ["b", "d"]]
    assert renewal.duplicates(projects(rows), least_m2=50.0).empty


def test_a_missing_kind_or_year_is_not_known_and_never_a_match() -> None:
    """b has no kind, c no year: each might be a's double. d of another kind is not, whatever its year."""
    same = box(0, 0, 10, 10)
    rows = [("sewer", 2025, same), (None, 2025, same), ("sewer", None, same), ("park", None, same)]
    pairs = renewal.duplicates(projects(rows))
    assert set(pairs["duplicate"]) == {"not known"}
    assert pairs[["project", "other"]].values.tolist() == [["a", "b"], ["a", "c"], ["b", "c"], ["b", "d"]]


def test_parts_are_summed_and_lines_have_no_area() -> None:
    """Two parts of 1 m² each within another project make 2 m²; a line shares no ground."""
    parts = MultiPolygon([box(0, 0, 1, 1), box(5, 5, 6, 6)])
    rows = [("sewer", 2025, parts), ("sewer", 2025, box(0, 0, 10, 10)), ("sewer", 2025, LineString([(0, 0), (9, 9)]))]
    pairs = renewal.duplicates(projects(rows))
    assert pairs[["project", "other", "overlap_m2", "share_of_smaller"]].values.tolist() == [["a", "b", 2.0, 1.0]]
