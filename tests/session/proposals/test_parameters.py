"""The slider, the plan's scopes and new models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.plan import Step
from napari_wsss.project.image_clusters import ClusterRow
from napari_wsss.session.results.scopes import Reason
from tests.session.conftest import Sitting, stored_maps, stored_proposal

CONSTANT = "constant_background"


def scopes(sitting: Sitting) -> dict[str, str]:
    return {reason.name: reason.scope for reason in sitting.session.parameters.why(CONSTANT)}


def test_the_threshold_is_kept_for_the_image_on_leaving(computed: Sitting) -> None:
    session = computed.session
    session.sliders.set_threshold(0.2)
    shown = session.table.proposal
    assert session.table.plan.overrides == {}
    session.navigation.next()
    assert session.sliders.threshold == pytest.approx(0.5)
    session.navigation.previous()
    assert session.sliders.threshold == pytest.approx(0.2)
    np.testing.assert_array_equal(session.table.proposal, shown)
    assert scopes(computed) == {"background_threshold": "image:p0.png"}


def test_keeping_the_threshold_does_not_forget_the_next_image(computed: Sitting) -> None:
    session = computed.session
    session.sliders.set_threshold(0.2)
    assert session.table.prefetch is not None
    assert session.table.prefetch.holds("p1.png")
    session.flush()
    assert session.table.prefetch.holds("p1.png")


def test_a_kept_threshold_reaches_the_stored_proposal(computed: Sitting) -> None:
    session = computed.session
    session.sliders.set_threshold(0.05)
    shown = session.table.proposal
    session.flush()
    computed.settle()
    assert session.project is not None
    np.testing.assert_array_equal(stored_proposal(session.project, "p0.png"), shown)
    np.testing.assert_array_equal(session.table.proposal, shown)


def test_a_threshold_for_the_project_or_a_class(computed: Sitting) -> None:
    session = computed.session
    session.sliders.set_threshold(0.2, "project")
    session.navigation.next()
    assert session.sliders.threshold == pytest.approx(0.2)
    session.sliders.set_threshold(0.4, "class:green")
    assert session.sliders.keep()
    assert scopes(computed) == {"background_threshold": "class:green"}
    session.navigation.go_to("p2.png")  # only red
    assert session.sliders.threshold == pytest.approx(0.2)


def test_power_and_threshold_are_told_as_one(computed: Sitting) -> None:
    session = computed.session
    session.parameters.set_refiners([Step("power_background", {"background_power": 1.0})])
    assert session.sliders.threshold == pytest.approx(0.5)
    assert session.sliders.background_power == pytest.approx(1.0)
    session.sliders.set_threshold(0.276)
    session.flush()
    (reason,) = session.parameters.why("power_background")
    assert reason.value == pytest.approx(4.0, abs=0.02)


def test_a_wrong_parameter_changes_nothing(computed: Sitting) -> None:
    session = computed.session
    before = session.table.plan
    assert not session.parameters.set("refine", CONSTANT, {"background_threshold": 7.0}, "project")
    assert not session.parameters.set("refine", "dense_crf", {"steps": 3}, "project")
    assert len(computed.failures) == 2
    assert session.table.plan == before


def test_parameters_redraw_and_can_be_reset(computed: Sitting) -> None:
    session, changed = computed.session, []
    session.signals.plan_changed.connect(lambda: changed.append(1))
    session.parameters.set("refine", CONSTANT, {"background_threshold": 0.05})
    assert session.table.maps is not None
    np.testing.assert_array_equal(session.table.proposal, session.table.maps.to_mask(0.05))
    assert session.parameters.forget(CONSTANT, "background_threshold")
    np.testing.assert_array_equal(session.table.proposal, session.table.maps.to_mask(0.5))
    assert len(changed) == 2


def test_a_saliency_folder_inside_the_project_moves_with_it(computed: Sitting, tmp_path: Path) -> None:
    session = computed.session
    assert session.project is not None
    assert session.parameters.set_saliency_folder(session.project.folder / "sal")
    assert session.table.plan.saliency_folder == "sal"
    assert session.parameters.set_saliency_folder(tmp_path)
    assert session.table.plan.saliency_folder == tmp_path.resolve().as_posix()


def test_a_class_of_gains_comes_into_the_plan_without_moving_other_images(computed: Sitting) -> None:
    session = computed.session
    keys = [stored_proposal(session.project, name) is not None for name in ("p0.png", "p1.png")]
    session.sliders.set_gain("green", 2.0)
    session.sliders.keep()
    assert [step.method for step in session.table.plan.refiners] == ["class_gain", CONSTANT]
    assert keys == [True, True]
    assert stored_proposal(session.project, "p1.png") is not None
    computed.settle()
    np.testing.assert_array_equal(stored_proposal(session.project, "p0.png"), session.table.proposal)
    assert session.parameters.why_gain("green") == Reason("2", 2.0, "image:p0.png")
    assert session.parameters.forget("class_gain", "gains", "2")
    assert session.sliders.gains["green"] == 1.0


def test_clusters_come_between_image_and_class(computed: Sitting) -> None:
    session = computed.session
    assert session.project is not None
    session.project.catalog.clusters.replace(
        [ClusterRow("p0.png", 0, "red 2", 0.1), ClusterRow("p3.png", 0, "red 2", 0.2)]
    )
    session.table.refresh()
    assert list(session.parameters.scopes) == ["image", "cluster:red 2", "class:green", "class:red", "project"]
    session.parameters.set("refine", CONSTANT, {"background_threshold": 0.2}, "class:red")
    session.parameters.set("refine", CONSTANT, {"background_threshold": 0.05}, "cluster:red 2")
    assert scopes(computed) == {"background_threshold": "cluster:red 2"}
    assert session.sliders.threshold == pytest.approx(0.05)
    session.inference.refine()
    computed.settle()
    maps = stored_maps(session.project, "p3.png")
    np.testing.assert_array_equal(stored_proposal(session.project, "p3.png"), maps.to_mask(0.05))
    session.navigation.go_to("p1.png")
    assert session.sliders.threshold == pytest.approx(0.2)


def test_forgetting_a_value_goes_up_one_scope(computed: Sitting) -> None:
    session = computed.session
    for scope, value in (("class:red", 0.2), ("image", 0.05)):
        session.parameters.set("refine", CONSTANT, {"background_threshold": value}, scope)
    found = [session.sliders.threshold]
    while session.parameters.forget(CONSTANT, "background_threshold"):
        found.append(session.sliders.threshold)
    assert found == pytest.approx([0.05, 0.2, 0.5, 0.3])
    assert scopes(computed) == {"background_threshold": "default"}
    assert session.table.plan.overrides == {}


def test_a_change_of_parameters_is_taken_back_one_by_one(computed: Sitting) -> None:
    session = computed.session
    plans = [session.table.plan]
    session.sliders.set_threshold(0.2)
    session.flush()
    plans.append(session.table.plan)
    session.parameters.apply_preset("crisp", "project")
    plans.append(session.table.plan)
    session.sliders.set_gain("red", 0.5)  # not kept
    assert session.parameters.last_change == "what was tried last"
    for plan in reversed(plans):
        assert session.parameters.undo() or plan is plans[0]
        assert session.table.plan == plan
    computed.settle()
    assert session.sliders.threshold == pytest.approx(0.5)
    np.testing.assert_array_equal(session.table.proposal, session.table.maps.to_mask(0.5))
    assert session.parameters.last_change  # what set up this project
    assert computed.failures == []


def test_what_an_image_has_of_its_own_is_used_for_more(computed: Sitting) -> None:
    session = computed.session
    session.sliders.set_threshold(0.2)
    assert session.parameters.use_for("class:green")
    computed.settle()
    assert list(session.table.plan.overrides) == ["class:green"]
    assert session.project is not None
    maps = stored_maps(session.project, "p3.png")
    np.testing.assert_array_equal(stored_proposal(session.project, "p3.png"), maps.to_mask(0.2))
    session.sliders.set_threshold(0.4)
    session.parameters.use_for("project")
    assert session.sliders.threshold == pytest.approx(0.4)
    assert list(session.table.plan.overrides) == ["class:green", "image:p0.png"]  # else its class would decide
