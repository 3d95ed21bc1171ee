"""What recipes learn from: pictures and masks of a project in memory, and batches made of them.

Accepted masks are read, never written. Excluded images and the held-out ``val`` split never train.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import IGNORE, ClassList
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.masks import PseudoMask, class_values
from napari_wsss.pixels.images import image_size
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord, possible_classes
from napari_wsss.weights.normalisation import Normalisation
from training.augment import Augmentation, augmented
from training.data.label_decoupling import detail_weights
from training.data.masks import AcceptedMask, NothingThere, ProposedMask
from training.data.picture_memory import PictureMemory
from training.data.samplers import BatchOrder, GroupOrder, sample_rng
from training.distributed import world

Pixels = NDArray[np.uint8]
Batch = TypeVar("Batch")
TRAIN, VALIDATION = "train", "val"
MOST_LOADERS = 16
_LEFT_OUT: WeakKeyDictionary[Project, frozenset[str]] = WeakKeyDictionary()


class Pictures:
    """Decoded images and masks (uint8) of a project, kept in memory up to a number of bytes.

    Parameters
    ----------
    longest_side : int
        Larger images are stored smaller, masks with them (nearest neighbour). A JPEG of at least twice that side is
        decoded at a half, a quarter or an eighth first, which is several times faster: its pixels then differ a little
        from the means of all its pixels.
    """

    def __init__(self, project: Project, longest_side: int, capacity: int | None = None) -> None:
        self._project, self._longest_side = project, longest_side
        self._memory = PictureMemory(longest_side, capacity)

    def image(self, image_id: str) -> Pixels:
        """Return the pixels (H, W, 3) uint8 RGB of an image."""
        return self._memory.kept(image_id, lambda: self._read(image_id))

    def _read(self, image_id: str) -> Pixels:
        pixels = self._project.load_image(image_id, at_least=self._longest_side).pixels
        height, width = image_size(self._project.image_path(image_id))
        # Where it was decoded smaller it has to get the size that its mask gets.
        return self._memory.fitted(pixels, (height, width))

    def mask(self, image_id: str, read: Callable[[], Pixels]) -> Pixels:
        """Return the mask (H, W) uint8 that `read` returns, at the size of `image`.

        Raises
        ------
        ProjectError
            When mask and image differ in shape.
        """
        return self._memory.kept((image_id, read), lambda: self._matched(image_id, read()))

    def _matched(self, image_id: str, values: Pixels) -> Pixels:
        height, width = image_size(self._project.image_path(image_id))
        if values.shape != (height, width):
            raise ProjectError(
                f"The mask of {image_id} is {values.shape}, the image {(height, width)} pixels. Was the image "
                "replaced? Accept the mask again, or exclude the image."
            )
        return values


def leave_out(project: Project, image_ids: Iterable[str]) -> None:
    """Let no recipe learn from, or validate with, these images of an open project: they cannot be read."""
    _LEFT_OUT[project] = frozenset(image_ids)


def training_records(project: Project) -> list[ImageRecord]:
    """Return the images that may train: neither excluded, held out nor left out, in a fixed order."""
    left_out = _LEFT_OUT.get(project, frozenset())
    return [r for r in usable_records(project) if r.split != VALIDATION and r.id not in left_out]


def validation_records(project: Project) -> list[ImageRecord]:
    """Return the held-out images, without the excluded and left out ones."""
    left_out = _LEFT_OUT.get(project, frozenset())
    return [r for r in usable_records(project, VALIDATION) if r.id not in left_out]


def usable_records(project: Project, split: str | None = None) -> list[ImageRecord]:
    """Return the images (of a split) that nobody excluded, whether or not they can be read."""
    return [r for r in project.catalog.records(split=split) if r.state != "excluded"]


def label_targets(records: Sequence[ImageRecord], classes: ClassList) -> NDArray[np.float32]:
    """Return image-level labels (N, C) in {0, 1, nan}; nan where it is not known whether a class is in an image."""
    rows = np.asarray([classes.vector(record.labels) for record in records], np.float32)
    rows[np.asarray([classes.vector(record.unknown) for record in records], bool)] = np.nan
    return rows


def negative_ids(project: Project) -> list[str]:
    """Return the images labelled *none of the classes*, in catalog order."""
    return project.catalog.find(Criteria(negative=True))


def padding_of(normalisation: Normalisation) -> tuple[int, int, int]:
    """Return the RGB colour in [0, 255] that becomes zero after normalising (the mean colour)."""
    colour = [min(255, max(0, round(mean / normalisation.scale))) for mean in normalisation.mean]
    red, green, blue = colour[::-1] if normalisation.channel_order == "BGR" else colour
    return red, green, blue


@dataclass(frozen=True)
class View:
    """How samples of a run become network input.

    Parameters
    ----------
    augmentation : Augmentation
        Its crop already obeys the size rule of `normalisation`.
    normalisation : Normalisation
    seed : int
    """

    augmentation: Augmentation
    normalisation: Normalisation
    seed: int

    def __call__(
        self, image: Pixels, mask: Pixels | None, step: int, position: int
    ) -> tuple[NDArray[np.float32], Pixels | None]:
        """Return the augmented, normalised (3, crop, crop) float32 image and (crop, crop) uint8 mask of a sample."""
        pixels, values = augmented(
            image,
            mask,
            self.augmentation,
            sample_rng(self.seed, step, position),
            padding=padding_of(self.normalisation),
        )
        return self.normalisation.apply(pixels), values


def view_of(augmentation: Augmentation, normalisation: Normalisation, seed: int, enlargement: float = 1.0) -> View:
    """Return the view of a run: its crop the nearest size the weights want, its scales those of enlarged pictures.

    Parameters
    ----------
    augmentation : Augmentation
    normalisation : Normalisation
    seed : int
    enlargement : float
        Of pictures, by the network that is trained; scales that refer to the crop bring them to its size anyway.
    """
    crop, _ = normalisation.fit_size(augmentation.crop, augmentation.crop)
    factor = enlargement if augmentation.scale_of == "image" else 1.0
    low, high = factor * augmentation.scale_low, factor * augmentation.scale_high
    return View(replace(augmentation, crop=crop, scale_low=low, scale_high=high), normalisation, seed)


@dataclass(frozen=True)
class ClassifierBatch:
    """One training batch, as arrays.

    Parameters
    ----------
    images : (B, 3, H, W) float32
        Normalised.
    labels : (B, C) float32 in {0, 1, nan}
        Image-level labels; nan where it is not known whether a class is there.
    sub_labels : (B, C * K) bool, optional
        Of sub-categories, where the run has them.
    weights : (B,) float32, optional
        How much each image counts, where they differ.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.float32]
    sub_labels: NDArray[np.bool_] | None = None
    weights: NDArray[np.float32] | None = None


class ClassifierData:
    """The labelled images of a project and their batches.

    Parameters
    ----------
    records : sequence of ImageRecord
        Those that train; images that are not labelled yet are left out, those labelled none are rows of zeros. What
        is not known of an image teaches nothing.
    labels_from_masks : bool
        Take the labels of accepted images from the visible part of their masks.
    sub_labels : mapping of str to (C * K,) bool, optional
        Sub-category labels by image id.

    Raises
    ------
    LabelError
        When no image has a label.
    """

    def __init__(
        self,
        project: Project,
        pictures: Pictures,
        records: Sequence[ImageRecord],
        *,
        labels_from_masks: bool = False,
        sub_labels: Mapping[str, NDArray[np.bool_]] | None = None,
    ) -> None:
        self.records = [record for record in records if record.tells]
        if not any(record.labels for record in self.records):
            raise LabelError(
                "No image of the training split has an image-level label; expected at least one. Label some images, or "
                "move labelled ones out of the val split."
            )
        self._project, self._pictures, self._labels_from_masks = project, pictures, labels_from_masks
        self._sub_labels = sub_labels

    def order(self, batch_size: int, seed: int, companions: int = 0) -> BatchOrder:
        """Return the order of batches: each image once per epoch, or about once in groups that share a class."""
        if not companions:
            return BatchOrder([1] * len(self.records), batch_size, seed)
        return GroupOrder(label_targets(self.records, self._project.classes) > 0, companions + 1, batch_size, seed)

    def batch(self, step: int, order: BatchOrder, view: View) -> ClassifierBatch:
        """Return the batch of `step`."""
        own = order.own(step)
        images, labels = zip(*(self._sample(index, step, at, view) for at, index in own), strict=True)
        sub_labels = None
        if self._sub_labels is not None:
            sub_labels = np.stack([self._sub_labels[self.records[index].id] for _, index in own])
        return ClassifierBatch(np.stack(images), np.stack(labels), sub_labels)

    def _sample(
        self, index: int, step: int, position: int, view: View
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        record, classes = self.records[index], self._project.classes
        mask = None
        if self._labels_from_masks and record.state == "accepted":
            mask = self._pictures.mask(record.id, AcceptedMask(self._project, record.id))
        image, visible = view(self._pictures.image(record.id), mask, step, position)
        if visible is None:
            return image, label_targets([record], classes)[0]
        shown = classes.vector(classes.name_of(value) for value in class_values(visible))
        return image, shown.astype(np.float32)


@dataclass(frozen=True)
class SegmentationBatch:
    """One training batch, as arrays.

    Parameters
    ----------
    images : (B, 3, H, W) float32
        Normalised.
    masks : (B, H, W) uint8
    weights : (B, H, W) float32
        Of the pixels.
    allowed : (B, C + 1) bool
        Background and what an image is labelled with, or shows.
    """

    images: NDArray[np.float32]
    masks: Pixels
    weights: NDArray[np.float32]
    allowed: NDArray[np.bool_]


class SegmentationData:
    """Accepted masks and machine proposals of a project and their batches.

    Parameters
    ----------
    accepted, proposed : sequences of str
        Image ids whose accepted mask, or whose stored proposal, is learned from; of those labelled *none of the
        classes* it is known that they are all background.
    machine_weight : float in [0, 1]
        Pixel weight of proposals; a person's pixels weigh 1, 255 weighs 0.
    detail_weight : float >= 0
        How much more pixels at the edges between classes weigh (`training.data.label_decoupling.detail_weights`).

    Raises
    ------
    LabelError
        When both are empty.
    """

    def __init__(
        self,
        project: Project,
        pictures: Pictures,
        accepted: Sequence[str],
        proposed: Sequence[str],
        machine_weight: float,
        detail_weight: float = 0.0,
    ) -> None:
        self.accepted, self.proposed = tuple(accepted), tuple(proposed)
        if not self.accepted and not self.proposed:
            raise LabelError(
                "There is no mask to learn from: no accepted mask in the training split and no machine proposal. "
                "Accept some masks, or give machine masks a weight above 0 and run localize and refine first."
            )
        self._project, self._pictures = project, pictures
        self._machine_weight, self._detail_weight = machine_weight, detail_weight
        self._negative = frozenset(negative_ids(project))

    def order(self, batch_size: int, seed: int, person_repeats: int) -> BatchOrder:
        """Return the order of batches: accepted images `person_repeats` times per epoch when mixed with proposals."""
        often = person_repeats if self.proposed else 1
        return BatchOrder([often] * len(self.accepted) + [1] * len(self.proposed), batch_size, seed)

    def batch(self, step: int, order: BatchOrder, view: View) -> SegmentationBatch:
        """Return the batch of `step`."""
        samples = [self._sample(index, step, at, view) for at, index in order.own(step)]
        return SegmentationBatch(*(np.stack(parts) for parts in zip(*samples, strict=True)))

    def _sample(
        self, index: int, step: int, position: int, view: View
    ) -> tuple[NDArray[np.float32], Pixels, NDArray[np.float32], NDArray[np.bool_]]:
        person = index < len(self.accepted)
        image_id = self.accepted[index] if person else self.proposed[index - len(self.accepted)]
        empty = not person and image_id in self._negative
        read = AcceptedMask(self._project, image_id) if person else self.marks(image_id)
        mask = self._pictures.mask(image_id, NothingThere(self._project, image_id) if empty else read)
        image, visible = view(self._pictures.image(image_id), mask, step, position)
        assert visible is not None
        by_person = np.full(visible.shape, person or empty)
        weights = PseudoMask(visible, by_person).weights(self._machine_weight)
        if self._detail_weight > 0:
            weights *= detail_weights(visible, IGNORE, self._detail_weight)
        return image, visible, weights, self._allowed(image_id, visible)

    def marks(self, image_id: str) -> Callable[[], Pixels]:
        """Return what reads the mask of an image that nobody accepted; equal readers read the same one."""
        return ProposedMask(self._project, image_id)

    def _allowed(self, image_id: str, visible: Pixels) -> NDArray[np.bool_]:
        classes = self._project.classes
        labels = np.isin(np.arange(len(classes)), possible_classes(self._project.catalog.get(image_id), classes))
        return np.append(True, labels) | np.isin(np.arange(len(classes) + 1), visible)


def prefetched(make: Callable[[int], Batch], steps: Sequence[int], loaders: int) -> Generator[Batch, None, None]:
    """Yield ``make(step)`` for every step in order, made ahead by `loaders` threads (0: made when asked for).

    -1 begins with one thread and takes another one whenever a batch was not ready in time, up to one less than there
    are cores. Threads, not processes: decoding and resampling release the interpreter lock, the picture cache is
    shared, and handing a batch over would cost more than half of making it (docs/cluster.md). Closing the iterator ends
    the threads.
    """
    if loaders == 0:
        yield from (make(step) for step in steps)
        return
    most = loaders if loaders > 0 else most_loaders()
    at_work = most if loaders > 0 else 1
    waiting: deque[Future[Batch]] = deque()
    pool = ThreadPoolExecutor(most, thread_name_prefix="loader")
    try:
        for step in steps:
            waiting.append(pool.submit(make, step))
            if len(waiting) > at_work + 1:
                at_work = min(most, at_work + (not waiting[0].done()))
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def most_loaders() -> int:
    """Return how many threads may load for this process: one less than its part of the cores, at least one."""
    return min(MOST_LOADERS, max(1, (os.cpu_count() or 1) // world().local_size - 1))
