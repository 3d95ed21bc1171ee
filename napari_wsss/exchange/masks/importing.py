"""Masks of other tools for the images of a project: which can be used, and everything that does not fit."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.inside import writable
from napari_wsss.core.masks import Mask, class_values
from napari_wsss.core.plural import counted
from napari_wsss.core.sources import Source
from napari_wsss.exchange.annotations.annotated import Annotated, Reading
from napari_wsss.exchange.annotations.painting import Kind, Rules, Unknown, Unusable, draws, painted, unknown_classes
from napari_wsss.exchange.annotations.plain_zip import archive_in, unpacked
from napari_wsss.exchange.label_report import listed
from napari_wsss.exchange.matching import ImageIndex, Match, closest
from napari_wsss.exchange.reading import named_or_recognised, reader_of, recognised
from napari_wsss.exchange.whole_reports import WholeReport
from napari_wsss.pixels.decoding.stacks import series_of
from napari_wsss.pixels.images import image_size

_MARK = r"(?:cp_)?(?:masks?|seg(?:mentation)?s?|labels?|label[-_]?ids|gt|ground[-_]?truth|annotations?|instances?)"
_END = rf"(?:{_MARK}|L|colou?rs?|rgb|gt(?:fine|coarse)[-_](?:colou?r|label[-_]?ids))"
_DECORATED = re.compile(rf"(?:(?P<folder>.*/))?(?:{_MARK}[-_. ](?P<last>[^/]+)|(?P<first>[^/]+?)[-_. ]{_END})", re.I)
"""How tools call the mask of an image: ``x_mask``, ``x.seg``, ``mask_x``; ``x_L`` in CamVid, ``x_gtFine_color``."""
_PHOTOGRAPH = "_leftImg8bit"
"""What Cityscapes adds to the name of the image."""


@dataclass(frozen=True)
class MaskChoices:
    """How masks are read.

    Parameters
    ----------
    kind : str
        A reader's name; ``auto`` finds out.
    unknown : str
        What classes become that the project does not have: ``refuse`` (the mask), ``background`` or ``ignore``.
    instances : bool
        Values count objects; they get the only label of their image.
    regions : bool
        Objects of images with several labels or none become regions to be filled (see `Rules`).
    """

    kind: str = "auto"
    unknown: Unknown = "refuse"
    instances: bool = False
    regions: bool = False


@dataclass(frozen=True)
class MaskImportReport(WholeReport):
    """Usable masks by image id with where they come from, and every one that is not, as sentences.

    `read` returns a mask's values, `origin` its pixels' source; `source` is the name of the file or folder.
    `without_mask` are the images that got none, `without_class` the masks of objects whose class nobody says,
    `contradictions` say which masks paint a class that is no label of their image, or lack one that is, `occupied`
    which images have a person's mask already, `unknown` in how many masks a name is no class.
    """

    masks: dict[str, str]
    kind: str
    unmatched: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    wrong_size: tuple[str, ...] = ()
    wrong_values: tuple[str, ...] = ()
    without_class: tuple[str, ...] = ()
    without_mask: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    occupied: tuple[str, ...] = ()
    unknown: dict[str, int] = field(default_factory=dict)
    pixels: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source: str = ""
    _made: Mapping[str, partial[Mask]] = field(default_factory=dict, repr=False)

    def read(self, image_id: str) -> Mask:
        """Return the values (H, W) uint8 of an image's mask, in the project's numbering."""
        return self._made[image_id]()

    def origin(self, image_id: str) -> Source:
        """Return where the pixels of an image's mask come from: format, file or folder, and the place in it."""
        told = {"from": writable(self.source), "entry": writable(self.masks[image_id])}
        return Source("imported", method=self.kind, parameters={name: word for name, word in told.items() if word})

    @property
    def paints_nothing(self) -> bool:
        """Whether the source holds no mask at all, be it one that cannot be used; it may hold labels."""
        refused = (self.unmatched, self.duplicates, self.unreadable, self.wrong_size, self.wrong_values)
        return not (self.masks or self.without_class or any(refused))

    def check(self) -> None:
        """Raise `LabelError` where nothing can be used."""
        if not self.masks:
            raise LabelError("No mask can be used for an image of this project; the report says why.")

    def summary(self) -> str:
        """Return the report as lines."""
        kinds = {
            "have no image": self.unmatched,
            "are duplicate or ambiguous": self.duplicates,
            "cannot be read": self.unreadable,
            "differ in size from their image": self.wrong_size,
            "hold values without a class": self.wrong_values,
            "count objects of no known class": self.without_class,
            "contradict the labels of their image": self.contradictions,
        }
        lines = [
            f"{counted(len(self.masks), 'mask')} can be used ({self.kind}); "
            f"{counted(len(self.without_mask), 'image has', 'images have')} none."
        ]
        lines += [f"Pixels: {listed(self.pixels)}."] if self.masks else []
        lines += [f"{len(found)} masks {what}: {'; '.join(found[:5])}." for what, found in kinds.items() if found]
        if self.unknown:
            lines.append(
                f"Names that are no class here, by masks: {listed(self.unknown)}. Unknown classes are left out with "
                "their masks, or become background or ignored pixels, as you choose."
            )
        if self.occupied:
            lines.append(f"{len(self.occupied)} of these images have a person's mask already: {listed(self.occupied)}.")
        lines += [f"Note: {note}." for note in self.notes]
        return "\n".join(lines)


def import_masks(
    source: Path,
    images: Mapping[str, Path],
    classes: ClassList,
    labels: Mapping[str, Collection[str]] | None = None,
    choices: MaskChoices | None = None,
) -> MaskImportReport:
    """Return which masks of a source are usable masks of `images`; nothing is written.

    Pictures are found by the name of their image, with or without its suffix and sub-folder, also as ``x_mask.png``
    and the like.

    Parameters
    ----------
    source : Path
        A file, folder or zip archive that one of the readers knows (see `exchange.reading`), or a folder with such an
        archive.
    images : mapping of image id to image file
        The images of the project.
    classes : ClassList
        The project's classes.
    labels : mapping of image id to class names, optional
        Image-level labels, of the images that are labelled, be it none of the classes; masks that contradict them
        are said, and taken.
    choices : MaskChoices, optional

    Raises
    ------
    LabelError
        When the source is missing or of no known format.
    """
    choices, name, source = choices or MaskChoices(), source.name, unpacked(source)
    if choices.kind == "auto" and not recognised(source, "masks", classes.names) and (archive := archive_in(source)):
        source = unpacked(archive)
    kind = named_or_recognised(source, "masks", choices.kind, classes.names)
    importer = _Import(images, Rules(classes, choices.unknown, choices.instances, choices.regions), labels or {})
    reading = Reading(classes.names)
    for said in reader_of(kind).read(source, reading):
        importer.take(said)
    return importer.report(kind, reading, name)


def match_of(said: Annotated, index: ImageIndex) -> Match:
    """Return the image that something is said of: by a name as it is, else without what tools add to it.

    What is said of a plane is of no image but that plane of a stack.
    """
    decorated = [found for name in said.names if (found := _DECORATED.fullmatch(name))]
    bare = [f"{one['folder'] or ''}{one['last'] or one['first']}" for one in decorated]
    find = partial(index.find_plane, plane=said.page) if said.page else index.find
    match = closest(find(name) for name in said.names)
    others = (find(name) for name in (*bare, *(f"{one}{_PHOTOGRAPH}" for one in bare)))
    return match if match.ids else next((other for other in others if other.ids), match)


class _Import:
    def __init__(self, images: Mapping[str, Path], rules: Rules, labels: Mapping[str, Collection[str]]) -> None:
        self.images, self.rules, self.labels = images, rules, labels
        self.index = ImageIndex(Path(), images)
        self.masks: dict[str, str] = {}
        self.made: dict[str, partial[Mask]] = {}
        self.wrong: dict[Kind, list[str]] = {kind: [] for kind in _KINDS}
        self.unmatched: list[str] = []
        self.duplicates: list[str] = []
        self.contradictions: list[str] = []
        self.black_and_white: list[str] = []
        self.unknown: Counter[str] = Counter()
        self.stacks: Counter[str] = Counter()
        self.mere_labels = 0
        self.counts = np.zeros(IGNORE + 1, np.int64)

    def take(self, said: Annotated) -> None:
        if not draws(said):
            self.mere_labels += said.classes is not None
            return
        match = match_of(said, self.index)
        if match.id is None:
            if said.page and (one := match_of(replace(said, page=0), self.index).id) is not None:
                self.wrong["unreadable"].append(f"{said.place}: {one} is no stack here, and its mask has one page")
                return
            found = f"{said.place} can mean {', '.join(match.ids)}" if match.ids else said.place
            (self.duplicates if match.ids else self.unmatched).append(found)
        elif match.id in self.masks:
            self.duplicates.append(f"{said.place} and {self.masks[match.id]} are both for {match.id}")
        else:
            self._take_for(match.id, said)

    def _take_for(self, id_: str, said: Annotated) -> None:
        self.unknown.update(unknown_classes(said, self.rules.classes))
        try:
            size = image_size(self.images[id_])
            made = partial(painted, said, size, self.rules, self.labels.get(id_))
            values = made()
        except Unusable as reason:
            self.unknown.update(reason.names)
            self.wrong[reason.kind].append(str(reason))
            return
        except ProjectError as reason:  # of the image
            self.wrong["unreadable"].append(str(reason).removesuffix("."))
            return
        self.masks[id_], self.made[id_] = said.place, made
        self.stacks.update([series_of(id_)] if said.page else [])
        self.counts += np.bincount(values.ravel(), minlength=IGNORE + 1)
        self._compare(id_, values, said.place)
        counts_objects = self.rules.instances or (said.picture is not None and said.picture.instances)
        if said.picture is not None and not counts_objects and set(np.unique(values).tolist()) == {BACKGROUND, IGNORE}:
            self.black_and_white.append(said.place)

    def _compare(self, id_: str, values: Mask, place: str) -> None:
        """Say where a mask and the labels of its image contradict each other."""
        if id_ not in self.labels:
            return
        painted_ones = {self.rules.classes.name_of(value) for value in class_values(values)}
        said = [
            *(f"paints {one}, which is no label" for one in sorted(painted_ones.difference(self.labels[id_]))),
            *(f"has no pixel of the label {one}" for one in sorted(set(self.labels[id_]) - painted_ones)),
        ]
        if said:
            self.contradictions.append(f"{place} {' and '.join(said)}")

    def report(self, kind: str, reading: Reading, source: str) -> MaskImportReport:
        values = (value for value in self.rules.classes.values() if self.counts[value])
        return MaskImportReport(
            masks=self.masks,
            kind=kind,
            unmatched=tuple(self.unmatched),
            duplicates=tuple(self.duplicates),
            unreadable=(*self.wrong["unreadable"], *reading.unreadable),
            wrong_size=tuple(self.wrong["wrong_size"]),
            wrong_values=tuple(self.wrong["wrong_values"]),
            without_class=tuple(self.wrong["without_class"]),
            without_mask=tuple(id_ for id_ in self.images if id_ not in self.masks),
            contradictions=tuple(self.contradictions),
            unknown=dict(sorted(self.unknown.items())),
            pixels={self.rules.classes.name_of(value): int(self.counts[value]) for value in sorted(values)},
            notes=(*reading.notes, *self._notes()),
            source=source,
            _made=self.made,
        )

    def _notes(self) -> tuple[str, ...]:
        notes = []
        if self.black_and_white:
            notes.append(
                f"{counted(len(self.black_and_white), 'mask holds', 'masks hold')} only 0 and 255 "
                f"({listed(self.black_and_white)}): 255 means "
                "ignore here, so if white was meant as the object, take the masks as instances"
            )
        if self.wrong["wrong_values"] and not self.rules.instances:
            notes.append("where values count objects, take them as instances: each gets the only label of its image")
        if self.stacks:
            notes.append(
                f"{self.stacks.total()} masks are pages for those of {len(self.stacks)} stacks: {listed(self.stacks)}"
            )
        if self.mere_labels:
            notes.append(
                f"{counted(self.mere_labels, 'image has', 'images have')} labels, boxes, lines or points there, "
                "but nothing painted"
            )
        return tuple(notes)


_KINDS: tuple[Kind, ...] = ("unreadable", "wrong_size", "wrong_values", "without_class")
