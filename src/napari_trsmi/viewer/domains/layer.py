"""One Points layer in step with the edits of the run that it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args
from weakref import WeakKeyDictionary, ref

import numpy as np
from psygnal import Signal

from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.attached import COLORS, RESULT, result_of
from napari_trsmi.viewer.domains.coloring import by_confidence
from napari_trsmi.viewer.domains.edits import DomainEdits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from napari.layers import Layer, Points
    from numpy.typing import NDArray

    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.viewer.domains.coloring import Coloring

Style = Literal["dots", "rings", "areas"]
"""How spots are drawn: filled, as a ring around what lies under them, or not themselves."""

STYLES: tuple[Style, ...] = get_args(Style)

_RING = 0.2  # of a point's size


class DomainLayer:
    """A Points layer whose features, colours, visible points and metadata follow `DomainEdits`.

    Its points are a run's spots: what would delete them hides them, and they can be neither moved
    nor added to.

    Get it from `domain_layer`: a layer has one, however many docks show it.

    Parameters
    ----------
    layer
        A layer that shows a run (`napari_trsmi.add_domains`).

    Attributes
    ----------
    edits
        The domains as they are now.
    coloring_changed
        Emitted when the points are coloured by something else.
    style_changed
        Emitted when the points are drawn in another way.
    painted
        Emitted when spots have other colours.
    """

    coloring_changed = Signal()
    style_changed = Signal()
    painted = Signal()

    def __init__(self, layer: Points) -> None:
        result = result_of(layer)
        if result is None:
            raise InputError(
                f"Layer {layer.name!r} shows no run. Choose one that holds TRSMI domains."
            )
        self._layer = ref(layer)
        self.edits = DomainEdits(result)
        self._scale = self.edits.scale
        self._coloring: Coloring | None = None
        self._style: Style = "dots"
        self._colors = np.zeros((0, 4), dtype=np.float32)
        self._check_points()
        self._places = np.array(layer.data)
        self._sizes = np.array(layer.size)
        self._enlarged = 1.0
        setattr(layer, "remove", self._hide_points)  # noqa: B010 (napari's keys and buttons call it)
        layer.bind_key("Control-V", _paste_nothing, overwrite=True)  # no event tells of pasting
        layer.events.data.connect(self._on_layer_data_changed)
        self._hide_what_is_hidden()
        self.edits.changed.connect(self._on_edits_changed)
        self.edits.visibility_changed.connect(self._on_edits_visibility_changed)

    @property
    def layer(self) -> Points:
        """The layer.

        Raises
        ------
        InputError
            If it was removed and is gone.
        """
        layer = self._layer()
        if layer is None:
            raise InputError("The layer of these domains is gone. Add the domains again.")
        return layer

    @property
    def coloring(self) -> Coloring | None:
        """What the points are coloured by; None for their domain."""
        return self._coloring

    def color_by(self, coloring: Coloring | None) -> None:
        """Colour the points by a number each, or by their domain again (None)."""
        self._check_points()
        self._coloring = coloring
        self._paint()
        self.coloring_changed.emit()

    @property
    def style(self) -> Style:
        """How the spots are drawn."""
        return self._style

    def draw_as(self, style: Style) -> None:
        """Draw the spots in another way."""
        self._check_points()
        self._style = style
        self._paint()
        self.style_changed.emit()

    @property
    def colors(self) -> NDArray[np.float32]:
        """RGBA in 0 to 1 of each spot, shape (n_spots, 4), whatever draws it; hidden ones clear."""
        if not len(self._colors):
            self._colors = self._spot_colors()
        return self._colors

    @property
    def enlarged(self) -> float:
        """How large the spots are drawn, relative to what they measure."""
        return self._enlarged

    def enlarge(self, factor: float) -> None:
        """Draw the spots larger or smaller than they are."""
        self._check_points()
        self._enlarged = factor
        self.layer.size = self._sizes * factor

    def select(self, names: Collection[str]) -> None:
        """Select the spots of some domains, and no others; hidden ones cannot be selected."""
        self.select_spots(self.edits.members(names))

    def select_spots(self, spots: NDArray[np.intp]) -> None:
        """Select some spots by their indices, and no others; hidden ones cannot be selected."""
        self._check_points()
        shown = spots[self.edits.shown[spots]].tolist()
        # The layer's setter would look at every selected spot's looks, for points to be added.
        self.layer.selected_data.replace_selection(shown)
        self.layer.refresh(data_displayed=False, thumbnail=False, extent=False)

    def selected(self) -> NDArray[np.intp]:
        """Indices of the selected points, ascending."""
        return np.sort(np.fromiter(self.layer.selected_data, dtype=np.intp))

    def selected_counts(self) -> dict[str, int]:
        """How many spots are selected of each domain that has any, most first."""
        selected = self.selected()
        sizes = np.bincount(
            self.edits.codes[selected[selected < self.edits.n_spots]],
            minlength=len(self.edits.names),
        )
        order = np.argsort(-sizes, kind="stable")
        return {self.edits.names[place]: int(sizes[place]) for place in order if sizes[place]}

    def why_not(self) -> str:
        """Why the layer cannot show the run any more; empty if it can."""
        layer, n_spots = self.layer, self.edits.n_spots
        if len(layer.data) == n_spots:
            return ""
        return (
            f"Layer {layer.name!r} has {counted(len(layer.data), 'point')}, its run "
            f"{counted(n_spots, 'spot')}: points were added or deleted. Remove the layer, and add "
            "the domains again (napari_trsmi.add_domains(viewer, result))."
        )

    def is_current(self) -> bool:
        """Whether the layer still shows the run that this follows."""
        layer = self._layer()
        return layer is not None and result_of(layer) is self.edits.result()

    def _hide_what_is_hidden(self) -> None:
        """Take over what a copied layer brings along."""
        shown = np.asarray(self.layer.shown)
        n_shown = np.bincount(self.edits.codes, shown, len(self.edits.names))
        hidden = [
            name
            for name, n_visible in zip(self.edits.names, n_shown, strict=True)
            if self.edits.counts[name] and not n_visible
        ]
        self.edits.set_visible(hidden, False)
        if len(one_by_one := np.flatnonzero(self.edits.shown & ~shown)):
            self.edits.hide_spots(one_by_one)

    def _hide_points(self, indices: Collection[int]) -> None:
        """Hide points that napari would remove from the layer."""
        from napari.utils.notifications import show_info

        spots = np.sort(np.fromiter(indices, dtype=np.intp))
        if len(spots):
            self.layer.selected_data = set()
            self.edits.hide_spots(spots)
            show_info(f"{counted(len(spots), 'spot')} hidden. 'Show all' brings them back.")

    def _on_layer_data_changed(self, event: Any) -> None:
        """Undo what moved or added points by hand."""
        layer, n_spots = self.layer, self.edits.n_spots
        if event.action == "added" and len(layer.data) > n_spots:
            layer.data = layer.data[:n_spots]
        elif (
            event.action == "changed"
            and len(layer.data) == n_spots
            and not np.array_equal(layer.data, self._places)
        ):
            layer.data[:] = self._places  # in place, as napari moved them
            layer.refresh()

    def _check_points(self) -> None:
        if reason := self.why_not():
            raise InputError(reason)

    def _on_edits_changed(self) -> None:
        if self.why_not():
            return
        layer = self.layer
        # In place: napari would copy and check the whole table, half a second for a million spots.
        layer.features["domain"] = self.edits.domains
        self._follow_scale()
        layer.feature_defaults = {
            **{name: column.iloc[0] for name, column in layer.feature_defaults.items()},
            "domain": self.edits.names[0],
        }
        layer.metadata = {
            **layer.metadata,
            RESULT: self.edits.result(),
            COLORS: self.edits.colors,
        }
        if self._coloring is None:
            self._paint()
        layer.events.properties()
        layer.events.features()

    def _follow_scale(self) -> None:
        """Take the confidence of the domains of another scale."""
        if self.edits.scale == self._scale:
            return
        self._scale = self.edits.scale
        result, coloring = self.edits.result(), self._coloring
        if "confidence" in self.layer.features:
            self.layer.features["confidence"] = result.confidence.to_numpy()
        confidence = by_confidence(result)
        if coloring is not None and coloring.label == confidence.label:
            self._coloring = confidence.with_colormap(coloring.colormap)
            self._paint()
            self.coloring_changed.emit()

    def _on_edits_visibility_changed(self) -> None:
        if self.why_not():
            return
        with self.layer.events.set_data.blocker():  # painting sends the points to the canvas
            self.layer.shown = self.edits.shown
        self._paint()

    def _paint(self) -> None:
        layer = self.layer
        rings = self._colors = self._spot_colors()
        colors = rings.copy()
        if self._style != "dots":
            colors[:, 3] = 0
        # The canvas hears of the colours from the layer's colour manager; the layer's own event
        # would send them to the graphics card a second time.
        with layer.events.face_color.blocker():
            layer.face_color = colors
        ringed = self._style == "rings"
        if ringed or layer.border_width.any():
            layer.border_color = rings
            layer.border_width = _RING if ringed else 0
        self.painted.emit()

    def _spot_colors(self) -> NDArray[np.float32]:
        colors = self._domain_colors() if self._coloring is None else self._coloring.colors()
        # napari 0.9 draws two-dimensional points whether `shown` or not.
        colors[~self.edits.shown, 3] = 0
        return colors

    def _domain_colors(self) -> NDArray[np.float32]:
        from matplotlib.colors import to_rgba_array

        table = to_rgba_array(list(self.edits.colors.values())).astype(np.float32)
        colors: NDArray[np.float32] = table[self.edits.codes]
        return colors


def _paste_nothing(layer: Points) -> None:
    """Take the place of napari's own pasting of points."""


_KNOWN: WeakKeyDictionary[Layer, DomainLayer] = WeakKeyDictionary()


def domain_layer(layer: Points) -> DomainLayer:
    """What keeps a layer in step with its edits; the same for every caller.

    Raises
    ------
    InputError
        If the layer shows no run, or its points are not the run's spots.
    """
    known = _KNOWN.get(layer)
    if known is None or not known.is_current():
        known = _KNOWN[layer] = DomainLayer(layer)
    elif reason := known.why_not():
        raise InputError(reason)
    return known


def shows_domains(layer: Layer) -> bool:
    """Whether a layer shows the domains of a run."""
    from napari.layers import Points

    return isinstance(layer, Points) and result_of(layer) is not None


def unsaved_layers(layers: Iterable[Layer]) -> list[Layer]:
    """Those of some layers whose domains have edits that no file has."""
    return [layer for layer in layers if layer in _KNOWN and _KNOWN[layer].edits.unsaved]


def note_saved(result: TRSMIResult) -> None:
    """Note that a file has this result, whichever layer shows it."""
    for domains in list(_KNOWN.values()):
        domains.edits.mark_saved(result)
