"""Parity fixtures: where they are, what they hold, and the pseudo-random weights they were computed with.

Every tensor is a pure function of (salt, key, shape): SHA-256 of ``salt:key`` seeds a splitmix64 stream, whose
upper 24 bits become uniform numbers in (-0.5, 0.5), scaled by the kind of tensor.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

# The generated tensors of the fixture loaded last: fixtures on one trunk share them (6 s and 0.4 GB on ResNet-38).
_LAST: dict[tuple[str, str, tuple[int, ...]], NDArray[np.float32]] = {}

_BLOCK = 1 << 15  # numbers drawn at a time: what is worked on stays in the processor's cache
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))


@dataclass(frozen=True)
class Fixture:
    """One fixture file.

    Parameters
    ----------
    meta : dict
        name, variant, salt, reference, config, keys, optional alias and gain.
    inputs, outputs : dict
        Arrays without their ``in/`` and ``out/`` prefix.
    state : dict
        Published key to float32 array, in published order; empty when the fixture has no network.
    arrays : dict
        All arrays under their full names.
    """

    meta: dict[str, Any]
    inputs: Arrays
    outputs: Arrays
    state: Arrays
    arrays: Arrays = field(repr=False, default_factory=dict)

    @property
    def config(self) -> dict[str, Any]:
        """What the reference was configured with (class counts, thresholds, scales)."""
        return dict(self.meta.get("config") or {})

    @property
    def present(self) -> list[int]:
        """The classes of the maps under ``msf/``, ascending as ours are; `by_class` brings published ones there."""
        return sorted(self.config["present"])

    def by_class(self, maps: NDArray[Any]) -> NDArray[Any]:
        """Return maps (P,...) in the order of ``config.present``, sorted by their classes."""
        return maps[np.argsort(self.config["present"])]

    def names(self, prefix: str) -> list[str]:
        """Return the rest of the names of outputs that begin with `prefix`; skip the calling test without any."""
        found = [name.removeprefix(prefix) for name in self.outputs if name.startswith(prefix)]
        if not found:
            pytest.skip(f"fixture {self.meta['name']} ({self.meta.get('variant', '?')}) holds no outputs {prefix}*")
        return found

    def tensors(self) -> dict[str, Any]:
        """Return the state dict as torch tensors, which share the fixture's memory: to be read only."""
        import torch

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return {key: torch.from_numpy(value) for key, value in self.state.items()}


def fixture_path(name: str) -> Path:
    """Return the file of fixture `name`; skip the calling test with a message where it is absent."""
    default = Path(__file__).parents[2] / "../shared/fixtures/open"
    path = Path(os.environ.get("WSSS_FIXTURES") or default) / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"fixture {name}.npz not found; WSSS_FIXTURES names the folder of parity fixtures")
    return path


def load_fixture(path: Path | str) -> Fixture:
    """Return a fixture file's content with its state dict generated; `path` may be a fixture's name."""
    path = Path(path) if str(path).endswith(".npz") else fixture_path(str(path))
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    meta = json.loads(str(arrays.pop("meta")))
    stored = _under("stored/", arrays)
    state = make_state(meta, stored) if meta.get("keys") else {}
    return Fixture(meta, _under("in/", arrays), _under("out/", arrays), state, arrays)


def make_state(meta: Mapping[str, Any], stored: Arrays) -> Arrays:
    """Return key -> float32 array for ``meta['keys']``; stored arrays win, aliases share one array.

    Generated arrays are read-only and kept until a state dict that does not use them is made.
    """
    alias, gain = meta.get("alias") or {}, meta.get("gain") or {}
    sources: Arrays = dict(stored)
    generated = {}
    for key, shape in meta["keys"]:
        source = alias.get(key, key)
        if source not in sources:
            name = (meta["salt"], source, tuple(shape))
            generated[name] = tensor = _LAST[name] if name in _LAST else _read_only(make_tensor(*name))
            sources[source] = tensor * np.float32(gain[source]) if source in gain else tensor
    _LAST.clear()
    _LAST.update(generated)
    return {key: sources[alias.get(key, key)] for key, _ in meta["keys"]}


def make_tensor(salt: str, key: str, shape: Sequence[int]) -> NDArray[np.float32]:
    """Return the float32 values of one key.

    Raises
    ------
    KeyError
        For running statistics: those are stored in the file, never generated.
    """
    if key.endswith(("running_mean", "running_var")):
        raise KeyError(f"{key} is missing from the fixture: running statistics are stored, never generated")
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, np.float32)
    found = np.empty(math.prod(shape), np.float32)
    for start in range(0, found.size, _BLOCK):
        part = found[start : start + _BLOCK]
        noise = uniform(f"{salt}:{key}", part.size, start)
        if len(shape) >= 2:
            noise *= np.sqrt(12.0)
            noise *= np.sqrt(2.0 / math.prod(shape[1:]))  # variance 2 / fan-in
        elif key.endswith((".weight", ".a_2")):
            noise = 1.0 + 0.6 * noise
        else:
            noise = 0.4 * noise
        part[:] = noise
    return found.reshape(shape)


def uniform(text: str, count: int, start: int = 0) -> NDArray[np.float64]:
    """Return `count` numbers in (-0.5, 0.5) from `start` on, drawn by splitmix64 seeded by the SHA-256 of `text`."""
    seed = np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], "<u8")
    z = np.arange(start + 1, start + count + 1, dtype=np.uint64)
    z *= _GOLDEN  # array arithmetic wraps modulo 2**64
    z += seed
    for shift, factor in _MIX:
        z ^= z >> shift
        z *= factor
    z ^= z >> np.uint64(31)
    z >>= np.uint64(40)
    found = z * 2.0**-24  # exact, as all that follows
    found -= 0.5
    found += 2.0**-25
    return found


@contextmanager
def nothing_drawn() -> Iterator[None]:
    """Inside, networks are built without first weights (2 s on ResNet-38): a whole state dict must replace them."""
    import torch

    names = ("kaiming_uniform_", "kaiming_normal_")
    with patch.multiple(torch.nn.init, **{name: lambda tensor, *_, **__: tensor for name in names}):
        yield


@contextmanager
def one_pass(trunk: Any) -> Iterator[None]:
    """Inside, a trunk computes the features of a batch once, however many outputs are made from them."""
    compute, known = trunk.features, {}

    def features(images: Any, taps: Sequence[str]) -> dict[str, Any]:
        if id(images) not in known:
            known[id(images)] = images, compute(images, tuple(trunk.taps))  # kept alive: its id stays its own
        return {tap: known[id(images)][1][tap] for tap in taps}

    with patch.object(trunk, "features", features):
        yield


def relative_error(actual: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return max|actual - expected| / max|expected|, the measure of the fixtures' tolerances."""
    assert actual.shape == expected.shape, f"{actual.shape} instead of {expected.shape}"
    return float(np.abs(actual.astype(np.float64) - expected).max() / np.abs(expected).max())


def _read_only(array: NDArray[np.float32]) -> NDArray[np.float32]:
    array.flags.writeable = False
    return array


def _under(prefix: str, arrays: Arrays) -> Arrays:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
