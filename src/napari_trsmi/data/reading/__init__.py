"""Readers: each turns one kind of input into :class:`~napari_trsmi.data.parts.Source` objects."""
