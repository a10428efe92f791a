"""Several sections together and each alone: agreement with labels.

python benchmark/speed/several_sections.py [--seeds 5] [--output FILE.csv]

Labels are used to score and for nothing else.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

import numpy as np

SETS = {
    "mosaic": (
        5,
        {
            "s1": {"rna": "sections/mosaic_s1_rna.h5ad", "adt": "sections/mosaic_s1_adt.h5ad"},
            "s2": {"rna": "sections/mosaic_s2_rna.h5ad"},
            "s3": {"adt": "sections/mosaic_s3_adt.h5ad"},
        },
    ),
    "lymph_node": (
        10,
        {
            "a1": {"adt": "human_lymph_node_a1/adt.h5ad"},
            "d1": {"adt": "sections/human_lymph_node_d1_adt.h5ad"},
        },
    ),
}
"""Number of domains, and the files of each table of each section."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    rows = []
    for data, (k, _) in SETS.items():
        for seed in range(given.seeds):
            rows += scored(data, seed, "together", together(data, k, seed))
            rows += scored(data, seed, "each alone", alone(data, k, seed))
    if given.output:
        with given.output.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def paths(data: str) -> dict[str, dict[str, str]]:
    folder = Path(
        os.environ.get("NAPARI_TRSMI_DATA", Path(__file__).parents[3] / "shared" / "data")
    )
    sections = SETS[data][1]
    return {s: {t: str(folder / file) for t, file in own.items()} for s, own in sections.items()}


def together(data: str, k: int, seed: int) -> dict[str, np.ndarray]:
    import napari_trsmi as trsmi

    result = trsmi.integrate(paths(data), n_domains=k, seed=seed, all_scales=False)
    return {name: named(result.of_section(name)) for name in result.section_names}


def alone(data: str, k: int, seed: int) -> dict[str, np.ndarray]:
    """Each section by itself; its domains have nothing to do with those of another."""
    import napari_trsmi as trsmi

    found = {}
    for name, tables in paths(data).items():
        result = trsmi.integrate(tables, n_domains=k, seed=seed, all_scales=False)
        found[name] = named(result)
        found[name][1] = np.char.add(f"{name}-", found[name][1].astype(str))
    return found


def named(result: object) -> np.ndarray:
    return np.array([result.domains.index.astype(str), result.domains.astype(str)], dtype=object)


def scored(data: str, seed: int, method: str, found: dict[str, np.ndarray]) -> list[dict]:
    """One row for all spots and one for each section."""
    import anndata
    from sklearn.metrics import adjusted_rand_score

    truth, domains, rows = [], [], []
    for section, (spots, labels) in found.items():
        table = anndata.read_h5ad(next(iter(paths(data)[section].values())), backed="r")
        own = table.obs["domain"].astype(str).loc[list(spots)].to_numpy()
        truth.append(own)
        domains.append(np.asarray(labels, dtype=str))
        rows.append((section, adjusted_rand_score(own, domains[-1])))
    every = adjusted_rand_score(np.concatenate(truth), np.concatenate(domains))
    found_rows = [
        {
            "data": data,
            "method": method,
            "seed": seed,
            "section": section,
            "ari": round(100 * ari, 2),
        }
        for section, ari in [("all", every), *rows]
    ]
    for row in found_rows:
        print(*row.values(), flush=True)
    return found_rows


if __name__ == "__main__":
    main()
