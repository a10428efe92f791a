"""Time and peak memory of whole runs by the number of spots and of tiles, phase by phase.

    python benchmark/speed/sizes.py [--spots 10000 100000 1000000] [--tiles auto] [--threads 2]
    python benchmark/speed/sizes.py --regions ...
    python benchmark/speed/sizes.py --device cuda --spots 1000000 10000000 ...

RNA (100 genes) and protein (50), simulated, five domains at every scale, or with --regions at the
scale 1 alone; each run in a process of its own. As shipped nothing is trained; --epochs trains.
Peak memory is the process's, its libraries and the tables among it, and is read phase by phase
where the system can set it back (Linux); *taken* is the peak less what was held before, which the
estimate is compared with. Seconds are of the processor, and on a GPU by the clock: on a machine
that has other work to do the clock says little. The ratio is of the time a spot, to the row before.
ARI is with the domains that the section was made with. On a GPU its own peak is given as well.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import warnings
from pathlib import Path

_STATUS, _PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_memory():
    """Bytes, since it was last set back."""
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def measure(n_spots, tiles, options):
    """Run one size and print what it took."""
    from sklearn.metrics import adjusted_rand_score

    from napari_trsmi import Config, simulate
    from napari_trsmi.integration import iter_integrate
    from napari_trsmi.preparation import needs_of_run
    from napari_trsmi.training.report import Phase

    warnings.simplefilter("ignore")
    data = simulate(
        "published",
        n_spots=n_spots,
        modalities=("rna", "protein"),
        n_features={"rna": 100, "protein": 50},
        image=False,
    )
    config = Config(
        n_domains=5,
        threads=options.threads,
        tiles=tiles,
        all_scales=not options.regions,
        epochs=options.epochs,
        device=options.device,
    )
    needs = needs_of_run(data, config)
    _PEAK.write_text("5", encoding="ascii")
    held = peak_memory()
    phases, name = {}, ""
    cpu, wall = time.process_time(), time.perf_counter()
    began = cpu, wall

    def close():
        nonlocal cpu, wall
        now = time.process_time(), time.perf_counter()
        if name:
            phases[name] = {"cpu": now[0] - cpu, "wall": now[1] - wall, "peak": peak_memory()}
        cpu, wall = now
        _PEAK.write_text("5", encoding="ascii")

    steps = iter_integrate(data, config=config)
    while True:
        try:
            step = next(steps)
        except StopIteration as finished:
            result = finished.value
            break
        if isinstance(step, Phase):
            close()
            name = step.value
            print(f"{name} from {wall - began[1]:.0f} s on", file=sys.stderr, flush=True)
    close()
    on_device = 0
    if options.device == "cuda":
        import torch

        on_device = torch.cuda.max_memory_allocated()
    labels = data.annotations["domain"].astype(str).to_numpy()
    found = [result.domains, *(column for _, column in result.domains_by_scale.items())]
    scores = [adjusted_rand_score(labels, domains.astype(str)) for domains in found]
    print(
        json.dumps(
            {
                "phases": phases,
                "held": held,
                "needs": needs.tiled,
                "tiles": needs.tiles,
                "cpu": cpu - began[0],
                "wall": wall - began[1],
                "ari": [min(scores), scores[0]],
                "on_device": on_device,
            }
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--tiles", nargs="+", default=["auto"], help="A number, or auto.")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--regions", action="store_true", help="The scale 1 alone.")
    parser.add_argument("--epochs", type=int, default=0)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        n_spots, tiles = options.measure
        tiles = tiles if tiles == "auto" else int(tiles)
        measure(int(n_spots), tiles, options)
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, {options.threads} threads")
    print(
        "| spots x 2 | tiles | held before, GB | taken, GB more | estimated, GB | over taken "
        "| peak in | CPU s | s | ms a spot | ratio | ARI at scale 1, least |"
    )
    print("|---" * 12 + "|")
    before = 0.0
    for n_spots in options.spots:
        for tiles in options.tiles:
            command = [sys.executable, __file__, "--threads", str(options.threads)]
            command += ["--epochs", str(options.epochs), "--device", options.device]
            command += [
                *(["--regions"] if options.regions else []),
                "--measure",
                str(n_spots),
                tiles,
            ]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            phases = found["phases"]
            highest = max(phases, key=lambda phase: phases[phase]["peak"])
            each = 1000 * found["cpu" if options.device == "cpu" else "wall"] / n_spots
            taken = phases[highest]["peak"] - found["held"]
            print(
                f"| {n_spots:,} | {found['tiles']} | {found['held'] / 1e9:.2f} "
                f"| {taken / 1e9:.2f} | {found['needs'] / 1e9:.2f} "
                f"| {found['needs'] / taken:.2f} | {highest} "
                f"| {found['cpu']:.0f} | {found['wall']:.0f} | {each:.3f} "
                f"| {f'{each / before:.2f}' if before else ''} "
                f"| {found['ari'][1]:.3f}, {found['ari'][0]:.3f} |",
                flush=True,
            )
            if options.device == "cuda":
                print(f"|   on the GPU | | | {found['on_device'] / 1e9:.2f} |", flush=True)
            for phase, took in phases.items():
                print(
                    f"|   {phase} | | | {(took['peak'] - found['held']) / 1e9:.2f} | | | "
                    f"| {took['cpu']:.0f} | {took['wall']:.0f} | | | |",
                    flush=True,
                )
            before = each


if __name__ == "__main__":
    main()
