"""Every run as rows of a table, so that a report's means and tests can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_trsmi.evaluation.benchmark.store import Run


def runs_table(runs: Iterable[Run]) -> pd.DataFrame:
    """One row for each run, clustering and column of labels; one for a run without a score.

    Parameters
    ----------
    runs
        In any order.

    Returns
    -------
    Sorted by data set, method and seed. ``domains`` says which are scored: ``common``, those of
    the clustering that all embeddings get, or ``own``, the method's; ``labels`` against which
    column. Times and memory are as in `Run.measured`, scores times 100. What a run does not have
    is missing.
    """
    rows = [
        {
            "data": run.data,
            "method": run.method,
            "seed": run.seed,
            "status": run.status,
            "message": run.message or None,
            "started": run.started,
            **run.measured,
            **scored,
        }
        for run in sorted(runs, key=lambda run: (run.data, run.method, run.seed))
        for scored in _scored(run)
    ]
    return pd.DataFrame(rows)


def _scored(run: Run) -> list[dict[str, str | float]]:
    return [
        {"domains": domains, "labels": labels, **metrics}
        for domains, scores in (("common", run.scores), ("own", run.own_scores))
        for labels, metrics in scores.items()
    ] or [{}]
