"""Masks from folders of PNG files, checked before they are taken."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import Mask, PseudoMask
from napari_wsss.exchange.class_lists import ValueNames, read_value_names
from napari_wsss.exchange.mask_values import check_values, read_values
from napari_wsss.exchange.matching import ImageIndex
from napari_wsss.exchange.whole_reports import WholeReport
from napari_wsss.exchange.writers.grey import GREY_FOLDER
from napari_wsss.exchange.writers.voc import MASK_FOLDER
from napari_wsss.pixels.images import find_images, image_id, image_size


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


def _read(path: Path, listed: ValueNames | None, classes: ClassList) -> Mask:
    return _in_classes(read_values(path, listed), listed, classes, path.name)


def _in_classes(values: Mask, listed: ValueNames | None, classes: ClassList, name: str) -> Mask:
    """Return values in the numbering of `classes`: by the names of a list, else as they are, checked."""
    if listed is None:
        check_values(values, classes, name)
        return values
    try:
        return listed.to_classes(values, classes)
    except ProjectError as reason:
        raise ProjectError(f"{name}: {reason}") from reason


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
