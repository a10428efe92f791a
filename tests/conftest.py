"""What several tests need: a small result, a real window, a server of downloads, a full disk."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import warnings
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.public import fetching
from napari_trsmi.data.public.downloads import RECORDS
from napari_trsmi.result import TRSMIResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

RECORD = RECORDS["praga"].number


def pytest_configure(config: pytest.Config) -> None:
    """Keep rivals that the user has installed out, unless they are asked for.

    They import the checkout that they were made from, which need not be this one.
    """
    # How long an example takes is up to what else the machine does.
    hypothesis.settings.register_profile("patient", deadline=None)
    hypothesis.settings.load_profile("patient")
    kept = tempfile.TemporaryDirectory(prefix="napari-trsmi-data-")  # edits that tests leave
    config.add_cleanup(kept.cleanup)
    os.environ["XDG_DATA_HOME"] = kept.name
    os.environ["NAPARI_CONFIG"] = str(Path(kept.name) / "settings.yaml")  # sessions note a reader
    if "NAPARI_TRSMI_ENVS" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="napari-trsmi-environments-")
        config.add_cleanup(folder.cleanup)
        os.environ["NAPARI_TRSMI_ENVS"] = folder.name


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a GPU where there is none."""
    if item.get_closest_marker("gpu") is not None:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs an NVIDIA GPU")


@pytest.fixture(scope="session")
def square_lattice() -> Callable[[int], NDArray[np.float64]]:
    """Make a square lattice of side x side spots, row by row."""

    def make(side: int) -> NDArray[np.float64]:
        return np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2) * 1.0

    return make


@pytest.fixture(scope="session")
def make_result() -> Callable[..., TRSMIResult]:
    """Make a result of spots in vertical stripes, one a domain, without training."""

    def make(
        n_spots: int = 60,
        n_domains: int = 3,
        *,
        modalities: Sequence[str] = ("rna", "protein"),
        image_scale: float | None = 0.5,
        spot_diameter: float | None = 8.0,
        seed: int = 0,
    ) -> TRSMIResult:
        rng = np.random.default_rng(seed)
        spots = pd.Index([f"spot_{spot}" for spot in range(n_spots)])
        coordinates = np.column_stack([np.arange(n_spots) % 12, np.arange(n_spots) // 12]) * 10.0
        coordinates += 20
        stripe = (np.arange(n_spots) % 12) * n_domains // 12
        categories = [str(domain + 1) for domain in range(n_domains)]
        weights = rng.dirichlet(np.ones(len(modalities)), n_spots)
        image = None
        if image_scale is not None:
            shape = (round(120 * image_scale), round(160 * image_scale), 3)
            image = TissueImage(rng.integers(0, 256, shape, dtype=np.uint8), image_scale)
        return TRSMIResult(
            domains=pd.Series(pd.Categorical.from_codes(stripe, categories), index=spots),
            embedding=rng.normal(size=(n_spots, 4)).astype(np.float32),
            confidence=pd.Series(rng.uniform(0.5, 1, n_spots), index=spots),
            modality_weights=pd.DataFrame(weights, spots, list(modalities)),
            coordinates=coordinates,
            annotations=pd.DataFrame(
                {"layer": pd.Categorical.from_codes(stripe, list("abcdefghi"[:n_domains]))}, spots
            ),
            history=pd.DataFrame({"epoch": [1, 2], "loss": [1.0, 0.5]}),
            record={"parameters": {"seed": seed, "teleports": [0.2, 0.1]}, "notes": []},
            image=image,
            spot_diameter=spot_diameter,
        )

    return make


@pytest.fixture(scope="session")
def make_scaled_result(make_result) -> Callable[..., TRSMIResult]:
    """Make a result with its stripes at scale 1, other domains below: one goes, and another comes.

    At 0.5 the last stripe belongs to the first, at 0 every fifth spot is a domain "new".
    """

    def make(**given: Any) -> TRSMIResult:
        result = make_result(**given)
        own = [*result.domains.cat.categories]
        names = [*own, "new"]
        stripes = np.asarray(result.domains.cat.codes, dtype=np.intp)
        fewer = np.where(stripes == len(own) - 1, 0, stripes)
        dotted = np.where(np.arange(len(stripes)) % 5 == 0, len(own), stripes)
        codes = {0.0: dotted, 0.5: fewer, 1.0: stripes}
        spots = result.domains.index
        return replace(
            result,
            domains_by_scale=pd.DataFrame(
                {scale: pd.Categorical.from_codes(at, names) for scale, at in codes.items()}, spots
            ),
            confidence_by_scale=pd.DataFrame(
                {0.0: 0.2, 0.5: 0.4, 1.0: result.confidence}, spots, dtype=np.float32
            ),
            record={**result.record, "scale": 1.0},
        )

    return make


@pytest.fixture(scope="session")
def make_sections() -> Callable[..., dict[str, dict[str, AnnData]]]:
    """Make sections of three domains in stripes, each of its own widths, depth and gains.

    The column ``truth`` has the domains. The proteins of every section are there to compare with;
    a test leaves out what a section is to lack.
    """

    def make(
        *, side: int = 14, seed: int = 0, shares: Mapping[str, Sequence[float]] | None = None
    ) -> dict[str, dict[str, AnnData]]:
        rng = np.random.default_rng(seed)
        tissue = {name: rng.gamma(0.5, 2.0, (3, n)) for name, n in (("rna", 40), ("adt", 12))}
        made: dict[str, dict[str, AnnData]] = {}
        wanted = shares or {"a": (0.4, 0.3, 0.3), "b": (0.2, 0.4, 0.4), "c": (0.3, 0.5, 0.2)}
        for section, widths in wanted.items():
            x, y = (axis.ravel() for axis in np.meshgrid(np.arange(side), np.arange(side)))
            truth = np.searchsorted(np.cumsum(widths) * side, x + 0.5).clip(max=2)
            depth = rng.uniform(1.0, 3.0)
            made[section] = {}
            for name, means in tissue.items():
                gain = rng.lognormal(0, 0.4, means.shape[1])
                counts = rng.poisson(depth * gain * (means[truth] + 0.5)).astype(np.float32)
                made[section][name] = AnnData(
                    X=sp.csr_matrix(counts),
                    obs=pd.DataFrame(
                        {"truth": pd.Categorical.from_codes(truth, list("xyz"))},
                        index=[f"{section}{spot}" for spot in range(side**2)],
                    ),
                    var=pd.DataFrame(index=[f"{name}{i}" for i in range(means.shape[1])]),
                    obsm={"spatial": np.column_stack([x, y]) * 100.0},
                )
        return made

    return make


@pytest.fixture(scope="session")
def installed_plugins() -> None:
    """Let napari find the plugins that are installed, as its window does when it opens."""
    from napari.plugins import _initialize_plugins

    _initialize_plugins()


@pytest.fixture
def real_window() -> None:
    """Skip where nothing can be drawn: an offscreen Qt has no OpenGL."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        pytest.skip("needs a display; scripts/test brings one (xvfb-run)")
    if os.environ.get("QT_QPA_PLATFORM") in {"offscreen", "minimal"}:
        pytest.skip("QT_QPA_PLATFORM has no OpenGL; unset it")


@pytest.fixture(scope="session")
def no_warnings() -> Callable[[], AbstractContextManager[None]]:
    """Make a context in which every warning is an error."""

    @contextmanager
    def make() -> Iterator[None]:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # anndata 0.13 asks for two, and pandas 3.1 says that they will go.
            warnings.filterwarnings("ignore", r"The '[\w.]+' option is deprecated")
            yield

    return make


@pytest.fixture
def no_figure_windows() -> None:
    """Let pyplot draw in memory, whatever was imported before."""
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Find the folder of real data sets; skip where it is absent."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("NAPARI_TRSMI_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}; set NAPARI_TRSMI_DATA to their folder")
    return folder


class Zenodo(http.server.ThreadingHTTPServer):
    """A record's list of files and the files, with Range, and with faults to order.

    The record is ``"praga"``. Its files are those that a test puts into `files`.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.files: dict[str, bytes] = {}
        self.described: dict[str, dict[str, object]] = {}
        self.cut: list[int] = []  # bytes after which each of the next answers breaks off
        self.status: list[int] = []  # of the next answers, instead of the file
        self.hold: int | None = None  # bytes after which an answer waits for `go_on`
        self.silent = False  # an answer waits for `go_on`, and so does its first byte
        self.go_on = threading.Event()
        self.ranged = True
        self.redirect: str | None = None  # where a file is said to be
        self.asked: list[tuple[str, str | None]] = []

    def record(self) -> dict[str, object]:
        base = f"{self.address}/api/records/{RECORD}/files"
        return {
            "files": [
                {
                    "key": key,
                    "size": len(content),
                    "checksum": f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}",
                    "links": {"self": f"{base}/{key}/content"},
                }
                | self.described.get(key, {})
                for key, content in self.files.items()
            ]
        }

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


class Answer(http.server.BaseHTTPRequestHandler):
    server: Zenodo

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append((self.path, asked))
        if self.server.silent:
            self.server.go_on.wait(20)
        if self.path == f"/api/records/{RECORD}":
            return self._send(200, json.dumps(self.server.record()).encode())
        if self.server.redirect is not None and self.path.endswith("/content"):
            self.send_response(302)
            self.send_header("Location", self.server.redirect)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if self.server.status:
            return self._send(self.server.status.pop(0), b"")
        name = self.path.split("/")[-2]
        if name not in self.server.files:
            return self._send(404, b"")
        content = self.server.files[name]
        start = int(asked.removeprefix("bytes=")[:-1]) if asked and self.server.ranged else 0
        return self._send(206 if start else 200, content[start:])

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.path.endswith("/content") and self.server.cut:
            content = content[: self.server.cut.pop(0)]
        if self.path.endswith("/content") and self.server.hold is not None:
            self.wfile.write(content[: self.server.hold])
            self.server.go_on.wait(20)
            content = content[self.server.hold :]
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def zenodo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Zenodo]:
    """Run a server on this machine that answers as Zenodo does."""
    monkeypatch.setattr(fetching, "_PAUSE", 0.01)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Zenodo()
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.02))
    thread.start()
    yield server
    server.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a real disk of 1 MB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk on Linux")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)],  # noqa: S607
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)  # noqa: S607
