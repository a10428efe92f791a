"""Memory and time to measure a pyramid of 40,000 x 40,000 pixels at many spots.

    python benchmark/speed/large_pictures.py [--side 40000] [--spots 1000 5000 20000]

The pyramid is made first (a tiled, JPEG-compressed TIFF of four levels) and each number of spots
runs in a process of its own. The spots lie on a hexagonal lattice of the same pitch: more spots are
a larger section.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PITCH, DIAMETER, TILE = 260.0, 150.0, 512


def make(path: Path, side: int) -> None:
    """Write a stained-looking pyramid from a few made-up tiles."""
    import tifffile

    rng = np.random.default_rng(0)
    palette = []
    for level in range(4):
        tiles = []
        for _ in range(6):
            density = np.full((TILE, TILE), 0.15)
            for row, column in rng.integers(0, TILE, (int(250 * 1.5**level), 2)):
                reach = max(2, 14 >> level)
                density[row : row + reach, column : column + reach] = rng.uniform(0.6, 1.0)
            stain = np.exp(-density[..., None] * [0.65, 0.7, 0.29] - [0.03, 0.4, 0.05])
            noisy = 245 * stain + rng.normal(0, 4, stain.shape)
            tiles.append(np.clip(noisy, 0, 255).astype(np.uint8))
        palette.append(tiles)

    def tiles_of(level: int, n_tiles: int):
        numbers = np.random.default_rng(level).integers(0, 6, n_tiles)
        yield from (palette[level][number] for number in numbers)

    how = {"photometric": "rgb", "compression": "jpeg", "tile": (TILE, TILE), "dtype": np.uint8}
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        for level in range(4):
            here = side >> level
            n_tiles = (-(-here // TILE)) ** 2
            sub = {"subifds": 3} if level == 0 else {"subfiletype": 1}
            tiff.write(tiles_of(level, n_tiles), shape=(here, here, 3), **sub, **how)


def lattice(n_spots: int) -> np.ndarray:
    """The first spots of a hexagonal lattice, as square as can be."""
    columns = int(np.ceil(np.sqrt(n_spots * np.sqrt(3) / 2)))
    row, column = np.divmod(np.arange(n_spots), columns)
    return 400 + PITCH * np.column_stack([column + 0.5 * (row % 2), row * np.sqrt(3) / 2])


def measure(path: Path, n_spots: int) -> None:
    """Measure, and print what it took."""
    from napari_trsmi import ImageFeatures
    from napari_trsmi.preprocessing.image.measuring import iter_measure
    from napari_trsmi.preprocessing.image.opening import open_picture

    started = time.perf_counter()
    cpu = time.process_time()
    steps = iter_measure(open_picture(path, 1.0), lattice(n_spots), DIAMETER, ImageFeatures())
    reports = 0
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            measured = finished.value
            break
        reports += 1
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"| {n_spots:,} | {measured.values.shape[1]} | {seconds:.0f} | {1e3 * cpu / n_spots:.1f} "
        f"| {peak:.2f} | {reports} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=40_000)
    parser.add_argument("--spots", type=int, nargs="+", default=[1_000, 5_000, 20_000])
    parser.add_argument("--of", type=Path)
    arguments = parser.parse_args()
    if arguments.of is not None:
        measure(arguments.of, arguments.spots[0])
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pyramid.tif"
        started = time.perf_counter()
        make(path, arguments.side)
        size = path.stat().st_size / 2**30
        print(f"Made {size:.2f} GiB in {time.perf_counter() - started:.0f} s\n")
        print("| spots | features | seconds | CPU ms a spot | peak GiB | reports |")
        print("|---|---|---|---|---|---|", flush=True)
        for n_spots in arguments.spots:
            subprocess.run(
                [sys.executable, __file__, "--of", str(path), "--spots", str(n_spots)], check=True
            )


if __name__ == "__main__":
    main()
