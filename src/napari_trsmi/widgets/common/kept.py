"""What is chosen in a control, as plain JSON, and chosen again as a person does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QTabWidget

from napari_trsmi.widgets.common.layer_box import LayerBox

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget


def chosen(control: QWidget) -> Any:
    """Return what a control shows: names rather than places, which may change."""
    if isinstance(control, LayerBox):
        return None if control.layer is None else control.layer.name
    if isinstance(control, QComboBox):
        return control.currentText()
    if isinstance(control, QCheckBox):
        return control.isChecked()
    if isinstance(control, QTabWidget):
        return control.tabText(control.currentIndex())
    if isinstance(control, QDoubleSpinBox):
        return float(control.value())
    if isinstance(control, QLineEdit):
        return control.text()
    raise TypeError(type(control))


def choose(control: QWidget, value: Any) -> None:
    """Choose what `chosen` returned, where it is offered still; the control tells of it."""
    if isinstance(control, QComboBox):
        place = control.findText(str(value))
        if value is not None and place >= 0:
            control.setCurrentIndex(place)
            control.activated.emit(place)
    elif isinstance(control, QCheckBox):
        if control.isChecked() != bool(value):
            control.click()
    elif isinstance(control, QTabWidget):
        titles = [control.tabText(place) for place in range(control.count())]
        if value in titles and control.isTabVisible(titles.index(value)):
            control.setCurrentIndex(titles.index(value))
    elif isinstance(control, QDoubleSpinBox):
        control.setValue(float(value))
    elif isinstance(control, QLineEdit):
        control.setText(str(value))
