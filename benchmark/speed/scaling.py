"""Time an epoch and peak memory against the number of spots, each size in its own process.

    python benchmark/speed/scaling.py [--spots 1000 10000 100000] [--device cpu] [--threads 2]

Twenty epochs of training with the defaults, its alignment searches included, and the median of its
steps; then five domains at every scale. The ratios are of the time per spot, to the row before.
Peak memory is that of the device: the whole process on the CPU, what PyTorch held on a GPU.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from statistics import median

from napari_trsmi import Config, simulate

_EPOCHS = 20


def measure(n_spots: int, device: str, threads: int) -> None:
    """Run one size and print what it took."""
    import time

    import torch

    from napari_trsmi.clustering.scale import Tissue, domains_by_scale
    from napari_trsmi.graphs.neighbors import spatial_graph
    from napari_trsmi.preprocessing import feature_matrix
    from napari_trsmi.spots.order import canonical_order, clustered_order
    from napari_trsmi.training.loop import iter_train
    from napari_trsmi.training.problem import build_problem

    torch.set_num_threads(threads)
    config = Config(n_domains=5, epochs=_EPOCHS)
    data = simulate(
        "published",
        n_spots=n_spots,
        modalities=("rna", "protein"),
        n_features={"rna": 100, "protein": 50},
        image=False,
    )
    # in the order that integrate holds them
    order = canonical_order(data.coordinates, data.spots)
    blocks = [feature_matrix(modality, config)[0][order] for modality in data.modalities]
    clustered = clustered_order(blocks, seed=config.seed)
    blocks, order = [block[clustered] for block in blocks], order[clustered]
    started = time.perf_counter()
    spatial = spatial_graph(data.coordinates[order], config.spatial_neighbors)
    problem = build_problem(blocks, spatial, config, device=device)
    tissue = Tissue.of(blocks, spatial, config)
    graphs = time.perf_counter() - started
    started = time.perf_counter()
    epochs, trained = run(iter_train(problem, config, device=torch.device(device)))
    training = time.perf_counter() - started
    started = time.perf_counter()
    domains_by_scale(trained.embedding, tissue, config)
    clustering = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if device == "cuda":
        memory = epochs[-1].memory
    print(
        json.dumps(
            {
                "spots": data.n_spots,
                "graphs": graphs,
                "epoch": training / len(epochs),
                "step": median(report.seconds for report in epochs),
                "training": training,
                "clustering": clustering,
                "memory": memory,
            }
        )
    )


def run(training):
    """The reports of a training, and what it returned."""
    reports = []
    while True:
        try:
            reports.append(next(training))
        except StopIteration as finished:
            return reports, finished.value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.device, options.threads)
        return
    columns = ("spots", "graphs, s", "training, s", "epoch, s", "ratio", "step (median), s")
    columns += ("ratio", "clustering, s", "peak memory, MB")
    print(f"| {' | '.join(columns)} |")
    print("|---" * len(columns) + "|")
    before: dict[str, float] = {}
    for n_spots in options.spots:
        command = [sys.executable, __file__, "--measure", str(n_spots)]
        command += ["--device", options.device, "--threads", str(options.threads)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        per_spot = {name: found[name] / found["spots"] for name in ("epoch", "step")}
        ratio = {
            name: f"{per_spot[name] / before[name]:.2f}" if before else "" for name in per_spot
        }
        before = per_spot
        print(
            f"| {found['spots']:,} | {found['graphs']:.1f} | {found['training']:.1f} "
            f"| {found['epoch']:.4f} | {ratio['epoch']} | {found['step']:.4f} | {ratio['step']} "
            f"| {found['clustering']:.1f} | {found['memory'] / 2**20:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
