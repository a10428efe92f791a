"""A run in several processes finds what it finds in one; here the processes are threads."""

from __future__ import annotations

import copy
import json
import threading
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.metrics import adjusted_rand_score

from napari_trsmi.config import Config
from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.errors import InputError
from napari_trsmi.finding import iter_assist, iter_found, shared_out
from napari_trsmi.graphs import neighbors, neighbors_of_portions
from napari_trsmi.graphs.pattern import Pattern
from napari_trsmi.graphs.products import polynomial, sddmm, spmm
from napari_trsmi.preparation import needs_of_run
from napari_trsmi.preprocessing.image.modality import REACH
from napari_trsmi.spots.pitch import spot_pitch
from napari_trsmi.spots.portion import WHOLE, HeldPortion
from napari_trsmi.spots.ranks import ALONE, Ranks
from napari_trsmi.training.checkpoint import Checkpoint, Kept
from napari_trsmi.training.needs import run_memory
from napari_trsmi.training.state import keep_epochs, read_epochs
from napari_trsmi.training.stop import StopToken


class Threads(Ranks):
    """Threads of this process that wait for each other."""

    def __init__(self, rank, size, table, barrier):
        self.rank, self.size = rank, size
        self._table, self._barrier = table, barrier

    def _all(self, mine):
        self._table[self.rank] = mine
        self._barrier.wait(60)
        found = [copy.deepcopy(self._table[rank]) for rank in range(self.size)]
        self._barrier.wait(60)
        return found

    def sum(self, values):
        first, *others = self._all(values)
        for other in others:
            first = first + other
        return first

    def exchange(self, parts):
        assert len(parts) == self.size
        return [sent[self.rank] for sent in self._all(list(parts))]

    def of_first(self, values):
        return self._all(values)[0]

    def told(self, said):
        return json.loads(json.dumps(self._all(said)[0]))


def in_threads(size, job):
    """What `job(ranks)` returns in each of several threads."""
    table, barrier = [None] * size, threading.Barrier(size)
    found, errors = [None] * size, []

    def work(rank):
        try:
            found[rank] = job(Threads(rank, size, table, barrier))
        except BaseException as error:
            if not isinstance(error, threading.BrokenBarrierError):
                errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return found


N = 23


@pytest.fixture(scope="module")
def graph():
    """A symmetric graph with loops, of which spot 5 has nothing else."""
    dense = sp.random_array((N, N), density=0.3, rng=np.random.default_rng(0)).toarray()
    dense[5] = dense[:, 5] = 0
    dense = dense + dense.T + np.eye(N)
    return sp.csr_array(dense.astype(np.float32))


def portion_of(ranks, graph):
    portion = HeldPortion.even(ranks, N)
    rows = graph[portion.start : portion.start + portion.n_own]
    portion = portion.borrowing([rows.indices])
    return portion, portion.local(rows)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_products_are_those_of_one_process_with_their_gradients(graph, size):
    rng = np.random.default_rng(1)
    dense, left = (torch.from_numpy(rng.normal(size=(N, 3))).float() for _ in range(2))
    matrices = torch.from_numpy(rng.normal(size=(4, 3, 2))).float()

    def work(portion, own):
        pattern = Pattern.from_scipy(own, symmetric=True, portion=portion)
        values = torch.from_numpy(own.data).requires_grad_()
        x, y = (portion.part(each).clone().requires_grad_() for each in (dense, left))
        weights = matrices.clone().requires_grad_()
        products = [spmm(pattern, values, x), sddmm(pattern, y, x).square()]
        products.append(polynomial(pattern, values, x, weights))
        sum((each.sin()).sum() for each in products).backward()
        to_weights = portion.sum(weights.grad)
        return products[0].detach(), products[2].detach(), x.grad, y.grad, values.grad, to_weights

    expected = work(WHOLE, graph)
    found = in_threads(size, lambda ranks: work(*portion_of(ranks, graph)))
    for number in (0, 1, 2, 3):
        whole = torch.cat([each[number] for each in found])
        torch.testing.assert_close(whole, expected[number], rtol=1e-4, atol=1e-5)
    assert sum(len(each[4]) for each in found) == graph.nnz
    total = sum(each[4].sum() for each in found)
    torch.testing.assert_close(total, expected[4].sum(), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found[0][5], expected[5], rtol=1e-4, atol=1e-4)


def test_rows_are_lent_drawn_and_given_back(graph):
    values = np.random.default_rng(2).normal(size=(N, 2))
    drawn = np.array([0, 4, 9, 21])

    def work(ranks):
        portion, own = portion_of(ranks, graph)
        mine = portion.part(values)
        wide = portion.around(mine)
        np.testing.assert_array_equal(wide, values[portion.positions(np.arange(len(wide)))])
        np.testing.assert_array_equal(portion.drawn(mine, drawn), values[drawn])
        np.testing.assert_allclose(portion.mean(mine), values.mean(axis=0))
        np.testing.assert_allclose(portion.variances(mine), values.var(axis=0))
        assert portion.at_first(mine).shape == ((N if ranks.rank == 0 else 0), 2)
        assert portion.largest(ranks.rank) == 2
        np.testing.assert_array_equal(
            portion.over_all(own).toarray(), portion.part(graph.toarray())
        )
        returned = portion.back(own.T @ mine)
        return np.testing.assert_allclose(returned, portion.part(graph.T @ values), atol=1e-6)

    in_threads(3, work)


@pytest.fixture(scope="module")
def section():
    return simulate(n_spots=160, modalities=("rna", "protein"), n_features={"rna": 40}, image=False)


SMALL = Config(
    n_domains=3,
    n_components=6,
    embedding_dim=4,
    feature_neighbors=6,
    device="cpu",
    region_factors=(3, 5),
    region_hops=4,
    threads=1,
)


def found_by(data, config, ranks=ALONE, folder=None):
    """What the first process finds; others None."""
    if ranks.rank:
        steps = iter_assist(ranks, StopToken())
    else:
        keeper = Checkpoint(folder)
        keeper.begin({}, resume=True)
        config = shared_out(ranks, data, config, folder)
        device = torch.device("cpu")
        steps = iter_found(
            data, config, device, StopToken(), keeper, n_spots=data.n_spots, ranks=ranks
        )
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def assert_same(found, expected):
    for scale, domains in expected.domains.items():
        assert adjusted_rand_score(domains.labels, found.domains[scale].labels) >= 0.999
        np.testing.assert_allclose(
            found.domains[scale].confidence, domains.confidence, rtol=1e-3, atol=1e-3
        )
    np.testing.assert_allclose(found.embedding, expected.embedding, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.shares, expected.shares, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(found.prepared.order, expected.prepared.order)
    assert found.widths == expected.widths


@pytest.mark.parametrize(
    ("size", "parameters"),
    [
        (2, {}),
        (3, {"tiles": 2, "n_domains": "auto", "max_domains": 4}),
        (2, {"scale": 0.0, "all_scales": False, "n_domains": "auto", "max_domains": 4}),
        (2, {"clustering": "leiden", "scale": 0.5, "all_scales": False}),
    ],
)
def test_a_run_finds_what_it_finds_in_one_process(section, size, parameters):
    config = SMALL.replace(**parameters)
    found, *others = in_threads(size, lambda ranks: found_by(section, config, ranks))
    assert_same(found, found_by(section, config))
    assert others == [None] * (size - 1)


def test_tables_are_searched_by_an_index_in_turns(section, monkeypatch):
    searched = []

    def search(directions, k, seed):
        searched.append(len(directions))
        return neighbors.top_cosine(directions, directions, k, skip_self=True).astype(np.int32)

    expected = found_by(section, SMALL)
    monkeypatch.setattr(neighbors_of_portions, "EXACT_LIMIT", 10)
    monkeypatch.setattr(neighbors_of_portions, "approximate", search)
    found = in_threads(2, lambda ranks: found_by(section, SMALL, ranks))
    assert_same(found[0], expected)
    assert searched == [160, 160]


def test_graphs_between_discs_are_dealt_out_as_well(section):
    table = section.modalities[1].table.copy()
    table.uns[REACH] = 2.2 * spot_pitch(section.coordinates)
    modalities = (section.modalities[0], replace(section.modalities[1], table=table))
    data = replace(section, modalities=modalities)
    found = in_threads(2, lambda ranks: found_by(data, SMALL, ranks))[0]
    expected = found_by(data, SMALL)
    assert expected.prepared.tissue.noise[1] is not expected.prepared.tissue.spatial
    assert_same(found, expected)


def test_a_run_goes_on_with_what_each_process_has_kept(section, tmp_path):
    first = in_threads(2, lambda ranks: found_by(section, SMALL, ranks, str(tmp_path)))[0]
    assert {"graphs-0-of-2.npz", "graphs-1-of-2.npz"} <= {file.name for file in tmp_path.iterdir()}
    again = in_threads(2, lambda ranks: found_by(section, SMALL, ranks, str(tmp_path)))[0]
    np.testing.assert_array_equal(again.embedding, first.embedding)
    (tmp_path / "graphs-1-of-2.npz").unlink()
    again = in_threads(2, lambda ranks: found_by(section, SMALL, ranks, str(tmp_path)))[0]
    np.testing.assert_array_equal(again.embedding, first.embedding)


def test_epochs_go_on_from_where_all_processes_were(tmp_path):
    def kept(epoch):
        return Kept({"weights": np.array([epoch])}, {"reports": [{}] * epoch})

    def work(ranks, *, ahead):
        portion, checkpoint = HeldPortion.even(ranks, 10), Checkpoint(tmp_path)
        assert ahead or read_epochs(checkpoint, portion) is None
        if not ahead:
            for epoch in (10, 20, 30):
                keep_epochs(checkpoint, portion, kept(epoch))
        elif ranks.rank == 0:  # and then the other one was lost
            checkpoint.keep("epochs-0-of-2-b", kept(40))
        portion.count(1)
        return read_epochs(checkpoint, portion).arrays["weights"][0]

    assert in_threads(2, lambda ranks: work(ranks, ahead=False)) == [30, 30]
    assert in_threads(2, lambda ranks: work(ranks, ahead=True)) == [30, 30]


def test_too_few_spots_are_said(section):
    with pytest.raises(InputError, match="160 spots are too few for 100 processes"):
        shared_out(Threads(0, 100, [], None), section, SMALL, None)


def test_the_estimate_is_of_the_spots_on_this_machine(section):
    ranks = Threads(0, 8, [], None)
    ranks.here = 2
    config = SMALL.replace(embedding_dim=1024)  # takes more than making the components does
    whole, shared = needs_of_run(section, config), needs_of_run(section, config, ranks)
    of_all, of_a_quarter = (run_memory(n, (6, 6), config, tiles=1) for n in (160, 40))
    assert whole.whole - shared.whole == of_all - of_a_quarter > 0
