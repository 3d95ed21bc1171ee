"""A class to paint is found by its name or its number, and Enter paints it."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, Qt

from napari_wsss.widgets.review.class_popup import ClassPopup


@pytest.mark.parametrize(("typed", "value"), [("blu", 3), ("2", 2), ("ign", 255), ("0", 0), ("255", 255)])
def test_enter_paints_what_was_typed(session, sync, qtbot, typed, value):
    popup = ClassPopup(session, sync)
    qtbot.addWidget(popup)
    popup.open_at(QPoint(0, 0))
    qtbot.keyClicks(popup.text, typed)
    qtbot.keyClick(popup.text, Qt.Key.Key_Return)
    assert sync.value == sync.mask.selected_label == value
    assert not popup.isVisible()
