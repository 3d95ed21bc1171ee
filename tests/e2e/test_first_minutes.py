"""The first five minutes by mouse in a real window without network, counted: docs/guide.md has the table.

Forty photographs with a label table are dropped; nothing is prepared but the weights' file that is asked for.
"""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("napari")
pytest.importorskip("torch")

from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QWidget

from napari_wsss.core.progress import Progress
from napari_wsss.session.runs import trunk_weights
from napari_wsss.widgets.train import weights_line
from tests.e2e import mouse
from tests.e2e.labeler import Labeler, dock_in

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.gui, pytest.mark.timeout(900)]
PHOTOGRAPHS = 40
GUIDE = Path(__file__).parents[2] / "docs" / "guide.md"
FIRST_MAPS_MS = 600_000
"""The panel promises them after two minutes, of a machine that does nothing else."""
COPY, LEFT, NO_KEY = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def photographs(data: Path, folder: Path) -> None:
    """Copy the first photographs of a data set with their lines of the label table."""
    folder.mkdir()
    with (data / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:PHOTOGRAPHS]
    for row in rows:
        shutil.copy(data / "JPEGImages" / f"{row['image']}.jpg", folder)
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("image", "labels"), *((row["image"], row["labels"]) for row in rows)])


def drop(widget: QWidget, path: Path) -> None:
    """Drop a folder on a widget, as a file manager does."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    QApplication.sendEvent(widget, QDragEnterEvent(QPoint(9, 9), COPY, data, LEFT, NO_KEY))
    QApplication.sendEvent(widget, QDropEvent(QPointF(9, 9), COPY, data, LEFT, NO_KEY))


def documented() -> list[int]:
    """Return the totals of the guide's table: with a network, without one."""
    totals = re.search(r"^\| \*\*together\*\* \|(.*)\|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert totals, "docs/guide.md has no table of clicks"
    return [int(number) for number in re.findall(r"\d+", totals[1])]


def test_from_a_folder_to_the_first_accepted_mask(
    make_napari_viewer, tmp_path, qtbot, monkeypatch, data_folder, weights_folder
) -> None:
    def find_missing(trunk: str, source: str):
        yield Progress("weights", 0, 1)
        return "there is no network." if source == "imagenet" else ""

    monkeypatch.setattr(trunk_weights, "find_missing_weights", find_missing)
    file = weights_folder / "mobilenet_v2_imagenet_fp16.safetensors"
    monkeypatch.setattr(weights_line.QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    photographs(data_folder / "voc_wsss_small", tmp_path / "photos")
    viewer = make_napari_viewer(show=True)
    labeler = Labeler(viewer, dock_in(viewer, tmp_path / "config", (1280, 720)), qtbot)
    try:
        online, offline = clicks_to_the_first_mask(labeler, tmp_path / "photos")
    finally:
        labeler.leave()  # else closing the window asks about the training, and waits
    assert documented() == [online, offline]
    assert online <= 5


def clicks_to_the_first_mask(labeler: Labeler, photos: Path) -> tuple[int, int]:
    """Drop a folder and accept a first mask; return how many clicks and keys that takes with a network and without."""
    dock, session, qtbot, clicks = labeler.dock, labeler.session, labeler.qtbot, 0
    qtbot.waitUntil(lambda: dock._window is not None)

    drop(labeler.viewer.window._qt_viewer, photos)
    clicks += 1
    form = dock.tabs.project.new
    labeler.until(form.create_button.isEnabled)
    labeler.shot("form")
    mouse.click(form.create_button)
    clicks += 1
    step = dock.header.next_line
    labeler.until(lambda: step.step.verb == "train")
    mouse.click(step.do)
    clicks += 1
    labeler.until(lambda: session.trunk_weights.missing)
    labeler.shot("weights")
    online = clicks
    labeler.until(lambda: step.step.verb == "weights")
    mouse.click(step.do)
    clicks += 2  # and the file in its dialog
    labeler.until(lambda: session.table.proposal is not None, FIRST_MAPS_MS)
    labeler.shot("proposal")
    accepts = 0
    while not session.project.catalog.counts()["accepted"] and accepts < 2:  # asked once where label and mask differ
        labeler.hands.press("W")
        accepts += 1
        qtbot.wait(200)
    assert session.project.catalog.counts()["accepted"] == 1
    labeler.shot("accepted")
    return online + 2, clicks + 2
