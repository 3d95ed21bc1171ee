"""The loop over images of every stage: pictures are read ahead and results written behind, in threads of their own.

What is computed is computed here, image by image, in one thread and in the given order, so that the results do not
depend on how many threads or processes there are.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from napari_wsss.core.errors import WsssError
from napari_wsss.core.progress import Progress, Steps, retold
from napari_wsss.pipeline.applied_model import RunError
from napari_wsss.project.sharing.share import Alone, Share

AHEAD = 7
"""Images that are read before their turn, with the one whose turn it is as many as go through a network together."""
MOST_PIXELS = 64_000_000
"""Of decoded pictures that wait for their turn."""
_BEHIND = 1
"""Images whose results may still be being written while the next one is computed: a killed process loses those."""
_READERS = 2
# What can go wrong with one image without saying anything about the next one.
_IMAGE_ERRORS = (WsssError, OSError)
Prepared = TypeVar("Prepared")
Write = Callable[..., None]
"""Called with a function and its arguments: it is carried out soon, before the image counts as done."""


@dataclass(frozen=True)
class StageReport:
    """What became of the images of one run, by image id.

    Parameters
    ----------
    done : tuple of str
        Computed now. Of a `Share` nobody keeps the names, only how many: there may be a million.
    reused : tuple of str
        Found stored; likewise.
    failed : dict of str to str
        Left out, with the reason.
    unlabelled : tuple of str
        Those that nobody labelled yet: a segmenter may have found any class in them; a localizer cannot know which
        classes to look for, so that they are neither done nor failed. Likewise.
    done_count, reused_count : int
        How many were computed now, and found stored.
    unlabelled_made, unlabelled_waiting : int
        How many of the unlabelled ones have results, and how many wait for labels.
    large_count : int
        How many are larger than the memory and were looked at by the window.
    """

    done: tuple[str, ...] = ()
    reused: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    unlabelled: tuple[str, ...] = ()
    done_count: int = field(default=0, compare=False)
    reused_count: int = field(default=0, compare=False)
    unlabelled_made: int = field(default=0, compare=False)
    unlabelled_waiting: int = field(default=0, compare=False)
    large_count: int = field(default=0, compare=False)

    def with_more(self, other: StageReport) -> StageReport:
        """Return both reports as one."""
        return StageReport(
            self.done + other.done,
            self.reused + other.reused,
            {**self.failed, **other.failed},
            self.unlabelled + other.unlabelled,
            *(getattr(self, name) + getattr(other, name) for name in _COUNTS),
        )

    @property
    def without_labels(self) -> str:
        """What became of images that are not labelled yet, in a sentence; "" when there were none."""
        made, waiting = self.unlabelled_made, self.unlabelled_waiting
        told = [f"in {made} any class may be found"] if made else []
        told += [f"{waiting} are left out, as a classifier looks for labelled classes only"] if waiting else []
        return f"Not labelled yet: {'; '.join(told)}." if told else ""


def large_words(count: int) -> str:
    """Return what became of images that are larger than the memory, in a sentence."""
    return (
        f"{count} larger than the memory: looked at by the window, their maps kept as means of squares of pixels, "
        "their masks as tiled TIFFs below results/."
    )


_COUNTS = ("done_count", "reused_count", "unlabelled_made", "unlabelled_waiting", "large_count")


@dataclass(frozen=True)
class Outcome:
    """What became of one image.

    Parameters
    ----------
    is_reused : bool or None
        Whether its results were stored before; None where it waits for labels.
    is_labelled : bool
    is_large : bool
        Whether it is larger than the memory.
    """

    is_reused: bool | None
    is_labelled: bool = True
    is_large: bool = False


def over_images(
    stage: str,
    ids: Iterable[str] | Share,
    prepare: Callable[[str], Prepared],
    compute: Callable[[Prepared, Write], Steps[Outcome]],
    *,
    gather: Callable[[Sequence[Prepared]], None] = lambda _: None,
    weigh: Callable[[Prepared], int] = lambda _: 0,
    forget: Callable[[str], None] = lambda _: None,
    ahead: int = AHEAD,
) -> Steps[StageReport]:
    """Carry out a stage over images; a failing one is reported, a run's own error (`RunError`) ends it.

    Parameters
    ----------
    stage : str
        What it is called in reports.
    ids : iterable of str, or Share
        The images in their order, or what this worker is to do of them.
    prepare : callable
        Reads what an image needs; runs ahead in other threads.
    compute : callable
        Makes an image's results of that, and has them written.
    gather : callable
        Is shown the image whose turn it is and those that are ready after it, for what is done of several at once.
    weigh : callable
        Says how many pixels are kept of what is prepared: not many more than `MOST_PIXELS` wait.
    forget : callable
        Hears of each image that it is dealt with.
    ahead : int
        How many images are prepared before their turn; 0 does everything here, one after the other.

    Returns
    -------
    generator of Progress
        Wherever a step can be cancelled, counted in images; the message of an image's last one is its id.
    """
    work = ids if isinstance(ids, Share) else Alone(ids)
    tally = _Tally(stage, work, keeps_names=not isinstance(work, Share))
    room = _Room(weigh)
    coming: deque[tuple[str, Future[Prepared]]] = deque()
    going: deque[_Going] = deque()
    with _pools(ahead) as (readers, writer):
        while True:
            while len(coming) <= ahead and room.is_left(coming) and (next_id := work.next()) is not None:
                coming.append((next_id, readers.submit(prepare, next_id)))
            if coming:
                _show(gather, [ready for _, ready in coming])
                image_id, ready = coming.popleft()
                writes: list[Future[None]] = []
                write = partial(_put_off, writer, writes)
                outcome = yield from _one(ready, write, compute, tally)
                going.append(_Going(image_id, outcome, writes))
            if going and (len(going) > min(ahead, _BEHIND) or not coming):
                one = going.popleft()
                tally.note(one.image_id, one.settled())
                forget(one.image_id)
                work.finished(one.image_id)
                yield tally.progress(one.image_id)
            elif coming:  # a moment to be cancelled in
                yield tally.progress()
            elif work.is_done:
                return tally.report()
            else:
                work.wait()
                yield tally.progress()


class _Room:
    """How many pictures may wait: what is being read is taken to be as large as the largest that was."""

    def __init__(self, weigh: Callable[[Any], int]) -> None:
        self._weigh = weigh
        self._largest: int | None = None

    def is_left(self, coming: Iterable[tuple[str, Future[Any]]]) -> bool:
        """Tell whether one more may be read."""
        futures = [one for _, one in coming]
        ready = [self._weigh(one.result()) for one in futures if one.done() and one.exception() is None]
        unread = sum(not one.done() for one in futures)
        if ready:
            self._largest = max(self._largest or 0, *ready)
        each = MOST_PIXELS // _READERS if self._largest is None else self._largest
        return sum(ready) + unread * each < MOST_PIXELS


def _show(gather: Callable[[Sequence[Prepared]], None], coming: Sequence[Future[Prepared]]) -> None:
    """Show what is ready, where the first is; what goes wrong with several is found out of each by itself."""
    if coming[0].exception() is not None:
        return
    ready = [one.result() for one in coming if one.done() and one.exception() is None]
    try:
        gather(ready)
    except RunError as wrapped:
        raise wrapped.reason from wrapped
    except _IMAGE_ERRORS:
        return


def _one(
    ready: Future[Prepared], write: Write, compute: Callable[[Prepared, Write], Steps[Outcome]], tally: _Tally
) -> Steps[Outcome | str]:
    """Return what became of an image, or why nothing did."""
    try:
        return (yield from retold(compute(ready.result(), write), lambda _: tally.progress()))
    except RunError as wrapped:
        raise wrapped.reason from wrapped
    except _IMAGE_ERRORS as reason:
        return str(reason)


@dataclass(frozen=True)
class _Going:
    """An image that is computed, while its results are being written."""

    image_id: str
    outcome: Outcome | str
    writes: list[Future[None]]

    def settled(self) -> Outcome | str:
        """Wait until all is written, and return what became of it."""
        try:
            for one in self.writes:
                one.result()
        except RunError as wrapped:
            raise wrapped.reason from wrapped
        except _IMAGE_ERRORS as reason:
            return str(reason)
        return self.outcome


class _Tally:
    """Counts what became of images."""

    def __init__(self, stage: str, work: Share | Alone, keeps_names: bool) -> None:
        self._stage, self._work, self._keeps_names = stage, work, keeps_names
        self._names: dict[str, list[str]] = {"done": [], "reused": [], "unlabelled": []}
        self._counts: Counter[str] = Counter()
        self._failed: dict[str, str] = {}

    def note(self, image_id: str, outcome: Outcome | str) -> None:
        """Note what became of an image."""
        self._counts["all"] += 1
        if isinstance(outcome, str):
            self._failed[image_id] = outcome
            return
        self._counts["large_count"] += outcome.is_large
        if not outcome.is_labelled:
            self._note("unlabelled", image_id)
            self._counts["unlabelled_waiting" if outcome.is_reused is None else "unlabelled_made"] += 1
        if outcome.is_reused is not None:
            self._note("reused" if outcome.is_reused else "done", image_id)

    def _note(self, kind: str, image_id: str) -> None:
        self._counts[f"{kind}_count"] += 1
        if self._keeps_names:
            self._names[kind].append(image_id)

    def progress(self, message: str = "") -> Progress:
        """Return how far the stage is."""
        return Progress(self._stage, self._counts["all"], max(self._counts["all"], self._work.expected), message)

    def report(self) -> StageReport:
        """Return what became of all of them."""
        done, reused, unlabelled = (tuple(self._names[kind]) for kind in ("done", "reused", "unlabelled"))
        return StageReport(done, reused, self._failed, unlabelled, *(self._counts[name] for name in _COUNTS))


class _Here(Executor):
    """Does at once, in this thread, what it is given."""

    def submit(self, function: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        """Return what is done already."""
        done: Future[Any] = Future()
        try:
            done.set_result(function(*given, **named))
        except Exception as reason:  # noqa: BLE001 - whoever asks for the result gets it
            done.set_exception(reason)
        return done


@contextmanager
def _pools(ahead: int) -> Iterator[tuple[Executor, Executor]]:
    """Yield what reads and what writes; at the end reading that has not begun is left, and what is written is whole."""
    if not ahead:
        yield _Here(), _Here()
        return
    readers = ThreadPoolExecutor(_READERS, thread_name_prefix="wsss-read")
    writer = ThreadPoolExecutor(1, thread_name_prefix="wsss-write")
    try:
        yield readers, writer
    finally:
        readers.shutdown(cancel_futures=True)
        writer.shutdown()


def _put_off(writer: Executor, writes: list[Future[None]], function: Callable[..., None], *given: Any) -> None:
    writes.append(writer.submit(function, *given))
