"""A control for each parameter of `Config`: type, bounds, default and tooltip come from there."""

from __future__ import annotations

from contextlib import suppress
from math import floor, log10
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from magicgui.widgets import CheckBox, ComboBox, FloatSpinBox, LineEdit, SpinBox
from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QFormLayout,
    QLabel,
    QWidget,
)

from napari_trsmi.config import Config, Preset
from napari_trsmi.errors import ConfigError
from napari_trsmi.widgets.integrate.word_box import NumberOrWord, ShareOrWord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from magicgui.widgets.bases import ValueWidget
    from pydantic.fields import FieldInfo

MAIN = ("n_domains", "scale", "seed", "device")
"""Parameters that are shown at once; the others are advanced."""

PRESETS: tuple[str, ...] = get_args(Preset)
"""Where parameters may start."""

_LARGEST = 2**31 - 1  # that a spin box holds
_FEWEST = 2  # domains
_ACRONYMS = ("cpu", "ema", "rpr")
_OWN = ("n_domains", "seed", "device")  # the user's question and machine, whatever the preset


class ConfigForm(QObject):
    """The controls of all parameters, in two forms.

    Attributes
    ----------
    changed
        Emitted when a value changes.
    main, advanced
        The forms.
    """

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._loading = False
        self._wheel = _WheelGuard(self)
        self._preset = ComboBox(choices=PRESETS, value=PRESETS[0])
        self._controls = {
            name: _Control(name, field) for name, field in Config.model_fields.items()
        }
        advanced = [name for name in Config.model_fields if name not in MAIN]
        self.main = self._form(MAIN, parent)
        self.advanced = self._form(advanced, parent)
        layout = self.advanced.layout()
        assert isinstance(layout, QFormLayout)  # noqa: S101
        tip = "Start from the defaults, or from the settings of the paper."
        layout.insertRow(0, _label("P&reset", tip, self._preset.native), self._preset.native)
        self._prepare(self._preset, tip)
        self._preset.changed.connect(self._on_preset_changed)
        self.set_config(Config())

    @property
    def preset(self) -> str:
        """The preset that the parameters were started from."""
        return str(self._preset.value)

    def native(self, name: str) -> QWidget:
        """Return the Qt control of a parameter."""
        widget: QWidget = self._controls[name].widget.native
        return widget

    def config(self) -> Config:
        """The parameters as they are set.

        Raises
        ------
        ConfigError
            If a value cannot be used, alone or with the others.
        """
        return Config(**{name: control.value for name, control in self._controls.items()})

    def set_config(self, config: Config) -> None:
        """Show the parameters of `config`."""
        self._loading = True
        try:
            for name, control in self._controls.items():
                control.value = getattr(config, name)
        finally:
            self._loading = False
        self.changed.emit()

    def state(self) -> dict[str, Any]:
        """The preset and the parameters, in plain JSON types; without what cannot be used."""
        values: dict[str, Any] = {}
        for name, control in self._controls.items():
            with suppress(ConfigError):
                value = control.value
                values[name] = list(value) if isinstance(value, tuple) else value
        return {"preset": self.preset, "parameters": values}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Show what `state` returned; a device that is not there becomes the first that is.

        Raises
        ------
        ConfigError
            If this version knows other parameters.
        """
        config = Config(**state["parameters"])
        box = self._controls["device"].widget
        if isinstance(box, ComboBox) and config.device not in box.choices:
            config = config.replace(device=box.choices[0])
        if state["preset"] in PRESETS:
            self._preset.value = state["preset"]
        self.set_config(config)

    def set_devices(self, labels: dict[str, str]) -> None:
        """Offer some devices.

        Parameters
        ----------
        labels
            What to call each device that `Config` knows; those left out are not offered.
        """
        box = self._controls["device"].widget
        assert isinstance(box, ComboBox)  # noqa: S101
        chosen = box.value
        self._loading = True
        try:
            box.choices = [(label, name) for name, label in labels.items()]
            box.value = chosen if chosen in labels else next(iter(labels))
        finally:
            self._loading = False
        if box.value != chosen:
            self.changed.emit()

    def _form(self, names: Sequence[str], parent: QWidget) -> QWidget:
        form = QWidget(parent)
        layout = QFormLayout(form)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name in names:
            control = self._controls[name]
            tip = f"{Config.model_fields[name].description}"
            self._prepare(control.widget, tip)
            control.widget.changed.connect(self._on_control_changed)
            native = control.widget.native
            layout.addRow(_label(_words(name), tip, native), native)
        return form

    def _prepare(self, widget: ValueWidget[Any] | _WithWord, tip: str) -> None:
        native = widget.native
        native.setToolTip(tip)
        native.setMinimumWidth(118)
        if isinstance(native, (QAbstractSpinBox, QComboBox)):
            native.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            native.installEventFilter(self._wheel)
        if isinstance(native, QComboBox):
            # long labels shall not widen the dock
            native.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            native.setMinimumContentsLength(8)

    def _on_control_changed(self) -> None:
        if not self._loading:
            self.changed.emit()

    def _on_preset_changed(self, preset: Preset) -> None:
        own = {}
        for name in _OWN:
            with suppress(ConfigError):  # what was typed cannot be used
                own[name] = self._controls[name].value
        self.set_config(Config.from_preset(preset, **own))


class _WithWord:
    """A box for a number or a word, called as magicgui's are."""

    def __init__(self, name: str, native: NumberOrWord | ShareOrWord) -> None:
        self.native = native
        self.changed = native.edited
        self._name = _words(name)

    @property
    def value(self) -> float | str:
        return self.native.chosen(self._name)

    @value.setter
    def value(self, value: float | str) -> None:
        self.native.choose(value)


class _Control:
    """The control of one parameter."""

    def __init__(self, name: str, field: FieldInfo) -> None:
        self.name = name
        self.item: type[Any] | None = None
        self.widget: ValueWidget[Any] | _WithWord
        annotation, origin = field.annotation, get_origin(field.annotation)
        if annotation is bool:
            self.widget = CheckBox()
        elif origin is Literal:
            self.widget = ComboBox(choices=get_args(annotation))
        elif origin is tuple:
            self.item = get_args(annotation)[0]
            self.widget = LineEdit()
        elif origin in (Union, UnionType):
            self.widget = _WithWord(name, _word_box(*get_args(annotation)))
        elif annotation is int:
            low, high = _bounds(field, 1)
            self.widget = SpinBox(min=int(low), max=int(high))
        else:
            step = _step(field.default)
            low, high = _bounds(field, step)
            self.widget = FloatSpinBox(max=high, step=step)
            self._show_decimals(low)  # else Qt rounds the bound
            self.widget.min = low

    @property
    def value(self) -> Any:
        value = self.widget.value
        if self.item is None:
            return value
        try:
            return tuple(self.item(part) for part in str(value).split(",") if part.strip())
        except ValueError as error:
            raise ConfigError(
                f"{_words(self.name)}: {value!r} is no list of numbers such as "
                f"{_listed(Config.model_fields[self.name].default)}."
            ) from error

    @value.setter
    def value(self, value: Any) -> None:
        if self.item is not None:
            value = _listed(value)
        elif isinstance(self.widget, FloatSpinBox):
            self._show_decimals(value)
        self.widget.value = value

    def _show_decimals(self, value: float) -> None:
        native: Any = self.widget.native
        native.setDecimals(max(native.decimals(), _decimals(value)))


class _WheelGuard(QObject):
    """Lets the wheel scroll the dock, and change only a control that has the focus."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Drop the wheel on what has no focus."""
        if event is None or event.type() != QEvent.Type.Wheel or not isinstance(watched, QWidget):
            return False
        if watched.hasFocus():
            return False
        event.ignore()
        return True


def _word_box(number: Any, words: Any) -> NumberOrWord | ShareOrWord:
    """Return the box of an annotation such as ``int | Literal["auto"]``."""
    word, least = get_args(words)[0], _FEWEST
    if get_origin(number) is Annotated:
        number, bounds = get_args(number)
        least = int(_bounds(bounds, 1)[0])
    return NumberOrWord(word, least) if number is int else ShareOrWord(word)


def _bounds(field: FieldInfo, step: float) -> tuple[float, float]:
    """Return the least and the largest value; a bound that is left out itself is a step away."""
    low, high = -float(_LARGEST), float(_LARGEST)
    for constraint in field.metadata:
        low = getattr(constraint, "ge", low)
        high = getattr(constraint, "le", high)
        if hasattr(constraint, "gt"):
            low = constraint.gt + step
        if hasattr(constraint, "lt"):
            high = constraint.lt - step
    return low, high


def _step(default: float) -> float:
    """Return a tenth of the default's power of ten; a hundredth if it is 0 or large."""
    return float(min(10.0 ** (floor(log10(default)) - 1), 0.1)) if default else 0.01


def _decimals(value: float) -> int:
    text = f"{value:.10f}".rstrip("0")
    return max(1, len(text.partition(".")[2]))


def _words(name: str) -> str:
    """``n_domains`` is shown as *Domains*, ``align_refresh`` as *Align refresh*."""
    words = name.removeprefix("n_").split("_")
    shown = [word.upper() if word in _ACRONYMS else word for word in words]
    shown[0] = shown[0][0].upper() + shown[0][1:]
    return " ".join(shown)


def _listed(values: Sequence[float]) -> str:
    return ", ".join(map(str, values))


def _label(text: str, tip: str, buddy: QWidget) -> QLabel:
    label = QLabel(text)
    label.setToolTip(tip)
    label.setBuddy(buddy)
    return label
