"""Planes and channels as pictures: the same file gives other pixels, sizes and words for each."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.pixels.decoding.planes import check_has
from napari_wsss.pixels.images import check_image, content_hash, read_header, read_image
from tests.pixels.decoding.test_stacks import SAID, samples


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    tifffile.imwrite(tmp_path / "s.ome.tif", samples(), ome=True, metadata=SAID)
    return tmp_path / "s.ome.tif"


def test_a_plane_is_a_picture_of_its_own(stack: Path) -> None:
    planes = [stack / f"page-{number:04d}.png" for number in (1, 2)]
    first, second = (read_image(plane) for plane in planes)
    assert first.grey
    assert first.pixels.shape == (20, 30, 3)
    assert (first.pixels != second.pixels).any()
    np.testing.assert_array_equal(first.pixels, read_image(stack).pixels)
    assert "focus plane 2 of 5" in second.told
    assert "GFP" in second.told
    assert second.altered.endswith("first of 3 channels")
    assert len({content_hash(path) for path in (*planes, stack)}) == 3
    assert read_header(planes[1]).size == (20, 30)
    check_image(planes[1])


def test_channels_make_the_picture(stack: Path) -> None:
    grey = read_image(stack / "page-0002.png", (0, 100), (2,))
    colour = read_image(stack / "page-0002.png", (0, 100), (0, 2, 3))
    assert grey.grey
    assert not colour.grey
    np.testing.assert_array_equal(grey.pixels[..., 0], colour.pixels[..., 1])
    assert not colour.pixels[..., 0].any()
    assert "channel 2 (GFP) in grey" in grey.altered
    whole = read_image(stack, channels=(2,))
    assert "first of 5 focus planes" in whole.altered
    assert "channels" not in whole.altered


def test_what_is_not_there_is_said(stack: Path) -> None:
    with pytest.raises(ProjectError, match="5 page"):
        read_image(stack / "page-0006.png")
    with pytest.raises(ProjectError, match="5 page"):
        read_header(stack / "page-0006.png")
    with pytest.raises(ProjectError, match=r"3 channel\(s\), not 4"):
        read_image(stack, channels=(4,))
    with pytest.raises(ProjectError, match="not 4"):
        check_has(stack / "page-0001.png", (4,))
    with pytest.raises(ProjectError):
        check_image(stack.parent / "gone.tif" / "page-0001.png")


def test_colour_photographs_have_channels_too(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 255, (8, 9, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    green = read_image(tmp_path / "a.png", channels=(2,))
    assert green.grey
    np.testing.assert_array_equal(green.pixels[..., 0], values[..., 1])
    check_has(tmp_path / "a.png", (9,))  # nothing is read of it: reading says so
    with pytest.raises(ProjectError):
        read_image(tmp_path / "a.png", channels=(9,))


def test_pages_that_tifffile_cannot_unpack_are_read_by_pillow(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((8, 9, 3), tone, np.uint8)) for tone in (10, 200)]
    pages[0].save(tmp_path / "lzw.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    assert abs(int(read_image(tmp_path / "lzw.tif" / "page-0002.png").pixels.mean()) - 200) < 2
    assert abs(int(read_image(tmp_path / "lzw.tif", channels=(1,)).pixels.mean()) - 10) < 2
