"""The weight recipe against its description in words, computed with Python's own integers."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from tests.parity.recipe import make_state, make_tensor, uniform


def _splitmix64(seed: int, count: int) -> list[int]:
    outputs, modulus = [], 2**64
    for index in range(1, count + 1):
        z = (seed + index * 0x9E3779B97F4A7C15) % modulus
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % modulus
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % modulus
        outputs.append(z ^ (z >> 31))
    return outputs


def test_noise_is_splitmix64_seeded_by_sha256() -> None:
    assert _splitmix64(0, 1) == [0xE220A8397B1DCDAF]  # the generator's published first output
    seed = int.from_bytes(hashlib.sha256(b"salt:key").digest()[:8], "little")
    expected = [(x >> 40) / 2**24 - 0.5 + 2**-25 for x in _splitmix64(seed, 50)]

    np.testing.assert_array_equal(uniform("salt:key", 50), expected)


def test_tensors_follow_the_table() -> None:
    kernel = make_tensor("s", "conv.weight", (64, 16, 3, 3))
    assert kernel.dtype == np.float32
    assert kernel.var() == pytest.approx(2 / (16 * 9), rel=0.03)
    scale = make_tensor("s", "bn.weight", (1000,))
    assert 0.7 <= scale.min() < 0.72
    assert 1.28 < scale.max() <= 1.3
    shift = make_tensor("s", "bn.bias", (1000,))
    assert -0.2 <= shift.min() < -0.19
    assert make_tensor("s", "bn.num_batches_tracked", ()) == 0
    with pytest.raises(KeyError, match="stored"):
        make_tensor("s", "bn.running_var", (4,))


def test_stored_arrays_win_and_aliases_share() -> None:
    meta = {
        "salt": "s",
        "keys": [["a.weight", [2, 3]], ["b.weight", [2, 3]], ["c.weight", [2, 3]], ["d.running_mean", [1]]],
        "alias": {"b.weight": "a.weight"},
        "gain": {"c.weight": 0.5},
    }
    state = make_state(meta, {"d.running_mean": np.array([7.0], np.float32)})

    assert list(state) == [key for key, _ in meta["keys"]]
    assert state["b.weight"] is state["a.weight"]
    np.testing.assert_allclose(state["c.weight"], make_tensor("s", "c.weight", (2, 3)) / 2, rtol=1e-7)
    assert state["d.running_mean"] == 7


def test_states_made_in_a_row_share_what_they_have_in_common() -> None:
    first = make_state({"salt": "s", "keys": [["a.weight", [2, 3]], ["b.weight", [2]]]}, {})
    second = make_state({"salt": "s", "keys": [["a.weight", [2, 3]], ["b.weight", [3]]]}, {})
    make_state({"salt": "t", "keys": [["a.weight", [2, 3]]]}, {})
    third = make_state({"salt": "s", "keys": [["a.weight", [2, 3]]]}, {})

    assert second["a.weight"] is first["a.weight"]
    assert second["b.weight"].shape == (3,)
    assert third["a.weight"] is not first["a.weight"]
    np.testing.assert_array_equal(third["a.weight"], first["a.weight"])
