"""What is known about one published weights file, as data."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from napari_wsss.weights.normalisation import IMAGENET, Normalisation

ClassLayout = Literal["none", "foreground", "background_first", "background_last"]
Renames = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TellTale:
    """What a state dict must hold, and must not hold, to be one of these weights.

    Parameters
    ----------
    shapes : tuple of (key, shape)
        None as a length fits any.
    absent : tuple of str
        Keys that would mean a deeper or different network.
    fingerprint : (str, str)
        Key and SHA-256 of that tensor's little-endian float32 bytes; ("", "") when the keys decide.
        Tells weights apart that have the same keys but want different input.
    """

    shapes: tuple[tuple[str, tuple[int | None, ...]], ...] = ()
    absent: tuple[str, ...] = ()
    fingerprint: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class WeightsDescriptor:
    """Facts of one weights file: what it fits, what input it wants, where it comes from.

    Parameters
    ----------
    name, title : str
        Short name for commands and configuration; one line for people.
    network, trunk : str
        Which of our networks it fits (a trunk's name, or a method of any shelf), and on which trunk.
    output_stride, dilated
        The grid these weights are made for, as `build_trunk` takes it; without meaning for a trunk alone.
    parameters : tuple of (name, value)
        Parameters of the method that the file implies.
    rows_per_class : (str, str)
        A parameter of the method, and their key whose tensor has so many rows per class; ("", "") for most.
    normalisation : Normalisation
        The input these weights expect.
    url, sha256 : str or None
        Download and its SHA-256 (or the leading digits that are published).
    licence, citation, source : str
        Terms, paper, page.
    class_layout : str
        Meaning of the head's channels: none, foreground only, background first or background last.
    classes : tuple of str
        The classes of a head of just so many, in its order; empty when unknown. A head of another size has others.
    head : str
        Pattern of the keys (before renaming) whose sizes depend on the class count; "" without a head.
    rename : tuple of (pattern, replacement)
        Their keys to ours; the first pattern that matches is applied.
    per_class : tuple of str
        Lists with one entry per class: the keys ``<list>.<k>.<rest>`` of all classes k become the one tensor
        ``<list>.*.<rest>`` with the classes as its first axis, under which name they are renamed.
    ignorable : tuple of str
        Patterns of keys that may be left over: our network has no place for them and needs none.
    optional : tuple of str
        Patterns of our keys that a file may lack.
    tell_tale : TellTale
        How to recognise the file by its content.
    pixel_supervised : bool
        True when pixel masks were used in training: never report results from it as weakly supervised.
    """

    name: str
    title: str
    network: str
    trunk: str = ""
    output_stride: int = 8
    dilated: bool = True
    parameters: tuple[tuple[str, Any], ...] = ()
    rows_per_class: tuple[str, str] = ("", "")
    normalisation: Normalisation = IMAGENET
    url: str | None = None
    sha256: str | None = None
    licence: str = ""
    citation: str = ""
    source: str = ""
    class_layout: ClassLayout = "none"
    classes: tuple[str, ...] = ()
    head: str = ""
    rename: Renames = ()
    per_class: tuple[str, ...] = ()
    ignorable: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    tell_tale: TellTale = TellTale()
    pixel_supervised: bool = False

    def renamed(self, key: str) -> str:
        """Return our name of their `key`."""
        for pattern, replacement in self.rename:
            if re.search(pattern, key):
                return re.sub(pattern, replacement, key, count=1)
        return key

    def is_head(self, key: str) -> bool:
        """Tell whether their `key` belongs to the part that depends on the class count."""
        return bool(self.head) and re.search(self.head, key) is not None

    def layout_of(self, key: str) -> ClassLayout:
        """Return the meaning of the rows of their head's `key` (`per_class` lists have no background)."""
        return "foreground" if key.partition(".")[0] in self.per_class else self.class_layout

    def is_optional(self, key: str) -> bool:
        """Tell whether our `key` may be missing from the file."""
        return any(re.search(pattern, key) for pattern in self.optional)

    def is_ignorable(self, key: str) -> bool:
        """Tell whether their `key` may be left over."""
        return any(re.search(pattern, key) for pattern in self.ignorable)
