"""The last decisions and the way back to their images."""

from __future__ import annotations

from qtpy.QtCore import Qt

from napari_wsss.widgets.review.decision_list import DecisionList


def test_decisions_are_listed_and_lead_to_their_images(session, actions, qtbot):
    listed = DecisionList(session, actions)
    qtbot.addWidget(listed)
    listed.show()
    assert listed.count() == 0
    actions.run("accept")
    actions.run("skip")
    listed.refresh()
    assert [listed.item(row).text()[7:] for row in range(2)] == ["skipped p1.png", "accepted p0.png"]
    assert session.table.image_id == "p2.png"
    place = listed.visualItemRect(listed.item(1)).center()
    qtbot.mouseClick(listed.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.table.image_id == "p0.png"
    actions.run("undo_decision")
    listed.refresh()
    assert listed.item(0).font().strikeOut()
    assert "taken back" in listed.item(0).text()
    session.close_project()
    listed.refresh()
    assert listed.count() == 0
