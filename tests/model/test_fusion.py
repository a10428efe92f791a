import pytest
import torch
from sklearn.decomposition import PCA

from napari_trsmi.model.fusion import Fusion


@pytest.fixture
def parts(random_matrix):
    return [random_matrix(30, 4, seed=m) * (m + 1) + m for m in range(3)]


def test_it_starts_as_the_mean(parts):
    fused = Fusion(3, 4, hidden=True).double()(parts)
    torch.testing.assert_close(fused, torch.stack(parts).mean(dim=0))


def test_started_from_data_it_keeps_as_much_as_principal_components_do(parts):
    fusion = Fusion(3, 4, hidden=True).double()
    fusion.start_from(parts)
    stacked = torch.cat(parts, dim=1)
    stacked = stacked - stacked.mean(dim=0)
    lost = stacked - stacked @ fusion.skip @ fusion.skip.T
    pca = PCA(4).fit(stacked.numpy())
    kept = pca.inverse_transform(pca.transform(stacked.numpy()))
    expected = ((stacked - torch.from_numpy(kept)) ** 2).sum()
    torch.testing.assert_close((lost**2).sum(), expected, rtol=1e-6, atol=0)


def test_the_starts_signs_do_not_depend_on_the_eigenvectors(parts, monkeypatch):
    fusion, flipped = (Fusion(3, 4, hidden=False).double() for _ in range(2))
    fusion.start_from(parts)
    eigh = torch.linalg.eigh

    def other_signs(matrix):
        values, vectors = eigh(matrix)
        return values, -vectors

    monkeypatch.setattr(torch.linalg, "eigh", other_signs)
    flipped.start_from(parts)
    torch.testing.assert_close(fusion.skip, flipped.skip)


def test_the_mlp_adds_to_the_linear_map(parts):
    fusion = Fusion(3, 4, hidden=True).double()
    stacked = torch.cat(parts, dim=1)
    torch.nn.init.normal_(fusion.mlp[-1].weight)
    torch.testing.assert_close(fusion(parts), stacked @ fusion.skip + fusion.mlp(stacked))


def test_shares_are_the_norms_of_each_modalitys_part(parts):
    fusion = Fusion(3, 4, hidden=False).double()
    fusion.start_from(parts)
    blocks = fusion.skip.detach().chunk(3)
    norms = torch.stack(
        [
            torch.linalg.norm((z - z.mean(dim=0)) @ block, dim=1)
            for z, block in zip(parts, blocks, strict=True)
        ],
        dim=1,
    )
    shares = fusion.shares(parts)
    torch.testing.assert_close(shares, norms / norms.sum(dim=1, keepdim=True))
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(30, dtype=torch.float64))


def test_a_single_modality_has_all_of_the_share(parts):
    shares = Fusion(1, 4, hidden=False).double().shares(parts[:1])
    torch.testing.assert_close(shares, torch.ones(30, 1, dtype=torch.float64))
