"""The list of the last decisions."""

from __future__ import annotations

import time

import numpy as np

from napari_wsss.session.review.last_decisions import Decision, last_decisions
from tests.session.conftest import HEIGHT, WIDTH, Sitting


def texts(sitting: Sitting, limit: int = 10) -> list[str]:
    assert sitting.session.project is not None
    return [one.text for one in last_decisions(sitting.session.project, limit)]


def test_decisions_are_said_in_words(sitting: Sitting) -> None:
    session = sitting.session
    assert texts(sitting) == []
    session.decisions.skip()
    session.decisions.toggle_flag()
    session.decisions.toggle_flag()
    session.decisions.exclude()
    sitting.paint(1)
    session.decisions.accept()
    assert texts(sitting) == [
        "accepted p2.png",
        "excluded p1.png",
        "took the flag from p1.png",
        "flagged p1.png",
        "skipped p0.png",
    ]
    assert texts(sitting, 2) == ["accepted p2.png", "excluded p1.png"]
    session.decisions.undo()
    assert session.project is not None
    newest = last_decisions(session.project)[0]
    assert (newest.undone, newest.state, newest.image_id) == (True, "accepted", "p2.png")


def test_what_was_decided_together_is_one_line(sitting: Sitting) -> None:
    project = sitting.session.project
    assert project is not None
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    with project.review.as_one_step():
        for number in range(3):
            project.review.accept(f"p{number}.png", values, {"batch": "cat 3"})
    project.review.decide("p4.png", "skipped")
    assert texts(sitting) == ["skipped p4.png", "accepted 3 images (cluster cat 3)"]
    assert last_decisions(project)[1].count == 3


def test_an_older_day_is_said() -> None:
    now = time.time()
    assert Decision("a", "", "todo", now).clock == time.strftime("%H:%M", time.localtime(now))
    before = time.localtime(now - 200_000)
    assert Decision("a", "", "todo", now - 200_000).clock.startswith(f"{before.tm_mday} ")
