"""ISAT JSON, after its documentation."""

import json

from napari_wsss.core.classes import ClassList
from napari_wsss.exchange.annotations.painting import Rules, painted

WHOLE = [[0, 0], [4, 0], [4, 3], [0, 3]]


def record(objects):
    info = {"description": "ISAT", "folder": "x", "name": "a.jpg", "width": 4, "height": 3, "depth": 3, "note": ""}
    return {"info": info, "objects": objects}


def test_layers_decide_what_is_uppermost(tmp_path, read):
    objects = [
        {"category": "dog", "group": 1, "segmentation": [[0, 0], [2, 0], [2, 3], [0, 3]], "layer": 2.0},
        {"category": "cat", "group": 2, "segmentation": WHOLE, "layer": 1.0},
        {"category": "__background__", "group": 3, "segmentation": [[3, 0], [4, 0], [4, 3], [3, 3]], "layer": 3.0},
        {"category": "cat", "segmentation": "?"},
    ]
    (tmp_path / "a.json").write_text(json.dumps(record(objects)))
    (tmp_path / "b.json").write_text(json.dumps(record([])))
    (first, second), reading = read("isat", tmp_path)
    assert second.classes == frozenset()
    assert len(reading.unreadable) == 1
    assert painted(first, (3, 4), Rules(ClassList(["cat", "dog"])))[0].tolist() == [2, 2, 1, 0]
