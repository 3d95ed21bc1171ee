"""OME-Zarr as ome-zarr reads it."""

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from napari_wsss.core.classes import IGNORE
from tests.exports import MASK, exported, sets

ome_zarr_io = pytest.importorskip("ome_zarr.io", reason="the extra `test` brings ome-zarr")
from ome_zarr.reader import Reader  # noqa: E402


def label_node(path):
    return next(
        node for node in Reader(ome_zarr_io.parse_url(str(path / "labels/classes")))() if "color" in node.metadata
    )


@given(sets())
@settings(max_examples=8, deadline=None)
def test_values_names_and_colours_come_back(tmp_path_factory, given) -> None:
    classes, masks = given
    out = tmp_path_factory.mktemp("zarr")
    exported(out, masks, "ome_zarr", classes=classes)
    for image_id, mask in masks.items():
        node = label_node(out / f"{image_id[:-4]}.ome.zarr")
        np.testing.assert_array_equal(np.asarray(node.data[0]), mask)
        named = {value: one["class"] for value, one in node.metadata["properties"].items()}
        assert named == dict(enumerate(classes.names, 1)) | {IGNORE: "ignore"}


def test_copied_images_lie_inside(tmp_path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 4, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    exported(tmp_path / "out", {"a.png": MASK}, "ome_zarr", photos=tmp_path, images="copy")
    image = next(iter(Reader(ome_zarr_io.parse_url(str(tmp_path / "out/a.ome.zarr")))()))
    np.testing.assert_array_equal(np.asarray(image.data[0]), pixels.transpose(2, 0, 1))


def test_large_masks_are_cut_into_chunks(tmp_path) -> None:
    import zarr

    mask = np.random.default_rng(0).integers(0, 3, (1030, 2050)).astype(np.uint8)
    exported(tmp_path, {"a.jpg": mask}, "ome_zarr")
    found = zarr.open(str(tmp_path / "a.ome.zarr/labels/classes/0"), mode="r")
    assert found.chunks == (1024, 1024)
    np.testing.assert_array_equal(found[:], mask)


def test_links_are_none_here(tmp_path) -> None:
    assert "not linked" in exported(tmp_path, {"a.jpg": MASK}, "ome_zarr", images="link").summary()
