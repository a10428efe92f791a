import subprocess
import sys

import psutil
import pytest

from napari_trsmi.data.reading import memory


def test_free_memory_is_that_of_the_machine_at_most():
    assert 0 < memory.free_memory() <= psutil.virtual_memory().total


@pytest.mark.skipif(not hasattr(psutil, "RLIMIT_AS"), reason="no limits of processes")
def test_the_limit_of_a_process_counts():
    code = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9))
from napari_trsmi.data.reading.memory import free_memory
print(free_memory())
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert 0 < int(done.stdout) < 10**9


def test_limits_of_groups_count(tmp_path, monkeypatch):
    inner = tmp_path / "job" / "step"
    inner.mkdir(parents=True)
    for folder, limit in ((inner, "max"), (tmp_path / "job", "5000")):
        (folder / "memory.max").write_text(limit)
        (folder / "memory.current").write_text("3000")
        (folder / "memory.stat").write_text("anon 2000\ninactive_file 500\n")
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "_own_group", lambda: "job/step")
    assert memory.free_memory() == 5000 - 3000 + 500


def test_limits_of_the_first_version_count(tmp_path, monkeypatch):
    folder = tmp_path / "memory"
    folder.mkdir()
    (folder / "memory.limit_in_bytes").write_text("5000")
    (folder / "memory.usage_in_bytes").write_text("3000")
    (folder / "memory.stat").write_text("cache 10\n")
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "_own_group", lambda: "")
    assert memory.free_memory() == 5000 - 3000


def test_a_large_table_is_read_in_parts_and_that_is_said(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 8 * 10**9)
    notes = []
    assert not memory.read_in_parts(10**9, "small.h5ad", notes)
    assert notes == []
    assert memory.read_in_parts(2 * 10**9, "large.h5ad", notes)
    assert notes == [
        "large.h5ad takes 2.0 GB in memory, a run on it up to 4 times that, and 8.0 GB are free: "
        "it stays on the disk and is read in parts."
    ]
