"""From rows to means by section and by study, ranks, and paired tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import false_discovery_control, ttest_rel, wilcoxon
from sklearn.metrics import adjusted_rand_score

from trsmi_benchmark.rows import unpacked
from trsmi_benchmark.scoring import AT_CHANCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from trsmi_benchmark.data.cases import Case
    from trsmi_benchmark.rows import Clustering, Row

HEADLINE = "trsmi"
ARI, OVERALL = "ARI", "Overall-Avg"

_RANKED = ("trsmi", "rival", "naive")
_FEWEST_FOR_WILCOXON = 6
_FEWEST_FOR_T_TEST = 3


@dataclass(frozen=True)
class Cell:
    """All runs of one method on one data set."""

    method: str
    case: str
    rows: tuple[Row, ...]

    @property
    def label(self) -> str:
        """The method's, as its last run had it."""
        return str(self.rows[-1].description["label"])

    @property
    def group(self) -> str:
        """The method's, likewise."""
        return str(self.rows[-1].description["group"])

    @property
    def done(self) -> list[Row]:
        """The runs that were scored."""
        return [row for row in self.rows if row.status == "done"]

    @property
    def counted(self) -> Clustering:
        """The clustering whose domains count: its own where it has them."""
        return self.done[0].counted

    def scores(
        self, metric: str = OVERALL, clustering: Clustering | None = None
    ) -> NDArray[np.float64]:
        """One number a seed, of the domains that count or of a clustering; empty without it."""
        found = [main_scores(row, clustering) for row in self.done]
        return np.array([scores[metric] for scores in found if scores], dtype=np.float64)

    def mean(self, metric: str = OVERALL) -> float:
        """Over the seeds; NaN without a run that was scored."""
        scores = self.scores(metric)
        return float(scores.mean()) if len(scores) else float("nan")

    @property
    def has_failed(self) -> bool:
        """Whether it was run and no run came to an end."""
        return not self.done and any(
            row.status in ("failed", "over_time", "over_memory") for row in self.rows
        )

    def text(self, metric: str = OVERALL) -> str:
        """Mean ± standard deviation, or why there is none."""
        if not self.done:
            return self.rows[0].message
        text = spread(self.scores(metric))
        others = len(self.rows) - len(self.done)
        return f"{text} ({others} of {len(self.rows)} failed)" if others else text

    @property
    def p_value(self) -> float:
        """The largest over the seeds that the agreement is by chance."""
        return max((row.measured["p_value"] for row in self.done), default=float("nan"))

    @property
    def is_at_chance(self) -> bool:
        """Whether chance does as well in any of its runs."""
        return self.p_value > AT_CHANCE

    def measured(self, name: str) -> NDArray[np.float64]:
        """Something measured, one number a run that was scored."""
        return np.array([row.measured.get(name, np.nan) for row in self.done], dtype=np.float64)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Wall seconds from features to domains, one a run that was scored."""
        return np.array([_to_domains(row, "seconds") for row in self.done], dtype=np.float64)

    @property
    def cpu_seconds(self) -> NDArray[np.float64]:
        """CPU seconds from features to domains, one a run that was scored."""
        return np.array([_to_domains(row, "cpu_seconds") for row in self.done], dtype=np.float64)


Cells = dict[tuple[str, str], Cell]
"""By method and data set."""


def main_scores(row: Row, clustering: Clustering | None = None) -> dict[str, float]:
    """The metrics of a run against the data set's main labels, of the domains that count."""
    by_column = row.scores.get(clustering or row.counted, {})
    return next(iter(by_column.values()), {})


def _to_domains(row: Row, what: str) -> float:
    """A method's own domains are within its time; others need the common clustering."""
    to_output = row.measured.get(what, 0.0)
    return to_output + (0 if row.counted == "own" else row.measured.get(f"cluster_{what}", 0.0))


def make_cells(rows: Iterable[Row]) -> Cells:
    """Gather rows by method and data set, seeds in order."""
    gathered: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        gathered.setdefault((row.method, row.case), []).append(row)
    return {
        (method, case): Cell(method, case, tuple(sorted(found, key=lambda row: row.seed)))
        for (method, case), found in gathered.items()
    }


def spread(values: NDArray[np.float64], digits: int = 1) -> str:
    """Mean ± standard deviation as text."""
    mean = f"{values.mean():.{digits}f}"
    return f"{mean} ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else mean


@dataclass(frozen=True)
class StudyScore:
    """A method on all sections of a study.

    Attributes
    ----------
    values
        Its mean over the sections, one number for each seed that it has on all of them; empty
        without any.
    has_failed
        Whether it crashed or met a limit on a section.
    """

    values: NDArray[np.float64]
    has_failed: bool

    @property
    def mean(self) -> float:
        """What it is ranked by: below all where it failed, NaN where it is not ranked."""
        if self.has_failed:
            return -np.inf
        return float(self.values.mean()) if len(self.values) else float("nan")


def by_study(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """Sections by study, in order."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case.study, []).append(case)
    return found


def study_score(
    cells: Cells,
    method: str,
    sections: Sequence[Case],
    metric: str,
    clustering: Clustering | None = None,
) -> StudyScore:
    """Take the mean over a study's sections, seed by seed.

    A method that lacks a section, as it was not run or cannot be, has no score in the study.
    """
    found = [cells.get((method, case.name)) for case in sections]
    if any(cell is None or not (cell.done or cell.has_failed) for cell in found):
        return StudyScore(np.array([]), has_failed=False)
    cells_there = [cell for cell in found if cell is not None]
    failed = any(cell.has_failed for cell in cells_there)
    by_seed = [
        {row.seed: scores[metric] for row in cell.done if (scores := main_scores(row, clustering))}
        for cell in cells_there
    ]
    shared = sorted(set.intersection(*(set(scores) for scores in by_seed)))
    return StudyScore(
        np.array([np.mean([scores[seed] for scores in by_seed]) for seed in shared]), failed
    )


@dataclass(frozen=True)
class Rank:
    """How a method does among all.

    Attributes
    ----------
    mean
        Over the studies that it was run on; sections of one study count as one.
    studies
        How many these are.
    """

    mean: float
    studies: int


def ranks(
    cells: Cells, cases: Sequence[Case], metric: str, clustering: Clustering | None = None
) -> dict[str, Rank]:
    """Mean rank of each method, 1 for the best.

    TRSMI, rivals and naive rows are ranked among each other; a variant of TRSMI gets the rank that
    it would have in its place. Ties share a rank. A method that ended in a crash or at a limit on a
    section is last in its study; one that cannot be run on a section is not ranked there.
    """
    groups = {method: cell.group for (method, _), cell in cells.items()}
    found: dict[str, list[float]] = {}
    for sections in by_study(cases).values():
        means = {
            method: study_score(cells, method, sections, metric, clustering).mean
            for method, group in groups.items()
            if group in (*_RANKED, "variant")
        }
        means = {method: mean for method, mean in means.items() if not np.isnan(mean)}
        for method, mine in means.items():
            theirs = np.array(
                [
                    mean
                    for other, mean in means.items()
                    if other != method
                    and groups[other] in _RANKED
                    and not (groups[method] == "variant" and other == HEADLINE)
                ]
            )
            place = float(1 + (theirs > mine).sum() + 0.5 * (theirs == mine).sum())
            found.setdefault(method, []).append(place)
    return {name: Rank(float(np.mean(places)), len(places)) for name, places in found.items()}


def losses(cells: Cells, case: Case, metric: str) -> dict[str, float]:
    """By how much each naive row is ahead of TRSMI on a section, by its label, the best first."""
    ours = cells.get((HEADLINE, case.name))
    if ours is None or not ours.done:
        return {}
    ahead = {
        cell.label: cell.mean(metric) - ours.mean(metric)
        for (_, where), cell in cells.items()
        if where == case.name and cell.group == "naive" and cell.mean(metric) > ours.mean(metric)
    }
    return dict(sorted(ahead.items(), key=lambda item: -item[1]))


@dataclass(frozen=True)
class Comparison:
    """TRSMI against another method on one data set.

    Attributes
    ----------
    difference
        Mean over shared seeds of TRSMI's score minus the other's.
    n
        Shared seeds.
    test
        Which test, in words; says so where there is none.
    p, adjusted
        Two-sided, and after Benjamini and Hochberg over all comparisons; NaN without a test.
    """

    method: str
    label: str
    case: str
    difference: float
    n: int
    test: str
    p: float
    adjusted: float = float("nan")


def comparisons(cells: Cells, metrics: Mapping[str, str]) -> list[Comparison]:
    """Paired tests over seeds of TRSMI against every rival and naive row.

    Parameters
    ----------
    cells
        All of them.
    metrics
        What is compared, by data set.
    """
    found = []
    for (method, case), cell in cells.items():
        ours = cells.get((HEADLINE, case))
        if case not in metrics or ours is None or cell.group not in ("rival", "naive"):
            continue
        by_seed = {row.seed: main_scores(row)[metrics[case]] for row in ours.done}
        difference = np.array(
            [
                by_seed[row.seed] - main_scores(row)[metrics[case]]
                for row in cell.done
                if row.seed in by_seed
            ]
        )
        if len(difference):
            test, p = _paired(difference)
            mean = float(difference.mean())
            found.append(Comparison(method, cell.label, case, mean, len(difference), test, p))
    tested = [place for place, item in enumerate(found) if not np.isnan(item.p)]
    if tested:
        adjusted = false_discovery_control([found[place].p for place in tested])
        for place, value in zip(tested, adjusted, strict=True):
            found[place] = replace(found[place], adjusted=float(value))
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


def consistency(cells: Cells, case: Case, single: Sequence[str]) -> list[Agreement]:
    """Agreement of every method with each column of labels and with each modality alone.

    Parameters
    ----------
    cells
        All cells.
    case
        A data set with more than one column of labels.
    single
        Methods that hear one modality only.
    """
    alone = {name: cells[name, case.name] for name in single if (name, case.name) in cells}
    found = []
    for (_, where), cell in cells.items():
        if where != case.name or not cell.done or cell.group in ("ablation", "sensitivity"):
            continue
        by_column = {
            column: float(np.mean([row.scores[row.counted][column][ARI] for row in cell.done]))
            for column in (case.labels, *case.more_labels)
        }
        by_method = {other.label: _mutual_ari(cell, other) for other in alone.values()}
        found.append(Agreement(cell.label, by_column, by_method))
    return found


def _mutual_ari(one: Cell, other: Cell) -> float:
    theirs = {row.seed: unpacked(row.domains) for row in other.done}
    found = [
        100 * adjusted_rand_score(unpacked(row.domains), theirs[row.seed])
        for row in one.done
        if row.seed in theirs
    ]
    return float(np.mean(found)) if found else float("nan")
