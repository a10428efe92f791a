"""Methods x data sets x seeds: what is still to be run, and running it."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_trsmi.config import Config
from napari_trsmi.errors import TRSMIError
from napari_trsmi.evaluation.benchmark import provenance
from napari_trsmi.evaluation.benchmark.environments import interpreter, version_in, why_missing
from napari_trsmi.evaluation.benchmark.exchange import read_output, write_inputs
from napari_trsmi.evaluation.benchmark.process import Ended, Limits, run_limited
from napari_trsmi.evaluation.benchmark.scoring import (
    chance_p_value,
    cluster,
    degenerate_domains,
    scores_against,
)
from napari_trsmi.evaluation.benchmark.store import DataSet, Run
from napari_trsmi.evaluation.benchmark.worker import ENDED, JOB, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_trsmi.evaluation.benchmark.cases import Case, LoadedCase
    from napari_trsmi.evaluation.benchmark.method import Method
    from napari_trsmi.evaluation.benchmark.store import Store

SEEDS_BY_SECONDS = ((30.0, 20), (300.0, 5), (float("inf"), 3))
"""How many seeds a method gets by the seconds of its slowest run, where ``seeds`` is auto."""

_COMMON = ("clustering", "cluster_components", "normalize_rows")
"""The parameters of the final clustering, which is the same for all methods."""

_LONG = 30.0
"""Seconds from which it is worth keeping what a method made, for the day when it is scored anew."""


@dataclass(frozen=True)
class Protocol:
    """How to run.

    Attributes
    ----------
    seeds
        How many; ``"auto"`` takes as many as `SEEDS_BY_SECONDS` allows.
    limits
        What each run may take.
    threads
        CPU threads of a run; 0 leaves it to each method's libraries.
    retry
        Whether to run again what failed before.
    """

    seeds: int | Literal["auto"] = "auto"
    limits: Limits = field(default_factory=lambda: Limits(20 * 60, 8 * 2**30))
    threads: int = 0
    retry: bool = False

    @property
    def most_seeds(self) -> int:
        """The most that any method can get."""
        return SEEDS_BY_SECONDS[0][1] if self.seeds == "auto" else self.seeds


@dataclass(frozen=True)
class Progress:
    """A run that has just ended, or was found in the store.

    Attributes
    ----------
    run
        What it came to.
    is_new
        Whether it was run now.
    done, total
        How many of how many runs there are behind, as far as is known: the number of seeds can
        depend on how long runs take.
    """

    run: Run
    is_new: bool
    done: int
    total: int


def iter_runs(
    store: Store, cases: Sequence[Case], methods: Sequence[Method], protocol: Protocol
) -> Iterator[Progress]:
    """Run what is not in the store yet, and keep each run as soon as it has ended.

    Where only the clustering or the metrics have changed since a run, what it made is scored anew
    if it was kept; its times stay what they were.

    Seed 0 of everything comes first, so that whatever is there when it is interrupted can be
    compared.

    Parameters
    ----------
    store
        Gets the runs; those that it has are not run again.
    cases
        Data sets that are here.
    methods
        What to run on each.
    protocol
        Seeds and limits.

    Yields
    ------
    Every run, also those that were in the store.
    """
    with tempfile.TemporaryDirectory(prefix="napari-trsmi-benchmark-") as scratch:
        loaded = [_Bench(case.load(), Path(scratch), protocol) for case in cases]
        for bench in loaded:
            store.add_data_set(bench.described)
        pairs = [(bench, method) for bench in loaded for method in methods]
        allowed = dict.fromkeys(range(len(pairs)), protocol.most_seeds)
        done = 0
        for seed in range(protocol.most_seeds):
            for place, (bench, method) in enumerate(pairs):
                if seed >= allowed[place]:
                    continue
                found = store.find(bench.key(method, seed))
                run = None
                if found is not None and not _is_due(found, protocol):
                    run = bench.up_to_date(found)
                run = run or bench.run(method, seed)
                is_new = run is not found
                if is_new:
                    store.add(run)
                allowed[place] = min(allowed[place], _seeds_after(run, protocol))
                done += 1
                yield Progress(run, is_new, done, max(done, sum(allowed.values())))


def _is_due(run: Run, protocol: Protocol) -> bool:
    """Whether a stored run is to be run again."""
    limits = protocol.limits
    if run.status == "over_time":
        return limits.seconds > run.measured["time_limit"]
    if run.status == "over_memory":
        return limits.memory > run.measured["memory_limit"]
    # what a method needs can have come to be there, and it costs nothing to see
    return run.status in ("missing", "unfit") or (run.status == "failed" and protocol.retry)


def _seeds_after(run: Run, protocol: Protocol) -> int:
    """How many seeds a method gets on a data set, knowing one of its runs."""
    if run.status in ("over_time", "over_memory", "missing", "unfit"):
        return run.seed + 1  # another seed would end the same
    if run.method == "one_domain":
        return 1
    if protocol.seeds != "auto":
        return protocol.seeds
    seconds = run.measured.get("process_seconds", 0.0)
    return next(count for limit, count in SEEDS_BY_SECONDS if seconds < limit)


class _Bench:
    """A data set with everything that is the same for all methods."""

    def __init__(self, loaded: LoadedCase, scratch: Path, protocol: Protocol) -> None:
        self._loaded = loaded
        self._scratch = scratch
        self._protocol = protocol
        self._inputs_file = scratch / f"{loaded.case.name}.npz"
        self._order = lru_cache(maxsize=1)(loaded.order)  # all methods of a seed share it
        self._digest = loaded.digest
        self._config = Config(n_domains=max(2, loaded.n_domains), device="cpu")

    @property
    def described(self) -> DataSet:
        """What the report needs of it."""
        case, data = self._loaded.case, self._loaded.data
        labels = self._loaded.labels.astype("category")
        return DataSet(
            name=case.name,
            digest=self._digest,
            about={
                "title": case.title,
                "note": case.note,
                "n_spots": data.n_spots,
                "n_domains": self._loaded.n_domains,
                "modalities": list(data.names),
                "labels": case.labels,
                "more_labels": list(case.more_labels),
                "categories": [str(name) for name in labels.cat.categories],
                "between_labels": scores_between(self._loaded),
            },
            coordinates=data.coordinates,
            labels=np.asarray(labels.cat.codes, dtype=np.int64),
        )

    def key(self, method: Method, seed: int) -> tuple[str, str, int, str]:
        """Of the store."""
        return self._loaded.case.name, method.name, seed, self._settings(method)

    def _settings(self, method: Method) -> str:
        return provenance.settings_digest(
            data=self._digest,
            n_domains=self._config.n_domains,
            run=method.run,
            parameters=dict(method.parameters),
            version=version_in(method.environment) if method.environment else "",
            threads=self._protocol.threads,
            code=provenance.code_digest(
                provenance.FEATURES_CODE, provenance.module_file(method.run)
            ),
        )

    @cached_property
    def _scoring(self) -> str:
        return provenance.settings_digest(
            clustering={name: getattr(self._config, name) for name in _COMMON},
            code=provenance.code_digest(provenance.SCORING_CODE),
        )

    def up_to_date(self, run: Run) -> Run | None:
        """A run scored by the present code; none where what it made was not kept."""
        if not run.scoring or run.scoring == self._scoring:
            return run
        if run.embedding is None and (run.domains is not None or run.own_domains is None):
            return None
        return self._scored(run, run.embedding, run.own_domains)

    def run(self, method: Method, seed: int) -> Run:
        """Run a method once."""
        data, name, seed, settings = self.key(method, seed)
        run = Run(
            data=data,
            method=name,
            seed=seed,
            settings=settings,
            scoring="",
            started=datetime.now(UTC).isoformat(timespec="milliseconds"),
            status="done",
            description=method.description,
            measured={
                "time_limit": self._protocol.limits.seconds,
                "memory_limit": self._protocol.limits.memory,
            },
            provenance={
                "machine": provenance.machine(),
                "versions": provenance.versions(),
                "threads": self._protocol.threads,
            },
        )
        if method.group == "degenerate":
            domains = degenerate_domains(name, self._loaded.labels, seed)
            return self._against_labels(run, domains, None)
        unmet = method.needs.unmet(self._loaded.inputs)
        if unmet:
            return replace(run, status="unfit", message=unmet)
        python = interpreter(method.environment)
        if python is None:
            return replace(run, status="missing", message=why_missing(method.environment))
        if method.environment:
            run.provenance["versions"] = {
                **run.provenance["versions"],
                method.environment: version_in(method.environment),
            }
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            return self._run_process(run, method, python, Path(folder))

    def _run_process(self, run: Run, method: Method, python: Path, folder: Path) -> Run:
        if not self._inputs_file.exists():
            write_inputs(self._loaded.inputs, self._inputs_file)
        job = {
            "run": method.run,
            "parameters": dict(method.parameters),
            "imports": list(method.imports),
            "inputs": str(self._inputs_file),
            "n_domains": self._config.n_domains,
            "seed": run.seed,
            "parent": os.getpid(),
        }
        (folder / JOB).write_text(json.dumps(job), encoding="utf-8")
        log = folder / "log.txt"
        limits = self._protocol.limits
        ended = run_limited(
            [str(python), "-m", "napari_trsmi.evaluation.benchmark.worker", str(folder)],
            limits,
            log=log,
            folder=folder,
            environment=_environment(self._protocol.threads),
        )
        report: dict[str, Any] = {}
        if (folder / ENDED).is_file():
            report = json.loads((folder / ENDED).read_text(encoding="utf-8"))
        run.measured.update(_measured(ended, report))
        if ended.outcome != "ended":
            time, memory = _minutes(limits.seconds), f"{limits.memory / 2**30:.3g} GB"
            text = f"over {time if ended.outcome == 'over_time' else memory}"
            said = _last_said(log)
            notes = (f"Before that it said: {said}",) if said else ()
            return replace(run, status=ended.outcome, message=text, notes=notes)
        if ended.code or "error" in report or not report:
            message = report.get("error") or _why_it_died(ended.code, log)
            return replace(run, status="failed", message=message[:500])
        output = read_output(folder / OUTPUT, tuple(report["notes"]))
        return self._scored(replace(run, notes=output.notes), output.embedding, output.domains)

    def _scored(
        self, run: Run, embedding: np.ndarray | None, own_domains: np.ndarray | None
    ) -> Run:
        """Cluster what a method made, and score it."""
        if embedding is None:
            return self._against_labels(run, None, own_domains)
        if run.seed == 0 or run.measured["process_seconds"] >= _LONG:
            run = replace(run, embedding=embedding)
        try:
            config = self._config.replace(seed=run.seed)
            found = cluster(embedding, config, self._order(run.seed))
        except (TRSMIError, ValueError, np.linalg.LinAlgError) as error:
            message = f"its embedding cannot be clustered: {error}"[:500]
            return replace(run, scoring=self._scoring, status="failed", message=message)
        run.measured["cluster_seconds"] = found.seconds
        run.measured["cluster_cpu_seconds"] = found.cpu_seconds
        return self._against_labels(run, found.domains, own_domains)

    def _against_labels(
        self, run: Run, domains: np.ndarray | None, own_domains: np.ndarray | None
    ) -> Run:
        annotations = self._loaded.data.annotations
        case = self._loaded.case
        columns = {name: annotations[name] for name in (case.labels, *case.more_labels)}
        main = own_domains if domains is None else domains
        if main is not None:
            run.measured["p_value"] = chance_p_value(self._loaded.labels, main)
        return replace(
            run,
            scoring=self._scoring,
            status="done",
            message="",
            scores={} if domains is None else scores_against(columns, domains),
            own_scores={} if own_domains is None else scores_against(columns, own_domains),
            domains=None if domains is None else domains.astype(np.int16),
            own_domains=None if own_domains is None else own_domains.astype(np.int16),
        )


def scores_between(loaded: LoadedCase) -> dict[str, dict[str, float]]:
    """How well a data set's own columns of labels agree with the one that is scored against."""
    annotations = loaded.data.annotations
    codes = {
        name: np.asarray(annotations[name].astype("category").cat.codes, dtype=np.int64)
        for name in loaded.case.more_labels
    }
    labels = {loaded.case.labels: loaded.labels}
    return {
        name: scores_against(labels, other)[loaded.case.labels] for name, other in codes.items()
    }


def _measured(ended: Ended, report: dict[str, Any]) -> dict[str, float]:
    found = {
        "process_seconds": ended.seconds,
        "process_cpu_seconds": max(ended.cpu_seconds, report.get("process_cpu_seconds", 0.0)),
        "memory": max(ended.memory, report.get("memory", 0)),
    }
    for name in ("seconds", "cpu_seconds"):
        if name in report:
            found[name] = report[name]
    return found


def _environment(threads: int) -> dict[str, str]:
    """The variables of a method's process: no GPU, no window, no packages of the user's."""
    chosen = {"CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "Agg", "PYTHONNOUSERSITE": "1"}
    chosen["PYTHONUNBUFFERED"] = "1"
    if threads:
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
        chosen |= dict.fromkeys(names, str(threads))
    return {**os.environ, **chosen}


def _why_it_died(code: int, log: Path) -> str:
    """What to say of a process that left no report."""
    if code == -getattr(signal, "SIGKILL", 9):
        return "killed by the system, most likely for memory"
    if code < 0:
        return f"ended by signal {-code} ({signal.Signals(-code).name})"
    return f"ended with code {code}: {_last_said(log) or 'it said nothing'}"


def _last_said(log: Path) -> str:
    """The last line of a log; of a progress bar, its last state."""
    lines = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").splitlines()
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.3g} min" if seconds >= 60 else f"{seconds:.3g} s"
