"""YOLO polygons give back the pixels when they are drawn; Ultralytics itself reads them where it is installed."""

import json
import os
import subprocess
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image, ImageDraw

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.masks import Mask
from tests.exports import IDS, MASK, SPLITS, exported, filled, sets

JUDGE = Path(__file__).with_name("ultralytics_judge.py")


def drawn(text: str, size: tuple[int, int]) -> Mask:
    """Return the mask of a label file: every polygon drawn with its line, as training does."""
    found: dict[int, np.ndarray] = {}
    for line in text.splitlines():
        kind, *numbers = line.split()
        points = np.array(numbers, float).reshape(-1, 2)
        assert ((points > 0) & (points < 1)).all()
        assert len(points) >= 3
        image = Image.new("1", size[::-1])
        ImageDraw.Draw(image).polygon([tuple(p) for p in (points * size[::-1]).tolist()], outline=1, fill=1)
        value = int(kind) + 1
        found[value] = found.get(value, np.zeros(size, bool)) | np.array(image)
    return filled(found, size)


@given(sets())
@settings(max_examples=20, deadline=None)
def test_drawing_the_polygons_gives_the_pixels(tmp_path_factory, given) -> None:
    classes, masks = given
    out = tmp_path_factory.mktemp("yolo")
    report = exported(out, masks, "yolo", classes=classes)
    for image_id, mask in masks.items():
        text = (out / "labels" / SPLITS.get(image_id, "default") / f"{image_id[:-4]}.txt").read_text()
        np.testing.assert_array_equal(drawn(text, mask.shape), np.where(mask == IGNORE, 0, mask))
    has_ignore = any((mask == IGNORE).any() for mask in masks.values())
    assert ("ignored pixels" in report.summary()) == has_ignore


def test_images_lie_where_labels_are_looked_for(tmp_path) -> None:
    Image.new("RGB", (4, 3)).save(tmp_path / "a.jpg")
    exported(tmp_path / "out", {"a.jpg": MASK}, "yolo", photos=tmp_path, images="copy")
    assert (tmp_path / "out/images/train/a.jpg").is_file()
    assert (tmp_path / "out/labels/train/a.txt").is_file()
    assert '  1: "traffic light"' in (tmp_path / "out/data.yaml").read_text().splitlines()


@pytest.mark.slow
def test_ultralytics_finds_the_same_pixels(tmp_path) -> None:
    judge = os.environ.get("WSSS_ULTRALYTICS")
    if not judge:
        pytest.skip("WSSS_ULTRALYTICS names no Python with ultralytics, whose packages conflict with ours")
    masks = {image_id: np.tile(MASK, (5, 4)) for image_id in IDS}
    for image_id, mask in masks.items():
        (tmp_path / "images" / image_id).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", mask.shape[::-1]).save(tmp_path / "images" / image_id)
    exported(tmp_path / "out", masks, "yolo", photos=tmp_path / "images", images="copy")
    done = subprocess.run([judge, str(JUDGE), str(tmp_path / "out")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["labels"] == ["cat", "traffic light"]
    assert len(found["items"]) == len(IDS)
    for _, digests in found["items"]:
        assert digests == {
            name: sha256((masks[IDS[0]] == value).tobytes()).hexdigest()
            for value, name in enumerate(found["labels"], 1)
        }
