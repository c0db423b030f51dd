"""Where people are left out: contiguous areas of dwelling land beyond reach, ranked by those who live there.

Dwelling land is drawn as square cells that hold a home. The cells lie on one lattice through the origin of the coordinate system,
so that neither the order of the homes nor the extent of the town moves them. Cells with somebody left out are one gap area
where they touch, at a side or a corner. A home whose answer is not known lies in no gap; it is counted beside it.
"""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

_Array = np.ndarray[Any, np.dtype[Any]]


def by_kind(
    homes: gpd.GeoDataFrame,
    answers: pd.DataFrame,
    kinds: pd.DataFrame,
    minutes: pd.DataFrame,
    weights: "pd.Series[float]",
    groups: "pd.Series[Any]",
    *,
    cell_m: float,
    method: str = "minutes",
) -> gpd.GeoDataFrame:
    """The gap areas of each required kind of each tier.

    Parameters
    ----------
    homes
        Points in a projected system in metres; a home without a point lies in no gap.
    answers
        Homes × (method, tier, kind), nullable boolean, as `lifecircle.analyse.coverage.reached` returns it.
    kinds
        One row for each (tier, kind), with ``required`` (bool); optional kinds leave nobody out.
    minutes
        Homes × kinds, NaN where there is no way; a kind without a column has no facility.
    weights, groups
        What each home counts for and the area it lies in; their names are used in the columns. A missing weight counts as nobody.
    cell_m
        The side of a cell in metres.

    Returns
    -------
    GeoDataFrame
        Index ``gap_id`` (tier, kind and the number among those of the kind), most people first: rank, tier, kind, homes (left out),
        ``<weight>_left_out``, ``<weight>_not_known`` (in the same cells), the area where most of those left out live (missing: most
        live in none), ``walk_min`` (half of those who can get to the nearest facility walk that long or less; NaN: nobody
        can), ``<weight>_no_way`` (left out because no way leads there), area_m2 and the union of the cells. Ties go by tier, kind and
        the southernmost, then westernmost cell.

    Raises
    ------
    ValueError
        Where `cell_m` is not a length above 0.

    Examples
    --------
    >>> homes = gpd.GeoDataFrame(geometry=gpd.points_from_xy([50, 150, 950], [50, 150, 50]), index=list("abc"), crs=4547)
    >>> kinds = pd.DataFrame({"tier": [5], "kind": ["clinic"], "required": [True]})
    >>> minutes = pd.DataFrame({"clinic": [9.0, 7.0, 4.0]}, index=homes.index)
    >>> answers = pd.DataFrame({("minutes", 5, "clinic"): [False, False, True]}, index=homes.index, dtype="boolean")
    >>> people, where = (pd.Series(v, index=homes.index, name=n) for v, n in ((20.0, "residents"), ("x", "area_id")))
    >>> found = by_kind(homes, answers, kinds, minutes, people, where, cell_m=100)
    >>> found[["rank", "homes", "residents_left_out", "walk_min", "area_m2"]].reset_index().values.tolist()
    [['5-clinic-1', 1, 2, 40.0, 7.0, 20000.0]]
    """
    ground = _Ground.of(homes, weights, cell_m)
    parts = []
    for tier, mine in _asked(answers, kinds, method).items():
        for kind in mine:
            lacks, unknown = ground.lacking(answers, [(method, tier, kind)])
            part, inside = ground.areas(lacks[:, 0], unknown, groups)
            if part.empty:
                continue
            walks = ground.walks(inside, ground.minutes(minutes, kind))
            parts.append(part.join(walks).assign(tier=tier, kind=kind))
    columns = [*ground.counted(groups), "walk_min", f"{ground.weight}_no_way", "area_m2"]
    return _ranked(parts, ["tier", "kind"], columns, homes.crs).drop(columns="gap", errors="ignore")


def by_tier(
    homes: gpd.GeoDataFrame,
    answers: pd.DataFrame,
    kinds: pd.DataFrame,
    minutes: pd.DataFrame,
    weights: "pd.Series[float]",
    groups: "pd.Series[Any]",
    *,
    cell_m: float,
    method: str = "minutes",
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """The gap areas of each tier, where any required kind is missing, and what is missing in each.

    A home is left out of a tier where one answer to a required kind is no, and not known where none is no and one is not known. Kinds
    to which no home has an answer (no radius in the standard) do not count. Arguments are those of `by_kind`.

    Returns
    -------
    tuple
        The areas, GeoDataFrame as that of `by_kind` without kind: ``missing`` (codes of the kinds that somebody there lacks, sorted,
        joined by a comma), ``missing_kinds`` (their number), and for ``worst_kind``, the one that most people there lack (ties by
        code), ``walk_min`` and ``<weight>_no_way``.

        The kinds missing, DataFrame: gap_id, tier, kind, homes, ``<weight>_left_out``, ``<weight>_no_way``, ``walk_min``; in the order of
        the areas, most people first.

    Raises
    ------
    ValueError
        As `by_kind`.

    Examples
    --------
    >>> homes = gpd.GeoDataFrame(geometry=gpd.points_from_xy([50, 150], [50, 50]), index=list("ab"), crs=4547)
    >>> kinds = pd.DataFrame({"tier": 5, "kind": ["bank", "clinic"], "required": True})
    >>> minutes = pd.DataFrame({"clinic": [9.0, 3.0]}, index=homes.index)
    >>> answers = pd.DataFrame({("minutes", 5, "bank"): [False, False], ("minutes", 5, "clinic"): [False, True]},
    ...                        index=homes.index, dtype="boolean")
    >>> people, where = (pd.Series(v, index=homes.index, name=n) for v, n in ((20.0, "residents"), ("x", "area_id")))
    >>> areas, missing = by_tier(homes, answers, kinds, minutes, people, where, cell_m=100)
    >>> areas[["residents_left_out", "missing", "worst_kind", "residents_no_way"]].values.tolist()
    [[40.0, 'bank, clinic', 'bank', 40.0]]
    >>> missing[["kind", "residents_left_out", "walk_min"]].values.tolist()
    [['bank', 40.0, nan], ['clinic', 20.0, 9.0]]
    """
    ground = _Ground.of(homes, weights, cell_m)
    lost, no_way = f"{ground.weight}_left_out", f"{ground.weight}_no_way"
    parts, details = [], []
    for tier, mine in _asked(answers, kinds, method).items():
        lacks, unknown = ground.lacking(answers, [(method, tier, kind) for kind in mine])
        part, inside = ground.areas(np.asarray(lacks.any(axis=1)), unknown, groups)
        if part.empty:
            continue
        lists = []
        for column, kind in enumerate(mine):
            here = np.where(lacks[:, column], inside, -1)
            walks = ground.walks(here, ground.minutes(minutes, kind))
            walks["homes"], walks[lost] = ground.sums(here)
            lists.append(walks.reset_index().assign(tier=tier, kind=kind))
        lacked = pd.concat(lists, ignore_index=True).sort_values(["gap", lost, "kind"], ascending=[True, False, True])
        worst = lacked.drop_duplicates("gap").set_index("gap").rename(columns={"kind": "worst_kind"})
        named = lacked.sort_values(["gap", "kind"]).groupby("gap")["kind"].agg(missing=", ".join, missing_kinds="size")
        parts.append(part.join(named).join(worst[["worst_kind", "walk_min", no_way]]).assign(tier=tier))
        details.append(lacked)
    missing = ["missing", "missing_kinds", "worst_kind", "walk_min", no_way]
    areas = _ranked(parts, ["tier"], [*ground.counted(groups), *missing, "area_m2"], homes.crs)
    columns = ["gap_id", "tier", "kind", "homes", lost, no_way, "walk_min"]
    if areas.empty:
        return areas, pd.DataFrame(columns=columns)
    ids = areas.reset_index().set_index(["tier", "gap"])[["gap_id", "rank"]]
    long = pd.concat(details, ignore_index=True).join(ids, on=["tier", "gap"])
    long = long.sort_values(["rank", lost, "kind"], ascending=[True, False, True])
    return areas.drop(columns="gap"), long[columns].reset_index(drop=True)


def grid(
    homes: gpd.GeoDataFrame,
    answers: pd.DataFrame,
    kinds: pd.DataFrame,
    weights: "pd.Series[float]",
    *,
    cell_m: float,
    method: str = "minutes",
) -> gpd.GeoDataFrame:
    """Every cell that holds a home: who lives there, who is left out of each tier, and how many kinds are missing.

    Arguments are those of `by_kind`; who is left out of a tier is said at `by_tier`.

    Returns
    -------
    GeoDataFrame
        Index ``cell_id`` (column and row of the lattice), from the south and then the west: homes, ``<weight>``, and for each tier
        ``<weight>_left_out_<tier>``, ``<weight>_not_known_<tier>`` and ``missing_kinds_<tier>``: how many required kinds somebody in
        the cell lacks, NaN where nobody's answer is known. Squares of `cell_m` metres.

    Raises
    ------
    ValueError
        As `by_kind`.

    Examples
    --------
    >>> homes = gpd.GeoDataFrame(geometry=gpd.points_from_xy([50, 60, 950], [50, 50, 50]), index=list("abc"), crs=4547)
    >>> kinds = pd.DataFrame({"tier": [5], "kind": ["clinic"], "required": [True]})
    >>> answers = pd.DataFrame({("minutes", 5, "clinic"): [False, True, None]}, index=homes.index, dtype="boolean")
    >>> people = pd.Series(20.0, index=homes.index, name="residents")
    >>> cells = grid(homes, answers, kinds, people, cell_m=100)
    >>> cells[["residents", "residents_left_out_5", "missing_kinds_5"]].reset_index().values.tolist()
    [['0_0', 40.0, 20.0, 1.0], ['9_0', 20.0, 0.0, nan]]
    """
    ground = _Ground.of(homes, weights, cell_m)
    of, n = ground.cell, len(ground.cells)
    located = of >= 0
    columns: dict[str, Any] = {
        "homes": np.bincount(of[located], minlength=n),
        ground.weight: _sums(of[located], ground.people[located], n),
    }
    for tier, mine in _asked(answers, kinds, method).items():
        lacks, unknown = ground.lacking(answers, [(method, tier, kind) for kind in mine])
        left, open_ = lacks.any(axis=1) & located, unknown & located
        told = np.bincount(of[located & ~unknown], minlength=n) > 0
        missing = np.zeros(n)
        for column in range(len(mine)):
            missing += np.bincount(of[lacks[:, column] & located], minlength=n) > 0
        columns[f"{ground.weight}_left_out_{tier}"] = _sums(of[left], ground.people[left], n)
        columns[f"{ground.weight}_not_known_{tier}"] = _sums(of[open_], ground.people[open_], n)
        columns[f"missing_kinds_{tier}"] = np.where(told, missing, np.nan)
    col, row = ground.cells.T
    names = pd.Series(col).astype("str") + "_" + pd.Series(row).astype("str")
    index = pd.Index(names, name="cell_id", dtype="str")
    return gpd.GeoDataFrame(pd.DataFrame(columns, index=index), geometry=ground.squares(np.arange(n)), crs=homes.crs)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Ground:
    """Homes in the order of their ids, so that sums do not depend on the order of rows, each in a cell of the lattice."""

    index: "pd.Index[Any]"
    people: _Array
    weight: str
    cell_m: float
    cells: _Array  # column and row of every cell with a home, from the south and then the west
    cell: _Array  # the cell of each home, −1 where it has no point

    @classmethod
    def of(cls, homes: gpd.GeoDataFrame, weights: "pd.Series[float]", cell_m: float) -> "_Ground":
        if not 0 < cell_m < np.inf:
            raise ValueError(f"cell_m must be a length above 0 m, not {cell_m}.")
        index = homes.index.sort_values()
        points = np.asarray(homes.geometry.reindex(index).array)
        xy = np.column_stack([shapely.get_x(points), shapely.get_y(points)])
        located = np.isfinite(xy).all(axis=1)
        row_col = np.floor(xy[located, ::-1] / cell_m).astype(np.int64)
        cells, inverse = np.unique(row_col, axis=0, return_inverse=True)
        cell = np.full(len(index), -1)
        cell[located] = inverse.ravel()
        people = weights.reindex(index).fillna(0.0).to_numpy(dtype="float64")
        return cls(
            index=index, people=people, weight=str(weights.name), cell_m=float(cell_m), cells=cells[:, ::-1], cell=cell
        )

    def lacking(self, answers: pd.DataFrame, columns: list[tuple[str, int, str]]) -> tuple[_Array, _Array]:
        """Homes × columns: the answer is no; and homes of which no answer is no and one is not known."""
        values = answers[columns].reindex(self.index).to_numpy(dtype="float64", na_value=np.nan)
        lacks = values == 0
        return lacks, ~lacks.any(axis=1) & np.isnan(values).any(axis=1)

    def minutes(self, minutes: pd.DataFrame, kind: str) -> _Array:
        if kind not in minutes:
            return np.full(len(self.index), np.nan)
        return minutes[kind].reindex(self.index).to_numpy(dtype="float64")

    def gap(self, left: _Array) -> tuple[_Array, _Array]:
        """Cells with somebody left out, and the gap area of each: numbered by their first cell."""
        held = np.unique(self.cell[left & (self.cell >= 0)])
        return held, _components(self.cells[held])

    def areas(self, left: _Array, unknown: _Array, groups: "pd.Series[Any]") -> tuple[pd.DataFrame, _Array]:
        """One row a gap area, and the area each home left out lies in (−1: in none)."""
        held, number = self.gap(left)
        of_cell = np.full(len(self.cells) + 1, -1)  # the last entry stands for homes without a cell
        of_cell[held] = number
        inside = of_cell[self.cell]
        n = int(number.max()) + 1 if len(held) else 0
        out, open_ = inside[left & (inside >= 0)], unknown & (inside >= 0)
        frame = pd.DataFrame(
            {
                "homes": np.bincount(out, minlength=n),
                f"{self.weight}_left_out": _sums(out, self.people[left & (inside >= 0)], n),
                f"{self.weight}_not_known": _sums(inside[open_], self.people[open_], n),
            },
            index=pd.RangeIndex(n, name="gap"),
        )
        inside = np.where(left, inside, -1)
        frame[str(groups.name)] = self.most(inside, groups)
        cells = np.bincount(number, minlength=n)
        frame["area_m2"] = cells * self.cell_m**2
        if n:
            shapes = np.empty(n, dtype=object)
            alone = cells[number] == 1
            shapes[number[alone]] = self.squares(held[alone])
            held, number = held[~alone], number[~alone]
            if len(held):
                order = np.argsort(number, kind="stable")
                _, piece = np.unique(number, return_inverse=True)
                pieces = np.asarray(shapely.multipolygons(self.squares(held[order]), indices=piece[order]))
                # Squares that only share a side leave their corners along straight outlines.
                shapes[cells > 1] = shapely.simplify(shapely.coverage_union_all(pieces[:, None], axis=1), 0.0)
            frame["geometry"] = np.asarray(shapely.normalize(shapes))
        return frame, inside

    def most(self, inside: _Array, groups: "pd.Series[Any]") -> "pd.Series[Any]":
        """The group where most of the people of each gap area live."""
        here = inside >= 0
        where = pd.DataFrame(
            {"gap": inside[here], "group": groups.reindex(self.index)[here], "people": self.people[here]}
        )
        sums = where.groupby(["gap", "group"], dropna=False)["people"].sum().reset_index()
        sums = sums.sort_values(["gap", "people", "group"], ascending=[True, False, True])
        return sums.drop_duplicates("gap").set_index("gap")["group"]

    def walks(self, inside: _Array, walked: _Array) -> pd.DataFrame:
        """How long half of those in each gap area walk at most, and how many have no way at all."""
        here = inside >= 0
        told = pd.DataFrame({"gap": inside[here], "walk_min": walked[here], "people": self.people[here]})
        told["people"] = told["people"].where(told.groupby("gap")["people"].transform("sum") > 0, 1.0)
        ways = told.dropna().sort_values(["gap", "walk_min"])
        by = ways.groupby("gap")["people"]
        half = ways[by.cumsum() >= by.transform("sum") * (0.5 - _ROUNDING)].drop_duplicates("gap").set_index("gap")
        none = pd.Series(np.where(np.isnan(walked[here]), self.people[here], 0.0)).groupby(inside[here]).sum()
        frame = none.rename(f"{self.weight}_no_way").to_frame().rename_axis("gap")
        frame.insert(0, "walk_min", half["walk_min"])
        return frame

    def sums(self, inside: _Array) -> tuple["pd.Series[Any]", "pd.Series[Any]"]:
        """Homes and people of each gap area."""
        here = inside >= 0
        by = pd.Series(self.people[here]).groupby(inside[here])
        return by.size(), by.sum()

    def counted(self, groups: "pd.Series[Any]") -> list[str]:
        """The columns of `areas` that count people, and where they live."""
        return ["homes", f"{self.weight}_left_out", f"{self.weight}_not_known", str(groups.name)]

    def squares(self, held: _Array) -> _Array:
        west, south = (self.cells[held] * self.cell_m).T
        east, north = ((self.cells[held] + 1) * self.cell_m).T
        squares: _Array = shapely.box(west, south, east, north)
        return squares


# A sum of people may end in the last bit below the half it is.
_ROUNDING = 1e-12


def _asked(answers: pd.DataFrame, kinds: pd.DataFrame, method: str) -> dict[int, list[str]]:
    """The required kinds of each tier to which anybody has an answer, in order."""
    required = kinds.loc[kinds["required"].to_numpy(bool), ["tier", "kind"]].sort_values(["tier", "kind"])
    told = answers.columns[answers.notna().any(axis=0)]
    pairs = [(int(t), str(k)) for t, k in required.itertuples(index=False) if (method, t, k) in told]
    return {tier: [k for t, k in pairs if t == tier] for tier in dict.fromkeys(t for t, _ in pairs)}


def _sums(of: _Array, people: _Array, n: int) -> _Array:
    # Of nobody, bincount makes whole numbers.
    return np.bincount(of, people, n).astype("float64")


def _components(cells: _Array) -> _Array:
    """The number of the piece each cell belongs to; cells touch at sides and corners, pieces are numbered by their first cell."""
    n = len(cells)
    if not n:
        return np.empty(0, np.int64)
    col, row = (cells - cells.min(axis=0)).T
    width = int(col.max()) + 3  # an empty column on either side, so that no row runs on into the next
    code = row * width + col + 1
    parts = []
    for step in (1, width - 1, width, width + 1):
        at = np.minimum(np.searchsorted(code, code + step), n - 1)
        met = np.flatnonzero(code[at] == code + step)
        parts.append(np.column_stack([met, at[met]]))
    a, b = np.concatenate(parts).T
    root = np.arange(n)
    while True:
        low, high = np.minimum(root[a], root[b]), np.maximum(root[a], root[b])
        if (low == high).all():
            return np.unique(root, return_inverse=True)[1]
        # Every piece hangs itself below its lowest neighbour, then all paths are made one step long.
        np.minimum.at(root, high, low)
        while (root[root] != root).any():
            root = root[root]


def _ranked(parts: list[pd.DataFrame], key: list[str], columns: list[str], crs: Any) -> gpd.GeoDataFrame:
    """All gap areas in one layer, most people first, with their ids."""
    if not parts:
        empty = gpd.GeoDataFrame(columns=["rank", *key, *columns, "geometry"], geometry="geometry", crs=crs)
        empty.index = pd.Index([], name="gap_id", dtype="str")
        return empty
    found = pd.concat([part.reset_index() for part in parts], ignore_index=True)
    found = found.sort_values([columns[1], *key, "gap"], ascending=[False, *[True] * len(key), True], ignore_index=True)
    found.insert(0, "rank", np.arange(1, len(found) + 1))
    number = (found.groupby(key).cumcount() + 1).astype("str")
    said = found[key].astype("str").assign(number=number)
    names = said[key[0]].str.cat(said.drop(columns=key[0]), sep="-")
    found.index = pd.Index(names, name="gap_id", dtype="str")
    return gpd.GeoDataFrame(found[["rank", *key, "gap", *columns, "geometry"]], geometry="geometry", crs=crs)
