"""What a run works on: loaded tables, measured pictures, features, graphs and axes of tissue."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
import torch

from napari_trsmi.clustering.scale import Tissue
from napari_trsmi.clustering.trust import AXES, trusted
from napari_trsmi.data.dataset import Kind, Modality, SpatialOmics
from napari_trsmi.data.loading import load
from napari_trsmi.data.section_loading import are_sections, load_sections
from napari_trsmi.data.section_set import SectionSet
from napari_trsmi.data.wording import listed
from napari_trsmi.dealing import Ordered, receive
from napari_trsmi.errors import InputError
from napari_trsmi.graphs.lagged import lagged_graph
from napari_trsmi.graphs.neighbors import spatial_graph
from napari_trsmi.joint.preparing import joint_problem
from napari_trsmi.prepared import Prepared
from napari_trsmi.preprocessing import feature_matrix
from napari_trsmi.preprocessing.image.modality import REACH, iter_with_image, own_footprint
from napari_trsmi.preprocessing.image.picture import Picture
from napari_trsmi.preprocessing.image.recipes import recipes_of
from napari_trsmi.spots.order import canonical_order, clustered_order
from napari_trsmi.spots.ranks import ALONE, Ranks
from napari_trsmi.training.checkpoint import Checkpoint, Kept
from napari_trsmi.training.embedder import TorchEmbedder
from napari_trsmi.training.needs import Needs, needs_of
from napari_trsmi.training.report import Phase, PictureReport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_trsmi.config import Config
    from napari_trsmi.data.loading import Tables
    from napari_trsmi.data.section_loading import Sections
    from napari_trsmi.preprocessing.image.recipe import ImageFeatures
    from napari_trsmi.training.report import Steps


def loaded(
    tables: Tables | Sections | SpatialOmics | SectionSet,
    library_key: str | None,
    how: dict[str, Any],
) -> SpatialOmics | SectionSet:
    """Load what was passed, unless it is loaded already.

    Parameters
    ----------
    tables, library_key
        See `integrate`.
    how
        The other arguments of `integrate` that say how to load; ``section`` and ``at_spots_of``
        are taken out for several sections.

    Raises
    ------
    InputError
        If the tables cannot be used, or are loaded already and are to be loaded otherwise.
    """
    if isinstance(tables, SpatialOmics | SectionSet):
        _check_loaded({**how, "library_key": library_key})
        return tables
    if library_key is None and not are_sections(tables):
        return load(tables, **how)
    if how.pop("section") is not None:
        raise InputError(
            "section= picks one section, and several are to be run together. Leave one of the two "
            "out."
        )
    if how.pop("at_spots_of") is not None:
        raise InputError(
            "at_spots_of= brings the tables of one section to the same spots, and several are to "
            "be run together. Leave it out, and load each section with it first."
        )
    if library_key is None and isinstance(tables, Mapping) and len(tables) == 1:
        raise InputError(
            f"One section is given, {next(iter(tables))!r}. Pass its tables alone, or add another."
        )
    return load_sections(tables, library_key=library_key, **how)


def iter_prepared(
    dataset: SpatialOmics | SectionSet | None,
    config: Config,
    check: Callable[[], None],
    checkpoint: Checkpoint | None = None,
    ranks: Ranks = ALONE,
) -> Steps[Prepared]:
    """Features, graphs and axes of what is run, and which modalities take part.

    Parameters
    ----------
    dataset
        One section, or several together; None in processes that are dealt a portion of it.
    config
        Parameters of the run.
    check
        Called between the steps of the work; what it raises ends it.
    checkpoint
        Where the components of each table are kept, and what is made of them; of several sections
        nothing is, as they are worked on together from the start.
    ranks
        The processes of the run. Each returns what is of its own spots.

    Yields
    ------
    The phases.
    """
    checkpoint = checkpoint or Checkpoint()
    yield Phase.PREPROCESSING
    if isinstance(dataset, SectionSet):
        joint = joint_problem(dataset, config, check)
        yield Phase.GRAPHS
        tissue = Tissue(joint.factors, joint.spatial, joint.blocks, joint.measured)
        return Prepared(
            joint.order, joint.components, joint.spatial, joint.notes, tissue, joint=joint
        )
    name = "graphs" if ranks.size == 1 else f"graphs-{ranks.rank}-of-{ranks.size}"
    done = checkpoint.read(name)
    if int(ranks.sum(np.array([done is not None], dtype=np.int64))[0]) == ranks.size:
        assert done is not None  # noqa: S101
        yield Phase.GRAPHS
        return Prepared.of_kept(done, ranks)
    if dataset is None:
        found = _prepared(receive(ranks), config, check, ranks)
    else:
        first, order, notes = yield from _iter_ordered(dataset, config, check, checkpoint)
        found = _prepared(first.dealt(ranks), config, check, ranks, dataset, order, notes)
    if checkpoint.is_kept:  # on with what a run that is resumed would read
        return Prepared.of_kept(checkpoint.keep(name, found.kept()), ranks)
    return found


def _iter_ordered(
    dataset: SpatialOmics, config: Config, check: Callable[[], None], checkpoint: Checkpoint
) -> Steps[tuple[Ordered, NDArray[np.int64], list[str]]]:
    """Tables reduced, spots in the order of the run, and their graphs in space."""
    order = canonical_order(dataset.coordinates, dataset.spots)
    components: list[NDArray[np.float32]] = []
    at_spots: list[NDArray[np.float32] | None] = []
    notes: list[str] = []
    for number, modality in enumerate(dataset.modalities, start=1):
        check()
        kept = checkpoint.kept(
            f"components-{number}", partial(_components, modality, order, config)
        )
        components.append(kept.arrays["components"])
        at_spots.append(kept.arrays.get("at_spots"))
        notes += kept.told["notes"]
    # by the tables, so that a picture that is left out leaves everything as it was
    clustered = clustered_order(_of_tables(dataset, components), seed=config.seed)
    components = [block[clustered] for block in components]
    order = order[clustered]
    yield Phase.GRAPHS
    places = dataset.coordinates[order]
    spatial = spatial_graph(places, config.spatial_neighbors)
    check()
    noise = [
        lagged_graph(places, float(modality.table.uns.get(REACH, 0)), spatial)
        for modality in dataset.modalities
    ]
    own = [None if block is None else block[clustered] for block in at_spots]
    return Ordered(components, own, spatial, noise), order, notes


def _prepared(
    ordered: Ordered,
    config: Config,
    check: Callable[[], None],
    ranks: Ranks,
    dataset: SpatialOmics | None = None,
    order: NDArray[np.int64] | None = None,
    notes: Sequence[str] = (),
) -> Prepared:
    """Axes of the tissue, and which modalities take part; the first process knows what they are."""
    components, spatial = ordered.components, ordered.spatial
    tissue = Tissue.of(
        components,
        spatial,
        config,
        noise=ordered.noise,
        at_spots=ordered.at_spots,
        portion=ordered.portion,
    )
    check()
    used = list(range(len(components)))
    scores: dict[str, float] = {}
    said: list[str] = []
    pictures = dataset is not None and any(m.kind is Kind.IMAGE for m in dataset.modalities)
    if ranks.told(pictures):
        factors = [ordered.portion.at_first(block[:, :AXES]) for block in tissue.factors]
        if dataset is not None and order is not None:
            places = dataset.coordinates[order]
            used, scores, said = trusted(dataset.modalities, factors, places)
        used = ranks.told(used)
    order = np.empty(0, dtype=np.int64) if order is None else order
    notes = [*notes, *said]
    if len(used) == len(components):
        return Prepared(order, components, spatial, notes, tissue, pictures=scores)
    chosen = [components[place] for place in used]
    return Prepared(order, chosen, spatial, notes, tissue.only(used), used, scores)


def _components(modality: Modality, order: NDArray[np.int64], config: Config) -> Kept:
    """The feature matrix of a table; only its spots in this order are held meanwhile."""
    ordered = modality.in_order(order)
    block, said = feature_matrix(ordered, config)
    own = _at_spots(ordered, config)
    arrays = {"components": block} | ({} if own is None else {"at_spots": own})
    return Kept(arrays, {"notes": said})


_COPIES = {Kind.RNA: 3, Kind.FEATURES: 3, Kind.CHROMATIN: 6}
"""Of a table in memory, while components are made of it; of other kinds, whose tables become
dense and of double precision, 8 of the dense one."""
_DENSE_COPIES = 8
_CHUNKS = 250_000_000
"""Bytes of what it takes for a table that is read in parts."""


def needs_of_run(dataset: SpatialOmics | SectionSet, config: Config, ranks: Ranks = ALONE) -> Needs:
    """What memory a run needs on this machine, and in how many tiles it fits what is free."""
    tables = [dataset] if isinstance(dataset, SpatialOmics) else dataset.sections.values()
    work = max(_work(modality) for section in tables for modality in section.modalities)
    widths = [min(m.table.n_vars, config.n_components) for m in dataset.modalities]
    n_spots = -(-dataset.n_spots * ranks.here // ranks.size)
    return needs_of(n_spots, widths, config, work=work)


def _work(modality: Modality) -> int:
    """About how many bytes it takes to make components of a table."""
    if modality.stored is not None:
        return _CHUNKS
    if modality.kind in _COPIES:
        return _COPIES[modality.kind] * _n_bytes(modality.table.X)
    return int(_DENSE_COPIES * np.dtype(np.float32).itemsize * math.prod(modality.table.shape))


def _n_bytes(matrix: Any) -> int:
    parts = (getattr(matrix, name, None) for name in ("data", "indices", "indptr"))
    if sp.issparse(matrix):
        return sum(part.nbytes for part in parts if part is not None)
    return int(getattr(matrix, "nbytes", 0))


def iter_measured(
    dataset: SpatialOmics | SectionSet,
    image_features: str | Mapping[str, Any] | ImageFeatures,
    device: torch.device,
    check: Callable[[], None],
) -> Steps[SpatialOmics]:
    """Measure the pictures of a section, each of which becomes one of its modalities.

    Parameters
    ----------
    dataset
        With pictures.
    image_features
        See `integrate`.
    device
        Where a model of the user's sees the patches.
    check
        As for `iter_prepared`.

    Yields
    ------
    A `PictureReport` after each part.

    Raises
    ------
    InputError
        If a picture cannot be measured, or several sections are run together.
    """
    if isinstance(dataset, SectionSet):
        raise InputError(
            "image_features= measures the picture of one section, and several are run together. "
            "Leave it out, or run the sections one by one."
        )
    section, written = dataset, {}
    for name, recipe in recipes_of(image_features, section).items():
        written[name] = recipe.written()
        if isinstance(recipe.embed, torch.nn.Module):
            recipe = replace(recipe, embed=TorchEmbedder(recipe.embed, device))
        picture = None
        if name in section.further_images and recipe.picture is None:
            picture = Picture.of_tissue(section.further_images[name], name)
        measuring = iter_with_image(section, recipe, picture, check=check)
        while True:
            try:
                done, spots = next(measuring)
            except StopIteration as finished:
                section = finished.value
                break
            yield PictureReport(done, spots)
    if len(written) == 1:
        return section  # says itself what was measured
    known = None if None in written.values() else written
    return replace(section, load_arguments={**section.load_arguments, "image_features": known})


def _check_loaded(how: dict[str, Any]) -> None:
    given = [name for name, value in how.items() if value is not None and not _is_empty(value)]
    if given:
        raise InputError(
            f"The tables are loaded already, so {listed(given)} can change nothing. Pass "
            f"{'it' if len(given) == 1 else 'them'} to load, or pass the tables themselves."
        )


def _is_empty(value: object) -> bool:
    return isinstance(value, str | tuple | list) and not value


def _of_tables(
    dataset: SpatialOmics, components: list[NDArray[np.float32]]
) -> list[NDArray[np.float32]]:
    pairs = zip(dataset.modalities, components, strict=True)
    return [block for modality, block in pairs if modality.kind is not Kind.IMAGE] or components


def _at_spots(modality: Modality, config: Config) -> NDArray[np.float32] | None:
    """Return the components of what a picture shows at the spots and not around them."""
    own = own_footprint(modality)
    return None if own is None else feature_matrix(own, config)[0]
