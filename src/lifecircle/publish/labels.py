"""How columns, layers and codes are called where people read them, in Chinese and in English."""

import re
from collections.abc import Mapping
from functools import cache

from lifecircle import standards
from lifecircle.publish import symbols

# columns whose values are codes that `word` knows
CODED = frozenset(
    {
        *("kind", "level", "state", "network", "material", "use", "asset_kind", "candidate", "renewal", "land_group"),
        *("idle", "not_supplied", "area_differs", "joined", "why_not_joined", "method", "of", "binding", "group"),
        *("layer", "status", "how", "rule_class", "scope", "at_edge", "worst_kind", "walker", "slope_rule"),
        *("capacity_unit", "capacity_from", "item", "change", "action", "table"),
        *("answer", "exemption", "confidence", "standing", "land_use_known", "doubt", "far_differs", "parcel_agrees"),
        *("placed", "main_use", "low_efficiency", "old_compound", "idle_asset", "gap", "of_table", "duplicate"),
        *("demolition_share_kept", "rebuild_ratio_kept"),
        *("verdict", "fit", "origin", "space", "best_use", "best_verdict", "proven", "stopped"),
        *("in_farmland", "in_ecology", "in_heritage", "in_hazard", "title_clear", "basis", "candidates"),
    }
)


@cache
def _listed(domain: str) -> dict[str, tuple[str, str]]:
    """Code → (zh, en) of one domain of ``labels.csv``: unit (endings of column names), column, ending, word, sheet or question."""
    table = standards.read("labels")
    rows = table[table["domain"] == domain]
    return dict(zip(rows["code"], zip(rows["name_zh"], rows["name_en"], strict=True), strict=True))


def word(code: str, language: str, more: Mapping[str, str] | None = None) -> str:
    """What a code is called; a code nobody listed is printed with its underscores as spaces.

    >>> word("grey_iron", "zh"), word("kindergarten", "en"), word("my_own", "en")
    ('灰口铸铁', 'Kindergarten', 'my own')
    """
    if more and code in more:
        return more[code]
    if code in _listed("word"):
        return _listed("word")[code][language != "zh"]
    if code in symbols.kinds():
        return symbols.kinds()[code][language != "zh"]
    return code.replace("_", " ")


def said(text: str, language: str, more: Mapping[str, str] | None = None) -> str:
    """A condition with the columns it names in words.

    >>> said("built_year <= 2000 ∧ far < 1", "zh"), said("far = ?", "en")
    ('建成年份 ≤ 2000 ∧ 容积率 < 1', 'Floor area ratio = not known')
    >>> said("started <= 0 ∧ days_past_start_due > 365", "en"), said("dangerous = 1", "zh")
    ('Started: No ∧ Days past the start due > 365', '含 C、D 级危房：是')
    """

    def replaced(found: "re.Match[str]") -> str:
        column = found[0]
        known = column in _listed("column") or column in _measures() or (more and column in more)
        return heading(column, language, more) if known else column

    def answered(found: "re.Match[str]") -> str:
        if found[1] not in flags():
            return found[0]
        answer = word("yes" if found[2] == "1" else "no", language)
        return f"{found[1]}{'：' if language == 'zh' else ': '}{answer}"

    text = re.sub(r"\b([a-z][a-z0-9_]*) (?:=|<=|>=) ([01])(?![.\d])", answered, text)
    text = re.sub(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)*\b", replaced, text)
    text = text.replace(" <= ", " ≤ ").replace(" >= ", " ≥ ")
    return text.replace("?", word("not known", language).lower())


@cache
def _measures() -> dict[str, tuple[str, str]]:
    """What rules on land may compare, as (zh, en), also what no layer gives yet."""
    listed = standards.read("land_quantities")
    return dict(zip(listed["code"], zip(listed["name_zh"], listed["name_en"], strict=True), strict=True))


@cache
def flags() -> frozenset[str]:
    """The measures of land that are 1 for yes and 0 for no.

    >>> sorted(flags())[:3]
    ['above_scale', 'dangerous', 'exit_to_services']
    """
    listed = standards.read("land_quantities")
    return frozenset(listed["code"][listed["unit"] == "count"])


def unit(column: str, language: str) -> str:
    """The unit that a column's name ends in, as printed; an empty text where it has none.

    >>> unit("site_area_m2", "zh"), unit("walk_min_clinic", "en"), unit("share", "en"), unit("name", "en")
    ('平方米', 'min', '%', '')
    >>> unit("straight_less_metres", "en"), unit("far_difference", "en")
    ('percentage points', 'ratio')
    """
    if column.startswith(_SHARES):
        return "%"
    if column.endswith(("_value", "_threshold", "_source", "_mark")):
        return ""
    if column.startswith("walk_min"):
        return _listed("unit")["_min"][language != "zh"]
    return _listed("unit")[_ending(column)][language != "zh"] if _ending(column) else ""


_SHARES = ("share", "completeness")
_PERCENT = ("%", "百分点")


def _ending(column: str) -> str:
    """The longest ending of a column's name that has a unit; an empty text where none has."""
    return max((suffix for suffix in _listed("unit") if column.endswith(suffix)), key=len, default="")


def is_share(column: str) -> bool:
    """Whether a column is a share of 1, or a difference of such shares, and is printed as a percentage.

    >>> is_share("completeness_15"), is_share("invested_share"), is_share("share_15_min"), is_share("far")
    (True, True, True, False)
    >>> is_share("straight_less_metres"), is_share("spread")
    (True, True)
    """
    ending = _ending(column)
    return column.startswith(_SHARES) or (ending != "" and _listed("unit")[ending][0] in _PERCENT)


def heading(column: str, language: str, more: Mapping[str, str] | None = None) -> str:
    """What a column is called, without its unit.

    >>> heading("site_area_m2", "zh"), heading("walk_min_clinic", "en", {"clinic": "Clinic"}), heading("net_area_m2", "en")
    ('用地面积', 'Walk: Clinic', 'Net area')
    >>> heading("exit_to_services", "zh"), said("far_share_of_control < 0.6", "zh")
    ('退二进三', '容积率与控制值之比 < 0.6')
    >>> heading("completeness_15_by_metres", "zh"), heading("L1_threshold", "en")
    ('15 分钟生活圈完整度，按距离', 'L1 Industrial floor area ratio is low: threshold')
    """
    if more and column in more:
        return more[column]
    if column in _listed("column"):
        return _listed("column")[column][language != "zh"]
    if column in _measures():
        return _measures()[column][language != "zh"]
    for when, zh, en in (("before_", "变化前步行：", "Walk before: "), ("after_", "变化后步行：", "Walk after: ")):
        if column.startswith(f"walk_min_{when}"):
            kind = word(column.removeprefix(f"walk_min_{when}"), language, more)
            return f"{zh if language == 'zh' else en}{kind}"
    if column.startswith("walk_min_"):
        walk, colon = ("步行", "：") if language == "zh" else ("Walk", ": ")
        return f"{walk}{colon}{word(column.removeprefix('walk_min_'), language, more)}"
    for ending, (zh, en) in _listed("ending").items():
        if column.endswith(ending):
            return heading(column.removesuffix(ending), language, more) + (zh if language == "zh" else en)
    if column in symbols.rules():
        return f"{column} {symbols.rules()[column][language != 'zh']}"
    bare = column
    for suffix in sorted(_listed("unit"), key=len, reverse=True):
        if suffix.startswith("_") and suffix != "_share" and column.endswith(suffix):
            bare = column.removesuffix(suffix)
            break
    bare = re.sub(r"_+", " ", bare).strip()
    return bare[:1].upper() + bare[1:]


def titled(column: str, language: str, more: Mapping[str, str] | None = None) -> str:
    """A column's heading with its unit in brackets, as a table prints it.

    >>> titled("site_area_m2", "zh"), titled("walk_min_library", "en"), titled("name", "en")
    ('用地面积（平方米）', 'Walk: Library (min)', 'Name')
    """
    name, measured = heading(column, language, more), unit(column, language)
    if not measured:
        return name
    return f"{name}（{measured}）" if language == "zh" else f"{name} ({measured})"


def sheet(name: str, language: str) -> str:
    """What a sheet or a workbook of results is called.

    >>> sheet("coverage_town", "zh"), sheet("my_table", "en")
    ('全城覆盖率', 'my table')
    """
    listed = _listed("sheet").get(name)
    return listed[language != "zh"] if listed else name.replace("_", " ")


def question(name: str, language: str) -> str:
    """The question a sheet of results answers; an empty text where nobody wrote one down.

    >>> question("gap_areas", "en"), question("my_table", "en")
    ('Where are the gap areas, and which comes first?', '')
    """
    asked = _listed("question").get(name)
    return asked[language != "zh"] if asked else ""


def of_sheet(name: str, language: str) -> dict[str, str]:
    """The headings that columns have on one sheet of results only, where another sheet calls something else by the same name.

    >>> of_sheet("supply_match", "en")["share_of_residents"], of_sheet("coverage_town", "en")
    ('Share of the residents', {})
    """
    listed = _listed("column").items()
    return {
        code.removeprefix(f"{name}:"): said[language != "zh"] for code, said in listed if code.startswith(f"{name}:")
    }
