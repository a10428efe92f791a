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
        return provenance.code_digest("room")

    plain = digest('def f(x):\n    """Words."""\n    return x + 1\n')
    assert plain == digest("# note\ndef f(x):\n    '''Other words.'''\n    return (x + 1)\n")
    assert plain != digest("def f(x):\n    return x + 2\n")
    provenance.code_digest.cache_clear()


def test_a_function_has_a_file():
    where = provenance.module_file("napari_trsmi.evaluation.metrics:score")
    assert where == "evaluation/metrics.py"
    assert provenance.code_digest(where) != provenance.code_digest("palette.py")
