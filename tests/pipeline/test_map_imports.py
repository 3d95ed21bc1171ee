"""Keeping maps made elsewhere in a project."""

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError, StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import finish
from napari_wsss.pipeline.map_imports import apply_kept, keep
from napari_wsss.project.project import Project
from tests.tiny_project import HEIGHT, IDS, WIDTH

MAPS = ActivationMaps(np.zeros((1, HEIGHT, WIDTH), np.float32), (0,))


def test_each_import_has_its_own_folder_and_the_last_is_used(project: Project) -> None:
    first = finish(keep(project, "x", [(IDS[0], MAPS), (IDS[1], ProjectError("gone"))]))
    assert (first.done, first.failed) == ((IDS[0],), {IDS[1]: "gone"})
    second = finish(keep(project, "y", [(IDS[2], MAPS)]))
    assert first.checkpoint.parent != second.checkpoint.parent
    assert not project.plan.localizer_checkpoint
    assert apply_kept(project, second.checkpoint)
    assert project.plan.localizer_checkpoint == second.checkpoint.relative_to(project.folder).as_posix()
    assert (first.checkpoint.parent / f"{IDS[0]}.npz").is_file()


def test_nothing_usable_changes_nothing(project: Project) -> None:
    before = project.plan
    with pytest.raises(StepError, match="nothing was changed"):
        finish(keep(project, "x", [(IDS[0], ProjectError("gone"))]))
    assert project.plan == before
