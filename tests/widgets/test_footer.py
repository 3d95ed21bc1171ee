"""The footer decides by mouse."""

from napari_wsss.widgets.footer import Footer


def test_the_footer_decides(actions, session, qtbot):
    footer = Footer(actions)
    qtbot.addWidget(footer)
    footer.next.click()
    assert session.table.image_id == "p1.png"
    footer.previous.click()
    footer.accept.click()
    assert session.project.catalog.get("p0.png").state == "accepted"
    footer.flag.click()
    assert session.table.record.state == "flagged"
    assert footer.accept.toolTip() == "Accept and go on (W)"
    session.own_keys.choose("accept", "Shift-W")
    assert footer.accept.toolTip() == "Accept and go on (Shift+W)"
