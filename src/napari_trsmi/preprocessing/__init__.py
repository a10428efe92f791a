"""From tables to feature matrices, by kind of modality."""

from napari_trsmi.preprocessing.by_kind import feature_matrix

__all__ = ["feature_matrix"]
