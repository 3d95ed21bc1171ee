"""Maps and proposals of the shown image and of the queue, computed in the background by the real pipeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.plan import Step
from napari_wsss.project.project import Project
from tests.session.conftest import Sitting, colours_plan


def test_the_shown_image_is_computed_by_itself(model_folder: Path, sitting_on: Callable[[Path], Sitting]) -> None:
    sitting = sitting_on(model_folder)
    session, ready = sitting.session, []
    session.signals.maps_ready.connect(ready.append)
    assert session.table.maps is None
    sitting.settle()
    assert session.table.maps is not None
    assert session.table.maps.classes == (0, 1)
    np.testing.assert_array_equal(session.table.proposal, session.table.maps.to_mask(0.5))
    assert ready == ["p0.png"]


def test_inference_covers_the_queue_with_the_shown_image_first(
    model_folder: Path, sitting_on: Callable[[Path], Sitting]
) -> None:
    with Project.open(model_folder) as project:
        project.catalog.restore_state("p4.png", "excluded")
    sitting = sitting_on(model_folder)
    ready: list[str] = []
    sitting.session.navigation.go_to("p3.png")
    sitting.session.signals.maps_ready.connect(ready.append)
    assert sitting.session.inference.start()
    job = sitting.session.jobs.shown
    assert job is not None
    sitting.settle()
    assert ready[0] in ("p0.png", "p3.png")
    assert set(ready) == {"p0.png", "p1.png", "p2.png", "p3.png", "p5.png"}


def test_a_computed_image_needs_no_waiting(computed: Sitting) -> None:
    session = computed.session
    for _ in range(3):
        session.navigation.next()
        assert session.table.proposal is not None
        assert not [job for job in session.jobs.all if job.key == "inference"]


def test_without_a_model_inference_says_what_to_do(sitting: Sitting) -> None:
    assert not sitting.session.inference.start()
    assert "Train a classifier" in sitting.failures[0]


def test_cancelling_keeps_what_is_done(model_folder: Path, sitting_on: Callable[[Path], Sitting]) -> None:
    sitting = sitting_on(model_folder)
    sitting.session.inference.start()
    sitting.session.inference.cancel()
    sitting.settle()
    assert sitting.failures == []
    assert sitting.session.inference.start()
    sitting.settle()
    assert sitting.session.table.proposal is not None


def test_a_job_cancelled_from_the_job_bar_stays_cancelled(
    model_folder: Path, sitting_on: Callable[[Path], Sitting]
) -> None:
    sitting = sitting_on(model_folder)
    sitting.session.inference.start()
    job = sitting.session.jobs.shown
    assert job is not None
    job.cancel()
    sitting.settle()
    assert job.state == "cancelled"
    assert len(sitting.session.inference._wanted) == 0


def test_a_plan_that_cannot_run_is_said_and_the_image_is_shown(computed: Sitting) -> None:
    session = computed.session
    before = session.table.plan
    assert not session.parameters.set_refiners([Step("constant_background", {"no such": 1})])
    assert "no such" in computed.failures[0]
    assert not session.parameters.set_refiners([Step("no_such_step")])
    assert "no_such_step" in computed.failures[1]
    assert session.table.plan == before
    assert session.navigation.next()
    assert session.table.image is not None


def test_a_removed_label_disappears_at_once(computed: Sitting) -> None:
    session = computed.session
    session.labels.remove("red")
    assert session.table.maps is not None
    assert session.table.maps.classes == (1,)
    assert session.table.proposal is not None
    assert set(np.unique(session.table.proposal)) == {0, 2}


def test_an_added_label_is_computed_while_the_old_maps_stay(computed: Sitting) -> None:
    session = computed.session
    session.labels.add("blue")
    assert session.table.maps is not None
    assert session.table.maps.classes == (0, 1)
    computed.settle()
    assert session.table.maps.classes == (0, 1, 2)


def test_labelled_none_is_an_empty_proposal(computed: Sitting) -> None:
    session = computed.session
    session.labels.set("p0.png", (), negative=True)
    computed.settle()
    assert session.table.maps is not None
    assert session.table.maps.classes == ()
    assert session.table.proposal is not None
    assert not session.table.proposal.any()


def test_labels_of_another_image_bring_its_maps_along(computed: Sitting) -> None:
    session = computed.session
    session.labels.add("blue", "p2.png")
    computed.settle()
    session.navigation.go_to("p2.png")
    assert session.table.maps is not None
    assert session.table.maps.classes == (0, 2)


def test_one_failure_is_told_once_for_all_images(model_folder: Path, sitting_on: Callable[[Path], Sitting]) -> None:
    (model_folder / colours_plan().localizer_checkpoint).unlink()
    sitting = sitting_on(model_folder)
    for _ in range(3):
        sitting.settle()
        sitting.session.navigation.next()
    sitting.settle()
    assert len(sitting.failures) == 1
    assert "missing" in sitting.failures[0]


def test_a_bad_image_is_named_at_the_end(model_folder: Path, sitting_on: Callable[[Path], Sitting]) -> None:
    (model_folder.parent / "images" / "p3.png").write_bytes(b"nothing")
    sitting = sitting_on(model_folder)
    sitting.session.inference.start()
    sitting.settle()
    assert "1 image could not be computed" in sitting.failures[0]
    assert "p3.png" in sitting.failures[0]


def test_scores_sort_an_uncertainty_queue_when_inference_ends(
    model_folder: Path, sitting_on: Callable[[Path], Sitting]
) -> None:
    sitting = sitting_on(model_folder)
    session = sitting.session
    session.navigation.set_order("uncertainty")
    session.inference.start()
    sitting.settle()
    assert session.project is not None
    assert session.navigation.queue is not None
    scores = [session.project.catalog.get(name).score or 0.0 for name in session.navigation.queue.ids()]
    assert scores == sorted(scores, reverse=True)


def test_read_only_draws_slow_chains_without_storing(
    model_folder: Path, sitting_on: Callable[..., Sitting], computed: Sitting
) -> None:
    assert computed.session.project is not None
    crf = pytest.importorskip("pydensecrf")
    assert crf
    computed.session.parameters.set_refiners([Step("constant_background"), Step("dense_crf")])
    computed.session.close_project()
    stored = sorted((model_folder / "results").iterdir())
    reader = sitting_on(model_folder, read_only=True)
    reader.session.navigation.go_to("p5.png")
    reader.settle()
    assert reader.session.table.proposal is not None
    assert not reader.session.inference.start()
    assert not [path for path in sorted((model_folder / "results").glob("refine.dense*/*/p5*")) if path.exists()]
    assert stored
