"""Times a whole run stage by stage: ``python benchmarks/whole_run.py [STUDY ...] [--repeats 3]``.

Every run is a fresh process. *Cold* runs compile first, with an empty cache of numba's; *warm* runs find that cache filled.
What is printed is Markdown, with the median of the runs for each stage and for the peak of memory.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

PACKAGES = ("lifecircle", "geopandas", "numba", "numpy", "pandas", "pyogrio", "shapely")


def child(study: Path, out: Path) -> None:
    """Run one study in this process and print its seconds by stage, its counts and its peak of memory as JSON."""
    start = perf_counter()
    import lifecircle

    result = lifecircle.run(study, out=out)
    seconds = {"import": 0.0, **result.seconds}
    total = perf_counter() - start
    seconds["import"] = total - sum(result.seconds.values())
    tables = result.study.tables()
    counts = {
        name: len(tables[name]) for name in ("homes", "facilities", "streets", "parcels", "pipes") if name in tables
    }
    told = {
        "seconds": seconds,
        "processor": process_time(),
        "peak_mb": peak_mb(),
        "counts": counts,
        "name": result.study.name,
        "map_mb": result.map.stat().st_size / 1e6,
    }
    print(json.dumps(told))


def peak_mb() -> float | None:
    """The most memory this process held, in MB; None where the system does not say."""
    if sys.platform == "win32":
        try:
            import psutil
        except ImportError:
            return None
        return float(psutil.Process().memory_info().peak_wset) / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, kibibytes elsewhere
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def measure(study: Path, *, cache: Path) -> dict[str, Any]:
    """One run of `study` in a fresh process, with `cache` as numba's cache."""
    with tempfile.TemporaryDirectory() as out:
        env = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONUTF8": "1"}
        command = [sys.executable, __file__, "--child", str(study), "--out", str(Path(out) / "set")]
        start = perf_counter()
        done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8")
        wall = perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{study}: {done.stderr.strip()}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told | {"wall": wall}


def compare(study: Path, *, repeats: int) -> None:
    """Print the table of one study: cold and warm, medians."""
    cold, warm = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(measure(study, cache=Path(cache)))
            warm.append(measure(study, cache=Path(cache)))
    counts = ", ".join(f"{number:,} {what}" for what, number in warm[0]["counts"].items())
    print(f"\n### {warm[0]['name']}\n\n{counts}; map {warm[0]['map_mb']:.1f} MB\n")
    print("| stage | cold, s | warm, s |\n|---|---:|---:|")
    for stage in warm[0]["seconds"]:
        row = [statistics.median(run["seconds"][stage] for run in runs) for runs in (cold, warm)]
        print(f"| {stage} | {row[0]:.2f} | {row[1]:.2f} |")
    whole = [statistics.median(run["wall"] for run in runs) for runs in (cold, warm)]
    print(f"| **whole process** | **{whole[0]:.1f}** | **{whole[1]:.1f}** |")
    used = [statistics.median(run["processor"] for run in runs) for runs in (cold, warm)]
    print(f"| processor time, s | {used[0]:.1f} | {used[1]:.1f} |")
    peaks = [[run["peak_mb"] for run in runs if run["peak_mb"] is not None] for runs in (cold, warm)]
    said = [f"{statistics.median(peak):,.0f}" if peak else "not known" for peak in peaks]
    print(f"| peak memory, MB | {said[0]} | {said[1]} |", flush=True)


def main() -> None:
    """Read the arguments, state machine and versions, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", nargs="*", type=Path, help="folders with a study.toml; the sample town without any")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.study[0], given.out)
        return
    root = Path(__file__).resolve().parents[1]
    print(
        f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}; median of {given.repeats};",
        end=" ",
    )
    print(", ".join(f"{package} {version(package)}" for package in PACKAGES))
    for study in given.study or [root / "data" / "sample_town"]:
        compare(study, repeats=given.repeats)


if __name__ == "__main__":
    main()
