from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_wsss.core.progress import finish
from napari_wsss.pipeline.run import base_maps, localize
from napari_wsss.project.project import Project
from training.pixel_learner.localizer_maps import LocalizerMaps


def test_maps_are_those_that_are_stored_and_proposals_are_made_where_they_are_missing(applied_folder: Path) -> None:
    with Project.open(applied_folder) as project:
        record = next(record for record in project.catalog.records() if record.labels)
        classes, localizer = project.classes.indices(record.labels), LocalizerMaps(project, "cpu")
        assert localizer.maps(record.id) is None

        proposed = localizer.proposed(record.id, classes)

        assert proposed.classes == classes
        assert proposed.background is not None
        found, expected = localizer.maps(record.id), base_maps(project, record.id, "localize")
        assert found is not None, "what was computed for it is stored"
        assert expected is not None
        np.testing.assert_array_equal(found.scores, expected.scores)


def test_without_a_localizer_there_are_no_maps(project_folder: Path) -> None:
    with Project.open(project_folder, read_only=True) as project:
        assert all(LocalizerMaps(project, "cpu").maps(image_id) is None for image_id in project.catalog.ids())


def test_maps_made_by_a_stage_are_taken(applied_folder: Path) -> None:
    with Project.open(applied_folder) as project:
        image_id = next(record.id for record in project.catalog.records() if record.labels)
        finish(localize(project, [image_id], "cpu"))
        assert LocalizerMaps(project, "cpu").maps(image_id) is not None
