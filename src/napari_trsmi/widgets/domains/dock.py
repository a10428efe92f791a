"""The Domains dock: a run's domains, looked at, named, compared and taken along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.qt import get_stylesheet
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import TRSMIError
from napari_trsmi.viewer.domains.from_files import is_new
from napari_trsmi.viewer.domains.layer import DomainLayer, domain_layer, shows_domains
from napari_trsmi.widgets.common.links import Links
from napari_trsmi.widgets.common.panel import narrow
from napari_trsmi.widgets.common.room import Room, open_room
from napari_trsmi.widgets.common.unproxied import unproxied
from napari_trsmi.widgets.domains.appearance import AppearancePanel
from napari_trsmi.widgets.domains.boundaries import BoundariesPanel
from napari_trsmi.widgets.domains.canvas_legend import CanvasLegendPanel
from napari_trsmi.widgets.domains.color_by import ColorByPanel
from napari_trsmi.widgets.domains.compare import ComparePanel
from napari_trsmi.widgets.domains.edit_bar import MERGE, REDO, UNDO, EditBar
from napari_trsmi.widgets.domains.embedding import EmbeddingPanel
from napari_trsmi.widgets.domains.export import ExportPanel
from napari_trsmi.widgets.domains.lasso import LassoPanel
from napari_trsmi.widgets.domains.legend import LegendView
from napari_trsmi.widgets.domains.markers import MarkersPanel
from napari_trsmi.widgets.domains.scale import ScalePanel
from napari_trsmi.widgets.domains.shares import SharesPanel
from napari_trsmi.widgets.plots.dock import PlotsDock

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Points
    from napari.viewer import Viewer

    from napari_trsmi.widgets.common.panel import Panel

_SETTLED = 60  # ms without another change of the selection
_NO_LAYER = "No layer shows domains yet. Run TRSMI, or open a result (.h5ad)."
_NAMED = 3  # domains that the line on the selection names


class DomainsDock(Room):
    """Legend on top, always in sight; colours, embedding, comparison, markers, export below.

    It shows the domains of the active layer, or of the last one that had any.

    Parameters
    ----------
    napari_viewer
        The viewer that it is docked in.
    """

    menu_name = "Domains (TRSMI)"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = unproxied(napari_viewer)
        self._layers: list[Points] = []  # by row of the combo box
        self._shown_layer: Points | None = None
        self._domains: DomainLayer | None = None
        self._layer_links = Links(self)  # to names of all layers
        self._domain_links = Links(self)  # to what is shown
        self._viewer_links = Links(self)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLED)
        self._settle.timeout.connect(self._show_selection)
        self._build()
        self._wire()
        self._list_layers()
        self._on_viewer_theme_changed()

    @property
    def domains(self) -> DomainLayer | None:
        """What the dock shows."""
        return self._domains

    # -- making it -------------------------------------------------------------

    def _build(self) -> None:
        self.layer = QComboBox()
        self.layer.setToolTip("The layer whose domains are shown here; follows the active layer")
        narrow(self.layer)
        self.legend = LegendView()
        self.edit_bar = EditBar(self.legend, self._viewer)
        self.boundaries = BoundariesPanel(self._viewer)
        self.canvas_legend = CanvasLegendPanel(self._viewer)
        self.lasso = LassoPanel(self._viewer)
        self.scale = ScalePanel()
        self.selection = QLabel()
        self.selection.setWordWrap(True)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.color_by = ColorByPanel()
        self.appearance = AppearancePanel(self._viewer)
        look = QWidget()
        of_look = QVBoxLayout(look)
        of_look.addWidget(self.color_by)
        of_look.addWidget(self.appearance)
        of_look.addStretch(1)
        self.embedding = EmbeddingPanel()
        self.comparison = ComparePanel(self._viewer)
        self.markers = MarkersPanel()
        self.shares = SharesPanel()
        self.export = ExportPanel(self._viewer)
        self.plots = QPushButton("Plots …")
        self.plots.setToolTip(
            "Neighbourhoods, co-occurrence, what varies in space, across a boundary, composition, "
            "markers of all domains and more, in the Plots dock"
        )
        self.tabs = QTabWidget()
        self.tabs.setUsesScrollButtons(False)
        self.tabs.setElideMode(Qt.TextElideMode.ElideNone)
        self.tabs.setStyleSheet("QTabBar::tab { padding: 3px; }")  # all fit a narrow dock
        for panel, title, tip in (
            (look, "Look", "What the spots are coloured by, and how they are drawn"),
            (self.embedding, "Embedding", "The embedding, linked to the tissue"),
            (self.comparison, "Compare", "Compare with another run or an annotation"),
            (self.markers, "Markers", "What sets a domain apart"),
            (self.shares, "Sections", "How much of each section each domain has"),
            (self.export, "Export", "Save the domains, copy the run as a script"),
        ):
            self.tabs.setTabToolTip(self.tabs.addTab(panel, title), tip)
        chooser = QHBoxLayout()
        chooser.addWidget(QLabel("Layer"))
        chooser.addWidget(self.layer, 1)
        on_canvas = QHBoxLayout()
        on_canvas.addWidget(self.boundaries)
        on_canvas.addWidget(self.canvas_legend)
        on_canvas.addStretch(1)
        on_canvas.addWidget(self.lasso)
        on_canvas.addWidget(self.plots)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(9, 4, 9, 4)  # what a laptop's window needs the height for
        layout.setSpacing(4)
        layout.addLayout(chooser)
        layout.addLayout(on_canvas)
        layout.addWidget(self.scale)
        layout.addWidget(self.legend, 2)
        layout.addWidget(self.selection)
        layout.addWidget(self.edit_bar)
        layout.addWidget(self.message)
        layout.addWidget(self.tabs, 3)

    def _wire(self) -> None:
        layers = self._viewer.layers
        for event in (layers.events.inserted, layers.events.removed, layers.events.reordered):
            self._viewer_links.connect(event, self._list_layers)
        self._viewer_links.connect(layers.selection.events.active, self._on_active_layer_changed)
        self._viewer_links.connect(self._viewer.events.theme, self._on_viewer_theme_changed)
        self.layer.activated.connect(self._on_layer_activated)
        self.legend.chosen.connect(self._on_legend_chosen)
        self.legend.legend.refused.connect(self._show_failure)
        self.markers.feature_chosen.connect(self._on_panel_feature_chosen)
        self.plots.clicked.connect(self._on_plots_clicked)
        for panel in self._panels():
            panel.failed.connect(self._show_failure)
            panel.said.connect(self._show_message)
            panel.plot_wanted.connect(self._on_plot_wanted)
        for keys, slot in (
            (UNDO, self.edit_bar.undo_last),
            (REDO, self.edit_bar.redo_last),
            (MERGE, self.edit_bar.merge_selected),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(slot)

    def _panels(self) -> tuple[Panel, ...]:
        above = (self.boundaries, self.canvas_legend, self.scale, self.edit_bar, self.lasso)
        compared = (self.embedding, self.comparison, self.markers)
        tabs = (*compared, self.shares, self.export)
        return (*above, self.color_by, self.appearance, *tabs)

    def controls(self) -> dict[str, QWidget]:
        """What is chosen above the legend and in the tabs."""
        return {
            "layer": self.layer,
            "legend": self.canvas_legend.box,
            "projection": self.embedding.method,
            "tool": self.embedding.tool,
            "compared": self.comparison.other,
            "markers_of": self.markers.domain,
            "markers_in": self.markers.modality,
            "tab": self.tabs,
        }

    def leave(self) -> None:
        """Draw no boundaries that come when nobody follows them any more."""
        self.boundaries.stop()

    # -- which layer -----------------------------------------------------------

    def show_run(self, layer: Points) -> None:
        """Show a run that has just ended, with its boundaries on the tissue."""
        self._viewer.layers.selection.active = layer
        self._show_layer(layer)
        self.boundaries.show_with_runs()
        self.boundaries.draw()

    def _list_layers(self) -> None:
        self._layers = [layer for layer in self._viewer.layers if shows_domains(layer)]
        self._layer_links.clear()
        self.layer.clear()
        for layer in self._layers:
            self.layer.addItem(layer.name)
            self._layer_links.connect(layer.events.name, self._on_layer_name_changed)
        self.layer.setEnabled(bool(self._layers))
        active = self._viewer.layers.selection.active
        before = self._shown_layer if self._shown_layer in self._layers else None
        last = self._layers[-1] if self._layers else None
        self._show_layer(active if active in self._layers else before or last)
        self.comparison.list_others()
        self._show_state()

    def _show_layer(self, layer: Points | None) -> None:
        domains, reason = None, _NO_LAYER
        if layer is not None:
            self.layer.setCurrentIndex(self._layers.index(layer))
            reason = ""
            try:
                domains = domain_layer(layer)
            except TRSMIError as error:
                reason = str(error)
        if layer is self._shown_layer and domains is self._domains and domains is not None:
            return
        self._shown_layer, self._domains = layer, domains
        self._domain_links.clear()
        self.legend.legend.follow(None if domains is None else domains.edits)
        for panel in self._panels():
            panel.follow(domains)
        self.tabs.setTabVisible(self.tabs.indexOf(self.shares), self.shares.has_sections)
        if domains is not None:  # after the legend, whose rows the dock's own slots look at
            link = self._domain_links.connect
            link(domains.edits.changed, self._on_edits_changed)
            link(domains.edits.visibility_changed, self._show_state)
            link(domains.layer.selected_data.events.items_changed, self._on_spots_selected)
            link(domains.layer.events.data, self._on_points_changed)
            if is_new(domains.edits.result()):
                self.boundaries.draw()
        self._show_message(reason)
        self._show_selection()
        self._show_state()

    def _on_active_layer_changed(self) -> None:
        active = self._viewer.layers.selection.active
        if active in self._layers:
            self._show_layer(active)

    def _on_layer_activated(self, row: int) -> None:
        self._show_layer(self._layers[row])

    def _on_layer_name_changed(self) -> None:
        for row, layer in enumerate(self._layers):
            self.layer.setItemText(row, layer.name)
        self.comparison.list_others()

    def _on_points_changed(self) -> None:
        if self._domains is not None and (reason := self._domains.why_not()):
            self._show_layer(self._shown_layer)  # which the model refuses now
            self._show_message(reason)

    def _on_viewer_theme_changed(self) -> None:
        theme = get_theme(self._viewer.theme)
        self.embedding.set_theme(theme.background.as_hex(), theme.text.as_hex())
        self.color_by.set_style(get_stylesheet(self._viewer.theme))

    # -- edits -----------------------------------------------------------------

    def _on_edits_changed(self) -> None:
        self._show_selection()
        self._show_state()

    # -- selection -------------------------------------------------------------

    def _on_legend_chosen(self, names: list[str]) -> None:
        domains = self._domains
        if domains is not None:
            self._try(lambda: domains.select(names))
        if len(names) == 1:
            self.markers.choose_domain(names[0])
        self._show_state()

    def _on_spots_selected(self) -> None:
        self._settle.start()

    def _show_selection(self) -> None:
        """Say which domains the selected spots have, here and in the legend."""
        if self._domains is None:
            self.selection.setText("")
            return
        counts = self._domains.selected_counts()
        self.selection.setText(_selection_text(counts))
        edits = self._domains.edits
        sizes = edits.counts
        # A domain that is hidden or empty has no spot to select; it stays chosen.
        chosen = {
            name for name in self.legend.selected_names() if edits.is_visible(name) and sizes[name]
        }
        if chosen != set(counts):
            self.legend.select_quietly(counts)
        self._show_state()

    def _show_state(self) -> None:
        self.legend.setEnabled(self._domains is not None)
        self.edit_bar.show_state()

    # -- telling ---------------------------------------------------------------

    def _on_panel_feature_chosen(self, modality: str, feature: str) -> None:
        """Colour by a marker, and stay where the next one is."""
        self.color_by.show_feature(modality, feature)
        if self._domains is not None and self._domains.coloring is not None:
            self._show_message(f"The spots show {self._domains.coloring.label}.")

    def _on_plots_clicked(self) -> None:
        open_room(self._viewer, PlotsDock)

    def _on_plot_wanted(self, name: str) -> None:
        open_room(self._viewer, PlotsDock)[0].choose(name)

    def _show_message(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def _show_failure(self, reason: str) -> None:
        self._show_message(f"⚠ {reason}" if reason else "")

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except TRSMIError as error:
            self._show_failure(str(error))
        else:
            self._show_failure("")


def _selection_text(counts: dict[str, int]) -> str:
    """Say how many spots are selected and of which domains."""
    if not counts:
        return "Click a domain to select its spots."
    if len(counts) == 1:
        ((name, count),) = counts.items()
        return f"{counted(count, 'spot')} selected, all in {name}."
    named = [f"{count:,} in {name}" for name, count in list(counts.items())[:_NAMED]]
    if len(counts) > _NAMED:
        named.append(counted(len(counts) - _NAMED, "more domain"))
    return f"{counted(sum(counts.values()), 'spot')} selected: {listed(named)}."
