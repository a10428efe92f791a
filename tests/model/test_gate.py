import numpy as np
import pytest
import torch

from napari_trsmi.model.gate import ScheduledGate

PROGRESS = np.linspace(0, 1, 21)


@pytest.mark.parametrize("end", [0.0, 0.3])
def test_the_schedule_falls_to_its_end(end):
    gate = ScheduledGate(logit=2.5, end=end, scheduled=True)
    betas = np.array([gate.beta(t).item() for t in PROGRESS])
    sigmoid = 1 / (1 + np.exp(-2.5))
    assert (np.diff(betas) < 0).all()
    np.testing.assert_allclose(betas[[0, -1]], [sigmoid, end * sigmoid], rtol=1e-6)


def test_without_the_schedule_it_is_constant():
    gate = ScheduledGate(logit=-1.0, end=0.0, scheduled=False)
    assert len({gate.beta(t).item() for t in PROGRESS}) == 1


def test_it_mixes_local_and_diffused(random_matrix):
    gate = ScheduledGate(logit=0.4, end=0.1, scheduled=True).double()
    local, diffused = random_matrix(2, 12, 3)
    beta = gate.beta(0.6)
    mixed = gate(local, diffused, 0.6)
    torch.testing.assert_close(mixed, (1 - beta) * local + beta * diffused)
    mixed.square().sum().backward()
    assert gate.logit.grad != 0
