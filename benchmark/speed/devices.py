"""The same run on the CPU and on the GPU of one machine: seconds by phase, and how far they agree.

    python benchmark/speed/devices.py [--data mouse_brain_p22] [--seeds 3]

The first run on each device loads libraries and kernels; it is made before and not counted.
"""

from __future__ import annotations

import argparse
import time
import warnings

import torch
from sklearn.metrics import adjusted_rand_score

from napari_trsmi import Config, score, simulate
from napari_trsmi.integration import iter_integrate
from napari_trsmi.training.report import Phase
from trsmi_benchmark.data.sections import CASES


def measure(data, config):
    """A result, and the seconds of each phase."""
    seconds = dict.fromkeys((Phase.GRAPHS, Phase.CLUSTERING), 0.0)
    phase, since = None, time.perf_counter()
    steps = iter_integrate(data, config=config)
    while True:
        try:
            step = next(steps)
        except StopIteration as finished:
            seconds[phase] += time.perf_counter() - since
            return finished.value, seconds
        if isinstance(step, Phase):
            now = time.perf_counter()
            if phase in seconds:
                seconds[phase] += now - since
            phase, since = step, now


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="mouse_brain_p22", choices=tuple(CASES))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    case = CASES[options.data].load()
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    print(f"{case.case.title}, {case.data.n_spots:,} spots, torch {torch.__version__}")
    if len(devices) == 1:
        print("No GPU is here: the CPU alone.")
    print("| device | graphs and network, s | clustering, s | Overall-Avg | ARI with the CPU's |")
    print("|---|---|---|---|---|")
    first: dict[int, list[str]] = {}
    for device in devices:
        measure(simulate(n_spots=400, image=False), Config(n_domains=5, device=device))
        for seed in range(options.seeds):
            config = Config(n_domains=case.n_domains, device=device, seed=seed, scale=0)
            result, seconds = measure(case.data, config)
            domains = result.domains.to_list()
            first.setdefault(seed, domains)
            print(
                f"| {result.record['device']}, seed {seed} | "
                + " | ".join(f"{value:.2f}" for value in seconds.values())
                + f" | {score(case.labels, result.domains).overall_avg:.2f}"
                + f" | {adjusted_rand_score(first[seed], domains):.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
