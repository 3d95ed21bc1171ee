"""Datumaro's JSON; and Datumaro itself, where it is installed, as judge of all formats it reads."""

import json
import os
import subprocess
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image
from pycocotools import mask as run_lengths

from napari_wsss.core.classes import IGNORE, ClassList
from napari_wsss.core.masks import Mask
from tests.exports import IDS, MASK, exported, filled, sets

JUDGE = Path(__file__).with_name("datumaro_judge.py")
NAMES = {
    "voc": "voc_segmentation",
    "cvat_masks": "voc_segmentation",
    "coco": "coco",
    "coco_polygons": "coco",
    "datumaro": "datumaro",
    "cvat_images": "cvat",
}
"""Format -> what Datumaro calls it."""


@given(sets())
@settings(max_examples=20, deadline=None)
def test_masks_come_back(tmp_path_factory, given) -> None:
    classes, masks = given
    out = tmp_path_factory.mktemp("datumaro")
    exported(out, masks, "datumaro", classes=classes)
    items = {}
    for path in (out / "annotations").iterdir():
        record = json.loads(path.read_text(encoding="utf-8"))
        names = [one["name"] for one in record["categories"]["label"]["labels"]]
        assert names[1 : len(classes) + 1] == list(classes.names)
        items |= {one["id"]: one for one in record["items"]}
    for image_id, mask in masks.items():
        item = items[image_id[:-4]]
        found = {
            one["label_id"] if one["label_id"] <= len(classes) else IGNORE: run_lengths.decode(one["rle"]) != 0
            for one in item["annotations"]
        }
        np.testing.assert_array_equal(filled(found, tuple(item["image"]["size"])), mask)


@pytest.fixture
def judge() -> str:
    found = os.environ.get("WSSS_DATUMARO")
    if not found:
        pytest.skip("WSSS_DATUMARO names no Python with datumaro, whose packages conflict with ours")
    return found


def digests(mask: Mask, classes: ClassList) -> dict[str, str]:
    """Return class name -> digest of where it is."""
    values = {classes.name_of(value): mask == value for value in np.unique(mask).tolist() if value}
    return {name: sha256(where.tobytes()).hexdigest() for name, where in values.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_datumaro_finds_every_image_once_under_our_class_names(tmp_path: Path, judge: str, name: str) -> None:
    classes = ClassList(["cat", "traffic light", 'Ünïcode, <b> & "q"', *(f"class {k}" for k in range(20))])
    random = np.random.default_rng(0)
    masks = {one: np.kron(random.choice(classes.values(), (7, 9)), np.ones((6, 5))).astype(np.uint8) for one in IDS}
    masks[IDS[0]][8:20, 8:20] = np.tile(MASK, (3, 3))[:, :12].repeat(2, axis=0)[:12]
    for image_id, mask in masks.items():
        (tmp_path / "photos" / image_id).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", mask.shape[::-1]).save(tmp_path / "photos" / image_id)
    out = tmp_path / "out"
    exported(out, masks, name, classes=classes, photos=tmp_path / "photos", images="copy")
    if name == "cvat_masks":
        with zipfile.ZipFile(out / "cvat-masks.zip") as packed:
            packed.extractall(out := tmp_path / "unpacked")
    done = subprocess.run([judge, str(JUDGE), str(out), NAMES[name]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert [one for one in found["labels"] if one not in ("background", "ignore")] == list(classes.names)
    assert sorted(item for item, _, _ in found["items"]) == sorted(one[:-4] for one in IDS)
    for item, _, said in found["items"]:
        said.pop("background", None)
        (mask,) = (mask for image_id, mask in masks.items() if image_id[:-4] == item)
        assert said == digests(mask, classes)
