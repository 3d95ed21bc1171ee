"""The part of a published state dict that depends on the classes: how many they are, and bringing them into an order.

A head's first axis is the classes, with one background row before or behind them in some layouts, or several rows per
class (SC-CAM's sub-classes, class-major).
"""

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.read import State


def joined(state: Mapping[str, Tensor], descriptor: WeightsDescriptor) -> State:
    """Return the state dict with the `per_class` lists of the descriptor as one tensor (C, ...) per list and key.

    ``trans_list.3.0.w_1.weight`` becomes a row of ``trans_list.*.0.w_1.weight``; axes of length 1 within a class are
    dropped. What is joined already stays as it is.
    """
    if not descriptor.per_class:
        return dict(state)
    lists = re.compile(rf"^({'|'.join(map(re.escape, descriptor.per_class))})\.(\d+)\.(.+)$")
    found: State = {}
    rows: dict[str, dict[int, Tensor]] = {}
    for key, tensor in state.items():
        match = lists.match(key)
        if match:
            rows.setdefault(f"{match[1]}.*.{match[3]}", {})[int(match[2])] = tensor
        else:
            found[key] = tensor
    return found | {key: _stacked(each) for key, each in rows.items()}


def class_count(state: Mapping[str, Tensor], descriptor: WeightsDescriptor) -> int:
    """Return how many foreground classes a state dict (its lists `joined`) is for; 0 without a head."""
    counts = [_class_rows(tensor, descriptor, key) for key, tensor in state.items() if descriptor.is_head(key)]
    return min(counts, default=0)


def class_names(descriptor: WeightsDescriptor, count: int) -> tuple[str, ...]:
    """Return the names of a file's `count` classes in its order; empty when they are not known."""
    return descriptor.classes if len(descriptor.classes) == count else ()


def described(descriptor: WeightsDescriptor, count: int) -> str:
    """Return what a file with `count` classes expects, for a message."""
    background = {"background_first": "first", "background_last": "last"}.get(descriptor.class_layout)
    channels = f"one more channel, the {background}, for the background" if background else "no background channel"
    names = ", ".join(class_names(descriptor, count))
    return f"{count} {'class' if count == 1 else 'classes'} ({channels}){': ' + names if names else ''}"


def reordered(state: Mapping[str, Tensor], descriptor: WeightsDescriptor, order: Sequence[int]) -> State:
    """Return a state dict (its lists `joined`) whose k-th class is the file's class ``order[k]``.

    Parameters
    ----------
    state : mapping of str to Tensor
        Not changed.
    descriptor : WeightsDescriptor
        Whose heads' rows move; the background's row stays where it is.
    order : sequence of int
        A permutation of all classes of the file.
    """
    return {
        key: tensor[_rows(len(tensor), descriptor, key, order)] if descriptor.is_head(key) else tensor
        for key, tensor in state.items()
    }


def background_first(tensor: Tensor, descriptor: WeightsDescriptor, key: str) -> Tensor:
    """Return a head's tensor with its background row, if any, moved to the front, where ours is."""
    return torch.roll(tensor, 1, dims=0) if descriptor.layout_of(key) == "background_last" else tensor


def _stacked(rows: Mapping[int, Tensor]) -> Tensor:
    return torch.stack([row.squeeze() for _, row in sorted(rows.items())])


def _class_rows(tensor: Tensor, descriptor: WeightsDescriptor, key: str) -> int:
    return len(tensor) - descriptor.layout_of(key).startswith("background")


def _rows(count: int, descriptor: WeightsDescriptor, key: str, order: Sequence[int]) -> list[int]:
    layout = descriptor.layout_of(key)
    per_class = (count - layout.startswith("background")) // len(order)
    first = 1 if layout == "background_first" else 0
    moved = [first + k * per_class + row for k in order for row in range(per_class)]
    return [*range(first), *moved, *range(first + len(moved), count)]
