"""Polygons in COCO; that they give back the pixels is tried with run lengths in `test_coco`."""

import json

import numpy as np

from tests.exports import exported


def test_a_region_is_a_list_of_numbers_and_what_is_ignored_stays_run_lengths(tmp_path) -> None:
    mask = np.zeros((6, 6), np.uint8)
    mask[1:5, 1:5], mask[2, 2], mask[0, 0] = 1, 0, 255
    exported(tmp_path, {"a.jpg": mask}, "coco_polygons")
    record = json.loads((tmp_path / "annotations/instances_train.json").read_text())
    shapes = {one["category_id"]: one["segmentation"] for one in record["annotations"]}
    assert [len(polygon) % 2 for polygon in shapes[1]] == [0]
    assert shapes[255]["size"] == [6, 6]
