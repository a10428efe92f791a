"""What is measured on which of a section's pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image.recipe import ImageFeatures

if TYPE_CHECKING:
    from napari_trsmi.data.dataset import SpatialOmics


def recipes_of(
    given: str | Mapping[str, Any] | ImageFeatures, dataset: SpatialOmics
) -> dict[str, ImageFeatures]:
    """What is measured on each picture, by its name.

    Parameters
    ----------
    given
        As ``image_features`` of `napari_trsmi.integrate`: one for all pictures of the section, or
        a dict by their names. One that brings a picture of its own may have any name.
    dataset
        The section.

    Raises
    ------
    InputError
        For anything else.
    """
    first = [] if dataset.image is None else [dataset.image_name]
    names = [*first, *dataset.further_images]
    known = {field.name for field in fields(ImageFeatures)}
    if isinstance(given, Mapping) and given and (set(given) & set(names) or set(given) - known):
        recipes = {str(name): _named(name, of) for name, of in given.items()}
        unknown = [n for n, of in recipes.items() if n not in names and of.picture is None]
        if unknown:
            raise InputError(
                f"image_features= names {unknown[0]!r}, which is no picture of the section and no "
                f"field of ImageFeatures. Pictures: {listed(names) if names else 'none'}. Fields: "
                f"{', '.join(sorted(known))}."
            )
        return recipes
    recipe = ImageFeatures.of(given)
    if recipe.picture is not None or len(names) < 2:
        own = names[0] if names and recipe.picture is None else recipe.name
        is_named = recipe.name != ImageFeatures().name
        return {recipe.name if is_named else own: recipe if is_named else replace(recipe, name=own)}
    if recipe.labels is not None:
        raise InputError(
            f"labels= are of one picture, and the section has {listed(names)}. Name it: "
            f"image_features={{{names[0]!r}: ImageFeatures(labels=...)}}."
        )
    return {name: replace(recipe, name=name) for name in names}


def _named(name: Any, given: Any) -> ImageFeatures:
    recipe = ImageFeatures.of(given)
    return replace(recipe, name=str(name))
