from __future__ import annotations

import pytest

from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.pixels.working_size import LARGEST
from napari_wsss.project.project import Project
from napari_wsss.segment.base import Segmenter
from training.pixel_learner.enlargement import fix_enlargement


@pytest.mark.parametrize(("given", "expected"), [(0.0, LARGEST), (1.5, 1.5)])
def test_what_the_parameters_say_counts(project: Project, given: float, expected: float) -> None:
    classifier = Segmenter.build("pixel_classifier", TrunkChoice(width=1 / 16), {"enlargement": given}, class_count=3)
    assert fix_enlargement(classifier, project) == expected
    assert classifier.enlargement == expected
