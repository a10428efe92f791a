"""The Plots dock: a plot of a run with its table, drawn on request, to look at and to save."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QDockWidget,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from napari_trsmi.analysis.plots.plot import Plot, save_plot, save_table
from napari_trsmi.errors import TRSMIError
from napari_trsmi.viewer.attached import dataset_of
from napari_trsmi.viewer.domains.coloring import (
    by_feature,
    by_score,
    is_counted,
    modality_named,
    relative_depth,
)
from napari_trsmi.viewer.domains.layer import DomainLayer, domain_layer, shows_domains
from napari_trsmi.widgets.common.background import Background
from napari_trsmi.widgets.common.layer_box import LayerBox
from napari_trsmi.widgets.common.links import Links
from napari_trsmi.widgets.common.panel import narrow
from napari_trsmi.widgets.common.room import Room
from napari_trsmi.widgets.common.table import TextTable
from napari_trsmi.widgets.common.unproxied import unproxied
from napari_trsmi.widgets.plots.choices import Choices
from napari_trsmi.widgets.plots.figure_view import FigureView
from napari_trsmi.widgets.plots.kinds import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.viewer import Viewer

_SHOWN = 200  # rows
_LARGE = (1000, 760)
_FEATURE = "feature"
_TIP = "What the plot shows. Double-click a feature to colour the spots by it."


class PlotsDock(Room):
    """Draws one plot of one run; the figure and the table can be saved.

    Parameters
    ----------
    napari_viewer
        The viewer that it is docked in.
    """

    menu_name = "Plots (TRSMI)"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = unproxied(napari_viewer)
        self._domains: DomainLayer | None = None
        self._plot: Plot | None = None
        self._of_table = ""
        self._viewer_links, self._links = Links(self), Links(self)
        self.background = Background(self)
        self._build()
        self._wire()
        self._on_layers_changed()
        self._on_kind_chosen()

    @property
    def plot(self) -> Plot | None:
        """The plot that is shown."""
        return self._plot

    @property
    def kind(self) -> Kind:
        """The plot that is chosen."""
        return KINDS[self.what.currentIndex()]

    def choose(self, name: str) -> None:
        """Choose a plot by its name."""
        self.what.setCurrentText(name)

    # -- making it -------------------------------------------------------------

    def _build(self) -> None:
        self.layer = LayerBox(self._viewer, accepts=shows_domains, none="Choose a run")
        self.layer.setToolTip("The run that is plotted; follows the active layer")
        self.what = QComboBox()
        narrow(self.what)
        for place, kind in enumerate(KINDS):
            self.what.addItem(kind.name)
            self.what.setItemData(place, kind.about, Qt.ItemDataRole.ToolTipRole)
        self.choices = Choices(self._viewer)
        self.draw = QPushButton("Draw")
        self.draw.setToolTip("Draw the plot; the window stays usable meanwhile")
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.view = FigureView()
        self.table = TextTable([""], _TIP)
        self.save = QPushButton("Save plot …")
        self.save.setToolTip("As SVG or PDF (vectors) or PNG (pixels)")
        self.save_rows = QPushButton("Save table …")
        self.save_rows.setToolTip("All rows, as CSV")
        self.color = QPushButton("Colour by the score")
        self.color.setToolTip("Colour the spots by the score of the set")
        self.larger = QPushButton("Larger")
        self.larger.setToolTip("Show the plot in a window of its own, or back in its place")
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Run", self.layer)
        form.addRow("Plot", self.what)
        both = QSplitter(Qt.Orientation.Vertical)
        both.addWidget(self.view)
        both.addWidget(self.table)
        both.setStretchFactor(0, 3)
        both.setStretchFactor(1, 2)
        both.setChildrenCollapsible(False)
        buttons = QHBoxLayout()
        for button in (self.save, self.save_rows, self.larger):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.choices)
        layout.addWidget(self.draw)
        layout.addWidget(self.status)
        layout.addWidget(both, 1)
        layout.addWidget(self.color)
        layout.addLayout(buttons)

    def _wire(self) -> None:
        layers = self._viewer.layers
        for event in (layers.events.inserted, layers.events.removed):
            self._viewer_links.connect(event, self._on_layers_changed)
        self._viewer_links.connect(layers.selection.events.active, self._on_active_layer_changed)
        self.layer.chosen.connect(self._follow)
        self.what.currentIndexChanged.connect(self._on_kind_chosen)
        self.draw.clicked.connect(self._on_draw_clicked)
        self.save.clicked.connect(self._on_save_clicked)
        self.save_rows.clicked.connect(self._on_save_rows_clicked)
        self.color.clicked.connect(self._on_color_clicked)
        self.larger.clicked.connect(self._on_larger_clicked)
        self.table.activated.connect(self._on_table_activated)
        self.choices.sets.failed.connect(self._say_failure)
        self.background.finished.connect(self._on_drawn)
        self.background.failed.connect(self._say_failure)
        self.background.busy_changed.connect(self._show_state)

    def controls(self) -> dict[str, QWidget]:
        """The run, the plot, and what it asks for."""
        return {"run": self.layer, "plot": self.what, **self.choices.controls()}

    def state(self) -> dict[str, Any]:
        """What is chosen, and whether it is drawn."""
        return {
            "gene_sets": self.choices.sets.path,
            **super().state(),
            "drawn": self._plot is not None,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Choose it, and draw what was drawn."""
        if state.get("gene_sets"):
            self.choices.sets.load_file(state["gene_sets"])
        super().restore(state)
        if state.get("drawn"):
            self.draw.click()

    # -- which run -------------------------------------------------------------

    def _on_layers_changed(self) -> None:
        if self.layer.layer is None:
            runs = [layer for layer in reversed(self._viewer.layers) if shows_domains(layer)]
            seen = [layer for layer in runs if layer.visible]
            self.layer.show_layer(next(iter([*seen, *runs]), None))
        self._follow()

    def _on_active_layer_changed(self) -> None:
        active = self._viewer.layers.selection.active
        if active is not None and shows_domains(active):
            self.layer.show_layer(active)
            self._follow()

    def _follow(self) -> None:
        layer, domains = self.layer.layer, None
        if layer is not None:
            try:
                domains = domain_layer(layer)
            except TRSMIError as error:
                self._say_failure(str(error))
        if domains is not self._domains:
            self._domains = domains
            self._links.clear()
            if domains is not None:
                self._links.connect(domains.edits.changed, self._on_edits_changed)
            self._show_plot(None)
            self.choices.follow(domains)
        else:
            self.choices.refresh()
        self._show_state()

    def _on_edits_changed(self) -> None:
        self.choices.refresh()
        if self._plot is not None:
            self.status.setText("The domains were edited since this was drawn: draw again.")

    def _on_kind_chosen(self) -> None:
        self.what.setToolTip(self.kind.about)
        self.choices.show_rows(self.kind.asks)
        self._show_plot(None)
        self._show_state()

    # -- drawing ---------------------------------------------------------------

    def _on_draw_clicked(self) -> None:
        kind = self.kind
        try:
            asked = self.choices.request(kind.asks)
        except TRSMIError as error:
            self._say_failure(str(error))
            return
        if asked is None:
            return
        self._show_plot(None)
        self._of_table = asked.table
        self.background.start(lambda: kind.draw(asked))

    def _on_drawn(self, plot: Plot) -> None:
        self._show_plot(plot)

    def _show_plot(self, plot: Plot | None) -> None:
        if plot is None:
            self.background.drop()
        self._plot = plot
        self.view.show_figure(None if plot is None else plot.figure)
        if plot is None:
            self.table.show_rows([])
        else:
            self.table.show_frame(plot.table, _SHOWN)
        self._show_state()

    def _show_state(self) -> None:
        plot, busy = self._plot, self.background.busy
        self.draw.setEnabled(self._domains is not None and not busy)
        self.draw.setText("Drawing …" if busy else "Draw")
        for button in (self.save, self.save_rows):
            button.setEnabled(plot is not None)
        self.color.setVisible(plot is not None and plot.scores is not None)
        if self._domains is None:
            self.status.setText("No layer shows domains yet. Run TRSMI, or open a result (.h5ad).")
        else:
            self.status.setText(f"{self.kind.about}." if plot is None else plot.about)

    # -- what is done with it --------------------------------------------------

    def _on_table_activated(self, index: QModelIndex) -> None:
        plot, domains = self._plot, self._domains
        if plot is None or domains is None or _FEATURE not in plot.table:
            return
        dataset = dataset_of(domains.layer)
        feature = self.table.text_at(index.row(), list(plot.table).index(_FEATURE))

        def color() -> None:
            if dataset is None:
                return
            modality = modality_named(dataset, self._of_table)
            log, depth = is_counted(modality), relative_depth(modality)
            domains.color_by(by_feature(dataset, modality.name, feature, log=log, depth=depth))

        self._try(color)

    def _on_color_clicked(self) -> None:
        plot, domains = self._plot, self._domains
        if plot is not None and domains is not None and plot.scores is not None:
            scores, result = plot.scores, domains.edits.result()
            self._try(lambda: domains.color_by(by_score("score of the set", scores, result)))

    def _on_save_clicked(self) -> None:
        kinds = "SVG (*.svg);;PDF (*.pdf);;PNG (*.png)"
        self._ask("Save the plot", kinds, ".svg", self.write_plot)

    def _on_save_rows_clicked(self) -> None:
        self._ask("Save the table", "CSV (*.csv)", ".csv", self.write_table)

    def write_plot(self, path: str) -> None:
        """Save the figure; the ending says as what."""
        plot = self._plot
        if plot is not None and self._try(lambda: save_plot(plot, path)):
            self.status.setText(f"Saved {path}.")

    def write_table(self, path: str) -> None:
        """Save the table as CSV."""
        plot = self._plot
        if plot is not None and self._try(lambda: save_table(plot, path)):
            self.status.setText(f"Saved {path}.")

    def _ask(self, title: str, kinds: str, suffix: str, write: Callable[[str], None]) -> None:
        dialog = QFileDialog(self, title)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setNameFilter(kinds)
        dialog.setDefaultSuffix(suffix)
        dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(kind[-5:-1]))
        dialog.selectFile(f"{self.kind.name.lower().replace(':', '').replace(' ', '_')}{suffix}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(write)
        dialog.open()  # does not block

    def _on_larger_clicked(self) -> None:
        dock = self.parentWidget()
        if isinstance(dock, QDockWidget):
            dock.setFloating(not dock.isFloating())
            if dock.isFloating():
                dock.resize(*_LARGE)
            self.larger.setText("Smaller" if dock.isFloating() else "Larger")

    def _say_failure(self, reason: str) -> None:
        self._show_state()
        self.status.setText(f"⚠ {reason}")

    def _try(self, action: Callable[[], object]) -> bool:
        try:
            action()
        except TRSMIError as error:
            self._say_failure(str(error))
            return False
        return True
