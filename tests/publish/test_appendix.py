"""The Word appendix: numbered captions as fields, Chinese fonts in the styles, the same bytes, and LibreOffice opens it."""

import errno
import io
import shutil
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

import docx
import pandas as pd
import pytest
from docx.oxml.ns import qn

from lifecircle.errors import OutputError
from lifecircle.publish import appendix, digest

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)


def told() -> list[digest.Section]:
    many = pd.DataFrame({"设施": ["幼儿园", "<w:p>=1+1", "很" * 300], "走得到": ["4 %", "", "10 %"]}, dtype="str")
    none = pd.DataFrame({"社区": [], "人": []}, dtype="str")
    return [
        digest.Section(
            "shares", "谁走得到什么", ["一句话\x07"], [digest.Table("占比", many), digest.Table("没有行", none)]
        ),
        digest.Section("first", "先做什么", ["先核对数据", "再改造"], [digest.Table("清单", many)]),
    ]


def test_captions_are_numbered_by_fields(tmp_path: Path) -> None:
    """Three tables and a figure: captions 表 1, 表 2, 表 3 above and 图 1 below, the numbers as SEQ fields in the style Caption."""
    appendix.write(told(), tmp_path / "a.docx", title="附表", figures={"shares": {"覆盖": PIXEL}})
    document = docx.Document(str(tmp_path / "a.docx"))
    captions = [paragraph for paragraph in document.paragraphs if paragraph.style.name == "Caption"]
    fields = [field for paragraph in captions for field in paragraph._p.iter(qn("w:fldSimple"))]
    assert [field.get(qn("w:instr")).split()[:2] for field in fields] == [["SEQ", w] for w in ("表", "表", "图", "表")]
    assert ["".join(t.text for t in field.iter(qn("w:t"))) for field in fields] == ["1", "2", "1", "3"]
    assert [paragraph.text.split()[-1] for paragraph in captions] == ["占比", "没有行", "覆盖", "清单"]


def test_tables_hold_the_cells_as_text(tmp_path: Path) -> None:
    """Cells are what the section says, markup and formulas as text, a name of 300 characters whole, a table of 0 rows its headings."""
    appendix.write(told(), tmp_path / "a.docx", title="附表")
    first, second, _ = docx.Document(str(tmp_path / "a.docx")).tables
    assert [[cell.text for cell in row.cells] for row in first.rows] == [
        ["设施", "走得到"],
        ["幼儿园", "4 %"],
        ["<w:p>=1+1", ""],
        ["很" * 300, "10 %"],
    ]
    assert [[cell.text for cell in row.cells] for row in second.rows] == [["社区", "人"]]
    assert [p.alignment for p in first.columns[1].cells[1].paragraphs] == [2]


def test_every_style_names_a_chinese_font(tmp_path: Path) -> None:
    """Text is SimSun, headings, captions and title SimHei; no theme font overrides them."""
    appendix.write(told(), tmp_path / "a.docx", title="附表")
    styles = docx.Document(str(tmp_path / "a.docx")).styles
    fonts = {name: styles[name].element.rPr.rFonts for name in ("Normal", "Title", "Heading 1", "Caption")}
    assert {name: font.get(qn("w:eastAsia")) for name, font in fonts.items()} == {
        "Normal": "宋体",
        "Title": "黑体",
        "Heading 1": "黑体",
        "Caption": "黑体",
    }
    assert all(font.get(qn("w:eastAsiaTheme")) is None for font in fonts.values())


def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    """Written again two seconds later (the clock of a zip file) the document has the same bytes, and its parts one date."""
    held = []
    for _ in range(2):
        appendix.write(told(), tmp_path / "a.docx", title="附表", figures={"shares": {"覆盖": PIXEL}})
        held.append((tmp_path / "a.docx").read_bytes())
        time.sleep(2.1)
    assert held[0] == held[1]
    assert len({entry.date_time for entry in zipfile.ZipFile(io.BytesIO(held[0])).infolist()}) == 1


def test_what_cannot_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that is none, a missing folder, a full disk."""
    with pytest.raises(OutputError, match="is not a picture"):
        appendix.write(told(), tmp_path / "a.docx", title="t", figures={"shares": {"x": b"no"}})
    with pytest.raises(OutputError, match=r"a\.docx cannot be written"):
        appendix.write(told(), tmp_path / "no" / "a.docx", title="t")

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="No space left"):
        appendix.write(told(), tmp_path / "a.docx", title="t")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_it(tmp_path: Path) -> None:
    """LibreOffice Writer reads the captions with their numbers, and every row of a table that runs over pages."""
    rows = pd.DataFrame({"地块": [f"YX{k:04d}" for k in range(200)], "面积": ["1.0"] * 200}, dtype="str")
    sections = [*told(), digest.Section("candidates", "可以动的地方", [], [digest.Table("候选", rows)])]
    appendix.write(sections, tmp_path / "a.docx", title="附表")
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    asked = ["soffice", home, "--headless", "--convert-to", "txt:Text (encoded):UTF8", "--outdir", str(tmp_path)]
    subprocess.run([*asked, str(tmp_path / "a.docx")], check=False, capture_output=True, timeout=120)
    if not (tmp_path / "a.txt").exists():
        pytest.skip("LibreOffice is here without Writer")
    text = (tmp_path / "a.txt").read_text(encoding="utf-8-sig")
    assert [line for line in text.splitlines() if line.startswith("表")] == [
        *("表 1  占比", "表 2  没有行", "表 3  清单", "表 4  候选"),
    ]
    assert all(f"YX{k:04d}" in text for k in range(200))


def test_properties_stand_in_the_order_of_the_standard(tmp_path: Path) -> None:
    """Word refuses a table whose borders follow its layout: ECMA-376 wants tblW, jc, tblBorders, tblLayout, tblLook."""
    appendix.write(told(), tmp_path / "a.docx", title="附表")
    for table in docx.Document(str(tmp_path / "a.docx")).tables:
        names = [child.tag.split("}")[1] for child in table._tbl.tblPr]
        order = ["tblStyle", "tblW", "jc", "tblBorders", "tblLayout", "tblLook"]
        assert names == sorted(names, key=order.index)
