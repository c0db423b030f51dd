"""No large demolition and no duplicate investment: what a programme of works tears down, and which works overlap.

The limits are those of 建科〔2021〕63号, read from ``reuse.csv`` by the caller: demolition of at most 20 % of the existing floor
area of a unit, and new floor area of at most twice what is demolished.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.analyse._comparing import OPERATORS, TOUCH_M2

_SIGNS = {sign: holds for sign, holds in OPERATORS.items() if sign != "="}  # a limit is a bound


def demolition(works: pd.DataFrame, existing: "pd.Series[float]", limits: pd.DataFrame) -> pd.DataFrame:
    """What each block tears down and builds anew, against the limits.

    Parameters
    ----------
    works
        One row a project or a parcel: ``block``, ``demolished_floor_area_m2``, ``new_floor_area_m2``; NaN where not known, 0 where
        there is none. New is what is built in the block, extensions among it.
    existing
        Floor area in m² that stands in each block before the works, on the blocks' index.
    limits
        Rows of ``reuse.csv``: ``quantity`` (``demolition_share`` or ``rebuild_ratio``; others are left aside), ``operator``, ``value``,
        ``source``, ``mark`` and ``binding``, whether the limit may decide.

    Returns
    -------
    DataFrame
        On the index of `existing`: ``works``, how many; ``existing_m2``, ``demolished_m2``, ``new_m2`` (NaN as soon as one work's is
        not known); ``demolition_share``, demolished ÷ existing; ``rebuild_ratio``, new ÷ demolished (NaN where nothing is demolished).
        For every limit Q: ``Q_kept``, yes, no, ``not known``, ``not applicable`` (nothing is demolished), or ``indicative yes`` and
        ``indicative no`` where the limit is not confirmed; ``Q_threshold``; ``Q_source``.

    Raises
    ------
    ValueError
        A work whose block is missing or not in `existing`, an area below zero, or an operator that is none.

    Notes
    -----
    What is known may decide whatever the rest is: known demolition above the share is a no although the sum is NaN, known new floor
    area within the ratio of what is known to go is a yes, and nothing demolished keeps the share whatever stands there.

    Examples
    --------
    >>> from lifecircle import standards
    >>> limits = standards.read("reuse").query("quantity in ['demolition_share', 'rebuild_ratio']")
    >>> limits = limits.assign(binding=standards.binding(limits["mark"]))
    >>> works = pd.DataFrame({"block": ["A", "A", "B"], "demolished_floor_area_m2": [500.0, 500.0, 3000.0],
    ...                       "new_floor_area_m2": [1500.0, 1000.0, 3000.0]})
    >>> said = demolition(works, pd.Series({"A": 10_000.0, "B": 10_000.0}), limits)
    >>> said[["demolition_share", "rebuild_ratio"]].values.tolist()
    [[0.1, 2.5], [0.3, 1.0]]
    >>> said[["demolition_share_kept", "rebuild_ratio_kept"]].values.tolist()
    [['yes', 'no'], ['no', 'yes']]
    """
    _refuse_works(works, existing)
    columns = {"demolished_m2": "demolished_floor_area_m2", "new_m2": "new_floor_area_m2"}
    groups = works.groupby("block")
    out = pd.DataFrame({"works": groups.size().reindex(existing.index, fill_value=0)}, index=existing.index)
    out["existing_m2"] = existing.astype("float64")
    known = {}
    for name, column in columns.items():
        known[name] = groups[column].sum().reindex(existing.index, fill_value=0.0)
        told = works[column].notna().groupby(works["block"]).all().reindex(existing.index, fill_value=True)
        out[name] = known[name].where(told)
    stands = out["existing_m2"].where(out["existing_m2"] > 0)
    goes = out["demolished_m2"].where(out["demolished_m2"] > 0)
    out["demolition_share"] = (out["demolished_m2"] / stands).mask(out["demolished_m2"] == 0, 0.0)
    out["rebuild_ratio"] = out["new_m2"] / goes
    least = {"demolition_share": known["demolished_m2"] / stands, "rebuild_ratio": known["new_m2"] / goes}
    known_goes = known["demolished_m2"].where(known["demolished_m2"] > 0)
    most = {"demolition_share": out["demolition_share"], "rebuild_ratio": out["new_m2"] / known_goes}
    for limit in limits[limits["quantity"].isin(["demolition_share", "rebuild_ratio"])].to_dict("records"):
        quantity, sign, value = str(limit["quantity"]), str(limit["operator"]), float(limit["value"])
        if sign not in _SIGNS:
            raise ValueError(f"{quantity}: the operator {sign!r} is none of {', '.join(_SIGNS)}")
        # An upper limit is kept where the most keeps it and broken where the least breaks it; a lower limit the other way round.
        best, worst = (least, most) if sign in ("<", "<=") else (most, least)
        keeps = _SIGNS[sign](worst[quantity], value) & worst[quantity].notna()
        breaks = ~_SIGNS[sign](best[quantity], value) & best[quantity].notna()
        kept = keeps.astype("boolean").mask(~keeps & ~breaks)
        prefix = "" if limit["binding"] else "indicative "
        said = kept.map({True: f"{prefix}yes", False: f"{prefix}no"}).astype("object").fillna("not known")
        if quantity == "rebuild_ratio":
            said = said.mask(out["demolished_m2"] == 0, "not applicable")
        out[f"{quantity}_kept"] = said
        out[f"{quantity}_threshold"] = f"{quantity} {sign} {value:g}"
        out[f"{quantity}_source"] = str(limit["source"])
    return out


def _refuse_works(works: pd.DataFrame, existing: "pd.Series[float]") -> None:
    lost = works["block"][~works["block"].isin(existing.index)]
    if len(lost):
        raise ValueError(f"{len(lost)} works are in no block with an existing floor area (such as {lost.iloc[0]!r})")
    for name, values in (
        ("existing floor area", existing),
        *((column, works[column]) for column in ("demolished_floor_area_m2", "new_floor_area_m2")),
    ):
        if (values < 0).any():
            raise ValueError(f"{name}: {int((values < 0).sum())} below zero")


def duplicates(projects: gpd.GeoDataFrame, *, least_m2: float = 0.0, years_apart: float = 0.0) -> pd.DataFrame:
    """Projects that spend on the same thing on the same ground in the same year.

    Parameters
    ----------
    projects
        Polygons in a projected system in metres with ``kind`` and ``year``.
    least_m2
        Overlaps of no more than this are passed over; a common boundary is never one.
    years_apart
        How far apart the years of two projects may be and still count as the same.

    Returns
    -------
    DataFrame
        One row a pair, in the order of the frame: ``project``, ``other`` (indices), ``kind``, ``year`` and ``other_year``, ``overlap_m2``,
        ``share_of_smaller``, and ``duplicate``: ``yes``, or ``not known`` where a kind or year is missing and what is there agrees.

    Examples
    --------
    >>> from shapely import box
    >>> projects = gpd.GeoDataFrame({"kind": ["sewer", "sewer", "park"], "year": [2025.0, 2025.0, 2025.0]},
    ...                             geometry=[box(0, 0, 10, 10), box(5, 0, 15, 10), box(0, 0, 10, 10)], crs=4547)
    >>> duplicates(projects)[["project", "other", "overlap_m2", "share_of_smaller", "duplicate"]].values.tolist()
    [[0, 1, 50.0, 0.5, 'yes']]
    """
    shapes = projects.geometry.to_numpy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, other = one[one < other], other[one < other]
    kind, year = projects["kind"].to_numpy(dtype=object), projects["year"].to_numpy(dtype=np.float64)
    missing = pd.isna(kind)
    unknown = missing[one] | missing[other] | np.isnan(year[one]) | np.isnan(year[other])
    same_kind = missing[one] | missing[other] | (kind[one] == kind[other])
    apart = np.abs(year[one] - year[other])
    agree = same_kind & ~(apart > years_apart)
    one, other, unknown = one[agree], other[agree], unknown[agree]
    area = shapely.area(shapely.intersection(shapes[one], shapes[other]))
    smaller = np.minimum(shapely.area(shapes)[one], shapely.area(shapes)[other])
    with np.errstate(invalid="ignore"):
        share = area / smaller
    pairs = pd.DataFrame(
        {
            "project": projects.index.take(one),
            "other": projects.index.take(other),
            "kind": pd.Series(np.where(missing[one], kind[other], kind[one]), dtype="str"),
            "year": year[one],
            "other_year": year[other],
            "overlap_m2": area,
            "share_of_smaller": share,
            "duplicate": np.where(unknown, "not known", "yes"),
        }
    )
    order = np.lexsort((other, one))
    pairs = pairs.iloc[order]
    return pairs[pairs["overlap_m2"] > max(least_m2, TOUCH_M2)].reset_index(drop=True)
