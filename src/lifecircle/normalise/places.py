"""A whole place: every layer of a recipe read, understood and joined; homes built; the `Study` checked once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from lifecircle import load, schema, standards
from lifecircle.errors import CrsError, SourceError
from lifecircle.load import coordinates
from lifecircle.load.layers import RASTERS, geometries, is_layer
from lifecircle.normalise import fits, homes, tables, values
from lifecircle.normalise.says import kind_of, pattern, say, word
from lifecircle.study import Conversions, Raster, Study

if TYPE_CHECKING:
    from lifecircle.load.recipe import Join, Recipe, Source

Progress = Callable[[int, int, str], None]
_LAYERS = [*schema.TABLES, "population", "elevation"]
_LINKS = [
    *((name, "of_id", target) for name in ("entrances", "usage") for target in schema.TABLES),
    ("buildings", "parcel_id", "parcels"),
    ("assets", "parcel_id", "parcels"),
    ("homes", "building_id", "buildings"),
]
_COUNTS = ["layer", "source", "read", "filtered", "kept", "rejected", "crs", "encoding", "status"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Inventory:
    """What went in and what became of it, for the manifest, the tables and the map.

    `layers`: layer, source, read, filtered, kept, rejected, crs, encoding, status (read, made or absent), a row for each
    source. `rejects`: see `normalise.table`. `mapping`: layer, column, raw, unit, how (recipe or alias). `notes`: layer,
    code, count, text. `population`: where its people went (touching, allocated, outside, without_dwelling; estimated where they are).
    `inputs`: file (relative to study.toml), sha256, bytes.
    """

    layers: pd.DataFrame
    rejects: gpd.GeoDataFrame
    mapping: pd.DataFrame
    notes: pd.DataFrame
    population: dict[str, float]
    inputs: pd.DataFrame


def place(recipe: Recipe, *, progress: Progress | None = None) -> tuple[Study, Inventory]:
    """The place of a recipe as a `Study`, and the inventory of everything that was read, kept and rejected.

    Parameters
    ----------
    progress
        Called with what is done, how much there is in all, and the name of the layer that comes next.

    Raises
    ------
    SourceError, CrsError, SchemaError
        A file that cannot be read, coordinates that contradict their system, a layer without geometry. A row's fault
        never raises: the row is a reject.

    Examples
    --------
    >>> from lifecircle import load, sample_town
    >>> study, inventory = place(load.recipe.read(sample_town()))
    >>> bool((inventory.layers["read"] == inventory.layers["kept"] + inventory.layers["rejected"]).all())
    True
    """
    work = _Place(recipe)
    order = _order(recipe)
    total = len(order) + 1
    for done, (name, source) in enumerate(order):
        if progress is not None:
            progress(done, total, name)
        work.read(name, source)
    if progress is not None:
        progress(len(order), total, "homes")
    study = work.study()
    if progress is not None:
        progress(total, total, "")
    return study, work.inventory()


def _order(recipe: Recipe) -> list[tuple[str, Source]]:
    """Sources in the order of the schema, each after the layer it joins, registers last."""
    names = sorted(
        recipe.layers, key=lambda name: (not is_layer(name), _LAYERS.index(name) if name in _LAYERS else 0, name)
    )
    left, out = list(names), []
    while left:
        ready = [
            name for name in left if not {s.join.layer for s in recipe.layers[name] if s.join} & (set(left) - {name})
        ]
        chosen = ready[0] if ready else left[0]
        left.remove(chosen)
        out += [(chosen, source) for source in recipe.layers[chosen]]
    return out


class _Place:
    """The layers of one place while they are put together."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.crs, self.language = recipe, recipe.system, recipe.language
        self.layers: dict[str, gpd.GeoDataFrame] = {}
        self.rasters: dict[str, Raster] = {}
        self.counts: list[dict[str, Any]] = []
        self.rejects: list[gpd.GeoDataFrame] = []
        self.mappings: list[pd.DataFrame] = []
        self.notes: list[tuple[str, str, int, str]] = []
        self.people: dict[str, float] = {}
        self.repeated: dict[str, set[str]] = {}
        self.points: list[fits.Points] = []

    def read(self, name: str, source: Source) -> None:
        """One source, into its layer."""
        if source.suffix in RASTERS:
            self._raster(name, source)
            return
        frame, filtered = load.read(source, folder=self.recipe.folder)
        if source.suffix == ".gml" and "gml_id" in frame:
            frame = frame.drop(columns="fid", errors="ignore")
        if source.join is not None and name == "population":
            self._people(source, source.join, frame, filtered)
            return
        if source.join is not None and not is_layer(name):
            self._register(name, source, source.join, frame, filtered)
            return
        file = called(source)
        joined: gpd.GeoDataFrame | None = None
        rows = len(frame)
        self._offsets(name, source, frame)
        if source.join is not None:
            frame, source, joined = self._joined(name, source, source.join, frame)
        table, rejects, report = tables.table(
            name,
            frame,
            crs=self.crs,
            source=file,
            recipe=source,
            language=self.language,
            numbered_from=sum(count["read"] + count["filtered"] for count in self.counts if count["layer"] == name),
            taken=self.layers[name].index if name in self.layers else (),
        )
        self.repeated.setdefault(name, set()).update(report.repeated)
        table, clashes = self._clashes(name, table, file)
        parts = [part for part in (joined, rejects, clashes) if part is not None and len(part)]
        self._add(name, table)
        self.rejects += parts
        self._told(name, report)
        self._count(name, source, frame, filtered=filtered, read=rows, kept=len(table))

    def _raster(self, name: str, source: Source) -> None:
        raster = load.raster(self.recipe.folder / source.source, crs=source.crs)
        most = standards.parameter("cell_people_max")
        if name == "population" and (many := raster.values[raster.values > most]).size:
            self._note(name, "too_many_people", many.size, most=most, value=many.max())
            raster = replace(raster, values=np.where(raster.values > most, np.nan, raster.values))
        self.rasters[name if source.counts in (None, "residents") else source.counts] = raster
        for code in raster.notes:
            if code != "negative" or name == "population":
                self._note(name, code, 1)
        row = {"layer": name, "source": raster.name, "read": 1, "filtered": 0, "kept": 1, "rejected": 0}
        self.counts.append(row | {"crs": coordinates.label(raster.crs), "encoding": "", "status": "read"})

    def _joined(
        self, name: str, source: Source, join: Join, frame: pd.DataFrame
    ) -> tuple[pd.DataFrame, Source, gpd.GeoDataFrame]:
        """Rows with the geometry, or the number, of the layer they join; the recipe extended by it; the rejects."""
        from lifecircle.load.recipe import Column

        found, rejects = self._matched(name, join, frame, called(source))
        frame_ = frame.loc[found.index].assign(**{join.on: found})  # the number as the joined layer writes it
        target = self.layers.get(join.layer)
        if geometries(name) and not isinstance(frame, gpd.GeoDataFrame) and target is not None:
            shapes = np.asarray(target.geometry.reindex(found.to_numpy()).array)
            frame_ = cast(pd.DataFrame, gpd.GeoDataFrame(frame_, geometry=shapes, crs=self.crs))
        frame_.attrs = {
            key: value for key, value in frame.attrs.items() if key != "crs" or isinstance(frame, gpd.GeoDataFrame)
        }
        given, constants = dict(source.columns), dict(source.constants)
        specs = schema.TABLES[name].columns
        if "of_id" in specs:
            given.setdefault("of_id", Column.model_validate({"from": join.on}))
            constants.setdefault("of_table", join.layer)
        own = {"parcels": "parcel_id", "buildings": "building_id", "areas": "area_id"}.get(join.layer)
        if own is not None and own in specs:
            given.setdefault(own, Column.model_validate({"from": join.on}))
        return frame_, source.model_copy(update={"columns": given, "constants": constants}), rejects

    def _matched(
        self, name: str, join: Join, frame: pd.DataFrame, file: str
    ) -> tuple[pd.Series[Any], gpd.GeoDataFrame]:
        """The number in the joined layer of each row that has just one, and rejects for the others."""
        if join.on not in frame:
            has = ", ".join(str(column) for column in frame.columns[:20] if column != "geometry")
            raise SourceError(f"{file}: has no column {join.on!r} (layers.{name}.join.on); it has {has}")
        keys = values.ids(frame[join.on])
        target = self.layers.get(join.layer)
        index = target.index if target is not None else pd.Index([], dtype="str")
        numbers = _by_key(index.to_series(), index)
        twice = set(numbers.index[numbers.index.duplicated()]) | self._told_twice(join.layer)
        asked = standards.normal(keys)
        ambiguous = asked.isin(twice)
        found = asked.map(numbers[~numbers.index.duplicated()])
        named = join.layer == "areas" and target is not None
        if named and target is not None:  # areas are spoken of by their names as much as by their numbers
            names = _by_key(target["name"].dropna(), target.index[target["name"].notna()])
            open_ = found.isna() & ~ambiguous
            ambiguous |= open_ & asked.isin(names.index[names.index.duplicated()])
            found = found.where(~open_, asked.map(names[~names.index.duplicated(keep=False)]))
        why = pd.Series("", index=frame.index, dtype="object")
        unmatched = keys.notna() & found.isna() & ~ambiguous
        of = "_area" if named else ""
        for rows, code in ((unmatched, f"unmatched{of}"), (ambiguous, f"ambiguous{of}")):
            why = why.mask(rows, _keyed(code, self.language, keys, layer=word(join.layer, self.language)))
        why = why.mask(keys.isna(), say("no_key", self.language, on=join.on, layer=word(join.layer, self.language)))
        return found[why.eq("")], self._rejected(name, file, frame, keys, why)

    def _told_twice(self, layer: str) -> set[str]:
        """Numbers that several rows of a layer carry with different content: which one a register means is not known."""
        again = pattern("same_number", self.language).partition("{row}")[0]
        ids = [part.loc[(part["table"] == layer) & part["why"].str.startswith(again), "id"] for part in self.rejects]
        ids.append(pd.Series(sorted(self.repeated.get(layer, ())), dtype="str"))
        return set(standards.normal(pd.concat(ids)))

    def _rejected(self, name: str, file: str, frame: pd.DataFrame, keys: Any, why: pd.Series[Any]) -> gpd.GeoDataFrame:
        rows = why.ne("").to_numpy()
        shown = np.full(int(rows.sum()), None, dtype=object)
        if isinstance(frame, gpd.GeoDataFrame) and frame.crs is not None:
            shown = np.asarray(frame.geometry.to_crs(self.crs).array, dtype=object)[rows]
        fields = {
            "table": name,
            "source": file,
            "row": frame.index[rows].to_numpy(),
            "id": keys[rows].to_numpy(),
            "why": why[rows].to_numpy(),
            "word": np.full(int(rows.sum()), None, dtype=object),
        }
        return tables.rejects_of(fields, shown, self.crs)

    def _register(self, name: str, source: Source, join: Join, frame: pd.DataFrame, filtered: int) -> None:
        """A table without a layer of its own: its columns fill what the joined layer does not say itself."""
        file = called(source)
        layer = join.layer
        found, rejects = self._matched(name, join, frame, file)
        fields, report = tables.register(layer, frame, source=file, recipe=source, language=self.language, but=join.on)
        rows, more = self._once(name, file, frame, found.to_frame("key").join(fields), join)
        kept = rows.set_index("key")
        if "site_area_m2" in kept and layer in ("parcels", "parks") and layer in self.layers:
            drawn = self.layers[layer].geometry.area.reindex(kept.index)
            if unit := tables.likely_unit(kept["site_area_m2"], drawn):
                count = int(kept["site_area_m2"].notna().sum())
                self._note(name, "area_unit", count, unit=word(unit, self.language))
                kept = kept.assign(site_area_m2=np.nan)
        if layer in self.layers and len(kept):
            target = self.layers[layer].copy()
            for column in kept.columns:
                fill = kept[column].reindex(target.index)
                target[column] = target[column].where(target[column].notna(), fill).astype(target[column].dtype)
            self.layers[layer] = target
            self._note(layer, "joined", len(kept), register=name)
        self.rejects += [part for part in (rejects, more) if len(part)]
        self._told(name, report)
        self._count(name, source, frame, filtered=filtered, read=len(frame), kept=len(kept))

    def _once(
        self, name: str, file: str, frame: pd.DataFrame, rows: pd.DataFrame, join: Join
    ) -> tuple[pd.DataFrame, gpd.GeoDataFrame]:
        """The rows of a register by their key, each key once; repeated rows and those that contradict others are rejects."""
        same = rows.duplicated()
        contents = rows[~same]
        several = contents["key"].duplicated(keep=False)
        why = pd.Series("", index=frame.index, dtype="object")
        first = rows.index.to_series().groupby([rows[column] for column in rows], dropna=False).transform("first")
        why.loc[rows.index[same]] = tables.filled("duplicate", self.language, first[same])
        keys = values.ids(frame[join.on])
        doubtful = rows.index[rows["key"].isin(contents.loc[several, "key"])]
        why.loc[doubtful] = _keyed("ambiguous_register", self.language, keys)[doubtful]
        return rows.loc[why[rows.index].eq("")], self._rejected(name, file, frame, keys, why)

    def _people(self, source: Source, join: Join, frame: pd.DataFrame, filtered: int) -> None:
        """A table of people by area: each row gets the outline of its area, and its number in `areas` for its own."""
        name, file, areas = "population", called(source), self.layers.get("areas")
        found, rejects = self._matched(name, join, frame, file)
        fields, report = tables.register(name, frame, source=file, recipe=source, language=self.language, but=join.on)
        fields = fields.reindex(columns=["residents", "elderly", "children"]).astype("float64")
        rows, more = self._once(name, file, frame, found.to_frame("key").join(fields), join)
        shapes = np.full(len(rows), None, dtype=object)
        if areas is not None and len(rows):
            shapes = np.asarray(areas.geometry.reindex(rows["key"]).array)
        origin = file + "#" + rows.index.to_series().astype("str")
        table = gpd.GeoDataFrame(rows.drop(columns="key").assign(source=origin), geometry=shapes, crs=self.crs)
        table.index = pd.Index(rows["key"], dtype="str", name="area_id")
        parts = [rejects, more]
        before = self.layers.get(name, table.iloc[:0])
        again = pd.Series(table.index.isin(before.index), index=table.index)
        if again.any():
            others = before["source"].reindex(table.index[again]).str.rpartition("#")[0]
            front, _, back = pattern("same_number_elsewhere", self.language).partition("{source}")
            table, clashes = self._turned_out(name, table, again, front + others + back)
            parts.append(clashes)
        self._add(name, table)
        self.rejects += [part for part in parts if len(part)]
        self._told(name, report)
        self._count(name, source, frame, filtered=filtered, read=len(frame), kept=len(table))

    def _totals(self) -> None:
        """People of an area whose parts have rows of their own are rejects: nobody is counted twice."""
        people, areas = self.layers.get("population"), self.layers.get("areas")
        if people is None or areas is None or people.index.name != "area_id" or not len(people):
            return
        level = areas["level"].reindex(people.index)
        rank = level.map({"community": 0, "street": 1, "town": 2}).to_numpy()
        shapes = np.asarray(people.geometry.array)
        part, whole = shapely.STRtree(shapes).query(shapely.point_on_surface(shapes), predicate="intersects")
        total = pd.Series(False, index=people.index)
        total.iloc[whole[rank[part] < rank[whole]]] = True
        if total.any():
            said = level[total].map({one: word(one, self.language) for one in level.unique()})
            front, _, back = pattern("other_level", self.language).partition("{level}")
            self.layers["population"], rejects = self._turned_out("population", people, total, front + said + back)
            self._recount("population", rejects)
            self.rejects.append(rejects)

    def _clashes(
        self, name: str, table: gpd.GeoDataFrame, file: str
    ) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None]:
        """Rows whose number an earlier source of the layer already has.

        Parcels, buildings, areas and assets are known by their number, which must be one: such rows are rejects. Other
        layers are often numbered file by file (the pipes of each network): the later row gets a number of its own,
        unless it repeats the earlier one whole.
        """
        before = self.layers.get(name)
        if before is None or not (again := table.index.isin(before.index)).any():
            return table, None
        clash = pd.Series(again, index=table.index)
        if name not in tables.KNOWN_BY_NUMBER:
            clash = clash & _same(table, before)
            renamed = ~clash & again
            mark = (
                table["network"]
                if "network" in table
                else pd.Series(Path(file.partition("/")[0]).stem, index=table.index)
            )
            fresh = table.index.to_series() + "@" + mark.fillna("").astype("str")
            number = table.index.to_series()
            number[renamed] = tables.free(fresh[renamed], {*before.index, *number})
            self._note(name, "renumbered", int(renamed.sum()), source=file)
            table = table.set_axis(pd.Index(number, dtype="str", name=table.index.name))
            clash = clash.set_axis(table.index)
        if not clash.any():
            return table, None
        others = before["source"].reindex(table.index[clash]).str.rpartition("#")[0]
        front, _, back = pattern("same_number_elsewhere", self.language).partition("{source}")
        return self._turned_out(name, table, clash, front + others + back)

    def _turned_out(
        self, name: str, table: gpd.GeoDataFrame, rows: pd.Series[Any], why: Any
    ) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
        """`table` without `rows`, and these as rejects."""
        out = table[rows.to_numpy()]
        origin = out["source"].str.rpartition("#")
        shown = (
            np.asarray(out.geometry.array)
            if isinstance(out, gpd.GeoDataFrame)
            else np.full(len(out), None, dtype=object)
        )
        fields = {
            "table": name,
            "source": origin[0].to_numpy(),
            "row": origin[2].astype("int64").to_numpy(),
            "id": out.index.to_numpy(),
            "why": np.asarray(why) if not isinstance(why, str) else why,
            "word": np.full(len(out), None, dtype=object),
        }
        return table[~rows.to_numpy()], tables.rejects_of(fields, shown, self.crs)

    def _add(self, name: str, table: gpd.GeoDataFrame) -> None:
        before = self.layers.get(name)
        if before is None or not len(before):
            self.layers[name] = table
        elif len(table):
            both = pd.concat([before, table])
            both.index.name = before.index.name
            self.layers[name] = both

    def _told(self, name: str, report: tables.Report) -> None:
        self.mappings.append(report.mapping.assign(layer=name, source=report.source))
        self.notes += [(name, *note) for note in report.notes]
        if report.unused and len(report.mapping):
            listed = ", ".join(report.unused[:20]) + (", …" if len(report.unused) > 20 else "")
            self._note(name, "unused", len(report.unused), text=listed)

    def _count(self, name: str, source: Source, frame: pd.DataFrame, *, filtered: int, read: int, kept: int) -> None:
        row = {"layer": name, "source": called(source), "read": read, "filtered": filtered, "kept": kept}
        row |= {"rejected": read - kept, "crs": frame.attrs.get("crs", ""), "encoding": frame.attrs.get("encoding", "")}
        self.counts.append(row | {"status": "read"})
        self._note(name, "filtered", filtered)

    def _note(self, layer: str, code: str, count: int, /, **fields: object) -> None:
        if count:
            self.notes.append((layer, code, int(count), say(code, self.language, count=int(count), **fields)))

    def _recount(self, name: str, rejects: gpd.GeoDataFrame) -> None:
        """Rows turned out after their layer was put together, in the counts of the source they came from."""
        for row in self.counts:
            if row["layer"] == name and row["kept"]:
                lost = min(int((rejects["source"] == row["source"]).sum()), row["kept"])
                rejects = rejects[rejects["source"] != row["source"]]
                row["kept"], row["rejected"] = row["kept"] - lost, row["rejected"] + lost

    def _links(self) -> None:
        """Rows that name a row of another table: without it an entrance or a reading means nothing and is a reject."""
        for name, column, target in _LINKS:
            if name in self.layers and target in self.layers:
                table = self.layers[name]
                rows = table["of_table"].eq(target) if "of_table" in table else pd.Series(True, index=table.index)
                number = _as_written(table.loc[rows, column], self.layers[target].index).reindex(table.index)
                self.layers[name] = table.assign(**{column: table[column].where(~rows, number)})
        for name in ("entrances", "usage"):
            if name not in self.layers or not len(self.layers[name]):
                continue
            table = self.layers[name]
            lost = pd.Series(True, index=table.index)
            for target in table["of_table"].unique():
                known = self.layers[target].index if target in self.layers else pd.Index([])
                lost &= ~(table["of_table"].eq(target) & table["of_id"].isin(known))
            if lost.any():
                layer, key = table.loc[lost, "of_table"], table.loc[lost, "of_id"]
                layer = layer.map({one: word(one, self.language) for one in layer.unique()})
                why = _keyed("unmatched", self.language, key, layer=layer)
                self.layers[name], rejects = self._turned_out(name, table, lost, why)
                self._recount(name, rejects)
                self.rejects.append(rejects)
        for name, target in (("buildings", "parcels"), ("assets", "parcels")):
            if name in self.layers and target in self.layers:
                link = self.layers[name]["parcel_id"]
                missing = int((link.notna() & ~link.isin(self.layers[target].index)).sum())
                self._note(name, "links_missing", missing, column="parcel_id", layer=word(target, self.language))
        if "pipes" in self.layers and "pipe_nodes" in self.layers:
            pipes, nodes = self.layers["pipes"], self.layers["pipe_nodes"].index
            for end in ("from_node", "to_node"):  # a node renumbered because another network has the same number
                own = pipes[end] + "@" + pipes["network"]
                pipes = pipes.assign(**{end: pipes[end].where(~own.isin(nodes), own)})
            self.layers["pipes"] = pipes
            ends = pipes[["from_node", "to_node"]]
            lost_ends = ends.notna() & ~ends.isin(nodes)
            self._note("pipes", "nodes_missing", int(lost_ends.any(axis=1).sum()))

    def _floor_areas(self) -> None:
        buildings = self.layers.get("buildings")
        if buildings is None:
            return
        made = buildings["floor_area_m2"].isna() & buildings["floors"].notna()
        if made.any():
            area = buildings.geometry.area * buildings["floors"]
            self.layers["buildings"] = buildings.assign(floor_area_m2=buildings["floor_area_m2"].where(~made, area))
            self._note("buildings", "floor_area_made", int(made.sum()))

    def _far_away(self) -> None:
        """Layers that lie farther from all others than these reach: the usual sign of a wrong system."""
        placed = {
            n: t for n, t in self.layers.items() if isinstance(t, gpd.GeoDataFrame) and len(t) and n != "population"
        }
        if len(placed) < 3:
            return
        names = list(placed)
        bounds = np.array([table.total_bounds for table in placed.values()])
        low, high = bounds[:, :2], bounds[:, 2:]
        gaps = np.linalg.norm(np.maximum(np.maximum(low[:, None] - high[None], low[None] - high[:, None]), 0.0), axis=2)
        np.fill_diagonal(gaps, np.inf)
        nearest = gaps.min(axis=1)
        for i, name in enumerate(names):
            others = np.arange(len(names)) != i
            reach = np.linalg.norm(high[others].max(axis=0) - low[others].min(axis=0))
            if nearest[i] > reach:
                self._note(name, "far_away", len(placed[name]), km=nearest[i] / 1000)

    def _centres(self) -> dict[str, NDArray[np.float64]]:
        """The middle of each row's bounds, by layer."""
        placed = {
            n: t for n, t in self.layers.items() if isinstance(t, gpd.GeoDataFrame) and len(t) and n != "population"
        }
        bounds = {name: table.geometry.bounds.to_numpy() for name, table in placed.items()}
        return {name: box[:, :2] / 2 + box[:, 2:] / 2 for name, box in bounds.items()}

    def _rows_far_away(self) -> None:
        """Rows ten times the study's extent from the middle of their layer: a point at 0, 0 or one with a slipped digit."""
        centres = self._centres()
        if not centres:
            return
        away = {name: np.hypot(*(xy - np.median(xy, axis=0)).T) for name, xy in centres.items()}
        extent = max(2.5 * float(np.quantile(np.concatenate(list(away.values())), 0.75)), 1000.0)
        for name, metres in away.items():
            far = metres > 10 * extent
            some = ", ".join(self.layers[name].index[far][:3]) + (", …" if far.sum() > 3 else "")
            self._note(name, "rows_far_away", int(far.sum()), km=metres.max() / 1000, some=some)

    def _true_to_scale(self) -> None:
        """Refuses a system in which metres are no metres where the study lies, and tells of one that is slightly off."""
        centres = self._centres()
        middles = np.array([np.median(xy, axis=0) for xy in centres.values()])
        if not len(middles):
            return
        # the layer nearest to all others: one that lies elsewhere must not move the middle
        gaps = np.linalg.norm(middles[:, None] - middles[None], axis=2).sum(axis=1)
        nearest = int(gaps.argmin())
        share, better = fits.scale_error(self.crs, *middles[nearest])
        if not np.isfinite(share) and (list(centres)[nearest], "outside_use") in {note[:2] for note in self.notes}:
            return  # where the study lies is not known: the layer's own system is in doubt, which is told
        said = coordinates.label(self.crs)
        if not share <= standards.parameter("crs_scale_max_share"):
            off = f"is {share:.0%} off true scale" if np.isfinite(share) else "is not made for the place"
            raise CrsError(f"study.toml: crs = {said!r} {off} where the study lies; use {better} instead")
        if share > standards.parameter("crs_scale_told_share") and round(share * 100, 2):
            self._note("", "crs_scale", 1, crs=said, percent=share * 100, better=better)

    def _offsets(self, name: str, source: Source, frame: pd.DataFrame) -> None:
        """Keeps the points of a source in degrees, and tells of one whose names contradict the system it declares."""
        points = fits.points(name, called(source), frame)
        if points is None or source.osm is not None:
            return
        self.points.append(points)
        read_as = " ".join(str(column) for column in frame.attrs.get("xy", ()))
        if re.search(r"wgs|84|cgcs|2000", read_as, flags=re.IGNORECASE) and fits.named([read_as]) is None:
            return  # a table that gives both: the true columns were read
        headings = [str(column) for column in frame.columns]
        if points.declared not in coordinates.OFFSETS and (hint := fits.named([points.source, *headings])):
            self._note(name, "offset_named", 1, source=points.source, crs=points.declared, hint=hint[0], system=hint[1])

    def _offsets_fit(self) -> None:
        """Tells of points that lie much nearer to the streets when they are read in another system than declared."""
        near = next((one for one in ("streets", "buildings") if one in self.layers and len(self.layers[one])), None)
        if near is None:
            return
        tree = shapely.STRtree(np.asarray(self.layers[near].geometry.array))
        for one in self.points:
            if one.layer != near and (found := fits.better(one, tree, self.crs)) is not None:
                system, before, after = found
                fields = {"source": one.source, "crs": one.declared, "layer": word(near, self.language)}
                self._note(one.layer, "offset_likely", one.count, system=system, before=before, after=after, **fields)

    def study(self) -> Study:
        """The checked study; homes are built on the way."""
        self._totals()
        population: Raster | gpd.GeoDataFrame | None = self.rasters.get("population")
        if population is None:
            population = self.layers.pop("population", None)
        self._floor_areas()
        self._links()
        self._far_away()
        self._rows_far_away()
        self._true_to_scale()
        self._offsets_fit()
        given = "homes" in self.layers
        shared = homes.build(
            self.layers,
            population=population,
            crs=self.crs,
            language=self.language,
            demand=self.recipe.demand,
            besides={group: self.rasters[group] for group in ("elderly", "children") if group in self.rasters},
        )
        self.people = shared.people
        self.notes += [("homes", *note) for note in shared.notes]
        if shared.homes is not None:
            self.layers["homes"] = shared.homes
            if not given:
                row: dict[str, Any] = {"layer": "homes", "source": "", "read": len(shared.homes), "filtered": 0}
                row |= {"kept": len(shared.homes), "rejected": 0, "crs": "", "encoding": "", "status": "made"}
                self.counts.append(row)
        there = {name: table for name, table in self.layers.items() if len(table)}
        recipe = self.recipe
        return Study(
            name=recipe.name,
            crs=self.crs,
            as_of=recipe.as_of,
            language=recipe.language,
            standards=recipe.standards,
            land_edition=recipe.land.edition or "",
            land_folder=recipe.land_folder,
            without=recipe.constraints.none,
            conversions=Conversions(**recipe.reuse.model_dump()),
            synthetic=recipe.synthetic,
            note=recipe.note,
            population=population,
            elevation=self.rasters.get("elevation"),
            **cast(dict[str, Any], there),
        )

    def inventory(self) -> Inventory:
        """What was read, kept, rejected and said, after `study`."""
        read = {row["layer"] for row in self.counts}
        absent = [
            {"layer": name, "source": "", "read": 0, "filtered": 0, "kept": 0, "rejected": 0, "crs": "", "encoding": ""}
            | {"status": "absent"}
            for name in _LAYERS
            if name not in read
        ]
        rank = {name: place_ for place_, name in enumerate(_LAYERS)}
        counted = pd.DataFrame(self.counts + absent, columns=_COUNTS)
        counted = counted.sort_values("layer", key=lambda names: names.map(rank).fillna(len(rank)), kind="stable")
        rejects = tables.rejects_of({column: [] for column in tables.REJECTS[:-1]}, [], self.crs)
        if self.rejects:
            rejects = pd.concat(self.rejects, ignore_index=True)
        mapped = pd.concat(self.mappings, ignore_index=True) if self.mappings else pd.DataFrame(columns=["column"])
        mapped = mapped.reindex(columns=["layer", "source", "column", "raw", "unit", "how"])
        told = self.notes + self._reasons(rejects)
        notes = pd.DataFrame(told, columns=["layer", "code", "count", "text"]).drop_duplicates(ignore_index=True)
        return Inventory(
            layers=counted.reset_index(drop=True),
            rejects=rejects,
            mapping=mapped,
            notes=notes,
            population=dict(self.people),
            inputs=inputs(self.recipe),
        )

    def _reasons(self, rejects: pd.DataFrame) -> list[tuple[str, str, int, str]]:
        """A note for each layer and reason: how many rows were rejected for it."""
        whys = pd.Series({why: kind_of(why, self.language) for why in pd.unique(rejects["why"])}, dtype="object")
        out = []
        for (layer, _), rows in rejects.groupby(["table", rejects["why"].map(whys)], sort=False):
            code = "rejected" if rows["why"].nunique() == 1 else "rejected_alike"
            words = pd.unique(rows["word"].dropna())
            why = rows["why"].iloc[0] + (
                f" ({', '.join(words[:3])}{', …' if len(words) > 3 else ''})" * bool(len(words))
            )
            out.append((str(layer), "rejected", len(rows), say(code, self.language, count=len(rows), why=why)))
        return out


def called(source: Source) -> str:
    """What the rows of a source are called by: the file's name, and the layer or sheet where the recipe names one."""
    return Path(source.source).name + (f"/{source.layer}" if source.layer else "")


def _same(table: pd.DataFrame, before: pd.DataFrame) -> pd.Series[Any]:
    """Whether the row of `before` with the same number says the same throughout."""
    other = before.reindex(table.index)
    same = pd.Series(True, index=table.index)
    for column in table.columns.drop(["source", "geometry"], errors="ignore"):
        same &= table[column].eq(other[column]).fillna(False).astype("bool") | (
            table[column].isna() & other[column].isna()
        )
    if "geometry" in table:
        same &= shapely.equals_exact(np.asarray(table["geometry"].array), np.asarray(other["geometry"].array))
    return same


def _by_key(words: pd.Series[Any], index: pd.Index[Any]) -> pd.Series[Any]:
    """The rows of `index` by the words that they are looked up by, without regard to case, width and blanks."""
    folded = standards.normal(words.astype("str"))
    return pd.Series(index.to_numpy(dtype=object), index=folded.to_numpy(dtype=object))


def _as_written(keys: pd.Series[Any], index: pd.Index[Any]) -> pd.Series[Any]:
    """Keys as `index` writes them, where they differ only in case or width from just one number of it."""
    if (keys.isna() | keys.isin(index)).all() or not len(index):
        return keys
    known = pd.Series(index.to_numpy(dtype=object), index=standards.normal(index.to_series().astype("str")).to_numpy())
    found = standards.normal(keys).map(known[~known.index.duplicated(keep=False)])
    return keys.where(keys.isin(index) | found.isna(), found).astype(keys.dtype)


def _keyed(code: str, language: str, keys: pd.Series[Any], *, layer: Any = "") -> pd.Series[Any]:
    """The sentence of `code` for each key of a column."""
    text = pattern(code, language).replace("{key!r}", "{key}")
    quoted = "'" + keys.astype("str") + "'" if "{key!r}" in pattern(code, language) else keys.astype("str")
    before, _, after = text.partition("{key}")
    if isinstance(layer, pd.Series):
        parts = [part.split("{layer}") for part in (before, after)]
        front = parts[0][0] + (layer.astype("str") + parts[0][1] if len(parts[0]) > 1 else "")
        back = parts[1][0] + (layer.astype("str") + parts[1][1] if len(parts[1]) > 1 else "")
        return (front + quoted + back).astype("object")
    return (before.replace("{layer}", str(layer)) + quoted + after.replace("{layer}", str(layer))).astype("object")


def inputs(recipe: Recipe) -> pd.DataFrame:
    """The files a recipe reads, study.toml first: file (relative to it, with forward slashes), sha256 and bytes.

    A shapefile is all of its parts; a folder such as a file geodatabase is one entry over its sorted files.
    """
    paths = [recipe.file]
    for sources in recipe.layers.values():
        for source in sources:
            path = recipe.folder / source.source
            if path.suffix.lower() == ".shp":
                paths += [beside for beside in sorted(path.parent.glob(f"{path.stem}.*")) if beside.is_file()]
            else:
                paths.append(path)
    rows = [(_relative(path, recipe.folder), *_digest(path)) for path in dict.fromkeys(paths)]
    return pd.DataFrame(rows, columns=["file", "sha256", "bytes"])


def _relative(path: Path, folder: Path) -> str:
    import os.path

    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive on Windows: the manifest never holds an absolute path
        return path.name


def _digest(path: Path) -> tuple[str, int]:
    sha, size = hashlib.sha256(), 0
    files: Iterable[Path] = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        if path.is_dir():
            if file.suffix == ".lock":
                continue
            sha.update(file.relative_to(path).as_posix().encode())
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                sha.update(chunk)
                size += len(chunk)
    return sha.hexdigest(), size
