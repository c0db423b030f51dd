"""The whole study told once: read, normalise, build the network, analyse, publish.

Every step is a call of a public function, so a notebook can stop after any of them and look.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from lifecircle import load, normalise, screening, standards
from lifecircle.analyse import coverage, parks, pipes
from lifecircle.errors import LifecircleError, MissingLayerError, OutputError, StudyError
from lifecircle.standards import editions
from lifecircle.study import Study

Layers = dict[str, gpd.GeoDataFrame | pd.DataFrame]
Progress = Callable[[float, float, str], None]
THEMES = ("coverage", "land", "parks", "pipes", "reuse", "blocks")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """What a run made: where it lies, what the study held, the result layers, why themes were skipped, seconds a stage."""

    out: Path
    study: Study
    inventory: normalise.Inventory
    results: Layers
    skipped: dict[str, str]
    network: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def map(self) -> Path:
        """The overview map: one HTML file that asks nothing of the network."""
        return self.out / "maps" / "overview.html"


def sample_town() -> Path:
    """The folder of the sample town that comes with the package, a fictional county town of about 60,000 residents.

    >>> (sample_town() / "study.toml").is_file()
    True
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "sample_town", here.parents[1] / "data" / "sample_town"):
        if (folder / "study.toml").is_file():
            return folder
    raise StudyError("sample town", ["is missing from this installation; reinstall lifecircle"])


def run(
    place: Path | str, *, out: Path | str | None = None, theme: str | None = None, progress: Progress | None = None
) -> Run:
    """Read a place, analyse it and publish layers, map and tables.

    Parameters
    ----------
    place
        A folder with a ``study.toml``, or the file itself.
    out
        Where results go; ``layers/<name of the folder>`` below the current folder by default. The last set of results is
        replaced only when the new one is whole; files that are not lifecircle's are never touched.
    theme
        One of `THEMES`: only that theme is computed anew and the others are kept from the last run, which must have had
        the same inputs.
    progress
        Called with what is done, what there is to do and a short text.

    Raises
    ------
    LifecircleError
        One sentence, or a list of them, naming the file, layer, row or key at fault.
    """
    from lifecircle.publish import output, whole

    if theme is not None and theme not in THEMES:
        raise StudyError("--theme", [f"there is no theme {theme!r}; use one of {', '.join(THEMES)}"])
    watch = _Watch(progress)
    with watch("read"):
        recipe = load.recipe.read(place)
        out = Path(out) if out is not None else Path("layers") / recipe.folder.name
        before = output.previous(out)
        if before is not None and "scenario" in before:
            raise OutputError(f"{out} holds a comparison; choose another folder for the results of a run.")
        study, inventory = normalise.place(recipe, progress=watch.within)
    facts = _facts(recipe, study, inventory)
    last = _last(out, facts) if theme else {}
    kept = read_back(out / "results.gpkg", except_theme=theme) if theme else {}
    results, skipped, walked = analyse(study, only=theme, kept=kept, watch=watch)
    if theme:
        if theme in skipped:
            raise MissingLayerError(f"The theme {theme} cannot be computed: {skipped[theme]}.")
        results = kept | results
        walked = walked or last.get("network", {})
        skipped = {t: said["why"] for t, said in last.get("themes", {}).items() if t != theme and "why" in said}
    results = {name: results[name] for names in _LAYERS.values() for name in names if name in results}
    with output.staged(out) as folder:
        with watch("publish"):
            whole.write(
                folder,
                study,
                inventory,
                results,
                facts=facts,
                skipped=skipped,
                network=walked,
                maps={"basemap": recipe.ground, "language": recipe.maps_language or recipe.language},
            )
        _write_log(folder / "run.log", watch.seconds)
    return Run(
        out=out,
        study=study,
        inventory=inventory,
        results=results,
        skipped=skipped,
        network=walked,
        seconds=watch.seconds,
    )


def results(place: Path | str, *, out: Path | str | None = None, progress: Progress | None = None) -> Run:
    """What a run of `place` gives, without publishing: that of the last run into `out` where it had the same inputs, else worked out anew.

    Parameters as for `run`; nothing is written.

    Raises
    ------
    LifecircleError
        As `run`.
    """
    from lifecircle.publish import output

    watch = _Watch(progress)
    with watch("read"):
        recipe = load.recipe.read(place)
        out = Path(out) if out is not None else Path("layers") / recipe.folder.name
        study, inventory = normalise.place(recipe, progress=watch.within)
    last = output.previous(out)
    if last is None or _differ(last, _facts(recipe, study, inventory)):
        found, skipped, walked = analyse(study, watch=watch)
    else:
        found = read_back(out / "results.gpkg")
        skipped = {theme: said["why"] for theme, said in last["themes"].items() if "why" in said}
        walked = last["network"]
    return Run(
        out=out,
        study=study,
        inventory=inventory,
        results={name: found[name] for name in _OF_THEME if name in found},
        skipped=skipped,
        network=walked,
        seconds=watch.seconds,
    )


def exchange(place: Path | str, *, out: Path | str | None = None, progress: Progress | None = None) -> Path:
    """Write the results of `place` as CSV and GeoJSON into the folder ``exchange`` beside them, and return it; see `results` and `exchange.write`.

    The last set of files there is replaced only when the new one is whole.
    """
    from lifecircle.publish import exchange as files
    from lifecircle.publish import manifest, output

    found = results(place, out=out, progress=progress)
    with output.staged(found.out / "exchange") as folder:
        files.write(found.results, folder)
        manifest.write({"name": found.study.name, "as_of": found.study.as_of}, folder / manifest.NAME)
    return found.out / "exchange"


def report(place: Path | str, *, out: Path | str | None = None, progress: Progress | None = None) -> Path:
    """Write the report of `place`, a few pages in one HTML file that prints to A4, into the folder ``report`` beside the results; see `results`.

    Returns the path of the page.
    """
    from lifecircle.publish import charts, digest, figures, manifest, output
    from lifecircle.publish import report as pages

    found = results(place, out=out, progress=progress)
    study, language = found.study, found.study.language
    told = digest.sections(study, found.inventory, found.results, skipped=found.skipped, network=found.network)
    drawn = {"glance": pages.map_of({**study.tables(), **found.results}, language=language)}
    for code, mine in figures.of(found.results, language=language).items():
        drawn[code] = {caption: charts.svg(chart) for caption, chart in mine.items()}
    with output.staged(found.out / "report") as folder:
        pages.write(
            told, folder / "report.html", title=study.name, language=language, synthetic=study.synthetic, figures=drawn
        )
        manifest.write({"name": study.name, "as_of": study.as_of}, folder / manifest.NAME)
    return found.out / "report" / "report.html"


def analyse(
    study: Study, *, only: str | None = None, kept: Layers | None = None, watch: _Watch | None = None
) -> tuple[Layers, dict[str, str], dict[str, Any]]:
    """Every theme the study has data for, or `only` one; `kept` are layers of the others, which blocks look at.

    Returns
    -------
    tuple
        The result layers by name, the themes left out with the reason, and what is to be said of the walking network.
    """
    watch = watch or _Watch(None)
    results: Layers = {}
    skipped: dict[str, str] = {}
    report: dict[str, Any] = {}
    works: dict[str, Callable[[Study], tuple[Layers, dict[str, Any]]]] = {
        "coverage": _coverage,
        "land": _land,
        "parks": _parks,
        "pipes": _pipes,
        "reuse": _reuse,
        "blocks": lambda study: _blocks(study, (kept or {}) | results),
    }
    for theme, work in works.items():
        if only in (None, theme):
            with watch(theme):
                try:
                    layers, said = work(study)
                except LifecircleError as error:  # what one theme cannot do says nothing against the others
                    skipped[theme] = str(error).rstrip(".")
                else:
                    results |= layers
                    report |= said
    return results, skipped, report


def _needed(study: Study, *names: str) -> list[gpd.GeoDataFrame]:
    """The layers a theme cannot do without."""
    frames = [getattr(study, name) for name in names]
    lacking = [name for name, frame in zip(names, frames, strict=True) if frame is None or frame.empty]
    if lacking:
        listed = ", ".join(lacking)
        raise MissingLayerError(f"没有图层 {listed}" if study.language == "zh" else f"this place has no {listed}")
    return frames


_LAYERS = {
    "coverage": (
        *("coverage_homes", "coverage_areas", "coverage_by_area", "coverage_town", "coverage_methods"),
        *("coverage_walkers", "coverage_edge", "sensitivity", "certainty", "service_areas", "edge_of_data"),
        *("gaps", "gap_areas", "gap_missing", "gap_kinds", "gap_grid", "supply_homes", "supply_town", "supply_match"),
    ),
    "land": (
        *("land", "land_rules", "land_sensitivity", "land_editions", "land_town", "land_doubts"),
        "land_buildings",
    ),
    "parks": ("park_reach", "park_land", "park_coverage"),
    "pipes": ("pipes_screen", "pipes_length"),
    "blocks": (
        *("renewal_blocks", "renewal_block_evidence", "renewal_block_land", "renewal_block_gaps"),
        *("renewal_block_assets", "renewal_demolition", "renewal_duplicates", "renewal_town"),
    ),
    "reuse": (
        *("reuse_assets", "reuse_options", "reuse_criteria", "reuse_choices", "reuse_sites", "reuse_curve"),
        *("reuse_gains_by_area", "reuse_doubts", "reuse_rules", "reuse_unchecked"),
    ),
}


_OF_THEME = {name: theme for theme, names in _LAYERS.items() for name in names}


def _coverage(study: Study) -> tuple[Layers, dict[str, Any]]:
    from lifecircle import circle

    homes, facilities, streets = _needed(study, "homes", "facilities", "streets")
    return circle.analyse(study, homes, facilities, streets)


def _reuse(study: Study) -> tuple[Layers, dict[str, Any]]:
    from lifecircle import conversion

    homes, facilities, streets = _needed(study, "homes", "facilities", "streets")
    return conversion.analyse(study, homes, facilities, streets)


def _land(study: Study) -> tuple[Layers, dict[str, Any]]:
    (parcels,) = _needed(study, "parcels")
    return screening.analyse(study, parcels), {}


def _parks(study: Study) -> tuple[Layers, dict[str, Any]]:
    (parks_,) = _needed(study, "parks")
    parcels, homes = study.parcels, study.homes
    homes_land = None
    if parcels is not None:
        residential = parcels[screening.groups(parcels) == "residential"]
        homes_land = residential[["name", "geometry"]] if len(residential) else None
    rows, areas, pieces = [], {}, {}
    for definition, classes in park_classes().groupby("code", sort=False):
        area = parks.service_area(parks_, classes)
        areas[str(definition)] = area
        facts = {
            "definition": str(definition),
            "name_zh": classes["name_zh"].iloc[0],
            "name_en": classes["name_en"].iloc[0],
            "source": classes["source"].iloc[0],
            "mark": classes["mark"].iloc[0],
        }
        if homes_land is not None:
            piece = parks.covered(homes_land, area)
            pieces[f"share_{definition}"] = piece["share"]
            rows.append(
                {
                    **facts,
                    "of": "residential_land_m2",
                    "total": piece["land_m2"].sum(),
                    "covered": piece["covered_m2"].sum(),
                }
            )
        if homes is not None and len(homes):
            people = coverage.weight(homes)
            inside = people[shapely.covered_by(homes.geometry.to_numpy(), area)]
            rows.append({**facts, "of": str(people.name), "total": people.sum(), "covered": inside.sum()})
    if not rows:
        raise MissingLayerError(
            "没有居住用地，也没有住处，无从计算公园覆盖率"
            if study.language == "zh"
            else "this place has neither residential parcels nor homes to measure park coverage on"
        )
    table = pd.DataFrame(rows)
    table["share"] = table["covered"] / table["total"].where(table["total"] > 0)
    reach = gpd.GeoDataFrame(
        {"name": table.drop_duplicates("definition").set_index("definition")[f"name_{study.language}"]},
        geometry=gpd.GeoSeries(areas, crs=study.crs),
    )
    layers: Layers = {"park_reach": reach.rename_axis("definition"), "park_coverage": table}
    if homes_land is not None:
        layers["park_land"] = gpd.GeoDataFrame(
            pd.DataFrame({"name": homes_land["name"], **pieces}), geometry=homes_land.geometry, crs=study.crs
        )
    return layers, {}


def park_classes() -> pd.DataFrame:
    """The published definitions of park service coverage: one row a size class with its radius, confirmed values only."""
    rules = standards.read("park_classes")
    return rules[standards.binding(rules["mark"])].rename(columns={"value": "radius_m"})


def _pipes(study: Study) -> tuple[Layers, dict[str, Any]]:
    (lines,) = _needed(study, "pipes")
    screen = pipes.renewal(lines, pipe_rules(), as_of=study.as_of)
    breaks = standards.read("pipe_age_classes")["value"].tolist()
    own = lines[["network", "material", "diameter_mm", "built_year", "geometry"]]
    layer = own.assign(length_m=own.length).join(screen)
    layers: Layers = {
        "pipes_screen": gpd.GeoDataFrame(layer, geometry="geometry", crs=study.crs),
        "pipes_length": pipes.lengths(lines, as_of=study.as_of, age_breaks=breaks),
    }
    return layers, {}


def pipe_rules() -> pd.DataFrame:
    """The renewal rules by network, material and age; see `pipes.renewal`."""
    rules = standards.read("pipe_rules").rename(columns={"value": "age_from_years"})
    return rules.assign(binding=standards.binding(rules["mark"]), needs_assessment=rules["needs_assessment"] == "yes")


def _blocks(study: Study, found: Layers) -> tuple[Layers, dict[str, Any]]:
    from lifecircle import blocks

    parcels: Any = found["land"] if "land" in found else _land(study)[0]["land"]
    homes: Any = found.get("coverage_homes")
    proposed = found.get("reuse_options")
    if proposed is not None:
        ranked = proposed[proposed["rank_in_asset"].notna()]
        proposed = ranked[["asset_id", "use", "rank_in_asset"]].rename(columns={"rank_in_asset": "rank"})
    return blocks.analyse(study, parcels, coverage_homes=homes, proposed=proposed), {}


def _facts(recipe: Any, study: Study, inventory: normalise.Inventory) -> dict[str, Any]:
    """What the results depend on: recipe, inputs, standards and versions. No clock, no machine, no absolute path."""
    shelf = hashlib.sha256()
    for name in standards.tables()["name"]:
        shelf.update(standards.read(name).to_csv(index=False).encode())
    if study.land_folder is not None:
        for name in editions.TABLES:
            shelf.update(standards.read(name, folder=study.land_folder).to_csv(index=False).encode())
    return {
        "name": study.name,
        "synthetic": study.synthetic,
        "crs": study.crs.to_string(),
        "language": study.language,
        "as_of": study.as_of,
        "standards": {"profile": study.standards, "land": screening.edition(study).code, "sha256": shelf.hexdigest()},
        "recipe": _recipe_hash(recipe),
        "inputs": inventory.inputs,
        "versions": {
            **{
                p: version(p)
                for p in ("lifecircle", "geopandas", "numpy", "pandas", "shapely", "pyogrio", "numba", "folium")
            },
            "python": platform.python_version(),
            "geos": shapely.geos_version_string,
            "proj": pyproj.proj_version_str,
        },
    }


def _recipe_hash(recipe: load.recipe.Recipe) -> str:
    """What results depend on of a recipe: all but the words printed on sheets."""
    return hashlib.sha256(recipe.model_dump_json(by_alias=True, exclude={"sheet"}).encode()).hexdigest()


def up_to_date(recipe: load.recipe.Recipe, out: Path) -> bool:
    """Whether `out` holds the results of a run of this recipe with these inputs and this version of lifecircle."""
    from lifecircle.publish import output

    last = output.previous(out)
    if last is None or "results.gpkg" not in last["files"] or not (out / "results.gpkg").is_file():
        return False
    facts = normalise.places.inputs(recipe).to_dict("records")
    before = [row for row in last.get("inputs", []) if row["file"] != recipe.file.name]
    return (
        last.get("recipe") == _recipe_hash(recipe)
        and last.get("versions", {}).get("lifecircle") == version("lifecircle")
        and before == [row for row in facts if row["file"] != recipe.file.name]
    )


def _last(out: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of the last run into `out`, which must have had the same inputs."""
    from lifecircle.publish import output

    last = output.previous(out)
    if last is None:
        raise StudyError("--theme", [f"{out} holds no results of a whole run yet; run without --theme first"])
    changed = _differ(last, facts)
    if changed:
        raise StudyError(
            "--theme",
            [f"the last run in {out} had other {', '.join(changed)}; run without --theme to compute everything anew"],
        )
    return last


def _differ(last: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    """What the last run rested on that is otherwise now."""
    from lifecircle.publish import manifest

    now = json.loads(manifest.text(facts))
    return [key for key in now if last.get(key) != now[key]]


_INDEX = {
    "coverage_homes": "home_id",
    "coverage_areas": "area_id",
    "gap_areas": "gap_id",
    "gap_kinds": "gap_id",
    "gap_grid": "cell_id",
    "supply_homes": "home_id",
    "land": "parcel_id",
    "land_buildings": "building_id",
    "park_reach": "definition",
    "park_land": "parcel_id",
    "pipes_screen": "pipe_id",
    "renewal_blocks": "block_id",
    "reuse_assets": "asset_id",
}


def read_back(path: Path, *, except_theme: str = "") -> Layers:
    """The layers of a GeoPackage of results, without those of a theme; texts as text, results on their index.

    Raises
    ------
    OutputError
        A file that is not there or not whole.
    """
    import pyogrio

    layers: Layers = {}
    try:
        for name in map(str, pyogrio.list_layers(path)[:, 0]):
            if name != "layer_styles" and (not except_theme or _OF_THEME.get(name) != except_theme):
                frame = pyogrio.read_dataframe(path, layer=name)
                objects = [c for c in frame if c != "geometry" and pd.api.types.is_object_dtype(frame[c])]
                frame = frame.astype(dict.fromkeys(objects, "str"))
                layers[name] = frame.set_index(_INDEX[name]) if name in _INDEX else frame
    except (OSError, RuntimeError, KeyError) as error:
        raise OutputError(
            f"The results in {path} are not whole; run without --theme to compute everything anew."
        ) from error
    return layers


class _Watch:
    """Says each step as it begins and keeps the seconds it took."""

    steps = ("read", *THEMES, "publish")

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress or (lambda done, total, text: None)
        self.seconds: dict[str, float] = {}

    def within(self, done: float, total: float, text: str) -> None:
        self.progress(done / max(total, 1.0), len(self.steps), text)

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        self.progress(self.steps.index(step), len(self.steps), step)
        start = time.perf_counter()
        yield
        self.seconds[step] = time.perf_counter() - start
        _LOG.info("%s: %.2f s", step, self.seconds[step])


def _write_log(path: Path, seconds: Mapping[str, float]) -> None:
    lines = [f"{step}\t{took:.2f} s" for step, took in seconds.items()]
    path.write_text(
        "\n".join([f"lifecircle {version('lifecircle')} on {platform.platform()}", *lines, ""]), encoding="utf-8"
    )
