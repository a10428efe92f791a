from __future__ import annotations

from napari_trsmi.evaluation.benchmark import provenance


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


def test_code_digest_sees_code_and_not_words(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "_PACKAGE", tmp_path)
    (tmp_path / "room").mkdir()
    file = tmp_path / "room" / "a.py"

    def digest(text):
        file.write_text(text)
        provenance.code_digest.cache_clear()
        return provenance.code_digest("room/a.py")

    plain = digest('def f(x):\n    """Words."""\n    return x + 1\n')
    assert plain == digest("# note\ndef f(x):\n    '''Other words.'''\n    return (x + 1)\n")
    assert plain != digest("def f(x):\n    return x + 2\n")
    provenance.code_digest.cache_clear()


def test_code_digest_follows_what_is_computed_with(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "_PACKAGE", tmp_path)
    for folder in ("graphs", "model", "widgets"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("")

    def digest_with(file, text):
        path = tmp_path / file
        before = path.read_text()
        path.write_text(text)
        provenance.code_digest.cache_clear()
        found = provenance.code_digest("model/net.py", "not_there.py")
        path.write_text(before)
        provenance.code_digest.cache_clear()
        return found

    (tmp_path / "model/net.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "from napari_trsmi.graphs import edges\n"
        "from napari_trsmi.widgets import dock\n"
        "if TYPE_CHECKING:\n    from napari_trsmi.graphs.pattern import Pattern\n"
    )
    (tmp_path / "graphs/edges.py").write_text(
        "def f():\n    from napari_trsmi.model.gate import g\n    return g()\n"
    )
    for file in ("graphs/pattern.py", "model/gate.py", "widgets/dock.py"):
        (tmp_path / file).write_text("x = 1\n")
    plain = digest_with("model/gate.py", "x = 1\n")
    assert digest_with("graphs/pattern.py", "x = 2\n") == plain
    assert digest_with("widgets/dock.py", "x = 2\n") == plain
    assert digest_with("model/gate.py", "x = 2\n") != plain
    assert digest_with("graphs/edges.py", "y = 2\n") != plain


def test_a_rival_does_not_depend_on_how_its_embedding_is_clustered():
    def files(*names):
        return set(provenance._with_imports(names))

    mixture = "clustering/mixture.py"
    assert mixture in files(provenance.SCORING_CODE)
    assert "analysis/metrics.py" in files(provenance.SCORING_CODE)
    assert mixture not in files("evaluation/benchmark/rivals/mofa.py", provenance.FEATURES_CODE)
    assert "preprocessing/rna.py" in files(provenance.FEATURES_CODE)
    praga = files("evaluation/benchmark/methods/praga.py")
    assert {"clustering/split_merge.py", "graphs/neighbors.py"} <= praga
    trsmi = files("evaluation/benchmark/methods/trsmi.py")
    assert {"config.py", "model/network.py", "training/loop.py", "graphs/reach.py"} <= trsmi


def test_a_function_has_a_file():
    where = provenance.module_file("napari_trsmi.analysis.metrics:score")
    assert where == "analysis/metrics.py"
    assert provenance.code_digest(where) != provenance.code_digest("palette.py")
