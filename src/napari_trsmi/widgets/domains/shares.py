"""How much of each section each domain has: bars, and the same as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_trsmi.widgets.common.panel import Panel
from napari_trsmi.widgets.common.table import TextTable

if TYPE_CHECKING:
    import pandas as pd

    from napari_trsmi.viewer.domains.layer import DomainLayer

_GREY = "#808080"  # seen on light and dark
_HEADERS = ("Section", "Domain", "Spots", "%")


class SharesPanel(Panel):
    """The domains' shares of the sections that were run together; empty for a run of one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas = FigureCanvasQTAgg(Figure(figsize=(3, 2.4), layout="constrained"))  # type: ignore[no-untyped-call]
        self.canvas.setMinimumHeight(120)
        self.canvas.figure.set_facecolor("none")
        self.canvas.setStyleSheet("background-color: transparent;")
        self.table = TextTable(
            _HEADERS, "The spots of each domain in each section, and their share.", numbers=[2, 3]
        )
        layout = QVBoxLayout(self)
        layout.addWidget(self.canvas, 2)
        layout.addWidget(self.table, 1)

    @property
    def has_sections(self) -> bool:
        """Whether what is followed is of several sections."""
        return self._domains is not None and self._domains.edits.result().sections is not None

    def _connect(self, domains: DomainLayer) -> None:
        self._links.connect(domains.edits.changed, self._refresh)

    def _refresh(self) -> None:
        figure = self.canvas.figure
        figure.clear()
        self.table.show_rows([])
        if self._domains is None:
            return
        result = self._domains.edits.result()
        if result.sections is None:
            return
        shares = result.domain_shares()
        self._draw(shares, result.colors)
        sizes = {name: len(result.sections.rows(name)) for name in result.section_names}
        rows = []
        for section in result.section_names:
            for domain, share in shares.loc[section].items():
                if share > 0:
                    count = round(share * sizes[section])
                    rows.append((section, str(domain), f"{count:,}", f"{100 * share:.1f}"))
        self.table.show_rows(rows)

    def _draw(self, shares: pd.DataFrame, colors: dict[str, str]) -> None:
        """Draw a bar a section, the first on top, in the order of the legend."""
        axes = self.canvas.figure.add_subplot()
        axes.set_facecolor("none")
        done = shares.iloc[:, 0] * 0
        names = [str(name) for name in shares.index]
        for domain, part in (100 * shares).items():
            axes.barh(names, part, left=done, color=colors[str(domain)], height=0.7)
            done = done + part
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("% of the section's spots", color=_GREY, fontsize=8)
        axes.tick_params(colors=_GREY, labelsize=8)
        for spine in axes.spines.values():
            spine.set_visible(False)
        self.canvas.draw_idle()  # type: ignore[no-untyped-call]
