"""A whole place from its files to a study: joins, links, sums, and what the inventory says."""

import hashlib

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString, Point, box

from lifecircle import load, schema
from lifecircle.errors import SourceError
from lifecircle.load import recipe
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
