"""Tools that write in place on AnnData, MuData and SpatialData, as scanpy's do."""

from napari_trsmi.tl.integrating import integrate

__all__ = ["integrate"]
