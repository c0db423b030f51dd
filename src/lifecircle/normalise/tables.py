"""One raw layer to one canonical table and its rejects; rows in = rows kept + rows rejected, always."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from lifecircle import schema, standards
from lifecircle.errors import LifecircleError, SchemaError
from lifecircle.load import coordinates
from lifecircle.load.layers import canonical, geometries, index_of
from lifecircle.normalise import columns, shapes, values
from lifecircle.normalise.says import pattern, say, word

if TYPE_CHECKING:
    from lifecircle.load.recipe import Source

REJECTS = ["table", "source", "row", "id", "why", "word", "geometry"]
# columns that hold a code: the words of their list, and nothing else, stand for one
_CODED = {
    ("areas", "level"),
    ("facilities", "kind"),
    ("barriers", "kind"),
    ("gates", "state"),
    ("parks", "kind"),
    ("constraints", "kind"),
    ("entrances", "of_table"),
    ("usage", "of_table"),
    ("parcels", "land_use_edition"),
    ("buildings", "use"),
    ("buildings", "danger_class"),
    ("assets", "danger_class"),
    ("assets", "asset_kind"),
    ("pipes", "network"),
    ("pipes", "material"),
    ("pipe_nodes", "network"),
}
# coded where the word is known, and the word itself where it is not
_OPEN = {("pipe_nodes", "kind"), ("streets", "class")}
# OpenStreetMap values that stand for yes, no or nothing in the columns they are delivered in
_TAGS = {
    ("streets", "walkable"): {
        **dict.fromkeys(("designated", "permissive", "official", "public"), "yes"),
        **dict.fromkeys(("private", "use_sidepath"), "no"),
    },
    ("streets", "bridge"): dict.fromkeys(
        ("viaduct", "boardwalk", "movable", "aqueduct", "cantilever", "covered"), "yes"
    ),
    ("streets", "tunnel"): dict.fromkeys(("culvert", "building_passage", "avalanche_protector", "flooded"), "yes"),
    ("buildings", "use"): dict.fromkeys(("yes", "building=yes"), ""),
}
_KEYS = ("of_id", "parcel_id", "building_id", "area_id", "from_node", "to_node")
KNOWN_BY_NUMBER = ("parcels", "buildings", "areas", "assets")  # registers and plans speak of these by their number
_SAME_SHAPE = ("parcels", "buildings", "parks", "pipes", "streets", "areas")


@dataclass(frozen=True, eq=False, kw_only=True)
class Report:
    """What became of the rows of one source: ``read = kept + rejected``; what was understood, and what was done.

    `repeated`: numbers that several rows carry with different content, of which all but the first were renumbered.
    """

    table: str
    source: str
    read: int
    kept: int
    rejected: int
    mapping: pd.DataFrame
    unused: list[str]
    notes: list[tuple[str, int, str]]
    filtered: int = 0
    repeated: frozenset[str] = frozenset()


def table(
    name: str,
    frame: pd.DataFrame,
    *,
    crs: Any,
    source: str = "",
    recipe: Source | None = None,
    language: str = "zh",
    numbered_from: int = 0,
    taken: Collection[str] = (),
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, Report]:
    """The raw rows of `frame` as the canonical table `name` in `crs`, the rows that cannot be, and what was done.

    Parameters
    ----------
    name
        A canonical table, or ``population`` (polygons or points with residents).
    frame
        A raw layer as `lifecircle.load.read` gives it: index = row number in the file, any columns, its own `crs`
        (``attrs["crs"]`` names GCJ-02 and BD-09). A GeoDataFrame without a system is taken to be in `crs`.
    crs
        The study's system: projected, in metres.
    source
        The file's name, for the `source` column (``file#row``) and the rejects.
    recipe
        The recipe's entry for this source: `columns`, `values` and `constants`. Without it, aliases alone.
    language
        Of the rejects' why and the notes: ``zh`` or ``en``.
    numbered_from
        Rows of earlier sources of the same layer, so that made-up numbers do not repeat.
    taken
        Numbers of earlier sources of the same layer, which no number made here may be.

    Returns
    -------
    table
        The canonical columns (`schema.conform`); missing is NaN, NA or NaT and means not known.
    rejects
        table, source, row, id, why, word (the unknown word, where that is why), geometry (as it was, in `crs`, where it
        could be brought there).
    report
        Counts, the mapping that was used and notes (code, count, text).

    Raises
    ------
    SchemaError
        A table with geometry whose frame has none, or a study system that is not projected in metres.
    SourceError
        A column the recipe names and the file does not have.

    Examples
    --------
    >>> from shapely import Point
    >>> raw = gpd.GeoDataFrame({"类别": ["幼儿园", "飞碟场"]}, geometry=[Point(0, 0), Point(9, 0)], crs=4547)
    >>> facilities, rejects, report = table("facilities", raw, crs=4547, language="en")
    >>> facilities["kind"].tolist(), rejects["word"].tolist(), (report.read, report.kept, report.rejected)
    (['kindergarten'], ['飞碟场'], (2, 1, 1))
    """
    to = CRS.from_user_input(crs)
    if breaches := schema.crs_breaches(to):
        raise SchemaError(name, breaches)
    wanted = geometries(name)
    if wanted and not isinstance(frame, gpd.GeoDataFrame):
        raise SchemaError(name, [f"{source or 'the file'} has no geometry and no coordinates; a register needs join"])
    frame = frame if frame.index.name == "row" else frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="row"))
    work = _Work(name, frame, source, language)
    constants = recipe.constants if recipe else {}
    given = {column: one for column, one in recipe.columns.items() if column not in constants} if recipe else {}
    mapped, doubts = columns.mapping(name, frame, given=given, source=source or name, but=constants)
    for text in doubts:
        work.note("ambiguous_column", 1, text=text)
    found = _fields(work, mapped, recipe)
    numbers, made = _numbers(work, found.pop(index_of(name), None), mapped, numbered_from, taken)
    shaped = _geometry(work, wanted, to)
    _required(work, found)
    _duplicates(work, numbers, made, found, shaped)
    kept = work.why.eq("")
    unique, repeated = _renumbered(work, numbers, made, taken)
    out = _conformed(name, pd.DataFrame(found, index=frame.index)[kept], unique[kept], source, shaped, kept, to)
    if "site_area_m2" in out and name in ("parcels", "parks"):
        if unit := likely_unit(out["site_area_m2"], out.geometry.area):
            work.note("area_unit", int(out["site_area_m2"].notna().sum()), unit=word(unit, language))
            out["site_area_m2"] = np.nan
        _area_differences(work, out)
    rejects = _rejects(work, numbers, shaped, to)
    used = {one.raw for one in mapped} | set(frame.attrs.get("xy", ()))
    report = Report(
        table=name,
        source=source,
        read=len(frame),
        kept=len(out),
        rejected=len(rejects),
        mapping=columns.frame_of([one for one in mapped if one.column in out.columns or one.column == index_of(name)]),
        unused=[str(column) for column in frame.columns if column not in used and column != _geometry_name(frame)],
        notes=work.notes,
        repeated=repeated,
    )
    return out, rejects, report


class _Work:
    """The rows of one source while they are understood: why each is rejected ("" while it is not), and the notes."""

    def __init__(self, name: str, frame: pd.DataFrame, source: str, language: str) -> None:
        self.name, self.frame, self.source, self.language = name, frame, source, language
        self.why = pd.Series("", index=frame.index, dtype="object")
        self.word = pd.Series(None, index=frame.index, dtype="object")
        self.notes: list[tuple[str, int, str]] = []
        for code, count in frame.attrs.get("notes", []):
            self.note(code, count)

    def note(self, code: str, count: int, **fields: object) -> None:
        if count:
            self.notes.append((code, int(count), say(code, self.language, count=int(count), **fields)))

    def reject(self, rows: pd.Series[Any], why: str | pd.Series[Any]) -> None:
        """Rejects `rows` that are not rejected yet: the first reason found is the one that is told."""
        rows = rows & self.why.eq("")
        self.why = self.why.mask(rows, why)


def _fields(work: _Work, mapped: list[columns.Mapped], recipe: Source | None) -> dict[str, pd.Series[Any]]:
    """Every canonical column that the file, or the recipe's constants, give values for."""
    specs = canonical(work.name)
    constants = recipe.constants if recipe else {}
    local = recipe.values if recipe else {}
    raws = {one.column: work.frame[one.raw] for one in mapped}
    factors = {one.column: one.factor for one in mapped}
    for column, value in constants.items():
        raws[column] = pd.Series([value] * len(work.frame), index=work.frame.index)
        factors[column] = 1.0
    out = {}
    for column, raw in raws.items():
        raw = _replaced(raw, {**_TAGS.get((work.name, column), {}), **local.get(column, {})})
        out[column] = _field(work, column, specs[column], raw, factors[column])
    if work.name == "areas" and "level" not in out:
        out["level"] = pd.Series("community", index=work.frame.index, dtype="str")
        work.note("level_assumed", len(work.frame))
    if work.name == "parcels" and "land_use" in out:
        edition = out.get("land_use_edition", pd.Series(None, index=work.frame.index, dtype="str"))
        work.note("edition_unknown", int((out["land_use"].notna() & edition.isna()).sum()))
    if {"started_date", "start_due_date"} <= set(out) and work.name == "parcels":
        unclear = _start_unclear(raws["started_date"], out)
        work.note("start_unreadable", int(unclear.sum()), some=_some(raws["started_date"][unclear]))
        out["start_due_date"] = out["start_due_date"].mask(unclear)
    if work.name == "streets" and "class" in out:
        out["walkable"] = _walkable(work, out)
    return out


def _start_unclear(raw: pd.Series[Any], out: Mapping[str, pd.Series[Any]]) -> pd.Series[Any]:
    """Plots with a date due of which nobody can say whether works have begun: an empty cell, a dash or the words say no, what cannot be read does not."""
    text = values.texts(raw)
    words = standards.normal(text).isin(list(standards.words("parcels.started_date")))
    silent = text.isna() | words | text.str.fullmatch(r"[-–—/\\\s]*").fillna(True).astype("bool")
    return out["started_date"].isna() & out["start_due_date"].notna() & ~silent


def _replaced(raw: pd.Series[Any], words: Mapping[str, str]) -> pd.Series[Any]:
    """The column with the recipe's own words in place of the file's."""
    if not words:
        return raw
    text = values.texts(raw)
    keys = standards.normal(pd.Series(list(words), dtype="str"))
    said = standards.normal(text).map(dict(zip(keys, words.values(), strict=True)))
    return said.astype("str").where(said.notna(), text)


def _field(work: _Work, column: str, spec: schema.Column, raw: pd.Series[Any], factor: float) -> pd.Series[Any]:
    if (work.name, column) in _CODED | _OPEN:
        return _coded(work, column, spec, raw)
    if column == index_of(work.name):
        return raw
    if spec.dtype == "text":
        return _land_use(raw) if column == "land_use" else values.ids(raw) if column in _KEYS else values.texts(raw)
    if spec.dtype == "bool":
        found, bad = values.booleans(raw)
    elif spec.dtype == "date":
        found, bad, month_only = values.dates(raw)
        work.note("month_only", int(month_only.sum()), column=column)
    elif spec.unit == "year":
        found, bad = values.years(raw)
    else:
        found, bad = values.numbers(raw, units=_in_cells(spec.unit), factor=factor)
    work.note("unreadable", int(bad.sum()), column=column, some=_some(raw[bad]))
    if spec.dtype == "number":
        low, high = spec.minimum, spec.maximum
        out = pd.Series(False, index=raw.index)
        if low is not None:
            out |= found < low
        if high is not None:
            out |= found > high
        work.note("out_of_range", int(out.sum()), column=column, some=_some(raw[out]))
        found = found.mask(out)
    return found


def _in_cells(unit: str) -> dict[str, float]:
    from lifecircle.load import units

    return units.known(unit)


def _land_use(raw: pd.Series[Any]) -> pd.Series[Any]:
    """The code of a land use, also where its name follows it (0701 城镇住宅用地)."""
    text = values.texts(raw).str.normalize("NFKC")
    code = text.str.extract(r"^(\d{2,6}[A-Za-z]?)(?=[^\d.]|$)")[0]
    return code.where(code.notna(), text).astype("str")


def _listed(table_: str, column: str, spec: schema.Column) -> dict[str, str]:
    try:
        listed = dict(standards.words(f"{table_}.{column}"))
    except LifecircleError:
        listed = {}
    listed |= {code: code for code in [*listed.values(), *spec.allowed]}
    if (table_, column) == ("facilities", "kind"):
        listed |= {code: code for code in standards.read("kinds")["code"]}
    return {word_: code for word_, code in listed.items() if not spec.allowed or code in spec.allowed}


def _coded(work: _Work, column: str, spec: schema.Column, raw: pd.Series[Any]) -> pd.Series[Any]:
    if (work.name, column) == ("parcels", "land_use_edition"):
        raw = values.texts(raw)
    found, unknown = values.codes(raw, _listed(work.name, column, spec))
    strange = unknown.notna()
    if (work.name, column) in _OPEN:
        return found.where(~strange, unknown).astype("str")
    if spec.required:
        work.word = work.word.where(~strange | work.word.notna(), unknown)
        work.reject(strange, say("unknown_word", work.language, column=word(column, work.language)))
        return found
    # a building whose use is told in a word we do not know is no dwelling of unknown use
    then = {"material": "unknown", "use": "other"}.get(column, "missing")
    work.note(
        "unknown_words", int(strange.sum()), column=column, then=word(then, work.language), some=_some(unknown[strange])
    )
    if column == "material":
        plain = found.eq("unknown") & standards.normal(values.texts(raw)).str.contains("铸铁|cast", regex=True).fillna(
            False
        ).astype(bool)
        work.note("no_material_kind", int(plain.sum()))
    return found if then == "missing" else found.mask(strange, then)


def _walkable(work: _Work, out: dict[str, pd.Series[Any]]) -> pd.Series[Any]:
    told = out.get("walkable", pd.Series(pd.NA, index=work.frame.index, dtype="boolean")).astype("boolean")
    classes = standards.read("street_classes")
    by_class = out["class"].map(dict(zip(classes["code"], classes["walkable"], strict=True)))
    by_class = by_class.map({"yes": True, "no": False}).astype("boolean")
    work.note("walkable_by_class", int((told.isna() & by_class.notna()).sum()))
    return told.fillna(by_class)


def _numbers(
    work: _Work,
    raw: pd.Series[Any] | None,
    mapped: list[columns.Mapped],
    numbered_from: int,
    taken: Collection[str],
) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """The number of each row as text, the file's own where it has one, else made from the row; and which were made."""
    rows = work.frame.index.to_series() + numbered_from
    by_row = f"{work.name}-" + rows.astype("str").str.zfill(6)
    own = pd.Series(None, index=by_row.index, dtype="str") if raw is None else values.ids(raw)
    how = next((one for one in mapped if one.column == index_of(work.name)), None)
    mostly_repeated = own.nunique() * 2 < own.notna().sum() and work.name not in KNOWN_BY_NUMBER
    if how is not None and how.how == "alias" and mostly_repeated:
        work.note("id_not_unique", 1, column=how.raw)
        own = own.where(own.isna())
    made = own.isna()
    work.note("ids_made", 0 if raw is None and work.name == "population" else int(made.sum()))
    by_row[made] = free(by_row[made], {*own.dropna(), *taken})
    return own.where(~made, by_row).astype("str"), made


def free(wanted: pd.Series[Any], taken: Iterable[str]) -> pd.Series[Any]:
    """`wanted` with -2, -3 and so on where a number is taken, by `taken` or by an earlier row.

    >>> free(pd.Series(["a", "b", "b"]), {"a", "a-2"}).tolist()
    ['a-3', 'b', 'b-2']
    """
    used = set(taken)
    if not wanted.isin(used).any() and wanted.is_unique:
        return wanted
    out, last = [], dict[str, int]()
    for number in wanted:
        one, times = number, last.get(number, 1)
        while one in used:
            times += 1
            one = f"{number}-{times}"
        last[number] = times
        used.add(one)
        out.append(one)
    return pd.Series(out, index=wanted.index, dtype="str")


def _geometry(work: _Work, wanted: tuple[str, ...], to: CRS) -> np.ndarray[Any, Any]:
    if not wanted:
        return np.full(len(work.frame), None, dtype=object)
    frame = cast(gpd.GeoDataFrame, work.frame)
    said = frame.attrs.get("crs", "")
    crs = said if said in coordinates.OFFSETS else CRS.from_user_input(frame.crs) if frame.crs is not None else to
    fit = shapes.fitted(work.name, np.asarray(frame.geometry.array), wanted=wanted, crs=crs, to=to)
    why = pd.Series(fit.why, index=frame.index, dtype="object")
    either = word("or", work.language).join(
        dict.fromkeys(word(one.removeprefix("Multi"), work.language) for one in wanted)
    )
    found = pd.Series(fit.found, index=frame.index, dtype="object")
    for code in [code for code in pd.unique(why) if code]:
        rows = why.eq(code)
        if code == "wrong_geometry":
            for one in pd.unique(found[rows]):
                text = say(code, work.language, wanted=either, found=word(one, work.language))
                work.reject(rows & found.eq(one), text)
        else:
            code = "no_coordinates" if code == "no_geometry" and frame.attrs.get("xy") else code
            what = word("area" if "Polygon" in wanted else "length", work.language)
            work.reject(rows, say(code, work.language, what=what))
    for code, count in fit.counts.items():
        work.note(code, count)
    return fit.shapes


def _required(work: _Work, found: dict[str, pd.Series[Any]]) -> None:
    for column, spec in canonical(work.name).items():
        if spec.required:
            values_ = found.get(column, pd.Series(None, index=work.frame.index, dtype="str"))
            work.reject(values_.isna(), say("missing_value", work.language, column=word(column, work.language)))


def _duplicates(
    work: _Work, numbers: pd.Series[Any], made: pd.Series[Any], found: dict[str, pd.Series[Any]], shaped: Any
) -> None:
    """Rejects rows that repeat another whole and, in layers known by their number, those that repeat another's number."""
    rows = work.why.eq("")
    wkb = pd.Series(shapely.to_wkb(shaped), index=work.frame.index, dtype="object")
    wkb = wkb.where(wkb.notna(), b"")
    content = _hashed(pd.DataFrame({**{k: v.astype("str") for k, v in found.items()}, "": wkb}, index=wkb.index))
    raw = work.frame.drop(columns=_geometry_name(work.frame), errors="ignore")
    whole = _hashed(pd.DataFrame({**{f"c{i}": raw.iloc[:, i].astype("str") for i in range(raw.shape[1])}, "": wkb}))
    row = work.frame.index.to_series()
    own = rows & ~made
    firsts = row.where(own).groupby([numbers.where(own), content]).transform("first")
    same = own & firsts.ne(row)
    if work.name in KNOWN_BY_NUMBER:
        firsts = row.where(own).groupby(numbers.where(own)).transform("first")
        same = own & firsts.ne(row) & content.eq(content.groupby([numbers, ~own]).transform("first"))
    work.reject(same, filled("duplicate", work.language, firsts))
    if work.name in KNOWN_BY_NUMBER:
        work.reject(own & firsts.ne(row), filled("same_number", work.language, firsts))
    rows = work.why.eq("") & made
    firsts = row.where(rows).groupby([whole.where(rows)]).transform("first")
    work.reject(rows & firsts.notna() & firsts.ne(row), filled("duplicate", work.language, firsts))
    if work.name in _SAME_SHAPE:
        left = work.why.eq("")
        work.note("same_shape", int(wkb[left].duplicated().sum()))


def _renumbered(
    work: _Work, numbers: pd.Series[Any], made: pd.Series[Any], taken: Collection[str]
) -> tuple[pd.Series[Any], frozenset[str]]:
    """Numbers with one of its own for every kept row, and those that the file gives to several rows.

    A road's number stands on each of its segments and a pipe's on each of its pieces: none of them may be lost.
    """
    kept = numbers[work.why.eq("")]
    again = kept.duplicated() & ~made[kept.index]
    if not again.any():
        return numbers, frozenset()
    repeated = pd.unique(kept[again])
    fresh = free(kept[again], {*numbers, *taken})
    work.note("number_repeated", len(fresh), some=_some(kept[again]))
    return numbers.where(~numbers.index.isin(fresh.index), fresh.reindex(numbers.index)).astype("str"), frozenset(
        repeated
    )


def register(
    name: str, frame: pd.DataFrame, *, source: str, recipe: Source, language: str, but: str
) -> tuple[pd.DataFrame, Report]:
    """The columns that a register without geometry adds to the table `name`, on the register's own rows.

    Parameters
    ----------
    but
        The raw column that holds the number of the row of `name`: it is the key and no value.
    """
    work = _Work(name, frame, source, language)
    mapped, doubts = columns.mapping(
        name, frame.drop(columns=but), given=recipe.columns, source=source, but=recipe.constants
    )
    mapped = [one for one in mapped if one.column != index_of(name)]
    for text in doubts:
        work.note("ambiguous_column", 1, text=text)
    found = {
        column: values_ for column, values_ in _fields(work, mapped, recipe).items() if column in _told(mapped, recipe)
    }
    used = {one.raw for one in mapped} | {but}
    report = Report(
        table=name,
        source=source,
        read=len(frame),
        kept=len(frame),
        rejected=0,
        mapping=columns.frame_of(mapped),
        unused=[str(column) for column in frame.columns if column not in used and column != _geometry_name(frame)],
        notes=work.notes,
    )
    return pd.DataFrame(found, index=frame.index), report


def _told(mapped: list[columns.Mapped], recipe: Source) -> set[str]:
    return {one.column for one in mapped} | set(recipe.constants)


def filled(code: str, language: str, rows: pd.Series[Any]) -> pd.Series[Any]:
    """The sentence of `code` with the row number of each of `rows` in it; a missing number reads 0.

    >>> filled("duplicate", "en", pd.Series([7.0])).tolist()
    ['duplicate of row 7']
    """
    before, _, after = pattern(code, language).partition("{row}")
    return (before + rows.fillna(0).astype("int64").astype("str") + after).astype("object")


def _hashed(frame: pd.DataFrame) -> pd.Series[Any]:
    plain = frame.assign(**{"": pd.factorize(frame[""])[0]})
    return pd.util.hash_pandas_object(plain, index=False)


def _geometry_name(frame: pd.DataFrame) -> str:
    return str(frame.geometry.name) if isinstance(frame, gpd.GeoDataFrame) else "geometry"


def _conformed(
    name: str,
    fields: pd.DataFrame,
    numbers: pd.Series[Any],
    source: str,
    shaped: np.ndarray[Any, Any],
    kept: pd.Series[Any],
    to: CRS,
) -> gpd.GeoDataFrame:
    origin = (
        source + "#" + fields.index.to_series().astype("str")
        if source
        else "#" + fields.index.to_series().astype("str")
    )
    fields = fields.assign(source=origin.astype("str"))
    fields.index = pd.Index(numbers.to_numpy(), dtype="str", name=index_of(name))
    if not geometries(name):
        return cast(gpd.GeoDataFrame, schema.conform(name, fields))
    placed = gpd.GeoDataFrame(fields, geometry=shaped[kept.to_numpy()], crs=to)
    if name == "population":
        people = pd.DataFrame(index=fields.index)
        for column in ("residents", "elderly", "children"):
            people[column] = fields[column].astype("float64") if column in fields else np.nan
        return gpd.GeoDataFrame(people.assign(source=fields["source"]), geometry=placed.geometry, crs=to)
    return cast(gpd.GeoDataFrame, schema.conform(name, placed))


def likely_unit(declared: pd.Series[Any], drawn: pd.Series[Any]) -> str:
    """The unit that declared areas are most likely in where they are plainly no square metres: mu, ha or "".

    >>> likely_unit(pd.Series([15.0, 30.2]), pd.Series([10_000.0, 20_000.0]))
    'mu'
    """
    ratio = (declared / drawn).median()
    units = (("mu", standards.parameter("mu_m2")), ("ha", standards.parameter("ha_m2")))
    near = standards.parameter("area_unit_share")
    return next((unit for unit, m2 in units if abs(ratio * m2 - 1.0) <= near), "")


def _area_differences(work: _Work, out: gpd.GeoDataFrame) -> None:
    declared, drawn = out["site_area_m2"], out.geometry.area
    share = (declared - drawn).abs() / drawn
    limit = standards.parameter("area_difference_share")
    rows = share > limit
    if rows.any():
        largest = share[rows].sort_values(ascending=False, kind="stable").index[:3]
        work.note(
            "area_differs",
            int(rows.sum()),
            percent=limit * 100,
            declared=declared[rows].sum(),
            drawn=drawn[rows].sum(),
            some=", ".join(largest),
        )


def _rejects(work: _Work, numbers: pd.Series[Any], shaped: np.ndarray[Any, Any], to: CRS) -> gpd.GeoDataFrame:
    rows = work.why.ne("")
    shown = np.full(int(rows.sum()), None, dtype=object)
    shown[:] = shaped[rows.to_numpy()]
    if isinstance(work.frame, gpd.GeoDataFrame) and rows.any():
        said = work.frame.attrs.get("crs", "")
        crs = said if said in coordinates.OFFSETS else work.frame.crs if work.frame.crs is not None else to
        raw = np.asarray(work.frame.geometry.array, dtype=object)[rows.to_numpy()]
        moved = shapely.force_2d(shapes.moved(raw, crs=crs, to=to))
        usable = shapes.finite(moved)
        shown = np.where(usable & shapely.is_missing(shown), moved, shown)
    return rejects_of(
        {
            "table": work.name,
            "source": work.source,
            "row": rows[rows].index.to_numpy(),
            "id": numbers[rows].to_numpy(),
            "why": work.why[rows].to_numpy(),
            "word": work.word[rows].to_numpy(),
        },
        shown,
        to,
    )


def rejects_of(fields: Mapping[str, Any], shown: Any, crs: CRS) -> gpd.GeoDataFrame:
    """A frame of rejects with its columns in order and typed; `shown` are geometries, None where there is none."""
    shown = np.asarray(shown, dtype=object)
    frame = pd.DataFrame(dict(fields), index=pd.RangeIndex(len(shown)))
    frame = frame.astype({"table": "str", "source": "str", "row": "int64", "id": "str", "why": "str", "word": "str"})
    return gpd.GeoDataFrame(frame, geometry=shown, crs=crs)[REJECTS]


def _some(raw: pd.Series[Any], most: int = 3) -> str:
    different = pd.unique(values.texts(raw).dropna())
    return ", ".join(different[:most]) + (", …" if len(different) > most else "")
