"""Opening a localizer that somebody published: recognised by its content, fitted to the project's classes, reported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import WeightsError
from napari_wsss.core.registry import method_names
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer, build_localizer
from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.fit import FitReport, fit
from napari_wsss.weights.heads import class_count, class_names, described, joined, reordered
from napari_wsss.weights.identify import identify
from napari_wsss.weights.neighbours import unknown_origin
from napari_wsss.weights.published import PUBLISHED, published_names
from napari_wsss.weights.read import State, read

# Published ResNet-38 files are made for this grid; their first convolution says how wide they are.
_OUTPUT_STRIDE = 8
_STEM, _STEM_CHANNELS = "conv1a.weight", 64
# Method -> its parameter that is the number of rows per class of a head.
_ROWS_PER_CLASS = {"sub_category": ("cluster_count", "fc8_200.weight")}


def open_published_localizer(path: Path | str, classes: ClassList) -> tuple[Localizer, FitReport]:
    """Return the localizer in a published file, with its heads in the order of `classes`, and what became of the file.

    Parameters
    ----------
    path : Path
        A file of PSA's classifier, SEAM, SC-CAM or EDAM on ResNet-38, for any number of classes and any width.
    classes : ClassList
        The project's. Where the file's names are known they must be the same, in any order; a file of unknown names
        is taken to have the project's order.

    Returns
    -------
    Localizer
        In evaluation mode, on the CPU.
    FitReport
        Every tensor loaded, missing (parts that inference does not need) or left over.

    Raises
    ------
    WeightsError
        When the file is unreadable, of another origin, no localizer, for other classes, or incomplete.
    """
    state, _ = read(path)
    descriptor = identify(state)
    if descriptor is None:
        raise unknown_origin(state)
    _check_is_localizer(descriptor)
    state = joined(state, descriptor)
    order = _order(descriptor, class_count(state, descriptor), classes, Path(path).name)
    width = state[_STEM].shape[0] / _STEM_CHANNELS
    localizer = build_localizer(
        descriptor.network,
        len(classes),
        TrunkChoice(descriptor.trunk, _OUTPUT_STRIDE, width),
        _parameters(descriptor, state, len(classes)),
    )
    localizer.normalisation = descriptor.normalisation
    report = fit(localizer, reordered(state, descriptor, order), descriptor)
    return localizer.eval(), report


def published_localizers() -> tuple[str, ...]:
    """Return the names of the published weights that are whole localizers."""
    methods = method_names("localize")
    return tuple(entry.name for entry in PUBLISHED if entry.network in methods)


def _check_is_localizer(descriptor: WeightsDescriptor) -> None:
    known = published_localizers()
    if descriptor.name in known:
        return
    use = "give them as the trunk's weights" if descriptor.network == descriptor.trunk else "choose another file"
    raise WeightsError(
        f"These weights are {descriptor.title}, no localizer of this program. To use them, {use}; localizers that can "
        f"be opened are: {', '.join(known)}.",
        candidates=known,
    )


def _order(descriptor: WeightsDescriptor, count: int, classes: ClassList, file: str) -> Sequence[int]:
    """Return which class of the file each class of the project is."""
    names = class_names(descriptor, count)
    if count == len(classes) and not names:
        return range(count)
    if sorted(names) == sorted(classes.names):
        return [names.index(name) for name in classes.names]
    raise WeightsError(
        f"{file} ({descriptor.title}) is for {described(descriptor, count)}. The project has {len(classes)}: "
        f"{', '.join(classes.names)}. Open it in a project with the file's classes, or train a classifier for yours "
        "that starts from the file's trunk (give the file as trunk weights).",
        candidates=published_names(descriptor.trunk),
    )


def _parameters(descriptor: WeightsDescriptor, state: State, classes: int) -> dict[str, int]:
    if descriptor.network not in _ROWS_PER_CLASS:
        return {}
    name, key = _ROWS_PER_CLASS[descriptor.network]
    return {name: len(state[key]) // classes}
