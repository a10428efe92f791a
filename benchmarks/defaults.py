"""What each default is worth: one parameter changed at a time, Overall-Avg and ARI.

python benchmarks/defaults.py [--seeds 2] [--data NAME ...] [--changes FIELD ...]
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np

from napari_trsmi import Config, integrate, score
from napari_trsmi.evaluation.benchmark.cases import CASES

DATA = ("sim_triplet", "sim_complementary", "mouse_brain_p22", "dlpfc_151673")
CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"graph_weights": "even"},
    {"graph_weight_power": 1.0},
    {"spatial_weight_floor": 0.0},
    {"feature_weight_floor": 0.0},
    {"spatial_share": False},
    {"border_contrast": 0.0},
    {"encoder_normalize": True},
    {"start": "mean"},
    {"mask_fraction": 0.0},
    {"learning_rate": 1e-3},
    {"prototype_weight": 1.0},
    {"gate_end": "floor"},
    {"gate_floor": 0.7},
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--data", nargs="+", default=DATA, choices=tuple(CASES))
    parser.add_argument("--changes", nargs="+", help="Only these fields, beside no change.")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    cases = [CASES[name].load() for name in options.data]
    print("| changed | " + " | ".join(options.data) + " |")
    print("|---|" + "---|" * len(cases))
    for change in CHANGES:
        if options.changes and change and not set(change) & set(options.changes):
            continue
        cells = []
        for loaded in cases:
            config = Config(n_domains=loaded.n_domains, device="cpu", **change)
            found = [
                score(loaded.labels, integrate(loaded.data, config=config, seed=seed).domains)
                for seed in range(options.seeds)
            ]
            overall = np.mean([scores.overall_avg for scores in found])
            cells.append(f"{overall:.1f} (ARI {np.mean([scores.ari for scores in found]):.1f})")
        name = ", ".join(f"{key}={value!r}" for key, value in change.items()) or "nothing"
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
