from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib._pylab_helpers import Gcf
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgb

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.errors import InputError, OutputError
from napari_trsmi.output.drawing import draw_domains, save_figure
from napari_trsmi.palette import domain_colors

COLORS = {"stroma": "#ff8000", "rim": "#004c80", "unused": "#006633"}


def grid(side, pitch=10.0):
    row, column = np.divmod(np.arange(side**2), side)
    return pitch * np.column_stack([column, row]).astype(float)


def halves(n_spots):
    """The first half stroma, the second half rim."""
    names = np.where(np.arange(n_spots) < n_spots // 2, "stroma", "rim")
    return pd.Series(pd.Categorical(names, categories=list(COLORS)))


def spots_of(figure):
    (spots,) = (c for c in figure.axes[-1].collections if isinstance(c, EllipseCollection))
    return spots


def rendered(figure, panel, place):
    """The colour of the pixel where a panel shows a place, 0 to 1."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())
    column, row = figure.axes[panel].transData.transform(place)
    return pixels[pixels.shape[0] - 1 - int(row), int(column), :3] / 255


def test_spots_have_the_colour_of_their_domain_at_their_place():
    coordinates, domains = grid(10), halves(100)
    figure = draw_domains(coordinates, domains, COLORS)
    for spot in (0, 9, 35, 64, 99):
        expected = to_rgb(COLORS[domains[spot]])
        assert rendered(figure, 0, coordinates[spot]) == pytest.approx(expected, abs=0.01)
    assert rendered(figure, 0, (5.0, 5.0)) == pytest.approx([1, 1, 1])  # between four spots


def test_bins_are_squares_that_fill_the_tissue():
    coordinates, domains = grid(10), halves(100)
    figure = draw_domains(coordinates, domains, COLORS, spot_diameter=10.0, square_spots=True)
    corner = rendered(figure, 0, (5.0, 5.0))  # between four bins of one domain
    assert corner == pytest.approx(to_rgb(COLORS["stroma"]), abs=0.05)


def test_y_points_down_and_the_aspect_is_equal():
    (panel,) = draw_domains(grid(10) * [2, 1], halves(100), COLORS).axes
    lower, upper = panel.get_ylim()
    assert lower > upper
    assert panel.get_aspect() == 1
    assert not panel.axison


@pytest.mark.parametrize("scale", [0.5, 1.0, 12.0])
def test_image_is_in_register_with_the_spots(scale):
    """A dark square in the image shows at the place of the one spot that is there."""
    coordinates = grid(10) + 40
    side = int(200 * scale)
    pixels = np.full((side, side, 3), 255, dtype=np.uint8)
    columns = slice(int(64 * scale), int(76 * scale) + 1)
    rows = slice(int(104 * scale), int(116 * scale) + 1)
    pixels[rows, columns] = 0  # around x = 70, y = 110
    image = TissueImage(pixels, scale)
    figure = draw_domains(coordinates, halves(100), COLORS, image=image)
    assert len(figure.axes) == 2
    assert rendered(figure, 0, (70, 110)) == pytest.approx([0, 0, 0], abs=0.05)
    for beside in ((70, 97), (70, 123), (57, 110), (83, 110), (110, 70)):
        assert rendered(figure, 0, beside) == pytest.approx([1, 1, 1], abs=0.05)
    between_spots = rendered(figure, 1, (75, 105))
    assert between_spots == pytest.approx([0.65] * 3, abs=0.05)  # dimmed under the domains


def test_image_that_does_not_reach_the_spots_is_left_out():
    image = TissueImage(np.zeros((20, 20, 3), dtype=np.uint8))
    figure = draw_domains(grid(10) + 500, halves(100), COLORS, image=image)
    assert rendered(figure, 0, (545, 545)) == pytest.approx([1, 1, 1])


def test_legend_has_name_count_and_percent_of_the_domains_that_are_there():
    domains = halves(100)
    domains[:10] = None
    figure = draw_domains(grid(10), domains, COLORS, title="Kidney")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "stroma   40 (40%)",
        "rim   50 (50%)",
    ]
    assert figure.axes[0].get_title(loc="left") == "Kidney"


def test_names_of_domains_are_no_formulas(tmp_path):
    names = [r"$\frac$", "a_b $x"]
    domains = pd.Series(pd.Categorical.from_codes([0, 0, 1, 1], names))
    figure = draw_domains(
        grid(2), domains, dict(zip(names, ["red", "blue"], strict=True)), title="$\\"
    )
    save_figure(figure, tmp_path / "f.png")
    assert (tmp_path / "f.png").stat().st_size > 1000


def test_spots_without_domain_are_not_drawn():
    coordinates, domains = grid(10), halves(100)
    domains[3] = None
    figure = draw_domains(coordinates, domains, COLORS)
    assert len(spots_of(figure).get_offsets()) == 99
    assert rendered(figure, 0, coordinates[3]) == pytest.approx([1, 1, 1])


@pytest.mark.parametrize(
    ("spot_diameter", "drawn"), [(None, 10.0), (8.5, 8.5), (0.1, 7.5), (400.0, 10.0)]
)
def test_spots_neither_vanish_nor_hide_each_other(spot_diameter, drawn):
    figure = draw_domains(grid(10), halves(100), COLORS, spot_diameter=spot_diameter)
    assert spots_of(figure).get_widths() == pytest.approx(drawn)


def test_many_spots_merge_into_areas_without_gaps():
    coordinates = grid(110)
    figure = draw_domains(coordinates, halves(len(coordinates)), COLORS)
    between = coordinates[110 * 20 + 20] + 5
    assert rendered(figure, 0, between) == pytest.approx(to_rgb(COLORS["stroma"]), abs=0.02)


@pytest.mark.parametrize("n_spots", [1, 2])
def test_spots_all_at_one_place_can_be_drawn(n_spots):
    coordinates = np.full((n_spots, 2), 7.0)
    figure = draw_domains(coordinates, halves(n_spots), COLORS)
    assert rendered(figure, 0, (7, 7)) == pytest.approx(to_rgb(COLORS["rim"]), abs=0.01)


def test_pyplot_keeps_no_figure():
    before = Gcf.get_num_fig_managers()
    draw_domains(grid(5), halves(25), COLORS)
    assert Gcf.get_num_fig_managers() == before


@pytest.mark.parametrize(
    ("coordinates", "domains", "colors", "message"),
    [
        (grid(3), halves(8), COLORS, r"shape \(9, 2\), but 8 domains need \(8, 2\)"),
        (grid(3)[:, :1], halves(9), COLORS, r"shape \(9, 1\)"),
        (grid(3), pd.Series(["a"] * 9), COLORS, "not categorical"),
        (grid(3), pd.Series(pd.Categorical([None] * 9, ["rim"])), COLORS, "No spot has a domain"),
        (grid(3), halves(9), {"rim": "red"}, "Domain 'stroma' has no colour"),
    ],
)
def test_what_cannot_be_drawn_says_why(coordinates, domains, colors, message):
    with pytest.raises(InputError, match=message):
        draw_domains(coordinates, domains, colors)


@pytest.mark.parametrize(
    ("name", "begins"), [("a.png", b"\x89PNG"), ("b.PDF", b"%PDF"), ("c.svg", b"<?xml")]
)
def test_figure_is_saved_in_the_format_of_its_suffix(tmp_path, name, begins):
    colors = domain_colors(list(COLORS))
    path = save_figure(draw_domains(grid(5), halves(25), colors), tmp_path / name)
    assert path.read_bytes().startswith(begins)
    assert list(tmp_path.iterdir()) == [path]


def test_failure_while_saving_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "domains.png"
    path.write_bytes(b"old")
    figure = draw_domains(grid(5), halves(25), COLORS)

    def fail(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(MemoryError):
        save_figure(figure, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["domains.bmp", "missing/domains.png"])
def test_figure_that_cannot_be_saved_says_why(tmp_path, name):
    with pytest.raises(OutputError, match=r"domains\.(bmp|png)"):
        save_figure(draw_domains(grid(3), halves(9), COLORS), tmp_path / name)
