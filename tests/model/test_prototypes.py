import math

import pytest
import torch
from torch.autograd import gradcheck

from napari_trsmi.model.prototypes import Prototypes


def one_by_one(z, centers, temperature):
    """The loss from its definition, prototype by prototype and spot by spot."""
    z = [row / row.norm() for row in z]
    centers = [row / row.norm() for row in centers]
    nearest = [max(range(len(centers)), key=lambda k, row=row: row @ centers[k]) for row in z]
    losses = []
    for k, center in enumerate(centers):
        weights = [torch.exp(row @ center / temperature) for row in z]
        own = [weight for weight, closest in zip(weights, nearest, strict=True) if closest == k]
        if own:
            inside, everywhere = sum(own) / len(own), sum(weights) / len(weights)
            losses.append(-torch.log(inside / everywhere))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("temperature", [0.1, 2.0])
def test_loss_and_gradient_equal_the_definition(random_matrix, temperature):
    z = random_matrix(15, 4).requires_grad_()
    prototypes = Prototypes(random_matrix(3, 4, seed=1), temperature=temperature)
    mine = prototypes(z)
    theirs = one_by_one(z, prototypes.centers, temperature)
    torch.testing.assert_close(mine, theirs)
    inputs = (z, prototypes.centers)
    for gradient, expected in zip(
        torch.autograd.grad(mine, inputs), torch.autograd.grad(theirs, inputs), strict=True
    ):
        torch.testing.assert_close(gradient, expected)


def test_gradcheck(random_matrix):
    prototypes = Prototypes(random_matrix(3, 4, seed=1), temperature=0.5)
    assert gradcheck(prototypes, random_matrix(9, 4).requires_grad_())


def test_a_prototype_without_spots_does_not_count(random_matrix):
    z = random_matrix(10, 4).abs()
    used = random_matrix(2, 4, seed=2).abs()
    far = -torch.ones(1, 4, dtype=torch.float64)
    with_far = Prototypes(torch.cat([used, far]), temperature=1.0)(z)
    torch.testing.assert_close(with_far, Prototypes(used, temperature=1.0)(z))
    assert with_far.isfinite()


def test_the_loss_is_low_where_spots_sit_on_their_prototypes():
    corners = torch.eye(3, dtype=torch.float64)
    prototypes = Prototypes(corners, temperature=0.1)
    apart = prototypes(corners.repeat(5, 1)).item()
    assert apart == pytest.approx(-math.log(3), abs=1e-3)
    assert apart < prototypes(corners.repeat(5, 1) + 1)
