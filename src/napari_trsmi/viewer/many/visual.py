"""What draws a Points layer of very many spots: one picture, or spots singly if few are in view.

To the user and to all else it is a Points layer as any. napari draws each point on its own, which
takes seconds for a million without a graphics card, and with one whenever a colour changes.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod, ref

import numpy as np

from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.many.quick import indices, quicken
from napari_trsmi.viewer.many.raster import SpotRaster

if TYPE_CHECKING:
    from napari.layers import Layer, Points
    from numpy.typing import NDArray

MANY = 20_000
"""Spots in view from which on they are drawn as a picture; fewer are drawn singly."""

_LARGE = 2.0  # pixels of the canvas for one of the picture, from which on that is looked at
_AROUND = 0.3  # of the view, on every side, in which spots are drawn too
_MARKED = 0.65  # how much a selected spot has of the colour of selection


def is_of_many(layer: Layer) -> bool:
    """Whether a layer has so many of our spots that they are drawn as a picture."""
    own = dataset_of(layer) is not None or result_of(layer) is not None
    return own and layer.ndim == 2 and len(layer.data) > MANY


def prepare(n_spots: int) -> None:
    """See to it that a layer of so many spots will be drawn quickly."""
    if n_spots > MANY:
        _draw_many()


@cache
def _draw_many() -> None:
    """Have layers of very many spots drawn as a picture from now on, in every window.

    Where napari has moved what draws layers, which is private, they are drawn as any.
    """
    try:
        from napari._vispy.layers.base import VispyBaseLayer
        from napari._vispy.layers.points import VispyPointsLayer
        from napari._vispy.utils.visual import layer_to_visual
        from napari.layers import Points
        from napari.settings import get_settings
        from vispy.visuals import ImageVisual
    except ImportError:
        return

    class Picture(ImageVisual):  # type: ignore[misc]
        """A picture that lies at the spots, and asks before every frame whether it is wanted."""

        wanted: Any = None
        raster: SpotRaster | None = None

        def _build_vertex_data(self) -> None:
            super()._build_vertex_data()
            if self.raster is None:
                return
            unit = np.array([[0, 0], [1, 0], [1, 1], [0, 0], [1, 1], [0, 1]], dtype=np.float32)
            at = np.array(self.raster.corner[::-1]) + unit * self.size * self.raster.step
            self._subdiv_position.set_data(at.astype(np.float32))

        def _prepare_draw(self, view: Any) -> Any:
            look = None if self.wanted is None else self.wanted()
            return look is not None and look() and super()._prepare_draw(view)

    class LastFirst(list[Any]):
        """Parts of a visual: the one that was added last lies under all others."""

        def __iter__(self) -> Any:
            return iter([*self[-1:], *self[:-1]])

    class VispyManySpots(VispyPointsLayer):  # type: ignore[misc]
        """Draws them."""

        picture: Picture | None = None
        _in_view: NDArray[np.float64] | None = None  # what was drawn singly

        def _on_data_change(self) -> None:
            if self.picture is None:
                self.picture = self._add_picture()
            self._flat = self.layer._slice_input.ndisplay == 2 and len(self.layer.data) > 0
            self.picture.visible = self._flat
            self._in_view = None
            if not self._flat:
                self.node.points_markers.visible = True
                super()._on_data_change()
                return
            self._follow_places()
            self._paint()
            VispyBaseLayer.reset(self)
            self._on_antialiasing_change()
            self._on_canvas_size_limits_change()

        def _add_picture(self) -> Picture:
            picture = Picture(np.zeros((1, 1, 4), dtype=np.uint8), texture_format="auto")
            picture.wanted = WeakMethod(self._look)
            self._moved, self._drawn = False, (None, None)
            me = ref(self)
            self._selection = quicken(self.layer, lambda: _raster_of(me()))
            self._selection.events.items_changed.connect(self._on_selected)
            self.node.add_subvisual(picture)
            picture.attach(self.node._opacity_filter)
            self.node._subvisuals = LastFirst(self.node._subvisuals)
            self.layer.events.data.connect(self._on_places_change)
            return picture

        @property
        def raster(self) -> SpotRaster | None:
            """Where the spots are seen; None if they are drawn as any points."""
            return None if self.picture is None or not self._flat else self.picture.raster

        def close(self) -> None:
            """Draw no more."""
            if self.picture is not None:
                self._selection.events.items_changed.disconnect(self._on_selected)
            super().close()

        def _on_selected(self) -> None:
            if self._flat:
                self._paint()

        def _on_places_change(self) -> None:
            self._moved = True

        def _follow_places(self) -> None:
            """Lay the pixels out anew if spots have moved or are drawn at another size."""
            layer = self.layer
            drawn = (layer.data, layer.size)
            if not self._moved and all(a is b for a, b in zip(drawn, self._drawn, strict=True)):
                return
            self._raster = SpotRaster.of(np.asarray(layer.data), np.asarray(layer.size))
            self._moved, self._drawn = False, drawn

        def _paint(self) -> None:
            picture: Any = self.picture
            colors = self._colors = _seen_colors(self.layer)
            selected = self._selected = indices(self._selection)
            if len(selected):
                mark = 255 * np.asarray(get_settings().appearance.highlight.highlight_color)
                of = colors[selected].astype(np.float32)
                colors[selected] = np.rint(of + _MARKED * (mark - of)).astype(np.uint8)
            picture.raster = self._raster
            picture.set_data(self._raster.painted(colors))
            picture._need_vertex_update = True
            self._in_view = None
            self.node.update()

        def _look(self) -> bool:
            """Draw spots singly if few are in view; return whether the picture is to be drawn."""
            layer = self.layer
            window = _window(layer)
            if self._in_view is not None and _holds(self._in_view, window):
                return False
            markers = self.node.points_markers
            pixel = self._raster.step * abs(float(layer.scale[-1])) / layer.scale_factor
            spots = _spots_in(layer, _wider(window)) if pixel >= _LARGE else None
            few = spots is not None and 0 < len(spots) <= MANY
            self._in_view = _wider(window) if few else None
            if markers.visible is not few:
                markers.visible = few
            if spots is not None and few:
                self._draw_singly(spots)
            return not few

        def _draw_singly(self, spots: NDArray[np.intp]) -> None:
            layer = self.layer
            faces = layer.face_color[spots]
            marked = np.isin(spots, self._selected, assume_unique=True)
            faces[marked] = self._colors[spots[marked]] / 255
            width = layer.border_width[spots]
            relative = layer.border_width_is_relative
            self.node.points_markers.set_data(
                layer.data[spots][:, ::-1],
                size=layer.size[spots] * abs(float(layer.scale[-1])),
                symbol=[str(symbol) for symbol in layer.symbol[spots]],
                edge_width_rel=width if relative else None,
                edge_width=None if relative else width,
                edge_color=layer.border_color[spots],
                face_color=faces,
            )

        def _update_text(self, *, update_node: bool = True) -> None:
            if self.picture is None or not self._flat:
                super()._update_text(update_node=update_node)

    layer_to_visual[Points] = lambda layer, **more: (
        VispyManySpots if is_of_many(layer) else VispyPointsLayer
    )(layer, **more)


def _raster_of(visual: Any) -> SpotRaster | None:
    return None if visual is None else visual.raster


def _seen_colors(layer: Points) -> NDArray[np.uint8]:
    """RGBA of each spot: of its face, or of its ring if that is all there is."""
    colors: NDArray[np.uint8] = np.rint(255 * np.asarray(layer.face_color)).astype(np.uint8)
    ringed = (colors[:, 3] == 0) & (np.asarray(layer.border_width) > 0)
    if ringed.any():
        colors[ringed] = np.rint(255 * np.asarray(layer.border_color)[ringed]).astype(np.uint8)
    return colors


def _window(layer: Points) -> NDArray[np.float64]:
    """Least and largest row and column in view, shape (2, 2)."""
    corners = np.asarray(layer.corner_pixels, dtype=np.float64)[:, -2:]
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


def _wider(window: NDArray[np.float64]) -> NDArray[np.float64]:
    margin = _AROUND * (window[1] - window[0])
    return np.stack([window[0] - margin, window[1] + margin])


def _holds(outer: NDArray[np.float64], inner: NDArray[np.float64]) -> bool:
    return bool((outer[0] <= inner[0]).all() and (inner[1] <= outer[1]).all())


def _spots_in(layer: Points, window: NDArray[np.float64]) -> NDArray[np.intp]:
    places = np.asarray(layer.data)
    inside = np.ones(len(places), dtype=bool)
    for axis in range(2):
        inside &= (places[:, axis] >= window[0, axis]) & (places[:, axis] <= window[1, axis])
    return np.flatnonzero(inside)
