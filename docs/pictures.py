"""Make the tutorial's pictures in a real window: python docs/pictures.py [FOLDER [CHAPTER ...]].

Without a screen: xvfb-run -a -s "-screen 0 1400x900x24" python docs/pictures.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import napari
import numpy as np
from napari.layers import Points
from PIL import Image
from qtpy.QtTest import QTest
from scipy.ndimage import rotate

from napari_trsmi import add_domains, integrate, simulate
from napari_trsmi import open as open_section
from napari_trsmi.viewer.domains.layer import shows_domains
from napari_trsmi.viewer.section.layers import spots_data
from napari_trsmi.widgets.common.room import open_room
from napari_trsmi.widgets.domains.dock import DomainsDock
from napari_trsmi.widgets.integrate.dock import IntegrateDock
from napari_trsmi.widgets.landmarks.dock import LandmarksDock
from napari_trsmi.widgets.plots.dock import PlotsDock
from napari_trsmi.widgets.public_data.dock import PublicDataDock

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
    panel = domains.markers
    panel.feature_chosen.emit(panel.modality.currentText(), panel.table.text_at(0, 0))
    domains.tabs.setCurrentIndex(0)
    domains.appearance.opacity.setValue(90)
    picture(viewer, "feature")
    domains.appearance.opacity.setValue(60)
    domains.color_by.what.setCurrentIndex(0)
    domains.color_by.what.activated.emit(0)

    domains.tabs.setCurrentWidget(domains.export)
    viewer.theme = "light"
    domains.boundaries.box.click()
    domains.canvas_legend.box.click()
    wait(lambda: not domains.boundaries.background.busy)
    picture(viewer, "export")


def simulated(viewer: napari.Viewer) -> tuple[Points, DomainsDock]:
    """A run on simulated tissue with two tables, in the Domains dock."""
    viewer.window.resize(*SIZE)
    viewer.theme = "dark"
    section = simulate("tissue", n_spots=2_300, modalities=("rna", "protein"))
    found = integrate(section, n_domains=6)
    points = add_domains(viewer, found, dataset=section, name="tissue: domains")
    domains, _ = open_room(viewer, DomainsDock)
    domains.show_run(points)
    wait(lambda: not domains.boundaries.background.busy)
    viewer.reset_view()
    return points, domains


def annotation(viewer: napari.Viewer) -> None:
    """A lasso on the tissue, and what becomes of it."""
    points, domains = simulated(viewer)
    low, high = points.extent.world
    turn = np.linspace(0, 2 * np.pi, 30)
    ring = (low + high) / 2 + (high - low) / 7 * np.column_stack([np.sin(turn), np.cos(turn)])
    domains.lasso.button.click()
    lasso = viewer.layers["Lasso"]
    lasso.add_polygons(ring / np.asarray(lasso.scale))
    wait(lambda: not domains.lasso.button.isChecked())
    domains.edit_bar.assign_selected(None)
    picture(viewer, "annotate")


def plots(viewer: napari.Viewer) -> None:
    """Markers of all domains, and the gene sets of a file."""
    _, domains = simulated(viewer)
    domains.canvas_legend.box.click()
    domains.markers.all_domains.click()
    room, _ = open_room(viewer, PlotsDock)
    draw(room)
    picture(viewer, "plots")
    genes = [str(name) for name in domains.color_by._dataset().modalities[0].table.var_names]
    sets = FOLDER / "sets.gmt"
    lines = ["\t".join([f"SET_{at + 1}", "", *genes[at * 12 : at * 12 + 12]]) for at in range(10)]
    sets.write_text("\n".join(lines))
    room.choose("Gene set")
    room.choices.sets.load_file(str(sets))
    sets.unlink()
    draw(room)
    picture(viewer, "gene-sets")


def draw(room: PlotsDock) -> None:
    room.draw.click()
    wait(lambda: room.plot is not None)


def landmarks(viewer: napari.Viewer) -> None:
    """A picture that was turned against the spots, and four pairs, the last one wrong."""
    viewer.window.resize(*SIZE)
    viewer.theme = "dark"
    section = simulate("tissue", n_spots=2_300, modalities=("rna", "protein"))
    data, shown, _ = spots_data(section, "tissue")
    spots = viewer.add_layer(Points(data, **shown))
    spots.opacity = 0.4
    turned = rotate(np.asarray(section.image.pixels), 12, cval=255, order=1)
    viewer.add_image(turned, name="H&E")
    room, _ = open_room(viewer, LandmarksDock)
    begun = room.begin()
    low, high = np.asarray(data).min(axis=0), np.asarray(data).max(axis=0)
    places = low + (high - low) * np.array([[0.2, 0.3], [0.3, 0.75], [0.8, 0.6], [0.7, 0.25]])
    scale = float(section.image.scale)
    angle, middle = np.deg2rad(12), np.array(section.image.pixels.shape[:2]) / 2
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    on_picture = (places * scale - middle) @ turn.T + np.array(turned.shape[:2]) / 2
    on_picture[3] += (60, -40)
    begun.set_places(spots=places.tolist(), picture=on_picture.tolist())
    viewer.reset_view()
    wait(lambda: not room.looking.busy)
    picture(viewer, "landmarks")


def public_data(viewer: napari.Viewer) -> None:
    """What can be downloaded."""
    viewer.window.resize(*SIZE)
    viewer.theme = "dark"
    open_room(viewer, PublicDataDock)
    picture(viewer, "public-data")


def sections(viewer: napari.Viewer) -> None:
    """Two halves of the spots of one tissue, as two sections; the second has RNA alone."""
    viewer.window.resize(*SIZE)
    viewer.theme = "dark"
    block = simulate("tissue", n_spots=4_600, modalities=("rna", "protein"))
    halves = np.array_split(np.arange(block.n_spots), 2)
    given = {
        name: {m.name: _placed(m.table[spots], block.coordinates[spots]) for m in block.modalities}
        for name, spots in zip(("s1", "s2"), halves, strict=True)
    }
    del given["s2"]["protein"]
    integrate, _ = open_room(viewer, IntegrateDock)
    open_section(viewer, given, image=dict.fromkeys(given, block.image))
    integrate.form.set_config(integrate.form.config().replace(n_domains=6))
    wait(integrate.panel.run.isEnabled)
    viewer.reset_view()
    picture(viewer, "sections-open")

    integrate.panel.run.click()
    wait(lambda: not integrate.controller.running and shows_domains(viewer.layers[-2]))
    domains, _ = open_room(viewer, DomainsDock)
    wait(lambda: domains.domains is not None)
    domains.tabs.setCurrentWidget(domains.shares)
    domains.legend.selectRow(2)
    viewer.reset_view()
    picture(viewer, "sections")

    domains.legend.clearSelection()
    protein = domains.color_by.modality.itemText(1)
    domains.color_by.show_feature(protein, str(block.modalities[1].table.var_names[0]))
    domains.tabs.setCurrentIndex(0)
    picture(viewer, "sections-feature")


def _placed(table, coordinates):
    """A table with its spots' places."""
    placed = table.copy()
    placed.obsm["spatial"] = coordinates
    return placed


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for chapter in (tutorial, sections, annotation, plots, landmarks, public_data):
        if len(sys.argv) < 3 or chapter.__name__ in sys.argv[2:]:
            viewer = napari.Viewer()
            chapter(viewer)
            viewer.close()


if __name__ == "__main__":
    main()
