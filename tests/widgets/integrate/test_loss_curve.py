import numpy as np
import pytest
from qtpy.QtGui import QColor

from napari_trsmi.widgets.integrate.loss_curve import LossCurve

LINE = "#ff0000"


@pytest.fixture
def curve(qtbot):
    made = LossCurve()
    qtbot.addWidget(made)
    made.resize(300, 100)
    made.set_colors(text="#000000", line=LINE, grid="#00ff00")
    return made


def red_pixels(curve):
    """Rows and columns where the line is."""
    image = curve.grab().toImage()
    size = image.height(), image.width()
    red = np.zeros(size, dtype=bool)
    for row in range(size[0]):
        for column in range(size[1]):
            color = QColor(image.pixel(column, row))
            red[row, column] = color.red() > 200 and color.green() < 80 and color.blue() < 80
    return np.argwhere(red)


def test_without_losses_there_is_a_frame_and_no_line(curve):
    assert len(red_pixels(curve)) == 0


def test_the_line_falls_as_the_loss_does_and_ends_where_the_epochs_are(curve):
    for loss in (3.0, 2.0, 1.0):
        curve.add(loss, 5)
    assert curve.losses == (3.0, 2.0, 1.0)
    line = red_pixels(curve)
    left, right = (line[line[:, 1].argsort()][end] for end in (0, -1))
    assert left[0] < right[0]
    frame = line[:, 1].min(), 300 - 4
    assert line[:, 1].max() == pytest.approx((frame[0] + frame[1]) / 2, abs=5)
    assert "after epoch 3 of 5" in curve.toolTip()


def test_a_saw_tooth_that_falls_is_drawn_falling(curve):
    """Other spots are hidden each epoch, so that the loss goes up and down by far more."""
    for epoch in range(60):
        curve.add(10 - 0.05 * epoch + (2 if epoch % 2 else -2), 60)
    drawn = np.array(curve.smooth[10:])
    assert (np.diff(drawn) < 0).all()


def test_it_starts_anew(curve):
    curve.add(1.0, 2)
    curve.clear()
    assert curve.losses == ()
    assert len(red_pixels(curve)) == 0


@pytest.mark.parametrize("losses", [[0.0], [2.0, 2.0], [-1.0], list(np.geomspace(1, 1e-3, 3000))])
def test_any_losses_can_be_drawn(curve, losses):
    for loss in losses:
        curve.add(loss, len(losses))
    assert len(red_pixels(curve)) > 0
