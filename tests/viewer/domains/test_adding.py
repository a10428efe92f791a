import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_trsmi import add_domains
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.domains.adding import iter_add_domains


def drain(steps):
    count = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, count
        count += 1


def test_in_the_end_it_is_what_add_domains_adds(make_result, make_dataset):
    result, dataset = make_result(), make_dataset()
    at_once, in_steps = ViewerModel(), ViewerModel()
    expected = add_domains(at_once, result, dataset=dataset)
    layer, count = drain(iter_add_domains(in_steps, result, dataset=dataset))
    assert count == 3
    assert [one.name for one in in_steps.layers] == [one.name for one in at_once.layers]
    assert layer is in_steps.layers[-1]
    assert layer.visible
    np.testing.assert_array_equal(layer.data, expected.data)
    np.testing.assert_array_equal(layer.face_color, expected.face_color)
    assert layer.metadata.keys() == expected.metadata.keys()


def test_nothing_is_added_for_an_image_of_something_else(make_result):
    viewer = ViewerModel()
    stack = Image(np.zeros((4, 60, 80)))
    with pytest.raises(InputError, match="3 dimensions"):
        drain(iter_add_domains(viewer, make_result(), stack))
    assert len(viewer.layers) == 0
