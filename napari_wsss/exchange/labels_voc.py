"""Image-level labels from a VOC-style folder: XML object names, per-class lists, or masks with a class list."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.core.errors import LabelError, WsssError
from napari_wsss.exchange.annotations.plain_xml import read_xml
from napari_wsss.exchange.label_report import LabelCollector, LabelReport
from napari_wsss.exchange.lists.class_lists import ValueNames
from napari_wsss.exchange.mask_values import MASK_SUFFIXES, read_values
from napari_wsss.exchange.matching import ImageIndex
from napari_wsss.exchange.voc_lists import read_lists
from napari_wsss.pixels.images import find_images

PICTURES = ("JPEGImages", "images", "Images")
MASKS = ("SegmentationClass", "SegmentationClassAug", "masks", "Masks")
ANNOTATIONS = "Annotations"


def pictures_folder(root: Path) -> Path:
    """Return ``root/JPEGImages`` (or ``images``) of a VOC-style folder, else `root` itself."""
    if not is_voc(root):
        return root
    return next((root / name for name in PICTURES if (root / name).is_dir()), root)


def is_voc_part(root: Path) -> bool:
    """Return True when `root` holds lists, annotations or masks, with or without pictures."""
    return any((root / name).is_dir() for name in ("ImageSets", ANNOTATIONS, *MASKS))


def is_voc(root: Path) -> bool:
    """Return True when `root` holds a picture folder beside lists, annotations or masks."""
    return any((root / name).is_dir() for name in PICTURES) and is_voc_part(root)


def read_voc(index: ImageIndex, root: Path, known: Sequence[str] = (), listed: ValueNames | None = None) -> LabelReport:
    """Return the labels of a VOC-style folder.

    For each image the first of these that names it counts: ``Annotations/*.xml`` (difficult objects included, as
    published methods do), per-class lists ``ImageSets/Main/cat_train.txt``, the values of its mask with
    ``classes.txt``, ``class_names.txt`` or ``labelmap.txt``. Splits come from ``ImageSets``, masks from
    ``SegmentationClass``.

    Parameters
    ----------
    index : ImageIndex
        The images in the picture folder.
    root : Path
        The VOC-style folder.
    known : sequence of str
        The class list, where there is one.
    listed : ValueNames, optional
        What mask values mean; without it those of `known` in its order.
    """
    into = LabelCollector(index, known)
    flagged = read_lists(root, into)
    find_masks(root, into)
    sources: Counter[str] = Counter()
    sources["XML"] = _read_annotations(root, into)
    for id_, names in flagged.items():
        if id_ not in into.labels:
            sources["per-class lists"] += 1
            into.extend(id_, sorted(names), id_)
    if listed is None and known:
        listed = ValueNames("the class list", dict(enumerate(known, 1)))
    sources["masks"] = _read_masks(into, listed)
    used = [f"{name} ({count} images)" for name, count in sources.items() if count]
    order = () if known or not sources["masks"] else _numbered(into)
    return into.report("voc", f"the VOC-style folder {root.name}: {', '.join(used) or 'no labels'}", order)


def with_splits_and_masks(root: Path, report: LabelReport) -> LabelReport:
    """Return labels read from elsewhere (a CSV) with the splits and masks of the VOC-style folder around them."""
    into = LabelCollector(ImageIndex(report.images_root, report.images))
    read_lists(root, into)
    find_masks(root, into)
    return replace(
        report,
        splits=report.splits or into.splits,
        masks=into.masks,
        unmatched=(*report.unmatched, *into.unmatched),
        duplicates=(*report.duplicates, *into.duplicates),
        conflicts=(*report.conflicts, *(() if report.splits else into.conflicts)),
    )


def find_masks(root: Path, into: LabelCollector) -> None:
    """Record the masks in ``SegmentationClass``; masks without an image are unmatched."""
    folder = next((root / name for name in MASKS if (root / name).is_dir()), None)
    if folder is None:
        return
    for path in find_images(folder):
        if path.suffix.lower() not in MASK_SUFFIXES:
            continue
        inside = path.relative_to(folder).as_posix()
        id_ = into.match(inside.removesuffix(path.suffix), path.relative_to(root).as_posix())
        if id_ is not None:
            into.masks.setdefault(id_, path)


def _read_annotations(root: Path, into: LabelCollector) -> int:
    folder = root / ANNOTATIONS
    count = 0
    for path in sorted(folder.glob("*.xml")) if folder.is_dir() else []:
        place = path.relative_to(root).as_posix()
        try:
            names = object_names(path)
        except (OSError, ValueError) as reason:
            into.unreadable.append(f"{place}: {reason}")
            continue
        count += into.add(path.stem, names, place) is not None
    return count


def object_names(path: Path) -> list[str]:
    """Return the different object names of one annotation, in the order of the file.

    Raises
    ------
    ValueError
        When the file is no annotation, or declares entities (which could expand without end).
    """
    annotation = read_xml(path)
    if annotation.tag != "annotation":
        raise ValueError(f"has the root <{annotation.tag}>; expected <annotation>")
    names = (node.findtext("name", "").strip() for node in annotation.iter("object"))
    return list(dict.fromkeys(name for name in names if name))


def _read_masks(into: LabelCollector, listed: ValueNames | None) -> int:
    """Label images by the values of their masks, where nothing else does; return how many."""
    unlabelled = {id_: path for id_, path in into.masks.items() if id_ not in into.labels}
    if listed is None and unlabelled:
        into.notes.append("no classes.txt with class names: mask values are named 'class 1', 'class 2' and so on")
    for id_, path in unlabelled.items():
        try:
            into.extend(id_, painted_classes(path, listed), path.name)
        except WsssError as reason:
            into.unreadable.append(str(reason).removesuffix("."))
    return sum(id_ in into.labels for id_ in unlabelled)


def painted_classes(path: Path, listed: ValueNames | None) -> list[str]:
    """Return the names of the classes that a mask file paints; ``class 1``, ``class 2`` without a list.

    Raises
    ------
    ProjectError
        When it cannot be read as a mask.
    LabelError
        When it holds values that the list does not name.
    """
    values = [int(value) for value in np.unique(read_values(path, listed))]
    if listed is None:
        return [f"class {value}" for value in values if value not in (BACKGROUND, IGNORE)]
    try:
        return listed.labels(values)
    except LabelError as reason:
        raise LabelError(f"{path.name}: {reason}") from reason


def with_contradictions(report: LabelReport, listed: ValueNames | None) -> LabelReport:
    """Return the report with a conflict for each mask beside the images that paints other classes than their labels.

    Every such mask is read (about 2 ms each); masks without a class list say nothing about names.
    """
    found = [
        sentence
        for id_, path in report.masks.items()
        if listed is not None and id_ in report.labels
        for sentence in _contradictions(id_, path, listed, report.labels[id_])
    ]
    return replace(report, conflicts=(*report.conflicts, *found)) if found else report


def _contradictions(id_: str, path: Path, listed: ValueNames, labels: Collection[str]) -> Iterator[str]:
    try:
        painted = painted_classes(path, listed)
    except WsssError:
        return  # said where the mask is used
    if set(painted) != set(labels):
        said = ", ".join(sorted(painted)) or "nothing"
        given = ", ".join(sorted(labels)) or "none of the classes"
        yield f"the mask {path.name} paints {said}, but {id_} has the labels {given}"


def _numbered(into: LabelCollector) -> tuple[str, ...]:
    """Return ``class 1`` to the highest value found, so that names and mask values keep their correspondence."""
    numbers = [int(name.removeprefix("class ")) for names in into.labels.values() for name in names if _is_number(name)]
    return tuple(f"class {value}" for value in range(1, max(numbers, default=0) + 1))


def _is_number(name: str) -> bool:
    return name.startswith("class ") and name.removeprefix("class ").isdecimal()
