"""New, moved and deep pictures of a project, from a terminal."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.cli import main
from napari_wsss.commands.base import CORRECTABLE, DONE
from napari_wsss.project.project import Project


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Return a folder of three pictures and a table of labels that a project was made of, in the folder beside it."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name in "abc":
        write_picture(folder / f"{name}.png")
    (folder / "labels.csv").write_text("image,labels,split\na.png,cat,train\nb.png,dog,val\nc.png,cat;dog,train\n")
    assert main(["create", "--images", str(folder), "--project", str(tmp_path / "project")]) == DONE
    return folder


def write_picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(len(path.name)).integers(0, 255, (8, 9, 3), np.uint8)).save(path)


def test_scaling_of_deep_pictures_is_chosen_per_project(project_folder: Path) -> None:
    assert main(["scale-deep", "--project", str(project_folder), "--low", "1", "--high", "99"]) == DONE
    with Project.open_to_read(project_folder) as project:
        assert project.deep_percentiles == (1, 99)
    assert main(["scale-deep", "--project", str(project_folder), "--low", "99", "--high", "1"]) == CORRECTABLE


def test_new_pictures_come_into_a_project(photographs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = str(photographs.parent / "project")
    write_picture(photographs / "new" / "d.png")
    write_picture(photographs / "new" / "e.png")
    (photographs / "f.png").write_text("no picture")
    with (photographs / "labels.csv").open("a") as file:
        file.write("new/d.png,dog,\n")
    capsys.readouterr()

    assert main(["add-images", "--project", project, "--dry-run"]) == DONE
    text = capsys.readouterr().out
    assert "2 new images" in text
    assert "1 with labels" in text
    assert "Left out: f.png" in text
    assert main(["add-images", "--project", project, str(photographs / "new" / "d.png"), "--hold-out", "0"]) == DONE
    assert "Added: train 1. The project has 4 images now." in capsys.readouterr().out
    assert main(["add-images", "--project", project, "--kind", "none"]) == DONE
    assert main(["add-images", "--project", project, "--kind", "none"]) == DONE
    assert "0 new images" in capsys.readouterr().out
    with Project.open(project) as found:
        assert list(found.catalog.ids()) == ["a.png", "b.png", "c.png", "new/d.png", "new/e.png"]
        assert found.catalog.get("new/d.png").labels == {"dog"}
        assert found.catalog.get("new/e.png").labels == frozenset()
        assert found.catalog.get("new/e.png").split in ("train", "val")


def test_moved_pictures_are_found_before_new_ones_are_taken(
    photographs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = str(photographs.parent / "project")
    moved = photographs.parent / "far" / "far" / "far" / "pictures"
    moved.parent.mkdir(parents=True)
    photographs.rename(moved)
    (moved / "b.png").unlink()
    assert main(["locate-images", "--project", project, "--images", str(photographs.parent / "project")]) == CORRECTABLE
    assert "folder that holds" in capsys.readouterr().err
    assert main(["locate-images", "--project", project, "--images", str(moved)]) == CORRECTABLE
    assert "1 are missing: b.png" in capsys.readouterr().out
    monkeypatch.setattr("napari_wsss.commands.images.MISSING_SHOWN", 0)
    assert main(["locate-images", "--project", project]) == CORRECTABLE
    assert "and 1 more (--all names them)" in capsys.readouterr().out
    assert main(["locate-images", "--project", project, "--all"]) == CORRECTABLE
    assert "1 are missing: b.png" in capsys.readouterr().out
    write_picture(moved / "sub" / "b.png")
    assert main(["add-images", "--project", project]) == DONE
    assert "locate-images first" in capsys.readouterr().out
    assert main(["locate-images", "--project", project]) == DONE
    assert f"3 of 3 images are in {moved}" in capsys.readouterr().out
