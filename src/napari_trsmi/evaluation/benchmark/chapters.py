"""The chapters of the report on quality, cost and each data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.evaluation.benchmark import plots
from napari_trsmi.evaluation.benchmark.document import Picture, Section, Table
from napari_trsmi.evaluation.benchmark.scoring import AT_CHANCE, PERMUTATIONS
from napari_trsmi.evaluation.benchmark.summary import (
    HEADLINE,
    OVERALL,
    OWN,
    Cell,
    comparisons,
    consistency,
    main_domains,
    ranks,
    spread,
    standings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_trsmi.evaluation.benchmark.layouts import Layout
    from napari_trsmi.evaluation.benchmark.store import DataSet

MAIN_GROUPS = ("trsmi", "variant", "rival", "baseline", "degenerate")
"""The groups of these chapters, in their order."""

_NINE = ("MI", "NMI", "AMI", "FMI", "ARI", "V-measure", "F1", "Jaccard", "Completeness")
_AVERAGES = ("Info-Avg", "Clust-Avg", "Class-Avg", OVERALL)
_SINGLE = ("only_rna", "only_protein", "only_chromatin")


def quality(cells: dict[tuple[str, str], Cell], data_sets: Sequence[DataSet]) -> Section:
    """Overall-Avg of every method on every data set, by mean rank."""
    section = Section("Quality: Overall-Avg")
    places = ranks(cells)
    methods = _methods_in_order(cells)
    best = {
        data.name: max(
            (c.mean for c in _on(cells, data) if c.done and c.group != "degenerate"), default=np.nan
        )
        for data in data_sets
    }
    rows: list[tuple[str, ...]] = []
    bold = set()
    by_rank = sorted(
        methods,
        key=lambda name: (name not in places, places[name].mean if name in places else 0.0),
    )
    for method in by_rank:
        label, texts = "", []
        for data in data_sets:
            cell = cells.get((method, data.name))
            if cell is None:
                texts.append("")
                continue
            label = cell.label
            text = cell.text
            if cell.done and cell.group != "degenerate":
                text = f"**{text}**" if cell.mean == best[data.name] else text
                if cell.is_at_chance:
                    text += f" (chance, p = {cell.p_value:.2g})"
            texts.append(text)
        place = places.get(method)
        rank = "" if place is None else f"{place.mean:.2f} ({place.data_sets})"
        if method == HEADLINE:
            bold.add(len(rows))
        rows.append((label, rank, *texts))
    columns = ("method", "mean rank (data sets)", *(data.about["title"] for data in data_sets))
    section.parts.append(Table(columns, tuple(rows), frozenset(bold)))
    section.parts.append(
        "Mean rank by Overall-Avg over the data sets that a method can be run on, and how many "
        "these are: a method that takes only some data sets is ranked on those alone. TRSMI, the "
        "rivals and the baselines without training are ranked among each other; a variant of "
        "TRSMI has the rank that it would have in TRSMI's place. A crash or a limit is the last "
        "rank. A method is at chance where permuted domains agree as well with the labels, with p "
        f"> {AT_CHANCE:g} in any run ({PERMUTATIONS} permutations, adjusted Rand index)."
    )
    return section


def _methods_in_order(cells: dict[tuple[str, str], Cell]) -> list[str]:
    groups = {method: cell.group for (method, _), cell in cells.items()}
    return sorted(groups, key=lambda name: MAIN_GROUPS.index(groups[name]))


def standing(cells: dict[tuple[str, str], Cell], data_sets: Sequence[DataSet]) -> Section:
    """TRSMI's rank on each data set, and what is ahead of it."""
    section = Section("Where TRSMI is behind")
    found = {item.data: item for item in standings(cells)}
    rows = tuple(
        (
            data.about["title"],
            f"{item.rank:g} of {item.n_methods}",
            ", ".join(f"{label} (+{more:.2f})" for label, more in item.ahead.items()) or "none",
        )
        for data in data_sets
        if (item := found.get(data.name))
    )
    if rows:
        section.parts.append(Table(("data set", "rank", "ahead, by Overall-Avg"), rows))
    return section


def tests(cells: dict[tuple[str, str], Cell], data_sets: Sequence[DataSet]) -> Section:
    """Paired tests between TRSMI and each rival and baseline."""
    section = Section("TRSMI against each other method")
    found = comparisons(cells)
    if not found:
        return section
    by_method: dict[str, dict[str, str]] = {}
    for item in found:
        p = item.test if np.isnan(item.p) else f"p = {item.adjusted:.2g}, {item.test}"
        text = f"{item.difference:+.2f} ({p}, n = {item.n})"
        by_method.setdefault(item.label, {})[item.data] = text
    rows = tuple(
        (label, *(texts.get(data.name, "") for data in data_sets))
        for label, texts in by_method.items()
    )
    section.parts.append(
        "TRSMI's Overall-Avg minus the other's, paired by seed. From 6 seeds the test is "
        "Wilcoxon's signed rank, from 3 a paired t, two-sided; p after Benjamini and Hochberg "
        "over this table. Seeds are repeats of the methods on the same tissue: a small p says that "
        "the difference is not the seeds', not that it holds on other tissue."
    )
    section.parts.append(Table(("against", *(data.about["title"] for data in data_sets)), rows))
    return section


def cost(cells: dict[tuple[str, str], Cell], data_sets: Sequence[DataSet]) -> Section:
    """What every method takes on every data set."""
    section = Section("Time and memory")
    section.parts.append(
        "CPU and wall seconds from features to domains, without starting Python and loading "
        "libraries; the common clustering is counted where a method has no domains of its own. "
        "Memory is the peak of the whole process, libraries included. The machine may be shared, "
        "so CPU seconds are the fairer ones."
    )
    for data in data_sets:
        ours = cells.get((HEADLINE, data.name))
        reference = ours.cpu_seconds.mean() if ours is not None and ours.done else np.nan
        rows: list[tuple[str, ...]] = []
        bold = set()
        for cell in _on(cells, data):
            if cell.group == "degenerate":
                continue
            if cell.method == HEADLINE:
                bold.add(len(rows))
            if cell.done:
                cpu = float(cell.cpu_seconds.mean())
                ratio = cpu / reference
                rows.append(
                    (
                        cell.label,
                        _number(cpu),
                        _number(float(cell.seconds.mean())),
                        f"{cell.measured('memory').mean() / 1e6:,.0f}",
                        "" if np.isnan(ratio) else f"{ratio:.2g}",
                        cell.text,
                    )
                )
            elif cell.has_failed:
                spent = cell.runs[0].measured
                rows.append(
                    (
                        cell.label,
                        f"> {_number(spent['process_cpu_seconds'])}",
                        f"> {_number(spent['process_seconds'])}",
                        f"> {spent['memory'] / 1e6:,.0f}",
                        "",
                        cell.text,
                    )
                )
        columns = ("method", "CPU s", "wall s", "peak MB", "CPU, TRSMI = 1", OVERALL)
        section.parts.append(f"### {data.about['title']}")
        section.parts.append(Table(columns, tuple(rows), frozenset(bold)))
        timed = [c for c in _on(cells, data) if c.done and c.group != "degenerate"]
        if timed:
            section.parts.append(
                picture(
                    f"{data.name}_cost.png",
                    f"{data.about['title']}: time against quality",
                    plots.draw_cost(timed),
                )
            )
    return section


def data_set(
    cells: dict[tuple[str, str], Cell],
    data: DataSet,
    find_layouts: Callable[[Sequence[Cell]], Sequence[Layout]],
) -> Section:
    """All metrics on one data set, its pictures, and what could not be scored.

    Parameters
    ----------
    cells
        Of all data sets.
    data
        Which one.
    find_layouts
        Gives the UMAPs of methods; none to leave them out.
    """
    about = data.about
    section = Section(about["title"])
    section.parts.append(
        f"{about['n_spots']:,} spots, {about['n_domains']} domains, "
        f"{', '.join(about['modalities'])}; labels `{about['labels']}`. {about['note']}".strip()
    )
    found = _on(cells, data)
    done = [cell for cell in found if cell.done]
    section.parts.append(_nine(done))
    own = [cell for cell in done if len(cell.own_scores()) and not cell.only_own]
    if own:
        section.parts.append("The methods' own domains, beside the common clustering:")
        rows = tuple(
            (
                cell.label,
                spread(cell.own_scores()),
                spread(cell.own_scores("ARI"), 1),
                spread(cell.scores()),
            )
            for cell in own
        )
        columns = ("method", f"own, {OVERALL}", "own, ARI", f"common, {OVERALL}")
        section.parts.append(Table(columns, rows))
    undone = [cell for cell in found if not cell.done]
    if undone:
        section.parts.append("Not scored:")
        why = tuple((c.label, c.text, " ".join(c.runs[0].notes)) for c in undone)
        section.parts.append(Table(("method", "why", ""), why))
    if done:
        title = about["title"]
        section.parts.append(
            picture(f"{data.name}_boxes.png", f"{title}: spread over seeds", plots.draw_boxes(done))
        )
        panels = _first_domains(done)
        section.parts.append(
            picture(
                f"{data.name}_maps.png",
                f"{title}: labels, and domains at the first seed",
                plots.draw_maps(data, panels),
            )
        )
        layouts = find_layouts(done)
        if layouts:
            section.parts.append(
                picture(
                    f"{data.name}_umap.png",
                    f"{title}: UMAP of the embeddings at seed 0, coloured by the labels",
                    plots.draw_layouts(data, layouts),
                )
            )
    return section


def _nine(cells: Sequence[Cell]) -> Table:
    rows: list[tuple[str, ...]] = []
    bold = set()
    for cell in cells:
        if cell.method == HEADLINE:
            bold.add(len(rows))
        rows.append(
            (
                cell.label + (OWN if cell.only_own else ""),
                str(len(cell.done)),
                *(f"{cell.scores(metric).mean():.1f}" for metric in _NINE),
                *(f"{cell.scores(metric).mean():.1f}" for metric in _AVERAGES[:-1]),
                spread(cell.scores()),
            )
        )
    return Table(("method", "seeds", *_NINE, *_AVERAGES), tuple(rows), frozenset(bold))


def _first_domains(cells: Iterable[Cell]) -> list[tuple[str, NDArray[np.int64]]]:
    panels = []
    for cell in cells:
        domains = main_domains(cell.done[0])
        if domains is not None and cell.group != "degenerate":
            panels.append((f"{cell.label}\n{cell.scores()[0]:.1f}", domains))
    return panels


def modalities(cells: dict[tuple[str, str], Cell], data: DataSet) -> Section:
    """Agreement with several columns of labels and with the modalities alone."""
    about = data.about
    section = Section(f"{about['title']}: consistency of the modalities", level=3)
    columns = [about["labels"], *about["more_labels"]]
    between = about["between_labels"]
    section.parts.append(
        "ARI ×100 of every method's domains with each column of labels, and with what the same "
        "clustering finds in one modality alone at the same seed. The columns of labels agree with "
        "each other at "
        + ", ".join(f"{between[name]['ARI']:.1f} (`{name}`)" for name in about["more_labels"])
        + f". A method that copies the modality that the labels were made of is high at "
        f"`{about['labels']}` alone; one that hears both is high in the mean."
    )
    agreements = consistency(cells, data, _SINGLE)
    if not agreements:
        return section
    others = list(dict.fromkeys(name for row in agreements for name in row.with_methods))
    rows = tuple(
        (
            row.label,
            *(f"{row.with_columns[name]:.1f}" for name in columns),
            f"{np.mean(list(row.with_columns.values())):.1f}",
            *(_or_blank(row.with_methods.get(name, np.nan)) for name in others),
        )
        for row in agreements
    )
    headings = ("method", *(f"`{name}`" for name in columns), "mean", *others)
    section.parts.append(Table(headings, rows))
    return section


def _on(cells: dict[tuple[str, str], Cell], data: DataSet) -> list[Cell]:
    """A data set's cells, TRSMI and the best groups first."""
    found = [cell for (_, where), cell in cells.items() if where == data.name]
    return sorted(found, key=lambda cell: MAIN_GROUPS.index(cell.group))


def picture(name: str, about: str, figure: Figure) -> Picture:
    """A figure for the report."""
    return Picture(name.replace("@", "_"), about, plots.as_png(figure))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _or_blank(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.1f}"
