"""Losses that are not finite, and devices that run out of memory."""

import numpy as np
import pytest
import torch

from napari_trsmi.errors import DeviceError, TrainingError
from napari_trsmi.training import loop
from napari_trsmi.training.loop import memory_needed


@pytest.fixture
def spoil(monkeypatch):
    """Make the objective non-finite at an epoch."""

    def at(epoch, value=float("nan")):
        reconstruction = loop._Training._reconstruction
        calls = []

        def spoiled(self, decoded, hidden):
            calls.append(1)
            found = reconstruction(self, decoded, hidden)
            return found * value if len(calls) == epoch else found

        monkeypatch.setattr(loop._Training, "_reconstruction", spoiled)

    return at


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_restores_the_best_state_and_says_so(train, spoil, value):
    parameters = {"mask_fraction": 0.0, "gate": False, "align": False, "start": "mean"}
    clean, _ = train(epochs=4, **parameters)
    losses = [report.loss for report in clean]
    assert int(np.argmin(losses)) == 3
    # the lowest loss belongs to the state that three steps led to: what three epochs return
    _, expected = train(epochs=4, **parameters, stop=_StopAfter(3))
    spoil(5, value)
    reports, trained = train(epochs=8, **parameters)
    assert len(reports) == 4
    assert f"the loss became {value} at epoch 5 of 8" in trained.stopped
    assert f"({losses[3]:.4g}) was restored" in trained.stopped
    np.testing.assert_allclose(trained.embedding, expected.embedding, rtol=1e-4, atol=1e-5)


class _StopAfter:
    """A token that is set after some epochs."""

    def __init__(self, epochs):
        self.left = epochs

    @property
    def stopped(self):
        self.left -= 1
        return self.left < 0


@pytest.fixture
def overflow(monkeypatch):
    """Make a parameter not finite at an optimiser step, as a gradient that overflows does."""

    def at(number):
        step = torch.optim.Adam.step
        taken = []

        def spoiled(self, *args, **kwargs):
            step(self, *args, **kwargs)
            taken.append(1)
            if len(taken) == number:
                with torch.no_grad():
                    self.param_groups[0]["params"][5].fill_(torch.nan)

        monkeypatch.setattr(torch.optim.Adam, "step", spoiled)

    return at


def test_prototypes_are_not_seeded_on_what_is_no_number(train, overflow):
    overflow(2)
    reports, trained = train(prototype_weight=1.0, prototype_start=0.5, prototype_refresh=1)
    assert len(reports) == 2
    assert "the loss became nan at epoch 3" in trained.stopped
    assert np.isfinite(trained.embedding).all()


def test_a_last_step_that_diverges_restores_the_best_state(train, overflow):
    parameters = {"mask_fraction": 0.0, "gate": False, "align": False, "start": "mean"}
    clean, _ = train(epochs=4, **parameters)
    best = int(np.argmin([report.loss for report in clean]))
    _, expected = train(epochs=4, **parameters, stop=_StopAfter(best))
    overflow(4)
    reports, trained = train(epochs=4, **parameters)
    assert len(reports) == 4
    assert trained.restored
    assert "the embedding became non-finite in the last epoch" in trained.stopped
    assert f"({reports[best].loss:.4g}) was restored" in trained.stopped
    np.testing.assert_allclose(trained.embedding, expected.embedding, rtol=1e-4, atol=1e-5)


def test_the_state_restored_is_aligned_anew(train, overflow, monkeypatch):
    """The last search was among embeddings that were no numbers."""
    searches = []
    search = loop.TRSMI.search_alignment

    def spy(network, *args):
        search(network, *args)
        finite = all(parameter.isfinite().all() for parameter in network.parameters())
        searches.append((finite, network.alignment._patterns[0, 1].columns))

    monkeypatch.setattr(loop.TRSMI, "search_alignment", spy)
    overflow(1)
    _, trained = train(align_refresh=1)
    assert "the loss became nan at epoch 2" in trained.stopped
    (_, first), (finite, lost), (restored, last) = searches
    assert not finite
    assert restored
    assert torch.equal(first, last)
    assert not torch.equal(first, lost)


def test_a_first_loss_that_is_not_finite_is_an_error(train, spoil):
    spoil(1)
    with pytest.raises(TrainingError, match=r"nan at the first epoch.*learning_rate"):
        train()


def fail_with(error):
    def fail(*args):
        raise error

    return fail


def test_running_out_of_memory_is_an_error_that_names_the_size(
    train, make_problem, config, monkeypatch
):
    problem = make_problem()
    size = f"{memory_needed(problem, config) / 2**20:.0f} MiB"
    monkeypatch.setattr(
        loop._Training, "_step", fail_with(torch.OutOfMemoryError("tried to allocate 2 GiB"))
    )
    with pytest.raises(DeviceError, match=f"ran out of memory: about {size} are needed"):
        train(problem)


def test_any_other_failure_of_pytorch_is_named_with_its_device(train, monkeypatch):
    monkeypatch.setattr(loop._Training, "_step", fail_with(RuntimeError("kernel went missing")))
    with pytest.raises(TrainingError, match="failed on cpu: kernel went missing"):
        train()


def test_the_memory_estimate_grows_with_what_takes_memory(make_problem, config):
    problem, three = make_problem(2), make_problem(3)
    base = memory_needed(problem, config)
    for larger in (
        memory_needed(three, config),
        memory_needed(problem, config.replace(embedding_dim=60)),
        memory_needed(problem, config.replace(align_neighbors=40)),
    ):
        assert larger > base
    assert memory_needed(problem, config.replace(align=False)) < base
