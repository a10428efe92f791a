"""Sample data: made-up tissue sections whose true domains are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.viewer.keeping import keep
from napari_trsmi.viewer.section.next_step import open_next
from napari_trsmi.viewer.section.reading import section_layers

if TYPE_CHECKING:
    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.viewer.section.layers import LayerData


def stained_tissue() -> list[LayerData]:
    """A stained section with RNA and protein, neither of which shows all domains."""
    return _opened(simulate("tissue", modalities=("rna", "protein")), "Sample")


def stained_tissue_with_three() -> list[LayerData]:
    """The same section with chromatin as well."""
    return _opened(simulate("tissue"), "Sample")


def complementary() -> list[LayerData]:
    """A section without image; RNA and protein share one of the four domains that they show."""
    return _opened(simulate("complementary", modalities=("rna", "protein"), image=False), "Quilt")


def published() -> list[LayerData]:
    """The simulation that the method was published with: three modalities, no image."""
    return _opened(simulate("published", image=False), "Quilt")


def _opened(section: SpatialOmics, name: str) -> list[LayerData]:
    from napari import current_viewer

    viewer = current_viewer()
    if viewer is not None:
        keep(viewer)
        open_next(viewer, section)
    return section_layers(section, name)
