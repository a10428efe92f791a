"""Make the tutorial's pictures in a real window: python docs/pictures.py [FOLDER [CHAPTER ...]].

Without a screen: xvfb-run -a -s "-screen 0 1400x900x24" python docs/pictures.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import napari
import numpy as np
from PIL import Image
from qtpy.QtTest import QTest

from napari_trsmi import add_boundaries, add_domains, integrate, simulate
from napari_trsmi.widgets.common.room import open_room
from napari_trsmi.widgets.domains.dock import DomainsDock
from napari_trsmi.widgets.integrate.dock import IntegrateDock

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images"
SIZE = (1280, 800)
PATIENCE = 10_000  # looks


def wait(done) -> None:
    """Let the window work until something is so."""
    for _ in range(PATIENCE):
        if done():
            return
        QTest.qWait(20)
    raise TimeoutError


def picture(viewer: napari.Viewer, name: str) -> None:
    """Save the window in 256 colours: the screenshots go into the repository."""
    QTest.qWait(700)
    shot = viewer.window.screenshot(canvas_only=False, flash=False)
    image = Image.fromarray(shot).convert("RGB")
    image.quantize(256).save(FOLDER / f"tutorial-{name}.png", optimize=True)
    print(f"{name}: {image.size[0]} x {image.size[1]}")


def tutorial(viewer: napari.Viewer) -> None:
    viewer.window.resize(*SIZE)
    viewer.theme = "dark"
    viewer.open_sample("napari-trsmi", "tissue")
    integrate, _ = open_room(viewer, IntegrateDock)
    wait(integrate.panel.run.isEnabled)
    viewer.reset_view()
    picture(viewer, "inputs")

    integrate.advanced.toggleButton().click()
    picture(viewer, "advanced")
    integrate.advanced.toggleButton().click()

    integrate.form.set_config(integrate.form.config().replace(n_domains=6))
    wait(integrate.panel.run.isEnabled)
    integrate.panel.run.click()
    wait(lambda: integrate.panel.bar.value() > integrate.panel.bar.maximum() // 2)
    picture(viewer, "running")
    wait(lambda: not integrate.controller.running and len(viewer.layers) > 3)
    picture(viewer, "result")
    result = viewer.layers[2]

    domains, _ = open_room(viewer, DomainsDock)
    domains.domains.edits.rename("1", "Stroma")
    domains.legend.selectRow(2)
    picture(viewer, "domains")
    domains.legend.clearSelection()
    domains.boundaries.box.click()

    domains.scale.slider.setValue(0)
    picture(viewer, "states")
    domains.edit_bar.undo_last()

    domains.color_by.what.setCurrentIndex(domains.color_by.what.count() - 1)
    domains.color_by.what.activated.emit(domains.color_by.what.currentIndex())
    picture(viewer, "feature")
    domains.color_by.what.setCurrentIndex(0)
    domains.color_by.what.activated.emit(0)

    domains.tabs.setCurrentWidget(domains.embedding)
    domains.legend.chosen.emit(["2"])
    picture(viewer, "embedding")
    result.selected_data = set()

    domains.tabs.setCurrentWidget(domains.comparison)
    domains.comparison.compare.click()
    picture(viewer, "compare")

    domains.tabs.setCurrentWidget(domains.markers)
    domains.markers.rank.click()
    wait(domains.markers.rank.isEnabled)
    picture(viewer, "markers")

    domains.tabs.setCurrentWidget(domains.export)
    viewer.theme = "light"
    add_boundaries(viewer, result)
    picture(viewer, "export")


def sections(viewer: napari.Viewer) -> None:
    """Two halves of the spots of one tissue, as two sections that were run together."""
    viewer.window.resize(*SIZE)
    viewer.theme = "dark"
    block = simulate("tissue", n_spots=4_600, modalities=("rna", "protein"))
    halves = np.array_split(np.arange(block.n_spots), 2)
    given = {
        name: {m.name: m.table[spots].copy() for m in block.modalities}
        for name, spots in zip(("s1", "s2"), halves, strict=True)
    }
    result = integrate(given, n_domains=6, image=dict.fromkeys(given, block.image))
    add_domains(viewer, result)
    domains, _ = open_room(viewer, DomainsDock)
    domains.tabs.setCurrentWidget(domains.shares)
    domains.legend.selectRow(2)
    viewer.reset_view()
    picture(viewer, "sections")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for chapter in (tutorial, sections):
        if len(sys.argv) < 3 or chapter.__name__ in sys.argv[2:]:
            viewer = napari.Viewer()
            chapter(viewer)
            viewer.close()


if __name__ == "__main__":
    main()
