"""A scripted labeler works through 30 images with mouse and keys, writes a diary, and compares it with the disk.

Between opening the folder and the last look at the files: corrections of every kind, decisions and their undo, a viewer
closed in the middle of an image, search and orders, clusters and a batch, a correction handed on to like images, a
second training whose model is applied and looked at. `WSSS_SHOTS` names a folder for pictures of the main moments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("napari")
pytest.importorskip("torch")

from napari_wsss.sample.project import generate_sample
from tests.e2e import correcting, finding, grouping, learning
from tests.e2e.desk import Desk
from tests.e2e.diary import Diary, Page
from tests.e2e.labeler import dock_in

pytestmark = [pytest.mark.slow, pytest.mark.gui, pytest.mark.timeout(2400)]
IMAGES, SIZE = 30, 96
SMALL = {
    "trunk": "resnet18",
    "trunk_weights": "none",
    "width": 0.25,
    "epochs": 45,
    "batch_size": 6,
    "crop": SIZE,
    "loaders": 0,
}
"""Enough for maps that show something: half a minute of one core."""


@pytest.fixture
def sit_down(make_napari_viewer, tmp_path, qtbot) -> Iterator[Callable[[Diary], Desk]]:
    """Return a function that opens a viewer with the dock; the desks share one configuration."""
    desks: list[Desk] = []

    def opened(diary: Diary) -> Desk:
        viewer = make_napari_viewer(show=True)
        desks.append(Desk(viewer, dock_in(viewer, tmp_path / "config", (1360, 940)), qtbot, diary))
        return desks[-1]

    yield opened
    for desk in desks:
        desk.leave()


def begin(desk: Desk, folder: Path) -> None:
    """Make a project of generated pictures, train a small classifier and apply it."""
    report = generate_sample(folder / "photos", images=IMAGES, size=SIZE)
    present: dict[str, set[str]] = {f"shapes_{number:04d}.jpg": set() for number in range(IMAGES)}
    for item in report.objects:
        present[f"{item.image}.jpg"].add(item.name)
    desk.diary.pages.update({image_id: Page(labels) for image_id, labels in present.items()})
    desk.open_folder(folder / "photos", desk.diary.folder)
    assert desk.rows == sorted(present)
    desk.arrive()
    desk.train(**SMALL)
    desk.shot("trained")
    desk.apply()
    desk.check()
    desk.shot("applied")


def test_thirty_images(sit_down: Callable[[Diary], Desk], tmp_path: Path) -> None:
    diary = Diary(tmp_path / "project")
    desk = sit_down(diary)
    begin(desk, tmp_path)
    correcting.work(desk)

    finding.go_home(desk)
    left_at = desk.image_id
    desk = sit_down(diary)
    finding.come_back(desk, left_at)
    finding.work(desk)

    grouping.work(desk)
    learning.work(desk, SMALL)
    desk.leave()
    diary.check_everything()

    left_alone = learning.LEFT_ALONE
    assert len(diary.of("todo")) == left_alone
    assert len(diary.of("accepted")) >= IMAGES - left_alone - 5  # the others are skipped, flagged, excluded, drafts
    assert min(len(diary.of(state)) for state in ("skipped", "flagged", "excluded", "draft")) > 0
