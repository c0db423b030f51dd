"""study.toml: what is accepted, and that every fault is named with its key, all at once."""

import os

import pytest

from lifecircle.errors import StudyError
from lifecircle.load import recipe

HEAD = 'name = "T"\ncrs = "EPSG:4547"\nas_of = 2025-12-31\n'


@pytest.fixture
def study(tmp_path):
    """Writes a study.toml beside an empty parcels.csv, and reads it."""

    def write(text, *files):
        for name in ("parcels.csv", *files):
            (tmp_path / name).write_text("宗地编号,x,y\n1,500000,4000000\n", encoding="utf-8")
        (tmp_path / "study.toml").write_text(text, encoding="utf-8")
        return recipe.read(tmp_path)

    return write


def faults(study, text, *files):
    """The faults of a recipe that must have some."""
    with pytest.raises(StudyError) as caught:
        study(text, *files)
    return caught.value.faults


def test_a_recipe_is_read(study):
    """Defaults are filled in, a table and an array of tables both give a list, a bare column name gets no unit."""
    found = study(
        HEAD
        + """
[layers.parcels]
source = "parcels.csv"
crs = "GCJ-02"
columns = { site_area_m2 = { from = "面积", unit = "亩" }, land_use = "地类" }
set = { land_use_edition = "yonghai_2023" }
filter = { "状态" = ["现状", 1] }
[[layers.pipes]]
source = "parcels.csv"
[[layers.pipes]]
source = "parcels.csv"
"""
    )
    assert (found.language, found.standards, found.synthetic) == ("zh", "national_2018", False)
    assert found.system.to_epsg() == 4547
    assert len(found.layers["pipes"]) == 2
    source = found.layers["parcels"][0]
    assert (source.columns["site_area_m2"].raw, source.columns["site_area_m2"].unit) == ("面积", "亩")
    assert source.columns["land_use"].unit is None
    assert source.filter == {"状态": ["现状", "1"]}
    assert source.constants == {"land_use_edition": "yonghai_2023"}


def test_the_file_itself_may_be_named(study, tmp_path):
    """A folder and the file in it are the same study."""
    study(HEAD + '[layers.parcels]\nsource = "parcels.csv"\n')
    assert recipe.read(tmp_path / "study.toml").folder == tmp_path


def test_every_fault_is_listed_at_once(study):
    """Shape, values and files are all at fault, and one error names every key."""
    found = faults(
        study,
        """
nam = "T"
crs = "EPSG:2272"
language = "de"
as_of = "soon"
standards = "national_2081"
[layers.parcels]
source = "parcel.csv"
columns = { far = { form = "容积率" } }
[layers.parcel]
source = "parcels.csv"
""",
    )
    keys = [fault.split(":")[0] for fault in found]
    wanted = {
        "nam",
        "name",
        "crs",
        "language",
        "as_of",
        "standards",
        "layers.parcels.source",
        "layers.parcels.columns.far.form",
    }
    assert wanted | {"layers.parcels.columns.far.from", "layers.parcel"} <= set(keys)
    assert "nam: is not a key of study.toml; did you mean name?" in found
    assert any("did you mean parcels.csv?" in fault for fault in found)
    assert any(fault.startswith("layers.parcel:") and "did you mean parcels?" in fault for fault in found)


@pytest.mark.parametrize(
    ("crs", "said"),
    [
        ("EPSG:3857", r"1/cos\(latitude\)"),
        ("EPSG:4490", "not projected"),
        ("EPSG:2272", "US survey foot"),
        ("EPSG:2363", "no honest transformation"),
        ("GCJ-02", "no survey system"),
        ("nowhere", "not a coordinate system"),
    ],
)
def test_an_unusable_system_is_refused_with_the_reason(study, crs, said):
    """Web Mercator, degrees, feet, an old datum, an offset system and nonsense each get their own sentence."""
    text = f'name = "T"\ncrs = "{crs}"\nas_of = 2025-12-31\n[layers.parcels]\nsource = "parcels.csv"\n'
    with pytest.raises(StudyError, match=said):
        study(text)


@pytest.mark.parametrize(
    ("body", "key", "said"),
    [
        ('crs = "EPSG:2363"', "layers.parcels.crs", "no honest transformation"),
        ('columns = { fra = "容积率" }', "layers.parcels.columns.fra", "did you mean far?"),
        (
            'columns = { site_area_m2 = { from = "面积", unit = "kg" } }',
            "layers.parcels.columns.site_area_m2.unit",
            "cannot be turned into m2",
        ),
        (
            'columns = { name = { from = "名", unit = "m" } }',
            "layers.parcels.columns.name.unit",
            "not counted in a unit",
        ),
        ('set = { land_use_edition = "2022" }', "layers.parcels.set.land_use_edition", "is not one of"),
        ('osm = "streets"', "layers.parcels.osm", "only for OSM files"),
        ('osm = "roads"', "layers.parcels.osm", "is not one of"),
        ('join = { layer = "assets", on = "号" }', "layers.parcels.join.layer", "there is no layer 'assets'"),
        ('encoding = "gbkk"', "layers.parcels.encoding", "is not an encoding"),
        ('sorce = "x"', "layers.parcels.sorce", "did you mean source?"),
        ('xy = ["经度"]', "layers.parcels.xy", ""),
    ],
)
def test_faults_of_a_source_name_their_key(study, body, key, said):
    """Each fault of a source starts with the full path of the key at fault."""
    found = faults(study, HEAD + f'[layers.parcels]\nsource = "parcels.csv"\n{body}\n')
    assert any(fault.startswith(key) and said in fault for fault in found), found


def test_a_register_needs_a_layer_to_join(study):
    """A table that is no layer must say which layer it adds to; its columns are then that layer's."""
    found = faults(study, HEAD + '[layers.tax]\nsource = "parcels.csv"\n[layers.parcels]\nsource = "parcels.csv"\n')
    assert [fault.split(":")[0] for fault in found] == ["layers.tax"]
    good = study(
        HEAD
        + '[layers.parcels]\nsource = "parcels.csv"\n'
        + '[layers.tax]\nsource = "parcels.csv"\njoin = { layer = "parcels", on = "号" }\n'
        + 'columns = { tax_yuan = "税" }\n'
    )
    assert list(good.registers) == ["tax"]


def test_an_unknown_code_in_values_is_named(study):
    """A local word may only stand for a code there is."""
    found = faults(
        study,
        HEAD + '[layers.facilities]\nsource = "parcels.csv"\nvalues = { kind = { "学堂" = "primary_scool" } }\n',
    )
    assert "layers.facilities.values.kind.学堂" in found[0]
    assert "did you mean primary_school?" in found[0]


def test_an_osm_file_needs_its_part(study):
    """An OSM file holds everything; which part is meant must be said."""
    found = faults(study, HEAD + '[layers.streets]\nsource = "town.osm"\n', "town.osm")
    assert found[0].startswith("layers.streets.osm: is missing")


def test_broken_toml_names_the_line(study):
    """A syntax error says where it is."""
    with pytest.raises(StudyError, match="line 2"):
        study('name = "T"\ncrs = = 3\n')


def test_a_missing_study_says_so(tmp_path):
    """A folder without study.toml, and a file that is not there, get one sentence."""
    with pytest.raises(StudyError, match=r"there is no study\.toml here"):
        recipe.read(tmp_path)
    with pytest.raises(StudyError, match="no such file"):
        recipe.read(tmp_path / "other.toml")


def test_a_study_in_gbk_is_told_to_be_utf8(tmp_path):
    """TOML is UTF-8; a file saved by an old editor is refused in words."""
    (tmp_path / "study.toml").write_bytes('name = "县城"'.encode("gbk"))
    with pytest.raises(StudyError, match="UTF-8"):
        recipe.read(tmp_path)


def test_no_layer_is_a_fault(study):
    """A study without layers cannot be run."""
    assert any("layers: no layer is named yet" in fault for fault in faults(study, HEAD))
    assert any("names no layer" in fault for fault in faults(study, HEAD + "[layers]\n"))


def test_twenty_faults_are_listed_in_one_run(study, tmp_path):
    """Faults of shape hide none of the others: not in the same source, nor in the same file."""
    (tmp_path / "raw").mkdir()
    text = """
nam = "T"
name = ""
crs = "EPSG:4490"
standards = "national_2081"
basemap = "tiles"
[layers.parcels]
source = "parcel.csv"
sorce = 1
crs = "EPSG:2363"
encoding = "gbkk"
columns = { far = { form = "容积率" }, fra = "x", site_area_m2 = { from = "面积", unit = "kg" } }
values = { land_use_edition = { "旧" = "old" }, nonsense = { a = "b" } }
set = { land_use_edition = "2022", built_year = -3, in_scope = [1] }
osm = "streets"
xy = ["x"]
[[layers.homes]]
join = { layer = "parcel", on = 3 }
[[layers.homes]]
source = "raw"
columns = { resident = "x" }
set = { residents = "abc" }
[layers.tax]
source = "parcels.csv"
colums = {}
join = { layer = "parcels", on = "号" }
columns = { tax = "税" }
[layers.usge]
source = "nowhere.csv"
[layers.streets]
source = "parcels.tif"
"""
    found = [fault.split(": ")[0] for fault in faults(study, text)]
    wanted = """nam name crs as_of standards basemap layers.parcels.source layers.parcels.sorce layers.parcels.crs
    layers.parcels.encoding layers.parcels.columns.far.form layers.parcels.columns.far.from layers.parcels.columns.fra
    layers.parcels.columns.site_area_m2.unit layers.parcels.values.land_use_edition.旧 layers.parcels.values.nonsense
    layers.parcels.set.land_use_edition layers.parcels.set.built_year layers.parcels.set.in_scope layers.parcels.osm
    layers.parcels.xy layers.homes[1].source layers.homes[1].join.layer layers.homes[1].join.on layers.homes[2].source
    layers.homes[2].columns.resident layers.homes[2].set.residents layers.tax.colums layers.tax.columns.tax layers.usge
    layers.usge.source layers.streets.source"""
    assert sorted(set(found)) == sorted(wanted.split())


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ('layers = "x"', ["layers"]),
        ("[layers]\nparcels = 3", ["layers.parcels"]),
        ('[layers]\nparcels = [3, { source = "parcels.csv" }]', ["layers.parcels[1]"]),
        ('[layers.parcels]\nsource = "parcels.csv"\n[layers.tax]\nsource = "parcels.csv"\njoin = "p"', ["layers.tax.join"]),
        ("[[layers.parcels]]\nlayer = 'x'", ["layers.parcels.source"]),
        ("layers = { parcels = [] }", ["layers.parcels"]),
    ],
)  # fmt: skip
def test_a_fault_of_shape_brings_no_others_with_it(study, body, keys):
    """What stands in for a wrong part while the rest is checked is no fault itself."""
    assert sorted({fault.split(": ")[0] for fault in faults(study, HEAD + body + "\n")}) == keys


def test_sources_that_are_no_files_are_faults(study, tmp_path):
    """A folder, a name too long for the disk, one with a null and a pipe are told with their key."""
    (tmp_path / "raw").mkdir()
    pipe = getattr(os, "mkfifo", None)  # Windows has none
    if pipe is not None:
        pipe(tmp_path / "pipe.csv")
    for name, said in (
        ("raw", "raw is a folder"),
        ("x" * 5000, "cannot be looked up"),
        ("a\\u0000b.csv", "a"),
        ("pipe.csv", "pipe.csv is not an ordinary file" if pipe else "there is no file"),
    ):
        found = faults(study, HEAD + f'[layers.parcels]\nsource = "{name}"\n')
        assert found[0].startswith(f"layers.parcels.source: {'there is no file ' if said == 'a' else ''}"), found
        assert said in found[0]
        assert len(found[0]) < 250


@pytest.mark.parametrize(
    ("layer", "constant", "said"),
    [
        ("homes", 'residents = "abc"', "is not a number"),
        ("homes", "residents = -3", "below 0"),
        ("homes", "residents = nan", "is not a number"),
        ("homes", "residents = inf", "is not a number"),
        ("homes", "residents = true", "is not a number"),
        ("parcels", "invested_share = 1.5", "above 1"),
        ("parcels", "built_year = 98", "below 1000"),
        ("parcels", 'site_area_m2 = "5 kg"', "is not a number in m2"),
        ("parcels", 'in_scope = "maybe"', "true or false"),
        ("parcels", 'approved_date = "2025-02-30"', "is not a date"),
        ("parcels", "approved_date = 2025", "is not a date"),
        ("parcels", "industry = true", "is not text"),
        ("homes", "residents = 5", ""),
        ("homes", 'residents = "1,200人"', ""),
        ("parcels", "built_year = 1998", ""),
        ("parcels", "built_year = 1998-05-01", ""),
        ("parcels", 'built_year = "1998年"', ""),
        ("parcels", 'site_area_m2 = "1.5亩"', ""),
        ("parcels", "in_scope = true", ""),
        ("parcels", 'in_scope = "是"', ""),
        ("parcels", "in_scope = 1", ""),
        ("parcels", "approved_date = 2025-02-03", ""),
        ("parcels", 'approved_date = "2025年2月3日"', ""),
        ("parcels", "industry = 7", ""),
        ("pipes", "invert_up_m = -3.5", ""),
    ],
)
def test_a_constant_must_fit_its_column(study, layer, constant, said):
    """A constant stands in every row, so one of the wrong type or out of range is a fault of the recipe."""
    text = HEAD + f'[layers.{layer}]\nsource = "parcels.csv"\nset = {{ {constant} }}\n'
    if not said:
        assert study(text)
        return
    found = faults(study, text)
    assert len(found) == 1
    assert found[0].startswith(f"layers.{layer}.set.{constant.split()[0]}: ")
    assert said in found[0]


def test_layers_that_wait_for_each_other_are_a_fault(study):
    """homes need parcels and parcels need homes: one fault names both keys; a chain is none."""
    one = '[layers.{}]\nsource = "parcels.csv"\njoin = {{ layer = "{}", on = "号" }}\n'
    found = faults(study, HEAD + one.format("homes", "parcels") + one.format("parcels", "homes"))
    assert len(found) == 1
    assert found[0].startswith("layers.homes.join.layer: homes → parcels → homes is a circle")
    assert "layers.parcels.join.layer" in found[0]
    chain = one.format("homes", "parcels") + one.format("parcels", "areas") + '[layers.areas]\nsource = "parcels.csv"\n'
    assert study(HEAD + chain)


def test_absent_constraints_and_conversions_are_read(study):
    """Kinds of constraint said to be absent, and which conversions are looked for; without the sections nothing is."""
    layers = '[layers.parcels]\nsource = "parcels.csv"\n'
    plain = study(HEAD + layers)
    assert (plain.constraints.none, plain.reuse.sites, plain.reuse.budget_yuan, plain.reuse.conditional) == (
        (),
        (),
        None,
        False,
    )
    told = study(
        HEAD
        + '[constraints]\nnone = ["heritage"]\n[reuse]\nsites = 4\nbudget_yuan = 2_000_000\nconditional = true\n'
        + "capacity = { nursery = 60 }\n"
        + layers
    )
    assert told.constraints.none == ("heritage",)
    assert study(HEAD + '[constraints]\nnone = "heritage"\n' + layers).constraints.none == ("heritage",)
    assert told.reuse.model_dump() == {
        "conditional": True,
        "sites": (4,),
        "budget_yuan": 2_000_000.0,
        "capacity": {"nursery": 60.0},
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('[constraints]\nnone = ["heritge"]', "constraints.none: 'heritge' is not one of farmland, ecology, heritage or hazard"),
        ("[constraints]\nnone = 3", "constraints.none: 3 is not one of farmland, ecology, heritage or hazard"),
        ('[constraints]\nnon = ["heritage"]', "constraints.non: is not a key of study.toml; did you mean none?"),
        ("[reuse]\nbudget = 5", "reuse.budget: is not a key of study.toml; did you mean budget_yuan?"),
        ("[reuse]\nbudget_yuan = 0", "reuse.budget_yuan: input should be greater than 0"),
        ("[reuse]\nbudget_yuan = -1", "reuse.budget_yuan: input should be greater than 0"),
        ("[reuse]\nbudget_yuan = inf", "reuse.budget_yuan: input should be a finite number"),
        ('[reuse]\nbudget_yuan = "两千万"', "reuse.budget_yuan: '两千万' is not a number"),
        ("[reuse]\nsites = 0", "reuse.sites: input should be greater than or equal to 1"),
        ("[reuse]\nsites = [3, 2.5]", "reuse.sites[2]: 2.5 is not a whole number"),
        ("[reuse]\nsites = true", "reuse.sites: True is not a whole number"),
        ("[reuse]\nconditional = 1", "reuse.conditional: 1 is not true or false"),
        ("[reuse]\ncapacity = { nursry = 60 }", "reuse.capacity.nursry: is not a use an asset is judged for; did you mean nursery?"),
        ("[reuse]\ncapacity = { nursery = 0 }", "reuse.capacity.nursery: input should be greater than 0"),
        ("[reuse]\ncapacity = { nursery = -60 }", "reuse.capacity.nursery: input should be greater than 0"),
    ],
)  # fmt: skip
def test_faults_of_constraints_and_conversions_are_said(study, body, said):
    """A word that is no constraint, a budget or capacity of nought or below, a number of sites that is none: one sentence each."""
    assert faults(study, HEAD + body + '\n[layers.parcels]\nsource = "parcels.csv"\n') == [said]


SHEET = (
    HEAD
    + """
[sheet]
organisation = "县自然资源局"
date = 2026-03-01
marking = "public"
paper = "A4"
font = "own.otf"
[layers.parcels]
source = "parcels.csv"
"""
)


def test_what_sheets_say_is_read(study, tmp_path):
    """The keys of [sheet] are read, the rest has defaults: internal, A3, 150 dots an inch."""
    found = study(SHEET, "own.otf")
    assert (found.sheet.organisation, found.sheet.dated.isoformat()) == ("县自然资源局", "2026-03-01")
    assert (found.sheet.marking, found.sheet.paper, found.sheet.dpi) == ("public", "A4", 150)
    assert found.sheet_font == tmp_path / "own.otf"
    plain = study(HEAD + '[layers.parcels]\nsource = "parcels.csv"\n')
    assert (plain.sheet.marking, plain.sheet.paper, plain.sheet_font) == ("internal", "A3", None)


@pytest.mark.parametrize(
    ("was", "now", "key", "why"),
    [
        ('marking = "public"', 'marking = "secret"', "sheet.marking", "not one of internal or public"),
        ('paper = "A4"', 'paper = "A0"', "sheet.paper", "not one of A3 or A4"),
        ("date = 2026-03-01", 'date = "soon"', "sheet.date", "not a date"),
        ('paper = "A4"', "dpi = 9000", "sheet.dpi", "600"),
        ('paper = "A4"', 'maker = "x"', "sheet.maker", "is not a key"),
        ('font = "own.otf"', 'font = "none.otf"', "sheet.font", "no file none.otf"),
    ],
)
def test_what_sheets_cannot_say_is_refused(study, was, now, key, why):
    """A key, marking, paper, date, resolution or font that cannot be is named with its key."""
    said = faults(study, SHEET.replace(was, now), "own.otf")
    assert len(said) == 1
    assert said[0].startswith(f"{key}:")
    assert why in said[0]


LAYER = '[layers.parcels]\nsource = "parcels.csv"\ncrs = "EPSG:4547"\nxy = ["x", "y"]\n'


@pytest.mark.parametrize(
    ("said", "ground"),
    [
        ("osm", "osm"),
        ("tianditu_image", "tianditu_image"),
        ("https://e.org/{z}/{x}/{y}.png", "https://e.org/{z}/{x}/{y}.png"),
        ("gcj02:https://e.org/{z}/{x}/{y}.png", "gcj02:https://e.org/{z}/{x}/{y}.png"),
        ("town.mbtiles", "{folder}town.mbtiles"),
        ("GCJ-02:town.pmtiles", "GCJ-02:{folder}town.pmtiles"),
    ],
)
def test_basemaps_a_recipe_can_name(study, tmp_path, said, ground):
    """Names, addresses and files of tiles are taken, a file with the folder of the recipe; maps may be in both languages."""
    files = ("town.mbtiles", "town.pmtiles")
    found = study(f'{HEAD}basemap = "{said}"\nmaps_language = "both"\n{LAYER}', *files)
    assert found.ground == ground.replace("{folder}", f"{tmp_path}{os.sep}")
    assert found.maps_language == "both"


@pytest.mark.parametrize(
    "said", ["tiles", "none.mbtiles", "https://e.org/tiles.png", "bd09:https://e.org/{z}/{x}/{y}.png"]
)
def test_what_is_no_basemap_is_refused(study, said):
    """A word nobody knows, a file that is not there, an address without places and BD-09 are refused with their key."""
    (fault,) = faults(study, f'{HEAD}basemap = "{said}"\n{LAYER}')
    assert fault.startswith("basemap: ")
