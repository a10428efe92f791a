"""Two runs side by side, or a run and an annotation: how far they agree, and where not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_trsmi.data.wording import counted
from napari_trsmi.viewer.domains.disagreements import add_disagreements
from napari_trsmi.viewer.domains.drawn import regions_of_spots
from napari_trsmi.viewer.domains.labelled import add_labels
from napari_trsmi.viewer.domains.layer import DomainLayer, domain_layer, shows_domains
from napari_trsmi.viewer.regions import drawing_events, has_regions
from napari_trsmi.widgets.common.background import Background
from napari_trsmi.widgets.common.links import Links
from napari_trsmi.widgets.common.other_labels import other_labels
from napari_trsmi.widgets.common.panel import Panel, narrow
from napari_trsmi.widgets.common.table import TextTable
from napari_trsmi.widgets.plots.kinds import RIVER

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer, Points

    from napari_trsmi.analysis.comparison import Comparison

_ELSEWHERE = "elsewhere"
"""What spots outside are called where one region alone is drawn: it is compared with the rest."""


class ComparePanel(Panel):
    """Compares the followed run with another layer's, or with a column of its annotations.

    Parameters
    ----------
    viewer
        Whose layers can be compared.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.other = QComboBox()
        narrow(self.other)
        self.other.setToolTip(
            "Another run in this window, a column of the tables' annotations, or what is drawn in "
            "a Shapes or Labels layer"
        )
        self.compare = QPushButton("Compare")
        self.compare.setToolTip("Match spots by name and score how far the two agree")
        self.scores = QLabel()
        self.scores.setWordWrap(True)
        self.scores.setToolTip(
            "100 is the same division; 0 is what chance gives (ARI), or nothing in common (NMI)"
        )
        self.table = TextTable(
            ["Domain", "Matched with", "Spots"],
            "Domains that have most spots in common",
            numbers=[2],
        )
        self.match_colors = QPushButton("Match colours")
        self.show_differences = QPushButton("Show differences")
        self.show_differences.setToolTip("Add a layer of the spots on which the two disagree")
        self.river = QPushButton("River …")
        self.river.setToolTip("Draw which spots go where, in the Plots dock")
        self.river.clicked.connect(lambda: self.plot_wanted.emit(RIVER))
        self.background = Background(self)
        self._others: list[tuple[str, Layer | str]] = []  # by row of the combo box
        self._found: Comparison | None = None
        self._drawing = Links(self)  # to the layer whose regions are compared
        choices = QFormLayout()
        choices.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        choices.addRow("With", self.other)
        look = QHBoxLayout()
        look.addWidget(self.compare, 1)
        look.addWidget(self.river)
        choices.addRow(look)
        actions = QHBoxLayout()
        actions.addWidget(self.match_colors)
        actions.addWidget(self.show_differences)
        layout = QVBoxLayout(self)
        layout.addLayout(choices)
        layout.addWidget(self.scores)
        layout.addWidget(self.table, 1)
        layout.addLayout(actions)
        self.compare.clicked.connect(self._on_compare_clicked)
        self.match_colors.clicked.connect(self._on_match_colors_clicked)
        self.show_differences.clicked.connect(self._on_show_differences_clicked)
        self.other.currentIndexChanged.connect(self._on_other_changed)
        self.background.finished.connect(self._on_background_finished)
        self.background.failed.connect(self._on_background_failed)
        self.background.busy_changed.connect(self._show_state)

    def list_others(self) -> None:
        """List what can be compared with, as the layers are now."""
        before = self._chosen()
        self._others = []
        if self._domains is not None:
            drawn = [layer for layer in self._viewer.layers if has_regions(layer)]
            self._others = [
                *other_labels(self._viewer, self._domains),
                *((f"Drawn: {layer.name}", layer) for layer in drawn),
            ]
        after = [other for _, other in self._others]
        row = after.index(before) if before in after else 0
        with QSignalBlocker(self.other):
            self.other.clear()
            self.other.addItems([label for label, _ in self._others])
            self.other.setCurrentIndex(row if self._others else -1)
        if self._chosen() is not before:
            self._on_other_changed()
        self._show_state()

    def _chosen(self) -> Layer | str | None:
        """Return the layer or the column to compare with."""
        row = self.other.currentIndex()
        return self._others[row][1] if 0 <= row < len(self._others) else None

    def _connect(self, domains: DomainLayer) -> None:
        self._links.connect(domains.edits.changed, self._forget)

    def _refresh(self) -> None:
        self.background.drop()
        self.list_others()
        self._forget()

    def _on_other_changed(self) -> None:
        chosen = self._chosen()
        self._drawing.clear()
        if chosen is not None and not isinstance(chosen, str) and has_regions(chosen):
            for event in drawing_events(chosen):
                self._drawing.connect(event, self._forget)
        self._forget()

    def _forget(self) -> None:
        self._found = None
        self.scores.setText("")
        self.table.show_rows([])
        self._show_state()

    def _show_state(self) -> None:
        found, any_other = self._found is not None, self.other.count() > 0
        self.compare.setEnabled(any_other and not self.background.busy)
        self.match_colors.setEnabled(found)
        of_run = self._chosen_run() is not None
        self.match_colors.setText("Match colours" if of_run else "Show annotation")
        self.match_colors.setToolTip(
            "Give the other run's domains the colours of those here that they match"
            if of_run
            else "Add a layer of the spots as annotated, in the colours of the domains they match"
        )
        self.show_differences.setEnabled(found)
        if self._domains is not None and not any_other:
            self.scores.setText(
                "There is no other run in this window, and no annotation. Draw regions in a Shapes "
                "or Labels layer to compare with."
            )

    def _chosen_run(self) -> Points | None:
        chosen = self._chosen()
        return (
            chosen
            if chosen is not None and not isinstance(chosen, str) and shows_domains(chosen)
            else None
        )

    def _other_labels(self) -> pd.Series:
        chosen, run, domains = self._chosen(), self._chosen_run(), self._domains
        assert domains is not None  # noqa: S101
        if run is not None:
            return domain_layer(run).edits.result().domains
        if isinstance(chosen, str):
            labels: pd.Series = domains.edits.result().annotations[chosen]
            return labels
        assert chosen is not None  # noqa: S101
        drawn = regions_of_spots(chosen, domains)
        if drawn.nunique() > 1:
            return drawn
        return drawn.cat.add_categories([_ELSEWHERE]).fillna(_ELSEWHERE)

    def _on_compare_clicked(self) -> None:
        domains = self._domains
        if domains is not None and self._chosen() is not None:
            from napari_trsmi.analysis.comparison import compare

            own = domains.edits.result().domains
            self._try(lambda: self.background.start(compare, own, self._other_labels()))

    def _on_background_finished(self, found: Comparison) -> None:
        self._found = found
        together = pd.crosstab(found.first, found.second)
        partner = {mine: theirs for theirs, mine in found.matched.items()}
        self.table.show_rows(
            [
                (name, partner[name], f"{together.loc[name, partner[name]]:,}")
                if name in partner
                else (name, "none", "")
                for name in found.first.cat.categories
            ]
        )
        self.scores.setText(
            f"Agreement: ARI {found.ari:.1f}, NMI {found.nmi:.1f} (100: the same, 0: by chance). "
            f"{found.n_differing:,} of {counted(found.n_spots, 'spot')} differ."
        )
        self._show_state()

    def _on_background_failed(self, reason: str) -> None:
        self._forget()
        self.failed.emit(reason)

    def _on_match_colors_clicked(self) -> None:
        found, chosen, domains = self._found, self._chosen(), self._domains
        if found is None or domains is None or chosen is None:
            return
        run = self._chosen_run()
        colors = found.second_colors(domains.edits.colors)

        def match() -> None:
            if run is not None:
                domain_layer(run).edits.recolor_all(colors)
            else:
                name = chosen if isinstance(chosen, str) else f"Spots in {chosen.name}"
                add_labels(self._viewer, domains.layer, self._other_labels(), colors, name=name)

        self._try(match)

    def _on_show_differences_clicked(self) -> None:
        found, domains = self._found, self._domains
        if found is None or domains is None:
            return
        self._try(
            lambda: add_disagreements(
                self._viewer, domains.layer, found, first_colors=domains.edits.colors
            )
        )
