"""The labeler goes home in the middle of an image, comes back, and finds images by searches and orders."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_wsss.project.project import Project
from tests.e2e import mouse
from tests.e2e.correcting import fresh, shown_value
from tests.e2e.desk import Desk


def go_home(desk: Desk) -> None:
    """Paint, look at what the disk alone knows of it, paint on, and close the window before anything else is saved."""
    image_id = fresh(desk)
    desk.copy_all()
    desk.stroke(shown_value(desk), (33, 10), (33, 80), size=5)
    desk.undo()
    desk.redo()
    desk.qtbot.wait(250)  # strokes are written a moment after they end
    with Project.open(desk.diary.folder, read_only=True) as project:
        found = project.masks.working(image_id)
    np.testing.assert_array_equal(found.values, desk.now)
    np.testing.assert_array_equal(found.sources.person, desk.person)
    desk.stroke(0, (60, 10), (60, 80), size=7)
    desk.viewer.close()
    assert desk.session.project is None


def come_back(desk: Desk, left_at: str) -> None:
    """Open the project again: the image that was left is on the table, with every stroke; finish it and the others."""
    desk.look_at("Project")
    mouse.double_click_row(desk.dock.tabs.project.recent, 0)
    desk.until(lambda: desk.session.table is not None and desk.session.table.image is not None)
    desk.arrive()
    assert desk.image_id == left_at
    desk.settle()
    desk.check()
    desk.shot("back")
    desk.stroke(255, (70, 10), (70, 80), size=3)
    desk.accept()
    for image_id in desk.diary.of("draft"):
        desk.go_to(image_id)
        desk.stroke(255, (8, 8), (8, 40), size=5)
        desk.undo()
        desk.accept(asked_twice=asks(desk))
    desk.diary.check_accepted_untouched()


def asks(desk: Desk) -> bool:
    """Return whether the mask leaves out so much of the proposal that accepting it is asked about once."""
    proposed = desk.proposal > 0
    return bool(proposed.any()) and np.count_nonzero(desk.now[proposed]) < 0.5 * np.count_nonzero(proposed)


def by_search(desk: Desk) -> None:
    """Search flagged images, answer one; search undecided ones of a class; clear the search."""
    flagged = desk.diary.of("flagged")
    assert desk.search("state:flagged") == sorted(flagged)
    desk.go_to(flagged[0])
    assert desk.dock.tabs.review.note.text() == desk.page.note
    desk.shot("search")
    desk.flag()
    desk.accept(by=lambda: mouse.click(desk.dock.footer.accept))
    name = desk.session.table.classes.names[0]
    wanted = [one for one in sorted(desk.diary.of("todo", "skipped", "draft")) if name in desk.diary[one].labels]
    assert desk.search(f"state:undecided class:{name}") == wanted
    assert desk.search("whose legs") == [flagged[0]]
    queue = desk.dock.tabs.review.queue
    mouse.write(queue.search, "state:nonsense", end=None)  # not understood: everything stays, and it says so
    desk.until(lambda: "nonsense" in queue.remark.text())
    assert desk.rows == sorted(desk.diary.pages)
    QTest.keyClick(queue.search, Qt.Key.Key_Escape)
    assert desk.search("") == sorted(desk.diary.pages)


def by_order(desk: Desk) -> None:
    """Choose orders; all images stay in the queue, and the order is the one that is shown."""
    everything = sorted(desk.diary.pages)
    for order, check in ORDERS.items():
        rows = desk.order(order)
        assert sorted(rows) == everything
        check(desk, rows)
    desk.order("uncertainty")
    desk.go("U")
    desk.accept()
    assert desk.order("file") == everything


def _undecided_first(desk: Desk, rows: list[str]) -> None:
    states = [desk.diary[one].state for one in rows]
    undecided = [state in ("todo", "draft", "skipped") for state in states]
    assert undecided == sorted(undecided, reverse=True)


def _flagged_first(desk: Desk, rows: list[str]) -> None:
    flagged = [desk.diary[one].state == "flagged" for one in rows]
    assert flagged == sorted(flagged, reverse=True)


ORDERS: dict[str, Callable[[Desk, list[str]], None]] = {
    "undecided first": _undecided_first,
    "uncertainty": _undecided_first,
    "flagged": _flagged_first,
    "random": lambda desk, rows: None,
}


def work(desk: Desk) -> None:
    """Searches and orders."""
    by_search(desk)
    by_order(desk)
