"""One optimiser step, written once: parameter groups, schedule, clipping, precision, memory format, saved state."""

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_wsss.core.errors import ParameterError, StepError
from napari_wsss.networks.device import laid_out
from napari_wsss.networks.trunk import Trunk
from training.config import Optimisation
from training.data.samplers import BatchOrder
from training.loop.checkpoints import RESUME, load_state, save_state
from training.loop.schedule import learning_rate_factor
from training.run_folder import RunFolder

Batch = TypeVar("Batch")
_NARROW = 16


class Learner:
    """A network with its optimiser at a step of a run of `total` steps.

    Parameters
    ----------
    network : nn.Module
        Moved to `device`, in channels-last layout unless it is a very narrow one.
    trunk, head : iterables of nn.Parameter
        The two learning-rate groups; parameters without gradient are left out.
    settings : Optimisation
    total : int
        Steps of the whole run, for the schedule.
    device : torch.device
    bf16 : bool
        Run forward passes in bfloat16 autocast; weights and updates stay float32.
    """

    def __init__(
        self,
        network: nn.Module,
        groups: tuple[Iterable[nn.Parameter], Iterable[nn.Parameter]],
        settings: Optimisation,
        total: int,
        device: torch.device,
        bf16: bool = False,
    ) -> None:
        self._layout = _layout(network)
        self.network = laid_out(network.to(device), self._layout)
        self.step = 0
        self.total = total
        self.figures: dict[str, Any] = {}
        self._settings, self._device, self._bf16 = settings, device, bf16
        self._optimiser = _optimiser(_groups(*groups, settings), settings)
        self._rates = [group["lr"] for group in self._optimiser.param_groups]

    @property
    def best(self) -> dict[str, float]:
        """Validation figures of the best model so far."""
        return dict(self.figures.get("figures", {}))

    def _on_device(self, array: NDArray[Any]) -> Tensor:
        """Return a batch array on the device; (B,3,H,W) images in the network's layout."""
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if tensor.ndim == 4:
            tensor = tensor.contiguous(memory_format=self._layout)
        return tensor.to(self._device, non_blocking=True)

    def batch(self, kind: type[Batch], arrays: Any, **more: Any) -> Batch:
        """Return arrays of a dataclass as a batch on the device: class values as int64, truth values as 0.0 and 1.0.

        Parameters
        ----------
        kind : type
            What the network's loss takes; it has fields of the same names.
        arrays : dataclass of arrays
            As `training.data` makes them; None where there are none.
        more
            Further fields of `kind`.
        """
        return kind(**{field.name: self._as_learned(getattr(arrays, field.name)) for field in fields(arrays)}, **more)

    def _as_learned(self, array: NDArray[Any] | None) -> Tensor | None:
        if array is None:
            return None
        found = self._on_device(array)
        if found.dtype == torch.bool:
            return found.float()
        return found if found.is_floating_point() else found.long()

    @contextmanager
    def forward(self) -> Iterator[None]:
        """Set training mode, this step's random numbers (dropout) and the precision of the forward pass."""
        self.network.train()
        # From seed and step alone, so that a resumed run draws what the uninterrupted one would have.
        torch.manual_seed(self._settings.seed * 1_000_003 + self.step)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            yield

    def update(self, losses: Mapping[str, Tensor]) -> dict[str, float]:
        """Take one step on the sum of `losses`; a gradient too large is clipped (`Optimisation.clip_gradient`).

        Returns
        -------
        dict
            The losses, their sum, the norm of the gradient as it was, and the trunk's learning rate.

        Raises
        ------
        StepError
            When the loss or its gradient is not finite; the weights are left as they were.
        """
        loss = torch.stack([value.float() for value in losses.values()]).sum()
        figures = {name: float(value.detach()) for name, value in losses.items()} | {"loss": float(loss.detach())}
        self._check("loss", figures["loss"])
        factor = learning_rate_factor(
            self.step, self.total, power=self._settings.poly_power, warm_up=self._settings.warm_up
        )
        for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = self._clip()
        self._check("gradient", norm)
        self._optimiser.step()
        self.step += 1
        return figures | {"learning_rate": self._settings.learning_rate * factor, "gradient_norm": norm}

    def _clip(self) -> float:
        """Scale the gradient of all weights down to the largest norm allowed; return the norm that it had."""
        weights = [weight for group in self._optimiser.param_groups for weight in group["params"]]
        return float(nn.utils.clip_grad_norm_(weights, self._settings.clip_gradient or math.inf))

    def _check(self, what: str, value: float) -> None:
        if not math.isfinite(value):
            raise StepError(
                f"The {what} became {value} at step {self.step}: training diverged. Lower the learning rate, "
                "add warm-up steps, or use --precision float32."
            )

    def check_weights(self) -> None:
        """Raise `StepError` where a weight is not finite; the last step was too large then."""
        for name, weight in self.network.named_parameters():
            if not bool(torch.isfinite(weight).all()):
                self._check(f"weight {name}", math.nan)

    def save(self, run: RunFolder) -> None:
        """Write weights, optimiser, step and `figures` into the run's folder."""
        save_state(run.path / RESUME, self.network, self._optimiser, self.step, self.figures)

    def resume(self, run: RunFolder) -> None:
        """Continue where `save` left this run, if it ever did."""
        if (run.path / RESUME).exists():
            self.step, self.figures = load_state(run.path / RESUME, self.network, self._optimiser)
        run.resume(self.step)


def total_steps(settings: Optimisation, order: BatchOrder) -> int:
    """Return the steps of a run: the iterations when given, else the epochs."""
    return settings.iterations or settings.epochs * order.steps_per_epoch


def freeze(trunk: Trunk, settings: Optimisation) -> None:
    """Fix early stages and batch norm of `trunk` as the settings say.

    Raises
    ------
    ParameterError
        When the trunk has fewer stages.
    """
    try:
        trunk.freeze(settings.freeze_stages)
    except ValueError as reason:
        raise ParameterError(str(reason), name="freeze_stages") from reason
    if settings.freeze_batch_norm:
        trunk.freeze_batch_norm()


def seed_everything(seed: int) -> None:
    """Seed the generators of python, numpy and torch (new layers, third-party code)."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - libraries below us still read the old global generator
    torch.manual_seed(seed)


def _layout(network: nn.Module) -> torch.memory_format:
    """Return channels-last, the faster layout, unless that would end the process.

    oneDNN (torch 2.13 on a CPU) writes beyond its memory in the backward pass of a strided 1x1 convolution in this
    layout with at most 8 channels, which trunks of 1/8 of their width have.
    """
    strided = (m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1) != m.stride)
    narrow = any(module.in_channels < _NARROW for module in strided)
    return torch.contiguous_format if narrow else torch.channels_last


def _optimiser(groups: list[dict[str, Any]], settings: Optimisation) -> torch.optim.Optimizer:
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
