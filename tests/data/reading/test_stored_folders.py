"""Folders and 10x files that do not fit the memory give the section that they give read whole."""

import gzip

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp

from napari_trsmi import Config, integrate, load
from napari_trsmi.data import stored
from napari_trsmi.data.reading import memory, stored_tenx
from napari_trsmi.data.reading.paths import read_path
from napari_trsmi.data.reading.stored_tenx import opened_10x
from napari_trsmi.data.reading.tenx import read_10x
from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.errors import InputError

CONFIG = Config(n_domains=3, n_components=6, n_top_genes=60, all_scales=False)
N = 150


@pytest.fixture(scope="module")
def table():
    """Genes and proteins of one section, zeros among them."""
    section = simulate(
        n_spots=N,
        modalities=("rna", "protein"),
        n_features={"rna": 90, "protein": 16},
        image=False,
    )
    rna, protein = (modality.table for modality in section.modalities)
    made = rna.copy()
    counts = sp.hstack([sp.csr_matrix(rna.X), sp.csr_matrix(protein.X)], format="csr")
    kinds = ["Gene Expression"] * rna.n_vars + ["Antibody Capture"] * protein.n_vars
    names = [*rna.var_names, *protein.var_names]
    made = type(made)(
        counts, obs=made.obs[[]], var=pd.DataFrame({"feature_types": kinds}, index=names)
    )
    made.obsm["spatial"] = section.coordinates
    return made


def mtx(folder, table):
    folder.mkdir()
    with gzip.open(folder / "matrix.mtx.gz", "wb") as file:
        scipy.io.mmwrite(file, sp.csc_matrix(table.X.T.astype(int)), field="integer")
    types = table.var["feature_types"]
    features = [f"{name}\t{name}\t{kind}\n" for name, kind in types.items()]
    for name, lines in (
        ("features.tsv.gz", features),
        ("barcodes.tsv.gz", [f"{spot}\n" for spot in table.obs_names]),
    ):
        with gzip.open(folder / name, "wt") as file:
            file.writelines(lines)
    return folder


def positions(folder, table):
    spatial = folder / "spatial"
    spatial.mkdir(parents=True)
    rows = ["barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres"]
    for place, (spot, (x, y)) in enumerate(
        zip(table.obs_names, table.obsm["spatial"], strict=True)
    ):
        if place != 7:  # which has no place and is dropped
            rows.append(f"{spot},{int(place != 9)},{place},0,{100 * y},{100 * x}")
    (spatial / "tissue_positions.csv").write_text("\n".join(rows) + "\n")


@pytest.fixture
def section(request, table, write_10x, tmp_path):
    """A path to one form of the table, and what else is passed with it."""
    xy = pd.DataFrame(table.obsm["spatial"], index=table.obs_names, columns=["x", "y"])
    if request.param == "h5":
        return write_10x(tmp_path / "counts.h5", table), {"positions": xy}
    if request.param == "mtx":
        return mtx(tmp_path / "counts", table), {"positions": xy}
    if request.param == "space_ranger":
        positions(tmp_path / "outs", table)
        write_10x(tmp_path / "outs" / "filtered_feature_bc_matrix.h5", table)
        return tmp_path / "outs", {}
    if request.param == "space_ranger_mtx":
        positions(tmp_path / "outs", table)
        mtx(tmp_path / "outs" / "filtered_feature_bc_matrix", table)
        return tmp_path / "outs", {}
    if request.param == "visium_hd":
        for size in (2, 8):
            folder = tmp_path / "outs" / "binned_outputs" / f"square_{size:03d}um"
            positions(folder, table)
            write_10x(folder / "filtered_feature_bc_matrix.h5", table)
        return tmp_path / "outs", {"bin_size": 8}
    if request.param == "h5mu":
        from mudata import MuData

        kinds = table.var["feature_types"]
        whole = MuData(
            {
                "rna": table[:, kinds == "Gene Expression"].copy(),
                "protein": table[:, kinds == "Antibody Capture"].copy(),
            }
        )
        whole.obsm["spatial"] = table.obsm["spatial"]
        whole.write_h5mu(tmp_path / "section.h5mu")
        return tmp_path / "section.h5mu", {}
    return store(table, tmp_path / "section.zarr"), {}


def store(table, path):
    import geopandas as gpd
    from spatialdata import SpatialData
    from spatialdata.models import ShapesModel, TableModel

    middle = gpd.GeoDataFrame(
        {"radius": 5.0},
        geometry=gpd.points_from_xy(*(100 * table.obsm["spatial"]).T),
        index=np.arange(N),
    )
    table = table.copy()
    del table.obsm["spatial"]
    table.obs["region"] = pd.Categorical(["spots"] * N)
    table.obs["instance"] = np.arange(N)
    parsed = TableModel.parse(table, region="spots", region_key="region", instance_key="instance")
    SpatialData(shapes={"spots": ShapesModel.parse(middle)}, tables={"table": parsed}).write(path)
    return path


FORMS = ["h5", "mtx", "space_ranger", "space_ranger_mtx", "visium_hd", "h5mu", "spatialdata"]


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("section", FORMS, indirect=True)
def test_in_parts_as_whole(section, monkeypatch):
    path, given = section
    whole = load(path, **given)
    expected = integrate(whole, config=CONFIG)
    assert all(modality.stored is None for modality in whole.modalities)
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    for module in (stored, stored_tenx):
        monkeypatch.setattr(module, "CHUNK_ROWS", 32)
    monkeypatch.setattr(stored_tenx, "AT_ONCE", 100)
    in_parts = load(path, **given)
    assert all(modality.stored is not None for modality in in_parts.modalities)
    assert any("stays on the disk" in note for note in in_parts.notes)
    assert in_parts.names == whole.names
    assert in_parts.annotations.equals(whole.annotations)
    np.testing.assert_array_equal(in_parts.coordinates, whole.coordinates)
    for part, one in zip(in_parts.modalities, whole.modalities, strict=True):
        values = np.empty(part.stored.shape, dtype=np.float32)
        for places, chunk in part.stored.chunks():
            assert len(places) <= 32
            values[places] = _dense(chunk)
        assert (part.kind, list(part.table.var_names)) == (one.kind, list(one.table.var_names))
        np.testing.assert_array_equal(values, _dense(one.table.X))
    found = integrate(in_parts, config=CONFIG)
    assert found.domains.equals(expected.domains)


def _dense(values):
    return values.toarray() if sp.issparse(values) else np.asarray(values)


def test_names_and_annotations_are_those_of_scanpy(table, write_10x, tmp_path):
    path = write_10x(tmp_path / "counts.h5", table)
    with h5py.File(path, "a") as file:
        file["matrix/features/pattern"] = np.array(["a"] * table.n_vars, dtype="S")
        file["matrix/features/_all_tag_keys"] = np.array(["genome"], dtype="S")
    theirs, ours = read_10x(path, []), opened_10x(path)
    pd.testing.assert_frame_equal(
        ours.var, theirs.var[ours.var.columns], check_column_type=False, check_index_type=False
    )
    assert set(ours.var) == set(theirs.var)
    assert list(ours.obs_names) == list(theirs.obs_names)


def test_intensities_of_proteins_are_undone_in_parts(table, write_10x, tmp_path, monkeypatch):
    named = table.copy()
    named.var["feature_types"] = named.var["feature_types"].replace(
        "Antibody Capture", "Protein Expression"
    )
    path = write_10x(tmp_path / "counts.h5", named)
    with h5py.File(path, "a") as file:
        file.attrs["protein_scaling_factor"] = 8.0
    whole = read_10x(path, [])
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    part = read_10x(path, [])
    np.testing.assert_array_equal(part.X.compute().toarray(), whole.X.toarray())
    np.testing.assert_array_equal(whole.X[:, -16:].toarray(), named.X[:, -16:].toarray() / 8)


def test_a_text_in_another_order_is_refused_with_what_to_do(table, tmp_path, monkeypatch):
    folder = mtx(tmp_path / "counts", table)
    path = folder / "matrix.mtx.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if not line.startswith("%")) + 1
    lines[first:] = lines[first:][::-1]
    path.write_bytes(gzip.compress("".join(lines).encode()))
    read_path(folder, [])
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    with pytest.raises(InputError, match=r"do not follow the order .* Save it as 10x's \.h5"):
        read_path(folder, [])


def test_the_copy_of_a_text_goes_with_the_table(table, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = mtx(tmp_path / "counts", table)
    found = read_path(folder, [])
    assert len(list(tmp_path.glob("napari-trsmi-*"))) == 1
    del found
    assert not list(tmp_path.glob("napari-trsmi-*"))


def test_a_damaged_matrix_of_a_folder_is_named(table, write_10x, tmp_path):
    """Indices that lead out of it would be handed to compiled code."""
    positions(tmp_path / "outs", table)
    path = write_10x(tmp_path / "outs" / "filtered_feature_bc_matrix.h5", table)
    with h5py.File(path, "a") as file:
        file["matrix/indices"][3] = 10_000
    with pytest.raises(InputError, match="its indices lead out of it"):
        read_path(tmp_path / "outs", [])
