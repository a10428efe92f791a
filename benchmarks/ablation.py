"""The four components alone and together on the mouse brain, over seeds.

python benchmarks/ablation.py [--seeds 3] [--preset default|published]
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from cases import CASES, case_tables, scored

from napari_trsmi import Config, integrate, load

COMPONENTS = ("rpr", "align", "multiscale", "gate")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--preset", choices=("default", "published"), default="default")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    case = next(case for case in CASES if case.name == "mouse_brain_p22")
    data = load(case_tables(case))
    print("| components | Overall-Avg | ARI |")
    print("|---|---|---|")
    for on in ((), *((name,) for name in COMPONENTS), COMPONENTS):
        config = Config.from_preset(
            options.preset,
            n_domains=case.n_domains,
            device="cpu",
            **{name: name in on for name in COMPONENTS},
        )
        found = scored(
            case,
            data,
            lambda seed, config=config: integrate(data, config=config, seed=seed).domains,
            options.seeds,
        )
        overall = np.array([s.overall_avg for s in found])
        name = "all" if on == COMPONENTS else ", ".join(on) or "none"
        ari = np.mean([s.ari for s in found])
        print(
            f"| {name} | {overall.mean():.2f} ± {overall.std(ddof=1):.2f} | {ari:.1f} |", flush=True
        )


if __name__ == "__main__":
    main()
