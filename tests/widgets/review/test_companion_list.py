"""Companions are shown with their pictures and replaced by a choice among images of the class."""

from __future__ import annotations

import pytest

from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.review.companion_list import IMAGE, CompanionList
from napari_wsss.widgets.review.page import ReviewPage
from tests.session.proposals.test_companions import comparing

__all__ = ["comparing"]


@pytest.fixture
def companions(comparing, session, qtbot):
    made = CompanionList(session)
    qtbot.addWidget(made)
    session.signals.plan_changed.connect(made.refresh)
    session.signals.image_changed.connect(lambda _id: made.refresh())
    return made


def listed(companions):
    return [companions.list.item(row).data(IMAGE) for row in range(companions.list.count())]


def choose(companions, image_id):
    companions.list.setCurrentRow(listed(companions).index(image_id))


def take(companions, new):
    """Type the name of an image into the list that opened, and take it; return what was offered."""
    choice = companions.choice
    offered = choice.matches()
    choice.text.setText(new)
    choice.text.returnPressed.emit()
    assert not choice.isVisible()
    return offered


def test_it_shows_who_accompanies_the_image(companions, session):
    assert not companions.isHidden()
    assert listed(companions) == list(session.companions.chosen.chosen)
    assert not companions.list.item(0).icon().isNull()
    texts = [companions.list.item(row).text() for row in range(companions.list.count())]
    assert {text.split("\n")[1] for text in texts} <= {"red", "green", "green, red"}
    assert companions.remark.text() == "chosen by rule"
    assert not companions.reset.isEnabled()
    session.navigation.go_to("p1.png")
    assert "p1.png" not in listed(companions)


def test_one_is_replaced_and_left_to_the_rule_again(companions, session, settle):
    before = listed(companions)
    assert not companions.replace.isEnabled()
    choose(companions, before[0])
    new = session.companions.candidates()[0]
    companions.replace.click()
    offered = take(companions, new)

    assert listed(companions) == [new, *before[1:]]
    assert not set(offered) & set(before)
    assert companions.remark.text() == "chosen by hand"
    companions.reset.click()
    assert listed(companions) == before
    settle(session)


def test_a_list_that_was_closed_changes_nothing(companions, session):
    before = listed(companions)
    companions.add.click()
    companions.choice.close()

    assert listed(companions) == before
    assert not session.table.plan.companions


def test_one_is_added_or_removed(companions, session, settle):
    before, new = listed(companions), session.companions.candidates()[0]
    companions.add.click()
    take(companions, new)
    assert listed(companions) == [*before, new]
    choose(companions, before[0])
    companions.remove.click()
    assert listed(companions) == [*before[1:], new]
    settle(session)


def test_missing_ones_are_named(companions, session):
    session.companions.set(["p1.png", "p2.png"])
    session.project.image_path("p2.png").unlink()
    companions.refresh()

    assert listed(companions) == ["p1.png"]
    assert "left out p2.png" in companions.remark.text()


def test_a_double_click_goes_there(companions, session):
    wanted = listed(companions)[0]
    companions.list.itemDoubleClicked.emit(companions.list.item(0))

    assert session.table.image_id == wanted


def test_it_is_hidden_while_nothing_is_compared(session, sync, actions, qtbot):
    page = ReviewPage(session, sync, actions)
    qtbot.addWidget(page)

    assert page.companions.isHidden()
    let_go(page)


def test_the_review_page_keeps_it_up_to_date(comparing, session, sync, actions, qtbot, settle):
    page = ReviewPage(session, sync, actions)
    qtbot.addWidget(page)
    assert not page.companions.isHidden()
    session.companions.set(["p3.png"])
    assert listed(page.companions) == ["p3.png"]
    settle(session)
    let_go(page)
