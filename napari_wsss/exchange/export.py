"""Exports: what a project hands out, in the formats that were chosen, checked, repeatable and told in a report."""

import errno
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ParameterError, ProjectError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plural import counted
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.registry import Shelf, load_method, method_names
from napari_wsss.exchange.data_card import CARD, CARD_TEXT, About, DataCard, as_markdown, files_of, read_card
from napari_wsss.exchange.export_folder import ExportFolder, ForeignFileError, Images, digest_of
from napari_wsss.exchange.label_report import listed
from napari_wsss.exchange.mask_values import check_values
from napari_wsss.exchange.whole_reports import WholeReport
from napari_wsss.exchange.writers.base import Content, Item, Kind, Writer
from napari_wsss.pixels.by_window import SIDE
from napari_wsss.pixels.decoding.stacks import has_picture
from napari_wsss.pixels.images import is_turned, result_names
from napari_wsss.pixels.large_tiff import LargeMask
from napari_wsss.project.sourced_masks import SourcedMask

_NAME_ERRORS = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL)
SHELF: Shelf = "exchange.writers"
_WORDS: dict[Kind, str] = {
    "masks": "masks",
    "maps": "activation maps",
    "clusters": "clusters",
    "labels": "image-level labels",
}
FORMATS: tuple[str, ...] = method_names(SHELF)
"""The names of all formats, those of other packages last."""


@dataclass(frozen=True)
class Entry:
    """One image to hand out.

    Parameters
    ----------
    id : str
    read : callable
        Returns the content, None when there is none; raises `ProjectError` when it is damaged.
    number : int
        See `Item`.
    name : str
        See `Item`; found out among the entries where it is "".
    split : str
    image : Path, optional
    facts : mapping
        What the data card says of the decision, in JSON types.
    shown : callable, optional
        Returns the picture (H, W, 3) uint8 as the project shows it.
    """

    id: str
    read: Callable[[], Content | None]
    number: int = 0
    name: str = ""
    split: str = ""
    image: Path | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    shown: Callable[[], NDArray[np.uint8]] | None = None


@dataclass(frozen=True)
class ExportOptions:
    """How an export is written.

    Parameters
    ----------
    formats : tuple of str
        Names of `FORMATS`; one is written into the folder itself, of several each into a folder of its own, but
        those that lie beside any other (`Writer.beside`).
    images : 'none', 'link' or 'copy'
        What becomes of the image files.
    overwrite : bool
        Replace files that are not an earlier export's, or not of the same choice.
    dry_run : bool
        Read and check everything, write nothing.
    """

    formats: tuple[str, ...] = ("voc",)
    images: Images = "none"
    overwrite: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class ExportReport(WholeReport):
    """What was (or, on a dry run, would be) written, and what was left out with the reason.

    Parameters
    ----------
    folder : Path
    written : tuple of str
        Image ids.
    left_out, notes : tuple of str
        Sentences.
    pixels : dict of str to int
        Of each class and background; empty where no masks are exported.
    files : dict of str to int
        How many files are ``new``, ``replaced``, ``kept`` as they were and ``removed``.
    without : int
        Images that have nothing to hand out.
    """

    folder: Path
    written: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    pixels: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    without: int = 0
    dry_run: bool = False
    what: str = "masks"

    def summary(self) -> str:
        """Return the report as lines."""
        verb = "would be written" if self.dry_run else "written"
        counts = ", ".join(f"{count} {what}" for what, count in self.files.items() if count) or "none"
        empty = [name for name, count in self.pixels.items() if not count]
        lines = [f"{self.what} of {counted(len(self.written), 'image')} {verb} to {self.folder}.", f"Files: {counts}."]
        if not self.written:
            lines.append("There was nothing to hand out, so no file was touched.")
        lines += [f"{counted(self.without, 'image has', 'images have')} none yet."] if self.without else []
        lines += [f"No pixel of: {', '.join(empty)}."] if empty else []
        lines += [f"Note: {note}." for note in self.notes]
        lines += [f"Left out: {reason}." for reason in self.left_out]
        return "\n".join([lines[0][0].upper() + lines[0][1:], *lines[1:]])


def load_format(name: str) -> type[Writer]:
    """Return the writer of a format; raise `StepError` when there is none."""
    found: type[Writer] = load_method(SHELF, name)
    return found


def formats_of(kind: Kind) -> dict[str, str]:
    """Return name -> title of the formats that write this kind."""
    loaded = {name: load_format(name) for name in FORMATS}
    return {name: writer.title for name, writer in loaded.items() if writer.kind == kind}


def export(
    entries: Sequence[Entry],
    classes: ClassList,
    folder: Path,
    options: ExportOptions | None = None,
    about: About | None = None,
    extras: Mapping[str, bytes] | None = None,
) -> Steps[ExportReport]:
    """Write what entries hand out in the chosen formats, with a data card.

    Repeated with the same choice, it writes only what changed, and takes away what it wrote before and no longer
    holds. An export that broke off is marked, and goes on. Where no entry has anything to hand out nothing is touched.

    Parameters
    ----------
    entries : sequence of Entry
    classes : ClassList
        A mask with other values is left out and reported.
    folder : Path
        Made where missing.
    options : ExportOptions, optional
    about : About, optional
        Of the data card.
    extras : mapping of str to bytes, optional
        Path -> content of more files.

    Returns
    -------
    generator of Progress
        One per image; returns the `ExportReport`.

    Raises
    ------
    ProjectError
        When a file in the folder is not an earlier export's of the same choice, and overwriting is off.
    ParameterError
        When the formats are not of one kind.
    """
    export_ = _Export(entries, classes, folder, options or ExportOptions(), about or About())
    whole = False
    try:
        yield from export_.run()
        if export_.written:
            export_.finish(extras or {})
            whole = True
    finally:
        export_.folder.close(whole)
    return export_.report()


class _Export:
    def __init__(
        self, entries: Sequence[Entry], classes: ClassList, folder: Path, options: ExportOptions, about: About
    ) -> None:
        self._entries, self._classes, self._options, self._about = entries, classes, options, about
        earlier = read_card(folder)
        is_same = about.made(earlier)
        if earlier and not is_same and not options.overwrite:
            raise ProjectError(
                f"{folder} holds an export of {earlier.get('project') or 'another project'} with another choice "
                f"({about.unlike(earlier)}). Choose another folder, or allow overwriting."
            )
        known = {**files_of(earlier), CARD: digest_of(folder / CARD)} if is_same else {}
        self.folder = ExportFolder(folder, known, options.images, options.overwrite, options.dry_run)
        self._writers = self._begun()
        self._card = DataCard(classes, about)
        self.written: list[str] = []
        self._left_out: list[str] = []
        self._notes: list[str] = []
        self._without = 0
        self._turned: list[str] = []

    def _begun(self) -> list[Writer]:
        kinds = {name: load_format(name) for name in dict.fromkeys(self._options.formats)}
        if len({writer.kind for writer in kinds.values()}) != 1:
            found = ", ".join(f"{name} ({writer.kind})" for name, writer in kinds.items()) or "none"
            raise ParameterError(f"An export has formats of one kind; found: {found}.", name="formats")
        alone = sum(not writer.beside for writer in kinds.values()) < 2
        return [
            writer(self.folder, self._classes, "" if alone or writer.beside else f"{name}/")
            for name, writer in kinds.items()
        ]

    def run(self) -> Steps[None]:
        names = result_names([entry.id for entry in self._entries])
        for done, entry in enumerate(self._entries):
            yield Progress("export", done, len(self._entries), entry.id)
            try:
                self._take(entry, entry.name or names[done], done + 1)
            except ForeignFileError:
                raise
            except ProjectError as reason:
                self._left_out.append(str(reason).removesuffix("."))
            except OSError as reason:
                if reason.errno not in _NAME_ERRORS:  # a full disk is no matter of one image
                    raise
                self._left_out.append(f"{entry.id}: no file can be called so there ({reason.strerror})")

    def _take(self, entry: Entry, name: str, place: int) -> None:
        content = entry.read()
        if content is None:
            self._without += 1
            return
        with content if isinstance(content, LargeMask) else nullcontext():
            self._write(entry, name, place, content)

    def _write(self, entry: Entry, name: str, place: int, content: Content) -> None:
        image = entry.image if entry.image is not None and has_picture(entry.image) else None
        number = entry.number or place
        size = _size(content, self._classes, entry.id)
        item = Item(entry.id, number, name, content, entry.split, image, size, entry.shown)
        for writer in self._writers:
            writer.take(item)
        self._card.add(item, entry.facts)
        self.written.append(entry.id)
        if image is not None and self.folder.images != "none" and is_turned(image):
            self._turned.append(entry.id)
        if image is None and self.folder.images != "none":
            self._notes.append(f"{entry.id} has no image file, so there is none beside its mask")

    def finish(self, extras: Mapping[str, bytes]) -> None:
        for writer in self._writers:
            writer.finish()
            self._notes += [f"{writer.title}: {note}" for note in writer.notes]
        if self._turned:
            self._notes.append(
                f"{counted(len(self._turned), 'image is', 'images are')} stored turned, which masks are not: who reads "
                f"them has to apply the EXIF orientation ({listed(self._turned)})"
            )
        for path, content in extras.items():
            self.folder.put(path, content)
        record = self._card.record(tuple(self._left_out), tuple(self._notes))
        self.folder.put(CARD_TEXT, as_markdown(record).encode())
        whole = record | {"files": dict(sorted(self.folder.files.items()))}
        self.folder.put(CARD, json.dumps(whole, ensure_ascii=False, indent=1).encode())
        self.folder.remove_rest()

    def report(self) -> ExportReport:
        kind = self._writers[0].kind
        values = range(len(self._classes) + 1) if kind == "masks" else ()
        counted = ("new", "replaced", "kept", "removed")
        return ExportReport(
            folder=self.folder.root,
            written=tuple(self.written),
            left_out=tuple(self._left_out),
            notes=tuple(self._notes),
            pixels={self._classes.name_of(value): int(self._card.pixels[value]) for value in values},
            files={one: getattr(self.folder, one) for one in counted},
            without=self._without,
            dry_run=self._options.dry_run,
            what=_WORDS[kind],
        )


def _size(content: Content, classes: ClassList, name: str) -> tuple[int, int]:
    """Return (height, width) of checked content."""
    if isinstance(content, SourcedMask):
        check_values(content.values, classes, name)
        return content.values.shape[0], content.values.shape[1]
    if isinstance(content, LargeMask):
        for tile in content.tiles(SIDE):
            check_values(tile, classes, name)
    return content.size if isinstance(content, ActivationMaps | LargeMask) else (0, 0)
