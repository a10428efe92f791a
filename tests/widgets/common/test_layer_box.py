import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Points

from napari_trsmi.widgets.common.layer_box import LayerBox


@pytest.fixture
def viewer():
    model = ViewerModel()
    model.add_image(np.zeros((9, 9)), name="picture")
    model.add_points(np.zeros((3, 2)), name="low")
    model.add_points(np.zeros((3, 2)), name="high")
    return model


@pytest.fixture
def box(viewer, qtbot):
    made = LayerBox(viewer, accepts=lambda layer: isinstance(layer, Points), none="None")
    qtbot.addWidget(made)
    return made


def items(box):
    return [box.itemText(i) for i in range(box.count())]


def test_it_offers_what_it_accepts_topmost_first(box):
    assert items(box) == ["None", "high", "low"]
    assert box.layer is None


def test_it_keeps_up_with_the_layers(box, viewer):
    box.show_layer(viewer.layers["low"])
    viewer.layers["low"].name = "renamed"
    viewer.add_points(np.zeros((1, 2)), name="new")
    assert items(box) == ["None", "new", "high", "renamed"]
    assert box.layer.name == "renamed"
    viewer.layers.remove("high")
    assert box.layer.name == "renamed"
    viewer.layers.remove("renamed")
    assert items(box) == ["None", "new"]
    assert box.layer is None


def test_only_the_user_chooses(box, viewer, qtbot):
    with qtbot.assertNotEmitted(box.chosen):
        box.show_layer(viewer.layers["low"])
    with qtbot.waitSignal(box.chosen) as caught:
        box.activated.emit(1)
    assert caught.args == [viewer.layers["high"]]


def test_a_layer_that_is_not_offered_shows_as_none(box):
    box.show_layer(Image(np.zeros((3, 3))))
    assert box.layer is None


def test_a_deleted_box_hears_no_more(viewer, qtbot):
    box = LayerBox(viewer, accepts=lambda layer: True, none="None")
    with qtbot.waitSignal(box.destroyed):
        box.deleteLater()
    viewer.layers.remove("low")
    viewer.layers["high"].name = "other"
