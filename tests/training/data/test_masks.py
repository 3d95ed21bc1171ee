import shutil
from pathlib import Path

import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.project.project import Project
from training.data.masks import AcceptedMask, ProposedMask


@pytest.fixture
def project(project_folder: Path) -> Project:
    with Project.open(project_folder) as opened:
        yield opened


def test_a_missing_proposal_is_undecided_everywhere(project: Project) -> None:
    other = next(iter(project.catalog.ids(states=["todo"])))
    assert (ProposedMask(project, other)() == 255).all()


def test_a_lost_mask_file_is_named(project: Project) -> None:
    accepted = next(iter(project.catalog.ids(states=["accepted"])))
    shutil.rmtree(project.folder / "backups")  # which has copies of accepted masks
    project.masks.accepted_path(accepted).unlink()
    with pytest.raises(ProjectError, match=Path(accepted).name):
        AcceptedMask(project, accepted)()


def test_equal_readers_read_the_same_file(project: Project) -> None:
    assert AcceptedMask(project, "a.png") == AcceptedMask(project, "a.png") != AcceptedMask(project, "b.png")
