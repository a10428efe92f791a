"""A run with another picture, or with a further one; its record says how they were registered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_trsmi.data.dataset import TissueImage
    from napari_trsmi.result import TRSMIResult


def with_picture(
    result: TRSMIResult, image: TissueImage | None, name: str | None = None
) -> TRSMIResult:
    """The same run with a picture.

    Parameters
    ----------
    result
        The run.
    image
        In register with its spots; None takes the picture away.
    name
        Of a further stain; None: the picture that domains are drawn on.
    """
    if name is None:
        written = None if image is None else image.registration
        return replace(result, image=image, record={**result.record, "registration": written})
    further = {known: other for known, other in result.further_images.items() if known != name}
    if image is not None:
        further[name] = image
    said = {known: other.registration for known, other in further.items()}
    record = {key: value for key, value in result.record.items() if key != "further_images"}
    return replace(
        result,
        further_images=further,
        record={**record, "further_images": said} if said else record,
    )
