"""The applied model's classes are the project's, by name; what is no image's fault ends a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError, StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pipeline.applied_model import (
    RunError,
    companions_for,
    known_as,
    renormalised,
)
from napari_wsss.pipeline.companions import Companions
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.project.project import Project
from tests.tiny_project import IDS


@pytest.mark.parametrize(
    ("names", "known", "expected"),
    [
        (["cat", "dog"], ["cat", "dog"], [0, 1]),
        (["cat", "dog"], ["dog", "cat"], [1, 0]),
        (["cat", "dog", "owl"], ["cat", "dog"], [0, 1, None]),  # added after training
        (["kitten", "dog"], ["cat", "dog"], [0, 1]),  # renamed after training
        (["kitten", "cat"], ["cat", "dog"], [None, 0]),  # no rename: place 0 is still called cat
        (["cat"], ["cat", "dog"], [0]),
    ],
)
def test_classes_are_found_by_name_or_as_a_rename(
    names: list[str], known: list[str], expected: list[int | None]
) -> None:
    project, model = ClassList(names), ClassList(known)

    assert [known_as(k, project, model) for k in range(len(project))] == expected


def test_renormalising_makes_maps_and_background_sum_to_one() -> None:
    random = np.random.default_rng(0)
    maps = ActivationMaps(random.random((2, 4, 5), np.float32), (0, 3), random.random((4, 5), np.float32))

    found = renormalised(maps)

    assert found.background is not None
    np.testing.assert_allclose(found.scores.sum(0) + found.background, 1, atol=1e-6)
    np.testing.assert_allclose(found.scores[0] / found.scores[1], maps.scores[0] / maps.scores[1], rtol=1e-5)


def test_nothing_to_renormalise_is_left_alone() -> None:
    without = ActivationMaps(np.zeros((1, 2, 2), np.float32), (0,))
    silent = ActivationMaps(np.zeros((1, 2, 2), np.float32), (0,), np.zeros((2, 2), np.float32))

    assert renormalised(without) is without
    assert np.isfinite(renormalised(silent).scores).all()


def test_a_run_error_carries_its_reason() -> None:
    reason = StepError("no model")

    assert RunError(reason).reason is reason
    assert str(RunError(reason)) == "no model"


def test_companions_carry_the_models_class_numbers_and_are_read_late(project: Project) -> None:
    companions = Companions(
        {IDS[1]: "hash 1", "gone.png": "hash 2"}, {IDS[1]: frozenset({"cat", "dog"}), "gone.png": frozenset({"dog"})}
    )
    (project.folder / "net").write_bytes(b"weights")
    project.set_plan(replace(project.plan, localizer_checkpoint="net"))
    lineage = replace(Lineage.of(project, IDS[0]), companions=companions)

    first, second = companions_for(lineage, ClassList(["bird", "cat"]))

    assert (first.content, first.labels) == ("hash 1", (1,))
    assert (second.content, second.labels) == ("hash 2", ())
    np.testing.assert_array_equal(first.read(), project.load_image(IDS[1]).pixels)
    with pytest.raises(ProjectError):
        second.read()
