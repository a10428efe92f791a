"""A run that a table holds, read as the result that was written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.errors import InputError
from napari_trsmi.palette import domain_colors, is_hex
from napari_trsmi.result import TRSMIResult
from napari_trsmi.scverse.picture import read_further_pictures, read_picture
from napari_trsmi.scverse.places import Places
from napari_trsmi.scverse.scales import read_scales
from napari_trsmi.scverse.sections import read_fitted, read_predicted, read_sections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from napari_trsmi.data.dataset import TissueImage


def read_run(adata: AnnData, key: str) -> TRSMIResult:
    """What `TRSMIResult.from_anndata` returns.

    Parameters
    ----------
    adata, key
        See there.

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
    record = json.loads(stored["record"])
    laid = record.get("further_images", {})
    domains_by_scale, confidence_by_scale = read_scales(adata, part, places)
    return TRSMIResult(
        domains=obs[places.domain].rename(None),
        embedding=np.asarray(adata.obsm[places.embedding], dtype=np.float32)[part],
        confidence=obs[places.confidence].rename(None),
        modality_weights=weights.set_axis(modalities, axis=1),
        coordinates=np.asarray(adata.obsm["spatial"], dtype=np.float64)[part],
        annotations=obs[[str(name) for name in stored["annotations"]]].copy(),
        history=stored["history"],
        record=record,
        image=_registered(image, record.get("registration")),
        further_images={
            name: _registered(found, laid.get(name))
            for name, found in read_further_pictures(
                adata, map(str, stored.get("further_images", ())), key
            ).items()
        },
        spot_diameter=diameter if stored.get("diameter_known", True) else None,
        square_spots=bool(stored.get("square_spots", False)),
        custom_colors=_custom_colors(
            list(obs[places.domain].cat.categories), adata.uns.get(places.colors, ())
        ),
        domains_by_scale=domains_by_scale,
        confidence_by_scale=confidence_by_scale,
        sections=(sections := read_sections(adata, part, key)),
        predicted=read_predicted(adata, part, sections, key),
        fitted=read_fitted(stored),
    )


def _registered(image: TissueImage | None, written: Any) -> Any:
    return image if image is None or written is None else replace(image, registration=written)


def _custom_colors(names: Sequence[str], stored: Sequence[str]) -> dict[str, str]:
    """Return what a file's colours say beyond the palette; other tools may have changed them."""
    if not all(map(is_hex, stored)):  # names of colours: only what draws writes them
        from matplotlib.colors import is_color_like, to_hex

        stored = [to_hex(color) for color in stored if is_color_like(color)]
    if len(stored) != len(names):
        return {}
    colors = dict(zip(names, map(str.lower, stored), strict=True))
    return {} if colors == domain_colors(names) else colors
