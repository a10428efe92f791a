import pytest
import torch
from torch.nn.functional import normalize

from napari_trsmi.graphs.pattern import Pattern
from napari_trsmi.model.alignment import CrossGraphAlignment, row_softmax

N, D = 12, 4


@pytest.fixture
def embeddings(random_matrix):
    return [random_matrix(N, D, seed=m) for m in range(3)]


@pytest.fixture
def make_alignment(embeddings, random_matrix):
    """Make an alignment with random maps and the k best entries found."""

    def make(n_modalities=2, k=N, candidates=None, temperature=0.3):
        alignment = CrossGraphAlignment(n_modalities, D, temperature=temperature).double()
        for seed, parameter in enumerate(alignment.parameters()):
            parameter.data = random_matrix(*parameter.shape, seed=seed)
        alignment.search(embeddings[:n_modalities], k, candidates)
        return alignment

    return make


def dense_similarity(alignment, embeddings, m, n, k=N, allowed=None):
    """Softmax over the k largest allowed entries of each row, as a dense matrix."""
    query = normalize(embeddings[m] @ alignment.query[m], dim=1)
    key = normalize(embeddings[n] @ alignment.key[n], dim=1)
    logits = query @ key.T / alignment.temperature
    if allowed is not None:
        logits = logits.masked_fill(~allowed, -torch.inf)
    smallest = logits.sort(dim=1, descending=True).values[:, k - 1 : k]
    return logits.masked_fill(logits < smallest, -torch.inf).softmax(dim=1)


def as_dense(pattern, values):
    dense = values.new_zeros(pattern.n, pattern.n)
    return dense.index_put((pattern.rows, pattern.columns.long()), values)


@pytest.mark.parametrize("k", [1, 5, N, N + 3])
def test_similarities_equal_the_dense_softmax_over_the_k_best(make_alignment, embeddings, k):
    alignment = make_alignment(2, k)
    for m, n in ((0, 1), (1, 0)):
        mine = as_dense(*alignment.similarity(embeddings, m, n))
        torch.testing.assert_close(mine, dense_similarity(alignment, embeddings, m, n, min(k, N)))
        torch.testing.assert_close(mine.sum(dim=1), torch.ones(N, dtype=torch.float64))


def test_the_reverse_direction_is_a_softmax_of_its_own(make_alignment, embeddings):
    alignment = make_alignment(2, 3)
    there = as_dense(*alignment.similarity(embeddings, 0, 1))
    back = as_dense(*alignment.similarity(embeddings, 1, 0))
    assert not torch.allclose(back, there.T)
    assert (back.sum(dim=1) > 0.999).all()


def test_candidates_limit_where_the_best_are_looked_for(make_alignment, embeddings, adjacency):
    allowed = torch.from_numpy(adjacency(7, density=0.6).toarray() > 0) | torch.eye(N).bool()
    rows = allowed.nonzero(as_tuple=True)
    pointers = torch.zeros(N + 1, dtype=torch.int32)
    pointers[1:] = allowed.sum(dim=1).cumsum(0)
    candidates = Pattern(pointers, rows[1].int(), symmetric=True)
    alignment = make_alignment(2, 3, candidates)
    expected = dense_similarity(alignment, embeddings, 0, 1, 3, allowed)
    mine = as_dense(*alignment.similarity(embeddings, 0, 1))
    torch.testing.assert_close(mine, expected)


def test_rows_with_few_candidates_keep_them_all(make_alignment, embeddings):
    itself = Pattern.from_rows(torch.arange(N)[:, None])
    mine = as_dense(*make_alignment(2, 3, itself).similarity(embeddings, 0, 1))
    assert torch.equal(mine, torch.eye(N, dtype=torch.float64))


def test_candidates_that_are_everything_equal_the_exact_search(make_alignment, embeddings):
    everything = Pattern.from_rows(torch.arange(N).repeat(N, 1))
    exact, among = make_alignment(3, 4), make_alignment(3, 4, everything)
    for mine, theirs in zip(
        among(embeddings, detach=False), exact(embeddings, detach=False), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


@pytest.mark.parametrize("n_modalities", [2, 3])
@pytest.mark.parametrize("detach", [False, True])
def test_values_and_gradients_equal_dense_autograd(
    make_alignment, embeddings, random_matrix, n_modalities, detach
):
    alignment = make_alignment(n_modalities, 5)
    inputs = [z.requires_grad_() for z in embeddings[:n_modalities]]
    expected = []
    for m in range(n_modalities):
        seen = [z.detach() if detach and n != m else z for n, z in enumerate(inputs)]
        received = [
            dense_similarity(alignment, seen, m, n, 5) @ seen[n]
            for n in range(n_modalities)
            if n != m
        ]
        mean = torch.stack(received).mean(dim=0)
        expected.append(torch.cat([inputs[m], mean], dim=1) @ alignment.mix[m])
    aligned = alignment(inputs, detach=detach)
    target = random_matrix(n_modalities, N, D, seed=9)
    wanted = [*inputs, *alignment.parameters()]
    mine, theirs = (
        torch.autograd.grad(
            sum((z * t).sum() for z, t in zip(outputs, target, strict=True)), wanted
        )
        for outputs in (aligned, expected)
    )
    for output, dense in zip((*aligned, *mine), (*expected, *theirs), strict=True):
        torch.testing.assert_close(output, dense)


def test_during_warm_up_no_gradient_crosses_between_modalities(make_alignment, embeddings):
    alignment = make_alignment(2, 5)
    inputs = [z.requires_grad_() for z in embeddings[:2]]
    for detach in (True, False):
        first = alignment(inputs, detach=detach)[0].square().sum()
        own, other = torch.autograd.grad(first, inputs, allow_unused=True)
        assert own.any()
        assert (other is None) == detach


def test_it_starts_by_leaving_each_modality_as_it_is(embeddings):
    alignment = CrossGraphAlignment(3, D, temperature=0.1).double()
    alignment.search(embeddings, 4)
    for aligned, z in zip(alignment(embeddings, detach=False), embeddings, strict=True):
        torch.testing.assert_close(aligned, z)


@pytest.mark.parametrize("n_modalities", [2, 3])
def test_started_from_data_rotated_copies_of_one_embedding_find_each_other(
    random_matrix, n_modalities
):
    """Without common axes a spot's columns have nothing to do with its other modality's."""
    z = random_matrix(60, D) * torch.tensor([4, 3, 2, 1])
    turned = [z, *(z @ torch.linalg.qr(random_matrix(D, D, seed=m)).Q for m in (1, 2))]
    turned = turned[:n_modalities]
    alignment = CrossGraphAlignment(n_modalities, D, temperature=0.1).double()

    def found_itself():
        alignment.search(turned, 1)
        pattern, _ = alignment.similarity(turned, 0, n_modalities - 1)
        return (pattern.rows == pattern.columns).double().mean()

    assert found_itself() < 0.5
    alignment.start_from(turned)
    assert found_itself() > 0.95


def test_row_softmax_stands_large_logits_and_uneven_rows():
    pattern = Pattern(torch.tensor([0, 1, 3, 3]).int(), torch.tensor([2, 0, 1]).int())
    found = row_softmax(pattern, torch.tensor([1e4, 1e4, 1e4 - 1]))
    e = torch.tensor([0.0, -1.0]).softmax(dim=0)
    torch.testing.assert_close(found, torch.tensor([1.0, e[0], e[1]]))
