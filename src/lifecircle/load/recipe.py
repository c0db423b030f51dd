"""`study.toml`: the recipe of a place, checked whole before anything is read."""

from __future__ import annotations

import copy
import math
import re
import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pyproj import CRS

from lifecircle import schema, standards
from lifecircle.errors import CrsError, LifecircleError, StudyError
from lifecircle.load import coordinates, units
from lifecircle.load.layers import OSM, RASTERS, canonical, is_layer
from lifecircle.standards import editions

FILE = "study.toml"
Counted = Literal["residents", "elderly", "children"]
OsmPart = Literal["streets", "buildings", "facilities", "parks", "barriers", "gates", "extent"]

_STRICT = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, str_strip_whitespace=True)


def _column(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


def _texts(value: Any) -> Any:
    values = value if isinstance(value, list) else [value]
    return [f"{v:g}" if isinstance(v, int | float) and not isinstance(v, bool) else v for v in values]


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _several(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class Column(BaseModel):
    """Where a canonical column comes from: the raw name (empty: from nowhere), and the unit it is counted in."""

    model_config = _STRICT
    raw: str = Field(alias="from")
    unit: str | None = None


class Join(BaseModel):
    """How a table without geometry finds its object: `on` is the raw column that holds the number of `layer`."""

    model_config = _STRICT
    layer: str
    on: str


Values = Annotated[list[str], BeforeValidator(_texts)]


class Source(BaseModel):
    """One file of one layer, and how its columns are to be understood."""

    model_config = _STRICT
    source: str = Field(min_length=1)
    layer: str | None = None
    encoding: str | None = None
    crs: str | None = None
    osm: OsmPart | None = None
    counts: Counted | None = None
    filter: dict[str, Values] = Field(default_factory=dict)
    exclude: dict[str, Values] = Field(default_factory=dict)
    columns: dict[str, Annotated[Column, BeforeValidator(_column)]] = Field(default_factory=dict)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    constants: dict[str, str | bool | int | float | date] = Field(default_factory=dict, alias="set")
    join: Join | None = None
    xy: tuple[str, str] | None = None

    @property
    def suffix(self) -> str:
        """The ending that decides the reader: the last, or the last two of .osm.bz2 and the like."""
        name = self.source.lower()
        return next((ending for ending in OSM if name.endswith(ending)), Path(name).suffix)


class Demand(BaseModel):
    """What residents are estimated by where nothing counts them; floor area first, dwellings where it is not known."""

    model_config = _STRICT
    floor_area_per_person_m2: float | None = Field(default=None, gt=0, allow_inf_nan=False, strict=True)
    persons_per_dwelling: float | None = Field(default=None, gt=0, allow_inf_nan=False, strict=True)


class Land(BaseModel):
    """Which criteria of low-efficiency land the study goes by; `folder`, from the study file, holds a city's own."""

    model_config = _STRICT
    edition: str | None = None
    folder: str | None = None


class Constraints(BaseModel):
    """Kinds of constraint that the study says there are none of, so that their absence is known without a layer."""

    model_config = _STRICT
    none: Annotated[tuple[Literal["farmland", "ecology", "heritage", "hazard"], ...], BeforeValidator(_listed)] = ()


class Reuse(BaseModel):
    """Which conversions of idle assets are looked for: how many, for how much, and how many people a use can serve."""

    model_config = _STRICT
    conditional: bool = Field(default=False, strict=True)
    sites: Annotated[tuple[Annotated[int, Field(ge=1, strict=True)], ...], BeforeValidator(_listed)] = ()
    budget_yuan: float | None = Field(default=None, gt=0, allow_inf_nan=False, strict=True)
    capacity: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]] = Field(default_factory=dict)


class Sheet(BaseModel):
    """What printed sheets say of themselves: who made them, for whom, on what paper; `font`, from the study file, is tried first."""

    model_config = _STRICT
    organisation: str = ""
    author: str = ""
    reviewer: str = ""
    dated: date | None = Field(default=None, alias="date")
    marking: Literal["internal", "public"] = "internal"
    review_number: str = ""
    height_datum: str = ""
    sources: str = ""
    font: str | None = None
    paper: Literal["A3", "A4"] = "A3"
    dpi: int = Field(default=150, ge=72, le=600, strict=True)


_BASEMAPS = ("tianditu", "tianditu_image", "osm")
_TILES = (".mbtiles", ".pmtiles")


class Recipe(BaseModel):
    """The whole of a `study.toml`; `file` is where it was read from."""

    model_config = _STRICT
    name: str = Field(min_length=1)
    crs: str
    as_of: date
    language: Literal["zh", "en"] = "zh"
    standards: str = "national_2018"
    synthetic: bool = False
    note: str = ""
    basemap: str | None = None
    maps_language: Literal["zh", "en", "both"] | None = None
    demand: Demand | None = None
    land: Land = Land()
    constraints: Constraints = Constraints()
    reuse: Reuse = Reuse()
    sheet: Sheet = Sheet()
    layers: dict[str, Annotated[list[Source], BeforeValidator(_several), Field(min_length=1)]]
    file: Path = Field(default=Path(FILE), exclude=True)

    @property
    def ground(self) -> str | None:
        """The basemap, a file of tiles with its folder."""
        if self.basemap is None or not self.basemap.lower().endswith(_TILES):
            return self.basemap
        before, colon, after = self.basemap.partition(":")
        offset = colon and coordinates.offset_name(before)
        return f"{before}:{self.folder / after}" if offset else str(self.folder / self.basemap)

    @property
    def folder(self) -> Path:
        """The folder that sources are relative to."""
        return self.file.parent

    @property
    def land_folder(self) -> Path | None:
        """The folder of the city's own criteria, where the recipe names one."""
        return self.folder / self.land.folder if self.land.folder is not None else None

    @property
    def sheet_font(self) -> Path | None:
        """The font file of the study's own, where the recipe names one."""
        return self.folder / self.sheet.font if self.sheet.font is not None else None

    @property
    def system(self) -> CRS:
        """The study's coordinate system."""
        return coordinates.parse(self.crs)

    @property
    def registers(self) -> dict[str, list[Source]]:
        """The tables that are no layer of their own and only add columns to one."""
        return {name: sources for name, sources in self.layers.items() if not is_layer(name)}


def read(path: str | Path) -> Recipe:
    """The recipe in `path`, a study.toml or the folder that holds one, checked against the files it names.

    Raises
    ------
    StudyError
        Listing every fault at once, each with the path of its key (``layers.parcels.columns.far``): unknown keys,
        wrong types, an unusable coordinate system, sources that are not there, columns the layer does not have,
        units, codes, constants and encodings that cannot be, layers that wait for each other. A key of the wrong type
        is told as that alone; a file that is not TOML has that one fault. What is inside the sources is not looked at.
    """
    file = Path(path)
    file = file / FILE if file.is_dir() else file
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise StudyError(
            str(path), [f"there is no {FILE} here" if file.name == FILE else "there is no such file"]
        ) from None
    except UnicodeDecodeError as error:
        raise StudyError(file.name, [f"is not UTF-8 text (byte {error.start}); save it as UTF-8"]) from None
    except OSError as error:
        raise StudyError(str(path), [f"cannot be read ({error.strerror})"]) from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(str(path), [f"is not valid TOML: {error}"]) from None
    faults = [f"file: is not a key of {FILE}"] if raw.pop("file", None) is not None else []
    try:
        found = Recipe.model_validate({**raw, "file": file})
    except ValidationError as error:
        broken = tuple(_loc(e["loc"], raw) + end for e in error.errors() for end in (":", ".", "["))
        faults += [_said(e, raw) for e in error.errors()]
        mended = _mended(raw, file)
        faults += [fault for fault in (_faults(mended) if mended else ()) if not fault.startswith(broken)]
        raise StudyError(str(path), _once(faults)) from None
    faults += list(_faults(found))
    if faults:
        raise StudyError(str(path), _once(faults))
    return found


def crs_faults(text: str) -> list[str]:
    """Why `text` cannot be the system of a study: an empty list where it is projected, metric and true to scale.

    >>> crs_faults("EPSG:4547")
    []
    >>> crs_faults("EPSG:3857")[0][:60]
    'EPSG:3857 stretches lengths by 1/cos(latitude) and areas by '
    """
    if coordinates.offset_name(text):
        return [f"{text} is no survey system; name the projected system the study is to be measured in"]
    try:
        crs = coordinates.parse(text)
    except CrsError as error:
        return [str(error)]
    if "Pseudo-Mercator" in crs.name or "Popular Visualisation" in crs.to_wkt() or "Pseudo Mercator" in crs.to_wkt():
        return [
            f"{coordinates.label(crs)} stretches lengths by 1/cos(latitude) and areas by its square (1.6 times at 38°); "
            "use a projected system in metres such as EPSG:4547 (CGCS2000, 114 °E)"
        ]
    return schema.crs_breaches(crs)


def _basemap_faults(recipe: Recipe, basemap: str) -> Iterator[str]:
    before, _, after = basemap.partition(":")
    tiles = after if coordinates.offset_name(before) == "GCJ-02" else basemap
    if tiles.lower().endswith(_TILES):
        if not (recipe.folder / tiles).is_file():
            yield f"basemap: there is no file {tiles}"
    elif tiles not in _BASEMAPS and not (
        tiles.startswith(("https://", "http://")) and all(p in tiles for p in ("{z}", "{x}", "{y}"))
    ):
        yield (
            f"basemap: {basemap!r} is no address of map tiles; write https://…/{{z}}/{{x}}/{{y}}.png, or one of "
            f"{', '.join(_BASEMAPS)}, or a file .mbtiles or .pmtiles"
        )


def _faults(recipe: Recipe) -> Iterator[str]:
    for fault in crs_faults(recipe.crs):
        yield f"crs: {fault}"
    yield from _profile_faults(recipe.standards)
    yield from _land_faults(recipe)
    yield from _reuse_faults(recipe.reuse)
    if recipe.basemap is not None:
        yield from _basemap_faults(recipe, recipe.basemap)
    if recipe.sheet_font is not None and not recipe.sheet_font.is_file():
        yield f"sheet.font: there is no file {recipe.sheet.font}"
    if recipe.demand is not None and recipe.demand == Demand():
        yield f"demand: says nothing; name {' or '.join(Demand.model_fields)}"
    if not recipe.layers:
        yield "layers: names no layer at all"
    for key, name, source in _sources(recipe):
        yield from _source_faults(recipe, key, name, source)
    for name in recipe.layers:
        if name == "elevation" and len(recipe.layers[name]) > 1:
            yield "layers.elevation: takes one raster only"
    yield from _population_faults(recipe.layers.get("population", []))
    yield from _circle_faults(recipe)


def _population_faults(sources: list[Source]) -> Iterator[str]:
    """People must be counted once: one raster for each group, or else files of one kind."""
    rasters = [source for source in sources if source.suffix in RASTERS]
    for group in get_args(Counted):
        if sum((source.counts or "residents") == group for source in rasters) > 1:
            yield f"layers.population: takes one raster of {group} only; say with counts which one counts whom"
    kinds = {
        "a raster": any((source.counts or "residents") == "residents" for source in rasters),
        "a table joined to areas": any(source.join is not None for source in sources),
        "a layer of its own": any(source.join is None and source.suffix not in RASTERS for source in sources),
    }
    if sum(kinds.values()) > 1:
        several = " and ".join(kind for kind, there in kinds.items() if there)
        yield f"layers.population: {several} would count people twice; keep one of them"


def _sources(recipe: Recipe) -> Iterator[tuple[str, str, Source]]:
    for name, sources in recipe.layers.items():
        for number, source in enumerate(sources):
            yield (f"layers.{name}" if len(sources) == 1 else f"layers.{name}[{number + 1}]"), name, source


def _source_faults(recipe: Recipe, key: str, name: str, source: Source) -> Iterator[str]:
    target = name
    if not is_layer(name):
        if source.join is None:
            yield f"{key}: is not a layer{_meant(name, [*schema.TABLES, 'population', 'elevation'])}; a register needs join"
        target = source.join.layer if source.join is not None else ""
    yield from _join_faults(recipe, key, name, source)
    yield from _path_faults(f"{key}.source", recipe.folder, source.source)
    yield from _kind_faults(key, name, source)
    yield from _crs_faults_of_source(key, source)
    if source.encoding is not None:
        try:
            "".encode(source.encoding)
        except LookupError:
            yield f"{key}.encoding: {source.encoding!r} is not an encoding; use utf-8 or gb18030 for example"
    if is_layer(target):  # columns of a layer that is not known cannot be checked
        yield from _column_faults(key, target, source)


def _join_faults(recipe: Recipe, key: str, name: str, source: Source) -> Iterator[str]:
    if source.join is None:
        return
    if source.join.layer not in recipe.layers or source.join.layer not in schema.TABLES:
        known = [layer for layer in recipe.layers if layer in schema.TABLES and layer != name]
        yield f"{key}.join.layer: there is no layer {source.join.layer!r}{_meant(source.join.layer, known)}"
    elif name == "population" and source.join.layer != "areas":
        yield f"{key}.join.layer: people are counted by areas, not by {source.join.layer}"
    elif source.join.layer == name:
        yield f"{key}.join.layer: a layer cannot join itself"
    elif name == "usage" and source.join.layer not in schema.TABLES["usage"].columns["of_table"].allowed:
        yield f"{key}.join.layer: usage is kept of parcels, buildings and assets, not of {source.join.layer}"


def _circle_faults(recipe: Recipe) -> Iterator[str]:
    """Layers that each need another one's rows first, round in a circle; a layer that joins itself is told elsewhere."""
    needs: dict[str, dict[str, str]] = {name: {} for name in recipe.layers}
    for key, name, source in _sources(recipe):
        if source.join is not None and source.join.layer in needs and source.join.layer != name:
            needs[name].setdefault(source.join.layer, f"{key}.join.layer")
    told: set[str] = set()
    for first in needs:
        ways = [[first]]
        while ways:
            way = ways.pop()
            for after in needs[way[-1]]:
                if after == first and not told & set(way):
                    keys = [needs[one][other] for one, other in zip(way, [*way[1:], first], strict=True)]
                    told |= set(way)
                    yield f"{keys[0]}: {' → '.join([*way, first])} is a circle (with {', '.join(keys[1:])}); no layer comes first"
                elif after not in way and after not in told:
                    ways.append([*way, after])


def _path_faults(key: str, folder: Path, source: str) -> Iterator[str]:
    path = folder / source
    try:
        if path.is_dir() and path.suffix.lower() != ".gdb":
            yield f"{key}: {source} is a folder; name a file in it (only a .gdb is read whole)"
        elif path.exists() and not path.is_dir() and not path.is_file():
            yield f"{key}: {source} is not an ordinary file"
        if path.exists():
            return
        beside = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
    except (OSError, ValueError) as error:  # a name too long, a character no name may have, a folder that is locked
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        yield f"{key}: {source[:80]}{'…' if len(source) > 80 else ''} cannot be looked up ({why})"
        return
    near = get_close_matches(path.name, beside, n=1)
    yield f"{key}: there is no file {source}{f'; did you mean {near[0]}?' if near else ''}"


def _kind_faults(key: str, name: str, source: Source) -> Iterator[str]:
    osm, raster = source.suffix in OSM, source.suffix in RASTERS
    if osm and source.osm is None:
        yield f"{key}.osm: is missing; say which part of the OSM file is meant: {', '.join(get_args(OsmPart))}"
    if not osm and source.osm is not None:
        yield f"{key}.osm: is only for OSM files (.osm, .osm.bz2, .osm.pbf), not for {source.source}"
    if name == "elevation" and not raster:
        yield f"{key}.source: elevation is a raster ({', '.join(RASTERS)}), not {source.source}"
    if source.counts is not None and not (raster and name == "population"):
        yield f"{key}.counts: is only for rasters of population"
    if raster and source.join is not None:
        yield f"{key}.join: a raster has no rows to join"
    if raster and name not in ("elevation", "population"):
        yield f"{key}.source: {name} cannot be read from a raster"


def _crs_faults_of_source(key: str, source: Source) -> Iterator[str]:
    if source.crs is None:
        return
    if coordinates.offset_name(source.crs):
        if source.suffix in RASTERS:
            yield f"{key}.crs: a raster in {source.crs} cannot be straightened; ask for the original"
        return
    try:
        coordinates.parse(source.crs)
    except CrsError as error:
        yield f"{key}.crs: {error}"


def _column_faults(key: str, table: str, source: Source) -> Iterator[str]:
    columns = canonical(table)
    for part, named in (("columns", source.columns), ("set", source.constants), ("values", source.values)):
        for column in named:
            if column not in columns:
                yield f"{key}.{part}.{column}: is not a column of {table}{_meant(column, list(columns))}"
    for column, given in source.columns.items():
        spec = columns.get(column)
        if spec is None or given.unit is None:
            continue
        if spec.dtype != "number" or not spec.unit or spec.unit == "see unit":
            yield f"{key}.columns.{column}.unit: {column} is not counted in a unit"
        elif units.factor(given.unit, spec.unit) is None:
            fits = ", ".join(dict.fromkeys(units.known(spec.unit)))
            yield f"{key}.columns.{column}.unit: {given.unit!r} cannot be turned into {spec.unit}; known: {fits}"
    for column, value in source.constants.items():
        if column in columns and (fault := _constant_fault(columns[column], value)):
            yield f"{key}.set.{column}: {fault}"
    for column, words in source.values.items():
        codes = _codes(table, column)
        for word, code in words.items():
            if codes and code not in codes:
                yield f"{key}.values.{column}.{word}: {code!r} is not a known code{_meant(code, sorted(codes))}"


def _constant_fault(spec: schema.Column, value: str | bool | int | float | date) -> str:
    """Why `value` cannot stand in every row of the column, "" where it can."""
    text = str(value).strip()
    if spec.dtype == "text":
        if spec.allowed and text not in spec.allowed:
            return f"{value!r} is not one of {', '.join(spec.allowed)}"
        return f"{text} is not text" if isinstance(value, bool | float) and not _finite(value) else ""
    if spec.dtype == "bool":
        known = standards.normal(pd.Series([f"{value:g}" if isinstance(value, float) else text], dtype="str")).iloc[0]
        return "" if known in standards.words("boolean") else f"{text!r} is not yes or no; write true or false"
    if spec.dtype == "date":
        return "" if _is_date(text) else f"{text!r} is not a date; write 2025-12-31"
    number = _number(value, spec.unit)
    if number is None:
        return f"{text!r} is not a number{f' in {spec.unit}' if spec.unit else ''}"
    if spec.minimum is not None and number < spec.minimum:
        return f"{text} is below {spec.minimum:g} {spec.unit}"
    if spec.maximum is not None and number > spec.maximum:
        return f"{text} is above {spec.maximum:g} {spec.unit}"
    return ""


def _finite(value: float) -> bool:
    return not isinstance(value, bool) and math.isfinite(value)


def _is_date(text: str) -> bool:
    parts = re.fullmatch(r"(\d{4})(?:(\d{2})(\d{2})|[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?|月)?)(?:[T\s].*)?", text)
    if parts is None:
        return False
    try:
        date(int(parts[1]), int(parts[2] or parts[4]), int(parts[3] or parts[5] or 1))
    except ValueError:
        return False
    return True


def _number(value: str | bool | int | float | date, unit: str) -> float | None:
    """The number that a constant says, in `unit`; it may name another unit of the same quantity ("1.5亩")."""
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, int | float):
        return float(value)
    if unit == "year":
        year = re.fullmatch(r"(\d{4})(?:\.0+|年.*|[-/.]\d.*)?", str(value).strip())
        return float(year[1]) if year else None
    parts = re.fullmatch(r"([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(.*)", str(value).strip())
    if parts is None or not re.search(r"\d", parts[1]):
        return None
    worth = units.factor(parts[2], unit) if parts[2] else 1.0
    return None if worth is None else float(parts[1].replace(",", "")) * worth


def _codes(table: str, column: str) -> set[str]:
    try:
        listed = set(standards.words(f"{table}.{column}").values())
    except (LifecircleError, KeyError):
        return set()
    if (table, column) == ("facilities", "kind"):
        listed |= set(standards.read("kinds")["code"])
    allowed = schema.TABLES[table].columns[column].allowed if column in schema.TABLES[table].columns else ()
    return listed | set(allowed)


def _profile_faults(profile: str) -> Iterator[str]:
    known = standards.read("profiles")["code"].tolist()
    if profile not in known:
        yield f"standards: there is no profile {profile!r}{_meant(profile, known)}"


def _land_faults(recipe: Recipe) -> Iterator[str]:
    folder = recipe.land_folder
    wrong = editions.faults(folder) if folder is not None else []
    for fault in wrong:
        yield f"land.folder: {fault.replace(str(folder), str(recipe.land.folder))}"
    known = editions.codes() if wrong else editions.codes(folder=folder)
    if recipe.land.edition is not None and recipe.land.edition not in known and not wrong:
        yield f"land.edition: there is no edition {recipe.land.edition!r}{_meant(recipe.land.edition, known)}"


def _reuse_faults(reuse: Reuse) -> Iterator[str]:
    listed = standards.read("reuse_rules").query("`class` == 'fit'")["uses"]
    known = list(dict.fromkeys(use for text in listed for use in text.split(";")))
    for use in reuse.capacity:
        if use not in known:
            yield f"reuse.capacity.{use}: is not a use an asset is judged for{_meant(use, known)}"


# what stands in for a key that is missing while the rest of a recipe is checked; none of them is a fault itself
_STAND_INS: dict[str, Any] = {"name": "?", "crs": "EPSG:4547", "as_of": date(2000, 1, 1), "layers": {}}
_STAND_INS |= {"source": "?", "from": "", "on": "?", "layer": "?"}


def _mended(raw: dict[str, Any], file: Path) -> Recipe | None:
    """`raw` without what is wrong in its shape, so that one run lists what else is at fault."""
    raw = copy.deepcopy(raw)
    for _ in range(8):  # taking a wrong value out may leave a key missing, which the next round fills
        try:
            return Recipe.model_validate({**raw, "file": file})
        except ValidationError as error:
            for one in error.errors():
                _mend(raw, one["loc"], missing=one["type"] == "missing")
    return None


def _mend(raw: dict[str, Any], loc: tuple[int | str, ...], *, missing: bool) -> None:
    here: Any = raw
    way: list[tuple[Any, Any]] = []
    for part in loc:
        if isinstance(part, int):
            if not isinstance(here, list) or part >= len(here):
                continue  # one table where several may stand
        elif not isinstance(here, dict):
            break
        elif part not in here:
            if missing and part == loc[-1]:
                here[part] = copy.deepcopy(_STAND_INS.get(part, "?"))
                if part == "source":  # what depends on the file's ending cannot be told
                    here.pop("osm", None)
            return  # else an earlier fault has taken it out
        way.append((here, part))
        here = here[part]
    layers = raw.get("layers")
    for parent, part in reversed(way):
        several = (
            isinstance(parent, list) and isinstance(layers, dict) and any(parent is one for one in layers.values())
        )
        if several or (parent is layers and isinstance(parent, dict)):
            parent[part] = {"source": "?", "join": {"layer": "?", "on": "?"}}
            return
        if isinstance(parent, dict):
            wrong = parent.pop(part)
            if part == "join" and not isinstance(wrong, dict):  # a register without one would be at fault for that
                parent[part] = {"layer": "?", "on": "?"}
            return


_BRANCHES = ("str", "constrained-str", "bool", "int", "float", "date")


def _loc(loc: tuple[int | str, ...], raw: Any) -> str:
    path, here = "", raw
    for part in loc:
        if isinstance(part, int):
            several = isinstance(here, list)
            if several:
                path += f"[{part + 1}]" if len(here) > 1 else ""
                here = here[part] if part < len(here) else None
            continue
        if part in _BRANCHES and loc[0] != "sheet":  # the branch of a union, no key
            continue
        path += f".{part}" if path else str(part)
        here = here.get(part) if isinstance(here, dict) else None
    return path


def _said(error: Any, raw: dict[str, Any]) -> str:
    key = _loc(error["loc"], raw)
    kind, given = error["type"], error.get("input")
    if kind == "extra_forbidden":
        return f"{key}: is not a key of study.toml{_meant(str(error['loc'][-1]), _keys(error['loc']))}"
    if kind == "missing" and key == "layers":
        return "layers: no layer is named yet; fill in a section such as [layers.streets] for each file"
    if kind == "missing":
        return f"{key}: is missing{' (the date ages and deadlines are counted to, such as 2025-12-31)' if key == 'as_of' else ''}"
    if kind == "literal_error":
        return f"{key}: {given!r} is not one of {error['ctx']['expected'].replace(chr(39), '')}"
    if error["loc"][-1] in _BRANCHES and error["loc"][0] != "sheet":
        return f"{key}: {given!r} is not text, a number, a date, true or false"
    if kind.startswith("date"):
        return f"{key}: {given!r} is not a date; write 2025-12-31"
    wanted = {
        "float_type": "a number",
        "int_type": "a whole number",
        "string_type": "text",
        "dict_type": "a table",
        "list_type": "a list",
        "bool_type": "true or false",
    }
    wanted |= {"model_type": "a table", "model_attributes_type": "a table", "tuple_type": "a pair of column names"}
    if kind in wanted:
        return f"{key}: {given!r} is not {wanted[kind]}"
    return f"{key}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _keys(loc: tuple[int | str, ...]) -> list[str]:
    parts = [part for part in loc if isinstance(part, str)]
    if len(parts) == 1:
        return [name for name in Recipe.model_fields if name != "file"]
    if parts[0] == "demand":
        return list(Demand.model_fields)
    for name, section in (("land", Land), ("constraints", Constraints), ("reuse", Reuse)):
        if parts[0] == name:
            return list(section.model_fields)
    if parts[0] == "sheet":
        return [field.alias or name for name, field in Sheet.model_fields.items()]
    if "columns" in parts:
        return ["from", "unit"]
    if "join" in parts:
        return ["layer", "on"]
    return [field.alias or name for name, field in Source.model_fields.items()]


def _meant(word: str, known: Iterable[str]) -> str:
    listed = list(known)
    near = get_close_matches(word, listed, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]}?"
    return f" (known: {', '.join(listed)})" if 0 < len(listed) <= 25 else ""


def _once(faults: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(faults))
