"""OME-Zarr folders are pictures like files; what a stranger's folder asks for beyond that is refused by name."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.exchange.labels import read_labels
from napari_wsss.pixels.decoding import ome_zarr, stacks
from napari_wsss.pixels.images import check_image, content_hash, find_images, image_size, read_header, read_image
from napari_wsss.project.project import Project

zarr = pytest.importorskip("zarr")
RGB = [{"label": name, "color": code} for name, code in (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))]


def write(
    path: Path, values: NDArray[Any], axes: str, version: int = 2, channels: list[dict[str, Any]] | None = None
) -> Path:
    """Write a folder as bioformats2raw does: a pyramid of two levels, axes, scale in micrometers, channels."""
    group = zarr.open_group(str(path), mode="w", zarr_format=version)
    for level, step in enumerate((1, 2)):
        part = values[..., ::step, ::step]
        chunks = (*(1,) * (values.ndim - 2), 16, 16)
        group.create_array(str(level), data=np.ascontiguousarray(part), chunks=chunks)
    kinds = {"c": "channel", "t": "time"}
    named = [
        {"name": one, "type": kinds.get(one, "space")} | ({"unit": "micrometer"} if one in "zyx" else {})
        for one in axes
    ]
    scale = {"type": "scale", "scale": [1.0] * (len(axes) - 2) + [0.5, 0.25]}
    said: dict[str, Any] = {
        "multiscales": [
            {"axes": named, "datasets": [{"path": str(n), "coordinateTransformations": [scale]} for n in (0, 1)]}
        ]
    }
    said |= {"omero": {"channels": channels}} if channels else {}
    group.attrs.update(said if version == 2 else {"ome": {"version": "0.5", **said}})
    return path


def samples(*shape: int, dtype: str = "uint16") -> NDArray[Any]:
    return np.random.default_rng(0).integers(0, 250, shape).astype(dtype)


@pytest.mark.parametrize("version", [2, 3])
def test_planes_and_channels_as_of_a_stack(tmp_path: Path, version: int) -> None:
    values = samples(2, 3, 4, 40, 30)
    path = write(
        tmp_path / "a.ome.zarr", values, "tczyx", version, [{"label": "DAPI"}, {"label": "GFP"}, {"label": "RFP"}]
    )
    stack = stacks.look(path)
    assert stack is not None
    assert (stack.planes, stack.channels, stack.is_volume) == (8, 3, True)
    assert stack.named == "channels 1 DAPI, 2 GFP, 3 RFP; pixel 0.25 x 0.5 µm"
    assert stack.place_of(6) == "time 2 of 2, focus plane 2 of 4"
    read, bands, orientation = stacks.read_plane(path, 6)
    np.testing.assert_array_equal(read, np.moveaxis(values[1, :, 1], 0, -1))
    assert (bands.colour, bands.left_out, orientation) == (1, "first of 3 channels", 1)
    assert stacks.plane_header(path, 8)[0] == (40, 30)
    with pytest.raises(ProjectError, match="not plane 9"):
        stacks.read_plane(path, 9)
    assert stacks.file_and_page(path / stacks.page_name(3)) == (path, 3)


def test_read_as_pictures(tmp_path: Path) -> None:
    colour = samples(3, 20, 30, dtype="uint8")
    path = write(tmp_path / "in" / "colour.ome.zarr", colour, "cyx", channels=RGB)
    loaded = read_image(path)
    np.testing.assert_array_equal(loaded.pixels, np.moveaxis(colour, 0, -1))
    assert loaded.altered == ""
    assert image_size(path) == (20, 30)
    check_image(path)

    deep = write(tmp_path / "in" / "deep.ome.zarr", samples(5, 2, 20, 30), "zcyx")
    loaded = read_image(deep)
    assert loaded.grey
    assert "first of 5 focus planes: volumes are not shown as such" in loaded.altered
    assert "first of 2 channels" in loaded.altered
    assert len(read_header(deep).left_out) == 2
    shown = read_image(deep / stacks.page_name(2), channels=(2,))
    values = samples(5, 2, 20, 30)[1, 1]
    assert np.corrcoef(shown.pixels[..., 0].ravel(), values.ravel())[0, 1] > 0.99
    (tmp_path / "in" / "b.png").write_bytes(b"")
    assert [one.name for one in find_images(tmp_path / "in")] == ["b.png", "colour.ome.zarr", "deep.ome.zarr"]


def test_another_content_has_another_hash(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ome.zarr", samples(20, 30), "yx")
    before = content_hash(path)
    assert before == content_hash(path)
    zarr.open_array(str(path / "0"), mode="r+")[3, 4] = 7777
    assert content_hash(path) != before
    (path / "out").symlink_to(tmp_path)
    with pytest.raises(ProjectError, match="link"):
        content_hash(path)


def test_a_project_of_a_store_beside_a_photograph(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    write(root / "cells.ome.zarr", samples(3, 2, 20, 30), "tcyx")
    (root / "labels.csv").write_text("image,labels\ncells.ome.zarr,cell\n")
    report = read_labels(root, pages=True)
    assert report.images == tuple(f"cells.ome.zarr/page-000{n}.png" for n in (1, 2, 3))
    assert not report.unreadable
    whole = read_labels(root)
    assert whole.images == ("cells.ome.zarr",)
    images = [report.new_image(one) for one in report.images]
    with Project.create(tmp_path / "project", root, ClassList(report.classes), images) as project:
        assert project.load_image(report.images[1]).pixels.shape == (20, 30, 3)
        assert project.image_hash(report.images[0]) != project.image_hash(report.images[1])
    (tmp_path / "moved").mkdir()
    root.rename(tmp_path / "moved" / "photos")
    with Project.open(tmp_path / "project") as project:
        assert project.locate_images(tmp_path / "moved" / "photos") == ()
        project.load_image(report.images[2])


@pytest.mark.parametrize(
    ("file", "change", "says"),
    [
        ("0/.zarray", {"filters": [{"id": "pickle"}]}, "packed by pickle"),
        ("0/.zarray", {"compressor": {"id": "unheard"}}, "packed by unheard"),
        ("0/.zarray", {"shape": [2**20, 2**20]}, "more than is read"),
        ("0/.zarray", {"shape": "large"}, "expected"),
        (".zattrs", {"multiscales": []}, "multiscales"),
        (".zattrs", {"multiscales": [{"datasets": [{"path": "../../secret"}]}]}, "secret"),
        (".zattrs", {"multiscales": [{"axes": ["c", "c"], "datasets": [{"path": "0"}]}]}, "axes"),
    ],
)
def test_a_strangers_folder_is_not_believed(tmp_path: Path, file: str, change: dict[str, Any], says: str) -> None:
    path = write(tmp_path / "a.ome.zarr", samples(20, 30), "yx")
    record = json.loads((path / file).read_text())
    (path / file).write_text(json.dumps(record | change))
    with pytest.raises(ProjectError, match=says):
        read_image(path)
    assert stacks.look(path) is None or "packed" in says


def test_without_the_package_its_name_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.ome.zarr", samples(20, 30), "yx")
    monkeypatch.setitem(sys.modules, "zarr", None)
    assert ome_zarr.look(path) is not None
    with pytest.raises(ProjectError, match=r"napari-wsss\[formats\]"):
        read_image(path)


def test_an_empty_folder_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.ome.zarr").mkdir()
    assert stacks.look(tmp_path / "a.ome.zarr") is None
    with pytest.raises(ProjectError, match="neither"):
        read_image(tmp_path / "a.ome.zarr")
