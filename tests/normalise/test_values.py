"""Cells to values: what is read, and that what cannot be is missing and counted."""

import numpy as np
import pandas as pd
import pytest

from lifecircle.load import units
from lifecircle.normalise import values


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1,234", 1234.0),
        ("12,345,678.5", 12_345_678.5),
        ("１２．５", 12.5),  # full width
        ("-3", -3.0),
        ("1e3", 1000.0),
        (" 7 ", 7.0),
        ("2.5公顷", 25_000.0),
        ("3亩", 2000.0),
        ("80㎡", 80.0),
        ("约30", None),
        ("不予規定", None),
        ("3-5", None),
        ("1,5", None),  # a decimal comma, or thousands gone wrong: not guessed
        ("30kg", None),
    ],
)
def test_areas_as_text(cell, expected):
    """Separators in threes, full width and units of the quantity are read; words, ranges and other units are not."""
    read, unreadable = values.numbers(pd.Series([cell]), units=units.known("m2"))
    assert unreadable.tolist() == [expected is None]
    np.testing.assert_allclose(read, [np.nan if expected is None else expected], rtol=1e-12)


def test_a_unit_in_the_cell_counts_before_that_of_the_heading():
    """In a column of 亩, a bare 3 is 2,000 m² and "3公顷" is 30,000 m²."""
    read, _ = values.numbers(pd.Series(["3", "3公顷"]), units=units.known("m2"), factor=units.factor("亩", "m2"))
    np.testing.assert_allclose(read, [2000.0, 30_000.0], rtol=1e-12)


def test_empty_words_are_missing_and_not_unreadable():
    """A dash, 不详 and null say that nothing is known; they are no fault."""
    read, unreadable = values.numbers(pd.Series(["-", "不详", "<Null>", "", None, "abc"]))
    assert read.isna().all()
    assert unreadable.tolist() == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1998", 1998), ("1998年", 1998), ("1998.0", 1998), ("1998-05", 1998), ("1998/5/1", 1998), ("199805", 1998),
        ("1998年5月", 1998), ("before 1939", None), ("1990s", None), ("1998-2001", None), ("九十年代", None), ("98", None),
    ],
)  # fmt: skip
def test_years(cell, expected):
    """A year is read out of a date; a bound, a decade and a range are no year."""
    read, unreadable = values.years(pd.Series([cell]))
    assert unreadable.tolist() == [expected is None]
    np.testing.assert_array_equal(read, [np.nan if expected is None else expected])


def test_a_year_zero_is_no_year():
    """Shapefiles write 0 for a missing number."""
    assert values.years(pd.Series([0, 1998]))[0].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2019-06-03", "2019-06-03"), ("2019/6/3", "2019-06-03"), ("2019.06.03", "2019-06-03"), ("20190603", "2019-06-03"),
        ("2019年6月3日", "2019-06-03"), ("2019-06-03 9:00:00", "2019-06-03"), ("2019-06-03T00:00:00", "2019-06-03"),
        ("43619", "2019-06-03"),  # Excel: 43,619 days after 1899-12-30
        ("31/12/2019", "2019-12-31"), ("12/31/2019", "2019-12-31"), ("2019-06", "2019-06-01"),
        ("03/06/2019", None),  # March or June
        ("2019", None), ("2019-02-30", None), ("去年", None),
    ],
)  # fmt: skip
def test_dates(cell, expected):
    """Every usual way to write a day; one that could be two days, a bare year and a day that is none are missing."""
    read, unreadable, _ = values.dates(pd.Series([cell]))
    assert unreadable.tolist() == [expected is None]
    assert read.dt.strftime("%Y-%m-%d").tolist() == [expected] if expected else read.isna().all()


def test_dates_of_a_typed_column():
    """A date column of a GeoPackage passes, without its clock and zone."""
    raw = pd.Series(pd.to_datetime(["2019-06-03T09:00:00Z", None]))
    assert values.dates(raw)[0].tolist() == [pd.Timestamp(2019, 6, 3), pd.NaT]


def test_yes_and_no():
    """Chinese and English words, numbers and typed columns; a word that is neither is not known."""
    read, unreadable = values.booleans(pd.Series(["是", "否", "有", "无", "Yes", "0", "也许", None]))
    assert read.tolist() == [True, False, True, False, True, False, pd.NA, pd.NA]
    assert unreadable.tolist() == [False] * 6 + [True, False]
    assert values.booleans(pd.Series([True, False]))[0].tolist() == [True, False]
    assert values.booleans(pd.Series([1.0, 0.0, np.nan]))[0].tolist() == [True, False, pd.NA]


def test_ids_compare_however_they_were_stored():
    """The number 12 as text, as float and in full width is one number; leading zeros and letters are kept."""
    assert values.ids(pd.Series(["12.0", " 12", "１２", "012", "A-12"])).tolist() == ["12", "12", "12", "012", "A-12"]
    assert values.ids(pd.Series([12.0, np.nan])).tolist()[0] == "12"
    assert values.ids(pd.Series([140724001001, 2**60], dtype="int64")).tolist() == ["140724001001", str(2**60)]


def test_units():
    """Legal and SI definitions: 15 亩 are a hectare, a foot is 0.3048 m, millimetres and 万元 as they say."""
    assert units.factor("亩", "m2") * 15 == pytest.approx(10_000, rel=1e-12)
    assert units.factor("feet", "m") == 0.3048
    assert units.factor("m", "mm") == 1000.0
    assert units.factor("万元", "yuan") == 10_000.0
    assert units.factor("%", "share") == 0.01
    assert units.factor("km²", "m2") == 1e6
    assert units.factor("m", "m2") is None
