"""Files are written whole or not at all, and what is wrong is said before the work."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from napari_trsmi import read_result, write_result
from napari_trsmi.errors import InputError, OutputError
from napari_trsmi.writing import check_output, make_folder, write_bytes, write_table


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class TestCheckOutput:
    def test_a_new_file_in_a_folder_is_fine_and_nothing_is_left(self, tmp_path):
        assert check_output(str(tmp_path / "new.h5ad")) == tmp_path / "new.h5ad"
        assert check_output(tmp_path / "NEW.CSV") == tmp_path / "NEW.CSV"
        assert files(tmp_path) == set()

    def test_home_is_expanded(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        assert check_output("~/new.h5ad") == tmp_path / "new.h5ad"

    def test_an_existing_file_needs_overwrite(self, tmp_path):
        old = tmp_path / "old.h5ad"
        old.write_text("old")
        with pytest.raises(OutputError, match=r"old\.h5ad is already there.*--overwrite"):
            check_output(old)
        assert check_output(old, overwrite=True) == old
        assert old.read_text() == "old"

    def test_unknown_suffix_names_the_known_ones(self, tmp_path):
        with pytest.raises(OutputError, match=r"out\.txt.*\.h5ad or \.csv"):
            check_output(tmp_path / "out.txt")
        with pytest.raises(OutputError, match=r"must end in \.png"):
            check_output(tmp_path / "out.h5ad", suffixes=[".png"])

    def test_missing_folder_names_it(self, tmp_path):
        with pytest.raises(OutputError, match=r"no folder .*nowhere.*mkdir"):
            check_output(tmp_path / "nowhere" / "out.h5ad")

    def test_a_folder_is_no_file(self, tmp_path):
        (tmp_path / "out.h5ad").mkdir()
        with pytest.raises(OutputError, match="is a folder"):
            check_output(tmp_path / "out.h5ad", overwrite=True)

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc")
    def test_a_folder_that_takes_no_files_is_refused(self):
        with pytest.raises(OutputError, match=r"Cannot write /proc/out\.h5ad.*may write to"):
            check_output("/proc/out.h5ad")

    def test_permission_is_asked_by_trying(self, tmp_path, monkeypatch):
        def refuse(self, **_):
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "touch", refuse)
        with pytest.raises(OutputError, match=r"out\.h5ad: Permission denied"):
            check_output(tmp_path / "out.h5ad")


class TestMakeFolder:
    def test_makes_parents_and_takes_what_is_there(self, tmp_path):
        folder = make_folder(tmp_path / "a" / "b")
        assert folder.is_dir()
        assert make_folder(folder) == folder

    def test_a_file_in_the_way_is_named(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(OutputError, match=r"Cannot make the folder .*file"):
            make_folder(tmp_path / "file")


class TestWriteBytes:
    def test_replaces_and_leaves_nothing_beside(self, tmp_path):
        path = tmp_path / "file.bin"
        write_bytes(path, b"old")
        write_bytes(path, memoryview(b"new"))
        assert path.read_bytes() == b"new"
        assert files(tmp_path) == {"file.bin"}

    def test_has_the_permissions_of_any_new_file(self, tmp_path):
        (tmp_path / "plain").touch()
        write_bytes(tmp_path / "written", b"")
        assert (tmp_path / "written").stat().st_mode == (tmp_path / "plain").stat().st_mode

    def test_writes_through_a_link(self, tmp_path):
        (tmp_path / "real").mkdir()
        (tmp_path / "real" / "file").write_bytes(b"old")
        (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
        write_bytes(tmp_path / "link", b"new")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "real" / "file").read_bytes() == b"new"

    @pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(5, "Input/output error")])
    def test_interrupted_on_the_way_to_the_disk(self, tmp_path, monkeypatch, error):
        path = tmp_path / "file"
        path.write_bytes(b"old")

        def fail(_descriptor):
            assert len(files(tmp_path)) == 2, "the new content is beside the old"
            raise error

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises((KeyboardInterrupt, OutputError)):
            write_bytes(path, b"new")
        assert path.read_bytes() == b"old"
        assert files(tmp_path) == {"file"}


def full_disk_script(path: Path) -> str:
    return f"""
from napari_trsmi.errors import OutputError
from napari_trsmi.writing import write_bytes
from pathlib import Path
try:
    write_bytes(Path({str(path)!r}), bytes(3_000_000))
except OutputError as error:
    print(error)
"""


def assert_survived(folder: Path, message: str) -> None:
    assert "needs 3.0 MB" in message
    assert "free on its disk" in message
    assert "what was there is unchanged" in message
    assert (folder / "file").read_bytes() == b"old"
    assert files(folder) == {"file"}


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX resource limits")
def test_no_room_by_a_limit_of_file_size(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
    ran = subprocess.run(
        [sys.executable, "-c", limit + full_disk_script(tmp_path / "file")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert_survived(tmp_path, ran.stdout)


@pytest.fixture
def small_disk(tmp_path):
    """Mount a real disk of 1 MB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk on Linux")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)],  # noqa: S607
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)  # noqa: S607


def test_full_disk(small_disk):
    (small_disk / "file").write_bytes(b"old")
    with pytest.raises(OutputError) as raised:
        write_bytes(small_disk / "file", bytes(3_000_000))
    assert_survived(small_disk, str(raised.value))


def test_result_that_does_not_fit_leaves_the_old_one(small_disk, make_result):
    old = make_result(image_scale=None)
    path = write_result(old, small_disk / "result.h5ad")
    before = path.read_bytes()
    large = replace(old, embedding=np.ones((60, 10_000), dtype=np.float32))
    with pytest.raises(OutputError, match="needs 2"):
        write_result(large, path, overwrite=True)
    assert path.read_bytes() == before
    assert files(small_disk) == {"result.h5ad"}


class TestWriteResult:
    def test_does_not_replace_unless_told(self, tmp_path, make_result):
        path = tmp_path / "result.h5ad"
        path.write_text("precious")
        with pytest.raises(OutputError, match="already there"):
            write_result(make_result(), path)
        assert path.read_text() == "precious"
        write_result(make_result(), path, overwrite=True)
        assert read_result(path).n_domains == 3

    def test_csv_has_a_row_for_each_spot(self, tmp_path, make_result):
        result = make_result()
        table = pd.read_csv(
            write_result(result, tmp_path / "result.csv"), index_col="spot", dtype={1: str}
        )
        assert list(table) == [
            "trsmi_domain",
            "trsmi_confidence",
            "trsmi_weight_rna",
            "trsmi_weight_protein",
        ]
        assert list(table.index) == list(result.domains.index)
        assert list(table["trsmi_domain"]) == list(result.domains)
        np.testing.assert_allclose(table["trsmi_confidence"], result.confidence)
        np.testing.assert_allclose(table["trsmi_weight_rna"], result.modality_weights["rna"])

    @pytest.mark.parametrize(
        ("column", "stored"),
        [
            (["a", None, "b"], ["a", None, "b"]),
            (["a", 1, None], ["a", "1", None]),
            ([[1], [2], [3]], ["[1]", "[2]", "[3]"]),
            (pd.array(["a", None, "b"], dtype="string"), ["a", None, "b"]),
            (pd.array([1, None, 3], dtype="Int64"), [1, None, 3]),
            (pd.array([True, None, False], dtype="boolean"), [True, None, False]),
            (pd.to_datetime(["2026-01-01"] * 3), ["2026-01-01 00:00:00"] * 3),
            (pd.Categorical([1, 2, 1]), [1, 2, 1]),
            (pd.Categorical(["a", 1, "a"]), ["a", "1", "a"]),
            (pd.cut([1, 3, 3], [0, 2, 4]), ["(0, 2]", "(2, 4]", "(2, 4]"]),
        ],
        ids=str,
    )
    def test_every_annotation_can_be_stored(self, tmp_path, make_result, column, stored):
        result = make_result(n_spots=3)
        noted = pd.DataFrame({"note": column}, index=result.domains.index)
        path = write_result(replace(result, annotations=noted), tmp_path / "result.h5ad")
        read = read_result(path).annotations["note"]
        assert [None if pd.isna(value) else value for value in read] == stored

    def test_a_reserved_column_is_named(self, tmp_path, make_result):
        result = make_result()
        noted = result.annotations.rename(columns={"layer": "_index"})
        with pytest.raises(OutputError, match=r"_index.*Rename or remove"):
            write_result(replace(result, annotations=noted), tmp_path / "result.h5ad")
        assert files(tmp_path) == set()

    def test_table_is_not_changed_by_writing(self, tmp_path):
        obs = pd.DataFrame({"when": pd.to_datetime(["2026-01-01"] * 2)}, index=["a", "b"])
        table = anndata.AnnData(np.eye(2), obs=obs)
        write_table(table, tmp_path / "table.h5ad")
        assert table.obs["when"].dtype.kind == "M"
        np.testing.assert_array_equal(anndata.read_h5ad(tmp_path / "table.h5ad").X, np.eye(2))


class TestReadResult:
    def test_missing(self, tmp_path):
        with pytest.raises(InputError, match=r"no file .*missing\.h5ad"):
            read_result(tmp_path / "missing.h5ad")

    @pytest.mark.parametrize("content", [b"", b"no HDF5"], ids=["empty", "garbage"])
    def test_not_a_file_of_ours(self, tmp_path, content):
        path = tmp_path / "bad.h5ad"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"bad\.h5ad"):
            read_result(path)

    def test_a_csv_is_no_result(self, tmp_path, make_result):
        path = write_result(make_result(), tmp_path / "result.csv")
        with pytest.raises(InputError, match=r"result\.csv"):
            read_result(path)

    def test_a_plain_table_is_no_result(self, tmp_path):
        write_table(anndata.AnnData(np.eye(2)), tmp_path / "plain.h5ad")
        with pytest.raises(InputError, match=r"plain\.h5ad: .*holds no TRSMI result"):
            read_result(tmp_path / "plain.h5ad")

    def test_damaged(self, tmp_path, make_result):
        path = write_result(make_result(), tmp_path / "result.h5ad")
        path.write_bytes(path.read_bytes()[:-5_000])
        with pytest.raises(InputError, match=r"result\.h5ad"):
            read_result(path)

    def test_incomplete(self, tmp_path, make_result):
        table = make_result().to_anndata()
        del table.obs["trsmi_weight_rna"]
        write_table(table, tmp_path / "part.h5ad")
        with pytest.raises(InputError, match=r"part\.h5ad holds an incomplete TRSMI result"):
            read_result(tmp_path / "part.h5ad")
