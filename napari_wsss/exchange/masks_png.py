"""Masks to folders of PNG files: a VOC-style export."""

import errno
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish, publish_bytes
from napari_wsss.core.inside import below
from napari_wsss.core.masks import Mask, read_mask, write_mask
from napari_wsss.core.sources import Sources
from napari_wsss.exchange.class_lists import CLASS_LIST
from napari_wsss.exchange.mask_values import check_values
from napari_wsss.exchange.sources_png import SourcesExport, read_sources
from napari_wsss.exchange.whole_reports import WholeReport
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
        names = _file_names([id_ for id_, _ in self.entries])
        sources = SourcesExport(self.folder, self.classes) if self.options.sources else None
        for (id_, mask), name in zip(self.entries, names, strict=True):
            try:
                below(self.folder, name)
                values, made_by = _read_entry(mask)
                check_values(values, self.classes, id_)
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


def _read_entry(mask: Path | Mask | Reader) -> tuple[Mask, Callable[[], Sources] | None]:
    """Return the values of an entry, and how to find out who made its pixels."""
    if isinstance(mask, Path):
        return read_mask(mask), partial(read_sources, mask)
    if isinstance(mask, np.ndarray):
        return mask, None
    found = mask()
    return found.values, lambda: found.sources


def _file_names(ids: list[str]) -> list[str]:
    """Return the mask name of each image: without suffix, or with it where the stem is taken twice."""
    stems = [PurePosixPath(id_).with_suffix("").as_posix() for id_ in ids]
    count = Counter(stem.casefold() for stem in stems)
    return [id_ if count[stem.casefold()] > 1 else stem for id_, stem in zip(ids, stems, strict=True)]


def _save(image: Image.Image, path: Path) -> None:
    with publish(path) as file:
        image.save(file, format="PNG")


def _save_lines(path: Path, lines: list[str]) -> None:
    publish_bytes(path, "".join(f"{line}\n" for line in lines).encode())
