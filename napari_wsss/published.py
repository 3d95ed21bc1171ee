"""Opening a network that somebody published: recognised by its content, fitted to the project's classes, reported.

Every shelf of trained networks is served (localizers, segmenters, affinity and saliency networks): what a file needs
stands in its descriptor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import WeightsError
from napari_wsss.core.parameters import from_dict
from napari_wsss.core.registry import Shelf, load_method, method_names
from napari_wsss.networks.trunk import Trunk, build_trunk
from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.fit import fit
from napari_wsss.weights.heads import class_count, class_names, described, joined, reordered
from napari_wsss.weights.identify import identify
from napari_wsss.weights.matching import FitReport, matched
from napari_wsss.weights.neighbours import unknown_origin
from napari_wsss.weights.published import PUBLISHED, published_names
from napari_wsss.weights.read import State, read

WITH_CLASSES: tuple[Shelf, ...] = ("localize", "segment")
_SHELVES: tuple[Shelf, ...] = (*WITH_CLASSES, "affinity", "saliency")
_WHAT = {
    "localize": "a localizer",
    "segment": "a segmentation network",
    "affinity": "an affinity network",
    "saliency": "a saliency network",
}


@dataclass(frozen=True)
class Inspection:
    """What a file is, found without loading its values into a network.

    Parameters
    ----------
    descriptor : WeightsDescriptor
    shelf : str, optional
        None for a trunk alone.
    class_count : int
        Foreground classes; 0 without a head.
    class_names : tuple of str
        In the file's order; empty when they are not known.
    report : FitReport
        What would be loaded into our network, what not.
    problem : WeightsError, optional
        Why it does not fit.
    """

    descriptor: WeightsDescriptor
    shelf: Shelf | None
    class_count: int
    class_names: tuple[str, ...]
    report: FitReport
    problem: WeightsError | None

    @property
    def is_whole(self) -> bool:
        """False for what can only start a training: a trunk, or a network without its classifier."""
        return self.shelf is not None and (self.shelf not in WITH_CLASSES or self.class_count > 0)


def open_published(path: Path | str, classes: ClassList, shelf: Shelf | None = None) -> tuple[Any, FitReport]:
    """Return the network in a published file, with its heads in the order of `classes`, and what became of the file.

    Parameters
    ----------
    path : Path
        A file of one of `published_networks`, for any number of classes and any width.
    classes : ClassList
        The project's; networks without classes do not look at them. Where the file's names are known they must be the
        same, in any order; a file of unknown names is taken to have the project's order.
    shelf : str, optional
        Accept networks of this shelf only.

    Returns
    -------
    Localizer, Segmenter, AffinityModel or SaliencyModel
        In evaluation mode, on the CPU.
    FitReport
        Every tensor loaded, missing (parts that inference does not need) or left over.

    Raises
    ------
    WeightsError
        When the file is unreadable, of unknown origin, of another shelf or a trunk only, for other classes, or
        incomplete.
    """
    state, descriptor = _recognised(path)
    found = shelf_of(descriptor)
    if found is None or shelf not in (None, found):
        raise _other_shelf(descriptor, found, shelf)
    if found in WITH_CLASSES:
        order = _order(descriptor, class_count(state, descriptor), classes, Path(path).name)
        state = reordered(state, descriptor, order)
    network = _network(state, descriptor, found, len(classes))
    report = fit(_part(network, state, descriptor), state, descriptor)
    return network.eval(), report


def inspect_published(path: Path | str) -> Inspection:
    """Return what a file is and how it fits; our network is built without memory.

    Raises
    ------
    WeightsError
        When the file is unreadable or of unknown origin.
    """
    state, descriptor = _recognised(path)
    count, shelf = class_count(state, descriptor), shelf_of(descriptor)
    with torch.device("meta"):
        network: nn.Module
        if shelf is None:
            network = build_trunk(descriptor.trunk, width=_width(state, descriptor))
        else:
            network = _network(state, descriptor, shelf, max(1, count))
    found = matched(state, _part(network, state, descriptor).state_dict(), descriptor)
    return Inspection(descriptor, shelf, count, class_names(descriptor, count), found.report(), found.problem())


def shelf_of(descriptor: WeightsDescriptor) -> Shelf | None:
    """Return the shelf whose method fits the descriptor's weights; None for a trunk alone."""
    return next((shelf for shelf in _SHELVES if descriptor.network in method_names(shelf)), None)


def published_networks(shelf: Shelf | None = None) -> tuple[str, ...]:
    """Return the names of the published weights that are whole networks, of one shelf only when it is given."""
    methods = {name for one in _SHELVES if shelf in (None, one) for name in method_names(one)}
    return tuple(entry.name for entry in PUBLISHED if entry.network in methods)


def _recognised(path: Path | str) -> tuple[State, WeightsDescriptor]:
    state, _ = read(path)
    descriptor = identify(state)
    if descriptor is None:
        raise unknown_origin(state)
    return joined(state, descriptor), descriptor


def _network(state: State, descriptor: WeightsDescriptor, shelf: Shelf, classes: int) -> Any:
    """Return a new network of the method that the file fits."""
    method = load_method(shelf, descriptor.network)
    trunk = build_trunk(
        descriptor.trunk,
        output_stride=descriptor.output_stride,
        width=_width(state, descriptor),
        dilated=descriptor.dilated,
    )
    settings = from_dict(method.Parameters, _parameters(descriptor, state, classes))
    given: tuple[Any, ...] = (trunk, settings, descriptor.normalisation)
    return method(classes, *given) if shelf in WITH_CLASSES else method(*given)


def _part(network: nn.Module, state: Mapping[str, Tensor], descriptor: WeightsDescriptor) -> nn.Module:
    """Return the module the descriptor's names are about: the method, or the plain network that it wraps."""
    names = {descriptor.renamed(key) for key in state}
    return max((network, *network.children()), key=lambda part: len(names & part.state_dict().keys()))


def _width(state: Mapping[str, Tensor], descriptor: WeightsDescriptor) -> float:
    """Return how wide the file's trunk is by its first convolution; 1 as published."""
    stem, published = _stem(descriptor.trunk)
    found = (tensor for key, tensor in state.items() if f".{descriptor.renamed(key)}".endswith(f".{stem}"))
    first = next((tensor for tensor in found if tensor.shape[1:] == published.shape[1:]), published)
    return len(first) / len(published)


@cache
def _stem(trunk: str) -> tuple[str, Tensor]:
    """Return the name of a trunk's first convolution and its weights as published, without memory."""
    with torch.device("meta"):
        built: Trunk = build_trunk(trunk)
    return next(iter(built.state_dict().items()))


def _parameters(descriptor: WeightsDescriptor, state: State, classes: int) -> dict[str, Any]:
    name, key = descriptor.rows_per_class
    counted = {name: len(state[key]) // max(1, classes)} if name else {}
    return dict(descriptor.parameters) | counted


def _order(descriptor: WeightsDescriptor, count: int, classes: ClassList, file: str) -> Sequence[int]:
    """Return which class of the file each class of the project is."""
    if not count:
        raise WeightsError(
            f"{file} ({descriptor.title}) holds no classifier: it is a start for a training. Give it as trunk weights.",
            candidates=published_names(descriptor.trunk),
        )
    names = class_names(descriptor, count)
    if count == len(classes) and not names:
        return range(count)
    if sorted(names) == sorted(classes.names):
        return [names.index(name) for name in classes.names]
    start = "" if descriptor.pixel_supervised else ", or train one for yours that starts from the file's trunk "
    start = start and f"{start}(give the file as trunk weights)"
    raise WeightsError(
        f"{file} ({descriptor.title}) is for {described(descriptor, count)}. The project has {len(classes)}: "
        f"{', '.join(classes.names)}. Open it in a project with the file's classes{start}.",
        candidates=published_names(descriptor.trunk),
    )


def _other_shelf(descriptor: WeightsDescriptor, found: Shelf | None, wanted: Shelf | None) -> WeightsError:
    known = published_networks(wanted)
    expected = _WHAT.get(wanted or "", "a whole network")
    if found is not None:
        said = f"{_WHAT[found]}; expected {expected}. Choose another file"
    elif descriptor.network == descriptor.trunk:
        said = f"a trunk only; expected {expected}. To use them, give them as the trunk's weights"
    else:
        said = f"for a network that is not installed ({descriptor.network}); expected {expected}. Choose another file"
    return WeightsError(
        f"These weights are {descriptor.title}: {said}; what can be opened is: {', '.join(known)}.", candidates=known
    )
