"""Existing masks into a project, from a terminal."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.cli import main
from napari_wsss.commands.base import CORRECTABLE, DONE
from napari_wsss.project.project import Project


def test_masks_in_another_order_are_taken_by_name(project_folder: Path, sample_folder: Path, tmp_path: Path) -> None:
    with Project.open_to_read(project_folder) as project:
        names, first = project.classes.names, next(iter(project.catalog.ids()))
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "classes.txt").write_text("\n".join(["background", *reversed(names)]))
    Image.fromarray(np.full((96, 96), 1, np.uint8)).save(tmp_path / "masks" / f"{Path(first).stem}.png")
    assert main(["import-masks", "--project", str(project_folder), "--masks", str(tmp_path / "masks")]) == DONE
    with Project.open_to_read(project_folder) as project:
        assert set(np.unique(project.masks.read_working(first))) == {len(names)}


def test_imported_masks_are_drafts_and_never_replace_a_persons_work(
    project_folder: Path, sample_masks: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(project_folder) as project:
        first, second = list(project.catalog.ids())[:2]
        shape = project.load_image(first).pixels.shape[:2]
        project.review.save_draft(first, np.ones(shape, np.uint8))
        project.review.accept(second, np.ones(shape, np.uint8))
    command = ["import-masks", "--project", str(project_folder), "--masks", sample_masks]
    assert main(command) == DONE
    assert "8 masks taken as drafts; 2 images kept" in capsys.readouterr().out
    with Project.open(project_folder) as project:
        assert project.catalog.counts()["draft"] == 9
        for image_id, found in (
            (first, project.masks.read_draft(first)),
            (second, project.masks.read_accepted(second)),
        ):
            assert found is not None, image_id
            assert (found == 1).all()
    assert main([*command, "--overwrite"]) == DONE
    with Project.open(project_folder) as project:
        draft = project.masks.read_draft(first)
        assert draft is not None
        assert not (draft == 1).all()


def test_an_open_project_can_be_looked_at_but_not_filled(
    project_folder: Path, sample_masks: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(project_folder):
        assert main(["info", str(project_folder)]) == DONE
        command = ["import-masks", "--project", str(project_folder), "--masks", sample_masks]
        assert main(command) == CORRECTABLE
    assert "read-only" in capsys.readouterr().err


def test_a_dry_run_says_what_is_there_and_writes_nothing(
    project_folder: Path, sample_masks: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(project_folder) as project:
        first = next(iter(project.catalog.ids()))
        project.review.save_draft(first, np.ones((96, 96), np.uint8))
    assert main(["import-masks", "--project", str(project_folder), "--masks", sample_masks, "--dry-run"]) == DONE
    told = capsys.readouterr().out
    assert "10 masks can be used" in told
    assert f"1 of these images have a person's mask already: {first}" in told
    with Project.open_to_read(project_folder) as project:
        assert project.catalog.counts()["draft"] == 1


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_nothing_usable_is_no_success(
    project_folder: Path, tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "masks").mkdir()
    Image.new("L", (9, 9)).save(tmp_path / "masks" / "nobody.png")
    command = ["import-masks", "--project", str(project_folder), "--masks"]
    assert main([*command, str(tmp_path / "masks"), *more]) == CORRECTABLE
    assert "nobody.png" in capsys.readouterr().out
    for folder in ("gone", "project"):
        assert main([*command, str(tmp_path / folder), *more]) == CORRECTABLE
        assert len(capsys.readouterr().err.splitlines()) == 1
