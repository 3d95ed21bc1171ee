"""Recognising where a state dict comes from: by its keys, shapes and values, never by a file's name."""

import hashlib
from collections.abc import Mapping, Sequence

from torch import Tensor

from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.published import PUBLISHED


def identify(
    state: Mapping[str, Tensor], descriptors: Sequence[WeightsDescriptor] = PUBLISHED, *, trunk: str = ""
) -> WeightsDescriptor | None:
    """Return the descriptor a state dict belongs to, by its keys, shapes and values, or None.

    A descriptor with a fingerprint is only returned when the fingerprint agrees, and then before all others.

    Parameters
    ----------
    state : mapping of str to Tensor
        As `read` returns it.
    descriptors : sequence of WeightsDescriptor
        Among these.
    trunk : str
        What the weights are wanted for: one file can start two trunks (torchvision's ResNet-101 also Caffe's).
    """
    fitting = [entry for entry in descriptors if has_tell_tales(state, entry)]
    fitting.sort(key=lambda entry: (entry.tell_tale.fingerprint == ("", ""), entry.network != trunk))
    return fitting[0] if fitting else None


def fingerprint(tensor: Tensor) -> str:
    """Return the SHA-256 of a tensor's values as little-endian float32 in row-major order."""
    values = tensor.detach().cpu().float().contiguous().numpy().astype("<f4")
    return hashlib.sha256(values.tobytes()).hexdigest()


def has_tell_tales(state: Mapping[str, Tensor], descriptor: WeightsDescriptor) -> bool:
    """Tell whether a state dict holds all that tells these weights from others."""
    tell_tale = descriptor.tell_tale
    if not tell_tale.shapes or any(key in state for key in tell_tale.absent):
        return False
    for key, shape in tell_tale.shapes:
        found = tuple(state[key].shape) if key in state else ()
        if len(found) != len(shape) or any(b not in (None, a) for a, b in zip(found, shape, strict=True)):
            return False
    key, expected = tell_tale.fingerprint
    return not expected or (key in state and fingerprint(state[key]) == expected)
