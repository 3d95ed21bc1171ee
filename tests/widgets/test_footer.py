"""The footer decides by mouse."""

from qtpy.QtCore import QEvent, QPoint
from qtpy.QtGui import QHelpEvent
from qtpy.QtWidgets import QApplication

from napari_wsss.widgets.footer import Footer


def test_the_footer_decides(actions, session, qtbot):
    footer = Footer(session, actions)
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


def test_accept_says_what_it_would_do_with_this_image(actions, session, sync, qtbot):
    footer = Footer(session, actions)
    qtbot.addWidget(footer)

    def hover():
        QApplication.sendEvent(footer.accept, QHelpEvent(QEvent.Type.ToolTip, QPoint(1, 1), QPoint(1, 1)))
        return footer.accept.toolTip()

    assert hover().startswith("Accepts the proposal as it is.")
    assert hover().endswith("(W)")
    state = session.project.catalog.get("p0.png")
    sync.mask.data[:] = 3  # blue is no label, red and green are
    session.table.touch()
    session.table.record_change(sync.mask.data)
    assert "your mask; asks once" in hover()
    assert "blue" in hover()
    assert session.mismatch.asked == type(session.mismatch.asked)(), "to look is not to ask"
    assert session.project.catalog.get("p0.png").labels == state.labels


def test_what_can_do_nothing_is_greyed_and_says_why(actions, session, qtbot):
    footer = Footer(session, actions)
    qtbot.addWidget(footer)
    buttons = (footer.previous, footer.next, footer.skip, footer.flag, footer.accept)
    assert all(button.isEnabled() for button in buttons)
    folder = session.project.folder
    session.close_project()
    qtbot.waitUntil(lambda: not any(button.isEnabled() for button in buttons), timeout=20000)
    assert {button.toolTip() for button in buttons} == {"Not now: no project is open."}
    session.open_project(folder, read_only=True)
    qtbot.waitUntil(footer.next.isEnabled, timeout=20000)
    assert [button.isEnabled() for button in buttons] == [True, True, False, False, False]
    assert "read-only" in footer.accept.toolTip()
