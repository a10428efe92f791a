from __future__ import annotations

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.utils.colormaps.standardize_color import transform_color

from napari_trsmi import add_domains
from napari_trsmi.viewer.domains.labelled import add_labels


def test_labels_lie_over_the_spots_in_their_colours(make_result):
    viewer = ViewerModel()
    tissue = viewer.add_image(np.zeros((60, 80, 3), dtype=np.uint8), rgb=True, scale=(2, 2))
    points = add_domains(viewer, make_result(), image=tissue)
    labels = pd.Series([1, 2, None] * 20, dtype="Int64")
    layer = add_labels(viewer, points, labels, {"1": "#ff0000", "2": "#0000ff"}, name="regions")
    np.testing.assert_allclose(
        layer.face_color[:3], transform_color(["red", "blue", "#808080"]), atol=0.01
    )
    np.testing.assert_array_equal(layer.scale, points.scale)
    np.testing.assert_array_equal(layer.size, points.size)
    assert layer.features["label"].tolist()[:3] == ["1", "2", "unlabelled"]
    assert viewer.layers.selection.active is points
