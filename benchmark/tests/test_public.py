"""Sections of a public record, as their files lie in the cache folder."""

from __future__ import annotations

import numpy as np
import pytest

from napari_trsmi import public_data, simulate
from napari_trsmi.errors import InputError
from trsmi_benchmark.data.sections import CASES


@pytest.fixture(scope="module")
def section():
    return simulate("published", n_spots=120, seed=0, image=False)


def _labels(section):
    return np.arange(section.n_spots) % 4


def test_a_public_section_with_its_labels(section, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    case = CASES["public_lymph_node"]
    assert "--download gets it" in case.missing()
    folder = public_data.folder_of("praga") / "Data" / "HLN"
    folder.mkdir(parents=True)
    for modality, name in zip(section.modalities[:2], ("RNA", "ADT"), strict=True):
        table = modality.table.copy()
        table.obsm["spatial"] = section.coordinates
        table.write_h5ad(folder / f"adata_{name}.h5ad")
    (folder / "GT_labels.txt").write_text("\n".join(map(str, _labels(section))) + "\n")
    assert case.missing() == ""
    loaded = case.load()
    assert loaded.data.names == ("rna", "adt")
    assert loaded.n_domains == 4
    expected = dict(zip(section.spots, _labels(section).astype(str), strict=True))
    found = loaded.labels.astype(str).to_dict()
    assert found == {name: expected[name] for name in loaded.data.spots}


def test_labels_of_the_spots_with_enough_genes(section, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = public_data.folder_of("praga") / "Data" / "Mouse_Brain"
    folder.mkdir(parents=True)
    rna, atac = (modality.table.copy() for modality in section.modalities[:2])
    rna.obsm["spatial"] = section.coordinates
    few = rna.X.toarray()
    few[0] = 0
    rna.X = few
    rna.write_h5ad(folder / "adata_RNA.h5ad")
    rng = np.random.default_rng(0)
    atac.obsm["X_lsi"] = rng.normal(size=(section.n_spots, 5))
    atac.write_h5ad(folder / "adata_peaks_normalized.h5ad")
    labels = folder.parent / "MB_cluster.txt"
    case = CASES["public_mouse_brain"]
    enough = int(np.sum((few > 0).sum(axis=1) >= case.public.min_genes))
    assert 0 < enough < section.n_spots

    labels.write_text("\n".join(str(i % 3) for i in range(enough)))
    loaded = case.load()
    assert loaded.data.n_spots == enough
    assert section.spots[0] not in loaded.data.spots
    assert [block.name for block in loaded.inputs.blocks] == ["rna", "atac"]
    labels.write_text("\n".join(str(i % 3) for i in range(enough - 1)))
    with pytest.raises(InputError, match=rf"has {enough - 1} labels for {enough} spots"):
        case.load()


def test_a_file_that_is_gone_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"has no HLN/adata_RNA\.h5ad\. Download it again"):
        CASES["public_lymph_node"].load()
