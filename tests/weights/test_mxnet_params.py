"""MXNet's files of every age; each cut and each oddity is a ValueError, never an array."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from napari_wsss.weights.mxnet_params import MAGIC, read_params

TYPES = {"float32": 0, "float64": 1, "float16": 2, "uint8": 3, "int32": 4, "int8": 5, "int64": 6, "bool": 7}
VERSIONS = {"legacy": b"", "1": struct.pack("<I", 0xF993FAC8), "2": struct.pack("<Ii", 0xF993FAC9, 0)}
VERSIONS["3"] = struct.pack("<Ii", 0xF993FACA, 0)


def params(arrays: Mapping[str, NDArray[Any]], version: str = "2", storage: int = 0) -> bytes:
    """Return a file's content as MXNet writes it."""
    parts = [MAGIC, struct.pack("<QQ", 0, len(arrays))]
    for array in arrays.values():
        head = VERSIONS[version] if not storage else struct.pack("<Ii", 0xF993FAC9, storage)
        sizes = f"<I{array.ndim}{'I' if version == 'legacy' else 'q'}"
        parts += [head, struct.pack(sizes, array.ndim, *array.shape)]
        parts += [struct.pack("<iii", 1, 0, TYPES[array.dtype.name]), array.tobytes()]
    parts.append(struct.pack("<Q", len(arrays)))
    for name in arrays:
        parts.append(struct.pack("<Q", len(name)) + name.encode())
    return b"".join(parts)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", TYPES)
def test_every_version_and_type(tmp_path: Path, version: str, kind: str) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(kind)
    path = written(tmp_path / "a.params", params({"arg:w": array, "aux:mean": array[0, 0], "plain": array[1]}, version))

    found = read_params(path)

    assert list(found) == ["w", "mean", "plain"]
    assert torch.equal(found["w"], torch.from_numpy(array))
    assert found["plain"].shape == (3, 4)


def test_an_array_without_a_shape_is_left_out(tmp_path: Path) -> None:
    content = MAGIC + struct.pack("<QQIQQ", 0, 1, 0, 1, 1) + b"w"

    assert read_params(written(tmp_path / "a", content)) == {}


@pytest.mark.parametrize("share", [0.1, 0.4, 0.6, 0.8, 0.99])
def test_every_cut_is_noticed(tmp_path: Path, share: float) -> None:
    content = params({"arg:w": np.ones((5, 5), np.float32), "aux:m": np.ones(5, np.float32)})

    with pytest.raises(ValueError, match="early"):
        read_params(written(tmp_path / "a", content[: int(share * len(content))]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (params({"w": np.ones(2, np.float32)}, storage=1), "sparse"),
        (MAGIC + struct.pack("<QQII", 0, 1, 1, 2) + struct.pack("<iii", 1, 0, 99), "unknown type 99"),
        (MAGIC + struct.pack("<QQI", 0, 1, 4000), "4000 axes"),
        (MAGIC + struct.pack("<QQIiq", 0, 1, 0xF993FAC8, 1, -3), r"shape \(-3,\)"),
        (MAGIC + struct.pack("<QQQ", 0, 0, 3), "3 names"),
        (struct.pack("<QQQ", 1, 0, 0), "no list"),
        (MAGIC + struct.pack("<QQIII", 0, 1, 2, 2**31, 2**31) + struct.pack("<iii", 1, 0, 0), "early"),
    ],
)
def test_oddities_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_params(written(tmp_path / "a", content))
