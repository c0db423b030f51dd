"""A whole place from its files to a study: joins, links, sums, and what the inventory says."""

import hashlib

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString, Point, box

from lifecircle import load, schema
from lifecircle.errors import CrsError, SourceError
from lifecircle.load import coordinates, recipe
from lifecircle.normalise import place

EAST, NORTH = 500_000.0, 4_000_000.0


def cell(i, size=100.0):
    """The i-th of squares in a row."""
    return box(EAST + size * i, NORTH, EAST + size * (i + 1), NORTH + size)


@pytest.fixture
def town(tmp_path):
    """Writes files and a study.toml, and puts the place together; counts are checked every time."""

    def write(layers, **files):
        for name, content in files.items():
            path = tmp_path / name.replace("__", ".")
            if isinstance(content, gpd.GeoDataFrame):
                content.to_file(path)
            else:
                path.write_text(content, encoding="utf-8")
        head = 'name = "T"\ncrs = "EPSG:4547"\nas_of = 2025-12-31\nlanguage = "en"\n'
        (tmp_path / "study.toml").write_text(head + layers, encoding="utf-8")
        study, inventory = place(recipe.read(tmp_path))
        counts = inventory.layers
        assert (counts["read"] == counts["kept"] + counts["rejected"]).all()
        rejected = counts.groupby("layer")["rejected"].sum()
        told = inventory.rejects.groupby("table").size().reindex(rejected.index).fillna(0)
        assert told.tolist() == rejected.tolist()
        return study, inventory

    return write


def parcels(*numbers):
    """A row of square parcels with the given numbers."""
    return gpd.GeoDataFrame({"宗地编号": list(numbers)}, geometry=[cell(i) for i in range(len(numbers))], crs=4547)


def why(inventory, table):
    """The rejects of a table: row to why."""
    rows = inventory.rejects[inventory.rejects["table"] == table]
    return rows.set_index("row")["why"].to_dict()


PARCELS = '[layers.parcels]\nsource = "p.gpkg"\n'


def test_a_register_finds_its_parcels_by_number(town):
    """Row 1 joins as 12, 12.0 and １２ are one number; row 2 has a number nobody has, row 3 none; row 4 repeats row 1
    and row 5 contradicts row 6."""
    study, inventory = town(
        PARCELS + '[layers.tax]\nsource = "tax.csv"\njoin = { layer = "parcels", on = "地块编号" }\n',
        p__gpkg=parcels("12", "13", "14"),
        tax__csv="地块编号,税收(万元),行业\n12.0,1.5,纺织\n99,1,化工\n,2,化工\n１２,1.5,纺织\n13,1,食品\n13,2,食品\n",
    )
    assert study.parcels["tax_yuan"].tolist()[0] == 15_000.0
    assert study.parcels["tax_yuan"].isna().tolist() == [False, True, True]
    assert study.parcels["industry"].tolist()[0] == "纺织"
    doubt = "several rows of the register have the number '13', with other content"
    assert why(inventory, "tax") == {
        2: "parcels has no row with the number '99'",
        3: "has no 地块编号 to find its row of parcels by",
        4: "duplicate of row 1",
        5: doubt,
        6: doubt,
    }
    tax = inventory.layers.set_index("layer").loc["tax"]
    assert (tax["read"], tax["kept"], tax["rejected"]) == (6, 1, 5)


def test_a_layers_own_values_come_before_the_registers(town):
    """A register fills what the layer does not say itself, and never overwrites it."""
    own = parcels("1", "2").assign(容积率=[2.0, None])
    study, _ = town(
        PARCELS + '[layers.tax]\nsource = "tax.csv"\njoin = { layer = "parcels", on = "号" }\n',
        p__gpkg=own,
        tax__csv="号,容积率\n1,9\n2,3\n",
    )
    assert study.parcels["far"].tolist() == [2.0, 3.0]


def test_a_number_that_two_parcels_have_joins_neither(town):
    """Parcel 7 is drawn twice with different shapes: which one the asset stands on is not known."""
    study, inventory = town(
        PARCELS + '[layers.assets]\nsource = "a.csv"\njoin = { layer = "parcels", on = "宗地" }\n',
        p__gpkg=parcels("7", "7", "8"),
        a__csv="资产编号,资产类型,宗地\na,厂房,7\nb,厂房,8\n",
    )
    assert why(inventory, "parcels") == {2: "the same number as row 1, with other content"}
    assert why(inventory, "assets") == {1: "parcels has several rows with the number '7'"}
    assert study.assets.index.tolist() == ["b"]
    assert study.assets["parcel_id"].tolist() == ["8"]
    assert study.assets.geometry.iloc[0].equals(cell(2))


def test_readings_and_entrances_keep_what_they_belong_to(town):
    """Water readings join by number; an entrance of a park that does not exist is a reject, its park's is kept."""
    gates = gpd.GeoDataFrame({"公园编号": ["P1", "P9"]}, geometry=[Point(EAST, NORTH)] * 2, crs=4547)
    parks = gpd.GeoDataFrame({"公园编号": ["P1"]}, geometry=[cell(5)], crs=4547)
    study, inventory = town(
        PARCELS
        + '[layers.usage]\nsource = "w.csv"\njoin = { layer = "parcels", on = "号" }\nset = { unit = "m3" }\n'
        + '[layers.parks]\nsource = "parks.gpkg"\n'
        + '[layers.entrances]\nsource = "gates.gpkg"\nset = { of_table = "parks" }\ncolumns = { of_id = "公园编号" }\n',
        p__gpkg=parcels("1"),
        parks__gpkg=parks,
        gates__gpkg=gates,
        w__csv="号,月份,用水量\n1,2025-01,3\n1,2025-02,0\n5,2025-01,1\n",
    )
    assert study.usage[["of_table", "of_id", "quantity"]].to_numpy().tolist() == [
        ["parcels", "1", 3.0],
        ["parcels", "1", 0.0],
    ]
    assert why(inventory, "usage") == {3: "parcels has no row with the number '5'"}
    assert study.entrances["of_id"].tolist() == ["P1"]
    assert why(inventory, "entrances") == {2: "parks has no row with the number 'P9'"}


def test_entrances_may_be_joined_too(town):
    """A join gives entrances their table and number; their own points stay."""
    parks = gpd.GeoDataFrame({"公园编号": ["P1"]}, geometry=[cell(5)], crs=4547)
    gates = gpd.GeoDataFrame({"所属": ["P1"]}, geometry=[Point(EAST + 3, NORTH)], crs=4547)
    study, _ = town(
        '[layers.parks]\nsource = "parks.gpkg"\n'
        '[layers.entrances]\nsource = "gates.gpkg"\njoin = { layer = "parks", on = "所属" }\n',
        parks__gpkg=parks,
        gates__gpkg=gates,
    )
    assert study.entrances[["of_table", "of_id"]].to_numpy().tolist() == [["parks", "P1"]]
    assert study.entrances.geometry.iloc[0].equals(Point(EAST + 3, NORTH))


def test_parcels_of_two_sheets_are_one_layer(town):
    """Sheets are put together; a number that the first sheet has is a reject of the second, named by its file."""
    study, inventory = town(
        '[[layers.parcels]]\nsource = "a.gpkg"\n[[layers.parcels]]\nsource = "b.gpkg"\n',
        a__gpkg=parcels("1", "2"),
        b__gpkg=parcels("2", "3"),
    )
    assert study.parcels.index.tolist() == ["1", "2", "3"]
    assert why(inventory, "parcels") == {1: "the same number as a row of a.gpkg"}
    assert inventory.layers[inventory.layers["layer"] == "parcels"]["kept"].tolist() == [2, 1]


def test_networks_may_number_alike(town):
    """Water and sewer pipes both start at 1 with node 1: nothing is lost, the later ones are renumbered, and their nodes
    are found."""
    pipes = gpd.GeoDataFrame(
        {"管线编号": ["1"], "起点编号": ["1"], "终点编号": ["9"]},
        geometry=[LineString([(EAST, NORTH), (EAST + 9, NORTH)])],
        crs=4547,
    )
    nodes = gpd.GeoDataFrame({"管点编号": ["1"]}, geometry=[Point(EAST, NORTH)], crs=4547)
    toml = "".join(
        f'[[layers.{name}]]\nsource = "{file}.gpkg"\nset = {{ network = "{network}" }}\n'
        for network, suffix in (("water", "w"), ("sewage", "s"))
        for name, file in (("pipes", f"p{suffix}"), ("pipe_nodes", f"n{suffix}"))
    )
    study, inventory = town(
        toml,
        pw__gpkg=pipes,
        nw__gpkg=nodes,
        ps__gpkg=pipes.set_geometry(pipes.translate(50, 0)),
        ns__gpkg=nodes.set_geometry(nodes.translate(50, 0)),
    )
    assert study.pipes.index.tolist() == ["1", "1@sewage"]
    assert study.pipe_nodes.index.tolist() == ["1", "1@sewage"]
    assert study.pipes["from_node"].tolist() == ["1", "1@sewage"]
    notes = inventory.notes.set_index(["layer", "code"])["count"]
    assert notes["pipes", "renumbered"] == 1
    assert notes["pipes", "nodes_missing"] == 2  # node 9, twice


def test_floor_area_is_footprint_times_floors_where_it_is_missing(town):
    """10,000 m² on three floors are 30,000 m²; a declared floor area stays, and without floors none is made up."""
    frame = gpd.GeoDataFrame(
        {"建筑编号": ["a", "b", "c"], "层数": [3.0, 3.0, None], "建筑面积": [None, 5.0, None]},
        geometry=[cell(0), cell(1), cell(2)],
        crs=4547,
    )
    study, inventory = town('[layers.buildings]\nsource = "b.gpkg"\n', b__gpkg=frame)
    assert study.buildings["floor_area_m2"].tolist()[:2] == [30_000.0, 5.0]
    assert np.isnan(study.buildings["floor_area_m2"].iloc[2])
    assert inventory.notes.set_index("code").loc["floor_area_made", "count"] == 1


def test_the_inventory_names_what_is_absent_and_hashes_what_was_read(town, tmp_path):
    """Every canonical layer has a row, read or absent; every file its SHA-256, relative to study.toml."""
    study, inventory = town(PARCELS, p__gpkg=parcels("1"))
    status = inventory.layers.set_index("layer")["status"]
    assert status["parcels"] == "read"
    assert (status.drop("parcels") == "absent").all()
    assert set(status.index) == {*schema.TABLES, "population", "elevation"}
    assert inventory.inputs["file"].tolist() == ["study.toml", "p.gpkg"]
    assert inventory.inputs["sha256"].iloc[1] == hashlib.sha256((tmp_path / "p.gpkg").read_bytes()).hexdigest()
    assert inventory.inputs["bytes"].iloc[1] == (tmp_path / "p.gpkg").stat().st_size
    assert study.homes is None
    assert study.missing()[0] == "areas"


def test_a_layer_in_another_place_is_noticed(town):
    """A layer 3,000 km from the others is told with its distance: its system is probably wrong."""
    away = gpd.GeoDataFrame({"名": ["x"]}, geometry=[Point(EAST, NORTH - 3_000_000).buffer(50)], crs=4547)
    near = gpd.GeoDataFrame({"道路编号": ["1"]}, geometry=[LineString([(EAST, NORTH), (EAST + 300, NORTH)])], crs=4547)
    _, inventory = town(
        PARCELS + '[layers.streets]\nsource = "s.gpkg"\n[layers.parks]\nsource = "k.gpkg"\n',
        p__gpkg=parcels("1", "2"),
        s__gpkg=near,
        k__gpkg=away,
    )
    far = inventory.notes[inventory.notes["code"] == "far_away"]
    assert far["layer"].tolist() == ["parks"]
    assert "3,000 km" in far["text"].iloc[0]


def test_why_rows_were_rejected_is_told_with_counts(town):
    """Rejects of one reason are counted together, though each names its own row; unknown words are listed."""
    points = gpd.GeoDataFrame(
        {"类别": ["小学", "飞碟场", "鬼屋"]}, geometry=[Point(EAST + i, NORTH) for i in range(3)], crs=4547
    )
    _, inventory = town(
        PARCELS + '[layers.facilities]\nsource = "f.gpkg"\n',
        p__gpkg=parcels("1", "2", "1", "2", "3"),
        f__gpkg=points,
    )
    told = inventory.notes[inventory.notes["code"] == "rejected"]
    assert told[["layer", "count", "text"]].to_numpy().tolist() == [
        ["facilities", 2, "2 rows rejected: its kind is not a known word (飞碟场, 鬼屋)"],
        ["parcels", 2, "2 rows rejected: the same number as row 1, with other content, and others like it"],
    ]


def test_a_number_of_two_parks_joins_neither(town):
    """Both parks 7 are kept, the second as 7-2; which of them a gate of park 7 belongs to is not known."""
    parks = gpd.GeoDataFrame({"公园编号": ["7", "7", "8"]}, geometry=[cell(i) for i in range(3)], crs=4547)
    gates = gpd.GeoDataFrame({"所属": ["7", "8"]}, geometry=[Point(EAST + i, NORTH) for i in range(2)], crs=4547)
    study, inventory = town(
        '[layers.parks]\nsource = "k.gpkg"\n'
        '[layers.entrances]\nsource = "g.gpkg"\njoin = { layer = "parks", on = "所属" }\n',
        k__gpkg=parks,
        g__gpkg=gates,
    )
    assert study.parks.index.tolist() == ["7", "7-2", "8"]
    assert why(inventory, "entrances") == {1: "parks has several rows with the number '7'"}


def test_a_number_in_other_letters_is_still_the_number(town):
    """P1 and ｐ2 of the readings, P2 of a building are parcels p1 and p2, and are written so."""
    study, inventory = town(
        PARCELS
        + '[layers.usage]\nsource = "w.csv"\njoin = { layer = "parcels", on = "号" }\nset = { unit = "m3" }\n'
        + '[layers.buildings]\nsource = "b.gpkg"\ncolumns = { parcel_id = "地" }\n',
        p__gpkg=parcels("p1", "p2"),
        b__gpkg=gpd.GeoDataFrame({"地": ["P2", "p9"]}, geometry=[cell(0), cell(1)], crs=4547),
        w__csv="号,月份,用水量\nP1,2025-01,3\nｐ2,2025-02,4\n",
    )
    assert study.usage["of_id"].tolist() == ["p1", "p2"]
    assert study.buildings["parcel_id"].tolist() == ["p2", "p9"]
    assert why(inventory, "usage") == {}
    assert inventory.notes.set_index("code").loc["links_missing", "count"] == 1


def test_a_registers_areas_in_mu_are_not_taken_as_square_metres(town):
    """面积 = 15 in a register, on squares of 10,000 m²: missing, and told to be mu."""
    study, inventory = town(
        PARCELS + '[layers.tax]\nsource = "tax.csv"\njoin = { layer = "parcels", on = "号" }\n',
        p__gpkg=parcels("1", "2"),
        tax__csv="号,面积\n1,15\n2,15\n",
    )
    assert study.parcels["site_area_m2"].isna().all()
    assert "most likely in mu" in inventory.notes.set_index("code").loc["area_unit", "text"]


SYSTEMS = [
    ("ESRI:54009", 113.7, 37.6),
    ("EPSG:6933", 113.7, 37.6),
    ("EPSG:2000", 113.7, 37.6),
    ("EPSG:4547", 95.0, 30.0),
]


def at(lon, lat):
    """Two square parcels in a place, in WGS84."""
    return gpd.GeoDataFrame(
        {"宗地编号": ["1", "2"]},
        geometry=[box(lon, lat, lon + 0.001, lat + 0.001), box(lon, lat, lon + 0.002, lat + 0.001)],
        crs=4326,
    )


def in_system(tmp_path, system, lon, lat):
    """The place of two parcels with `system` as its own."""
    at(lon, lat).to_file(tmp_path / "p.gpkg")
    head = f'name = "T"\ncrs = "{system}"\nas_of = 2025-12-31\nlanguage = "en"\n'
    (tmp_path / "study.toml").write_text(head + PARCELS, encoding="utf-8")
    return place(recipe.read(tmp_path))


@pytest.mark.parametrize(("system", "lon", "lat"), SYSTEMS)
def test_a_system_in_which_metres_are_no_metres_is_refused(tmp_path, system, lon, lat):
    """Mollweide, an equal-area cylinder, a grid of the other side of the Earth, a zone 19° off: named, with one that fits."""
    with pytest.raises(CrsError, match=f"crs = '{system}' is .* where the study lies; use EPSG:45") as caught:
        in_system(tmp_path, system, lon, lat)
    assert str(caught.value).endswith(f"use {coordinates.unprefixed(round(lon / 3) * 3)} instead")


@pytest.mark.parametrize(
    ("system", "lon", "lat", "told"),
    [
        ("EPSG:4547", 113.7, 37.6, False),
        ("EPSG:3879", 25.0, 60.2, False),
        ("EPSG:31982", -51.2, -30.0, False),
        ("EPSG:32734", 18.5, -34.0, False),
        ("EPSG:32734", 25.0, -34.0, True),
        ("EPSG:4547", 118.9, 37.0, True),
    ],
)
def test_a_system_true_to_scale_is_accepted(tmp_path, system, lon, lat, told):
    """Zones of the place and their neighbours are; what is more than 0.1 % off is told."""
    study, inventory = in_system(tmp_path, system, lon, lat)
    assert len(study.parcels) == 2
    assert ("crs_scale" in set(inventory.notes["code"])) == told


def street_and_points(offset):
    """A straight street with ten banks along it, whose longitudes and latitudes went through `offset`."""
    street = LineString([(EAST, NORTH), (EAST + 2000, NORTH + 2000)])
    banks = gpd.GeoSeries([Point(EAST + 200 * i, NORTH + 200 * i) for i in range(10)], crs=4547).to_crs(4326)
    lon, lat = offset(banks.x.to_numpy(), banks.y.to_numpy())
    rows = "".join(f"b{i},银行,{x:.9f},{y:.9f}\n" for i, (x, y) in enumerate(zip(lon, lat, strict=True)))
    return gpd.GeoDataFrame({"道路编号": ["1"]}, geometry=[street], crs=4547), rows


def offsets(town, rows, streets, crs, heading="lng,lat"):
    """The notes on systems that a table of banks with these rows and this declared system gets."""
    study, inventory = town(
        f'[layers.streets]\nsource = "s.gpkg"\n[layers.facilities]\nsource = "banks.csv"\ncrs = "{crs}"\n',
        s__gpkg=streets,
        banks__csv=f"名称,类别,{heading}\n" + rows,
    )
    notes = inventory.notes[inventory.notes["code"].str.startswith("offset_")]
    return study, notes.set_index("code")["text"].to_dict()


def test_points_of_a_map_service_that_are_declared_as_true_are_told(town):
    """GCJ-02 called EPSG:4326 lies 500 m off its street and on it when undone: told, and not converted; so is the reverse."""
    streets, rows = street_and_points(coordinates.wgs84_to_gcj02)
    study, notes = offsets(town, rows, streets, "EPSG:4326")
    assert set(notes) == {"offset_likely"}
    assert "read as GCJ-02 they lie 0 m" in notes["offset_likely"]
    assert study.facilities.distance(streets.geometry.iloc[0]).median() > 100
    assert offsets(town, rows, streets, "GCJ-02")[1] == {}
    streets, rows = street_and_points(coordinates.wgs84_to_bd09)
    assert "most likely BD-09" in offsets(town, rows, streets, "EPSG:4490")[1]["offset_likely"]
    streets, rows = street_and_points(lambda x, y: (x, y))
    assert offsets(town, rows, streets, "EPSG:4326")[1] == {}
    assert "read as EPSG:4326 they lie 0 m" in offsets(town, rows, streets, "GCJ-02")[1]["offset_likely"]


def test_a_heading_that_names_a_map_service_is_told(town):
    """gcj_lng declared as EPSG:4326 contradicts itself; declared as GCJ-02 it does not."""
    streets, rows = street_and_points(lambda x, y: (x, y))
    use = {"heading": "lng,lat,高德地址"}
    rows = rows.replace("\n", ",某路\n")
    told = offsets(town, rows, streets, "EPSG:4326", **use)[1]["offset_named"]
    assert told.startswith("WARNING: banks.csv is declared as EPSG:4326, but its name or a heading says '高德'")
    assert "offset_named" not in offsets(town, rows, streets, "GCJ-02", **use)[1]


def test_rows_far_from_their_layer_are_told(town):
    """A home at 0, 0 and one with a slipped digit are told by number; the layer and its other rows are not."""
    points = [Point(EAST + 80 * i, NORTH) for i in range(12)] + [Point(0, 0), Point(1e12, NORTH)]
    _, inventory = town(
        PARCELS + '[layers.homes]\nsource = "h.gpkg"\n',
        p__gpkg=parcels("1", "2", "3", "4"),
        h__gpkg=gpd.GeoDataFrame({"home_id": [f"h{i}" for i in range(14)]}, geometry=points, crs=4547),
    )
    far = inventory.notes[inventory.notes["code"] == "rows_far_away"]
    assert far[["layer", "count"]].to_numpy().tolist() == [["homes", 2]]
    assert "such as h12, h13" in far["text"].iloc[0]


def test_a_no_data_value_that_nobody_declared_is_no_population(town, tmp_path):
    """3.4e38 in a cell without a declared no-data value is no number of people: told with the value, and left out."""
    import rasterio
    from rasterio import Affine

    people = np.full((1, 3), 10.0, dtype="float32")
    people[0, 2] = 3.4e38
    with rasterio.open(
        tmp_path / "pop.tif", "w", driver="GTiff", height=1, width=3, count=1, dtype="float32", crs="EPSG:4547",
        transform=Affine(100, 0, EAST, 0, -100, NORTH + 100),
    ) as file:  # fmt: skip
        file.write(people, 1)
    houses = gpd.GeoDataFrame({"用途": ["住宅"] * 3}, geometry=[cell(i).buffer(-10) for i in range(3)], crs=4547)
    study, inventory = town(
        '[layers.buildings]\nsource = "b.gpkg"\n[layers.population]\nsource = "pop.tif"\n', b__gpkg=houses
    )
    assert study.homes["residents"].sum() < 20.001
    assert np.nanmax(study.population.values) == 10.0
    assert "such as 3.4e+38" in inventory.notes.set_index("code").loc["too_many_people", "text"]


def test_a_filter_that_keeps_no_home_leaves_none(town):
    """Homes filtered to nothing stay nothing, and the inventory says so, though a building is lived in."""
    study, inventory = town(
        '[layers.homes]\nsource = "h.gpkg"\nfilter = { home_id = ["zzz"] }\n[layers.buildings]\nsource = "b.gpkg"\n',
        h__gpkg=gpd.GeoDataFrame({"home_id": ["a"]}, geometry=[Point(EAST, NORTH)], crs=4547),
        b__gpkg=gpd.GeoDataFrame({"用途": ["住宅"]}, geometry=[cell(0)], crs=4547),
    )
    assert study.homes is None
    assert "homes_none_left" in set(inventory.notes["code"])
    assert inventory.layers.set_index("layer").loc["homes", "kept"] == 0


def test_progress_is_told_from_start_to_end(town, tmp_path):
    """Each source in turn, then homes, then the end."""
    town(PARCELS, p__gpkg=parcels("1"))
    told = []
    place(recipe.read(tmp_path), progress=lambda *step: told.append(step))
    assert told == [(0, 2, "parcels"), (1, 2, "homes"), (2, 2, "")]


def test_a_join_by_a_column_that_is_not_there(town):
    """The file, the column and the key are named."""
    with pytest.raises(SourceError, match=r"tax\.csv: has no column '号' \(layers\.tax\.join\.on\); it has 编号"):
        town(
            PARCELS + '[layers.tax]\nsource = "tax.csv"\njoin = { layer = "parcels", on = "号" }\n',
            p__gpkg=parcels("1"),
            tax__csv="编号,税收(万元)\n1,1\n",
        )


def test_a_place_read_twice_is_the_same(town, tmp_path):
    """No clock, no chance: two readings give equal tables."""
    first, _ = town(PARCELS, p__gpkg=parcels("1", "2"))
    second, _ = place(recipe.read(tmp_path))
    pd.testing.assert_frame_equal(pd.DataFrame(first.parcels), pd.DataFrame(second.parcels))


def test_importing_the_readers_is_cheap():
    """pydantic, osmium, rasterio and openpyxl are imported only when a file needs them."""
    import subprocess
    import sys

    code = (
        "import sys; import lifecircle.load, lifecircle.normalise; "
        "print([m for m in ('pydantic', 'osmium', 'rasterio', 'openpyxl', 'pandera') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"
    assert load.__name__ == "lifecircle.load"
