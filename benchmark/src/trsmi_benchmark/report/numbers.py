"""The chapter on the number of domains, where a method chooses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trsmi_benchmark.catalogue import AUTO
from trsmi_benchmark.report.document import Section, Table
from trsmi_benchmark.rows import unpacked
from trsmi_benchmark.summary import ARI, HEADLINE, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trsmi_benchmark.data.cases import Case
    from trsmi_benchmark.summary import Cells


def numbers(cells: Cells, cases: Sequence[Case]) -> Section:
    """How many domains TRSMI chooses, how many labels there are, and the agreement at both."""
    section = Section("How many domains TRSMI chooses")
    rows = []
    for case in cases:
        cell = cells.get((AUTO, case.name))
        if cell is None or not cell.done:
            continue
        found = np.array([len(np.unique(unpacked(row.domains))) for row in cell.done], dtype=float)
        told = cells.get((HEADLINE, case.name))
        rows.append(
            (
                case.title,
                f"{cell.measured('n_labels')[0]:.0f}",
                spread(found),
                spread(cell.scores(ARI)),
                spread(told.scores(ARI)) if told is not None and told.done else "",
            )
        )
    if rows:
        section.parts.append(
            f"Every method above is told how many labels there are. Here the number is chosen, and "
            f"{ARI} ×100 is given at the number chosen and at the labels' number."
        )
        columns = ("section", "labels", "domains chosen", f"{ARI}, chosen", f"{ARI}, told")
        section.parts.append(Table(columns, tuple(rows)))
    return section
