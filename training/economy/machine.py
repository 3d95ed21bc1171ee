"""What proposes masks while a simulated person annotates: applied models, and the learner if there is one."""

import time
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.cells import working_cells
from napari_wsss.core.errors import LabelError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Step
from napari_wsss.core.progress import finish
from napari_wsss.core.scribbles import as_seeds
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.applied_model import MAP_BACKGROUND
from napari_wsss.pipeline.learner.pooling import pooled, with_maps_of
from napari_wsss.pipeline.lineage import has_model
from napari_wsss.pixels.propagate import prior_of, propagate
from napari_wsss.pixels.superpixels import find_superpixels
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import read_scribbles
from training.pixel_learner.agreement import UNKNOWN_SHARE, Agreement
from training.pixel_learner.fitting import Learned
from training.pixel_learner.measured_enlargement import FOLDS, measured_enlargement
from training.pixel_learner.pixel_learner import PixelLearner

Mask = NDArray[np.uint8]


class Machine:
    """Proposals of one project, and how long a person waited for them.

    Until the learner has learned, and without one always, they are those of the project's applied models after its
    plan; an image that was clicked in then gets the walk from its scribbles (`R` in the window), because nothing else
    learns from them.

    Parameters
    ----------
    project : Project
    learner : PixelLearner, optional
    refiners : sequence of Step
        Follow the learner's probabilities.
    enlargement_folds : int
        Of the comparison of sizes (see `measured_enlargement`); 0 keeps to the usual one.

    Attributes
    ----------
    learned : Learned, optional
        The learner's last fit.
    sizes : str
        How sizes of the pictures compared, "" before that was measured.
    seconds, fit : float
        CPU seconds of all fits and of the masks that were shown, which is what a person waits for on an idle core; and
        of the last fit alone.
    """

    def __init__(
        self,
        project: Project,
        learner: PixelLearner | None,
        refiners: Sequence[Step] = (),
        enlargement_folds: int = FOLDS,
    ) -> None:
        self._project, self._learner, self._refiners = project, learner, tuple(refiners)
        self._folds, self._measured_by, self.sizes = enlargement_folds, 0, ""
        self.learned: Learned | None = None
        self.seconds = self.fit = 0.0

    @property
    def knows(self) -> bool:
        """True when there are proposals: a model is applied, or the learner has learned."""
        return self.learned is not None or has_model(self._project.plan)

    def learn(self, ids: Sequence[str]) -> None:
        """Learn what was given, lately about `ids`; nothing happens without a learner."""
        if self._learner is None:
            return
        started = time.process_time()
        self._learner.take(ids)
        apart, agreement = self._decide(self._learner, ids)
        self.learned = finish(self._learner.learn())
        if agreement is not None:
            self._learner.leave_to_maps(agreement.better_by_maps)
        self._learner.share_with_maps(UNKNOWN_SHARE if agreement is None else agreement.share)
        self.fit = time.process_time() - started - apart
        self.seconds += self.fit

    def _decide(self, learner: PixelLearner, ids: Sequence[str]) -> tuple[float, Agreement | None]:
        """Decide by measuring what a window decides so in a pause.

        Returns
        -------
        float
            CPU seconds, which nobody waits for.
        Agreement, optional
            On images left out; None where there is nothing to decide by it.
        """
        started = time.process_time()
        found = finish(measured_enlargement(self._project, learner, self._folds, self._measured_by))
        if found is not None:
            self._measured_by, self.sizes = len(learner.decided()), str(found)
            if learner.enlarge(found.best):
                finish(learner.take_all())
        agreement: Agreement | None = None
        has_maps = bool(self._project.plan.localizer_checkpoint)
        if has_maps:
            finish(pipeline.localize(self._project, ids))
        with suppress(LabelError):  # of too few images to leave any out
            agreement = finish(learner.compare(FOLDS, only_for_maps=not has_maps))
        return time.process_time() - started, agreement

    def maps(self, image_id: str, *, refined: bool = True) -> ActivationMaps | None:
        """Return probabilities of background and an image's labels, None while there are no proposals.

        Parameters
        ----------
        image_id : str
        refined : bool
            After the refiners, or as the learner gives them. Those of an applied model are after its plan always.
        """
        if self._learner is not None and self.learned is not None:
            found = self._answered(self._learner, image_id)
            if not refined or not self._refiners:
                return found
            return pipeline.refine_maps(self._project.load_image(image_id).pixels, found, self._refiners)
        if not has_model(self._project.plan):
            return None
        finish(pipeline.propose(self._project, [image_id]))
        return pipeline.refined_maps(self._project, image_id)

    def _answered(self, learner: PixelLearner, image_id: str) -> ActivationMaps:
        """Return the learner's probabilities beside what maps propose, as `pipeline.learner.pooling` mixes them."""
        everything = learner.maps(image_id)
        classes = everything.classes
        shown = tuple(k for k in classes if learner.classifier.was_shown(k))
        share = float(learner.classifier.map_share) if self._project.catalog.get(image_id).labelled else 0.0
        is_whole = len(shown) == len(classes) and not share
        if is_whole or not self._project.plan.localizer_checkpoint:
            return everything
        proposed = learner.localizer.proposed(image_id, classes)
        maps = proposed.averaged(working_cells(*proposed.size))
        answer = learner.classifier.answer(learner.features(image_id), shown, maps.size)
        scores = np.zeros_like(maps.scores)
        scores[[classes.index(k) for k in shown]] = answer[1:]
        found = pooled(ActivationMaps(scores, classes, answer[0]), maps, share)
        return with_maps_of(found, maps, set(classes) - set(shown)).enlarged(proposed.size)

    def shown(self, image_id: str) -> Mask | None:
        """Return the mask that is shown to a person, who waits for it; None while there are no proposals."""
        started = time.process_time()
        maps = self.maps(image_id)
        self.seconds += time.process_time() - started
        return None if maps is None else maps.to_mask()

    def mask(self, image_id: str) -> Mask | None:
        """Return the mask an image has now: the accepted one, else what is proposed."""
        accepted = self._project.masks.read_accepted(image_id)
        if accepted is not None:
            return accepted
        maps = self.maps(image_id)
        scribbles = None if self._learner is not None else read_scribbles(self._project, image_id)
        if scribbles is not None:
            return self._walked(image_id, scribbles, maps)
        return None if maps is None else maps.to_mask()

    def _walked(self, image_id: str, scribbles: Mask, maps: ActivationMaps | None) -> Mask:
        pixels = self._project.load_image(image_id).pixels
        seeds, seeded = as_seeds(scribbles, self._project.classes)
        said = tuple(int(value) for value in np.unique(seeds[seeded]))
        prior = None if maps is None else prior_of(maps, MAP_BACKGROUND, extra=said)
        return propagate(pixels, find_superpixels(pixels), seeds, seeded, prior)

    def described(self, image_id: str) -> NDArray[np.float32]:
        """Return the mean (C,) float32 of each channel of an image's features by the learner's trunk.

        Raises
        ------
        LabelError
            Without a learner.
        """
        if self._learner is None:
            raise LabelError(
                "Diversity is measured by the features of the learner's trunk; choose it with the learner."
            )
        return np.concatenate([plane.mean((1, 2)) for plane in self._learner.features(image_id).values()])
