"""What each part of a run costs, against what the processor could do it in.

    python benchmark/speed/roofline.py [--spots 10000] [--domains 8]

Memory bandwidth and matrix rates of one core are measured first. A part's floor is the larger of
its operations over the matrix rate and its bytes over the bandwidth: every array read or written
once, what fits a cache not counted. Measured is the CPU time of the part by itself on one thread,
as a run calls it. Alignment, decoders and the optimiser take no part in a run without training.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from napari_trsmi import Config, simulate
from napari_trsmi.clustering import gaussians, regions
from napari_trsmi.clustering.domains import find_domains
from napari_trsmi.clustering.potts import sharpened
from napari_trsmi.clustering.regions import ViewMeans
from napari_trsmi.clustering.scale import Tissue
from napari_trsmi.clustering.views import region_views
from napari_trsmi.graphs import held_out
from napari_trsmi.graphs.neighbors import EXACT_LIMIT, feature_graph, spatial_graph
from napari_trsmi.graphs.spatial_axes import component_gains
from napari_trsmi.graphs.weights import predictive_weights
from napari_trsmi.preprocessing import feature_matrix
from napari_trsmi.spots.order import canonical_order, clustered_order
from napari_trsmi.training.loop import iter_train
from napari_trsmi.training.problem import build_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_trsmi.training.loop import Trained
    from napari_trsmi.training.report import EpochReport

_FLOAT, _DOUBLE = 4, 8
_SIDE = 1_536
_STREAM = 1 << 26  # values: more than any cache


@dataclass(frozen=True)
class Machine:
    """One core: operations a second in single and double precision, bytes a second."""

    single: float
    double: float
    bandwidth: float


@dataclass(frozen=True)
class Part:
    """One part of a run: operations, bytes, precision and seconds."""

    name: str
    operations: float
    traffic: float
    double: bool
    seconds: float

    def floor(self, machine: Machine) -> float:
        """Seconds that it takes at least."""
        rate = machine.double if self.double else machine.single
        return max(self.operations / rate, self.traffic / machine.bandwidth)


def best(call: Callable[[], object], *, times: int = 1) -> float:
    """Least CPU time of a call."""
    spent = []
    for _ in range(times):
        started = time.process_time()
        call()
        spent.append(time.process_time() - started)
    return min(spent)


def machine() -> Machine:
    """Measure one core."""
    rates = []
    for kind in (np.float32, np.float64):
        square = np.random.default_rng(0).normal(size=(_SIDE, _SIDE)).astype(kind)
        held = np.empty_like(square)
        rates.append(2 * _SIDE**3 / best(lambda a=square, b=held: np.matmul(a, a, out=b), times=5))
    stream, other = np.ones(_STREAM, dtype=np.float32), np.zeros(_STREAM, dtype=np.float32)
    bytes_moved = 2 * _FLOAT * _STREAM
    return Machine(*rates, bytes_moved / best(lambda: np.copyto(other, stream), times=5))


def parts(n_spots: int, n_domains: int) -> list[Part]:
    """Run each part once."""
    config = Config(n_domains=n_domains)
    data = simulate(
        "published",
        n_spots=n_spots,
        modalities=("rna", "protein"),
        n_features={"rna": 100, "protein": 50},
        image=False,
    )
    order = canonical_order(data.coordinates, data.spots)
    blocks = [feature_matrix(modality, config)[0][order] for modality in data.modalities]
    clustered = clustered_order(blocks, seed=config.seed)
    blocks, order = [block[clustered] for block in blocks], order[clustered]
    n, total = len(order), sum(block.shape[1] for block in blocks)
    spatial = spatial_graph(data.coordinates[order], config.spatial_neighbors)
    edges, k = spatial.nnz, config.feature_neighbors
    found = []

    def add(name: str, operations: float, traffic: float, call: Callable[[], object], **how: bool):
        found.append(Part(name, operations, traffic, how.get("double", False), best(call)))

    if n <= EXACT_LIMIT:
        add(
            "feature graphs",
            2 * n**2 * total,
            2 * _FLOAT * n * total,
            lambda: [feature_graph(block, k) for block in blocks],
        )
    probes, candidates = min(n, held_out._PROBES), min(n, held_out._CANDIDATES)
    searches = 2 * held_out.N_SPLITS * held_out._FOLDS
    shown = 1 - 1 / held_out._FOLDS
    add(
        "held-out criteria",
        2 * searches * probes * candidates * total * shown,
        searches * _FLOAT * (probes + candidates) * total,
        lambda: [
            (
                component_gains(block - block.mean(axis=0), spatial, k=k, seed=0),
                predictive_weights(block, spatial, k=k, power=config.graph_weight_power, seed=0),
            )
            for block in blocks
        ],
    )
    problem = build_problem(blocks, spatial, config)
    # encoder and refinement over a modality's own graph, diffusion over that of all
    stored = [(spatial + graph).nnz + n for graph in problem.feature_graphs for _ in range(2)]
    everywhere = sum(problem.feature_graphs, start=spatial).nnz + n
    stored += len(blocks) * max(config.diffusion_steps) * [everywhere]
    embedded: list[Trained] = []
    add(
        "embedding (encoder, diffusion, fusion)",
        sum(2 * nnz * config.embedding_dim for nnz in stored),
        sum(_FLOAT * (2 * nnz + 2 * n * config.embedding_dim) for nnz in stored),
        lambda: embedded.append(returned(iter_train(problem, config, device=torch.device("cpu")))),
    )
    tissues: list[Tissue] = []
    add(
        "spatial axes",
        sum(4 * n * block.shape[1] ** 2 + 4 * edges * block.shape[1] for block in blocks),
        3 * _DOUBLE * n * total + 2 * _DOUBLE * edges,
        lambda: tissues.append(Tissue.of(blocks, spatial, config)),
        double=True,
    )
    tissue, z = tissues[0], embedded[0].embedding
    scales = [scale for scale in config.scales if scale > 0]
    hops = sorted({h for scale in scales for h in tissue.hops_at(scale, config)})
    axes = sum(block.shape[1] for block in tissue.factors)
    views = []
    add(
        "views",
        2 * 2 * (edges + n) * axes * max(hops),
        2 * _DOUBLE * (2 * (edges + n) + 2 * n * axes) * max(hops),
        lambda: views.extend(
            region_views(tissue.factors, tissue.spatial, hops=hops, n_factors=config.region_factors)
        ),
        double=True,
    )
    means = ViewMeans(config.seed)
    partitions: list[np.ndarray] = []
    seconds = best(lambda: partitions.extend(means.partition(v, n_domains) for v in views))
    seen, trials = min(n, regions._SPOTS), 2 + int(math.log(n_domains))
    operations = traffic = 0.0
    for view in views:
        width = view.points.shape[1]
        steps = means.fitted(means.seen(view), n_domains).n_iter_
        start = 2 * seen * width * n_domains * (trials + steps)
        operations += regions._STARTS * start + 2 * n * width * n_domains
        traffic += _DOUBLE * n * width
    found.append(Part("k-means of the views", operations, traffic, True, seconds))
    step, counted = gaussians._Batch.posterior, []

    def posterior(batch: gaussians._Batch, points: torch.Tensor) -> object:
        counted.append(batch.weights.numel() * len(points))
        return step(batch, points)

    gaussians._Batch.posterior = posterior
    seconds = best(lambda: find_domains(z, config))
    gaussians._Batch.posterior = step
    width = min(config.cluster_components, z.shape[1])
    found.append(Part("EM of the states", 4 * sum(counted) * width, 0.0, True, seconds))
    scores = np.hstack(tissue.factors)
    add(
        "sharpening, five scales",
        5 * (2 * 10 * edges * n_domains + 4 * n * axes * n_domains),
        5 * _DOUBLE * (n * axes * 2 + 10 * (2 * edges + 4 * n * n_domains)),
        lambda: [sharpened(partitions[0], scores, spatial) for _ in range(5)],
        double=True,
    )
    return found


def returned(steps: Generator[EpochReport, None, Trained]) -> Trained:
    """What a training returned."""
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, default=10_000)
    parser.add_argument("--domains", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        core = machine()
        print(
            f"One core: {core.single / 1e9:.0f} and {core.double / 1e9:.0f} Gflop/s in single and "
            f"double precision, {core.bandwidth / 1e9:.1f} GB/s"
        )
        print("| part | Gflop | MB | floor, s | measured, CPU s | ratio |")
        print("|---|---|---|---|---|---|")
        for part in parts(options.spots, options.domains):
            floor = part.floor(core)
            print(
                f"| {part.name} | {part.operations / 1e9:.2f} | {part.traffic / 1e6:.0f} "
                f"| {floor:.3f} | {part.seconds:.2f} | {part.seconds / floor:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
