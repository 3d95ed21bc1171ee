"""A learner beside a window: what a person gives is learned within seconds and answered for every image.

It knows neither window nor session. Whoever holds it calls, in one thread or process of its own:

1. `prepare` with the images in the order they are wanted: their features, once and for all;
2. `take` after every decision, with the images it was about: what is known about their pixels is read again;
3. `learn`, when the person pauses: a fit, from where the last one ended or afresh;
4. `maps` of the shown image, then of the others: probabilities that go wherever a segmenter's go.

`state` and `restore` bring an earlier fit back. A fit from fresh weights gives, weight by weight, what the recipe
``segmentation --method pixel_classifier`` gives from the same project.
"""

import copy
import time
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from napari_wsss.core.errors import LabelError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline.applied_model import MAP_BACKGROUND
from napari_wsss.pipeline.learner.tap_features import ProjectFeatures
from napari_wsss.pixels.background_strength import colours_part
from napari_wsss.project.project import Project
from napari_wsss.project.records import possible_classes
from napari_wsss.segment.base import Segmenter
from napari_wsss.segment.pixel_classifier import PixelClassifier
from training.config import RunConfig
from training.data.samplers import spread
from training.hardware import prepare
from training.loop.learner import Learner, seed_everything
from training.pixel_learner.agreement import Agreement, compared, folds_of
from training.pixel_learner.cells import Cells
from training.pixel_learner.doubts import LeftOutAnswer, all_doubted
from training.pixel_learner.enlargement import fix_enlargement
from training.pixel_learner.fitting import Learned, fitted, order_of, start, start_warm
from training.pixel_learner.gathering import Gathering
from training.pixel_learner.localizer_maps import LocalizerMaps
from training.pixel_learner.pseudo_labels import Confidence
from training.sources import PixelClassifierSources

STAGE = "learn"
WARM_SHARE = 1 / 3
"""Part of the steps of a fit that goes on from the last one."""
CLEARLY = 1.5
"""How much more clearly things must part from the rest: it was 4 and 8 on steel and nuclei, 0.9 on photographs."""
LOOKED_AT = 30
"""Clicked images at most, evenly from all, in which it is looked at how things part."""


State = dict[str, Tensor]


class PixelLearner:
    """A pixel classifier and what it learns from.

    Parameters
    ----------
    project : Project
        Read only; features go to its disposable results.
    config : RunConfig
        Of recipe ``segmentation`` and method ``pixel_classifier``.
    stage : str
        Named in the progress of fits.

    Attributes
    ----------
    features : ProjectFeatures
        Of the trunk; `features.computed` counts its passes.
    classifier : PixelClassifier
    learned : Learned, optional
        The last fit; None before the first one.
    uses_maps : bool
        Whether what maps are sure of is learned from, too, while little is known; True until `compare` finds otherwise.
    uses_unlabelled : bool
        Whether what nobody labelled in images of which parts are known counts as background, as `learn` decided.
    leaves_enlargement_open : bool
        Whether the configuration says nothing about how far pictures are enlarged.
    """

    def __init__(self, project: Project, config: RunConfig, stage: str = STAGE) -> None:
        assert isinstance(config.sources, PixelClassifierSources)
        self._project, self._config, self._stage = project, config, stage
        self._confidence = Confidence(weight=config.sources.machine_weight)
        self._rounds = config.sources.pseudo_rounds if self._confidence.weight > 0 else 0
        self._machine = prepare(config.hardware)
        self.localizer = LocalizerMaps(project, str(self._machine.device))
        seed_everything(config.optimisation.seed)
        classifier = Segmenter.build(
            config.method, config.network.choice(), config.parameters, class_count=len(project.classes)
        )
        assert isinstance(classifier, PixelClassifier)
        self.leaves_enlargement_open = not classifier.settings.enlargement
        fix_enlargement(classifier, project)
        self.classifier = classifier.to(self._machine.device)
        self._begin()

    def _begin(self) -> None:
        config = self._config
        assert isinstance(config.sources, PixelClassifierSources)
        self.features = ProjectFeatures(self._project, self.classifier)
        self._gathering = Gathering(
            self._project, self.features, self.classifier, config.sources, config.optimisation.seed
        )
        self.learned: Learned | None = None
        self.uses_maps, self.uses_unlabelled = True, False

    # -- the size of pictures -----------------------------------------------------------------------------

    def enlarge(self, factor: float) -> bool:
        """See pictures enlarged by another factor from now on; return False where it is the same already.

        Features are others then, so nothing is known any more until `take_all`, and the next fit is a first one.
        """
        if factor == self.classifier.enlargement:
            return False
        self.classifier.enlarge(factor)
        self._begin()
        return True

    def at_enlargement(self, factor: float) -> "PixelLearner":
        """Return another learner of the same project that sees pictures enlarged by a factor, and knows nothing yet."""
        parameters = {**self._config.parameters, "enlargement": factor}
        return PixelLearner(self._project, replace(self._config, parameters=parameters), self._stage)

    # -- what is known ------------------------------------------------------------------------------------

    def prepare(self, ids: Iterable[str]) -> Steps[int]:
        """Compute missing features of images, in the given order; return how many were computed."""
        return self.features.prepare(ids)

    def teachers(self) -> list[str]:
        """Return the images that may teach: neither excluded nor held out, in catalog order."""
        return self._gathering.ids()

    def take_all(self, ids: Iterable[str] | None = None) -> Steps[int]:
        """Read what a person said about all images that may teach; return of how many that is something.

        Images that cannot be read are in `left_out`.
        """
        return self._gathering.gather(self.teachers() if ids is None else ids)

    @property
    def left_out(self) -> Mapping[str, str]:
        """Images `take_all` could not read, and why."""
        return self._gathering.left_out

    @property
    def doubted(self) -> tuple[str, ...]:
        """Images of which something counts less, as everything else contradicts it."""
        return self._gathering.doubted

    def counts(self) -> dict[str, int]:
        """Return of how many images the ``whole`` is known, and of how many ``parts``."""
        return self._gathering.counts()

    def teaches(self, image_id: str) -> bool:
        """Return True when something is learned from an image now, by what a person or by what its maps say."""
        return self._gathering.teaches(image_id)

    @property
    def given(self) -> list[str]:
        """Images a person said something about, in the order of ids."""
        return self._gathering.known()

    def decided(self) -> list[str]:
        """Return the images a person decided about as a whole, in the order of ids."""
        return self._gathering.wholly_known()

    def take(self, ids: Iterable[str]) -> int:
        """Read again what a person said about images; return of how many that is something.

        Raises
        ------
        ProjectError
            When a mask is damaged, or of another size than its image.
        """
        ids, may_teach = tuple(ids), set(self._gathering.ids())
        self._gathering.forget(image_id for image_id in ids if image_id not in may_teach)
        return sum(self._gathering.gather_one(image_id) for image_id in ids if image_id in may_teach)

    # -- learning -----------------------------------------------------------------------------------------

    def learn(self, *, warm: bool = False, rounds: int | None = None) -> Steps[Learned]:
        """Fit the classifier to what is known, then again with pseudo labels of images that are known in part.

        Where no number of rounds is given it is decided whether what nobody labelled in those counts as background.

        While little is known, what maps are sure of elsewhere counts a little (`weak_examples`); it is read again when
        no number of rounds is given.

        Closing the generator, or an error, leaves the classifier as it was before.

        Parameters
        ----------
        warm : bool
            Go on from the last fit, in a third of the steps; the first fit is never warm.
        rounds : int, optional
            Fits with pseudo labels; as the configuration says when not given. 0 answers soonest.

        Raises
        ------
        LabelError
            When there is too little to learn from.
        StepError
            When the loss is not finite.
        """
        before, started = self.state(), time.perf_counter()
        try:
            given, parts = self._gathering.cells(), self._gathering.partly_known()
            if rounds is None:
                yield from self._gathering.gather_weak()
            first = given if rounds is None else self._with_prior(given)  # a whole fit decides anew
            loss = yield from self._fit(first, given.shown, warm=warm and self.learned is not None)
            if rounds is None and parts:
                loss = yield from self._with_unlabelled(given, loss)
            for _ in range(self._rounds if rounds is None else rounds) if parts else ():
                yield from self._gathering.mark(parts, self._confidence)
                loss = yield from self._fit(self._with_prior(self._gathering.cells(pseudo=True)), given.shown)
        except BaseException:  # closing the generator, too: it raises GeneratorExit, which is no Exception
            self.restore(before)
            raise
        seconds = time.perf_counter() - started
        self.learned = Learned(**self._gathering.counts(), classes=self._shown(), seconds=seconds, loss=loss)
        return self.learned

    def _with_prior(self, cells: Cells, but: Collection[str] = ()) -> Cells:
        return self._gathering.with_unlabelled(cells, but) if self.uses_unlabelled else cells

    def _with_unlabelled(self, given: Cells, loss: float) -> Steps[float]:
        """Fit again with what nobody labelled, keep that where things part more clearly, return the kept fit's loss."""
        both = self._gathering.with_unlabelled(given)
        if len(both) == len(given):
            self.uses_unlabelled = False
            return loss
        plain, before = self.state(), self._parting()
        other = yield from self._fit(both, given.shown)
        self.uses_unlabelled = self._parting() > CLEARLY * before
        if self.uses_unlabelled:
            return other
        self.restore(plain)
        return loss

    def _parting(self) -> float:
        """Return how clearly what is answered as things differs from the rest, the mean over some clicked images."""
        found = []
        for image_id in spread(self._gathering.partly_known(), LOOKED_AT):
            objects = self._answer(self.classifier, image_id).to_mask() > 0
            found.append(colours_part(self._project.load_image(image_id).pixels, objects))
        return sum(found) / len(found)

    def compare(self, folds: int = 3, *, only_for_maps: bool = False) -> Steps[Agreement | None]:
        """Return the `agreement`, and learn from maps only while it is no worse with them than without.

        What it doubts counts less until the next comparison, or until something else is said about the image.

        Parameters
        ----------
        folds : int
        only_for_maps : bool
            Return None at once where maps would teach nothing anyway.

        Raises
        ------
        LabelError
            As `agreement` does.
        """
        yield from self._gathering.gather_weak()
        if only_for_maps and not self._gathering.has_weak:
            return None
        found = yield from self.agreement(folds, uses_maps=self._gathering.has_weak)
        if self._gathering.has_weak:
            without = yield from self.agreement(folds, uses_maps=False)
            self.uses_maps = not found.mean < without.mean
            found = found if self.uses_maps else without
        self._gathering.doubt(found.doubts)
        return found

    def agreement(self, folds: int = 3, *, with_maps: bool = True, uses_maps: bool | None = None) -> Steps[Agreement]:
        """Return how far the learner, and the stored maps, agree with what was given about images it did not see.

        The classifier stays as it is: copies of it are fitted.

        Parameters
        ----------
        folds : int
        with_maps : bool
            Without, the agreement of maps is not measured.
        uses_maps : bool, optional
            Whether copies learn from maps; as the learner does when not given.

        Raises
        ------
        LabelError
            When fewer than two images say something, or too little is left to learn from.
        """
        answers = yield from self.left_out_answers(folds, uses_maps=uses_maps)
        held_out = [(example, answer) for example, answer, _ in answers]
        maps_of = self.localizer.maps if with_maps else lambda _: None
        found = compared(self.classifier.class_count, held_out, maps_of, MAP_BACKGROUND, self.localizer.proposed)
        return replace(found, doubts=all_doubted(answers, maps_of, MAP_BACKGROUND))

    def left_out_answers(self, folds: int, *, uses_maps: bool | None = None) -> Steps[list[LeftOutAnswer]]:
        """Return of each image what was given, what a copy fitted without it answers, and which values that was shown.

        Parameters and errors are those of `agreement`.
        """
        answers, known = list[LeftOutAnswer](), self.given
        if len(known) < 2:
            raise LabelError(
                f"Agreement is measured on images that were left out; found {len(known)} that a person said something "
                "about, expected at least 2."
            )
        if self.uses_maps if uses_maps is None else uses_maps:
            yield from self._gathering.gather_weak()
        for fold in folds_of(known, folds, self._config.optimisation.seed):
            other = copy.deepcopy(self.classifier)
            cells = self._gathering.cells(but=fold)
            yield from self._fit(self._with_prior(cells, fold), cells.shown, classifier=other, uses_maps=uses_maps)
            seen = [value for value, shown in enumerate(other.known.tolist()) if shown]
            answers += [(self._gathering.said(one), self._answer(other, one), seen) for one in fold]
        return answers

    def leave_to_maps(self, classes: Iterable[int]) -> None:
        """Count classes (0-based) as not shown: in proposals they keep the localizer's maps (until the next fit)."""
        for k in classes:
            self.classifier.known[k + 1] = False

    def share_with_maps(self, share: float) -> None:
        """Have proposals pooled with the localizer's maps, which have a share in [0, 1], from now on."""
        self.classifier.map_share.fill_(share)

    def _fit(
        self,
        cells: Cells,
        shown: Tensor,
        classifier: PixelClassifier | None = None,
        *,
        warm: bool = False,
        uses_maps: bool | None = None,
    ) -> Steps[float]:
        """Take all steps of one fit and return the mean loss of its last ones."""
        settings, classifier = self._config.optimisation, classifier or self.classifier
        if self.uses_maps if uses_maps is None else uses_maps:
            cells = self._gathering.with_weak(cells)
        if warm:
            start_warm(classifier, shown)
            settings = replace(settings, iterations=max(1, round(settings.iterations * WARM_SHARE)))
        else:
            start(classifier, cells, shown, settings.seed)
        groups = ((), classifier.head_parameters())
        learner = Learner(classifier, groups, settings, settings.iterations, self._machine)
        losses: deque[float] = deque(maxlen=10)
        for figures in fitted(learner, classifier, cells, order_of(cells, settings)):
            losses.append(figures["loss"])
            yield Progress(self._stage, learner.step, learner.total, metrics=figures)
        classifier.eval()
        return sum(losses) / len(losses)

    def _shown(self) -> tuple[str, ...]:
        known = self.classifier.known[1:].tolist()
        return tuple(name for name, shown in zip(self._project.classes.names, known, strict=True) if shown)

    # -- answering ----------------------------------------------------------------------------------------

    def maps(self, image_id: str) -> ActivationMaps:
        """Return the probabilities of an image's labelled classes and of background, at the image's size.

        A class nobody has shown gets what is not background and no class that was shown.
        """
        return self._answer(self.classifier, image_id)

    def _answer(self, classifier: PixelClassifier, image_id: str) -> ActivationMaps:
        record = self._project.catalog.get(image_id)
        classes = possible_classes(record, self._project.classes)
        if not record.labelled:  # else one that nobody has shown would take what is left
            classes = tuple(k for k in classes if classifier.was_shown(k))
        found = classifier.answer(self.features(image_id), classes)
        return ActivationMaps(found[1:], classes, found[0])

    # -- states -------------------------------------------------------------------------------------------

    def state(self) -> State:
        """Return everything a fit changes, to be given to `restore` some time."""
        kept = {name: value for name, value in self.classifier.state_dict().items() if not name.startswith("_trunk.")}
        return copy.deepcopy(kept)

    def restore(self, state: State) -> None:
        """Bring the classifier to an earlier state."""
        self.classifier.load_state_dict(state, strict=False)

    def save(self, path: Path) -> None:
        """Publish the classifier as a checkpoint that can be applied to the project like any segmenter's."""
        run = {"recipe": "segmentation", "config": self._config.decisive()}
        self.classifier.save(path, self._project.classes, run)
