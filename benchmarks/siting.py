"""Forty of 500 sites for 50,000 demand points: ``python benchmarks/siting.py [--peer PYTHON]``.

The kept instance, the same on every machine: a square town of 12 km; 25,000 points spread evenly and 25,000 around twelve centres
(Gaussian, 600 m to either side; what falls outside is put on the edge); 1 to 9 residents each; 500 candidates at demand points
drawn at random; reached means within 800 m, straight line, the limit included. A candidate reaches some 1,100 points (2.2 %), all
candidates together all of them but a few, and 40 of them about three quarters of the residents: neither everything nor little.

``--peer`` names a Python that has spopt and pulp; it builds and solves the same model with the solver of PuLP in a process of its own,
ended after ``--seconds``.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import shapely

SIDE_M, REACH_M, POINTS, CANDIDATES, P = 12_000.0, 800.0, 50_000, 500, 40
CENTRES, SPREAD_M = 12, 600.0

PEER = """
import json, sys, time, warnings
import numpy as np
warnings.simplefilter("ignore")
import pulp
from spopt.locate import MCLP
given = np.load(sys.argv[1])
began = time.perf_counter()
reach = np.full((len(given["weight"]), int(given["options"])), 2.0)
reach[given["home"], given["site"]] = 1.0
model = MCLP.from_cost_matrix(reach, given["weight"], 1.0, p_facilities=int(given["p"]))
built = time.perf_counter() - began
print(json.dumps({"built": built}), flush=True)
model = model.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=float(sys.argv[2])), results=False)
print(json.dumps({"built": built, "seconds": time.perf_counter() - began, "objective": pulp.value(model.problem.objective)}))
"""


def instance(*, points: int = POINTS, candidates: int = CANDIDATES, seed: int = 1) -> tuple[pd.DataFrame, ...]:
    """Pairs, homes, sites and kinds of the kept instance; pairs come sorted by home and site, metres stand for minutes."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0.1 * SIDE_M, 0.9 * SIDE_M, (CENTRES, 2))
    even = rng.uniform(0.0, SIDE_M, (points // 2, 2))
    many = points - len(even)
    around = centres[rng.integers(0, CENTRES, many)] + rng.normal(0.0, SPREAD_M, (many, 2))
    xy = np.vstack([even, np.clip(around, 0.0, SIDE_M)])
    residents = rng.integers(1, 10, points).astype("float64")
    at = xy[rng.choice(points, candidates, replace=False)]
    tree = shapely.STRtree(shapely.points(xy))
    site, home = tree.query(shapely.points(at), predicate="dwithin", distance=REACH_M)
    order = np.lexsort((site, home))
    site, home = site[order], home[order]
    metres = np.hypot(*(xy[home] - at[site]).T)
    pairs = pd.DataFrame({"home_id": home, "facility_id": site, "walk_min": metres})
    sites = pd.DataFrame({"site_id": np.arange(candidates), "kind": "centre"})
    kinds = pd.DataFrame({"limit_min": [REACH_M + 1e-6]}, index=["centre"])
    return pairs, pd.DataFrame({"residents": residents}), sites, kinds


def ours() -> None:
    """Times lifecircle in this process and prints what it found as JSON."""
    from lifecircle.analyse import siting

    pairs, homes, sites, kinds = instance()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = perf_counter()
    answer = siting.maximal_covering(pairs, homes, sites, kinds=kinds, p=P)
    seconds = perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"pairs": len(pairs), "seconds": seconds, "peak": peak, "before": before, "people": homes["residents"].sum()}
    told |= {"objective": answer.objective, "bound": answer.bound, "gap": answer.gap_share, "stopped": answer.stopped}
    print(json.dumps(told | {"method": ", ".join(answer.method)}))


def peer(python: str, seconds: float) -> dict[str, float]:
    """What spopt reports on the same instance within `seconds`; empty where it built no model."""
    pairs, homes, sites, _ = instance()
    told = ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instance.npz"
        columns = {"home": pairs["home_id"], "site": pairs["facility_id"], "weight": homes["residents"]}
        np.savez(path, **{name: column.to_numpy() for name, column in columns.items()}, options=len(sites), p=P)
        command = [python, "-c", PEER, str(path), str(seconds)]
        try:
            told = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=seconds).stdout
        except subprocess.TimeoutExpired as late:
            told = (late.stdout or b"").decode() if isinstance(late.stdout, bytes) else late.stdout or ""
    lines = told.strip().splitlines()
    return json.loads(lines[-1]) if lines else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", action="store_true", help="run lifecircle in this process and print JSON")
    parser.add_argument("--peer", help="a Python that has spopt and pulp")
    parser.add_argument("--seconds", type=float, default=330.0, help="when the peer is ended")
    given = parser.parse_args()
    if given.one:
        ours()
        return
    done = subprocess.run([sys.executable, __file__, "--one"], capture_output=True, encoding="utf-8", check=True)
    mine = json.loads(done.stdout)
    print(
        f"{POINTS:,} demand points, {CANDIDATES} candidates, {mine['pairs']:,} pairs within {REACH_M:.0f} m, p = {P}\n"
    )
    print("| | s | peak MB (before) | residents | share | bound | gap | stopped |")
    print("|---|---:|---:|---:|---:|---:|---:|---|")
    print(
        f"| lifecircle ({mine['method']}) | {mine['seconds']:.1f} | {mine['peak']:.0f} ({mine['before']:.0f}) | {mine['objective']:,.0f} | "
        f"{mine['objective'] / mine['people']:.2%} | {mine['bound'] / mine['people']:.2%} | {mine['gap']:.2%} | {mine['stopped']} |"
    )
    if given.peer:
        theirs = peer(given.peer, given.seconds)
        if "objective" in theirs:
            share = theirs["objective"] / mine["people"]
            print(f"| spopt | {theirs['seconds']:.0f} | – | {theirs['objective']:,.0f} | {share:.2%} | – | – | – |")
        else:
            built = f"model built after {theirs['built']:.0f} s, " if theirs else "no model built, "
            print(f"| spopt | {given.seconds:.0f} | – | {built}no answer | – | – | – | time |")


if __name__ == "__main__":
    main()
