from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.pipeline.learner.tap_features import ProjectFeatures
from napari_wsss.project.project import Project
from napari_wsss.segment.base import Segmenter
from napari_wsss.segment.pixel_classifier import PixelClassifier
from tests.tiny_project import IDS
from training.pixel_learner.check import CellCheck


@pytest.fixture
def classifier() -> PixelClassifier:
    torch.manual_seed(0)
    made = Segmenter.build("pixel_classifier", TrunkChoice(width=1 / 16), {"enlargement": 8.0}, class_count=3)
    assert isinstance(made, PixelClassifier)
    with torch.no_grad():
        last = made.head.members[0][-1]
        last.weight.zero_()
        last.bias.copy_(torch.tensor([0.0, 1.0, 3.0, 2.0]))  # a dog everywhere
    return made


def test_without_held_out_masks_there_is_no_figure(project: Project, classifier: PixelClassifier) -> None:
    check = CellCheck(project, classifier, ProjectFeatures(project, classifier))
    assert check.figures() == {}
    assert check.tables() == {}


def test_labels_given_leave_only_the_images_own_classes(project: Project, classifier: PixelClassifier) -> None:
    project.set_labels(IDS[3], ["cat"])
    project.review.accept(IDS[3], np.ones((6, 8), np.uint8))
    while project.catalog.get(IDS[3]).split != "val":
        project.hold_out(0.9)
    check = CellCheck(project, classifier, ProjectFeatures(project, classifier))

    found = check.figures()

    assert found["miou_labels_given"] == 1
    assert found["miou"] == 0
    assert check.tables()["segmentation"][0][0] == "class"
