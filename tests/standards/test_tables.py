"""The reference tables as they stand: every row complete, every source known, every section of the text covered.

The counts were made by hand from the compiled standards text, section by section, before any table was read; how is said
in the docstring of each test.
"""

import csv
from importlib.resources import files

import pytest

from lifecircle import standards

FOLDER = files("lifecircle.standards")
NAMES = sorted(entry.name.removesuffix(".csv") for entry in FOLDER.iterdir() if entry.name.endswith(".csv"))
MARKED = [name for name in NAMES if "mark" in standards.read(name).columns]
# what the analysis reads, drawn from the rest
APPLIED = [
    "land_editions",
    "land_industries",
    "land_rules",
    "park_classes",
    "pipe_age_classes",
    "pipe_rules",
    "reuse_rules",
]
RECORDED = [name for name in MARKED if name not in APPLIED]
VALUED = [name for name in RECORDED if "value" in standards.read(name).columns]
SOURCED = [name for name in NAMES if "source" in standards.read(name).columns]
STATUSES = {"强制", "推荐", "政策", "地方", "惯例"}
EXTRA_KEYS = ("tier", "network", "applies", "kind", "asset_kind", "area_from_m2", "edition", "rule")


def _codes(table, section, *, start=""):
    rows = standards.read(table)
    rows = rows[(rows["section"] == section) & rows["code"].str.startswith(start)]
    return set(rows["code"])


@pytest.mark.parametrize("name", NAMES)
def test_files_are_plain_utf8_csv(name):
    """Each file is UTF-8 without BOM, ends its lines with LF, has one header and rows of its width, and no address."""
    raw = FOLDER.joinpath(f"{name}.csv").read_bytes()
    text = raw.decode("utf-8")
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw
    assert text.endswith("\n")
    assert "://" not in text
    assert "www." not in text
    header, *rows = list(csv.reader(text.splitlines()))
    assert len(set(header)) == len(header)
    assert all(header)
    assert rows
    assert {len(row) for row in rows} == {len(header)}
    assert not any(cell != cell.strip() for row in rows for cell in row)


def test_tables_lists_every_file():
    """The list of tables names each CSV file once, with both titles and the rows a plain CSV reader counts."""
    listed = standards.tables()
    assert sorted(listed["name"]) == NAMES
    assert listed[["title_zh", "title_en"]].ne("").all(axis=None)
    for name, rows in zip(listed["name"], listed["rows"], strict=True):
        text = FOLDER.joinpath(f"{name}.csv").read_text(encoding="utf-8")
        assert rows == len(list(csv.reader(text.splitlines()))) - 1


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_rows_are_complete(name):
    """Every row has code, both names, status and source, and every row that is not our own choice its section."""
    rows = standards.read(name)
    for column in ("code", "name_zh", "name_en", "status", "source"):
        assert rows[column].ne("").all(), column
    assert set(rows["status"]) <= STATUSES
    assert rows.loc[rows["mark"] != "D", "section"].str.fullmatch(r"0\.2|[A-F]\.[1-6]").all()


@pytest.mark.parametrize("name", MARKED)
def test_marks_are_those_of_the_text(name):
    """A mark is F, F:K1 to F:K44, V, M:H, M:M, M:L, or D for a choice of our own."""
    marks = standards.read(name)["mark"]
    assert marks.str.fullmatch(r"F|F:K([1-9]|[1-3]\d|4[0-4])|V|M:[HML]|D").all()


@pytest.mark.parametrize("name", VALUED)
def test_values_have_quantity_operator_and_unit(name):
    """A value is a number or a text, never both or neither, and says what is measured, how it compares and in what unit."""
    rows = standards.read(name)
    for column in ("quantity", "operator", "unit", "profile"):
        assert rows[column].ne("").all(), column
    assert set(rows["operator"]) <= {"<", "<=", "=", ">=", ">", "in", "not in"}
    assert (rows["value"].notna() ^ rows["value_text"].ne("")).all()
    assert set(rows["profile"]) <= set(standards.read("profiles")["code"])


@pytest.mark.parametrize("name", VALUED)
def test_a_rule_is_said_once(name):
    """Code, profile, quantity, operator and what the rule applies to name one row; only lists of words repeat them."""
    rows = standards.read(name)
    key = ["code", "profile", "section", "quantity", "operator", *(c for c in EXTRA_KEYS if c in rows)]
    assert not rows.duplicated([*key, "value_text"]).any()
    assert not rows[rows["value"].notna()].duplicated(key).any()


@pytest.mark.parametrize("name", SOURCED)
def test_sources_resolve(name):
    """Every source key has a title in the table of sources, and every K of a mark is a copy listed there."""
    sources = standards.read("sources")
    assert sources["key"].is_unique
    assert sources["title"].ne("").all()
    known = set(sources["key"])
    rows = standards.read(name)
    assert set(rows["source"]) - {""} <= known
    if "mark" in rows:
        assert set(rows["mark"].str.extract(r"F:(K\d+)")[0].dropna()) <= known


def test_the_marks_table_agrees_with_the_reader():
    """What the table of marks says binds is what `binding` says, and it covers every mark in use."""
    marks = standards.read("marks")
    assert standards.binding(marks["code"]).tolist() == marks["binds"].eq("yes").tolist()
    used = {mark.split(":K")[0] for name in MARKED for mark in standards.read(name)["mark"]}
    assert used <= set(marks["code"])


@pytest.mark.parametrize("name", MARKED)
def test_medium_and_low_confidence_never_bind(name):
    """No row marked M:M, M:L or D may pass or fail anything, and every F, V and M:H row may."""
    marks = standards.read(name)["mark"]
    binds = standards.binding(marks)
    assert not binds[marks.isin(["M:M", "M:L", "D"])].any()
    assert binds[~marks.isin(["M:M", "M:L", "D"])].all()


def test_a1_tiers():
    """A.1: four tiers with three ranges each, walking distance for three of them, and three tiers of the county form."""
    rows = standards.read("tiers")
    national = rows[(rows["section"] == "A.1") & (rows["profile"] == "national_2018")]
    for quantity in ("population", "dwellings", "land_ha"):
        assert (national["quantity"] == quantity).sum() == 4 * 2
    assert (national["quantity"] == "walk_distance_m").sum() == 4
    assert set(rows.loc[rows["profile"] == "county_3tier", "code"]) == {"15", "10", "5"}


def test_a3_facilities():
    """A.3: 22 lines of 15/10 minutes name 29 kinds (4 and 5 in two shared lines), 14 lines of 5 minutes 16, 8 of blocks."""
    rows = standards.read("facilities")
    provision = rows[rows["quantity"] == "provision"]
    by_tier = {tier: set(group["code"]) for tier, group in provision.groupby("tier")}
    assert len(by_tier["15"] | by_tier["10"]) == 22 - 2 + 4 + 5
    assert len(by_tier["5"]) == 14 - 1 + 3
    assert len(by_tier["block"]) == 8
    shared = {"mall", "gym", "catering", "bank", "telecom_office", "post_office", "switching_station", "bus_stop"}
    shared |= {
        "rail_station",
        "gas_repair",
        "telecom_room",
        "heating_station",
        "refuse_transfer_station",
        "fire_station",
    }
    assert by_tier["15"] & by_tier["10"] == shared
    tiers = standards.read("tiers")
    green = tiers[tiers["note"].str.startswith("table 4.0.4")]
    assert len(green) == 3 * 3 + 3
    assert standards.binding(green["mark"]).all()
    assert tiers["note"].str.startswith("table 5.0.3").sum() == 4 * 2 * 2


def test_a3_marks():
    """A.3: radii and floor-area minima are M:H, upper ends of floor areas and all site areas M:M, as the table mark says."""
    rows = standards.read("facilities")
    assert set(rows.loc[rows["quantity"] == "radius_m", "mark"]) == {"M:H"}
    floor = rows[rows["quantity"].str.fullmatch(r"floor_area(_second_option)?_m2") & rows["value"].notna()]
    assert set(floor.loc[floor["operator"] == ">=", "mark"]) == {"M:H"}
    assert set(floor.loc[floor["operator"] == "<=", "mark"]) == {"M:M"}
    assert set(rows.loc[rows["quantity"].str.startswith("site_area"), "mark"]) == {"M:M"}


def test_a4_to_a6_communities():
    """A.4 has 17 lines (11–12, 16–17 and 18–20 share one), A.5 five, of which one speaks of cities, A.6 seven."""
    a4 = _codes("community", "A.4", start="item_") | _codes("community", "A.4", start="service_floor")
    assert len(a4) == 17
    assert len(_codes("community", "A.5")) == 5
    kinds = standards.read("community").query("section == 'A.6'")["code"].str.replace(r"_\d+k_\d+k$", "", regex=True)
    assert kinds.nunique() == 7


def test_b2_to_b5_land():
    """B.2: 7 lines, a formula and two terms; B.3: 8 + 5 + 2 + 10 + 4 lines; B.4: 11 indicators; B.5: rules L1 to L11."""
    assert len(_codes("land", "B.2")) == 7 + 2 + 1 + 2  # 'started then stopped' is three rows
    sets = {start: _codes("land", "B.3", start=start) for start in ("J", "T", "entry_far_", "muj_", "set5_")}
    lines = {code.split("_")[0] for code in sets["J"]} - {"J"}
    assert lines == {f"J{n}" for n in range(1, 9)}
    assert len(sets["T"] - {"T_count"}) == 5
    assert len(sets["entry_far_"]) == 4 + 4 + 2
    assert len(sets["muj_"]) == 4 + 2 + 3 + 4 + 2 + 2 + 2 + 1 + 4
    assert len(sets["set5_"]) == 4
    assert len(_codes("intensity", "B.4")) == 11
    land = standards.read("land")
    default = land[(land["section"] == "B.5") & land["rule"].ne("")]
    assert set(default["rule"]) == {f"L{n}" for n in range(1, 12)}
    assert set(default["profile"]) == {"default"}


def test_c2_to_c4_checkup():
    """C.2: C01 to C37 and C01b, C11b, C16b; C.3: five classes and six found limits; C.4: seven lines."""
    expected = {f"C{n:02d}" for n in range(1, 38)} | {"C01b", "C11b", "C16b"}
    rows = standards.read("checkup")
    assert set(rows["code"]) == expected
    assert len(expected) == 40
    assert set(rows.loc[rows["quantity"] == "formula", "code"]) == expected
    shelters = standards.read("shelters")
    classes = {"emergency", "temporary", "short_term", "medium_term", "long_term"}
    assert set(shelters.loc[shelters["quantity"] == "area_m2_per_person", "code"]) == classes
    assert (shelters["mark"] == "F:K29").sum() == 2 + 1 + 1 + 2
    assert len(_codes("county_town", "C.4")) == 7


def test_d_pipes():
    """D.1: 6 lines; D.2: 11 lines and 7 screens; D.3: 19 covers, 9 lines of clearances; D.4: 9 lines; D.5: 18 fields."""
    pipes = standards.read("pipes")
    d1 = pipes[pipes["section"] == "D.1"]
    assert set(d1["network"]) == {"gas", "water", "sewage;storm;combined", "heat", ""}
    lines = pipes[pipes["section"] == "D.2"]["code"].str.replace(r"^slope_\d+$", "slope", regex=True)
    screens = lines[lines.str.startswith("screen_")]
    merged = {"sewer_min_slope_2006": "sewer_min_diameter_2006", "gully_pipe": "min_slope_300"}
    merged |= {"velocity_storm": "velocity_sewage", "velocity_ditch": "velocity_sewage"}
    assert screens.nunique() == 7
    assert lines[~lines.str.startswith("screen_")].replace(merged).nunique() == 11
    d3 = pipes[pipes["section"] == "D.3"]
    assert (d3["quantity"] == "cover_m").sum() == 9 + 10 + 1
    horizontal = d3[d3["code"].str.startswith("clear_h_")]
    # by hand, a cell "a / b" as two: 给水 7, 污水 7, 燃气低压 5, 中压 6, 次高压 9, 热力 5, 电力 6, 通信 8
    assert len(horizontal) == 7 + 7 + 5 + 6 + 9 + 5 + 6 + 8
    d4 = pipes[pipes["section"] == "D.4"]["code"].replace({"toilet_radius": "toilet_density"})
    assert d4.nunique() == 9
    assert (pipes["section"] == "D.5").sum() == 18


def test_e_reuse():
    """E.1: 14 lines; E.2: 25 lines, one of them for two kinds of shop; E.3: 6 numbered stops; E.4: 8 parts of the score."""
    assert len(_codes("reuse", "E.1")) == 14
    assert len(_codes("reuse", "E.2")) == 25 + 1
    # 3 is two rules, 4 is plan and heritage, 5 is four limits
    assert len(_codes("reuse", "E.3")) == 1 + 1 + 2 + 2 + 4 + 1
    assert len(_codes("reuse", "E.4")) == 8


def test_f_geodata():
    """F.4: 13 classes and 59 codes; F.5: 24 classes, 88 second and 40 third level codes, 39 colours; F.6: 12 lines, 16 names."""
    land_use = standards.read("land_use")
    levels = {e: g["level"].value_counts().to_dict() for e, g in land_use.groupby("edition")}
    assert levels["sandiao_2019"] == {"1": 13, "2": 55, "3": 4}
    assert levels["yonghai_2023"] == {"1": 24, "2": 88, "3": 40}
    assert levels["yonghai_2020"]["1"] == 24
    symbols = standards.read("symbols")
    assert (symbols["mark"] == "F:K35").sum() == 39
    assert symbols["hex"].str.fullmatch("#[0-9A-F]{6}").all()
    assert not symbols.duplicated(["edition", "code"]).any()
    assert len(_codes("map_sheet", "F.6", start="layer_")) == 16
    assert len(_codes("map_sheet", "F.6", start="cite_")) == 7
    lines = _codes("map_sheet", "F.6") - _codes("map_sheet", "F.6", start="layer_")
    first = {code.split("_")[0] for code in lines} - {"wall"}
    assert first == {
        *("title", "frame", "north", "scale", "legend", "signing"),
        *("datum", "book", "boundary", "review", "secrecy", "cite"),
    }


def test_land_use_codes_hang_together():
    """Each land-use code is unique in its edition, its parent is there one level up, and its group and flags are known."""
    rows = standards.read("land_use")
    assert not rows.duplicated(["edition", "code"]).any()
    parents = rows.loc[rows["level"] != "1", ["edition", "parent", "level"]].astype({"level": int})
    parents["level"] = (parents["level"] - 1).astype(str)
    known = set(rows[["edition", "code", "level"]].itertuples(index=False, name=None))
    assert set(parents[["edition", "parent", "level"]].itertuples(index=False, name=None)) <= known
    groups = {
        "residential",
        "industrial",
        "mining",
        "commercial",
        "public",
        "transport",
        "utility",
        "green",
        "warehouse",
    }
    groups |= {"farmland", "forest", "grassland", "wetland", "water", "special", "reserved", "sea", "other"}
    assert set(rows["group"]) == groups
    assert set(rows["construction"]) | set(rows["construction_other"]) == {"yes", "no"}


def test_symbols_colour_known_codes():
    """Every coloured class is a land-use code of the same edition."""
    codes = set(standards.read("land_use")[["edition", "code"]].itertuples(index=False, name=None))
    coloured = set(standards.read("symbols")[["edition", "code"]].itertuples(index=False, name=None))
    assert coloured <= codes


def test_third_survey_construction_land():
    """Construction land of the third survey is 05 to 10 without 1006, plus 1109; the other rule adds 1201 and 0603."""
    rows = standards.read("land_use").query("edition == 'sandiao_2019'").set_index("code")
    construction = set(rows.index[rows["construction"] == "yes"])
    assert {"0601", "0701", "08H2A", "09", "1004", "1109"} <= construction
    assert not {"1006", "1201", "0603", "1107A", "0101"} & construction
    assert set(rows.index[rows["construction_other"] == "yes"]) - construction == {"1201", "0603"}


def test_facility_codes_are_kinds():
    """Every facility kind in the facilities, communities, reuse and word tables is a kind, and its tiers agree."""
    kinds = standards.read("kinds").set_index("code")
    assert kinds.index.is_unique
    facilities = standards.read("facilities")
    assert set(facilities["code"]) <= set(kinds.index)
    for table in ("community", "reuse"):
        assert set(standards.read(table)["kind"]) - {""} <= set(kinds.index)
    assert set(standards.words("facilities.kind").values()) == set(kinds.index)
    by_kind = facilities.groupby("code")["tier"].agg(lambda tiers: frozenset(tiers))
    stated = kinds["tier"].str.split("/").map(lambda tiers: frozenset(tiers) - {""})
    assert by_kind.to_dict() == {kind: tiers for kind, tiers in stated.items() if tiers}
    assert set(kinds["part_of"]) - {""} <= set(kinds.index)


def test_land_columns_can_be_evaluated():
    """Every land rule says whose land it judges and how it combines; a local edition is side by side with the other."""
    land = standards.read("land")
    assert set(land["combine"]) == {"all", "any_one", "exempt", "exempt_all", "off", "count", "reference"}
    assert set(land["applies_to"]) == {"industrial", "warehouse", "residential", "any", "firm"}
    far = land[(land["rule"] == "L1") & (land["strength"] == "flag")].set_index("profile")["value"]
    assert far.to_dict() == {"default": 1.0, "jinhua_draft": 1.0, "taizhou_2025": 1.0}


def test_every_judging_land_rule_is_numeric_or_listed():
    """A rule that flags or exempts compares a number, a list of words or a yes; no free text is asked of the code."""
    land = standards.read("land")
    judging = land[land["combine"].isin(["all", "any_one", "exempt", "exempt_all", "count"])]
    words = judging[judging["value"].isna()]
    free = words[~words["unit"].isin(["list", "class", "boolean"])]
    assert set(free["code"]) == {"T1_tax", "T3_quality"}  # the numbers were not found; a text condition


@pytest.mark.parametrize("name", APPLIED)
def test_applied_rows_have_units(name):
    """A number that the analysis compares with has a unit."""
    rows = standards.read(name)
    assert rows.loc[rows["value"].notna(), "unit"].ne("").all()


def test_applied_park_classes_are_the_recorded_radii():
    """The park classes in use are the radii of C01 and C01b in the table of parks, with the same marks and sources."""
    columns = ["code", "area_from_m2", "area_below_m2", "value", "unit", "source", "mark"]
    recorded = standards.read("parks").query("quantity == 'radius_m'")[columns].reset_index(drop=True)
    assert standards.read("park_classes")[columns].equals(recorded)


def test_applied_pipe_rules_are_the_recorded_ages():
    """The ages in use, by network and material, are those of D.1: gas 20, water 30, drainage 50, heat 20."""
    recorded = standards.read("pipes").query("section == 'D.1' and quantity == 'age_year'")
    recorded = recorded.assign(network=recorded["network"].str.split(";")).explode("network")
    ages = recorded.groupby("network")["value"].unique().map(list).to_dict()
    applied = standards.read("pipe_rules").dropna(subset=["value"])
    used = applied.groupby("network")["value"].unique().map(list).to_dict()
    assert used == {network: ages[network] for network in used}
    assert ages == {"gas": [20], "water": [30], "sewage": [50], "storm": [50], "combined": [50], "heat": [20]}


def test_land_rules_compare_listed_quantities_and_mean_one_thing():
    """Every quantity of a land rule is listed with its unit, and a rule has one name, class, group and mark in all editions."""
    rules = standards.read("land_rules")
    units = standards.read("land_quantities").set_index("code")["unit"]
    assert (rules["quantity"].map(units) == rules["unit"]).all()
    one = rules.groupby("rule")[["profile", "class", "group", "mark", "name_zh", "name_en", "source"]].nunique()
    assert (one == 1).all(axis=None)


def test_land_editions_are_the_published_ones():
    """National frame, Jinhua draft, Taizhou 2025 and the county limits stand beside the default set; one criterion is enough."""
    editions = standards.read("land_editions").set_index("code")
    assert list(editions.index) == ["default", "national_frame", "jinhua_draft", "taizhou_2025", "county_2021_limits"]
    assert editions["value"].fillna(0).tolist() == [1, 1, 1, 1, 0]
    assert set(standards.read("land_rules")["profile"]) == set(editions.index)


def test_applied_land_rules_are_the_recorded_thresholds():
    """Each threshold in use is one that is recorded for the profile with the same mark, once days and 亩 are converted."""
    columns = ["profile", "value", "mark"]
    recorded = [standards.read(name)[columns].dropna() for name in ("land", "county_town")]
    known = {row for rows in recorded for row in rows.itertuples(index=False, name=None)}
    applied = standards.read("land_rules").dropna(subset=["value"])
    # yes or no, counted as 0 or 1
    applied = applied[applied["unit"].ne("count") & applied["quantity"].ne("vacant_share")]
    scale = applied["unit"].map({"yuan/mu": 10_000.0}).fillna(1.0)
    scale = scale.mask(applied["value"].eq(730.0), 365.0)
    used = applied.assign(value=applied["value"] / scale)[["profile", "value", "mark"]]
    assert set(used.itertuples(index=False, name=None)) <= known


def test_applied_reuse_rules_are_the_recorded_ones():
    """Each number that judges an asset is recorded for that use with the same mark; every use is a kind, every space one that assets have."""
    rules = standards.read("reuse_rules")
    fits = rules[(rules["class"] == "fit") & rules["unit"].isin(["m2", "m", "floors"])]
    recorded = standards.read("reuse").dropna(subset=["value"])
    known = set(recorded[["kind", "value", "mark"]].itertuples(index=False, name=None))
    known |= {("car_parking", 2.2, "M:M")}  # under bridges, said of parking in general
    known |= {("elder_day_care", 2.0, "M:H")}  # in words: a lift from two storeys on
    assert set(fits[["uses", "value", "mark"]].itertuples(index=False, name=None)) <= known
    assert set(rules["class"]) == {"stop", "fit", "found", "unchecked"}
    judging = rules[rules["class"].isin(["stop", "fit"])]
    assert set(judging["otherwise"]) == {"fail", "not known"}
    uses = {use for text in judging["uses"] for use in text.split(";")} - {"any"}
    assert uses <= set(standards.read("kinds")["code"])
    spaces = set(standards.read("asset_kinds")["space"]) - {""}
    assert {space for text in judging["applies_to"] for space in text.split(";")} - {"any"} <= spaces
    stops = set(rules.loc[rules["class"] == "stop", "rule"])
    assert set(rules.loc[(rules["class"] == "stop") & ~standards.binding(rules["mark"]), "rule"]) == {"hazard"}
    assert stops >= {"danger", "title", "underground", "farmland", "ecology", "heritage"}
    one = judging.assign(uses=judging["uses"].str.split(";")).explode("uses")
    assert not one.duplicated(["profile", "rule", "uses", "quantity"]).any()


def test_reuse_rules_that_nobody_checks_are_listed():
    """Of the recorded rules on a use (E.2) each is applied or listed as not checked, so that nobody takes one for passed.

    Those applied without their number are in words: where in the building (a floor, an entrance, outdoors), not underground.
    """
    rules, recorded = standards.read("reuse_rules"), standards.read("reuse").query("section == 'E.2' and kind != ''")
    one = rules.assign(uses=rules["uses"].str.split(";")).explode("uses")
    uses = set(one.loc[one["class"] == "fit", "uses"])
    listed = one[one["class"] == "unchecked"]
    numbers = set(one[["uses", "value"]].dropna().itertuples(index=False, name=None))
    asked = recorded[recorded["kind"].isin(uses) & ~recorded["code"].isin(["stalls", "courts"])]
    numbered = asked.dropna(subset="value")
    lacking = {
        q for k, v, q in numbered[["kind", "value", "quantity"]].itertuples(index=False) if (k, v) not in numbers
    }
    # parking is sized by the car, as a capacity
    assert lacking <= {"surface_m2_per_car", "structure_m2_per_car", "m2_per_bicycle"}
    words = asked[asked["value"].isna()]
    said = listed.groupby("uses")["value_text"].agg("; ".join)
    in_part = {
        *("low floors, own entrance", "low floors; lift if ≥2 floors", "barrier-free; natural light; not underground"),
        *("flat, road access", "1–3 floors (fire class 1–2), never underground"),
    }
    whole = {
        *(
            "not basement",
            "ground floor, own entrance",
            "ground floor; 托大班 may be on 2nd",
            "any",
            "outdoor",
            "own door",
        ),
        *("ground floor or own building", "ground floor", "outdoor or clear-span"),
    }
    for kind, text in words[["kind", "value_text"]].itertuples(index=False, name=None):
        assert text in whole or (text in in_part and kind in said) or text in said[kind], (kind, text)
    assert not listed.duplicated(["uses", "name_en"]).any()


def test_asset_kinds_are_those_that_words_name():
    """Every kind a register's word can mean has a row that says what space it is; the leftovers that a street cuts are found, not read."""
    kinds = standards.read("asset_kinds")
    assert set(standards.words("asset_kind").values()) | {"leftover_plot"} == set(kinds["code"])
    assert set(kinds["space"]) == {"building", "covered", "ground", ""}
