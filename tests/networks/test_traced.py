"""It is known when a graph is traced."""

import torch
from torch import Tensor, nn

from napari_wsss.networks.traced import is_tracing


class Told(nn.Module):
    """Notes whether it was traced."""

    def forward(self, images: Tensor) -> Tensor:
        self.traced = is_tracing()
        return images * 2


def test_it_is_known_when_a_graph_is_traced() -> None:
    told = Told()
    told(torch.zeros(1))
    assert not told.traced
    torch.jit.trace(told, torch.zeros(1), check_trace=False)  # which would run it once more
    assert told.traced
