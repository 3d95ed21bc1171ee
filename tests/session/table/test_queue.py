"""Order and search of the review queue, also over many images."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_wsss.core.errors import ParameterError
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from napari_wsss.project.states import UNDECIDED
from napari_wsss.session.table import queue as module
from napari_wsss.session.table.queue import Queue
from tests.session.conftest import CLASSES
from tests.tiny_project import set_scores


@pytest.fixture
def project(tmp_path: Path) -> Project:
    images = [NewImage(f"i{k}.png", frozenset({"red"} if k % 2 else set())) for k in range(8)]
    with Project.create(tmp_path / "p", tmp_path, CLASSES, images) as made:
        for number, state in [(0, "accepted"), (1, "skipped"), (2, "flagged"), (3, "draft"), (6, "excluded")]:
            made.catalog.restore_state(f"i{number}.png", state)
        made.catalog.set_changes({"i7.png": 0.6, "i4.png": 0.2, "i0.png": 0.9, "i6.png": 0.95})
        for name in ("i0.png", "i6.png"):
            made.catalog.set_facts(name, disagrees=True)
        set_scores(made.catalog, {"i4.png": 0.1, "i5.png": 0.9, "i1.png": 0.5, "i0.png": 1.0})
        yield made


def numbers(queue: Queue) -> str:
    return "".join(image_id[1] for image_id in queue.ids())


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("file", "01234567"),
        ("undecided first", "34571206"),
        ("uncertainty", "51437026"),
        ("flagged", "23457106"),
        ("changed", "74135602"),
        ("disagrees", "60345712"),
    ],
)
def test_orders(project: Project, order: str, found: str) -> None:
    queue = Queue(project.catalog, CLASSES.names)
    queue.set_order(order)
    assert numbers(queue) == found


def test_an_order_without_anything_to_sort_by_says_so(project: Project) -> None:
    queue = Queue(project.catalog, CLASSES.names)
    queue.set_order("diversity")
    assert "no clusters" in queue.remark
    assert numbers(queue) == "34571206"
    with project._database.transaction() as connection:
        connection.executemany("INSERT INTO image_clusters VALUES (?, 0, ?, ?)", [(5, "red 1", 0.2), (8, "red 1", 0)])
    queue.refresh()
    assert (queue.remark, numbers(queue)) == ("", "74135026")
    queue.set_search("cluster:1")
    assert numbers(queue) == "74"


def test_what_differs_most_comes_first_once_it_was_measured(project: Project) -> None:
    queue = Queue(project.catalog, CLASSES.names)
    queue.set_order("differs")
    assert "No masks were compared yet" in queue.remark
    assert numbers(queue) == "34571206"
    queue.differs = {"i0.png": 0.2, "i6.png": 0.0, "i2.png": 0.7}
    queue.refresh()
    assert (queue.remark, numbers(queue)) == ("", "20634571")
    queue.set_search("class:red")
    assert numbers(queue) == "3571"


def test_random_order_depends_on_its_seed_only(project: Project) -> None:
    queue = Queue(project.catalog, CLASSES.names)
    shuffles = []
    for order in ("random(1)", "random(2)", "random(1)"):
        queue.set_order(order)
        shuffles.append(numbers(queue))
    assert shuffles[0] == shuffles[2] != shuffles[1]
    assert sorted(shuffles[0]) == list("01234567")


def test_search_and_order_combine(project: Project) -> None:
    queue = Queue(project.catalog, CLASSES.names)
    queue.set_order("undecided first")
    queue.set_search("class:red")
    assert numbers(queue) == "3571"
    queue.set_search("state:flagged")
    assert numbers(queue) == "2"


def test_a_wrong_order_or_search_changes_nothing(project: Project) -> None:
    queue = Queue(project.catalog, CLASSES.names)
    with pytest.raises(ParameterError):
        queue.set_order("best")
    with pytest.raises(ParameterError):
        queue.set_search("state:nonsense")
    assert (queue.order, queue.search, len(queue)) == ("file", "", 8)


def test_neighbours_and_positions(project: Project) -> None:
    queue = Queue(project.catalog, CLASSES.names)
    assert queue.neighbour("i3.png", 1) == "i4.png"
    assert queue.neighbour("i7.png", 1) is None
    assert queue.neighbour("i0.png", -1) is None
    assert queue.neighbour(None, 1) == "i0.png"
    assert queue.position("i5.png") == 5
    queue.set_search("class:red")
    assert queue.position("i4.png") is None
    assert queue.neighbour("i4.png", 1) == "i1.png"


def test_from_an_image_on_all_others_follow(project: Project) -> None:
    queue = Queue(project.catalog, CLASSES.names)
    assert queue.ids_from(queue.at(2)) == [*queue.ids(2), *queue.ids(0, 2)]
    assert queue.ids_from("hidden.png") == queue.ids()


def test_next_undecided_goes_round_and_never_stays(project: Project) -> None:
    queue = Queue(project.catalog, CLASSES.names)
    assert queue.next_of("i5.png", ("todo",)) == "i7.png"
    assert queue.next_of("i7.png", ("todo",)) == "i4.png"
    assert queue.next_of("i3.png", ("draft",)) is None
    assert queue.next_of(None, UNDECIDED) == "i1.png"
    assert queue.next_of("i5.png", ("todo",), -1) == "i4.png"
    assert queue.next_of("i4.png", ("todo",), -1) == "i7.png"
    assert queue.next_of("i3.png", ("draft",), -1) is None
    assert queue.next_of(None, UNDECIDED, -1) == "i7.png"


def test_next_undecided_is_found_far_away(tmp_path: Path) -> None:
    images = [NewImage(f"{k:04}.png") for k in range(400)]
    with Project.create(tmp_path / "p", tmp_path, CLASSES, images) as project:
        with project._database.transaction() as connection:
            connection.execute("UPDATE images SET state = 'accepted' WHERE number NOT IN (4, 390)")
        queue = Queue(project.catalog, CLASSES.names)
        assert queue.next_of("0010.png", UNDECIDED) == "0389.png"
        assert queue.next_of("0389.png", UNDECIDED) == "0003.png"
        assert queue.next_of("0300.png", UNDECIDED, -1) == "0003.png"


def test_a_decision_does_not_move_the_queue_until_refreshed(project: Project) -> None:
    queue = Queue(project.catalog, CLASSES.names)
    queue.set_order("undecided first")
    project.catalog.restore_state("i3.png", "accepted")
    assert numbers(queue)[0] == "3"
    queue.refresh()
    assert numbers(queue)[0] == "4"


def test_a_queue_of_many_pages_is_that_of_one(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Queue(project.catalog, CLASSES.names)
    ids = whole.ids()
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(module, "MOST_PAGES", 2)
    paged = Queue(project.catalog, CLASSES.names)
    count = len(ids)
    for start in range(count + 1):
        for stop in (*range(start, count + 1), None):
            assert paged.ids(start, stop) == ids[start:stop]
    for at, image_id in enumerate(ids):
        assert paged.at(at) == paged.at(at - count) == image_id
        assert paged.position(image_id) == at
        for step in (1, -1):
            assert paged.neighbour(image_id, step) == whole.neighbour(image_id, step)
        assert paged.ids_from(image_id) == [*ids[at:], *ids[:at]]
    with pytest.raises(IndexError):
        paged.at(count)
    assert paged.position("no such image") is None
