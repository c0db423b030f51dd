"""What a scenario changes: who gains and who loses what on foot, by kind, community and home; and what each closed gate costs.

Both states are measured by the rule of `lifecircle.analyse.coverage` for the adult walker. Only what a scenario can change is walked
again: an added facility improves the field of its kind, a moved or removed one has its kind swept anew, and only streets, barriers and
gates rebuild the network. The figures are those of a whole new run, to the last bit.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle import circle, load, network, normalise, pipeline, scenario, standards
from lifecircle.analyse import coverage
from lifecircle.errors import MissingLayerError, OutputError
from lifecircle.network import Placed, WalkField, WalkNetwork
from lifecircle.network._threads import spread
from lifecircle.publish import labels
from lifecircle.scenario import Scenario
from lifecircle.study import Study

Progress = Callable[[float, float, str], None]
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison:
    """What a scenario changes.

    `by_area` and `town`: one row a community (the town), method, tier and kind, with ``<weight>_before`` and ``_after`` (people who
    reach it), ``_gained``, ``_lost`` and shares before and after; after = before + gained − lost. `homes`: the homes whose minutes to
    anything change. `gates`: what opening each closed gate alone would give. `out`: where it was written, None where it was not.
    """

    scenario: Scenario
    before: Study
    after: Study
    by_area: pd.DataFrame
    town: pd.DataFrame
    homes: gpd.GeoDataFrame
    gates: gpd.GeoDataFrame
    out: Path | None
    seconds: dict[str, float]

    @property
    def weight(self) -> str:
        """What homes count for: residents, or dwellings where no residents are known."""
        return _weight_of(self.town)


@dataclass(frozen=True, eq=False, kw_only=True)
class Walks:
    """Everything walked in one state of a town: network, a field for each kind, places and minutes of the homes (homes × kinds)."""

    walk: WalkNetwork
    fields: dict[str, WalkField]
    homes: Placed
    minutes: pd.DataFrame


def compare(
    place: Path | str | Study,
    changes: Path | str | pd.DataFrame | Scenario,
    *,
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """What `changes` would change in `place`.

    Parameters
    ----------
    place
        A folder with a ``study.toml``, the file itself, or a `Study`.
    changes
        A scenario: a file or a frame as `lifecircle.scenario.read` takes it, or one that was read.
    out
        Where the results go: ``layers/<place>/compare/<scenario>`` below the current folder by default; of a `Study`, nothing is
        written without it. The last set there is replaced only when the new one is whole.
    progress
        Called with what is done, what there is to do and a short text.

    Raises
    ------
    LifecircleError
        As `lifecircle.pipeline.run` and `lifecircle.scenario.read`.
    """
    watch = _Watch(progress)
    facts: dict[str, Any] = {}
    _refuse_a_run(out)
    with watch("read"):
        if isinstance(place, Study):
            study = place
            facts = {"name": study.name, "synthetic": study.synthetic, "language": study.language}
        else:
            recipe = load.recipe.read(place)
            study, inventory = normalise.place(recipe, progress=watch.within)
            facts = pipeline._facts(recipe, study, inventory)
        planned = changes if isinstance(changes, Scenario) else scenario.read(changes, study)
        if out is None and not isinstance(place, Study):
            out = Path("layers") / recipe.folder.resolve().name / "compare" / planned.name
            _refuse_a_run(out)
        after = scenario.apply(study, planned)
    with watch("before"):
        old = walks(study)
    with watch("after"):
        new = walks_after(old, study, after, planned)
        by_area, town, homes = _measured(study, after, old, new)
    with watch("gates"):
        gates = gate_gains(study, walked=old, progress=watch.within)
    found = Comparison(
        scenario=planned,
        before=study,
        after=after,
        by_area=by_area,
        town=town,
        homes=homes,
        gates=gates,
        out=None if out is None else Path(out),
        seconds=watch.seconds,
    )
    if found.out is not None:
        from lifecircle.publish import output

        with output.staged(found.out) as folder, watch("publish"):
            _write(folder, found, facts)
    return found


def _refuse_a_run(out: Path | str | None) -> None:
    from lifecircle.publish import output

    last = None if out is None else output.previous(out)
    if last is not None and "scenario" not in last:
        raise OutputError(f"{out} holds the results of a run; choose another folder for the comparison.")


# -- walking -------------------------------------------------------------------------------------------------------------


def walks(study: Study) -> Walks:
    """Network, fields and minutes of `study`, walked whole.

    Raises
    ------
    MissingLayerError
        Where it has no homes or no streets.
    """
    zh = study.language == "zh"
    lacking = [name for name in ("homes", "streets") if getattr(study, name) is None or not len(getattr(study, name))]
    if lacking:
        names = ", ".join(lacking)
        raise MissingLayerError(f"没有图层 {names}" if zh else f"{study.name} has no {names}")
    walk = network.build(cast(Any, study.streets), barriers=study.barriers, gates=study.gates)
    homes = network.placed_as(walk, cast(Any, study.homes), name="homes")
    fields = _fields(walk, study, _kinds(study.facilities))
    return Walks(walk=walk, fields=fields, homes=homes, minutes=_minutes(walk, fields, homes))


def walks_after(before: Walks, study: Study, after: Study, planned: Scenario) -> Walks:
    """`walks` of `after`, which `planned` made of `study`: equal to the last bit, and only what can change walked again.

    Parameters
    ----------
    before
        What `walks` returned for `study`.
    """
    if planned.touches("streets", "barriers", "gates"):
        return walks(after)
    walk = before.walk
    added, anew = _touched(study, after, planned)
    there = _kinds(after.facilities)
    fields = {kind: field for kind, field in before.fields.items() if kind in there and kind not in anew}
    fields |= _fields(walk, after, [kind for kind in there if kind in anew])
    facilities = cast(gpd.GeoDataFrame, after.facilities)
    more = {kind: facilities.loc[ids] for kind, ids in added.items()}
    for kind, rows in more.items():
        fields[kind] = network.added(walk, before.fields[kind], rows, entrances=after.entrances)
    fields = dict(sorted(fields.items()))
    if planned.touches("homes"):
        homes = network.placed_as(walk, cast(Any, after.homes), name="homes")
        return Walks(walk=walk, fields=fields, homes=homes, minutes=_minutes(walk, fields, homes))
    homes = before.homes
    columns = {kind: before.minutes[kind] for kind in fields if kind in before.minutes and kind not in anew}
    again = _minutes(walk, {kind: fields[kind] for kind in fields if kind in anew}, homes)
    columns |= {str(kind): again[kind] for kind in again}
    for kind, rows in more.items():
        part = _reached_by(walk, before.fields[kind], fields[kind], homes, rows, after.entrances)
        read = columns[kind].to_numpy().copy()
        read[part.row] = _minutes(walk, {kind: fields[kind]}, _part(homes, part.row))[kind].to_numpy()
        columns[kind] = pd.Series(read, index=homes.index)
    minutes = pd.DataFrame({kind: columns[kind] for kind in fields}, index=homes.index)
    minutes.columns = pd.Index(list(fields), dtype="str")
    return Walks(walk=walk, fields=fields, homes=homes, minutes=minutes)


def _touched(study: Study, after: Study, planned: Scenario) -> tuple[dict[str, pd.Index[Any]], set[str]]:
    """By kind the facilities that are only added to it, and the kinds in which anything else changes."""
    was, now = (pd.Series(dtype="str") if s.facilities is None else s.facilities["kind"] for s in (study, after))
    added = planned.ids("facilities", "add")
    others = planned.ids("facilities", "remove", "move", "change")
    doors = planned.ids("entrances")
    owners: list[Any] = []
    for state in (study, after):
        if state.entrances is not None and len(doors):
            mine = state.entrances[state.entrances.index.isin(doors)]
            owners += mine.loc[mine["of_table"].eq("facilities"), "of_id"].tolist()
    others = others.union(pd.Index(owners, dtype="str").difference(added))
    anew = {*was.reindex(others).dropna(), *now.reindex(others).dropna()}
    kinds = now.reindex(added)
    anew |= set(kinds) - set(was)
    return {kind: added[kinds.eq(kind).to_numpy()] for kind in dict.fromkeys(kinds) if kind not in anew}, anew


def _reached_by(
    walk: WalkNetwork,
    old: WalkField,
    new: WalkField,
    homes: Placed,
    facilities: gpd.GeoDataFrame,
    entrances: gpd.GeoDataFrame | None,
) -> Placed:
    """The places whose minutes the added facilities may have changed: a node of their edge is nearer, or a door lies on it."""
    nearer = (new.metres < old.metres)[0]
    doors = network.place(walk, facilities)["edge"].to_numpy()
    if entrances is not None and len(entrances):
        mine = entrances[entrances["of_table"].eq("facilities") & entrances["of_id"].isin(facilities.index)]
        doors = np.append(doors, network.place(walk, mine)["edge"].to_numpy())
    on = np.zeros(len(walk.edge_u), bool)
    on[doors[doors >= 0]] = True
    edge = homes.edge[homes.row]
    return replace(homes, row=homes.row[nearer[walk.edge_u[edge]] | nearer[walk.edge_v[edge]] | on[edge]])


def _part(put: Placed, rows: Any) -> Placed:
    """The places in `rows` alone, in that order."""
    kept = {one.name: getattr(put, one.name)[rows] for one in dataclass_fields(put) if one.name != "row"}
    return Placed(**kept, row=np.arange(len(rows)))


def _kinds(facilities: gpd.GeoDataFrame | None) -> list[str]:
    return [] if facilities is None else sorted(facilities["kind"].unique())


def _fields(walk: WalkNetwork, study: Study, kinds: list[str]) -> dict[str, WalkField]:
    facilities = cast(gpd.GeoDataFrame, study.facilities)

    def one(kind: str) -> WalkField:
        return network.field(walk, facilities[facilities["kind"].eq(kind)], entrances=study.entrances)

    return dict(zip(kinds, spread(one, kinds), strict=True))


def _minutes(walk: WalkNetwork, fields: Mapping[str, WalkField], homes: Placed) -> pd.DataFrame:
    def one(field: WalkField) -> Any:
        return network.minutes(walk, field, homes).iloc[:, 0].to_numpy()

    read = dict(zip(fields, spread(one, fields.values()), strict=True))
    minutes = pd.DataFrame(read, index=homes.index)
    minutes.columns = pd.Index(list(fields), dtype="str")
    return minutes


# -- measuring -----------------------------------------------------------------------------------------------------------


def _answers(walked: Walks, kinds: pd.DataFrame, other: Walks | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Minutes with the parts of kinds counted, and whether each home reaches each kind.

    With `other`, a home joined to the network before or after is known in both, so that shares are of the same people: a home that nothing joins
    before a gate opens is left out then, and one that is cut off afterwards is left out from then on.
    """
    minutes = coverage.counting_parts(walked.minutes, circle.kind_parts())
    joined = pd.Series(walked.homes.edge >= 0, index=walked.homes.index)
    if other is not None:
        joined |= pd.Series(other.homes.edge >= 0, index=other.homes.index).reindex(joined.index, fill_value=False)
    return minutes, coverage.reached(minutes, kinds, speed_m_s=walked.walk.speed_m_s, joined=joined)


def _measured(
    study: Study, after: Study, old: Walks, new: Walks
) -> tuple[pd.DataFrame, pd.DataFrame, gpd.GeoDataFrame]:
    kinds = circle.tier_kinds(study.standards)
    people = _people(study, after)
    walked = [_answers(old, kinds, new), _answers(new, kinds, old)]
    homes = [cast(gpd.GeoDataFrame, one.homes) for one in (study, after)]
    whole = pd.Series(study.name, index=["town"])
    names = whole if after.areas is None else after.areas["name"]
    where = [
        pd.Series("town", index=frame.index, name="area_id") if after.areas is None else frame["area_id"]
        for frame in homes
    ]
    town = [pd.Series("town", index=frame.index, name="scope") for frame in homes]
    sums = [_change(kinds, [answers for _, answers in walked], people, groups) for groups in (where, town)]
    by_area = sums[0]
    by_area.insert(1, "name", by_area["area_id"].map(names))
    changed = _homes(homes, walked, people, kinds, study.language)
    return by_area, sums[1].drop(columns="scope"), changed


def _people(*states: Study) -> list[pd.Series[float]]:
    """What homes count for before and after, in the same unit."""
    frames = [cast(pd.DataFrame, state.homes) for state in states]
    found = [coverage.weight(frame) for frame in frames]
    if len({series.name for series in found}) > 1:
        found = [coverage.weight(frame.assign(residents=np.nan)) for frame in frames]
    return found


def _change(
    kinds: pd.DataFrame, answers: list[pd.DataFrame], people: list[pd.Series[float]], groups: list[pd.Series[str]]
) -> pd.DataFrame:
    """Shares before and after side by side, with the people of homes that gain and lose."""
    weight, group = str(people[0].name), str(groups[0].name)
    key = [group, "method", "tier", "kind"]
    tables = [coverage.shares(a, kinds, p, g) for a, p, g in zip(answers, people, groups, strict=True)]
    kept = [*key, "required", "limit", f"{weight}_covered", f"share_of_{weight}"]
    sides = [
        table[kept].rename(columns={f"{weight}_covered": f"{weight}_{when}", f"share_of_{weight}": f"share_{when}"})
        for table, when in zip(tables, ("before", "after"), strict=True)
    ]
    both = sides[1].merge(sides[0], on=[*key, "required", "limit"], how="outer", sort=False)
    ids = answers[1].index.union(answers[0].index, sort=False)
    of = groups[1].reindex(ids).where(pd.Series(ids.isin(answers[1].index), index=ids), groups[0].reindex(ids))
    held = [
        np.where(_yes(a.reindex(ids)), p.reindex(ids).fillna(0.0).to_numpy()[:, None], 0.0)
        for a, p in zip(answers, people, strict=True)
    ]
    more = held[1] - held[0]
    columns = answers[1].columns
    by = {
        f"{weight}_{name}": pd.DataFrame(change, index=ids).groupby(of, dropna=False).sum()
        for name, change in {"gained": np.maximum(more, 0.0), "lost": np.maximum(-more, 0.0)}.items()
    }
    found = next(iter(by.values())).index
    long = pd.DataFrame({level: np.tile(columns.get_level_values(level), len(found)) for level in key[1:]})
    long.insert(0, group, found.repeat(len(columns)))
    sums = long.assign(**{name: table.to_numpy().ravel() for name, table in by.items()})
    both = both.merge(sums.astype({group: both[group].dtype}), on=key, how="left")
    counted = [f"{weight}_{when}" for when in ("before", "after", "gained", "lost")]
    both[counted] = both[counted].fillna(0.0)
    rank = both["method"].map({method: place for place, method in enumerate(coverage.METHODS)})
    both = both.assign(_rank=rank).sort_values(
        [group, "_rank", "tier", "required", "kind"], ascending=[True, True, True, False, True], ignore_index=True
    )
    return both[[*key, "required", "limit", *counted, "share_before", "share_after"]]


def _homes(
    homes: list[gpd.GeoDataFrame],
    walked: list[tuple[pd.DataFrame, pd.DataFrame]],
    people: list[pd.Series[float]],
    kinds: pd.DataFrame,
    language: str,
) -> gpd.GeoDataFrame:
    """The homes whose minutes to anything change, with what they gain and lose and the minutes of the kinds that change."""
    ids = homes[1].index.union(homes[0].index, sort=False)
    names = sorted({*walked[0][0], *walked[1][0]})
    before, after = (minutes.reindex(index=ids, columns=names).to_numpy() for minutes, _ in walked)
    differs = ~((before == after) | (np.isnan(before) & np.isnan(after)))
    rows = np.flatnonzero(differs.any(axis=1))
    ids = ids[rows]
    before, after, differs = before[rows], after[rows], differs[rows]
    asked = _asked(walked[1][1])
    held = [_yes(answers[asked].reindex(ids)) for _, answers in walked]
    gained, lost = held[1] & ~held[0], held[0] & ~held[1]
    shorter = ((after < before) | (np.isnan(before) & ~np.isnan(after))).any(axis=1)
    longer = ((after > before) | (np.isnan(after) & ~np.isnan(before))).any(axis=1)
    change = np.select(
        [gained.any(axis=1) & lost.any(axis=1), gained.any(axis=1), lost.any(axis=1), shorter & longer, shorter],
        ["gained and lost", "gained", "lost", "nearer and farther", "nearer"],
        default="farther",
    )
    frames = [frame.reindex(ids) for frame in homes]
    there = pd.Series(ids.isin(homes[1].index), index=ids)
    columns: dict[str, Any] = {
        column: frames[1][column].where(there, frames[0][column]) for column in ("name", "area_id")
    }
    weight = str(people[1].name)
    columns[weight] = people[1].reindex(ids).where(there, people[0].reindex(ids))
    columns["change"] = pd.Series(change, index=ids, dtype="str")
    columns["kinds_gained"] = _listed(gained, asked, ids, language)
    columns["kinds_lost"] = _listed(lost, asked, ids, language)
    for place in np.flatnonzero(differs.any(axis=0)):
        columns[f"walk_min_before_{names[place]}"] = before[:, place]
        columns[f"walk_min_after_{names[place]}"] = after[:, place]
    shapes = np.where(there, np.asarray(frames[1].geometry.array), np.asarray(frames[0].geometry.array))
    index = pd.Index(ids, name="home_id")
    return gpd.GeoDataFrame(pd.DataFrame(columns, index=index), geometry=shapes, crs=homes[1].crs)


def _yes(answers: pd.DataFrame) -> Any:
    """Where the answer is yes: neither no nor not known."""
    return answers.to_numpy(dtype="float64", na_value=np.nan) == 1


def _asked(answers: pd.DataFrame) -> list[Any]:
    """The columns of `coverage.reached` that answer in minutes: (method, tier, kind)."""
    return [key for key in answers.columns if key[0] == "minutes"]


def _listed(held: Any, asked: list[Any], index: pd.Index[Any], language: str) -> pd.Series[Any]:
    """The kinds of each row with their tier, in words."""
    text = np.full(len(index), "", dtype=object)
    for column, (_, tier, kind) in enumerate(asked):
        word = labels.word(kind, language)
        word = f"{word}（{tier} 分钟）" if language == "zh" else f"{word} ({tier} min)"
        between = "、" if language == "zh" else ", "
        text = np.where(held[:, column], np.where(text == "", word, text + between + word), text)
    return pd.Series(text, index=index, dtype="str").replace("", np.nan).astype("str")


# -- gates ---------------------------------------------------------------------------------------------------------------


def gate_gains(study: Study, *, walked: Walks | None = None, progress: Progress | None = None) -> gpd.GeoDataFrame:
    """What opening each closed gate, alone, would give: who gains a required kind within its minutes, and whose walk gets shorter.

    The network is built anew for every closed gate that lies on a barrier; one that lies on none opens nothing.

    Parameters
    ----------
    walked
        What `walks` returned for `study`, where it is at hand.

    Returns
    -------
    GeoDataFrame
        Index ``gate_id``, most people first: rank, name, ``<weight>_gaining`` (at least one required kind within its minutes that was
        not), ``<weight>_nearer`` (a shorter walk to at least one required kind), kinds_gained in words; the gate's point. Without rows where no gate is closed.

    Raises
    ------
    MissingLayerError
        As `walks`.
    """
    gates = study.gates
    closed = pd.Index([], dtype="str") if gates is None else gates.index[gates["state"].eq("closed")]
    kinds = circle.tier_kinds(study.standards)
    kinds = kinds[kinds["required"]].reset_index(drop=True)
    (people,) = _people(study)
    weight, weights = str(people.name), people.fillna(0.0).to_numpy()
    rows: dict[Any, tuple[float, float, Any]] = dict.fromkeys(closed, (0.0, 0.0, np.nan))
    at = _on_barriers(study, closed)
    if len(at):
        minutes, answers = _answers(walks(study) if walked is None else walked, kinds)
        asked = _asked(answers)
        held = _yes(answers[asked])
        was = minutes.reindex(columns=kinds["kind"]).fillna(np.inf).to_numpy()
    for done, gate in enumerate(at):
        if progress is not None:
            progress(done, len(at), str(gate))
        opened = cast(gpd.GeoDataFrame, gates).copy()
        opened.loc[gate, "state"] = "open"
        minutes, answers = _answers(_walked_at_once(study, opened, kinds), kinds)
        gained = _yes(answers[asked]) & ~held
        nearer = (minutes.reindex(columns=kinds["kind"]).fillna(np.inf).to_numpy() < was).any(axis=1)
        said = _listed(gained.any(axis=0)[None, :], asked, pd.Index([gate]), study.language).iloc[0]
        rows[gate] = float(weights[gained.any(axis=1)].sum()), float(weights[nearer].sum()), said
    columns = [f"{weight}_gaining", f"{weight}_nearer", "kinds_gained"]
    found = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("gate_id")
    found = found.astype({columns[0]: "float64", columns[1]: "float64", columns[2]: "str"})
    found = found.reset_index().astype({"gate_id": "str"})
    found = found.sort_values([*columns[:2], "gate_id"], ascending=[False, False, True], ignore_index=True)
    found.insert(1, "rank", np.arange(1, len(found) + 1))
    found = found.set_index("gate_id")
    if gates is None:
        return gpd.GeoDataFrame(found.assign(name=found["kinds_gained"]), geometry=[], crs=study.crs)
    found.insert(1, "name", gates["name"].reindex(found.index))
    return gpd.GeoDataFrame(found, geometry=gates.geometry.reindex(found.index), crs=study.crs)


def _on_barriers(study: Study, closed: pd.Index[Any]) -> list[Any]:
    """The closed gates near enough to a barrier to open it."""
    if not len(closed) or study.barriers is None or not len(study.barriers):
        return []
    points = np.asarray(cast(gpd.GeoDataFrame, study.gates).geometry.loc[closed].array)
    reach = standards.parameter("gate_tolerance_m") + _SLACK_M
    near = shapely.STRtree(np.asarray(study.barriers.geometry.array)).query(points, predicate="dwithin", distance=reach)
    return list(closed[np.unique(near[0])])


_SLACK_M = 0.01


def _walked_at_once(study: Study, gates: gpd.GeoDataFrame, kinds: pd.DataFrame) -> Walks:
    """`walks` with other `gates`, of the kinds that `kinds` asks for and their parts."""
    parts = circle.kind_parts()
    asked = [*kinds["kind"], *parts.index[parts.isin(kinds["kind"])]]
    walk = network.build(cast(Any, study.streets), barriers=study.barriers, gates=gates)
    homes = network.placed_as(walk, cast(Any, study.homes), name="homes")
    minutes = pd.DataFrame(index=homes.index)
    if study.facilities is not None:
        facilities = study.facilities[study.facilities["kind"].isin(asked)]
        minutes = network.nearest(walk, homes, facilities, entrances=study.entrances)
    return Walks(walk=walk, fields={}, homes=homes, minutes=minutes)


# -- writing -------------------------------------------------------------------------------------------------------------


def _write(folder: Path, found: Comparison, facts: Mapping[str, Any]) -> None:
    from lifecircle.publish import geopackage, manifest, overview, side_by_side, workbook

    study, language = found.before, found.before.language
    layers: dict[str, gpd.GeoDataFrame | pd.DataFrame] = {"homes_changed": found.homes}
    for when, state in (("before", found.before), ("after", found.after)):
        if state.facilities is not None:
            layers[f"facilities_{when}"] = state.facilities
    changes = found.scenario.changes.rename_axis("row")
    layers |= {"scenario": changes, "gates": found.gates}
    geopackage.write(layers, folder / "compare.gpkg")
    sheets: dict[str, pd.DataFrame] = {
        "compare_town": found.town,
        "compare_by_area": found.by_area,
        "homes_changed": found.homes,
        "scenario": changes,
        "gate_gains": found.gates,
    }
    workbook.write(
        {
            labels.sheet(name, language): workbook.Sheet(
                frame=pd.DataFrame(frame).drop(columns="geometry", errors="ignore"),
                title=labels.sheet(name, language),
                question=labels.question(name, language),
            )
            for name, frame in sheets.items()
        },
        folder / "compare.xlsx",
        title=f"{study.name} · {found.scenario.name}",
        notes=[note for note in (study.note, *_notes(found)) if note],
        language=language,
    )
    ground = ("areas", "streets", "barriers", "gates", "parks", "facilities")
    states = [
        {name: table for name, table in state.tables().items() if name in ground}
        | _completeness(state, found.by_area, when)
        for state, when in ((found.before, "before"), (found.after, "after"))
    ]
    told = summary(found).head(6)
    weight = found.weight
    signed = told[[f"{weight}_gained", f"{weight}_lost"]].map("{:,.0f}".format)
    said: dict[str, Any] = {
        "title": f"{study.name} · {found.scenario.name}",
        "language": language,
        "synthetic": study.synthetic,
        "note": "\n".join(note for note in (study.note, *_notes(found)) if note),
        "summary": pd.DataFrame(
            {
                "what": told["kind"].map(lambda kind: labels.word(kind, language))
                + " "
                + told["tier"].astype("str")
                + " min",
                "value": "+" + signed[f"{weight}_gained"] + " / −" + signed[f"{weight}_lost"],
            }
        ),
    }
    changed = {"homes_changed": found.homes, "scenario": changes}
    plain = {name: table for name, table in states[1].items() if name in ground}
    overview.write(plain | changed, folder / "compare.html", **said)
    overview.save(side_by_side.draw(states[0], states[1] | changed, **said), folder / "before_after.html")
    manifest.write(
        {
            **facts,
            "scenario": {
                "name": found.scenario.name,
                "changes": pd.DataFrame(changes[["action", "table", "id", "values"]]).assign(
                    geometry=changes.geometry.to_wkt().where(changes.geometry.notna())
                ),
            },
            "walk_speed_m_s": standards.walker("adult").speed_m_s,
            "weighted_by": found.weight,
            "homes_changed": len(found.homes),
            "town": summary(found),
        },
        folder / manifest.NAME,
    )


def _completeness(study: Study, by_area: pd.DataFrame, when: str) -> dict[str, gpd.GeoDataFrame]:
    """Communities with their completeness of each tier in one state; nothing where there are no communities.

    Everybody joined has an answer for every kind, so the mean of the shares is the people's mean completeness.
    """
    if study.areas is None:
        return {}
    asked = by_area[by_area["method"].eq("minutes") & by_area["required"]]
    means = asked.pivot_table(index=by_area.columns[0], columns="tier", values=f"share_{when}", aggfunc="mean")
    areas = study.areas.copy()
    for tier in means.columns:
        areas[f"completeness_{tier}"] = means[tier].reindex(areas.index).to_numpy(dtype="float64")
    return {"coverage_areas": areas}


def _notes(found: Comparison) -> list[str]:
    zh = found.before.language == "zh"
    return [
        "变化后 = 变化前 + 新增覆盖 − 失去覆盖。步行时间口径与覆盖表相同（成人步行）。"
        if zh
        else "After = before + gained − lost. Minutes are those of the coverage tables, for the adult walker.",
        "大门：逐个单独打开的效果，不能相加。" if zh else "Gates: each opened alone; their effects do not add up.",
    ]


def summary(found: Comparison) -> pd.DataFrame:
    """The kinds for which anybody gains or loses within the minutes of a tier, most people first.

    Columns tier, kind, ``<weight>_gained``, ``<weight>_lost``, share_before and share_after.
    """
    weight = found.weight
    gained, lost = f"{weight}_gained", f"{weight}_lost"
    rows = found.town[found.town["method"].eq("minutes") & ((found.town[gained] > 0) | (found.town[lost] > 0))]
    order = (rows[gained] + rows[lost]).sort_values(ascending=False, kind="stable").index
    return rows.loc[order, ["tier", "kind", gained, lost, "share_before", "share_after"]].reset_index(drop=True)


def printed(frame: pd.DataFrame, language: str) -> pd.DataFrame:
    """A summary or gates as text for a screen: headings and kinds in words, people whole, shares in percent; geometry left out.

    >>> printed(pd.DataFrame({"tier": [5], "kind": ["clinic"], "share_before": [0.256]}), "en").values.tolist()
    [['5', 'Outpatient clinic', '25.6 %']]
    """
    flat = pd.DataFrame(frame).drop(columns="geometry", errors="ignore")
    flat = flat.reset_index() if flat.index.name else flat
    out: dict[Any, Any] = {}
    for column in flat:
        cells = flat[column]
        if column == "kind":
            out[column] = cells.map({kind: labels.word(kind, language) for kind in cells.unique()})
        elif str(column).startswith("share"):
            out[column] = cells.map("{:.1%}".format, na_action="ignore").str.replace("%", " %")
        elif pd.api.types.is_float_dtype(cells.dtype):
            out[column] = cells.map("{:,.0f}".format, na_action="ignore")
        else:
            out[column] = cells
    table = pd.DataFrame(out, index=flat.index).astype("str").dropna(axis=1, how="all")
    return table.rename(columns={column: heading(str(column), language) for column in table})


def heading(column: str, language: str) -> str:
    """What a column is called.

    >>> heading("residents", "en")
    'Residents'
    """
    return labels.heading(column, language)


def _weight_of(table: pd.DataFrame) -> str:
    return "residents" if "residents_before" in table else "dwellings"


class _Watch:
    """Says each step as it begins and keeps the seconds it took."""

    steps = ("read", "before", "after", "gates", "publish")

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress or (lambda done, total, text: None)
        self.seconds: dict[str, float] = {}
        self.step = 0

    def within(self, done: float, total: float, text: str) -> None:
        self.progress(self.step + done / max(total, 1.0), len(self.steps), text)

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        self.step = self.steps.index(step)
        self.progress(self.step, len(self.steps), step)
        start = time.perf_counter()
        yield
        self.seconds[step] = time.perf_counter() - start
        _LOG.info("%s: %.2f s", step, self.seconds[step])
