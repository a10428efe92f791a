import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt

from napari_trsmi.data.dataset import Kind
from napari_trsmi.viewer.run.candidates import candidates_of_layer
from napari_trsmi.viewer.run.inputs import RunInputs
from napari_trsmi.widgets.integrate.channel_box import ChannelBox
from napari_trsmi.widgets.integrate.modality_list import ModalityList


@pytest.fixture
def box(qtbot):
    made = ChannelBox(["DAPI", "CD3", "PanCK"])
    qtbot.addWidget(made)
    return made


def test_channels_are_ticked_by_name(box, qtbot):
    assert box.text() == "3 ▾"
    with qtbot.waitSignal(box.chosen) as told:
        box.list.item(1).setCheckState(Qt.CheckState.Unchecked)
    assert told.args == [("DAPI", "PanCK")]
    assert box.text() == "2 of 3 ▾"
    assert "DAPI, PanCK" in box.toolTip()
    with qtbot.waitSignal(box.chosen) as told:
        box.none.click()
    assert told.args == [()]
    assert box.text() == "0 of 3 ▾"
    with qtbot.waitSignal(box.chosen) as told:
        box.all.click()
    assert told.args == [None]


def test_showing_a_choice_tells_nothing(box, qtbot):
    with qtbot.assertNotEmitted(box.chosen):
        box.choose(("CD3",))
    states = [box.list.item(i).checkState() == Qt.CheckState.Checked for i in range(3)]
    assert states == [False, True, False]


def test_a_row_of_an_image_with_channels_has_it(qtbot):
    viewer, inputs = ViewerModel(), RunInputs()
    panel = viewer.add_image(np.zeros((3, 9, 9)), name="panel")
    colours = viewer.add_image(np.zeros((9, 9, 3), dtype=np.uint8), rgb=True, name="H&E")
    modalities = ModalityList(inputs, viewer)
    qtbot.addWidget(modalities)
    modalities.show()
    inputs.add([*candidates_of_layer(panel), *candidates_of_layer(colours)])
    first, second = modalities.rows
    assert second.channels is None
    assert inputs.choices[0].kind is Kind.IMAGE
    qtbot.waitUntil(first.channels.isVisible)
    assert not first.origin.isVisible()
    first.channels.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert inputs.choices[0].channels == ("panel 1", "panel 2")
    assert first.channels.text() == "2 of 3 ▾"
    first.used.setChecked(False)
    assert not first.channels.isEnabled()
