"""Which weights learn at which rate, and the memory layout in which a network is trained."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from training.config import Optimisation

_NARROW = 16


def optimiser_of(
    trunk: Iterable[nn.Parameter], head: Iterable[nn.Parameter], settings: Optimisation
) -> torch.optim.Optimizer:
    """Return the optimiser of two groups of weights, the second of which learns faster (`head_rate`)."""
    groups = _groups(trunk, head, settings)
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(groups)
    # Without momentum torch refuses Nesterov's, which would be no different.
    return torch.optim.SGD(groups, momentum=settings.momentum, nesterov=settings.nesterov and settings.momentum > 0)


def _groups(
    trunk: Iterable[nn.Parameter], head: Iterable[nn.Parameter], settings: Optimisation
) -> list[dict[str, Any]]:
    groups = []
    for parameters, rate in ((trunk, 1.0), (head, settings.head_rate)):
        learning = [p for p in parameters if p.requires_grad]
        for decays in (True, False):
            # Biases, and scale and shift of batch norm, are not pulled towards zero.
            chosen = [p for p in learning if (p.ndim > 1) == decays]
            if chosen:
                decay = settings.weight_decay if decays else 0.0
                groups.append({"params": chosen, "lr": settings.learning_rate * rate, "weight_decay": decay})
    return groups


def layout_of(network: nn.Module) -> torch.memory_format:
    """Return channels-last, the faster layout, unless that would end the process.

    oneDNN (torch 2.13 on a CPU) writes beyond its memory in the backward pass of a strided 1x1 convolution in this
    layout with at most 8 channels, which trunks of 1/8 of their width have.
    """
    strided = (m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1) != m.stride)
    narrow = any(module.in_channels < _NARROW for module in strided)
    return torch.contiguous_format if narrow else torch.channels_last
