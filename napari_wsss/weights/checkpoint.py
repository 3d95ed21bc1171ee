"""Our own checkpoints: one safetensors file whose metadata holds the configuration as JSON; no pickled classes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from napari_wsss.core.errors import WeightsError
from napari_wsss.core.files import parsed_object, publish_bytes
from napari_wsss.weights.read import DIGEST, State, digest_of, read_as_stored

_META = "napari-wsss"
LENGTH_BYTES = 8
"""What a safetensors file says the length of its header in."""


def save_checkpoint(path: Path, state: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
    """Write tensors and configuration; a reader sees the old file or the whole new one.

    Parameters
    ----------
    path : Path
        Usually ending in ``.safetensors``.
    state : mapping of str to Tensor
        Any device and memory format; types are kept.
    meta : mapping
        Plain JSON types. ``"normalisation"`` (`Normalisation.to_dict`) lets the trunk be reused elsewhere.
    """
    record = json.dumps(dict(meta), sort_keys=True)
    # A copy of each tensor: safetensors refuses tensors that share memory.
    tensors = {key: value.detach().cpu().clone().contiguous() for key, value in state.items()}
    content = save(tensors, metadata={_META: record, DIGEST: digest_of(tensors, {_META: record})})
    publish_bytes(Path(path), _in_order(content))


def _in_order(content: bytes) -> bytes:
    """Return a safetensors file with its metadata in order, which is another one in every process as it is written."""
    length = int.from_bytes(content[:LENGTH_BYTES], "little")
    header = json.dumps(json.loads(content[LENGTH_BYTES : LENGTH_BYTES + length]), sort_keys=True).encode()
    header += b" " * (-len(header) % LENGTH_BYTES)  # tensors begin at a multiple of it
    return len(header).to_bytes(LENGTH_BYTES, "little") + header + content[LENGTH_BYTES + length :]


def load_checkpoint(path: Path) -> tuple[State, dict[str, Any]]:
    """Return the tensors (types as stored, on the CPU) and the configuration of `save_checkpoint`.

    Raises
    ------
    WeightsError
        When the file is missing, damaged (a digest written with it does not fit, also where one bit changed), holds
        weights that are no numbers, or is not one of our checkpoints.
    """
    state, metadata = read_as_stored(Path(path))
    try:
        meta = checkpoint_meta(metadata)
    except ValueError as reason:
        raise WeightsError(
            f"{Path(path).name} is a damaged checkpoint of napari-wsss: its configuration cannot be read ({reason}). "
            "Copy it again, or use another checkpoint of its run."
        ) from reason
    if meta is None:
        raise WeightsError(
            f"{Path(path).name} is not a checkpoint of napari-wsss (its configuration is missing). To start from "
            "weights of another origin, give them as the trunk's weights."
        )
    return state, meta


def is_checkpoint(path: Path) -> bool:
    """Tell whether a file is one of our checkpoints, sound or damaged; its tensors are not read."""
    try:
        with safe_open(path, framework="pt") as file:
            return _META in (file.metadata() or {})
    except (SafetensorError, OSError):
        return False


def checkpoint_meta(metadata: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the configuration found in a file's metadata, or None when it is not one of our checkpoints.

    Raises
    ------
    ValueError
        When it is no JSON object.
    """
    return parsed_object(metadata[_META]) if _META in metadata else None
