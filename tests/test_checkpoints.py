"""Interrupted runs that are resumed give the labels of one that was not, to the last bit."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_trsmi import preparation, read_result, write_result
from napari_trsmi.config import Config
from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.errors import InputError, StoppedError
from napari_trsmi.integration import integrate
from napari_trsmi.training.stop import StopToken

if TYPE_CHECKING:
    from napari_trsmi.training.report import EpochReport

SMALL = Config(
    n_domains=3,
    epochs=14,
    n_components=6,
    embedding_dim=6,
    feature_neighbors=6,
    align_neighbors=5,
    align_refresh=3,
    prototype_weight=0.5,
    prototype_start=0.2,
    prototype_refresh=4,
    n_prototypes=4,
    device="cpu",
)


@pytest.fixture(scope="module")
def section():
    """A simulated section with two modalities."""
    return simulate(n_spots=100, modalities=("rna", "protein"), n_features={"rna": 40}, image=False)


@pytest.fixture(scope="module")
def result(section):
    return integrate(section, config=SMALL)


def same(found, expected) -> bool:
    for name in ("embedding", "coordinates"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for name in ("domains", "confidence", "modality_weights", "domains_by_scale"):
        assert getattr(found, name).equals(getattr(expected, name)), name
    columns = [column for column in expected.history if column not in ("seconds", "memory")]
    return bool(found.history[columns].equals(expected.history[columns]))


class Killed(BaseException):
    """Nothing catches it."""


@pytest.mark.parametrize("epoch", [1, 3, 8, 14])
def test_training_goes_on_where_it_was(section, result, tmp_path, epoch):
    def at(report: EpochReport) -> None:
        if report.epoch == epoch:
            raise Killed

    with pytest.raises(Killed):
        integrate(section, config=SMALL, checkpoint=tmp_path, on_epoch=at)
    assert (tmp_path / "epochs.npz").exists() == (epoch >= 3)
    reports: list[int] = []
    found = integrate(
        section,
        config=SMALL,
        checkpoint=tmp_path,
        resume=True,
        on_epoch=lambda report: reports.append(report.epoch),
    )
    assert reports == list(range(1, 15))
    assert same(found, result)
    assert any("Went on with the checkpoint" in note for note in found.record["notes"])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_every_optimiser_goes_on(section, tmp_path, optimizer):
    config = SMALL.replace(optimizer=optimizer, prototype_weight=0.0, all_scales=False, scale=0)
    stop = StopToken()

    def at(report: EpochReport) -> None:
        if report.epoch == 10:
            stop.stop()

    with pytest.raises(StoppedError):
        integrate(section, config=config, checkpoint=tmp_path, on_epoch=at, stop=stop)
    found = integrate(section, config=config, checkpoint=tmp_path, resume=True)
    assert same(found, integrate(section, config=config))


def test_components_are_not_made_again(section, result, tmp_path, monkeypatch):
    made: list[str] = []
    feature_matrix = preparation.feature_matrix

    def counted(modality, config):
        if len(made) == 1:
            made.append("")
            raise Killed
        made.append(modality.name)
        return feature_matrix(modality, config)

    monkeypatch.setattr(preparation, "feature_matrix", counted)
    with pytest.raises(Killed):
        integrate(section, config=SMALL, checkpoint=tmp_path)
    found = integrate(section, config=SMALL, checkpoint=tmp_path, resume=True)
    assert made == ["rna", "", "protein"]
    assert same(found, result)
    assert same(integrate(section, config=SMALL, checkpoint=tmp_path, resume=True), result)
    assert len(made) == 3


def test_several_sections_go_on(make_sections, tmp_path):
    tables = make_sections(side=8)
    expected = integrate(tables, config=SMALL)
    with pytest.raises(Killed):
        integrate(tables, config=SMALL, checkpoint=tmp_path, on_epoch=_at_five)
    assert same(integrate(tables, config=SMALL, checkpoint=tmp_path, resume=True), expected)


def _at_five(report: EpochReport) -> None:
    if report.epoch == 5:
        raise Killed


def test_another_run_is_refused(section, tmp_path):
    quick = SMALL.replace(epochs=0, all_scales=False)
    integrate(section, config=quick, checkpoint=tmp_path)
    with pytest.raises(InputError, match="n_components was 6 and is 5"):
        integrate(section, config=quick, checkpoint=tmp_path, resume=True, n_components=5)
    other = simulate(n_spots=100, modalities=("rna",), n_features={"rna": 40}, image=False)
    with pytest.raises(InputError, match="table 'protein' went"):
        integrate(other, config=quick, checkpoint=tmp_path, resume=True)
    with pytest.raises(InputError, match="already"):
        integrate(section, config=quick, checkpoint=tmp_path)
    with pytest.raises(InputError, match="checkpoint='DIR'"):
        integrate(section, config=quick, resume=True)


def test_a_damaged_step_ends_the_run(section, tmp_path):
    quick = SMALL.replace(epochs=0, all_scales=False)
    integrate(section, config=quick, checkpoint=tmp_path)
    file = tmp_path / "graphs.npz"
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"graphs\.npz is damaged"):
        integrate(section, config=quick, checkpoint=tmp_path, resume=True)
    file.unlink()
    found = integrate(section, config=quick, checkpoint=tmp_path, resume=True)
    assert same(found, integrate(section, config=quick))


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_run_that_is_killed_at_random_moments_is_resumed(section, tmp_path):
    """kill -9, in a real process, while it works on graphs and while it trains."""
    rng = np.random.default_rng()
    files = {modality.name: tmp_path / f"{modality.name}.h5ad" for modality in section.modalities}
    for modality in section.modalities:
        table = modality.table.copy()
        table.obsm["spatial"] = section.coordinates
        table.write_h5ad(files[modality.name])
    told = {"epochs": 300, "align_refresh": 5, "n_components": 6, "device": "cpu", "n_domains": 3}
    told |= {"threads": 1}
    whole = tmp_path / "whole.h5ad"
    write_result(integrate(files, config=Config(**told)), whole)
    command = [sys.executable, "-m", "napari_trsmi", "run", "--resume", "--overwrite"]
    command += [f"{name}={file}" for name, file in files.items()]
    for name, value in told.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    kept = tmp_path / "kept"
    command += ["--checkpoint", str(kept), "-o", str(tmp_path / "out.h5ad")]
    for awaited in ("run.json", "epochs.npz"):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started = time.time()
        while not (kept / awaited).exists() and time.time() - started < 120:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.5))
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "Went on with the checkpoint" in ended.stderr
    assert same(read_result(tmp_path / "out.h5ad"), read_result(whole))
