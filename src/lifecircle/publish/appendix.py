"""The appendix: numbered tables and figures in a Word document that a plan can take in."""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lifecircle.errors import OutputError
from lifecircle.publish import digest, output

_LATIN, _CHINESE = "Times New Roman", "宋体"
_HEAD_CHINESE = "黑体"
# what XML 1.0 has no place for
_ILLEGAL = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff]"
_WIDE_CM = 16.0


def write(
    sections: Sequence[digest.Section],
    path: Path | str,
    *,
    title: str,
    language: str = "zh",
    figures: Mapping[str, Mapping[str, bytes]] | None = None,
) -> None:
    """Write the sections as a Word document: headings, sentences, tables with numbered captions above, figures with numbered captions below.

    Numbers are fields of Word (SEQ), so they count on inside the document that takes the appendix in (select all, F9). Chinese text is
    set in SimSun, headings and captions in SimHei, Latin text in Times New Roman, by the document's styles. The heading row of a long
    table is repeated on every page.

    Parameters
    ----------
    figures
        Pictures (PNG) by section and caption; they stand at the end of their section.

    Raises
    ------
    OutputError
        A picture that is none, or a file that cannot be written.
    """
    import docx
    from docx.image.exceptions import UnrecognizedImageError
    from docx.shared import Cm

    zh = language == "zh"
    document: Any = docx.Document()
    _dress(document)
    document.add_paragraph(_clean(title), style="Title")
    tables = drawn = 0
    for section in sections:
        document.add_paragraph(_clean(section.title), style="Heading 1")
        for line in section.lines:
            document.add_paragraph(_clean(line), style="List Number" if section.code == "first" else "Normal")
        for table in section.tables:
            tables += 1
            _caption(document, "表" if zh else "Table", tables, table.caption)
            _add_table(document, table)
        for caption, picture in (figures or {}).get(section.code, {}).items():
            drawn += 1
            try:
                shown = document.add_picture(io.BytesIO(picture))
            except UnrecognizedImageError as error:
                raise OutputError(f"The figure {caption!r} is not a picture that Word knows.") from error
            if shown.width > Cm(_WIDE_CM):
                shown.height, shown.width = round(shown.height * Cm(_WIDE_CM) / shown.width), Cm(_WIDE_CM)
            document.paragraphs[-1].paragraph_format.keep_with_next = True
            document.paragraphs[-1].alignment = 1
            _caption(document, "图" if zh else "Figure", drawn, caption, below=True)
    core = document.core_properties
    core.title, core.author, core.comments, core.last_modified_by = _clean(title)[:255], "lifecircle", "", ""
    core.created = core.modified = output.stamp().replace(tzinfo=None)
    core.revision = 1
    path = Path(path)
    held = io.BytesIO()
    document.save(held)
    try:
        path.write_bytes(_fixed(held.getvalue()))
    except OSError as error:
        raise OutputError(f"{path.name} cannot be written (is it open in Word?): {error.strerror or error}.") from error


def _clean(text: str) -> str:
    return re.sub(_ILLEGAL, "\ufffd", text)


def _fixed(content: bytes) -> bytes:
    """The same archive with every date the fixed one."""
    date = output.stamp().timetuple()[:6]
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in given.namelist():
            entry = zipfile.ZipInfo(name, date_time=(max(date[0], 1980), *date[1:]))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            made.writestr(entry, given.read(name))
    return out.getvalue()


def _dress(document: Any) -> None:
    """A4, and the fonts of every style used."""
    from docx.shared import Cm, Pt, RGBColor

    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2.5)
    page.top_margin = page.bottom_margin = Cm(2.5)
    looks = {
        "Normal": (10.5, False, _CHINESE),
        "Title": (18, True, _HEAD_CHINESE),
        "Heading 1": (14, True, _HEAD_CHINESE),
        "Caption": (10, True, _HEAD_CHINESE),
        "List Number": (10.5, False, _CHINESE),
    }
    for name, (size, bold, chinese) in looks.items():
        style = document.styles[name]
        style.font.name, style.font.size, style.font.bold, style.font.italic = _LATIN, Pt(size), bold, False
        style.font.color.rgb = RGBColor(0, 0, 0)
        _chinese(style.element.get_or_add_rPr(), chinese)
        style.paragraph_format.space_after = Pt(4)
    document.styles["Caption"].paragraph_format.keep_with_next = True
    document.styles["Caption"].paragraph_format.space_before = Pt(8)


def _chinese(properties: Any, font: str) -> None:
    from docx.oxml.ns import qn

    fonts = properties.get_or_add_rFonts()
    for key in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        if fonts.get(qn(key)) is not None:
            del fonts.attrib[qn(key)]
    fonts.set(qn("w:ascii"), _LATIN)
    fonts.set(qn("w:hAnsi"), _LATIN)
    fonts.set(qn("w:eastAsia"), font)


def _caption(document: Any, word: str, number: int, text: str, *, below: bool = False) -> None:
    """A caption with its number as a field: Table 1, Table 2 …"""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    paragraph = document.add_paragraph(f"{word} ", style="Caption")
    paragraph.alignment = 1
    paragraph.paragraph_format.keep_with_next = not below
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), f" SEQ {word} \\* ARABIC ")
    run = OxmlElement("w:r")
    shown = OxmlElement("w:t")
    shown.text = str(number)
    run.append(shown)
    field.append(run)
    paragraph._p.append(field)
    paragraph.add_run(f"  {_clean(text)}")


def _add_table(document: Any, table: digest.Table) -> None:
    """Three ruled lines, as Chinese plans set their tables: above, below, and under the heading row."""
    from docx.oxml import OxmlElement
    from docx.shared import Cm, Pt

    heads = [str(column) for column in table.cells.columns]
    made = document.add_table(rows=1 + len(table.cells), cols=len(heads))
    made.alignment = 1
    made.autofit = False
    widths = _widths(table)
    for column, wide in zip(made.columns, widths, strict=True):
        column.width = Cm(wide)
    right = [digest.is_number(table.cells[column]) for column in table.cells.columns]
    lines = [heads, *([str(cell) for cell in row] for row in table.cells.itertuples(index=False))]
    for place, (line, row) in enumerate(zip(lines, made.rows, strict=True)):
        for text, cell, number, wide in zip(line, row.cells, right, widths, strict=True):
            cell.width = Cm(wide)
            paragraph = cell.paragraphs[0]
            paragraph.alignment = 2 if number else 0
            paragraph.paragraph_format.space_after = Pt(1)
            run = paragraph.add_run(_clean(text))
            run.font.size, run.font.bold = Pt(9), place == 0
        properties = row._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if place == 0:
            properties.append(OxmlElement("w:tblHeader"))
    _rule(made._tbl.tblPr, "w:tblBorders", {"w:top": "12", "w:bottom": "12"})
    for cell in made.rows[0].cells:
        _rule(cell._tc.get_or_add_tcPr(), "w:tcBorders", {"w:bottom": "6"})
    document.add_paragraph()


def _widths(table: digest.Table) -> list[float]:
    """Centimetres a column, in proportion to its longest text within limits; a Chinese character is as wide as two others."""
    longest = []
    for column in table.cells.columns:
        texts = pd.concat([pd.Series([str(column)], dtype="str"), table.cells[column].astype("str")])
        wide = (texts.str.len() + texts.str.count("[\u2e80-\uffef]")).astype("float64")
        longest.append(float(np.clip(max(wide.max(), wide.iloc[0] / 2), 8, 34)))
    return [_WIDE_CM * each / sum(longest) for each in longest]


def _rule(parent: Any, name: str, edges: Mapping[str, str]) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    borders = OxmlElement(name)
    for edge, size in edges.items():
        line = OxmlElement(edge)
        for key, value in (("w:val", "single"), ("w:sz", size), ("w:space", "0"), ("w:color", "000000")):
            line.set(qn(key), value)
        borders.append(line)
    # Word wants the children of a table's properties in the order of the standard
    parent.insert_element_before(borders, "w:shd", "w:noWrap", "w:tblLayout", "w:tblCellMar", "w:tblLook")
