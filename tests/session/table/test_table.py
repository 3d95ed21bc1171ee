"""What is written into the mask, by whom, and that it is known after a crash."""

from __future__ import annotations

import numpy as np

from napari_wsss.core.sources import FIRST_MACHINE, PERSON, Source
from napari_wsss.project.project import Project
from tests.session.conftest import HEIGHT, WIDTH, Sitting

STEP = Source("clean-up", method="fill holes")


def test_a_machine_step_is_one_step_with_its_source(sitting: Sitting) -> None:
    session, told, replaced = sitting.session, [], []
    session.sources_changed.connect(told.append)
    session.mask_replaced.connect(replaced.append)
    assert session.mask is not None
    session.mask[0, 0] = 1  # of the last moment, not recorded yet
    values = session.mask.copy()
    values[4:6] = 2
    session.replace_mask(values, STEP)
    assert (told, replaced) == (["p0.png"] * 2, ["p0.png"])
    assert session.person_pixels is not None
    assert np.argwhere(session.person_pixels).tolist() == [[0, 0]]
    assert session.source_table == (STEP,)
    assert session.source_table[0].time > 0
    assert session.project is not None
    with Project.open(session.project.folder, read_only=True) as crashed:
        found = crashed.read_sources("p0.png")
    assert found is not None
    assert session.sources is not None
    assert found.same_as(session.sources)
    session.replace_mask(values)
    assert len(told) == 2, "nothing changed"


def test_without_an_image_nothing_happens(sitting: Sitting) -> None:
    session = sitting.session
    session.close_project()
    session.replace_mask(np.zeros((2, 2), np.uint8))
    session.record_change(np.zeros((2, 2), np.uint8))
    assert session.sources is None
    assert session.person_pixels is None
    assert session.source_table == ()
    assert not session.mask_is_touched


def test_showing_is_kept_from_image_to_image(sitting: Sitting) -> None:
    session, told = sitting.session, []
    session.sources_changed.connect(told.append)
    session.show_provenance(True)
    session.show_provenance(True)
    session.next()
    assert session.provenance_shown
    assert told == ["p0.png"]


def test_accepting_an_untouched_image_keeps_where_it_comes_from(computed: Sitting) -> None:
    session = computed.session
    source = session.proposal_source()
    assert session.accept()
    assert session.project is not None
    accepted = session.project.read_sources("p0.png", accepted=True)
    assert accepted is not None
    assert (accepted.values == FIRST_MACHINE).all()
    assert accepted.table == (source,)
    entry = session.recent_decisions(1)[0]
    assert (entry.after["edited"], entry.after["agreement"], entry.after["person"]) == (0.0, 1.0, 0.0)
    assert entry.after["model"] == source.key


def test_undo_across_an_acceptance_gives_pixels_back_to_the_machine(computed: Sitting) -> None:
    session = computed.session
    session.replace_mask(session.copy_proposal(), session.proposal_source(), session.copied_pixels())  # type: ignore[arg-type]
    before = session.sources
    former = session.mask.copy()  # type: ignore[union-attr]
    computed.paint(2, slice(0, 6), slice(0, 8))
    assert session.accept(and_next=False)
    facts = session.recent_decisions(1)[0].after
    assert facts["person"] == facts["edited"] == 48 / (HEIGHT * WIDTH)
    assert facts["seconds"] >= 0
    assert session.mask is not None
    session.mask[:] = former  # undo, which fires no paint event
    session.record_change(session.mask)
    assert before is not None
    assert session.sources is not None
    assert session.sources.same_as(before)
    assert session.undo_decision()
    assert session.sources.same_as(before), "newer edits are never lost"


def test_a_failed_write_forgets_nobody(sitting: Sitting, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    session = sitting.session
    project = session.project
    assert project is not None
    assert session.mask is not None

    def broken(*_: object, **__: object) -> None:
        raise OSError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(project, "record_stroke", broken)
        session.record_change(np.full_like(session.mask, 2), STEP)
    sitting.paint(1)
    found = project.read_sources("p0.png")
    assert found is not None
    assert set(np.unique(found.values)) == {PERSON, FIRST_MACHINE}
    assert found.table == (STEP,)
    assert sitting.session.record is not None
    assert sitting.session.record.state == "draft"


def test_a_step_on_the_proposal_leaves_the_proposal_its_pixels(computed: Sitting) -> None:
    session = computed.session
    ground = session.proposal_as_mask()
    assert ground is not None
    values = ground.values.copy()
    values[:2] = 3
    session.replace_mask(values, STEP, ground=ground)
    assert session.sources is not None
    assert (session.sources.values[:2] == FIRST_MACHINE + 1).all()
    assert (session.sources.values[2:] == FIRST_MACHINE).all()
    assert [source.kind for source in session.source_table] == ["proposal", "clean-up"]
