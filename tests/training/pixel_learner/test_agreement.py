from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_wsss.core.maps import ActivationMaps
from training.pixel_learner.agreement import FEW_PARTS, MARGIN, SETTLED, Agreement, Tally, compared, doubt_of, folds_of
from training.pixel_learner.examples import Example

SIZE = (4, 6)


def example(name: str = "a.png") -> Example:
    """Return an image whose left half is class 0 and whose right half is background; the last row is unknown."""
    values, weights = np.zeros(SIZE, np.uint8), np.ones(SIZE, np.float32)
    values[:, :3] = 1
    values[-1], weights[-1] = 255, 0
    return Example(name, (0,), values, weights, True)


def answer(columns: int, background: bool = True) -> ActivationMaps:
    """Return maps that find class 0 in so many columns."""
    scores = np.zeros((1, *SIZE), np.float32)
    scores[0, :, :columns] = 1
    return ActivationMaps(scores, (0,), 1 - scores[0] if background else None)


def test_only_what_was_said_counts() -> None:
    tally = Tally(2)
    tally.add(example(), np.where(np.arange(6) < 2, 1, 0).astype(np.uint8)[None].repeat(4, 0))
    assert tally.iou[0] == 9 / 12
    assert tally.iou[1] == 6 / 9
    assert np.isnan(tally.iou[2])


def apart(pairs: list[tuple[ActivationMaps, ActivationMaps]]) -> Agreement:
    """Return how answers and maps of the same image agree, without pooling them."""
    learner, maps = Tally(2), Tally(2)
    for at, (answered, mapped) in enumerate(pairs):
        learner.add(example(f"{at}.png"), answered.to_mask())
        maps.add(example(f"{at}.png"), mapped.to_mask())
    return Agreement(learner.iou, maps.iou, len(pairs), learner.shown_in, doubt_of(learner, maps))


def test_a_class_is_left_to_maps_that_agree_more() -> None:
    better = apart([(answer(3), answer(6))])
    assert apart([(answer(1), answer(3))]).better_by_maps == (0,)
    assert better.better_by_maps == ()
    assert better.mean == 1


def test_what_a_single_image_decides_is_not_left_to_maps() -> None:
    every = apart([(answer(1), answer(3))] * 6)
    one = apart([(answer(1), answer(3 if at == 0 else 1)) for at in range(3)])
    assert every.better_by_maps == (0,)
    assert one.maps[1] > one.learner[1] + MARGIN  # but all of it by one image of three
    assert one.better_by_maps == ()
    assert one.doubt is not None
    assert every.doubt is not None
    assert every.doubt[1] == pytest.approx(0)
    assert one.doubt[1] > 0.1
    assert apart([(answer(2), answer(2))] * 4).better_by_maps == ()


@given(st.integers(2, 6), st.integers(0, 99))
def test_doubt_is_the_jackknife_of_the_difference(images: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    examples = [
        Example(f"{at}", (0, 1), random.integers(0, 3, SIZE, np.uint8), np.ones(SIZE, np.float32))
        for at in range(images)
    ]
    masks = random.integers(0, 3, (2, images, *SIZE), np.uint8)

    def tally(which: int, but: int = -1) -> Tally:
        made = Tally(2)
        for at in range(images):
            if at != but:
                made.add(examples[at], masks[which][at])
        return made

    left = np.stack([np.nan_to_num(tally(1, at).iou) - np.nan_to_num(tally(0, at).iou) for at in range(images)])
    expected = np.sqrt((images - 1) * left.var(0))
    np.testing.assert_allclose(doubt_of(tally(0), tally(1)), expected, atol=1e-12)


def test_maps_are_judged_only_when_every_image_has_some() -> None:
    pairs = [(example("a.png"), answer(1)), (example("b.png"), answer(1))]
    found = compared(2, pairs, lambda name: answer(3) if name == "a.png" else None, 0.4, proposing(3))
    assert np.isnan(found.maps).all()
    assert found.better_by_maps == ()
    assert found.images == 2


def unsure(columns: int) -> ActivationMaps:
    """Return probabilities that find class 0 in so many columns, but hardly."""
    scores = np.full((1, *SIZE), 0.45, np.float32)
    scores[0, :, :columns] = 0.55
    return ActivationMaps(scores, (0,), 1 - scores[0])


def clicked(name: str) -> Example:
    """Return the same image, of which parts are known."""
    return replace(example(name), whole=False)


def proposing(columns: int) -> Callable[[str, tuple[int, ...]], ActivationMaps]:
    """Return what tells proposals of class 0 in so many columns for every image."""
    return lambda _, classes: replace(answer(columns), classes=classes)


@pytest.mark.parametrize(("columns", "share"), [(3, 0.1), (6, 0.0)])
def test_maps_count_where_that_agrees_more_on_whole_images(columns: int, share: float) -> None:
    maps, pairs = answer(columns, background=False), [(example("a.png"), unsure(2)), (example("b.png"), unsure(2))]
    found = compared(2, pairs, lambda _: maps, 0.4, proposing(columns))
    assert found.share == share
    assert found.mean == (1 if share else pytest.approx((9 / 12 + 6 / 9) / 2))


def test_maps_of_other_classes_or_not_of_all_images_do_not_count() -> None:
    good, pairs = answer(3, background=False), [(example("a.png"), unsure(2)), (example("b.png"), unsure(2))]
    others = ActivationMaps(good.scores, (1,))
    assert compared(2, pairs, lambda _: others, 0.4, proposing(3)).share == 0
    assert compared(2, pairs, lambda name: good if name == "a.png" else None, 0.4, proposing(3)).share == 0


@pytest.mark.parametrize(("learner", "maps", "share"), [(3, 6, 0.2), (3, 3, 1 / 3), (0, 3, 0.5)])
def test_on_parts_of_images_the_maps_themselves_are_compared(learner: int, maps: int, share: float) -> None:
    def asked(*_: object) -> ActivationMaps:
        raise AssertionError("proposals do not help there")

    pairs = [(clicked("a.png"), answer(learner)), (clicked("b.png"), answer(learner))]
    found = compared(2, pairs, lambda _: answer(maps, background=False), 0.4, asked)
    assert found.share == share
    assert found.mean == apart([(answer(learner), answer(maps))] * 2).mean


def test_clearly_better_maps_count_a_half_only_while_few_images_are_known() -> None:
    pairs = [(clicked(f"{number}.png"), answer(0)) for number in range(FEW_PARTS)]
    good = answer(3, background=False)
    assert compared(2, pairs[1:], lambda _: good, 0.4, proposing(3)).share == 0.5
    assert compared(2, pairs, lambda _: good, 0.4, proposing(3)).share == 1 / 3


def test_maps_that_are_hardly_better_count_nothing_beside_a_learner_of_many_images() -> None:
    size = (4, 200)
    values = np.zeros(size, np.uint8)
    values[:, :100] = 1
    said = [
        replace(example(name), values=values, weights=np.ones(size, np.float32)) for name in map(str, range(SETTLED))
    ]
    near, right = np.full((1, *size), 0.4, np.float32), np.zeros((1, *size), np.float32)
    near[0, :, :99], right[0, :, :100] = 0.6, 1
    answers = ActivationMaps(near, (0,), 1 - near[0])
    proposed = ActivationMaps(right, (0,), 1 - right[0])
    given = [(one, answers) for one in said]
    assert compared(2, given, lambda _: proposed, 0.4, lambda *_: proposed).share == 0
    assert compared(2, given[:2], lambda _: proposed, 0.4, lambda *_: proposed).share > 0, "few teach a learner little"


def test_nothing_held_out_leaves_nothing_to_maps() -> None:
    found = compared(2, [], lambda _: answer(3), 0.4, proposing(3))
    assert np.isnan(found.mean)
    assert found.better_by_maps == ()


def test_nothing_shown_has_no_mean() -> None:
    assert np.isnan(Agreement(np.full(3, np.nan), np.full(3, np.nan), 0).mean)


def test_what_one_image_alone_shows_does_not_count_beside_what_more_do() -> None:
    figures, nothing = np.asarray([0.8, 0.6, 0.0, np.nan]), np.full(4, np.nan)
    assert Agreement(figures, nothing, 5, np.asarray([5, 3, 1, 0])).mean == pytest.approx(0.7)
    assert Agreement(figures, nothing, 1, np.asarray([1, 1, 1, 0])).mean == pytest.approx(1.4 / 3)


@given(st.integers(2, 20), st.integers(2, 5), st.integers(0, 9))
def test_every_image_is_in_one_fold(images: int, count: int, seed: int) -> None:
    ids = [f"{number}.png" for number in range(images)]
    found = folds_of(ids, count, seed)
    assert len(found) == min(images, count)
    assert sorted(image_id for fold in found for image_id in fold) == sorted(ids)
    assert max(map(len, found)) - min(map(len, found)) <= 1


@pytest.mark.parametrize("ids", [[], ["a.png"]])
def test_one_image_cannot_be_left_out(ids: list[str]) -> None:
    assert folds_of(ids, 3, 0) == []
