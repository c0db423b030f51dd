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
import numpy as np
import pandas as pd
import pyproj
import shapely

from lifecircle import load, normalise, standards
from lifecircle.analyse import coverage, land, parks, pipes
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
    kept = _read_back(out / "results.gpkg", except_theme=theme) if theme else {}
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
                basemap=recipe.basemap,
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
        *("reuse_assets", "reuse_options", "reuse_criteria", "reuse_sites", "reuse_curve", "reuse_gains_by_area"),
        *("reuse_doubts", "reuse_rules"),
    ),
}


def _theme_of(layer: str) -> str:
    return next(theme for theme, names in _LAYERS.items() if layer in names)


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
    edition = land_edition(study)
    codes = land.crosswalk(parcels, standards.read("land_use"))
    pairs = land.shares(parcels, study.buildings) if study.buildings is not None else None
    measured = land.measures(
        parcels,
        study.buildings,
        as_of=study.as_of,
        mu_m2=standards.parameter("mu_m2"),
        area_difference_share=standards.parameter("area_difference_share"),
        usage=study.usage,
        industries=edition.industries,
        pairs=pairs,
    )
    groups = codes["land_group"]
    scope = land_scope(parcels, codes, edition)
    verdict = land.underused(measured, groups, edition.rules, needed=max(edition.needed, 1), scope=scope)
    cases, hangs = land.sensitivity(
        measured,
        groups,
        edition.rules,
        as_of=study.as_of,
        step_share=standards.parameter("sensitivity_land_share"),
        needed=max(edition.needed, 1),
        scope=scope,
    )
    if edition.needed == 0:  # an edition that judges no parcel
        verdict["candidate"] = "not known"
    own = parcels[["name", "land_use", "land_use_edition", "industry", "tax_yuan"]]
    summary = [c for c in _VERDICT if c in verdict]
    told = verdict.drop(columns=summary)
    doubts, buildings = land_doubts(parcels, study.buildings, measured, codes, usage=study.usage, pairs=pairs)
    flags = {c: _said(measured[c]) for c in ("area_differs", "far_differs")}
    shown = pd.concat(
        [
            *(own, codes[["land_group", "land_use_known"]], verdict[summary], land_confidence(verdict), hangs),
            *(measured.drop(columns="months_without_use_most", errors="ignore").assign(**flags), told),
        ],
        axis=1,
    )
    rules = pd.concat([edition.rules, edition.town], ignore_index=True)
    layers: Layers = {
        "land": gpd.GeoDataFrame(shown, geometry=parcels.geometry, crs=parcels.crs),
        "land_rules": rules.assign(binding=np.where(rules["binding"], "yes", "no")),
        "land_sensitivity": cases,
        "land_editions": land_editions(study, measured, codes, verdict["candidate"]),
        "land_town": land_town(measured, codes),
        "land_doubts": doubts,
    }
    if buildings is not None:
        layers["land_buildings"] = buildings
    return layers, {}


_VERDICT = (
    *("candidate", "reasons", "rules_yes", "rules_no", "rules_not_known", "exemption", "idle", "not_supplied"),
    "criteria_known_share",
)


def _said(flags: pd.Series[Any]) -> pd.Series[str]:
    return flags.map({True: "yes", False: "no"}).astype("str").fillna("not known")


def land_edition(study: Study) -> editions.LandEdition:
    """The criteria the study goes by: those it names, else those of its standards profile, else the default set."""
    named = study.land_edition or study.standards
    known = editions.codes(folder=study.land_folder)
    return editions.land(named if study.land_edition or named in known else "default", folder=study.land_folder)


def land_rules(profile: str) -> pd.DataFrame:
    """The land criteria of the edition `profile`, or the default set where the profile has none; see `land.underused`.

    >>> sorted(land_rules("national_2018")["class"].unique())
    ['exemption', 'idle', 'low_efficiency', 'not_supplied']
    """
    return editions.land(profile if profile in editions.codes() else "default").rules


def land_groups(parcels: gpd.GeoDataFrame) -> pd.Series[str]:
    """The land-use group of each parcel (``industrial``, ``residential``, …), as `land.crosswalk` reads it; missing where not known."""
    return land.crosswalk(parcels, standards.read("land_use"))["land_group"]


def land_scope(parcels: gpd.GeoDataFrame, codes: pd.DataFrame, edition: editions.LandEdition) -> pd.Series[Any]:
    """Whether an edition speaks of a parcel: no where the register says so, or where it asks for construction land and this is none."""
    scope = parcels["in_scope"].astype("boolean")
    return scope & codes["construction"] if edition.scope == "construction" else scope


def land_confidence(verdict: pd.DataFrame) -> pd.Series[str]:
    """How far a class rests on data, in words: high, medium or low, by the share of criteria that are answered."""
    share = verdict["criteria_known_share"]
    limits = [standards.parameter(f"land_confidence_{word}_share") for word in ("high", "medium")]
    said = np.select([share.isna(), share >= limits[0], share >= limits[1]], ["not known", "high", "medium"], "low")
    return pd.Series(said, index=verdict.index, name="confidence", dtype="str")


def land_editions(study: Study, measured: pd.DataFrame, codes: pd.DataFrame, chosen: pd.Series[str]) -> pd.DataFrame:
    """The editions side by side on the same parcels: how many each finds, and how many of them the chosen one finds too.

    One row an edition that judges parcels: ``edition``, ``name``, ``needed``, ``rules`` and ``rules_asked`` (those the place has data for),
    ``candidates``, ``candidates_m2``, ``exempt``, ``parcels_not_known``, ``also_chosen``, ``source``, ``mark``.
    """
    rows = []
    for code in editions.codes(folder=study.land_folder):
        edition = editions.land(code, folder=study.land_folder)
        if edition.needed == 0 or study.parcels is None:
            continue
        scope = land_scope(study.parcels, codes, edition)
        said = land.classes(measured, codes["land_group"], edition.rules, needed=edition.needed, scope=scope)
        found = said["candidate"] == "candidate"
        low = edition.rules[(edition.rules["class"] == "low_efficiency") & edition.rules["binding"]]
        asked = low["quantity"].isin([c for c in measured if measured[c].notna().any()]) & low["value"].notna()
        rows.append(
            {
                "edition": code,
                "name": edition.name_zh if study.language == "zh" else edition.name_en,
                "needed": edition.needed,
                "rules": low["rule"].nunique(),
                "rules_asked": int(asked.groupby(low["rule"]).all().sum()),
                "candidates": int(found.sum()),
                "candidates_m2": float(measured.loc[found, "area_m2"].sum()),
                "exempt": int((said["candidate"] == "exempt").sum()),
                "parcels_not_known": int((said["candidate"] == "not known").sum()),
                "also_chosen": int((found & (chosen == "candidate")).sum()),
                "source": edition.source,
                "mark": edition.mark,
            }
        )
    return pd.DataFrame(rows)


def land_town(measured: pd.DataFrame, codes: pd.DataFrame) -> pd.DataFrame:
    """The limits of the town as a whole: floor area of the buildings on construction land ÷ that land.

    ``rule``, ``quantity``, ``town_value``, ``threshold``, ``answer`` (yes: the limit is kept), ``construction_m2``, ``source``, ``mark``. Where a
    parcel's class or a building's floor area is not known, so is the ratio.
    """
    rules = editions.land("county_2021_limits").town
    built = codes["construction"].fillna(False).to_numpy(dtype=bool)
    ground = measured.loc[built, "area_m2"].sum()
    floors = measured.loc[built, "built_floor_area_m2"].sum(skipna=False)
    ratio = floors / ground if ground > 0 and codes["construction"].notna().all() else np.nan
    town = pd.DataFrame({"town_far": [ratio]}, index=["town"])
    said = land.evidence(land.underused(town, pd.Series("any", index=town.index), rules), rules)
    return said.rename(columns={"value": "town_value"}).assign(construction_m2=ground)[
        ["rule", "town_value", "threshold", "answer", "construction_m2", "source", "mark"]
    ]


def land_doubts(
    parcels: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame | None,
    measured: pd.DataFrame,
    codes: pd.DataFrame,
    *,
    usage: pd.DataFrame | None,
    pairs: pd.DataFrame | None,
) -> tuple[pd.DataFrame, gpd.GeoDataFrame | None]:
    """What is doubtful in the data the land theme rests on, counted, and the buildings that stand on no, several or other parcels.

    Returns
    -------
    doubts
        One row a doubt, also where its count is 0: ``doubt``, ``count``, ``doubt_m2`` (area in doubt, NaN where it has none) and ``such_as``.
    buildings
        Those in doubt, with what `land.standing` says of them; None without a layer of buildings.
    """
    rows: list[tuple[str, pd.Index[Any], float]] = []
    least_m2 = standards.parameter("parcel_overlap_told_m2")
    over = land.overlaps(parcels, least_m2=least_m2)
    rows.append(("parcels_overlap", pd.Index(over["parcel"] + " × " + over["other"]), float(over["overlap_m2"].sum())))
    differs = parcels.index[measured["area_differs"].fillna(False)]
    apart = (parcels["site_area_m2"] - measured["drawn_area_m2"]).abs()
    rows.append(("area_differs", differs, float(apart[differs].sum())))
    rows.append(("far_differs", parcels.index[measured["far_differs"].fillna(False)], np.nan))
    for known in ("no code", "no edition", "unknown code", "ambiguous"):
        at = codes.index[codes["land_use_known"] == known]
        rows.append((f"land_use: {known}", at, float(measured.loc[at, "area_m2"].sum())))
    shown = None
    if buildings is not None and pairs is not None:
        stand = land.standing(parcels, buildings, pairs, least_m2=least_m2)
        none, several = stand["parcels"] == 0, stand["parcels"] > 1
        off = (stand["off_parcels_m2"] > least_m2) & ~none
        other = stand["parcel_agrees"].eq(False).fillna(False).astype("bool")
        for name, which, column in (
            ("building_on_no_parcel", none, "footprint_m2"),
            ("building_partly_off", off, "off_parcels_m2"),
            ("building_on_several", several, "footprint_m2"),
            ("building_says_other_parcel", other, "footprint_m2"),
        ):
            rows.append((name, stand.index[which], float(stand.loc[which, column].sum())))
        doubtful = none | off | several | other
        flags = {"parcel_agrees": _said(stand["parcel_agrees"])}
        said = stand.assign(**flags, parcel_id=buildings["parcel_id"])[doubtful]
        shown = gpd.GeoDataFrame(said, geometry=buildings.geometry[doubtful], crs=buildings.crs)
    if usage is not None:
        of = usage["of_table"].isin(["parcels", "buildings"])
        rows.append(("usage_of_other_table", pd.Index(usage["of_id"][~of].unique()), np.nan))
        rows.append(("usage_no_quantity", pd.Index(usage["of_id"][usage["quantity"].isna()].unique()), np.nan))
        rows.append(("usage_no_month", parcels.index[measured["use_periods_unread"] > 0], np.nan))
    table = pd.DataFrame(
        [(name, len(which), area, ", ".join(map(str, which[:3]))) for name, which, area in rows],
        columns=["doubt", "count", "doubt_m2", "such_as"],
    )
    return table.astype({"such_as": "str"}), shown


def _parks(study: Study) -> tuple[Layers, dict[str, Any]]:
    (parks_,) = _needed(study, "parks")
    parcels, homes = study.parcels, study.homes
    homes_land = None
    if parcels is not None:
        residential = parcels[land_groups(parcels) == "residential"]
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
        "standards": {"profile": study.standards, "land": land_edition(study).code, "sha256": shelf.hexdigest()},
        "recipe": hashlib.sha256(recipe.file.read_bytes()).hexdigest(),
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


def _last(out: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of the last run into `out`, which must have had the same inputs."""
    from lifecircle.publish import manifest, output

    last = output.previous(out)
    if last is None:
        raise StudyError("--theme", [f"{out} holds no results of a whole run yet; run without --theme first"])
    now = json.loads(manifest.text(facts))
    changed = [key for key in now if last.get(key) != now[key]]
    if changed:
        raise StudyError(
            "--theme",
            [f"the last run in {out} had other {', '.join(changed)}; run without --theme to compute everything anew"],
        )
    return last


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


def _read_back(path: Path, *, except_theme: str) -> Layers:
    import pyogrio

    layers: Layers = {}
    try:
        for name in map(str, pyogrio.list_layers(path)[:, 0]):
            if _theme_of(name) != except_theme:
                frame = pyogrio.read_dataframe(path, layer=name)
                objects = [c for c in frame if c != "geometry" and pd.api.types.is_object_dtype(frame[c])]
                frame = frame.astype(dict.fromkeys(objects, "str"))
                layers[name] = frame.set_index(_INDEX[name]) if name in _INDEX else frame
    except (OSError, RuntimeError, KeyError, StopIteration) as error:
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
