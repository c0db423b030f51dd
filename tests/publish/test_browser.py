"""The overview map in a real browser with the network cut: nothing is asked for, everything works."""

import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from published_town import HOSTILE, PIXEL, TEMPLATE, compared

from lifecircle.publish import assets, frame_map, overview, side_by_side

sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
# where a feature lies on the screen: the middle of a polygon's box, or a point
SPOT = """([key, i]) => {
  const p = lifecircle.map.latLngToContainerPoint(lifecircle.layers[key].box(i).getCenter());
  return [p.x, p.y];
}"""


class Watched:
    """A page of the browser and everything it asked for or complained about."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.asked: list[str] = []
        self.said: list[str] = []
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("dialog", self._dialog)
        page.route("**/*", self._route)

    def _dialog(self, dialog: Any) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _route(self, route: Any) -> None:
        url = route.request.url
        if url == self.home or url.startswith("data:"):
            route.continue_()
        else:
            self.asked.append(url)
            route.abort()

    def open(self, path: Path) -> None:
        self.home = path.as_uri()
        self.page.goto(self.home)
        self.page.wait_for_function("window.lifecircle && lifecircle.isReady")

    def quiet(self) -> bool:
        """Whether nothing was asked of the network and nothing was said on the console; shows what was."""
        assert self.asked == []
        assert self.said == []
        return True

    def only(self, *keys: str) -> None:
        """Show these layers and no others."""
        self.page.evaluate(
            """keys => { for (const key in lifecircle.layers) {
              const layer = lifecircle.layers[key];
              if (keys.includes(key)) layer.addTo(lifecircle.map); else layer.remove(); } }""",
            list(keys),
        )

    def hover(self, key: str, number: int, having: str = "") -> str:
        """The text of the tooltip over a feature; on a busy machine it may take a while until it holds `having`."""
        x, y = self.page.evaluate(SPOT, [key, number])
        text = ""
        for _ in range(12):
            self.page.mouse.move(x + 30, y + 40)
            self.page.wait_for_timeout(60)
            self.page.mouse.move(x, y, steps=4)
            self.page.wait_for_timeout(350)  # a tooltip left behind fades
            tip = self.page.locator(".lc-tip")
            tip.first.wait_for(state="visible", timeout=5000)
            text = str(tip.last.inner_text())
            if having in text:
                break
        return text


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, layers: dict[str, gpd.GeoDataFrame]) -> Path:
    out: Path = tmp_path_factory.mktemp("map") / "overview.html"
    summary = pd.DataFrame({"what": ["常住人口", HOSTILE], "value": ["60,312 人", "1"]})
    overview.write(layers, out, title="青川县城", synthetic=True, summary=summary, note=f"{HOSTILE}{TEMPLATE}")
    return out


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, layers: dict[str, gpd.GeoDataFrame]) -> Path:
    """Two states side by side."""
    out: Path = tmp_path_factory.mktemp("map") / "pair.html"
    before = {name: layers[name] for name in ("streets", "facilities", "areas", "coverage_areas")}
    after = before | {"facilities": layers["facilities"].iloc[:1]} | compared(layers["coverage_homes"])
    overview.save(side_by_side.draw(before, after, title="青川县城 · new_nursery_and_gate", synthetic=True), out)
    return out


@pytest.fixture
def seen(browser: Any, path: Path) -> Iterator[Watched]:
    """The map, opened with the network cut; no matter what a test does with it, it must stay quiet."""
    context = browser.new_context(offline=True, viewport={"width": 1400, "height": 900})
    watched = Watched(context.new_page())
    watched.open(path)
    yield watched
    watched.quiet()
    context.close()


def test_opening_asks_nothing(seen: Watched) -> None:
    """Opened, the page draws, asks nothing of the network and has nothing to say."""
    seen.page.wait_for_timeout(500)
    assert seen.page.locator(".lc-canvas.leaflet-zoom-animated canvas").count() == 2
    drawn = seen.page.evaluate(
        """() => { const c = document.querySelector('canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        let n = 0; for (let i = 3; i < d.length; i += 4) if (d[i]) n++; return n / (d.length / 4); }"""
    )
    assert drawn > 0.1
    assert seen.quiet()


def test_what_is_shown_at_first(seen: Watched) -> None:
    """At first communities by completeness, where the data end, streets, parks, barriers and facilities are shown."""
    on = seen.page.evaluate("Object.keys(lifecircle.layers).filter(k => lifecircle.map.hasLayer(lifecircle.layers[k]))")
    assert sorted(on) == ["barriers", "coverage_15", "edge_of_data", "facilities", "parks", "streets"]
    assert seen.page.locator(".lc-badge").inner_text().startswith("虚构示例")
    assert seen.page.locator(".leaflet-control-scale-line").inner_text().endswith("m")


def test_every_layer_can_be_switched(seen: Watched, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Clicking each box in the control shows its layer with all its features, and clicking again hides it."""
    page = seen.page
    boxes = page.locator(".lc-layers input")
    count = boxes.count()
    assert count == len(layers) + 2  # communities stand at three tiers
    assert page.evaluate("lifecircle.order.length") == count
    page.evaluate("document.querySelectorAll('.lc-shut').forEach(g => g.querySelector('.lc-group-name').click())")
    assert page.locator(".lc-shut").count() == 0
    shown = "() => lifecircle.order.filter(l => lifecircle.map.hasLayer(l)).length"
    for place in range(count):
        box = boxes.nth(place)
        before, was_on = page.evaluate(shown), box.is_checked()
        box.click()
        page.wait_for_timeout(80)
        after = page.evaluate(shown)
        assert after == before - 1 if was_on else after in (before, before + 1), place
        assert boxes.nth(place).is_checked() is not was_on
        boxes.nth(place).click()
        page.wait_for_timeout(80)
    sizes = page.evaluate("Object.fromEntries(Object.entries(lifecircle.layers).map(([k, l]) => [k, l.get().n]))")
    for name in ("parcels", "buildings", "pipes", "facilities", "coverage_homes", "land", "assets", "pipe_nodes"):
        assert sizes[name] == len(layers[name])


def test_the_tiers_take_turns(seen: Watched) -> None:
    """Showing communities at 5 minutes hides those at 15, and the boxes say so."""
    seen.page.get_by_text("5 分钟设施完整度", exact=True).locator("visible=true").last.click()
    seen.page.wait_for_timeout(150)
    on = seen.page.evaluate("Object.keys(lifecircle.layers).filter(k => lifecircle.map.hasLayer(lifecircle.layers[k]))")
    assert [key for key in on if key.startswith("coverage_")] == ["coverage_5"]
    checked = seen.page.locator(".lc-layers label:has(input:checked)").all_inner_texts()
    assert [text.strip() for text in checked if "完整度" in text] == ["5 分钟设施完整度"]


def test_the_legend_follows_the_layers(seen: Watched) -> None:
    """The legend lists the classes of the layers that are shown, and of no others."""
    legend = seen.page.locator(".lc-legend")
    assert "15 分钟设施完整度" in legend.inner_text()
    assert "工业用地" not in legend.inner_text()
    seen.only("parcels")
    seen.page.wait_for_timeout(100)
    assert "工业用地" in legend.inner_text()
    assert "15 分钟设施完整度" not in legend.inner_text()
    seen.only()
    seen.page.wait_for_timeout(100)
    assert "未显示图层" in legend.inner_text()


def test_tooltips_on_hover(seen: Watched, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Hovering shows name and figures: of a community, of a facility above it, of a parcel."""
    seen.only("coverage_15")
    area = layers["coverage_areas"].iloc[2]
    text = seen.hover("coverage_15", 2, area["name"])
    assert area["name"] in text
    assert f"{area['residents']:,.0f}" in text
    assert f"{100 * area['completeness_15']:.1f}".rstrip("0").rstrip(".") + " %" in text
    seen.only("coverage_15", "facilities")
    name = layers["facilities"]["name"].iloc[5]
    assert name in seen.hover("facilities", 5, name)
    seen.only("parcels")
    number = layers["parcels"].index[40]
    assert number in seen.hover("parcels", 40, number)


def test_layers_above_stay_above(seen: Watched) -> None:
    """A layer of areas switched on later is drawn below the points that were there, which still answer the mouse."""
    seen.only("facilities")
    seen.page.evaluate("lifecircle.layers.coverage_15.addTo(lifecircle.map)")
    assert "公共服务设施" in seen.hover("facilities", 7, "公共服务设施")


def test_unknown_is_said(seen: Watched, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A community whose completeness is missing says 未知 in its tooltip."""
    seen.only("coverage_15")
    assert "未知" in seen.hover("coverage_15", len(layers["coverage_areas"]) - 1, "未知")


@pytest.mark.parametrize(("number", "name"), [(0, HOSTILE), (1, TEMPLATE)])
def test_a_hostile_parcel_is_only_text(seen: Watched, number: int, name: str) -> None:
    """A parcel named like markup shows that name in tooltip, popup and search, and nothing of it runs."""
    seen.only("parcels")
    assert name in seen.hover("parcels", number, name)
    seen.page.mouse.click(*seen.page.evaluate(SPOT, ["parcels", number]))
    assert name in seen.page.locator(".leaflet-popup").inner_text()
    box = seen.page.locator(".lc-find input")
    box.fill("")
    box.press_sequentially(f"P000{number + 1}")
    tips = seen.page.locator(".lc-find li")
    tips.first.wait_for(state="visible")
    assert name in tips.first.inner_text()
    tips.first.click()
    seen.page.wait_for_timeout(300)
    assert name in seen.page.locator(".leaflet-popup").inner_text()
    assert seen.page.locator(".folium-map img").count() == 0


def test_the_title_box_is_only_text(seen: Watched) -> None:
    """Summary and note show markup as text."""
    text = seen.page.locator(".lc-title").inner_text()
    assert text.count(HOSTILE) == 2
    assert TEMPLATE in text
    assert seen.page.locator(".lc-title img").count() == 0


def test_search_leads_to_a_parcel(seen: Watched, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A parcel found by its number is shown with its evidence, though its layer was off."""
    box = seen.page.locator(".lc-find input")
    box.press_sequentially("p0078")
    seen.page.locator(".lc-find li").first.wait_for(state="visible")
    box.press("Enter")
    popup = seen.page.locator(".leaflet-popup")
    popup.wait_for(state="visible")
    text = popup.inner_text()
    land = layers["land"].loc["P0078"]
    assert "P0078" in text
    assert {"candidate": "低效用地候选", "not known": "信息不足，未知", "not candidate": "非候选"}[
        land["candidate"]
    ] in text
    assert ("容积率 < 1" in text) is (land["L1"] != "not applicable")
    assert seen.page.evaluate("lifecircle.map.hasLayer(lifecircle.layers.land)")
    group = seen.page.locator(".lc-group", has_text="用地与建筑")
    assert "lc-shut" not in (group.get_attribute("class") or "")


def test_search_leads_to_a_facility(seen: Watched) -> None:
    """Part of a facility's name finds it; what nobody is called says so."""
    box = seen.page.locator(".lc-find input")
    box.press_sequentially("18号")
    seen.page.locator(".lc-find li").first.click()
    popup = seen.page.locator(".leaflet-popup")
    popup.wait_for(state="visible")
    assert popup.inner_text().startswith("第18号")
    box.fill("")
    box.press_sequentially("无此地")
    box.press("Enter")
    assert seen.page.locator(".lc-find li").inner_text() == "没有找到"


def test_gaps_list_what_is_missing(seen: Watched, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Clicking a community of the gap layer lists its gaps with people left out."""
    seen.only("gaps")
    seen.page.evaluate("lifecircle.show('gaps', 0)")
    text = seen.page.locator(".leaflet-popup").inner_text()
    assert f"{layers['gaps']['residents_left_out'].iloc[0]:,.0f}" in text


INK = "document.querySelector('.lc-canvas canvas').toDataURL()"
DRAWN = "(key => { const l = lifecircle.layers[key]; l.get(); return [...Array(l.geo.n).keys()].filter(i => l.picked(i)); })"


def test_a_list_picks_the_kind_that_is_drawn(seen: Watched, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Only the bands of the kind chosen in the legend are drawn; by keyboard as by mouse another is, elsewhere on the canvas."""
    seen.only("service_areas")
    page = seen.page
    page.wait_for_timeout(150)
    box = page.locator(".lc-legend").get_by_label("设施类别")
    drawn = f"{DRAWN}('service_areas')"
    of = page.evaluate("[...lifecircle.layers.service_areas.of]")
    assert [of[i] for i in page.evaluate(drawn)] == [0, 0, 0]
    before = page.evaluate(INK)
    box.focus()
    box.press("ArrowDown")
    page.wait_for_timeout(200)
    assert [of[i] for i in page.evaluate(drawn)] == [1, 1, 1]
    assert page.evaluate("document.activeElement.tagName") == "SELECT"
    assert page.evaluate(INK) != before
    box.select_option(index=0)
    page.wait_for_timeout(200)
    assert page.evaluate(INK) == before


def test_a_band_is_drawn_without_the_one_inside_it(seen: Watched) -> None:
    """In the middle of the smallest band its own colour stands, as the legend has it, on nothing else."""
    seen.only("service_areas")
    seen.page.wait_for_timeout(200)
    alpha = seen.page.evaluate(
        """() => { const l = lifecircle.layers.service_areas, i = [...Array(l.geo.n).keys()].find(i => l.picked(i) && l.cls[i] === 0);
        const p = lifecircle.map.latLngToContainerPoint(l.box(i).getCenter());
        const c = document.querySelector('.lc-canvas canvas'), b = c.getBoundingClientRect();
        const k = c.width / b.width;
        return c.getContext('2d').getImageData((p.x - b.left) * k, (p.y - b.top) * k, 1, 1).data[3] / 255; }"""
    )
    assert alpha == pytest.approx(0.62, abs=0.02)


def test_a_hostile_kind_is_only_text(seen: Watched) -> None:
    """A kind of facility named like markup stands in the list and in tooltips as that text."""
    seen.only("service_areas")
    seen.page.wait_for_timeout(150)
    box = seen.page.locator(".lc-legend").get_by_label("设施类别")
    assert HOSTILE in box.inner_text()
    box.select_option(label=HOSTILE)
    inner = seen.page.evaluate(f"{DRAWN}('service_areas')[0]")
    assert HOSTILE in seen.hover("service_areas", inner, HOSTILE)
    seen.only("gap_areas")
    seen.page.evaluate("lifecircle.show('gap_areas', 8)")
    assert seen.page.locator(".folium-map img").count() == 0


def test_where_the_data_end_is_hatched(seen: Watched) -> None:
    """The edge of the data is drawn as lines with gaps between them, and the legend says what it means."""
    seen.only("edge_of_data")
    seen.page.wait_for_timeout(200)
    inside = seen.page.evaluate(
        """() => { const p = lifecircle.map.latLngToContainerPoint(lifecircle.layers.edge_of_data.box(0).getCenter());
        const c = document.querySelector('.lc-canvas canvas'), b = c.getBoundingClientRect(), k = c.width / b.width;
        const d = c.getContext('2d').getImageData((p.x - b.left) * k - 20, (p.y - b.top) * k - 20, 40, 40).data;
        let n = 0; for (let i = 3; i < d.length; i += 4) if (d[i] > 20) n++; return n / (d.length / 4); }"""
    )
    assert 0.1 < inside < 0.6
    assert "步行15分钟会走出数据范围，结果偏低或不确定" in seen.page.locator(".lc-legend").inner_text()
    assert seen.page.locator(".lc-legend svg path").count() == 1


def test_gap_areas_of_the_tier_that_is_picked(seen: Watched, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """The widest tier is drawn first, another when it is picked; showing an area of another tier picks that."""
    seen.only("gap_areas")
    page = seen.page
    page.wait_for_timeout(150)
    tier = layers["gap_areas"]["tier"].tolist()
    drawn = f"{DRAWN}('gap_areas')"
    assert {tier[i] for i in page.evaluate(drawn)} == {15}
    page.locator(".lc-legend").get_by_label("生活圈层级").select_option(label="5 分钟生活圈")
    assert {tier[i] for i in page.evaluate(drawn)} == {5}
    page.evaluate("lifecircle.show('gap_areas', 4)")
    page.wait_for_timeout(100)
    assert {tier[i] for i in page.evaluate(drawn)} == {10}
    assert page.locator(".lc-legend").get_by_label("生活圈层级").input_value() == "1"
    assert page.locator(".leaflet-popup").is_visible()


@pytest.mark.parametrize("page", ["overview", "pair"])
@pytest.mark.parametrize(("width", "height"), [(1400, 900), (1000, 700), (390, 800)])
def test_nothing_overlaps(browser: Any, path: Path, pair: Path, page: str, width: int, height: int) -> None:
    """At usual sizes the boxes around the map neither overlap nor leave the window, and the map keeps half of it."""
    context = browser.new_context(offline=True, viewport={"width": width, "height": height})
    watched = Watched(context.new_page())
    watched.open(path if page == "overview" else pair)
    watched.page.wait_for_timeout(200)
    boxes = watched.page.evaluate(
        """() => [...document.querySelectorAll('.leaflet-control')].map(e => e.getBoundingClientRect())
        .filter(r => r.width > 0 && r.height > 0).map(r => [r.left, r.top, r.right, r.bottom])"""
    )
    assert len(boxes) >= 4 - (page == "pair")
    for n, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= height
        for other in boxes[n + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top, (boxes[n], other)
    covered = sum((right - left) * (bottom - top) for left, top, right, bottom in boxes)
    assert covered < 0.5 * width * height
    assert watched.quiet()
    context.close()


def test_an_english_page_without_results(browser: Any, tmp_path: Path, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A place that has only streets and buildings still makes a map that opens, in English."""
    overview.write(
        {"streets": layers["streets"], "buildings": layers["buildings"]},
        tmp_path / "a.html",
        title="Swellendam",
        language="en",
    )
    context = browser.new_context(offline=True, viewport={"width": 1000, "height": 700})
    watched = Watched(context.new_page())
    watched.open(tmp_path / "a.html")
    assert watched.page.locator(".lc-title h1").inner_text() == "Swellendam"
    assert watched.page.locator(".lc-badge").count() == 0
    assert watched.page.title() == "Swellendam"
    assert watched.quiet()
    context.close()


@pytest.mark.slow
def test_a_town_of_usual_size_is_quick(browser: Any, tmp_path: Path) -> None:
    """A thousand parcels, four thousand buildings, 350 facilities and three thousand homes are ready within 2 s."""
    from published_town import town

    overview.write(town(blocks=16, homes=3000, facilities=350), tmp_path / "town.html", title="青川")
    context = browser.new_context(offline=True, viewport={"width": 1400, "height": 900})
    watched = Watched(context.new_page())
    start = time.perf_counter()
    watched.open(tmp_path / "town.html")
    assert time.perf_counter() - start < 2.0
    start = time.perf_counter()
    watched.only(*watched.page.evaluate("Object.keys(lifecircle.layers)"))
    watched.page.wait_for_timeout(20)
    assert time.perf_counter() - start < 3.0
    watched.quiet()
    context.close()


# -- what a page of packed layers does besides -----------------------------------------------------------------------------


def opened(browser: Any, path: Path, *, width: int = 1400, height: int = 900) -> Watched:
    watched = Watched(browser.new_context(offline=True, viewport={"width": width, "height": height}).new_page())
    watched.open(path)
    return watched


HIT = """([lon, lat]) => { const h = lifecircle.map.lifecircle.hit(L.latLng(lat, lon)); return h && [h.layer.key, h.i]; }"""


def test_the_topmost_feature_answers(browser: Any, tmp_path: Path) -> None:
    """In a hole, between two parts, beside a line and near a point the one that is drawn there answers, and shapely agrees."""
    rng = np.random.default_rng(5)
    spots = rng.uniform(0, 0.02, (60, 2))
    areas = [shapely.Point(*spot).buffer(0.002).difference(shapely.Point(*spot).buffer(0.001)) for spot in spots]
    areas[0] = shapely.MultiPolygon([shapely.box(0.021, 0, 0.022, 0.001), shapely.box(0.023, 0, 0.024, 0.001)])
    frame = gpd.GeoDataFrame({"name": [str(k) for k in range(60)]}, geometry=areas, crs=4326)
    overview.write({"parks": frame}, tmp_path / "a.html", title="t")
    watched = opened(browser, tmp_path / "a.html")
    asked = [*rng.uniform(0, 0.02, (300, 2)).tolist(), [0.0215, 0.0005], [0.0225, 0.0005]]
    found = [watched.page.evaluate(HIT, spot) for spot in asked]
    for spot, hit in zip(asked, found, strict=True):
        inside = [k for k, area in enumerate(areas) if area.contains(shapely.Point(spot))]
        near = min(area.boundary.distance(shapely.Point(spot)) for area in areas)
        if near > 2e-6:  # a vertex may lie a tenth of a metre off
            assert hit == (["parks", max(inside)] if inside else None), spot
    assert found[-2:] == [["parks", 0], None]
    assert watched.quiet()


def test_shared_borders_stay_shared_at_every_zoom(browser: Any, tmp_path: Path) -> None:
    """Two areas that meet along a wild border of 4,000 vertices leave no gap between them, drawn 12 to 1,000 pixels wide; two fills that
    each cover half a pixel of it leave three quarters of the colour, a gap would leave less than half."""
    wild = np.random.default_rng(11).uniform(0.0045, 0.0055, 4000)
    border = np.stack([wild, np.linspace(0, 0.01, 4000)], axis=1)
    west = shapely.Polygon([(0, 0), *border, (0, 0.01)])
    east = shapely.Polygon([(0.01, 0.01), *border[::-1], (0.01, 0)])
    frame = gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=[west, east], crs=4326)
    overview.write({"parks": frame}, tmp_path / "a.html", title="t")
    watched = opened(browser, tmp_path / "a.html")
    cracks = watched.page.evaluate(
        """() => { const l = lifecircle.layers.parks; Object.assign(l.spec.classes[0], {o: 1, w: 0});
        const b = l.geo.box, wide = b[6] - b[0]; return [12, 47, 101, 200, 999].map(px => { const k = px / wide, c = document.createElement('canvas');
        c.width = px + 4; c.height = px + 4; const pen = c.getContext('2d', {willReadFrequently: true});
        lifecircle.draw(pen, [l], {k: k, ox: 2 - b[0] * k, oy: 2 + b[7] * k, w: px + 4, h: px + 4, dpr: 1});
        const d = pen.getImageData(4, 4, Math.max(1, px - 4), Math.max(1, px - 4)).data; let n = 0;
        for (let i = 3; i < d.length; i += 4) if (d[i] < 128) n++; return n; }); }"""
    )
    assert cracks == [0, 0, 0, 0, 0]
    watched.quiet()


def test_the_ranking_zooms_and_marks(seen: Watched, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A click on the second gap area of the list shows it: zoomed in, marked, with its popup and its layer on."""
    before = seen.page.evaluate("lifecircle.map.getZoom()")
    items = seen.page.locator(".lc-ranking li button")
    text = items.nth(1).inner_text()
    items.nth(1).click()
    seen.page.wait_for_timeout(200)
    assert seen.page.evaluate("lifecircle.map.getZoom()") > before
    chosen = seen.page.evaluate("(c => [c.layer.key, c.i])(lifecircle.map.lifecircle.chosen)")
    frame = layers["gap_areas"]
    of_tier = frame[frame["tier"] == 15].sort_values("residents_left_out", ascending=False)
    assert chosen == ["gap_areas", list(frame.index).index(of_tier.index[1])]
    assert f"{of_tier['residents_left_out'].iloc[1]:,.0f}" in text
    ink = "lifecircle.map.lifecircle.top.toDataURL()"
    marked = seen.page.evaluate(ink)
    assert seen.page.locator(".leaflet-popup").is_visible()
    seen.page.locator(".leaflet-popup-close-button").click()
    seen.page.wait_for_timeout(300)
    assert seen.page.evaluate(ink) != marked


def test_the_ranking_follows_the_tier(seen: Watched, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Choosing another tier in the list ranks its gap areas, and the map draws those."""
    seen.page.locator(".lc-ranking").get_by_label("生活圈层级").select_option(label="5 分钟生活圈")
    shown = [int(text.replace(",", "")) for text in seen.page.locator(".lc-ranking li b").all_inner_texts()]
    frame = layers["gap_areas"]
    assert shown == sorted(frame.loc[frame["tier"] == 5, "residents_left_out"].astype(int), reverse=True)
    assert seen.page.evaluate("lifecircle.layers.gap_areas.at") == 0


def test_lengths_and_areas_are_measured(seen: Watched) -> None:
    """A square clicked on the map measures as pyproj measures it on the ellipsoid, to a part in ten thousand; Escape ends it."""
    page = seen.page
    page.locator(".lc-measure").click()
    corners = [(600, 300), (900, 300), (900, 600), (600, 600)]
    for x, y in corners:
        page.mouse.click(x, y)
        page.wait_for_timeout(350)  # two clicks close together are a double click
    spots = page.evaluate("lifecircle.tool.spots().map(s => [s.lng, s.lat])")
    found = page.evaluate("lifecircle.measured(lifecircle.tool.spots())")
    lon, lat = zip(*spots, strict=True)
    globe = pyproj.Geod(ellps="WGS84")
    area, _ = globe.polygon_area_perimeter(lon, lat)
    assert found["area"] == pytest.approx(abs(area), rel=1e-4)
    assert found["length"] == pytest.approx(globe.line_length(lon, lat), rel=1e-4)
    # what is measured stands beside the buttons, not on them
    tools, told = (page.locator(part).bounding_box() for part in (".lc-tools", ".lc-card.lc-measure"))
    assert tools["y"] + tools["height"] <= told["y"]
    assert "面积" in page.locator(".lc-card.lc-measure").inner_text()
    assert page.locator(".leaflet-popup").count() == 0
    page.keyboard.press("Escape")
    assert page.locator(".lc-card.lc-measure").count() == 0
    assert page.evaluate("lifecircle.tool") is None


def test_the_page_turns_into_the_other_language(
    browser: Any, tmp_path: Path, layers: dict[str, gpd.GeoDataFrame]
) -> None:
    """One button turns title, layers, legend, ranking and tooltips from Chinese into English and back; what is shown stays shown."""
    overview.write(layers, tmp_path / "a.html", title={"zh": "青川", "en": "Qingchuan"}, language="both")
    watched = opened(browser, tmp_path / "a.html")
    page = watched.page
    before = page.locator(".folium-map").inner_text()
    page.locator(".lc-language").click()
    page.wait_for_timeout(200)
    assert page.locator(".lc-title h1").inner_text() == "Qingchuan"
    assert "Legend" in page.locator(".lc-legend").inner_text()
    assert "Parks" in page.locator(".lc-layers").inner_text()
    for part in (".lc-layers", ".lc-tools"):
        assert not re.search(r"[\u4e00-\u9fff]", page.locator(part).inner_text().replace("中", "")), part
    watched.only("coverage_15")
    assert "Residents" in watched.hover("coverage_15", 2, "Residents")
    page.locator(".lc-language").click()
    watched.only("barriers", "coverage_15", "edge_of_data", "facilities", "parks", "streets")
    page.wait_for_timeout(200)
    assert page.locator(".folium-map").inner_text() == before
    assert watched.quiet()


def test_the_small_map_shows_where_one_is(seen: Watched) -> None:
    """Its frame is smaller after zooming in, and a click on it moves the map there."""
    wide = seen.page.locator(".lc-frame").bounding_box()["width"]
    seen.page.evaluate("lifecircle.map.setZoom(lifecircle.map.getZoom() + 2, {animate: false})")
    assert seen.page.locator(".lc-frame").bounding_box()["width"] < wide / 2
    before = seen.page.evaluate("lifecircle.map.getCenter().lng")
    seen.page.locator(".lc-mini").click(position={"x": 120, "y": 52})
    seen.page.wait_for_timeout(600)
    assert seen.page.evaluate("lifecircle.map.getCenter().lng") > before


@pytest.mark.parametrize("by_button", [True, False])
def test_a_sheet_of_paper(seen: Watched, tmp_path: Path, by_button: bool) -> None:
    """Printed by the button or by the browser there is one landscape A4 page with the map in colour and without the tools."""
    pdftoppm = shutil.which("pdftoppm")
    if pdftoppm is None:
        pytest.skip("pdftoppm is not installed")
    if by_button:
        seen.page.evaluate("lifecircle.paper(true)")
        seen.page.wait_for_timeout(200)
    seen.page.pdf(path=tmp_path / "a.pdf", prefer_css_page_size=True, print_background=True)
    subprocess.run([pdftoppm, "-r", "40", str(tmp_path / "a.pdf"), str(tmp_path / "p")], check=True)
    (sheet,) = tmp_path.glob("p*.ppm")
    head, size, _, pixels = sheet.read_bytes().split(b"\n", 3)
    width, height = map(int, size.split())
    assert (head, width, height) == (b"P6", 468, 331)
    colours = np.frombuffer(pixels, dtype=np.uint8).reshape(height, width, 3).astype(int)
    assert (np.ptp(colours, axis=2) > 30).mean() > 0.1
    if by_button:
        seen.page.evaluate("lifecircle.paper(false)")
        assert seen.page.evaluate("lifecircle.map.getSize().x") == 1400


def test_the_browser_prints_the_whole_legend(seen: Watched) -> None:
    """Paper cannot be scrolled: printed by the browser's own menu the legend leaves out no class and stays on the page."""
    page = seen.page
    page.set_viewport_size({"width": 1400, "height": 620})  # too low for it beside the title
    page.wait_for_timeout(200)
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    high = page.evaluate("(b => [b.scrollHeight, b.clientHeight])(document.querySelector('.lc-legend .lc-body'))")
    assert high[0] <= high[1] + 1
    inside = page.evaluate(
        """(() => { const a = document.querySelector('.lc-legend').getBoundingClientRect(),
        b = document.querySelector('.folium-map').getBoundingClientRect();
        return a.left >= b.left && a.top >= b.top && a.right <= b.right + 1 && a.bottom <= b.bottom + 1; })()"""
    )
    assert inside
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1400, "height": 900})


def test_two_maps_move_together(browser: Any, tmp_path: Path, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Side by side each map draws its own state, one box switches a layer on both, and moving one moves the other."""
    before = {name: layers[name] for name in ("streets", "facilities", "areas")}
    after = before | {"facilities": layers["facilities"].iloc[:1]} | compared(layers["coverage_homes"])
    overview.save(side_by_side.draw(before, after, title="青川"), tmp_path / "a.html")
    watched = opened(browser, tmp_path / "a.html")
    page = watched.page
    keys = "lifecircle.views.map(v => v.layersNow().map(l => l.key))"
    assert [sorted(one) for one in page.evaluate(keys)] == [
        ["facilities_before", "streets"],
        ["facilities_after", "homes_changed_after", "scenario_line_after", "scenario_point_after", "streets"],
    ]
    page.locator(".lc-layers label", has_text="公共服务设施").locator("input").click()
    page.wait_for_timeout(100)
    assert not any("facilities" in key for one in page.evaluate(keys) for key in one)
    page.evaluate("lifecircle.map.setZoom(16, {animate: false})")
    page.evaluate("lifecircle.map.panBy([90, 40], {animate: false})")
    centres = page.evaluate(
        "lifecircle.views.map(v => [v._map.getZoom(), v._map.getCenter().lat, v._map.getCenter().lng])"
    )
    assert centres[0] == pytest.approx(centres[1], abs=2e-5)
    page.evaluate("lifecircle.show('homes_changed_after', 2)")
    assert page.locator(".lc-right .leaflet-popup").count() == 1
    assert "变化前" in page.locator(".lc-side").first.inner_text()
    assert watched.quiet()


def test_layers_on_a_plain_folium_map(browser: Any, tmp_path: Path, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Two packed layers added to a folium map beside its layer control draw, answer the mouse and ask nothing of the network."""
    plain = folium.Map(tiles=None, location=[32.5, 111], zoom_start=15)
    parcels = layers["parcels"]
    for name, by in (("地块 one", "land_use"), ("two</script>", None)):
        frame_map.layer(parcels, name=name, by=by, tip=["far"]).add_to(plain)
    folium.LayerControl().add_to(plain)
    west, south, east, north = parcels.to_crs(4326).total_bounds
    plain.fit_bounds([[south, west], [north, east]])
    path = tmp_path / "plain.html"
    path.write_text(assets.inline(plain.get_root().render()), encoding="utf-8")
    watched = Watched(browser.new_context(offline=True, viewport={"width": 1000, "height": 700}).new_page())
    watched.home = path.as_uri()
    watched.page.goto(watched.home)
    watched.page.wait_for_function("window.lifecircle && lifecircle.views.length && lifecircle.views[0].painted")
    watched.page.wait_for_timeout(300)
    spot = """i => { const l = lifecircle.order[1], m = lifecircle.views[0]._map, p = m.latLngToContainerPoint(l.box(i).getCenter()); return [p.x, p.y]; }"""
    watched.page.mouse.move(*watched.page.evaluate(spot, 40), steps=3)
    tip = watched.page.locator(".lc-tip")
    tip.first.wait_for(state="visible")
    assert parcels.index[40] in tip.last.inner_text() or str(parcels["name"].iloc[40]) in tip.last.inner_text()
    assert watched.quiet()


def test_tiles_of_a_file_are_drawn(browser: Any, tmp_path: Path, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """A file of tiles lies below the map though the network is cut."""
    base = sqlite3.connect(tmp_path / "a.mbtiles")
    base.execute("CREATE TABLE tiles (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_data BLOB)")
    rows = [(z, x, y, PIXEL) for z in range(6) for x in range(2**z) for y in range(2**z)]
    base.executemany("INSERT INTO tiles VALUES (?, ?, ?, ?)", rows)
    base.commit()
    base.close()
    overview.write({"streets": layers["streets"]}, tmp_path / "a.html", title="t", basemap=tmp_path / "a.mbtiles")
    watched = opened(browser, tmp_path / "a.html")
    watched.page.wait_for_function(
        "[...document.querySelectorAll('.leaflet-tile-pane img')].some(i => i.naturalWidth === 1)"
    )
    assert watched.asked == [url for url in watched.asked if url.startswith("blob:")]
    watched.asked.clear()
    assert watched.quiet()


def test_the_legend_can_be_opened_on_a_phone(browser: Any, path: Path) -> None:
    """On a narrow window the legend is folded away, not left out: a tap shows the classes inside the window."""
    watched = opened(browser, path, width=390, height=800)
    legend = watched.page.locator(".lc-legend")
    assert legend.locator(".lc-head").is_visible()
    assert not legend.locator(".lc-body").is_visible()
    legend.locator(".lc-head").click()
    watched.page.wait_for_timeout(100)
    assert legend.locator(".lc-row").first.is_visible()
    box = legend.bounding_box()
    assert box["x"] >= 0
    assert box["y"] >= 0
    assert box["x"] + box["width"] <= 390
    assert box["y"] + box["height"] <= 800
    assert watched.quiet()


LONG = "很长的名字" * 60


def test_a_name_of_300_characters(browser: Any, tmp_path: Path, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """With names and a title of 300 characters nothing leaves the window: title, tooltip, popup, search and ranking."""
    long = {
        name: frame.assign(name=LONG) if "name" in frame else frame
        for name, frame in layers.items()
        if name in ("areas", "gap_areas", "facilities", "parks", "coverage_areas")
    }
    overview.write(long, tmp_path / "a.html", title=LONG)
    for width, height in ((1400, 900), (390, 800)):
        watched = opened(browser, tmp_path / "a.html", width=width, height=height)
        page = watched.page
        watched.only("gap_areas")
        page.evaluate("lifecircle.show('gap_areas', 8)")
        page.wait_for_timeout(300)
        for part in (".lc-title", ".leaflet-popup-content-wrapper", ".lc-tools"):
            box = page.locator(part).bounding_box()
            assert box["x"] >= 0, part
            assert box["x"] + box["width"] <= width, part
            assert box["y"] + box["height"] <= height, part
        page.locator(".lc-find input").press_sequentially("很长")
        assert page.locator(".lc-find li").first.is_visible()
        assert watched.quiet()


@pytest.mark.slow
def test_fifty_thousand_areas(browser: Any, tmp_path: Path) -> None:
    """50,000 areas with id, class and two numbers are less than 5 MB and answer the mouse soon; at most an eighth of 30 s."""
    side = 224
    x, y = (a.ravel() for a in np.meshgrid(np.arange(side), np.arange(side)))
    jog = np.random.default_rng(2).uniform(0, 8, (side * side, 6, 2)).round(2)
    corners = np.array([(0, 0), (10, -2), (20, 0), (20, 20), (10, 22), (0, 20)])
    cells = shapely.polygons(np.stack([x, y], axis=1)[:, None] * 30.0 + corners + jog + [500_000, 3_600_000])
    frame = gpd.GeoDataFrame(
        {"use": np.array(list("abcd"))[x % 4], "a": shapely.area(cells), "b": x}, geometry=cells, crs=4547
    )
    start = time.perf_counter()
    overview.save(frame_map.draw(frame, title="t", by="use"), tmp_path / "a.html")
    written = time.perf_counter() - start
    assert (tmp_path / "a.html").stat().st_size < 5_000_000
    assert written < 4  # a second on a quiet machine
    start = time.perf_counter()
    watched = opened(browser, tmp_path / "a.html")
    key, middle = watched.page.evaluate("Object.keys(lifecircle.layers)[0]"), side * side // 2 + side // 2
    watched.page.mouse.move(*watched.page.evaluate(SPOT, [key, middle]))
    watched.page.locator(".lc-tip").first.wait_for(state="visible")
    assert time.perf_counter() - start < 30 / 8
    assert watched.quiet()
