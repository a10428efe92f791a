"""Pictures of every kind come out in their own colours and size, or say why not."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_trsmi.data.reading import pictures, tiff
from napari_trsmi.data.reading.pictures import read_picture
from napari_trsmi.errors import InputError

ROWS, COLUMNS = 40, 60


@pytest.fixture
def picture() -> np.ndarray:
    """Make a picture without any symmetry, smooth enough for lossy formats."""
    y, x = np.mgrid[:ROWS, :COLUMNS]
    return np.stack([40 + 3 * x, 200 - 4 * y, 90 + x + y], axis=2).astype(np.uint8)


def read(path):
    notes = []
    return read_picture(path, notes), notes


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.webp", "a.jp2", "a.tif", "A.PNG", "noext"])
def test_lossless_formats_are_told_by_content(tmp_path, picture, name):
    kind = {"noext": "PNG", "a.webp": "WEBP", "a.jp2": "JPEG2000"}.get(name)
    options = {"a.webp": {"lossless": True}, "a.jp2": {"irreversible": False}}.get(name, {})
    Image.fromarray(picture).save(tmp_path / name, format=kind, **options)
    image, notes = read(tmp_path / name)
    np.testing.assert_array_equal(image.pixels, picture)
    assert (image.scale, image.levels, notes) == (1, (), [])


def test_a_compressed_file(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "a.png")
    (tmp_path / "b.png.gz").write_bytes(gzip.compress((tmp_path / "a.png").read_bytes()))
    np.testing.assert_array_equal(read(tmp_path / "b.png.gz")[0].pixels, picture)


@pytest.mark.parametrize("mode", ["CMYK", "L", "P"])
@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_other_modes(tmp_path, picture, mode, name):
    if (mode, name) == ("CMYK", "a.png"):
        pytest.skip("PNG has no inks")
    expected = Image.fromarray(picture).convert(mode)
    expected.save(tmp_path / name)
    np.testing.assert_array_equal(
        read(tmp_path / name)[0].pixels, np.asarray(expected.convert("RGB"))
    )


def test_inks_in_a_jpeg(tmp_path, picture):
    Image.fromarray(picture).convert("CMYK").save(tmp_path / "a.jpg", quality=98)
    close = np.abs(read(tmp_path / "a.jpg")[0].pixels.astype(int) - picture)
    assert close.mean() < 3


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_transparent_pixels_are_white(tmp_path, picture, name):
    alpha = np.full((ROWS, COLUMNS), 255, np.uint8)
    alpha[:, :20] = 0
    pixels = np.dstack([picture, alpha])
    pixels[alpha == 0] = 0
    Image.fromarray(pixels, "RGBA").save(tmp_path / name)
    found = read(tmp_path / name)[0].pixels
    assert (found[:, :20] == 255).all()
    np.testing.assert_array_equal(found[:, 20:], picture[:, 20:])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_way_up(tmp_path, picture, orientation):
    """The stored picture is turned back, so that what is read is the picture."""
    undo = {
        1: picture,
        2: picture[:, ::-1],
        3: picture[::-1, ::-1],
        4: picture[::-1],
        5: picture.swapaxes(0, 1),
        6: picture.swapaxes(0, 1)[::-1],
        7: picture[::-1, ::-1].swapaxes(0, 1),
        8: picture.swapaxes(0, 1)[:, ::-1],
    }[orientation]
    stored = np.ascontiguousarray(undo)
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    tifffile.imwrite(tmp_path / "a.tif", stored, extratags=[(274, "H", 1, orientation, True)])
    for name in ("a.png", "a.tif"):
        image, notes = read(tmp_path / name)
        np.testing.assert_array_equal(image.pixels, picture)
        assert bool(notes) == (orientation > 1)


def test_planar_colours(tmp_path, picture):
    planes = picture.transpose(2, 0, 1)
    named = {"axes": "CYX", "Channel": {"Name": ["Red", "Green", "Blue"]}}
    mixed = {"axes": "CYX", "Channel": {"Name": ["blue", "green", "red"]}}
    tifffile.imwrite(tmp_path / "a.ome.tif", planes, photometric="minisblack", metadata=named)
    tifffile.imwrite(tmp_path / "b.ome.tif", planes[::-1], photometric="minisblack", metadata=mixed)
    tifffile.imwrite(tmp_path / "c.tif", planes, photometric="rgb", planarconfig="separate")
    for name in ("a.ome.tif", "b.ome.tif", "c.tif"):
        image, notes = read(tmp_path / name)
        np.testing.assert_array_equal(image.pixels, picture)
        assert notes == []
    unnamed = {"axes": "CYX"}
    tifffile.imwrite(tmp_path / "d.ome.tif", planes, photometric="minisblack", metadata=unnamed)
    image, notes = read(tmp_path / "d.ome.tif")
    np.testing.assert_array_equal(image.pixels, picture)
    assert notes == ["The three channels of d.ome.tif are taken as red, green and blue."]


@pytest.mark.parametrize(
    ("shape", "metadata", "message"),
    [
        ((4, 40, 60), {"axes": "CYX"}, "4 channels"),
        (
            (3, 40, 60),
            {"axes": "CYX", "Channel": {"Name": ["DAPI", "CD3", "CD8"]}},
            "3 channels: DAPI, CD3, CD8",
        ),
        ((5, 40, 60), {"axes": "ZYX"}, r"several planes \(5 along Z\)"),
    ],
)
def test_what_is_no_colour_picture_says_so(tmp_path, shape, metadata, message):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.ones(shape, np.uint8), photometric="minisblack", metadata=metadata)
    with pytest.raises(
        InputError, match=rf"a\.ome\.tif is no colour picture: (?:it has )?{message}"
    ):
        read(path)


def test_colours_in_another_space_are_refused(tmp_path, picture):
    Image.fromarray(picture).convert("LAB").save(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"stores its colours as .*LAB.*Save it as RGB"):
        read(tmp_path / "a.tif")


def test_sixteen_bits_and_floats(tmp_path, picture):
    tifffile.imwrite(tmp_path / "a.tif", picture.astype(np.uint16) * 257, photometric="rgb")
    tifffile.imwrite(tmp_path / "b.tif", (picture / 255).astype(np.float32), photometric="rgb")
    for name in ("a.tif", "b.tif"):
        np.testing.assert_array_equal(read(tmp_path / name)[0].pixels, picture)
    Image.fromarray(picture[..., 0].astype(np.uint16) * 257).save(tmp_path / "c.png")
    np.testing.assert_array_equal(read(tmp_path / "c.png")[0].pixels[..., 1], picture[..., 0])
    tifffile.imwrite(tmp_path / "d.tif", picture.astype(np.float32) - 50, photometric="rgb")
    with pytest.raises(InputError, match=r"d\.tif holds float32 values from -"):
        read(tmp_path / "d.tif")


@pytest.mark.parametrize("compression", ["jpeg", "jpeg2000", "lzw", "zlib"])
def test_tiled_slides(tmp_path, picture, compression):
    large = np.kron(picture, np.ones((8, 8, 1), np.uint8))
    with tifffile.TiffWriter(tmp_path / "a.svs") as file:
        file.write(large[::8, ::8], photometric="rgb")  # a thumbnail comes first
        file.write(large, photometric="rgb", tile=(64, 64), compression=compression)
    image, notes = read(tmp_path / "a.svs")
    assert image.pixels.shape == large.shape
    assert np.abs(image.pixels.astype(int) - large).mean() < 4
    assert notes == ["a.svs holds 2 pictures: the largest is used (480 pixels wide)."]


@pytest.fixture
def small_limit(monkeypatch):
    """A picture of more than 1,000 pixels is large here."""
    monkeypatch.setattr(pictures, "MAX_PIXELS", 1000)
    monkeypatch.setattr(tiff, "MAX_PIXELS", 1000)


def test_a_large_picture_is_reduced_with_its_scale(tmp_path, picture, small_limit):
    Image.fromarray(picture).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", picture, photometric="rgb", tile=(16, 16))
    for name in ("a.png", "a.tif"):
        image, notes = read(tmp_path / name)
        assert image.pixels.shape == (20, 30, 3)
        assert image.scale == 0.5
        means = picture.reshape(20, 2, 30, 2, 3).mean(axis=(1, 3))
        assert np.abs(image.pixels - means).max() <= 1
        assert notes == [
            f"{name} has 60 x 40 pixels: it is kept at 1/2 of its width and height, and its scale "
            "with it."
        ]
    (full,) = image.levels
    np.testing.assert_array_equal(np.asarray(full), picture)


def test_a_pyramid_gives_its_levels(tmp_path, picture, small_limit):
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        options = {"photometric": "rgb", "tile": (16, 16)}
        file.write(picture, subifds=2, metadata={"axes": "YXS"}, **options)
        file.write(picture[::2, ::2], subfiletype=1, **options)
        file.write(picture[::4, ::4], subfiletype=1, **options)
    image, _ = read(path)
    np.testing.assert_array_equal(image.pixels, picture[::2, ::2])
    assert image.scale == 0.5
    assert [level.shape for level in image.levels] == [(40, 60, 3)]
    np.testing.assert_array_equal(np.asarray(image.levels[0][5:9, 7:30]), picture[5:9, 7:30])


def test_claims_beyond_the_memory_are_refused_unread(tmp_path, picture):
    """A header may claim any size."""
    Image.fromarray(picture).save(tmp_path / "a.bmp")
    content = bytearray((tmp_path / "a.bmp").read_bytes())
    content[18:26] = (2_000_000).to_bytes(4, "little") * 2
    (tmp_path / "a.bmp").write_bytes(content)
    with pytest.raises(
        InputError, match=r"a\.bmp \(2,000,000 x 2,000,000 pixels\) takes .* in memory"
    ):
        read(tmp_path / "a.bmp")


def test_missing_and_damaged_files(tmp_path, picture):
    with pytest.raises(InputError, match=r"There is no image .*gone\.png"):
        read(tmp_path / "gone.png")
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(InputError, match=r"text\.png cannot be read as an image"):
        read(tmp_path / "text.png")
    for name in ("a.png", "a.tif"):
        Image.fromarray(picture).save(tmp_path / name)
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(InputError, match=name):
            read(tmp_path / name)
