"""Fitting a pixel classifier to cells: the same steps in a training run and beside a window."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_wsss.core.errors import LabelError
from napari_wsss.segment.pixel_classifier import PixelClassifier
from training.config import Optimisation
from training.data.samplers import BatchOrder
from training.loop.learner import Learner
from training.pixel_learner.cells import Cells

STANDARD_CELLS = 50_000
"""Cells that mean and spread of the features are taken from."""


@dataclass(frozen=True)
class Learned:
    """What a fit learned from.

    Parameters
    ----------
    whole, parts : int
        Images a person decided about as a whole, and images of which parts are known.
    classes : tuple of str
        Names of the classes somebody has shown.
    seconds : float
        Wall time of the fit.
    loss : float
        Mean loss of its last steps.
    """

    whole: int
    parts: int
    classes: tuple[str, ...]
    seconds: float
    loss: float


def start(classifier: PixelClassifier, cells: Cells, shown: Tensor, seed: int) -> None:
    """Prepare a classifier for cells: fresh weights, mean and spread of its features, and which classes were shown.

    Parameters
    ----------
    classifier : PixelClassifier
    cells : Cells
    shown : (C + 1,) bool
        Values that a person showed; what a machine marked besides does not make a class known.
    seed : int

    Raises
    ------
    LabelError
        When one value only was shown.
    """
    torch.manual_seed(seed)
    classifier.head.forget()
    chosen = torch.randperm(len(cells), generator=torch.Generator().manual_seed(seed))[:STANDARD_CELLS]
    classifier.head.standardise(cells.rows[chosen].float().to(classifier.known.device))
    start_warm(classifier, shown)


def start_warm(classifier: PixelClassifier, shown: Tensor) -> None:
    """Prepare a classifier to go on from its last fit: its weights, and what it standardises by, stay.

    Raises
    ------
    LabelError
        As `start` does.
    """
    if int(shown.sum()) < 2:
        raise LabelError(
            f"A pixel classifier learns from at least two classes (background is one); found {int(shown.sum())}. "
            "Accept a mask, or click on a thing and on the background."
        )
    classifier.known.copy_(shown)


class CellOrder(BatchOrder):
    """Batches of cells, each once per pass; a run of seconds is validated at its end, not after every pass."""

    def ends_epoch(self, step: int) -> bool:
        """Return False."""
        return False


def order_of(cells: Cells, settings: Optimisation) -> CellOrder:
    """Return which cells make up each batch."""
    return CellOrder([1] * len(cells), settings.batch_size, settings.seed)


def fitted(learner: Learner, classifier: PixelClassifier, cells: Cells, order: CellOrder) -> Iterator[dict[str, float]]:
    """Take the steps that are left of a learner's run, and yield the losses of each."""
    device = classifier.known.device
    for step in range(learner.step, learner.total):
        chosen = torch.from_numpy(order.batch(step))
        names = ("rows", "targets", "allowed", "weights")
        rows, targets, allowed, weights = (getattr(cells, name)[chosen].to(device) for name in names)
        with learner.forward():
            losses = classifier.cell_loss(rows.float(), targets, allowed, weights)
        yield learner.update(losses)
