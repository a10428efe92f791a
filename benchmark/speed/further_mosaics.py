"""Sections together against each alone, on further mosaics than the one of the benchmark.

``dealt`` deals the spots of the benchmark's mosaic out anew within the domains of each section, so
that each spot has a place of its domain. ``sliced`` cuts a simulated section of the package into
three by its rows, each with gains of its own: RNA and protein, RNA alone, protein alone. Labels
make the dealt mosaics, and score.

OMP_NUM_THREADS=1 python benchmark/speed/further_mosaics.py [dealt sliced] [--replicates 6]
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.metrics import adjusted_rand_score

from napari_trsmi import integrate, simulate
from napari_trsmi.data.simulated.simulation import SETTINGS
from trsmi_benchmark.mosaic.data import CASES

_HAS = {"s1": ("rna", "protein"), "s2": ("rna",), "s3": ("protein",)}
_SETTING = "noisy"
_SPREAD = 0.3
"""Of the logarithms of a section's gains, and of its depth."""
_KEPT = 0.6
"""Share of the molecules at a gain of 1."""


def dealt(replicate):
    """The benchmark's mosaic, its spots dealt out anew within each domain of each section."""
    found = {}
    for number, (section, tables) in enumerate(CASES["mosaic"].tables.items()):
        found[section] = {}
        for name, table in tables.items():
            rng = np.random.default_rng([replicate, number])  # the same for all tables of a section
            domains = table.obs["domain"].to_numpy()
            order = np.arange(len(table))
            for domain in np.unique(domains):
                rows = np.flatnonzero(domains == domain)
                order[rows] = rng.permutation(rows)
            again = table.copy()
            again.X = table.X[order]
            found[section][name] = again
    return found


def sliced(replicate):
    """Every third row of a simulated section a section of its own, with its own gains."""
    rng = np.random.default_rng(replicate)
    whole = simulate(
        _SETTING,
        n_spots=len(_HAS) * SETTINGS[_SETTING].n_spots,
        modalities=["rna", "protein"],
        seed=replicate,
        image=False,
    )
    _, row = np.unique(whole.coordinates[:, 1].round(6), return_inverse=True)
    found = {}
    for number, (section, has) in enumerate(_HAS.items()):
        spots = np.flatnonzero(row % len(_HAS) == number)
        found[section] = {}
        for modality in whole.modalities:
            if modality.name not in has:
                continue
            table = modality.table[spots].copy()
            gains = np.exp(rng.normal(0, _SPREAD, table.n_vars) + rng.normal(0, _SPREAD))
            counts = table.X.toarray().astype(int)
            table.X = rng.binomial(counts, np.minimum(_KEPT * gains, 1)).astype(np.float32)
            table.obsm["spatial"] = table.obsm["spatial"] / [1, len(_HAS)]  # rows as near as before
            table.obs_names = [f"{section}_{spot}" for spot in table.obs_names]
            found[section][modality.name] = table
    return found


KINDS = {"dealt": dealt, "sliced": sliced}


def compared(sections):
    """ARI x 100 of each section together and alone, and of all together."""
    truth = {s: next(iter(tables.values())).obs["domain"] for s, tables in sections.items()}
    n_domains = len(set().union(*(map(str, labels) for labels in truth.values())))
    how = {"n_domains": n_domains, "all_scales": False, "device": "cpu"}
    joint = integrate(sections, **how)
    scores, labels, domains = [], [], []
    for section, tables in sections.items():
        known = truth[section].astype(str)
        together = _of_spots(joint.of_section(section).domains, known.index)
        alone = _of_spots(integrate(tables, **how).domains, known.index)
        scores += [adjusted_rand_score(known, found) for found in (together, alone)]
        labels += list(known)
        domains += together
    return 100 * np.array([*scores, adjusted_rand_score(labels, domains)])


def _of_spots(found, spots):
    return [str(name) for name in found.iloc[found.index.get_indexer(spots)]]


def main():
    """Print a line a mosaic, and their means."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kinds", nargs="*", default=list(KINDS), metavar="KIND", help=str([*KINDS]))
    parser.add_argument("--replicates", type=int, default=6)
    given = parser.parse_args()
    heads = [f"{s} {how}" for s in _HAS for how in ("together", "alone")] + ["all together"]
    for kind in given.kinds:
        print(f"{kind:12s}", *(f"{head:>12s}" for head in heads), flush=True)
        rows = []
        for replicate in range(1, given.replicates + 1):
            rows.append(compared(KINDS[kind](replicate)))
            print(f"{replicate:<12d}", *(f"{value:12.1f}" for value in rows[-1]), flush=True)
        print(f"{'mean':12s}", *(f"{value:12.1f}" for value in np.mean(rows, axis=0)), flush=True)


if __name__ == "__main__":
    main()
