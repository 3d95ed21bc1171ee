"""The options of a recipe as plain JSON types, so that a window shows their form without torch."""

from typing import Any

from napari_wsss.core.parameters import fields_of, from_dict, to_dict
from napari_wsss.core.registry import load_method
from training.config import RECIPES, RunConfig, sections_of
from training.published_presets import is_published, published_preset
from training.resolving import method_prefix


def describe(config: RunConfig) -> list[dict[str, Any]]:
    """Return the options of a recipe as plain JSON types, one entry per parameter, for forms without torch.

    The method's own come first. The ``default`` of an entry is what the run would use: the value of `config`, its
    method's presets laid over.
    """
    import torch  # late: a command line's help needs none

    from napari_wsss.networks.trunk import installed_trunks

    shelf, _ = RECIPES[config.recipe]
    own = load_method(shelf, config.method).Parameters
    prefix = method_prefix(config.recipe, config.method)
    used = config.to_dict() | {"parameters": to_dict(from_dict(own, config.parameters))}
    entries = [
        {"section": section, **one.metadata, "name": (prefix if section == "parameters" else "") + name}
        | {"default": used[section][name]}
        for section, cls in {"parameters": own, **sections_of(config.recipe, config.method)}.items()
        for name, one in fields_of(cls).items()
    ]
    trunk = _entry(entries, "network", "trunk")
    trunk["choices"] = (*trunk["choices"], *installed_trunks())
    preset = _entry(entries, "optimisation", "preset")
    preset["choices"] = tuple(name for name in preset["choices"] if _may_choose(name, config))
    if torch.cuda.device_count() < 2:
        entries.remove(_entry(entries, "hardware", "processes"))  # a window offers what there is
    return entries


def _entry(entries: list[dict[str, Any]], section: str, name: str) -> dict[str, Any]:
    return next(entry for entry in entries if (entry["section"], entry["name"]) == (section, name))


def _may_choose(preset: str, config: RunConfig) -> bool:
    if not is_published(preset):
        return True
    found = published_preset(preset)
    return (found.recipe, found.method) == (config.recipe, config.method)
