"""Masks in a project's classes from what a source says."""

import numpy as np
import pytest
from skimage.measure import label

from napari_wsss.core.classes import ClassList
from napari_wsss.exchange.annotations.annotated import Annotated, Picture, Shape
from napari_wsss.exchange.annotations.painting import Rules, Unusable, draws, painted, unknown_classes
from napari_wsss.exchange.annotations.shapes import Bitmap
from napari_wsss.exchange.lists.class_lists import ValueNames

CLASSES = ClassList(["cat", "dog"])
RULES = Rules(CLASSES)


def block(row: int) -> Bitmap:
    return Bitmap(np.ones((2, 3), bool), (row, 0))


def shapes(*labels: str) -> Annotated:
    return Annotated(("a",), "a", shapes=tuple(Shape(label, block(row)) for row, label in enumerate(labels)))


def picture(values, names=None, instances=False) -> Annotated:
    return Annotated(("a",), "a.png", picture=Picture(lambda: np.asarray(values), names, instances))


def test_later_objects_cover_earlier_ones_and_letter_case_does_not_matter():
    assert painted(shapes("Cat", "dog"), (3, 3), RULES)[:, 0].tolist() == [1, 2, 2]
    assert painted(shapes("cat", "background"), (3, 3), RULES)[:, 0].tolist() == [1, 0, 0]


@pytest.mark.parametrize(("unknown", "value"), [("background", 0), ("ignore", 255)])
def test_an_unknown_class_is_refused_unless_asked(unknown, value):
    said = shapes("cat", "horse")
    assert unknown_classes(said, CLASSES) == {"horse"}
    with pytest.raises(Unusable, match="horse") as error:
        painted(said, (3, 3), RULES)
    assert error.value.kind == "wrong_values"
    assert painted(said, (3, 3), Rules(CLASSES, unknown))[:, 0].tolist() == [1, value, value]


def test_values_of_unknown_names_follow_the_same_rule():
    said = picture(np.array([[0, 1, 2]], np.uint8), ValueNames("x", {0: "background", 1: "dog", 2: "horse"}))
    with pytest.raises(Unusable, match="horse"):
        painted(said, (1, 3), RULES)
    assert painted(said, (1, 3), Rules(CLASSES, "ignore")).tolist() == [[0, 2, 255]]


def test_objects_get_the_only_label_of_their_image():
    said = picture(np.array([[0, 7, 300]]), instances=True)
    assert painted(said, (1, 3), RULES, {"dog"}).tolist() == [[0, 2, 2]]
    for labels in ({"cat", "dog"}, (), None):
        with pytest.raises(Unusable) as error:
            painted(said, (1, 3), RULES, labels)
        assert error.value.kind == "without_class"
    assert painted(said, (1, 3), Rules(ClassList(["cell"])), None).tolist() == [[0, 1, 1]]
    assert not painted(picture(np.zeros((1, 3)), instances=True), (1, 3), RULES, ()).any()


def test_what_is_no_mask_of_the_image_says_why():
    for said, kind in (
        (picture(np.zeros((2, 2), np.uint8)), "wrong_size"),
        (picture(np.full((3, 3), 9, np.uint8)), "wrong_values"),
        (picture(np.full((3, 3), 900)), "wrong_values"),
        (Annotated(("a",), "a", shapes=(Shape("cat", block(9)),)), "wrong_size"),
    ):
        with pytest.raises(Unusable) as error:
            painted(said, (3, 3), RULES)
        assert error.value.kind == kind


def test_a_mere_box_draws_nothing():
    assert not draws(Annotated(("a",), "a", frozenset({"cat"}), (Shape("cat"),)))
    assert draws(shapes("cat"))


def test_objects_of_no_known_class_can_become_regions_that_do_not_touch():
    objects = np.array([[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 3, 0], [0, 0, 0, 0], [4, 4, 4, 4]])
    said = picture(objects, instances=True)
    found = painted(said, (5, 4), Rules(CLASSES, regions=True), {"cat", "dog"})
    assert set(np.unique(found)) == {0, 255}
    regions = label(found, connectivity=1)
    assert len({(int(a), int(b)) for a, b in zip(regions.ravel(), objects.ravel(), strict=True) if a}) == 3
    assert regions.max() == 3, "the third is only a line where it touches both"
    assert painted(said, (5, 4), Rules(CLASSES, regions=True), {"dog"})[0, 0] == 2
