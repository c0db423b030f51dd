"""The command line: words in, functions called, sentences out; no logic of its own."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from traceback import format_exc
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from lifecircle.errors import LifecircleError

app = typer.Typer(
    name="lifecircle",
    help="From a town's raw layers to walking coverage, low-efficiency land, maps and tables. 从原始图层到生活圈覆盖、低效用地、地图与表格。",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
_Results = Annotated[Path | None, typer.Option("--out", help="The folder of results; layers/<folder> by default.")]
_Study = Annotated[Path, typer.Argument(metavar="STUDY", help="A folder with a study.toml, or the file itself.")]
# A Chinese or Western code page lacks some of the signs; a question mark in a log is better than no run.
for stream in (sys.stdout, sys.stderr):
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
_out, _err = Console(soft_wrap=True, highlight=False), Console(stderr=True, soft_wrap=True, highlight=False)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        _out.print(f"lifecircle {version('lifecircle')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """From a town's raw layers to walking coverage, low-efficiency land, maps and tables."""


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Where the results go.")] = Path("lifecircle-demo"),
) -> None:
    """Run the fictional sample town and say where the map is."""
    with _sentences():
        from lifecircle import pipeline

        _run(pipeline.sample_town(), out, None)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to begin a study in.")],
    place: Annotated[
        str | None, typer.Option("--place", help='A place by name, such as "昔阳县, 中国": its streets are downloaded.')
    ] = None,
) -> None:
    """Begin a study: write a study.toml to fill in.

    Files already in DIR/raw get a stanza each, with their layers and columns. With --place, the walkable streets of a
    place are downloaded from OpenStreetMap first; nothing else in lifecircle asks the network.
    """
    with _sentences():
        from lifecircle.load import starting

        path = starting.begin(folder, place=place)
        _out.print(
            f"Wrote {path}. Put the files in {folder / 'raw'}, fill in study.toml, then: lifecircle check {folder}"
        )


@app.command()
def check(study: _Study) -> None:
    """Read a study and say what was understood; write nothing.

    Shows each file with rows read, kept and rejected, the column names as they were understood, and every doubt.
    """
    with _sentences():
        from lifecircle import load, normalise

        with _progress() as say:
            place, inventory = normalise.place(load.recipe.read(study), progress=say)
        zh = place.language == "zh"
        _print_inventory(inventory, zh=zh)
        missing = ", ".join(place.missing())
        if missing:
            _out.print(f"{'没有的图层' if zh else 'Layers this place lacks'}: {missing}")


@app.command()
def run(
    study: _Study,
    out: Annotated[Path | None, typer.Option("--out", help="Where the results go; layers/<folder> by default.")] = None,
    theme: Annotated[
        str | None,
        typer.Option(
            "--theme",
            help="Compute only this theme anew (coverage, land, parks, pipes, reuse or blocks) and keep the others.",
        ),
    ] = None,
) -> None:
    """Analyse a study; publish layers, a map and tables.

    The last set of results is replaced only when the new one is whole; other files in the folder are never touched.
    """
    with _sentences():
        _run(study, out, theme)


@app.command()
def atlas(
    study: _Study,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the results are or go; layers/<folder> by default.")
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            "--by", help="What sheets are about besides the whole place: community, street, town, block or whole."
        ),
    ] = "community",
    theme: Annotated[str, typer.Option("--theme", help="One theme, or all the place has layers for.")] = "all",
) -> None:
    """Draw map sheets as PDF and PNG, for each theme and area, and all of them in one PDF.

    Uses the results of the last run, or runs the study first where they are out of date. A sheet that cannot be drawn stops no other.
    """
    with _sentences():
        from lifecircle import load, mapbook

        zh = load.recipe.read(study).language == "zh"
        with _progress() as say:
            made = mapbook.write(study, out=out, by=by, theme=theme, progress=say)
        _print_atlas(made, zh=zh)
    if (made.sheets["status"] == "failed").any():
        raise typer.Exit(1)


@app.command()
def compare(
    study: _Study,
    scenario: Annotated[
        Path, typer.Argument(metavar="SCENARIO", help="A layer of changes: action, table, id, values, geometry.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the results go; layers/<folder>/compare/<scenario> by default.")
    ] = None,
) -> None:
    """Say what a scenario would change: who gains and who loses what on foot.

    Facilities added, removed or moved, gates opened or closed, streets or bridges built; and what each closed gate would give.
    """
    with _sentences():
        from lifecircle import what_if

        with _progress() as say:
            found = what_if.compare(study, scenario, out=out, progress=say)
        _print_comparison(found)


@app.command()
def export(study: _Study, out: _Results = None) -> None:
    """Write the results as CSV and GeoJSON for other programs.

    Files go into the folder exchange beside the results; those of the last run serve where the inputs are still the same.
    """
    with _sentences():
        from lifecircle import pipeline

        with _progress() as say:
            folder = pipeline.exchange(study, out=out, progress=say)
        _out.print(str(folder.resolve()), markup=False)


@app.command()
def report(study: _Study, out: _Results = None) -> None:
    """Write a report of a few pages to print: figures, gaps, candidates, what to do first, sources.

    It goes into the folder report beside the results; those of the last run serve where the inputs are still the same.
    """
    with _sentences():
        from lifecircle import pipeline

        with _progress() as say:
            page = pipeline.report(study, out=out, progress=say)
        _out.print(str(page.resolve()), markup=False)


@app.command()
def lab(
    study: Annotated[
        Path | None,
        typer.Argument(
            metavar="[STUDY]", help="A folder with a study.toml; the sample town without it.", show_default=False
        ),
    ] = None,
    to: Annotated[Path, typer.Option("--to", help="Where the notebooks go.")] = Path("lifecircle-notebooks"),
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
) -> None:
    """Open the notebooks in JupyterLab, on your own study or the sample town.

    They are copied into a folder of yours first; what is there already is never overwritten.
    """
    with _sentences():
        from lifecircle import lab as rooms

        made = rooms.copied(to, study=study)
        _out.print(f"{to.resolve()}: {len(made)} new", markup=False)
        raise typer.Exit(rooms.start(to, browser=browser))


@app.command()
def standards(
    table: Annotated[
        str | None, typer.Argument(metavar="TABLE", help="The table to print; all names without it.")
    ] = None,
) -> None:
    """Print the standards: values with unit, source and confidence.

    Without TABLE, the names of all tables; with it, that table as CSV.
    """
    with _sentences():
        from lifecircle import standards as shelf

        frame = shelf.tables() if table is None else shelf.read(table)
        if table is None:
            _print_frame(frame, "lifecircle standards TABLE", {})
        else:
            sys.stdout.write(frame.to_csv(index=False, lineterminator="\n"))


def _run(study: Path, out: Path | None, theme: str | None) -> None:
    from lifecircle import pipeline
    from lifecircle.publish import whole

    if theme is not None and theme not in pipeline.THEMES:
        raise typer.BadParameter(f"{theme!r} is not one of {', '.join(pipeline.THEMES)}.", param_hint="--theme")
    with _progress() as say:
        result = pipeline.run(study, out=out, theme=theme, progress=say)
    zh = result.study.language == "zh"
    _print_inventory(result.inventory, zh=zh)
    for left_out, why in result.skipped.items():
        _out.print(f"未计算：{left_out}（{why}）" if zh else f"Left out: {left_out}, because {why}.", markup=False)
    for doubt in whole.doubts(result.network, language=result.study.language):
        _out.print(f"! {doubt}", markup=False)
    took = sum(result.seconds.values())
    _out.print(f"完成，用时 {took:.0f} 秒。" if zh else f"Done in {took:.0f} s.")
    _out.print(f"{'结果' if zh else 'Results'}: {result.out.resolve()}", markup=False)
    _out.print(f"{'地图' if zh else 'Map'}: {result.map.resolve()}", markup=False)


def _print_comparison(found: Any) -> None:
    from lifecircle import what_if

    language = found.before.language
    zh = language == "zh"
    table, gates = (what_if.printed(frame, language) for frame in (what_if.summary(found), found.gates))
    changed = found.homes[found.weight].sum()
    people = what_if.heading(found.weight, language)
    if len(table):
        _print_frame(table.head(20), f"方案“{found.scenario.name}”" if zh else f"Scenario {found.scenario.name}", {})
    else:
        _out.print("没有人因此多到达或少到达任何设施。" if zh else "Nobody gains or loses a kind within its minutes.")
    if len(gates):
        _print_frame(gates.head(5), "逐个打开封闭大门" if zh else "Closed gates, each opened alone", {})
    _out.print(
        f"步行时间有变化的住处：{len(found.homes)} 处（{people} {changed:,.0f}）。"
        if zh
        else f"Homes whose minutes change: {len(found.homes)} ({people.lower()}: {changed:,.0f})."
    )
    _out.print(
        f"完成，用时 {sum(found.seconds.values()):.0f} 秒。" if zh else f"Done in {sum(found.seconds.values()):.0f} s."
    )
    _out.print(f"{'结果' if zh else 'Results'}: {found.out.resolve()}", markup=False)


def _print_atlas(made: Any, *, zh: bool) -> None:
    from lifecircle.publish.atlas_themes import THEMES

    headings = {"number": "图号", "theme": "主题", "area": "范围", "scale": "比例尺", "status": "状态", "why": "原因"}
    states = {"drawn": "已绘", "kept": "沿用", "failed": "失败"}
    shown = made.sheets[list(headings)].replace({"status": states} if zh else {})
    shown["theme"] = shown["theme"].map({code: theme.zh if zh else theme.en for code, theme in THEMES.items()})
    shown["area"] = shown["area"].mask(shown["area"] == "", "全域" if zh else "whole").str.slice(0, 40)
    _print_frame(shown, "图幅" if zh else "Sheets", headings if zh else {})
    for warning in made.warnings:
        _out.print(f"! {warning}", markup=False)
    _out.print(f"{'图集' if zh else 'Atlas'}: {made.file.resolve()}", markup=False)


def _print_inventory(inventory: Any, *, zh: bool) -> None:
    headings = {
        "layer": "图层",
        "source": "文件",
        "read": "读入",
        "filtered": "筛除",
        "kept": "保留",
        "rejected": "退回",
        "crs": "坐标系",
    }
    layers = inventory.layers
    _print_frame(layers[[c for c in headings if c in layers]], "图层" if zh else "Layers", headings if zh else {})
    mapping = inventory.mapping
    if len(mapping):
        mapping = mapping.drop_duplicates(["layer", "column", "raw"])
        pairs = (mapping["column"] + " ← " + mapping["raw"]).groupby(mapping["layer"], sort=False).agg(", ".join)
        table = Table(title="列名对应" if zh else "Columns as understood", title_justify="left", box=None)
        table.add_column("图层" if zh else "layer")
        table.add_column("规范列 ← 原列" if zh else "canonical ← raw", overflow="fold")
        for layer, said in pairs.items():
            table.add_row(str(layer), Text(said))
        _out.print(table)
    # What the table above already counts is not said again.
    notes = inventory.notes[~inventory.notes["code"].isin(["filtered", "ids_made"])]
    notes = notes[["layer", "text"]].drop_duplicates()
    for layer, text in notes.itertuples(index=False):
        _out.print(f"· {layer}: {text}" if layer else f"· {text}", markup=False)


def _print_frame(frame: Any, title: str, headings: dict[str, str]) -> None:
    table = Table(title=title, title_justify="left", box=None)
    for column in frame.columns:
        table.add_column(headings.get(column, column), overflow="fold")
    for row in frame.astype(object).where(frame.notna(), "").itertuples(index=False):
        table.add_row(*(Text(str(cell)) for cell in row))
    _out.print(table)


@contextmanager
def _progress() -> Iterator[Callable[[float, float, str], None]]:
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
        console=_err,
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, text: bar.update(task, completed=done, total=total, description=text)


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn what lifecircle refuses into its sentence on stderr and exit code 1; never a traceback."""
    try:
        yield
    except LifecircleError as error:
        _err.print(str(error), markup=False)
        raise typer.Exit(1) from None
    except (typer.Exit, typer.BadParameter):
        raise
    except Exception as error:  # a fault of ours: still a sentence, with what is needed to report it
        name = Path(gettempdir()) / "lifecircle-error.txt"
        name.write_text(format_exc(), encoding="utf-8")
        _err.print(
            f"lifecircle failed where it should not: {type(error).__name__}: {error}. The last results are untouched; "
            f"please report it with {name}.",
            markup=False,
        )
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        _err.print("Stopped; the last results are untouched. 已中止，上次的结果未改动。")
        raise typer.Exit(1) from None
