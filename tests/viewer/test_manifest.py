"""What napari is told about the package."""

from __future__ import annotations

import subprocess
import sys
from fnmatch import fnmatch
from importlib.resources import files
from xml.etree import ElementTree

import pytest
from napari._app_model.constants import MenuId
from npe2 import PluginManager, PluginManifest


@pytest.fixture(scope="module")
def manifest():
    return PluginManifest.from_distribution("napari-trsmi")


def test_npe2_finds_it_valid():
    ran = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", "napari-trsmi"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_command_leads_to_something_callable(manifest):
    manifest.validate_imports()
    for command in manifest.contributions.commands:
        registry = PluginManager.instance().commands
        assert command.python_name
        assert callable(registry.get(command.id) if command.id in registry else command.exec)


def test_every_command_is_used_once(manifest):
    points = manifest.contributions
    used = [
        contribution.command
        for kind in (points.widgets, points.readers, points.sample_data)
        for contribution in kind
    ]
    used += sorted({writer.command for writer in points.writers})
    listed = {item.command for items in points.menus.values() for item in items}
    used += sorted(listed - set(used))  # those that only a menu has
    assert sorted(used) == sorted(command.id for command in points.commands)


def test_menus_are_ones_that_plugins_may_use(manifest):
    menus = manifest.contributions.menus
    layers = {f"napari/layers/{menu}" for menu in ("classify", "register", "visualize")}
    assert set(menus) == {*layers, "napari/file/io_utilities"}
    assert set(menus) <= {str(menu) for menu in MenuId.contributables()}


def test_the_icon_is_a_picture(manifest):
    package, _, name = manifest.icon.partition(":")
    root = ElementTree.fromstring((files(package) / name).read_text(encoding="utf-8"))  # noqa: S314
    assert root.tag.endswith("svg")


def test_files_that_the_reader_is_asked_for(manifest):
    (reader,) = manifest.contributions.readers
    assert reader.accepts_directories
    for name in ("a.h5ad", "a.h5mu", "a.zarr"):
        assert any(fnmatch(name, pattern) for pattern in reader.filename_patterns)


def test_the_entries_are_in_the_windows_menus(make_napari_viewer):
    from napari._app_model import get_app_model

    make_napari_viewer()
    menus = get_app_model().menus

    def titles(menu):
        return [getattr(item.command, "title", "") for item in menus.get_menu(menu)]

    assert "Integrate (TRSMI)" in titles("napari/layers/classify")
    assert "Domains (TRSMI)" in titles("napari/layers/visualize")
    assert "Open section (TRSMI)" in titles("napari/file/io_utilities")
    assert "Public data (TRSMI)" in titles("napari/file/io_utilities")
    assert "Landmarks (TRSMI)" in titles("napari/layers/register")
    assert len(titles("napari/plugins/napari-trsmi")) == 6
    assert len(titles("napari/file/samples/napari-trsmi")) == 4
