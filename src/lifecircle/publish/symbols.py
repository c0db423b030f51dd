"""Colours of classes on maps: official ones where a standard has them, otherwise ones that colour-blind readers can tell apart.

Qualitative colours follow Okabe and Ito (2008), the sequential ramps ColorBrewer's YlGnBu and YlOrRd, muted for large areas.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np

UNKNOWN = "#c9c9c9"
COMPLETENESS = ("#f8edc4", "#cfe3bd", "#99cabd", "#5fa5b8", "#3f77a6")
AGE = ("#fbe3a1", "#f7b267", "#e76f3c", "#b5302a")


def ramp(stops: tuple[str, ...], steps: int) -> list[str]:
    """So many colours evenly along a ramp.

    >>> ramp(("#000000", "#ffffff"), 3)
    ['#000000', '#808080', '#ffffff']
    """
    channels = [[int(stop[k : k + 2], 16) for stop in stops] for k in (1, 3, 5)]
    places = np.linspace(0, len(stops) - 1, steps)
    mixed = [np.floor(np.interp(places, range(len(stops)), channel) + 0.5).astype(int).tolist() for channel in channels]
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in zip(*mixed, strict=True)]


FACILITY_GROUPS: Mapping[str, tuple[str, str, str]] = {
    "education": ("教育", "Education", "#0072b2"),
    "health": ("医疗卫生", "Health", "#d55e00"),
    "care": ("养老托育", "Care", "#cc79a7"),
    "culture": ("文化", "Culture", "#7a4fa3"),
    "sports": ("体育", "Sports", "#009e73"),
    "commerce": ("商业服务", "Shops and services", "#e69f00"),
    "administration": ("行政与社区服务", "Administration", "#56708a"),
    "transport": ("交通", "Transport", "#56b4e9"),
    "utility": ("市政公用", "Utilities", "#8c6d4f"),
    "green": ("绿地", "Green space", "#4c9a2a"),
    "safety": ("防灾安全", "Safety", "#b22222"),
    "": ("其他", "Other", "#777777"),
}

NETWORKS: Mapping[str, str] = {
    "gas": "#e69f00",
    "water": "#0072b2",
    "sewage": "#8c564b",
    "storm": "#56b4e9",
    "combined": "#6a5acd",
    "heat": "#d55e00",
    "power": "#cc79a7",
    "telecom": "#009e73",
}

BARRIERS: Mapping[str, str] = {
    "river": "#5f9fd0",
    "wall": "#7d5a44",
    "railway": "#3b3b3b",
    "motorway": "#a0522d",
    "fence": "#a08d7a",
}

CONSTRAINTS: Mapping[str, str] = {
    "farmland": "#b8a000",
    "ecology": "#2e8b57",
    "heritage": "#8b4513",
    "hazard": "#b22222",
}

USES: Mapping[str, str] = {
    "residential": "#e8c35a",
    "commercial": "#d95f5f",
    "industrial": "#a9835f",
    "warehouse": "#8f7bc0",
    "office": "#c06fb4",
    "school": "#e58fc0",
    "medical": "#e8867c",
    "culture": "#e39a4a",
    "public": "#b48fd0",
    "agricultural": "#b7c98a",
    "mixed": "#d8a27a",
}

# 市级国土空间总体规划制图规范（试行）, appendix B: class, colour, and the code prefixes it stands for in the land-use
# classification of 2020 and 2023 (the longest prefix that fits decides).
_LAND_USES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("耕地", "Arable land", "#F5F8DC", ("01",)),
    ("园地", "Orchard", "#BFE9AA", ("02",)),
    ("林地", "Woodland", "#68B167", ("03",)),
    ("草地", "Grassland", "#CDF57A", ("04",)),
    ("湿地", "Wetland", "#65CDAA", ("05",)),
    ("农业设施建设用地", "Farm facilities", "#D8D79F", ("06",)),
    ("城镇住宅用地", "Urban housing", "#FFFF2D", ("07", "0701", "0702")),
    ("农村宅基地", "Rural housing", "#FFD380", ("0703", "0704")),
    ("机关团体用地", "Administration", "#FF00FF", ("08", "0801")),
    ("科研用地", "Research", "#E6005C", ("0802",)),
    ("文化用地", "Culture", "#FF7F00", ("0803",)),
    ("教育用地", "Education", "#FF85C9", ("0804",)),
    ("体育用地", "Sports", "#00A57C", ("0805",)),
    ("医疗卫生用地", "Health", "#FF7F7E", ("0806",)),
    ("社会福利用地", "Social welfare", "#FF9F7F", ("0807",)),
    ("商业服务业用地", "Commerce", "#FF0000", ("09",)),
    ("工业用地", "Industry", "#BB9674", ("10", "1001")),
    ("采矿用地", "Mining", "#9E6C54", ("1002",)),
    ("盐田用地", "Salt works", "#0000FF", ("1003",)),
    ("仓储用地", "Warehousing", "#8761D3", ("11", "1101")),
    ("储备库用地", "Reserve depots", "#9999FF", ("1102",)),
    ("交通运输用地", "Transport", "#B7B7B7", ("12",)),
    ("公路用地", "Highways", "#ADADAD", ("1202",)),
    ("城镇道路用地", "Urban streets", "#A3A3A3", ("1207",)),
    ("管道运输用地", "Pipelines", "#999999", ("1205",)),
    ("公用设施用地", "Utilities", "#006380", ("13",)),
    ("公园绿地", "Parks", "#00FF00", ("14", "1401")),
    ("防护绿地", "Protective green", "#148D4A", ("1402",)),
    ("广场用地", "Squares", "#ACFFCF", ("1403",)),
    ("特殊用地", "Special use", "#859156", ("15",)),
    ("留白用地", "Reserved", "#FFFFFF", ("16",)),
    ("陆地水域", "Inland water", "#338EC0", ("17",)),
    ("其他土地", "Other land", "#EEEEEE", ("23",)),
)


def land_uses() -> tuple[tuple[str, str, str, tuple[str, ...]], ...]:
    """The classes of land use with their official colours: (Chinese, English, colour, code prefixes), in legend order."""
    return _LAND_USES


@cache
def kinds() -> dict[str, tuple[str, str, str]]:
    """Every known kind of facility: its name in Chinese and English and its group."""
    from lifecircle import standards

    table = standards.read("kinds")
    return {
        code: (zh, en, group if group in FACILITY_GROUPS else "")
        for code, zh, en, group in zip(table["code"], table["name_zh"], table["name_en"], table["group"], strict=True)
    }


@cache
def rules() -> dict[str, tuple[str, str]]:
    """The names of the rules for low-efficiency land, in Chinese and English, by rule."""
    from lifecircle import standards

    table = standards.read("land_rules").drop_duplicates("rule")
    return dict(zip(table["rule"], zip(table["name_zh"], table["name_en"], strict=True), strict=True))
