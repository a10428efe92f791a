"""Tissue domains from spatial multi-omics: TRSMI in napari, Python and the command line.

The public names are loaded when they are first used, so that ``import napari_trsmi`` stays
light: no torch, scanpy, napari or Qt.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_trsmi import errors, tl
    from napari_trsmi.analysis.comparison import compare
    from napari_trsmi.analysis.metrics import score
    from napari_trsmi.config import Config
    from napari_trsmi.data.dataset import SpatialOmics, TissueImage
    from napari_trsmi.data.loading import load
    from napari_trsmi.data.public import downloads as public_data
    from napari_trsmi.data.registered import registered_image
    from napari_trsmi.data.section_loading import load_sections
    from napari_trsmi.data.section_set import SectionSet
    from napari_trsmi.data.simulated.simulation import simulate
    from napari_trsmi.integration import integrate, iter_integrate
    from napari_trsmi.output.results import read_result, write_result
    from napari_trsmi.preprocessing import feature_matrix
    from napari_trsmi.preprocessing.image.recipe import ImageFeatures
    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.spots.landmarks import fit_landmarks
    from napari_trsmi.training.report import EpochReport
    from napari_trsmi.training.stop import StopToken
    from napari_trsmi.viewer.domains.adding import add_domains
    from napari_trsmi.viewer.domains.boundaries import add_boundaries
    from napari_trsmi.viewer.section.opening import open  # noqa: A004 (used as napari_trsmi.open)

    __version__: str

# OpenMP threads that spin while they wait make a busy machine many times slower; it has to be said
# before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_HOMES = {
    "Config": "config",
    "EpochReport": "training.report",
    "ImageFeatures": "preprocessing.image.recipe",
    "SectionSet": "data.section_set",
    "SpatialOmics": "data.dataset",
    "StopToken": "training.stop",
    "TRSMIResult": "result",
    "TissueImage": "data.dataset",
    "add_boundaries": "viewer.domains.boundaries",
    "add_domains": "viewer.domains.adding",
    "compare": "analysis.comparison",
    "feature_matrix": "preprocessing",
    "fit_landmarks": "spots.landmarks",
    "integrate": "integration",
    "iter_integrate": "integration",
    "load": "data.loading",
    "load_sections": "data.section_loading",
    "open": "viewer.section.opening",
    "read_result": "output.results",
    "registered_image": "data.registered",
    "score": "analysis.metrics",
    "simulate": "data.simulated.simulation",
    "write_result": "output.results",
}

_MODULES = {"errors": "errors", "public_data": "data.public.downloads", "tl": "tl"}

__all__ = [
    "Config",
    "EpochReport",
    "ImageFeatures",
    "SectionSet",
    "SpatialOmics",
    "StopToken",
    "TRSMIResult",
    "TissueImage",
    "__version__",
    "add_boundaries",
    "add_domains",
    "compare",
    "errors",
    "feature_matrix",
    "fit_landmarks",
    "integrate",
    "iter_integrate",
    "load",
    "load_sections",
    "open",
    "public_data",
    "read_result",
    "registered_image",
    "score",
    "simulate",
    "tl",
    "write_result",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        value: object = version("napari-trsmi")
    elif name in _MODULES:
        value = import_module(f"napari_trsmi.{_MODULES[name]}")
    elif name in _HOMES:
        from napari_trsmi.requirements import needed_for

        with needed_for(f"napari_trsmi.{name}"):
            value = getattr(import_module(f"napari_trsmi.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
