import numpy as np
import pytest

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.reading.colors import as_rgb
from napari_trsmi.data.reading.images import image_of_table, tissue_image
from napari_trsmi.errors import InputError

RED = np.full((4, 5, 3), (204, 0, 0), dtype=np.uint8)


def test_arrays_and_tissue_images():
    np.testing.assert_array_equal(as_rgb(RED / 255, "i"), RED)
    assert as_rgb(np.zeros((4, 5)), "i").shape == (4, 5, 3)
    assert as_rgb(np.zeros((4, 5, 4), np.uint8), "i").shape == (4, 5, 3)
    assert as_rgb(np.full((4, 5, 3), 4095, np.uint16), "i").max() == 255  # 12 bit in 16
    assert as_rgb(np.full((4, 5, 3), 65535, np.uint16), "i").min() == 255
    assert tissue_image(RED, None, []).scale == 1
    assert tissue_image(TissueImage(RED, 0.25), None, []).scale == 0.25
    assert tissue_image(TissueImage(RED, 0.25), 0.5, []).scale == 0.5


def test_what_is_transparent_shows_white():
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, 1] = (200, 100, 50, 255)
    pixels[0, 2] = (0, 0, 0, 51)
    assert as_rgb(pixels, "i").tolist() == [[[255] * 3, [200, 100, 50], [204] * 3]]


@pytest.mark.parametrize("scale", [np.nan, 0, -1, np.inf])
def test_a_scale_is_a_positive_number(scale):
    with pytest.raises(InputError, match=r"image's scale is .* a positive number"):
        tissue_image(RED, scale, [])


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((4, 5, 2), np.uint8), r"i has shape \(4, 5, 2\)"),
        (np.zeros((0, 5, 3), np.uint8), r"i has shape \(0, 5, 3\)"),
        (np.full((4, 5, 3), 70_000, np.uint32), "i holds uint32 values from 70000 to 70000"),
        (np.full((4, 5, 3), 700.0), "i holds float64 values"),
        (np.full((4, 5, 3), -0.1), "i holds float64 values from -0.1"),
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
    image, diameter, notes = image_in(make_table, spatial(hires=RED.astype(int) * 1000))
    assert (image, diameter) == (None, 80)
    assert "no colours" in notes[0]
    assert notes[0].endswith("It is left out.")


def test_sections_are_told_from_other_entries(make_table):
    value = spatial(hires=RED) | {"is_single": True}
    assert image_in(make_table, value)[0].scale == 0.5


def test_a_section_without_a_name(make_table):
    table = make_table()
    factors = {"tissue_hires_scalef": 0.5}
    table.uns["spatial"] = {"images": {"hires": RED}, "scalefactors": factors}
    assert image_of_table(table, "t", [])[0].scale == 0.5


def test_several_sections_have_no_one_image(make_table):
    both = {"a": spatial(hires=RED)["lib"], "b": spatial(hires=RED)["lib"]}
    image, _, notes = image_in(make_table, both)
    assert image is None
    assert notes == ["Table t has images of several sections (a, b): none is used."]
    table = make_table()
    table.uns["spatial"], table.obs["library_id"] = both, "b"
    assert image_of_table(table, "t", [])[0] is not None


def test_pictures_of_other_resolutions(make_table):
    hest = {
        "images": {"downscaled_fullres": RED},
        "scalefactors": {"tissue_downscaled_fullres_scalef": 0.3},
    }
    assert image_in(make_table, {"ST": hest})[0].scale == 0.3
    assert (
        image_in(make_table, {"ST": {"images": {"fullres": RED}, "scalefactors": {}}})[0].scale == 1
    )
    image, _, notes = image_in(make_table, {"ST": {"images": {"hires": RED}, "scalefactors": {}}})
    assert image is None
    assert notes == [
        "Scale factors of table t: tissue_hires_scalef is missing; no picture (hires) has its "
        "scale, so none is shown."
    ]


@pytest.mark.parametrize("form", [np.array([0.5]), "0.5", np.float32(0.5), [[0.5]]])
def test_scales_as_r_writes_them(make_table, form):
    value = spatial(hires=RED)
    value["lib"]["scalefactors"]["tissue_hires_scalef"] = form
    assert image_in(make_table, value)[0].scale == 0.5


@pytest.mark.parametrize("form", ["NA", np.nan, 0, -1, [1, 2]])
def test_scales_that_are_none_are_said(make_table, form):
    value = spatial(hires=RED)
    value["lib"]["scalefactors"]["spot_diameter_fullres"] = form
    image, diameter, notes = image_in(make_table, value)
    assert (image.scale, diameter) == (0.5, None)
    assert "spot_diameter_fullres is" in notes[0]
    assert "no positive number" in notes[0]
