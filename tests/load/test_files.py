"""Files as they come: encodings, layers, sheets, coordinates, filters."""

import csv
import math

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from pyproj import CRS
from shapely import LineString, Point, box

from lifecircle import load
from lifecircle.errors import CrsError, SourceError
from lifecircle.load.recipe import Source


def source(name, **keys):
    """A source of a recipe."""
    return Source.model_validate({"source": name, **keys})


def parcels(crs=4547):
    """Two square parcels with Chinese text."""
    frame = {"宗地编号": ["甲1", "乙2"], "用途": ["城镇住宅用地", "工业用地"], "面积": [1.5, 2.0]}
    shapes = [box(500_000, 4_000_000, 500_100, 4_000_100), box(500_200, 4_000_000, 500_300, 4_000_100)]
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=crs)


def shapefile(folder, *, encoding, cpg=None, ldid=0):
    """A shapefile in `encoding` whose .cpg and LDID byte say what they are told to."""
    path = folder / "宗地.shp"
    # three characters are all that UTF-8 leaves of a field name
    pyogrio.write_dataframe(parcels().rename(columns={"宗地编号": "宗地号"}), path, encoding=encoding, use_arrow=False)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg, encoding="ascii")
    raw = bytearray(path.with_suffix(".dbf").read_bytes())
    raw[29] = ldid
    path.with_suffix(".dbf").write_bytes(raw)
    return path.name


@pytest.mark.parametrize(
    ("encoding", "cpg", "ldid"),
    [
        ("GBK", None, 0),  # nothing said: not UTF-8, so GBK
        ("UTF-8", None, 0),  # nothing said: valid UTF-8
        ("GBK", "GBK", 0),
        ("GBK", "936", 0),
        ("GBK", None, 0x4D),  # LDID of code page 936
        ("UTF-8", "UTF-8", 0x4D),  # .cpg comes before LDID
        ("GBK", "UTF-8", 0),  # .cpg lies
    ],
)
def test_text_of_a_shapefile_is_read_whatever_it_says_of_itself(tmp_path, encoding, cpg, ldid):
    """.cpg, then the LDID byte, then strict UTF-8, then GBK; a claim that does not decode is passed over."""
    frame, filtered = load.read(source(shapefile(tmp_path, encoding=encoding, cpg=cpg, ldid=ldid)), folder=tmp_path)
    assert frame["用途"].tolist() == ["城镇住宅用地", "工业用地"]
    assert frame["宗地号"].tolist() == ["甲1", "乙2"]
    assert filtered == 0
    assert (("encoding_lied", 1) in frame.attrs["notes"]) == (encoding == "GBK" and cpg == "UTF-8")


@pytest.mark.parametrize(("encoding", "left"), [("utf-8", "宗地编"), ("gbk", "a宗地权属")])
def test_a_name_cut_in_the_middle_of_a_character_is_read_without_it(tmp_path, encoding, left):
    """Ten bytes cut a Chinese field name anywhere; the file is read, and the half character is left out."""
    whole = "宗地编号" if encoding == "utf-8" else "a宗地权属证明"
    path = tmp_path / "p.shp"
    pyogrio.write_dataframe(parcels()[["geometry"]].assign(ABCDEFGHIJ="工业"), path, encoding=encoding, use_arrow=False)
    path.with_suffix(".cpg").unlink()
    raw = path.with_suffix(".dbf").read_bytes().replace(b"ABCDEFGHIJ", whole.encode(encoding)[:10])
    path.with_suffix(".dbf").write_bytes(raw)
    frame, _ = load.read(source("p.shp"), folder=tmp_path)
    assert frame.columns[0] == left
    assert frame.iloc[:, 0].tolist() == ["工业", "工业"]


def test_rows_keep_their_number_through_a_filter(tmp_path):
    """The index is the row in the file, counted from 1, also when rows before it are filtered out."""
    parcels().to_file(tmp_path / "p.gpkg")
    frame, filtered = load.read(source("p.gpkg", filter={"用途": ["工业用地"]}), folder=tmp_path)
    assert (frame.index.name, frame.index.tolist(), filtered) == ("row", [2], 1)
    frame, filtered = load.read(source("p.gpkg", exclude={"面积": [2]}), folder=tmp_path)
    assert (frame.index.tolist(), filtered) == ([1], 1)


def test_filtering_by_a_column_that_is_not_there_names_it(tmp_path):
    """The error tells the column asked for and those there are."""
    parcels().to_file(tmp_path / "p.gpkg")
    with pytest.raises(SourceError, match=r"no column '状态'.*宗地编号"):
        load.read(source("p.gpkg", filter={"状态": ["现状"]}), folder=tmp_path)


def test_a_file_of_several_layers_needs_one_named(tmp_path):
    """Two layers and none named, and a name that is not among them, list what there is."""
    parcels().to_file(tmp_path / "p.gpkg", layer="宗地")
    parcels().to_file(tmp_path / "p.gpkg", layer="楼")
    with pytest.raises(SourceError, match=r"holds 2 layers .*宗地, 楼"):
        load.read(source("p.gpkg"), folder=tmp_path)
    with pytest.raises(SourceError, match="no layer '房'"):
        load.read(source("p.gpkg", layer="房"), folder=tmp_path)
    assert len(load.read(source("p.gpkg", layer="楼"), folder=tmp_path)[0]) == 2


def test_a_file_geodatabase_is_read(tmp_path):
    """A .gdb folder with one layer needs no name."""
    pyogrio.write_dataframe(parcels(), tmp_path / "p.gdb", layer="宗地", driver="OpenFileGDB")
    frame, _ = load.read(source("p.gdb"), folder=tmp_path)
    assert frame["宗地编号"].tolist() == ["甲1", "乙2"]
    assert frame.crs.to_epsg() == 4547


def test_a_drawing_needs_a_system_and_gives_its_layers(tmp_path):
    """DXF carries no system; its `layer` picks the drawing's own layer, and a wrong one lists those there are."""
    shapes = [LineString([(500_000, 4e6), (500_050, 4e6)]), Point(500_025, 4e6)]
    walls = gpd.GeoDataFrame({"Layer": ["WALL", "GATE"]}, geometry=shapes, crs=4547)
    pyogrio.write_dataframe(walls, tmp_path / "w.dxf", driver="DXF")
    with pytest.raises(CrsError, match="does not say its coordinate system"):
        load.read(source("w.dxf"), folder=tmp_path)
    frame, _ = load.read(source("w.dxf", crs="EPSG:4547", layer="WALL"), folder=tmp_path)
    assert frame.geom_type.tolist() == ["LineString"]
    with pytest.raises(SourceError, match="has no layer 'DOOR'; it has"):
        load.read(source("w.dxf", crs="EPSG:4547", layer="DOOR"), folder=tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_of_any_usual_encoding_and_delimiter(tmp_path, encoding, delimiter):
    """A CSV reads the same in UTF-8 with and without mark, GBK and UTF-16, with comma, semicolon or tab."""
    text = f"编号{delimiter}名称{delimiter}经度{delimiter}纬度\n007{delimiter}幼儿园{delimiter}113.7{delimiter}37.6\n"
    (tmp_path / "poi.csv").write_bytes(text.encode(encoding))
    frame, _ = load.read(source("poi.csv", crs="EPSG:4326"), folder=tmp_path)
    assert frame["编号"].tolist() == ["007"]
    assert frame["名称"].tolist() == ["幼儿园"]
    assert frame.geometry.iloc[0].equals(Point(113.7, 37.6))


def test_a_mark_inside_a_cell_and_empty_lines_are_dropped(tmp_path):
    """A byte order mark pasted into a cell is no part of the text, and an empty line is no row."""
    (tmp_path / "t.csv").write_text("编号,名称\n\ufeff1,\ufeff学校\n\n2,医院\n", encoding="utf-8")
    frame, _ = load.read(source("t.csv", join={"layer": "parcels", "on": "编号"}), folder=tmp_path)
    assert frame["编号"].tolist() == ["1", "2"]
    assert frame["名称"].tolist() == ["学校", "医院"]


def test_a_table_without_heading_gets_numbered_columns(tmp_path):
    """Where the first line holds numbers the file has no heading; no row is lost to it."""
    (tmp_path / "t.csv").write_text("1,学校,113.7,37.6\n2,医院,113.8,37.7\n", encoding="utf-8")
    frame, _ = load.read(source("t.csv", crs="EPSG:4326", xy=["column 3", "column 4"]), folder=tmp_path)
    assert frame["column 2"].tolist() == ["学校", "医院"]
    assert frame.geometry.x.tolist() == [113.7, 113.8]


@pytest.mark.parametrize("heading", ["location", "经纬度", "坐标"])
def test_a_pair_in_one_cell(tmp_path, heading):
    """Longitude and latitude in one quoted cell are two numbers; one that is no pair has no point."""
    (tmp_path / "t.csv").write_text(f'名称,{heading}\n学校,"113.7,37.6"\n医院,不详\n', encoding="utf-8")
    frame, _ = load.read(source("t.csv", crs="GCJ-02"), folder=tmp_path)
    assert frame.geometry.iloc[0].equals(Point(113.7, 37.6))
    assert frame.geometry.iloc[1] is None
    assert frame.crs is None
    assert frame.attrs["crs"] == "GCJ-02"


def test_degrees_minutes_and_seconds(tmp_path):
    """113°42′00″E is 113.7; west and south are negative."""
    (tmp_path / "t.csv").write_text(
        "名,东经,北纬\n甲,113°42′00″E,37°36′00″N\n乙,51°12′W,30°03′36″S\n", encoding="utf-8"
    )
    frame, _ = load.read(source("t.csv", crs="EPSG:4326"), folder=tmp_path)
    assert frame.geometry.x.round(9).tolist() == [113.7, -51.2]
    assert frame.geometry.y.round(9).tolist() == [37.6, -30.06]


def test_coordinates_without_a_system_are_asked_for(tmp_path):
    """A table with coordinates does not say whether they are offset; guessing would move them by 500 m."""
    (tmp_path / "poi.csv").write_text("名称,lon,lat\n学校,113.7,37.6\n", encoding="utf-8")
    with pytest.raises(CrsError, match=r"GCJ-02 \(Amap, Tencent\)"):
        load.read(source("poi.csv"), folder=tmp_path)


def test_survey_tables_with_the_northing_in_x_are_put_right(tmp_path):
    """In Chinese survey practice X is the northing; both orders give the same point."""
    (tmp_path / "a.csv").write_text("点号,X坐标,Y坐标\n1,4163143.3,38473507.8\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("点号,东坐标,北坐标\n1,38473507.8,4163143.3\n", encoding="utf-8")
    first, _ = load.read(source("a.csv", crs="EPSG:4526"), folder=tmp_path)
    second, _ = load.read(source("b.csv", crs="EPSG:4526"), folder=tmp_path)
    assert first.geometry.iloc[0].equals(second.geometry.iloc[0])
    assert ("axes_swapped", 1) in first.attrs["notes"]
    assert second.attrs["notes"] == []


def test_a_contradicted_system_names_the_file(tmp_path):
    """Coordinates with a zone prefix in a system without one stop the run with the file and the system that fits."""
    shape = box(38_473_507, 4_163_143, 38_473_607, 4_163_243)
    gpd.GeoDataFrame({"n": [1]}, geometry=[shape], crs=4547).to_file(tmp_path / "宗地.gpkg")
    with pytest.raises(CrsError, match=r"宗地\.gpkg: its eastings start with 38.*EPSG:4526"):
        load.read(source("宗地.gpkg"), folder=tmp_path)
    frame, _ = load.read(source("宗地.gpkg", crs="EPSG:4526"), folder=tmp_path)
    assert frame.crs.to_epsg() == 4526


def test_an_old_datum_in_a_file_is_refused(tmp_path):
    """A shapefile in Xian 1980 is refused by its .prj alone."""
    parcels(2383).to_file(tmp_path / "p.gpkg")
    with pytest.raises(CrsError, match=r"p\.gpkg: .*Xian 1980"):
        load.read(source("p.gpkg"), folder=tmp_path)


def workbook(path, **sheets):
    """An Excel workbook of the given rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


def test_a_workbook_is_text(tmp_path):
    """Cells of a sheet come as text: whole numbers without .0, dates as written in ISO, empty cells missing."""
    rows = [["编号", "面积(亩)", "日期", "备注"], [7, 1.5, pd.Timestamp(2020, 3, 1), None], ["008", 2, "2020年", "旧"]]
    workbook(tmp_path / "t.xlsx", 台账=rows)
    frame, _ = load.read(source("t.xlsx", join={"layer": "parcels", "on": "编号"}), folder=tmp_path)
    assert frame["编号"].tolist() == ["7", "008"]
    assert frame["面积(亩)"].tolist() == ["1.5", "2"]
    assert frame["日期"].tolist() == ["2020-03-01", "2020年"]
    assert frame["备注"].isna().tolist() == [True, False]


def test_a_workbook_of_several_sheets_needs_one_named(tmp_path):
    """Two filled sheets and none named list both; an unknown one is named."""
    workbook(tmp_path / "t.xlsx", 台账=[["编号"], [1]], 说明=[["文字"]])
    with pytest.raises(SourceError, match="台账, 说明"):
        load.read(source("t.xlsx", join={"layer": "parcels", "on": "编号"}), folder=tmp_path)
    with pytest.raises(SourceError, match="no sheet '表'"):
        load.read(source("t.xlsx", layer="表", join={"layer": "parcels", "on": "编号"}), folder=tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.mdb", b"", "file geodatabase"),
        ("a.dwg", b"", "DXF"),
        ("a.xls", b"", "xlsx"),
        ("a.xlsx", b"not a workbook", "Excel"),
        ("a.shp", b"nothing", "cannot be read"),
        ("a.gpkg", b"nothing", "cannot be read"),
        ("a.csv", b"", "empty"),
    ],
)
def test_files_that_cannot_be_read_say_what_to_do(tmp_path, name, content, said):
    """Each names the file and, where there is one, the way out."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=said) as caught:
        load.read(source(name, crs="EPSG:4547"), folder=tmp_path)
    assert str(caught.value).startswith(name)


def test_arcs_become_lines(tmp_path):
    """A half disc of radius 50 m, drawn as an arc and its chord, has π · 50² / 2 m² within a thousandth."""
    arc = (
        '<gml:ArcString interpolation="circularArc3Points"><gml:posList>500000 4000000 500050 4000050 500100 4000000'
        "</gml:posList></gml:ArcString><gml:LineStringSegment><gml:posList>500100 4000000 500000 4000000</gml:posList>"
        "</gml:LineStringSegment>"
    )
    ring = f"<gml:Ring><gml:curveMember><gml:Curve><gml:segments>{arc}</gml:segments></gml:Curve></gml:curveMember></gml:Ring>"
    shape = f'<gml:Polygon srsName="EPSG:32649"><gml:exterior>{ring}</gml:exterior></gml:Polygon>'
    names = 'xmlns:ogr="http://ogr.maptools.org/" xmlns:gml="http://www.opengis.net/gml"'
    feature = f"<gml:featureMember><ogr:c><ogr:g>{shape}</ogr:g></ogr:c></gml:featureMember>"
    (tmp_path / "c.gml").write_text(
        f"<ogr:FeatureCollection {names}>{feature}</ogr:FeatureCollection>", encoding="utf-8"
    )
    frame, _ = load.read(source("c.gml"), folder=tmp_path)
    assert frame.geometry.area.tolist() == pytest.approx([math.pi * 50**2 / 2], rel=1e-3)


def test_a_missing_file_is_named(tmp_path):
    """The path as the recipe writes it."""
    with pytest.raises(SourceError, match=r"raw/x\.shp"):
        load.read(source("raw/x.shp"), folder=tmp_path)


def test_a_system_without_a_code_is_kept(tmp_path):
    """A local transverse Mercator has no EPSG code; it is read, and labelled by its name."""
    local = CRS("+proj=tmerc +lat_0=0 +lon_0=113.5 +x_0=500000 +ellps=GRS80 +units=m")
    parcels(local).to_file(tmp_path / "p.gpkg")
    frame, _ = load.read(source("p.gpkg"), folder=tmp_path)
    assert frame.crs.is_projected
    assert frame.attrs["crs"]


REGISTER = {"join": {"layer": "parcels", "on": "编号"}}


def table(folder, text, name="t.csv", **keys):
    """The rows of a CSV file of `text`."""
    (folder / name).write_text(text, encoding="utf-8")
    return load.read(source(name, **keys), folder=folder)[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('编号,名称,数\n1,"学校,5\n2,医院,6\n3,公园,7\n', "line 2: a quotation mark is opened and never closed"),
        ('编号,名称,数\n1,学校,5\n2,"医院,6\n3,"公园",7\n', "line 3: a quotation mark swallows the lines up to 4"),
        ('编号,名称,数\n1,"学校,5\n2,医院",6\n3,公园,7\n', "line 2: a quotation mark swallows the lines up to 3"),
        ('编号,名称,数\r\n1,"学校,5\r\n2,所,5\r\n3,医院",6\r\n', "line 2: a quotation mark swallows the lines up to 4"),
        ('编号,名称,数\n1,学校,"', "line 2: a quotation mark is opened and never closed"),
    ],
)
def test_a_quotation_mark_that_swallows_rows_is_refused(tmp_path, text, said):
    """An odd quotation mark would hide the rows after it; the file and the line are named, and nothing is read."""
    with pytest.raises(SourceError, match=rf"t\.csv: {said}.*; close it"):
        table(tmp_path, text, **REGISTER)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('"一层, 二层\n三层"', "一层, 二层\n三层"),  # a note of two lines
        ('5"管', '5"管'),  # an inch mark inside an unquoted cell
        ('"他说""好"""', '他说"好"'),
        ('"a,b\n\n,"', "a,b\n\n,"),
    ],
)
def test_quotation_marks_that_belong_to_a_cell_are_read(tmp_path, cell, value):
    """Line breaks and delimiters inside a quoted cell are text as long as they make up no whole row."""
    frame = table(tmp_path, f"编号,名称,数\n1,学校,{cell}\n2,医院,6\n", **REGISTER)
    assert frame["数"].tolist() == [value, "6"]


def test_a_cell_may_be_as_long_as_it_likes(tmp_path):
    """A polygon of 20,000 corners in one cell is longer than the limit of the csv module, which is left as it was."""
    limit = csv.field_size_limit()
    ring = ",".join(f"{500_000 + i} {4_000_000 + i * i % 7}" for i in range(20_000))
    frame = table(tmp_path, f'编号,wkt\n1,"LINESTRING({ring})"\n', crs="EPSG:4547")
    assert shapely.get_num_coordinates(frame.geometry.iloc[0]) == 20_000
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("text", "keys", "columns"),
    [
        ("地块编号,税收(万元),2023,2024\nP1,5,1,2\n", {"join": {"layer": "parcels", "on": "地块编号"}}, "地块编号 税收(万元) 2023 2024"),
        ("甲,2022,2023,2024\nP1,5,1,2\n", {"join": {"layer": "parcels", "on": "甲"}}, "甲 2022 2023 2024"),
        ("名称,x,y,2023\nP1,500000,4000000,2\n", {"crs": "EPSG:4547"}, "名称 x y 2023 geometry"),
        ("甲,乙,丙,2023\nP1,5,1,2\n", REGISTER, "甲 乙 丙 2023"),
    ],
)  # fmt: skip
def test_a_year_in_the_heading_is_a_heading(tmp_path, text, keys, columns):
    """A file is without heading only where at least half of its first line is numbers and none of it is a known name."""
    frame = table(tmp_path, text, **keys)
    assert list(frame.columns) == columns.split()
    assert len(frame) == 1


def test_a_recipe_that_numbers_the_columns_says_there_is_no_heading(tmp_path):
    """ "column 4" is the name of a column only in a file without heading, whatever its first line looks like."""
    frame = table(tmp_path, "甲,乙,丙,1\n丁,戊,己,2\n", columns={"name": "column 4"}, **REGISTER)
    assert frame["column 4"].tolist() == ["1", "2"]


def test_empty_lines_keep_their_number(tmp_path):
    """The index counts the lines below the heading as they stand, so a reject points at the right one."""
    frame = table(tmp_path, "\n编号,数\n1,a\n\n,\n4,d\n", **REGISTER)
    assert (frame.index.name, frame.index.tolist(), frame["编号"].tolist()) == ("row", [1, 4], ["1", "4"])
    workbook(tmp_path / "t.xlsx", 表=[["编号", "x", "y"], [1, 5e5, 4e6], [None, None], [3, 5e5, 4e6]])
    frame, _ = load.read(source("t.xlsx", crs="EPSG:4547"), folder=tmp_path)
    assert frame.index.tolist() == [1, 3]
    frame, _ = load.read(source("t.xlsx", crs="EPSG:4547", exclude={"编号": ["1"]}), folder=tmp_path)
    assert frame.index.tolist() == [3]


def test_the_rows_of_a_drawing_layer_keep_their_number(tmp_path):
    """The second entity of a drawing is row 2, also where its layer is the only one that is read."""
    shapes = [LineString([(500_000, 4e6), (500_050, 4e6)]), Point(500_025, 4e6)]
    walls = gpd.GeoDataFrame({"Layer": ["WALL", "GATE"]}, geometry=shapes, crs=4547)
    pyogrio.write_dataframe(walls, tmp_path / "w.dxf", driver="DXF")
    frame, _ = load.read(source("w.dxf", crs="EPSG:4547", layer="GATE"), folder=tmp_path)
    assert frame.index.tolist() == [2]


@pytest.mark.parametrize("heading", ["名称,x,y", "名称,经度,纬度", "名称,坐标", "名称,wkt"])
@pytest.mark.parametrize("rows", [0, 2])
def test_coordinates_that_cannot_be_read_are_missing(tmp_path, heading, rows):
    """A heading of coordinates makes a layer, with no row or with rows without geometry, which are then rejected."""
    line = ",".join(["不详"] * len(heading.split(",")))
    frame = table(tmp_path, "\n".join([heading, *[line] * rows]), crs="EPSG:4490")
    assert isinstance(frame, gpd.GeoDataFrame)
    assert (len(frame), frame.geometry.isna().sum()) == (rows, rows)
    assert frame.attrs["crs"] == "EPSG:4490"


@pytest.mark.parametrize(
    ("text", "crs", "x"),
    [
        ('名称,x,y\n甲,"473,100.5","4,163,210"\n乙,473101,4163210\n', "EPSG:4547", [473100.5, 473101]),
        ("名称;x;y\n甲;113,71;37,6\n乙;113,712;37,612\n", "EPSG:4490", [113.71, 113.712]),
        ("名称;x;y\n甲;113,712;37,612\n", "EPSG:4490", [113.712]),
        ('名称,x,y\n甲,"113,7123","37,6123"\n', "EPSG:4490", [113.7123]),
    ],
)
def test_a_comma_in_a_coordinate_divides_thousands_or_decimals(tmp_path, text, crs, x):
    """The column tells which of the two it is, and where it does not, the delimiter of the file."""
    assert table(tmp_path, text, crs=crs).geometry.x.tolist() == x


def test_a_title_above_the_heading_is_passed_over(tmp_path):
    """A line of one cell above a line of known headings is a title; the rows are counted below the heading."""
    frame = table(tmp_path, "某县设施一览表,,\n单位：米,,\n名称,x,y\n甲,500000,4000000\n", crs="EPSG:4547")
    assert frame["名称"].tolist() == ["甲"]
    assert (frame.index.tolist(), frame.attrs["notes"]) == ([1], [("title_rows", 2)])
    frame = table(tmp_path, "某县设施一览表\n名称;x;y\n甲;500000;4000000\n", crs="EPSG:4547")
    assert len(frame) == 1


def test_a_heading_of_two_lines_is_one(tmp_path):
    """Below merged cells stand the names that count; the columns beside them keep theirs."""
    rows = [["名称", "类别", "坐标", None], [None, None, "x", "y"], ["甲", "幼儿园", 500_000, 4_000_000]]
    workbook(tmp_path / "t.xlsx", 表=rows)
    frame, _ = load.read(source("t.xlsx", crs="EPSG:4547"), folder=tmp_path)
    assert list(frame.columns) == ["名称", "类别", "x", "y", "geometry"]
    assert (frame.index.tolist(), frame.attrs["notes"]) == ([1], [("heading_lines", 2)])


def test_curves_in_wkt_are_missing(tmp_path):
    """One geometry that GEOS does not know costs its own row only."""
    text = 'id,wkt\n1,"POLYGON((500000 4000000,500100 4000000,500100 4000100,500000 4000000))"\n'
    text += (
        '2,"CURVEPOLYGON(CIRCULARSTRING(0 0,4 0,4 4,0 4,0 0))"\n3,POLYGON((\n4,"MULTISURFACE(((0 0,1 0,1 1,0 0)))"\n'
    )
    text += "5,CIRCULARSTRING EMPTY\n"
    frame = table(tmp_path, text, crs="EPSG:4547")
    assert frame.geometry.isna().tolist() == [False, True, True, True, True]


def test_formulas_without_a_result_are_counted(tmp_path):
    """A workbook no program has computed holds formulas and no numbers; the cells are missing, and a note says so."""
    rows = [["编号", "数"], ["P1", "=1+1"], ["P2", 3], ["P3", None], ["P4", "=A1"]]
    workbook(tmp_path / "t.xlsx", 表=rows)
    frame, _ = load.read(source("t.xlsx", **REGISTER), folder=tmp_path)
    assert frame["数"].isna().tolist() == [True, False, True, True]
    assert frame.attrs["notes"] == [("formula_cells", 2)]
    workbook(tmp_path / "t.xlsx", 表=[["编号", "数"], ["P1", None]])
    assert load.read(source("t.xlsx", **REGISTER), folder=tmp_path)[0].attrs["notes"] == []


def test_a_folder_and_a_name_too_long_are_no_files(tmp_path):
    """Both get a sentence of our own, not one of the operating system or of GDAL."""
    (tmp_path / "raw").mkdir()
    with pytest.raises(SourceError, match="raw: is a folder"):
        load.read(source("raw"), folder=tmp_path)
    with pytest.raises(SourceError, match="cannot be looked up"):
        load.read(source("x" * 5000 + ".csv"), folder=tmp_path)
