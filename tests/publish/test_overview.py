"""The overview map as a file: complete, compact, escaped, the same each time."""

import itertools
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from packed_page import content_of, degrees, keys_of, page_of, shapes_of, spec_of, words_of
from published_town import HOSTILE, TEMPLATE, compared, converted

from lifecircle.errors import CrsError, OutputError
from lifecircle.publish import archive, overview


def html_of(layers: dict[str, gpd.GeoDataFrame], **more: Any) -> str:
    return overview.draw(layers, title=more.pop("title", "青川县城"), **more).get_root().render()


class Tags(HTMLParser):
    """Collects the elements of a page as a browser's parser sees them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_two_drawings_have_the_same_bytes(tmp_path: Path, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Drawn twice, and once more in a process with another hash seed, the page has the same bytes."""
    for name in "ab":
        overview.write(layers, tmp_path / name, title="青川", synthetic=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from published_town import town\nfrom lifecircle.publish import overview\n"
        "overview.write(town(), sys.argv[2], title='青川', synthetic=True)"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "c")],
        check=True,
        env={**__import__("os").environ, "PYTHONHASHSEED": "7"},
    )
    assert (tmp_path / "a").read_bytes() == (tmp_path / "c").read_bytes()


def test_nothing_in_the_page_names_an_outside_resource(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """The parser sees no element that loads anything, and only the one script with the data runs data."""
    tags = Tags()
    tags.feed(html_of(layers))
    assert not [tag for tag, _ in tags.seen if tag in {"link", "img", "iframe", "object", "embed", "base", "form"}]
    assert not [attrs for _, attrs in tags.seen if {"src", "href", "srcset", "onerror", "onload"} & set(attrs)]


def test_hostile_text_stays_inside_its_string(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Markup, closing tags and template braces in names reach the page only as the text they are."""
    html = html_of(layers, title="<script>alert(1)</script>", note=f"{HOSTILE} {TEMPLATE}")
    assert "<img src=x" not in html
    assert "<script>alert(1)" not in html
    assert words_of(spec_of(html, "parcels")["title"][0])[:2] == [HOSTILE, TEMPLATE]


def test_missing_and_unknown_layers_are_passed_over(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """None, layers of no rows, tables and names the map does not know draw nothing."""
    html = html_of(
        {
            "streets": layers["streets"],
            "parks": layers["parks"].iloc[:0],
            "areas": None,
            "own": layers["parks"],
            "gaps": pd.DataFrame({"rank": [1]}),
        }
    )
    assert keys_of(html) == ["streets"]


def test_a_map_of_nothing_is_refused() -> None:
    """Without a layer to draw there is one sentence and no page."""
    with pytest.raises(OutputError, match="青川"):
        overview.draw({}, title="青川")


def test_a_layer_without_coordinate_system_is_refused(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A layer whose place is not known is named."""
    lost = layers["parks"].set_crs(None, allow_override=True)
    with pytest.raises(CrsError, match="parks"):
        overview.draw({"parks": lost}, title="青川")


@pytest.mark.parametrize("name", sorted(overview.MAKERS))
def test_each_layer_can_stand_alone(layers: dict[str, gpd.GeoDataFrame], name: str) -> None:
    """Any one layer makes a map, also when it has nothing but its geometry and the columns its schema requires."""
    layers = layers | compared(layers["coverage_homes"]) | converted(layers["assets"])
    assert any(key.startswith(name.replace("_areas", "")) for key in keys_of(html_of({name: layers[name]})))
    needed = {
        "kind",
        "network",
        "level",
        "candidate",
        "renewal",
        "completeness_15",
        "limit_min",
        "residents_left_out_15",
        "change",
    }
    bare = layers[name][[c for c in layers[name].columns if c in needed or c == "geometry"]]
    assert keys_of(html_of({name: bare}, language="en"))


def test_rows_without_a_place_are_left_out(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A missing or empty geometry is skipped and the rest keeps its own values."""
    parks = layers["parks"].iloc[:4].copy()
    parks = parks.set_geometry(
        gpd.GeoSeries(
            [None, parks.geometry.iloc[1], shapely.Polygon(), parks.geometry.iloc[3]], index=parks.index, crs=parks.crs
        )
    )
    spec = spec_of(html_of({"parks": parks}), "parks")
    assert words_of(spec["title"][0]) == [parks["name"].iloc[1], parks["name"].iloc[3]]


def test_coordinates_keep_a_tenth_of_a_metre(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Unpacked, every vertex of every parcel lies within a tenth of a metre of where it was."""
    geo = spec_of(html_of({"parcels": layers["parcels"]}), "parcels")["geo"]
    assert geo["n"] == len(layers["parcels"])
    back = gpd.GeoSeries(shapes_of(geo), crs=4326).to_crs(layers["parcels"].crs)
    far = shapely.hausdorff_distance(back.to_numpy(), layers["parcels"].geometry.to_numpy())
    assert len(far) == geo["n"]
    assert far.max() < 0.1


def test_holes_and_many_parts_are_packed() -> None:
    """Polygons with holes, multi-part polygons and lines come out of the archive as they went in, rings the other way round than holes."""
    ring = shapely.Polygon(
        [(0, 0), (4, 0), (4, 4), (0, 4)], [[(1, 1), (2, 1), (2, 2), (1, 2)], [(3, 3), (3.5, 3), (3, 3.5)]]
    )
    areas = [
        ring,
        shapely.MultiPolygon([shapely.box(5, 5, 6, 6), shapely.box(7, 7, 8, 9)]),
        shapely.box(-3, -3, -2, -2),
    ]
    lines = [
        shapely.LineString([(0, 0), (1, 1), (2, 0)]),
        shapely.MultiLineString([[(0, 5), (1, 5)], [(3, 5), (4, 6)]]),
    ]
    points = [shapely.Point(180, 85), shapely.Point(-180, -85)]
    for kind, given in {"area": areas, "line": lines, "point": points}.items():
        piece = archive.geometry(np.array(given, dtype=object), kind)
        geo = content_of(f'<script type="text/plain" id="lifecircle-data">{archive.packed(piece)}</script>')
        for shape, back in zip(given, shapes_of(geo), strict=True):
            assert shapely.hausdorff_distance(shape, back) < 1e-6
            assert abs(shape.area - back.area) < 1e-5
        if kind == "area":
            ends = np.cumsum([0, *geo["levels"][0]])
            turns = [shapely.LinearRing(geo["at"][a:b]).is_ccw for a, b in itertools.pairwise(ends)]
            assert turns == [turns[0], not turns[0], not turns[0], turns[0], turns[0], turns[0]]


def test_layers_of_one_geometry_share_it(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Parcels and candidate land, and communities at three tiers, store their outlines once."""
    content = content_of(html_of(layers))
    outlines = [form for form, _, _ in content["pieces"] if form.startswith("ga")]
    shared = [
        ("land", "parcels"),
        ("coverage_5", "coverage_10"),
        ("coverage_5", "coverage_15"),
        ("coverage_5", "areas"),
    ]
    for one, other in shared:
        assert content["layers"][one][0]["geo"] is content["layers"][other][0]["geo"]
    assert len(outlines) < sum(spec[0]["kind"] == "area" for spec in content["layers"].values()) - 3


def test_the_legend_holds_only_what_is_there(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Each layer carries the classes its rows have and no other, in the order of the standard."""
    parcels = layers["parcels"].iloc[:6].copy()
    parcels["land_use"] = ["1001", "070102", "0701", "1401", "9999", None]
    html = html_of({"parcels": parcels})
    spec = spec_of(html, "parcels")
    assert [c["l"] for c in spec["classes"]] == ["城镇住宅用地", "工业用地", "公园绿地", "地类未知"]
    assert [c["c"] for c in spec["classes"]][:3] == ["#FFFF2D", "#BB9674", "#00FF00"]
    assert spec["cls"] == [1, 0, 0, 2, 3, 3]


def test_completeness_classes(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A share on a boundary belongs to the class above, 100 % to the highest, and a missing one is not known."""
    areas = layers["coverage_areas"].iloc[:4].assign(completeness_15=[0.2, 1.0, 0.6 - 1e-12, np.nan])
    spec = spec_of(html_of({"coverage_areas": areas}), "coverage_15")
    assert [spec["classes"][code]["l"] for code in spec["cls"]] == ["20–30 %", "90–100 %", "60–70 %", "未知"]


def test_evidence_of_candidate_land(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Candidate land carries each rule's answer, value and threshold, and its name comes from the parcels."""
    html = html_of(layers)
    spec = spec_of(html, "land")
    rules = spec["pop"]["rules"]
    assert [(rule["h"], rule["s"]) for rule in rules] == [("容积率 < 1", "某市标准"), ("亩均税收 < 5", "某市标准")]
    answers = [rules[0]["a"]["w"][code] for code in rules[0]["a"]["v"]]
    assert answers == layers["land"]["L1"].tolist()
    assert "L1_threshold" not in json.dumps(spec, default=str)


def test_gaps_are_gathered_by_community(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Each community is drawn once with its own gaps listed, most people first."""
    spec = spec_of(html_of({"gaps": layers["gaps"]}, language="en"), "gaps")
    ids = layers["gaps"]["area_id"].unique()
    rows = spec["pop"]["list"]["rows"]
    assert len(rows) == len(ids)
    expected = layers["gaps"][layers["gaps"]["area_id"] == ids[0]]
    assert [row[0] for row in rows[0]] == expected["rank"].tolist()
    assert [row[3] for row in rows[0]] == expected["residents_left_out"].tolist()


def test_gaps_ranked_by_their_index(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Gaps whose rank is the index are drawn as those that have it as a column."""
    by_index = layers["gaps"].set_index("rank")
    a, b = html_of({"gaps": layers["gaps"]}), html_of({"gaps": by_index})
    assert spec_of(a, "gaps")["pop"]["list"] == spec_of(b, "gaps")["pop"]["list"]


def test_search_names_are_unique(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Facilities of one name are told apart by their number, so each can be found."""
    same = layers["facilities"].assign(name=pd.array(["诊所"] * len(layers["facilities"]), dtype="str"), kind="clinic")
    html = html_of({"facilities": same, "parks": layers["parks"]})
    index = page_of(html)["index"]
    names = [name for entry in index for name in entry["names"]]
    assert len(names) == len(set(names)) == len(same) + len(layers["parks"])
    assert f"诊所 · 门诊部 ({same.index[0]})" in names


def test_words_of_the_caller_come_first(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A word or heading the caller gives replaces the one that is known."""
    html = html_of(layers, words={"river": "涪江", "L1": "容积率规则"})
    assert "涪江" in {c["l"] for c in spec_of(html, "barriers")["classes"]}
    assert spec_of(html, "land")["pop"]["rules"][0]["l"] == "容积率规则"


@pytest.mark.parametrize(("language", "mark"), [("zh", "虚构示例"), ("en", "Synthetic example")])
def test_a_made_up_place_is_marked(layers: dict[str, gpd.GeoDataFrame], language: str, mark: str) -> None:
    """A synthetic place says so in the page, a real one does not."""
    assert page_of(html_of(layers, language=language, synthetic=True))["badge"].startswith(mark)
    assert page_of(html_of(layers, language=language))["badge"] == ""


def test_an_english_page_has_no_chinese_words_of_ours(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Apart from what the data say, an English page is in English."""
    plain = {
        name: frame.assign(
            **{c: "x" for c in ("name", "source", "L1_source", "L2_value", "L2_threshold", "L2_source") if c in frame}
        )
        for name, frame in layers.items()
    }
    html = html_of(plain, title="Town", language="en")
    for key in keys_of(html):
        assert not re.search(r"[\u4e00-\u9fff]", json.dumps(spec_of(html, key), ensure_ascii=False, default=str)), key


def test_a_frame_is_not_written_into(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Drawing leaves every layer as it was."""
    before = {name: frame.copy() for name, frame in layers.items()}
    html_of(layers)
    for name, frame in layers.items():
        pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(before[name]))


def test_a_notebook_shows_the_same_page(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Shown in a notebook the map carries its scripts too, so it needs no network there either."""
    shown = overview.draw(layers, title="青川")._repr_html_()
    assert "cdn.jsdelivr.net/npm/leaflet@" not in shown
    assert "lifecircle.layer(" in shown


def test_the_sample_towns_page_is_small(tmp_path: Path) -> None:
    """A thousand parcels, four thousand buildings, 350 facilities and three thousand homes take less than 3 MB."""
    from published_town import town

    overview.write(town(blocks=16, homes=3000, facilities=350), tmp_path / "town.html", title="青川")
    assert (tmp_path / "town.html").stat().st_size < 3_000_000


def test_nothing_heavy_is_loaded_before_it_is_used() -> None:
    """Importing lifecircle.publish loads neither folium nor xlsxwriter."""
    code = "import sys, lifecircle.publish; sys.exit(bool({'folium', 'xlsxwriter', 'matplotlib', 'branca'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_colours_of_other_editions(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A code means what its own edition says: 0601 is industry in 三调 and a rural road later; 2020 borrows from 2023."""
    parcels = layers["parcels"].iloc[:5].copy()
    parcels["land_use"] = ["0601", "0810A", "070102", "1001", "0702"]
    parcels["land_use_edition"] = ["sandiao_2019", "sandiao_2019", "yonghai_2020", "yonghai_2020", None]
    spec = spec_of(html_of({"parcels": parcels}), "parcels")
    colours = [spec["classes"][code]["c"] for code in spec["cls"]]
    assert colours == ["#D29187", "#FFAAC8", "#FFFF2D", "#BB9674", "#ffffff"]
    assert spec["classes"][spec["cls"][4]]["l"] == "地类未知"


def test_a_basemap_is_off_until_it_is_named() -> None:
    """Without a basemap the page has no tile layer; with one it names its tiles and credits their host."""
    square = gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    plain = overview.draw({"areas": square}, title="t").get_root().render()
    assert "var tile_layer_" not in plain
    tiles = "https://tiles.example.org/{z}/{x}/{y}.png"
    named = overview.draw({"areas": square}, title="t", basemap=tiles).get_root().render()
    assert f'"{tiles}"' in named
    assert re.search(r'"attribution": "tiles.example.org"', named)


def test_service_areas_open_on_the_kind_most_people_lack(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Of the required kinds that have an area the one with the most people left out is picked; without figures the first."""
    spec = spec_of(html_of({"service_areas": layers["service_areas"]}), "service_areas")
    assert spec["pick"]["at"] == 0
    town = pd.DataFrame(
        {
            "kind": ["clinic", "kindergarten", "food_market", "library"],
            "required": [True, True, False, True],
            "method": "minutes",
            "residents_left_out": [10.0, 5.0, 99.0, 50.0],
        }
    )
    picked = spec_of(
        html_of({"service_areas": layers["service_areas"], "coverage_town": town}, language="en"), "service_areas"
    )["pick"]
    assert picked["values"][picked["at"]] == "Outpatient clinic"
    assert sorted(picked["of"]) == sorted([0, 1, 2, 3, 4] * 3)
    assert HOSTILE in picked["values"]


def test_bands_name_the_band_inside_them(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Each band is drawn without the next smaller one of its kind, the smallest whole."""
    spec = spec_of(html_of({"service_areas": layers["service_areas"]}), "service_areas")
    kind, limit = spec["pick"]["of"], spec["cls"]
    for place, inner in enumerate(spec["nest"]):
        assert (inner == 0) is (limit[place] == 0)
        if inner:
            assert (kind[inner - 1], limit[inner - 1]) == (kind[place], limit[place] - 1)


def test_traced_outlines_are_drawn_with_few_vertices() -> None:
    """A circle of ten thousand vertices is drawn with few, none farther from it than 5 m and the metre it is rounded to."""
    circle = shapely.Point(500_000, 3_600_000).buffer(900, quad_segs=2500)
    frame = gpd.GeoDataFrame({"kind": ["clinic"], "limit_min": [15.0]}, geometry=[circle], crs=4547)
    html = html_of({"service_areas": frame})
    geo = spec_of(html, "service_areas")["geo"]
    assert geo["levels"][0][0] < 100
    drawn = gpd.GeoSeries(shapely.points(degrees(geo["at"])), crs=4326).to_crs(4547)
    assert abs(drawn.distance(shapely.Point(500_000, 3_600_000)) - 900).max() < 1
    ring = shapely.LinearRing(shapely.get_coordinates(drawn.array))
    assert shapely.hausdorff_distance(ring, circle.exterior) < 6


def test_gap_areas_say_what_is_missing(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """The kinds missing in a gap area are listed with people and minutes, most people first, and told in its tooltip."""
    missing = pd.DataFrame(
        {
            "gap_id": ["15-1", "15-1", "5-1"],
            "kind": ["clinic", "library", "bus_stop"],
            "residents_left_out": [400.0, 300.4, 7.0],
            "walk_min": [17.26, np.nan, 6.0],
        }
    )
    spec = spec_of(html_of({"gap_areas": layers["gap_areas"], "gap_missing": missing}, language="en"), "gap_areas")
    place = list(layers["gap_areas"].index).index("15-1")
    assert spec["pop"]["list"]["rows"][place] == [["Outpatient clinic", 400, 17.3], ["Library", 300, "unreachable"]]
    said = next(field for field in spec["tip"] if field["l"] == "Missing")
    assert words_of(said)[place] == "Outpatient clinic, Library"
    assert spec["pick"]["values"] == ["5-minute tier", "10-minute tier", "15-minute tier"]
    assert spec["pick"]["at"] == 2


def test_a_block_lists_its_evidence(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """The popup of a block lists its plots, the largest first, each with why; plots of no block are in none, and of 22 plots two are left off."""
    first, second = layers["renewal_blocks"].index[:2]
    evidence = pd.DataFrame(
        {
            "plot_id": ["P1", "P2", "P3", *(f"Q{n:02}" for n in range(22))],
            "block_id": [first, first, None, *[second] * 22],
            "why": ["gap", "low_efficiency, old_compound", "gap", *["idle_asset"] * 22],
            "plot_m2": [10.4, 20.0, 5.0, *np.arange(22.0, 0, -1)],
        }
    )
    tables = {"renewal_blocks": layers["renewal_blocks"], "renewal_block_evidence": evidence}
    rows = spec_of(html_of(tables, language="en"), "renewal_blocks")["pop"]["list"]["rows"]
    assert rows[0] == [["P2", "Low-efficiency land, Old compound", 20], ["P1", "Gap", 10]]
    assert [row[0] for row in rows[1]] == [*(f"Q{n:02}" for n in range(20)), "2 more, see the table"]


def test_cells_without_anybody_left_out_and_unknown_cells(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A cell where nobody is left out and one where nothing is known have classes of their own."""
    spec = spec_of(html_of({"gap_grid": layers["gap_grid"]}, language="en"), "gap_grid")
    said = [spec["classes"][code]["l"] for code in spec["cls"]]
    ids = list(layers["gap_grid"].index)
    assert said[ids.index("0_0")] == "Nobody left out"
    assert said[ids.index("0_5")] == "Not known"
    assert said[ids.index("5_4")].endswith("–55 residents")


def test_the_summary_has_small_print_and_loud_lines(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A third column goes below its figure, and a line of the note marked ⚠ is kept apart from the rest."""
    summary = pd.DataFrame({"what": ["a", "b"], "value": ["1", "2"], "more": ["", "at most 3"]})
    html = html_of({"parks": layers["parks"]}, summary=summary, note="⚠ thin\nplain")
    content = page_of(html)
    assert content["summary"] == [["a", "1"], ["b", "2", "at most 3"]]
    assert (content["warn"], content["note"]) == (["thin"], "plain")
