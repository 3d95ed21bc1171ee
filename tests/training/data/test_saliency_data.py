"""Batches of pictures, masks, bodies and details."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.weights.normalisation import IMAGENET, TENSORFLOW
from training.augment import Augmentation
from training.data.saliency_data import SaliencyData, SquareView, split_parts
from training.data.samplers import BatchOrder

PLAIN = Augmentation(crop=64, scale_low=1.0, scale_high=1.0, colour=0.0, flip=False)


class Pictures:
    """Bright squares on black, a third of every picture ignored."""

    def image(self, name: str) -> np.ndarray:
        return np.repeat(self.mask(name)[..., None], 3, 2)

    def mask(self, name: str) -> np.ndarray:
        mask = np.zeros((60, 90), np.uint8)
        mask[20:40, 30:60] = 255
        return mask

    def known(self, name: str) -> np.ndarray:
        known = np.full((60, 90), 255, np.uint8)
        known[:, 60:] = 0
        return known


@pytest.fixture
def data() -> SaliencyData:
    return SaliencyData(Pictures(), ("a", "b", "c"), split_parts(Pictures(), 1024))


def test_a_batch_is_square_and_its_maps_fit_together(data: SaliencyData) -> None:
    batch = data.batch(0, BatchOrder([1] * 3, 2, 0), SquareView(PLAIN, IMAGENET, 0))

    assert batch.images.shape == (2, 3, 64, 64)
    for maps in (batch.masks, batch.bodies, batch.details, batch.weights):
        assert maps.shape == (2, 64, 64)
        assert maps.dtype == np.float32
        assert 0 <= maps.min() < maps.max() <= 1
    bright = batch.images[:, 0] > 1
    np.testing.assert_array_equal(bright, batch.masks > 0.7)
    inside = batch.masks == 1
    np.testing.assert_allclose((batch.bodies + batch.details)[inside], 1, atol=0.01)


def test_ignored_pixels_weigh_nothing(data: SaliencyData) -> None:
    batch = data.batch(0, BatchOrder([1] * 3, 2, 0), SquareView(PLAIN, IMAGENET, 0))

    assert (batch.weights[:, :, :30] == 1).all()
    assert (batch.weights[:, :, 50:] == 0).all()


def test_sides_are_multiples_of_32_between_the_scales() -> None:
    def sides(**changes: float) -> tuple[int, ...]:
        return SquareView(Augmentation(**changes), IMAGENET, 0).sides()

    assert sides(crop=352, scale_low=0.63, scale_high=1.0) == (224, 256, 288, 320, 352)
    assert sides(crop=32, scale_low=0.1, scale_high=0.2) == (32,)
    assert SquareView(Augmentation(crop=64, scale_low=1, scale_high=1), TENSORFLOW, 0).sides() == (65,)


def test_a_batch_is_the_same_whenever_it_is_made(data: SaliencyData) -> None:
    varied = SquareView(Augmentation(crop=64, scale_low=0.5, scale_high=1.0), IMAGENET, 3)
    order = BatchOrder([1] * 3, 2, 3)

    first, again, other = (data.batch(step, order, varied) for step in (1, 1, 2))

    np.testing.assert_array_equal(first.images, again.images)
    assert first.images.shape != other.images.shape or (first.images != other.images).any()
    assert {varied.side(step) for step in range(40)} == {32, 64}


def test_at_most_an_eighth_is_cut_away(data: SaliencyData) -> None:
    pixels = np.zeros((80, 160, 3), np.uint8)
    pixels[10:70, 20:140] = 255  # what no crop may lose
    view = SquareView(PLAIN, IMAGENET, 0)

    for seed in range(20):
        square, mask = view(pixels, (pixels[..., 0],), 80, np.random.default_rng(seed))
        share = float(mask.mean())
        assert 0.75 * 0.75 - 0.03 <= share <= (60 / 70) * (120 / 140) + 0.03
        assert square.shape == (3, 80, 80)


def test_mirroring_turns_image_and_maps_alike(data: SaliencyData) -> None:
    view = SquareView(Augmentation(crop=64, scale_low=1, scale_high=1, colour=0, flip=True), IMAGENET, 0)
    order = BatchOrder([1] * 3, 1, 0)

    seen = {bool(data.batch(step, order, view).weights[0, :, 0].any()) for step in range(12)}

    assert seen == {True, False}
    for step in range(6):
        batch = data.batch(step, order, view)
        np.testing.assert_array_equal(batch.images[:, 0] > 1, batch.masks > 0.7)
