"""Applying a run's model, the history of applied models, and going back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

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
    assert session.accept(and_next=False), computed.failures + computed.notices
    accepted = project.accepted_path("p0.png").read_bytes()
    session.go_to("p1.png")
    painted = computed.paint(2)
    old = session.proposal
    assert session.apply_model(run_of(computed, 0.5, "classifier-new"))
    assert project.catalog.get("p3.png").stale
    computed.settle()
    assert project.plan.localizer_checkpoint == "training/classifier-new/best.safetensors"
    assert old is not None
    assert session.proposal is not None
    assert old.any()
    assert not session.proposal.any()
    np.testing.assert_array_equal(session.mask, painted)
    assert project.accepted_path("p0.png").read_bytes() == accepted
    assert not project.catalog.get("p3.png").stale
    assert computed.failures == []


def test_the_same_file_trained_further_is_noticed(computed: Sitting) -> None:
    session = computed.session
    session.apply_model(run_of(computed, 1.0, "classifier-new"))
    computed.settle()
    assert session.proposal is not None
    assert session.proposal.any()
    session.apply_model(run_of(computed, 0.25, "classifier-new"))
    computed.settle()
    assert not session.proposal.any()


def test_a_run_without_checkpoint_cannot_be_applied(computed: Sitting, tmp_path: Path) -> None:
    before = computed.session.plan
    assert not computed.session.apply_model(RunInfo(tmp_path, "classifier", "running"))
    assert "no checkpoint" in computed.failures[0]
    (tmp_path / "best.safetensors").touch()
    assert not computed.session.apply_model(RunInfo(tmp_path, "compare", "done"))
    assert "compare" in computed.failures[1]
    assert computed.session.plan == before


def test_a_classifier_takes_the_place_of_an_applied_segmenter(computed: Sitting) -> None:
    session = computed.session
    assert session.project is not None
    plan = replace(session.plan, segmenter=Step("deeplab_v3"), segmenter_checkpoint="training/s/best.safetensors")
    session.project.set_plan(plan)
    session.apply_model(run_of(computed, 1.0, "classifier-new"))
    assert session.plan.segmenter_checkpoint == ""
    assert session.plan.localizer == Step("colours")
    computed.settle()


def test_a_segmentation_run_is_applied_as_segmenter(computed: Sitting) -> None:
    run = replace(run_of(computed, 1.0, "segmentation-a", "segmentation"), config={"method": "deeplab_v3"})
    computed.session.apply_model(run)
    computed.session.cancel_inference()
    computed.settle()
    assert computed.session.plan.segmenter == Step("deeplab_v3")
    assert computed.session.plan.segmenter_checkpoint == "training/segmentation-a/best.safetensors"
    assert computed.session.plan.localizer == Step("colours")


def apply(computed: Sitting, gain: float, name: str) -> None:
    assert computed.session.apply_model(run_of(computed, gain, name))
    computed.settle()


def test_going_back_brings_the_stored_proposals_at_once(computed: Sitting) -> None:
    session = computed.session
    assert session.project is not None
    old = session.proposal
    assert [model.name for model in session.applied_models()] == ["classifier-test"]
    apply(computed, 0.5, "classifier-new")
    newest, first = session.applied_models()
    assert (newest.name, newest.shelf, newest.method, newest.missing) == ("classifier-new", "localize", "colours", "")
    assert first.name == "classifier-test"
    session.set_parameters("refine", "constant_background", {"background_threshold": 0.45}, "project")
    session.set_parameters("refine", "constant_background", {"background_threshold": 0.5}, "project")
    assert session.use_models_of(first)
    np.testing.assert_array_equal(session.proposal, old)  # no job was needed
    assert session.plan.localizer_checkpoint.startswith("training/classifier-test")
    computed.settle()
    assert [model.name for model in session.applied_models()] == [
        "classifier-test",
        "classifier-new",
        "classifier-test",
    ]
    assert not session.project.catalog.get("p3.png").stale
    assert session.use_models_of(session.applied_models()[0])  # it is used already


def test_a_model_that_is_gone_is_not_gone_back_to(computed: Sitting) -> None:
    session = computed.session
    assert session.project is not None
    apply(computed, 0.5, "classifier-new")
    first = session.applied_models()[1]
    (session.project.folder / first.plan.localizer_checkpoint).unlink()
    gone = session.applied_models()[1]
    assert gone.missing == first.plan.localizer_checkpoint
    before = session.plan
    assert not session.use_models_of(gone)
    assert "no longer there" in computed.failures[0]
    assert session.plan == before
