"""What is written into the mask, by whom, and that it is known after a crash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.sources import FIRST_MACHINE, PERSON, Source
from napari_wsss.project.journal import DECISIONS
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from tests.session.conftest import CLASSES, HEIGHT, WIDTH, Sitting, write_picture

STEP = Source("clean-up", method="fill holes")


def test_a_machine_step_is_one_step_with_its_source(sitting: Sitting) -> None:
    session, told, replaced = sitting.session, [], []
    session.signals.sources_changed.connect(told.append)
    session.signals.mask_replaced.connect(replaced.append)
    assert session.table.mask is not None
    session.table.mask[0, 0] = 1  # of the last moment, not recorded yet
    values = session.table.mask.copy()
    values[4:6] = 2
    session.table.replace_mask(values, STEP)
    assert (told, replaced) == (["p0.png"] * 2, ["p0.png"])
    assert session.table.person_pixels is not None
    assert np.argwhere(session.table.person_pixels).tolist() == [[0, 0]]
    assert session.table.sources.table == (STEP,)
    assert session.table.sources.table[0].time > 0
    assert session.project is not None
    with Project.open(session.project.folder, read_only=True) as crashed:
        found = crashed.masks.working("p0.png").sources
    assert found is not None
    assert session.table.sources is not None
    assert found.same_as(session.table.sources)
    session.table.replace_mask(values)
    assert len(told) == 2, "nothing changed"


def test_while_no_image_can_be_read_an_empty_picture_lies_on_the_table(
    tmp_path: Path, sitting_on: Callable[[Path], Sitting]
) -> None:
    write_picture(tmp_path / "images" / "p0.png", 0)
    Project.create(tmp_path / "project", tmp_path / "images", CLASSES, [NewImage("p0.png")]).close()
    (tmp_path / "images" / "p0.png").unlink()
    sitting = sitting_on(tmp_path / "project")
    session, table = sitting.session, sitting.session.table
    assert table is not None
    assert (table.image_id, table.mask.shape, table.image.shape) == ("", (0, 0), (0, 0, 3))
    table.record_change(np.zeros((2, 2), np.uint8))
    table.replace_mask(np.zeros((2, 2), np.uint8))
    assert not table.mask_is_touched
    assert not any((session.decisions.accept(), session.decisions.toggle_flag(), session.labels.add("red")))
    assert "none of this project's images can be read" in sitting.failures[-1]
    assert session.flush()
    assert session.project is not None
    assert session.project.catalog.counts()["todo"] == 1


def test_showing_is_kept_from_image_to_image(sitting: Sitting) -> None:
    session, told = sitting.session, []
    session.signals.sources_changed.connect(told.append)
    session.provenance.show(True)
    session.provenance.show(True)
    session.navigation.next()
    assert session.provenance.shown
    assert told == ["p0.png"]


def test_accepting_an_untouched_image_keeps_where_it_comes_from(computed: Sitting) -> None:
    session = computed.session
    source = session.decisions.proposal_source()
    assert session.decisions.accept()
    assert session.project is not None
    accepted = session.project.masks.accepted("p0.png").sources
    assert accepted is not None
    assert (accepted.values == FIRST_MACHINE).all()
    assert accepted.table == (source,)
    entry = session.project.journal.recent(1, DECISIONS)[0]
    assert (entry.after["edited"], entry.after["agreement"], entry.after["person"]) == (0.0, 1.0, 0.0)
    assert entry.after["model"] == source.key


def test_undo_across_an_acceptance_gives_pixels_back_to_the_machine(computed: Sitting) -> None:
    session = computed.session
    session.table.replace_mask(
        session.decisions.copy_proposal(), session.decisions.proposal_source(), session.decisions.copied_pixels()
    )  # type: ignore[arg-type]
    before = session.table.sources
    former = session.table.mask.copy()  # type: ignore[union-attr]
    computed.paint(2, slice(0, 6), slice(0, 8))
    assert session.decisions.accept(and_next=False)
    facts = session.project.journal.recent(1, DECISIONS)[0].after
    assert facts["person"] == facts["edited"] == 48 / (HEIGHT * WIDTH)
    assert facts["seconds"] >= 0
    assert session.table.mask is not None
    session.table.mask[:] = former  # undo, which fires no paint event
    session.table.record_change(session.table.mask)
    assert before is not None
    assert session.table.sources is not None
    assert session.table.sources.same_as(before)
    assert session.decisions.undo()
    assert session.table.sources.same_as(before), "newer edits are never lost"


def test_a_failed_write_forgets_nobody(sitting: Sitting, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    session = sitting.session
    project = session.project
    assert project is not None
    assert session.table.mask is not None

    def broken(*_: object, **__: object) -> None:
        raise OSError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(project.review, "record_change", broken)
        session.table.record_change(np.full_like(session.table.mask, 2), STEP)
    sitting.paint(1)
    found = project.masks.working("p0.png").sources
    assert found is not None
    assert set(np.unique(found.values)) == {PERSON, FIRST_MACHINE}
    assert found.table == (STEP,)
    assert sitting.session.table.record is not None
    assert sitting.session.table.record.state == "draft"


def test_a_step_on_the_proposal_leaves_the_proposal_its_pixels(computed: Sitting) -> None:
    session = computed.session
    ground = session.decisions.proposal_as_mask()
    assert ground is not None
    values = ground.values.copy()
    values[:2] = 3
    session.table.replace_mask(values, STEP, ground=ground)
    assert session.table.sources is not None
    assert (session.table.sources.values[:2] == FIRST_MACHINE + 1).all()
    assert (session.table.sources.values[2:] == FIRST_MACHINE).all()
    assert [source.kind for source in session.table.sources.table] == ["proposal", "clean-up"]


def test_a_mask_that_was_overwritten_is_told_when_it_is_shown(sitting: Sitting) -> None:
    mask = sitting.paint(1)
    assert sitting.session.decisions.accept(and_next=True) or sitting.session.decisions.accept(and_next=True)
    sitting.session.project.masks.accepted_path("p0.png").write_bytes(b"not a mask")
    assert sitting.session.navigation.go_to("p0.png")
    assert np.array_equal(sitting.session.table.mask, mask)
    assert "overwritten" in sitting.failures[-1]


def test_a_full_disk_offers_another_place_and_a_retry_succeeds(
    sitting: Sitting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = sitting.session.project

    def full(*_: object, **__: object) -> None:
        raise ProjectError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(project.review, "record_change", full)
        patch.setattr(project.review, "save_draft", full)
        mask = sitting.paint(2)
        assert not sitting.session.flush()
        assert "another place" in sitting.failures[-1]
        assert sitting.session.save_copy(tmp_path / "elsewhere")
        assert not sitting.session.table.save_state.safe
    with Project.open(tmp_path / "elsewhere") as copy:
        assert np.array_equal(copy.masks.read_draft(sitting.session.shown_id), mask)
    assert sitting.session.flush()
    assert np.array_equal(project.masks.read_draft(sitting.session.shown_id), mask)
