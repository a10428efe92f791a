"""Time to find the boundaries of domains, and to draw them in a window.

    xvfb-run -a -s "-screen 0 1400x900x24" python benchmark/speed/boundaries.py [--spots 10000]

``smooth`` domains are what a run finds; ``noise`` gives each spot a domain of its own, the worst
case. ``find`` and ``areas`` are `domain_boundaries` and `domain_polygons`. ``show`` is
``add_boundaries`` of what was found and the first frame; ``Shapes``, for comparison, a Shapes layer
of the same polylines, whose first path takes seconds. Without a display both are left out, and
Shapes also beyond 5,000 polylines.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from napari_trsmi import TRSMIResult, add_domains
from napari_trsmi.spots.boundaries import domain_boundaries, domain_polygons
from napari_trsmi.viewer.domains.boundaries import add_boundaries

N_DOMAINS = 10
MANY_SHAPES = 5_000


def result(n_spots: int) -> TRSMIResult:
    """Spots on a hexagonal lattice in smooth domains."""
    rng = np.random.default_rng(0)
    side = int(np.sqrt(n_spots))
    row, column = np.divmod(np.arange(side * side), side)
    xy = 100 * np.column_stack([column + 0.5 * (row % 2), row * np.sqrt(3) / 2])
    seeds = rng.uniform(xy.min(axis=0), xy.max(axis=0), (6 * N_DOMAINS, 2))
    nearest = cKDTree(seeds).query(xy + rng.normal(0, 100, xy.shape))[1] % N_DOMAINS
    spots = pd.RangeIndex(len(xy)).astype(str)
    return TRSMIResult(
        domains=pd.Series(pd.Categorical((nearest + 1).astype(str)), spots),
        embedding=np.zeros((len(xy), 2), dtype=np.float32),
        confidence=pd.Series(1.0, spots),
        modality_weights=pd.DataFrame({"rna": np.ones(len(xy))}, spots),
        coordinates=xy,
        annotations=pd.DataFrame(index=spots),
        history=pd.DataFrame(),
        record={},
    )


def noisy(smooth: TRSMIResult) -> TRSMIResult:
    """The same spots with a domain each."""
    labels = np.random.default_rng(1).integers(1, N_DOMAINS + 1, len(smooth.domains)).astype(str)
    return replace(smooth, domains=pd.Series(pd.Categorical(labels), smooth.domains.index))


def seconds(job):
    started = time.perf_counter()
    found = job()
    return time.perf_counter() - started, found


def shown(outcome: TRSMIResult, found, paths) -> tuple[float, float]:
    """Seconds until the boundaries are on the screen: our layer, and Shapes."""
    import napari

    viewer = napari.Viewer()
    points = add_domains(viewer, outcome)
    viewer.screenshot(flash=False)

    def ours():
        add_boundaries(viewer, points, boundaries=found)
        viewer.screenshot(flash=False)

    def shapes():
        viewer.add_shapes(paths, shape_type="path", edge_width=20)
        viewer.screenshot(flash=False)

    mine = seconds(ours)[0]
    theirs = seconds(shapes)[0] if len(paths) <= MANY_SHAPES else float("nan")
    viewer.close()
    return mine, theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, nargs="+", default=[10_000, 100_000])
    options = parser.parse_args()
    windows = bool(os.environ.get("DISPLAY")) or os.name == "nt"
    print("| spots | domains | polylines | lines | find, s | areas, s | show, s | Shapes, s |")
    print("|---|---|---|---|---|---|---|---|")
    domain_polygons(np.eye(2), pd.Series(["a", "b"]))  # imports
    for n_spots in options.spots:
        smooth = result(n_spots)
        for name, outcome in (("smooth", smooth), ("noise", noisy(smooth))):
            xy, domains = outcome.coordinates, outcome.domains
            find, found = seconds(lambda xy=xy, domains=domains: domain_boundaries(xy, domains))
            areas, _ = seconds(lambda xy=xy, domains=domains: domain_polygons(xy, domains))
            paths = [boundary.path[:, ::-1] for boundary in found]
            mine, theirs = shown(outcome, found, paths) if windows else (float("nan"),) * 2
            n_lines = sum(len(path) - 1 for path in paths)
            print(
                f"| {len(xy):,} | {name} | {len(found):,} | {n_lines:,} | {find:.2f} "
                f"| {areas:.2f} | {mine:.2f} | {theirs:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
