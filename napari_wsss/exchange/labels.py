"""Image-level labels of a folder of photographs, whichever way they were written down."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.files import read_regular
from napari_wsss.core.plural import counted
from napari_wsss.exchange.annotations.plain_zip import unpacked
from napari_wsss.exchange.csv_table import is_label_table
from napari_wsss.exchange.encodings import found_encoding
from napari_wsss.exchange.label_report import LabelCollector, LabelReport, listed
from napari_wsss.exchange.labels_annotated import read_annotated
from napari_wsss.exchange.labels_csv import read_csv
from napari_wsss.exchange.labels_folders import has_split_folders, read_folders
from napari_wsss.exchange.labels_text import read_list
from napari_wsss.exchange.labels_voc import (
    PICTURES,
    is_voc,
    is_voc_part,
    pictures_folder,
    read_voc,
    with_contradictions,
    with_splits_and_masks,
)
from napari_wsss.exchange.lists.class_lists import CLASS_LISTS, ValueNames, read_value_names
from napari_wsss.exchange.lists.colour_tables import is_colour_table
from napari_wsss.exchange.matching import ImageIndex
from napari_wsss.exchange.readers.labelme_xml import is_labelme_xml
from napari_wsss.exchange.reading import KINDS, OWN_KINDS, reader_of, recognised
from napari_wsss.pixels.decoding.channels import Channels
from napari_wsss.pixels.decoding.planes import check_has
from napari_wsss.pixels.decoding.stacks import look, page_ids
from napari_wsss.pixels.images import read_header

Value = TypeVar("Value")

CSV_SUFFIXES = (".csv", ".tsv")
TEXT_SUFFIXES = (".txt", ".lst", ".list")
_USUAL_CSV = ("labels.csv", "labels.tsv", "image_labels.csv", "annotations.csv")
_ANNOTATION_SUFFIXES = (".json", ".xml", ".npy")
_OF_TEXT = ("csv", "text")
_TOLD = 3
_FEW = 20
"""Annotation files beside the images that are looked into; more are one for each image."""
_USUAL_TEXT = ("labels.txt", "image_labels.txt", "list.txt")


@dataclass(frozen=True)
class Detected:
    """How labels are given: a kind of `KINDS` but ``auto``, and the file or folder they stand in."""

    kind: str
    source: Path | None = None


def read_labels(
    images_root: Path,
    source: Path | None = None,
    kind: str = "auto",
    *,
    check_images: bool = True,
    encoding: str = "",
    also: Sequence[str] = (),
    pages: bool = False,
    channels: Channels = (),
    planes: Sequence[str] = (),
) -> LabelReport:
    """Return the labels of the photographs under `images_root` and a report of every entry that does not fit.

    Nothing is written. The class order is that of ``classes.txt`` (or ``class_names.txt``, ``labelmap.txt``; beside
    the images, the source or one folder up), else of the 0/1 columns, else natural.

    Parameters
    ----------
    images_root : Path
        The image folder, or a VOC-style folder (then image ids are relative to its ``JPEGImages``).
    source : Path, optional
        A label file (CSV, text list), a VOC-style folder, annotations of another tool, or a zip archive of one of
        these; searched for in the image folder where not given.
    kind : str
        One of `KINDS`; ``auto`` decides by what is there.
    check_images : bool
        Open every image's header and leave out those that are no pictures (about 0.1 ms each).
    encoding : str
        How a label file is written, as Python names it (``gb18030``); "" finds out.
    also : sequence of str
        Names that are classes for certain (of a project, say), also where they look like *nothing* (``NA``).
    pages : bool
        Every page or plane of a TIFF stack is an image of its own, with the labels that an entry gives to it, else to
        the file.
    channels : tuple of int
        Which channels make the pictures; files without them are unreadable (see `pixels.decoding.channels`).
    planes : sequence of str
        Ids of planes of stacks that entries can mean (those of a project), besides all of them with `pages`.

    Raises
    ------
    LabelError
        When `kind` is unknown, does not fit the source, or the source is not in a usable form.
    ProjectError
        When `images_root` is not a folder.
    """
    if kind not in KINDS:
        raise LabelError(f"There is no kind of labels {kind!r}; choose one of {', '.join(KINDS)}.")
    index = ImageIndex.of_folder(pictures_folder(images_root), pages, planes)
    source = unpacked(source) if source else None
    if kind == "auto":
        detected = _detect(images_root, source, index)
    else:
        detected = Detected(kind, _source_of(kind, images_root, source, index))
    base = detected.source or images_root
    folder = base if base.is_dir() else base.parent
    listed = read_value_names(list(dict.fromkeys([folder, images_root, images_root.parent, index.root])))
    report = _read(detected, index, images_root, _Hints(listed, tuple(also), encoding))
    report = _with_masks_beside(report, images_root)
    report = with_contradictions(report, listed)
    if detected.kind in _OF_TEXT and detected.source is not None:
        expected = {*index.words, *(listed.classes if listed else ()), *also}
        report = replace(report, encoding=encoding or found_encoding(read_regular(detected.source), expected))
    report = with_pages(report) if pages else report
    return _without_unreadable(report, channels) if check_images else report


def with_pages(report: LabelReport) -> LabelReport:
    """Return the report with the pages or planes of every stack in its place; what is said of a file counts for each.

    What an entry says of one page counts before what is said of its file.

    A mask that lies beside a stack is of no one page, so none is taken for them.
    """
    ids = {one: page_ids(one, report.images_root) for one in report.images}
    stacks = {one: pages for one, pages in ids.items() if len(pages) > 1}
    if not stacks:
        return report

    def spread(table: dict[str, Value]) -> dict[str, Value]:
        of_files = {page: value for one, value in table.items() for page in stacks.get(one, ())}
        return {**of_files, **{one: value for one, value in table.items() if one not in stacks}}

    count = sum(map(len, stacks.values()))
    volumes = [one for one in stacks if (stack := look(report.images_root / one)) is not None and stack.is_volume]
    notes = [f"{len(stacks)} stacks give {count} images, one a page: {listed(list(stacks))}"]
    labelled = [f"{one} {len(pages)}" for one, pages in stacks.items() if one in report.labels]
    if labelled:
        notes.append(f"labels of {len(labelled)} stacks are those of each of their pages: {listed(labelled)}")
    if volumes:
        notes.append(f"{len(volumes)} of them are focus series (Z); their planes are images, volumes are not segmented")
    return replace(
        report,
        images=tuple(page for pages in ids.values() for page in pages),
        labels=spread(report.labels),
        unknown=spread(report.unknown),
        splits=spread(report.splits),
        masks={one: mask for one, mask in report.masks.items() if one not in stacks},
        notes=(*report.notes, *notes),
    )


@dataclass(frozen=True)
class _Hints:
    """What is known beside a label source: the class list, names that are classes, and how it is written."""

    listed: ValueNames | None
    also: tuple[str, ...]
    encoding: str

    @property
    def known(self) -> tuple[str, ...]:
        return self.listed.classes if self.listed else ()


def _detect(images_root: Path, source: Path | None, index: ImageIndex) -> Detected:
    if source is not None:
        return _detect_source(source, images_root, index)
    for folder in _places(images_root):
        csvs = _csv_files(folder, index)
        if csvs:
            return Detected("csv", csvs[0])
    if is_voc(images_root) and not is_labelme_xml(images_root):
        return Detected("voc", images_root)
    for folder in _places(images_root):
        lists = _named(folder, _USUAL_TEXT)
        if lists:
            return Detected("text", lists[0])
    for place in _annotations(images_root):
        if kind := recognised(place, "labels"):
            return Detected(kind, place)
    return Detected("folders" if _in_class_folders(index.ids) else "none")


def _read(detected: Detected, index: ImageIndex, images_root: Path, hints: _Hints) -> LabelReport:
    source, known, also = detected.source or images_root, hints.known, hints.also
    readers: dict[str, Callable[[], LabelReport]] = {
        "csv": lambda: read_csv(index, source, known, also=also, encoding=hints.encoding),
        "text": lambda: read_list(index, source, known, also=also, encoding=hints.encoding),
        "voc": lambda: read_voc(index, source, known, hints.listed),
        "folders": lambda: read_folders(index, known, also),
        "none": lambda: LabelCollector(index, known).report("none", "no label source yet"),
    }
    if detected.kind not in readers:
        return read_annotated(index, source, detected.kind, known, also)
    return readers[detected.kind]()


def _source_of(kind: str, images_root: Path, source: Path | None, index: ImageIndex) -> Path | None:
    """Return the file or folder for a kind that was asked for; raise where it has to be named."""
    if source is not None or kind in ("folders", "none"):
        return source
    if kind == "voc":
        return images_root
    if kind not in OWN_KINDS:
        found = [place for place in _annotations(images_root) if reader_of(kind).recognises(place)]
        return _first(found, images_root, kind)
    names = _USUAL_CSV if kind == "csv" else _USUAL_TEXT
    places = _places(images_root)
    found = [p for folder in places for p in (_csv_files(folder, index) if kind == "csv" else _named(folder, names))]
    return _first(found, images_root, ", ".join(names))


def _first(found: Sequence[Path], images_root: Path, expected: str) -> Path:
    if not found:
        raise LabelError(f"No label file ({expected}) lies in {images_root}; choose the file.")
    return found[0]


def _annotations(images_root: Path) -> list[Path]:
    """Return what may be annotations of another tool: the places for labels (a file per image), then files in them."""
    places = _places(images_root)
    beside = [images_root.parent] if images_root.name.casefold() == "images" else []  # YOLO, Datumaro, CVAT
    files = [
        path
        for folder in (*places, *beside)
        for path in sorted(folder.glob("*"))
        if path.suffix.lower() in _ANNOTATION_SUFFIXES and path.is_file() and not path.name.startswith(".")
    ]
    return [*places, *beside, *(files if len(files) <= _FEW else ())]


def _in_class_folders(ids: Sequence[str]) -> bool:
    """Return True when every image lies in a folder that can name its class."""
    first = {id_.partition("/")[0] for id_ in ids}
    depth = 2 if has_split_folders(ids) else 1
    only_pictures = len(first) == 1 and first <= set(PICTURES)
    return bool(ids) and not only_pictures and all(id_.count("/") >= depth for id_ in ids)


def _detect_source(source: Path, images_root: Path, index: ImageIndex) -> Detected:
    if source.is_dir():
        for folder in (source, source.parent):  # the folder itself, or its Annotations
            if is_voc_part(folder) and not is_labelme_xml(folder):
                return Detected("voc", folder)
        if kind := recognised(source, "labels"):
            return Detected(kind, source)
        if source.resolve() == images_root.resolve():
            return Detected("folders", source)
        if tables := _csv_files(source, index):
            return Detected("csv", tables[0])
        if lists := _named(source, _USUAL_TEXT):
            return Detected("text", lists[0])
        tables = [path for path in sorted(source.glob("*")) if path.suffix.lower() in CSV_SUFFIXES + TEXT_SUFFIXES]
        if names := [path.name for path in tables if path.name not in CLASS_LISTS and not is_colour_table(path)]:
            raise LabelError(f"The folder {source} holds {listed(names)}; choose the file that has the labels.")
        raise LabelError(
            f"The folder {source} holds no labels we know; expected a VOC-style folder (ImageSets, Annotations or "
            "SegmentationClass), annotations of a known tool, or the image folder itself for sub-folder names."
        )
    return Detected(_kind_of_file(source), source)


def _kind_of_file(source: Path) -> str:
    if not source.exists():
        raise LabelError(f"There is no label source {source}; choose a CSV file, a text list or a VOC-style folder.")
    suffix = source.suffix.lower()
    if suffix in CSV_SUFFIXES + TEXT_SUFFIXES:
        return "csv" if suffix in CSV_SUFFIXES else "text"
    if kind := recognised(source, "labels"):
        return kind
    raise LabelError(
        f"{source.name} is no label source we know; expected {', '.join(CSV_SUFFIXES + TEXT_SUFFIXES)}, annotations "
        f"of a known tool ({', '.join(KINDS[len(OWN_KINDS) + 1 : -1])}), or a folder."
    )


def _places(images_root: Path) -> tuple[Path, ...]:
    """Return where a label file may lie: the image folder, and above it only where it is a VOC picture folder."""
    if pictures_folder(images_root.parent) == images_root:
        return images_root, images_root.parent
    return (images_root,)


def _named(folder: Path, usual: Sequence[str]) -> list[Path]:
    return [folder / name for name in usual if (folder / name).is_file()]


def _csv_files(folder: Path, index: ImageIndex) -> list[Path]:
    """Return the CSV of a usual name in `folder`; without one, the only CSV there if it names images and labels."""
    tables = sorted(p for p in folder.glob("*") if p.suffix.lower() in CSV_SUFFIXES and not p.name.startswith("."))
    found = [path for path in tables if not is_colour_table(path)]
    named = [path for path in _named(folder, _USUAL_CSV) if path in found]
    return named or (found if len(found) == 1 and is_label_table(found[0], index) else [])


def _with_masks_beside(report: LabelReport, images_root: Path) -> LabelReport:
    """Return the report with splits and masks of a VOC-style folder around it, where labels came from elsewhere."""
    root = images_root if is_voc(images_root) else images_root.parent
    if report.kind == "voc" or pictures_folder(root) != report.images_root or not is_voc(root):
        return report
    return with_splits_and_masks(root, report)


def _without_unreadable(report: LabelReport, channels: Channels) -> LabelReport:
    """Return the report without images whose header cannot be read; each is named among the unreadable.

    Images of which pages or channels are left out are named in a note, and what microscopes' files say of themselves.
    """
    reasons: dict[str, str] = {}
    parts: list[str] = []
    told: Counter[str] = Counter()
    for id_ in report.images:
        try:
            header = read_header(report.images_root / id_)
            check_has(report.images_root / id_, channels)
        except ProjectError as reason:
            reasons[id_] = str(reason).removesuffix(".")
        else:
            left_out = tuple(why for why in header.left_out if not (channels and why.endswith("channels")))
            parts += [f"{id_} ({', '.join(left_out)})"] if left_out else []
            told.update([header.told] if header.told else [])
    for said, count in told.most_common(_TOLD):
        report = replace(report, notes=(*report.notes, f"{count} images say of themselves: {said}"))
    if parts:
        note = f"{counted(len(parts), 'image is', 'images are')} used in part: {listed(parts)}"
        report = replace(report, notes=(*report.notes, note))
    if not reasons:
        return report

    def kept(table: dict[str, Value]) -> dict[str, Value]:
        return {id_: value for id_, value in table.items() if id_ not in reasons}

    return replace(
        report,
        images=tuple(id_ for id_ in report.images if id_ not in reasons),
        labels=kept(report.labels),
        unknown=kept(report.unknown),
        splits=kept(report.splits),
        masks=kept(report.masks),
        unreadable=(*report.unreadable, *reasons.values()),
    )
