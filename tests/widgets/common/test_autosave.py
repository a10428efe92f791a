"""Edits outlive a crash: a program that is killed leaves them to the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from napari_trsmi.output.results import write_result
from napari_trsmi.viewer.attached import result_of
from napari_trsmi.viewer.domains.adding import add_domains
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.viewer.session.unsaved import left_behind
from napari_trsmi.widgets.common import autosave as module
from napari_trsmi.widgets.common.autosave import Autosave, edits_folder
from napari_trsmi.widgets.common.room import open_room
from napari_trsmi.widgets.domains.dock import DomainsDock


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(module, "_own", set())
    return edits_folder()


@pytest.fixture
def make_keeper(make_napari_viewer, folder, monkeypatch):
    """Open a window with the Domains dock; return the viewer and what keeps its edits."""
    monkeypatch.setattr(module, "_PAUSE", 20)

    def make():
        viewer = make_napari_viewer()
        open_room(viewer, DomainsDock)
        return viewer, viewer.window._qt_window.findChild(Autosave)

    return make


def test_edits_are_kept_until_a_file_has_them(make_keeper, folder, make_result, tmp_path, qtbot):
    viewer, _ = make_keeper()
    points = add_domains(viewer, make_result(), name="run")
    edits = domain_layer(points).edits
    edits.rename("1", "tumour")
    qtbot.waitUntil(lambda: len(list(folder.glob("*.json"))) == 1, timeout=10_000)
    assert left_behind(folder) == []  # this program is alive
    write_result(edits.result(), tmp_path / "domains.h5ad")
    edits.mark_saved(edits.result())
    edits.rename("tumour", "1")  # what follows is not saved
    edits.undo()
    qtbot.waitUntil(lambda: not list(folder.glob("*")), timeout=10_000)


CRASH = """
import os, signal, sys
from pathlib import Path
from napari_trsmi.output.results import read_result
from napari_trsmi.viewer.domains.edits import DomainEdits
from napari_trsmi.viewer.session.unsaved import keep_edits, place_for
edits = DomainEdits(read_result(sys.argv[1]))
edits.rename("1", "tumour")
keep_edits(place_for(Path(sys.argv[2]), 0), "my run", edits.result())
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def crashed(folder, make_result, tmp_path):
    run = write_result(make_result(), tmp_path / "run.h5ad")
    ran = subprocess.run(
        [sys.executable, "-c", CRASH, str(run), str(folder)], check=False, env=os.environ
    )
    assert ran.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")
@pytest.mark.usefixtures("crashed")
def test_what_a_crash_left_is_offered_and_opened(make_keeper, folder, qtbot):
    viewer, _ = make_keeper()
    box = find_box(viewer)
    assert "1 edited run" in box.text()
    assert "my run" in box.informativeText()
    click(box, "Open")
    qtbot.waitUntil(lambda: "my run" in viewer.layers)
    assert "tumour" in result_of(viewer.layers["my run"]).colors
    assert len(left_behind(folder)) == 1  # until it is discarded: no other file has it


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")
@pytest.mark.usefixtures("crashed")
def test_what_a_crash_left_can_be_discarded_or_left_for_later(make_keeper, folder, qtbot):
    viewer, keeper = make_keeper()
    click(find_box(viewer), "Later")
    assert len(left_behind(folder)) == 1
    click(keeper.offer(left_behind(folder)), "Discard")
    qtbot.waitUntil(lambda: left_behind(folder) == [])
    assert not viewer.layers


def find_box(viewer):
    from qtpy.QtWidgets import QMessageBox

    (box,) = viewer.window._qt_window.findChildren(QMessageBox)
    return box


def click(box, text):
    next(button for button in box.buttons() if button.text() == text).click()
