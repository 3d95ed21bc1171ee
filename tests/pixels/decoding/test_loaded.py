"""What was changed on the way to a picture is said beside it."""

from pathlib import Path

import numpy as np

from napari_wsss.pixels.decoding.loaded import LoadedImage, from_samples, over_white, turned, unreadable
from napari_wsss.pixels.decoding.tiff_bands import Bands


def test_grey_is_known() -> None:
    assert from_samples(np.zeros((2, 3), np.uint16), None, (0, 100)).grey
    assert not from_samples(np.zeros((2, 3, 3), np.uint16), Bands(3), (0, 100)).grey


def test_notes_are_one_line() -> None:
    loaded = LoadedImage(np.zeros((1, 1, 3), np.uint8), "16-bit", orientation=6, notes=("first of 2 pages",))
    assert loaded.altered == "16-bit; first of 2 pages"
    assert "orientation 6" in loaded.note


def test_turning_and_blending() -> None:
    values = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    assert turned(values, 6).shape == (2, 1, 3)
    clear, said = over_white(values, np.zeros((1, 2), np.uint8))
    assert (clear == 255).all()
    assert "white" in said
    assert "a.png" in str(unreadable(Path("a.png"), OSError("gone")))


def test_a_link_to_nothing_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to(tmp_path / "gone.jpg")
    assert f"a link to {tmp_path / 'gone.jpg'}, where nothing is" in str(unreadable(tmp_path / "a.jpg", OSError("x")))
    assert "(x)" in str(unreadable(tmp_path / "b.jpg", OSError("x")))
