"""The report of a results file: Markdown with images, one HTML file with all in it, the runs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError
from napari_trsmi.evaluation.benchmark import chapters, sweep_chapters
from napari_trsmi.evaluation.benchmark.document import (
    Picture,
    Section,
    Table,
    as_html,
    as_markdown,
)
from napari_trsmi.evaluation.benchmark.layouts import Layout, layouts
from napari_trsmi.evaluation.benchmark.rows import runs_table
from napari_trsmi.evaluation.benchmark.summary import OWN, Cell, make_cells
from napari_trsmi.output.atomic import make_folder, write_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from napari_trsmi.evaluation.benchmark.store import Run, Store


def write_report(
    store: Store, folder: Path, *, umap: bool = True, say: Callable[[str], None]
) -> list[Path]:
    """Write README.md, images/, report.html and runs.csv.

    Parameters
    ----------
    store
        The results; UMAPs are kept in it, since they take long.
    folder
        Where to; it is there.
    umap
        Whether to draw UMAPs.
    say
        Tells the user what takes long.

    Returns
    -------
    The three files.

    Raises
    ------
    InputError
        If the store has no runs.
    OutputError
        If a file cannot be written.
    """
    runs = store.runs(arrays=True)
    if not runs:
        raise InputError(f"{store.path} has no runs yet, so there is nothing to report.")
    sections = make_sections(store, runs, umap=umap, say=say)
    images = make_folder(folder / "images")
    for section in sections:
        for part in section.parts:
            if isinstance(part, Picture):
                write_bytes(images / part.name, part.png)
    contents = {
        "README.md": as_markdown(sections),
        "report.html": as_html(sections),
        "runs.csv": runs_table(runs).to_csv(index=False, float_format="%.6g"),
    }
    for name, content in contents.items():
        write_bytes(folder / name, content.encode())
    return [folder / name for name in contents]


def make_sections(
    store: Store, runs: Sequence[Run], *, umap: bool, say: Callable[[str], None]
) -> list[Section]:
    """All of the report, whatever it is written as."""
    cells = make_cells(runs)
    data_sets = [data for data in store.data_sets().values() if _names(cells, data.name)]
    main = {key: cell for key, cell in cells.items() if cell.group in chapters.MAIN_GROUPS}
    sections = [_opening(runs)]

    def found(cells: Iterable[Cell]) -> list[Layout]:
        return layouts(store, cells, say) if umap else []

    if main:
        shown = [data for data in data_sets if _names(main, data.name)]
        sections.append(chapters.quality(main, shown))
        sections.append(chapters.standing(main, shown))
        sections.append(chapters.tests(main, shown))
        sections.append(chapters.cost(main, shown))
        for data in shown:
            sections.append(chapters.data_set(main, data, found))
            if data.about["more_labels"]:
                sections.append(chapters.modalities(main, data))
    sections += sweep_chapters.ablation(cells, data_sets)
    sections += sweep_chapters.sensitivity(cells, data_sets)
    sections.append(_methods(cells))
    return [section for section in sections if section.parts]


def _names(cells: dict[tuple[str, str], Cell], data: str) -> list[str]:
    return [method for method, where in cells if where == data]


def _opening(runs: Sequence[Run]) -> Section:
    days = sorted({run.started[:10] for run in runs})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    statuses = Counter(run.status for run in runs)
    limits = sorted({(r.measured["time_limit"], r.measured["memory_limit"]) for r in runs})
    section = Section("Benchmark", level=1)
    section.parts.append(
        f"Runs of {when}, report of {datetime.now(UTC):%Y-%m-%d}. {counted(len(runs), 'run')}: "
        + ", ".join(f"{count} {_STATUS_WORDS[status]}" for status, count in statuses.items())
        + ". Limits of a run: "
        + "; ".join(f"{time / 60:g} min, {memory / 2**30:g} GB" for time, memory in limits)
        + f". Each run is a process of its own, on the CPU, with {_threads(runs)}."
    )
    section.parts.append(
        "**How to read it.** Labels are used to score and for nothing else: no method's process is "
        "given them, nothing stops or chooses by them. Every method is asked for as many domains "
        "as there are labels. All get the same features. `TRSMI` is one setting of its parameters "
        "for all data sets, the defaults of the package; the rivals have their packages' defaults. "
        "Every embedding is clustered by the same code with the same parameters; where a method "
        f"has domains of its own they are shown beside, and marked {OWN} where there is no "
        "embedding. Scores are times 100. MI is in nats and not bounded by 100, so Overall-Avg is "
        "no percentage and does not compare across data sets: read it beside the rows that know "
        "nothing of the tissue. Mean ± standard deviation over seeds. Simulated data and features "
        "are the same at every seed; what varies is the methods' own seed."
    )
    changed = _changed_code(runs)
    if changed:
        section.parts.append(
            "**Not all runs of a method are of the same code, package version or settings**: "
            + ", ".join(changed)
            + ". Run the benchmark again on the same results file to bring them up to date."
        )
    section.parts.append(_machines(runs))
    return section


def _threads(runs: Sequence[Run]) -> str:
    words = {0: "as many threads as the method's libraries choose", 1: "1 thread"}
    found = sorted({run.provenance["threads"] for run in runs})
    return " or ".join(words.get(count, f"{count} threads") for count in found)


_STATUS_WORDS = {
    "done": "done",
    "failed": "failed",
    "over_time": "over the time limit",
    "over_memory": "over the memory limit",
    "missing": "not installed",
    "unfit": "not for the data set",
}


def _changed_code(runs: Iterable[Run]) -> list[str]:
    settings: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for run in runs:
        settings.setdefault((run.method, run.data), set()).add((run.settings, run.scoring))
    return sorted(
        f"{method} on {data}" for (method, data), found in settings.items() if len(found) > 1
    )


def _machines(runs: Sequence[Run]) -> Table:
    machines: set[str] = set()
    versions: dict[str, set[str]] = {}
    for run in runs:
        facts = run.provenance["machine"]
        machines.add(
            f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gb']:g} GB, "
            f"{facts['platform']}, Python {facts['python']}"
        )
        for name, number in run.provenance["versions"].items():
            versions.setdefault(name, set()).add(number)
    lines = [("machine", text) for text in sorted(machines)]
    named = [f"{name} {' and '.join(sorted(found))}" for name, found in versions.items()]
    lines.append(("versions", ", ".join(named)))
    return Table(("", ""), tuple(lines))


def _methods(cells: dict[tuple[str, str], Cell]) -> Section:
    section = Section("Methods")
    about: dict[str, tuple[str, str]] = {}
    for cell in cells.values():
        description: dict[str, Any] = cell.runs[-1].description
        if cell.group not in ("ablation", "sensitivity"):
            parameters = ", ".join(f"{k}={v}" for k, v in description["parameters"].items())
            about[description["label"]] = (description["about"], parameters)
    rows = tuple((label, *texts) for label, texts in about.items())
    if rows:
        section.parts.append(Table(("method", "about", "parameters set here"), rows))
    return section
