from __future__ import annotations

import sys

import pytest

from trsmi_benchmark import provenance


def test_the_machine_and_the_versions_are_named():
    machine = provenance.machine()
    assert machine["cores"] >= 1
    assert machine["memory_gb"] > 0
    assert machine["processor"]
    assert provenance.versions()["numpy"].startswith("2.")


def test_settings_digest_depends_on_what_and_not_on_the_order():
    one = provenance.settings_digest(a=1, b={"x": [1, 2]})
    assert one == provenance.settings_digest(b={"x": [1, 2]}, a=1)
    assert one != provenance.settings_digest(a=1, b={"x": [2, 1]})


@pytest.fixture
def digest_of(tmp_path, monkeypatch):
    """The digest of a module ``made.one``, of some files."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(provenance, "_OURS", ("made",))
    folder = tmp_path / "made"
    folder.mkdir()

    def digest_of(**files):
        for name in [name for name in sys.modules if name.split(".")[0] == "made"]:
            del sys.modules[name]
        for name, text in {"__init__": "", **files}.items():
            (folder / f"{name}.py").write_text(text)
        provenance.code_digest.cache_clear()
        found = provenance.code_digest("made.one")
        provenance.code_digest.cache_clear()
        return found

    return digest_of


def test_code_digest_sees_code_and_not_words(digest_of):
    plain = digest_of(one='def f(x):\n    """Words."""\n    return x + 1\n')
    assert plain == digest_of(one="# note\ndef f(x):\n    '''Others.'''\n    return (x + 1)\n")
    assert plain != digest_of(one="def f(x):\n    return x + 2\n")


def test_code_digest_follows_what_is_computed_with(digest_of):
    one = (
        "from typing import TYPE_CHECKING\n"
        "from made import two\n"
        "import numpy\n"
        "if TYPE_CHECKING:\n    from made.four import Type\n"
    )
    files = {
        "one": one,
        "two": "def f():\n    from made.three import g\n    return g()\n",
        "three": "x = 1\n",
        "four": "x = 1\n",
    }
    plain = digest_of(**files)
    assert digest_of(**{**files, "four": "x = 2\n"}) == plain
    assert digest_of(**{**files, "three": "x = 2\n"}) != plain
    assert digest_of(**{**files, "two": "x = 2\n"}) != plain


def test_public_names_are_followed_home():
    trsmi = set(provenance.with_imports("trsmi_benchmark.trsmi"))
    assert {"napari_trsmi.integration", "napari_trsmi.config"} <= trsmi
    assert not any(name.startswith("napari_trsmi.data") for name in trsmi)


def test_rivals_do_not_depend_on_the_package():
    for module in ("trsmi_benchmark.rivals.mofa", "trsmi_benchmark.mixture"):
        found = provenance.with_imports(module)
        assert module in found
        assert not any(name.startswith("napari_trsmi") for name in found)
