"""COCO as pycocotools reads it."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from pycocotools.coco import COCO

from napari_wsss.core.classes import IGNORE, ClassList
from napari_wsss.core.masks import Mask
from tests.exports import IDS, MASK, SPLITS, exported, filled, sets


def read_by_pycocotools(out, classes: ClassList) -> dict[str, Mask]:
    """Return the mask of every image; categories are named as the classes, ignored pixels are a crowd."""
    found = {}
    for path in sorted((out / "annotations").iterdir()):
        coco = COCO(str(path))
        names = {one["id"]: one["name"] for one in coco.loadCats(coco.getCatIds())}
        assert {value: names[value] for value in names if value != IGNORE} == dict(enumerate(classes.names, 1))
        for image in coco.loadImgs(coco.getImgIds()):
            annotations = coco.loadAnns(coco.getAnnIds(image["id"]))
            where = {one["category_id"]: coco.annToMask(one).astype(bool) for one in annotations}
            assert all(one["iscrowd"] == (one["category_id"] == IGNORE) for one in annotations)
            for one in annotations:
                inside = where[one["category_id"]]
                assert one["area"] == inside.sum()
                left, top, width, height = one["bbox"]
                assert inside[top : top + height, left : left + width].sum() == inside.sum()
            found[image["file_name"]] = filled(where, (image["height"], image["width"]))
    return found


@pytest.mark.parametrize("name", ["coco", "coco_polygons"])
@given(given=sets())
@settings(max_examples=20, deadline=None)
def test_masks_come_back(tmp_path_factory, name: str, given) -> None:
    classes, masks = given
    out = tmp_path_factory.mktemp(name)
    exported(out, masks, name, classes=classes)
    found = read_by_pycocotools(out, classes)
    assert found.keys() == masks.keys()
    for image_id, mask in masks.items():
        np.testing.assert_array_equal(found[image_id], mask)


def test_a_file_for_each_split(tmp_path) -> None:
    exported(tmp_path, dict.fromkeys(IDS, MASK), "coco")
    files = {path.stem for path in (tmp_path / "annotations").iterdir()}
    assert files == {f"instances_{split}" for split in (*SPLITS.values(), "default")}


def test_ids_stay_when_images_and_classes_come_to_it(tmp_path) -> None:
    def ids(folder) -> dict[str, list[int]]:
        record = json.loads((folder / "annotations/instances_train.json").read_text())
        return {kind: [one["id"] for one in record[kind]] for kind in ("images", "annotations", "categories")}

    exported(tmp_path / "one", {IDS[0]: MASK}, "coco")
    more = ClassList(["cat", "traffic light", "dog"])
    exported(tmp_path / "two", dict.fromkeys(IDS, MASK), "coco", classes=more)
    before, after = ids(tmp_path / "one"), ids(tmp_path / "two")
    assert all(set(before[kind]) <= set(after[kind]) for kind in before)
