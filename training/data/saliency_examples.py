"""Where a saliency network's pictures and class-free masks come from: accepted masks of a project, or a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.errors import LabelError
from napari_wsss.project.hold_out import choose_held_out
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from training.data.image_pairs import ImagePairs
from training.data.label_decoupling import FULL
from training.data.masks import AcceptedMask
from training.data.pictures import Pictures, training_records, validation_records
from training.run_folder import RunFolder
from training.sources import SaliencySources

Pixels = NDArray[np.uint8]


class Examples(Protocol):
    """Pictures with masks, by name."""

    def image(self, name: str) -> Pixels:
        """Return the pixels (H, W, 3) uint8 RGB."""

    def mask(self, name: str) -> Pixels:
        """Return the mask (H, W) uint8 of the size of the picture: 255 where something is, 0 elsewhere."""

    def known(self, name: str) -> Pixels:
        """Return (H, W) uint8 of the size of the picture: 255 where the mask counts, 0 where it is ignored."""


class AcceptedExamples:
    """The accepted masks of a project: every class is something, 255 is ignored."""

    def __init__(self, project: Project, longest_side: int) -> None:
        self._project, self._pictures = project, Pictures(project, longest_side)

    def image(self, name: str) -> Pixels:
        """Return the pixels (H, W, 3) uint8 RGB."""
        return self._pictures.image(name)

    def mask(self, name: str) -> Pixels:
        """Return the mask (H, W) uint8: 255 on every class, 0 elsewhere."""
        values = self._values(name)
        return np.where((values != 0) & (values != IGNORE), np.uint8(FULL), np.uint8(0))

    def known(self, name: str) -> Pixels:
        """Return (H, W) uint8: 255 where a person decided."""
        return np.where(self._values(name) != IGNORE, np.uint8(FULL), np.uint8(0))

    def _values(self, name: str) -> Pixels:
        return self._pictures.mask(name, AcceptedMask(self._project, name))


@dataclass(frozen=True)
class Chosen:
    """The examples of a run, and the names of those that train and of those that are held out."""

    examples: Examples
    training: tuple[str, ...]
    held_out: tuple[str, ...]


def chosen_examples(project: Project, sources: SaliencySources, seed: int, run: RunFolder) -> Chosen:
    """Return what a run learns from: the pairs of a folder when one is named, else the project's accepted masks.

    The names are fixed when the run first starts, so that resuming sees the same.

    Raises
    ------
    LabelError
        When nothing is left to train on.
    """
    if sources.pairs:
        pairs = ImagePairs(Path(sources.pairs), sources.cached_side)
        found = _fixed(run, pairs, *_split(pairs, sources.held_out, seed))
    else:
        masks = AcceptedExamples(project, sources.cached_side)
        found = _fixed(run, masks, _accepted(training_records(project)), _accepted(validation_records(project)))
    if not found.training:
        raise LabelError(
            "There is no mask to learn saliency from: no accepted mask in the training split. Accept some masks, or "
            "name a folder of pictures and masks (--pairs)."
        )
    return found


def _fixed(run: RunFolder, examples: Examples, training: Sequence[str], held_out: Sequence[str]) -> Chosen:
    known = run.record.get("examples")
    if known is None:
        known = {"training": list(training), "held_out": list(held_out)}
        run.update(examples=known)
    return Chosen(examples, tuple(known["training"]), tuple(known["held_out"]))


def _accepted(records: Sequence[ImageRecord]) -> list[str]:
    return [record.id for record in records if record.state == "accepted"]


def _split(pairs: ImagePairs, held_out: float, seed: int) -> tuple[list[str], list[str]]:
    kept = pairs.held_out or choose_held_out({name: frozenset() for name in pairs.names}, held_out, seed)
    return [name for name in pairs.names if name not in kept], sorted(kept)
