"""One option for each field of `Config`: its type, bounds, description and default."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import click

from napari_trsmi.config import Config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

_MAIN = ("n_domains", "scale", "seed", "device")
_NOUNS: dict[object, str] = {int: "integer", float: "number", str: "name"}


class CommaList(click.ParamType[tuple[Any, ...], Any]):
    """Values separated by commas."""

    def __init__(self, item: type[Any]) -> None:
        self.item = item
        self.name = f"{_NOUNS[item]},..."

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        """Return the values."""
        try:
            return tuple(self.item(part.strip()) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no list such as 2,4,8 ({self.name}).", param, ctx)


class NumberOrWord(click.ParamType[float | str, Any]):
    """A number, or one of some words."""

    def __init__(self, number: type[int] | type[float], words: tuple[str, ...]) -> None:
        self.number = number
        self.words = words
        self.name = "|".join((_NOUNS[number], *words))

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | str:
        """Return the number or the word."""
        if value in self.words:
            return str(value)
        try:
            return self.number(str(value))
        except ValueError:
            words = " or ".join(map(repr, self.words))
            kind = "a whole number" if self.number is int else "a number"
            self.fail(f"{value!r} is neither {kind} nor {words}.", param, ctx)


class ParameterOption(click.Option):
    """The option of one parameter; not given, it is None and the preset's value stands."""

    def __init__(self, name: str, field: FieldInfo, published: object) -> None:
        flag = "--" + name.replace("_", "-")
        is_switch = field.annotation is bool
        super().__init__(
            [f"{flag}/--no-{flag[2:]}" if is_switch else flag, name],
            type=None if is_switch else _type(field),
            metavar=_NOUNS[field.annotation].upper() if field.annotation in _NOUNS else None,
            default=None,
            show_default=True,
            help=field.description,
        )
        self.section = "Parameters" if name in _MAIN else "Advanced parameters"
        self._shown = _text(field.default)
        if published != field.default:
            self._shown += f"; published: {_text(published)}"

    def get_help_extra(self, ctx: click.Context) -> click.types.OptionHelpExtra:
        """Show the defaults of the presets: the option itself has none."""
        extra = super().get_help_extra(ctx)
        extra["default"] = self._shown
        return extra


def parameter_options() -> list[click.Parameter]:
    """Return an option for each field of `Config`, the main ones first."""
    published = Config.from_preset("published")
    fields = Config.model_fields
    names = [*_MAIN, *(name for name in fields if name not in _MAIN)]
    return [ParameterOption(name, fields[name], getattr(published, name)) for name in names]


def given(parameters: Mapping[str, object]) -> dict[str, Any]:
    """Return the parameters that the user gave."""
    return {name: value for name, value in parameters.items() if value is not None}


def _type(field: FieldInfo) -> click.ParamType[Any, Any]:
    annotation, origin = field.annotation, get_origin(field.annotation)
    if origin is Literal:
        return click.Choice(get_args(annotation))
    if origin is tuple:
        return CommaList(get_args(annotation)[0])
    if origin in (Union, UnionType):
        number, words = get_args(annotation)
        bare = get_args(number)[0] if get_origin(number) is Annotated else number
        return NumberOrWord(bare, get_args(words))
    ranges: dict[object, type[click.ParamType[Any, Any]]] = {
        int: click.IntRange,
        float: click.FloatRange,
    }
    return ranges[annotation](**_bounds(field))


def _bounds(field: FieldInfo) -> dict[str, Any]:
    """Return the bounds of a field as click's ranges take them."""
    bounds: dict[str, Any] = {}
    for constraint in field.metadata:
        for side, closed, opened in (("min", "ge", "gt"), ("max", "le", "lt")):
            if hasattr(constraint, closed):
                bounds[side] = getattr(constraint, closed)
            elif hasattr(constraint, opened):
                bounds |= {side: getattr(constraint, opened), f"{side}_open": True}
    return bounds


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
