"""A run that goes on says what a person changed meanwhile."""

from __future__ import annotations

import numpy as np

from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from tests.tiny_project import HEIGHT, IDS, WIDTH
from training.changes import changes_since, seen_at_start


def test_labels_classes_images_and_decisions_are_counted(project: Project) -> None:
    record = {"classes": list(project.classes.names), "seen": seen_at_start(project)}
    assert changes_since(project, record) == ""
    project.set_labels(IDS[0], ("cat",))
    project.set_labels(IDS[0], ("dog",))
    project.set_labels(IDS[1], (), negative=True)
    project.review.accept(IDS[2], np.zeros((HEIGHT, WIDTH), np.uint8))
    project.add_class("owl")
    project.rename_class("dog", "wolf")
    project.add_images([NewImage("new.png")])
    told = changes_since(project, record)
    assert "added classes: wolf, owl" in told
    assert "gone: dog" in told
    assert "5 images, 4 then" in told
    assert "other labels of 2 images" in told
    assert "decisions about 1 images" in told


def test_of_runs_that_noted_nothing_only_classes_are_compared(project: Project) -> None:
    project.set_labels(IDS[0], ("cat",))
    assert changes_since(project, {"classes": list(project.classes.names)}) == ""
