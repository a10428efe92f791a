from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_trsmi import add_domains, integrate
from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.output.results import write_result
from napari_trsmi.viewer.section.opening import open as open_section
from napari_trsmi.viewer.section.pictures import section_pictures

FEW = {"n_domains": 3, "all_scales": False, "n_components": 10, "spatial_neighbors": 4}
SCALE = 0.03  # pixels per coordinate unit


@pytest.fixture(scope="module")
def result(make_sections):
    made = make_sections()
    for table in made["b"].values():  # in another unit: spots lie twice as far apart
        table.obsm["spatial"] = 2 * table.obsm["spatial"] + 500
    pixels = np.random.default_rng(0).integers(0, 255, (50, 60, 3), dtype=np.uint8)
    images = {"a": TissueImage(pixels, SCALE), "b": TissueImage(pixels, SCALE / 2)}
    return integrate({"a": made["a"], "b": made["b"]}, image=images, **FEW)


def world_of(layer, position):
    return np.array(layer.data_to_world(position))


def test_each_picture_lies_under_its_sections_points(result):
    viewer = ViewerModel()

    points = add_domains(viewer, result)

    *pictures, top = viewer.layers
    assert top is points
    assert [picture.name for picture in pictures] == ["a: tissue", "b: tissue"]
    for name, picture in zip("ab", pictures, strict=True):
        own = result.of_section(name)
        row = result.sections.rows(name)[7]
        x, y = own.coordinates[7] * own.image.scale  # the pixel that the spot lies on
        np.testing.assert_allclose(
            world_of(picture, (y, x)), world_of(points, points.data[row]), atol=1e-6
        )


def test_sections_without_a_picture_have_none(result):
    bare = replace(result, sections=replace(result.sections, images={}))

    assert section_pictures(bare) == []
    assert section_pictures(result.of_section("a")) == []


def test_a_file_opens_with_the_pictures(result, tmp_path):
    write_result(result, tmp_path / "sections.h5ad")
    viewer = ViewerModel()

    layers = open_section(viewer, tmp_path / "sections.h5ad")

    assert [type(layer).__name__ for layer in layers] == ["Image", "Image", "Points"]
    assert len(layers[-1].data) == len(result.domains)
