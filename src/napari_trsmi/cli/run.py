"""``napari-trsmi run``: tables in, domains out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from napari_trsmi.atomic import check_output
from napari_trsmi.cli.command import Command
from napari_trsmi.cli.images import named_images
from napari_trsmi.cli.interruption import INTERRUPTED
from napari_trsmi.cli.parameters import CommaList, given, parameter_options
from napari_trsmi.cli.processes import assist, joined
from napari_trsmi.cli.sections import section_files
from napari_trsmi.config import Config
from napari_trsmi.output.results import WHOLE_SUFFIXES, write_result

if TYPE_CHECKING:
    from napari_trsmi.config import Preset
    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.data.section_set import SectionSet

SAMPLE = "tissue"
"""The simulated setting that is the sample data."""


@click.command(cls=Command, params=parameter_options())
@click.argument("tables", nargs=-1, metavar="[TABLE]...")
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="FILE",
    help="Result, .h5ad or .csv; .h5mu brings the tables along.",
)
@click.option(
    "--everything",
    is_flag=True,
    help="Write the counts of the first table into the .h5ad too, for scanpy and squidpy.",
)
@click.option(
    "--sample",
    is_flag=False,
    flag_value=SAMPLE,
    metavar="[SETTING]",
    help=f"Use simulated tables in place of TABLE; without a SETTING '{SAMPLE}'.",
)
@click.option(
    "--features", type=CommaList(str), metavar="NAME,...", help="obsm blocks to use as features."
)
@click.option("--positions", metavar="FILE", help="CSV of spot, x, y, if the tables have none.")
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="[NAME=]FILE",
    help="Tissue image. Of several stains each has a name, as in --image HE=he.tif --image "
    "Ki67=ki67.tif; domains are drawn on the first.",
)
@click.option(
    "--image-scale",
    type=click.FloatRange(min=0, min_open=True),
    help="Image pixels per coordinate unit (Space Ranger's tissue_*_scalef).  [default: 1]",
)
@click.option(
    "--image-features",
    type=click.Choice(["texture"]),
    help="Measure the image at the spots, as one more modality: stains, texture and nuclei.",
)
@click.option(
    "--section",
    "sections",
    multiple=True,
    metavar="NAME",
    help="The section to use, where a table holds several; column=name names its column too, and "
    "'all' takes all spots for one section. Without TABLE, several sections to run together, each "
    "as NAME=FILE,FILE... or NAME=rna=FILE,protein=FILE.",
)
@click.option(
    "--library-key",
    metavar="COLUMN",
    help="Run the sections of a table together: the column that names each spot's section.",
)
@click.option(
    "--bin-size",
    metavar="UM|cells",
    help="Bins of Visium HD, by their side in micrometres, or 'cells'.  [default: 8]",
)
@click.option(
    "--keep",
    type=CommaList(str),
    metavar="WHAT,...",
    help="What is left out otherwise: off_tissue (spots), controls (isotype controls).",
)
@click.option(
    "--at-spots-of",
    metavar="NAME",
    help="Bring all tables to the spots of this one, by position, where they were measured on "
    "different spots of the section.",
)
@click.option("--figure", metavar="FILE", help="Picture of the domains, .png, .svg or .pdf.")
@click.option("--overwrite", is_flag=True, help="Replace output files that are there.")
@click.option(
    "--preset",
    type=click.Choice(["default", "published"]),
    default="default",
    show_default=True,
    help="Where parameters start; published has the paper's settings.",
)
@click.option("--keep-on-interrupt", is_flag=True, help="On Ctrl-C, write what was learned so far.")
@click.option(
    "--checkpoint",
    metavar="DIR",
    help="Folder where the run keeps what it has done, to go on with after an interruption.",
)
@click.option(
    "--resume", is_flag=True, help="Go on with what is in the folder of --checkpoint, if anything."
)
@click.option(
    "--dask",
    "scheduler",
    metavar="SCHEDULER",
    help="Address of a Dask scheduler, as tcp://node1:8786: its workers read and reduce tables, "
    "which stay on the disk.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="No notes and no progress.")
def run(
    tables: tuple[str, ...],
    output: str,
    everything: bool,
    sample: str | None,
    features: tuple[str, ...] | None,
    positions: str | None,
    images: tuple[str, ...],
    image_scale: float | None,
    image_features: str | None,
    sections: tuple[str, ...],
    library_key: str | None,
    bin_size: str | None,
    keep: tuple[str, ...] | None,
    at_spots_of: str | None,
    figure: str | None,
    overwrite: bool,
    preset: Preset,
    keep_on_interrupt: bool,
    checkpoint: str | None,
    resume: bool,
    scheduler: str | None,
    as_json: bool,
    quiet: bool,
    **parameters: object,
) -> None:
    """Find the domains of one tissue section, or of several together.

    TABLE is a path, or name=path as in rna=counts.h5ad: an .h5ad, .h5mu, 10x .h5, CSV or TSV
    file, or the folder of a platform. Spots are matched by name.

    \b
    Example:
      napari-trsmi run rna=rna.h5ad protein=adt.h5ad --n-domains 6 \\
        --output domains.h5ad --figure domains.png
      napari-trsmi run --section s1=rna=a.h5ad,protein=b.h5ad --section s2=rna=c.h5ad \\
        --n-domains 6 --output domains.h5ad

    The first Ctrl-C stops after the current epoch, the second at once.
    """
    ranks = joined()
    if keep_on_interrupt and ranks.size > 1:
        raise click.UsageError("--keep-on-interrupt is for a run in one process: leave it out.")
    if ranks.rank:
        assist(ranks)
        return
    from napari_trsmi.cli.job import integrate_at_terminal
    from napari_trsmi.cli.tables import print_domains, print_json
    from napari_trsmi.cli.terminal import Terminal
    from napari_trsmi.data.cluster import connected

    config = Config.from_preset(preset, **given(parameters))
    image = named_images(images)
    one_by_one = section_files(sections) if not tables and sample is None else {}
    if bool(tables or one_by_one) == (sample is not None):
        raise click.UsageError("Give one or more tables, or --sample for simulated ones.")
    if tables and len(sections) > 1:
        raise click.UsageError(
            "--section picks one section of TABLE. To run sections of a table together name their "
            "column with --library-key; sections in files of their own are given without TABLE."
        )
    if at_spots_of is not None and (one_by_one or library_key is not None):
        raise click.UsageError("--at-spots-of is for the tables of one section.")
    if sections and library_key is not None:
        raise click.UsageError("--section and --library-key exclude each other: give one.")
    if resume and checkpoint is None:
        raise click.UsageError("--resume goes on with a checkpoint: name its --checkpoint DIR.")
    if sample is not None and (features or positions or image):
        raise click.UsageError("--sample brings its own positions and image: give it alone.")
    files = [check_output(output, overwrite=overwrite, suffixes=WHOLE_SUFFIXES)]
    whole = everything or files[0].suffix.lower() == ".h5mu"
    if whole and files[0].suffix.lower() == ".csv":
        raise click.UsageError("--everything has no place in a .csv: give an .h5ad or .h5mu.")
    if figure is not None:
        from napari_trsmi.output.drawing import FIGURE_SUFFIXES

        files.append(check_output(figure, overwrite=overwrite, suffixes=FIGURE_SUFFIXES))

    terminal = Terminal(quiet=quiet)
    data: SpatialOmics | SectionSet
    with terminal.plain_warnings(), connected(scheduler):
        if sample is not None:
            from napari_trsmi.data.simulated.simulation import simulate

            data = simulate(sample, seed=config.seed)
        else:
            from napari_trsmi.data.loading import load
            from napari_trsmi.data.section_loading import load_sections

            how: dict[str, Any] = {"features": features, "positions": positions, "image": image}
            how |= {"image_scale": image_scale, "bin_size": bin_size, "keep": keep or ()}
            with terminal.reading(tables or sections):
                if one_by_one or library_key is not None:
                    data = load_sections(one_by_one or list(tables), library_key=library_key, **how)
                else:
                    how |= {"section": next(iter(sections), None), "at_spots_of": at_spots_of}
                    data = load(list(tables), **how)
        result, interrupted = integrate_at_terminal(
            data,
            config,
            terminal,
            keep=keep_on_interrupt,
            image_features=image_features,
            checkpoint=checkpoint,
            resume=resume,
        )

    with terminal.plain_warnings():  # tables that an .h5ad leaves out
        write_result(result, files[0], dataset=data if whole else None, overwrite=overwrite)
    if figure is not None:
        from napari_trsmi.output.figure import write_figure

        write_figure(result, files[1], overwrite=True)  # checked before the run
    if as_json:
        written = {"output": str(files[0]), "figure": str(files[1]) if figure else None}
        print_json({**result.summary(), "interrupted": interrupted, **written})
    elif not quiet:
        print_domains(result)
    for file in files:
        terminal.say(f"Wrote {file}")
    if interrupted:
        terminal.say(f"Interrupted: this is the result of {len(result.history)} epochs.")
        click.get_current_context().exit(INTERRUPTED)
