"""PRAGA from its paper, with its learned graph dense: own code, as no package of it exists.

PRAGA (Huang et al., AAAI 2025, doi 10.1609/aaai.v39i1.32010) learns N x N feature graphs

    Â^m = w_S A_S + w_F norm(ReLU(A_F^m)),  Z^m = Â^m F^m W_e^m,  Z = Linear(Z^1 ‖ … ‖ Z^M),
    F̂^m = A_S Z W_d^m,  L = Σ_m w^m ‖F^m - F̂^m‖² + L_graph + L_clust,

with L_graph = Σ_m ‖A_F^m - EMA(A_F^m)‖² and the loss of dynamic prototypes. Every entry of A_F^m is
a parameter: five matrices of N² for each modality (values, gradient, momentum, running mean,
normalised) are what it costs.

Settled here: edges start at 1, not at a distance (which starts the most similar spots near 0);
losses are means; prototypes start after half of the epochs. Their number comes from scikit-learn's
Dirichlet process mixture, where PRAGA splits and merges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.mixture import BayesianGaussianMixture
from torch import Tensor, nn
from torch.nn import functional

from trsmi_benchmark.blocks import feature_graph, neighbor_graph
from trsmi_benchmark.exchange import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trsmi_benchmark.exchange import Inputs

_SPATIAL_NEIGHBORS, _FEATURE_NEIGHBORS = 10, 20
_EMA_DECAY = 0.9
_MOMENTUM, _WEIGHT_DECAY = 0.9, 5e-2
_PROTOTYPE_TEMPERATURE = 2.0
_PROTOTYPE_REFRESH = 50
_MOST_PROTOTYPES = 30


class PRAGA(nn.Module):
    """The network.

    Parameters
    ----------
    features
        F^m, each (n_spots, n_components_m).
    spatial
        A_S, normalised, sparse, (n_spots, n_spots).
    feature_graphs
        Start of A_F^m, dense 0/1, (n_spots, n_spots).
    dimensions
        Of Z.
    """

    def __init__(
        self,
        features: Sequence[Tensor],
        spatial: Tensor,
        feature_graphs: Sequence[Tensor],
        dimensions: int,
    ) -> None:
        super().__init__()
        self.features = tuple(features)
        self.spatial = spatial
        self.graphs = nn.ParameterList(nn.Parameter(graph) for graph in feature_graphs)
        self.means = [graph.clone() for graph in feature_graphs]
        self.shares = nn.Parameter(torch.full((len(self.features), 2), 0.5))
        sizes = [f.shape[1] for f in self.features]
        self.encoders = nn.ModuleList(nn.Linear(s, dimensions, bias=False) for s in sizes)
        self.fusion = nn.Linear(len(sizes) * dimensions, dimensions)
        self.decoders = nn.ModuleList(nn.Linear(dimensions, s, bias=False) for s in sizes)

    def forward(self) -> Tensor:
        """Z, shape (n_spots, d)."""
        encoded = []
        for x, encoder, graph, share in zip(
            self.features, self.encoders, self.graphs, self.shares, strict=True
        ):
            h = encoder(x)
            encoded.append(share[0] * (self.spatial @ h) + share[1] * (_normalized(graph) @ h))
        fused: Tensor = self.fusion(torch.cat(encoded, dim=1))
        return fused

    def loss(self, z: Tensor) -> Tensor:
        """L_rec + L_graph."""
        smooth = self.spatial @ z
        terms = [
            functional.mse_loss(decoder(smooth), x)
            for x, decoder in zip(self.features, self.decoders, strict=True)
        ]
        terms += [
            functional.mse_loss(graph, mean)
            for graph, mean in zip(self.graphs, self.means, strict=True)
        ]
        return torch.stack(terms).sum()

    @torch.no_grad()
    def update_means(self) -> None:
        """Move the running means of the graphs."""
        for mean, graph in zip(self.means, self.graphs, strict=True):
            mean.lerp_(graph, 1 - _EMA_DECAY)


def run(inputs: Inputs, *, epochs: int = 200) -> Output:
    """Train on all spots at once.

    Parameters
    ----------
    inputs
        What every method gets.
    epochs
        How long.
    """
    torch.manual_seed(inputs.seed)
    features = [torch.from_numpy(_scaled(f)) for f in inputs.features]
    three = len(features) > 2
    spatial = neighbor_graph(inputs.coordinates, _SPATIAL_NEIGHBORS)
    graphs = [
        torch.from_numpy(feature_graph(f, _FEATURE_NEIGHBORS).toarray().astype(np.float32))
        for f in inputs.features
    ]
    network = PRAGA(features, _sparse_normalized(spatial), graphs, 128 if three else 64)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=0.001 if three else 0.01,
        momentum=_MOMENTUM,
        weight_decay=_WEIGHT_DECAY,
    )
    prototypes: Prototypes | None = None
    for epoch in range(epochs):
        z = network()
        since = epoch - epochs // 2
        if since >= 0 and since % _PROTOTYPE_REFRESH == 0:
            prototypes = _seeded(z.detach(), inputs.seed)
            del optimizer.param_groups[1:]
            optimizer.add_param_group({"params": list(prototypes.parameters())})
        loss = network.loss(z)
        if prototypes is not None:
            loss = loss + prototypes(z)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        network.update_means()
        print(f"epoch {epoch + 1} of {epochs}", flush=True)  # a run may meet its limit
    with torch.no_grad():
        return Output(network().numpy())


class Prototypes(nn.Module):
    """Unit vectors c_k, and L_clust: spots are drawn to the nearest and away from the others.

    Parameters
    ----------
    centers
        Start of the prototypes, shape (K, d).
    """

    def __init__(self, centers: Tensor) -> None:
        super().__init__()
        self.centers = nn.Parameter(centers)

    def forward(self, z: Tensor) -> Tensor:
        """The mean over prototypes of -log of inside over everywhere; `z` has shape (n, d)."""
        cosines = functional.normalize(z, dim=1) @ functional.normalize(self.centers, dim=1).T
        near = (cosines / _PROTOTYPE_TEMPERATURE).exp()
        nearest = cosines.argmax(dim=1)
        kept = torch.unique(nearest)
        inside = [near[nearest == k, k].mean() for k in kept]
        return (near.mean(dim=0)[kept].log() - torch.stack(inside).log()).mean()


def _seeded(z: Tensor, seed: int) -> Prototypes:
    """A centre for each component that the mixture keeps."""
    points = functional.normalize(z, dim=1).double().numpy()
    mixture = BayesianGaussianMixture(
        n_components=min(_MOST_PROTOTYPES, len(points) // 2),
        covariance_type="diag",
        weight_concentration_prior=1e-3,
        random_state=seed,
    )
    labels = mixture.fit_predict(points)
    centers = np.stack([points[labels == k].mean(axis=0) for k in np.unique(labels)])
    return Prototypes(torch.from_numpy(centers.astype(np.float32)))


def _scaled(features: np.ndarray) -> np.ndarray:
    centred = features - features.mean(axis=0)
    scaled: np.ndarray = centred / max(float(np.sqrt(np.mean(centred**2))), 1e-12)
    return scaled.astype(np.float32)


def _normalized(graph: Tensor) -> Tensor:
    """D^{-1/2} (ReLU(A) + 1) D^{-1/2}, dense, with a self loop on every spot."""
    positive = functional.relu(graph) + torch.eye(len(graph))
    scale = positive.sum(dim=1).rsqrt()
    return scale[:, None] * positive * scale


def _sparse_normalized(graph: sp.csr_array) -> Tensor:
    looped = sp.csr_array(graph + sp.eye_array(graph.shape[0]))
    scale = 1 / np.sqrt(np.asarray(looped.sum(axis=1)).ravel())
    pairs = looped.tocoo()
    values = pairs.data * scale[pairs.row] * scale[pairs.col]
    index = np.stack([pairs.row, pairs.col])
    tensor = torch.sparse_coo_tensor(
        torch.from_numpy(index.astype(np.int64)),
        torch.from_numpy(values.astype(np.float32)),
        size=pairs.shape,
        check_invariants=False,
    )
    return tensor.coalesce()
