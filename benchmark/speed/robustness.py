"""Curves of what goes wrong with tables: noise, imbalance, lost spots, batches, resolution.

python benchmark/speed/robustness.py [--replicates 5] [--rows FILE.jsonl] [--figure FILE.png]

Simulated sections of RNA and protein, of which neither shows all four domains. One thing is made
worse in five steps, in new counts each time, and every method gets the same tables. Runs that are
among the rows are not run again. SpatialGlue needs `trsmi-benchmark install spatialglue`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score

from napari_trsmi import integrate
from napari_trsmi.data.dataset import Kind, SpatialOmics
from napari_trsmi.data.simulated.simulation import SETTINGS, simulate
from trsmi_benchmark import provenance
from trsmi_benchmark.catalogue import METHODS
from trsmi_benchmark.data.cases import Case, LoadedCase
from trsmi_benchmark.mixture import eee_domains
from trsmi_benchmark.process import Limits
from trsmi_benchmark.rows import RowsFile
from trsmi_benchmark.runs import Protocol, iter_runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from trsmi_benchmark.method import Method

HERE = Path(__file__).parent
ROWS = HERE.parent / "results" / "robustness" / "rows.jsonl"
FIGURE = HERE.parents[1] / "docs" / "images" / "robustness.png"

SHOWN = {
    "trsmi": ("TRSMI", "#0072b2"),
    "spatialglue": ("SpatialGlue", "#d55e00"),
    "mixed_graph": ("mixed graph", "#009e73"),
    "means_1": ("one spatial mean", "#999999"),
    "trsmi_told": ("TRSMI, told of the runs", "#56b4e9"),
}
"""Methods, what the figure calls them, and their colours."""

_PUBLISHED = SETTINGS["published"]
_SEEN = {Kind.RNA: (1, 2, 3), Kind.PROTEIN: (2, 3, 4)}
SETTING = replace(
    _PUBLISHED,
    assays={
        kind: replace(_PUBLISHED.assays[kind], sees=seen, spatial_loading=5.0, nonspatial_share=0.3)
        for kind, seen in _SEEN.items()
    },
)
"""The tissue and counts of the published simulation, with weaker domains, some of which a table
does not show."""

Counts: TypeAlias = "NDArray[np.float32]"


def noise(tables: dict[str, Counts], share: float, rng: np.random.Generator, _xy: Counts) -> None:
    """Deal a share of each feature's counts out among the spots at random."""
    for counts in tables.values():
        for column in counts.T:
            hit = np.flatnonzero(rng.random(len(column)) < share)
            column[hit] = column[rng.permutation(hit)]


def imbalance(
    tables: dict[str, Counts], share: float, rng: np.random.Generator, _xy: Counts
) -> None:
    """Keep a share of the protein's counts, molecule by molecule."""
    tables["protein"][:] = rng.binomial(tables["protein"].astype(np.int64), share)


def batch(tables: dict[str, Counts], spread: float, rng: np.random.Generator, xy: Counts) -> None:
    """Give the features of the right half gains of its own: two runs of one instrument."""
    right = xy[:, 0] > np.median(xy[:, 0])
    for counts in tables.values():
        gains = rng.lognormal(0, spread, counts.shape[1])
        counts[right] = rng.poisson(counts[right] * gains)


def resolution(
    tables: dict[str, Counts], side: float, _rng: np.random.Generator, xy: Counts
) -> None:
    """Measure protein in squares: each spot has what its square has."""
    places = np.unique(xy.round(6), axis=0)
    pitch = np.diff(np.unique(places[:, 0])).min()
    square = np.unique(
        np.floor((xy - xy.min(axis=0)) / (side * pitch) + 1e-6), axis=0, return_inverse=True
    )[1].ravel()
    sums = np.zeros((square.max() + 1, tables["protein"].shape[1]), dtype=np.float32)
    np.add.at(sums, square, tables["protein"])
    sizes = np.bincount(square)
    tables["protein"][:] = np.rint(sums / sizes[:, None])[square]


DISTURBANCES: dict[str, tuple[str, tuple[float, ...], Callable[..., None] | None]] = {
    "noise": ("counts dealt out at random", (0.3, 0.5, 0.7, 0.8, 0.9), noise),
    "imbalance": ("protein counts kept", (0.3, 0.1, 0.03, 0.01, 0.003), imbalance),
    "lost": ("spots lost", (0.2, 0.4, 0.6, 0.7, 0.8), None),
    "batch": ("spread of the second run's gains (log)", (0.25, 0.5, 0.75, 1.0, 1.5), batch),
    "resolution": ("side of protein's squares, in spots", (2, 3, 4, 6, 9), resolution),
}
"""What is made worse: what its levels are, the levels, and what does it to the tables."""

UNDISTURBED = "none"
TOLD = "trsmi_told"
"""The two runs of "batch" as two sections, run together."""


@dataclass(frozen=True)
class Disturbed(Case):
    """A simulated section with one thing wrong."""

    disturbance: str = UNDISTURBED
    level: float = 0.0
    replicate: int = 0

    @classmethod
    def of(cls, disturbance: str, level: float, replicate: int) -> Disturbed:
        """The section of a name that says all."""
        name = f"{disturbance}={level:g}#{replicate}"
        return cls(
            name,
            name,
            "simulations",
            disturbance,
            (),
            "domain",
            disturbance=disturbance,
            level=level,
            replicate=replicate,
        )

    def load(self) -> LoadedCase:
        """Simulate it."""
        lost = self.level if self.disturbance == "lost" else 0.0
        setting = replace(SETTING, kept=1 - lost)
        data = simulate(
            setting,
            n_spots=round(SETTING.n_spots * (1 - lost)),
            modalities=("rna", "protein"),
            seed=self.replicate,
            image=False,
        )
        disturb = DISTURBANCES[self.disturbance][2] if self.disturbance in DISTURBANCES else None
        return LoadedCase(self, data if disturb is None else self._disturbed(data, disturb))

    def _disturbed(self, data: SpatialOmics, disturb: Callable[..., None]) -> SpatialOmics:
        tables = {m.name: m.table.X.toarray() for m in data.modalities}
        rng = np.random.default_rng([self.replicate, *self.disturbance.encode()])
        disturb(tables, self.level, rng, data.coordinates)
        for modality in data.modalities:
            modality.table.X = sp.csr_matrix(tables[modality.name])
        return replace(data, digests={})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=5)
    parser.add_argument("--methods", nargs="+", choices=list(SHOWN), default=list(SHOWN))
    parser.add_argument("--steps", type=int, nargs="+", default=[0, 1, 2, 3, 4, 5])
    parser.add_argument("--rows", type=Path, default=ROWS)
    parser.add_argument("--figure", type=Path, default=FIGURE)
    given = parser.parse_args()
    given.rows.parent.mkdir(parents=True, exist_ok=True)
    known = {key(row) for row in read(given.rows)}
    for replicate in range(given.replicates):
        for disturbance, level in sorted_by(given.steps):
            case = Disturbed.of(disturbance, level, replicate)
            missing = [m for m in given.methods if (case.name, m) not in known]
            if disturbance != "batch":
                missing = [m for m in missing if m != TOLD]
            if not missing:
                continue
            loaded = case.load()
            for method in missing:
                row = run(case, loaded, method)
                with given.rows.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
                print(case.name, method, row["ari"], row["message"], flush=True)
    draw(read(given.rows), given.figure)


def sorted_by(steps: list[int]) -> list[tuple[str, float]]:
    """Disturbances with their levels, all of one step before the next; step 0 is none at all."""
    found = []
    for step in steps:
        if step == 0:
            found.append((UNDISTURBED, 0.0))
        else:
            found += [(name, levels[step - 1]) for name, (_, levels, _) in DISTURBANCES.items()]
    return found


def run(case: Disturbed, loaded: LoadedCase, name: str) -> dict[str, Any]:
    """A method on a section: here if it can be, else in its environment."""
    row: dict[str, Any] = {
        "disturbance": case.disturbance,
        "level": case.level,
        "replicate": case.replicate,
        "method": name,
        "ari": None,
        "message": "",
        "versions": dict(provenance.versions()),
        "processor": provenance.machine()["processor"],
    }
    started = time.process_time()
    if name == TOLD:
        ari = round(100 * adjusted_rand_score(*told(loaded.data, loaded.n_domains)), 2)
        return row | {"ari": ari, "cpu_seconds": round(time.process_time() - started, 2)}
    method = METHODS[name]
    if method.environment:
        return row | in_environment(case, method)
    module, _, function = method.run.partition(":")
    inputs = replace(loaded.inputs, n_domains=loaded.n_domains)
    output = getattr(importlib.import_module(module), function)(inputs, **method.parameters)
    domains = output.domains
    if domains is None:
        order = np.lexsort(loaded.data.coordinates.T)
        domains = eee_domains(output.embedding, loaded.n_domains, order, seed=0)
    seconds = round(time.process_time() - started, 2)
    ari = round(100 * adjusted_rand_score(loaded.labels, domains), 2)
    return row | {"ari": ari, "cpu_seconds": seconds}


def told(data: SpatialOmics, n_domains: int) -> tuple[list[str], list[str]]:
    """Labels and domains where the halves are two sections, each with its own spatial graph."""
    right = data.coordinates[:, 0] > np.median(data.coordinates[:, 0])
    halves = {
        name: {m.name: m.table[rows].copy() for m in data.modalities}
        for name, rows in (("left", ~right), ("right", right))
    }
    result = integrate(halves, n_domains=n_domains, all_scales=False, device="cpu")
    return list(result.annotations["domain"].astype(str)), list(result.domains.astype(str))


def in_environment(case: Disturbed, method: Method) -> dict[str, Any]:
    """As the benchmark runs a rival."""
    with tempfile.TemporaryDirectory() as folder:
        rows = RowsFile(Path(folder) / "rows.jsonl")
        protocol = Protocol(seeds=1, limits=Limits(3600, 8 * 2**30), threads=1)
        (progress,) = iter_runs(rows, [case], [method], protocol)
    row = progress.row
    scores = row.scores.get(row.counted, {}) if row.scores else {}
    ari = scores.get("domain", {}).get("ARI")
    return {
        "ari": None if ari is None else round(ari, 2),
        "message": row.message,
        "versions": row.provenance["versions"],
        "cpu_seconds": round(row.measured.get("cpu_seconds", 0.0), 2),
    }


def read(path: Path) -> list[dict[str, Any]]:
    """Rows that are there."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def key(row: dict[str, Any]) -> tuple[str, str]:
    """What is run once."""
    return f"{row['disturbance']}={row['level']:g}#{row['replicate']}", row["method"]


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """A panel for each disturbance, a line for each method: mean and range of the replicates."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    found: dict[tuple[str, float, str], list[float]] = {}
    for row in rows:
        if row["ari"] is not None:
            place = (row["disturbance"], row["level"], row["method"])
            found.setdefault(place, []).append(row["ari"])
    figure, panels = plt.subplots(1, 5, figsize=(15, 3.6), sharey=True, layout="constrained")
    for panel, (name, (label, levels, _)) in zip(panels, DISTURBANCES.items(), strict=True):
        steps = [(UNDISTURBED, 0.0), *((name, level) for level in levels)]
        for method, (title, color) in SHOWN.items():
            known = [
                (n, found[(*step, method)])
                for n, step in enumerate(steps)
                if (*step, method) in found
            ]
            if not known:
                panel.plot([], [], "o-", color=color, label=title, ms=4)  # for the legend
                continue
            places = [place for place, _ in known]
            panel.plot(places, [np.mean(v) for _, v in known], "o-", color=color, label=title, ms=4)
            low, high = [min(v) for _, v in known], [max(v) for _, v in known]
            panel.fill_between(places, low, high, color=color, alpha=0.15, linewidth=0)
        panel.set_xticks(np.arange(len(steps)), ["none", *(f"{level:g}" for level in levels)])
        panel.set_xlabel(label)
        panel.set_ylim(-3, 103)
        panel.grid(axis="y", alpha=0.3)
    panels[0].set_ylabel("ARI × 100")
    panels[0].legend(frameon=False, fontsize=8, loc="lower left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
