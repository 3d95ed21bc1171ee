"""Photographs that came into the image folder: noticed, looked at, added."""

from pathlib import Path

import pytest

from napari_wsss.session import additions
from tests.session.conftest import write_picture


@pytest.fixture
def more(project_folder: Path) -> Path:
    """Return the project folder, beside whose images lie two new ones, one of which is damaged."""
    photos = project_folder.parent / "images"
    write_picture(photos / "new.png", 9)
    (photos / "cut.png").write_bytes((photos / "new.png").read_bytes()[:20])
    return project_folder


def test_new_pictures_are_noticed_looked_at_and_added_at_the_end(more, sitting_on):
    sitting = sitting_on(more)
    session, said = sitting.session, []
    sitting.settle()
    before = list(session.project.catalog.ids())
    assert (session.additions.count, session.additions.report) == (1, None)
    session.signals.failed.connect(said.append)
    assert not session.additions.add()
    assert "look for them first" in said[-1]

    session.additions.look()
    sitting.settle()
    assert [one.id for one in session.additions.report.images] == ["new.png"]
    assert list(session.additions.report.left_out) == ["cut.png"]
    assert list(session.project.catalog.ids()) == before

    told = []
    session.signals.queue_changed.connect(lambda: told.append(len(session.navigation.queue)))
    assert session.additions.add()
    assert list(session.project.catalog.ids()) == [*before, "new.png"]
    assert session.project.catalog.get("new.png").split in ("train", "val")
    assert told == [len(before) + 1]
    assert (session.additions.count, session.additions.report) == (0, None)


def test_nothing_is_noticed_where_nothing_is_new_or_may_be_added(more, sitting_on, monkeypatch):
    reader = sitting_on(more, read_only=True)
    reader.settle()
    assert reader.session.additions.count == 0
    reader.session.close_project()
    monkeypatch.setattr(additions, "MOST_NOTICED", 1)
    large = sitting_on(more)
    large.settle()
    assert large.session.additions.count == 0
