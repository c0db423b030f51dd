"""The life circle of a study told once: who reaches what on foot, where that ends, who is left out, and how sure it is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle import network, standards
from lifecircle.analyse import certainty, coverage, gaps, supply
from lifecircle.network import terrain
from lifecircle.study import Study

Layers = dict[str, gpd.GeoDataFrame | pd.DataFrame]


class Circle(NamedTuple):
    """What everything else about the life circle is worked out from.

    `kinds` are the rows of `tier_kinds`, `parts` maps kinds to the kind they count as, `people` is what a home counts for; `minutes` are homes ×
    kinds with parts counted, `answers` those of `coverage.reached`, `town` their shares of the whole town; `homes_at` and `facilities_at` are
    what `network.place` returned.
    """

    walk: network.WalkNetwork
    put: network.Placed
    fields: network.WalkField
    kinds: pd.DataFrame
    parts: pd.Series[str]
    people: pd.Series[float]
    minutes: pd.DataFrame
    straight_m: pd.DataFrame
    answers: pd.DataFrame
    town: pd.DataFrame
    homes_at: pd.DataFrame
    facilities_at: pd.DataFrame


def tier_kinds(profile: str) -> pd.DataFrame:
    """The facility kinds of each walking tier under `profile`; national_2018 where the profile names none.

    A radius that has not been confirmed is left out, so that it can decide nothing.

    >>> kinds = tier_kinds("national_2018").set_index(["tier", "kind"])
    >>> float(kinds.loc[(5, "kindergarten"), "radius_m"])
    300.0
    """
    try:
        kinds = standards.tier_kinds(profile)
    except standards.StandardsError:
        kinds = standards.tier_kinds("national_2018")
    return kinds.assign(radius_m=kinds["radius_m"].where(kinds["radius_binding"]))


def kind_parts() -> pd.Series[str]:
    """Kind → the kind it counts as, where the standard names it as a part (a pharmacy is part of the community's shops).

    >>> kind_parts()["pharmacy"]
    'community_shop'
    """
    parts = standards.read("kinds").set_index("code")["part_of"]
    return parts[parts != ""]


def walked(study: Study, homes: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> Circle:
    """The walks of a study: an adult on level ground from every home to the nearest facility of every kind."""
    walk = network.build(streets, barriers=study.barriers, gates=study.gates)
    put = network.placed_as(walk, homes, name="homes")
    fields = network.field(walk, facilities, entrances=study.entrances)
    kinds, parts = tier_kinds(study.standards), kind_parts()
    minutes = coverage.counting_parts(network.minutes(walk, fields, put), parts)
    straight_m = coverage.counting_parts(coverage.straight(homes, facilities, entrances=study.entrances), parts)
    homes_at, people = put.table(), coverage.weight(homes)
    answers = coverage.reached(
        minutes, kinds, speed_m_s=walk.speed_m_s, joined=homes_at["placed"], straight_m=straight_m
    )
    return Circle(
        walk=walk,
        put=put,
        fields=fields,
        kinds=kinds,
        parts=parts,
        people=people,
        minutes=minutes,
        straight_m=straight_m,
        answers=answers,
        town=coverage.shares(answers, kinds, people, _town(people)),
        homes_at=homes_at,
        facilities_at=network.place(walk, facilities),
    )


def analyse(
    study: Study, homes: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, streets: gpd.GeoDataFrame
) -> tuple[Layers, dict[str, Any]]:
    """The result layers of the life circle, and what is to be said of the network.

    Returns
    -------
    tuple
        The layers by name, and a report for the manifest.
    """
    circle = walked(study, homes, facilities, streets)
    layers = _covered(study, homes, facilities, circle)
    at_edge, edge_layers = _edges(study, homes, facilities, streets, circle)
    layers |= edge_layers
    place = list(layers["coverage_homes"].columns).index("leg_m") + 1
    layers["coverage_homes"].insert(place, "at_edge", _answers(at_edge["any"]))
    layers["sensitivity"] = _sensitivity(study, homes, facilities, circle)
    layers["coverage_walkers"] = _walkers(study, homes, facilities, circle)
    layers["service_areas"] = _service_areas(study, facilities, circle)
    layers |= _gaps(study, homes, circle)
    layers |= _supply(study, homes, facilities, circle)
    layers["certainty"] = _certainty(facilities, circle, at_edge, layers["sensitivity"])
    asked = circle.kinds[circle.kinds["required"]]
    named = [*circle.kinds["kind"], *circle.parts.index]
    of_no_tier = facilities.loc[~facilities["kind"].isin(named), "kind"].value_counts()
    report = {
        **circle.walk.report,
        **_placing(circle.homes_at, "homes"),
        **_placing(circle.facilities_at, "facilities"),
        "walk_speed_m_s": circle.walk.speed_m_s,
        "walker": "adult, level ground",
        "homes_weighted_by": str(circle.people.name),
        "homes_without_weight": int(circle.people.isna().sum()),
        "homes_outside_every_area": int(_groups(study, homes).isna().sum()),
        "required_kinds": int(asked["kind"].nunique()),
        "required_kinds_without_facility": sorted(set(asked["kind"]) - set(_counted(facilities, circle.parts).index)),
        "facilities_of_no_tier": {str(kind): int(n) for kind, n in of_no_tier.sort_index().items()},
        "certainty": _listed(layers["certainty"]),
        "elevation_faults": [] if study.elevation is None else [asdict(f) for f in terrain.faults(study.elevation)],
    }
    return layers, report


def _answers(values: pd.Series[bool]) -> pd.Series[str]:
    return values.map({True: "yes", False: "no"}).astype("str")


def _listed(table: pd.DataFrame) -> list[dict[str, Any]]:
    plain = table.astype(object).where(table.notna(), None)
    return [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]


def _groups(study: Study, homes: gpd.GeoDataFrame) -> pd.Series[str]:
    if study.areas is not None:
        return homes["area_id"]
    return pd.Series("town", index=homes.index, name="area_id")


def _areas(study: Study, homes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The areas people are counted by; a place without areas is one, around its homes."""
    if study.areas is not None:
        return study.areas
    hull = shapely.convex_hull(shapely.union_all(homes.geometry.to_numpy()))
    return gpd.GeoDataFrame(
        {"name": [study.name], "level": ["town"]},
        geometry=[hull if hull.geom_type == "Polygon" else hull.buffer(1.0)],
        index=pd.Index(["town"], name="area_id"),
        crs=study.crs,
    )


def _town(people: pd.Series[float]) -> pd.Series[str]:
    return pd.Series("town", index=people.index, name="scope")


def _counted(facilities: gpd.GeoDataFrame, parts: pd.Series[str]) -> pd.Series[int]:
    counted: pd.Series[int] = pd.concat([facilities["kind"], facilities["kind"].map(parts).dropna()]).value_counts()
    return counted


def _covered(study: Study, homes: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, circle: Circle) -> Layers:
    """Coverage of homes, communities and the town by every method."""
    areas, groups, people = _areas(study, homes), _groups(study, homes), circle.people
    complete = coverage.completeness(circle.answers, circle.kinds)
    counted = _counted(facilities, circle.parts)
    by_town = circle.town.assign(facilities=circle.town["kind"].map(counted).fillna(0.0).astype("float64"))
    by_area = coverage.shares(circle.answers, circle.kinds, people, groups)
    by_area.insert(1, "name", by_area["area_id"].map(areas["name"]))
    missing = coverage.gaps(by_area, group="area_id", weight=str(people.name))
    missing["facilities"] = missing["kind"].map(counted).fillna(0.0).astype("float64")
    return {
        "coverage_homes": _home_layer(homes, circle.homes_at, complete, circle.minutes),
        "coverage_areas": _area_layer(areas, groups, complete, people),
        "coverage_by_area": by_area,
        "coverage_town": by_town,
        "coverage_methods": coverage.difference(by_town, group="scope", weight=str(people.name)).drop(columns="scope"),
        "gaps": gpd.GeoDataFrame(
            missing, geometry=np.asarray(areas.geometry.reindex(missing["area_id"])), crs=study.crs
        ),
    }


def _home_layer(
    homes: gpd.GeoDataFrame, placed: pd.DataFrame, complete: pd.DataFrame, minutes: pd.DataFrame
) -> gpd.GeoDataFrame:
    columns = {
        **{c: homes[c] for c in ("name", "area_id", "residents", "elderly", "children", "dwellings")},
        "joined": placed["placed"].map({True: "yes", False: "no"}),
        "why_not_joined": placed["why"],
        "leg_m": placed["leg_m"],
        **_completeness_columns(complete),
        **{f"walk_min_{kind}": minutes[kind] for kind in minutes},
    }
    return gpd.GeoDataFrame(pd.DataFrame(columns, index=homes.index), geometry=homes.geometry, crs=homes.crs)


def _completeness_columns(complete: pd.DataFrame) -> dict[str, Any]:
    columns = {}
    for key in complete.columns:
        method, tier, group = tuple(key)
        name = f"completeness_{tier}{'' if method == 'minutes' else f'_by_{method}'}"
        columns[name if group == "required" else f"{name}_optional"] = complete[key]
    return columns


def _area_layer(
    areas: gpd.GeoDataFrame, groups: pd.Series[str], complete: pd.DataFrame, people: pd.Series[float]
) -> gpd.GeoDataFrame:
    means = coverage.mean_completeness(complete, people, groups).reindex(areas.index)
    counted = pd.DataFrame({str(people.name): people, "homes": 1.0}).groupby(groups).sum().reindex(areas.index)
    columns = {
        "name": areas["name"],
        "level": areas["level"],
        "homes": counted["homes"].fillna(0.0),
        str(people.name): counted[str(people.name)].fillna(0.0),
        **_completeness_columns(means),
    }
    return gpd.GeoDataFrame(pd.DataFrame(columns, index=areas.index), geometry=areas.geometry, crs=areas.crs)


def _placing(placed: pd.DataFrame, what: str) -> dict[str, Any]:
    reasons = placed.loc[~placed["placed"], "why"].value_counts().sort_index()
    return {
        f"{what}_not_joined": {str(why): int(n) for why, n in reasons.items()},
        f"{what}_nearer_a_fragment": int(placed["nearer_fragment"].sum()),
    }


def _longest(circle: Circle) -> float:
    return float(circle.kinds["tier"].max())


def _edges(
    study: Study,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
    circle: Circle,
) -> tuple[pd.DataFrame, Layers]:
    """Whose reach crosses the edge of the street or facility data, and the headline shares with and without them."""
    ground = None if study.areas is None else shapely.union_all(study.areas.geometry.to_numpy())
    tolerance = standards.parameter("edge_tolerance_m")
    points = certainty.edge_points(
        streets,
        ground,
        facilities[circle.facilities_at["placed"]],
        tolerance_m=tolerance,
        ends_min=standards.parameter("edge_ends_min"),
    )
    edge = network.field(circle.walk, points, max_leg_m=tolerance)
    limit = _longest(circle)
    joined = circle.homes_at["placed"]
    at_edge = certainty.edges_of_data(network.minutes(circle.walk, edge, circle.put), limit_min=limit, joined=joined)
    outlines = network.areas(circle.walk, edge, limits_min=[limit], thorough=False)
    beyond = shapely.union_all(outlines.geometry.to_numpy())
    ring = pd.DataFrame({"limit_min": [limit], "area_m2": [float(shapely.area(beyond))]})
    inside = circle.people.index[~at_edge["any"].fillna(False).to_numpy(dtype=bool)]
    inner = coverage.shares(
        circle.answers.loc[inside], circle.kinds, circle.people.loc[inside], _town(circle.people.loc[inside])
    )
    shown = certainty.headline(circle.town, inner, group="scope", weight=str(circle.people.name))
    shown = shown[shown["method"] == "minutes"].drop(columns=["scope", "method"]).reset_index(drop=True)
    return at_edge, {
        "coverage_edge": shown,
        "edge_of_data": gpd.GeoDataFrame(ring, geometry=[beyond], crs=study.crs).iloc[: int(not beyond.is_empty)],
    }


def _sensitivity(study: Study, homes: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, circle: Circle) -> pd.DataFrame:
    """The headline shares at other speeds and other longest legs."""
    walk, people, town = circle.walk, circle.people, _town(circle.people)
    asked = certainty.cases(
        speed_m_s=walk.speed_m_s,
        max_leg_m=walk.max_leg_m,
        speed_share=standards.parameter("sensitivity_speed_share"),
        leg_factor=standards.parameter("sensitivity_leg_factor"),
    )
    by_case = {}
    for case in asked.itertuples():
        speed, leg = float(case.speed_m_s), float(case.max_leg_m)  # type: ignore[arg-type]
        if case.new_walks:
            put = network.placed_as(walk, homes, max_leg_m=leg)
            fields = network.field(walk, facilities, entrances=study.entrances, max_leg_m=leg)
            minutes = coverage.counting_parts(network.minutes(walk, fields, put, speed_m_s=speed), circle.parts)
        else:
            minutes = certainty.at_speed(circle.minutes, from_m_s=walk.speed_m_s, to_m_s=speed)
        # Of the same homes in every case: one that a shorter leg cuts off is left out, not unknown.
        answers = coverage.reached(minutes, circle.kinds, speed_m_s=speed, joined=circle.homes_at["placed"])
        by_case[str(case.Index)] = coverage.shares(answers, circle.kinds, people, town)
    table = certainty.sensitivity(circle.town, by_case, group="scope", weight=str(people.name))
    out: pd.DataFrame = table.drop(columns=["scope", "method"])
    return out


def _walkers(study: Study, homes: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, circle: Circle) -> pd.DataFrame:
    """The shares by minutes of every walker of the standards, slopes counted where there is an elevation raster."""
    people, town = circle.people, _town(circle.people)
    share = f"share_of_{people.name}"
    base = circle.town.loc[circle.town["method"] == "minutes", share]
    tables = []
    for code in standards.read("walkers")["code"]:
        walker = standards.walker(code)
        walk = network.suited(circle.walk, walker, elevation=study.elevation)
        put = network.placed_as(walk, homes)
        fields = network.field(walk, facilities, entrances=study.entrances)
        minutes = coverage.counting_parts(network.minutes(walk, fields, put), circle.parts)
        # A home that the walker's own rules cut off is left out, not unknown.
        answers = coverage.reached(minutes, circle.kinds, speed_m_s=walk.speed_m_s, joined=circle.homes_at["placed"])
        table = coverage.shares(answers, circle.kinds, people, town)
        table = table[table["method"] == "minutes"].drop(columns=["scope", "method", "limit"])
        table["less_than_adult"] = table[share].to_numpy() - base.to_numpy()
        facts = ("stairs_left_out_m", "too_steep_left_out_m", "height_unknown_share", "largest_share")
        for fact in reversed(facts):
            table.insert(0, fact, walk.report[fact])
        rule = "limit_not_judged" if walk.report["steep_not_judged"] else walk.report["slope_rule"]
        table.insert(0, "slope_rule", rule)
        table.insert(0, "speed_m_s", walker.speed_m_s)
        table.insert(0, "walker", code)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _service_areas(study: Study, facilities: gpd.GeoDataFrame, circle: Circle) -> gpd.GeoDataFrame:
    """The ground within 5, 10 and 15 minutes of each required kind, from the minutes the homes have."""
    required = circle.kinds.loc[circle.kinds["required"], "kind"].unique()
    limits = sorted({float(tier) for tier in circle.kinds["tier"]})
    frames = []
    wholes = circle.parts[circle.parts.isin(required)]
    own = facilities["kind"].isin(required) & ~facilities["kind"].isin(wholes)
    # A kind that has parts is walked to as one with them.
    for chosen in (
        facilities[own],
        *(
            facilities[(facilities["kind"] == whole) | facilities["kind"].isin(wholes.index[wholes == whole])].assign(
                kind=whole
            )
            for whole in sorted(wholes.unique())
        ),
    ):
        if len(chosen):
            fields = network.field(circle.walk, chosen, entrances=study.entrances)
            frames.append(network.areas(circle.walk, fields, limits_min=limits, thorough=False))
    if not frames:
        return gpd.GeoDataFrame(
            {
                "kind": pd.Series(dtype="str"),
                "limit_min": pd.Series(dtype="float64"),
                "area_m2": pd.Series(dtype="float64"),
            },
            geometry=[],
            crs=study.crs,
        )
    every = pd.concat(frames, ignore_index=True).sort_values(["kind", "limit_min"], kind="stable")
    every = every[~every.geometry.is_empty]
    return gpd.GeoDataFrame(every.reset_index(drop=True), geometry="geometry", crs=study.crs)


def _gaps(study: Study, homes: gpd.GeoDataFrame, circle: Circle) -> Layers:
    """Contiguous gap areas by tier and by kind, and the cells they are made of."""
    cell, groups = standards.parameter("gap_cell_m"), _groups(study, homes)
    asked = (homes, circle.answers, circle.kinds, circle.minutes, circle.people, groups)
    areas, missing = gaps.by_tier(*asked, cell_m=cell)
    names = _areas(study, homes)["name"]
    areas.insert(list(areas.columns).index("area_id") + 1, "name", areas["area_id"].map(names).astype("str"))
    return {
        "gap_areas": areas,
        "gap_missing": missing,
        "gap_kinds": gaps.by_kind(*asked, cell_m=cell),
        "gap_grid": gaps.grid(homes, circle.answers, circle.kinds, circle.people, cell_m=cell),
    }


def _supply(study: Study, homes: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, circle: Circle) -> Layers:
    """Supply per person in reach (2SFCA with Gaussian decay), how evenly it is spread, and its match with residents."""
    people, joined = circle.people, circle.homes_at["placed"]
    required = circle.kinds[circle.kinds["required"] & ~circle.kinds["kind"].isin(circle.parts)]
    tiers = required.groupby("kind")["tier"].max().sort_index()
    asked = facilities[facilities["kind"].isin(tiers.index)]
    profile = standards.read("facilities")
    own = profile[profile["profile"] == study.standards]
    own = own if len(own) else profile[profile["profile"] == "national_2018"]
    sizes = supply.capacity(asked, own)
    pairs = network.pairs(circle.walk, circle.put, asked, limit_min=_longest(circle), entrances=study.entrances)
    access = supply.access_by_kind(
        pairs, sizes, people, limits_min=tiers.astype("float64"), decay="gaussian", joined=joined
    )
    spread = supply.equity(access, people).set_index("kind")
    known = sizes.groupby("kind").agg(
        capacity_unit=("capacity_unit", "first"),
        facilities=("capacity", "size"),
        facilities_not_known=("capacity", lambda values: int(values.isna().sum())),
        capacity=("capacity", lambda values: values.sum(min_count=1)),
    )
    town = pd.concat([tiers.rename("tier"), known.reindex(tiers.index), spread], axis=1).rename_axis("kind")
    town[["facilities", "facilities_not_known"]] = (
        town[["facilities", "facilities_not_known"]].fillna(0).astype("int64")
    )
    layers: Layers = {
        "supply_homes": gpd.GeoDataFrame(
            access.add_prefix("access_").assign(**{str(people.name): people}), geometry=homes.geometry, crs=study.crs
        ),
        "supply_town": town.reset_index(),
    }
    if study.areas is not None and len(asked):
        layers["supply_match"] = _match(study, homes, asked, people)
    return layers


def _match(
    study: Study, homes: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, people: pd.Series[float]
) -> pd.DataFrame:
    areas = _areas(study, homes)
    of = supply.community(facilities, areas)
    counted = people.groupby(homes["area_id"], dropna=False).sum()
    labels = pd.Index([*areas.index, np.nan], dtype="object")
    counted = counted.reindex(labels).fillna(0.0).rename(str(people.name))
    matched = supply.match(facilities["kind"], of, counted, facilities["floor_area_m2"])
    by_number = supply.match(facilities["kind"], of, counted)
    matched.insert(3, "share_of_facilities", by_number["share_of_facilities"].to_numpy())
    matched.insert(1, "name", matched["area_id"].map(areas["name"]).astype("str"))
    return matched


def _certainty(
    facilities: gpd.GeoDataFrame, circle: Circle, at_edge: pd.DataFrame, spread: pd.DataFrame
) -> pd.DataFrame:
    """Everything that is to be said of how sure the shares are."""
    asked = circle.kinds.loc[circle.kinds["required"], "kind"].unique()
    there = _counted(facilities, circle.parts)
    limits = standards.read("parameters")["code"]
    report = certainty.joined_report(
        circle.homes_at, circle.facilities_at, circle.people, told_m=standards.parameter("facility_leg_told_m")
    )
    said = certainty.said(
        report,
        circle.people,
        largest_share=float(circle.walk.report["largest_share"]),
        kinds_required=len(asked),
        kinds_without=len(set(asked) - set(there.index)),
        limits={code: standards.parameter(code) for code in limits[limits.str.startswith("thin_")]},
        at_edge=at_edge,
        spread=spread,
    )
    return said.assign(sign=_answers(said["sign"]))
