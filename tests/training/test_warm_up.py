import gc
import subprocess
import sys
import weakref

import pytest

from napari_trsmi.training import warm_up as home
from napari_trsmi.training.devices import available_devices
from napari_trsmi.training.warm_up import small_collections, warm_up


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Let the outcome be shown in no time."""
    monkeypatch.setattr(home, "_SETTLING", 0.05)


def test_what_a_run_loads_is_loaded():
    code = (
        "import gc, sys, napari_trsmi.config\n"
        "from napari_trsmi.training.warm_up import warm_up\n"
        "assert 'torch' not in sys.modules\n"
        "warm_up()\n"
        "assert gc.isenabled()\n"
        "expected = {'torch', 'scanpy', 'napari_trsmi.clustering.domains'}\n"
        "assert expected <= set(sys.modules)\n"
        "before = set(sys.modules)\n"
        "import napari_trsmi.integration\n"
        "late = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "assert late <= {'napari_trsmi'}, late"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_lists_the_devices_and_leaves_the_collector_as_it_was():
    assert [device.name for device in warm_up()] == [d.name for d in available_devices()]
    assert gc.isenabled()
    gc.disable()
    try:
        warm_up()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_there_is_set_aside_until_some_time_after_the_last_block(qtbot):
    gc.unfreeze()
    with small_collections():
        assert gc.get_freeze_count() > 10_000
        with small_collections():
            pass
        qtbot.wait(150)
        assert gc.get_freeze_count() > 10_000
    assert gc.get_freeze_count() > 10_000
    qtbot.waitUntil(lambda: gc.get_freeze_count() == 0, timeout=2000)


def test_what_a_full_collection_leaves_is_set_aside_too(qtbot):
    with small_collections():
        kept = [[] for _ in range(1000)]
        before = gc.get_freeze_count()
        gc.collect()
        assert gc.get_freeze_count() >= before + 1000
        gone = weakref.ref(Cycle())
        gc.collect()
        assert gone() is None
    assert len(kept) == 1000
    qtbot.waitUntil(lambda: gc.get_freeze_count() == 0, timeout=2000)
    before = gc.get_freeze_count()
    gc.collect()
    assert gc.get_freeze_count() == before


class Cycle:
    def __init__(self):
        self.own = self


def test_it_is_looked_through_again_after_an_error(qtbot):
    with pytest.raises(ZeroDivisionError), small_collections():
        raise ZeroDivisionError
    qtbot.waitUntil(lambda: gc.get_freeze_count() == 0, timeout=2000)
