"""Settings of regions, each chosen on all studies of annotated tissue but one, scored on that one.

python benchmark/speed/choices.py [--seeds 1]

A setting that is chosen where it is scored looks better than it is. Here every study is left out in
turn: the setting with the best mean ARI over the other studies is taken, and scored on the one left
out. What the defaults have there is printed beside it, and what the best setting of all would have.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from napari_trsmi import score
from trsmi_benchmark.data.sections import CASES
from trsmi_benchmark.summary import by_study
from trsmi_benchmark.trsmi import run

SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "3 axes": {"region_factors": (3,)},
    "6 axes": {"region_factors": (6,)},
    "20 axes": {"region_factors": (20,)},
    "8 hops": {"region_hops": 8},
    "24 hops": {"region_hops": 24},
    "scale .75": {"scale": 0.75},
    "scale .5": {"scale": 0.5},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    seeds = parser.parse_args().seeds
    warnings.simplefilter("ignore")
    cases = [case for case in CASES.values() if case.group == "regions" and not case.missing()]
    studies = by_study(cases)
    found: dict[str, dict[str, float]] = {name: {} for name in SETTINGS}
    for study, sections in studies.items():
        loaded = [case.load() for case in sections]
        for name, parameters in SETTINGS.items():
            scores = [
                score(np.asarray(section.labels), output.domains).as_dict()["ARI"]
                for section in loaded
                for seed in range(seeds)
                for inputs in [replace(section.inputs, n_domains=section.n_domains, seed=seed)]
                for output in [run(inputs, all_scales=False, **parameters)]
            ]
            found[name][study] = float(np.mean(scores))
            print(f"{study}, {name}: ARI {found[name][study]:.1f}", flush=True)
    print(f"{'left out':28}{'chosen on the others':24}{'it':>6}{'defaults':>10}{'best':>7}")
    held_out = []
    for study in studies:
        others = [other for other in studies if other != study]
        chosen = max(found, key=lambda name: np.mean([found[name][other] for other in others]))
        best = max(scores[study] for scores in found.values())
        held_out.append(found[chosen][study])
        print(
            f"{study:28}{chosen:24}{found[chosen][study]:6.1f}"
            f"{found['defaults'][study]:10.1f}{best:7.1f}"
        )
    default = np.mean(list(found["defaults"].values()))
    print(f"{'mean over studies':52}{np.mean(held_out):6.1f}{default:10.1f}")


if __name__ == "__main__":
    main()
