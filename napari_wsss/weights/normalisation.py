"""How an image becomes network input: the facts that travel with a weights file (numpy only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Normalisation:
    """Input = (pixel * scale - mean) / std, channel by channel.

    Parameters
    ----------
    mean, std : three floats
        In `channel_order`, after scaling.
    scale : float
        Factor on the 0..255 pixel values.
    channel_order : 'RGB' or 'BGR'
        Order of the channels the network sees.
    size_rule : 'any' or '32k+1'
        Heights and widths the weights want; 32k+1 makes symmetric padding agree with TensorFlow's.
    """

    mean: Triple = (0.485, 0.456, 0.406)
    std: Triple = (0.229, 0.224, 0.225)
    scale: float = 1 / 255
    channel_order: Literal["RGB", "BGR"] = "RGB"
    size_rule: Literal["any", "32k+1"] = "any"

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network input (3,H,W) float32 of an RGB image (H,W,3) uint8; zero is the mean colour."""
        if image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"Image has shape {image.shape}; expected (height, width, 3) RGB.")
        pixels = image[..., ::-1] if self.channel_order == "BGR" else image
        std = np.array(self.std)
        factor = (self.scale / std).astype(np.float32)
        offset = (np.array(self.mean) / std).astype(np.float32)
        planes = np.moveaxis(pixels, 2, 0).astype(np.float32, order="C")  # (3, H, W)
        planes *= factor[:, None, None]
        planes -= offset[:, None, None]
        return planes

    def fit_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) nearest to the given one that obeys `size_rule`, at least 33 under 32k+1."""
        if self.size_rule == "any":
            return height, width
        return _nearest_32k1(height), _nearest_32k1(width)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self) | {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Normalisation:
        """Return the normalisation written by `to_dict`."""
        return cls(**{**record, "mean": tuple(record["mean"]), "std": tuple(record["std"])})


def _nearest_32k1(length: int) -> int:
    return max(33, 32 * ((length + 15) // 32) + 1)


IMAGENET = Normalisation()
TENSORFLOW = Normalisation((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), 1 / 127.5, size_rule="32k+1")
CAFFE = Normalisation((104.008, 116.669, 122.675), (1.0, 1.0, 1.0), 1.0, channel_order="BGR")
