"""`study.toml`: the recipe of a place, checked whole before anything is read."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pyproj import CRS

from lifecircle import schema, standards
from lifecircle.errors import CrsError, LifecircleError, StudyError
from lifecircle.load import coordinates, units
from lifecircle.load.layers import OSM, RASTERS, canonical, is_layer

FILE = "study.toml"
OsmPart = Literal["streets", "buildings", "facilities", "parks", "barriers", "gates", "extent"]

_STRICT = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, str_strip_whitespace=True)


def _column(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


def _texts(value: Any) -> Any:
    values = value if isinstance(value, list) else [value]
    return [f"{v:g}" if isinstance(v, int | float) and not isinstance(v, bool) else v for v in values]


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
    layers: dict[str, Annotated[list[Source], BeforeValidator(_several), Field(min_length=1)]]
    file: Path = Field(default=Path(FILE), exclude=True)

    @property
    def folder(self) -> Path:
        """The folder that sources are relative to."""
        return self.file.parent

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
        wrong types, an unusable coordinate system, sources that are not there, columns the layer does not have.
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
        broken = {_loc(e["loc"], raw).split(".columns")[0] for e in error.errors()}
        faults += [_said(e, raw) for e in error.errors()]
        faults += [
            fault for fault in _raw_faults(raw, file.parent) if not any(fault.startswith(f"{b}:") for b in broken)
        ]
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


def _faults(recipe: Recipe) -> Iterator[str]:
    for fault in crs_faults(recipe.crs):
        yield f"crs: {fault}"
    yield from _profile_faults(recipe.standards)
    tiles = recipe.basemap
    if tiles is not None and not (
        tiles.startswith(("https://", "http://")) and all(p in tiles for p in ("{z}", "{x}", "{y}"))
    ):
        yield f"basemap: {tiles!r} is no address of map tiles; write https://…/{{z}}/{{x}}/{{y}}.png"
    if not recipe.layers:
        yield "layers: names no layer at all"
    for key, name, source in _sources(recipe):
        yield from _source_faults(recipe, key, name, source)
    for name in recipe.layers:
        if name == "elevation" and len(recipe.layers[name]) > 1:
            yield "layers.elevation: takes one raster only"


def _sources(recipe: Recipe) -> Iterator[tuple[str, str, Source]]:
    for name, sources in recipe.layers.items():
        for number, source in enumerate(sources):
            yield (f"layers.{name}" if len(sources) == 1 else f"layers.{name}[{number + 1}]"), name, source


def _source_faults(recipe: Recipe, key: str, name: str, source: Source) -> Iterator[str]:
    target = name
    if not is_layer(name):
        if source.join is None:
            yield f"{key}: is not a layer{_meant(name, [*schema.TABLES, 'population', 'elevation'])}; a register needs join"
            return
        target = source.join.layer
    yield from _join_faults(recipe, key, name, source)
    yield from _path_faults(f"{key}.source", recipe.folder, source.source)
    yield from _kind_faults(key, name, source)
    yield from _crs_faults_of_source(key, source)
    if source.encoding is not None:
        try:
            "".encode(source.encoding)
        except LookupError:
            yield f"{key}.encoding: {source.encoding!r} is not an encoding; use utf-8 or gb18030 for example"
    yield from _column_faults(key, target, source)


def _join_faults(recipe: Recipe, key: str, name: str, source: Source) -> Iterator[str]:
    if source.join is None:
        return
    if source.join.layer not in recipe.layers or source.join.layer not in schema.TABLES:
        known = [layer for layer in recipe.layers if layer in schema.TABLES and layer != name]
        yield f"{key}.join.layer: there is no layer {source.join.layer!r}{_meant(source.join.layer, known)}"
    elif source.join.layer == name:
        yield f"{key}.join.layer: a layer cannot join itself"
    elif name == "usage" and source.join.layer not in schema.TABLES["usage"].columns["of_table"].allowed:
        yield f"{key}.join.layer: usage is kept of parcels, buildings and assets, not of {source.join.layer}"


def _path_faults(key: str, folder: Path, source: str) -> Iterator[str]:
    path = folder / source
    if path.exists():
        return
    beside = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
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
        allowed = columns[column].allowed if column in columns else ()
        if allowed and str(value) not in allowed:
            yield f"{key}.set.{column}: {value!r} is not one of {', '.join(allowed)}"
    for column, words in source.values.items():
        codes = _codes(table, column)
        for word, code in words.items():
            if codes and code not in codes:
                yield f"{key}.values.{column}.{word}: {code!r} is not a known code{_meant(code, sorted(codes))}"


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


def _raw_faults(raw: dict[str, Any], folder: Path) -> Iterator[str]:
    """What can be said of a recipe whose shape is already wrong, so that one run lists as much as possible."""
    if isinstance(raw.get("crs"), str):
        for fault in crs_faults(raw["crs"]):
            yield f"crs: {fault}"
    if isinstance(raw.get("standards"), str):
        yield from _profile_faults(raw["standards"])
    layers = raw.get("layers")
    for name, sources in layers.items() if isinstance(layers, dict) else ():
        listed = sources if isinstance(sources, list) else [sources]
        for number, source in enumerate(listed):
            key = f"layers.{name}[{number + 1}]" if len(listed) > 1 else f"layers.{name}"
            if isinstance(source, dict) and isinstance(source.get("source"), str):
                yield from _path_faults(f"{key}.source", folder, source["source"])
            if not isinstance(source, dict):
                continue
            if not is_layer(name) and "join" not in source:
                known = [*schema.TABLES, "population", "elevation"]
                yield f"{key}: is not a layer{_meant(name, known)}; a register needs join"
            try:
                whole = Source.model_validate(source)
            except ValidationError:
                continue
            yield from _crs_faults_of_source(key, whole)
            if is_layer(name):
                yield from _kind_faults(key, name, whole)
                yield from _column_faults(key, name, whole)


def _loc(loc: tuple[int | str, ...], raw: Any) -> str:
    path, here = "", raw
    for part in loc:
        if isinstance(part, int):
            several = isinstance(here, list)
            if several:
                here = here[part] if part < len(here) else None
                path += f"[{part + 1}]" if len(loc) else ""
            continue
        if part in ("str", "bool", "int", "float", "date"):  # the branch of a union, no key
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
    if kind.startswith("date"):
        return f"{key}: {given!r} is not a date; write 2025-12-31"
    wanted = {"string_type": "text", "dict_type": "a table", "list_type": "a list", "bool_type": "true or false"}
    wanted |= {"model_type": "a table", "model_attributes_type": "a table", "tuple_type": "a pair of column names"}
    if kind in wanted:
        return f"{key}: {given!r} is not {wanted[kind]}"
    return f"{key}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _keys(loc: tuple[int | str, ...]) -> list[str]:
    parts = [part for part in loc if isinstance(part, str)]
    if len(parts) == 1:
        return [name for name in Recipe.model_fields if name != "file"]
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
