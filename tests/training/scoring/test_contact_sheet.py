from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.maps import ActivationMaps
from training.scoring.contact_sheet import contact_sheet, overlaid

PALETTE = ClassList("ab").palette
GREY = np.full((4, 6, 3), 100, np.uint8)


def test_zero_maps_leave_the_grey_image() -> None:
    maps = ActivationMaps(np.zeros((1, 4, 6), np.float32), (1,))

    np.testing.assert_array_equal(overlaid(GREY, maps, PALETTE), GREY)


def test_the_strongest_class_colours_a_pixel() -> None:
    scores = np.zeros((2, 4, 6), np.float32)
    scores[1, 0, 0] = 1

    found = overlaid(GREY, ActivationMaps(scores, (0, 1)), PALETTE).astype(float)

    wanted = PALETTE[2].astype(float)
    assert np.abs(found[0, 0] - wanted).sum() < np.abs(GREY[0, 0] - wanted).sum()


def test_images_of_different_shapes_fit_on_one_sheet(tmp_path: Path) -> None:
    maps = ActivationMaps(np.ones((1, 4, 6), np.float32), (0,))
    tall = np.full((9, 3, 3), 50, np.uint8)
    rows = [[("a", GREY, None, PALETTE), ("CAM", GREY, maps, PALETTE)], [("b", tall, None, PALETTE)]]

    contact_sheet(tmp_path / "sheet.png", rows)

    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > sheet.height / 2


def test_nothing_to_show_writes_nothing(tmp_path: Path) -> None:
    contact_sheet(tmp_path / "sheet.png", [])

    assert not (tmp_path / "sheet.png").exists()
