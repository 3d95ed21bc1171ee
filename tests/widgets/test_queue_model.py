"""The queue list reads only what is drawn, and draws again what changed."""

from __future__ import annotations

from qtpy.QtCore import Qt

from napari_wsss.widgets.queue_model import KEPT_RECORDS, QueueModel


def test_rows_are_the_queue(session):
    model = QueueModel(session)
    assert model.rowCount() == 6
    assert model.image_at(2) == "p2.png"
    assert model.data(model.index(0)).startswith("p0.png")
    assert "red" in model.data(model.index(0), Qt.ItemDataRole.ToolTipRole)
    assert not model.data(model.index(0), Qt.ItemDataRole.DecorationRole).isNull()


def test_a_decision_redraws_its_row(session, qtbot):
    model = QueueModel(session)
    assert "to do" in model.data(model.index(1), Qt.ItemDataRole.ToolTipRole)
    session.go_to("p1.png")
    session.skip()
    with qtbot.waitSignal(model.dataChanged) as seen:
        model.touch("p1.png")
    assert seen.args[0].row() == 1
    assert "skipped" in model.data(model.index(1), Qt.ItemDataRole.ToolTipRole)


class _Many:
    """A queue and catalog of 100,000 images that count what is read."""

    def __init__(self, record):
        self.read, self._record = [], record
        self.queue = self.project = self.catalog = self

    def __len__(self):
        return 100_000

    def at(self, row):
        self.read.append(row)
        return f"p{row}.png"

    def get(self, image_id):
        return self._record


def test_a_hundred_thousand_images_are_not_read(session):
    many = _Many(session.record)
    model = QueueModel(many)
    assert model.rowCount() == 100_000
    assert many.read == []
    for row in range(99_000, 99_000 + 2 * KEPT_RECORDS):
        model.data(model.index(row))
    assert len(many.read) == 1000  # rows that exist
    assert len(model._records) <= KEPT_RECORDS


def test_without_a_project_it_is_empty(empty_session):
    assert QueueModel(empty_session).rowCount() == 0
