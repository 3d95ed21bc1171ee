"""COCO JSON, its masks judged by pycocotools on the same file."""

import json

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.exchange.annotations.painting import Rules, painted

HIGH, WIDE = 40, 50
IMAGES = [{"id": 7, "file_name": "sub/a.jpg", "height": HIGH, "width": WIDE}, {"id": 8, "file_name": "b.jpg"}]
CATEGORIES = [{"id": 18, "name": "dog"}, {"id": 3, "name": "cat"}]


def write(path, annotations):
    path.write_text(json.dumps({"images": IMAGES, "categories": CATEGORIES, "annotations": annotations}))
    return path


def test_labels_masks_and_what_is_wrong(tmp_path, read):
    pycoco = pytest.importorskip("pycocotools.coco", reason="the extra `formats` brings pycocotools")
    mask = pytest.importorskip("pycocotools.mask")
    truth = np.zeros((HIGH, WIDE), np.uint8)
    truth[20:35, 5:30] = 1
    packed = mask.encode(np.asfortranarray(truth))
    plain = [int(one) for one in np.diff([0, *np.flatnonzero(np.diff(truth.T.ravel())) + 1, truth.size])]
    polygon = [10.0, 2.0, 40.0, 5.0, 30.0, 18.0]
    path = write(
        tmp_path / "instances.json",
        [
            {"id": 1, "image_id": 7, "category_id": 3, "segmentation": [polygon], "iscrowd": 0},
            {
                "id": 2,
                "image_id": 7,
                "category_id": 18,
                "segmentation": {"size": [HIGH, WIDE], "counts": packed["counts"].decode()},
                "iscrowd": 1,
            },
            {
                "id": 3,
                "image_id": 7,
                "category_id": 18,
                "segmentation": {"size": [HIGH, WIDE], "counts": plain},
                "iscrowd": 1,
            },
            {"id": 4, "image_id": 7, "category_id": 99, "segmentation": [polygon]},
            {"id": 5, "image_id": 7, "category_id": 3, "segmentation": [[1, 2, 3]]},
        ],
    )
    (first, second), reading = read("coco", path)
    assert (first.names, first.classes, second.classes) == (("sub/a.jpg",), {"cat", "dog"}, None)
    assert reading.classes == ("dog", "cat")
    assert len(reading.unreadable) == 2
    found = painted(first, (HIGH, WIDE), Rules(ClassList(["cat", "dog"])))
    api = pycoco.COCO(str(path))
    np.testing.assert_array_equal(found == 2, api.annToMask(api.anns[2]) == 1)
    np.testing.assert_array_equal(found == 2, api.annToMask(api.anns[3]) == 1)
    by_api = api.annToMask(api.anns[1]) == 1  # draws a polygon with its line
    assert ((found == 1) & by_api).sum() > 0.93 * ((found == 1) | by_api).sum()


def test_a_box_gives_a_label_and_no_pixels(tmp_path, read):
    path = write(tmp_path / "boxes.json", [{"image_id": 8, "category_id": 3, "bbox": [1, 2, 3, 4]}])
    (_, second), _ = read("coco", path)
    assert second.classes == {"cat"}
    assert second.shapes[0].drawing is None
