"""LabelMe and X-AnyLabeling JSON, after their documentation."""

import base64
import io
import json

import numpy as np
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.exchange.annotations.painting import Rules, painted


def png(pixels: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def record(shapes, **flags):
    return {
        "version": "5.4.1",
        "flags": flags,
        "shapes": shapes,
        "imagePath": "..\\photos\\a.jpg",
        "imageData": None,
        "imageHeight": 9,
        "imageWidth": 9,
    }


def test_shapes_and_flags(tmp_path, read):
    shapes = [
        {"label": "cat", "points": [[0, 0], [8, 0], [8, 8], [0, 8]], "shape_type": "polygon", "group_id": None},
        {"label": "dog", "points": [[2, 1], [4, 2]], "shape_type": "mask", "mask": png(np.eye(2, 3, dtype=bool))},
        {"label": "dog", "points": [[6, 6], [6, 7.5]], "shape_type": "circle"},
        {"label": "bird", "points": [[0, 0], [1, 1]], "shape_type": "rectangle"},
        {"label": "cat", "points": [[1, 1]], "shape_type": "polygon"},
        {"label": "cat", "points": [[1, 1]], "shape_type": "mask", "mask": "no base64"},
    ]
    (tmp_path / "a.json").write_text(json.dumps(record(shapes, wet=True, dry=False)))
    (tmp_path / "b.json").write_text(json.dumps(record([])))
    (tmp_path / "c.json").write_text("{")
    (first, second), reading = read("labelme", tmp_path)
    assert (first.names, first.classes) == (("../photos/a.jpg", "a"), {"cat", "dog", "wet", "bird"})
    assert second.classes == frozenset()
    assert len(reading.unreadable) == 2  # a mask, and a file; the polygon of one point is noticed when it is drawn
    mask = painted(
        first.__class__(first.names, first.place, None, first.shapes[:3]), (9, 9), Rules(ClassList(["cat", "dog"]))
    )
    assert mask[1:3, 2:5].tolist() == [[2, 1, 1], [1, 2, 1]]
    assert (mask[6, 6], mask[0, 0], mask[8, 8]) == (2, 1, 1)


def test_a_file_in_a_folder_names_the_image_of_its_folder_first(tmp_path, read):
    (tmp_path / "A").mkdir()
    (tmp_path / "A/a.json").write_text(json.dumps(record([]) | {"imagePath": "a.jpg"}))
    (tmp_path / "A/b.json").write_text(json.dumps(record([]) | {"imagePath": "..\\B\\b.jpg"}))
    (a, b), _ = read("labelme", tmp_path)
    assert (a.names, b.names) == (("A/a.jpg", "a.jpg", "a"), ("B/b.jpg", "../B/b.jpg", "b"))
