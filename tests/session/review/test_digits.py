"""Digits count through the image's own labels first, and stay what they are while an image is shown."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.session.review.digits import MOST_DIGITS, Digits
from napari_wsss.session.table.opened import Opened
from tests.session.conftest import Sitting

NAMES = tuple(f"class {number}" for number in range(14))


class FakeTable:
    """Only what digits ask of a table."""

    def __init__(self, labels: set[str]) -> None:
        self.project, self.id, self.classes = object(), "a.png", ClassList(NAMES)
        self.shown = self.record = self
        self.labels = frozenset(labels)


def keys(digits: Digits) -> dict[int, int]:
    """Return digit -> mask value, of those that paint something."""
    found = {digit: digits.value_of(digit) for digit in range(MOST_DIGITS + 1)}
    return {digit: value for digit, value in found.items() if value is not None}


def test_the_images_own_labels_have_the_first_digits(sitting: Sitting) -> None:
    session = sitting.session
    assert keys(session.digits) == {0: BACKGROUND, 1: 1, 2: 2, 3: 3}
    session.labels.set("p1.png", ["blue"])
    session.navigation.go_to("p1.png")
    assert keys(session.digits) == {0: BACKGROUND, 1: 3, 2: 1, 3: 2}
    session.close_project()
    assert session.digits.order == ()


def test_a_label_that_is_added_comes_after_those_there_were(sitting: Sitting) -> None:
    session = sitting.session
    session.labels.set("p1.png", ["blue"])
    session.navigation.go_to("p1.png")
    session.labels.add("red")
    assert keys(session.digits) == {0: BACKGROUND, 1: 3, 2: 1, 3: 2}
    session.labels.remove("blue")
    assert keys(session.digits)[1] == 3, "its digit waits for it"
    session.navigation.go_to("p2.png")
    session.navigation.go_to("p1.png")
    assert keys(session.digits) == {0: BACKGROUND, 1: 1, 2: 2, 3: 3}


def test_other_images_and_other_names_change_nothing(sitting: Sitting) -> None:
    session = sitting.session
    before = keys(session.digits)
    session.labels.set("p4.png", ["blue"])
    session.class_list.rename("red", "zebra")
    assert keys(session.digits) == before


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(NAMES)), st.lists(st.sets(st.sampled_from(NAMES)), max_size=5))
def test_no_digit_of_a_label_changes_while_the_image_is_shown(first: set[str], later: list[set[str]]) -> None:
    opened = Opened()
    table = opened.or_none = FakeTable(first)  # type: ignore[assignment]
    digits = Digits(opened)
    digits.follow()
    seen: dict[str, int | None] = {}
    for labels in [first, *later]:
        table.labels = frozenset(labels)  # type: ignore[attr-defined]
        digits.follow()
        for name in labels:
            digit = digits.digit_of(table.classes.mask_value(name))  # type: ignore[attr-defined]
            assert seen.setdefault(name, digit) == digit
        assert sorted(digits.order) == list(range(1, len(NAMES) + 1))
        for digit, value in keys(digits).items():
            assert digits.digit_of(value) == digit
    assert digits.digit_of(IGNORE) is None
