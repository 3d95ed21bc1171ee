"""What a person at the window feels while the learner learns and everything is proposed anew.

    .ci/with_display python -m tests.benchmarks.learning --photographs JPEGImages --weights mobilenet_v2.safetensors

A real window on so many photographs (long side 500). Twelve are accepted, the learner learns (`L`), then another one is
accepted and it learns again, several times; meanwhile the window's thread beats every few milliseconds and walks on to
the next image now and then. Said are the CPU seconds of all processes per image proposed anew, how soon after a fit the
shown image has its new proposal, and every pause of the window over 100 ms, with what it was doing. Masks and labels
are made up: they decide no time but the share of the maps, which `--share` gives instead. Wall times say little on a
machine that does something else, so a pause is told with the time this thread was busy for in it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.progress import finish
from napari_wsss.pipeline.applied_model import applied_network
from napari_wsss.pipeline.lineage import Lineage, checkpoint_of
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from napari_wsss.project.states import UNDECIDED
from napari_wsss.session.results.wanted import Wanted, propose_wanted

CLASSES = ClassList(("ant", "bee", "cat"))
LONG_SIDE = 500
GIVEN, LESSONS = 12, 6
LIMIT = 0.1
BEAT = 0.005
PATIENCE = 900.0


def make_project(folder: Path, photographs: Path, weights: Path, count: int) -> Path:
    """Make a project of so many photographs with one or two labels each, and a classifier that was hardly trained."""
    names = sorted(path.name for path in photographs.glob("*.jpg"))[:count]
    (folder / "images").mkdir(parents=True)
    for name in names:
        picture = Image.open(photographs / name)
        factor = LONG_SIDE / max(picture.size)
        size = tuple(round(side * factor) for side in picture.size)
        picture.resize(size, Image.Resampling.BICUBIC).save(folder / "images" / name, quality=92)
    labels = [frozenset(CLASSES.names[at % 3 : at % 3 + 1 + at % 2]) for at in range(len(names))]
    images = [NewImage(name, labels[at], "train") for at, name in enumerate(names)]
    Project.create(folder / "project", folder / "images", CLASSES, images).close()
    train = ("classifier", "--project", str(folder / "project"), "--trunk-weights", str(weights.resolve()))
    command = [sys.executable, "-m", "training.run", *train, "--iterations", "2", "--batch-size", "4", "--apply"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "project"


def mask_of(project: Project, image_id: str) -> np.ndarray:
    """Return a mask (H, W) uint8 of the image's labels: what is brighter than most of it, the rest is background."""
    grey = project.load_image(image_id).pixels.mean(2)
    values = [k + 1 for k in project.classes.indices(project.catalog.get(image_id).labels)]
    share = np.searchsorted(np.quantile(grey, np.linspace(0.5, 1, len(values) + 1)[:-1]), grey)
    return np.asarray([0, *values], np.uint8)[np.minimum(share, len(values))]


@dataclass
class Pause:
    """One time that the window did not answer: seconds, how long its thread was busy in it, and where it was."""

    seconds: float
    busy: float
    where: str


@dataclass
class Heartbeat:
    """Notes how long the window's thread goes without coming back to its events; made in that thread."""

    pauses: list[Pause] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._thread, self._seen = threading.get_ident(), Counter[str]()
        self._last, self._busy = time.perf_counter(), time.thread_time()
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def begin(self) -> None:
        """Count from now on: what came before was not the window's doing."""
        self._seen, self._last, self._busy = Counter(), time.perf_counter(), time.thread_time()

    def beat(self) -> None:
        """Say that the thread answers."""
        now, busy = time.perf_counter(), time.thread_time()
        gap = now - self._last
        if gap > LIMIT:
            most = [f"{times}x {where}" for where, times in self._seen.most_common(2)]
            self.pauses.append(Pause(gap, busy - self._busy, "; ".join(most)))
        self._seen = Counter()
        self._last, self._busy = now, busy

    def stop(self) -> None:
        """Watch no longer."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(LIMIT / 5):
            if time.perf_counter() - self._last > LIMIT / 5:
                self._seen[_where(self._thread)] += 1


def _where(thread: int) -> str:
    """Return which of our functions a thread is in, from the inside out."""
    frame, found = sys._current_frames().get(thread), []
    while frame is not None and len(found) < 4:
        if "napari_wsss" in frame.f_code.co_filename:
            found.append(f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}")
        frame = frame.f_back
    return " < ".join(found) or "napari, Qt"


class Sitting:
    """A window with a project, a person who goes on, and the clocks."""

    def __init__(self, folder: Path, config: Path) -> None:
        import napari

        from napari_wsss.session.session import Session
        from napari_wsss.widgets.dock import WsssDock

        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1500, 950)
        self.session = Session(config_folder=config)
        self.session.signals.failed.connect(lambda text: sys.stdout.write(f"failed: {text}\n"))
        self.dock = WsssDock(self.viewer, self.session)
        self.viewer.window.add_dock_widget(self.dock, area="right")
        self.session.open_project(folder)
        self.heart = Heartbeat()
        self.walked = 0

    def close(self) -> None:
        """Close the window."""
        self.heart.stop()
        self.dock.shut_down()
        self.viewer.close()

    def wait(self, for_: Callable[[], bool], walks: bool = False) -> float:
        """Let the window work until something is so; a walking person goes to the next image every two seconds."""
        from qtpy.QtWidgets import QApplication

        began = step = time.perf_counter()
        self.heart.begin()
        while not for_():
            QApplication.processEvents()
            time.sleep(BEAT)
            self.heart.beat()
            now = time.perf_counter()
            if walks and now - step > 2:
                step = now
                self.walked += 1
                self.session.navigation.next()
            if now - began > PATIENCE:
                raise TimeoutError("it takes too long")
        return time.perf_counter() - began

    def pause(self, seconds: float) -> None:
        """Let the window work for so long."""
        end = time.perf_counter() + seconds
        self.wait(lambda: time.perf_counter() > end)

    def accept(self, image_id: str) -> None:
        """Accept a mask of an image that is not shown."""
        project = self.session.project
        assert project is not None
        project.review.accept(image_id, mask_of(project, image_id))

    def lesson(self) -> tuple[float, float]:
        """Have the learner learn; return the seconds until its state is used, and from its fit to the held proposal."""
        learning = self.session.learning
        before = learning.state
        assert learning.learn()
        took = self.wait(lambda: learning.state is not before)
        assert learning.state is not None
        fitted = learning.state.checkpoint.stat().st_mtime
        self.wait(self._has_new_proposal)
        return took, time.time() - fitted

    def _has_new_proposal(self) -> bool:
        from napari_wsss.pipeline.run import proposal

        assert self.session.project is not None
        return proposal(self.session.project, self.session.table.image_id) is not None

    def is_idle(self) -> bool:
        """Return True when nobody learns and nothing is computed."""
        return not self.session.jobs.all and not self.session.learning.running


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of all that it started and that still run."""
    whole = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in (whole, *whole.children(recursive=True)))


def pool(project: Project, share: float) -> None:
    """Have the applied classifier pool its answers with maps by another share: all it answered is to be made anew."""
    network, classes = applied_network(project, project.plan, "segment", "cpu", False)
    network.map_share.fill_(share)
    network.save(checkpoint_of(project, project.plan, "segment"), classes, {})


def forget_answers(project: Project) -> None:
    """Delete what a lesson has made anew: the classifier's answers, and what comes of them; not what maps propose."""
    item = Lineage.of(project, next(iter(project.catalog.ids())))
    for made in (item.base, *(link.provenance for link in item.links)):
        shutil.rmtree(project.store.folder / f"{made.step}-{made.key}", ignore_errors=True)


def measure(sitting: Sitting, share: float, say: Callable[[str], Any]) -> None:
    """Say all figures (see the module)."""
    ids = list(sitting.session.navigation.queue.ids())
    for image_id in ids[-GIVEN:]:
        sitting.accept(image_id)
    took, _ = sitting.lesson()
    say(f"first lesson, with the start of its process: {took:.1f} s")
    sitting.wait(sitting.is_idle, walks=True)
    sitting.heart.pauses.clear()
    sitting.walked = 0
    lessons = []
    for image_id in ids[-GIVEN - LESSONS : -GIVEN]:
        sitting.accept(image_id)
        lessons.append(sitting.lesson())
        sitting.wait(sitting.is_idle, walks=True)
    say(f"{LESSONS} next lessons: in use after {', '.join(f'{took:.2f}' for took, _ in lessons)} s")
    say(f"shown image's new proposal after the fit: {', '.join(f'{1000 * shown:.0f}' for _, shown in lessons)} ms")
    project = sitting.session.project
    assert project is not None
    undecided = sitting.session.inference.undecided()
    pool(project, share)
    sitting.session.inference.start(undecided, quiet=True)  # what maps propose is there after this
    sitting.wait(sitting.is_idle, walks=True)
    forget_answers(project)
    busy, began = time.thread_time(), cpu_seconds()
    sitting.session.inference.start(undecided, quiet=True)  # as after a lesson
    wall = sitting.wait(sitting.is_idle)
    spent, own = cpu_seconds() - began, time.thread_time() - busy
    each = (spent - own) / len(undecided)
    say(f"{len(undecided)} images proposed anew: {1000 * each:.0f} ms of CPU an image ({wall:.1f} s by the clock)")
    say(f"the window's thread meanwhile: {1000 * own / len(undecided):.0f} ms an image")
    sitting.pause(8)
    pauses = sorted(sitting.heart.pauses, key=lambda pause: -pause.seconds)
    say(f"pauses over {1000 * LIMIT:.0f} ms since the first lesson, in {sitting.walked} steps: {len(pauses)}")
    for pause in pauses[:12]:
        say(f"  {1000 * pause.seconds:.0f} ms, busy for {1000 * pause.busy:.0f}: {pause.where}")


def measure_alone(folder: Path) -> float:
    """Return the CPU seconds per image of proposing all undecided ones anew, in this process and without a window."""
    import torch

    torch.set_num_threads(1)
    with Project.open(folder) as project:
        forget_answers(project)
        ids, wanted = list(project.catalog.ids(states=UNDECIDED)), Wanted()
        for some in (ids[:1], ids[1:]):  # the first one loads the model
            wanted.add(some)
            began = time.process_time()
            finish(propose_wanted(project, wanted, "cpu", lambda *_: None))
        return (time.process_time() - began) / (len(ids) - 1)


def main(arguments: list[str] | None = None) -> None:
    """Measure (see the module)."""
    parser = argparse.ArgumentParser(description="Measure the window while a learner learns beside it.")
    parser.add_argument("--photographs", type=Path, required=True, help="folder of JPEG files")
    parser.add_argument("--weights", type=Path, required=True, help="trunk weights")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--share", type=float, default=0.2, help="of what maps propose in the learner's answer")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder), chosen.photographs, chosen.weights, chosen.images)
        sitting = Sitting(project, Path(folder) / "config")
        try:
            measure(sitting, chosen.share, lambda text: sys.stdout.write(f"{text}\n"))
        finally:
            sitting.close()
        sys.stdout.write(
            f"the same without a window, in one process: {1000 * measure_alone(project):.0f} ms an image\n"
        )


if __name__ == "__main__":
    main()
