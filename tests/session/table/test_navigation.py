"""Going through the images: order, saving before leaving, and images that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError
from tests.session.conftest import CLASSES, HEIGHT, WIDTH, Sitting


def broken(*_: Any, **__: Any) -> None:
    raise ProjectError("The disk is full.")


def test_what_is_shown(sitting: Sitting) -> None:
    session = sitting.session
    assert session.table.image_id == "p0.png"
    assert session.table.classes == CLASSES
    assert session.table.image is not None
    assert session.table.image.shape == (HEIGHT, WIDTH, 3)
    assert session.table.mask is not None
    assert session.table.mask.shape == (HEIGHT, WIDTH)
    assert not session.table.mask_is_touched
    assert session.table.record is not None
    assert session.table.record.labels == {"red", "green"}
    assert session.navigation.progress_text == "1/6 · 0 accepted"


def test_walking_there_and_back_keeps_the_draft(sitting: Sitting) -> None:
    session, shown = sitting.session, []
    session.signals.image_changed.connect(shown.append)
    painted = sitting.paint(1)
    assert session.navigation.next()
    assert session.table.mask is not None
    assert not session.table.mask.any()
    assert session.navigation.previous()
    np.testing.assert_array_equal(session.table.mask, painted)
    assert shown == ["p1.png", "p0.png"]
    assert session.table.record is not None
    assert session.table.record.state == "draft"


def test_paint_of_the_last_moment_is_saved_on_leaving(sitting: Sitting) -> None:
    session = sitting.session
    assert session.table.mask is not None
    session.table.mask[0, 0] = 2  # painted, but `record_change` did not come yet
    session.navigation.next()
    session.navigation.previous()
    assert session.table.mask[0, 0] == 2


def test_undo_in_the_viewer_is_saved_too(sitting: Sitting) -> None:
    session = sitting.session
    sitting.paint(1)
    sitting.paint(0)
    session.navigation.next()
    session.navigation.previous()
    assert session.table.mask is not None
    assert not session.table.mask.any()


def test_a_draft_is_announced_once(sitting: Sitting) -> None:
    told: list[str] = []
    sitting.session.signals.state_changed.connect(told.append)
    sitting.paint(1)
    sitting.paint(2)
    assert told == ["p0.png"]


def test_the_ends_of_the_queue_are_said(sitting: Sitting) -> None:
    session = sitting.session
    assert not session.navigation.previous()
    session.navigation.go_to("p5.png")
    assert not session.navigation.next()
    assert len(sitting.notices) == 2
    assert session.table.image_id == "p5.png"


def test_leaving_is_refused_while_the_mask_cannot_be_saved(sitting: Sitting, monkeypatch: pytest.MonkeyPatch) -> None:
    session = sitting.session
    assert session.project is not None
    with monkeypatch.context() as patch:
        patch.setattr(session.project.review, "record_change", broken)
        patch.setattr(session.project.review, "save_draft", broken)
        painted = sitting.paint(1)
        for leave in (
            session.navigation.next,
            session.navigation.next_undecided,
            session.decisions.skip,
            lambda: session.navigation.go_to("p3.png"),
        ):
            assert not leave()
        assert not session.close_project()
        assert session.table.image_id == "p0.png"
        assert session.table.save_state.kind == "failed"
        assert all("disk is full" in line for line in sitting.failures)
    assert session.navigation.next()
    np.testing.assert_array_equal(session.project.masks.read_draft("p0.png"), painted)


def test_a_failed_save_is_tried_again_by_itself(sitting: Sitting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_wsss.session.table.autosave.FIRST_RETRY", 0.05)
    session = sitting.session
    with monkeypatch.context() as patch:
        patch.setattr(session.project.review, "record_change", broken)
        sitting.paint(1)
        assert session.table.save_state.kind == "failed"
    assert sitting.mailbox.drain_until(lambda: session.table.save_state.kind == "saved", 5)
    assert session.project is not None
    assert session.project.masks.has_draft("p0.png")


def test_next_undecided_passes_decided_images_and_comes_round(sitting: Sitting) -> None:
    session = sitting.session
    assert session.project is not None
    for name in ("p1.png", "p2.png", "p4.png", "p5.png"):
        session.project.review.decide(name, "excluded")
    session.project.review.decide("p3.png", "skipped")
    assert session.navigation.next_undecided()
    assert session.table.image_id == "p3.png"
    assert session.navigation.next_undecided()
    assert session.table.image_id == "p0.png"


def test_skipped_images_come_last(sitting: Sitting) -> None:
    session = sitting.session
    order = []
    for _ in range(7):
        order.append(session.table.image_id)
        session.decisions.skip()
    assert order == [f"p{k}.png" for k in range(6)] + ["p0.png"]


def test_previous_undecided_goes_the_other_way_round(sitting: Sitting) -> None:
    session = sitting.session
    assert session.project is not None
    for number, state in ((5, "accepted"), (4, "skipped")):
        session.project.catalog.restore_state(f"p{number}.png", state)
    assert session.navigation.previous_undecided()
    assert session.table.image_id == "p3.png"
    assert session.navigation.previous_undecided()
    assert session.table.image_id == "p2.png"


def test_an_order_that_cannot_be_had_is_said(sitting: Sitting) -> None:
    assert sitting.session.navigation.set_order("diversity")
    assert "no clusters" in sitting.notices[-1]


def test_nothing_undecided_is_said(sitting: Sitting) -> None:
    session = sitting.session
    assert session.project is not None
    for k in range(1, 6):
        session.project.review.decide(f"p{k}.png", "excluded")
    assert not session.navigation.next_undecided()
    assert sitting.notices == ["Every other image of this queue is decided."]


def test_an_image_that_cannot_be_read_is_named_and_passed_by(sitting: Sitting) -> None:
    session = sitting.session
    assert session.project is not None
    sitting.settle()
    session.table.prefetch.clear()  # type: ignore[union-attr]
    session.project.image_path("p1.png").write_bytes(b"nothing")
    assert session.navigation.next()
    assert session.table.image_id == "p2.png"
    assert "p1.png" in sitting.failures[0]


def test_a_damaged_mask_is_named_and_the_shown_image_stays(sitting: Sitting) -> None:
    session = sitting.session
    assert session.project is not None
    session.project.review.accept("p3.png", np.ones((HEIGHT, WIDTH), np.uint8))
    for copy in (session.project.folder / "backups" / "masks").rglob("*.png"):
        copy.unlink()
    session.project.masks.accepted_path("p3.png").write_bytes(b"nothing")
    assert not session.navigation.go_to("p3.png")
    assert session.table.image_id == "p0.png"
    assert "p3.png" in sitting.failures[0]


def test_search_and_order_of_the_session(sitting: Sitting) -> None:
    session, moved = sitting.session, []
    session.signals.queue_changed.connect(lambda: moved.append(session.navigation.progress_text))
    assert session.navigation.set_search("class:green")
    assert not session.navigation.set_search("class:elephant")
    assert "elephant" in sitting.failures[0]
    assert session.navigation.set_order("random(3)")
    assert session.navigation.queue is not None
    assert len(session.navigation.queue) == 4
    assert len(moved) == 2
    session.navigation.set_search("p5")
    assert session.navigation.progress_text.startswith("–/1")
    assert session.navigation.next()
    assert session.table.image_id == "p5.png"


def test_the_next_images_are_read_ahead(sitting: Sitting) -> None:
    sitting.settle()
    assert sitting.session.table.prefetch is not None
    assert all(sitting.session.table.prefetch.holds(f"p{k}.png") for k in range(4))


def test_read_only_shows_and_never_writes(
    project_folder: Path, sitting_on: Callable[..., Sitting], sitting: Sitting
) -> None:
    reader = sitting_on(project_folder, read_only=True)
    assert reader.session.table.save_state.kind == "read_only"
    reader.paint(1)
    assert not reader.session.table.mask_is_touched
    assert reader.session.navigation.next()
    assert not reader.session.decisions.skip()
    assert "read-only" in reader.failures[0]
    assert sitting.session.project is not None
    assert not sitting.session.project.masks.has_draft("p0.png")


def test_without_a_project_nothing_happens() -> None:
    sitting = Sitting(Path("nowhere"))
    session = sitting.session
    assert session.table is None
    assert session.flush()
    go = session.navigation
    assert not any((go.next(), go.next_undecided(), go.go_to("a"), go.set_order("file"), session.decisions.accept()))
    assert all("No project is open" in said for said in sitting.failures)
    assert go.progress_text == ""
