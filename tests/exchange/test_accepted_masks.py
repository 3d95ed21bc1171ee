"""Exports hand out what was decided, name what they leave out, and go on where they broke off."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.cli import main
from napari_wsss.commands.base import DONE
from napari_wsss.core.masks import read_mask
from napari_wsss.core.progress import finish
from napari_wsss.exchange.accepted_masks import Accepted, label_table, why_outdated
from napari_wsss.exchange.labels import read_labels
from napari_wsss.project.mask_files import MaskFiles
from napari_wsss.project.project import Project
from napari_wsss.session.exporting import export_project
from tests.tiny_project import HEIGHT, IDS, WIDTH


@pytest.fixture
def accepted(project: Project, mask: np.ndarray) -> Project:
    """Return the tiny project with three accepted masks."""
    for image_id in IDS[:3]:
        project.review.accept(image_id, mask)
    return project


def replace_image(project: Project, image_id: str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    Image.new("RGB", size, (1, 2, 3)).save(project.image_path(image_id))


def export(project: Project, out: Path, *options: str) -> int:
    project.close()
    return main(["export", "--project", str(project.folder), "--out", str(out), *options])


def test_a_decision_whose_file_could_not_be_written_is_exported_as_decided(
    accepted: Project, mask: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    newer = np.where(mask == 1, 2, mask).astype(np.uint8)
    with monkeypatch.context() as patch:
        patch.setattr(MaskFiles, "write", full)
        accepted.review.accept(IDS[0], newer)
    np.testing.assert_array_equal(read_mask(accepted.masks.accepted_path(IDS[0])), mask)  # the older file
    copy = shutil.copytree(accepted.folder, tmp_path / "copy")  # as a reader finds it: nobody has settled it
    with Project.open(copy, read_only=True) as project:
        finish(export_project(project, tmp_path / "out"))
    np.testing.assert_array_equal(read_mask(tmp_path / "out/SegmentationClass/a.png"), newer)


@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (WIDTH + 1, HEIGHT)])
def test_masks_of_replaced_images_are_left_out_and_named(
    accepted: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], size: tuple[int, int]
) -> None:
    replace_image(accepted, IDS[1], size)
    with Project.open(accepted.folder, read_only=True) as reader:
        assert "replaced" in why_outdated(reader, IDS[1]), "also where nothing can be noted"
    found = Accepted.of(accepted, IDS[:3])
    assert found.ids == (IDS[0], IDS[2])
    assert export(accepted, tmp_path / "out") == DONE
    assert f"Left out: {IDS[1]}: its image was replaced" in capsys.readouterr().out
    assert not (tmp_path / "out/SegmentationClass/b.png").exists()
    assert export(accepted, tmp_path / "all", "--replaced") == DONE
    assert (tmp_path / "all/SegmentationClass/b.png").exists()


def test_a_mask_accepted_again_belongs_to_the_new_image(accepted: Project, mask: np.ndarray) -> None:
    replace_image(accepted, IDS[1])
    assert accepted.is_replaced(IDS[1])
    accepted.review.accept(IDS[1], mask)
    assert why_outdated(accepted, IDS[1]) == ""


def test_an_accepted_mask_whose_file_is_gone_is_named(accepted: Project, tmp_path: Path) -> None:
    accepted.masks.accepted_path(IDS[0]).unlink()
    shutil.rmtree(accepted.folder / "backups")  # which has a copy of it
    report = finish(export_project(accepted, tmp_path / "out"))
    assert report.written == IDS[1:3]
    assert "its mask file is gone" in report.summary()


def test_an_image_labelled_none_is_an_all_background_mask(project: Project, tmp_path: Path) -> None:
    project.set_labels(IDS[0], (), negative=True)
    project.review.accept(IDS[0], np.zeros((HEIGHT, WIDTH), np.uint8))
    assert export(project, tmp_path / "out") == DONE
    assert not read_mask(tmp_path / "out/SegmentationClass/a.png").any()


def test_labels_go_out_and_come_back_as_the_two_facts_they_are(project: Project, tmp_path: Path) -> None:
    project.set_labels(IDS[1], (), negative=True)
    project.set_labels(IDS[2], ())
    table = label_table(project)
    assert table.splitlines()[1:4] == [f"{IDS[0]},cat;dog,train", f"{IDS[1]},none,", f"{IDS[2]},,"]
    assert export(project, tmp_path / "out", "--what", "labels") == DONE
    command = ["create", "--images", str(project.images_root), "--labels", str(tmp_path / "out/labels.csv")]
    assert main([*command, "--project", str(tmp_path / "again")]) == DONE
    with Project.open(tmp_path / "again") as again:
        records = [again.catalog.get(image_id) for image_id in IDS[:3]]
    assert [(set(one.labels), one.negative) for one in records] == [
        ({"cat", "dog"}, False),
        (set(), True),
        (set(), False),
    ]


def test_what_is_not_known_of_an_image_comes_back_from_an_export(project: Project, tmp_path: Path) -> None:
    assert label_table(project).startswith("image,labels,split\n"), "columns of the classes only where they are needed"
    first, second, third, last = IDS
    project.set_labels(first, ["cat"], unknown=["dog"])
    project.set_labels(second, [], unknown=["cat"])
    project.set_labels(third, [], negative=True)
    project.set_labels(last, [])
    (tmp_path / "labels.csv").write_text(label_table(project))

    report = read_labels(project.images_root, tmp_path / "labels.csv", "auto")

    for image_id in IDS:
        found, record = report.new_image(image_id), project.catalog.get(image_id)
        assert (found.labels, found.unknown, found.negative) == (record.labels, record.unknown, record.negative)
    assert not report.conflicts
