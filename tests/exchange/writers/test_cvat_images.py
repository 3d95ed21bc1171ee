"""CVAT's XML holds every mask; Datumaro (CVAT's importer) reads it in `test_datumaro`."""

from xml.etree import ElementTree

import numpy as np
from hypothesis import given, settings

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.inside import writable
from tests.exports import exported, filled, sets


@given(sets())
@settings(max_examples=20, deadline=None)
def test_masks_come_back(tmp_path_factory, given) -> None:
    classes, masks = given
    out = tmp_path_factory.mktemp("cvat")
    exported(out, masks, "cvat_images", classes=classes)
    root = ElementTree.parse(out / "annotations.xml").getroot()
    values = {writable(name): value for value, name in enumerate(classes.names, 1)}
    names = [one.findtext("name") for one in root.iter("label")]
    assert names[: len(classes)] == list(values)
    images = {one.get("name"): one for one in root.iter("image")}
    for image_id, mask in masks.items():
        found = {}
        for one in images[image_id].iter("mask"):
            left, top, width, height = (int(one.get(side)) for side in ("left", "top", "width", "height"))
            runs = [int(run) for run in one.get("rle").split(",")]
            inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
            where = np.zeros(mask.shape, bool)
            where[top : top + height, left : left + width] = inside
            found[values.get(one.get("label"), IGNORE)] = where
        np.testing.assert_array_equal(filled(found, mask.shape), mask)
