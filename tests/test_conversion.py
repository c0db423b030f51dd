"""Idle assets from the raw layers to workbook and map: a street drawn with a pencil, and the sample town walked by another library.

::

    x   0    100  200  300  400  500  600  700  800  900
        h0S  h1   h2   h3   h4   h5A  h6   h7   h8   h9B     one street, ten people a home, 60 m a minute
                       C                                     C's title is disputed
                            D                                of D's title nobody knows

S is a health station (5 minutes, 300 m). A is an office of 800 m² and B one of 400 m², both class A with a clear title, one storey and a
door of their own. E is a plot of 900 m² with no building, by h1.
"""

import base64
import gzip
import itertools
import re
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from shapely import LineString, Point, box

from lifecircle import circle, conversion, load, network, normalise, pipeline
from lifecircle.errors import MissingLayerError, SchemaError

X0, Y0 = 500_000.0, 3_600_000.0
LAYERS = ("areas", "homes", "facilities", "entrances", "streets", "parcels", "buildings", "assets", "constraints")


def at(x: float, y: float = 0.0) -> Point:
    return Point(X0 + x, Y0 + y)


def block(x0: float, y0: float, x1: float, y1: float) -> Any:
    return box(X0 + x0, Y0 + y0, X0 + x1, Y0 + y1)


def layers() -> dict[str, gpd.GeoDataFrame]:
    rows: dict[str, tuple[dict[str, object], list[Any]]] = {
        "areas": (
            {"area_id": ["W", "E"], "name": ["West", "East"]},
            [block(-50, -50, 450, 90), block(450, -50, 950, 90)],
        ),
        "homes": ({"home_id": [f"h{k}" for k in range(10)], "residents": 10.0}, [at(100 * k) for k in range(10)]),
        "facilities": ({"facility_id": ["S"], "kind": ["health_station"]}, [at(0)]),
        "entrances": ({"entrance_id": ["a", "b"], "of_table": "assets", "of_id": ["A", "B"]}, [at(500), at(900)]),
        "streets": ({"street_id": ["main"]}, [LineString([at(0), at(900)])]),
        "parcels": (
            {"parcel_id": ["P1", "P2"], "land_use": ["0901", "0901"]},
            [block(90, 1, 120, 31), block(130, 1, 160, 31)],
        ),
        "buildings": ({"building_id": ["K"], "use": ["commercial"]}, [block(135, 5, 145, 15)]),
        "assets": (
            {
                "asset_id": ["A", "B", "C", "D"],
                "name": ["Old office", "<b>Hall</b>", "Shed", "Barn"],
                "asset_kind": ["office", "office", "factory", "watermill"],
                "floor_area_m2": [800.0, 400.0, 800.0, 800.0],
                "ground_floor_area_m2": [800.0, 400.0, 800.0, 800.0],
                "floors": [1.0, 1.0, 1.0, 1.0],
                "danger_class": ["A", "A", "A", "A"],
                "title_clear": ["yes", "yes", "no", None],
            },
            [at(500), at(900), at(300), at(400)],
        ),
        "constraints": (
            {"constraint_id": list("fehz"), "kind": ["farmland", "ecology", "heritage", "hazard"]},
            [block(100 * k, 500, 100 * k + 50, 550) for k in range(4)],
        ),
    }
    return {name: gpd.GeoDataFrame(columns, geometry=shapes, crs=4547) for name, (columns, shapes) in rows.items()}


def recipe(language: str, names: tuple[str, ...] = LAYERS) -> str:
    more = {
        "areas": 'set = { level = "community" }\n',
        "parcels": 'set = { land_use_edition = "yonghai_2023" }\n',
    }
    told = [f'[layers.{name}]\nsource = "town.gpkg"\nlayer = "{name}"\n{more.get(name, "")}' for name in names]
    head = f'name = "One street"\ncrs = "EPSG:4547"\nas_of = 2025-12-31\nlanguage = "{language}"\nsynthetic = true\n'
    return head + "".join(told)


@pytest.fixture(scope="module", params=["en", "zh"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> pipeline.Run:
    folder = tmp_path_factory.mktemp(request.param)
    for name, frame in layers().items():
        frame.to_file(folder / "town.gpkg", layer=name)
    (folder / "study.toml").write_text(recipe(request.param), encoding="utf-8")
    return pipeline.run(folder, out=folder / "out")


def option(run: pipeline.Run, asset: str, use: str) -> pd.Series:
    return run.results["reuse_options"].set_index(["asset_id", "use"]).loc[(asset, use)]


def test_residents_newly_reached_are_those_of_the_pencil(run: pipeline.Run) -> None:
    """As a health station A is within 300 m of h2 to h8, 70 people; S covers h0 to h3, so 50 are new. B: h6 to h9, 40, all new.

    No culture station stands in town: as one A newly reaches all 70. As a food market (10 minutes, 600 m) A reaches everybody: 100.
    """
    numbers = ["residents_in_reach", "residents_newly", "homes_newly"]
    assert option(run, "A", "health_station")[numbers].tolist() == pytest.approx([70, 50, 5])
    assert option(run, "B", "health_station")[numbers].tolist() == pytest.approx([40, 40, 4])
    assert option(run, "A", "culture_station")["residents_newly"] == pytest.approx(70)
    assert option(run, "A", "food_market")["residents_newly"] == pytest.approx(100)
    assert np.isnan(option(run, "A", "hotel")["residents_newly"])


def test_verdicts_and_fits_are_those_of_the_pencil(run: pipeline.Run) -> None:
    """A market of 750 m² fits A, not B; C's disputed title forbids all uses, D's unknown one must be confirmed first, E's title too."""
    assert option(run, "A", "food_market")[["verdict", "fit"]].tolist() == ["allowed", "fits"]
    assert option(run, "B", "food_market")[["verdict", "fit", "unfit_by"]].tolist() == [
        "allowed",
        "does not fit",
        "area",
    ]
    table = run.results["reuse_options"].set_index("asset_id")
    assert set(table.loc["C", "verdict"]) == {"not allowed"}
    assert set(table.loc["C", "forbidden_by"]) == {"title"}
    assert set(table.loc[["D", "parcel:P1"], "verdict"]) == {"conditional"}
    assert set(table.loc["parcel:P1", "needs"]) == {"title"}
    assert (table.loc[["A", "B"], "needs"] == "").all()
    assert table.loc[["C"], ["rank_in_asset", "rank_in_use"]].isna().all(axis=None)
    assert option(run, "parcel:P1", "park")[["fit", "forbidden_by"]].tolist() == ["fits", ""]
    assert option(run, "A", "food_market")["rank_in_asset"] == 1
    assert option(run, "A", "food_market")["cost_yuan"] == 750 * 1500


def test_the_assets_keep_their_evidence(run: pipeline.Run) -> None:
    """Four of the register, one plot found; the unlisted kind is kept and named among the doubts."""
    assets = run.results["reuse_assets"]
    assert assets["evidence"].to_dict() == dict.fromkeys("ABCD", "register") | {"parcel:P1": "no_building"}
    assert assets.loc["D", "asset_kind"] == "watermill" or assets.loc["D", "asset_kind"] is np.nan
    assert assets.loc["A", ["best_use", "residents_by_best_use"]].tolist() == ["food_market", pytest.approx(100)]


def test_few_conversions_with_a_pencil(run: pipeline.Run) -> None:
    """One: A as a market, 100. Two: B can take a use of 5 minutes, 40 more, 140 in all, which is the most there is.

    B's people live in E (x from 450 on): h6 to h9; A's market serves W's h0 to h4 and E's h5 to h9, fifty each.
    """
    sites, curve = run.results["reuse_sites"], run.results["reuse_curve"]
    assert curve["sites"].tolist() == [1, 2]
    assert curve["residents_so_far"].tolist() == pytest.approx([100, 140])
    assert curve["residents_at_most"].tolist() == pytest.approx([100, 140])
    assert sites[["sites", "rank", "asset_id"]].values.tolist() == [[2, 1, "A"], [2, 2, "B"]]
    assert sites["use"].iloc[0] == "food_market"
    assert sites["residents_added"].tolist() == pytest.approx([100, 40])
    assert (sites["gap_share"].tolist(), set(sites["proven"])) == ([0, 0], {"yes"})
    gains = run.results["reuse_gains_by_area"]
    market = gains[gains["use"] == "food_market"].set_index("area_id")["residents_newly"]
    assert market.to_dict() == pytest.approx({"E": 50, "W": 50})
    other = gains[gains["use"] != "food_market"]
    assert other[["area_id", "residents_newly"]].values.tolist() == [["E", pytest.approx(40)]]


def test_what_costs_and_counts_lack_is_said(run: pipeline.Run) -> None:
    """Uses without a rate or a smallest area and those without a walking time are listed; three of five assets have nothing allowed."""
    doubts = run.results["reuse_doubts"].set_index("doubt")
    assert doubts.loc["use_without_walking_time", "such_as"] == "childrens_centre, convenience_store, hotel, park"
    assert "car_parking" in doubts.loc["use_without_cost", "such_as"]
    assert doubts.loc["asset_with_nothing_allowed", "count"] == 3
    assert doubts.loc["title_not_known", "such_as"] == "D, parcel:P1"


def cells(run: pipeline.Run) -> dict[str, list[list[Any]]]:
    book = openpyxl.load_workbook(run.out / "tables" / "reuse.xlsx")
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}


def test_a_sheet_a_question_in_words(run: pipeline.Run) -> None:
    """Thirteen sheets, each with its title and the date of the data below; headings and answers are words, sources stand at the foot."""
    zh = run.study.language == "zh"
    sheets = cells(run)
    assert len(sheets) == 14
    date = "数据日期：2025-12-31" if zh else "Data as of 2025-12-31"
    for title, rows in list(sheets.items())[1:]:
        assert rows[0][0] == title
        assert any(row[0] == date for row in rows), title
        heads = next(row for row in rows if sum(cell is not None for cell in row) > 2)
        assert not [head for head in heads if head and re.search(r"[a-z0-9]_[a-z0-9]", str(head))], title
        if zh:
            assert not [head for head in heads if head and re.fullmatch(r"[A-Za-z ,()%²]+", str(head))], title
    every = {str(cell) for rows in list(sheets.values())[1:] for row in rows for cell in row}
    codes = {
        "allowed",
        "not allowed",
        "fits",
        "does not fit",
        "title_clear",
        "food_market",
        "no_building",
        "pass",
        "fail",
    }
    assert not every & codes
    assert any("GB 50180" in text for text in every)
    assert every >= ({"权属清晰", "允许"} if zh else {"Title is clear", "Allowed"})


def test_the_map_lists_evidence_and_uses(run: pipeline.Run) -> None:
    """The page has the group of idle assets, the hard stops, the best uses and the sites; the hostile name is text."""
    html = run.map.read_text(encoding="utf-8")
    held = re.search(r'id="lifecircle-data">([^<]*)<', html)
    assert held is not None
    carried = gzip.decompress(base64.b64decode(held[1])).decode(errors="replace")
    texts = (
        ("闲置资产", "可用途", "改造选址（2 处）", "权属清晰")
        if run.study.language == "zh"
        else ("Idle assets", "Best uses", "Conversions that help most (2)", "Title is clear")
    )
    for text in texts:
        assert text in carried
    assert "<b>Hall</b>" in carried
    assert "<b>Hall</b>" not in html


def test_one_theme_alone_leaves_the_same_set(run: pipeline.Run) -> None:
    """Computing idle assets anew on unchanged inputs ends in the same bytes, and so does keeping them while land is computed."""
    names = ("results.gpkg", "tables/reuse.xlsx", "maps/overview.html", "manifest.json")
    before = {name: (run.out / name).read_bytes() for name in names}
    for theme in ("reuse", "land"):
        pipeline.run(run.out.parent, out=run.out, theme=theme)
        assert [name for name in names if (run.out / name).read_bytes() != before[name]] == [], theme


PLACES = {"A": (500.0, 0.0), "B": (900.0, 0.0), "D": (400.0, 0.0), "parcel:P1": (105.0, 16.0)}


def planned(run: pipeline.Run, text: str, names: tuple[str, ...] = LAYERS) -> dict[str, Any]:
    """The layers on idle assets with `text` in the study file."""
    path = run.out.parent / "planned.toml"
    path.write_text(recipe("en", names).replace("[layers", text + "\n[layers", 1), encoding="utf-8")
    study, _ = normalise.place(load.recipe.read(path))
    results, skipped, _ = pipeline.analyse(study, only="reuse")
    return results | {"skipped": skipped}


def best(options: pd.DataFrame, verdicts: tuple[str, ...], *, p: int, budget: float = np.inf) -> float:
    """The most people that any set of p uses can newly reach, walks and needs worked out from the drawing: every set is tried.

    A home is h metres along the street from x = 0; only health stations exist, at x = 0.
    """
    usable = options[
        options["verdict"].isin(verdicts) & options["rank_in_asset"].notna() & options["limit_min"].notna()
    ]
    rows = []
    for row in usable.itertuples():
        x, leg = PLACES[row.asset_id]
        near = {k for k in range(10) if abs(100 * k - x) + leg <= 60 * row.limit_min + 1e-6}
        if row.use == "health_station":
            near -= {k for k in range(10) if 100 * k <= 300}
        need = "community_shop" if row.use == "supermarket" else row.use
        rows.append((row.asset_id, {(need, k) for k in near}, row.cost_yuan))
    most = 0.0
    for many in range(1, p + 1):
        for chosen in itertools.combinations(rows, many):
            cost = sum(row[2] for row in chosen) if np.isfinite(budget) else 0.0
            if len({row[0] for row in chosen}) == many and cost <= budget:
                most = max(most, 10.0 * len(set().union(*(row[1] for row in chosen))))
    return most


def test_what_is_allowed_once_confirmed_is_sited_apart(run: pipeline.Run) -> None:
    """Asked for, conditional uses are chosen from too, in answers of their own: both are the best of all sets, one cannot do worse.

    What the answer from allowed uses alone says does not change, and every conditional choice names what must be confirmed.
    """
    asked = planned(run, "[reuse]\nconditional = true\nsites = [1, 2]")
    choices, sites = asked["reuse_choices"], asked["reuse_sites"]
    assert choices[["candidates", "sites"]].values.tolist() == [
        *(["allowed", 1], ["allowed", 2], ["allowed or conditional", 1], ["allowed or conditional", 2]),
    ]
    told = choices.set_index(["candidates", "sites"])["residents_newly"]
    options = asked["reuse_options"]
    for (candidates, p), people in told.items():
        assert people == pytest.approx(best(options, conversion.CANDIDATES[candidates], p=p)), (candidates, p)
    assert told["allowed", 2] == pytest.approx(140)
    assert told["allowed or conditional", 2] > 140
    # one site: A's market reaches all there are, so D, which could be one too, need not be confirmed
    assert sites.loc[sites["sites"] == 1, ["asset_id", "verdict"]].values.tolist() == [["A", "allowed"]] * 2
    assert set(sites.loc[sites["candidates"] == "allowed", "verdict"]) == {"allowed"}
    needing = sites[sites["verdict"] == "conditional"]
    assert len(needing) > 0
    assert needing["needs"].str.contains("title").all()
    assert not sites["asset_id"].eq("C").any()
    before = run.results["reuse_sites"]
    only = sites[(sites["candidates"] == "allowed") & (sites["sites"] == 2)]
    assert only[["asset_id", "use"]].values.tolist() == before[["asset_id", "use"]].values.tolist()
    assert set(asked["reuse_curve"]["candidates"]) == {"allowed", "allowed or conditional"}


@pytest.mark.parametrize("budget", [100_000, 500_000, 1_200_000, 5_000_000])
def test_a_budget_is_kept_and_used_best(run: pipeline.Run, budget: int) -> None:
    """No set that costs no more reaches more, the sum of costs is within the budget, and uses of unknown cost are counted apart."""
    asked = planned(run, f"[reuse]\nbudget_yuan = {budget}")
    choice = asked["reuse_choices"].iloc[0]
    assert len(asked["reuse_choices"]) == 1
    assert choice["residents_newly"] == pytest.approx(best(asked["reuse_options"], ("allowed",), p=2, budget=budget))
    assert choice["residents_at_most"] == pytest.approx(choice["residents_newly"])
    assert choice["cost_yuan"] <= budget
    assert choice["budget_yuan"] == budget
    assert choice["options_without_cost"] > 0
    assert choice["sites_chosen"] == len(asked["reuse_sites"])
    curve = asked["reuse_curve"]
    assert curve["residents_so_far"].iloc[-1] == pytest.approx(choice["residents_newly"])
    if budget == 100_000:  # less than anything costs
        assert choice["sites_chosen"] == 0
        assert choice["options_over_budget"] > 0


def test_a_capacity_serves_no_more(run: pipeline.Run) -> None:
    """A food market that serves 60 leaves 40 of its 100 people; with it A's best use is the culture station's 70.

    With two sites A and B: 70 + 40, or the market 60 + 40 and less: 110.
    """
    uses = ("food_market", "supermarket", "community_canteen", "elder_day_care", "small_sports_ground", "nursery")
    listed = ", ".join(f"{use} = 60" for use in uses)
    asked = planned(run, f"[reuse]\nsites = 2\ncapacity = {{ {listed} }}")
    sites = asked["reuse_sites"]
    served = sites.groupby("use")["residents_added"].sum()
    assert (served[[use for use in served.index if use in uses]] <= 60 + 1e-6).all()
    assert sites["residents_added"].tolist() == pytest.approx([70, 40])
    assert sites.loc[sites["use"].isin(uses), "capacity"].eq(60).all()
    assert sites.loc[~sites["use"].isin(uses), "capacity"].isna().all()


def test_more_sites_than_candidates_are_said(run: pipeline.Run) -> None:
    """Seven are asked for, two assets can be chosen: two are, and the doubts say so."""
    asked = planned(run, "[reuse]\nsites = 7")
    assert asked["reuse_choices"]["sites"].tolist() == [2]
    doubt = asked["reuse_doubts"].set_index("doubt").loc["fewer_candidates_than_sites"]
    assert doubt.tolist() == [1, "7 > 2"]


def test_a_constraint_said_to_be_absent_is_evidence_of_the_study_file(run: pipeline.Run) -> None:
    """Without the layer nothing is allowed; with the three kinds declared absent A and B are, and the evidence names the study file."""
    names = tuple(name for name in LAYERS if name != "constraints")
    silent = planned(run, "", names)
    assert not silent["reuse_options"]["verdict"].eq("allowed").any()
    assert "reuse_sites" not in silent
    assert silent["reuse_doubts"].set_index("doubt").loc["nothing_to_choose_from", "such_as"] == "allowed"
    told = planned(run, '[constraints]\nnone = ["farmland", "ecology", "heritage"]', names)
    allowed = told["reuse_options"].query("verdict == 'allowed'")
    assert set(allowed["asset_id"]) == {"A", "B"}
    criteria = told["reuse_criteria"].set_index(["asset_id", "rule"])
    assert criteria.loc[("A", "heritage"), ["answer", "basis"]].tolist() == ["pass", "study.toml"]
    drawn = run.results["reuse_criteria"].set_index(["asset_id", "rule"])
    assert drawn.loc[("A", "heritage"), "basis"] == "constraints"
    assert drawn.loc[("parcel:P1", "title"), "answer"] == "not known"


def test_a_constraint_both_drawn_and_said_to_be_absent_is_refused(run: pipeline.Run) -> None:
    """The layer has one heritage polygon: the study cannot say there is none."""
    with pytest.raises(SchemaError, match="the study says there is no heritage, but the layer has 1 of it"):
        planned(run, '[constraints]\nnone = ["heritage"]')


def test_all_assets_forbidden_leave_an_answer(run: pipeline.Run) -> None:
    """With every title disputed nothing is allowed, nothing is sited, and every asset of the register is counted as forbidden."""
    folder = run.out.parent / "forbidden"
    folder.mkdir(exist_ok=True)
    for name, frame in layers().items():
        if name == "assets":
            frame["title_clear"] = "no"
        if name != "parcels":
            frame.to_file(folder / "town.gpkg", layer=name)
    names = tuple(name for name in LAYERS if name != "parcels")
    (folder / "study.toml").write_text(recipe("en", names) + "[reuse]\nconditional = true\n", encoding="utf-8")
    results = pipeline.run(folder, out=folder / "out").results
    assert set(results["reuse_options"]["verdict"]) == {"not allowed"}
    assert "reuse_sites" not in results
    doubts = results["reuse_doubts"].set_index("doubt")["count"]
    assert doubts[["asset_with_everything_forbidden", "nothing_to_choose_from"]].tolist() == [4, 2]


def test_without_assets_the_theme_is_left_out_with_a_sentence(run: pipeline.Run) -> None:
    """No register and nothing idle in parcels or buildings: one sentence names what is missing."""
    folder = run.out.parent
    (folder / "bare.toml").write_text(recipe("en", ("homes", "facilities", "streets")), encoding="utf-8")
    study, _ = normalise.place(load.recipe.read(folder / "bare.toml"))
    _, skipped, _ = pipeline.analyse(study, only="reuse")
    assert skipped["reuse"] == "this place has no assets, and neither parcels nor buildings show any that is idle"
    with pytest.raises(MissingLayerError, match="no assets"):
        conversion.assets(study)


@pytest.mark.slow
def test_the_sample_town_walked_by_networkx() -> None:
    """One asset of the sample town in one use, from the streets by Dijkstra of networkx: the same homes, the same residents.

    The asset is the one that the siting opens first; its use is compared with a walk that adds the legs at both ends by hand: for every
    home minutes are the least over the ends of the two streets, legs included, or straight along where both face the same street.
    """
    study, _ = normalise.place(load.recipe.read(pipeline.sample_town()))
    results, _ = conversion.analyse(study, study.homes, study.facilities, study.streets)
    first = results["reuse_sites"].iloc[0]
    told = results["reuse_options"].set_index(["asset_id", "use"]).loc[(first["asset_id"], first["use"])]
    walks = circle.walked(study, study.homes, study.facilities, study.streets)
    graph, length = nx.MultiGraph(), walks.walk.edge_m
    ends = [walks.walk.edge_u, walks.walk.edge_v]
    for u, v, metres in zip(*ends, length, strict=True):
        graph.add_edge(u, v, weight=metres)
    asset = results["reuse_assets"].geometry[first["asset_id"]]
    point = gpd.GeoDataFrame(geometry=[shapely.point_on_surface(asset)], index=["A"], crs=study.crs)
    put, homes = network.place(walks.walk, point).iloc[0], walks.homes_at
    start = {ends[0][put["edge"]]: put["along_m"], ends[1][put["edge"]]: length[put["edge"]] - put["along_m"]}
    graph.add_node("A")
    for node, metres in start.items():
        graph.add_edge("A", node, weight=metres)
    metres = pd.Series(nx.single_source_dijkstra_path_length(graph, "A"))
    homes = homes[homes["placed"]]
    edge = homes["edge"].to_numpy(dtype=int)
    by_u = metres.reindex(ends[0][edge]).to_numpy() + homes["along_m"].to_numpy()
    by_v = metres.reindex(ends[1][edge]).to_numpy() + length[edge] - homes["along_m"].to_numpy()
    along = np.where(edge == put["edge"], np.abs(homes["along_m"] - put["along_m"]), np.inf)
    walked = (np.fmin(np.fmin(by_u, by_v), along) + homes["leg_m"].to_numpy() + put["leg_m"]) / 60
    near = homes.index[walked <= told["limit_min"]]
    now = walks.minutes[first["use"]].reindex(near) <= told["limit_min"] if first["use"] in walks.minutes else False
    people = study.homes.loc[near, "residents"]
    assert told["residents_in_reach"] == pytest.approx(people.sum(), rel=1e-9)
    assert told["residents_newly"] == pytest.approx(people.mask(now, 0.0).sum(), rel=1e-9)
    assert told["homes_newly"] == (~now & people.notna()).sum()


def test_opening_the_best_use_covers_those_it_promises(run: pipeline.Run) -> None:
    """Put a facility where the asset stands: coverage of its kind rises by exactly the residents newly reached."""
    study = run.study
    for asset, use in (("A", "health_station"), ("B", "health_station"), ("A", "culture_station")):
        new = gpd.GeoDataFrame(
            {"kind": [use]},
            geometry=[study.assets.geometry[asset]],
            index=pd.Index(["new"], name="facility_id"),
            crs=study.crs,
        )
        before = circle.walked(study, study.homes, study.facilities, study.streets).town
        after = circle.walked(study, study.homes, pd.concat([study.facilities, new]), study.streets).town
        rows = (before["method"] == "minutes") & (before["kind"] == use)
        gain = after.loc[rows, "residents_covered"].sum() - before.loc[rows, "residents_covered"].sum()
        assert gain == pytest.approx(option(run, asset, use)["residents_newly"])
