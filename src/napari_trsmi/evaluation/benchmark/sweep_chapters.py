"""The chapters of the report on ablation and sensitivity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_trsmi.evaluation.benchmark import plots
from napari_trsmi.evaluation.benchmark.chapters import picture
from napari_trsmi.evaluation.benchmark.document import Section, Table
from napari_trsmi.evaluation.benchmark.summary import OVERALL, Cell, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_trsmi.evaluation.benchmark.store import DataSet


def ablation(cells: dict[tuple[str, str], Cell], data_sets: Sequence[DataSet]) -> list[Section]:
    """A chapter for each data set and preset."""
    sections = []
    for data in data_sets:
        found = [c for (_, d), c in cells.items() if d == data.name and c.group == "ablation"]
        for preset in sorted({_factor(cell) for cell in found}):
            rows = [cell for cell in found if _factor(cell) == preset]
            section = Section(f"Ablation: {data.about['title']}, preset {preset}")
            section.parts.append(
                "None of the four components, each alone, and all of them; the other parameters "
                "are the preset's."
            )
            table = tuple(
                (c.label, str(len(c.done)), c.text, spread(c.scores("ARI"), 1) if c.done else "")
                for c in rows
            )
            section.parts.append(Table(("components", "seeds", OVERALL, "ARI"), table))
            if any(cell.done for cell in rows):
                section.parts.append(
                    picture(
                        f"{data.name}_ablation_{preset}.png", section.title, plots.draw_bars(rows)
                    )
                )
            sections.append(section)
    return sections


def sensitivity(cells: dict[tuple[str, str], Cell], data_sets: Sequence[DataSet]) -> list[Section]:
    """A chapter for each data set and preset, with one panel a factor."""
    sections = []
    for data in data_sets:
        found = [c for (_, d), c in cells.items() if d == data.name and c.group == "sensitivity"]
        for preset in sorted({_factor(cell).partition("/")[0] for cell in found}):
            curves: dict[str, list[Cell]] = {}
            for cell in found:
                if _factor(cell).partition("/")[0] == preset and cell.done:
                    curves.setdefault(cell.label.rpartition(":")[0], []).append(cell)
            if not curves:
                continue
            section = Section(f"Sensitivity: {data.about['title']}, preset {preset}")
            section.parts.append(
                "One parameter varied at a time; the band is one standard deviation over seeds."
            )
            section.parts.append(
                picture(
                    f"{data.name}_sensitivity_{preset}.png",
                    section.title,
                    plots.draw_curves(curves),
                )
            )
            rows = tuple(
                (
                    label,
                    f"{min(c.mean for c in line):.2f} to {max(c.mean for c in line):.2f}",
                    ", ".join(f"{c.label.rpartition(':')[2].strip()}: {c.mean:.1f}" for c in line),
                )
                for label, line in curves.items()
            )
            section.parts.append(Table(("factor", f"{OVERALL}, range", "values"), rows))
            sections.append(section)
    return sections


def _factor(cell: Cell) -> str:
    return str(cell.runs[-1].description["factor"])
