"""What a person said about the pixels of an image, by whatever they did: masks, drafts, strokes, scribbles, clicks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.scribbles import as_seeds
from napari_wsss.pixels.images import image_size
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord, possible_classes
from napari_wsss.project.scribble_files import read_scribbles
from napari_wsss.project.sourced_masks import SourcedMask
from training.sources import GivenSources

Mask = NDArray[np.uint8]
Weights = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Example:
    """What is known about the pixels of one image.

    Parameters
    ----------
    image_id : str
    labels : tuple of int
        0-based indices of the image-level labels, of all classes while nobody labelled the image: no other class may
        be learned, or answered, here.
    values : (H, W) uint8
        Mask values; 255 where nothing is known.
    weights : (H, W) float32 >= 0
        How much a pixel counts; 0 where nothing is known.
    whole : bool
        Whether a person decided about the whole picture (an accepted mask, or the label none).
    """

    image_id: str
    labels: tuple[int, ...]
    values: Mask
    weights: Weights
    whole: bool = False

    @property
    def shown(self) -> frozenset[int]:
        """Mask values that count somewhere."""
        return frozenset(int(value) for value in np.unique(self.values[self.weights > 0]))


@dataclass(frozen=True)
class Trust:
    """How much pixels count besides a person's own, which count 1.

    Parameters
    ----------
    machine : float in [0, 1]
        A machine's pixels in a mask that a person accepted by itself.
    reach : float >= 0
        How far a scribble or a click speaks for the pixels around it, as a share of the picture's longer side.
    batch : float in [0, 1]
        The same in a mask that was accepted together with others: nobody looked at every one of its pixels.
    """

    machine: float = 1.0
    reach: float = 0.0
    batch: float = 1.0

    @classmethod
    def of(cls, sources: GivenSources) -> Trust:
        """Return what a run's configuration says."""
        return cls(sources.accepted_machine_weight, sources.reach, sources.machine_weight)


def example_of(project: Project, record: ImageRecord, trust: Trust = Trust()) -> Example | None:
    """Return what a person said about an image, None when that is nothing.

    An image labelled *none of the classes* is all background. A stroke or scribble lies over an accepted mask below it.
    Values of classes that are no label of the image (any more) teach nothing, nor does what a machine drew or a file
    of another tool held in an unfinished mask. Imported pixels of an accepted mask count as a person's: who takes a
    file as accepted masks says that it is right.

    Raises
    ------
    ProjectError
        When a mask or scribbles are damaged, or of another size than the image.
    """
    size = image_size(project.image_path(record.id))
    values, weights = np.full(size, IGNORE, np.uint8), np.zeros(size, np.float32)
    if record.negative:
        values[:], weights[:] = BACKGROUND, 1
    accepted = record.state == "accepted"
    if accepted and (mask := project.masks.accepted(record.id)) is not None:
        # Who accepts a mask says background where nobody drew.
        machine = trust.batch if project.journal.accepted_in_batch(record.id) else trust.machine
        _lay(values, weights, _checked(mask, record.id, size), machine, imported=1.0, nobody=1.0)
    elif project.masks.has_draft(record.id) and (draft := project.masks.working(record.id)) is not None:
        _lay(values, weights, _checked(draft, record.id, size))
    _scribble(project, record.id, values, weights, trust.reach)
    labels = possible_classes(record, project.classes)
    weights[~np.isin(values, [BACKGROUND, *(k + 1 for k in labels)])] = 0
    if not weights.any():
        return None
    return Example(record.id, labels, values, weights, accepted or record.negative)


def nothing_known(project: Project, record: ImageRecord) -> Example:
    """Return the example of an image that nobody said anything about but its labels."""
    size = image_size(project.image_path(record.id))
    values, weights = np.full(size, IGNORE, np.uint8), np.zeros(size, np.float32)
    return Example(record.id, possible_classes(record, project.classes), values, weights)


def unlabelled(example: Example) -> Example:
    """Return an example that says background wherever another one says nothing."""
    unknown = example.weights == 0
    values = np.where(unknown, np.uint8(BACKGROUND), np.uint8(IGNORE))
    return Example(example.image_id, example.labels, values, unknown.astype(np.float32))


def _lay(
    values: Mask,
    weights: Weights,
    mask: SourcedMask,
    machine: float = 0.0,
    imported: float = 0.0,
    nobody: float = 0.0,
) -> None:
    """Write what a mask says into `values` and `weights`, pixels that no person drew with weights of their own."""
    made_by = mask.sources
    of_whom = [made_by.person, made_by.imported, made_by.machine]
    given = np.select(of_whom, [1.0, imported, machine], nobody).astype(np.float32)
    said = given > 0
    values[said], weights[said] = mask.values[said], given[said]


def _scribble(project: Project, image_id: str, values: Mask, weights: Weights, reach: float) -> None:
    """Write what scribbles say, and what they say about the pixels around them where nothing else is known."""
    scribbles = read_scribbles(project, image_id)
    if scribbles is None:
        return
    if scribbles.shape != values.shape:
        raise _other_size(image_id, scribbles.shape, values.shape)
    seeds, seeded = as_seeds(scribbles, project.classes)
    distance, (rows, columns) = ndimage.distance_transform_edt(~seeded, return_indices=True)
    near = seeded | ((distance <= reach * max(values.shape)) & (weights == 0))
    values[near], weights[near] = seeds[rows[near], columns[near]], 1


def _checked(mask: SourcedMask, image_id: str, size: tuple[int, int]) -> SourcedMask:
    if mask.values.shape != size:
        raise _other_size(image_id, mask.values.shape, size)
    return mask


def _other_size(image_id: str, found: tuple[int, ...], size: tuple[int, ...]) -> ProjectError:
    return ProjectError(
        f"What was drawn on {image_id} is {found}, the image {size} pixels. Was the image replaced? Accept the mask "
        "again, or exclude the image."
    )
