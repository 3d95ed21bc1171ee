"""The loss of a network as several processes compute it together, and a batch in the parts in which they do."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from napari_wsss.core.errors import ParameterError
from napari_wsss.networks.across import Shares
from training.data.samplers import BatchOrder
from training.distributed import dealt, world


@dataclass(frozen=True)
class Part:
    """Some images of a batch that go through the network at once.

    Parameters
    ----------
    number : int
        From 0.
    images : range
        Among those this process has of the batch.
    weight : float
        Share of the whole batch, in (0, 1].
    is_last : bool
    shares : Shares, optional
        How the part is dealt out to processes.
    """

    number: int = 0
    images: range = range(0)
    weight: float = 1.0
    is_last: bool = True
    shares: Shares | None = None


def parts_of(order: BatchOrder, count: int) -> list[Part]:
    """Return the parts of every batch, `count` for each process, consecutive images in each.

    Raises
    ------
    ParameterError
        When a process would have no image in a part.
    """
    sizes = [len(own) for own in world().dealt(order.batch_size, order.group_size)]
    rank = world().rank if len(sizes) > 1 else 0
    cuts = [dealt(size, order.group_size, count) for size in sizes]
    if not all(len(part) for cut in cuts for part in cut):
        groups = "" if order.group_size == 1 else f" in groups of {order.group_size}"
        raise ParameterError(
            f"A batch of {order.batch_size} images{groups} cannot be dealt out to {len(sizes)} processes in {count} "
            f"parts each; give --batch-size {order.group_size * len(sizes) * count} or more (and as many images), or "
            "start fewer processes.",
            name="batch_size",
        )
    found = []
    for number in range(count):
        counts = tuple(len(cut[number]) for cut in cuts)
        shares = Shares(counts, rank) if len(counts) > 1 else None
        weight = sum(counts) / order.batch_size
        found.append(Part(number, cuts[rank][number], weight, number == count - 1, shares))
    return found


def taken(arrays: Any, images: range) -> Any:
    """Return a dataclass of arrays with some of its images."""
    chosen = {field.name: getattr(arrays, field.name) for field in fields(arrays)}
    at = slice(images.start, images.stop)
    return replace(arrays, **{name: None if value is None else value[at] for name, value in chosen.items()})


def _no_loss(batch: Any) -> dict[str, Tensor]:
    raise TypeError("This network has no loss of a batch; give `Learner.update` its losses.")


class Losses(nn.Module):
    """The losses of a network as the result of a module, which is what torch's distributed training takes."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._loss: Callable[[Any], dict[str, Tensor]] = getattr(network, "loss", _no_loss)

    def forward(self, batch: Any) -> dict[str, Tensor]:
        """Return the named losses of a batch."""
        found: dict[str, Tensor] = self._loss(batch)
        return found


def together(losses: nn.Module, device: torch.device) -> nn.Module:
    """Return a module whose gradients are means over all processes; the module itself in one that is alone."""
    if not world().several or not any(weight.requires_grad for weight in losses.parameters()):
        return losses
    # Running statistics are the same in all processes as it is: `networks.across` computes them over the whole batch.
    devices = [device] if device.type == "cuda" else None
    new = "forward_sync_buffers" in inspect.signature(DistributedDataParallel.__init__).parameters
    unsent: dict[str, Any] = {"forward_sync_buffers" if new else "broadcast_buffers": False}
    return DistributedDataParallel(losses, device_ids=devices, **unsent)


def batch_norm_of(network: nn.Module) -> str:
    """Return what batch norm does in a network that trains: ``none``, ``frozen``, ``learns`` or ``synchronised``."""
    network.train()
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return "none"
    if not any(norm.training for norm in norms):
        return "frozen"
    return "synchronised" if world().several else "learns"
