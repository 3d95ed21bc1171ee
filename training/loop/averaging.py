"""The running mean of a network's weights over the steps of a training, which often is better than the last ones."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of weights and running statistics (Polyak and Juditsky 1992; Tarvainen et al. 2017).

    Parameters
    ----------
    network : nn.Module
    decay : float in (0, 1)
        How much of the mean stays after a step; in the first steps less, so that the random start is soon forgotten.

    Attributes
    ----------
    weights : dict of str to Tensor
        By the names of `state_dict`; what is no floating number (counters) is not averaged.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network, self._decay = network, decay
        self.weights: dict[str, Tensor] = {name: value.clone() for name, value in _averaged(network)}

    @torch.no_grad()
    def take(self, step: int) -> None:
        """Let the mean follow the weights after `step` steps."""
        share = 1 - min(self._decay, (1 + step) / (10 + step))
        for name, value in _averaged(self._network):
            self.weights[name].lerp_(value, share)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the network have the mean weights meanwhile."""
        own = {name: value.clone() for name, value in _averaged(self._network)}
        self._put(self.weights)
        try:
            yield
        finally:
            self._put(own)

    @torch.no_grad()
    def _put(self, weights: dict[str, Tensor]) -> None:
        for name, value in _averaged(self._network):
            value.copy_(weights[name])


def _averaged(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    return ((name, value) for name, value in network.state_dict().items() if value.is_floating_point())
