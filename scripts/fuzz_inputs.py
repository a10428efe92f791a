"""Damage every kind of input at random, and see that each ends in an error of ours or is read.

    python scripts/fuzz_inputs.py [--tries 500] [--seed 0] [KIND ...]

A child process reads, so that a crash of a library is seen and counted. Prints a table; exits with
1 if any try crashed, hung, or raised what is no `InputError`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from vendor_folders import WRITERS, stereo_seq

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData

_SECONDS = 60  # a try may take
_SPOTS, _GENES = 48, 30


def table() -> AnnData:
    """Make spots on a grid, with names like barcodes."""
    import scipy.sparse as sp
    from anndata import AnnData

    rng = np.random.default_rng(0)
    names = ["".join(rng.choice(list("ACGT"), 16)) + "-1" for _ in range(_SPOTS)]
    genes = [f"{'ABCDEFGHIJ'[i % 10]}ox{i}" for i in range(_GENES)]
    counts = sp.csr_matrix(rng.poisson(2.0, (_SPOTS, _GENES)).astype(np.float32))
    made = AnnData(counts, pd.DataFrame(index=names), pd.DataFrame(index=genes))
    made.obs["layer"] = pd.Categorical(rng.choice(list("abc"), _SPOTS))
    made.obs["array_row"], made.obs["array_col"] = np.divmod(np.arange(_SPOTS), 8)
    made.obsm["spatial"] = made.obs[["array_col", "array_row"]].to_numpy() * 20.0 + 30
    made.var["feature_types"] = "Gene Expression"
    return made


def picture() -> np.ndarray:
    """Make a stained rectangle on a pale slide."""
    rng = np.random.default_rng(1)
    pixels = np.full((180, 220, 3), 235, np.uint8)
    pixels[20:160, 20:200] = (190, 110, 160)
    return pixels - rng.integers(0, 9, pixels.shape).astype(np.uint8)


def write_10x(path: Path, made: AnnData) -> None:
    """Write 10x's HDF5."""
    import h5py

    matrix = made.X.tocsr()
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        group["barcodes"] = np.array(list(made.obs_names), "S")
        group["data"], group["indices"] = matrix.data.astype("i4"), matrix.indices.astype("i8")
        group["indptr"] = matrix.indptr.astype("i8")
        group["shape"] = np.array(matrix.shape[::-1], "i4")
        for name, values in (
            ("id", made.var_names),
            ("name", made.var_names),
            ("feature_type", made.var["feature_types"]),
            ("genome", ["G"] * made.n_vars),
        ):
            group[f"features/{name}"] = np.array(list(values), "S")


def write_space_ranger(folder: Path, made: AnnData) -> None:
    """Write a folder of Space Ranger."""
    from PIL import Image

    spatial = folder / "spatial"
    spatial.mkdir(parents=True)
    write_10x(folder / "filtered_feature_bc_matrix.h5", made)
    positions = made.obs[["array_row", "array_col"]].assign(
        in_tissue=1,
        pxl_row_in_fullres=made.obsm["spatial"][:, 1],
        pxl_col_in_fullres=made.obsm["spatial"][:, 0],
    )
    positions.to_csv(spatial / "tissue_positions.csv", index_label="barcode")
    factors = {"tissue_hires_scalef": 1.0, "spot_diameter_fullres": 9.0}
    (spatial / "scalefactors_json.json").write_text(json.dumps(factors))
    Image.fromarray(picture()).save(spatial / "tissue_hires_image.png")


def write_mtx(folder: Path, made: AnnData) -> None:
    """Write a matrix folder."""
    from scipy.io import mmwrite

    folder.mkdir()
    mmwrite(folder / "matrix.mtx", made.X.T.astype(int))
    (folder / "barcodes.tsv").write_text("\n".join(made.obs_names) + "\n")
    rows = [f"{name}\t{name}\tGene Expression" for name in made.var_names]
    (folder / "features.tsv").write_text("\n".join(rows) + "\n")


def write_spatialdata(path: Path, made: AnnData) -> None:
    """Write a SpatialData store."""
    from spatialdata import SpatialData
    from spatialdata.models import Image2DModel, ShapesModel, TableModel

    own = made.copy()
    own.obs["region"], own.obs["id"] = pd.Categorical(["spots"] * _SPOTS), range(_SPOTS)
    SpatialData(
        images={"he": Image2DModel.parse(picture(), dims=("y", "x", "c"))},
        shapes={"spots": ShapesModel.parse(made.obsm["spatial"], geometry=0, radius=4.0)},
        tables={
            "table": TableModel.parse(own, region="spots", region_key="region", instance_key="id")
        },
    ).write(path)


def make_inputs(folder: Path) -> None:
    """Write one of each kind; what is not damaged beside it starts with ``with_``."""
    import mudata
    import tifffile
    from PIL import Image

    made = table()
    xy = pd.DataFrame(made.obsm["spatial"], made.obs_names, ["x", "y"])
    xy.to_csv(folder / "with_positions.csv", index_label="barcode")
    made.write_h5ad(folder / "with_rna.h5ad")
    made.write_h5ad(folder / "h5ad.h5ad")
    dense = made.copy()
    dense.X = dense.X.toarray()
    dense.write_h5ad(folder / "h5ad_packed.h5ad", compression="gzip")
    protein = made[:, :8].copy()
    protein.var_names = [f"CD{i}" for i in range(8)]
    mudata.MuData({"rna": made, "protein": protein}).write_h5mu(folder / "h5mu.h5mu")
    write_10x(folder / "tenx.h5", made)
    made.to_df().to_csv(folder / "csv.csv")
    made.to_df().to_csv(folder / "csv_packed.csv.gz")
    xy.to_csv(folder / "positions.csv", index_label="barcode")
    xy.assign(barcode=xy.index).to_parquet(folder / "positions_parquet.parquet")
    made.to_df().to_excel(folder / "xlsx.xlsx")
    write_space_ranger(folder / "space_ranger", made)
    write_mtx(folder / "mtx", made)
    made.write_zarr(folder / "zarr.zarr")
    write_spatialdata(folder / "spatialdata.zarr", made)
    Image.fromarray(picture()).save(folder / "png.png")
    Image.fromarray(picture()).save(folder / "jpeg.jpg")
    Image.fromarray(picture()).save(folder / "jp2.jp2")
    Image.fromarray(picture()).save(folder / "webp.webp")
    for name, write in WRITERS.items():
        write(folder / name)
    stereo_seq(folder / "with_gem")
    (packed,) = (folder / "with_gem").iterdir()
    (folder / "gem.gem").write_bytes(gzip.decompress(packed.read_bytes()))
    for name, options in (("tiff", {}), ("tiff_tiled", {"tile": (64, 64), "compression": "lzw"})):
        tifffile.imwrite(folder / f"{name}.tif", picture(), photometric="rgb", **options)


def _reader(kind: str, path: Path, folder: Path) -> Callable[[], object]:
    from napari_trsmi import load

    rna, positions = folder / "with_rna.h5ad", folder / "with_positions.csv"
    if kind.startswith("positions"):
        return lambda: load({"rna": rna}, positions=path)
    if kind in {"csv", "csv_packed", "tenx", "mtx", "xlsx"}:
        return lambda: load({"rna": path}, positions=positions)
    if kind in {"h5ad", "h5ad_packed", "h5mu", "space_ranger", "zarr", "spatialdata", "gem"}:
        return lambda: load(path)
    if kind in WRITERS:
        return lambda: load(path)
    return lambda: load({"rna": rna}, image=path)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return the bytes of a file with one random fault, or a few."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 3, 10))):
        size = max(1, len(data))
        place, length = rng.randrange(size), min(rng.choice((1, 4, 16, 256)), size)
        match rng.randrange(6):
            case 0 if data:
                data[min(place, len(data) - 1)] ^= 1 << rng.randrange(8)
            case 1:
                data[place : place + length] = rng.randbytes(length)
            case 2:
                data[place : place + length] = bytes(length)
            case 3:
                data[place : place + length] = b"\xff" * length
            case 4:
                del data[place : place + length]
            case _:
                data[place:place] = rng.randbytes(length)
    return bytes(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.1 else data)


def _damage(source: Path, target: Path, rng: random.Random) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
        files = sorted(path for path in target.rglob("*") if path.is_file())
        chosen = rng.choice(files)
    else:
        shutil.copy(source, target)
        chosen = target
    chosen.write_bytes(damaged(chosen.read_bytes(), rng))


def child(folder: Path, kind: str, seed: int, start: int, stop: int) -> None:
    """Read damaged inputs one after the other, and print a line before and after each."""
    from napari_trsmi.errors import InputError

    (source,) = [folder / kind] if (folder / kind).is_dir() else folder.glob(f"{kind}.*")
    warnings.simplefilter("ignore")
    for number in range(start, stop):
        print(f"begin {number}", flush=True)
        with tempfile.TemporaryDirectory() as temporary:
            target = Path(temporary) / source.name
            _damage(source, target, random.Random(f"{seed} {kind} {number}"))
            try:
                _reader(kind, target, folder)()
            except InputError:
                outcome = "refused"
            except Exception as error:
                outcome = f"defect {type(error).__name__}: {str(error)[:200]!r}"
            else:
                outcome = "read"
        print(f"end {number} {outcome}", flush=True)


def run(folder: Path, kind: str, seed: int, tries: int) -> tuple[Counter[str], list[str]]:
    """Damage one kind of input, in child processes that are started again when they die."""
    counts: Counter[str] = Counter()
    faults: list[str] = []
    at = 0
    while at < tries:
        command = [sys.executable, __file__, "--child", str(folder), kind]
        command += ["--seed", str(seed), "--start", str(at), "--tries", str(tries)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None

            def give_up(
                _number: int, _frame: object, process: subprocess.Popen[str] = process
            ) -> None:
                process.kill()

            signal.signal(signal.SIGALRM, give_up)
            signal.alarm(2 * _SECONDS)
            for line in process.stdout:
                what, number, *rest = line.split(" ", 2)
                signal.alarm(_SECONDS)
                if what == "end":
                    outcome = rest[0].strip()
                    counts[outcome.split(" ")[0]] += 1
                    if outcome.startswith("defect"):
                        faults.append(f"{kind} {number}: {outcome}")
                    at = int(number) + 1
            signal.alarm(0)
        if process.returncode and at < tries:
            name = "hung" if process.returncode == -signal.SIGKILL else "crashed"
            counts[name] += 1
            faults.append(f"{kind} {at}: {name} ({process.returncode})")
            at += 1
    return counts, faults


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*")
    parser.add_argument("--tries", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(Path(given.child[0]), given.child[1], given.seed, given.start, given.tries)
        return 0
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            make_inputs(folder)
        kinds = given.kinds or sorted(
            path.name.split(".")[0]
            for path in folder.iterdir()
            if not path.name.startswith("with_")
        )
        print("| input | tries | refused | read | defects, crashes, hangs |\n|---|---|---|---|---|")
        for kind in kinds:
            counts, found = run(folder, kind, given.seed, given.tries)
            bad = counts["defect"] + counts["crashed"] + counts["hung"]
            print(
                f"| {kind} | {given.tries} | {counts['refused']} | {counts['read']} | {bad} |",
                flush=True,
            )
            faults += found
    for fault in faults:
        print(fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
