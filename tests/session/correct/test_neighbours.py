"""From a 16-bit OME-TIFF of three channels and five planes to exported masks, plane by plane."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_wsss.cli import main
from napari_wsss.commands.base import DONE
from napari_wsss.project.project import Project
from tests.session.conftest import Sitting, colours_plan, write_checkpoint

PLANE = "red/s.ome.tif/page-{:04d}.png"
SAID = {"axes": "ZCYX", "Channel": {"Name": ["DAPI", "GFP", "RFP"]}}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Return a project on two stacks in which channel 3 has a square in the shown red; pages are its images."""
    for name in "st":
        values = np.random.default_rng(ord(name)).integers(0, 200, (5, 3, 24, 32), dtype=np.uint16)
        values[:, 2, 6:18, 4:14] = 4000
        path = tmp_path / "images" / "red" / f"{name}.ome.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, values, ome=True, metadata=SAID)
    folder = tmp_path / "project"
    options = ["--classes", "red", "green", "blue", "--pages", "--channels", "3,0,1", "--hold-out", "0.5"]
    assert main(["create", "--images", str(tmp_path / "images"), "--project", str(folder), *options]) == DONE
    write_checkpoint(folder)
    with Project.open(folder) as project:
        project.set_plan(colours_plan())
    return folder


def test_planes_are_created_localized_shown_accepted_and_exported(made: Path, tmp_path: Path) -> None:
    with Project.open_to_read(made) as project:
        assert len(project.catalog) == 10
        stacks_of = [{one.split("/")[1] for one in project.catalog.ids(split=split)} for split in ("train", "val")]
        assert len(stacks_of[0]) == len(stacks_of[1]) == 1, "planes of one stack are not in both"
    sitting = Sitting(tmp_path / "config")
    session = sitting.session
    session.open_project(made)
    assert session.navigation.go_to(PLANE.format(2))
    session.inference.start()
    sitting.settle()
    table = session.table
    assert table is not None
    assert "focus plane 2 of 5" in table.image_note
    assert "3 (RFP) in red" in table.image_note
    assert table.image[10, 8, 0] > 200
    assert not table.image[..., 1].any()
    assert table.proposal is not None
    assert table.proposal[10, 8] == 1
    assert sitting.accept(and_next=False)
    accepted = table.mask.copy()

    assert session.navigation.go_to(PLANE.format(3))
    assert session.neighbours.found() == PLANE.format(2)
    assert not table.mask.any(), "never by itself"
    sitting.paint(2, slice(0, 2), slice(0, 2))
    assert session.neighbours.take()
    wanted = accepted.copy()
    wanted[0:2, 0:2] = 2
    np.testing.assert_array_equal(table.mask, wanted)
    assert table.person_pixels[0, 0]
    assert not table.person_pixels[10, 8]
    assert sitting.accept(and_next=False)
    assert session.navigation.go_to(PLANE.format(5))
    assert not session.neighbours.take()
    session.close_project()

    out = tmp_path / "out"
    command = ["export", "--project", str(made), "--out", str(out), "--images", "copy"]
    assert main([*command, "--format", "voc"]) == DONE
    exported = np.asarray(Image.open(out / "SegmentationClass" / "red/s.ome.tif/page-0002.png"))
    np.testing.assert_array_equal(exported, accepted)
    with Image.open(out / "JPEGImages" / "red/s.ome.tif/page-0002.png") as picture:
        assert picture.size == (32, 24)


def test_planes_of_a_moved_stack_are_found_again(made: Path, tmp_path: Path) -> None:
    with Project.open(made) as project:
        known = [project.image_hash(one) for one in project.catalog.ids()]
        assert len(set(known)) == 10
    folder = tmp_path / "images" / "red"
    (folder / "s.ome.tif").rename(folder / "renamed.tif")
    with Project.open(made) as project:
        assert len(project.locate_images()) == 0
        assert project.load_image(PLANE.format(4)).told.startswith("focus plane 4")
        assert [project.image_hash(one) for one in project.catalog.ids()] == known


def test_other_channels_make_other_results(made: Path) -> None:
    with Project.open(made) as project:
        before = project.pixels_hash(PLANE.format(1))
        project.set_channels((2,))
        assert project.pixels_hash(PLANE.format(1)) != before
        assert project.load_image(PLANE.format(1)).grey
        assert project.channels == (2,)


def test_new_stacks_give_their_planes_too(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.zeros((2, 3, 24, 32), np.uint16)
    tifffile.imwrite(tmp_path / "images" / "red" / "u.ome.tif", values, ome=True, metadata=SAID)
    assert main(["add-images", "--project", str(made)]) == DONE
    assert "2 new images" in capsys.readouterr().out
    with Project.open_to_read(made) as project:
        assert project.catalog.get("red/u.ome.tif/page-0002.png").labels == {"red"}
