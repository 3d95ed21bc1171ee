"""Reading a weights file safely: recognised by its first bytes, nothing in it is ever executed."""

import hashlib
import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from napari_wsss.core.errors import WeightsError
from napari_wsss.weights.mxnet_params import MAGIC as MXNET
from napari_wsss.weights.mxnet_params import read_params

State = dict[str, Tensor]
DIGEST = "napari-wsss-digest"
"""Where our own files keep what `digest_of` says of them."""

# Where training scripts keep the state dict among other things.
_ENVELOPES = ("state_dict", "model_state_dict", "model_state", "model", "net")
# Before it, files read with `weights_only` could still run code (CVE-2025-32434).
_SAFE_TORCH = "2.6"
# What torch.load raises for damaged files, by age of the format.
_DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


def read(path: Path | str) -> tuple[State, dict[str, str]]:
    """Return the tensors of a weights file and its metadata (safetensors only, else empty).

    Floating-point tensors come back as float32, prefixes of data-parallel training are dropped.

    Parameters
    ----------
    path : Path
        A ``.safetensors`` file, what ``torch.save`` wrote, or MXNet's ``.params``; the suffix does not matter.

    Raises
    ------
    WeightsError
        When the file is missing, is something else (a web page, a Git LFS pointer), is truncated, holds pickled
        Python objects, weights that are no numbers (NaN), or a digest that it does not fit.
    """
    path = Path(path)
    state, metadata = read_as_stored(path)
    tensors = {key: _as_float32(value) for key, value in state.items()}
    if tensors and all(key.startswith("module.") for key in tensors):
        tensors = {key.removeprefix("module."): value for key, value in tensors.items()}
    return tensors, metadata


def read_as_stored(path: Path) -> tuple[State, dict[str, str]]:
    """Return the tensors with their stored types and names, and the metadata; errors as `read`."""
    state, metadata = _by_format(path)
    if metadata.get(DIGEST, "") not in ("", digest_of(state, metadata)):
        raise WeightsError(
            f"{path} is damaged: its content changed since it was written (its digest does not fit). "
            "Put back a copy of the file, choose another one, or train again."
        )
    wrong = [name for name, value in state.items() if value.is_floating_point() and bool(torch.isnan(value).any())]
    if wrong:
        raise WeightsError(
            f"{path} knows nothing: {len(wrong)} of its {len(state)} tensors hold values that are no numbers (NaN; the "
            f"first is {wrong[0]}). Its training diverged, or the file is damaged; choose another file or train again."
        )
    return state, metadata


def digest_of(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """Return what tells a changed file from a whole one: of names, types, shapes and bytes, and of the metadata."""
    digest = hashlib.sha256(repr(sorted((key, text) for key, text in metadata.items() if key != DIGEST)).encode())
    for name in sorted(tensors):
        tensor = tensors[name].clone(memory_format=torch.contiguous_format)
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _by_format(path: Path) -> tuple[State, dict[str, str]]:
    if not path.is_file():
        raise WeightsError(f"There is no weights file at {path}. Give the path of a .safetensors or .pth file.")
    with path.open("rb") as file:
        head = file.read(512)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**30:
        return _read_safetensors(path)
    if head[:4] == b"PK\x03\x04" or head[:1] == b"\x80":
        return _read_torch(path), {}
    if head[:8] == MXNET:
        return _read_mxnet(path), {}
    raise WeightsError(_describe(path, head))


def _read_safetensors(path: Path) -> tuple[State, dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except SafetensorError as error:
        raise WeightsError(_truncated(path, error)) from error


def _read_torch(path: Path) -> State:
    if torch.__version__ < _SAFE_TORCH:
        raise WeightsError(
            f"{path.name} is a PyTorch file, which torch {torch.__version__} cannot read safely (CVE-2025-32434). "
            "Install torch 2.6 or newer, or give a .safetensors file."
        )
    try:
        # An open file: of a path torch would believe the suffix.
        with path.open("rb") as file:
            content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path.name} holds Python objects, which could run code when opened, or is damaged. "
            "Save only its state_dict (or a .safetensors file) where it came from, and load that."
        ) from error
    except _DAMAGED as error:
        raise WeightsError(_truncated(path, error)) from error
    return _unwrap(path, content)


def _read_mxnet(path: Path) -> State:
    try:
        return read_params(path)
    except ValueError as error:
        raise WeightsError(_truncated(path, error)) from error


def _unwrap(path: Path, content: Any) -> State:
    while isinstance(content, Mapping):
        inner = next((content[name] for name in _ENVELOPES if isinstance(content.get(name), Mapping)), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path.name} holds a {type(content).__name__}; expected a state dict of named tensors.")
    state = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if not state:
        found = ", ".join(map(str, list(content)[:8])) or "nothing"
        raise WeightsError(f"{path.name} holds no named tensors (found: {found}); expected a state dict.")
    return state


def _as_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _truncated(path: Path, error: Exception) -> str:
    size = path.stat().st_size
    return f"{path.name} ({size:,} bytes) is damaged or incomplete ({error}). Download or copy it again."


def _describe(path: Path, head: bytes) -> str:
    text = head.lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        found = "a web page (a log-in or error page was saved instead of the file)"
    elif text.startswith(b"version https://git-lfs"):
        found = "a Git LFS pointer (run 'git lfs pull' where it came from)"
    elif not head:
        found = "empty"
    else:
        found = f"not a format known here (it begins with {head[:8]!r})"
    return (
        f"{path.name} is {found}; expected a .safetensors file, a .pth file written by torch.save, or MXNet's .params."
    )
