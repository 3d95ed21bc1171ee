"""Labels of pixels become labels of cells; batches hold both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.errors import LabelError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import finish
from napari_wsss.project.project import Project
from napari_wsss.weights.normalisation import IMAGENET
from training.config import RunConfig
from training.data.affinity_data import AffinityData, central, label_path, most_common, prepared
from training.data.pictures import Pictures, Pixels, view_of
from training.execute import begin


def test_a_cell_has_the_label_of_most_of_its_pixels() -> None:
    labels = np.zeros((4, 6), np.uint8)
    labels[:, 2:4] = 7
    labels[:3, 4:] = IGNORE

    assert most_common(labels, 2).tolist() == [[0, 7, IGNORE], [0, 7, 0]]


def test_what_is_outside_counts_as_undecided() -> None:
    labels = np.full((5, 5), 3, np.uint8)

    found = most_common(labels, 4)

    assert found.tolist() == [[3, IGNORE], [IGNORE, IGNORE]]


def test_the_central_pixel_of_a_cell() -> None:
    labels = np.arange(9 * 6, dtype=np.uint8).reshape(9, 6)

    assert central(labels, 4).tolist() == [[14, 17], [38, 41], [50, 53]]
    assert central(labels, 1).tolist() == labels.tolist()


@pytest.mark.parametrize("cells", [most_common, central])
def test_grids_round_up(cells: Callable[[Pixels, int], Pixels]) -> None:
    assert cells(np.zeros((65, 83), np.uint8), 8).shape == (9, 11)


def halves(image: Pixels, maps: ActivationMaps) -> Pixels:
    labels = np.zeros(image.shape[:2], np.uint8)
    labels[:, image.shape[1] // 2 :] = maps.classes[0] + 1
    return labels


def test_labels_are_made_once_and_batches_follow_them(
    applied_folder: Path, tiny_config: Callable[..., RunConfig]
) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        config = tiny_config("affinity")
        run, pictures = begin(project, config), Pictures(project, 1024)
        assert finish(prepared(pictures, project, run, halves, config))
        noted = dict(run.record)
        assert finish(prepared(pictures, project, run, _never, config))
        assert run.record == noted

        data = AffinityData(project, run, pictures, 8, most_common)
        made = next(image_id for image_id in data.ids if label_path(run, image_id).exists())
        image, labels = data.whole(made)
        np.testing.assert_array_equal(labels, halves(image, _labelled(project, made)))
        order = data.order(2, seed=0)
        view = view_of(config.augmentation, IMAGENET, 0)
        batch, again = (data.batch(1, order, view) for _ in range(2))

    assert batch.images.shape == (2, 3, 48, 48)
    assert batch.labels.shape == (2, 6, 6)
    assert batch.labels.dtype == np.uint8
    np.testing.assert_array_equal(batch.images, again.images)
    np.testing.assert_array_equal(batch.labels, again.labels)


def test_labels_without_any_class_are_refused(applied_folder: Path, tiny_config: Callable[..., RunConfig]) -> None:
    with Project.open(applied_folder) as project:
        for image_id in list(project.catalog.ids(states=["accepted"])):
            project.review.decide(image_id, "excluded")
        config = tiny_config("affinity")
        run = begin(project, config)
        with pytest.raises(LabelError, match="surely of a class"):
            finish(prepared(Pictures(project, 1024), project, run, lambda image, _: image[..., 0] * 0, config))
        assert "labelled" not in run.record


def _never(image: Pixels, maps: ActivationMaps) -> Pixels:
    raise AssertionError("labels are fixed")


def _labelled(project: Project, image_id: str) -> ActivationMaps:
    classes = project.classes.indices(project.catalog.get(image_id).labels)
    return ActivationMaps(np.zeros((len(classes), 1, 1), np.float32), classes)
