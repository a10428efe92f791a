"""The process that one run of a method is in: ``python -m trsmi_benchmark.worker FOLDER``.

The folder has ``job.json`` (what to run), and gets ``output.npz`` (what the method returned) and
``ended.json`` (times, memory, notes, or the error).
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from trsmi_benchmark.exchange import checked, read_inputs, write_output

JOB, OUTPUT, ENDED = "job.json", "output.npz", "ended.json"


def main(folder: Path) -> int:
    """Run the job of a folder; returns the exit code."""
    with contextlib.suppress(OSError):  # if memory runs out, end this process and no other
        Path("/proc/self/oom_score_adj").write_text("1000")
    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    threading.Thread(target=_end_with, args=(job["parent"],), daemon=True).start()
    ended: dict[str, Any]
    try:
        ended = _run(job, folder)
    except BaseException as error:  # whatever a method raises is a result
        traceback.print_exc()
        text = str(error).strip()
        ended = {"error": f"{type(error).__name__}: {text}" if text else type(error).__name__}
    ended |= {"memory": _peak_memory(), "process_cpu_seconds": _cpu_seconds()}
    partial = folder / f"{ENDED}.part"
    partial.write_text(json.dumps(ended), encoding="utf-8")
    partial.replace(folder / ENDED)
    return 1 if "error" in ended else 0


def _run(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    module, _, name = job["run"].partition(":")
    method = getattr(importlib.import_module(module), name)
    for needed in job["imports"]:
        importlib.import_module(needed)
    inputs = read_inputs(Path(job["inputs"]), n_domains=job["n_domains"], seed=job["seed"])
    started, cpu_started = time.perf_counter(), _cpu_seconds()
    output = method(inputs, **job["parameters"])
    seconds, cpu_seconds = time.perf_counter() - started, _cpu_seconds() - cpu_started
    output = checked(output, inputs.n_spots)
    write_output(output, folder / OUTPUT)
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "notes": list(output.notes)}


def _end_with(parent: int) -> None:
    """End when the benchmark has ended, even where it was killed and could not end us."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak_memory() -> int:
    """The process's largest resident memory in bytes, as far as the system tells."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import psutil

    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
