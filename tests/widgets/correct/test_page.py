"""The page fits a small dock and ends its preview when it is left."""

from __future__ import annotations

import pytest

from napari_wsss.pixels.cleanup import CleanUp
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.correct.page import CorrectPage


@pytest.fixture
def page(session, sync, actions, qtbot):
    made = CorrectPage(session, sync, actions)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def test_it_fits_and_lets_go(page, session, settle, qtbot):
    page.show()
    qtbot.waitExposed(page)
    assert page.layout().totalMinimumSize().width() <= 330
    session.cleaning.ask(CleanUp(smallest=100))
    settle(session)
    assert session.cleaning.preview is not None
    page.hide()
    assert session.cleaning.preview is None
