"""Labels, masks and maps of other tools into the open project: looked at first, never over a person's work.

Sources are read in the background; what is taken is decided in the session's thread, mask by mask, so that a person may
go on working meanwhile.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.errors import ProjectError, WsssError
from napari_wsss.core.inside import is_below
from napari_wsss.core.masks import Mask
from napari_wsss.core.plural import counted
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.registry import method_title
from napari_wsss.core.sources import Source
from napari_wsss.exchange.annotations.annotated import Annotated, Picture
from napari_wsss.exchange.annotations.painting import Rules, Unknown, painted
from napari_wsss.exchange.encodings import ENCODINGS
from napari_wsss.exchange.label_changes import LabelChanges, LabelChoices, find_label_changes, take
from napari_wsss.exchange.maps.importing import MapImportReport, maps_for
from napari_wsss.exchange.masks.importing import MaskChoices, MaskImportReport, match_of
from napari_wsss.exchange.masks.taking import Taking, masks_for, take_one
from napari_wsss.exchange.matching import ImageIndex
from napari_wsss.exchange.reading import KINDS, MAP_KINDS, MASK_KINDS, READERS
from napari_wsss.pipeline.lineage import has_model
from napari_wsss.pipeline.map_imports import Kept, keep
from napari_wsss.session.dropped import TABLES, Dropped, entries_of, holds_maps
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.models.applied import AppliedModels
from napari_wsss.session.review.labels import Labels
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.navigation import Navigation
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

What = Literal["labels", "masks", "maps"]
WHAT: tuple[What, ...] = get_args(What)
_KINDS: dict[What, tuple[str, ...]] = {"labels": KINDS, "masks": MASK_KINDS, "maps": MAP_KINDS}
_TITLES = {
    "auto": "find out",
    "csv": "CSV table",
    "folders": "sub-folder names",
    "voc": "VOC-style folder",
    "text": "plain text list",
    "none": "none yet",
}
_LOOKED_AT = 50
IMPORT, PREVIEW = "import", "import preview"


class Report(Protocol):
    """What a preview shows."""

    def summary(self) -> str:
        """Return it as lines."""

    def entries(self) -> dict[str, list[str]]:
        """Return the entries of every kind."""

    def check(self) -> None:
        """Raise where nothing of it can be used."""


def paints_nothing(report: Report) -> bool:
    """Tell whether a preview of masks found none at all, so that there may be labels in the source instead."""
    return isinstance(report, MaskImportReport) and report.paints_nothing


@dataclass(frozen=True)
class ImportChoices:
    """How a source is read and taken.

    Parameters
    ----------
    kind : str
        One of `kinds_of`.
    unknown : str
        What classes of masks become that the project does not have: ``refuse``, ``background`` or ``ignore``.
    instances : bool
        Values of masks count objects.
    regions : bool
        Objects whose class is not known become ignored regions, which a click with napari's fill tool gives one.
    accept : bool
        Masks are accepted, else they are drafts.
    overwrite : bool
        Also where a person painted or changed labels.
    encoding : str
        How a label file is written, as Python names it; "" finds out.
    """

    kind: str = "auto"
    unknown: Unknown = "refuse"
    instances: bool = False
    regions: bool = False
    accept: bool = False
    overwrite: bool = False
    encoding: str = ""


@dataclass
class _Step:
    """Masks while they are taken."""

    how: Taking
    group: int = 0
    taken: list[str] = field(default_factory=list)
    kept: int = 0


def kinds_of(what: What) -> tuple[tuple[str, str], ...]:
    """Return the formats that labels, masks or maps may have: name and title, ``auto`` first."""
    return tuple((kind, _TITLES.get(kind) or method_title(READERS, kind)) for kind in _KINDS[what])


def encodings() -> tuple[tuple[str, str], ...]:
    """Return how label files may be written: Python's name and a title, first "" for finding it out."""
    return (("", "find out"), *ENCODINGS.items())


def found_out(encoding: str) -> str:
    """Return what stands in a list for finding an encoding out, with what was found; "" for nothing yet."""
    return f"found: {ENCODINGS.get(encoding, encoding)}" if encoding else "find out"


def encoding_of(report: Report) -> str:
    """Return how the label file behind a report is written, as Python names it; "" where that does not matter."""
    return report.labels.encoding if isinstance(report, LabelChanges) and report.labels else ""


class Imports:
    """What comes into the open project from other tools.

    Parameters
    ----------
    opened : Opened
    navigation, labels, models
        Show and follow what changed.
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    done : Signal()
        Something was taken, or taken back.
    """

    done = Signal()

    def __init__(
        self,
        opened: Opened,
        navigation: Navigation,
        labels: Labels,
        models: AppliedModels,
        jobs: Jobs,
        signals: Signals,
    ) -> None:
        self._opened, self._navigation, self._labels, self._models = opened, navigation, labels, models
        self._jobs, self.signals = jobs, signals

    def what_of(self, found: Dropped) -> What | None:
        """Return what a dropped file or folder can be imported as into the open project; None where it cannot be.

        Annotations are masks, in which there may turn out to be none but labels. What may be anything is masks or maps
        where its pictures or arrays are called like the project's images, and it lies elsewhere.
        """
        table = self._opened.or_none
        if table is None or table.project.read_only or found.kind == "project":
            return None
        if found.kind in ("masks", "labels"):
            return "labels" if found.path.suffix.lower() in TABLES else "masks"
        project = table.project
        if found.path == project.images_root or is_below(found.path, project.images_root):
            return None
        index = ImageIndex(project.images_root, project.catalog.ids())
        named = (Annotated((name,), name) for name in islice(entries_of(found), _LOOKED_AT))
        if not any(match_of(one, index).ids for one in named):
            return None
        return "maps" if found.kind == "unsure" and holds_maps(found) else "masks"

    # -- looking ----------------------------------------------------------------------------------------------

    def preview(self, what: What, source: Path, choices: ImportChoices) -> Job:
        """Return a job, to be submitted, that succeeds with the report of a source; nothing is changed."""
        project = self._opened.table.project

        def look() -> Steps[Report]:
            yield Progress(PREVIEW, 0, 0, str(source))
            if what == "labels":
                return find_label_changes(
                    project, source, LabelChoices(choices.kind, choices.encoding, choices.overwrite)
                )
            if what == "masks":
                how = MaskChoices(choices.kind, choices.unknown, choices.instances, choices.regions)
                return masks_for(project, source, how)
            return maps_for(project, source, choices.kind)

        return Job("reading what is there", look, key=PREVIEW, lane=PREVIEW)

    # -- taking -----------------------------------------------------------------------------------------------

    @reported
    def take(self, report: Report, choices: ImportChoices) -> bool:
        """Take what a preview reported; masks and maps in the background.

        Raises
        ------
        LabelError, ProjectError
            Said as a failure: when nothing can be used, the project is read-only, or an import is running.
        """
        table = self._opened.table
        report.check()
        if table.project.read_only:
            raise ProjectError("This project is open read-only, so nothing is imported.")
        if self._jobs.find(IMPORT) is not None:
            raise ProjectError("An import is running; wait for its end, or cancel it.")
        if isinstance(report, LabelChanges):
            return self._take_labels(table, report)
        if isinstance(report, MapImportReport):
            return self._submit(table, "keeping maps", self._keep(table, report), self._maps_kept)
        assert isinstance(report, MaskImportReport)
        if not table.flush():
            return False
        step = _Step(Taking(choices.accept, choices.overwrite))
        steps = self._take_masks(table, report, step)
        return self._submit(table, "taking masks", steps, lambda _: self._taken(table, step))

    def _submit(self, table: Table, name: str, steps: Steps[Any], then: Callable[[list[Any]], None]) -> bool:
        job = Job(name, lambda: steps, key=IMPORT, lane=IMPORT)
        results: list[Any] = []
        job.succeeded.connect(results.append)
        job.failed.connect(lambda message, _error: self.signals.failed.emit(message))
        job.ended.connect(lambda: self._ended(table, then, results))
        self._jobs.submit(job)
        return True

    def _ended(self, table: Table, then: Callable[[list[Any]], None], results: list[Any]) -> None:
        if self._opened.holds(table):
            then(results)
            self.done.emit()

    # -- labels -----------------------------------------------------------------------------------------------

    def _take_labels(self, table: Table, report: LabelChanges) -> bool:
        count = take(table.project, report)
        self._labels_moved(table, report.changes)
        self.signals.notice.emit(
            f"{counted(count, 'image has', 'images have')} other labels now, from {report.source}."
        )
        return True

    @property
    def labels_from(self) -> str:
        """Where the labels came from that `take_back_labels` would take back; "" for none."""
        table = self._opened.or_none
        return "" if table is None or table.project.read_only else table.project.label_imports.last

    @reported
    def take_back_labels(self) -> bool:
        """Give the images of the last import of labels those they had."""
        table = self._opened.table
        back, edited = table.project.label_imports.take_back()
        self._labels_moved(table, back)
        kept = f"; {len(edited)} were edited since and stay" if edited else ""
        self.signals.notice.emit(
            f"{counted(len(back), 'image has its', 'images have their')} labels from before{kept}."
        )
        return True

    def _labels_moved(self, table: Table, ids: Collection[str]) -> None:
        """Bring the shown image and what is computed for others after other labels."""
        table.refresh()
        if table.image_id in ids:
            self._labels.follow(table.image_id)
        others = [one for one in ids if one != table.image_id]
        if others and has_model(table.plan):
            self._models.propose_again(others)
        self._navigation.refresh_queue()
        self.signals.labels_changed.emit(table.image_id)
        self.done.emit()

    # -- masks ------------------------------------------------------------------------------------------------

    def _take_masks(self, table: Table, report: MaskImportReport, step: _Step) -> Steps[None]:
        """Read masks one by one, and have each taken in the session's thread."""
        for number, image_id in enumerate(report.masks, 1):
            values = report.read(image_id)
            origin = report.origin(image_id)
            self._jobs.dispatch(partial(self._take_one, table, step, image_id, values, origin))
            yield Progress(IMPORT, number, len(report.masks), image_id)

    def _take_one(self, table: Table, step: _Step, image_id: str, values: Mask, origin: Source) -> None:
        project = table.project
        if not self._opened.holds(table):
            return
        is_worked_on = image_id == table.image_id and table.mask_is_touched
        if is_worked_on or (project.masks.any(image_id) and not step.how.overwrite):
            step.kept += 1
            return
        try:
            with project.review.as_one_step(step.group) as step.group:
                take_one(project, image_id, values, origin, step.how)
        except WsssError as reason:
            self.signals.failed.emit(f"{image_id} was left out: {reason}")
            return
        step.taken.append(image_id)

    def _taken(self, table: Table, step: _Step) -> None:
        for image_id in step.taken:
            table.tell_state(image_id)
        if table.image_id in step.taken:
            self._navigation.go_to(table.image_id)  # shows it
        self._navigation.refresh_queue()
        kind = "accepted" if step.how.accept else "drafts"
        kept = f"; {counted(step.kept, 'image keeps its mask', 'images keep the mask they had')}" if step.kept else ""
        self.signals.notice.emit(f"{counted(len(step.taken), 'mask')} taken ({kind}){kept}.")

    @reported
    def take_layer(self, values: NDArray[Any], name: str = "layer") -> bool:
        """Make the values of another layer the shown image's mask, in one undoable step.

        Parameters
        ----------
        values : (H, W) of whole numbers
            Mask values of the project; other ones count objects, of the image's only label.
        name : str
            Of the layer.
        """
        table = self._opened.table
        size = (table.mask.shape[0], table.mask.shape[1])
        raw = np.asarray(values)
        is_mask = bool(np.isin(raw, table.classes.values()).all())
        whole = raw.astype(np.uint8 if is_mask else np.int64)
        said = Annotated((name,), name, picture=Picture(lambda: whole, None, not is_mask))
        record = table.record
        mask = painted(said, size, Rules(table.classes, regions=True), record.labels if record.labelled else None)
        table.replace_mask(mask, Source("script"))
        read = "" if is_mask else "; its values are no classes and were read as objects"
        self.signals.notice.emit(f"The mask is that of the layer {name} now{read}. Ctrl+Z brings yours back.")
        return True

    # -- maps -------------------------------------------------------------------------------------------------

    def _keep(self, table: Table, report: MapImportReport) -> Steps[Kept]:
        return keep(table.project, report.source, report.read_all())

    def _maps_kept(self, results: list[Kept]) -> None:
        if results:
            self._models.apply_kept(results[0].checkpoint)
            self.signals.notice.emit(
                f"Maps of {counted(len(results[0].done), 'image')} are used in place of a localizer."
            )
