"""Everything a run needs to continue: weights, optimiser state and the step, in one atomically written file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from napari_wsss.core.errors import WeightsError
from napari_wsss.weights.checkpoint import load_checkpoint, save_checkpoint

RESUME = "resume.safetensors"
LAST = "last.safetensors"
BEST = "best.safetensors"
AVERAGED = {LAST: "last_averaged.safetensors", BEST: "best_averaged.safetensors"}
"""The model of the mean weights, beside that of the weights."""


def save_state(
    path: Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    step: int,
    figures: Mapping[str, Any],
    average: Mapping[str, Tensor] | None = None,
) -> None:
    """Write the state of a run after `step` finished steps.

    One file, so that a crash leaves weights and optimiser of the same step. Everything random in a run is a
    function of its seed and the step, so no generator state is stored.

    Parameters
    ----------
    figures : mapping
        Plain JSON types the recipe wants back (best validation figure so far ...).
    average : mapping of str to Tensor, optional
        Mean weights by name.
    """
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in (average or {}).items()}
    record = optimiser.state_dict()
    plain: dict[str, dict[str, Any]] = {}
    for index, values in record["state"].items():
        for name, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"optimiser.{index}.{name}"] = value
            else:
                plain.setdefault(str(index), {})[name] = value
    save_checkpoint(path, tensors, {"step": step, "figures": dict(figures), "optimiser": plain})


def load_state(
    path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, average: Mapping[str, Tensor] | None = None
) -> tuple[int, dict[str, Any]]:
    """Put the state written by `save_state` back and return the finished steps and the recipe's figures.

    The tensors of `average` get the mean weights.

    Raises
    ------
    WeightsError
        When the file is damaged or belongs to another network.
    """
    tensors, meta = load_checkpoint(path)
    weights = {name.removeprefix("network."): t for name, t in tensors.items() if name.startswith("network.")}
    try:
        state: dict[int, dict[str, Any]] = {int(i): dict(values) for i, values in meta["optimiser"].items()}
        for name, value in tensors.items():
            if name.startswith("optimiser."):
                _, index, key = name.split(".", 2)
                state.setdefault(int(index), {})[key] = value
        step, figures = int(meta["step"]), dict(meta["figures"])
        network.load_state_dict(weights)
        for name, value in (average or {}).items():
            value.copy_(tensors[f"average.{name}"])
        optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as reason:
        raise WeightsError(
            f"{path} does not fit the network of this run ({reason}). Start a new run instead of resuming."
        ) from reason
    return step, figures
