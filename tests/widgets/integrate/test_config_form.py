"""The form is `Config`: nothing of it is left out, and nothing of it is written twice."""

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QCheckBox, QComboBox, QLabel, QSpinBox, QWidget

from napari_trsmi.config import Config
from napari_trsmi.errors import ConfigError
from napari_trsmi.widgets.integrate.config_form import MAIN, ConfigForm


@pytest.fixture
def form(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    yield ConfigForm(parent)
    assert parent.isEnabled()  # alive as long as the form


@pytest.mark.parametrize("preset", ["default", "published"])
def test_every_parameter_has_a_control_with_its_value_and_tooltip(form, preset):
    config = Config.from_preset(preset)
    form.set_config(config)
    assert form.config() == config
    for name, field in Config.model_fields.items():
        native = form.native(name)
        assert native.toolTip() == field.description
        shown = form.main if name in MAIN else form.advanced
        assert shown.isAncestorOf(native)


def test_each_control_is_labelled_and_reached_by_its_label(form):
    for shown in (form.main, form.advanced):
        for label in shown.findChildren(QLabel):
            if label.buddy() is not None:
                assert label.toolTip() == label.buddy().toolTip()
                assert label.text()[0].isupper()
    words = {label.text() for label in form.advanced.findChildren(QLabel)}
    assert {"Top genes", "Allow CPU fallback", "RPR", "P&reset"} <= words


@pytest.mark.parametrize("name", list(Config.model_fields))
def test_bounds_are_those_of_the_config(form, name):
    native = form.native(name)
    if not hasattr(native, "minimum"):
        return
    for value in (native.minimum(), native.maximum()):
        native.setValue(value)
        try:
            form.config()
        except ConfigError as error:  # it may contradict another one, and not its own bounds
            assert f"{name}=" not in str(error)  # noqa: PT017
        form.set_config(Config())


def test_a_change_is_told_and_taken(form, qtbot):
    for name, native in ((name, form.native(name)) for name in Config.model_fields):
        before = form.config()
        with qtbot.waitSignal(form.changed, timeout=1000):
            if isinstance(native, QCheckBox):
                native.setChecked(not native.isChecked())
            elif isinstance(native, QComboBox):
                native.setCurrentIndex(native.count() - 1 - native.currentIndex())
            elif hasattr(native, "stepBy"):
                native.stepBy(1)
            else:
                native.setText(
                    "0.3, 0.2" if isinstance(getattr(before, name)[0], float) else "3, 5"
                )
        if name in ("diffusion_steps", "teleports"):
            with pytest.raises(ConfigError, match="same length"):
                form.config()
        else:
            assert getattr(form.config(), name) != getattr(before, name)
        form.set_config(Config())


def test_the_number_of_domains_is_a_number_or_auto(form):
    box = form.native("n_domains")
    assert isinstance(box, QSpinBox)
    assert box.text() == "auto"
    box.stepBy(1)
    assert form.config().n_domains == 2
    box.setValue(7)
    assert form.config().n_domains == 7
    box.setValue(box.minimum())
    assert form.config().n_domains == "auto"


@pytest.mark.parametrize("before", [7, "auto"])
@pytest.mark.parametrize("text", ["1", "0", "-3", "abc", "", "2.5", "99999999999"])
def test_what_is_typed_for_the_domains_and_cannot_be_used_is_told(form, qtbot, text, before):
    box = form.native("n_domains")
    form.set_config(Config(n_domains=before))
    with qtbot.waitSignal(form.changed):
        box.selectAll()
        qtbot.keyClick(box, Qt.Key.Key_Delete)
    qtbot.keyClicks(box, text)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    qtbot.keyClick(box, Qt.Key.Key_Tab)
    assert box.text() == text  # in sight, to be mended
    with pytest.raises(ConfigError, match=r"Domains: .* Type a whole number from 2, or auto"):
        form.config()
    box.stepBy(-1)
    form.config()


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("n_domains", "12", 12),
        ("n_domains", "AUTO", "auto"),
        ("tiles", "1", 1),
        ("tiles", "6", 6),
        ("tiles", "auto", "auto"),
        ("scale", "0,5", 0.5),
    ],
)
def test_numbers_and_the_word_may_be_typed(form, qtbot, name, typed, value):
    box = form.native(name)
    box.selectAll()
    qtbot.keyClicks(box, typed)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert getattr(form.config(), name) == value


def test_a_scale_beyond_its_ends_is_told(form, qtbot):
    box = form.native("scale")
    box.selectAll()
    qtbot.keyClicks(box, "1.5")
    with pytest.raises(ConfigError, match="Type a number from 0 to 1, or auto"):
        form.config()


@pytest.mark.parametrize("text", ["2,x", "2;4"])
def test_lists_that_are_none_are_an_error(form, text):
    form.native("diffusion_steps").setText(text)
    with pytest.raises(ConfigError, match=r"Diffusion steps: .* such as 2, 4, 8"):
        form.config()


def test_a_preset_leaves_question_and_machine_alone(form):
    form.set_config(Config(n_domains=9, seed=4))
    form._preset.value = "published"
    assert form.preset == "published"
    assert form.config() == Config.from_preset("published", n_domains=9, seed=4)
    form._preset.value = "default"
    assert form.config() == Config(n_domains=9, seed=4)


def test_devices_are_those_that_are_there(form, qtbot):
    form.set_config(Config(device="mps"))
    box = form.native("device")
    with qtbot.waitSignal(form.changed):
        form.set_devices({"auto": "Auto (GPU)", "cuda": "GPU, 9 GiB free", "cpu": "CPU"})
    assert [box.itemText(i) for i in range(box.count())] == ["Auto (GPU)", "GPU, 9 GiB free", "CPU"]
    assert form.config().device == "auto"
    box.setCurrentIndex(1)
    assert form.config().device == "cuda"
    with qtbot.assertNotEmitted(form.changed):
        form.set_devices({"auto": "Auto (GPU)", "cuda": "GPU, 7 GiB free", "cpu": "CPU"})
    assert form.config().device == "cuda"


def test_the_wheel_changes_only_what_has_the_focus(form, qtbot):
    box = form.native("epochs")
    form.parent().show()
    form.main.show()
    middle = QPointF(box.rect().center())

    def turn():
        event = QWheelEvent(
            middle,
            QPointF(box.mapToGlobal(box.rect().center())),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(box, event)

    turn()
    assert form.config().epochs == Config().epochs
    form.parent().activateWindow()
    box.setFocus()
    qtbot.waitUntil(box.hasFocus)
    turn()
    assert form.config().epochs == Config().epochs + 1
