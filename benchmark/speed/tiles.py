"""Domains of a run in tiles against those of all spots at once, at every scale.

    python benchmark/speed/tiles.py [--tiles 6] [--data mouse_brain_p22 ...]

Adjusted Rand indices between the two, which need no labels.
"""

from __future__ import annotations

import argparse
import warnings

from sklearn.metrics import adjusted_rand_score

from napari_trsmi import Config, integrate
from trsmi_benchmark.data.sections import CASES

DATA = ("sim_complementary", "cortex_151673", "mouse_brain_p22")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", type=int, default=6)
    parser.add_argument("--data", nargs="+", choices=tuple(CASES), default=DATA)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"| data | spots | ARI of {options.tiles} tiles with one, at each scale |")
    print("|---|---|---|")
    for name in options.data:
        case = CASES[name].load()
        whole, tiled = (
            integrate(case.data, config=Config(n_domains=case.n_domains, tiles=tiles, device="cpu"))
            for tiles in (1, options.tiles)
        )
        found = []
        for scale, domains in whole.domains_by_scale.items():
            agreed = adjusted_rand_score(domains, tiled.domains_by_scale[scale])
            found.append(f"{scale:g}: {agreed:.4f}")
        print(f"| {name} | {case.data.n_spots:,} | {', '.join(found)} |", flush=True)


if __name__ == "__main__":
    main()
