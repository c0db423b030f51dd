"""Editions, counts, scope, confidence, meters, lists of industries and land-use codes, by hand."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import box

from lifecircle import schema, screening, standards
from lifecircle.analyse import land
from lifecircle.errors import StudyError
from lifecircle.load import recipe
from lifecircle.standards import StandardsError, editions
from lifecircle.study import Study

AS_OF = date(2025, 12, 31)


def parcels(rows: dict[str, dict[str, object]]) -> gpd.GeoDataFrame:
    shapes = [box(0, 0, 100, 100)] * len(rows)
    frame = gpd.GeoDataFrame(pd.DataFrame.from_dict(rows, orient="index"), geometry=shapes, crs=4547)
    return schema.conform("parcels", frame)


def measured(frame: gpd.GeoDataFrame, **more: object) -> pd.DataFrame:
    return land.measures(frame, None, as_of=AS_OF, mu_m2=2000 / 3, area_difference_share=0.05, **more)  # type: ignore[arg-type]


def rules(*rows: tuple[str, str, str, str, float], group: str = "any") -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["rule", "class", "quantity", "operator", "value"])
    return table.assign(group=group, unit="ratio", source="somewhere", mark="F", binding=True)


LOW = "low_efficiency"
THREE = rules(("A", LOW, "a", "<", 1.0), ("B", LOW, "b", "<", 1.0), ("C", LOW, "c", "<", 1.0))


def test_an_edition_may_ask_for_two() -> None:
    """Two of three are asked for. yes yes no: in. yes no no: out, though one is met. yes ? no: could be. ? no no: cannot be."""
    frame = pd.DataFrame(
        {"a": [0, 0, 0, np.nan], "b": [0, 9, np.nan, 9], "c": [9.0, 9, 9, 9]}, index=["in", "one", "could", "cannot"]
    )
    said = land.underused(frame, pd.Series("any", index=frame.index), THREE, needed=2)
    assert said["candidate"].tolist() == ["candidate", "not candidate", "not known", "not candidate"]
    assert said["rules_yes"].tolist() == [2, 1, 1, 0]
    assert said["reasons"].tolist() == ["A, B", "A", "A", ""]


def test_missing_data_lowers_confidence_and_never_the_score() -> None:
    """One yes with two, one and no other criterion known: a candidate each time, on 3, 2 and 1 of 3 criteria."""
    frame = pd.DataFrame({"a": [0.0, 0, 0], "b": [9, 9, np.nan], "c": [9, np.nan, np.nan]})
    said = land.underused(frame, pd.Series("any", index=frame.index), THREE)
    assert said["candidate"].tolist() == ["candidate"] * 3
    assert said["rules_yes"].tolist() == [1, 1, 1]
    assert said["criteria_known_share"].tolist() == pytest.approx([1, 2 / 3, 1 / 3])
    assert screening.confidence(said).tolist() == ["high", "medium", "low"]


def test_confidence_counts_what_nobody_measured_and_leaves_out_other_land_and_unconfirmed_limits() -> None:
    """Of L1 to L3, L6, L8 and L8s for industry in the default set only the ratio is known: 1 of 6; L1s, L3o, L7 and L7u only indicate."""
    said = land.underused(
        measured(parcels({"a": {"far": 0.4}})), pd.Series("industrial", index=["a"]), editions.land("default").rules
    )
    assert said["criteria_known_share"].tolist() == pytest.approx([1 / 6])


def test_out_of_scope_is_neither_candidate_nor_cleared() -> None:
    """The same ratio on construction land, on farmland, on land of unknown class, and on land the register leaves out."""
    rows = {"a": {}, "b": {}, "c": {}, "d": {"in_scope": False}}
    codes = pd.DataFrame(
        {"land_use": ["1001", "0101", None, "1001"], "land_use_edition": "yonghai_2023"}, index=list("abcd")
    )
    frame = parcels(rows).assign(**codes)
    known = land.crosswalk(codes, standards.read("land_use"))
    scope = screening.in_scope(frame, known, editions.land("default"))
    said = land.underused(
        pd.DataFrame({"a": 0.0}, index=frame.index), known["land_group"], THREE.query("rule == 'A'"), scope=scope
    )
    assert said["candidate"].tolist() == ["candidate", "out of scope", "candidate", "out of scope"]


def test_each_edition_says_its_own_of_the_same_land() -> None:
    """Industry with a ratio of 0.9, 35 % coverage and half its industry's tax: under 1.0 in the default set, Jinhua and Taizhou.

    The national frame has no ratio; 0.35 is over the 0.30 of 2008 and under the 0.40 of 2023, which is recalled and only indicates.
    """
    frame = pd.DataFrame({"far": [0.9], "building_coverage": [0.35], "tax_share_of_industry": [0.5]}, index=["a"])
    use = pd.Series("industrial", index=frame.index)
    found = {}
    for code in ("default", "jinhua_draft", "taizhou_2025", "national_frame"):
        edition = editions.land(code)
        said = land.underused(frame, use, edition.rules, needed=edition.needed)
        found[code] = (said["candidate"].iloc[0], said["reasons"].iloc[0])
        assert {"L9a", "L9b", "L9c", "L10"} <= set(edition.rules["rule"])  # Order 53 holds everywhere
    assert found == {
        "default": ("candidate", "L1"),
        "jinhua_draft": ("candidate", "J1"),
        "taizhou_2025": ("candidate", "T2"),
        "national_frame": ("not candidate", ""),
    }
    said = land.underused(frame, use, editions.land("national_frame").rules)
    assert said[["N5", "N5s"]].values.tolist() == [["no", "indicative yes"]]


def test_a_text_without_its_number_is_never_answered() -> None:
    """Taizhou's T1 refers to a guide whose numbers were not found: not known even where something is measured."""
    frame = pd.DataFrame({"tax_share_of_guide": [0.1], "far": [2.0]}, index=["a"])
    said = land.underused(frame, pd.Series("industrial", index=["a"]), editions.land("taizhou_2025").rules)
    assert said[["T1", "T1_threshold", "candidate"]].values.tolist() == [
        ["not known", "tax_share_of_guide < ?", "not candidate"]
    ]


def test_the_town_as_a_whole_is_held_to_the_county_limits() -> None:
    """7,000 m² of floor on 10,000 m² of construction land is 0.7, within 0.6–0.8; the 5,000 m² of farmland do not count."""
    frame = pd.DataFrame({"area_m2": [10_000.0, 5_000.0], "built_floor_area_m2": [7_000.0, np.nan]})
    codes = pd.DataFrame({"construction": pd.array([True, False], dtype="boolean")})
    said = screening.town(frame, codes, editions.land("county_2021_limits").town)
    assert said["answer"].tolist() == ["yes", "yes"]
    assert said["town_value"].tolist() == ["0.7", "0.7"]
    assert editions.land("county_2021_limits").needed == 0
    unknown = screening.town(frame.assign(built_floor_area_m2=np.nan), codes, editions.land("county_2021_limits").town)
    assert unknown["answer"].tolist() == ["not known", "not known"]


def test_meters_that_stand_still() -> None:
    """Twelve still months are a year (yes), one with use eleven months ago is not (no), six of a short record may be (not known).

    Of two meters one runs: used. A month not read breaks the run; 2025 as a whole year at nought is twelve months.
    """
    months = [f"2025-{month:02d}" for month in range(1, 13)]
    readings = {
        "still": [(m, 0.0) for m in months],
        "used": [(m, 5.0 if m == "2025-01" else 0.0) for m in months],
        "short": [(m, 0.0) for m in months[6:]],
        "two": [(m, q) for m in months for q in (0.0, 3.0)],
        "hole": [(m, np.nan if m == "2025-06" else 0.0) for m in months],
        "year": [("2025", 0.0)],
        "odd": [("第一期", 0.0)],
    }
    rows = [(of, period, quantity) for of, said in readings.items() for period, quantity in said]
    usage = pd.DataFrame(rows, columns=["of_id", "period", "quantity"]).assign(of_table="parcels")
    frame = measured(parcels({name: {} for name in [*readings, "none"]}), usage=usage)
    assert frame["months_without_use"].tolist() == pytest.approx([12, 11, 6, 0, 6, 12, np.nan, np.nan], nan_ok=True)
    assert frame["metered"].tolist() == [1, 1, 1, 1, 1, 1, 1, 0]
    assert frame["use_periods_unread"].tolist() == [0, 0, 0, 0, 0, 0, 1, 0]
    assert frame.loc["still", "use_until"] == pd.Timestamp("2025-12-01")
    answer = rules(("U", LOW, "months_without_use", ">=", 12.0))
    said = land.underused(frame, pd.Series("any", index=frame.index), answer)
    assert said["U"].tolist() == ["yes", "no", "not known", "no", "not known", "yes", "not known", "not known"]
    assert said.loc["short", "U_value"] == "≥ 6"


def test_a_buildings_meter_counts_for_the_parcel_that_holds_most_of_it() -> None:
    """The building lies 60 % on P0: its still meter is P0's. Readings of assets are nobody's."""
    frame = parcels({"P0": {}, "P1": {}})
    frame = frame.set_geometry([box(0, 0, 10, 10), box(10, 0, 20, 10)], crs=4547)
    one = gpd.GeoDataFrame(geometry=[box(4, 0, 14, 5)], index=["B"], crs=4547)
    buildings = schema.conform("buildings", one)
    usage = pd.DataFrame(
        {"of_table": ["buildings", "assets"], "of_id": ["B", "P1"], "period": "2025-12", "quantity": [0.0, 0.0]}
    )
    m = land.measures(frame, buildings, as_of=AS_OF, mu_m2=2000 / 3, area_difference_share=0.05, usage=usage)
    assert m["metered"].tolist() == [1, 0]


def test_lists_of_industries_answer_only_where_there_is_a_list() -> None:
    """With a list of phased-out industries, others are not on it; without a list of strategic ones nothing is known of any."""
    listed = pd.DataFrame({"industry": ["小水泥", "纺织业"], "list": ["phased_out", ""], "norm_far": [np.nan, 0.8]})
    rows = {"a": {"industry": "小水泥"}, "b": {"industry": "纺织业"}, "c": {"tax_yuan": 1.0}}
    m = measured(parcels(rows), industries=listed)
    assert m["phased_out"].tolist() == pytest.approx([1, 0, np.nan], nan_ok=True)
    assert m["strategic"].isna().all()
    assert m["industry_norm_far"].tolist() == pytest.approx([np.nan, 0.8, np.nan], nan_ok=True)


def test_norms_that_are_only_recalled_exempt_nobody() -> None:
    """The floors of 2008 are marked M:M, so no industry has a confirmed norm in the shipped table."""
    assert len(standards.read("land_industries")) == 5
    assert editions.land("default").industries.empty


def test_an_exemption_keeps_land_off_the_list_and_is_told() -> None:
    """A strategic industry with a ratio of 0.4 is exempt; where nothing is known of the lists the exemption is not known."""
    frame = pd.DataFrame({"far": [0.4, 0.4], "strategic": [1.0, np.nan]}, index=["a", "b"])
    said = land.underused(frame, pd.Series("industrial", index=frame.index), editions.land("jinhua_draft").rules)
    assert said["candidate"].tolist() == ["exempt", "candidate"]
    assert said["exemption"].tolist() == ["yes", "not known"]


def test_output_is_compared_with_the_same_industry() -> None:
    """Textile makes 100,000 and 300,000 yuan on equal land, 200,000 on average: 0.5 and 1.5; the limit of 0.4 only indicates."""
    rows = {"a": {"industry": "t", "output_yuan": 100_000.0}, "b": {"industry": "t", "output_yuan": 300_000.0}}
    frame = measured(parcels(rows))
    assert frame["output_share_of_industry"].tolist() == pytest.approx([0.5, 1.5])
    said = land.underused(frame, pd.Series("industrial", index=frame.index), editions.land("default").rules)
    assert said["L3o"].tolist() == ["indicative no"] * 2


@pytest.mark.parametrize(
    ("edition", "code", "group", "known"),
    [
        ("sandiao_2019", "0601", "industrial", "yes"),
        ("yonghai_2023", "0601", "transport", "yes"),
        ("sandiao_2019", "0508", "warehouse", "yes"),
        ("sandiao_2019", "05", None, "ambiguous"),  # commerce or storage
        ("sandiao_2019", "03", "forest", "yes"),  # mangrove, 0303, is wetland 00 and no part of it
        ("yonghai_2023", "10", None, "ambiguous"),  # industry, mining or salt
        ("yonghai_2023", "1009", None, "ambiguous"),  # not listed, below 10
        ("yonghai_2023", "10010299", "industrial", "yes"),  # not listed, below 100102
        ("yonghai_2020", "1001", "industrial", "yes"),
        ("yonghai_2020", "10", None, "ambiguous"),
        ("yonghai_2020", "0701", "residential", "yes"),
        ("yonghai_2023", "99", None, "unknown code"),
        ("yonghai_2023", "M1", None, "unknown code"),  # a letter of GB 50137
        ("gb50137", "M", None, "no edition"),
        (None, "0701", None, "no edition"),
        ("yonghai_2023", None, None, "no code"),
    ],
)
def test_codes_are_read_by_their_edition_and_never_guessed(edition: str, code: str, group: str, known: str) -> None:
    """0601 is industry in the third survey and a country road in the guide of 2023; what could be several things is none."""
    codes = pd.DataFrame({"land_use": [code], "land_use_edition": [edition]}, dtype="str")
    said = land.crosswalk(codes, standards.read("land_use")).iloc[0]
    assert (None if pd.isna(said["land_group"]) else said["land_group"]) == group
    assert said["land_use_known"] == known


EDITION = "code,name_zh,name_en,value,unit,scope,source,mark,note\nours,本县,Our county,2,rules,construction,县政办〔2025〕1号,F,\n"
HEAD = "profile,rule,class,group,quantity,operator,value,unit,source,clause,mark,name_zh,name_en,note\n"
RULES = HEAD + (
    "ours,X1,low_efficiency,industrial,far,<,0.8,ratio,县政办〔2025〕1号,第三条,F,容积率低于0.8,Ratio under 0.8,\n"
    "ours,X2,low_efficiency,any,building_coverage,<,0.35,share,县政办〔2025〕1号,第四条,F,建筑密度低于35%,Coverage under 35 %,\n"
)
INDUSTRIES = "industry,list,value,unit,source,mark,name_en,note\n纺织业,phased_out,,,县政办〔2025〕1号,F,Textiles,\n"


def folder(at: Path, **files: str) -> Path:
    at.mkdir(exist_ok=True)
    for name, text in files.items():
        (at / f"{name}.csv").write_text(text, encoding="utf-8")
    return at


def test_a_city_brings_its_own_edition(tmp_path: Path) -> None:
    """Its two rules must both hold; they carry the city's own text and clause, and Order 53 stays beside them."""
    ours = editions.land("ours", folder=folder(tmp_path / "own", land_editions=EDITION, land_rules=RULES))
    assert ours.needed == 2
    frame = pd.DataFrame({"far": [0.5, 0.5], "building_coverage": [0.2, 0.5]}, index=["a", "b"])
    said = land.underused(frame, pd.Series("industrial", index=frame.index), ours.rules, needed=ours.needed)
    assert said["candidate"].tolist() == ["candidate", "not candidate"]
    assert said.loc["a", "X1_source"] == "县政办〔2025〕1号，第三条"
    assert "L9a" in said
    assert editions.codes(folder=tmp_path / "own") == [*editions.codes(), "ours"]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"land_rules": RULES.replace("ours", "default").replace("building_coverage", "building_coverag")}, "did you mean building_coverage"),
        ({"land_rules": RULES}, "the profile 'ours' is not known"),
        ({"land_editions": EDITION}, "asks for 2 rules and land_rules.csv has 0"),
        ({"land_editions": EDITION.replace(",2,", ",1.5,"), "land_rules": RULES}, "whole number from 1, not 1.5"),
        ({"land_editions": EDITION, "land_rules": RULES.replace("0.8,ratio", "80,%")}, "far is counted in ratio, not in '%'"),
        ({"land_editions": EDITION, "land_rules": RULES.replace("0.8,ratio", "low,ratio")}, "land_rules.csv, line 2: the value 'low' is no number"),
        ({"land_editions": EDITION, "land_rules": RULES.replace(",<,0.8", ",under,0.8")}, "the operator 'under' is not known"),
        ({"land_editions": EDITION, "land_rules": RULES.replace("第三条,F", "第三条,sure")}, "the mark 'sure'"),
        ({"land_editions": EDITION, "land_rules": RULES.replace(",clause", ",paragraph")}, "lacks the column clause"),
        ({"land_editions": EDITION, "land_rules": RULES, "pipes": "a\n1\n"}, "pipes.csv: only"),
        ({"land_editions": EDITION, "land_rules": RULES.replace("0.8,ratio", "inf,ratio")}, "the value 'inf' is no number"),
        ({"land_editions": EDITION, "land_rules": RULES.replace("0.8,ratio", "-1,ratio")}, "line 2: the value -1 is below 0"),
        ({"land_editions": EDITION, "land_rules": RULES.replace("0.35,share", "35,share")}, "line 3: 35 of a share is no percentage; write 0.35"),
        ({"land_editions": EDITION, "land_rules": RULES.replace("X1", "candidate")}, "named by letters and a number"),
        ({"land_editions": EDITION, "land_rules": RULES.replace("X1", "x2")}, "x2 and X2 differ in capitals only"),
        ({"land_editions": EDITION, "land_rules": RULES.replace("X1", "L9a")}, "the name L9a is taken"),
        ({"land_editions": EDITION, "land_rules": RULES.replace("X1,low_efficiency", "X1,idle")}, "states of the whole country"),
        ({"land_editions": EDITION, "land_rules": RULES + RULES.splitlines()[1] + "\n"}, "line 4: X1 has this condition already"),
        ({"land_editions": EDITION, "land_rules": RULES.replace("县政办〔2025〕1号", "")}, "line 2: source is empty"),
        ({"land_editions": EDITION, "land_rules": RULES.replace("容积率低于0.8,Ratio under 0.8", ",")}, "line 2: X1 has no name"),
        ({"land_industries": INDUSTRIES.replace("phased_out", "phased_aut")}, "line 2: the list 'phased_aut' is not known"),
        ({}, "holds none of"),
    ],
)  # fmt: skip
def test_a_faulty_edition_is_refused_with_its_fault(tmp_path: Path, files: dict[str, str], why: str) -> None:
    """Misspelt quantities, editions without rules, units, operators, marks, columns and tables nobody reads are each named."""
    own = folder(tmp_path / "own", **files)
    assert any(why in fault for fault in editions.faults(own))
    with pytest.raises(StandardsError):
        editions.land("default", folder=own)


def test_every_fault_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    """A number that is none hides neither the misspelt words of the same row nor the faults of the other files, nor a wrong coding."""
    own = folder(
        tmp_path / "own",
        land_editions=EDITION.replace(",2,", ",two,").replace(",construction,", ",town,"),
        land_rules=RULES.replace("far,<,0.8", "fra,under,low").replace("building_coverage", "building_coverag"),
    )
    (own / "land_industries.csv").write_bytes(INDUSTRIES.encode("gbk"))
    told = "\n".join(editions.faults(own))
    for why in ("'two'", "'town'", "'fra'", "'under'", "'low'", "'building_coverag'", "not in UTF-8"):
        assert why in told
    with pytest.raises(StandardsError) as error:
        editions.land("ours", folder=own)
    assert str(error.value) == "; ".join(editions.faults(own))


def test_a_citys_own_limit_of_the_town_is_judged_beside_the_national_ones(tmp_path: Path) -> None:
    """A building of 7,500 m² on 10,000 m² of construction land is 0.75: within 0.6 and 0.8, and over the county's own 0.7."""
    limit = "ours,X3,town,any,town_far,<=,0.7,ratio,县政办〔2025〕1号,第五条,F,全城不高于0.7,At most 0.7,\n"
    own = folder(tmp_path / "own", land_editions=EDITION, land_rules=RULES + limit)
    frame = parcels({"a": {"land_use": "1001", "land_use_edition": "yonghai_2023"}})
    block = gpd.GeoDataFrame({"floor_area_m2": [7_500.0]}, geometry=[box(0, 0, 50, 50)], index=["b"], crs=4547)
    study = Study(
        name="x",
        crs=frame.crs,
        as_of=AS_OF,
        parcels=frame,
        buildings=schema.conform("buildings", block),
        land_edition="ours",
        land_folder=own,
    )
    said = screening.analyse(study, frame)["land_town"].set_index("rule")["answer"]
    assert said.to_dict() == {"C1": "yes", "C2": "yes", "X3": "no"}


def test_a_default_set_of_its_own_does_not_repeal_idle_land(tmp_path: Path) -> None:
    """A city that replaces the default set by two rules of its own keeps the rules of Order 53 and on unsupplied land."""
    ours = RULES.replace("ours,", "default,")
    said = editions.land("default", folder=folder(tmp_path / "own", land_rules=ours)).rules
    assert sorted(said["rule"].unique()) == ["L10", "L9a", "L9b", "L9c", "X1", "X2"]


def test_a_rule_named_in_one_language_has_that_name_in_both(tmp_path: Path) -> None:
    """A county that writes Chinese names only gets them in an English workbook, not an empty cell."""
    own = folder(tmp_path / "own", land_editions=EDITION, land_rules=RULES.replace("Ratio under 0.8", ""))
    said = editions.land("ours", folder=own).rules.set_index("rule")
    assert said.loc["X1", "name_en"] == "容积率低于0.8"


def test_land_none_of_whose_rules_is_answered_is_not_cleared(tmp_path: Path) -> None:
    """A is for industry and known, B for housing and known nowhere: housing is not known; were B answered there, it would be cleared."""
    table = pd.concat([rules(("A", LOW, "a", "<", 1.0), group="industrial"), rules(("B", LOW, "b", "<", 1.0))])
    frame = pd.DataFrame({"a": [2.0, np.nan]}, index=["works", "homes"])
    use = pd.Series(["industrial", "residential"], index=frame.index)
    said = land.underused(frame, use, table)
    assert said["candidate"].tolist() == ["not candidate", "not known"]
    assert land.underused(frame.assign(b=2.0), use, table)["candidate"].tolist() == ["not candidate"] * 2


def test_the_study_file_names_the_edition(tmp_path: Path) -> None:
    """A folder beside study.toml and a name; a folder that is not there and a name that is none are told with their keys."""
    folder(tmp_path / "own", land_editions=EDITION, land_rules=RULES)
    plot = gpd.GeoDataFrame({"parcel_id": ["P"]}, geometry=[box(0, 0, 10, 10)], crs=4547)
    plot.to_file(tmp_path / "p.gpkg")
    text = 'name = "x"\ncrs = "EPSG:4547"\nas_of = 2025-12-31\n[layers.parcels]\nsource = "p.gpkg"\n[land]\n'
    (tmp_path / "study.toml").write_text(text + 'folder = "own"\nedition = "ours"\n', encoding="utf-8")
    read = recipe.read(tmp_path)
    assert (read.land.edition, read.land_folder) == ("ours", tmp_path / "own")
    (tmp_path / "study.toml").write_text(text + 'folder = "won"\nedition = "jinhua_draf"\n', encoding="utf-8")
    with pytest.raises(StudyError, match=r"land\.folder: won is no folder"):
        recipe.read(tmp_path)
    (tmp_path / "study.toml").write_text(text + 'edition = "jinhua_draf"\n', encoding="utf-8")
    with pytest.raises(
        StudyError, match=r"land\.edition: there is no edition 'jinhua_draf'; did you mean jinhua_draft"
    ):
        recipe.read(tmp_path)
    (tmp_path / "study.toml").write_text(text + 'editon = "ours"\n', encoding="utf-8")
    with pytest.raises(StudyError, match=r"land\.editon: is not a key of study\.toml; did you mean edition"):
        recipe.read(tmp_path)


def test_quantities_that_are_measured_are_those_listed_as_measured() -> None:
    """Every column a rule may compare is one that `measures` returns, or is listed as given by no layer yet."""
    usage = pd.DataFrame({"of_table": ["parcels"], "of_id": ["a"], "period": ["2025-01"], "quantity": [1.0]})
    listed = standards.read("land_quantities").set_index("code")["measured"]
    industries = editions.land("default").industries
    columns = set(measured(parcels({"a": {}}), usage=usage, industries=industries)) | {"town_far"}
    assert {code for code in listed.index if code in columns} == set(listed.index[listed == "yes"])


def test_evidence_down_the_page() -> None:
    """One row a parcel and rule for its land, in the order of both: of two rules the second is for housing only."""
    table = pd.concat([THREE.query("rule == 'A'"), THREE.query("rule == 'B'").assign(group="residential")])
    frame = pd.DataFrame({"a": [0.5, np.nan], "b": [0.5, 0.5]}, index=["x", "y"])
    said = land.evidence(land.underused(frame, pd.Series(["any", "residential"], index=frame.index), table), table)
    assert said[["parcel_id", "rule", "answer", "value", "threshold"]].values.tolist() == [
        ["x", "A", "yes", "0.5", "a < 1"],
        ["y", "A", "not known", "?", "a < 1"],
        ["y", "B", "yes", "0.5", "b < 1"],
    ]


def swayed(frame: pd.DataFrame, table: pd.DataFrame, **more: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    return land.sensitivity(
        frame.assign(area_m2=100.0), pd.Series("any", index=frame.index), table, as_of=AS_OF, step_share=0.1, **more
    )  # type: ignore[arg-type]


def test_each_threshold_moves_alone_and_each_rule_is_left_out_alone() -> None:
    """a < 1 and b < 1, any one. p 0.5/0.5: in whatever moves. q 0.95/2: out at 0.9, on one number. r 0.95/0.95: one always holds.

    s 0.5/2: only A has it. t 1.05/2: in at 1.1. u 1.05/1.05: in by either, two numbers. v 2/2: never. Cases: 1 + 2 × 2 + 2 = 7.
    """
    frame = pd.DataFrame(
        {"a": [0.5, 0.95, 0.95, 0.5, 1.05, 1.05, 2], "b": [0.5, 2, 0.95, 2, 2, 1.05, 2]}, index=list("pqrstuv")
    )
    cases, parcels_ = swayed(frame, THREE.query("rule != 'C'"))
    assert cases["change"].tolist() == ["as it stands", *["lower", "higher"] * 2, "left out", "left out"]
    assert cases["value"].tolist()[1:5] == pytest.approx([0.9, 1.1, 0.9, 1.1])
    assert cases["candidates"].tolist() == [4, 3, 6, 4, 5, 2, 4]
    assert cases["added"].tolist() == [0, 0, 2, 0, 1, 0, 0]
    assert cases["removed"].tolist() == [0, 1, 0, 0, 0, 2, 0]
    assert cases["candidates_m2"].tolist() == [400, 300, 600, 400, 500, 200, 400]
    assert parcels_["standing"].to_dict() == {
        "p": "always in",
        "q": "on one number",
        "r": "always in",
        "s": "by one criterion",
        "t": "on one number",
        "u": "on several numbers",
        "v": "out",
    }
    assert parcels_["hangs_on"].to_dict()["u"] == "A a, B b"
    assert parcels_.loc["q", "cases_in_share"] == pytest.approx(5 / 7)


def test_a_year_moves_by_its_age_and_yes_or_no_does_not_move() -> None:
    """Built by 2000, seen in 2025: 25 years, 10 % of them 2.5. A house of 2002 comes in, one of 1998 goes out."""
    table = rules(("Y", LOW, "built_year", "<=", 2000.0), ("D", LOW, "dangerous", ">=", 1.0))
    table["unit"] = ["year", "count"]
    frame = pd.DataFrame({"built_year": [2002.0, 1998.0], "dangerous": [0.0, 0.0]}, index=["new", "old"])
    cases, parcels_ = swayed(frame, table)
    assert cases["value"].tolist()[1:3] == [1997.5, 2002.5]
    assert cases.loc[cases["rule"] == "D", "change"].tolist() == ["left out"]
    assert parcels_["hangs_on"].tolist() == ["Y built_year", "Y built_year"]


def test_exemptions_and_counts_are_part_of_the_list_that_sways() -> None:
    """Two of A, B are asked for and E exempts above 8: p meets both, and its 7.5 would be over a limit of 7.2."""
    table = pd.concat([THREE.query("rule != 'C'"), rules(("E", "exemption", "tax", ">", 8.0))], ignore_index=True)
    frame = pd.DataFrame({"a": [0.5, 0.5], "b": [0.5, 2.0], "tax": [7.5, 9.0]}, index=["p", "q"])
    _, parcels_ = swayed(frame, table, needed=2)
    assert parcels_["standing"].tolist() == ["on one number", "out"]
    assert parcels_["hangs_on"].tolist() == ["E tax", ""]


def test_every_case_is_the_list_of_the_moved_rules() -> None:
    """On random parcels, rules, exemptions and counts each case is the list `underused` makes of the rules that case stands for.

    Counted, in square metres, and against the list as it stands; values, rules and land use are not known at times.
    """
    for seed in range(25):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(rng.uniform(0, 2, (60, 3)), columns=list("abc")).mask(rng.random((60, 3)) < 0.2)
        area = pd.Series(rng.uniform(1, 100, 60))
        use = pd.Series(rng.choice(["works", "homes", None], 60), dtype="str")
        made = [
            rules((f"R{k}", LOW if k < 3 else "exemption", quantity, sign, limit), group=group)
            for k, (quantity, sign, limit, group) in enumerate(
                zip(
                    rng.choice(list("abc"), 4),
                    rng.choice(["<", "<=", ">", ">="], 4),
                    rng.uniform(0.3, 1.7, 4),
                    rng.choice(["any", "works", "homes"], 4),
                    strict=True,
                )
            )
        ]
        table, needed = pd.concat(made, ignore_index=True), int(rng.integers(1, 3))
        cases, _ = land.sensitivity(frame.assign(area_m2=area), use, table, as_of=AS_OF, step_share=0.1, needed=needed)
        factor = {"lower": 0.9, "higher": 1.1}
        stands = land.underused(frame, use, table, needed=needed)["candidate"] == "candidate"
        for case in cases.to_dict("records"):
            its = table["rule"] == case["rule"]
            moved = table.assign(value=table["value"].where(~its, table["value"] * factor.get(case["change"], 1.0)))
            now = land.underused(frame, use, moved[~its] if case["change"] == "left out" else moved, needed=needed)
            listed = now["candidate"] == "candidate"
            assert case["candidates"] == listed.sum()
            assert case["candidates_m2"] == pytest.approx(area[listed].sum())
            assert (case["added"], case["removed"]) == ((listed & ~stands).sum(), (stands & ~listed).sum())
