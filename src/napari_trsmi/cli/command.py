"""How a command ends: errors as one plain block, exit codes, and sections in its help."""

from __future__ import annotations

import traceback
from typing import NoReturn

import click

from napari_trsmi.cli.interruption import INTERRUPTED, terminable, was_interrupted
from napari_trsmi.cli.processes import ENDED, are_several, may_speak
from napari_trsmi.errors import (
    DeviceError,
    LostProcessError,
    OutputError,
    StoppedError,
    TrainingError,
    TRSMIError,
)

_EXIT_CODES = (
    ("0", "done"),
    ("1", "training failed, a process was lost, or a defect"),
    ("2", "the command line, a parameter or an input cannot be used"),
    ("3", "an output cannot be written"),
    ("4", "the device is missing, or memory ran out"),
    (str(INTERRUPTED), "interrupted"),
)

_DEBUG = click.Option(["--debug"], is_flag=True, help="Show the traceback of an error.")


class Command(click.Command):
    """A command that never shows a traceback, unless it is asked to with ``--debug``."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the command's own parameters, ``--debug`` and ``--help``."""
        *own, last = super().get_params(ctx)
        return [*own, _DEBUG, last]

    def invoke(self, ctx: click.Context) -> object:
        """Run the command, and turn what it raises into a message and an exit code."""
        debug = ctx.params.pop("debug")
        try:
            with terminable():
                return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except click.ClickException as error:
            if not may_speak():
                raise click.exceptions.Exit(error.exit_code) from error
            raise
        except (Exception, KeyboardInterrupt) as error:
            if debug:
                traceback.print_exception(error)
            _end(error)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by section, in the order in which sections first appear."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx)
            if record is not None and isinstance(option, click.Option):
                sections.setdefault(getattr(option, "section", "Options"), []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes."""
        super().format_epilog(ctx, formatter)
        with formatter.section("Exit codes"):
            formatter.write_dl(_EXIT_CODES)


def _end(error: BaseException) -> NoReturn:
    """Say what happened and exit with its code."""
    message, code = f"Error: {error}", 2
    if was_interrupted() and not isinstance(error, TRSMIError):
        error = KeyboardInterrupt()
    match error:
        case StoppedError() | KeyboardInterrupt() if are_several():
            message, code = f"Error: {ENDED}", INTERRUPTED
        case StoppedError():
            message, code = "Interrupted: nothing was written.", INTERRUPTED
        case KeyboardInterrupt():
            message, code = "Interrupted.", INTERRUPTED
        case OutputError():
            code = 3
        case DeviceError():
            code = 4
        case MemoryError():
            message, code = f"Error: Memory ran out. Use fewer spots or features. {error}", 4
        case TrainingError() | LostProcessError():
            code = 1
        case TRSMIError():
            pass
        case _:
            code = 1
            message = (
                f"Error: This is a defect in napari-trsmi: {type(error).__name__}: {error}\n"
                "Run it again with --debug and report what it shows."
            )
    if may_speak():
        click.echo(message, err=True)
    raise click.exceptions.Exit(code)
