"""Activation maps of other tools for the images of a project: which can be used, and everything that does not fit."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.classes import BACKGROUND_NAMES, ClassList
from napari_wsss.core.errors import LabelError, ProjectError, WsssError
from napari_wsss.core.maps import ActivationMaps, Scores
from napari_wsss.core.plural import counted
from napari_wsss.exchange.annotations.annotated import Annotated, RawMaps, Reading
from napari_wsss.exchange.annotations.plain_zip import unpacked
from napari_wsss.exchange.label_report import listed
from napari_wsss.exchange.masks.importing import match_of
from napari_wsss.exchange.matching import ImageIndex
from napari_wsss.exchange.reading import named_or_recognised, reader_of
from napari_wsss.exchange.whole_reports import WholeReport
from napari_wsss.pixels.images import image_size
from napari_wsss.project.project import Project


@dataclass(frozen=True)
class MapImportReport(WholeReport):
    """Usable maps by image id with where they come from, and every file that is not, as sentences.

    `unknown` says in how many files a class is none of the project, `without_maps` which images got none.
    """

    source: str
    kind: str
    maps: dict[str, str]
    unmatched: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    missing_labels: tuple[str, ...] = ()
    without_maps: tuple[str, ...] = ()
    unknown: dict[str, int] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    _made: Mapping[str, Callable[[], ActivationMaps]] = field(default_factory=dict, repr=False)

    def check(self) -> None:
        """Raise `LabelError` where nothing can be used."""
        if not self.maps:
            raise LabelError("No maps can be used for an image of this project; the report says why.")

    def read(self, image_id: str) -> ActivationMaps:
        """Return the maps of an image at its size; raise `ProjectError` when the file changed meanwhile."""
        return self._made[image_id]()

    def read_all(self) -> Iterator[tuple[str, ActivationMaps | WsssError]]:
        """Yield image by image its maps, or why there are none."""
        for image_id in self.maps:
            try:
                yield image_id, self.read(image_id)
            except WsssError as reason:
                yield image_id, reason

    def summary(self) -> str:
        """Return the report as lines."""
        kinds = {
            "files have no image": self.unmatched,
            "are duplicate or ambiguous": self.duplicates,
            "cannot be used": self.unreadable,
            "images have labels without a map": self.missing_labels,
        }
        lines = [
            f"Maps of {counted(len(self.maps), 'image')} can be used ({self.kind}); {len(self.without_maps)} have none."
        ]
        lines += [f"Images per class: {listed(self.classes)}."] if self.classes else []
        lines += [f"{len(found)} {what}: {'; '.join(found[:5])}." for what, found in kinds.items() if found]
        lines += [f"Classes that are none here, by files: {listed(self.unknown)}."] if self.unknown else []
        return "\n".join([*lines, *(f"Note: {note}." for note in self.notes)])


def maps_for(project: Project, source: Path, kind: str = "auto") -> MapImportReport:
    """Return which maps of a source are usable for a project's images; nothing is written.

    Parameters
    ----------
    project : Project
    source : Path
        A file, folder or zip archive of maps named like the images.
    kind : str
        A reader's name; ``auto`` finds out.

    Raises
    ------
    LabelError
        When the source is missing or of no known format.
    """
    names, source = project.classes.names, unpacked(source)
    kind = named_or_recognised(source, "maps", kind, names)
    importer, reading = _Import(project), Reading(names)
    for said in reader_of(kind).read(source, reading):
        importer.take(said, reading.classes)
    return importer.report(str(source.name), kind, reading)


def fitted(raw: RawMaps, names: tuple[str, ...], classes: ClassList, labels: Collection[str] | None) -> ActivationMaps:
    """Return maps of a project's classes with scores in [0, 1], at their own size.

    Negative scores become 0. Numbers beyond 1 are divided by the largest of their class (whole numbers of 8 or 16 bits
    by the largest there can be).

    Parameters
    ----------
    raw : RawMaps
    names : tuple of str
        What the source's class numbers mean, from 0.
    classes : ClassList
        The project's.
    labels : collection of str, optional
        The image's, where it is labelled: as many maps as labels are of these, in the order of the class list.

    Raises
    ------
    ProjectError
        When it is not known which class a map is of, or they hold values that are no numbers.
    """
    of_rows = _names_of(raw, names, classes, labels)
    rows: dict[int, int] = {}
    for row, name in enumerate(of_rows):
        if name in classes.names:
            rows.setdefault(classes.index(name), row)
    wanted = tuple(sorted(rows))
    scores = _in_unit(raw.scores[[rows[k] for k in wanted]])
    return ActivationMaps(scores, wanted)


def _names_of(
    raw: RawMaps, names: tuple[str, ...], classes: ClassList, labels: Collection[str] | None
) -> tuple[str, ...]:
    count = len(raw.scores)
    if raw.classes is not None:
        if len(raw.classes) != count:
            raise ProjectError(f"holds {count} maps, but names {len(raw.classes)} classes")
        beyond = [k for k in raw.classes if isinstance(k, int) and not 0 <= k < len(names)]
        if beyond:
            raise ProjectError(f"holds a map of class {beyond[0]}; the list has {len(names)}, from 0")
        return tuple(k if isinstance(k, str) else names[k] for k in raw.classes)
    if count == len(names):
        return names
    if count == len(names) + 1:
        return ("background", *names)
    if labels is not None and count == len(labels):
        return tuple(name for name in classes.names if name in labels)
    raise ProjectError(f"holds {count} maps; expected one for each of {len(names)} classes, or of its image's labels")


def _in_unit(scores: NDArray[Any]) -> Scores:
    if scores.dtype.kind in "ui" and scores.dtype.itemsize <= 2:
        return np.asarray(scores / np.iinfo(scores.dtype).max, np.float32)
    found = scores.astype(np.float32)
    if not np.isfinite(found).all():
        raise ProjectError("holds values that are no numbers")
    found = np.maximum(found, 0)
    most = found.max(axis=(1, 2), keepdims=True, initial=1)
    return np.asarray(found / most, np.float32)


class _Import:
    def __init__(self, project: Project) -> None:
        self.classes = project.classes
        self.paths = {one: project.image_path(one) for one in project.catalog.ids()}
        self.labels = {record.id: record.labels for record in project.catalog.records() if record.labelled}
        self.index = ImageIndex(Path(), self.paths)
        self.maps: dict[str, str] = {}
        self.made: dict[str, Callable[[], ActivationMaps]] = {}
        self.unmatched: list[str] = []
        self.duplicates: list[str] = []
        self.unreadable: list[str] = []
        self.missing: list[str] = []
        self.unknown: Counter[str] = Counter()
        self.counts: Counter[int] = Counter()

    def take(self, said: Annotated, names: tuple[str, ...]) -> None:
        match = match_of(said, self.index)
        if match.id is None:
            found = f"{said.place} can mean {', '.join(match.ids)}" if match.ids else said.place
            (self.duplicates if match.ids else self.unmatched).append(found)
        elif match.id in self.maps:
            self.duplicates.append(f"{said.place} and {self.maps[match.id]} are both for {match.id}")
        elif said.maps is not None:
            self._take_for(match.id, said, said.maps, names or self.classes.names)

    def _read(self, id_: str, read: Callable[[], RawMaps], names: tuple[str, ...]) -> ActivationMaps:
        return enlarged(fitted(read(), names, self.classes, self.labels.get(id_)), *image_size(self.paths[id_]))

    def _take_for(self, id_: str, said: Annotated, read: Callable[[], RawMaps], names: tuple[str, ...]) -> None:
        try:
            raw = read()
        except ProjectError as reason:
            self.unreadable.append(str(reason).removesuffix("."))
            return
        try:
            found = fitted(raw, names, self.classes, self.labels.get(id_))
            image_size(self.paths[id_])
            strange = set(_names_of(raw, names, self.classes, self.labels.get(id_))) - set(self.classes.names)
        except ProjectError as reason:
            self.unreadable.append(f"{said.place}: {str(reason).removesuffix('.')}")
            return
        self.unknown.update(name for name in strange if name.casefold() not in BACKGROUND_NAMES)
        if not found.classes and self.labels.get(id_):
            self.unreadable.append(f"{said.place} holds no map of a class of the project")
            return
        self.maps[id_], self.made[id_] = said.place, partial(self._read, id_, read, names)
        self.counts.update(found.classes)
        lacking = self.labels.get(id_, frozenset()) - {self.classes.names[k] for k in found.classes}
        self.missing += [f"{id_} has no map of {', '.join(sorted(lacking))}"] if lacking else []

    def report(self, source: str, kind: str, reading: Reading) -> MapImportReport:
        return MapImportReport(
            source=source,
            kind=kind,
            maps=self.maps,
            unmatched=tuple(self.unmatched),
            duplicates=tuple(self.duplicates),
            unreadable=(*self.unreadable, *reading.unreadable),
            missing_labels=tuple(self.missing),
            without_maps=tuple(one for one in self.paths if one not in self.maps),
            unknown=dict(sorted(self.unknown.items())),
            classes={self.classes.names[k]: self.counts[k] for k in sorted(self.counts)},
            notes=tuple(reading.notes),
            _made=self.made,
        )


def enlarged(maps: ActivationMaps, height: int, width: int) -> ActivationMaps:
    """Return maps at another size, bilinearly."""
    if maps.size == (height, width):
        return maps
    scores = np.zeros((len(maps.classes), height, width), np.float32)
    for row, one in enumerate(maps.scores):
        scores[row] = np.asarray(Image.fromarray(one).resize((width, height), Image.Resampling.BILINEAR))
    return maps.with_scores(scores.clip(0, 1))
