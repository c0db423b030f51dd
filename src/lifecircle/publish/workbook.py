"""Tables into one Excel workbook that a bureau can file: a contents sheet, units in the headings, no formulas."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lifecircle.errors import OutputError
from lifecircle.publish import labels, output

_LIMIT_ROWS, _LIMIT_COLUMNS, _LIMIT_TEXT = 1_048_576, 16_384, 32_767
_DANGEROUS = r"[=+\-@\t\r\n＝＋－＠]"
# what XML 1.0 has no place for; lone surrogates as well
_ILLEGAL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"
# characters as wide as two others
_DOUBLE = r"[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\uff60\uffe0-\uffe6]"
_RESERVED = {"history"}
# a sum of people shared out by area has decimals that nobody reads
_PEOPLE = ("residents", "dwellings", "elderly", "children")
_SHORT = 40
_WIDEST, _NARROWEST = 48.0, 7.0
_PAGE = 190.0  # characters across a printed page that can still be read


@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """One sheet of a workbook: the frame (its named index becomes the first column) and what is said about it.

    `labels` gives headings by column name and words by code, before those lifecircle knows; `codes` names the columns
    whose values are codes to be printed as words, by default those lifecircle knows and the answers of criteria. `foot` stands
    below the rows, a line each: sources and how to read them. `question` is what the sheet answers, as the contents sheet says
    it; without one the contents sheet gives the title or the note.
    """

    frame: pd.DataFrame
    title: str = ""
    note: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    codes: Sequence[str] | None = None
    foot: Sequence[str] = ()
    question: str = ""


def write(
    sheets: Mapping[str, Sheet],
    path: Path | str,
    *,
    title: str,
    notes: Sequence[str] = (),
    language: str = "zh",
) -> None:
    """Write `sheets`, by name and in order, after a contents sheet that bears `title` and `notes`.

    Missing numbers, dates and texts are blank, missing yes-or-no values say *not known* (未知). Columns named ``share…``,
    ``…_share`` and ``completeness…`` are percentages. A geometry column is left out. No cell is a formula: a text that a
    spreadsheet might read as one gets an apostrophe in front. Sheet names are made fit for Excel and unique.

    Raises
    ------
    OutputError
        More rows or columns than a sheet holds, or a file that cannot be written.
    """
    import xlsxwriter
    from xlsxwriter.exceptions import XlsxWriterException

    from lifecircle.publish import sheets as pages

    path = Path(path)
    contents = "目录" if language == "zh" else "Contents"
    names = _sheet_names([contents, *sheets])
    book = xlsxwriter.Workbook(
        str(path),
        {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
            "default_date_format": "yyyy-mm-dd",
        },
    )
    formats = {name: book.add_format({**_FONT, **look}) for name, look in _LOOKS.items()}
    book.set_properties({"title": title, "author": "lifecircle", "created": output.stamp().replace(tzinfo=None)})
    try:
        front = book.add_worksheet(names[0])
        for (given, sheet), name in zip(sheets.items(), names[1:], strict=True):
            _refuse_too_big(sheet, f"{path.name}, sheet {given}")
            _write_sheet(book.add_worksheet(name, pages.Page), sheet, formats, language=language)
        _write_contents(front, sheets, names, formats, title=title, notes=notes, language=language)
        book.close()
    except OutputError:
        raise
    except (OSError, XlsxWriterException) as error:
        raise OutputError(f"{path.name} cannot be written (is it open in Excel?): {error}.") from error


_FONT = {"font_name": "Microsoft YaHei", "font_size": 10, "valign": "vcenter"}
_LOOKS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 15, "font_color": "#1f3b57"},
    "note": {"font_color": "#5b6670", "text_wrap": True, "valign": "top"},
    "head": {
        "bold": True,
        "font_color": "#ffffff",
        "bg_color": "#2f5d7c",
        "text_wrap": True,
        "align": "center",
        "border": 1,
        "border_color": "#ffffff",
    },
    "text": {"indent": 1},
    "line": {},
    "link": {"font_color": "#1f5fa8", "underline": 1},
    "whole": {"num_format": "#,##0"},
    "plain": {"num_format": "0"},
    "decimal": {"num_format": "#,##0.0#"},
    "ratio": {"num_format": "0.00"},
    "minutes": {"num_format": "0.0"},
    "small": {"num_format": "0.000"},
    "share": {"num_format": "0.0%"},
    "date": {"num_format": "yyyy-mm-dd", "align": "left"},
}


def _sheet_names(wanted: Sequence[str]) -> list[str]:
    """Names Excel accepts: 1–31 characters, none of []:*?/\\, no apostrophe at the ends, unique without regard to case.

    >>> _sheet_names(["A/B", "a_b", "History", ""])
    ['A_B', 'a_b_2', 'History_', 'Sheet']
    """
    taken: set[str] = set()
    names = []
    for given in wanted:
        name = re.sub(r"[\[\]:*?/\\\x00-\x1f]", "_", given).strip().strip("'")[:31].rstrip().rstrip("'") or "Sheet"
        name = f"{name}_" if name.casefold() in _RESERVED else name
        unique, count = name, 1
        while unique.casefold() in taken:
            count += 1
            unique = f"{name[: 31 - len(str(count)) - 1]}_{count}"
        taken.add(unique.casefold())
        names.append(unique)
    return names


def _refuse_too_big(sheet: Sheet, where: str) -> None:
    rows, columns = len(sheet.frame) + 4 + len(sheet.foot), sheet.frame.shape[1] + sheet.frame.index.nlevels
    if rows > _LIMIT_ROWS or columns > _LIMIT_COLUMNS:
        raise OutputError(f"{where}: {rows:,} rows × {columns:,} columns do not fit into an Excel sheet.")


def safe(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """Texts that no spreadsheet reads as a formula: those beginning like one get an apostrophe in front.

    Characters a workbook has no place for become U+FFFD, and texts are cut at Excel's 32,767 characters.

    >>> safe(pd.Series(["=1+1", "@x", " +2", "公园"])).tolist()
    ["'=1+1", "'@x", "' +2", '公园']
    """
    words = texts.astype("str").str.replace(_ILLEGAL, "\ufffd", regex=True)
    risky = words.str.match(rf"\s*{_DANGEROUS}").fillna(False).astype(bool)
    return words.where(~risky, "'" + words).str.slice(0, _LIMIT_TEXT)


def _flat(sheet: Sheet) -> pd.DataFrame:
    frame = sheet.frame
    geometry = [column for column, dtype in frame.dtypes.items() if str(dtype) == "geometry"]
    bare = pd.DataFrame(frame.drop(columns=geometry))
    named = [level for level in bare.index.names if level is not None]
    return bare.reset_index(level=named) if named else bare


def _write_sheet(page: Any, sheet: Sheet, formats: Mapping[str, Any], *, language: str) -> None:
    frame = _flat(sheet)
    top = 0
    if sheet.title or sheet.note:
        page.write_string(0, 0, _one(sheet.title or sheet.note), formats["title" if sheet.title else "note"])
        top = 1
        if sheet.title and sheet.note:
            page.write_string(1, 0, _one(sheet.note), _unwrapped(formats))
            top = 2
    headings = [labels.titled(str(column), language, sheet.labels) for column in frame.columns]
    page.set_row(top, 32)
    across = 0.0
    for place, (column, head) in enumerate(zip(frame.columns, headings, strict=True)):
        page.write_string(top, place, _one(head), formats["head"])
        width = _write_column(page, frame.iloc[:, place], str(column), sheet, formats, (top + 1, place), language)
        # a heading may take two lines, so half of it must fit beside the filter's button
        width = min(_WIDEST, max(_NARROWEST, width + 3, _wide(head) / 2 + 4))
        page.set_column(place, place, width)
        across += width
    for line, text in enumerate(sheet.foot, start=top + len(frame) + 2):
        page.write_string(line, 0, _one(text), _unwrapped(formats))
    page.freeze_panes(top + 1, 1)
    if len(frame.columns):
        page.autofilter(top, 0, top + max(len(frame), 1), len(frame.columns) - 1)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(max(1, round(across / _PAGE)), 0)
    page.repeat_rows(top)
    page.repeat_columns(0)


def _unwrapped(formats: Mapping[str, Any]) -> Any:
    return formats["line"]


def _one(text: str) -> str:
    """As `safe`, for one text; a frame of one row is a hundred times as dear."""
    word = re.sub(_ILLEGAL, "\ufffd", text)
    return (f"'{word}" if re.match(rf"\s*{_DANGEROUS}", word) else word)[:_LIMIT_TEXT]


def _write_column(
    page: Any,
    values: "pd.Series[Any]",
    column: str,
    sheet: Sheet,
    formats: Mapping[str, Any],
    at: tuple[int, int],
    language: str,
) -> float:
    """Write one column below its heading and return how wide its widest usual value is, in characters."""
    top, place = at
    dtype = values.dtype
    rows = np.flatnonzero(values.notna().to_numpy())
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        rows = np.flatnonzero(np.isfinite(numbers))
        look = _number_look(column, numbers[rows])
        page.numbers(top + rows, place, numbers[rows], formats[look])
        return _number_width(numbers[rows], look)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        times = values.iloc[rows]
        times = times.dt.tz_localize(None) if times.dt.tz is not None else times
        old = (times.dt.year < 1900).to_numpy()  # before Excel's calendar
        codes, days = pd.factorize(times[old].dt.strftime("%Y-%m-%d"))
        page.texts(top + rows[old], place, codes, list(days), formats["text"])
        codes, moments = pd.factorize(times[~old])
        page.dates(top + rows[~old], place, codes, moments.to_pydatetime().tolist(), formats["date"])
        return 10.0
    if pd.api.types.is_bool_dtype(dtype):
        rows, told = np.arange(len(values)), _yes_no(values, sheet, language)
    else:
        told = values.iloc[rows].astype("str")
    codes, different = pd.factorize(told)
    texts = pd.Series(different, dtype="str")
    if not pd.api.types.is_bool_dtype(dtype):
        texts = safe(_worded(texts, column, sheet, language))
    page.texts(top + rows, place, codes, texts.tolist(), formats["text"])
    return _texts_width(texts, codes)


def _yes_no(values: "pd.Series[Any]", sheet: Sheet, language: str) -> "pd.Series[Any]":
    words = {code: labels.word(code, language, sheet.labels) for code in ("true", "false", "not known")}
    known = values.astype("boolean")
    out = np.where(known.fillna(False).to_numpy(dtype=bool), words["true"], words["false"]).astype(object)
    out[known.isna().to_numpy(dtype=bool)] = words["not known"]
    return pd.Series(out, dtype="str")


def _worded(texts: "pd.Series[Any]", column: str, sheet: Sheet, language: str) -> "pd.Series[Any]":
    if column.endswith(("_threshold", "_value")) and sheet.codes is None:
        return texts.map({text: labels.said(text, language, sheet.labels) for text in texts.unique()})
    coded = column in sheet.codes if sheet.codes is not None else column in labels.CODED
    if not coded and not (sheet.codes is None and f"{column}_threshold" in sheet.frame):
        return texts
    return texts.map({code: labels.word(code, language, sheet.labels) for code in texts.unique()})


def _number_look(column: str, numbers: "np.ndarray[Any, Any]") -> str:
    if labels.is_share(column):
        return "share"
    if column.startswith("walk_min"):
        return "minutes"
    if column.endswith(("_year", "year", "_id")) or column in ("row", "rank", "tier"):
        return "plain"
    if column.startswith(_PEOPLE) or bool(np.all(numbers == np.round(numbers))):
        return "whole"
    if column in ("gini", "mean_access"):
        return "small"
    return "ratio" if column in ("far", "grade") else "decimal"


def _number_width(numbers: "np.ndarray[Any, Any]", look: str) -> float:
    if not len(numbers):
        return 0.0
    digits = float(np.floor(np.log10(max(1.0, float(np.abs(numbers).max())))) + 1)
    extra = {"share": 4.0, "plain": 0.0, "whole": digits // 3, "ratio": 3.0, "minutes": 2.0, "small": 4.0}.get(
        look, digits // 3 + 3
    )
    return digits + extra + float((numbers < 0).any())


def _texts_width(texts: "pd.Series[Any]", codes: "np.ndarray[Any, Any]") -> float:
    """Width in characters that nineteen of twenty of ``texts[codes]`` fit into, in a short table all; a Chinese character is two wide."""
    if not len(codes):
        return 0.0
    wide = (texts.str.len() + texts.str.count(_DOUBLE)).astype("float64").iloc[codes]
    return float(np.ceil(wide.quantile(0.95 if len(codes) > _SHORT else 1.0, interpolation="higher")))


def _wide(text: str) -> float:
    return float(len(text) + len(re.findall(_DOUBLE, text)))


def _write_contents(
    page: Any,
    sheets: Mapping[str, Sheet],
    names: Sequence[str],
    formats: Mapping[str, Any],
    *,
    title: str,
    notes: Sequence[str],
    language: str,
) -> None:
    zh = language == "zh"
    page.hide_gridlines(2)
    page.set_column(0, 0, 34)
    page.set_column(1, 1, 60)
    page.set_column(2, 2, 10)
    page.set_row(0, 28)
    page.write_string(0, 0, _one(title), formats["title"])
    row = 2
    for place, head in enumerate(
        ("工作表", "回答的问题", "行数") if zh else ("Sheet", "The question it answers", "Rows")
    ):
        page.write_string(row, place, head, formats["head"])
    for sheet, name in zip(sheets.values(), names[1:], strict=True):
        row += 1
        page.write_url(row, 0, f"internal:'{name.replace(chr(39), chr(39) * 2)}'!A1", formats["link"], _one(name))
        page.write_string(row, 1, _one(sheet.question or sheet.title or sheet.note), formats["text"])
        page.write_number(row, 2, len(sheet.frame), formats["whole"])
    row += 2
    if notes:
        page.write_string(row, 0, "说明" if zh else "Notes", formats["head"])
    for note in notes:
        row += 1
        page.merge_range(row, 0, row, 2, "", formats["note"])
        page.write_string(row, 0, _one(note), formats["note"])
        page.set_row(row, 15 * (1 + _wide(note) // 100))
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
