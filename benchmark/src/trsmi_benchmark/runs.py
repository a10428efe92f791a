"""Methods x data sets x seeds: what is still to be run, and running it."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from trsmi_benchmark import provenance
from trsmi_benchmark.environments import interpreter, version_in, why_missing
from trsmi_benchmark.exchange import read_output, write_inputs
from trsmi_benchmark.mixture import eee_domains
from trsmi_benchmark.process import Ended, Limits, run_limited
from trsmi_benchmark.rows import Row, packed
from trsmi_benchmark.scoring import chance_p_value, degenerate_domains, scores_against
from trsmi_benchmark.worker import ENDED, JOB, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trsmi_benchmark.data.cases import Case, LoadedCase
    from trsmi_benchmark.method import Method
    from trsmi_benchmark.rows import Clustering, RowsFile

SEEDS_BY_SECONDS = ((30.0, 20), (300.0, 5), (float("inf"), 3))
"""How many seeds a method gets by the seconds of its slowest run, where ``seeds`` is auto."""


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
    """A run that has just ended, or was found among the rows.

    Attributes
    ----------
    row
        What it came to.
    is_new
        Whether it was run now.
    done, total
        How many of how many runs there are behind, as far as is known: the number of seeds can
        depend on how long runs take.
    """

    row: Row
    is_new: bool
    done: int
    total: int


def iter_runs(
    rows: RowsFile, cases: Sequence[Case], methods: Sequence[Method], protocol: Protocol
) -> Iterator[Progress]:
    """Run what is not among the rows yet, and append each run as soon as it has ended.

    Seed 0 of everything comes first, so that whatever is there when it is interrupted can be
    compared.

    Parameters
    ----------
    rows
        Gets the runs; those that it has are not run again.
    cases
        Data sets that are here.
    methods
        What to run on each.
    protocol
        Seeds and limits.

    Yields
    ------
    Every run, also those that were there.
    """
    with tempfile.TemporaryDirectory(prefix="trsmi-benchmark-") as scratch:
        loaded = [_Bench(case.load(), Path(scratch), protocol) for case in cases]
        pairs = [(bench, method) for bench in loaded for method in methods]
        allowed = dict.fromkeys(range(len(pairs)), protocol.most_seeds)
        done = 0
        for seed in range(protocol.most_seeds):
            for place, (bench, method) in enumerate(pairs):
                if seed >= allowed[place]:
                    continue
                row = rows.find(bench.key(method, seed))
                is_new = False
                if row is None or _is_due(row, protocol):
                    found, row = row, bench.run(method, seed)
                    is_new = found is None or row.message != found.message or row.status == "done"
                    if is_new:
                        rows.append(row)
                allowed[place] = min(allowed[place], _seeds_after(row, protocol))
                done += 1
                yield Progress(row, is_new, done, max(done, sum(allowed.values())))


def _is_due(row: Row, protocol: Protocol) -> bool:
    """Whether what was run before is to be run again."""
    limits = protocol.limits
    if row.status == "over_time":
        return limits.seconds > row.measured["time_limit"]
    if row.status == "over_memory":
        return limits.memory > row.measured["memory_limit"]
    # what a method needs can have come to be there, and it costs nothing to see
    return row.status in ("missing", "unfit") or (row.status == "failed" and protocol.retry)


def _seeds_after(row: Row, protocol: Protocol) -> int:
    """How many seeds a method gets on a data set, knowing one of its runs."""
    if row.status in ("over_time", "over_memory", "missing", "unfit"):
        return row.seed + 1  # another seed would end the same
    if row.method == "one_domain":
        return 1
    if protocol.seeds != "auto":
        return protocol.seeds
    seconds = row.measured.get("process_seconds", 0.0)
    return next(count for limit, count in SEEDS_BY_SECONDS if seconds < limit)


class _Bench:
    """A data set with everything that is the same for all methods."""

    def __init__(self, loaded: LoadedCase, scratch: Path, protocol: Protocol) -> None:
        self._loaded = loaded
        self._scratch = scratch
        self._protocol = protocol
        self._inputs_file = scratch / f"{loaded.case.name}.npz"
        self._digest = loaded.digest
        self._n_domains = max(2, loaded.n_domains)
        self._order = np.lexsort(loaded.data.coordinates.T)

    def key(self, method: Method, seed: int) -> tuple[str, str, int, str]:
        """Of a row."""
        return self._loaded.case.name, method.name, seed, self._settings(method)

    def _settings(self, method: Method) -> str:
        return provenance.settings_digest(
            data=self._digest,
            run=method.run,
            parameters=dict(method.parameters),
            version=version_in(method.environment) if method.environment else "",
            code=[
                provenance.code_digest(module)
                for module in (method.run.partition(":")[0], eee_domains.__module__)
            ],
        )

    def run(self, method: Method, seed: int) -> Row:
        """Run a method once."""
        case, name, seed, settings = self.key(method, seed)
        row = Row(
            case=case,
            method=name,
            seed=seed,
            settings=settings,
            started=datetime.now(UTC).isoformat(timespec="milliseconds"),
            status="done",
            description=method.description,
            measured={
                "time_limit": self._protocol.limits.seconds,
                "memory_limit": self._protocol.limits.memory,
            },
            provenance={
                "machine": provenance.machine(),
                "versions": dict(provenance.versions()),
                "threads": self._protocol.threads,
                "data": self._digest,
            },
        )
        if method.group == "degenerate":
            domains = degenerate_domains(name, self._loaded.labels, seed)
            return self._scored(row, {"own": domains})
        unmet = method.needs.unmet(self._loaded.inputs)
        if unmet:
            return replace(row, status="unfit", message=unmet)
        python = interpreter(method.environment)
        if python is None:
            return replace(row, status="missing", message=why_missing(method.environment))
        if method.environment:
            row.provenance["versions"][method.environment] = version_in(method.environment)
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            return self._run_process(row, method, python, Path(folder))

    def _run_process(self, row: Row, method: Method, python: Path, folder: Path) -> Row:
        if not self._inputs_file.exists():
            write_inputs(self._loaded.inputs, self._inputs_file)
        job = {
            "run": method.run,
            "parameters": dict(method.parameters),
            "imports": list(method.imports),
            "inputs": str(self._inputs_file),
            "n_domains": self._n_domains,
            "seed": row.seed,
            "parent": os.getpid(),
        }
        (folder / JOB).write_text(json.dumps(job), encoding="utf-8")
        log = folder / "log.txt"
        limits = self._protocol.limits
        ended = run_limited(
            [str(python), "-m", "trsmi_benchmark.worker", str(folder)],
            limits,
            log=log,
            folder=folder,
            environment=_variables(self._protocol.threads)
            | (_only_us(folder) if method.environment else {}),
        )
        report: dict[str, Any] = {}
        if (folder / ENDED).is_file():
            report = json.loads((folder / ENDED).read_text(encoding="utf-8"))
        row.measured.update(_measured(ended, report))
        if ended.outcome != "ended":
            text = _minutes(limits.seconds)
            if ended.outcome == "over_memory":
                text = f"{limits.memory / 2**30:.3g} GB"
            said = _last_said(log)
            notes = (f"Before that it said: {said}",) if said else ()
            return replace(row, status=ended.outcome, message=f"over {text}", notes=notes)
        if ended.code or "error" in report or not report:
            message = report.get("error") or _why_it_died(ended.code, log)
            return replace(row, status="failed", message=message[:500])
        output = read_output(folder / OUTPUT, tuple(report["notes"]))
        row = replace(row, notes=output.notes)
        found: dict[Clustering, np.ndarray] = {}
        if output.domains is not None:
            found["own"] = output.domains
        if output.embedding is not None:
            started, cpu_started = time.perf_counter(), time.process_time()
            try:
                found["common"] = eee_domains(
                    output.embedding, self._n_domains, self._order, seed=row.seed
                )
            except (ValueError, np.linalg.LinAlgError) as error:
                message = f"its embedding cannot be clustered: {error}"[:500]
                if not found:
                    return replace(row, status="failed", message=message)
                row = replace(row, notes=(*row.notes, message))
            row.measured["cluster_seconds"] = time.perf_counter() - started
            row.measured["cluster_cpu_seconds"] = time.process_time() - cpu_started
        return self._scored(row, found)

    def _scored(self, row: Row, found: dict[Clustering, np.ndarray]) -> Row:
        """Score domains by clustering; a method's own count where it has them."""
        annotations = self._loaded.data.annotations
        case = self._loaded.case
        columns = {name: annotations[name] for name in (case.labels, *case.more_labels)}
        counted = found.get("own", found.get("common"))
        assert counted is not None  # noqa: S101  # for the type checker
        row.measured["n_labels"] = self._n_domains
        row.measured["p_value"] = chance_p_value(self._loaded.labels, counted)
        return replace(
            row,
            scores={name: scores_against(columns, domains) for name, domains in found.items()},
            domains=packed(counted),
        )


def _measured(ended: Ended, report: dict[str, Any]) -> dict[str, float]:
    found = {
        "process_seconds": ended.seconds,
        "process_cpu_seconds": max(ended.cpu_seconds, report.get("process_cpu_seconds", 0.0)),
        "memory": max(ended.memory, report.get("memory", 0)),
    }
    for name in ("seconds", "cpu_seconds"):
        if name in report:
            found[name] = report[name]
    return {name: round(value, 4) for name, value in found.items()}


def _variables(threads: int) -> dict[str, str]:
    """The variables of a method's process: no GPU, no window, no packages of the user's."""
    chosen = {"CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "Agg", "PYTHONNOUSERSITE": "1"}
    chosen["PYTHONUNBUFFERED"] = "1"
    if threads:
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
        chosen |= dict.fromkeys(names, str(threads))
    return {**os.environ, **chosen}


def _only_us(folder: Path) -> dict[str, str]:
    """Lets another environment see this package and nothing else of ours."""
    seen = folder / "seen"
    seen.mkdir()
    (seen / "trsmi_benchmark").symlink_to(Path(__file__).parent, target_is_directory=True)
    return {"PYTHONPATH": str(seen)}


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
