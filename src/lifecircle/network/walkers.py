"""The network as a walker meets it: stairs, slopes, speed and the longest leg off the street."""

from dataclasses import replace

import numpy as np

from lifecircle import standards
from lifecircle.network import terrain
from lifecircle.network._kernels import Array
from lifecircle.network.noding import WalkNetwork, arc_costs, indexed
from lifecircle.study import Raster


def suited(walk: WalkNetwork, walker: standards.Walker, *, elevation: Raster | None = None) -> WalkNetwork:
    """`walk` as `walker` meets it, to be asked like any network.

    Stairs are left out for who cannot take them. With `elevation`, the rule ``tobler`` makes walking up slower than down (Tobler 1993, see
    `terrain.pace`), and ``limit`` leaves out streets steeper anywhere than the walker's `max_slope`; where the height is not known, streets
    count as level and stay. Cells longer than the parameter ``dem_pixel_max_m`` say nothing of single streets: the rule
    ``limit`` is then not applied, which the report tells. Legs off the street are counted as level.

    Returns
    -------
    WalkNetwork
        With edges of its own numbering. Its `report` adds slope_rule ("flat", "tobler", "limit"), stairs_left_out_m, too_steep_left_out_m,
        steep_not_judged (1 where the raster is too coarse for ``limit``) and height_unknown_share (of street length, NaN without a raster).

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import LineString
    >>> from lifecircle.network import build
    >>> lines = [LineString([(0, 0), (100, 0)]), LineString([(50, 0), (50, 30)])]
    >>> walk = build(gpd.GeoDataFrame({"class": ["footway", "steps"]}, geometry=lines, index=["a", "b"], crs=4547))
    >>> suited(walk, standards.walker("wheelchair")).report["stairs_left_out_m"]
    30.0
    """
    drawn = np.arange(len(walk.edge_m)) < walk.drawn
    keep = np.ones(len(walk.edge_m), bool) if walker.steps else ~walk.steps
    report = dict(walk.report)
    report["stairs_left_out_m"] = float(walk.edge_m[~keep & drawn].sum())
    report["too_steep_left_out_m"], report["steep_not_judged"] = 0.0, 0
    report["height_unknown_share"] = np.nan
    rule = walker.slope_rule if elevation is not None else "flat"
    forth = back = walk.along
    if elevation is not None and rule != "flat":
        there = terrain.profile(
            np.stack([walk.x, walk.y], axis=1) + walk.origin,
            walk.along,
            walk.edge_start,
            raster=elevation,
            crs=walk.crs,
            straight=walk.spans,
            ends=(walk.edge_u, walk.edge_v),
        )
        report["height_unknown_share"] = min(1.0, float(there.unknown_share))
        if rule == "tobler":
            forth, back = there.forth, there.back
        elif terrain.pixel_m(elevation) > standards.parameter("dem_pixel_max_m"):
            report["steep_not_judged"] = 1
        else:
            steep = there.steepest > walker.max_slope
            report["too_steep_left_out_m"] = float(walk.edge_m[keep & steep & drawn].sum())
            keep &= ~steep
    fitted = walk if keep.all() else _without(walk, keep)
    if forth is not walk.along:
        if not keep.all():
            forth, back = (_taken(keep, walk, values) for values in (forth, back))
        fitted = replace(fitted, forth=forth, back=back, arc_in=arc_costs(fitted, forth, back))
    report |= {name: fitted.report[name] for name in ("edges", "length_m", "components", "largest_share")}
    report["slope_rule"] = rule
    return replace(fitted, speed_m_s=walker.speed_m_s, max_leg_m=walker.longest_leg_m, report=report)


def _taken(keep: Array, walk: WalkNetwork, values: Array) -> Array:
    return np.asarray(values[np.repeat(keep, np.diff(walk.edge_start))])


def _without(walk: WalkNetwork, keep: Array) -> WalkNetwork:
    # The network of the edges in `keep`; nodes stay, some of them with nothing left.
    begin = np.append(0, np.cumsum(np.diff(walk.edge_start)[keep]))
    u, v, length = walk.edge_u[keep], walk.edge_v[keep], walk.edge_m[keep]
    x, y, along = (_taken(keep, walk, values) for values in (walk.x, walk.y, walk.along))
    held, told = indexed(
        u,
        v,
        length,
        begin,
        x,
        y,
        along,
        nodes=len(walk.node_x),
        drawn=int(keep[: walk.drawn].sum()),
    )
    of_edges = {name: getattr(walk, name)[keep] for name in ("edge_street", "steps", "spans")}
    return replace(walk, **held, **of_edges, report=walk.report | told)
