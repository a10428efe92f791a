"""What a command says on stderr: notes, warnings and the progress of training."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from napari_trsmi.errors import TRSMIWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from napari_trsmi.data.public.downloads import DownloadProgress
    from napari_trsmi.training.report import EpochReport, PictureReport


class Terminal:
    """Standard error, which leaves standard output to results.

    Parameters
    ----------
    quiet
        Whether to say nothing but warnings.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True)
        self._said: set[str] = set()

    def say(self, text: str) -> None:
        """Write a line, unless quiet."""
        if not self._quiet:
            self._write(text)

    def say_once(self, text: str, *, warning: bool = False) -> None:
        """Write a note or a warning, unless it has been said before."""
        if text not in self._said:
            self._said.add(text)
            if warning:
                self._write(f"Warning: {text}")
            else:
                self.say(text)

    def _write(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def plain_warnings(self) -> Iterator[None]:
        """Show our own warnings as plain lines, and other libraries' not at all."""

        def show(message: Warning | str, *_where: object) -> None:
            self.say_once(str(message), warning=True)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", TRSMIWarning)
            warnings.showwarning = show  # type: ignore[assignment]  # called by position
            yield

    @contextmanager
    def reading(self, tables: Sequence[str]) -> Iterator[None]:
        """Show that tables are read, and for how long, where there is a terminal to show it."""
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        hidden = self._quiet or not self._console.is_terminal
        with Progress(*columns, console=self._console, transient=True, disable=hidden) as bar:
            bar.add_task(f"Reading {', '.join(tables)}", total=None)
            yield

    @contextmanager
    def progress(self) -> Iterator[Callable[[EpochReport], None]]:
        """Show the progress of a training.

        A bar with loss and time left on a terminal, some lines in a file or a pipe.

        Yields
        ------
        What takes the report of an epoch.
        """
        if self._quiet:
            yield lambda _report: None
        elif self._console.is_terminal:
            with self._bar() as show:
                yield show
        else:
            yield self._lines()

    @contextmanager
    def measuring(self) -> Iterator[Callable[[PictureReport], None]]:
        """Say at every tenth how far a picture is measured.

        Yields
        ------
        What takes the report of a part.
        """
        said = 0

        def show(report: PictureReport) -> None:
            nonlocal said
            tenth = 10 * report.done // max(report.spots, 1)
            if tenth > said:
                said = tenth
                self.say(f"Measured the picture at {report.done:,} of {report.spots:,} spots")

        yield show

    @contextmanager
    def download(self) -> Iterator[Callable[[DownloadProgress], None]]:
        """Show the progress of a download, where there is a terminal to show it.

        Yields
        ------
        What takes the progress.
        """
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
        )
        hidden = self._quiet or not self._console.is_terminal
        with Progress(*columns, console=self._console, transient=True, disable=hidden) as bar:
            task = bar.add_task("", total=None)

            def show(progress: DownloadProgress) -> None:
                bar.update(
                    task,
                    description=progress.file,
                    total=progress.total,
                    completed=progress.done,
                )

            yield show

    @contextmanager
    def _bar(self) -> Iterator[Callable[[EpochReport], None]]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task("Preparing", total=None, loss="")

            def show(report: EpochReport) -> None:
                last = report.epoch == report.epochs
                bar.update(
                    task,
                    description="Finding domains" if last else "Training",
                    total=report.epochs,
                    completed=report.epoch,
                    loss=f"loss {report.loss:.4g}",
                )

            yield show

    def _lines(self) -> Callable[[EpochReport], None]:
        seconds = 0.0

        def show(report: EpochReport) -> None:
            nonlocal seconds
            seconds += report.seconds
            to_do = report.epochs - report.epoch
            if report.epoch == 1 or not to_do or report.epoch % max(1, report.epochs // 10) == 0:
                self._write(
                    f"Epoch {report.epoch} of {report.epochs}: loss {report.loss:.4g}, "
                    f"about {seconds / report.epoch * to_do:.0f} s left"
                )

        return show
