"""Read a made-up table of many bins, and print how much memory that took for its counts.

    python scripts/reading_memory.py [--bins 500000] [--genes 18000] [--counts 200]

The table is written part by part into a temporary `.h5ad` and a 10x `.h5` first. A child process
reads each: the memory is the most that it takes (resident), less what it had before.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

_PART = 20_000  # bins made at a time


def write(path: Path, n_bins: int, n_genes: int, n_counts: int) -> int:
    """Write both files; return the number of stored counts."""
    import h5py

    rng = np.random.default_rng(0)
    indices, data, lengths = [], [], []
    for start in range(0, n_bins, _PART):
        for _ in range(min(_PART, n_bins - start)):
            genes = np.unique((n_genes * rng.random(n_counts) ** 2).astype(np.int32))
            indices.append(genes)
            lengths.append(len(genes))
        data.append(rng.integers(1, 4, sum(lengths[start:])).astype(np.float32))
    pointers = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    flat, values = np.concatenate(indices), np.concatenate(data)
    side = int(np.ceil(np.sqrt(n_bins)))
    xy = np.column_stack(np.divmod(np.arange(n_bins), side))[:, ::-1] * 8.0
    names = np.array([f"s_008um_{i // side:05d}_{i % side:05d}-1" for i in range(n_bins)], "S")
    genes = np.array([f"{'ABCDEFGHIJ'[i % 10]}gene{i}" for i in range(n_genes)], "S")
    with h5py.File(path / "bins.h5", "w") as file:
        group = file.create_group("matrix")
        group["barcodes"], group["shape"] = names, np.array([n_genes, n_bins], "i4")
        group.create_dataset("data", data=values.astype("i4"), compression="gzip", chunks=(80_000,))
        group.create_dataset("indices", data=flat, compression="gzip", chunks=(80_000,))
        group["indptr"] = pointers
        group["features/id"] = group["features/name"] = genes
        group["features/feature_type"] = np.array(["Gene Expression"] * n_genes, "S")
        group["features/genome"] = np.array(["G"] * n_genes, "S")
    import pandas as pd
    import scipy.sparse as sp
    from anndata import AnnData

    matrix = sp.csr_matrix((values, flat, pointers), shape=(n_bins, n_genes))
    table = AnnData(
        matrix,
        pd.DataFrame(index=names.astype(str)),
        pd.DataFrame({"feature_types": "Gene Expression"}, index=genes.astype(str)),
        obsm={"spatial": xy},
    )
    table.write_h5ad(path / "bins.h5ad", compression="gzip")
    frame = pd.DataFrame(xy, index=names.astype(str), columns=["x", "y"])
    frame.to_csv(path / "positions.csv", index_label="barcode")
    return int(pointers[-1])


_CHILD = """
import json, sys, threading, time
import psutil
import numpy, pandas, scipy.sparse, anndata, scanpy, h5py
from napari_trsmi import load

process, seen, done = psutil.Process(), [], threading.Event()

def watch():
    while not done.wait(0.01):
        seen.append(process.memory_info().rss)

before = process.memory_info().rss
watching = threading.Thread(target=watch)
watching.start()
start = time.perf_counter()
given = {"positions": sys.argv[2]} if sys.argv[1].endswith(".h5") else {}
section = load({"rna": sys.argv[1]}, **given)
seconds = time.perf_counter() - start
done.set()
watching.join()
matrix = section.modalities[0].table.X
kept = matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
print(json.dumps([section.n_spots, kept, max(seen) - before, seconds]))
"""


def main() -> None:
    """Write, read, and print a line a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bins", type=int, default=500_000)
    parser.add_argument("--genes", type=int, default=18_000)
    parser.add_argument("--counts", type=int, default=200, help="of a bin, before repeats")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        start = time.perf_counter()
        stored = write(folder, given.bins, given.genes, given.counts)
        print(
            f"{given.bins:,} bins x {given.genes:,} genes, {stored:,} counts stored "
            f"(written in {time.perf_counter() - start:.0f} s)"
        )
        for name in ("bins.h5ad", "bins.h5"):
            command = [sys.executable, "-W", "ignore", "-c", _CHILD, str(folder / name)]
            command.append(str(folder / "positions.csv"))
            ran = subprocess.run(command, check=True, capture_output=True, text=True)
            n_bins, kept, peak, seconds = json.loads(ran.stdout.splitlines()[-1])
            print(
                f"{name}: {n_bins:,} bins in {seconds:.0f} s; peak {peak / 1e9:.2f} GB for "
                f"{kept / 1e9:.2f} GB of counts: {peak / kept:.1f} times"
            )


if __name__ == "__main__":
    main()
