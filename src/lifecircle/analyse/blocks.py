"""Renewal blocks (片区): plots with a reason for renewal, grouped into contiguous blocks of a stated size.

Two plots are neighbours where one can come from the main part of one to that of the other over their own ground and the strip
beside it without crossing a wall, a river, a railway or a main road. Neighbours of neighbours make a group. A group smaller
than the least is no block: its plots stay on a list of single plots, so that nothing is lost; a plot that alone is larger than
the most stays on it, too. A group larger than the most is cut along the minimum spanning tree of its neighbourhoods, as SKATER
does (Assunção et al. 2006, International Journal of Geographical Information Science 20), but each cut is the one that halves
the land best while both sides stay blocks.

Components, trees and depths are those of ``scipy.sparse.csgraph``. The regionalisation of spopt (SKATER, max-p) bounds a region
from below or by number only, never from above, and wants weights of libpysal that know no walls; with the neighbours found
here, what is left is a graph, and the answer is the same on every machine and for every order of rows.
"""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

_Array = np.ndarray[Any, np.dtype[Any]]
_MM = 1e-3


def sides(plots: gpd.GeoDataFrame, cuts: "gpd.GeoSeries | None", *, cut_m: float) -> pd.DataFrame:
    """On which side of the lines that cut each plot most of it lies.

    Parameters
    ----------
    plots
        Polygons or points in a projected system in metres.
    cuts
        Lines no block may cross, in the same system; None or empty where there are none.
    cut_m
        Half the width in metres that a line takes from the ground.

    Returns
    -------
    DataFrame
        On the index of `plots`: ``main``, a point inside the largest part of the plot that the lines leave (missing where they leave
        none), and ``beyond_share``, the share of the plot's ground that lies in other parts: beyond a line, or drawn apart.

    Examples
    --------
    >>> from shapely import LineString, box
    >>> plots = gpd.GeoDataFrame(geometry=[box(0, 0, 100, 10)], crs=4547)
    >>> wall = gpd.GeoSeries([LineString([(80, -1), (80, 11)])], crs=4547)
    >>> float(sides(plots, wall, cut_m=0.5)["beyond_share"].iloc[0].round(3))
    0.197
    """
    shapes = plots.geometry.to_numpy()
    main, beyond = shapely.point_on_surface(shapes), np.zeros(len(shapes))
    lines = _lines(cuts)
    crossed = shapely.STRtree(lines).query(shapes, predicate="dwithin", distance=cut_m)[0]
    at = np.union1d(crossed, np.flatnonzero(shapely.get_num_geometries(shapes) > 1))
    if len(at):
        parts, of = shapely.get_parts(_without(shapes[at], lines, cut_m), return_index=True)
        parts, of = parts[~shapely.is_empty(parts)], of[~shapely.is_empty(parts)]
        area = shapely.area(parts)
        order = np.lexsort((-area, of))
        first = order[np.flatnonzero(np.diff(of[order], prepend=-1))]
        main[at] = None
        main[at[of[first]]] = shapely.point_on_surface(parts[first])
        whole = np.bincount(of, weights=area, minlength=len(at))
        largest = np.zeros(len(at))
        largest[of[first]] = area[first]
        beyond[at] = np.where(whole > 0, 1 - largest / np.where(whole > 0, whole, 1.0), 0.0)
    return pd.DataFrame({"main": gpd.GeoSeries(main, index=plots.index, crs=plots.crs), "beyond_share": beyond})


def neighbours(plots: gpd.GeoDataFrame, cuts: "gpd.GeoSeries | None", *, join_m: float, cut_m: float) -> pd.DataFrame:
    """Pairs of plots that belong together: near enough, and with a way between them that crosses none of the lines.

    Parameters
    ----------
    plots, cuts, cut_m
        As `sides` takes them.
    join_m
        The widest strip between two plots in metres, such as a lane. A way around the end of a line counts as far as it runs over
        the two plots, the strip between them and half of `join_m` around them.

    Returns
    -------
    DataFrame
        One row a pair: ``one`` and ``other`` (indices, in the order of the frame) and ``apart_m``, the distance between them.

    Raises
    ------
    ValueError
        Where `join_m` or `cut_m` is not a length above 0.

    Examples
    --------
    >>> from shapely import LineString, box
    >>> plots = gpd.GeoDataFrame(geometry=[box(0, 0, 9, 9), box(12, 0, 20, 9), box(23, 0, 30, 9)], index=list("abc"), crs=4547)
    >>> wall = gpd.GeoSeries([LineString([(21, -50), (21, 50)])], crs=4547)
    >>> neighbours(plots, wall, join_m=5, cut_m=0.1).values.tolist()
    [['a', 'b', 3.0]]
    """
    if not (join_m > 0 and cut_m > 0):
        raise ValueError(f"join_m and cut_m are lengths above 0, not {join_m:g} and {cut_m:g}")
    shapes = plots.geometry.to_numpy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=join_m)
    one, other = one[one < other], other[one < other]
    order = np.lexsort((other, one))
    one, other = one[order], other[order]
    lines = _lines(cuts)
    near = shapely.get_num_geometries(shapes) > 1
    near[shapely.STRtree(lines).query(shapes, predicate="dwithin", distance=join_m + cut_m)[0]] = True
    joined = ~(near[one] | near[other])
    joined[~joined] = _joined(
        shapes, (one[~joined], other[~joined]), lines, sides(plots, cuts, cut_m=cut_m), join_m, cut_m
    )
    one, other = one[joined], other[joined]
    return pd.DataFrame(
        {
            "one": plots.index.take(one),
            "other": plots.index.take(other),
            "apart_m": shapely.distance(shapes[one], shapes[other]),
        }
    )


def _joined(
    shapes: _Array, pairs: tuple[_Array, _Array], lines: _Array, side: pd.DataFrame, join_m: float, cut_m: float
) -> _Array:
    """Whether one piece of the ground of each pair, the lines taken out, holds the main parts of both."""
    one, other = pairs
    main = side["main"].to_numpy()
    used, place = np.unique(np.concatenate(pairs), return_inverse=True)
    around = shapely.buffer(shapes[used], join_m / 2)
    strip = shapely.buffer(shapely.shortest_line(shapes[one], shapes[other]), join_m / 2)
    ground = shapely.union(shapely.union(around[place[: len(one)]], around[place[len(one) :]]), strip)
    parts, of = shapely.get_parts(_without(ground, lines, cut_m), return_index=True)
    both = shapely.intersects(parts, main[one[of]]) & shapely.intersects(parts, main[other[of]])
    out = np.zeros(len(one), dtype=bool)
    out[of[both]] = True
    return out


def _lines(cuts: "gpd.GeoSeries | None") -> _Array:
    """The single lines of `cuts`."""
    if cuts is None or not len(cuts):
        return np.array([], dtype=object)
    there = cuts[cuts.notna() & ~cuts.is_empty]
    return np.asarray(shapely.get_parts(np.asarray(there.array)))


def _without(shapes: _Array, lines: _Array, cut_m: float) -> _Array:
    """Each shape less the strips of the lines near it."""
    of, line = shapely.STRtree(lines).query(shapes, predicate="dwithin", distance=cut_m)
    out = np.array(shapes, dtype=object)
    if not len(of):
        return out
    order = np.lexsort((line, of))
    at, place = np.unique(of[order], return_inverse=True)
    strips = shapely.buffer(shapely.multilinestrings(lines[line[order]], indices=place), cut_m, quad_segs=2)
    out[at] = shapely.difference(out[at], strips)
    return out


def grouped(plots: gpd.GeoDataFrame, pairs: pd.DataFrame, *, least_m2: float, most_m2: float) -> pd.DataFrame:
    """The block of each plot, or why it is in none.

    Parameters
    ----------
    plots
        Polygons or points in a projected system in metres, with a unique index.
    pairs
        What `neighbours` returned for them.
    least_m2, most_m2
        The ground of a block in square metres, overlapping plots counted once.

    Returns
    -------
    DataFrame
        On the index of `plots`:

        - ``block_id``, numbered from B001 from the largest ground to the smallest; missing where the plot is in no block
        - ``placed``: ``block``, ``single plot`` where its group is smaller than `least_m2`, ``cut off`` where it was cut from a group
          that was too large and what was cut is smaller than `least_m2`, or ``too large`` where the plot alone is larger than `most_m2`
        - ``cluster``, numbered from G001 in the same way, the contiguous group before any cut
        - ``ground_m2``, the ground of the block or of what was too small for one; ``cluster_m2``, that of the group
        - ``pieces``, into how many the group was cut (1: not at all)

        A plot that is larger than `most_m2` by itself is never cut and in no block, and blocks do not join across it.

    Raises
    ------
    ValueError
        An index with repeated values, or sizes that leave nothing between them.

    Examples
    --------
    >>> from shapely import box
    >>> plots = gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10), box(40, 0, 45, 9)], index=list("abc"), crs=4547)
    >>> pairs = neighbours(plots, None, join_m=5, cut_m=1)
    >>> grouped(plots, pairs, least_m2=150, most_m2=500)[["block_id", "placed"]].values.tolist()
    [['B001', 'block'], ['B001', 'block'], [nan, 'single plot']]
    """
    if not 0 <= least_m2 < most_m2:
        raise ValueError(f"a block of at least {least_m2:g} and at most {most_m2:g} m² cannot be")
    if not plots.index.is_unique:
        raise ValueError("plots: an index with repeated values names no plot")
    order = np.argsort(plots.index.astype("str").to_numpy(dtype=object), kind="stable")
    sorted_: gpd.GeoDataFrame = plots.iloc[order]
    shapes = sorted_.geometry.to_numpy()
    area = shapely.area(shapes)
    group = _parts_of(_forest(sorted_, pairs), len(shapes))
    ground = _ground(shapes, group)
    large = area > most_m2
    tree = _forest(sorted_, pairs[~pairs[["one", "other"]].isin(sorted_.index[large]).any(axis=1)])
    part = _parts_of(tree, len(shapes))
    size = _ground(shapes, part)
    while True:
        many = np.bincount(part, minlength=len(size))
        too_large = np.flatnonzero((size > most_m2) & (many > 1))
        if not len(too_large):
            break
        cut = np.array([_best_cut(tree, part == which, area, least_m2) for which in too_large], dtype=np.int64)
        tree = np.delete(tree, cut, axis=0)
        part = _parts_of(tree, len(shapes))
        size = _ground(shapes, part)
    pieces = pd.Series(part).groupby(group).nunique().to_numpy()
    fits = (size >= least_m2) & (size <= most_m2)
    out = pd.DataFrame(
        {
            "block_id": _numbered(part, size, "B", fits),
            "placed": np.select(
                [fits[part], large, pieces[group] > 1], ["block", "too large", "cut off"], "single plot"
            ),
            "cluster": _numbered(group, ground, "G", np.ones(len(ground), dtype=bool)),
            "ground_m2": size[part],
            "cluster_m2": ground[group],
            "pieces": pieces[group],
        },
        index=sorted_.index,
    ).astype({"block_id": "str", "placed": "str", "cluster": "str"})
    return out.reindex(plots.index)


def _forest(plots: gpd.GeoDataFrame, pairs: pd.DataFrame) -> _Array:
    """The edges (two places, the looseness of the link) of the minimum spanning trees, the same whatever order the rows came in."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    ends = np.sort(np.column_stack([plots.index.get_indexer(pd.Index(pairs[end])) for end in ("one", "other")]), axis=1)
    if (ends < 0).any():
        raise ValueError("pairs: names plots that are not in the frame")
    middle = shapely.centroid(plots.geometry.to_numpy())
    between = np.round(shapely.distance(middle[ends[:, 0]], middle[ends[:, 1]]) / _MM)
    apart = np.round(pairs["apart_m"].to_numpy(dtype=np.float64) / _MM)
    # Ranks instead of lengths: no two are equal, so there is one tree only, and none is nought, which would be no edge.
    rank = np.empty(len(ends))
    rank[np.lexsort((ends[:, 1], ends[:, 0], between, apart))] = np.arange(1, len(ends) + 1)
    n = len(plots)
    tree = minimum_spanning_tree(coo_array((rank, (ends[:, 0], ends[:, 1])), shape=(n, n)).tocsr()).tocoo()
    edges = np.column_stack([*tree.coords, tree.data]).astype(np.int64).reshape(-1, 3)
    return np.asarray(edges[np.lexsort((edges[:, 1], edges[:, 0]))])


def _graph(edges: _Array, n: int) -> Any:
    from scipy.sparse import coo_array

    return coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(n, n)).tocsr()


def _parts_of(edges: _Array, n: int) -> _Array:
    """Which tree each place is in, numbered by the lowest place of each."""
    from scipy.sparse.csgraph import connected_components

    labels = connected_components(_graph(edges, n), directed=False)[1]
    return np.asarray(pd.factorize(labels)[0], dtype=np.int64)


def _ground(shapes: _Array, part: _Array) -> _Array:
    """The ground that the shapes of each part cover together."""
    return np.asarray(shapely.area(_unions(shapes, part)[1]), dtype=np.float64)


def _unions(shapes: _Array, of: _Array) -> tuple[_Array, _Array]:
    """The different values of `of` in rising order, and the union of the shapes of each."""
    order = np.argsort(of, kind="stable")
    names, place = np.unique(of[order], return_inverse=True)
    together: Any = shapely.geometrycollections(shapes[order], indices=place)
    return names, np.asarray(shapely.union_all(together[:, None], axis=1))


def _best_cut(edges: _Array, inside: _Array, area: _Array, least_m2: float) -> int:
    """The edge whose cut halves the land of a tree best with both sides blocks, else as well as can be; of equals the loosest link."""
    from scipy.sparse.csgraph import breadth_first_order, dijkstra

    own = np.flatnonzero(inside[edges[:, 0]])
    places = np.flatnonzero(inside)
    local = np.column_stack([np.searchsorted(places, edges[own, end]) for end in (0, 1)])
    graph = _graph(local, len(places))
    parent = breadth_first_order(graph, 0, directed=False)[1]
    depth = dijkstra(graph, directed=False, indices=0, unweighted=True)
    below = area[places].astype(np.float64)
    for level in range(int(depth.max()), 0, -1):
        at = np.flatnonzero(depth == level)
        np.add.at(below, parent[at], below[at])
    child = np.where(parent[local[:, 1]] == local[:, 0], local[:, 1], local[:, 0])
    less = np.round(np.minimum(below[child], below[0] - below[child]))
    return int(own[np.lexsort((edges[own, 2], less, less >= least_m2))[-1]])


def _numbered(part: _Array, size: _Array, letter: str, named: _Array) -> Any:
    """Names by falling size for the parts that get one."""
    order = np.lexsort((np.arange(len(size)), -np.round(size), ~named))
    rank = np.empty(len(size), dtype=np.int64)
    rank[order] = np.arange(1, len(size) + 1)
    names = letter + pd.Series(rank).astype("str").str.zfill(3)
    return names.where(named).to_numpy(dtype=object)[part]


def drawn(
    plots: gpd.GeoDataFrame, placed: pd.DataFrame, cuts: "gpd.GeoSeries | None", *, join_m: float, cut_m: float
) -> gpd.GeoDataFrame:
    """The blocks as polygons with an outline that can be read: their plots and the lanes and yards between them.

    Parameters
    ----------
    plots, cuts, join_m, cut_m
        As `neighbours` takes them.
    placed
        What `grouped` returned.

    Returns
    -------
    GeoDataFrame
        Index ``block_id``, the largest first: ``plots`` (how many), ``plots_m2`` (their ground), ``outline_m2``, ``cluster``, ``pieces`` and
        the outline. It holds every plot of the block whole and no ground of a plot of another block; what it adds never lies
        beyond a line.

    Examples
    --------
    >>> from shapely import box
    >>> plots = gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10), box(12, 0, 22, 10)], index=list("ab"), crs=4547)
    >>> placed = grouped(plots, neighbours(plots, None, join_m=5, cut_m=1), least_m2=150, most_m2=500)
    >>> drawn(plots, placed, None, join_m=5, cut_m=1)[["plots_m2", "outline_m2"]].values.tolist()
    [[200.0, 220.0]]
    """
    within = placed["block_id"].notna().to_numpy()
    shapes = plots.geometry.to_numpy()[within]
    names, union = _unions(shapes, placed["block_id"].to_numpy(dtype=object)[within].astype(str))
    if len(union):
        square: dict[str, Any] = {"join_style": "mitre", "mitre_limit": 2.0}
        closed = shapely.buffer(shapely.buffer(union, join_m / 2, **square), -join_m / 2, **square)
        lanes = _without(shapely.difference(closed, shapely.union_all(shapes)), _lines(cuts), cut_m)
        parts, at = shapely.get_parts(shapely.union(union, lanes), return_index=True)
        kept = shapely.area(shapely.intersection(parts, union[at])) > 0
        union = _unions(parts[kept], at[kept])[1]
    facts = (
        placed[within]
        .groupby("block_id")
        .agg(
            plots=("placed", "size"),
            plots_m2=("ground_m2", "first"),
            cluster=("cluster", "first"),
            pieces=("pieces", "first"),
        )
    )
    out = facts.reindex(pd.Index(names, name="block_id", dtype="str"))
    out.insert(2, "outline_m2", shapely.area(union))
    return gpd.GeoDataFrame(out, geometry=union, crs=plots.crs)


def inside(points: gpd.GeoDataFrame, blocks: gpd.GeoDataFrame) -> "pd.Series[str]":
    """The block each point lies in, outlines included; missing where in none. Of several the first.

    >>> from shapely import Point, box
    >>> blocks = gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10)], index=["B001"], crs=4547)
    >>> inside(gpd.GeoDataFrame(geometry=[Point(5, 5), Point(15, 5)], crs=4547), blocks).tolist()
    ['B001', nan]
    """
    point, block = shapely.STRtree(blocks.geometry.to_numpy()).query(points.geometry.to_numpy(), predicate="intersects")
    order = np.lexsort((block, point))
    point, block = point[order], block[order]
    first = np.flatnonzero(np.diff(point, prepend=-1))
    out = np.full(len(points), None, dtype=object)
    out[point[first]] = blocks.index.to_numpy(dtype=object)[block[first]]
    return pd.Series(out, index=points.index, name="block_id").astype("str")


def works(projects: gpd.GeoDataFrame, blocks: gpd.GeoDataFrame) -> pd.DataFrame:
    """What projects tear down and build in each block, as `lifecircle.analyse.renewal.demolition` takes it.

    A project that lies partly in a block counts there by the share of its ground.

    Parameters
    ----------
    projects
        Polygons with ``demolished_m2`` and ``built_m2``, square metres of floor; NaN where not known.
    blocks
        Polygons with the blocks' index.

    Returns
    -------
    DataFrame
        One row a project and a block: ``block``, ``project``, ``share``, ``demolished_floor_area_m2``, ``new_floor_area_m2``.

    Examples
    --------
    >>> from shapely import box
    >>> projects = gpd.GeoDataFrame({"demolished_m2": [100.0], "built_m2": [300.0]}, geometry=[box(5, 0, 15, 10)], crs=4547)
    >>> blocks = gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10)], index=["B001"], crs=4547)
    >>> works(projects, blocks).values.tolist()
    [['B001', 0, 0.5, 50.0, 150.0]]
    """
    shapes, outlines = projects.geometry.to_numpy(), blocks.geometry.to_numpy()
    project, block = shapely.STRtree(outlines).query(shapes, predicate="intersects")
    order = np.lexsort((block, project))
    project, block = project[order], block[order]
    share = shapely.area(shapely.intersection(shapes[project], outlines[block])) / shapely.area(shapes)[project]
    kept = share > 0
    project, block, share = project[kept], block[kept], share[kept]
    torn, new = (projects[c].to_numpy(dtype=np.float64)[project] * share for c in ("demolished_m2", "built_m2"))
    return pd.DataFrame(
        {
            "block": blocks.index.take(block),
            "project": projects.index.take(project),
            "share": share,
            "demolished_floor_area_m2": torn,
            "new_floor_area_m2": new,
        }
    )
