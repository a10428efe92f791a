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
from napari_trsmi.scverse.sections import read_fitted, read_predicted, read_sections
from napari_trsmi.spots.layout import side_by_side
from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import SpatialOmics, TissueImage
    from napari_trsmi.joint.fitted import FittedSections


def _empty_frame() -> pd.DataFrame:
    return pd.DataFrame()


@dataclass(frozen=True, eq=False)
class ResultSections:
    """What each section of a result of several has for itself.

    Attributes
    ----------
    of_spots
        The section of each spot, categorical in the order of the sections, indexed by spot name.
    images
        Tissue images, by section name.
    spot_diameters
        In coordinate units, by section name, where known.
    original_spots
        What each spot is called in the table of its section, indexed by spot name.
    """

    of_spots: pd.Series
    images: Mapping[str, TissueImage]
    spot_diameters: Mapping[str, float]
    original_spots: pd.Series

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the sections, in order."""
        return tuple(map(str, self.of_spots.cat.categories))

    def rows(self, name: str) -> NDArray[np.int64]:
        """Rows of the result that are of a section."""
        return np.flatnonzero(self.of_spots.to_numpy() == name)


@dataclass(frozen=True, eq=False)
class TRSMIResult:
    """Domains of a tissue section, or of several together, and how they came about.

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
    square_spots
        Whether the spots are square bins; `spot_diameter` is then their side.
    custom_colors
        Hex colours chosen for domains, by name. The others get the palette's, see `colors`.
    domains_by_scale
        Domains at other scales, a categorical column a scale (from 0, states of single spots, to 1,
        regions of tissue), indexed by spot name; no columns if the run found one scale alone. A
        domain has the name of the one in `domains` that it overlaps most.
    confidence_by_scale
        Their confidence, ``float32``.
    sections
        What each section has for itself, if several were run together: then `coordinates` are each
        in the system of its section, and `image` and `spot_diameter` are None. None of one.
    predicted
        Values of the tables that sections lack, by modality: an AnnData of the spots that lack it x
        the features that the run used. ``X`` is in standard deviations from the mean of a measured
        section, the layer ``deviation`` has the standard deviation of a measurement around it.
    fitted
        What `predict` carries to a new section; None of one section.
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
    square_spots: bool = False
    custom_colors: Mapping[str, str] = field(default_factory=dict)
    domains_by_scale: pd.DataFrame = field(default_factory=_empty_frame)
    confidence_by_scale: pd.DataFrame = field(default_factory=_empty_frame)
    sections: ResultSections | None = None
    predicted: Mapping[str, AnnData] = field(default_factory=dict)
    fitted: FittedSections | None = None

    @property
    def section_names(self) -> tuple[str, ...]:
        """Names of the sections that were run together; empty for one section."""
        return () if self.sections is None else self.sections.names

    def of_section(self, name: str) -> TRSMIResult:
        """The part of the result that is of one section, as a result of that section alone.

        Parameters
        ----------
        name
            One of `section_names`.

        Returns
        -------
        TRSMIResult
            Domains have the names and colours that they have in all sections, and spots are called
            as in the section's own tables.

        Raises
        ------
        InputError
            If there is no such section.
        """
        if self.sections is None or name not in self.sections.names:
            known = ", ".join(self.section_names) or "one section alone"
            raise InputError(f"The result has no section {name!r}: it has {known}.")
        rows = self.sections.rows(name)
        spots = pd.Index(self.sections.original_spots.iloc[rows].astype(str))
        about = [s for s in self.record.get("sections", []) if s["name"] == name]

        def part(values: Any) -> Any:
            return values.iloc[rows].set_axis(spots)

        domains = part(self.domains)
        return replace(
            self,
            domains=domains.cat.remove_unused_categories(),
            embedding=self.embedding[rows],
            confidence=part(self.confidence),
            modality_weights=part(self.modality_weights),
            coordinates=self.coordinates[rows],
            annotations=part(self.annotations),
            record={**self.record, "n_spots": len(rows), "sections": about},
            image=self.sections.images.get(name),
            spot_diameter=self.sections.spot_diameters.get(name),
            custom_colors=self.colors,
            domains_by_scale=part(self.domains_by_scale) if self.scales else self.domains_by_scale,
            confidence_by_scale=(
                part(self.confidence_by_scale) if self.scales else self.confidence_by_scale
            ),
            sections=None,
            predicted={
                modality: _only(table, name, spots[own])
                for modality, table in self.predicted.items()
                if (own := np.flatnonzero(table.obs["section"] == name)).size
            },
        )

    def predict(self, section: Any, **how: Any) -> TRSMIResult:
        """Carry the domains to a new section, without running again.

        Parameters
        ----------
        section
            Its tables, as `napari_trsmi.load` takes them, named as in the run; it need not have all
            of them. Or what `napari_trsmi.load` returned.
        how
            Further arguments of `napari_trsmi.load`.

        Returns
        -------
        TRSMIResult
            Of the new section alone. Domains have the names that the run gave them; one that the
            section lacks has no spots. What the new section has and the others have not takes the
            domain that is nearest.

        Raises
        ------
        InputError
            If the run was of one section, or the new one has none of its tables or features.
        """
        from napari_trsmi.config import Config
        from napari_trsmi.data.dataset import SpatialOmics
        from napari_trsmi.data.loading import load

        if self.fitted is None:
            raise InputError(
                "Domains are carried from a run of several sections, which knows what differs "
                "between sections, and this is of one. Run the sections together, as "
                "{'s1': tables, 's2': tables}."
            )
        omics: SpatialOmics = section if isinstance(section, SpatialOmics) else load(section, **how)
        known = self.record.get("parameters", {})
        carried = self.fitted.carried_to(omics, Config(**known))
        names = list(self.fitted.domains)
        used = [name for place, name in enumerate(names) if (carried.labels == place).any()]
        return TRSMIResult(
            domains=pd.Series(
                pd.Categorical(np.array(names, dtype=object)[carried.labels], used),
                index=omics.spots,
            ),
            embedding=carried.embedding.astype(np.float32),
            confidence=pd.Series(carried.confidence, index=omics.spots),
            modality_weights=pd.DataFrame(
                carried.shares.astype(np.float32), omics.spots, list(self.fitted.modalities)
            ),
            coordinates=omics.coordinates,
            annotations=omics.annotations,
            history=self.history.iloc[:0],
            record={
                **self.record,
                "n_spots": omics.n_spots,
                "inputs": omics.load_arguments,
                "carried_from": self.record.get("sections", []),
                "sections": [],
                "notes": [*omics.notes, "Domains were carried from an earlier run of sections."],
            },
            image=omics.image,
            spot_diameter=omics.spot_diameter,
            custom_colors=self.colors,
        )

    def side_by_side(self) -> TRSMIResult:
        """The same result with its sections in a grid, in one coordinate system; itself of one.

        Coordinates are in units of the first section's; spots lie as far apart in all sections.
        """
        if self.sections is None:
            return self
        rows = [self.sections.rows(name) for name in self.sections.names]
        parts = [self.coordinates[own] for own in rows]
        boxes = [np.stack([part.min(axis=0), part.max(axis=0)]) for part in parts]
        places = side_by_side(boxes, [spot_pitch(part) for part in parts])
        laid = self.coordinates.copy()
        for own, part, place in zip(rows, parts, places, strict=True):
            laid[own] = place.of(part)
        return replace(self, coordinates=laid)

    def domain_shares(self) -> pd.DataFrame:
        """Share of each section's spots that each domain has, a row a section.

        Raises
        ------
        InputError
            If the result is of one section.
        """
        if self.sections is None:
            raise InputError("The result is of one section: there is nothing to compare.")
        shares = pd.crosstab(
            self.sections.of_spots.to_numpy(), self.domains.to_numpy(), normalize="index"
        )
        return shares.reindex(
            index=list(self.sections.names),
            columns=list(self.domains.cat.categories),
            fill_value=0.0,
        ).rename_axis(index="section", columns="domain")

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

    def summary(self) -> dict[str, Any]:
        """A short JSON-ready account of the run, for ``--json`` and logs."""
        sizes = self.domains.value_counts().reindex(self.domains.cat.categories)
        return {
            "n_spots": len(self.domains),
            "n_domains": self.n_domains,
            **({} if self.sections is None else {"sections": list(self.section_names)}),
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


def _only(table: AnnData, section: str, spots: pd.Index) -> AnnData:
    """A section's rows of a predicted table, with the spots' own names."""
    part = table[(table.obs["section"] == section).to_numpy()].copy()
    part.obs_names = spots
    return part


def require_one_section(result: TRSMIResult, what: str) -> None:
    """Raise an `InputError` if a result is of several sections, each in a system of its own.

    Parameters
    ----------
    result
        The result.
    what
        What needs one, as a sentence begins: ``"GeoJSON is"``.
    """
    if result.sections is not None:
        first = result.section_names[0]
        raise InputError(
            f"{what} of one section, in the coordinates of its picture, and this result is of "
            f"{len(result.section_names)}. Take one after the other: "
            f"result.of_section({first!r})."
        )


def _custom_colors(names: Sequence[str], stored: Sequence[str]) -> dict[str, str]:
    """Return what a file's colours say beyond the palette; other tools may have changed them."""
    if not all(map(is_hex, stored)):  # names of colours: only what draws writes them
        from matplotlib.colors import is_color_like, to_hex

        stored = [to_hex(color) for color in stored if is_color_like(color)]
    if len(stored) != len(names):
        return {}
    colors = dict(zip(names, map(str.lower, stored), strict=True))
    return {} if colors == domain_colors(names) else colors
