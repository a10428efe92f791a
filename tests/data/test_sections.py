"""Several sections in one table are found, and one can be picked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData

from napari_trsmi import load
from napari_trsmi.errors import InputError

ROWS, COLUMNS = 12, 10


def lattice(pitch=100.0):
    rows, columns = np.divmod(np.arange(ROWS * COLUMNS), COLUMNS)
    return np.column_stack([(2 * columns + rows % 2) * pitch / 2, rows * pitch * np.sqrt(3) / 2])


@pytest.fixture
def two_sections():
    """Two sections of one shape; the second lies mirrored, in the same pixels."""
    rng = np.random.default_rng(0)
    xy = lattice()
    mirrored = xy * [-1, 1] + [xy[:, 0].max() + 33, 17]
    names = [f"{library}_{spot}" for library in ("a", "b") for spot in range(len(xy))]
    table = AnnData(
        X=sp.csr_matrix(rng.integers(1, 9, (len(names), 6)).astype(np.float32)),
        obs=pd.DataFrame(index=names),
    )
    table.obs["library_id"] = [name[0] for name in names]
    table.obsm["spatial"] = np.concatenate([xy, mirrored])
    return table


@pytest.mark.parametrize(
    "column",
    [
        *("library_id", "Sample", "orig.ident", "batch", "fov", "region"),
        *("puck_id", "slideID", "tissue_section", "Mouse", "ROI number", "treatment"),
    ],
)
def test_overlapping_sections_are_refused_with_the_remedy(two_sections, column):
    two_sections.obs = two_sections.obs.rename(columns={"library_id": column})
    with pytest.raises(
        InputError, match=rf"2 sections \({column}: a and b\).*section='a'.*--section a"
    ):
        load({"rna": two_sections})


def test_numbers_of_sections(two_sections):
    two_sections.obs["library_id"] = two_sections.obs["library_id"].map({"a": 1.0, "b": 2.0})
    with pytest.raises(InputError, match="library_id: 1 and 2"):
        load({"rna": two_sections})
    assert load({"rna": two_sections}, section="2").n_spots == ROWS * COLUMNS


def test_one_is_picked_and_it_is_said(two_sections):
    omics = load({"rna": two_sections}, section="b")
    assert set(omics.annotations["library_id"]) == {"b"}
    assert omics.notes[0].startswith("120 spots of 240 of table 'rna' are of section 'b'")
    assert omics.load_arguments["section"] == "b"
    np.testing.assert_array_equal(
        omics.modalities[0].table.X.toarray(), two_sections[120:].X.toarray()
    )


def test_any_column_can_be_named(two_sections):
    two_sections.obs["who knows"] = two_sections.obs.pop("library_id")
    assert load({"rna": two_sections}, section="who knows=a").n_spots == 120


def test_the_other_tables_follow_by_name(two_sections):
    protein = two_sections.copy()
    protein.obs = protein.obs[[]]
    protein.X = protein.X * 2
    del protein.obsm["spatial"]
    omics = load({"rna": two_sections, "protein": protein}, section="a")
    assert omics.n_spots == 120


def test_an_unknown_section_lists_those_there_are(two_sections):
    with pytest.raises(InputError, match=r"section='c' is in no table\. library_id .* has a and b"):
        load({"rna": two_sections}, section="c")


def test_all_spots_can_be_taken_for_one_section(two_sections):
    assert load({"rna": two_sections}, section="all").n_spots == 240


def test_only_names_tell_them_apart(two_sections):
    del two_sections.obs["library_id"]
    with pytest.raises(InputError, match=r"spot name's beginning: a and b"):
        load({"rna": two_sections})
    assert load({"rna": two_sections}, section="b").n_spots == 120


def test_nothing_tells_them_apart_but_spots_lie_on_each_other(two_sections):
    del two_sections.obs["library_id"]
    two_sections.obs_names = [f"spot{i}" for i in range(240)]
    two_sections.obsm["spatial"] = np.concatenate([lattice(), lattice()])
    with pytest.raises(InputError, match=r"100% of the 240 spots lie where another one lies"):
        load({"rna": two_sections})
    assert load({"rna": two_sections}, section="all").n_spots == 240


def test_sections_that_lie_apart_are_used_and_said(two_sections):
    two_sections.obsm["spatial"][120:] += [5000, 0]
    notes = load({"rna": two_sections}).notes
    assert notes == (
        "library_id of table 'rna' names 2 sections, which lie apart: they are integrated "
        "together, as one.",
    )


@pytest.mark.parametrize("n_groups", [2, 4, 12])
@pytest.mark.parametrize("layout", ["mixed", "stripes"])
def test_labels_of_one_lattice_are_no_sections(n_groups, layout):
    """Annotations that happen to be called so: each place has one spot."""
    rng = np.random.default_rng(1)
    xy = lattice()
    groups = rng.integers(0, n_groups, len(xy))
    if layout == "stripes":
        groups = (xy[:, 0] / (xy[:, 0].max() + 1) * n_groups).astype(int)
    table = AnnData(X=rng.integers(1, 9, (len(xy), 6)).astype(np.float32))
    table.obs["region"] = [f"r{group}" for group in groups]
    table.obsm["spatial"] = xy
    assert load({"rna": table}).n_spots == len(xy)


def test_regions_of_cells_are_no_sections():
    rng = np.random.default_rng(2)
    xy = rng.uniform(0, 1000, (2000, 2))
    table = AnnData(X=rng.integers(1, 9, (2000, 6)).astype(np.float32))
    table.obs["region"] = np.where(xy[:, 0] + xy[:, 1] > 1000, "in", "out")
    table.obs["sample"] = "s1"
    table.obsm["spatial"] = xy
    assert load({"rna": table}).n_spots == 2000


def test_local_positions_of_fields_of_view():
    """CosMx: every field begins at the origin."""
    rng = np.random.default_rng(3)
    table = AnnData(X=rng.integers(1, 9, (900, 6)).astype(np.float32))
    table.obs["fov"] = np.repeat(range(9), 100)
    table.obsm["spatial"] = rng.uniform(0, 4000, (900, 2))
    with pytest.raises(InputError, match=r"9 sections \(fov: 0, 1, 2, 3, 4, 5 and 3 more\)"):
        load({"rna": table})
    at = np.column_stack([table.obs["fov"] % 3, table.obs["fov"] // 3]) * 4000
    table.obsm["spatial"] += at
    assert load({"rna": table}).n_spots == 900
