"""All that a segmenter finds by itself: things found whole, alike ones once, small ones on large ones."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.progress import finish
from napari_wsss.promptable import everything
from napari_wsss.promptable.answering import embedded
from napari_wsss.promptable.everything import distinct, divided, grid, stability
from napari_wsss.promptable.sam_onnx import Candidates
from tests.promptable.tiny_pair import write_pair

SIZE = 60, 100
THING = np.s_[10:40, 50:90]


def logits(where, size=SIZE, inside=5.0):
    found = np.full(size, -5, np.float32)
    found[where] = inside
    return found


@pytest.mark.parametrize("size", [(60, 100), (100, 60), (1, 40), (7, 7), (500, 375)])
def test_the_grid_covers_a_picture_evenly(size):
    places = np.array(grid(size, 8))
    assert (places >= 0).all()
    assert (places < size).all()
    assert len(np.unique(places, axis=0)) == len(places)
    for side, ends in zip(size, (places[:, 0], places[:, 1]), strict=True):
        assert abs((ends.min() + ends.max()) - (side - 1)) <= 2


def test_a_border_that_depends_on_the_threshold_is_unstable():
    soft = logits(THING)
    soft[THING][:, :10] = 0.5
    assert stability(logits(THING)) == 1
    assert stability(soft) == pytest.approx(0.75)
    assert stability(np.full(SIZE, -5, np.float32)) == 0


def test_of_alike_masks_the_best_is_kept():
    thing, part, shifted = logits(THING), logits(np.s_[10:20, 50:60]), logits(np.s_[11:41, 50:90])
    kept = distinct([(0.9, thing), (0.95, shifted), (0.85, part)])
    assert [id(one) for one in kept] == [id(shifted), id(part)]


def test_small_regions_lie_on_large_ones(monkeypatch):
    masks = np.stack([logits(np.s_[10:20, 50:60]), logits(THING), logits(np.s_[0:5, 0:5], inside=0.5)])
    offered = Candidates(masks, np.float32([0.85, 0.95, 0.99]))
    monkeypatch.setattr(everything, "decode", lambda *_: offered)
    numbers = finish(divided(None, None, SIZE))
    assert numbers.max() == 2
    assert len(np.unique(numbers[10:20, 50:60])) == 1
    assert numbers[15, 55] != numbers[30, 80] != 0
    assert not numbers[:9].any()


def test_the_things_of_a_real_pair_are_found(tmp_path):
    encoder, decoder = write_pair(tmp_path)
    pixels = np.full((*SIZE, 3), 60, np.uint8)
    pixels[THING] = (220, 40, 30)
    numbers = finish(divided(decoder, finish(embedded(encoder, pixels)), SIZE))
    inside = np.unique(numbers[THING], return_counts=True)
    main = inside[0][inside[1].argmax()]
    assert main != 0
    assert (numbers[THING] == main).mean() > 0.8
    outside = np.ones(SIZE, bool)
    outside[THING] = False
    assert (numbers[outside] == main).mean() < 0.1
