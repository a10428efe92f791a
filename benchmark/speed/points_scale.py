"""Time what the Domains dock does to many points in a real window.

    xvfb-run -a -s "-screen 0 1400x900x24" python benchmark/speed/points_scale.py
        [--spots 100000 1000000] [--domains 12] [--plain] [--labels]

For each step: processor time of the window's thread until the call returns, in which the window
does not react, and until the next frame is drawn; then the latter by the clock, as all threads
that draw take part. Without a graphics card Mesa draws.

--plain has napari draw every point, as it does below 20,000. --labels shows what a Labels layer
with a DirectLabelColormap would take for a recolouring and a frame.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from heartbeat import settle

if TYPE_CHECKING:
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


Row = Callable[[str, Callable[[], object]], None]


def rows_of(viewer: Viewer, n_spots: int) -> tuple[Row, Callable[[], None]]:
    """Return what prints a row for a step, and what draws a frame."""
    canvas = viewer.window._qt_viewer.canvas

    def frame() -> None:
        canvas.on_draw(None)
        canvas._scene_canvas.render()

    def timed(step: str, action: Callable[[], object]) -> None:
        settle(0.2)
        started, busy = time.perf_counter(), time.thread_time()
        action()
        returned = time.thread_time()
        frame()
        call, whole = 1000 * (returned - busy), 1000 * (time.thread_time() - busy)
        drawn = 1000 * (time.perf_counter() - started)
        print(f"| {n_spots:,} | {step} | {call:,.0f} | {whole:,.0f} | {drawn:,.0f} |", flush=True)

    return timed, frame


def measure(viewer: Viewer, n_spots: int, n_domains: int) -> None:
    """Print a row for each step with one number of spots."""
    result = make_result(n_spots, n_domains)
    timed, _ = rows_of(viewer, n_spots)
    camera = viewer.scene.camera

    def pan() -> None:
        camera.center = (*camera.center[:-1], camera.center[-1] + 5 * PITCH)

    def zoom(by: float) -> None:
        camera.zoom *= by

    timed("show", lambda: add_domains(viewer, result))
    viewer.reset_view()
    domains = domain_layer(viewer.layers[-1])
    edits = domains.edits
    timed("draw again", lambda: None)
    timed("pan", pan)
    timed("zoom in", lambda: zoom(1.2))
    timed("zoom out", lambda: zoom(1 / 1.2))
    timed("recolour a domain, the first time", lambda: edits.recolor("1", "#ff0000"))
    timed("recolour a domain", lambda: edits.recolor("1", "#00ff00"))
    timed("hide a domain", lambda: edits.set_visible(["2"], False))
    timed("show all", edits.show_all)
    timed("rename a domain", lambda: edits.rename("3", "white matter"))
    timed("merge two domains", lambda: edits.merge(["4", "5"]))
    timed("undo", edits.undo)
    timed("colour by confidence", lambda: domains.color_by(by_confidence(result)))
    timed("colour by domain", lambda: domains.color_by(None))
    timed("select a domain", lambda: domains.select(["6"]))
    timed("pan with a selection", pan)
    timed("zoom with a selection", lambda: zoom(1.2))
    timed("select none", lambda: domains.select([]))
    timed("zoom to single spots", lambda: zoom(0.1 * np.sqrt(n_spots)))
    timed("pan among them", pan)
    timed("zoom back", viewer.reset_view)
    viewer.layers.clear()


def measure_labels(viewer: Viewer, n_spots: int, n_domains: int) -> None:
    """Print what a Labels layer takes for the same domains, two pixels by two a spot."""
    from napari.utils.colormaps import DirectLabelColormap

    result = make_result(n_spots, n_domains)
    side = int(np.ceil(np.sqrt(n_spots)))
    numbers = np.zeros(side * side, dtype=np.uint8)
    numbers[:n_spots] = result.domains.cat.codes + 1
    raster = numbers.reshape(side, side).repeat(2, axis=0).repeat(2, axis=1)
    colors = {at + 1: color for at, color in enumerate(result.colors.values())} | {None: "#000000"}
    timed, _ = rows_of(viewer, n_spots)

    def show() -> None:
        colormap = DirectLabelColormap(color_dict=colors)
        viewer.add_labels(raster, colormap=colormap, scale=[PITCH / 2] * 2)

    def recolor() -> None:
        changed = DirectLabelColormap(color_dict={**colors, 1: "#ff0000"})
        viewer.layers[-1].colormap = changed

    timed("Labels: show", show)
    viewer.reset_view()
    timed("Labels: draw again", lambda: None)
    timed("Labels: recolour a domain", recolor)
    viewer.layers.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--domains", type=int, default=12)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--labels", action="store_true")
    options = parser.parse_args()

    import napari

    from napari_trsmi.viewer.many import visual
    from napari_trsmi.widgets.domains.dock import DomainsDock

    if options.plain:
        visual.MANY = max(options.spots)
    viewer = napari.Viewer(show=True)
    viewer.window.add_dock_widget(DomainsDock(viewer), name="Domains", area="right")
    print("| spots | step | call, CPU ms | until drawn, CPU ms | by the clock, ms |")
    print("|---|---|---|---|---|")
    for n_spots in options.spots:
        if options.labels:
            measure_labels(viewer, n_spots, options.domains)
        else:
            measure(viewer, n_spots, options.domains)
    viewer.close()


if __name__ == "__main__":
    main()
