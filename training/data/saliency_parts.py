"""Bodies and details that a trained network gives, kept as pictures in a run's folder: targets of its next stage."""

from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.files import publish
from napari_wsss.core.progress import Progress
from napari_wsss.networks.dense import as_batch, evaluating
from napari_wsss.saliency.base import SaliencyModel, resized
from training.data.saliency_data import Parts
from training.data.saliency_examples import Examples
from training.run_folder import RunFolder

STAGE = "parts"
FULL = 255
_REPORTS = 50
Pixels = NDArray[np.uint8]


class LearnedParts:
    """Body and detail of every example, one above the other in one picture.

    Parameters
    ----------
    folder : Path
        Where they are kept.
    names : sequence of str
        All examples, in an order that stays.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder = folder
        self._places = {name: place for place, name in enumerate(names)}

    def parts(self) -> Parts:
        """Return them as targets; they are read when they are asked for."""
        return Parts(lambda name: self._read(name)[0], lambda name: self._read(name)[1])

    def learn(self, model: SaliencyModel, examples: Examples, run: RunFolder) -> Generator[Progress, None, bool]:
        """Write what is missing; return False when the run was asked to stop before everything was there."""
        self._folder.mkdir(exist_ok=True)
        missing = [name for name in self._places if not self._path(name).exists()]
        for done, name in enumerate(missing, 1):
            self._write(name, *decoupled_by(model, examples.image(name)))
            if done % max(1, len(missing) // _REPORTS) == 0:
                yield Progress(STAGE, message=f"body and detail of image {done} of {len(missing)}")
            if run.stop_requested():
                return False
        return True

    def _path(self, name: str) -> Path:
        return self._folder / f"{self._places[name]:06}.png"

    def _write(self, name: str, body: Pixels, detail: Pixels) -> None:
        with publish(self._path(name)) as file:
            Image.fromarray(np.concatenate((body, detail))).save(file, format="PNG")

    def _read(self, name: str) -> tuple[Pixels, Pixels]:
        with Image.open(self._path(name)) as picture:
            both = np.asarray(picture, np.uint8)
        height = len(both) // 2
        return both[:height], both[height:]


def decoupled_by(model: SaliencyModel, image: Pixels) -> tuple[Pixels, Pixels]:
    """Return body and detail (H, W) uint8 of an image (H, W, 3) uint8 by a network, as published: one pass."""
    height, width = image.shape[:2]
    device = next(model.parameters()).device
    with evaluating(model), torch.inference_mode():
        seen = resized(as_batch([model.normalisation.apply(image)], device), model.input_size(height, width))
        body, detail = (part[0].float().cpu().numpy() for part in model.decouple(seen, (height, width)))
    return np.rint(body * FULL).astype(np.uint8), np.rint(detail * FULL).astype(np.uint8)
