"""The drawn creatures: small heads that differ by class, large bodies that do not, looks, ground and exact masks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from napari_wsss.sample.pictures import CLASSES, GROUNDS, LOOKS, WATER_CLASS, Picture, draw_picture

SIZE = 96


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return [draw_picture(f"p{index}", index, size=SIZE, seed=3) for index in range(120)]


def test_at_least_four_classes_five_grounds_two_looks_each(pictures: list[Picture]) -> None:
    looks = Counter((item.name, item.look) for picture in pictures for item in picture.objects)
    assert len(CLASSES) >= 4
    assert {item.ground for picture in pictures for item in picture.objects} == set(GROUNDS)
    assert set(looks) == {(name, look) for name in CLASSES.names for look in LOOKS}
    assert min(looks.values()) >= 8


def test_pictures_hold_one_to_four_objects_mostly_several(pictures: list[Picture]) -> None:
    counts = Counter(len(picture.objects) for picture in pictures)
    assert set(counts) == {1, 2, 3, 4}
    assert counts[1] < len(pictures) / 2


def test_head_is_much_smaller_than_body(pictures: list[Picture]) -> None:
    shares = [item.head_pixels / item.pixels for picture in pictures for item in picture.objects]
    assert min(shares) > 0.05
    assert max(shares) < 0.2


def test_one_class_mostly_shares_its_pictures_with_water_and_the_others_do_not(pictures: list[Picture]) -> None:
    on_water: dict[str, list[bool]] = {name: [] for name in CLASSES.names}
    for picture in pictures:
        for item in picture.objects:
            on_water[item.name].append(item.ground == "water")
    assert np.mean(on_water.pop(WATER_CLASS)) > 0.7
    assert all(np.mean(others) < 0.5 for others in on_water.values())


def test_objects_neither_overlap_nor_leave_the_picture(pictures: list[Picture]) -> None:
    for picture in pictures:
        assert sum(item.pixels for item in picture.objects) == np.count_nonzero(picture.values)
        assert not np.concatenate([picture.values[[0, -1]].ravel(), picture.values[:, [0, -1]].ravel()]).any()


def discs(picture: Picture, offset: float, radius: float) -> list[tuple[str, np.ndarray]]:
    """Return the mean colour of a disc of each object; `offset` and `radius` in half body lengths along its axis."""
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    means = []
    for item in picture.objects:
        row = item.centre[0] + offset * item.scale * np.sin(item.angle)
        column = item.centre[1] + offset * item.scale * np.cos(item.angle)
        inside = np.hypot(rows - row, columns - column) < radius * item.scale
        assert set(picture.values[inside].tolist()) == {CLASSES.mask_value(item.name)}, "the mask misses the object"
        means.append((item.name, picture.pixels[inside].mean(0)))
    return means


def spread_between_and_within(samples: list[tuple[str, np.ndarray]]) -> float:
    """Return the variance of class means over the mean variance within classes, summed over colours."""
    by_class = {name: np.array([colour for other, colour in samples if other == name]) for name in CLASSES.names}
    between = np.var([colours.mean(0) for colours in by_class.values()], axis=0).sum()
    return float(between / np.mean([colours.var(0).sum() for colours in by_class.values()]))


def test_heads_tell_the_classes_apart_and_bodies_do_not(pictures: list[Picture]) -> None:
    bodies = [sample for picture in pictures for sample in discs(picture, 0.0, 0.35)]
    round_heads = [
        sample
        for picture in pictures
        for item, sample in zip(picture.objects, discs(picture, 1.1, 0.15), strict=True)
        if item.look == "round"
    ]
    assert spread_between_and_within(round_heads) > 1
    assert spread_between_and_within(bodies) < 0.2


def test_same_number_same_picture() -> None:
    first, second = (draw_picture("p", 7, size=SIZE, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert first.objects == second.objects
