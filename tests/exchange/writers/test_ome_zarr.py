"""OME-Zarr as zarr reads it; ome-zarr itself is the judge where it is installed."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from PIL import Image

from napari_wsss.core.classes import IGNORE
from tests.exports import CLASSES, MASK, exported, sets

JUDGE = Path(__file__).with_name("ome_zarr_judge.py")


@given(sets())
@settings(max_examples=8, deadline=None)
def test_values_names_and_colours_come_back(tmp_path_factory, given) -> None:
    classes, masks = given
    out = tmp_path_factory.mktemp("zarr")
    exported(out, masks, "ome_zarr", classes=classes)
    for image_id, mask in masks.items():
        group = zarr.open_group(str(out / f"{image_id[:-4]}.ome.zarr"), mode="r")
        labels = group["labels"][group["labels"].attrs["labels"][0]]
        scale = labels.attrs["multiscales"][0]
        assert [axis["name"] for axis in scale["axes"]] == ["y", "x"]
        np.testing.assert_array_equal(labels[scale["datasets"][0]["path"]][:], mask)
        said = labels.attrs["image-label"]
        named = {one["label-value"]: one["class"] for one in said["properties"]}
        assert named == dict(enumerate(classes.names, 1)) | {IGNORE: "ignore"}
        assert {one["label-value"]: one["rgba"][:3] for one in said["colors"]} == {
            value: classes.palette[value].tolist() for value in named
        }


def test_large_masks_are_cut_into_chunks(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).integers(0, 3, (1030, 2050)).astype(np.uint8)
    exported(tmp_path, {"a.jpg": mask}, "ome_zarr")
    found = zarr.open_array(str(tmp_path / "a.ome.zarr/labels/classes/0"), mode="r")
    assert found.chunks == (1024, 1024)
    np.testing.assert_array_equal(found[:], mask)


def test_links_are_none_here(tmp_path: Path) -> None:
    assert "not linked" in exported(tmp_path, {"a.jpg": MASK}, "ome_zarr", images="link").summary()


@pytest.mark.slow
def test_ome_zarr_finds_labels_and_pixels(tmp_path: Path) -> None:
    judge = sys.executable if find_spec("ome_zarr") else os.environ.get("WSSS_OME_ZARR")
    if not judge:
        pytest.skip("neither the extra `judges` is installed, nor does WSSS_OME_ZARR name a Python with ome-zarr")
    pixels = np.random.default_rng(0).integers(0, 255, (3, 4, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    exported(tmp_path / "out", {"a.png": MASK}, "ome_zarr", photos=tmp_path, images="copy")
    command = [judge, str(JUDGE), str(tmp_path / "out/a.ome.zarr")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_array_equal(found["values"], MASK)
    np.testing.assert_array_equal(found["pixels"], pixels.transpose(2, 0, 1))
    assert found["names"] == {"1": "cat", "2": "traffic light", "255": "ignore"}
    np.testing.assert_allclose(found["colours"]["1"], np.array([*CLASSES.palette[1], 255]) / 255)
