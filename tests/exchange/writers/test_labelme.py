"""LabelMe's polygons give back the pixels as LabelMe turns them into masks."""

import json

import numpy as np
from hypothesis import given, settings
from PIL import Image, ImageDraw

from napari_wsss.core.classes import IGNORE
from tests.exports import MASK, exported, filled, sets


def shape_to_mask(size: tuple[int, int], points: list[list[float]]) -> np.ndarray:
    """Return (H, W) bool as ``labelme.utils.shape_to_mask`` fills a polygon."""
    image = Image.new("L", size[::-1])
    ImageDraw.Draw(image).polygon(xy=[tuple(point) for point in points], outline=1, fill=1)
    return np.array(image, bool)


@given(sets())
@settings(max_examples=20, deadline=None)
def test_masks_come_back_by_the_names_of_the_classes(tmp_path_factory, given) -> None:
    classes, masks = given
    out = tmp_path_factory.mktemp("labelme")
    exported(out, masks, "labelme", classes=classes)
    for image_id, mask in masks.items():
        record = json.loads((out / f"{image_id[:-4]}.json").read_text(encoding="utf-8"))
        assert (record["imageHeight"], record["imageWidth"]) == mask.shape
        found: dict[int, np.ndarray] = {}
        for shape in record["shapes"]:
            name = shape["label"]
            value = IGNORE if name == "ignore" and name not in classes.names else classes.mask_value(name)
            found[value] = found.get(value, False) | shape_to_mask(mask.shape, shape["points"])
        np.testing.assert_array_equal(filled(found, mask.shape), mask)


def test_the_image_is_named_beside_its_file(tmp_path) -> None:
    exported(tmp_path, {"day 1/a.jpg": MASK}, "labelme")
    assert json.loads((tmp_path / "day 1/a.json").read_text())["imagePath"] == "a.jpg"
