"""What is typed changes the plan of a run, and the project's only when that is asked for."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.plan import Plan, Step
from napari_wsss.project.project import Project
from training.report import Silent
from training.stages.maps import add_chain_options
from training.typed_plan import plan_for, with_chain, with_inference, with_refiners


def typed(*words: str) -> argparse.Namespace:
    """Return the options of a chain as ``refine`` has them."""
    parser = argparse.ArgumentParser()
    add_chain_options(parser)
    found = parser.parse_args(["--project", "p", *words])
    found.config = None
    return found


def test_nothing_typed_changes_nothing() -> None:
    plan = Plan()
    assert with_chain(plan, typed()) == plan
    assert with_inference(plan, argparse.Namespace()) == plan


def test_a_chain_keeps_the_values_of_steps_that_stay() -> None:
    plan = with_refiners(Plan(), typed("--refiners", "power_background", "--power-background-background-power", "3"))
    longer = with_refiners(plan, typed("--refiners", "power_background", "dense_crf"))
    assert [step.method for step in longer.refiners] == ["power_background", "dense_crf"]
    assert longer.refiners[0].parameters["background_power"] == 3


def test_a_value_out_of_bounds_is_refused() -> None:
    with pytest.raises(ParameterError):
        with_refiners(Plan(), typed("--refiners", "power_background", "--power-background-background-power", "-1"))


def test_scales_are_of_maps_only(tmp_path: Path) -> None:
    options = argparse.Namespace(scales=[1.0, 2.0])
    assert with_inference(Plan(), options).localizer.parameters["scales"] == [1.0, 2.0]
    with pytest.raises(ParameterError, match="segmentation network"):
        with_inference(Plan(segmenter_checkpoint="segmentation-1/model.safetensors"), options)


def test_a_configuration_leaves_the_models_alone(tmp_path: Path) -> None:
    other = Plan(localizer_checkpoint="theirs", refiners=(Step("power_background", {}),))
    options = typed()
    options.config = tmp_path / "plan.json"
    options.config.write_text(json.dumps({"plan": other.to_dict()}))
    found = with_chain(Plan(localizer_checkpoint="ours"), options)
    assert found.localizer_checkpoint == "ours"
    assert found.refiners == other.refiners
    options.config.write_text('{"plan": 3}')
    with pytest.raises(ParameterError, match="no usable plan"):
        with_chain(Plan(), options)


@pytest.mark.parametrize("applies", [False, True])
def test_the_project_has_it_only_when_asked(project: Project, applies: bool) -> None:
    before, options = project.plan, typed("--refiners", "power_background", "--power-background-background-power", "3")
    project.close()
    options.project, options.apply = project.folder, applies
    with Project.open_to_read(project.folder) as opened:
        plan = plan_for(opened, options, with_refiners, Silent())
    assert plan != before
    with Project.open_to_read(project.folder) as opened:
        assert opened.plan == (plan if applies else before)
