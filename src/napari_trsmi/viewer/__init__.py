"""Results as napari layers. Needs napari, and no Qt."""
