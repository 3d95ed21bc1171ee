from __future__ import annotations

from dataclasses import replace

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QToolButton

from napari_wsss.project.image_clusters import ClusterFacts
from napari_wsss.session.gallery.gallery import GalleryRow
from napari_wsss.widgets.clusters.row import ClusterRow
from napari_wsss.widgets.clusters.selection import ClusterSelection
from napari_wsss.widgets.controls.listening import let_go

SHOWN = GalleryRow("red", "1", "red 1", 0, ClusterFacts(14, 7, 6, 0.125), tuple(f"p{n % 6}.png" for n in range(14)))


@pytest.fixture
def made(session, qtbot):
    row = ClusterRow(session, ClusterSelection(), SHOWN)
    qtbot.addWidget(row)
    row.resize(330, 260)
    row.show()
    yield row
    let_go(row)


def test_a_name_is_typed_in_place(made):
    named = []
    made.renamed.connect(named.append)
    QTest.mouseClick(made.name, Qt.MouseButton.LeftButton)
    made.name.setFocus()
    made.name.selectAll()
    QTest.keyClicks(made.name, "sleeping")
    QTest.keyClick(made.name, Qt.Key.Key_Return)
    assert named == ["sleeping"]
    assert made.name.text() == "1"  # until it is renamed
    QTest.keyClicks(made.name, "x")
    QTest.keyClick(made.name, Qt.Key.Key_Escape)
    assert named == ["sleeping"]
    assert made.name.text() == "1"


def test_facts_and_buttons(made):
    acted = []
    made.acted.connect(acted.append)
    assert made.facts.text() == "14 images · 50 % accepted · edited 12 %"
    for button in made.findChildren(QToolButton):
        if button.text() in ("Review", "Parameters", "Split"):
            button.click()
    assert acted == ["review", "parameters", "split"]
    few = made.strip.height()
    made.all_shown.click()
    assert made.strip.height() >= few
    assert len(made.strip._ids) == 14
    made.accept_shown.click()
    assert made.accept.isVisible()
    made.show_row(replace(SHOWN, facts=ClusterFacts(1, 0, 0, None), members=("p0.png",)))
    assert made.facts.text() == "1 image · 0 % accepted"
    assert not made.all_shown.isVisible()
