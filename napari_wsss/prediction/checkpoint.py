"""A checkpoint of ours on pictures: what its shelf does with an image, with the labels where somebody gives them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import WeightsError
from napari_wsss.core.inference import Inference, SegmentInference
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import from_dict
from napari_wsss.core.registry import load_method
from napari_wsss.networks.dense import as_batch
from napari_wsss.pixels.resizing import resize
from napari_wsss.prediction.description import Kind
from napari_wsss.prediction.seen import from_probabilities, said_present
from napari_wsss.weights.checkpoint import load_checkpoint
from napari_wsss.weights.trained import Trained


class Checkpoint:
    """A segmenter or localizer from its checkpoint."""

    def __init__(
        self, network: Any, classes: ClassList, settings: Inference | SegmentInference, presence: float
    ) -> None:
        self.network, self.classes = network, classes
        self.kind: Kind = network.shelf
        self._settings, self._presence = settings, presence

    @classmethod
    def open(cls, path: Path, device: str, threads: int, options: dict[str, Any]) -> Checkpoint:
        """Return the network at `path`; parameters and errors as `open_predictor`."""
        if threads:  # of the whole process, which may be a script's
            torch.set_num_threads(threads)
        network, classes, _ = restored(path, device)
        own = {name: value for name, value in options.items() if name != "presence"}
        segments = network.shelf == "segment"
        settings = from_dict(SegmentInference, own) if segments else from_dict(Inference, own)
        found = cls(network, classes, settings, options.get("presence", 0.5))
        blank = np.zeros((64, 64, 3), np.uint8)
        found.predict(blank, (0,))  # what is decided at the first picture is decided before several threads ask
        return found

    def predict(self, image: NDArray[np.uint8], present: Sequence[int] | None) -> ActivationMaps:
        """Return what it sees in an image, as `Predictor` says."""
        if self.kind == "segment":
            return from_probabilities(self.network.infer(image, self._settings, present), present)
        if present is None:
            present = said_present(self._logits(image), self._presence)
        maps: ActivationMaps = self.network.infer(image, tuple(present), self._settings)
        return maps

    def _logits(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the image-level logits (C,) at scale 1."""
        network = self.network
        size = network.input_size(*image.shape[:2], side=self._settings.working_side)  # type: ignore[union-attr]
        pixels = network.normalisation.apply(resize(image, *size))
        with torch.inference_mode():
            logits: NDArray[np.float32] = network.classify(as_batch([pixels], self._device))[0].float().cpu().numpy()
        return logits

    @property
    def _device(self) -> torch.device:
        device: torch.device = next(self.network.parameters()).device
        return device


def restored(path: Path, device: str) -> tuple[Any, ClassList, Trained]:
    """Return the segmenter or localizer in a checkpoint, in evaluation mode, its classes and its description.

    Raises
    ------
    WeightsError
        When it cannot be read, or is a network of another shelf.
    """
    record = load_checkpoint(path)[1]
    shelf = record.get("shelf")
    if shelf not in ("segment", "localize"):
        raise WeightsError(
            f"{path} holds a network of the shelf {shelf!r}; expected a segmentation network or a classifier whose "
            "activation maps are wanted. Choose another run."
        )
    network, classes, what = load_method(shelf, str(record.get("method"))).restore(path, device)
    assert classes is not None  # networks of these shelves have some
    return network, classes, what
