"""The main job in place, as scverse's tools are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_trsmi.data.section_loading import are_sections
from napari_trsmi.scverse.places import KEY, Places
from napari_trsmi.scverse.tables import copy_of, tables_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_trsmi.config import Config
    from napari_trsmi.data.dataset import TissueImage
    from napari_trsmi.data.loading import Positions
    from napari_trsmi.preprocessing.image.recipe import ImageFeatures
    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.training.report import EpochReport
    from napari_trsmi.training.stop import StopToken


def integrate(
    data: Any,
    *,
    key_added: str = KEY,
    copy: bool = False,
    config: Config | None = None,
    library_key: str | None = None,
    features: str | Sequence[str] | None = None,
    positions: Positions | None = None,
    image: str | Path | NDArray[Any] | TissueImage | Mapping[str, Any] | None = None,
    image_features: str | Mapping[str, Any] | ImageFeatures | None = None,
    reference: TRSMIResult | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
    stop: StopToken | None = None,
    **parameters: Any,
) -> Any:
    """Find the tissue domains of one section, or of several, and write them into the tables.

    Parameters
    ----------
    data
        AnnData, MuData, SpatialData, or a dict of name to AnnData; of several sections a dict of
        such dicts by section name, or tables with `library_key`.
    key_added
        What the run is called in them; see `napari_trsmi.TRSMIResult.write_to` for what is written
        where.
    copy
        Write into a copy, and return that.
    config, library_key, features, positions, image, image_features
        As for `napari_trsmi.integrate`.
    reference, on_epoch, stop, parameters
        As for `napari_trsmi.integrate`.

    Returns
    -------
    None, or the copy.

    Raises
    ------
    InputError, ConfigError, DeviceError, StoppedError, TrainingError
        As `napari_trsmi.integrate` and `napari_trsmi.TRSMIResult.write_to`; `data` is unchanged
        then.

    Warns
    -----
    TRSMIWarning
        If spots took no part in the run.

    Examples
    --------
    >>> import napari_trsmi as trsmi
    >>> section = trsmi.simulate("complementary")
    >>> tables = {modality.name: modality.table for modality in section.modalities}
    >>> trsmi.tl.integrate(tables, positions=section.coordinates, n_domains=5, epochs=2)
    >>> tables["rna"].obs["trsmi_domain"].nunique()
    5
    """
    from napari_trsmi.integration import integrate as find

    Places(key_added)
    sections = are_sections(data)
    for tables in data.values() if sections else (data,):
        tables_of(tables)  # before the work
    result = find(
        data,
        config=config,
        library_key=library_key,
        features=features,
        positions=positions,
        image=image,
        image_features=image_features,
        reference=reference,
        on_epoch=on_epoch,
        stop=stop,
        **parameters,
    )
    if not sections:
        written = copy_of(data) if copy else data
        result.write_to(written, key=key_added)
        return written if copy else None
    written = {name: copy_of(own) for name, own in data.items()} if copy else data
    for name, own in written.items():
        result.of_section(name).write_to(own, key=key_added)
    return written if copy else None
