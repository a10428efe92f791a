"""What a run returns: domains, embedding, and everything needed to repeat it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.errors import InputError
from napari_trsmi.palette import extended_colors
from napari_trsmi.scverse.places import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import SpatialOmics, TissueImage
    from napari_trsmi.joint.fitted import FittedSections
    from napari_trsmi.result_sections import ResultSections


def _empty_frame() -> pd.DataFrame:
    return pd.DataFrame()


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
    further_images
        Other stains of the section by name, each in register with the spots.
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
    further_images: Mapping[str, TissueImage] = field(default_factory=dict)

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
        from napari_trsmi.result_sections import of_section

        return of_section(self, name)

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
            further_images=omics.further_images,
            spot_diameter=omics.spot_diameter,
            custom_colors=self.colors,
        )

    def side_by_side(self) -> TRSMIResult:
        """The same result with its sections in a grid, in one coordinate system; itself of one.

        Coordinates are in units of the first section's; spots lie as far apart in all sections.
        """
        from napari_trsmi.result_sections import GRID_MICROMETRES, coordinates_side_by_side

        if self.sections is None:
            return self
        return replace(
            self,
            coordinates=coordinates_side_by_side(self),
            record={**self.record, "micrometres_per_unit": self.record.get(GRID_MICROMETRES)},
        )

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
    def micrometres_per_unit(self) -> float | None:
        """Of the coordinates, if known."""
        said = self.record.get("micrometres_per_unit")
        return None if said is None else float(said)

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
        from napari_trsmi.scverse.reading import read_run

        return read_run(adata, key)

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
