"""The contract of a reader: one format of another tool."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from napari_wsss.exchange.annotations.annotated import Annotated, RawMaps, Reading
from napari_wsss.exchange.lists.class_lists import read_class_list


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
    judge : str
        What that is not ours reads the same file in the tests, "" for nothing: then it is tried with files laid out as
        the format's documentation has them.
    """

    title: ClassVar[str]
    fallback: ClassVar[bool] = False
    judge: ClassVar[str] = ""
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


class MapFiles(Reader):
    """Reads activation maps of which each image has a file, called as it is.

    Attributes
    ----------
    suffixes : tuple of str
        Endings of such files, in lower case.
    gives : str
        ``maps``, said in the file of each: lists are made without importing it.
    """

    suffixes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def files_in(self, folder: Path) -> Iterable[Path]:
        """Return the files below a folder that may hold maps, in order."""

    @abstractmethod
    def maps_in(self, path: Path) -> RawMaps:
        """Return the maps of one file; raise `ProjectError` when it holds none."""

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether it is such a file, or a folder that holds one."""
        return any(True for _ in self._files(source))

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield file by file; a list of classes beside them says what their numbers mean."""
        folder = source if source.is_dir() else source.parent
        reading.declare(list(read_class_list([folder, folder.parent])))
        for path in self._files(source):
            name = path.relative_to(folder).with_suffix("").as_posix()
            yield Annotated((name,), path.name, maps=partial(self.maps_in, path))

    def _files(self, source: Path) -> Iterator[Path]:
        found = self.files_in(source) if source.is_dir() else [source]
        return (path for path in found if path.suffix.lower() in self.suffixes and path.is_file())
