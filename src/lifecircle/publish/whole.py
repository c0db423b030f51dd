"""A whole set of results: both GeoPackages, a workbook a theme, the map and the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from lifecircle import normalise, standards
from lifecircle.publish import geopackage, labels, manifest, overview, workbook
from lifecircle.study import Study

Layers = dict[str, gpd.GeoDataFrame | pd.DataFrame]


def write(
    folder: Path,
    study: Study,
    inventory: normalise.Inventory,
    results: Layers,
    *,
    facts: Mapping[str, Any],
    skipped: Mapping[str, str],
    network: Mapping[str, Any],
    basemap: str | None = None,
) -> None:
    """Write a whole set of results into `folder`, which is empty, the same bytes on every run.

    Parameters
    ----------
    facts
        What the results depend on, as the manifest is to say it.
    skipped
        Themes that were left out, each with the reason.
    network
        What the manifest is to say of the walking network; `doubts` reads it.
    basemap
        See `overview.draw`.

    Raises
    ------
    OutputError
        A file that cannot be written, or nothing to draw.
    """
    (folder / "maps").mkdir()
    (folder / "tables").mkdir()
    tables: Layers = dict(study.tables())
    geopackage.write({**tables, "rejects": inventory.rejects}, folder / "inventory.gpkg")
    geopackage.write(results, folder / "results.gpkg")
    for theme, sheets in _workbooks(study, inventory, results).items():
        _write_workbook(theme, sheets, folder / "tables" / f"{theme}.xlsx", study)
    overview.write(
        {n: f for n, f in (tables | results).items() if isinstance(f, gpd.GeoDataFrame)},
        folder / "maps" / "overview.html",
        title=study.name,
        language=study.language,
        synthetic=study.synthetic,
        note="\n".join([study.note, *doubts(network, language=study.language)]).strip(),
        summary=headlines(results, language=study.language),
        basemap=basemap,
    )
    manifest.write(
        {
            **facts,
            "layers": inventory.layers,
            "population": inventory.population,
            "network": network,
            "themes": {
                t: {"status": "skipped", "why": skipped[t]} if t in skipped else {"status": "computed"} for t in _SHEETS
            },
        },
        folder / manifest.NAME,
    )


def doubts(network: Mapping[str, Any], *, language: str) -> list[str]:
    """What a reader of coverage figures must know of the data behind them, a sentence each.

    >>> doubts({"largest_share": 0.9, "components": 4}, language="en")
    ['Streets: 4 pieces that do not connect; the largest holds 90 % of the length, and homes are joined to it.']
    """
    zh = language == "zh"
    said = []
    if network.get("components", 1) > 1:
        share, pieces = f"{network['largest_share']:.0%}".replace("%", " %"), network["components"]
        said.append(
            f"路网：分成互不相连的 {pieces} 片，最大一片占长度 {share}，住处接入这一片。"
            if zh
            else f"Streets: {pieces} pieces that do not connect; the largest holds {share} of the length, "
            "and homes are joined to it."
        )
    lost = sum(network.get("homes_not_joined", {}).values())
    if lost:
        said.append(
            f"住处：{lost} 个未接入路网，步行时间未知。"
            if zh
            else f"Homes: {lost} not joined to a street, so their walking time is not known."
        )
    unknown = network.get("homes_without_weight", 0)
    if unknown:
        said.append(
            f"住处：{unknown} 个人数不明，不计入任何合计。"
            if zh
            else f"Homes: the residents of {unknown} are not known; they are in no sum."
        )
    none = network.get("required_kinds_without_facility", [])
    if none:
        total = network["required_kinds"]
        said.append(
            f"设施：{total} 种必配设施中有 {len(none)} 种在数据里一处也没有，按未覆盖计；请先核对是没有建，还是没有收集。"
            if zh
            else f"Facilities: {len(none)} of {total} required kinds have none in the data and count as uncovered; "
            "check whether they are missing in town or only in the data."
        )
    loose = network.get("facilities_of_no_tier", {})
    if loose:
        listed = (
            "、".join(f"{k} {n}" for k, n in loose.items()) if zh else ", ".join(f"{k} {n}" for k, n in loose.items())
        )
        said.append(
            f"设施：不属于 5、10、15 分钟层级的种类不计入完整度：{listed}。"
            if zh
            else f"Facilities of kinds outside the 5-, 10- and 15-minute tiers do not count for completeness: {listed}."
        )
    return said


def headlines(results: Layers, *, language: str) -> pd.DataFrame:
    """The few figures a map opens with: columns ``what`` and ``value``, both text; themes left out have none.

    Examples
    --------
    >>> lengths = pd.DataFrame({"network": ["gas"], "length_m": [1500.0]})
    >>> headlines({"pipes_length": lengths}, language="en").values.tolist()
    [['Pipes', '1.5 km']]
    """
    zh = language == "zh"
    rows: list[tuple[str, str]] = []
    if "coverage_town" in results:
        town = results["coverage_town"]
        weight = "residents" if "residents" in town else "dwellings"
        people = {"residents": ("居民", "Residents"), "dwellings": ("住房（套）", "Dwellings")}[weight]
        rows.append((people[0] if zh else people[1], f"{town[weight].iloc[0]:,.0f}"))
        asked = town[town["required"] & (town["method"] == "minutes")]
        # Everybody joined has an answer for every kind, so the mean of the shares is the people's mean completeness.
        for tier, share in asked.groupby("tier")[f"share_of_{weight}"].mean().items():
            rows.append((f"{tier} 分钟设施完整度" if zh else f"{tier}-minute completeness", f"{share:.0%}"))
        unknown = asked[f"{weight}_not_known"].max()
        if unknown > 0:
            counted = {"residents": "人", "dwellings": "套"}[weight] if zh else weight
            rows.append(
                (f"未接入路网（{counted}）" if zh else f"Not joined to a street ({counted})", f"{unknown:,.0f}")
            )
    if "park_coverage" in results:
        land_ = results["park_coverage"].query("definition == 'C01' and of == 'residential_land_m2'")
        rows += [("公园服务覆盖居住用地" if zh else "Housing land near a park", f"{s:.0%}") for s in land_["share"]]
    if "land" in results:
        area = results["land"]["area_m2"] / standards.parameter("ha_m2")
        found = area[results["land"]["candidate"] == "candidate"].sum()
        said = f"{found:,.1f} / {area.sum():,.1f} {'公顷' if zh else 'ha'}"
        if (results["land"]["candidate"] == "not known").all():
            said = "未知" if zh else "not known"
        rows.append(("低效用地候选" if zh else "Low-efficiency candidates", said))
    if "pipes_length" in results:
        rows.append(("管线" if zh else "Pipes", f"{results['pipes_length']['length_m'].sum() / 1000:,.1f} km"))
    return pd.DataFrame(rows, columns=["what", "value"])


def _workbooks(study: Study, inventory: normalise.Inventory, results: Layers) -> dict[str, dict[str, pd.DataFrame]]:
    """The sheets of each workbook, what is read first in front."""
    flat = {name: pd.DataFrame(frame).drop(columns="geometry", errors="ignore") for name, frame in results.items()}
    books: dict[str, dict[str, pd.DataFrame]] = {
        "inventory": {
            "layers": inventory.layers,
            "rejects": pd.DataFrame(inventory.rejects).drop(columns="geometry", errors="ignore"),
            "notes": inventory.notes,
            "mapping": inventory.mapping,
            "inputs": inventory.inputs,
        }
    }
    if "coverage_town" in flat:
        flat["coverage_town"] = flat["coverage_town"].drop(columns="scope")
    if "land" in flat:
        found = flat["land"][flat["land"]["candidate"] == "candidate"]
        flat["land_candidates"] = found[list(_CANDIDATE)].sort_values("area_m2", ascending=False, kind="stable")
        rules = flat["land_rules"].rename(columns={"class": "rule_class", f"name_{study.language}": "name"})
        heading = {column: labels.heading(column, study.language) for column in rules["quantity"]}
        flat["land_rules"] = rules.assign(quantity=rules["quantity"].map(heading))[list(_RULE)]
    for theme, names in _SHEETS.items():
        if names[0] in flat:
            books[theme] = {name: flat[name] for name in names if name in flat}
    return books


_SHEETS = {
    "coverage": ("coverage_town", "gaps", "coverage_areas", "coverage_by_area"),
    "land": ("land_candidates", "land", "land_rules"),
    "parks": ("park_coverage", "park_land"),
    "pipes": ("pipes_length", "pipes_screen"),
}
_CANDIDATE = (
    *("name", "land_use", "land_group", "area_m2", "reasons", "rules_not_known", "idle", "far", "building_coverage"),
    *("built_year", "dangerous_share", "industry", "tax_per_mu_yuan", "tax_share_of_industry", "area_differs"),
)
_RULE = ("rule", "name", "rule_class", "group", "quantity", "operator", "value", "unit", "source", "mark", "binding")


def _write_workbook(theme: str, frames: Mapping[str, pd.DataFrame], path: Path, study: Study) -> None:
    zh = study.language == "zh"
    profile = standards.read("profiles").set_index("code")[f"name_{study.language}"].get(study.standards, "")
    notes = [
        study.note,
        f"标准方案：{profile}（{study.standards}）" if zh else f"Standards: {profile} ({study.standards})",
        f"数据日期：{study.as_of}" if zh else f"Data as of {study.as_of}",
        f"坐标系：{study.crs.name}" if zh else f"Coordinate system: {study.crs.name}",
        _READ[theme][not zh],
    ]
    sheets = {
        labels.sheet(name, study.language): workbook.Sheet(frame=frame, title=labels.sheet(name, study.language))
        for name, frame in frames.items()
    }
    title = f"{study.name} · {labels.sheet(theme, study.language)}"
    workbook.write(sheets, path, title=title, notes=[note for note in notes if note], language=study.language)


_READ = {
    "inventory": (
        "每个图层：读入 = 保留 + 退回；退回的行及原因见“退回行”。",
        "For every layer rows read = kept + rejected; rejected rows and why are on their own sheet.",
    ),
    "coverage": (
        "覆盖率 = 已覆盖 ÷（已覆盖 + 未覆盖）；未接入路网的住处既不算覆盖也不算缺口，计入“情况未知”。步行时间含到街道的一段。",
        "Share = covered ÷ (covered + left out). A home that is not joined to a street is neither; it is not known. "
        "Walks include the way to the street.",
    ),
    "land": (
        "“未知”不是“否”：缺数据的条件不作判定。“参考”表示该阈值未经核实，不参与判定。",
        "Not known is not no: a criterion without data decides nothing. Indicative: the threshold is not confirmed and decides nothing.",
    ),
    "parks": (
        "服务半径按公园边界的直线缓冲计算（指标口径），不是步行距离。",
        "Service radii are straight-line buffers around parks, as the indicator defines them, not walking distances.",
    ),
    "pipes": (
        "长度为图上水平长度；无建成年份的管段管龄为“未知”；仅写“铸铁”的不作灰口铸铁。",
        "Lengths are horizontal, as drawn; a pipe without a year has no age; plain cast iron is not taken for grey iron.",
    ),
}
