from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.masks import read_mask
from napari_wsss.project import mask_files
from napari_wsss.project.journal import BATCH
from napari_wsss.project.project import Project

A = "a.png"


def stroke(project: Project, place: int, value: int, image_id: str = A) -> None:
    project.review.record_stroke(image_id, np.array([place]), np.array([value], np.uint8))


def state(project: Project, image_id: str = A) -> str:
    return project.catalog.get(image_id).state


def reopened(project: Project) -> Project:
    project.close()
    return Project.open(project.folder)


# -- drafts -------------------------------------------------------------------------------------------------


def test_strokes_alone_make_a_draft_over_background(project: Project) -> None:
    assert project.masks.read_draft(A) is None
    stroke(project, 9, 2)
    draft = project.masks.read_draft(A)
    assert draft is not None
    assert draft.shape == (6, 8)
    assert np.flatnonzero(draft).tolist() == [9]
    assert state(project) == "draft"
    assert not project.masks.draft_path(A).exists()
    with reopened(project) as again:
        assert np.array_equal(again.masks.read_draft(A), draft)


def test_checkpoint_and_later_strokes_make_the_draft(project: Project, mask: np.ndarray) -> None:
    stroke(project, 0, 3)
    project.review.save_draft(A, mask)
    assert project.journal.strokes(A) == []
    assert np.array_equal(read_mask(project.masks.draft_path(A)), mask)
    stroke(project, 1, 2)
    expected = mask.copy()
    expected[0, 1] = 2
    assert np.array_equal(project.masks.read_draft(A), expected)
    assert np.array_equal(project.masks.read_working(A), expected)


def test_strokes_drawn_while_a_checkpoint_is_written_are_kept(project: Project) -> None:
    first = project.review.record_stroke(A, np.array([0]), np.array([1], np.uint8))
    snapshot = project.masks.read_draft(A)
    assert snapshot is not None
    stroke(project, 1, 2)
    project.review.save_draft(A, snapshot, checkpoint=first.number)
    draft = project.masks.read_draft(A)
    assert draft is not None
    assert draft[0, :2].tolist() == [1, 2]


def test_a_crash_between_checkpoint_and_forgetting_strokes_is_harmless(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, value in ((0, 1), (0, 2), (1, 3)):
        stroke(project, place, value)
    whole = project.masks.read_draft(A)
    assert whole is not None
    erased = whole.copy()
    erased[0, 0] = 0  # a bulk change that no stroke recorded
    monkeypatch.setattr(project.journal, "clear_strokes", lambda *_: pytest.fail("crash"))
    with pytest.raises(pytest.fail.Exception, match="crash"):
        project.review.save_draft(A, erased)
    assert len(project.journal.strokes(A)) == 3
    assert np.array_equal(project.masks.read_draft(A), erased)


def test_a_draft_over_an_accepted_mask_leaves_it_alone(project: Project, mask: np.ndarray) -> None:
    project.review.accept(A, mask)
    accepted = project.masks.accepted_path(A).read_bytes()
    stroke(project, 0, 2)
    draft = project.masks.read_draft(A)
    assert draft is not None
    assert (draft[0, 0], state(project)) == (2, "draft")
    assert np.count_nonzero(draft != mask) == 1
    project.review.save_draft(A, draft)
    assert project.masks.accepted_path(A).read_bytes() == accepted
    assert project.masks.has_accepted(A)
    assert project.masks.has_draft(A)
    project.review.accept(A, draft)
    assert np.array_equal(project.masks.read_accepted(A), draft)
    assert not project.masks.has_draft(A)


@pytest.mark.parametrize("decided", ["flagged", "excluded"])
def test_editing_does_not_drop_a_flag(project: Project, decided: str) -> None:
    project.review.decide(A, decided)
    stroke(project, 0, 1)
    assert state(project) == decided
    project.review.decide(A, "todo")
    assert state(project) == "draft"


def test_discarding_returns_to_what_was_there_and_can_be_undone(project: Project, mask: np.ndarray) -> None:
    assert not project.review.discard_draft(A)
    project.review.accept(A, mask)
    stroke(project, 0, 2)
    drawn = project.masks.read_draft(A)
    assert project.review.discard_draft(A)
    assert (state(project), project.masks.has_draft(A)) == ("accepted", False)
    assert np.array_equal(project.masks.read_working(A), mask)
    assert project.review.undo() == A
    assert (state(project), project.masks.has_draft(A)) == ("draft", True)
    assert np.array_equal(project.masks.read_draft(A), drawn)
    assert np.array_equal(project.masks.read_accepted(A), mask)


def test_a_draft_of_a_replaced_image_is_told(project: Project, images_root: Path) -> None:
    stroke(project, 47, 1)
    (images_root / A).write_bytes(b"no picture")
    with pytest.raises(ProjectError, match="strokes are kept"):
        project.masks.read_draft(A)
    from PIL import Image

    Image.new("RGB", (4, 4)).save(images_root / A)
    with pytest.raises(ProjectError, match="4 x 4"):
        project.masks.read_draft(A)


# -- decisions ----------------------------------------------------------------------------------------------


def test_accepting_writes_the_mask_and_drops_the_draft(project: Project, mask: np.ndarray) -> None:
    stroke(project, 3, 1)
    project.catalog.set_facts(A, disagrees=True)
    project.review.accept(A, mask)
    assert np.array_equal(read_mask(project.folder / "masks" / "a.png.png"), mask)
    assert (state(project), project.masks.has_draft(A), project.review.settle()) == ("accepted", False, 0)
    assert not project.catalog.get(A).disagrees
    project.review.accept("day 1/ä.jpg", mask)
    assert (project.folder / "masks" / "day 1" / "ä.jpg.png").exists()


def test_accepting_the_same_again_is_no_decision(project: Project, mask: np.ndarray) -> None:
    project.review.accept(A, mask)
    entries = len(project.journal.recent(99))
    project.review.accept(A, mask.copy())
    assert len(project.journal.recent(99)) == entries


@pytest.mark.parametrize("before", ["todo", "skipped", "flagged", "excluded"])
def test_undoing_the_first_accept_removes_the_mask(project: Project, mask: np.ndarray, before: str) -> None:
    project.catalog.restore_state(A, before)
    project.review.accept(A, mask)
    assert project.review.undo() == A
    assert (state(project), project.masks.has_accepted(A), project.masks.has_draft(A)) == (before, False, False)
    assert not project.masks.accepted_path(A).exists()
    assert project.review.undo() is None


@pytest.mark.parametrize("same", [True, False])
def test_undoing_an_accept_brings_the_draft_back(project: Project, mask: np.ndarray, same: bool) -> None:
    project.review.save_draft(A, mask)
    stroke(project, 0, 3)
    draft = project.masks.read_draft(A)
    assert draft is not None
    project.review.accept(A, draft if same else mask)
    project.review.undo()
    assert (state(project), project.masks.has_accepted(A)) == ("draft", False)
    assert np.array_equal(project.masks.read_draft(A), draft)


def test_undoing_restores_the_former_file_byte_for_byte(project: Project, mask: np.ndarray) -> None:
    project.review.accept(A, mask)
    former = project.masks.accepted_path(A).read_bytes()
    for value in (1, 2):
        project.review.accept(A, np.full_like(mask, value))
    project.review.undo()
    project = reopened(project)
    project.review.undo()
    assert project.masks.accepted_path(A).read_bytes() == former
    assert state(project) == "accepted"
    project.close()


def test_undoing_an_accept_never_loses_newer_edits(project: Project, mask: np.ndarray) -> None:
    project.review.accept(A, mask)
    stroke(project, 0, 2)
    drawn = project.masks.read_draft(A)
    project.review.undo()
    assert (state(project), project.masks.has_accepted(A)) == ("draft", False)
    assert np.array_equal(project.masks.read_draft(A), drawn)


@pytest.mark.parametrize("before", ["todo", "skipped", "accepted"])
def test_newer_edits_turn_an_undone_image_into_a_draft(project: Project, mask: np.ndarray, before: str) -> None:
    if before == "accepted":
        project.review.accept(A, np.zeros_like(mask))
    else:
        project.catalog.restore_state(A, before)
    project.review.accept(A, mask)
    stroke(project, 0, 2)
    project.review.undo()
    assert state(project) == "draft"


def test_decisions_are_taken_back_one_by_one(project: Project, mask: np.ndarray) -> None:
    project.review.decide("b.png", "skipped")
    project.review.accept(A, mask)
    project.review.decide(A, "flagged")
    assert [project.review.undo() for _ in range(4)] == [A, A, "b.png", None]
    assert set(project.catalog.counts().values()) == {0, 4}


def test_undoing_a_flag_keeps_edits_made_since(project: Project) -> None:
    project.review.decide(A, "skipped")
    stroke(project, 0, 2)
    assert state(project) == "draft"
    project.review.undo()
    assert state(project) == "draft"
    project.review.decide("b.png", "flagged")
    stroke(project, 0, 2, "b.png")
    project.review.undo()
    assert state(project, "b.png") == "draft"


def test_unflagging_returns_to_what_the_image_rests_in(project: Project, mask: np.ndarray) -> None:
    project.review.accept(A, mask)
    for image_id, resting in ((A, "accepted"), ("b.png", "todo")):
        project.review.decide(image_id, "flagged")
        project.review.decide(image_id, "todo")
        assert state(project, image_id) == resting
    with pytest.raises(ProjectError, match="no accepted mask"):
        project.review.decide("b.png", "accepted")
    with pytest.raises(ProjectError, match="cannot become 'skipped'"):
        project.review.decide(A, "skipped")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (np.zeros((6, 9), np.uint8), ProjectError),
        (np.zeros((6, 8, 1), np.uint8), ProjectError),
        (np.zeros((6, 8), np.int64), ProjectError),
        (np.full((6, 8), 4, np.uint8), LabelError),
    ],
)
def test_unusable_masks_change_nothing(project: Project, wrong: np.ndarray, error: type[Exception]) -> None:
    for write in (project.review.accept, project.review.save_draft):
        with pytest.raises(error):
            write(A, wrong)
    assert (state(project), project.masks.has_accepted(A), project.masks.has_draft(A)) == ("todo", False, False)


def test_read_only_decides_nothing(project: Project, mask: np.ndarray) -> None:
    with Project.open(project.folder, read_only=True) as reader:
        for change in (
            lambda: reader.review.accept(A, mask),
            lambda: reader.review.save_draft(A, mask),
            lambda: reader.review.decide(A, "skipped"),
            lambda: reader.review.undo(),
        ):
            with pytest.raises(ProjectError, match="read-only"):
                change()
    assert not (project.folder / "masks").exists()
    assert not (project.folder / "drafts").exists()


# -- crashes and full disks ---------------------------------------------------------------------------------


def crash(*_: object, **__: object) -> None:
    raise KeyboardInterrupt  # nothing in the code catches it: like the end of the process


def accept_new(project: Project) -> None:
    project.review.accept(A, np.full((6, 8), 3, np.uint8))


@pytest.mark.parametrize("act", [accept_new, lambda p: p.review.undo(), lambda p: p.review.discard_draft(A)])
def test_a_crash_before_the_files_are_written_loses_nothing(
    project: Project, mask: np.ndarray, monkeypatch: pytest.MonkeyPatch, act: Callable[[Project], object]
) -> None:
    project.review.accept(A, mask)
    stroke(project, 0, 2)
    project.review.save_draft(A, mask)
    with monkeypatch.context() as patch:
        patch.setattr(mask_files.MaskFiles, "write", staticmethod(crash))
        with pytest.raises(KeyboardInterrupt):
            act(project)
    decided = (state(project), project.masks.read_accepted(A), project.masks.read_draft(A))
    with Project.open(project.folder, read_only=True) as reader:
        assert np.array_equal(reader.masks.read_accepted(A), decided[1])
    with reopened(project) as again:
        assert state(again) == decided[0]
        on_disk = read_mask(again.masks.accepted_path(A)) if again.masks.accepted_path(A).exists() else None
        assert np.array_equal(on_disk, decided[1])
        assert np.array_equal(again.masks.read_draft(A), decided[2])
        assert again.masks.draft_path(A).exists() == (decided[2] is not None)


def test_a_crash_before_the_commit_changes_nothing(
    project: Project, mask: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    stroke(project, 0, 2)
    drawn = project.masks.read_draft(A)
    with monkeypatch.context() as patch:
        patch.setattr(project.catalog, "_set", crash)
        with pytest.raises(KeyboardInterrupt):
            project.review.accept(A, mask)
    assert (state(project), project.masks.has_accepted(A)) == ("draft", False)
    assert np.array_equal(project.masks.read_draft(A), drawn)
    assert project.journal.last() is None


def test_masks_wait_in_the_database_while_the_disk_is_full(
    project: Project, mask: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(mask_files, "publish_bytes", full)
        project.review.accept(A, mask)
        assert project.review.settle() == 1
        assert np.array_equal(project.masks.read_accepted(A), mask)
        stroke(project, 5, 1, "b.png")
        with pytest.raises(ProjectError, match="No space"):
            project.review.save_draft("b.png", mask)
        draft = project.masks.read_draft("b.png")
        assert draft is not None
        assert np.flatnonzero(draft).tolist() == [5]
    assert project.review.settle() == 0
    assert np.array_equal(read_mask(project.masks.accepted_path(A)), mask)


def test_a_damaged_draft_does_not_block_accepting(project: Project, mask: np.ndarray) -> None:
    project.review.save_draft(A, mask)
    project.masks.draft_path(A).write_bytes(b"garbage")
    with pytest.raises(ProjectError, match="cannot be read"):
        project.masks.read_draft(A)
    project.review.accept(A, mask)
    assert np.array_equal(project.masks.read_accepted(A), mask)


def test_accepting_without_the_image_keeps_the_strokes_for_undo(project: Project, mask: np.ndarray) -> None:
    stroke(project, 5, 1)
    project.image_path(A).unlink()
    project.review.accept(A, mask)
    assert project.review.undo() == A
    assert np.flatnonzero(project.masks.read_draft(A)).tolist() == [5]


def test_a_damaged_accepted_mask_is_told_and_can_be_made_anew(project: Project, mask: np.ndarray) -> None:
    project.review.accept(A, mask)
    path = project.masks.accepted_path(A)
    for copy in (project.folder / "backups" / "masks").rglob("*.png"):
        copy.unlink()
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(ProjectError, match=r"a\.png\.png"):
        project.masks.read_accepted(A)
    project.review.accept(A, mask)
    assert np.array_equal(project.masks.read_accepted(A), mask)


def test_two_threads_leave_files_as_decided(project: Project, mask: np.ndarray) -> None:
    def accept_and_undo(image_id: str) -> None:
        for value in (1, 2, 3):
            project.review.accept(image_id, np.full_like(mask, value))
            project.review.save_draft(image_id, mask)
            project.review.accept(image_id, mask)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(accept_and_undo, [A, "b.png"]))
    for image_id in (A, "b.png"):
        assert np.array_equal(read_mask(project.masks.accepted_path(image_id)), mask)
        assert not project.masks.draft_path(image_id).exists()
        assert state(project, image_id) == "accepted"


# -- many at once -------------------------------------------------------------------------------------------


def test_decisions_made_as_one_step_are_taken_back_together(project: Project, mask: np.ndarray) -> None:
    project.review.accept(A, mask)
    with project.review.as_one_step() as step:
        project.review.accept("b.png", mask, {"edited": 0.25})
    with project.review.as_one_step(step):
        project.review.decide("day 1/a.png", "flagged")
    assert (state(project, "b.png"), state(project, "day 1/a.png")) == ("accepted", "flagged")
    assert project.catalog.get("b.png").edited == 0.25
    assert project.review.undo() == "b.png"
    assert (state(project, "b.png"), state(project, "day 1/a.png")) == ("todo", "todo")
    assert project.catalog.get("b.png").edited is None
    assert project.masks.read_accepted("b.png") is None
    assert state(project) == "accepted"
    assert project.review.undo() == A


def test_a_damaged_draft_that_is_discarded_is_kept_in_the_trash(project: Project, mask: np.ndarray) -> None:
    project.review.save_draft(A, mask)
    path = project.masks.draft_path(A)
    path.write_bytes(path.read_bytes()[:-60])
    damaged = path.read_bytes()
    assert project.review.discard_draft(A)
    assert not path.exists()
    assert [kept.read_bytes() for kept in (project.folder / "trash").rglob("*.png")] == [damaged]


def test_what_was_accepted_in_a_batch_is_accepted_by_itself_when_it_is_looked_at(
    project: Project, mask: np.ndarray
) -> None:
    project.review.accept(A, mask, {BATCH: "cat/1"})
    project.review.accept(A, mask)
    assert not project.journal.accepted_in_batch(A)
    project.review.undo()
    assert project.journal.accepted_in_batch(A)
    assert np.array_equal(project.masks.read_accepted(A), mask)
