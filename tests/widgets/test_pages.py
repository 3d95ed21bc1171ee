"""Which pages are made when, that a page made late knows what came before, and what pages ask of one another."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QApplication

from napari_wsss.core.progress import Progress
from napari_wsss.widgets.keys import actions as actions_module
from napari_wsss.widgets.pages import PAGES, TABS, WIDTH, Pages


@pytest.fixture
def pages(session, sync, actions, qtbot):
    made = Pages(session, sync, actions)
    qtbot.addWidget(made)
    made.resize(380, 700)
    return made


def test_a_page_is_made_when_it_is_first_shown_or_asked_for(pages, qtbot):
    assert pages.made == []
    pages.show()
    assert pages.made == ["Project"]
    pages.bring("Stats")
    assert pages.made == ["Project", "Stats"]
    assert pages.export is pages.export
    assert pages.made == ["Project", "Stats", "Export"]
    for name in PAGES:
        pages.bring(name)
    assert pages.made == list(PAGES)
    assert all(pages.widget(number).widget().isVisibleTo(pages.widget(number)) for number in range(len(PAGES)))


def test_no_page_that_is_made_later_makes_the_panel_wider(pages):
    pages.show()
    before = pages.minimumSizeHint().width()
    for name in PAGES:
        pages.bring(name)
        assert pages.minimumSizeHint().width() <= before, name


def test_every_tab_is_in_sight_also_with_larger_letters(pages):
    pages.show()
    bar = pages.tabBar()
    for size in (11, 16):
        bar.setStyleSheet(TABS.replace("11px", f"{size}px"))
        pages.resize(345, 700)
        QApplication.processEvents()
        assert pages.width() == 345
        assert bar.tabRect(len(PAGES) - 1).right() <= bar.width() <= 345
        assert [bar.tabToolTip(number) for number in range(len(PAGES))] == list(PAGES)


def test_tabs_fill_their_line_to_its_end(pages):
    pages.show()
    for width in (345, 480):
        pages.resize(width, 700)
        QApplication.processEvents()
        assert pages.tabBar().tabRect(len(PAGES) - 1).right() == width - 1


def test_long_names_widen_no_page(pages, session, settle):
    pages.show()
    for name in session.table.classes.names:
        session.class_list.rename(
            name, f"{name}, of which the longest name is known (Vanellus vanellus), dense undergrowth"
        )
    for name in PAGES:
        pages.bring(name)
        settle(session)
        QApplication.processEvents()
        layout = pages.widget(PAGES.index(name)).widget().layout()
        assert layout.totalMinimumSize().width() <= WIDTH, name


def test_pages_ask_for_one_another(pages, session):
    pages.clusters.page_wanted.emit("Refine", "project")
    assert pages.currentIndex() == PAGES.index("Refine")
    assert pages.refine.scope.currentData() == "project"
    pages.project.offered.emit()
    assert pages.currentIndex() == PAGES.index("Project")
    pages.statistics.disagreement.wanted.emit("p2.png")
    assert session.shown_id == "p2.png"
    asked = []
    pages.strip_wanted.connect(lambda: asked.append(1))
    pages.review.queue.strip.click()
    assert asked == [1]


def test_a_threshold_moved_by_keys_is_kept_without_the_refine_page(pages, session, actions, monkeypatch, qtbot):
    assert "Refine" not in pages.made
    before, plan = session.sliders.threshold, session.plan
    actions.run("threshold_up")
    qtbot.waitUntil(lambda: not session.sliders.is_trying, timeout=20000)
    assert session.plan != plan
    assert session.sliders.threshold == pytest.approx(before + actions_module.THRESHOLD_STEP)
    assert pages.refine.undo.isEnabled()


def test_a_training_page_made_late_shows_what_runs(pages, session, monkeypatch):
    monkeypatch.setattr(type(session.training), "running", property(lambda self: True))
    session.training.progress = Progress("train", 3, 12, metrics={"loss": 0.5})
    page = pages.train
    assert (page.bar.value(), page.bar.maximum()) == (3, 12)
    assert page.plot.series["loss"].values == [0.5]
    assert page.stop.isEnabled()
    assert not page.start.isEnabled()
