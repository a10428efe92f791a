"""The Integrate dock: choose what is there, run, and watch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info
from napari.utils.theme import get_theme
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget

from napari_trsmi.data.wording import counted
from napari_trsmi.errors import TRSMIError
from napari_trsmi.training.warm_up import warm_up
from napari_trsmi.viewer.domains.adding import iter_add_domains, show_alone
from napari_trsmi.viewer.regions import drawing_events, has_regions
from napari_trsmi.viewer.run.candidates import candidates_of_file
from napari_trsmi.viewer.run.following import FollowedLayers, has_spots, is_picture
from napari_trsmi.viewer.run.inputs import RunInputs, results_in
from napari_trsmi.viewer.run.job import Failed, Finished
from napari_trsmi.viewer.run.kept_inputs import choose_layers, choose_modalities, kept_inputs
from napari_trsmi.viewer.run.sections import RunSections
from napari_trsmi.widgets.common.background import Background
from napari_trsmi.widgets.common.column import Column, heading
from napari_trsmi.widgets.common.fold import Fold
from napari_trsmi.widgets.common.layer_box import LayerBox
from napari_trsmi.widgets.common.links import Links
from napari_trsmi.widgets.common.room import Room, open_room
from napari_trsmi.widgets.common.unproxied import unproxied
from napari_trsmi.widgets.integrate.activity_bar import ActivityBar, make_first_bar
from napari_trsmi.widgets.integrate.config_form import ConfigForm
from napari_trsmi.widgets.integrate.controller import RunController
from napari_trsmi.widgets.integrate.modality_list import ModalityList
from napari_trsmi.widgets.integrate.run_panel import RunPanel
from napari_trsmi.widgets.integrate.section_list import SectionList

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    import napari
    from napari.layers import Image, Layer, Points

    from napari_trsmi.config import Config
    from napari_trsmi.training.devices import Device
    from napari_trsmi.training.report import Step
    from napari_trsmi.viewer.run.candidates import TableCandidate
    from napari_trsmi.viewer.run.job import Outcome
    from napari_trsmi.viewer.run.progress import Expected

_GIB = 2**30


class IntegrateDock(Room):
    """Finds the domains of a section from what is in the viewer.

    Parameters
    ----------
    napari_viewer
        The window.
    """

    menu_name = "Integrate (TRSMI)"

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = unproxied(napari_viewer)
        self._links = Links(self)
        self._drawing = Links(self)  # to the layer that a run is restricted to
        self._engine_ready = False
        self._engine_problem = ""
        self._file_problem = ""
        self._kept: list[dict[str, Any]] = []  # modalities of a session whose files are being read
        self._bar: ActivityBar | None = None
        self._expected: Expected | None = None
        self._trains = False
        self._run_name = ""
        self.inputs = RunInputs()  # of the section that is shown
        self.sections = RunSections(self.inputs)
        self.controller = RunController(self)

        self.section_list = SectionList(self.sections, self._viewer, self)
        self.points = LayerBox(
            self._viewer, accepts=has_spots, none="Those of the tables", parent=self
        )
        self.points.setToolTip(
            "Where the spots are. A Points layer that carries tables brings them along."
        )
        self.image = LayerBox(self._viewer, accepts=is_picture, none="None", parent=self)
        self.image.setToolTip("The picture that the domains shall lie on (optional).")
        self.region = LayerBox(self._viewer, accepts=has_regions, none="All spots", parent=self)
        self.region.setToolTip("Use only the spots inside what a Shapes or Labels layer has drawn.")
        self.modalities = ModalityList(self.inputs, self._viewer, self)
        self.form = ConfigForm(self)
        self.advanced = Fold("Advanced", "All other parameters, and presets.", self)
        self.panel = RunPanel(self)
        self._engine = Background(self)
        self._files = Background(self)
        # of several changes at once only the last is looked at
        self._check = QTimer(self)
        self._check.setSingleShot(True)
        self._adding: list[Generator[None, None, Points]] = []
        self._add = QTimer(self)
        self._target: Image | None = None
        self._beside: Points | None = None
        self._lay_out()
        self._connect()
        self._on_theme_changed()
        self._followed = FollowedLayers(self._viewer, self.inputs, self.sections)
        self._offer_regions()
        self._warm_up()
        self._on_check_timeout()

    def _lay_out(self) -> None:
        inputs = self._inputs_form = QFormLayout()
        inputs.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for text, box in (
            ("Sp&ots", self.points),
            ("&Image", self.image),
            ("&Only in", self.region),
        ):
            label = QLabel(text, self)
            label.setToolTip(box.toolTip())
            label.setBuddy(box)
            inputs.addRow(label, box)
        self.advanced.addWidget(self.form.advanced)
        content = QWidget(self)
        upper = QVBoxLayout(content)
        upper.setContentsMargins(0, 0, 6, 0)
        upper.addWidget(self.section_list)
        upper.addLayout(inputs)
        upper.addWidget(heading("Modalities", self))
        upper.addWidget(self.modalities)
        upper.addWidget(heading("Parameters", self))
        upper.addWidget(self.form.main)
        upper.addWidget(self.advanced)
        upper.addStretch()
        layout = QVBoxLayout(self)
        layout.addWidget(Column(content, self), 1)
        layout.addWidget(self.panel)

    def _connect(self) -> None:
        layers = self._viewer.layers.events
        self._links.connect(layers.inserted, self._on_layers_inserted)
        self._links.connect(layers.removed, self._on_layers_removed)
        self._links.connect(self._viewer.events.theme, self._on_theme_changed)
        self._links.connect(self.inputs.changed, self._on_inputs_changed)
        self.points.chosen.connect(self._on_points_chosen)
        self.image.chosen.connect(self._on_image_chosen)
        self.region.chosen.connect(self._on_region_chosen)
        self.modalities.files_chosen.connect(self._on_files_chosen)
        self.section_list.changed.connect(self._check.start)
        self.form.changed.connect(self._check.start)
        self._check.timeout.connect(self._on_check_timeout)
        self._add.timeout.connect(self._on_add_timeout)
        self._engine.finished.connect(self._on_engine_finished)
        self._engine.failed.connect(self._on_engine_failed)
        self._files.finished.connect(self._on_files_read)
        self._files.failed.connect(self._on_files_failed)
        self.panel.run_clicked.connect(self.start)
        self.panel.stop_clicked.connect(self._on_stop_clicked)
        self.controller.started.connect(self._on_run_started)
        self.controller.stepped.connect(self._on_run_stepped)
        self.controller.stopping.connect(self._on_run_stopping)
        self.controller.ended.connect(self._on_run_ended)

    # what is chosen

    def _on_layers_inserted(self, event: Any) -> None:
        if self._followed.take(event.value):
            self.panel.clear()
        self._offer_regions()

    def _on_layers_removed(self, event: Any) -> None:
        if self._followed.let_go(event.value):
            self._file_problem = ""
            self.panel.clear()
        self._offer_regions()

    def _on_points_chosen(self, layer: Points | None) -> None:
        self.sections.choose(layer)

    def _on_image_chosen(self, layer: Image | None) -> None:
        self.inputs.image = layer

    def _on_region_chosen(self, layer: Layer | None) -> None:
        self.inputs.region = layer

    def _on_drawn(self) -> None:
        self._check.start()

    def _offer_regions(self) -> None:
        self._inputs_form.setRowVisible(self.region, self.region.count() > 1)

    def _on_inputs_changed(self) -> None:
        self._drawing.clear()
        region = self.inputs.region
        for event in () if region is None else drawing_events(region):
            self._drawing.connect(event, self._on_drawn)
        self.region.show_layer(region)
        self.points.show_layer(self.inputs.points)
        self.image.show_layer(self.inputs.image)
        self.section_list.refresh()
        self._file_problem = ""
        self._check.start()

    def _on_files_chosen(self, paths: list[Path]) -> None:
        self._files.start(_read, paths)
        self._on_check_timeout()

    def _on_files_read(self, candidates: list[TableCandidate]) -> None:
        self.inputs.add(candidates)
        if self._kept:
            choose_modalities(self.inputs, self._kept)
            self._kept = []
        self._check.start()
        notes = dict.fromkeys(note for each in candidates for note in each.notes)
        if notes:
            show_info("\n".join(notes))

    def _on_files_failed(self, reason: str) -> None:
        self._file_problem = reason
        self._check.start()

    def _on_check_timeout(self) -> None:
        text, reason = "", ""
        try:
            text = self.sections.summary()
            self._checked_config()
        except TRSMIError as error:
            reason = str(error)
        if self._files.busy:
            reason = "Reading the files…"
        elif self._file_problem:
            reason = self._file_problem
        elif not self._engine_ready and not reason:
            reason = self._engine_problem or "Loading PyTorch…"
        self.panel.set_ready(text, reason)

    def _checked_config(self) -> Config:
        config = self.form.config()
        if self._engine_ready:
            from napari_trsmi.clustering.domains import check_enough_spots

            check_enough_spots(self.sections.n_spots, config)
        return config

    # a session

    def state(self) -> dict[str, Any]:
        """Parameters, and what is chosen for a run."""
        opened = bool(self.advanced.isExpanded())
        return {**self.form.state(), "advanced": opened, "inputs": kept_inputs(self.inputs)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set and choose them again; files are read in a thread."""
        self.form.restore(state)
        if state["advanced"] != self.advanced.isExpanded():
            self.advanced.toggleButton().click()
        self._kept = state["inputs"]["modalities"]
        if paths := choose_layers(self.inputs, state["inputs"], self._viewer.layers):
            self._on_files_chosen(paths)

    # the machine

    def _warm_up(self) -> None:
        self._engine.start(warm_up)

    def _on_engine_finished(self, devices: list[Device]) -> None:
        if not self._engine_ready:
            QTimer.singleShot(0, make_first_bar)
        self._engine_ready = True
        labels = {device.name: _memory(device.label, device.free) for device in devices}
        self.form.set_devices({"auto": f"Auto ({devices[0].label})", **labels})
        self._check.start()

    def _on_engine_failed(self, reason: str) -> None:
        self._engine_problem = f"PyTorch cannot be loaded. {reason}"
        self._check.start()

    # a run

    def unfinished(self) -> str:
        """Whether a run is going on."""
        return "A run is going on." if self.controller.running else ""

    def start(self) -> bool:
        """Run with what is chosen; return whether a run began."""
        if self.controller.running or not self._engine_ready:
            return False
        try:
            self.sections.summary()  # first, as it is the plainer reason
            job = self.sections.job(self._checked_config(), results_in(self._viewer.layers))
        except TRSMIError as error:
            self.panel.set_ready("", str(error))
            return False
        self._expected = job.expected()
        self._trains = job.config.epochs > 0 and 0 in job.config.scales
        return self.controller.start(job)

    def leave(self) -> None:
        """Leave no run behind."""
        self.controller.stop()

    def _on_stop_clicked(self, keep: bool) -> None:
        self.controller.stop(keep=keep)

    def _on_run_started(self) -> None:
        self._target, self._beside = self.sections.placed_by
        self._run_name = self.sections.run_name
        expected, controller = self._expected, self.controller
        self.panel.show_start(expected, lambda: controller.checks, trains=self._trains)
        self._bar = ActivityBar(expected, lambda: controller.checks)
        self.controller.follow(self._bar.show_step, end=self._bar.close)

    def _on_run_stepped(self, step: Step) -> None:
        self.panel.show_step(step)

    def _on_run_stopping(self, keep: bool) -> None:
        self.panel.show_stopping(keep=keep)

    def _on_run_ended(self, outcome: Outcome, notes: list[str]) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        image, self._target = self._target, None
        if isinstance(outcome, Finished):
            self._show(outcome, image, notes)
        elif isinstance(outcome, Failed):
            self.panel.show_failure(outcome.reason, outcome.details, warned=notes)
        else:
            self.panel.show_end("Stopped. Nothing was kept.", warned=notes)
        self._refresh_devices()

    def _show(self, outcome: Finished, image: Image | None, notes: list[str]) -> None:
        result = outcome.result
        if image is not None and image not in self._viewer.layers:
            image = None  # removed while the run was going on
        self.panel.show_end(
            f"{counted(result.n_domains, 'domain')} found in "
            f"{counted(len(result.history), 'epoch')}.",
            warned=notes,
            notes=[note for note in result.record["notes"] if note not in notes],
        )
        self._adding.append(
            iter_add_domains(
                self._viewer,
                result,
                image=image,
                dataset=outcome.dataset,
                name=self._run_name,
                beside=self._beside,
            )
        )
        self._add.start()

    def _on_add_timeout(self) -> None:
        """Go on with adding layers; the window draws itself between the steps."""
        try:
            next(self._adding[0])
        except StopIteration as end:
            self._adding.pop(0)
            self._look_at(end.value)
        except TRSMIError as error:
            self._adding.pop(0)
            self.panel.show_failure(str(error), "")
        if not self._adding:
            self._add.stop()

    def _look_at(self, points: Points) -> None:
        """Bring the Domains dock forward with a run in it, and the run alone over its tissue."""
        from napari_trsmi.widgets.domains.dock import DomainsDock

        show_alone(self._viewer, points)
        room, opened = open_room(self._viewer, DomainsDock)
        room.show_run(points)
        if opened:
            self._viewer.reset_view()

    def _refresh_devices(self) -> None:
        from napari_trsmi.training.devices import available_devices

        self._engine.start(available_devices)

    def _on_theme_changed(self, event: object = None) -> None:  # noqa: ARG002
        theme = get_theme(self._viewer.theme)
        self.panel.curve.set_colors(
            text=theme.text.as_hex(),
            line=theme.text.as_hex(),
            grid=theme.secondary.as_hex(),
        )


def _read(paths: list[Path]) -> list[TableCandidate]:
    return [candidate for path in paths for candidate in candidates_of_file(path)]


def _memory(label: str, free: int) -> str:
    return f"{label}, {free / _GIB:.1f} GiB free"
