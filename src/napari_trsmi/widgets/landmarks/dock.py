"""The Landmarks dock: pairs of places on spots and picture, how well they agree, and the move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_trsmi.data.quarter_turns import fit_of_picture
from napari_trsmi.data.section_images import stain_name
from napari_trsmi.errors import TRSMIError
from napari_trsmi.spots.landmarks import LEAST_PAIRS
from napari_trsmi.viewer.domains.areas import shows_areas
from napari_trsmi.viewer.landmarks import Landmarks, has_spots
from napari_trsmi.viewer.plane import Plane
from napari_trsmi.viewer.registration import written_on
from napari_trsmi.viewer.run.picture import LayerPicture
from napari_trsmi.widgets.common.background import Background
from napari_trsmi.widgets.common.layer_box import LayerBox
from napari_trsmi.widgets.common.links import Links
from napari_trsmi.widgets.common.room import Room
from napari_trsmi.widgets.common.table import TextTable
from napari_trsmi.widgets.common.unproxied import unproxied
from napari_trsmi.widgets.landmarks.kept import KeptWithRun
from napari_trsmi.widgets.landmarks.residuals import Length, headings, rows, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_trsmi.data.frame import Fit
    from napari_trsmi.data.quarter_turns import Turn
    from napari_trsmi.spots.landmarks import Registration

_ABOUT = (
    "Click a place among the spots, then the same place on the picture. Three to six pairs around "
    "the tissue are enough. Marks can be dragged with napari's selection tool."
)
_TOLD = {"similarity": "turn, size and shift", "affine": "also stretch and shear"}


class LandmarksDock(Room):
    """Sets pairs of landmarks, fits a transform, names the worst pair, and moves the picture.

    Parameters
    ----------
    napari_viewer
        The viewer that it is docked in.
    """

    menu_name = "Landmarks (TRSMI)"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = unproxied(napari_viewer)
        self._landmarks: Landmarks | None = None
        self._found: Registration | None = None
        self._turn: Turn | None = None
        self._written: dict[str, Any] | None = None
        self._links = Links(self)
        self.looking = Background(self)
        self.kept = KeptWithRun(self, self._say)
        self._build()
        self._wire()
        self._choose_layers()
        self._show_state()

    # -- making it -------------------------------------------------------------

    def _build(self) -> None:
        self.spots = LayerBox(self._viewer, accepts=has_spots, none="Choose the spots")
        self.picture = LayerBox(self._viewer, accepts=_is_picture, none="Choose the picture")
        self.onto = LayerBox(self._viewer, accepts=_is_picture, none="the spots")
        self.onto.setToolTip(
            "Where the first place of each pair is set. A picture that lies on the spots already "
            "serves for a second stain"
        )
        self.beside = QCheckBox("Keep it beside the run's picture")
        self.beside.setToolTip(
            "As a further stain of the run. Otherwise it becomes the picture that domains are "
            "drawn on"
        )
        self.spots.setToolTip("The layer whose spots stay where they are")
        self.picture.setToolTip("The picture that is laid onto the spots")
        self.tissue = _text()
        self.turn = QPushButton()
        self.start = QPushButton("Set landmarks")
        self.start.setToolTip("Begin to click: among the spots, then on the picture, and so on")
        self.about = _text(_ABOUT)
        self.kind = QComboBox()
        for kind, told in _TOLD.items():
            self.kind.addItem(f"{kind}: {told}", kind)
        self.kind.setToolTip("What the picture may undergo. Begin with similarity")
        self.table = TextTable(
            ["Pair", "Off", "Off the others"],
            "How far each pair is off the fit of all, and off the fit of the others",
            numbers=[1, 2],
        )
        self.worst = _text()
        self.remove = QPushButton("Remove pair")
        self.remove.setToolTip("Remove the pair that is chosen in the table, or the last one")
        self.undo = QPushButton("Undo")
        self.undo.setToolTip("Take the last change back (Ctrl+Z)")
        self.lay = QPushButton("Move the picture")
        self.lay.setToolTip("Lay the picture onto the spots, and keep that with the run")
        self.message = _text()
        layers = QFormLayout()
        layers.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        layers.addRow("Spots", self.spots)
        layers.addRow("Picture", self.picture)
        layers.addRow("Pairs with", self.onto)
        layers.addRow(self.beside)
        fit = QFormLayout()
        fit.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        fit.addRow("Fit", self.kind)
        buttons = QHBoxLayout()
        buttons.addWidget(self.remove)
        buttons.addWidget(self.undo)
        layout = QVBoxLayout(self)
        layout.addLayout(layers)
        layout.addWidget(self.tissue)
        layout.addWidget(self.turn)
        layout.addWidget(self.start)
        layout.addWidget(self.about)
        layout.addLayout(fit)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.worst)
        layout.addLayout(buttons)
        layout.addWidget(self.lay)
        layout.addWidget(self.message)

    def _wire(self) -> None:
        self.onto.chosen.connect(self._on_onto_chosen)
        for box in (self.spots, self.picture):
            box.chosen.connect(self._on_layer_chosen)
        self.start.clicked.connect(self._on_start_clicked)
        self.turn.clicked.connect(self._on_turn_clicked)
        self.kind.activated.connect(self._show_fit)
        self.remove.clicked.connect(self._on_remove_clicked)
        self.undo.clicked.connect(self._on_undo_clicked)
        self.lay.clicked.connect(self._on_move_clicked)
        self.looking.finished.connect(self._on_looked)
        self.looking.failed.connect(self._say)
        shortcut = QShortcut(QKeySequence("Ctrl+Z"), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(self._on_undo_clicked)
        events = self._viewer.layers.events
        self._links.connect(events.inserted, self._on_layers_changed)
        self._links.connect(events.removed, self._on_layers_changed)

    def leave(self) -> None:
        """Take the landmarks off the window."""
        self._stop()

    # -- a session -------------------------------------------------------------

    def controls(self) -> dict[str, QWidget]:
        """The layers, what the picture may undergo, and whether it is a further stain."""
        layers = {"spots": self.spots, "picture": self.picture, "pairs with": self.onto}
        return {**layers, "fit": self.kind, "beside": self.beside}

    def state(self) -> dict[str, Any]:
        """What is chosen, and the places of the marks."""
        marks = None if self._landmarks is None else self._landmarks.places()
        return {**super().state(), "marks": marks}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Choose it, and set the marks where they were."""
        super().restore(state)
        if state["marks"] is not None and (landmarks := self.begin()) is not None:
            landmarks.set_places(**state["marks"])
        self._show_state()

    # -- layers ----------------------------------------------------------------

    def _choose_layers(self) -> None:
        """Take what is there, the topmost first."""
        shown = list(reversed(self._viewer.layers))
        if self.spots.layer is None:
            known = [layer for layer in shown if has_spots(layer)]
            visible = [layer for layer in known if layer.visible]
            self.spots.show_layer(next(iter([*visible, *known]), None))
        if self.picture.layer is None:
            self.picture.show_layer(next((layer for layer in shown if _is_picture(layer)), None))
        self._look()

    def _on_layers_changed(self) -> None:
        if self._landmarks is not None and not self._landmarks.is_there:
            self._stop()
        self._choose_layers()
        self._show_state()

    def _on_layer_chosen(self) -> None:
        self._stop()
        self._look()
        self._show_state()

    def _on_onto_chosen(self) -> None:
        self.beside.setChecked(self.onto.layer is not None)
        self._on_layer_chosen()

    # -- how the spots lie -----------------------------------------------------

    def _look(self) -> None:
        """Look, in a thread, whether the spots lie on the tissue, and whether a turn would help."""
        spots, picture = self.spots.layer, self.picture.layer
        self._turn = None
        self.tissue.setText("")
        self._show_turn()
        if spots is None or picture is None or picture.ndim != 2 or not len(spots.data):
            return
        shown = LayerPicture.of(picture)
        world = Plane.of(spots).to_world(spots.data[:, -2:])
        pixels = Plane.of(picture).to_data(world)[:, ::-1]
        self.looking.start(lambda: fit_of_picture(pixels, shown.as_it_is()))

    def _on_looked(self, found: tuple[Fit | None, Turn | None]) -> None:
        fit, self._turn = found
        if fit is None:
            self.tissue.setText("No tissue stands out from this picture's margin.")
        else:
            warning = "" if fit.on_tissue > 0.5 else "⚠ "
            better = ""
            if self._turn is not None:
                on = self._turn.fit.on_tissue
                better = f" With the picture {self._turn.name}, {on:.0%} would."
            self.tissue.setText(
                f"{warning}{fit.on_tissue:.0%} of the spots lie on the picture's tissue.{better}"
            )
        self._show_turn()

    def _show_turn(self) -> None:
        self.turn.setVisible(self._turn is not None)
        if self._turn is not None:
            self.turn.setText(
                "Mirror the picture" if "mirrored" in self._turn.name else "Turn the picture"
            )
            self.turn.setToolTip(f"The picture is {self._turn.name}. Undo takes it back")

    # -- pairs -----------------------------------------------------------------

    def begin(self) -> Landmarks | None:
        """Add the layers that landmarks are set on, if they are not there."""
        if self._landmarks is None:
            spots, picture = self.spots.layer, self.picture.layer
            if spots is None or picture is None:
                return None
            if picture is self.onto.layer:
                self._say(
                    "The picture cannot be set on itself. Choose the other one for the pairs."
                )
                return None
            try:
                self._landmarks = Landmarks(self._viewer, spots, picture, self.onto.layer)
            except TRSMIError as error:
                self._say(str(error))
                return None
            self._written = written_on(picture)
            self._landmarks.changed.connect(self._on_landmarks_changed)
            self._show_fit()
        return self._landmarks

    def _stop(self) -> None:
        if self._landmarks is not None:
            landmarks, self._landmarks = self._landmarks, None
            landmarks.changed.disconnect(self._on_landmarks_changed)
            landmarks.close()
        self._show_fit()

    def _on_start_clicked(self) -> None:
        if self._landmarks is None:
            self.begin()
        else:
            self._stop()
        self._show_state()

    def _on_remove_clicked(self) -> None:
        landmarks = self._landmarks
        if landmarks is not None and landmarks.n_marks:
            chosen = self.table.currentRow()
            landmarks.remove(chosen if chosen >= 0 else landmarks.n_marks - 1)

    def _on_undo_clicked(self) -> None:
        if self._landmarks is not None:
            self._landmarks.undo()

    def _on_move_clicked(self) -> None:
        if self._landmarks is not None and self._found is not None:
            self._landmarks.move_picture(self._found)

    def _on_turn_clicked(self) -> None:
        turn, landmarks = self._turn, self.begin()
        if turn is not None and landmarks is not None:
            landmarks.turn_picture(turn)

    def _on_landmarks_changed(self) -> None:
        self._show_fit()
        picture = self.picture.layer
        written = None if picture is None else written_on(picture)
        if written != self._written:
            self._written = written
            self._look()
            self.kept.keep(self.spots.layer, picture, written, self._stain())

    def _stain(self) -> str | None:
        """What the picture is called beside the run's own; None if it takes its place."""
        picture = self.picture.layer
        return stain_name(picture.name) if picture is not None and self.beside.isChecked() else None

    # -- showing ---------------------------------------------------------------

    def _show_fit(self) -> None:
        """Fit what pairs there are, and name the worst."""
        self._found, told = None, ""
        landmarks, kind = self._landmarks, self.kind.currentData()
        if landmarks is not None:
            try:
                self._found = landmarks.fit(kind)
            except TRSMIError as error:
                told = str(error)
            if self._found is None and not told:
                told = f"{landmarks.n_pairs} of at least {LEAST_PAIRS[kind]} pairs."
        length = Length.of(self.spots.layer)
        if self._found is not None:
            self.table.setHorizontalHeaderLabels(headings(length))
        self.table.show_rows([] if self._found is None else rows(self._found, length))
        self.worst.setText(told if self._found is None else verdict(self._found, length))
        self._show_state()

    def _show_state(self) -> None:
        landmarks = self._landmarks
        chosen = self.spots.layer is not None and self.picture.layer is not None
        self.start.setEnabled(chosen)
        self.start.setText("Set landmarks" if landmarks is None else "Done: remove the marks")
        self.about.setVisible(landmarks is None)
        for widget in (self.kind, self.table, self.remove, self.undo, self.lay):
            widget.setEnabled(landmarks is not None)
        self.undo.setEnabled(landmarks is not None and landmarks.can_undo)
        self.lay.setEnabled(self._found is not None)
        self.remove.setEnabled(landmarks is not None and landmarks.n_marks > 0)
        if landmarks is not None:
            number = landmarks.n_pairs + 1
            places = ("among the spots", "on the picture")
            if self.onto.layer is not None:
                places = (f"on {self.onto.layer.name}", f"on {landmarks.picture.name}")
            self._say(f"Pair {number}: click the place {places[landmarks.asks_for_picture]}.")
        elif not chosen:
            self._say("Open a section and a picture first.")

    def _say(self, text: str) -> None:
        self.message.setText(text)


def _text(text: str = "") -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    return label


def _is_picture(layer: Layer) -> bool:
    from napari.layers import Image

    return isinstance(layer, Image) and layer.ndim == 2 and not shows_areas(layer)
