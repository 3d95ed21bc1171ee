"""Applying a run's model, the history of applied models, and going back."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.plan import Step
from napari_wsss.session.runs.folders import RunInfo
from tests.session.conftest import Sitting, write_checkpoint


def run_of(computed: Sitting, gain: float, name: str, stage: str = "classifier") -> RunInfo:
    assert computed.session.project is not None
    path = write_checkpoint(computed.session.project.folder, gain, f"training/{name}/best.safetensors")
    return RunInfo(path.parent, stage, "done", config={"method": "colours"})


def test_a_new_model_changes_undecided_images_only(computed: Sitting) -> None:
    session = computed.session
    project = session.project
    assert project is not None
    assert session.decisions.accept(and_next=False), computed.failures + computed.notices
    accepted = project.masks.accepted_path("p0.png").read_bytes()
    session.navigation.go_to("p1.png")
    painted = computed.paint(2)
    old = session.table.proposal
    assert session.models.apply(run_of(computed, 0.5, "classifier-new"))
    assert project.catalog.get("p3.png").stale
    computed.settle()
    assert project.plan.localizer_checkpoint == "training/classifier-new/best.safetensors"
    assert old is not None
    assert session.table.proposal is not None
    assert old.any()
    assert project.catalog.get("p1.png").doubtful == {"red", "green"}, "neither reaches the threshold any more"
    np.testing.assert_array_equal(session.table.mask, painted)
    assert project.masks.accepted_path("p0.png").read_bytes() == accepted
    assert not project.catalog.get("p3.png").stale
    assert computed.failures == []


def test_a_run_in_use_is_known_until_it_is_trained_further(computed: Sitting) -> None:
    session = computed.session
    run, other = (run_of(computed, 1.0, name) for name in ("classifier-new", "classifier-other"))
    assert not session.models.uses(run)
    session.models.apply(run)
    computed.settle()
    assert session.models.uses(run)
    assert not session.models.uses(other)
    learned = {"segmenter": Step("pixel_classifier"), "segmenter_checkpoint": "training/l/best.safetensors"}
    beside = replace(session.plan, **learned)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(session.table), "plan", beside)
        assert not session.models.uses(run), "applying it would bring its maps back"
    os.utime(run.folder / "best.safetensors", (2**33, 2**33))
    assert not session.models.uses(run)


def test_the_same_file_trained_further_is_noticed(computed: Sitting) -> None:
    session = computed.session
    session.models.apply(run_of(computed, 1.0, "classifier-new"))
    computed.settle()
    assert session.table.proposal is not None
    assert not session.table.record.doubtful
    session.models.apply(run_of(computed, 0.25, "classifier-new"))
    computed.settle()
    assert session.table.record.doubtful == session.table.record.labels


def test_a_run_without_checkpoint_cannot_be_applied(computed: Sitting, tmp_path: Path) -> None:
    before = computed.session.table.plan
    assert not computed.session.models.apply(RunInfo(tmp_path, "classifier", "running"))
    assert "no checkpoint" in computed.failures[0]
    (tmp_path / "best.safetensors").touch()
    assert not computed.session.models.apply(RunInfo(tmp_path, "compare", "done"))
    assert "compare" in computed.failures[1]
    assert computed.session.table.plan == before


def test_a_classifier_takes_the_place_of_an_applied_segmenter(computed: Sitting) -> None:
    session = computed.session
    assert session.project is not None
    plan = replace(session.table.plan, segmenter=Step("deeplab_v3"), segmenter_checkpoint="training/s/best.safetensors")
    session.project.set_plan(plan)
    session.models.apply(run_of(computed, 1.0, "classifier-new"))
    assert session.table.plan.segmenter_checkpoint == ""
    assert session.table.plan.localizer == Step("colours")
    computed.settle()


def test_a_segmentation_run_is_applied_as_segmenter(computed: Sitting) -> None:
    run = replace(run_of(computed, 1.0, "segmentation-a", "segmentation"), config={"method": "deeplab_v3"})
    computed.session.models.apply(run)
    computed.session.inference.cancel()
    computed.settle()
    assert computed.session.table.plan.segmenter == Step("deeplab_v3")
    assert computed.session.table.plan.segmenter_checkpoint == "training/segmentation-a/best.safetensors"
    assert computed.session.table.plan.localizer == Step("colours")


def apply(computed: Sitting, gain: float, name: str) -> None:
    assert computed.session.models.apply(run_of(computed, gain, name))
    computed.settle()


def test_going_back_brings_the_stored_proposals_at_once(computed: Sitting) -> None:
    session = computed.session
    assert session.project is not None
    old = session.table.proposal
    assert [model.name for model in session.models.history()] == ["classifier-test"]
    apply(computed, 0.5, "classifier-new")
    newest, first = session.models.history()
    assert (newest.name, newest.shelf, newest.method, newest.missing) == ("classifier-new", "localize", "colours", "")
    assert first.name == "classifier-test"
    session.parameters.set("refine", "constant_background", {"background_threshold": 0.45}, "project")
    session.parameters.set("refine", "constant_background", {"background_threshold": 0.5}, "project")
    assert session.models.go_back_to(first)
    np.testing.assert_array_equal(session.table.proposal, old)  # no job was needed
    assert session.table.plan.localizer_checkpoint.startswith("training/classifier-test")
    computed.settle()
    assert [model.name for model in session.models.history()] == [
        "classifier-test",
        "classifier-new",
        "classifier-test",
    ]
    assert not session.project.catalog.get("p3.png").stale
    assert session.models.go_back_to(session.models.history()[0])  # it is used already


def test_a_model_that_is_gone_is_not_gone_back_to(computed: Sitting) -> None:
    session = computed.session
    assert session.project is not None
    apply(computed, 0.5, "classifier-new")
    first = session.models.history()[1]
    (session.project.folder / first.plan.localizer_checkpoint).unlink()
    gone = session.models.history()[1]
    assert gone.missing == first.plan.localizer_checkpoint
    before = session.table.plan
    assert not session.models.go_back_to(gone)
    assert "no longer there" in computed.failures[0]
    assert session.table.plan == before
