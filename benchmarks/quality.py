"""Quality on the real cases, mean and standard deviation over seeds.

    python benchmarks/quality.py [--seeds 5] [--only NAME ...]

Rows: one cluster and permuted labels (degenerate), the concatenated components without training
as they are and averaged over spatial neighbours, the untrained network, the default, and the
published settings. The same clustering for all.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from cases import CASES, Case, case_tables, scored

from napari_trsmi import Config, integrate, load
from napari_trsmi.clustering.domains import find_domains
from napari_trsmi.evaluation.metrics import Scores, degenerate_scores
from napari_trsmi.graphs.neighbors import spatial_graph
from napari_trsmi.graphs.normalize import add_self_loops, row_normalized
from napari_trsmi.preprocessing import modality_components

if TYPE_CHECKING:
    from napari_trsmi.data.dataset import SpatialOmics

Labels = Callable[[int], pd.Series]


def concatenated(data: SpatialOmics, config: Config, *, hops: int) -> Labels:
    """Components side by side, each block of the same norm, averaged `hops` times in space."""
    graph = row_normalized(add_self_loops(spatial_graph(data.coordinates, 6)))
    blocks = []
    for modality in data.modalities:
        block = modality_components(modality, config)[0].astype(float)
        block -= block.mean(axis=0)
        for _ in range(hops):
            block = graph @ block
        blocks.append(block / np.linalg.norm(block))
    z = np.hstack(blocks)
    return lambda seed: pd.Series(
        find_domains(z, config.replace(seed=seed)).labels, index=data.spots
    )


def methods(data: SpatialOmics, case: Case) -> Iterator[tuple[str, Labels]]:
    """Every row of the table."""
    config = Config(n_domains=case.n_domains, device="cpu")
    published = {"embedding_dim": 128, "learning_rate": 0.001} if len(data.modalities) > 2 else {}
    paper = Config.from_preset("published", n_domains=case.n_domains, device="cpu", **published)
    yield "concatenation", concatenated(data, config, hops=0)
    yield "concatenation, one spatial mean", concatenated(data, config, hops=1)
    yield (
        "TRSMI untrained",
        lambda seed: integrate(data, config=config, seed=seed, epochs=0).domains,
    )
    yield "TRSMI", lambda seed: integrate(data, config=config, seed=seed).domains
    yield "TRSMI, published settings", lambda seed: integrate(data, config=paper, seed=seed).domains


def row(name: str, scores: list[Scores], seconds: float) -> str:
    table = pd.DataFrame([s.as_dict() for s in scores])
    overall = table["Overall-Avg"]
    nine = " | ".join(f"{table[m].mean():.1f}" for m in list(table.columns)[:9])
    spread = f" ± {overall.std():.2f}" if len(overall) > 1 else ""
    return f"| {name} | {len(scores)} | {overall.mean():.2f}{spread} | {nine} | {seconds:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[case.name for case in CASES])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for case in CASES:
        if case.name not in options.only:
            continue
        data = load(case_tables(case))
        labels = data.annotations[case.labels]
        print(f"\n### {case.name}: {data.n_spots} spots, {case.n_domains} domains\n")
        print(
            "| method | seeds | Overall-Avg | MI | NMI | AMI | FMI | ARI | V | F1 | Jaccard ",
            end="",
        )
        print("| Compl. | s |")
        print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
        for name, degenerate in degenerate_scores(labels, case.n_domains, seed=0).items():
            print(row(name, [degenerate], 0.0))
        for name, find in methods(data, case):
            # the published settings take minutes a run
            seeds = min(options.seeds, 2) if "published" in name else options.seeds
            started = time.perf_counter()
            scores = scored(case, data, find, seeds)
            seconds = (time.perf_counter() - started) / seeds
            print(row(name, scores, seconds), flush=True)


if __name__ == "__main__":
    main()
