"""Arrays come back from their file for the content they are of, and nothing else is believed or run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_wsss.project.results.array_files import DAMAGE, packed, read_arrays, unpacked

IMAGE = "5" * 64


def some() -> dict[str, np.ndarray]:
    return {"scores": np.arange(12, dtype=np.uint16).reshape(3, 4), "classes": np.asarray([1, 4])}


@given(
    arrays(st.sampled_from([np.uint16, np.float32, bool]), array_shapes(min_dims=0, min_side=0, max_side=5)),
    st.booleans(),
)
def test_arrays_of_any_shape_come_back(
    tmp_path_factory: pytest.TempPathFactory, values: np.ndarray, compressed: bool
) -> None:
    path = tmp_path_factory.mktemp("files") / "a.npz"
    path.write_bytes(packed(IMAGE, {"values": values}, compressed=compressed))
    found = unpacked(path, IMAGE)
    assert found is not None
    assert found["values"].dtype == values.dtype
    np.testing.assert_array_equal(found["values"], values)
    np.testing.assert_array_equal(np.load(path)["values"], values)  # anybody's numpy reads it
    assert unpacked(path, "6" * 64) is None


def test_arrays_that_were_changed_in_a_sound_file_are_not_those_it_tells_of(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(packed(IMAGE, some()))
    with np.load(path) as stored:
        kept = dict(stored)
    np.savez(path, **kept)
    assert unpacked(path, IMAGE) is not None, "the same arrays written again are fine"
    for name, changed in (("scores", kept["scores"] // 2), ("classes", kept["classes"] + 1)):
        np.savez(path, **{**kept, name: changed})
        assert unpacked(path, IMAGE) is None


@pytest.mark.parametrize("percent", range(0, 100, 7))
def test_damage_is_one_of_those_that_readers_expect(tmp_path: Path, percent: int) -> None:
    path, content = tmp_path / "a.npz", bytearray(packed(IMAGE, some(), compressed=True))
    at = len(content) * percent // 100
    for damaged in (content[:at], bytes([percent]) * 40):
        path.write_bytes(damaged)
        with pytest.raises(DAMAGE):
            unpacked(path, IMAGE)
    content[at] ^= 0x40
    path.write_bytes(content)
    try:
        found = unpacked(path, IMAGE)
    except DAMAGE:
        return
    assert found is None or all(np.array_equal(found[name], one) for name, one in some().items())


def test_one_array_is_read_by_its_name_and_none_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(packed(IMAGE, some()))
    assert list(read_arrays(path, only="classes")) == ["classes"]
    with pytest.raises(ValueError, match="more than the 100 expected"):
        read_arrays(path, most=100)
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path)


def test_arrays_that_run_code_when_loaded_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, image=np.asarray(IMAGE), scores=np.array([{"pickled": 1}], dtype=object))
    with pytest.raises(ValueError, match="Python objects"):
        read_arrays(path)
