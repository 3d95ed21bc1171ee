"""No gesture makes more database queries than it did; where one makes fewer, its line in the table is lowered.

`python -m tests.benchmarks.gestures` prints what they make now, and with ``--only`` which statements these are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.benchmarks.counting import Counting
from tests.benchmarks.gestures import GESTURES, Desk, Gesture, WindowDesk, count, count_all, make_projects


class Most(NamedTuple):
    """The most statements a gesture may make until all is quiet: in the thread that owns the session, and in others."""

    own: int
    background: int


MOST = {
    "next image": Most(2, 3),
    "next image, not read ahead": Most(2, 4),
    "next image after a slider move": Most(10, 32),
    "next image after a stroke": Most(14, 3),
    "first slider move": Most(0, 0),
    "slider move": Most(0, 0),
    "first stroke": Most(8, 0),
    "stroke": Most(5, 0),
    "label removed": Most(14, 12),
    # Three of them note what the accepted file holds, so that it is noticed when another program changes it.
    "accept a proposal": Most(25, 18),
    "accept a painted mask": Most(25, 18),
    "accept without a model": Most(26, 18),
    "flag": Most(7, 0),
    "undo a decision": Most(29, 0),
    "apply a model": Most(38, 220),  # 35, and 180 to 190: what is read ahead hangs on which proposals are there
}
MOST_CALLS = {"next image, not read ahead": 232, "label removed": 328, "accept without a model": 335}
"""Calls of our functions, about half of what they were before a session was made of parts (460, 656 and 666)."""
MOST_IN_THE_WINDOW = {
    "next image": Most(4, 8),
    "slider move": Most(0, 0),
    "stroke": Most(5, 0),
    "label removed": Most(20, 24),
    "accept a proposal": Most(32, 26),
    "apply a model": Most(70, 340),  # 55, and 258
}
"""The dock with all its pages, the Review page in front (the Refine page for the slider)."""


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gestures")
    make_projects(folder)
    return folder


@pytest.fixture
def counting() -> Iterator[Counting]:
    made = Counting()
    with made.connections():
        yield made


@pytest.fixture
def desk(counting: Counting, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "config")
    yield made
    made.close()


@pytest.mark.parametrize("name", MOST)
def test_no_gesture_makes_more_queries_than_it_did(name: str, desk: Desk, counting: Counting, projects: Path) -> None:
    made = count(desk, counting, GESTURES[name], projects)
    assert (made.own <= MOST[name].own, made.background <= MOST[name].background) == (True, True), made


@pytest.mark.parametrize("name", MOST_CALLS)
def test_a_gesture_goes_through_half_as_many_functions_as_it_did(
    name: str, desk: Desk, counting: Counting, projects: Path
) -> None:
    assert count(desk, counting, GESTURES[name], projects).calls <= MOST_CALLS[name]


def test_the_table_names_every_gesture() -> None:
    assert list(MOST) == list(GESTURES)
    assert set(MOST_IN_THE_WINDOW) < set(MOST)


def test_one_more_query_is_counted(desk: Desk, counting: Counting, projects: Path) -> None:
    """What would be noticed: a signal's slot that asks the database once more."""
    plain = count(desk, counting, GESTURES["flag"], projects)
    desk.session.signals.state_changed.connect(lambda _image_id: desk.project.catalog.counts())
    more = count(desk, counting, GESTURES["flag"], projects)
    assert (more.queries, more.background) == (plain.queries + 1, plain.background)
    assert more.calls > plain.calls
    assert more.files >= plain.files


def test_a_gesture_that_does_nothing_is_noticed(desk: Desk, counting: Counting, projects: Path) -> None:
    with pytest.raises(AssertionError, match="not what it should do"):
        count(desk, counting, Gesture(Desk.flag, GESTURES["next image"].has_happened), projects)


@pytest.mark.gui
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_gesture_makes_more_queries_in_the_window(
    make_napari_viewer: Any, counting: Counting, tmp_path: Path, projects: Path
) -> None:
    desk = WindowDesk(tmp_path / "config", make_napari_viewer(show=True))
    try:
        found = count_all(desk, counting, projects, MOST_IN_THE_WINDOW)
    finally:
        desk.close()
    most = MOST_IN_THE_WINDOW
    grown = {n: made for n, made in found.items() if made.own > most[n].own or made.background > most[n].background}
    assert not grown
