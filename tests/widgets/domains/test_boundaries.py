"""Boundaries that are found in the background, and a dock that is closed meanwhile."""

from __future__ import annotations

import time
from threading import Event

from napari_trsmi import add_domains
from napari_trsmi.widgets.common.room import open_room
from napari_trsmi.widgets.domains import boundaries
from napari_trsmi.widgets.domains.dock import DomainsDock


def test_no_boundaries_come_after_the_dock_is_closed(
    make_napari_viewer, make_result, qtbot, monkeypatch
):
    viewer = make_napari_viewer()
    add_domains(viewer, make_result(n_domains=4), name="run")
    layers = list(viewer.layers)
    dock, _ = open_room(viewer, DomainsDock)
    find, closed, found = boundaries.domain_boundaries, Event(), Event()

    def find_late(*args, **kwargs):
        assert closed.wait(30)
        lines = find(*args, **kwargs)
        found.set()
        return lines

    monkeypatch.setattr(boundaries, "domain_boundaries", find_late)
    dock.boundaries.box.click()
    with qtbot.waitSignal(dock.destroyed):
        viewer.window.remove_dock_widget(dock.parentWidget())
        closed.set()
        assert found.wait(30)
        time.sleep(0.3)  # the outcome lies in the queue before the dock is deleted
    qtbot.wait(100)
    assert list(viewer.layers) == layers
