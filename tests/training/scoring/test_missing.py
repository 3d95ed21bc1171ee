"""Classes and parts that masks leave out are counted."""

import numpy as np

from training.scoring.missing import Missing, missing_by_level, missing_in


def truth() -> np.ndarray:
    """Return class 1 in two parts and class 2 in one, and undecided pixels."""
    mask = np.zeros((40, 40), np.uint8)
    mask[2:10, 2:10] = mask[2:10, 20:30] = 1
    mask[20:30, 20:30] = 2
    mask[35:, 35:] = 255
    return mask


def test_a_true_mask_misses_nothing() -> None:
    found = missing_in(truth(), truth(), 4)
    assert found.images.tolist() == [0, 1, 1, 0]
    assert found.parts.tolist() == [0, 2, 1, 0]
    assert not found.vanished.any()
    assert not found.missed.any()


def test_a_class_without_a_pixel_has_vanished_and_a_part_without_enough_is_missed() -> None:
    mask = np.where(truth() == 2, np.uint8(0), truth())
    mask[2:10, 20:30] = 0
    mask[2, 20:27] = 1  # 7 of 80 pixels
    found = missing_in(truth(), mask, 4)
    assert found.vanished.tolist() == [0, 0, 1, 0]
    assert found.missed.tolist() == [0, 1, 1, 0]
    mask[3, 20] = 1
    assert missing_in(truth(), mask, 4).missed.tolist() == [0, 0, 1, 0]


def test_specks_in_the_truth_are_not_looked_for() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[:3, :3] = 1
    assert missing_in(mask, np.zeros_like(mask), 2).parts.tolist() == [0, 0]
    assert missing_in(mask, np.zeros_like(mask), 2).vanished.tolist() == [0, 1]


def test_counts_add_up() -> None:
    one = missing_in(truth(), np.zeros((40, 40), np.uint8), 4)
    both = Missing.nothing(4) + one + one
    assert both.missed.tolist() == [0, 4, 2, 0]


def test_at_every_threshold_it_is_what_the_masks_miss() -> None:
    random = np.random.default_rng(0)
    value, score = random.integers(1, 4, (40, 40)).astype(np.uint8), random.random((40, 40))
    value[score > 0.9] = truth()[score > 0.9]
    bounds = np.array([0.05, 0.3, 0.7, 0.9, 0.95, 1.0])
    found = missing_by_level(truth(), value, np.searchsorted(bounds, score), len(bounds), 4)
    for counts, bound in zip(found, bounds, strict=True):
        mask = np.where(score > bound, value, np.uint8(0))
        np.testing.assert_array_equal(counts, list(vars(missing_in(truth(), mask, 4)).values()))
    assert found[0, 3].sum() < found[3, 3].sum()
