"""The learner of an open window, in the process that the window keeps for it (see `processes.apart`).

Between two lessons it stays as it is: project, features and cells in memory, the last fit to go on from. What a person
did meanwhile is found by looking at the project, so that nobody has to tell it what to read again.
"""

import math
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import LabelError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline.applied_model import have_at_hand
from napari_wsss.pipeline.learner_states import LearnerState, Lesson, drop_old, next_state, plan_with, states
from napari_wsss.pipeline.run import propose
from napari_wsss.pixels.working_size import LARGEST
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from napari_wsss.project.scribble_files import scribble_path
from training.pixel_learner.agreement import UNKNOWN_SHARE
from training.pixel_learner.encoder import with_encoder
from training.pixel_learner.measured_enlargement import measured_enlargement
from training.pixel_learner.pixel_learner import STAGE, PixelLearner
from training.resolving import resolve_file

Trace = tuple[object, ...]
"""Equal exactly when a person said nothing else about an image."""


class Desk:
    """A project, open to be read, and the learner that learns from it.

    Parameters
    ----------
    folder : Path
        The project's.
    config : mapping
        As `Lesson` has it.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.folder, self.config = folder, config
        self.project = Project.open(folder, read_only=True)
        self.classes, self._gone = self.project.classes.names, self.project.classes.gone
        own, self._encoder = with_encoder(self.project, config)
        self._learner = PixelLearner(self.project, resolve_file("segmentation", own))
        self._traces: dict[str, Trace] = {}
        self._agreement: tuple[float | None, int] = (None, 0)  # and of how many images
        self._left_to_maps: tuple[int, ...] = ()
        self._map_share = 0.0
        self._localizer = ""
        self._is_compared = False  # with the maps of this localizer
        self._is_news = False  # since the last fit
        self._was_thorough = False  # the last fit
        self._dropping: Future[None] | None = None
        self._worker = ThreadPoolExecutor(1)
        self._measured_by, self._sizes = 0, ""  # images decided as a whole when sizes were compared last, and how
        self._see_as_before()

    def _see_as_before(self) -> None:
        """Go on with the size of pictures that an earlier sitting measured."""
        state = next((LearnerState.of(path) for path in states(self.project)[:1]), None)
        if state is not None and self._learner.leaves_enlargement_open and 0 < state.enlargement <= LARGEST:
            self._learner.enlarge(state.enlargement)
            self._measured_by, self._sizes = state.measured_by, state.sizes

    def serves(self, folder: Path, config: Mapping[str, Any]) -> bool:
        """Return True when lessons on this project, with this configuration, can go on here."""
        classes = self.project.classes
        same = (classes.names, classes.gone) == (self.classes, self._gone)
        return same and (folder, config) == (self.folder, self.config)

    def learn(self, lesson: Lesson) -> Steps[LearnerState | None]:
        """Learn from what changed, save a state, and have the wanted proposals stored; None when nothing changed.

        The first lesson is always thorough: only who compared knows which classes to leave to the maps.

        Raises
        ------
        LabelError
            When nobody has said anything yet.
        StepError
            When the loss is not finite.
        """
        dropping, self._dropping = self._dropping, None
        if dropping is not None:
            dropping.result()  # raises what it raised
        yield from self._follow()
        thorough, learner = lesson.thorough or not self._is_compared, self._learner
        if not self._is_news and (self._was_thorough or not thorough):
            return None
        if lesson.thorough:  # not in the first lesson, which somebody waits for
            yield from self._compare_sizes(lesson.folds)
        if thorough:
            yield from self._compare(lesson.folds, may_drop_maps=lesson.thorough)
        learned = yield from learner.learn(warm=not thorough, rounds=None if thorough else 0)
        learner.leave_to_maps(self._left_to_maps)
        learner.share_with_maps(self._map_share)
        self._is_news, self._was_thorough = False, thorough
        checkpoint = next_state(self.project)
        learner.save(checkpoint)
        have_at_hand(checkpoint, learner.classifier.snapshot(), self.project.classes)
        plan = plan_with(self.project, checkpoint)
        yield from propose(self.project, lesson.wanted, plan=plan)
        left = (tuple(self.classes[k] for k in self._left_to_maps), tuple(learner.left_out))
        state = LearnerState(
            checkpoint,
            learned.whole,
            learned.parts,
            *self._agreement,
            *left,
            learned.seconds,
            enlargement=learner.classifier.enlargement if self._measured_by else 0.0,
            measured_by=self._measured_by,
            sizes=self._sizes,
            map_share=self._map_share,
            doubted=learner.doubted,
            encoder=self._encoder,
        )
        state.note()
        self._dropping = self._worker.submit(drop_old, self.project)  # thousands of files, which nobody waits for
        return state

    def _follow(self) -> Steps[None]:
        """Read again what a person said since the last lesson; other maps to be compared with are news, too."""
        teachers, found = set(self._learner.teachers()), {}
        for record in self.project.catalog.records():
            if record.id in teachers:
                found[record.id] = self._trace(record)
        before, self._traces = self._traces, found
        gone = [image_id for image_id in before if image_id not in found]
        changed = [image_id for image_id, trace in found.items() if before.get(image_id) != trace]
        localizer, self._localizer = self._localizer, self.project.plan.localizer_checkpoint
        self._is_compared &= localizer == self._localizer
        # Labels of images that teach nothing, before and after, are no news: everything would be proposed anew.
        self._is_news |= any(map(self._learner.teaches, (*gone, *changed))) or localizer != self._localizer
        self._learner.take(gone)
        try:
            yield from self._learner.take_all(changed)
        except BaseException:  # a lesson that makes way, too: closing the generator raises GeneratorExit
            self._traces = before  # not all was read, so it is still news
            raise
        self._is_news |= any(map(self._learner.teaches, changed))

    def _trace(self, record: ImageRecord) -> Trace:
        masks, image_id = self.project.masks, record.id
        paths = (masks.accepted_path(image_id), masks.draft_path(image_id), scribble_path(self.project, image_id))
        stroke = self.project.journal.last_stroke(image_id) if record.state == "draft" else 0
        return record.state, record.labels, record.negative, record.unknown, stroke, *map(_stamp, paths)

    def _compare_sizes(self, folds: int) -> Steps[None]:
        """Measure how far to enlarge pictures, again whenever twice as many images were decided as the last time."""
        found = yield from measured_enlargement(self.project, self._learner, folds, self._measured_by)
        if found is None:
            return
        self._measured_by, self._sizes = len(self._learner.decided()), str(found)
        if self._learner.enlarge(found.best):
            self._traces = {}  # everything is to be read again
            yield from self._follow()

    def _compare(self, folds: int, *, may_drop_maps: bool) -> Steps[None]:
        """Measure the agreement; whether maps are worth learning from is asked where nobody waits: it takes as long."""
        compare = self._learner.compare if may_drop_maps else self._learner.agreement
        try:
            found = yield from compare(folds)
        except LabelError:  # of too few images to leave any out
            self._map_share = UNKNOWN_SHARE
            return
        assert found is not None
        self._is_compared = True
        mean = found.mean if math.isfinite(found.mean) else None
        self._agreement = mean, found.images
        self._left_to_maps, self._map_share = found.better_by_maps, found.share

    def close(self) -> None:
        """Close the project, when what is old is dropped."""
        self._worker.shutdown()
        self.project.close()


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size


_open: list[Desk] = []


def learn(folder: Path, lesson: Lesson) -> Steps[LearnerState | None]:
    """Give the learner of a project a lesson; see `Desk.learn`."""
    if not _open or not _open[0].serves(folder, lesson.config):
        yield Progress(STAGE, message="Opening the project for the learner.")
        while _open:
            _open.pop().close()
        _open.append(Desk(folder, lesson.config))
    return (yield from _open[0].learn(lesson))
