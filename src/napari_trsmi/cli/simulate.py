"""``napari-trsmi simulate``: made-up tables of known domains, as files."""

from __future__ import annotations

import shlex
from io import BytesIO
from typing import TYPE_CHECKING

import click

from napari_trsmi.atomic import check_output, make_folder, write_bytes
from napari_trsmi.cli.command import Command
from napari_trsmi.cli.run import SAMPLE
from napari_trsmi.output.tables import write_table

if TYPE_CHECKING:
    from anndata import AnnData

    from napari_trsmi.data.dataset import Modality, TissueImage


@click.command(cls=Command)
@click.option("--setting", default=SAMPLE, show_default=True, help="Which experiment.")
@click.option("--output", "-o", required=True, metavar="FOLDER", help="Made if it is missing.")
@click.option("--n-spots", type=click.IntRange(min=1), help="Number of spots.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
def simulate(setting: str, output: str, n_spots: int | None, seed: int, overwrite: bool) -> None:
    """Write simulated tables, one .h5ad for each modality, and their tissue image.

    The true domains are in obs["domain"].

    \b
    Example:
      napari-trsmi simulate --setting complementary --output simulated
    """
    from napari_trsmi.data.simulated.simulation import simulate as simulated

    data = simulated(setting, n_spots=n_spots, seed=seed)
    folder = make_folder(output)
    tables = [
        (
            check_output(folder / f"{modality.name}.h5ad", overwrite=overwrite, suffixes=[".h5ad"]),
            modality,
        )
        for modality in data.modalities
    ]
    image = check_output(folder / "tissue.png", overwrite=overwrite, suffixes=[".png"])

    for path, modality in tables:
        write_table(_with_spot_diameter(modality, data.spot_diameter), path)
    if data.image is not None:
        write_bytes(image, _png(data.image))

    click.echo(f"Wrote {len(tables)} tables and {image}. Find their domains:", err=True)
    command = ["napari-trsmi", "run", *(f"{modality.name}={path}" for path, modality in tables)]
    command += ["--image", str(image), "--n-domains", str(data.annotations["domain"].nunique())]
    click.echo(shlex.join([*command, "--output", str(folder / "domains.h5ad")]))


def _with_spot_diameter(modality: Modality, diameter: float | None) -> AnnData:
    """Note the diameter where Space Ranger's readers keep it."""
    table = modality.table.copy()
    factors = {"spot_diameter_fullres": diameter}
    table.uns["spatial"] = {"tissue": {"images": {}, "scalefactors": factors}}
    return table


def _png(image: TissueImage) -> bytes:
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(image.pixels).save(buffer, format="png")
    return buffer.getvalue()
