"""A map a theme, two states side by side, any frame; and what comes of layers with next to nothing in them."""

from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pytest
import shapely
from packed_page import content_of, keys_of, page_of, shapes_of, spec_of, words_of
from published_town import HOSTILE, TEMPLATE, compared, converted

from lifecircle.errors import CrsError, OutputError
from lifecircle.publish import frame_map, overview, side_by_side, themes


def html_of(drawn: folium.Map) -> str:
    return str(drawn.get_root().render())


def shown(html: str) -> set[str]:
    """The layers that the page's script puts onto the map."""
    return {key for key in keys_of(html) if f"features_{key}.addTo(" in html}


@pytest.mark.parametrize("theme", sorted(themes.THEMES))
def test_a_theme_has_its_layers(layers: dict[str, gpd.GeoDataFrame], theme: str) -> None:
    """The map of a theme has every layer of its own that there is, nothing of other themes' questions, and opens on its own."""
    told = themes.THEMES[theme]
    html = html_of(themes.draw(layers, theme, title="青川"))
    keys = set(keys_of(html))
    everything = set(keys_of(html_of(overview.draw(layers, title="青川"))))
    assert keys == {*told.asked, *told.beside} & everything
    assert shown(html) & set(told.asked)
    assert page_of(html)["subtitle"] == told.name[0]


def test_all_maps_are_written_at_once(tmp_path: Path, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """One call writes the overview and a map for each theme that has a layer; each is the one drawn alone, byte for byte."""
    some = {name: layers[name] for name in ("streets", "areas", "parks", "park_reach", "pipes")}
    cover = overview.Cover(title="青川", subtitle=overview.SUBTITLE)
    made = themes.write_all(some, tmp_path, cover=cover, language="zh")
    assert made == ["overview.html", "parks.html", "pipes.html"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(made)
    alone = html_of(themes.draw(some, "parks", title="青川"))
    assert shown(alone) == shown((tmp_path / "parks.html").read_text(encoding="utf-8"))
    assert html_of(overview.draw(some, title="青川")) == (tmp_path / "overview.html").read_text(encoding="utf-8")


def test_what_is_no_theme_or_has_no_layer_is_refused(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A word that is no theme, a theme without a layer of its own, and a language nobody speaks here are refused in one sentence."""
    with pytest.raises(OutputError, match=r"overview.*coverage, land"):
        themes.draw(layers, "overview", title="t")
    with pytest.raises(OutputError, match="no layer"):
        themes.draw({"streets": layers["streets"]}, "parks", title="t")
    with pytest.raises(OutputError, match="zh, en, both"):
        overview.draw({"streets": layers["streets"]}, title="t", language="fr")


def test_both_languages_share_the_numbers(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A page in both languages has each layer's words twice and its outlines and figures once."""
    html = html_of(
        overview.draw(layers, title={"zh": "青川", "en": "Qingchuan"}, language="both", note={"zh": "注", "en": "Note"})
    )
    assert [page_of(html, k)["title"] for k in (0, 1)] == ["青川", "Qingchuan"]
    assert [page_of(html, k)["note"] for k in (0, 1)] == ["注", "Note"]
    content = content_of(html)
    for key, (zh, en) in content["layers"].items():
        assert zh["geo"] is en["geo"], key
    assert content["layers"]["parks"][0]["name"] == "公园绿地"
    assert content["layers"]["parks"][1]["name"] == "Parks"
    assert len(html) < 1.25 * len(html_of(overview.draw(layers, title="青川")))


def test_rankings_lead_to_their_rows(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Gap areas are ranked by people left out; each entry points at the row of the layer that it names."""
    html = html_of(overview.draw(layers, title="青川"))
    ranked = next(one for one in page_of(html)["lists"] if one["key"] == "gap_areas")
    frame = layers["gap_areas"]
    assert [row[0] for row in ranked["rows"]] == list(range(len(frame)))  # 1200, 1100, … as they stand
    names = words_of(spec_of(html, "gap_areas")["title"][0])
    assert [row[1] for row in ranked["rows"]] == names
    assert [row[2] for row in ranked["rows"]] == [f"{many:,.0f}" for many in frame["residents_left_out"]]
    land = next(one for one in page_of(html)["lists"] if one["key"] == "gaps")
    assert [float(row[2].replace(",", "")) for row in land["rows"]] == sorted(
        layers["gaps"].groupby("area_id")["residents_left_out"].sum(), reverse=True
    )


@pytest.mark.parametrize(("language", "unit", "other"), [("zh", "住房", "人"), ("en", "dwellings", "people")])
def test_rankings_of_dwellings_speak_of_no_people(
    layers: dict[str, gpd.GeoDataFrame], language: str, unit: str, other: str
) -> None:
    """Where nobody is counted but dwellings, rankings of gaps are by dwellings and say so."""
    counted = {
        name: layers[name].rename(columns=lambda column: str(column).replace("residents", "dwellings"))
        for name in ("gaps", "gap_areas")
    }
    html = html_of(overview.draw(layers | counted, title="青川", language=language))
    titles = {one["key"]: one["title"] for one in page_of(html)["lists"]}
    for key in counted:
        assert unit in titles[key]
        assert other not in titles[key]


def test_what_is_shown_is_ranked_first(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """On the map of renewal blocks their own ranking comes before that of gap areas."""
    html = html_of(themes.draw(layers, "blocks", title="青川"))
    assert next(one["key"] for one in page_of(html)["lists"]) == "renewal_blocks"


# -- side by side --------------------------------------------------------------------------------------------------------


def test_what_is_the_same_is_carried_once(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Streets stand on both sides as one layer, facilities that differ on each side under one name, a scenario on its side only."""
    before = {name: layers[name] for name in ("streets", "facilities", "areas")}
    after = before | {"facilities": layers["facilities"].iloc[1:]} | compared(layers["coverage_homes"])
    html = html_of(side_by_side.draw(before, after, title="青川"))
    held = content_of(html)["layers"]
    assert {key: spec[0].get("side") for key, spec in held.items()} == {
        "streets": None,
        "areas": None,
        "facilities_before": 1,
        "facilities_after": 2,
        "homes_changed_after": 2,
        "scenario_point_after": 2,
        "scenario_line_after": 2,
    }
    assert held["facilities_before"][0]["name"] == held["facilities_after"][0]["name"]
    assert page_of(html)["compare"] == ["变化前", "变化后"]
    kinds = {entry["key"]: entry["kind"] for entry in page_of(html)["index"]}
    assert kinds == {"facilities_after": "设施", "facilities_before": "设施 · 变化前"}
    assert html == html_of(side_by_side.draw(before, after, title="青川"))


# -- any frame -----------------------------------------------------------------------------------------------------------


def test_any_frame_can_be_drawn() -> None:
    """A frame with its own columns is drawn with classes by one of them, hover and click as asked for, and found by its index."""
    frame = gpd.GeoDataFrame(
        {"name": [HOSTILE, TEMPLATE, None], "use": ["b", "a", None], "far": [1.5, np.nan, 2.0]},
        geometry=[shapely.box(k, 0, k + 1, 1) for k in range(3)],
        index=["x", "y", "z"],
        crs=4326,
    )
    html = html_of(frame_map.draw(frame, title="t", by="use", colours={"b": "#123456"}, tip=["far"], language="en"))
    (key,) = keys_of(html)
    spec = spec_of(html, key)
    assert [c["l"] for c in spec["classes"]] == ["b", "a", "Not known"]
    assert spec["classes"][0]["c"] == "#123456"
    assert spec["cls"] == [0, 1, 2]
    assert [field["v"] for field in spec["tip"]] == [[1.5, None, 2.0]]
    assert "<img" not in html.split("</style>")[-1]
    assert page_of(html)["index"][0]["names"] == [f"x {HOSTILE}", f"y {TEMPLATE}", "z"]
    assert html == html_of(
        frame_map.draw(frame, title="t", by="use", colours={"b": "#123456"}, tip=["far"], language="en")
    )


def test_colours_for_a_class_nobody_listed() -> None:
    """A class without a colour gets one that no other has; beyond 24 classes the rarest are together, and say so."""
    names = [f"class {k:02}" for k in range(40) for _ in range(40 - k)]
    frame = gpd.GeoDataFrame({"use": names}, geometry=shapely.points(np.arange(len(names)) / 1e4, 0), crs=4326)
    html = html_of(frame_map.draw(frame, title="t", by="use", colours={"class 39": "#ff0000", "nowhere": "#00ff00"}))
    classes = spec_of(html, keys_of(html)[0])["classes"]
    said = [c["l"] for c in classes]
    assert said == ["class 39", *(f"class {k:02}" for k in range(24)), "其他"]
    assert len({c["c"] for c in classes}) == len(classes)


def test_a_frame_that_cannot_be_drawn() -> None:
    """No shape, no coordinate system, no such column and no colour each have their sentence."""
    spot = gpd.GeoDataFrame({"a": ["b"]}, geometry=[shapely.Point(1, 1)], crs=4326)
    with pytest.raises(OutputError, match="nothing to draw"):
        frame_map.draw(spot.iloc[:0], title="t")
    with pytest.raises(CrsError):
        frame_map.draw(spot.set_crs(None, allow_override=True), title="t")
    with pytest.raises(OutputError, match="no column c"):
        frame_map.draw(spot, title="t", by="c")
    with pytest.raises(OutputError, match="#rrggbb"):
        frame_map.draw(spot, title="t", by="a", colours={"b": "red;}</style>"})


def test_kinds_that_are_left_out_are_said() -> None:
    """Of a frame of areas with a line and an empty row among them the areas are drawn, and the note counts the rest."""
    shapes = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.LineString([(0, 0), (1, 1)]), None]
    html = html_of(frame_map.draw(gpd.GeoDataFrame(geometry=shapes, crs=4326), title="t", language="en"))
    assert page_of(html)["note"] == "Not drawn: 2 rows without a shape or of another kind."
    assert len(shapes_of(spec_of(html, keys_of(html)[0])["geo"])) == 2


# -- next to nothing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en", "both"])
def test_a_layer_of_no_rows(layers: dict[str, gpd.GeoDataFrame], language: str) -> None:
    """Layers of no rows are as if they were not there, whichever they are."""
    every: dict[str, Any] = layers | converted(layers["assets"]) | compared(layers["coverage_homes"])
    empty = {name: frame.iloc[:0] for name, frame in every.items() if name != "streets"}
    html = html_of(overview.draw({**empty, "streets": layers["streets"]}, title="青川", language=language))
    assert keys_of(html) == ["streets"]


def test_a_community_of_one_home(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Each layer with its first row alone still makes a map, thirds and ranks of one among them."""
    every: dict[str, Any] = layers | converted(layers["assets"])
    html = html_of(overview.draw({name: frame.iloc[:1] for name, frame in every.items()}, title="青川"))
    assert {"coverage_15", "gaps", "gap_areas", "gap_grid", "coverage_homes"} <= set(keys_of(html))
    ranked = next(one for one in page_of(html)["lists"] if one["key"] == "gap_areas")
    assert len(ranked["rows"]) == 1


def test_a_study_without_communities(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Without communities the other layers are drawn, and candidate land is what is seen first."""
    some = {name: frame for name, frame in layers.items() if name not in ("areas", "coverage_areas", "gaps")}
    html = html_of(overview.draw(some, title="青川"))
    assert not [key for key in keys_of(html) if key in ("areas", "gaps") or key in ("coverage_5", "coverage_15")]
    assert "land" in shown(html)


def test_land_of_a_use_nobody_listed(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A code that is in no edition is drawn as not known, and a kind of barrier or network nobody listed as other."""
    html = html_of(
        overview.draw(
            {
                "parcels": layers["parcels"].assign(land_use="ZZ99"),
                "barriers": layers["barriers"].assign(kind="dragon"),
                "pipes": layers["pipes"].assign(network="ether"),
            },
            title="t",
            language="en",
        )
    )
    said = {key: [c["l"] for c in spec_of(html, key)["classes"]] for key in keys_of(html)}
    assert said == {"parcels": ["Land use not known"], "barriers": ["Other barrier"], "pipes": ["Other"]}


def test_gap_areas_of_one_name_are_told_apart(layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Without communities all gap areas bear the town's name: the ranking adds their numbers, and only then."""
    frame = layers["gap_areas"].assign(name="青川", tier=15)
    html = html_of(overview.draw(layers | {"gap_areas": frame}, title="青川"))
    ranked = next(one for one in page_of(html)["lists"] if one["key"] == "gap_areas")
    ids = frame["gap_id"] if "gap_id" in frame else frame.index
    assert sorted(row[1] for row in ranked["rows"]) == sorted(f"青川 · {gap}" for gap in ids)
