"""Masks of another tool, taken into a project."""

import numpy as np
import pytest

from napari_wsss.core.masks import write_mask
from napari_wsss.core.progress import finish
from napari_wsss.exchange.masks.taking import Taking, masks_for, take_masks
from napari_wsss.project.project import Project
from tests.tiny_project import HEIGHT, IDS, WIDTH

CAT = np.ones((HEIGHT, WIDTH), np.uint8)


def folder(project: Project, tmp_path):
    for name in ("a", "b", "day 1/ä"):
        write_mask(tmp_path / "masks" / f"{name}.png", CAT, project.classes)
    return tmp_path / "masks"


def test_a_persons_mask_is_kept_unless_asked(project: Project, tmp_path) -> None:
    project.review.accept(IDS[0], CAT * 0)
    report = masks_for(project, folder(project, tmp_path))
    assert report.occupied == (IDS[0],)
    found = finish(take_masks(project, report, Taking(accept=True)))
    assert (found.taken, found.kept) == ((IDS[1], IDS[3]), (IDS[0],))
    assert not project.masks.read_accepted(IDS[0]).any()
    finish(take_masks(project, report, Taking(overwrite=True, split="train")))
    assert project.masks.read_working(IDS[0]).all()


@pytest.mark.parametrize("accept", [True, False])
def test_what_came_from_a_file_is_not_the_importers_work(project: Project, tmp_path, accept: bool) -> None:
    report = masks_for(project, folder(project, tmp_path))
    finish(take_masks(project, report, Taking(accept=accept)))
    found = project.masks.working(IDS[0])
    assert found is not None
    assert found.sources.imported.all()
    (source,) = found.sources.table
    assert (source.kind, source.method) == ("imported", "pictures")
    assert source.parameters == {"from": "masks", "entry": "a.png"}
    project.review.accept(IDS[0], found.values, sources=None)  # by a person, as it is
    assert project.masks.accepted(IDS[0]).sources.imported.all()


def test_own_work_that_comes_back_stays_own_where_it_is_the_same(project: Project, tmp_path) -> None:
    mine = CAT.copy()
    mine[: HEIGHT // 2] = 2
    project.review.accept(IDS[0], mine)
    finish(take_masks(project, masks_for(project, folder(project, tmp_path)), Taking(overwrite=True)))
    found = project.masks.working(IDS[0])
    assert (found.values == 1).all()
    assert found.sources.person.tolist() == (mine == 1).tolist()
    assert found.sources.imported.tolist() == (mine == 2).tolist()


def test_a_damaged_mask_is_no_reason_not_to_take_another(project: Project, tmp_path) -> None:
    project.review.save_draft(IDS[0], CAT)
    project.masks.draft_path(IDS[0]).write_bytes(b"no picture")
    finish(take_masks(project, masks_for(project, folder(project, tmp_path)), Taking(accept=True, overwrite=True)))
    assert project.masks.accepted(IDS[0]).sources.imported.all()


def test_accepting_many_is_one_decision(project: Project, tmp_path) -> None:
    report = masks_for(project, folder(project, tmp_path))
    finish(take_masks(project, report, Taking(accept=True, limit=2)))
    assert project.catalog.counts()["accepted"] == 2
    project.review.undo()
    assert project.catalog.counts()["accepted"] == 0
