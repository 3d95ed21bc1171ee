"""Datumaro JSON, after its documentation."""

import json

from napari_wsss.core.classes import ClassList
from napari_wsss.exchange.annotations.painting import Rules, painted

RECORD = {
    "info": {},
    "categories": {"label": {"labels": [{"name": "cat", "parent": ""}, {"name": "dog"}], "attributes": []}},
    "items": [
        {
            "id": "sub/a",
            "annotations": [
                {"id": 0, "type": "label", "label_id": 1},
                {"id": 1, "type": "polygon", "label_id": 0, "points": [0, 0, 4, 0, 4, 2, 0, 2], "z_order": 1},
                {"id": 2, "type": "mask", "label_id": 1, "rle": {"counts": [0, 12], "size": [3, 4]}, "z_order": 0},
                {"id": 3, "type": "bbox", "label_id": 0, "bbox": [0, 0, 1, 1]},
                {"id": 4, "type": "label", "label_id": 9},
            ],
            "image": {"path": "sub/a.jpg", "size": [3, 4]},
        },
        {"id": "b", "annotations": []},
    ],
}


def test_items_of_a_subset(tmp_path, read):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "train.json").write_text(json.dumps(RECORD))
    (first, second), reading = read("datumaro", tmp_path)
    assert (first.names, first.split, first.classes) == (("sub/a.jpg", "sub/a"), "train", {"cat", "dog"})
    assert (second.names, second.classes) == (("b",), None)
    assert (reading.classes, len(reading.unreadable)) == (("cat", "dog"), 1)
    mask = painted(first, (3, 4), Rules(ClassList(["cat", "dog"])))
    assert mask[:, 0].tolist() == [1, 1, 2]
