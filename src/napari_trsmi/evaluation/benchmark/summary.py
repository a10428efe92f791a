"""From single runs to means, ranks, paired tests and the cells of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import false_discovery_control, ttest_rel, wilcoxon
from sklearn.metrics import adjusted_rand_score

from napari_trsmi.evaluation.benchmark.scoring import AT_CHANCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from napari_trsmi.evaluation.benchmark.store import DataSet, Run

HEADLINE = "trsmi"
OVERALL = "Overall-Avg"
OWN = "†"
"""Marks scores of a method's own domains, where it has no embedding to cluster."""

_RANKED = ("trsmi", "rival", "baseline")
_FEWEST_FOR_WILCOXON = 6
_FEWEST_FOR_T_TEST = 3


@dataclass(frozen=True)
class Cell:
    """All runs of one method on one data set."""

    method: str
    data: str
    runs: tuple[Run, ...]

    @property
    def label(self) -> str:
        """The method's, as its last run had it."""
        return str(self.runs[-1].description["label"])

    @property
    def group(self) -> str:
        """The method's, likewise."""
        return str(self.runs[-1].description["group"])

    @property
    def done(self) -> list[Run]:
        """The runs that were scored."""
        return [run for run in self.runs if run.status == "done"]

    @property
    def only_own(self) -> bool:
        """Whether its scores are those of its own domains."""
        return bool(self.done) and not self.done[0].scores

    def scores(self, metric: str = OVERALL) -> NDArray[np.float64]:
        """One number a seed: of the common clustering, or of its own domains without one."""
        return np.array([main_scores(run)[metric] for run in self.done], dtype=np.float64)

    def own_scores(self, metric: str = OVERALL) -> NDArray[np.float64]:
        """One number a seed, of its own domains; empty if it has none."""
        found = [next(iter(run.own_scores.values())) for run in self.done if run.own_scores]
        return np.array([scores[metric] for scores in found], dtype=np.float64)

    @property
    def mean(self) -> float:
        """Of Overall-Avg; NaN without a run that was scored."""
        scores = self.scores()
        return float(scores.mean()) if len(scores) else float("nan")

    @property
    def has_failed(self) -> bool:
        """Whether it was run and no run came to an end."""
        return not self.done and any(
            run.status in ("failed", "over_time", "over_memory") for run in self.runs
        )

    @property
    def text(self) -> str:
        """Mean ± standard deviation, or why there is none."""
        if not self.done:
            return self.runs[0].message
        text = spread(self.scores()) + (OWN if self.only_own else "")
        others = len(self.runs) - len(self.done)
        return f"{text} ({others} of {len(self.runs)} failed)" if others else text

    @property
    def p_value(self) -> float:
        """The largest over the seeds that the agreement is by chance."""
        return max((run.measured["p_value"] for run in self.done), default=float("nan"))

    @property
    def is_at_chance(self) -> bool:
        """Whether chance does as well in any of its runs."""
        return self.p_value > AT_CHANCE

    def measured(self, name: str) -> NDArray[np.float64]:
        """Something measured, one number a run that was scored."""
        return np.array([run.measured.get(name, np.nan) for run in self.done], dtype=np.float64)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Wall seconds from features to domains, one a run that was scored."""
        return np.array([_to_domains(run, "seconds") for run in self.done], dtype=np.float64)

    @property
    def cpu_seconds(self) -> NDArray[np.float64]:
        """CPU seconds from features to domains, one a run that was scored."""
        return np.array([_to_domains(run, "cpu_seconds") for run in self.done], dtype=np.float64)


def main_scores(run: Run) -> dict[str, float]:
    """The metrics of a run that was scored, against the data set's main labels."""
    return next(iter((run.scores or run.own_scores).values()))


def main_domains(run: Run) -> NDArray[np.int64] | None:
    """The domains that `main_scores` are of."""
    return run.own_domains if run.domains is None else run.domains


def _to_domains(run: Run, what: str) -> float:
    """The method's own domains are within its time; others need the common clustering."""
    to_embedding = run.measured.get(what, 0.0)
    if run.own_scores:
        return to_embedding
    return to_embedding + run.measured.get(f"cluster_{what}", 0.0)


def make_cells(runs: Iterable[Run]) -> dict[tuple[str, str], Cell]:
    """Gather runs by (method, data set), seeds in order."""
    gathered: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        gathered.setdefault((run.method, run.data), []).append(run)
    return {
        (method, data): Cell(method, data, tuple(sorted(found, key=lambda run: run.seed)))
        for (method, data), found in gathered.items()
    }


def spread(values: NDArray[np.float64], digits: int = 2) -> str:
    """Mean ± standard deviation as text."""
    mean = f"{values.mean():.{digits}f}"
    return f"{mean} ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else mean


@dataclass(frozen=True)
class Rank:
    """How a method does among all.

    Attributes
    ----------
    mean
        Over the data sets that it could be run on.
    data_sets
        How many these are.
    """

    mean: float
    data_sets: int


@dataclass(frozen=True)
class Standing:
    """Where TRSMI stands on one data set.

    Attributes
    ----------
    data
        The data set.
    rank
        TRSMI's, by mean Overall-Avg.
    n_methods
        Among how many, itself counted.
    ahead
        By how much each method ahead of it is so, by its label, the best first.
    """

    data: str
    rank: float
    n_methods: int
    ahead: dict[str, float]


def standings(cells: dict[tuple[str, str], Cell]) -> list[Standing]:
    """Where TRSMI stands on each data set, among the methods that it is ranked with."""
    found = []
    for (method, data), ours in cells.items():
        if method != HEADLINE or not ours.done:
            continue
        others = _ranked_with(ours, cells)
        better = sorted((o for o in others if o.mean > ours.mean), key=lambda other: -other.mean)
        ahead = {other.label: other.mean - ours.mean for other in better}
        found.append(Standing(data, _rank(ours, others), len(others) + 1, ahead))
    return found


def ranks(cells: dict[tuple[str, str], Cell]) -> dict[str, Rank]:
    """Mean rank of each method by Overall-Avg, 1 for the best.

    TRSMI, rivals and baselines are ranked among each other; a variant of TRSMI gets the rank that
    it would have in its place. Ties share a rank. A method that ended in a crash or at a limit is
    last on that data set; one that cannot be run there is not ranked there.
    """
    found: dict[str, list[float]] = {}
    for (method, _), cell in cells.items():
        if cell.group not in (*_RANKED, "variant") or not (cell.done or cell.has_failed):
            continue
        found.setdefault(method, []).append(_rank(cell, _ranked_with(cell, cells)))
    return {name: Rank(float(np.mean(places)), len(places)) for name, places in found.items()}


def _ranked_with(cell: Cell, cells: dict[tuple[str, str], Cell]) -> list[Cell]:
    return [
        other
        for (name, where), other in cells.items()
        if where == cell.data
        and name != cell.method
        and other.group in _RANKED
        and (other.done or other.has_failed)
        and not (cell.group == "variant" and name == HEADLINE)
    ]


def _rank(cell: Cell, others: list[Cell]) -> float:
    mine = cell.mean if cell.done else -np.inf
    theirs = np.array([other.mean if other.done else -np.inf for other in others])
    return float(1 + (theirs > mine).sum() + 0.5 * (theirs == mine).sum())


@dataclass(frozen=True)
class Comparison:
    """TRSMI against another method on one data set.

    Attributes
    ----------
    difference
        Mean over shared seeds of TRSMI's Overall-Avg minus the other's.
    n
        Shared seeds.
    test
        Which test, in words; says so where there is none.
    p, adjusted
        Two-sided, and after Benjamini and Hochberg over all comparisons; NaN without a test.
    """

    method: str
    label: str
    data: str
    difference: float
    n: int
    test: str
    p: float
    adjusted: float = float("nan")


def comparisons(cells: dict[tuple[str, str], Cell]) -> list[Comparison]:
    """Paired tests over seeds of TRSMI against every rival and baseline."""
    found = []
    for (method, data), cell in cells.items():
        ours = cells.get((HEADLINE, data))
        if ours is None or cell.group not in ("rival", "baseline") or not cell.done:
            continue
        by_seed = {run.seed: main_scores(run)[OVERALL] for run in ours.done}
        pairs = np.array(
            [
                (by_seed[run.seed], main_scores(run)[OVERALL])
                for run in cell.done
                if run.seed in by_seed
            ]
        )
        if len(pairs):
            difference = pairs[:, 0] - pairs[:, 1]
            test, p = _paired(difference)
            found.append(
                Comparison(method, cell.label, data, float(difference.mean()), len(pairs), test, p)
            )
    tested = [place for place, item in enumerate(found) if not np.isnan(item.p)]
    if tested:
        adjusted = false_discovery_control([found[place].p for place in tested])
        for place, value in zip(tested, adjusted, strict=True):
            found[place] = Comparison(
                **{**vars(found[place]), "adjusted": float(value)},
            )
    return found


def _paired(difference: NDArray[np.float64]) -> tuple[str, float]:
    if len(difference) < _FEWEST_FOR_T_TEST:
        return "too few seeds", float("nan")
    if np.ptp(difference) == 0:
        return "the same at every seed", float("nan")
    if len(difference) >= _FEWEST_FOR_WILCOXON:
        return "Wilcoxon signed rank", float(wilcoxon(difference).pvalue)
    return "paired t", float(ttest_rel(difference, np.zeros_like(difference)).pvalue)


@dataclass(frozen=True)
class Agreement:
    """How a method's domains agree with several references on one data set, all ARI x100.

    Attributes
    ----------
    label
        The method's.
    with_columns
        By column of labels.
    with_methods
        By method that hears one modality, at the same seed.
    """

    label: str
    with_columns: dict[str, float]
    with_methods: dict[str, float]


def consistency(
    cells: dict[tuple[str, str], Cell], data: DataSet, single: Sequence[str]
) -> list[Agreement]:
    """Agreement of every method with each column of labels and with each modality alone.

    Parameters
    ----------
    cells
        All cells, their runs with domains.
    data
        A data set with more than one column of labels.
    single
        Methods that hear one modality only.
    """
    alone = {name: cells[name, data.name] for name in single if (name, data.name) in cells}
    rows = []
    for (_, where), cell in cells.items():
        if where != data.name or not cell.done or cell.group in ("ablation", "sensitivity"):
            continue
        columns = [data.about["labels"], *data.about["more_labels"]]
        by_column = {
            column: float(
                np.mean([(run.scores or run.own_scores)[column]["ARI"] for run in cell.done])
            )
            for column in columns
        }
        by_method = {other.label: _mutual_ari(cell, other) for other in alone.values()}
        rows.append(Agreement(cell.label, by_column, by_method))
    return rows


def _mutual_ari(one: Cell, other: Cell) -> float:
    theirs = {run.seed: main_domains(run) for run in other.done}
    found = [
        100 * adjusted_rand_score(main_domains(run), theirs[run.seed])
        for run in one.done
        if run.seed in theirs
    ]
    return float(np.mean(found)) if found else float("nan")
