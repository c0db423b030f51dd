"""How columns, layers and codes are called where people read them, in Chinese and in English."""

import re
from collections.abc import Mapping
from typing import Literal

Language = Literal["zh", "en"]

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
    "failed": ("命中条件数", "Criteria met"),
    "not_known": ("未知条件数", "Criteria not known"),
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
    "period": ("时段", "Period"),
    "quantity": ("数量", "Quantity"),
    "unit": ("单位", "Unit"),
}

_WORDS: dict[str, tuple[str, str]] = {
    "candidate": ("低效用地候选", "Candidate"),
    "not candidate": ("非候选", "Not a candidate"),
    "not known": ("未知", "Not known"),
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

    >>> word("grey_iron", "zh"), word("grey_iron", "en"), word("my_own", "en")
    ('灰口铸铁', 'Grey iron', 'my own')
    """
    if more and code in more:
        return more[code]
    if code in _WORDS:
        return _WORDS[code][language != "zh"]
    return code.replace("_", " ")


def known(code: str) -> bool:
    """Whether there is a word for a code here.

    >>> known("gas"), known("kindergarten")
    (True, False)
    """
    return code in _WORDS


def unit(column: str, language: str) -> str:
    """The unit that a column's name ends in, as printed; an empty text where it has none.

    >>> unit("site_area_m2", "zh"), unit("walk_min_clinic", "en"), unit("share", "en"), unit("name", "en")
    ('平方米', 'min', '%', '')
    """
    if is_share(column):
        return "%"
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
    """
    if more and column in more:
        return more[column]
    if column in _COLUMNS:
        return _COLUMNS[column][language != "zh"]
    if column.startswith("walk_min_"):
        walk, colon = ("步行", "：") if language == "zh" else ("Walk", ": ")
        return f"{walk}{colon}{word(column.removeprefix('walk_min_'), language, more)}"
    bare = column
    for suffix in sorted(_UNITS, key=len, reverse=True):
        if suffix != "_share" and column.endswith(suffix):
            bare = column.removesuffix(suffix)
            break
    bare = re.sub(r"_+", " ", bare).strip()
    return bare[:1].upper() + bare[1:]


def titled(column: str, language: str, more: Mapping[str, str] | None = None) -> str:
    """A column's heading with its unit in brackets, as a table prints it.

    >>> titled("site_area_m2", "zh"), titled("walk_min_clinic", "en"), titled("name", "en")
    ('用地面积（平方米）', 'Walk: clinic (min)', 'Name')
    """
    name, measured = heading(column, language, more), unit(column, language)
    if not measured:
        return name
    return f"{name}（{measured}）" if language == "zh" else f"{name} ({measured})"
