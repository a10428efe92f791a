"""CPU seconds of other methods over ours, from the same features to domains, all in one run.

    python benchmark/speed/rivals.py [--data mouse_brain_p22] [--methods spatialglue]

Each method runs in a process and an environment of its own (`trsmi-benchmark install spatialglue`),
one after the other on one thread. Ours are the default, which finds domains at five scales, and the
regions and the states alone; they run first and last, so that a machine that slows down is seen,
and ratios are to the mean. A method without domains of its own is given the common clustering of
its embedding.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from trsmi_benchmark.catalogue import chosen_methods
from trsmi_benchmark.data.sections import CASES, chosen_cases
from trsmi_benchmark.method import Method
from trsmi_benchmark.process import Limits
from trsmi_benchmark.rows import RowsFile
from trsmi_benchmark.runs import Protocol, iter_runs

_DEFAULT = Method("trsmi_default", "TRSMI", "trsmi", "trsmi_benchmark.trsmi:run", {})


def measure(case, methods, limits):
    """The rows of one pass, by method."""
    protocol = Protocol(seeds=1, limits=limits, threads=1)
    with tempfile.TemporaryDirectory() as folder:
        rows = RowsFile(Path(folder) / "rows.jsonl")
        return {p.row.method: p.row for p in iter_runs(rows, [case], methods, protocol)}


def spent(row):
    """CPU seconds from features to domains; None if it did not end."""
    if row.status != "done":
        return None
    own = "own" in row.scores
    return row.measured["cpu_seconds"] + (0 if own else row.measured["cluster_cpu_seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="mouse_brain_p22", choices=tuple(CASES))
    parser.add_argument("--methods", nargs="+", default=["spatialglue"])
    parser.add_argument("--minutes", type=float, default=60, help="Most of a method.")
    options = parser.parse_args()
    (case,) = chosen_cases((options.data,))
    limits = Limits(60 * options.minutes, 16 * 2**30)
    ours = [_DEFAULT, *chosen_methods(("trsmi", "trsmi_states"))]
    before = measure(case, ours, limits)
    others = measure(case, chosen_methods(tuple(options.methods)), limits)
    after = measure(case, ours, limits)
    means = {name: (spent(row) + spent(after[name])) / 2 for name, row in before.items()}
    print(f"| method | CPU s | MB at the peak | CPU s over {' | over '.join(means)} |")
    print("|---" * (3 + len(means)) + "|")
    for name, row in (*before.items(), *after.items(), *others.items()):
        seconds = spent(row)
        if seconds is None:
            print(f"| {name} | {row.status}: {row.message} |")
            continue
        ratios = " | ".join(f"{seconds / mean:.2f}" for mean in means.values())
        print(f"| {name} | {seconds:.1f} | {row.measured['memory'] / 1e6:,.0f} | {ratios} |")


if __name__ == "__main__":
    main()
