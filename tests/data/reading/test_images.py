import numpy as np
import pytest
from PIL import Image

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.reading.images import as_rgb, image_of_table, read_image, tissue_image
from napari_trsmi.errors import InputError

RED = np.full((4, 5, 3), (204, 0, 0), dtype=np.uint8)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_files_become_rgb(tmp_path, mode):
    path = tmp_path / "t.png"
    Image.fromarray(RED).convert(mode).save(path)
    pixels = read_image(path)
    assert pixels.shape == (4, 5, 3)
    assert pixels.dtype == np.uint8
    if mode != "L":
        np.testing.assert_array_equal(pixels, RED)


def test_unusable_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"no image .*gone\.png"):
        tissue_image(tmp_path / "gone.png")
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(InputError, match=r"text\.png cannot be read as an image"):
        read_image(tmp_path / "text.png")
    Image.fromarray(np.ones((4, 4), dtype=np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(InputError, match=r"deep\.png has mode I;16\. Save it as 8-bit RGB"):
        read_image(tmp_path / "deep.png")


def test_too_large_an_image_says_what_to_do(tmp_path, monkeypatch):
    Image.fromarray(RED).save(tmp_path / "t.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    with pytest.raises(InputError, match=r"lower resolution, as TissueImage\(pixels, scale\)"):
        read_image(tmp_path / "t.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 15)  # large, but not refused: no warning
    assert read_image(tmp_path / "t.png").shape == (4, 5, 3)


def test_arrays_and_tissue_images():
    np.testing.assert_array_equal(as_rgb(RED / 255, "i"), RED)
    assert as_rgb(np.zeros((4, 5)), "i").shape == (4, 5, 3)
    assert as_rgb(np.zeros((4, 5, 4), np.uint8), "i").shape == (4, 5, 3)
    assert tissue_image(RED).scale == 1
    assert tissue_image(TissueImage(RED, 0.25)).scale == 0.25


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((4, 5, 2), np.uint8), r"i has shape \(4, 5, 2\)"),
        (np.zeros((0, 5, 3), np.uint8), r"i has shape \(0, 5, 3\)"),
        (np.full((4, 5, 3), 1000, np.uint16), "i holds uint16 values"),
        (np.full((4, 5, 3), 7.0), "i holds float64 values"),
    ],
)
def test_arrays_that_are_no_picture(pixels, message):
    with pytest.raises(InputError, match=message):
        as_rgb(pixels, "i")


def spatial(**images):
    factors = {
        "tissue_hires_scalef": 0.5,
        "tissue_lowres_scalef": 0.1,
        "spot_diameter_fullres": 80,
    }
    return {"lib": {"images": images, "scalefactors": factors}}


def image_in(make_table, value):
    table, notes = make_table(), []
    table.uns["spatial"] = value
    return *image_of_table(table, "t", notes), notes


def test_the_best_image_of_a_table_with_its_scale(make_table):
    image, diameter, _ = image_in(make_table, spatial(lowres=RED, hires=RED / 255))
    assert (image.scale, diameter) == (0.5, 80)
    np.testing.assert_array_equal(image.pixels, RED)
    assert image_in(make_table, spatial(lowres=RED))[0].scale == 0.1


def test_tables_without_a_usable_image_load_without(make_table):
    assert image_in(make_table, spatial())[:2] == (None, 80)
    assert image_in(make_table, {"lib": "text"})[:2] == (None, None)
    assert image_in(make_table, {})[:2] == (None, None)
    image, diameter, notes = image_in(make_table, spatial(hires=RED.astype(int)))
    assert (image, diameter) == (None, 80)
    assert notes == [
        "The image in table t holds int64 values that are no 8-bit colours. Pass uint8 from 0 to "
        "255, or floats from 0 to 1. It is left out."
    ]


def test_several_sections_have_no_one_image(make_table):
    image, _, notes = image_in(make_table, {"a": {}, "b": {}})
    assert image is None
    assert notes == ["Table t has images of several sections (a, b): none is used."]
