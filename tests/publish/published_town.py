"""A made-up town of any size for the tests of what is published: canonical layers and result layers, the same each time."""

import base64

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

CRS = "EPSG:4547"
X0, Y0 = 500_000.0, 3_600_000.0
HOSTILE = "<img src=x onerror=alert(1)>"
# a picture of one pixel, the smallest PNG there is
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TEMPLATE = "{{ 7*7 }}{% raw %}{# no #}</script>"


def _frame(index: str, prefix: str, shapes: object, **columns: object) -> gpd.GeoDataFrame:
    shapes = np.asarray(shapes, dtype=object)
    ids = pd.Index([f"{prefix}{n + 1:04d}" for n in range(len(shapes))], dtype="str", name=index)
    return gpd.GeoDataFrame(columns, index=ids, geometry=shapes, crs=CRS)


def town(*, blocks: int = 6, homes: int = 60, facilities: int = 40) -> dict[str, gpd.GeoDataFrame]:
    """Layers by name; `blocks` squares of 160 m a side each way, four parcels and sixteen buildings a square."""
    rng = np.random.default_rng(7)
    step, side = 180.0, 160.0
    size = blocks * step
    col, row = (a.ravel() for a in np.meshgrid(np.arange(blocks), np.arange(blocks)))
    bend = 25 * np.sin(row / 2.0)
    bx, by = X0 + col * step + bend, Y0 + row * step
    quarter = np.arange(4)
    px = (bx[:, None] + (quarter % 2) * side / 2).ravel()
    py = (by[:, None] + (quarter // 2) * side / 2).ravel()
    jog = rng.uniform(4, 16, len(px))
    cells = shapely.polygons(
        np.stack(
            [
                np.stack([px, py], 1),
                np.stack([px + side / 2 - 3, py], 1),
                np.stack([px + side / 2 - 3, py + side / 2 - 3 - jog], 1),
                np.stack([px + side / 2 - 3 - jog, py + side / 2 - 3], 1),
                np.stack([px, py + side / 2 - 3], 1),
            ],
            axis=1,
        )
    )
    n = len(cells)
    uses = np.array(["070102", "0701", "0901", "1001", "080403", "1401", "0801", "1101", "130301", "9999"])
    use = uses[np.searchsorted([0.42, 0.5, 0.62, 0.78, 0.84, 0.88, 0.92, 0.95, 0.98], rng.random(n))]
    names = np.array(["幸福里", "和平小区", "东风机械厂", "粮站", "商贸城", "实验小学"])[rng.integers(0, 6, n)].astype(
        object
    )
    names[rng.random(n) < 0.2] = None
    names[0], names[1] = HOSTILE, TEMPLATE
    parcels = _frame(
        "parcel_id",
        "P",
        cells,
        name=pd.array(names, dtype="str"),
        land_use=pd.array(use, dtype="str"),
        land_use_edition=pd.array(["yonghai_2023"] * n, dtype="str"),
        site_area_m2=shapely.area(cells),
        far=np.where(rng.random(n) < 0.3, np.nan, rng.uniform(0.2, 3, n).round(2)),
        built_year=np.where(rng.random(n) < 0.3, np.nan, rng.integers(1965, 2022, n)),
        supply_date=pd.Series(
            pd.to_datetime("2015-01-01") + pd.to_timedelta(rng.integers(0, 3000, n), unit="D")
        ).to_numpy(),
        in_scope=pd.array(np.where(rng.random(n) < 0.1, None, True), dtype="boolean"),
        source=pd.array([f"地块.shp#{k + 1}" for k in range(n)], dtype="str"),
    )
    kx = (px[:, None] + 6 + (quarter % 2) * 36).ravel()
    ky = (py[:, None] + 6 + (quarter // 2) * 34).ravel()
    bw, bh = rng.uniform(12, 28, len(kx)), rng.uniform(10, 24, len(kx))
    walls = shapely.box(kx, ky, kx + bw, ky + bh)
    buildings = _frame(
        "building_id",
        "B",
        walls,
        name=pd.array([None] * len(walls), dtype="str"),
        use=pd.array(
            np.array(["residential", "commercial", "industrial", "school", None], dtype=object)[
                rng.integers(0, 5, len(walls))
            ],
            dtype="str",
        ),
        floors=rng.integers(1, 12, len(walls)).astype(float),
        floor_area_m2=(shapely.area(walls) * 3).round(1),
        built_year=rng.integers(1970, 2020, len(walls)).astype(float),
        danger_class=pd.array(
            np.array(["A", "B", "C", "D", None], dtype=object)[rng.integers(0, 5, len(walls))], dtype="str"
        ),
        vacant=pd.array(np.array([True, False, None], dtype=object)[rng.integers(0, 3, len(walls))], dtype="boolean"),
    )
    m = max(2, blocks // 4)
    edge = np.linspace(-30, size + 10, m + 1)
    ax, ay = (a.ravel() for a in np.meshgrid(np.arange(m), np.arange(m)))
    lattice = np.stack(np.meshgrid(edge, edge), axis=-1) + rng.uniform(-30, 30, (m + 1, m + 1, 2)) + [X0, Y0]
    corners = [lattice[ay, ax], lattice[ay, ax + 1], lattice[ay + 1, ax + 1], lattice[ay + 1, ax]]
    quarters = shapely.polygons(np.stack(corners, axis=1))
    k = len(quarters)
    pool = np.array(
        [
            "东街",
            "西关",
            "南门",
            "北坡",
            "河滨",
            "新城",
            "工农",
            "朝阳",
            "文昌",
            "凤凰",
            "龙泉",
            "石桥",
            "双塔",
            "桃园",
            "柳巷",
            "梅苑",
        ]
    )
    area_names = np.char.add(pool[np.arange(k) % 16], "社区").astype(object)
    area_names[0] = "<b>东街</b>社区"
    areas = _frame(
        "area_id", "A", quarters, name=pd.array(area_names, dtype="str"), level=pd.array(["community"] * k, dtype="str")
    )
    share = rng.uniform(0.15, 1, (k, 3)).round(3)
    coverage = areas[["name", "geometry"]].assign(
        residents=rng.integers(800, 6000, k).astype(float),
        completeness_5=share.min(axis=1),
        completeness_10=np.median(share, axis=1),
        completeness_15=share.max(axis=1),
    )
    coverage.loc[coverage.index[-1], "completeness_15"] = np.nan
    hx, hy = rng.uniform(0, size, homes), rng.uniform(0, size, homes)
    home_points = shapely.points(X0 + hx, Y0 + hy)
    kinds = [
        "kindergarten",
        "primary_school",
        "clinic",
        "food_market",
        "bus_stop",
        "elder_day_care",
        "fitness_ground",
        "convenience_store",
        "library",
        "public_toilet",
        "police_station",
        "pharmacy",
    ]
    walk = rng.uniform(1, 25, (homes, len(kinds)))
    walk[rng.random(walk.shape) < 0.1] = np.nan
    coverage_homes = _frame(
        "home_id",
        "H",
        home_points,
        residents=rng.integers(1, 200, homes).astype(float),
        completeness_5=rng.random(homes),
        completeness_10=rng.random(homes),
        completeness_15=rng.random(homes),
        **{f"walk_min_{kind}": walk[:, place] for place, kind in enumerate(kinds)},
    )
    facility_names = np.array([f"第{j + 1}{'号' if j % 2 else ''}" for j in range(facilities)], dtype=object)
    facility_names[0] = HOSTILE
    facility_points = shapely.points(X0 + rng.uniform(0, size, facilities), Y0 + rng.uniform(0, size, facilities))
    facility = _frame(
        "facility_id",
        "F",
        facility_points,
        name=pd.array(facility_names, dtype="str"),
        kind=pd.array(np.array(kinds)[np.arange(facilities) % len(kinds)], dtype="str"),
        floor_area_m2=np.where(rng.random(facilities) < 0.5, np.nan, 300.0),
        source=pd.array([f"POI.csv#{j}" for j in range(facilities)], dtype="str"),
    )
    gx = X0 + np.arange(blocks + 1) * step - 10
    gy = Y0 + np.arange(blocks + 1) * step - 10
    along = np.linspace(-10, size - 10, 4 * blocks)
    ns = [np.stack([x + 25 * np.sin((along + 10) / step / 2), Y0 + along], 1) for x in gx]
    ew = [
        np.array([[X0 - 10 + 25 * np.sin(i / 2), y], [X0 + size - 10 + 25 * np.sin(i / 2), y]])
        for i, y in enumerate(gy)
    ]
    lines = np.array([shapely.LineString(c) for c in ns + ew], dtype=object)
    rank = np.where(
        np.arange(len(lines)) % 4 == 0, "primary", np.where(np.arange(len(lines)) % 5 == 0, "footway", "residential")
    )
    streets = _frame(
        "street_id",
        "S",
        lines,
        name=pd.array(["建设路"] * len(lines), dtype="str"),
        **{"class": pd.array(rank, dtype="str")},
    )
    bank = np.linspace(-200, size + 200, 60)
    river = shapely.LineString(np.stack([X0 + bank, Y0 + size * 0.62 + 60 * np.sin(bank / 300)], 1))
    wall = shapely.box(X0 + step - 4, Y0 + step - 4, X0 + 2 * step - 12, Y0 + 2 * step - 12).boundary
    rail = shapely.LineString([(X0 - 150, Y0 - 90), (X0 + size + 150, Y0 - 40)])
    barriers = _frame(
        "barrier_id",
        "R",
        [river, wall, rail],
        name=pd.array(["清河", None, "宝成线"], dtype="str"),
        kind=pd.array(["river", "wall", "railway"], dtype="str"),
    )
    gates = _frame(
        "gate_id",
        "G",
        shapely.points([[X0 + step + 60, Y0 + step - 4], [X0 + step - 4, Y0 + step + 60]]),
        name=pd.array(["南门", "西门"], dtype="str"),
        state=pd.array(["open", "closed"], dtype="str"),
    )
    picked = np.flatnonzero(use == "1401")
    parks = _frame(
        "park_id",
        "K",
        cells[picked],
        name=pd.array([f"口袋公园{j}" for j in range(len(picked))], dtype="str"),
        kind=pd.array(["pocket_park"] * len(picked), dtype="str"),
        site_area_m2=shapely.area(cells[picked]),
    )
    reach = _frame(
        "row",
        "Z",
        [shapely.union_all(shapely.buffer(cells[picked], 150)) if len(picked) else shapely.box(0, 0, 1, 1)],
        radius_m=[150.0],
    )
    networks = np.array(["gas", "water", "sewage", "storm", "heat"])
    runs = np.concatenate([lines] * len(networks))
    which = np.repeat(networks, len(lines))
    pieces = shapely.affinity.translate
    runs = np.array([pieces(line, 3 * j, 2 * j) for j in range(len(networks)) for line in lines], dtype=object)
    year = np.where(rng.random(len(runs)) < 0.2, np.nan, rng.integers(1975, 2020, len(runs)))
    pipes = _frame(
        "pipe_id",
        "L",
        runs,
        name=pd.array([None] * len(runs), dtype="str"),
        network=pd.array(which, dtype="str"),
        material=pd.array(np.array(["grey_iron", "pe", "unknown"])[rng.integers(0, 3, len(runs))], dtype="str"),
        diameter_mm=np.full(len(runs), 300.0),
        built_year=year,
    )
    renewal = np.array(["on the list", "age reached, not assessed", "not known", "not on the list"])[
        rng.integers(0, 4, len(runs))
    ]
    pipes_screen = pipes[["network", "material", "geometry"]].assign(
        renewal=pd.array(renewal, dtype="str"), age_years=2025 - year, rule=pd.array([None] * len(runs), dtype="str")
    )
    nodes = _frame(
        "node_id",
        "N",
        shapely.points(shapely.get_coordinates(lines)),
        network=pd.array(["sewage"] * shapely.get_num_coordinates(lines).sum(), dtype="str"),
        ground_m=rng.uniform(400, 420, shapely.get_num_coordinates(lines).sum()),
    )
    idle = np.arange(0, n, max(1, n // 12))
    assets = _frame(
        "asset_id",
        "E",
        cells[idle],
        name=pd.array([f"旧厂房{j}" for j in range(len(idle))], dtype="str"),
        asset_kind=pd.array(["factory"] * len(idle), dtype="str"),
        floor_area_m2=np.full(len(idle), 1800.0),
        danger_class=pd.array([None] * len(idle), dtype="str"),
        title_clear=pd.array([True, None] * (len(idle) // 2) + [False] * (len(idle) % 2), dtype="boolean"),
    )
    answer = np.array(["yes", "no", "not known", "not applicable"])
    a, b = answer[rng.integers(0, 4, n)], answer[rng.integers(0, 4, n)]
    either = (a == "yes") | (b == "yes")
    status = np.where(
        either, "candidate", np.where((a == "not known") | (b == "not known"), "not known", "not candidate")
    )
    land = parcels[["geometry"]].assign(
        L1=a,
        L1_value=pd.array(np.char.add("far = ", parcels["far"].astype(str).to_numpy(dtype="U8")), dtype="str"),
        L1_threshold="far < 1",
        L1_source="某市标准",
        L2=b,
        L2_value=pd.array(["亩均税收 = 3.1"] * n, dtype="str"),
        L2_threshold="亩均税收 < 5",
        L2_source="某市标准",
        candidate=status,
        reasons=pd.array(np.where(a == "yes", "L1", np.where(b == "yes", "L2", "")), dtype="str"),
        rules_yes=(a == "yes").astype(float) + (b == "yes"),
    )
    spot = np.repeat(np.arange(k), 4)
    left = -np.sort(-rng.integers(100, 4000, len(spot))).astype(float)
    gaps = gpd.GeoDataFrame(
        {
            "rank": np.arange(1, len(spot) + 1),
            "area_id": areas.index[spot],
            "name": areas["name"].to_numpy()[spot],
            "kind": np.array(kinds)[rng.integers(0, len(kinds), len(spot))],
            "tier": np.array([5, 10, 15])[rng.integers(0, 3, len(spot))],
            "residents_left_out": left,
        },
        geometry=quarters[spot],
        crs=CRS,
    )
    asked = [*kinds[:4], HOSTILE]
    spots = shapely.points(
        X0 + size * np.linspace(0.2, 0.8, len(asked)), Y0 + size * np.linspace(0.75, 0.3, len(asked))
    )
    limits_min = np.array([5.0, 10.0, 15.0])
    bands = shapely.buffer(np.repeat(spots, 3), np.tile(limits_min * size / 60, len(asked)))
    ponds = shapely.buffer(shapely.get_point(shapely.get_exterior_ring(bands), 0), size / 40)
    bands = shapely.difference(bands, np.where(np.arange(len(bands)) % 3 == 2, ponds, shapely.Point()))
    service_areas = _frame(
        "row",
        "V",
        bands,
        kind=pd.array(np.repeat(asked, 3), dtype="str"),
        limit_min=np.tile(limits_min, len(asked)),
        area_m2=shapely.area(bands),
    ).reset_index(drop=True)
    edge = shapely.box(X0 + size * 0.55, Y0 - 60, X0 + size + 60, Y0 + size * 0.5)
    edge_of_data = gpd.GeoDataFrame({"limit_min": [15.0], "area_m2": [edge.area]}, geometry=[edge], crs=CRS)
    tiers = np.repeat([5, 10, 15], 4)
    corner = np.stack([X0 + np.tile(np.arange(4), 3) * size / 5, Y0 + np.repeat(np.arange(3), 4) * size / 4], 1)
    gap_shapes = shapely.box(*corner.T, *(corner + size / 7).T)
    gap_areas = gpd.GeoDataFrame(
        {
            "rank": np.arange(1, 13),
            "tier": tiers,
            "homes": np.full(12, 9),
            "residents_left_out": np.arange(1200, 0, -100).astype(float),
            "residents_not_known": np.zeros(12),
            "area_id": areas.index[np.arange(12) % k],
            "name": areas["name"].to_numpy()[np.arange(12) % k],
            "missing": pd.array([f"{HOSTILE}, clinic, library"] * 12, dtype="str"),
            "missing_kinds": np.full(12, 3),
            "worst_kind": pd.array(["clinic"] * 12, dtype="str"),
            "walk_min": np.linspace(7.03, 21.5, 12),
            "residents_no_way": np.zeros(12),
            "area_m2": shapely.area(gap_shapes),
        },
        index=pd.Index([f"{t}-{n % 4 + 1}" for n, t in enumerate(tiers)], dtype="str", name="gap_id"),
        geometry=gap_shapes,
        crs=CRS,
    )
    gx0, gy0 = (a.ravel() for a in np.meshgrid(np.arange(6), np.arange(6)))
    cells_of = shapely.box(
        X0 + gx0 * size / 6, Y0 + gy0 * size / 6, X0 + (gx0 + 1) * size / 6, Y0 + (gy0 + 1) * size / 6
    )
    lost = np.where(gx0 == 0, 0.0, gx0 * 10.0 + gy0)
    gap_grid = gpd.GeoDataFrame(
        {
            "homes": np.full(36, 4),
            "residents": lost + 20,
            **{f"residents_left_out_{t}": lost for t in (5, 10, 15)},
            **{f"residents_not_known_{t}": np.zeros(36) for t in (5, 10, 15)},
            **{f"missing_kinds_{t}": np.where(gy0 == 5, np.nan, 2.0) for t in (5, 10, 15)},
        },
        index=pd.Index([f"{a}_{b}" for a, b in zip(gx0, gy0, strict=True)], dtype="str", name="cell_id"),
        geometry=cells_of,
        crs=CRS,
    )
    limits = _frame(
        "constraint_id",
        "C",
        [shapely.box(X0 + size * 0.7, Y0 + size * 0.7, X0 + size * 1.05, Y0 + size * 1.05)],
        name=pd.array(["古城保护区"], dtype="str"),
        kind=pd.array(["heritage"], dtype="str"),
    )
    renewal_blocks = _frame(
        "block_id",
        "B",
        [
            shapely.box(X0, Y0, X0 + size * 0.3, Y0 + size * 0.2),
            shapely.box(X0, Y0 + size * 0.4, X0 + size * 0.2, Y0 + size * 0.6),
        ],
        plots=[2.0, 1.0],
        plots_m2=[40_000.0, 25_000.0],
        residents=[310.0, np.nan],
        main_use=pd.array(["residential", None], dtype="str"),
        demolition_share=[0.1, np.nan],
        demolition_share_kept=pd.array(["yes", "not known"], dtype="str"),
    )
    return {
        "areas": areas,
        "parcels": parcels,
        "buildings": buildings,
        "assets": assets,
        "pipes": pipes,
        "pipe_nodes": nodes,
        "parks": parks,
        "facilities": facility,
        "streets": streets,
        "barriers": barriers,
        "gates": gates,
        "constraints": limits,
        "coverage_areas": coverage,
        "coverage_homes": coverage_homes,
        "gaps": gaps,
        "service_areas": service_areas,
        "edge_of_data": edge_of_data,
        "gap_areas": gap_areas,
        "gap_grid": gap_grid,
        "land": land,
        "renewal_blocks": renewal_blocks,
        "park_reach": reach,
        "pipes_screen": pipes_screen,
    }


def converted(assets: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """What the theme of idle assets adds to the map: each state in turn, hostile evidence, and a choice of two sites."""
    n = np.arange(len(assets))
    reuse_assets = assets[["name", "asset_kind", "geometry"]].assign(
        evidence=pd.array(np.where(n % 2, "register", "<i>meter</i>"), dtype="str"),
        uses_allowed=(n % 3 == 0) * 1.0,
        uses_conditional=(n % 3 == 1) * 1.0,
        uses_not_allowed=(n % 3 == 2) * 1.0,
    )
    reuse_sites = assets.iloc[:2][["name", "geometry"]].assign(
        sites=2, rank=[1, 2], use="nursery", residents_added=[9.0, 4.0], residents_so_far=[9.0, 13.0]
    )
    return {"reuse_assets": reuse_assets, "reuse_sites": reuse_sites.reset_index(drop=True)}


def compared(homes: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """What a comparison adds to the map: the homes that change in every way, and a scenario of points and a line."""
    changes = ["gained", "nearer", "lost", "farther", "gained and lost", "nearer and farther"]
    homes_changed = homes.iloc[:12][["residents", "geometry"]].assign(
        change=pd.array(changes * 2, dtype="str"), kinds_gained="clinic", kinds_lost="<i>bank</i>"
    )
    first = homes.geometry.iloc[0]
    scenario = gpd.GeoDataFrame(
        {
            "action": ["add", "open", "add"],
            "table": ["facilities", "gates", "streets"],
            "id": ["new", "g1", "</script><b>bridge"],
            "values": ['{"kind": "nursery"}', None, '{"bridge": true}'],
        },
        geometry=[first, None, shapely.LineString([(first.x, first.y), (first.x + 50, first.y + 20)])],
        index=pd.Index([1, 2, 3], name="row"),
        crs=homes.crs,
    )
    return {"homes_changed": homes_changed, "scenario": scenario}
