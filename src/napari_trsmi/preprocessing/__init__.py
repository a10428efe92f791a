"""From tables to feature matrices, by kind of modality."""

from napari_trsmi.preprocessing.components import modality_components

__all__ = ["modality_components"]
