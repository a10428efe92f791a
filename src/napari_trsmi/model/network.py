"""TRSMI: the whole network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from napari_trsmi.model.alignment import CrossGraphAlignment
from napari_trsmi.model.decoder import GraphDecoder
from napari_trsmi.model.diffusion import MultiScaleAPPNP
from napari_trsmi.model.encoder import Encoder, start_projection
from napari_trsmi.model.fusion import Fusion
from napari_trsmi.model.gate import ScheduledGate
from napari_trsmi.model.refinement import LocalRefinement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_trsmi.config import Config
    from napari_trsmi.graphs.pattern import Pattern
    from napari_trsmi.model.fused_graph import FusedGraphs, WeightedGraph


@dataclass(frozen=True, eq=False)
class Embedding:
    """One forward pass.

    Attributes
    ----------
    z
        Z, shape (n, d).
    parts
        Z_*^m before fusion, each (n, d).
    own
        The fused graphs Â^m of this pass.
    """

    z: Tensor
    parts: list[Tensor]
    own: list[WeightedGraph]


class TRSMI(nn.Module):
    """The network of TRSMI (ICASSP 2026), each of its four parts switchable.

    With all four off it is the PRAGA-like baseline: linear graph convolution, learned feature
    graphs, linear fusion.

    Parameters
    ----------
    features
        F^m, each (n, n_features_m); used for the starting values only.
    graphs
        The spatial and learned feature graphs.
    gate_ends
        Where each modality's gate ends, in [0, 1].
    config
        Sizes, switches and starting values.
    """

    def __init__(
        self,
        features: Sequence[Tensor],
        graphs: FusedGraphs,
        gate_ends: Sequence[float],
        config: Config,
    ) -> None:
        super().__init__()
        d = config.embedding_dim
        count = len(features)
        portion = graphs.pattern.portion
        self.graphs = graphs
        self.n_modalities = count
        self.encoders = nn.ModuleList(
            Encoder(
                start_projection(f, d, portion),
                residual=config.rpr,
                residual_gate=config.residual_gate,
                normalize=config.encoder_normalize,
            )
            for f in features
        )
        self.alignment: CrossGraphAlignment | None = None
        if config.align and count > 1:
            self.alignment = CrossGraphAlignment(
                count, d, temperature=config.align_temperature, portion=portion
            )
        self.refinements: nn.ModuleList | None = None
        if config.multiscale or config.gate:
            steps, teleports = config.diffusion
            self.refinements = nn.ModuleList(
                LocalRefinement(d, local_gate=config.local_gate) for _ in features
            )
            self.diffusions = nn.ModuleList(
                MultiScaleAPPNP(d, steps=steps, teleports=teleports) for _ in features
            )
            self.gates = nn.ModuleList(
                ScheduledGate(logit=config.gate_logit, end=end, scheduled=config.gate)
                for end in gate_ends
            )
        self.fusion = Fusion(count, d, hidden=any(config.switches.values()), portion=portion)
        self.decoders = nn.ModuleList(GraphDecoder(d, f.shape[1]) for f in features)
        self.decodes_over_space = config.decoder_graph == "spatial"

    @torch.no_grad()
    def start_from_data(self, features: Sequence[Tensor]) -> None:
        """Start fusion and decoders in closed form, so that training starts near an optimum."""
        embedding = self(features, progress=1.0)
        self.fusion.start_from(embedding.parts)
        z = self.fusion(embedding.parts)
        for m, decoder in enumerate(self.decoders):
            graph = self._decoder_graph(embedding, m)
            cast("GraphDecoder", decoder).start_from(
                z, features[m], graph, self.graphs.pattern.portion
            )

    @torch.no_grad()
    def start_alignment(self, features: Sequence[Tensor]) -> None:
        """Rotate the alignment's queries and keys onto the modalities' common axes."""
        if self.alignment is not None:
            self.alignment.start_from(self._encode(features, self.graphs()[0]))

    @torch.no_grad()
    def search_alignment(
        self, features: Sequence[Tensor], k: int, candidates: Pattern | None
    ) -> None:
        """Renew the alignment's kept entries from the current embeddings."""
        if self.alignment is not None:
            self.alignment.search(self._encode(features, self.graphs()[0]), k, candidates)

    def _encode(self, features: Sequence[Tensor], own: Sequence[WeightedGraph]) -> list[Tensor]:
        return [
            encoder(f, graph)
            for encoder, f, graph in zip(self.encoders, features, own, strict=True)
        ]

    def forward(
        self, features: Sequence[Tensor], *, progress: float, detach_cross: bool = False
    ) -> Embedding:
        """Embed the spots.

        Parameters
        ----------
        features
            F^m, each (n, n_features_m), possibly with hidden rows.
        progress
            Fraction of training done, in [0, 1]; sets the gates.
        detach_cross
            Whether alignment's cross terms are constants (warm-up).
        """
        own, mean = self.graphs()
        parts = self._encode(features, own)
        if self.alignment is not None:
            parts = self.alignment(parts, detach=detach_cross)
        if self.refinements is not None:
            refined = []
            for m, part in enumerate(parts):
                local = self.refinements[m](part, own[m])
                diffused = self.diffusions[m](local, mean)
                refined.append(self.gates[m](local, diffused, progress))
            parts = refined
        return Embedding(self.fusion(parts), parts, own)

    def decode(self, embedding: Embedding) -> list[Tensor]:
        """F̂^m, each (n, n_features_m)."""
        return [
            decoder(embedding.z, self._decoder_graph(embedding, m))
            for m, decoder in enumerate(self.decoders)
        ]

    def beta(self, progress: float) -> float:
        """Mean of the gates' β_t over the modalities; 0 without a diffusion branch."""
        if self.refinements is None:
            return 0.0
        with torch.no_grad():
            betas = [cast("ScheduledGate", gate).beta(progress) for gate in self.gates]
            return float(torch.stack(betas).mean())

    def _decoder_graph(self, embedding: Embedding, m: int) -> WeightedGraph:
        return self.graphs.spatial if self.decodes_over_space else embedding.own[m]
