"""How columns, layers and codes are called where people read them, in Chinese and in English."""

import re
from collections.abc import Mapping

from lifecircle.publish import symbols

# columns whose values are codes that `word` knows
CODED = frozenset(
    {
        *("kind", "level", "state", "network", "material", "use", "asset_kind", "candidate", "renewal", "land_group"),
        *("idle", "not_supplied", "area_differs", "joined", "method"),
    }
)

# suffix of a column name -> unit as printed (zh, en); the longest suffix that fits is taken
_UNITS: dict[str, tuple[str, str]] = {
    "_m_s": ("米/秒", "m/s"),
    "_m2": ("平方米", "m²"),
    "_km2": ("平方公里", "km²"),
    "_ha": ("公顷", "ha"),
    "_mu": ("亩", "mu"),
    "_m3": ("立方米", "m³"),
    "_km": ("公里", "km"),
    "_mm": ("毫米", "mm"),
    "_m": ("米", "m"),
    "_min": ("分钟", "min"),
    "_yuan": ("元", "yuan"),
    "_years": ("年", "years"),
    "_share": ("%", "%"),
}

_COLUMNS: dict[str, tuple[str, str]] = {
    "name": ("名称", "Name"),
    "source": ("来源", "Source"),
    "level": ("级别", "Level"),
    "kind": ("类别", "Kind"),
    "tier": ("生活圈层级", "Tier"),
    "rank": ("排序", "Rank"),
    "state": ("状态", "State"),
    "why": ("原因", "Why"),
    "word": ("原词", "Word"),
    "row": ("行号", "Row"),
    "table": ("数据表", "Table"),
    "id": ("编号", "Id"),
    "area_id": ("社区编号", "Community id"),
    "home_id": ("住所编号", "Home id"),
    "facility_id": ("设施编号", "Facility id"),
    "street_id": ("道路编号", "Street id"),
    "barrier_id": ("阻隔编号", "Barrier id"),
    "gate_id": ("出入口编号", "Gate id"),
    "parcel_id": ("地块编号", "Parcel id"),
    "building_id": ("建筑编号", "Building id"),
    "asset_id": ("资产编号", "Asset id"),
    "pipe_id": ("管段编号", "Pipe id"),
    "node_id": ("节点编号", "Node id"),
    "park_id": ("公园编号", "Park id"),
    "constraint_id": ("管控线编号", "Constraint id"),
    "residents": ("常住人口", "Residents"),
    "residents_left_out": ("未覆盖人口", "Residents left out"),
    "elderly": ("老年人口", "Elderly"),
    "children": ("儿童", "Children"),
    "dwellings": ("住房套数", "Dwellings"),
    "completeness": ("设施完整度", "Completeness"),
    "completeness_5": ("5 分钟生活圈完整度", "5-minute completeness"),
    "completeness_10": ("10 分钟生活圈完整度", "10-minute completeness"),
    "completeness_15": ("15 分钟生活圈完整度", "15-minute completeness"),
    "share": ("占比", "Share"),
    "candidate": ("低效用地判定", "Low-efficiency land"),
    "reasons": ("理由", "Reasons"),
    "land_use": ("地类代码", "Land-use code"),
    "land_use_edition": ("地类版本", "Land-use edition"),
    "site_area_m2": ("用地面积", "Site area"),
    "floor_area_m2": ("建筑面积", "Floor area"),
    "ground_floor_area_m2": ("底层面积", "Ground-floor area"),
    "far": ("容积率", "Floor area ratio"),
    "built_year": ("建成年份", "Built"),
    "industry": ("行业", "Industry"),
    "tax_yuan": ("税收", "Tax"),
    "output_yuan": ("产值", "Output"),
    "invested_share": ("投资完成率", "Invested"),
    "developed_share": ("开发面积占比", "Developed"),
    "approved_date": ("批准日期", "Approved"),
    "supply_date": ("供地日期", "Supplied"),
    "start_due_date": ("约定动工日期", "Start due"),
    "started_date": ("动工日期", "Started"),
    "stopped_since": ("停工起始", "Stopped since"),
    "vacant_since": ("闲置起始", "Vacant since"),
    "in_scope": ("范围内", "In scope"),
    "floors": ("层数", "Floors"),
    "use": ("用途", "Use"),
    "danger_class": ("房屋安全等级", "Danger class"),
    "vacant": ("空置", "Vacant"),
    "asset_kind": ("资产类型", "Kind of asset"),
    "clear_height_m": ("净高", "Clear height"),
    "title_clear": ("权属清晰", "Title clear"),
    "network": ("管网", "Network"),
    "material": ("管材", "Material"),
    "diameter_mm": ("管径", "Diameter"),
    "invert_up_m": ("起点管底高程", "Invert, upstream"),
    "invert_down_m": ("终点管底高程", "Invert, downstream"),
    "invert_m": ("管底高程", "Invert"),
    "ground_m": ("地面高程", "Ground level"),
    "cover_m": ("覆土深度", "Cover"),
    "assessed_risk": ("评估有风险", "Assessed as a risk"),
    "length_m": ("长度", "Length"),
    "length_km": ("长度", "Length"),
    "age_years": ("管龄", "Age"),
    "capacity": ("容量", "Capacity"),
    "class": ("等级", "Class"),
    "walkable": ("可步行", "Walkable"),
    "bridge": ("桥梁", "Bridge"),
    "tunnel": ("隧道", "Tunnel"),
    "width_m": ("宽度", "Width"),
    "grade": ("坡度", "Grade"),
    "walk_min": ("步行时间", "Walk"),
    "leg_m": ("到道路的距离", "Way to the street"),
    "joined": ("已接入路网", "Joined to the network"),
    "why_not_joined": ("未接入原因", "Why not joined"),
    "homes": ("住所数", "Homes"),
    "facilities": ("设施数", "Facilities"),
    "method": ("口径", "Method"),
    "required": ("必配", "Required"),
    "limit": ("限值", "Limit"),
    "residents_covered": ("已覆盖人口", "Residents covered"),
    "residents_not_known": ("情况未知人口", "Residents not known"),
    "share_of_residents": ("覆盖率", "Residents covered"),
    "dwellings_covered": ("已覆盖住房", "Dwellings covered"),
    "dwellings_left_out": ("未覆盖住房", "Dwellings left out"),
    "dwellings_not_known": ("情况未知住房", "Dwellings not known"),
    "share_of_dwellings": ("覆盖率（按住房）", "Dwellings covered"),
    "scope": ("范围", "Scope"),
    "definition": ("口径", "Definition"),
    "total": ("总量", "Total"),
    "covered": ("已覆盖", "Covered"),
    "pipes": ("管段数", "Pipes"),
    "age": ("管龄分级", "Age"),
    "renewal": ("更新改造判定", "Renewal"),
    "rule": ("依据条款", "Rule"),
    "read": ("读入行数", "Read"),
    "filtered": ("过滤行数", "Filtered"),
    "kept": ("保留行数", "Kept"),
    "rejected": ("剔除行数", "Rejected"),
    "rules_yes": ("符合条件数", "Criteria met"),
    "rules_no": ("不符合条件数", "Criteria not met"),
    "rules_not_known": ("未知条件数", "Criteria not known"),
    "rules_asked": ("适用条件数", "Criteria asked"),
    "idle": ("闲置土地", "Idle land"),
    "not_supplied": ("批而未供", "Approved, not supplied"),
    "land_group": ("用地大类", "Land-use group"),
    "drawn_area_m2": ("图上面积", "Drawn area"),
    "area_m2": ("采用面积", "Area used"),
    "area_differs": ("面积不符", "Areas differ"),
    "built_floor_area_m2": ("已建建筑面积", "Floor area built"),
    "footprint_m2": ("建筑基底面积", "Footprint"),
    "building_coverage": ("建筑系数", "Building coverage"),
    "far_built": ("现状容积率", "Floor area ratio, built"),
    "dangerous": ("含 C、D 级危房", "Dangerous buildings"),
    "dangerous_share": ("危房占比", "Dangerous"),
    "vacant_share": ("空置占比", "Vacant"),
    "tax_per_mu_yuan": ("亩均税收", "Tax per mu"),
    "output_per_mu_yuan": ("亩均产值", "Output per mu"),
    "tax_share_of_industry": ("亩均税收与同行业平均之比", "Tax per mu to the industry's mean"),
    "industry_norm_far": ("容积率与行业标准之比", "Floor area ratio to the industry's norm"),
    "in_production_years": ("投产年数", "Years in production"),
    "phased_out": ("淘汰类产业", "Industry to be phased out"),
    "started": ("已动工", "Started"),
    "days_past_start_due": ("超约定动工日期天数", "Days past the start due"),
    "stopped_days": ("停工天数", "Days stopped"),
    "days_since_approval": ("批准至今天数", "Days since approval"),
    "period": ("时段", "Period"),
    "quantity": ("数量", "Quantity"),
    "unit": ("单位", "Unit"),
}

# endings that qualify the column they stand behind
_ENDINGS: dict[str, tuple[str, str]] = {
    "_optional": ("，选配设施", ", optional kinds"),
    "_by_metres": ("，按距离", ", by metres"),
    "_value": ("：数值", ": value"),
    "_threshold": ("：标准", ": threshold"),
    "_source": ("：依据", ": source"),
}

_WORDS: dict[str, tuple[str, str]] = {
    "candidate": ("低效用地候选", "Candidate"),
    "not candidate": ("非候选", "Not a candidate"),
    "not known": ("未知", "Not known"),
    "exempt": ("豁免", "Exempt"),
    "yes": ("是", "Yes"),
    "no": ("否", "No"),
    "not applicable": ("不适用", "Not applicable"),
    "indicative yes": ("参考：是", "Indicative: yes"),
    "indicative no": ("参考：否", "Indicative: no"),
    "on the list": ("列入更新改造", "To be renewed"),
    "age reached, not assessed": ("达到年限，未评估", "Age reached, not assessed"),
    "not on the list": ("不在清单", "Not on the list"),
    "minutes": ("按步行时间", "By minutes"),
    "metres": ("按步行距离", "By metres"),
    "true": ("是", "Yes"),
    "false": ("否", "No"),
    "open": ("开放", "Open"),
    "closed": ("封闭", "Closed"),
    "community": ("社区", "Community"),
    "street": ("街道", "Street"),
    "town": ("镇", "Town"),
    "gas": ("燃气", "Gas"),
    "water": ("给水", "Water"),
    "sewage": ("污水", "Sewage"),
    "storm": ("雨水", "Storm water"),
    "combined": ("雨污合流", "Combined sewer"),
    "heat": ("供热", "Heat"),
    "power": ("电力", "Power"),
    "telecom": ("通信", "Telecom"),
    "grey_iron": ("灰口铸铁", "Grey iron"),
    "ductile_iron": ("球墨铸铁", "Ductile iron"),
    "steel": ("钢", "Steel"),
    "pe": ("PE", "PE"),
    "pvc": ("PVC", "PVC"),
    "hdpe": ("HDPE", "HDPE"),
    "concrete": ("混凝土", "Concrete"),
    "reinforced_concrete": ("钢筋混凝土", "Reinforced concrete"),
    "plain_concrete": ("素混凝土", "Plain concrete"),
    "cement": ("水泥", "Cement"),
    "asbestos": ("石棉水泥", "Asbestos cement"),
    "copper": ("铜", "Copper"),
    "unknown": ("未知", "Unknown"),
    "other": ("其他", "Other"),
    "residential": ("居住", "Residential"),
    "commercial": ("商业", "Commercial"),
    "industrial": ("工业", "Industrial"),
    "warehouse": ("仓储", "Warehouse"),
    "office": ("办公", "Office"),
    "school": ("学校", "School"),
    "medical": ("医疗", "Medical"),
    "culture": ("文化", "Culture"),
    "public": ("公共服务", "Public"),
    "agricultural": ("农业", "Agricultural"),
    "mixed": ("混合", "Mixed"),
    "wall": ("围墙", "Wall"),
    "river": ("河流", "River"),
    "railway": ("铁路", "Railway"),
    "motorway": ("高速公路", "Motorway"),
    "fence": ("栅栏", "Fence"),
    "farmland": ("永久基本农田", "Permanent farmland"),
    "ecology": ("生态保护红线", "Ecological red line"),
    "heritage": ("历史文化保护", "Heritage"),
    "hazard": ("灾害风险", "Hazard"),
    "factory": ("厂房", "Factory"),
    "granary": ("粮仓", "Granary"),
    "cave_dwelling": ("窑洞", "Cave dwelling"),
    "commercial_complex": ("商业综合体", "Commercial complex"),
    "courtyard": ("院落", "Courtyard"),
    "under_bridge": ("桥下空间", "Under a bridge"),
    "corner_plot": ("边角地", "Corner plot"),
    "vacant_plot": ("闲置地", "Vacant plot"),
    "market": ("市场", "Market"),
    "station": ("车站", "Station"),
    "mine": ("矿区", "Mine"),
    "house": ("房屋", "House"),
    "park": ("公园", "Park"),
    "pocket_park": ("口袋公园", "Pocket park"),
    "community_park": ("社区公园", "Community park"),
    "square": ("广场", "Square"),
    "green": ("绿地", "Green"),
}


def word(code: str, language: str, more: Mapping[str, str] | None = None) -> str:
    """What a code is called; a code nobody listed is printed with its underscores as spaces.

    >>> word("grey_iron", "zh"), word("kindergarten", "en"), word("my_own", "en")
    ('灰口铸铁', 'Kindergarten', 'my own')
    """
    if more and code in more:
        return more[code]
    if code in _WORDS:
        return _WORDS[code][language != "zh"]
    if code in symbols.kinds():
        return symbols.kinds()[code][language != "zh"]
    return code.replace("_", " ")


def said(text: str, language: str, more: Mapping[str, str] | None = None) -> str:
    """A condition with the columns it names in words.

    >>> said("built_year <= 2000 ∧ far < 1", "zh"), said("far = ?", "en")
    ('建成年份 <= 2000 ∧ 容积率 < 1', 'Floor area ratio = not known')
    """

    def replaced(found: "re.Match[str]") -> str:
        column = found[0]
        return heading(column, language, more) if column in _COLUMNS or (more and column in more) else column

    text = re.sub(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)*\b", replaced, text)
    return text.replace("?", word("not known", language).lower())


def unit(column: str, language: str) -> str:
    """The unit that a column's name ends in, as printed; an empty text where it has none.

    >>> unit("site_area_m2", "zh"), unit("walk_min_clinic", "en"), unit("share", "en"), unit("name", "en")
    ('平方米', 'min', '%', '')
    """
    if is_share(column):
        return "%"
    if column.endswith(("_value", "_threshold", "_source")):
        return ""
    if column.startswith("walk_min"):
        return _UNITS["_min"][language != "zh"]
    fits = [suffix for suffix in _UNITS if column.endswith(suffix)]
    return _UNITS[max(fits, key=len)][language != "zh"] if fits else ""


def is_share(column: str) -> bool:
    """Whether a column runs from 0 to 1 and is printed as a percentage.

    >>> is_share("completeness_15"), is_share("invested_share"), is_share("share_15_min"), is_share("far")
    (True, True, True, False)
    """
    return column.startswith(("share", "completeness")) or column.endswith("_share")


def heading(column: str, language: str, more: Mapping[str, str] | None = None) -> str:
    """What a column is called, without its unit.

    >>> heading("site_area_m2", "zh"), heading("walk_min_clinic", "en", {"clinic": "Clinic"}), heading("net_area_m2", "en")
    ('用地面积', 'Walk: Clinic', 'Net area')
    >>> heading("completeness_15_by_metres", "zh"), heading("L1_threshold", "en")
    ('15 分钟生活圈完整度，按距离', 'L1 Industrial floor area ratio is low: threshold')
    """
    if more and column in more:
        return more[column]
    if column in _COLUMNS:
        return _COLUMNS[column][language != "zh"]
    if column.startswith("walk_min_"):
        walk, colon = ("步行", "：") if language == "zh" else ("Walk", ": ")
        return f"{walk}{colon}{word(column.removeprefix('walk_min_'), language, more)}"
    for ending, (zh, en) in _ENDINGS.items():
        if column.endswith(ending):
            return heading(column.removesuffix(ending), language, more) + (zh if language == "zh" else en)
    if column in symbols.rules():
        return f"{column} {symbols.rules()[column][language != 'zh']}"
    bare = column
    for suffix in sorted(_UNITS, key=len, reverse=True):
        if suffix != "_share" and column.endswith(suffix):
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
