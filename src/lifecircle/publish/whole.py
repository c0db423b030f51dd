"""A whole set of results: both GeoPackages, a workbook a theme, the map and the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from lifecircle import normalise, standards
from lifecircle.publish import (
    geopackage,
    labels,
    land_sheets,
    manifest,
    overview,
    qgis,
    reuse_sheets,
    symbols,
    themes,
    workbook,
)
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
    maps: Mapping[str, str | None] | None = None,
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
    maps
        ``basemap`` and ``language`` of the maps, see `overview.draw`; by default none, and the study's.

    Raises
    ------
    OutputError
        A file that cannot be written, or nothing to draw.
    """
    from lifecircle.publish import appendix, charts, digest, figures  # they read what this module says

    (folder / "maps").mkdir()
    (folder / "tables").mkdir()
    tables: Layers = dict(study.tables())
    styles = {name: qgis.styles(held, language=study.language) for name, held in (("in", tables), ("out", results))}
    geopackage.write({**tables, "rejects": inventory.rejects}, folder / "inventory.gpkg", styles=styles["in"])
    geopackage.write(results, folder / "results.gpkg", styles=styles["out"])
    qgis.write(tables, results, folder / "results.qgs", title=study.name, crs=study.crs, language=study.language)
    for theme, sheets in _workbooks(study, inventory, results).items():
        _write_workbook(theme, sheets, folder / "tables" / f"{theme}.xlsx", study)
    told = digest.sections(study, inventory, results, skipped=skipped, network=network)
    named = f"{study.name} · {'附表' if study.language == 'zh' else 'Appendix'}"
    drawn = figures.of(results, language=study.language)
    pictures = {
        code: {said: charts.png(chart, dpi=_DPI) for said, chart in mine.items()} for code, mine in drawn.items()
    }
    appendix.write(told, folder / "tables" / "appendix.docx", title=named, language=study.language, figures=pictures)
    wish = {"language": study.language, **(maps or {})}
    language = str(wish["language"])
    themes.write_all(
        tables | results,
        folder / "maps",
        cover=overview.Cover(
            title=study.name,
            subtitle=overview.SUBTITLE,
            synthetic=study.synthetic,
            note={each: _note(study, network, each) for each in overview.LANGUAGES[language]},
            summary={each: headlines(results, language=each) for each in overview.LANGUAGES[language]},
        ),
        language=language,
        basemap=wish.get("basemap"),
    )
    manifest.write(
        {
            **facts,
            "layers": inventory.layers,
            "population": inventory.population,
            "network": network,
            "themes": {
                t: {"status": "skipped", "why": skipped[t]} if t in skipped else {"status": "computed"} for t in _THEMES
            },
        },
        folder / manifest.NAME,
    )


def _note(study: Study, network: Mapping[str, Any], language: str) -> str:
    """What the title box says: that data are thin stands out, then the method, the study's own note, and what else is doubtful."""
    doubtful = doubts(network, language=language)
    loud = len(_thin(network.get("certainty", []), language))
    lines = [f"⚠ {line}" for line in doubtful[:loud]]
    return "\n".join([*lines, method(network, language=language), study.note, *doubtful[loud:]]).strip()


def method(network: Mapping[str, Any], *, language: str) -> str:
    """How the shares on the map were worked out, in a sentence; empty where nothing was walked.

    >>> method({"walk_speed_m_s": 1.0}, language="en")
    'Method: minutes on foot along streets, an adult at 1 m/s on level ground, the way to the street included.'
    """
    speed = network.get("walk_speed_m_s")
    if speed is None:
        return ""
    return (
        f"方法：沿路网步行时间，成人 {speed:g} 米/秒，按平地计，含到街道的一段。"
        if language == "zh"
        else f"Method: minutes on foot along streets, an adult at {speed:g} m/s on level ground, the way to the street included."
    )


def doubts(network: Mapping[str, Any], *, language: str) -> list[str]:
    """What a reader of coverage figures must know of the data behind them, a sentence each.

    Where the data are thin, the first says so, and by which signs.

    >>> doubts({"largest_share": 0.9, "components": 4}, language="en")
    ['Streets: 4 pieces that do not connect; the largest holds 90 % of the length, and homes are joined to it.']
    """
    zh = language == "zh"
    said = _thin(network.get("certainty", []), language)
    if network.get("components", 1) > 1:
        share, pieces = f"{network['largest_share']:.0%}".replace("%", " %"), network["components"]
        said.append(
            f"路网：分成互不相连的 {pieces} 片，最大一片占长度 {share}，住处接入这一片。"
            if zh
            else f"Streets: {pieces} pieces that do not connect; the largest holds {share} of the length, "
            "and homes are joined to it."
        )
    for fault in network.get("elevation_faults", []):
        if fault["code"] in _ELEVATION:
            said.append(_ELEVATION[fault["code"]][not zh].format(**fault))
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
        listed = ("、" if zh else ", ").join(f"{labels.word(k, language)} {n}" for k, n in loose.items())
        said.append(
            f"设施：不属于 5、10、15 分钟层级的种类不计入完整度：{listed}。"
            if zh
            else f"Facilities of kinds outside the 5-, 10- and 15-minute tiers do not count for completeness: {listed}."
        )
    return said


def _thin(rows: Sequence[Mapping[str, Any]], language: str) -> list[str]:
    """That the data are thin, and the signs of it, where they are."""
    zh = language == "zh"
    verdict = next((row for row in rows if row["item"] == "verdict"), None)
    if verdict is None or verdict["word"] != "thin":
        return []
    signs = []
    for row in rows:
        if row["item"] != "verdict" and row["sign"] == "yes":
            value, limit = _share(row["value"]), _share(row["limit"])
            below = row["value"] < row["limit"]
            name = labels.word(row["item"], language)
            if zh:
                signs.append(f"{name} {value}（{'低于' if below else '高于'} {limit}）")
            else:
                signs.append(f"{name.lower()} {value} ({'below' if below else 'above'} {limit})")
    listed = ("；" if zh else "; ").join(signs)
    return [
        f"数据单薄：{listed}。覆盖率可能偏离实际，请先核对数据。"
        if zh
        else f"The data are thin: {listed}. Shares may be far from what is there; check the data first."
    ]


def _share(value: float) -> str:
    return f"{value:.0%}".replace("%", " %")


_ELEVATION = {
    "dem_saturated": (
        "高程：{count} 个像元达到整数类型的最大值 {value:g}，可能被截断，按未知处理。",
        "Elevation: {count} cells are at {value:g}, the most their type can hold; they count as not known.",
    ),
    "dem_constant": (
        "高程：处处为 {value:g}，坡度无从得知。",
        "Elevation: {value:g} everywhere, so no slope can be known.",
    ),
    "dem_implausible": (
        "高程：{count} 个像元不可能是高程（如 {value:g} 米），按未知处理。",
        "Elevation: {count} cells cannot be heights (such as {value:g} m) and count as not known.",
    ),
    "dem_coarse": (
        "高程：像元长 {value:.0f} 米，沿街坡度只是粗略值，不据此判定轮椅的坡度上限。",
        "Elevation: cells are {value:.0f} m long; slopes along streets are rough, and no street is judged too steep for wheelchairs.",
    ),
}


def headlines(results: Layers, *, language: str) -> pd.DataFrame:
    """The few figures a map opens with: columns ``what``, ``value`` and ``more``, all text; themes left out have none.

    For each tier ``more`` is its completeness without the homes at the edge of the data, and its range over walking speeds.

    Examples
    --------
    >>> lengths = pd.DataFrame({"network": ["gas"], "length_m": [1500.0]})
    >>> headlines({"pipes_length": lengths}, language="en").values.tolist()
    [['Pipes', '1.5 km', '']]
    """
    zh = language == "zh"
    rows: list[tuple[str, str]] = []
    under: dict[int, str] = {}
    if "coverage_town" in results:
        town = results["coverage_town"]
        weight = "residents" if "residents" in town else "dwellings"
        people = {"residents": ("居民", "Residents"), "dwellings": ("住房（套）", "Dwellings")}[weight]
        rows.append((people[0] if zh else people[1], f"{town[weight].iloc[0]:,.0f}"))
        asked = town[town["required"] & (town["method"] == "minutes")]
        # Everybody joined has an answer for every kind, so the mean of the shares is the people's mean completeness.
        for tier, share in asked.groupby("tier")[f"share_of_{weight}"].mean().items():
            rows.append((f"{tier} 分钟设施完整度" if zh else f"{tier}-minute completeness", _share(share)))
            under[len(rows) - 1] = _with_doubt(results, tier, weight, language)
        unknown = asked[f"{weight}_not_known"].max()
        if unknown > 0:
            counted = {"residents": "人", "dwellings": "套"}[weight] if zh else weight
            rows.append(
                (f"未接入路网（{counted}）" if zh else f"Not joined to a street ({counted})", f"{unknown:,.0f}")
            )
    if "park_coverage" in results:
        land_ = results["park_coverage"].query("definition == 'C01' and of == 'residential_land_m2'")
        rows += [("公园服务覆盖居住用地" if zh else "Housing land near a park", _share(s)) for s in land_["share"]]
    if "land" in results:
        area = results["land"]["area_m2"] / standards.parameter("ha_m2")
        found = area[results["land"]["candidate"] == "candidate"].sum()
        said = f"{found:,.1f} / {area.sum():,.1f} {'公顷' if zh else 'ha'}"
        if (results["land"]["candidate"] == "not known").all():
            said = "未知" if zh else "not known"
        rows.append(("低效用地候选" if zh else "Low-efficiency candidates", said))
    if "renewal_town" in results:
        rule = results["renewal_town"].iloc[0]
        answer = str(rule["answer"])
        met = {"yes": ("达到", "met"), "no": ("未达到", "not met")}[answer.removeprefix("indicative ")][not zh]
        if answer.startswith("indicative"):
            met = f"参考：{met}" if zh else f"indicative: {met}"
        said = (
            f"{rule['count']:.0f}（≥ {rule['limit']:.0f}，{met}）"
            if zh
            else f"{rule['count']:.0f} (≥ {rule['limit']:.0f}; {met})"
        )
        rows.append(("更新片区" if zh else "Renewal blocks", said))
    if "reuse_assets" in results:
        assets = results["reuse_assets"]
        open_ = assets["uses_allowed"] > 0
        once = ~open_ & (assets["uses_conditional"] > 0)
        rows.append(
            (
                "闲置资产（可用／待确认／全部）" if zh else "Idle assets usable / once confirmed / all",
                f"{int(open_.sum()):,} / {int(once.sum()):,} / {len(assets):,}",
            )
        )
    if "pipes_length" in results:
        rows.append(("管线" if zh else "Pipes", f"{results['pipes_length']['length_m'].sum() / 1000:,.1f} km"))
    more = [under.get(place, "") for place in range(len(rows))]
    return pd.DataFrame(rows, columns=["what", "value"]).assign(more=pd.array(more, dtype="str"))


def _with_doubt(results: Layers, tier: Any, weight: str, language: str) -> str:
    """A tier's completeness without homes at the edge of the data, and from the slower to the faster walker."""
    zh, said = language == "zh", []
    if "coverage_edge" in results:
        rows = results["coverage_edge"]
        rows = rows[rows["required"] & (rows["tier"] == tier)]
        away = rows["share_away_from_edge"].mean()
        if (rows[f"{weight}_at_edge"] > 0).any():
            alone = "全部住处都触及数据边缘" if zh else "all homes at the edge of the data"
            told = f"不含数据边缘 {_share(away)}" if zh else f"away from edge {_share(away)}"
            said.append(alone if pd.isna(away) else told)
    if "sensitivity" in results:
        rows = results["sensitivity"]
        rows = rows[rows["required"] & (rows["tier"] == tier)]
        ends = [f"{100 * share:.0f}" for share in sorted(rows[["share_slower", "share_faster"]].mean())]
        if rows["share_base"].notna().any() and ends[0] != ends[1]:
            step = _share(standards.parameter("sensitivity_speed_share"))
            range_ = "–".join(dict.fromkeys(ends)) + " %"
            said.append(f"步速 ±{step}：{range_}" if zh else f"speed ±{step} {range_}")
    return ("；" if zh else "; ").join(said)


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
    if "certainty" in flat:
        flat["certainty"] = _certainty(flat["certainty"], study.language)
    if "gap_areas" in flat:
        comma = "、" if study.language == "zh" else ", "
        codes = flat["gap_areas"]["missing"].astype("str")
        said = {text: comma.join(labels.word(c, study.language) for c in text.split(", ")) for text in codes.dropna()}
        flat["gap_areas"] = flat["gap_areas"].assign(missing=codes.map(said))
    if "renewal_blocks" in flat:
        flat |= land_sheets.block_sheets(flat, study.language)
    if "land" in flat:
        flat |= land_sheets.land_sheets(flat, study.language)
    if "reuse_assets" in flat:
        flat |= reuse_sheets.sheets(flat, study.language)
    for theme, names in _SHEETS.items():
        if names[0] in flat:
            books[theme] = {name: flat[name] for name in names if name in flat}
    return books


def _certainty(table: pd.DataFrame, language: str) -> pd.DataFrame:
    """The table of what is sure in words, each value with its unit."""
    items = table["item"].map({item: labels.word(item, language) for item in table["item"].unique()})
    why = table["word"].map({word: labels.word(word, language) if word else "" for word in table["word"].unique()})
    verdict = (table["item"] == "verdict").to_numpy()
    joined = items.where(verdict | (why == ""), items + ("：" if language == "zh" else ": ") + why)
    value = _with_unit(table["value"], table["unit"], language)
    limit = _with_unit(table["limit"], table["unit"], language)
    answers = {code: labels.word(code, language) for code in ("yes", "no")}
    return pd.DataFrame(
        {
            "item": joined,
            "value": value.where(~verdict, why + ("：" if language == "zh" else ": ") + value),
            "limit": limit,
            "sign": table["sign"].map(answers).astype("str").mask(table["limit"].isna()),
        }
    ).astype("str")


def _with_unit(values: pd.Series[float], units: pd.Series[str], language: str) -> pd.Series[str]:
    """Numbers as text with their unit; a share as percent; blank where there is none."""
    shares = values.mul(100).map("{:,.1f} %".format, na_action="ignore")
    after = {
        "residents": ("人", "residents"),
        "dwellings": ("套", "dwellings"),
        "signs": ("项迹象", "signs"),
    }
    ends = units.map({unit: f" {said[language != 'zh']}" for unit, said in after.items()}).fillna("")
    counts = values.map("{:,.0f}".format, na_action="ignore") + ends
    return shares.where(units == "share", counts).astype("str")


_DPI = 150
_THEMES = ("coverage", "land", "parks", "pipes", "reuse", "blocks")
_SHEETS = {
    "coverage": (
        *("coverage_town", "certainty", "coverage_edge", "sensitivity", "coverage_methods", "coverage_walkers"),
        *("gap_areas", "gap_missing", "gaps", "coverage_areas", "coverage_by_area", "gap_kinds"),
    ),
    "supply": ("supply_town", "supply_match"),
    "land": (
        *(
            "land_candidates",
            "land_evidence",
            "land_standing",
            "land_sensitivity",
            "land_editions",
            "land_idle",
            "land_town",
            "land_doubts",
        ),
        *("land_buildings", "land_parcels", "land_rules"),
    ),
    "parks": ("park_coverage", "park_land"),
    "pipes": ("pipes_length", "pipes_screen"),
    "blocks": (
        *("renewal_blocks", "renewal_block_evidence", "renewal_block_land", "renewal_block_assets"),
        *("renewal_block_gaps", "renewal_demolition", "renewal_duplicates", "renewal_town"),
    ),
    "reuse": (
        *("reuse_by_asset", "reuse_by_use", "reuse_choices", "reuse_sites", "reuse_curve", "reuse_gains_by_area"),
        *("reuse_conditional", "reuse_forbidden", "reuse_assets", "reuse_criteria", "reuse_doubts", "reuse_rules"),
        "reuse_unchecked",
    ),
}


def _write_workbook(theme: str, frames: Mapping[str, pd.DataFrame], path: Path, study: Study) -> None:
    zh = study.language == "zh"
    profile = standards.read("profiles").set_index("code")[f"name_{study.language}"].get(study.standards, "")
    notes = [
        study.note,
        f"标准方案：{profile}（{study.standards}）" if zh else f"Standards: {profile} ({study.standards})",
        f"数据日期：{study.as_of}" if zh else f"Data as of {study.as_of}",
        f"坐标系：{study.crs.name}" if zh else f"Coordinate system: {study.crs.name}",
        _READ[theme][not zh],
        _edition_said(frames, study.language) if theme == "land" else "",
    ]
    sheets = {
        labels.sheet(name, study.language): workbook.Sheet(
            frame=frame,
            title=labels.sheet(name, study.language),
            note=_SAID[name][not zh] if name in _SAID else "",
            labels=labels.of_sheet(name, study.language) | _rules_named(frames, study.language),
            foot=_foot(theme, name, frames, study),
            question=labels.question(name, study.language),
        )
        for name, frame in frames.items()
    }
    title = f"{study.name} · {labels.sheet(theme, study.language)}"
    workbook.write(sheets, path, title=title, notes=[note for note in notes if note], language=study.language)


def _rules_named(frames: Mapping[str, pd.DataFrame], language: str) -> dict[str, str]:
    """Headings of the columns of rules that only a city's own edition has."""
    rules = frames.get("land_rules")
    if rules is None:
        return {}
    own = rules[~rules["rule"].isin(symbols.rules())]
    return {rule: f"{rule} {name}" for rule, name in zip(own["rule"], own["name"], strict=True)}


def _edition_said(frames: Mapping[str, pd.DataFrame], language: str) -> str:
    """Which edition the verdicts are by, and how many of its criteria must hold."""
    rules = frames["land_rules"]
    chosen = rules["profile"][rules["rule_class"] == "low_efficiency"].unique()
    if "land_editions" not in frames or not len(chosen):
        return ""
    rows = frames["land_editions"].set_index("edition")
    row = rows.loc[chosen[0]]
    if language == "zh":
        return f"判据版本：{row['name']}（{chosen[0]}），满足 {row['needed']} 条即为候选。"
    return f"Edition: {row['name']} ({chosen[0]}); {row['needed']} of its criteria make a candidate."


_STATES = ("idle", "not_supplied")


def _foot(theme: str, name: str, frames: Mapping[str, pd.DataFrame], study: Study) -> list[str]:
    """What stands below a sheet: the date of the data, the texts its figures go by, and what their marks mean."""
    if theme == "blocks":
        return _blocks_foot(study)
    if theme in ("land", "reuse"):
        return _foot_of_rules(name, frames, study)
    zh = study.language == "zh"
    said = [f"数据日期：{study.as_of}" if zh else f"Data as of {study.as_of}"]
    rows = sources(theme, study)
    if len(rows):
        said += ["依据：" if zh else "Sources:", *rows["text"], _marks_said(rows["mark"], study.language)]
    return said


def sources(theme: str, study: Study) -> pd.DataFrame:
    """The texts that a theme's thresholds are from: ``text`` (title, number and mark) and ``mark``, without which copy was read.

    Themes whose tables carry their sources row by row (land, reuse, blocks), and those without thresholds, give no rows.
    """
    marked = pd.DataFrame({"source": [], "mark": []}, dtype="str")
    if theme in ("coverage", "supply"):
        tiers, steps = standards.read("tiers"), standards.read("parameters")
        by = study.standards if (tiers["profile"] == study.standards).any() else "national_2018"
        step = steps[steps["code"].isin(["walk_speed_adult_m_s", "offstreet_max_m"])]
        marked = pd.concat([tiers[tiers["profile"] == by], step])[["source", "mark"]]
    elif theme in ("parks", "pipes"):
        marked = standards.read({"parks": "park_classes", "pipes": "pipe_rules"}[theme])[["source", "mark"]]
    listed = standards.read("sources").set_index("key")
    titles = (listed["title"] + " " + listed["number"]).str.strip()
    marked = marked.assign(mark=marked["mark"].str.split(":K").str[0]).drop_duplicates()
    marks = marked.groupby("source", sort=False)["mark"].agg(lambda each: "、".join(sorted(each)))
    stop = "（{}）" if study.language == "zh" else " ({})"
    own = "本软件的设计选择" if study.language == "zh" else "A design choice of this software"
    text = [
        (own if key == "design" else titles.get(key, key)) + stop.format(mark)
        for key, mark in zip(marks.index, marks, strict=True)
    ]
    return pd.DataFrame({"text": text, "mark": marks.tolist()}, dtype="str")


def _marks_said(used: pd.Series[str], language: str) -> str:
    """What the marks mean, in a line."""
    marks = standards.read("marks")
    present = set(used.str.split("、").explode())
    said = [
        f"{code} {word}" for code, word in zip(marks["code"], marks[f"name_{language}"], strict=True) if code in present
    ]
    return ("标记：" if language == "zh" else "Marks: ") + ("；" if language == "zh" else "; ").join(said)


def _foot_of_rules(name: str, frames: Mapping[str, pd.DataFrame], study: Study) -> list[str]:
    """What stands below a sheet on land or reuse: the texts its criteria are from with their marks, and the date of the data."""
    zh, frame = study.language == "zh", frames[name]
    if "source" not in frame and "reuse_rules" in frames:
        frame = frames["reuse_rules"]
    elif "source" not in frame:
        frame = frames["land_rules"]
        frame = frame[frame["rule_class"].isin(_STATES) == (name == "land_idle")] if name != "land_rules" else frame
    if name in ("land_doubts", "land_buildings", "reuse_doubts"):
        frame = frame.iloc[:0]
    if "reuse_rules" in frames:  # without the clause, which stands beside its rule
        frame = frame.assign(source=frame["source"].str.split("，").str[0])
    texts = frame["source"] + (("（" + frame["mark"] + "）") if zh else (" (" + frame["mark"] + ")"))
    listed = texts.drop_duplicates().tolist()
    return [
        f"数据日期：{study.as_of}" if zh else f"Data as of {study.as_of}",
        *(["依据：" if zh else "Sources:"] if listed else []),
        *listed,
        *([_marks_said(frame["mark"].str.split(":K").str[0], study.language)] if listed else []),
    ]


def _blocks_foot(study: Study) -> list[str]:
    """What stands below a sheet on renewal blocks: the sizes and limits used, each with its source and mark, and the date of the data."""
    zh = study.language == "zh"
    sizes = standards.read("parameters")
    sizes = sizes[sizes["code"].isin(_BLOCK_LIMITS)]
    limits = standards.read("reuse").query("quantity in ['demolition_share', 'rebuild_ratio']")
    rows = pd.concat([sizes, limits])
    listed = standards.read("sources").set_index("key")
    titles = (listed["title"] + " " + listed["number"]).str.strip()
    stop = "（{}，{}）" if zh else " ({}, {})"
    colon = "：" if zh else ": "
    said = [
        f"{name}{colon}{_SIGNS.get(sign, sign)} {value:g}{'' if unit in _BARE else ' ' + unit}"
        + stop.format(titles.get(source, source), mark)
        for name, sign, value, unit, source, mark in zip(
            *(rows[c] for c in (f"name_{study.language}", "operator", "value", "unit", "source", "mark")), strict=True
        )
    ]
    marks, used = standards.read("marks"), set(rows["mark"])
    told = marks[marks["code"].isin(used)]
    words = [f"{code} {word}" for code, word in zip(told["code"], told[f"name_{study.language}"], strict=True)]
    return [
        f"数据日期：{study.as_of}" if zh else f"Data as of {study.as_of}",
        "依据：" if zh else "Sources:",
        *said,
        ("标记：" if zh else "Marks: ") + ("；" if zh else "; ").join(words),
    ]


_BLOCK_LIMITS = (
    *("block_least_ha", "block_most_ha", "block_join_m", "block_cut_m", "block_gap_share"),
    *("old_compound_built_year", "blocks_per_town_min", "parcel_overlap_told_m2"),
)
_BARE = ("count", "share", "ratio", "year")
_SIGNS = {"<=": "≤", ">=": "≥"}
_SAID = {
    "renewal_blocks": (
        "片区由低效用地、老旧小区、闲置资产和设施缺口地块连成，不跨围墙、河流、铁路和干路；人口按片区轮廓内的住处计。",
        "Blocks join low-efficiency plots, old compounds, plots with idle assets and plots in a gap; none crosses a wall, river, railway or main road. Residents are those of the homes inside the outline.",
    ),
    "renewal_block_evidence": (
        "每个有理由更新的地块一行：入哪个片区，或为何未入；未知不算否。",
        "One row a plot with a reason: its block, or why it is in none. Not known is not no.",
    ),
    "renewal_block_land": (
        "片区内地块按用地大类；重叠的地块各自计入。",
        "The plots of each block by land-use group; overlapping plots count each.",
    ),
    "renewal_block_assets": (
        "每项闲置资产所在的片区；有建议用途的列出首选。",
        "The block each idle asset is in, and the first use proposed for it where there is one.",
    ),
    "renewal_block_gaps": (
        "片区居民在各层级时限内走不到的必配设施，影响人数多者在前。",
        "Required kinds the residents of a block cannot reach in the minutes of the tier, most people first.",
    ),
    "renewal_demolition": (
        "拆除与新建取自项目图层，按项目在片区内的用地比例计；没有项目图层时未知，不算零。",
        "Demolition and new floor area come from the layer of projects, by the share of a project's ground in the block; without that layer they are not known, which is not nought.",
    ),
    "renewal_duplicates": (
        "同类、同年、用地重叠的项目对；类别或年份缺失的为未知。",
        "Pairs of projects of one kind and year on the same ground; not known where kind or year is missing.",
    ),
    "renewal_town": (
        "个数如实报告，不为凑数而划片。",
        "The count is what it is: no block is made to meet the rule.",
    ),
    "land_candidates": (
        "达到版本所要求的条数即为候选；把握程度按已知判据的比例，不影响判定。“取决于”列出上下浮动一成即改变结论的数。",
        "As many criteria as the edition asks for make a candidate. Confidence is the share of criteria that are known and changes no verdict. “Hangs on”: the numbers that change it when moved by a tenth.",
    ),
    "land_evidence": (
        "候选地块逐条判定（面积大者在前，以工作表容量为限）：数值、标准、结果、依据；未知不算否。",
        "Every criterion of every candidate, the largest first, as far as a sheet holds: value, threshold, answer, source. Not known is not no.",
    ),
    "land_standing": (
        "名单有多稳。始终在名单：任一阈值浮动一成、任去一条判据都不出名单；只凭一条判据：去掉该条即出名单；取决于一个（几个）数：该数浮动一成即进出名单。",
        "How firm the list is. Always in: no threshold moved by a tenth and no criterion left out takes it off. By one criterion: off without that one. On one number (several numbers): in or out when that number moves by a tenth.",
    ),
    "land_sensitivity": (
        "每个阈值上下浮动一成、每条判据去掉一次，候选名单如何变化；年份按房龄浮动。",
        "How the list changes when each threshold moves by a tenth and when each criterion is left out; a year moves by its age.",
    ),
    "land_parcels": (
        "全部地块：地类、判定、指标与逐条结果；各条的标准与依据见“判定标准”。",
        "Every parcel: its land use, class, measures and the answer to each criterion; thresholds and sources are on the sheet of rules.",
    ),
    "land_rules": (
        "所用版本的全部判据；同一编号的各行须同时成立。“可作判定”为否的只作参考。",
        "All criteria of the edition; rows of one code must hold together. Those that do not bind only indicate.",
    ),
    "land_editions": (
        "同一批地块按各版本判定；“有数据”指本地有数据可判的条数。",
        "The same parcels by every edition; “with data”: the criteria this place can answer.",
    ),
    "land_idle": (
        "闲置土地与批而未供是单独的法定状态，不计入低效用地判定。",
        "Idle land and land approved but not supplied are states of their own and never part of the low-efficiency verdict.",
    ),
    "land_town": (
        "县城整体指标：建设用地上的建筑面积 ÷ 建设用地面积。",
        "Limits of the town as a whole: floor area on construction land ÷ that land.",
    ),
    "land_doubts": (
        "数据疑点逐项计数，未作猜测；面积为涉及的平方米数。",
        "What is doubtful in the data, counted and never guessed; the area is the square metres concerned.",
    ),
    "land_buildings": (
        "不在任何地块上、跨地块、部分在地块外、或所属地块与图形不符的建筑。",
        "Buildings on no parcel, on several, partly on none, or on another than they declare.",
    ),
    "reuse_by_asset": (
        "每处资产的可用途，按排序；不允许的与不适配的不排。费用按用途所需最小面积乘单价估算，单价为本工具自设，仅供比较。",
        "The uses of each asset in order; those that are forbidden or do not fit are not ranked. Cost: the smallest area the use asks for × our own assumed rate, for comparison only.",
    ),
    "reuse_by_use": (
        "每种用途的备选资产，按排序；口径同上表。",
        "The assets for each use in order, by the same rule.",
    ),
    "reuse_choices": (
        "每个方案选了几处、新增可达多少、任何方案都超不过的上限、相差多少、合计费用。预算之下费用未知的用途不参选，单列个数。",
        "For each choice: sites taken, residents newly reached, what no choice can surpass, how far from it, cost. Under a budget a use of unknown cost cannot be chosen and is counted apart.",
    ),
    "reuse_conditional": (
        "硬性条件没有一条不符合，但有的尚未查明：查明并符合后，这些用途才可允许。得益人数多者在前。",
        "No hard stop fails, but some are not known: only once they are confirmed are these uses allowed. Most people first.",
    ),
    "reuse_unchecked": (
        "规范和文件提出、但现有图层无从判断的要求：任何资产都没有核对过这些，须另行核实。",
        "What the texts ask for and no layer can tell: no asset has been checked for any of these; check them apart.",
    ),
    "reuse_sites": (
        "给定处数时新增可达最多的组合：每处资产至多一种用途，现有设施保留，一人按每类设施各计一次。“距上限不超过”为 0 即已最优。",
        "The choice that newly reaches most for a number of sites: one use an asset, existing facilities kept, a person counted once for each kind. “Within” 0 means the best possible.",
    ),
    "reuse_curve": (
        "处数逐一增加时的最好结果；每行各自求解，后一行不必包含前一行的资产。",
        "The best for every number of sites; each row is a choice of its own and need not contain the one before.",
    ),
    "reuse_gains_by_area": (
        "上述方案中新增可达的居民住在哪里。",
        "Where those live who are newly reached by the choices above.",
    ),
    "reuse_forbidden": (
        "被硬性条件排除的用途及理由；整改或获批后可重新判定。",
        "Uses that a hard stop forbids, and why; once mended or approved they may be judged anew.",
    ),
    "reuse_assets": (
        "台账与图层中发现的闲置资产；“依据”说明如何得知。图层中发现的资产权属未知，用途最多为“确认后可允许”。",
        "Idle assets of the register and those found in the layers; the evidence says how it is known. Of those found nobody knows the title, so uses are allowed at most once that is confirmed.",
    ),
    "reuse_criteria": (
        "每处资产逐条的数值、标准、结果与依据；对各用途相同的条件只列一次（用途：不限）。",
        "Value, threshold, answer and source of every rule for every asset; what is asked alike for all uses stands once (use: any).",
    ),
    "reuse_rules": (
        "所用判据；“可作判定”为否的只作提示。",
        "The rules; those that do not bind only warn.",
    ),
    "reuse_doubts": (
        "资产数据中缺少或可疑之处，逐项计数，未作猜测。",
        "What is lacking or doubtful in the data on assets, counted and never guessed.",
    ),
    "certainty": (
        "迹象只作提示，不改变任何结果；达到限定个数的迹象即称数据单薄。",
        "A sign is only said and changes no result; so many of them together call the data thin.",
    ),
    "coverage_edge": (
        "触及数据边缘：住处 15 分钟内可走出道路或设施数据的范围，界外的设施无从计入。",
        "At the edge: within 15 minutes of the home a walk leaves the streets or facilities that were collected; what lies beyond cannot count.",
    ),
    "sensitivity": (
        "同一数据在步速减慢与加快、离街距离上限减半与加倍时的覆盖率。",
        "The same shares for a slower and a faster walker, and with half and twice the longest way off the street.",
    ),
    "coverage_methods": (
        "“按直线”即以设施为圆心的标准半径覆盖，官方统计多用此法；它不计河流、围墙与绕行，通常偏高。",
        "By straight line: circles of the standard's radius, as many official figures are computed; they see no river, wall or detour.",
    ),
    "coverage_walkers": (
        "有高程数据时计坡度；没有时各类步行者只差步速、台阶与离街距离。",
        "Slopes count where there is an elevation raster; without one walkers differ in speed, steps and the way off the street only.",
    ),
    "gap_areas": (
        "缺口片区由有人未覆盖的网格连成；一人缺任何一类必配设施即计入。",
        "Gap areas are joined from the cells where somebody lacks a required kind; a person lacking any one of them counts.",
    ),
    "supply_town": (
        "两步移动搜寻法，高斯衰减：每处设施的规模按距离分给步行可及的居民；基尼系数 0 为完全均等。",
        "Two-step floating catchment with Gaussian decay: each facility is shared out to the residents who can walk there; a Gini coefficient of 0 is even.",
    ),
    "supply_match": (
        "相差大于 0：该社区所占设施规模高于其人口比例；规模未知的设施只计个数。",
        "Difference above 0: the community has more than its share of residents; facilities of unknown size are only counted.",
    ),
}
_READ = {
    "reuse": (
        "“未知”不是“允许”：硬性条件有未查明的，用途只列为“确认后可允许”，并写明须先确认什么。新增可达指步行时限内、目前走不到同类设施的居民，步行时间与生活圈相同。"
        "排序：允许的先于确认后可允许的，适配的先于适配未知的，新增可达多的在前，其余按编号。",
        "Not known is not allowed: a use with a hard stop that nobody has checked is allowed only once that is confirmed, and the sheet says what. Newly reached are residents within the walking time who reach no such facility today, by the walks of "
        "the life circle. Order: allowed before allowed once confirmed, fitting before fit not known, more people first, then by id.",
    ),
    "inventory": (
        "每个图层：读入 = 保留 + 退回；退回的行及原因见“退回行”。",
        "For every layer rows read = kept + rejected; rejected rows and why are on their own sheet.",
    ),
    "coverage": (
        "覆盖率 = 已覆盖 ÷（已覆盖 + 未覆盖）；未接入路网的住处既不算覆盖也不算缺口，计入“情况未知”。步行时间含到街道的一段。",
        "Share = covered ÷ (covered + left out). A home that is not joined to a street is neither; it is not known. "
        "Walks include the way to the street.",
    ),
    "supply": (
        "规模取自图层；图层没有的，取标准规定的下限，说明应有多少，而非实有多少。",
        "Sizes are those of the layer; where it has none, the least the standard asks for: what should be there, not what is.",
    ),
    "land": (
        "“未知”不是“否”：缺数据的条件不作判定。“参考”表示该阈值未经核实，不参与判定。",
        "Not known is not no: a criterion without data decides nothing. Indicative: the threshold is not confirmed and decides nothing.",
    ),
    "parks": (
        "服务半径按公园边界的直线缓冲计算（指标口径），不是步行距离。",
        "Service radii are straight-line buffers around parks, as the indicator defines them, not walking distances.",
    ),
    "blocks": (
        "片区大小、连片间距和缺口判断为本软件的设计选择（D），可在参数表修改；小于下限的连片组列为零星地块，大于上限的切分为大小相近的片区，单块即大于上限的另列。",
        "Sizes, widths and the gap limit of blocks are design choices (D) of the table of parameters. Groups below the least are listed as single plots; groups above the most are cut in parts of like size; a plot that alone is above it is listed apart.",
    ),
    "pipes": (
        "长度为图上水平长度；无建成年份的管段管龄为“未知”；仅写“铸铁”的不作灰口铸铁。",
        "Lengths are horizontal, as drawn; a pipe without a year has no age; plain cast iron is not taken for grey iron.",
    ),
}
