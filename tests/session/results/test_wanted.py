"""Inference over many images: the shown one first, failures by name for the queue."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_wsss.core.progress import finish
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project
from napari_wsss.session.results.wanted import CHUNK, Wanted, propose_wanted
from napari_wsss.session.table.reasons import reasons

NAMES = [f"p{k}.png" for k in range(6)]


def test_wanted_keeps_order_without_repeats() -> None:
    wanted = Wanted()
    wanted.add(["a", "b", "c"])
    wanted.add(["b", "d"])
    assert len(wanted) == 4
    assert wanted.take(3) == ("a", "b", "c")
    assert wanted.take(3) == ("d",)
    assert wanted.take() == ()


def test_an_urgent_image_comes_alone_and_first() -> None:
    wanted = Wanted()
    wanted.add(NAMES)
    wanted.first("p4.png")
    wanted.first("p2.png")
    wanted.add(["p2.png"])
    assert wanted.take() == ("p2.png",)
    assert wanted.take() == ("p4.png",)
    assert wanted.take() == ("p0.png", "p1.png", "p3.png", "p5.png")[:CHUNK]


def test_only_a_waiting_image_can_hurry() -> None:
    wanted = Wanted()
    wanted.add(["a", "b"])
    wanted.hurry("b")
    wanted.hurry("z")
    assert wanted.take() == ("b",)
    assert len(wanted) == 1
    wanted.clear()
    assert wanted.take() == ()


def test_walking_reorders_a_running_job(model_folder: Path) -> None:
    wanted, told = Wanted(), []
    wanted.add(NAMES)
    with Project.open(model_folder) as project:
        steps = propose_wanted(project, wanted, "cpu", lambda ids, failed: told.append(ids))
        next(steps)
        wanted.hurry("p5.png")
        assert finish(steps) == {}
    assert told == [tuple(NAMES[:CHUNK]), ("p5.png",), ("p4.png",)]


def test_progress_counts_over_all_chunks(model_folder: Path) -> None:
    wanted = Wanted()
    wanted.add(NAMES)
    with Project.open(model_folder) as project:
        reports = list(propose_wanted(project, wanted, "cpu", lambda *_: None))
    assert [report.done for report in reports] == sorted(report.done for report in reports)
    assert {report.total for report in reports} == {6}
    assert reports[-1].done == 6


def test_a_bad_image_is_named_and_the_others_are_done(model_folder: Path) -> None:
    wanted, told = Wanted(), {}
    wanted.add(NAMES)
    with Project.open(model_folder) as project:
        project.image_path("p1.png").write_bytes(b"no picture")
        failed = finish(propose_wanted(project, wanted, "cpu", lambda ids, failed: told.update(failed)))
        scored = [name for name in NAMES if project.catalog.get(name).score is not None]
    assert list(failed) == list(told) == ["p1.png"]
    assert "p1.png" in failed["p1.png"]
    assert scored == [name for name in NAMES if name != "p1.png"]


def test_a_new_result_is_no_longer_stale_only_where_undecided(model_folder: Path) -> None:
    wanted = Wanted()
    wanted.add(["p0.png", "p1.png"])
    with Project.open(model_folder) as project:
        project.review.accept("p0.png", np.zeros((24, 32), np.uint8))
        project.catalog.mark_stale(("todo", "accepted"))
        finish(propose_wanted(project, wanted, "cpu", lambda *_: None))
        assert project.catalog.get("p0.png").stale
        assert not project.catalog.get("p1.png").stale


def test_a_class_that_is_in_doubt_comes_forward(model_folder: Path) -> None:
    """At this threshold both classes are left out; their surest regions stay, and the image is the most uncertain."""
    wanted = Wanted()
    wanted.add(NAMES)
    with Project.open(model_folder) as project:
        plan = project.plan.with_override("image:p3.png", "constant_background", {"background_threshold": 1.0})
        project.set_plan(plan)
        finish(propose_wanted(project, wanted, "cpu", lambda ids, failed: None))
        record = project.catalog.get("p3.png")
        assert record.doubtful == record.labels
        assert project.catalog.find(Criteria(), "uncertainty")[0] == "p3.png"
        assert project.catalog.find(Criteria(doubtful=True)) == ["p3.png"]
        assert any(text.startswith("hardly found: ") for text in reasons(record, "uncertainty", project.catalog))
        project.catalog.rename_class("red", "crimson")
        assert "crimson" in project.catalog.get("p3.png").doubtful
