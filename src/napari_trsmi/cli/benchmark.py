"""``napari-trsmi benchmark``: the published evaluation, into a results file and a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from napari_trsmi.cli.command import Command
from napari_trsmi.cli.parameters import CommaList, NumberOrWord
from napari_trsmi.output.atomic import check_output, make_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari_trsmi.cli.terminal import Terminal
    from napari_trsmi.evaluation.benchmark.cases import Case
    from napari_trsmi.evaluation.benchmark.method import Method
    from napari_trsmi.evaluation.benchmark.protocol import Progress, Protocol

STORE_SUFFIXES = (".sqlite", ".db")
_STORE = "benchmark.sqlite"
_QUICK_SEEDS = 2


class Group(Command, click.Group):
    """A command with commands of its own."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def _protocol_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that all runs have."""
    options = (
        click.option(
            "--data", multiple=True, metavar="NAME", help="Only these data sets; may be repeated."
        ),
        click.option(
            "--seeds",
            type=NumberOrWord(("auto",)),
            default="auto",
            show_default=True,
            help="Seeds of each method; auto: 20, or 5 where a run takes 30 s, 3 where 5 min.",
        ),
        click.option(
            "--time-limit",
            type=click.FloatRange(min=0, min_open=True),
            default=20,
            show_default=True,
            help="Minutes that a run may take.",
        ),
        click.option(
            "--memory-limit",
            type=click.FloatRange(min=0, min_open=True),
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
            "--n-spots",
            type=click.IntRange(min=1),
            help="Spots of the simulated data sets.",
        ),
        click.option(
            "--download",
            is_flag=True,
            help="Download the public data sets from Zenodo, unless they are here.",
        ),
        click.option("--retry", is_flag=True, help="Run again what failed before."),
        click.option(
            "--store",
            default=_STORE,
            show_default=True,
            metavar="FILE",
            help="Results file; runs that it has are not run again.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(cls=Group, invoke_without_command=True)
@click.option("--quick", is_flag=True, help="The simulation, three methods, two seeds.")
@click.option("--methods", metavar="NAME,...", type=CommaList(str), help="Only these methods.")
@_protocol_options
@click.option("--list", "listed", is_flag=True, help="List data sets and methods, and end.")
@click.option(
    "--install",
    multiple=True,
    metavar="NAME",
    help="Make the environment of a rival (all for every one), and end; may be repeated.",
)
@click.pass_context
def benchmark(
    ctx: click.Context,
    /,
    quick: bool,
    methods: tuple[str, ...] | None,
    listed: bool,
    install: tuple[str, ...],
    **protocol: Any,
) -> None:
    """Run methods on data sets over seeds, and keep the results.

    Every run is a process of its own, with a time and a memory limit; a crash or a limit is a
    result too. Data sets are read from NAPARI_TRSMI_DATA or ../shared/data, public ones from the
    cache folder, and those that are not there are left out. Labels are used to score and for
    nothing else. Ctrl-C ends it; the same command goes on where it ended.

    \b
    Example:
      napari-trsmi benchmark --quick
      napari-trsmi benchmark --download --store results.sqlite
      napari-trsmi benchmark report results.sqlite --output report
    """
    if ctx.invoked_subcommand is not None:
        return
    if listed:
        _print_lists()
        return
    if install:
        _install(install)
        return
    from napari_trsmi.evaluation.benchmark.catalogue import QUICK, chosen_methods

    names = methods or ()
    if quick:
        names = names or QUICK
        protocol["data"] = protocol["data"] or ("simulated_published",)
        if ctx.get_parameter_source("seeds") is click.core.ParameterSource.DEFAULT:
            protocol["seeds"] = _QUICK_SEEDS
    _run(chosen_methods(names), **protocol)


@benchmark.command(cls=Command)
@click.option(
    "--preset",
    type=click.Choice(["default", "published"]),
    default="default",
    show_default=True,
    help="The other parameters.",
)
@_protocol_options
def ablation(preset: Any, **protocol: Any) -> None:
    """Run TRSMI with none of its four components, each alone, and all.

    On the mouse brain, as published, unless other data sets are named.
    """
    from napari_trsmi.evaluation.benchmark import sweeps

    protocol["data"] = protocol["data"] or sweeps.ABLATION_DATA
    _run(sweeps.ablation(preset), **protocol)


@benchmark.command(cls=Command)
@click.option(
    "--factor", multiple=True, metavar="NAME", help="Only these factors; may be repeated."
)
@click.option(
    "--preset",
    type=click.Choice(["default", "published"]),
    default="default",
    show_default=True,
    help="The other parameters.",
)
@_protocol_options
def sensitivity(factor: tuple[str, ...], preset: Any, **protocol: Any) -> None:
    """Run TRSMI with one parameter varied at a time.

    Factors: alpha_1, alpha_2 and beta_0 at ten points as published; spatial_neighbors,
    feature_neighbors, edge_contrast, align_temperature, prototype_temperature, epochs and
    embedding_dim. On the lymph node, as published, unless other data sets are named.
    """
    from napari_trsmi.evaluation.benchmark import sweeps

    protocol["data"] = protocol["data"] or sweeps.SENSITIVITY_DATA
    _run(sweeps.sensitivity(factor, preset), **protocol)


@benchmark.command(cls=Command)
@click.argument("store", metavar="STORE")
@click.option("--output", "-o", required=True, metavar="FOLDER", help="Made if it is missing.")
@click.option("--umap/--no-umap", default=True, show_default=True, help="Draw UMAPs.")
def report(store: str, output: str, umap: bool) -> None:
    """Write the report of a results file.

    README.md with its images, report.html, one file with all in it, and runs.csv, the scores, times
    and memory of every run.

    Files of an earlier report are replaced.
    """
    from napari_trsmi.cli.terminal import Terminal
    from napari_trsmi.evaluation.benchmark.report import write_report
    from napari_trsmi.evaluation.benchmark.store import Store

    terminal = Terminal()
    with Store(Path(store).expanduser(), create=False) as results, terminal.plain_warnings():
        for path in write_report(results, make_folder(output), umap=umap, say=terminal.say):
            click.echo(f"Wrote {path}")


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
    store: str,
) -> None:
    from napari_trsmi.cli.tables import print_overall
    from napari_trsmi.cli.terminal import Terminal
    from napari_trsmi.evaluation.benchmark.cases import chosen_cases
    from napari_trsmi.evaluation.benchmark.process import Limits
    from napari_trsmi.evaluation.benchmark.protocol import Protocol
    from napari_trsmi.evaluation.benchmark.store import Store

    if seeds != "auto" and seeds < 1:
        raise click.BadParameter("give 1 or more, or auto.", param_hint="--seeds")
    protocol = Protocol(
        seeds=seeds,
        limits=Limits(60 * time_limit, memory_limit * 2**30),
        threads=threads,
        retry=retry,
    )
    file = check_output(store, overwrite=True, suffixes=STORE_SUFFIXES)
    terminal = Terminal()
    wanted = chosen_cases(data)
    if download:
        _download(wanted, terminal)
    cases = _here(wanted, n_spots, terminal)
    with Store(file) as results, terminal.plain_warnings():
        _say_runs(results, cases, methods, protocol, terminal)
        print_overall(results.runs(), {method.name for method in methods})
    terminal.say(f"Results: {file}. Report: napari-trsmi benchmark report {file} --output FOLDER")


def _download(cases: Iterable[Case], terminal: Terminal) -> None:
    """Download the records of the public data sets that are not here."""
    from napari_trsmi.data.public import downloads

    absent = [case.public.record for case in cases if case.public and not case.public.is_here()]
    for record in dict.fromkeys(absent):
        place = downloads.folder_of(record)
        terminal.say(f"Downloading {downloads.RECORDS[record].holds}, to {place}")
        with terminal.download() as show:
            downloads.download(record, on_progress=show)


def _here(cases: Iterable[Case], n_spots: int | None, terminal: Terminal) -> list[Case]:
    """The data sets that are here; what is left out is said."""
    from napari_trsmi.errors import InputError

    found = []
    for case in cases:
        missing = case.missing()
        if missing:
            terminal.say(missing)
        else:
            found.append(case.of_size(n_spots) if n_spots else case)
    if not found:
        raise InputError(
            "None of the data sets is here. Set NAPARI_TRSMI_DATA to their folder, or name a "
            "simulated one (--data simulated_published)."
        )
    return found


def _say_runs(
    results: Any,
    cases: list[Case],
    methods: list[Method],
    protocol: Protocol,
    terminal: Terminal,
) -> None:
    from napari_trsmi.data.wording import counted
    from napari_trsmi.evaluation.benchmark.protocol import iter_runs

    progress: Progress | None = None
    found = 0
    try:
        for progress in iter_runs(results, cases, methods, protocol):
            found += not progress.is_new
            if progress.is_new:
                terminal.say(_line(progress))
    except KeyboardInterrupt:
        done = 0 if progress is None else progress.done
        terminal.say(
            f"{counted(done, 'run')} in {results.path}; the same command goes on from there."
        )
        raise
    if found:
        terminal.say(f"{counted(found, 'run')} in {results.path} from before.")


def _line(progress: Progress) -> str:
    run = progress.run
    scores = next(iter((run.scores or run.own_scores).values()), None)
    outcome = run.message if scores is None else f"Overall-Avg {scores['Overall-Avg']:.2f}"
    seconds = run.measured.get("process_seconds")
    spent = "" if seconds is None else f", {seconds:.1f} s, {run.measured['memory'] / 1e6:,.0f} MB"
    where = f"{run.data}, {run.method}, seed {run.seed}"
    return f"[{progress.done}/{progress.total}] {where}: {outcome}{spent}"


def _print_lists() -> None:
    from napari_trsmi.cli.tables import print_rows
    from napari_trsmi.evaluation.benchmark.cases import CASES
    from napari_trsmi.evaluation.benchmark.catalogue import METHODS
    from napari_trsmi.evaluation.benchmark.environments import interpreter, why_missing

    print_rows(
        ("Data set", "", ""),
        [(case.name, case.title, "not here" if case.missing() else "") for case in CASES.values()],
    )
    rows = []
    for method in METHODS.values():
        there = interpreter(method.environment) is not None
        rows.append((method.name, method.label, "" if there else why_missing(method.environment)))
    print_rows(("Method", "", ""), rows)


def _install(names: tuple[str, ...]) -> None:
    from napari_trsmi.cli.terminal import Terminal
    from napari_trsmi.evaluation.benchmark.environments import ENVIRONMENTS, install

    terminal = Terminal()
    wanted = tuple(ENVIRONMENTS) if "all" in names else names
    worked = [install(name, terminal.say) for name in wanted]
    if not all(worked):
        terminal.say("What cannot be installed shows why in every report.")
