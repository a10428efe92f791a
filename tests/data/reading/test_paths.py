import h5py
import mudata
import pandas as pd
import pytest
from anndata import AnnData

from napari_trsmi.data.reading.paths import read_path
from napari_trsmi.errors import InputError

# The libraries' own notices while a test writes its input.
pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning:mudata",
    "ignore::UserWarning:mudata",
    "ignore:Writing zarr v2:UserWarning",
)


def test_the_content_decides_not_the_ending(tmp_path, make_table, write_10x):
    table = make_table()
    table.write_h5ad(tmp_path / "table.h5")
    mudata.MuData({"rna": table}).write_h5mu(tmp_path / "both.h5ad")
    write_10x(tmp_path / "ten.h5ad", table)
    table.write_zarr(tmp_path / "table.zarr")
    table.to_df().to_csv(tmp_path / "table.csv")
    table.write_h5ad(tmp_path / "called.csv")
    assert isinstance(read_path(tmp_path / "called.csv", []), AnnData)
    assert isinstance(read_path(tmp_path / "table.h5", []), AnnData)
    assert isinstance(read_path(tmp_path / "both.h5ad", []), mudata.MuData)
    assert isinstance(read_path(tmp_path / "table.csv", []), pd.DataFrame)
    for name in ("ten.h5ad", "table.zarr"):
        read = read_path(tmp_path / name, [])
        assert (read.X != table.X).nnz == 0
        assert read.obs_names.equals(table.obs_names)


def test_all_feature_types_of_a_10x_file_are_read(tmp_path, make_table, write_10x):
    table = make_table()
    table.var["feature_types"] = ["Gene Expression", "Gene Expression", "Antibody Capture", "Peaks"]
    read = read_path(write_10x(tmp_path / "ten.h5", table), [])
    assert read.var["feature_types"].tolist() == table.var["feature_types"].tolist()


def test_missing_and_empty_files(tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*gone\.h5ad"):
        read_path(tmp_path / "gone.h5ad", [])
    with pytest.raises(InputError, match="cannot be read"):
        read_path(tmp_path / ("long" * 100), [])
    for name in ("empty.h5ad", "empty.csv"):
        (tmp_path / name).touch()
        with pytest.raises(InputError, match=rf"{name} is empty"):
            read_path(tmp_path / name, [])


def test_a_file_of_another_format(tmp_path):
    (tmp_path / "text.h5ad").write_text("these are words")
    with pytest.raises(InputError, match=r"text\.h5ad is not an HDF5 file.*\.h5mu"):
        read_path(tmp_path / "text.h5ad", [])


def test_an_archive(tmp_path, make_table):
    make_table().to_df().to_csv(tmp_path / "t.csv.zip")
    with pytest.raises(InputError, match=r"t\.csv\.zip is a zip archive\. Unpack it"):
        read_path(tmp_path / "t.csv.zip", [])


def test_hdf5_that_is_no_table(tmp_path):
    with h5py.File(tmp_path / "other.h5ad", "w") as file:
        file["pixels"] = [1, 2]
    with pytest.raises(InputError, match=r"other\.h5ad is an HDF5 file, but holds 'pixels'"):
        read_path(tmp_path / "other.h5ad", [])


def test_a_truncated_file(tmp_path, make_table):
    path = tmp_path / "t.h5ad"
    make_table(400, 50).write_h5ad(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"t\.h5ad cannot be read"):
        read_path(path, [])


def test_anndatas_own_errors_do_not_pass(tmp_path, make_table):
    path = tmp_path / "newer.h5ad"
    make_table().write_h5ad(path)
    with h5py.File(path, "a") as file:
        file["X"].attrs["encoding-type"] = "from_the_future"
    with pytest.raises(InputError, match=r"newer\.h5ad cannot be read.*newer program") as caught:
        read_path(path, [])
    assert caught.value.__cause__ is not None


def test_a_10x_file_with_a_part_missing(tmp_path, make_table, write_10x):
    path = write_10x(tmp_path / "ten.h5", make_table())
    with h5py.File(path, "a") as file:
        del file["matrix"]["barcodes"]
    with pytest.raises(InputError, match=r"not a whole 10x matrix: it lacks barcodes"):
        read_path(path, [])


def test_running_out_of_memory_is_not_the_files_fault(tmp_path, make_table, monkeypatch):
    make_table().write_h5ad(tmp_path / "t.h5ad")

    def exhausted(*_):
        raise MemoryError

    monkeypatch.setattr("anndata.io.read_h5ad", exhausted)
    with pytest.raises(MemoryError):
        read_path(tmp_path / "t.h5ad", [])


def test_a_ragged_text_file(tmp_path):
    (tmp_path / "t.csv").write_text("spot,a\ns1,1\ns2,1,2,3\n")
    with pytest.raises(InputError, match=r"t\.csv is no table: line 3 has 4 fields"):
        read_path(tmp_path / "t.csv", [])
