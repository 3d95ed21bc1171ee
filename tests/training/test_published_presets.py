from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.registry import method_names
from training.config import RECIPES
from training.describing import describe
from training.published_presets import (
    FOLDER,
    preset_for,
    preset_names,
    published_figures,
    published_preset,
)
from training.resolving import add_recipe_options, resolve, resolve_file
from training.run import main

NAMES = [
    name
    for name in preset_names()
    if published_preset(name).method in method_names(RECIPES[published_preset(name).recipe][0])  # type: ignore[index]
]


def options(recipe: str, method: str, *typed: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_recipe_options(parser, recipe, method)  # type: ignore[arg-type]
    return parser.parse_args(typed)


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_is_a_configuration(name: str) -> None:
    preset = published_preset(name)

    config = resolve(preset.recipe, options(preset.recipe, preset.method, "--preset", name))  # type: ignore[arg-type]

    assert config.method == preset.method
    found = config.to_dict()
    for section, values in preset.config.items():
        for option, value in values.items():
            assert found[section][option] == value
    assert resolve_file(config.recipe, json.loads(json.dumps(found))) == config
    choices = next(entry for entry in describe(config) if entry["name"] == "preset")["choices"]
    assert name in choices
    assert all(one == name or "/" not in one or published_preset(one).method == config.method for one in choices)


@pytest.mark.parametrize("name", preset_names())
def test_no_preset_starts_from_pixel_masks_and_every_figure_has_a_source(name: str) -> None:
    preset = published_preset(name)

    assert preset.config.get("network", {}).get("trunk_weights", "imagenet") == "imagenet"
    assert preset.note
    assert all(figure.what and figure.split and figure.source for figure in preset.figures)
    assert all(0 < figure.value <= 100 for figure in preset.figures)


def test_what_is_typed_goes_before_a_preset() -> None:
    config = resolve("classifier", options("classifier", "seam", "--preset", "voc12/seam", "--epochs", "3"))

    assert config.optimisation.epochs == 3
    assert config.optimisation.preset == "voc12/seam"
    assert config.network.trunk == "resnet38"


def test_a_preset_brings_its_method_and_refuses_another() -> None:
    assert resolve_file("classifier", {"optimisation": {"preset": "voc12/edam"}}).method == "edam"
    with pytest.raises(ParameterError, match="for classifier --method edam, not for classifier --method cam"):
        resolve_file("classifier", {"method": "cam", "optimisation": {"preset": "voc12/edam"}})
    with pytest.raises(ParameterError, match="for classifier --method edam, not for segmentation"):
        resolve_file("segmentation", {"optimisation": {"preset": "voc12/edam"}})
    with pytest.raises(ParameterError, match="not for segmentation"):
        preset_for("voc12/edam", "segmentation", "edam")


def test_an_unknown_preset_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ParameterError, match="voc12/cam"):
        resolve_file("classifier", {"optimisation": {"preset": "voc12/nothing"}})
    assert main(["classifier", "--preset", "voc12/nothing", "--describe"]) != 0
    assert "voc12/seam" in capsys.readouterr().err


def test_the_command_line_knows_the_options_of_the_presets_method(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classifier", "--preset", "voc12/sub_category", "--cluster-count", "7", "--describe"]) == 0
    entries = {entry["name"]: entry["default"] for entry in json.loads(capsys.readouterr().out)}
    assert (entries["cluster_count"], entries["crop"], entries["trunk"]) == (7, 224, "resnet38")


def test_a_run_says_what_differs_and_what_was_published(
    project_folder: Path, tiny: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["classifier", "--project", str(project_folder), "--preset", "voc12/cam_resnet50", *tiny]
    assert main([*words, "--iterations", "1", "--loaders", "0", "--events"]) == 0

    said = capsys.readouterr().out
    preset = published_preset("voc12/cam_resnet50")
    assert said.index(f"{preset.name}: {preset.note}") < said.index(f"Published: {preset.figures[0]}")


def test_figures_are_for_vocs_classes_only() -> None:
    assert {figure.value for figure in published_figures("seam", ("dog", "cat"))} >= {55.41}
    assert not published_figures("seam", ("dog", "crack"))
    assert not published_figures("seam", ())
    assert "55.41 on train" in str(published_figures("seam", ("dog",))[0])


def test_file_names_are_the_methods() -> None:
    for path in FOLDER.glob("voc12/*.json"):
        assert path.stem.startswith(json.loads(path.read_text())["method"])
