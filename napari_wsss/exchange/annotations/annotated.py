"""What a source says about one image, and what is noted while it is read."""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from napari_wsss.exchange.annotations.shapes import Drawing
from napari_wsss.exchange.lists.class_lists import ValueNames


@dataclass(frozen=True)
class Shape:
    """One object: its class (``""`` where the source does not say), and what is drawn of it; None for a mere box."""

    label: str
    drawing: Drawing | None = None


@dataclass(frozen=True)
class Picture:
    """A mask in the source's own values.

    Parameters
    ----------
    read : callable
        Returns (H, W) whole numbers; raises `ProjectError` where it cannot be read.
    names : ValueNames, optional
        What the values mean; without it those of the project.
    instances : bool
        Values count objects, and say nothing about their class.
    """

    read: Callable[[], NDArray[Any]]
    names: ValueNames | None = None
    instances: bool = False


@dataclass(frozen=True)
class RawMaps:
    """Activation maps in the source's own values.

    Parameters
    ----------
    scores : (K, h, w) of any numbers
    classes : tuple of int or str, optional
        Which classes they are of: 0-based numbers in the class list, or names; None where their order tells it.
    background : (h, w), optional
    """

    scores: NDArray[Any]
    classes: tuple[int | str, ...] | None = None
    background: NDArray[Any] | None = None


@dataclass(frozen=True)
class Annotated:
    """What a source says about one image.

    Parameters
    ----------
    names : tuple of str
        How the image may be called, the likeliest first.
    place : str
        Where it is said, for sentences.
    labels : frozenset of str, optional
        Classes said of the image as a whole, besides those of its shapes; empty for *none of the classes*, None where
        nothing is said.
    shapes : tuple of Shape
        From the lowest to the uppermost.
    picture : Picture, optional
    maps : callable, optional
        Returns the `RawMaps` of the image; raises `ProjectError` where they cannot be read.
    split : str
    page : int
        Which plane (from 1) of the stack that `names` call it is of; 0 for an image by itself.
    """

    names: tuple[str, ...]
    place: str
    labels: frozenset[str] | None = None
    shapes: tuple[Shape, ...] = ()
    picture: Picture | None = None
    maps: Callable[[], RawMaps] | None = None
    split: str = ""
    page: int = 0

    @property
    def classes(self) -> frozenset[str] | None:
        """All classes that are in the image by this source; None where it says nothing."""
        of_shapes = frozenset(shape.label for shape in self.shapes if shape.label)
        return of_shapes or None if self.labels is None else self.labels | of_shapes


def beside(place: str, name: str) -> tuple[str, ...]:
    """Return how an image may be called that a file at `place` below its source names `name`: from its folder first."""
    folder = posixpath.dirname(place)
    return (posixpath.normpath(f"{folder}/{name}"), name) if folder and name else (name,)


@dataclass
class Reading:
    """What a reader is told, and what it notes.

    Parameters
    ----------
    known : tuple of str
        Classes in order by a list beside the source, or by the project.
    classes : tuple of str
        Filled by readers: those that the source declares, in its order.
    unreadable : list of str
        What could not be read, as sentences without a full stop.
    notes : list of str
        Choices made on the way that are no faults.
    """

    known: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    unreadable: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def declare(self, names: list[str]) -> None:
        """Add class names in the order of the source."""
        self.classes = tuple(dict.fromkeys([*self.classes, *(name for name in names if name)]))
