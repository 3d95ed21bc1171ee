"""The search line completes words, searches a moment after typing, and says what it does not understand."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_wsss.widgets.review.search_field import SearchField


@pytest.fixture
def field(session, qtbot):
    made = SearchField(session)
    qtbot.addWidget(made)
    made.show()
    return made


def test_typing_searches_a_moment_later(field, session, qtbot):
    qtbot.keyClicks(field, "p2")
    assert session.navigation.queue.search == ""
    qtbot.waitUntil(lambda: session.navigation.queue.search == "p2")
    assert session.navigation.queue.ids() == ["p2.png"]
    field.setText("p2 sta")  # may become state:
    field._search_quietly()
    assert session.navigation.queue.search == "p2"
    field.clear()
    assert len(session.navigation.queue) == 6


def test_words_are_completed(field, session, qtbot):
    qtbot.keyClicks(field, "p1 cla")
    popup = field.completer_.popup()
    assert popup.isVisible()
    assert field._words.stringList() == ["class:"]
    qtbot.keyClick(popup, Qt.Key.Key_Down)
    qtbot.keyClick(popup, Qt.Key.Key_Return)
    assert field.text() == "p1 class:"
    assert field._words.stringList() == ["class:red", "class:green", "class:blue"]
    field.take("class:green")
    assert field.text() == "p1 class:green "
    assert session.navigation.queue.search == "p1 class:green"
    assert session.navigation.queue.ids() == ["p1.png"]


def test_a_word_that_is_not_whole_waits_and_return_says_what_is_wrong(field, session, qtbot):
    failures, problems = [], []
    session.signals.failed.connect(failures.append)
    field.problem.connect(problems.append)
    qtbot.keyClicks(field, "state:nonsense")
    qtbot.waitUntil(lambda: bool(problems))
    assert "nonsense" in problems[-1]
    assert (failures, session.navigation.queue.search) == ([], "")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert "nonsense" in failures[0]
    assert not field.hasFocus()


def test_escape_leaves_with_what_is_searched_for(field, session, qtbot):
    session.navigation.set_search("p1")
    field.refresh()
    assert field.text() == "p1"
    qtbot.keyClicks(field, " state:x")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "p1"
    assert session.navigation.queue.search == "p1"
    session.close_project()
    field.refresh()
    assert field.text() == ""
