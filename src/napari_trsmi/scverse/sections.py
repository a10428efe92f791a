"""The sections of a run in a table: which spot is of which, and each one's picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.scverse.picture import libraries, read_library
from napari_trsmi.scverse.places import SPATIAL, Places
from napari_trsmi.spots.pitch import spot_pitch

DEVIATION = "deviation"

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anndata import AnnData
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import TissueImage
    from napari_trsmi.joint.fitted import FittedSections
    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.result_sections import ResultSections


def write_sections(
    result: TRSMIResult,
    table: Any,
    spread: Callable[[NDArray[Any], Any], NDArray[Any]],
    places: Places,
) -> None:
    """Write the column of sections, which squidpy takes as ``library_key``, and their pictures.

    Parameters
    ----------
    result
        Of several sections; nothing is written of one.
    table
        AnnData or MuData. Pictures that it has stay.
    spread
        Gives each spot of the table its value.
    places
        What the column is called.
    """
    own = result.sections
    if own is None:
        return
    codes = spread(np.asarray(own.of_spots.cat.codes, dtype=np.intp), -1)
    table.obs[places.section] = pd.Categorical.from_codes(codes, own.of_spots.cat.categories)
    names = own.original_spots.to_numpy(dtype=object)
    if (names != own.original_spots.index.to_numpy(dtype=object)).any():
        table.obs[places.spot] = spread(names.astype(str).astype(object), "")
    if not hasattr(table, "X") or libraries(table):
        return
    table.uns[SPATIAL] = {name: _library(result, own, name) for name in own.names}


def write_predicted(result: TRSMIResult, table: Any, places: Places) -> None:
    """Write predicted values and their deviations beside what was measured, NaN where it was.

    Parameters
    ----------
    result
        Of several sections; nothing is written of one.
    table
        An AnnData; one that lacks spots gets those that it has.
    places
        What the blocks of ``obsm`` are called.
    """
    for block in [b for b in table.obsm if b.startswith(places.predicted(""))]:
        del table.obsm[block]
    for name, predicted in result.predicted.items():
        for what, values in (("", predicted.X), (DEVIATION, predicted.layers[DEVIATION])):
            frame = pd.DataFrame(values, predicted.obs_names, predicted.var_names)
            table.obsm[places.predicted(name, what)] = frame.reindex(table.obs_names)


def read_predicted(
    table: Any, part: NDArray[np.bool_], sections: ResultSections | None, key: str
) -> dict[str, AnnData]:
    """Return what `write_predicted` wrote, by modality."""
    from anndata import AnnData

    if sections is None:
        return {}
    places, found = Places(key), {}
    for name in map(str, table.uns[key]["modalities"]):
        block = table.obsm.get(places.predicted(name))
        if block is None:
            continue
        values = block[part].dropna(how="all")
        deviations = table.obsm[places.predicted(name, DEVIATION)].loc[values.index]
        found[name] = AnnData(
            X=values.to_numpy(dtype=np.float32),
            obs=pd.DataFrame({"section": sections.of_spots.loc[values.index].astype(str)}).astype(
                "category"
            ),
            var=pd.DataFrame(index=values.columns.astype(str)),
            layers={DEVIATION: deviations.to_numpy(dtype=np.float32)},
        )
    return found


def read_fitted(stored: Mapping[str, Any]) -> FittedSections | None:
    """Return what a run of sections learned, from its entry in ``uns``."""
    if "fitted" not in stored:
        return None
    from napari_trsmi.joint.fitted import FittedSections

    return FittedSections.from_dict(stored["fitted"])


def _library(result: TRSMIResult, own: ResultSections, name: str) -> dict[str, Any]:
    known = own.spot_diameters.get(name)
    pitch = spot_pitch(result.coordinates[own.rows(name)])
    factors: dict[str, float] = {"spot_diameter_fullres": known or pitch or 1.0}
    images = {}
    if (image := own.images.get(name)) is not None:
        factors["tissue_hires_scalef"] = image.scale
        images["hires"] = image.pixels
    # squidpy draws nothing without a diameter; a file says whether it was known
    return {"images": images, "scalefactors": factors, "metadata": {"known": known is not None}}


def read_sections(table: Any, part: NDArray[np.bool_], key: str) -> ResultSections | None:
    """Return the sections of a run, None of one.

    Parameters
    ----------
    table
        An AnnData that a run was written into.
    part
        Spots of the run.
    key
        What the run is called there.
    """
    from napari_trsmi.result_sections import ResultSections

    places = Places(key)
    if places.section not in table.obs:
        return None
    of_spots = table.obs[places.section][part].astype("category").rename("section")
    names = of_spots.index.to_series()
    if places.spot in table.obs:
        names = table.obs[places.spot][part].astype(str)
    images: dict[str, TissueImage] = {}
    diameters: dict[str, float] = {}
    for name, library in libraries(table).items():
        if name not in of_spots.cat.categories:
            continue
        image, diameter = read_library(library)
        if image is not None:
            images[name] = image
        if diameter is not None and (library.get("metadata") or {}).get("known", True):
            diameters[name] = diameter
    return ResultSections(of_spots, images, diameters, names.rename(None))
