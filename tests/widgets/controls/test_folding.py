"""Sections fold without taking the keyboard; their arrows say which way and can be seen in any theme."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QLabel, QWidget

from napari_wsss.widgets.controls.basic import column
from napari_wsss.widgets.controls.folding import ARROW, Folded


def ink(section: Folded) -> set[str]:
    image = section.toggleButton().icon().pixmap(ARROW, ARROW).toImage()
    places = ((x, y) for x in range(image.width()) for y in range(image.height()))
    return {image.pixelColor(x, y).name() for x, y in places if image.pixelColor(x, y).alpha() == 255}


@pytest.fixture
def section(qtbot) -> Iterator[Folded]:
    around = QWidget()
    qtbot.addWidget(around)
    made = Folded("More", QLabel("inside"))
    around.setLayout(column(made))
    around.show()
    yield made
    around.close()


def test_it_folds_at_a_click(section) -> None:
    inside = section.findChild(QLabel)
    assert not section.isExpanded()
    closed = section.toggleButton().icon().pixmap(ARROW, ARROW).toImage()
    section.toggleButton().click()
    assert section.isExpanded()
    assert inside.isVisible()
    assert section.toggleButton().icon().pixmap(ARROW, ARROW).toImage() != closed
    assert section.toggleButton().focusPolicy() == Qt.FocusPolicy.NoFocus


def test_arrows_follow_the_theme(section) -> None:
    for text in ("#f0f1f2", "#1e1e21"):
        section.parentWidget().setStyleSheet(f"QWidget {{ color: {text}; }}")
        assert ink(section) == {QColor(text).name()}
