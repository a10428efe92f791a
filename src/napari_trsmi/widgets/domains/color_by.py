"""What the spots are coloured by: their domain, its confidence, a modality's weight, a feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QStringListModel, Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QWidget
from superqt import QSearchableComboBox

from napari_trsmi.viewer.attached import dataset_of
from napari_trsmi.viewer.domains.coloring import (
    COLORMAPS,
    by_confidence,
    by_feature,
    by_weight,
    is_counted,
    modality_named,
    relative_depth,
)
from napari_trsmi.widgets.common.panel import Panel, narrow
from napari_trsmi.widgets.domains.color_bar import ColorBar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.viewer.domains.coloring import Coloring, OfFeature
    from napari_trsmi.viewer.domains.layer import DomainLayer

DOMAIN, CONFIDENCE, WEIGHT, FEATURE = "domain", "confidence", "weight", "feature"


class ColorByPanel(Panel):
    """Chooses what the spots are coloured by, and shows the colour scale."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.what = QComboBox()
        narrow(self.what)
        self.what.setToolTip("What the colours of the spots show")
        self.modality = QComboBox()
        narrow(self.modality)
        self.modality.setToolTip("The table that the feature is in")
        self.feature = QSearchableComboBox()
        self.feature.setToolTip("A gene, protein, peak or other feature: type a part of its name")
        narrow(self.feature)
        self.feature.setMaxVisibleItems(15)
        self._features = QStringListModel(self)
        self.feature.setModel(self._features)
        self.feature.completer_object.setModel(self._features)
        self.log = QCheckBox("log(1 + count)")
        self.log.setToolTip("Show the logarithm, in which few high counts do not hide the others")
        self.per_depth = QCheckBox("Per depth")
        self.per_depth.setToolTip(
            "Divide by how many counts the spot has of everything, relative to the median spot"
        )
        self._depths: dict[str, NDArray[np.float64] | None] = {}
        self.colormap = QComboBox()
        narrow(self.colormap)
        self.colormap.addItems(COLORMAPS)
        self.colormap.setToolTip("Colours from low to high; all read without colour vision too")
        self.bar = ColorBar()
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        layout.addRow("Colour by", self.what)
        layout.addRow("Table", self.modality)
        layout.addRow("Feature", self.feature)
        counts = QHBoxLayout()
        counts.addWidget(self.log)
        counts.addWidget(self.per_depth)
        self.counts = QWidget()
        self.counts.setLayout(counts)
        counts.setContentsMargins(0, 0, 0, 0)
        layout.addRow("", self.counts)
        layout.addRow("Colours", self.colormap)
        layout.addRow(self.bar)
        self._form = layout
        self.what.activated.connect(self._on_what_activated)
        self.modality.activated.connect(self._on_modality_activated)
        self.feature.activated.connect(self._apply)
        typed = self.feature.lineEdit()
        assert typed is not None  # noqa: S101
        typed.returnPressed.connect(self._on_feature_return_pressed)
        self.log.clicked.connect(self._apply)
        self.per_depth.clicked.connect(self._apply)
        self.colormap.activated.connect(self._on_colormap_activated)

    def set_style(self, sheet: str) -> None:
        """Take a theme's style for the list of features, which is a window of its own."""
        popup = self.feature.completer_object.popup()
        if popup is not None:
            popup.setStyleSheet(sheet)

    def show_feature(self, modality: str, feature: str) -> None:
        """Colour the spots by a feature, as if it had been chosen here."""
        place = self.what.findText("Feature")
        if place < 0 or self.modality.findText(modality) < 0:
            self.failed.emit(f"This layer carries no table {modality!r} to colour by.")
            return
        self.what.setCurrentIndex(place)
        self.modality.setCurrentText(modality)
        self._list_features()
        self.feature.setCurrentIndex(self.feature.findText(feature, Qt.MatchFlag.MatchFixedString))
        self._show_rows()
        self._apply()

    def _connect(self, domains: DomainLayer) -> None:
        self._links.connect(domains.coloring_changed, self._on_domains_coloring_changed)

    def _refresh(self) -> None:
        self.what.clear()
        self._depths.clear()
        self.modality.clear()
        self._features.setStringList([])
        if self._domains is None:
            self.bar.show_coloring(None)
            self._show_rows()
            return
        run = self._domains.edits.result()
        self.what.addItem("Domain", (DOMAIN, ""))
        self.what.addItem("Confidence", (CONFIDENCE, ""))
        if run.modality_weights.shape[1] > 1:  # the one of a single table is 1 everywhere
            for modality in run.modality_weights:
                self.what.addItem(f"Weight of {modality}", (WEIGHT, modality))
        if (dataset := self._dataset()) is not None:
            self.what.addItem("Feature", (FEATURE, ""))
            self.modality.addItems(dataset.names)
            self._list_features()
        self._on_domains_coloring_changed()

    def _dataset(self) -> SpatialOmics | None:
        """Return the layer's tables, if they are those of its run's spots."""
        if self._domains is None:
            return None
        dataset = dataset_of(self._domains.layer)
        return dataset if dataset and dataset.n_spots == self._domains.edits.n_spots else None

    def _choice(self) -> tuple[str, str]:
        return self.what.currentData() or (DOMAIN, "")

    def _list_features(self) -> None:
        dataset = self._dataset()
        if dataset is None:
            return
        modality = modality_named(dataset, self.modality.currentText())
        self._features.setStringList(list(map(str, modality.table.var_names)))
        self.feature.setCurrentIndex(0)
        self.log.setChecked(is_counted(modality))
        has_depth = self._depth(dataset) is not None
        self.per_depth.setChecked(has_depth)
        self.per_depth.setVisible(has_depth)

    def _depth(self, dataset: SpatialOmics) -> NDArray[np.float64] | None:
        """Return the depth of the table that is chosen, found once."""
        name = self.modality.currentText()
        if name not in self._depths:
            self._depths[name] = relative_depth(modality_named(dataset, name))
        return self._depths[name]

    def _show_rows(self) -> None:
        what, _ = self._choice()
        for widget in (self.modality, self.feature, self.counts):
            self._form.setRowVisible(widget, what == FEATURE)
        of_numbers = what != DOMAIN or self.what.currentIndex() < 0
        self._form.setRowVisible(self.colormap, of_numbers and self._domains is not None)

    def _coloring(self) -> Coloring | None:
        assert self._domains is not None  # noqa: S101
        what, modality = self._choice()
        run = self._domains.edits.result()
        if what == DOMAIN:
            return None
        if what == CONFIDENCE:
            coloring = by_confidence(run)
        elif what == WEIGHT:
            coloring = by_weight(run, modality)
        else:
            dataset = self._dataset()
            assert dataset is not None  # noqa: S101
            coloring = by_feature(
                dataset,
                self.modality.currentText(),
                self.feature.currentText(),
                log=self.log.isChecked(),
                depth=self._depth(dataset) if self.per_depth.isChecked() else None,
            )
        return coloring.with_colormap(self.colormap.currentText())

    def _apply(self) -> None:
        domains = self._domains
        if domains is not None:
            self._try(lambda: domains.color_by(self._coloring()))

    def _on_what_activated(self) -> None:
        self._show_rows()
        self._apply()

    def _on_modality_activated(self) -> None:
        self._list_features()
        self._apply()

    def _on_feature_return_pressed(self) -> None:
        if self.feature.findText(self.feature.currentText(), Qt.MatchFlag.MatchFixedString) < 0:
            self._apply()  # which says that there is none

    def _on_colormap_activated(self) -> None:
        domains = self._domains
        if domains is not None and (coloring := domains.coloring) is not None:
            name = self.colormap.currentText()
            self._try(lambda: domains.color_by(coloring.with_colormap(name)))

    def _on_domains_coloring_changed(self) -> None:
        assert self._domains is not None  # noqa: S101
        coloring = self._domains.coloring
        self.bar.show_coloring(coloring)
        if coloring is None:
            self.what.setCurrentIndex(0)
        else:
            self.colormap.setCurrentText(coloring.colormap)
            shown = "Feature" if coloring.feature is not None else coloring.label
            self.what.setPlaceholderText(shown)  # of what was chosen elsewhere, a score of a set
            self.what.setCurrentIndex(self.what.findText(shown, Qt.MatchFlag.MatchFixedString))
            if coloring.feature is not None:
                self._show_feature(coloring.feature)
        self._show_rows()

    def _show_feature(self, shown: OfFeature) -> None:
        """Show which feature the spots are coloured by, wherever it was chosen."""
        if self.modality.findText(shown.modality) < 0:
            return
        if self.modality.currentText() != shown.modality:
            self.modality.setCurrentText(shown.modality)
            self._list_features()
        self.feature.setCurrentIndex(self.feature.findText(shown.feature))
        self.log.setChecked(shown.log)
        self.per_depth.setChecked(shown.per_depth)
