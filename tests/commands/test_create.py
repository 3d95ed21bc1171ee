"""Making projects from a terminal."""

from pathlib import Path

import pytest
from PIL import Image

from napari_wsss.cli import main
from napari_wsss.commands.base import CORRECTABLE, DONE
from napari_wsss.project.project import Project


def test_sample_makes_a_project_ready_to_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    assert main(["sample", str(folder), "--images", "5", "--size", "64"]) == DONE
    assert "napari-wsss train classifier" in capsys.readouterr().out
    with Project.open(folder) as project:
        assert len(project.catalog) == 5
        assert all(record.labels for record in project.catalog.records())
        assert len(list(project.catalog.ids(split="val"))) == 1
    before = sorted(folder.rglob("*.jpg"))
    assert main(["sample", str(folder)]) == CORRECTABLE
    assert sorted(folder.rglob("*.jpg")) == before
    assert main(["sample", str(tmp_path / "other"), "--images", "0"]) == CORRECTABLE


def test_create_says_what_it_made(tmp_path: Path, sample_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["create", "--images", str(sample_folder), "--project", str(tmp_path / "project")]
    assert main(command) == DONE
    text = capsys.readouterr().out
    assert "10 images, 10 with labels" in text
    assert "train 8, val 2" in text
    assert main(command) == CORRECTABLE
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "already holds a project" in said


def test_a_class_list_with_background_in_front_is_understood(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    command = ["create", "--images", str(tmp_path), "--kind", "none", "--project", str(tmp_path / "p")]
    assert main([*command, "--classes", "background", "cat", "NA"]) == DONE
    with Project.open_to_read(tmp_path / "p") as project:
        assert project.classes.names == ("cat", "NA")
    other = [*command[:-1], str(tmp_path / "q"), "--classes", "cat", "background"]
    assert main(other) == CORRECTABLE


def test_an_encoding_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_bytes("image,label\na.png,고양이\n".encode("euc_kr"))
    assert main(["labels-report", "--images", str(tmp_path), "--encoding", "euc_kr"]) == DONE
    assert "고양이 1" in capsys.readouterr().out


def test_a_project_without_background_is_made_by_an_option(
    tmp_path: Path, sample_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["create", "--images", str(sample_folder), "--project", str(tmp_path / "project"), "--every-pixel"]
    assert main(command) == DONE
    with Project.open(tmp_path / "project") as project:
        assert project.plan.every_pixel
    assert main(["info", str(tmp_path / "project")]) == DONE
    assert "every one belongs to a class" in capsys.readouterr().out


def test_images_without_labels_need_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    command = ["create", "--images", str(tmp_path), "--kind", "none", "--project", str(tmp_path / "p")]
    assert main(command) == CORRECTABLE
    assert "class" in capsys.readouterr().err
    assert main([*command, "--classes", "cat", "dog"]) == DONE
    with Project.open(tmp_path / "p") as project:
        assert project.classes.names == ("cat", "dog")


def test_labels_report_writes_nothing(sample_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(sample_folder.rglob("*"))
    assert main(["labels-report", "--images", str(sample_folder)]) == DONE
    assert "10 images" in capsys.readouterr().out
    assert sorted(sample_folder.rglob("*")) == before
    assert main(["labels-report", "--images", str(sample_folder / "nowhere")]) == CORRECTABLE
