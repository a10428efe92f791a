"""The embedding in two dimensions, linked to the canvas both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_trsmi.widgets.common.background import Background
from napari_trsmi.widgets.common.panel import Panel, narrow
from napari_trsmi.widgets.domains.scatter import Scatter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from qtpy.QtGui import QShowEvent

    from napari_trsmi.viewer.domains.layer import DomainLayer

METHODS = {"PCA": "pca", "UMAP": "umap"}
_SETTLED = 60  # ms without another change of the selection


class EmbeddingPanel(Panel):
    """A scatter of the embedding: what is picked in it is selected on the tissue, and back.

    It projects nothing before it is first seen, and anew for every run.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.method = QComboBox()
        narrow(self.method)
        self.method.addItems(list(METHODS))
        self.method.setToolTip("How the embedding is flattened: PCA is fast, UMAP shows groups")
        self.tool = QComboBox()
        narrow(self.tool)
        self.tool.addItems(["Lasso", "Rectangle"])
        self.tool.setToolTip("What dragging in the picture draws around the spots to select")
        self.scatter = Scatter()
        self.scatter.setToolTip("One point a spot. Drag around some to select them on the tissue.")
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.background = Background(self)
        self._projected: DomainLayer | None = None
        self._of_method = ""
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLED)
        self._settle.timeout.connect(self._show_selection)
        choices = QHBoxLayout()
        choices.addWidget(self.method, 1)
        choices.addWidget(self.tool, 1)
        layout = QVBoxLayout(self)
        layout.addLayout(choices)
        layout.addWidget(self.scatter, 1)
        layout.addWidget(self.status)
        self.method.activated.connect(self._project_if_seen)
        self.tool.activated.connect(self._on_tool_activated)
        self.scatter.picked.connect(self._on_scatter_picked)
        self.background.finished.connect(self._on_background_finished)
        self.background.failed.connect(self._on_background_failed)

    def set_theme(self, background: str, line: str) -> None:
        """Take the window's colours."""
        self.scatter.set_theme(background, line)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Project what is followed, now that it is seen."""
        super().showEvent(event)
        self._project_if_seen()

    def _connect(self, domains: DomainLayer) -> None:
        self._links.connect(domains.edits.changed, self._on_edits_changed)
        self._links.connect(domains.edits.visibility_changed, self._on_edits_changed)
        self._links.connect(
            domains.layer.selected_data.events.items_changed, self._on_layer_selection_changed
        )

    def _refresh(self) -> None:
        self.background.drop()
        self._projected = None
        self.scatter.setVisible(False)
        self.status.setText("")
        self._project_if_seen()

    def _project_if_seen(self) -> None:
        method = METHODS[self.method.currentText()]
        domains = self._domains
        if domains is None or not self.isVisible():
            return
        if self._projected is domains and self._of_method == method:
            return
        from napari_trsmi.analysis.projection import project

        self._of_method = method
        self.status.setText(f"{self.method.currentText()} …")
        self.background.start(project, domains.edits.result().embedding, method=method)

    def _on_background_finished(self, places: NDArray[np.floating]) -> None:
        self._projected = self._domains
        self.status.setText("")
        self.scatter.setVisible(True)
        self.scatter.show_points(places)
        self._on_edits_changed()
        self._show_selection()

    def _on_background_failed(self, reason: str) -> None:
        self._of_method = ""
        self.status.setText(reason)
        self.failed.emit(reason)

    def _on_edits_changed(self) -> None:
        if self._domains is not None and self._projected is self._domains:
            edits = self._domains.edits
            self.scatter.color_by_group(edits.codes, list(edits.colors.values()), edits.shown)

    def _on_layer_selection_changed(self) -> None:
        self._settle.start()

    def _show_selection(self) -> None:
        if self._domains is not None and self._projected is self._domains:
            self.scatter.highlight(self._domains.selected())

    def _on_tool_activated(self) -> None:
        self.scatter.use_tool("lasso" if self.tool.currentIndex() == 0 else "rectangle")

    def _on_scatter_picked(self, spots: NDArray[np.intp]) -> None:
        domains = self._domains
        if domains is not None:
            self._try(lambda: domains.select_spots(spots))
