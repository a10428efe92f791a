"""The run that landmarks were set on, given the picture as it lies now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from napari_trsmi.data.registered import registered_layer
from napari_trsmi.viewer.domains.layer import DomainLayer, domain_layer, shows_domains
from napari_trsmi.viewer.run.picture import LayerPicture
from napari_trsmi.widgets.common.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image, Layer
    from qtpy.QtWidgets import QWidget

    from napari_trsmi.data.dataset import TissueImage


class KeptWithRun:
    """Draws a registered picture in the frame of the spots, and gives it to their run.

    Parameters
    ----------
    parent
        The dock.
    say
        Takes a sentence on how it went.
    """

    def __init__(self, parent: QWidget, say: Callable[[str], None]) -> None:
        self._say = say
        self._before: WeakKeyDictionary[DomainLayer, dict[str | None, TissueImage | None]] = (
            WeakKeyDictionary()
        )
        self.drawing = Background(parent)
        self.drawing.finished.connect(self._on_drawn)
        self.drawing.failed.connect(say)

    def keep(
        self,
        spots: Layer | None,
        picture: Image | None,
        written: dict[str, Any] | None,
        name: str | None,
    ) -> None:
        """Give the run of these spots the picture as it lies now.

        Parameters
        ----------
        spots
            The layer of the run.
        picture
            The layer that was moved.
        written
            How it was registered; None if that was taken back: then the run has again what it had.
        name
            Of a further stain; None: the picture that domains are drawn on.
        """
        if spots is None or picture is None or not shows_domains(spots):
            self._say("A run on these spots with this picture will keep how it was registered.")
            return
        domains = domain_layer(spots)
        held = domains.edits.result()
        before = self._before.setdefault(domains, {})
        before.setdefault(name, held.image if name is None else held.further_images.get(name))
        if written is None:
            self.drawing.drop()
            domains.edits.take_picture(before.pop(name), name)
            self._say("The run has the picture that it had before.")
            return
        shown = LayerPicture.of(picture)
        self._say("Drawing the picture in the frame of the spots …")
        self.drawing.start(lambda: (domains, registered_layer(shown.as_it_is(), written), name))

    def _on_drawn(self, drawn: tuple[DomainLayer, TissueImage, str | None]) -> None:
        domains, image, name = drawn
        domains.edits.take_picture(image, name)
        self._say("The picture has moved. The run keeps it, and every export has it.")
