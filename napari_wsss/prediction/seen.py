"""From what a network gives to maps of the classes that are asked for (numpy only)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.maps import ActivationMaps

Planes = NDArray[np.float32]


def from_probabilities(probabilities: Planes, present: Sequence[int] | None) -> ActivationMaps:
    """Return a segmenter's probabilities (C+1,H,W) as maps of the present classes, of all of them for None."""
    classes = tuple(range(len(probabilities) - 1)) if present is None else tuple(sorted(set(present)))
    return ActivationMaps(probabilities[[k + 1 for k in classes]], classes, probabilities[0])


def said_present(logits: NDArray[np.float32], presence: float) -> tuple[int, ...]:
    """Return the classes whose image-level probability, by logits (C,), is at least `presence`."""
    probabilities = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    return tuple(int(k) for k in np.flatnonzero(probabilities >= presence))


def enlarged(planes: Planes, height: int, width: int, *, aligned: bool = False) -> Planes:
    """Return planes (K,h,w) at another size, bilinear, with corner cells on corner pixels or (usually) not."""
    low, high, share = _weights(planes.shape[1], height, aligned)
    tall = _between(planes[:, low], planes[:, high], share[:, None])  # (K, H, w)
    low, high, share = _weights(planes.shape[2], width, aligned)
    return _between(tall[:, :, low], tall[:, :, high], share)


def _between(low: Planes, high: Planes, share: Planes) -> Planes:
    return low + (high - low) * share


def _weights(cells: int, length: int, aligned: bool) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return between which two cells each of `length` pixels lies, and the share of the second."""
    pixels = np.arange(length, dtype=np.float64)
    at = pixels * ((cells - 1) / max(1, length - 1)) if aligned else (pixels + 0.5) * (cells / length) - 0.5
    at = np.clip(at, 0, cells - 1)
    low = np.floor(at).astype(np.intp)
    return low, np.minimum(low + 1, cells - 1), (at - low).astype(np.float32)
