"""Workbooks: no formula whatever the data say, blanks for what is missing, the same bytes each time."""

import re
import shutil
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

from lifecircle.errors import OutputError
from lifecircle.publish import workbook
from lifecircle.publish.workbook import Sheet

DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "＝1+1",
    "http://example.org",
    "{=1}",
    "公园",
]


@pytest.fixture
def frame() -> pd.DataFrame:
    """One column of each kind, the second row missing throughout."""
    return pd.DataFrame(
        {
            "name": pd.array(["甲地块", None, "乙地块"], dtype="str"),
            "completeness_15": [0.5, np.nan, 1.0],
            "invested_share": [0.256, np.nan, 0.0],
            "site_area_m2": [1234.5, np.nan, 2.0],
            "residents": [1234.0, np.nan, 7.0],
            "built_year": [1998.0, np.nan, 2001.0],
            "vacant": pd.array([True, None, False], dtype="boolean"),
            "supply_date": pd.to_datetime(["2020-02-29", None, "1888-01-01"]),
        },
        index=pd.Index(["P1", "P2", "P3"], name="parcel_id"),
    )


def written(path: Path, sheets: dict[str, Sheet], **more: Any) -> openpyxl.Workbook:
    workbook.write(sheets, path, title="青川县城", **more)
    return openpyxl.load_workbook(path)


def table(page: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in page.iter_rows()]


def test_two_runs_write_the_same_bytes(tmp_path: Path, frame: pd.DataFrame) -> None:
    """A workbook written again two seconds later (the clock of a zip file) has the same bytes."""
    bytes_ = []
    for _ in range(2):
        workbook.write({"a": Sheet(frame=frame)}, tmp_path / "a.xlsx", title="t", notes=["n"])
        bytes_.append((tmp_path / "a.xlsx").read_bytes())
        time.sleep(2.1)
    assert bytes_[0] == bytes_[1]


def test_values_blanks_and_unknowns(tmp_path: Path, frame: pd.DataFrame) -> None:
    """Numbers, dates and texts that are missing are blank, a missing yes or no is 未知, 1888 is a text."""
    page = written(tmp_path / "a.xlsx", {"地块": Sheet(frame=frame)})["地块"]
    assert table(page) == [
        [
            "地块编号",
            "名称",
            "15 分钟生活圈完整度（%）",
            "投资完成率（%）",
            "用地面积（平方米）",
            "常住人口",
            "建成年份",
            "空置",
            "供地日期",
        ],
        ["P1", "甲地块", 0.5, 0.256, 1234.5, 1234, 1998, "是", pd.Timestamp("2020-02-29").to_pydatetime()],
        ["P2", None, None, None, None, None, None, "未知", None],
        ["P3", "乙地块", 1, 0, 2, 7, 2001, "否", "1888-01-01"],
    ]
    formats = [cell.number_format for cell in page[2]]
    assert formats == ["General", "General", "0.0%", "0.0%", "#,##0.0#", "#,##0", "0", "General", "yyyy-mm-dd"]
    assert page.freeze_panes == "B2"
    assert page.auto_filter.ref == "A1:I4"


def test_english_words(tmp_path: Path, frame: pd.DataFrame) -> None:
    """An English workbook has English headings and says not known."""
    page = written(tmp_path / "a.xlsx", {"parcels": Sheet(frame=frame)}, language="en")["parcels"]
    assert table(page)[0][3:5] == ["Invested (%)", "Site area (m²)"]
    assert [row[7] for row in table(page)[1:]] == ["Yes", "Not known", "No"]


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    """Texts that begin like a formula get an apostrophe in front, wherever they stand, and no formula or link is written."""
    frame = pd.DataFrame({"name": DANGEROUS, "=head": DANGEROUS})
    sheet = Sheet(frame=frame, title="=title", note="@note")
    book = written(tmp_path / "a.xlsx", {"=sheet": sheet}, notes=["+note"])
    values = [cell.value for page in book for row in page.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert len(values) > 2 * len(DANGEROUS)
    assert not [value for value in values if re.match(r"\s*[=+\-@＝＋－＠]", value)]
    assert {"'=1+1", "'+1", "'-1", "'@SUM(A1)", "'  =1", "'＝1+1", "公园", "http://example.org"} <= set(values)
    with zipfile.ZipFile(tmp_path / "a.xlsx") as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/")]
    assert not [text for text in sheets if "<f>" in text or "<f " in text or "r:id" in text.split("<hyperlinks>")[-1]]


def test_control_characters_do_not_break_the_file(tmp_path: Path) -> None:
    """Characters XML has no place for are replaced and a very long text is cut, so the file opens."""
    frame = pd.DataFrame({"name": ["a\x00b\x0bc", "长" * 40_000]})
    page = written(tmp_path / "a.xlsx", {"s": Sheet(frame=frame)})["s"]
    assert page["A2"].value == "a\ufffdb\ufffdc"
    assert page["A3"].value == "长" * 32_767


def test_sheet_names_fit_excel(tmp_path: Path) -> None:
    """Names are cut to 31 characters, cleaned, and told apart without regard to case."""
    wanted = ["a" * 40, "A" * 31, "b/c:d", "History", "'q'", "目录"]
    book = written(tmp_path / "a.xlsx", {name: Sheet(frame=pd.DataFrame({"x": [1]})) for name in wanted})
    names = book.sheetnames
    assert names == ["目录", "a" * 31, "A" * 29 + "_2", "b_c_d", "History_", "q", "目录_2"]


def test_contents_sheet_lists_and_links_every_sheet(tmp_path: Path, frame: pd.DataFrame) -> None:
    """The first sheet names all others with their rows, and clicking a name leads there."""
    sheets = {"地块's": Sheet(frame=frame, title="低效用地"), "空": Sheet(frame=frame.iloc[:0], note="没有数据")}
    front = written(tmp_path / "a.xlsx", sheets, notes=["第一条"]).worksheets[0]
    cells = table(front)
    assert cells[0][0] == "青川县城"
    assert ["地块's", "低效用地", 3] in cells
    assert ["空", "没有数据", 0] in cells
    assert ["第一条", None, None] in cells
    assert [cell.hyperlink.location for row in front.iter_rows() for cell in row if cell.hyperlink] == [
        "'地块''s'!A1",
        "'空'!A1",
    ]


def test_codes_are_printed_as_words(tmp_path: Path) -> None:
    """A column named among the codes is printed in words, the caller's first."""
    frame = pd.DataFrame({"material": ["grey_iron", "pe", "mine"], "network": ["gas", "water", "gas"]})
    sheet = Sheet(frame=frame, codes=["material"], labels={"mine": "自定义", "network": "管线"})
    assert table(written(tmp_path / "a.xlsx", {"s": sheet})["s"]) == [
        ["管材", "管线"],
        ["灰口铸铁", "gas"],
        ["PE", "water"],
        ["自定义", "gas"],
    ]


def test_columns_are_wide_enough_for_chinese(tmp_path: Path) -> None:
    """Ten Chinese characters take at least twenty columns of width."""
    page = written(tmp_path / "a.xlsx", {"s": Sheet(frame=pd.DataFrame({"name": ["幸福里小区三期东地块"] * 5}))})["s"]
    assert page.column_dimensions["A"].width >= 20


def test_a_sheet_too_long_for_excel_is_refused(tmp_path: Path) -> None:
    """More rows than Excel has is one sentence naming the sheet."""
    long = pd.DataFrame({"x": np.zeros(1_048_577)})
    with pytest.raises(OutputError, match=r"sheet homes.*do not fit"):
        workbook.write({"homes": Sheet(frame=long)}, tmp_path / "a.xlsx", title="t")


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """A missing folder, as a file open in Excel, is said in a sentence naming the file."""
    with pytest.raises(OutputError, match=r"a\.xlsx cannot be written"):
        workbook.write({"s": Sheet(frame=pd.DataFrame({"x": [1]}))}, tmp_path / "no" / "a.xlsx", title="t")


def test_geometry_is_left_out(tmp_path: Path, layers: dict[str, Any]) -> None:
    """A layer may be given as it is: its geometry does not enter the table."""
    page = written(tmp_path / "a.xlsx", {"s": Sheet(frame=layers["gates"])})["s"]
    assert table(page)[0] == ["大门编号", "名称", "状态"]


def test_the_contents_sheet_asks_what_each_sheet_answers(tmp_path: Path, frame: pd.DataFrame) -> None:
    """A sheet with a question is listed with it; one without, with its title."""
    sheets = {"a": Sheet(frame=frame, title="低效用地", question="哪些地低效？"), "b": Sheet(frame=frame, title="全部")}
    cells = table(written(tmp_path / "a.xlsx", sheets).worksheets[0])
    assert ["工作表", "回答的问题", "行数"] in cells
    assert ["a", "哪些地低效？", 3] in cells
    assert ["b", "全部", 3] in cells


def test_a_very_long_name_and_no_rows(tmp_path: Path) -> None:
    """A name of 300 characters stays whole in its cell and its column no wider than 48; a sheet of 0 rows has its headings and its foot."""
    long = pd.DataFrame({"name": pd.array(["很" * 300], dtype="str"), "residents": [1.0]})
    book = written(tmp_path / "a.xlsx", {"长": Sheet(frame=long), "空": Sheet(frame=long.iloc[:0], foot=["数据日期"])})
    assert book["长"]["A2"].value == "很" * 300
    assert book["长"].column_dimensions["A"].width <= 49
    assert [row[0] for row in table(book["空"])] == ["名称", None, "数据日期"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_it(tmp_path: Path, frame: pd.DataFrame) -> None:
    """LibreOffice reads the sheet as it was written: the same cells, and texts like formulas as texts."""
    frame = frame.assign(name=pd.array(["=1+1", "@x", "乙"], dtype="str"))
    workbook.write({"地块": Sheet(frame=frame)}, tmp_path / "a.xlsx", title="t")
    asked = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,2"
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    subprocess.run(
        ["soffice", home, "--headless", "--convert-to", asked, "--outdir", str(tmp_path), str(tmp_path / "a.xlsx")],
        check=True,
        capture_output=True,
        timeout=120,
    )
    (said,) = tmp_path.glob("*.csv")
    rows = said.read_text(encoding="utf-8").splitlines()
    assert rows[1].split(",")[:4] == ["P1", "'=1+1", "50%", "25.6%"]
    assert rows[2].split(",")[1] == "'@x"
    assert len(rows) == 4
