"""Labels read again for a project that exists: what would change, and what a person's edits keep."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from napari_wsss.core.errors import LabelError
from napari_wsss.core.plural import counted
from napari_wsss.exchange.label_report import LabelReport, listed
from napari_wsss.exchange.labels import read_labels
from napari_wsss.exchange.labels_voc import pictures_folder
from napari_wsss.exchange.whole_reports import WholeReport
from napari_wsss.pixels.decoding.stacks import series_of
from napari_wsss.project.label_imports import NEGATIVE, Said
from napari_wsss.project.project import Project


@dataclass(frozen=True)
class LabelChoices:
    """How labels are read again.

    Parameters
    ----------
    kind, encoding : str
        As `read_labels` takes them.
    edited_too : bool
        Also images whose labels a person changed in the project.
    """

    kind: str = "auto"
    encoding: str = ""
    edited_too: bool = False


@dataclass(frozen=True)
class LabelChanges(WholeReport):
    """What a source of labels would change in a project; nothing is changed before `take`.

    Parameters
    ----------
    source : str
        In words.
    changes : mapping of image id to Said
        What is taken.
    before : mapping of image id to str
        What these images have, in words.
    kept : mapping of image id to str
        Images whose labels a person changed, and which the source contradicts, with what it says.
    same : int
        Images of which it says what they have.
    unknown : mapping of str to int
        Names that are no class of the project -> how many images; such images stay as they are.
    labels : LabelReport
        What the source says, whole.
    stacks : mapping of str to int
        Stacks that the source names as a whole -> how many pages of them it speaks for.
    """

    source: str
    changes: dict[str, Said]
    before: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    same: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    labels: LabelReport | None = None
    stacks: dict[str, int] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `LabelError` where the source says nothing of any image of the project that could be used."""
        if not (self.changes or self.kept or self.same):
            raise LabelError(f"{self.source} says nothing about the images of this project that can be used.")

    def summary(self) -> str:
        """Return the report as lines: how many change, with examples, and what is kept or left out."""
        examples = [f"{one}: {self.before[one]} -> {_told(said)}" for one, said in self.changes.items()]
        lines = [
            f"{counted(len(self.changes), 'image gets', 'images get')} other labels from {self.source}; "
            f"{self.same} have them already."
        ]
        lines += [f"  {example}" for example in examples[:5]]
        lines += [f"  and {len(examples) - 5} more"] if len(examples) > 5 else []
        if self.kept:
            kept = [f"{one} (it says {said})" for one, said in self.kept.items()]
            lines.append(
                f"{counted(len(kept), 'image keeps', 'images keep')} the labels that a person gave: {listed(kept)}."
            )
        if self.stacks:
            lines.append(f"Entries for whole stacks count for each of their pages: {listed(self.stacks)}.")
        if self.unknown:
            lines.append(f"Left out, for names that are no class of the project: {listed(self.unknown)} images.")
        return "\n".join([*lines, *self._problems()])

    def _problems(self) -> list[str]:
        if self.labels is None:
            return []
        kinds = {
            "entries have no image": self.labels.unmatched,
            "entries are duplicate or ambiguous": self.labels.duplicates,
            "entries cannot be read": self.labels.unreadable,
            "entries contradict each other": self.labels.conflicts,
        }
        lines = [f"{len(found)} {what}: {listed(found)}." for what, found in kinds.items() if found]
        return [*lines, *(f"Note: {note}." for note in self.labels.notes)]


def find_label_changes(project: Project, source: Path, choices: LabelChoices | None = None) -> LabelChanges:
    """Return what a source of labels would change in a project; nothing is written.

    An image that the source does not name keeps its labels; one of which a single name is no class of the project
    too. Where pages of stacks are the project's images, an entry for a stack's file is one for each of its pages.

    Parameters
    ----------
    project : Project
    source : Path
        Any source of labels that a new project may be made from.
    choices : LabelChoices, optional

    Raises
    ------
    LabelError
        When the source cannot be used.
    """
    choices, names = choices or LabelChoices(), project.classes.current
    root = project.images_root
    beside = root.parent if pictures_folder(root.parent) == root else root
    records = tuple(project.catalog.records())
    planes = [record.path for record in records if series_of(record.path) != record.path]
    kind, encoding = choices.kind, choices.encoding
    report = read_labels(beside, source, kind, check_images=False, encoding=encoding, also=names, planes=planes)
    changes: dict[str, Said] = {}
    before: dict[str, str] = {}
    kept: dict[str, str] = {}
    unknown: Counter[str] = Counter()
    stacks: Counter[str] = Counter()
    same = 0
    for record in records:
        path = next((one for one in (record.path, series_of(record.path)) if one in report.labels), None)
        if path is None:
            continue
        labels = report.labels[path]
        stacks.update([path] if path != record.path else [])
        if strange := labels.difference(names):
            unknown.update(strange)
            continue
        uncertain = report.unknown.get(path, frozenset())
        said = Said(labels, not labels and not uncertain, uncertain)
        if said == Said.of(record):
            same += 1
        elif record.label_changed and not choices.edited_too:
            kept[record.id] = _told(said)
        else:
            changes[record.id], before[record.id] = said, record.labels_text
    return LabelChanges(report.source, changes, before, kept, same, dict(unknown), report, dict(stacks))


def take(project: Project, found: LabelChanges) -> int:
    """Make the changes, as one step that `Project.label_imports` takes back; return how many.

    Raises
    ------
    LabelError
        When the source says nothing that can be used.
    """
    found.check()
    return project.label_imports.take(found.changes, found.source)


def _told(said: Said) -> str:
    names = [*sorted(said.labels), *(f"{name} ?" for name in sorted(said.unknown))]
    return ", ".join(names) or NEGATIVE
