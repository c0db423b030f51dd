"""The walking network against pandana, scipy and networkx on real streets: ``python benchmarks/peers.py PLACE [--nodes 10000 100000 1000000]``.

PLACE is a folder with a study.toml; its streets are tiled (see `graphs`). Ten kinds, one facility per 500 vertices and kind, 15 minutes
at 1.25 m/s, a home at every vertex. Each library runs in a process of its own, three times, in turns; what is printed is Markdown with medians and
ratios. lifecircle starts from the ways as they are received, a GeoDataFrame. The others start from the table of vertices and pieces, ready
made: ``from ways`` adds what it takes to make that table with numpy. The homes come to lifecircle as an array of x and y, which it still
places; to the others a home is a vertex. Answers are compared before times are told; last comes how the cost grows with the size.
Needs ``pip install lifecircle[bench]``; pandana is left out where it is not installed.
"""

import argparse
import json
import os
import pickle
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import whole_run

LIMIT_MIN = 15.0
SPEED = 1.25
METRES = LIMIT_MIN * 60 * SPEED
# pandana searches within a limit only; this one is far enough to find every answer that the others find within 15 minutes.
PANDANA_M = METRES
PEERS = ("lifecircle", "scipy", "networkx", "pandana")
# A search takes minutes there.
SLOW = {"networkx": 100_000}


class Watch:
    """Seconds by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last = perf_counter()

    def __call__(self, step: str) -> None:
        now = perf_counter()
        self.seconds[step] = now - self.last
        self.last = now


def lifecircle(folder: Path, watch: Watch) -> dict[str, Any]:
    """Build, place and ask; ask again; all pairs of one kind."""
    from lifecircle import network

    homes, facilities = np.load(folder / "homes.npy"), read(folder / "facilities.pkl")
    walk = network.build(read(folder / "small.pkl"))  # compiled code is read from disk here
    network.nearest(walk, homes[:2000], facilities.iloc[::500], speed_m_s=SPEED)
    streets = read(folder / "streets.pkl")
    watch.last = perf_counter()
    walk = network.build(streets)
    watch("build")
    del streets  # the network keeps what it needs
    watch("let the ways go")
    minutes = network.nearest(walk, homes, facilities, speed_m_s=SPEED)
    watch("query")
    told = {"peak_mb": peak_mb()}
    put = network.placed_as(walk, homes)
    watch("place the homes")
    again = network.minutes(walk, network.field(walk, facilities), put, speed_m_s=SPEED)
    watch("query again")
    network.pairs(walk, homes[:10], facilities.iloc[:10], limit_min=1)
    watch("read more compiled code")
    pairs = network.pairs(walk, put, facilities[facilities["kind"] == "kind 0"], limit_min=LIMIT_MIN, speed_m_s=SPEED)
    watch("pairs")
    if not again.equals(minutes):
        raise SystemExit("The second answer is not the first.")
    np.save(folder / "lifecircle.npy", minutes.to_numpy())
    return told | {"pairs": len(pairs)}


def scipy(folder: Path, watch: Watch) -> dict[str, Any]:
    """Multi-source Dijkstra, and chunks of single-source Dijkstra for the pairs."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    n, a, b, metres, seeds = table(folder)
    watch.last = perf_counter()
    both = np.concatenate([metres, metres]), (np.concatenate([a, b]), np.concatenate([b, a]))
    graph = csr_array(both, shape=(n, n))
    watch("build")
    found = [dijkstra(graph, indices=seed, min_only=True) for seed in seeds]
    minutes = np.stack(found, axis=1) / (60 * SPEED)
    watch("query")
    told = {"peak_mb": peak_mb()}
    watch.last = perf_counter()
    found = [dijkstra(graph, indices=seed, min_only=True) for seed in seeds]
    minutes = np.stack(found, axis=1) / (60 * SPEED)
    watch("query again")
    pairs = 0
    for chunk in np.array_split(seeds[0], max(1, len(seeds[0]) * n // 100_000_000)):
        reach = dijkstra(graph, indices=chunk, limit=METRES * (1 + 1e-12))
        pairs += len(np.nonzero(reach <= METRES)[0])
    watch("pairs")
    np.save(folder / "scipy.npy", minutes)
    return told | {"pairs": pairs}


def networkx(folder: Path, watch: Watch) -> dict[str, Any]:
    """Multi-source Dijkstra in Python."""
    import networkx as nx

    n, a, b, metres, seeds = table(folder)
    watch.last = perf_counter()
    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_weighted_edges_from(zip(a.tolist(), b.tolist(), metres.tolist(), strict=True))
    watch("build")
    minutes = np.full((n, len(seeds)), np.inf)
    for i, seed in enumerate(seeds):
        reach = nx.multi_source_dijkstra_path_length(graph, seed.tolist())
        minutes[list(reach), i] = np.fromiter(reach.values(), float, len(reach)) / (60 * SPEED)
    watch("query")
    np.save(folder / "networkx.npy", minutes)
    return {"peak_mb": peak_mb()}


def pandana(folder: Path, watch: Watch) -> dict[str, Any]:
    """Contraction hierarchy, then the nearest point of every category."""
    import pandana as pdn
    import pandas as pd

    n, a, b, metres, seeds = table(folder)
    nodes = read(folder / "nodes.pkl")
    watch.last = perf_counter()
    net = pdn.Network(nodes["x"], nodes["y"], pd.Series(a), pd.Series(b), pd.DataFrame({"metres": metres}))
    watch("build")
    minutes = np.empty((n, len(seeds)))
    x, y = nodes["x"].to_numpy(), nodes["y"].to_numpy()
    for i, seed in enumerate(seeds):
        net.set_pois(f"k{i}", PANDANA_M, 1, pd.Series(x[seed]), pd.Series(y[seed]))
        minutes[:, i] = net.nearest_pois(PANDANA_M, f"k{i}", num_pois=1)[1].to_numpy() / (60 * SPEED)
    watch("query")
    told = {"peak_mb": peak_mb()}
    # What lies at the limit or beyond is given as the limit.
    np.save(folder / "pandana.npy", np.where(minutes >= LIMIT_MIN, np.inf, minutes))
    return told


def peak_mb() -> float | None:
    """The most memory this process held, in MB; on Linux without what it was started from held, which getrusage passes on."""
    status = Path("/proc/self/status")
    if status.exists():
        held = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(held.split()[1]) * 1024 / 1e6
    return whole_run.peak_mb()


def read(path: Path) -> Any:
    """What `main` wrote for the children."""
    with path.open("rb") as file:
        return pickle.load(file)


def table(folder: Path) -> tuple[int, np.ndarray, np.ndarray, np.ndarray, list[np.ndarray]]:
    """Vertices, both ends and length of the pieces, and the vertices with a facility of each kind."""
    got = np.load(folder / "table.npz")
    node, kind = got["node"], got["kind"]
    return int(got["n"]), got["a"], got["b"], got["metres"], [node[kind == k] for k in range(kind.max() + 1)]


def compare(place: Path, *, nodes: int, repeats: int, peers: list[str]) -> dict[str, float]:
    """Print the table of one size; seconds and memory of lifecircle."""
    import graphs

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        graph = graphs.tiled(place, nodes=nodes)
        facilities = graph.facilities(np.random.default_rng(1))
        start = perf_counter()
        graphs.table(graph.streets)
        making = perf_counter() - start
        small = graphs.tiled(place, nodes=10_000).streets.iloc[:3000]
        frames = {"small": small, "streets": graph.streets, "nodes": graph.nodes}
        np.save(folder / "homes.npy", graph.nodes.to_numpy())
        for key, frame in (frames | {"facilities": facilities}).items():
            (folder / f"{key}.pkl").write_bytes(pickle.dumps(frame))
        arrays = {"a": graph.pieces["from"], "b": graph.pieces["to"], "metres": graph.pieces["metres"]}
        kind = facilities["kind"].str.split().str[1].astype(int)
        np.savez(folder / "table.npz", n=len(graph.nodes), node=facilities["node"], kind=kind, **arrays)
        vertices = len(graph.nodes)
        size = f"{len(graph.streets):,} ways, {len(graph.nodes):,} vertices, {len(graph.pieces):,} pieces, {len(facilities):,} facilities"
        del graph, frames, arrays
        runs: dict[str, list[dict[str, Any]]] = {peer: [] for peer in peers if nodes <= SLOW.get(peer, nodes)}
        for _ in range(repeats):
            for peer, done in runs.items():
                done.append(child(peer, folder))
        mine = np.load(folder / "lifecircle.npy")
        agree = {peer: difference(mine, np.load(folder / f"{peer}.npy"), peer) for peer in runs if peer != "lifecircle"}
    return {"vertices": vertices} | tell(size, runs, agree, making)


def child(peer: str, folder: Path) -> dict[str, Any]:
    """One run of one library in a fresh process."""
    command = [sys.executable, __file__, str(folder), "--child", peer]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"{peer}: {done.stderr.strip()}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def difference(mine: np.ndarray, theirs: np.ndarray, peer: str) -> float:
    """The greatest difference in minutes, after stopping where it is more than the peer's own precision."""
    if peer == "pandana":
        # Distances are kept in float32 there and rounded to the millimetre at every piece.
        near = (mine < LIMIT_MIN - 0.01) | (theirs < LIMIT_MIN - 0.01)
        worst, most = np.abs(mine - theirs)[near].max(), 0.01
    else:
        worst, most = np.abs(mine - theirs).max(), 1e-6
    if not worst <= most:
        raise SystemExit(f"{peer} and lifecircle differ by {worst} minutes.")
    return float(worst)


def tell(size: str, runs: dict[str, list[dict[str, Any]]], agree: dict[str, float], making: float) -> dict[str, float]:
    """Print medians and ratios as Markdown; the medians of lifecircle."""
    print(f"\n### {size}\n")
    print(f"Making the table of vertices out of the ways: {making:.2f} s.\n")
    middle = {
        peer: {key: statistics.median(run[key] for run in done) for key in done[0]} for peer, done in runs.items()
    }
    mine = middle["lifecircle"]
    whole = mine["build"] + mine["query"]
    print(
        "| | build, s | query, s | both | ratio | from ways, ratio | again, s | ratio | pairs, s | ratio | peak, MB | differs by, min |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for peer, got in middle.items():
        both = got["build"] + got["query"]
        cells = [f"{got['build']:.2f}", f"{got['query']:.2f}", f"{both:.2f}"]
        cells.append("1" if peer == "lifecircle" else f"{both / whole:.1f}")
        cells.append("1" if peer == "lifecircle" else f"{(both + making) / whole:.1f}")
        for step in ("query again", "pairs_s"):
            cells += [f"{got[step]:.2f}", f"{got[step] / mine[step]:.1f}"] if step in got else ["", ""]
        cells += [f"{got['peak_mb']:,.0f}", f"{agree[peer]:.0e}" if peer in agree else ""]
        print(f"| {peer} | {' | '.join(cells)} |")
    counts = {peer: got["pairs"] for peer, got in middle.items() if "pairs" in got}
    print(f"\nPairs within {LIMIT_MIN:.0f} minutes, one kind: {counts}", flush=True)
    return mine


def growth(sizes: list[dict[str, float]]) -> None:
    """Print how the cost of lifecircle grows with the number of vertices."""
    print("\n### lifecircle by size\n")
    print("| vertices | build, s | query, s | both, µs a vertex | again, s | pairs, s | peak, MB |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for got in sizes:
        both = (got["build"] + got["query"]) / got["vertices"] * 1e6
        cells = [f"{got['vertices']:,}", f"{got['build']:.3f}", f"{got['query']:.3f}", f"{both:.2f}"]
        cells += [f"{got['query again']:.3f}", f"{got['pairs_s']:.3f}", f"{got['peak_mb']:,.0f}"]
        print(f"| {' | '.join(cells)} |")


def main() -> None:
    """Read the arguments, state machine and versions, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("place", type=Path)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument("--slow", action="store_true", help="networkx at a million vertices too")
    parser.add_argument("--child", choices=PEERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        watch = Watch()
        told = globals()[given.child](given.place, watch)
        seconds = {("pairs_s" if step == "pairs" else step): took for step, took in watch.seconds.items()}
        print(json.dumps(seconds | told))
        return
    if given.slow:
        SLOW.clear()
    peers = ["lifecircle", *(p for p in given.peers if p != "lifecircle" and find_spec(p))]
    print(
        f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}; median of {given.repeats};",
        end=" ",
    )
    print(", ".join(f"{p} {released(p)}" for p in (*peers, "numba", "numpy")) + "; homes as an array of x and y")
    growth([compare(given.place, nodes=nodes, repeats=given.repeats, peers=peers) for nodes in given.nodes])


def released(package: str) -> str:
    """The version of a package, if it says so."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"


if __name__ == "__main__":
    main()
