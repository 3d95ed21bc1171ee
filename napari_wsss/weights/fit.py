"""From somebody's names to our networks: recognise a state dict, rename it, load it, report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from napari_wsss.core.errors import WeightsError
from napari_wsss.weights.checkpoint import checkpoint_meta
from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.download import fetch
from napari_wsss.weights.heads import background_first, class_count, described, joined
from napari_wsss.weights.identify import identify
from napari_wsss.weights.neighbours import unknown_origin
from napari_wsss.weights.normalisation import Normalisation
from napari_wsss.weights.published import published, published_names
from napari_wsss.weights.read import State, read

_TRUNK = "trunk."  # where localizers and segmenters keep theirs
_COUNTER = "num_batches_tracked"  # absent from old files and of no effect on the output


@dataclass(frozen=True)
class FitReport:
    """What became of every tensor.

    Parameters
    ----------
    descriptor : WeightsDescriptor
        Under whose rules it was fitted.
    loaded : tuple of str
        Our keys that got a value from the file.
    missing : tuple of str
        Our keys without one.
    unexpected : tuple of str
        Keys of the file without a place that may be left over.
    skipped_head : tuple of str
        Keys of the file's head, left out because ours differs or does not exist.
    """

    descriptor: WeightsDescriptor
    loaded: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    skipped_head: tuple[str, ...] = ()


@dataclass
class _Sorted:
    """The file's tensors by what can be done with them."""

    accepted: dict[str, Tensor] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    wrong_shape: list[str] = field(default_factory=list)
    skipped_head: list[str] = field(default_factory=list)
    other_head: dict[str, int] = field(default_factory=dict)  # their key -> channels in the file
    own_head: set[str] = field(default_factory=set)


def fit(
    network: nn.Module,
    state: Mapping[str, Tensor],
    descriptor: WeightsDescriptor | None = None,
    *,
    allow_head_mismatch: bool = False,
) -> FitReport:
    """Load a state dict of any origin into one of our networks and return what became of it.

    Parameters
    ----------
    network : nn.Module
        Unchanged when an error is raised.
    state : mapping of str to Tensor
        As `read` returns it.
    descriptor : WeightsDescriptor, optional
        Found by `identify` when not given.
    allow_head_mismatch : bool
        Keep the network's own fresh head when the file was made for another number of classes.

    Raises
    ------
    WeightsError
        When the origin is unknown or anything is left over, listing it and the class count the file expects.
    """
    descriptor = descriptor or identify(state)
    if descriptor is None:
        raise unknown_origin(state)
    state = joined(state, descriptor)
    target = network.state_dict()
    parts = _sort(state, target, descriptor)
    if allow_head_mismatch:
        parts.skipped_head += parts.other_head
    missing = [key for key in target if key not in parts.accepted and not key.endswith(_COUNTER)]
    if parts.other_head and not allow_head_mismatch:
        raise _other_classes(parts, descriptor, class_count(state, descriptor))
    wanted = [key for key in missing if key not in parts.own_head and not descriptor.is_optional(key)]
    _check(parts, wanted, descriptor)
    network.load_state_dict(parts.accepted, strict=False)
    return FitReport(descriptor, tuple(parts.accepted), tuple(missing), tuple(parts.ignored), tuple(parts.skipped_head))


def load_weights(network: nn.Module, source: Path | str, *, allow_head_mismatch: bool = False) -> FitReport:
    """Load weights of a whole network (a published DeepLab, say) and return what became of every tensor.

    Parameters
    ----------
    network : nn.Module
        Unchanged when an error is raised.
    source : Path or str
        A published name (`published_names`), or a file: recognised by its content, never by its name.
    allow_head_mismatch : bool
        As in `fit`.

    Raises
    ------
    WeightsError
        When the file is unreadable, of unknown origin, or does not fit.
    """
    named, state, _ = _read_source(source)
    return fit(network, state, named, allow_head_mismatch=allow_head_mismatch)


def load_trunk_weights(trunk: nn.Module, source: Path | str) -> WeightsDescriptor:
    """Load weights into `trunk` and return their descriptor, whose normalisation travels with the trunk.

    Of a published localizer or a checkpoint of ours the trunk's part is taken. Networks trained on pixel masks are
    refused: what is built on them would no longer be weakly supervised.

    Parameters
    ----------
    trunk : Trunk
        Unchanged when an error is raised.
    source : Path or str
        A published name (`published_names`), or a file: recognised by its content, never by its name.

    Raises
    ------
    WeightsError
        When the file is unreadable, of unknown origin, or made for another network.
    """
    trunk_name = str(trunk.name)
    named, state, metadata = _read_source(source)
    meta = checkpoint_meta(metadata)
    if meta is not None:
        return _from_own_checkpoint(trunk, state, meta)
    descriptor = named or identify(state)
    if descriptor and descriptor.network != descriptor.trunk == trunk_name and not descriptor.pixel_supervised:
        return _from_localizer(trunk, state, descriptor)
    if descriptor is not None and descriptor.network != trunk_name:
        fitting = published_names(trunk_name)
        raise WeightsError(
            f"These weights are {descriptor.title}; the trunk is {trunk_name}. Choose the trunk "
            f"{descriptor.trunk}, or weights for {trunk_name}: {', '.join(fitting)}.",
            candidates=fitting,
        )
    return fit(trunk, state, descriptor).descriptor


def _read_source(source: Path | str) -> tuple[WeightsDescriptor | None, State, dict[str, str]]:
    named = published(str(source)) if str(source) in published_names() else None
    return named, *read(fetch(named) if named else source)


def _sort(state: Mapping[str, Tensor], target: Mapping[str, Tensor], descriptor: WeightsDescriptor) -> _Sorted:
    parts = _Sorted()
    for key, tensor in state.items():
        own = descriptor.renamed(key)
        place, head = target.get(own), descriptor.is_head(key)
        if head and place is not None:
            parts.own_head.add(own)
            tensor = background_first(tensor, descriptor, key)
        if place is not None and place.shape == tensor.shape:
            parts.accepted[own] = tensor
        elif head and place is not None:
            parts.other_head[key] = tensor.shape[0]
        elif head:
            parts.skipped_head.append(key)
        elif place is not None:
            parts.wrong_shape.append(f"{key} {tuple(tensor.shape)} for {own} {tuple(place.shape)}")
        else:
            left_over = descriptor.is_ignorable(key) or key.endswith(_COUNTER)
            (parts.ignored if left_over else parts.unexpected).append(key)
    return parts


def _other_classes(parts: _Sorted, descriptor: WeightsDescriptor, count: int) -> WeightsError:
    key, channels = next(iter(parts.other_head.items()))
    return WeightsError(
        f"The weights ({descriptor.title}) are for {described(descriptor, count)}; the network has another number "
        f"({key} has {channels} rows). Use a project with the file's classes, or keep the trunk and start with a "
        "fresh head."
    )


def _check(parts: _Sorted, missing: Sequence[str], descriptor: WeightsDescriptor) -> None:
    for what, keys in (
        ("sizes that do not fit", parts.wrong_shape),
        ("names the network does not have", parts.unexpected),
        ("no values for", missing),
    ):
        if keys:
            listed = ", ".join(keys[:6]) + (f" and {len(keys) - 6} more" if len(keys) > 6 else "")
            raise WeightsError(
                f"The weights ({descriptor.title}) have {what}: {listed}. They are for {descriptor.network}"
                f"{' on ' + descriptor.trunk if descriptor.trunk not in ('', descriptor.network) else ''}.",
                candidates=(descriptor.network,),
            )


def _from_own_checkpoint(trunk: nn.Module, state: State, meta: dict[str, Any]) -> WeightsDescriptor:
    trunk_name = str(trunk.name)
    prefix = _trunk_prefix(trunk, state)
    if prefix is None or "normalisation" not in meta:
        raise WeightsError(
            f"This checkpoint of napari-wsss holds no {trunk_name} trunk with its normalisation. Choose the trunk "
            "it was trained with, or other weights.",
            candidates=published_names(trunk_name),
        )
    descriptor = WeightsDescriptor(
        name="own",
        title="a checkpoint of this program",
        network=trunk_name,
        trunk=trunk_name,
        normalisation=Normalisation.from_dict(meta["normalisation"]),
    )
    inner = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    return fit(trunk, inner, descriptor).descriptor


def _from_localizer(trunk: nn.Module, state: State, descriptor: WeightsDescriptor) -> WeightsDescriptor:
    own = {descriptor.renamed(key): value for key, value in state.items()}
    inner = {key.removeprefix(_TRUNK): value for key, value in own.items() if key.startswith(_TRUNK)}
    fit(trunk, inner, replace(descriptor, head="", rename=(), per_class=()))
    return descriptor


def _trunk_prefix(trunk: nn.Module, state: State) -> str | None:
    anchor = next(iter(trunk.state_dict()))
    ending = f"trunk.{anchor}"
    return next((key.removesuffix(anchor) for key in state if f".{key}".endswith(f".{ending}")), None)
