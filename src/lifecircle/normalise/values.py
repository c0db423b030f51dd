"""Cells to values: numbers, years, dates, yes and no, ids. What cannot be read is missing and counted, never guessed.

Every function takes a raw column and returns the values on its index with a mask of the cells that held something that
could not be read. The work is done once for each different cell.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from lifecircle import standards
from lifecircle.load.files import as_text

Read = tuple[pd.Series, pd.Series]  # values, unreadable
_EMPTY = (
    "",
    "-",
    "--",
    "—",
    "——",
    "/",
    "\\",
    "nan",
    "null",
    "none",
    "n/a",
    "na",
    "#n/a",
    "<null>",
    "无数据",
    "不详",
    "未知",
    "不明",
    "空",
)
_FIRST_SERIAL, _LAST_SERIAL = 18_264, 73_050  # Excel's day numbers of 1950 and 2100


def numbers(raw: pd.Series[Any], *, units: dict[str, float] | None = None, factor: float = 1.0) -> Read:
    """Numbers as float64, times `factor`; a unit written in the cell (12.5亩) counts instead of `factor`.

    Thousands separators are taken out only where they stand in threes. Words ("约30", "不予規定") and ranges are not read.

    Parameters
    ----------
    units
        Spellings of units that may follow the number, and the factor each stands for.

    >>> values, unreadable = numbers(pd.Series(["1,234", "3.5层", "约30", None, "12%"]), units={"层": 1.0, "%": 0.01})
    >>> values.tolist(), unreadable.tolist()
    ([1234.0, 3.5, nan, nan, 0.12], [False, False, True, False, False])
    """
    if pd.api.types.is_bool_dtype(raw):
        return raw.astype("float64"), pd.Series(False, index=raw.index)
    if pd.api.types.is_numeric_dtype(raw):
        plain = raw.astype("float64") * factor
        return plain.where(np.isfinite(plain)), pd.Series(False, index=raw.index)

    def read(text: pd.Series[Any]) -> pd.Series[Any]:
        parts = text.str.extract(r"^([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:e[-+]?\d+)?)(.*)$")
        number = pd.to_numeric(parts[0].str.replace(",", ""), errors="coerce")
        tail = parts[1].fillna("").str.strip("()[]")
        known = {_plain(unit): worth for unit, worth in (units or {}).items()}
        times = tail.map({**known, "": factor})
        return number * times

    return _each(raw, read, "float64")


def years(raw: pd.Series[Any]) -> Read:
    """Calendar years as float64: 1998, "1998年", 1998-05-01; a bound ("before 1939"), a decade or a range is not a year.

    >>> values, unreadable = years(pd.Series(["1998年", "1998-05", "before 1939", "1990s", "1998-2001"]))
    >>> values.tolist(), unreadable.tolist()
    ([1998.0, 1998.0, nan, nan, nan], [False, False, True, True, True])
    """
    if pd.api.types.is_datetime64_any_dtype(raw):
        return raw.dt.year.astype("float64"), pd.Series(False, index=raw.index)
    if pd.api.types.is_numeric_dtype(raw):
        plain = raw.astype("float64")
        zero = plain.eq(0)  # shapefiles have no missing number: a year 0 is one
        return plain.where(~zero & np.isfinite(plain)), pd.Series(False, index=raw.index)

    def read(text: pd.Series[Any]) -> pd.Series[Any]:
        year = text.str.extract(
            r"^(\d{4})(?:\.0+|年(?:\d{1,2}月(?:\d{1,2}日)?)?(?:建成?)?|[-/.]\d{1,2}(?:[-/.]\d{1,2})?(?:t.*)?)?$"
        )[0]
        compact = text.str.extract(r"^((?:19|20)\d{2})(?:0[1-9]|1[0-2])(?:[0-3]\d)?$")[0]
        return pd.to_numeric(year.fillna(compact), errors="coerce")

    return _each(raw, read, "float64")


def dates(raw: pd.Series[Any]) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Dates as datetime64[s], the cells that could not be read, and those that name a month only (its first day is taken).

    Read are year-month-day with any of ``- / . 年月日`` or none between, day/month/year where only one order is possible,
    and Excel's day numbers. A year alone is no date: it is missing and counted.

    >>> values, unreadable, month_only = dates(pd.Series(["2019年6月3日", "20190603", "43619", "2019", "2019-06"]))
    >>> values.dt.strftime("%Y-%m-%d").tolist()
    ['2019-06-03', '2019-06-03', '2019-06-03', nan, '2019-06-01']
    >>> unreadable.tolist(), month_only.tolist()
    ([False, False, False, True, False], [False, False, False, False, True])
    """
    nothing = pd.Series(False, index=raw.index)
    if pd.api.types.is_datetime64_any_dtype(raw):
        local = raw.dt.tz_localize(None) if raw.dt.tz is not None else raw
        return local.dt.normalize().astype("datetime64[s]"), nothing, nothing.copy()
    # before spaces are folded away: 2019-06-03 9:00 must not become 2019-06-039:00
    raw = as_text(raw).str.replace(r"[Tt\s]+\d{1,2}:\d{2}.*$", "", regex=True)

    def read(text: pd.Series[Any]) -> pd.Series[Any]:
        text = text.str.replace(r"日$", "", regex=True)
        text = text.str.replace(r"[年月/.]", "-", regex=True).str.strip("-")
        whole = text.str.extract(r"^(\d{4})-?(\d{2})-?(\d{2})$")
        loose = text.str.extract(r"^(\d{4})-(\d{1,2})-(\d{1,2})$")
        month = text.str.extract(r"^(\d{4})-(\d{1,2})$").assign(**{"2": "1"}).set_axis([0, 1, 2], axis=1)
        first = text.str.extract(r"^(\d{1,2})-(\d{1,2})-(\d{4})$")
        a, b = first[0].astype("float64"), first[1].astype("float64")
        day_first = first[[2, 1, 0]].set_axis([0, 1, 2], axis=1).where(((a > 12) & (b <= 12)) | (a == b))
        month_first = first[[2, 0, 1]].set_axis([0, 1, 2], axis=1).where((b > 12) & (a <= 12))
        parts = whole
        for more in (loose, month.where(month[0].notna()), day_first, month_first):
            parts = parts.where(parts[0].notna(), more)
        dated = parts[0] + "-" + parts[1].str.zfill(2) + "-" + parts[2].str.zfill(2)
        found = pd.to_datetime(dated, format="%Y-%m-%d", errors="coerce")
        serial = pd.to_numeric(text.where(text.str.fullmatch(r"\d{5}")), errors="coerce")
        serial = serial.where(serial.between(_FIRST_SERIAL, _LAST_SERIAL))
        counted = pd.Timestamp(1899, 12, 30) + pd.to_timedelta(serial, unit="D")
        return found.astype("datetime64[s]").fillna(counted.astype("datetime64[s]"))

    values, unreadable = _each(raw, read, "datetime64[s]")
    cell = raw.astype("str").str.strip()
    partial = values.notna() & cell.str.fullmatch(r"\d{4}\s*[-/.年]\s*\d{1,2}\s*月?").fillna(False).astype("bool")
    return values, unreadable, partial


def booleans(raw: pd.Series[Any]) -> Read:
    """Yes and no as nullable booleans, through the shipped word list.

    >>> booleans(pd.Series(["是", "no", "1", "maybe"]))[0].tolist()
    [True, False, True, <NA>]
    """
    if pd.api.types.is_bool_dtype(raw):
        return raw.astype("boolean"), pd.Series(False, index=raw.index)
    listed = standards.words("boolean")

    def read(text: pd.Series[Any]) -> pd.Series[Any]:
        return standards.normal(text).map(listed).map({"yes": True, "no": False}).astype("boolean")

    return _each(as_text(raw), read, "boolean")


def texts(raw: pd.Series[Any]) -> pd.Series[Any]:
    """Text as it stands, trimmed; numbers without a trailing .0, empty cells missing.

    >>> texts(pd.Series([" 甲 ", "", None])).tolist()
    ['甲', nan, nan]
    """
    text = as_text(raw)
    return text.where(~text.str.lower().isin(("<null>", "nan", "none", "null"))).astype("str")


def ids(raw: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers of objects as text that compares: full width to half, trimmed, "12.0" as "12".

    >>> ids(pd.Series(["１２", " A-7 ", "12.0", 12.0, None])).tolist()
    ['12', 'A-7', '12', '12', nan]
    """
    text = texts(raw).str.normalize("NFKC").str.strip()
    text = text.str.replace(r"^(\d+)\.0+$", r"\1", regex=True)
    return text.where(text.ne("")).astype("str")


def codes(raw: pd.Series[Any], listed: dict[str, str]) -> tuple[pd.Series, pd.Series]:
    """Codes of words through `listed` (normalised word to code), and the words that are not in it (missing elsewhere)."""
    text = texts(raw)
    found = standards.normal(text).map(listed).astype("str")
    return found, text.where(found.isna() & text.notna()).astype("str")


@cache
def _plain(unit: str) -> str:
    return standards.normal(pd.Series([unit], dtype="str")).iloc[0]


def _each(raw: pd.Series[Any], read: Callable[[pd.Series[Any]], pd.Series[Any]], dtype: Any) -> Read:
    """`read` applied to each different cell once, after folding full width, case and spaces."""
    codes_, different = pd.factorize(raw.astype("str"), use_na_sentinel=True)
    folded = standards.normal(pd.Series(np.asarray(different, dtype=object), dtype="str"))
    empty = folded.isin(_EMPTY)
    values = read(folded).astype(dtype).where(~empty) if len(folded) else pd.Series([], dtype=dtype)
    unread = (values.isna() & ~empty).to_numpy(dtype=bool)
    there = codes_ >= 0
    out = values.reindex(np.where(there, codes_, len(folded))).set_axis(raw.index).astype(dtype)
    bad = np.zeros(len(raw), dtype=bool)
    bad[there] = unread[codes_[there]]
    return out, pd.Series(bad, index=raw.index)
