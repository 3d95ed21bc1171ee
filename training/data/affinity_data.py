"""What affinity networks learn from: images with confident labels, made once per run, and batches of both.

Accepted masks are the labels of their images. The others get theirs from the stored maps of the applied localizer by
the rule of the recipe; they lie in the run's folder, so that a resumed run sees the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.core.errors import LabelError, ProjectError, WsssError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import write_mask
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.project.project import Project
from training.config import RunConfig
from training.data.masks import AcceptedMask, MaskFile
from training.data.pictures import Pictures, Pixels, View, training_records, validation_records
from training.data.samplers import BatchOrder, spread
from training.run_folder import RunFolder
from training.stopping import until_stopped

LabelRule = Callable[[Pixels, ActivationMaps], Pixels]
"""Image (H,W,3) and maps of its classes -> labels (H,W): 0 background, k + 1 class k, 255 undecided."""
CellRule = Callable[[Pixels, int], Pixels]
"""Labels (H,W) and a stride -> labels (ceil(H/stride), ceil(W/stride)) of cells."""

LABELS = "labels"
MOST_HELD_OUT = 50
"""Held-out images that get labels and are validated on, every epoch and at the end; evenly from the split."""
_ONE_IMAGE = (WsssError, OSError)


def prepared(pictures: Pictures, project: Project, run: RunFolder, rule: LabelRule, config: RunConfig) -> Steps[bool]:
    """Make the labels of a run, missing maps first; return False when it was asked to stop before they were done.

    Notes in `run.json`: ``labelled`` and ``held_out``, ids with a usable picture and labels, and ``left_out``, reasons
    by id. They are fixed then; labels made before a stop are made no second time.

    Raises
    ------
    LabelError
        When no image of the training split can be learned from, or none shows a class for sure.
    """
    if "labelled" in run.record:
        return True
    training, held_out = _candidates(project)
    left_out: dict[str, str] = {}
    sure_somewhere = False
    ids = [*training, *held_out]
    if project.plan.localizer_checkpoint:
        wanted = [image_id for image_id in ids if not _is_accepted(project, image_id)]
        if (yield from until_stopped(_maps(project, wanted, config.hardware.device), run)) is None:
            return False
    for done, image_id in enumerate(ids, start=1):
        try:
            _label(project, run, image_id, rule)
            pictures.image(image_id)
            labels = pictures.mask(image_id, _reader(project, run, image_id))
            sure_somewhere |= bool(((labels != BACKGROUND) & (labels != IGNORE)).any())
        except _ONE_IMAGE as reason:
            left_out[image_id] = str(reason)
        yield Progress(config.recipe, message=f"labels of {done} of {len(ids)} images")
        if run.stop_requested():
            return False
    usable = [image_id for image_id in training if image_id not in left_out]
    _check(usable, left_out, sure_somewhere)
    run.update(labelled=usable, held_out=[i for i in held_out if i not in left_out])
    run.update(left_out={**run.record.get("left_out", {}), **left_out})
    if left_out:
        first, why = next(iter(left_out.items()))
        yield Progress(config.recipe, message=f"{len(left_out)} images are left out, the first is {first}: {why}")
    return True


@dataclass(frozen=True)
class AffinityArrays:
    """Normalised images (B,3,H,W) float32 and labels (B,h,w) uint8 of their cells."""

    images: NDArray[np.float32]
    labels: Pixels


class AffinityData:
    """The labelled images of a run and their batches.

    Parameters
    ----------
    project : Project
    run : RunFolder
        With `prepared` labels.
    pictures : Pictures
    stride : int
        Pixels per cell of the network's grid.
    cells : CellRule
    """

    def __init__(self, project: Project, run: RunFolder, pictures: Pictures, stride: int, cells: CellRule) -> None:
        self.ids: tuple[str, ...] = tuple(run.record["labelled"])
        self.held_out: tuple[str, ...] = tuple(run.record["held_out"])
        self._project, self._run, self._pictures = project, run, pictures
        self._stride, self._cells = stride, cells

    def order(self, batch_size: int, seed: int) -> BatchOrder:
        """Return the order of batches: each image once per epoch."""
        return BatchOrder([1] * len(self.ids), batch_size, seed)

    def batch(self, step: int, order: BatchOrder, view: View) -> AffinityArrays:
        """Return the batch of `step`."""
        images, cells = [], []
        for position, index in order.own(step):
            pixels, visible = view(*self.whole(self.ids[index]), step, position)
            assert visible is not None
            images.append(pixels)
            cells.append(self._cells(visible, self._stride))
        return AffinityArrays(np.stack(images), np.stack(cells))

    def whole(self, image_id: str) -> tuple[Pixels, Pixels]:
        """Return the pixels (H,W,3) and the labels (H,W) of an image."""
        return self._pictures.image(image_id), self._pictures.mask(
            image_id, _reader(self._project, self._run, image_id)
        )

    def cells_of(self, labels: Pixels) -> Pixels:
        """Return the labels of cells (h,w) of labels (H,W)."""
        return self._cells(labels, self._stride)


def most_common(labels: Pixels, stride: int) -> Pixels:
    """Return the label that most pixels of a cell have (PSA decides on means of scores); ties go to the lower value.

    Pixels beyond the edge are undecided.
    """
    height, width = labels.shape
    padded = np.pad(labels, ((0, -height % stride), (0, -width % stride)), constant_values=IGNORE)
    blocks = padded.reshape(padded.shape[0] // stride, stride, -1, stride)  # (h, stride, w, stride)
    values = np.unique(blocks)
    votes = np.stack([(blocks == value).sum((1, 3)) for value in values])
    winners: Pixels = values[votes.argmax(0)]
    return winners


def central(labels: Pixels, stride: int) -> Pixels:
    """Return the label of the pixel in the middle of each cell (IRN); of the last pixel where the middle is outside."""
    rows, columns = (np.minimum(np.arange(-(-n // stride)) * stride + stride // 2, n - 1) for n in labels.shape)
    return labels[np.ix_(rows, columns)]


def label_path(run: RunFolder, image_id: str) -> Path:
    """Return where the run keeps the labels it made for an image."""
    return run.path / LABELS / f"{image_id}.png"


def _candidates(project: Project) -> tuple[list[str], list[str]]:
    has_maps = bool(project.plan.localizer_checkpoint)
    training, held_out = (
        [record.id for record in records if _is_accepted(project, record.id) or (record.labels and has_maps)]
        for records in (training_records(project), validation_records(project))
    )
    return training, spread(held_out, MOST_HELD_OUT)


def _check(usable: Sequence[str], left_out: Mapping[str, str], sure_somewhere: bool) -> None:
    if not usable:
        wrong = next(iter(left_out.items()), ("", ""))
        why = f" All were left out, {wrong[0]} because: {wrong[1]}" if left_out else ""
        raise LabelError(
            "No image of the training split has confident labels to learn from: no accepted mask, and no maps of an "
            f"applied localizer. Accept some masks, or label images and train a classifier with --apply.{why}"
        )
    if not sure_somewhere:
        raise LabelError(
            f"Not one pixel of {len(usable)} images is surely of a class, so that there is nothing to tell apart. "
            "Train the classifier longer, accept some masks, or change the thresholds of what counts as sure."
        )


def _is_accepted(project: Project, image_id: str) -> bool:
    return project.catalog.get(image_id).state == "accepted" and project.masks.has_accepted(image_id)


def _maps(project: Project, ids: list[str], device: str) -> Steps[bool]:
    from napari_wsss.pipeline.run import localize

    yield from localize(project, ids, device)
    return True


def _label(project: Project, run: RunFolder, image_id: str, rule: LabelRule) -> None:
    """Write the labels of an image where they are to be made and not there yet; raise what is wrong with it."""
    from napari_wsss.pipeline.run import base_maps

    path = label_path(run, image_id)
    if path.exists() or _is_accepted(project, image_id):
        return
    maps = base_maps(project, image_id, "localize")
    if maps is None:
        raise ProjectError(f"{image_id} has no maps of the applied localizer; can its image file be read?")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mask(path, rule(project.load_image(image_id).pixels, maps), project.classes)


def _reader(project: Project, run: RunFolder, image_id: str) -> Callable[[], Pixels]:
    path = label_path(run, image_id)
    return MaskFile(path) if path.exists() else AcceptedMask(project, image_id)
