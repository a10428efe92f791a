"""Run tables that stay on the disk to domains, under a limit of memory that the system holds.

    python benchmark/speed/stored_tables.py [--bins 100000 200000] [--limit 8] [--counts 200]

Each size is written part by part into a temporary zarr store: square bins, six domains in stripes,
18,000 genes of which a tenth tells the domains apart. A child process with that much address space
(`RLIMIT_AS`, GB) opens it lazily and runs `integrate`. Memory is the most that was resident, CPU
seconds and the peak are given for what comes before the components are there, and for the whole.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

_PART = 20_000  # bins made at a time
_DOMAINS = 6


def write(path: Path, n_bins: int, n_genes: int, n_counts: int) -> int:
    """Write a table; return the bytes that its values take in memory."""
    import pandas as pd
    import scipy.sparse as sp
    import zarr
    from anndata import AnnData
    from anndata.io import sparse_dataset, write_elem

    rng = np.random.default_rng(0)
    means = rng.gamma(0.3, 1.0, n_genes)
    profiles = np.tile(means, (_DOMAINS, 1))
    telling = rng.choice(n_genes, n_genes // 10, replace=False)
    profiles[:, telling] *= rng.lognormal(0, 1, (_DOMAINS, len(telling)))
    sums = np.cumsum(profiles / profiles.sum(axis=1, keepdims=True), axis=1)
    side = int(np.ceil(np.sqrt(n_bins)))
    row, column = np.divmod(np.arange(n_bins), side)
    truth = (column * _DOMAINS) // side
    obs = pd.DataFrame({"truth": truth.astype(str)}, index=[f"bin_{i:07d}" for i in range(n_bins)])
    var = pd.DataFrame(index=[f"{'ABCDEFGHIJ'[i % 10]}gene{i}" for i in range(n_genes)])
    group = zarr.open_group(path, mode="w", zarr_format=2)
    xy = np.column_stack([column, row]) * 8.0
    write_elem(group, "/", AnnData(obs=obs, var=var, obsm={"spatial": xy}))
    size = 0
    for start in range(0, n_bins, _PART):
        here = truth[start : start + _PART]
        genes = np.empty((len(here), n_counts), dtype=np.int32)
        for domain in np.unique(here):
            drawn = rng.random((int((here == domain).sum()), n_counts))
            genes[here == domain] = np.minimum(np.searchsorted(sums[domain], drawn), n_genes - 1)
        bins = np.repeat(np.arange(len(here)), n_counts)
        ones = np.ones(bins.size, dtype=np.float32)
        part = sp.coo_matrix((ones, (bins, genes.ravel())), (len(here), n_genes)).tocsr()
        part.sort_indices()
        if start == 0:
            write_elem(group, "X", part)
        else:
            sparse_dataset(group["X"]).append(part)
        size += part.data.nbytes + part.indices.nbytes
    return size


def measure(path: Path, limit: float) -> None:
    """Run one table and print what it took."""
    resource.setrlimit(resource.RLIMIT_AS, (int(limit * 1e9), int(limit * 1e9)))
    from anndata.experimental import read_lazy
    from sklearn.metrics import adjusted_rand_score

    from napari_trsmi import iter_integrate
    from napari_trsmi.training.report import Phase

    steps = iter_integrate({"rna": read_lazy(path)}, n_domains=_DOMAINS, all_scales=False)
    told = {}
    while True:
        try:
            step = next(steps)
        except StopIteration as finished:
            result = finished.value
            break
        if step is Phase.GRAPHS:
            told = _taken("components")
    told |= _taken("whole")
    truth = result.annotations["truth"].astype(str)
    told["ari"] = adjusted_rand_score(truth, result.domains.astype(str))
    print(json.dumps(told))


def _taken(what: str) -> dict[str, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {f"{what}_gb": used.ru_maxrss * 1024 / 1e9, f"{what}_s": used.ru_utime + used.ru_stime}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bins", type=int, nargs="+", default=[100_000, 200_000])
    parser.add_argument("--genes", type=int, default=18_000)
    parser.add_argument("--counts", type=int, default=200, help="of a bin")
    parser.add_argument("--limit", type=float, default=8, help="address space, GB")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.limit)
        return
    columns = ("bins", "values, GB", "to components: memory, GB", "CPU, s")
    columns += ("to domains: memory, GB", "CPU, s", "ARI")
    print(f"| {' | '.join(columns)} |")
    print("|---" * len(columns) + "|", flush=True)
    for n_bins in options.bins:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bins.zarr"
            size = write(path, n_bins, options.genes, options.counts)
            command = [sys.executable, __file__, "--measure", str(path)]
            command += ["--limit", str(options.limit)]
            done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            print(f"| {n_bins:,} | {size / 1e9:.2f} | ended with {done.returncode} | | | | |")
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        print(
            f"| {n_bins:,} | {size / 1e9:.2f} | {found['components_gb']:.2f} "
            f"| {found['components_s']:.0f} | {found['whole_gb']:.2f} | {found['whole_s']:.0f} "
            f"| {found['ari']:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
