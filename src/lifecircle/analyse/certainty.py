"""How sure the life circle is: what the figures depend on, where the data end, and whether there is enough of them.

Nothing here decides anything. Shares are given again under other assumptions, people whose reach crosses the edge of the data
are counted, and signs of thin data are listed one by one with the value, the threshold and the answer.
"""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

_Array = np.ndarray[Any, np.dtype[Any]]
STREETS_END, FACILITIES_END = "streets end", "facilities end"


def cases(*, speed_m_s: float, max_leg_m: float, speed_share: float, leg_factor: float) -> pd.DataFrame:
    """The assumptions each headline share is given again under: a slower and a faster walker, a shorter and a longer leg.

    Parameters
    ----------
    speed_m_s, max_leg_m
        The walker's speed, and the longest way between a place and its street.
    speed_share, leg_factor
        By which share the speed, and by which factor the leg, is made smaller and larger.

    Returns
    -------
    DataFrame
        Index ``case``: slower, faster, leg_shorter, leg_longer; ``speed_m_s``, ``max_leg_m`` and ``new_walks`` (bool): whether homes and
        facilities must be placed and walked anew. Where not, `at_speed` gives the minutes.

    Examples
    --------
    >>> asked = cases(speed_m_s=1.0, max_leg_m=300, speed_share=0.1, leg_factor=2)
    >>> asked.loc[["slower", "leg_shorter"]].values.tolist()
    [[0.9, 300.0, False], [1.0, 150.0, True]]
    """
    speeds = [speed_m_s * (1.0 - speed_share), speed_m_s * (1.0 + speed_share), speed_m_s, speed_m_s]
    legs = [max_leg_m, max_leg_m, max_leg_m / leg_factor, max_leg_m * leg_factor]
    names = pd.Index(["slower", "faster", "leg_shorter", "leg_longer"], name="case", dtype="str")
    new = [False, False, True, True]
    return pd.DataFrame({"speed_m_s": speeds, "max_leg_m": legs, "new_walks": new}, index=names).astype(
        {"speed_m_s": "float64", "max_leg_m": "float64"}
    )


def at_speed(minutes: pd.DataFrame, *, from_m_s: float, to_m_s: float) -> pd.DataFrame:
    """Minutes of a walker whose every metre takes longer or shorter by one factor.

    Exact, and not an estimate, because all of a walk is charged at the walker's speed, the legs off the street too: time scales by
    `from_m_s` ÷ `to_m_s` and the nearest facility stays the nearest. So it does for a walker whom slopes slow, as long as the same
    slope slows both by the same factor. It does not hold where anything else differs: steps, longest leg, slope rule.

    Raises
    ------
    ValueError
        Where a speed is not above 0.

    Examples
    --------
    >>> minutes = pd.DataFrame({"clinic": [9.0, None]}, index=["h", "i"])
    >>> at_speed(minutes, from_m_s=1.0, to_m_s=0.9)["clinic"].round(9).tolist()
    [10.0, nan]
    """
    if not (0 < from_m_s < np.inf and 0 < to_m_s < np.inf):
        raise ValueError(f"speeds must be above 0 m/s, not {from_m_s} and {to_m_s}.")
    return minutes.astype("float64") * (from_m_s / to_m_s)


def sensitivity(
    base: pd.DataFrame, by_case: Mapping[str, pd.DataFrame], *, group: str, weight: str, method: str = "minutes"
) -> pd.DataFrame:
    """Each headline share at base and in each case, and how far they lie apart.

    Parameters
    ----------
    base, by_case
        What `lifecircle.analyse.coverage.shares` returned, at base and in each case.
    group, weight
        The name of its group column, and ``residents`` or ``dwellings``.

    Returns
    -------
    DataFrame
        One row for each (group, tier, kind) of `method`, in the order of `base`: `group`, method, tier, kind, required,
        ``share_base``, ``share_<case>`` for every case, and ``spread``: the largest less the smallest of them (0–1; NaN where the
        share at base or in a case is not known).

    Examples
    --------
    >>> base = pd.DataFrame({"scope": ["town"], "method": "minutes", "tier": 5, "kind": "clinic", "required": True,
    ...                      "share_of_residents": [0.5]})
    >>> cases = {"slower": base.assign(share_of_residents=0.4), "faster": base.assign(share_of_residents=0.75)}
    >>> sensitivity(base, cases, group="scope", weight="residents")[["share_slower", "share_faster", "spread"]].values.tolist()
    [[0.4, 0.75, 0.35]]
    """
    key, share = [group, "method", "tier", "kind"], f"share_of_{weight}"
    out = base.loc[base["method"] == method, [*key, "required", share]].reset_index(drop=True)
    out = out.rename(columns={share: "share_base"})
    names = ["share_base"]
    for case, table in by_case.items():
        names.append(f"share_{case}")
        rows = table[[*key, share]].rename(columns={share: names[-1]})
        out = out.merge(rows, on=key, how="left", validate="one_to_one")
    values = out[names]
    out["spread"] = values.max(axis=1, skipna=False) - values.min(axis=1, skipna=False)
    return out


def edge_points(
    streets: gpd.GeoDataFrame,
    ground: Any,
    facilities: gpd.GeoDataFrame | None = None,
    *,
    tolerance_m: float,
    ends_min: float,
    extract: Any = None,
) -> gpd.GeoDataFrame:
    """Where the data end: walkable streets that were cut off, and where they leave the ground whose facilities are known.

    A street ends with the data where `ends_min` or more dead ends line up on one side of what an extract is cut to: the box around
    all streets, in their own system and in longitude and latitude, or on the outline of `ground`. One or two dead ends on a side are
    how far a town happens to go. A dead end is the end of a street that no other street comes within the tolerance of.

    An extract that keeps streets whole shows no such line. Where the box it was asked for is known, streets end where they leave it.

    Facilities end where a street crosses the outline of `ground`. Where facilities lie beyond it they were collected on
    other ground, and the hull around them is added to it; without `ground` that hull is all that is known.

    Parameters
    ----------
    streets
        Canonical streets in metres; those whose ``walkable`` is False help to find the box but end no walk.
    ground
        The outline of what was collected (the study's areas united), polygonal, in the system of the streets, or None.
    facilities
        Canonical facilities in the same system, or None. Leave out those that are not joined to the network: a stray one, far off,
        would move the edge out to itself.
    tolerance_m
        How near a dead end lies to the side of a box it was cut at, in metres.
    ends_min
        How many dead ends on a side make a cut.
    extract
        The outline the streets were asked for, polygonal, in their system, or None where the file does not say.

    Returns
    -------
    GeoDataFrame
        Points with ``kind`` ("streets end" or "facilities end"), index ``edge_id``, sorted by kind, x and y. It may be asked for by
        `lifecircle.network.nearest` as if they were facilities.

    Examples
    --------
    >>> from shapely import LineString, box
    >>> lines = [LineString([(0, y), (100, y)]) for y in (0, 10, 20)] + [LineString([(50, -5), (50, 20)])]
    >>> streets = gpd.GeoDataFrame(geometry=lines, crs=4547)
    >>> points = edge_points(streets, box(-9, -9, 70, 90), tolerance_m=1, ends_min=3)
    >>> points["kind"].value_counts().to_dict()
    {'streets end': 6, 'facilities end': 3}
    """
    shapes = np.asarray(streets.geometry.array)
    drawn = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    lines, of = shapely.get_parts(shapes[drawn], return_index=True)
    lines = shapely.force_2d(lines)
    walked = np.ones(len(lines), bool)
    if "walkable" in streets:
        walked = streets["walkable"].astype("boolean").fillna(True).to_numpy(dtype=bool)[drawn][of]
    walkable = lines[walked]
    dead, line = _dead_ends(lines, tolerance_m)
    ends = dead[walked[line] & _cut(dead, lines, ground, streets.crs, tolerance_m, ends_min)]
    ends = np.concatenate([ends, _leaving(walkable, extract)])
    out = np.unique(_leaving(walkable, _known(ground, facilities, tolerance_m)), axis=0)
    xy = np.concatenate([out, np.unique(ends, axis=0)])
    kind = np.repeat([FACILITIES_END, STREETS_END], [len(out), len(xy) - len(out)])
    index = pd.RangeIndex(len(xy), name="edge_id")
    return gpd.GeoDataFrame(
        {"kind": pd.Series(kind, index=index, dtype="str")},
        geometry=gpd.GeoSeries(shapely.points(xy), index=index),
        crs=streets.crs,
    )


def edges_of_data(minutes_to_edge: pd.DataFrame, *, limit_min: float, joined: "pd.Series[bool]") -> pd.DataFrame:
    """Which homes' reach crosses the edge of the street or facility data.

    Parameters
    ----------
    minutes_to_edge
        Homes × kinds of `edge_points`, walking minutes to the nearest place where the data end, NaN where there is no way to one.
    limit_min
        How far a walk may go: the longest tier.
    joined
        Whether each home is joined to the network; where it is not, nothing is known of its reach.

    Returns
    -------
    DataFrame
        On the index of the homes, nullable boolean: ``streets end``, ``facilities end`` and ``any``; NA where the home is not joined.

    Examples
    --------
    >>> minutes = pd.DataFrame({"streets end": [4.0, 16.0, None]}, index=list("abc"))
    >>> joined = pd.Series([True, True, False], index=list("abc"))
    >>> edges_of_data(minutes, limit_min=15, joined=joined)["any"].tolist()
    [True, False, <NA>]
    """
    kinds = [STREETS_END, FACILITIES_END]
    near = minutes_to_edge.reindex(columns=kinds).to_numpy(dtype="float64") <= limit_min + _SLACK
    near = np.column_stack([near, near.any(axis=1)])
    unknown = ~joined.reindex(minutes_to_edge.index).to_numpy(dtype=bool)
    columns = {k: pd.arrays.BooleanArray(near[:, i], unknown.copy()) for i, k in enumerate([*kinds, "any"])}
    return pd.DataFrame(columns, index=minutes_to_edge.index)


def headline(table: pd.DataFrame, inner: pd.DataFrame, *, group: str, weight: str) -> pd.DataFrame:
    """Headline shares with and without the homes whose reach crosses the edge of the data.

    Parameters
    ----------
    table, inner
        What `lifecircle.analyse.coverage.shares` returned for all homes, and for those away from the edge only.
    group, weight
        The name of its group column, and ``residents`` or ``dwellings``.

    Returns
    -------
    DataFrame
        The rows of `table`: `group`, method, tier, kind, required, ``<weight>`` and ``share_all``, ``<weight>_at_edge`` (how many fewer
        `inner` counts), ``share_away_from_edge`` and ``difference`` (NaN where nobody lives away from the edge).

    Examples
    --------
    >>> row = {"scope": ["town"], "method": "minutes", "tier": 5, "kind": "clinic", "required": True}
    >>> table, inner = (pd.DataFrame({**row, "residents": n, "share_of_residents": s}) for n, s in ((40.0, 0.5), (30.0, 0.75)))
    >>> shown = headline(table, inner, group="scope", weight="residents")
    >>> shown[["residents_at_edge", "share_away_from_edge", "difference"]].values.tolist()
    [[10.0, 0.75, 0.25]]
    """
    key, share = [group, "method", "tier", "kind"], f"share_of_{weight}"
    away = inner[[*key, weight, share]].rename(columns={weight: "_away", share: "share_away_from_edge"})
    out = table[[*key, "required", weight, share]].rename(columns={share: "share_all"})
    out = out.merge(away, on=key, how="left", validate="one_to_one")
    out.insert(len(key) + 3, f"{weight}_at_edge", out[weight] - out.pop("_away").fillna(0.0))
    out["difference"] = out["share_away_from_edge"] - out["share_all"]
    return out


def joined_report(
    homes: pd.DataFrame, facilities: pd.DataFrame, weights: "pd.Series[float]", *, told_m: float
) -> pd.DataFrame:
    """Homes not joined to the network and why, and facilities joined from farther off than is usual.

    Parameters
    ----------
    homes, facilities
        What `lifecircle.network.place` returned for them: ``placed``, ``why``, ``leg_m``. For a facility with entrances pass those.
    weights
        What each home counts for; a missing weight counts as nobody.
    told_m
        A leg longer than this is told, in metres.

    Returns
    -------
    DataFrame
        One item a row: ``item``, ``word`` (why, where the item is one reason of several, else empty), ``value``, ``unit``. Items:
        homes, homes_not_joined (in all, then by reason), ``<weight>_not_joined`` (likewise), share_not_joined (of people; of homes
        where nobody is counted), homes_joined_far, and facilities, facilities_not_joined, facilities_joined_far, share_joined_far
        (of those joined; NaN where none is).

    Examples
    --------
    >>> homes = pd.DataFrame({"placed": [True, False], "why": ["", "behind a barrier"], "leg_m": [9.0, None]}, index=["h", "i"])
    >>> shops = pd.DataFrame({"placed": [True], "why": [""], "leg_m": [60.0]}, index=["f"])
    >>> people = pd.Series([30.0, 10.0], index=["h", "i"], name="residents")
    >>> report = joined_report(homes, shops, people, told_m=50).set_index(["item", "word"])["value"]
    >>> report[[("residents_not_joined", "behind a barrier"), ("share_not_joined", ""), ("share_joined_far", "")]].tolist()
    [10.0, 0.25, 1.0]
    """
    name = str(weights.name)
    people = weights.reindex(homes.index.sort_values()).fillna(0.0)
    out = homes.reindex(people.index)
    lost = ~out["placed"].to_numpy(dtype=bool)
    whole = people if people.sum() > 0 else people + 1.0
    away = ~facilities["placed"].to_numpy(dtype=bool)
    far = int((facilities["leg_m"] > told_m).sum())
    met = len(facilities) - int(away.sum())
    rows: list[tuple[str, str, float, str]] = [("homes", "", len(out), "count")]
    rows += _reasons("homes_not_joined", pd.Series(1.0, index=people.index)[lost], out["why"], "count")
    rows += _reasons(f"{name}_not_joined", people[lost], out["why"], name)
    rows += [
        ("share_not_joined", "", float(whole[lost].sum() / whole.sum()) if len(whole) else np.nan, "share"),
        ("homes_joined_far", "", int((out["leg_m"] > told_m).sum()), "count"),
        ("facilities", "", len(facilities), "count"),
    ]
    rows += _reasons(
        "facilities_not_joined", away[away] * pd.Series(1.0, facilities.index[away]), facilities["why"], "count"
    )
    rows += [
        ("facilities_joined_far", "", far, "count"),
        ("share_joined_far", "", far / met if met else np.nan, "share"),
    ]
    return pd.DataFrame(rows, columns=["item", "word", "value", "unit"]).astype(
        {"item": "str", "word": "str", "value": "float64", "unit": "str"}
    )


def said(
    report: pd.DataFrame,
    weights: "pd.Series[float]",
    *,
    largest_share: float,
    kinds_required: int,
    kinds_without: int,
    limits: Mapping[str, float],
    at_edge: pd.DataFrame | None = None,
    spread: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Everything that is to be said of how sure the results are, one item a row, with a verdict on whether the data are thin.

    A sign of thin data is a value on the wrong side of its limit. Signs inform and decide nothing: a real town may have a kind
    less, or a hamlet far from any street. The data are called thin where ``thin_signs_min`` signs or more show.

    Parameters
    ----------
    report
        What `joined_report` returned.
    weights
        What each home counts for, as `lifecircle.analyse.coverage.weight` gives it. A name other than ``residents`` says that nobody
        knows how many people live anywhere.
    largest_share
        Share of the streets' length in the largest connected part.
    kinds_required, kinds_without
        How many kinds the standard requires, and how many of them have no facility in the data.
    limits
        ``thin_largest_share``, ``thin_not_joined_share``, ``thin_joined_far_share``, ``thin_kinds_without_share``,
        ``thin_residents_unknown_share`` and ``thin_signs_min``, as the parameters of the standards of these names.
    at_edge
        What `edges_of_data` returned, or None.
    spread
        What `sensitivity` returned, or None; its widest spread among required kinds is told.

    Returns
    -------
    DataFrame
        ``item``, ``word`` (a code or an empty text), ``value``, ``unit``, ``limit`` (NaN: none), ``sign`` (nullable boolean: whether
        the value is a sign of thin data; NA where there is no limit or no value). The first row is the verdict: ``word`` is thin or
        enough, ``value`` the number of signs and ``limit`` the number that make data thin.

    Examples
    --------
    >>> homes = pd.DataFrame({"placed": [True, False], "why": ["", "behind a barrier"], "leg_m": [9.0, None]}, index=["h", "i"])
    >>> shops = pd.DataFrame({"placed": [True], "why": [""], "leg_m": [20.0]}, index=["f"])
    >>> people = pd.Series([30.0, 10.0], index=["h", "i"], name="residents")
    >>> limits = {"thin_largest_share": 0.9, "thin_not_joined_share": 0.05, "thin_joined_far_share": 0.25,
    ...           "thin_kinds_without_share": 0.7, "thin_residents_unknown_share": 0.5, "thin_signs_min": 2}
    >>> table = said(joined_report(homes, shops, people, told_m=50), people, largest_share=0.5, kinds_required=10,
    ...              kinds_without=1, limits=limits)
    >>> print(*table.loc[0, ["item", "word", "value"]])
    verdict thin 2.0
    >>> table.loc[table["sign"].fillna(False), "item"].tolist()
    ['verdict', 'share_largest_component', 'share_not_joined']
    """
    told = report[report["word"] == ""].set_index("item")["value"]
    unknown = float(weights.isna().mean()) if weights.name == "residents" else 1.0
    lacking = kinds_without / kinds_required if kinds_required else np.nan
    signs = pd.DataFrame(
        [
            ("share_largest_component", largest_share, limits["thin_largest_share"], -1),
            ("share_not_joined", told["share_not_joined"], limits["thin_not_joined_share"], 1),
            ("share_joined_far", told["share_joined_far"], limits["thin_joined_far_share"], 1),
            ("share_kinds_without_facility", lacking, limits["thin_kinds_without_share"], 1),
            ("share_residents_unknown", unknown, limits["thin_residents_unknown_share"], 1),
        ],
        columns=["item", "value", "limit", "side"],
    )
    signs["sign"] = ((signs["value"] - signs["limit"]) * signs.pop("side") > 0).astype("boolean")
    signs["sign"] = signs["sign"].mask(signs["value"].isna())
    count, enough = int(signs["sign"].sum()), limits["thin_signs_min"]
    thin = count >= enough
    verdict = {"item": "verdict", "word": "thin" if thin else "enough", "value": float(count), "unit": "signs"}
    first = pd.DataFrame([{**verdict, "limit": float(enough), "sign": thin}]).astype({"sign": "boolean"})
    rest = report[~report["item"].isin(signs["item"])]
    counts = [("kinds_required", "", kinds_required, "count"), ("kinds_without_facility", "", kinds_without, "count")]
    more = pd.DataFrame([*counts, *_edge_items(at_edge, weights), *_spread_items(spread)], columns=list(report.columns))
    parts = [first, signs.assign(word="", unit="share"), rest, more]
    table = pd.concat([part.reindex(columns=first.columns).astype(first.dtypes) for part in parts], ignore_index=True)
    return table.astype({"item": "str", "word": "str", "unit": "str"})


_SLACK = 1e-9


def _reasons(
    item: str, lost: "pd.Series[float]", why: "pd.Series[str]", unit: str
) -> list[tuple[str, str, float, str]]:
    by = lost.groupby(why.reindex(lost.index).fillna("").to_numpy()).sum().sort_index()
    return [(item, "", float(lost.sum()), unit), *[(item, str(word), float(n), unit) for word, n in by.items() if word]]


def _edge_items(at_edge: pd.DataFrame | None, weights: "pd.Series[float]") -> list[tuple[str, str, float, str]]:
    if at_edge is None:
        return []
    name = str(weights.name)
    people = weights.reindex(at_edge.index.sort_values()).fillna(0.0)
    near = at_edge.reindex(people.index)
    known = float(people[near["any"].notna()].sum())
    rows = [("homes_at_edge", "", float(near["any"].sum()), "count")]
    for column in near:
        here = float(people[near[column].fillna(False).to_numpy(dtype=bool)].sum())
        word = "" if column == "any" else str(column)
        rows.append((f"{name}_at_edge", word, here, name))
        rows.append(("share_at_edge", word, here / known if known else np.nan, "share"))
    return sorted(rows)


def _spread_items(spread: pd.DataFrame | None) -> list[tuple[str, str, float, str]]:
    if spread is None:
        return []
    rows = spread[spread["required"].to_numpy(dtype=bool) & spread["spread"].notna()]
    if rows.empty:
        return []
    widest = rows.sort_values(["spread", "tier", "kind"], ascending=[False, True, True]).iloc[0]
    return [
        ("spread_largest", str(widest["kind"]), float(widest["spread"]), "share"),
        ("spread_mean", "", float(rows["spread"].mean()), "share"),
    ]


def _dead_ends(lines: _Array, tolerance_m: float) -> tuple[_Array, _Array]:
    """Ends of lines that no other line comes near, and the line of each."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    if not len(xy):
        return np.empty((0, 2)), np.empty(0, np.int64)
    at_end = np.diff(line, prepend=-1) > 0
    at_end |= np.append(at_end[1:], True)
    _, of, count = np.unique(xy, axis=0, return_inverse=True, return_counts=True)
    once = np.flatnonzero(at_end & (count[of.ravel()] == 1))
    # An end in the middle of another street touches none of its vertices.
    end, near = shapely.STRtree(lines).query(shapely.points(xy[once]), predicate="dwithin", distance=tolerance_m)
    alone = np.bincount(end[near != line[once][end]], minlength=len(once)) == 0
    return xy[once[alone]], line[once[alone]]


def _leaving(lines: _Array, ground: Any) -> _Array:
    """Where lines meet the outline of `ground`; of a stretch drawn along it, its vertices."""
    if ground is None or shapely.is_empty(ground):
        return np.empty((0, 2))
    outline = shapely.boundary(ground)
    shapely.prepare(outline)
    met = shapely.intersection(lines[shapely.intersects(outline, lines)], outline)
    return np.asarray(shapely.get_coordinates(met))


def _cut(dead: _Array, lines: _Array, ground: Any, crs: Any, tolerance_m: float, ends_min: float) -> _Array:
    """Which dead ends lie on a side on which enough of them line up."""
    if not len(dead):
        return np.zeros(0, bool)
    sides = [_on_box(dead, shapely.total_bounds(lines), np.full(2, tolerance_m))]
    if crs is not None:
        corners = gpd.GeoSeries(shapely.points(shapely.get_coordinates(lines)), crs=crs).to_crs(4326).total_bounds
        there = gpd.GeoSeries(shapely.points(dead), crs=crs).to_crs(4326)
        a_degree = _DEGREE_M * np.array([np.cos(np.radians((corners[1] + corners[3]) / 2)), 1.0])
        sides.append(_on_box(shapely.get_coordinates(np.asarray(there.array)), corners, tolerance_m / a_degree))
    if ground is not None and not shapely.is_empty(ground):
        outline = shapely.boundary(ground)
        shapely.prepare(outline)
        sides.append(shapely.dwithin(shapely.points(dead), outline, tolerance_m)[:, None])
    near = np.hstack(sides)
    return np.asarray((near & (near.sum(axis=0) >= ends_min)).any(axis=1))


# Metres in a degree of latitude; what a tolerance in metres is in degrees need not be known better.
_DEGREE_M = 111_320.0


def _on_box(xy: _Array, bounds: _Array, tolerance: _Array) -> _Array:
    """Points × the four sides of a box: near that side or not."""
    low, high = np.abs(xy - bounds[:2]) <= tolerance, np.abs(xy - bounds[2:]) <= tolerance
    return np.hstack([low, high])


def _known(ground: Any, facilities: gpd.GeoDataFrame | None, tolerance_m: float) -> Any:
    """The ground whose facilities are known."""
    points = None
    if facilities is not None and len(facilities):
        points = shapely.multipoints(shapely.get_coordinates(np.asarray(facilities.geometry.array)))
    if ground is None or shapely.is_empty(ground):
        hull = shapely.convex_hull(points)
        return hull if shapely.area(hull) > 0 else None
    if points is None or shapely.covers(shapely.buffer(ground, tolerance_m), points):
        return ground
    return shapely.union(ground, shapely.convex_hull(points))
