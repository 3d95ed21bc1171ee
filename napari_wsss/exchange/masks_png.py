"""Masks to and from folders of PNG files: a VOC-style export, and a checked import."""

import errno
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish, publish_bytes
from napari_wsss.core.inside import below
from napari_wsss.core.masks import Mask, PseudoMask, read_mask, write_mask
from napari_wsss.core.sources import Sources
from napari_wsss.exchange.class_lists import CLASS_LIST, ValueNames, read_value_names
from napari_wsss.exchange.mask_values import read_values
from napari_wsss.exchange.matching import ImageIndex
from napari_wsss.exchange.sources_png import SourcesExport, read_sources
from napari_wsss.exchange.whole_reports import WholeReport
from napari_wsss.pixels.images import find_images, image_id, image_size, result_names
from napari_wsss.project.sourced_masks import SourcedMask

_NAME_ERRORS = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL)
MASK_FOLDER = "SegmentationClass"
GREY_FOLDER = "SegmentationClassGrey"
PREVIEW_FOLDER = "preview"
LIST_FOLDER = "ImageSets/Segmentation"
UNFINISHED = "EXPORT-NOT-FINISHED.txt"
UNFINISHED_TEXT = "This export is still running, or broke off: masks are missing. The same command again goes on.\n"
Reader = Callable[[], SourcedMask]


@dataclass(frozen=True)
class ExportOptions:
    """What an export writes beside palette PNGs, lists and the class list.

    Parameters
    ----------
    grey : bool
        Also write plain grey PNGs (value = class), for tools that drop palettes.
    previews : bool
        Also write RGB pictures in the class colours: indexed masks look almost black in many viewers.
    overwrite : bool
        Allow a folder that holds masks already.
    dry_run : bool
        Read and check everything, write nothing.
    sources : bool
        Also write who made each pixel (see `sources_png`), of masks that are given as files or readers.
    """

    grey: bool = False
    previews: bool = False
    overwrite: bool = False
    dry_run: bool = False
    sources: bool = False


@dataclass(frozen=True)
class ExportReport(WholeReport):
    """What was (or, on a dry run, would be) written, and what was left out with the reason."""

    folder: Path
    written: tuple[str, ...]
    left_out: tuple[str, ...]
    pixels: dict[str, int]
    replaced: int = 0
    dry_run: bool = False
    kept: int = 0

    def summary(self) -> str:
        """Return the report as lines; `kept` masks were there from an export that broke off."""
        empty = [name for name, count in self.pixels.items() if not count]
        verb = "would be written" if self.dry_run else "written"
        lines = [f"{len(self.written)} masks {verb} to {self.folder}, {self.replaced} of them replaced."]
        lines += [f"{self.kept} of them were there from an export that broke off."] if self.kept else []
        lines += [f"No pixel of: {', '.join(empty)}."] if empty else []
        lines += [f"Left out: {reason}." for reason in self.left_out]
        return "\n".join(lines)


@dataclass(frozen=True)
class MaskImportReport(WholeReport):
    """Usable masks by image id, and every file that is not, as sentences.

    `read` returns a mask's values; `without_mask` are the images that got none, `contradictions` say which masks
    paint a class that is no label of their image, or lack one that is.
    """

    masks: dict[str, Path]
    classes: ClassList
    listed: ValueNames | None = None
    unmatched: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    wrong_size: tuple[str, ...] = ()
    wrong_values: tuple[str, ...] = ()
    without_mask: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def read(self, image_id: str) -> Mask:
        """Return the values (H, W) uint8 of an image's mask, in the project's numbering."""
        return _read(self.masks[image_id], self.listed, self.classes)

    def summary(self) -> str:
        """Return the report as lines."""
        kinds = {
            "have no image": self.unmatched,
            "are duplicate or ambiguous": self.duplicates,
            "cannot be read": self.unreadable,
            "differ in size from their image": self.wrong_size,
            "hold values without a class": self.wrong_values,
            "contradict the labels of their image": self.contradictions,
        }
        lines = [f"{len(self.masks)} masks can be used; {len(self.without_mask)} images have none."]
        lines += [f"{len(found)} masks {what}: {'; '.join(found[:5])}." for what, found in kinds.items() if found]
        lines += [f"Note: {note}." for note in self.notes]
        return "\n".join(lines)


def export_masks(
    masks: Iterable[tuple[str, Path | Mask | Reader]],
    classes: ClassList,
    folder: Path,
    options: ExportOptions | None = None,
    splits: Mapping[str, str] | None = None,
) -> ExportReport:
    """Write masks in VOC layout: palette PNGs, ``ImageSets/Segmentation/<split>.txt``, ``classes.txt``.

    A mask is named after its image without suffix, in the image's sub-folder; of two images with one stem both keep
    their suffix (``x.jpg.png``). ``all.txt`` lists every mask; line k of ``classes.txt`` is the class of value k. While
    it is not whole, the folder is marked (`UNFINISHED`); an export into a marked folder goes on.

    Parameters
    ----------
    masks : iterable of (image id, mask)
        The mask as a file, as values (H, W) uint8, or a reader of it. Give files or readers for large sets: the
        entries are listed first.
    classes : ClassList
        The project's classes; a mask with other values is left out and reported.
    folder : Path
        The target folder, made where missing.
    options : ExportOptions, optional
    splits : mapping of image id to split name, optional

    Raises
    ------
    ProjectError
        When the folder holds masks already and `options.overwrite` is off.
    """
    options, mark = options or ExportOptions(), folder / UNFINISHED
    broke_off = mark.is_file()
    if any((folder / MASK_FOLDER).rglob("*.png")) and not (options.overwrite or broke_off):
        raise ProjectError(f"{folder / MASK_FOLDER} holds masks already; choose an empty folder or allow overwriting.")
    export = _Export(list(masks), classes, folder, options, goes_on=broke_off and not options.overwrite)
    if options.dry_run:
        export.run()
        return export.report()
    publish_bytes(mark, UNFINISHED_TEXT.encode())
    export.run()
    export.write_lists(splits or {})
    mark.unlink(missing_ok=True)
    return export.report()


def import_masks(
    folder: Path,
    images: Mapping[str, Path],
    classes: ClassList,
    labels: Mapping[str, Collection[str]] | None = None,
) -> MaskImportReport:
    """Return which masks under `folder` are usable masks of `images`; nothing is written.

    A ``classes.txt``, ``class_names.txt`` or ``labelmap.txt`` in it, or one folder up, decides by name what a value
    or colour means; without one values must be those of the project: 0 (background), 1 .. K or 255 (ignore).

    Parameters
    ----------
    folder : Path
        Files that `mask_values.read_values` reads, named after their image, with or without its suffix and
        sub-folder; or the folder of an export, whose ``SegmentationClass`` is taken.
    images : mapping of image id to image file
        The images of the project.
    classes : ClassList
        The project's classes.
    labels : mapping of image id to class names, optional
        Image-level labels, of the images that are labelled, be it none of the classes; masks that contradict them
        are said, and taken.

    Raises
    ------
    ProjectError
        When `folder` is not a folder.
    """
    listed = read_value_names([folder, folder.parent])
    inside = next((folder / name for name in (MASK_FOLDER, GREY_FOLDER) if (folder / name).is_dir()), folder)
    importer = _Import(images, classes, listed, labels or {})
    for path in find_images(inside):
        importer.take(path, image_id(path, inside))
    return importer.report()


@dataclass
class _Export:
    entries: list[tuple[str, Path | Mask | Reader]]
    classes: ClassList
    folder: Path
    options: ExportOptions
    goes_on: bool = False
    written: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(IGNORE + 1, np.int64))
    replaced: int = 0
    kept: int = 0

    def run(self) -> None:
        names = result_names([id_ for id_, _ in self.entries])
        sources = SourcesExport(self.folder, self.classes) if self.options.sources else None
        for (id_, mask), name in zip(self.entries, names, strict=True):
            try:
                below(self.folder, name)
                values, made_by = _read_entry(mask)
                _check_values(values, self.classes, id_)
            except ProjectError as reason:
                self.left_out.append(str(reason).removesuffix("."))
                continue
            try:
                was_there = (self.folder / MASK_FOLDER / f"{name}.png").exists()
                is_there = was_there and self.goes_on and self._is_there(name, values)
                if not (is_there or self.options.dry_run):
                    self._write(name, values)
                if sources and made_by and not self.options.dry_run:
                    sources.add(name, made_by())
            except OSError as reason:
                if reason.errno not in _NAME_ERRORS:  # a full disk is no matter of one image
                    raise
                self.left_out.append(f"{id_}: no file can be called so there ({reason.strerror})")
                continue
            self.counts += np.bincount(values.ravel(), minlength=IGNORE + 1)
            self.written[id_] = name
            self.kept += is_there
            self.replaced += was_there and not is_there
        if sources and not self.options.dry_run:
            sources.write_table()

    def _is_there(self, name: str, values: Mask) -> bool:
        """Return True where an export that broke off has written the very same already."""
        extra = [(self.options.grey, GREY_FOLDER), (self.options.previews, PREVIEW_FOLDER)]
        if not all((self.folder / place / f"{name}.png").exists() for wanted, place in extra if wanted):
            return False
        try:
            return np.array_equal(read_mask(self.folder / MASK_FOLDER / f"{name}.png"), values)
        except ProjectError:  # not there yet
            return False

    def _write(self, name: str, values: Mask) -> None:
        write_mask(self.folder / MASK_FOLDER / f"{name}.png", values, self.classes)
        if self.options.grey:
            _save(Image.fromarray(values), self.folder / GREY_FOLDER / f"{name}.png")
        if self.options.previews:
            _save(Image.fromarray(self.classes.palette[values]), self.folder / PREVIEW_FOLDER / f"{name}.png")

    def write_lists(self, splits: Mapping[str, str]) -> None:
        lists: dict[str, list[str]] = {"all": list(self.written.values())}
        for id_, name in self.written.items():
            if splits.get(id_):
                lists.setdefault(splits[id_], []).append(name)
        for split, names in lists.items():
            _save_lines(self.folder / LIST_FOLDER / f"{split}.txt", names)
        _save_lines(self.folder / CLASS_LIST, [self.classes.name_of(BACKGROUND), *self.classes.names])

    def report(self) -> ExportReport:
        pixels = {self.classes.name_of(v): int(self.counts[v]) for v in range(len(self.classes) + 1)}
        return ExportReport(
            folder=self.folder,
            written=tuple(self.written),
            left_out=tuple(self.left_out),
            pixels=pixels,
            replaced=self.replaced,
            dry_run=self.options.dry_run,
            kept=self.kept,
        )


class _Import:
    def __init__(
        self,
        images: Mapping[str, Path],
        classes: ClassList,
        listed: ValueNames | None,
        labels: Mapping[str, Collection[str]],
    ) -> None:
        self.images, self.classes, self.listed, self.labels = images, classes, listed, labels
        self.index = ImageIndex(Path(), images)
        self.masks: dict[str, Path] = {}
        self.unmatched: list[str] = []
        self.duplicates: list[str] = []
        self.unreadable: list[str] = []
        self.wrong_size: list[str] = []
        self.wrong_values: list[str] = []
        self.contradictions: list[str] = []
        self.black_and_white: list[str] = []

    def take(self, path: Path, name: str) -> None:
        match = self.index.find(name.removesuffix(path.suffix))
        if match.id is None:
            found = f"{name} can mean {', '.join(match.ids)}" if match.ids else name
            (self.duplicates if match.ids else self.unmatched).append(found)
        elif match.id in self.masks:
            self.duplicates.append(f"{name} and {self.masks[match.id].name} are both for {match.id}")
        elif self._is_usable(match.id, path, name):
            self.masks[match.id] = path

    def _is_usable(self, id_: str, path: Path, name: str) -> bool:
        try:
            raw, size = read_values(path, self.listed), image_size(self.images[id_])
        except ProjectError as reason:
            self.unreadable.append(str(reason).removesuffix("."))
            return False
        if raw.shape != size:
            self.wrong_size.append(f"{name} is {_size(raw.shape)}, its image {_size(size)}")
            return False
        try:
            values = _in_classes(raw, self.listed, self.classes, name)
        except ProjectError as reason:
            self.wrong_values.append(str(reason).removesuffix("."))
            return False
        self._compare(id_, values, name)
        if set(np.unique(values).tolist()) == {BACKGROUND, IGNORE}:
            self.black_and_white.append(name)
        return True

    def _compare(self, id_: str, values: Mask, name: str) -> None:
        """Say where a mask and the labels of its image contradict each other."""
        if id_ not in self.labels:
            return
        painted = {self.classes.name_of(value) for value in PseudoMask(values).class_values()}
        said = [
            *(f"paints {one}, which is no label" for one in sorted(painted.difference(self.labels[id_]))),
            *(f"has no pixel of the label {one}" for one in sorted(set(self.labels[id_]) - painted)),
        ]
        if said:
            self.contradictions.append(f"{name} {' and '.join(said)}")

    def report(self) -> MaskImportReport:
        without = tuple(id_ for id_ in self.images if id_ not in self.masks)
        return MaskImportReport(
            masks=self.masks,
            classes=self.classes,
            listed=self.listed,
            unmatched=tuple(self.unmatched),
            duplicates=tuple(self.duplicates),
            unreadable=tuple(self.unreadable),
            wrong_size=tuple(self.wrong_size),
            wrong_values=tuple(self.wrong_values),
            without_mask=without,
            contradictions=tuple(self.contradictions),
            notes=self._notes(),
        )

    def _notes(self) -> tuple[str, ...]:
        notes = []
        if self.listed and self.masks:
            notes.append(f"values mean what {self.listed.source} beside the masks names")
        if self.black_and_white:
            examples = ", ".join(self.black_and_white[:5])
            notes.append(
                f"{len(self.black_and_white)} masks hold only 0 and 255 ({examples}): 255 means ignore here, so if "
                "white was meant as the object, save it as its class value"
            )
        return tuple(notes)


def _read_entry(mask: Path | Mask | Reader) -> tuple[Mask, Callable[[], Sources] | None]:
    """Return the values of an entry, and how to find out who made its pixels."""
    if isinstance(mask, Path):
        return read_mask(mask), partial(read_sources, mask)
    if isinstance(mask, np.ndarray):
        return mask, None
    found = mask()
    return found.values, lambda: found.sources


def _read(path: Path, listed: ValueNames | None, classes: ClassList) -> Mask:
    return _in_classes(read_values(path, listed), listed, classes, path.name)


def _in_classes(values: Mask, listed: ValueNames | None, classes: ClassList, name: str) -> Mask:
    """Return values in the numbering of `classes`: by the names of a list, else as they are, checked."""
    if listed is None:
        _check_values(values, classes, name)
        return values
    try:
        return listed.to_classes(values, classes)
    except ProjectError as reason:
        raise ProjectError(f"{name}: {reason}") from reason


def _check_values(values: Mask, classes: ClassList, name: str) -> None:
    if values.ndim != 2 or values.dtype != np.uint8:
        raise ProjectError(f"{name}: a mask is (H, W) uint8; found {values.shape} {values.dtype}.")
    wrong = [int(value) for value in np.unique(values) if int(value) not in classes.values()]
    if wrong:
        raise ProjectError(f"{name}: holds the values {wrong}; expected 0 to {len(classes)} or {IGNORE}.")


def _save(image: Image.Image, path: Path) -> None:
    with publish(path) as file:
        image.save(file, format="PNG")


def _save_lines(path: Path, lines: list[str]) -> None:
    publish_bytes(path, "".join(f"{line}\n" for line in lines).encode())


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
