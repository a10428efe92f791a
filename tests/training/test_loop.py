import itertools

import numpy as np
import pytest
import torch

from napari_trsmi.errors import ConfigError
from napari_trsmi.graphs.neighbors import top_cosine
from napari_trsmi.graphs.pattern import Pattern
from napari_trsmi.training import loop
from napari_trsmi.training.report import EpochReport


def test_there_is_a_report_an_epoch(train, make_problem, config):
    reports, trained = train()
    assert all(isinstance(report, EpochReport) for report in reports)
    assert [report.epoch for report in reports] == [1, 2, 3, 4]
    assert {report.epochs for report in reports} == {config.epochs}
    for report in reports:
        assert report.loss == pytest.approx(
            report.losses["reconstruction"] + config.graph_weight * report.losses["graph"],
            rel=1e-6,
        )
        assert report.seconds > 0
        assert report.memory > 1 << 20
    betas = [report.beta for report in reports]
    assert betas == sorted(betas, reverse=True)
    opened = 1 / (1 + np.exp(-config.gate_logit))  # b is learned, but hardly in four epochs
    ends = [np.mean(make_problem().gate_ends) * opened, opened]
    np.testing.assert_allclose([betas[-1], betas[0]], ends, rtol=0.02)
    assert trained.stopped == ""


@pytest.mark.parametrize("n_modalities", [1, 2, 3])
def test_what_training_returns(train, make_problem, config, n_modalities):
    _, trained = train(make_problem(n_modalities))
    assert trained.embedding.shape == (81, config.embedding_dim)
    assert trained.embedding.dtype == np.float32
    assert np.isfinite(trained.embedding).all()
    assert trained.modality_shares.shape == (81, n_modalities)
    np.testing.assert_allclose(trained.modality_shares.sum(axis=1), 1, rtol=1e-5)
    assert trained.graph_weights.shape == (n_modalities, 2)
    assert (trained.graph_weights > 0).all()
    assert trained.alignment_search == ("exact" if n_modalities > 1 else "none")


def test_the_loss_falls(train):
    """With all spots seen and the gate still, so that epochs can be compared."""
    reports, _ = train(epochs=40, mask_fraction=0.0, gate=False, start="mean")
    losses = [report.loss for report in reports]
    assert losses[-1] < 0.7 * losses[0]


@pytest.fixture
def hidden_spots(monkeypatch):
    """The spots hidden at each step, after checks of what that does to input and loss."""
    seen, hidden = [], []
    forward, reconstruction = loop.TRSMI.forward, loop._Training._reconstruction

    def spy_forward(self, features, **options):
        seen.append(features)
        return forward(self, features, **options)

    def spy_reconstruction(self, decoded, spots):
        loss = reconstruction(self, decoded, spots)
        chosen = torch.zeros(81, dtype=torch.bool)
        chosen[spots] = True
        hidden.append(set(spots.tolist()))
        errors = []
        for target, shown, output in zip(self.features, seen[-1], decoded, strict=True):
            assert not shown[chosen].any()
            assert torch.equal(shown[~chosen], target[~chosen])
            errors.append((target[chosen] - output[chosen]).square().mean())
        torch.testing.assert_close(loss, torch.stack(errors).mean())
        return loss

    monkeypatch.setattr(loop.TRSMI, "forward", spy_forward)
    monkeypatch.setattr(loop._Training, "_reconstruction", spy_reconstruction)
    return hidden


def test_other_spots_are_hidden_and_predicted_at_each_step_by_the_seed(train, hidden_spots):
    for seed in (1, 1, 2):
        train(epochs=2, mask_fraction=0.25, seed=seed)
    assert {len(spots) for spots in hidden_spots} == {20}
    first, second, again_first, again_second, other, _ = hidden_spots
    assert first != second
    assert (first, second) == (again_first, again_second)
    assert other != first


def test_with_nothing_hidden_all_spots_count(train, monkeypatch):
    given = []
    monkeypatch.setattr(
        loop._Training,
        "_reconstruction",
        lambda self, decoded, spots: (given.append(spots), decoded[0].sum())[1],
    )
    train(epochs=1, mask_fraction=0.0)
    assert given == [None]


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not(train, make_problem):
    problem = make_problem()
    first, again, other = (train(problem, seed=seed) for seed in (1, 1, 2))
    assert [r.losses for r in first.reports] == [r.losses for r in again.reports]
    np.testing.assert_array_equal(first.trained.embedding, again.trained.embedding)
    assert not np.allclose(first.trained.embedding, other.trained.embedding)


def test_training_leaves_pytorchs_random_numbers_alone(train):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train()
    assert torch.equal(torch.rand(3), expected)


def test_no_epochs_give_the_untrained_network(train):
    reports, trained = train(epochs=0)
    assert reports == []
    assert np.isfinite(trained.embedding).all()


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_both_optimisers_change_the_network(train, optimizer):
    _, untrained = train(epochs=0)
    _, trained = train(optimizer=optimizer)
    assert not np.allclose(trained.embedding, untrained.embedding)


@pytest.mark.parametrize("on", list(itertools.product([True, False], repeat=4)))
def test_the_components_can_be_switched_one_by_one(train, make_problem, on):
    switches = dict(zip(("rpr", "align", "multiscale", "gate"), on, strict=True))
    reports, trained = train(make_problem(), epochs=2, **switches)
    assert np.isfinite(trained.embedding).all()
    assert trained.alignment_search == ("exact" if switches["align"] else "none")
    assert (reports[0].beta > 0) == (switches["multiscale"] or switches["gate"])


def test_the_cross_terms_are_detached_during_warm_up_only(train, monkeypatch):
    detached = []
    forward = loop.TRSMI.forward

    def spy(self, features, *, progress, detach_cross=False):
        if torch.is_grad_enabled():
            detached.append(detach_cross)
        return forward(self, features, progress=progress, detach_cross=detach_cross)

    monkeypatch.setattr(loop.TRSMI, "forward", spy)
    train(epochs=5, align_warmup=0.4)
    assert detached == [True, True, False, False, False]


def test_alignment_is_searched_again_at_intervals(train, monkeypatch):
    searched = []
    search = loop.TRSMI.search_alignment
    monkeypatch.setattr(
        loop.TRSMI, "search_alignment", lambda *args: (searched.append(1), search(*args))
    )
    train(epochs=6, align_refresh=3)
    assert len(searched) == 2  # at the start and before epoch 4


def test_candidates_that_are_everything_equal_the_exact_search(train, make_problem, monkeypatch):
    problem = make_problem()
    _, exact = train(problem)
    everything = Pattern.from_rows(torch.arange(81).repeat(81, 1))
    monkeypatch.setattr(loop, "EXACT_ALIGNMENT_LIMIT", 10)
    monkeypatch.setattr(loop.FusedGraphs, "pattern", property(lambda _: everything))
    _, among = train(problem)
    assert among.alignment_search == "candidates"
    np.testing.assert_allclose(among.embedding, exact.embedding, rtol=1e-3, atol=1e-4)


def test_in_large_problems_alignment_looks_among_the_graphs_neighbours(
    train, make_problem, monkeypatch
):
    problem = make_problem()
    allowed = (problem.spatial + sum(problem.feature_graphs)).toarray() > 0
    allowed |= np.eye(81, dtype=bool)
    patterns = []
    search = loop.TRSMI.search_alignment

    def spy(network, *args):
        search(network, *args)
        patterns.extend(network.alignment._patterns.values())

    monkeypatch.setattr(loop, "EXACT_ALIGNMENT_LIMIT", 10)
    monkeypatch.setattr(loop.TRSMI, "search_alignment", spy)
    _, trained = train(problem)
    assert trained.alignment_search == "candidates"
    for pattern in patterns:
        assert allowed[pattern.rows, pattern.columns.long()].all()
    everywhere = top_cosine(*(f[:, :4].copy() for f in problem.features), 4)
    assert not allowed[np.arange(81)[:, None], everywhere].all()  # the limit is one


def test_prototypes_are_seeded_when_their_time_comes(train):
    reports, trained = train(
        epochs=6, prototype_weight=1.0, prototype_start=0.5, prototype_refresh=2, n_prototypes=3
    )
    seeded = ["prototypes" in report.losses for report in reports]
    assert seeded == [False, False, False, True, True, True]
    last = reports[-1]
    assert last.loss == pytest.approx(sum(last.losses.values()), rel=1e-5)
    assert np.isfinite(trained.embedding).all()


def test_prototypes_are_learned_between_seedings(train, monkeypatch):
    seen = []

    class Spy(loop.Prototypes):
        def forward(self, z):
            seen.append((id(self), self.centers.detach().clone()))
            return super().forward(z)

    monkeypatch.setattr(loop, "Prototypes", Spy)
    train(epochs=4, prototype_weight=1.0, prototype_start=0.0, prototype_refresh=2, n_prototypes=3)
    (a, first), (b, second), (c, third), (d, fourth) = seen
    assert a == b != c == d
    assert not torch.equal(first, second)
    assert not torch.equal(third, fourth)


def test_reconstruction_weights_belong_to_the_modalities(train, make_problem):
    problem = make_problem(2)
    losses = [
        train(problem, epochs=1, reconstruction_weights=weights).reports[0].losses
        for weights in ((1.0,), (3.0, 3.0), (2.0, 1.0), (1.0, 2.0))
    ]
    one, both, first, second = (each["reconstruction"] for each in losses)
    assert both == pytest.approx(3 * one, rel=1e-5)
    assert first + second == pytest.approx(3 * one, rel=1e-5)
    assert first != second


def test_a_wrong_number_of_reconstruction_weights_is_an_error(train):
    with pytest.raises(ConfigError, match="has 3 values for 2 modalities"):
        train(reconstruction_weights=(1.0, 1.0, 1.0))


@pytest.mark.gpu
def test_a_gpu_gives_nearly_the_same_embedding(train, make_problem):
    problem = make_problem()
    _, cpu = train(problem, gate=False)
    _, gpu = train(problem, gate=False, device="cuda")
    np.testing.assert_allclose(gpu.embedding, cpu.embedding, rtol=1e-2, atol=1e-3)
