"""What each default is worth: one parameter changed at a time, Overall-Avg and ARI.

python benchmarks/defaults.py [--seeds 2]
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
from cases import CASES, case_tables, scored

from napari_trsmi import Config, integrate, load

CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"graph_weights": "even"},
    {"graph_weight_power": 1.0},
    {"spatial_share": False},
    {"encoder_normalize": True},
    {"start": "mean"},
    {"mask_fraction": 0.0},
    {"learning_rate": 1e-3},
    {"prototype_weight": 1.0},
    {"gate_floor": 0.5},
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    cases = [(case, load(case_tables(case))) for case in CASES[:3]]
    print("| changed | " + " | ".join(case.name for case, _ in cases) + " |")
    print("|---|" + "---|" * len(cases))
    for change in CHANGES:
        cells = []
        for case, data in cases:
            config = Config(n_domains=case.n_domains, device="cpu", **change)
            found = scored(
                case,
                data,
                lambda seed, data=data, config=config: (
                    integrate(data, config=config, seed=seed).domains
                ),
                options.seeds,
            )
            overall = np.mean([s.overall_avg for s in found])
            cells.append(f"{overall:.1f} (ARI {np.mean([s.ari for s in found]):.1f})")
        name = ", ".join(f"{key}={value!r}" for key, value in change.items()) or "nothing"
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
