"""What is done with a run day by day: annotate, session, markers, figure, by mouse and keyboard.

    xvfb-run -a -s "-screen 0 1400x900x24" python benchmark/speed/everyday.py FOLDER
        [--spots 10000] [--theme light] [--job annotate]

Each job begins with the file of a run that is dropped on a new window of 1280 x 800, and is done by
events that Qt gets as a person's. The actions are counted, and a screenshot of each step goes into
FOLDER. A job fails if it takes more actions than it may, or if it does not do what it is for.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from person import SIZE, Person, wait
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit

from napari_trsmi import integrate, simulate, write_result
from napari_trsmi.viewer.attached import dataset_of
from napari_trsmi.widgets.domains.dock import DomainsDock
from napari_trsmi.widgets.plots.dock import PlotsDock

MOST = {"annotate": 8, "session": 8, "markers": 9, "figure": 9}
"""How many actions a job may take, with the drop that it begins with."""


def run_of(n_spots: int, folder: Path) -> Path:
    """Make a file of a run with its tables and its picture, once."""
    path = folder / f"tissue-{n_spots}.h5ad"
    if not path.exists():
        sizes = {"rna": 300, "protein": 20}
        section = simulate("tissue", n_spots=n_spots, modalities=tuple(sizes), n_features=sizes)
        result = integrate(section, n_domains=6, epochs=0, scale=1.0, all_scales=False)
        write_result(result, path, dataset=section)
    return path


def opened(theme: str, folder: Path, job: str, path: Path) -> tuple[Person, DomainsDock]:
    """Drop the file of a run on a new window."""
    person = Person.at(theme, folder, f"{job}-{path.stem}")
    person.drop([path])
    person.timed("open", lambda: person.window.findChildren(DomainsDock))
    (dock,) = person.window.findChildren(DomainsDock)
    wait(lambda: dock.domains is not None)
    person.see("opened")
    return person, dock


def annotate(theme: str, folder: Path, path: Path) -> Person:
    """Put spots around a place into a domain with a name."""
    person, dock = opened(theme, folder, "annotate", path)
    edits, layer = dock.domains.edits, dock.domains.layer
    low, high = layer.extent.world
    middle, reach = (low + high) / 2, (high - low) / 8
    turn = np.linspace(0, 2 * np.pi, 24)
    person.click(dock.lasso.button, "Lasso")
    person.drag(middle + reach * np.column_stack([np.sin(turn), np.cos(turn)]))
    person.timed("select", lambda: layer.selected_data)
    wait(lambda: not dock.lasso.button.isChecked())
    person.see("selected")
    n_selected = len(layer.selected_data)
    person.menu_of(dock.edit_bar.assign, "Assign", "New domain")
    person.timed("assign", lambda: "New 1" in edits.names)
    wait(lambda: _editor(dock) is not None)
    person.type("Follicle", _editor(dock))
    wait(lambda: "Follicle" in edits.names)
    person.see("named")
    assert edits.counts["Follicle"] == n_selected
    QTest.qWait(200)
    person.key(dock.legend, Qt.Key.Key_Z, "Ctrl+Z", Qt.KeyboardModifier.ControlModifier)
    assert "Follicle" not in edits.names
    person.actions.pop()  # which is no part of the job
    return person


def _editor(dock: DomainsDock) -> QLineEdit | None:
    """The field that a domain is named in."""
    fields = dock.legend.viewport().findChildren(QLineEdit)
    return next((field for field in fields if field.isVisible()), None)


def session(theme: str, folder: Path, path: Path) -> Person:
    """Save the window, and drop what was saved on a new one."""
    person, dock = opened(theme, folder, "session", path)
    gene = str(dataset_of(dock.domains.layer).modalities[0].table.var_names[0])
    dock.color_by.show_feature("rna", gene)
    dock.tabs.setCurrentWidget(dock.markers)
    wait(lambda: "Boundaries" in str(person.viewer.layers))
    camera = person.viewer.scene.camera
    camera.zoom = 2 * camera.zoom
    QTest.qWait(300)
    person.see("before")
    seen = camera.zoom, camera.center
    saved = folder / f"{path.stem}.trsmi"
    shutil.rmtree(saved, ignore_errors=True)
    person.main_menu("File", "IO Utilities", "Save session")
    person.file_name(saved)
    person.timed("save", (saved / "session.json").is_file)
    person.see("saved")
    again = Person.at(theme, folder, person.name)
    again.actions = person.actions
    person.viewer.close()
    again.drop([saved])
    again.timed("open again", lambda: again.window.findChildren(DomainsDock))
    (dock,) = again.window.findChildren(DomainsDock)
    wait(lambda: "Boundaries" in str(again.viewer.layers))
    again.see("again")
    assert dock.color_by.feature.currentText() == gene
    assert dock.tabs.currentWidget() is dock.markers
    camera = again.viewer.scene.camera
    np.testing.assert_allclose(camera.zoom, seen[0], rtol=0.05)
    np.testing.assert_allclose(camera.center, seen[1])
    again.took |= {key: took for key, took in person.took.items() if key not in again.took}
    return again


def markers(theme: str, folder: Path, path: Path) -> Person:
    """Rank the genes of a domain, colour by one, and save the markers of all as a table."""
    person, dock = opened(theme, folder, "markers", path)
    person.tab(dock.tabs, "Markers")
    panel = dock.markers
    person.click(panel.rank, "Find markers")
    person.timed("rank", lambda: panel.table.rowCount())
    person.see("ranked")
    gene = panel.table.text_at(0, 0)
    person.double_click(panel.table, 0, gene)
    person.timed("colour", lambda: dock.domains.coloring is not None)
    person.see("gene")
    assert dock.domains.coloring.feature.feature == gene
    person.click(panel.all_domains, "All domains")
    (plots,) = person.window.findChildren(PlotsDock)
    wait(lambda: not plots.draw.visibleRegion().isEmpty())
    person.click(plots.draw, "Draw")
    person.timed("dot plot", lambda: plots.plot is not None)
    person.see("plot")
    table = folder / f"{person.name}.csv"
    table.unlink(missing_ok=True)
    person.click(plots.save_rows, "Save table")
    person.file_name(table)
    wait(table.exists)
    person.see("saved")
    assert len(pd.read_csv(table)) > 6
    return person


def figure(theme: str, folder: Path, path: Path) -> Person:
    """Save what is on screen, with its legend, as vectors."""
    person, dock = opened(theme, folder, "figure", path)
    person.click(dock.canvas_legend.box, "Legend")
    person.see("legend")
    person.tab(dock.tabs, "Export")
    person.pick(dock.export.format, "What is on screen (.svg)")
    person.see("export")
    drawn = folder / f"{person.name}-{theme}.svg"
    drawn.unlink(missing_ok=True)
    person.click(dock.export.save, "Save as")
    person.file_name(drawn)
    person.timed("draw", lambda: drawn.exists() and not dock.export.background.busy)
    person.see("saved")
    text = drawn.read_text(encoding="utf-8")
    assert all(f">{name}<" in text or name in text for name in dock.domains.edits.names)
    return person


JOBS = {"annotate": annotate, "session": session, "markers": markers, "figure": figure}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--theme", choices=("dark", "light"), action="append")
    parser.add_argument("--spots", type=int, action="append")
    parser.add_argument("--job", choices=JOBS, action="append")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ["XDG_DATA_HOME"] = str(options.folder)  # edits that others left are not asked about
    for n_spots in options.spots or (10_000, 100_000):
        path = run_of(n_spots, options.folder)
        for job in options.job or JOBS:
            for theme in options.theme or ("dark", "light"):
                person = JOBS[job](theme, options.folder, path)
                assert (person.window.width(), person.window.height()) == SIZE
                took = ", ".join(f"{said} {seconds:.1f} s" for said, seconds in person.took.items())
                print(f"{job}, {theme}, {n_spots:,} spots: {len(person.actions)} actions", end=": ")
                print(f"{'; '.join(person.actions)}. {took}", flush=True)
                assert len(person.actions) <= MOST[job], person.actions
                person.viewer.close()


if __name__ == "__main__":
    main()
