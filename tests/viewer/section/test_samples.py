"""The sample data, from napari's menu to pixels."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.colormaps.standardize_color import transform_color

from napari_trsmi.viewer.attached import dataset_of

PLUGIN = "napari-trsmi"


@pytest.mark.usefixtures("installed_plugins")
@pytest.mark.parametrize(
    ("sample", "modalities", "has_image"),
    [
        ("tissue_three", ("rna", "protein", "chromatin"), True),
        ("complementary", ("rna", "protein"), False),
        ("published", ("rna", "protein", "chromatin"), False),
    ],
)
def test_samples_bring_tables_on_their_spots(sample, modalities, has_image):
    viewer = ViewerModel()
    *images, points = viewer.open_sample(PLUGIN, sample)
    assert len(images) == has_image
    dataset = dataset_of(points)
    assert dataset.names == modalities
    np.testing.assert_array_equal(points.data, dataset.coordinates[:, ::-1])
    assert points.features["domain"].nunique() == (6 if has_image else 5)


@pytest.mark.usefixtures("real_window")
def test_a_samples_spots_are_at_the_right_pixels(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    tissue, points = viewer.open_sample(PLUGIN, "tissue")
    viewer.canvas.overlays.scale_bar.visible = False  # it lies on the tissue
    camera = viewer.scene.camera
    camera.zoom, camera.center = 4, (0, 600, 600)
    viewer.screenshot(flash=False)
    shown = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(float)
    points.visible = False
    bare = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(float)

    size = np.array(shown.shape[:2])
    centre = size / 2 + 4 * (points.data - 600)
    inside = np.all((centre > 30) & (centre < size - 30), axis=1)
    assert inside.sum() > 50
    spots = np.rint(centre[inside]).astype(int)
    expected = 255 * transform_color(points.current_face_color)[0, :3]
    radius = 4 * points.size[0] / 2
    for offset in ((0, 0), (0, 0.7 * radius), (-0.7 * radius, 0)):  # not where the rim is
        rows, columns = (spots + np.rint(offset).astype(int)).T
        blended = points.opacity * expected + (1 - points.opacity) * bare[rows, columns]
        np.testing.assert_allclose(shown[rows, columns], blended, atol=3)
    covered = np.any(shown != bare, axis=2)
    rows, columns = np.indices(covered.shape)
    rim = radius * points.border_width[0]  # half of it lies outside the spot's edge
    for row, column in spots[:20]:  # a disc of the spot's diameter has changed, and no more
        distance = np.hypot(rows - row, columns - column)
        assert covered[distance < radius - 1].all()
        assert not covered[(distance > radius + rim + 3) & (distance < 1.4 * radius)].any()
    # The tissue under a spot is what the image has there, away from the pixels' borders.
    place = (spots - size / 2) / 4 + 600
    clear = np.all(np.abs(place - np.rint(place)) < 0.3, axis=1)
    pixels = np.asarray(tissue.data)[tuple(np.rint(place[clear]).astype(int).T)]
    assert clear.sum() > 20
    np.testing.assert_allclose(bare[tuple(spots[clear].T)], pixels, atol=3)
