"""Boxes for a number or a word, which say what is wrong with what was typed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QDoubleSpinBox, QSpinBox

from napari_trsmi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

_LARGEST = 2**31 - 1  # that a spin box holds
_SHARE_STEP = 0.25


class _Typed:
    """What was typed, and whether it can be used; Qt would put the old number back in silence."""

    def __init__(self, word: str, wanted: str, read: Callable[[str], float]) -> None:
        self.word, self._wanted, self._read = word, wanted, read
        self.refused: str | None = None

    def value(self, text: str) -> float | None:
        """The number that a text means; None for the word. Raises ValueError for others."""
        return None if text.strip().lower() == self.word else self._read(text.strip())

    def note(self, text: str) -> None:
        """Note what has been typed."""
        try:
            self.value(text)
        except ValueError:
            self.refused = text
        else:
            self.refused = None

    def check(self, name: str) -> None:
        """Raise if what was typed cannot be used."""
        if self.refused is not None:
            raise ConfigError(f"{name}: {self.refused!r} cannot be used. Type {self._wanted}.")


class NumberOrWord(QSpinBox):
    """A whole number, or a word in the place below the least.

    Parameters
    ----------
    word
        The word.
    least
        The least number.

    Attributes
    ----------
    edited
        Emitted whenever what is shown changes.
    """

    edited = Signal()

    def __init__(self, word: str, least: int) -> None:
        super().__init__()
        self._typed = _Typed(
            word, f"a whole number from {least}, or {word}", partial(_whole_number, least)
        )
        self.setRange(least - 1, _LARGEST)
        edit = self.lineEdit()
        assert edit is not None  # noqa: S101
        edit.textEdited.connect(self._on_text_edited)
        self.valueChanged.connect(self._on_value_changed)

    def chosen(self, name: str) -> int | str:
        """The number or the word.

        Raises
        ------
        ConfigError
            If something else was typed.
        """
        self._typed.check(name)
        return self._typed.word if self.value() == self.minimum() else self.value()

    def choose(self, value: float | str) -> None:
        """Show a number, or the word."""
        self._typed.refused = None
        self.setValue(self.minimum() if isinstance(value, str) else int(value))

    def stepBy(self, steps: int) -> None:  # noqa: N802
        """Go on from the last number."""
        self._typed.refused = None
        super().stepBy(steps)
        self.edited.emit()

    def validate(self, text: str | None, place: int) -> tuple[QValidator.State, str, int]:
        """Let everything be typed: `chosen` says what cannot be used."""
        return QValidator.State.Acceptable, text or "", place

    def valueFromText(self, text: str | None) -> int:  # noqa: N802
        """Return the number that a text means, the last one for what cannot be used."""
        try:
            number = self._typed.value(text or "")
        except ValueError:
            return self.value()
        return self.minimum() if number is None else int(number)

    def textFromValue(self, number: int) -> str:  # noqa: N802
        """Keep in sight what cannot be used, which Qt's own word for the least would replace."""
        if self._typed.refused is not None:
            return self._typed.refused
        return self._typed.word if number == self.minimum() else super().textFromValue(number)

    def _on_text_edited(self, text: str) -> None:
        self._typed.note(text)
        self.edited.emit()

    def _on_value_changed(self) -> None:
        self.edited.emit()


class ShareOrWord(QDoubleSpinBox):
    """The same for a number from 0 to 1."""

    edited = Signal()

    def __init__(self, word: str) -> None:
        super().__init__()
        self._typed = _Typed(word, f"a number from 0 to 1, or {word}", _share)
        self.setRange(-_SHARE_STEP, 1)
        self.setSingleStep(_SHARE_STEP)
        edit = self.lineEdit()
        assert edit is not None  # noqa: S101
        edit.textEdited.connect(self._on_text_edited)
        self.valueChanged.connect(self._on_value_changed)

    def chosen(self, name: str) -> float | str:
        """The number or the word, as `NumberOrWord.chosen`."""
        self._typed.check(name)
        return self._typed.word if self.value() < 0 else self.value()

    def choose(self, value: float | str) -> None:
        """Show a number, or the word."""
        self._typed.refused = None
        self.setValue(self.minimum() if isinstance(value, str) else value)

    def stepBy(self, steps: int) -> None:  # noqa: N802
        """Go on from the last number."""
        self._typed.refused = None
        super().stepBy(steps)
        self.edited.emit()

    def validate(self, text: str | None, place: int) -> tuple[QValidator.State, str, int]:
        """Let everything be typed: `chosen` says what cannot be used."""
        return QValidator.State.Acceptable, text or "", place

    def valueFromText(self, text: str | None) -> float:  # noqa: N802
        """Return the number that a text means, the last one for what cannot be used."""
        try:
            number = self._typed.value(text or "")
        except ValueError:
            return self.value()
        return self.minimum() if number is None else number

    def textFromValue(self, number: float) -> str:  # noqa: N802
        """Keep in sight what cannot be used, which Qt's own word for the least would replace."""
        if self._typed.refused is not None:
            return self._typed.refused
        return self._typed.word if number == self.minimum() else super().textFromValue(number)

    def _on_text_edited(self, text: str) -> None:
        self._typed.note(text)
        self.edited.emit()

    def _on_value_changed(self) -> None:
        self.edited.emit()


def _whole_number(least: int, text: str) -> float:
    number = int(text)
    if not least <= number <= _LARGEST:
        raise ValueError
    return number


def _share(text: str) -> float:
    number = float(text.replace(",", "."))
    if not 0 <= number <= 1:
        raise ValueError
    return number
