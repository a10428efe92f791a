"""Every run as rows of a table, so that a report's means and tests can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trsmi_benchmark.rows import Row


def runs_table(rows: Iterable[Row]) -> pd.DataFrame:
    """One row for each run, clustering and column of labels; one for a run without a score.

    Parameters
    ----------
    rows
        In any order.

    Returns
    -------
    Sorted by data set, method and seed. ``domains`` says which are scored: ``own``, the method's,
    or ``common``, those of the clustering that all embeddings get; ``labels`` against which
    column. Times and memory are as in `Row.measured`, scores times 100. What a run does not have
    is missing.
    """
    table = [
        {
            "data": run.case,
            "method": run.method,
            "seed": run.seed,
            "status": run.status,
            "message": run.message or None,
            "started": run.started,
            **run.measured,
            **scored,
        }
        for run in sorted(rows, key=lambda run: (run.case, run.method, run.seed))
        for scored in _scored(run)
    ]
    return pd.DataFrame(table)


def _scored(run: Row) -> list[dict[str, str | float]]:
    return [
        {"domains": domains, "labels": labels, **metrics}
        for domains, scores in run.scores.items()
        for labels, metrics in scores.items()
    ] or [{}]
