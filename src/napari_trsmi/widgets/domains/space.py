"""How the domains lie to each other, and what varies in space: a plot and a table, on request."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
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
from napari_trsmi.widgets.plots.kinds import PROFILE

if TYPE_CHECKING:
    import pandas as pd

    from napari_trsmi.viewer.domains.layer import DomainLayer

ENRICHMENT, CO_OCCURRENCE, MORAN = "Neighbourhood enrichment", "Co-occurrence", "Moran's I"
_ABOUT = {
    ENRICHMENT: "Which domains are neighbours more often than by chance (z-scores)",
    CO_OCCURRENCE: "How much likelier a domain is at a distance from another than anywhere",
    MORAN: "Which features are alike in neighbouring spots",
}
_HEADERS = {
    ENRICHMENT: ("Domain", "Neighbour", "z"),
    CO_OCCURRENCE: ("Near", "Domain", "Ratio"),
    MORAN: ("Feature", "I", "p (adj.)"),
}
_SHOWN, _DRAWN = 100, 10
_GREY = "#808080"  # seen on light and dark


class SpacePanel(Panel):
    """squidpy's statistics of the domains, worked out in a thread.

    Attributes
    ----------
    feature_chosen
        Emitted with a table's name and a feature that the user wants to see on the tissue.
    """

    feature_chosen = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.statistic = QComboBox()
        narrow(self.statistic)
        self.statistic.addItems(list(_ABOUT))
        self.modality = QComboBox()
        narrow(self.modality)
        self.modality.setToolTip("The table whose features are ranked")
        self.compute = QPushButton("Compute")
        self.compute.setToolTip("Compute with squidpy; the window stays usable meanwhile")
        self.canvas = FigureCanvasQTAgg(Figure(figsize=(3, 2.4), layout="constrained"))  # type: ignore[no-untyped-call]
        self.canvas.setMinimumHeight(120)
        self.canvas.figure.set_facecolor("none")
        self.canvas.setStyleSheet("background-color: transparent;")
        self.table = TextTable(
            _HEADERS[ENRICHMENT],
            "What was computed, the strongest first. Double-click a feature to see it.",
            numbers=[1, 2],
        )
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.background = Background(self)
        self._computed = self._asked = self._of_modality = ""
        self._form = QFormLayout()
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.addRow("Show", self.statistic)
        self._form.addRow("Table", self.modality)
        self.across = QPushButton("Boundary profile …")
        self.across.setToolTip(
            "What changes across a boundary, areas and interfaces, composition and more, in the "
            "Plots dock"
        )
        self.across.clicked.connect(lambda: self.plot_wanted.emit(PROFILE))
        actions = QHBoxLayout()
        actions.addWidget(self.compute, 1)
        actions.addWidget(self.across)
        self._form.addRow(actions)
        layout = QVBoxLayout(self)
        layout.addLayout(self._form)
        layout.addWidget(self.status)
        layout.addWidget(self.canvas, 2)
        layout.addWidget(self.table, 1)
        self.statistic.currentIndexChanged.connect(self._show_state)
        self.compute.clicked.connect(self._on_compute_clicked)
        self.table.activated.connect(self._on_table_activated)
        self.background.finished.connect(self._on_background_finished)
        self.background.failed.connect(self._on_background_failed)
        self.background.busy_changed.connect(self._show_state)
        self._clear()

    def _connect(self, domains: DomainLayer) -> None:
        self._links.connect(domains.edits.changed, self._on_edits_changed)

    def _refresh(self) -> None:
        self.modality.clear()
        if self._domains is not None and (dataset := dataset_of(self._domains.layer)) is not None:
            self.modality.addItems(dataset.names)
        self._on_edits_changed()

    def _on_edits_changed(self) -> None:
        """Drop what was computed of other domains."""
        self.background.drop()
        self._clear()
        self._show_state()

    def _clear(self) -> None:
        self._computed = ""
        self.table.show_rows([])
        self.canvas.figure.clear()
        self.canvas.setVisible(False)

    def _show_state(self) -> None:
        chosen, busy = self.statistic.currentText(), self.background.busy
        self.statistic.setToolTip(_ABOUT[chosen])
        of_features = chosen == MORAN
        self._form.setRowVisible(self.modality, of_features)
        missing = of_features and self.modality.count() == 0
        self.compute.setEnabled(not busy and not missing)
        if busy:
            self.status.setText("Computing … The first time takes longer.")
        elif self._domains is not None and missing:
            self.status.setText("This layer carries no tables, so there is nothing to rank.")
        else:
            about = _ABOUT[self._computed or chosen]
            self.status.setText(f"{about}{':' if self._computed else '.'}")

    def _on_compute_clicked(self) -> None:
        if self._domains is None:
            return
        from napari_trsmi.analysis import spatial_statistics as statistics

        self._clear()
        chosen, result = self.statistic.currentText(), self._domains.edits.result()
        self._asked, self._of_modality = chosen, self.modality.currentText()
        if chosen == MORAN:
            dataset = dataset_of(self._domains.layer)
            self.background.start(statistics.spatially_variable, dataset, result, self._of_modality)
        elif chosen == CO_OCCURRENCE:
            self.background.start(statistics.co_occurrence, result)
        else:
            self.background.start(statistics.neighborhood_enrichment, result)

    def _on_background_finished(self, found: pd.DataFrame) -> None:
        self._computed = self._asked
        self.table.setHorizontalHeaderLabels(list(_HEADERS[self._computed]))
        axes = self.canvas.figure.add_subplot()
        axes.set_facecolor("none")
        draw, rows = {
            ENRICHMENT: (self._draw_enrichment, _enrichment_rows),
            CO_OCCURRENCE: (self._draw_co_occurrence, _co_occurrence_rows),
            MORAN: (self._draw_moran, _moran_rows),
        }[self._computed]
        draw(axes, found)
        axes.tick_params(colors=_GREY, labelsize=7)
        for spine in axes.spines.values():
            spine.set_color(_GREY)
        self.table.show_rows(rows(found)[:_SHOWN])
        self.canvas.setVisible(True)
        self.canvas.draw_idle()  # type: ignore[no-untyped-call]
        self._show_state()

    def _on_background_failed(self, reason: str) -> None:
        self._show_state()
        self.failed.emit(reason)

    def _on_table_activated(self, index: QModelIndex) -> None:
        if self._computed == MORAN:
            self.feature_chosen.emit(self._of_modality, self.table.text_at(index.row(), 0))

    def _draw_enrichment(self, axes: Any, found: pd.DataFrame) -> None:
        limit = float(np.nanmax(np.abs(found.to_numpy()), initial=1.0))
        drawn = axes.imshow(found.to_numpy(), cmap="RdBu_r", vmin=-limit, vmax=limit)
        places = range(len(found))
        axes.set_xticks(places, found.columns, rotation=90)
        axes.set_yticks(places, found.index)
        bar = self.canvas.figure.colorbar(drawn, ax=axes)
        bar.set_label("z", color=_GREY)
        bar.ax.tick_params(colors=_GREY, labelsize=7)

    def _draw_co_occurrence(self, axes: Any, found: pd.DataFrame) -> None:
        """Draw each domain's ratio with itself: how far it reaches."""
        assert self._domains is not None  # noqa: S101
        colors = self._domains.edits.colors
        own = found[found["domain"].astype(str) == found["other"].astype(str)]
        for name, curve in own.groupby("domain", observed=True):
            axes.plot(curve["distance"], curve["ratio"], color=colors[str(name)], linewidth=1.5)
        axes.axhline(1, color=_GREY, linewidth=0.8, linestyle=":")
        axes.set_xlabel("distance", color=_GREY, fontsize=8)
        axes.set_ylabel("ratio with itself", color=_GREY, fontsize=8)

    def _draw_moran(self, axes: Any, found: pd.DataFrame) -> None:
        first = found.head(_DRAWN)[::-1]
        axes.barh(first["feature"], first["moran_i"], color=_GREY)
        axes.set_xlabel("Moran's I", color=_GREY, fontsize=8)


def _enrichment_rows(found: pd.DataFrame) -> list[tuple[str, str, str]]:
    """List each pair of domains once, the farthest from chance first."""
    names, scores = list(map(str, found.index)), found.to_numpy(dtype=np.float64)
    pairs = [
        (names[row], names[column], float(scores[row, column]))
        for row, column in zip(*np.triu_indices(len(names), 1), strict=True)
    ]
    known = [pair for pair in pairs if not isnan(pair[2])]
    known.sort(key=lambda pair: -abs(pair[2]))
    return [(domain, other, f"{score:.1f}") for domain, other, score in known]


def _co_occurrence_rows(found: pd.DataFrame) -> list[tuple[str, str, str]]:
    """List who is near whom, at the shortest distance."""
    near = found[found["distance"] == found["distance"].min()]
    near = near[near["domain"].astype(str) != near["other"].astype(str)]
    ranked = near.sort_values("ratio", ascending=False, kind="stable")
    return [
        (str(domain), str(other), f"{ratio:.2f}")
        for domain, other, ratio in zip(
            ranked["domain"], ranked["other"], ranked["ratio"], strict=True
        )
    ]


def _moran_rows(found: pd.DataFrame) -> list[tuple[str, str, str]]:
    return [
        (str(feature), f"{moran:.2f}", f"{p:.1e}")
        for feature, moran, p in zip(
            found["feature"], found["moran_i"], found["p_adjusted"], strict=True
        )
    ]
