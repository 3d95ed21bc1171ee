"""The contract of a reader: one format of another tool."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from napari_wsss.exchange.annotations.annotated import Annotated, Reading


class Reader(ABC):
    """Reads one format; a file of this folder holds one, a third party adds one as an entry point.

    Attributes
    ----------
    title : str
        For lists and menus.
    gives : str
        What a source of this format can tell: ``labels``, ``masks``, ``labels and masks``, or ``maps``.
    fallback : bool
        Asked last: it takes what has no other sign than lying there.
    """

    title: ClassVar[str]
    fallback: ClassVar[bool] = False
    gives: ClassVar[str] = "labels and masks"

    @abstractmethod
    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether a file or folder looks like this format; `known` are classes that are expected. Never raises."""

    @abstractmethod
    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield what is said, image by image; note in `reading` what cannot be used.

        Parameters
        ----------
        source : Path
            Of a stranger: sizes, types and numbers in it are checked before they are used.
        reading : Reading

        Raises
        ------
        LabelError
            When nothing of the source can be read.
        """
