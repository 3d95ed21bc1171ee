"""``cls_labels.npy`` as PSA, IRN and SEAM write it."""

import numpy as np


def test_vectors_by_name_and_by_number(tmp_path, read):
    np.save(
        tmp_path / "cls_labels.npy",
        {"2007_000032": np.array([1, 0], np.float32), 2007000033: np.zeros(2), "bad": np.zeros((2, 2)), "x": "y"},
    )
    found, reading = read("class_arrays", tmp_path / "cls_labels.npy", ("cat", "dog"))
    assert [one.classes for one in found] == [{"cat"}, frozenset()]
    assert found[1].names[0] == "2007_000033"
    assert len(reading.unreadable) == 2


def test_without_a_list_of_names_classes_are_numbers(tmp_path, read):
    np.save(tmp_path / "cls_labels.npy", {"a": np.array([0, 1, 1], np.float32)})
    (one,), reading = read("class_arrays", tmp_path / "cls_labels.npy", ("cat",))
    assert one.classes == {"class 2", "class 3"}
    assert "classes.txt" in reading.notes[0]
