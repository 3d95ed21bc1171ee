"""One command for whatever another tool made: it finds out what that is, and nothing usable is no success."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_wsss.cli import main
from napari_wsss.commands.base import CORRECTABLE, DONE
from napari_wsss.pixels.images import image_size
from napari_wsss.project.project import Project

Said = dict[str, Any]


@pytest.fixture
def first(project_folder: Path) -> str:
    with Project.open_to_read(project_folder) as project:
        return next(iter(project.catalog.ids()))


def imported(folder: Path, source: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, Said]:
    code = main(["import", str(source), "--project", str(folder), "--json", *options])
    found: Said = json.loads(capsys.readouterr().out)
    return code, found


def write(tmp_path: Path, what: str, image_id: str, name: str, sample_masks: str) -> Path:
    """Write a source of labels, masks or maps, as some tool does."""
    stem = Path(image_id).stem
    if what == "table":
        (tmp_path / "labels.csv").write_text(f"image,label\n{image_id},{name}\n")
        return tmp_path / "labels.csv"
    if what == "coco without pixels":
        record = {
            "images": [{"id": 1, "file_name": image_id}],
            "categories": [{"id": 1, "name": name}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5]}],
        }
        (tmp_path / "coco.json").write_text(json.dumps(record))
        return tmp_path / "coco.json"
    if what == "zip of masks":
        with zipfile.ZipFile(tmp_path / "job.zip", "w") as archive:
            for path in Path(sample_masks).glob("*.png"):
                archive.write(path, f"SegmentationClass/{path.name}")
            archive.writestr("classes.txt", (Path(sample_masks).parent / "classes.txt").read_text())
        return tmp_path / "job.zip"
    folder = tmp_path / "found"
    folder.mkdir()
    if what == "arrays of maps":
        np.save(folder / f"{stem}.npy", {k: np.random.default_rng(k).random((24, 24)) for k in range(4)})
    else:  # grey pictures of maps
        grey = np.random.default_rng(0).integers(0, 256, (96, 96), np.uint8)
        Image.fromarray(grey).save(folder / f"{stem}_{name}.png")
    return folder


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("table", "labels"),
        ("coco without pixels", "labels"),
        ("zip of masks", "masks"),
        ("arrays of maps", "maps"),
        ("grey pictures of maps", "maps"),
    ],
)
def test_what_it_is_is_found_out(
    source: str,
    what: str,
    project_folder: Path,
    first: str,
    sample_masks: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Project.open_to_read(project_folder) as project:
        name, before = project.classes.names[0], project.catalog.counts()
    capsys.readouterr()
    path = write(tmp_path, source, first, name, sample_masks)
    code, said = imported(project_folder, path, capsys, "--dry-run")
    assert (code, said["what"]) == (DONE, what)
    with Project.open_to_read(project_folder) as project:
        assert project.catalog.counts() == before
        assert project.plan.localizer.method != "imported"
    code, said = imported(project_folder, path, capsys)
    assert code == DONE
    with Project.open_to_read(project_folder) as project:
        assert (project.catalog.counts()["draft"] > 0) == (what == "masks")
        assert (project.plan.localizer.method == "imported") == (what == "maps")
        assert (project.catalog.get(first).labels == {name}) or what != "labels"


def test_what_is_asked_for_counts(
    project_folder: Path, sample_masks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    code, said = imported(project_folder, Path(sample_masks).parent, capsys, "--what", "labels", "--dry-run")
    assert (code, said["what"]) == (DONE, "labels")


@pytest.mark.parametrize("content", [None, "nothing", "image,label\nnobody.jpg,cat\n"])
def test_nothing_usable_is_no_success(
    content: str | None, project_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    path = tmp_path / ("x.csv" if content else "x.odd")
    if content is not None:
        path.write_text(content)
    code, said = imported(project_folder, path, capsys)
    assert code == CORRECTABLE
    assert "x." in said["error"]


def test_a_tiff_that_counts_objects_is_no_map(
    project_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open_to_read(project_folder) as project:
        ids = project.catalog.ids()
        id_ = next(one for one in ids if len(project.catalog.get(one).labels) == 1)
        size = image_size(project.image_path(id_))
    objects = np.zeros(size, np.uint16)
    objects[2:9, 3:12] = 700
    (tmp_path / "counted").mkdir()
    tifffile.imwrite(tmp_path / "counted" / f"{Path(id_).stem}.tif", objects)
    capsys.readouterr()
    code, said = imported(project_folder, tmp_path / "counted", capsys, "--dry-run")
    assert (code, said["what"]) == (CORRECTABLE, "masks")
    assert "instances" in said["notes"][-1]
    code, said = imported(project_folder, tmp_path / "counted", capsys, "--dry-run", "--instances")
    assert (code, said["what"]) == (DONE, "masks")
