"""Run lengths of other tools, judged by pycocotools, CVAT's own example, and a packer after Label Studio's format."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_wsss.exchange.annotations.run_lengths import brush_alpha, counts_of, uncompressed, written
from napari_wsss.exchange.annotations.shapes import Runs

pycoco = pytest.importorskip("pycocotools.mask", reason="the extra `formats` brings pycocotools")
# The example of CVAT's documentation of its XML format: a filled circle of 13 x 15 pixels.
OF_CVAT = "3, 5, 7, 7, 5, 9, 3, 11, 2, 11, 2, 12, 1, 12, 1, 26, 1, 12, 1, 12, 2, 11, 3, 9, 5, 7, 7, 5, 3"


def pixels(seed: int, high: int, wide: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.random((high, wide)) < random.random()


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_compressed_counts_of_pycocotools(seed, high, wide):
    truth = pixels(seed, high, wide)
    text = pycoco.encode(np.asfortranarray(truth.astype(np.uint8)))["counts"].decode()
    np.testing.assert_array_equal(Runs(counts_of(text), (high, wide), by_column=True).inside((high, wide)), truth)


def test_the_example_of_cvat_is_a_circle():
    found = Runs(written(OF_CVAT), (15, 13)).inside((15, 13))
    assert not found[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    assert found[7].all()


def packed(values: np.ndarray) -> list[int]:
    """Return bytes as Label Studio writes them, from its format: numbers of 8 bits, lengths of 4, 8, 12 and 16."""
    sizes = (4, 8, 12, 16)
    bits = f"{len(values):032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in sizes)
    ends = [*np.flatnonzero(np.diff(values)) + 1, len(values)]
    start = 0
    for end in ends:
        while start < end:
            length = min(int(end) - start, 2**16)
            kind = next(kind for kind, size in enumerate(sizes) if length <= 2**size)
            if length == 1:  # as it is, not repeated
                bits += f"0{kind:02b}{0:0{sizes[kind]}b}{values[start]:08b}"
            else:
                bits += f"1{kind:02b}{length - 1:0{sizes[kind]}b}{values[start]:08b}"
            start += length
    bits += "0" * (-len(bits) % 8)
    return [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]


@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 30))
@settings(max_examples=30, deadline=None)
def test_a_brush_of_label_studio(seed, high, wide):
    alpha = pixels(seed, high, wide).astype(np.uint8) * 255
    rgba = np.repeat(alpha[..., None], 4, axis=2).ravel()
    np.testing.assert_array_equal(brush_alpha(packed(rgba), (high, wide)), alpha)


@pytest.mark.parametrize("values", [[], [0] * 3, ["a"], [300], packed(np.zeros(16, np.uint8))[:-1], [255] * 40])
def test_a_brush_of_something_else_is_a_sentence(values):
    with pytest.raises(ValueError, match="a brush"):
        brush_alpha(values, (2, 2))


@pytest.mark.parametrize("value", [None, 3, ["a"], [1.5], [[1]], "\n", "ooooooooooooooooooooooo", "o", [10**40]])
def test_counts_of_something_else_are_a_sentence(value):
    with pytest.raises(ValueError, match="run lengths"):
        counts_of(value)


def test_numbers_between_commas():
    assert written("3, 5").tolist() == [3, 5]
    assert uncompressed("").size == 0
    for text in ("", "a", "1,,2", "-1", "9" * 50):
        with pytest.raises(ValueError, match="commas"):
            written(text)
