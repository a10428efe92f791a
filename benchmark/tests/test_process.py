"""Limits, on real processes."""

from __future__ import annotations

import os
import sys
import time

import psutil
import pytest

from trsmi_benchmark.process import Limits, run_limited

FREE = Limits(60, 4 * 2**30)


@pytest.fixture
def run(tmp_path):
    def run(code, limits=FREE):
        command = [sys.executable, "-c", code]
        log = tmp_path / "log.txt"
        ended = run_limited(command, limits, log=log, folder=tmp_path, environment=os.environ)
        return ended, log.read_text()

    return run


def test_a_command_is_measured(run):
    code = "import time; b = bytearray(10**8); t = time.process_time()\n"
    code += "while time.process_time() - t < 0.3: pass\nprint('done')"
    ended, printed = run(code)
    assert (ended.outcome, ended.code, printed.strip()) == ("ended", 0, "done")
    assert ended.cpu_seconds > 0.15
    assert ended.seconds >= 0.3
    assert ended.memory > 10**8


def test_what_it_prints_on_either_stream_is_kept(run):
    ended, printed = run("import sys; print('one'); sys.exit('two')")
    assert ended.code == 1
    assert "one" in printed
    assert "two" in printed


def test_a_sleeper_is_stopped(run):
    started = time.perf_counter()
    ended, _ = run("import time; time.sleep(60)", Limits(0.4, FREE.memory))
    assert ended.outcome == "over_time"
    assert ended.code < 0
    assert time.perf_counter() - started < 10


def test_a_hoarder_is_stopped(run):
    code = "import time\nheld = []\nwhile True: held.append(bytearray(10**7)); time.sleep(0.01)"
    ended, _ = run(code, Limits(60, 2e8))
    assert ended.outcome == "over_memory"
    assert 2e8 < ended.memory < 2e9


def test_children_count_and_are_stopped_too(run, tmp_path):
    child = "import time; b = bytearray(3 * 10**8); time.sleep(60)"
    code = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {child!r}]); "
    code += "open('pid', 'w').write(str(p.pid)); p.wait()"
    ended, _ = run(code, Limits(60, 2e8))
    assert ended.outcome == "over_memory"
    pid = int((tmp_path / "pid").read_text())
    deadline = time.perf_counter() + 5
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.perf_counter() < deadline, "the child still runs"
        time.sleep(0.05)
