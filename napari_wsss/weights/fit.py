"""From somebody's names to our networks: recognise a state dict, rename it, load it, report."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from napari_wsss.core.errors import WeightsError
from napari_wsss.weights.checkpoint import checkpoint_meta
from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.download import fetch
from napari_wsss.weights.efficientnet_names import in_timms_names
from napari_wsss.weights.identify import identify
from napari_wsss.weights.matching import FitReport, matched
from napari_wsss.weights.neighbours import unknown_origin
from napari_wsss.weights.normalisation import Normalisation
from napari_wsss.weights.published import published, published_names
from napari_wsss.weights.read import State, read

_TRUNK = "trunk."  # where every method keeps its trunk


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
    found = matched(state, network.state_dict(), descriptor)
    problem = found.problem(allow_head_mismatch=allow_head_mismatch)
    if problem:
        raise problem
    network.load_state_dict(found.accepted, strict=False)
    return found.report()


def load_trunk_weights(trunk: nn.Module, source: Path | str) -> WeightsDescriptor:
    """Load weights into `trunk` and return their descriptor, whose normalisation travels with the trunk.

    Of a published network or a checkpoint of ours the trunk's part is taken. Networks trained on pixel masks are
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
    trunk_name, own = str(trunk.name), own_names(trunk)
    if own is not None and str(source) == f"{trunk_name}_imagenet":
        return fit(trunk, _of_its_library(trunk), own).descriptor
    named, state, metadata = _read_source(source)
    meta = checkpoint_meta(metadata)
    if meta is not None:
        return _from_own_checkpoint(trunk, state, meta)
    if own is not None:
        state = in_timms_names(state, (key.removeprefix(own.rename[0][1]) for key in trunk.state_dict()))
    descriptor = named or own or identify(state, trunk=trunk_name)
    if descriptor and descriptor.network != descriptor.trunk == trunk_name and not descriptor.pixel_supervised:
        return _from_network(trunk, state, descriptor)
    if descriptor is not None and descriptor.network != trunk_name:
        raise _no_trunk(descriptor, trunk_name)
    return fit(trunk, state, descriptor).descriptor


def own_names(trunk: nn.Module) -> WeightsDescriptor | None:
    """Return how files in the names of a trunk's own library fit it (`Trunk.own_weights`); None for our own trunks."""
    own: Any = getattr(trunk, "own_weights", None)
    if own is None:
        return None
    name = str(trunk.name)
    return WeightsDescriptor(
        name=name,
        title=f"read in the names of {name}",
        network=name,
        trunk=name,
        normalisation=Normalisation(own.mean, own.std),
        rename=(("^", own.prefix),),
        ignorable=tuple(f"^{re.escape(part)}(\\.|$)" for part in (*own.head, *own.unused)),
        optional=tuple(f"^{re.escape(own.prefix + part)}(\\.|$)" for part in own.unused),
    )


def _of_its_library(trunk: Any) -> State:
    try:
        state: State = trunk.published_state()
    except (OSError, AttributeError) as reason:
        raise WeightsError(
            f"The published weights of {trunk.name} cannot be fetched ({reason}). Give a local file as "
            "--trunk-weights, or 'none' to start from random ones."
        ) from reason
    return state


def _read_source(source: Path | str) -> tuple[WeightsDescriptor | None, State, dict[str, str]]:
    named = published(str(source)) if str(source) in published_names() else None
    return named, *read(fetch(named) if named else source)


def _no_trunk(descriptor: WeightsDescriptor, trunk_name: str) -> WeightsError:
    fitting = published_names(trunk_name)
    choice = f"weights for {trunk_name}: {', '.join(fitting)}"
    if descriptor.trunk == trunk_name:
        return WeightsError(
            f"These weights are {descriptor.title}: trained on pixel masks, so what is built on their trunk would no "
            f"longer be weakly supervised. Choose {choice}.",
            candidates=fitting,
        )
    text = f"These weights are {descriptor.title}; the trunk is {trunk_name}."
    return WeightsError(f"{text} Choose the trunk {descriptor.trunk}, or {choice}.", candidates=fitting)


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
        pixel_supervised=bool(meta.get("run", {}).get("pixel_supervised", False)),
    )
    inner = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    return fit(trunk, inner, descriptor).descriptor


def _from_network(trunk: nn.Module, state: State, descriptor: WeightsDescriptor) -> WeightsDescriptor:
    own = {descriptor.renamed(key): value for key, value in state.items()}
    inner = {key.removeprefix(_TRUNK): value for key, value in own.items() if key.startswith(_TRUNK)}
    fit(trunk, inner, replace(descriptor, head="", rename=(), per_class=()))
    return descriptor


def _trunk_prefix(trunk: nn.Module, state: State) -> str | None:
    anchor = next(iter(trunk.state_dict()))
    ending = f"trunk.{anchor}"
    return next((key.removesuffix(anchor) for key in state if f".{key}".endswith(f".{ending}")), None)
