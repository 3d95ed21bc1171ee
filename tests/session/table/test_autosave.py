"""Saving: never *saved* before it is on disk, and a failed write is kept and tried again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.sources import NOTHING, Sources
from napari_wsss.project.project import Project
from napari_wsss.project.sourced_masks import SourcedMask
from napari_wsss.session.table.autosave import FIRST_RETRY, LONGEST_RETRY, Autosave
from napari_wsss.session.table.save_state import SaveState
from tests.session.conftest import HEIGHT, WIDTH

NAME = "p0.png"


@pytest.fixture
def project(project_folder: Path) -> Iterator[Project]:
    with Project.open(project_folder) as opened:
        yield opened


def begun(project: Project) -> tuple[Autosave, np.ndarray, list[SaveState]]:
    said: list[SaveState] = []
    autosave = Autosave(project, said.append)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    autosave.begin(NAME, SourcedMask(mask, Sources.uniform(mask.shape, NOTHING)))
    said.clear()
    return autosave, mask, said


def kinds(said: list[SaveState]) -> list[str]:
    return [state.kind for state in said]


def test_a_stroke_is_on_disk_before_it_is_called_saved(project: Project) -> None:
    on_disk: list[tuple[str, bool]] = []
    autosave, mask, _ = begun(project)

    def tell(state: SaveState) -> None:
        draft = project.masks.read_draft(NAME)
        on_disk.append((state.kind, draft is not None and bool(np.array_equal(draft, mask))))

    autosave._tell = tell
    mask[2:5, 2:5] = 1
    autosave.touch()
    assert autosave.record(mask) == 9
    assert autosave.flush()
    assert ("saved", False) not in on_disk
    assert on_disk[0] == ("unsaved", False)
    assert on_disk[-1] == ("saved", True)


def test_nothing_changed_writes_nothing(project: Project) -> None:
    autosave, mask, said = begun(project)
    assert autosave.record(mask) == 0
    assert autosave.flush()
    assert said == []
    assert not project.masks.has_draft(NAME)
    assert project.catalog.state(NAME) == "todo"


def test_paint_that_was_taken_back_becomes_saved_again(project: Project) -> None:
    autosave, mask, said = begun(project)
    autosave.touch()
    assert autosave.record(mask) == 0
    assert kinds(said) == ["unsaved", "saved"]


def test_flush_writes_paint_that_was_never_recorded(project: Project) -> None:
    autosave, mask, _ = begun(project)
    mask[0, 0] = 2
    assert autosave.flush()
    np.testing.assert_array_equal(project.masks.read_draft(NAME), mask)


def broken(*_: Any, **__: Any) -> None:
    raise ProjectError("The disk is full.")


def test_a_failed_stroke_stays_unsaved_and_is_written_whole_later(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    autosave, mask, said = begun(project)
    mask[0, :5] = 1
    with monkeypatch.context() as patch:
        patch.setattr(project.review, "record_change", broken)
        autosave.record(mask)
    assert said[-1].kind == "failed"
    assert "disk is full" in said[-1].message
    mask[1, :5] = 2
    autosave.record(mask)
    assert said[-1].kind == "saved"
    np.testing.assert_array_equal(project.masks.read_draft(NAME), mask)


def test_a_failed_flush_keeps_the_work_and_waits_longer_each_time(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    autosave, mask, said = begun(project)
    mask[0, :5] = 1
    with monkeypatch.context() as patch:
        patch.setattr(project.review, "record_change", broken)
        patch.setattr(project.review, "save_draft", broken)
        waits = [said[-1].retry_seconds for _ in range(8) if not autosave.flush()]
    assert waits[:3] == [FIRST_RETRY, 2 * FIRST_RETRY, 4 * FIRST_RETRY]
    assert waits[-1] == LONGEST_RETRY
    assert autosave.flush()
    np.testing.assert_array_equal(project.masks.read_draft(NAME), mask)
    assert autosave.state.kind == "saved"


def test_read_only_never_writes(project_folder: Path) -> None:
    with Project.open(project_folder, read_only=True) as project:
        autosave, mask, said = begun(project)
        mask[0, 0] = 1
        autosave.touch()
        autosave.record(mask)
        assert autosave.flush()
        assert autosave.state.kind == "read_only"
        assert "saved" not in kinds(said)


def test_a_mask_of_another_size_on_disk_is_replaced_as_a_whole(project: Project) -> None:
    project.review.save_draft(NAME, np.full((HEIGHT, WIDTH), 3, np.uint8))
    autosave, mask, _ = begun(project)
    autosave.begin(NAME, SourcedMask(mask, Sources.uniform(mask.shape, NOTHING)), whole_first=True)
    mask[0, :2] = 1
    autosave.record(mask)
    np.testing.assert_array_equal(project.masks.read_draft(NAME), mask)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 28), st.integers(0, 3), st.booleans()), max_size=8))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_painting_is_read_back_exactly(project: Project, strokes: list[tuple[int, int, int, bool]]) -> None:
    autosave, mask, _ = begun(project)
    project.review.discard_draft(NAME)
    for row, column, value, flush in strokes:
        mask[row : row + 4, column : column + 4] = value
        autosave.record(mask)
        if flush:
            autosave.flush()
    found = project.masks.read_draft(NAME)
    np.testing.assert_array_equal(np.zeros_like(mask) if found is None else found, mask)
