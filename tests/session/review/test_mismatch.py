"""Accepting notices where mask and labels differ, asks once, and remembers the answer."""

from __future__ import annotations

import numpy as np

from napari_wsss.core.classes import ClassList
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.records import ImageRecord
from napari_wsss.session.review.mismatch import Mismatch
from tests.session.conftest import Sitting


def state(sitting: Sitting, image_id: str = "p0.png") -> str:
    assert sitting.session.project is not None
    return sitting.session.project.catalog.get(image_id).state


def mismatched(sitting: Sitting) -> list[str]:
    assert sitting.session.project is not None
    return sitting.session.project.catalog.find(Criteria(mismatch=True), "mismatch")


def test_what_differs_is_named_in_class_order() -> None:
    record = ImageRecord("a.png", "a.png", frozenset({"dog", "cat"}), "todo")
    classes = ClassList(["cat", "dog", "owl"])
    found = Mismatch.of(record, classes, np.array([[0, 2, 3, 255]], np.uint8))
    assert (found.missing, found.extra) == (("cat",), ("owl",))
    assert found.text == "no pixel of cat; owl painted, but not a label"
    assert not Mismatch.of(record, classes, np.array([[1, 2]], np.uint8))


def test_a_label_without_a_pixel_is_asked_about_once(sitting: Sitting) -> None:
    session = sitting.session
    sitting.paint(1)
    assert not session.decisions.accept()
    assert state(sitting) == "draft"
    assert session.mismatch.asked.missing == ("green",)
    assert "no pixel of green" in sitting.notices[-1]
    assert session.decisions.accept()
    assert not session.mismatch.asked
    assert mismatched(sitting) == ["p0.png"]
    assert not session.decisions.accept(), "the next image is asked about on its own"


def test_taking_the_label_away_accepts(sitting: Sitting) -> None:
    session = sitting.session
    sitting.paint(1)
    session.decisions.accept()
    assert session.mismatch.take_labels_away()
    assert state(sitting) == "accepted"
    assert session.project.catalog.get("p0.png").labels == {"red"}  # type: ignore[union-attr]
    assert mismatched(sitting) == []


def test_adding_the_label_accepts(sitting: Sitting) -> None:
    session = sitting.session
    for value in (1, 2, 3):
        sitting.paint(value, slice(value, value + 1))
    assert not session.decisions.accept()
    assert session.mismatch.asked.extra == ("blue",)
    assert session.mismatch.add_labels()
    assert state(sitting) == "accepted"
    assert session.project.catalog.get("p0.png").labels == {"red", "green", "blue"}  # type: ignore[union-attr]


def test_accepting_all_the_same_is_remembered_for_the_sitting(sitting: Sitting) -> None:
    session = sitting.session
    sitting.paint(1)
    session.decisions.accept()
    assert session.mismatch.accept_all_the_same()
    sitting.paint(1)
    assert session.decisions.accept(), "of the same class nothing is asked again"
    session.navigation.go_to("p3.png")
    sitting.paint(2)
    assert not session.decisions.accept(), "of another class it is"


def test_another_image_and_other_labels_end_the_question(sitting: Sitting) -> None:
    session = sitting.session
    sitting.paint(1)
    session.decisions.accept()
    session.navigation.next()
    assert not session.mismatch.asked


def test_labels_taken_away_later_and_undo_keep_the_account(sitting: Sitting) -> None:
    session = sitting.session
    sitting.paint(1)
    sitting.accept(and_next=False)
    assert mismatched(sitting) == ["p0.png"]
    session.labels.remove("green")
    assert mismatched(sitting) == []
    session.labels.add("green")
    assert mismatched(sitting) == ["p0.png"]
    session.decisions.undo()
    assert mismatched(sitting) == []
