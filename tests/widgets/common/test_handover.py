import sys

import pytest

from napari_trsmi.widgets.common.handover import quick_handover
from napari_trsmi.widgets.common.worker import Worker


def test_the_lock_is_handed_over_sooner_until_the_last_block_ends():
    before = sys.getswitchinterval()
    with quick_handover():
        during = sys.getswitchinterval()
        assert during < before
        with quick_handover():
            pass
        assert sys.getswitchinterval() == during
    assert sys.getswitchinterval() == pytest.approx(before)


def test_it_is_put_back_after_an_error():
    before = sys.getswitchinterval()
    with pytest.raises(ZeroDivisionError), quick_handover():
        raise ZeroDivisionError
    assert sys.getswitchinterval() == pytest.approx(before)


def test_a_worker_hands_it_over(qtbot):
    before, during = sys.getswitchinterval(), []

    def steps():
        during.append(sys.getswitchinterval())
        yield

    worker = Worker(steps)
    with qtbot.waitSignal(worker.finished):
        worker.start()
    assert worker.wait(5)
    assert during[0] < before
    assert sys.getswitchinterval() == pytest.approx(before)
