"""What several tests need: a small result made by hand, and a real window."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.result import TRSMIResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@pytest.fixture(scope="session")
def make_result() -> Callable[..., TRSMIResult]:
    """Make a result of spots in vertical stripes, one a domain, without training."""

    def make(
        n_spots: int = 60,
        n_domains: int = 3,
        *,
        modalities: Sequence[str] = ("rna", "protein"),
        image_scale: float | None = 0.5,
        spot_diameter: float | None = 8.0,
        seed: int = 0,
    ) -> TRSMIResult:
        rng = np.random.default_rng(seed)
        spots = pd.Index([f"spot_{spot}" for spot in range(n_spots)])
        coordinates = np.column_stack([np.arange(n_spots) % 12, np.arange(n_spots) // 12]) * 10.0
        coordinates += 20
        stripe = (np.arange(n_spots) % 12) * n_domains // 12
        categories = [str(domain + 1) for domain in range(n_domains)]
        weights = rng.dirichlet(np.ones(len(modalities)), n_spots)
        image = None
        if image_scale is not None:
            shape = (round(120 * image_scale), round(160 * image_scale), 3)
            image = TissueImage(rng.integers(0, 256, shape, dtype=np.uint8), image_scale)
        return TRSMIResult(
            domains=pd.Series(pd.Categorical.from_codes(stripe, categories), index=spots),
            embedding=rng.normal(size=(n_spots, 4)).astype(np.float32),
            confidence=pd.Series(rng.uniform(0.5, 1, n_spots), index=spots),
            modality_weights=pd.DataFrame(weights, spots, list(modalities)),
            coordinates=coordinates,
            annotations=pd.DataFrame(
                {"layer": pd.Categorical.from_codes(stripe, list("abcdefghi"[:n_domains]))}, spots
            ),
            history=pd.DataFrame({"epoch": [1, 2], "loss": [1.0, 0.5]}),
            record={"parameters": {"seed": seed, "teleports": [0.2, 0.1]}, "notes": []},
            image=image,
            spot_diameter=spot_diameter,
        )

    return make


@pytest.fixture(scope="session")
def installed_plugins() -> None:
    """Let napari find the plugins that are installed, as its window does when it opens."""
    from napari.plugins import _initialize_plugins

    _initialize_plugins()


@pytest.fixture
def real_window() -> None:
    """Skip where nothing can be drawn: an offscreen Qt has no OpenGL."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        pytest.skip("needs a display; scripts/test brings one (xvfb-run)")
    if os.environ.get("QT_QPA_PLATFORM") in {"offscreen", "minimal"}:
        pytest.skip("QT_QPA_PLATFORM has no OpenGL; unset it")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Find the folder of real data sets; skip where it is absent."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("NAPARI_TRSMI_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}; set NAPARI_TRSMI_DATA to their folder")
    return folder
