"""Published configurations as data: ``presets/<data set>/<name>.json``, chosen by ``--preset voc12/seam``.

A file holds the recipe and method it is for, the method's preset it is laid over (``below``), a ``config`` by section
as in `run.json`, what differs from the published training (``note``), and the published figures with their sources.
No preset starts from weights that saw pixel masks.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import ParameterError

FOLDER = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class PublishedFigure:
    """One published figure.

    Parameters
    ----------
    what : str
        ``seed mIoU`` ...
    split : str
        Images it was measured on.
    value : float
        In percent, as published; errors (MAE) and F of saliency as fractions.
    source : str
        Where it is published.
    """

    what: str
    split: str
    value: float
    source: str

    def __str__(self) -> str:
        """Return the figure as a sentence has it."""
        return f"{self.what} {self.value:g} on {self.split} ({self.source})"


@dataclass(frozen=True)
class PublishedPreset:
    """A published configuration.

    Parameters
    ----------
    name : str
        ``voc12/seam``.
    recipe, method : str
        What it configures.
    below : str
        The method's preset its values are laid over.
    config : mapping
        Section -> option -> value; ``parameters`` are the method's own.
    note : str
        What differs from the published training.
    figures : tuple of PublishedFigure
    """

    name: str
    recipe: str
    method: str
    below: str
    config: Mapping[str, Mapping[str, Any]]
    note: str
    figures: tuple[PublishedFigure, ...]


@lru_cache(maxsize=1)
def preset_names() -> tuple[str, ...]:
    """Return the names of all published presets in alphabetical order."""
    return tuple(sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.glob("*/*.json")))


def is_published(name: str) -> bool:
    """Tell whether a preset's name means a published one (``<data set>/<name>``)."""
    return "/" in name


@lru_cache(maxsize=64)
def published_preset(name: str) -> PublishedPreset:
    """Return a preset by name.

    Raises
    ------
    ParameterError
        For an unknown name, listing the known ones.
    """
    if name not in preset_names():
        raise ParameterError(f"There is no preset {name!r}; the known ones are: {', '.join(preset_names())}.")
    content = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    figures = tuple(PublishedFigure(**figure) for figure in content["published"])
    facts = {key: content[key] for key in ("recipe", "method", "below", "config", "note")}
    return PublishedPreset(name, figures=figures, **facts)


def preset_for(name: str, recipe: str, method: str) -> PublishedPreset:
    """Return a preset by name; raise `ParameterError` when it is unknown, or for another recipe or method."""
    found = published_preset(name)
    if (found.recipe, found.method) != (recipe, method):
        raise ParameterError(
            f"The preset {name} is for {found.recipe} --method {found.method}, not for {recipe} --method {method}.",
            name="preset",
        )
    return found


def published_figures(method: str, classes: Iterable[str]) -> tuple[PublishedFigure, ...]:
    """Return the figures published for a method on the data that `classes` are of: none for other than VOC's."""
    from napari_wsss.weights.published_resnet38 import VOC_CLASSES

    names = set(classes)
    if not names or not names <= set(VOC_CLASSES):
        return ()
    known = (published_preset(name) for name in preset_names() if name.startswith("voc12/"))
    return tuple(figure for preset in known if preset.method == method for figure in preset.figures)
