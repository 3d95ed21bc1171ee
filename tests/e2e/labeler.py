"""A person working with the dock: opens, trains, applies, each step by what a person could click or press."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtWidgets import QApplication, QWidget

from napari_wsss.session.review.mismatch import Mismatch
from napari_wsss.session.session import Session
from napari_wsss.widgets.dock import DOCK_NAME, WsssDock
from tests.e2e import mouse
from tests.widgets.person import Person

PATIENCE_MS = 120_000  # a child process loads torch, on a machine that may be busy
SHOTS = "WSSS_SHOTS"
"""Environment variable naming a folder for pictures of the main moments."""


def dock_in(viewer: napari.Viewer, config: Path, size: tuple[int, int] = (900, 700)) -> WsssDock:
    """Put the dock into a shown viewer, as napari's menu would, with a configuration folder of its own."""
    dock = WsssDock(viewer, Session(config_folder=config))
    viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    viewer.window.resize(*size)
    return dock


class Labeler:
    """A person working with the dock; what the program complains about fails the test."""

    def __init__(self, viewer: napari.Viewer, dock: WsssDock, qtbot: Any) -> None:
        self.viewer, self.dock, self.session, self.qtbot = viewer, dock, dock.session, qtbot
        self.hands = Person(viewer)
        self.failures: list[str] = []
        self.notices: list[str] = []
        self.session.signals.failed.connect(self.failures.append)
        self.session.signals.notice.connect(self.notices.append)

    def until(self, condition: Callable[[], object], patience: int = PATIENCE_MS) -> None:
        """Wait until something is seen (at most `patience` ms), or the program complains."""
        self.qtbot.waitUntil(lambda: bool(self.failures) or bool(condition()), timeout=patience)
        assert self.failures == []

    def settle(self) -> None:
        """Wait until no job is left."""
        self.until(lambda: not self.session.jobs.all)
        QApplication.processEvents()

    def look_at(self, page: str) -> None:
        """Bring a page to the front."""
        mouse.click_tab(self.dock.tabs, page)

    def key_of(self, value: int) -> str:
        """Return the key that the legend shows beside a mask value."""
        rows = self.dock.tabs.review.classes.legend.entries
        return str(rows.entry(rows.row_of(value)).key)

    def shot(self, name: str) -> None:
        """Take a picture of the window where somebody wants to look at it."""
        folder = os.environ.get(SHOTS)
        if not folder:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        for widget in QApplication.topLevelWidgets() + self.dock.window().findChildren(QWidget):
            if type(widget).__name__ == "NapariQtNotification":  # napari's word about Qt 5 covers the picture
                widget.close()
        self.qtbot.wait(150)
        number = len(list(Path(folder).glob("*.png"))) + 1
        self.viewer.window.screenshot(str(Path(folder) / f"{number:02d}_{name}.png"), canvas_only=False, flash=False)

    def open_folder(self, images: Path, project: Path) -> None:
        """Make a project of a folder of images."""
        self.look_at("Project")
        form = self.dock.tabs.project.new
        form.open_images(images)
        form.folder.set_path(project)
        self.until(lambda: form.report is not None)
        assert form.report.is_clean
        mouse.click(form.create_button)
        self.until(lambda: self.session.table.image is not None)
        self.let_masks_differ()

    def let_masks_differ(self) -> None:
        """Have said *accept all the same* of every class: what is painted here is no answer to the labels."""
        names = self.session.classes.names
        self.session.mismatch.check.agree(Mismatch("", names, names))

    def train(self, meanwhile: Callable[[], object] = lambda: None, **options: object) -> None:
        """Train with what the form of the Train page says, do something `meanwhile`, and wait for the end."""
        self.look_at("Train")
        page = self.dock.tabs.train
        self.until(lambda: page.options.form is not None)
        for name, value in options.items():
            page.options.form.fields[name].value = value
        runs = len(self.session.training.runs(self.session.project))
        mouse.click(page.start)
        self.until(lambda: page.bar.isVisibleTo(page) and self.session.training.running)
        meanwhile()
        self.until(lambda: page.start.isEnabled())
        assert len(self.session.training.runs(self.session.project)) == runs + 1
        assert page.chosen_run().state == "done", page.said.text()
        assert page.plot.series["loss"].values

    def apply(self) -> None:
        """Apply the run that is marked, and wait for its maps and proposals."""
        mouse.click(self.dock.tabs.train.apply)
        self.settle()
        self.look_at("Review")

    def proposals(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Go through the queue; return maps and proposal of every image."""
        found = {}
        for image_id in list(self.session.navigation.queue.ids()):
            self.dock.actions_.go_to(image_id)
            self.until(lambda: not self.session.jobs.all and self.session.table.proposal is not None)
            found[image_id] = self.session.table.maps.scores.copy(), self.session.table.proposal.copy()
        return found

    def leave(self) -> None:
        """Stop a training that still runs and take the dock away."""
        self.session.training.stop(0)
        self.session.training.wait(30)
        self.dock.shut_down()
