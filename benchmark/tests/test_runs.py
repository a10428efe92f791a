"""Runs in real processes: good ones, and each way to go wrong."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest

from napari_trsmi import score, simulate
from trsmi_benchmark.catalogue import METHODS
from trsmi_benchmark.data.cases import Case
from trsmi_benchmark.method import Needs
from trsmi_benchmark.process import Limits
from trsmi_benchmark.rows import RowsFile, read_rows, unpacked
from trsmi_benchmark.runs import Protocol, _seeds_after, iter_runs

LIMITS = Limits(60, 4 * 2**30)
ONCE = Protocol(seeds=1, limits=LIMITS)


@pytest.fixture
def rows(tmp_path):
    return RowsFile(tmp_path / "rows.jsonl")


def run_once(rows, case, method, protocol=ONCE):
    (progress,) = iter_runs(rows, [case], [method], protocol)
    return progress.row


def test_a_good_run(rows, tiny_case, make_method):
    run = run_once(rows, tiny_case, make_method("good", parameters={"shift": 1.0}))
    data = tiny_case.load()
    assert (run.status, run.message, run.notes) == ("done", "", ("It went well.",))
    found = score(data.labels.to_numpy(), unpacked(run.domains)).as_dict()
    assert run.scores == {"common": {"domain": pytest.approx(found, abs=1e-4)}}
    assert run.counted == "common"
    measured = run.measured
    assert 0 <= measured["seconds"] < measured["process_seconds"]
    assert 0 <= measured["cpu_seconds"] <= measured["process_cpu_seconds"]
    assert measured["cluster_seconds"] > 0
    assert measured["memory"] > 5e7
    assert 0 < measured["p_value"] <= 1
    assert run.provenance["versions"]["numpy"] == np.__version__
    assert read_rows([rows.path]) == [run]


def test_a_method_is_given_no_labels(rows, tiny_case, make_method):
    run = run_once(rows, tiny_case, make_method("what_it_sees"))
    assert run.notes == (
        *("blocks", "coordinates", "n_domains", "seed"),
        *("counts", "features", "kind", "name"),
    )


def test_own_domains_count_and_the_common_ones_stand_beside(rows, tiny_case, make_method):
    run = run_once(rows, tiny_case, make_method("both"))
    assert set(run.scores) == {"own", "common"}
    assert run.counted == "own"
    assert unpacked(run.domains).tolist() == (np.arange(80) % 5 + 1).tolist()
    assert run.scores["own"] != run.scores["common"]
    alone = run_once(rows, tiny_case, make_method("own"))
    assert set(alone.scores) == {"own"}
    assert alone.scores["own"]["domain"]["ARI"] < 20
    assert "cluster_seconds" not in alone.measured


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("crash", "ValueError: the matrix is singular"),
        ("leave", "ended with code 3: goodbye"),
        ("stop", "ended by signal 15 (SIGTERM)"),
        ("die", "killed by the system, most likely for memory"),
        ("wrong_shape", "ValueError: its embedding has shape (3, 2) for 80 spots"),
        ("nan", "ValueError: its embedding is not finite"),
        ("huge", "its embedding cannot be clustered: "),
        ("missing_function", "AttributeError: "),
    ],
)
def test_a_crash_is_a_result(rows, tiny_case, make_method, name, message):
    run = run_once(rows, tiny_case, make_method(name))
    assert run.status == "failed"
    assert run.message.startswith(message)
    assert run.scores == {}
    assert run.measured["process_seconds"] > 0


@pytest.mark.parametrize("name", ["sleep", "sleep_in_a_child"])
def test_over_time_is_a_result(rows, tiny_case, make_method, name):
    protocol = Protocol(seeds=3, limits=Limits(3.0, LIMITS.memory))
    runs = list(iter_runs(rows, [tiny_case], [make_method(name)], protocol))
    assert [p.row.status for p in runs] == ["over_time"]  # further seeds would end the same
    assert runs[0].row.message == "over 3 s"
    said = ("Before that it said: 20 %",) if name == "sleep" else ()
    assert runs[0].row.notes == said
    assert runs[0].total == 1


def test_over_memory_is_a_result(rows, tiny_case, make_method):
    protocol = replace(ONCE, limits=Limits(60, 0.5 * 2**30))
    run = run_once(rows, tiny_case, make_method("hoard"), protocol)
    assert (run.status, run.message) == ("over_memory", "over 0.5 GB")
    assert run.measured["memory"] > 0.5 * 2**30


def test_what_cannot_be_run_says_why(rows, tiny_case, make_method, monkeypatch, tmp_path):
    monkeypatch.setenv("TRSMI_BENCHMARK_ENVS", str(tmp_path / "environments"))
    run = run_once(rows, tiny_case, make_method("good", needs=Needs(modalities=(2, 2))))
    assert (run.status, run.message) == ("unfit", "takes two modalities")
    run = run_once(rows, tiny_case, make_method("good", environment="smopca"))
    assert run.status == "missing"
    assert "trsmi-benchmark install smopca" in run.message


def test_the_degenerate_ones_need_no_process(rows, tiny_case):
    run = run_once(rows, tiny_case, METHODS["one_domain"])
    assert run.scores["own"]["domain"]["Completeness"] == 100
    assert run.measured["p_value"] == 1
    permuted = run_once(rows, tiny_case, METHODS["permuted"])
    assert abs(permuted.scores["own"]["domain"]["ARI"]) < 15
    assert "process_seconds" not in permuted.measured


def test_what_is_there_is_not_run_again(rows, tiny_case, make_method):
    methods = [make_method("own"), make_method("crash")]
    two = Protocol(seeds=2, limits=LIMITS)
    first = list(iter_runs(rows, [tiny_case], methods, two))
    assert [(p.row.method, p.row.seed) for p in first] == [
        *(("own", 0), ("crash", 0)),
        *(("own", 1), ("crash", 1)),
    ]
    assert all(p.is_new for p in first)
    second = list(iter_runs(rows, [tiny_case], methods, two))
    assert not any(p.is_new for p in second)
    assert [p.row.key for p in second] == [p.row.key for p in first]
    retried = iter_runs(rows, [tiny_case], methods, replace(two, retry=True))
    # a run that fails as it did before is no new row
    assert [p.is_new for p in retried] == [False, False, False, False]


def test_other_settings_are_run(rows, tiny_case, make_method):
    method = make_method("own")
    keys = {
        run_once(rows, case, chosen).settings
        for case, chosen in (
            (tiny_case, method),
            (tiny_case, replace(method, parameters={"x": 1})),
            (replace(tiny_case, n_spots=81), method),
        )
    }
    assert len(keys) == 3


def test_higher_limits_run_again(rows, tiny_case, make_method):
    low = replace(ONCE, limits=Limits(0.01, LIMITS.memory))
    assert run_once(rows, tiny_case, make_method("own"), low).status == "over_time"
    (again,) = iter_runs(rows, [tiny_case], [make_method("own")], low)
    assert not again.is_new
    assert run_once(rows, tiny_case, make_method("own")).status == "done"
    tight = replace(ONCE, limits=Limits(60, 1e7))
    assert run_once(rows, tiny_case, make_method("both"), tight).status == "over_memory"
    assert run_once(rows, tiny_case, make_method("both")).status == "done"


@pytest.mark.parametrize(
    ("seconds", "count"), [(1.0, 20), (29.0, 20), (30.0, 5), (299.0, 5), (301.0, 3)]
)
def test_auto_takes_fewer_seeds_of_slow_methods(make_row, seconds, count):
    run = make_row("a", 1.0, measured={"process_seconds": seconds})
    assert _seeds_after(run, Protocol()) == count
    assert _seeds_after(run, Protocol(seeds=7)) == 7


TINY = """
import sys
from pathlib import Path
from trsmi_benchmark.catalogue import METHODS
from trsmi_benchmark.data.cases import Case
from trsmi_benchmark.rows import RowsFile
from trsmi_benchmark.runs import Protocol, iter_runs
case = Case("tiny", "Tiny", "simulations", "Tiny", setting="published", n_spots=80)
methods = [METHODS[name] for name in ("permuted", "means_0")]
for progress in iter_runs(RowsFile(Path(sys.argv[1])), [case], methods, Protocol(seeds=2)):
    print(progress.done, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_killed_half_way_and_resumed_it_gives_the_same_table(tmp_path, tiny_case):
    def table(path):
        return {row.key: (row.status, row.scores, row.domains) for row in read_rows([path])}

    whole, resumed = tmp_path / "whole.jsonl", tmp_path / "resumed.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", TINY, str(resumed)], stdout=subprocess.PIPE, text=True
    ) as running:
        for line in running.stdout:
            if int(line) == 2:
                break
        running.send_signal(signal.SIGKILL)
    assert 2 <= len(table(resumed)) < 4
    methods = [METHODS["permuted"], METHODS["means_0"]]
    news = []
    for path in (resumed, whole):
        runs = list(iter_runs(RowsFile(path), [tiny_case], methods, Protocol(seeds=2)))
        news.append(sum(progress.is_new for progress in runs))
    assert news[0] < news[1] == 4
    assert table(resumed) == table(whole)


def wait_for_worker(parent: int) -> psutil.Process:
    """Wait until a benchmark has a worker that has read its job, and so watches its parent."""
    deadline = time.perf_counter() + 60
    while time.perf_counter() < deadline:
        for child in psutil.Process(parent).children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it may have ended already
                if "trsmi_benchmark.worker" in str(child.cmdline()) and child.num_threads() > 1:
                    return child
        time.sleep(0.02)
    pytest.fail("there was no worker")


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_worker_ends_with_its_benchmark(tmp_path, rows, make_method):
    """When the benchmark is killed it cannot end its worker, which then ends itself."""
    make_method("sleep")
    code = TINY.replace("methods = [", "methods = [method] + [").replace(
        "case =",
        "from trsmi_benchmark.method import Method\n"
        "method = Method('sleep', 'Sleep', 'rival', 'methods_for_tests:sleep')\ncase =",
    )
    path = str(tmp_path / "killed.jsonl")
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE) as running:
        try:
            worker = wait_for_worker(running.pid)
        finally:
            running.send_signal(signal.SIGKILL)
    gone, _ = psutil.wait_procs([worker], timeout=60)
    assert gone


def test_interrupted_it_leaves_no_process_and_no_half_row(tiny_case, rows, make_method):
    methods = [make_method("own"), make_method("sleep")]
    runs = iter_runs(rows, [tiny_case], methods, ONCE)
    assert next(runs).row.status == "done"

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 2.0)
        with pytest.raises(KeyboardInterrupt):
            next(runs)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    commands = [str(c.cmdline()) for c in psutil.Process(os.getpid()).children(recursive=True)]
    assert not [command for command in commands if "trsmi_benchmark.worker" in command]
    assert [row.method for row in read_rows([rows.path])] == ["own"]


def test_more_columns_of_labels_are_scored_too(rows, make_method, monkeypatch, tmp_path):
    data = simulate("published", n_spots=80, modalities=("rna",), image=False)
    table = data.modalities[0].table
    table.obsm["spatial"] = data.coordinates
    table.obs["domain"] = data.annotations["domain"].astype(str)
    table.obs["side"] = np.where(data.coordinates[:, 0] > data.coordinates[:, 0].mean(), "a", "b")
    table.write_h5ad(tmp_path / "rna.h5ad")
    monkeypatch.setenv("NAPARI_TRSMI_DATA", str(tmp_path))
    files = (("rna", "rna.h5ad"),)
    case = Case("two", "Two", "states", "Two", files, more_labels=("side",))
    row = run_once(rows, case, make_method("own"))
    assert set(row.scores["own"]) == {"domain", "side"}
