import dask.array as da
import numpy as np
import pytest
import tifffile
import zarr

from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image.opening import open_picture

STACK = np.random.default_rng(0).integers(0, 4000, (3, 64, 48), dtype=np.uint16)


def test_channels_of_an_ome_tiff_are_told_by_name(tmp_path):
    path = tmp_path / "codex.ome.tif"
    metadata = {"axes": "CYX", "Channel": {"Name": ["DAPI", "CD3", "CD20"]}}
    tifffile.imwrite(path, STACK, metadata=metadata, photometric="minisblack")
    picture = open_picture(path, 0.5)
    assert picture.channels == ("DAPI", "CD3", "CD20")
    assert not picture.stained
    assert picture.scale == pytest.approx(0.5)
    np.testing.assert_array_equal(
        np.asarray(picture.levels[0][8:20, 4:9])[..., 1], STACK[1, 8:20, 4:9]
    )


def test_pyramids_give_all_levels_and_read_nothing(tmp_path):
    path = tmp_path / "slide.tif"
    colors = np.full((256, 256, 3), 220, dtype=np.uint8)
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(colors, subifds=1, tile=(64, 64), photometric="rgb")
        tiff.write(colors[::2, ::2], subfiletype=1, tile=(64, 64), photometric="rgb")
    picture = open_picture(str(path), 1.0)
    assert [level.shape for level in picture.levels] == [(256, 256, 3), (128, 128, 3)]
    assert all(isinstance(level, da.Array) for level in picture.levels)
    assert picture.stained
    assert picture.at(100.0).array.shape[0] == 128


def test_ome_zarr(tmp_path):
    path = tmp_path / "stack.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=2)
    for number, step in enumerate((1, 2)):
        values = STACK[:, ::step, ::step][np.newaxis]
        group.create_array(str(number), shape=values.shape, dtype=values.dtype)[:] = values
    group.attrs["multiscales"] = [{"datasets": [{"path": "0"}, {"path": "1"}]}]
    group.attrs["omero"] = {"channels": [{"label": name} for name in ("DNA", "PanCK", "CD45")]}
    picture = open_picture(path, 1.0)
    assert picture.channels == ("DNA", "PanCK", "CD45")
    assert [level.shape for level in picture.levels] == [(64, 48, 3), (32, 24, 3)]
    np.testing.assert_array_equal(picture.levels[1][2:5, 3:7][..., 2], STACK[2, ::2, ::2][2:5, 3:7])


def test_images_of_spatialdata():
    models = pytest.importorskip("spatialdata.models")
    element = models.Image2DModel.parse(
        STACK, dims=("c", "y", "x"), c_coords=["a", "b", "c"], scale_factors=[2]
    )
    picture = open_picture(element, 1.0)
    assert picture.channels == ("a", "b", "c")
    assert picture.levels[1].shape == (32, 24, 3)
    np.testing.assert_array_equal(picture.levels[0][2:5, 3:7][..., 0], STACK[0, 2:5, 3:7])


def test_arrays():
    assert open_picture(STACK[0], 1.0).channels == ("channel 0",)
    assert open_picture(np.full((9, 9, 3), 230, dtype=np.uint8), 1.0).stained


def test_what_is_no_picture_is_said(tmp_path):
    with pytest.raises(InputError, match="There is no picture"):
        open_picture(tmp_path / "none.tif", 1.0)
    (tmp_path / "text.tif").write_text("no picture")
    with pytest.raises(InputError, match="cannot be opened as a TIFF"):
        open_picture(tmp_path / "text.tif", 1.0)
    (tmp_path / "folder.zarr").mkdir()
    with pytest.raises(InputError, match="is no OME-Zarr picture"):
        open_picture(tmp_path / "folder.zarr", 1.0)
    with pytest.raises(InputError, match="has shape"):
        open_picture(np.zeros((0, 4)), 1.0)
    planes = np.zeros((2, 3, 8, 8), np.uint8)
    tifffile.imwrite(
        tmp_path / "planes.tif", planes, metadata={"axes": "ZCYX"}, photometric="minisblack"
    )
    with pytest.raises(InputError, match="several planes"):
        open_picture(tmp_path / "planes.tif", 1.0)
