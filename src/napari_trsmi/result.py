"""What a run returns: domains, embedding, and everything needed to repeat it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.errors import InputError
from napari_trsmi.palette import domain_colors, extended_colors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray

KEY = "trsmi"
DOMAIN = f"{KEY}_domain"
CONFIDENCE = f"{KEY}_confidence"
EMBEDDING = f"X_{KEY}"


@dataclass(frozen=True, eq=False)
class TRSMIResult:
    """Domains of a tissue section and how they came about.

    Attributes
    ----------
    domains
        Categorical with string categories, indexed by spot name, length n_spots: ``"1"``,
        ``"2"``, … by decreasing size, unless they have been renamed.
    embedding
        ``float32``, shape (n_spots, embedding_dim).
    confidence
        Posterior probability of each spot's domain (mixture), or the share of its neighbours in
        the embedding that have the same domain (Leiden); indexed by spot name, in [0, 1].
    modality_weights
        Share of each modality in each spot's embedding (rows sum to 1): the norm of the
        modality's part of the fusion's linear map, divided by the sum of these norms.
        Columns are modality names.
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

    @property
    def n_domains(self) -> int:
        """Number of domains."""
        return len(self.domains.cat.categories)

    @property
    def colors(self) -> dict[str, str]:
        """Hex colour of each domain: the one chosen for it, or the next of the palette."""
        return extended_colors(self.custom_colors, list(self.domains.cat.categories))

    def to_anndata(self) -> AnnData:
        """The result as an AnnData that scanpy, squidpy and `from_anndata` understand.

        Returns
        -------
        AnnData
            n_spots x 0, with ``obs["trsmi_domain"]``, ``obs["trsmi_confidence"]``,
            ``obs["trsmi_weight_<modality>"]``, ``obsm["X_trsmi"]``, ``obsm["spatial"]``,
            ``uns["trsmi_domain_colors"]``, ``uns["trsmi"]`` and, with an image,
            ``uns["spatial"]`` as scanpy lays it out.
        """
        from anndata import AnnData

        obs = self.annotations.copy()
        obs[DOMAIN] = self.domains
        obs[CONFIDENCE] = self.confidence
        for name in self.modality_weights:
            obs[f"{KEY}_weight_{name}"] = self.modality_weights[name]
        adata = AnnData(obs=obs, obsm={EMBEDDING: self.embedding, "spatial": self.coordinates})
        adata.uns[f"{DOMAIN}_colors"] = list(self.colors.values())
        adata.uns[KEY] = {
            "record": json.dumps(self.record),
            "history": self.history,
            "modalities": np.array(list(self.modality_weights), dtype=object),
            "annotations": np.array(list(self.annotations), dtype=object),
        }
        scalefactors: dict[str, float] = {}
        images: dict[str, NDArray[np.uint8]] = {}
        if self.spot_diameter is not None:
            scalefactors["spot_diameter_fullres"] = self.spot_diameter
        if self.image is not None:
            scalefactors["tissue_hires_scalef"] = self.image.scale
            images["hires"] = self.image.pixels
        if scalefactors:
            adata.uns["spatial"] = {KEY: {"images": images, "scalefactors": scalefactors}}
        return adata

    @classmethod
    def from_anndata(cls, adata: AnnData) -> TRSMIResult:
        """The result that `to_anndata` stored.

        Raises
        ------
        InputError
            If `adata` holds no TRSMI result.
        """
        missing = [
            place
            for place, found in (
                (f'uns["{KEY}"]', KEY in adata.uns),
                (f'obs["{DOMAIN}"]', DOMAIN in adata.obs),
                (f'obsm["{EMBEDDING}"]', EMBEDDING in adata.obsm),
            )
            if not found
        ]
        if missing:
            raise InputError(
                f"The AnnData holds no TRSMI result: {', '.join(missing)} is missing. "
                "Use a file that napari-trsmi wrote."
            )
        stored = adata.uns[KEY]
        library = adata.uns.get("spatial", {}).get(KEY, {})
        scalefactors = library.get("scalefactors", {})
        pixels = library.get("images", {}).get("hires")
        diameter = scalefactors.get("spot_diameter_fullres")
        modalities = [str(name) for name in stored["modalities"]]
        weights = adata.obs[[f"{KEY}_weight_{name}" for name in modalities]]
        return cls(
            domains=adata.obs[DOMAIN].rename(None),
            embedding=np.asarray(adata.obsm[EMBEDDING], dtype=np.float32),
            confidence=adata.obs[CONFIDENCE].rename(None),
            modality_weights=weights.set_axis(modalities, axis=1),
            coordinates=np.asarray(adata.obsm["spatial"], dtype=np.float64),
            annotations=adata.obs[[str(name) for name in stored["annotations"]]].copy(),
            history=stored["history"],
            record=json.loads(stored["record"]),
            image=None
            if pixels is None
            else TissueImage(np.asarray(pixels), float(scalefactors["tissue_hires_scalef"])),
            spot_diameter=None if diameter is None else float(diameter),
            custom_colors=_custom_colors(
                list(adata.obs[DOMAIN].cat.categories), adata.uns.get(f"{DOMAIN}_colors", ())
            ),
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
    from matplotlib.colors import is_color_like, to_hex

    if len(stored) != len(names) or not all(map(is_color_like, stored)):
        return {}
    colors = dict(zip(names, map(to_hex, stored), strict=True))
    return {} if colors == domain_colors(names) else colors
