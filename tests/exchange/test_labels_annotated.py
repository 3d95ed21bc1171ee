"""Image-level labels from annotation files of other tools, found or named, with what does not fit reported."""

import json

import numpy as np
import pytest

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.labels import read_labels

COCO = {
    "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}, {"id": 3, "file_name": "gone.jpg"}],
    "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}, {"id": 3, "name": "background"}],
    "annotations": [{"image_id": 1, "category_id": 2}, {"image_id": 1, "category_id": 3}],
}


def test_a_file_beside_the_images_is_found(pictures):
    root = pictures(["a.jpg", "b.jpg"])
    (root / "instances.json").write_text(json.dumps(COCO))
    report = read_labels(root)
    assert (report.kind, report.classes, report.labels) == ("coco", ("dog", "cat"), {"a.jpg": {"cat"}})
    assert len(report.unmatched) == 1
    assert "without any annotation" in report.notes[-1]
    assert "COCO JSON" in report.source


def test_files_per_image_are_found_and_an_empty_one_is_a_negative(pictures):
    root = pictures(["a.jpg", "b.jpg"])
    for name, shapes in (("a", [{"label": "cat", "points": [[0, 0], [1, 0], [1, 1]]}]), ("b", [])):
        record = {"shapes": shapes, "imagePath": f"{name}.jpg", "flags": {}}
        (root / f"{name}.json").write_text(json.dumps(record))
    report = read_labels(root)
    assert (report.kind, report.labels) == ("labelme", {"a.jpg": {"cat"}, "b.jpg": frozenset()})
    assert report.negatives == ("b.jpg",)


def test_a_yolo_data_set_gives_labels_and_splits(pictures, tmp_path):
    root = pictures(["train/a.jpg", "val/b.jpg"], "set/images")
    (tmp_path / "set" / "data.yaml").write_text("names: [cat, dog]\n")
    for name, line in (("train/a", "1 0.5 0.5 0.2 0.2"), ("val/b", "0 0 0 1 0 1 1")):
        path = tmp_path / "set" / "labels" / f"{name}.txt"
        path.parent.mkdir(parents=True)
        path.write_text(line)
    for source in (None, tmp_path / "set"):
        report = read_labels(root, source)
        assert report.labels == {"train/a.jpg": {"dog"}, "val/b.jpg": {"cat"}}
        assert report.splits == {"train/a.jpg": "train", "val/b.jpg": "val"}
        assert report.classes == ("cat", "dog")


def test_vectors_take_their_names_from_the_list_beside(pictures):
    root = pictures(["2007_000032.jpg"])
    np.save(root / "cls_labels.npy", {"2007_000032": np.array([0, 1], np.float32)})
    (root / "classes.txt").write_text("background\ncat\ndog\n")
    report = read_labels(root)
    assert (report.kind, report.labels) == ("class_arrays", {"2007_000032.jpg": {"dog"}})


def test_a_kind_that_is_asked_for_must_be_there(pictures):
    root = pictures(["a.jpg"])
    with pytest.raises(LabelError, match="cvat"):
        read_labels(root, kind="cvat")
    (root / "other.json").write_text("[]")
    with pytest.raises(LabelError, match="no label source"):
        read_labels(root, root / "other.json")
    with pytest.raises(LabelError, match="expected COCO"):
        read_labels(root, root / "other.json", "coco")
