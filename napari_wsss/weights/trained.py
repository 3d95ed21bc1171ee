"""Our own trained networks on disk: one file that says what it is, so that loading it needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError, ParameterError, WeightsError
from napari_wsss.core.parameters import from_dict, to_dict
from napari_wsss.core.registry import Shelf
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.weights.checkpoint import load_checkpoint, save_checkpoint
from napari_wsss.weights.normalisation import Normalisation

_LAYOUT = 1


@dataclass(frozen=True)
class Trained:
    """What a trained network is, besides its tensors.

    Parameters
    ----------
    shelf, method : str
        Which method of which shelf it implements.
    parameters : mapping
        The method's parameters, plain JSON types.
    trunk : TrunkChoice
        The trunk to build; its weights are in the file.
    normalisation : Normalisation
        The input it expects.
    classes : ClassList, optional
        Order of its outputs; None for a network without classes (affinity, saliency).
    run : mapping
        Whatever the training recorded, plain JSON types.
    side : int
        Longer side in pixels that pictures had in training (`pixels.working_size`); 0 when it is not known.
    """

    shelf: Shelf
    method: str
    parameters: Mapping[str, Any]
    trunk: TrunkChoice
    normalisation: Normalisation
    classes: ClassList | None
    run: Mapping[str, Any] = field(default_factory=dict)
    side: int = 0

    def known_classes(self) -> ClassList:
        """Return the classes of a network that has some; raise `WeightsError` when it was saved without."""
        if self.classes is None:
            raise WeightsError(
                f"This {self.shelf} network ({self.method}) was saved without its classes; expected a checkpoint that "
                "`training.run` wrote. Train it again."
            )
        return self.classes

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "layout": _LAYOUT,
            "shelf": self.shelf,
            "method": self.method,
            "parameters": dict(self.parameters),
            "trunk": to_dict(self.trunk),
            "normalisation": self.normalisation.to_dict(),
            "classes": list(self.classes.names) if self.classes else [],
            "run": dict(self.run),
            "side": self.side,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Trained:
        """Return the description written by `to_dict`; raise `KeyError` where an entry is missing."""
        return cls(
            shelf=record["shelf"],
            method=record["method"],
            parameters=record["parameters"],
            trunk=from_dict(TrunkChoice, record["trunk"]),
            normalisation=Normalisation.from_dict(record["normalisation"]),
            classes=ClassList.stored(record["classes"]) if record["classes"] else None,
            run=record.get("run", {}),
            side=int(record.get("side", 0)),
        )


def save_trained(path: Path, state: Mapping[str, Tensor], what: Trained) -> None:
    """Publish a trained network at `path` (``.safetensors``, whole or not at all)."""
    save_checkpoint(path, state, what.to_dict())


def load_trained(path: Path, shelf: Shelf) -> tuple[dict[str, Tensor], Trained]:
    """Return the tensors and the description of a trained network.

    Raises
    ------
    WeightsError
        When the file cannot be read, is no trained network of ours, or belongs to another shelf.
    """
    state, record = load_checkpoint(path)
    try:
        what = Trained.from_dict(record)
    except (KeyError, TypeError, ValueError, AttributeError, LabelError, ParameterError) as missing:
        raise WeightsError(
            f"{path} is not a network trained here (its description lacks {missing}); expected a checkpoint that "
            "`training.run` wrote. To start from published weights, give them as trunk weights."
        ) from missing
    if what.shelf != shelf:
        raise WeightsError(
            f"{path} holds a {what.shelf} network ({what.method}); expected one of the {shelf} shelf. "
            "Choose another run."
        )
    return state, what
