"""Residents from a raster, from a density, from points and from a table by community: every person once, none made up."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer
from rasterio import Affine
from shapely import Point, Polygon, box

from lifecircle import schema
from lifecircle.errors import StudyError
from lifecircle.load import recipe
from lifecircle.load.recipe import Demand
from lifecircle.normalise import cells, homes, place
from lifecircle.study import Raster

CRS_ = CRS(4547)
EAST, NORTH = 500_000.0, 4_000_000.0
NINE = np.arange(1.0, 10.0).reshape(3, 3) * 10  # 10 20 30 / 40 50 60 / 70 80 90


def layer(name, shapes, ids=None, **columns):
    """A canonical table of the given shapes, whose coordinates count from EAST, NORTH."""
    moved = shapely.transform(np.array(shapes, dtype=object), lambda xy: xy + np.array([EAST, NORTH]))
    frame = gpd.GeoDataFrame(columns, geometry=moved, crs=CRS_)
    frame.index = [str(i) for i in range(len(frame))] if ids is None else ids
    return schema.conform(name, frame)


def raster(values, *, transform=None, crs=CRS_):
    """Pixels of 100 m, the lower left corner at 0, 0 unless told otherwise."""
    values = np.asarray(values, dtype=float)
    transform = transform or (100.0, 0.0, EAST, 0.0, -100.0, NORTH + 100 * len(values))
    return Raster(name="p.tif", values=values, transform=transform, crs=crs)


def house(x, y, size=10.0):
    """A square house around x, y."""
    return box(x - size / 2, y - size / 2, x + size / 2, y + size / 2)


def houses(*shapes, floor_area):
    """Residential buildings with their floor areas."""
    return layer("buildings", shapes, use=["residential"] * len(shapes), floor_area_m2=floor_area)


def area(shape):
    """One community."""
    return layer("areas", [shape], level=["community"])


def build(layers, population=None, **more):
    """`homes.build` in English."""
    return homes.build(layers, population=population, crs=CRS_, language="en", **more)


def codes(shared):
    """The notes: code to count."""
    return {code: count for code, count, _ in shared.notes}


def conserved(people):
    """Touching = allocated + outside + without a dwelling, to a millionth."""
    parts = people["allocated"] + people["outside"] + people["without_dwelling"]
    assert people["touching"] == pytest.approx(parts, rel=1e-6, abs=1e-9)


def test_nine_pixels_counted_by_eye():
    """The study is the lower two rows and half of the left column is cut off: it touches 40 + 50 + 60 + 70 + 80 + 90 =
    390. Outside lie half of 40 and of 70 = 55. One house stands in 50 and one in 90: 140 are shared out, and 20 + 60 +
    35 + 80 = 195 have no dwelling."""
    layers = {
        "buildings": houses(house(150, 150), house(250, 50), floor_area=[9.0, 9.0]),
        "areas": area(box(50, 0, 300, 200)),
    }
    shared = build(layers, raster(NINE))
    assert shared.homes["residents"].tolist() == pytest.approx([50.0, 90.0])
    assert shared.people == pytest.approx(
        {"touching": 390.0, "allocated": 140.0, "outside": 55.0, "without_dwelling": 195.0}
    )
    assert shared.homes["elderly"].isna().all()


def test_a_house_across_an_edge_lives_in_both_pixels():
    """A house with 300 m² of floor, a quarter of it in the pixel of 40 and the rest in that of 50, beside one of 75 m²
    in 40: of the 40 each has 75 / (75 + 75), so 20, and the 50 are all the first one's."""
    across = box(95, 140, 115, 160)
    layers = {"buildings": houses(across, house(20, 150), floor_area=[300.0, 75.0]), "areas": area(box(0, 0, 300, 300))}
    shared = build(layers, raster(NINE))
    assert shared.homes["residents"].tolist() == pytest.approx([70.0, 20.0])
    conserved(shared.people)


def test_a_house_on_a_corner_lives_in_four_pixels():
    """In the middle of four pixels of 10, 20, 40 and 50 a single house has all 120 of them."""
    layers = {"buildings": houses(house(100, 200), floor_area=[80.0]), "areas": area(box(0, 0, 300, 300))}
    shared = build(layers, raster(NINE))
    assert shared.homes["residents"].tolist() == pytest.approx([120.0])
    assert shared.people["without_dwelling"] == pytest.approx(450.0 - 120.0)


def test_polygons_share_a_house_as_pixels_do():
    """The nine pixels as polygons give every home the same people, and the same sums."""
    shapes = [box(95, 140, 115, 160), house(20, 150), house(200, 80, 60)]
    layers = {"buildings": houses(*shapes, floor_area=[300.0, 75.0, 10.0]), "areas": area(box(50, 20, 290, 210))}
    squares = [box(100 * (i % 3), 200 - 100 * (i // 3), 100 * (i % 3) + 100, 300 - 100 * (i // 3)) for i in range(9)]
    moved = shapely.transform(np.array(squares), lambda xy: xy + np.array([EAST, NORTH]))
    grid = gpd.GeoDataFrame(
        {"residents": NINE.ravel(), "elderly": np.nan, "children": np.nan}, geometry=moved, crs=CRS_
    )
    by_raster, by_polygon = build(layers, raster(NINE)), build(layers, grid)
    np.testing.assert_allclose(by_raster.homes["residents"], by_polygon.homes["residents"], rtol=1e-6)
    assert by_raster.people == pytest.approx(by_polygon.people, rel=1e-6)


def test_pixels_without_a_number_give_nobody():
    """NaN and -9999 in two of four pixels: the house in NaN and the one in -9999 are not known, never 0 or less; the
    house half in the pixel of 8 and half in NaN has the 8."""
    values = [[np.nan, -9999.0], [8.0, 5.0]]
    shapes = [house(50, 150), house(150, 150), house(50, 100), house(150, 50)]
    shared = build(
        {"buildings": houses(*shapes, floor_area=[9.0] * 4), "areas": area(box(0, 0, 200, 200))}, raster(values)
    )
    assert shared.homes["residents"].tolist() == pytest.approx([np.nan, np.nan, 8.0, 5.0], nan_ok=True)
    assert shared.people["touching"] == 13.0
    assert codes(shared)["negative_people"] == 1
    assert codes(shared)["homes_unpeopled"] == 2


def test_a_turned_raster_is_a_raster():
    """Raster, study and houses turned together by 30° give the same people as before."""
    shapes = [box(95, 140, 115, 160), house(20, 150), house(200, 80, 60)]
    outline = box(50, 20, 290, 210)
    cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
    turned = shapely.transform(np.array([*shapes, outline]), lambda xy: xy @ np.array([[cos, sin], [-sin, cos]]))
    around = (100 * cos, 100 * sin, EAST - 300 * sin, 100 * sin, -100 * cos, NORTH + 300 * cos)
    plain = build({"buildings": houses(*shapes, floor_area=[3.0, 2.0, 1.0]), "areas": area(outline)}, raster(NINE))
    other = build(
        {"buildings": houses(*turned[:3], floor_area=[3.0, 2.0, 1.0]), "areas": area(turned[3])},
        raster(NINE, transform=around),
    )
    np.testing.assert_allclose(other.homes["residents"], plain.homes["residents"], rtol=1e-5)
    assert other.people == pytest.approx(plain.people, rel=1e-5)


def test_a_raster_in_degrees_agrees_with_its_pixels_drawn_in_metres():
    """Shares of pixels of 0.01° in a slanted study, against the areas of the pixels drawn in the study's metres with
    many points a side: within 1 in 5,000, as ground is not quite even within a pixel; the sums hold to a millionth."""
    to = Transformer.from_crs(4326, CRS_, always_xy=True)
    west, north, step = 113.95, 36.2, 0.01
    values = np.arange(1.0, 37.0).reshape(6, 6)
    x0, y0 = to.transform(west, north)
    outline = Polygon([(x0 + 700, y0 - 900), (x0 + 4800, y0 - 400), (x0 + 4300, y0 - 5600), (x0 + 300, y0 - 4000)])
    found, _ = cells.of_raster(
        raster(values, transform=(step, 0, west, 0, -step, north), crs=CRS(4326)), outline, crs=CRS_
    )
    left, top = np.meshgrid(west + step * np.arange(6), north - step * np.arange(6))
    pixels = shapely.segmentize(shapely.box(left, top - step, left + step, top).ravel(), step / 50)
    drawn = shapely.transform(pixels, lambda xy: np.column_stack(to.transform(*xy.T)))
    share = shapely.area(shapely.intersection(drawn, outline)) / shapely.area(drawn)
    mine = pd.Series(found.inside, index=found.people["residents"].astype(int) - 1).reindex(range(36), fill_value=0.0)
    np.testing.assert_allclose(mine, share, atol=2e-4)
    assert (mine > 0).tolist() == (share > 0).tolist()


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(-20, 420), st.floats(-20, 320), st.floats(1, 90), st.floats(0, 5000)),
        min_size=1,
        max_size=12,
    ),
    st.lists(st.one_of(st.floats(0, 1000), st.just(np.nan), st.just(-1.0)), min_size=12, max_size=12),
    st.lists(st.tuples(st.floats(-50, 450), st.floats(-50, 350)), min_size=3, max_size=7),
    st.sampled_from([4547, 4326, 32649]),
)
def test_no_person_is_lost_or_made(drawn, people, corners, system):
    """Whatever the raster, its system, the outline and the houses: touching = allocated + outside + without dwelling to
    a millionth, the homes hold those allocated, none less than nobody, and no house is lost."""
    outline = shapely.convex_hull(shapely.multipoints(np.array(corners)))
    if outline.area < 100:
        return
    footprints = [house(x, y, size) for x, y, size, _ in drawn]
    built = houses(*footprints, floor_area=[floor for *_, floor in drawn])
    values = np.array(people).reshape(3, 4)
    if system == 4547:
        grid = raster(values)
    else:
        to = Transformer.from_crs(CRS_, system, always_xy=True)
        (x, y), (x1, y1) = to.transform(EAST, NORTH + 300), to.transform(EAST + 400, NORTH)
        grid = raster(values, transform=((x1 - x) / 4, 0, x, 0, (y1 - y) / 3, y), crs=CRS(system))
    shared = build({"buildings": built, "areas": area(outline)}, grid)
    conserved(shared.people)
    assert shared.people["touching"] <= np.nansum(values[values > 0]) * (1 + 1e-9)
    assert len(shared.homes) == len(drawn)
    assert shared.homes["residents"].sum() == pytest.approx(shared.people["allocated"], rel=1e-6, abs=1e-9)
    assert (shared.homes["residents"].dropna() >= 0).all()


def test_the_elderly_of_a_raster_of_their_own():
    """Elderly counted by one pixel of 30 over the whole town: shared by floor area, while residents follow theirs."""
    layers = {
        "buildings": houses(house(150, 150), house(250, 50), floor_area=[100.0, 200.0]),
        "areas": area(box(0, 0, 300, 300)),
    }
    old = raster([[30.0]], transform=(300.0, 0.0, EAST, 0.0, -300.0, NORTH + 300))
    shared = build(layers, raster(NINE), besides={"elderly": old})
    assert shared.homes["residents"].tolist() == pytest.approx([50.0, 90.0])
    assert shared.homes["elderly"].tolist() == pytest.approx([10.0, 20.0])
    assert shared.homes["children"].isna().all()


def test_a_raster_that_lies_elsewhere_is_told():
    """No pixel of a raster 10 km off is in the study: residents are not known, and why is said."""
    far = raster(NINE, transform=(100.0, 0.0, EAST + 10_000, 0.0, -100.0, NORTH + 300))
    shared = build({"buildings": houses(house(50, 50), floor_area=[9.0]), "areas": area(box(0, 0, 300, 300))}, far)
    assert shared.homes["residents"].isna().all()
    assert {"people_elsewhere", "no_residents"} <= set(codes(shared))
    assert shared.people["touching"] == 0.0


def test_one_home_and_a_raster_without_an_outline():
    """A single point encloses no ground: it has the people of its whole pixel, the others are without a dwelling."""
    shared = build({"homes": layer("homes", [Point(150, 150)])}, raster(NINE))
    assert shared.homes["residents"].tolist() == [50.0]
    assert shared.people == {"touching": 450.0, "allocated": 50.0, "outside": 0.0, "without_dwelling": 400.0}


def test_pixels_are_homes_where_nothing_else_is_known():
    """Without a dwelling each pixel with people in the study is a home: a point in its part inside, with that part's people."""
    values = np.array([[10.0, 0.0], [20.0, np.nan]])
    shared = build({"areas": area(box(50, 0, 200, 200))}, raster(values))
    assert shared.homes["residents"].tolist() == pytest.approx([5.0, 10.0])
    assert shapely.get_x(np.asarray(shared.homes.geometry.array)).tolist() == pytest.approx([EAST + 75] * 2)
    assert shared.homes["source"].tolist() == ["p.tif#0", "p.tif#2"]


def test_four_million_pixels_stay_numbers(monkeypatch):
    """A raster of 2,000 × 2,000 pixels, all in the study, is shared out without a polygon for a pixel: shapely draws none."""
    values = np.full((2000, 2000), 0.25)
    fine = raster(values, transform=(1.0, 0.0, EAST, 0.0, -1.0, NORTH + 2000))
    built = houses(house(500, 500), house(1500.5, 300), floor_area=[1.0, 1.0])
    monkeypatch.setattr(shapely, "polygons", None)
    shared = build({"buildings": built, "areas": area(box(0.5, 0, 2000, 2000))}, fine)
    assert shared.people["touching"] == pytest.approx(1_000_000.0)
    assert shared.people["outside"] == pytest.approx(2000 * 0.5 * 0.25)
    assert shared.homes["residents"].tolist() == pytest.approx([25.0, 27.5])  # the second touches 11 × 10 pixels


def test_floor_area_estimates_residents():
    """At 35 m² a person 700 m² hold 20; where the floor area is not known neither are the residents; it is an estimate."""
    shared = build(
        {"buildings": houses(house(50, 50), house(90, 50), floor_area=[700.0, np.nan])},
        demand=Demand(floor_area_per_person_m2=35.0),
    )
    assert shared.homes["residents"].tolist() == pytest.approx([20.0, np.nan], nan_ok=True)
    assert shared.people["estimated"] == shared.people["allocated"] == 20.0
    assert codes(shared)["estimated_by_area"] == codes(shared)["estimate_lacks"] == 1
    assert "20 residents, estimated and not counted" in [text for _, _, text in shared.notes]


def test_dwellings_estimate_residents_where_the_floor_area_does_not():
    """2.5 persons a dwelling: of three houses one has its floor area (700 / 35 = 20), one 4 dwellings (10), one neither;
    a house that nobody counted the dwellings of is not one dwelling."""
    built = houses(house(50, 50), house(90, 50), house(130, 50), floor_area=[700.0, np.nan, np.nan])
    built = built.assign(dwellings=[6.0, 4.0, np.nan])
    both = build({"buildings": built}, demand=Demand(floor_area_per_person_m2=35.0, persons_per_dwelling=2.5))
    assert both.homes["residents"].tolist() == pytest.approx([20.0, 10.0, np.nan], nan_ok=True)
    one = build({"buildings": built}, demand=Demand(persons_per_dwelling=2.5))
    assert one.homes["residents"].tolist() == pytest.approx([15.0, 10.0, np.nan], nan_ok=True)


def test_homes_of_one_building_share_its_floor_area():
    """Two homes that name a building of 700 m² hold 10 each at 35 m² a person; a plain layer of homes is a dwelling each."""
    built = houses(house(50, 50), floor_area=[700.0])
    doors = layer("homes", [Point(48, 50), Point(52, 50)], building_id=["0", "0"])
    shared = build({"homes": doors, "buildings": built}, demand=Demand(floor_area_per_person_m2=35.0))
    assert shared.homes["residents"].tolist() == pytest.approx([10.0, 10.0])
    plain = build({"homes": doors.assign(building_id=None)}, demand=Demand(persons_per_dwelling=2.8))
    assert plain.homes["residents"].tolist() == pytest.approx([2.8, 2.8])
    assert codes(plain)["one_dwelling"] == 2


def test_a_count_goes_before_an_estimate():
    """Where a raster or the homes tell residents the density is not used, and that is said."""
    layers = {"buildings": houses(house(50, 50), floor_area=[700.0]), "areas": area(box(0, 0, 300, 300))}
    dense = Demand(floor_area_per_person_m2=35.0)
    shared = build(layers, raster(NINE), demand=dense)
    assert shared.homes["residents"].tolist() == pytest.approx([70.0])
    assert "demand_unused" in codes(shared)
    assert "estimated" not in shared.people
    told = build({"homes": layer("homes", [Point(0, 0)], residents=[4.0])}, raster(NINE), demand=dense)
    assert told.homes["residents"].tolist() == [4.0]
    assert {"demand_unused", "population_unused"} <= set(codes(told))


def test_no_home_at_all_is_said():
    """A school and nothing else: no homes, and a sentence."""
    shared = build({"buildings": layer("buildings", [house(0, 0)], use=["school"])})
    assert shared.homes is None
    assert "no home at all" in shared.notes[-1][2]


# a table by community

HEAD = 'name = "T"\ncrs = "EPSG:4547"\nas_of = 2025-12-31\nlanguage = "en"\n'
TOWN = (
    '[layers.areas]\nsource = "a.gpkg"\n[layers.buildings]\nsource = "b.gpkg"\n'
    '[layers.population]\nsource = "people.csv"\njoin = { layer = "areas", on = "社区" }\n'
)


def square(i):
    """The i-th square of 100 m in a row."""
    return box(EAST + 100 * i, NORTH, EAST + 100 * i + 100, NORTH + 100)


@pytest.fixture
def town(tmp_path):
    """Communities c0 East, c1 West, c2 Mill and c3 Mill in a row under street s; houses of 100 and 300 m² in c0, one in c1."""

    def write(csv, *, layers=TOWN):
        areas = {
            "area_id": ["c0", "c1", "c2", "c3", "s"],
            "name": ["East", "West", "Mill", "Mill", "High Street"],
            "level": ["community"] * 4 + ["street"],
        }
        whole = box(EAST, NORTH, EAST + 400, NORTH + 100)
        gpd.GeoDataFrame(areas, geometry=[*(square(i) for i in range(4)), whole], crs=4547).to_file(tmp_path / "a.gpkg")
        built = {"building_id": ["b0", "b1", "b2"], "use": ["residential"] * 3, "floor_area_m2": [100.0, 300.0, 50.0]}
        points = [Point(EAST + 20, NORTH + 50), Point(EAST + 60, NORTH + 50), Point(EAST + 150, NORTH + 50)]
        gpd.GeoDataFrame(built, geometry=shapely.buffer(points, 5), crs=4547).to_file(tmp_path / "b.gpkg")
        (tmp_path / "people.csv").write_text(csv, encoding="utf-8")
        (tmp_path / "study.toml").write_text(HEAD + layers, encoding="utf-8")
        study, inventory = place(recipe.read(tmp_path))
        counts = inventory.layers
        assert (counts["read"] == counts["kept"] + counts["rejected"]).all()
        assert counts["rejected"].sum() == len(inventory.rejects)
        return study, inventory

    return write


def test_a_table_by_community_is_shared_out_by_floor_area(town):
    """80 people of c0 go 20 and 60 to its houses, 7 of West (by name) to its one, 11 of c2 have no dwelling; elderly
    and children follow where they are told. c3 has no row."""
    study, inventory = town("社区,人口,老年人口,儿童\nc0,80,8,4\nWest,7,,1\nc2,11,1,1\n")
    people = study.homes["residents"].to_dict()
    assert people == pytest.approx({"b0": 20.0, "b1": 60.0, "b2": 7.0})
    assert study.homes["elderly"].tolist() == pytest.approx([2.0, 6.0, np.nan], nan_ok=True)
    assert study.homes["children"].tolist() == pytest.approx([1.0, 3.0, 1.0])
    assert inventory.population == {"touching": 98.0, "allocated": 87.0, "outside": 0.0, "without_dwelling": 11.0}
    assert study.homes.groupby("area_id")["residents"].sum().to_dict() == pytest.approx({"c0": 80.0, "c1": 7.0})


def test_rows_of_no_area_or_of_several_are_rejects(town):
    """An unknown name, a name of two communities, a blank, a repeated row and two rows that contradict each other."""
    study, inventory = town("社区,人口\nc0,80\nNowhere,5\nMill,6\n,7\nc0,80\nc1,3\nWEST,4\nTotal,100\n")
    why = inventory.rejects.set_index("row")["why"].to_dict()
    assert why == {
        2: "areas has no row with the number or name 'Nowhere'",
        3: "areas has several rows with the number or name 'Mill'",
        4: "has no 社区 to find its row of areas by",
        5: "duplicate of row 1",
        6: "several rows of the register have the number 'c1', with other content",
        7: "several rows of the register have the number 'WEST', with other content",
        8: "areas has no row with the number or name 'Total'",
    }
    assert inventory.population["touching"] == 80.0
    assert study.homes["residents"].tolist() == pytest.approx([20.0, 60.0, np.nan], nan_ok=True)
    assert inventory.notes.set_index("code").loc["areas_unpeopled", "count"] == 1  # c1; nobody lives in c2 and c3


def test_a_total_is_not_counted_beside_its_parts(town, tmp_path):
    """The street's 98 beside its communities' 80 and 7 is a reject; alone it is shared among all houses of the street."""
    study, inventory = town("社区,人口\nc0,80\nc1,7\nHigh Street,98\n")
    assert inventory.rejects["why"].tolist() == [
        "is the total of a street, whose parts have rows of their own: people are counted once"
    ]
    assert study.homes["residents"].sum() == pytest.approx(87.0)
    (tmp_path / "totals.csv").write_text("社区,人口\ns,98\n", encoding="utf-8")
    layers = TOWN.replace("[layers.population]", "[[layers.population]]") + (
        '[[layers.population]]\nsource = "totals.csv"\njoin = { layer = "areas", on = "社区" }\n'
    )
    study, inventory = town("社区,人口\nc0,80\nc1,7\n", layers=layers)  # the total in a file of its own
    assert study.homes["residents"].sum() == pytest.approx(87.0)
    study, inventory = town("社区,人口\ns,90\n")
    assert study.homes["residents"].tolist() == pytest.approx([20.0, 60.0, 10.0])


def test_negative_and_unreadable_people_are_not_known(town):
    """-5 and "many" are no numbers of people: those communities are not known, counted, and nobody is taken away."""
    study, inventory = town("社区,人口\nc0,-5\nc1,many\n")
    assert study.homes["residents"].isna().all()
    notes = inventory.notes.set_index("code")
    assert notes.loc["out_of_range", "text"] == "residents: 1 values out of range are missing (such as -5)"
    assert notes.loc["unreadable", "count"] == 1
    assert notes.loc["people_unknown", "count"] == 2
    assert inventory.population["touching"] == 0.0


def test_a_workbook_and_several_tables(town, tmp_path):
    """Two tables, one of them a workbook: an area that both name is counted by the first, and the second's row a reject."""
    pd.DataFrame({"社区": ["c1", "c0"], "人口": [7, 99]}).to_excel(tmp_path / "more.xlsx", index=False)
    layers = TOWN.replace("[layers.population]", "[[layers.population]]") + (
        '[[layers.population]]\nsource = "more.xlsx"\njoin = { layer = "areas", on = "社区" }\n'
    )
    study, inventory = town("社区,人口\nc0,80\n", layers=layers)
    assert study.homes["residents"].sum() == pytest.approx(87.0)
    assert inventory.rejects["why"].tolist() == ["the same number as a row of people.csv"]


def test_a_raster_of_elderly_from_its_file(town, tmp_path):
    """`counts` says whom a raster counts: 80 residents and 8 elderly in c0's pixel."""
    for name, value in (("all.tif", 80.0), ("old.tif", 8.0)):
        with rasterio.open(
            tmp_path / name, "w", driver="GTiff", height=1, width=1, count=1, dtype="float32", crs="EPSG:4547",
            transform=Affine(100, 0, EAST, 0, -100, NORTH + 100), nodata=-1,
        ) as file:  # fmt: skip
            file.write(np.full((1, 1), value, dtype="float32"), 1)
    layers = TOWN.partition("[layers.population]")[0] + (
        '[[layers.population]]\nsource = "all.tif"\n[[layers.population]]\nsource = "old.tif"\ncounts = "elderly"\n'
    )
    study, inventory = town("", layers=layers)
    assert study.homes["residents"].tolist() == pytest.approx([20.0, 60.0, np.nan], nan_ok=True)
    assert study.homes["elderly"].tolist() == pytest.approx([2.0, 6.0, np.nan], nan_ok=True)
    assert inventory.population["allocated"] == pytest.approx(80.0)


def test_the_density_of_a_recipe(town):
    """`[demand]` in study.toml reaches the homes, and the inventory says that they are estimated."""
    layers = "[demand]\nfloor_area_per_person_m2 = 25\n" + TOWN.partition("[layers.population]")[0]
    study, inventory = town("", layers=layers)
    assert study.homes["residents"].tolist() == pytest.approx([4.0, 12.0, 2.0])
    assert inventory.population["estimated"] == 18.0
    assert "estimated_by_area" in set(inventory.notes["code"])


@pytest.mark.parametrize(
    ("toml", "fault"),
    [
        ("[demand]\n", "demand: says nothing; name floor_area_per_person_m2 or persons_per_dwelling"),
        ("[demand]\npersons_per_dwelling = 0\n", "demand.persons_per_dwelling: input should be greater than 0"),
        ("[demand]\npersons_per_dwelling = true\n", "demand.persons_per_dwelling: True is not a number"),
        ("[demand]\npersons_per_dwelling = nan\n", "demand.persons_per_dwelling: input should be"),
        ("[demand]\npersons = 3\n", "demand.persons: is not a key of study.toml; did you mean persons_per_dwelling?"),
        (
            '[[layers.population]]\nsource = "p.tif"\n[[layers.population]]\nsource = "p.tif"\n',
            "layers.population: takes one raster of residents only; say with counts which one counts whom",
        ),
        (
            '[[layers.population]]\nsource = "p.tif"\n[[layers.population]]\nsource = "t.csv"\n'
            'join = { layer = "areas", on = "id" }\n',
            "layers.population: a raster and a table joined to areas would count people twice; keep one of them",
        ),
        (
            '[layers.population]\nsource = "t.csv"\njoin = { layer = "buildings", on = "id" }\n',
            "layers.population.join.layer: people are counted by areas, not by buildings",
        ),
        (
            '[layers.population]\nsource = "t.csv"\ncounts = "elderly"\n',
            "layers.population.counts: is only for rasters of population",
        ),
    ],
)
def test_a_recipe_that_cannot_be_is_told(tmp_path, toml, fault):
    """Keys that say nothing or no number, and sources that would count people twice, are faults of the recipe."""
    for name in ("a.gpkg", "b.gpkg", "p.tif", "t.csv"):
        (tmp_path / name).write_text("", encoding="utf-8")
    tail = '[layers.areas]\nsource = "a.gpkg"\n[layers.buildings]\nsource = "b.gpkg"\n'
    (tmp_path / "study.toml").write_text(HEAD + toml + tail, encoding="utf-8")
    with pytest.raises(StudyError) as error:
        recipe.read(tmp_path)
    assert fault in str(error.value)
