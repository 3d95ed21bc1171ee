"""Scores of maps and masks against a folder of true masks, image by image."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError, ProjectError, StepError
from napari_wsss.core.inference import SegmentInference
from napari_wsss.core.inside import below
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import Mask, read_mask
from napari_wsss.core.progress import Steps
from napari_wsss.exchange.lists.class_lists import ValueNames, read_value_names
from napari_wsss.exchange.mask_values import read_values
from napari_wsss.pipeline.applied_model import RunError, renormalised
from napari_wsss.pipeline.lineage import checkpoint_of
from napari_wsss.pipeline.over_images import Outcome, Write, over_images
from napari_wsss.project.project import Project
from napari_wsss.project.records import possible_classes
from training.scoring.left_out import LeftOut
from training.scoring.metrics import Scores, Sweep, confusion_matrix, threshold_sweep, undecided_pixels
from training.scoring.missing import missing_in

STAGE = "evaluate"
Truth = Callable[[str], Mask]
THRESHOLDS = tuple(round(0.01 * step, 2) for step in range(1, 90))


@dataclass(frozen=True)
class TrueMasks:
    """A folder of masks named by image id or by its stem: ``sub/a.png`` or ``a.png`` for the image ``sub/a.jpg``.

    Parameters
    ----------
    folder : Path
    classes : ClassList, optional
        The project's. A class list in the folder or one up then says by name what a value means; without one values
        must be those of the project: 0 background, k + 1 class k, 255 left out.
    """

    folder: Path
    classes: ClassList | None = None

    def path(self, image_id: str) -> Path | None:
        """Return the mask file of an image, None when there is none."""
        whole = below(self.folder, image_id)
        paths = (whole.with_suffix(".png"), self.folder / f"{whole.stem}.png", below(self.folder, f"{image_id}.png"))
        return next((path for path in paths if path.is_file()), None)

    def __call__(self, image_id: str) -> Mask:
        """Return the true mask (H, W) uint8; raise `ProjectError` when there is none."""
        path = self.path(image_id)
        if path is None:
            raise ProjectError(f"There is no true mask of {image_id} in {self.folder}; expected a PNG of that name.")
        if self.classes is None:
            return read_mask(path)
        listed = _listed(self.folder)
        values = read_values(path, listed)
        try:
            return values if listed is None else listed.to_classes(values, self.classes)
        except ProjectError as reason:
            raise ProjectError(f"{path}: {reason}") from reason

    def known(self, ids: Iterable[str]) -> list[str]:
        """Return those of `ids` that have a mask.

        Raises
        ------
        ProjectError
            When none has one.
        """
        ids = list(ids)
        found = [image_id for image_id in ids if self.path(image_id) is not None]
        if not found:
            raise ProjectError(
                f"None of {len(ids)} chosen images has a true mask in {self.folder}; expected PNG files named like the "
                "images. Check --truth and --split."
            )
        return found


@dataclass(frozen=True)
class AcceptedMasks:
    """The masks a person accepted, as the truth."""

    project: Project

    def __call__(self, image_id: str) -> Mask:
        """Return the accepted mask (H, W) uint8; raise `ProjectError` when there is none."""
        mask = self.project.masks.read_accepted(image_id)
        if mask is None:
            raise ProjectError(f"{image_id} has no accepted mask; accept one, or give a folder of true masks.")
        return mask

    def known(self, ids: Iterable[str]) -> list[str]:
        """Return those of `ids` that have an accepted mask; raise `ProjectError` when none has one."""
        ids = list(ids)
        found = [i for i in ids if self.project.catalog.state(i) == "accepted" and self.project.masks.has_accepted(i)]
        if not found:
            raise ProjectError(
                f"None of {len(ids)} chosen images is accepted, so there is nothing to compare with. Accept some "
                "masks, or give a folder of true masks (--truth)."
            )
        return found


@lru_cache(maxsize=8)
def _listed(folder: Path) -> ValueNames | None:
    return read_value_names([folder, folder.parent])


def class_names(project: Project) -> tuple[str, ...]:
    """Return the names of mask values 0 .. K, ``background`` first."""
    return ("background", *project.classes.names)


def scored_names(project: Project, classes: Sequence[str]) -> tuple[str, ...] | None:
    """Return ``background`` and the given class names, None for all; raise `LabelError` for an unknown name."""
    for name in classes:
        project.classes.index(name)
    return ("background", *classes) if classes else None


def sweep(
    project: Project,
    ids: Sequence[str],
    maps_of: Callable[[str], ActivationMaps | None],
    truth: Truth,
    left_out: LeftOut,
) -> Steps[Sweep]:
    """Score maps at every background threshold; images without any, or that cannot be read, go into `left_out`.

    Raises
    ------
    StepError
        When no image is left.
    """
    found = yield from sweep_of(project, ids, maps_of, truth, left_out)
    left_out.rest(ids)
    return found


def sweep_of(
    project: Project,
    ids: Sequence[str],
    maps_of: Callable[[str], ActivationMaps | None],
    truth: Truth,
    left_out: LeftOut,
) -> Steps[Sweep]:
    """Do what `sweep` does for a part of the images, of which none may be left."""
    names = class_names(project)
    sums = Sweep.nothing(THRESHOLDS, names)

    def compare(image_id: str, true: Mask) -> None:
        nonlocal sums
        maps = maps_of(image_id)
        if maps is None:
            raise StepError(f"{image_id} has no stored activation maps. Run localize first.")
        sums += threshold_sweep([(maps, true)], THRESHOLDS, len(names), names)

    yield from _compared(ids, truth, compare, left_out)
    return sums


def score(
    project: Project, ids: Sequence[str], mask_of: Callable[[str], Mask | None], truth: Truth, left_out: LeftOut
) -> Steps[Scores]:
    """Score masks; images without one, that cannot be read, or with a value that is no class go into `left_out`.

    Raises
    ------
    StepError
        When no image is left.
    """
    found = yield from score_of(project, ids, mask_of, truth, left_out)
    left_out.rest(ids)
    return found


def score_of(
    project: Project, ids: Sequence[str], mask_of: Callable[[str], Mask | None], truth: Truth, left_out: LeftOut
) -> Steps[Scores]:
    """Do what `score` does for a part of the images, of which none may be left."""
    names = class_names(project)
    sums = Scores.nothing(names)

    def compare(image_id: str, true: Mask) -> None:
        nonlocal sums
        found = mask_of(image_id)
        if found is None:
            raise StepError(f"{image_id} has no mask of this kind. Run refine (or accept a mask) first.")
        matrix, undecided = confusion_matrix(true, found, len(names)), undecided_pixels(true, found)
        sums += Scores(matrix, names, undecided, missing_in(true, found, len(names)))

    yield from _compared(ids, truth, compare, left_out)
    return sums


def _compared(ids: Sequence[str], truth: Truth, compare: Callable[[str, Mask], None], left_out: LeftOut) -> Steps[None]:
    """Compare images with their true masks, which are read ahead; what all of them lack (a model) is raised."""

    def compute(ready: tuple[str, Mask], _: Write) -> Steps[Outcome]:
        yield from ()
        try:
            compare(*ready)
        except StepError as reason:
            if reason.missing:
                raise RunError(reason) from reason
            raise
        return Outcome(is_reused=False)

    found = yield from over_images(
        STAGE, ids, lambda image_id: (image_id, truth(image_id)), compute, weigh=lambda ready: ready[1].size
    )
    left_out.update(found.failed)


def seeds(project: Project, image_id: str) -> ActivationMaps | None:
    """Return the stored maps of the applied localizer, also while a segmenter is applied."""
    from napari_wsss.pipeline import run as pipeline

    checkpoint_of(project, project.plan, "localize")
    return pipeline.base_maps(project, image_id, "localize")


class Predictor:
    """Masks of a trained segmentation network, not told any image-level labels unless asked to use them.

    Parameters
    ----------
    checkpoint : Path
        A run's ``best.safetensors`` or ``last.safetensors``.
    labels_given : bool
        Only the labelled classes may appear.
    inference : SegmentInference
        Scales and flips.
    """

    def __init__(
        self,
        project: Project,
        checkpoint: Path,
        device: str = "auto",
        *,
        labels_given: bool = False,
        inference: SegmentInference | None = None,
    ) -> None:
        from napari_wsss.segment.base import Segmenter

        self._project = project
        self._inference = inference
        self.labels_given = labels_given
        self._network, _, what = Segmenter.restore(checkpoint, device)
        known = what.known_classes()
        if known.names != project.classes.names:
            raise LabelError(
                f"{checkpoint} was trained for the classes {', '.join(known.names)}; the project has "
                f"{', '.join(project.classes.names)}. Retrain it, or evaluate it in its own project."
            )
        # The last image only, for asking about it with and without labels.
        self._probabilities = lru_cache(maxsize=1)(self._predicted)

    def __call__(self, image_id: str) -> Mask:
        """Return the mask (H, W) uint8 of an image."""
        return self.mask(image_id, labels_given=self.labels_given)

    def mask(self, image_id: str, *, labels_given: bool) -> Mask:
        """Return the mask (H, W) uint8 of an image, of its labelled classes only or of all."""
        found = self._probabilities(image_id)
        if not labels_given:
            anything: Mask = found.argmax(0).astype(np.uint8)
            return anything
        present = possible_classes(self._project.catalog.get(image_id), self._project.classes)
        values = np.asarray([0, *(k + 1 for k in present)], np.uint8)
        likeliest: Mask = values[found[values].argmax(0)]
        return likeliest

    def maps(self, image_id: str) -> ActivationMaps:
        """Return the probabilities of labelled classes and background, as the pipeline hands them to refiners."""
        found = self._probabilities(image_id)
        present = possible_classes(self._project.catalog.get(image_id), self._project.classes)
        return renormalised(ActivationMaps(found[[k + 1 for k in present]], present, found[0]))

    def _predicted(self, image_id: str) -> NDArray[np.float32]:
        from napari_wsss.segment.base import predict

        return predict(self._network, self._project.load_image(image_id).pixels, self._inference)
