"""Windows of a large picture, parts of it at another size, and planes of it at a bounded size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from napari_wsss.pixels import by_window as module
from napari_wsss.pixels.by_window import (
    ScaledView,
    at_size,
    enlarged,
    is_large,
    means,
    mirrored,
    open_large,
    reduced_size,
    reduction,
    windows,
)
from napari_wsss.pixels.resizing import resize

HEIGHT, WIDTH = 230, 301


class InMemory:
    """A picture that counts what is read of it."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels, self.size, self.tags = pixels, pixels.shape[:2], []
        self.largest = 0

    def read(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        part = self.pixels[rows, columns]
        self.largest = max(self.largest, part.shape[0] * part.shape[1])
        return part

    def __enter__(self) -> InMemory:
        return self

    def __exit__(self, *error: object) -> None:
        pass


@pytest.fixture
def picture() -> InMemory:
    coarse = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    return InMemory(resize(coarse, HEIGHT, WIDTH))


@pytest.mark.parametrize(("side", "halo"), [(768, 160), (96, 32), (64, 0), (32, 96)])
def test_windows_join_to_the_picture(picture: InMemory, monkeypatch: pytest.MonkeyPatch, side: int, halo: int) -> None:
    monkeypatch.setattr(module, "SIDE", side)
    monkeypatch.setattr(module, "HALO", halo)
    found = np.zeros_like(picture.pixels)
    counted = np.zeros(picture.size, int)
    for pixels, (rows, columns), kept in windows(picture):
        np.testing.assert_array_equal(pixels, picture.pixels[rows, columns])
        place = (
            slice(rows.start + kept[0].start, rows.start + kept[0].stop),
            slice(columns.start + kept[1].start, columns.start + kept[1].stop),
        )
        found[place], counted[place] = pixels[kept], counted[place] + 1
        assert kept[0].start == min(halo, place[0].start)  # all of the halo that there is
        assert pixels.shape[0] - kept[0].stop == min(halo, HEIGHT - place[0].stop)
    np.testing.assert_array_equal(found, picture.pixels)
    assert (counted == 1).all()


@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (115, 151), (37, 41), (345, 451), (500, 33)])
@pytest.mark.parametrize("at_once", [10**8, 9000])
def test_a_part_of_another_size_is_that_of_the_whole(
    picture: InMemory, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], at_once: int
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    whole, view = resize(picture.pixels, *size).astype(int), ScaledView(picture, *size)
    height, width = size
    for rows, columns in (
        (slice(0, height), slice(0, width)),
        (slice(5, 30), slice(11, 33)),
        (slice(height - 20, height), slice(0, 7)),
        (slice(8, 9), slice(9, 10)),
    ):
        assert np.abs(view[rows, columns].astype(int) - whole[rows, columns]).max() <= 1
        assert np.abs(mirrored(view)[rows, columns].astype(int) - whole[:, ::-1][rows, columns]).max() <= 1
    if at_once == 9000 and size != (37, 41):  # a strongly reduced row is as wide as the picture
        assert picture.largest <= at_once


def test_small_views_are_made_at_once_and_large_ones_never(picture: InMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(at_size(picture, 50, 60), np.ndarray)
    assert at_size(picture.pixels, HEIGHT, WIDTH) is picture.pixels
    monkeypatch.setattr(module, "_AT_ONCE", 4000)
    assert isinstance(at_size(picture, 50, 60), ScaledView)


@pytest.mark.parametrize("size", [(1, 1), (100, 130), (4000, 4001), (30_000, 30_000), (1, 10**9)])
def test_planes_that_are_kept_have_a_bounded_size(size: tuple[int, int]) -> None:
    height, width = reduced_size(*size)
    assert height * width <= module.KEPT_PIXELS
    side = reduction(*size)
    assert (height - 1) * side < size[0] <= height * side
    assert (width - 1) * side < size[1] <= width * side
    assert side == 1 or -(-size[0] * 2 // side) * -(-size[1] * 2 // side) > module.KEPT_PIXELS  # none too coarse


@pytest.mark.parametrize("side", [1, 4, 8])
def test_means_and_windows_of_them(side: int) -> None:
    planes = np.random.default_rng(1).random((2, 45, 62), dtype=np.float32)
    found = means(planes, side)
    assert found.shape == (2, -(-45 // side), -(-62 // side))
    np.testing.assert_allclose(
        found[:, -1, -1], planes[:, (44 // side) * side :, (61 // side) * side :].mean((1, 2)), rtol=1e-5
    )
    whole = enlarged(found, side, slice(0, 45), slice(0, 62))
    if side == 1:
        np.testing.assert_array_equal(whole, planes)
    np.testing.assert_array_equal(enlarged(found, side, slice(7, 33), slice(20, 61)), whole[:, 7:33, 20:61])
    even = np.full((1, 6, 8), 0.25, np.float32)
    np.testing.assert_array_equal(enlarged(even, side, slice(0, 6 * side), slice(3, 8)), 0.25)


def test_a_file_is_large_by_its_header(tmp_path: Path, picture: InMemory) -> None:
    tifffile.imwrite(tmp_path / "a.tif", picture.pixels, photometric="rgb", tile=(64, 64))
    assert is_large(tmp_path / "a.tif", HEIGHT * WIDTH)
    assert not is_large(tmp_path / "a.tif", HEIGHT * WIDTH + 1)
    assert not is_large(tmp_path / "a.tif")
    assert not is_large(tmp_path / "none.png", 1)
    with open_large(tmp_path / "a.tif") as opened:
        np.testing.assert_array_equal(opened.read(slice(3, 9), slice(4, 200)), picture.pixels[3:9, 4:200])
