"""One raw layer to a canonical table: rows in = rows kept + rows rejected, always."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import GeometryCollection, LineString, MultiPoint, Point, Polygon, box

from lifecircle import schema
from lifecircle.errors import SchemaError, SourceError
from lifecircle.load.recipe import Source
from lifecircle.normalise import table

EAST, NORTH = 500_000.0, 4_000_000.0
SQUARE = box(EAST, NORTH, EAST + 100, NORTH + 100)  # 10,000 m² = 15 亩
BOW_TIE = Polygon([(EAST, NORTH), (EAST + 100, NORTH + 100), (EAST + 100, NORTH), (EAST, NORTH + 100)])


def raw(shapes, crs=4547, **columns):
    """A raw layer of the given shapes."""
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=crs)


def squares(count, **columns):
    """`count` squares in a row with the given columns."""
    return raw(
        (shapely.transform(SQUARE, lambda xy, i=i: xy + np.array([200 * i, 0])) for i in range(count)), **columns
    )


def recipe(**keys):
    """A recipe entry with the given keys."""
    return Source.model_validate({"source": "x", **keys})


def normalise(name, frame, **keys):
    """`table` in English in EPSG:4547; the counts, the schema and the index are checked every time."""
    out, rejects, report = table(name, frame, crs=4547, source="f.shp", language="en", **keys)
    assert report.read == len(frame) == len(out) + len(rejects)
    assert (report.kept, report.rejected) == (len(out), len(rejects))
    schema.check(name, out)
    assert list(rejects.columns) == ["table", "source", "row", "id", "why", "word", "geometry"]
    return out, rejects, report


def codes(report):
    """The notes of a report: code to count."""
    return {code: count for code, count, _ in report.notes}


def test_chinese_headings_and_mu():
    """Aliases, a unit in the heading and thousands separators: 15 亩 are a hectare, 12 万元 are 120,000 yuan."""
    frame = squares(
        1, **{"宗地编号": ["1.0"], "占地面积(亩)": ["15"], "税收（万元）": ["12"], "容积率": ["1.2"], "别的": ["x"]}
    )
    parcels, _, report = normalise("parcels", frame)
    assert parcels.index.tolist() == ["1"]
    np.testing.assert_allclose(parcels["site_area_m2"], [10_000], rtol=1e-12)
    assert parcels["tax_yuan"].tolist() == [120_000.0]
    assert parcels["far"].tolist() == [1.2]
    assert report.unused == ["别的"]
    assert parcels["source"].tolist() == ["f.shp#1"]
    mapping = report.mapping.set_index("column")
    assert mapping.loc["site_area_m2", ["raw", "unit", "how"]].tolist() == ["占地面积(亩)", "亩", "alias"]


def test_the_recipe_comes_before_the_aliases():
    """A named column is used though another would have been recognised, with its unit; constants fill what no column has."""
    frame = squares(2, 宗地编号=["a", "b"], 占地面积=[1.0, 1.0], 实测=[1.0, 2.0])
    use = recipe(columns={"site_area_m2": {"from": "实测", "unit": "ha"}}, set={"land_use_edition": "yonghai_2023"})
    parcels, _, report = normalise("parcels", frame, recipe=use)
    assert parcels["site_area_m2"].tolist() == [10_000.0, 20_000.0]
    assert parcels["land_use_edition"].tolist() == ["yonghai_2023"] * 2
    assert report.mapping.set_index("column").loc["site_area_m2", "how"] == "recipe"


def test_an_empty_name_leaves_a_column_out():
    """AREA would be taken for the site area; ``site_area_m2 = ""`` says it is none, and the raw column counts as unused."""
    frame = squares(1, 宗地编号=["a"], 占地面积=[0.011])
    assert normalise("parcels", frame)[0]["site_area_m2"].tolist() == [0.011]
    parcels, _, report = normalise("parcels", frame, recipe=recipe(columns={"site_area_m2": ""}))
    assert parcels["site_area_m2"].isna().all()
    assert report.unused == ["占地面积"]


def test_a_named_column_that_is_not_there_is_an_error():
    """The file, the column, the key and the nearest column are named."""
    use = recipe(columns={"far": "容积绿"})
    with pytest.raises(
        SourceError, match=r"f\.shp: has no column '容积绿' \(layers\.parcels\.columns\.far\); did you mean '容积率'"
    ):
        table("parcels", squares(1, 容积率=[1.0]), crs=4547, source="f.shp", recipe=use)


def test_a_column_that_two_could_be_is_reported():
    """Both names are told, and the first of the alias table is taken."""
    _, _, report = normalise("buildings", squares(1, 层数=[3], floors=[4]))
    assert "ambiguous_column" in codes(report)


def test_unreadable_and_impossible_values_are_missing_and_counted():
    """Words are unreadable, a negative area is out of range; the rows stay."""
    frame = squares(3, 容积率=["不予規定", "1.5", "-1"], 建成年份=["before 1939", "1998年", "1990s"])
    parcels, _, report = normalise("parcels", frame)
    assert parcels["far"].isna().tolist() == [True, False, True]
    assert parcels["built_year"].tolist()[1] == 1998
    texts = [text for code, _, text in report.notes if code in ("unreadable", "out_of_range")]
    assert "far: 1 values could not be read and are missing (such as 不予規定)" in texts
    assert "far: 1 values out of range are missing (such as -1)" in texts
    assert any("built_year: 2 values" in text for text in texts)


def test_declared_areas_off_by_more_than_five_percent_are_told_with_both():
    """15 亩 on 10,000 m² agree; 20 亩 (13,333 m²) do not, and both sums are in the note."""
    _, _, report = normalise("parcels", squares(2, **{"宗地编号": ["a", "b"], "占地面积(亩)": [15.0, 20.0]}))
    text = next(text for code, _, text in report.notes if code == "area_differs")
    assert "1 rows" in text
    assert "declared 13,333 m², drawn 10,000 m²" in text
    assert "largest: b" in text


def test_repeated_numbers():
    """The same row again is a duplicate of the first; the same number on other content is told so; a first row that was
    itself rejected does not count."""
    shapes = [SQUARE, SQUARE, box(EAST + 500, NORTH, EAST + 600, NORTH + 50), None, BOW_TIE]
    frame = raw(shapes, 宗地编号=["7", "7.0", "7", "9", "9"], 宗地名称=["甲", "甲", "乙", "丙", "丙"])
    parcels, rejects, _ = normalise("parcels", frame)
    assert parcels.index.tolist() == ["7", "9"]
    assert rejects.set_index("row")["why"].to_dict() == {
        2: "duplicate of row 1",
        3: "the same number as row 1, with other content",
        4: "has no geometry",
    }


def test_a_roads_number_on_every_segment_loses_none():
    """R1, R1, R1-2, R1 keep four different numbers, the same on every reading; the same segment again is a duplicate, and a
    segment that repeats the second R1 whole is one too."""
    lines = [LineString([(EAST + 100 * i, NORTH), (EAST + 100 * i + 100, NORTH)]) for i in (0, 1, 2, 3, 0, 1)]
    frame = raw(lines, 道路编号=["R1", "R1", "R1-2", "R1", "R1", "R1"])
    use = recipe(columns={"street_id": "道路编号"})
    streets, rejects, report = normalise("streets", frame, recipe=use)
    assert streets.index.tolist() == ["R1", "R1-3", "R1-2", "R1-4"]
    assert streets.geometry.length.sum() == 400.0
    assert rejects.set_index("row")["why"].to_dict() == {5: "duplicate of row 1", 6: "duplicate of row 2"}
    assert codes(report)["number_repeated"] == 2
    assert report.repeated == {"R1"}


def test_gas_segments_with_one_number_keep_their_length():
    """Three segments of 100 m numbered 1, 1, 2 are 300 m of pipe."""
    lines = [LineString([(EAST + 100 * i, NORTH), (EAST + 100 * i + 100, NORTH)]) for i in range(3)]
    pipes, _, _ = normalise("pipes", raw(lines, 管线编号=["1", "1", "2"]), recipe=recipe(set={"network": "gas"}))
    assert pipes.index.tolist() == ["1", "1-2", "2"]
    assert pipes.geometry.length.sum() == 300.0


def test_numbers_that_look_made_are_the_files_own():
    """A file may number homes as we would: its repeated number is seen, and a number made for row 3 avoids it."""
    points = [Point(EAST + 10 * i, NORTH) for i in range(4)]
    frame = raw(points, home_id=["homes-000001", "homes-000001", None, "homes-000003"])
    homes, _, _ = normalise("homes", frame)
    assert homes.index.tolist() == ["homes-000001", "homes-000001-2", "homes-000003-2", "homes-000003"]
    parcels, rejects, _ = normalise("parcels", squares(2, 宗地编号=["parcels-000002", "parcels-000002"]))
    assert (len(parcels), rejects["why"].tolist()) == (1, ["the same number as row 1, with other content"])


def test_a_coordinate_that_is_no_number_rejects_its_row():
    """A NaN in the middle of a line hides in its bounds; the row is a reject without geometry, the others stay."""
    with np.errstate(invalid="ignore"):
        lines = shapely.from_wkt(
            [
                f"LINESTRING ({EAST} {NORTH}, {one}, {EAST} {NORTH + 9})"
                for one in (f"{EAST} {NORTH + 5}", "nan nan", "0 inf")
            ]
        )
    streets, rejects, _ = normalise("streets", raw(lines))
    assert streets["source"].tolist() == ["f.shp#1"]
    assert rejects["why"].tolist() == ["its coordinates are missing or cannot be read"] * 2
    assert rejects.geometry.isna().all()


def test_a_heading_with_its_unit_comes_before_a_bare_one():
    """面积 and 用地面积(亩) both say 15: the one that states its unit is read, and 15 亩 are the 10,000 m² drawn."""
    parcels, _, report = normalise("parcels", squares(1, **{"面积": [15.0], "用地面积(亩)": [15.0]}))
    np.testing.assert_allclose(parcels["site_area_m2"], [10_000], rtol=1e-12)
    assert "ambiguous_column" in codes(report)


@pytest.mark.parametrize(("declared", "unit"), [([15.0, 15.1, 15.0], "mu"), ([1.0, 1.0, 9.0], "hectares")])
def test_areas_in_another_unit_than_square_metres_are_missing(declared, unit):
    """A bare 面积 whose values are the drawn areas in mu or hectares is not taken as m²: it is missing, with the likely unit."""
    parcels, _, report = normalise("parcels", squares(3, 面积=declared))
    assert parcels["site_area_m2"].isna().all()
    text = next(text for code, _, text in report.notes if code == "area_unit")
    assert text.startswith(f"3 declared areas are most likely in {unit} and not in m²")
    assert "area_differs" not in codes(report)


def test_web_mercator_layers_get_their_true_area():
    """A hectare at 36° N covers 1.5 hectares of EPSG:3857 (1/cos²); brought into the study's system it is one again."""
    frame = squares(1).to_crs(3857)
    assert frame.geometry.area.iloc[0] > 15_000
    parcels, _, _ = normalise("parcels", frame)
    np.testing.assert_allclose(parcels.geometry.area, [10_000], rtol=1e-6)


def test_rows_without_numbers_are_numbered_and_compared_whole():
    """Without numbers two rows are the same only if every cell and the geometry are; numbers come from the row."""
    frame = raw([SQUARE, SQUARE, SQUARE], 宗地名称=["甲", "甲", "甲"], 备注=["a", "b", "a"])
    parcels, rejects, report = normalise("parcels", frame)
    assert parcels.index.tolist() == ["parcels-000001", "parcels-000002"]
    assert rejects["why"].tolist() == ["duplicate of row 1"]
    assert codes(report)["ids_made"] == 3
    assert codes(report)["same_shape"] == 1


def test_a_bow_tie_is_repaired():
    """A figure eight of two triangles of 2,500 m² each keeps its 5,000 m²."""
    parcels, _, report = normalise("parcels", raw([BOW_TIE]))
    assert parcels.geometry.is_valid.all()
    assert parcels.geometry.area.tolist() == pytest.approx([5000.0])
    assert codes(report)["repaired"] == 1


def test_only_the_wanted_dimension_is_kept():
    """Of a collection the polygon stays; a point, a line, an empty and a flat polygon are rejects, each with its reason."""
    flat = Polygon([(EAST, NORTH), (EAST + 9, NORTH), (EAST, NORTH)])
    shapes = [
        GeometryCollection([SQUARE, Point(EAST, NORTH)]),
        Point(EAST, NORTH),
        LineString([(0, 0), (1, 1)]),
        Polygon(),
        flat,
    ]
    parcels, rejects, report = normalise("parcels", raw(shapes))
    assert parcels.geometry.area.tolist() == [10_000.0]
    assert rejects["why"].tolist() == [
        "is a point, not a polygon",
        "is a line, not a polygon",
        "has no geometry",
        "its geometry has no area",
    ]
    assert codes(report)["parts"] == 1


def test_closed_lines_are_polygons_and_heights_are_dropped():
    """A closed polyline of a drawing bounds an area; a third coordinate is left out."""
    ring = LineString([(*xy, 12.0) for xy in SQUARE.exterior.coords])
    parcels, _, report = normalise("parcels", raw([ring]))
    assert parcels.geometry.area.tolist() == [10_000.0]
    assert not parcels.geometry.has_z.any()
    assert codes(report)["closed_lines"] == 1


def test_areas_of_facilities_become_a_point_on_them():
    """A school drawn as an area is a point inside it; a point of several is no single place."""
    frame = raw([SQUARE, Point(EAST, NORTH), MultiPoint([(0, 0), (1, 1)])], 类别=["小学", "小学", "小学"])
    facilities, rejects, report = normalise("facilities", frame)
    assert SQUARE.contains(facilities.geometry.iloc[0])
    assert codes(report)["to_point"] == 1
    assert rejects["row"].tolist() == [3]


def test_an_unknown_facility_word_is_a_reject_with_the_word():
    """A word nobody knows never becomes a facility; the recipe may say what it stands for."""
    frame = raw([Point(EAST, NORTH), Point(EAST + 9, NORTH), Point(EAST + 18, NORTH)], 类别=["幼儿园", "飞碟场", None])
    facilities, rejects, _ = normalise("facilities", frame)
    assert facilities["kind"].tolist() == ["kindergarten"]
    assert rejects[["why", "word"]].iloc[0].tolist() == ["its kind is not a known word", "飞碟场"]
    assert rejects["why"].iloc[1] == "has no kind, which is required"
    facilities, _, _ = normalise("facilities", frame, recipe=recipe(values={"kind": {"飞碟场": "stadium"}}))
    assert facilities["kind"].tolist() == ["kindergarten", "stadium"]


def test_plain_cast_iron_is_unknown():
    """铸铁 without 灰口 or 球墨 is not known to be grey iron, which would have to be renewed; it is counted."""
    lines = [LineString([(EAST, NORTH + 10 * i), (EAST + 50, NORTH + 10 * i)]) for i in range(4)]
    frame = raw(lines, 材质=["铸铁", "灰口铸铁", "球墨铸铁", "竹"], 管线类型=["给水"] * 4)
    pipes, _, report = normalise("pipes", frame, recipe=recipe(columns={"network": "管线类型"}))
    assert pipes["material"].tolist() == ["unknown", "grey_iron", "ductile_iron", "unknown"]
    assert pipes["network"].tolist() == ["water"] * 4
    assert codes(report)["no_material_kind"] == 1
    assert codes(report)["unknown_words"] == 1


def test_pipe_diameters_in_metres():
    """0.3 m are 300 mm, whether the recipe or the heading says so."""
    line = [LineString([(EAST, NORTH), (EAST + 50, NORTH)])]
    use = recipe(set={"network": "water"}, columns={"diameter_mm": {"from": "管径", "unit": "m"}})
    assert normalise("pipes", raw(line, 管径=["0.3"]), recipe=use)[0]["diameter_mm"].tolist() == [300.0]
    use = recipe(set={"network": "water"})
    assert normalise("pipes", raw(line, **{"管径(m)": [0.3]}), recipe=use)[0]["diameter_mm"].tolist() == [300.0]


def test_gcj02_points_are_brought_back():
    """A point given in GCJ-02 lands on its true place: (116.404, 39.915) is known in both systems."""
    point = Point(116.41024449916938, 39.91640428150164)
    frame = gpd.GeoDataFrame({"类别": ["小学"]}, geometry=[point])
    frame.attrs = {"crs": "GCJ-02"}
    facilities, _, _ = table("facilities", frame, crs=4548, language="en")
    true = gpd.GeoSeries([Point(116.404, 39.915)], crs=4326).to_crs(4548)
    assert facilities.geometry.iloc[0].distance(true.iloc[0]) < 1e-3


def test_cgcs2000_is_read_easting_first():
    """EPSG lists the northing first; files give the easting first, and the published point of Xiyang lands there."""
    frame = raw([Point(38_473_507.8, 4_163_143.3)], crs=4526, 类别=["小学"])
    facilities, _, _ = normalise("facilities", frame)
    assert facilities.geometry.x.tolist() == pytest.approx([473_507.8], abs=0.1)
    assert facilities.geometry.y.tolist() == pytest.approx([4_163_143.3], abs=0.1)


def test_feet_become_metres():
    """A square of 100 US survey feet in EPSG:2272 has 100² × (1200/3937)² m², within the projection's scale."""
    frame = raw([box(2_700_000, 230_000, 2_700_100, 230_100)], crs=2272)
    parcels, _, _ = table("parcels", frame, crs=32618, language="en")
    np.testing.assert_allclose(parcels.geometry.area, (100 * 1200 / 3937) ** 2, rtol=1e-3)


def test_a_layer_without_geometry_is_refused():
    """A table that is neither joined nor placed cannot be a layer; a study in feet cannot be one either."""
    with pytest.raises(SchemaError, match="has no geometry and no coordinates"):
        table("parcels", pd.DataFrame({"宗地编号": ["1"]}), crs=4547)
    with pytest.raises(SchemaError, match="US survey foot"):
        table("parcels", squares(1), crs=2272)


def test_usage_has_no_geometry():
    """Readings are a plain table of what, when and how much."""
    frame = pd.DataFrame({"号": ["1", "1"], "月份": ["2025-01", "2025-02"], "用水量": ["3.5", "0"]})
    use = recipe(columns={"of_id": "号"}, set={"of_table": "parcels", "unit": "m3"})
    usage, _, _ = normalise("usage", frame, recipe=use)
    assert usage["quantity"].tolist() == [3.5, 0.0]
    assert usage["period"].tolist() == ["2025-01", "2025-02"]


def test_streets_are_walkable_by_class_where_nothing_else_is_said():
    """A footway is walked, a motorway is not; what the file says itself counts first."""
    lines = [LineString([(EAST, NORTH + i), (EAST + 50, NORTH + i)]) for i in range(3)]
    frame = raw(lines, **{"class": ["footway", "motorway", "footway"], "walkable": [None, None, "否"]})
    streets, _, report = normalise("streets", frame)
    assert streets["walkable"].tolist() == [True, False, False]
    assert codes(report)["walkable_by_class"] == 2


def test_rejects_speak_the_language_of_the_study():
    """Chinese by default."""
    _, rejects, _ = table("parcels", raw([None, SQUARE]), crs=4547)
    assert rejects["why"].tolist() == ["没有图形"]


def test_an_empty_layer_is_an_empty_table():
    """No row in, no row out, every column there."""
    parcels, rejects, report = normalise("parcels", raw([], 宗地编号=[]))
    assert (len(parcels), len(rejects), report.read) == (0, 0, 0)
    assert "land_use" in parcels


def test_the_raw_frame_is_not_written_into():
    """The caller's frame is as it was."""
    frame = raw([BOW_TIE, None], 容积率=["x", "1"])
    before = frame.copy()
    normalise("parcels", frame)
    pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(before))


SHAPES = st.sampled_from(
    [SQUARE, BOW_TIE, Point(EAST, NORTH), None, Polygon(), SQUARE.exterior, GeometryCollection([SQUARE, BOW_TIE])]
)
ROWS = st.lists(
    st.tuples(
        SHAPES,
        st.sampled_from(["1", "1.0", "2", None, " "]),
        st.sampled_from(["1.5", "不予規定", "-2", None]),
        st.sampled_from(["幼儿园", "飞碟场", None]),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from(["parcels", "facilities", "parks", "barriers"]))
def test_no_row_is_ever_lost(rows, name):
    """Whatever the rows are, each is kept once or rejected once, with a reason; `normalise` above checks the sums."""
    shapes, numbers, numbers_, words = zip(*rows, strict=True) if rows else ((), (), (), ())
    index = schema.TABLES[name].index
    columns = {
        index: pd.Series(numbers, dtype="str"),
        "容积率": pd.Series(numbers_, dtype="str"),
        "kind": pd.Series(words, dtype="str"),
    }
    out, rejects, _ = normalise(name, raw(shapes, **columns))
    kept = out["source"].str.rpartition("#")[2].astype(int).tolist() if len(out) else []
    assert sorted(kept + rejects["row"].tolist()) == list(range(1, len(rows) + 1))
    assert rejects["why"].ne("").all()
