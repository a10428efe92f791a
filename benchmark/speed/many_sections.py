"""Time and memory of sections that are run together: 2 to 10, of 10,000 spots with two tables.

python benchmark/speed/many_sections.py [--sections 2 4 6 8 10] [--spots 10000] [--stored]

Each number of sections runs in a process of its own, so that the peak of memory is its own. With
--stored the tables are files that are read a section at a time. The last lines say how far CPU
seconds and memory are from a straight line through the sections.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def made_sections(n_sections: int, n_spots: int, folder: Path | None) -> dict:
    """Sections of six domains in stripes; every third lacks the proteins.

    With a folder the tables are written there, and stay there.
    """
    import anndata
    import pandas as pd
    import scipy.sparse as sp
    from anndata import AnnData

    rng = np.random.default_rng(0)
    side = round(n_spots**0.5)
    tissue = {name: rng.gamma(0.3, 2.0, (6, n)) for name, n in (("rna", 500), ("adt", 50))}
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(side), np.arange(side)))
    sections = {}
    for number in range(n_sections):
        domain = ((x + 7 * number) * 6 // side) % 6
        sections[f"s{number}"] = tables = {}
        for name, means in tissue.items():
            if name == "adt" and number % 3 == 2:
                continue
            gain = rng.lognormal(0, 0.4, means.shape[1])
            counts = rng.poisson(gain * (means[domain] + 0.1)).astype(np.float32)
            tables[name] = AnnData(
                sp.csr_matrix(counts),
                obs=pd.DataFrame(
                    {"domain": domain.astype(str)},
                    index=[f"s{number}_{spot}" for spot in range(len(x))],
                ),
                var=pd.DataFrame(index=[f"{name}{j}" for j in range(means.shape[1])]),
                obsm={"spatial": np.column_stack([x, y]) * 10.0},
            )
            if folder is not None:
                path = folder / f"s{number}_{name}.h5ad"
                tables[name].write_h5ad(path)
                tables[name] = anndata.read_h5ad(path, backed="r")
    return sections


def one(n_sections: int, n_spots: int, folder: Path | None) -> dict[str, float]:
    from sklearn.metrics import adjusted_rand_score

    import napari_trsmi as trsmi

    sections = made_sections(n_sections, n_spots, folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu, wall = time.process_time(), time.perf_counter()
    result = trsmi.integrate(sections, n_domains=6, all_scales=False, threads=1)
    return {
        "sections": n_sections,
        "spots": len(result.domains),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "seconds": round(time.perf_counter() - wall, 1),
        "memory_before_mb": round(before),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "ari": round(adjusted_rand_score(result.annotations["domain"], result.domains), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sections", type=int, nargs="+", default=[2, 4, 6, 8, 10])
    parser.add_argument("--spots", type=int, default=10_000)
    parser.add_argument("--stored", action="store_true")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        with tempfile.TemporaryDirectory() as name:
            found = one(given.one, given.spots, Path(name) if given.stored else None)
        print(json.dumps(found))
        return
    rows = []
    for number in given.sections:
        command = [sys.executable, __file__, "--one", str(number), "--spots", str(given.spots)]
        command += ["--stored"] if given.stored else []
        ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        print(ended.stdout.strip(), flush=True)
        rows.append(json.loads(ended.stdout))
    if len(rows) > 2:
        for what in ("cpu_seconds", "peak_mb"):
            print(straight([row["sections"] for row in rows], [row[what] for row in rows], what))


def straight(sections: list[float], values: list[float], what: str) -> str:
    """How far values are from a straight line, in words."""
    slope, start = np.polyfit(sections, values, 1)
    line = slope * np.array(sections) + start
    off = np.abs(np.array(values) / line - 1).max()
    return f"{what}: {start:.1f} + {slope:.2f} a section, at most {off:.0%} off"


if __name__ == "__main__":
    main()
