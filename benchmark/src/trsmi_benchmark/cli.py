"""``trsmi-benchmark``: the evaluation, into rows of results and a report."""

from __future__ import annotations

import signal
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from napari_trsmi.errors import InputError, OutputError, TRSMIError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from trsmi_benchmark.data.cases import Case
    from trsmi_benchmark.method import Method
    from trsmi_benchmark.rows import RowsFile
    from trsmi_benchmark.runs import Progress, Protocol

_ROWS = "benchmark.jsonl"
_QUICK_SEEDS = 2
_INTERRUPTED = 130


class _Group(click.Group):
    """Commands whose expected errors are one plain line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and turn what it raises into a message and an exit code."""
        # a scheduler's SIGTERM ends it as Ctrl-C does, and so do background jobs' signals
        before = {
            number: signal.signal(number, signal.default_int_handler)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            return super().invoke(ctx)
        except TRSMIError as error:
            click.echo(f"Error: {error}", err=True)
            raise click.exceptions.Exit(3 if isinstance(error, OutputError) else 2) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise click.exceptions.Exit(_INTERRUPTED) from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Seeds(click.ParamType[Any, Any]):
    """A whole number from 1, or ``auto``."""

    name = "number|auto"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Return the number or the word."""
        if value == "auto":
            return "auto"
        if not str(value).isdecimal() or not int(str(value)):
            self.fail(f"{value!r} is neither a whole number from 1 nor 'auto'.", param, ctx)
        return int(str(value))


@click.group(cls=_Group)
@click.version_option(package_name="trsmi-benchmark")
def main() -> None:
    """Run methods on data sets over seeds, keep the results as rows, and report them.

    \b
    A minute or two:    trsmi-benchmark run --quick
    Everything here:    trsmi-benchmark run --rows all.jsonl
    The report:         trsmi-benchmark report all.jsonl --output report
    """


def _protocol_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that all runs have."""
    positive = click.FloatRange(min=0, min_open=True)
    options = (
        click.option(
            "--data",
            multiple=True,
            metavar="NAME",
            help="Only this data set, or group of them (regions, states, simulations); may be "
            "repeated.",
        ),
        click.option(
            "--seeds",
            type=_Seeds(),
            default="auto",
            show_default=True,
            help="Seeds of each method; auto: 20, or 5 where a run takes 30 s, 3 where 5 min.",
        ),
        click.option(
            "--time-limit",
            type=positive,
            default=20,
            show_default=True,
            help="Minutes that a run may take.",
        ),
        click.option(
            "--memory-limit",
            type=positive,
            default=8,
            show_default=True,
            help="GB that a run may take.",
        ),
        click.option(
            "--threads",
            type=click.IntRange(min=0),
            default=0,
            show_default=True,
            help="CPU threads of a run; 0 leaves it to each method.",
        ),
        click.option(
            "--n-spots", type=click.IntRange(min=1), help="Spots of the simulated data sets."
        ),
        click.option(
            "--download",
            is_flag=True,
            help="Download the public data sets from Zenodo, unless they are here.",
        ),
        click.option("--retry", is_flag=True, help="Run again what failed before."),
        click.option(
            "--rows",
            default=_ROWS,
            show_default=True,
            metavar="FILE",
            help="Where the rows go (.jsonl); runs that it has are not run again.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


_preset = click.option(
    "--preset",
    type=click.Choice(["default", "published"]),
    default="default",
    show_default=True,
    help="The other parameters.",
)


@main.command()
@click.option("--quick", is_flag=True, help="A simulation, three methods, two seeds.")
@click.option(
    "--methods",
    metavar="NAME,...",
    default="",
    help="Only these methods, or groups of them (trsmi, variant, rival, naive, degenerate).",
)
@_protocol_options
@click.pass_context
def run(ctx: click.Context, /, quick: bool, methods: str, **protocol: Any) -> None:
    """Run methods on data sets over seeds.

    Every run is a process of its own, with a time and a memory limit; a crash or a limit is a
    result too. Data sets are read from NAPARI_TRSMI_DATA or ../shared/data, public ones from the
    cache folder, and those that are not there are left out. Labels are used to score and for
    nothing else. Ctrl-C ends it; the same command goes on where it ended.
    """
    from trsmi_benchmark.catalogue import QUICK, chosen_methods

    names = tuple(name.strip() for name in methods.split(",") if name.strip())
    if quick:
        names = names or QUICK
        protocol["data"] = protocol["data"] or ("simulated_published",)
        if ctx.get_parameter_source("seeds") is click.core.ParameterSource.DEFAULT:
            protocol["seeds"] = _QUICK_SEEDS
    _run(chosen_methods(names), **protocol)


@main.command()
@_preset
@_protocol_options
def ablation(preset: Any, **protocol: Any) -> None:
    """Run TRSMI with none of its four components, each alone, and all.

    On the mouse brain, as published, unless other data sets are named.
    """
    from trsmi_benchmark import sweeps

    protocol["data"] = protocol["data"] or sweeps.ABLATION_DATA
    _run(sweeps.ablation(preset), **protocol)


@main.command()
@click.option("--factor", multiple=True, metavar="NAME", help="Only this factor; may be repeated.")
@_preset
@_protocol_options
def sensitivity(factor: tuple[str, ...], preset: Any, **protocol: Any) -> None:
    """Run TRSMI with one parameter varied at a time.

    Factors: alpha_1, alpha_2 and beta_0 at ten points as published; spatial_neighbors,
    feature_neighbors, edge_contrast, align_temperature, prototype_temperature, epochs and
    embedding_dim. On the lymph node, as published, unless other data sets are named.
    """
    from trsmi_benchmark import sweeps

    protocol["data"] = protocol["data"] or sweeps.SENSITIVITY_DATA
    _run(sweeps.sensitivity(factor, preset), **protocol)


@main.command()
@click.argument("rows", metavar="ROWS...", nargs=-1, required=True)
@click.option("--output", "-o", required=True, metavar="FOLDER", help="Made if it is missing.")
def report(rows: tuple[str, ...], output: str) -> None:
    """Write the report of files of rows, or of all .jsonl in a folder.

    README.md with its images, report.html, one file with all in it, and runs.csv, the scores, times
    and memory of every run. Files of an earlier report are replaced.
    """
    from trsmi_benchmark.report.writing import write_report
    from trsmi_benchmark.rows import read_rows

    with _quiet():
        found = read_rows(Path(path).expanduser() for path in rows)
        for path in write_report(found, Path(output).expanduser(), say=_say):
            click.echo(f"Wrote {path}")


@main.command()
@click.argument("rows", metavar="ROWS...", nargs=-1, required=True)
def show(rows: tuple[str, ...]) -> None:
    """Print the report's first tables.

    Mean ranks and scores by study, where a naive row is ahead, and the number of domains chosen.
    """
    from trsmi_benchmark.report.writing import headlines
    from trsmi_benchmark.rows import read_rows
    from trsmi_benchmark.tables import print_table

    for title, table in headlines(read_rows(Path(path).expanduser() for path in rows)):
        click.echo(title)
        print_table(table.columns, table.rows)


@main.command(name="list")
def list_all() -> None:
    """List data sets and methods, and what is not here."""
    from trsmi_benchmark.catalogue import METHODS
    from trsmi_benchmark.data.sections import CASES
    from trsmi_benchmark.environments import interpreter, why_missing
    from trsmi_benchmark.tables import print_table

    print_table(
        ("Data set", "Group", "", ""),
        [(c.name, c.group, c.title, "not here" if c.missing() else "") for c in CASES.values()],
    )
    rows = []
    for method in METHODS.values():
        there = interpreter(method.environment) is not None
        why = "" if there else why_missing(method.environment)
        rows.append((method.name, method.group, method.label, why))
    print_table(("Method", "Group", "", ""), rows)


@main.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def install(names: tuple[str, ...]) -> None:
    """Make the environment of a rival, or of all."""
    from trsmi_benchmark import environments

    wanted = tuple(environments.ENVIRONMENTS) if "all" in names else names
    worked = [environments.install(name, _say) for name in wanted]
    if not all(worked):
        _say("What cannot be installed shows why in every report.")


def _run(
    methods: list[Method],
    *,
    data: tuple[str, ...],
    seeds: Any,
    time_limit: float,
    memory_limit: float,
    threads: int,
    n_spots: int | None,
    download: bool,
    retry: bool,
    rows: str,
) -> None:
    from trsmi_benchmark.data.sections import chosen_cases
    from trsmi_benchmark.process import Limits
    from trsmi_benchmark.rows import RowsFile
    from trsmi_benchmark.runs import Protocol
    from trsmi_benchmark.tables import print_scores

    limits = Limits(60 * time_limit, memory_limit * 2**30)
    protocol = Protocol(seeds=seeds, limits=limits, threads=threads, retry=retry)
    file = RowsFile(_writable(Path(rows).expanduser()))
    wanted = chosen_cases(data)
    if download:
        _download(wanted)
    cases = _here(wanted, n_spots)
    with _quiet():
        _say_runs(file, cases, methods, protocol)
    print_scores(file.rows(), cases, {method.name for method in methods})
    _say(f"Rows: {file.path}. Report: trsmi-benchmark report {file.path} --output FOLDER")


def _writable(path: Path) -> Path:
    from trsmi_benchmark.rows import SUFFIX

    if path.suffix != SUFFIX:
        raise OutputError(f"Cannot write {path}: its name must end in {SUFFIX}. Rename it.")
    if not path.parent.is_dir():
        raise OutputError(f"Cannot write {path}: there is no folder {path.parent}. Make it first.")
    return path


def _download(cases: Iterable[Case]) -> None:
    """Download the records of the public data sets that are not here."""
    from napari_trsmi import public_data

    absent = [case.public.record for case in cases if case.public and not case.public.is_here()]
    for record in dict.fromkeys(absent):
        place = public_data.folder_of(record)
        _say(f"Downloading {public_data.RECORDS[record].holds}, to {place}")
        public_data.download(record)


def _here(cases: Iterable[Case], n_spots: int | None) -> list[Case]:
    """The data sets that are here; what is left out is said."""
    found = []
    for case in cases:
        missing = case.missing()
        if missing:
            _say(missing)
        else:
            found.append(case.of_size(n_spots) if n_spots else case)
    if not found:
        raise InputError(
            "None of the data sets is here. Set NAPARI_TRSMI_DATA to their folder, or name a "
            "simulated one (--data simulated_published)."
        )
    return found


def _say_runs(
    file: RowsFile, cases: Sequence[Case], methods: Sequence[Method], protocol: Protocol
) -> None:
    from trsmi_benchmark.runs import iter_runs

    done = found = 0
    try:
        for progress in iter_runs(file, cases, methods, protocol):
            done = progress.done
            found += not progress.is_new
            if progress.is_new:
                _say(_line(progress))
    except KeyboardInterrupt:
        _say(f"{_runs(done)} in {file.path}; the same command goes on from there.")
        raise
    if found:
        _say(f"{_runs(found)} in {file.path} from before.")


def _runs(count: int) -> str:
    return f"{count} run" if count == 1 else f"{count} runs"


def _line(progress: Progress) -> str:
    from trsmi_benchmark.summary import ARI, OVERALL, main_scores

    row = progress.row
    scores = main_scores(row)
    outcome = row.message
    if scores:
        outcome = f"{ARI} {scores[ARI]:.1f}, {OVERALL} {scores[OVERALL]:.1f}"
    seconds = row.measured.get("process_seconds")
    spent = "" if seconds is None else f", {seconds:.1f} s, {row.measured['memory'] / 1e6:,.0f} MB"
    where = f"{row.case}, {row.method}, seed {row.seed}"
    return f"[{progress.done}/{progress.total}] {where}: {outcome}{spent}"


def _say(text: str) -> None:
    click.echo(text, err=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out libraries' warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
