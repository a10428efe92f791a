"""A part of a dock that folds away, whichever Qt binding draws it."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel

from napari_trsmi.widgets.common.fold import Fold


def test_folds_away_and_back_under_its_heading(qtbot):
    fold = Fold("Advanced", "All other parameters.")
    qtbot.addWidget(fold)
    fold.addWidget(QLabel("inside"))
    assert fold.text() == "▸ Advanced"
    assert fold.toggleButton().toolTip() == "All other parameters."
    fold.show()
    assert not fold.content().isVisible()
    fold.toggleButton().click()
    assert fold.text() == "▾ Advanced"
    assert fold.content().isVisible()
    fold.set_title("More")
    assert fold.text() == "▾ More"
    fold.toggleButton().click()
    assert fold.text() == "▸ More"
    assert not fold.content().isVisible()


def test_the_heading_has_no_picture_beside_its_arrow(qtbot):
    fold = Fold("Notes", "What was matched.")
    qtbot.addWidget(fold)
    fold.show()
    for _ in range(2):
        assert fold.toggleButton().iconSize().isEmpty()
        fold.toggleButton().click()
