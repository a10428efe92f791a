"""What is on the screen as a figure: pictures as pixels, spots and boundaries as vectors.

The layers are looked at in the window's thread (`Screen.of`), which is quick; drawing them takes
longer and may be done in another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.viewer.domains.coloring import colormap_table
from napari_trsmi.viewer.plane import Plane
from napari_trsmi.viewer.registration import matrix_of
from napari_trsmi.viewer.run.picture import LayerPicture
from napari_trsmi.viewer.scale_bar import micrometres_of_world

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from napari.components import ViewerModel
    from napari.layers import Image, Points, Vectors
    from numpy.typing import NDArray

    from napari_trsmi.viewer.domains.coloring import Coloring
    from napari_trsmi.viewer.domains.layer import DomainLayer

_INCHES, _BESIDE = 7.0, 1.4
_DPI = 200
_SEEN_SINGLY = 10_000  # more spots than this become pixels in a vector file
_NICE = (1, 2, 5)
_BAR = 0.22  # of the width: the longest scale bar
_SWAP = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])


@dataclass(frozen=True, eq=False)
class _Picture:
    """An image: `matrix` takes (column, row, 1) of its pixels to the world as (x, y)."""

    picture: LayerPicture | NDArray[Any]
    matrix: NDArray[np.float64]
    opacity: float


@dataclass(frozen=True, eq=False)
class _Spots:
    """Points in the world, with their diameters and colours."""

    xy: NDArray[np.float64]
    diameters: NDArray[np.float64]
    faces: NDArray[np.float64]
    rims: NDArray[np.float64]
    rim_widths: NDArray[np.float64]
    square: bool
    opacity: float


@dataclass(frozen=True, eq=False)
class _Lines:
    """Lines in the world, shape (n, 2, 2)."""

    ends: NDArray[np.float64]
    width: float
    colors: NDArray[np.float64]
    opacity: float


@dataclass(frozen=True, eq=False)
class Screen:
    """What a window shows, free of it.

    Attributes
    ----------
    left, right, upper, lower
        What part of the world is in view.
    parts
        Layers that are drawn, the lowest first.
    background
        Colour of the canvas.
    names
        Colour by domain, for the legend; empty if something else gives the colours.
    coloring
        What gives the colours otherwise.
    micrometres
        Per unit of the world, if known.
    left_out
        Names of layers that are seen and cannot be drawn.
    """

    left: float
    right: float
    upper: float
    lower: float
    parts: tuple[_Picture | _Spots | _Lines, ...]
    background: str
    names: dict[str, str] = field(default_factory=dict)
    coloring: Coloring | None = None
    micrometres: float | None = None
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, viewer: ViewerModel, domains: DomainLayer | None) -> Screen:
        """Look at a window.

        Parameters
        ----------
        viewer
            The window.
        domains
            The run that the legend is of.
        """
        from napari.layers import Image, Points, Vectors
        from napari.utils.theme import get_theme

        height, width = viewer.canvas.size
        middle = np.asarray(viewer.scene.camera.center, dtype=np.float64)[-2:]
        half = np.array([height, width]) / (2 * viewer.scene.camera.zoom)
        parts: list[_Picture | _Spots | _Lines] = []
        left_out = []
        for layer in viewer.layers:
            if not layer.visible or not layer.opacity:
                continue
            if isinstance(layer, Image) and layer.ndim == 2:
                parts.append(_picture(layer))
            elif isinstance(layer, Points):
                parts.append(_spots(layer))
            elif isinstance(layer, Vectors) and layer.ndim == 2:
                parts.append(_lines(layer))
            else:
                left_out.append(layer.name)
        names: dict[str, str] = {}
        if domains is not None and domains.layer.visible and domains.coloring is None:
            edits = domains.edits
            sizes = edits.counts
            colors = edits.colors.items()
            names = {n: c for n, c in colors if sizes[n] and edits.is_visible(n)}
        seen = domains is not None and domains.layer.visible
        return cls(
            left=float(middle[1] - half[1]),
            right=float(middle[1] + half[1]),
            upper=float(middle[0] - half[0]),
            lower=float(middle[0] + half[0]),
            parts=tuple(parts),
            background=get_theme(viewer.theme).canvas.as_hex(),
            names=names,
            coloring=domains.coloring if domains is not None and seen else None,
            micrometres=micrometres_of_world(viewer.layers),
            left_out=tuple(left_out),
        )

    def figure(self) -> Figure:
        """Draw it, with legend or colour bar, and a scale bar."""
        from matplotlib.figure import Figure

        aspect = (self.lower - self.upper) / (self.right - self.left)
        beside = _BESIDE if self.names or self.coloring is not None else 0.0
        figure = Figure((_INCHES + beside, _INCHES * aspect), dpi=_DPI, layout="compressed")
        axes = figure.subplots()
        axes.set(xlim=(self.left, self.right), ylim=(self.lower, self.upper), aspect="equal")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_facecolor(self.background)
        for place, part in enumerate(self.parts):
            if isinstance(part, _Picture):
                _draw_picture(axes, part, place)
            elif isinstance(part, _Spots):
                _draw_spots(axes, part, place)
            else:
                _draw_lines(axes, part, place)
        axes.set(xlim=(self.left, self.right), ylim=(self.lower, self.upper))
        self._explain(figure, axes)
        self._measure(axes)
        return figure

    def _explain(self, figure: Figure, axes: Axes) -> None:
        if self.names:
            from matplotlib.patches import Patch

            patches = [Patch(color=color, label=name) for name, color in self.names.items()]
            legend = figure.legend(handles=patches, loc="outside right center", frameon=False)
            for text in legend.get_texts():
                text.set_parse_math(False)  # a domain's name is no formula
        elif self.coloring is not None:
            from matplotlib.cm import ScalarMappable
            from matplotlib.colors import ListedColormap, Normalize

            coloring = self.coloring
            scale = ScalarMappable(
                Normalize(coloring.low, coloring.high),
                ListedColormap(colormap_table(coloring.colormap)),
            )
            bar = figure.colorbar(scale, ax=axes, shrink=0.7)
            bar.set_label(coloring.label, parse_math=False)

    def _measure(self, axes: Axes) -> None:
        """Draw a bar of a round length at the lower right, in a box as the canvas has it."""
        from matplotlib.patches import Rectangle

        width, height = self.right - self.left, self.lower - self.upper
        per_unit = self.micrometres or 1.0
        length = _round_below(_BAR * width * per_unit)
        said = f"{length:g} px"
        if self.micrometres is not None:
            said = f"{length:g} µm" if length < 1000 else f"{length / 1000:g} mm"
        pad = 0.02 * width
        right, y = self.right - 2 * pad, self.lower - 2 * pad
        start = right - length / per_unit
        color, above = _contrasting(self.background), len(self.parts)
        box = Rectangle(
            (start - pad, y + pad),
            right - start + 2 * pad,
            -(2.4 * pad + 0.03 * height),
            color=self.background,
            alpha=0.8,
            zorder=above,
            linewidth=0,
        )
        axes.add_patch(box)
        axes.plot([start, right], [y, y], color=color, lw=2.5, solid_capstyle="butt", zorder=above)
        middle = (start + right) / 2
        axes.text(middle, y - pad / 2, said, color=color, ha="center", zorder=above + 1)


def _round_below(length: float) -> float:
    power = 10.0 ** np.floor(np.log10(length))
    return float(max(nice * power for nice in _NICE if nice * power <= length))


def _contrasting(color: str) -> str:
    from matplotlib.colors import to_rgb

    return "black" if sum(to_rgb(color)) > 1.5 else "white"


def _picture(layer: Image) -> _Picture:
    matrix = _SWAP @ matrix_of(layer) @ _SWAP
    with_alpha = layer.rgb and not layer.multiscale and layer.data.shape[-1] == 4
    shown = np.asarray(layer.data) if with_alpha else LayerPicture.of(layer)
    return _Picture(shown, matrix, float(layer.opacity))


def _draw_picture(axes: Axes, part: _Picture, place: int) -> None:
    from matplotlib.transforms import Affine2D

    step = 1.0
    if isinstance(part.picture, LayerPicture):
        tissue = part.picture.as_it_is()
        pixels, step = tissue.pixels, 1 / tissue.scale
    else:
        pixels = part.picture
    shown = axes.imshow(pixels, alpha=part.opacity, zorder=place, interpolation="antialiased")
    reduced = part.matrix @ np.diag([step, step, 1.0])
    shown.set_transform(Affine2D(reduced) + axes.transData)


def _spots(layer: Points) -> _Spots:
    world = Plane.of(layer).to_world(np.asarray(layer.data, dtype=np.float64)[:, -2:])
    seen = np.asarray(layer.shown, dtype=bool)
    size = np.asarray(layer.size, dtype=np.float64) * abs(float(layer.scale[-1]))
    border = np.asarray(layer.border_width, dtype=np.float64)
    widths = border * size if layer.border_width_is_relative else border
    return _Spots(
        world[seen][:, ::-1],
        size[seen],
        np.asarray(layer.face_color, dtype=np.float64)[seen],
        np.asarray(layer.border_color, dtype=np.float64)[seen],
        widths[seen],
        square=bool(len(layer.symbol)) and str(layer.symbol[0]) == "square",
        opacity=float(layer.opacity),
    )


def _draw_spots(axes: Axes, part: _Spots, place: int) -> None:
    from matplotlib.collections import EllipseCollection, PolyCollection

    if not len(part.xy):
        return
    faces, rims = part.faces.copy(), part.rims.copy()
    faces[:, 3] *= part.opacity
    rims[:, 3] *= part.opacity
    drawn = (faces[:, 3] > 0) | ((part.rim_widths > 0) & (rims[:, 3] > 0))
    # a rim is inside the point in napari, and half outside of it in matplotlib
    across = (part.diameters - part.rim_widths)[drawn]
    per_unit = _INCHES * 72 / abs(np.diff(axes.get_xlim())[0])
    looks: dict[str, Any] = {
        "facecolors": faces[drawn],
        "edgecolors": rims[drawn],
        "linewidths": part.rim_widths[drawn] * per_unit,
        "rasterized": len(part.xy) > _SEEN_SINGLY,
        "zorder": place,
    }
    if part.square:
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
        outlines: Any = part.xy[drawn][:, np.newaxis] + corners * across[:, np.newaxis, np.newaxis]
        axes.add_collection(PolyCollection(outlines, **looks), autolim=False)
    else:
        spots = EllipseCollection(
            widths=across,
            heights=across,
            angles=np.zeros(len(across)),
            units="xy",
            offsets=part.xy[drawn],
            offset_transform=axes.transData,
            **looks,
        )
        axes.add_collection(spots, autolim=False)


def _lines(layer: Vectors) -> _Lines:
    data = np.asarray(layer.data, dtype=np.float64)
    plane = Plane.of(layer)
    starts = plane.to_world(data[:, 0])
    ends = plane.to_world(data[:, 0] + data[:, 1] * layer.length)
    return _Lines(
        np.stack([starts, ends], axis=1)[..., ::-1],
        float(layer.edge_width) * plane.magnification,
        np.asarray(layer.edge_color, dtype=np.float64),
        float(layer.opacity),
    )


def _draw_lines(axes: Axes, part: _Lines, place: int) -> None:
    from matplotlib.collections import LineCollection

    per_unit = _INCHES * 72 / abs(np.diff(axes.get_xlim())[0])
    colors = part.colors.copy()
    colors[:, 3] *= part.opacity
    axes.add_collection(
        LineCollection(
            list(part.ends), colors=colors, linewidths=part.width * per_unit, zorder=place
        ),
        autolim=False,
    )


def layers_left_out(screen: Screen) -> str:
    """Say which layers a figure lacks, in a sentence; empty if none."""
    from napari_trsmi.data.wording import listed

    if not screen.left_out:
        return ""
    return f"Not drawn: {listed(list(screen.left_out))} (labels and shapes are not)."
