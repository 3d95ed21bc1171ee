"""Images from outside the project that a classifier also learns from: folders of pictures by class.

Simple images show one class each; web images were found by a class's name, so that many are wrong: they count less,
and may be left out (`training.data.web_filter`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.pixels.images import find_images, is_system_folder, read_image
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from training.data.picture_memory import PictureMemory
from training.data.pictures import ClassifierBatch, ClassifierData, Pictures, Pixels, View, label_targets
from training.data.samplers import BatchOrder, GroupOrder


@dataclass(frozen=True)
class ExtraImage:
    """One picture with its one label.

    Parameters
    ----------
    path : Path
    label : str
        Class name.
    weight : float
        How much it counts, in [0, 1].
    """

    path: Path
    label: str
    weight: float = 1.0


def extra_images(folder: str, classes: ClassList, weight: float = 1.0) -> list[ExtraImage]:
    """Return the pictures of ``<folder>/<class name>/``, classes in the project's order; none for ``""``.

    Raises
    ------
    LabelError
        When a folder in it is no class of the project, or none holds a picture.
    ProjectError
        When it is no folder.
    """
    if not folder:
        return []
    root, names = Path(folder).expanduser(), ", ".join(classes.names)
    if not root.is_dir():
        raise ProjectError(f"{root} is not a folder; expected one with a folder of pictures per class ({names}).")
    there = sorted(path.name for path in root.iterdir() if _may_name_a_class(path))
    unknown = [name for name in there if name not in classes.names]
    if unknown:
        raise LabelError(
            f"{root} has folders that are no classes of the project: {', '.join(unknown)}. Its classes are: {names}. "
            "Rename these folders, or move them elsewhere."
        )
    found = [
        ExtraImage(path, name, weight) for name in classes.names if name in there for path in find_images(root / name)
    ]
    if not found:
        raise LabelError(f"{root} holds no picture; expected some in folders named after the classes: {names}.")
    return found


def _may_name_a_class(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".") and not is_system_folder(path.name)


class ExtendedData(ClassifierData):
    """The labelled images of a project and some from outside.

    Parameters
    ----------
    project, pictures, records, options
        As those of `ClassifierData`.
    extras : sequence of ExtraImage
        They follow the project's images in the orders of batches.
    longest_side : int
        Larger ones are kept smaller.
    """

    def __init__(
        self,
        project: Project,
        pictures: Pictures,
        records: Sequence[ImageRecord],
        *,
        extras: Sequence[ExtraImage] = (),
        longest_side: int = 1024,
        **options: Any,
    ) -> None:
        super().__init__(project, pictures, records, **options)
        self._classes = project.classes
        self._extras = tuple(extras)
        self._memory = PictureMemory(longest_side)

    def order(self, batch_size: int, seed: int, companions: int = 0) -> BatchOrder:
        """Return the order of batches, in which project and outside are mixed."""
        if not self._extras:
            return super().order(batch_size, seed, companions)
        extras = [self._classes.vector([extra.label]) for extra in self._extras]
        labels = np.concatenate([label_targets(self.records, self._classes) > 0, extras])
        return GroupOrder(labels, companions + 1, batch_size, seed)

    def batch(self, step: int, order: BatchOrder, view: View) -> ClassifierBatch:
        """Return the batch of `step`, with the weights of its images where there are any from outside."""
        found = super().batch(step, order, view)
        if not self._extras:
            return found
        weights = [self._weight(index) for _, index in order.own(step)]
        return replace(found, weights=np.asarray(weights, np.float32))

    def extra_pixels(self, extra: ExtraImage) -> Pixels:
        """Return the pixels (H, W, 3) uint8 RGB of a picture from outside."""
        return self._memory.kept(extra.path, lambda: read_image(extra.path).pixels)

    def _weight(self, index: int) -> float:
        outside = index - len(self.records)
        return 1.0 if outside < 0 else self._extras[outside].weight

    def _sample(
        self, index: int, step: int, position: int, view: View
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        outside = index - len(self.records)
        if outside < 0:
            return super()._sample(index, step, position, view)
        extra = self._extras[outside]
        image, _ = view(self.extra_pixels(extra), None, step, position)
        return image, self._classes.vector([extra.label]).astype(np.float32)
