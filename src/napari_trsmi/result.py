"""What a run returns: domains, embedding, and everything needed to repeat it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.errors import InputError
from napari_trsmi.palette import domain_colors, extended_colors, is_hex
from napari_trsmi.scverse.picture import read_picture
from napari_trsmi.scverse.places import KEY, Places
from napari_trsmi.scverse.scales import read_scales

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import TissueImage


def _empty_frame() -> pd.DataFrame:
    return pd.DataFrame()


@dataclass(frozen=True, eq=False)
class TRSMIResult:
    """Domains of a tissue section and how they came about.

    Attributes
    ----------
    domains
        Categorical with string categories, indexed by spot name, length n_spots: ``"1"``,
        ``"2"``, … by decreasing size, unless they have been renamed.
    embedding
        What the domains were found in, ``float32``, shape (n_spots, d).
    confidence
        Share of the views of the tissue that place a spot in its domain (regions), posterior
        probability of its domain (states), or the share of its neighbours in the embedding that
        have the same domain (Leiden); indexed by spot name, in [0, 1].
    modality_weights
        Share of each modality in each spot's embedding (rows sum to 1): the norm of the
        modality's part of it (states: of the fusion's linear map), divided by the sum of these
        norms. Columns are modality names.
    coordinates
        ``float64``, shape (n_spots, 2), columns x and y.
    annotations
        The input's ``obs`` columns, indexed by spot name.
    history
        One row an epoch: loss terms, gate, seconds, memory.
    record
        Parameters, seed, versions, device, input digests and notes; plain JSON types.
    image
        The tissue image, if there is one.
    spot_diameter
        In coordinate units, if known.
    custom_colors
        Hex colours chosen for domains, by name. The others get the palette's, see `colors`.
    domains_by_scale
        Domains at other scales, a categorical column a scale (from 0, states of single spots, to 1,
        regions of tissue), indexed by spot name; no columns if the run found one scale alone. A
        domain has the name of the one in `domains` that it overlaps most.
    confidence_by_scale
        Their confidence, ``float32``.
    """

    domains: pd.Series
    embedding: NDArray[np.float32]
    confidence: pd.Series
    modality_weights: pd.DataFrame
    coordinates: NDArray[np.float64]
    annotations: pd.DataFrame
    history: pd.DataFrame
    record: dict[str, Any]
    image: TissueImage | None = None
    spot_diameter: float | None = None
    custom_colors: Mapping[str, str] = field(default_factory=dict)
    domains_by_scale: pd.DataFrame = field(default_factory=_empty_frame)
    confidence_by_scale: pd.DataFrame = field(default_factory=_empty_frame)

    @property
    def scale(self) -> float | None:
        """The scale of `domains`, from 0 (states) to 1 (regions); None in files of old versions."""
        scale = self.record.get("scale")
        return None if scale is None else float(scale)

    @property
    def scales(self) -> tuple[float, ...]:
        """Scales that `at_scale` can show, increasing."""
        return tuple(self.domains_by_scale.columns.astype(float))

    def at_scale(self, scale: float) -> TRSMIResult:
        """The same run with the domains of another scale.

        Parameters
        ----------
        scale
            From 0 (states of single spots) to 1 (regions of tissue); the nearest of `scales` is
            taken.

        Raises
        ------
        InputError
            If the run found one scale alone.
        """
        if not self.scales:
            raise InputError(
                "This result holds the domains of one scale alone. Run again with all_scales=True."
            )
        nearest = min(self.scales, key=lambda known: abs(known - scale))
        return replace(
            self,
            domains=self.domains_by_scale[nearest].cat.remove_unused_categories().rename(None),
            confidence=self.confidence_by_scale[nearest].astype(np.float64).rename(None),
            custom_colors=extended_colors(
                self.colors, list(self.domains_by_scale[nearest].cat.categories)
            ),
            record={**self.record, "scale": nearest},
        )

    @property
    def n_domains(self) -> int:
        """Number of domains."""
        return len(self.domains.cat.categories)

    @property
    def colors(self) -> dict[str, str]:
        """Hex colour of each domain: the one chosen for it, or the next of the palette."""
        return extended_colors(self.custom_colors, list(self.domains.cat.categories))

    def write_to(self, data: Any, *, key: str = KEY, graphs: bool = True) -> None:
        """Write the run into tables in place, where scanpy, squidpy and muon look.

        Parameters
        ----------
        data
            AnnData; MuData, whose modalities get it too; SpatialData, each table that has spots of
            the run; or a dict of name to AnnData. Spots are matched by name.
        key
            What the run is called there. With ``"trsmi"`` a table gets ``obs["trsmi_domain"]``
            (categories) and their colours in ``uns["trsmi_domain_colors"]``,
            ``obs["trsmi_confidence"]``, ``obs["trsmi_weight_<modality>"]``, ``obsm["X_trsmi"]``,
            the domains' numbers at each scale in ``obsm["trsmi_domain_by_scale"]``, and the record
            in ``uns["trsmi"]``. A table without coordinates or without a picture gets
            those of the run in ``obsm["spatial"]`` and ``uns["spatial"]``.
        graphs
            Whether to write the spatial graph, as squidpy does (``uns["spatial_neighbors"]``; a
            table that has another one keeps it, and the run's is called ``trsmi_spatial``), and the
            graph of similar embeddings, as scanpy does (``neighbors_key="trsmi_neighbors"``):
            that which Leiden clusters, 15 neighbours by cosine, without weights.

        Raises
        ------
        InputError
            If `data` is something else, names spots twice or shares none with the run; nothing has
            been changed then.

        Warns
        -----
        TRSMIWarning
            If spots took no part in the run: they get no domain, and NaN elsewhere.
        """
        from napari_trsmi.scverse.tables import tables_of
        from napari_trsmi.scverse.writing import write_run

        write_run(self, tables_of(data, self.domains.index), key, graphs=graphs)

    def to_anndata(self) -> AnnData:
        """The result as an AnnData that scanpy, squidpy and `from_anndata` understand.

        Returns
        -------
        AnnData
            n_spots x 0, with the annotations and what `write_to` writes but the graphs; with an
            image, ``uns["spatial"]`` as scanpy lays it out.
        """
        from anndata import AnnData

        adata = AnnData(obs=self.annotations.copy(), obsm={"spatial": self.coordinates})
        self.write_to(adata, graphs=False)
        return adata

    @classmethod
    def from_anndata(cls, adata: AnnData, *, key: str = KEY) -> TRSMIResult:
        """The result that `write_to` or `to_anndata` stored.

        Parameters
        ----------
        adata
            The table; spots without a domain are left out.
        key
            What the run is called there.

        Raises
        ------
        InputError
            If `adata` holds no such result.
        """
        places = Places(key)
        missing = [
            place
            for place, found in (
                (f'uns["{key}"]', key in adata.uns),
                (f'obs["{places.domain}"]', places.domain in adata.obs),
                (f'obsm["{places.embedding}"]', places.embedding in adata.obsm),
            )
            if not found
        ]
        if missing:
            raise InputError(
                f"The AnnData holds no TRSMI result: {', '.join(missing)} is missing. "
                "Use a file that napari-trsmi wrote."
            )
        stored = adata.uns[key]
        part = adata.obs[places.domain].notna().to_numpy()
        obs = adata.obs[part]
        modalities = [str(name) for name in stored["modalities"]]
        weights = obs[[places.weight(name) for name in modalities]]
        image, diameter = read_picture(adata, key)
        domains_by_scale, confidence_by_scale = read_scales(adata, part, places)
        return cls(
            domains=obs[places.domain].rename(None),
            embedding=np.asarray(adata.obsm[places.embedding], dtype=np.float32)[part],
            confidence=obs[places.confidence].rename(None),
            modality_weights=weights.set_axis(modalities, axis=1),
            coordinates=np.asarray(adata.obsm["spatial"], dtype=np.float64)[part],
            annotations=obs[[str(name) for name in stored["annotations"]]].copy(),
            history=stored["history"],
            record=json.loads(stored["record"]),
            image=image,
            spot_diameter=diameter if stored.get("diameter_known", True) else None,
            custom_colors=_custom_colors(
                list(obs[places.domain].cat.categories), adata.uns.get(places.colors, ())
            ),
            domains_by_scale=domains_by_scale,
            confidence_by_scale=confidence_by_scale,
        )

    def summary(self) -> dict[str, Any]:
        """A short JSON-ready account of the run, for ``--json`` and logs."""
        sizes = self.domains.value_counts().reindex(self.domains.cat.categories)
        return {
            "n_spots": len(self.domains),
            "n_domains": self.n_domains,
            "sizes": {str(name): int(count) for name, count in sizes.items()},
            "mean_confidence": float(self.confidence.mean()),
            "mean_modality_weights": {
                str(name): float(value) for name, value in self.modality_weights.mean().items()
            },
            "epochs": len(self.history),
            **{
                key: self.record[key]
                for key in ("stopped", "device", "seconds", "notes")
                if key in self.record
            },
        }


def _custom_colors(names: Sequence[str], stored: Sequence[str]) -> dict[str, str]:
    """Return what a file's colours say beyond the palette; other tools may have changed them."""
    if not all(map(is_hex, stored)):  # names of colours: only what draws writes them
        from matplotlib.colors import is_color_like, to_hex

        stored = [to_hex(color) for color in stored if is_color_like(color)]
    if len(stored) != len(names):
        return {}
    colors = dict(zip(names, map(str.lower, stored), strict=True))
    return {} if colors == domain_colors(names) else colors
