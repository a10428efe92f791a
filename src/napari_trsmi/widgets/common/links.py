"""Connections that end with the widget that made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtCore import QObject


class Connectable(Protocol):
    """A signal of psygnal or an event of napari."""

    def connect(self, callback: Callable[..., Any]) -> Any:
        """Call `callback` from now on."""

    def disconnect(self, callback: Callable[..., Any]) -> Any:
        """Call it no more."""


class Links:
    """Connections to what outlives a widget: a model, a layer, the viewer.

    Python's object of a widget that Qt has deleted may live on, and an event would reach it.

    Parameters
    ----------
    owner
        All connections end when Qt deletes it.
    """

    def __init__(self, owner: QObject) -> None:
        self._made: list[tuple[Connectable, Callable[..., Any]]] = []
        owner.destroyed.connect(self.clear)

    def connect(self, signal: Connectable, callback: Callable[..., Any]) -> None:
        """Call `callback` whenever `signal` is emitted."""
        signal.connect(callback)
        self._made.append((signal, callback))

    def clear(self) -> None:
        """End all connections."""
        while self._made:
            signal, callback = self._made.pop()
            signal.disconnect(callback)
