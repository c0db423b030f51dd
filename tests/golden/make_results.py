"""Makes `results.csv`, the figures of the sample town that a change of the code must not move unnoticed.

Run it after a change that is meant to move them, and read the difference: ``python tests/golden/make_results.py``.
"""

import sys
import tempfile
from pathlib import Path

import pandas as pd

from lifecircle import run, sample_town

GOLDEN = Path(__file__).with_name("results.csv")


def figures(folder: Path) -> pd.DataFrame:
    """Layer, figure and value of a run of the sample town into `folder`."""
    results = run(sample_town(), out=folder).results
    rows: dict[tuple[str, str], float] = {}
    town = results["coverage_town"]
    for row in town.itertuples():
        rows["coverage_town", f"{row.method} {row.tier} {row.kind}"] = row.residents_covered
    homes = results["coverage_homes"]
    for column in homes.filter(like="walk_min_"):
        rows["coverage_homes", f"sum of {column}"] = homes[column].sum()
    for group in ("candidate", "idle", "not_supplied"):
        for said, count in results["land"][group].value_counts().items():
            rows["land", f"{group} {said}"] = count
    for row in results["park_coverage"].itertuples():
        rows["park_coverage", f"{row.definition} {row.of}"] = row.covered
    for row in results["pipes_length"].itertuples():
        rows["pipes_length", f"{row.network} {row.material} {row.age}"] = row.length_m
    for said, count in results["pipes_screen"]["renewal"].value_counts().items():
        rows["pipes_screen", said] = count
    evidence = results["renewal_block_evidence"]
    for said, count in evidence["placed"].value_counts().items():
        rows["renewal_blocks", f"plots: {said}"] = count
    for why, count in evidence["why"].str.split(", ").explode().value_counts().items():
        rows["renewal_blocks", f"plots for {why}"] = count
    rows["renewal_blocks", "groups"] = evidence["cluster"].nunique()
    for column in ("plots_m2", "residents"):
        rows["renewal_blocks", column] = results["renewal_blocks"][column].sum()
    for (verdict, fit), count in results["reuse_options"].value_counts(["verdict", "fit"]).items():
        rows["reuse_options", f"{verdict}, {fit}"] = count
    for use, people in results["reuse_options"].groupby("use")["residents_newly"].sum().items():
        rows["reuse_options", f"sum of newly reached by {use}"] = people
    for row in results["reuse_curve"].itertuples():
        rows["reuse_curve", f"{row.sites} sites"] = row.residents_so_far
    for evidence, count in results["reuse_assets"]["evidence"].value_counts().items():
        rows["reuse_assets", evidence] = count
    table = pd.Series(rows, name="value").rename_axis(["layer", "figure"]).reset_index()
    return table.sort_values(["layer", "figure"], ignore_index=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as room:
        made = figures(Path(room) / "out")
    made.to_csv(GOLDEN, index=False, float_format="%.6f", lineterminator="\n", encoding="utf-8")
    sys.stdout.write(f"{len(made)} figures written to {GOLDEN.name}\n")
