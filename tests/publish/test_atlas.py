"""The atlas: sheets true to scale, in embedded fonts, whole or not at all, and none stopped by another."""

import hashlib
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image
from pypdf import PdfReader
from pyproj import CRS

from lifecircle.errors import OutputError
from lifecircle.load.recipe import Sheet as Style
from lifecircle.publish import atlas, atlas_themes, fonts, output, paper

ABOUT = atlas.About(
    name="测试镇", crs=CRS(4547), as_of=date(2025, 12, 31), standards="national_2018", sources={"parks": ("公园.shp",)}
)
STYLE = Style(organisation="县自然资源局", author="张三", dpi=72)
LETTERS = 25.4 / 72


def drawn(layers: dict[str, Any], out: Path, **how: Any) -> atlas.Atlas:
    given = {"about": ABOUT, "style": STYLE, "theme": "parks", "processes": 1} | how
    return atlas.write(layers, out, **given)


def composed(layers: dict[str, Any], number: str, *, style: Style = STYLE, by: str = "community") -> paper.Sheet:
    place = atlas_themes.Place(frames=layers, language="zh")
    ready = atlas_themes.prepared(place)
    jobs, _ = atlas.planned(place, ready, by=by)
    job = next(job for job in jobs if job.number == number)
    return atlas.compose(place, ready, job, about=ABOUT, style=style, bounds=atlas._bounds(place))


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def made(layers: dict[str, gpd.GeoDataFrame], tmp_path_factory: pytest.TempPathFactory) -> atlas.Atlas:
    """The sheets of one theme: the whole place and four communities."""
    return drawn(layers, tmp_path_factory.mktemp("atlas") / "out")


# -- what is on paper ----------------------------------------------------------------------------------------------------


def test_one_pdf_holds_every_sheet(made: atlas.Atlas) -> None:
    """As many pages as sheets, named in the outline; a PDF and a PNG each; and a table of them."""
    reader = PdfReader(made.file)
    assert len(reader.pages) == len(made.sheets) == 5
    assert [item.title for item in reader.outline if not isinstance(item, list)] == ["公园绿地服务范围图"]
    files = {path.name for path in (made.out / "sheets").iterdir()}
    assert files == {f"{file}.{form}" for file in made.sheets["file"] for form in ("pdf", "png")}
    table = pd.read_csv(made.out / "sheets.csv", dtype={"number": "str"})
    assert table["number"].tolist() == ["04-00", "04-01", "04-02", "04-03", "04-04"]


@pytest.mark.parametrize(("size", "points"), [("A3", (1190.55, 841.89)), ("A4", (841.89, 595.28))])
def test_pages_are_of_true_size(layers: dict[str, Any], tmp_path: Path, size: str, points: tuple[float, float]) -> None:
    """A3 is 420 × 297 mm and A4 297 × 210 mm, in points of 1/72 inch."""
    found = drawn(layers, tmp_path / "out", by="whole", style=STYLE.model_copy(update={"paper": size}))
    box = PdfReader(found.file).pages[0].mediabox
    assert (float(box.width), float(box.height)) == pytest.approx(points, abs=0.02)


@pytest.mark.skipif(shutil.which("pdffonts") is None, reason="poppler is not installed")
def test_fonts_are_embedded_and_text_can_be_read(made: atlas.Atlas) -> None:
    """Every font is embedded, with a table back to characters, and what the sheet says comes out as text."""
    rows = subprocess.run(["pdffonts", made.file], capture_output=True, encoding="utf-8", check=True).stdout
    lines = [line.split() for line in rows.splitlines()[2:]]
    assert lines
    assert {tuple(line[-5:-2]) for line in lines} == {("yes", "yes", "yes")}
    said = subprocess.run(["pdftotext", made.file, "-"], capture_output=True, encoding="utf-8", check=True).stdout
    for text in (
        "测试镇公园绿地服务范围图",
        "县自然资源局",
        "张三",
        "内部资料",
        "2000国家大地坐标系",
        "公园.shp",
        "西关社区",
    ):
        assert text in said


@pytest.mark.parametrize("size", ["A3", "A4"])
def test_the_scale_is_true_on_paper(tmp_path: Path, size: str) -> None:
    """An area 400 m wide and 300 m high, measured in the picture between its purple edges, is as long as 1 : scale says, to 0.2 mm."""
    areas = gpd.GeoDataFrame(
        {"name": ["一"], "level": ["community"]},
        index=pd.Index(["A"], name="area_id"),
        geometry=[shapely.box(500_000, 3_600_000, 500_400, 3_600_300)],
        crs=4547,
    )
    parks = gpd.GeoDataFrame(
        {"name": ["园"]}, index=["K"], geometry=[shapely.box(500_190, 3_600_140, 500_210, 3_600_160)], crs=4547
    )
    frames = {"areas": areas, "parks": parks}
    style = STYLE.model_copy(update={"paper": size, "dpi": 127})
    made = drawn(frames, tmp_path / "out", style=style)
    row = made.sheets.iloc[1]
    picture = np.asarray(Image.open(made.out / "sheets" / f"{row['file']}.png").convert("RGB")).astype(int)
    x, y, w, h = paper.frame(size)
    tall = paper.SIZES[size][1]
    window = picture[round(5 * (tall - y - h)) : round(5 * (tall - y)), round(5 * x) : round(5 * (x + w))]
    purple = (np.abs(window - [0x6D, 0x2F, 0x8D]) < 30).all(axis=2)
    for axis, metres in ((0, 400), (1, 300)):
        full = np.flatnonzero(purple.sum(axis=axis) > 0.5 * purple.sum(axis=axis).max())
        edges = [run.mean() for run in np.split(full, np.flatnonzero(np.diff(full) > 3) + 1)]
        assert len(edges) == 2
        assert (edges[1] - edges[0]) / 5 == pytest.approx(metres * 1000 / row["scale"], abs=0.2)


@pytest.mark.parametrize("number", ["01-00", "01-02", "02-00", "03-00", "05-01"])
def test_labels_do_not_overlap(layers: dict[str, Any], number: str) -> None:
    """The boxes of the labels of a sheet, turned as they are, touch neither one another nor the frame; none is lost uncounted."""
    sheet = composed(layers, number)
    words = sheet.lettering
    assert len(words.texts) > 4
    ems = fonts.widths(list(words.texts))
    half = np.stack([ems, np.ones(len(ems))], axis=1) * words.sizes[:, None] * LETTERS / 2
    turn = np.deg2rad(words.angles)
    along, up = np.stack([np.cos(turn), np.sin(turn)], 1), np.stack([-np.sin(turn), np.cos(turn)], 1)
    corners = [a * half[:, :1] * along + b * half[:, 1:] * up for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    boxes = shapely.polygons(words.middles[:, None, :] + np.stack(corners, axis=1))
    first, second = shapely.STRtree(boxes).query(boxes, predicate="intersects")
    assert (first == second).all()
    x, y, w, h = paper.frame("A3")
    assert shapely.contains(shapely.box(x, y, x + w, y + h), boxes).all()


def test_the_legend_shows_what_is_there(layers: dict[str, Any]) -> None:
    """Networks that no pipe of the sheet has are not in its legend; one that nobody listed is, under its own word."""
    pipes = layers["pipes_screen"]
    pipes = pipes.assign(network=pipes["network"].where(pipes["network"] != "gas", "slurry"))
    legend = [look.label for look in composed(layers | {"pipes_screen": pipes}, "05-00").legend]
    assert "slurry" in legend
    assert "给水" in legend
    assert "燃气" not in legend
    assert len(legend) == len(set(legend))


def test_north_is_the_convergence_of_the_projection() -> None:
    """East of the central meridian true north lies west of grid north by Δλ · sin φ, to a hundredth of a degree."""
    crs = CRS(4547)
    from pyproj import Transformer

    x, y = Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True).transform(115.2, 37.5)
    assert atlas._north(crs, x, y) == pytest.approx(-1.2 * np.sin(np.deg2rad(37.5)), abs=0.01)
    assert atlas._north(crs, 500_000.0, y) == pytest.approx(0, abs=1e-6)


def test_it_opens_in_english(layers: dict[str, Any], tmp_path: Path) -> None:
    """The same sheets in English."""
    about = atlas.About(
        name="Testtown", crs=CRS(4547), as_of=date(2025, 12, 31), standards="national_2018", language="en"
    )
    made = drawn(layers, tmp_path / "out", about=about, by="whole", theme="all")
    assert (made.sheets["status"] == "drawn").all()
    assert "Testtown – Land use" in PdfReader(made.file).pages[1].extract_text()


# -- bad input -----------------------------------------------------------------------------------------------------------


def test_a_missing_glyph_stops_its_sheet_and_no_other(layers: dict[str, Any], tmp_path: Path) -> None:
    """Sheets that name a park with a character outside the fonts are not drawn; the table says which character and where it stands."""
    parks = layers["parks"].copy()
    parks.loc[parks.index[0], "name"] = "𠮷祥园"
    made = drawn(layers | {"parks": parks}, tmp_path / "out")
    table = made.sheets.set_index("number")
    failed = table[table["status"] == "failed"]
    assert len(failed) == 2  # the whole place and the community it lies in
    assert failed["why"].str.contains("“𠮷”（U+20BB7）见“𠮷祥园”", regex=False).all()
    assert len(PdfReader(made.file).pages) == (table["status"] == "drawn").sum() == 3
    with pytest.raises(fonts.GlyphError):
        paper.draw(composed(layers | {"parks": parks}, "04-00"))


def test_a_font_of_the_study_is_tried_first(layers: dict[str, Any], tmp_path: Path) -> None:
    """With a font of its own the sheet is set in it; a file that is no font is told by name."""
    own = fonts.packaged()[1]
    made = drawn(layers, tmp_path / "out", by="whole", about=replace(ABOUT, font=own))
    fonts_used = {str(f["/BaseFont"] if "/BaseFont" in f else f["/Name"]) for f in _fonts(made.file)}
    assert any("DejaVuSans" in name for name in fonts_used)
    bad = tmp_path / "bad.otf"
    bad.write_bytes(b"no font")
    with pytest.raises(OutputError, match=r"bad\.otf cannot be read"):
        drawn(layers, tmp_path / "other", by="whole", about=replace(ABOUT, font=bad))


def _fonts(path: Path) -> list[Any]:
    return [font.get_object() for font in PdfReader(path).pages[0]["/Resources"]["/Font"].get_object().values()]


def test_a_fault_in_one_sheet_is_told_and_stops_no_other(
    layers: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where drawing one sheet runs out of disk, the others are there and the table says why it is not."""
    save = paper.save

    def full(sheet: paper.Sheet, *args: Any, **how: Any) -> None:
        if sheet.number == "04-02":
            raise OSError(28, "No space left on device")
        save(sheet, *args, **how)

    monkeypatch.setattr(paper, "save", full)
    table = drawn(layers, tmp_path / "out").sheets.set_index("number")
    assert table["status"].tolist() == ["drawn", "drawn", "failed", "drawn", "drawn"]
    assert "No space left" in table.loc["04-02", "why"]


def test_no_sheet_at_all_changes_nothing(
    layers: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where every sheet fails the last atlas stays as it was."""
    out = tmp_path / "out"
    drawn(layers, out, by="whole")
    before = hashes(out)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paper, "save", full)
    with pytest.raises(OutputError, match="No space left"):
        drawn(layers, out, by="whole", about=replace(ABOUT, name="他镇"))
    assert hashes(out) == before


def test_a_full_disk_is_told_and_changes_nothing(
    layers: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where finished sheets cannot be put together the message says why, and the last atlas is still there."""
    out = tmp_path / "out"
    drawn(layers, out, by="whole")
    before = hashes(out)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OutputError, match=r"No space left on device.*still in place"):
        drawn(layers, out)
    assert hashes(out) == before


def test_one_sheet_can_be_looked_at(layers: dict[str, Any]) -> None:
    """A sheet is found by the name or the id of its area, and drawn as a picture; an area nobody knows is refused."""
    by_name = atlas.sheet(layers, theme="parks", area="西关社区", about=ABOUT)
    assert by_name.subtitle == "西关社区"
    assert atlas.sheet(layers, theme="parks", area=layers["areas"].index[1], about=ABOUT).number == by_name.number
    assert paper.picture(by_name, dpi=40).startswith(b"\x89PNG")
    with pytest.raises(OutputError, match="'无此社区'"):
        atlas.sheet(layers, theme="parks", area="无此社区", about=ABOUT)


def test_without_communities_the_whole_place_is_drawn(layers: dict[str, Any], tmp_path: Path) -> None:
    """A study without a layer of communities has its sheets of the whole place, and is told so."""
    made = drawn({name: frame for name, frame in layers.items() if name != "areas"}, tmp_path / "out")
    assert made.sheets["number"].tolist() == ["04-00"]
    assert any("社区" in warning for warning in made.warnings)


def test_a_community_of_one_home_has_a_sheet(layers: dict[str, Any]) -> None:
    """Four metres of ground are drawn at the largest scale there is, 1 : 500."""
    areas = layers["areas"].iloc[:1].copy()
    areas["name"] = "独户"
    areas = areas.set_geometry([shapely.box(500_300, 3_600_300, 500_304, 3_600_304)], crs=4547)
    sheet = composed(layers | {"areas": areas}, "01-01")
    assert sheet.scale == 500


def test_a_community_whose_outline_crosses_itself_has_a_sheet(layers: dict[str, Any]) -> None:
    """What thinning out makes of an intricate outline may cross itself; its sheet is drawn all the same."""
    areas = layers["areas"].iloc[:1].copy()
    x, y = 500_300, 3_600_300
    crossing = shapely.Polygon([(x, y), (x + 200, y + 200), (x + 200, y), (x, y + 200)])
    assert not shapely.is_valid(crossing)
    sheet = composed(layers | {"areas": areas.set_geometry([crossing], crs=4547)}, "04-01")
    assert sheet.scale >= 500


def test_a_long_class_of_the_legend_is_set_smaller_before_it_is_cut(layers: dict[str, Any]) -> None:
    """The range at the end of a class of 28 letters can be read, in smaller type; a short one is of full size."""
    sheet = composed(layers, "04-00")
    looks = [replace(sheet.legend[0], label=label) for label in ("15-min completeness 80–100 %", "Parks")]
    figure = paper.draw(replace(sheet, legend=tuple(looks * 4)))
    words = next(artist for artist in figure.get_children() if hasattr(artist, "items"))
    size = {text: size for _, _, text, size, _, _ in words.items}
    assert size["Parks"] == pytest.approx(7.6)
    assert 5.4 <= size["15-min completeness 80–100 %"] < 7.6


def test_a_name_of_300_characters_is_cut(layers: dict[str, Any], tmp_path: Path) -> None:
    """Long names of communities, parks and authors end in an ellipsis inside their room."""
    areas, parks = layers["areas"].copy(), layers["parks"].copy()
    areas["name"], parks["name"] = "很长的名字" * 60, "园" * 300
    style = STYLE.model_copy(update={"author": "甲" * 300, "sources": "来源" * 300})
    made = drawn(layers | {"areas": areas, "parks": parks}, tmp_path / "out", style=style)
    assert (made.sheets["status"] == "drawn").all()
    figure = paper.draw(composed(layers | {"areas": areas, "parks": parks}, "04-01", style=style))
    words = next(artist for artist in figure.get_children() if hasattr(artist, "items"))
    right = [
        x + float(fonts.widths([text])[0]) * size * LETTERS for x, _, text, size, angle, _ in words.items if not angle
    ]
    assert max(right) < 410


@pytest.mark.parametrize("name", ["parks", "streets", "buildings", "areas", "park_reach"])
def test_a_layer_without_rows_is_no_layer(layers: dict[str, Any], tmp_path: Path, name: str) -> None:
    """An empty layer leaves its place on the sheets empty and stops none."""
    made = drawn(layers | {name: layers[name].iloc[:0]}, tmp_path / "out", by="whole")
    assert made.sheets["status"].tolist() == ["drawn"]


def test_nothing_to_draw_is_said(layers: dict[str, Any], tmp_path: Path) -> None:
    """A theme the place has no layers for is refused by name; so is one that does not exist, and another way to cut."""
    with pytest.raises(OutputError, match="theme reuse"):
        drawn({"areas": layers["areas"]}, tmp_path / "out", theme="reuse")
    with pytest.raises(OutputError, match="'rivers'"):
        drawn(layers, tmp_path / "out", theme="rivers")
    with pytest.raises(OutputError, match="'county'"):
        drawn(layers, tmp_path / "out", by="county")
    assert not (tmp_path / "out").exists()


def test_an_unwritable_folder_is_refused(layers: dict[str, Any], tmp_path: Path) -> None:
    """A folder that cannot be made, since a file stands in its way, is told in a sentence."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be"):
        drawn(layers, tmp_path / "file" / "out")
    with pytest.raises(OutputError, match="is a file"):
        drawn(layers, tmp_path / "file")


# -- again ---------------------------------------------------------------------------------------------------------------


def test_sheets_are_kept_until_what_they_show_changes(layers: dict[str, Any], tmp_path: Path) -> None:
    """A second run draws nothing and writes the same bytes; a park renamed is drawn anew where it is named, and only there."""
    out = tmp_path / "out"
    first = drawn(layers, out)
    before = hashes(out)
    again = drawn(layers, out)
    assert (first.sheets["status"].unique(), again.sheets["status"].unique()) == (["drawn"], ["kept"])
    assert hashes(out) == before
    parks = layers["parks"].copy()
    parks.loc[parks.index[0], "name"] = "新园"
    changed = drawn(layers | {"parks": parks}, out).sheets.set_index("number")["status"]
    assert changed["04-00"] == "drawn"
    assert 0 < (changed == "kept").sum() < 5
    drawn(layers, out)
    assert hashes(out) == before


def test_a_sheet_somebody_changed_is_drawn_anew(layers: dict[str, Any], tmp_path: Path) -> None:
    """A PDF that is not as it was written is not kept."""
    out = tmp_path / "out"
    made = drawn(layers, out, by="whole")
    (out / "sheets" / f"{made.sheets['file'].iloc[0]}.pdf").write_bytes(b"changed")
    assert drawn(layers, out, by="whole").sheets["status"].tolist() == ["drawn"]


def test_an_interrupted_run_leaves_nothing_and_goes_on(layers: dict[str, Any], tmp_path: Path) -> None:
    """Stopped after two sheets there is no atlas; the next run keeps the two and is the same as one that was never stopped."""
    out = tmp_path / "out"

    def stop(done: float, total: float, text: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drawn(layers, out, progress=stop)
    assert not out.exists()
    went_on = drawn(layers, out)
    assert went_on.sheets["status"].tolist() == ["kept", "kept", "drawn", "drawn", "drawn"]
    whole = drawn(layers, tmp_path / "other")
    assert hashes(out) == hashes(whole.out)
    assert {path.name for path in tmp_path.iterdir()} == {"out", "other"}


def test_row_order_changes_nothing_that_is_counted(layers: dict[str, Any]) -> None:
    """Layers in reverse order give the same scale, legend, figures and chart."""
    turned = {name: frame.iloc[::-1] for name, frame in layers.items()}
    one, other = composed(layers, "03-00"), composed(turned, "03-00")
    for part in ("scale", "legend", "figures", "block"):
        assert getattr(one, part) == getattr(other, part)


@pytest.mark.slow
def test_processes_change_nothing(layers: dict[str, Any], tmp_path: Path) -> None:
    """Sheets drawn by two spawned processes are the same bytes as those drawn in this one."""
    one = drawn(layers, tmp_path / "one", theme="all")
    two = drawn(layers, tmp_path / "two", theme="all", processes=2)
    assert hashes(one.out) == hashes(two.out)


# -- warnings ------------------------------------------------------------------------------------------------------------


def test_a_large_publication_is_warned_of_and_never_judged(layers: dict[str, Any], tmp_path: Path) -> None:
    """Sheets that show more than 25 km² say so; a small town does not."""
    far = layers["areas"].iloc[:1].copy().set_geometry([shapely.box(500_000, 3_600_000, 507_000, 3_605_000)], crs=4547)
    streets = (
        layers["streets"]
        .iloc[:1]
        .copy()
        .set_geometry([shapely.LineString([(500_000, 3_600_000), (507_000, 3_605_000)])], crs=4547)
    )
    made = drawn(layers | {"areas": far, "streets": streets}, tmp_path / "far", by="whole")
    assert sum("25 平方公里" in said for said in made.warnings) == 1
    assert drawn(layers, tmp_path / "near", by="whole").warnings == ()


def test_public_sheets_without_a_review_number_are_warned_of(layers: dict[str, Any], tmp_path: Path) -> None:
    """Marked public, sheets say so and ask for the number of the review; with one they do not ask."""
    style = STYLE.model_copy(update={"marking": "public"})
    made = drawn(layers, tmp_path / "a", by="whole", style=style)
    assert any("审图号" in said for said in made.warnings)
    assert "公开" in PdfReader(made.file).pages[0].extract_text()
    numbered = style.model_copy(update={"review_number": "晋S（2026）001号"})
    made = drawn(layers, tmp_path / "b", by="whole", style=numbered)
    assert made.warnings == ()
    assert "晋S（2026）001号" in PdfReader(made.file).pages[0].extract_text()


def test_the_folder_is_one_of_ours(made: atlas.Atlas) -> None:
    """The manifest names every file of the atlas, so the next one replaces them all and nothing else."""
    last = output.previous(made.out)
    assert last is not None
    assert set(last["files"]) == set(hashes(made.out))
