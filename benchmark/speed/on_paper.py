"""What a run takes at least on several processes, from the operations and bytes of `roofline.py`.

    python benchmark/speed/on_paper.py [--spots 100000000] [--processes 8] [--measured 20000]

Two tables of 50 components each. A part's floor is the larger of operations over a process's rate
and bytes over its bandwidth; what the network and the search for similar spots do runs on a GPU,
the rest on a processor's cores. How many rows a process borrows is measured on a simulated section
of the size `--measured`, cut into as many portions.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from napari_trsmi import Config, simulate
from napari_trsmi.graphs.neighbors import feature_graph, spatial_graph
from napari_trsmi.preprocessing import feature_matrix
from napari_trsmi.spots.order import canonical_order, clustered_order
from napari_trsmi.training.needs import run_memory

TABLES, WIDTH, DOMAINS = 2, 50, 8
SPATIAL, FEATURE = 8, 36  # edges of a spot
VIEWS, VIEW_AXES, SCALES = 192, 20, 5


@dataclass(frozen=True)
class Machine:
    """What a process has, by default an eighth of a node with eight H100 (data sheet)."""

    gpu: float = 50e12  # single precision, operations a second
    gpu_bandwidth: float = 3.35e12
    core: float = 59e9  # double precision, as `roofline.py` measured
    core_bandwidth: float = 39e9
    cores: int = 8
    link: float = 50e9  # bytes a second to other processes


def borrowed(n_spots: int, processes: int) -> tuple[float, float]:
    """Rows that a process borrows over those it holds: for graphs in space, and for all graphs."""
    config = Config()
    features = {"rna": 100, "protein": 50}
    how = {"modalities": tuple(features), "n_features": features, "image": False}
    data = simulate("published", n_spots=n_spots, **how)
    order = canonical_order(data.coordinates, data.spots)
    blocks = [feature_matrix(modality, config)[0][order] for modality in data.modalities]
    clustered = clustered_order(blocks, seed=0)
    blocks, order = [block[clustered] for block in blocks], order[clustered]
    spatial = spatial_graph(data.coordinates[order], config.spatial_neighbors)
    graphs = [spatial, *(feature_graph(block, config.feature_neighbors) for block in blocks)]
    bounds = np.linspace(0, n_spots, processes + 1).round().astype(int)
    shares = []
    for chosen in ([spatial], graphs):
        rows = []
        for start, stop in pairwise(bounds):
            met = np.unique(np.concatenate([graph[start:stop].indices for graph in chosen]))
            rows.append(((met < start) | (met >= stop)).sum() / (stop - start))
        shares.append(float(np.mean(rows)))
    return shares[0], shares[1]


def parts(n: float, config: Config) -> list[tuple[str, float, float, str, int]]:
    """Name, operations, bytes, where it runs, and products with graphs, of all spots."""
    d, components = config.embedding_dim, TABLES * WIDTH
    axes = TABLES * max(config.region_factors)
    own, mean = SPATIAL + FEATURE + 1, SPATIAL + TABLES * FEATURE + 1
    steps = max(config.diffusion_steps)
    stored = n * (2 * TABLES * own + TABLES * steps * mean)
    products = 2 * TABLES + TABLES * steps
    hops = config.region_hops
    edges = n * SPATIAL
    return [
        ("similar spots, all pairs", 2 * n**2 * components, 8 * TABLES * n**2, "gpu", 0),
        (
            "embedding",
            2 * stored * d,
            4 * (2 * stored + stored * d),  # no row of a neighbour is in the cache
            "gpu",
            products,
        ),
        ("spatial axes", 4 * n * TABLES * WIDTH**2, 24 * n * components, "cpu", 2 * TABLES),
        ("views", 4 * (edges + n) * axes * hops, 32 * (edges + n + n * axes) * hops, "cpu", hops),
        (
            "k-means of the views, placing",
            2 * n * VIEW_AXES * DOMAINS * VIEWS,
            8 * n * VIEW_AXES * VIEWS,
            "cpu",
            0,
        ),
        (
            "sharpening, five scales",
            SCALES * (20 * edges * DOMAINS + 4 * n * axes * DOMAINS),
            SCALES * 8 * (n * axes * 2 + 10 * (2 * edges + 4 * n * DOMAINS)),
            "cpu",
            10 * SCALES,
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=float, default=1e8)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--measured", type=int, default=20_000)
    options = parser.parse_args()
    config, machine = Config(), Machine()
    n, size = options.spots, options.processes
    in_space, in_all = borrowed(options.measured, size)
    print(
        f"Borrowed rows over held ones, {options.measured:,} spots in {size} portions: "
        f"{in_space:.2f} in space, {in_all:.2f} for all graphs"
    )
    print("| part | Tflop | TB | floor, s | rows exchanged, s |")
    print("|---|---|---|---|---|")
    for name, operations, traffic, where, products in parts(n, config):
        rate = machine.gpu if where == "gpu" else machine.core * machine.cores
        bandwidth = machine.gpu_bandwidth if where == "gpu" else machine.core_bandwidth
        floor = max(operations / size / rate, traffic / size / bandwidth)
        share = in_all if where == "gpu" else in_space
        row = 4 * config.embedding_dim if where == "gpu" else 8 * max(config.region_factors)
        sent = products * share * n / size * row / machine.link
        print(
            f"| {name} | {operations / 1e12:,.1f} | {traffic / 1e12:,.2f} | {floor:,.1f} "
            f"| {sent:,.1f} |"
        )
    held = n / size
    graphs = held * 8 * (SPATIAL + TABLES * FEATURE) * (1 + TABLES)
    rows = held * (1 + in_all) * 4 * config.embedding_dim
    print(f"GPU memory: {(graphs + (TABLES + 2) * rows) / 1e9:,.0f} GB a process")
    needed = run_memory(int(held), (WIDTH,) * TABLES, config, tiles=1)
    print(f"Memory: {needed / 1e9:,.0f} GB a process by the estimate of a run of its spots")
    first = n * (2 * 4 * TABLES * WIDTH + 16 + 100 + 8 * SPATIAL + 4 * config.embedding_dim)
    print(f"The first process, beside: {first / 1e9:,.0f} GB (components twice, names, result)")


if __name__ == "__main__":
    main()
