"""Small tables as files, and a stand-in for the job where the command line is what is tested."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

import napari_trsmi.data.simulated.histology
import napari_trsmi.integration
from napari_trsmi.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from napari_trsmi.config import Config
    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.result import TRSMIResult


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="session", name="invoke")
def _invoke():
    return invoke


@pytest.fixture(scope="session")
def tables(tmp_path_factory) -> Path:
    """A folder with rna.h5ad, protein.h5ad, chromatin.h5ad and tissue.png of 200 spots."""
    folder = tmp_path_factory.mktemp("simulated tables")
    ended = invoke("simulate", "--setting", "complementary", "--n-spots", 200, "-o", folder)
    assert ended.exit_code == 0, ended.output
    return folder


@dataclass
class StandIn:
    """Takes the place of `integrate`, and keeps what it was called with."""

    result: TRSMIResult
    error: BaseException | None = None
    data: SpatialOmics | None = None
    config: Config | None = None
    image_features: str | None = None
    how: dict[str, object] = field(default_factory=dict)
    calls: int = field(default=0)

    def __call__(self, data, *, config, image_features, on_epoch, on_picture, stop, **how):
        self.how = how
        self.data, self.config, self.image_features = data, config, image_features
        self.calls += 1
        if self.error is not None:
            raise self.error
        return self.result


@pytest.fixture
def job(monkeypatch, make_result) -> StandIn:
    stand_in = StandIn(make_result(n_spots=48))
    monkeypatch.setattr(napari_trsmi.integration, "integrate", stand_in)
    return stand_in


@pytest.fixture
def unpainted(monkeypatch) -> None:
    """Spare the seconds that painting the tissue takes."""
    blank = np.zeros((1200, 1200, 3), dtype=np.uint8)
    monkeypatch.setattr(napari_trsmi.data.simulated.histology, "paint", lambda *_: blank)
