"""Windows of TIFFs, and masks that are written by the tile."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.pixels import large_tiff as module
from napari_wsss.pixels.large_tiff import GEO_TAGS, LargeTiff, geo_tags_of, size_of, write_mask_tiles

UTM = [
    (33550, 12, 3, (0.5, 0.5, 0.0), True),
    (33922, 12, 6, (0.0, 0.0, 0.0, 500000.0, 4100000.0, 0.0), True),
    (34735, 3, 8, (1, 1, 0, 1, 3072, 0, 1, 32633), True),
]
"""Half a metre per pixel in UTM zone 33 north (EPSG 32633)."""


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (150, 203, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "how",
    [{"tile": (64, 32)}, {"tile": (64, 64), "compression": "zlib"}, {"rowsperstrip": 7}, {"compression": "zlib"}],
)
def test_a_window_is_that_part_of_the_picture(tmp_path: Path, pixels: np.ndarray, how: dict[str, Any]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", **how)
    assert size_of(tmp_path / "a.tif") == (150, 203)
    with LargeTiff(tmp_path / "a.tif") as picture:
        assert picture.size == (150, 203)
        for rows, columns in (
            (slice(0, 150), slice(0, 203)),
            (slice(63, 66), slice(31, 97)),
            (slice(140, 400), slice(200, 500)),
            (slice(5, 6), slice(7, 8)),
        ):
            np.testing.assert_array_equal(picture.read(rows, columns), pixels[rows, columns])


def test_only_the_tiles_that_a_window_touches_are_read(
    tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", tile=(32, 32))
    with LargeTiff(tmp_path / "a.tif") as picture:
        asked: list[int] = []
        real = picture._page.decode
        monkeypatch.setattr(
            picture._page, "decode", lambda data, at, **how: (asked.append(at), real(data, at, **how))[1]
        )
        picture.read(slice(33, 63), slice(40, 70))
    across = -(-203 // 32)
    assert asked == [across + 1, across + 2]


def test_grey_and_inverted_grey_are_colours(tmp_path: Path, pixels: np.ndarray) -> None:
    grey = pixels[..., 0]
    for photometric, wanted in (("minisblack", grey), ("miniswhite", 255 - grey)):
        tifffile.imwrite(tmp_path / "a.tif", grey, photometric=photometric, tile=(32, 32))
        with LargeTiff(tmp_path / "a.tif") as picture:
            found = picture.read(slice(10, 50), slice(0, 203))
        np.testing.assert_array_equal(found, np.repeat(wanted[10:50, :, None], 3, axis=2))


def test_what_cannot_be_read_by_the_window_is_said(
    tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(tmp_path / "deep.tif", pixels.astype(np.uint16), photometric="rgb")
    monkeypatch.setattr(module, "_MOST_PART", 10_000)
    tifffile.imwrite(tmp_path / "strip.tif", pixels, photometric="rgb", rowsperstrip=150)
    (tmp_path / "none.tif").write_bytes(b"II*\0nothing")
    Image.fromarray(pixels).save(tmp_path / "a.png")
    for name, words in (
        ("deep.tif", "uint16"),
        ("strip.tif", "TILED=YES"),
        ("none.tif", r"none\.tif"),
        ("a.png", r"a\.png"),
        ("gone.tif", "gone"),
    ):
        with pytest.raises(ProjectError, match=words):
            LargeTiff(tmp_path / name)
    assert size_of(tmp_path / "a.png") is None
    assert size_of(tmp_path / "none.tif") is None
    assert geo_tags_of(tmp_path / "none.tif") == geo_tags_of(tmp_path / "a.png") == []


def test_a_damaged_tile_is_an_error(tmp_path: Path, pixels: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", tile=(64, 64), compression="zlib")
    content = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        offset = file.pages[0].dataoffsets[0]
    content[offset : offset + 40] = b"\xff" * 40
    (tmp_path / "a.tif").write_bytes(content)
    with LargeTiff(tmp_path / "a.tif") as picture, pytest.raises(ProjectError, match=r"a\.tif"):
        picture.read(slice(0, 64), slice(0, 64))


def test_a_mask_is_written_by_the_tile_and_lies_where_the_picture_does(tmp_path: Path, pixels: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", extratags=UTM)
    tags = geo_tags_of(tmp_path / "a.tif")
    assert [tag[0] for tag in tags] == [tag[0] for tag in UTM]
    mask, side = (pixels[..., 0] % 4).astype(np.uint8), 64
    tiles = (mask[y : y + side, x : x + side] for y in range(0, 150, side) for x in range(0, 203, side))
    palette = np.arange(768, dtype=np.uint32).reshape(256, 3).astype(np.uint8)
    file = io.BytesIO()
    write_mask_tiles(file, mask.shape, tiles, side, palette, tags, {"classes": {"1": "cat"}})
    (tmp_path / "m.tif").write_bytes(file.getvalue())
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "m.tif"), mask)
    with Image.open(tmp_path / "m.tif") as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image), mask)
    with tifffile.TiffFile(tmp_path / "m.tif") as written, tifffile.TiffFile(tmp_path / "a.tif") as source:
        assert written.pages[0].is_tiled
        assert written.pages[0].geotiff_tags == source.pages[0].geotiff_tags
        assert written.pages[0].geotiff_tags["ProjectedCSTypeGeoKey"] == 32633
    assert {tag[0] for tag in tags} <= set(GEO_TAGS)
