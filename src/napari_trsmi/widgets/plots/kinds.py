"""The plots that the dock offers: what each is called, what it asks for, and who draws it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from napari_trsmi.analysis.plots.markers import Style
    from napari_trsmi.analysis.plots.plot import Plot
    from napari_trsmi.data.dataset import Modality, SpatialOmics
    from napari_trsmi.result import TRSMIResult

DOMAIN, OTHER, LABELS, TABLE, SETS, FEATURES, LINE, REACH = (
    "domain",
    "other",
    "labels",
    "table",
    "sets",
    "features",
    "line",
    "reach",
)
"""What a plot may ask for."""


@dataclass(frozen=True, eq=False)
class Request:
    """What was chosen.

    Attributes
    ----------
    result, dataset
        The run as it is now, and its tables if the layer carries them.
    domain, other
        Names of domains.
    labels
        Other labels of the spots, and what they are called; None for none.
    label_colors
        Colours of these labels, if they are another run's.
    table
        Name of a table.
    features
        Typed names, or those of a set.
    sets
        Features of each set of a file, if all are asked for.
    line
        A line drawn across the tissue, columns x and y in coordinates; None for none.
    reach
        In micrometres or coordinate units; None for the plot's own.
    """

    result: TRSMIResult
    dataset: SpatialOmics | None = None
    domain: str = ""
    other: str = ""
    labels: tuple[str, pd.Series] | None = None
    label_colors: dict[str, str] | None = None
    table: str = ""
    features: tuple[str, ...] = ()
    sets: Mapping[str, tuple[str, ...]] | None = None
    line: NDArray[np.float64] | None = None
    reach: float | None = None

    @property
    def tables(self) -> SpatialOmics:
        """The tables.

        Raises
        ------
        InputError
            If the layer carries none.
        """
        if self.dataset is None:
            raise InputError("This layer carries no tables. Open the section with its tables.")
        return self.dataset

    @property
    def modality(self) -> Modality:
        """The table that was chosen."""
        return self.tables.modalities[self.tables.names.index(self.table)]


@dataclass(frozen=True, eq=False)
class Kind:
    """A plot that is offered.

    Attributes
    ----------
    name
        What it is called.
    about
        What it answers.
    asks
        What it asks for.
    draw
        Draws it; runs in a thread.
    """

    name: str
    about: str
    asks: tuple[str, ...]
    draw: Callable[[Request], Plot]


def _composition(asked: Request) -> Plot:
    from napari_trsmi.analysis.plots.composition import composition

    if asked.labels is None:
        return composition(asked.result)
    called, labels = asked.labels
    return composition(asked.result, labels, called=called)


def _confidence(asked: Request) -> Plot:
    from napari_trsmi.analysis.plots.composition import confidence

    return confidence(asked.result)


def _enrichment(asked: Request) -> Plot:
    from napari_trsmi.analysis.plots.neighbours import enrichment

    return enrichment(asked.result)


def _co_occurring(asked: Request) -> Plot:
    from napari_trsmi.analysis.plots.neighbours import co_occurring

    return co_occurring(asked.result, asked.domain)


def _varying(asked: Request) -> Plot:
    from napari_trsmi.analysis.plots.neighbours import varying

    return varying(asked.tables, asked.result, asked.table)


def _river(asked: Request) -> Plot:
    from napari_trsmi.analysis.plots.river import river

    if asked.labels is None:
        raise InputError("Choose another run or an annotation to compare with.")
    called, labels = asked.labels
    return river(asked.result, labels, called=("this run", called), other_colors=asked.label_colors)


def _profile(asked: Request) -> Plot:
    from napari_trsmi.analysis.plots.boundary import profile

    return profile(
        asked.result,
        asked.modality,
        asked.domain,
        asked.other,
        line=asked.line,
        reach=asked.reach,
        features=asked.features,
    )


def _geometry(asked: Request) -> Plot:
    from napari_trsmi.analysis.plots.boundary import geometry

    return geometry(asked.result)


def _markers(style: Style) -> Callable[[Request], Plot]:
    def draw(asked: Request) -> Plot:
        from napari_trsmi.analysis.plots.markers import all_markers

        return all_markers(
            asked.tables, asked.result, asked.table, style=style, features=asked.features
        )

    return draw


def _one_against_another(asked: Request) -> Plot:
    from napari_trsmi.analysis.plots.markers import one_against_another

    return one_against_another(asked.tables, asked.result, asked.table, asked.domain, asked.other)


def _gene_set(asked: Request) -> Plot:
    from napari_trsmi.analysis.plots.gene_sets import gene_set, gene_sets

    if asked.sets is not None:
        return gene_sets(asked.tables, asked.result, asked.table, asked.sets)
    if not asked.features:
        raise InputError(
            "Type the features of the set, separated by commas or spaces, or load a GMT file."
        )
    return gene_set(asked.tables, asked.result, asked.table, asked.features)


PROFILE, RIVER, DOT_PLOT = "Boundary profile", "River between two labellings", "Markers: dot plot"

KINDS = (
    Kind("Composition", "Share of the spots that each domain has", (LABELS,), _composition),
    Kind("Confidence", "How sure the spots of each domain are of it", (), _confidence),
    Kind("Neighbourhoods", "Which domains lie beside which, against chance", (), _enrichment),
    Kind("Co-occurrence", "How far domains reach around one of them", (DOMAIN,), _co_occurring),
    Kind(
        "What varies in space",
        "Which features are alike in neighbouring spots (Moran's I)",
        (TABLE,),
        _varying,
    ),
    Kind(RIVER, "Which spots go where in another run or an annotation", (LABELS,), _river),
    Kind(
        PROFILE,
        "What changes across the boundary of two domains, and how sharply",
        (DOMAIN, OTHER, TABLE, FEATURES, LINE, REACH),
        _profile,
    ),
    Kind(
        "Areas and interfaces",
        "Area and perimeter of each domain, and how long it borders each other one",
        (),
        _geometry,
    ),
    Kind(
        DOT_PLOT,
        "Markers of all domains: colour is the mean, size the share of spots",
        (TABLE, FEATURES),
        _markers("dot plot"),
    ),
    Kind(
        "Markers: heat map",
        "Markers of all domains: means, scaled by feature",
        (TABLE, FEATURES),
        _markers("heat map"),
    ),
    Kind(
        "Markers: violins",
        "Markers of all domains: how their values spread. Takes longest",
        (TABLE, FEATURES),
        _markers("violins"),
    ),
    Kind(
        "Markers: one against another",
        "What is higher in one domain than in another",
        (DOMAIN, OTHER, TABLE),
        _one_against_another,
    ),
    Kind(
        "Gene set",
        "One score of several features for every spot (scanpy), or all sets of a GMT file",
        (TABLE, SETS, FEATURES),
        _gene_set,
    ),
)
