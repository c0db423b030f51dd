"""Draw the sample town: 云溪县城（虚构）, a fictional (synthetic) valley county town of about 60,000 residents.

Run ``python data/make_sample_town.py [--out DIR]``; DIR defaults to ``data/sample_town/raw``. No place, person, firm or
number in it is real. The files are written the way a GIS team receives them, deliberate defects included; both READMEs
list them. The same seed writes the same bytes.

The plan is drawn in a bent grid: ``u`` runs down the river, ``v`` is the offset from it (north positive), both in metres.
``place`` turns (u, v) into local metres; everything is moved to EPSG:4547 at the very end.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import shutil
import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyogrio
import rasterio
import shapely
import xlsxwriter
from shapely import LineString, MultiPoint, Point, Polygon, affinity, box
from shapely.ops import polygonize, split

SEED = 20251231
RNG = np.random.default_rng(SEED)
ORIGIN = (471_500.0, 4_161_650.0)  # EPSG:4547 of local (0, 0)
CRS = "EPSG:4547"
WIDTH, HEIGHT = 4000, 3000
RESIDENTS = 60_000
GRID = 0.01  # everything is drawn to the centimetre, so that lines that meet share their vertex exactly
Row = dict[str, Any]

# The bent grid -------------------------------------------------------------------------------------------------------

RIVER_X = np.array([-900, -300, 300, 800, 1250, 1700, 2100, 2600, 3100, 3600, 4300, 4900], dtype=float)
RIVER_Y = np.array([1120, 1150, 1170, 1270, 1400, 1330, 1190, 1120, 1210, 1320, 1300, 1300], dtype=float)
U_NORTH = (150, 450, 760, 1760, 2060, 2340, 2640, 2940, 3240, 3500, 3750)
U_SOUTH = (150, 480, 800, 1230, 1600, 2060, 2500, 2940, 3300, 3750)
V_LINES = (-860, -650, -520, -290, -70, -45, 45, 70, 300, 560, 830)
RAIL_V = -585
KNOTS_U = np.unique(np.r_[np.arange(-600, 4700, 25), U_NORTH, U_SOUTH])
KNOTS_V = np.unique(np.r_[np.arange(-1500, 1900, 20), V_LINES])


def _spline(x: np.ndarray) -> np.ndarray:
    """Cubic Hermite curve through the river's control points (scipy is not worth a dependency here)."""
    slope = np.gradient(RIVER_Y, RIVER_X)
    k = np.clip(np.searchsorted(RIVER_X, x) - 1, 0, len(RIVER_X) - 2)
    h = RIVER_X[k + 1] - RIVER_X[k]
    t = (x - RIVER_X[k]) / h
    return (
        (2 * t**3 - 3 * t**2 + 1) * RIVER_Y[k]
        + (t**3 - 2 * t**2 + t) * h * slope[k]
        + (3 * t**2 - 2 * t**3) * RIVER_Y[k + 1]
        + (t**3 - t**2) * h * slope[k + 1]
    )


def place(u: Any, v: Any) -> np.ndarray:
    """Local metres of bent-grid coordinates: near the river lines follow its bends, far from it they straighten."""
    u, v = np.broadcast_arrays(np.asarray(u, float), np.asarray(v, float))
    x = u + 0.07 * v + 16 * np.sin(v / 210 + u / 600)
    y = 1240 + v + (_spline(u) - 1240) * np.exp(-np.abs(v) / 650)
    return np.stack([x, y], axis=-1).round(2)


def along(u0: float, u1: float, v: float, *, bend: float = 0.0) -> LineString:
    """A street along the valley; ``bend`` pushes its middle sideways (metres in v)."""
    u = KNOTS_U[(u0 <= KNOTS_U) & (u1 >= KNOTS_U)]
    t = (u - u0) / (u1 - u0)
    return LineString(place(u, v + bend * np.sin(np.pi * t) + 0.25 * bend * np.sin(3 * np.pi * t)))


def across(u: float, v0: float, v1: float, *, bend: float = 0.0) -> LineString:
    """A street from the river towards the hills."""
    v = KNOTS_V[(v0 <= KNOTS_V) & (v1 >= KNOTS_V)]
    t = (v - v0) / (v1 - v0)
    return LineString(place(u + bend * np.sin(2 * np.pi * t), v))


def patch(u0: float, v0: float, u1: float, v1: float) -> Polygon:
    u, v = KNOTS_U[(u0 < KNOTS_U) & (u1 > KNOTS_U)], KNOTS_V[(v0 < KNOTS_V) & (v1 > KNOTS_V)]
    ring = [place(np.r_[u0, u, u1], v0), place(u1, np.r_[v, v1]), place(u[::-1], v1), place(u0, np.r_[v1, v[::-1]])]
    return Polygon(np.concatenate([np.atleast_2d(part) for part in ring]))


def blob(u: float, v: float, radius: float) -> Polygon:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    reach = radius * (1 + 0.13 * np.sin(3 * angle + u) + 0.08 * np.sin(5 * angle + v))
    return Polygon(place(u + 0.8 * reach * np.cos(angle), v + reach * np.sin(angle)))


def spot(u: float, v: float) -> Point:
    return Point(place(u, v))


# Ground --------------------------------------------------------------------------------------------------------------


def ground(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Height in metres: a valley floor falling east with the river, loess hills north and south, a channel."""

    def rise(d: np.ndarray) -> np.ndarray:
        return 60 * np.log1p(np.exp(np.clip(d / 60, -30, 30)))

    off = np.abs(y - _spline(np.clip(x, -800, 4800)))
    ridge = 1 + 0.35 * np.sin(x / 310 + 0.8) + 0.2 * np.sin(x / 127 + y / 190)
    north, south = 0.34 * rise(y - 2110) * ridge, 0.30 * rise(330 - y) * (2 - ridge)
    return 884 - 0.0032 * x + 0.006 * off + north + south - 5.0 * np.exp(-((off / 34) ** 4))


# Cutting land --------------------------------------------------------------------------------------------------------


def polygons(geometry: Any, smallest: float = 0.0) -> list[Polygon]:
    parts = shapely.get_parts(geometry)
    return [p for p in parts if p.geom_type == "Polygon" and p.area > smallest]


def frame(area: Polygon) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Centre, unit vector and the two lengths of the smallest rotated rectangle, the long side first."""
    c = shapely.get_coordinates(area.minimum_rotated_rectangle)
    a, b = c[1] - c[0], c[2] - c[1]
    la, lb = float(np.hypot(*a)), float(np.hypot(*b))
    side, long, short = (a, la, lb) if la >= lb else (b, lb, la)
    return c[:4].mean(axis=0), side / long, long, short


def cut(
    area: Polygon, target: float, *, wobble: float = 0.0, jitter: float = 0.04
) -> tuple[list[Polygon], list[LineString]]:
    """Cut an area across its long side, again and again, until no piece is much over ``target`` m²."""
    todo, pieces, cuts = [area], [], []
    while todo:
        piece = todo.pop()
        if piece.area < target * RNG.uniform(1.05, 1.65):
            pieces.append(piece)
            continue
        for _attempt in range(6):
            centre, way, long, short = frame(piece)
            angle = np.arctan2(way[1], way[0]) + np.pi / 2 + RNG.normal(0, jitter)
            normal, ahead = way, np.array([np.cos(angle), np.sin(angle)])
            s = np.linspace(-0.8, 0.8, 15) * (short + 0.3 * long)
            bow = wobble * short * np.sin(s / short * RNG.uniform(2.2, 3.6) + RNG.uniform(0, 6.28))
            start = centre + way * long * RNG.uniform(-0.09, 0.09)
            line = shapely.set_precision(LineString(start + s[:, None] * ahead + bow[:, None] * normal), GRID)
            parts = polygons(split(piece, line), 1.0)
            if len(parts) == 2 and min(p.area for p in parts) > 0.25 * piece.area:
                todo += parts
                cuts.append(line.intersection(piece.buffer(0.02)))
                break
        else:
            pieces.append(piece)
    return pieces, cuts


def rows(area: Polygon, *, angle: float, depth: float, length: float, gap: float, pitch: float) -> list[Polygon]:
    """Rows of blocks inside an area: the regular pattern of slabs, towers and sheds."""
    if area.is_empty:
        return []
    flat = affinity.rotate(area, -angle, origin=(0, 0))
    shapely.prepare(flat)
    x0, y0, x1, y1 = flat.bounds
    count = max(1, int((y1 - y0 + pitch) // (depth + pitch)))
    y = y0 + ((y1 - y0) - count * depth - (count - 1) * pitch) / 2 + np.arange(count) * (depth + pitch)
    found = []
    for low in y:
        x = np.arange(x0, x1, 1.5)
        fits = {
            size: shapely.contains(flat, shapely.box(x, low, x + size, low + depth))
            for size in (length, 0.7 * length, 0.45 * length)
        }
        at = x0 - gap
        while True:
            options = [(x[i], size) for size, ok in fits.items() if (i := int(np.argmax(ok & (x >= at)))) or ok[0]]
            options = [o for o in options if o[0] >= at]
            if not options:
                break
            left, size = min(options, key=lambda o: o[0] - 0.3 * o[1])
            found.append(affinity.rotate(box(left, low, left + size, low + depth), angle, origin=(0, 0)))
            at = left + size + gap
    return found


def courtyard(plot: Polygon) -> list[Polygon]:
    """A courtyard house: north hall, wings and sometimes a south range round a yard, clipped to its plot."""
    _centre, way, _long, _short = frame(plot)
    angle = (np.degrees(np.arctan2(way[1], way[0])) + 45) % 90 - 45
    flat = affinity.rotate(plot.buffer(-0.5, join_style="mitre"), -angle, origin=(0, 0))
    if flat.is_empty:
        return []
    x0, y0, x1, y1 = flat.bounds
    hall, wing = RNG.uniform(5.5, 7.5), RNG.uniform(3.6, 5.0)
    if min(x1 - x0, y1 - y0) < 10.5:
        ranges = [flat.buffer(-0.3, join_style="mitre")]
    else:
        ranges = [box(x0, y1 - hall, x1, y1)]
        sides = (RNG.random(3) < (0.75, 0.65, 0.5)) & (y1 - y0 > np.array([14.5, 14.5, hall + 6]))
        if sides[0]:
            ranges.append(box(x0, y0 + 5.6, x0 + wing, y1 - hall - 0.6))
        if sides[1]:
            ranges.append(box(x1 - wing, y0 + 5.6, x1, y1 - hall - 0.6))
        if sides[2]:
            ranges.append(box(x0, y0, x0 + (x1 - x0) * RNG.uniform(0.5, 1.0), y0 + 5))
    kept = [p for r in ranges for p in polygons(r.intersection(flat), 22)]
    return [affinity.rotate(p, angle, origin=(0, 0)) for p in kept]


# Streets -------------------------------------------------------------------------------------------------------------

WIDTHS = {"主干路": 30, "次干路": 20, "支路": 12, "巷道": 5, "小区道路": 5, "步行道": 3, "快速路": 24}


def street(line: LineString, name: str, kind: str, **more: Any) -> Row:
    return {"geometry": line, "name": name, "kind": kind, "width": WIDTHS[kind], **more}


def skeleton() -> list[Row]:
    """The streets a map of the town would name; lanes and paths follow from the land between them."""
    east_west = [
        (150, 3750, 70, "滨河北路", "次干路", 0), (150, 760, 300, "文昌街", "支路", 0), (1760, 3750, 300, "文昌街", "次干路", 0),
        (150, 760, 560, "人民路", "主干路", 0), (760, 1760, 560, "大街", "支路", -110), (1760, 3750, 560, "人民路", "主干路", 0),
        (150, 3750, 830, "北环路", "主干路", 0), (150, 3750, -70, "滨河南路", "次干路", 0), (150, 3750, -290, "工农路", "主干路", 0),
        (150, 3750, -520, "工业大道", "主干路", 0), (800, 3300, -650, "路南街", "支路", 0), (800, 3300, -860, "南环路", "次干路", 0),
    ]  # fmt: skip
    names_n = (
        "西环路",
        "西关路",
        "城西路",
        "城东路",
        "府前路",
        "广场路",
        "云溪大道",
        "新建路",
        "育才路",
        "迎宾路",
        "东环路",
    )
    names_s = ("西环路", "农机路", "纺织路", "南关街", "建设路", "府前路", "机械路", "新建路", "货场路", "东环路")
    lines = [street(along(a, b, v, bend=bend), name, kind) for a, b, v, name, kind, bend in east_west]
    main = {150, 760, 1760, 2060, 2640, 2940, 3750}
    lines += [
        street(across(u, 70, 830), n, "主干路" if u in main else "支路") for u, n in zip(U_NORTH, names_n, strict=True)
    ]
    lines.append(street(across(1230, 70, 830, bend=22), "鼓楼街", "支路"))
    for u, n in zip(U_SOUTH, names_s, strict=True):
        lines.append(street(across(u, -290, -70), n, "次干路" if u in (150, 1230, 2060, 2940, 3750) else "支路"))
        if u != 3300:
            lines.append(street(across(u, -520, -290), n, "支路"))
        if 800 <= u <= 3300:
            lines.append(street(across(u, -860, -650), n, "支路"))
    for u, n in ((1230, "老桥"), (2060, "人民桥"), (2940, "新桥")):
        lines.append(
            street(across(u, -70, 70), n, "次干路" if u == 1230 else "主干路", bridge="是", level=1, free=True)
        )
    for u, n in ((1230, "南关地道"), (2500, "机械路地道")):
        lines.append(street(across(u, -650, -520), n, "支路", tunnel="是", level=-1, free=True))
    # The fly-over crosses the railway and 工业大道 and meets neither; the two paths of the square cross without a node.
    lines.append(street(across(3300, -650, -290), "货场路高架", "次干路", bridge="是", level=1, free=True))
    for a, b in ((300, 560), (560, 300)):
        lines.append(street(LineString([place(2340, a), place(2640, b)]), "人民广场步道", "步行道", free=True))
    # A by-pass that is there but not for walking, and the road that leads to it.
    lines.append(street(along(-300, 4300, -940), "绕城快速路", "快速路", walkable="否"))
    lines.append(street(across(2060, -940, -860), "绕城连接线", "次干路"))
    # Cave-dwelling hillside: three lanes on the contour, joined by two steep ones.
    for k, v in enumerate((900, 970, 1040)):
        lines.append(
            street(along(800 - 25 * k, 1600 - 50 * k, v, bend=(-16, 22, 30)[k]), f"窑坡{'一二三'[k]}巷", "巷道")
        )
    lines.append(street(across(900, 830, 1080, bend=12), "坡道巷", "巷道"))
    lines.append(street(across(1400, 830, 1080, bend=-14), "土门巷", "巷道"))
    # Paths of the hill park and along the river.
    for k, v in enumerate((905, 985)):
        lines.append(street(along(1925, 2575, v, bend=(24, 40)[k]), "北山公园步道", "步行道"))
    for u in (1950, 2275, 2550):
        lines.append(street(across(u, 830, 1060 if u == 2275 else 1000, bend=10), "北山公园步道", "步行道"))
    for v, n in ((45, "河北岸步道"), (-45, "河南岸步道")):
        lines.append(street(along(175, 3725, v), n, "步行道"))
    for u in (450, 1040, 1560, 1850, 2340, 2640, 3240, 3500):
        lines.append(street(across(u, 45, 70), "河北岸步道", "步行道"))
    for u in (480, 800, 1600, 2500, 3300):
        lines.append(street(across(u, -70, -45), "河南岸步道", "步行道"))
    return lines


def clear_of(line: LineString, ground: Any) -> LineString:
    """A bridge or tunnel without the vertices it would share with what it passes over or under."""
    xy = shapely.get_coordinates(line)
    far = shapely.distance(shapely.points(xy), ground) > 0.5
    far[[0, -1]] = True
    return LineString(xy[far])


def noded(lines: list[Row]) -> gpd.GeoDataFrame:
    """Split lines where they cross or touch at the same level; each piece keeps the attributes of its line."""
    table = pd.DataFrame(lines).fillna({"free": False})
    free = table["free"].astype(bool)
    apart, table = table[free], table[~free]
    shape = shapely.set_precision(table.geometry.to_numpy(), GRID)
    pieces = shapely.get_parts(shapely.union_all(shape, grid_size=GRID))
    tree = shapely.STRtree(shape)
    pair = tree.query_nearest(shapely.line_interpolate_point(pieces, 0.5, normalized=True), all_matches=False)
    out = gpd.GeoDataFrame(table.drop(columns="geometry").iloc[pair[1]].reset_index(drop=True), geometry=pieces)
    apart = gpd.GeoDataFrame(apart.assign(geometry=shapely.set_precision(apart.geometry.to_numpy(), GRID)))
    ground, raised = shapely.union_all(pieces), apart["level"].notna() & (apart["level"] != 0)
    apart.loc[raised, "geometry"] = [clear_of(line, ground) for line in apart.geometry[raised]]
    out = gpd.GeoDataFrame(pd.concat([out[out.length > 0.3], apart], ignore_index=True), geometry="geometry")
    # Snapping may leave crumbs at junctions; in reading order the numbers of the segments follow the map.
    middle = shapely.get_coordinates(shapely.line_interpolate_point(out.geometry, 0.5, normalized=True)).round(1)
    return out.iloc[np.lexsort((middle[:, 0], -middle[:, 1]))].reset_index(drop=True)


# Land ----------------------------------------------------------------------------------------------------------------

# zone: bent-grid rectangle, size of a block and of a parcel (m²), wobble of lanes, kind of the new streets
ZONES = {
    "old": ((760, 70, 1760, 830), 7_500, 1_150, 0.055, "巷道"),
    "west": ((150, 70, 760, 830), 44_000, 10_500, 0.0, "支路"),
    "new": ((1760, 70, 3750, 830), 50_000, 17_500, 0.0, "支路"),
    "south": ((150, -290, 3750, -70), 46_000, 10_500, 0.0, "支路"),
    "works": ((150, -520, 3750, -290), 90_000, 15_000, 0.0, "支路"),
    "yards": ((800, -860, 3300, -650), 90_000, 16_000, 0.0, "支路"),
    "village": ((3740, 60, 4200, 840), 6_000, 650, 0.07, "巷道"),
    "hamlet": ((100, -1400, 1000, -950), 5_000, 750, 0.08, "巷道"),
}
# Land the plan needs at a given place: (name, land-use code, pattern of buildings, u, v)
SPECIAL = [
    ("云溪县人民政府", "0801", "office", 2200, 690), ("云溪县行政服务中心", "0801", "office", 2490, 690),
    ("云溪县第一中学", "080403", "school", 2790, 690), ("云溪县第二中学", "080403", "school", 600, 690),
    ("云溪县第三中学", "080403", "school", 2780, -180), ("实验小学", "080403", "school", 2190, 180),
    ("城关小学", "080403", "school", 1480, 700), ("西关小学", "080403", "school", 300, 190),
    ("南关小学", "080403", "school", 1420, -180), ("铁路小学（停办）", "080403", "school", 1400, -750),
    ("育才小学", "080403", "school", 3380, 430), ("职业技术学校", "080402", "school", 3620, 690),
    ("云溪县人民医院", "080601", "office", 3080, 430), ("云溪县中医院", "080601", "office", 620, 430),
    ("城南社区卫生服务中心", "080602", "office", 2280, -180), ("云溪县体育场", "080501", "stadium", 3090, 180),
    ("文化活动中心", "080302", "office", 2520, 180), ("云溪县图书馆", "080301", "office", 1880, 690),
    ("文庙（县博物馆）", "1504", "temple", 1140, 640), ("城隍庙", "1504", "temple", 1420, 250),
    ("云溪汽车站", "120801", "office", 3380, -180), ("云溪火车站", "1201", "office", 2060, -620),
    ("城关粮库", "1102", "granary", 1850, -750), ("西郊粮站", "1102", "granary", 300, -400),
    ("天泽购物广场（停业）", "0901", "mall", 2800, 430), ("万隆商场", "0901", "mall", 1900, 430),
    ("城中农贸市场", "0901", "market", 1610, 430), ("南关农贸市场", "0901", "market", 1080, -180),
    ("新区农贸市场", "0901", "market", 3380, 180), ("养老院", "080701", "office", 300, 690),
    ("消防救援站", "1310", "office", 2500, -400), ("城南派出所", "0801", "office", 1700, -180),
    ("自来水厂", "1301", "works", 300, 430), ("热力站", "1305", "works", 3600, 180),
    ("城东污水处理厂", "1302", "works", 3620, -180), ("垃圾转运站", "1309", "works", 3520, -400),
    ("燃气门站", "1304", "works", 400, -180), ("110kV变电站", "1303", "works", 3620, 430),
    ("人民广场", "1403", "none", 2480, 430), ("街心公园", "1401", "none", 2250, 430),
    ("文昌公园", "1401", "none", 1900, 180), ("西关公园", "1401", "none", 610, 180),
    ("工人公园", "1401", "none", 1900, -180), ("育才公园", "1401", "none", 3090, 690),
    ("城南游园", "1401", "none", 620, -180), ("机械厂游园", "1401", "none", 3100, -180),
]  # fmt: skip
WHOLE = ("人民广场", "文昌公园", "云溪县第一中学")  # these keep a whole block
# What else stands in a zone: (land-use code, pattern, share of parcels)
MIX = {
    "old": [("070102", "court", 0.86), ("070102", "infill", 0.07), ("0901", "shops", 0.05), ("2301", "none", 0.02)],
    "west": [("070102", "slab", 0.70), ("0901", "shops", 0.15), ("0801", "office", 0.10), ("2301", "none", 0.05)],
    "new": [("070102", "mid", 0.52), ("070102", "tower", 0.24), ("0901", "shops", 0.11), ("0902", "office", 0.09),
            ("2301", "none", 0.04)],
    "south": [("070102", "slab", 0.82), ("0901", "shops", 0.10), ("0801", "office", 0.04), ("2301", "none", 0.04)],
    "works": [("100102", "shed", 0.72), ("110101", "shed", 0.12), ("070102", "slab", 0.12), ("2301", "none", 0.04)],
    "yards": [("100103", "shed", 0.55), ("110101", "shed", 0.37), ("2301", "none", 0.08)],
    "village": [("070301", "court", 0.95), ("2301", "none", 0.05)],
    "hamlet": [("070301", "court", 1.0)],
}  # fmt: skip
LAND_NAMES = {
    "070102": "二类城镇住宅用地", "070301": "一类农村宅基地", "0801": "机关团体用地", "080301": "图书与展览用地",
    "080302": "文化活动用地", "080402": "中等职业教育用地", "080403": "中小学用地", "080404": "幼儿园用地",
    "080501": "体育场馆用地", "080601": "医院用地", "080602": "基层医疗卫生设施用地", "080701": "老年人社会福利用地",
    "0901": "商业用地", "0902": "商务金融用地", "100102": "二类工业用地", "100103": "三类工业用地", "110101": "一类物流仓储用地",
    "1102": "储备库用地", "1201": "铁路用地", "120801": "对外交通场站用地", "1301": "供水用地", "1302": "排水用地",
    "1303": "供电用地", "1304": "供燃气用地", "1305": "供热用地", "1309": "环卫用地", "1310": "消防用地", "1401": "公园绿地",
    "1402": "防护绿地", "1403": "广场用地", "1504": "文物古迹用地", "2301": "空闲地",
}  # fmt: skip


def river() -> Polygon:
    u = np.arange(-280, 4360, 20.0)
    half = 27 + 5 * np.sin(u / 330) + 2 * np.sin(u / 90)
    return Polygon(np.r_[place(u, half), place(u, -half)[::-1]])


def blocks(lines: list[Row]) -> tuple[list[Row], list[Row]]:
    """Faces between the streets, cut into blocks by further streets; returns blocks and all streets."""
    zones = {name: patch(*spec[0]) for name, spec in ZONES.items()}
    # Villages have no ring road: a ragged outline ends them.
    east, south = blob(3790, 420, 190).difference(patch(3000, 0, 3750, 900)), blob(500, -1090, 95)
    rims = [east.exterior, south.exterior]
    at_grade = [
        row["geometry"] for row in lines if row.get("level", 0) == 0 and row["kind"] not in ("步行道", "快速路")
    ]
    faces = list(polygonize(shapely.union_all([*at_grade, *rims], grid_size=GRID)))
    whole = [spot(u, v) for name, _code, _style, u, v in SPECIAL if name in WHOLE]
    found, streets = [], list(lines)
    for face in sorted(faces, key=lambda p: (round(p.centroid.x), round(p.centroid.y))):
        inside = [name for name, area in zones.items() if area.contains(face.representative_point())]
        if not inside:
            continue
        _rect, block, _parcel, wobble, kind = ZONES[inside[0]]
        # The square and the large parks keep their block whole: lanes would run through them.
        pieces, cuts = ([face], []) if any(face.contains(p) for p in whole) else cut(face, block, wobble=wobble)
        streets += [street(line, "", kind) for line in cuts]
        if inside[0] == "hamlet":  # a lane round the hamlet, which joins nothing else
            streets.append(street(face.exterior, "后山村道", "巷道"))
        found += [{"geometry": piece, "zone": inside[0]} for piece in pieces]
    return found, streets


def parcels(found: list[Row], streets: list[Row]) -> list[Row]:
    """Land between the streets, cut into parcels and given a use."""
    carriage = [row for row in streets if row["kind"] != "步行道"]
    road = shapely.union_all([row["geometry"].buffer(row["width"] / 2 + 1) for row in carriage])
    rail = along(-300, 4300, RAIL_V).buffer(15)
    water = river().buffer(2)
    special = {spot(u, v): (name, code, style) for name, code, style, u, v in SPECIAL}
    plots: list[Row] = []
    for block in found:
        zone, around = block["zone"], block["geometry"]
        wanted = [p for p in special if around.contains(p)]
        target = ZONES[zone][2]
        if any(special[p][0] in WHOLE for p in wanted) or (wanted and zone == "old"):
            target = around.area  # in the old town a school, market or temple fills its small block
        elif any(special[p][2] in ("school", "stadium", "mall") for p in wanted):
            target = max(target, min(16_000, around.area / 2))
        for land in polygons(around.difference(road), 150):
            pieces = shapely.set_precision(np.array(cut(land, target, wobble=0.3 * ZONES[zone][3])[0]), GRID)
            plots += [{"geometry": piece, "zone": zone, "around": around} for piece in pieces]
    tree = shapely.STRtree([row["geometry"] for row in plots])
    for point, (name, code, style) in special.items():
        nearest = plots[int(tree.nearest(point))]
        nearest.update(name=name, use=code, style=style)
    for zone, mix in MIX.items():
        free = [row for row in plots if row["zone"] == zone and "use" not in row]
        picks = RNG.choice(len(mix), size=len(free), p=[share for _c, _s, share in mix])
        for row, k in zip(free, picks, strict=True):
            row.update(name="", use=mix[k][0], style=mix[k][1])
    # Kindergartens take the residential parcel nearest to where they are wanted.
    for name, u, v in (("县幼儿园", 1000, 330), ("新星幼儿园", 2500, 640), ("西关幼儿园", 400, 620), ("南关幼儿园", 950, -180),
                       ("纺织幼儿园", 1250, -400), ("阳光幼儿园", 3000, 300), ("云溪幼儿园", 2100, 300)):  # fmt: skip
        homes = [row for row in plots if row["use"] == "070102" and row["style"] != "court"]
        row = min(homes, key=lambda r: r["geometry"].distance(spot(u, v)) + 0.004 * r["geometry"].area)
        row.update(name=name, use="080404", style="school")
    # Cave dwellings: yards on the uphill side of the contour lanes.
    for row in [row for row in streets if row["name"].startswith("窑坡")]:
        strip = LineString(row["geometry"]).offset_curve(14).buffer(10.5, cap_style="flat")
        yards = [yard for part in polygons(strip.difference(road), 200) for yard in cut(part, 520, jitter=0.02)[0]]
        cave = {"zone": "caves", "around": None, "name": "", "use": "070301", "style": "cave"}
        plots += [{**cave, "geometry": yard} for yard in yards]
    # Green banks between the river and its roads, and the hill park.
    for sign, side in ((1, "北"), (-1, "南")):
        for k, (a, b) in enumerate(((150, 760), (800, 1225), (1240, 2050), (2070, 2930), (2950, 3740))):
            band = patch(a, 24, b, 64) if sign > 0 else patch(a, -64, b, -24)
            bank = max(polygons(band.difference(water).difference(road)), key=lambda p: p.area)
            row = {"geometry": bank, "zone": "bank", "around": None, "use": "1401", "style": "none"}
            plots.append({**row, "name": f"滨河{side}岸公园{'一二三四五'[k]}段"})
    knolls = [blob(u, v, r) for u, v, r in ((2030, 945, 105), (2240, 975, 150), (2460, 950, 115))]
    hill = shapely.union_all(knolls).buffer(90).buffer(-90).difference(road)
    plots.append({"geometry": hill, "zone": "hill", "around": None, "name": "北山公园", "use": "1401", "style": "none"})
    for v0, v1, name, use in ((-568, -538, "铁路防护绿带", "1402"), (-603, -568, "铁路用地（虚构）", "1201")):
        track = {"zone": "rail", "around": None, "name": name, "use": use, "style": "none"}
        ends = (150, 3750) if use == "1402" else (-280, 4280)
        plots += [{**track, "geometry": p} for p in polygons(patch(ends[0], v0, ends[1], v1).difference(road), 2_000)]
    out = [row for row in plots if not row["geometry"].intersects(rail) or row["use"] == "1201"]
    quarters = [*ZONES, "caves", "bank", "hill", "rail"]
    for k, row in enumerate(out):
        row["geometry"] = shapely.set_precision(max(polygons(row["geometry"]), key=lambda p: p.area), GRID)
        row["id"] = f"YX{quarters.index(row['zone']) + 1:02d}{k + 1:05d}"
    return out


# Compounds -----------------------------------------------------------------------------------------------------------


def compounds(plots: list[Row], streets: list[Row]) -> tuple[list[Row], list[Row]]:
    """Walls, gates and inner paths of gated housing and of fenced works; a path is kept free of buildings."""
    walls, gates = [], []
    for row in plots:
        land, around = row["geometry"], row["around"]
        housing = row["style"] in ("slab", "mid", "tower") and land.area > 3_500 and RNG.random() < 0.85
        works = row["style"] == "shed" and land.area > 6_000 and RNG.random() < 0.6
        row["gated"] = housing or works
        if around is None or row["style"] not in ("slab", "mid", "tower", "shed") or land.area < 2_500:
            continue
        ring = np.array([around.exterior.interpolate(d).coords[0] for d in np.arange(0, around.exterior.length, 8)])
        near = shapely.distance(shapely.points(ring), land)
        front = ring[near < near.min() + 6]
        heart = np.array(
            land.representative_point().coords[0] if not land.contains(land.centroid) else land.centroid.coords[0]
        )
        first = front[np.argmin(np.hypot(*(front - heart).T))]
        reach = np.hypot(*(front - heart).T)
        turn = (front - heart) @ (first - heart) / (reach * np.hypot(*(first - heart)))
        behind = front[turn < 0.35]  # the nearest street on another side of the compound
        spine = [LineString([first, heart])]
        if row["gated"] and len(behind) and row["style"] != "shed":
            spine.append(LineString([behind[np.argmin(np.hypot(*(behind - heart).T))], heart]))
        wall = land.buffer(-1.0, join_style="mitre").exterior
        for k, path in enumerate(spine):
            streets.append(street(path, "", "小区道路"))
            if row["gated"]:
                crossing = MultiPoint(shapely.get_coordinates(path.intersection(wall)))
                # A second crossing of the wall by the same path would be a hole no guard watches: it gets a gate too.
                for gate in crossing.geoms:
                    shut = k == 1 and (RNG.random() < 0.55)
                    gates.append({"geometry": gate, "state": "关" if shut else "开", "parcel": row["id"]})
        if row["gated"]:
            walls.append({"geometry": wall, "parcel": row["id"]})
        across_way = first - heart
        side = np.array([-across_way[1], across_way[0]]) / np.hypot(*across_way)
        if land.area > 10_000 and row["style"] != "shed":
            chord = LineString([heart - side * 400, heart + side * 400]).intersection(land.buffer(-9))
            for part in shapely.get_parts(chord):
                if part.distance(Point(heart)) < 0.5 and part.length > 40:
                    streets.append(street(part, "", "小区道路"))
                    spine.append(part)
        row["paths"] = shapely.union_all(spine)
    return walls, gates


# Buildings -----------------------------------------------------------------------------------------------------------


def buildings(plots: list[Row]) -> list[Row]:
    out: list[Row] = []
    for row in plots:
        land, style, zone = row["geometry"], row["style"], row["zone"]
        inner = land.buffer(-6 if land.area > 3_000 else -2, join_style="mitre")
        if row.get("paths") is not None:
            inner = inner.difference(row["paths"].buffer(3.6))
        _centre, way, _long, _short = frame(land)
        turn = (np.degrees(np.arctan2(way[1], way[0])) + 45) % 90 - 45
        year, use, floors, more = 1990, "住宅", (1, 2), 0
        parts: list[Polygon] = []
        if style == "court":
            for plot in cut(land, 330 if zone == "old" else 300, jitter=0.03)[0]:
                parts += courtyard(plot)
            year, floors = RNG.integers(1935, 1992), (1, 2)
            rebuilt = int(row["id"][-3:]) % 9 in (0, 2, 4, 6, 7)  # half of it, by its owners
            if rebuilt:
                year, more = 2001 + year % 15, 2
        elif style == "infill":
            parts = rows(inner, angle=turn, depth=11, length=26, gap=4, pitch=9)
            year, floors = RNG.integers(1984, 2004), (3, 5)
        elif style == "cave":
            parts = rows(land.buffer(-1.2), angle=turn, depth=7.5, length=15, gap=2, pitch=30)
            year, floors = RNG.integers(1930, 1985), (1, 1)
        elif style == "slab":
            parts = rows(
                inner, angle=np.clip(turn, -15, 15), depth=11.5, length=RNG.choice([38, 46, 54]), gap=7, pitch=17
            )
            year, floors = RNG.integers(1979, 2003), (5, 6)
        elif style == "mid":
            parts = rows(inner, angle=np.clip(turn, -12, 12), depth=13.5, length=RNG.choice([36, 44]), gap=9, pitch=26)
            year, floors = RNG.integers(2004, 2020), (6, 11)
        elif style == "tower":
            parts = rows(inner, angle=np.clip(turn, -12, 12), depth=17, length=30, gap=20, pitch=34)
            year, floors = RNG.integers(2012, 2023), (15, 18)
        elif style in ("shed", "works", "granary"):
            size = {"shed": RNG.choice([24, 30, 36]), "works": 20, "granary": 18}[style]
            parts = rows(inner, angle=turn, depth=size, length=RNG.choice([48, 64, 84]), gap=10, pitch=11)
            if style == "granary":  # round silos beside the barns
                silos = rows(
                    inner.difference(shapely.union_all(parts).buffer(4)),
                    angle=turn,
                    depth=15,
                    length=15,
                    gap=3,
                    pitch=4,
                )
                parts += [p.centroid.buffer(7.5, quad_segs=6) for p in silos if p.area > 200]
            if style == "shed":
                parts = [p for p in parts if RNG.random() < 0.92]
            use = {"shed": "仓储" if row["use"] == "110101" else "工业", "works": "公共", "granary": "仓储"}[style]
            year, floors = RNG.integers(1972, 2016), (1, 2)
            more = 2 if style == "shed" and int(row["id"][-3:]) % 3 == 0 else 0  # a third of the works are stacked
        elif style in ("office", "school", "stadium"):
            yard = inner
            if style != "office":  # the sports ground takes the south of the school
                x0, y0, x1, y1 = inner.bounds
                yard = inner.intersection(box(x0, y0 + (y1 - y0) * 0.45, x1, y1))
            parts = rows(yard, angle=turn, depth=15, length=RNG.choice([36, 48]), gap=11, pitch=20)
            parts = parts[:: 2 if style == "stadium" else 1][:9]
            use = "学校" if style == "school" else "医疗" if row["use"].startswith("0806") else "办公"
            year, floors = RNG.integers(1985, 2018), (3, 5)
        elif style in ("shops", "mall", "market"):
            size = {"shops": (13, 40, 16), "mall": (46, 80, 24), "market": (22, 60, 10)}[style]
            parts = rows(inner, angle=turn, depth=size[0], length=size[1], gap=6, pitch=size[2])
            use, year, floors = "商业", RNG.integers(1988, 2018), (4, 5) if style == "mall" else (1, 3)
        elif style == "temple":
            parts = rows(inner, angle=0, depth=9, length=16, gap=4, pitch=9)
            use, year, floors = "文化", RNG.integers(1380, 1850), (1, 1)
        row["year"] = int(year)
        for part in parts:
            shape = shapely.set_precision(part, GRID)
            if shape.area < 15:
                continue
            height = (
                int(RNG.integers(floors[0], floors[1] + 1))
                if zone != "old" or style != "court"
                else 1 + (RNG.random() < 0.25)
            )
            out.append({"geometry": shape, "floors": int(height) + more, "use": use, "year": int(year) + int(RNG.integers(0, 4)),
                        "parcel": row["id"], "zone": zone, "style": style})  # fmt: skip
    return out


# Communities, parks, facilities --------------------------------------------------------------------------------------

COMMUNITIES = [
    ("城关社区", 1000, 660), ("鼓楼社区", 1500, 660), ("文庙社区", 1000, 280), ("东关社区", 1520, 260), ("西关社区", 420, 430),
    ("府前社区", 2080, 560), ("人民广场社区", 2560, 300), ("云溪大道社区", 2980, 640), ("迎宾社区", 3480, 430),
    ("南关社区", 700, -260), ("纺织社区", 1500, -260), ("机械社区", 2380, -260), ("货场社区", 3350, -260),
    ("铁南社区", 2050, -760),
]  # fmt: skip
# Facilities found along the streets: word used in the file, how many, pull of the two centres (0 none, 1 strong)
STREETSIDE = [
    ("公交站", 36, 0.1), ("便利店", 46, 0.5), ("超市", 12, 0.6), ("药店", 14, 0.7), ("餐馆", 34, 0.8), ("银行", 9, 1.0),
    ("邮政网点", 3, 0.8), ("电信营业厅", 4, 1.0), ("公共厕所", 15, 0.4), ("生活垃圾收集站", 7, 0.1), ("社区卫生服务站", 6, 0.5),
    ("老年人日间照料中心", 4, 0.6), ("文化活动站", 5, 0.7), ("社区食堂", 3, 0.8), ("托儿所", 2, 1.0), ("室外综合健身场地", 11, 0.3),
    ("小型多功能运动场地", 5, 0.3), ("快递驿站", 16, 0.5), ("宾馆", 6, 0.9), ("停车场", 9, 0.6), ("充电站", 4, 0.5),
    ("再生资源回收点", 5, 0.1), ("健身房", 3, 1.0), ("电影院", 1, 1.0), ("司法所", 1, 1.0), ("街道办事处", 2, 0.8),
]  # fmt: skip
# Some of the spots drawn for convenience stores are other things a town of this size has.
NOT_SHOPS = ["门诊部"] * 6 + ["街道社区服务中心"] * 2 + ["开闭所"] * 5 + ["中型多功能运动场地"] * 3
IN_COMPOUNDS = [("物业服务中心", 18), ("儿童游乐场", 12), ("室外健身器械", 12)]
ON_PARCELS = {  # facilities that have their own parcel, by its name
    "云溪县人民政府": "政府机关", "云溪县行政服务中心": "政府机关", "云溪县人民医院": "综合医院", "云溪县中医院": "医院",
    "城南社区卫生服务中心": "社区卫生服务中心", "云溪县体育场": "体育场", "文化活动中心": "文化活动中心", "云溪县图书馆": "图书馆",
    "文庙（县博物馆）": "博物馆", "万隆商场": "商场", "城中农贸市场": "菜市场", "南关农贸市场": "菜市场", "新区农贸市场": "菜市场",
    "养老院": "养老院", "消防救援站": "消防站", "城南派出所": "派出所", "垃圾转运站": "垃圾转运站", "热力站": "供热站",
}  # fmt: skip
SCHOOLS = {
    "第一中学": "初中",
    "第二中学": "初中",
    "第三中学": "初中",
    "小学": "小学",
    "幼儿园": "幼儿园",
    "职业技术学校": "职业学校",
}
LUCKY = [
    "福源",
    "云溪",
    "惠民",
    "永兴",
    "德顺",
    "万家",
    "春晖",
    "和美",
    "鑫旺",
    "兴隆",
    "益民",
    "聚鑫",
    "安康",
    "祥和",
    "同心",
    "金桥",
    "新天地",
    "好邻居",
    "城南",
    "北街",
]


def communities(found: list[Row], plots: list[Row]) -> gpd.GeoDataFrame:
    """Fourteen communities that follow the streets, and the hamlet behind the hill as a village of its own."""
    seeds = shapely.points([place(u, v) for _name, u, v in COMMUNITIES])
    north_bank = np.array([v > 0 for _name, _u, v in COMMUNITIES])
    inland = [row for row in found if row["zone"] != "hamlet"]
    land = [row["geometry"] for row in inland]
    sides = [row["zone"] in ("old", "west", "new", "village") for row in inland]
    for u in range(150, 3750, 50):  # the banks up to the middle of the river, and the railway land
        land += [patch(u, 0, u + 50, 70), patch(u, -70, u + 50, 0), patch(u, -650, u + 50, -520)]
        sides += [True, False, False]
    caves = shapely.union_all([row["geometry"] for row in plots if row["zone"] == "caves"]).convex_hull.buffer(12)
    north, shapes = patch(600, 810, 1800, 1200), []
    away = shapely.distance(shapely.centroid(np.array(land))[:, None], seeds[None, :])
    # The river parts communities, whatever is nearer.
    nearest = np.argmin(np.where(np.array(sides)[:, None] == north_bank[None, :], away, np.inf), axis=1)
    for k in range(len(COMMUNITIES)):
        part = shapely.union_all([land[i] for i in np.flatnonzero(nearest == k)], grid_size=GRID)
        shapes.append(part)
    free = caves.intersection(north).difference(shapely.union_all(shapes))
    shapes[0] = shapely.union_all([shapes[0], max(polygons(free), key=lambda p: p.area)], grid_size=GRID)
    shapes.append(shapely.union_all([row["geometry"] for row in found if row["zone"] == "hamlet"], grid_size=GRID))
    names = [name for name, _u, _v in COMMUNITIES] + ["后山村"]
    return gpd.GeoDataFrame({
        "社区编号": [f"SQ{k + 1:02d}" for k in range(len(names))], "社区名称": names,
        "所属街道": ["城关街道" if v > 0 else "城南街道" for _n, _u, v in COMMUNITIES] + ["城南街道"], "备注": "虚构",
    }, geometry=shapes)  # fmt: skip


def parks(plots: list[Row], segments: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Parks and squares with their entrances: where the boundary comes nearest to streets, spread round it."""
    vacant = [row for row in plots if row["use"] == "2301" and 300 < row["geometry"].area < 9_000]
    for k, row in enumerate(vacant[:7]):
        row.update(use="1401", name=f"口袋公园{'一二三四五六七'[k]}号")
    green = [row for row in plots if row["use"] in ("1401", "1403")]
    kind = ["广场" if r["use"] == "1403" else "口袋公园" if "口袋" in r["name"] else "游园" if "游园" in r["name"] else "综合公园"
            for r in green]  # fmt: skip
    table = gpd.GeoDataFrame({
        "公园编号": [f"GY{k + 1:02d}" for k in range(len(green))], "公园名称": [r["name"] for r in green], "公园类型": kind,
        "面积": [round(r["geometry"].area, 1) for r in green],
    }, geometry=[r["geometry"] for r in green])  # fmt: skip
    roads = shapely.union_all(segments.loc[segments["walkable"] != "否", "geometry"].to_numpy())
    found = []
    for code, shape in zip(table["公园编号"], table.geometry, strict=True):
        ring = shapely.line_interpolate_point(shape.exterior, np.arange(0, shape.exterior.length, 6))
        gap = shapely.distance(ring, roads)
        near = ring[gap < gap.min() + 8]
        chosen = [near[0]]
        for _ in range(int(np.clip(shape.area // 6_000, 1, 3))):
            away = np.min([shapely.distance(near, c) for c in chosen], axis=0)
            if away.max() > 25:
                chosen.append(near[int(np.argmax(away))])
        found += [{"公园编号": code, "geometry": p} for p in chosen]
    gates = gpd.GeoDataFrame(found, geometry="geometry")
    gates.insert(0, "出入口编号", [f"CRK{k + 1:03d}" for k in range(len(gates))])
    return table, gates


def facilities(
    plots: list[Row], segments: gpd.GeoDataFrame, areas: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, gpd.GeoDataFrame]:
    """Points of interest (most things) and schools (a layer of the education bureau)."""
    found: list[Row] = []
    taken: dict[str, int] = {}

    def add(word: str, point: Point, name: str = "", floor: float = np.nan, site: float = np.nan) -> None:
        k = taken[word] = taken.get(word, -1) + 1
        turn = "" if k < len(LUCKY) else f"{k // len(LUCKY) + 1}店"
        found.append({"名称": name or f"{LUCKY[(7 * k + len(word)) % len(LUCKY)]}{word}{turn}", "类别": word, "geometry": point,
                      "建筑面积": floor, "用地面积": site})  # fmt: skip

    for row in plots:
        if row["name"] in ON_PARCELS:
            area = row["geometry"].area
            add(
                ON_PARCELS[row["name"]],
                row["geometry"].representative_point(),
                row["name"],
                round(area * 0.8, -1),
                round(area),
            )
    for area, name in zip(areas.geometry.iloc[:12], areas["社区名称"], strict=False):
        lanes = segments[segments.within(area) & segments["kind"].isin(["支路", "巷道", "次干路"])]
        if name not in ("货场社区", "文庙社区", "机械社区"):  # three communities still lack their service station
            near = lanes.distance(area.representative_point()).idxmin()
            add(
                "社区服务站",
                Point(lanes.geometry[near].interpolate(0.4, normalized=True)),
                f"{name}服务站",
                float(RNG.integers(380, 950)),
            )
    usable = segments[segments["kind"].isin(["主干路", "次干路", "支路", "巷道"]) & (segments["bridge"] != "是")
                      & (segments["tunnel"] != "是") & (segments.length > 25)]  # fmt: skip
    usable = usable[~usable["name"].isin(["绕城连接线", "后山村道"])]
    middle = shapely.line_interpolate_point(usable.geometry.to_numpy(), 0.5, normalized=True)
    pull = np.exp(
        -((np.min([shapely.distance(middle, spot(u, v)) for u, v in ((1260, 430), (2480, 430))], axis=0) / 520) ** 2)
    )
    # The hillside and the south bank are served last, as in many valley towns.
    served = np.where(np.isin(usable["name"], ["坡道巷", "土门巷", "窑坡一巷", "窑坡二巷", "窑坡三巷"]), 0.0, 1.0)
    for word, count, weight in STREETSIDE:
        chance = (
            usable.length.to_numpy()
            * served
            * np.where(usable["kind"] == "巷道", 0.25, 1.0)
            * (1 - weight + weight * pull)
        )
        if word == "公交站":
            chance = chance * usable["kind"].isin(["主干路", "次干路"]).to_numpy()
        words = [*NOT_SHOPS, *[word] * (count - len(NOT_SHOPS))] if word == "便利店" else [word] * count
        drawn = RNG.choice(len(usable), size=count, replace=False, p=chance / chance.sum())
        for k, called in zip(drawn, words, strict=True):
            line, width = usable.geometry.iloc[k], usable["width"].iloc[k]
            curb = line.offset_curve(float(RNG.choice([-1, 1])) * (width / 2 + 0.5))
            size = {
                "社区卫生服务站": 150,
                "老年人日间照料中心": 480,
                "文化活动站": 320,
                "社区食堂": 180,
                "托儿所": 260,
                "超市": 600,
            }.get(word)
            add(
                called,
                curb.interpolate(RNG.uniform(0.2, 0.8), normalized=True),
                floor=round(size * RNG.uniform(0.7, 1.5)) if size else np.nan,
            )
    homes = [row for row in plots if row["gated"] and row["use"] == "070102"]
    for word, count in IN_COMPOUNDS:
        for k in RNG.choice(len(homes), size=count, replace=False):
            path = max(shapely.get_parts(homes[k]["paths"]), key=lambda p: p.length)
            add(word, Point(path.interpolate(0.8, normalized=True)))
    pupils = [(row, word) for row in plots for key, word in SCHOOLS.items() if row["name"].endswith(key)]
    schools = gpd.GeoDataFrame({
        "学校名称": [row["name"] for row, _ in pupils], "学校类型": [word for _, word in pupils],
        "用地面积": [round(row["geometry"].area) for row, _ in pupils],
        "学位数": [int(np.clip(row["geometry"].area / {"幼儿园": 16, "小学": 15}.get(word, 18), 90, 2400) // 15 * 15) for row, word in pupils],
    }, geometry=[row["geometry"].representative_point() for row, _ in pupils])  # fmt: skip
    schools.insert(0, "学校编号", [f"XX{k + 1:02d}" for k in range(len(schools))])
    # Defects: a word no list knows, and a row without coordinates.
    add("老戏台", spot(1190, 470), "城关老戏台")
    add("便利店", Point(), "无坐标便利店")
    points = gpd.GeoDataFrame(found, geometry="geometry", crs=None)
    xy = shapely.get_coordinates(points.geometry.fillna(Point()), include_z=False)
    blank = points.geometry.is_empty.to_numpy()
    lonlat = gpd.GeoSeries(gpd.points_from_xy(*(xy + ORIGIN).T), crs=CRS).to_crs(4490)
    lon, lat = gcj02(lonlat.x.to_numpy(), lonlat.y.to_numpy())
    table = pd.DataFrame(points.drop(columns="geometry"))
    table.insert(0, "序号", np.arange(1, len(table) + 1))
    for name, values in (("经度", lon), ("纬度", lat)):
        column = np.full(len(table), np.nan)
        column[~blank] = values.round(6)
        table[name] = column
    return table, schools


def gcj02(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """WGS84 → GCJ-02, the offset that Chinese web maps carry, by the usual public formula."""
    a, ee = 6378245.0, 0.00669342162296594323
    x, y = lon - 105.0, lat - 35.0
    swing = (20 * np.sin(6 * x * np.pi) + 20 * np.sin(2 * x * np.pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x)) + swing
    north += (20 * np.sin(y * np.pi) + 40 * np.sin(y / 3 * np.pi)) * 2 / 3
    north += (160 * np.sin(y / 12 * np.pi) + 320 * np.sin(y * np.pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x)) + swing
    east += (20 * np.sin(x * np.pi) + 40 * np.sin(x / 3 * np.pi)) * 2 / 3
    east += (150 * np.sin(x / 12 * np.pi) + 300 * np.sin(x / 30 * np.pi)) * 2 / 3
    phi = np.radians(lat)
    magic = 1 - ee * np.sin(phi) ** 2
    dlat = north * 180 / (a * (1 - ee) / (magic * np.sqrt(magic)) * np.pi)
    dlon = east * 180 / (a / np.sqrt(magic) * np.cos(phi) * np.pi)
    return lon + dlon, lat + dlat


# Pipes ---------------------------------------------------------------------------------------------------------------

STREET_PIPES = {  # layer: code in node numbers, streets that carry it, shift beside the street (m)
    "燃气管线": ("RQ", ("主干路", "次干路", "支路"), (4.5, 4.5)), "给水管线": ("JS", ("主干路", "次干路", "支路", "巷道"), (-4.0, 3.0)),
    "污水管线": ("WS", ("主干路", "次干路", "支路", "巷道"), (1.5, -1.5)), "雨水管线": ("YS", ("主干路", "次干路", "支路"), (-1.5, -3.5)),
    "热力管线": ("RL", ("主干路", "次干路"), (6.0, -6.0)),
}  # fmt: skip
MATERIALS = {  # layer: (built before, words a surveyor would write, shares)
    "燃气管线": [(1999, ("灰口铸铁", "钢"), (0.55, 0.45)), (2006, ("钢", "球墨铸铁"), (0.8, 0.2)), (2100, ("PE", "钢"), (0.85, 0.15))],
    "给水管线": [(1986, ("灰口铸铁", "水泥管"), (0.75, 0.25)), (2001, ("球墨铸铁", "灰口铸铁", "钢"), (0.6, 0.2, 0.2)),
                (2100, ("PE", "球墨铸铁"), (0.6, 0.4))],
    "污水管线": [(1996, ("砼", "平口混凝土管"), (0.7, 0.3)), (2010, ("钢筋砼",), (1.0,)), (2100, ("HDPE", "钢筋砼"), (0.7, 0.3))],
    "雨水管线": [(1996, ("砼",), (1.0,)), (2100, ("钢筋砼",), (1.0,))],
    "热力管线": [(2100, ("钢",), (1.0,))],
}  # fmt: skip


def pipes(segments: gpd.GeoDataFrame, found: list[Row]) -> tuple[dict[str, gpd.GeoDataFrame], gpd.GeoDataFrame]:
    """Five networks under the streets. Sewers and storm drains are trees that fall to an outfall; the rest are meshes."""
    zone_of = gpd.GeoDataFrame(found, geometry="geometry")[["zone", "geometry"]]
    layers, nodes = {}, []
    for layer, (code, kinds, shift) in STREET_PIPES.items():
        carried = segments[
            segments["kind"].isin(kinds)
            & (segments["tunnel"] != "是")
            & ~segments["name"].isin(["货场路高架", "后山村道"])
        ]
        if layer in ("污水管线", "雨水管线"):
            carried = carried[(carried["bridge"] != "是") & ~carried["name"].str.startswith("窑坡")]
        middle = gpd.GeoDataFrame(geometry=carried.geometry.interpolate(0.5, normalized=True))
        zone = middle.sjoin_nearest(zone_of).groupby(level=0)["zone"].first().reindex(carried.index)
        if layer == "热力管线":
            carried = carried[zone.isin(["new", "west"])]
        if layer == "燃气管线":
            carried = carried[zone.ne("yards")]
        graph = nx.Graph()
        for i, line in zip(carried.index, carried.geometry, strict=True):
            a, b = (tuple(np.round(line.coords[k], 2)) for k in (0, -1))
            graph.add_edge(
                a, b, weight=line.length * (1 if carried["kind"][i] in ("主干路", "次干路") else 1.6), line=line, row=i
            )
        outlets = [tuple(place(3750, 70)), tuple(place(3750, -70))]
        outlets = [min(graph, key=lambda n, o=o: np.hypot(n[0] - o[0], n[1] - o[1])) for o in outlets]
        top = {n: float(ground(*map(np.array, n))) for n in graph}
        # Seen from the outfall a drain must climb: ground that falls on the way costs a long detour.
        far, routes = nx.multi_source_dijkstra(
            graph, outlets, weight=lambda a, b, d, top=top: d["weight"] + 600 * max(0.0, top[a] - top[b])
        )
        tree = layer in ("污水管线", "雨水管线")
        pairs = [(n, routes[n][-2]) for n in sorted(far, key=lambda n: (far[n], n)) if len(routes[n]) > 1]
        if not tree:
            parts = nx.node_connected_component(graph, outlets[0]) | nx.node_connected_component(graph, outlets[1])
            pairs = sorted((max(a, b), min(a, b)) for a, b in graph.edges if a in parts)
        load: dict[tuple[float, float], float] = {}
        for up, down in reversed(pairs):  # what gathers upstream sets the diameter
            load[down] = load.get(down, 0) + load.get(up, 0) + graph.edges[up, down]["line"].length
        level = {o: top[o] - 5.5 for o in outlets}
        wells: dict[tuple[float, float], tuple[str, float]] = {}  # number and height of the lid
        laid: list[Row] = []
        well = "检查井" if tree else "阀门井"
        for up, down in pairs:
            edge = graph.edges[up, down]
            line = edge["line"] if tuple(np.round(edge["line"].coords[0], 2)) == up else edge["line"].reverse()
            stops = np.linspace(0, line.length, max(1, int(np.ceil(line.length / (75 if tree else 160)))) + 1)
            years = {"old": (1975, 1999), "caves": (1990, 2005), "new": (2004, 2022), "village": (2005, 2020)}.get(
                zone[edge["row"]], (1980, 2015)
            )
            year = int(RNG.integers(*years))
            if layer in ("燃气管线", "热力管线"):  # gas and heat came to the town late
                year = min(2022, max(1990, year + 8))
            size = (300, 400, 500, 600, 800, 1000) if tree else (100, 150, 200, 300)
            wide = {"主干路": 3, "次干路": 2, "支路": 1}.get(segments["kind"][edge["row"]], 0)
            step = int(np.searchsorted((900, 2500, 6000, 12000, 25000), load.get(up, 0))) if tree else wide
            diameter = size[step] + (200 if layer == "雨水管线" else 0)
            words = next((w, p) for until, w, p in MATERIALS[layer] if year < until)
            material = str(RNG.choice(words[0], p=words[1]))
            if tree:
                slope = max(0.0012, 0.0034 - 0.0000024 * diameter) * RNG.uniform(1.0, 1.25)
                normal, shallow = level[down] + slope * line.length, top[up] - 1.3 - diameter / 1000
                level[up] = max(
                    min(normal, max(shallow, level[down] + 0.0007 * line.length)), top[up] - RNG.uniform(2.4, 3.1)
                )
            for a, b in itertools.pairwise(stops):
                ends = [tuple(np.round(line.interpolate(d).coords[0], 2)) for d in (a, b)]
                heights = [level[up] + (level[down] - level[up]) * d / line.length if tree else None for d in (a, b)]
                piece = shapely.set_precision(affinity.translate(shapely.ops.substring(line, a, b), *shift), GRID)
                for end, height in zip(ends, heights, strict=True):
                    if end not in wells:
                        # Streets lie on low banks where the pipe below runs shallow.
                        lid = max(
                            float(ground(*map(np.array, end))), height + diameter / 1000 + 0.45 if tree else -np.inf
                        )
                        wells[end] = (f"{code}{len(wells) + 1:04d}", lid)
                        nodes.append({"管点编号": wells[end][0], "管网": layer[:2], "类型": well, "地面高程": round(lid, 2),
                                      "井底高程": round(height, 2) if tree else None,
                                      "geometry": affinity.translate(Point(end), *shift)})  # fmt: skip
                (start, lid), (stop, _lid) = wells[ends[0]], wells[ends[1]]
                cover = lid - heights[0] - diameter / 1000 if tree else RNG.uniform(0.9, 1.7)
                laid.append({"起点编号": start, "终点编号": stop, "材质": material, "管径": diameter, "建设年代": year,
                             "起点管底": round(heights[0], 3) if tree else None,
                             "终点管底": round(heights[1], 3) if tree else None, "埋深": round(cover, 2),
                             "geometry": piece})  # fmt: skip
        table = gpd.GeoDataFrame(laid, geometry="geometry").astype({"管径": "int32", "建设年代": "int32"})
        table.insert(0, "管线编号", [f"{code}G{k + 1:04d}" for k in range(len(table))])
        layers[layer] = table if tree else table.drop(columns=["起点管底", "终点管底"])
    gas, water, sewage = layers["燃气管线"], layers["给水管线"], layers["污水管线"]
    gas["评估隐患"] = np.where(
        gas["建设年代"] < 2006, RNG.choice(["是", "否", ""], p=(0.35, 0.35, 0.3), size=len(gas)), ""
    )
    # Defects: plain 铸铁 tells neither grey nor ductile iron; some sewers run uphill by the survey.
    water.loc[RNG.choice(water.index[water["材质"] == "灰口铸铁"], 14, replace=False), "材质"] = "铸铁"
    uphill = RNG.choice(sewage.index, 9, replace=False)
    sewage.loc[uphill, ["起点管底", "终点管底"]] = sewage.loc[uphill, ["终点管底", "起点管底"]].to_numpy()
    return layers, gpd.GeoDataFrame(nodes, geometry="geometry")


# Tables --------------------------------------------------------------------------------------------------------------


def building_table(drawn: list[Row], plots: list[Row]) -> gpd.GeoDataFrame:
    area = np.array([row["geometry"].area for row in drawn])
    table = gpd.GeoDataFrame({
        "建筑编号": [f"JZ{k + 1:05d}" for k in range(len(drawn))], "层数": [row["floors"] for row in drawn],
        "建筑面积": np.round(area * [row["floors"] for row in drawn], 1), "建成年代": [row["year"] for row in drawn],
        "用途": [row["use"] for row in drawn], "宗地编号": [row["parcel"] for row in drawn],
    }, geometry=[row["geometry"] for row in drawn])  # fmt: skip
    style = pd.Series([row["style"] for row in drawn])
    home = table["用途"].eq("住宅") & ~table["宗地编号"].isin(
        [r["id"] for r in plots if r["use"] not in ("070102", "070301")]
    )
    flats = np.maximum(1, np.round(table["建筑面积"] / 88))
    single = np.where(area > 48, RNG.choice([1, 2], p=(0.85, 0.15), size=len(area)), 0)
    table["户数"] = np.where(home, np.where(style.isin(["court", "cave"]), single, flats), 0).astype(int)
    # Danger class is known for old buildings only; emptiness comes from a field check of works and caves.
    old = table["建成年代"] < 1980
    table["危房等级"] = np.where(old, RNG.choice(["A", "B", "C", "D"], p=(0.4, 0.4, 0.15, 0.05), size=len(table)), None)
    checked = style.isin(["shed", "granary", "cave", "mall"])
    table["是否空置"] = np.where(checked, np.where(RNG.random(len(table)) < 0.28, "是", "否"), None)
    table.loc[style.eq("mall"), "是否空置"] = "是"
    table.loc[table["是否空置"].eq("是"), "户数"] = 0
    # Defect: two farmhouses stand outside every community, the second far from any street.
    lonely = gpd.GeoDataFrame({
        "建筑编号": [f"JZ{len(table) + k:05d}" for k in (1, 2)], "层数": 1, "建筑面积": [96.0, 84.0], "建成年代": [1988, 1979],
        "用途": "住宅", "户数": 1, "危房等级": [None, "B"],
    }, geometry=[affinity.translate(box(-6, -4, 6, 4), *place(u, v)) for u, v in ((3800, -330), (3300, 1260))])  # fmt: skip
    return pd.concat([table, lonely], ignore_index=True)


def parcel_names(plots: list[Row]) -> list[str]:
    """Names as the cadastre has them: compounds and yards have one, other land is called by its use and a number."""
    pattern = {
        "slab": "{0}小区",
        "mid": "{0}花园",
        "tower": "{0}家园",
        "court": "{1}{2}号院",
        "cave": "窑坡{2}号院",
        "shed": "{0}厂区",
    }
    place_of = {"old": "老城", "village": "东坡村", "hamlet": "后山村"}
    seen: dict[str, int] = {}
    names = []
    for row in plots:
        k = seen[row["style"]] = seen.get(row["style"], 0) + 1
        turn = "" if k <= len(LUCKY) else f"{(k - 1) // len(LUCKY) + 1}期"
        made = pattern.get(row["style"], "{3}{2}号").format(
            LUCKY[k % len(LUCKY)], place_of.get(row["zone"], ""), k, LAND_NAMES[row["use"]]
        )
        names.append(row["name"] or made + (turn if "{0}" in pattern.get(row["style"], "") else ""))
    return names


def parcel_table(plots: list[Row], built: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The cadastre as delivered: area in 亩, floor area ratio as text, percentages, dates as text."""
    floor = built.groupby("宗地编号")["建筑面积"].sum()
    area = np.array([row["geometry"].area for row in plots])
    gross = floor.reindex([row["id"] for row in plots]).fillna(0).to_numpy()
    table = gpd.GeoDataFrame({
        "宗地编号": [row["id"] for row in plots],
        "宗地名称": parcel_names(plots),
        "地类编码": [row["use"] for row in plots], "地类名称": [LAND_NAMES[row["use"]] for row in plots],
        "面积": np.round(area / (10_000 / 15), 3), "建筑面积": np.round(gross, 1),
        "容积率": [f"{g / a:.2f}" for g, a in zip(gross, area, strict=True)],
        "建成年份": [row["year"] if g > 0 else None for row, g in zip(plots, gross, strict=True)],
    }, geometry=[row["geometry"] for row in plots])  # fmt: skip
    dates = ["批准日期", "供地日期", "约定开工", "实际开工", "停工日期"]
    for name in [*dates, "开发比例", "投资比例", "备注"]:
        table[name] = None
    # Land that was supplied and not, or only half, built on: the cases of the idle-land rules and their near misses.
    open_land = table.index[
        table["地类编码"].eq("2301")
        | (table["地类编码"].str.startswith("10") & RNG.choice([True, False], p=(0.2, 0.8), size=len(table)))
    ]
    for k, i in enumerate(open_land):
        approved = dt.date(2015 + int(RNG.integers(0, 9)), int(RNG.integers(1, 13)), int(RNG.integers(1, 28)))
        due = approved + dt.timedelta(days=int(RNG.integers(300, 700)))
        table.loc[i, "批准日期"] = approved.isoformat()
        if k % 5 != 0:  # every fifth was approved and never supplied
            table.loc[i, "供地日期"] = (approved + dt.timedelta(days=120)).isoformat()
            table.loc[i, "约定开工"] = due.isoformat()
            if k % 5 in (1, 2):
                table.loc[i, "实际开工"] = (due + dt.timedelta(days=60)).isoformat()
                table.loc[i, ["开发比例", "投资比例"]] = [float(RNG.integers(8, 90)), float(RNG.integers(5, 80))]
            if k % 5 == 1 and due.year < 2024:
                table.loc[i, "停工日期"] = (due + dt.timedelta(days=400)).isoformat()
    return table


def spoil_parcels(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The deliberate defects of the cadastre; the READMEs count them."""
    plain = table.index[(table["地类编码"] == "070102") & (table.area.between(500, 1600))].to_numpy()
    picks = RNG.permutation(plain)[:60]
    table.loc[picks[:12], "面积"] = (table.loc[picks[:12], "面积"] * np.where(np.arange(12) % 2, 1.12, 0.86)).round(3)
    table.loc[picks[12:15], "容积率"] = "不详"
    table.loc[picks[15], "宗地名称"] = "<img src=x onerror=alert(1)>"
    for i in picks[16:21]:  # a loop of two metres at a corner: self-intersecting, area hardly changed
        ring = list(table.geometry[i].exterior.coords)
        (x, y), (nx_, ny_) = ring[0], ring[1]
        way = np.array([nx_ - x, ny_ - y]) / np.hypot(nx_ - x, ny_ - y)
        turn = np.array([-way[1], way[0]])
        loop = [np.array([x, y]) + way * a + turn * b for a, b in ((5, 1), (5, -1), (3, 2))]
        table.loc[i, "geometry"] = Polygon([ring[0], *(tuple(p.round(2)) for p in loop), *ring[1:]])
    ring = list(table.geometry[picks[21]].minimum_rotated_rectangle.exterior.coords)
    table.loc[picks[21], "geometry"] = Polygon([ring[0], ring[2], ring[1], ring[3]])  # a bow-tie
    table.loc[picks[22], "geometry"] = None
    table.loc[picks[23], "宗地编号"] = table.loc[picks[24], "宗地编号"]  # one number, two different parcels
    table.loc[picks[23:25], "备注"] = "编号重复"
    return pd.concat([table, table.loc[picks[25:29]]], ignore_index=True)  # four rows delivered twice


def asset_register(parcel: gpd.GeoDataFrame, plots: list[Row]) -> pd.DataFrame:
    """The register of idle assets: in 亩, without geometry."""
    kinds = [("厂房", "shed", 20), ("粮仓", "granary", 2), ("窑洞", "cave", 12), ("院落", "court", 10), ("商业综合体", "mall", 1),
             ("办公楼", "office", 3), ("市场", "market", 1), ("闲置地块", "none", 4)]  # fmt: skip
    area = parcel[parcel.geometry.notna() & parcel["备注"].isna()].drop_duplicates("宗地编号").set_index("宗地编号")
    named = {"mall": "天泽购物广场（停业）", "market": "南关农贸市场"}
    found: list[Row] = []
    for kind, style, count in kinds:
        pool = [
            r
            for r in plots
            if r["style"] == style and (style != "none" or r["use"] == "2301") and r["id"] in area.index
        ]
        pool = [
            r
            for r in pool
            if r["name"] == named.get(style, r["name"])
            and (style != "office" or r["zone"] in ("works", "south", "west"))
        ]
        chosen = [pool[k] for k in RNG.permutation(len(pool))[:count]]
        found += [{"资产类型": kind, "宗地编号": r["id"], "style": style} for r in chosen]
    school = next(r for r in plots if r["name"] == "铁路小学（停办）")
    found.append({"资产类型": "学校", "宗地编号": school["id"], "style": "school"})
    table = pd.DataFrame(found)
    n = len(table)
    own = area.reindex(table["宗地编号"])
    table["占地面积(亩)"] = own["面积"].to_numpy().round(2)
    table["建筑面积(㎡)"] = own["建筑面积"].to_numpy().round(0)
    storeys = table["style"].map({"office": 4, "mall": 5, "school": 3}).fillna(1)
    table["首层面积(㎡)"] = (table["建筑面积(㎡)"] / storeys).round(0)
    table["净高(m)"] = (
        table["style"].map({"shed": 7.5, "granary": 6.0, "cave": 3.2, "mall": 4.5, "market": 6.0}).fillna(3.0)
    )
    table["层数"] = storeys.astype(int)
    table["危房等级"] = RNG.choice(["A", "B", "C", "D", "未鉴定"], p=(0.3, 0.35, 0.12, 0.05, 0.18), size=n)
    table["权属清晰"] = RNG.choice(["是", "否", ""], p=(0.75, 0.12, 0.13), size=n)
    months = RNG.integers(8, 200, size=n)
    table["闲置起始"] = [(dt.date(2025, 12, 1) - dt.timedelta(days=int(30 * m))).isoformat() for m in months]
    # Defects: numbers that match no parcel, an empty number, and a number that two parcels carry.
    twice = parcel.loc[parcel["备注"].eq("编号重复"), "宗地编号"].iloc[0]
    extra = [("YX9900001", "厂房"), ("YX9900002", "院落"), ("YX9900003", "车站"), ("", "桥下空间"), (twice, "街角地")]
    strays = pd.DataFrame(
        {
            "宗地编号": [a for a, _ in extra],
            "资产类型": [b for _, b in extra],
            "占地面积(亩)": [4.2, 0.6, 2.1, 1.1, 0.4],
        }
    )
    table = pd.concat([table, strays], ignore_index=True).drop(columns="style")
    table.insert(0, "资产编号", [f"ZC{k + 1:03d}" for k in range(len(table))])
    table.insert(1, "资产名称", [f"云溪{kind}{k + 1}（虚构）" for k, kind in enumerate(table["资产类型"])])
    return table


def tax_register(plots: list[Row]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Firms with tax and output in 万元 (some on no known parcel) and monthly water of some parcels."""
    industry = {"100102": ("通用设备制造业", "纺织业", "食品制造业", "金属制品业"), "100103": ("非金属矿物制品业", "化学原料制造业"),
                "110101": ("仓储业",), "0901": ("零售业", "餐饮业")}  # fmt: skip
    firms = [row for row in plots if row["use"] in industry and row["style"] != "none"]
    word = [str(RNG.choice(industry[row["use"]])) for row in firms]
    area = np.array([row["geometry"].area for row in firms]) / (10_000 / 15)
    idle = RNG.random(len(firms)) < 0.25
    tax = area * RNG.lognormal(1.1, 0.8, len(firms)) * np.where(idle, 0.08, 1)
    table = pd.DataFrame({"地块编号": [row["id"] for row in firms],
                          "企业名称": [f"云溪{LUCKY[k % len(LUCKY)]}{w[:2]}{k + 1}厂（虚构）" for k, w in enumerate(word)], "行业": word,
                          "税收(万元)": tax.round(2), "产值(万元)": (tax * RNG.uniform(14, 30, len(firms))).round(1)})  # fmt: skip
    lost = pd.DataFrame({"地块编号": [f"YX88000{k}" for k in range(1, 7)], "企业名称": [f"云溪外迁{k}厂（虚构）" for k in range(1, 7)],
                         "行业": "金属制品业", "税收(万元)": [12.5, 3.1, 0.0, 44.0, 7.7, 1.9], "产值(万元)": [260.0, 55.0, 0.0, 900.0, 150.0, 40.0]})  # fmt: skip
    second = table.iloc[[10, 20]].assign(
        **{
            "企业名称": ["云溪合租一厂（虚构）", "云溪合租二厂（虚构）"],
            "税收(万元)": [3.2, 5.5],
            "产值(万元)": [70.0, 120.0],
        }
    )
    table = pd.concat([table, second, lost], ignore_index=True).astype({"税收(万元)": object})
    table.loc[3, "税收(万元)"] = "不详"
    metered = RNG.permutation(len(firms))[:48]
    month = [f"2025-{m:02d}" for m in range(1, 13)]
    base = area[metered] * RNG.uniform(4, 22, 48) * ~idle[metered]
    water = pd.DataFrame({"宗地编号": np.repeat([firms[k]["id"] for k in metered], 12), "月份": month * 48,
                          "用水量": (np.repeat(base, 12) * RNG.uniform(0.8, 1.2, 48 * 12)).round(1)})  # fmt: skip
    return table, water


def constraints(plots: list[Row]) -> gpd.GeoDataFrame:
    """Farmland on the valley floor, ecological land on the hills, heritage in the old town, one unstable slope."""
    town = shapely.union_all([row["geometry"].buffer(40) for row in plots]).buffer(60).buffer(-60)
    wet = river().buffer(40)
    farm = [patch(-250, 90, 130, 820), patch(-250, -560, 110, -90), patch(3990, -600, 4300, -80), patch(3990, 90, 4300, 900),
            patch(150, -900, 760, -640), patch(3350, -900, 4250, -640)]  # fmt: skip
    wood = [patch(-250, 900, 4250, 1430), patch(800, -1400, 4250, -1010)]
    core = [patch(1130, 520, 1330, 760), patch(1040, 560, 1230, 720), patch(1380, 190, 1470, 310)]
    shapes = [g.difference(town).difference(wet) for g in farm + wood] + [
        core[0].union(core[1]),
        core[2],
        blob(1370, 1060, 80),
    ]
    words = ["永久基本农田"] * len(farm) + ["生态保护红线"] * len(wood) + ["历史文化街区", "历史文化街区", "地质灾害"]
    names = [f"{w}{k + 1}号（虚构）" for k, w in enumerate(words)]
    return gpd.GeoDataFrame({"编号": [f"KZ{k + 1:02d}" for k in range(len(words))], "名称": names, "类型": words},
                            geometry=shapely.set_precision(np.array(shapes), GRID))  # fmt: skip


# Writing -------------------------------------------------------------------------------------------------------------


def moved(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """From local metres to EPSG:4547."""
    shape = shapely.transform(table.geometry.array, lambda xy: (xy + ORIGIN).round(2))
    return gpd.GeoDataFrame(table.drop(columns="geometry"), geometry=gpd.GeoSeries(shape, index=table.index), crs=CRS)


def raster(path: Path, values: np.ndarray, *, x: float, y: float, size: float, nodata: float) -> None:
    transform = rasterio.Affine(size, 0, x + ORIGIN[0], 0, -size, y + ORIGIN[1])
    profile = {"driver": "GTiff", "width": values.shape[1], "height": values.shape[0], "count": 1, "dtype": "float32", "crs": CRS,
               "transform": transform, "nodata": nodata, "compress": "deflate", "predictor": 3}  # fmt: skip
    with rasterio.open(path, "w", **profile) as sheet:
        sheet.write(values.astype("float32"), 1)


def population(built: gpd.GeoDataFrame) -> np.ndarray:
    """Residents by 100 m cell: dwellings with some noise, scaled to the census total; outside the valley no data."""
    centre = shapely.get_coordinates(shapely.centroid(built.geometry.to_numpy()))
    people = built["户数"].to_numpy() * RNG.uniform(2.3, 3.3, len(built))
    column, line = ((centre[:, 0] + 200) // 100).astype(int), ((2700 - centre[:, 1]) // 100).astype(int)
    cells = np.zeros((27, 44))
    np.add.at(cells, (line, column), people)
    cells = (cells * RESIDENTS / cells.sum()).round(2)
    filled = np.argwhere(cells > 0)
    index = np.indices(cells.shape).reshape(2, -1).T
    away = np.array([np.abs(filled - i).max(axis=1).min() for i in index]).reshape(cells.shape)
    return np.where(away > 4, -99999.0, cells)


def workbook(path: Path, table: pd.DataFrame, *, sheet: str, note: str) -> None:
    book = xlsxwriter.Workbook(str(path))
    book.set_properties({"title": "云溪县城（虚构）", "created": pd.Timestamp("2025-12-31").to_pydatetime()})
    page, about = book.add_worksheet(sheet), book.add_worksheet("说明")
    page.write_row(0, 0, list(table.columns), book.add_format({"bold": True, "bg_color": "#DDEBF7"}))
    for k, row in enumerate(table.astype(object).where(table.notna(), None).itertuples(index=False)):
        page.write_row(k + 1, 0, ["" if v is None else v for v in row])
    page.set_column(0, len(table.columns), 15)
    about.write(0, 0, note)
    book.close()


def barrier_drawing(path: Path, walls: list[Row], gates: list[Row]) -> None:
    """Walls, banks, railway and gates as a drawing; Chinese layer names in the code page of Chinese CAD."""
    bank = river().exterior
    lines = [("围墙", row["geometry"]) for row in walls]
    sides = bank.difference(shapely.union_all([patch(-300, -60, -262, 60), patch(4300, -60, 4400, 60)]))
    lines += [("河岸", part) for part in shapely.get_parts(shapely.line_merge(sides))]
    lines += [("铁路", along(-300, 4300, RAIL_V))]
    lines += [(f"大门_{row['state']}", row["geometry"]) for row in gates]
    table = moved(gpd.GeoDataFrame({"Layer": [name for name, _ in lines]}, geometry=[line for _, line in lines]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a drawing carries no CRS, which pyogrio warns of
        pyogrio.write_dataframe(table.set_crs(None, allow_override=True), path, driver="DXF")
    text = path.read_text(encoding="utf-8").replace("ANSI_1252", "ANSI_936")
    path.write_bytes(text.encode("gbk"))


def write(out: Path) -> None:
    # The current date and random ids would make every run differ.
    pyogrio.set_gdal_config_options(
        {"OGR_CURRENT_DATE": "2025-12-31T00:00:00.000Z", "OPENFILEGDB_REPRODUCIBLE_UUID": "YES"}
    )
    out.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(out / "地下管线.gdb", ignore_errors=True)
    for name in ("建筑社区公园.gpkg", "围墙大门.dxf", "道路.geojson"):  # GDAL would add to these rather than begin anew
        (out / name).unlink(missing_ok=True)
    found, streets = blocks(skeleton())
    plots = parcels(found, streets)
    walls, gates = compounds(plots, streets)
    drawn = buildings(plots)
    segments = noded(streets).reindex(
        columns=["name", "kind", "width", "bridge", "tunnel", "level", "walkable", "geometry"]
    )
    segments = gpd.GeoDataFrame(segments, geometry="geometry")
    areas = communities(found, plots)
    park, entrance = parks(plots, segments)
    points, schools = facilities(plots, segments, areas)
    layers, nodes = pipes(segments, found)
    built = building_table(drawn, plots)
    parcel = spoil_parcels(parcel_table(plots, built))
    assets = asset_register(parcel, plots)
    tax, water = tax_register(plots)

    pyogrio.write_dataframe(moved(parcel).to_crs(4526), out / "宗地.shp", encoding="LDID/77",
                            layer_options={"DBF_DATE_LAST_UPDATE": "2025-12-31"})  # fmt: skip
    town = out / "建筑社区公园.gpkg"
    for layer, table in {
        "建筑": built,
        "社区": areas,
        "公园": park,
        "公园出入口": entrance,
        "学校": schools,
        "控制线": constraints(plots),
    }.items():
        pyogrio.write_dataframe(moved(table), town, layer=layer)
    for layer, table in {**layers, "管点": nodes}.items():
        pyogrio.write_dataframe(moved(table), out / "地下管线.gdb", layer=layer, driver="OpenFileGDB")
    road = segments.rename(columns={"name": "道路名称", "kind": "道路等级", "width": "宽度", "bridge": "桥梁", "tunnel": "隧道",
                                    "level": "层级", "walkable": "可步行"})  # fmt: skip
    road = road.assign(层级=road["层级"].fillna(0).astype(int), 可步行=road["可步行"].fillna("是"),
                       桥梁=road["桥梁"].fillna("否"), 隧道=road["隧道"].fillna("否"))  # fmt: skip
    road.insert(0, "道路编号", [f"DL{k + 1:04d}" for k in range(len(road))])
    pyogrio.write_dataframe(
        moved(road).to_crs(4490), out / "道路.geojson", driver="GeoJSON", layer_options={"COORDINATE_PRECISION": 8}
    )
    barrier_drawing(out / "围墙大门.dxf", walls, gates)
    points.to_csv(out / "设施点_高德.csv", index=False, encoding="utf-8-sig", lineterminator="\r\n")
    water.to_csv(out / "用水量.csv", index=False, encoding="gbk", lineterminator="\r\n")
    workbook(out / "闲置资产台账.xlsx", assets, sheet="台账", note="云溪县城（虚构）闲置资产台账，全部为合成数据")
    workbook(out / "企业税收.xlsx", tax, sheet="税收", note="云溪县城（虚构）企业税收，全部为合成数据")
    x, y = np.meshgrid(np.arange(-300, 4300, 20) + 10, np.arange(3000, 0, -20) - 10)
    height = ground(x, y).round(2)
    height[:12, :15] = -9999  # a corner that the survey did not reach
    raster(out / "高程.tif", height, x=-300, y=3000, size=20, nodata=-9999)
    raster(out / "人口.tif", population(built), x=-200, y=2700, size=100, nodata=-99999)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "sample_town" / "raw")
    write(parser.parse_args().out)
