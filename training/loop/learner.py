"""One optimiser step, written once: precision, parts of a batch, several processes, clipping, schedule, saved state."""

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_wsss.core.errors import ParameterError, StepError
from napari_wsss.networks.across import shared
from napari_wsss.networks.device import laid_out, seed_step
from napari_wsss.networks.trunk import Trunk
from training.config import Optimisation
from training.data.samplers import BatchOrder
from training.distributed import world
from training.hardware import Machine
from training.loop.averaging import WeightAverage
from training.loop.checkpoints import RESUME, load_state, save_state
from training.loop.compiled import Compiled
from training.loop.optimiser import layout_of, optimiser_of
from training.loop.schedule import learning_rate_factor
from training.loop.sharing import Losses, Part, batch_norm_of, parts_of, taken, together
from training.run_folder import RunFolder

Batch = TypeVar("Batch")
_LEAST_SCALE = 1.0


class Learner:
    """A network with its optimiser at a step of a run of `total` steps.

    A step takes the loss of every part of a batch, its gradients, and moves the weights::

        for part in learner.parts(LocalizerBatch, batch):
            learner.backward(learner.loss(part))
        figures = learner.update()

    Parameters
    ----------
    network : nn.Module
        Moved to the device, in channels-last layout unless it is a very narrow one. `loss` asks for its own `loss`.
    groups : pair of iterables of nn.Parameter
        The two learning-rate groups, trunk and head; parameters without gradient are left out.
    settings : Optimisation
    total : int
        Steps of the whole run, for the schedule.
    machine : Machine
        Device and precision of forward passes; weights and updates are float32.
    order : BatchOrder, optional
        Of the batches: how they are dealt out to processes and cut into `Optimisation.parts`. Without it a batch is
        one part that this process has whole.

    Attributes
    ----------
    figures : dict
        Plain JSON types that are kept with the weights: the best model's step and figures.
    average : WeightAverage or None
        The mean of the weights, where one is wanted.
    said : str
        What a person should read with the next progress.
    """

    def __init__(
        self,
        network: nn.Module,
        groups: tuple[Iterable[nn.Parameter], Iterable[nn.Parameter]],
        settings: Optimisation,
        total: int,
        machine: Machine,
        order: BatchOrder | None = None,
    ) -> None:
        self._layout = layout_of(network)
        self.network = laid_out(network.to(machine.device), self._layout)
        self.step = 0
        self.total = total
        self.figures: dict[str, Any] = {}
        self.said = ""
        self._settings, self._device, self._half = settings, machine.device, machine.half
        self._optimiser = optimiser_of(*groups, settings)
        self._rates = [group["lr"] for group in self._optimiser.param_groups]
        self._scaler = torch.amp.GradScaler(machine.device.type, enabled=machine.half is torch.float16)
        self.average = WeightAverage(network, settings.average_decay) if settings.average_decay else None
        self._order = order
        self._parts = [Part()] if order is None else parts_of(order, settings.parts)
        self._part = self._parts[0]
        self._losses: nn.Module = Losses(network)
        if machine.compiles and order is not None:
            self._losses = self._compiled(self._losses)
        if order is not None:
            self._losses = together(self._losses, machine.device)
        self._taken: dict[str, float] = {}

    def _compiled(self, losses: nn.Module) -> nn.Module:
        if world().several:  # what processes exchange within a loss is none of a compiler's business
            self._say("--compile is for one process: in several the network runs as it is.")
            return losses
        return Compiled(losses, self._say)

    def _say(self, text: str) -> None:
        self.said = text

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

    def parts(self, kind: type[Batch], arrays: Any, **more: Any) -> Iterator[Batch]:
        """Yield the parts of this step's batch, each as `batch` does; go backward with one before the next."""
        for part in self._parts:
            self._part = part
            yield self.batch(kind, taken(arrays, part.images) if len(self._parts) > 1 else arrays, **more)

    @contextmanager
    def forward(self) -> Iterator[None]:
        """Set training mode, this step's random numbers (dropout) and the precision of the forward pass."""
        self.network.train()
        # From seed, step and part alone, so that a resumed run draws what the uninterrupted one would have.
        seed_step(self._device, self._settings.seed * 1_000_003 + self.step + 7_368_787 * self._part.number)
        half = self._half or torch.bfloat16
        with torch.autocast(self._device.type, half, enabled=self._half is not None), shared(self._part.shares):
            yield

    def loss(self, part: Any) -> dict[str, Tensor]:
        """Return the named losses of one of the `parts`; of several processes all get those of all images."""
        with self.forward(), self._sent_later():
            losses: dict[str, Tensor] = self._losses(part)
            return losses

    def _sent_later(self) -> AbstractContextManager[object]:
        """Keep gradients to this process until those of the last part are added."""
        send: Any = getattr(self._losses, "no_sync", nullcontext)
        return nullcontext() if self._part.is_last else send()

    def backward(self, losses: Mapping[str, Tensor]) -> None:
        """Add the gradients of the sum of `losses` of a part, by its share of the batch.

        Raises
        ------
        StepError
            When a loss is not finite; the weights are left as they were.
        """
        loss = torch.stack([value.float() for value in losses.values()]).sum()
        weight = self._part.weight
        found = {name: float(value.detach()) for name, value in losses.items()} | {"loss": float(loss.detach())}
        self._check("loss", found["loss"])
        if not self._taken:
            self._optimiser.zero_grad(set_to_none=True)
        self._taken = {name: self._taken.get(name, 0.0) + weight * value for name, value in found.items()}
        with shared(self._part.shares):
            self._scaler.scale(loss if weight == 1 else weight * loss).backward()

    def update(self, losses: Mapping[str, Tensor] | None = None) -> dict[str, float]:
        """Take one step by the gradients; one too large is clipped (`Optimisation.clip_gradient`).

        Parameters
        ----------
        losses : mapping of str to Tensor, optional
            Where there are no parts: what to go `backward` with first.

        Returns
        -------
        dict
            The losses, their sum, the norm of the gradient as it was, and the trunk's learning rate.

        Raises
        ------
        StepError
            When the loss or its gradient is not finite; the weights are left as they were.
        """
        if losses is not None:
            self.backward(losses)
        figures, self._taken = self._taken, {}
        factor = learning_rate_factor(
            self.step, self.total, power=self._settings.poly_power, warm_up=self._settings.warm_up
        )
        for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        self._scaler.unscale_(self._optimiser)
        norm = self._clip()
        if not self._is_overflow(norm):
            self._check("gradient", norm)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self.step += 1
        if self.average is not None:
            self.average.take(self.step)
        return figures | {"learning_rate": self._settings.learning_rate * factor, "gradient_norm": norm}

    def _clip(self) -> float:
        """Scale the gradient of all weights down to the largest norm allowed; return the norm that it had."""
        weights = [weight for group in self._optimiser.param_groups for weight in group["params"]]
        return float(nn.utils.clip_grad_norm_(weights, self._settings.clip_gradient or math.inf))

    def _is_overflow(self, norm: float) -> bool:
        """Return whether a gradient left the range of float16: that step is left out, the next has a smaller scale."""
        return self._scaler.is_enabled() and not math.isfinite(norm) and self._scaler.get_scale() > _LEAST_SCALE

    def _check(self, what: str, value: float) -> None:
        if not math.isfinite(value):
            self._taken = {}
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
        """Write weights, their mean, optimiser, step and `figures` into the run's folder."""
        figures = {**self.figures, _SCALE: self._scaler.state_dict()}
        average = {} if self.average is None else self.average.weights
        save_state(run.path / RESUME, self.network, self._optimiser, self.step, figures, average)

    def resume(self, run: RunFolder) -> None:
        """Continue where `save` left this run, if it ever did; note in it how it is computed."""
        if (run.path / RESUME).exists():
            average = {} if self.average is None else self.average.weights
            self.step, self.figures = load_state(run.path / RESUME, self.network, self._optimiser, average)
            self._scaler.load_state_dict(self.figures.pop(_SCALE, {}) or self._scaler.state_dict())
        run.resume(self.step)
        images = [] if self._order is None else [len(own) for own in world().dealt(*_size(self._order))]
        run.update(processes=world().processes, images_of_processes=images, batch_norm=batch_norm_of(self.network))


_SCALE = "scale"


def _size(order: BatchOrder) -> tuple[int, int]:
    return order.batch_size, order.group_size


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
