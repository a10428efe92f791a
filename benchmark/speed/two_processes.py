"""A run in several processes beside the same run in one: the same domains, and how much faster.

    python benchmark/speed/two_processes.py [--spots 20000 200000] [--processes 2] [--epochs 0]

RNA (100 genes) and protein (50), simulated, five domains at every scale. One process has as many
threads as there are processes in the other run, so that both have the same cores. Efficiency is
the time of one by the clock over that of several, and over the number of processes with one thread
in one: 1 were no loss. CPU seconds are of all processes; on a busy machine they alone compare.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def write_tables(folder: Path, n_spots: int) -> list[str]:
    """Simulate a section; return its tables as the command takes them."""
    from napari_trsmi import simulate

    data = simulate(
        "published",
        n_spots=n_spots,
        modalities=("rna", "protein"),
        n_features={"rna": 100, "protein": 50},
        image=False,
    )
    named = []
    for modality in data.modalities:
        table = modality.table.copy()
        table.obsm["spatial"] = data.coordinates
        path = folder / f"{modality.name}.h5ad"
        table.write_h5ad(path)
        named.append(f"{modality.name}={path}")
    return named


def run(launcher: list[str], tables: list[str], output: Path, options: list[str]) -> dict:
    """Run the command; return its seconds, CPU seconds and largest process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    command = [sys.executable, *launcher, "-m", "napari_trsmi", "run", *tables]
    command += ["-o", str(output), "--n-domains", "5", "--device", "cpu", "--quiet", *options]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": time.perf_counter() - started,
        "cpu": spent.ru_utime + spent.ru_stime - before.ru_utime - before.ru_stime,
    }


def compare(n_spots: int, processes: int, epochs: int) -> None:
    """Run one size and print a line of the table."""
    from sklearn.metrics import adjusted_rand_score

    from napari_trsmi import read_result

    several = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    ways = {"one": ([], processes), "one thread": ([], 1), "several": (several, 1)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tables = write_tables(folder, n_spots)
        took, results = {}, {}
        for way, (launcher, threads) in ways.items():
            output = folder / f"{way.replace(' ', '-')}.h5ad"
            options = ["--threads", str(threads), "--epochs", str(epochs)]
            took[way] = run(launcher, tables, output, options)
            results[way] = read_result(output)
            print(json.dumps({"spots": n_spots, way: took[way]}), file=sys.stderr, flush=True)
    one, other = results["one thread"], results["several"]
    scales = one.domains_by_scale
    agreed = [adjusted_rand_score(scales[s], other.domains_by_scale[s]) for s in scales]
    loss = ""
    if epochs:
        apart = (one.history["loss"] - other.history["loss"]).abs() / one.history["loss"].abs()
        loss = f"{apart.max():.1e}"
    cpu = took["one thread"]["cpu"] / took["several"]["cpu"]
    clock = took["one"]["seconds"] / took["several"]["seconds"]
    efficiency = took["one thread"]["seconds"] / took["several"]["seconds"] / processes
    print(
        f"| {n_spots:,} | {epochs} | {min(agreed):.4f} | {loss} "
        f"| {took['one thread']['cpu']:.0f} | {took['several']['cpu']:.0f} | {cpu:.2f} "
        f"| {took['one thread']['seconds']:.0f} | {took['one']['seconds']:.0f} "
        f"| {took['several']['seconds']:.0f} | {clock:.2f} | {efficiency:.2f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=0)
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, {options.processes} processes")
    print(
        "| spots x 2 | epochs | ARI with one process, least of the scales | loss apart "
        "| CPU s, one | CPU s, several | ratio | s, one thread | s, as many threads | s, several "
        "| one over several | efficiency |"
    )
    print("|---" * 12 + "|")
    for n_spots in options.spots:
        compare(n_spots, options.processes, options.epochs)


if __name__ == "__main__":
    main()
