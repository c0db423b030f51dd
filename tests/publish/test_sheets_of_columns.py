"""Pages that take whole columns: the file is the one xlsxwriter writes cell by cell."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecircle.publish import sheets

WORDS = ["公园", 'a<b & "c"', " space ", "_x0041_", "x\ny", ""]
MOMENT = datetime(2000, 1, 1)  # noqa: DTZ001 - workbooks know no zones


def book(path: Path, columns: list[dict[int, Any]], *, top: int, whole: bool) -> bytes:
    """A workbook of a heading row, `columns` and two lines below, each row → value, written by columns or cell by cell."""
    made = xlsxwriter.Workbook(str(path))
    made.set_properties({"created": MOMENT})
    looks = [made.add_format({"num_format": f"0.{'0' * n}"}) for n in range(1, 4)]
    page = made.add_worksheet("p", sheets.Page if whole else None)
    page.set_row(top - 1, 32)
    page.set_column(0, 0, 20)
    for place, column in enumerate(columns):
        page.write_string(top - 1, place, f"head {place % 3}", looks[0])
        rows = np.array(sorted(column), dtype=np.int64)
        values, look = [column[row] for row in rows.tolist()], looks[place % 3]
        if not whole:
            for row, value in zip((top + rows).tolist(), values, strict=True):
                write = {str: page.write_string, datetime: page.write_datetime}.get(type(value), page.write_number)
                write(row, place, value, look)
        elif values and not isinstance(values[0], float):
            different = list(dict.fromkeys(values))
            codes = np.array([different.index(value) for value in values])
            take = page.texts if isinstance(values[0], str) else page.dates
            take(top + rows, place, codes, different, look)
        else:
            page.numbers(top + rows, place, np.array(values), look)
    below = top + max((max(column) for column in columns if column), default=0) + 2
    page.write_string(below, 0, "foot", looks[0])
    page.write_string(below + 1, 0, "last line", looks[0])
    made.close()
    return path.read_bytes()


def column(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[int, Any]]:
    return st.dictionaries(st.integers(0, 60), values, max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    columns=st.lists(
        st.one_of(
            column(st.sampled_from(WORDS)),
            column(st.floats(allow_nan=False, allow_infinity=False)),
            column(st.datetimes(datetime(1900, 1, 1), datetime(9999, 1, 1))),  # noqa: DTZ001
        ),
        max_size=5,
    ),
    top=st.integers(1, 20),
)
def test_the_same_bytes_as_cell_by_cell(
    tmp_path_factory: pytest.TempPathFactory, columns: list[dict[int, Any]], top: int
) -> None:
    """Rows left out, columns left empty, texts with signs and dates: both ways give the same file."""
    folder = tmp_path_factory.mktemp("books")
    whole, single = (book(folder / f"{w}.xlsx", columns, top=top, whole=w) for w in (True, False))
    assert whole == single


def test_many_rows(tmp_path: Path) -> None:
    """Sheets longer than what is put together at a time are whole too."""
    rows = range(0, 9000, 3)
    columns: list[dict[int, Any]] = [{row: row / 7 for row in rows}, {row + 1: WORDS[row % 5] for row in rows}]
    whole, single = (book(tmp_path / f"{w}.xlsx", columns, top=3, whole=w) for w in (True, False))
    assert whole == single
