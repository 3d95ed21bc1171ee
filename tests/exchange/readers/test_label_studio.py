"""Label Studio JSON, after its documentation: full and JSON-MIN."""

import json

import numpy as np

from napari_wsss.core.classes import ClassList
from napari_wsss.exchange.annotations.painting import Rules, painted
from tests.exchange.annotations.test_run_lengths import packed

ALPHA = np.zeros((3, 4), np.uint8)
ALPHA[1, 1:3] = 255
BRUSH = {"format": "rle", "rle": packed(np.repeat(ALPHA[..., None], 4, axis=2).ravel()), "brushlabels": ["cat"]}
POLYGON = {"points": [[0, 0], [100, 0], [100, 100], [0, 100]], "polygonlabels": ["dog"]}
TASKS = [
    {
        "id": 1,
        "data": {"image": "/data/upload/4/1a2b3c4d-a.jpg"},
        "annotations": [
            {"was_cancelled": True, "result": [{"value": {"choices": ["wrong"]}}]},
            {
                "result": [
                    {"type": "polygonlabels", "original_width": 4, "original_height": 3, "value": POLYGON},
                    {"type": "brushlabels", "original_width": 4, "original_height": 3, "value": BRUSH},
                    {"type": "choices", "from_name": "c", "value": {"choices": ["wet"]}},
                    {"type": "brushlabels", "image_rotation": 90, "value": BRUSH},
                ]
            },
        ],
    },
    {"id": 2, "data": {"image": "/data/local-files/?d=photos/b.jpg"}, "annotations": [{"result": []}]},
    {"id": 3, "data": {"image": "s3://bucket/c.jpg"}, "annotations": []},
]


def test_tasks(tmp_path, read):
    (tmp_path / "export.json").write_text(json.dumps(TASKS))
    (first, second, third), reading = read("label_studio", tmp_path / "export.json")
    assert first.names[-1] == "a.jpg"
    assert second.names[0] == "photos/b.jpg"
    assert [one.classes for one in (first, second, third)] == [{"cat", "dog", "wet"}, frozenset(), None]
    assert "turned" in reading.unreadable[0]
    mask = painted(first, (3, 4), Rules(ClassList(["cat", "dog"])))
    np.testing.assert_array_equal(mask, np.where(ALPHA > 0, 1, 2))


def test_the_short_form(tmp_path, read):
    tasks = [
        {"image": "/data/upload/1/x.png", "id": 1, "annotator": 1, "annotation_id": 5, "choice": "cat"},
        {"image": "y.png", "annotation_id": 6, "choice": {"choices": ["cat", "dog"]}},
        {"image": "z.png", "annotation_id": 7, "tag": [{**BRUSH, "original_width": 4, "original_height": 3}]},
        {"image": "w.png", "annotation_id": 8},
    ]
    (tmp_path / "min.json").write_text(json.dumps(tasks))
    found, _ = read("label_studio", tmp_path / "min.json")
    assert [one.classes for one in found] == [{"cat"}, {"cat", "dog"}, {"cat"}, frozenset()]
    assert found[2].shapes[0].drawing.inside((3, 4)).sum() == 2


def test_words_of_the_short_form_that_may_be_choices_are_said_not_taken_for_none(tmp_path, read):
    tasks = [{"image": "a.png", "annotation_id": 1, "animal": "cat"}, {"image": "b.png", "annotation_id": 2}]
    (tmp_path / "min.json").write_text(json.dumps(tasks))
    found, reading = read("label_studio", tmp_path / "min.json")
    assert [one.classes for one in found] == [None, frozenset()]
    assert "1 tasks say something under 'animal'" in reading.notes[0]
