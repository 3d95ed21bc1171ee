"""Class counts, class orders and background rows of heads in every layout."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.weights.descriptor import ClassLayout, WeightsDescriptor
from napari_wsss.weights.heads import background_first, class_count, class_names, described, joined, reordered

NAMES = ("ant", "bee", "cow")


def toy(layout: ClassLayout, **facts: object) -> WeightsDescriptor:
    return WeightsDescriptor("toy", "Toy", "toy", class_layout=layout, classes=NAMES, head=r"^head", **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("layout", "rows", "expected"),
    [
        ("foreground", [10, 11, 12], [12, 10, 11]),
        ("background_first", [0, 10, 11, 12], [0, 12, 10, 11]),
        ("background_last", [10, 11, 12, 0], [12, 10, 11, 0]),
        ("foreground", [10, 11, 20, 21, 30, 31], [30, 31, 10, 11, 20, 21]),
    ],
)
def test_classes_are_reordered_and_the_background_stays(
    layout: ClassLayout, rows: list[int], expected: list[int]
) -> None:
    state = {"head.weight": torch.tensor(rows)[:, None], "body": torch.arange(5)}

    found = reordered(state, toy(layout), (2, 0, 1))

    assert found["head.weight"][:, 0].tolist() == expected
    assert torch.equal(found["body"], state["body"])


@pytest.mark.parametrize(("layout", "rows"), [("foreground", 3), ("background_first", 4), ("background_last", 4)])
def test_the_class_count_leaves_out_the_background(layout: ClassLayout, rows: int) -> None:
    state = {"head_sub": torch.zeros(30, 2), "head": torch.zeros(rows, 2), "body": torch.zeros(1)}

    assert class_count(state, toy(layout)) == 3
    assert class_count({"body": torch.zeros(1)}, toy(layout)) == 0


def test_a_list_per_class_becomes_one_tensor_without_a_background() -> None:
    descriptor = toy("background_last", per_class=("heads",))
    state = {f"heads.{k}.0.weight": torch.full((1, 2, 1), float(k)) for k in (10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)}

    found = joined(state | {"head.weight": torch.zeros(12)}, descriptor)

    assert list(found) == ["head.weight", "heads.*.0.weight"]
    assert joined(found, descriptor).keys() == found.keys()
    assert found["heads.*.0.weight"].shape == (11, 2)
    assert found["heads.*.0.weight"][:, 0].tolist() == list(range(11))
    assert class_count(found, descriptor) == 11
    assert torch.equal(
        background_first(found["heads.*.0.weight"], descriptor, "heads.*.0.weight"), found["heads.*.0.weight"]
    )


def test_the_background_comes_to_the_front() -> None:
    rows = torch.tensor([1, 2, 0])

    assert background_first(rows, toy("background_last"), "head").tolist() == [0, 1, 2]
    assert background_first(rows, toy("background_first"), "head") is rows


def test_names_are_known_for_the_published_count_only() -> None:
    assert class_names(toy("foreground"), 3) == NAMES
    assert class_names(toy("foreground"), 4) == ()
    assert described(toy("foreground"), 3) == "3 classes (no background channel): ant, bee, cow"
    assert described(toy("background_last"), 1) == "1 class (one more channel, the last, for the background)"
