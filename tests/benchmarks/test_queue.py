"""The review queue over 100,000 images: sorting, searching, jumping about in the list and in the filmstrip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.project.project import Project
from napari_wsss.project.states import UNDECIDED
from napari_wsss.session.session import Session
from napari_wsss.session.table.queue import ORDERS, Queue
from napari_wsss.widgets.controls.listening import let_go
from tests.benchmarks.test_catalog import CLASSES, COUNT, build

TARGET_MS = 1000
VISIBLE = 12
FACTS = """
UPDATE images SET score = (number * 7919 % 1000) / 1000.0,
    changed = CASE WHEN number % 2 THEN (number * 104729 % 1000) / 1000.0 END, disagrees = number % 50 = 0,
    state = CASE number % 10 WHEN 0 THEN 'accepted' WHEN 1 THEN 'flagged' WHEN 2 THEN 'skipped' ELSE 'todo' END
"""
CLUSTERS = """
INSERT INTO image_clusters SELECT image, class, name || ' ' || (image * 31 % 8), (image * 7 % 1009) / 1009.0
FROM labels JOIN classes ON position = class
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = build(tmp_path_factory.mktemp("queue") / "large", COUNT)
    with Project.open(folder) as project:
        project._database.execute(FACTS)
        project._database.execute(CLUSTERS)
    return folder


@pytest.fixture(scope="module")
def project(large: Path) -> Iterator[Project]:
    with Project.open(large, read_only=True) as opened:
        yield opened


@pytest.mark.parametrize("order", ORDERS)
def test_sorting(benchmark: Any, note: Callable[..., None], project: Project, order: str) -> None:
    queue = Queue(project.catalog, CLASSES.names)
    queue.set_order(order)
    benchmark.pedantic(queue.refresh, rounds=3)
    assert (len(queue), queue.remark) == (COUNT, "")
    note(benchmark, target_ms=TARGET_MS, of="p50_ms")


@pytest.mark.parametrize("search", ["state:accepted class:'class 3'", "cluster:3 changed:>20%", "image 0999"])
def test_searching(benchmark: Any, note: Callable[..., None], project: Project, search: str) -> None:
    queue = Queue(project.catalog, CLASSES.names)
    queue.set_search(search.replace("'", '"'))
    benchmark.pedantic(queue.refresh, rounds=3)
    assert 0 < len(queue) < COUNT
    note(benchmark, target_ms=TARGET_MS, of="p50_ms")


@pytest.mark.parametrize("step", [1, -1])
def test_next_undecided(benchmark: Any, note: Callable[..., None], project: Project, step: int) -> None:
    queue = Queue(project.catalog, CLASSES.names)
    middle = queue.at(COUNT // 2)
    assert benchmark(queue.next_of, middle, UNDECIDED, step) is not None
    note(benchmark, target_ms=100)


def test_jumping_about_in_list_and_filmstrip(
    benchmark: Any, note: Callable[..., None], large: Path, tmp_path: Path, qapp: Any
) -> None:
    """From one place of the list to another, painted; without image files, so that only the queue is measured."""
    from qtpy.QtWidgets import QListView

    from napari_wsss.widgets.relay import QtRelay
    from napari_wsss.widgets.review.filmstrip import Filmstrip
    from napari_wsss.widgets.review.queue_model import QueueModel
    from napari_wsss.widgets.review.queue_rows import QueueRow

    session = Session(QtRelay(), tmp_path / "config")
    session.open_project(large, read_only=True)
    model = QueueModel(session)
    view, strip = QListView(), Filmstrip(session, model, None)  # type: ignore[arg-type]
    view.setModel(model)
    view.setItemDelegate(QueueRow(view))
    view.setUniformItemSizes(True)
    for shown in (view, strip):
        shown.resize(700, 120)
        shown.show()
    places = iter(range(0, COUNT * 1000, 7907))

    def jump() -> None:
        for shown in (view, strip):
            shown.scrollTo(model.index(next(places) % COUNT), QListView.ScrollHint.PositionAtTop)
            shown.grab()

    benchmark.pedantic(jump, rounds=20, warmup_rounds=1)
    let_go(strip)
    let_go(model)
    session.close_project()
    note(benchmark, target_ms=100)
