"""How the configuration of a run is put together from options, a file and a preset.

Precedence, weakest first: defaults, the preset, the configuration file, what was typed.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.parameters import add_options, fields_of, from_dict, typed_options
from napari_wsss.core.registry import load_method, method_names
from napari_wsss.core.trunk_choice import PUBLISHED, SCRATCH, TIMM
from napari_wsss.processes.option_files import read_mapping
from napari_wsss.processes.stage_list import Recipe
from training.config import PRESETS, RECIPES, Network, Optimisation, RunConfig, sections_of
from training.published_presets import is_published, preset_for, published_preset

RETIRED = frozenset({"empty_is_background"})
"""Names of parameters that are facts of the project by now: images labelled *none of the classes*."""


def add_recipe_options(parser: argparse.ArgumentParser, recipe: Recipe, method: str) -> None:
    """Add ``--method`` and one option per parameter of the recipe's sections and of the method."""
    shelf, default = RECIPES[recipe]
    parser.add_argument("--method", default=argparse.SUPPRESS, choices=method_names(shelf), help=f"[{default}]")
    own, prefix = load_method(shelf, method).Parameters, method_prefix(recipe, method)
    if prefix:
        add_options(parser, own, prefix=prefix)
    add_options(parser, *(() if prefix else (own,)), *sections_of(recipe, method).values())


def method_prefix(recipe: Recipe, method: str) -> str:
    """Return the prefix of the method's options: none, unless a name would be there twice."""
    taken = {name for cls in sections_of(recipe, method).values() for name in fields_of(cls)}
    own = set(fields_of(load_method(RECIPES[recipe][0], method).Parameters))
    return f"{method}_" if own & taken else ""


def resolve(recipe: Recipe, options: argparse.Namespace, file: Mapping[str, Any] | None = None) -> RunConfig:
    """Return the configuration of a run from typed options laid over a configuration file and a preset.

    Parameters
    ----------
    options : Namespace
        As parsed by a parser filled by `add_recipe_options`; absent options stay with the file or the preset.
    file : mapping, optional
        What `read_config` returned.

    Raises
    ------
    ParameterError
        For unknown names and values out of bounds.
    """
    file = file or {}
    shelf, default = RECIPES[recipe]
    name = _preset_name(options, file)
    published = published_preset(name) if is_published(name) else None
    implied = published.method if published and published.recipe == recipe else default
    method = getattr(options, "method", file.get("method", implied))
    unknown = sorted(set(file) - {"method", "parameters", *sections_of(recipe, method)})
    if unknown:
        known = ", ".join(["method", "parameters", *sections_of(recipe, method)])
        raise ParameterError(f"Unknown section {', '.join(unknown)} in the configuration; expected: {known}.")
    chosen = load_method(shelf, method)
    shared, special = preset_values(recipe, method, name)
    told = {**file.get("network", {}), **typed_options(Network, options)}
    if str(told.get("trunk", "")).startswith(TIMM):
        shared, special = _without_width(shared), _without_width(special)
    sections = {
        section: from_dict(
            cls,
            {
                **shared.get(section, {}),
                **special.get(section, {}),
                **_still_known(file.get(section, {})),
                **typed_options(cls, options),
            },
        )
        for section, cls in sections_of(recipe, method).items()
    }
    own = chosen.Parameters
    typed = typed_options(own, options, prefix=method_prefix(recipe, method))
    own_file = file.get("parameters", {}) if method == file.get("method", method) else {}
    parameters = {**special.get("parameters", {}), **own_file, **typed}
    from_dict(own, parameters)
    return RunConfig(recipe, method, parameters=parameters, **sections)


def _without_width(preset: Mapping[str, Any]) -> dict[str, Any]:
    """Return a preset without the width of its own trunk, which an encoder of timm does not have."""
    network = {name: value for name, value in preset.get("network", {}).items() if name != "width"}
    return {**preset, "network": network}


def _still_known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a section of a configuration without what older runs could choose and nobody needs to any more."""
    return {name: value for name, value in values.items() if name not in RETIRED}


def preset_values(recipe: Recipe, method: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values of a preset by section: those of every method, and those laid over them for this one.

    Raises
    ------
    ParameterError
        When it is a published preset of another recipe or method.
    """
    published = preset_for(name, recipe, method) if is_published(name) else None
    below = published.below if published else name
    own = getattr(load_method(RECIPES[recipe][0], method), "presets", {}).get(below, {})
    laid = published.config if published else {}
    special = {section: {**own.get(section, {}), **laid.get(section, {})} for section in {*own, *laid}}
    return PRESETS[recipe][below], special


def resolve_file(recipe: Recipe, file: Mapping[str, Any]) -> RunConfig:
    """Return the configuration of a file alone, as `resolve` without typed options."""
    return resolve(recipe, argparse.Namespace(), file)


def _preset_name(options: argparse.Namespace, file: Mapping[str, Any]) -> str:
    name = getattr(options, "preset", file.get("optimisation", {}).get("preset", "auto"))
    if is_published(str(name)):
        return published_preset(str(name)).name
    if name not in fields_of(Optimisation)["preset"].metadata["choices"]:
        raise ParameterError(f"Preset is {name!r}; see the choices of --preset.", name="preset")
    weights = getattr(options, "trunk_weights", file.get("network", {}).get("trunk_weights", PUBLISHED))
    if name == "auto":
        name = "scratch" if weights == SCRATCH else "pretrained"
    return str(name)


def read_config(path: Path, recipe: Recipe) -> dict[str, Any]:
    """Return the configuration in a JSON or YAML file, which may be a whole `run.json`.

    Raises
    ------
    ParameterError
        When the file is missing, holds no mapping, or a run of another recipe.
    """
    path = path / "run.json" if path.is_dir() else path
    content = read_mapping(path)
    if content.get("recipe", recipe) != recipe:
        raise ParameterError(f"{path} configures a {content['recipe']} run; give one of a {recipe} run.")
    config: dict[str, Any] = content.get("config", {k: v for k, v in content.items() if k != "recipe"})
    return config
