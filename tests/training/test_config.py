from __future__ import annotations

from typing import Any

import pytest

from napari_wsss.processes.stage_list import Recipe
from training.config import PRESETS
from training.resolving import resolve_file


@pytest.mark.parametrize("recipe", PRESETS)
def test_every_preset_names_existing_parameters(recipe: Recipe) -> None:
    for name in PRESETS[recipe]:
        assert resolve_file(recipe, {"optimisation": {"preset": name}}).recipe == recipe


def test_published_weights_are_named_after_the_trunk() -> None:
    choice = resolve_file("classifier", {"network": {"trunk": "resnet50"}}).network.choice()
    assert choice.weights == "resnet50_imagenet"
    assert resolve_file("classifier", {"network": {"trunk_weights": "none"}}).network.choice().weights == ""


@pytest.mark.parametrize(
    ("changes", "side"),
    [
        ({}, 373),
        ({"optimisation": {"preset": "scratch"}}, 157),
        ({"augmentation": {"crop": 640, "scale_low": 0.5, "scale_high": 2.0}}, 640),
        ({"augmentation": {"scale_of": "image"}}, 0),
        ({"optimisation": {"preset": "reference"}}, 0),
        ({"optimisation": {"preset": "voc12/seam"}, "method": "seam"}, 0),
    ],
)
def test_a_localizer_notes_the_side_of_its_pictures_unless_it_follows_published_code(
    changes: dict[str, Any], side: int
) -> None:
    assert resolve_file("classifier", changes).trained_side() == side


def test_hardware_does_not_decide_the_result() -> None:
    here = resolve_file("classifier", {"hardware": {"device": "cpu"}})
    there = resolve_file("classifier", {"hardware": {"threads": 3}})
    assert here.decisive() == there.decisive()


@pytest.mark.parametrize(("classes", "rate"), [(1, 0.0005), (3, 0.0015), (20, 0.01), (200, 0.01)])
def test_fewer_classes_get_a_smaller_rate_where_it_was_measured_with_more(classes: int, rate: float) -> None:
    config = resolve_file("classifier", {"optimisation": {"preset": "pretrained", "learning_rate": 0.01}})

    assert config.rated_for(classes).optimisation.learning_rate == pytest.approx(rate)
    assert config.rated_for(classes).rated_for(classes) == config.rated_for(classes)


@pytest.mark.parametrize("options", [{"preset": "reference"}, {"preset": "scratch"}, {"optimiser": "adamw"}])
def test_published_rates_and_those_of_adamw_stay(options: dict[str, str]) -> None:
    config = resolve_file("classifier", {"optimisation": options})

    assert config.rated_for(2) is config
