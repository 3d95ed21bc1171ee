"""Masks out of a project, from a terminal."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.cli import main
from napari_wsss.commands.base import CORRECTABLE, DONE


def test_import_accept_and_export_give_the_same_masks(
    project_folder: Path, sample_folder: Path, sample_masks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["import-masks", "--project", str(project_folder), "--masks", sample_masks, "--accept"]
    assert main([*command, "--split", "train", "--limit", "3"]) == DONE
    text = capsys.readouterr().out
    assert "10 masks can be used" in text
    assert "3 masks taken as accepted masks" in text
    out = tmp_path / "out"
    assert main(["export", "--project", str(project_folder), "--out", str(out), "--grey", "--sources"]) == DONE
    assert "todo 7" in capsys.readouterr().out
    written = sorted((out / "SegmentationClass").rglob("*.png"))
    assert len(written) == 3
    for path in written:
        np.testing.assert_array_equal(Image.open(path), Image.open(sample_folder / "SegmentationClass" / path.name))
    assert main(["export", "--project", str(project_folder), "--out", str(out)]) == CORRECTABLE, "another choice"


def test_a_dry_run_writes_nothing(project_folder: Path, sample_masks: str, tmp_path: Path) -> None:
    main(["import-masks", "--project", str(project_folder), "--masks", sample_masks, "--accept"])
    assert main(["export", "--project", str(project_folder), "--out", str(tmp_path / "out"), "--dry-run"]) == DONE
    assert not (tmp_path / "out").exists()


def test_export_hands_out_what_was_accepted(project_folder: Path, sample_masks: str, tmp_path: Path) -> None:
    command = ["import-masks", "--project", str(project_folder), "--masks", sample_masks, "--accept"]
    assert main(command) == DONE
    first, second, third = sorted((project_folder / "masks").glob("*.png"))[:3]
    wanted = {path.name: np.array(Image.open(path)) for path in (first, second, third)}
    first.unlink()
    shutil.copy(third, second)
    assert main(["export", "--project", str(project_folder), "--out", str(tmp_path / "out"), "--sources"]) == DONE
    written = list((tmp_path / "out" / "SegmentationClass").glob("*.png"))
    assert len(written) == 10
    for path in written:
        stem = next((name for name in wanted if name.startswith(f"{path.stem}.")), None)
        if stem:
            assert np.array_equal(np.array(Image.open(path)), wanted[stem])


def test_formats_of_other_tools_are_one_option(project_folder: Path, sample_masks: str, tmp_path: Path) -> None:
    main(["import-masks", "--project", str(project_folder), "--masks", sample_masks, "--accept"])
    out = tmp_path / "out"
    command = ["export", "--project", str(project_folder), "--out", str(out), "--format", "coco", "yolo", "--previews"]
    assert main([*command, "--images", "copy", "--search", "split:val"]) == DONE
    record = json.loads((out / "coco/annotations/instances_val.json").read_text())
    assert len(record["images"]) == 2
    assert len(list((out / "yolo/images/val").iterdir())) == len(list((out / "preview").iterdir())) == 2


def test_the_same_command_again_writes_only_what_changed(
    project_folder: Path, sample_masks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["import-masks", "--project", str(project_folder), "--masks", sample_masks, "--accept"])
    command = ["export", "--project", str(project_folder), "--out", str(tmp_path / "out")]
    assert main(command) == DONE
    capsys.readouterr()
    assert main([*command, "--json"]) == DONE
    files = json.loads(capsys.readouterr().out)["files"]
    assert (files["new"], files["replaced"], files["kept"] > 10) == (0, 0, True)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--search", "class:nope"], "class:nope is not known"),
        (["--format", "coco", "maps_npz"], "formats of one kind"),
        (["--what", "maps", "--format", "coco"], "coco does not write activation maps"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    project_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], word: str
) -> None:
    assert main(["export", "--project", str(project_folder), "--out", str(tmp_path / "out"), *options]) == CORRECTABLE
    assert word in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_nothing_to_hand_out_is_said(project_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export = ["export", "--project", str(project_folder), "--out", str(tmp_path / "out")]
    assert main([*export, "--what", "maps"]) == CORRECTABLE
    assert "10 images have none yet" in capsys.readouterr().out
    for options, words in (
        ([], "No image is accepted"),
        (["--search", "name:nothing_like_it"], "'name:nothing_like_it' finds no image"),
        (["--search", "split:train"], "of which none is accepted"),
        (["--states", "skipped", "flagged"], "No image is skipped or flagged"),
    ):
        assert main([*export, *options]) == CORRECTABLE
        said = capsys.readouterr().err
        assert words in said
        assert "10 images: 10 todo" in said
    assert not (tmp_path / "out").exists()
