"""``napari-trsmi score``: how well domains agree with known labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from napari_trsmi.cli.command import Command
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from napari_trsmi.analysis.metrics import Scores

_LISTED = 20


@click.command(cls=Command)
@click.argument("result", metavar="RESULT")
@click.option("--labels", required=True, metavar="COLUMN", help="Column of the known labels.")
@click.option(
    "--reference", metavar="FILE", help="Where the labels are, .h5ad, CSV or TSV  [default: RESULT]"
)
@click.option(
    "--key", default="trsmi_domain", show_default=True, help="Column of the domains in RESULT."
)
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def score(result: str, labels: str, reference: str | None, key: str, as_json: bool) -> None:
    """Score the domains in RESULT (.h5ad or .csv) against known labels.

    Prints the nine published metrics and their four averages, all x100, beside answers that
    know nothing of the tissue. MI is in nats and not bounded by 100, so neither is
    Overall-Avg: compare it within one data set only.

    \b
    Example:
      napari-trsmi score domains.h5ad --labels domain
      napari-trsmi score domains.h5ad --labels layer --reference annotated.csv
    """
    from napari_trsmi.cli.tables import print_json, print_scores

    domains = _column(Path(result), key)
    known = _column(Path(reference or result), labels)
    rows = score_rows(known, domains)
    scored = rows["domains"]
    if as_json:
        counts = {
            name: getattr(scored, name) for name in ("n_spots", "n_unlabelled", "n_unmatched")
        }
        print_json({**counts, **{name: row.as_dict() for name, row in rows.items()}})
        return
    print_scores(rows)
    click.echo(
        f"{scored.n_spots:,} spots scored, {scored.n_unlabelled:,} without a label, "
        f"{scored.n_unmatched:,} in only one of the two.",
        err=True,
    )


def score_rows(labels: pd.Series, domains: pd.Series) -> dict[str, Scores]:
    """Score domains, and the answers that they should be read against.

    Parameters
    ----------
    labels, domains
        Indexed by spot name.

    Returns
    -------
    Scores of ``domains``, ``one domain``, ``permuted labels`` and ``random domains``, all over
    the same spots.
    """
    from napari_trsmi.analysis import metrics

    scored = metrics.score(labels, domains)
    domains = domains.dropna()
    same_spots = labels[labels.index.isin(domains.index)]
    return {
        "domains": scored,
        **metrics.degenerate_scores(same_spots, n_domains=domains.nunique()),
    }


def _column(path: Path, name: str) -> pd.Series:
    """Read one column of spot annotations, indexed by spot name."""
    obs = _annotations(path.expanduser())
    if name not in obs:
        there = ", ".join(map(repr, obs.columns[:_LISTED])) or "none"
        raise InputError(f"{path} has no column {name!r}. Its columns: {there}.")
    return obs[name].set_axis(obs.index.astype(str))


def _annotations(path: Path) -> pd.DataFrame:
    import h5py
    import pandas as pd
    from anndata.io import read_elem

    from napari_trsmi.data.reading.guard import guarded

    with guarded(path):
        if not h5py.is_hdf5(path):
            separator = "," if path.suffix.lower() == ".csv" else "\t"
            return pd.read_csv(path, sep=separator, index_col=0)
        with h5py.File(path) as file:
            if "obs" not in file:
                raise InputError(f"{path} is no .h5ad file: it has no obs. Pass one that has.")
            obs: pd.DataFrame = read_elem(file["obs"])
    return obs
