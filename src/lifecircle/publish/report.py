"""The report: a few pages in one HTML file that prints to A4 and asks nothing of the network."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lifecircle.errors import OutputError
from lifecircle.publish import digest, svg, symbols

_WIDE = 700.0
# cells so short are not broken over lines
_SHORT = 12


def write(
    sections: Sequence[digest.Section],
    path: Path | str,
    *,
    title: str,
    language: str = "zh",
    synthetic: bool = False,
    figures: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Write the sections to `path` as one page of HTML that prints to A4; the same bytes on every run.

    `figures` are drawings in SVG by section and caption (see `map_of` and `figures.of`); they stand at the end of their section. Every text is
    escaped, only drawings are put in as they are.

    Raises
    ------
    OutputError
        A file that cannot be written.
    """
    path = Path(path)
    try:
        path.write_text(
            page(sections, title=title, language=language, synthetic=synthetic, figures=figures),
            encoding="utf-8",
            newline="\n",
        )
    except OSError as error:
        raise OutputError(f"{path.name} cannot be written: {error.strerror or error}.") from error


def page(
    sections: Sequence[digest.Section],
    *,
    title: str,
    language: str = "zh",
    synthetic: bool = False,
    figures: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """The page as text; see `write`.

    >>> told = digest.Section("glance", "At a glance", ["1 < 2"], [])
    >>> "1 &lt; 2" in page([told], title="Town", language="en")
    True
    """
    zh = language == "zh"
    made_up = ("虚构县城，仅作演示" if zh else "A fictional town, for demonstration only") if synthetic else ""
    kind = "体检简报" if zh else "Report"
    body = [
        f"<header><p class=kind>{kind}</p><h1>{_safe(title)}</h1>"
        + (f"<p class=made-up>{_safe(made_up)}</p>" if made_up else "")
        + "</header>"
    ]
    tables = drawn = 0
    for place, section in enumerate(sections):
        body.append(f'<section id="{_safe(section.code)}"><h2>{place + 1} {_safe(section.title)}</h2>')
        body.append(_lines(section))
        for table in section.tables:
            tables += len(table.cells.columns) > 1
            body.append(_table(table, f"{'表' if zh else 'Table'} {tables}"))
        for caption, drawing in (figures or {}).get(section.code, {}).items():
            drawn += 1
            number = f"{'图' if zh else 'Figure'} {drawn}"
            body.append(f"<figure>{drawing}<figcaption>{number} {_safe(caption)}</figcaption></figure>")
        body.append("</section>")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{_safe(title)} · {kind}</title><style>{_CSS}</style>'
    return (
        f'<!DOCTYPE html>\n<html lang="{"zh-CN" if zh else "en"}">\n<head>{head}</head>\n<body>\n'
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _safe(text: str) -> str:
    return html.escape(text, quote=True)


def _lines(section: digest.Section) -> str:
    if section.code in ("first", "method"):
        tag = "ol" if section.code == "first" else "ul"
        return f"<{tag}>" + "".join(f"<li>{_safe(line)}</li>" for line in section.lines) + f"</{tag}>"
    return "".join(f"<p>{_safe(line)}</p>" for line in section.lines)


def _table(table: digest.Table, number: str) -> str:
    if len(table.cells.columns) == 1:
        listed = "".join(f"<li>{_safe(text)}</li>" for text in table.cells.iloc[:, 0])
        return f"<h3>{_safe(table.caption)}</h3><ul class=list>{listed}</ul>"
    right = [digest.is_number(table.cells[column]) for column in table.cells.columns]
    heads = "".join(
        f"<th{' class=n' if number else ''}>{_safe(str(column))}</th>"
        for column, number in zip(table.cells.columns, right, strict=True)
    )
    rows = []
    for row in table.cells.itertuples(index=False):
        looks = ["n" if number else "s" if len(cell) <= _SHORT else "" for cell, number in zip(row, right, strict=True)]
        cells = "".join(f'<td class="{look}">{_cell(cell)}</td>' for cell, look in zip(row, looks, strict=True))
        rows.append(f"<tr>{cells}</tr>")
    return f"<table><caption>{_safe(number)} {_safe(table.caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _cell(text: str) -> str:
    """A cell; a share has a bar of its length behind it."""
    share = text.removesuffix(" %")
    if text.endswith(" %") and share.isdigit() and int(share) <= 100:
        return f'<span class=bar style="--share:{share}%">{_safe(text)}</span>'
    return _safe(text)


def map_of(layers: Mapping[str, Any], *, language: str = "zh") -> dict[str, str]:
    """A small map in SVG by its caption: communities by completeness, streets, and the largest gap areas; none where there is nothing to draw.

    `layers` are canonical tables and results by name, in one projected coordinate system.
    """
    zh = language == "zh"
    ground = next(
        (layers[name] for name in ("coverage_areas", "areas", "gap_areas", "streets") if svg.drawn(layers.get(name))),
        None,
    )
    if ground is None:
        return {}
    on = svg.sheet(ground.total_bounds, width=_WIDE)
    if on is None:
        return {}
    parts = [f'<svg viewBox="0 0 {on.width:.0f} {on.height:.0f}" role="img">']

    def path(shapes: Any, look: str) -> None:
        parts.append(f'<path fill-rule="evenodd" d="{svg.path(shapes, on)}" {look}/>')

    areas: Any = layers.get("coverage_areas")
    tiers = [t for t in (15, 10, 5) if svg.drawn(areas) and f"completeness_{t}" in areas]
    caption = "研究范围与道路" if zh else "The place and its streets"
    if areas is not None and tiers:
        share = areas[f"completeness_{tiers[0]}"].astype("float64").to_numpy()
        place = np.where(np.isnan(share), -1, np.minimum((np.nan_to_num(share) * 5).astype(int), 4))
        for step, colour in [(-1, symbols.UNKNOWN), *enumerate(symbols.COMPLETENESS)]:
            path(areas.geometry[place == step], f'fill="{colour}" stroke="#fff" stroke-width="1.5"')
        caption = (
            f"各社区 {tiers[0]} 分钟设施完整度（浅黄低，深蓝高，灰为未知）与最大的缺口片区（红线）"
            if zh
            else f"Completeness of {tiers[0]} minutes by community (yellow low, blue high, grey not known) and the largest gap areas (red)"
        )
    if svg.drawn(layers.get("streets")):
        path(layers["streets"].geometry, 'fill="none" stroke="#6f6a60" stroke-width="0.5" opacity="0.6"')
    gaps: Any = layers.get("gap_areas")
    if svg.drawn(gaps) and len(gaps):
        mine = gaps[gaps["tier"] == gaps["tier"].max()].sort_values("rank", kind="stable").head(3)
        path(mine.geometry, 'fill="none" stroke="#b5302a" stroke-width="1.6"')
    parts.append(svg.bar(on) + "</svg>")
    return {caption: "".join(parts)}


_CSS = """
@page { size: A4; margin: 16mm 15mm 18mm }
* { box-sizing: border-box }
body { font: 10.5pt/1.55 "Microsoft YaHei", "PingFang SC", "Noto Sans CJK SC", "WenQuanYi Micro Hei", "Segoe UI", sans-serif;
  color: #1d2730; max-width: 190mm; margin: 0 auto; padding: 8mm 5mm }
header { border-bottom: 2px solid #2f5d7c; margin-bottom: 5mm }
h1 { font-size: 22pt; margin: 0 0 3mm; color: #1f3b57 }
.kind { margin: 0; color: #5b6670; letter-spacing: .2em }
.made-up { color: #b5302a; margin: 0 0 3mm }
h2 { font-size: 14pt; color: #1f3b57; margin: 8mm 0 2mm; break-after: avoid }
p { margin: 0 0 2mm }
ol, ul { margin: 0 0 3mm; padding-left: 6mm }
li { margin-bottom: 1.5mm }
#first ol { font-size: 11.5pt }
table { border-collapse: collapse; width: 100%; margin: 3mm 0 5mm; font-size: 9pt; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: bold; padding: 1mm 0; break-after: avoid }
th { background: #eaf0f4; text-align: left; border-bottom: 1px solid #2f5d7c; padding: 1mm 1.5mm }
td { border-bottom: 1px solid #dde3e7; padding: .8mm 1.5mm; vertical-align: top; overflow-wrap: anywhere }
th.n, td.n { text-align: right }
td.n, td.s { white-space: nowrap }
h3 { font-size: 10.5pt; margin: 3mm 0 1mm; break-after: avoid }
.list { columns: 2; font-size: 8.5pt }
#method table { font-size: 8pt }
#shares table, #gaps table, #candidates table { break-inside: avoid }
thead { display: table-header-group }
tr, figure, li { break-inside: avoid }
.bar { display: block; background: linear-gradient(90deg, #bcd6e4 var(--share), transparent var(--share)); padding: 0 1mm }
figure { margin: 4mm 0 }
svg { display: block; width: 100%; height: auto; max-height: 88mm; margin: 0 auto }
#glance svg { border: 1px solid #dde3e7 }
#shares figure, #candidates figure { display: inline-block; width: 48%; margin: 2mm .8%; vertical-align: top }
#shares svg, #candidates svg { max-height: 62mm }
figcaption { font-size: 9pt; color: #45525c }
@media print { body { max-width: none; padding: 0 } * { print-color-adjust: exact; -webkit-print-color-adjust: exact } }
"""
