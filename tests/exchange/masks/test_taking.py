"""Masks of another tool, taken into a project."""

import numpy as np

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


def test_accepting_many_is_one_decision(project: Project, tmp_path) -> None:
    report = masks_for(project, folder(project, tmp_path))
    finish(take_masks(project, report, Taking(accept=True, limit=2)))
    assert project.catalog.counts()["accepted"] == 2
    project.review.undo()
    assert project.catalog.counts()["accepted"] == 0
