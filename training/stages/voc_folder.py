"""A project made from a VOC-like folder, for measuring: `JPEGImages`, `labels.csv`, `classes.txt` and masks."""

import csv
from pathlib import Path

from napari_wsss.core.classes import BACKGROUND_NAMES, ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.pixels.images import find_images
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage

IMAGES, MASKS = "JPEGImages", "SegmentationClass"


def project_of(data: Path, folder: Path) -> Project:
    """Return the project in `folder`, made from the VOC-like folder `data` when it does not exist yet.

    Raises
    ------
    ProjectError
        When `data` lacks its class list, its labels or its images.
    """
    if (folder / "project.sqlite").exists():
        return Project.open(folder)
    names = _read(data / "classes.txt").split("\n")
    classes = ClassList(names[names[0].casefold() in BACKGROUND_NAMES :])
    rows = list(csv.DictReader(_read(data / "labels.csv").split("\n")))
    if not rows or not {"image", "labels", "split"} <= set(rows[0]):
        raise ProjectError(f"{data / 'labels.csv'} needs the columns image, labels (space between names) and split.")
    labels = {row["image"]: row for row in rows}
    images = [
        NewImage(path.name, frozenset(labels[path.stem]["labels"].split()), labels[path.stem]["split"])
        for path in find_images(data / IMAGES)
        if path.stem in labels
    ]
    return Project.create(folder, data / IMAGES, classes, images)


def scored_classes(data: Path) -> tuple[str, ...]:
    """Return the classes named in `classes_eval.txt` (those with enough validation images), or none."""
    path = data / "classes_eval.txt"
    return tuple(path.read_text(encoding="utf-8").split()) if path.exists() else ()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except OSError as reason:
        raise ProjectError(
            f"{path} cannot be read ({reason}); expected a VOC-like folder in {path.parent}."
        ) from reason
