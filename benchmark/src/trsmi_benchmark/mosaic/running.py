"""Sections run together by every method: agreement with labels, and how far sections mix.

python -m trsmi_benchmark.mosaic.running [--seeds 5] [--methods NAME ...] [--rows FILE.jsonl]

Labels are used to score and for nothing else. `trsmi-benchmark install harmony spamosaic` makes the
environments of the rivals.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import adjusted_rand_score

from napari_trsmi import integrate
from trsmi_benchmark import provenance
from trsmi_benchmark.environments import interpreter, version_in, why_missing
from trsmi_benchmark.mixture import eee_domains
from trsmi_benchmark.mosaic import naive
from trsmi_benchmark.mosaic.data import CASES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trsmi_benchmark.mosaic.data import SectionsCase

ROWS = Path(__file__).parents[3] / "results" / "sections" / "rows.jsonl"
_FEWEST = 30
"""Spots of a section in a domain that can mix with those of others."""
_PACKAGE = Path(__file__).parents[1]


def trsmi(case: SectionsCase, seed: int) -> Any:
    """All sections together."""
    result = integrate(
        case.paths, n_domains=case.n_domains, seed=seed, all_scales=False, device="cpu"
    )
    domains, embedding = {}, []
    for section in case.tables:
        own = result.of_section(section)
        spots = case.labels(section).index
        places = own.domains.index.get_indexer(spots)
        domains[section] = [str(name) for name in own.domains.iloc[places]]
        embedding.append(own.embedding[places])
    return domains, np.vstack(embedding)


def alone(case: SectionsCase, seed: int) -> dict[str, NDArray[np.str_]]:
    """Each section by itself."""
    found = {}
    for section, paths in case.paths.items():
        result = integrate(
            paths, n_domains=case.n_domains, seed=seed, all_scales=False, device="cpu"
        )
        found[section] = np.array(
            result.domains.loc[case.labels(section).index].astype(str), dtype=str
        )
    return found


def each_alone(case: SectionsCase, seed: int) -> Any:
    """Each section by itself; its domains have nothing to do with those of another."""
    found = alone(case, seed)
    return {s: [f"{s}-{domain}" for domain in own] for s, own in found.items()}, None


def each_matched(case: SectionsCase, seed: int) -> Any:
    """Each section by itself, domains matched by what is measured in them."""
    return naive.matched(case, alone(case, seed)), None


def side_by_side(case: SectionsCase, seed: int) -> Any:
    """Components side by side, as they are."""
    return _clustered(case, naive.concatenated(case, None), seed)


def after_harmony(case: SectionsCase, seed: int) -> Any:
    """Components side by side after Harmony."""

    def corrected(points: NDArray[np.float64], sections: NDArray[np.str_]) -> NDArray[np.float64]:
        return _by_harmonypy("harmony", points, sections, seed)

    return _clustered(case, naive.concatenated(case, corrected), seed)


def spamosaic(case: SectionsCase, seed: int) -> Any:
    """SpaMosaic, its embedding clustered as all others are."""
    with tempfile.TemporaryDirectory(prefix="trsmi-benchmark-") as name:
        folder = Path(name)
        case.write(folder)
        (folder / "job.json").write_text(json.dumps({"seed": seed}), encoding="utf-8")
        _in_environment("spamosaic", folder)
        return _clustered(case, np.load(folder / "found.npy"), seed)


METHODS = {
    "trsmi": trsmi,
    "each_alone": each_alone,
    "each_alone_matched": each_matched,
    "side_by_side": side_by_side,
    "side_by_side_harmony": after_harmony,
    "spamosaic": spamosaic,
}
"""By name in the rows."""

ENVIRONMENTS = {"side_by_side_harmony": "harmony", "spamosaic": "spamosaic"}


def main() -> None:
    """Run what is asked for, and append a row a run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--data", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--rows", type=Path, default=ROWS)
    given = parser.parse_args()
    given.rows.parent.mkdir(parents=True, exist_ok=True)
    for data in given.data:
        for method in given.methods:
            for seed in range(given.seeds):
                row = run(CASES[data], method, seed)
                with given.rows.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
                print(data, method, seed, row["ari"], row["ilisi"], flush=True)


def run(case: SectionsCase, method: str, seed: int) -> dict[str, Any]:
    """One row."""
    started, clock = _cpu_seconds(), time.perf_counter()
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    domains, embedding = METHODS[method](case, seed)
    seconds, cpu_seconds = time.perf_counter() - clock, _cpu_seconds() - started
    truth = {section: list(case.labels(section)) for section in case.tables}
    ari = {
        "all": adjusted_rand_score(
            np.concatenate(list(truth.values())), np.concatenate(list(domains.values()))
        ),
        **{s: adjusted_rand_score(truth[s], domains[s]) for s in case.tables},
    }
    versions = dict(provenance.versions())
    if (environment := ENVIRONMENTS.get(method)) is not None:
        versions[environment] = version_in(environment)
    return {
        "data": case.name,
        "method": method,
        "seed": seed,
        "started": begun,
        "ari": {name: round(100 * value, 2) for name, value in ari.items()},
        "ilisi": None if embedding is None else mixing(case, embedding),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "provenance": {"machine": provenance.machine(), "versions": versions},
    }


def mixing(case: SectionsCase, embedding: NDArray[np.float64]) -> float | None:
    """How far sections mix within a labelled domain: LISI, 0 if not at all, 1 as if dealt out.

    The mean over domains that two sections have, each scaled by what its sections' sizes allow.
    """
    if interpreter("harmony") is None:
        return None
    labels = np.concatenate([case.labels(section) for section in case.tables])
    section_of = case.section_of
    found = []
    for label in np.unique(labels):
        names, sizes = np.unique(section_of[labels == label], return_counts=True)
        known = names[sizes >= _FEWEST]
        if len(known) < 2:
            continue
        rows = np.flatnonzero((labels == label) & np.isin(section_of, known))
        lisi = _by_harmonypy("lisi", embedding[rows], section_of[rows], 0).mean()
        shares = np.unique(section_of[rows], return_counts=True)[1] / len(rows)
        found.append((lisi - 1) / (1 / np.square(shares).sum() - 1))
    return round(float(np.mean(found)), 3)


def _clustered(case: SectionsCase, embedding: NDArray[np.float64], seed: int) -> Any:
    order = np.arange(len(embedding))
    domains = eee_domains(embedding, case.n_domains, order, seed=seed).astype(str)
    ends = np.cumsum(list(case.n_spots.values()))[:-1]
    parts = np.split(domains, ends)
    return {s: list(part) for s, part in zip(case.tables, parts, strict=True)}, embedding


def _by_harmonypy(
    what: str, points: NDArray[np.float64], sections: NDArray[np.str_], seed: int
) -> NDArray[np.float64]:
    with tempfile.TemporaryDirectory(prefix="trsmi-benchmark-") as name:
        folder = Path(name)
        np.save(folder / "points.npy", np.asarray(points, dtype=np.float64))
        job = {"what": what, "sections": list(map(str, sections)), "seed": seed}
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        _in_environment("harmony", folder)
        found: NDArray[np.float64] = np.load(folder / "found.npy")
        return found


def _in_environment(name: str, folder: Path) -> None:
    """Run the module of a rival in its environment, which sees this package and nothing of ours."""
    python = interpreter(name)
    if python is None:
        sys.exit(f"{name}: {why_missing(name)}")
    seen = folder / "seen"
    seen.mkdir()
    (seen / "trsmi_benchmark").symlink_to(_PACKAGE, target_is_directory=True)
    command = [str(python), "-m", f"trsmi_benchmark.mosaic.{name}", str(folder)]
    ended = subprocess.run(  # noqa: S603  # our own interpreter
        command,
        cwd=folder,
        env={"PYTHONPATH": str(seen), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        sys.exit(f"{name} failed:\n{ended.stderr[-2000:]}")


def _cpu_seconds() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


if __name__ == "__main__":
    main()
