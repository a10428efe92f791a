"""Cross-graph alignment: each spot attends to its most similar spots in another modality."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_trsmi.graphs.neighbors import top_cosine
from napari_trsmi.graphs.pattern import Pattern, pointers_of
from napari_trsmi.graphs.products import sddmm, spmm
from napari_trsmi.spots.portion import WHOLE, HeldPortion, Portion

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROWS = 4096
"""Rows whose candidates are sorted at a time."""


class CrossGraphAlignment(nn.Module):
    """Z̃^m = [Z^m ‖ mean over n ≠ m of S^{mn} Z^n] W_m,  S^{mn} = top-k softmax(Q^m K^nᵀ / τ).

    The softmax runs over the k entries kept in each row; S^{nm} is a softmax of its own rather
    than the transpose, which need not be row-stochastic. Which entries are kept is found by
    `search` and stays for some epochs.

    Parameters
    ----------
    n_modalities
        At least 2.
    d
        Embedding dimensions.
    temperature
        τ.
    portion
        Of the spots, whose rows are aligned.
    """

    def __init__(
        self, n_modalities: int, d: int, *, temperature: float, portion: Portion = WHOLE
    ) -> None:
        super().__init__()
        self.portion = portion
        self.temperature = temperature
        eye = torch.eye(d)
        self.query = nn.ParameterList(nn.Parameter(eye.clone()) for _ in range(n_modalities))
        self.key = nn.ParameterList(nn.Parameter(eye.clone()) for _ in range(n_modalities))
        # [I; 0]: the modality itself at first, the other ones as far as they help
        start = torch.cat([eye, torch.zeros(d, d)])
        self.mix = nn.ParameterList(nn.Parameter(start.clone()) for _ in range(n_modalities))
        self._patterns: dict[tuple[int, int], Pattern] = {}

    @torch.no_grad()
    def start_from(self, embeddings: Sequence[Tensor]) -> None:
        """Rotate queries and keys onto axes that the modalities share.

        The modalities' features have nothing to do with each other column by column; the
        singular vectors of their cross-covariance are the pairs of directions that vary
        together. With more than two modalities each is matched with the mean of the others'
        common axes, found from the first.
        """
        portion = self.portion
        n = portion.n_spots(len(embeddings[0]))
        centred = [(z - portion.sum(z.sum(dim=0)) / n).cpu().double() for z in embeddings]
        left, _, right = torch.linalg.svd(portion.sum(centred[0].T @ centred[1]))
        axes = [left, right.T]
        for z in centred[2:]:
            reference = centred[0] @ axes[0] + centred[1] @ axes[1]
            u, _, v = torch.linalg.svd(portion.sum(z.T @ reference))
            axes.append(u @ v)
        for query, key, rotation in zip(self.query, self.key, axes, strict=True):
            agreed = portion.ranks.of_first(rotation)
            query.copy_(agreed)
            key.copy_(agreed)

    @torch.no_grad()
    def search(
        self, embeddings: Sequence[Tensor], k: int, candidates: Pattern | None = None
    ) -> None:
        """Find the k entries kept in each row of every S^{mn}.

        Parameters
        ----------
        embeddings
            Z^m, each (n, d).
        k
            Entries per row; n at most.
        candidates
            Where to look, at least one entry in every row; everywhere (exactly, in blocks of
            rows) when None.
        """
        for m, n in permutations(range(len(embeddings)), 2):
            query, key = self._query_and_key(embeddings, m, n)
            if candidates is None:
                self._patterns[m, n] = self._nearest(query, key, k)
            else:
                self._patterns[m, n] = _best(candidates, sddmm(candidates, query, key), k)

    def _nearest(self, query: Tensor, key: Tensor, k: int) -> Pattern:
        """The k most similar of all spots."""
        portion, everywhere = self.portion, self.portion.all_rows(key)
        found = top_cosine(query, everywhere, min(k, len(everywhere)), device=query.device)
        if isinstance(portion, HeldPortion):
            portion = portion.borrowing([found.ravel()])
            found = portion.columns(found)
        return Pattern.from_rows(torch.from_numpy(found).to(query.device), portion)

    def similarity(self, embeddings: Sequence[Tensor], m: int, n: int) -> tuple[Pattern, Tensor]:
        """S^{mn}: its pattern and values (rows sum to 1)."""
        pattern = self._patterns[m, n]
        query, key = self._query_and_key(embeddings, m, n)
        logits = sddmm(pattern, query, key) / self.temperature
        return pattern, row_softmax(pattern, logits)

    def forward(self, embeddings: Sequence[Tensor], *, detach: bool) -> list[Tensor]:
        """Align all modalities.

        Parameters
        ----------
        embeddings
            Z^m, each (n, d).
        detach
            Whether the cross terms are constants (warm-up): updating Z^m uses the others as
            they are.

        Returns
        -------
        list of Tensor
            Z̃^m, each (n, d).
        """
        aligned = []
        count = len(embeddings)
        for m in range(count):
            others = [z.detach() if detach and n != m else z for n, z in enumerate(embeddings)]
            received = torch.zeros_like(embeddings[m])
            for n in range(count):
                if n != m:
                    pattern, values = self.similarity(others, m, n)
                    received = received + spmm(pattern, values, others[n]) / (count - 1)
            own, other = self.mix[m].chunk(2)
            aligned.append(torch.addmm(embeddings[m] @ own, received, other))
        return aligned

    def _query_and_key(self, embeddings: Sequence[Tensor], m: int, n: int) -> tuple[Tensor, Tensor]:
        """Q^m and K^n, rows of length 1."""
        query = functional.normalize(embeddings[m] @ self.query[m], dim=1)
        key = functional.normalize(embeddings[n] @ self.key[n], dim=1)
        return query, key


def row_softmax(pattern: Pattern, logits: Tensor) -> Tensor:
    """Softmax over the entries of each row; `logits` and the result in CSR order."""
    largest = logits.new_full((pattern.n,), -torch.inf)
    largest = largest.scatter_reduce(0, pattern.rows, logits.detach(), "amax")
    weights = (logits - largest.index_select(0, pattern.rows)).exp()
    total = weights.new_zeros(pattern.n).index_add(0, pattern.rows, weights)
    return weights / total.index_select(0, pattern.rows)


def _best(candidates: Pattern, scores: Tensor, k: int) -> Pattern:
    """The k highest-scoring entries of each row (fewer where there are fewer)."""
    starts, counts = candidates.row_pointers[:-1].long(), candidates.row_pointers.diff().long()
    kept = []
    # rows of like length together, as a rectangle that is sorted row by row
    for rows in torch.split(torch.argsort(counts, stable=True), _ROWS):
        place = torch.arange(int(counts[rows].max()), device=scores.device)
        inside = place < counts[rows, None]
        positions = (starts[rows, None] + place).clamp_max(candidates.nnz - 1)
        found = scores[positions].masked_fill_(~inside, -torch.inf)
        best = found.sort(dim=1, descending=True, stable=True).indices[:, :k]
        kept.append(positions.gather(1, best)[inside.gather(1, best)])
    positions = torch.cat(kept).sort().values
    pointers = pointers_of(candidates.rows[positions], candidates.n)
    return Pattern(pointers, candidates.columns[positions], portion=candidates.portion)
