"""The picture that is chosen in the dock stays with the domains, in every file that goes out."""

import json

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt

from napari_trsmi.output.drawing import draw_domains
from napari_trsmi.output.script import as_python
from napari_trsmi.viewer.attached import result_of
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.widgets.domains.export import FORMATS, ExportPanel

pytestmark = pytest.mark.usefixtures("real_window")


@pytest.fixture
def picture(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (1200, 1300, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "tissue.png")
    return tmp_path / "tissue.png"


def test_everything_that_is_saved_has_the_picture(make_dock, installed_plugins, picture, qtbot):
    dock = make_dock(show=True)
    viewer = dock._viewer
    viewer.open(picture, plugin="napari")
    assert dock.image.layer.name == "tissue"
    qtbot.mouseClick(dock.panel.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dock.controller.running, timeout=60_000)
    qtbot.waitUntil(lambda: not dock._adding, timeout=10_000)
    layer = viewer.layers[-1]
    result = result_of(layer)
    pixels = np.asarray(Image.open(picture))
    np.testing.assert_array_equal(result.image.pixels, pixels)
    np.testing.assert_allclose(layer.scale, viewer.layers["tissue"].scale)
    assert f"image={json.dumps(str(picture))}" in as_python(result, "tables.h5ad")

    panel = ExportPanel(viewer)
    qtbot.addWidget(panel)
    panel.follow(domain_layer(layer))
    path = picture.parent / "domains.h5ad"
    panel.write(next(choice for choice in FORMATS if choice.suffix == ".h5ad"), str(path))
    qtbot.waitUntil(lambda: path.exists() and not panel.background.busy, timeout=30_000)
    viewer.layers.clear()
    viewer.open(path, plugin="napari-trsmi")
    names = [layer.name for layer in viewer.layers]
    assert names[:2] == ["domains: tissue", "domains"]  # and outlines, once they are found
    np.testing.assert_array_equal(viewer.layers["domains: tissue"].data, pixels)
    shown = result_of(viewer.layers["domains"])
    figure = draw_domains(shown.coordinates, shown.domains, shown.colors, image=shown.image)
    assert any(axes.images for axes in figure.axes)
