from __future__ import annotations

import pytest

from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.pixels.working_size import LARGEST
from napari_wsss.project.project import Project
from napari_wsss.segment.base import Segmenter
from training.pixel_learner import enlargement
from training.pixel_learner.enlargement import GAIN, Sizes, enlargements_to_try, fix_enlargement


@pytest.mark.parametrize(("given", "expected"), [(0.0, LARGEST), (1.5, 1.5)])
def test_what_the_parameters_say_counts(project: Project, given: float, expected: float) -> None:
    classifier = Segmenter.build("pixel_classifier", TrunkChoice(width=1 / 16), {"enlargement": given}, class_count=3)
    assert fix_enlargement(classifier, project) == expected
    assert classifier.enlargement == expected


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [(200, [2.4, 1.6, 3.2]), (960, [0.5, 0.333, 0.667]), (100, [4.0, 3.2]), (8, [LARGEST]), (0, [1.0])],
)
def test_sizes_around_the_usual_one_are_tried(
    project: Project, monkeypatch: pytest.MonkeyPatch, pictures: int, expected: list[float]
) -> None:
    monkeypatch.setattr(enlargement, "middle_side", lambda _: pictures)
    assert list(enlargements_to_try(project)) == expected


def test_another_size_is_taken_only_where_it_is_clearly_better() -> None:
    def best(**other: float) -> float:
        return Sizes(200, 2.4, 8, {2.4: 0.5, **{float(name[1:]): value for name, value in other.items()}}).best

    assert best(_3=0.5 + 2 * GAIN, _2=0.5) == 3.0
    assert best(_3=0.5 + GAIN / 2, _2=0.4) == 2.4
    assert best(_3=0.6, _2=0.7) == 2.0


def test_how_sizes_compared_is_said() -> None:
    sizes = Sizes(200, 2.4, 8, {2.4: 0.52, 1.6: 0.5, 3.2: 0.56})
    assert str(sizes) == "pictures at 640 pixels (held-out 56 %; at 480: 52 %, 320: 50 %)"
