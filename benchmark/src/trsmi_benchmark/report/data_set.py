"""The chapters of the report on one data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trsmi_benchmark.report import plots
from trsmi_benchmark.report.chapters import MAIN_GROUPS, METRICS
from trsmi_benchmark.report.document import Picture, Section, Table
from trsmi_benchmark.rows import unpacked
from trsmi_benchmark.summary import ARI, HEADLINE, OVERALL, Cell, Cells, consistency, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from trsmi_benchmark.data.cases import Case, LoadedCase

_NINE = ("MI", "NMI", "AMI", "FMI", "ARI", "V-measure", "F1", "Jaccard", "Completeness")
_AVERAGES = ("Info-Avg", "Clust-Avg", "Class-Avg")
_SINGLE = ("only_rna", "only_protein", "only_chromatin")


def data_set(cells: Cells, case: Case, loaded: LoadedCase | None) -> Section:
    """All metrics on one data set, its pictures, its cost, and what could not be scored.

    Parameters
    ----------
    cells
        Of all data sets.
    case
        Which one.
    loaded
        The data set itself; None where it is not here, so that no maps can be drawn.
    """
    section = Section(case.title)
    metric = METRICS[case.group]
    said = f"Labels `{case.labels}`. {case.note}".strip()
    if loaded is not None:
        data = loaded.data
        said = (
            f"{data.n_spots:,} spots, {loaded.n_domains} domains, {', '.join(data.names)}. {said}"
        )
    section.parts.append(said)
    found = _on(cells, case)
    done = [cell for cell in found if cell.done]
    section.parts.append(_nine(done, metric))
    undone = [cell for cell in found if not cell.done]
    if undone:
        section.parts.append("Not scored:")
        why = tuple((c.label, c.text(), " ".join(c.rows[0].notes)) for c in undone)
        section.parts.append(Table(("method", "why", ""), why))
    if done:
        if loaded is not None:
            about = f"{case.title}: labels, and domains at the first seed with their {metric}"
            panels = [
                (f"{cell.label}\n{cell.scores(metric)[0]:.1f}", unpacked(cell.done[0].domains))
                for cell in done
                if cell.group != "degenerate"
            ]
            drawn = plots.draw_maps(data.coordinates, loaded.labels, panels)
            section.parts.append(picture(f"{case.name}_maps.png", about, drawn))
        else:
            section.parts.append("The data set is not here, so its maps are not drawn.")
        boxes = plots.draw_boxes(done, metric)
        section.parts.append(
            picture(f"{case.name}_boxes.png", f"{case.title}: spread over seeds", boxes)
        )
    section.parts += _cost(cells, case, metric)
    return section


def _nine(cells: Sequence[Cell], metric: str) -> Table:
    """The metrics of the domains that count, and one of the common clustering."""
    rows: list[tuple[str, ...]] = []
    bold = set()
    for cell in cells:
        if cell.method == HEADLINE:
            bold.add(len(rows))
        common = cell.scores(metric, "common")
        rows.append(
            (
                cell.label,
                str(len(cell.done)),
                "own" if cell.counted == "own" else "common clustering",
                *(f"{cell.scores(name).mean():.1f}" for name in (*_NINE, *_AVERAGES)),
                spread(cell.scores(), 2),
                spread(common) if len(common) else "",
            )
        )
    columns = ("method", "seeds", "domains", *_NINE, *_AVERAGES, OVERALL)
    return Table((*columns, f"common clustering, {metric}"), tuple(rows), frozenset(bold))


def _cost(cells: Cells, case: Case, metric: str) -> list[str | Table | Picture]:
    """What every method takes."""
    ours = cells.get((HEADLINE, case.name))
    reference = ours.cpu_seconds.mean() if ours is not None and ours.done else np.nan
    rows: list[tuple[str, ...]] = []
    bold = set()
    for cell in _on(cells, case):
        if cell.group == "degenerate" or not (cell.done or cell.has_failed):
            continue
        if cell.method == HEADLINE:
            bold.add(len(rows))
        if cell.done:
            cpu = float(cell.cpu_seconds.mean())
            ratio = cpu / reference
            spent = (
                _number(cpu),
                _number(float(cell.seconds.mean())),
                f"{cell.measured('memory').mean() / 1e6:,.0f}",
                "" if np.isnan(ratio) else f"{ratio:.2g}",
            )
        else:
            measured = cell.rows[0].measured
            spent = (
                f"> {_number(measured['process_cpu_seconds'])}",
                f"> {_number(measured['process_seconds'])}",
                f"> {measured['memory'] / 1e6:,.0f}",
                "",
            )
        rows.append((cell.label, *spent, cell.text(metric)))
    if not rows:
        return []
    columns = ("method", "CPU s", "wall s", "peak MB", "CPU, TRSMI = 1", metric)
    return ["Time and memory:", Table(columns, tuple(rows), frozenset(bold))]


def modalities(cells: Cells, case: Case) -> Section:
    """Agreement with several columns of labels and with the modalities alone."""
    section = Section(f"{case.title}: consistency of the modalities", level=3)
    columns = (case.labels, *case.more_labels)
    section.parts.append(
        "ARI ×100 of every method's domains with each column of labels, and with what the common "
        "clustering finds in one modality alone at the same seed. A method that copies the "
        f"modality that the labels were made of is high at `{case.labels}` alone; one that hears "
        "both is high in the mean."
    )
    agreements = consistency(cells, case, _SINGLE)
    if not agreements:
        return Section(section.title)
    others = list(dict.fromkeys(name for found in agreements for name in found.with_methods))
    rows = tuple(
        (
            found.label,
            *(f"{found.with_columns[name]:.1f}" for name in columns),
            f"{np.mean(list(found.with_columns.values())):.1f}",
            *(_or_blank(found.with_methods.get(name, np.nan)) for name in others),
        )
        for found in agreements
    )
    headings = ("method", *(f"`{name}`" for name in columns), "mean", *others)
    section.parts.append(Table(headings, rows))
    return section


def picture(name: str, about: str, figure: Figure) -> Picture:
    """A figure for the report."""
    return Picture(name.replace("@", "_"), about, plots.as_png(figure))


def _on(cells: Cells, case: Case) -> list[Cell]:
    """A data set's cells, TRSMI first, in each group the best by ARI first."""
    found = [
        cell
        for (_, where), cell in cells.items()
        if where == case.name and cell.group in MAIN_GROUPS
    ]
    return sorted(
        found,
        key=lambda cell: (
            MAIN_GROUPS.index(cell.group),
            -cell.mean(ARI) if cell.done else np.inf,
        ),
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _or_blank(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.1f}"
