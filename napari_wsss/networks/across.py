"""What a batch says as a whole where several processes hold a share of its images each.

A loss is rarely a plain mean over images: it divides sums over pixels, pairs or known labels. Sums that are taken over
all processes before they are divided give what one process with the whole batch gives::

    ratio = total(part.sum()) / total(count.sum())

Under `shared` the same holds for what looks at a whole batch inside of a network: batch norm that learns takes mean and
variance over all processes, and dropout draws for the whole batch, of which each process uses its own rows. A process
that is alone gets back what it gave, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


@dataclass(frozen=True)
class Shares:
    """How the images of a batch are dealt out.

    Parameters
    ----------
    counts : tuple of int
        Images of every process, in their order in the batch; each has one at least.
    rank : int
        Which process this is.
    """

    counts: tuple[int, ...]
    rank: int

    @property
    def own(self) -> slice:
        """The images of this process."""
        first = sum(self.counts[: self.rank])
        return slice(first, first + self.counts[self.rank])


# A plain global, not one of the thread: on a GPU another thread than that of the forward pass goes backward.
_shares: Shares | None = None


@contextmanager
def shared(shares: Shares | None) -> Iterator[None]:
    """Let everything here speak of a batch that is dealt out so, None for one that this process has whole."""
    global _shares
    before, _shares = _shares, shares if shares is not None and len(shares.counts) > 1 else None
    try:
        if _shares is None:
            yield
        else:
            with _WholeBatch():
                yield
    finally:
        _shares = before


@contextmanager
def drawn_apart(seed: int) -> Iterator[None]:
    """Draw from a seed what is computed from some images alone, wherever that happens.

    A method that takes the groups of a batch one after the other draws for each from a seed of its own.
    """
    torch.manual_seed(seed)
    with shared(None):
        yield


def group_seeds(groups: int) -> list[int]:
    """Return the seeds of this process's `groups`, drawn for the groups of the whole batch."""
    base = int(torch.randint(2**62, ()))
    # Every process has as many groups for each of its images as the others have.
    first = 0 if _shares is None else _shares.own.start * groups // _shares.counts[_shares.rank]
    return [base + first + at for at in range(groups)]


def total(values: Tensor) -> Tensor:
    """Return the sum of `values`, of any shape, over all processes; gradients are right under averaging ones.

    What follows must be the same in all processes, as a loss is.
    """
    if _shares is None:
        return values
    found: Tensor = _Total.apply(values)  # type: ignore[no-untyped-call]  # torch declares no types
    return found


def mean(values: Tensor) -> Tensor:
    """Return the mean of `values`, of any shape, over all processes, a scalar."""
    if _shares is None:
        return values.mean()
    summed = values.float().sum()
    both = total(torch.stack([summed, torch.full_like(summed, values.numel())]))
    return both[0] / both[1]


def count(values: int) -> int:
    """Return how many there are in all processes together, where this one has `values` for its images."""
    return values if _shares is None else values * sum(_shares.counts) // _shares.counts[_shares.rank]


def drawn(*shape: int) -> Tensor:
    """Return numbers in [0, 1) of a shape, images first, as one process draws them for the whole batch (on the CPU)."""
    if _shares is None:
        return torch.rand(*shape)
    return torch.rand(sum(_shares.counts), *shape[1:])[_shares.own]


class _Total(torch.autograd.Function):
    """A sum over processes, each of which goes on with it in the same way."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        found = values.detach().clone(memory_format=torch.contiguous_format)
        dist.all_reduce(found)
        return found

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        # All of them have this very gradient: it need not be sent.
        return gradient * dist.get_world_size()


class _WholeBatch(TorchFunctionMode):
    """Computes batch norm and dropout as one process with the whole batch does."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return _OF_WHOLE_BATCH.get(function, function)(*args, **(kwargs or {}))


def _dropout(values: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    return _dropped(F.dropout, values, p, training, inplace)


def _dropout2d(values: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    return _dropped(F.dropout2d, values, p, training, inplace)


def _dropped(kind: Callable[..., Tensor], values: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    if _shares is None or not training or p == 0 or len(values) != _shares.counts[_shares.rank]:
        return kind(values, p, training, inplace)
    # Numbers are drawn in the order of memory: the batch that is drawn for has to lie there as this share does.
    channels_last = values.ndim == 4 and values.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    whole = torch.empty(sum(_shares.counts), *values.shape[1:], dtype=values.dtype, device=values.device)
    kept = kind(whole.to(memory_format=layout).fill_(1), p, True)
    return values * kept[_shares.own]


def _batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if _shares is None or not training:
        return F.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)
    normalised, average, variance, values = _Normalised.apply(  # type: ignore[no-untyped-call]  # torch declares no types
        x.float(), eps
    )
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(average.to(running_mean.dtype), momentum)
            unbiased = variance * (values / (values - 1).clamp(min=1))
            running_var.lerp_(unbiased.to(running_var.dtype), momentum)
    shape = (1, -1, *[1] * (x.ndim - 2))
    if weight is not None:
        normalised = normalised * weight.view(shape)
    if bias is not None:
        normalised = normalised + bias.view(shape)
    found: Tensor = normalised.to(x.dtype)
    return found


class _Normalised(torch.autograd.Function):
    """Values (B,C,...) less their mean, divided by their spread, both over all processes; on every device.

    `torch.nn.SyncBatchNorm` knows CUDA only.
    """

    @staticmethod
    def forward(context: Any, x: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        axes, shape = [0, *range(2, x.ndim)], (1, -1, *[1] * (x.ndim - 2))
        size = x.new_full((1,), x.numel() // x.shape[1])
        sums = _summed(torch.cat([x.sum(axes), size]))
        values = sums[-1]
        average = sums[:-1] / values
        away = x - average.view(shape)
        # In a second round: a difference of means of squares loses the digits that a small spread consists of.
        variance = _summed(away.square().sum(axes)) / values
        inverse = (variance + eps).rsqrt().view(shape)
        normalised = away * inverse
        context.save_for_backward(normalised, inverse, values)
        context.mark_non_differentiable(average, variance, values)
        return normalised, average, variance, values

    @staticmethod
    def backward(context: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor, None]:
        normalised, inverse, values = context.saved_tensors
        axes = [0, *range(2, gradient.ndim)]
        sums = _summed(torch.stack([gradient.sum(axes), (gradient * normalised).sum(axes)]))
        along, across = (one.view(inverse.shape) / values for one in sums)
        return inverse * (gradient - along - normalised * across), None


def _summed(values: Tensor) -> Tensor:
    dist.all_reduce(values)
    return values


_OF_WHOLE_BATCH: dict[Callable[..., Any], Callable[..., Any]] = {
    F.dropout: _dropout,
    F.dropout2d: _dropout2d,
    F.batch_norm: _batch_norm,
}
