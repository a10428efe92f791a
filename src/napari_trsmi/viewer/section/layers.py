"""A section before a run as napari's layer data: its tissue image, and its spots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from napari_trsmi.viewer.attached import attached
from napari_trsmi.viewer.geometry import placement
from napari_trsmi.viewer.many.visual import prepare

if TYPE_CHECKING:
    import numpy as np
    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import SpatialOmics, TissueImage

LayerData: TypeAlias = "tuple[Any, dict[str, Any], str]"
"""What napari makes a layer of: data, keyword arguments, and the layer's type."""

UNLABELLED = "unlabelled"
"""What stands in a feature for a label that is missing."""

# Light discs with a dark rim: seen on stained tissue, and on napari's black and white.
_STYLE = {
    "face_color": "#d9d9d9",
    "border_color": "#1a1a1a",
    "border_width": 0.12,  # of the diameter
    "opacity": 0.6,
}
_LARGE, _COARSEST = 4096, 1024  # pixels a side


def tissue_data(image: TissueImage) -> LayerData:
    """An image as layer data, in coordinate units; a pyramid if it is large."""
    levels: list[Any] = [*image.levels, *_pyramid(image.pixels)]
    is_pyramid = len(levels) > 1
    finest = image.scale * levels[0].shape[1] / image.pixels.shape[1]
    arguments = {
        "name": "Tissue",
        "rgb": True,
        "multiscale": is_pyramid,
        "scale": [1 / finest] * 2,
    }
    return (levels if is_pyramid else levels[0]), arguments, "image"


def spots_data(dataset: SpatialOmics, name: str, image: Image | None = None) -> LayerData:
    """Spots as layer data, in one colour: no annotation is more telling than another.

    Parameters
    ----------
    dataset
        Whose spots; the layer keeps it (`napari_trsmi.viewer.attached`).
    name
        Of the layer.
    image
        The layer that shows the tissue, as for `napari_trsmi.viewer.geometry.placement`.

    Returns
    -------
    Layer data of points whose features are ``spot`` and the tables' own annotations.

    Raises
    ------
    InputError
        If `image` cannot be the section's.
    """
    prepare(dataset.n_spots)
    arguments = {
        "name": name,
        "features": _features(dataset),
        "metadata": attached(dataset=dataset),
        **_STYLE,
        **placement(dataset, image),
    }
    return dataset.coordinates[:, ::-1], arguments, "points"  # napari's order is row, column


def _features(dataset: SpatialOmics) -> pd.DataFrame:
    features = pd.DataFrame({"spot": dataset.spots.astype(str)})
    for name, values in dataset.annotations.items():
        feature = "spot_annotation" if name == "spot" else str(name)
        features[feature] = _feature(values).array
    return features


def _feature(values: pd.Series) -> pd.Series:
    """Return numbers as they are, and all else as text or categories of text.

    napari raises on a category that is missing, and takes 16 or more integer categories for a
    continuous scale.
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        names = values.cat.categories.map(str)
        if names.is_unique:  # 1 and "1" are not
            named = values.cat.rename_categories(list(names))
            if UNLABELLED not in names and named.isna().any():
                named = named.cat.add_categories(UNLABELLED)
            return named.fillna(UNLABELLED) if named.isna().any() else named
    elif pd.api.types.is_bool_dtype(values):
        return values.astype(str)
    elif pd.api.types.is_numeric_dtype(values):
        return values.astype(float) if values.isna().any() else values
    return values.astype(object).map(str, na_action="ignore").fillna(UNLABELLED)


def _pyramid(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return the picture, and if it is large, each half of the one before."""
    import numpy as np
    from PIL import Image

    levels = [pixels]
    if max(pixels.shape[:2]) > _LARGE:
        while max(levels[-1].shape[:2]) > _COARSEST:
            levels.append(np.asarray(Image.fromarray(levels[-1]).reduce(2)))
    return levels
