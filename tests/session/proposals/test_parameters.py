"""The slider, the plan's scopes and new models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.plan import Step
from napari_wsss.project.image_clusters import ClusterRow
from napari_wsss.session.proposals.planning import Reason
from napari_wsss.session.results import stages
from tests.session.conftest import Sitting

CONSTANT = "constant_background"


def scopes(sitting: Sitting) -> dict[str, str]:
    return {reason.name: reason.scope for reason in sitting.session.why(CONSTANT)}


def test_the_threshold_is_kept_for_the_image_on_leaving(computed: Sitting) -> None:
    session = computed.session
    session.set_threshold(0.2)
    shown = session.proposal
    assert session.plan.overrides == {}
    session.next()
    assert session.threshold == pytest.approx(0.5)
    session.previous()
    assert session.threshold == pytest.approx(0.2)
    np.testing.assert_array_equal(session.proposal, shown)
    assert scopes(computed) == {"background_threshold": "image:p0.png"}


def test_keeping_the_threshold_does_not_forget_the_next_image(computed: Sitting) -> None:
    session = computed.session
    session.set_threshold(0.2)
    assert session._prefetch is not None
    assert session._prefetch.holds("p1.png")
    session.flush()
    assert session._prefetch.holds("p1.png")


def test_a_kept_threshold_reaches_the_stored_proposal(computed: Sitting) -> None:
    session = computed.session
    session.set_threshold(0.05)
    shown = session.proposal
    session.flush()
    computed.settle()
    assert session.project is not None
    np.testing.assert_array_equal(stages.stored_proposal(session.project, "p0.png"), shown)
    np.testing.assert_array_equal(session.proposal, shown)


def test_a_threshold_for_the_project_or_a_class(computed: Sitting) -> None:
    session = computed.session
    session.set_threshold(0.2)
    assert session.keep_threshold("project")
    session.next()
    assert session.threshold == pytest.approx(0.2)
    session.set_threshold(0.4)
    session.keep_threshold("class:green")
    assert scopes(computed) == {"background_threshold": "class:green"}
    session.go_to("p2.png")  # only red
    assert session.threshold == pytest.approx(0.2)


def test_power_and_threshold_are_told_as_one(computed: Sitting) -> None:
    session = computed.session
    session.set_refiners([Step("power_background", {"background_power": 1.0})])
    assert session.threshold == pytest.approx(0.5)
    assert session.background_power == pytest.approx(1.0)
    session.set_threshold(0.276)
    session.flush()
    (reason,) = session.why("power_background")
    assert reason.value == pytest.approx(4.0, abs=0.02)


def test_a_wrong_parameter_changes_nothing(computed: Sitting) -> None:
    session = computed.session
    before = session.plan
    assert not session.set_parameters("refine", CONSTANT, {"background_threshold": 7.0}, "project")
    assert not session.set_parameters("refine", "dense_crf", {"steps": 3}, "project")
    assert len(computed.failures) == 2
    assert session.plan == before


def test_parameters_redraw_and_can_be_reset(computed: Sitting) -> None:
    session, changed = computed.session, []
    session.plan_changed.connect(lambda: changed.append(1))
    session.set_parameters("refine", CONSTANT, {"background_threshold": 0.05})
    assert session.maps is not None
    np.testing.assert_array_equal(session.proposal, session.maps.to_mask(0.05))
    assert session.reset_parameters()
    np.testing.assert_array_equal(session.proposal, session.maps.to_mask(0.5))
    assert len(changed) == 2


def test_a_saliency_folder_inside_the_project_moves_with_it(computed: Sitting, tmp_path: Path) -> None:
    session = computed.session
    assert session.project is not None
    assert session.set_saliency_folder(session.project.folder / "sal")
    assert session.plan.saliency_folder == "sal"
    assert session.set_saliency_folder(tmp_path)
    assert session.plan.saliency_folder == tmp_path.resolve().as_posix()


def test_a_class_of_gains_comes_into_the_plan_without_moving_other_images(computed: Sitting) -> None:
    session = computed.session
    keys = [stages.stored_proposal(session.project, name) is not None for name in ("p0.png", "p1.png")]
    session.set_gain("green", 2.0)
    session.keep_tried()
    assert [step.method for step in session.plan.refiners] == ["class_gain", CONSTANT]
    assert keys == [True, True]
    assert stages.stored_proposal(session.project, "p1.png") is not None
    computed.settle()
    np.testing.assert_array_equal(stages.stored_proposal(session.project, "p0.png"), session.proposal)
    assert session.why_gain("green") == Reason("2", 2.0, "image:p0.png")
    assert session.forget_parameter("class_gain", "gains", "2")
    assert session.gains["green"] == 1.0


def test_clusters_come_between_image_and_class(computed: Sitting) -> None:
    session = computed.session
    assert session.project is not None
    session.project.catalog.clusters.replace(
        [ClusterRow("p0.png", 0, "red 2", 0.1), ClusterRow("p3.png", 0, "red 2", 0.2)]
    )
    assert list(session.scopes) == ["image", "cluster:red 2", "class:green", "class:red", "project"]
    session.set_parameters("refine", CONSTANT, {"background_threshold": 0.2}, "class:red")
    session.set_parameters("refine", CONSTANT, {"background_threshold": 0.05}, "cluster:red 2")
    assert scopes(computed) == {"background_threshold": "cluster:red 2"}
    assert session.threshold == pytest.approx(0.05)
    session.start_refine()
    computed.settle()
    maps = stages.stored_maps(session.project, "p3.png")
    np.testing.assert_array_equal(stages.stored_proposal(session.project, "p3.png"), maps.to_mask(0.05))
    session.go_to("p1.png")
    assert session.threshold == pytest.approx(0.2)


def test_forgetting_a_value_goes_up_one_scope(computed: Sitting) -> None:
    session = computed.session
    for scope, value in (("class:red", 0.2), ("image", 0.05)):
        session.set_parameters("refine", CONSTANT, {"background_threshold": value}, scope)
    found = [session.threshold]
    while session.forget_parameter(CONSTANT, "background_threshold"):
        found.append(session.threshold)
    assert found == pytest.approx([0.05, 0.2, 0.5, 0.3])
    assert scopes(computed) == {"background_threshold": "default"}
    assert session.plan.overrides == {}


def test_a_change_of_parameters_is_taken_back_one_by_one(computed: Sitting) -> None:
    session = computed.session
    plans = [session.plan]
    session.set_threshold(0.2)
    session.flush()
    plans.append(session.plan)
    session.apply_preset("crisp", "project")
    plans.append(session.plan)
    session.set_gain("red", 0.5)  # not kept
    assert session.last_parameter_change == "what was tried last"
    for plan in reversed(plans):
        assert session.undo_parameters() or plan is plans[0]
        assert session.plan == plan
    computed.settle()
    assert session.threshold == pytest.approx(0.5)
    np.testing.assert_array_equal(session.proposal, session.maps.to_mask(0.5))
    assert session.last_parameter_change  # what set up this project
    assert computed.failures == []


def test_what_an_image_has_of_its_own_is_used_for_more(computed: Sitting) -> None:
    session = computed.session
    session.set_threshold(0.2)
    assert session.use_for("class:green")
    computed.settle()
    assert list(session.plan.overrides) == ["class:green"]
    assert session.project is not None
    maps = stages.stored_maps(session.project, "p3.png")
    np.testing.assert_array_equal(stages.stored_proposal(session.project, "p3.png"), maps.to_mask(0.2))
    session.set_threshold(0.4)
    session.use_for("project")
    assert session.threshold == pytest.approx(0.4)
    assert list(session.plan.overrides) == ["class:green", "image:p0.png"]  # else its class would decide
