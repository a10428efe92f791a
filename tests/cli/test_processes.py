"""The command in two processes, as torchrun starts it: trained, lost, resumed."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from sklearn.metrics import adjusted_rand_score

from napari_trsmi import read_result

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

SHORT = ("--epochs", "100", "--n-components", "6", "--embedding-dim", "4", "--seed", "1")
KEPT = ("epochs-0-of-2-a.npz", "epochs-1-of-2-a.npz")


def command(tables, output, *options):
    found = [*("-m", "napari_trsmi", "run", str(tables / "rna.h5ad"), str(tables / "protein.h5ad"))]
    found += ["-o", str(output), "--n-domains", "3", "--device", "cpu", "--threads", "1"]
    return [*found, *SHORT, *options]


def in_two(tables, folder, *options):
    """Start two processes, whose messages come one by one into files below ``folder``/said."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    launcher += ["--redirects", "3", "--log-dir", str(folder / "said")]
    return subprocess.Popen(
        [sys.executable, *launcher, *command(tables, folder / "two.h5ad", *options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
    )


def said(folder):
    return "".join(file.read_text() for file in sorted(folder.glob("said/**/*.log")))


def process_of(running, rank):
    for child in psutil.Process(running.pid).children():
        if child.environ().get("RANK") == str(rank):
            return child
    raise AssertionError("torchrun has no such process")


@pytest.fixture(scope="module")
def alone(tables, tmp_path_factory):
    """What one process finds."""
    output = tmp_path_factory.mktemp("alone") / "one.h5ad"
    subprocess.run(
        [sys.executable, *command(tables, output)], check=True, capture_output=True, timeout=300
    )
    return read_result(output)


def test_a_lost_process_ends_the_run_which_is_resumed(tables, alone, tmp_path):
    """With one message and no traceback of ours; torchrun's own report goes elsewhere."""
    checkpoint = ("--checkpoint", str(tmp_path / "kept"), "--resume")
    with in_two(tables, tmp_path, *checkpoint) as running:
        for _ in range(1200):
            if all((tmp_path / "kept" / name).exists() for name in KEPT):
                break
            assert running.poll() is None, said(tmp_path)
            time.sleep(0.02)
        process_of(running, 1).kill()
        running.communicate(timeout=120)
    assert running.returncode
    words = said(tmp_path)
    errors = [line for line in words.splitlines() if line.startswith("Error")]
    assert len(errors) == 1, words
    assert "was lost" in errors[0]
    assert "--resume" in errors[0]
    assert "Traceback" not in words
    assert not (tmp_path / "two.h5ad").exists()

    with in_two(tables, tmp_path, *checkpoint) as running:
        running.communicate(timeout=300)
    assert running.returncode == 0, said(tmp_path)
    found = read_result(tmp_path / "two.h5ad")
    assert found.record["processes"] == 2
    assert any("Went on with the checkpoint" in note for note in found.record["notes"])
    for scale, domains in alone.domains_by_scale.items():
        assert adjusted_rand_score(domains, found.domains_by_scale[scale]) >= 0.999
    np.testing.assert_allclose(found.history["loss"], alone.history["loss"], rtol=1e-4)


def test_a_dask_scheduler_that_does_not_answer_is_said(invoke, tables, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_trsmi.data.cluster._ANSWER", 0.5)
    output = tmp_path / "out.h5ad"
    ended = invoke("run", tables / "rna.h5ad", "-o", output, "--dask", "tcp://127.0.0.1:9")
    assert ended.exit_code == 2
    assert "No Dask scheduler answers at tcp://127.0.0.1:9." in ended.output
    assert not output.exists()
