"""harmonypy, in its own environment: Harmony, and how far sections mix (LISI).

python -m trsmi_benchmark.mosaic.harmony FOLDER

The folder has ``points.npy`` and ``job.json``, and gets ``found.npy``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np


def main(folder: Path) -> None:
    """Do the job of a folder."""
    import harmonypy

    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    points = np.load(folder / "points.npy")
    about = {"section": np.array(job["sections"])}
    if job["what"] == "harmony":
        found = harmonypy.run_harmony(
            points, _Columns(about), ["section"], random_state=job["seed"], verbose=False
        ).Z_corr
        found = np.asarray(found)
        found = found if found.shape == points.shape else found.T
    else:
        found = harmonypy.compute_lisi(points, _Columns(about), ["section"]).ravel()
    np.save(folder / "found.npy", found)


class _Columns(dict):  # type: ignore[type-arg]
    """What harmonypy asks of a data frame, without pandas."""

    @property
    def shape(self) -> tuple[int, int]:
        return len(next(iter(self.values()))), len(self)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
