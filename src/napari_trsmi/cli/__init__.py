"""The command line, ``napari-trsmi``.

Only the command that runs imports what it needs, so that ``--help`` comes at once.
"""

from __future__ import annotations

import click

from napari_trsmi.cli import demo, run, score, simulate


@click.group()
@click.version_option(package_name="napari-trsmi")
def main() -> None:
    """Find the domains of a tissue section from its spatial multi-omics tables.

    \b
    Try it on the built-in sample:    napari-trsmi demo
    Run it on your own tables:        napari-trsmi run --help
    """


for command in (run.run, score.score, simulate.simulate, demo.demo):
    main.add_command(command)
