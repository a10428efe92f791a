"""The main job in place, as scverse's tools are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_trsmi.scverse.places import KEY, Places
from napari_trsmi.scverse.tables import copy_of, tables_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_trsmi.config import Config
    from napari_trsmi.data.dataset import TissueImage
    from napari_trsmi.data.loading import Positions
    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.training.report import EpochReport
    from napari_trsmi.training.stop import StopToken


def integrate(
    data: Any,
    *,
    key_added: str = KEY,
    copy: bool = False,
    config: Config | None = None,
    features: str | Sequence[str] | None = None,
    positions: Positions | None = None,
    image: str | Path | NDArray[Any] | TissueImage | None = None,
    reference: TRSMIResult | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
    stop: StopToken | None = None,
    **parameters: Any,
) -> Any:
    """Find the tissue domains of one section, and write them into its tables.

    Parameters
    ----------
    data
        AnnData, MuData, SpatialData, or a dict of name to AnnData.
    key_added
        What the run is called in them; see `napari_trsmi.TRSMIResult.write_to` for what is written
        where.
    copy
        Write into a copy, and return that.
    config, features, positions, image, reference, on_epoch, stop, parameters
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
    tables_of(data)  # before the work
    result = find(
        data,
        config=config,
        features=features,
        positions=positions,
        image=image,
        reference=reference,
        on_epoch=on_epoch,
        stop=stop,
        **parameters,
    )
    written = copy_of(data) if copy else data
    result.write_to(written, key=key_added)
    return written if copy else None
