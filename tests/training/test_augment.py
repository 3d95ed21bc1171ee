from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.augment import Augmentation, augmented, jittered

GREY = (127, 127, 127)


def _picture(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """An image whose red channel tells the mask value: 200 on the class, 20 on the background."""
    mask = np.zeros((height, width), np.uint8)
    mask[: height // 2, : width // 3] = 1
    image = np.full((height, width, 3), 20, np.uint8)
    image[mask == 1, 0] = 200
    return image, mask


@settings(max_examples=60, deadline=None)
@given(
    st.integers(5, 90),
    st.integers(5, 90),
    st.integers(32, 64),
    st.sampled_from(["crop", "image"]),
    st.integers(0, 10_000),
)
def test_crop_has_its_size_and_image_and_mask_stay_together(
    height: int, width: int, crop: int, scale_of: str, seed: int
) -> None:
    image, mask = _picture(height, width)
    parameters = Augmentation(crop=crop, scale_of=scale_of, colour=0.0)
    pixels, values = augmented(image, mask, parameters, np.random.default_rng(seed), padding=GREY)
    assert pixels.shape == (crop, crop, 3)
    assert values is not None
    assert values.shape == (crop, crop)
    assert set(np.unique(values)) <= {0, 1, 255}
    # Away from blurred edges the colour still tells the class, and padding is grey exactly where the mask is 255.
    outside = values == 255
    assert (pixels[outside] == 127).all()
    assert not (pixels[~outside] == 127).all(axis=1).any() or not outside.any()
    strong = ~outside & (pixels[..., 0] >= 150)
    if strong.any() and min(height, width) > 20:
        assert (values[strong] == 1).mean() > 0.7


def test_same_generator_state_same_crop() -> None:
    image, mask = _picture(40, 60)
    first = augmented(image, mask, Augmentation(crop=32), np.random.default_rng(5), padding=GREY)
    second = augmented(image, mask, Augmentation(crop=32), np.random.default_rng(5), padding=GREY)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_flip_mirrors_image_and_mask() -> None:
    image, mask = _picture(32, 32)
    parameters = Augmentation(crop=32, scale_low=1.0, scale_high=1.0, colour=0.0)
    seen = set()
    for seed in range(20):
        pixels, values = augmented(image, mask, parameters, np.random.default_rng(seed), padding=GREY)
        mirrored = not np.array_equal(pixels, image)
        seen.add(mirrored)
        assert np.array_equal(pixels, image[:, ::-1] if mirrored else image)
        assert np.array_equal(values, mask[:, ::-1] if mirrored else mask)
    assert seen == {True, False}


def test_scale_of_crop_keeps_the_whole_image_in_view_at_one() -> None:
    image, mask = _picture(200, 100)
    parameters = Augmentation(crop=64, scale_low=1.0, scale_high=1.0, flip=False)
    _, values = augmented(image, mask, parameters, np.random.default_rng(0), padding=GREY)
    assert values is not None
    assert np.count_nonzero(values != 255) == 64 * 32
    assert np.count_nonzero(values == 1) == pytest.approx(64 * 32 / 6, rel=0.1)


def test_without_a_mask_there_is_none() -> None:
    image, _ = _picture(30, 30)
    assert augmented(image, None, Augmentation(crop=32), np.random.default_rng(0), padding=GREY)[1] is None


def test_the_original_is_not_written_to() -> None:
    image, mask = _picture(50, 50)
    before = image.copy(), mask.copy()
    for seed in range(5):
        augmented(image, mask, Augmentation(crop=32), np.random.default_rng(seed), padding=GREY)
    assert np.array_equal(image, before[0])
    assert np.array_equal(mask, before[1])


def test_jitter_changes_colours_within_its_strength() -> None:
    image = np.random.default_rng(0).integers(60, 120, (20, 20, 3), dtype=np.uint8)
    assert jittered(image, 0.0, np.random.default_rng(0)) is image
    changed = jittered(image, 0.3, np.random.default_rng(1))
    assert not np.array_equal(changed, image)
    assert 0.7 * image.mean() - 2 <= changed.mean() <= 1.3 * image.mean() + 2


def _views(**options: bool) -> set[bytes]:
    """Return the different views of a square picture that is augmented by nothing else."""
    plain = Augmentation(crop=32, scale_low=1.0, scale_high=1.0, scale_of="image", flip=False, colour=0.0)
    image = np.arange(32 * 32 * 3, dtype=np.uint16).astype(np.uint8).reshape(32, 32, 3)
    mask = (np.arange(32 * 32) % 200).astype(np.uint8).reshape(32, 32)
    found = set()
    for seed in range(60):
        pixels, values = augmented(
            image, mask, replace(plain, **options), np.random.default_rng(seed), padding=(0, 0, 0)
        )
        back = [turn for turn in _symmetries() if np.array_equal(turn(image), pixels)]
        assert len(back) == 1
        assert values is not None
        assert np.array_equal(back[0](mask), values), "the mask is turned with the image"
        found.add(pixels.tobytes())
    return found


def _symmetries() -> list[Callable[[Any], Any]]:
    turns = [lambda pixels, k=k: np.rot90(pixels, k) for k in range(4)]
    return turns + [lambda pixels, k=k: np.rot90(pixels[:, ::-1], k) for k in range(4)]


def test_pictures_without_an_up_are_turned_in_every_way_that_is_wanted() -> None:
    assert len(_views()) == 1
    assert len(_views(flip_vertical=True)) == 2
    assert len(_views(quarter_turns=True)) == 4
    assert len(_views(flip=True, flip_vertical=True, quarter_turns=True)) == 8
