"""A module run by torch.compile, and as it is where that fails: on systems without a compiler, of networks it can't."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class Compiled(nn.Module):
    """Computes what a module of named losses does, compiled.

    Parameters
    ----------
    module : nn.Module
        Returns losses by name.
    told : callable
        Called with a sentence where it cannot be compiled.
    """

    def __init__(self, module: nn.Module, told: Callable[[str], object]) -> None:
        super().__init__()
        self.module = module
        self._told = told
        self._run: Callable[[Any], dict[str, Tensor]] | None = None

    def forward(self, batch: Any) -> dict[str, Tensor]:
        """Return the losses of a batch."""
        if self._run is None:
            self._run = self._compiled(batch)
        return self._run(batch)

    def _compiled(self, batch: Any) -> Callable[[Any], dict[str, Tensor]]:
        """Return the compiled module where it can do a batch forward and backward, else the module itself."""
        # The trial leaves no trace: running statistics and random numbers are as they were.
        before = {name: value.clone() for name, value in self.module.named_buffers()}
        seed, failed = torch.get_rng_state(), ""
        compiled: Callable[[Any], dict[str, Tensor]] = self.module
        try:
            compiled = torch.compile(self.module)
            learning = [weight for weight in self.module.parameters() if weight.requires_grad]
            losses = torch.stack([loss.float() for loss in compiled(batch).values()]).sum()
            torch.autograd.grad(losses, learning, allow_unused=True)
        except Exception as error:  # noqa: BLE001 - compilers, their back ends and missing tools raise what they like;
            # a fault of the module's own comes up again where it runs as it is
            failed = (str(error).strip().splitlines() or [type(error).__name__])[0]
        with torch.no_grad():
            for name, value in self.module.named_buffers():
                value.copy_(before[name])
        torch.set_rng_state(seed)
        if not failed:
            return compiled
        self._told(f"The network could not be compiled ({failed}); it runs as it is.")
        return self.module
