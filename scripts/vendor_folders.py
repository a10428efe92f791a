"""Write small folders as the instruments and their pipelines write them, of a made-up section.

    python scripts/vendor_folders.py OUT [NAME ...]

Names of files and columns are the vendors' own. The tests and `scripts/fuzz_inputs.py` read them.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData

N_CELLS = 60
PIXEL = 0.2125  # micrometres, Xenium's
SCALING = 1000.0  # of Xenium's protein
N_FIELDS = 3  # of view
GENES = tuple(f"{'ABCDEFGHIJ'[i % 10]}ox{i}" for i in range(20))
PROTEINS = ("CD3E", "CD4", "CD8A", "CD20", "PanCK", "Vimentin")


def section() -> AnnData:
    """Make cells in a 10 x 6 grid, 20 apart and jittered, with counts of genes."""
    from anndata import AnnData

    rng = np.random.default_rng(0)
    made = AnnData(
        rng.poisson(2.0, (N_CELLS, len(GENES))).astype(np.float32),
        pd.DataFrame(index=[f"cell{i}" for i in range(N_CELLS)]),
        pd.DataFrame(index=list(GENES)),
    )
    grid = np.column_stack([np.arange(N_CELLS) % 10, np.arange(N_CELLS) // 10])
    made.obsm["spatial"] = 30.0 + 20 * grid + rng.uniform(-4, 4, grid.shape)
    made.obsm["protein"] = pd.DataFrame(
        rng.gamma(2.0, 4.0, (N_CELLS, len(PROTEINS))), made.obs_names, list(PROTEINS)
    )
    return made


def labelled(shape: tuple[int, int] = (160, 250)) -> np.ndarray:
    """Draw the cells as squares of 9 pixels, numbered from 1."""
    labels = np.zeros(shape, np.int32)
    for number, (x, y) in enumerate(section().obsm["spatial"].astype(int), start=1):
        labels[y - 4 : y + 5, x - 4 : x + 5] = number
    return labels


def stained(shape: tuple[int, int] = (160, 250)) -> np.ndarray:
    """Draw tissue under the cells, on a pale slide."""
    rng = np.random.default_rng(1)
    pixels = np.full((*shape, 3), 235, np.uint8)
    pixels[15:150, 15:235] = (190, 110, 160)
    return pixels - rng.integers(0, 9, pixels.shape).astype(np.uint8)


def xenium(folder: Path, *, protein: bool = False, stain: bool = False) -> None:
    """Xenium Onboard Analysis 2: matrix, cells, and what packs both with their outlines."""
    import h5py
    import scipy.sparse as sp
    import tifffile
    import zarr

    folder.mkdir(parents=True)
    made = section()
    prefixes = np.arange(N_CELLS, dtype=np.uint32) * 7919
    letters = ["".join(chr(ord("a") + int(digit, 16)) for digit in f"{p:08x}") for p in prefixes]
    names = [f"{name}-1" for name in letters]
    specs = {
        "major_version": 4,
        "run_name": "made up",
        "pixel_size": PIXEL,
        "num_cells": N_CELLS,
        "analysis_sw_version": "xenium-2.0.0.6-35-ga7e17149a",
    }
    (folder / "experiment.xenium").write_text(json.dumps(specs))
    tables = [
        (made.X, "Gene Expression", GENES),
        (np.ones((N_CELLS, 1)), "Negative Control Probe", ["NegControlProbe_00042"]),
        (np.ones((N_CELLS, 1)), "Unassigned Codeword", ["UnassignedCodeword_0001"]),
    ]
    if protein:
        scaled = np.rint(made.obsm["protein"].to_numpy() * SCALING)
        tables.append((scaled, "Protein Expression", PROTEINS))
    counts = sp.csr_matrix(np.hstack([table for table, _, _ in tables]))
    kinds = [kind for _, kind, features in tables for _ in features]
    features = [feature for _, _, all_of_kind in tables for feature in all_of_kind]
    with h5py.File(folder / "cell_feature_matrix.h5", "w") as file:
        if protein:
            file.attrs["protein_scaling_factor"] = SCALING
        group = file.create_group("matrix")
        group["barcodes"] = np.array(names, "S")
        group["data"] = counts.data.astype("i4")
        group["indices"], group["indptr"] = counts.indices.astype("i8"), counts.indptr.astype("i8")
        group["shape"] = np.array(counts.shape[::-1], "i4")
        for name, values in (
            ("id", features),
            ("name", features),
            ("feature_type", kinds),
            ("genome", ["Unknown"] * len(features)),
        ):
            group[f"features/{name}"] = np.array(list(values), "S")
    cells = pd.DataFrame(
        {
            "cell_id": names,
            "x_centroid": made.obsm["spatial"][:, 0],
            "y_centroid": made.obsm["spatial"][:, 1],
            "transcript_counts": made.X.sum(axis=1).astype(int),
            "control_probe_counts": 1,
            "control_codeword_counts": 0,
            "unassigned_codeword_counts": 1,
            "deprecated_codeword_counts": 0,
            "total_counts": made.X.sum(axis=1).astype(int) + 2,
            "cell_area": 81.0,
            "nucleus_area": 20.0,
            "nucleus_count": 1,
            "segmentation_method": "Segmented by boundary stain (ATP1A1+CD45+E-Cadherin)",
        }
    )
    cells.to_parquet(folder / "cells.parquet")
    cells.to_csv(folder / "cells.csv.gz", index=False)
    store = zarr.storage.ZipStore(folder / "cells.zarr.zip", mode="w")
    root = zarr.create_group(store, zarr_format=2)
    root.create_array(
        "cell_id", data=np.column_stack([prefixes, np.ones(N_CELLS, np.uint32)]).astype(np.uint32)
    )
    columns = ["cell_centroid_x", "cell_centroid_y", "cell_area", "nucleus_centroid_x"]
    columns += ["nucleus_centroid_y", "nucleus_area", "z_level", "nucleus_count"]
    summary = root.create_array("cell_summary", data=np.ones((N_CELLS, len(columns))))
    summary.attrs["column_names"] = columns
    masks = root.create_group("masks")
    for number in (0, 1):
        masks.create_array(str(number), data=labelled().astype(np.uint32))
        sets = root.create_group(f"polygon_sets/{number}")
        sets.create_array("cell_index", data=np.arange(N_CELLS, dtype=np.uint32))
    store.close()
    if stain:  # upside down, at twice the pixels' size
        tifffile.imwrite(
            folder / "Xenium_V1_made_up_he_image.ome.tif",
            np.repeat(np.repeat(stained()[::-1], 2, 0), 2, 1),
            photometric="rgb",
            ome=True,
        )
        height = stained().shape[0]
        half = 0.5 / PIXEL  # of the picture's pixels to the morphology's
        matrix = np.array([[half, 0, 0], [0, -half, height / PIXEL], [0, 0, 1]])
        np.savetxt(folder / "Xenium_V1_made_up_he_imagealignment.csv", matrix, delimiter=",")


def cosmx(folder: Path, *, packed: bool = False) -> None:
    """CosMx: places in fields of view, and on the slide; AtoMx packs its files."""
    folder.mkdir(parents=True)
    made = section()
    x, y = made.obsm["spatial"].T
    field = np.minimum((x - 20) // 70, N_FIELDS - 1).astype(int) + 1
    number = pd.Series(field).groupby(field).cumcount().to_numpy() + 1
    cells = pd.DataFrame(
        {
            "fov": field,
            "cell_ID": number,
            "Area": 81,
            "AspectRatio": 1.0,
            "CenterX_local_px": x - 70 * (field - 1),
            "CenterY_local_px": y,
            "CenterX_global_px": x + 5000,
            "CenterY_global_px": y + 9000,
            "Width": 9,
            "Height": 9,
            "Mean.PanCK": 10,
        }
    )
    counts = pd.DataFrame(made.X.astype(int), columns=list(GENES))
    counts.insert(0, "fov", field)
    counts.insert(1, "cell_ID", number)
    counts["NegPrb1"] = 1
    outside = counts.iloc[:N_FIELDS].assign(fov=range(1, N_FIELDS + 1), cell_ID=0)
    counts = pd.concat([outside, counts])  # what lies in no cell
    if packed:
        cells.insert(2, "cell", [f"c_1_{f}_{n}" for f, n in zip(field, number, strict=True)])
    ending = ".csv.gz" if packed else ".csv"
    counts.to_csv(folder / f"Run1000_S1_exprMat_file{ending}", index=False)
    cells.to_csv(folder / f"Run1000_S1_metadata_file{ending}", index=False)
    corners = {"fov": range(1, N_FIELDS + 1), "x_global_px": 5000, "y_global_px": 9000}
    pd.DataFrame(corners).to_csv(folder / f"Run1000_S1_fov_positions_file{ending}", index=False)


def merscope(folder: Path, *, outlines: bool = True) -> None:
    """MERSCOPE: ``cell_by_gene.csv``, ``cell_metadata.csv``, outlines, and blank codewords."""
    import geopandas
    from shapely.geometry import MultiPolygon, Point

    folder.mkdir(parents=True)
    made = section()
    names = pd.Index([str(1_234_500_000_000_100_000 + 13 * i) for i in range(N_CELLS)])
    counts = pd.DataFrame(made.X.astype(int), names, list(GENES))
    counts["Blank-1"], counts["Blank-2"] = 1, 0
    counts.to_csv(folder / "cell_by_gene.csv", index_label="cell")
    x, y = made.obsm["spatial"].T
    cells = pd.DataFrame(
        {
            "fov": 0,
            "volume": 500.0,
            "center_x": x,
            "center_y": y,
            "min_x": x - 4.5,
            "max_x": x + 4.5,
            "min_y": y - 4.5,
            "max_y": y + 4.5,
        },
        names,
    )
    cells.to_csv(folder / "cell_metadata.csv", index_label="EntityID")
    if not outlines:
        return
    (folder / "images").mkdir()
    matrix = np.array([[9.2, 0, 300], [0, 9.2, 200], [0, 0, 1]])
    np.savetxt(folder / "images" / "micron_to_mosaic_pixel_transform.csv", matrix)
    radius = np.sqrt(81 / np.pi)
    discs = [MultiPolygon([Point(*xy).buffer(radius)]) for xy in made.obsm["spatial"]]
    geopandas.GeoDataFrame(
        {"ID": range(N_CELLS), "EntityID": names.astype("int64"), "ZIndex": 0, "ZLevel": 1.5},
        geometry=discs,
    ).rename_geometry("Geometry").to_parquet(folder / "cell_boundaries.parquet")


def mcmicro(folder: Path) -> None:
    """MCMICRO: ``quantification``, ``markers.csv``, labels and a registered picture of channels."""
    import tifffile

    for name in ("quantification", "registration", "segmentation/unmicst-exemplar-001", "qc"):
        (folder / name).mkdir(parents=True)
    made = section()
    markers = pd.DataFrame(
        {"channel_number": range(1, 7), "cycle_number": 1, "marker_name": PROTEINS}
    )
    markers.to_csv(folder / "markers.csv", index=False)
    table = made.obsm["protein"].reset_index(drop=True)
    table.insert(0, "CellID", range(1, N_CELLS + 1))
    table["X_centroid"], table["Y_centroid"] = made.obsm["spatial"].T
    table["Area"], table["MajorAxisLength"], table["MinorAxisLength"] = 81, 10.3, 10.3
    table["Eccentricity"], table["Solidity"], table["Extent"], table["Orientation"] = 0.1, 1, 1, 0.2
    table.to_csv(folder / "quantification" / "exemplar-001--unmicst_cell.csv", index=False)
    channels = np.zeros((len(PROTEINS), *labelled().shape), np.uint16)
    tifffile.imwrite(folder / "registration" / "exemplar-001.ome.tif", channels)
    labels = folder / "segmentation" / "unmicst-exemplar-001" / "cell.ome.tif"
    tifffile.imwrite(labels, labelled())
    (folder / "qc" / "params.yml").write_text("workflow:\n  tma: false\n")


def steinbock(folder: Path, *, images: int = 1) -> None:
    """Steinbock's export: ``cells.h5ad``, masks and pictures of imaging mass cytometry."""
    import anndata
    import tifffile

    for name in ("ome", "masks_deepcell"):
        (folder / name).mkdir(parents=True)
    made = section()
    parts = []
    for image in range(1, images + 1):
        part = anndata.AnnData(
            made.obsm["protein"].to_numpy(np.float32), var=pd.DataFrame(index=list(PROTEINS))
        )
        part.var["channel"] = [f"Pr{i}" for i in range(len(PROTEINS))]
        name = f"Patient{image}_001"
        part.obs_names = [f"Object {i}" for i in range(1, N_CELLS + 1)]
        part.obs["Image"] = part.obs["image"] = f"{name}.tiff"
        part.obs["area"] = 81
        part.obs["centroid-0"], part.obs["centroid-1"] = made.obsm["spatial"][:, ::-1].T
        parts.append(part)
        tifffile.imwrite(folder / "masks_deepcell" / f"{name}.tiff", labelled().astype(np.uint16))
        channels = np.zeros((len(PROTEINS), *labelled().shape), np.float32)
        tifffile.imwrite(folder / "ome" / f"{name}.ome.tiff", channels)
    whole = anndata.concat(parts)
    whole.obs_names_make_unique()
    if images > 1:
        names = whole.obs["image"].str.removesuffix(".tiff")
        whole.obs_names = [f"{name} {i % N_CELLS + 1}" for i, name in enumerate(names)]
    whole.var = parts[0].var
    whole.write_h5ad(folder / "cells.h5ad")


def codex(folder: Path) -> None:
    """CODEX processor: one CSV with a column for each cycle's channel, and each cell's place."""
    folder.mkdir(parents=True)
    made = section()
    table = made.obsm["protein"].reset_index(drop=True)
    table.columns = [f"cyc{i:03d}_ch002:{name}" for i, name in enumerate(PROTEINS, start=1)]
    x, y = made.obsm["spatial"].T
    front = {
        "cell_id": range(N_CELLS),
        "region": 1,
        "tile_num": 1,
        "x": x,
        "y": y,
        "z": 0,
        "size": 81,
    }
    whole = pd.concat([pd.DataFrame(front), table], axis=1)
    whole.to_csv(folder / "reg001_compensated.csv", index=False)


def stereo_seq(folder: Path, *, cells: bool = False) -> None:
    """Stereo-seq: a line for each gene at each spot of 0.5 micrometres, in ``.gem.gz``."""
    folder.mkdir(parents=True)
    made = section()
    rng = np.random.default_rng(2)
    cell, gene = np.nonzero(made.X)
    centre = np.floor(made.obsm["spatial"][cell] / 20) * 50 + 25
    place = (centre + rng.integers(-24, 25, centre.shape)).astype(int)
    lines = pd.DataFrame(
        {
            "geneID": np.array(GENES)[gene],
            "x": place[:, 0],
            "y": place[:, 1],
            "MIDCount": made.X[cell, gene].astype(int),
            "ExonCount": 0,
        }
    )
    if cells:
        lines["CellID"] = cell + 1
        loose = lines.iloc[:5].assign(CellID=0)  # in no cell
        lines = pd.concat([lines, loose])
    header = ["#FileFormat=GEMv0.1", "#SortedBy=None", "#BinType=Bin", "#BinSize=1"]
    header += ["#Omics=Transcriptomics", "#Stereo-seqChip=SS200000135TL_D1"]
    header += ["#OffsetX=0", "#OffsetY=0"]
    name = "SS200000135TL_D1.cellbin.gem.gz" if cells else "SS200000135TL_D1.tissue.gem.gz"
    text = "\n".join(header) + "\n" + lines.to_csv(sep="\t", index=False)
    (folder / name).write_bytes(gzip.compress(text.encode()))


WRITERS: dict[str, Callable[[Path], None]] = {
    "xenium": xenium,
    "xenium_protein": lambda folder: xenium(folder, protein=True, stain=True),
    "cosmx": cosmx,
    "merscope": merscope,
    "mcmicro": mcmicro,
    "steinbock": steinbock,
    "codex": codex,
    "stereo_seq": stereo_seq,
}


def main() -> None:
    """Write all, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    for name in given.names or WRITERS:
        WRITERS[name](given.out / name)
        print(given.out / name)


if __name__ == "__main__":
    main()
