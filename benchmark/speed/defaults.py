"""What each default is worth: one parameter changed at a time, Overall-Avg and ARI.

python benchmark/speed/defaults.py [--seeds 2] [--data NAME ...] [--changes FIELD ...]
python benchmark/speed/defaults.py --sections 1000 1001 1002 --changes FIELD ...

With --sections, simulated sections are drawn with these seeds, one for each run: no default was
settled on them.
"""

from __future__ import annotations

import argparse
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi import Config, integrate, score
from napari_trsmi.data.simulated.simulation import simulate
from trsmi_benchmark.data.cases import LoadedCase
from trsmi_benchmark.data.sections import CASES

if TYPE_CHECKING:
    from napari_trsmi.analysis.metrics import Scores

DATA = ("sim_triplet", "sim_complementary", "mouse_brain_p22", "cortex_151673")
SIMULATED = tuple(name for name, case in CASES.items() if case.setting)
CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"graph_weights": "even"},
    {"graph_weight_power": 1.0},
    {"spatial_weight_floor": 0.0},
    {"feature_weight_floor": 0.0},
    {"spatial_share": False},
    {"edge_contrast": 0.0},
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
    parser.add_argument("--data", nargs="+", choices=tuple(CASES))
    parser.add_argument("--sections", nargs="+", type=int, help="Draw sections with these seeds.")
    parser.add_argument("--changes", nargs="+", help="Only these fields, beside no change.")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.sections:
        runs = [_drawn(name, options.sections) for name in options.data or SIMULATED]
    else:
        loaded = [CASES[name].load() for name in options.data or DATA]
        runs = [[(case, seed) for seed in range(options.seeds)] for case in loaded]
    print("| changed | " + " | ".join(cases[0][0].case.name for cases in runs) + " |")
    print("|---|" + "---|" * len(runs))
    for change in CHANGES:
        if options.changes and change and not set(change) & set(options.changes):
            continue
        cells = []
        for cases in runs:
            found = [_scores(case, seed, change) for case, seed in cases]
            overall = np.mean([scores.overall_avg for scores in found])
            cells.append(f"{overall:.1f} (ARI {np.mean([scores.ari for scores in found]):.1f})")
        name = ", ".join(f"{key}={value!r}" for key, value in change.items()) or "nothing"
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def _drawn(name: str, sections: list[int]) -> list[tuple[LoadedCase, int]]:
    """Simulated sections like a data set's, each with the seed of its run."""
    case = CASES[name]
    if not case.setting:
        raise SystemExit(f"{name} is not simulated, so no section can be drawn like it.")
    drawn = [simulate(case.setting, seed=section, image=False) for section in sections]
    return [(LoadedCase(case, data), seed) for seed, data in enumerate(drawn)]


def _scores(case: LoadedCase, seed: int, change: dict[str, Any]) -> Scores:
    config = Config(n_domains=case.n_domains, device="cpu", **change)
    return score(case.labels, integrate(case.data, config=config, seed=seed).domains)


if __name__ == "__main__":
    main()
