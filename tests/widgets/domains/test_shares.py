import pytest
from napari.components import ViewerModel

from napari_trsmi import add_domains, integrate
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.widgets.domains.shares import SharesPanel

FEW = {"n_domains": 3, "all_scales": False, "n_components": 10, "spatial_neighbors": 4}


@pytest.fixture(scope="module")
def sections(make_sections):
    made = make_sections()
    return {"a": made["a"], "b": {"rna": made["b"]["rna"]}}


@pytest.fixture(scope="module")
def result(sections):
    return integrate(sections, **FEW)


@pytest.fixture
def panel(qtbot):
    panel = SharesPanel()
    qtbot.addWidget(panel)
    return panel


@pytest.fixture
def viewer():
    return ViewerModel()


def bars(panel):
    return [bar.get_width() for bar in panel.canvas.figure.axes[0].patches]


def test_a_bar_a_section_and_the_same_as_a_table(panel, viewer, result):
    panel.follow(domain_layer(add_domains(viewer, result)))

    assert panel.has_sections
    shares = result.domain_shares()
    assert bars(panel) == pytest.approx(list(100 * shares.to_numpy().T.ravel()))
    labels = [text.get_text() for text in panel.canvas.figure.axes[0].get_yticklabels()]
    assert labels == ["a", "b"]
    assert panel.table.rowCount() == (shares > 0).sum().sum()
    first = [panel.table.text_at(0, column) for column in range(4)]
    count = (result.of_section("a").domains == "1").sum()
    assert first == ["a", "1", str(count), f"{100 * shares.loc['a', '1']:.1f}"]


def test_edits_are_followed(panel, viewer, result):
    domains = domain_layer(add_domains(viewer, result))
    panel.follow(domains)

    domains.edits.merge(["1", "2"])

    assert len(bars(panel)) == 4  # two domains in two sections
    assert sum(bars(panel)) == pytest.approx(200)


def test_a_run_of_one_section_has_no_shares(panel, viewer, sections):
    alone = integrate(sections["a"], **FEW)
    panel.follow(domain_layer(add_domains(viewer, alone)))

    assert not panel.has_sections
    assert panel.table.rowCount() == 0
    assert not panel.canvas.figure.axes
