"""What a planner would change: a layer of additions, removals and moves, read whole or refused whole.

A scenario is any layer the package reads, or a GeoDataFrame, one row a change:

==========  ==================================================================================================
action      add, remove, move, change, open or close
table       facilities, gates, streets, barriers, entrances or homes; open and close are of gates
id          of the row that changes; what is added may have one of its own or is given one
values      columns of the table as JSON text, ``{"kind": "nursery", "capacity": 60}``; columns of their own do as well
geometry    of what is added or moved, in the system of the layer; that of other rows is not looked at
==========  ==================================================================================================

Headings, actions and tables may be Chinese (动作, 表, 编号, 取值; 新增, 删除, 移动, 修改, 打开, 关闭), and so may the columns and
words of values, as in any layer of a study.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from lifecircle import schema, standards
from lifecircle.errors import CrsError, LifecircleError, SourceError, StudyError
from lifecircle.load import coordinates, files
from lifecircle.load.layers import canonical, index_of
from lifecircle.normalise import columns, shapes, tables, values
from lifecircle.study import Study

TABLES = ("facilities", "gates", "streets", "barriers", "entrances", "homes")
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "add": TABLES,
    "remove": TABLES,
    "move": ("facilities", "gates", "entrances"),
    "change": TABLES,
    "open": ("gates",),
    "close": ("gates",),
}
_SAID: Mapping[str, tuple[str, str]] = {
    "no_column": ("没有“{column}”列；已有：{has}", "has no column {column}; it has {has}"),
    "two_columns": ("“{column}”列有多个：{has}", "has several columns for {column}: {has}"),
    "no_rows": ("一行也没有", "has no row"),
    "two_crs": ("有多个坐标系：{has}；请统一为一个", "is in several coordinate systems: {has}; bring it into one"),
    "no_action": ("没有动作；可用：{has}", "has no action; use {has}"),
    "bad_action": ("动作“{word}”不认识；可用：{has}", "the action {word!r} is not known; use {has}"),
    "no_table": ("没有表名；可用：{has}", "has no table; use {has}"),
    "bad_table": ("表“{word}”不认识；可用：{has}", "the table {word!r} is not known; use {has}"),
    "misfit": ("动作 {action} 不能用于 {table}；可用于：{has}", "{action} does not fit {table}; it fits {has}"),
    "no_id": ("没有编号，无法 {action}", "has no id to {action}"),
    "unknown_id": ("{table} 中没有编号“{id}”{hint}", "{table} has no row {id!r}{hint}"),
    "taken_id": ("{table} 中已有编号“{id}”，不能再新增", "{table} has a row {id!r} already; it cannot be added"),
    "twice": ("{table} 的“{id}”在第 {other} 行已处理", "{table} {id!r} is dealt with in row {other} already"),
    "not_json": ("取值不是 JSON 对象（{why}）", "values is not a JSON object ({why})"),
    "bad_key": ("{table} 没有“{word}”列{hint}", "{table} has no column {word!r}{hint}"),
    "bad_value": ("{column} 的取值“{word}”无法识别{hint}", "{column}: {word!r} cannot be understood{hint}"),
    "no_values": ("没有要修改的取值", "says no value to change"),
    "rejected": ("{why}{hint}", "{why}{hint}"),
    "no_owner": ("出入口所属的 {table} 中没有“{id}”", "is an entrance of {table} {id!r}, which is not there"),
    "far": ("距城区 {km:,.0f} 公里，坐标系是否有误？", "lies {km:,.0f} km from the town; is it in another system?"),
}
_HINT = ("；是否为 {near}？", "; did you mean {near}?")


@dataclass(frozen=True, eq=False, kw_only=True)
class Scenario:
    """Changes that were checked against a study, by `read`.

    `changes`: one row a change, index ``row`` of the layer; action, table, id, values (JSON text), geometry in the study's system,
    None where it plays no part. `rows`: by table, the canonical rows of what is added, moved or changed; missing: not told.
    """

    name: str
    changes: gpd.GeoDataFrame
    rows: dict[str, gpd.GeoDataFrame]

    def ids(self, table: str, *actions: str) -> pd.Index[str]:
        """The ids of `table` that are changed, by `actions` alone where any are given."""
        mine = self.changes["table"].eq(table)
        if actions:
            mine &= self.changes["action"].isin(actions)
        found: pd.Index[str] = pd.Index(self.changes.loc[mine, "id"].tolist(), dtype="str")
        return found

    def touches(self, *names: str) -> bool:
        """Whether anything changes in one of the tables `names`."""
        return bool(self.changes["table"].isin(names).any())


def read(
    source: Path | str | pd.DataFrame, study: Study, *, name: str | None = None, crs: str | None = None
) -> Scenario:
    """The scenario in `source`, a file or a frame, checked against `study`.

    Parameters
    ----------
    source
        GeoPackage (all of its layers), GeoJSON, shapefile, CSV or Excel with coordinates or WKT, or a (Geo)DataFrame.
    name
        What it is called; the file's name by default.
    crs
        The system of the coordinates where the layer does not say it; a table may say it in a column ``crs`` (坐标系). Else the study's.

    Raises
    ------
    StudyError
        Listing every fault at once, with the row: a word, id, column or value that is not known (the nearest is named), an id that is
        there already, a geometry of the wrong type or far from the town, an action that does not fit, several coordinate systems.
    SourceError, CrsError
        A file that cannot be read, or coordinates that cannot be in their system.

    Examples
    --------
    >>> from datetime import date
    >>> from shapely import Point
    >>> gates = gpd.GeoDataFrame({"state": ["closed"]}, index=["g"], geometry=[Point(500_000, 4_000_000)], crs=4547)
    >>> study = Study(name="a", crs=CRS(4547), as_of=date(2025, 1, 1), gates=schema.conform("gates", gates))
    >>> read(pd.DataFrame({"action": ["open"], "id": ["g"]}), study).changes[["action", "table", "id"]].values.tolist()
    [['open', 'gates', 'g']]
    """
    if isinstance(source, pd.DataFrame):
        called, where = name or "scenario", name or "scenario"
        frame = _of_frame(source, study, crs, where)
    else:
        path = Path(source)
        called, where = name or path.stem, path.name
        frame = _of_file(path, study, crs)
    return _Reading(frame, study, where).scenario(called)


def apply(study: Study, scenario: Scenario) -> Study:
    """`study` after the changes of `scenario`; the study given stays as it was.

    What is removed takes its entrances with it, and what is moved leaves them behind, unless the scenario says what becomes of them: a
    moved facility is reached at its own point. Homes that are added belong to the area they lie in.

    Raises
    ------
    StudyError
        Where an id is not in `study`, or one that is added is there already: the scenario was read for another study.

    Examples
    --------
    >>> from datetime import date
    >>> from shapely import Point
    >>> gates = gpd.GeoDataFrame({"state": ["closed"]}, index=["g"], geometry=[Point(500_000, 4_000_000)], crs=4547)
    >>> study = Study(name="a", crs=CRS(4547), as_of=date(2025, 1, 1), gates=schema.conform("gates", gates))
    >>> opened = apply(study, read(pd.DataFrame({"action": ["open"], "id": ["g"]}), study))
    >>> study.gates["state"].tolist(), opened.gates["state"].tolist()
    (['closed'], ['open'])
    """
    faults = _Faults(scenario.name, study.language)
    _check_ids(faults, scenario.changes, study)
    faults.tell()
    changed: dict[str, gpd.GeoDataFrame] = {}
    for table in dict.fromkeys(scenario.changes["table"]):
        changed[table] = _changed(table, getattr(study, table), scenario, study)
    entrances = changed.get("entrances", study.entrances)
    left = scenario.ids("facilities", "remove", "move")
    if entrances is not None and len(left):
        gone = entrances["of_table"].eq("facilities") & entrances["of_id"].isin(left)
        changed["entrances"] = entrances[~gone.to_numpy(bool) | entrances.index.isin(scenario.ids("entrances"))]
    return replace(study, **cast(Any, changed))


def _changed(table: str, before: gpd.GeoDataFrame | None, scenario: Scenario, study: Study) -> gpd.GeoDataFrame:
    if before is None:
        before = cast(gpd.GeoDataFrame, schema.conform(table, gpd.GeoDataFrame(geometry=[], crs=study.crs)))
    out = before[~before.index.isin(scenario.ids(table, "remove"))].copy()
    rows = scenario.rows.get(table)
    if table == "gates":
        for state, action in (("open", "open"), ("closed", "close")):
            out.loc[out.index.isin(scenario.ids(table, action)), "state"] = state
    if rows is None:
        return out
    at = rows.index[rows.index.isin(scenario.ids(table, "change", "move"))]
    for column in [one for one in schema.TABLES[table].columns if one != "source"]:
        told = rows.loc[at, column].dropna()
        out.loc[told.index, column] = told
    moved = at[at.isin(scenario.ids(table, "move"))]
    points = np.array(out.geometry.array, dtype=object)
    points[out.index.get_indexer(moved)] = np.asarray(rows.geometry.loc[moved].array)
    out = out.set_geometry(gpd.GeoSeries(points, index=out.index, crs=before.crs))
    new = rows.loc[rows.index.isin(scenario.ids(table, "add"))]
    if table == "homes" and study.areas is not None and len(new):
        new = _in_areas(new, study)
    return cast(gpd.GeoDataFrame, schema.conform(table, pd.concat([out, new])))


def _in_areas(homes: gpd.GeoDataFrame, study: Study) -> gpd.GeoDataFrame:
    """Each home in the area it lies in, of those that homes of the study belong to; on a shared boundary the smallest id."""
    areas = cast(gpd.GeoDataFrame, study.areas)
    if study.homes is not None and study.homes["area_id"].notna().any():
        level = areas.loc[areas.index.isin(study.homes["area_id"]), "level"]
        areas = areas[areas["level"].isin(level)]
    areas = areas.sort_index()
    home, area = shapely.STRtree(np.asarray(areas.geometry.array)).query(
        np.asarray(homes.geometry.array), predicate="intersects"
    )
    first = pd.Series(area).groupby(home).min()
    found = pd.Series(areas.index[first], index=homes.index[first.index], dtype="str").reindex(homes.index)
    return homes.assign(area_id=homes["area_id"].where(homes["area_id"].notna(), found))


# -- reading -------------------------------------------------------------------------------------------------------------


def _of_file(path: Path, study: Study, crs: str | None) -> pd.DataFrame:
    from lifecircle.load.recipe import Join, Source

    zh = study.language == "zh"
    source = Source(source=path.name, crs=crs)
    if source.suffix in (*files.TEXT, *files.SHEETS):
        bare, _ = files.read(source.model_copy(update={"join": Join(layer="-", on="-")}), folder=path.parent)
        said = _column(bare, "crs")
        if crs is None:
            named = values.texts(bare[said[0]]).dropna().unique().tolist() if said else []
            if len(named) > 1:
                raise StudyError(path.name, [_say("two_crs", zh, has=", ".join(named))])
            crs = str(named[0]) if named else study.crs.to_string()
        return files.read(Source(source=path.name, crs=crs), folder=path.parent)[0]
    if crs is None and path.suffix.lower() == ".shp" and not path.with_suffix(".prj").exists():
        source = Source(source=path.name, crs=study.crs.to_string())
    parts = {
        layer: files.read(source.model_copy(update={"layer": layer}), folder=path.parent)[0] for layer in _layers(path)
    }
    drawn = {layer: part for layer, part in parts.items() if _column(part, "action")} or parts
    systems = {str(part.attrs.get("crs")) for part in drawn.values() if "crs" in part.attrs}
    if len(systems) > 1:
        raise StudyError(path.name, [_say("two_crs", zh, has=", ".join(sorted(systems)))])
    if len(drawn) == 1:
        return next(iter(drawn.values()))
    whole = pd.concat(list(drawn.values()), ignore_index=True)
    whole.index = pd.RangeIndex(1, len(whole) + 1, name="row")
    whole.attrs = {"crs": next(iter(systems), "")}
    return whole


def _layers(path: Path) -> list[str | None]:
    """The layers of a file that may hold several; None where the reader is to find its only one, or to refuse it."""
    if path.suffix.lower() not in (".gpkg", ".gdb") or not path.exists():
        return [None]
    import pyogrio
    from pyogrio.errors import DataSourceError

    try:
        return [str(name) for name in pyogrio.list_layers(path)[:, 0]] or [None]
    except (DataSourceError, OSError) as error:
        raise SourceError(f"{path.name}: cannot be read ({error})") from error


def _of_frame(frame: pd.DataFrame, study: Study, crs: str | None, where: str) -> pd.DataFrame:
    out = frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="row"))
    if not isinstance(out, gpd.GeoDataFrame) or out.active_geometry_name is None:
        return out
    offset = coordinates.offset_name(crs) if crs else None
    system: CRS | str = offset or (
        coordinates.parse(crs) if crs else CRS(out.crs) if out.crs is not None else study.crs
    )
    if isinstance(system, CRS):
        coordinates.refuse_old(system, where=where)
    xy = shapely.get_coordinates(shapely.point_on_surface(np.asarray(out.geometry.array)))
    if len(xy) and (why := coordinates.contradictions(xy[:, 0], xy[:, 1], system)):
        raise CrsError(f"{where}: {why}")
    out = out.rename_geometry("geometry") if out.active_geometry_name != "geometry" else out
    out = gpd.GeoDataFrame(out).set_crs(cast(Any, None if offset else system), allow_override=True)
    out.attrs = {"crs": offset or ""}
    return out


class _Reading:
    """The rows of one layer while they are understood."""

    def __init__(self, frame: pd.DataFrame, study: Study, where: str) -> None:
        self.frame, self.study, self.where = frame, study, where
        self.faults = _Faults(where, study.language)
        self.special: set[str] = {"geometry", *frame.attrs.get("xy", ()), *_column(frame, "crs")}

    def scenario(self, name: str) -> Scenario:
        if not len(self.frame):
            self.faults.add(None, "no_rows")
        action = self._words("action", tuple(ACTIONS))
        table = self._words("table", TABLES, gates=action.isin(["open", "close"]))
        identifier = self._cells("id")
        told = self._told(self._cells("values"))
        changes = gpd.GeoDataFrame(
            {"action": action, "table": table, "id": None if identifier is None else values.ids(identifier)},
            index=self.frame.index,
            geometry=self._shapes(),
            crs=self.study.crs,
        )
        for row, one in changes.iterrows():  # a scenario has a handful of rows, each told apart in its faults
            self._fits(cast(int, row), one)
        made = changes["action"].eq("add") & changes["id"].isna()
        changes["id"] = changes["id"].astype("str")
        for kind in dict.fromkeys(table[made].dropna()):
            mine = made & table.eq(kind)
            taken = {*_index(self.study, kind), *changes.loc[table.eq(kind), "id"].dropna()}
            wanted = pd.Series(f"{name}-", index=changes.index[mine]) + changes.index[mine].astype("str")
            changes.loc[mine, "id"] = tables.free(wanted, taken)
        _check_ids(self.faults, changes, self.study)
        usable = changes["action"].notna() & changes["table"].notna() & changes["id"].notna()
        usable &= ~changes.index.isin(self.faults.rows)
        rows: dict[str, gpd.GeoDataFrame] = {}
        for kind in dict.fromkeys(table[usable & changes["action"].isin(["add", "move", "change"])]):
            rows[kind] = self._canonical(kind, changes[usable & table.eq(kind)], told)
        plays = changes["action"].isin(["add", "move"])
        changes["values"] = [json.dumps(one, ensure_ascii=False) if one else None for one in self._said(changes, rows)]
        changes["values"] = changes["values"].astype("str")
        changes = changes.set_geometry(changes.geometry.where(plays, None))
        self._owners(changes, rows)
        self.faults.tell()
        return Scenario(name=name, changes=changes[["action", "table", "id", "values", "geometry"]], rows=rows)

    def _cells(self, what: str) -> pd.Series[Any] | None:
        found = _column(self.frame, what)
        self.special |= set(found)
        if len(found) > 1:
            self.faults.add(None, "two_columns", column=what, has=", ".join(found))
        if not found and what in ("action", "id"):
            has = ", ".join(str(one) for one in self.frame.columns if one != "geometry")
            self.faults.add(None, "no_column", column=what, has=has)
        return self.frame[found[0]] if found else None

    def _words(self, what: str, codes: tuple[str, ...], gates: pd.Series[Any] | None = None) -> pd.Series[Any]:
        raw = self._cells(what)
        if raw is None:
            raw = pd.Series(None, index=self.frame.index, dtype="str")
            silent = what == "action"
        else:
            silent = False
        found, unknown = values.codes(raw, standards.words(f"scenario.{what}") | {code: code for code in codes})
        if gates is not None:
            found = found.mask(found.isna() & unknown.isna() & gates, "gates")
        for row, word in unknown.dropna().items():
            self.faults.add(row, f"bad_{what}", word=word, has=self._listed(what, codes))
        if not silent:
            for row in found.index[found.isna() & unknown.isna()]:
                self.faults.add(row, f"no_{what}", has=self._listed(what, codes))
        return found

    def _listed(self, what: str, codes: tuple[str, ...]) -> str:
        """Actions or tables as a reader may write them."""
        if self.study.language != "zh":
            return ", ".join(codes)
        words = [(word, code) for word, code in standards.words(f"scenario.{what}").items() if not word.isascii()]
        return "、".join(next((word for word, of in words if of == code), code) for code in codes)

    def _told(self, raw: pd.Series[Any] | None) -> dict[int, dict[str, Any]]:
        """What the JSON of each row says."""
        out: dict[int, dict[str, Any]] = {}
        for row, cell in () if raw is None else raw.dropna().items():
            if isinstance(cell, dict) or not str(cell).strip():
                out[cast(int, row)] = dict(cell) if isinstance(cell, dict) else {}
                continue
            try:
                said = json.loads(str(cell))
                if not isinstance(said, dict):
                    raise ValueError(type(said).__name__)
            except (ValueError, RecursionError) as error:
                self.faults.add(row, "not_json", why=error)
            else:
                out[cast(int, row)] = {str(key): value for key, value in said.items() if value is not None}
        return out

    def _shapes(self) -> np.ndarray[Any, Any]:
        if not isinstance(self.frame, gpd.GeoDataFrame) or self.frame.active_geometry_name is None:
            return np.full(len(self.frame), None, dtype=object)
        said = str(self.frame.attrs.get("crs", ""))
        system: CRS | str = said if said in coordinates.OFFSETS else CRS(self.frame.crs or self.study.crs)
        raw = shapely.force_2d(np.asarray(self.frame.geometry.array, dtype=object))
        there = shapes.finite(raw)
        raw[~there] = None
        return np.asarray(shapes.moved(raw, crs=system, to=self.study.crs), dtype=object)

    def _fits(self, row: int, one: pd.Series[Any]) -> None:
        action, table = one["action"], one["table"]
        if pd.isna(action) or pd.isna(table):
            return
        if table not in ACTIONS[action]:
            self.faults.add(row, "misfit", action=action, table=table, has=self._listed("table", ACTIONS[action]))
        elif action != "add" and pd.isna(one["id"]):
            self.faults.add(row, "no_id", action=action)
        elif action in ("add", "move") and (metres := _far(one["geometry"], self.study)) > standards.parameter(
            "scenario_far_m"
        ):
            self.faults.add(row, "far", km=metres / 1000)

    def _canonical(self, table: str, changes: gpd.GeoDataFrame, told: Mapping[int, dict[str, Any]]) -> gpd.GeoDataFrame:
        """The canonical rows of what is added, moved or changed in `table`, by id."""
        changes = changes[changes["action"].isin(["add", "move", "change"])]
        raw = self._raw(table, changes, told)
        frame = raw.copy()
        before = getattr(self.study, table)
        shaped = np.array(changes.geometry.array, dtype=object)
        old = changes["action"].ne("add").to_numpy(bool)
        if old.any():
            was = before.loc[changes.loc[old, "id"]]
            keeps = changes["action"].eq("change").to_numpy(bool)
            shaped[keeps] = np.asarray(before.geometry.loc[changes.loc[keeps, "id"]].array)
            mapped = {one.column: one.raw for one in columns.mapping(table, frame, given={}, source=self.where)[0]}
            for column in [one for one, spec in canonical(table).items() if spec.required]:
                name = mapped.get(column, column)
                cells = frame[name] if name in frame else pd.Series(None, index=frame.index, dtype="str")
                kept = pd.Series(was[column].to_numpy(dtype=object), index=frame.index[old], dtype="str")
                frame[name] = cells.where(cells.notna(), kept.reindex(frame.index)).astype("str")
        frame[index_of(table)] = changes["id"]
        out, rejects, report = tables.table(
            table,
            gpd.GeoDataFrame(frame, geometry=shaped, crs=self.study.crs),
            crs=self.study.crs,
            source=self.where,
            language=self.study.language,
        )
        for row, why, word in rejects[["row", "why", "word"]].itertuples(index=False):
            hint = "" if pd.isna(word) else self._near(str(word), _kinds(table, self.study.language), f"({word}) ")
            self.faults.add(row, "rejected", why=why, hint=hint)
        read = out.set_axis(changes.index[changes["id"].isin(out.index)], axis=0)
        for column, name in report.mapping[["column", "raw"]].itertuples(index=False):
            if column in out and name in raw:
                lost = raw.loc[read.index, name].notna() & read[column].isna()
                for row in read.index[lost]:
                    allowed = schema.TABLES[table].columns[column].allowed
                    word = str(raw.at[row, name])
                    self.faults.add(row, "bad_value", column=name, word=word, hint=self._near(word, allowed))
        return out

    def _raw(self, table: str, changes: pd.DataFrame, told: Mapping[int, dict[str, Any]]) -> pd.DataFrame:
        """What the rows say of their columns, as text: the JSON first, then columns of the layer."""
        said = pd.DataFrame.from_dict({row: told.get(row, {}) for row in changes.index}, orient="index", dtype="object")
        said = pd.DataFrame({str(key): files.as_text(said[key]) for key in said}, index=changes.index)
        mapped = {one.raw: one for one in columns.mapping(table, said, given={}, source=self.where)[0]}
        names = [column for column in canonical(table) if column != index_of(table)]
        for key in said:
            if key not in mapped or mapped[key].column == index_of(table):
                for row in said.index[said[key].notna()]:
                    self.faults.add(row, "bad_key", table=table, word=key, hint=self._near(str(key), names))
        out = said[[key for key in said if key in mapped and mapped[key].column in names]]
        plain = pd.DataFrame(self.frame.loc[changes.index]).drop(columns=list(self.special), errors="ignore")
        own = {one.column: one for one in mapped.values()}
        for one in columns.mapping(table, plain, given={}, source=self.where)[0]:
            cells = files.as_text(plain[one.raw])
            if one.column not in names or cells.isna().all():
                continue
            if one.column not in own:
                out = out.assign(**{one.raw: cells})
            elif own[one.column].factor == one.factor:
                name = own[one.column].raw
                out = out.assign(**{name: out[name].where(out[name].notna(), cells)})
        for row in changes.index[changes["action"].eq("change")]:
            if not len(out.columns) or out.loc[row].isna().all():
                self.faults.add(row, "no_values")
        return out

    def _said(self, changes: pd.DataFrame, rows: Mapping[str, pd.DataFrame]) -> Iterable[dict[str, Any]]:
        """The canonical values of each row, as they were understood."""
        for _, one in changes.iterrows():
            table = rows.get(one["table"]) if isinstance(one["table"], str) else None
            if table is None or one["id"] not in table.index or one["action"] not in ("add", "move", "change"):
                yield {}
                continue
            said = pd.DataFrame(table).loc[one["id"]].drop(labels=["source", "geometry"]).dropna()
            yield {str(key): value.item() if isinstance(value, np.generic) else value for key, value in said.items()}

    def _owners(self, changes: gpd.GeoDataFrame, rows: Mapping[str, gpd.GeoDataFrame]) -> None:
        """Entrances of what is not there, or no longer."""
        mine = rows.get("entrances")
        if mine is None:
            return
        row_of = (
            pd.Series(changes.index, index=changes["id"]).where(changes["table"].eq("entrances").to_numpy()).dropna()
        )
        for identifier, table, owner in mine[["of_table", "of_id"]].itertuples():
            own = changes[changes["table"].eq(table)]
            there = {*_index(self.study, table), *own.loc[own["action"].eq("add"), "id"]}
            if owner not in there - {*own.loc[own["action"].eq("remove"), "id"]}:
                self.faults.add(int(row_of[identifier]), "no_owner", table=table, id=owner)

    def _near(self, word: str, known: Iterable[str], before: str = "") -> str:
        near = get_close_matches(word, list(known), n=3, cutoff=0.5)
        zh = self.study.language == "zh"
        hint = _HINT[not zh].format(near=", ".join(near)) if near else ""
        return (" " + before.strip() if before else "") + hint


class _Faults:
    """Every fault of a layer, told at once."""

    def __init__(self, where: str, language: str) -> None:
        self.where, self.zh = where, language == "zh"
        self.found: list[tuple[int, str]] = []
        self.rows: set[int] = set()

    def add(self, row: Any, code: str, **fields: Any) -> None:
        said = _say(code, self.zh, **fields)
        if row is None:
            self.found.append((0, said))
            return
        if code not in ("taken_id", "far"):  # what else such a row says can be understood, and its faults told too
            self.rows.add(int(row))
        self.found.append((int(row), f"第 {row} 行：{said}" if self.zh else f"row {row}: {said}"))

    def tell(self) -> None:
        if self.found:
            raise StudyError(self.where, [said for _, said in sorted(self.found, key=lambda one: one[0])])


def _say(code: str, zh: bool, **fields: Any) -> str:
    return _SAID[code][not zh].format(**fields)


def _check_ids(faults: _Faults, changes: pd.DataFrame, study: Study) -> None:
    """Ids that are not there, or are there already, or are dealt with twice."""
    first: dict[tuple[str, str], int] = {}
    for row, action, table, identifier in changes[["action", "table", "id"]].itertuples():
        if pd.isna(action) or pd.isna(table) or pd.isna(identifier) or table not in ACTIONS[action]:
            continue
        known = _index(study, table)
        if action == "add" and identifier in known:
            faults.add(row, "taken_id", table=table, id=identifier)
        if action != "add" and identifier not in known:
            near = get_close_matches(identifier, list(known), n=3, cutoff=0.6)
            hint = _HINT[not faults.zh].format(near=", ".join(near)) if near else ""
            faults.add(row, "unknown_id", table=table, id=identifier, hint=hint)
        if (table, identifier) in first:
            faults.add(row, "twice", table=table, id=identifier, other=first[table, identifier])
        first.setdefault((table, identifier), row)


def _index(study: Study, table: str) -> pd.Index[Any]:
    frame = getattr(study, table)
    return pd.Index([], dtype="str") if frame is None else frame.index


def _column(frame: pd.DataFrame, what: str) -> list[str]:
    """The columns of a layer that hold its `what`."""
    names = pd.Series([str(column) for column in frame.columns], dtype="str")
    listed = standards.words("scenario.heading")
    return [str(name) for name in names[standards.normal(names).map(listed).eq(what)]]


def _kinds(table: str, language: str) -> list[str]:
    """Words that a kind of `table` may be told in."""
    if table == "facilities":
        kinds = standards.read("kinds")
        return [*kinds["code"], *kinds[f"name_{language}"]]
    try:
        return sorted(set(standards.words(f"{table}.kind").values()))
    except LifecircleError:
        return []


def _far(shape: Any, study: Study) -> float:
    """Metres from `shape` to the box around the town's streets, homes and areas."""
    boxes = [f.total_bounds for f in (study.streets, study.homes, study.areas) if f is not None and len(f)]
    if not boxes or not isinstance(shape, shapely.Geometry):
        return 0.0
    bounds = np.array(boxes)
    town = shapely.box(*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0))
    return float(shapely.distance(shape, town))
