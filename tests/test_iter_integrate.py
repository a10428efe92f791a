"""The steps of a run, which the window's thread goes through one by one."""

import pytest
import torch

from napari_trsmi import integrate, iter_integrate, simulate
from napari_trsmi.config import Config
from napari_trsmi.errors import StoppedError
from napari_trsmi.training.report import EpochReport, Phase
from napari_trsmi.training.stop import StopToken

SMALL = Config(
    n_domains=3, epochs=2, n_components=5, embedding_dim=5, feature_neighbors=5, align_neighbors=4
)


@pytest.fixture(scope="module")
def section():
    sizes = {"rna": 20, "protein": 8}
    return simulate(n_spots=60, modalities=("rna", "protein"), n_features=sizes, image=False)


def drain(steps):
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return end.value, seen


def test_it_says_each_phase_and_epoch_and_returns_what_integrate_does(section):
    result, seen = drain(iter_integrate(section, config=SMALL))
    kinds = [step if isinstance(step, Phase) else step.epoch for step in seen]
    assert kinds == [
        Phase.READING,
        Phase.PREPROCESSING,
        Phase.GRAPHS,
        Phase.TRAINING,
        1,
        2,
        Phase.CLUSTERING,
    ]
    assert result.domains.equals(integrate(section, config=SMALL).domains)


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.MEASURING])
def test_a_stop_ends_it_in_any_phase(section, phase):
    stop = StopToken()
    steps = iter_integrate(section, config=SMALL, stop=stop)
    while next(steps) is not phase:
        pass
    stop.stop()
    with pytest.raises(StoppedError):
        drain(steps)


def test_a_generator_that_is_dropped_puts_the_threads_back(section):
    before = torch.get_num_threads()
    steps = iter_integrate(section, config=SMALL, threads=before + 1)
    while not isinstance(next(steps), EpochReport):
        pass
    assert torch.get_num_threads() == before + 1
    steps.close()
    assert torch.get_num_threads() == before


def test_an_error_of_the_caller_puts_them_back_too(section):
    before = torch.get_num_threads()

    def fail(report):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        integrate(section, config=SMALL, threads=before + 1, on_epoch=fail)
    assert torch.get_num_threads() == before
