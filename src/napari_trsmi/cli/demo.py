"""``napari-trsmi demo``: the main job on the built-in sample, from tables to a picture."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from napari_trsmi.atomic import check_output, make_folder
from napari_trsmi.cli.command import Command
from napari_trsmi.cli.parameters import given
from napari_trsmi.cli.run import SAMPLE
from napari_trsmi.config import Config
from napari_trsmi.output.results import write_result

if TYPE_CHECKING:
    from napari_trsmi.result import TRSMIResult


@click.command(cls=Command)
@click.option(
    "--output",
    "-o",
    default="trsmi-demo",
    show_default=True,
    metavar="FOLDER",
    help="Where the files go; those of an earlier demo are replaced.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--epochs", type=click.IntRange(min=0), help="Training epochs.")
@click.option("--no-window", is_flag=True, help="Do not open napari.")
def demo(output: str, seed: int, epochs: int | None, no_window: bool) -> None:
    """Find the domains of a simulated tissue section, and show them.

    Writes domains.h5ad, domains.csv and domains.png, prints how well the domains agree with the
    true ones, and opens napari if there is a display.
    """
    from napari_trsmi.cli.job import integrate_at_terminal
    from napari_trsmi.cli.score import score_rows
    from napari_trsmi.cli.tables import print_domains, print_scores
    from napari_trsmi.cli.terminal import Terminal
    from napari_trsmi.data.simulated.simulation import simulate
    from napari_trsmi.output.figure import write_figure

    folder = make_folder(output)
    picture = check_output(folder / "domains.png", overwrite=True, suffixes=[".png"])

    terminal = Terminal()
    with terminal.plain_warnings():
        data = simulate(SAMPLE, seed=seed)
        truth = data.annotations["domain"]
        config = Config(n_domains=truth.nunique(), seed=seed, **given({"epochs": epochs}))
        result, _ = integrate_at_terminal(data, config, terminal)

    print_domains(result)
    print_scores(score_rows(truth, result.domains))
    for name in ("domains.h5ad", "domains.csv"):
        click.echo(f"Wrote {write_result(result, folder / name, overwrite=True)}")
    click.echo(f"Wrote {write_figure(result, picture, overwrite=True)}")
    if not no_window and _can_open_windows():
        click.echo("Opening napari; close its window to end.")
        _show(result)


def _can_open_windows() -> bool:
    """Whether there is napari, a Qt binding, and a display to use it on."""
    if not find_spec("napari") or not any(map(find_spec, ("PyQt6", "PySide6"))):
        return False
    if sys.platform in {"darwin", "win32"}:
        return True
    has_display = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return has_display and os.environ.get("QT_QPA_PLATFORM") not in {"offscreen", "minimal"}


def _show(result: TRSMIResult) -> None:
    import napari

    from napari_trsmi.viewer.domains.adding import add_domains

    viewer = napari.Viewer(title="TRSMI demo")
    add_domains(viewer, result)
    napari.run()
