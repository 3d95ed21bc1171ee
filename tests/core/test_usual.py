from napari_wsss.core.usual import DEEP_PERCENTILES, HELD_OUT
from napari_wsss.pixels.deep_images import USUAL


def test_the_usual_values_are_possible_ones() -> None:
    assert 0 < HELD_OUT < 1
    assert 0 <= DEEP_PERCENTILES[0] < DEEP_PERCENTILES[1] <= 100


def test_pictures_are_scaled_as_the_options_say() -> None:
    assert USUAL == DEEP_PERCENTILES
