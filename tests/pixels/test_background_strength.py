"""The automatic background strength: from how broad maps are, where colours part, and what a person decided."""

import numpy as np
import pytest

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pixels.background_strength import (
    BREADTH,
    HIGHEST,
    LOWEST,
    OFFSET,
    PARTING,
    THRESHOLDS,
    TRUST,
    Cues,
    colours_part,
    cues_of,
    decided_of,
    estimated_threshold,
)

HEIGHT, WIDTH = 60, 80
INSIDE = np.zeros((HEIGHT, WIDTH), bool)
INSIDE[20:40, 30:60] = True


def pictured(level: float) -> tuple[np.ndarray, ActivationMaps]:
    """Return a red rectangle on grey, and a map that is above `level` inside it, below outside and falls off."""
    image = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
    image[INSIDE] = (200, 40, 40)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    distance = np.hypot((rows - 29.5) / HEIGHT, (columns - 44.5) / WIDTH)
    inside = level + (1 - level) * (1 - distance / distance[INSIDE].max())
    outside = level * (1 - distance / distance.max())
    return image, ActivationMaps(np.where(INSIDE, inside, outside).astype(np.float32)[None], (0,))


@pytest.mark.parametrize("level", [0.3, 0.5, 0.8])
def test_colours_part_where_the_object_ends(level: float) -> None:
    image, maps = pictured(level)
    drawn = maps.to_mask(cues_of(image, maps).parting) > 0
    assert (drawn & INSIDE).sum() / (drawn | INSIDE).sum() > 0.9


def test_breadth_is_the_mean_of_the_strongest_score() -> None:
    image, maps = pictured(0.5)
    assert cues_of(image, maps).breadth == pytest.approx(float(maps.scores.max(0).mean()), abs=0.01)


def test_large_images_say_the_same_as_small_ones() -> None:
    image, maps = pictured(0.5)
    large = image.repeat(5, 0).repeat(5, 1)
    scores = maps.scores.repeat(5, 1).repeat(5, 2)
    found, wanted = cues_of(large, ActivationMaps(scores, (0,))), cues_of(image, maps)
    assert found.breadth == pytest.approx(wanted.breadth, abs=0.01)
    assert found.parting == pytest.approx(wanted.parting, abs=0.05)


def test_broad_maps_and_colours_that_part_late_raise_it_and_outliers_do_not_matter() -> None:
    cues = [Cues(0.4, 0.5)] * 9
    assert estimated_threshold(cues) == pytest.approx(BREADTH * 0.4 + PARTING * 0.5 - OFFSET)
    assert estimated_threshold([Cues(0.5, 0.5)]) > estimated_threshold(cues)
    assert estimated_threshold([Cues(0.4, 0.7)]) > estimated_threshold(cues)
    assert estimated_threshold([*cues, Cues(0.4, 0.95)]) == estimated_threshold(cues)
    assert estimated_threshold([Cues(1.0, 0.95)]) == HIGHEST
    assert estimated_threshold([Cues(0.0, 0.05)]) >= LOWEST


def test_decided_pixels_count_the_more_images_have_some() -> None:
    _, maps = pictured(0.8)
    decided = decided_of(INSIDE.astype(np.uint8), maps)
    assert decided is not None
    best = THRESHOLDS[decided.agreement > 0.99]
    assert best.min() < 0.75 < best.max()
    found = [estimated_threshold([Cues(0.2, 0.3)], [decided] * count) for count in (0, 1, TRUST, 100 * TRUST)]
    assert found == sorted(found)
    assert found[3] == pytest.approx(best.mean(), abs=0.01)
    assert found[2] == pytest.approx((found[0] + best.mean()) / 2, abs=0.01)


def test_the_agreement_is_that_of_the_masks() -> None:
    """Compared with the masks themselves, pixel by pixel."""
    _, maps = pictured(0.5)
    known = np.where(np.random.default_rng(0).random((HEIGHT, WIDTH)) < 0.3, INSIDE.astype(np.uint8), np.uint8(255))
    decided = decided_of(known, maps)
    assert decided is not None
    for at in (0, 10, 25):
        drawn = maps.to_mask(float(THRESHOLDS[at])) > 0
        pairs = [(drawn & (known == 1), drawn & (known == 0)), (~drawn & (known == 0), ~drawn & (known == 1))]
        sizes = [(known == 1).sum(), (known == 0).sum()]
        found = [right.sum() / (size + wrong.sum()) for (right, wrong), size in zip(pairs, sizes, strict=True)]
        wanted = np.mean(found)
        assert decided.agreement[at] == pytest.approx(wanted)
    assert decided.weight < 1


def test_nothing_decided_says_nothing() -> None:
    _, maps = pictured(0.5)
    assert decided_of(np.full((HEIGHT, WIDTH), 255, np.uint8), maps) is None
    assert decided_of(np.zeros((HEIGHT, WIDTH), np.uint8), ActivationMaps.empty(HEIGHT, WIDTH)) is None


def test_things_part_from_the_rest_best_by_their_own_outline() -> None:
    image, _ = pictured(0.5)
    whole = colours_part(image, INSIDE)
    grown, half = np.zeros_like(INSIDE), INSIDE.copy()
    grown[10:50, 15:75], half[:, 45:] = True, False
    assert whole > colours_part(image, grown) > 0
    assert whole > colours_part(image, half) > 0
    assert colours_part(image, np.zeros_like(INSIDE)) == colours_part(image, np.ones_like(INSIDE)) == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (400, 300)])
def test_objects_of_any_size_are_looked_at(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    assert 0 <= colours_part(image, image[..., 0] > 127) < np.inf
