from dataclasses import replace

import numpy as np
import pytest

from napari_trsmi.data.dataset import Kind, TissueImage
from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image.modality import iter_with_image, own_footprint
from napari_trsmi.preprocessing.image.recipe import ImageFeatures


@pytest.fixture(scope="module")
def section():
    made = simulate(n_spots=144, modalities=["rna"], n_features={"rna": 60}, image=False)
    noise = np.random.default_rng(0).integers(100, 255, (1200, 1200, 3), dtype=np.uint8)
    return replace(made, image=TissueImage(noise))


def with_image(dataset, recipe=None, picture=None):
    steps = iter_with_image(dataset, recipe or ImageFeatures(), picture)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def test_the_picture_becomes_a_modality(section):
    found = with_image(section)
    assert found.names == ("rna", "image")
    picture = found.modalities[1]
    assert picture.kind is Kind.IMAGE
    assert np.isfinite(picture.table.X).all()
    assert picture.table.uns["reach"] == pytest.approx(4 * section.spot_diameter)
    assert len(found.digests["image"]) == 64
    assert found.load_arguments["image_features"] == "texture"
    own = own_footprint(picture)
    assert own is not None
    assert all(name.endswith("1x") for name in own.table.var_names)


def test_a_picture_that_is_the_same_everywhere_is_left_out(section):
    flat = replace(section, image=TissueImage(np.full((1200, 1200, 3), 220, dtype=np.uint8)))
    found = with_image(flat)
    assert found.names == ("rna",)
    assert "looks the same at all spots" in found.notes[-1]
    with pytest.raises(InputError, match="looks the same at all spots"):
        with_image(replace(flat, modalities=()))


def test_what_is_missing_is_said(section):
    with pytest.raises(InputError, match=r"there is none\. Pass it with image="):
        with_image(replace(section, image=None))
    with pytest.raises(InputError, match="modality 'rna' already"):
        with_image(section, ImageFeatures(name="rna"))
    unknown = with_image(replace(section, spot_diameter=None))
    assert any("how wide a spot is is not known" in note for note in unknown.notes)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("colour", "image_features is 'colour'"),
        ({"size": 3}, "image_features is"),
        ({"footprints": [0.5]}, "whole number"),
        ({"nucleus": -1}, "positive number"),
        ({"trust": "never"}, "'tested' or 'always'"),
    ],
)
def test_features_that_cannot_be_are_refused(given, said):
    with pytest.raises(InputError, match=said):
        ImageFeatures.of(given)


def test_features_are_written_down_to_be_repeated():
    assert ImageFeatures.of("texture").written() == "texture"
    written = ImageFeatures(footprints=(1, 2), trust="always").written()
    assert written == {"footprints": [1, 2], "trust": "always"}
    assert ImageFeatures.of(written).footprints == (1, 2)
    assert ImageFeatures(labels=np.zeros((2, 2), dtype=int)).written() is None
