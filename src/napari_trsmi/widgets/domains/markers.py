"""What sets a domain apart: its marker features, ranked on request."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from qtpy.QtCore import QModelIndex, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_trsmi.viewer.attached import dataset_of
from napari_trsmi.widgets.common.background import Background
from napari_trsmi.widgets.common.panel import Panel, narrow
from napari_trsmi.widgets.common.table import TextTable
from napari_trsmi.widgets.plots.kinds import DOT_PLOT

if TYPE_CHECKING:
    import pandas as pd

    from napari_trsmi.viewer.domains.layer import DomainLayer

_SHOWN = 100


class MarkersPanel(Panel):
    """Ranks the features of one domain against all others.

    Attributes
    ----------
    feature_chosen
        Emitted with a table's name and a feature that the user wants to see on the tissue.
    """

    feature_chosen = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.domain = QComboBox()
        narrow(self.domain)
        self.domain.setToolTip("The domain whose features are compared with those of all others")
        self.modality = QComboBox()
        narrow(self.modality)
        self.modality.setToolTip("The table whose features are ranked")
        self.rank = QPushButton("Find markers")
        self.rank.setToolTip("Rank the features with scanpy; the window stays usable meanwhile")
        self.table = TextTable(
            ["Feature", "Score", "log₂ FC", "p (adj.)"],
            "Marker features, best first. Double-click or Enter colours the spots by one.",
            numbers=[1, 2, 3],
        )
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.background = Background(self)
        self._of_modality = self._of_domain = ""
        choices = QFormLayout()
        choices.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        choices.addRow("Domain", self.domain)
        choices.addRow("Table", self.modality)
        self.all_domains = QPushButton("All domains …")
        self.all_domains.setToolTip(
            "Dot plot, heat map and violins of all domains, one domain against another, and gene "
            "sets, in the Plots dock"
        )
        self.all_domains.clicked.connect(lambda: self.plot_wanted.emit(DOT_PLOT))
        actions = QHBoxLayout()
        actions.addWidget(self.rank, 1)
        actions.addWidget(self.all_domains)
        choices.addRow(actions)
        layout = QVBoxLayout(self)
        layout.addLayout(choices)
        layout.addWidget(self.status)
        layout.addWidget(self.table, 1)
        self.rank.clicked.connect(self._on_rank_clicked)
        self.table.activated.connect(self._on_table_activated)
        self.background.finished.connect(self._on_background_finished)
        self.background.failed.connect(self._on_background_failed)
        self.background.busy_changed.connect(self._show_state)

    def choose_domain(self, name: str) -> None:
        """Take the domain that is selected in the legend."""
        self.domain.setCurrentText(name)

    def _connect(self, domains: DomainLayer) -> None:
        self._links.connect(domains.edits.changed, self._on_edits_changed)

    def _refresh(self) -> None:
        self.background.drop()
        self.table.show_rows([])
        self.modality.clear()
        if self._domains is not None and (dataset := dataset_of(self._domains.layer)) is not None:
            self.modality.addItems(dataset.names)
        self._on_edits_changed()
        self._show_state()

    def _on_edits_changed(self) -> None:
        before = self.domain.currentText()
        self.domain.clear()
        if self._domains is not None:
            self.domain.addItems(list(self._domains.edits.names))
            self.domain.setCurrentText(before)

    def _show_state(self) -> None:
        busy, measured = self.background.busy, self.modality.count() > 0
        self.rank.setEnabled(measured and not busy)
        if busy:
            self.status.setText("Ranking …")
        elif self._domains is not None and not measured:
            self.status.setText("This layer carries no tables, so there is nothing to rank.")
        elif self.table.rowCount() == 0:
            self.status.setText("")

    def _on_rank_clicked(self) -> None:
        if self._domains is None:
            return
        from napari_trsmi.analysis.markers import marker_features

        self._of_modality = self.modality.currentText()
        self._of_domain = self.domain.currentText()
        self.table.show_rows([])
        self.background.start(
            marker_features,
            dataset_of(self._domains.layer),
            self._domains.edits.result().domains,
            self._of_domain,
            modalities=[self._of_modality],
            n_per_modality=_SHOWN,
        )

    def _on_background_finished(self, found: pd.DataFrame) -> None:
        values = found[["score", "log2_fold_change", "p_adjusted"]].to_numpy()
        self.table.show_rows(
            [
                (
                    str(feature),
                    f"{score:.1f}",
                    "" if isnan(fold_change) else f"{fold_change:.2f}",
                    f"{p:.1e}",
                )
                for feature, (score, fold_change, p) in zip(found["feature"], values, strict=True)
            ]
        )
        self.status.setText(f"{self._of_domain} against all other spots:")

    def _on_background_failed(self, reason: str) -> None:
        self.status.setText("")
        self.failed.emit(reason)

    def _on_table_activated(self, index: QModelIndex) -> None:
        self.feature_chosen.emit(self._of_modality, self.table.text_at(index.row(), 0))
