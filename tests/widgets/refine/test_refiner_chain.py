"""The list of refiners: titles, ticks, and a refused choice."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QStyle, QStyleOptionViewItem

from napari_wsss.core.errors import StepError
from napari_wsss.session.proposals import planning
from napari_wsss.widgets.dock import BOXES
from napari_wsss.widgets.refine.refiner_chain import METHOD, RefinerChain


@pytest.fixture
def chain(session, qtbot):
    made = RefinerChain(session, session.sliders.keep)
    qtbot.addWidget(made)
    made.refresh()
    return made


def ticked(chain):
    items = [chain.item(row) for row in range(chain.count())]
    return [item.data(METHOD) for item in items if item.checkState() == Qt.CheckState.Checked]


def test_the_plans_steps_come_first_and_are_ticked(chain):
    assert ticked(chain) == ["constant_background"]
    assert chain.item(0).text() == "Constant background"
    assert {chain.item(row).text() for row in range(chain.count())} >= {"Dense CRF", "Class gain"}


def test_a_refused_choice_goes_back(chain, session, qtbot, monkeypatch):
    session.sliders.set_threshold(0.7)

    def refuse(steps):
        raise StepError("not here")

    monkeypatch.setattr(planning, "check_refiners", refuse)
    chain.item(1).setCheckState(Qt.CheckState.Checked)
    qtbot.waitUntil(lambda: ticked(chain) == ["constant_background"], timeout=20000)
    assert not session.sliders.is_trying  # what was tried before is kept
    assert session.sliders.threshold == pytest.approx(0.7)


def test_a_tick_is_seen(chain):
    """With a border of ours around the boxes of a list Qt drew none."""
    chain.setStyleSheet(BOXES)
    chain.resize(300, 120)
    option = QStyleOptionViewItem()
    option.initFrom(chain)
    option.features |= QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator
    boxes = []
    for row in (0, 1):  # ticked, not ticked
        option.rect = chain.visualItemRect(chain.item(row))
        place = chain.style().subElementRect(QStyle.SubElement.SE_ItemViewItemCheckIndicator, option, chain)
        boxes.append(chain.viewport().grab(place).toImage())
    size = boxes[0].size()
    assert size == boxes[1].size()
    places = [(x, y) for x in range(size.width()) for y in range(size.height())]
    differing = sum(boxes[0].pixelColor(*place) != boxes[1].pixelColor(*place) for place in places)
    assert differing > len(places) / 4
