"""What a plot asks for, as a form that shows only what the chosen one needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QLineEdit, QWidget

from napari_trsmi.errors import InputError
from napari_trsmi.viewer.attached import dataset_of
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.viewer.plane import Plane
from napari_trsmi.widgets.common.layer_box import LayerBox
from napari_trsmi.widgets.common.other_labels import other_labels
from napari_trsmi.widgets.common.panel import narrow
from napari_trsmi.widgets.plots.kinds import (
    DOMAIN,
    FEATURES,
    LABELS,
    LINE,
    OTHER,
    REACH,
    SETS,
    TABLE,
    Request,
)
from napari_trsmi.widgets.plots.sets_box import SetsBox

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Layer, Points
    from numpy.typing import NDArray

    from napari_trsmi.viewer.domains.layer import DomainLayer

_NO_LABELS = "all spots together"


class Choices(QWidget):
    """Boxes for domains, labels, tables, features, a line and a reach.

    Parameters
    ----------
    viewer
        Whose layers have labels and lines.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._domains: DomainLayer | None = None
        self._others: list[tuple[str, Points | str]] = []
        self.domain, self.other, self.labels, self.table = (QComboBox() for _ in range(4))
        for box in (self.domain, self.other, self.labels, self.table):
            narrow(box)
        self.sets = SetsBox()
        self.sets.chosen.connect(lambda names: self.features.setText(", ".join(names)))
        self.features = QLineEdit()
        self.features.setToolTip("Names of genes or other features, separated by commas or spaces")
        self.line = LayerBox(viewer, accepts=_is_shapes, none="their boundary")
        self.line.setToolTip("A line of a Shapes layer, drawn across the tissue, instead")
        self.reach = QDoubleSpinBox()
        self.reach.setRange(0, 1e9)
        self.reach.setDecimals(0)
        self.reach.setSpecialValueText("five spots")
        self.reach.setToolTip("How far from the boundary, on either side")
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows: tuple[tuple[str, str, QWidget], ...] = (
            (DOMAIN, "Domain", self.domain),
            (OTHER, "Against", self.other),
            (LABELS, "Labels", self.labels),
            (TABLE, "Table", self.table),
            (SETS, "Set", self.sets),
            (FEATURES, "Features", self.features),
            (LINE, "Along", self.line),
            (REACH, "Reach", self.reach),
        )
        self._rows = {asked: box for asked, _, box in rows}
        for _, title, row in rows:
            self._form.addRow(title, row)

    def controls(self) -> dict[str, QWidget]:
        """The boxes, by what they ask for."""
        return {**self._rows, SETS: self.sets.box}

    def show_rows(self, asks: tuple[str, ...]) -> None:
        """Show what a plot asks for, and nothing else."""
        for asked, box in self._rows.items():
            self._form.setRowVisible(box, asked in asks)
        self.features.setPlaceholderText("those of the set" if SETS in asks else "the most telling")

    def follow(self, domains: DomainLayer | None) -> None:
        """Offer what another layer has."""
        self._domains = domains
        self.table.clear()
        if domains is not None and (dataset := dataset_of(domains.layer)) is not None:
            self.table.addItems(dataset.names)
        known = None if domains is None else domains.edits.result().micrometres_per_unit
        self.reach.setSuffix("" if known is None else " µm")
        self.refresh()

    def refresh(self) -> None:
        """Offer the domains and labels that there are now."""
        names = [] if self._domains is None else list(self._domains.edits.names)
        for place, box in enumerate((self.domain, self.other)):
            before = box.currentText()
            box.clear()
            box.addItems(names)
            box.setCurrentIndex(min(place, len(names) - 1))
            box.setCurrentText(before)
        before = self.labels.currentText()
        self._others = [] if self._domains is None else other_labels(self._viewer, self._domains)
        self.labels.clear()
        self.labels.addItem(_NO_LABELS)
        self.labels.addItems([label for label, _ in self._others])
        self.labels.setCurrentIndex(max(self.labels.findText(before), 0))

    def request(self, asks: tuple[str, ...]) -> Request | None:
        """What was chosen, of what a plot asks for; None if no run is followed.

        Raises
        ------
        InputError
            If the layer that was chosen for a line has none.
        """
        domains = self._domains
        if domains is None:
            return None
        labels, colors = self._labels() if LABELS in asks else (None, None)
        typed = re.split(r"[,;\s]+", self.features.text().strip()) if FEATURES in asks else []
        return Request(
            domains.edits.result(),
            dataset_of(domains.layer),
            domain=self.domain.currentText(),
            other=self.other.currentText(),
            labels=labels,
            label_colors=colors,
            table=self.table.currentText(),
            features=tuple(name for name in typed if name),
            sets=self.sets.all_sets if SETS in asks else None,
            line=self._line() if LINE in asks else None,
            reach=self.reach.value() or None if REACH in asks else None,
        )

    def _labels(self) -> tuple[tuple[str, pd.Series] | None, dict[str, str] | None]:
        row = self.labels.currentIndex() - 1
        if row < 0 or self._domains is None:
            return None, None
        called, chosen = self._others[row]
        if isinstance(chosen, str):
            return (chosen, self._domains.edits.result().annotations[chosen]), None
        other = domain_layer(chosen).edits
        return (called.partition(": ")[2], other.result().domains), dict(other.colors)

    def _line(self) -> NDArray[np.float64] | None:
        """Return the last line of the chosen layer, in the spots' coordinates."""
        layer = self.line.layer
        if layer is None or self._domains is None:
            return None
        lines = [
            path
            for path, kind in zip(layer.data, layer.shape_type, strict=True)
            if kind in ("line", "path")
        ]
        if not lines:
            raise InputError(
                f"Layer {layer.name!r} has no line. Draw one with napari's line or path tool."
            )
        drawn = np.asarray(lines[-1], dtype=np.float64)[:, -2:]
        world = Plane.of(layer).to_world(drawn)
        return Plane.of(self._domains.layer).to_data(world)[:, ::-1]


def _is_shapes(layer: Layer) -> bool:
    from napari.layers import Shapes

    return isinstance(layer, Shapes)
