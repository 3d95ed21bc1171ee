"""What a labeler does, one gesture at a time, and how many database queries and calls of our functions each makes.

    python -m tests.benchmarks.gestures                                # a session by itself
    .ci/with_display python -m tests.benchmarks.gestures --window      # the dock with all its pages in a viewer
    python -m tests.benchmarks.gestures --only "next image"            # its statements and functions, one by one

The project is small, with the maps of two models stored, so no model runs. Counted are the statements and calls of the
verb itself, then what arrives in the same thread until nothing runs any more (`later`), and the statements of the other
threads (reading ahead, proposals). Every gesture is made on a fresh copy of the project, when all is quiet.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline.lineage import base_provenance
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from napari_wsss.session.review.mismatch import Mismatch
from napari_wsss.session.runs.folders import RunInfo
from napari_wsss.session.session import Session
from tests.benchmarks.conftest import CLASSES, LABELS, Context, Window, blobs, photograph
from tests.benchmarks.counting import Counting

IMAGES = 12
HEIGHT, WIDTH = 96, 128
MODELS = ("training/classifier-one/best.safetensors", "training/classifier-two/best.safetensors")
PATIENCE = 60.0


def make_projects(folder: Path) -> None:
    """Make the closed projects `maps` (two models' maps stored, the first applied) and `bare` (no model)."""
    names = [f"photo_{index:03d}.png" for index in range(IMAGES)]
    (folder / "images").mkdir(parents=True)
    for seed, name in enumerate(names):
        photograph(HEIGHT, WIDTH, seed).save(folder / "images" / name)
    images = [NewImage(name, LABELS, "train") for name in names]
    Project.create(folder / "bare", folder / "images", CLASSES, images).close()
    with Project.create(folder / "maps", folder / "images", CLASSES, images) as project:
        for number, model in reversed(list(enumerate(MODELS))):
            path = project.folder / model
            path.parent.mkdir(parents=True)
            path.write_bytes(b"its content only decides the key of the stored maps: %d" % number)
            step = Step("power_background", {"background_power": 4.0})
            project.set_plan(Plan(localizer=Step("cam"), refiners=(step,), localizer_checkpoint=model))
            key = base_provenance(project, project.plan, "localize")
            for seed, name in enumerate(names):
                maps = blobs(HEIGHT, WIDTH, seed + 100 * number)
                project.store.write_maps(key, name, project.image_hash(name), maps)


class Desk:
    """A session by itself and the verbs of a person; where the session's parts have other names, only this changes."""

    def __init__(self, config: Path) -> None:
        self._posted: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.session = Session(self._posted.put, config)
        self.failures: list[str] = []
        self.session.signals.failed.connect(self.failures.append)

    def open(self, folder: Path) -> None:
        """Open a project in place of the one before; its first image is shown, and masks may differ from labels."""
        self.session.open_project(folder)
        self.agree()

    def agree(self) -> None:
        names = self.session.classes.names
        self.session.mismatch.check.agree(Mismatch("", names, names))

    def close(self) -> None:
        """Close the project."""
        self.session.close_project(discard_unsaved=True)

    # -- what is seen -------------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """The open project."""
        assert self.session.project is not None
        return self.session.project

    @property
    def shown(self) -> str:
        """Id of the image on the table."""
        return str(self.session.table.image_id)

    @property
    def proposal(self) -> np.ndarray:
        """(H, W) uint8 of the image on the table."""
        assert self.session.table.proposal is not None
        return self.session.table.proposal.copy()

    def state(self, image_id: str) -> str:
        """Return ``todo``, ``draft`` ..."""
        return str(self.project.catalog.state(image_id))

    def labels(self) -> frozenset[str]:
        """Return the labels of the image on the table."""
        return self.project.catalog.get(self.shown).labels

    # -- verbs --------------------------------------------------------------------------------------------

    def look_at(self, page: str) -> None:
        """Bring a page of the dock to the front."""

    def take_brush(self) -> None:
        """Be ready to paint class 1."""

    def next(self) -> None:
        self.session.navigation.next()

    def accept(self) -> None:
        self.session.decisions.accept()

    def flag(self) -> None:
        self.session.decisions.toggle_flag()

    def undo_decision(self) -> None:
        self.session.decisions.undo()

    def move_threshold(self, value: float) -> None:
        self.session.sliders.set_threshold(value)

    def remove_label(self, name: str) -> None:
        self.session.labels.remove(name)

    def stroke(self, row: int) -> None:
        """Paint class 1 a few pixels broad, as napari does: in place, then the recorded change."""
        mask = self.session.table.mask
        assert mask is not None
        mask[row : row + 4, 8:40] = 1
        self.session.table.touch()
        self.session.table.record_change(mask)

    def fill(self) -> None:
        """Make the whole mask class 1."""
        mask = self.session.table.mask
        assert mask is not None
        self.session.table.replace_mask(np.ones_like(mask))

    def apply(self, checkpoint: str) -> None:
        folder = (self.project.folder / checkpoint).parent
        self.session.models.apply(RunInfo(folder, "classifier", "done", config={"method": "cam"}))

    def jump_without_reading_ahead(self, image_id: str) -> None:
        """Show an image far away, none of those after it read; from then on they are read again."""
        ahead, self.session.settings.ahead = self.session.settings.ahead, 0
        self.session.navigation.go_to(image_id)
        self.settle()
        self.session.settings.ahead = ahead

    # -- waiting ------------------------------------------------------------------------------------------

    def settle(self, during: Context = nullcontext) -> None:
        """Let everything arrive that was begun, each arrival within a context of `during`; waiting is outside it."""
        deadline = time.monotonic() + PATIENCE
        while self.session.jobs.all or not self._posted.empty():
            assert time.monotonic() < deadline, f"still busy: {self.session.jobs.all}"
            try:
                call = self._posted.get(timeout=0.05)
            except Empty:
                continue
            with during():
                call()
        assert self.failures == []


SAVE_LATER_MS = 60_000
"""How long drafts and thresholds wait to be saved, so that a slow machine does not count that as part of a gesture."""


class WindowDesk(Desk):
    """The same verbs by the dock's own actions and widgets, and by the mouse on the canvas of a shown viewer."""

    QUIET = 0.4
    """Seconds without a paint or a job after which all is quiet; only drafts are saved later than that."""

    def __init__(self, config: Path, viewer: Any) -> None:
        from napari_wsss.widgets import dock
        from napari_wsss.widgets.dock import WsssDock
        from tests.widgets.person import Person

        viewer.window.resize(1400, 900)
        self._module, self._folds_left = dock, dock.folds_left
        dock.folds_left = lambda: False  # the layers' own docks stay, as where the window is wide
        self.dock = WsssDock(viewer, Session(config_folder=config))
        viewer.window.add_dock_widget(self.dock, name="WSSS", area="right")
        self.dock.sync._save.setInterval(SAVE_LATER_MS)
        self.window = Window(viewer, self.dock)
        self.session = self.dock.session
        self._hand = Person(viewer)
        self.failures = []
        self.session.signals.failed.connect(self.failures.append)

    def open(self, folder: Path) -> None:
        self.dock.open_project(folder)
        self.agree()

    def close(self) -> None:
        self._module.folds_left = self._folds_left
        self.dock.shut_down()

    def look_at(self, page: str) -> None:
        tabs = self.dock.tabs
        tabs.setCurrentIndex([tabs.tabText(number) for number in range(tabs.count())].index(page))

    def take_brush(self) -> None:
        self._hand.press("1", "P")

    def next(self) -> None:
        self.dock.actions_.run("next")

    def accept(self) -> None:
        self.dock.actions_.run("accept")

    def flag(self) -> None:
        self.dock.actions_.run("flag")

    def undo_decision(self) -> None:
        self.dock.actions_.run("undo_decision")

    def move_threshold(self, value: float) -> None:
        page = self.dock.tabs.refine
        page._later.setInterval(SAVE_LATER_MS)
        slider = page.threshold.slider.slider
        slider.setValue(round(slider.minimum() + value * (slider.maximum() - slider.minimum())))

    def remove_label(self, name: str) -> None:
        from qtpy.QtWidgets import QPushButton

        chips = self.dock.tabs.review.classes.chips.findChildren(QPushButton)
        next(chip for chip in chips if chip.isVisible() and chip.text().startswith(f"{name} ")).click()

    def stroke(self, row: int) -> None:
        self._hand.stroke((row, 8), (row, 40))

    def settle(self, during: Context = nullcontext) -> None:
        self.window.settle(self.QUIET, during)
        assert self.failures == []


# -- gestures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gesture:
    """One thing a person does.

    Parameters
    ----------
    act : callable
        Does it.
    has_happened : callable
        True on the desk when it did what it should.
    before : callable
        What must have been done for it; not counted.
    project : str
        ``maps`` or ``bare`` (see `make_projects`).
    page : str
        The page of the dock that is in front.
    """

    act: Callable[[Desk], object]
    has_happened: Callable[[Desk], bool]
    before: Callable[[Desk], object] = lambda desk: None
    project: str = "maps"
    page: str = "Review"


def _photo(number: int) -> str:
    return f"photo_{number:03d}.png"


def _second_is_shown(desk: Desk) -> bool:
    return desk.shown == _photo(1)


def _first_is_accepted(desk: Desk) -> bool:
    return desk.state(_photo(0)) == "accepted" and desk.shown == _photo(1)


def _move(value: float) -> Callable[[Desk], None]:
    return lambda desk: desk.move_threshold(value)


def _proposal_has(few: bool) -> Callable[[Desk], bool]:
    return lambda desk: (np.count_nonzero(desk.proposal) < HEIGHT * WIDTH / 4) == few


GESTURES: dict[str, Gesture] = {
    "next image": Gesture(Desk.next, _second_is_shown),
    "next image, not read ahead": Gesture(
        Desk.next, lambda desk: desk.shown == _photo(7), lambda desk: desk.jump_without_reading_ahead(_photo(6))
    ),
    "next image after a slider move": Gesture(Desk.next, _second_is_shown, _move(0.9), page="Refine"),
    "next image after a stroke": Gesture(Desk.next, _second_is_shown, lambda desk: desk.stroke(20)),
    "first slider move": Gesture(_move(0.9), _proposal_has(few=True), page="Refine"),
    "slider move": Gesture(_move(0.1), _proposal_has(few=False), _move(0.9), page="Refine"),
    "first stroke": Gesture(lambda desk: desk.stroke(20), lambda desk: desk.state(_photo(0)) == "draft"),
    "stroke": Gesture(
        lambda desk: desk.stroke(60), lambda desk: desk.state(_photo(0)) == "draft", lambda desk: desk.stroke(20)
    ),
    "label removed": Gesture(lambda desk: desk.remove_label("cat"), lambda desk: desk.labels() == LABELS - {"cat"}),
    "accept a proposal": Gesture(Desk.accept, _first_is_accepted),
    "accept a painted mask": Gesture(Desk.accept, _first_is_accepted, Desk.fill),
    "accept without a model": Gesture(Desk.accept, _first_is_accepted, Desk.fill, project="bare"),
    "flag": Gesture(Desk.flag, lambda desk: desk.state(_photo(0)) == "flagged"),
    "undo a decision": Gesture(
        Desk.undo_decision, lambda desk: (desk.shown, desk.state(desk.shown)) == (_photo(0), "todo"), Desk.accept
    ),
    "apply a model": Gesture(
        lambda desk: desk.apply(MODELS[1]), lambda desk: desk.project.plan.localizer_checkpoint == MODELS[1]
    ),
}


# -- counting ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counts:
    """What a gesture made.

    Parameters
    ----------
    queries, later : int
        Statements of the thread that owns the session: of the verb itself, and until all is quiet.
    background : int
        Statements of the other threads.
    calls, files : int
        Calls of our functions by the verb itself, and in how many of our files.
    later_calls : int
        Calls of our functions in this thread from then on until all is quiet. With a window they hang on time.
    """

    queries: int
    later: int
    background: int
    calls: int
    files: int
    later_calls: int

    @property
    def own(self) -> int:
        """All statements of the thread that owns the session."""
        return self.queries + self.later


def count(desk: Desk, counting: Counting, gesture: Gesture, projects: Path) -> Counts:
    """Make a gesture on a fresh copy of its project below `projects` and return what it made.

    Parameters
    ----------
    counting : Counting
        Its `connections` are open; afterwards it holds what was counted, one by one.
    """
    with tempfile.TemporaryDirectory(dir=projects) as folder:
        copy = Path(folder) / gesture.project
        shutil.copytree(projects / gesture.project, copy)
        desk.open(copy)
        desk.settle()
        desk.look_at(gesture.page)
        desk.take_brush()
        desk.settle()
        gesture.before(desk)
        desk.settle()
        counting.start()
        with counting.calling():
            gesture.act(desk)
        verb = Counts(counting.own, 0, 0, counting.calls.total(), counting.files, 0)
        desk.settle(counting.calling)
        counting.stop()
        assert gesture.has_happened(desk), f"not what it should do: {desk.shown} is {desk.state(desk.shown)}"
        desk.session.close_project(discard_unsaved=True)
    return replace(
        verb,
        later=counting.own - verb.queries,
        background=len(counting.statements) - counting.own,
        later_calls=counting.calls.total() - verb.calls,
    )


def count_all(desk: Desk, counting: Counting, projects: Path, names: Iterable[str]) -> dict[str, Counts]:
    """Make gestures one after the other; return what each made."""
    return {name: count(desk, counting, GESTURES[name], projects) for name in names}


# -- printing ---------------------------------------------------------------------------------------------------------


def table(found: dict[str, Counts]) -> str:
    """Return the counts as a table of Markdown."""
    lines = [
        "| gesture | queries | later | background | calls | in files | later calls |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, made in found.items():
        numbers = (made.queries, made.later, made.background, made.calls, made.files, made.later_calls)
        lines.append(f"| {name} | " + " | ".join(map(str, numbers)) + " |")
    return "\n".join(lines)


def details(counting: Counting) -> str:
    """Return the statements and functions of the gesture counted last, the most frequent first."""
    own = threading.get_ident()
    statements = Counter(
        f"{'' if one.thread == own else 'background: '}{one.text[:100]}" for one in counting.statements
    )
    functions = Counter({f"{file} {name}": times for (file, name), times in counting.calls.items()})
    parts = [("statements", statements), ("calls", functions)]
    return "\n".join(
        line
        for title, counts in parts
        for line in ("", f"{title}:", *(f"{times:5} {text}" for text, times in counts.most_common()))
    )


def main(arguments: list[str] | None = None) -> None:
    """Print the table (see the module)."""
    parser = argparse.ArgumentParser(description="Count database queries and calls of our functions per gesture.")
    parser.add_argument("--window", action="store_true", help="with the dock in a shown viewer; needs a display")
    parser.add_argument("--only", choices=GESTURES, help="one gesture, with its statements and functions")
    chosen = parser.parse_args(arguments)
    names = [chosen.only] if chosen.only else list(GESTURES)
    counting = Counting()
    with tempfile.TemporaryDirectory() as folder, counting.connections():
        make_projects(Path(folder))
        desk = _window_desk(Path(folder) / "config") if chosen.window else Desk(Path(folder) / "config")
        try:
            found = count_all(desk, counting, Path(folder), names)
        finally:
            desk.close()
    sys.stdout.write(table(found) + "\n" + (details(counting) + "\n" if chosen.only else ""))


def _window_desk(config: Path) -> Desk:
    import napari

    return WindowDesk(config, napari.Viewer(show=True))


if __name__ == "__main__":
    main()
