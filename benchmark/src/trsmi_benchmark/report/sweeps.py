"""The chapters of the report on ablation and sensitivity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trsmi_benchmark.report import plots
from trsmi_benchmark.report.data_set import picture
from trsmi_benchmark.report.document import Section, Table
from trsmi_benchmark.summary import ARI, OVERALL, Cell, Cells, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trsmi_benchmark.data.cases import Case


def ablation(cells: Cells, cases: Sequence[Case]) -> list[Section]:
    """A chapter for each data set and preset."""
    sections = []
    for case in cases:
        found = [
            c for (_, where), c in cells.items() if where == case.name and c.group == "ablation"
        ]
        for preset in sorted({_factor(cell) for cell in found}):
            rows = [cell for cell in found if _factor(cell) == preset]
            section = Section(f"Ablation: {case.title}, preset {preset}")
            section.parts.append(
                "None of the four components, each alone, and all of them; the other parameters "
                "are the preset's."
            )
            table = tuple(
                (c.label, str(len(c.done)), c.text(), spread(c.scores(ARI)) if c.done else "")
                for c in rows
            )
            section.parts.append(Table(("components", "seeds", OVERALL, ARI), table))
            if any(cell.done for cell in rows):
                section.parts.append(
                    picture(
                        f"{case.name}_ablation_{preset}.png", section.title, plots.draw_bars(rows)
                    )
                )
            sections.append(section)
    return sections


def sensitivity(cells: Cells, cases: Sequence[Case]) -> list[Section]:
    """A chapter for each data set and preset, with one panel a factor."""
    sections = []
    for case in cases:
        found = [
            c for (_, where), c in cells.items() if where == case.name and c.group == "sensitivity"
        ]
        for preset in sorted({_factor(cell).partition("/")[0] for cell in found}):
            curves: dict[str, list[Cell]] = {}
            for cell in found:
                if _factor(cell).partition("/")[0] == preset and cell.done:
                    curves.setdefault(cell.label.rpartition(":")[0], []).append(cell)
            if not curves:
                continue
            section = Section(f"Sensitivity: {case.title}, preset {preset}")
            section.parts.append(
                "One parameter varied at a time; the band is one standard deviation over seeds."
            )
            section.parts.append(
                picture(
                    f"{case.name}_sensitivity_{preset}.png",
                    section.title,
                    plots.draw_curves(curves),
                )
            )
            rows = tuple(
                (
                    label,
                    f"{min(c.mean() for c in line):.2f} to {max(c.mean() for c in line):.2f}",
                    ", ".join(
                        f"{c.label.rpartition(':')[2].strip()}: {c.mean():.1f}" for c in line
                    ),
                )
                for label, line in curves.items()
            )
            section.parts.append(Table(("factor", f"{OVERALL}, range", "values"), rows))
            sections.append(section)
    return sections


def _factor(cell: Cell) -> str:
    return str(cell.rows[-1].description["factor"])
