"""Small pictures: size, orientation, what is drawn in, and the files that keep them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.session.pictures.drawing import LONG_SIDE, keep_picture, kept_picture, small_picture, with_mask

PALETTE = ClassList(("cat", "dog")).palette


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_pictures_keep_their_shape_and_become_small(tmp_path: Path, suffix: str) -> None:
    Image.new("RGB", (1200, 600), (200, 40, 40)).save(tmp_path / f"a.{suffix}")
    found = small_picture(tmp_path / f"a.{suffix}")
    assert found.shape == (LONG_SIDE // 2, LONG_SIDE, 3)
    assert np.abs(found.astype(int) - (200, 40, 40)).max() < 4


def test_pictures_are_upright(tmp_path: Path) -> None:
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, :40] = 255
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned clockwise
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=turned, quality=95)
    found = small_picture(tmp_path / "a.jpg")
    assert found.shape == (80, 40, 3)
    assert found[:30].min() > 200 > 50 > found[50:].max()


def test_what_is_no_picture_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"nothing")
    with pytest.raises(ProjectError, match=r"a\.jpg"):
        small_picture(tmp_path / "a.jpg")


def test_a_persons_mask_is_tinted_and_a_machines_outlined() -> None:
    picture = np.full((60, 90, 3), 100, np.uint8)
    mask = np.zeros((600, 900), np.uint8)
    mask[200:400, 300:600] = 2
    person, machine = (with_mask(picture, mask, PALETTE, tinted) for tinted in (True, False))
    assert (person[:15] == 100).all()
    assert (machine[20, 30:60] == PALETTE[2]).all()
    assert (person[20, 30:60] == PALETTE[2]).all()
    assert (machine[30, 45] == 100).all()
    assert (person[30, 45] != 100).any()
    assert not (person[30, 45] == PALETTE[2]).all()


def test_a_mask_that_covers_the_picture_is_outlined_at_its_border() -> None:
    drawn = with_mask(np.full((60, 90, 3), 100, np.uint8), np.full((60, 90), 1, np.uint8), PALETTE, tinted=False)
    assert (drawn[0] == PALETTE[1]).all()
    assert (drawn[:, -1] == PALETTE[1]).all()
    assert (drawn[5:-5, 5:-5] == 100).all()


def test_kept_pictures_are_known_by_their_key(tmp_path: Path) -> None:
    path = tmp_path / "day 1" / "ä.png.jpg"
    picture = np.full((60, 90, 3), 100, np.uint8)
    assert kept_picture(path, "one") is None
    keep_picture(path, picture, "one")
    assert kept_picture(path, "two") is None
    found = kept_picture(path, "one")
    assert found is not None
    assert np.abs(found.astype(int) - 100).max() < 3
    path.write_bytes(path.read_bytes()[:40])
    assert kept_picture(path, "one") is None
    assert [one.name for one in path.parent.iterdir()] == [path.name]
