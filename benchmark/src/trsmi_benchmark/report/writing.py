"""The report of rows: Markdown with images, one HTML file with all in it, a table of the runs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from napari_trsmi.errors import InputError, OutputError
from trsmi_benchmark.catalogue import METHODS
from trsmi_benchmark.data.sections import CASES
from trsmi_benchmark.report import chapters, sweeps
from trsmi_benchmark.report.data_set import data_set, modalities
from trsmi_benchmark.report.document import Picture, Section, Table, as_html, as_markdown
from trsmi_benchmark.report.numbers import numbers
from trsmi_benchmark.report.runs_table import runs_table
from trsmi_benchmark.rows import latest
from trsmi_benchmark.summary import Cells, make_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from trsmi_benchmark.data.cases import Case, LoadedCase
    from trsmi_benchmark.rows import Row


def write_report(rows: Iterable[Row], folder: Path, *, say: Callable[[str], None]) -> list[Path]:
    """Write README.md, images/, report.html and runs.csv.

    Parameters
    ----------
    rows
        Of any number of files; the latest of each run counts.
    folder
        Where to; made if it is missing.
    say
        Tells the user what is left out.

    Returns
    -------
    The three files.

    Raises
    ------
    InputError
        If there are no rows.
    OutputError
        If a file cannot be written.
    """
    counted = latest(rows)
    if not counted:
        raise InputError("There are no rows yet, so there is nothing to report.")
    sections = make_sections(counted, say=say)
    contents: dict[str, bytes] = {
        f"images/{part.name}": part.png
        for section in sections
        for part in section.parts
        if isinstance(part, Picture)
    }
    contents |= {
        "README.md": as_markdown(sections).encode(),
        "report.html": as_html(sections).encode(),
        "runs.csv": runs_table(counted).to_csv(index=False, float_format="%.6g").encode(),
    }
    try:
        (folder / "images").mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            partial = folder / f"{name}.part"
            partial.write_bytes(content)
            partial.replace(folder / name)
    except OSError as error:
        raise OutputError(f"Cannot write to {folder}: {error}. Choose another --output.") from error
    return [folder / name for name in ("README.md", "report.html", "runs.csv")]


def make_sections(rows: Sequence[Row], *, say: Callable[[str], None]) -> list[Section]:
    """All of the report, whatever it is written as."""
    cells = make_cells(rows)
    cases = _cases(cells)
    main = {key: cell for key, cell in cells.items() if cell.group in chapters.MAIN_GROUPS}
    shown = [case for case in cases if any(where == case.name for _, where in main)]
    sections = [_opening(rows)]
    groups = [group for group in chapters.METRICS if any(c.group == group for c in shown)]
    sections += [chapters.headline(main, shown, group) for group in groups]
    if shown:
        sections.append(chapters.behind(main, shown))
    sections.append(numbers(main, shown))
    sections += [chapters.sections_one_by_one(main, shown, group) for group in groups]
    sections.append(chapters.tests(main, shown))
    for case in shown:
        sections.append(data_set(main, case, _loaded(case, rows, say)))
        if case.more_labels:
            sections.append(modalities(main, case))
    sections += sweeps.ablation(cells, cases)
    sections += sweeps.sensitivity(cells, cases)
    sections.append(_methods(cells))
    return [section for section in sections if section.parts]


def headlines(rows: Iterable[Row]) -> list[tuple[str, Table]]:
    """The first table of each group of data sets, with its title."""
    cells = make_cells(latest(rows))
    cases = _cases(cells)
    main = {key: cell for key, cell in cells.items() if cell.group in chapters.MAIN_GROUPS}
    sections = [
        chapters.headline(main, cases, group)
        for group in chapters.METRICS
        if any(case.group == group for case in cases)
    ]
    sections += [chapters.behind(main, cases), numbers(main, cases)]
    return [
        (section.title, part)
        for section in sections
        for part in section.parts
        if isinstance(part, Table)
    ]


def _cases(cells: Cells) -> list[Case]:
    """The data sets that rows are of, in the report's order; simulations also of other sizes."""
    names = dict.fromkeys(case for _, case in cells)
    found = []
    for name in sorted(names, key=lambda name: list(CASES).index(name.partition("@")[0])):
        plain, _, size = name.partition("@")
        found.append(CASES[plain].of_size(int(size)) if size else CASES[plain])
    return found


def _loaded(case: Case, rows: Iterable[Row], say: Callable[[str], None]) -> LoadedCase | None:
    """The data set that the rows are of, where it is here and still the same."""
    if case.missing():
        say(case.missing())
        return None
    loaded = case.load()
    digests = {row.provenance["data"] for row in rows if row.case == case.name}
    if loaded.digest not in digests:
        say(f"{case.name} has changed since its rows were made, so its maps are not drawn.")
        return None
    return loaded


def _opening(rows: Sequence[Row]) -> Section:
    days = sorted({row.started[:10] for row in rows})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    statuses = Counter(row.status for row in rows)
    limits = sorted({(r.measured["time_limit"], r.measured["memory_limit"]) for r in rows})
    section = Section("Benchmark", level=1)
    section.parts.append(
        f"Runs of {when}, report of {datetime.now(UTC):%Y-%m-%d}. {len(rows):,} runs: "
        + ", ".join(f"{count} {_STATUS_WORDS[status]}" for status, count in statuses.items())
        + ". Limits of a run: "
        + "; ".join(f"{time / 60:g} min, {memory / 2**30:g} GB" for time, memory in limits)
        + f". Each run is a process of its own, on the CPU, with {_threads(rows)}."
    )
    section.parts.append(
        "**How to read it.** Labels are used to score and for nothing else: no method's process is "
        "given them, nothing stops or chooses by them. Every method is asked for as many domains "
        "as there are labels. All get the same features. `TRSMI` is one setting of its parameters "
        "for all data sets, the defaults of the package; the rivals have their packages' defaults. "
        "**The domains that are scored are each method's own.** Where it has none, or only by "
        "software that is not here (R's mclust), they are those of the common clustering of its "
        "embedding: a Gaussian mixture with one shared covariance, mclust's EEE, the same for all. "
        "What that finds is also a column of its own. Scores are times 100. MI is in nats and not "
        "bounded by 100, so Overall-Avg is no percentage and does not compare across data sets: "
        "read it beside the rows that know nothing of the tissue. Mean ± standard deviation over "
        "seeds. Data and features are the same at every seed; what varies is the methods' own seed."
    )
    changed = _changed_code(rows)
    if changed:
        section.parts.append(
            "**Not all runs of a method are of the same code, package version or settings**: "
            + ", ".join(changed)
            + ". Run the benchmark again on the same rows to bring them up to date."
        )
    section.parts.append(_machines(rows))
    return section


def _threads(rows: Sequence[Row]) -> str:
    words = {0: "as many threads as the method's libraries choose", 1: "1 thread"}
    found = sorted({run.provenance["threads"] for run in rows})
    return " or ".join(words.get(count, f"{count} threads") for count in found)


_STATUS_WORDS = {
    "done": "done",
    "failed": "failed",
    "over_time": "over the time limit",
    "over_memory": "over the memory limit",
    "missing": "not installed",
    "unfit": "not for the data set",
}


def _changed_code(rows: Iterable[Row]) -> list[str]:
    settings: dict[tuple[str, str], set[str]] = {}
    for run in rows:
        settings.setdefault((run.method, run.case), set()).add(run.settings)
    return sorted(
        f"{method} on {case}" for (method, case), found in settings.items() if len(found) > 1
    )


def _machines(rows: Sequence[Row]) -> Table:
    machines: set[str] = set()
    versions: dict[str, set[str]] = {}
    for run in rows:
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


def _methods(cells: Cells) -> Section:
    section = Section("Methods")
    about: dict[str, tuple[str, str]] = {}
    for cell in cells.values():
        description: dict[str, Any] = cell.rows[-1].description
        if cell.group not in ("ablation", "sensitivity"):
            parameters = ", ".join(f"{k}={v}" for k, v in description["parameters"].items())
            known = METHODS.get(cell.method)
            about[description["label"]] = (known.about if known else "", parameters)
    if about:
        rows = tuple((label, *texts) for label, texts in about.items())
        section.parts.append(Table(("method", "about", "parameters set here"), rows))
    return section
