"""Domains at every scale, from states of single spots to regions of tissue.

Both are right answers to different questions, and no rule without labels can know which one a
person asks. At 0 the network's embedding Z is clustered, which listens to similar spots wherever
they lie. Above 0 regions are sought in views that reach the further the larger the scale is.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from napari_trsmi.clustering.domains import (
    Domains,
    find_domains,
    matched,
    number_by_size,
    numbered,
)
from napari_trsmi.clustering.leiden import leiden_domains
from napari_trsmi.clustering.regions import (
    ViewMeans,
    adapted_partition,
    agreed_numbers,
    agreed_regions,
    agreement_curve,
)
from napari_trsmi.clustering.views import region_embedding, region_views
from napari_trsmi.errors import InputError
from napari_trsmi.graphs.autocorrelation import autocorrelation_factors
from napari_trsmi.graphs.repeated import between_measurements
from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import scipy.sparse as sp
    import torch
    from numpy.typing import NDArray

    from napari_trsmi.clustering.views import Rows, View
    from napari_trsmi.config import Config
    from napari_trsmi.spots.blocks import Blocks


@dataclass(frozen=True, eq=False)
class Tissue:
    """What regions are sought in.

    Attributes
    ----------
    factors
        `autocorrelation_factors` of each modality.
    spatial
        0/1 spatial graph without self loops, (n_spots, n_spots).
    blocks
        Rows of each section, where there are several: `spatial` has no edge between them.
    measured
        Which section has which modality, shape (n_sections, n_modalities), where there are several.
        Factors that were not measured are predicted.
    noise
        Graph of each modality between whose neighbours its noise is measured; None: `spatial`.
    edges
        What boundaries are placed by, where that is not `factors`: what was measured at the spots
        and not around them.
    portion
        Of the spots, whose rows these are; its halo is that of all graphs here.
    """

    factors: tuple[NDArray[np.float64], ...]
    spatial: sp.csr_array
    blocks: Blocks | None = None
    measured: NDArray[np.bool_] | None = None
    noise: tuple[sp.csr_array, ...] | None = None
    edges: tuple[NDArray[np.float64], ...] | None = None
    portion: Portion = WHOLE

    @classmethod
    def of(
        cls,
        features: Sequence[NDArray[np.floating]],
        spatial: sp.csr_array,
        config: Config,
        *,
        noise: Sequence[sp.csr_array] | None = None,
        at_spots: Sequence[NDArray[np.floating] | None] | None = None,
        portion: Portion = WHOLE,
    ) -> Tissue:
        """Find the factors of each modality.

        Parameters
        ----------
        features
            Of each modality, (n_spots, n_components_m).
        spatial, config
            As of a run.
        noise, portion
            As of the class. Of a portion the graphs are `between_measurements` already, which
            looks at any two spots.
        at_spots
            Of a modality that looked around the spots (a picture's wider discs): the features that
            did not.
        """
        most = max(config.region_factors)
        graphs = list(noise or [spatial] * len(features))
        if portion is WHOLE:
            graphs = [between_measurements(*pair) for pair in zip(features, graphs, strict=True)]
        find = partial(
            autocorrelation_factors, n_factors=most, tiles=config.n_tiles, portion=portion
        )
        with threadpool_limits(1):  # as in `domains_by_scale`
            factors = tuple(find(*pair) for pair in zip(features, graphs, strict=True))
            edges = tuple(
                block if own is None else find(own, spatial)
                for block, own in zip(factors, at_spots or [None] * len(factors), strict=True)
            )
        return cls(factors, spatial, noise=tuple(graphs), edges=edges, portion=portion)

    def only(self, chosen: Sequence[int]) -> Tissue:
        """The same tissue with some of the modalities."""
        return replace(
            self,
            factors=tuple(self.factors[place] for place in chosen),
            measured=None if self.measured is None else self.measured[:, list(chosen)],
            noise=None if self.noise is None else tuple(self.noise[place] for place in chosen),
            edges=None if self.edges is None else tuple(self.edges[place] for place in chosen),
        )

    def hops_at(self, scale: float, config: Config) -> tuple[int, ...]:
        """Reaches of the views at a scale above 0, see `hops_at`."""
        n_spots = self.portion.n_spots(self.spatial.shape[0])
        if self.blocks is not None:
            n_spots = int(np.median(self.blocks.sizes))
        return hops_at(scale, config.region_hops, n_spots)

    @property
    def measured_rows(self) -> list[Rows] | None:
        """Rows where each modality was measured; None of one section."""
        if self.blocks is None or self.measured is None:
            return None
        return [self.blocks.rows(has) for has in self.measured.T]

    @property
    def measured_axes(self) -> NDArray[np.bool_] | None:
        """Which axes were measured in which section, (n_sections, n_axes); None of one."""
        if self.measured is None:
            return None
        return np.repeat(self.measured, [block.shape[1] for block in self.factors], axis=1)


_REACHES = (1, 3 / 4, 1 / 2, 3 / 8, 1 / 4, 3 / 16)
"""Of the widest: so many that one more or less hardly changes what they agree on."""


def hops_at(scale: float, widest: int, n_spots: int) -> tuple[int, ...]:
    """Reaches of the views at a scale above 0, in hops, increasing.

    They go from the widest to a fifth of it, and the widest is halved with each quarter that the
    scale lies below 1. It is at most a third of the tissue's side, √n_spots, so that no view spans
    the whole of a small section.
    """
    most = min(widest, n_spots**0.5 / 3) * 2.0 ** (4 * (scale - 1))
    return tuple(sorted({max(1, round(share * most)) for share in _REACHES}))


def domains_by_scale(
    states: NDArray[np.floating] | None,
    tissue: Tissue,
    config: Config,
    *,
    device: torch.device | None = None,
    check: Callable[[], None] = lambda: None,
) -> dict[float, Domains]:
    """Domains at every scale of `config`, the run's own first.

    Parameters
    ----------
    states
        The network's Z, shape (n_spots, d); None if the scale 0 is not among those asked for.
    tissue
        Where regions are sought.
    config
        Scales, number of domains, clustering, seed. A number that is chosen is chosen at the run's
        own scale, and kept at the others.
    device
        Where states are clustered; the CPU if None.
    check
        Called between the steps of the work; what it raises ends it.

    Returns
    -------
    dict
        `Domains` by scale. Numbers are by decreasing size at the run's own scale, and at the
        others those of the run's domains that they overlap most.

    Raises
    ------
    InputError
        If there are fewer spots than domains, or Leiden finds no such number.
    """
    # spots by axes: a second thread costs many times what it saves, and most while others work
    with threadpool_limits(1):
        return _domains_by_scale(states, tissue, config, device, check)


def _domains_by_scale(
    states: NDArray[np.floating] | None,
    tissue: Tissue,
    config: Config,
    device: torch.device | None,
    check: Callable[[], None],
) -> dict[float, Domains]:
    own = config.own_scale
    portion = tissue.portion
    means = ViewMeans(config.seed, portion)
    found: dict[float, Domains] = {}
    if own == 0:
        assert states is not None  # noqa: S101
        found[own] = find_domains(states, config, device=device, check=check, portion=portion)
    elif config.clustering == "leiden":
        found[own] = _leiden(own, tissue, config, check)
    else:
        found[own] = (
            _agreed_number_of_regions(own, tissue, config, means, check)
            if config.n_domains == "auto"
            else _regions((own,), tissue, config, means, check)[own]
        )
    own_domains = found[own]
    config = config.replace(n_domains=max(2, _most(own_domains, tissue)))
    others = [scale for scale in config.scales if scale != own]
    above = [scale for scale in others if scale > 0]
    with suppress(InputError):  # Leiden may find no such number there: then without that scale
        if 0 in others:
            assert states is not None  # noqa: S101
            found[0.0] = find_domains(states, config, device=device, check=check, portion=portion)
    if config.clustering == "leiden":
        for scale in above:
            with suppress(InputError):
                found[scale] = _leiden(scale, tissue, config, check)
    elif above:
        found |= _regions(above, tissue, config, means, check)
    return {own: own_domains} | {
        scale: replace(
            found[scale], labels=matched(found[scale].labels, own_domains.labels, portion)
        )
        for scale in others
        if scale in found
    }


def _most(domains: Domains, tissue: Tissue) -> int:
    """The last number of the domains."""
    return tissue.portion.largest(int(domains.labels.max(initial=0)))


def _views(
    tissue: Tissue, scales: Sequence[float], config: Config, check: Callable[[], None]
) -> Iterator[View]:
    return region_views(
        tissue.factors,
        tissue.spatial,
        hops=sorted({hops for scale in scales for hops in tissue.hops_at(scale, config)}),
        n_factors=config.region_factors,
        measured=tissue.measured_rows,
        noise=tissue.noise,
        check=check,
        portion=tissue.portion,
    )


def _agreed_number_of_regions(
    scale: float,
    tissue: Tissue,
    config: Config,
    means: ViewMeans,
    check: Callable[[], None],
) -> Domains:
    """As many regions as views agree on, and as outlive the sharpening of their boundaries.

    A band along a boundary that averages make, and all views agree on, does not.
    """
    curve = agreement_curve(
        _views(tissue, (scale,), config, check),
        means,
        smallest=config.min_domains,
        largest=config.max_domains,
        check=check,
    )
    for wanted in agreed_numbers(curve):
        own = config.replace(n_domains=wanted)
        found = _regions((scale,), tissue, own, means, check)[scale]
        if _most(found, tissue) == wanted:
            break
    return replace(found, curve=curve)


def _regions(
    scales: Sequence[float],
    tissue: Tissue,
    config: Config,
    means: ViewMeans,
    check: Callable[[], None],
) -> dict[float, Domains]:
    wanted = int(config.n_domains)
    partitions = []
    for view in _views(tissue, scales, config, check):
        labels = means.partition(view, wanted)
        if tissue.blocks is not None and tissue.measured is not None:
            labels = adapted_partition(view, labels, tissue.blocks, tissue.measured)
        # a byte a spot and view: there are more than a hundred views
        partitions.append((view.hops, labels.astype(np.min_scalar_type(wanted))))
    scores = np.hstack(tissue.edges or tissue.factors)
    found = {}
    for scale in scales:
        reaches = tissue.hops_at(scale, config)
        regions = agreed_regions(
            [labels for hops, labels in partitions if hops in reaches],
            scores,
            tissue.spatial,
            seed=config.seed,
            blocks=tissue.blocks,
            own_axes=tissue.measured_axes,
            check=check,
            portion=tissue.portion,
        )
        labels = numbered(regions.labels, tissue.portion)
        found[scale] = Domains(labels, regions.confidence, None)
    return found


def _leiden(scale: float, tissue: Tissue, config: Config, check: Callable[[], None]) -> Domains:
    wanted = None if config.n_domains == "auto" else int(config.n_domains)
    portion = tissue.portion
    labels, confidence = leiden_domains(
        portion.all_rows(embedding_at(scale, None, tissue, config)),
        n_domains=wanted,
        resolution=config.leiden_resolution,
        seed=config.seed,
        check=check,
    )
    own = portion.part(number_by_size(labels))
    return Domains(own, portion.part(confidence), None)


def embedding_at(
    scale: float, states: NDArray[np.floating] | None, tissue: Tissue, config: Config
) -> NDArray[np.floating]:
    """What domains at a scale are found in.

    Returns
    -------
    ndarray
        Z at scale 0; above, the axes of all modalities side by side as the middle view sees them,
        shape (n_spots, n_axes).
    """
    if scale == 0:
        assert states is not None  # noqa: S101
        return states
    reaches = tissue.hops_at(scale, config)
    return region_embedding(
        tissue.factors,
        tissue.spatial,
        hops=reaches[len(reaches) // 2],
        measured=tissue.measured_rows,
        noise=tissue.noise,
        portion=tissue.portion,
    )


def modality_shares(tissue: Tissue, embedding: NDArray[np.floating]) -> NDArray[np.float64]:
    """Share of each modality in each spot's embedding: the norm of its part over their sum.

    Parameters
    ----------
    tissue
        What the embedding is of.
    embedding
        From `embedding_at`.

    Returns
    -------
    ndarray
        Shape (n_spots, n_modalities), rows sum to 1; 0 where a modality was not measured.
    """
    ends = np.cumsum([block.shape[1] for block in tissue.factors])[:-1]
    norms = np.column_stack(
        [np.linalg.norm(part, axis=1) for part in np.split(embedding, ends, axis=1)]
    )
    even = np.full_like(norms, 1 / norms.shape[1])
    if tissue.blocks is not None and tissue.measured is not None:
        has = np.repeat(tissue.measured, tissue.blocks.sizes, axis=0)
        norms, even = norms * has, has / has.sum(axis=1, keepdims=True)
    total = norms.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = np.divide(norms, total, out=even, where=total > 0)
    return shares
