"""The small reader: tables, parameters, words and aliases, what is refused, and a city's own edition."""

import subprocess
import sys
import time

import pandas as pd
import pytest

from lifecircle import schema, standards
from lifecircle.errors import LifecircleError

HEAVY = ["folium", "matplotlib", "osmnx", "numba", "pandera", "pydantic", "openpyxl", "osmium", "rasterio", "geopandas"]


def test_read_gives_a_copy():
    """Writing into what `read` returns changes nothing for the next caller."""
    first = standards.read("kinds")
    first.loc[:, "code"] = "changed"
    assert "changed" not in set(standards.read("kinds")["code"])


def test_types_are_text_and_numbers():
    """Text columns are str without missing values, numbers are float64."""
    for name in standards.tables()["name"]:
        table = standards.read(name)
        numbers = table.select_dtypes("float64")
        text = table.drop(columns=numbers.columns)
        assert all(dtype == "str" for dtype in text.dtypes), name
        assert not text.isna().any(axis=None)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: standards.read("facilitys"), "'facilitys'; did you mean 'facilities'?"),
        (lambda: standards.read("../kinds"), "no reference table '../kinds'"),
        (lambda: standards.parameter("mu_m3"), "'mu_m3'; did you mean 'mu_m2'?"),
        (lambda: standards.words("pipes.materiel"), "did you mean 'pipes.material'?"),
        (lambda: standards.aliases("parcel"), "did you mean 'parcels'?"),
        (lambda: standards.tier_kinds("embedded_2024"), "use national_2018"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(call, said):
    """An unknown name is one error, ours and a KeyError at once, that reads as a sentence and names the nearest."""
    with pytest.raises(standards.StandardsError) as caught:
        call()
    assert isinstance(caught.value, LifecircleError)
    assert isinstance(caught.value, KeyError)
    assert said in str(caught.value)


def test_a_local_edition_is_used(tmp_path):
    """A folder's CSV of the same name replaces the shipped table, a BOM does not matter, and the rest stays shipped."""
    local = standards.read("parameters")
    local.loc[local["code"] == "walk_speed_adult_m_s", "value"] = 0.9
    local.to_csv(tmp_path / "parameters.csv", index=False, encoding="utf-8-sig")
    assert standards.parameter("walk_speed_adult_m_s", folder=tmp_path) == 0.9
    assert standards.parameter("walk_speed_adult_m_s") == 1.0
    assert standards.read("kinds", folder=tmp_path).equals(standards.read("kinds"))


def test_a_local_edition_can_set_the_tiers(tmp_path):
    """A local profile with its own radius is found by `tier_kinds`."""
    rows = standards.read("facilities")
    local = rows[(rows["code"] == "kindergarten") & rows["quantity"].isin(["provision", "radius_m"])].copy()
    local["profile"] = "our_town"
    local.loc[local["quantity"] == "radius_m", "value"] = 350.0
    local.to_csv(tmp_path / "facilities.csv", index=False, encoding="utf-8")
    kinds = standards.tier_kinds("our_town", folder=tmp_path)
    assert kinds[["kind", "tier", "required", "radius_m"]].to_numpy().tolist() == [["kindergarten", 5, True, 350.0]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code,value\nmu_m2,600\n", "lacks the column name_zh"),
        ("code,name_zh,value\nmu_m2,亩,about 667\n", "cannot be read"),
    ],
)
def test_a_broken_local_edition_is_refused(tmp_path, text, said):
    """A local file without a column or with a word for a number is refused by name."""
    (tmp_path / "parameters.csv").write_text(text, encoding="utf-8")
    with pytest.raises(standards.StandardsError, match=r"parameters\.csv") as caught:
        standards.read("parameters", folder=tmp_path)
    assert said in str(caught.value)


def test_a_local_edition_not_in_utf8_is_refused(tmp_path):
    """A local file in GBK is refused by name rather than read wrongly."""
    (tmp_path / "kinds.csv").write_bytes("code,名称\n初中,初中\n".encode("gbk"))
    with pytest.raises(standards.StandardsError, match=r"kinds\.csv"):
        standards.read("kinds", folder=tmp_path)


def test_reading_is_fast():
    """No table takes 50 ms to parse, best of five."""
    for name in standards.tables()["name"]:
        taken = []
        for _ in range(5):
            standards._shipped.cache_clear()
            start = time.perf_counter()
            standards.read(name)
            taken.append(time.perf_counter() - start)
        assert min(taken) < 0.05, name


def test_import_is_light():
    """Importing the reader pulls in neither maps nor geometry nor validation."""
    code = f"import sys, lifecircle.errors; before = set(sys.modules); import lifecircle.standards; \
print([m for m in {HEAVY} if m in set(sys.modules) - before])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    assert out.stdout.strip() == "[]"


def test_normal_folds_what_files_differ_in():
    """Full width, case, spaces inside, a BOM and squared signs fold; missing stays missing; the index is kept."""
    raw = pd.Series(["ＰＥ　管", "\ufeff地块 编号 ", "Floor Area", "km²", None], index=list("abcde"))
    folded = standards.normal(raw)
    assert folded.tolist()[:4] == ["pe管", "地块编号", "floorarea", "km2"]
    assert folded.isna().tolist() == [False] * 4 + [True]
    assert folded.index.tolist() == list("abcde")


# ------------------------------------------------------------------------------------------------ spot values


def test_tier_kinds_of_the_national_standard():
    """15 minutes: lower secondary school required within 1000 m; 5 minutes: kindergarten 300 m, nursery optional."""
    kinds = standards.tier_kinds("national_2018").set_index(["tier", "kind"])
    assert kinds.index.is_unique
    assert set(kinds.index.get_level_values("tier")) == {5, 10, 15}
    school = kinds.loc[(15, "middle_school")]
    assert (school["required"], school["radius_m"], school["radius_mark"]) == (True, 1000.0, "M:H")
    assert kinds.loc[(5, "kindergarten"), "radius_m"] == 300.0
    assert kinds.loc[(10, "primary_school"), "radius_m"] == 500.0
    assert kinds.loc[(5, "culture_station"), "radius_m"] == 500.0
    assert not kinds.loc[(5, "nursery"), "required"]
    assert not kinds.loc[(5, "bus_stop"), "required"]
    assert kinds.loc[(15, "bus_stop"), "required"]
    assert kinds.loc[(10, "bus_stop"), "required"]
    # a radius left to trade standards, or of collection rather than walking, is none
    assert kinds.loc[[(15, "fire_station"), (5, "refuse_collection_station")], "radius_m"].isna().all()
    assert not kinds.loc[kinds["radius_m"].isna(), "radius_binding"].any()
    # ● lines counted in the two tables: 10 of 15 minutes only, 3 of 10 only, 7 kinds of 15/10, 10 of 5 minutes
    assert kinds.groupby("tier")["required"].sum().to_dict() == {5: 10, 10: 3 + 7, 15: 10 + 7}


@pytest.mark.parametrize(
    ("table", "code", "quantity", "expected"),
    [
        ("pipes", "gas_steel", "age_year", [("steel", 20.0, "F:K26")]),
        ("pipes", "water_other", "age_year", [("other pipes", 30.0, "F:K26")]),
        ("pipes", "drain_other", "age_year", [("other pipes", 50.0, "M:H")]),
        ("pipes", "heat_other", "age_year", [("any", 20.0, "M:H")]),
        ("pipes", "cover_water", "cover_m", [("non_motor_lane", 0.6, "M:H"), ("carriageway", 0.7, "M:H")]),
        ("pipes", "cover_power_direct", "cover_m", [("non_motor_lane", 0.7, "M:M"), ("carriageway", 1.0, "M:M")]),
        ("land", "L3", "tax_share_of_industry_mean", [("industrial", 0.4, "F:K12")]),
        ("land", "L4_high", "tax_wan_yuan_per_mu", [("industrial", 3.0, "M:L")]),
    ],
)
def test_spot_values(table, code, quantity, expected):
    """Values read off the text by hand, with what they apply to and their mark."""
    rows = standards.read(table)
    rows = rows[(rows["code"] == code) & (rows["quantity"] == quantity)]
    applies = "applies" if table == "pipes" else "applies_to"
    assert list(rows[[applies, "value", "mark"]].itertuples(index=False, name=None)) == expected


def test_parks_have_both_definitions():
    """C01: 500 m from 5000 m², 300 m from 400; C01b: 500 m from 5000 m², 300 m from 2000."""
    parks = standards.read("parks").query("quantity == 'radius_m'")
    rows = [tuple(row) for row in parks[["code", "area_from_m2", "value", "mark"]].to_numpy().tolist()]
    assert rows == [
        ("C01", 5000.0, 500.0, "M:H"),
        ("C01", 400.0, 300.0, "M:H"),
        ("C01b", 5000.0, 500.0, "F:K23"),
        ("C01b", 2000.0, 300.0, "F:K23"),
    ]


def test_parameters():
    """15 亩 make a hectare, a hectare 10 000 m², an adult walks 1 m/s, and the tiers are 5, 10 and 15 minutes."""
    assert 15 * standards.parameter("mu_m2") == pytest.approx(standards.parameter("ha_m2"), rel=1e-15)
    assert standards.parameter("ha_m2") == 10_000
    assert standards.parameter("walk_speed_adult_m_s") == 1.0
    assert [standards.parameter(f"walk_minutes_{t}") for t in schema.TIERS] == list(schema.TIERS)
    ours = standards.read("parameters").query("source == 'design'")
    assert set(ours["mark"]) == {"D"}


def test_epsg_codes():
    """Zone, meridian and false easting of every Gauss-Kruger code are those of the EPSG database, and so is its datum."""
    from pyproj import CRS

    table = standards.read("crs").astype({"code": int}).set_index("code")
    assert {*range(4513, 4555), *range(4491, 4513), 4479, 4480, 4490} <= set(table.index)
    datums = {
        "CGCS2000": "China Geodetic Coordinate System 2000",
        "Xian 1980": "Xian 1980",
        "Beijing 1954": "Beijing 1954",
    }
    for code, row in table.iterrows():
        crs = CRS.from_epsg(code)
        assert row["name_en"].split(" / ")[-1].split(" ")[-1] in crs.name or row["belt_deg"] != row["belt_deg"]
        assert crs.geodetic_crs.name.startswith((datums.get(row["datum"], "WGS 84"), "CGCS2000", "New Beijing")), code
        if row["belt_deg"] == row["belt_deg"]:
            params = {p.name: p.value for p in crs.coordinate_operation.params}
            assert params["Longitude of natural origin"] == row["central_meridian_deg"], code
            assert params["False easting"] == row["false_easting_m"], code
            assert params["Scale factor at natural origin"] == (1.0 if code != 32649 else 0.9996)


def test_epsg_formulas():
    """The step rules of F.1 give the codes: 4513 + zone − 25, 4534 + (CM − 75)/3, 4491 + zone − 13, 4502 + (CM − 75)/6."""
    table = standards.read("crs").query("datum == 'CGCS2000' and belt_deg > 0")
    code = table["code"].astype(int)
    three, prefix = table["belt_deg"].eq(3), table["prefix"].eq("yes")
    zone, meridian = table["zone"], table["central_meridian_deg"]
    by_zone = (4513 + zone - 25).where(three, 4491 + zone - 13)
    by_meridian = (4534 + (meridian - 75) / 3).where(three, 4502 + (meridian - 75) / 6)
    assert by_zone.where(prefix, by_meridian).eq(code).all()
    assert (3 * zone).where(three, 6 * zone - 3).eq(meridian).all()
    assert (table["lon_from_deg"] + table["lon_to_deg"]).eq(2 * meridian).all()


def test_the_test_point():
    """113.7 °E 37.6 °N falls on the eastings and northings of the text in zones 38, CM 114 and zone 19, within 0.1 m."""
    from pyproj import Transformer

    rows = standards.read("crs_rules")
    rows = rows[rows["code"].str.startswith("test_")]
    for code, group in rows.groupby("code"):
        x, y = Transformer.from_crs(4490, int(code.removeprefix("test_")), always_xy=True).transform(113.7, 37.6)
        said = dict(zip(group["quantity"], group["value"], strict=True))
        assert said["easting_m"] == pytest.approx(x, abs=0.1)
        assert said.get("northing_m", y) == pytest.approx(y, abs=0.1)


# ----------------------------------------------------------------------------------------- words and aliases


@pytest.mark.parametrize("domain", sorted(standards.read("words")["domain"].unique()))
def test_words_are_unambiguous(domain):
    """Within a list, a word means one code, whatever its width, case or spaces."""
    rows = standards.read("words").query("domain == @domain")
    assert standards.normal(rows["word"]).is_unique
    assert rows[["word", "code"]].ne("").all(axis=None)


def test_word_lists_cover_the_codes_the_schema_allows():
    """Each list under a column with fixed codes gives only those codes, and all of them."""
    for table, spec in schema.TABLES.items():
        for column, kind in spec.columns.items():
            if not kind.allowed or column == "of_table":
                continue
            codes = set(standards.words(f"{table}.{column}").values())
            assert codes == set(kind.allowed), (table, column)
    assert set(standards.words("boolean").values()) == {"yes", "no"}
    of_tables = {t for spec in schema.TABLES.values() for t in getattr(spec.columns.get("of_table"), "allowed", ())}
    assert set(standards.words("of_table").values()) == of_tables


def test_plain_cast_iron_is_unknown():
    """铸铁 and cast iron without 灰口 or 球墨 are unknown, never grey; with the word they are known."""
    words = standards.words("pipes.material")
    assert words["铸铁"] == words["铸铁管"] == words["castiron"] == words["ci"] == "unknown"
    assert words["灰口铸铁"] == words["灰铁"] == "grey_iron"
    assert words["球墨"] == words["球墨铸铁"] == words["fd"] == "ductile_iron"
    grey = {word for word, code in words.items() if code == "grey_iron"}
    assert all("灰" in word or "grey" in word or "gray" in word or "gris" in word for word in grey)


@pytest.mark.parametrize(
    ("domain", "word", "code"),
    [
        ("facilities.kind", "amenity=kindergarten", "kindergarten"),
        ("facilities.kind", "社区卫生服务站", "health_station"),
        ("facilities.kind", "社区卫生服务中心", "health_centre"),
        ("facilities.kind", "菜市场", "food_market"),
        ("facilities.kind", "学校", "school"),
        ("facilities.kind", "amenity=school", "school"),
        ("facilities.kind", "公厕", "public_toilet"),
        ("pipes.material", "砼", "concrete"),
        ("pipes.material", "钢筋砼", "reinforced_concrete"),
        ("pipes.material", "水泥", "cement"),
        ("pipes.material", "石棉", "asbestos"),
        ("pipes.material", "fc", "asbestos"),
        ("pipes.material", "pe-hd", "hdpe"),
        ("pipes.network", "供水", "water"),
        ("pipe_nodes.network", "雨水", "storm"),
        ("buildings.danger_class", "c级", "C"),
        ("assets.danger_class", "丙级", "C"),
        ("parcels.land_use_edition", "三调", "sandiao_2019"),
        ("gates.state", "封闭", "closed"),
        ("boolean", "是", "yes"),
        ("boolean", "无", "no"),
    ],
)
def test_words_of_the_field(domain, word, code):
    """Words as registers and OpenStreetMap write them give their codes."""
    assert standards.words(domain)[word] == code


def test_unknown_facility_words_stay_unknown():
    """A word that says no kind is in no list, so that it goes to the rejects with the word kept."""
    words = standards.words("facilities.kind")
    assert not {"其他", "设施", "未知", "amenity=bench", "amenity=waste_basket"} & set(words)


@pytest.mark.parametrize("table", list(schema.TABLES))
def test_every_column_has_aliases(table):
    """Each canonical column and index has a Chinese and an English alias, and its own name is one."""
    aliases = standards.aliases(table)
    columns = [schema.TABLES[table].index, *schema.TABLES[table].columns]
    assert set(aliases["column"]) == set(columns)
    for column in columns:
        rows = aliases[aliases["column"] == column]
        assert {"zh", "en"} <= set(rows["language"]), column
        assert column in set(rows["alias"])


@pytest.mark.parametrize("table", [*schema.TABLES, "population"])
def test_aliases_are_unambiguous(table):
    """Within a table, an alias names one column, whatever its width, case or spaces, and factors are positive."""
    aliases = standards.aliases(table)
    assert standards.normal(aliases["alias"]).is_unique
    assert (aliases["factor"] > 0).all()
    assert aliases.loc[aliases["factor"] != 1.0, "unit"].ne("").all()
    stored = standards.read("aliases").query("table == @table")
    assert len(stored) == len(aliases)


@pytest.mark.parametrize(
    ("table", "alias", "column", "factor"),
    [
        ("parcels", "面积_亩", "site_area_m2", 2000 / 3),
        ("parcels", "占地面积(亩)", "site_area_m2", 2000 / 3),
        ("parcels", "税收(万元)", "tax_yuan", 10_000.0),
        ("parcels", "地块编号", "parcel_id", 1.0),
        ("parcels", "DLBM", "land_use", 1.0),
        ("parcels", "TBMJ", "site_area_m2", 1.0),
        ("parcels", "開工日期", "started_date", 1.0),
        ("buildings", "建成年份", "built_year", 1.0),
        ("buildings", "层数", "floors", 1.0),
        ("buildings", "building:levels", "floors", 1.0),
        ("pipes", "管材", "material", 1.0),
        ("pipes", "管径", "diameter_mm", 1.0),
        ("pipes", "管径(m)", "diameter_mm", 1000.0),
        ("homes", "户数", "dwellings", 1.0),
        ("population", "population", "residents", 1.0),
        ("streets", "highway", "class", 1.0),
    ],
)
def test_aliases_of_the_field(table, alias, column, factor):
    """Column names as teams deliver them name their column, with the factor to its unit."""
    row = standards.aliases(table).set_index("alias").loc[alias]
    assert row["column"] == column
    assert row["factor"] == pytest.approx(factor, rel=1e-12)


def test_an_alias_that_a_dbf_would_cut_is_not_misread():
    """diameter_mm cut to ten bytes reads diameter_m; it is no alias, since millimetres and metres cannot be told apart."""
    assert "diameter_m" not in set(standards.aliases("pipes")["alias"])


def test_a_table_named_star_serves_every_table(tmp_path):
    """A local alias under * is found for any table, and a table's own alias comes first."""
    shipped = standards.read("aliases")
    more = pd.DataFrame(
        [["*", "name", "俗名", "zh", "", 1.0], ["*", "name", "层数", "zh", "", 1.0]], columns=shipped.columns
    )
    pd.concat([shipped, more]).to_csv(tmp_path / "aliases.csv", index=False, encoding="utf-8")
    buildings = standards.aliases("buildings", folder=tmp_path).set_index("alias")["column"]
    assert buildings["俗名"] == "name"
    assert buildings["层数"] == "floors"


def test_street_classes_cover_the_words():
    """Every street class that a word gives says whether it is walked, and motorways are not."""
    classes = standards.read("street_classes").set_index("code")["walkable"]
    assert set(standards.words("streets.class").values()) == set(classes.index)
    assert set(classes) == {"yes", "no"}
    assert classes["motorway"] == "no"
    assert classes["footway"] == "yes"


def test_units_are_those_of_the_ground():
    """15 亩 and 10 000 m² are a hectare, 10 mm a centimetre, and a word is one unit."""
    units = standards.read("units")
    assert standards.normal(units["word"]).is_unique
    factor = units.set_index("word")["factor"]
    assert 15 * factor["亩"] == pytest.approx(factor["公顷"], rel=1e-15)
    assert factor["cm"] == pytest.approx(10 * factor["mm"], rel=1e-15)
    assert factor["万元"] == 10_000
