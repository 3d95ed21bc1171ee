from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pytest

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.parameters import fields_of
from napari_wsss.processes.stage_list import Recipe
from training.config import sections_of
from training.resolving import add_recipe_options, read_config, resolve, resolve_file

RECIPES: tuple[Recipe, ...] = ("classifier", "segmentation")
METHODS = {"classifier": "cam", "segmentation": "deeplab_v3"}


def _options(recipe: Recipe, *typed: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_recipe_options(parser, recipe, METHODS[recipe])
    return parser.parse_args(typed)


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_parameter_is_an_option_and_survives_the_file(recipe: Recipe) -> None:
    help_text = argparse.ArgumentParser()
    add_recipe_options(help_text, recipe, METHODS[recipe])
    shown = help_text.format_help()
    for cls in sections_of(recipe, METHODS[recipe]).values():
        for name in fields_of(cls):
            assert f"--{name.replace('_', '-')}" in shown
    config = resolve(recipe, _options(recipe, "--epochs", "7", "--trunk-weights", "none"))
    assert resolve_file(recipe, json.loads(json.dumps(config.to_dict()))) == config


def test_typed_goes_before_file_goes_before_preset_goes_before_default() -> None:
    file = {"optimisation": {"epochs": 11, "momentum": 0.5}, "network": {"trunk_weights": "none"}}
    config = resolve("classifier", _options("classifier", "--epochs", "3"), file)
    assert config.optimisation.epochs == 3
    assert config.optimisation.momentum == 0.5
    assert config.optimisation.freeze_batch_norm is False  # preset: from scratch
    assert config.optimisation.poly_power == 0.9  # default


def test_preset_follows_the_weights_unless_it_is_typed() -> None:
    assert resolve("classifier", _options("classifier")).optimisation.freeze_batch_norm
    assert not resolve("classifier", _options("classifier", "--trunk-weights", "none")).optimisation.freeze_batch_norm
    typed = resolve("classifier", _options("classifier", "--preset", "reference"))
    assert typed.optimisation.momentum == 5e-4


@pytest.mark.parametrize(
    "file",
    [{"optimiser": {}}, {"optimisation": {"epoch": 3}}, {"optimisation": {"epochs": 0}}, {"network": {"width": "x"}}],
)
def test_what_no_section_knows_is_refused(file: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        resolve_file("classifier", file)


def test_run_json_is_a_configuration(tmp_path: Path) -> None:
    config = resolve("classifier", _options("classifier", "--epochs", "9"))
    (tmp_path / "run.json").write_text(json.dumps({"recipe": "classifier", "config": config.to_dict(), "pid": 3}))
    assert resolve_file("classifier", read_config(tmp_path / "run.json", "classifier")) == config
    assert read_config(tmp_path, "classifier") == read_config(tmp_path / "run.json", "classifier")
    with pytest.raises(ParameterError, match="configures a classifier run"):
        read_config(tmp_path / "run.json", "segmentation")


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_a_file_that_is_no_configuration_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "c.json").write_text(content)
    with pytest.raises(ParameterError, match=r"c\.json"):
        read_config(tmp_path / "c.json", "classifier")


def test_yaml_says_the_same_as_json(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    (tmp_path / "c.yaml").write_text("optimisation:\n  epochs: 9\n  learning_rate: 0.1\n")
    (tmp_path / "c.json").write_text('{"optimisation": {"epochs": 9, "learning_rate": 0.1}}')
    found = [resolve_file("classifier", read_config(tmp_path / name, "classifier")) for name in ("c.yaml", "c.json")]
    assert found[0] == found[1]
    assert found[0].optimisation.epochs == 9


@pytest.mark.parametrize("content", ["", "- 1", "a: [", "a: !!python/object:os.system {}"])
def test_yaml_that_is_no_configuration_is_named(tmp_path: Path, content: str) -> None:
    pytest.importorskip("yaml")
    (tmp_path / "c.yml").write_text(content)
    with pytest.raises(ParameterError, match=r"c\.yml"):
        read_config(tmp_path / "c.yml", "classifier")


def test_yaml_without_its_library_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    (tmp_path / "c.yaml").touch()
    with pytest.raises(ParameterError, match=r"napari-wsss\[shell\]"):
        read_config(tmp_path / "c.yaml", "classifier")


def test_a_preset_may_set_the_methods_own_parameters() -> None:
    gentle, published = (
        resolve_file("classifier", {"method": "seam", "optimisation": {"preset": name}})
        for name in ("pretrained", "reference")
    )

    assert gentle.parameters["rescale"] == 0.5
    assert published.parameters == {}
    assert resolve_file("classifier", {"method": "seam", "parameters": {"rescale": 0.4}}).parameters["rescale"] == 0.4


@pytest.mark.parametrize(("trunk", "width"), [("timm/convnext_atto", 1.0), ("resnet50", 0.25)])
def test_the_width_of_a_preset_is_not_for_encoders_of_timm(trunk: str, width: float) -> None:
    told = {"network": {"trunk": trunk, "trunk_weights": "none"}}
    assert resolve_file("classifier", told).network.width == width
    told["network"] |= {"width": 0.5}
    assert resolve_file("classifier", told).network.width == 0.5
