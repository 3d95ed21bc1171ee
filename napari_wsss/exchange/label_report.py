"""What a label source says about the images of a folder, and everything that is wrong with it, before use."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from napari_wsss.core.classes import natural_order
from napari_wsss.core.plural import counted
from napari_wsss.exchange.matching import ImageIndex
from napari_wsss.exchange.text_files import in_form, is_empty, is_nothing, split_names, words_of
from napari_wsss.exchange.whole_reports import WholeReport
from napari_wsss.project.records import NewImage

SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "val"}
"""What label sources call their splits -> ours; images of others get one by `Project.hold_out`."""
_A_NAME = 80
"""Characters; what is longer is a sentence, which stands on a line of its own."""
_SHOWN = 5


@dataclass(frozen=True)
class LabelReport(WholeReport):
    """Image-level labels by image id, and every entry that could not be used, as sentences.

    Parameters
    ----------
    source : str
        Where the labels come from, in words.
    kind : str
        ``csv``, ``folders``, ``voc``, ``text`` or ``none``.
    images_root : Path
        The folder that image ids are relative to (``JPEGImages`` of a VOC-style folder).
    images : tuple of str
        Every readable image, in natural order.
    labels : dict
        Image id to class names; an empty set means *labelled, none of the classes* (or none that is known of, where
        `unknown` names some). Images without an entry are not in here.
    classes : tuple of str
        Foreground class names in order; empty when nothing is known yet.
    splits : dict
        Image id to split name (``train``, ``val``, ...), where one is given.
    masks : dict
        Image id to a mask file, where one lies beside the images.
    unmatched, duplicates, unreadable, conflicts : tuple of str
        Entries without an image; second or ambiguous entries; files and lines that cannot be read; contradictions.
    notes : tuple of str
        Choices made on the way that are not faults.
    unknown : dict
        Image id to the classes of which the source is uncertain.
    encoding : str
        How the label file is written, as Python names it; "" where that does not matter.
    """

    source: str
    kind: str
    images_root: Path
    images: tuple[str, ...]
    labels: dict[str, frozenset[str]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    splits: dict[str, str] = field(default_factory=dict)
    masks: dict[str, Path] = field(default_factory=dict)
    unmatched: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unknown: dict[str, frozenset[str]] = field(default_factory=dict)
    encoding: str = ""

    @property
    def without_labels(self) -> tuple[str, ...]:
        """Images that no entry names."""
        return tuple(id_ for id_ in self.images if id_ not in self.labels)

    @property
    def is_clean(self) -> bool:
        """True when every entry could be used and agrees with the others (images without labels are no fault)."""
        return not (self.unmatched or self.duplicates or self.unreadable or self.conflicts)

    @property
    def negatives(self) -> tuple[str, ...]:
        """Images that an entry says hold none of the classes."""
        return tuple(id_ for id_ in self.images if self.new_image(id_).negative)

    def counts(self) -> dict[str, int]:
        """Return the number of images per class, in class order."""
        found = Counter(name for names in self.labels.values() for name in names)
        return {name: found[name] for name in self.classes}

    def new_image(self, image_id: str) -> NewImage:
        """Return what a project is told of an image: its labels, and its split where that has a name we know."""
        split = SPLITS.get(self.splits.get(image_id, ""), "")
        labels, unknown = (table.get(image_id, frozenset()) for table in (self.labels, self.unknown))
        negative = image_id in self.labels and not labels and not unknown
        return NewImage(image_id, labels, split, negative, unknown)

    def summary(self) -> str:
        """Return the report as lines to read before a project is made, each kind of problem with examples."""
        split_counts = ", ".join(f"{name} {count}" for name, count in sorted(Counter(self.splits.values()).items()))
        lines = [
            f"{counted(len(self.images), 'image')}, {len(self.labels)} with labels, "
            f"{counted(len(self.classes), 'class', 'classes')} from {self.source}.",
            *([f"Images per class: {listed(self.counts())}."] if self.classes else []),
            *(
                [f"{counted(len(self.negatives), 'image is', 'images are')} labelled none of the classes."]
                if self.negatives
                else []
            ),
            *([f"Splits: {split_counts}."] if split_counts else []),
            *([f"{counted(len(self.masks), 'image comes', 'images come')} with a mask."] if self.masks else []),
            *_problem("label entries have no image", self.unmatched),
            *_problem("entries are duplicate or ambiguous", self.duplicates),
            *_problem("entries cannot be read", self.unreadable),
            *_problem("entries contradict each other", self.conflicts),
            *(_problem("images have no labels", self.without_labels) if self.kind != "none" else []),
            *(f"Note: {note}." for note in self.notes),
        ]
        return "\n".join(lines)


class LabelCollector:
    """Gathers entries in the order they are read and keeps what is wrong with each.

    Parameters
    ----------
    index : ImageIndex
        The images that entries may mean.
    known : sequence of str
        The class list, where the user has one: other names are reported and left out.
    also : sequence of str
        Classes of a project: names that mean themselves, also where they look like *nothing* (``NA``, ``None``).
    """

    def __init__(self, index: ImageIndex, known: Sequence[str] = (), also: Sequence[str] = ()) -> None:
        self.index = index
        self.known = tuple(known)
        self.names = (*self.known, *also)
        self.labels: dict[str, set[str]] = {}
        self.splits: dict[str, str] = {}
        self.masks: dict[str, Path] = {}
        self.unmatched: list[str] = []
        self.duplicates: list[str] = []
        self.unreadable: list[str] = []
        self.conflicts: list[str] = []
        self.notes: list[str] = []
        self._places: dict[str, str] = {}
        self._loose: list[str] = []
        self._words: Counter[str] = Counter()
        self.unknown: dict[str, set[str]] = {}

    def is_empty(self, cell: str) -> bool:
        """Return True for a cell that says nothing (``NA``, unless a class is called so), and count such words."""
        empty = is_empty(cell, self.names)
        self._words.update([cell] if empty and cell else [])
        return empty

    def classes_in(self, cell: str, separator: str | None) -> list[str]:
        """Return the class names in one cell, and count the words taken for *none of the classes*."""
        cell = in_form(cell, self.names)
        self._words.update(word for word in words_of(cell, separator, self.names) if _may_be_a_name(word, self.names))
        return split_names(cell, separator, self.names)

    def doubt(self, id_: str, names: Iterable[str]) -> None:
        """Record the classes that a source is uncertain about in image `id_`."""
        if doubtful := set(self._in_form(names)):
            self.unknown.setdefault(id_, doubtful)

    def match(self, entry: str, place: str) -> str | None:
        """Return the image id that `entry` means; record an unmatched or ambiguous one under `place`."""
        match = self.index.find(entry)
        if not match.ids:
            self.unmatched.append(f"{place}: {entry!r}")
        elif match.id is None:
            self.duplicates.append(f"{place}: {entry!r} can mean {listed(match.ids)}; give its folder and suffix")
        elif match.loose:
            self._loose.append(f"{entry!r} -> {match.id!r}")
        return match.id

    def add(self, entry: str, names: Iterable[str], place: str) -> str | None:
        """Record the labels of one image; a second entry for it is a duplicate and does not count."""
        id_ = self.match(entry, place)
        if id_ is None:
            return None
        given = set(self._in_form(names))
        if id_ in self.labels:
            same = "the same labels" if given == self.labels[id_] else "other labels"
            self.duplicates.append(f"{place}: {id_!r} again with {same}; {self._places[id_]} counts")
            return None
        self.labels[id_], self._places[id_] = given, place
        return id_

    def extend(self, id_: str, names: Iterable[str], place: str) -> None:
        """Add labels to those of image `id_`; a label it already has is a duplicate."""
        held = self.labels.setdefault(id_, set())
        self._places.setdefault(id_, place)
        for name in self._in_form(names):
            if name in held:
                self.duplicates.append(f"{place}: {id_!r} has the label {name!r} already")
            held.add(name)

    def _in_form(self, names: Iterable[str]) -> list[str]:
        return [in_form(name, self.names) for name in names]

    def put_split(self, id_: str, split: str, place: str) -> None:
        """Record the split of image `id_`; another one than before is a conflict and does not count."""
        before = self.splits.setdefault(id_, split)
        if before != split:
            self.conflicts.append(f"{place}: {id_!r} is in the split {before!r} already, now in {split!r}")

    def report(self, kind: str, source: str, column_order: Sequence[str] = ()) -> LabelReport:
        """Return the report; classes in the order of the class list, else of the columns, else natural."""
        self._leave_out_unknown_names()
        if self.index.unread:
            self.notes.append(f"the folder holds {self.index.unread}")
        if self.index.system:
            self.notes.append(
                f"folders of projects, exports, the file server or the system are left out: {listed(self.index.system)}"
            )
        for word, count in self._words.items():
            what = "not labelled yet" if is_empty(word) else "none of the classes"
            self.notes.append(f"{word!r} ({count} times) is read as {what}; if it is a class, name it in classes.txt")
        uncertain = Counter(name for names in self.unknown.values() for name in sorted(names))
        if uncertain:
            self.notes.append(
                f"-1 and ? are read as uncertain, that is unknown: {listed(uncertain)} neither given as labels nor "
                "taken for absent"
            )
        if self._loose:
            what = f"{len(self._loose)} entries were matched although their folder or suffix differs"
            self.notes.append(f"{what}: {listed(self._loose)}")
        classes = self.known or self._classes(tuple(dict.fromkeys(self._in_form(column_order))))
        return LabelReport(
            source=source,
            kind=kind,
            images_root=self.index.root,
            images=self.index.ids,
            labels={id_: frozenset(names) for id_, names in self.labels.items()},
            unknown={
                id_: frozenset(names.intersection(classes).difference(self.labels.get(id_, ())))
                for id_, names in self.unknown.items()
            },
            classes=classes,
            splits=self.splits,
            masks=self.masks,
            unmatched=tuple(self.unmatched),
            duplicates=tuple(self.duplicates),
            unreadable=(*self.index.unusable, *self.unreadable),
            conflicts=(*self.conflicts, *_same_but_for_case(classes)),
            notes=tuple(self.notes),
        )

    def _classes(self, column_order: Sequence[str]) -> tuple[str, ...]:
        found = {name for names in self.labels.values() for name in names}
        rest = sorted(found.difference(column_order))
        return (*column_order, *natural_order(rest))

    def _leave_out_unknown_names(self) -> None:
        if not self.known:
            return
        unknown: Counter[str] = Counter()
        for names in self.labels.values():
            unknown.update(names.difference(self.known))
        # Of an image whose names are all unknown (misspelt, say) nothing is known: that is not none of the classes.
        self.labels = {
            id_: names & set(self.known) for id_, names in self.labels.items() if not names or names & set(self.known)
        }
        for name, count in sorted(unknown.items()):
            self.conflicts.append(f"the label {name!r} ({counted(count, 'image')}) is not in the class list: left out")


def _may_be_a_name(word: str, names: Sequence[str]) -> bool:
    """Return True for a word that means nothing here and may be a name (``None``, ``negative``; not ``none``)."""
    if not is_nothing(word, names) or not word.replace("_", "").isalpha():
        return False
    return not word.islower() or word.startswith("negative")


def _same_but_for_case(classes: Sequence[str]) -> list[str]:
    by_key: dict[str, list[str]] = {}
    for name in classes:
        by_key.setdefault(name.casefold(), []).append(name)
    return [f"the classes {listed(names)} differ only in letter case" for names in by_key.values() if len(names) > 1]


def _problem(what: str, entries: Sequence[str]) -> list[str]:
    if not entries:
        return []
    if max(map(len, entries[:_SHOWN])) <= _A_NAME:
        return [f"{len(entries)} {what}: {listed(entries)}."]
    more = [f"  and {len(entries) - _SHOWN} more"] if len(entries) > _SHOWN else []
    return [f"{len(entries)} {what}:", *(f"  {entry}" for entry in entries[:_SHOWN]), *more]


def listed(entries: Iterable[str] | Mapping[str, int]) -> str:
    """Return the first few entries with how many more there are; all of a mapping."""
    if isinstance(entries, Mapping):
        return ", ".join(f"{name} {count}" for name, count in entries.items())
    entries = list(entries)
    more = f", and {len(entries) - _SHOWN} more" if len(entries) > _SHOWN else ""
    return ", ".join(entries[:_SHOWN]) + more
