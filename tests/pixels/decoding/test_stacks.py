"""Planes of stacks are told apart by what a file says of its axes, and read one by one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError
from napari_wsss.pixels.decoding import stacks

SAID = {"axes": "ZCYX", "Channel": {"Name": ["DAPI", "GFP", "RFP"]}, "PhysicalSizeX": 0.325, "PhysicalSizeY": 0.325}


def samples() -> NDArray[np.uint16]:
    """Return five planes of three channels, no two alike."""
    return np.random.default_rng(0).integers(0, 4000, (5, 3, 20, 30), dtype=np.uint16)


WAYS: dict[str, dict[str, Any]] = {
    "ome": {"ome": True, "metadata": SAID},
    "ome packed": {"ome": True, "metadata": {"axes": "TCYX"}, "compression": "zlib"},
    "imagej": {"imagej": True, "metadata": {"axes": "ZCYX"}},
    "tifffile": {"metadata": {"axes": "TCYX"}, "compression": "zlib"},
}


@pytest.mark.parametrize("way", WAYS)
def test_channels_in_pages_of_their_own_are_one_plane(tmp_path: Path, way: str) -> None:
    path, values = tmp_path / "s.tif", samples()
    tifffile.imwrite(path, values, **WAYS[way])
    stack = stacks.look(path)
    assert stack is not None
    assert (stack.planes, stack.channels) == (5, 3)
    for plane in (1, 4, 5):
        read, _, orientation = stacks.read_plane(path, plane)
        np.testing.assert_array_equal(read, np.moveaxis(values[plane - 1], 0, -1))
        assert orientation == 1
        assert stacks.plane_header(path, plane)[0] == (20, 30)


def test_two_series_of_planes_are_counted_through(tmp_path: Path) -> None:
    values = np.stack([samples(), samples()[::-1]])
    tifffile.imwrite(tmp_path / "s.tif", values, ome=True, metadata={"axes": "TZCYX"})
    stack = stacks.look(tmp_path / "s.tif")
    assert stack is not None
    assert stack.planes == 10
    read, _, _ = stacks.read_plane(tmp_path / "s.tif", 7)
    np.testing.assert_array_equal(read, np.moveaxis(values[1, 1], 0, -1))
    assert stack.place_of(7) == "time 2 of 2, focus plane 2 of 5"
    assert "volumes" in stack.left_out


def test_plain_pages_are_planes(tmp_path: Path) -> None:
    values = samples()[:, 0]
    with tifffile.TiffWriter(tmp_path / "s.tif") as file:
        for page in values:
            file.write(page, metadata=None, contiguous=False)
    stack = stacks.look(tmp_path / "s.tif")
    assert stack is not None
    assert (stack.planes, stack.channels, stack.left_out, stack.place_of(3)) == (
        5,
        1,
        "first of 5 pages",
        "page 3 of 5",
    )
    np.testing.assert_array_equal(stacks.read_plane(tmp_path / "s.tif", 3)[0][..., 0], values[2])


def test_what_a_file_says_of_itself_is_told_and_nothing_else_believed(tmp_path: Path) -> None:
    path = tmp_path / "s.ome.tif"
    tifffile.imwrite(path, samples(), ome=True, metadata=SAID)
    stack = stacks.look(path)
    assert stack is not None
    assert stack.named == "channels 1 DAPI, 2 GFP, 3 RFP; pixel 0.325 x 0.325 µm"
    odd = {**SAID, "Channel": {"Name": ["a\nb" * 60, "GFP", "RFP"]}, "PhysicalSizeX": float("nan")}
    tifffile.imwrite(path, samples(), ome=True, metadata=odd)
    stack = stacks.look(path)
    assert stack is not None
    assert "\n" not in stack.named
    assert len(stack.names[0]) <= 40
    assert stack.pixel_size == ""


def test_a_plane_that_is_not_there_is_said(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "s.tif", samples()[0, 0])
    with pytest.raises(ProjectError, match="1 page"):
        stacks.read_plane(tmp_path / "s.tif", 2)
    assert stacks.look(tmp_path / "nothing.tif") is None
    (tmp_path / "bad.tif").write_bytes(b"II*\0garbage")
    assert stacks.look(tmp_path / "bad.tif") is None


def test_ids_of_planes_are_paths_below_their_file(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "s.tif", samples()[:, 0])
    ids = stacks.page_ids("s.tif", tmp_path)
    assert ids[2] == "s.tif/page-0003.png"
    assert len(ids) == 5
    assert stacks.file_and_page(tmp_path / ids[2]) == (tmp_path / "s.tif", 3)
    assert stacks.series_of(ids[2]) == "s.tif"
    assert list(stacks.neighbours(ids[0])) == ["s.tif/page-0002.png"]
    assert list(stacks.neighbours(ids[2])) == ["s.tif/page-0002.png", "s.tif/page-0004.png"]
    (tmp_path / "folder.tif").mkdir()  # a folder that is called so holds pictures of its own
    assert stacks.file_and_page(tmp_path / "folder.tif" / "page-0001.png")[1] is None
    assert stacks.page_ids("photo.jpg", tmp_path) == ("photo.jpg",)
    assert list(stacks.neighbours("photo.jpg")) == []
