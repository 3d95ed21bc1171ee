from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import (
    PseudoMask,
    changed_fraction,
    class_values,
    decode_mask,
    encode_mask,
    histogram,
    overlap,
    read_mask,
    write_mask,
)

CLASSES = ClassList(("cat", "dog"))
masks = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12))


@given(masks)
def test_every_value_survives_the_file(values: np.ndarray) -> None:
    restored, text = decode_mask(encode_mask(values, CLASSES, {"who": "a person"}))
    assert np.array_equal(restored, values)
    assert text["who"] == "a person"


def test_all_256_values_and_the_palette_are_stored_in_8_bits(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    write_mask(path, values, CLASSES)
    with Image.open(path) as image:
        assert image.mode == "P"
        palette = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        assert np.array_equal(palette, CLASSES.palette)
    assert np.array_equal(read_mask(path), values)


@pytest.mark.parametrize("value", [0, 1, 255])
def test_masks_of_one_value_are_not_stored_in_one_bit(tmp_path: Path, value: int) -> None:
    values = np.full((3, 5), value, np.uint8)
    write_mask(tmp_path / "mask.png", values, CLASSES)
    header = (tmp_path / "mask.png").read_bytes()
    assert header[24] == 8, "the bit depth byte of the PNG header"
    assert np.array_equal(read_mask(tmp_path / "mask.png"), values)


def test_grey_masks_of_other_programs_are_read(tmp_path: Path) -> None:
    values = np.array([[0, 1], [2, 255]], np.uint8)
    Image.fromarray(values).save(tmp_path / "grey.png")
    assert np.array_equal(read_mask(tmp_path / "grey.png"), values)


def test_unusable_files_are_named(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2)).save(tmp_path / "colour.png")
    (tmp_path / "text.png").write_text("not a picture")
    for name, words in (("colour", "RGB"), ("text", "cannot be read"), ("none", "no mask file")):
        with pytest.raises(ProjectError, match=words) as raised:
            read_mask(tmp_path / f"{name}.png")
        assert f"{name}.png" in str(raised.value)


@given(st.integers(0, 10_000))
def test_no_damaged_byte_yields_wrong_pixels(place: int) -> None:
    values = np.random.default_rng(3).integers(0, 3, (40, 40), dtype=np.uint8)
    content = bytearray(encode_mask(values, CLASSES))
    content[place % len(content)] ^= 0x11
    try:
        found, _ = decode_mask(bytes(content))
    except ProjectError:
        return
    assert np.array_equal(found, values), "the damaged byte must be one of colour or text"


def test_half_a_file_is_refused() -> None:
    content = encode_mask(np.random.default_rng(3).integers(0, 3, (40, 40), dtype=np.uint8))
    for length in (0, 20, len(content) // 2):
        with pytest.raises(ProjectError):
            decode_mask(content[:length])


def test_weights_tell_person_machine_and_ignore_apart() -> None:
    values = np.array([[0, 1, 255]], np.uint8)
    machine = PseudoMask(values)
    mixed = PseudoMask(values, np.array([[True, False, True]]))
    assert machine.weights(0.5).tolist() == [[0.5, 0.5, 0]]
    assert mixed.weights(0.25).tolist() == [[1, 0.25, 0]]
    with pytest.raises(ProjectError, match="uint8"):
        PseudoMask(values.astype(np.int64))  # type: ignore[arg-type]


def test_overlap_and_changed_fraction_by_hand() -> None:
    first = np.array([[0, 0, 1, 1]], np.uint8)
    second = np.array([[0, 1, 1, 255]], np.uint8)
    # Without the ignored pixel: background 1 of 2, class one 1 of 2.
    assert overlap(first, second) == pytest.approx(0.5)
    assert changed_fraction(first, second) == 0.5
    assert overlap(first, first) == 1
    empty = np.full((2, 2), 255, np.uint8)
    assert overlap(empty, empty) == 1


@given(arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 1, 2, 254, 255])), st.integers(0, 10**6))
def test_overlap_is_the_mean_of_every_class_of_either_mask(first: np.ndarray, seed: int) -> None:
    second = np.random.default_rng(seed).permuted(first.ravel()).reshape(first.shape)
    counted = (first != 255) & (second != 255)
    a, b = first[counted], second[counted]
    ratios = [((a == v) & (b == v)).sum() / ((a == v) | (b == v)).sum() for v in np.union1d(a, b)]
    assert overlap(first, second) == pytest.approx(np.mean(ratios) if ratios else 1.0)


@given(masks)
def test_a_histogram_counts_each_value(values: np.ndarray) -> None:
    counts = np.bincount(values.ravel(), minlength=256)
    assert np.array_equal(histogram(values), counts)
    assert np.array_equal(histogram(values.T), counts)
    assert not histogram(values[:0]).any()
    assert class_values(values) == tuple(value for value in np.unique(values) if value not in (0, 255))
