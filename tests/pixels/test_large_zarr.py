"""Windows of OME-Zarr folders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.pixels import by_window
from napari_wsss.pixels.by_window import is_large, open_large
from napari_wsss.pixels.images import read_header
from napari_wsss.pixels.large_zarr import PIXELS, LargeZarr, put_array, put_chunk, put_group, zarr_size

zarr = pytest.importorskip("zarr")

RGB = {"channels": [{"label": n, "color": c} for n, c in (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))]}


def store(folder: Path, pixels: np.ndarray, axes: str, omero: object = None, chunk: int = 64) -> Path:
    """Write a folder of one level."""
    path = folder / "a.ome.zarr"
    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    group.create_array("0", data=pixels, chunks=(*([1] * (pixels.ndim - 2)), chunk, chunk))
    scales = {"axes": [{"name": one} for one in axes.lower()], "datasets": [{"path": "0"}], "version": "0.4"}
    (path / ".zattrs").write_text(json.dumps({"multiscales": [scales], **({"omero": omero} if omero else {})}))
    return path


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (150, 203, 3), dtype=np.uint8)


def test_a_window_is_that_part_of_the_picture(tmp_path: Path, pixels: np.ndarray) -> None:
    path = store(tmp_path, np.moveaxis(pixels, 2, 0), "CYX", RGB)
    assert zarr_size(path) == (150, 203)
    with open_large(path) as picture:
        assert isinstance(picture, LargeZarr)
        assert (picture.size, picture.tags) == ((150, 203), [])
        for rows, columns in (
            (slice(0, 150), slice(0, 203)),
            (slice(63, 66), slice(31, 97)),
            (slice(140, 400), slice(200, 500)),
        ):
            np.testing.assert_array_equal(picture.read(rows, columns), pixels[rows, columns])


def test_of_planes_and_channels_the_first_is_seen_as_grey(tmp_path: Path, pixels: np.ndarray) -> None:
    path = store(tmp_path, np.moveaxis(pixels, 2, 0)[None], "ZCYX")
    with LargeZarr(path) as picture:
        found = picture.read(slice(10, 50), slice(0, 203))
    np.testing.assert_array_equal(found, np.repeat(pixels[10:50, :, :1], 3, axis=2))


def test_only_the_chunks_that_a_window_touches_are_read(tmp_path: Path, pixels: np.ndarray) -> None:
    path = store(tmp_path, np.moveaxis(pixels, 2, 0), "CYX", RGB)
    for chunk in path.glob("0/*"):
        if chunk.name.endswith(".2.3"):
            chunk.write_bytes(b"damaged")
    with LargeZarr(path) as picture:
        picture.read(slice(0, 100), slice(0, 190))
        with pytest.raises(ProjectError, match=r"a\.ome\.zarr"):
            picture.read(slice(0, 150), slice(0, 203))


def test_a_large_one_is_known_by_its_description(
    tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store(tmp_path, np.moveaxis(pixels, 2, 0), "CYX", RGB)
    assert not is_large(path)
    monkeypatch.setattr(by_window, "WHOLE_PIXELS", 150 * 203)
    assert is_large(path, by_window.WHOLE_PIXELS)
    assert read_header(path).size == (150, 203)
    assert "by the window" in read_header(path).left_out[0]


def test_what_cannot_be_read_by_the_window_is_said(tmp_path: Path, pixels: np.ndarray) -> None:
    path = store(tmp_path, np.moveaxis(pixels, 2, 0).astype(np.uint16), "CYX")
    with pytest.raises(ProjectError, match="uint16"):
        LargeZarr(path)
    (tmp_path / "none.ome.zarr").mkdir()
    with pytest.raises(ProjectError, match=r"none\.ome\.zarr"):
        LargeZarr(tmp_path / "none.ome.zarr")
    assert zarr_size(tmp_path / "none.ome.zarr") is None
    assert zarr_size(tmp_path) is None


def test_zarr_reads_what_was_put(tmp_path: Path) -> None:
    """Chunks at the edges are padded, names of any letters kept."""
    values = np.random.default_rng(0).integers(0, 3, (7, 10)).astype(np.uint8)

    def put(path: str, content: str | bytes) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content.encode() if isinstance(content, str) else content)

    put_group(put, "ä", [(1, "Käfer", (1, 2, 3)), (2, "b", (4, 5, 6))])
    put_array(put, PIXELS, values.shape, (4, 4))
    for row in range(2):
        for column in range(3):
            part = values[row * 4 : row * 4 + 4, column * 4 : column * 4 + 4]
            put_chunk(put, PIXELS, (row, column), part, (4, 4))
    labels = zarr.open_group(str(tmp_path), mode="r")["labels/classes"]
    np.testing.assert_array_equal(labels["0"][:], values)
    assert labels.attrs["image-label"]["properties"][0] == {"label-value": 1, "class": "Käfer"}
    assert labels.attrs["image-label"]["colors"][1] == {"label-value": 2, "rgba": [4, 5, 6, 255]}
