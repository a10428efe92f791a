"""Ctrl-C and SIGTERM, in a real process: the handlers belong to the main thread."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from napari_trsmi import read_result

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

EPOCHS = 100_000


@pytest.fixture
def start(tables, tmp_path):
    """Start a long run, and wait until it trains."""
    started = []

    def start(*options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "napari_trsmi", "run", str(tables / "protein.h5ad")]
        command += ["--output", str(tmp_path / "out.h5ad"), "--n-domains", "3"]
        running = subprocess.Popen(
            [*command, "--epochs", str(EPOCHS), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(running)
        for line in running.stderr:
            if line.startswith("Epoch 1 of"):
                return running
        pytest.fail(f"it ended with {running.wait()} before it trained")

    yield start
    for running in started:
        running.kill()
        running.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_written_unless_asked_for(start, tmp_path, number):
    running = start()
    running.send_signal(number)
    stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Stopping after this epoch" in stderr
    assert stderr.endswith("Interrupted: nothing was written.\n")
    assert "Traceback" not in stderr
    assert stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_the_partial_result_is_kept_when_asked_for(start, tmp_path):
    running = start("--keep-on-interrupt")
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 130
    result = read_result(tmp_path / "out.h5ad")
    assert result.n_domains == 3
    assert 1 <= len(result.history) < EPOCHS
    assert result.record["stopped"].startswith("stopped by the user after")
    assert f"Interrupted: this is the result of {len(result.history)} epochs." in stderr


def test_the_second_press_aborts():
    """In a process whose job never looks at its token."""
    code = """
import time
import click
from napari_trsmi.cli.command import Command
from napari_trsmi.cli.interruption import stopping
from napari_trsmi.training.stop import StopToken

@click.command(cls=Command)
def endless():
    stop = StopToken()
    with stopping(stop, keep=True, say=lambda text: print(text, flush=True)):
        print("running", flush=True)
        while True:
            time.sleep(0.01)

endless()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout.readline() == "running\n"
        running.send_signal(signal.SIGINT)
        assert running.stdout.readline().startswith("Stopping after this epoch")
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        _, stderr = running.communicate(timeout=30)
    assert running.returncode == 130
    assert stderr == "Interrupted.\n"


def test_signals_before_training_end_it_too(tables, tmp_path):
    code = """
import sys, signal, os
import napari_trsmi.data.loading as loading
loading.load = lambda *a, **k: os.kill(os.getpid(), signal.SIGTERM)
from napari_trsmi.cli import main
main(sys.argv[1:])
"""
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            "run",
            str(tables / "rna.h5ad"),
            "-o",
            str(tmp_path / "o.csv"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (130, "Interrupted.\n")


def test_handlers_are_put_back(invoke, job, tables, tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    invoke("run", tables / "rna.h5ad", "-o", tmp_path / "out.csv")
    assert job.calls == 1
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("module", ["click", "anndata", "torch", "napari_trsmi.cli"])
def test_while_libraries_are_imported(tables, tmp_path, module):
    """A library's import may turn the interruption into an error of its own."""
    code = f"""
import builtins, os, signal, sys
plain = builtins.__import__
def slow(name, *rest, **named):
    if name.split(".")[0] == {module!r} or name == {module!r}:
        builtins.__import__ = plain
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("numpy is broken")
    return plain(name, *rest, **named)
builtins.__import__ = slow
from napari_trsmi.__main__ import main
sys.argv = ["napari-trsmi", "run", {str(tables / "protein.h5ad")!r}, "-o"]
sys.argv.append({str(tmp_path / "o.h5ad")!r})
main()
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 130
    assert ran.stderr.strip().endswith("Interrupted.")
    assert "Traceback" not in ran.stderr
