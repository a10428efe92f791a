from __future__ import annotations

import errno
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_trsmi import fit_landmarks, read_result
from napari_trsmi.data.reading.spatial_elements import are_squares
from napari_trsmi.errors import MissingPackageError, OutputError
from napari_trsmi.output.spatial_data import write_spatialdata
from napari_trsmi.result import TRSMIResult

spatialdata = pytest.importorskip("spatialdata")


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_read_back(make_result, tmp_path, capfd):
    result = make_result(image_scale=0.5, spot_diameter=8.0)
    path = write_spatialdata(result, tmp_path / "domains.zarr")
    assert capfd.readouterr() == ("", "")
    assert _names(tmp_path) == ["domains.zarr"]
    read = spatialdata.read_zarr(path)
    spots = read.shapes["spots"]
    assert list(spots.index) == list(result.domains.index)
    np.testing.assert_array_equal(
        np.column_stack([spots.geometry.x, spots.geometry.y]), result.coordinates
    )
    np.testing.assert_array_equal(spots["radius"], 4)
    pixels = read.images["tissue"].transpose("y", "x", "c").values
    np.testing.assert_array_equal(pixels, result.image.pixels)
    again = TRSMIResult.from_anndata(read.tables["domains"])
    pd.testing.assert_series_equal(again.domains, result.domains, check_names=False)
    pd.testing.assert_series_equal(again.confidence, result.confidence, check_names=False)
    pd.testing.assert_frame_equal(again.modality_weights, result.modality_weights)
    pd.testing.assert_frame_equal(again.annotations, result.annotations)
    np.testing.assert_array_equal(again.embedding, result.embedding)
    np.testing.assert_array_equal(again.coordinates, result.coordinates)
    assert again.record == result.record
    assert again.colors == result.colors
    assert again.spot_diameter == 8.0


def test_the_table_annotates_the_spots(make_result, tmp_path):
    read = spatialdata.read_zarr(write_spatialdata(make_result(), tmp_path / "domains.zarr"))
    matched, table = spatialdata.join_spatialelement_table(
        sdata=read, spatial_element_names="spots", table_name="domains", how="inner"
    )
    assert len(matched["spots"]) == table.n_obs == 60


def test_landmarks_are_a_coordinate_system_of_their_own(make_result, tmp_path):
    from spatialdata.transformations import get_transformation

    plain = make_result(image_scale=0.5)
    spots = plain.coordinates[[0, 11, 48, 59]]
    found = fit_landmarks(spots, 3 * spots @ [[0.8, 0.6], [-0.6, 0.8]] + [40, 7])
    image = replace(plain.image, registration=found.written())
    result = replace(plain, image=image, record={**plain.record, "registration": found.written()})
    path = write_spatialdata(result, tmp_path / "domains.zarr")
    read = spatialdata.read_zarr(path)
    for name, own in (("spots", 1.0), ("tissue", 0.5)):
        ways = get_transformation(read[name], get_all=True)
        assert set(ways) == {"global", "picture"}
        matrix = ways["picture"].to_affine_matrix(("x", "y"), ("x", "y"))
        places = np.column_stack([plain.coordinates * own, np.ones(60)]) @ matrix[:2].T
        np.testing.assert_allclose(places, found.to_picture(plain.coordinates))
    again = read_result(path)
    assert again.record["registration"] == found.written()
    assert again.image.scale == pytest.approx(0.5)


def test_image_and_spots_are_in_register(make_result, tmp_path):
    from spatialdata.transformations import get_transformation

    read = spatialdata.read_zarr(
        write_spatialdata(make_result(image_scale=0.5), tmp_path / "domains.zarr")
    )
    matrix = get_transformation(read.images["tissue"]).to_affine_matrix(("x", "y"), ("x", "y"))
    np.testing.assert_allclose(matrix, np.diag([2, 2, 1]))
    same = get_transformation(read.shapes["spots"]).to_affine_matrix(("x", "y"), ("x", "y"))
    np.testing.assert_allclose(same, np.eye(3))


def test_bins_are_squares_there_and_back(make_result, tmp_path):
    result = replace(make_result(spot_diameter=10.0), square_spots=True)
    path = write_spatialdata(result, tmp_path / "bins.zarr")
    shapes = spatialdata.read_zarr(path).shapes["spots"]
    np.testing.assert_allclose(shapes.area, 100)
    again = read_result(path)
    assert again.square_spots
    assert again.spot_diameter == 10
    assert are_squares(shapes)
    turned = shapes.set_geometry(shapes.rotate(0.5))
    assert are_squares(turned)
    assert not are_squares(shapes.set_geometry(shapes.centroid.buffer(5.0)))


def test_without_an_image_there_are_spots_and_table(make_result, tmp_path):
    result = make_result(image_scale=None, spot_diameter=None)
    read = spatialdata.read_zarr(write_spatialdata(result, tmp_path / "domains.zarr"))
    assert not read.images
    np.testing.assert_allclose(read.shapes["spots"]["radius"], 5)  # half the pitch


def test_names_that_are_not_allowed_get_underscores(make_result, tmp_path):
    result = make_result(modalities=("rna", "image features"))
    columns = {"cell type": "a", "Cell_type": "b", "_x": 1, "µ": 2.0}
    annotations = pd.DataFrame(columns, index=result.domains.index)
    path = write_spatialdata(replace(result, annotations=annotations), tmp_path / "domains.zarr")
    again = TRSMIResult.from_anndata(spatialdata.read_zarr(path).tables["domains"])
    assert list(again.annotations) == ["cell_type", "Cell_type_2", "x", "column"]
    assert list(again.modality_weights) == ["rna", "image_features"]


def test_a_store_is_replaced_only_when_asked(make_result, tmp_path):
    path = write_spatialdata(make_result(n_domains=3), tmp_path / "domains.zarr")
    with pytest.raises(OutputError, match="already there"):
        write_spatialdata(make_result(n_domains=2), path)
    write_spatialdata(make_result(n_domains=2), path, overwrite=True)
    assert _names(tmp_path) == ["domains.zarr"]
    table = spatialdata.read_zarr(path).tables["domains"]
    assert table.obs["trsmi_domain"].nunique() == 2


def test_a_folder_that_is_no_store_is_never_replaced(make_result, tmp_path):
    folder = tmp_path / "photos.zarr"
    folder.mkdir()
    (folder / "cat.jpg").write_text("meow")
    with pytest.raises(OutputError, match="is never replaced"):
        write_spatialdata(make_result(), folder, overwrite=True)
    assert _names(folder) == ["cat.jpg"]
    with pytest.raises(OutputError, match=r"must end in \.zarr"):
        write_spatialdata(make_result(), tmp_path / "domains.h5ad")


@pytest.mark.parametrize("existing", [False, True])
def test_a_full_disk_leaves_everything_as_it_was(make_result, tmp_path, monkeypatch, existing):
    path = tmp_path / "domains.zarr"
    if existing:
        write_spatialdata(make_result(n_domains=3), path)
    before = _names(tmp_path)
    rename = Path.rename

    def full(self, target):
        if self.name.endswith(".part"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_spatialdata(make_result(n_domains=2), path, overwrite=True)
    assert _names(tmp_path) == before
    if existing:
        assert spatialdata.read_zarr(path).tables["domains"].obs["trsmi_domain"].nunique() == 3


def test_what_h5ad_takes_is_taken_here_too(make_result, tmp_path):
    result = make_result()
    odd = result.annotations.assign(
        lists=[[1, 2]] * 60,
        mixed=[1 if i % 2 else "x" for i in range(60)],
        when=pd.Timestamp("2024-01-01"),
        bins=pd.cut(range(60), 4),
        some=pd.array([1, None] * 30, dtype="Int64"),
    )
    path = write_spatialdata(replace(result, annotations=odd), tmp_path / "domains.zarr")
    again = TRSMIResult.from_anndata(spatialdata.read_zarr(path).tables["domains"]).annotations
    assert again["lists"].tolist()[0] == "[1, 2]"
    assert list(again) == list(odd)


def test_a_store_that_we_did_not_write_is_never_replaced(make_result, tmp_path):
    from spatialdata.models import Image2DModel

    other = tmp_path / "slide.zarr"
    image = Image2DModel.parse(np.zeros((3, 9, 9), np.uint8), dims=("c", "y", "x"))
    spatialdata.SpatialData(images={"he": image}).write(other)
    ours = write_spatialdata(make_result(), tmp_path / "domains.zarr")
    (ours / "notes.txt").write_text("mine")
    for path in (other, ours):
        before = sorted(path.rglob("*"))
        with pytest.raises(OutputError, match="is never replaced"):
            write_spatialdata(make_result(), path, overwrite=True)
        assert sorted(path.rglob("*")) == before


def test_a_link_to_a_store_stays_one(make_result, tmp_path):
    write_spatialdata(make_result(n_domains=3), tmp_path / "real.zarr")
    (tmp_path / "link.zarr").symlink_to(tmp_path / "real.zarr")
    write_spatialdata(make_result(n_domains=2), tmp_path / "link.zarr", overwrite=True)
    assert (tmp_path / "link.zarr").is_symlink()
    table = spatialdata.read_zarr(tmp_path / "real.zarr").tables["domains"]
    assert table.obs["trsmi_domain"].nunique() == 2


def test_what_a_killed_program_left_is_cleared(make_result, tmp_path):
    old, new = (tmp_path / f".domains.zarr.{name}.part" for name in ("deadbeef", "cafecafe"))
    for folder in (old, new):
        folder.mkdir()
        (folder / "x").write_text("half")
    os.utime(old, (0, 0))
    write_spatialdata(make_result(), tmp_path / "domains.zarr")
    assert _names(tmp_path) == [".domains.zarr.cafecafe.part", "domains.zarr"]


def test_without_spatialdata_it_is_said_how_to_get_it(make_result, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "spatialdata", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'napari-trsmi\[spatialdata\]'"):
        write_spatialdata(make_result(), tmp_path / "domains.zarr")
