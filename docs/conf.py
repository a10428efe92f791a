"""The documentation as a site: python -m sphinx -W -b html docs docs/_build/html."""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import Any

project = "napari-trsmi"
author = "The napari-trsmi developers"
copyright = "2026, the napari-trsmi developers"  # noqa: A001 (Sphinx's name)
version = release = version_of("napari-trsmi")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

html_theme = "sphinx_book_theme"
html_title = "napari-trsmi"
html_theme_options = {
    "repository_url": "https://github.com/napari-trsmi/napari-trsmi",
    "path_to_docs": "docs",
    "use_repository_button": True,
}

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
# Notebooks are committed without outputs, so that these are those of the code beside them.
nb_execution_mode = "auto"
nb_execution_raise_on_error = True
nb_execution_timeout = 300

autosummary_generate = True
autodoc_default_options = {"members": True, "undoc-members": False}
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False


def _list_parameters(
    _app: object, _what: str, name: str, _object: object, _options: object, lines: list[str]
) -> None:
    """Write the parameters of a run, which are fields and no arguments, under `Config`."""
    from napari_trsmi import Config

    if name != "napari_trsmi.Config":
        return
    lines += ["", ".. list-table::", "   :header-rows: 1", ""]
    rows = [("field", "default", "what")]
    rows += [
        (f"``{field}``", f"``{info.default!r}``", str(info.description))
        for field, info in Config.model_fields.items()
    ]
    for first, *others in rows:
        lines += [f"   * - {first}", *(f"     - {cell}" for cell in others)]
    lines.append("")


def setup(app: Any) -> None:
    """Tell Sphinx of the above."""
    app.connect("autodoc-process-docstring", _list_parameters)
