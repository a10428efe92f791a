"""``python -m napari_trsmi`` is ``napari-trsmi``."""

from napari_trsmi.cli import main

main(prog_name="napari-trsmi")
