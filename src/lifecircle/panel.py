"""A panel to move the walking time, the kinds and the walker, and see who is left out where; for notebooks.

`prepare` walks once for every walker asked for; `gaps_of` answers a question from those walks, in milliseconds; `show` puts
sliders in front of it (ipywidgets, of the extra ``lab``) and draws the answer without asking any network.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd

from lifecircle import circle, network, standards
from lifecircle.analyse import coverage, gaps
from lifecircle.errors import MissingLayerError
from lifecircle.publish import labels, svg, symbols
from lifecircle.study import Study

LEVEL = "level"  # an adult on level ground, as the results of a run
_WIDE = 760.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Prepared:
    """A study with its walks: minutes of every home to every kind, by walker, as far as they have been asked for."""

    study: Study
    walk: network.WalkNetwork
    homes: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    joined: pd.Series[bool]
    minutes: dict[str, pd.DataFrame] = field(default_factory=dict)

    def walkers(self) -> list[str]:
        """The codes `gaps_of` takes: an adult on level ground, then the walkers of the standards, for whom slopes and steps count."""
        return [LEVEL, *standards.read("walkers")["code"].tolist()]


def prepare(study: Study) -> Prepared:
    """Build the walking network of `study` and place its homes.

    Raises
    ------
    MissingLayerError
        The study has no homes, facilities or streets.
    """
    lacking = [n for n in ("homes", "facilities", "streets") if getattr(study, n) is None or getattr(study, n).empty]
    if lacking:
        listed = ", ".join(lacking)
        raise MissingLayerError(f"没有图层 {listed}。" if study.language == "zh" else f"This place has no {listed}.")
    homes, facilities, streets = (getattr(study, name) for name in ("homes", "facilities", "streets"))
    walk = network.build(streets, barriers=study.barriers, gates=study.gates)
    joined = network.placed_as(walk, homes, name="homes").table()["placed"]
    return Prepared(study=study, walk=walk, homes=homes, facilities=facilities, joined=joined)


def minutes_of(prepared: Prepared, walker: str = LEVEL) -> pd.DataFrame:
    """Minutes from every home to the nearest facility of every kind for a walker; walked once, then kept.

    Raises
    ------
    StandardsError
        A walker the standards do not know.
    """
    if walker not in prepared.minutes:
        study, walk = prepared.study, prepared.walk
        if walker != LEVEL:
            walk = network.suited(walk, standards.walker(walker), elevation=study.elevation)
        fields = network.field(walk, prepared.facilities, entrances=study.entrances)
        found = network.minutes(walk, fields, network.placed_as(walk, prepared.homes))
        prepared.minutes[walker] = coverage.counting_parts(found, circle.kind_parts())
    return prepared.minutes[walker]


def gaps_of(
    prepared: Prepared, *, kinds: Sequence[str], limit_min: int, walker: str = LEVEL
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Where somebody cannot walk to one of `kinds` within `limit_min`, and how many reach each.

    Returns
    -------
    areas
        As `gaps.by_tier` gives them for one tier of `limit_min` minutes, most people first.
    shares
        One row a kind: ``kind``, ``<weight>_covered``, ``<weight>_left_out``, ``<weight>_not_known``, ``share_of_<weight>`` (NaN where nobody is joined).
    """
    minutes = minutes_of(prepared, walker)
    asked = pd.DataFrame({"tier": int(limit_min), "kind": list(kinds), "required": True, "radius_m": float("nan")})
    asked = asked.astype({"kind": "str", "tier": "int64"})
    answers = coverage.reached(minutes, asked, speed_m_s=prepared.walk.speed_m_s, joined=prepared.joined)
    people = coverage.weight(prepared.homes)
    has_areas = prepared.study.areas is not None
    groups = prepared.homes["area_id"] if has_areas else pd.Series("town", index=prepared.homes.index, name="area_id")
    areas, _ = gaps.by_tier(
        prepared.homes, answers, asked, minutes, people, groups, cell_m=standards.parameter("gap_cell_m")
    )
    town = coverage.shares(answers, asked, people, pd.Series("town", index=people.index, name="scope"))
    town = town[town["method"] == "minutes"]
    kept = [
        "kind",
        *(f"{people.name}_{end}" for end in ("covered", "left_out", "not_known")),
        f"share_of_{people.name}",
    ]
    return areas, town[kept].reset_index(drop=True)


def drawing(prepared: Prepared, areas: gpd.GeoDataFrame, *, kinds: Sequence[str]) -> str:
    """The gap areas as SVG over streets and communities, the three largest numbered, facilities of `kinds` as dots."""
    study = prepared.study
    ground = study.areas if svg.drawn(study.areas) else prepared.homes
    on = svg.sheet(_around(ground), width=_WIDE)
    if on is None:
        return ""
    parts = [f'<svg viewBox="0 0 {on.width:.0f} {on.height:.0f}" width="100%" role="img" data-gaps="{len(areas)}">']
    left = next(str(c) for c in areas if str(c).endswith("_left_out"))
    heading = labels.heading(left, study.language)
    few = min(3, len(areas))
    third: Any = pd.qcut(areas[left].rank(method="first"), few, labels=False) if few else []
    for place, (shape, people, step) in enumerate(zip(areas.geometry, areas[left], third, strict=True), start=1):
        parts.append(
            f'<path d="{svg.path(gpd.GeoSeries([shape]), on)}" fill-rule="evenodd" fill="{symbols.GAPS[few - 1 - int(step)]}" fill-opacity="0.75" '
            f'stroke="#5c1a16" stroke-width="0.6"><title>{html.escape(f"{place}: {heading} {people:,.0f}")}</title></path>'
        )
    lines = ((study.areas, "#6b5b73", 1.0), (study.streets, "#8d877b", 0.5))
    parts += [
        f'<path d="{svg.path(frame.geometry, on)}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        for frame, colour, width in lines
        if frame is not None and svg.drawn(frame)
    ]
    at = svg.dots(prepared.facilities.geometry[prepared.facilities["kind"].isin(kinds)], on)
    parts += [
        f'<path d="{at}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linecap="round"/>'
        for colour, width in (("#ffffff", 10), ("#1b7f5c", 8))
    ]
    for place, point in enumerate(areas.geometry.head(3).representative_point().get_coordinates().to_numpy(), start=1):
        x, y = (point[0] - on.west) * on.scale, (on.north - point[1]) * on.scale
        parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="15" font-weight="bold" stroke="#fff" stroke-width="3" paint-order="stroke">{place}</text>'
        )
    return "".join([*parts, svg.bar(on), "</svg>"])


def _around(frame: Any) -> Any:
    """The extent with some ground around: a study of one home has none of its own."""
    return frame.geometry.buffer(standards.parameter("gap_cell_m")).total_bounds


def show(study: Study) -> Any:
    """The panel: a slider for the minutes, boxes for kinds and walker, the gap map and the figures below; for the last line of a cell.

    Raises
    ------
    MissingLayerError
        The study has no homes, facilities or streets.
    ModuleNotFoundError
        ipywidgets is not installed; the message says how to get it.
    """
    try:
        import ipywidgets as widgets
    except ImportError as error:
        raise ModuleNotFoundError(
            'The panel needs ipywidgets: pip install "lifecircle[lab]".', name="ipywidgets"
        ) from error

    prepared = prepare(study)
    zh, tongue = study.language == "zh", "zh" if study.language == "zh" else "en"
    required = circle.tier_kinds(study.standards).query("required")["kind"].drop_duplicates()
    options = sorted(((labels.word(kind, tongue), kind) for kind in required), key=lambda pair: pair[1])
    walkers = {LEVEL: "成人，按平地" if zh else "Adult, level ground"}
    walkers |= dict(standards.read("walkers").set_index("code")[f"name_{tongue}"])
    wide = {"description_width": "6em"}
    limit = widgets.IntSlider(15, 3, 30, description="分钟" if zh else "Minutes", continuous_update=False, style=wide)
    walker = widgets.Dropdown(
        options=[(name, code) for code, name in walkers.items()], description="步行者" if zh else "Walker", style=wide
    )
    first = [kind for kind in ("kindergarten", "primary_school", "health_centre") if kind in set(required)] or [
        options[0][1]
    ]
    kinds = widgets.SelectMultiple(
        options=options, value=first[:1], rows=10, description="设施" if zh else "Kinds", style=wide
    )
    map_, table = widgets.HTML(), widgets.HTML()

    def again(_: Any = None) -> None:
        areas, shares = gaps_of(prepared, kinds=kinds.value, limit_min=limit.value, walker=walker.value)
        map_.value = drawing(prepared, areas, kinds=kinds.value)
        table.value = _figures(shares, areas, tongue)

    for moved in (limit, walker, kinds):
        moved.observe(again, names="value")
    again()
    asked = widgets.VBox([limit, walker, kinds, table], layout=widgets.Layout(width="340px"))
    map_.layout = widgets.Layout(flex="1 1 auto", min_width="0")
    return widgets.HBox([asked, map_])


def _figures(shares: pd.DataFrame, areas: pd.DataFrame, language: str) -> str:
    """Shares and the largest gap areas as two small tables."""
    weight = str(shares.columns[1]).removesuffix("_covered")
    told = pd.DataFrame(
        {
            labels.heading("kind", language): shares["kind"].map(lambda kind: labels.word(kind, language)),
            labels.heading(f"share_of_{weight}", language): shares[f"share_of_{weight}"].map(
                "{:.0%}".format, na_action="ignore"
            ),
            labels.heading(f"{weight}_left_out", language): shares[f"{weight}_left_out"].map("{:,.0f}".format),
        }
    )
    top = areas.head(5)
    ranked = pd.DataFrame(
        {
            labels.heading("rank", language): top["rank"],
            labels.heading(f"{weight}_left_out", language): top[f"{weight}_left_out"].map("{:,.0f}".format),
            labels.titled("walk_min", language): top["walk_min"].map("{:.1f}".format, na_action="ignore"),
        }
    )
    return "".join(frame.to_html(index=False, border=0, na_rep="") for frame in (told, ranked))
