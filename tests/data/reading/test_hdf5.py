"""Nothing outside a file is read, and nothing it claims is believed."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest
import scipy.sparse as sp
from anndata import AnnData

from napari_trsmi import load
from napari_trsmi.data.reading.paths import read_path
from napari_trsmi.errors import InputError


@pytest.fixture
def path(tmp_path, make_table):
    make_table(30, 20).write_h5ad(tmp_path / "rna.h5ad")
    return tmp_path / "rna.h5ad"


def test_links_to_other_files_are_refused_by_name(path, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["spatial"] = np.arange(60.0).reshape(30, 2)
    with h5py.File(path, "a") as file:
        del file["obsm/spatial"]
        file["obsm/spatial"] = h5py.ExternalLink("secret.h5", "spatial")
    with pytest.raises(
        InputError, match=r"keeps '/obsm/spatial' in another file, which is not read"
    ):
        load(path)


def test_a_link_to_a_pipe_does_not_hang(path, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with h5py.File(path, "a") as file:
        file["obsm/other"] = h5py.ExternalLink(str(tmp_path / "pipe"), "x")
    with pytest.raises(InputError, match="in another file"):
        load(path)
    with pytest.raises(InputError, match="a device or a pipe"):
        read_path(tmp_path / "pipe", [])


def test_bytes_of_other_files_are_no_coordinates(path, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(480))
    with h5py.File(path, "a") as file:
        del file["obsm/spatial"]
        file.create_dataset(
            "obsm/spatial", (30, 2), "f8", external=[(str(tmp_path / "secret"), 0, 480)]
        )
    with pytest.raises(InputError, match=r"'/obsm/spatial' in another file"):
        load(path)


def test_virtual_arrays_are_refused(path, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["xy"] = np.arange(60.0).reshape(30, 2)
    layout = h5py.VirtualLayout((30, 2), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "xy", (30, 2))
    with h5py.File(path, "a") as file:
        del file["obsm/spatial"]
        file["obsm"].create_virtual_dataset("spatial", layout)
    with pytest.raises(InputError, match=r"'/obsm/spatial' in another file"):
        load(path)


def test_links_within_the_file_are_followed(path):
    with h5py.File(path, "a") as file:
        file["obsm/X_spatial"] = h5py.SoftLink("/obsm/spatial")
    assert load(path).n_spots == 30
    with h5py.File(path, "a") as file:
        file["loop"] = file["/"]
    with pytest.raises(InputError, match=r"rna\.h5ad cannot be read"):
        load(path)


@pytest.mark.parametrize(
    ("name", "index", "value"),
    [
        ("indptr", 3, 2**50),
        ("indptr", 1, -(2**30)),
        ("indptr", 0, 5),
        ("indptr", -1, 10**6),
        ("indices", 7, 10**7),
        ("indices", 7, -40),
    ],
)
@pytest.mark.parametrize("form", ["csr", "csc", "10x"])
def test_damaged_sparse_tables_are_refused(
    tmp_path, make_table, write_10x, name, index, value, form
):
    path = tmp_path / "rna.h5"
    table = make_table(30, 20)
    if form == "10x":
        write_10x(path, table)
    else:
        AnnData(sp.csr_matrix(table.X).asformat(form), table.obs, obsm=dict(table.obsm)).write_h5ad(
            path
        )
    place = "matrix" if form == "10x" else "X"
    with h5py.File(path, "a") as file:
        values = file[place][name][:].astype(np.int64)
        values[index] = value
        del file[place][name]
        file[place][name] = values
    with pytest.raises(InputError, match=rf"sparse table '/{place}' is damaged"):
        read_path(path, [])


def test_claims_of_size_are_refused_before_they_are_read(path):
    with h5py.File(path, "a") as file:
        file["obsm"].create_dataset(
            "X_big", (30, 2**30), "f4", chunks=(1, 2**16), compression="gzip"
        )
    with pytest.raises(
        InputError, match=r"'/obsm/X_big' in rna\.h5ad claims 128\.8 GB, and 0\.000 MB"
    ):
        load(path)


def test_a_table_in_memory_is_checked_too(make_table):
    table = make_table(6, 4)
    table.X.indices[2] = 10**7
    with pytest.raises(InputError, match="'rna' is damaged: the indices of X lead out of it"):
        load({"rna": table})


def test_a_list_of_texts_without_end_does_not_hang(path):
    """The free space at the end of a heap says that it has no size."""
    content = bytearray(path.read_bytes())
    start = content.find(b"GCOL")
    place, length = start + 16, 0
    while int.from_bytes(content[place : place + 2], "little"):
        length = int.from_bytes(content[place + 8 : place + 16], "little")
        place += 16 + -(-length // 8) * 8
    content[place + 8 : place + 16] = bytes(8)
    path.write_bytes(content)
    with pytest.raises(InputError, match="a list of texts in it has no end"):
        load(path)
