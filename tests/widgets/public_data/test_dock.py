"""The Public data dock, against a server on this machine."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt

from napari_trsmi.data.public.downloads import RECORDS, DownloadProgress
from napari_trsmi.viewer.attached import dataset_of
from napari_trsmi.viewer.section.openable import openable
from napari_trsmi.widgets.public_data import transfer
from napari_trsmi.widgets.public_data.dock import PublicDataDock

NUMBER = RECORDS["praga"].number
NOISE = np.random.default_rng(0).bytes(3_000_000)


@pytest.fixture(scope="session")
def tables(section, tmp_path_factory):
    """The section's tables as files, by name."""
    folder = tmp_path_factory.mktemp("tables")
    content = {}
    for modality in section.modalities:
        table = modality.table.copy()
        table.obsm["spatial"] = section.coordinates
        path = folder / f"adata_{modality.name}.h5ad"
        table.write_h5ad(path)
        content[path.name] = path.read_bytes()
    return content


@pytest.fixture
def make(qtbot, zenodo, tmp_path):
    docks = []

    def make(viewer=None, **arguments):
        keywords = {"folder": tmp_path / "cache", "server": zenodo.address} | arguments
        dock = PublicDataDock(viewer or ViewerModel(), **keywords)
        qtbot.addWidget(dock)
        dock.show()
        docks.append(dock)
        return dock

    yield make
    zenodo.go_on.set()
    for dock in docks:
        dock.stop()
        parts = (dock._lister, dock._fetcher, dock._opener)
        qtbot.waitUntil(lambda parts=parts: not any(part.busy for part in parts), timeout=20_000)


@pytest.fixture
def dock(make):
    return make()


def listed(dock, qtbot):
    dock.list.click()
    qtbot.waitUntil(lambda: not dock._lister.busy, timeout=10_000)
    return [dock.files.item(row).text() for row in range(dock.files.count())]


def check(dock, *rows):
    for row in rows:
        dock.files.item(row).setCheckState(Qt.CheckState.Checked)


def downloaded(dock, qtbot):
    """Download what is checked; return what can be opened."""
    dock.download.click()
    assert dock.downloading
    qtbot.waitUntil(lambda: not dock.downloading, timeout=20_000)
    return [dock.found.item(row).text() for row in range(dock.found.count())]


def halfway(dock, qtbot, zenodo):
    """Begin a download whose server holds still after a megabyte."""
    zenodo.files, zenodo.hold = {"brain.h5ad": NOISE}, 1_000_000
    listed(dock, qtbot)
    check(dock, 0)
    dock.download.click()
    qtbot.waitUntil(lambda: dock._transfer.latest is not None and dock._transfer.latest.done > 0)
    return dock._transfer


def test_nothing_is_requested_before_it_is_asked_for(dock, qtbot, zenodo, tmp_path):
    assert dock.record.count() == len(RECORDS)
    for row, record in enumerate(RECORDS.values()):
        dock.record.setCurrentIndex(row)
        assert dock.record.currentText() == record.holds
        assert record.citation in dock.about.text()
        assert str(tmp_path / "cache" / str(record.number)) in dock.status.text()
    qtbot.wait(50)
    assert zenodo.asked == []
    assert not (tmp_path / "cache").exists()
    assert not dock.download.isEnabled()
    assert "list of files" in dock.ready.text()


def test_files_are_listed_with_their_sizes(dock, qtbot, zenodo):
    zenodo.files = {"brain.h5ad": NOISE, "notes.txt": b"two lines\nof text\n"}
    assert listed(dock, qtbot) == ["brain.h5ad  (3.0 MB)", "notes.txt  (0.0 MB)"]
    assert [path for path, _ in zenodo.asked] == [f"/api/records/{NUMBER}"]
    assert not dock.download.isEnabled()
    assert dock.ready.text() == dock.download.toolTip() == "Check the files to download."
    check(dock, 0, 1)
    assert dock.ready.text() == "2 files, 3.0 MB"
    assert dock.download.isEnabled()
    dock.record.setCurrentIndex(1)
    assert dock.files.count() == 0
    assert not dock.download.isEnabled()


def test_an_answer_for_another_data_set_is_dropped(dock, qtbot, zenodo):
    zenodo.files = {"brain.h5ad": NOISE}
    dock.list.click()
    dock.record.setCurrentIndex(1)
    qtbot.waitUntil(lambda: len(zenodo.asked) == 1)
    qtbot.wait(100)
    assert dock.files.count() == 0
    assert dock.list.isEnabled()


def test_a_download_tells_how_far_it_is_and_what_can_be_opened(
    dock, qtbot, zenodo, tables, tmp_path
):
    zenodo.files = {"notes.txt": b"two lines", "big.bin": NOISE, **tables}
    zenodo.hold = 1_000_000
    listed(dock, qtbot)
    check(dock, 0, 1, 2)
    dock.download.click()
    qtbot.waitUntil(lambda: dock.progress.text().startswith("big.bin: 1.0 MB of 3."))
    assert 300 < dock.bar.value() < 350
    assert dock.cancel.isVisible()
    assert not dock.download.isVisible()
    assert not dock.record.isEnabled()
    zenodo.go_on.set()
    qtbot.waitUntil(lambda: not dock.downloading, timeout=20_000)
    folder = tmp_path / "cache" / str(NUMBER)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["notes.txt", "big.bin", next(iter(tables))]
    )
    assert dock.status.text() == f"Downloaded to {folder}."
    assert dock.found.count() == 1
    assert dock.open.isEnabled()
    assert not dock.bar.isVisible()


def test_the_window_looks_at_most_ten_times_a_second(dock, qtbot, zenodo, monkeypatch):
    shown = []
    show = PublicDataDock._show_progress
    monkeypatch.setattr(PublicDataDock, "_show_progress", lambda self: shown.append(show(self)))
    dock._look.timeout.disconnect()
    dock._look.timeout.connect(lambda: dock._show_progress())

    def flood(name, *, on_progress, **_):
        end = time.monotonic() + 1
        while time.monotonic() < end:
            on_progress(DownloadProgress("brain.h5ad", 1, 2))
        return []

    zenodo.files = {"brain.h5ad": NOISE}
    listed(dock, qtbot)
    check(dock, 0)
    monkeypatch.setattr(transfer, "download", flood)
    shown.clear()
    downloaded(dock, qtbot)
    assert 3 <= len(shown) <= 16  # and a few when the buttons change


def test_cancel_keeps_what_has_arrived(dock, qtbot, zenodo, tmp_path):
    halfway(dock, qtbot, zenodo)
    dock.cancel.click()
    assert dock.progress.text() == "Stopping…"
    assert not dock.cancel.isEnabled()
    zenodo.go_on.set()
    qtbot.waitUntil(lambda: not dock.downloading, timeout=10_000)
    assert dock.status.text().startswith("Stopped. What has arrived is kept")
    (part,) = (tmp_path / "cache" / str(NUMBER)).iterdir()
    assert part.name == "brain.h5ad.part"
    arrived = part.stat().st_size
    assert 0 < arrived < len(NOISE)

    zenodo.hold = None  # and it goes on from there
    downloaded(dock, qtbot)
    assert zenodo.asked[-1][1] == f"bytes={arrived}-"
    assert part.with_suffix("").read_bytes() == NOISE


def test_cancel_ends_the_wait_for_a_server_that_is_gone(dock, qtbot, zenodo, monkeypatch):
    zenodo.files, zenodo.status = {"brain.h5ad": NOISE}, [503] * 99
    listed(dock, qtbot)
    check(dock, 0)
    dock.download.click()
    qtbot.waitUntil(lambda: len(zenodo.asked) > 1)
    dock.cancel.click()
    qtbot.waitUntil(lambda: not dock.downloading, timeout=10_000)
    assert dock.status.text().startswith("Stopped.")


def test_no_network_is_told_in_a_line(dock, qtbot, zenodo):
    zenodo.shutdown()
    zenodo.server_close()
    assert listed(dock, qtbot) == []
    assert dock.status.text().startswith("⚠ Cannot reach 127.0.0.1")
    assert "\n" not in dock.status.text()
    assert dock.list.isEnabled()


def test_a_network_that_fails_later_is_told_as_well(dock, qtbot, zenodo):
    zenodo.files = {"brain.h5ad": NOISE}
    listed(dock, qtbot)
    check(dock, 0)
    zenodo.shutdown()
    zenodo.server_close()
    assert downloaded(dock, qtbot) == []
    assert dock.status.text().startswith("⚠ Cannot reach 127.0.0.1")
    assert dock.download.isEnabled()


def test_a_wrong_checksum_is_told(dock, qtbot, zenodo, tmp_path):
    zenodo.files = {"brain.h5ad": NOISE}
    zenodo.described["brain.h5ad"] = {"checksum": f"md5:{'0' * 32}"}
    listed(dock, qtbot)
    check(dock, 0)
    assert downloaded(dock, qtbot) == []
    assert "⚠ brain.h5ad arrived with another checksum" in dock.status.text()
    assert not dock.found.isVisible()
    assert not list((tmp_path / "cache" / str(NUMBER)).iterdir())


def test_a_table_is_opened(dock, qtbot, zenodo, tables):
    zenodo.files = tables
    listed(dock, qtbot)
    check(dock, 0)
    (name,) = downloaded(dock, qtbot)
    qtbot.keyClick(dock.found, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not dock._opener.busy, timeout=20_000)
    (points,) = dock._viewer.layers
    assert dataset_of(points).names == ("rna",)
    assert dock.status.text().startswith(f"Opened {name.removesuffix('.h5ad')}.")


def test_tables_that_are_selected_together_are_one_section(dock, qtbot, zenodo, tables, section):
    zenodo.files = tables
    listed(dock, qtbot)
    check(dock, 0, 1)
    assert downloaded(dock, qtbot) == list(tables)
    dock.found.selectAll()
    dock.open.click()
    assert not dock.open.isEnabled()
    qtbot.waitUntil(lambda: not dock._opener.busy, timeout=20_000)
    (points,) = dock._viewer.layers
    assert dataset_of(points).names == section.names
    dock.found.clearSelection()
    assert not dock.open.isEnabled()
    assert dock.open.toolTip() == "Select what to open."


def test_a_damaged_table_is_told(dock, qtbot, zenodo):
    zenodo.files = {"brain.h5ad": b"no table"}
    listed(dock, qtbot)
    check(dock, 0)
    assert downloaded(dock, qtbot) == ["brain.h5ad"]
    dock.open.click()
    qtbot.waitUntil(lambda: not dock._opener.busy, timeout=20_000)
    assert "not an HDF5 file" in dock.status.text()
    assert len(dock._viewer.layers) == 0


def _at_work():
    """Threads of workers; while one writes, pooch's temporary file lies beside the part."""
    return [thread for thread in threading.enumerate() if thread.name == "TRSMI"]


@pytest.mark.parametrize("how", ["cross", "window"])
def test_closing_during_a_download_ends_it(make_napari_viewer, qtbot, zenodo, tmp_path, how):
    viewer = make_napari_viewer()
    dock = PublicDataDock(viewer, folder=tmp_path / "cache", server=zenodo.address)
    area = viewer.window.add_dock_widget(dock, name="Public data")
    transfer = halfway(dock, qtbot, zenodo)
    gone = weakref.ref(dock)
    del dock
    if how == "cross":
        area.destroyOnClose()
    else:
        viewer.close()
    del area
    qtbot.waitUntil(lambda: transfer.stopped, timeout=5_000)
    zenodo.go_on.set()
    qtbot.waitUntil(lambda: not _at_work(), timeout=10_000)
    qtbot.waitUntil(lambda: gc.collect() >= 0 and gone() is None, timeout=20_000)
    (part,) = (tmp_path / "cache" / str(NUMBER)).iterdir()
    assert part.name == "brain.h5ad.part"
    assert part.stat().st_size < len(NOISE)


def test_it_can_be_used_without_a_mouse(dock, qtbot, zenodo, tables):
    zenodo.files = tables
    qtbot.keyClick(dock.list, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: dock.files.count() == 2)
    qtbot.keyClick(dock.files, Qt.Key.Key_Space)
    assert dock.ready.text().startswith("1 file,")
    qtbot.keyClick(dock.download, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: dock.found.isVisible(), timeout=10_000)
    for control in (dock.record, dock.list, dock.files, dock.download, dock.found, dock.open):
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert control.toolTip()
    assert dock.cancel.toolTip()


def test_stores_are_found_as_folders(tmp_path, tables):
    store = tmp_path / "archive" / "section.zarr"
    (store / "tables").mkdir(parents=True)
    (store / "zarr.json").write_text('{"attributes": {"spatialdata_attrs": {"version": "0.2"}}}')
    (store / "tables" / "zarr.json").write_text("{}")
    table = tmp_path / "archive" / "rna.h5ad"
    table.write_bytes(next(iter(tables.values())))
    (tmp_path / "notes.txt").write_text("text")
    paths = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert openable(paths, tmp_path) == [table, store]
