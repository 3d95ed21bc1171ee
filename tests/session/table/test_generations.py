"""Generations are made while a project is open, by time and by number of decisions."""

from __future__ import annotations

from napari_wsss.project.backups import BACKUPS, list_backups
from napari_wsss.session.table import generations
from napari_wsss.session.table.generations import Generations
from tests.session.conftest import Sitting


def test_by_time_and_by_decisions(sitting: Sitting) -> None:
    project, now = sitting.session.project, [0.0]
    assert project is not None
    made = Generations(project, sitting.session.jobs, lambda: now[0])

    def count() -> int:
        sitting.settle()
        return len(list_backups(project.folder / BACKUPS))

    first = count()
    project.set_note("p0.png", "one")
    made.look()
    for _ in range(generations.DECISIONS):
        made.decided()
    assert count() == first, "not twice within seconds"
    now[0] = generations.LEAST_SECONDS
    made.decided()
    assert count() == first + 1
    project.set_note("p0.png", "two")
    now[0] += generations.SECONDS - 1
    made.look()
    assert count() == first + 1
    now[0] += 1
    made.look()
    assert count() == first + 2
    now[0] += generations.SECONDS
    made.look()
    assert count() == first + 2, "nothing changed"


def test_deciding_and_saving_look(sitting: Sitting, monkeypatch) -> None:
    table = sitting.session.table
    assert table is not None
    before = len(list_backups(table.project.folder / BACKUPS))
    monkeypatch.setattr(generations, "SECONDS", 0.0)
    sitting.paint(1)
    sitting.session.flush()
    sitting.settle()
    assert len(list_backups(table.project.folder / BACKUPS)) > before
