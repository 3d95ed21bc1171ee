"""Gathering what a person gave, image by image, as cells that a pixel classifier learns from."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import LabelError, WsssError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline.learner.tap_features import ProjectFeatures
from napari_wsss.pipeline.run import base_maps
from napari_wsss.project.project import Project
from napari_wsss.project.records import possible_classes
from napari_wsss.segment.pixel_classifier import PixelClassifier
from training.data.pictures import training_records
from training.pixel_learner.cells import Cells, cells_of
from training.pixel_learner.doubts import lessened
from training.pixel_learner.examples import Example, Trust, example_of, nothing_known, unlabelled
from training.pixel_learner.pseudo_labels import Confidence, pseudo_labelled
from training.pixel_learner.weak_examples import IMAGES, faded, weak_example
from training.pixel_learner.weak_examples import MOST_OF_IMAGE as MOST_WEAK
from training.sources import PixelClassifierSources

STAGE = "gather"
MOST_OF_IMAGE, MOST_PSEUDO, MOST_UNLABELLED = 1500, 1500, 200
MOST_OF_ALL = 200_000
"""Cells; 180 MB of 448 features."""


class Gathering:
    """The cells of a project's images, kept until what a person said about an image changes.

    Parameters
    ----------
    project : Project
    features : ProjectFeatures
        Of the classifier's trunk.
    classifier : PixelClassifier
        Says how features become rows; it does not change.
    sources : PixelClassifierSources
    seed : int
        Of the choice of cells; that of an image does not depend on other images.

    Attributes
    ----------
    left_out : dict of str to str
        Images that `gather` could not read, and why.
    """

    def __init__(
        self,
        project: Project,
        features: ProjectFeatures,
        classifier: PixelClassifier,
        sources: PixelClassifierSources,
        seed: int,
    ) -> None:
        self._project, self._features, self._classifier = project, features, classifier
        self._trust = Trust.of(sources)
        self._limit, self._seed = sources.accepted_limit, seed
        self._kept: dict[str, tuple[Cells, bool]] = {}
        self._share = sources.unlabelled_share
        self._unlabelled: dict[str, Cells] = {}
        self._doubts: dict[str, NDArray[np.bool_]] = {}
        self._pseudo: dict[str, Cells] = {}
        self._map_weight = sources.map_weight
        self._weak: dict[str, Cells] = {}
        self._weak_of: str | None = None  # the localizer they are of; None when something was taken since
        self.left_out: dict[str, str] = {}

    def ids(self) -> list[str]:
        """Return the images that may teach, in catalog order: neither excluded nor held out; accepted ones limited."""
        records = training_records(self._project)
        accepted = [record.id for record in records if record.state == "accepted"]
        left_out = set(accepted[self._limit :]) if self._limit else set()
        return [record.id for record in records if record.id not in left_out]

    def gather(self, ids: Iterable[str]) -> Steps[int]:
        """Read again what a person said about images, and return of how many that is something.

        An image that cannot be read, or whose mask is damaged or of another size, is left out, and why is in
        `left_out`.
        """
        ids, found = tuple(ids), 0
        for position, image_id in enumerate(ids):
            self.left_out.pop(image_id, None)
            try:
                found += self.gather_one(image_id)
            except (WsssError, OSError) as error:
                self.left_out[image_id] = str(error)
            yield Progress(STAGE, position + 1, len(ids), image_id)
        return found

    def gather_one(self, image_id: str) -> bool:
        """Read again what a person said about an image; return False, and forget the image, when that is nothing.

        What its maps were sure of is forgotten, too: they were read for the labels it had.
        """
        for kept in (self._kept, self._weak, self._unlabelled, self._doubts):
            kept.pop(image_id, None)
        self._weak_of = None
        example = example_of(self._project, self._project.catalog.get(image_id), self._trust)
        if example is None:
            return False
        self._kept[image_id] = self._cells_of(example, MOST_OF_IMAGE), example.whole
        if not example.whole and self._share:
            self._unlabelled[image_id] = self._cells_of(unlabelled(example), MOST_UNLABELLED)
        self._bound()
        return True

    def _bound(self) -> None:
        """Forget cells that will never be among the first ones of their image that are learned from."""
        most = max(1, MOST_OF_ALL // len(self._kept))
        if sum(len(cells) for cells in self._unlabelled.values()) > 2 * MOST_OF_ALL:
            self._unlabelled = {image_id: cells.first(most).alone() for image_id, cells in self._unlabelled.items()}
        if sum(len(cells) for cells, _ in self._kept.values()) > 2 * MOST_OF_ALL:
            self._kept = {
                image_id: (cells.first(most).alone(), whole) for image_id, (cells, whole) in self._kept.items()
            }

    def mark(self, ids: Iterable[str], confidence: Confidence) -> Steps[None]:
        """Add pseudo labels of images by the classifier as it is now, in place of all earlier ones.

        Parameters
        ----------
        ids : iterable of str
            Images a person showed parts of, or nothing.
        confidence : Confidence
        """
        ids, found = tuple(ids), {}
        for position, image_id in enumerate(ids):
            image, features = self._project.load_image(image_id).pixels, self._features(image_id)
            sure = pseudo_labelled(self._classifier, features, image, self.example(image_id), confidence)
            found[image_id] = self._cells_of(sure, MOST_PSEUDO)
            yield Progress(STAGE, position + 1, len(ids), image_id)
        self._pseudo = found

    def gather_weak(self) -> Steps[None]:
        """Read what stored maps are sure of in some images nobody said anything about, while that is to count.

        Which images is fixed by the seed; those that cannot be read, or have no maps yet, are passed over. Nothing is
        read where nothing was taken since the last time.
        """
        localizer = self._project.plan.localizer_checkpoint
        if self._weak_of == localizer:
            return
        self._weak = {}
        if not faded(self._map_weight, len(self._kept)) or not localizer:
            return
        ids = [image_id for image_id in self.ids() if image_id not in self._kept]
        mixed = [ids[int(at)] for at in np.random.default_rng(self._seed).permutation(len(ids))]
        for position, image_id in enumerate(mixed):
            if len(self._weak) == IMAGES:
                break
            record = self._project.catalog.get(image_id)
            try:
                maps = base_maps(self._project, image_id, "localize") if record.labelled else None
                if maps is not None:
                    sure = weak_example(image_id, possible_classes(record, self._project.classes), maps)
                    self._weak[image_id] = self._cells_of(sure, MOST_WEAK)
            except (WsssError, OSError):
                continue
            yield Progress(STAGE, position + 1, len(mixed), image_id)
        self._weak_of = localizer

    @property
    def has_weak(self) -> bool:
        """True when there are weak examples that would count now."""
        return bool(faded(self._map_weight, len(self._kept)) and set(self._weak) - set(self._kept))

    def with_weak(self, cells: Cells) -> Cells:
        """Return cells with those of the weak examples, by the weight these have now."""
        if not self.has_weak:
            return cells
        weight = faded(self._map_weight, len(self._kept))
        weak = Cells.joined([self._weak[image_id] for image_id in sorted(self._weak) if image_id not in self._kept])
        return Cells.joined([cells, replace(weak, weights=weak.weights * weight)])

    def with_unlabelled(self, cells: Cells, but: Collection[str] = ()) -> Cells:
        """Return cells with what nobody clicked on in the images of which parts are known, as background.

        All of an image's together weigh a share of what is known of it. Where somebody clicks says nothing about how
        much of a picture a class covers, and cells are drawn evenly among the values: without these, things grow over
        everything that looks a little like them.
        """
        parts = [cells]
        if self._project.plan.every_pixel or not cells.shown[0]:  # there is no background, as far as anybody said
            return cells
        for image_id in sorted(set(self._unlabelled) - set(but)):
            rest, said = self._unlabelled[image_id], self._kept[image_id][0].weights.sum()
            parts.append(replace(rest, weights=rest.weights * (self._share * said / rest.weights.sum().clamp(min=1))))
        return Cells.joined(parts)

    def partly_known(self) -> list[str]:
        """Return the images a person showed parts of, in the order of ids."""
        return [image_id for image_id in sorted(self._kept) if not self._kept[image_id][1]]

    def wholly_known(self) -> list[str]:
        """Return the images a person decided about as a whole, in the order of ids."""
        return [image_id for image_id in sorted(self._kept) if self._kept[image_id][1]]

    def _cells_of(self, example: Example, most: int) -> Cells:
        features = self._features(example.image_id)
        rows, random = self._classifier.rows(features), np.random.default_rng([self._seed, *example.image_id.encode()])
        return cells_of(example, rows, features.grid, self._classifier.class_count, most, random)

    def forget(self, ids: Iterable[str]) -> None:
        """Learn no longer from images (they were excluded, or held out)."""
        for image_id in ids:
            for kept in (self._kept, self._pseudo, self._weak, self._unlabelled, self._doubts):
                kept.pop(image_id, None)
            self._weak_of = None

    def teaches(self, image_id: str) -> bool:
        """Return True when something is learned from an image now, by what a person or by what its maps say."""
        return image_id in self._kept or image_id in self._weak

    def known(self) -> list[str]:
        """Return the images a person said something about, in the order of ids."""
        return sorted(self._kept)

    def doubt(self, doubts: Mapping[str, NDArray[np.bool_]]) -> None:
        """Have pixels (H,W) bool of some images count less, and all others as before."""
        everywhere = {image_id: where for image_id, where in doubts.items() if where.any()}
        changed = [one for one in {*self._doubts, *everywhere} if one in self._kept]
        self._doubts = everywhere
        for image_id in changed:
            self._kept[image_id] = self._cells_of(self.example(image_id), MOST_OF_IMAGE), self._kept[image_id][1]

    @property
    def doubted(self) -> tuple[str, ...]:
        """Images of which something counts less, as everything else contradicts it, in the order of ids."""
        return tuple(sorted(self._doubts))

    def example(self, image_id: str) -> Example:
        """Return what teaches about an image now, be it nothing but its labels: what was `said`, less where doubted."""
        found = self.said(image_id)
        return lessened(found, self._doubts[image_id]) if image_id in self._doubts else found

    def said(self, image_id: str) -> Example:
        """Return what a person said about an image, be it nothing but its labels."""
        record = self._project.catalog.get(image_id)
        return example_of(self._project, record, self._trust) or nothing_known(self._project, record)

    def cells(self, but: Collection[str] = (), *, pseudo: bool = False) -> Cells:
        """Return the cells of all images about which a person said something, without those of `but`.

        With `pseudo` also those marked besides.

        Raises
        ------
        LabelError
            When there is none.
        """
        # In the order of ids: what is learned does not depend on what was decided first.
        parts = [self._kept[image_id][0] for image_id in self.known() if image_id not in but]
        if not parts:
            raise LabelError(
                "Nobody has said anything about a pixel of the training images yet. Accept a mask, draw in one, or "
                "click on a thing and on the background (scribbles)."
            )
        most = max(1, MOST_OF_ALL // len(parts))
        marked = [self._pseudo[image_id] for image_id in sorted(self._pseudo)] if pseudo else []
        return Cells.joined([cells.first(most) for cells in (*parts, *marked)])

    def counts(self) -> dict[str, int]:
        """Return how many images said something about the ``whole`` picture, and how many about ``parts`` of it."""
        whole = sum(whole for _, whole in self._kept.values())
        return {"whole": whole, "parts": len(self._kept) - whole}
