"""Recall and cost of the searches for feature neighbours: which index a run should use.

    python benchmark/speed/feature_neighbors.py [--spots 100000] [--threads 2]

The RNA components of a simulated section, 20 neighbours; recall is against the exact search for a
thousand spots. pynndescent is what a run uses beyond `EXACT_LIMIT` spots. faiss and hnswlib are
tried where they are installed (`pip install faiss-cpu hnswlib`); each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np

_K = 20
_ASKED = 1_000


def pynndescent(directions, k, threads):
    """As a run searches."""
    import numba

    from napari_trsmi.graphs.neighbors import approximate

    numba.set_num_threads(threads)
    return approximate(directions, k, 0)


def faiss_ivf(directions, k, threads, probes=8):
    """Inverted file over about the square root of the spots."""
    import faiss

    faiss.omp_set_num_threads(threads)
    n, d = directions.shape
    cells = int(2 * np.sqrt(n))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(d), d, cells, faiss.METRIC_INNER_PRODUCT)
    rng = np.random.default_rng(0)
    index.train(directions[rng.permutation(n)[: 50 * cells]])
    index.add(directions)
    index.nprobe = probes
    return _without_itself(index.search(directions, k + 1)[1], k)


def hnsw(directions, k, threads):
    """Navigable small worlds."""
    import hnswlib

    n, d = directions.shape
    index = hnswlib.Index("ip", d)
    index.init_index(n, M=16, ef_construction=100, random_seed=0)
    index.add_items(directions, num_threads=threads)
    index.set_ef(60)
    return _without_itself(index.knn_query(directions, k + 1, num_threads=threads)[0], k)


SEARCHES = {"pynndescent": pynndescent, "faiss": faiss_ivf, "hnswlib": hnsw}


def _without_itself(found, k):
    found = np.asarray(found, dtype=np.int64)
    itself = found == np.arange(len(found))[:, None]
    itself[~itself.any(axis=1), -1] = True
    return found[~(itself & (np.cumsum(itself, axis=1) == 1))].reshape(-1, k)


def measure(name, n_spots, threads):
    """One search on one size."""
    import torch

    from napari_trsmi import Config, simulate
    from napari_trsmi.graphs.neighbors import top_cosine, unit_rows
    from napari_trsmi.preprocessing import feature_matrix

    torch.set_num_threads(threads)
    data = simulate(
        "published", n_spots=n_spots, modalities=("rna",), n_features={"rna": 100}, image=False
    )
    directions = unit_rows(feature_matrix(data.modalities[0], Config())[0])
    asked = np.random.default_rng(1).permutation(n_spots)[:_ASKED]
    exact = top_cosine(directions[asked], directions, _K + 1)
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    found = SEARCHES[name](directions, _K, threads)[asked]
    wall = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    shared = [
        len(set(mine) & (set(theirs) - {spot})) / _K
        for mine, theirs, spot in zip(found, exact, asked, strict=True)
    ]
    print(
        json.dumps(
            {
                "recall": float(np.mean(shared)),
                "cpu": used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime,
                "wall": wall,
                "memory": (used.ru_maxrss - before.ru_maxrss) / 1024,
            }
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, nargs="+", default=[100_000])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--search", nargs="+", choices=tuple(SEARCHES), default=list(SEARCHES))
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        name, n_spots = options.measure
        measure(name, int(n_spots), options.threads)
        return
    print("| spots | search | recall | CPU s | s | MB more at the peak |")
    print("|---|---|---|---|---|---|")
    for n_spots in options.spots:
        for name in options.search:
            if find_spec(name) is None:
                print(f"| {n_spots:,} | {name} | not installed | | | |")
                continue
            command = [sys.executable, __file__, "--threads", str(options.threads)]
            command += ["--measure", name, str(n_spots)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            print(
                f"| {n_spots:,} | {name} | {found['recall']:.3f} | {found['cpu']:.1f} "
                f"| {found['wall']:.1f} | {found['memory']:,.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
