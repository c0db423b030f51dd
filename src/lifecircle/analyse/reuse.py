"""Idle assets: where they are, what each could become, what forbids it, and how many people each use would newly reach.

An asset stands in a register or is found in the layers; either way it keeps the evidence. Every asset is judged for every use by
rules that are data. A rule is a requirement: its answer is ``pass``, ``fail`` or ``not known``, never a guess. A *stop* that
fails makes the use not allowed; one that is not known makes it conditional: allowed once that is confirmed, and not before. A *fit*
that fails makes the asset unfit. Rules whose value has not been confirmed answer ``indicative pass`` or ``indicative fail`` and only warn.
"""

from collections.abc import Collection
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.analyse._comparing import OPERATORS, TOUCH_M2
from lifecircle.schema import CONSTRAINTS

VERDICTS = ("allowed", "conditional", "not allowed")
EVIDENCE = ("register", "no_building", "severed", "meter_still", "marked_vacant")
_SLACK = 1e-9
_AREAS = ("floor_area_m2", "ground_floor_area_m2", "site_area_m2")
_NUMBERS = (*_AREAS, "clear_height_m", "floors", "floors_below", "months_without_use")
_COLUMNS: dict[str, str] = {
    "name": "str",
    "asset_kind": "str",
    "space": "str",
    "origin": "str",
    "evidence": "str",
    "of_table": "str",
    "of_id": "str",
    "parcel_id": "str",
    "floor_area_m2": "float64",
    "ground_floor_area_m2": "float64",
    "site_area_m2": "float64",
    "clear_height_m": "float64",
    "floors": "float64",
    "floors_below": "float64",
    "lowest_floor": "float64",
    "danger_class": "str",
    "title_clear": "boolean",
    "vacant_since": "datetime64[s]",
    "months_without_use": "float64",
}


def found(
    assets: gpd.GeoDataFrame | None,
    parcels: gpd.GeoDataFrame | None,
    buildings: gpd.GeoDataFrame | None,
    streets: gpd.GeoDataFrame | None,
    *,
    kinds: pd.DataFrame,
    rules: pd.DataFrame,
    groups: "pd.Series[str] | None" = None,
    idle: pd.DataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Every idle asset: those of the register, and those that the layers show.

    Found in the layers are small plots without a building, the smaller pieces of parcels that a street cuts, and parcels and buildings
    whose meters stand still or that are marked vacant. What lies on the parcel or the ground of an asset of the register
    is not found twice: it adds its evidence to that asset.

    Parameters
    ----------
    assets, parcels, buildings, streets
        Canonical tables in one projected system in metres; each may be None, and what it would show is then not found.
    kinds
        The table asset_kinds: ``code``, ``space`` (``building``, ``ground``, ``covered``, empty where the kind does not tell) and
        ``building_use``, the use that makes a building of that kind.
    rules
        The rows of reuse_rules of class ``found``: ``rule``, ``quantity``, ``operator``, ``value``, ``value_text``.
    groups
        On the parcels' index, the land-use group. Where it is missing, a parcel without a building is not found: streets and fields
        have none either.
    idle
        How long meters have stood still: ``of_table`` (parcels, buildings or assets), ``of_id``, ``months_without_use``.

    Returns
    -------
    GeoDataFrame
        On ``asset_id`` (that of the register; ``parcel:P1``, ``piece:P1:2``, ``building:B1`` else), register first, each in the order of
        its layer: ``name``, ``asset_kind`` (kept as it stands; missing where nobody says), ``space``, ``origin`` (``register``
        or ``found``), ``evidence`` (words of `EVIDENCE`), ``of_table`` and ``of_id``, ``parcel_id``, the sizes in m² and m, ``floors``
        and ``floors_below`` (storeys above and below ground), ``lowest_floor`` (1 the ground floor, −1 the first below), ``danger_class``, ``title_clear``, ``vacant_since``, ``months_without_use`` and the shape. Areas of 0 or less are not known. Open
        ground without a stated area has that of its polygon; the ground floor of a building of one storey is its floor area, that of
        one found in the layers its footprint, unless it has no storey above ground.

    Examples
    --------
    >>> from lifecircle import schema, standards
    >>> from shapely import box
    >>> plots = gpd.GeoDataFrame(geometry=[box(0, 0, 30, 30), box(40, 0, 70, 30)], index=["P1", "P2"], crs=4547)
    >>> house = gpd.GeoDataFrame(geometry=[box(45, 5, 55, 15)], index=["B1"], crs=4547)
    >>> asked = standards.read("reuse_rules").query("`class` == 'found'")
    >>> every = found(None, schema.conform("parcels", plots), schema.conform("buildings", house), None,
    ...               kinds=standards.read("asset_kinds"), rules=asked, groups=pd.Series("commercial", index=plots.index))
    >>> every[["asset_kind", "origin", "evidence", "site_area_m2"]].reset_index().values.tolist()
    [['parcel:P1', 'vacant_plot', 'found', 'no_building', 900.0]]
    """
    crs = next((frame.crs for frame in (assets, parcels, buildings) if frame is not None), None)
    still = _still(idle, rules)
    parts = [_registered(assets, still)]
    if parcels is not None:
        parts.append(_plots(parcels, buildings, rules, groups, still))
        if streets is not None:
            parts.append(_severed(parcels, buildings, streets, rules))
    if buildings is not None:
        parts.append(_buildings(buildings, kinds, rules, still))
    every = pd.concat([part for part in parts if len(part)] or parts[:1])
    out = gpd.GeoDataFrame(every, geometry="geometry", crs=crs)
    out = _once(out)
    space = kinds.set_index("code")["space"].replace("", np.nan)
    out["space"] = out["asset_kind"].map(space).astype("str").fillna(out["space"])
    for column in _NUMBERS[:-1]:
        allowed = out[column] >= 0 if column.startswith("floors") else out[column] > 0
        out[column] = out[column].where(allowed)
    one_storey = (out["space"] == "building") & (out["floors"] == 1)
    out["ground_floor_area_m2"] = out["ground_floor_area_m2"].fillna(out["floor_area_m2"].where(one_storey))
    drawn = pd.Series(shapely.area(out.geometry.to_numpy()), index=out.index)
    open_ground = out["space"].isin(["ground", "covered"]) & (drawn > 0)
    out["site_area_m2"] = out["site_area_m2"].fillna(drawn.where(open_ground))
    return out


def _blank(index: "pd.Index[Any]", **known: Any) -> pd.DataFrame:
    """A frame of assets of which only `known` is known."""
    columns = {
        name: pd.Series(known.get(name), index=index, dtype="object").astype(dtype)  # type: ignore[call-overload]
        for name, dtype in _COLUMNS.items()
    }
    out = pd.DataFrame(columns, index=pd.Index(index.astype("str"), name="asset_id"))
    out["geometry"] = known["geometry"] if "geometry" in known else None
    return out


def _still(idle: pd.DataFrame | None, rules: pd.DataFrame) -> pd.DataFrame:
    """The meters that have stood still for long enough, on table and id."""
    if idle is None:
        idle = pd.DataFrame({"of_table": [], "of_id": [], "months_without_use": []})
    key = pd.MultiIndex.from_arrays([idle["of_table"].astype("str"), idle["of_id"].astype("str")])
    months = pd.DataFrame({"months_without_use": idle["months_without_use"].to_numpy(dtype="float64")}, index=key)
    months["still"] = _meets(months, rules[rules["rule"] == "meter_still"])
    return months[~months.index.duplicated()]


def _meters(still: pd.DataFrame, table: str, ids: "pd.Index[Any]") -> pd.DataFrame:
    return still.reindex(pd.MultiIndex.from_arrays([[table] * len(ids), ids.astype("str")])).set_axis(ids)


def _meets(frame: pd.DataFrame, rules: pd.DataFrame) -> Any:
    """Which rows meet every condition; what is not known meets none."""
    out = np.ones(len(frame), dtype=bool)
    for quantity, sign, limit, text in zip(
        *(rules[c] for c in ("quantity", "operator", "value", "value_text")), strict=True
    ):
        out &= _holds(frame[quantity], str(sign), float(limit), str(text)) == 1
    return out & (len(rules) > 0)


def _holds(values: "pd.Series[Any]", sign: str, limit: float, text: str) -> Any:
    """1 where a condition holds, −1 where not, 0 where it is not known."""
    known = values.notna().to_numpy(dtype=bool)
    if sign in ("in", "not in"):
        held = values.astype("str").isin(text.split(";")).to_numpy(dtype=bool) == (sign == "in")
    else:
        numbers = values.astype("float64").to_numpy(dtype="float64", na_value=np.nan)
        known = known & ~np.isnan(numbers)
        held = OPERATORS[sign](numbers, limit)
    return np.where(known, np.where(held, 1, -1), 0).astype(np.int8)


def _registered(assets: gpd.GeoDataFrame | None, still: pd.DataFrame) -> pd.DataFrame:
    if assets is None:
        return _blank(pd.Index([], dtype="str"))
    own = [c for c in _COLUMNS if c in assets]
    out = _blank(assets.index, **{c: assets[c] for c in own}, geometry=assets.geometry.to_numpy())
    meters = _meters(still, "assets", out.index)
    out["origin"], out["of_table"], out["of_id"] = "register", "assets", out.index
    out["months_without_use"] = meters["months_without_use"]
    out["evidence"] = "register"
    out.loc[meters["still"].eq(True).to_numpy(), "evidence"] += ", meter_still"
    return out


def _plots(
    parcels: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame | None,
    rules: pd.DataFrame,
    groups: "pd.Series[str] | None",
    still: pd.DataFrame,
) -> pd.DataFrame:
    """Parcels on which nothing stands, and those whose meters stand still."""
    shapes = parcels.geometry.to_numpy()
    declared = parcels["site_area_m2"]
    meters = _meters(still, "parcels", parcels.index)
    seen = pd.DataFrame({"area_m2": declared.where(declared > 0, shapely.area(shapes))}, index=parcels.index)
    seen["buildings"] = np.nan if buildings is None else _standing(shapes, buildings.geometry.to_numpy())
    seen["land_group"] = np.nan if groups is None else groups.reindex(parcels.index)
    # Where works have begun and are not said to have stopped, the plot is not idle.
    building = parcels["started_date"].notna() & parcels["stopped_since"].isna()
    bare = _meets(seen, rules[rules["rule"] == "vacant_plot"]) & ~building.to_numpy(dtype=bool)
    unused = meters["still"].eq(True).to_numpy(dtype=bool)
    kept = bare | unused
    rows = parcels[kept]
    bare, unused = bare[kept], unused[kept]
    empty = (seen["buildings"] == 0).to_numpy()[kept]
    built = (seen["buildings"] > 0).to_numpy()[kept]
    return _blank(
        "parcel:" + rows.index.astype("str"),
        name=rows["name"].to_numpy(),
        asset_kind=pd.Series("vacant_plot", index=rows.index).where(bare).to_numpy(),
        space=pd.Series("ground", index=rows.index).mask(built, "building").where(empty | built).to_numpy(),
        origin="found",
        evidence=np.select([bare & unused, bare], ["no_building, meter_still", "no_building"], "meter_still"),
        of_table="parcels",
        of_id=rows.index.astype("str"),
        parcel_id=rows.index.astype("str"),
        floor_area_m2=np.where(bare, np.nan, rows["floor_area_m2"].to_numpy()),
        site_area_m2=seen["area_m2"].to_numpy()[kept],
        months_without_use=meters["months_without_use"].to_numpy()[kept],
        geometry=rows.geometry.to_numpy(),
    )


def _standing(grounds: Any, buildings: Any) -> Any:
    """How many buildings stand on each piece of ground; a touching wall is none."""
    one, other = shapely.STRtree(buildings).query(grounds, predicate="intersects")
    on = shapely.area(shapely.intersection(grounds[one], buildings[other])) > TOUCH_M2
    return np.bincount(one[on], minlength=len(grounds)).astype("float64")


def _severed(
    parcels: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame | None, streets: gpd.GeoDataFrame, rules: pd.DataFrame
) -> pd.DataFrame:
    """The pieces that streets cut off parcels: all but the largest of each, without a building."""
    mine = rules[rules["rule"] == "leftover_plot"]
    by = mine["quantity"] == "width_m"
    elevated = streets[["bridge", "tunnel"]].fillna(False).any(axis=1).to_numpy(dtype=bool)
    wide = streets[_meets(streets, mine[by]) & ~elevated]
    if buildings is None or wide.empty:
        return _blank(pd.Index([], dtype="str"))
    shapes = parcels.geometry.to_numpy()
    surface = shapely.buffer(wide.geometry.to_numpy(), wide["width_m"].to_numpy() / 2, cap_style="flat")
    parcel, street = shapely.STRtree(surface).query(shapes, predicate="intersects")
    cut, first = np.unique(parcel, return_inverse=True)
    # Streets meet, so the surface over one parcel is cleaned by a buffer of nothing.
    parts, of = shapely.get_parts(surface[street], return_index=True)
    over = shapely.buffer(shapely.multipolygons(parts, indices=first[of]), 0) if len(cut) else np.empty(0, object)
    pieces, of = shapely.get_parts(shapely.difference(shapes[cut], over), return_index=True)
    seen = pd.DataFrame({"parcel": cut[of], "area_m2": shapely.area(pieces)})
    seen["piece"] = seen.groupby("parcel").cumcount() + 1
    largest = seen.groupby("parcel")["area_m2"].idxmax()
    kept = _meets(seen, mine[~by]) & ~seen.index.isin(largest)
    kept[kept] &= _standing(pieces[kept], buildings.geometry.to_numpy()) == 0
    rows, pieces = seen[kept], pieces[kept]
    ids = parcels.index.astype("str").take(rows["parcel"])
    return _blank(
        pd.Index("piece:" + ids + ":" + rows["piece"].astype("str").to_numpy()),
        name=parcels["name"].to_numpy()[rows["parcel"]],
        asset_kind="leftover_plot",
        space="ground",
        origin="found",
        evidence="severed, no_building",
        of_table="parcels",
        of_id=ids,
        parcel_id=ids,
        site_area_m2=rows["area_m2"].to_numpy(),
        geometry=pieces,
    )


def _buildings(
    buildings: gpd.GeoDataFrame, kinds: pd.DataFrame, rules: pd.DataFrame, still: pd.DataFrame
) -> pd.DataFrame:
    """Buildings that are marked vacant or whose meters stand still."""
    meters = _meters(still, "buildings", buildings.index)
    vacant = _meets(buildings, rules[rules["rule"] == "marked_vacant"])
    unused = meters["still"].eq(True).to_numpy(dtype=bool)
    kept = vacant | unused
    rows, vacant, unused = buildings[kept], vacant[kept], unused[kept]
    named = kinds[kinds["building_use"] != ""].set_index("building_use")["code"]
    return _blank(
        "building:" + rows.index.astype("str"),
        name=rows["name"].to_numpy(),
        asset_kind=rows["use"].map(named).to_numpy(),
        space="building",
        origin="found",
        evidence=np.select([vacant & unused, vacant], ["meter_still, marked_vacant", "marked_vacant"], "meter_still"),
        of_table="buildings",
        of_id=rows.index.astype("str"),
        parcel_id=rows["parcel_id"].to_numpy(),
        floor_area_m2=rows["floor_area_m2"].to_numpy(),
        ground_floor_area_m2=np.where(rows["floors"] < 1, np.nan, shapely.area(rows.geometry.to_numpy())),
        floors=rows["floors"].to_numpy(),
        floors_below=rows["floors_below"].to_numpy(),
        danger_class=rows["danger_class"].to_numpy(),
        months_without_use=meters["months_without_use"].to_numpy()[kept],
        geometry=rows.geometry.to_numpy(),
    )


def _once(every: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Assets that lie in one another told once: the register goes before parcels, parcels before buildings; evidence is handed on."""
    piece = every["evidence"].str.startswith("severed").to_numpy(dtype=bool)
    rank = np.select([every["origin"] == "register", (every["of_table"] == "parcels") & ~piece], [0, 1], 2)
    shapes = every.geometry.to_numpy()
    inside = shapely.point_on_surface(shapes)
    tree = shapely.STRtree(shapes)
    # A register may give a point only: what lies around it is the asset.
    dots = np.flatnonzero(shapely.get_dimensions(shapes) == 0)
    one, around = tree.query(shapes[dots], predicate="intersects")
    pair = [tree.query(inside, predicate="intersects"), np.stack([around, dots[one]])]
    parcel = every["parcel_id"].astype("str")
    holder = pd.Series(np.arange(len(every)), index=parcel)[(parcel.notna() & (rank < 2)).to_numpy()]
    # Of several the register's, then the smaller id, whatever the order of rows.
    by_id = np.empty(len(every), dtype=np.int64)
    by_id[every.index.argsort()] = np.arange(len(every))
    holder = holder.iloc[np.lexsort((by_id[holder], rank[holder]))]
    holder = holder[~holder.index.duplicated()]
    named = holder.reindex(parcel).to_numpy(dtype="float64")
    told = np.flatnonzero(~np.isnan(named))
    pair.append(np.stack([told, named[told].astype(np.int64)]))
    lower, upper = np.concatenate(pair, axis=1)
    covers = rank[upper] < rank[lower]
    lower, upper = lower[covers], upper[covers]
    order = np.lexsort((by_id[upper], rank[upper], lower))
    lower, upper = lower[order], upper[order]
    first = np.append(True, lower[1:] != lower[:-1]) if len(lower) else np.empty(0, bool)
    lower, upper = lower[first], upper[first]
    # A building within a parcel that lies within an asset of the register ends at the register.
    to = np.arange(len(every))
    to[lower] = upper
    to = to[to]
    text = every["evidence"].to_numpy()
    said = pd.Series("", index=every.index, dtype="str")
    for word in EVIDENCE:
        has = every["evidence"].str.contains(word, regex=False).to_numpy(dtype=bool)
        any_has = np.bincount(to[has], minlength=len(every)) > 0
        said = said + np.where(any_has, np.where(said == "", "", ", ") + word, "")
    months = every["months_without_use"].to_numpy(dtype="float64", copy=True)
    np.fmax.at(months, to, months.copy())
    kept = to == np.arange(len(every))
    every = every.assign(evidence=np.where(kept, said, text), months_without_use=months)
    out: gpd.GeoDataFrame = every[kept].astype({"evidence": "str"})
    return out


def measures(
    assets: gpd.GeoDataFrame,
    *,
    constraints: gpd.GeoDataFrame | None,
    entrances: pd.DataFrame | None,
    joined: "pd.Series[bool] | None",
    least_m2: float,
    without: Collection[str] = (),
) -> pd.DataFrame:
    """What the rules look at, asset by asset.

    Parameters
    ----------
    assets
        What `found` returned.
    constraints
        Polygons with ``kind`` (farmland, ecology, heritage, hazard), or None. A kind without any polygon was not delivered: whether
        an asset lies in it is not known.
    entrances
        ``of_table``, ``of_id``. An asset without any is not one without a door of its own: that is not known.
    joined
        On the index of `assets`, whether it is joined to the walking network; None where there is none.
    least_m2
        A polygon lies in a constraint with more than this: boundaries are rarely drawn as one line.
    without
        Kinds of constraint that somebody says there are none of: no asset lies in one.

    Returns
    -------
    DataFrame
        On the index of `assets`, NaN where not known: its sizes, ``danger_class``, ``space``, ``title_clear`` (1, 0), ``above_ground`` (1
        where it has storeys above ground, a ground floor or, a building, none below; 0 where it lies below ground; not known where
        these contradict one another), ``lowest_floor`` (1 also where there is a ground floor and no floor is told), ``in_farmland``, ``in_ecology``, ``in_heritage``,
        ``in_hazard`` (1, 0), ``entrances`` and ``joined`` (1, 0).

    Examples
    --------
    >>> from shapely import Point, box
    >>> from lifecircle import schema, standards
    >>> register = gpd.GeoDataFrame({"asset_kind": ["office", "granary"]}, geometry=[Point(5, 5), Point(50, 50)],
    ...                             index=["A1", "A2"], crs=4547)
    >>> rules = standards.read("reuse_rules").query("`class` == 'found'")
    >>> every = found(schema.conform("assets", register), None, None, None, kinds=standards.read("asset_kinds"), rules=rules)
    >>> limits = gpd.GeoDataFrame({"kind": ["heritage"]}, geometry=[box(0, 0, 10, 10)], crs=4547)
    >>> said = measures(every, constraints=limits, entrances=None, joined=None, least_m2=1.0)
    >>> said[["in_heritage", "in_farmland"]].values.tolist()
    [[1.0, nan], [0.0, nan]]
    """
    out = pd.DataFrame({c: assets[c] for c in (*_AREAS, "clear_height_m", "floors", "danger_class", "space")})
    out["title_clear"] = assets["title_clear"].astype("float64")
    out["above_ground"], out["lowest_floor"] = _storeys(assets)
    for kind in CONSTRAINTS:
        inside = _within(assets, constraints, kind, least_m2)
        out[f"in_{kind}"] = np.where(np.isnan(inside), 0.0, inside) if kind in without else inside
    doors = (
        pd.Series(dtype="float64")
        if entrances is None
        else entrances.loc[entrances["of_table"] == "assets", "of_id"].value_counts().astype("float64")
    )
    out["entrances"] = doors.reindex(assets.index).to_numpy()
    out["joined"] = np.nan if joined is None else joined.reindex(assets.index).astype("float64")
    return out


def _storeys(assets: pd.DataFrame) -> tuple[Any, Any]:
    """Whether each asset lies above ground, and its lowest floor."""
    outdoors = assets["space"].isin(["ground", "covered"]).to_numpy(dtype=bool)
    ground = (assets["ground_floor_area_m2"] > 0).to_numpy(dtype=bool)
    floor = (
        assets["lowest_floor"].where(assets["lowest_floor"] != 0).to_numpy(dtype="float64")
    )  # nobody counts a floor 0
    whole = (assets["space"] == "building") & (assets["floors_below"] == 0)
    above = (assets["floors"] >= 1).to_numpy(dtype=bool) | ground | (floor >= 1) | whole.to_numpy(dtype=bool)
    below = (assets["floors"] < 1).to_numpy(dtype=bool) | (floor <= -1)
    known = np.where(above ^ below, above.astype("float64"), np.nan)
    # A ground floor and rooms on an upper floor only: one of the two is wrong.
    lowest = np.where(np.isnan(floor) & ground, 1.0, np.where(ground & (floor > 1), np.nan, floor))
    return np.where(outdoors, 1.0, known), np.where(outdoors, 1.0, lowest)


def _within(assets: gpd.GeoDataFrame, constraints: gpd.GeoDataFrame | None, kind: str, least_m2: float) -> Any:
    shapes = assets.geometry.to_numpy()
    mine = None if constraints is None else constraints[constraints["kind"] == kind].geometry.to_numpy()
    if mine is None or not len(mine):
        return np.full(len(assets), np.nan)
    one, other = shapely.STRtree(mine).query(shapes, predicate="intersects")
    flat = shapely.get_dimensions(shapes[one]) == 2
    on = ~flat | (shapely.area(shapely.intersection(shapes[one], mine[other])) > least_m2)
    inside = np.bincount(one[on], minlength=len(assets)) > 0
    return np.where(shapely.is_missing(shapes) | shapely.is_empty(shapes), np.nan, inside.astype("float64"))


def judged(measured: pd.DataFrame, rules: pd.DataFrame, uses: list[str]) -> pd.DataFrame:
    """What every rule says of every asset for every use, one row each, so that it can be read down the page.

    Parameters
    ----------
    measured
        What `measures` returned.
    rules
        Rows of reuse_rules of the classes ``stop`` and ``fit``, one a rule and use: ``rule``, ``class``, ``uses`` (words with ``;``, or ``any``),
        ``applies_to`` (spaces with ``;``, or ``any``), ``quantity``, ``operator``, ``value``, ``value_text``, ``source``, ``mark``, ``binding``;
        ``otherwise``, the answer where the condition does not hold: ``fail`` (also where the column is absent), or ``not known`` where the
        rule then asks for what no layer tells, such as a lift.
    uses
        The uses to judge; an asset of a space that a rule is not for has no row. An asset whose space is not known has.

    Returns
    -------
    DataFrame
        ``asset_id``, ``use``, ``rule``, ``class``, ``answer`` (pass, fail, not known, indicative pass, indicative fail), ``value`` (as
        text, ``?`` where not known), ``threshold``, ``source``, ``mark`` and ``binding`` (whether the rule may decide), ordered by asset,
        use and rule as they stand.

    Raises
    ------
    KeyError
        A quantity that nobody measures.

    Examples
    --------
    >>> measured = pd.DataFrame({"space": "building", "floor_area_m2": [700.0, None]}, index=pd.Index(["A", "B"], name="asset_id"))
    >>> rules = pd.DataFrame({"rule": ["area"], "class": "fit", "uses": "clinic", "applies_to": "any", "quantity": "floor_area_m2",
    ...                       "operator": ">=", "value": 600.0, "value_text": "", "source": "somewhere", "mark": "F", "binding": True})
    >>> judged(measured, rules, ["clinic"])[["asset_id", "answer", "value", "threshold"]].values.tolist()
    [['A', 'pass', '700', 'floor_area_m2 >= 600'], ['B', 'not known', '?', 'floor_area_m2 >= 600']]
    """
    parts = [_ruled(measured, row, uses, place) for place, row in enumerate(rules.to_dict("records"))]
    columns = ["asset_id", "use", "rule", "class", "answer", "value", "threshold", "source", "mark"]
    if not parts:
        return pd.DataFrame({c: pd.Series(dtype="str") for c in columns}).assign(binding=pd.Series(dtype="bool"))
    every = pd.concat(parts, ignore_index=True)
    every = every.sort_values(["_asset", "_use", "_rule"], kind="stable", ignore_index=True)
    return every[columns].astype("str").assign(binding=every["binding"].astype("bool"))


def _ruled(measured: pd.DataFrame, row: dict[Any, Any], uses: list[str], place: int) -> pd.DataFrame:
    mine = [k for k, use in enumerate(uses) if row["uses"] == "any" or use in row["uses"].split(";")]
    spaces = row["applies_to"].split(";")
    applies = measured["space"].isna() | measured["space"].isin(spaces) | ("any" in spaces)
    rows = measured[applies.to_numpy(dtype=bool)]
    values = rows[row["quantity"]]
    words = ("fail", "not known", "pass") if row["binding"] else ("indicative fail", "not known", "indicative pass")
    if row.get("otherwise") == "not known":
        words = ("not known", *words[1:])
    held = _holds(values, row["operator"], float(row["value"]), row["value_text"])
    answer = np.array(words, dtype=object)[held + 1]
    number = pd.api.types.is_numeric_dtype(values.dtype)
    text = values.astype("float64").round(3).map("{:g}".format, na_action="ignore") if number else values
    limit = row["value_text"] or f"{row['value']:g}"
    n = len(mine)
    return pd.DataFrame(
        {
            "_asset": np.repeat(np.flatnonzero(applies.to_numpy(dtype=bool)), n),
            "_use": np.tile(np.array(mine, dtype=np.int64), len(rows)),
            "_rule": place,
            "asset_id": np.repeat(rows.index.to_numpy(dtype=object), n),
            "use": np.tile(np.array([uses[k] for k in mine], dtype=object), len(rows)),
            "rule": row["rule"],
            "class": row["class"],
            "answer": np.repeat(answer, n),
            "value": np.repeat(text.astype("object").fillna("?").to_numpy(), n),
            "threshold": f"{row['quantity']} {row['operator']} {limit}",
            "source": row["source"],
            "mark": row["mark"],
            "binding": bool(row["binding"]),
        }
    )


def unmet(
    pairs: pd.DataFrame,
    people: "pd.Series[float]",
    covered: pd.DataFrame,
    uses: pd.DataFrame,
    *,
    assets: "pd.Index[Any]",
) -> pd.DataFrame:
    """Whom each asset would newly reach in each use: people within walking time of it who have no such facility within walking time.

    Parameters
    ----------
    pairs
        home_id, facility_id (the asset), walk_min, as `network.pairs` returns it; a pair on the limit is in.
    people
        On home_id; NaN where not known: such homes are counted apart.
    covered
        homes × uses, nullable boolean: whether a facility that meets the need is within its time today; NA where not known.
    uses
        On the use: ``limit_min``, minutes, NaN where the standard sets none (then nobody can say who is in need).
    assets
        The assets to answer for; one that no pair names and that is not joined to the network reaches nobody.

    Returns
    -------
    DataFrame
        One row an asset and use, in their orders: ``asset_id``, ``use``, ``limit_min``, ``people_in_reach``, ``people_newly``, ``homes_newly`` and
        ``homes_not_known`` (in reach, people or present coverage not known); NaN where the use has no limit.

    Examples
    --------
    >>> pairs = pd.DataFrame({"home_id": ["g", "h"], "facility_id": "A", "walk_min": [5.0, 4.0]})
    >>> people = pd.Series({"g": 30.0, "h": 20.0})
    >>> covered = pd.DataFrame({"clinic": [False, True]}, index=["g", "h"])
    >>> told = unmet(pairs, people, covered, pd.DataFrame({"limit_min": [5.0]}, index=["clinic"]), assets=pd.Index(["A"]))
    >>> told[["people_in_reach", "people_newly"]].values.tolist()
    [[50.0, 30.0]]
    """
    home = people.index.get_indexer(pd.Index(pairs["home_id"]))
    asset = assets.get_indexer(pd.Index(pairs["facility_id"]))
    ok = (home >= 0) & (asset >= 0)
    home, asset, walked = home[ok], asset[ok], pairs["walk_min"].to_numpy(dtype="float64")[ok]
    heads = people.to_numpy(dtype="float64")
    n, parts = len(assets), []
    for place, (use, limit) in enumerate(uses["limit_min"].items()):
        near = walked <= limit + _SLACK
        h, a = home[near], asset[near]
        now = (
            covered[use].reindex(people.index).astype("boolean").to_numpy(dtype="float64", na_value=np.nan)
            if use in covered
            else np.full(len(people), np.nan)
        )
        known = ~np.isnan(heads[h]) & ~np.isnan(now[h])
        new = known & (now[h] == 0)
        counted = {
            "people_in_reach": np.bincount(a, weights=np.nan_to_num(heads[h]), minlength=n),
            "people_newly": np.bincount(a[new], weights=heads[h][new], minlength=n),
            "homes_newly": np.bincount(a[new], minlength=n),
            "homes_not_known": np.bincount(a[~known], minlength=n),
        }
        told = pd.DataFrame({"asset_id": assets, "use": use, "limit_min": float(limit), **counted})
        if np.isnan(limit):
            told[list(counted)] = np.nan
        parts.append(told.assign(_asset=np.arange(n), _use=place))
    every = pd.concat(parts, ignore_index=True).sort_values(["_asset", "_use"], kind="stable", ignore_index=True)
    columns = ["people_in_reach", "people_newly", "homes_newly", "homes_not_known"]
    return every.drop(columns=["_asset", "_use"]).astype(dict.fromkeys(columns, "float64"))


def options(answers: pd.DataFrame, reach: pd.DataFrame) -> pd.DataFrame:
    """Every asset with every use: whether it is allowed, whether it fits, whom it would newly reach, and its rank.

    Ranked are options that nothing forbids and nothing rules out: allowed before conditional, fitting before fit not known, more people
    newly reached first (not known last), then the smaller id. Those that are not allowed or do not fit have no rank.

    Parameters
    ----------
    answers
        What `judged` returned.
    reach
        What `unmet` returned; it says which assets and uses there are.

    Returns
    -------
    DataFrame
        The rows of `reach`, with ``verdict`` (`VERDICTS`: not allowed where a stop fails, else conditional where one is not known), ``forbidden_by``,
        ``needs`` (stops without an answer: what must be confirmed before the use is allowed), ``fit`` (fits, does not fit, not known),
        ``unfit_by``, ``not_known`` (fits without an answer), ``warnings`` (unconfirmed rules that fail), all lists of rules; ``rank_in_asset`` and ``rank_in_use``, from 1, NaN where not ranked.

    Examples
    --------
    >>> reach = pd.DataFrame({"asset_id": ["A", "B"], "use": "clinic", "people_newly": [10.0, 20.0]})
    >>> answers = pd.DataFrame({"asset_id": ["A", "B"], "use": "clinic", "rule": "title", "class": "stop",
    ...                         "answer": ["pass", "fail"], "binding": True})
    >>> options(answers, reach)[["asset_id", "verdict", "forbidden_by", "rank_in_use"]].values.tolist()
    [['A', 'allowed', '', 1.0], ['B', 'not allowed', 'title', nan]]
    """
    out = reach.reset_index(drop=True)
    key = pd.MultiIndex.from_frame(out[["asset_id", "use"]])
    binding = answers[answers["binding"]]
    stop, fit = (binding[binding["class"] == name] for name in ("stop", "fit"))
    out["forbidden_by"] = _listed(stop, "fail", key)
    out["needs"] = _listed(stop, "not known", key)
    out["unfit_by"] = _listed(fit, "fail", key)
    out["not_known"] = _listed(fit, "not known", key)
    out["warnings"] = _listed(answers, "indicative fail", key)
    states = [out["forbidden_by"] != "", out["needs"] != ""]
    out["verdict"] = np.select(states, ["not allowed", "conditional"], "allowed")
    out["fit"] = np.select([out["unfit_by"] != "", out["not_known"] != ""], ["does not fit", "not known"], "fits")
    out = out.astype({"verdict": "str", "fit": "str"})
    ranked = (out["verdict"] != "not allowed") & (out["fit"] != "does not fit")
    level = (out["verdict"] != "allowed") * 2 + (out["fit"] != "fits")
    order = pd.DataFrame({"level": level, "few": -out["people_newly"], "asset_id": out["asset_id"], "use": out["use"]})[
        ranked
    ].sort_values(["level", "few", "asset_id", "use"], na_position="last", kind="stable")
    for of in ("asset_id", "use"):
        out[f"rank_in_{of.removesuffix('_id')}"] = (order.groupby(of).cumcount() + 1.0).reindex(out.index)
    return out


def _listed(answers: pd.DataFrame, said: str, key: pd.MultiIndex) -> Any:
    """The rules that answer so, as one text an asset and use, sorted."""
    hit = answers[answers["answer"] == said]
    text = pd.Series("", index=range(len(key)), dtype="str")
    at = key.get_indexer(pd.MultiIndex.from_frame(hit[["asset_id", "use"]]))
    for rule in sorted(answers["rule"].unique()):
        mine = at[(hit["rule"] == rule).to_numpy()]
        has = np.bincount(mine[mine >= 0], minlength=len(key)) > 0
        text = text + np.where(has, np.where(text == "", "", ", ") + str(rule), "")
    return text.to_numpy()


def doubts(
    assets: gpd.GeoDataFrame, register: gpd.GeoDataFrame | None, measured: pd.DataFrame, known: list[str]
) -> pd.DataFrame:
    """What is doubtful or lacking in the data on assets, counted and never guessed.

    Parameters
    ----------
    assets, measured
        What `found` and `measures` returned.
    register
        The register as it was delivered, with the values that `found` did not take.
    known
        The kinds of the table asset_kinds.

    Returns
    -------
    DataFrame
        One row a doubt, also where its count is 0: ``doubt``, ``count``, ``such_as`` (the first three).

    Examples
    --------
    >>> from shapely import Point
    >>> from lifecircle import schema, standards
    >>> register = gpd.GeoDataFrame({"asset_kind": ["watermill"]}, geometry=[Point(0, 0)], index=["A1"], crs=4547)
    >>> register = schema.conform("assets", register)
    >>> rules = standards.read("reuse_rules").query("`class` == 'found'")
    >>> every = found(register, None, None, None, kinds=standards.read("asset_kinds"), rules=rules)
    >>> said = measures(every, constraints=None, entrances=None, joined=None, least_m2=1.0)
    >>> doubts(every, register, said, ["factory"]).iloc[[1]].values.tolist()
    [['asset_kind_unlisted', 1, 'A1: watermill']]
    """
    kind = assets["asset_kind"].astype("str")
    listed = kind.isin(known)
    strange = (kind.index + ": " + kind)[~listed & kind.notna()]
    wrong: pd.Index[Any] = pd.Index([], dtype="str")
    if register is not None:
        # Open ground has no floor area, and a register may say so.
        bare = assets["space"].isin(["ground", "covered"]).reindex(register.index, fill_value=False)
        sizes = register[[*_AREAS, "clear_height_m"]]
        wrong = register.index[(sizes < 0).any(axis=1) | (~bare & (sizes == 0).any(axis=1))]
    shapes = assets.geometry.to_numpy()
    lost = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    rows: list[tuple[str, pd.Index[Any]]] = [
        ("asset_kind_not_known", assets.index[kind.isna()]),
        ("asset_kind_unlisted", pd.Index(strange)),
        ("asset_without_area", assets.index[measured[list(_AREAS)].isna().all(axis=1)]),
        ("asset_area_not_positive", wrong),
        ("asset_without_geometry", assets.index[lost]),
        ("asset_without_entrance", assets.index[measured["entrances"].isna() & (assets["space"] == "building")]),
        ("asset_not_joined", assets.index[measured["joined"].eq(0)]),
        ("danger_class_not_known", assets.index[measured["danger_class"].isna() & (assets["space"] == "building")]),
        ("title_not_known", assets.index[measured["title_clear"].isna()]),
        *((f"{limit}_not_known", assets.index[measured[f"in_{limit}"].isna()]) for limit in CONSTRAINTS),
        ("floor_not_known", assets.index[measured["above_ground"].isna() | measured["lowest_floor"].isna()]),
    ]
    table = pd.DataFrame(
        [(name, len(which), ", ".join(map(str, which[:3]))) for name, which in rows],
        columns=["doubt", "count", "such_as"],
    )
    return table.astype({"such_as": "str"})
