"""The training loop: a generator that yields a report an epoch and returns what it learned."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_trsmi.clustering.split_and_merge import split_and_merge
from napari_trsmi.errors import ConfigError, TrainingError
from napari_trsmi.model.fused_graph import FusedGraphs
from napari_trsmi.model.network import TRSMI
from napari_trsmi.model.prototypes import Prototypes
from napari_trsmi.model.start import start_embedding
from napari_trsmi.training import state as states
from napari_trsmi.training.checkpoint import Checkpoint, Kept
from napari_trsmi.training.devices import explained, memory_in_use
from napari_trsmi.training.report import EpochReport
from napari_trsmi.training.stop import StopToken
from napari_trsmi.training.warm_up import no_collection

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_trsmi.config import Config
    from napari_trsmi.model.network import Embedding
    from napari_trsmi.training.problem import Problem

EXACT_ALIGNMENT_LIMIT = 20_000
"""Spots up to which alignment searches all pairs, which takes time in their square."""

_MOMENTUM = 0.9


@dataclass(frozen=True, eq=False)
class Trained:
    """What training returns.

    Attributes
    ----------
    embedding
        Z, ``float32``, shape (n_spots, d).
    modality_shares
        Shape (n_spots, n_modalities), rows sum to 1.
    graph_weights
        Final (w_S, w_F), shape (n_modalities, 2).
    stopped
        Empty, or why training ended early.
    restored
        Whether a loss or the embedding became non-finite, and the best state was restored.
    alignment_search
        ``"exact"``, ``"candidates"`` or ``"none"``.
    """

    embedding: NDArray[np.float32]
    modality_shares: NDArray[np.float32]
    graph_weights: NDArray[np.float32]
    stopped: str
    restored: bool
    alignment_search: str


def iter_train(
    problem: Problem,
    config: Config,
    *,
    device: torch.device,
    stop: StopToken | None = None,
    checkpoint: Checkpoint | None = None,
) -> Generator[EpochReport, None, Trained]:
    """Train TRSMI.

    Parameters
    ----------
    problem
        Features and graphs.
    config
        Parameters.
    device
        Where to train.
    stop
        Checked before every epoch; when set, the loop returns what it has.
    checkpoint
        Where the state is kept every `align_refresh` epochs, and gone on from if it is there.

    Yields
    ------
    EpochReport
        One an epoch; those that were done before, too.

    Returns
    -------
    Trained
        The embedding at the end of training, or at the lowest loss if a loss or the last
        embedding became non-finite (``stopped`` says so).

    Raises
    ------
    DeviceError
        If the device runs out of memory.
    TrainingError
        If the first loss is already non-finite, or PyTorch fails.
    """
    try:
        if not config.epochs:
            return _untrained(problem, config, device)
        return (yield from _Training(problem, config, device).run(stop, checkpoint))
    except RuntimeError as error:
        raise explained(error, memory_needed(problem, config), device) from error


def memory_needed(problem: Problem, config: Config) -> int:
    """About how many bytes training takes on its device."""
    n, count = problem.n_spots, len(problem.features)
    own = [problem.spatial.nnz + graph.nnz + 2 * n for graph in problem.feature_graphs]
    aligned = n * config.align_neighbors * count * (count - 1) if config.align else 0
    # index, values, gradients and temporaries of an edge; activations of a spot
    per_edge, per_activation = 64, 4
    activations = n * config.embedding_dim * count * (12 + 2 * max(config.diffusion_steps))
    return per_edge * (2 * sum(own) + 2 * aligned) + per_activation * activations


def _untrained(problem: Problem, config: Config, device: torch.device) -> Trained:
    start = start_embedding(
        problem.features,
        problem.weighted,
        problem.feature_graphs,
        problem.weights,
        problem.gate_ends,
        config,
        device,
        problem.portion,
    )
    return Trained(
        embedding=start.z.float().cpu().numpy(),
        modality_shares=start.shares.float().cpu().numpy(),
        graph_weights=start.graph_weights.numpy(),
        stopped="",
        restored=False,
        alignment_search="none",
    )


class _Training:
    """The state of one run."""

    def __init__(self, problem: Problem, config: Config, device: torch.device) -> None:
        self.config = config
        self.device = device
        self.portion = problem.portion
        self.n_spots = problem.n_spots
        # Drawn on the CPU on every device, so that the same seed hides the same spots.
        self.generator = torch.Generator().manual_seed(config.seed)
        self.features = [torch.from_numpy(f).to(device) for f in problem.features]
        graphs = FusedGraphs(
            problem.spatial,
            problem.weighted,
            problem.feature_graphs,
            problem.weights,
            config.ema_decay,
            problem.portion,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.network = TRSMI(self.features, graphs, problem.gate_ends, config)
        self.network.graphs.to_device(device)
        self.network.to(device)
        exact = problem.n_spots <= EXACT_ALIGNMENT_LIMIT
        # too many pairs: all graphs' neighbours, and the spot itself
        self.candidates = None if exact else graphs.pattern.to(device)
        self.reconstruction_weights = _per_modality(config, len(self.features))
        self.prototypes: Prototypes | None = None
        self.network.start_alignment(self.features)
        self._search_alignment()
        if config.start == "informed":
            self.network.start_from_data(self.features)

    @cached_property
    def optimizer(self) -> torch.optim.Optimizer:
        """Made for the first step: importing PyTorch's compiler with it takes a second or two."""
        with no_collection():
            return _optimizer(self.network, self.config)

    def run(
        self, stop: StopToken | None, checkpoint: Checkpoint | None
    ) -> Generator[EpochReport, None, Trained]:
        stop, checkpoint = stop or StopToken(), checkpoint or Checkpoint()
        epochs = self.config.epochs
        best: dict[str, Tensor] = {}
        best_loss = math.inf
        stopped, diverged = "", ""
        reports: list[EpochReport] = []
        if (kept := states.read_epochs(checkpoint, self.portion)) is not None:
            best, best_loss = self._go_on(kept)
            reports = states.reports_of(kept)
            yield from reports
        for epoch in range(len(reports) + 1, epochs + 1):
            if self.portion.largest(stop.stopped):  # none goes on alone
                stopped = f"stopped by the user after {epoch - 1} of {epochs} epochs"
                break
            started = time.perf_counter()
            before = {name: value.clone() for name, value in self.network.state_dict().items()}
            progress = (epoch - 1) / max(epochs - 1, 1)
            loss, terms = self._step(epoch, progress)
            if not math.isfinite(loss):
                if not best:
                    raise TrainingError(
                        f"The loss is {loss} at the first epoch. Look for extreme values in the "
                        f"input, or lower learning_rate (now {self.config.learning_rate})."
                    )
                diverged = f"the loss became {loss} at epoch {epoch} of {epochs}"
                break
            if loss < best_loss:
                best, best_loss = before, loss
            report = EpochReport(
                epoch=epoch,
                epochs=epochs,
                loss=loss,
                losses=terms,
                beta=self.network.beta(progress),
                seconds=time.perf_counter() - started,
                memory=memory_in_use(self.device),
            )
            reports.append(report)
            # the next epoch begins with a search, so that what was found in the last one can go
            if checkpoint.is_kept and epoch % self.config.align_refresh == 0:
                states.keep_epochs(checkpoint, self.portion, self._state(best, best_loss, reports))
            yield report
        embedding = self._embedding()
        lost = self.portion.largest(not embedding.z.isfinite().all())
        if not diverged and best and lost:
            diverged = "the embedding became non-finite in the last epoch"  # no loss tells of it
        if diverged:
            self.network.load_state_dict(best)
            self._search_alignment()
            embedding = self._embedding()
            restored = f"the state with the lowest loss ({best_loss:.4g}) was restored"
            stopped = "; ".join(filter(None, (stopped, diverged, restored)))
        return self._trained(embedding, stopped, restored=bool(diverged))

    def _state(self, best: dict[str, Tensor], best_loss: float, reports: list[EpochReport]) -> Kept:
        modules: dict[str, torch.nn.Module] = {"network": self.network}
        if self.prototypes is not None:
            modules["prototypes"] = self.prototypes
        return states.state_of(modules, self.optimizer, self.generator, best, best_loss, reports)

    def _go_on(self, kept: Kept) -> tuple[dict[str, Tensor], float]:
        self.prototypes = states.prototypes_of(
            kept, self.config.prototype_temperature, self.portion
        )
        if self.prototypes is not None:
            self.prototypes.to(self.device)
            self.optimizer.add_param_group({"params": list(self.prototypes.parameters())})
        found = states.restore(kept, self.network, self.optimizer, self.generator)
        self._search_alignment()
        return found

    def _step(self, epoch: int, progress: float) -> tuple[float, dict[str, float]]:
        """One optimiser step; returns the objective and its terms."""
        config = self.config
        if epoch > 1 and (epoch - 1) % config.align_refresh == 0:
            self._search_alignment()
        self._seed_prototypes(epoch)
        hidden = self._hide_spots()
        seen = self.features
        if hidden is not None:
            own = self._own(hidden)
            seen = [f.index_fill(0, own, 0.0) for f in self.features]
        embedding = self.network(
            seen, progress=progress, detach_cross=epoch <= config.align_warmup * config.epochs
        )
        terms = {
            "reconstruction": self._reconstruction(self.network.decode(embedding), hidden),
            "graph": self.network.graphs.regularizer(),
        }
        weights = {"reconstruction": 1.0, "graph": config.graph_weight}
        if self.prototypes is not None:
            terms["prototypes"] = self.prototypes(embedding.z)
            weights["prototypes"] = config.prototype_weight
        loss = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
        told = self.portion.sum(torch.stack([loss, *terms.values()]).detach())
        if torch.isfinite(told[0]):
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.network.graphs.share_gradients(self._parameters())
            self.optimizer.step()
            self.network.graphs.update_means()
        total, *parts = told.tolist()
        return total, dict(zip(terms, parts, strict=True))

    def _parameters(self) -> list[torch.nn.Parameter]:
        modules = [self.network, *([self.prototypes] if self.prototypes is not None else [])]
        return [parameter for module in modules for parameter in module.parameters()]

    def _own(self, spots: Tensor) -> Tensor:
        """Row numbers of those that this process has."""
        return torch.from_numpy(self.portion.own(spots.numpy())).to(self.device)

    def _reconstruction(self, decoded: list[Tensor], hidden: Tensor | None) -> Tensor:
        """L_rec = (1/M) Σ_m w^m mean square of F^m - F̂^m, over the hidden spots if any.

        Of several processes, this one's part of the sum.
        """
        errors = []
        n = self.n_spots if hidden is None else len(hidden)
        for weight, target, output in zip(
            self.reconstruction_weights, self.features, decoded, strict=True
        ):
            difference = target - output
            if hidden is not None:
                difference = difference.index_select(0, self._own(hidden))
            errors.append(weight * difference.square().sum() / (n * target.shape[1]))
        return torch.stack(errors).mean()

    def _hide_spots(self) -> Tensor | None:
        if not self.config.mask_fraction:
            return None
        count = max(1, round(self.config.mask_fraction * self.n_spots))
        return torch.randperm(self.n_spots, generator=self.generator)[:count].sort().values

    def _search_alignment(self) -> None:
        self.network.search_alignment(self.features, self.config.align_neighbors, self.candidates)

    def _seed_prototypes(self, epoch: int) -> None:
        config = self.config
        first = math.floor(config.prototype_start * config.epochs) + 1
        if not config.prototype_weight or epoch < first:
            return
        if (epoch - first) % config.prototype_refresh:
            return
        z = self.portion.all_rows(self._embedding().z)
        if not z.isfinite().all():
            return  # so is the loss, which ends training
        points = torch.nn.functional.normalize(z, dim=1).cpu().numpy()
        labels = split_and_merge(points, n_clusters=config.n_prototypes, seed=config.seed)
        labels = self.portion.ranks.of_first(labels)
        centers = np.stack([points[labels == k].mean(axis=0) for k in np.unique(labels)])
        self.prototypes = Prototypes(
            torch.from_numpy(centers),
            temperature=config.prototype_temperature,
            portion=self.portion,
        ).to(self.device)
        # re-seeded prototypes take the place of the old ones in the optimiser
        for group in self.optimizer.param_groups[1:]:
            for gone in group["params"]:
                self.optimizer.state.pop(gone, None)
        del self.optimizer.param_groups[1:]
        self.optimizer.add_param_group({"params": list(self.prototypes.parameters())})

    @torch.no_grad()
    def _embedding(self) -> Embedding:
        embedding: Embedding = self.network(self.features, progress=1.0)
        return embedding

    @torch.no_grad()
    def _trained(self, embedding: Embedding, stopped: str, *, restored: bool) -> Trained:
        search = "exact" if self.candidates is None else "candidates"
        return Trained(
            embedding=embedding.z.float().cpu().numpy(),
            modality_shares=self.network.fusion.shares(embedding.parts).float().cpu().numpy(),
            graph_weights=self.network.graphs.weights.float().cpu().numpy(),
            stopped=stopped,
            restored=restored,
            alignment_search="none" if self.network.alignment is None else search,
        )


def _per_modality(config: Config, count: int) -> tuple[float, ...]:
    weights = config.reconstruction_weights
    if len(weights) == 1:
        return weights * count
    if len(weights) != count:
        raise ConfigError(
            f"reconstruction_weights has {len(weights)} values for {count} modalities. "
            "Give one value for all, or one for each in order."
        )
    return weights


def _optimizer(network: TRSMI, config: Config) -> torch.optim.Optimizer:
    parameters = list(network.parameters())
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=config.learning_rate,
            momentum=_MOMENTUM,
            weight_decay=config.weight_decay,
        )
    return torch.optim.Adam(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
