"""CPU seconds and peak memory of the whole command on the mouse brain, in its own process.

python benchmark/speed/cost.py
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from trsmi_benchmark.data.cases import data_folder
from trsmi_benchmark.data.sections import CASES


def main() -> None:
    case = CASES["mouse_brain_p22"]
    ((_, file),) = case.files
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "domains.h5ad"
        command = [sys.executable, "-m", "napari_trsmi", "run", str(data_folder() / file)]
        command += ["--n-domains", str(case.load().n_domains), "--output", str(output), "--quiet"]
        started = time.perf_counter()
        subprocess.run(command, check=True, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
        wall = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{' '.join(['napari-trsmi', *command[3:4]])} on {case.name}: "
        f"{used.ru_utime + used.ru_stime:.1f} CPU s, {wall:.1f} s, "
        f"{used.ru_maxrss / 1024:,.0f} MB at the peak"
    )


if __name__ == "__main__":
    main()
