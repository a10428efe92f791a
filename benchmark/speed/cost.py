"""CPU seconds, time and peak memory of the whole command, each run in a process of its own.

python benchmark/speed/cost.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from trsmi_benchmark.data.cases import data_folder
from trsmi_benchmark.data.sections import CASES

_RUNS = (
    ("mouse_brain_p22", "14"),
    ("mouse_brain_p22", "4"),
    ("mouse_brain_p22", "auto"),
    ("sim_triplet", "5"),
    ("sim_triplet", "auto"),
)
"""Data and number of domains; 4 is what `auto` finds in the mouse brain."""


def main() -> None:
    print("| command | CPU s | s | MB at the peak |\n|---|---|---|---|")
    for name, n_domains in _RUNS:
        paths = [f"{kind}={data_folder() / file}" for kind, file in CASES[name].files]
        if len(paths) == 1:  # of a table with all modalities
            paths = [paths[0].partition("=")[2]]
        cpu, wall, peak = cost([*paths, "--n-domains", n_domains])
        print(f"| {name}, {n_domains} | {cpu:.1f} | {wall:.1f} | {peak:,.0f} |", flush=True)


def cost(arguments: list[str]) -> tuple[float, float, float]:
    """Run the command; CPU seconds, seconds and MB."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "napari_trsmi", "run", *arguments, "--quiet"]
        command += ["--output", str(Path(folder) / "domains.h5ad")]
        started = time.perf_counter()
        run = subprocess.Popen(command, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
        _, status, used = os.wait4(run.pid, 0)
        wall = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(command)} failed.")
    return used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
