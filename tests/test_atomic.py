"""Files are written whole or not at all, and what is wrong is said before the work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_trsmi.atomic import check_output, make_folder, write_bytes
from napari_trsmi.errors import OutputError

SUFFIXES = (".h5ad", ".csv")


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class TestCheckOutput:
    def test_a_new_file_in_a_folder_is_fine_and_nothing_is_left(self, tmp_path):
        assert check_output(str(tmp_path / "new.h5ad"), suffixes=SUFFIXES) == tmp_path / "new.h5ad"
        assert check_output(tmp_path / "NEW.CSV", suffixes=SUFFIXES) == tmp_path / "NEW.CSV"
        assert files(tmp_path) == set()

    def test_home_is_expanded(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        assert check_output("~/new.h5ad", suffixes=SUFFIXES) == tmp_path / "new.h5ad"

    def test_an_existing_file_needs_overwrite(self, tmp_path):
        old = tmp_path / "old.h5ad"
        old.write_text("old")
        with pytest.raises(OutputError, match=r"old\.h5ad is already there.*--overwrite"):
            check_output(old, suffixes=SUFFIXES)
        assert check_output(old, overwrite=True, suffixes=SUFFIXES) == old
        assert old.read_text() == "old"

    def test_unknown_suffix_names_the_known_ones(self, tmp_path):
        with pytest.raises(OutputError, match=r"out\.txt.*\.h5ad or \.csv"):
            check_output(tmp_path / "out.txt", suffixes=SUFFIXES)
        with pytest.raises(OutputError, match=r"must end in \.png"):
            check_output(tmp_path / "out.h5ad", suffixes=[".png"])

    def test_missing_folder_names_it(self, tmp_path):
        with pytest.raises(OutputError, match=r"no folder .*nowhere.*mkdir"):
            check_output(tmp_path / "nowhere" / "out.h5ad", suffixes=SUFFIXES)

    def test_a_folder_is_no_file(self, tmp_path):
        (tmp_path / "out.h5ad").mkdir()
        with pytest.raises(OutputError, match="is a folder"):
            check_output(tmp_path / "out.h5ad", overwrite=True, suffixes=SUFFIXES)

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc")
    def test_a_folder_that_takes_no_files_is_refused(self):
        with pytest.raises(OutputError, match=r"Cannot write /proc/out\.h5ad.*may write to"):
            check_output("/proc/out.h5ad", suffixes=SUFFIXES)

    def test_permission_is_asked_by_trying(self, tmp_path, monkeypatch):
        def refuse(self, **_):
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "touch", refuse)
        with pytest.raises(OutputError, match=r"out\.h5ad: Permission denied"):
            check_output(tmp_path / "out.h5ad", suffixes=SUFFIXES)

    def test_a_link_to_itself_and_names_that_are_none(self, tmp_path):
        (tmp_path / "loop.h5ad").symlink_to(tmp_path / "loop.h5ad")
        for name, reason in (
            ("loop.h5ad", "a link to itself"),
            ("a\0b.h5ad", "null"),
            (f"{'long' * 99}.h5ad", "too long"),
        ):
            with pytest.raises(OutputError, match=rf"Cannot write .*{reason}"):
                check_output(tmp_path / name, suffixes=[".h5ad"], overwrite=True)


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


def test_what_a_killed_program_left_is_cleared(tmp_path):
    old, new, other = (
        tmp_path / f".{name}.part" for name in ("f.deadbeef", "f.cafecafe", "g.deadbeef")
    )
    for path in (old, new, other):
        path.write_bytes(b"half")
    for path in (old, other):
        os.utime(path, (0, 0))
    write_bytes(tmp_path / "f", b"whole")
    assert files(tmp_path) == {"f", new.name, other.name}


def full_disk_script(path: Path) -> str:
    return f"""
from napari_trsmi.errors import OutputError
from napari_trsmi.atomic import write_bytes
from pathlib import Path
try:
    write_bytes(Path({str(path)!r}), bytes(3_000_000))
except OutputError as error:
    print(error)
"""


def assert_survived(folder: Path, message: str, reason: str = "free on its disk") -> None:
    assert "needs 3.0 MB" in message
    assert reason in message
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
    assert_survived(tmp_path, ran.stdout, "allows no file of that size here (ulimit -f")


def test_full_disk(small_disk):
    (small_disk / "file").write_bytes(b"old")
    with pytest.raises(OutputError) as raised:
        write_bytes(small_disk / "file", bytes(3_000_000))
    assert_survived(small_disk, str(raised.value))
