"""The next step is said, and its button asks for it."""

import pytest

from napari_wsss.session.next_step import NextStep
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.next_line import LINES, NextLine


@pytest.fixture
def line(session, qtbot):
    made = NextLine(session)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def test_it_follows_the_session_in_the_same_room(line, session, qtbot):
    assert line.step.verb == "review"
    height = line.sizeHint().height()
    for image_id in session.queue.ids():
        session.navigation.go_to(image_id)
        session.decisions.accept(and_next=False)
    qtbot.waitUntil(lambda: line.step.verb == "export", timeout=20000)
    session.close_project()
    qtbot.waitUntil(lambda: line.step.verb == "new", timeout=20000)
    assert "Drop a folder" in line.text.text()
    assert line.sizeHint().height() == height


def test_the_button_asks_for_the_step(line, qtbot):
    with qtbot.waitSignal(line.wanted) as asked:
        line.do.click()
    assert asked.args == [line.step]


def test_a_long_sentence_is_shortened_to_its_two_lines_and_whole_in_the_tooltip(line, monkeypatch):
    line.resize(330, 60)
    line.show()
    long = NextStep("You corrected 31 % of pixels since the last model and there is more to say of that. " * 3)
    monkeypatch.setattr(type(line._session.next_steps), "step", property(lambda _: long))
    line.refresh()
    assert line.text.text().endswith(" …")
    assert line._lines(line.text.text()) == LINES
    assert "more to say" in line.text.toolTip()
    shown = line.text.text()
    line.resize(700, 60)
    assert len(line.text.text()) > len(shown)
