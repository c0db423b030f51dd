"""Colours of classes on maps: official ones where a standard has them, otherwise ones that colour-blind readers can tell apart.

Qualitative colours follow Okabe and Ito (2008), the sequential ramps ColorBrewer's YlGnBu and YlOrRd, muted for large areas.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

UNKNOWN = "#c9c9c9"
COMPLETENESS = ("#fdf1b4", "#a6d9a3", "#4db5b1", "#3680b4", "#38528f")
BANDS = ("#0f5a78", "#4a9fb8", "#a9d6df")
GAPS = ("#b5302a", "#e8743b", "#f6c177")


def ramp(stops: tuple[str, ...], steps: int) -> list[str]:
    """So many colours evenly along a ramp.

    >>> ramp(("#000000", "#ffffff"), 3)
    ['#000000', '#808080', '#ffffff']
    """
    channels = [[int(stop[k : k + 2], 16) for stop in stops] for k in (1, 3, 5)]
    places = np.linspace(0, len(stops) - 1, steps)
    mixed = [np.floor(np.interp(places, range(len(stops)), channel) + 0.5).astype(int).tolist() for channel in channels]
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in zip(*mixed, strict=True)]


def is_colour(text: str) -> bool:
    """Whether a text is a colour as pages write it.

    >>> is_colour("#0072b2"), is_colour("red;}")
    (True, False)
    """
    return re.fullmatch(r"#[0-9A-Fa-f]{6}", text) is not None


FACILITY_GROUPS: Mapping[str, tuple[str, str, str]] = {
    "education": ("教育", "Education", "#0072b2"),
    "health": ("医疗卫生", "Health", "#d55e00"),
    "care": ("养老托育", "Care", "#cc79a7"),
    "culture": ("文化", "Culture", "#7a4fa3"),
    "sports": ("体育", "Sports", "#009e73"),
    "commerce": ("商业服务", "Shops and services", "#e69f00"),
    "administration": ("行政与社区服务", "Civic services", "#56708a"),
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
    "railway": "#5a5a5a",
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

# looks of classes: colour, opacity, outline, width, dashes, radius of a point
CANDIDATES: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "candidate": ("低效用地候选", "Candidate", {"c": "#c8442c", "o": 0.75, "s": "#7d2013"}),
    "exempt": ("豁免", "Exempt", {"c": "#8da0cb", "o": 0.6, "s": "#5a6b92"}),
    "not known": ("信息不足，未知", "Not known", {"c": "#d2cfc8", "o": 0.6, "s": "#8f8b82", "d": "3 2"}),
    "not candidate": ("非候选", "Not a candidate", {"c": "#eef1ea", "o": 0.5, "s": "#b7bdb0"}),
    "out of scope": ("不在适用范围", "Out of scope", {"c": "#ffffff", "o": 0.3, "s": "#c9cdc4", "d": "1 3"}),
}
RENEWAL: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "on the list": ("列入更新改造", "To be renewed", {"c": "#b5302a", "w": 3}),
    "age reached, not assessed": ("达到年限，未评估", "Age reached, not assessed", {"c": "#e98b2a", "w": 2.5}),
    "material named, not assessed": ("管材列入，未评估", "Material named, not assessed", {"c": "#d9b44a", "w": 2.2}),
    "not known": ("未知", "Not known", {"c": "#8f8f8f", "w": 1.8, "d": "4 3"}),
    "not on the list": ("不在清单", "Not on the list", {"c": "#9fb4c2", "w": 1.2}),
}
VERDICTS: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "allowed": ("有获允许的用途", "A use is allowed", {"c": "#2e7d32", "s": "#ffffff", "w": 1.5, "r": 5.5, "o": 0.95}),
    "conditional": (
        "确认后可允许",
        "Allowed once confirmed",
        {"c": "#b59ad6", "s": "#6a3d9a", "w": 1.5, "r": 5, "o": 0.9},
    ),
    "none": ("没有可用途", "No use left", {"c": "#9a9a9a", "s": "#ffffff", "w": 1.2, "r": 4.5, "o": 0.9}),
}

# where no edition has an official colour for a class, the group it belongs to has one
_LAND_GROUPS: Mapping[str, tuple[str, str, str]] = {
    "farmland": ("农用地", "Farmland", "#f5f8dc"),
    "forest": ("林地", "Forest", "#68b167"),
    "grassland": ("草地", "Grassland", "#cdf57a"),
    "wetland": ("湿地", "Wetland", "#65cdaa"),
    "residential": ("居住用地", "Housing", "#ffff2d"),
    "public": ("公共管理与公共服务用地", "Public services", "#ff5fd2"),
    "commercial": ("商业服务业用地", "Commerce", "#ff0000"),
    "industrial": ("工矿用地", "Industry", "#bb9674"),
    "mining": ("采矿用地", "Mining", "#9e6c54"),
    "warehouse": ("仓储用地", "Storage", "#8761d3"),
    "transport": ("交通运输用地", "Transport", "#b7b7b7"),
    "utility": ("公用设施用地", "Utilities", "#006380"),
    "green": ("绿地与开敞空间用地", "Green and open space", "#00ff00"),
    "special": ("特殊用地", "Special use", "#859156"),
    "reserved": ("留白用地", "Reserved", "#ffffff"),
    "water": ("水域", "Water", "#338ec0"),
    "sea": ("用海", "Sea use", "#83bcd6"),
    "other": ("其他土地", "Other land", "#eeeeee"),
}
_NO_USE = ("地类未知", "Land use not known", "")


def land_use(
    codes: "pd.Series[str]", editions: "pd.Series[str]"
) -> "tuple[np.ndarray[Any, Any], list[tuple[str, str, str]]]":
    """The colour class of each land-use code.

    The official colour of the longest code that the given one begins with decides (that of 2023 serves the codes of
    2020 too); where there is none, the colour of its group. Returns the place of each row in the list of
    classes, and that list: (Chinese, English, colour), in the order of the standard, last the one for codes nobody knows, with
    an empty colour.

    >>> places, classes = land_use(pd.Series(["070102", "07", "?"]), pd.Series(["yonghai_2023"] * 3))
    >>> [classes[place] for place in places]
    [('城镇住宅用地', 'Urban dwelling land', '#FFFF2D'), ('居住用地', 'Housing', '#ffff2d'), ('地类未知', 'Land use not known', '')]
    """
    official, grouped = _land_use_tables()
    classes = [*dict.fromkeys([*official.values(), *_LAND_GROUPS.values(), _NO_USE])]
    place_of = {entry: place for place, entry in enumerate(classes)}
    keys = pd.MultiIndex.from_arrays([codes.fillna("").str.strip(), editions.fillna("").str.replace("_2020", "_2023")])
    numbers, unique = pd.factorize(keys)
    found = [
        _longest(official, code, edition) or _longest(grouped, code, edition) or _NO_USE for code, edition in unique
    ]
    return np.array([place_of[entry] for entry in found], dtype=int)[numbers], classes


def _longest(
    table: Mapping[tuple[str, str], tuple[str, str, str]], code: str, edition: str
) -> tuple[str, str, str] | None:
    starts = (code[:length] for length in range(len(code), 1, -1))
    return next((table[edition, start] for start in starts if (edition, start) in table), None)


@cache
def _land_use_tables() -> tuple[
    dict[tuple[str, str], tuple[str, str, str]], dict[tuple[str, str], tuple[str, str, str]]
]:
    from lifecircle import standards

    symbols = standards.read("symbols").sort_values(["edition", "code"], ascending=[False, True], kind="stable")
    official = {
        (edition, code): (zh, en, colour)
        for edition, code, zh, en, colour in zip(
            *(symbols[c] for c in ("edition", "code", "name_zh", "name_en", "hex")), strict=True
        )
    }
    uses = standards.read("land_use")
    grouped = {
        (edition.replace("_2020", "_2023"), code): _LAND_GROUPS[group]
        for edition, code, group in zip(uses["edition"], uses["code"], uses["group"], strict=True)
        if group in _LAND_GROUPS
    }
    return official, grouped


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
