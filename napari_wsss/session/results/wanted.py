"""Computing maps and proposals for many images in the background, the one a person looks at first.

`Wanted` is shared by the window's thread (which adds images and moves the shown one to the front) and the job (which
takes a few at a time), so walking through the queue re-orders running work without restarting it.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.pipeline.over_images import StageReport
from napari_wsss.pixels.surest_regions import Guarded
from napari_wsss.pixels.uncertainty import share_unsure
from napari_wsss.project.project import Project
from napari_wsss.session.results.shown import resolve

CHUNK = 4


class Wanted:
    """Images waiting for their maps: an ordered set that several threads may change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: dict[str, None] = {}
        self._urgent: dict[str, None] = {}

    def __len__(self) -> int:
        with self._lock:
            return len(self._ids) + len(self._urgent)

    def add(self, ids: Iterable[str]) -> None:
        """Append images that are not waiting yet."""
        with self._lock:
            self._ids.update((image_id, None) for image_id in ids if image_id not in self._urgent)

    def first(self, image_id: str) -> None:
        """Put one image before all others."""
        with self._lock:
            self._ids.pop(image_id, None)
            self._urgent.pop(image_id, None)
            self._urgent = {image_id: None, **self._urgent}

    def hurry(self, image_id: str) -> None:
        """Put an image first if it is waiting at all."""
        with self._lock:
            waiting = image_id in self._ids or image_id in self._urgent
        if waiting:
            self.first(image_id)

    def take(self, count: int = CHUNK) -> tuple[str, ...]:
        """Remove and return the next images: one urgent one alone, else up to `count`."""
        with self._lock:
            source = self._urgent or self._ids
            taken = tuple(list(source)[:1] if source is self._urgent else _first_keys(source, count))
            for image_id in taken:
                del source[image_id]
            return taken

    def clear(self) -> None:
        """Forget every waiting image."""
        with self._lock:
            self._ids.clear()
            self._urgent.clear()


def _first_keys(source: dict[str, None], count: int) -> Iterator[str]:
    return (image_id for image_id, _ in zip(tuple(source), range(count), strict=False))


class LeftOut(NamedTuple):
    """The images of a job that failed, with their reasons, and a sentence about those that are not labelled yet."""

    failed: dict[str, str]
    without_labels: str


def propose_wanted(
    project: Project, wanted: Wanted, device: str, tell: Callable[[tuple[str, ...], dict[str, str]], None]
) -> Steps[LeftOut]:
    """Compute what is missing for the wanted images until none is left; return those that were left out.

    Parameters
    ----------
    tell : callable
        Called in the background thread after each chunk with the finished ids and the failed ones.
    """
    done, whole = 0, StageReport()
    while ids := wanted.take():
        total = done + len(ids) + len(wanted)
        report = yield from _within(pipeline.propose(project, ids, device, tell=note_result), done, total)
        finished = (*report.done, *report.reused)
        whole = whole.with_more(report)
        done += len(ids)
        tell(finished, dict(report.failed))
        yield Progress("propose", done, done + len(wanted), ids[-1])
    # One image alone says it beside its labels.
    return LeftOut(whole.failed, whole.without_labels if done > 1 else "")


def _within(steps: Steps[Any], done: int, total: int) -> Steps[Any]:
    """Run a chunk, its progress counted from `done` within `total`."""
    try:
        while True:
            try:
                inner = next(steps)
            except StopIteration as stop:
                return stop.value
            yield replace(inner, done=done + min(inner.done, max(0, total - done)), total=total)
    finally:
        steps.close()


def note_result(item: Lineage, base: ActivationMaps, proposal: Guarded) -> None:
    """Write down that an image's proposal is as new as the model, and how uncertain it is."""
    project = item.project
    shown = resolve(project, item.plan, item.image_id)
    doubtful = project.classes.names_of(proposal.doubtful)
    project.catalog.set_proposed(item.image_id, share_unsure(base, shown.threshold), doubtful)
