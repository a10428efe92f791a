"""Imports point down only, and the doors of the house are light.

The floors are those of docs/architecture.md.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

import napari_trsmi

PACKAGE = Path(napari_trsmi.__file__).parent

FLOORS = (
    ("errors",),
    ("atomic", "config", "palette", "requirements"),
    ("spots",),
    ("data",),
    ("preprocessing",),
    ("graphs",),
    ("clustering",),
    ("joint",),
    ("model",),
    ("training",),
    ("scverse", "result", "result_sections"),
    ("assembly",),
    ("prepared", "dealing"),
    ("preparation",),
    ("finding",),
    ("integration",),
    ("analysis", "output"),
    ("tl",),
    ("viewer",),
    ("widgets",),
    ("cli",),
    ("__init__",),
    ("__main__",),
)
"""From the ground up. A room may import from its own floor and those below it."""

SCREEN = {"IPython", "PyQt5", "PyQt6", "PySide6", "magicgui", "napari", "qtpy", "superqt"}
TERMINAL = {"click", "rich"}
TORCH = {"torch"}

NOT_IN = {
    **dict.fromkeys(
        ("atomic", "errors", "palette", "requirements"),
        SCREEN | TERMINAL | TORCH | {"numpy", "pydantic"},
    ),
    **dict.fromkeys(
        ("analysis", "config", "data", "joint", "output", "preprocessing"),
        SCREEN | TERMINAL | TORCH,
    ),
    **dict.fromkeys(
        ("result", "result_sections", "scverse", "spots", "tl"), SCREEN | TERMINAL | TORCH
    ),
    **dict.fromkeys(
        ("clustering", "graphs", "model", "training"),
        SCREEN | TERMINAL,
    ),
    **dict.fromkeys(
        ("assembly", "integration", "preparation", "prepared"),
        SCREEN | TERMINAL,
    ),
    **dict.fromkeys(("dealing", "finding"), SCREEN | TERMINAL),
    "viewer": (SCREEN - {"napari"}) | TERMINAL | TORCH,
    "widgets": TERMINAL | TORCH,
    "cli": (SCREEN - {"napari"}) | TORCH,
}
"""What a room may not import, wherever in a file: not in a function, and not for types either."""

HEAVY = {
    *SCREEN,
    *TORCH,
    *("anndata", "matplotlib", "mudata", "pandas", "scanpy", "scipy", "skimage", "sklearn"),
    *("spatialdata", "squidpy"),
}


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _room(module: str) -> str:
    """``napari_trsmi.data.loading`` lies in ``data``."""
    return module.split(".")[1] if "." in module else "__init__"


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path) -> set[str]:
    """List what a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            assert node.module is not None
            is_package = (
                node.module == "napari_trsmi"
                or (PACKAGE.parent / node.module.replace(".", "/")).is_dir()
            )
            found |= (
                {f"{node.module}.{a.name}" for a in node.names} if is_package else {node.module}
            )
    return found


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    floor_of = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
    room = _room(_name(path))
    imported = _imports(path)
    upward = sorted(
        name
        for name in imported
        if name.startswith("napari_trsmi")
        and floor_of[_room(name) if _room(name) in floor_of else "__init__"] > floor_of[room]
    )
    banned = sorted(name for name in imported if name.split(".")[0] in NOT_IN.get(room, ()))
    assert not upward, f"{room} imports from floors above it"
    assert not banned, f"{room} imports what belongs to another floor"


def test_every_room_is_on_a_floor():
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in _modules()}
    assert rooms <= {room for rooms in FLOORS for room in rooms}


def test_every_folder_is_in_the_architecture():
    described = (PACKAGE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    folders = {f"{path.parent.relative_to(PACKAGE)}/" for path in _modules()} - {"./"}
    assert sorted(folder for folder in folders if f"`{folder}`" not in described) == []


def _places_in_the_architecture() -> list[tuple[str, str]]:
    """Rows of the tables that lead from a question to a file and a name in it."""
    described = (PACKAGE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    return re.findall(r"^\|.*\| `([\w/]+\.py)` \| `(\w+)` \|$", described, re.MULTILINE)


def test_the_architecture_leads_to_what_is_there():
    places = _places_in_the_architecture()
    assert len(places) > 40
    astray = []
    for file, name in places:
        path = (PACKAGE.parents[1] if file.startswith("benchmark/") else PACKAGE) / file
        body = ast.parse(path.read_text(encoding="utf-8")).body if path.is_file() else []
        if name not in {getattr(node, "name", None) for node in body}:
            astray.append(f"{name} in {file}")
    assert astray == []


@pytest.mark.parametrize("word", ["CLR", "Moran", "GPU", "ARI", "BIC", "UMAP", "HVG", "undo"])
def test_the_architecture_is_found_by_the_words_people_use(word):
    described = (PACKAGE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    questions = re.findall(r"^\| (.*\?) \| `", described, re.MULTILINE)
    assert any(word in question for question in questions)


def _loaded_by(*arguments: str) -> set[str]:
    """List the packages that a fresh interpreter has imported when it ends."""
    report = "import atexit, sys; atexit.register(lambda: print('LOADED', *sys.modules))\n"
    code = report + "import runpy; sys.argv = sys.argv[1:]\n" + arguments[0]
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments[1:]], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in ran.stdout.split("LOADED")[1].split()}


HELP = "from napari_trsmi.cli import main; main()"


@pytest.mark.parametrize(
    "arguments",
    [
        ("import napari_trsmi",),
        ("import napari_trsmi; dir(napari_trsmi); napari_trsmi.errors; napari_trsmi.Config()",),
        (HELP, "napari-trsmi", "--help"),
        (HELP, "napari-trsmi", "run", "--help"),
        (HELP, "napari-trsmi", "demo", "--help"),
    ],
    ids=["import", "config", "help", "run-help", "demo-help"],
)
def test_doors_are_light(arguments):
    loaded = _loaded_by(*arguments)
    assert "napari_trsmi" in loaded
    assert not loaded & HEAVY


def test_the_probe_sees_heavy_imports():
    assert "torch" in _loaded_by("import napari_trsmi; napari_trsmi.integrate")


def test_a_run_loads_neither_leiden_nor_the_compiler_of_pytorch():
    """They take as long to load as a small section to run."""
    made = "napari_trsmi.simulate('complementary', n_spots=150)"
    loaded = _loaded_by(f"import napari_trsmi; napari_trsmi.integrate({made}, n_domains=3)")
    assert "torch" in loaded
    assert not loaded & {"igraph", "sympy"}


def _cpu_seconds(*arguments: str) -> float:
    """Return the least of three: CPU time, because other programs slow the clock."""
    resource = pytest.importorskip("resource", reason="needs POSIX resource usage")

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return float(usage.ru_utime + usage.ru_stime)

    def once() -> float:
        before = spent()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        return spent() - before

    return min(once() for _ in range(3))


def test_doors_open_fast():
    bare = _cpu_seconds("-c", "pass")
    assert _cpu_seconds("-c", "import napari_trsmi") - bare < 0.1
    assert _cpu_seconds("-m", "napari_trsmi", "--help") - bare < 1.0


def test_public_names_are_all_there():
    assert set(napari_trsmi.__all__) <= set(dir(napari_trsmi))
    for name in napari_trsmi.__all__:
        assert getattr(napari_trsmi, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = napari_trsmi.nonsense


@pytest.mark.parametrize("name", ["integrate", "load", "simulate", "score"])
def test_functions_stay_functions_after_their_modules_are_imported(name):
    function = getattr(napari_trsmi, name)
    importlib.import_module(function.__module__)
    assert callable(getattr(napari_trsmi, name))
    assert getattr(napari_trsmi, name) is function


def test_version_is_the_installed_one():
    assert importlib.metadata.version("napari-trsmi") == napari_trsmi.__version__


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_are_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
