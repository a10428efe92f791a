from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer

from napari_trsmi import load_sections
from napari_trsmi import open as open_section
from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.errors import InputError
from napari_trsmi.spots.pitch import spot_pitch
from napari_trsmi.viewer.attached import dataset_of
from napari_trsmi.viewer.plane import Plane
from napari_trsmi.viewer.section.grid import in_grid, lay_side_by_side, sections_data
from napari_trsmi.viewer.section.layers import spots_data, tissue_data


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture(scope="module")
def made(make_sections):
    return make_sections()


@pytest.fixture
def datasets(made):
    """Sections whose pictures have scales of their own."""
    scales = {"a": 0.5, "b": 0.25, "c": 1.0}
    pixels = np.full((70, 80, 3), 9, dtype=np.uint8)
    return {
        name: replace(section, image=TissueImage(pixels, scales[name]))
        for name, section in load_sections(made).sections.items()
    }


def _apart(layers):
    boxes = [layer.extent.world for layer in layers]
    return all(
        (one[1] <= other[0]).any() or (other[1] <= one[0]).any()
        for at, one in enumerate(boxes)
        for other in boxes[at + 1 :]
    )


def _under(points, image):
    """Places of the spots on a picture, in its pixels (column, row)."""
    return Plane.of(image).to_data(Plane.of(points).to_world(points.data))[:, ::-1]


def test_sections_lie_apart_each_over_its_own_picture(datasets):
    layers = [Layer.create(*data) for data in sections_data(datasets)]
    pictures, points = layers[::2], layers[1::2]
    assert [layer.name for layer in points] == ["a", "b", "c"]
    assert _apart(points)
    for image, spots, section in zip(pictures, points, datasets.values(), strict=True):
        assert dataset_of(spots) is section
        np.testing.assert_allclose(
            _under(spots, image), section.coordinates * section.image.scale, atol=1e-6
        )
        assert in_grid(spots) is not None


def test_what_is_open_already_is_moved_with_its_picture_and_back(datasets):
    shown = []
    for section in datasets.values():
        image = Layer.create(*tissue_data(section.image))
        shown.append((Layer.create(*spots_data(section, "spots", image)), image))
    before = [_under(*pair) for pair in shown]
    shown[1][1].visible = False
    lay_side_by_side([(points, [image]) for points, image in shown])
    assert _apart([points for points, _ in shown])
    assert shown[1][1].visible
    for pair, was in zip(shown, before, strict=True):
        np.testing.assert_allclose(_under(*pair), was, atol=1e-6)
    places = [layer.extent.world for pair in shown for layer in pair]
    lay_side_by_side([(points, [image]) for points, image in shown])  # nothing moves twice
    again = [layer.extent.world for pair in shown for layer in pair]
    np.testing.assert_allclose(again, places, atol=1e-6)


def test_spots_that_were_moved_by_hand_are_in_no_grid(datasets):
    points = Layer.create(*sections_data(datasets)[1])
    points.translate = [500, 3]
    assert in_grid(points) is None


def _relative_size(points):
    """How large spots are drawn, of the distance between them."""
    pitch = spot_pitch(Plane.of(points).to_world(points.data))
    return float(np.median(points.size)) * points.scale[-1] / pitch


def test_spots_stay_as_large_as_they_were_over_a_larger_picture(datasets):
    image = Layer.create(*tissue_data(datasets["a"].image))
    image.affine = np.diag([3.0, 3.0, 1.0])
    points = Layer.create(*spots_data(datasets["a"], "spots", image))
    before = _relative_size(points)
    lay_side_by_side([(points, [image]), (Layer.create(*spots_data(datasets["b"], "b")), [])])
    assert _relative_size(points) == pytest.approx(before)


class TestOpening:
    @pytest.fixture
    def file(self, made, tmp_path):
        import anndata

        tables = [own["rna"].copy() for own in made.values()]
        for name, table in zip(made, tables, strict=True):
            table.obs["sample"] = name
            table.var_names = [f"g{j}" for j in range(table.n_vars)]
        table = anndata.concat(tables, index_unique="-")
        path = tmp_path / "rna.h5ad"
        table.write_h5ad(path)
        return path

    def test_a_file_of_several_sections_opens_all(self, viewer, file, made):
        layers = open_section(viewer, file)
        assert [layer.name for layer in layers] == list(made)
        assert _apart(layers)
        first = dataset_of(layers[0])
        assert first.load_arguments == {"tables": str(file), "section": "sample=a"}
        (alone,) = open_section(ViewerModel(), file, section="sample=a")
        assert list(dataset_of(alone).spots) == list(first.spots)

    def test_what_nothing_tells_the_kind_of_is_taken_as_rna(self, viewer, file):
        plain = file.rename(file.with_name("table.h5ad"))
        layers = open_section(viewer, plain)
        assert [dataset_of(layer).names for layer in layers] == [("rna",)] * 3

    def test_the_column_may_be_named(self, viewer, file):
        assert len(open_section(viewer, file, library_key="sample")) == 3
        with pytest.raises(InputError, match="both named"):
            open_section(viewer, file, library_key="sample", section="a")
        with pytest.raises(InputError, match="No table has a column 'donor'"):
            open_section(viewer, file, library_key="donor")

    def test_sections_may_be_given_one_by_one(self, viewer, made):
        given = {"left": {"rna": made["a"]["rna"]}, "right": {"rna": made["b"]["rna"]}}
        assert [layer.name for layer in open_section(viewer, given)] == ["left", "right"]
