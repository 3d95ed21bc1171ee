"""A scripted labeler in a real window opens 60 photographs, clicks in 10 of them, and the other 50 get better.

Tags -> a classifier of a minute -> look -> clicks and strokes by mouse -> `L` -> look again. The true masks are known
to the labeler's hand and to the score, never to the program. `WSSS_SHOTS` names a folder for pictures of the main
moments, `--log-cli-level INFO` tells the figures.
"""

from __future__ import annotations

import csv
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("napari")
pytest.importorskip("torch")

from napari_wsss.core.masks import read_mask
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import read_scribbles
from tests.e2e import mouse
from tests.e2e.labeler import Labeler, dock_in
from training.economy.drawing import middle_line
from training.economy.things import agreement, clicks_of, things
from training.scoring.metrics import Scores, confusion_matrix

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.gui, pytest.mark.timeout(2400)]
CLASSES = ("cat", "cow", "horse", "person", "sheep")
OF_EACH, CLICKED = 12, 10
SHORT = {"epochs": 4, "batch_size": 6, "crop": 256, "loaders": 0}
"""Enough for maps that show something: a minute of one core."""
LEAST_GAIN = 0.03
Masks = dict[str, np.ndarray]


@pytest.fixture
def labeler(make_napari_viewer, tmp_path, qtbot, monkeypatch) -> Iterator[Labeler]:
    monkeypatch.setattr("tests.e2e.labeler.PATIENCE_MS", 900_000)  # sixty photographs at several scales
    viewer = make_napari_viewer(show=True)
    made = Labeler(viewer, dock_in(viewer, tmp_path / "config", (1360, 940)), qtbot)
    yield made
    made.leave()


def photographs(data: Path, folder: Path) -> Masks:
    """Copy twelve tagged photographs of each class, none with others; return their true masks by image id."""
    folder.mkdir()
    with (data / "labels.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train"]
    tagged = {row["image"]: row["labels"] for row in rows if set(row["labels"].split()) <= set(CLASSES)}
    kept: dict[str, str] = {}
    for name in CLASSES:
        rest = [image for image, labels in tagged.items() if name in labels.split() and image not in kept]
        kept.update((image, tagged[image]) for image in rest[:OF_EACH])
    for image in kept:
        shutil.copy(data / "JPEGImages" / f"{image}.jpg", folder)
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("image", "labels", "split"), *((*one, "train") for one in kept.items())])
    (folder / "classes.txt").write_text("\n".join(("background", *CLASSES)), encoding="utf-8")
    every = (data / "classes.txt").read_text(encoding="utf-8").split()
    own = np.full(256, 255, np.uint8)
    own[[0, *(every.index(name) for name in CLASSES)]] = range(len(CLASSES) + 1)
    return {f"{name}.jpg": own[read_mask(data / "SegmentationClass" / f"{name}.png")] for name in kept}


def mean_iou(found: Masks, truth: Masks) -> float:
    """Return the mIoU of masks over background and all classes."""
    count = len(CLASSES) + 1
    return Scores(sum(confusion_matrix(truth[one], mask, count) for one, mask in found.items())).mean_iou()


def to_click_in(truth: Masks) -> list[str]:
    """Return ten photographs in which every class occurs, as alike in number as may be."""
    chosen: list[str] = []
    seen = np.zeros(len(CLASSES) + 1)
    while len(chosen) < CLICKED:
        rarest = 1 + int(seen[1:].argmin())
        one = next(one for one, mask in truth.items() if one not in chosen and (mask == rarest).mean() > 0.05)
        chosen.append(one)
        seen[np.setdiff1d(np.unique(truth[one]), [255])] += 1
    return chosen


def say(labeler: Labeler, image_id: str, truth: np.ndarray, *, strokes: bool) -> None:
    """Click on each thing and on the background of an image; or draw along the middle of each thing as well."""
    labeler.dock.actions_.go_to(image_id)
    labeler.until(lambda: labeler.session.table.image_id == image_id and not labeler.session.jobs.all)
    for click in clicks_of(truth, 2):
        labeler.hands.press(labeler.key_of(click.value))
        labeler.hands.click((click.row, click.column))
    for value, region in things(truth) if strokes else ():
        line = middle_line(region)
        straight = line[[len(line) // 4, 3 * len(line) // 4]]
        between = np.linspace(*straight, 30).round().astype(int)
        if region[between[:, 0], between[:, 1]].all():  # a thing may bend
            labeler.hands.press(labeler.key_of(value))
            labeler.hands.stroke(*straight)


def learn(labeler: Labeler) -> None:
    """Press `L` until what was said is learned and shown; from then on nothing is learned by itself."""
    learning = labeler.session.learning
    if learning.holds_back:  # it has learned by itself meanwhile
        labeler.hands.press("L")
    labeler.hands.press("L")
    labeler.until(lambda: learning.state is not None and not learning.running)
    labeler.look_at("Train")
    mouse.click(labeler.dock.tabs.train.by_itself)
    labeler.look_at("Review")
    labeler.settle()
    if learning.holds_back:
        labeler.hands.press("L")
    labeler.settle()


def show_the_best(labeler: Labeler, before: Masks, after: Masks, truth: Masks) -> None:
    """Take a picture of the photograph that gained most."""
    best = max(truth, key=lambda one: agreement(truth[one], after[one]) - agreement(truth[one], before[one]))
    labeler.dock.actions_.go_to(best)
    labeler.settle()
    labeler.shot("best")


def test_sixty_photographs(labeler: Labeler, tmp_path: Path, data_folder: Path, weights_folder: Path) -> None:
    truth = photographs(data_folder / "voc_wsss_small", tmp_path / "photos")
    assert len(truth) == OF_EACH * len(CLASSES)
    labeler.open_folder(tmp_path / "photos", tmp_path / "project")
    assert set(labeler.session.navigation.queue.ids()) == set(truth)
    trunk = weights_folder / "mobilenet_v2_imagenet_fp16.safetensors"
    labeler.train(trunk_weights=str(trunk), **SHORT)
    labeler.apply()
    before = {one: mask for one, (_, mask) in labeler.proposals().items()}

    clicked = to_click_in(truth)
    others = {one: mask for one, mask in truth.items() if one not in clicked}
    first = next(iter(others))
    labeler.dock.actions_.go_to(first)
    labeler.settle()
    labeler.shot("before")
    labeler.hands.press("O", "P")
    for number, one in enumerate(clicked):
        say(labeler, one, truth[one], strokes=number % 3 == 0)
    labeler.shot("clicked")

    labeler.dock.actions_.go_to(first)
    labeler.settle()
    learn(labeler)
    labeler.shot("after")
    after = {one: mask for one, (_, mask) in labeler.proposals().items()}

    show_the_best(labeler, before, after, {one: truth[one] for one in others})
    told = [{one: masks[one] for one in others} for masks in (before, after)]
    was, now = (mean_iou(one, truth) for one in told)
    logging.getLogger(__name__).info("mIoU of %d others: %.3f before, %.3f after", len(others), was, now)
    assert len(others) == len(truth) - CLICKED == 50
    assert now > was + LEAST_GAIN, labeler.session.learning.text
    labeler.leave()
    with Project.open(tmp_path / "project", read_only=True) as closed:
        assert closed.catalog.counts()["accepted"] == 0  # nobody accepted anything, and nobody's pixels were lost
        assert {one for one in truth if read_scribbles(closed, one) is not None} == set(clicked)
