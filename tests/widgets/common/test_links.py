from __future__ import annotations

from psygnal import Signal
from qtpy.QtWidgets import QWidget

from napari_trsmi.widgets.common.links import Links


class Source:
    told = Signal(int)


def test_links_end_when_cleared_or_when_the_owner_is_deleted(qtbot):
    source, heard = Source(), []
    owner = QWidget()
    links = Links(owner)
    links.connect(source.told, heard.append)
    source.told.emit(1)
    links.clear()
    source.told.emit(2)
    links.connect(source.told, heard.append)
    source.told.emit(3)
    with qtbot.waitSignal(owner.destroyed):
        owner.deleteLater()
    source.told.emit(4)
    assert heard == [1, 3]
