"""Pointing at things: each click or box is answered at once, as one step of the mask that Ctrl+Z takes back.

The class is known before the click. Where a promptable segmenter is chosen and has looked at the image, it answers;
else clicks are seeds of the propagation with the class's maps as a prior. Which of the two is settled by the first
click on a thing. A click far from the thing begins another one; what lies in the mask under or near the first click is
corrected, not drawn anew.

Clicks are scribbles, too: `R` keeps to them and the pixel learner learns from them.
"""

from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.background import DEFAULT_THRESHOLD
from napari_wsss.core.classes import BACKGROUND
from napari_wsss.core.masks import Mask
from napari_wsss.core.progress import Steps
from napari_wsss.core.sources import Source
from napari_wsss.pixels.clicks.pointing import Scene, answer_by_colour, is_near, pointed_at, region_meant, written
from napari_wsss.pixels.clicks.prompts import Answer, Click, Prompt, PromptBox, Question
from napari_wsss.processes.apart import Apart
from napari_wsss.session.correct.embeddings import Embeddings
from napari_wsss.session.correct.patches import LANE, Patches
from napari_wsss.session.correct.propagation import mask_so_far
from napari_wsss.session.correct.scribbles import Scribbles
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.review.decisions import Decisions
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

JOB, WARM = "point", "warm"
MOST_STEPS, MOST_PIXELS = 100, 100_000_000
"""How many clicks are remembered: as many as napari takes back, and as their masks together may have pixels."""


@dataclass(frozen=True, eq=False)
class Thing:
    """One object a person points at, and what became of the mask.

    Parameters
    ----------
    scene : Scene
        What there was before the first click.
    prompt : Prompt
    own : (H, W) bool, optional
        Its region in the mask before, which is corrected.
    embedding : (256, 64, 64) float16, optional
        Of the segmenter that answers; None where colours and maps do.
    logits : (h, w) float32, optional
        The segmenter's last answer.
    region : (H, W) bool, optional
        Where it is now; None before the first answer.
    mask : (H, W) uint8, optional
        The mask with it; None before the first answer.
    """

    scene: Scene
    prompt: Prompt = field(default_factory=Prompt)
    own: NDArray[np.bool_] | None = None
    embedding: NDArray[np.float16] | None = None
    logits: NDArray[np.float32] | None = None
    region: NDArray[np.bool_] | None = None
    mask: Mask | None = None

    def is_in(self, mask: Mask) -> bool:
        """Return True while a mask (H, W) uint8 is as it was after the answer."""
        return self.mask is not None and np.array_equal(self.mask, mask)

    def holds(self, click: Click) -> bool:
        """Return True when a click is about this thing, False when it is about another one."""
        if self.mask is None or self.region is None:
            return True  # its answer is on the way
        if click.is_thing:
            return is_near(self.region, click)
        place = click.row, click.column
        return bool(self.region[place] or self.mask[place] != self.scene.value)


@dataclass(frozen=True, eq=False)
class _Asked:
    """A thing whose answer is awaited, and the mask (H, W) uint8 that was on the screen when it was asked for."""

    thing: Thing
    shown: Mask
    on_proposal: bool


@dataclass(frozen=True)
class Engines:
    """What answers: the superpixels of the image, and the embeddings of it.

    Parameters
    ----------
    patches : Patches
    embeddings : Embeddings
    """

    patches: Patches
    embeddings: Embeddings


class Pointing:
    """Answers clicks and boxes on the shown image.

    Parameters
    ----------
    opened : Opened
    engines : Engines
    scribbles : Scribbles
        Take the clicks up.
    decisions : Decisions
        Says where a proposal comes from.
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    changed : Signal()
        The clicks are others.
    busy_changed : Signal(bool)
    """

    changed = Signal()
    busy_changed = Signal(bool)

    def __init__(
        self, opened: Opened, engines: Engines, scribbles: Scribbles, decisions: Decisions, jobs: Jobs, signals: Signals
    ) -> None:
        self._opened, self._engines, self._scribbles, self._decisions = opened, engines, scribbles, decisions
        self._jobs, self._signals = jobs, signals
        self._answers: list[Thing] = []  # one for each step of the mask, the newest last
        self._asked: _Asked | None = None
        self._apart = Apart("napari_wsss.promptable.answering:answered")
        self._warm = Apart("napari_wsss.promptable.answering:warmed")
        signals.image_changed.connect(self._forget)
        signals.project_closed.connect(self._forget)
        signals.sources_changed.connect(self._follow_undo)

    @property
    def prompt(self) -> Prompt:
        """What was said about the thing that is pointed at now; empty while there is none."""
        thing = self._asked.thing if self._asked is not None else self._latest
        return Prompt() if thing is None else thing.prompt

    @property
    def busy(self) -> bool:
        """True while an answer is on its way."""
        return self._asked is not None

    @property
    def text(self) -> str:
        """What answers the next click, in words."""
        embeddings, table = self._engines.embeddings, self._opened.or_none
        if table is None or not embeddings.is_chosen:
            return "Colours and maps answer"
        if embeddings.of(table.image_id) is not None:
            return "The segmenter answers"
        return "Colours and maps answer until the segmenter has looked at the image"

    @property
    def _latest(self) -> Thing | None:
        return self._answers[-1] if self._answers else None

    # -- what a person does -----------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Look at the shown image and the next ones: somebody is going to point at things."""
        patches, embeddings = self._engines.patches, self._engines.embeddings
        patches.prepare()
        embeddings.want()
        if embeddings.is_chosen and embeddings.decoder is not None:
            warm = partial(self._warm.steps, embeddings.decoder)
            job = Job("read the segmenter", warm, key=WARM, lane=LANE, quiet=True)
            job.failed.connect(lambda message, _: embeddings.refuse(message))
            self._jobs.submit(job)

    def click(self, click: Click, value: int) -> bool:
        """Take a click on a thing of mask value `value`, or on what is none; False, and told why, if it means nothing.

        With the background chosen, a click says of whatever class lies under it that it is not there.
        """
        table = self._usable()
        if table is None:
            return False
        if value == BACKGROUND:
            value, click = int(mask_so_far(table)[click.row, click.column]), replace(click, is_thing=False)
            if value == BACKGROUND:
                self._signals.notice.emit("This is background already.")
                return False
        if table.person_pixels[click.row, click.column]:
            self._signals.notice.emit("You drew this yourself, so a click leaves it as it is; paint or erase it.")
            return False
        self._follow_undo()
        asked = self._asked
        last = asked.thing if asked is not None else self._latest
        if last is None or last.scene.value != value or not last.holds(click):
            last = Thing(self._scene(table, value), embedding=self._embedding(table))
        if not click.is_thing and last.prompt == Prompt() and last.scene.before[click.row, click.column] != value:
            self._signals.notice.emit(f"There is no {table.classes.name_of(value)} to take away here.")
            return False
        self._ask(table, replace(last, prompt=last.prompt.clicked(click)))
        return True

    def box(self, box: PromptBox, value: int) -> bool:
        """Take a box around a thing of mask value `value`; False, and said why, where it means nothing."""
        table = self._usable()
        if table is None:
            return False
        if value == BACKGROUND:
            self._signals.notice.emit("Choose the class that the box is drawn around.")
            return False
        self._follow_undo()
        scene = self._scene(table, value)
        own = (scene.before == value) & box.inside(scene.before.shape)
        thing = Thing(scene, Prompt(box=box), own if own.any() else None, self._embedding(table))
        self._ask(table, thing)
        return True

    def end(self) -> bool:
        """Be done with the thing, so that the next click begins another one; return False when there was none."""
        had = bool(self._answers) or self._asked is not None
        self._answers.clear()
        if had:
            self.changed.emit()
        return had

    # -- asking and taking ------------------------------------------------------------------------------------

    def _usable(self) -> Table | None:
        table = self._opened.or_none
        if table is None or not table.image_id:
            return None
        if table.project.read_only:
            self._signals.notice.emit("The project is open read-only.")
            return None
        table.record_last()
        return table

    def _scene(self, table: Table, value: int) -> Scene:
        return Scene(
            pixels=table.image,
            value=value,
            before=mask_so_far(table),
            person=table.person_pixels,
            maps=table.maps,
            threshold=table.machine.threshold or DEFAULT_THRESHOLD,
        )

    def _embedding(self, table: Table) -> NDArray[np.float16] | None:
        return self._engines.embeddings.of(table.image_id)

    def _ask(self, table: Table, thing: Thing) -> None:
        """Have a thing answered in the background; a question that waits is part of this one."""
        shown = table.mask.copy()
        asked = self._asked = _Asked(thing, shown, not np.array_equal(mask_so_far(table), shown))
        image_id = table.image_id
        job = Job("answer a click", partial(self._answered, image_id, thing), key=JOB, lane=LANE, quiet=True)
        job.succeeded.connect(lambda found: self._arrived(table, image_id, asked, found))
        job.failed.connect(lambda message, _: self._fail(thing, message))
        job.ended.connect(lambda: self._ended(asked))
        self._jobs.submit(job)
        self.changed.emit()
        self.busy_changed.emit(True)

    def _answered(self, image_id: str, thing: Thing) -> Steps[Thing]:
        """Return the thing with its answer (in the background thread)."""
        scene, prompt = thing.scene, thing.prompt
        if thing.region is None and prompt.box is None:
            thing = replace(thing, own=region_meant(scene.before, scene.value, prompt.clicks[0]))
        decoder = self._engines.embeddings.decoder
        if thing.embedding is not None and decoder is not None:
            start = thing.own if prompt.box is None else None  # a box says more than what it corrects
            question = Question(thing.embedding, scene.size, prompt, scene.coarse_share(), start, thing.logits)
            found: Answer = yield from self._apart.steps(decoder, question)
            mask = written(scene, found.region, thing.own)
            return replace(thing, logits=found.logits, region=found.region, mask=mask)
        patches = yield from self._engines.patches.found(image_id, scene.pixels)
        mask = answer_by_colour(scene, prompt, patches)
        return replace(thing, region=pointed_at(mask, scene.value, prompt), mask=mask)

    def _arrived(self, table: Table, image_id: str, asked: _Asked, found: Thing) -> None:
        if asked is not self._asked or not self._opened.holds(table) or image_id != table.image_id:
            return  # a later question holds this one
        assert found.mask is not None
        values = np.where(table.mask != asked.shown, table.mask, found.mask)  # what was painted since then stays
        ground = self._decisions.proposal_as_mask() if asked.on_proposal else None
        self._asked = None
        kept = max(1, min(MOST_STEPS, MOST_PIXELS // values.size))
        self._answers = [*self._answers, replace(found, mask=values)][-kept:]
        table.replace_mask(values, self._source(found), ground=ground)
        self._mark(table, found.prompt.clicks[-1:], found.scene.value)
        self.changed.emit()

    def _fail(self, thing: Thing, message: str) -> None:
        if thing.embedding is not None:
            self._engines.embeddings.refuse(message)
        else:
            self._signals.failed.emit(message)

    def _ended(self, asked: _Asked) -> None:
        if self._asked is asked:
            self._asked = None
        self.busy_changed.emit(self.busy)

    def _source(self, thing: Thing) -> Source:
        return Source("clicked", method="random walk" if thing.embedding is None else "promptable segmenter")

    def _mark(self, table: Table, clicks: tuple[Click, ...], value: int) -> None:
        """Write clicks into the scribbles."""
        for click in clicks:
            said = value if click.is_thing else int(table.mask[click.row, click.column])
            if click.is_thing or said == BACKGROUND:  # of another class only the machine says that it is there
                self._scribbles.mark(click.row, click.column, said)

    def _unmark(self, thing: Thing) -> None:
        for click in thing.prompt.clicks[-1:]:
            self._scribbles.unmark(click.row, click.column, thing.scene.value if click.is_thing else BACKGROUND)

    # -- following ----------------------------------------------------------------------------------------------

    def _follow_undo(self, _image_id: str = "") -> None:
        """Forget clicks that Ctrl+Z took back, and all of them where something else was painted since."""
        table, known = self._opened.or_none, len(self._answers)
        if not known or table is None or self._asked is not None:
            return
        while (last := self._latest) is not None and not last.is_in(table.mask):
            self._unmark(self._answers.pop())
        if len(self._answers) < known:
            self.changed.emit()

    def _forget(self, _image_id: str = "") -> None:
        if self._asked is None and not self._answers:
            return  # most images are passed without a click
        self._jobs.cancel(JOB)
        self._asked = None
        self._answers.clear()
        self.changed.emit()
