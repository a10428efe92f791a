"""The whole network and its gradients against dense matrices in float64."""

import math

import pytest
import torch
from torch.nn.functional import gelu, normalize

from napari_trsmi.config import Config
from napari_trsmi.model.network import TRSMI

N, D, K = 12, 4, 5
WIDTHS = (6, 3, 5)
ENDS = (0.2, 0.7, 0.0)
OFF = {"rpr": False, "align": False, "multiscale": False, "gate": False}


@pytest.fixture
def features(random_matrix):
    return [random_matrix(N, width, seed=20 + m) for m, width in enumerate(WIDTHS)]


@pytest.fixture
def make_network(make_graphs, features, random_matrix):
    """Make a network of M modalities in which every parameter is random."""

    def make(n_modalities, **parameters):
        config = Config(
            embedding_dim=D,
            diffusion_steps=(3, 1),
            teleports=(0.3, 0.2),
            align_temperature=0.4,
            **parameters,
        )
        seen = features[:n_modalities]
        network = TRSMI(
            [f.float() for f in seen], make_graphs(n_modalities), ENDS[:n_modalities], config
        ).double()
        for seed, (name, parameter) in enumerate(network.named_parameters()):
            if not name.startswith("graphs."):
                parameter.data = random_matrix(*parameter.shape, seed=seed) / 2
        network.search_alignment(seen, K, None)
        return network, config, seen

    return make


class Dense:
    """The published equations on dense matrices, with copies of a network's parameters."""

    def __init__(self, network, config, adjacency, weighted):
        self.p = {k: v.detach().clone().requires_grad_() for k, v in network.named_parameters()}
        self.config = config
        self.count = network.n_modalities
        self.space = self.normalized(self.dense(adjacency(0)))
        self.weighted = self.normalized(self.dense(weighted(0)))
        self.edges = [self.dense(adjacency(m + 1)) for m in range(self.count)]

    @staticmethod
    def dense(graph):
        return torch.from_numpy(graph.toarray()).double()

    @staticmethod
    def normalized(weights):
        weights = weights + torch.eye(N)
        scale = weights.sum(dim=1).rsqrt()
        return scale[:, None] * weights * scale

    def own_graphs(self):
        own = []
        for m, mask in enumerate(self.edges):
            upper = torch.zeros(N, N, dtype=torch.float64)
            upper = upper.index_put(
                mask.triu(1).nonzero(as_tuple=True), self.p[f"graphs.learned.{m}.weight"].relu()
            )
            w = (1 + self.p["graphs.raw_weights"][m].exp()).log()
            own.append(w[0] * self.weighted + w[1] * self.normalized(upper + upper.T))
        return own

    def encode(self, m, features, graph):
        p, name = self.p, f"encoders.{m}"
        hidden = features @ p[f"{name}.projection"]
        if not self.config.rpr:
            return graph @ hidden
        delta = hidden @ p[f"{name}.delta.weight"].T + p[f"{name}.delta.bias"]
        hidden = hidden + p[f"{name}.gate"] * delta
        if not self.config.encoder_normalize:
            return graph @ hidden
        return normalize(graph @ normalize(hidden, dim=1), dim=1)

    def align(self, parts):
        p = self.p
        aligned = []
        for m in range(self.count):
            received = 0
            for n in set(range(self.count)) - {m}:
                query = normalize(parts[m] @ p[f"alignment.query.{m}"], dim=1)
                key = normalize(parts[n] @ p[f"alignment.key.{n}"], dim=1)
                logits = query @ key.T / self.config.align_temperature
                kept = torch.zeros(N, N).scatter(1, logits.topk(K, dim=1).indices, 1).bool()
                similarity = logits.masked_fill(~kept, -torch.inf).softmax(dim=1)
                received = received + similarity @ parts[n] / (self.count - 1)
            aligned.append(torch.cat([parts[m], received], dim=1) @ p[f"alignment.mix.{m}"])
        return aligned

    def diffuse(self, m, z, own, mean, progress):
        p, config = self.p, self.config
        neighborhood = torch.cat([z, own @ z], dim=1) @ p[f"refinements.{m}.graph"]
        gate = p[f"refinements.{m}.raw_gate"].sigmoid()
        local = z @ p[f"refinements.{m}.base"] + gate * neighborhood
        scales = list(zip(config.diffusion_steps, config.teleports, strict=True))
        diffused = p[f"diffusions.{m}.bias"]
        for s, (steps, teleport) in enumerate(scales if config.multiscale else scales[:1]):
            hidden = local
            for _ in range(steps):
                hidden = (1 - teleport) * mean @ hidden + teleport * local
            diffused = diffused + hidden @ p[f"diffusions.{m}.weight"][s]
        beta = p[f"gates.{m}.logit"].sigmoid()
        if config.gate:
            beta = beta * (ENDS[m] + (1 - ENDS[m]) * (1 + math.cos(math.pi * progress)) / 2)
        return (1 - beta) * local + beta * diffused

    def __call__(self, features, progress):
        """Z and the reconstructed features."""
        p, config = self.p, self.config
        own = self.own_graphs()
        mean = torch.stack(own).mean(dim=0)
        scale = mean.sum(dim=1).rsqrt()
        mean = scale[:, None] * mean * scale
        parts = [self.encode(m, f, own[m]) for m, f in enumerate(features)]
        if config.align and self.count > 1:
            parts = self.align(parts)
        if config.multiscale or config.gate:
            parts = [self.diffuse(m, z, own[m], mean, progress) for m, z in enumerate(parts)]
        stacked = torch.cat(parts, dim=1)
        z = stacked @ p["fusion.skip"]
        if any(config.switches.values()):
            hidden = gelu(stacked @ p["fusion.mlp.0.weight"].T + p["fusion.mlp.0.bias"])
            z = z + hidden @ p["fusion.mlp.2.weight"].T + p["fusion.mlp.2.bias"]
        over = [self.space] * self.count if config.decoder_graph == "spatial" else own
        return z, [graph @ z @ p[f"decoders.{m}.weight"] for m, graph in enumerate(over)]


CASES = {
    "one modality": (1, {}),
    "two modalities": (2, {}),
    "three modalities": (3, {}),
    "none of the components": (2, OFF),
    "RPR": (2, OFF | {"rpr": True}),
    "RPR with scaled rows": (2, OFF | {"rpr": True, "encoder_normalize": True}),
    "alignment": (2, OFF | {"align": True}),
    "multi-scale diffusion": (2, OFF | {"multiscale": True}),
    "scheduled gate": (2, OFF | {"gate": True}),
    "decoding over the fused graphs": (2, {"decoder_graph": "fused"}),
}


@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_equal_the_dense_network(make_network, adjacency, weighted, case):
    n_modalities, parameters = CASES[case]
    network, config, features = make_network(n_modalities, **parameters)
    reference = Dense(network, config, adjacency, weighted)
    embedding = network(features, progress=0.4)
    decoded = network.decode(embedding)
    z, reconstructed = reference(features, 0.4)
    torch.testing.assert_close(embedding.z, z)
    for mine, theirs in zip(decoded, reconstructed, strict=True):
        torch.testing.assert_close(mine, theirs)
    for outputs in (decoded, reconstructed):
        losses = [(f - x).square().mean() for f, x in zip(features, outputs, strict=True)]
        torch.stack(losses).mean().backward()
    for name, parameter in network.named_parameters():
        expected = reference.p[name].grad
        assert expected.any(), f"{name} has no part in the reference"
        torch.testing.assert_close(parameter.grad, expected, msg=lambda m, n=name: f"{n}: {m}")


def test_only_the_components_that_are_on_have_parameters(make_network):
    network, _, _ = make_network(2, **OFF)
    kinds = {name.split(".")[0] for name, _ in network.named_parameters()}
    assert kinds == {"graphs", "encoders", "fusion", "decoders"}
    assert network.beta(0.0) == 0


def test_beta_is_the_mean_of_the_gates(make_network):
    network, _, _ = make_network(2)
    betas = [gate.beta(0.3).item() for gate in network.gates]
    assert network.beta(0.3) == pytest.approx(sum(betas) / 2)


def test_warm_up_changes_gradients_and_not_values(make_network):
    network, _, features = make_network(2)
    gradients = []
    for detach in (False, True):
        network.zero_grad()
        z = network(features, progress=0.4, detach_cross=detach).z
        z.square().sum().backward()
        gradients.append((z.detach(), network.encoders[0].projection.grad.clone()))
    torch.testing.assert_close(gradients[0][0], gradients[1][0])
    assert not torch.allclose(gradients[0][1], gradients[1][1])


def test_starting_from_data_lowers_the_reconstruction_error(make_graphs, features):
    seen = [f.float() for f in features]
    graphs = make_graphs(3).float()
    network = TRSMI(seen, graphs, ENDS[: len(seen)], Config(embedding_dim=D))
    network.start_alignment(seen)
    network.search_alignment(seen, K, None)

    def error():
        with torch.no_grad():
            decoded = network.decode(network(seen, progress=1.0))
        return sum((f - x).square().mean() for f, x in zip(seen, decoded, strict=True))

    before = error()
    network.start_from_data(seen)
    assert error() < 0.8 * before


@pytest.mark.parametrize("dim", [4, 6, 9])
def test_the_encoder_starts_near_the_identity(make_graphs, features, dim):
    """The features' principal axes, or the features themselves where there is room."""
    f = features[0].float()
    network = TRSMI([f], make_graphs(1), ENDS[:1], Config(embedding_dim=dim))
    projected = f @ network.encoders[0].projection
    if dim >= f.shape[1]:
        assert torch.equal(projected[:, : f.shape[1]], f)
    else:
        kept = projected.square().sum()
        best = torch.linalg.svdvals(f)[:dim].square().sum()
        torch.testing.assert_close(kept, best)
