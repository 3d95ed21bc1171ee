"""The feature interaction network of LDF (Wei et al., CVPR 2020, section 3.2) on any trunk.

Two decoders read the four deepest stages of a trunk, one for the body of the object and one for its detail. An
encoder joins what both found and gives it back to both, level by level; the same decoders run a second time with it.
Every pass ends in three maps of logits: body, detail and, from both together, saliency.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.networks.batch_norm import BatchNorm
from napari_wsss.networks.trunk import Trunk, scaled

CHANNELS = 64
LEVELS = 4


class SaliencyLogits(NamedTuple):
    """Logits (B,1,h,w) of one pass, on the grid of the finest level read."""

    body: Tensor
    detail: Tensor
    saliency: Tensor


def level_taps(trunk: Trunk) -> tuple[str, ...]:
    """Return the taps of the four deepest stages that are named after a stride, finest first."""
    return tuple(tap for tap in trunk.stage_taps if tap.startswith("stride"))[-LEVELS:]


class ConvNormRelu(nn.Module):
    """Size-keeping 3x3 convolution with bias, batch norm, ReLU."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.norm = BatchNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B,channels,h,w)."""
        return F.relu(self.norm(self.conv(x)), inplace=True)


class Decoder(nn.Module):
    """From the coarsest level to the finest, each level adding to what comes from below."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.steps = nn.ModuleList([ConvNormRelu(channels, channels) for _ in range(LEVELS)])

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Return (B,C,h,w) of the finest of `levels` (four of (B,C,.,.), finest first)."""
        out: Tensor | None = None
        for step, level in zip(self.steps, reversed(levels), strict=True):
            out = step(level if out is None else level + _resized(out, level))
        assert out is not None
        return out


class InteractionEncoder(nn.Module):
    """What body and detail say together, for each of both and each level."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        firsts = [2 * channels, *[channels] * (LEVELS - 1)]
        self.steps = nn.ModuleList([ConvNormRelu(first, channels) for first in firsts])
        self.body = nn.ModuleList([ConvNormRelu(channels, channels) for _ in range(LEVELS)])
        self.detail = nn.ModuleList([ConvNormRelu(channels, channels) for _ in range(LEVELS)])

    def forward(self, joined: Tensor, levels: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Return for body and for detail one tensor per level of the sizes of `levels`, finest first.

        Parameters
        ----------
        joined : (B, 2C, h, w) Tensor
        levels : sequence of (B, C, ., .) Tensor
            Only their sizes count; where a trunk dilates, neighbouring levels have the same.
        """
        found, out = [], joined
        for step, level in zip(self.steps, levels, strict=True):
            if out.shape[2:] != level.shape[2:]:
                out = F.max_pool2d(out, 2, ceil_mode=True)
            out = step(out)
            found.append(out)
        return (
            [part(out) for part, out in zip(self.body, found, strict=True)],
            [part(out) for part, out in zip(self.detail, found, strict=True)],
        )


class LabelDecouplingNetwork(nn.Module):
    """Trunk, both decoders, their interaction and the heads.

    Parameters
    ----------
    trunk : Trunk
        Its four deepest stages are read (`level_taps`); its `width` also scales the decoders. The published one is
        ResNet-50 at output stride 32.
    """

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        channels = scaled(CHANNELS, trunk.width)
        self.trunk = trunk
        self.taps = level_taps(trunk)
        self.body_lateral = nn.ModuleList([_lateral(trunk.taps[tap], channels) for tap in self.taps])
        self.detail_lateral = nn.ModuleList([_lateral(trunk.taps[tap], channels) for tap in self.taps])
        self.body_decoder, self.detail_decoder = Decoder(channels), Decoder(channels)
        self.interaction = InteractionEncoder(channels)
        self.body_head, self.detail_head = (nn.Conv2d(channels, 1, 3, padding=1) for _ in range(2))
        self.saliency_head = nn.Sequential(ConvNormRelu(2 * channels, channels), nn.Conv2d(channels, 1, 3, padding=1))
        for name, part in self.named_children():
            if name != "trunk":
                _initialise(part)

    def forward(self, images: Tensor) -> tuple[SaliencyLogits, SaliencyLogits]:
        """Return the logits of both passes for normalised images (B,3,H,W) of any size."""
        features = self.trunk.features(images, self.taps)
        body = [part(features[tap]) for part, tap in zip(self.body_lateral, self.taps, strict=True)]
        detail = [part(features[tap]) for part, tap in zip(self.detail_lateral, self.taps, strict=True)]
        first = self.body_decoder(body), self.detail_decoder(detail)
        more_body, more_detail = self.interaction(torch.cat(first, 1), body)
        second = self.body_decoder(_sums(body, more_body)), self.detail_decoder(_sums(detail, more_detail))
        return self._heads(*first), self._heads(*second)

    def _heads(self, body: Tensor, detail: Tensor) -> SaliencyLogits:
        both = self.saliency_head(torch.cat((body, detail), 1))
        return SaliencyLogits(self.body_head(body), self.detail_head(detail), both)


def _lateral(channels_in: int, channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels_in, channels, 1), ConvNormRelu(channels, channels))


def _resized(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[2:], mode="bilinear", align_corners=False)


def _sums(first: Sequence[Tensor], second: Sequence[Tensor]) -> list[Tensor]:
    return [a + b for a, b in zip(first, second, strict=True)]


def _initialise(module: nn.Module) -> None:
    """Draw He-normal convolution weights (fan in, as published); biases zero."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
