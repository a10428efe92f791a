"""Sample data: made-up tissue sections whose true domains are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.viewer.section.reading import section_layers

if TYPE_CHECKING:
    from napari_trsmi.viewer.section.layers import LayerData


def stained_tissue() -> list[LayerData]:
    """A stained section with RNA and protein, neither of which shows all domains."""
    return section_layers(
        simulate("tissue", modalities=("rna", "protein")), "Tissue: RNA and protein"
    )


def stained_tissue_with_three() -> list[LayerData]:
    """The same section with chromatin as well."""
    return section_layers(simulate("tissue"), "Tissue: RNA, protein and chromatin")


def complementary() -> list[LayerData]:
    """A section without image; RNA and protein share one of the four domains that they show."""
    return section_layers(
        simulate("complementary", modalities=("rna", "protein"), image=False),
        "Quilt: RNA and protein",
    )


def published() -> list[LayerData]:
    """The simulation that the method was published with: three modalities, no image."""
    return section_layers(simulate("published", image=False), "Quilt: RNA, protein and chromatin")
