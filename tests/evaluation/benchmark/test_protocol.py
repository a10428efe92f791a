"""Runs in real processes: good ones, and each way to go wrong."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice

import numpy as np
import psutil
import pytest

from napari_trsmi.analysis.metrics import score
from napari_trsmi.evaluation.benchmark import protocol as protocols
from napari_trsmi.evaluation.benchmark import provenance
from napari_trsmi.evaluation.benchmark.cases import Case
from napari_trsmi.evaluation.benchmark.catalogue import METHODS
from napari_trsmi.evaluation.benchmark.method import Needs
from napari_trsmi.evaluation.benchmark.process import Limits
from napari_trsmi.evaluation.benchmark.protocol import Protocol, _seeds_after, iter_runs
from napari_trsmi.evaluation.benchmark.store import Store

LIMITS = Limits(60, 4 * 2**30)
ONCE = Protocol(seeds=1, limits=LIMITS)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "results.sqlite") as store:
        yield store


def run_once(store, case, method, protocol=ONCE):
    (progress,) = iter_runs(store, [case], [method], protocol)
    return progress.run


def test_a_good_run(store, tiny_case, make_method):
    run = run_once(store, tiny_case, make_method("good", parameters={"shift": 1.0}))
    data = tiny_case.load()
    assert (run.status, run.message, run.notes) == ("done", "", ("It went well.",))
    assert run.scores["domain"] == score(data.labels.to_numpy(), run.domains).as_dict()
    assert run.own_scores == {}
    assert run.embedding.shape[0] == 80
    measured = run.measured
    assert 0 < measured["seconds"] < measured["process_seconds"]
    assert 0 <= measured["cpu_seconds"] <= measured["process_cpu_seconds"]
    assert measured["cluster_seconds"] > 0
    assert measured["memory"] > 5e7
    assert 0 < measured["p_value"] <= 1
    assert run.provenance["versions"]["numpy"] == np.__version__
    assert store.data_sets()["tiny"].about["n_spots"] == 80


def test_a_method_is_given_no_labels(store, tiny_case, make_method):
    run = run_once(store, tiny_case, make_method("what_it_sees"))
    assert run.notes == (
        *("blocks", "coordinates", "n_domains", "seed"),
        *("counts", "features", "kind", "name"),
    )


def test_own_domains_stand_beside_or_alone(store, tiny_case, make_method):
    run = run_once(store, tiny_case, make_method("both"))
    assert set(run.scores) == set(run.own_scores) == {"domain"}
    assert run.own_domains.max() == 5
    alone = run_once(store, tiny_case, make_method("own"))
    assert alone.scores == {}
    assert alone.domains is None
    assert alone.own_scores["domain"]["ARI"] < 20
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
def test_a_crash_is_a_result(store, tiny_case, make_method, name, message):
    run = run_once(store, tiny_case, make_method(name))
    assert run.status == "failed"
    assert run.message.startswith(message)
    assert run.scores == {}
    assert run.measured["process_seconds"] > 0


@pytest.mark.parametrize("name", ["sleep", "sleep_in_a_child"])
def test_over_time_is_a_result(store, tiny_case, make_method, name):
    protocol = Protocol(seeds=3, limits=Limits(3.0, LIMITS.memory))
    runs = list(iter_runs(store, [tiny_case], [make_method(name)], protocol))
    assert [p.run.status for p in runs] == ["over_time"]  # further seeds would end the same
    assert runs[0].run.message == "over 3 s"
    said = ("Before that it said: 20 %",) if name == "sleep" else ()
    assert runs[0].run.notes == said
    assert runs[0].total == 1


def test_over_memory_is_a_result(store, tiny_case, make_method):
    protocol = replace(ONCE, limits=Limits(60, 0.5 * 2**30))
    run = run_once(store, tiny_case, make_method("hoard"), protocol)
    assert (run.status, run.message) == ("over_memory", "over 0.5 GB")
    assert run.measured["memory"] > 0.5 * 2**30


def test_what_cannot_be_run_says_why(store, tiny_case, make_method, monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_TRSMI_ENVS", str(tmp_path / "environments"))
    run = run_once(store, tiny_case, make_method("good", needs=Needs(modalities=(2, 2))))
    assert (run.status, run.message) == ("unfit", "takes two modalities")
    run = run_once(store, tiny_case, make_method("good", environment="smopca"))
    assert run.status == "missing"
    assert "--install smopca" in run.message


def test_the_degenerate_ones_need_no_process(store, tiny_case):
    run = run_once(store, tiny_case, METHODS["one_domain"])
    assert run.scores["domain"]["Completeness"] == 100
    assert run.measured["p_value"] == 1
    permuted = run_once(store, tiny_case, METHODS["permuted"])
    assert abs(permuted.scores["domain"]["ARI"]) < 15
    assert "process_seconds" not in permuted.measured


def test_what_is_there_is_not_run_again(store, tiny_case, make_method):
    methods = [make_method("own"), make_method("crash")]
    two = Protocol(seeds=2, limits=LIMITS)
    first = list(iter_runs(store, [tiny_case], methods, two))
    assert [(p.run.method, p.run.seed) for p in first] == [
        *(("own", 0), ("crash", 0)),
        *(("own", 1), ("crash", 1)),
    ]
    assert all(p.is_new for p in first)
    second = list(iter_runs(store, [tiny_case], methods, two))
    assert not any(p.is_new for p in second)
    assert [p.run.key for p in second] == [p.run.key for p in first]
    retried = iter_runs(store, [tiny_case], methods, replace(two, retry=True))
    assert [p.is_new for p in retried] == [False, True, False, True]


def test_other_settings_are_run(store, tiny_case, make_method):
    method = make_method("own")
    keys = {
        run_once(store, case, chosen).settings
        for case, chosen in (
            (tiny_case, method),
            (tiny_case, replace(method, parameters={"x": 1})),
            (replace(tiny_case, n_spots=81), method),
        )
    }
    assert len(keys) == 3


@pytest.fixture
def other_scoring(monkeypatch):
    """Lets the clustering seem to have changed."""

    def change():
        monkeypatch.setattr(provenance, "SCORING_CODE", "clustering/leiden.py")

    return change


def test_other_scoring_is_no_reason_to_run_what_was_kept(
    store, tiny_case, make_method, other_scoring
):
    methods = [make_method("both"), make_method("own"), make_method("crash")]
    first = [p.run for p in iter_runs(store, [tiny_case], methods, ONCE)]
    other_scoring()
    second = list(iter_runs(store, [tiny_case], methods, ONCE))
    assert [p.is_new for p in second] == [True, True, False]
    for before, progress in zip(first, second, strict=True):
        after = progress.run
        assert after.started == before.started  # the method did not run
        assert after.measured["process_seconds"] == before.measured["process_seconds"]
        assert (after.scores, after.own_scores) == (before.scores, before.own_scores)
        assert (after.scoring != before.scoring) == progress.is_new
    third = list(iter_runs(store, [tiny_case], methods, ONCE))
    assert not any(p.is_new for p in third)


@pytest.mark.parametrize(("long", "ran_again"), [(0.0, False), (600.0, True)])
def test_what_took_long_to_make_is_kept_at_every_seed(
    store, tiny_case, make_method, other_scoring, monkeypatch, long, ran_again
):
    monkeypatch.setattr(protocols, "_LONG", long)
    two = Protocol(seeds=2, limits=LIMITS)
    first = list(iter_runs(store, [tiny_case], [make_method("good")], two))
    assert [p.run.embedding is None for p in first] == [False, ran_again]
    other_scoring()
    second = list(iter_runs(store, [tiny_case], [make_method("good")], two))
    assert all(p.is_new for p in second)
    assert second[0].run.started == first[0].run.started
    assert (second[1].run.started != first[1].run.started) == ran_again


def test_what_could_not_be_clustered_is_tried_by_other_code(
    store, tiny_case, make_method, other_scoring
):
    before = run_once(store, tiny_case, make_method("huge"))
    other_scoring()
    after = run_once(store, tiny_case, make_method("huge"))
    assert after.started == before.started
    assert (after.status, after.message) == (before.status, before.message)
    assert after.scoring != before.scoring


def test_higher_limits_run_again(store, tiny_case, make_method):
    low = replace(ONCE, limits=Limits(0.01, LIMITS.memory))
    assert run_once(store, tiny_case, make_method("own"), low).status == "over_time"
    (again,) = iter_runs(store, [tiny_case], [make_method("own")], low)
    assert not again.is_new
    assert run_once(store, tiny_case, make_method("own")).status == "done"
    tight = replace(ONCE, limits=Limits(60, 1e7))
    assert run_once(store, tiny_case, make_method("both"), tight).status == "over_memory"
    assert run_once(store, tiny_case, make_method("both")).status == "done"


@pytest.mark.parametrize(
    ("seconds", "count"), [(1.0, 20), (29.0, 20), (30.0, 5), (299.0, 5), (301.0, 3)]
)
def test_auto_takes_fewer_seeds_of_slow_methods(make_run, seconds, count):
    run = make_run("a", 1.0, measured={"process_seconds": seconds})
    assert _seeds_after(run, Protocol()) == count
    assert _seeds_after(run, Protocol(seeds=7)) == 7


TINY = """
import sys
from pathlib import Path
from napari_trsmi.evaluation.benchmark import protocol as protocols
from napari_trsmi.evaluation.benchmark import provenance
from napari_trsmi.evaluation.benchmark.cases import Case
from napari_trsmi.evaluation.benchmark.catalogue import METHODS
from napari_trsmi.evaluation.benchmark.protocol import Protocol, iter_runs
from napari_trsmi.evaluation.benchmark.store import Store
case = Case("tiny", "Tiny", setting="published", n_spots=80)
methods = [METHODS[name] for name in ("permuted", "concatenated")]
with Store(Path(sys.argv[1])) as store:
    for progress in iter_runs(store, [case], methods, Protocol(seeds=2)):
        print(progress.done, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_killed_half_way_and_resumed_it_gives_the_same_table(tmp_path, tiny_case):
    def table(path):
        with Store(path, create=False) as store:
            return {run.key: (run.status, run.scores, run.own_scores) for run in store.runs()}

    whole, resumed = tmp_path / "whole.sqlite", tmp_path / "resumed.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", TINY, str(resumed)], stdout=subprocess.PIPE, text=True
    ) as running:
        for line in running.stdout:
            if int(line) == 2:
                break
        running.send_signal(signal.SIGKILL)
    assert 2 <= len(table(resumed)) < 4
    methods = [METHODS["permuted"], METHODS["concatenated"]]
    news = []
    for path in (resumed, whole):
        with Store(path) as store:
            runs = list(iter_runs(store, [tiny_case], methods, Protocol(seeds=2)))
        news.append(sum(progress.is_new for progress in runs))
    assert news[0] < news[1] == 4
    assert table(resumed) == table(whole)


def wait_for_worker(parent: int) -> psutil.Process:
    """Wait until a benchmark has a worker that has read its job, and so watches its parent."""
    deadline = time.perf_counter() + 60
    while time.perf_counter() < deadline:
        for child in psutil.Process(parent).children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it may have ended already
                if "benchmark.worker" in str(child.cmdline()) and child.num_threads() > 1:
                    return child
        time.sleep(0.02)
    pytest.fail("there was no worker")


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_worker_ends_with_its_benchmark(tmp_path, store, make_method):
    """When the benchmark is killed it cannot end its worker, which then ends itself."""
    make_method("sleep")
    code = TINY.replace("methods = [", "methods = [method] + [").replace(
        "case =",
        "from napari_trsmi.evaluation.benchmark.method import Method\n"
        "method = Method('sleep', 'Sleep', 'rival', 'methods_for_tests:sleep')\ncase =",
    )
    path = str(tmp_path / "killed.sqlite")
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE) as running:
        try:
            worker = wait_for_worker(running.pid)
        finally:
            running.send_signal(signal.SIGKILL)
    gone, _ = psutil.wait_procs([worker], timeout=10)
    assert gone


def test_interrupted_it_leaves_no_process_and_no_half_row(tiny_case, store, make_method):
    methods = [make_method("own"), make_method("sleep")]
    runs = iter_runs(store, [tiny_case], methods, ONCE)
    assert next(runs).run.status == "done"

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
    assert not [command for command in commands if "benchmark.worker" in command]
    assert [run.method for run in store.runs()] == ["own"]


def test_more_columns_of_labels_are_scored_too(store, make_method):
    case = Case("two", "Two", setting="published", n_spots=80, more_labels=("domain",))
    runs = list(islice(iter_runs(store, [case], [make_method("own")], ONCE), 1))
    assert set(runs[0].run.own_scores) == {"domain"}
    assert store.data_sets()["two"].about["between_labels"]["domain"]["ARI"] == 100
