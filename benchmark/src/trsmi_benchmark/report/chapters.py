"""The chapters of the report that stand over all data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trsmi_benchmark.report.document import Section, Table
from trsmi_benchmark.scoring import AT_CHANCE, PERMUTATIONS
from trsmi_benchmark.summary import (
    ARI,
    HEADLINE,
    OVERALL,
    Cells,
    by_study,
    comparisons,
    losses,
    ranks,
    spread,
    study_score,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trsmi_benchmark.data.cases import Case, Group

MAIN_GROUPS = ("trsmi", "variant", "rival", "naive", "degenerate")
"""The groups of methods in these chapters, in their order."""

METRICS: dict[Group, str] = {"regions": ARI, "simulations": OVERALL, "states": OVERALL}
"""What each group of data sets is headed by: its tables come in this order."""

_TITLES: dict[Group, str] = {
    "regions": "Real annotated tissue",
    "simulations": "Simulations",
    "states": "States of spots",
}
_ABOUT: dict[Group, str] = {
    "regions": "Labels are regions that people drew or named. This is the headline.",
    "simulations": "Labels are the domains that the tables were made of.",
    "states": "Labels are clusters of one of the tables that go in, spot by spot: states, not "
    "regions.",
}


def headline(cells: Cells, cases: Sequence[Case], group: Group) -> Section:
    """Every method's score in each study of a group, by mean rank."""
    section = Section(_TITLES[group])
    sections = [case for case in cases if case.group == group]
    studies = by_study(sections)
    metric = METRICS[group]
    by_ari, by_overall = ranks(cells, sections, ARI), ranks(cells, sections, OVERALL)
    common = ranks(cells, sections, metric, "common")
    places = by_ari if metric == ARI else by_overall
    rows: list[tuple[str, ...]] = []
    bold = set()
    for method in sorted(
        _methods_in_order(cells, sections),
        key=lambda name: places[name].mean if name in places else np.inf,
    ):
        texts = []
        for of_study in studies.values():
            score = study_score(cells, method, of_study, metric)
            texts.append(
                "failed" if score.has_failed else spread(score.values) if len(score.values) else ""
            )
        if method == HEADLINE:
            bold.add(len(rows))
        label = next(cell.label for (name, _), cell in cells.items() if name == method)
        chosen = (by_ari, by_overall, common)
        rows.append(
            (
                label,
                *(
                    f"{rank.mean:.2f} ({rank.studies})" if rank else ""
                    for rank in (found.get(method) for found in chosen)
                ),
                *texts,
            )
        )
    columns = (
        "method",
        f"mean rank, {ARI} (studies)",
        f"mean rank, {OVERALL}",
        f"mean rank, {metric}, common clustering",
        *(f"{name} ({len(found)})" if len(found) > 1 else name for name, found in studies.items()),
    )
    section.parts.append(
        f"{_ABOUT[group]} {metric} ×100, mean ± standard deviation over seeds. Sections of one "
        "study count as one: the mean over them (their number in brackets) is taken first, seed by "
        "seed. The mean rank is over the studies that a method was run on (in brackets). TRSMI, "
        "the rivals and the naive rows are ranked among each other; a variant of TRSMI has the "
        "rank that it would have in TRSMI's place. A crash or a limit on a section is the last "
        "rank in its study. The domains are the method's own where it has them; the last of the "
        "ranks is that of the common clustering of the embeddings. A method that was not run on a "
        "section of a study, or cannot be, has no score there."
    )
    section.parts.append(Table(columns, tuple(rows), frozenset(bold)))
    return section


def _methods_in_order(cells: Cells, cases: Sequence[Case]) -> list[str]:
    names = {case.name for case in cases}
    groups = {method: cell.group for (method, case), cell in cells.items() if case in names}
    return sorted(groups, key=lambda name: MAIN_GROUPS.index(groups[name]))


def behind(cells: Cells, cases: Sequence[Case]) -> Section:
    """The sections on which TRSMI loses to a naive row."""
    section = Section("Where TRSMI loses to a naive row")
    rows = []
    for case in cases:
        metric = METRICS[case.group]
        ahead = losses(cells, case, metric)
        if ahead:
            ours = spread(cells[HEADLINE, case.name].scores(metric))
            named = ", ".join(f"{label} (+{more:.1f})" for label, more in ahead.items())
            rows.append((case.title, f"{metric} {ours}", named))
    if rows:
        section.parts.append(Table(("section", "TRSMI", "ahead"), tuple(rows)))
    elif any(method == HEADLINE for method, _ in cells):
        section.parts.append("On none.")
    return section


def sections_one_by_one(cells: Cells, cases: Sequence[Case], group: Group) -> Section:
    """Every method's score on each section of a group."""
    section = Section(f"{_TITLES[group]}, section by section")
    chosen = [case for case in cases if case.group == group]
    if len(by_study(chosen)) == len(chosen):
        return section  # the same as the table by study
    metric = METRICS[group]
    best = {
        case.name: max(
            (
                cell.mean(metric)
                for (_, where), cell in cells.items()
                if where == case.name and cell.group != "degenerate" and cell.done
            ),
            default=np.nan,
        )
        for case in chosen
    }
    rows: list[tuple[str, ...]] = []
    bold = set()
    for method in _methods_in_order(cells, chosen):
        label, texts = "", []
        for case in chosen:
            cell = cells.get((method, case.name))
            if cell is None:
                texts.append("")
                continue
            label, text = cell.label, cell.text(metric)
            if cell.done and cell.group != "degenerate":
                text = f"**{text}**" if cell.mean(metric) == best[case.name] else text
                if cell.is_at_chance:
                    text += f" (chance, p = {cell.p_value:.2g})"
            texts.append(text)
        if method == HEADLINE:
            bold.add(len(rows))
        rows.append((label, *texts))
    section.parts.append(
        f"{metric} ×100. A method is at chance where permuted domains agree as well with the "
        f"labels, with p > {AT_CHANCE:g} in any run ({PERMUTATIONS} permutations, adjusted Rand "
        "index)."
    )
    section.parts.append(
        Table(("method", *(case.title for case in chosen)), tuple(rows), frozenset(bold))
    )
    return section


def tests(cells: Cells, cases: Sequence[Case]) -> Section:
    """Paired tests between TRSMI and each rival and naive row."""
    section = Section("TRSMI against each other method")
    found = comparisons(cells, {case.name: METRICS[case.group] for case in cases})
    if not found:
        return section
    by_method: dict[str, dict[str, str]] = {}
    for item in found:
        p = item.test if np.isnan(item.p) else f"p = {item.adjusted:.2g}, {item.test}"
        text = f"{item.difference:+.1f} ({p}, n = {item.n})"
        by_method.setdefault(item.label, {})[item.case] = text
    rows = tuple(
        (label, *(texts.get(case.name, "") for case in cases)) for label, texts in by_method.items()
    )
    section.parts.append(
        f"TRSMI's score minus the other's, paired by seed: {ARI} on annotated tissue, {OVERALL} "
        "elsewhere. From 6 seeds the test is Wilcoxon's signed rank, from 3 a paired t, two-sided; "
        "p after Benjamini and Hochberg over this table. Seeds are repeats of the methods on the "
        "same tissue: a small p says that the difference is not the seeds', not that it holds on "
        "other tissue."
    )
    section.parts.append(Table(("against", *(case.title for case in cases)), rows))
    return section
