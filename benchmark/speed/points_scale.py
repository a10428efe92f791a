"""Time what the Domains dock does to many points in a real window.

    xvfb-run -a -s "-screen 0 1400x900x24" python benchmark/speed/points_scale.py
        [--spots 100000 1000000] [--domains 12]

For each step: until the call returns, during which the window does not react, and until the next
frame is drawn. Without a graphics card Mesa draws, and a frame of a million points takes seconds.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer

from napari_trsmi import add_domains
from napari_trsmi.result import TRSMIResult
from napari_trsmi.viewer.domains.coloring import by_confidence
from napari_trsmi.viewer.domains.layer import domain_layer

DIAMETER = 8.0
PITCH = 10.0


def make_result(n_spots: int, n_domains: int) -> TRSMIResult:
    """Make a square section of striped domains, without training."""
    rng = np.random.default_rng(0)
    side = int(np.ceil(np.sqrt(n_spots)))
    place = np.arange(n_spots)
    spots = pd.Index([f"spot_{spot}" for spot in place])
    names = [str(domain + 1) for domain in range(n_domains)]
    return TRSMIResult(
        domains=pd.Series(
            pd.Categorical.from_codes(place % side * n_domains // side, names), index=spots
        ),
        embedding=rng.normal(size=(n_spots, 8)).astype(np.float32),
        confidence=pd.Series(rng.uniform(0.5, 1, n_spots), index=spots),
        modality_weights=pd.DataFrame(rng.dirichlet((1, 1), n_spots), spots, ["rna", "protein"]),
        coordinates=np.column_stack([place % side, place // side]) * PITCH,
        annotations=pd.DataFrame(index=spots),
        history=pd.DataFrame({"epoch": [1]}),
        record={},
        spot_diameter=DIAMETER,
    )


def measure(viewer: Viewer, n_spots: int, n_domains: int) -> None:
    """Print a row for each step with one number of spots."""
    result = make_result(n_spots, n_domains)
    canvas = viewer.window._qt_viewer.canvas

    def timed(step: str, action: Callable[[], object]) -> None:
        started = time.perf_counter()
        action()
        returned = time.perf_counter()
        canvas.on_draw(None)
        canvas._scene_canvas.render()
        drawn = time.perf_counter()
        call, whole = 1000 * (returned - started), 1000 * (drawn - started)
        print(f"| {n_spots:,} | {step} | {call:,.0f} | {whole:,.0f} |", flush=True)

    timed("show", lambda: add_domains(viewer, result))
    viewer.reset_view()
    domains = domain_layer(viewer.layers[-1])
    edits = domains.edits
    timed("draw again", lambda: None)
    timed("recolour a domain", lambda: edits.recolor("1", "#ff0000"))
    timed("hide a domain", lambda: edits.set_visible(["2"], False))
    timed("show all", edits.show_all)
    timed("rename a domain", lambda: edits.rename("3", "white matter"))
    timed("merge two domains", lambda: edits.merge(["4", "5"]))
    timed("undo", edits.undo)
    timed("colour by confidence", lambda: domains.color_by(by_confidence(result)))
    timed("colour by domain", lambda: domains.color_by(None))
    timed("select a domain", lambda: domains.select(["6"]))
    viewer.layers.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--domains", type=int, default=12)
    options = parser.parse_args()

    import napari

    from napari_trsmi.widgets.domains.dock import DomainsDock

    viewer = napari.Viewer(show=True)
    viewer.window.add_dock_widget(DomainsDock(viewer), name="Domains", area="right")
    print("| spots | step | call, ms | until drawn, ms |")
    print("|---|---|---|---|")
    for n_spots in options.spots:
        measure(viewer, n_spots, options.domains)
    viewer.close()


if __name__ == "__main__":
    main()
