"""Masks in a project's classes from what a source says: objects painted one over the other, values looked up."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import Mask
from napari_wsss.exchange.annotations.annotated import Annotated, Picture
from napari_wsss.exchange.annotations.shapes import Size, WrongSize
from napari_wsss.exchange.lists.class_lists import ValueNames, value_of_name
from napari_wsss.exchange.mask_values import check_values

Kind = Literal["unreadable", "wrong_size", "wrong_values", "without_class"]
Unknown = Literal["refuse", "background", "ignore"]


class Unusable(ProjectError):
    """A mask that cannot be taken, the kind of reason, and which names it paints that are no class."""

    def __init__(self, kind: Kind, sentence: str, names: Collection[str] = ()) -> None:
        super().__init__(sentence)
        self.kind: Kind = kind
        self.names = frozenset(names)


@dataclass(frozen=True)
class Rules:
    """How masks become masks of a project.

    Parameters
    ----------
    classes : ClassList
    unknown : str
        What a class that the project does not have becomes: ``refuse`` leaves the mask out.
    instances : bool
        Values count objects in all pictures.
    regions : bool
        Objects whose class is not known become regions of ignored pixels, which a click with napari's fill tool each
        gives its class; else such a mask is left out.
    """

    classes: ClassList
    unknown: Unknown = "refuse"
    instances: bool = False
    regions: bool = False


def painted(said: Annotated, size: Size, rules: Rules, labels: Collection[str] | None = None) -> Mask:
    """Return the mask (H, W) uint8 of one image.

    Parameters
    ----------
    said : Annotated
        With a picture, or with shapes, of which a later one covers those before it.
    size : (height, width)
        Of the image.
    rules : Rules
    labels : collection of str, optional
        The image's classes, where it is labelled: objects whose class is not said are of its only one.

    Raises
    ------
    Unusable
        When it is no mask of this image.
    """
    if said.picture is not None:
        return _of_picture(said.picture, said.place, size, rules, labels)
    mask = np.zeros(size, np.uint8)
    for shape in said.shapes:
        if shape.drawing is None:
            continue
        try:
            inside = shape.drawing.inside(size)
        except ValueError as reason:
            kind: Kind = "wrong_size" if isinstance(reason, WrongSize) else "unreadable"
            raise Unusable(kind, f"{said.place} has {reason}") from reason
        mask[inside] = _value(shape.label, said.place, rules, labels)
    return mask


def draws(said: Annotated) -> bool:
    """Tell whether a source gives more of an image than labels: pixels."""
    return said.picture is not None or any(shape.drawing is not None for shape in said.shapes)


def unknown_classes(said: Annotated, classes: ClassList) -> set[str]:
    """Return the names of drawn objects that are no class of a project, nor background or ignore."""
    drawn = {shape.label for shape in said.shapes if shape.drawing is not None and shape.label}
    return {name for name in drawn if value_of_name(name, classes) is None}


def _value(name: str, place: str, rules: Rules, labels: Collection[str] | None) -> int:
    if not name:
        return _only_class(place, rules.classes, labels)
    found = value_of_name(name, rules.classes)
    if found is not None:
        return found
    if rules.unknown == "refuse":
        raise Unusable("wrong_values", f"{place} paints {name!r}, which is no class here")
    return IGNORE if rules.unknown == "ignore" else BACKGROUND


def _only_class(place: str, classes: ClassList, labels: Collection[str] | None) -> int:
    """Return the value of the one class that an object can be of: the image's only label, or the only class."""
    names = list(labels) if labels is not None else list(classes.current)
    if len(names) == 1:
        return classes.mask_value(names[0])
    what = ", ".join(sorted(names)) or "none of the classes"
    told = f"its image is labelled {what}" if labels is not None else "its image is not labelled"
    raise Unusable("without_class", f"{place} counts objects, but {told}, so their class is not known")


def _of_picture(picture: Picture, place: str, size: Size, rules: Rules, labels: Collection[str] | None) -> Mask:
    try:
        raw = picture.read()
    except ProjectError as reason:
        raise Unusable("unreadable", str(reason).removesuffix(".")) from reason
    if raw.shape != size:
        found = "x".join(map(str, raw.shape[::-1]))
        raise Unusable("wrong_size", f"{place} is {found}, its image {size[1]}x{size[0]}")
    if picture.instances or rules.instances:
        return _of_objects(raw, place, rules, labels)
    if raw.dtype != np.uint8:
        told = f"{place} holds values up to {raw.max()}, more than there can be classes"
        raise Unusable("wrong_values", f"{told}; if they count objects, take the masks as instances")
    try:
        if picture.names is None:
            check_values(raw, rules.classes, place)
            return raw
        return _by_names(raw, picture.names, rules, place)
    except Unusable:
        raise
    except ProjectError as reason:
        told = str(reason) if picture.names is None else f"{place}: {reason}"
        raise Unusable("wrong_values", told.removesuffix(".")) from reason


def _of_objects(raw: NDArray[Any], place: str, rules: Rules, labels: Collection[str] | None) -> Mask:
    if not raw.any():
        return np.zeros(raw.shape, np.uint8)
    try:
        return np.where(raw > 0, np.uint8(_only_class(place, rules.classes, labels)), np.uint8(BACKGROUND))
    except Unusable:
        if not rules.regions:
            raise
    return apart(raw)


def apart(objects: NDArray[Any]) -> Mask:
    """Return objects (H, W) as ignored pixels (H, W) uint8, with a line of background where two of them touch.

    The line is one pixel wide, so that filling one never runs into another.
    """
    touches = np.zeros(objects.shape, np.bool_)
    for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        touches[other] |= (objects[one] > 0) & (objects[other] > 0) & (objects[one] != objects[other])
    return np.where((objects > 0) & ~touches, np.uint8(IGNORE), np.uint8(BACKGROUND))


def _by_names(raw: Mask, names: ValueNames, rules: Rules, place: str) -> Mask:
    """Return values looked up by name; those of unknown names as the rules have it."""
    strange = [value for value, name in names.names.items() if value_of_name(name, rules.classes) is None]
    if rules.unknown == "refuse":
        there = [names.names[value] for value in map(int, np.unique(raw)) if value in strange]
        if there:
            told = f"{place} paints {', '.join(map(repr, there))}, which is no class here (by {names.source})"
            raise Unusable("wrong_values", told, there)
        return names.to_classes(raw, rules.classes)
    other = IGNORE if rules.unknown == "ignore" else BACKGROUND
    known = np.isin(raw, strange, invert=True)
    found = names.to_classes(np.where(known, raw, np.uint8(BACKGROUND)), rules.classes)
    return np.where(known, found, np.uint8(other))
