"""What another model changed is measured for undecided images first; accepted masks are compared and never touched."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from napari_wsss.core.masks import overlap
from napari_wsss.session.models import changes as module
from napari_wsss.session.runs.folders import RunInfo
from tests.session.conftest import Sitting, stored_proposal, write_checkpoint


def apply(sitting: Sitting, gain: float, name: str = "classifier-new") -> None:
    assert sitting.session.project is not None
    path = write_checkpoint(sitting.session.project.folder, gain, f"training/{name}/best.safetensors")
    assert sitting.session.models.apply(RunInfo(path.parent, "classifier", "done", config={"method": "colours"}))
    sitting.settle()


def test_every_proposal_is_compared_with_the_one_before(computed: Sitting) -> None:
    session, project = computed.session, computed.session.project
    assert project is not None
    before = {image_id: stored_proposal(project, image_id) for image_id in project.catalog.ids()}
    session.decisions.accept(and_next=False)  # p0.png: red 200, green 220
    accepted = project.masks.accepted_path("p0.png").read_bytes()
    measured: list[int] = []
    session.signals.changes_measured.connect(lambda: measured.append(1))
    apply(computed, 6.0)  # of the dim noise, too, much is above the threshold of 0.5
    found = {record.id: record for record in project.catalog.records()}
    for image_id, old in before.items():
        new = stored_proposal(project, image_id)
        assert old is not None
        assert new is not None
        assert found[image_id].changed == pytest.approx(1 - overlap(old, new))
    assert found["p2.png"].changed > 0.4
    assert [image_id for image_id, record in found.items() if record.disagrees] == ["p0.png"]
    assert project.masks.accepted_path("p0.png").read_bytes() == accepted
    assert measured
    assert any("now disagrees with 1 accepted" in text for text in computed.notices)
    assert computed.failures == []
    accepted_again = [session.decisions.accept(and_next=False) for _ in range(2)]  # it asks once, so much is proposed
    assert accepted_again == [False, True]
    assert not project.catalog.get("p0.png").disagrees
    session.navigation.set_order("changed")
    assert session.navigation.queue is not None
    undecided = {image_id: record.changed for image_id, record in found.items() if image_id != "p0.png"}
    assert session.navigation.queue.at(0) == max(undecided, key=undecided.__getitem__)


def test_the_same_proposals_have_not_changed(computed: Sitting) -> None:
    project = computed.session.project
    assert project is not None
    computed.session.decisions.accept(and_next=False)
    apply(computed, 0.999)
    assert {record.changed for record in project.catalog.records()} == {0.0}
    assert not any(record.disagrees for record in project.catalog.records())


def test_the_first_model_changes_nothing(computed: Sitting) -> None:
    project = computed.session.project
    assert project is not None
    assert computed.session.changes.compare_accepted()
    computed.settle()
    assert {record.changed for record in project.catalog.records()} == {None}
    assert computed.notices == []


def test_how_much_disagreement_counts_is_a_choice(computed: Sitting) -> None:
    session, project = computed.session, computed.session.project
    assert project is not None
    computed.paint(1, slice(0, 24), slice(0, 16))
    session.decisions.accept(and_next=False)
    proposal, mask = stored_proposal(project, "p0.png"), project.masks.read_accepted("p0.png")
    assert proposal is not None
    assert mask is not None
    disagreement = 1 - overlap(mask, proposal)
    for above, marked in ((disagreement + 0.01, False), (disagreement - 0.01, True), (1.0, False)):
        session.changes.disagrees_above = above
        session.changes.compare_accepted()
        computed.settle()
        assert project.catalog.get("p0.png").disagrees is marked


def test_a_mask_accepted_meanwhile_is_not_marked(computed: Sitting) -> None:
    """The person has just seen the new proposal and decided against it."""
    session, project = computed.session, computed.session.project
    assert project is not None
    session.changes.disagrees_above = 0.0
    session.decisions.accept(and_next=False)
    session.changes.compare_accepted()
    session.changes._on_state("p0.png")
    computed.settle()
    assert not project.catalog.get("p0.png").disagrees


def test_without_the_old_results_nothing_is_known(computed: Sitting) -> None:
    project = computed.session.project
    assert project is not None
    project.store.clear("refine")
    apply(computed, 0.6)
    assert {record.changed for record in project.catalog.records()} == {None}
    masks = [stored_proposal(project, image_id) for image_id in project.catalog.ids()]
    assert all(isinstance(mask, np.ndarray) for mask in masks)


def test_the_end_of_a_measurement_leaves_the_next_one_alone(computed: Sitting, monkeypatch: pytest.MonkeyPatch) -> None:
    session = computed.session
    apply(computed, 0.6)
    for image_id in ("p1.png", "p2.png", "p3.png"):
        session.project.catalog._set(image_id, "changed = ?", None)
    go_on, plain = threading.Event(), module.measure_waiting

    def slowly(*given: Any) -> Iterator[Any]:
        steps = plain(*given)
        first = next(steps)  # an image is taken and not measured yet
        go_on.wait(30)
        yield first
        return (yield from steps)

    session.changes._on_results("p1.png")
    (first,) = session.jobs.all
    assert first.wait(30)  # over, and the session does not know yet
    monkeypatch.setattr(module, "measure_waiting", slowly)
    session.changes._on_results("p2.png")
    second = session.jobs.find(module.CHANGES)
    while len(session.changes._waiting):
        time.sleep(0.005)
    session.changes._waiting.add(["p3.png"])
    computed.mailbox.drain()
    assert session.jobs.find(module.CHANGES) is second
    go_on.set()
    computed.settle()
    assert all(session.project.catalog.get(found).changed is not None for found in ("p1.png", "p2.png", "p3.png"))
