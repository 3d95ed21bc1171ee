"""The Stats page follows decisions while it is seen, and can be saved."""

from __future__ import annotations

import csv

import pytest
from qtpy.QtGui import QImage

from napari_wsss.session.models.history import Acceptance, edited_of
from napari_wsss.session.models.statistics import Figures
from napari_wsss.widgets import statistics_page
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.statistics_page import StatisticsPage, blocks, summary


@pytest.fixture
def page(session, qtbot):
    made = StatisticsPage(session)
    qtbot.addWidget(made)
    made.resize(340, 700)
    yield made
    let_go(made)


def test_it_reads_only_while_it_is_seen(page, session, settle, qtbot):
    session.decisions.accept()
    settle(session)
    assert page.accepted.points == ()
    page.show()
    settle(session)
    assert [value for _, value in page.accepted.points] == [1.0]
    session.decisions.accept()
    settle(session)
    assert [value for _, value in page.accepted.points] == [1.0, 2.0]
    assert "2 of 6 images accepted (33 %)" in page.summary.text()
    assert page.classes.bars[0] == ("red", 6, 2)
    assert len(page.agreement.points) == 2


def test_picture_and_table_are_written(page, session, settle, monkeypatch, tmp_path):
    assert not page.save_table.isEnabled()
    page.show()
    session.decisions.accept()
    settle(session)
    asked = []

    def choose(_parent, _title, start, _kinds):
        asked.append(start)
        return str(tmp_path / "out"), ""

    monkeypatch.setattr(statistics_page.QFileDialog, "getSaveFileName", choose)
    page.save_picture.click()
    page.save_table.click()
    image = QImage(str(tmp_path / "out.png"))
    assert image.width() == 2 * page.board.width()
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [row["image"] for row in rows] == ["p0.png"]
    assert all(str(session.project.folder) in start for start in asked)
    failures = []
    session.signals.failed.connect(failures.append)
    monkeypatch.setattr(statistics_page.QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "no" / "x.csv"), ""))
    page.save_table.click()
    page.save_picture.click()
    assert len(failures) == 2


def test_without_a_project_it_says_so(empty_session, qtbot):
    page = StatisticsPage(empty_session)
    qtbot.addWidget(page)
    assert "Open a project" in page.summary.text()
    assert not page.save_picture.isEnabled()
    let_go(page)


def test_curves_stay_readable_for_any_number_of_masks():
    def masks(count):
        return tuple(Acceptance(i, 0.0, f"{i}", 0.5, seconds=30.0, person=0.1) for i in range(count))

    assert len(blocks(masks(5), edited_of)) == 5
    assert len(blocks(masks(400), edited_of)) == 20
    assert len(blocks(masks(20000), edited_of)) == 100
    text = summary(Figures(masks(10), states={"todo": 20, "accepted": 10, "excluded": 5}))
    assert "10 of 30 images accepted" in text
    assert "about 10 min of work left" in text
    assert "10 % of all accepted pixels" in text
