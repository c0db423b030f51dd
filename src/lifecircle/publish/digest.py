"""What a few pages say of a town: sections of sentences and short tables, from the results of a run.

The report prints them as one page to read, the appendix as numbered tables of a document; neither works anything out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import geopandas as gpd
import pandas as pd

from lifecircle import normalise, standards
from lifecircle.publish import labels, reuse_sheets, whole
from lifecircle.study import Study

Layers = Mapping[str, gpd.GeoDataFrame | pd.DataFrame]
_ROWS = 8
_NAMED = 5


class Table(NamedTuple):
    """A short table in words: a caption, and the cells as text under headings with units."""

    caption: str
    cells: pd.DataFrame


def is_number(cells: pd.Series[str]) -> bool:
    """Whether a column of a table is to stand to the right: every cell that is not blank is a number, a range or a share.

    >>> is_number(pd.Series(["1,200", "", "3–4 %"])), is_number(pd.Series(["B001"]))
    (True, False)
    """
    filled = cells[cells != ""]
    return bool(len(filled) and filled.str.fullmatch(r"[-–\d.,]+( %)?").all())


class Section(NamedTuple):
    """A heading, sentences, and tables; `code` names it whatever the language."""

    code: str
    title: str
    lines: list[str]
    tables: list[Table]


class Town(NamedTuple):
    """What the sections are written from: a study and what a run made of it."""

    study: Study
    inventory: normalise.Inventory
    results: Layers
    skipped: Mapping[str, str]
    network: Mapping[str, Any]
    language: str

    def say(self, zh: str, en: str) -> str:
        """The words of the language the pages are in."""
        return zh if self.language == "zh" else en


def sections(
    study: Study,
    inventory: normalise.Inventory,
    results: Layers,
    *,
    skipped: Mapping[str, str],
    network: Mapping[str, Any],
    language: str = "",
) -> list[Section]:
    """The sections in order: at a glance, shares with their uncertainty, gaps, candidates, what to do first, method and sources.

    A theme that was left out has no tables; method and sources say why. `language` is the study's unless given.
    """
    town = Town(study, inventory, results, skipped, network, language or study.language)
    return [make(town) for make in (_glance, _shares, _gaps, _candidates, _first, _method)]


def _glance(town: Town) -> Section:
    figures = whole.headlines(dict(town.results), language=town.language)
    cells = figures.set_axis(
        [town.say("指标", "Figure"), town.say("数值", "Value"), town.say("把握", "How sure")], axis=1
    )
    doubts = whole.doubts(town.network, language=town.language)
    lines = [town.study.note, *doubts[:1]] if town.study.note else doubts[:1]
    return Section(
        "glance",
        town.say("县城概览", "The town at a glance"),
        [line for line in lines if line],
        [Table(town.say("主要数字", "Headline figures"), cells)] if len(cells) else [],
    )


def _shares(town: Town) -> Section:
    """The required kinds that fewest reach, tier by tier, and how far each share may be off."""
    tables, lines = [], []
    rows = _required(town)
    if rows is None:
        return Section("shares", town.say("谁走得到什么", "Who reaches what"), [_left_out(town, "coverage")], [])
    weight = "residents" if "residents" in rows else "dwellings"
    step = f"{standards.parameter('sensitivity_speed_share'):.0%}".replace("%", " %")
    for tier, mine in rows.groupby("tier"):
        worst = mine.sort_values([f"share_of_{weight}", "kind"], kind="stable").head(_ROWS)
        tables.append(
            Table(
                town.say(
                    f"{tier:g} 分钟内最少人走得到的必配设施", f"Required kinds that fewest reach in {tier:g} minutes"
                ),
                _told(
                    town,
                    worst,
                    {
                        "kind": town.say("设施", "Kind"),
                        "facilities": town.say("现有（处）", "Facilities"),
                        f"share_of_{weight}": town.say("走得到", "Reach it"),
                        "range": town.say(f"步速 ±{step}", f"Speed ±{step}"),
                        "share_away_from_edge": town.say("不计数据边缘", "Away from the edge"),
                        "share_by_straight": town.say("按直线半径", "By straight radius"),
                        f"{weight}_left_out": _people(town, weight, "走不到", "left out"),
                    },
                ),
            )
        )
    lines.append(
        town.say(
            "占比只算接入路网的人；步速增减得到的两端说明它有多稳，不计数据边缘的一列去掉了一刻钟会走出数据范围的住处。"
            "按直线半径的数字偏高，只供与官方口径对照。",
            "Shares count those joined to a street. The range over the walking speed says how firm each is; the column away from the edge leaves out homes "
            "whose quarter of an hour leaves the data. Straight-line figures are too high and stand for comparison only.",
        )
    )
    return Section("shares", town.say("谁走得到什么", "Who reaches what"), lines, tables)


def _required(town: Town) -> pd.DataFrame | None:
    """The required kinds by minutes, with range over the speed, share away from the edge, and by straight line."""
    if "coverage_town" not in town.results:
        return None
    table = pd.DataFrame(town.results["coverage_town"])
    rows = table[(table["method"] == "minutes") & table["required"].astype(bool)].copy()
    for name, columns in (
        ("sensitivity", ["share_slower", "share_faster"]),
        ("coverage_edge", ["share_away_from_edge"]),
        ("coverage_methods", ["share_by_straight"]),
    ):
        if name in town.results:
            more = pd.DataFrame(town.results[name])[["tier", "kind", *columns]]
            rows = rows.merge(more, on=["tier", "kind"], how="left")
    if "share_slower" in rows:
        ends = rows[["share_slower", "share_faster"]]
        low, high = (_percent(each) for each in (ends.min(axis=1), ends.max(axis=1)))
        both = low.str.removesuffix(" %") + "–" + high
        rows["range"] = both.where(ends.notna().all(axis=1))
    return rows


def _gaps(town: Town) -> Section:
    tables, lines = [], []
    if "gap_areas" in town.results:
        found = pd.DataFrame(town.results["gap_areas"]).rename_axis(None).reset_index(drop=True)
        weight = "residents" if "residents_left_out" in found else "dwellings"
        left = f"{weight}_left_out"
        for tier, mine in found.groupby("tier"):
            tables.append(
                Table(
                    town.say(f"{tier:g} 分钟缺口片区，影响大的在前", f"Gap areas of {tier:g} minutes, largest first"),
                    _told(
                        town,
                        mine.sort_values(["rank"], kind="stable").head(5),
                        {
                            "rank": town.say("各层级总排名", "Rank over all tiers"),
                            "name": town.say("社区", "Community"),
                            left: _people(town, weight, "走不到", "left out"),
                            "missing_kinds": town.say("缺几类", "Kinds missing"),
                            "worst_kind": town.say("最缺", "Most lacking"),
                            "walk_min": town.say("走到最缺一类（分钟）", "Walk to it (min)"),
                        },
                    ),
                )
            )
    if "gaps" in town.results:
        found = pd.DataFrame(town.results["gaps"])
        weight = "residents" if "residents_left_out" in found else "dwellings"
        found = found[found["required"].astype(bool)] if "required" in found else found
        tables.append(
            Table(
                town.say("社区与设施的缺口，影响大的在前", "Gaps by community and kind, largest first"),
                _told(
                    town,
                    found.sort_values("rank", kind="stable").head(_ROWS),
                    {
                        "name": town.say("社区", "Community"),
                        "kind": town.say("设施", "Kind"),
                        "tier": town.say("层级（分钟）", "Tier (min)"),
                        f"{weight}_left_out": _people(town, weight, "走不到", "left out"),
                        f"share_of_{weight}": town.say("走得到", "Reach it"),
                        "facilities": town.say("全城现有（处）", "Facilities in town"),
                    },
                ),
            )
        )
    if not tables:
        lines.append(_left_out(town, "coverage") or town.say("没有缺口。", "There is no gap."))
    return Section("gaps", town.say("缺口排序", "Ranked gaps"), lines, tables)


def _candidates(town: Town) -> Section:
    tables, lines = [], []
    if "land" in town.results:
        land = pd.DataFrame(town.results["land"])
        land = land.assign(id=land["parcel_id"] if "parcel_id" in land else land.index.astype("str"))
        found = land[land["candidate"] == "candidate"].sort_values(
            ["area_m2", "id"], ascending=[False, True], kind="stable"
        )
        firm = (found["standing"] == "always in").sum() if "standing" in found else 0
        share = found["area_m2"].sum() / standards.parameter("ha_m2")
        unknown, every = int((land["candidate"] == "not known").sum()), len(land)
        if unknown < every:
            lines.append(
                town.say(
                    f"低效用地候选 {len(found)} 块，{share:,.1f} 公顷；阈值上下浮动一成、判据逐条去掉后仍在名单的 {firm} 块。",
                    f"Low-efficiency candidates: {len(found)} parcels, {share:,.1f} ha; {firm} stay listed whatever threshold moves by a tenth or criterion is left out.",
                )
            )
        if unknown:
            lines.append(
                town.say(
                    f"低效用地：{every} 块中有 {unknown} 块缺数据，是否低效未知。",
                    f"Low-efficiency land: for {unknown} of {every} parcels the data do not say; they are not known.",
                )
            )
        if len(found):
            tables.append(
                Table(
                    town.say("低效用地候选，面积大的在前", "Low-efficiency candidates, the largest first"),
                    _told(
                        town,
                        found.assign(ha=found["area_m2"] / standards.parameter("ha_m2")).head(_ROWS),
                        {
                            "id": town.say("地块", "Parcel"),
                            "name": town.say("名称", "Name"),
                            "ha": town.say("面积（公顷）", "Area (ha)"),
                            "reasons": town.say("符合判据", "Criteria met"),
                            "confidence": town.say("把握", "Confidence"),
                            "standing": town.say("名单稳定性", "How firm"),
                        },
                    ),
                )
            )
    if "reuse_sites" in town.results and len(town.results["reuse_sites"]):
        tables.append(_conversions(town))
    if "renewal_blocks" in town.results and len(town.results["renewal_blocks"]):
        blocks = pd.DataFrame(town.results["renewal_blocks"])
        blocks = blocks.assign(
            id=blocks["block_id"] if "block_id" in blocks else blocks.index.astype("str"),
            ha=blocks["plots_m2"] / standards.parameter("ha_m2"),
        )
        weight = "residents" if "residents" in blocks else "dwellings"
        tables.append(
            Table(
                town.say("更新片区，面积大的在前", "Renewal blocks, the largest first"),
                _told(
                    town,
                    blocks.sort_values(["plots_m2", "id"], ascending=[False, True], kind="stable").head(5),
                    {
                        "id": town.say("片区", "Block"),
                        "plots": town.say("地块", "Plots"),
                        "ha": town.say("面积（公顷）", "Area (ha)"),
                        weight: _people(town, weight, "", ""),
                        "main_use": town.say("主要用地", "Main use"),
                    },
                ),
            )
        )
    if "pipes_screen" in town.results:
        tables.append(_renewal(town))
    lines += [text for theme in ("land", "reuse", "pipes") if (text := _left_out(town, theme))]
    return Section("candidates", town.say("可以动的地方", "Candidates"), lines, tables)


def _conversions(town: Town) -> Table:
    """The best choice of the fewest conversions."""
    sites = reuse_sheets.narrow(pd.DataFrame(town.results["reuse_sites"]))
    sites = sites[sites["sites"] == sites["sites"].min()].sort_values("rank", kind="stable")
    weight = "residents" if "residents_added" in sites else "dwellings"
    return Table(
        town.say(
            f"闲置资产：先改造这 {len(sites)} 处，新增可达的人最多",
            f"Idle assets: the {len(sites)} conversions that newly reach most",
        ),
        _told(
            town,
            sites,
            {
                "asset_id": town.say("资产", "Asset"),
                "name": town.say("名称", "Name"),
                "use": town.say("用途", "Use"),
                f"{weight}_added": _people(town, weight, "新增可达", "newly reached"),
                "gap_share": town.say("距上限不超过", "Within of the best"),
                "cost_yuan": town.say("估算费用（万元，自设单价）", "Cost (10,000 yuan, our own rates)"),
            },
        ),
    )


def _renewal(town: Town) -> Table:
    pipes = pd.DataFrame(town.results["pipes_screen"])
    by = pipes.groupby(["network", "renewal"], observed=True)["length_m"].sum().unstack(fill_value=0) / 1000
    by = by[[c for c in ("on the list", "age reached, not assessed", "not known", "not on the list") if c in by]]
    by = by.sort_index().reset_index()
    return Table(
        town.say("管线更新判定（公里）", "Pipes by renewal (km)"),
        _told(
            town,
            by,
            {
                "network": town.say("管网", "Network"),
                **{c: labels.word(c, town.language) for c in by.columns if c != "network"},
            },
        ),
    )


def _first(town: Town) -> Section:
    """What to do first, in order: mend the data, then what reaches most people, then what is firm."""
    steps: list[str] = []
    doubts = whole.doubts(town.network, language=town.language)
    none = [labels.word(kind, town.language) for kind in town.network.get("required_kinds_without_facility", [])]
    thin = any(row["item"] == "verdict" and row["word"] == "thin" for row in town.network.get("certainty", []))
    if thin:
        steps.append(
            town.say(f"先补数据，再谈缺口。{doubts[0]}", f"Mend the data before speaking of gaps. {doubts[0]}")
        )
    elif none:
        many = len(none) > _NAMED
        said = town.say("、".join(none), ", ".join(none).lower())
        zh, en = (f"{len(none)} 类", f"none of {len(none)} required kinds") if many else (f"的{said}", f"no {said}")
        steps.append(
            town.say(
                f"先核对数据：必配设施中{zh}在数据里一处也没有，是没建还是没收集，决定缺口排序。",
                f"Check the data first: the data hold {en}. Whether the town lacks them or nobody collected them decides the ranking.",
            )
        )
    elif doubts:
        steps.append(town.say(f"先核对数据：{doubts[0]}", f"Check the data first: {doubts[0]}"))
    sites = town.results.get("reuse_sites")
    if sites is not None and len(sites):
        few = reuse_sheets.narrow(pd.DataFrame(sites))
        few = few[few["sites"] == few["sites"].min()].sort_values("rank", kind="stable")
        weight = "residents" if "residents_added" in few else "dwellings"
        listed = town.say("；", "; ").join(
            f"{name if isinstance(name, str) else asset} → {labels.word(use, town.language)}"
            for asset, name, use in zip(few["asset_id"], few["name"], few["use"], strict=True)
        )
        reached = f"{few[f'{weight}_so_far'].max():,.0f}"
        steps.append(
            town.say(
                f"改造这 {len(few)} 处闲置资产：{listed}。合计新增可达 {reached} 人次（一人按每类设施计一次）。",
                f"Convert these {len(few)} idle assets: {listed}. Together {reached} newly reached, a person counted once for each kind.",
            )
        )
    gaps = town.results.get("gap_areas")
    if gaps is not None and len(gaps) and not thin:
        top = pd.DataFrame(gaps).sort_values(["rank", "tier"], kind="stable").iloc[0]
        weight = "residents" if "residents_left_out" in gaps else "dwellings"
        counted = {"residents": ("人", "residents"), "dwellings": ("套住房", "dwellings")}[weight][
            town.language != "zh"
        ]
        where = top["name"] if isinstance(top["name"], str) else town.say("无社区名", "no community")
        steps.append(
            town.say(
                f"补最大的缺口片区（{where}一带，{top['tier']:g} 分钟）：{_number(top[f'{weight}_left_out'])} {counted}走不到至少一类必配设施，最缺{labels.word(top['worst_kind'], 'zh')}。",
                f"Fill the largest gap area (around {where}, {top['tier']:g} minutes): {_number(top[f'{weight}_left_out'])} {counted} lack some required kind, most of all {labels.word(top['worst_kind'], 'en').lower()}.",
            )
        )
    pipes = town.results.get("pipes_screen")
    if pipes is not None:
        due = pipes["length_m"][pipes["renewal"] == "on the list"].sum() / 1000
        if due > 0:
            steps.append(
                town.say(
                    f"更新列入清单的管线 {due:,.1f} 公里；达到年限而未评估的先评估。",
                    f"Renew the {due:,.1f} km of pipes on the list; those that reached the age but were not assessed, assess first.",
                )
            )
    land = town.results.get("land")
    if land is not None and "standing" in land:
        firm = pd.DataFrame(land)[land["standing"] == "always in"]
        if len(firm):
            steps.append(
                town.say(
                    f"从 {len(firm)} 块怎样判都在名单上的低效用地（{firm['area_m2'].sum() / standards.parameter('ha_m2'):,.1f} 公顷）入手，现场核实后再定。",
                    f"Begin with the {len(firm)} parcels that are listed whatever moves ({firm['area_m2'].sum() / standards.parameter('ha_m2'):,.1f} ha), and look at them on the ground.",
                )
            )
    return Section("first", town.say("先做什么", "What to do first"), steps, [])


def _method(town: Town) -> Section:
    study = town.study
    profile = (
        standards.read("profiles").set_index("code")[f"name_{town.language}"].get(study.standards, study.standards)
    )
    lines = [
        whole.method(town.network, language=town.language),
        town.say(
            f"标准方案：{profile}。数据日期：{study.as_of}。坐标系：{study.crs.name}。",
            f"Standards: {profile}. Data as of {study.as_of}. Coordinate system: {study.crs.name}.",
        ),
        town.say(
            "未知就是未知：缺数据的条件既不算符合也不算不符合；筛查结果是候选，不是认定。",
            "Not known stays not known: a condition without data is neither met nor failed; what a screen finds are candidates, not verdicts.",
        ),
        *whole.doubts(town.network, language=town.language),
        *(_left_out(town, theme) for theme in town.skipped),
    ]
    used = {"coverage": "coverage_town", "parks": "park_coverage", "pipes": "pipes_screen"}
    texts = pd.concat([whole.sources(theme, study) for theme, name in used.items() if name in town.results] or [_NONE])
    more = [
        pd.DataFrame(town.results[name])[["source"]].dropna().drop_duplicates()["source"]
        for name in ("land_rules", "reuse_rules")
        if name in town.results
    ]
    # the rules name the clause behind the text; here the text is enough
    short = [each.str.split(r"，|, |；|; ", regex=True).str[0] for each in more]
    listed = pd.concat([texts["text"], *short]).drop_duplicates()
    layers = town.inventory.layers
    read = layers[layers["kept"] > 0] if "kept" in layers else layers
    files = read[[c for c in ("layer", "source", "read", "kept", "rejected") if c in read]].astype("str")
    files["layer"] = files["layer"].map(lambda name: labels.word(name, town.language))
    files = files.set_axis([labels.heading(str(c), town.language) for c in files], axis=1).fillna("")
    return Section(
        "method",
        town.say("方法与来源", "Method and sources"),
        [line for line in lines if line],
        [
            Table(town.say("所用数据", "Data used"), files.reset_index(drop=True)),
            Table(town.say("依据", "Sources"), pd.DataFrame({town.say("文件", "Text"): listed.tolist()}, dtype="str")),
        ],
    )


_NONE = pd.DataFrame({"text": []}, dtype="str")


def _left_out(town: Town, theme: str) -> str:
    why = town.skipped.get(theme)
    if why is None:
        return ""
    return town.say(f"未计算{labels.sheet(theme, 'zh')}：{why}。", f"{labels.sheet(theme, 'en')} left out: {why}.")


def _people(town: Town, weight: str, zh: str, en: str) -> str:
    people = {"residents": ("人", "residents"), "dwellings": ("套", "dwellings")}[weight]
    if not zh:
        return town.say({"residents": "人口", "dwellings": "住房（套）"}[weight], people[1].capitalize())
    return town.say(f"{zh}（{people[0]}）", f"{people[1].capitalize()} {en}")


def _number(value: Any) -> str:
    return "" if pd.isna(value) else f"{value:,.0f}"


def _percent(values: pd.Series[Any]) -> pd.Series[str]:
    return values.astype("float64").mul(100).map("{:.0f} %".format, na_action="ignore").astype("str")


_SHOWN: Mapping[str, Callable[[float], str]] = {
    "walk_min": "{:.1f}".format,
    "ha": "{:,.2f}".format,
    "cost_yuan": lambda v: f"{v / 1e4:,.0f}",
}


def _told(town: Town, rows: pd.DataFrame, headings: Mapping[str, str]) -> pd.DataFrame:
    """The columns of `headings` that `rows` has, as text: codes in words, shares in percent, blanks for what is missing."""
    out = {}
    for column, heading in headings.items():
        if column not in rows:
            continue
        values = rows[column]
        if labels.is_share(column) and pd.api.types.is_numeric_dtype(values.dtype):
            text = _percent(values)
        elif pd.api.types.is_numeric_dtype(values.dtype):
            km = (
                "km"
                if column in ("on the list", "age reached, not assessed", "not known", "not on the list")
                else column
            )
            text = values.astype("float64").map(
                _SHOWN.get(km, "{:,.1f}".format if km == "km" else "{:,.0f}".format), na_action="ignore"
            )
        elif column in labels.CODED:
            text = values.astype("str").map(lambda code: labels.word(code, town.language), na_action="ignore")
        else:
            text = values.astype("str")
        out[heading] = text.astype("str").fillna("").reset_index(drop=True)
    return pd.DataFrame(out)
