"""The queue list reads only what is drawn, and draws again what changed."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_wsss.project.catalog import Catalog
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.review.queue_model import EDITED, KEPT_RECORDS, PICTURE, REASONS, RECORD, QueueModel
from tests.session.conftest import CLASSES

MANY = 3000


@pytest.fixture
def model(session):
    made = QueueModel(session)
    yield made
    let_go(made)


def test_rows_are_the_queue(model, session):
    assert model.rowCount() == 6
    assert model.image_at(2) == "p2.png"
    assert model.data(model.index(0)).startswith("p0.png")
    assert model.data(model.index(0), RECORD).labels == {"red", "green"}
    assert "red" in model.data(model.index(0), Qt.ItemDataRole.ToolTipRole)
    assert not model.data(model.index(0), Qt.ItemDataRole.DecorationRole).isNull()
    assert model.row_shown() == 0
    session.navigation.set_search("state:accepted")
    assert (model.rowCount(), model.row_shown()) == (0, None)


def test_rows_say_why_and_how_much_was_edited(model, session):
    session.project.catalog.set_mask_facts("p1.png", 0.12, None)
    session.project.catalog.set_score("p1.png", 0.41)
    session.navigation.set_order("uncertainty")
    row = session.navigation.queue.position("p1.png")
    assert model.data(model.index(row), REASONS).startswith("unsure 41 %")
    assert model.data(model.index(row), EDITED) == "edited 12 %"


def test_a_decision_redraws_its_row(model, session, qtbot):
    assert "to do" in model.data(model.index(1), Qt.ItemDataRole.ToolTipRole)
    session.navigation.go_to("p1.png")
    with qtbot.waitSignal(model.dataChanged) as seen:
        session.decisions.skip()
    assert seen.args[0].row() == 1
    assert "skipped" in model.data(model.index(1), Qt.ItemDataRole.ToolTipRole)


def test_pictures_come_later_and_follow_the_plan(model, session, qtbot):
    with qtbot.waitSignal(model.pictures_changed):
        assert model.data(model.index(3), PICTURE) is None
    before = model.data(model.index(3), PICTURE)
    assert before.shape == (24, 32, 3)
    with qtbot.waitSignal(model.pictures_changed):  # a moment after the slider came to rest
        session.parameters.set("refine", "constant_background", {"background_threshold": 0.05}, "project")
    with qtbot.waitSignal(model.pictures_changed):
        assert model.data(model.index(3), PICTURE) is before
    assert (model.data(model.index(3), PICTURE) != before).any()


def test_many_images_are_not_read(empty_session, tmp_path, monkeypatch):
    images = [NewImage(f"p{number:05}.png") for number in range(MANY)]
    Project.create(tmp_path / "many", tmp_path, CLASSES, images).close()
    read = []
    usual = Catalog.get
    empty_session.open_project(tmp_path / "many")
    monkeypatch.setattr(Catalog, "get", lambda self, image_id: read.append(image_id) or usual(self, image_id))
    model = QueueModel(empty_session)
    assert model.rowCount() == MANY
    assert read == []
    for row in range(100, 100 + KEPT_RECORDS + 50):
        model.data(model.index(row))
    assert len(read) == KEPT_RECORDS + 50
    assert len(model._records) == KEPT_RECORDS
    model.touch("p00000.png")  # far away: nothing needs reading
    assert len(read) == KEPT_RECORDS + 50
    let_go(model)


def test_without_a_project_it_is_empty(empty_session):
    model = QueueModel(empty_session)
    assert model.rowCount() == 0
    assert model.row_shown() is None
    let_go(model)
