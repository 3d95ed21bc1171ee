"""ISAT JSON, after its documentation."""

import json

from napari_wsss.core.classes import ClassList
from napari_wsss.exchange.annotations.painting import Rules, painted

WHOLE = [[0, 0], [6, 0], [6, 4], [0, 4]]


def record(objects):
    info = {"description": "ISAT", "folder": "x", "name": "a.jpg", "width": 4, "height": 3, "depth": 3, "note": ""}
    return {"info": info, "objects": objects}


def test_layers_decide_what_is_uppermost_and_holes_are_within_their_pixels(tmp_path, read):
    objects = [
        {"category": "dog", "group": 1, "segmentation": [[0, 0], [1, 0], [1, 4], [0, 4]], "layer": 2.0},
        {"category": "cat", "group": 2, "segmentation": WHOLE, "layer": 1.0},
        {"category": "__background__", "group": 3, "segmentation": [[3, 1], [5, 1], [5, 3], [3, 3]], "layer": 3.0},
        {"category": "cat", "segmentation": "?"},
    ]
    (tmp_path / "a.json").write_text(json.dumps(record(objects)))
    (tmp_path / "b.json").write_text(json.dumps(record([])))
    (first, second), reading = read("isat", tmp_path)
    assert second.classes == frozenset()
    assert len(reading.unreadable) == 1
    around, through = [2, 2, 1, 1, 1, 1, 1, 0], [2, 2, 1, 1, 0, 1, 1, 0]
    found = painted(first, (5, 8), Rules(ClassList(["cat", "dog"])))
    assert found.tolist() == [around, around, through, around, around]
